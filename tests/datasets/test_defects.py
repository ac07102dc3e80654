"""Planted defects: what the truth says is what the rows show, cell by cell, and nothing else has changed."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import datasets
from datasets.defects import Drift, Rates, Soiled, csv_lines, json_lines, plant
from datasets.defects.planting import ARRIVAL, BEYOND, NONSENSE, hot_key

RATES = Rates(
    nulls={"channel": 0.05, "customer_id": 0.02},
    wrong_types={"store_id": 0.1},
    broken_references={"customer_id": 0.03},
    impossible={"order_ts": 0.02, "store_id": 0.05},
    skewed_keys={"customer_id": 0.2},
    exact_duplicates=0.04,
    near_duplicates={"status": 0.03},
    late=0.05,
    out_of_order=0.1,
    event_time="paid_ts",
)
KEY = ["order_id"]
SEED = 11


@pytest.fixture(scope="module")
def clean(spark: SparkSession) -> DataFrame:
    """Orders, with a second time that nothing but lateness is planted by."""
    return datasets.load(spark, "orders").withColumn("paid_ts", F.col("order_ts")).cache()


@pytest.fixture(scope="module")
def soiled(clean: DataFrame) -> Soiled:
    made = plant(clean, key=KEY, rates=RATES, seed=SEED)
    return Soiled(made.rows.cache(), made.truth.cache())


def told(truth: DataFrame) -> dict[tuple[str | None, str], int]:
    """How often the truth names each column and kind."""
    return {(row["column"], row["kind"]): row["count"] for row in truth.groupBy("column", "kind").count().collect()}


def test_the_truth_counts_every_defect_exactly(clean: DataFrame, soiled: Soiled) -> None:
    before = clean.select(
        "order_id", *(F.col(name).alias(f"was_{name}") for name in clean.columns if name != "order_id")
    )
    ranked = soiled.rows.join(before, "order_id")
    status_differs = F.col("status") != F.col("was_status")
    # A near duplicate is a copy whose status differs: of every other row, the first.
    extra = soiled.rows.count() - clean.count()
    late = F.unix_micros(ARRIVAL) - F.unix_micros("paid_ts")
    far = F.year("order_ts") > 3000
    originals = ranked.where(~status_differs).dropDuplicates(["order_id"])
    found = originals.agg(
        F.count_if(F.col("channel").isNull()).alias("channel null"),
        F.count_if(F.col("customer_id").isNull() & F.col("was_customer_id").isNotNull()).alias("customer null"),
        F.count_if(F.col("customer_id") >= BEYOND).alias("customer broken"),
        F.count_if(F.col("store_id").isin(*NONSENSE)).alias("store nonsense"),
        F.count_if(F.expr("try_cast(store_id AS INT)") < 0).alias("store impossible"),
        F.count_if(far).alias("far"),
        F.count_if(late >= 600_000_000).alias("late"),
        F.count_if((late >= 30_000_000) & (late <= 300_000_000)).alias("out of order"),
        F.count_if(late > 4_000_000).alias("not punctual"),
    ).collect()[0]
    truth = told(soiled.truth)
    assert found["channel null"] == truth["channel", "null"]
    assert found["customer null"] == truth["customer_id", "null"]
    assert found["customer broken"] == truth["customer_id", "broken reference"]
    skewed = originals.join(soiled.truth.where("kind = 'skewed key'"), "order_id")
    assert skewed.where(F.col("customer_id") == hot_key(SEED)).count() == truth["customer_id", "skewed key"]
    assert found["store nonsense"] == truth["store_id", "wrong type"]
    assert found["store impossible"] == truth["store_id", "impossible value"]
    assert found["far"] == truth["order_ts", "impossible value"]
    assert found["late"] == truth[ARRIVAL, "late"]
    assert found["out of order"] == truth[ARRIVAL, "out of order"]
    assert found["not punctual"] == found["late"] + found["out of order"]
    near = ranked.where(status_differs).count()
    assert near == truth["status", "near duplicate"]
    assert extra == near + truth[None, "exact duplicate"]
    assert soiled.rows.distinct().count() == soiled.rows.count() - truth[None, "exact duplicate"]
    assert min(truth.values()) > 3
    assert len(truth) == 11


def test_the_rows_that_the_truth_does_not_name_are_as_they_were(clean: DataFrame, soiled: Soiled) -> None:
    named = soiled.truth.select("order_id").distinct()
    untouched = clean.join(named, "order_id", "left_anti").withColumn("store_id", F.col("store_id").cast("string"))
    same = soiled.rows.drop(ARRIVAL).join(named, "order_id", "left_anti")
    assert 500 < untouched.count() < clean.count()
    assert untouched.exceptAll(same).count() == same.exceptAll(untouched).count() == 0


def test_defects_do_not_depend_on_partitions_and_do_depend_on_the_seed(clean: DataFrame, soiled: Soiled) -> None:
    spread = plant(clean.repartition(7), key=KEY, rates=RATES, seed=SEED)
    assert spread.rows.exceptAll(soiled.rows).count() == soiled.rows.exceptAll(spread.rows).count() == 0
    other = plant(clean, key=KEY, rates=RATES, seed=SEED + 1)
    assert other.truth.exceptAll(soiled.truth).count() > 100


def test_json_lines_are_cut_and_drift_exactly_as_the_truth_says(clean: DataFrame) -> None:
    drift = Drift(
        "order_ts >= '2025-07-01'",
        renamed={"channel": "source"},
        added={"app_version": "'2.0'"},
        as_text=["customer_id"],
    )
    lines = json_lines(plant(clean, key=KEY, rates=Rates(), seed=1), key=KEY, malformed=0.06, drift=drift, seed=1)
    truth = told(lines.truth)
    parsed = F.try_parse_json("value")
    found = lines.rows.agg(
        F.count_if(parsed.isNull()).alias("cut line"),
        F.count_if(F.try_variant_get(parsed, "$.app_version", "string") == "2.0").alias("whole and new"),
        F.count_if(F.try_variant_get(parsed, "$.channel", "string").isNotNull()).alias("whole and old"),
        F.count_if(F.schema_of_variant(F.try_variant_get(parsed, "$.customer_id", "variant")) == "STRING").alias(
            "as text"
        ),
    ).collect()[0]
    assert found["cut line"] == truth[None, "cut line"] > 50
    assert truth[None, "schema v2"] == clean.where("order_ts >= '2025-07-01'").count()
    both = lines.truth.groupBy("order_id").count().where("count = 2").count()
    assert found["whole and new"] == truth[None, "schema v2"] - both
    assert found["whole and old"] == clean.count() - truth[None, "schema v2"] - (truth[None, "cut line"] - both)
    assert 0 < found["as text"] <= found["whole and new"]


def test_csv_lines_have_fields_too_many_or_too_few_exactly_as_the_truth_says(clean: DataFrame) -> None:
    lines = csv_lines(plant(clean, key=KEY, rates=Rates(), seed=1), key=KEY, malformed=0.08, seed=1)
    fields = F.size(F.split("value", ","))  # no cell of orders has a comma
    counts = {row["fields"]: row["count"] for row in lines.rows.groupBy(fields.alias("fields")).count().collect()}
    truth = told(lines.truth)
    width = len(clean.columns)
    assert counts == {
        width: clean.count() - sum(truth.values()),
        width + 2: truth[None, "surplus fields"],
        width // 2: truth[None, "missing fields"],
    }
    assert min(counts.values()) > 30


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rows: Rates(nulls={"channel": -0.1}), "share from 0 to 1"),
        (lambda rows: Rates(exact_duplicates=1.5), "share from 0 to 1"),
        (lambda rows: Rates(nulls={"channel": 0.6}, impossible={"channel": 0.6}), "add up to more than 1"),
        (lambda rows: Rates(late=0.1), "need event_time"),
        (lambda rows: plant(rows, key=KEY, rates=Rates(nulls={"chanel": 0.1}), seed=1), "no column chanel"),
        (lambda rows: plant(rows, key=KEY, rates=Rates(nulls={"order_id": 0.1}), seed=1), "belongs to the key"),
        (lambda rows: plant(rows, key=KEY, rates=Rates(broken_references={"status": 0.1}), seed=1), "whole numbers"),
        (
            lambda rows: plant(
                rows.withColumn("store_id", F.lit(3).cast("smallint")),
                key=KEY,
                rates=Rates(broken_references={"store_id": 0.1}),
                seed=1,
            ),
            "holds no number that refers to nothing",
        ),
    ],
)
def test_rates_that_cannot_be_are_refused(clean: DataFrame, make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(clean)
