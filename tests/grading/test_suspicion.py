"""Findings name what honest code does not reach for, and stay silent about honest code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder import manifest, paths
from autograder.grading.rebuild import rebuild
from autograder.grading.samples import make_sample
from autograder.grading.suspicion import suspicions
from autograder.models import NotebookSpec
from tests.grading.attacks import Attack, forging, poisoning, snooping, spoofing
from tests.grading.attacks.honest import NOTEBOOKS as ODD
from tests.grading.attacks.packing import insert, replace, solutions

NOTEBOOK = manifest.notebook("1.1")
FIRST = NOTEBOOK.exercises[0]


def findings(folder: Path, spec: NotebookSpec, notebook: object) -> list[str]:
    """What is said about a notebook."""
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps(notebook))
    return list(suspicions(rebuild(path, paths.MODULES / spec.assignment / f"{spec.name}.ipynb").cells))


@pytest.mark.parametrize("spec", manifest.notebooks(), ids=lambda spec: spec.number)
@pytest.mark.parametrize("kind", ["perfect", "noisy"])
def test_right_answers_are_not_suspicious(tmp_path: Path, spec: NotebookSpec, kind: str) -> None:
    assert findings(tmp_path, spec, make_sample(spec, kind)) == []


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_odd_answers_are_not_suspicious(tmp_path: Path, odd: object) -> None:
    assert findings(tmp_path, NOTEBOOK, odd.notebook(NOTEBOOK)) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("patched grader", "the grader's own modules"),
        ("symbolic link", "the grader's own modules"),
        ("the task", "the folder of the task"),
        ("processes", "processes by /proc"),
        ("frames and objects", "all objects in memory"),
        ("expected answers of the caller", "frames of its callers"),
        ("syntax tree transformer", "transformers of later cells"),
        ("input transformer", "transformers of later cells"),
        ("patched shell", "the shell's own methods"),
        ("patched assertions", "assertions of test libraries"),
        ("keyring", "C libraries"),
        ("programs left behind", "processes"),
    ],
)
def test_attacks_are_named(tmp_path: Path, name: str, told: str) -> None:
    known = (*spoofing.ALONE, *snooping.QUIET, *forging.QUIET, *poisoning.ALONE)
    attack: Attack = next(attack for attack in known if attack.name == name)
    notebook = make_sample(NOTEBOOK, "empty")
    replace(notebook, FIRST, attack.answer(FIRST, solutions(NOTEBOOK)[FIRST.id]))
    insert(notebook, attack.cell)
    (sentence,) = findings(tmp_path, NOTEBOOK, notebook)
    assert told in sentence
    assert findings(tmp_path, NOTEBOOK, make_sample(NOTEBOOK, "empty")) == []
