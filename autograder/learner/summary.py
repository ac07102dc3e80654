"""Counts what a learner has done, from `autograder.runtime.progress`, and names what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from autograder import manifest
from autograder.learner import notebook
from autograder.learner.checking import graded, written
from autograder.models import ExerciseSpec, NotebookSpec, Status
from autograder.runtime import progress


@dataclass(frozen=True)
class NotebookProgress:
    """One notebook's counts. `attempted` includes the passed ones; written answers are in none of the numbers.

    `statuses` is per exercise id; an exercise that was never checked is "". `last_check` is in UTC, ISO 8601, or "".
    """

    notebook: NotebookSpec
    statuses: dict[str, str]
    last_check: str

    @property
    def passed(self) -> int:
        """Exercises whose last check passed."""
        return sum(status == Status.PASSED for status in self.statuses.values())

    @property
    def attempted(self) -> int:
        """Exercises of which a check saw an answer, right or wrong."""
        return sum(status not in ("", Status.NOT_ATTEMPTED) for status in self.statuses.values())

    @property
    def total(self) -> int:
        """Automatically graded exercises."""
        return len(self.statuses)

    @property
    def points(self) -> float:
        """Points of the passed exercises."""
        return sum(spec.points for spec in graded(self.notebook) if self.statuses[spec.id] == Status.PASSED)

    @property
    def max_points(self) -> float:
        """Points of all automatically graded exercises."""
        return sum(spec.points for spec in graded(self.notebook))


def of(spec: NotebookSpec) -> NotebookProgress:
    """The progress of one notebook."""
    known = progress.read()
    entries = {exercise.id: known.get(exercise.id, {}) for exercise in graded(spec)}
    statuses = {identifier: str(entry.get("status", "")) for identifier, entry in entries.items()}
    return NotebookProgress(
        spec, statuses, max((str(entry.get("checked_at", "")) for entry in entries.values()), default="")
    )


def modules() -> list[tuple[str, list[NotebookProgress]]]:
    """Per module folder, in course order, the progress of its notebooks."""
    return [
        (assignment, [of(spec) for spec in specs])
        for assignment, specs in groupby(manifest.notebooks(), key=lambda spec: spec.assignment)
    ]


def next_exercise() -> tuple[NotebookSpec, ExerciseSpec] | None:
    """The first exercise not passed, of the notebook checked last, else of the course. None when all have passed."""
    notebooks = [of(spec) for spec in manifest.notebooks()]
    latest = max(notebooks, key=lambda entry: entry.last_check, default=None)
    in_turn = ([latest] if latest and latest.last_check else []) + notebooks
    open_ones = ((entry, spec) for entry in in_turn for spec in graded(entry.notebook))
    return next(((entry.notebook, spec) for entry, spec in open_ones if entry.statuses[spec.id] != Status.PASSED), None)


def to_json() -> dict[str, Any]:
    """Everything as a JSON-ready dictionary."""
    following = next_exercise()
    return {
        "schema_version": 1,
        "modules": [{"assignment": name, "notebooks": [_entry(item) for item in items]} for name, items in modules()],
        "next": {
            "exercise": following[1].id,
            "title": following[1].title,
            "notebook": following[0].number,
            "path": notebook.shown_path(following[0]),
        }
        if following
        else None,
    }


def _entry(item: NotebookProgress) -> dict[str, Any]:
    return {
        "number": item.notebook.number,
        "title": item.notebook.title,
        "path": notebook.shown_path(item.notebook),
        "passed": item.passed,
        "attempted": item.attempted,
        "total": item.total,
        "points": item.points,
        "max_points": item.max_points,
        "last_check": item.last_check or None,
        "exercises": item.statuses,
        "written": [spec.id for spec in written(item.notebook)],
    }
