"""How many rows and bytes a request will have, estimated from the committed samples, and whether the disk has room."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets.catalog import sample, table
from datasets.sizes import TINY
from datasets.writing.errors import DataError
from datasets.writing.request import Request, partitioning_of

_SHARE_OF_TEXT = {
    "json": {"none": 1.0, "gzip": 0.3, "bzip2": 0.25, "deflate": 0.3},
    "csv": {"none": 1.0, "gzip": 0.45, "bzip2": 0.4, "deflate": 0.45},
    "avro": {"snappy": 0.55, "zstandard": 0.45, "deflate": 0.45, "bzip2": 0.45, "uncompressed": 0.75},
}
"""Bytes in files of each format and codec for a byte of text, rounded up."""

_JSON_PUNCTUATION = 6  # "name":"value",
_NESTED_TEXT = 2.0
"""Bytes of JSON text for a byte in memory, of nested columns."""

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
    """About how many bytes the files of a table will have: those of its sample in the same format, for each row."""
    content = pq.read_table(sample(name))
    size: float
    if request.format in ("parquet", "delta"):
        size = _parquet_bytes(content, request.compression)
    else:
        size = (
            _text_bytes(content, names=request.format == "json") * _SHARE_OF_TEXT[request.format][request.compression]
        )
    return round(size / max(1, content.num_rows) * expected_rows(request, name))


def _parquet_bytes(content: pa.Table, compression: str) -> int:
    """Bytes of the rows in a Parquet file; its footer, which does not grow with them, is left out."""
    buffer = io.BytesIO()
    pq.write_table(content, buffer, compression=compression)
    return buffer.tell() - int(pq.read_metadata(buffer).serialized_size)


def _text_bytes(content: pa.Table, *, names: bool) -> float:
    """Bytes of the rows as lines of text; `names`: as JSON, which repeats the names of the columns."""
    size = 0.0
    for name in content.column_names:
        column = content[name]
        size += content.num_rows * (1 + names * (len(name) + _JSON_PUNCTUATION))
        if pa.types.is_nested(column.type):
            size += column.nbytes * _NESTED_TEXT
        else:
            size += pc.sum(pc.binary_length(column.cast(pa.string()))).as_py() or 0
    return size


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
