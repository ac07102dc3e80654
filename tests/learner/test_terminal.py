"""Verdicts in terminals of any width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from autograder import render
from autograder.learner import terminal
from autograder.learner.checking import Result, explain_named
from autograder.models import Cell, ExampleTable, ExerciseSpec, Status, Verdict

SENTENCE = "The column `revenue` differs in 41 of 200 rows, always by the same factor, as if it had been counted twice."
VERDICT = Verdict(
    "2.1.3",
    Status.FAILED,
    SENTENCE,
    right=("The column names are right.",),
    wrong=("2 rows are missing, all of customers in countries with a name that is long enough to need a second line.",),
    examples=ExampleTable(
        ("customer_id", "country", "revenue"),
        ((1, "Norway", Cell("20.00", "10.00")), (2, "Trinidad and Tobago", Cell("3000.00", "1500.00"))),
        ("wrong", "wrong"),
    ),
)


def shown(width: int, colour: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, highlight=False, force_terminal=colour, color_system="standard" if colour else None
    )
    result = Result(
        ExerciseSpec("2.1.3", "Revenue", "dataframe", 2.0), VERDICT.status, VERDICT.message, render.text(VERDICT)
    )
    console.print(terminal.verdict(result))
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_verdict_fits_the_terminal_and_loses_no_word(width: int) -> None:
    text = shown(width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    words = " ".join(text.split())
    assert SENTENCE in words
    assert "✔ The column names are right." in words
    assert "Stuck? `course hint 2.1.3` shows the next hint." in words
    for value in ("Tobago", "3000.00", "1500.00"):
        assert value in text.replace("\n", "")


def test_example_rows_stand_in_columns() -> None:
    rows = [line for line in shown(100).splitlines() if "expected " in line]
    assert [row.split()[:2] for row in rows] == [["wrong", "1"], ["wrong", "2"]]
    assert rows[0].index("20.00") == rows[1].index("3000.00")


def test_marks_are_coloured_where_colour_is_possible() -> None:
    assert "\x1b[1;31m✘ 2.1.3 not right yet" in shown(80, colour=True)
    assert "\x1b[" not in shown(80)


def test_the_bar_shows_passed_tried_and_to_do() -> None:
    assert terminal.bar(1, 3, 4, width=8).plain == "██▒▒▒▒░░"
    assert terminal.bar(0, 0, 0, width=3).plain == "░░░"


def test_an_error_out_of_a_kernel_is_explained_like_a_live_one() -> None:
    message = "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\n== DataFrame ==\n\tat org.apache.spark"
    assert explain_named("ArithmeticException", message).startswith("DIVIDE_BY_ZERO: Division by zero.")
    assert explain_named("KeyError", "'country'") == "KeyError: 'country'"
    assert explain_named("SyntaxError", "invalid syntax (1234.py, line 2)") == "SyntaxError: invalid syntax (line 2)"
