"""Conditions on the physical plan and on the number of actions, observed on real plans and real jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from autograder.checks import KINDS, plan
from autograder.checks.scans import Caches, Scan, caches, is_cached, scans
from autograder.models import ExerciseSpec, Status
from autograder.runtime.call import Outcome, call


def grouped(spark: SparkSession) -> DataFrame:
    """Ten rows in three groups: one shuffle."""
    return spark.range(10).groupBy((F.col("id") % 3).alias("rest")).count()


def called(function: Callable[..., Any], spark: SparkSession, kind: str = "value", **options: Any) -> Outcome:
    """The outcome of `function(spark)` under the options of a check."""
    return call(ExerciseSpec("9.9.9", "", kind, 1.0, options=options), KINDS[kind], function, {"spark": spark})


def test_operators_are_those_first_planned_also_after_an_action(spark: SparkSession) -> None:
    frame = grouped(spark)
    before = plan.operators(frame)
    frame._jdf.queryExecution().toRdd().count()  # runs this very plan, which adaptive execution then finishes
    assert "isFinalPlan=true" in frame._jdf.queryExecution().executedPlan().toString()
    assert before["Exchange"] == 1
    assert plan.operators(frame) == before


@pytest.mark.parametrize(
    ("level", "name"),
    [
        (StorageLevel.MEMORY_ONLY, "MEMORY_ONLY"),
        (StorageLevel.DISK_ONLY, "DISK_ONLY"),
        (StorageLevel.MEMORY_AND_DISK, "MEMORY_AND_DISK"),
        (StorageLevel.MEMORY_AND_DISK_DESER, "MEMORY_AND_DISK"),
        (StorageLevel.MEMORY_AND_DISK_2, "MEMORY_AND_DISK_2"),
    ],
)
def test_the_storage_level_is_told_by_its_name(spark: SparkSession, level: StorageLevel, name: str) -> None:
    kept = grouped(spark).persist(level)
    try:
        assert plan.storage_levels(kept.filter("count > 3")) == [name]
    finally:
        kept.unpersist()
    assert plan.storage_levels(grouped(spark)) == []


def test_cached_results_count_once_and_files_beside_them_and_read_again_are_found(
    spark: SparkSession, tmp_path: Path
) -> None:
    spark.range(10).withColumn("rest", F.col("id") % 3).write.parquet(f"{tmp_path}/numbers")
    numbers = spark.read.parquet(f"{tmp_path}/numbers")
    kept, other = numbers.filter("id > 1").cache(), numbers.filter("id > 2").cache()
    try:
        twice = kept.filter("rest = 0").union(kept.filter("rest = 1"))
        assert caches(twice) == caches(twice.groupBy("rest").count()) == Caches(1, 0, 0)
        twice.collect()
        assert caches(twice) == Caches(1, 0, 0)
        assert caches(kept.union(other)) == Caches(2, 0, 1)
        assert caches(kept.union(numbers)) == Caches(1, 1, 0)
        assert caches(numbers.filter("id > 3").filter("rest = 0").cache().union(kept)) == Caches(2, 0, 1)
        above = kept.filter("rest = 0").cache()
        assert caches(above.union(kept)) == Caches(2, 0, 0)
        assert caches(numbers.filter("id > 4").union(numbers.filter("id < 2")).cache()) == Caches(1, 0, 1)
    finally:
        spark.catalog.clearCache()
    assert caches(numbers.union(numbers)) == Caches(0, 2, 0)


def test_partitions_are_those_of_the_answer(spark: SparkSession) -> None:
    two = spark.range(12, numPartitions=2)
    assert [plan.observed(frame, {"partitions": 1})["partitions"] for frame in (two, two.coalesce(1))] == [2, 1]


def test_rows_are_counted_in_each_partition_without_moving_them(spark: SparkSession) -> None:
    numbers = spark.range(0, 12, 1, 3)
    assert plan.rows_of_partitions(numbers.filter("id < 6")) == [4, 2, 0]
    dealt = plan.rows_of_partitions(numbers.repartition(4, F.lit(1)))
    assert sorted(dealt) == [0, 0, 0, 12]


def test_adaptive_execution_tells_what_it_did(spark: SparkSession) -> None:
    def joined() -> DataFrame:
        skewed = spark.range(0, 4000, 1, 4).select(
            F.when(F.col("id") % 10 > 0, 7).otherwise(F.col("id")).alias("key"), "id"
        )
        return skewed.join(spark.range(4000).withColumnRenamed("id", "key").hint("merge"), "key")

    settings = {
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": "500",
        "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes": "500",
        "spark.sql.adaptive.skewJoin.skewedPartitionFactor": "2",
    }
    before = {name: spark.conf.get(name) for name in settings}
    # By a column of its own: a range is already divided by `id`, and would need no shuffle.
    assert plan.adaptations(spark.range(100).groupBy(F.col("id") % 7).count()) == ["coalesced"]
    assert "skewed" not in plan.adaptations(joined())
    try:
        for name, value in settings.items():
            spark.conf.set(name, value)
        assert "skewed" in plan.adaptations(joined())
        assert plan.adaptations(spark.range(100).select("id")) == []
    finally:
        for name, value in before.items():
            spark.conf.set(name, str(value))


def test_settings_that_an_answer_changes_are_put_back(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    spark.conf.unset("spark.sql.adaptive.skewJoin.skewedPartitionFactor")

    def changes(spark: SparkSession) -> DataFrame:
        spark.conf.set("spark.sql.shuffle.partitions", "5")
        spark.conf.set("spark.sql.adaptive.enabled", "false")
        spark.conf.set("spark.sql.adaptive.skewJoin.skewedPartitionFactor", "2")
        return grouped(spark)

    outcome = called(changes, spark, kind="dataframe", plan={"partitions": 5})
    assert outcome.answer is not None
    assert outcome.answer.facts["partitions"] == 5
    assert spark.conf.get("spark.sql.shuffle.partitions") == "2"
    assert spark.conf.get("spark.sql.adaptive.enabled") == "true"
    assert "spark.sql.adaptive.skewJoin.skewedPartitionFactor" not in spark.conf.getAll


def test_the_notebooks_session_is_active_while_an_answer_is_made(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql(f"CREATE DATABASE IF NOT EXISTS shed LOCATION '{tmp_path}'")

    def stores(spark: SparkSession) -> bool:
        # Needs the settings of the session: which catalog is used, and where it is.
        spark.range(3).write.bucketBy(2, "id").mode("overwrite").saveAsTable("shed.numbers")
        return SparkSession.getActiveSession() is not None

    try:
        outcome = called(stores, spark)
    finally:
        spark.sql("DROP DATABASE shed CASCADE")
    assert (outcome.status, outcome.message) == (Status.PASSED, "")
    assert outcome.answer is not None
    assert outcome.answer.payload is True


def test_broadcast_variables_in_python_functions_are_counted(spark: SparkSession) -> None:
    words = {0: "even", 1: "odd"}
    shared = spark.sparkContext.broadcast(words)
    with_variable = F.udf(lambda number: shared.value[number % 2])
    without = F.udf(lambda number: words[number % 2])
    both = spark.range(4).select(with_variable("id").alias("a"), without("id").alias("b"))
    assert plan.broadcast_variables(both.repartition(2)) == 1
    assert plan.broadcast_variables(spark.range(4).select(without("id"))) == 0


@pytest.mark.parametrize(
    ("wanted", "facts", "told"),
    [
        ({"has": ["Sort"]}, {}, "has no Sort"),
        ({"lacks": ["Exchange"]}, {}, "still has Exchange"),
        ({"at_most": {"Exchange": 1}}, {}, "2 × Exchange; 1 would be enough"),
        ({"storage": "MEMORY_ONLY"}, {"storage": ["DISK_ONLY"]}, "storage level DISK_ONLY, not MEMORY_ONLY"),
        ({"storage": "MEMORY_ONLY"}, {"storage": []}, "nothing is read from memory"),
        ({"caches": 1}, {"caches": {"kept": 2, "beside": 0, "again": 0}}, "from 2 cached results, not from 1"),
        ({"caches": 1}, {"caches": {"kept": 0, "beside": 1, "again": 0}}, "from no cached results, not from 1"),
        ({"caches": 1}, {"caches": {"kept": 1, "beside": 1, "again": 0}}, "read from the files again"),
        ({"caches": 1}, {"caches": {"kept": 1, "beside": 0, "again": 1}}, "read more than once for what is cached"),
        ({"caches": 1}, {"caches": {"kept": 1, "beside": 0}}, "read more than once for what is cached"),
        ({"caches": 1}, {"caches": "one"}, "from no cached results"),
        ({"cached": False}, {"cached": True}, "it is the answer itself that you have cached"),
        ({"partitions": 1}, {"partitions": 2}, "in 2 partitions, not 1"),
        ({"partitions": 4}, {"partitions": 1}, "in 1 partition, not 4"),
        ({"skew": 1.5}, {"skew": [8, 1, 0]}, "the largest of 3 partitions has 8 of 9 rows, 2.67 times the mean"),
        ({"skew": 1.5}, {"skew": []}, "do not lie evenly"),
        ({"skew": 1.5}, {"skew": "even"}, "do not lie evenly"),
        ({"adapted": ["skewed"]}, {"adapted": ["coalesced"]}, "any skewed partition (the shuffles were coalesced)"),
        ({"adapted": ["skewed"]}, {"adapted": []}, "it changed nothing"),
        ({"adapted": ["skewed"]}, {}, "could not be read"),
        ({"broadcast_variables": 1}, {"broadcast_variables": 0}, "no broadcast variable"),
        ({"broadcast_variables": 1}, {}, "could not be read"),
    ],
)
def test_the_condition_that_fails_is_told(wanted: Mapping[str, Any], facts: Mapping[str, Any], told: str) -> None:
    assert told in plan.complaint({"plan": {"Exchange": 2}, **facts}, {"plan": wanted})


def test_reference_stands_for_the_figure_of_the_solution() -> None:
    wanted = {"partitions": "reference", "reads_files": "reference"}
    facts = {"plan": {}, "partitions": 4, "reads_files": 3}
    assert plan.complaint(facts, {"plan": wanted}, {"partitions": 4, "reads_files": 3}) == ""
    assert "4 partitions, not 3" in plan.complaint(facts, {"plan": wanted}, {"partitions": 3, "reads_files": 3})
    assert "2 would be enough" in plan.complaint(facts, {"plan": wanted}, {"partitions": 4, "reads_files": 2})


def test_conditions_that_hold_are_silent() -> None:
    wanted = {
        "has": ["Exchange"],
        "lacks": ["Sort"],
        "at_most": {"Exchange": 2},
        "storage": "DISK_ONLY",
        "caches": 1,
        "cached": False,
        "partitions": 3,
        "skew": 1.5,
        "adapted": ["skewed"],
    }
    evenly = {
        "skew": [2, 1, 1],
        "adapted": ["coalesced", "skewed"],
        "caches": {"kept": 1, "beside": 0, "again": 0},
        "cached": False,
    }
    facts = {"plan": {"Exchange": 2}, "storage": ["DISK_ONLY"], "partitions": 3, "actions": 1, **evenly}
    assert plan.complaint(facts, {"plan": wanted, "actions": {"at_most": 1}}) == ""


def test_actions_are_executions_that_run_jobs(spark: SparkSession) -> None:
    def three_actions(spark: SparkSession) -> int:
        numbers = spark.range(10)
        numbers.createOrReplaceTempView("numbers")  # a command without a job
        spark.sql("EXPLAIN SELECT * FROM numbers").collect()
        grouped(spark).collect()  # one action, two jobs
        numbers.count()
        return int(spark.sql("SELECT max(id) FROM numbers").collect()[0][0])

    outcome = called(three_actions, spark, actions={"at_most": 3})
    assert outcome.answer is not None
    assert (outcome.answer.payload, outcome.answer.facts) == (9, {"actions": 3})
    lazy = called(lambda spark: len(grouped(spark).columns), spark, actions={"at_most": 0})
    assert lazy.answer is not None
    assert lazy.answer.facts == {"actions": 0}


def test_a_table_cached_earlier_does_not_count_as_the_answers_own(spark: SparkSession) -> None:
    wanted = {"has": ["InMemoryTableScan"], "storage": "MEMORY_ONLY"}
    grouped(spark).persist(StorageLevel.DISK_ONLY)
    forgetful = called(grouped, spark, kind="dataframe", plan=wanted)
    right = called(lambda spark: grouped(spark).persist(StorageLevel.MEMORY_ONLY), spark, kind="dataframe", plan=wanted)
    spark.catalog.clearCache()
    assert forgetful.status is right.status is Status.PASSED
    assert forgetful.answer is not None
    assert right.answer is not None
    assert "no InMemoryTableScan" in plan.complaint(forgetful.answer.facts, {"plan": wanted})
    assert plan.complaint(right.answer.facts, {"plan": wanted}) == ""


def test_a_table_cached_by_name_in_sql_is_read_from_memory_too(spark: SparkSession) -> None:
    def by_name(spark: SparkSession) -> DataFrame:
        spark.sql("CACHE TABLE kept_numbers OPTIONS ('storageLevel' 'MEMORY_ONLY') AS SELECT id FROM range(9)")
        return spark.sql("SELECT count(*) AS n FROM kept_numbers")

    wanted = {"has": ["InMemoryTableScan"], "lacks": ["Scan"], "storage": "MEMORY_ONLY"}
    outcome = called(by_name, spark, kind="dataframe", plan=wanted)
    spark.catalog.uncacheTable("kept_numbers")
    spark.catalog.dropTempView("kept_numbers")
    assert outcome.answer is not None
    assert plan.complaint(outcome.answer.facts, {"plan": wanted}) == ""


@pytest.fixture(scope="module")
def by_country(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, DataFrame]:
    """Eight rows in two countries as "parquet" and as "delta", partitioned by country; one file each, sorted by number, with a struct."""
    columns = ["id", "IF(id < 4, 'France', 'Spain') AS country", "named_struct('a', id, 'b', id * 2) AS pair"]
    rows = spark.range(0, 8, 1, 1).selectExpr(*columns, "id * 10 AS number")
    made = {}
    for name in ("parquet", "delta"):
        folder = str(tmp_path_factory.mktemp("by_country") / name)
        rows.write.format(name).partitionBy("country").save(folder)
        made[name] = spark.read.format(name).load(folder)
    return made


def test_an_answer_that_is_cached_is_told_from_one_that_is_made_from_a_cached_result(spark: SparkSession) -> None:
    counts = grouped(spark).cache()
    try:
        assert is_cached(counts)
        assert is_cached(counts.selectExpr("count AS n"))
        counts.collect()
        assert is_cached(counts)
        assert not is_cached(counts.filter("count > 3"))
        assert not is_cached(counts.groupBy("count").count())
        assert not is_cached(counts.union(counts))
    finally:
        spark.catalog.clearCache()
    assert not is_cached(grouped(spark))


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_scans_tell_what_is_read(by_country: Mapping[str, DataFrame], kind: str) -> None:
    table = by_country[kind]
    one = table.where("country = 'Spain' AND number > 45").select("pair.b")
    assert scans(one) == [Scan(("number", "pair.b"), ("number",), ("country",), 1)]
    around = table.where("upper(country) = 'SPAIN' AND number + 1 > 45 AND id IS NOT NULL").select("id")
    assert scans(around) == [Scan(("id", "number"), (), ("country",), 1)]
    after_an_action = table.where("number > 45").groupBy("country").count()
    after_an_action.collect()
    assert [scan.pushed for scan in scans(after_an_action)] == [("number",)]
    in_a_subquery = table.where(table["id"] == 3).select("id").join(table.select("number", "id"), "id", "left")
    assert [scan.columns for scan in scans(in_a_subquery)] == [("id",), ("id", "number")]


def test_scans_name_the_table_of_the_catalog_that_they_read(spark: SparkSession, tmp_path: Path) -> None:
    folder = str(tmp_path / "named")
    spark.range(3).write.option("path", folder).saveAsTable("named")
    try:
        both = spark.table("named").join(spark.read.parquet(folder), "id")
        assert sorted(scan.table for scan in scans(both)) == ["", "default.named"]
    finally:
        spark.sql("DROP TABLE named")


def test_scans_see_through_cached_data_and_delta_leaves_files_out_by_statistics(
    by_country: Mapping[str, DataFrame],
) -> None:
    kept = by_country["parquet"].cache()
    try:
        late = kept.where("country = 'Spain' AND number > 45").select("id")
        assert plan.complaint(
            plan.observed(late, {"pushed_filters": ["number"]}), {"plan": {"pushed_filters": ["number"]}}
        )
        assert [(len(scan.columns), scan.files) for scan in scans(late)] == [(4, 2)]
    finally:
        kept.unpersist()
    assert by_country["delta"].where("id > 5").count() == 2
    files = {name: scans(table.where("id > 5 AND country > 'A'"))[0].files for name, table in by_country.items()}
    assert files["parquet"] == 2


def test_python_functions_are_found_wherever_they_run(spark: SparkSession) -> None:
    numbers = spark.range(4)
    plus = F.udf(lambda number: number + 1, "bigint")
    assert plan.python_operators(numbers.select(plus("id"))) == ["BatchEvalPython"]
    assert plan.python_operators(numbers.mapInPandas(lambda frames: frames, "id bigint")) == ["MapInPandas"]
    assert plan.python_operators(numbers.mapInArrow(lambda batches: batches, "id bigint")) != []
    assert plan.python_operators(numbers.groupBy("id").count().select(F.col("count") + 1)) == []


def test_column_functions_in_python_are_told_apart_by_kind(spark: SparkSession) -> None:
    numbers = spark.range(4)
    functions: dict[str, Callable[..., Any]] = {
        "udf": F.udf(lambda number: number, "bigint"),
        "udf with useArrow": F.udf(lambda number: number, "bigint", useArrow=True),
        "pandas_udf": F.pandas_udf(same_series, "bigint"),
        "pandas_udf with iterators": F.pandas_udf(same_series_in_turn, "bigint"),
        "arrow_udf": F.arrow_udf(same_array, "bigint"),
        "arrow_udf with iterators": F.arrow_udf(same_arrays_in_turn, "bigint"),
    }
    for kind, function in functions.items():
        assert plan.python_functions(numbers.where(function("id") > 1)) == [kind]
    two_kinds = numbers.select(functions["udf"]("id"), functions["arrow_udf"]("id"))
    assert plan.python_functions(two_kinds) == ["arrow_udf", "udf"]
    assert plan.python_functions(numbers.select(F.col("id") + 1)) == []

    def verdict(frame: DataFrame) -> str:
        wanted = {"python_functions": ["arrow_udf", "arrow_udf with iterators"]}
        return plan.complaint(plan.observed(frame, wanted), {"plan": wanted})

    assert verdict(numbers.select(functions["arrow_udf with iterators"]("id"))) == ""
    assert "`udf` computes a part" in verdict(two_kinds)
    assert "no part of your answer is computed by `arrow_udf` or" in verdict(numbers)


class Doubled:
    """A table function: every number that it gets, twice."""

    def eval(self, row: Row) -> Iterator[tuple[int]]:
        yield (2 * row["id"],)


@pytest.mark.parametrize(("arrow", "kind"), [(False, "udtf"), (True, "udtf with useArrow")])
def test_table_functions_in_python_are_found(spark: SparkSession, arrow: bool, kind: str) -> None:
    doubled = F.udtf(Doubled, returnType="number BIGINT", useArrow=arrow)
    assert plan.python_functions(doubled(spark.range(4).asTable().partitionBy("id"))) == [kind]


def same_series(numbers: pd.Series) -> pd.Series:
    return numbers


def same_series_in_turn(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    yield from batches


def same_array(numbers: pa.Array) -> pa.Array:
    return numbers


def same_arrays_in_turn(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
    yield from batches


def test_operators_that_need_a_plan_of_their_own_are_counted_too(spark: SparkSession) -> None:
    mean = F.pandas_udf(mean_of_series, "double")
    assert plan.operators(spark.range(4).groupBy("id").agg(mean("id")))["ArrowAggregatePython"] == 1


def mean_of_series(numbers: pd.Series) -> float:
    return float(numbers.mean())


@pytest.mark.parametrize(
    ("wanted", "facts", "told"),
    [
        (
            {"python": False},
            {"python": ["BatchEvalPython"]},
            "hands rows to Python for them (BatchEvalPython in the plan)",
        ),
        ({"pushed_filters": ["a", "b"]}, {"pushed_filters": ["a"]}, "no condition on `b` reaches the scan"),
        ({"pushed_filters": ["a"]}, {"pushed_filters": 7}, "no condition on `a`"),
        ({"partition_filters": ["day"]}, {"partition_filters": []}, "no partition is left out by `day`"),
        (
            {"reads_columns": ["a", "s.x"]},
            {"reads_columns": ["a", "s.x", "s.y", "z"]},
            "`s.y`, `z` are read from the files",
        ),
        ({"reads_columns": ["s"]}, {"reads_columns": ["s.x", "sum"]}, "`sum` is read from the files"),
        (
            {"reads_tables": ["a.b", "a.c"]},
            {"reads_tables": ["", "a.b"]},
            "read from `a.b` and from files that belong to no table; read them from `a.b`, `a.c`, each of them.",
        ),
        ({"reads_tables": ["a.b"]}, {"reads_tables": [""]}, "read from files that belong to no table;"),
        ({"reads_tables": ["a.b"]}, {"reads_tables": []}, "read from no file;"),
        ({"reads_tables": ["a.b"]}, {"reads_tables": None}, "read from no file;"),
        ({"reads_files": 1}, {"reads_files": 4}, "4 files are read for them; 1 would be enough"),
        ({"reads_files": 1}, {"reads_files": None}, "would be enough"),
        ({"reads_files": 1}, {}, "could not be read"),
    ],
)
def test_what_a_scan_reads_without_need_is_told(wanted: Mapping[str, Any], facts: Mapping[str, Any], told: str) -> None:
    assert told in plan.complaint({"plan": {}, **facts}, {"plan": wanted})
    right = {"python": [], "pushed_filters": ["a", "b"], "partition_filters": ["day"], "reads_columns": ["a", "s.x"]}
    if "s" not in wanted.get("reads_columns", ()):
        right |= {"reads_tables": wanted.get("reads_tables", [])}
        assert plan.complaint({"plan": {}, **right, "reads_files": 1}, {"plan": wanted}) == ""
