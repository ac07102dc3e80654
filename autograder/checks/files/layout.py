"""Looks at a folder that learner code has written, without Spark and without following anything out of it."""

from __future__ import annotations

import gzip
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow.parquet as pq

from autograder.checks.files.options import COMPRESSIONS, FORMATS

MAXIMUM_FILES = 1_000
MAXIMUM_ENTRIES = 5_000
MAXIMUM_BYTES = 200_000_000
MAXIMUM_DEPTH = 8
MAXIMUM_NAME = 200

_MAGIC = {b"PAR1": "parquet", b"ORC": "orc", b"Obj\x01": "avro"}
_PARTITION = re.compile(r"[^=/]+=[^/]*")


@dataclass(frozen=True)
class Layout:
    """The data files of a folder by relative name, in order, with size in bytes and time of change in nanoseconds.

    `problem` says why there is nothing to read: "missing", "link" (a symbolic link, or anything else that is no file and no folder),
    "many", "large", "mixed" (some files lie in partition folders and some do not), or empty.
    """

    root: Path
    files: Mapping[str, tuple[int, int]]
    problem: str = ""

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partition columns, as the folders of the first file say."""
        return next((_keys(name) for name in self.files), ())

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders with data files in them, relative, sorted."""
        return tuple(sorted({PurePosixPath(name).parent.as_posix() for name in self.files} - {"."}))

    @property
    def plain_folders(self) -> bool:
        """Whether files lie in folders that are no partitions."""
        return any(len(_keys(name)) < len(PurePosixPath(name).parts) - 1 for name in self.files)

    def path(self, name: str) -> Path:
        """Where a file is."""
        return self.root if name == "." else self.root / name

    def format_of(self, name: str) -> str:
        """The format of a file, by its first bytes or its name; empty when neither tells."""
        with self.path(name).open("rb") as file:
            start = file.read(4)
        for magic, format_ in _MAGIC.items():
            if start.startswith(magic):
                return format_
        endings = PurePosixPath(name).name.split(".")[1:]
        return next((ending for ending in endings if ending in FORMATS), "")

    def compression_of(self, name: str) -> str:
        """How a file is compressed, as Spark's writers call it: by its footer (Parquet) or its name; "none" when it is not."""
        if self.format_of(name) == "parquet":
            metadata = pq.read_metadata(self.path(name))
            if metadata.num_row_groups and metadata.num_columns:
                found = str(metadata.row_group(0).column(0).compression).lower()
                return {"uncompressed": "none"}.get(found, found)
        endings = set(PurePosixPath(name).name.split(".")[1:])
        return next((codec for codec, ending in COMPRESSIONS.items() if ending in endings), "none")

    def text_of(self, name: str, limit: int = MAXIMUM_BYTES) -> str:
        """At most so many characters of a text file, decompressed when it is called `.gz`."""
        opened = gzip.open if name.endswith(".gz") else open
        with opened(self.path(name), "rt", encoding="utf-8", errors="replace", newline="") as file:
            return str(file.read(limit))


def look(root: Path) -> Layout:
    """The layout of a folder, or of a single file in its place (called ".")."""
    if root.is_symlink():
        return Layout(root, {}, "link")
    if root.is_file():
        entry = root.stat()
        return Layout(root, {".": (entry.st_size, entry.st_mtime_ns)}, "large" if entry.st_size > MAXIMUM_BYTES else "")
    if not root.is_dir():
        return Layout(root, {}, "missing")
    files: dict[str, tuple[int, int]] = {}
    waiting, seen = [(root, "", 0)], 0
    while waiting:
        folder, prefix, depth = waiting.pop()
        with os.scandir(folder) as found:
            for item in found:
                seen += 1
                if seen > MAXIMUM_ENTRIES or len(files) > MAXIMUM_FILES or depth > MAXIMUM_DEPTH:
                    return Layout(root, {}, "many")
                status = item.stat(follow_symlinks=False)
                if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                    return Layout(root, {}, "link")
                if _is_hidden(item.name):
                    continue
                if stat.S_ISDIR(status.st_mode):
                    waiting.append((Path(item.path), f"{prefix}{item.name}/", depth + 1))
                else:
                    files[f"{prefix}{item.name}"] = (status.st_size, status.st_mtime_ns)
    if sum(size for size, _ in files.values()) > MAXIMUM_BYTES:
        return Layout(root, {}, "large")
    mixed = len({_keys(name) for name in files}) > 1
    return Layout(root, dict(sorted(files.items())), "mixed" if mixed else "")


def shown(name: str) -> str:
    """A file's name as it can travel: short, and without bytes that are no text."""
    return name.encode("utf-8", "replace").decode("utf-8")[:MAXIMUM_NAME]


def _is_hidden(name: str) -> bool:
    """What Spark does not take for data: marks, checksums, logs."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _keys(name: str) -> tuple[str, ...]:
    """The partition columns of a file's folders."""
    parts = PurePosixPath(name).parts[:-1]
    return tuple(part.partition("=")[0] for part in parts if _PARTITION.fullmatch(part))
