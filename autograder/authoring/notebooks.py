"""From a source to its two notebooks: the solution twin, and what learners open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.authoring.source import SOURCE_ONLY, Source, SourceCell

NBGRADER_SCHEMA = 3
MEASURED_TAG = "nbval-ignore-output"
"""Marks a cell whose outputs are measurements of the machine that runs it: none are stored, and nbval compares none."""
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "name": "python",
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "pygments_lexer": "ipython3",
    },
}


def twin(source: Source, previous: Source | None, following: Source | None) -> NotebookNode:
    """The solution twin, not executed yet: everything but hints, wrong and right answers, with nbgrader's metadata."""
    shown = (cell for cell in source.cells if cell.kind not in SOURCE_ONLY)
    cells = [_notebook_cell(cell, number) for number, cell in enumerate(shown)]
    cells.append(_navigation(previous, following))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    return notebook


def learner(twin_notebook: NotebookNode) -> NotebookNode:
    """What learners get, made by nbgrader's own preprocessors as `nbgrader generate_assignment` would."""
    from nbgrader.preprocessors import (
        CheckCellMetadata,
        ClearHiddenTests,
        ClearMarkScheme,
        ClearOutput,
        ClearSolutions,
        ComputeChecksums,
        LockCells,
    )

    notebook = nbformat.from_dict(twin_notebook)
    notebook = nbformat.reads(nbformat.writes(notebook), as_version=4)
    resources: dict[str, Any] = {}
    steps = (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums, ClearHiddenTests, ClearMarkScheme,
             ComputeChecksums, CheckCellMetadata)  # fmt: skip
    for step in steps:
        # nbgrader only expects mark schemes in its "task" cells; ours stand in answers that are marked by hand.
        options = {"enforce_metadata": False} if step is ClearMarkScheme else {}
        notebook, resources = step(**options).preprocess(notebook, resources)
    return notebook


def take_outputs(made: NotebookNode, stored: Path) -> None:
    """Give the code cells of `made` the outputs of the equal cells (identifier and source) of the notebook at `stored`."""
    known = {(cell.id, cell.source): cell for cell in nbformat.read(stored, as_version=4).cells}
    for cell in made.cells:
        same = known.get((cell.id, cell.source))
        if same is not None and cell.cell_type == "code":
            cell.outputs, cell.execution_count = same.outputs, same.execution_count


def dump(notebook: NotebookNode) -> str:
    """A notebook as text; equal notebooks give equal text."""
    return str(nbformat.writes(notebook, version=4)).rstrip("\n") + "\n"


def _notebook_cell(cell: SourceCell, number: int) -> NotebookNode:
    make = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
    made = make(cell.source)
    made.metadata = nbformat.NotebookNode()
    identifier = cell.exercise.replace(".", "_")
    made.id = f"cell-{number:03d}"
    if cell.metadata.get("measured"):
        made.metadata.tags = [MEASURED_TAG]
    if cell.kind == "answer":
        made.metadata.nbgrader = _grading(f"answer_{identifier}", grade=False, solution=True)
    elif cell.kind == "check":
        made.metadata.nbgrader = _grading(
            f"check_{identifier}", grade=True, solution=False, points=cell.metadata.get("points")
        )
    elif cell.kind == "written":
        made.metadata.nbgrader = _grading(
            f"answer_{identifier}", grade=True, solution=True, points=cell.metadata.get("points")
        )
    if cell.kind in ("answer", "check", "written"):
        made.id = made.metadata.nbgrader.grade_id
    return made


def _grading(grade_id: str, *, grade: bool, solution: bool, points: Any = None) -> NotebookNode:
    metadata = {"grade": grade, "grade_id": grade_id, "locked": grade and not solution, "schema_version": NBGRADER_SCHEMA,
                "solution": solution, "task": False}  # fmt: skip
    if grade:
        metadata["points"] = points
    return nbformat.from_dict(metadata)


def _navigation(previous: Source | None, following: Source | None) -> NotebookNode:
    links = []
    if previous:
        links.append(f"**Previous:** [{previous.number} {previous.title}]({link(previous)})")
    if following:
        links.append(f"**Next:** [{following.number} {following.title}]({link(following)})")
    cell = nbformat.v4.new_markdown_cell("---\n\n" + (" · ".join(links) or "This is the only notebook so far."))
    cell.id = "navigation"
    return cell


def link(source: Source) -> str:
    """Relative link from any notebook to another."""
    return f"../{source.assignment}/{source.name}.ipynb"


def plain_text(markdown: str) -> str:
    """Markdown without the marks, for titles."""
    return re.sub(r"[`*_]", "", markdown).strip()
