"""Puts attacks into submissions: many into one where they do not disturb one another, because every submission starts a Java process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder import manifest, paths
from autograder.grading.samples import grade_id, make_sample
from autograder.models import ExerciseSpec, NotebookSpec
from tests.grading.attacks import Attack

SETUP = "the first cell again"


@dataclass(frozen=True)
class Packed:
    """A hostile submission: `attacks` by the exercise that each stands in; `solved` exercises have the reference answer."""

    learner: str
    notebooks: Mapping[str, NotebookNode]
    attacks: Mapping[str, Attack] = field(default_factory=dict)
    solved: frozenset[str] = frozenset()

    def write(self, submitted: Path, assignment: str) -> None:
        """Write the notebooks in nbgrader's layout. (`nbformat.write` would mend what an attack has broken.)"""
        folder = submitted / self.learner / assignment
        folder.mkdir(parents=True)
        for name, notebook in self.notebooks.items():
            (folder / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def shorten_release(folder: Path, assignments: Iterable[str]) -> None:
    """Write the released notebooks without their worked examples, which would be most of the time of a run."""
    for assignment in assignments:
        (folder / assignment).mkdir(parents=True)
        for spec in assignment_notebooks(assignment):
            notebook = nbformat.read(paths.MODULES / assignment / f"{spec.name}.ipynb", as_version=4)
            code = [cell for cell in notebook.cells if cell.cell_type == "code" or grade_id(cell)]
            notebook.cells = [cell for number, cell in enumerate(code) if number == 0 or grade_id(cell)]
            nbformat.write(notebook, folder / assignment / f"{spec.name}.ipynb")


def graded(spec: NotebookSpec) -> list[ExerciseSpec]:
    """The automatically graded exercises of a notebook."""
    return [exercise for exercise in spec.exercises if exercise.kind != "written"]


def assignment_notebooks(assignment: str) -> list[NotebookSpec]:
    """The notebooks of an assignment that attacks are put into."""
    return [notebook for notebook in manifest.notebooks() if notebook.assignment == assignment]


def quiet(learner: str, attacks: Sequence[Attack], specs: Sequence[NotebookSpec], facts: Mapping[str, Any]) -> Packed:
    """One attack in each exercise, and after all of them one exercise solved, which must get its points."""
    places = [(spec, exercise) for spec in specs for exercise in graded(spec)][: len(attacks) + 1]
    if len(places) <= len(attacks):
        raise ValueError(f"There are {len(places)} exercises for {len(attacks)} attacks and a right answer.")
    notebooks: dict[str, NotebookNode] = {}
    for (spec, exercise), attack in zip(places, [*attacks, None], strict=True):
        if spec.name not in notebooks:
            notebooks[spec.name] = make_sample(spec, "empty")
            insert(notebooks[spec.name], facts_cell(facts, spec))
        solution = solutions(spec)[exercise.id]
        replace(notebooks[spec.name], exercise, attack.answer(exercise, solution) if attack else solution)
        if attack:
            insert(notebooks[spec.name], attack.cell)
    placed = {exercise.id: attack for (_, exercise), attack in zip(places, attacks, strict=False)}
    return Packed(learner, notebooks, placed, frozenset({places[-1][1].id}))


def alone(learner: str, attacks: Sequence[Attack], specs: Sequence[NotebookSpec], facts: Mapping[str, Any]) -> Packed:
    """One attack for a whole notebook: it stands in the first and third exercise, the others are untouched."""
    notebooks, placed = {}, {}
    for spec, attack in zip(specs, attacks, strict=False):
        notebook, answers = make_sample(spec, "empty"), solutions(spec)
        for exercise in graded(spec)[:3:2]:
            replace(notebook, exercise, attack.answer(exercise, answers[exercise.id]))
            placed[exercise.id] = attack
        insert(notebook, facts_cell(facts, spec), attack.cell)
        notebooks[spec.name] = notebook
    return Packed(learner, notebooks, placed)


def solved(spec: NotebookSpec, number: int) -> NotebookNode:
    """A notebook in which the first exercises are solved."""
    notebook, answers = make_sample(spec, "empty"), solutions(spec)
    for exercise in graded(spec)[:number]:
        replace(notebook, exercise, answers[exercise.id])
    return notebook


def facts_cell(facts: Mapping[str, Any], spec: NotebookSpec) -> str:
    """What an attacker may well know or guess."""
    exercises = [exercise.id for exercise in graded(spec)]
    return f"import json, os\nFACTS = {dict(facts) | {'exercises': exercises}!r}"


def solutions(spec: NotebookSpec) -> dict[str, str]:
    """The reference answers by exercise, as a learner would hand them in."""
    perfect = make_sample(spec, "perfect")
    cells = {grade_id(cell): cell.source for cell in perfect.cells}
    return {exercise.id: cells[exercise.answer_cell] for exercise in graded(spec)}


def replace(notebook: NotebookNode, exercise: ExerciseSpec, source: str) -> None:
    """Put the source of an answer into a notebook."""
    next(cell for cell in notebook.cells if grade_id(cell) == exercise.answer_cell).source = source


def insert(notebook: NotebookNode, *sources: str) -> None:
    """Put code cells before the first answer; `SETUP` stands for the notebook's own first cell once more."""
    setup = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    first = next(number for number, cell in enumerate(notebook.cells) if grade_id(cell).startswith("answer_"))
    notebook.cells[first:first] = [
        nbformat.v4.new_code_cell(setup if source == SETUP else source) for source in sources if source
    ]
