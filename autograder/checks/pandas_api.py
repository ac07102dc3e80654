"""Answers that are a pandas-on-Spark DataFrame: what becomes of their index."""

from __future__ import annotations

from typing import Any

from autograder.checks.base import WrongKind

_BY_TYPE = {
    "pyspark.pandas.series.Series": "a pandas-on-Spark Series. Make a DataFrame of it: `to_frame(...)`.",
    "pandas.core.frame.DataFrame": "a pandas DataFrame, which lives in the driver. Leave out `to_pandas()` and `toPandas()`.",
    "pandas.core.series.Series": "a pandas Series, which lives in the driver. Leave out `to_pandas()`.",
    "pyspark.sql.classic.dataframe.DataFrame": "a Spark DataFrame. Leave out `to_spark()`, or use `pandas_api(...)`.",
    "pyspark.sql.connect.dataframe.DataFrame": "a Spark DataFrame. Leave out `to_spark()`, or use `pandas_api(...)`.",
}


def is_pandas_on_spark(result: Any) -> bool:
    """Whether this is a DataFrame of `pyspark.pandas`; imports nothing."""
    return _name(result) == "pyspark.pandas.frame.DataFrame"


def as_spark(result: Any) -> Any:
    """The Spark DataFrame behind a pandas-on-Spark one: the levels of its index that have a name, then its columns.

    A level without a name, such as the index that Spark makes up, is left out. Raises WrongKind for anything else.
    """
    if not is_pandas_on_spark(result):
        found = _BY_TYPE.get(_name(result)) or _described(result)
        raise WrongKind(f"Your function must return a pandas-on-Spark DataFrame, but it returned {found}")
    if result.columns.nlevels > 1:
        raise WrongKind("Your DataFrame has several levels of column names. Give each column one name.")
    names = [str(name) for name in result.index.names if name is not None]
    if len(names) < result.index.nlevels and names:
        raise WrongKind("One level of your DataFrame's index has a name, another has none. Name all of them.")
    if repeated := sorted({name for name in names if name in {str(column) for column in result.columns}}):
        raise WrongKind(f"Your DataFrame has `{repeated[0]}` both as its index and as a column. Keep one of the two.")
    return result.spark.frame(names or None)  # what `to_spark` gives, without its advice


def _described(result: Any) -> str:
    from autograder.checks.returned import describe

    return describe(result)


def _name(result: Any) -> str:
    return f"{type(result).__module__}.{type(result).__qualname__}"
