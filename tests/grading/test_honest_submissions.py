"""Notebooks that are honest but odd lose no mark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autograder.grading import batch
from autograder.grading.engine import GradingOptions
from tests.grading.attacks.honest import NOTEBOOKS as ODD
from tests.grading.attacks.honest import Honest
from tests.grading.attacks.packing import Packed, assignment_notebooks, graded

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(1200)]

ASSIGNMENT = "01_dataframes"
SPECS = assignment_notebooks(ASSIGNMENT)
PLACES = {odd.name: SPECS[0] if odd.name == "other means" else SPECS[number % 4] for number, odd in enumerate(ODD)}
"""Which notebook of the assignment each odd one is."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Exercises by odd notebook and id, from one batch: submissions hold as many odd notebooks as fit."""
    home = tmp_path_factory.mktemp("honest")
    submissions: list[dict[str, Honest]] = []
    for odd in ODD:
        name = PLACES[odd.name].name
        room = next((held for held in submissions if name not in held), None)
        if room is None:
            submissions.append(room := {})
        room[name] = odd
    for number, held in enumerate(submissions):
        notebooks = {name: odd.notebook(PLACES[odd.name]) for name, odd in held.items()}
        Packed(f"honest {number}", notebooks).write(home / "submitted", ASSIGNMENT)
    batch.grade_all(batch.find_submissions(home / "submitted"), home / "results", GradingOptions(), workers=2)
    found = {}
    for number, held in enumerate(submissions):
        path = Path(home, "results", f"honest {number}", f"{ASSIGNMENT}.json")
        exercises = {entry["id"]: entry for entry in json.loads(path.read_text())["exercises"]}
        for odd in held.values():
            found[odd.name] = {spec.id: exercises[spec.id] for spec in graded(PLACES[odd.name])}
    return found


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_an_odd_but_right_notebook_gets_full_marks(results: dict[str, dict[str, Any]], odd: Honest) -> None:
    lost = {name: entry["message"] for name, entry in results[odd.name].items() if entry["status"] != "passed"}
    assert lost == {}
    assert sum(entry["points"] for entry in results[odd.name].values()) == sum(
        spec.points for spec in graded(PLACES[odd.name])
    )
