"""Reads a folder of results, the manifest and the marks of people into one picture of the class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder import manifest
from autograder.grading.results import ON_HIDDEN_DATA, read_result
from autograder.manifest import order
from autograder.models import ExerciseSpec, NotebookSpec, Status
from autograder.reports.marks import Mark, Marks

MAXIMUM_TEXT = 2_000
"""Longer messages and findings are cut: learner code decides what an error says, and one must not fill every page."""

TO_MARK = "to_mark"
MARKED = "marked"
NOT_ATTEMPTED = str(Status.NOT_ATTEMPTED)
_STATUSES = {str(status) for status in Status}


class ReportError(Exception):
    """No report was made; the message says why and what to do."""


@dataclass(frozen=True)
class Exercise:
    """One automatically graded exercise of one learner.

    `points` are those that count: a marker's, where the gradebook has one (`by_hand`), else the grader's. `example_rows`
    are rows of the sample data, as `models.ExampleTable` in JSON, or None.
    """

    id: str
    title: str
    notebook: str
    status: str
    points: float
    max_points: float
    message: str
    seconds: float = 0.0
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    example_rows: Mapping[str, Any] | None = None
    hint: str = ""
    shape: str = ""
    comment: str = ""
    by_hand: bool = False


@dataclass(frozen=True)
class Written:
    """One written answer: `status` is "to_mark", "marked" or "not_attempted"; `points` is None until somebody marked it."""

    id: str
    title: str
    notebook: str
    status: str
    points: float | None
    max_points: float
    comment: str = ""


@dataclass(frozen=True)
class Submission:
    """What became of one learner's assignment.

    `late_penalty` is in points, from nbgrader's gradebook; `written_counts` says whether such a gradebook was given.
    """

    learner: str
    assignment: str
    status: str
    message: str
    exercises: tuple[Exercise, ...]
    written: tuple[Written, ...]
    findings: tuple[str, ...] = ()
    seconds: float = 0.0
    graded_at: str = ""
    isolation: str = ""
    late_penalty: float = 0.0
    written_counts: bool = False

    @property
    def auto_points(self) -> float:
        """Points of the automatically graded exercises."""
        return round(sum(exercise.points for exercise in self.exercises), 2)

    @property
    def auto_max(self) -> float:
        """The most that these can give."""
        return round(sum(exercise.max_points for exercise in self.exercises), 2)

    @property
    def written_points(self) -> float:
        """Points of the written answers that have been marked."""
        return round(sum(answer.points or 0.0 for answer in self.written), 2)

    @property
    def written_max(self) -> float:
        """The most that written answers can give."""
        return round(sum(answer.max_points for answer in self.written), 2)

    @property
    def unmarked(self) -> int:
        """How many written answers wait for a mark."""
        return sum(answer.status == TO_MARK for answer in self.written)

    @property
    def points(self) -> float:
        """The mark: automatic points, with a gradebook also written points less the penalty for lateness."""
        if not self.written_counts:
            return self.auto_points
        return max(0.0, round(self.auto_points + self.written_points - self.late_penalty, 2))

    @property
    def max_points(self) -> float:
        """What can be reached; written answers count only when a gradebook with their marks was given."""
        return round(self.auto_max + (self.written_max if self.written_counts else 0.0), 2)

    @property
    def share(self) -> float:
        """The mark between 0 and 1."""
        return self.points / self.max_points if self.max_points else 0.0


@dataclass(frozen=True)
class ClassResults:
    """All submissions by assignment and learner. `unreadable` names result files that are damaged or of another version."""

    submissions: tuple[Submission, ...]
    notebooks: tuple[NotebookSpec, ...]
    unreadable: tuple[str, ...] = ()
    written_counts: bool = False
    learners: tuple[str, ...] = field(default=())

    @cached_property
    def assignments(self) -> tuple[str, ...]:
        """The assignments that have a result, in course order; unknown ones last."""
        known = list(dict.fromkeys(notebook.assignment for notebook in self.notebooks))
        found = {submission.assignment for submission in self.submissions}
        return (*(name for name in known if name in found), *sorted(found - set(known)))

    @cached_property
    def course_assignments(self) -> tuple[str, ...]:
        """Those of them that the course has: what other systems are told about."""
        known = {notebook.assignment for notebook in self.notebooks}
        return tuple(name for name in self.assignments if name in known)

    def of(self, assignment: str) -> list[Submission]:
        """The submissions of an assignment, by learner."""
        return [submission for submission in self.submissions if submission.assignment == assignment]

    def notebooks_of(self, assignment: str) -> list[NotebookSpec]:
        """The notebooks of an assignment, in course order."""
        return [notebook for notebook in self.notebooks if notebook.assignment == assignment]

    def max_points(self, assignment: str) -> float:
        """What can be reached in an assignment."""
        specs = [spec for notebook in self.notebooks_of(assignment) for spec in notebook.exercises]
        return round(sum(spec.points for spec in specs if self.written_counts or spec.kind != "written"), 2)


def gather(results: Path, marks: Marks | None = None) -> ClassResults:
    """Read every `results/<learner>/<assignment>.json`.

    Parameters
    ----------
    results: the folder that `course grade` wrote.
    marks: what people gave in nbgrader's gradebook. Without it written answers do not count.

    Raises ReportError when there is no result, or when a result shows rows of hidden data.
    """
    if not results.is_dir():
        raise ReportError(f"There is no folder {results}. Grade first: course grade SUBMITTED_DIR --out {results}")
    notebooks = manifest.notebooks()
    found, unreadable = [], []
    for path in sorted(results.glob("*/*.json")):
        if path.parent.name.startswith(".") or path.name.startswith("."):
            continue
        document = read_result(path)
        try:
            if document is None:
                raise ValueError("not a whole result of this version")
            found.append(_submission(document, path, notebooks, marks))
        except (ValueError, KeyError, TypeError, AttributeError):
            unreadable.append(f"{path.parent.name}/{path.name}")
    if not found:
        damaged = f" Damaged or of another version: {', '.join(unreadable)}." if unreadable else ""
        raise ReportError(
            f"{results} holds no result.{damaged} Grade first: course grade SUBMITTED_DIR --out {results}"
        )
    learners = tuple(dict.fromkeys(submission.learner for submission in found))
    return ClassResults(tuple(found), notebooks, tuple(unreadable), marks is not None, learners)


def _submission(
    document: Mapping[str, Any], path: Path, notebooks: Sequence[NotebookSpec], marks: Marks | None
) -> Submission:
    learner, assignment = path.parent.name, path.stem
    specs = {spec.id: (notebook, spec) for notebook in notebooks for spec in notebook.exercises}
    given = marks.of(learner, assignment) if marks else {}
    exercises = [_exercise(entry, specs, given) for entry in document["exercises"]]
    written = [_written(entry, specs, given) for entry in document["written"]]
    return Submission(
        learner,
        assignment,
        str(document["status"]),
        _text(document.get("message", "")),
        tuple(sorted(exercises, key=lambda entry: order(entry.id))),
        tuple(sorted(written, key=lambda entry: order(entry.id))),
        _texts(document.get("findings")),
        _number(document.get("seconds", 0.0)),
        str(document.get("graded_at", "")),
        str(document.get("isolation", "")),
        marks.late_penalty(learner, assignment) if marks else 0.0,
        marks is not None,
    )


def _exercise(
    entry: Mapping[str, Any], specs: Mapping[str, tuple[NotebookSpec, ExerciseSpec]], given: Mapping[str, Mark]
) -> Exercise:
    identifier, status = str(entry["id"]), str(entry["status"])
    if status not in _STATUSES:
        raise ValueError(f"{status!r} is no status of an exercise")
    notebook, spec = specs.get(identifier, (None, None))
    verdict: Mapping[str, Any] = entry.get("verdict") or {}
    message, rows = _text(entry["message"]), verdict.get("examples")
    if rows and message.startswith(ON_HIDDEN_DATA):
        raise ReportError(f"The result of {identifier} shows rows of hidden data. Grade again; no page was written.")
    mark = given.get(spec.check_cell) if spec else None
    by_hand = mark is not None and (mark.manual is not None or mark.extra != 0)
    points, most = _number(entry["points"]), _number(entry["max_points"])
    if mark is not None:
        points = (points if mark.manual is None else mark.manual) + mark.extra
    # A marker writes about the answer cell; nbgrader keeps the comment there and the mark at the test cell.
    comment = given[spec.answer_cell].comment if spec and spec.answer_cell in given else ""
    return Exercise(
        identifier,
        spec.title if spec else identifier,
        notebook.number if notebook else "",
        status,
        points,
        most,
        message,
        _number(entry.get("seconds", 0.0)),
        _texts(verdict.get("right")),
        _texts(verdict.get("wrong")),
        rows,
        str(verdict.get("hint") or ""),
        str(verdict.get("shape") or ""),
        comment,
        by_hand,
    )


def _written(
    entry: Mapping[str, Any], specs: Mapping[str, tuple[NotebookSpec, ExerciseSpec]], given: Mapping[str, Mark]
) -> Written:
    identifier, status = str(entry["id"]), str(entry["status"])
    notebook, spec = specs.get(identifier, (None, None))
    mark = given.get(spec.answer_cell) if spec else None
    points: float | None = 0.0 if status == NOT_ATTEMPTED else None
    if mark is not None and mark.manual is not None:
        points, status = mark.manual + mark.extra, MARKED
    return Written(
        identifier,
        spec.title if spec else identifier,
        notebook.number if notebook else "",
        status,
        points,
        _number(entry["max_points"]),
        mark.comment if mark else "",
    )


def _texts(entries: Iterable[object] | None) -> tuple[str, ...]:
    return tuple(_text(entry) for entry in entries or ())


def _text(value: object) -> str:
    text = str(value)
    return text if len(text) <= MAXIMUM_TEXT else f"{text[:MAXIMUM_TEXT]} …"


def _number(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        raise ValueError("a number that is not finite")
    return number
