"""Parses `solutions/<assignment>/<name>.py`, the only file of a notebook that an author edits (format: docs/architecture.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder import paths
from autograder.manifest import order

KINDS = ("answer", "check", "written", "hints", "wrong", "right", "equivalent")
"""Metadata keys that give a cell its kind; the value is the exercise's id."""

SOURCE_ONLY = ("hints", "wrong", "right", "equivalent")
"""Kinds that no notebook shows."""


class SourceError(Exception):
    """A source file breaks the format; the message says where and what to do."""


@dataclass(frozen=True)
class SourceCell:
    """One cell. `kind` is one of KINDS or "" for plain content; `exercise` is the id it belongs to."""

    cell_type: str
    source: str
    kind: str = ""
    exercise: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """One notebook's source: `number` "1.1", `name` "1.1_columns_rows_nulls", `assignment` "01_dataframes"."""

    path: Path
    number: str
    title: str
    minutes: int
    cells: tuple[SourceCell, ...]

    @property
    def name(self) -> str:
        """File name without suffix."""
        return self.path.stem

    @property
    def assignment(self) -> str:
        """The module's folder, which is nbgrader's assignment."""
        return self.path.parent.name

    def of(self, kind: str, exercise: str | None = None) -> list[SourceCell]:
        """The cells of a kind, perhaps of one exercise only."""
        return [cell for cell in self.cells if cell.kind == kind and exercise in (None, cell.exercise)]

    @property
    def exercises(self) -> list[str]:
        """Ids of the automatically graded exercises, in order."""
        return [cell.exercise for cell in self.of("check")]

    def hints(self, exercise: str) -> tuple[str, ...]:
        """The staged hints of an exercise."""
        return tuple(stage for cell in self.of("hints", exercise) for stage in _numbered_items(cell.source))


def find(folder: Path | None = None) -> list[Path]:
    """All notebook sources, in course order."""
    folder = folder or paths.SOLUTIONS
    found = [path for path in folder.glob("*/*.py") if re.match(r"\d+(\.\d+)+_", path.name)]
    return sorted(found, key=lambda path: order(path.name.split("_")[0]))


def read_all(folder: Path | None = None) -> list[Source]:
    """All notebook sources, parsed, in course order. Raises SourceError."""
    return [read(path) for path in find(folder)]


def read(path: Path) -> Source:
    """Parse one source. Raises SourceError."""
    import jupytext

    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    cells = tuple(_cell(path, number, cell) for number, cell in enumerate(notebook.cells))
    heading = re.match(r"# (\d+(?:\.\d+)*) (.+)", cells[0].source if cells else "")
    if not heading or not path.name.startswith(heading[1] + "_"):
        raise SourceError(
            f"{path.name}: the first cell must be Markdown that begins with `# <number> <title>`, number as in the file name."
        )
    minutes = re.search(r"\*\*Time:\*\* (\d+) minutes", cells[0].source)
    if not minutes:
        raise SourceError(f"{path.name}: the first cell must say `**Time:** NN minutes`.")
    return Source(path, heading[1], heading[2].strip(), int(minutes[1]), cells)


def _cell(path: Path, number: int, cell: Any) -> SourceCell:
    kinds = [kind for kind in KINDS if kind in cell.metadata]
    if len(kinds) > 1:
        raise SourceError(f"{path.name}, cell {number}: it cannot be {' and '.join(kinds)} at once.")
    metadata = dict(cell.metadata)
    kind = kinds[0] if kinds else ""
    return SourceCell(cell.cell_type, cell.source, kind, str(metadata.pop(kind)) if kind else "", metadata)


def _numbered_items(text: str) -> list[str]:
    items = re.split(r"^\s*\d+\.\s+", text, flags=re.MULTILINE)[1:]
    return [re.sub(r"\s+", " ", item).strip() for item in items]
