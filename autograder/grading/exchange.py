"""How answers leave the sandbox: one stream of named files, with no links, no modes and no paths outside the receiving
folder.

Each file is a line `<name> <size>` and then that many bytes. The sender runs beside learner code and is not trusted:
whatever does not fit the format or the limits ends the reception, and what arrived complete before that is kept.
"""

from __future__ import annotations

import os
import re
import select
import stat
import time
from pathlib import Path
from typing import BinaryIO

MAXIMUM_HEADER = 512
_NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,120}/){0,5}[A-Za-z0-9_][A-Za-z0-9._-]{0,120}")
_CHUNK = 65_536


class ExchangeError(Exception):
    """The stream broke a rule. `reason` is "output" when it was too large, "damaged" otherwise, "timeout" when the time
    was over.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def send(stream: BinaryIO, name: str, data: bytes) -> None:
    """Write one file to the stream."""
    stream.write(f"{name} {len(data)}\n".encode("ascii"))
    stream.write(data)
    stream.flush()


def read_regular(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises OSError for links, devices and larger files."""
    if path.is_symlink():
        raise OSError(f"{path.name} is a symbolic link")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path.name} is not a regular file")
        if status.st_size > limit:
            raise OSError(f"{path.name} has {status.st_size / 1e6:.0f} MB; at most {limit / 1e6:.0f} MB are accepted")
        return file.read(limit + 1)[:limit]


def receive(descriptor: int, folder: Path, *, maximum_bytes: int, maximum_files: int, deadline: float) -> None:
    """Write the files of a stream below `folder` until it ends.

    Parameters
    ----------
    descriptor: the reading end of a pipe.
    maximum_bytes, maximum_files: limits for the whole stream.
    deadline: `time.monotonic()` after which reception stops.

    Raises ExchangeError; files that arrived complete stay.
    """
    reader = _Reader(descriptor, maximum_bytes, deadline)
    seen: set[str] = set()
    while header := reader.line():
        name, size = _parse(header)
        if name in seen:
            raise ExchangeError("damaged", f"The file {name} was sent twice.")
        seen.add(name)
        if len(seen) > maximum_files:
            raise ExchangeError("output", f"More than {maximum_files} files were sent.")
        try:
            _store(reader, folder / name, size)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ExchangeError("damaged", f"{name} is a file and a folder at once.") from error


def _parse(header: bytes) -> tuple[str, int]:
    try:
        name, size = header.decode("ascii").split(" ")
        if not _NAME.fullmatch(name) or not size.isdigit() or len(size) > 12:
            raise ValueError(name)
        return name, int(size)
    except ValueError as error:
        raise ExchangeError("damaged", "The stream of answers is damaged.") from error


def _store(reader: _Reader, path: Path, size: int) -> None:
    if size > reader.left + len(reader.buffer):
        raise ExchangeError("output", f"The answers are larger than {reader.maximum / 1e6:.0f} MB together.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")  # no file that is sent may begin with a dot
    try:
        with temporary.open("xb") as file:
            while size > 0:
                data = reader.read(min(size, _CHUNK))
                file.write(data)
                size -= len(data)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class _Reader:
    """Reads a pipe with a limit on bytes and time."""

    def __init__(self, descriptor: int, maximum: int, deadline: float) -> None:
        self.descriptor = descriptor
        self.maximum = maximum
        self.left = maximum
        self.deadline = deadline
        self.buffer = b""

    def line(self) -> bytes:
        """The next header without its line end; empty at the end of the stream."""
        while b"\n" not in self.buffer:
            if len(self.buffer) > MAXIMUM_HEADER:
                raise ExchangeError("damaged", "The stream of answers is damaged.")
            data = self._more(_CHUNK)
            if not data:
                if self.buffer:
                    raise ExchangeError("damaged", "The stream of answers ended in the middle of a file.")
                return b""
            self.buffer += data
        header, self.buffer = self.buffer.split(b"\n", 1)
        return header

    def read(self, size: int) -> bytes:
        """At least one and at most `size` bytes."""
        if not self.buffer:
            self.buffer = self._more(size)
            if not self.buffer:
                raise ExchangeError("damaged", "The stream of answers ended in the middle of a file.")
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def _more(self, size: int) -> bytes:
        wait = self.deadline - time.monotonic()
        if wait <= 0 or not select.select([self.descriptor], [], [], wait)[0]:
            raise ExchangeError("timeout", "The time for this submission was over.")
        data = os.read(self.descriptor, max(1, min(size, self.left)))
        if data and not self.left:
            raise ExchangeError("output", f"The answers are larger than {self.maximum / 1e6:.0f} MB together.")
        self.left -= len(data)
        return data
