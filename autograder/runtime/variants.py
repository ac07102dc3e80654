"""Stock changes of input tables for hidden variants. Each returns a function from a DataFrame to a DataFrame.

They depend only on row order and values of the sample, so that a variant is the same at every build.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Change = Callable[["DataFrame"], "DataFrame"]


def empty(frame: DataFrame) -> DataFrame:
    """The same columns, no rows."""
    return frame.limit(0)


def nulls(*columns: str, every: int = 3) -> Change:
    """NULL in the given columns of every n-th row."""
    return lambda frame: _numbered(
        frame, {name: lambda number, value: _when_null(number % every == 0, value) for name in columns}
    )


def duplicated(every: int = 4) -> Change:
    """Every n-th row twice."""

    def change(frame: DataFrame) -> DataFrame:
        return frame.union(_every(frame, every))

    return change


def only(condition: str | Column) -> Change:
    """Just the rows that fulfil a condition."""
    return lambda frame: frame.filter(condition)


def replaced(**columns: Column) -> Change:
    """Columns set to an expression over the row."""
    return lambda frame: frame.withColumns(columns)


def appended(*rows: Sequence[Any]) -> Change:
    """The table and these rows after it, in the order of its columns."""

    def change(frame: DataFrame) -> DataFrame:
        return frame.union(frame.sparkSession.createDataFrame([tuple(row) for row in rows], frame.schema))

    return change


def rows(*values: Sequence[Any]) -> Change:
    """Nothing but these rows, in the order of the table's columns."""
    return lambda frame: frame.sparkSession.createDataFrame([tuple(row) for row in values], frame.schema)


def spread(partitions: int = 5) -> Change:
    """The same rows in another order, over several partitions."""
    return lambda frame: frame.repartition(partitions)


def together(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(frame: DataFrame) -> DataFrame:
        for step in changes:
            frame = step(frame)
        return frame

    return change


def _numbered(frame: DataFrame, changes: dict[str, Callable[[Any, Any], Any]]) -> DataFrame:
    from pyspark.sql import functions as F

    number = F.monotonically_increasing_id()
    schema = frame.schema
    changed = frame.coalesce(1).withColumns({name: change(number, F.col(name)) for name, change in changes.items()})
    return changed.select(*[F.col(f"`{field.name}`").cast(field.dataType).alias(field.name) for field in schema])


def _when_null(condition: Any, value: Any) -> Any:
    from pyspark.sql import functions as F

    return F.when(~condition, value)


def _every(frame: DataFrame, every: int) -> DataFrame:
    from pyspark.sql import functions as F

    marked = frame.coalesce(1).withColumn("row number of the variant", F.monotonically_increasing_id())
    return marked.filter(F.col("row number of the variant") % every == 0).drop("row number of the variant")
