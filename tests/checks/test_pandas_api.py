"""pandas-on-Spark DataFrames as answers: their index, their plan, and what learners return instead."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pyspark.pandas as ps
import pytest
from pyspark.sql import SparkSession

from autograder.checks import KINDS, Answer, WrongKind, kind_of

OPTIONS = {"pandas_api": True}


def captured(result: Any, **options: Any) -> Answer:
    """What the check makes of a returned value."""
    return KINDS["dataframe"].capture(result, OPTIONS | options)


@pytest.fixture
def table(spark: SparkSession) -> ps.DataFrame:
    """Three rows with the columns key and value."""
    return spark.createDataFrame([(1, "a"), (2, "b"), (3, None)], "key INT, value STRING").pandas_api()


def test_levels_of_the_index_that_have_a_name_are_columns_and_others_are_left_out(table: ps.DataFrame) -> None:
    assert kind_of(table) == "dataframe"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # advice to learners must not come from the check
        assert captured(table).payload.columns == ("key", "value")
    assert captured(table.set_index("key")).payload.columns == ("key", "value")
    named = captured(table.rename_axis("line")).payload
    assert named.columns == ("line", "key", "value")
    assert named.table["line"].to_pylist() == [0, 1, 2]
    assert captured(table.set_index(["value", "key"])).payload.columns == ("value", "key")


def test_an_index_and_a_column_are_compared_by_their_rows(table: ps.DataFrame) -> None:
    check, expected = KINDS["dataframe"], captured(table.set_index("key"))
    assert check.judge(captured(table), expected, OPTIONS).equal
    other = captured(table.set_index("key") + "x")
    assert "`value` is wrong in 2 of 3" in check.judge(other, expected, OPTIONS).message
    nameless = table.set_index("key")
    nameless.index.name = None
    unnamed = captured(nameless)
    assert "`key` is missing" in check.judge(unnamed, expected, OPTIONS).message


def test_the_plan_of_the_answer_is_looked_at(table: ps.DataFrame) -> None:
    wanted = {"lacks": ["Window"]}
    with ps.option_context("compute.default_index_type", "sequence"):
        numbered = table.sort_values("value").reset_index(drop=True).rename_axis("line")
    assert captured(numbered, plan=wanted).facts["plan"]["Window"] == 1
    assert "Window" not in captured(table, plan=wanted).facts["plan"]


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda table: table.value, "`to_frame(...)`"),
        (lambda table: table.to_pandas(), "lives in the driver"),
        (lambda table: table.value.to_pandas(), "lives in the driver"),
        (lambda table: table.to_spark(), "Leave out `to_spark()`"),
        (lambda table: None, "nothing (None)"),
        (lambda table: len(table), "an int"),
        (lambda table: table.groupby("key").agg({"value": ["min", "max"]}), "one name"),
        (lambda table: table.rename_axis("key"), "both as its index and as a column"),
        (lambda table: table.set_index(["key", "value"]).rename_axis(["key", None]), "Name all of them"),
    ],
)
def test_each_wrong_kind_of_return_value_gets_its_own_sentence(
    table: ps.DataFrame, returned: Callable[[ps.DataFrame], Any], sentence: str
) -> None:
    with pytest.raises(WrongKind) as told:
        captured(returned(table))
    assert sentence in str(told.value)


def test_without_the_option_it_is_no_answer(table: ps.DataFrame) -> None:
    with pytest.raises(WrongKind, match="to_spark"):
        KINDS["dataframe"].capture(table, {})
