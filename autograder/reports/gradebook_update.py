"""Keeps nbgrader's gradebook in step with the results of `course grade`: automatic scores only, all of them or none.

What people gave (manual scores, extra credit, comments) is never changed. Assignments and their cells must be there:
`nbgrader generate_assignment` makes them, and nothing else should, or the gradebook and the released notebooks could
disagree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder import manifest
from autograder.models import Status
from autograder.reports.gathering import TO_MARK, ClassResults, ReportError, Submission
from autograder.reports.marks import GradebookUnusable, open_read_only

_CELLS = """
SELECT assignment.name, notebook.name, base_cell.name, grade_cells.max_score, assignment.course_id
  FROM grade_cells
  JOIN base_cell ON base_cell.id = grade_cells.id
  JOIN notebook ON notebook.id = base_cell.notebook_id
  JOIN assignment ON assignment.id = notebook.assignment_id
"""
_SCORES = """
SELECT submitted_assignment.student_id, assignment.name, base_cell.name, grade.auto_score
  FROM grade
  JOIN base_cell ON base_cell.id = grade.cell_id
  JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
  JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
  JOIN assignment ON assignment.id = submitted_assignment.assignment_id
"""


@dataclass(frozen=True)
class Score:
    """The automatic score that a cell should have; None where a person must mark."""

    learner: str
    assignment: str
    notebook: str
    cell: str
    points: float | None


@dataclass(frozen=True)
class Updated:
    """What was changed: the scores, and the copy of the gradebook as it was before. None when nothing had to change."""

    scores: tuple[Score, ...]
    submissions: int
    backup: Path | None


@dataclass(frozen=True)
class _Known:
    """What a gradebook holds: grade cells with their points, present automatic scores, the course's name in it."""

    cells: dict[tuple[str, str, str], float]
    scores: dict[tuple[str, str, str], float | None]
    course: str


def update_gradebook(gradebook: Path, results: ClassResults) -> Updated:
    """Write the automatic scores of all results into nbgrader's gradebook.

    Parameters
    ----------
    gradebook: nbgrader's `gradebook.db`. Before the first change it is copied to `gradebook.backup-<time>.db` beside it.
    results: gathered without a gradebook, so that its points are the grader's own.

    Learners and submissions that the gradebook lacks are added. Raises GradebookUnusable when the file is no gradebook or
    is in use, ReportError when it does not have the cells of the results; the gradebook is then as it was.
    """
    known = _read(gradebook)
    wanted = [score for submission in results.submissions for score in _scores(submission)]
    _require_cells(gradebook, known, wanted, results)
    missing = object()
    changes = [
        score
        for score in wanted
        if known.scores.get((score.learner, score.assignment, score.cell), missing) != score.points
    ]
    submissions = len({(score.learner, score.assignment) for score in changes})
    if not changes:
        return Updated((), 0, None)
    backup = _back_up(gradebook)
    _write(gradebook, known.course, changes)
    return Updated(tuple(changes), submissions, backup)


def _scores(submission: Submission) -> Iterable[Score]:
    for notebook in manifest.notebooks():
        if notebook.assignment != submission.assignment:
            continue
        specs = {spec.id: spec for spec in notebook.exercises}
        for entry in submission.exercises:
            if entry.id in specs:
                given = None if entry.status == Status.GRADER_ERROR else entry.points
                yield Score(submission.learner, submission.assignment, notebook.name, specs[entry.id].check_cell, given)
        for answer in submission.written:
            if answer.id in specs:
                given = None if answer.status == TO_MARK else 0.0
                yield Score(
                    submission.learner, submission.assignment, notebook.name, specs[answer.id].answer_cell, given
                )


def _read(gradebook: Path) -> _Known:
    with closing(open_read_only(gradebook)) as database:
        try:
            cells = list(database.execute(_CELLS))
            scores = {(row[0], row[1], row[2]): row[3] for row in database.execute(_SCORES)}
        except sqlite3.Error as problem:
            raise GradebookUnusable(f"{gradebook} could not be read as nbgrader's gradebook: {problem}.") from problem
    points = {(assignment, notebook, cell): float(most) for assignment, notebook, cell, most, _ in cells}
    return _Known(points, scores, str(cells[0][4]) if cells else "default_course")


def _require_cells(gradebook: Path, known: _Known, wanted: Sequence[Score], results: ClassResults) -> None:
    remedy = (
        "Run: nbgrader generate_assignment {} --force (commit modules/ first), then try again. Nothing was changed."
    )
    specs = [(notebook, spec) for notebook in results.notebooks for spec in notebook.exercises]
    most = {
        (
            notebook.assignment,
            notebook.name,
            spec.answer_cell if spec.kind == "written" else spec.check_cell,
        ): spec.points
        for notebook, spec in specs
    }
    for score in wanted:
        key = (score.assignment, score.notebook, score.cell)
        if key not in known.cells:
            raise ReportError(
                f"{gradebook} has no cell {score.cell} in {score.notebook} of {score.assignment}. "
                + remedy.format(score.assignment)
            )
        if known.cells[key] != most[key]:
            raise ReportError(
                f"In {gradebook} {score.cell} is worth {known.cells[key]:g} points, in the course {most[key]:g}. "
                + remedy.format(score.assignment)
            )


def _back_up(gradebook: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    backup = gradebook.with_name(f"{gradebook.stem}.backup-{stamp}{gradebook.suffix}")
    # SQLite's own backup is consistent even while the formgrader has the file open.
    with closing(open_read_only(gradebook)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    return backup


def _write(gradebook: Path, course: str, changes: Sequence[Score]) -> None:
    from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with Gradebook(f"sqlite:///{gradebook.resolve()}", course) as database:
            commit = database.db.commit
            # nbgrader commits after each of its steps; all of ours are one transaction.
            database.db.commit = database.db.flush
            try:
                for learner, assignment in dict.fromkeys((score.learner, score.assignment) for score in changes):
                    try:
                        database.find_submission(assignment, learner)
                    except MissingEntry:
                        database.update_or_create_student(learner)
                        with database.db.no_autoflush:  # nbgrader builds the submission row by row
                            database.add_submission(assignment, learner)
                for score in changes:
                    grade = database.find_grade(score.cell, score.notebook, score.assignment, score.learner)
                    grade.auto_score = score.points
                    grade.needs_manual_grade = score.points is None or grade.manual_score is not None
                commit()
            except BaseException:
                database.db.rollback()
                raise
    except (SQLAlchemyError, InvalidEntry, MissingEntry) as problem:
        reason = str(problem).splitlines()[0]
        raise GradebookUnusable(
            f"{gradebook} could not be changed and is as it was: {reason}. Is it open in the formgrader?"
        ) from problem
