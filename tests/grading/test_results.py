"""Results are written whole, and an earlier one is kept."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from autograder import manifest
from autograder.grading import engine
from autograder.grading.batch import find_submissions
from autograder.grading.engine import Submission
from autograder.grading.report import read_report
from autograder.grading.results import (
    ExerciseResult,
    Result,
    WrittenAnswer,
    load_result,
    read_result,
    result_path,
    set_aside,
    spreadsheet_cell,
    write_atomically,
    write_grades,
    write_result,
)
from autograder.grading.sandbox import Ended
from autograder.models import Status, Verdict
from autograder.reports.exports.tables import table
from autograder.reports.writing import write_report


def test_a_result_is_replaced_and_the_earlier_one_kept(tmp_path: Path) -> None:
    path = result_path(tmp_path, "ada", "01_dataframes")
    write_result(path, Result("ada", "01_dataframes", "graded", points=3.0, max_points=5.0))
    write_result(path, Result("ada", "01_dataframes", "graded", points=4.0, max_points=5.0))
    assert json.loads(path.read_text())["points"] == 4.0
    (backup,) = (path.parent / "previous").iterdir()
    assert json.loads(backup.read_text())["points"] == 3.0
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["01_dataframes.json", "previous"]


def test_half_a_result_counts_as_none(tmp_path: Path) -> None:
    path = result_path(tmp_path, "ada", "01_dataframes")
    write_result(path, Result("ada", "01_dataframes", "graded"))
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    assert read_result(path) is None


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        result_path(tmp_path, name, "01_dataframes")


def test_grades_list_every_result_with_odd_names(tmp_path: Path) -> None:
    names = ["Zoë O'Hara, Jr.", 'quote"d', "漢字", os.fsdecode(b"latin-\xe9"), "a\nb;graded;9 \x1b[2J\u202e"]
    for number, name in enumerate(names):
        write_result(result_path(tmp_path, name, "a"), Result(name, "a", "graded", points=float(number), max_points=9))
    with write_grades(tmp_path).open(encoding="utf-8", newline="") as file:
        rows = {row["learner"]: row["points"] for row in csv.DictReader(file)}
    shown = [*names[:3], r"latin-\udce9", r"a\nb;graded;9 \x1b[2J\u202e"]
    assert rows == {name: str(float(number)) for number, name in enumerate(shown)}


def test_submissions_are_folders_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "ada" / "01_a").mkdir(parents=True)
    (tmp_path / "ada" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "ada" / "notes.txt").write_text("")
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "01_a").symlink_to(tmp_path / "ada" / "01_a")
    (tmp_path / "eve").symlink_to(tmp_path / "ada")
    (tmp_path / "file").write_text("")
    assert [(item.learner, item.assignment) for item in find_submissions(tmp_path)] == [
        ("ada", "01_a"),
        ("bob", "01_a"),
    ]


def test_a_result_is_read_as_it_was_written() -> None:
    exercise = ExerciseResult("1.1.1", "failed", 0.0, 2.0, "no", 1.5, {"right": ["a"]}, True, "d", "t")
    result = Result("ada", "a", "graded", exercises=(exercise,), written=(WrittenAnswer("1.1.9", "to_mark", 3.0),))
    assert Result.from_json(result.to_json()) == result


@pytest.mark.parametrize(
    "text", ["", "[]", "3", '{"points": 7}', '{"schema_version": 2}', '{"schema_version": 1, "exercises": 5}']
)
def test_other_files_are_no_results(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    assert load_result(tmp_path / "a.json") is None


def test_files_that_are_set_aside_never_replace_each_other(tmp_path: Path) -> None:
    path = tmp_path / "ada" / "a.json"
    path.parent.mkdir()
    for content in ("one", "two"):
        path.write_text(content)
        os.utime(path, (1_000_000, 1_000_000))
        set_aside(path)
    assert sorted(entry.read_text() for entry in (path.parent / "previous").iterdir()) == ["one", "two"]
    assert not path.exists()


def test_a_table_of_marks_by_somebody_else_is_kept(tmp_path: Path) -> None:
    (tmp_path / "grades.csv").write_text("name;mark\nada;7\n")
    write_result(result_path(tmp_path, "ada", "a"), Result("ada", "a", "graded"))
    write_grades(tmp_path)
    write_grades(tmp_path)
    (kept,) = (tmp_path / "previous").iterdir()
    assert kept.read_text() == "name;mark\nada;7\n"
    assert (tmp_path / "grades.csv").read_text().startswith('"learner","assignment",')


def test_a_table_of_marks_of_an_earlier_version_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "grades.csv").write_text("learner,assignment,status\r\nada,a,graded\r\n")
    write_grades(tmp_path)
    assert not (tmp_path / "previous").exists()


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("  @x", "  '@x"),
        ("a;=HYPERLINK(CHAR(104)&A1)", "a;'=HYPERLINK(CHAR(104)&A1)"),
        ("a, -cmd()", "a, '-cmd()"),
        ("a\t+1", "a\t'+1"),
        ('a;""=1+1', 'a;""\'=1+1'),
        (";\uff1d1", ";'\uff1d1"),
        ("x\n=1+1", "x =1+1"),
        ("\r\n=1+1", " '=1+1"),
        ("caf\udce9\x1b", r"caf\udce9\x1b"),
        ("a = b; c - d", "a = b; c - d"),
        (-1.5, -1.5),
    ],
)
def test_text_becomes_no_formula_wherever_a_cell_could_begin(text: object, cell: object) -> None:
    assert spreadsheet_cell(text) == cell


def test_lines_that_a_table_keeps_become_no_formulas() -> None:
    assert spreadsheet_cell("1 of 2 points.\n=1+1\r\n\t+2", keep_lines=True) == "1 of 2 points.\n'=1+1\n'\t'+2"


def test_all_text_is_in_quotes_and_numbers_are_numbers() -> None:
    assert table(["a", "b"], [["x;=1", -1.5], ["", True]]) == '"a","b"\r\n"x;\'=1",-1.5\r\n"",True\r\n'


@pytest.fixture
def reported(tmp_path: Path) -> Path:
    """A report about a learner whose name is no UTF-8 and whose message has lines and formulas."""
    spec = manifest.notebook("1.1").exercises[0]
    message = "no\n=HYPERLINK(1)\x1b[2J;=1+1 caf\udce9"
    learner, assignment = os.fsdecode(b"caf\xe9"), manifest.notebook("1.1").assignment
    exercise = ExerciseResult(spec.id, "failed", 0.0, spec.points, message)
    result = Result(learner, assignment, "graded", exercises=(exercise,), findings=(message,), message=message)
    write_result(result_path(tmp_path / "results", learner, assignment), result)
    write_grades(tmp_path / "results")
    write_report(tmp_path / "results", tmp_path / "out")
    return tmp_path


def test_every_table_and_page_is_utf_8(reported: Path) -> None:
    files = [path for path in reported.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".csv", ".html", ".json"}
    assert [path for path in files if not path.read_bytes().decode("utf-8")] == []
    assert r"caf\udce9" in (reported / "results" / "grades.csv").read_text()
    assert (reported / "results" / os.fsdecode(b"caf\xe9")).is_dir()


def test_text_that_utf_8_cannot_hold_is_escaped_in_files(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.html", "caf\udce9")
    assert (tmp_path / "a.html").read_bytes() == rb"caf\udce9"


def test_a_message_has_one_line_in_every_table(reported: Path) -> None:
    cells = []
    for path in (reported / "out").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells += [(path.name, cell) for row in csv.reader(file) for cell in row if "HYPERLINK" in cell]
    assert {name for name, _ in cells} == {"grades.csv", "exercises.csv", "moodle.csv"}
    assert all("no =HYPERLINK(1)" in cell and "\n=" not in cell and ";=" not in cell for _, cell in cells)


def test_what_a_sandbox_logged_is_escaped() -> None:
    submission = Submission("ada", manifest.notebook("1.1").assignment, Path("nowhere"))
    ended = Ended("died", 1.0, "none", log="first\nlast \x1b]0;title\x07 \u202egnorw")
    message = engine._not_started(submission, ended, None).message
    (finding,) = engine._judged(submission, [], engine._Notebooks(), {}, ended).findings
    for text in (message, finding):
        assert text.endswith(r"first last \x1b]0;title\x07 \u202egnorw")


@pytest.mark.parametrize(("told", "shown"), [(999_999.0, 2.5), (1.25, 1.25), (-3.0, 0.0), (float("nan"), 0.0)])
def test_no_exercise_took_longer_than_the_run(told: float, shown: float) -> None:
    spec = manifest.notebook("1.1").exercises[0]
    verdict = {**Verdict(spec.id, Status.FAILED, "no", max_points=spec.points).to_json(), "seconds": told}
    assert engine._exercise_result(spec, verdict, 2.5).seconds == shown


def test_no_stage_took_longer_than_the_run(tmp_path: Path) -> None:
    stages = {"sample": 1e9, "shell start": -1, "first cell": 1.5}
    notebooks = {"1.1": {"events": ["a\nb \x1b"], "stages": stages}}
    document = {"notebooks": notebooks, "start": {}, "cpu_seconds": 1e300, "virtual_machines": 1}
    (tmp_path / "report.json").write_text(json.dumps(document))
    found = read_report(tmp_path / "report.json", 2.5)
    assert found.stages["1.1"] == {"sample": 2.5, "shell start": 0.0, "first cell": 1.5}
    assert found.cpu_seconds == 2.5 * (os.cpu_count() or 1)
    assert found.events == [r"1.1: a b \x1b"]
