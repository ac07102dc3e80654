"""Exports hold everybody's marks in the formats that other systems read."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from autograder import manifest
from autograder.grading.results import COLUMNS, Result, write_grades
from autograder.reports.exports.moodle import worksheet
from autograder.reports.gathering import ClassResults, ReportError, gather
from autograder.reports.marks import Mark, Marks
from autograder.reports.roster import Person, read_roster
from autograder.reports.writing import write_report

pytestmark = pytest.mark.sandbox

ASSIGNMENT = manifest.notebook("1.1").assignment
MOST = sum(
    spec.points
    for notebook in manifest.notebooks()
    if notebook.assignment == ASSIGNMENT
    for spec in notebook.exercises
    if spec.kind != "written"
)
ROSTER = """\
learner,Student,ID,SIS User ID,SIS Login ID,Section,ID number,Email address
ada,"Lovelace, Ada",11,s-1,ada1,A,m1,ada@example.org
ben,"Ben, Big",,s-2,ben1,A,m2,ben@example.org
gus,"Late, Gus",13,,,B,m3,gus@example.org
=cmd(),=HYPERLINK(),14,,,B,m4,cmd@example.org
"""


@pytest.fixture(scope="module")
def exported(graded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report with a roster that lacks one learner and has one without a submission."""
    folder = tmp_path_factory.mktemp("exports")
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8-sig")
    write_report(graded, folder / "out", roster_file=folder / "roster.csv", canvas_ids={ASSIGNMENT: "987"})
    return folder / "out"


def rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_canvas_reads_people_assignments_and_points(exported: Path, documents: dict[str, Any]) -> None:
    header, possible, *people = rows(exported / "canvas.csv")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", f"{ASSIGNMENT} (987)"]
    assert possible[0].strip() == "Points Possible"
    assert float(possible[5]) == MOST
    assert people[0] == ["Lovelace, Ada", "11", "s-1", "ada1", "A", str(documents["ada"]["points"])]
    marks = {row[0]: row[5] for row in people}
    assert marks["Late, Gus"] == "", "an empty cell leaves the mark in Canvas alone"
    assert marks["<i>eve & co"] == str(documents["<i>eve & co"]["points"]), "nobody is dropped"
    assert len(people) == 5


def test_moodle_gets_only_rows_that_it_can_find(exported: Path, documents: dict[str, Any]) -> None:
    header, *people = rows(exported / "moodle.csv")
    assert header == ["ID number", "Email address", ASSIGNMENT, f"{ASSIGNMENT} (feedback)"]
    assert [row[0] for row in people] == ["m1", "m2", "m4"]
    assert float(people[1][2]) == documents["ben"]["points"]
    wrong = next(entry for entry in documents["ben"]["exercises"] if entry["status"] == "failed")
    assert f"{wrong['id']} not right yet, 0 of {wrong['max_points']:g}: {wrong['message']}" in people[1][3]


def test_an_identifier_that_some_lack_is_no_column(graded: Path, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("learner,email,username\nada,a@example.org,\nben,b@example.org,ben1\n")
    written = write_report(graded, tmp_path / "out", roster_file=tmp_path / "roster.csv")
    assert rows(tmp_path / "out" / "moodle.csv")[0][:2] == ["Email address", ASSIGNMENT]
    assert sorted(written.not_in_moodle) == ["<i>eve & co", "=cmd()"]
    (tmp_path / "roster.csv").write_text("learner,email,username\nada,a@example.org,\nben,,ben1\n")
    with pytest.raises(ReportError, match="username, id_number or email for everybody"):
        write_report(graded, tmp_path / "out", roster_file=tmp_path / "roster.csv")


def test_who_does_not_fit_the_roster_is_listed_with_the_mark(exported: Path, documents: dict[str, Any]) -> None:
    _, *found = rows(exported / "roster_check.csv")
    eve = documents["<i>eve & co"]
    assert found == [
        ["<i>eve & co", "not in the roster", ASSIGNMENT, str(eve["points"]), str(eve["max_points"])],
        ["gus", "no submission", "", "", ""],
    ]
    page = (exported / "class.html").read_text()
    assert "gus (Late, Gus)" in page
    assert "Their marks need your hand" in page


def test_a_downloaded_worksheet_of_moodle_is_filled_in(results: ClassResults, tmp_path: Path) -> None:
    downloaded = tmp_path / "Grades-Course.csv"
    text = (
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
        "Last modified (grade),Feedback comments\r\n"
        'Participant 71,Ada Lovelace,ADA@example.org,Submitted,,48.00,Yes,"Monday, 2 March",\r\n'
        "Participant 72,Someone Else,else@example.org,Nothing,12,48.00,Yes,-,old\r\n"
    )
    downloaded.write_text(text, encoding="utf-8-sig")
    people = [Person("ada", email="ada@example.org"), Person("ben", email="ben@example.org")]
    filled, missing = worksheet(downloaded, results.submissions, people)
    header, ada, other = csv.reader(io.StringIO(filled))
    assert header == text.splitlines()[0].split(",")
    points = next(entry.points for entry in results.submissions if entry.learner == "ada")
    assert ada[:5] == ["Participant 71", "Ada Lovelace", "ADA@example.org", "Submitted", f"{points:g}"]
    assert ada[7] == "Monday, 2 March"
    assert ada[8].startswith(f"{points:g} of ")
    assert other == text.splitlines()[2].split(","), "a row without a submission stays as it was"
    assert sorted(missing) == ["<i>eve & co", "=cmd()", "ben"]


def test_gradescope_lists_tests_in_course_order(exported: Path, documents: dict[str, Any]) -> None:
    for learner, document in documents.items():
        found = json.loads((exported / "gradescope" / learner / f"{ASSIGNMENT}.json").read_text())
        assert found["score"] == document["points"]
        assert found["max_score"] == MOST
        assert [test["number"] for test in found["tests"]] == [entry["id"] for entry in document["exercises"]]
        assert sum(test["score"] for test in found["tests"]) == found["score"]
        assert {test["status"] for test in found["tests"]} <= {"passed", "failed"}
        assert {test["output_format"] for test in found["tests"]} == {"text"}
        for test, entry in zip(found["tests"], document["exercises"], strict=True):
            assert (test["status"] == "passed") == (entry["status"] == "passed")
            assert "\x1b" not in test["output"]
            if entry["status"] == "failed":
                assert entry["message"] in test["output"]


def test_the_tidy_table_has_one_row_for_each_exercise(exported: Path, documents: dict[str, Any]) -> None:
    with (exported / "exercises.csv").open(newline="") as file:
        found = [row for row in csv.DictReader(file) if row["learner"] == "ben"]
    expected = {entry["id"]: (entry["status"], entry["points"]) for entry in documents["ben"]["exercises"]}
    assert {
        row["exercise"]: (row["status"], float(row["points"])) for row in found if row["kind"] == "automatic"
    } == expected
    written = {row["exercise"]: row["status"] for row in found if row["kind"] == "written"}
    assert written == {entry["id"]: entry["status"] for entry in documents["ben"]["written"]}


def test_marks_of_written_answers_are_in_every_total(graded: Path, tmp_path: Path, documents: dict[str, Any]) -> None:
    written = next(spec for spec in manifest.notebook("1.1").exercises if spec.kind == "written")
    marked = gather(graded, Marks({("ada", ASSIGNMENT): {written.answer_cell: Mark(2.5)}}, {}))
    ada = next(entry for entry in marked.submissions if entry.learner == "ada")
    assert ada.points == documents["ada"]["points"] + 2.5
    assert ada.max_points == MOST + sum(entry["max_points"] for entry in documents["ada"]["written"])
    assert marked.max_points(ASSIGNMENT) == ada.max_points


def test_no_cell_of_any_table_is_a_formula(exported: Path, graded: Path) -> None:
    tables = [*exported.glob("*.csv"), write_grades(graded)]
    cells = [cell for path in tables for row in rows(path) for cell in row]
    assert len(tables) == 6
    assert "'=cmd()" in cells
    assert "'=HYPERLINK()" in cells
    assert [cell for cell in cells if cell.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r")] == []


def test_grades_keep_the_columns_of_the_results(exported: Path, graded: Path) -> None:
    ours, theirs = rows(exported / "grades.csv"), rows(write_grades(graded))
    assert tuple(theirs[0]) == COLUMNS
    assert [row[: len(COLUMNS)] for row in ours] == theirs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,email\nAda,a@example.org\n", "has no column learner"),
        ("learner,email\nada,a\nada,b\n", "line 3: ada is there twice"),
        ("learner,email\n,a\n", "line 2: the column learner is empty"),
    ],
)
def test_a_roster_that_cannot_be_used_says_why(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(ReportError, match=message):
        read_roster(tmp_path / "roster.csv")
    with pytest.raises(ReportError, match="cannot be read"):
        read_roster(tmp_path / "none.csv")


def test_an_assignment_that_the_course_lacks_is_no_column(graded: Path, tmp_path: Path) -> None:
    shutil.copytree(graded, tmp_path / "results")
    odd = tmp_path / "results" / "ada" / "homework.json"
    odd.write_text(Result("ada", "homework", "unknown_assignment", message="The course has no homework.").to_json())
    write_report(tmp_path / "results", tmp_path / "out")
    for name in ("canvas.csv", "moodle.csv"):
        assert not [title for title in rows(tmp_path / "out" / name)[0] if "homework" in title]
    assert "The course has no homework." in (tmp_path / "out" / "class.html").read_text()
    assert "homework" in (tmp_path / "out" / "grades.csv").read_text()
