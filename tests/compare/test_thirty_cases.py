"""The cases on which DataFrame checkers are known to go wrong, each with real Spark frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from autograder.compare import AnswerUnreadable, Frame, FrameRules, compare_frames


@dataclass(frozen=True)
class Case:
    """Two queries, whether they are equal, and where the comparison stops and what it says if not."""

    name: str
    actual: str
    expected: str
    equal: bool
    stage: str = ""
    says: str = ""
    rules: FrameRules = field(default_factory=FrameRules)


def values(rows: str, names: str) -> str:
    return f"SELECT * FROM VALUES {rows} AS t({names})"


ONE_AND_A_BIT = "1.0D + 1e-9D"
CLOSE = FrameRules(relative_tolerance=2e-9)
NOISY_ONE = "double('100.00000000001')"
NOISY_TWO = "double('99.99999999999')"

CASES = [
    Case("row order", values("(1,'a'),(2,'b'),(3,'c')", "k,v"), values("(3,'c'),(1,'a'),(2,'b')", "k,v"), True),
    Case("column order", "SELECT 1 AS a, 'x' AS b", "SELECT 'x' AS b, 1 AS a", True),
    Case(
        "column order, asked for",
        "SELECT 1 AS a, 'x' AS b",
        "SELECT 'x' AS b, 1 AS a",
        False,
        "columns",
        "another order",
        FrameRules(column_order=True),
    ),
    Case("multiset", values("('a'),('a'),('b')", "v"), values("('a'),('b'),('b')", "v"), False, "rows", "there twice"),
    Case("extra duplicate", values("(1),(2),(2)", "v"), values("(1),(2)", "v"), False, "rows", "1 row is there twice"),
    Case("NaN and NaN", "SELECT double('NaN') AS d", "SELECT double('NaN') AS d", True),
    Case("NaN and 5.0", "SELECT double('NaN') AS d", "SELECT 5.0D AS d", False, "rows", "`d` is wrong in 1 of 1 row"),
    Case("5.0 and infinity", "SELECT 5.0D AS d", "SELECT double('Infinity') AS d", False, "rows", "`d`"),
    Case(
        "infinity and -infinity",
        "SELECT double('Infinity') AS d",
        "SELECT double('-Infinity') AS d",
        False,
        "rows",
        "`d` is wrong",
    ),
    Case(
        "NaN and null", "SELECT double('NaN') AS d", "SELECT CAST(NULL AS DOUBLE) AS d", False, "rows", "`d` is wrong"
    ),
    Case(
        "NaN and null, asked for",
        "SELECT double('NaN') AS d",
        "SELECT CAST(NULL AS DOUBLE) AS d",
        True,
        rules=FrameRules(nan_equals_null=True),
    ),
    Case("-0.0 and 0.0", "SELECT -0.0D AS d", "SELECT 0.0D AS d", True),
    Case("1.0 and 1.0+1e-9", "SELECT 1.0D AS d", f"SELECT {ONE_AND_A_BIT} AS d", True, rules=CLOSE),
    Case(
        "the same in an array",
        "SELECT array(1.0D, 2.0D) AS d",
        f"SELECT array({ONE_AND_A_BIT}, 2.0D) AS d",
        True,
        rules=CLOSE,
    ),
    Case(
        "the same in a struct",
        "SELECT named_struct('x', 1.0D) AS d",
        f"SELECT named_struct('x', {ONE_AND_A_BIT}) AS d",
        True,
        rules=CLOSE,
    ),
    Case(
        "the same in a map", "SELECT map('x', 1.0D) AS d", f"SELECT map('x', {ONE_AND_A_BIT}) AS d", True, rules=CLOSE
    ),
    Case(
        "too far in an array",
        "SELECT array(1.0D, 2.0D) AS d",
        "SELECT array(1.00001D, 2.0D) AS d",
        False,
        "rows",
        "`d` is wrong",
    ),
    Case("NaN in an array", "SELECT array(double('NaN'), 1D) AS d", "SELECT array(double('NaN'), 1D) AS d", True),
    Case(
        "within tolerance, but sorted differently as text",
        values(f"('a', {NOISY_ONE}, 1D), ('a', {NOISY_TWO}, 2D)", "k,x,y"),
        values(f"('a', {NOISY_TWO}, 1D), ('a', {NOISY_ONE}, 2D)", "k,x,y"),
        True,
    ),
    Case("map in another order", "SELECT map('a', 1, 'b', 2) AS m", "SELECT map('b', 2, 'a', 1) AS m", True),
    Case("map with another value", "SELECT map('a', 1) AS m", "SELECT map('a', 2) AS m", False, "rows", "`m` is wrong"),
    Case(
        "map value int and bigint",
        "SELECT map('a', 1) AS m",
        "SELECT map('a', 1L) AS m",
        False,
        "types",
        "`m` is MAP<STRING, INT>, expected MAP<STRING, BIGINT>",
    ),
    Case(
        "decimal scale",
        "SELECT CAST(1.0 AS DECIMAL(10,1)) AS d",
        "SELECT CAST(1.00 AS DECIMAL(10,2)) AS d",
        False,
        "types",
        "`d` is DECIMAL(10,1), expected DECIMAL(10,2)",
    ),
    Case("int and bigint", "SELECT 1 AS n", "SELECT 1L AS n", False, "types", "`n` is INT, expected BIGINT"),
    Case("nullable", "SELECT 1 AS n", values("(1),(NULL)", "n") + " WHERE n IS NOT NULL", True),
    Case("empty and empty", "SELECT 1 AS n WHERE false", "SELECT 2 AS n WHERE false", True),
    Case("empty and not", "SELECT 1 AS n WHERE false", "SELECT 2 AS n", False, "rows", "All rows are missing"),
    Case(
        "null struct and struct of nulls",
        "SELECT CAST(NULL AS STRUCT<x: INT>) AS s",
        "SELECT named_struct('x', CAST(NULL AS INT)) AS s",
        False,
        "rows",
        "`s` is wrong",
    ),
    Case(
        "timestamp and timestamp_ntz",
        "SELECT TIMESTAMP'2024-01-01 00:00:00' AS t",
        "SELECT TIMESTAMP_NTZ'2024-01-01 00:00:00' AS t",
        False,
        "types",
        "`t` is TIMESTAMP, expected TIMESTAMP_NTZ",
    ),
    Case("binary", "SELECT X'00ff' AS b", "SELECT X'00ff' AS b", True),
    Case("another binary", "SELECT X'00ff' AS b", "SELECT X'00fe' AS b", False, "rows", "`b` is wrong"),
    Case(
        "VARIANT in another key order",
        """SELECT parse_json('{"b": 1, "a": [1, null]}') AS v""",
        """SELECT parse_json('{"a": [1, null], "b": 1}') AS v""",
        True,
    ),
    Case(
        "another VARIANT, in an array",
        """SELECT array(NULL, parse_json('{"b": 1}')) AS v""",
        """SELECT array(NULL, parse_json('{"b": 2}')) AS v""",
        False,
        "rows",
        "`v` is wrong",
    ),
    Case("duplicate names, equal", "SELECT 1 AS x, 2 AS x", "SELECT 1 AS x, 2 AS x", True),
    Case("duplicate names", "SELECT 1 AS x, 2 AS x", "SELECT 2 AS x, 1 AS x", False, "rows", "`x` is wrong"),
    Case(
        "name there twice",
        "SELECT 1 AS x, 2 AS x",
        "SELECT 1 AS x",
        False,
        "columns",
        "Column `x` is there twice, expected once",
    ),
    Case("name in capitals", "SELECT 1 AS X", "SELECT 1 AS x", False, "columns", "Column `X` must be called `x`"),
    Case(
        "decimal money off by a cent",
        "SELECT CAST(1000000000.01 AS DECIMAL(18,2)) AS m",
        "SELECT CAST(1000000000.00 AS DECIMAL(18,2)) AS m",
        False,
        "rows",
        "`m` is wrong",
    ),
    Case("double off by 100", "SELECT 1000000100.0D AS d", "SELECT 1000000000.0D AS d", False, "rows", "`d` is wrong"),
    Case("extra field", "SELECT 1 AS a, 2 AS b", "SELECT 1 AS a", False, "columns", "Column `b` is not asked for"),
    Case("text columns with ANSI on", values("(1,'a'),(2,'b')", "k,v"), values("(2,'b'),(1,'a')", "k,v"), True),
    Case(
        "VARIANTs in a struct and a map",
        """SELECT named_struct('p', parse_json('{"b": 1, "a": 2}')) AS s, map('k',
        parse_json('{"d": 1, "c": 2}')) AS m""",
        """SELECT named_struct('p', parse_json('{"a": 2, "b": 1}')) AS s, map('k', parse_json('{"c": 2, "d": 1}')) AS
        m""",
        True,
    ),
    Case(
        "VARIANT null and null", "SELECT parse_json('null') AS v", "SELECT parse_json(NULL) AS v", False, "rows", "`v`"
    ),
    Case(
        "interval and collation",
        "SELECT INTERVAL '1-2' YEAR TO MONTH AS i, INTERVAL '3' DAY AS d, 'a' COLLATE UTF8_LCASE AS c",
        "SELECT INTERVAL '1-2' YEAR TO MONTH AS i, INTERVAL '3' DAY AS d, 'a' COLLATE UTF8_LCASE AS c",
        True,
    ),
    Case(
        "another collation",
        "SELECT 'a' AS c",
        "SELECT 'a' COLLATE UTF8_LCASE AS c",
        False,
        "types",
        "`c` is STRING, expected STRING COLLATE UTF8_LCASE",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_judged_as_a_grader_must(spark: SparkSession, case: Case) -> None:
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
    actual, expected = (Frame.from_spark(spark.sql(query)) for query in (case.actual, case.expected))
    difference = compare_frames(actual, expected, case.rules)
    assert difference.equal is case.equal, difference
    assert difference.stage == case.stage
    assert case.says in difference.message
    assert compare_frames(expected, actual, case.rules).equal is case.equal


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_judged_the_same_after_a_file(spark: SparkSession, case: Case, tmp_path: Path) -> None:
    frames = [Frame.from_spark(spark.sql(query)) for query in (case.actual, case.expected)]
    read = []
    for number, frame in enumerate(frames):
        path = tmp_path / f"{number}.parquet"
        frame.write(path)
        read.append(Frame.read(path))
        assert (read[number].schema, read[number].columns) == (frame.schema, frame.columns)
        assert read[number].table.schema == frame.table.schema
        assert compare_frames(read[number], frame, FrameRules(ordered=True, column_order=True)).equal
    assert compare_frames(read[0], read[1], case.rules) == compare_frames(frames[0], frames[1], case.rules)


def test_a_frame_is_executed_once(spark: SparkSession) -> None:
    counter = spark.sparkContext.accumulator(0)

    def count(rows: Iterable[tuple[int]]) -> Iterable[tuple[int]]:
        for row in rows:
            counter.add(1)
            yield row

    frame = spark.createDataFrame(spark.sparkContext.parallelize([(1,), (2,), (3,)]).mapPartitions(count), "n INT")
    assert Frame.from_spark(frame).rows == 3
    assert counter.value == 3


def test_timestamps_do_not_depend_on_the_session_time_zone(spark: SparkSession) -> None:
    query = "SELECT timestamp_seconds(1700000000) AS t"
    utc = Frame.from_spark(spark.sql(query))
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        assert Frame.from_spark(spark.sql(query)).table.equals(utc.table)
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


def test_machine_learning_vectors_are_compared_with_tolerance(spark: SparkSession) -> None:
    from pyspark.ml.linalg import Vectors

    def frame(value: float) -> Frame:
        return Frame.from_spark(spark.createDataFrame([(1, Vectors.dense(value, 2.0))], ["k", "v"]))

    assert compare_frames(frame(1.0), frame(1.0 + 1e-12)).equal
    assert compare_frames(frame(1.0), frame(1.1)).wrong == ("`v` is wrong in 1 of 1 row",)


def test_a_null_struct_whose_fields_are_declared_not_null_is_captured(spark: SparkSession) -> None:
    inner = F.struct(F.lit(1).alias("a"), F.array(F.lit(2)).alias("b"))
    frame = spark.range(4).select("id", F.when(F.col("id") > 1, F.struct(inner.alias("inner"))).alias("s"))
    assert not frame.schema["s"].dataType["inner"].nullable
    rows = Frame.from_spark(frame).table.to_pylist()
    assert rows[0] == {"id": 0, "s": None}
    assert rows[3] == {"id": 3, "s": {"inner": {"a": 1, "b": [2]}}}


def test_an_arrow_column_of_another_type_than_its_schema_says_is_told_to_its_author(spark: SparkSession) -> None:
    def as_bigint(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pydict({"rows": pa.array([batch.num_rows], pa.int64())})

    with pytest.raises(AnswerUnreadable, match="another type than its schema says"):
        Frame.from_spark(spark.range(3).mapInArrow(as_bigint, "rows INT"))
