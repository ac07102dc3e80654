"""`course check`, with a real kernel and Spark."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.learner.conftest import Course, RealCourse

MISTAKES = {
    "answer_1_1_1": "def doubled(number):\n    return number * 3",
    "answer_1_1_2": 'def squares(spark):\n    return spark.range(LIMIT).select("sqare")',
    "answer_1_1_3": "def shouted(text)\n    return text.upper()",
}


@pytest.fixture(scope="module")
def mistaken(new_course: Callable[[], Course]) -> Course:
    """A learner's notebook with three kinds of mistakes, and an error in a cell of their own."""
    course = new_course()
    course.answer(**MISTAKES)
    course.add_cell(2, "undefined_table.show()")
    return course


@pytest.fixture(scope="module")
def before(mistaken: Course) -> bytes:
    """The file as it was before it was checked."""
    return mistaken.notebook.read_bytes()


@pytest.fixture(scope="module")
def checked(mistaken: Course, before: bytes) -> subprocess.CompletedProcess[str]:
    """One run, which several tests look at."""
    return mistaken.run("check", "1.1")


def test_every_verdict_is_printed_and_the_exit_code_tells_that_something_is_wrong(
    checked: subprocess.CompletedProcess[str],
) -> None:
    assert checked.returncode == 1, checked.stderr
    assert "✘ 1.1.1 not right yet" in checked.stdout
    assert "63 (expected 42)" in checked.stdout
    assert "✘ 1.1.2 stopped with an error" in checked.stdout
    assert "UNRESOLVED_COLUMN" in checked.stdout
    assert "passed 0 of 3, 0 of 6 points" in checked.stdout
    assert "Written answer 1.1.4 (4 points): marked by hand." in checked.stdout


def test_an_answer_cell_that_does_not_parse_is_the_verdict_and_not_a_missing_name(
    checked: subprocess.CompletedProcess[str],
) -> None:
    text = " ".join(checked.stdout.split())
    assert "The answer cell stops before it defines `shouted`. SyntaxError: expected ':' (line 1)" in text
    assert text.count("SyntaxError") == 1


def test_an_error_of_another_cell_is_one_paragraph_that_names_the_cell(
    checked: subprocess.CompletedProcess[str],
) -> None:
    text = " ".join(checked.stdout.split())
    assert "An error in the cell that begins `undefined_table.show()`: NameError: name 'undefined_table'" in text
    assert "Traceback" not in text


def test_the_output_fits_80_columns_and_has_no_colour_where_none_is_wanted(
    checked: subprocess.CompletedProcess[str],
) -> None:
    assert max(len(line) for line in checked.stdout.splitlines()) <= 80
    assert "\x1b[" not in checked.stdout
    assert checked.stderr == ""


def test_the_learners_file_is_not_written_to_and_progress_is_remembered(
    mistaken: Course, before: bytes, checked: subprocess.CompletedProcess[str]
) -> None:
    assert mistaken.notebook.read_bytes() == before
    assert {name: entry["status"] for name, entry in mistaken.progress().items()} == {
        "1.1.1": "failed",
        "1.1.2": "error",
        "1.1.3": "error",
    }


def test_a_function_that_kills_the_kernel_is_named_and_the_other_exercises_are_still_checked(course: Course) -> None:
    course.solve("1.1.1", "1.1.3")
    course.answer(answer_1_1_2="import os\n\ndef squares(spark):\n    os._exit(9)")
    done = course.run("check", "1.1", "--json")
    report = json.loads(done.stdout)
    assert [exercise["status"] for exercise in report["exercises"]] == ["passed", "error", "passed"]
    assert report["exercises"][1]["message"].startswith("The Python kernel died in the check cell of 1.1.2.")
    assert (report["points"], report["max_points"], report["passed"], report["total"]) == (4, 6, 2, 3)
    assert (done.returncode, report["written"]) == (1, ["1.1.4"])


def test_one_exercise_runs_only_the_cells_up_to_its_check_and_an_endless_cell_is_stopped(course: Course) -> None:
    course.solve("1.1.1")
    course.add_cell(100, "from pathlib import Path\nPath('after.txt').write_text('ran')")
    course.add_cell(2, "while True:\n    pass")
    done = course.run("check", "1.1.1", "--deadline", "15")
    text = " ".join(done.stdout.split())
    assert (done.returncode, "✔ 1.1.1 passed" in text) == (0, True), done.stderr
    assert "the cell that begins `while True:`: It was still running after 15 seconds and was stopped." in text
    assert list(course.progress()) == ["1.1.1"]
    assert not list(course.root.rglob("after.txt"))


def test_an_endless_function_is_timed_out_by_its_own_deadline(course: Course) -> None:
    course.answer(answer_1_1_3="def shouted(text):\n    while True:\n        pass")
    done = course.run("check", "1.1.3", "--json")
    (exercise,) = json.loads(done.stdout)["exercises"]
    assert exercise["status"] == "timeout"
    assert "after 4 seconds" in exercise["message"]


@pytest.mark.slow
def test_the_first_notebook_of_the_course_passes_with_the_solutions_but_for_what_is_left_out(
    real_course: RealCourse,
) -> None:
    answers = real_course.twin_answers()
    left_out = list(answers)[1]
    real_course.answer(**{name: source for name, source in answers.items() if name != left_out})
    done = real_course.run("check", "1.1", "--json")
    report = json.loads(done.stdout)
    statuses = {exercise["id"]: exercise["status"] for exercise in report["exercises"]}
    missing = left_out.removeprefix("answer_").replace("_", ".")
    assert statuses == dict.fromkeys(statuses, "passed") | {missing: "not_attempted"}
    assert (done.returncode, report["passed"], report["problems"]) == (1, len(answers) - 1, [])


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("1.2", "There is no notebook 1.2. Did you mean 1.1?"),
        ("1.1.9", "There is no exercise 1.1.9."),
        ("1.1.4", "1.1.4 is a written answer: it is marked by hand."),
    ],
)
def test_a_number_that_cannot_be_checked_is_one_sentence(course: Course, number: str, sentence: str) -> None:
    done = course.run("check", number)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_or_damaged_notebook_names_the_remedy(course: Course) -> None:
    whole = course.notebook.read_text(encoding="utf-8")
    for text in (whole[: len(whole) // 2], "[]", '{"cells": 3}', "", "\x00\xff"):
        course.notebook.write_text(text, encoding="latin-1")
        damaged = course.run("check", "1.1")
        assert "modules/01_numbers/1.1_numbers.ipynb is damaged" in damaged.stderr, text[:20]
        assert "`course reset 1.1`" in damaged.stderr
    course.notebook.unlink()
    missing = course.run("check", "1.1")
    assert "1.1_numbers.ipynb is missing; `course reset 1.1` brings it back." in missing.stderr
    assert missing.returncode == damaged.returncode == 1


def test_a_check_cell_that_was_deleted_or_emptied_is_told(course: Course) -> None:
    course.solve("1.1.1", "1.1.3")
    course.answer(check_1_1_1="pass")
    edited = (
        course.notebook.read_text(encoding="utf-8")
        .replace("check_1_1_3", "gone")
        .replace('check(\\"1.1.3', 'chek(\\"1.1.3')
    )
    course.notebook.write_text(edited, encoding="utf-8")
    report = json.loads(course.run("check", "1.1", "--json").stdout)
    first, _, third = report["exercises"]
    assert (first["status"], third["status"]) == ("error", "error")
    assert 'called no `check("1.1.1", ...)`' in first["message"]
    assert "The check cell is missing" in third["message"]
