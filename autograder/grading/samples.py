"""Sample submissions, made from the release and the solution twins, so that they are never out of date.

`perfect` has every reference solution, `empty` is the release untouched, `half` solves every other exercise, and
`noisy` is perfect but writes to standard error, logs warnings, prints and plots, which must not cost a mark.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import manifest, paths
from autograder.models import NotebookSpec

KINDS = ("perfect", "empty", "half", "noisy")

NOISE = """\
import logging, sys, warnings
from pyspark.sql import Window
from pyspark.sql import functions as F

spark.sparkContext.setLogLevel("WARN")
spark.range(10).withColumn("rank", F.row_number().over(Window.orderBy("id"))).count()
print("[Stage 1:=============================>                             (1 + 1) / 2]", file=sys.stderr)
warnings.warn("a warning that means nothing")
logging.getLogger("learner").warning("a log line that means nothing")
"""


def write_samples(folder: Path, assignment: str = "") -> list[Path]:
    """Write a submission of each kind for each assignment (or for one) in nbgrader's layout `<kind>/<assignment>/`.

    Folders of these names below `folder` are replaced. Returns the notebooks written.
    """
    written = []
    for kind in KINDS:
        shutil.rmtree(folder / kind, ignore_errors=True)
        for spec in manifest.notebooks():
            if assignment in ("", spec.assignment):
                path = folder / kind / spec.assignment / f"{spec.name}.ipynb"
                path.parent.mkdir(parents=True, exist_ok=True)
                nbformat.write(make_sample(spec, kind), path)
                written.append(path)
    return written


def make_sample(spec: NotebookSpec, kind: str) -> NotebookNode:
    """One sample notebook. Raises KeyError for an unknown kind."""
    released: NotebookNode = nbformat.read(paths.MODULES / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    twin = nbformat.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    solutions = {
        grade_id(cell): as_handed_in(cell.source) for cell in twin.cells if grade_id(cell).startswith("answer_")
    }
    makers: Mapping[str, Callable[[NotebookNode], None]] = {
        "perfect": lambda notebook: fill(notebook, solutions),
        "empty": lambda notebook: None,
        "half": lambda notebook: fill(notebook, {name: solutions[name] for name in solved_by_half(spec)}),
        "noisy": lambda notebook: make_noisy(notebook, solutions),
    }
    makers[kind](released)
    return released


def as_handed_in(source: str) -> str:
    """A twin's answer without what only authors see: the markers around the solution, and the mark scheme."""
    source = re.sub(r"=== BEGIN MARK SCHEME ===.*?=== END MARK SCHEME ===\n?", "", source, flags=re.DOTALL)
    return re.sub(r"^ *### (?:BEGIN|END) SOLUTION *\n?", "", source, flags=re.MULTILINE).rstrip() + "\n"


def solved_by_half(spec: NotebookSpec) -> list[str]:
    """The answer cells that the half-right sample solves: the first, third, ... of the automatically graded exercises."""
    graded = [exercise for exercise in spec.exercises if exercise.kind != "written"]
    return [exercise.answer_cell for exercise in graded[::2]]


def fill(notebook: NotebookNode, answers: Mapping[str, str]) -> None:
    """Put the source of answers into a notebook, by grade_id."""
    for cell in notebook.cells:
        if grade_id(cell) in answers:
            cell.source = answers[grade_id(cell)]


def make_noisy(notebook: NotebookNode, solutions: Mapping[str, str]) -> None:
    """Right answers with all the noise that honest notebooks make, in cells of their own and inside the functions."""
    fill(notebook, {name: _noisy_function(source) for name, source in solutions.items()})
    first = next(number for number, cell in enumerate(notebook.cells) if grade_id(cell).startswith("answer_"))
    notebook.cells.insert(first, nbformat.v4.new_code_cell(NOISE))


def _noisy_function(source: str) -> str:
    """The answer with a cell-level line that writes to standard error before and after it."""
    if not source.lstrip().startswith(("def ", "from ", "import ", "@")):
        return source
    line = 'import sys; print("WARN WindowExec: No Partition Defined for Window operation!", file=sys.stderr)'
    return f"{line}\n{source}\n{line}\n"


def grade_id(cell: NotebookNode) -> str:
    """nbgrader's grade_id of a cell, empty for cells without one."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
