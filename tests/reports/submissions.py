"""Submissions of a class, made from the sources: each learner has other wrong answers, and one is hostile."""

from __future__ import annotations

from pathlib import Path

import nbformat

from autograder import manifest, paths
from autograder.authoring import source
from autograder.grading.samples import as_handed_in, fill, grade_id
from autograder.models import NotebookSpec

HOSTILE_TEXT = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31mred\x1b[0m\u202e=HYPERLINK(\"x\") {{7*7}}"
LEARNERS = ("ada", "ben", "cleo", "dana", "=cmd()", "<i>eve & co")


def write_class(folder: Path, numbers: tuple[str, ...], learners: tuple[str, ...] = LEARNERS) -> None:
    """Write the notebooks of some numbers for each learner in nbgrader's layout; the last learner is hostile."""
    for number in numbers:
        spec = manifest.notebook(number)
        for position, learner in enumerate(learners):
            notebook = one_notebook(spec, position)
            if learner == learners[-1]:
                make_hostile(notebook)
            path = folder / learner / spec.assignment / f"{spec.name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, path)


def one_notebook(spec: NotebookSpec, position: int) -> nbformat.NotebookNode:
    """A notebook in which a learner got some exercises right, some wrong, and left one out."""
    released = nbformat.read(paths.MODULES / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    twin = nbformat.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    item = source.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.py")
    answers = {grade_id(cell): as_handed_in(cell.source) for cell in twin.cells if grade_id(cell).startswith("answer_")}
    for number, exercise in enumerate(spec.exercises):
        wrong = [cell.source for cell in item.of("wrong", exercise.id)]
        choices = [answers[exercise.answer_cell], *wrong, None]
        choice = choices[(number + position * 2) % len(choices)] if position else answers[exercise.answer_cell]
        if choice is None:
            del answers[exercise.answer_cell]
        else:
            answers[exercise.answer_cell] = choice
    fill(released, answers)
    return released


def make_hostile(notebook: nbformat.NotebookNode) -> None:
    """Raises an error whose message is markup, edits a locked cell, doubles a test, ends the process in another answer."""
    code = [cell for cell in notebook.cells if grade_id(cell).startswith("answer_") and cell.cell_type == "code"]
    head = code[0].source.split("\n")
    function = next(line for line in head if line.startswith("def "))
    code[0].source = f"{function}\n    raise ValueError({HOSTILE_TEXT!r})\n"
    function = next(line for line in code[1].source.split("\n") if line.startswith("def "))
    code[1].source = f"{function}\n    import os\n    os._exit(0)\n"
    checks = [cell for cell in notebook.cells if grade_id(cell).startswith("check_")]
    checks[0].source = "print('passed')"
    checks[1].metadata["nbgrader"]["points"] = 100
    notebook.cells.append(checks[2].copy())
