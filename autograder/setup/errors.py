"""What set-up says when the machine does not let it finish: one sentence with the remedy, never a stack trace."""

from __future__ import annotations

import errno
from pathlib import Path


class SetupError(Exception):
    """Set-up could not finish. The message says what happened, where, and what to do."""


def from_os_error(error: OSError, path: Path) -> SetupError:
    """The sentence for a file system that refused to write below `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SetupError(f"The disk that holds {path} is full; free some space there and run the same command again.")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return SetupError(
            f"{path} cannot be written to ({error.strerror}); make it writable, or set COURSE_STATE to a folder that "
            "is, and run the same command again."
        )
    return SetupError(
        f"Writing to {path} failed ({error.strerror or error}); set COURSE_STATE to a folder on a working disk "
        "and run the same command again."
    )
