"""Results are written whole, and an earlier one is kept."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from autograder.grading.batch import find_submissions
from autograder.grading.results import (
    ExerciseResult,
    Result,
    WrittenAnswer,
    load_result,
    read_result,
    result_path,
    set_aside,
    write_grades,
    write_result,
)


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
    names = ["Zoë O'Hara, Jr.", 'quote"d', "漢字", os.fsdecode(b"latin-\xe9")]
    for number, name in enumerate(names):
        write_result(result_path(tmp_path, name, "a"), Result(name, "a", "graded", points=float(number), max_points=9))
    with write_grades(tmp_path).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = {row["learner"]: row["points"] for row in csv.DictReader(file)}
    assert rows == {name: str(float(number)) for number, name in enumerate(names)}


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
    assert (tmp_path / "grades.csv").read_text().startswith("learner,assignment,")
