"""The kind "catalog": real tables of Spark's catalog, made in right and wrong ways; hostile files; every complaint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from autograder.checks import KINDS, Answer, Judgement
from autograder.checks.catalog import FACTS, CatalogAnswer, Scenario, TableState
from autograder.compare import AnswerUnreadable
from autograder.models import ExerciseSpec, Status
from autograder.runtime import fixtures
from autograder.runtime.call import Outcome, call

CHECK = KINDS["catalog"]


def outcome_of(function: Callable[..., Any], spark: SparkSession, arguments: Any = None, **catalog: Any) -> Outcome:
    """What becomes of a function under `catalog=` options."""
    options = {"catalog": {"tables": {}, **catalog}}
    spec = ExerciseSpec("9.9.9", "", "catalog", 1.0, options=options)
    return call(spec, CHECK, function, {"spark": spark}, fixtures.tables(CHECK.tables(options)), arguments or {})


def answer_of(function: Callable[..., Any], spark: SparkSession, **catalog: Any) -> Answer:
    """The same for a function that is known to end well."""
    outcome = outcome_of(function, spark, **catalog)
    assert outcome.status is Status.PASSED, outcome
    assert outcome.answer is not None
    return outcome.answer


def judge(actual: Answer, expected: Answer, **catalog: Any) -> Judgement:
    """The judgement under `catalog=` options."""
    catalog.pop("arguments", None)
    return CHECK.judge(actual, expected, {"catalog": {"tables": {}, **catalog}})


def numbers(spark: SparkSession) -> DataFrame:
    return spark.range(0, 12, 1, 1).selectExpr("id", "id % 3 AS part", "id * 2 AS twice")


LAID_OUT = {"tables": {"laid": {"key": ["id"], "facts": list(FACTS)}}, "folders": ["archive"]}


def laid_out(spark: SparkSession, laid: str, archive: str) -> None:
    writer = numbers(spark).write.format("parquet").partitionBy("part").bucketBy(2, "id").sortBy("twice")
    writer.option("path", archive).saveAsTable(laid)


def test_what_the_catalog_says_of_a_table_is_seen(spark: SparkSession, tmp_path: Path) -> None:
    expected = answer_of(laid_out, spark, **LAID_OUT)
    state = expected.payload.tables["laid"]
    assert state == TableState("EXTERNAL", "parquet", "archive", ("part",), ("id",), 2, ("twice",))
    CHECK.save(expected, tmp_path / "answer")
    loaded = CHECK.load(tmp_path / "answer")
    assert loaded.payload.tables == expected.payload.tables

    def by_sql(spark: SparkSession, laid: str, archive: str) -> None:
        spark.sql(
            f"CREATE TABLE {laid} (id BIGINT, twice BIGINT, part BIGINT) USING parquet PARTITIONED BY (part) "
            f"CLUSTERED BY (id) SORTED BY (twice) INTO 2 BUCKETS LOCATION '{archive}'"
        )
        numbers(spark).select("id", "twice", "part").write.insertInto(laid)

    assert judge(answer_of(by_sql, spark, **LAID_OUT), loaded, **LAID_OUT).equal

    def managed(spark: SparkSession, laid: str, archive: str) -> None:
        numbers(spark).write.format("parquet").saveAsTable(laid)

    wrong = judge(answer_of(managed, spark, **LAID_OUT), loaded, **LAID_OUT)
    assert wrong.message == "The rows of `laid` are right, but it is a managed table, not an external table."
    assert wrong.right == ("`laid` has the right rows.",)
    nothing = judge(answer_of(lambda spark, laid, archive: None, spark, **LAID_OUT), loaded, **LAID_OUT)
    assert "The catalog has no table of the name `laid`" in nothing.message


def test_tables_of_the_set_up_follow_the_arguments_and_may_be_dropped(spark: SparkSession) -> None:
    wishes: dict[str, Any] = {
        "tables": {"old": {}},
        "schema": True,
        "uses": ["stores"],
        "setup": [
            "CREATE TABLE {old} USING {kind} AS SELECT * FROM stores",
            "CREATE VIEW {schema}.seen AS SELECT 1 AS one",
        ],
        "returns": True,
        "arguments": {"kind": "json"},
    }

    def dropped(spark: SparkSession, old: str, schema: str) -> DataFrame:
        names = spark.sql(f"SHOW TABLES IN {schema}").select("tableName")
        listed = spark.createDataFrame(names.collect())
        spark.sql(f"DROP TABLE {old}")
        return listed

    expected = answer_of(dropped, spark, **wishes)
    assert expected.payload.frames["returned"].table["tableName"].to_pylist() == ["old", "seen"]
    kept = answer_of(
        lambda spark, old, schema: spark.sql("SELECT 'old' AS tableName UNION SELECT 'seen'"), spark, **wishes
    )
    assert kept.payload.tables["old"].format == "json"
    assert judge(kept, expected, **wishes).message == "The catalog still has a table `old`."
    fewer = answer_of(lambda spark, old, schema: spark.sql("SELECT 'old' AS tableName"), spark, **wishes)
    assert judge(fewer, expected, **wishes).message.startswith("What your function returns: ")


def test_nothing_is_left_behind(spark: SparkSession) -> None:
    places: list[Path] = []

    def failing(spark: SparkSession, laid: str, archive: str) -> None:
        laid_out(spark, laid, archive)
        numbers(spark).write.save(f"{laid}.saved")
        places.extend((Path(archive), Path.cwd() / f"{laid}.saved"))
        assert all(place.exists() for place in places)
        spark.sql(f"USE {laid.partition('.')[0]}")
        raise KeyError(laid)

    before = [item.name for item in spark.catalog.listDatabases()], spark.catalog.currentDatabase()
    assert outcome_of(failing, spark, **LAID_OUT).message.startswith("KeyError")
    assert ([item.name for item in spark.catalog.listDatabases()], spark.catalog.currentDatabase()) == before
    assert not any(place.exists() for place in places)


STATE = TableState("MANAGED", "parquet", "own", ("part",), ("id",), 4, ("id",))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"type": "VIEW"}, "it is a view, not a managed table"),
        ({"type": "secret"}, "it is something else, not a managed table"),
        ({"format": "csv"}, "its format is csv, not parquet"),
        ({"place": "archive"}, "its files are not where the task says"),
        ({"partitioned_by": ()}, "it is partitioned by nothing, not by part"),
        ({"bucketed_by": ("a", "b")}, "it is bucketed by a, b, not by id"),
        ({"buckets": 0}, "it has no buckets; 4 would be right"),
        ({"sorted_by": ()}, "it is sorted within its buckets by nothing, not by id"),
    ],
)
def test_each_fact_has_its_complaint(changes: dict[str, Any], told: str) -> None:
    wishes = {"tables": {"laid": {"content": False, "facts": list(FACTS)}}}
    right = Answer(CatalogAnswer({}, {"laid": STATE}))
    assert judge(right, right, **wishes).equal
    wrong = Answer(CatalogAnswer({}, {"laid": TableState(**{**STATE.__dict__, **changes})}))
    assert told in judge(wrong, right, **wishes).message


@pytest.mark.parametrize(
    "spoilt",
    [
        "[]",
        '{"tables": {"laid": {}}, "facts": {}}',
        json.dumps({"tables": {"laid": {**STATE.__dict__, "buckets": "4"}}, "facts": {}}),
        json.dumps({"tables": {"laid": {**STATE.__dict__, "sorted_by": "id"}}, "facts": {}}),
    ],
)
def test_hostile_states_are_refused(spoilt: str, tmp_path: Path) -> None:
    (tmp_path / "catalog.json").write_text(spoilt)
    with pytest.raises(AnswerUnreadable, match=r"catalog\.json"):
        CHECK.load(tmp_path)


@pytest.mark.parametrize(
    ("catalog", "told"),
    [
        ({}, 'needs "tables"'),
        ({"tables": {}, "folder": []}, "unknown folder"),
        ({"tables": {"schema": {}}}, "cannot be a name"),
        ({"tables": {}, "folders": ["A"]}, "cannot be a name"),
        ({"tables": {"laid": {"facts": ["size"]}}}, '"facts" can be type'),
        ({"tables": {f"t{number}": {} for number in range(8)}}, "more than can be compared"),
    ],
)
def test_authors_are_told_what_is_wrong_with_their_options(catalog: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r"catalog=") as raised:
        Scenario.of({"catalog": catalog})
    assert told in str(raised.value)
