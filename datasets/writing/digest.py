"""A digest of the content of a table that does not depend on the order of rows, on partitions or on the format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from datasets.table import Table

_LOW_BITS = 0xFFFFFFFF


def digest_aggregates(table: Table) -> list[Column]:
    """Aggregates over the rows of a table, one pass and no shuffle of rows, from which `digest_of` reads.

    Every row is hashed to 64 bits; upper and lower halves are summed apart, because the sum of the whole would
    overflow. Sums, unlike an exclusive or, notice rows that come twice.
    """
    # xxhash64 skips nulls, so that (null, 'a') and ('a', null) hash alike: where the nulls are goes in, too.
    flags = [
        F.shiftleft(F.col(column.name).isNull().cast("bigint"), position)
        for position, column in enumerate(table.columns)
    ]
    nulls = flags[0]
    for flag in flags[1:]:
        nulls = nulls.bitwiseOR(flag)
    row = F.xxhash64(nulls, *(_hashable(column.name, column.type) for column in table.columns))
    return [
        F.count(F.lit(1)).alias("rows"),
        F.sum(row.bitwiseAND(F.lit(_LOW_BITS))).alias("low"),
        F.sum(F.shiftrightunsigned(row, 32)).alias("high"),
    ]


def _hashable(name: str, type_: str) -> Column:
    """The column; nested ones as JSON, which has nulls and, in the order in which they were made, entries of maps."""
    if "<" not in type_:
        return F.col(name)
    return F.to_json(F.struct(name), {"ignoreNullFields": "false", "timeZone": "UTC"})


def digest_of(found: Mapping[str, Any]) -> tuple[int, str]:
    """Rows and digest (24 hexadecimal digits), from the values of `digest_aggregates` by name."""
    total = (int(found["high"] or 0) << 32) + int(found["low"] or 0)
    return int(found["rows"]), f"{total:024x}"
