"""Runs a learner's function: with a deadline, counting the Spark actions it triggers, and turning whatever happens into an outcome."""

from __future__ import annotations

import contextlib
import ctypes
import tempfile
import threading
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.checks import Answer, Check, Unavailable, Workspace, WrongKind
from autograder.checks.executions import executions_after, last_execution
from autograder.checks.observing import kept_settings
from autograder.checks.stream.drive import running, stop_streams
from autograder.models import ExerciseSpec, Status
from autograder.runtime.explain import explain
from autograder.services import connect

UNTOUCHED = "Not attempted yet: the cell above still raises NotImplementedError."


class DeadlineExceeded(BaseException):
    """Raised inside the learner's thread when its time is up. Not an Exception, so that `except Exception` cannot swallow it."""


@dataclass(frozen=True)
class Outcome:
    """What became of one call: an answer, or a status with a sentence and the folded trace."""

    status: Status
    answer: Answer | None = None
    message: str = ""
    trace: str = ""


@dataclass
class _Counting:
    """The learner's function, counting the Spark actions that it runs itself."""

    function: Callable[..., Any]
    spark: Any
    actions: int = 0

    def __call__(self, **inputs: Any) -> Any:
        before = last_execution(self.spark)
        result = self.function(**inputs)
        self.actions += _actions_after(before, self.spark)
        return result


def call(
    spec: ExerciseSpec,
    check: Check,
    function: Callable[..., Any],
    inputs: Mapping[str, Any],
    tables: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Outcome:
    """Call `function(**inputs)` and capture its answer within `spec.deadline` seconds.

    `tables` are those that the kind of answer needs for itself, `arguments` all plain values of the case.

    The work happens in a thread of its own, so that a function that never ends cannot take the notebook with it: Spark jobs of the
    call are cancelled, Python code is interrupted, and the caller always gets an outcome.
    """
    from pyspark.sql import SparkSession

    spark = SparkSession.getActiveSession()
    tag = f"course-{uuid.uuid4().hex}"
    outcomes: list[Outcome] = []

    def work() -> None:
        try:
            _activate(spark)
            _tag_jobs(spark, tag)
            outcomes.append(_answer(spec, check, function, inputs, (tables or {}, arguments or {}), spark))
        except DeadlineExceeded:
            return

    remote = connect.is_remote(spark)
    streams = running(spark) if spark is not None and not remote else frozenset()
    thread = threading.Thread(target=work, daemon=True) if remote else _new_thread(work)
    thread.start()
    thread.join(spec.deadline)
    if outcomes:
        return outcomes[0]
    if not thread.is_alive():  # an interrupt, or an error whose text is an error
        return Outcome(
            Status.ERROR, message="Your function ended without an answer and without an error that can be told."
        )
    if spark is not None and remote:
        spark.interruptTag(tag)
    elif spark is not None:
        spark.sparkContext.cancelJobsWithTag(tag)
        _stop_streams(spark, streams)
    _interrupt(thread)
    thread.join(2.0)
    return Outcome(
        Status.TIMEOUT,
        message=f"Your function was still running after {spec.deadline:g} seconds and was stopped. Look for a loop that never ends, "
        "a join that multiplies rows, a `collect()` of everything, or waiting for a stream without an end.",
    )


def _answer(
    spec: ExerciseSpec,
    check: Check,
    function: Callable[..., Any],
    inputs: Mapping[str, Any],
    given: tuple[Mapping[str, Any], Mapping[str, Any]],
    spark: Any,
) -> Outcome:
    counting = _Counting(function, spark) if "actions" in spec.options else None
    try:
        if "plan" in spec.options and spark is not None:
            # A table that was cached earlier, perhaps with another storage level, would change the plan of this answer.
            spark.catalog.clearCache()
        kept = settings_kept(spark, spec.options)
        with kept, tempfile.TemporaryDirectory(prefix="course-answer-", ignore_cleanup_errors=True) as folder:
            workspace = Workspace(spark, Path(folder), *given)
            answer = check.run(counting or function, inputs, spec.options, workspace)
    except WrongKind as problem:
        return Outcome(Status.FAILED, message=str(problem))
    except Unavailable as problem:
        return Outcome(Status.GRADER_ERROR, message=str(problem))
    except NotImplementedError as error:
        if _raised_by_spark(error):
            return Outcome(Status.ERROR, message=explain(error), trace="".join(traceback.format_exception(error)))
        return Outcome(Status.NOT_ATTEMPTED, message=UNTOUCHED)
    except (KeyboardInterrupt, DeadlineExceeded):
        raise
    except BaseException as error:  # a learner's sys.exit() is an error of the answer, not the end of the notebook
        return Outcome(Status.ERROR, message=explain(error), trace="".join(traceback.format_exception(error)))
    if counting is not None:
        answer = Answer(answer.payload, {**answer.facts, "actions": counting.actions})
    return Outcome(Status.PASSED, answer=answer)


def settings_kept(spark: Any, options: Mapping[str, Any]) -> contextlib.AbstractContextManager[None]:
    """Puts settings back that an answer changes to get its plan, so that the next answer is planned without them.

    Only for answers whose plan or actions are looked at: others have no reason to change any.
    """
    if spark is None or not {"plan", "actions"} & options.keys():
        return contextlib.nullcontext()
    return kept_settings(spark)


def _raised_by_spark(error: NotImplementedError) -> bool:
    """Whether PySpark has refused something (`df.rdd` over Connect, a method of pandas that it lacks), and not an untouched stub."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and "pyspark" in Path(frames[-1].filename).parts


def _activate(spark: Any) -> None:
    """Make the session active in this thread, as it is in the notebook's own.

    Without an active session some of Spark plans by its defaults, and `saveAsTable` does not know Delta's catalog.
    """
    if hasattr(spark, "_jsparkSession"):
        spark._get_j_spark_session_class(spark._jvm).setActiveSession(spark._jsparkSession)


def _tag_jobs(spark: Any, tag: str) -> None:
    """Mark all Spark jobs of this thread, so that they can be cancelled. `SparkSession.interruptTag` misses the jobs of `toArrow`."""
    if connect.is_remote(spark):
        connect.activate(spark)
        spark.addTag(tag)
    elif spark is not None:
        spark.sparkContext.addJobTag(tag)
        spark.sparkContext.setInterruptOnCancel(True)


def _stop_streams(spark: Any, keep: frozenset[str]) -> None:
    """Stop the streaming queries that the call has started; in a thread, because one that does not react blocks `stop`."""
    stopping = _new_thread(lambda: stop_streams(spark, keep))
    stopping.start()
    stopping.join(5.0)


def _actions_after(last: int, spark: Any) -> int:
    """How many actions (count, collect, write, ...) ran after the execution of that id.

    Each is one SQL execution that ran a job, perhaps with others below it. Commands such as creating a view run none.
    """
    return len({found.rootExecutionId() for found in executions_after(last, spark) if not found.jobs().isEmpty()})


def _new_thread(work: Callable[[], None]) -> threading.Thread:
    """A daemon thread that shares the notebook's Spark session."""
    from pyspark import InheritableThread

    thread: threading.Thread = InheritableThread(target=work)
    thread.daemon = True
    return thread


def _interrupt(thread: threading.Thread) -> None:
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(DeadlineExceeded))
