"""Brings a notebook, or one of its answer cells, back to the released state, after a backup of the learner's file."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import paths
from autograder.learner import notebook
from autograder.learner.notebook import NotebookProblem
from autograder.models import ExerciseSpec, NotebookSpec
from autograder.runtime import progress

if TYPE_CHECKING:
    from nbformat import NotebookNode

PRISTINE = paths.ROOT / "autograder" / "pristine"
"""`<assignment>/<name>.ipynb`: in a learners' release, the notebooks as they were released."""


@dataclass(frozen=True)
class Reset:
    """The file, where its backup is (None when there was no file), and where the released state came from."""

    path: Path
    backup: Path | None
    origin: str


def released(spec: NotebookSpec) -> tuple[str, str]:
    """The released notebook's text, and where it came from. Raises NotebookProblem when it is nowhere.

    An author's repository makes it from the solution twin; a learners' release has a copy; else the last commit serves.
    """
    twin = paths.SOLUTIONS / spec.assignment / f"{spec.name}.ipynb"
    copy = PRISTINE / spec.assignment / f"{spec.name}.ipynb"
    try:
        if twin.exists():
            from autograder.authoring import notebooks

            return notebooks.dump(
                notebooks.learner(notebook.parse(twin.read_text(encoding="utf-8")))
            ), "the solution twin"
        if copy.exists():
            text = copy.read_text(encoding="utf-8")
            notebook.parse(text)
            return text, "the released copy"
    except (OSError, ValueError) as error:
        raise NotebookProblem(
            f"The released copy of {spec.number} is damaged ({error}); get the course's files anew."
        ) from error
    return _committed(spec), "the last commit"


def reset(spec: NotebookSpec) -> Reset:
    """Put the whole notebook back and forget its progress. Raises NotebookProblem; the file is then untouched."""
    text, origin = released(spec)
    return _replace(spec, text, origin, [exercise.id for exercise in spec.exercises])


def reset_exercise(spec: NotebookSpec, exercise: ExerciseSpec) -> Reset:
    """Put only the answer cell of one exercise back, and its check cell. Raises NotebookProblem as `reset` does."""
    text, origin = released(spec)
    original, current = notebook.parse(text), notebook.read(spec)
    for wanted in (exercise.answer_cell, exercise.check_cell):
        _put_back(original.cells, current.cells, wanted)
    return _replace(spec, notebook.dump(current), origin, [exercise.id])


def _put_back(original: list[NotebookNode], current: list[NotebookNode], wanted: str) -> None:
    """Replace the cell of that id; where it is gone, insert it after the last cell that precedes it in the original."""
    names = [notebook.grade_id(cell) for cell in original]
    if wanted not in names:
        return
    found = [index for index, cell in enumerate(current) if notebook.grade_id(cell) == wanted]
    cell = original[names.index(wanted)]
    if found:
        current[found[0]] = cell
        return
    before = set(names[: names.index(wanted)])
    places = [index for index, other in enumerate(current) if notebook.grade_id(other) in before]
    current.insert(max(places, default=-1) + 1, cell)


def _replace(spec: NotebookSpec, text: str, origin: str, exercises: list[str]) -> Reset:
    path = notebook.path_of(spec)
    try:
        backup = _back_up(path) if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text.encode())
    except OSError as error:
        raise NotebookProblem(
            f"Nothing was changed: writing {error.filename or path} failed ({error.strerror}). Free some space on the "
            "disk, or make the folder writable, and run the same command again."
        ) from error
    progress.forget(exercises)
    return Reset(path, backup, origin)


def _back_up(path: Path) -> Path:
    folder = paths.STATE / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    names = [f"{path.stem}-{now}Z.ipynb", *(f"{path.stem}-{now}Z-{number}.ipynb" for number in range(2, 1000))]
    backup = next(folder / name for name in names if not (folder / name).exists())
    _write(backup, path.read_bytes())
    return backup


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: a full disk leaves what was there."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        error.filename = str(path)
        raise


def _committed(spec: NotebookSpec) -> str:
    try:
        shown = subprocess.run(
            ["git", "show", f"HEAD:./{notebook.shown_path(spec)}"],
            cwd=paths.ROOT,
            capture_output=True,
            check=True,
            timeout=60,
        )
        text = shown.stdout.decode("utf-8")
        notebook.parse(text)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NotebookProblem(
            f"There is no released copy of {spec.number}: neither autograder/pristine nor git has "
            f"{notebook.shown_path(spec)}. Get the course's files anew; your own notebook was left as it is."
        ) from error
    return text
