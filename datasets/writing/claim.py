"""One run at a time writes into a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from datasets.writing.errors import DataError

NAME = ".writing"


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. What a killed run left behind is taken over.

    Raises:
        DataError: another process that is alive holds it.
    """
    path = folder / NAME
    holder = _holder(path)
    if holder is not None and holder != os.getpid() and psutil.pid_exists(holder):
        raise DataError(
            f"Process {holder} is writing into {folder}. Wait until it has ended, or choose another --out. If it is no such "
            f"process, remove {path}."
        )
    path.write_text(str(os.getpid()), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _holder(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
