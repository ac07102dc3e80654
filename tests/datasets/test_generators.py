"""The generators: same seed same rows, other seed other rows, tables that fit together, realistic shapes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import datasets
from datasets.generators import Generation, generator_of
from datasets.generators.cells import Cells

SEEDED = [name for name, table in datasets.tables().items() if table.seeded]


def digest(rows: DataFrame) -> tuple[int, int]:
    """Row count and a sum of row hashes: equal for equal multisets of rows."""
    text = F.to_json(F.struct("*"), {"ignoreNullFields": "false", "timeZone": "UTC"})
    found = (
        rows.select(F.xxhash64(text).cast("decimal(38,0)").alias("hash")).agg(F.count("*"), F.sum("hash")).collect()[0]
    )
    return int(found[0]), int(found[1])


@pytest.mark.parametrize("name", SEEDED)
def test_rows_do_not_depend_on_partitions_and_do_depend_on_the_seed(spark: SparkSession, name: str) -> None:
    # The samples are made in two partitions, and `test_dictionary.py` makes them anew.
    sample = digest(datasets.load(spark, name))
    assert digest(datasets.generate(spark, name, partitions=7)) == sample
    other_count, other_hash = digest(datasets.generate(spark, name, seed=7))
    assert other_hash != sample[1]
    assert other_count == pytest.approx(sample[0], rel=0.12)


def test_rows_do_not_depend_on_the_time_zone_of_the_session(spark: SparkSession) -> None:
    expected = {name: digest(datasets.load(spark, name)) for name in ("raw_customers", "reviews_raw", "trips")}
    spark.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
    try:
        found = {name: digest(datasets.generate(spark, name)) for name in expected}
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert found == expected


def test_generated_columns_have_the_declared_types(spark: SparkSession) -> None:
    for name, table in datasets.tables().items():
        declared = spark.createDataFrame([], table.schema).dtypes
        assert datasets.generate(spark, name).dtypes == declared


def test_a_larger_scale_has_its_base_rows_and_unique_keys(spark: SparkSession) -> None:
    orders = datasets.generate(spark, "orders", scale="20k")
    assert orders.count() == 20_000
    reviews = datasets.generate(spark, "reviews", scale="20k")
    assert reviews.select("review_id").distinct().count() == 20_000


@pytest.mark.parametrize("scale", ["huge", "0k", "-10", "1.5m", "", "1e6"])
def test_a_malformed_scale_is_refused_with_examples(spark: SparkSession, scale: str) -> None:
    with pytest.raises(ValueError, match="'5000', '100k' or '1m'"):
        datasets.generate(spark, "orders", scale=scale)


def test_a_scale_beyond_the_identifiers_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="the most that can be made is '1000m'"):
        datasets.generate(spark, "orders", scale="1001m")


def test_the_platform_scale_has_the_rows_of_its_brief(spark: SparkSession) -> None:
    names = ("customers", "products", "orders")
    assert [datasets.generate(spark, name, scale="platform").count() for name in names] == [10_000, 1_000, 50_000]


@pytest.mark.parametrize("name", ["orders", "trips", "reviews", "baskets", "price_ticks"])
def test_the_last_rows_of_the_largest_scale_can_be_made(spark: SparkSession, name: str) -> None:
    """Products of large identifiers and weights must not leave their type."""
    run = LastRows.of(spark, seed=2026, scale="1000m")
    rows = generator_of(name)(run).select(*(column.name for column in datasets.tables()[name].columns)).collect()
    assert len(rows) >= LastRows.COUNT


@dataclass(frozen=True)
class LastRows(Generation):
    """A run that makes only the last base rows of each table."""

    COUNT: ClassVar[int] = 50

    def rows(self, table: str, identifier: str) -> DataFrame:
        """The last row numbers."""
        last = self.sizes[table]
        return self.spark.range(last - self.COUNT + 1, last + 1, 1, 1).withColumnRenamed("id", identifier)


@pytest.mark.parametrize("seed", [2026, 7])
def test_nobody_orders_before_signing_up(spark: SparkSession, seed: int) -> None:
    orders = datasets.generate(spark, "orders", seed=seed)
    joined = orders.join(datasets.generate(spark, "customers", seed=seed), "customer_id")
    assert joined.count() > 1_380
    assert joined.where("to_date(order_ts) < signup_date").count() == 0


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("orders", "order_ts"),
        ("payments", "paid_ts"),
        ("web_events", "event_ts"),
        ("trips", "pickup_ts"),
        ("trips", "dropoff_ts"),
        ("reviews", "created"),
    ],
)
def test_everything_happens_in_2024_and_2025(spark: SparkSession, table: str, column: str) -> None:
    first, last = datasets.load(spark, table).agg(F.min(column), F.max(column)).collect()[0]
    assert datetime(2024, 1, 1) <= first < datetime(2024, 1, 15)  # noqa: DTZ001 - Spark hands out naive times
    assert datetime(2025, 12, 15) < last < datetime(2026, 1, 1)  # noqa: DTZ001


def test_business_grows_and_peaks_before_christmas(spark: SparkSession) -> None:
    quarters = datasets.load(spark, "orders").groupBy(F.date_trunc("quarter", "order_ts").alias("quarter")).count()
    counts = [row["count"] for row in quarters.orderBy("quarter").collect()]
    assert len(counts) == 8
    assert counts[3] == max(counts[:4])
    assert counts[7] == max(counts)
    assert sum(counts[4:]) > 1.3 * sum(counts[:4])


@pytest.mark.parametrize(
    ("table", "column", "low", "high"),
    [("orders", "customer_id", 8, 20), ("order_items", "product_id", 8, 20), ("trips", "pickup_zone_id", 8, 20)],
)
def test_the_favourite_is_far_above_the_average(
    spark: SparkSession, table: str, column: str, low: int, high: int
) -> None:
    """Under a uniform draw the ratio would stay below 4."""
    counts = datasets.load(spark, table).where(F.col(column).isNotNull()).groupBy(column).count()
    most, mean = counts.agg(F.max("count"), F.avg("count")).collect()[0]
    assert low <= most / mean <= high


def test_reviews_raw_holds_the_reviews(spark: SparkSession) -> None:
    parsed = datasets.load(spark, "reviews_raw").selectExpr(
        "get_json_object(value, '$.review_id') AS review_id", "get_json_object(value, '$.user.user_id') AS writer"
    )
    reviews = datasets.load(spark, "reviews")
    found = reviews.join(parsed.distinct(), "review_id").where("user_id = writer").count()
    assert found == 1440


def test_a_draw_has_the_probability_asked_for(spark: SparkSession) -> None:
    cells = Cells("test", 1)
    rows = spark.range(20_000)
    found = rows.agg(
        F.avg(cells.uniform("uniform", F.col("id"))).alias("uniform"),
        F.avg(cells.chance("chance", 0.1, F.col("id")).cast("int")).alias("chance"),
        F.avg(cells.normal("normal", F.col("id"))).alias("mean"),
        F.stddev(cells.normal("normal", F.col("id"))).alias("deviation"),
        F.count_distinct(cells.zipf("zipf", 50, 0.8, F.col("id"))).alias("zipf"),
        F.corr(cells.uniform("a", F.col("id")), cells.uniform("b", F.col("id"))).alias("dependence"),
    ).collect()[0]
    assert found.uniform == pytest.approx(0.5, abs=0.01)
    assert found.chance == pytest.approx(0.1, abs=0.01)
    assert found["mean"] == pytest.approx(0.0, abs=0.03)
    assert found.deviation == pytest.approx(1.0, abs=0.03)
    assert found.zipf == 50
    assert found.dependence == pytest.approx(0.0, abs=0.03)
