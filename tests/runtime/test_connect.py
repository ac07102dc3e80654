"""Exercises over Spark Connect: a real server in the session's JVM, a real client."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder.models import ExerciseSpec, Status
from autograder.runtime import cases
from autograder.runtime.call import Outcome
from autograder.runtime.record import RecordError, record
from autograder.services import connect
from datasets import sample

MODE = "SPARK_CONNECT_MODE_ENABLED"


def outcome(
    function: Callable[..., Any], *parameters: str, kind: str = "dataframe", deadline: float = 60.0, **options: Any
) -> Outcome:
    """What becomes of a function as an answer over Connect."""
    options = {"connect": True, **options}
    spec = ExerciseSpec("9.9.9", "", kind, 1.0, "f", parameters, options=options, deadline=deadline)
    return cases.answer(spec, function, cases.Case())


def test_the_function_gets_a_connect_session_its_tables_and_views(spark: SparkSession) -> None:
    def counted(spark: Any, stores: DataFrame) -> DataFrame:
        assert connect.is_remote(spark)
        assert stores.sparkSession is spark is SparkSession.getActiveSession()
        viewed = spark.sql("SELECT country, city FROM stores")
        return viewed.groupBy("country").agg(F.count("*").alias("stores"), F.collect_set("city").alias("cities"))

    answer = outcome(counted, "spark", "stores").answer
    assert answer is not None
    assert answer.payload.columns == ("country", "stores", "cities")
    assert sum(answer.payload.table["stores"].to_pylist()) == spark.read.parquet(str(sample("stores"))).count()


def test_values_figures_and_pandas_on_spark_are_answers_too(spark: SparkSession) -> None:
    assert outcome(lambda stores: stores.count(), "stores", kind="value").answer is not None
    drawn = outcome(
        lambda stores: stores.groupBy("country").count().plot.bar(x="country", y="count"), "stores", kind="value"
    )
    assert drawn.answer is not None
    assert list(drawn.answer.payload["traces"]) == ["trace 1"]

    def towns(stores: DataFrame) -> Any:
        return stores.pandas_api().groupby("country").agg(towns=("city", "count"))

    grouped = outcome(towns, "stores", pandas_api=True)
    assert grouped.answer is not None, grouped
    assert grouped.answer.payload.columns == ("country", "towns")


@pytest.mark.parametrize(
    ("refused", "condition"),
    [
        (lambda spark, stores: spark.sparkContext.parallelize([1]), "JVM_ATTRIBUTE_NOT_SUPPORTED: "),
        (lambda spark, stores: stores.rdd.map(len), "NOT_IMPLEMENTED: rdd"),
        (lambda spark, stores: spark._jvm, "JVM_ATTRIBUTE_NOT_SUPPORTED: "),
        (lambda spark, stores: stores.select("colour"), "UNRESOLVED_COLUMN.WITH_SUGGESTION: "),
    ],
)
def test_what_connect_refuses_fails_with_the_condition_of_spark(
    spark: SparkSession, refused: Callable[..., Any], condition: str
) -> None:
    found = outcome(refused, "spark", "stores")
    assert found.status is Status.ERROR
    assert found.message.startswith(condition), found.message
    assert "\tat " not in found.message


def test_what_pandas_on_spark_lacks_is_an_error_and_a_stub_is_not_attempted(spark: SparkSession) -> None:
    def looping(stores: DataFrame) -> int:
        return sum(1 for _ in stores.pandas_api().city)

    def stub(stores: DataFrame) -> int:
        raise NotImplementedError

    for options in ({}, {"connect": True}):
        spec = ExerciseSpec("9.9.9", "", "value", 1.0, "f", ("stores",), options=options)
        refused = cases.answer(spec, looping, cases.Case())
        assert refused.status is Status.ERROR
        assert "__iter__()" in refused.message
        assert cases.answer(spec, stub, cases.Case()).status is Status.NOT_ATTEMPTED


def test_a_dataframe_of_the_notebook_is_no_answer(spark: SparkSession) -> None:
    found = outcome(lambda stores: spark.range(3), "stores")
    assert found.status is Status.FAILED
    assert "notebook's own session" in found.message


def test_classic_spark_goes_on_afterwards_and_nothing_is_left(spark: SparkSession) -> None:
    def left(spark: SparkSession, stores: DataFrame) -> DataFrame:
        spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        stores.createOrReplaceTempView("left_behind")
        return stores

    for _ in range(2):
        assert outcome(left, "spark", "stores").status is Status.PASSED
    again = outcome(lambda spark: spark.catalog.tableExists("left_behind"), "spark", kind="value")
    assert again.answer is not None
    assert again.answer.payload is False
    assert MODE not in os.environ
    assert SparkSession.builder.getOrCreate() is spark
    assert spark.range(3).select((F.col("id") + F.lit(1)).alias("n")).agg(F.sum("n")).collect() == [(6,)]
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"


def sizes_of_batches(session: Any, folder: Path) -> list[int]:
    """What a function for foreachBatch has put into a list of its caller."""
    sizes: list[int] = []

    def remember(batch: DataFrame, number: int) -> None:
        sizes.append(batch.count())
        batch.write.mode("append").parquet(str(folder / "written"))

    stream = session.readStream.schema("id BIGINT").parquet(str(folder / "rows"))
    writer = stream.writeStream.foreachBatch(remember).trigger(availableNow=True)
    assert writer.option("checkpointLocation", str(folder / "checkpoint")).start().awaitTermination(60)
    assert session.read.parquet(str(folder / "written")).count() == 5
    return sizes


def test_a_function_for_foreachbatch_runs_on_the_server_as_2_6_says(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("classic", "connect"):
        spark.range(5).coalesce(1).write.parquet(str(tmp_path / name / "rows"))
    assert sizes_of_batches(spark, tmp_path / "classic") == [5]
    with connect.connected(spark) as remote:
        assert sizes_of_batches(remote, tmp_path / "connect") == []


def test_time_runs_out_over_connect_and_the_job_ends(spark: SparkSession) -> None:
    def endless(spark: SparkSession) -> DataFrame:
        spark.range(10**12).selectExpr("sum(sqrt(id))").collect()
        return spark.range(1)

    start = time.monotonic()
    assert outcome(endless, "spark", deadline=3.0).status is Status.TIMEOUT
    assert time.monotonic() - start < 30
    assert MODE not in os.environ
    deadline = time.monotonic() + 30
    while spark.sparkContext.statusTracker().getActiveJobsIds() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not spark.sparkContext.statusTracker().getActiveJobsIds()
    assert outcome(lambda spark: spark.range(2), "spark").status is Status.PASSED


def test_a_program_of_its_own_reaches_the_server_and_needs_the_token(spark: SparkSession) -> None:
    url = connect.address(spark)
    assert connect.address(spark) == url
    program = "from pyspark.sql import SparkSession; print(SparkSession.builder.getOrCreate().range(7).count())"
    said = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"SPARK_REMOTE": url}, capture_output=True, text=True
    )
    assert said.stdout.strip() == "7", said.stderr
    thief = url.partition(";token=")[0] + ";token=wrong"
    refused = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"SPARK_REMOTE": thief}, capture_output=True, text=True
    )
    assert refused.returncode != 0
    assert "UNAUTHENTICATED" in refused.stderr


def test_a_new_spark_context_in_the_same_jvm_gets_a_server_of_its_own() -> None:
    program = """
import autograder
from pyspark.sql import SparkSession
from autograder.services import connect
for number in (1, 2):
    spark = SparkSession.builder.master("local[1]").getOrCreate()
    with connect.connected(spark) as remote:
        print(connect.address(spark).partition("/;")[0], remote.range(number).count())
    spark.stop()
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    lines = [line.split() for line in said.stdout.splitlines()]
    assert [count for _, count in lines] == ["1", "2"], said.stderr
    assert lines[0][0] != lines[1][0]
    assert said.stderr.strip() == ""


def test_sessions_that_are_thrown_away_freeze_nothing() -> None:
    """The collector finds a closed session at the worst moment: while PySpark hands work to a pool of threads."""
    program = """
import autograder
import gc
from concurrent.futures import ThreadPoolExecutor
from pyspark.sql import SparkSession
from autograder.services import connect

def collecting(self, right=ThreadPoolExecutor._adjust_thread_count):
    gc.collect()
    right(self)

ThreadPoolExecutor._adjust_thread_count = collecting
spark = SparkSession.builder.master("local[1]").getOrCreate()
for number in (1, 2, 3):
    with connect.connected(spark) as remote:
        remote.range(number).createOrReplaceTempView("numbers")
        print(remote.table("numbers").count())
    remote.itself = remote  # only the collector can throw it away
    del remote
spark.stop()
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert said.stdout.split() == ["1", "2", "3"], said.stderr


def test_options_that_look_into_the_jvm_are_refused_with_connect(spark: SparkSession, tmp_path: Path) -> None:
    spec = ExerciseSpec("9.9.9", "", "", 1.0, options={"connect": True, "plan": {"lacks": ["Window"]}})
    with pytest.raises(RecordError, match="plan cannot be observed"):
        record(spec, lambda stores: stores, [], tmp_path)
