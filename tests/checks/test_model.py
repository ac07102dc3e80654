"""Answers that are a model: what the harness asks of them, and how predictions are judged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import DecisionTreeClassifier, LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import datasets
from autograder.checks import KINDS, Answer, Judgement, Workspace, WrongKind
from autograder.checks.model import ModelOptions, judging
from autograder.checks.model.metrics import METRICS, Predicted, agreement, area_under_roc, average_precision
from autograder.checks.model.scoring import shuffled_labels
from autograder.compare import AnswerUnreadable, Frame

CHECK = KINDS["model"]
TASK: dict[str, Any] = {
    "train": "churn_train",
    "test": "churn_test",
    "label": "churn",
    "key": ["customer_id"],
    "metric": "auc",
}
COLUMNS = ["tenure_months", "days_since_order", "payment_failures", "support_tickets", "monthly_spend"]
ROWS = 600


# Judging: forged answers, no Spark


def frame(scores: Any, predictions: Any = None, keys: Any = None) -> Frame:
    """Predictions as a learner's answer has them."""
    scores = np.asarray(scores, dtype=float)
    chosen = (scores >= 0.5).astype(float) if predictions is None else np.asarray(predictions, dtype=float)
    names = np.arange(len(scores)) if keys is None else keys
    return Frame.from_arrow(
        pa.table({"customer_id": pa.array(names, pa.int64()), "score": scores, "prediction": chosen})
    )


random = np.random.default_rng(4)
LABEL = (random.uniform(size=ROWS) < 0.25).astype(int)
GOOD = np.clip(0.25 + 0.35 * (LABEL - 0.25) + 0.17 * random.normal(size=ROWS), 0.01, 0.99)
NONSENSE = random.uniform(size=ROWS)
LABELS = Frame.from_arrow(pa.table({"customer_id": np.arange(ROWS), "churn": pa.array(LABEL, pa.int32())}))
EXPECTED = Answer({"labels": LABELS}, {"band": [0.9, 0.94], "rate": 0.25})
FACTS = {"stages": ["VectorAssembler", "LogisticRegression"], "features": 5, "depth": 0, "trees": 0}


def answer(**changes: Frame) -> Answer:
    """A good answer with some of its sets of predictions replaced."""
    half = np.arange(0, ROWS, 2)[::-1]
    sets = {
        "predictions": frame(GOOD),
        "reloaded": frame(GOOD),
        "half": frame(GOOD[half], keys=half),
        "known": frame(GOOD),
        "shuffled": frame(NONSENSE),
    }
    return Answer({**sets, **changes}, FACTS)


def judged(given: Answer, **options: Any) -> Judgement:
    """The verdict on an answer, by the options of the task and some more."""
    return CHECK.judge(given, EXPECTED, {"model": {**TASK, **options}})


def test_good_predictions_pass() -> None:
    assert 0.9 < area_under_roc(LABEL.astype(float), GOOD) < 0.94
    assert judged(answer(), known_later={"retention_calls": 0}).equal


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"predictions": frame(GOOD[:-7])}, {}, "7 of 600 rows have no prediction"),
        ({"predictions": frame([*GOOD, 0.5], keys=[*range(ROWS), 0])}, {}, "returns 601 rows for 600"),
        ({"predictions": frame([*GOOD, 0.5])}, {}, "returns 601 rows for 600"),
        ({"predictions": frame(np.where(np.arange(ROWS) < 3, np.nan, GOOD))}, {}, "3 of 600 predictions are NULL"),
        ({"predictions": frame(GOOD * 2)}, {}, "probabilities lie outside of 0 to 1"),
        ({}, {"stages": ["Imputer"]}, "needs a stage `Imputer`"),
        ({}, {"stages": ["LogisticRegression", "VectorAssembler"]}, "needs a stage `VectorAssembler`, in the order"),
        ({}, {"features": 6}, "takes 5 features; 6 are asked for"),
        ({}, {"settings": {"Imputer.strategy": "median"}}, "`Imputer` needs another `strategy`"),
        ({"known": frame(GOOD * 0.9)}, {"known_later": {"retention_calls": 0}}, "not known yet"),
        ({"half": frame(GOOD[::2] * 0.9, keys=range(0, ROWS, 2))}, {}, "depends on which other rows"),
        ({"half": frame(GOOD[:100:2], keys=range(0, 100, 2))}, {}, "depends on which other rows"),
        ({"reloaded": frame(GOOD * 0.9)}, {}, "after it was saved and loaded"),
        ({"shuffled": frame(1 - 0.8 * (1 - GOOD))}, {}, "labels of the training data are shuffled"),
        ({"shuffled": frame(GOOD[:-1])}, {}, "After training on shuffled labels: 1 of 600"),
    ],
)
def test_each_fault_is_told(changes: Mapping[str, Frame], options: Mapping[str, Any], message: str) -> None:
    judgement = judged(answer(**changes), **options)
    assert not judgement.equal
    assert message in judgement.message


def scored(scores: Any) -> Answer:
    half = np.arange(0, ROWS, 2)[::-1]
    return answer(predictions=frame(scores), reloaded=frame(scores), half=frame(np.asarray(scores)[half], keys=half))


def test_a_weak_model_a_guess_and_a_leak_are_told_apart_and_numbers_stand_in_the_table_only() -> None:
    weak = judged(scored(0.6 * NONSENSE + 0.4 * GOOD))
    assert "below what a model that does the task reaches" in weak.message
    assert weak.examples is not None
    assert weak.examples.rows[1:] == (("0.820",), ("0.900 to 0.940",), ("0.500",))
    assert not any(
        character.isdigit() for text in (weak.message, *weak.right, *weak.wrong, weak.hint) for character in text
    )
    assert "no better than a guess" in judged(scored(1 - GOOD)).message
    assert "better than the data allow" in judged(scored(0.1 + 0.8 * LABEL)).message


def test_how_close_a_model_must_come_is_the_authors_choice() -> None:
    mixed = scored(0.5 * NONSENSE + 0.5 * GOOD)
    value = judging.metric_of(mixed.payload["predictions"], LABELS, ModelOptions.of({"model": TASK}), 0.25)
    share = (value - 0.5) / 0.4
    assert 0.4 < share < 0.95
    assert judged(mixed, close=share - 0.02).equal
    assert not judged(mixed, close=share + 0.02).equal


@pytest.mark.parametrize(
    ("share", "message"),
    [(1.0, ""), (1.04, ""), (0.96, ""), (1.06, "class 1 too often"), (0.94, "class 1 too rarely")],
)
def test_a_good_metric_is_not_enough_where_the_number_of_positives_counts(share: float, message: str) -> None:
    options = {"metric": "cost", "costs": {"false_alarm": 10, "miss": 40}, "close": 0.5, "positives": 0.05}
    said = np.zeros(ROWS)
    said[np.argsort(-GOOD)[: round(share * 200)]] = 1
    half = np.arange(0, ROWS, 2)[::-1]
    given = answer(predictions=frame(GOOD, said), reloaded=frame(GOOD, said), half=frame(GOOD[half], said[half], half))
    cost = judging.metric_of(
        given.payload["predictions"], LABELS, ModelOptions.of({"model": {**TASK, **options}}), 0.25
    )
    expected = Answer({"labels": LABELS}, {"band": [cost, cost], "rate": 0.25, "positives": [200, 200]})
    judgement = CHECK.judge(given, expected, {"model": {**TASK, **options}})
    assert judgement.equal == (not message)
    assert message in judgement.message
    if message:
        assert judgement.examples is not None
        assert judgement.examples.rows == ((str(round(share * 200)),), ("190 to 210",))
    del options["positives"]
    assert CHECK.judge(given, expected, {"model": {**TASK, **options}}).equal


def test_forged_facts_earn_nothing_and_break_nothing() -> None:
    forged = Answer(answer().payload, {"stages": {"a": 1}, "features": "5", "depth": [9], "trees": None})
    assert not judged(forged, stages=["LogisticRegression"]).equal
    assert not judged(forged, features=5).equal
    missing = Answer({"predictions": frame(GOOD)}, FACTS)
    assert "lacks a set of predictions: half, reloaded, shuffled" in judged(missing).message


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    CHECK.save(answer(), tmp_path / "good")
    assert CHECK.load(tmp_path / "good").payload.keys() == answer().payload.keys()

    def damaged(change: Callable[[Path], object]) -> Path:
        shutil.rmtree(tmp_path / "bad", ignore_errors=True)
        shutil.copytree(tmp_path / "good", tmp_path / "bad")
        change(tmp_path / "bad")
        return tmp_path / "bad"

    for change in (
        lambda folder: (folder / "facts.json").unlink(),
        lambda folder: (folder / "facts.json").write_text("[1]"),
        lambda folder: (folder / "facts.json").write_text("{"),
        lambda folder: (folder / "facts.json").write_text("[" * 50_000),
        lambda folder: (folder / "facts.json").write_text(json.dumps({"stages": ["x" * 200_000]})),
        lambda folder: (folder / "half.parquet").write_bytes(b"PAR1"),
        lambda folder: pq.write_table(pa.table({"customer_id": [1]}), folder / "predictions.parquet"),
        lambda folder: [path.unlink() for path in folder.glob("*.parquet")],
    ):
        with pytest.raises(AnswerUnreadable):
            CHECK.load(damaged(change))


def test_answers_without_their_columns_are_unreadable() -> None:
    for table in (
        pa.table({"score": [0.1], "prediction": [0.0]}),
        pa.table({"customer_id": np.arange(ROWS), "score": GOOD}),
    ):
        with pytest.raises(AnswerUnreadable):
            judged(answer(predictions=Frame.from_arrow(table)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "accuracy"}, "not one of auc"),
        ({"label": ""}, "missing: label"),
        ({"colour": 1}, "unknown: colour"),
        ({"close": 0}, "above 0"),
        ({"test": "churn_train"}, "the same table"),
        ({"metric": "cost"}, "needs costs"),
        ({"at_most": {"leaves": 3}}, "not leaves"),
        ({"known_later": {"churn": 0}}, "neither the label"),
        ({"inputs": ["age", "customer_id"]}, "neither the label nor the key"),
        ({"inputs": ["age"], "known_later": {"retention_calls": 0}}, "never seen"),
        ({"settings": {"strategy": "median"}}, "Stage.parameter"),
        ({"positives": 0.05}, "one of the metrics f1, cost"),
        ({"metric": "rmse", "positives": 0.05}, "one of the metrics f1, cost"),
        ({"metric": "f1", "positives": 1.5}, "between 0 and 1"),
    ],
)
def test_authors_are_told_what_their_options_lack(change: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CHECK.tables({"model": {**TASK, **change}})


# Metrics, against definitions


def test_the_area_under_roc_is_the_share_of_pairs_in_order() -> None:
    label, score = np.array([0, 1, 0, 1, 1.0]), np.array([0.1, 0.4, 0.4, 0.9, 0.2])
    pairs = [float(a > b) + 0.5 * float(a == b) for a in score[label == 1] for b in score[label == 0]]
    assert area_under_roc(label, score) == pytest.approx(sum(pairs) / len(pairs))
    assert np.isnan(area_under_roc(np.zeros(3), np.ones(3)))


def test_average_precision_takes_ties_together() -> None:
    assert average_precision(np.array([1, 0, 1, 0.0]), np.array([0.9, 0.8, 0.7, 0.6])) == pytest.approx(
        0.5 + 0.5 * 2 / 3
    )
    assert average_precision(np.array([1, 0, 1, 0.0]), np.full(4, 0.3)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("metric", "value", "baseline"),
    [
        ("log_loss", -np.log([0.8, 0.6, 0.9, 0.5]).mean(), -np.log([0.5] * 4).mean()),
        ("f1", 2 / 3, 2 / 3),
        ("cost", (10 + 40 * 0) / 4, 20 * 0.25),
        ("rmse", 0.5, 0.5),
        ("mae", 0.25, 0.5),
        ("r2", 0.0, 0.0),
    ],
)
def test_other_metrics_and_their_baselines(metric: str, value: float, baseline: float) -> None:
    label = np.array([1, 0, 1, 0.0])
    predicted = Predicted(
        label, np.array([0.8, 0.4, 0.9, 0.5]), np.array([1, 0, 1, 1.0]), 0.5, {"false_alarm": 10, "miss": 40}
    )
    expected = {"f1": (0.8, 2 / 3), "cost": (2.5, 5.0)}.get(metric, (value, baseline))
    found = METRICS[metric]
    assert (found.compute(predicted), found.baseline(predicted)) == pytest.approx(expected)


def test_agreement_of_numbers_is_one_for_the_same_order_and_half_for_a_constant() -> None:
    label = np.array([3.0, 1.0, 7.0, 5.0])
    assert agreement(label, label * 2) == pytest.approx(1.0)
    assert agreement(label, np.ones(4)) == 0.5


def test_shuffled_labels_say_nothing_about_the_true_ones() -> None:
    labels = [int(value) for value in LABEL]
    fresh = shuffled_labels(labels)
    assert sum(fresh) == sum(labels)
    shares = [np.mean([new for new, old in zip(fresh, labels, strict=True) if old == group]) for group in (0, 1)]
    assert shares[0] == pytest.approx(shares[1], abs=0.01)
    assert fresh != labels
    assert sorted(shuffled_labels([1.5, 2.5, 9.0])) == [1.5, 2.5, 9.0]


# The whole way, with Spark


def linear(churn_train: DataFrame) -> PipelineModel:
    stages = [VectorAssembler(inputCols=COLUMNS, outputCol="features"), LogisticRegression(labelCol="churn")]
    return Pipeline(stages=stages).fit(churn_train)


def knows_the_end(churn_train: DataFrame) -> PipelineModel:
    assembler = VectorAssembler(inputCols=[*COLUMNS, "retention_calls"], outputCol="features")
    return Pipeline(stages=[assembler, DecisionTreeClassifier(labelCol="churn", maxDepth=3)]).fit(churn_train)


def from_outside(churn_train: DataFrame) -> PipelineModel:
    return linear(datasets.load(churn_train.sparkSession, "churn_train"))


class LooksAround:
    """A model that compares each row with the mean of the rows that it is given."""

    def __init__(self, inner: PipelineModel) -> None:
        self.inner = inner

    def transform(self, rows: DataFrame) -> DataFrame:
        mean = rows.agg(F.avg("tenure_months")).first()[0]
        return self.inner.transform(rows.withColumn("tenure_months", F.col("tenure_months") / mean))

    def write(self) -> Any:
        return self.inner.write()

    @classmethod
    def load(cls, path: str) -> LooksAround:
        return cls(PipelineModel.load(path))


class Forgets(LooksAround):
    """A model a part of which is not saved."""

    factor = 1.0

    def transform(self, rows: DataFrame) -> DataFrame:
        return self.inner.transform(rows.withColumn("payment_failures", F.col("payment_failures") * self.factor))


def looks_around(churn_train: DataFrame) -> LooksAround:
    return LooksAround(linear(churn_train))


def forgets(churn_train: DataFrame) -> Forgets:
    model = Forgets(linear(churn_train))
    model.factor = 2.0
    return model


@pytest.fixture
def workspace(spark: SparkSession, tmp_path: Path) -> Workspace:
    return Workspace(spark, tmp_path, {"churn_test": datasets.load(spark, "churn_test")})


OPTIONS = {"model": {**TASK, "known_later": {"retention_calls": 0}}}


@pytest.fixture(scope="module")
def expected(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """What the linear model as the reference solution leaves behind."""
    folder = tmp_path_factory.mktemp("reference")
    place = Workspace(spark, folder, {"churn_test": datasets.load(spark, "churn_test")})
    inputs = {"churn_train": datasets.load(spark, "churn_train")}
    return CHECK.reference(CHECK.run(linear, inputs, OPTIONS, place), linear, inputs, OPTIONS, place)


def test_an_honest_model_passes_in_any_partitioning_and_leaves_nothing_behind(
    spark: SparkSession, workspace: Workspace, expected: Answer, tmp_path: Path
) -> None:
    train = datasets.load(spark, "churn_train")
    train.createOrReplaceTempView("churn_train")
    given = CHECK.run(linear, {"churn_train": train.repartition(3)}, OPTIONS, workspace)
    CHECK.save(given, tmp_path / "answer")
    loaded = CHECK.load(tmp_path / "answer")
    assert CHECK.judge(loaded, expected, OPTIONS).equal
    facts = dict(loaded.facts)
    settings = facts.pop("settings")
    assert facts == {"stages": ["VectorAssembler", "LogisticRegression"], "features": 5, "depth": 0, "trees": 0}
    assert settings["LogisticRegression.labelCol"] == "churn"
    assert spark.table("churn_train").where("churn = 1").count() == train.where("churn = 1").count()
    again = CHECK.run(linear, {"churn_train": train}, OPTIONS, workspace)
    assert again.payload["predictions"].table.equals(given.payload["predictions"].table)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (knows_the_end, "looks at `retention_calls`"),
        (from_outside, "labels of the training data are shuffled"),
        (looks_around, "depends on which other rows"),
        (forgets, "after it was saved and loaded"),
    ],
)
def test_models_that_leak_are_found_out(
    spark: SparkSession, workspace: Workspace, expected: Answer, function: Callable[..., Any], message: str
) -> None:
    given = CHECK.run(function, {"churn_train": datasets.load(spark, "churn_train")}, OPTIONS, workspace)
    assert message in CHECK.judge(given, expected, OPTIONS).message


def no_probability(churn_train: DataFrame) -> PipelineModel:
    stages = [
        VectorAssembler(inputCols=COLUMNS, outputCol="features"),
        LinearRegression(labelCol="churn", solver="normal"),
    ]
    return Pipeline(stages=stages).fit(churn_train)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda churn_train: None, "returned nothing"),
        (lambda churn_train: churn_train, "returned a DataFrame"),
        (lambda churn_train: Pipeline(stages=[]), "has learnt nothing yet"),
        (lambda churn_train: 0.87, "returned a float"),
        (lambda churn_train: VectorAssembler(inputCols=COLUMNS, outputCol="x"), "no column `prediction`"),
        (no_probability, "no column `probability`"),
    ],
)
def test_what_is_no_model_is_explained(
    spark: SparkSession, workspace: Workspace, function: Callable[..., Any], message: str
) -> None:
    with pytest.raises(WrongKind, match=message):
        CHECK.run(function, {"churn_train": datasets.load(spark, "churn_train")}, OPTIONS, workspace)


def test_the_test_rows_carry_neither_labels_nor_what_is_known_later(spark: SparkSession, workspace: Workspace) -> None:
    seen: list[DataFrame] = []

    class Watching(LooksAround):
        def transform(self, rows: DataFrame) -> DataFrame:
            seen.append(rows)
            return self.inner.transform(rows)

    CHECK.run(
        lambda churn_train: Watching(linear(churn_train)),
        {"churn_train": datasets.load(spark, "churn_train")},
        OPTIONS,
        workspace,
    )
    assert all("churn" not in rows.columns for rows in seen)
    assert seen[0].agg(F.max("retention_calls")).first()[0] == 0
    assert CHECK.withheld(OPTIONS) == {"churn_test": ("churn", "retention_calls")}


def test_a_model_sees_no_other_columns_than_its_inputs(spark: SparkSession, workspace: Workspace) -> None:
    seen: list[list[str]] = []
    train = datasets.load(spark, "churn_train")

    class Watching(LooksAround):
        def transform(self, rows: DataFrame) -> DataFrame:
            seen.append(rows.columns)
            return self.inner.transform(rows)

    def fitted(churn_train: DataFrame) -> Watching:
        seen.append(churn_train.columns)
        return Watching(linear(churn_train))

    options = {"model": {**TASK, "inputs": COLUMNS, "settings": {"LogisticRegression.labelCol": "churn"}}}
    answer = CHECK.run(fitted, {"churn_train": train}, options, workspace)
    assert {len(columns) for columns in seen} == {len(COLUMNS) + 1, len(COLUMNS) + 2}
    assert "retention_calls" not in {name for columns in seen for name in columns}
    expected = CHECK.reference(answer, linear, {"churn_train": train}, options, workspace)
    honest = CHECK.run(linear, {"churn_train": train}, options, workspace)
    assert CHECK.judge(honest, expected, options).equal


def test_a_test_table_that_shares_rows_with_the_training_data_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    train = datasets.load(spark, "churn_train")
    place = Workspace(spark, tmp_path, {"churn_test": train.limit(300)})
    given = CHECK.run(linear, {"churn_train": train}, OPTIONS, place)
    with pytest.raises(ValueError, match="300 keys of churn_test are also in churn_train"):
        CHECK.reference(given, linear, {"churn_train": train}, OPTIONS, place)
