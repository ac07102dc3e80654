"""One run at a time writes into a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from datasets.writing.errors import DataError


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder, which exists, for this process. The system lets go of it however the process ends.

    Raises:
        DataError: another run holds it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(
                f"Another run is writing into {folder}. Wait until it has ended, or choose another --out."
            ) from error
        yield
    finally:
        os.close(handle)
