"""Plain sentences for what learners return by accident."""

from __future__ import annotations

from typing import Any

_COLUMN = "a Column. A column is only a description: put it into `select` or `withColumn` of a DataFrame and return that DataFrame."
_BY_TYPE = {
    "pyspark.sql.column.Column": _COLUMN,
    "pyspark.sql.classic.column.Column": _COLUMN,
    "pyspark.sql.group.GroupedData": "the result of `groupBy` alone. Say what to compute for each group with `agg(...)`.",
    "pandas.core.frame.DataFrame": "a pandas DataFrame. Return the Spark DataFrame itself: leave out `toPandas()`.",
    "pandas.DataFrame": "a pandas DataFrame. Return the Spark DataFrame itself: leave out `toPandas()`.",
    "pandas.core.series.Series": "a pandas Series. Return a Spark DataFrame.",
    "pyspark.pandas.frame.DataFrame": "a pandas-on-Spark DataFrame. Return a Spark DataFrame: call `to_spark()`.",
    "pyspark.sql.types.Row": "a single Row. Return the DataFrame itself: leave out `first()` or `head()`.",
    "pyspark.core.rdd.RDD": "an RDD. Return a DataFrame.",
    "pyarrow.lib.Table": "an Arrow table. Return the Spark DataFrame itself: leave out `toArrow()`.",
    "pyspark.sql.readwriter.DataFrameWriter": "a DataFrameWriter. Return the DataFrame itself.",
    "builtins.function": "a function. Call it: write `name(...)`, not `name`.",
    "builtins.method": "a method. Call it: write `.name()`, not `.name`.",
}


def describe(result: Any) -> str:
    """What a wrong return value is, and what to do about it (continues the sentence "Your function returned ...")."""
    if result is None:
        return "nothing (None). Does it end with `return`? Note that `show()` prints and returns nothing."
    name = f"{type(result).__module__}.{type(result).__qualname__}"
    if name in _BY_TYPE:
        return _BY_TYPE[name]
    if isinstance(result, list) and result and type(result[0]).__name__ == "Row":
        return "a list of rows. Return the DataFrame itself: leave out `collect()` or `take()`."
    article = "an" if type(result).__name__[:1].lower() in "aeiou" else "a"
    return f"{article} {type(result).__name__}."
