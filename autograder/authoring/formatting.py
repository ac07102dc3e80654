"""How sources are formatted: by ruff, with the settings of `solutions/`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder import paths

SETTINGS = "ruff.toml"
"""In `solutions/`; a course without it is formatted as this one is."""


def unformatted(files: Sequence[str], root: Path) -> list[str]:
    """Those of the files, named relative to `root`, that ruff would change or cannot read."""
    if not files:
        return []
    done = _ruff("--check", *files, root=root)
    named = [file for file in files if file in done.stdout + done.stderr]
    return named if named or not done.returncode else list(files)


def format_file(path: Path, root: Path) -> None:
    """Format a source in place."""
    _ruff(str(path), root=root)


def _ruff(*arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    ruff = Path(sys.executable).with_name("ruff")
    own = (root / "solutions" / SETTINGS).exists()
    settings = [] if own else ["--config", str(paths.SOLUTIONS / SETTINGS)]
    command = [str(ruff) if ruff.exists() else "ruff", "format", "--no-cache", *settings, *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
