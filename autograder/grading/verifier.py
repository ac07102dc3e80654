"""Judges captured answers. Processes of their own that never import learner code and need no Spark.

    python -m autograder.grading.verifier

reads requests from standard input, one JSON list of two paths in a line, and serves each in a forked child, so that no
process ever judges two submissions. The process that reads only loads libraries and forks: it opens no answer, so there
is nothing of one learner that the next one's child could inherit. When a child has ended, its exit code goes to standard
output in a line, 0 when the response is whole.

The first path is a JSON file with `answers` (the folder that came out of the sandbox), `reason` (how the sandbox ended),
`notebooks` (number → ids of the exercises to judge) and `seconds` (how long the child may take). The second one becomes
a JSON list of verdicts, each with `seconds`.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import json
import os
import re
import resource
import select
import signal
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa

from autograder import manifest, paths
from autograder.checks import KINDS, Answer
from autograder.compare import AnswerUnreadable
from autograder.grading.orphans import end_with_parent
from autograder.grading.printable import printable
from autograder.grading.results import ON_HIDDEN_DATA, TOO_LARGE
from autograder.grading.task import case_name
from autograder.models import ExerciseSpec, NotebookSpec, Status, Verdict
from autograder.runtime.call import Outcome
from autograder.runtime.judge import grader_fault, reference_folder, verdict
from autograder.setup.java_process import spark_home

MAXIMUM_OUTCOME_BYTES = 100_000
MEMORY_BYTES = 4_000_000_000
LIBRARIES = ("pandas", "polars", "scipy.sparse.csgraph")
"""What the comparer (pandas: pyarrow) loads only when it needs it. Loaded here before anything is judged, because the children share it."""

_BELIEVED = (Status.PASSED, Status.FAILED, Status.NOT_ATTEMPTED, Status.ERROR, Status.TIMEOUT)


_ERRORS_OF_PACKAGES = frozenset(
    re.findall(
        r"\w+",
        """
    PySparkException PySparkTypeError PySparkValueError PySparkAttributeError PySparkRuntimeError
    PySparkAssertionError PySparkNotImplementedError PySparkKeyError PySparkIndexError PySparkImportError
    AnalysisException ParseException IllegalArgumentException StreamingQueryException QueryExecutionException
    PythonException ArithmeticException ArrayIndexOutOfBoundsException DateTimeException NumberFormatException
    SparkRuntimeException SparkUpgradeException SparkConnectException SparkConnectGrpcException
    SessionNotSameException UnknownException Py4JError Py4JJavaError Py4JNetworkError NotSerializableException
    PSQLException InterfaceError DatabaseError ProgrammingError HTTPError URLError JSONDecodeError ArrowInvalid
    ArrowTypeError ArrowNotImplementedError ArrowKeyError IntCastingNaNError MergeError InvalidIndexError
    OutOfBoundsDatetime DeltaAnalysisException DeltaIllegalArgumentException DeltaConcurrentModificationException
    MetadataChangedException InvalidOperation ZoneInfoNotFoundError
    """,
    )
)
"""Classes of errors outside of Python's own that learners meet in this course."""


@cache
def known_errors() -> frozenset[str]:
    """Python's exceptions and Spark's error conditions ("DIVIDE_BY_ZERO", "CAST_INVALID_INPUT", ...), by name."""
    names = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
    }
    texts = [path.read_bytes() for path in (spark_home() / "errors").glob("error-conditions.json")]
    for jar in [
        *(spark_home() / "jars").glob("spark-common-utils_*.jar"),
        *(paths.STATE / "jars").glob("delta-spark_*.jar"),
    ]:
        with zipfile.ZipFile(jar) as archive:
            found = [
                name
                for name in archive.namelist()
                if re.fullmatch(r"error/[a-z-]*error-(conditions|classes)\.json", name)
            ]
            texts += [archive.read(name) for name in found]
    for text in texts:
        for name, entry in json.loads(text).items():
            parts = (entry.get("subClass") or entry.get("sub_class") or {}) if isinstance(entry, dict) else {}
            names |= {name, *(f"{name}.{part}" for part in parts)}
    return frozenset(names)


@dataclass(frozen=True)
class ExpectedCase:
    """One case as the verifier knows it: `name` inside the sandbox, the folder of the expected answer, what is special
    about it.
    """

    name: str
    expected: Path
    description: str = ""

    @property
    def hidden(self) -> bool:
        """Whether learners must not see its data."""
        return bool(self.description)


def main() -> None:
    """Serve requests until standard input ends."""
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in LIBRARIES:
        importlib.import_module(name)
    known_errors()
    gc.freeze()
    for line in sys.stdin.buffer:
        request, response = map(Path, json.loads(line))
        document = json.loads(request.read_text(encoding="utf-8"))
        alive, held = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(alive)
            _serve(document, response)
        os.close(held)
        sys.stdout.write(f"{_end_of(child, alive, float(document['seconds']))}\n")
        sys.stdout.flush()


def _serve(document: Mapping[str, Any], response: Path) -> NoReturn:
    """The child of one request. It has nothing open but what it opens itself."""
    code = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        verdicts = list(judge(Path(document["answers"]), document["reason"], document["notebooks"]))
        response.write_text(json.dumps(verdicts), encoding="utf-8")
        code = 0
    finally:
        os._exit(code)


def _end_of(child: int, alive: int, seconds: float) -> int:
    """Wait for a child, kill it when its time is over. Returns its exit code, negative for a signal.

    `alive` is a pipe whose other end only the child holds, so that it ends with the child.
    """
    with os.fdopen(alive, "rb") as pipe:
        if not select.select([pipe], [], [], seconds)[0]:
            os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def judge(answers: Path, reason: str, notebooks: Mapping[str, Iterable[str]]) -> Iterable[dict[str, Any]]:
    """Verdicts as JSON on the exercises of some notebooks, in the order asked for."""
    for number, exercises in notebooks.items():
        notebook = manifest.notebook(number)
        specs = {spec.id: spec for spec in notebook.exercises}
        for exercise in exercises:
            found, seconds = judge_exercise(notebook, specs[exercise], answers / notebook.name / exercise, reason)
            yield {**found.to_json(), "seconds": seconds}


def judge_exercise(notebook: NotebookSpec, spec: ExerciseSpec, answers: Path, reason: str) -> tuple[Verdict, float]:
    """The verdict on one exercise and the seconds that its answers took. The first case that is not right decides."""
    seconds = 0.0
    deciding: Verdict | None = None
    fraction = 1.0
    on_hidden_data = False
    try:
        for case in expected_cases(notebook, spec.id):
            on_hidden_data = case.hidden
            outcome, taken = read_outcome(spec, answers / case.name, reason)
            seconds += taken
            expected = KINDS[spec.kind].load(case.expected)
            try:
                found = verdict(spec, outcome, expected)
            except (
                AnswerUnreadable
            ) as error:  # what a loader lets pass and a judge cannot use, such as predictions without key
                outcome = Outcome(Status.ERROR, message=f"The answer could not be read: {error}")
                found = verdict(spec, outcome, expected)
            if found.status is Status.PASSED:
                continue
            fraction = min(fraction, found.points / spec.points if spec.points else 0.0)
            deciding = deciding or (about_hidden(found, outcome, case, spec.kind) if case.hidden else found)
            if found.status is not Status.PARTIAL:
                break
    except (MemoryError, pa.ArrowMemoryError):  # RLIMIT_DATA: the answer was too large to compare
        return Verdict(spec.id, Status.ERROR, TOO_LARGE, max_points=spec.points), seconds
    except Exception as error:  # references that are missing or damaged, or a comparer that fails: never a free mark
        text = "" if on_hidden_data else f": {error}"
        return grader_fault(spec.id, f"{type(error).__name__}{text}", max_points=spec.points), seconds
    if deciding is None:
        return Verdict(spec.id, Status.PASSED, "Right.", points=spec.points, max_points=spec.points), seconds
    return replace(deciding, points=round(spec.points * fraction, 2)), seconds


def expected_cases(notebook: NotebookSpec, exercise: str) -> list[ExpectedCase]:
    """The sample and the hidden variants of an exercise."""
    cases = [ExpectedCase(case_name(0), reference_folder(exercise))]
    home = paths.hidden_folder(notebook.assignment, notebook.name)
    if (home / "index.json").exists():
        entries = json.loads((home / "index.json").read_text(encoding="utf-8"))["exercises"].get(exercise, [])
        for number, entry in enumerate(entries, start=1):
            cases.append(
                ExpectedCase(case_name(number), home / entry["expected"], entry["description"] or "other data")
            )
    return cases


def read_outcome(spec: ExerciseSpec, folder: Path, reason: str) -> tuple[Outcome, float]:
    """What the sandbox says became of one case, and the answer if there is one. Nothing in the folder is trusted."""
    document = _outcome_document(folder / "outcome.json")
    if document is None:
        return _cut_short(reason), 0.0
    try:
        status = Status(document["status"])
        message, trace = printable(str(document["message"])), printable(str(document["trace"]))
        seconds = float(document["seconds"])
        if not 0 <= seconds <= 1e6:  # NaN neither
            raise ValueError(seconds)
    except (KeyError, ValueError, TypeError, OverflowError):
        return Outcome(Status.ERROR, message="What the sandbox reports about this answer is damaged."), 0.0
    if status not in _BELIEVED:
        return Outcome(Status.ERROR, message="What the sandbox reports about this answer is damaged."), seconds
    if status is not Status.PASSED:
        return Outcome(status, message=message or "The answer failed without a message.", trace=trace), seconds
    try:
        answer: Answer = KINDS[spec.kind].load(folder)
    except (AnswerUnreadable, OSError) as error:
        return Outcome(Status.ERROR, message=f"The answer could not be read: {error}"), seconds
    except Exception as error:  # a hostile file may fail in ways that no loader foresees
        return Outcome(Status.ERROR, message=f"The answer could not be read: {type(error).__name__}"), seconds
    return Outcome(Status.PASSED, answer=answer), seconds


def _outcome_document(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MAXIMUM_OUTCOME_BYTES:
            return {}
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _cut_short(reason: str) -> Outcome:
    if reason == "timeout":
        return Outcome(Status.TIMEOUT, message="The time for the whole submission was over before this exercise.")
    why = {
        "memory": "The submission was stopped for using too much memory",
        "output": "The submission was stopped for producing too much output",
    }.get(reason, "The submission's run ended")
    return Outcome(Status.ERROR, message=f"{why} before there was an answer to this exercise.")


def about_hidden(found: Verdict, outcome: Outcome, case: ExpectedCase, kind: str) -> Verdict:
    """A verdict on hidden data without anything of that data: no example rows, no values, no text that learner code
    could have filled with them.
    """
    what = f"{ON_HIDDEN_DATA}: {case.description}."
    if outcome.answer is not None:
        findings = () if KINDS[kind].tells_values else tuple(dict.fromkeys((found.message, *found.wrong)))
        # By how much a column is off would give the expected value to a guess of ones or zeros.
        hint = re.sub(r" \([×+-][^)]*\)", "", found.hint)
        return replace(found, message=what, wrong=findings, examples=None, hint=hint, trace="")
    raised = re.match(r"[A-Za-z_][\w.]*(?=:| was raised)", found.message) if found.status is Status.ERROR else None
    if raised and raised[0] not in known_errors() and raised[0].rpartition(".")[2] not in _ERRORS_OF_PACKAGES:
        raised = None  # learner code names its own classes, by what it has seen
    why = {
        Status.ERROR: f" There your function raises {raised[0]}."
        if raised
        else " There is no answer to it: your function raises an error, the run ended first, or the answer could not be read.",
        Status.TIMEOUT: " There your function did not end in time.",
        Status.NOT_ATTEMPTED: " There your function raises NotImplementedError.",
        Status.FAILED: " There your function returns something else than on the sample.",
    }
    return replace(
        found, message=what + why.get(found.status, ""), right=(), wrong=(), examples=None, hint="", trace=""
    )


if __name__ == "__main__":
    main()
