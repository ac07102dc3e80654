"""Marks and comments that people gave in nbgrader's formgrader, read from its gradebook without writing to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


class GradebookUnusable(Exception):
    """The file is missing or no gradebook of nbgrader; the message says what to do."""


@dataclass(frozen=True)
class Mark:
    """What a person gave to one cell: points instead of the automatic ones or None, extra points, a comment."""

    manual: float | None = None
    extra: float = 0.0
    comment: str = ""


@dataclass(frozen=True)
class Marks:
    """All marks of a gradebook by (learner, assignment) and cell, and penalties for lateness in points."""

    cells: Mapping[tuple[str, str], Mapping[str, Mark]]
    penalties: Mapping[tuple[str, str], float]

    def of(self, learner: str, assignment: str) -> Mapping[str, Mark]:
        """The marks of a submission by grade_id."""
        return self.cells.get((learner, assignment), {})

    def late_penalty(self, learner: str, assignment: str) -> float:
        """The points that nbgrader takes off for lateness."""
        return self.penalties.get((learner, assignment), 0.0)


_GRADES = """
SELECT submitted_assignment.student_id, assignment.name, base_cell.name,
       grade.manual_score, grade.extra_credit
  FROM grade
  JOIN base_cell ON base_cell.id = grade.cell_id
  JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
  JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
  JOIN assignment ON assignment.id = submitted_assignment.assignment_id
"""
_COMMENTS = """
SELECT submitted_assignment.student_id, assignment.name, base_cell.name, comment.manual_comment
  FROM comment
  JOIN base_cell ON base_cell.id = comment.cell_id
  JOIN submitted_notebook ON submitted_notebook.id = comment.notebook_id
  JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
  JOIN assignment ON assignment.id = submitted_assignment.assignment_id
 WHERE comment.manual_comment IS NOT NULL AND comment.manual_comment != ''
"""
_PENALTIES = """
SELECT submitted_assignment.student_id, assignment.name, SUM(COALESCE(submitted_notebook.late_submission_penalty, 0))
  FROM submitted_notebook
  JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
  JOIN assignment ON assignment.id = submitted_assignment.assignment_id
 GROUP BY 1, 2
"""


def read_marks(gradebook: Path) -> Marks:
    """Read the marks of people from `gradebook.db`.

    The file is opened read-only with SQLite itself: nbgrader's own `Gradebook` writes already when it opens a file.
    Tables and columns are those of nbgrader 0.9. Raises GradebookUnusable.
    """
    cells: dict[tuple[str, str], dict[str, Mark]] = {}
    with closing(open_read_only(gradebook)) as database:
        try:
            comments = {(row[0], row[1], row[2]): str(row[3]) for row in database.execute(_COMMENTS)}
            for learner, assignment, cell, manual, extra in database.execute(_GRADES):
                mark = Mark(manual, float(extra or 0.0), comments.pop((learner, assignment, cell), ""))
                cells.setdefault((learner, assignment), {})[cell] = mark
            for (learner, assignment, cell), comment in comments.items():
                cells.setdefault((learner, assignment), {})[cell] = Mark(comment=comment)
            penalties = {(row[0], row[1]): float(row[2]) for row in database.execute(_PENALTIES)}
        except sqlite3.Error as problem:
            raise GradebookUnusable(f"{gradebook} could not be read as nbgrader's gradebook: {problem}.") from problem
    return Marks(cells, penalties)


def open_read_only(gradebook: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises GradebookUnusable for a missing file or another kind of file."""
    if not gradebook.is_file():
        raise GradebookUnusable(
            f"There is no gradebook {gradebook}. nbgrader makes it: nbgrader generate_assignment ASSIGNMENT --force"
        )
    database = sqlite3.connect(f"{gradebook.resolve().as_uri()}?mode=ro", uri=True)
    try:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as problem:
        database.close()
        raise GradebookUnusable(f"{gradebook} is not a gradebook of nbgrader: {problem}.") from problem
    if not {"assignment", "grade", "comment", "submitted_notebook"} <= tables:
        database.close()
        raise GradebookUnusable(f"{gradebook} is a database, but not a gradebook of nbgrader.")
    return database
