"""A second Spark session beside the learner's, for what the harness does itself; and the learner's settings kept as they were."""

from __future__ import annotations

import contextlib
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""For tables of a few hundred rows, compiling a query takes longer than running it: reading one took 2.5 s, and 1.6 s without."""

_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]")


@contextlib.contextmanager
def observer(spark: SparkSession, tables: Mapping[str, DataFrame]) -> Iterator[SparkSession]:
    """A session in which `tables` are views of their names. Settings and views of the learner's change nothing there.

    Do not call its `createDataFrame`: that would make it the active session, which the learner's code then gets.
    """
    token = uuid.uuid4().hex[:8]
    session = spark.newSession()
    views = {name: f"{name}_{token}" for name in tables}
    try:
        for name, value in _INTERPRETED.items():
            session.conf.set(name, value)
        for name, frame in tables.items():
            frame.createOrReplaceGlobalTempView(views[name])
            session.table(f"global_temp.{views[name]}").createOrReplaceTempView(name)
        yield session
    finally:
        undisturbed(lambda: _drop(spark, list(views.values())))


def undisturbed(work: Callable[[], None]) -> None:
    """Do some work in a thread of its own, because this one may have been interrupted in the middle of a call into the JVM."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _drop(spark: SparkSession, views: list[str]) -> None:
    with contextlib.ExitStack() as steps:
        for view in views:
            steps.callback(spark.catalog.dropGlobalTempView, view)


def working_folder(spark: SparkSession) -> str:
    """Where Spark puts files whose path is not absolute."""
    return str(spark._jvm.java.lang.System.getProperty("user.dir"))  # type: ignore[union-attr]


def condition_of(error: BaseException) -> str:
    """The name of Spark's error condition ("PATH_NOT_FOUND"), else that of the error's type."""
    found = _CONDITION.findall(str(error))
    return str(found[0]) if found else type(error).__name__


def conditions_of(error: BaseException) -> list[str]:
    """Every error condition that the text of an error names."""
    return _CONDITION.findall(str(error))


def told_condition(name: str) -> str:
    """An error condition in brackets, for a sentence; nothing when it could be anything else than one."""
    return f" ({name})" if re.fullmatch(r"[A-Z][A-Z_.]{3,80}", name) else ""


@contextlib.contextmanager
def kept_settings(spark: SparkSession) -> Iterator[None]:
    """Undo whatever is set meanwhile in a session with `spark.conf.set` or SQL's SET."""
    known = _fingerprint(spark)
    before = _settings(spark, known)
    try:
        yield
    finally:
        undisturbed(lambda: _restore(spark, known, before))


def _restore(spark: SparkSession, known: str, before: Mapping[str, str]) -> None:
    from pyspark.errors import AnalysisException

    if _fingerprint(spark) == known:
        return
    after = dict(spark.conf.getAll)
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) == after.get(key):
            continue
        with contextlib.suppress(AnalysisException):  # one that no session can change
            if key in before:
                spark.conf.set(key, before[key])
            else:
                spark.conf.unset(key)


def _fingerprint(spark: SparkSession) -> str:
    """All settings as one text: a single call into the JVM, where `spark.conf.getAll` makes one for each."""
    of_java: Any = spark._jsparkSession
    return str(of_java.conf().getAll().toString())


@cache
def _settings(spark: SparkSession, fingerprint: str) -> Mapping[str, str]:
    return dict(spark.conf.getAll)
