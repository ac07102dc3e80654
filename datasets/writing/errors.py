"""What writing says when it cannot begin or go on: sentences with the remedy, never a stack trace."""

from __future__ import annotations

import errno
from pathlib import Path


class DataError(Exception):
    """The data could not be written. The message says what happened, where, and what to do."""


def from_os_error(error: OSError, path: Path) -> DataError:
    """The sentence for a file system that refused to write below `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(path)
    reason = error.strerror or str(error)
    return DataError(f"{path} cannot be written to ({reason}). Choose another folder with --out.")


def disk_full(path: Path) -> DataError:
    """The sentence for a disk that filled up on the way. Tables that were complete by then are kept."""
    return DataError(
        f"The disk that holds {path} is full. Tables that were complete are kept: free some space and run the same "
        "command again, or choose a smaller --scale, --format parquet or another --out."
    )
