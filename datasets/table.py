"""What is declared about a table: its columns, its key and the defects planted in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column: `type` in Spark DDL, `unit` empty where none applies, `nulls` the share of rows that are null."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    nulls: float = 0.0


@dataclass(frozen=True)
class Defect:
    """One planted peculiarity that exercises may rely on.

    `count` is Spark SQL giving one number over the sample tables, `of` SQL giving the number of chances it had to
    occur, and `rate` the share that the generator aims at. Where the rate follows from others, it is None and only the
    count is published.
    """

    description: str
    count: str
    of: str
    rate: float | None = None


@dataclass(frozen=True)
class Table:
    """One table of a family.

    `key` names the columns that identify a row; `duplicates` is the share of rows that repeat the key of another row.
    `seeded` is False for vocabularies (categories, zones) that are the same for every seed and scale. `base` names the
    entry of `datasets.sizes` that rows start from; empty: the table's own name. `version` is raised by one whenever the
    generator makes other rows for the same seed and scale; `datasets/digests.json` remembers the rows of each version.
    """

    name: str
    family: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    duplicates: float = 0.0
    defects: tuple[Defect, ...] = ()
    seeded: bool = True
    base: str = ""
    version: int = 1

    @property
    def schema(self) -> str:
        """The schema as Spark DDL, for `spark.read.schema`, `spark.createDataFrame` or `StructType.fromDDL`."""
        return ", ".join(f"{column.name} {column.type}" for column in self.columns)
