"""The churn tables: what is planted can be found, and how well at best."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression, RandomForestClassifier
from pyspark.ml.feature import Imputer, OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession

import datasets
from autograder.checks.model.metrics import area_under_roc
from datasets.generators import Generation
from datasets.generators.churn import POPULATION, with_probability

SEEDS = (datasets.catalog.SAMPLE_SEED, 7, 11)
NUMBERS = ["age", "income", "tenure_months", "monthly_spend", "orders_90d", "days_since_order", "support_tickets",
           "late_deliveries", "payment_failures", "discount_share", "app_logins_90d", "survey_score"]  # fmt: skip
CATEGORIES = ["country", "contract", "plan", "channel"]


def table(spark: SparkSession, name: str, seed: int) -> DataFrame:
    """A generated table in one partition, sorted by its key, as files of it are."""
    return datasets.generate(spark, name, seed=seed).repartition(1).sortWithinPartitions("customer_id")


@pytest.mark.parametrize("seed", SEEDS)
def test_forest_and_regression_find_the_planted_signal_and_no_column_does_alone(spark: SparkSession, seed: int) -> None:
    train, test = (table(spark, name, seed).cache() for name in ("churn_train", "churn_test"))
    indexes = [f"{name}_index" for name in CATEGORIES]
    vectors = [f"{name}_vector" for name in CATEGORIES]
    filled = [f"{name}_filled" for name in NUMBERS]
    preparation = [
        Imputer(inputCols=NUMBERS, outputCols=filled, strategy="median"),
        StringIndexer(inputCols=CATEGORIES, outputCols=indexes, handleInvalid="keep"),
        OneHotEncoder(inputCols=indexes, outputCols=vectors),
        VectorAssembler(inputCols=filled + indexes, outputCol="codes"),
        VectorAssembler(inputCols=filled + vectors, outputCol="dummies"),
    ]
    forest = RandomForestClassifier(labelCol="churn", featuresCol="codes", numTrees=20, maxDepth=7, seed=11,
                                    probabilityCol="by_forest", rawPredictionCol="raw_forest", predictionCol="said_forest")  # fmt: skip
    regression = LogisticRegression(labelCol="churn", featuresCol="dummies", probabilityCol="by_regression")
    model = Pipeline(stages=[*preparation, forest, regression]).fit(train)
    scores = (
        model.transform(test)
        .select(
            "churn",
            vector_to_array("by_forest")[1].alias("forest"),
            vector_to_array("by_regression")[1].alias("regression"),
        )
        .toPandas()
    )
    label = scores["churn"].to_numpy(dtype=float)
    by_forest, by_regression = (area_under_roc(label, scores[name].to_numpy()) for name in ("forest", "regression"))
    assert by_forest == pytest.approx(0.85, abs=0.02)  # the forest of the solution of 6.1.2.9
    assert 0.80 < by_regression < by_forest

    rows = train.toPandas()
    alone = {}
    for name in rows.columns.drop(["customer_id", "churn"]):
        values = rows[name]
        if values.dtype == object:
            values = values.map(rows.groupby(name)["churn"].mean())
        known = values.notna().to_numpy()
        area = area_under_roc(rows["churn"].to_numpy(dtype=float)[known], values.to_numpy(dtype=float)[known])
        alone[name] = max(area, 1 - area)
    assert alone.pop("retention_calls") > 0.88
    assert max(alone.values()) < 0.72
    train.unpersist()
    test.unpersist()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_possible_score_follows_from_the_probability_that_labels_were_drawn_with(
    spark: SparkSession, seed: int
) -> None:
    truth = (
        with_probability(Generation.of(spark, seed=seed, scale="tiny"))
        .select("churn", "probability", "held_out")
        .toPandas()
    )
    label, probability = truth["churn"].to_numpy(dtype=float), truth["probability"].to_numpy()
    assert area_under_roc(label, probability) == pytest.approx(0.90, abs=0.015)
    assert 0.18 < label.mean() < 0.25
    assert label.mean() == pytest.approx(probability.mean(), abs=0.02)
    assert truth["held_out"].mean() == pytest.approx(0.3, abs=0.02)
    calibrated = [label[(probability >= low) & (probability < low + 0.2)].mean() for low in np.arange(0, 1, 0.2)]
    assert calibrated == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=0.1)


def test_no_customer_is_in_both_tables_and_only_the_test_customers_know_portugal(spark: SparkSession) -> None:
    train, test = datasets.load(spark, "churn_train"), datasets.load(spark, "churn_test")
    assert train.join(test, "customer_id").count() == 0
    assert (
        train.union(test).select("customer_id").distinct().count()
        == Generation.of(spark, seed=1, scale="tiny").sizes[POPULATION]
    )
    assert train.where("country = 'Portugal'").count() == 0
    assert test.where("country = 'Portugal'").count() > 20
    assert train.select("delivery_region").distinct().count() == 48
