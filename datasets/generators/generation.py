"""One run of the generators: session, seed and the number of rows of each table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from datasets.generators.cells import Cells

TINY = {
    "customers": 400,
    "products": 120,
    "stores": 12,
    "orders": 1500,
    "sessions": 620,
    "trips": 3000,
    "businesses": 120,
    "users": 300,
    "reviews": 1500,
    "churn_customers": 5000,
}
"""Base rows at scale "tiny". Web events start from sessions, order items and payments from orders; the
two churn tables share `churn_customers`."""

_UNITS = {"k": 1_000, "m": 1_000_000}
_MOST_STORES = 200


@dataclass(frozen=True)
class Generation:
    """What every generator needs. `sizes` are base rows by table (see `TINY`)."""

    spark: SparkSession
    seed: int
    sizes: Mapping[str, int]
    partitions: int | None = None

    @classmethod
    def of(cls, spark: SparkSession, *, seed: int, scale: str, partitions: int | None = None) -> Generation:
        """A run at a named scale: "tiny", or a number of base rows such as "100k" or "1m"."""
        return cls(spark, seed, sizes_of(scale), partitions)

    def rows(self, table: str, identifier: str) -> DataFrame:
        """Row numbers from 1 in a BIGINT column named `identifier`, one per base row of the table."""
        return self.spark.range(1, self.sizes[table] + 1, 1, self.partitions).withColumnRenamed("id", identifier)

    def cells(self, table: str) -> Cells:
        """The random cells of one table."""
        return Cells(table, self.seed)


def sizes_of(scale: str) -> dict[str, int]:
    """Base rows by table at a named scale.

    Raises:
        ValueError: the scale is neither "tiny" nor a number followed by k or m.
    """
    if scale == "tiny":
        return dict(TINY)
    match = re.fullmatch(r"([1-9]\d*)([km])", scale)
    if match is None:
        raise ValueError(
            f"Scale {scale!r} is not known. Use 'tiny', or thousands or millions of rows such as '100k' or '1m'."
        )
    rows = int(match[1]) * _UNITS[match[2]]
    return {**dict.fromkeys(TINY, rows), "stores": min(_MOST_STORES, rows), "sessions": max(1, rows // 5)}
