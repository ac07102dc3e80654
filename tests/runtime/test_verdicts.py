"""What learners are told when their function returns the wrong thing, raises, or never ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import manifest
from autograder.checks import Answer
from autograder.compare import Frame
from autograder.models import ExerciseSpec, Status, Verdict
from autograder.runtime import cases, judge, verdict_on
from autograder.runtime.call import Outcome

EXERCISE = "1.1.1"


def right(customers: DataFrame) -> DataFrame:
    return customers.select(
        "customer_id", F.col("email").alias("email_address"), F.year("birth_date").alias("birth_year")
    )


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda frame: None, "nothing (None)"),
        (lambda frame: frame.toPandas(), "leave out `toPandas()`"),
        (lambda frame: F.col("email"), "A column is only a description"),
        (lambda frame: frame.collect(), "leave out `collect()`"),
        (lambda frame: frame.groupBy("country"), "`agg(...)`"),
        (lambda frame: frame.first(), "leave out `first()`"),
        (lambda frame: frame.count, "Call it"),
        (lambda frame: frame.count(), "an int"),
        (lambda frame: frame.write, "DataFrameWriter"),
        (lambda frame: frame.sparkSession.readStream.format("rate").load(), "streaming DataFrame"),
    ],
)
def test_each_wrong_kind_of_return_value_gets_its_own_sentence(
    spark: SparkSession, returned: Callable[[DataFrame], Any], sentence: str
) -> None:
    def mailing_list(customers: DataFrame) -> Any:
        return returned(customers)

    verdict = verdict_on(EXERCISE, mailing_list)
    assert verdict.status is Status.FAILED
    assert sentence in verdict.message


def test_a_right_answer_passes_and_a_stub_is_not_attempted(spark: SparkSession) -> None:
    def stub(customers: DataFrame) -> DataFrame:
        raise NotImplementedError

    assert verdict_on(EXERCISE, right).status is Status.PASSED
    assert verdict_on(EXERCISE, stub).status is Status.NOT_ATTEMPTED
    assert verdict_on(EXERCISE, "not a function").status is Status.NOT_ATTEMPTED


@pytest.mark.parametrize(
    ("body", "beginning"),
    [
        (lambda frame: frame.select("mail"), "UNRESOLVED_COLUMN.WITH_SUGGESTION: A column"),
        (lambda frame: frame.select(F.col("name").cast("int")), "CAST_INVALID_INPUT: The value"),
        (lambda frame: frame.select(F.parse_json("name")), "MALFORMED_RECORD_IN_PARSING"),
        (lambda frame: frame.select(F.expr("1 / 0")), "DIVIDE_BY_ZERO: "),
        (lambda frame: frame.filter(F.col("age") > 1 and F.col("x")), "CANNOT_CONVERT_COLUMN_INTO_BOOL: "),
        (lambda frame: {}["no such key"], "KeyError: 'no such key'"),
        (lambda frame: sys.exit(0), "SystemExit: 0"),
        (
            lambda frame: frame.select(F.udf(lambda name: name.nope)("name")),
            "AttributeError: 'str' object has no attribute 'nope'",
        ),
    ],
)
def test_errors_begin_with_class_and_message_and_fold_the_trace(
    spark: SparkSession, body: Callable[[DataFrame], Any], beginning: str
) -> None:
    verdict = verdict_on(EXERCISE, lambda customers: body(customers))
    assert verdict.status is Status.ERROR
    assert verdict.message.startswith(beginning)
    assert "\tat " not in verdict.message and "SQLSTATE" not in verdict.message
    assert "ansi.enabled" not in verdict.message, "switching ANSI mode off is not the remedy that the course teaches"
    assert "Traceback" in verdict.trace


def test_other_parameter_names_are_named(spark: SparkSession) -> None:
    def mailing_list(clients: DataFrame) -> DataFrame:
        return right(clients)

    verdict = verdict_on(EXERCISE, mailing_list)
    assert verdict.status is Status.FAILED
    assert "(customers)" in verdict.message and "(clients)" in verdict.message


def endless_python(customers: DataFrame) -> DataFrame:
    while True:
        try:
            time.sleep(0.01)
        except Exception:  # must not swallow the interruption
            continue


def endless_job(customers: DataFrame) -> DataFrame:
    return customers.sparkSession.range(10**15).agg(F.max("id"))


@pytest.mark.parametrize("function", [endless_python, endless_job])
def test_a_function_that_never_ends_is_stopped(spark: SparkSession, function: Callable[[DataFrame], DataFrame]) -> None:
    spec = replace(manifest.exercise(EXERCISE), deadline=3.0)
    outcome = cases.answer(spec, function, cases.Case())
    assert outcome.status is Status.TIMEOUT
    assert "3 seconds" in outcome.message
    deadline = time.monotonic() + 30
    while spark.sparkContext.statusTracker().getActiveJobsIds():
        assert time.monotonic() < deadline, "the job of the stopped function still runs"
        time.sleep(0.1)


def test_the_courses_own_fault_is_told_apart(spark: SparkSession) -> None:
    verdict = verdict_on("99.9.9", right)
    assert verdict.status is Status.GRADER_ERROR
    assert "not your answer" in verdict.message


def test_functions_see_sql_views_of_their_tables(spark: SparkSession) -> None:
    def mailing_list(customers: DataFrame) -> DataFrame:
        return customers.sparkSession.sql(
            "SELECT customer_id, email AS email_address, year(birth_date) AS birth_year FROM customers"
        )

    assert verdict_on(EXERCISE, mailing_list).status is Status.PASSED


def test_verdicts_do_not_depend_on_partitions_or_row_order(spark: SparkSession) -> None:
    def shuffled(customers: DataFrame) -> DataFrame:
        return right(customers).repartition(7)

    first: Verdict = verdict_on(EXERCISE, right)
    assert verdict_on(EXERCISE, shuffled) == first


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"fees": [["web", 20], ["app", 45]]}, "inner_instead_of_left"),
        ({"fees": [20, 45]}, "null_rows_missing"),
        ({"limit": 3}, "null_rows_missing"),
    ],
)
def test_hints_speak_of_joins_where_a_table_or_a_list_of_rows_is_joined(
    spark: SparkSession, arguments: dict[str, Any], shape: str
) -> None:
    def with_fees(rows: list[tuple[int, int | None]]) -> Answer:
        return Answer(Frame.from_spark(spark.createDataFrame(rows, "order_id INT, fee INT")))

    spec = ExerciseSpec("9.9.1", "Fees", "dataframe", 1.0, "fees", ("orders", *arguments), arguments, {}, ())
    given, expected = with_fees([(1, 20), (3, 45)]), with_fees([(1, 20), (2, None), (3, 45), (4, None)])
    assert judge.verdict(spec, Outcome(Status.PASSED, given), expected).shape == shape
