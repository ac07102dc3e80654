"""Judges an author's wrong and right answers in this process, on the sample and on every hidden variant.

Nothing is imitated: the same `cases.answer` and `judge.verdict` that serve learners and the verifier do the work. What
is read is kept (references, input DataFrames, the notebook's definitions), so that hundreds of answers take minutes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from autograder import manifest, paths
from autograder.authoring import notebooks
from autograder.authoring.source import Source, SourceCell, SourceError
from autograder.checks import KINDS, Answer
from autograder.checks.observing import kept_settings
from autograder.checks.stream.drive import stop_streams
from autograder.models import ExerciseSpec, Status, Verdict
from autograder.runtime import cases, fixtures, judge
from autograder.runtime.call import Outcome
from autograder.runtime.cases import SAMPLE, Case
from autograder.runtime.explain import explain

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame, SparkSession

Judged = list[tuple[Case, Verdict]]


@dataclass(frozen=True)
class KnownCase:
    """A case and the answer that is expected to it."""

    case: Case
    expected: Answer


@dataclass(frozen=True)
class Caught:
    """What became of one `wrong` cell: the names of the cases that were judged and of those that were not passed."""

    cell: SourceCell
    verdict: Verdict
    judged: tuple[str, ...]
    by: tuple[str, ...]


def judge_code(item: Source, exercise: str, code: str, *, root: Path = paths.ROOT) -> Verdict:
    """The verdict on a cell's code as the answer to an exercise; cases after the first that is not passed are left out.

    Raises SourceError when the notebook's own cells do not run or the exercise has not been built.
    """
    return judge.combined(spec_of(item, exercise, root), judge_cases(item, exercise, code, root=root))


def judge_cases(
    item: Source,
    exercise: str,
    code: str,
    *,
    root: Path = paths.ROOT,
    goes_on: Callable[[Case, Verdict], bool] = lambda case, verdict: False,
    deadline: float | None = None,
) -> Judged:
    """The verdict on each case, the sample first, up to the first that is not passed unless `goes_on` wants the rest all the same.

    `deadline` in seconds stands in for the exercise's own.
    """
    spec = spec_of(item, exercise, root)
    spec = replace(spec, deadline=deadline or spec.deadline)
    judged: Judged = []
    with _own_session(item) as spark, _restored(spark), _without_leftovers(spark, spec.parameters):
        function, problem = _function(item, code, spec)
        for known in known_cases(item, spec, root):
            outcome = problem or cases.answer(spec, function, known.case, _read_once)
            verdict = judge.verdict(spec, outcome, known.expected)
            judged.append((known.case, verdict))
            if verdict.status is not Status.PASSED and not goes_on(known.case, verdict):
                break
    return judged


def known_cases(item: Source, spec: ExerciseSpec, root: Path = paths.ROOT) -> tuple[KnownCase, ...]:
    """The sample and the hidden variants of an exercise with what is expected. Raises SourceError when not built."""
    return _known_cases(item.assignment, item.name, spec.id, spec.kind, root)


def spec_of(item: Source, exercise: str, root: Path = paths.ROOT) -> ExerciseSpec:
    """The exercise as the manifest has it. Raises SourceError when it has not been built."""
    for notebook in manifest.notebooks(root / "autograder" / "manifest.json"):
        for spec in notebook.exercises:
            if spec.id == exercise:
                return spec
    raise SourceError(f"{item.name}: exercise {exercise} is not in the manifest; run `course build {item.number}`.")


def stub(item: Source, exercise: str) -> str:
    """The learner's cell of an exercise, before the learner has touched it."""
    cells = {cell.id: cell.source for cell in notebooks.learner(notebooks.twin(item, None, None)).cells}
    return str(cells["answer_" + exercise.replace(".", "_")])


def telling(verdict: Verdict) -> str:
    """All text of a verdict in which a `because` may occur, in small letters."""
    return " ".join([verdict.message, *verdict.right, *verdict.wrong, verdict.hint, verdict.shape]).lower()


def caught(item: Source, exercise: str, root: Path = paths.ROOT) -> Iterator[Caught]:
    """For each wrong answer, what caught it. The hidden variants are all judged when the sample caught nothing."""
    for cell in item.of("wrong", exercise):
        judged = judge_cases(item, exercise, cell.source, root=root, goes_on=lambda case, verdict: case.name != SAMPLE)
        by = tuple(case.name for case, verdict in judged if verdict.status is not Status.PASSED)
        verdict = judge.combined(spec_of(item, exercise, root), judged)
        yield Caught(cell, verdict, tuple(case.name for case, _ in judged), by)


@cache
def _known_cases(assignment: str, notebook: str, exercise: str, kind: str, root: Path) -> tuple[KnownCase, ...]:
    reference = root / "autograder" / "references" / exercise
    if not reference.is_dir():
        raise SourceError(f"{notebook}: exercise {exercise} has no reference; run `course build` for this notebook.")
    known = [KnownCase(Case(), KINDS[kind].load(reference))]
    index = root / "solutions" / assignment / "hidden" / notebook / "index.json"
    if index.exists():
        entries = json.loads(index.read_text(encoding="utf-8"))["exercises"].get(exercise, [])
        for case, entry in zip(cases.read_cases(index, exercise), entries, strict=True):
            known.append(KnownCase(case, KINDS[kind].load(index.parent / entry["expected"])))
    return tuple(known)


def _read_once(source: str | Path) -> DataFrame:
    return _read(fixtures.session(), source)


@cache
def _read(spark: SparkSession, source: str | Path) -> DataFrame:
    return fixtures.read_table(source)


def _function(item: Source, code: str, spec: ExerciseSpec) -> tuple[Any, Outcome | None]:
    """The function that a cell defines, or the outcome of a cell that does not even run."""
    scope = dict(_definitions(item))
    scope.pop(spec.function, None)
    try:
        exec(_compiled(code, f"<answer to {spec.id}>"), scope)  # noqa: S102 (the author's own code)
    except Exception as error:
        return None, Outcome(Status.ERROR, message=explain(error))
    return scope.get(spec.function), None


def _definitions(item: Source) -> Mapping[str, Any]:
    """What the notebook's set-up and answer cells define."""
    cells = [
        (f"<{item.name}, cell {number}>", cell.source)
        for number, cell in enumerate(item.cells)
        if cell.cell_type == "code" and (cell.kind == "answer" or (not cell.kind and cell.metadata.get("setup")))
    ]
    return _executed(tuple(cells))


@cache
def _executed(cells: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """The namespace that named cells leave behind, made to look like a kernel's."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    for name, code in cells:
        try:
            exec(_compiled(code, name), scope)  # noqa: S102 (the author's own code)
        except Exception as error:
            raise SourceError(f"{name}: it does not run by itself: {explain(error)}") from error
    return scope


def _compiled(code: str, name: str) -> CodeType:
    # Not inheriting this module's `from __future__`: annotations must be what they are in a notebook.
    return compile(code, name, "exec", dont_inherit=True)


@contextmanager
def _own_session(item: Source) -> Iterator[SparkSession]:
    """The session of a notebook stands in for the one that all share, as its kernel's would.

    Some traces of an answer cannot be removed from a session, such as `DataFrame.observe`: in Spark 4.1 no model with a training
    summary can be applied there any more (NotSerializableException: ObservationManager).
    """
    shared = fixtures.session()
    own = _session(shared.sparkContext, item.name)
    _stand_in(own)
    try:
        _definitions(item)  # what these leave in the session is there for all answers
        yield own
    finally:
        _stand_in(shared)


@cache
def _session(context: SparkContext, notebook: str) -> SparkSession:
    return fixtures.session().newSession()


def _stand_in(session: SparkSession) -> None:
    """Make it what `SparkSession.builder.getOrCreate()` gives in every thread, and what is active in this one."""
    kind: Any = type(session)
    kind._instantiatedSession = kind._activeSession = session
    of_java = kind._get_j_spark_session_class(session._jvm)
    of_java.setDefaultSession(session._jsparkSession)
    of_java.setActiveSession(session._jsparkSession)


@contextmanager
def _restored(spark: SparkSession) -> Iterator[None]:
    """Undo what one answer leaves in the session for the next: settings, cached tables, running streams."""
    with kept_settings(spark):
        try:
            yield
        finally:
            stop_streams(spark, keep=frozenset())
            spark.catalog.clearCache()


@contextmanager
def _without_leftovers(spark: SparkSession, inputs: Sequence[str]) -> Iterator[None]:
    """Drop what one answer has made: temporary views (the inputs stay), temporary functions, session variables, data sources."""
    state = spark._jsparkSession.sessionState()
    views, functions = _names(state.catalog().getTempViewNames()), _names(state.catalog().listTemporaryFunctions())
    sources = _registered_sources(spark)
    known = set(sources.keySet())
    try:
        yield
    finally:
        for view in _names(state.catalog().getTempViewNames()) - views - set(inputs):
            spark.catalog.dropTempView(view)
        for function in _names(state.catalog().listTemporaryFunctions()) - functions:
            spark.sql(f"DROP TEMPORARY FUNCTION IF EXISTS `{function}`")
        if not state.catalogManager().tempVariableManager().isEmpty():
            state.catalogManager().tempVariableManager().clear()
        for source in set(sources.keySet()) - known:
            sources.remove(source)


def _registered_sources(spark: SparkSession) -> Any:
    """The Python data sources of a session by name, as Java's own map: Spark has no call that takes one back."""
    manager = spark._jsparkSession.sessionState().dataSourceManager()
    field = manager.getClass().getDeclaredField("runtimeDataSourceBuilders")
    field.setAccessible(True)
    return field.get(manager)


def _names(found: Any) -> set[str]:
    """A Scala collection of names as a set: one call into the JVM, however many there are."""
    return set(str(found.mkString("\n")).splitlines())
