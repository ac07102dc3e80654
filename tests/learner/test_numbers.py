"""Numbers of two and of three parts: 1.1.2 is an exercise, 6.1.2 a notebook, 6.1.2.1 its first exercise."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder import manifest
from autograder.authoring import build
from autograder.learner import notebook
from autograder.models import ExerciseSpec, NotebookSpec


def spec(number: str, *exercises: str) -> NotebookSpec:
    """A notebook with value exercises."""
    made = tuple(ExerciseSpec(identifier, "", "value", 1.0) for identifier in exercises)
    return NotebookSpec(number, "", "06_x", f"{number}_x", 60, made)


NOTEBOOKS = (
    spec("6.1.10", "6.1.10.1"),
    spec("6.2.1"),
    spec("6.1.2", "6.1.2.1", "6.1.2.10"),
    spec("1.1", "1.1.1", "1.1.2"),
)


@pytest.fixture(autouse=True)
def course(monkeypatch: pytest.MonkeyPatch) -> None:
    """These notebooks are the course."""
    monkeypatch.setattr(manifest, "notebooks", lambda: NOTEBOOKS)


@pytest.mark.parametrize(
    ("wanted", "number", "exercise"),
    [
        ("1.1", "1.1", None),
        ("1.1.2", "1.1", "1.1.2"),
        ("6.1.2", "6.1.2", None),
        ("6.1.2.1", "6.1.2", "6.1.2.1"),
        ("6.1.2.10", "6.1.2", "6.1.2.10"),
        ("6.1.10", "6.1.10", None),
        ("modules/06_x/6.1.2_x.ipynb", "6.1.2", None),
    ],
)
def test_a_number_finds_the_notebook_or_the_exercise(wanted: str, number: str, exercise: str | None) -> None:
    found, chosen = notebook.find(wanted)
    assert (found.number, chosen.id if chosen else None) == (number, exercise)


@pytest.mark.parametrize("wanted", ["6.1", "6.1.9", "6.1.2.7", "9"])
def test_a_number_that_is_neither_is_reported_with_near_ones(wanted: str) -> None:
    with pytest.raises(manifest.UnknownExercise, match="There is no"):
        notebook.find(wanted)


def test_notebooks_are_sorted_by_each_part_as_a_number() -> None:
    assert [item.number for item in manifest.parse(manifest.dump(NOTEBOOKS))] == ["1.1", "6.1.2", "6.1.10", "6.2.1"]


def test_building_one_notebook_owns_its_files_only(tmp_path: Path) -> None:
    files = [
        "autograder/references/1.1.2/answer.json",
        "autograder/references/6.1.2.1/labels.parquet",
        "autograder/references/6.1.10.1/answer.json",
        "modules/06_x/6.1.2_x.ipynb",
        "modules/06_x/6.1.10_x.ipynb",
        "solutions/06_x/hidden/6.1.2_x/6.1.2.1/0/facts.json",
        "solutions/06_x/hidden/6.1.10_x/6.1.10.1/0/facts.json",
    ]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    owned = {path.as_posix() for path in build.owned(tmp_path, ["6.1.2"])}
    assert owned == {name for name in files if "6.1.2" in name}
    assert build.owned(tmp_path, ["6.1"]) == set()
    assert len(build.owned(tmp_path)) == len(files)
