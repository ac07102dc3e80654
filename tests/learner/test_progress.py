"""`course progress` and `course hint`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.learner.conftest import Course

REMEMBERED = {
    "1.1.1": {"status": "passed", "checked_at": "2026-03-01T10:00:00+00:00", "attempts": 2},
    "1.1.2": {"status": "failed", "checked_at": "2026-03-02T11:30:00+00:00", "attempts": 1},
    "1.1.3": {"status": "not_attempted", "checked_at": "2026-03-01T09:00:00+00:00", "attempts": 1},
}


@pytest.fixture
def half_done(course: Course) -> Course:
    course.state.mkdir()
    (course.state / "progress.json").write_text(json.dumps(REMEMBERED), encoding="utf-8")
    return course


def test_the_table_counts_passed_tried_points_and_names_what_is_next(half_done: Course) -> None:
    done = half_done.run("progress")
    row = next(line for line in done.stdout.splitlines() if line.startswith("1.1 Numbers"))
    assert row.split() == ["1.1", "Numbers", "████▒▒▒▒▒░░░░░", "1/3", "2", "1/6", "2026-03-02", "11:30"]
    assert "next: 1.1.2 A column of squares, modules/01_numbers/1.1_numbers.ipynb" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_json_has_the_same_numbers(half_done: Course) -> None:
    report = json.loads(half_done.run("progress", "--json").stdout)
    (module,) = report["modules"]
    (notebook,) = module["notebooks"]
    assert (notebook["passed"], notebook["attempted"], notebook["total"]) == (1, 2, 3)
    assert (notebook["points"], notebook["max_points"]) == (1, 6)
    assert notebook["exercises"] == {"1.1.1": "passed", "1.1.2": "failed", "1.1.3": "not_attempted"}
    assert report["next"]["exercise"] == "1.1.2"


def test_nothing_is_next_when_all_has_passed(course: Course) -> None:
    course.state.mkdir()
    passed = {f"1.1.{number}": {"status": "passed", "checked_at": "2026-03-01T10:00:00+00:00"} for number in (1, 2, 3)}
    (course.state / "progress.json").write_text(json.dumps(passed), encoding="utf-8")
    assert "next: nothing. Every exercise has passed." in course.run("progress").stdout
    assert json.loads(course.run("progress", "--json").stdout)["next"] is None


def test_a_course_without_a_manifest_says_so(course: Course) -> None:
    (course.root / "autograder" / "manifest.json").unlink()
    done = course.run("progress")
    assert (done.returncode, "autograder/manifest.json is missing" in done.stderr) == (1, True)


def test_each_call_shows_one_more_hint_and_then_says_that_there_are_no_more(course: Course) -> None:
    first, second, third = (course.run("hint", "1.1.1").stdout for _ in range(3))
    assert [line.strip() for line in first.splitlines()] == ["Hint 1 of 2 for 1.1.1", "Multiply."]
    assert "Hint 2 of 2 for 1.1.1" in second and "That was the last one." in second
    assert "There are no more hints for 1.1.1." in third


def test_all_shows_the_earlier_hints_and_the_next(course: Course) -> None:
    course.run("hint", "1.1.1")
    shown = course.run("hint", "1.1.1", "--all").stdout
    assert shown.index("Multiply.") < shown.index("By `2`.")


def test_an_exercise_without_hints_and_an_unknown_one_are_told_apart(course: Course) -> None:
    assert "There is no hint for 1.1.2." in course.run("hint", "1.1.2").stdout
    unknown = course.run("hint", "1.1.7")
    assert (unknown.returncode, "There is no exercise 1.1.7." in unknown.stderr) == (1, True)


def test_a_damaged_progress_file_is_set_aside(half_done: Course) -> None:
    path: Path = half_done.state / "progress.json"
    path.write_text("{half", encoding="utf-8")
    assert "0/3" in half_done.run("progress").stdout
    assert path.with_suffix(".damaged.json").read_text(encoding="utf-8") == "{half"
