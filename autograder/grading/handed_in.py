"""Which file of a submission is which notebook: browsers and JupyterLab name what they save twice in their own ways."""

from __future__ import annotations

import re
from pathlib import Path

_COPY = r"(?:-Copy[0-9]{1,3}| ?\([0-9]{1,3}\)| - Copy| copy(?: [0-9]{1,3})?){1,3}"
"""What JupyterLab ("-Copy1"), browsers (" (1)", "(1)"), Windows (" - Copy") and macOS (" copy 2") add to a name."""


def files_of(folder: Path, name: str) -> list[Path]:
    """The files that could be the notebook `name` of a submission: the one with that name, else all copies of it."""
    exact = folder / f"{name}.ipynb"
    if exact.exists() or exact.is_symlink():
        return [exact]
    copy = re.compile(re.escape(name) + _COPY)
    return sorted(path for path in folder.glob("*.ipynb") if copy.fullmatch(path.stem))


def file_of(folder: Path, name: str) -> Path:
    """The file to read: the notebook `name` itself or its only copy. The plain name when there is none, or several copies."""
    found = files_of(folder, name)
    return found[0] if len(found) == 1 else folder / f"{name}.ipynb"
