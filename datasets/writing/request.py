"""What somebody wants written, checked before Spark starts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datasets.catalog import SAMPLE_SEED, table, tables
from datasets.sizes import sizes_of
from datasets.table import Table
from datasets.writing.errors import DataError

COMPRESSIONS = {
    "parquet": ("snappy", "zstd", "gzip", "lz4", "none"),
    "delta": ("snappy", "zstd", "gzip", "lz4", "none"),
    "json": ("none", "gzip", "bzip2", "deflate"),
    "csv": ("none", "gzip", "bzip2", "deflate"),
    "avro": ("snappy", "zstandard", "deflate", "bzip2", "uncompressed"),
}
"""Formats, each with the codecs that its writer knows; the first is the default."""

_PARTITIONABLE = ("STRING", "INT", "DATE", "BOOLEAN")


@dataclass(frozen=True)
class Request:
    """Tables to be written, with every choice made.

    Parameters:
        tables: names of tables, in the order in which they are written.
        folder: gets one folder for each table, and `manifest.json`.
        scale: "tiny", "platform" or a number of base rows such as "100k" (see `datasets.sizes`).
        format: one of `COMPRESSIONS`; nested columns become JSON text in CSV, which has no nesting.
        compression: a codec of the format; empty: its default.
        partition_by: columns whose values become folders, in tables that have all of them.

    Raises:
        DataError: a choice is not known or does not go with another.
    """

    tables: tuple[str, ...]
    folder: Path
    scale: str = "tiny"
    format: str = "parquet"
    seed: int = SAMPLE_SEED
    compression: str = ""
    partition_by: tuple[str, ...] = ()
    sizes: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.format not in COMPRESSIONS:
            raise DataError(f"Format {self.format!r} is not known. Choose one of: {', '.join(COMPRESSIONS)}.")
        codecs = COMPRESSIONS[self.format]
        object.__setattr__(self, "compression", self.compression or codecs[0])
        if self.compression not in codecs:
            raise DataError(
                f"{self.format} cannot be compressed by {self.compression!r} here. Choose one of: {', '.join(codecs)}."
            )
        try:
            object.__setattr__(self, "sizes", sizes_of(self.scale))
        except ValueError as error:
            raise DataError(str(error)) from error
        _check_partitioning([table(name) for name in self.tables], self.partition_by)

    def settings(self) -> dict[str, object]:
        """What all tables of one folder must share, as the manifest keeps it."""
        return {
            "seed": self.seed,
            "scale": self.scale,
            "format": self.format,
            "compression": self.compression,
            "partition_by": list(self.partition_by),
        }


def names_of(target: str) -> tuple[str, ...]:
    """The tables of a family, or one table, by name. Where both have the name, the family is meant: it holds the table.

    Raises:
        DataError: neither has this name.
    """
    known = tables()
    family = tuple(name for name, found in known.items() if found.family == target)
    if family:
        return family
    if target in known:
        return (target,)
    families = list(dict.fromkeys(found.family for found in known.values()))
    near = difflib.get_close_matches(target, [*families, *known], n=3, cutoff=0.5)
    guess = f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
    raise DataError(
        f"There is no family or table {target!r}.{guess} Families: {', '.join(families)}. "
        f"Tables: {', '.join(sorted(known))}."
    )


def partitioning_of(declared: Table, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns, if the table has all of them, else none."""
    names = {column.name for column in declared.columns}
    return tuple(columns) if set(columns) <= names else ()


def _check_partitioning(wanted: list[Table], columns: tuple[str, ...]) -> None:
    if not columns:
        return
    if len(set(columns)) < len(columns):
        raise DataError(f"--partition-by names a column twice: {', '.join(columns)}.")
    having = [declared for declared in wanted if partitioning_of(declared, columns)]
    if not having:
        raise DataError(
            f"None of the tables {', '.join(declared.name for declared in wanted)} has the columns {', '.join(columns)}."
        )
    for declared in having:
        types = {column.name: column.type for column in declared.columns}
        fit = [name for name, type_ in types.items() if type_ in _PARTITIONABLE and (name,) != declared.key]
        wrong = [name for name in columns if name not in fit]
        if wrong or len(columns) == len(types):
            raise DataError(
                f"{declared.name} cannot be partitioned by {', '.join(wrong or columns)}: each of too many values would get "
                f"a folder of its own. Choose from: {', '.join(fit) or 'no column of it'}."
            )
