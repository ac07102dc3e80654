"""Finds and reads the learner's notebooks. A learner's file is only ever read here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from autograder import manifest, paths
from autograder.models import ExerciseSpec, NotebookSpec

if TYPE_CHECKING:
    from nbformat import NotebookNode


class NotebookProblem(Exception):
    """A learner's notebook is missing or cannot be used; the message is one sentence with the remedy."""


def path_of(spec: NotebookSpec) -> Path:
    """Where the learner's notebook lies."""
    return paths.MODULES / spec.assignment / f"{spec.name}.ipynb"


def shown_path(spec: NotebookSpec) -> str:
    """The same, relative to the course's folder, as people write it."""
    return path_of(spec).relative_to(paths.ROOT).as_posix()


def find(number: str) -> tuple[NotebookSpec, ExerciseSpec | None]:
    """The notebook of "1.1", "6.1.2" or a file, or the notebook and exercise of "1.1.3" or "6.1.2.1". Raises manifest.UnknownExercise."""
    if number.endswith(".ipynb"):
        number = Path(number).name.split("_")[0]
    if number.count(".") < 2 or any(number == entry.number for entry in manifest.notebooks()):
        return manifest.notebook(number), None
    return manifest.notebook_of(number), manifest.exercise(number)


def read(spec: NotebookSpec) -> NotebookNode:
    """The learner's notebook. Raises NotebookProblem."""
    path = path_of(spec)
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotebookProblem(f"{shown_path(spec)} is missing; `course reset {spec.number}` brings it back.") from None
    except OSError as error:
        raise NotebookProblem(
            f"{shown_path(spec)} cannot be read ({error.strerror}); mend its permissions, or move it away and run "
            f"`course reset {spec.number}`."
        ) from error
    except ValueError as error:
        raise NotebookProblem(
            f"{shown_path(spec)} is damaged: {error}. `course reset {spec.number}` puts the released notebook in its "
            "place and keeps a copy of the damaged one."
        ) from error


def parse(text: str) -> NotebookNode:
    """A notebook from its text. Raises ValueError when it is none."""
    import nbformat

    try:
        notebook = nbformat.reads(text, as_version=4)
        cells = notebook.cells
        sound = isinstance(cells, list) and all(isinstance(cell.source, str) and cell.cell_type for cell in cells)
    except Exception as error:  # nbformat raises whatever the broken structure leads it to
        raise ValueError("it is not a Jupyter notebook (the file is cut off or was edited by hand)") from error
    if not sound:
        raise ValueError("its cells have no text")
    return cast("NotebookNode", notebook)


def dump(notebook: NotebookNode) -> str:
    """A notebook as the text of its file."""
    import nbformat

    return str(nbformat.writes(notebook, version=4)).rstrip("\n") + "\n"


def grade_id(cell: NotebookNode) -> str:
    """The cell's nbgrader id, such as "check_1_1_3"; its plain id where an editor dropped nbgrader's metadata."""
    metadata: Any = cell.get("metadata") or {}
    return str((metadata.get("nbgrader") or {}).get("grade_id") or cell.get("id") or "")


def is_check(cell: NotebookNode) -> bool:
    """Whether this is a locked test cell."""
    return cell.cell_type == "code" and grade_id(cell).startswith("check_")


def check_position(cells: list[NotebookNode], exercise: ExerciseSpec) -> int | None:
    """The index of the exercise's check cell; by its id, else by the call that it makes."""
    call = re.compile(rf"""^\s*check\(\s*["']{re.escape(exercise.id)}["']""", re.MULTILINE)
    code = [(index, cell) for index, cell in enumerate(cells) if cell.cell_type == "code"]
    by_id = [index for index, cell in code if grade_id(cell) == exercise.check_cell]
    by_call = [index for index, cell in code if call.search(cell.source)]
    return next(iter(by_id + by_call), None)


def sources(spec: NotebookSpec, exercise: ExerciseSpec) -> tuple[str, ...]:
    """The code that a check of the exercise depends on, to see changes; empty when the notebook cannot be read."""
    try:
        cells = read(spec).cells
    except NotebookProblem:
        return ()
    position = check_position(cells, exercise)
    return tuple(
        cell.source for cell in cells[: None if position is None else position + 1] if cell.cell_type == "code"
    )


def describe(cell: NotebookNode) -> str:
    """What to call a cell in a sentence: by its exercise, else by how it begins."""
    kind, _, number = grade_id(cell).partition("_")
    if kind in ("answer", "check") and number:
        return f"the {kind} cell of {number.replace('_', '.')}"
    lines = [line.strip() for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]
    first = lines[0] if lines else ""
    return f"the cell that begins `{first[:57] + '…' if len(first) > 58 else first}`"
