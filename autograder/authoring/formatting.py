"""How sources are formatted: by ruff, with the settings of `solutions/`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder import paths

SETTINGS = "ruff.toml"
"""In `solutions/`; a course without it is formatted as this one is."""


class FormatterMissing(Exception):
    """There is no ruff; the message says how to get it."""


def find_ruff() -> str:
    """The path of ruff, from this environment or the PATH. Raises FormatterMissing."""
    beside = Path(sys.executable).with_name("ruff")
    found = str(beside) if beside.exists() else shutil.which("ruff")
    if found is None:
        raise FormatterMissing("Sources are formatted by ruff, which is not installed. Run `make environment-dev`.")
    return found


def unformatted(files: Sequence[str], root: Path) -> list[str]:
    """Those of the files, named relative to `root`, that ruff would change or cannot read. Raises FormatterMissing."""
    if not files:
        return []
    done = _ruff("--check", *files, root=root)
    named = [file for file in files if file in done.stdout + done.stderr]
    return named if named or not done.returncode else list(files)


def format_file(path: Path, root: Path) -> None:
    """Format a source in place. Raises FormatterMissing."""
    _ruff(str(path), root=root)


def _ruff(*arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    own = (root / "solutions" / SETTINGS).exists()
    settings = [] if own else ["--config", str(paths.SOLUTIONS / SETTINGS)]
    command = [find_ruff(), "format", "--no-cache", *settings, *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
