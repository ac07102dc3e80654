"""The Spark side: training data in a fixed order, fits of the learner's function, and what the models say about the test rows."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from autograder.checks.base import Workspace, WrongKind
from autograder.checks.model.metrics import CLASSIFICATION
from autograder.checks.model.options import ModelOptions
from autograder.compare import Frame, collect

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType, StructType

SCORE = "score"
PREDICTION = "prediction"
MAXIMUM_SETTINGS = 500


class Trials:
    """Fits the learner's function on training data that are always in the same order and in one partition, so that the same
    code gives the same model everywhere, and applies its models.
    """

    def __init__(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], options: ModelOptions, workspace: Workspace
    ) -> None:
        if options.train not in inputs or options.test in inputs:
            raise ValueError(
                f"model=: the function must take the parameter {options.train}, and not {options.test}; it takes {sorted(inputs)}."
            )
        self.function = function
        self.inputs = inputs
        self.options = options
        self.workspace = workspace
        self.whole: DataFrame = inputs[options.train]
        self.train = self.whole.select(*options.key, options.label, *options.inputs) if options.inputs else self.whole
        self.training = _sorted(_named(self.train), options.key)

    def fit(self, table: pa.Table, name: str) -> Any:
        """The model that the function makes of a training table. Raises WrongKind for what is none."""
        frame = self._stored(table, f"train-{name}", self.train.schema)
        with self._standing_in(frame):
            return _checked_model(self.function(**{**self.inputs, self.options.train: frame}))

    def test_table(self) -> pa.Table:
        """The rows to predict as they look at the time of prediction: without labels, and without what becomes known later."""
        table = _sorted(_named(self.workspace.tables[self.options.test]), self.options.key)
        hidden = [name for name in (self.options.label, *self.options.known_later) if name in table.column_names]
        table = self._with(table.drop_columns(hidden), self.options.known_later)
        return table.select([*self.options.key, *self.options.inputs]) if self.options.inputs else table

    def as_if_known(self, table: pa.Table) -> pa.Table:
        """The test rows with another value in each column that becomes known later."""
        others = {}
        for name, value in self.options.known_later.items():
            seen = sorted(
                {item for item in self.training.column(name).to_pylist() if item is not None and item != value}
            )
            others[name] = seen[-1] if seen else None
        return self._with(table.drop_columns(list(others)), others)

    def score(self, model: Any, table: pa.Table, name: str) -> Frame:
        """Key, score and prediction for each row that the model returns. Raises WrongKind when columns are missing."""
        from pyspark.sql import functions

        frame = self._stored(table, f"test-{name}")
        scored = model.transform(frame)
        if not hasattr(scored, "columns") or not hasattr(scored, "schema"):
            raise WrongKind("The `transform` of your model does not return a DataFrame.")
        lost = [column for column in self.options.key if column not in scored.columns]
        if lost:
            raise WrongKind(
                f"The output of your model has no column `{lost[0]}` any more, so nobody knows whom a prediction is about."
            )
        if "prediction" not in scored.columns:
            raise WrongKind(
                "The output of your model has no column `prediction`. A pipeline must end in a classifier or regression."
            )
        keys = [functions.col(f"`{column}`") for column in self.options.key]
        said = functions.col("prediction").cast("double").alias(PREDICTION)
        return Frame.from_spark(scored.select(*keys, self._score(scored).alias(SCORE), said))

    def saved_and_loaded(self, model: Any) -> Any:
        """The model after a trip to disk. Raises WrongKind for one that cannot be saved."""
        if not hasattr(model, "write") or not hasattr(type(model), "load"):
            raise WrongKind(
                f"Your function returned a {type(model).__name__}, which cannot be saved. "
                "Return a fitted Spark pipeline or model."
            )
        place = (self.workspace.folder / "model").as_uri()
        model.write().overwrite().save(place)
        return type(model).load(place)

    def _score(self, scored: DataFrame) -> Column:
        from pyspark.sql import functions

        if self.options.metric not in CLASSIFICATION:
            return functions.col("prediction").cast("double")
        if "probability" not in scored.columns:
            raise WrongKind(
                "The output of your model has no column `probability`. "
                "Use a classifier that gives one, such as `LogisticRegression`."
            )
        return _second(functions.col("probability"), scored.schema["probability"].dataType)

    def _with(self, table: pa.Table, values: Mapping[str, Any]) -> pa.Table:
        for name, value in values.items():
            column_type = self.training.schema.field(name).type
            table = table.append_column(name, pa.array([value] * table.num_rows, column_type))
        return table

    def _stored(self, table: pa.Table, name: str, schema: StructType | None = None) -> DataFrame:
        path = self.workspace.folder / f"{name}.parquet"
        pq.write_table(table.replace_schema_metadata(None), path)
        reader = self.train.sparkSession.read
        return (reader if schema is None else reader.schema(schema)).parquet(path.as_uri())

    @contextmanager
    def _standing_in(self, frame: DataFrame) -> Iterator[None]:
        """While the function runs, SQL finds the same training data under the table's name."""
        frame.createOrReplaceTempView(self.options.train)
        try:
            yield
        finally:
            self.whole.createOrReplaceTempView(self.options.train)


def observed(model: Any) -> dict[str, Any]:
    """What a fitted model says about itself: names of its stages, features, and depth and number of its trees."""
    stages = list(_stages(model))
    members = [tree for stage in stages for tree in getattr(stage, "trees", [stage])]
    depths = [int(tree.depth) for tree in members if isinstance(getattr(tree, "depth", None), int)]
    trees = [int(stage.getNumTrees) for stage in stages if isinstance(getattr(stage, "getNumTrees", None), int)]
    features = [int(stage.numFeatures) for stage in stages if isinstance(getattr(stage, "numFeatures", None), int)]
    return {
        "stages": [_estimator_name(type(stage).__name__) for stage in stages][:100],
        "features": max(features, default=0),
        "depth": max(depths, default=0),
        "trees": max(trees, default=1 if depths else 0),
        "settings": _settings(stages),
    }


def _settings(stages: list[Any]) -> dict[str, Any]:
    """Plain parameters of fitted stages, by "Stage.parameter"; the first stage of a class counts."""
    found: dict[str, Any] = {}
    for stage in stages:
        if not callable(getattr(stage, "extractParamMap", None)):
            continue
        name = _estimator_name(type(stage).__name__)
        for parameter, value in stage.extractParamMap().items():
            number = isinstance(value, int | float) and math.isfinite(value)
            if (number or isinstance(value, str)) and len(found) < MAXIMUM_SETTINGS:
                found.setdefault(f"{name}.{parameter.name}", value if number else value[:100])
    return found


def shuffled_labels(labels: list[Any], salt: str = "") -> list[Any]:
    """The same labels on other rows, by a fixed hash. For labels 0 and 1 exactly as many of each row's true class get a 1,
    so that the new labels say nothing about the old ones, not even by chance.
    """
    order = sorted(range(len(labels)), key=lambda row: _digest(row, salt))
    if not set(labels) <= {0, 1}:
        return [labels[row] for row in order]
    grouped = sorted(order, key=lambda row: int(labels[row]))
    count, ones = len(labels), sum(int(label) for label in labels)
    fresh = [0] * count
    for position, row in enumerate(grouped):
        fresh[row] = (position + 1) * ones // count - position * ones // count
    return fresh


def reordered(table: pa.Table, salt: str) -> pa.Table:
    """The rows in another order, fixed by a hash."""
    return table.take(sorted(range(table.num_rows), key=lambda row: _digest(row, salt)))


def other_half(table: pa.Table) -> pa.Table:
    """Every second row, in the opposite order."""
    return table.take(list(range(0, table.num_rows, 2))[::-1])


def with_labels(table: pa.Table, label: str, labels: list[Any]) -> pa.Table:
    """The table with other labels, of the same type and in the same place."""
    position = table.column_names.index(label)
    return table.set_column(position, label, pa.array(labels, table.schema.field(label).type))


def _estimator_name(name: str) -> str:
    """The class that was fitted: `RandomForestClassifier` for a `RandomForestClassificationModel`."""
    name = re.sub(r"ClassificationModel$", "Classifier", name)
    name = re.sub(r"(Tree|Forest|GBT|FM)RegressionModel$", r"\1Regressor", name)
    return name.removesuffix("Model")


def _digest(row: int, salt: str) -> bytes:
    return hashlib.sha256(f"{salt}.{row}".encode()).digest()


def _named(frame: DataFrame) -> pa.Table:
    return collect(frame).rename_columns(frame.columns)


def _sorted(table: pa.Table, key: tuple[str, ...]) -> pa.Table:
    return table.take(pc.sort_indices(table, sort_keys=[(name, "ascending") for name in key])).combine_chunks()


def _checked_model(result: Any) -> Any:
    name = type(result).__name__
    if result is None:
        raise WrongKind("Your function returned nothing (None). It must end with `return` and the fitted model.")
    if name == "DataFrame":
        raise WrongKind(
            "Your function returned a DataFrame. Return the fitted model itself; it is applied to other customers later."
        )
    if hasattr(result, "fit") and not hasattr(result, "transform"):
        raise WrongKind(f"Your function returned a {name} that has learnt nothing yet. Return what its `fit` gives.")
    if not callable(getattr(result, "transform", None)):
        raise WrongKind(f"Your function returned a {name}. Return a fitted model: what `fit` of a pipeline gives.")
    return result


def _stages(model: Any) -> Iterator[Any]:
    """The stages of a fitted pipeline, also of pipelines inside it and of the best model of a search."""
    model = getattr(model, "bestModel", model)
    inner = getattr(model, "stages", None)
    if not isinstance(inner, list):
        yield model
        return
    for stage in inner:
        yield from _stages(stage)


def _second(column: Column, data_type: DataType) -> Column:
    """The probability of class 1 out of a vector, an array, or a plain number."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions

    if data_type.typeName() == "array":
        return functions.get(column, 1)
    if data_type.simpleString() == "vector":
        return functions.get(vector_to_array(column), 1)
    return column.cast("double")
