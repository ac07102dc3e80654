"""One run of the generators: session, seed and the number of rows of each table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from datasets.generators.cells import Cells
from datasets.sizes import sizes_of


@dataclass(frozen=True)
class Generation:
    """What every generator needs. `sizes` are base rows by table (see `datasets.sizes`)."""

    spark: SparkSession
    seed: int
    sizes: Mapping[str, int]
    partitions: int | None = None

    @classmethod
    def of(cls, spark: SparkSession, *, seed: int, scale: str, partitions: int | None = None) -> Generation:
        """A run at a named scale (see `datasets.sizes.sizes_of`)."""
        return cls(spark, seed, sizes_of(scale), partitions)

    def rows(self, table: str, identifier: str) -> DataFrame:
        """Row numbers from 1 in a BIGINT column named `identifier`, one per base row of the table."""
        return self.spark.range(1, self.sizes[table] + 1, 1, self.partitions).withColumnRenamed("id", identifier)

    def cells(self, table: str) -> Cells:
        """The random cells of one table."""
        return Cells(table, self.seed)
