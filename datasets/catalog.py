"""The four functions that users of the package call."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.declarations import FAMILIES
from datasets.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SAMPLES = Path(__file__).resolve().parent / "samples"
RECORDED = Path(__file__).resolve().parent / "recorded"
SAMPLE_SEED = 2026
GENERATOR_VERSION = 1
"""Raised when rows of all tables change at once, as by another hash; a table's own changes raise `Table.version`."""


def tables() -> dict[str, Table]:
    """Every table by name, families one after the other."""
    return {table.name: table for family in FAMILIES for table in family}


def table(name: str) -> Table:
    """The declaration of one table.

    Raises:
        ValueError: no table has this name; the message lists similar names and all names.
    """
    known = tables()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    guess = f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
    raise ValueError(f"There is no table {name!r}.{guess} The tables are: {', '.join(sorted(known))}.")


def sample(name: str) -> str:
    """Absolute path of the committed Parquet file of a table, as in `spark.read.parquet(sample("orders"))`.

    Raises:
        ValueError: no table has this name.
    """
    return str(SAMPLES / f"{table(name).name}.parquet")


def recorded(name: str) -> str:
    """Absolute path of a log of a real run of Spark, as in `recorded("event_log.jsonl")`.

    `benchmarks/record_event_logs.py` and `benchmarks/record_memory_logs.py` make them.

    Raises:
        ValueError: there is no such file; the message names all.
    """
    if not (RECORDED / name).is_file():
        known = ", ".join(sorted(path.name for path in RECORDED.iterdir()))
        raise ValueError(f"There is no recording {name!r}. The recordings are: {known}.")
    return str(RECORDED / name)


def load(spark: SparkSession, name: str) -> DataFrame:
    """The committed sample of a table, in the fixed row order of its file and in one partition.

    The declared schema is given to the reader, so no job runs to infer it.

    Raises:
        ValueError: no table has this name.
    """
    return spark.read.schema(table(name).schema).parquet(sample(name))


def generate(
    spark: SparkSession, name: str, *, seed: int = SAMPLE_SEED, scale: str = "tiny", partitions: int | None = None
) -> DataFrame:
    """Rows of a table, made lazily by Spark expressions.

    Every cell is a hash of table, column, seed and row number, so that the rows are the same for any number of
    partitions. All tables of one seed and scale fit together: keys of `orders` are found in `customers`, and so on.

    Parameters:
        seed: other seeds give other rows with the same schema, sizes and defect rates.
        scale: "tiny" (at most 5,000 rows a table, what the samples hold), "platform" (10,000 customers, 1,000 products,
            50,000 orders) or a number of base rows such as "5000", "100k", "1m".
        partitions: partitions of the range that rows start from; None leaves it to `spark.default.parallelism`.

    Raises:
        ValueError: unknown table or malformed scale.
    """
    from datasets.generators import Generation, generator_of

    declared = table(name)
    rows = generator_of(name)(Generation.of(spark, seed=seed, scale=scale, partitions=partitions))
    return rows.select(*(rows[column.name].cast(column.type).alias(column.name) for column in declared.columns))
