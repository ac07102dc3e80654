"""What is planted in the tables can be found by the usual models, and about as well as planted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import Imputer, StandardScaler, VectorAssembler
from pyspark.ml.fpm import FPGrowth
from pyspark.ml.functions import vector_to_array
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import datasets
from autograder.checks.model.metrics import area_under_roc
from datasets.generators import seasons
from datasets.generators.features import HABITS, RULES, SEGMENTS


def one_partition(spark: SparkSession, name: str) -> DataFrame:
    """A sample in the order of its file, which models then see in the same way everywhere."""
    return datasets.load(spark, name).cache()


def test_k_means_finds_the_segments(spark: SparkSession) -> None:
    rows = one_partition(spark, "customer_features")
    features = VectorAssembler(inputCols=list(HABITS), outputCol="habits").transform(rows)
    scaled = StandardScaler(inputCol="habits", outputCol="features", withMean=True).fit(features).transform(features)
    found = (
        KMeans(k=len(SEGMENTS), seed=1, initSteps=5)
        .fit(scaled)
        .transform(scaled)
        .select("segment", "prediction")
        .toPandas()
    )
    # A cluster stands for the segment that most of its members have.
    counts = found.groupby(["prediction", "segment"]).size().unstack(fill_value=0)
    assert sorted(counts.idxmax(axis=1)) == sorted(SEGMENTS)
    assert counts.max(axis=1).sum() / len(found) > 0.93


def test_a_factorisation_of_rank_three_knows_taste_better_than_means_do(spark: SparkSession) -> None:
    rows = one_partition(spark, "ratings").withColumn(
        "held_out", F.pmod(F.xxhash64("customer_id", "product_id"), F.lit(5)) == 0
    )
    train, test = rows.where(~F.col("held_out")).cache(), rows.where("held_out")
    model = ALS(rank=3, maxIter=6, regParam=0.08, userCol="customer_id", itemCol="product_id", ratingCol="rating",
                coldStartStrategy="drop", seed=1).fit(train)  # fmt: skip
    scored = model.transform(test).toPandas()
    known = train.toPandas()
    by_user, by_item = (known.groupby(name)["rating"].mean() for name in ("customer_id", "product_id"))
    means = scored["customer_id"].map(by_user) + scored["product_id"].map(by_item) - known["rating"].mean()
    by_model, by_means = (
        float(np.sqrt(((scored["rating"] - guess) ** 2).mean())) for guess in (scored["prediction"], means)
    )
    assert by_model < 0.85 * by_means
    assert 0.3 < by_model < 0.85


def test_the_rules_of_the_baskets_are_found_and_hardly_any_other(spark: SparkSession) -> None:
    baskets = one_partition(spark, "baskets")
    model = FPGrowth(itemsCol="items", minSupport=0.02, minConfidence=0.4).fit(baskets)
    strong = {
        (frozenset(row.antecedent), row.consequent[0]) for row in model.associationRules.where("lift > 2").collect()
    }
    planted = {(left, right) for left, right, _ in RULES}
    assert planted <= strong
    # What else is strong contains a planted rule, or is one read backwards.
    for left, right in strong:
        items = left | {right}
        assert any(given | {then} <= items for given, then in planted) or any(
            {right, *left} & {then} for _, then in planted
        )


def test_a_forest_finds_fraud_better_than_the_older_score(spark: SparkSession) -> None:
    rows = datasets.generate(spark, "order_features", scale="30k").cache()
    names = ["amount", "pieces", "order_hour", "age", "unknown"]
    rows = rows.withColumn("unknown", F.col("account_age_days").isNull().cast("double")).withColumn(
        "age", F.col("account_age_days").cast("double")
    )
    rows = rows.withColumn("amount", F.col("amount").cast("double"))
    rows = Imputer(inputCols=["age"], outputCols=["age_filled"], strategy="median").fit(rows).transform(rows)
    names[3] = "age_filled"
    rows = VectorAssembler(inputCols=names, outputCol="features").transform(rows)
    held_out = F.pmod(F.xxhash64("order_id"), F.lit(10)) < 4
    forest = RandomForestClassifier(labelCol="is_fraud", numTrees=30, maxDepth=7, seed=1).fit(rows.where(~held_out))
    scored = forest.transform(rows.where(held_out)).select(
        "is_fraud", "fraud_score", vector_to_array("probability")[1].alias("forest")
    )
    found = scored.toPandas()
    label = found["is_fraud"].to_numpy(dtype=float)
    assert 0.008 < label.mean() < 0.04
    assert area_under_roc(label, found["forest"].to_numpy()) > 0.8
    assert 0.7 < area_under_roc(label, found["fraud_score"].to_numpy()) < 0.95


def test_satisfaction_falls_with_every_late_day_and_late_days_are_those_of_the_parcels(spark: SparkSession) -> None:
    orders = one_partition(spark, "order_features")
    means = orders.where("late_days IS NOT NULL AND customer_satisfaction IS NOT NULL").groupBy(
        F.least("late_days", F.lit(2)).alias("late")
    ).agg(F.avg("customer_satisfaction").alias("stars"))  # fmt: skip
    stars = [row.stars for row in means.orderBy("late").collect()]
    assert len(stars) == 3
    assert all(before - after > 0.35 for before, after in itertools.pairwise(stars))
    parcels = datasets.load(spark, "shipments").where("delivered_ts >= shipped_ts").groupBy("order_id").agg(
        F.greatest(F.max(F.datediff(F.to_date("delivered_ts"), "promised_date")), F.lit(0)).alias("days"),
        F.count("*").alias("parcels"),
    )  # fmt: skip
    both = parcels.join(orders, "order_id").where("parcels = 1 AND late_days IS NOT NULL")
    assert both.count() > 700
    assert both.where("days > late_days").count() == 0
    assert both.where("days = late_days").count() > 0.99 * both.count()


def test_sales_have_the_declared_weekly_and_yearly_seasons(spark: SparkSession) -> None:
    days = (
        datasets.generate(spark, "orders", scale="100k").groupBy(F.to_date("order_ts").alias("day")).count().toPandas()
    )
    days["weight"] = [seasons.shop_weight((day - seasons.FIRST_DAY).days) for day in days["day"]]
    assert len(days) == seasons.DAYS
    # Days follow their weights, up to what chance does to about 137 orders a day.
    ratio = days["count"] / (days["weight"] / days["weight"].sum() * 100_000)
    assert ratio.std() < 0.15
    months = days.groupby([day.month for day in days["day"]])["count"].sum()
    assert months.idxmax() == 12
    weekdays = days.groupby([day.weekday() for day in days["day"]])["count"].mean()
    assert weekdays.idxmax() == 5
    assert weekdays.max() / weekdays.min() == pytest.approx(1.25 / 0.88, rel=0.06)


def test_features_are_counted_from_the_tables(spark: SparkSession) -> None:
    for name in ("orders", "order_items", "customers", "customer_features", "product_features", "products"):
        datasets.load(spark, name).createOrReplaceTempView(name)
    value = "round(quantity * unit_price * (1 - CAST(coalesce(discount, 0) AS DECIMAL(3,2))), 2)"
    counted = spark.sql(
        f"SELECT customer_id, count(DISTINCT order_id) orders, sum({value}) value, max(to_date(order_ts)) last "
        "FROM orders JOIN order_items USING (order_id) WHERE status <> 'cancelled' GROUP BY customer_id"
    )
    joined = datasets.load(spark, "customer_features").join(
        counted.withColumnsRenamed({"orders": "counted"}), "customer_id"
    )
    assert joined.count() > 250
    assert joined.where("orders <> counted OR lifetime_value <> value OR last_order_date <> last").count() == 0
    pieces = spark.sql("SELECT product_id, sum(quantity) counted FROM order_items GROUP BY product_id")
    products = datasets.load(spark, "product_features").join(pieces, "product_id")
    assert products.where("pieces_sold <> counted").count() == 0 < products.count()
    margins = spark.sql("SELECT * FROM product_features JOIN products USING (product_id)")
    assert margins.where("abs(profit_margin - (price - cost) / price) > 0.0001").count() == 0
    ages = spark.sql("SELECT * FROM customer_features JOIN customers USING (customer_id)")
    assert ages.where("age <> year('2025-12-31') - year(birth_date)").count() == 0


def test_prices_wander_and_readings_follow_the_day(spark: SparkSession) -> None:
    ticks = datasets.load(spark, "price_ticks").where("price > 0 AND price < 2 * bid AND symbol <> 'XXXX'")
    moves = ticks.dropDuplicates(["tick_id"]).toPandas().sort_values("tick_id")
    steps = moves.groupby("symbol")["price"].apply(lambda price: np.log(price.astype(float)).diff().abs().max())
    assert steps.max() < 0.03
    air = datasets.load(spark, "air_measurements").where("parameter = 'no2' AND value > 0")
    hours = (
        air.groupBy(F.hour("measured_ts").alias("hour"))
        .agg(F.avg("value").alias("mean"))
        .toPandas()
        .set_index("hour")["mean"]
    )
    assert hours[[7, 8, 17, 18]].mean() > 1.5 * hours[[1, 2, 3, 4]].mean()
