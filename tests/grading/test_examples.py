"""Examples do not run where nobody needs them, and no mark depends on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from autograder import manifest
from autograder.grading.examples import left_out
from tests.grading.small_course import ASSIGNMENT, FULL, SmallCourse, make_course, preceded_by, solutions

SETUP = "import datasets\norders = 3"
EXAMPLES = ["small = orders + 1\nprint(small)", "print(small * 2)", "def half(x): return x / small", "orders = 4"]


def skipped(*learner: str, examples: list[str] = EXAMPLES) -> list[int]:
    """The numbers of the examples that are left out, counted from 0, with some code of a learner behind them."""
    cells = [{"source": SETUP}, *({"source": code, "example": True} for code in examples)]
    cells += [{"check": {}}, *({"source": code} for code in learner)]
    return [number - 1 for number in sorted(left_out(cells, TransformerManager().transform_cell))]


@pytest.mark.parametrize(
    ("learner", "expected"),
    [
        ("", [0, 1, 2]),
        ("def answer(a):\n    small = a\n    return small", [0, 1, 2]),
        ("def answer(a):\n    return a.small", [1, 2]),
        ("print(small)", [1, 2]),
        ("def answer(a):\n    return [half(x) for x in a]", [1]),
        ("class A:\n    def f(self):\n        return lambda: half", [1]),
        ("answer = eval('small')", []),
        ("get_ipython().user_ns['small']", []),
        ("%time print(1)", []),
        ("def broken(:", []),
        ("x = " + "(" * 500 + ")" * 500, []),
        ("x = '\0'", []),
    ],
)
def test_an_example_runs_when_something_that_runs_needs_it(learner: str, expected: list[int]) -> None:
    # The last one changes what the set-up has made, so it always runs.
    assert skipped(learner) == expected


def test_cells_that_are_no_examples_always_run() -> None:
    assert skipped("", examples=[]) == []
    assert left_out([{"source": "print(1)"}, {"source": "print(2)", "example": False}], str) == frozenset()


SHOWS = """
helper = 3
__import__("os").environ.__setitem__("EXAMPLE", "ran")
spark.range(helper).createOrReplaceTempView("shown")
"""


@pytest.fixture
def course(tmp_path: Path) -> SmallCourse:
    """The small course with an example before its exercises, said to be one although it leaves things behind."""
    made = make_course(tmp_path)
    release = made.root / "modules" / ASSIGNMENT / f"{FULL.name}.ipynb"
    notebook = nbformat.read(release, as_version=4)
    example = nbformat.v4.new_code_cell(SHOWS, id="the-example")
    notebook.cells.insert(1, example)
    nbformat.write(notebook, release)
    file = made.root / "autograder" / "manifest.json"
    spec = manifest.parse(file.read_text(encoding="utf-8"))[0]
    file.write_text(manifest.dump([replace(spec, examples=(example.id,))]), encoding="utf-8")
    return made


@pytest.mark.sandbox
@pytest.mark.timeout(400)
def test_answers_that_need_an_example_are_right_all_the_same(course: SmallCourse) -> None:
    right = solutions()
    first, second = list(right)[:2]

    def hand_in(learner: str, answers: dict[str, str], extra: str = "") -> None:
        path = course.hand_in(learner, answers)
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[2:2] = [nbformat.v4.new_code_cell(extra)] if extra else []
        nbformat.write(notebook, path)

    def with_first(statements: str) -> dict[str, str]:
        return {**right, first: preceded_by(right[first], statements)}

    without = 'import os\nassert "EXAMPLE" not in os.environ, "the example ran"'
    ran = 'import os\nassert os.environ["EXAMPLE"] == "ran"'
    hand_in("nothing_of_it", with_first(without))
    hand_in("its_name", with_first(ran), "more = helper + 1")
    hand_in("its_view", with_first('spark.table("shown").count()'))
    hand_in("its_view_in_a_cell", with_first(ran), 'spark.table("shown").count()')
    hand_in("an_error", {**with_first("1 / 0"), second: preceded_by(right[second], ran)})
    course.grade("--workers", "2")
    full = [points for _, _, points in course.marks("nothing_of_it")]
    assert all(full)
    for learner in ("its_name", "its_view", "its_view_in_a_cell"):
        assert [points for _, _, points in course.marks(learner)] == full, learner
    assert [points for _, _, points in course.marks("an_error")] == [0.0, *full[1:]]
    assert "ZeroDivisionError" in course.exercise("an_error", first)["message"]
    assert course.result("its_view_in_a_cell")["findings"] == []
