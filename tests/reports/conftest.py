"""A class graded by the real engine, larger classes mixed from its verdicts, and a gradebook made by nbgrader."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder import manifest, paths
from autograder.authoring import source
from autograder.grading import batch
from autograder.grading.engine import GradingOptions
from autograder.grading.samples import as_handed_in, fill, grade_id
from autograder.models import NotebookSpec
from autograder.reports.gathering import ClassResults, gather
from autograder.reports.writing import write_report

NOTEBOOK = "1.1"
HOSTILE_TEXT = '<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31mred\x1b[0m\u202e=HYPERLINK("x") {{7*7}}'
LEARNERS = {"ada": 0, "ben": 1, "=cmd()": 8, "<i>eve & co": 3}
"""The folder names of the class, and which choice of answers each learner made."""


def write_class(folder: Path, number: str, learners: dict[str, int] = LEARNERS) -> None:
    """Write the notebook of a number for each learner in nbgrader's layout; the last learner is hostile."""
    spec = manifest.notebook(number)
    for learner, choice in learners.items():
        notebook = one_notebook(spec, choice)
        if learner == list(learners)[-1]:
            make_hostile(notebook)
        path = folder / learner / spec.assignment / f"{spec.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)


def one_notebook(spec: NotebookSpec, position: int) -> nbformat.NotebookNode:
    """A notebook in which the first learner got everything right, others some exercises wrong, and some left out."""
    released = nbformat.read(paths.MODULES / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    twin = nbformat.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    item = source.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.py")
    answers = {grade_id(cell): as_handed_in(cell.source) for cell in twin.cells if grade_id(cell).startswith("answer_")}
    for number, exercise in enumerate(spec.exercises):
        wrong = [cell.source for cell in item.of("wrong", exercise.id)]
        choices: list[str | None] = [answers[exercise.answer_cell], *wrong, None]
        choice = choices[(number + 2 * position) % len(choices)] if position else choices[0]
        if choice is None:
            del answers[exercise.answer_cell]
        else:
            answers[exercise.answer_cell] = choice
    fill(released, answers)
    return released


def make_hostile(notebook: nbformat.NotebookNode) -> None:
    """An error whose message is markup, an answer that ends the process, an edited test, forged points, a doubled cell."""
    code = [cell for cell in notebook.cells if grade_id(cell).startswith("answer_") and cell.cell_type == "code"]
    for cell, body in ((code[0], f"raise ValueError({HOSTILE_TEXT!r})"), (code[1], "import os; os._exit(0)")):
        head = next(line for line in cell.source.split("\n") if line.startswith("def "))
        cell.source = f"{head}\n    {body}\n"
    checks = [cell for cell in notebook.cells if grade_id(cell).startswith("check_")]
    checks[0].source = "print('passed')"
    checks[1].metadata["nbgrader"]["points"] = 100
    doubled = checks[2].copy()
    doubled["id"] = "doubled"
    notebook.cells.append(doubled)


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a small class, as `course grade` writes them. One notebook was handed in, with wrong answers of all kinds."""
    folder = tmp_path_factory.mktemp("class")
    write_class(folder / "submitted", NOTEBOOK)
    batch.grade_all(batch.find_submissions(folder / "submitted"), folder / "results", GradingOptions(), workers=2)
    return folder / "results"


@pytest.fixture(scope="session")
def results(graded: Path) -> ClassResults:
    """The same, gathered."""
    return gather(graded)


@pytest.fixture(scope="session")
def report(graded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the small class."""
    out = tmp_path_factory.mktemp("report")
    write_report(graded, out)
    return out


@pytest.fixture(scope="session")
def hostile_text() -> str:
    """What the hostile learner's error says."""
    return HOSTILE_TEXT


@pytest.fixture(scope="session")
def documents(graded: Path) -> dict[str, dict[str, Any]]:
    """The results as JSON, by learner."""
    return {path.parent.name: json.loads(path.read_text()) for path in graded.glob("*/*.json")}


@pytest.fixture(scope="session")
def mixed_class(documents: dict[str, dict[str, Any]]) -> Callable[[Path, int], Path]:
    """Writes results of as many learners as wanted into a folder, each a mixture of the real verdicts."""

    def write(folder: Path, learners: int) -> Path:
        real = list(documents.values())
        for number in range(learners):
            document = json.loads(json.dumps(real[0]))
            name = f"learner{number:03d}"
            picked = [real[(number * 3 + 2 * place) % len(real)] for place in range(len(document["exercises"]))]
            document["exercises"] = [one["exercises"][place] for place, one in enumerate(picked)]
            document["points"] = sum(entry["points"] for entry in document["exercises"])
            path = folder / name / f"{document['assignment']}.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps({**document, "learner": name, "findings": []}))
        return folder

    return write


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook as `nbgrader generate_assignment` leaves it for the assignment: made by nbgrader's own SaveCells."""
    from nbgrader.api import Gradebook
    from nbgrader.preprocessors import SaveCells

    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    spec = manifest.notebook(NOTEBOOK)
    # nbgrader starts alembic by its name.
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        with Gradebook(f"sqlite:///{path}", "pyspark-course") as gradebook:
            gradebook.add_assignment(spec.assignment)
    finally:
        os.environ["PATH"] = before
    for notebook in manifest.notebooks():
        if notebook.assignment == spec.assignment:
            cells = nbformat.read(paths.MODULES / notebook.assignment / f"{notebook.name}.ipynb", as_version=4)
            resources = {"notebook": notebook.name, "assignment": notebook.assignment, "db_url": f"sqlite:///{path}"}
            SaveCells().preprocess(cells, {"nbgrader": resources})
    return path
