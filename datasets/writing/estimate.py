"""How many rows and bytes a request will have, estimated from the committed samples, and whether the disk has room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from datasets.catalog import sample, table
from datasets.sizes import TINY
from datasets.writing.errors import DataError
from datasets.writing.request import Request, partitioning_of

_SHARE_OF_MEMORY = {
    "parquet": {"snappy": 0.50, "zstd": 0.36, "gzip": 0.36, "lz4": 0.50, "none": 0.75},
    "json": {"none": 1.05, "gzip": 0.30, "bzip2": 0.25, "deflate": 0.30},
    "csv": {"none": 1.05, "gzip": 0.40, "bzip2": 0.35, "deflate": 0.40},
    "avro": {"snappy": 0.60, "zstandard": 0.45, "deflate": 0.45, "bzip2": 0.45, "uncompressed": 0.85},
}
"""Bytes in files of each format and codec for a byte in memory (Arrow), rounded up from tables of 100,000 rows."""

_JSON_PUNCTUATION = 6  # "name":"value",
_RESERVE = 200_000_000


def expected_rows(request: Request, name: str) -> int:
    """About how many rows a table will have: its base rows, times the rows that each has in the sample."""
    declared = table(name)
    rows = pq.read_metadata(sample(name)).num_rows
    if not declared.seeded:
        return rows
    base = declared.base or name
    return max(1, round(rows / TINY[base] * request.sizes[base]))


def expected_bytes(request: Request, name: str) -> int:
    """About how many bytes the files of a table will have."""
    declared = table(name)
    content = pq.read_table(sample(name))
    each = content.nbytes / max(1, content.num_rows)
    if request.format == "json":
        each += sum(len(column.name) + _JSON_PUNCTUATION for column in declared.columns)
    kind = "parquet" if request.format == "delta" else request.format
    return round(each * _SHARE_OF_MEMORY[kind][request.compression] * expected_rows(request, name))


def check_disk(request: Request, names: tuple[str, ...]) -> int:
    """Bytes that the named tables of a request will need, after making sure that the disk has them.

    A table that is partitioned is shuffled first, which needs as much again for a while.

    Raises:
        DataError: there is less room.
    """
    sizes = {name: expected_bytes(request, name) for name in names}
    needed = sum(sizes.values())
    spare = max((size for name, size in sizes.items() if partitioning_of(table(name), request.partition_by)), default=0)
    free = shutil.disk_usage(_existing(request.folder)).free
    if needed + spare + _RESERVE > free:
        raise DataError(
            f"This needs about {size_text(needed + spare)} and some reserve; the disk that holds {request.folder} has "
            f"{size_text(free)} left. Free some space, or choose a smaller --scale, --format parquet or another --out."
        )
    return needed


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def size_text(count: int) -> str:
    """Bytes for people: 12 kB, 3.4 MB, 12 GB, 2,300 TB."""
    value, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:,.1f} {unit}" if 0 < value < 10 and unit != "bytes" else f"{value:,.0f} {unit}"
