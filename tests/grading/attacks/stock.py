"""Stock nbgrader with the same notebooks: what an attack does where its defence is missing."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pyarrow.parquet as pq
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder import manifest, paths
from autograder.compare import Frame
from autograder.grading import verifier
from autograder.grading.samples import grade_id
from autograder.grading.task import all_cases
from autograder.models import ExerciseSpec
from datasets import sample
from tests.grading.attacks.packing import graded

NOTEBOOK = manifest.notebook("1.1")
EXERCISES = graded(NOTEBOOK)[:4]
NAME = "notebook"


@dataclass(frozen=True)
class Mark:
    """Points of one notebook, and what else is to say."""

    points: float
    note: str = ""


def shortened(notebook: NotebookNode) -> NotebookNode:
    """A notebook up to the check of the last exercise used."""
    cut = copy.deepcopy(notebook)
    last = next(number for number, cell in enumerate(cut.cells) if grade_id(cell) == EXERCISES[-1].check_cell)
    cut.cells = cut.cells[: last + 1]
    for cell in cut.cells:
        cell.pop("outputs", None) if cell.cell_type != "code" else cell.update(outputs=[], execution_count=None)
    return cut


def write_data(folder: Path) -> None:
    """Inputs and expected answers of every case as Parquet: `<exercise>/<case>/<table or expected>.parquet`."""
    for exercise in EXERCISES:
        expected = verifier.expected_cases(NOTEBOOK, exercise.id)
        for case, known in zip(all_cases(NOTEBOOK, exercise.id), expected, strict=True):
            home = folder / exercise.id / known.name
            home.mkdir(parents=True)
            for name in exercise.parameters:
                shutil.copyfile(case.files.get(name, Path(sample(name))), home / f"{name}.parquet")
            pq.write_table(Frame.read(known.expected / "answer.parquet").table, home / "expected.parquet")


def test_source(exercise: ExerciseSpec, data: Path, *, markers: bool) -> str:
    """The test of an exercise as users of assertDataFrameEqual write it."""
    cases = [known.name for known in verifier.expected_cases(NOTEBOOK, exercise.id)]
    home = data / exercise.id
    (parameter,) = exercise.parameters
    hidden = f"""
for case in {cases[1:]!r}:
    hidden_input = spark.read.parquet(f"{home}/{{case}}/{parameter}.parquet")
    expected = spark.read.parquet(f"{home}/{{case}}/expected.parquet")
    assertDataFrameEqual({exercise.function}(hidden_input), expected, ignoreColumnOrder=True)"""
    if markers:
        hidden = f"\n### BEGIN HIDDEN TESTS{hidden}\n### END HIDDEN TESTS"
    return f"""from pyspark.testing import assertDataFrameEqual
expected = spark.read.parquet("{home}/{cases[0]}/expected.parquet")
assertDataFrameEqual({exercise.function}({parameter}), expected, ignoreColumnOrder=True){hidden}
"""


def under_nbgrader(submissions: Mapping[str, Callable[[NotebookNode], NotebookNode]], home: Path) -> dict[str, Mark]:
    """Points from stock nbgrader's gradebook, in a course folder with its own defaults. A submission fills the released notebook."""
    data = home / "data"
    write_data(data)
    source = shortened(nbformat.read(paths.SOLUTIONS / NOTEBOOK.assignment / f"{NOTEBOOK.name}.ipynb", as_version=4))
    for exercise in EXERCISES:
        next(cell for cell in source.cells if grade_id(cell) == exercise.check_cell).source = test_source(
            exercise, data, markers=True
        )
    # A minute for a cell, because Spark has to start; the default is 30 seconds.
    (home / "nbgrader_config.py").write_text("c = get_config()\nc.ExecutePreprocessor.timeout = 60\n")
    (home / "source" / "ps").mkdir(parents=True)
    nbformat.write(source, home / "source" / "ps" / f"{NAME}.ipynb")
    nbgrader(home, "generate_assignment", "ps")
    for name, fill in submissions.items():
        released = nbformat.read(home / "release" / "ps" / f"{NAME}.ipynb", as_version=4)
        path = home / "submitted" / name / "ps" / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(fill(released)))
    notes = {}
    log = nbgrader(home, "autograde", "ps")
    graded_now = {path.name for path in (home / "autograded").glob("*")}
    for name in [name for name in submissions if name not in graded_now]:
        notes[name] = "not graded"
        if f"'{name}'" not in log and name not in log:
            notes[name] = "graded by itself, as its batch had ended early"
            nbgrader(home, "autograde", "ps", "--student", name)
    with Gradebook(f"sqlite:///{home / 'gradebook.db'}") as gradebook:
        known = {student.id for student in gradebook.students}
        return {
            name: Mark(gradebook.find_submission("ps", name).score if name in known else 0.0, notes.get(name, ""))
            for name in submissions
        }


def nbgrader(home: Path, *arguments: str) -> str:
    """Run a command of nbgrader and return what it said."""
    environment = {**os.environ, "COURSE_ROOT": str(paths.ROOT), "COURSE_STATE": str(paths.STATE)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    program = Path(sys.executable).with_name("nbgrader")
    done = subprocess.run([program, *arguments], cwd=home, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
