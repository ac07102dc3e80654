"""nbgrader's gradebook takes automatic scores from results, and nothing that people gave is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder import manifest
from autograder.reports.gathering import ClassResults, ReportError, gather
from autograder.reports.gradebook_update import update_gradebook
from autograder.reports.marks import GradebookUnusable, open_read_only, read_marks

pytestmark = pytest.mark.sandbox

SPEC = manifest.notebook("1.1")
ASSIGNMENT = SPEC.assignment
WRITTEN = next(spec for spec in SPEC.exercises if spec.kind == "written")


@pytest.fixture
def gradebook(empty_gradebook: Path, tmp_path: Path) -> Path:
    """A gradebook of its own for each test."""
    return Path(shutil.copy(empty_gradebook, tmp_path / "gradebook.db"))


def scores(gradebook: Path, learner: str) -> dict[str, tuple[float | None, float | None, bool]]:
    """Automatic score, manual score and whether a mark is waited for, by cell, as nbgrader reads them."""
    with Gradebook(f"sqlite:///{gradebook}", "pyspark-course") as database:
        submission = database.find_submission(ASSIGNMENT, learner)
        return {
            grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def total(gradebook: Path, learner: str) -> float:
    """The score of a submission as nbgrader computes it."""
    with Gradebook(f"sqlite:///{gradebook}", "pyspark-course") as database:
        return float(database.find_submission(ASSIGNMENT, learner).score)


def mark(gradebook: Path, learner: str, points: float, comment: str) -> None:
    """Mark the written answer as the formgrader does, and correct one automatic mark."""
    with Gradebook(f"sqlite:///{gradebook}", "pyspark-course") as database:
        grade = database.find_grade(WRITTEN.answer_cell, SPEC.name, ASSIGNMENT, learner)
        grade.manual_score, grade.needs_manual_grade = points, False
        database.find_comment(WRITTEN.answer_cell, SPEC.name, ASSIGNMENT, learner).manual_comment = comment
        other = database.find_grade(SPEC.exercises[0].check_cell, SPEC.name, ASSIGNMENT, learner)
        other.manual_score, other.extra_credit, other.needs_manual_grade = 0.5, 0.25, False
        database.db.commit()


def test_scores_are_those_of_the_results(gradebook: Path, results: ClassResults, documents: dict[str, Any]) -> None:
    before = gradebook.read_bytes()
    updated = update_gradebook(gradebook, results)
    specs = {spec.id: spec for notebook in manifest.notebooks() for spec in notebook.exercises}
    for learner, document in documents.items():
        found = scores(gradebook, learner)
        for entry in document["exercises"]:
            assert found[specs[entry["id"]].check_cell] == (entry["points"], None, False)
        for answer in document["written"]:
            waits = answer["status"] == "to_mark"
            assert found[specs[answer["id"]].answer_cell] == (None if waits else 0.0, None, waits)
        assert total(gradebook, learner) == document["points"]
    assert updated.submissions == len(documents)
    assert updated.backup is not None
    with closing(sqlite3.connect(updated.backup)) as database:
        assert database.execute("SELECT COUNT(*) FROM submitted_assignment").fetchone() == (0,)
    assert len(updated.backup.read_bytes()) == len(before)


def test_a_second_time_changes_nothing_and_makes_no_copy(gradebook: Path, results: ClassResults) -> None:
    update_gradebook(gradebook, results)
    before = gradebook.read_bytes()
    again = update_gradebook(gradebook, results)
    assert (again.scores, again.backup) == ((), None)
    assert gradebook.read_bytes() == before
    assert len(list(gradebook.parent.glob("gradebook.backup-*.db"))) == 1


def test_what_people_gave_stays_when_the_results_change(
    gradebook: Path, results: ClassResults, graded: Path, tmp_path: Path, documents: dict[str, Any]
) -> None:
    update_gradebook(gradebook, results)
    mark(gradebook, "ada", 2.0, "good reasons")
    changed = tmp_path / "results"
    shutil.copytree(graded, changed)
    path = changed / "ada" / f"{ASSIGNMENT}.json"
    document = json.loads(path.read_text())
    for entry in document["exercises"][:2]:
        entry.update(points=0.0, status="failed", message="2 rows are missing.")
    path.write_text(json.dumps(document))
    updated = update_gradebook(gradebook, gather(changed))
    first, second = SPEC.exercises[0].check_cell, SPEC.exercises[1].check_cell
    assert sorted(score.cell for score in updated.scores) == sorted([first, second])
    found = scores(gradebook, "ada")
    assert found[first] == (0.0, 0.5, True), "the marker is asked again, because the automatic score changed"
    assert found[second] == (0.0, None, False)
    assert found[WRITTEN.answer_cell] == (None, 2.0, False)
    given = read_marks(gradebook).of("ada", ASSIGNMENT)
    assert given[WRITTEN.answer_cell].comment == "good reasons"
    # nbgrader's total and ours agree: automatic and manual marks, extra credit.
    ours = next(entry for entry in gather(changed, read_marks(gradebook)).submissions if entry.learner == "ada")
    assert ours.points == total(gradebook, "ada")
    lost = sum(spec.points for spec in SPEC.exercises[:2])
    assert ours.points == documents["ada"]["points"] - lost + 0.5 + 0.25 + 2.0


def test_reading_marks_cannot_change_the_file(gradebook: Path, results: ClassResults) -> None:
    update_gradebook(gradebook, results)
    before = gradebook.read_bytes()
    read_marks(gradebook)
    with closing(open_read_only(gradebook)) as database, pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.execute("UPDATE grade SET manual_score = 1")
    assert gradebook.read_bytes() == before


def test_all_or_nothing(gradebook: Path, results: ClassResults) -> None:
    with closing(sqlite3.connect(gradebook)) as database:
        # The last cell of the course cannot be written: everything before it must be undone.
        last = manifest.notebook("1.4").exercises[-1].answer_cell
        database.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON grade WHEN NEW.cell_id = (SELECT id FROM base_cell WHERE name ="
            f" '{last}') AND NEW.auto_score IS NOT NULL BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
        database.commit()
    with pytest.raises(GradebookUnusable, match="is as it was"):
        update_gradebook(gradebook, results)
    with closing(sqlite3.connect(gradebook)) as database:
        for table in ("student", "submitted_assignment", "grade", "comment"):
            assert database.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)


def test_a_gradebook_without_the_assignment_says_what_to_run(results: ClassResults, gradebook: Path) -> None:
    with Gradebook(f"sqlite:///{gradebook}", "pyspark-course") as database:
        database.remove_notebook("1.4_spark_sql", ASSIGNMENT)
    before = gradebook.read_bytes()
    with pytest.raises(ReportError, match=f"nbgrader generate_assignment {ASSIGNMENT} --force"):
        update_gradebook(gradebook, results)
    assert gradebook.read_bytes() == before
    assert list(gradebook.parent.glob("*backup*")) == []


def test_other_points_than_the_course_has_are_refused(results: ClassResults, gradebook: Path) -> None:
    with closing(sqlite3.connect(gradebook)) as database:
        database.execute("UPDATE grade_cells SET max_score = 7")
        database.commit()
    with pytest.raises(ReportError, match=r"is worth 7 points, in the course"):
        update_gradebook(gradebook, results)


@pytest.mark.parametrize(
    "content", [None, b"", b"no database at all, but long enough to look like a file of some kind"]
)
def test_a_file_that_is_no_gradebook_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GradebookUnusable, match="gradebook"):
        read_marks(path)
    assert path.exists() == (content is not None)
