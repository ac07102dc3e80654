"""A learner's feedback page: what was right, what was not, and a way on. One file, no script, nothing hidden."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from autograder.models import Status
from autograder.reports import pages
from autograder.reports.gathering import ClassResults, Exercise, Submission, Written

OVERALL = {
    "graded": "",
    "incomplete": "Part of your submission is missing or could not be read.",
    "unreadable": "Your submission could not be read.",
    "timeout": "Your submission did not finish in its time. What was answered before that counts.",
    "stopped": "The run of your submission ended early. What was answered before that counts.",
    "unknown_assignment": "The course has no assignment of this name. Please ask your instructor.",
    "grader_error": "Part of your submission could not be judged. That is the course's fault, not yours; your instructor is told.",
}
"""What a learner is told about the status of a whole submission."""


@dataclass(frozen=True)
class ExampleRow:
    """One row of an example table: what is the matter with it, and for each cell its text and what was expected or None."""

    kind: str
    cells: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class Section:
    """The part of the page about one notebook."""

    number: str
    title: str
    exercises: tuple[Exercise, ...]
    written: tuple[Written, ...]

    @property
    def points(self) -> float:
        """Points in this notebook so far."""
        automatic = sum(exercise.points for exercise in self.exercises)
        return automatic + sum(answer.points or 0.0 for answer in self.written)


def feedback_page(submission: Submission, results: ClassResults) -> str:
    """The page of one submission as HTML."""
    counts: dict[str, int] = {}
    for exercise in submission.exercises:
        counts[exercise.status] = counts.get(exercise.status, 0) + 1
    sections = list(_sections(submission, results))
    return pages.render(
        "feedback.html",
        submission=submission,
        title=assignment_title(submission.assignment),
        overall=OVERALL.get(submission.status, ""),
        sections=sections,
        counts=[(status, counts[status]) for status in map(str, Status) if status in counts],
        example_rows=example_rows,
    )


def assignment_title(assignment: str) -> str:
    """An assignment's name for people: "01_dataframes" is "01 dataframes"."""
    return assignment.replace("_", " ")


def example_rows(exercise: Exercise) -> tuple[tuple[str, ...], list[ExampleRow]]:
    """The columns and rows of an exercise's example table; empty without one or when it is damaged."""
    table: Any = exercise.example_rows
    if not table:
        return (), []
    try:
        rows = [
            ExampleRow(str(kind), tuple(_cell(cell) for cell in row))
            for kind, row in zip(table["kinds"], table["rows"], strict=True)
        ]
        return tuple(str(name) for name in table["columns"]), rows
    except (KeyError, TypeError, ValueError):
        return (), []


def _cell(cell: Any) -> tuple[str, str | None]:
    if isinstance(cell, dict):
        return str(cell["yours"]), str(cell["expected"])
    return (cell if isinstance(cell, str) else json.dumps(cell)), None


def _sections(submission: Submission, results: ClassResults) -> list[Section]:
    found = []
    for notebook in results.notebooks_of(submission.assignment):
        exercises = tuple(entry for entry in submission.exercises if entry.notebook == notebook.number)
        written = tuple(entry for entry in submission.written if entry.notebook == notebook.number)
        if exercises or written:
            found.append(Section(notebook.number, notebook.title, exercises, written))
    others = tuple(entry for entry in submission.exercises if not entry.notebook)
    if others:
        found.append(Section("", "Exercises that the course no longer has", others, ()))
    return found
