"""Plain CSV tables: `grades.csv` with one row per submission, `exercises.csv` with one per exercise, `roster_check.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from autograder.grading.printable import one_line
from autograder.grading.results import COLUMNS, QUOTING, spreadsheet_cell
from autograder.models import Status
from autograder.reports.gathering import ClassResults
from autograder.reports.roster import RosterCheck
from autograder.reports.text import plain

GRADE_COLUMNS = (*COLUMNS, "auto_points", "auto_max_points", "written_points", "written_max_points", "written_to_mark",
                 "late_penalty")  # fmt: skip
"""Those of `grades.csv` in the results, in the same order, then what the marks are made of."""

EXERCISE_COLUMNS = ("learner", "assignment", "notebook", "exercise", "title", "kind", "status", "points", "max_points",
                    "by_hand", "seconds", "shape", "message", "comment")  # fmt: skip


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, keep_lines: bool = False) -> str:
    """A CSV text (RFC 4180, UTF-8 when written) whose cells no spreadsheet runs; `keep_lines` as in `spreadsheet_cell`."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=QUOTING)
    writer.writerow([spreadsheet_cell(column) for column in columns])
    writer.writerows([spreadsheet_cell(value, keep_lines=keep_lines) for value in row] for row in rows)
    return text.getvalue()


def grades(results: ClassResults) -> str:
    """One row per submission. `points` are the whole mark: with a gradebook also written answers and lateness."""
    rows = [
        (
            one_line(entry.learner),
            one_line(entry.assignment),
            entry.status,
            entry.points,
            entry.max_points,
            entry.seconds,
            plain(entry.message),
            entry.auto_points,
            entry.auto_max,
            entry.written_points if results.written_counts else "",
            entry.written_max,
            entry.unmarked,
            entry.late_penalty if results.written_counts else "",
        )
        for entry in results.submissions
    ]
    return table(GRADE_COLUMNS, rows)


def exercises(results: ClassResults) -> str:
    """One row per learner and exercise, written answers among them: a tidy table for other tools."""
    rows: list[Sequence[Any]] = []
    for entry in results.submissions:
        names = (one_line(entry.learner), one_line(entry.assignment))
        rows += [
            (*names, found.notebook, found.id, found.title, "automatic", found.status, found.points, found.max_points,
             found.by_hand, found.seconds, found.shape, _told(found.status, found.message), plain(found.comment))
            for found in entry.exercises
        ]  # fmt: skip
        rows += [
            (*names, answer.notebook, answer.id, answer.title, "written", answer.status,
             "" if answer.points is None else answer.points, answer.max_points, answer.status == "marked", "", "", "",
             plain(answer.comment))
            for answer in entry.written
        ]  # fmt: skip
    return table(EXERCISE_COLUMNS, rows)


def roster_check(results: ClassResults, check: RosterCheck) -> str:
    """Who is only in the results, with the marks that need a hand, and who is only in the roster."""
    rows: list[Sequence[Any]] = [
        (one_line(entry.learner), "not in the roster", one_line(entry.assignment), entry.points, entry.max_points)
        for entry in results.submissions
        if entry.learner in check.unknown
    ]
    rows += [(person.learner, "no submission", "", "", "") for person in check.without_submission]
    return table(("learner", "problem", "assignment", "points", "max_points"), rows)


def _told(status: str, message: str) -> str:
    return "" if status == Status.PASSED else plain(message)
