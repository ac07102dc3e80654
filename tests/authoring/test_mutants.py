"""Mutants: every operator from source to mutated sources, what is declared equivalent, and a sample of the course's own mutants.

`course mutants` judges all mutants of all exercises, which takes too long for every run. What it found is kept with a digest
(`autograder.authoring.mutants.kept`) and holds as long as that does. Here one exercise of each notebook, and every exercise that has
changed since, has one mutant judged, chosen by a hash of its code, and each notebook one of those that are declared equivalent (they
pass everywhere, so each takes every case).
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.authoring import answers, hidden, notebooks, source
from autograder.authoring.mutants import equivalents, judging, kept, making, table
from autograder.authoring.mutants.judging import Fate
from autograder.authoring.mutants.making import Mutant
from autograder.authoring.mutants.operators import OPERATORS
from autograder.authoring.source import Source, SourceError
from autograder.commands.mutants import command
from autograder.models import Status

SOURCES = [item for item in source.read_all() if item.exercises]
SLOW_MODULES = ("5.", "6.")
"""Streams and models take many seconds for each mutant: only `course mutants` judges theirs, not every run of the tests."""

EXERCISES = [pytest.param(item, exercise, id=exercise) for item in SOURCES for exercise in item.exercises]
SAMPLE = 1
SHOWN = {
    item.number: max({entry.exercise for entry in equivalents.declared(item)}, default=item.exercises[0])
    for item in SOURCES
    if item.exercises
}
"""For each notebook the exercise that always has a mutant judged, and one that is declared equivalent if it has any."""

EXAMPLES: list[tuple[str, str, list[str]]] = [
    ("aggregate", "F.sum('x')", ["F.avg('x')", "F.max('x')"]),
    ("aggregate", "F.count('*')", []),
    ("aggregate", "F.countDistinct('x')", ["F.count('x')"]),
    ("aggregate", "a.groupBy('k').sum('x')", ["a.groupBy('k').avg('x')", "a.groupBy('k').max('x')"]),
    ("aggregate", "max(x)", ["min(x)"]),
    ("aggregate", "a.count()", []),
    ("border", "F.col('a') < 3", ["F.col('a') <= 3"]),
    ("border", "F.col('a') >= 3", ["F.col('a') > 3"]),
    ("opposite", "F.col('a') == 3", ["F.col('a') != 3"]),
    ("opposite", "a > 3", ["a <= 3"]),
    ("opposite", "x in y", ["x not in y"]),
    ("opposite", "x is None", ["x is not None"]),
    ("and or", "a & b", ["a | b"]),
    ("and or", "a and b", ["a or b"]),
    ("drop condition", "a | b", ["a", "b"]),
    ("drop condition", "a and b and c", ["b and c", "a and c", "a and b"]),
    ("drop condition", "[x for x in y if x]", ["[x for x in y]"]),
    ("drop condition", "a if b else c", ["a", "c"]),
    ("question", "a.isEmpty()", ["True", "False"]),
    ("question", "F.col('a').isNull()", []),
    ("drop not", "~a", ["a"]),
    ("drop not", "not a", ["a"]),
    ("metric", "RegressionEvaluator(metricName='rmse')", ["RegressionEvaluator(metricName='mae')"]),
    (
        "split leakage",
        "train, test = data.randomSplit([0.8, 0.2])\nmodel = pipeline.fit(train)",
        ["train, test = data.randomSplit([0.8, 0.2])\nmodel = pipeline.fit(data)"],
    ),
    ("split leakage", "early = data.filter(old)\nmodel.fit(early)", ["early = data.filter(old)\nmodel.fit(data)"]),
    ("split leakage", "model.fit(data)", []),
    ("null-safe equality", "F.col('a').eqNullSafe(b)", ["F.col('a') == b"]),
    ("null-safe equality", "F.col('a') == b", ["F.col('a').eqNullSafe(b)"]),
    ("null-safe equality", "a == b", []),
    ("is null", "F.col('a').isNull()", ["F.col('a').isNotNull()"]),
    ("is null", "F.isnotnull('a')", ["F.isnull('a')"]),
    ("drop coalesce", "F.coalesce('a', b)", ["b", "F.col('a')"]),
    ("drop coalesce", "F.coalesce(a, b, c)", ["F.coalesce(b, c)", "F.coalesce(a, c)", "F.coalesce(a, b)"]),
    ("drop filling", "a.na.fill(0)", ["a"]),
    ("drop filling", "a.fillna(0)", ["a"]),
    ("drop filling", "a.na.drop(how='all')", ["a", "a.na.drop(how='any')"]),
    (
        "drop branch",
        "F.when(a, 1).when(b, 2).otherwise(3)",
        ["F.when(a, 1).when(b, 2)", "F.when(a, 1).otherwise(3)", "F.when(b, 2).otherwise(3)"],
    ),
    (
        "join type",
        "a.join(b, 'k', 'left_outer')",
        [
            "a.join(b, 'k', 'inner')",
            "a.join(b, 'k', 'right')",
            "a.join(b, 'k', 'full')",
            "a.join(b, 'k', 'left_semi')",
            "a.join(b, 'k', 'left_anti')",
        ],
    ),
    (
        "join type",
        "a.join(b, on='k')",
        [
            "a.join(b, on='k', how='left')",
            "a.join(b, on='k', how='right')",
            "a.join(b, on='k', how='full')",
            "a.join(b, on='k', how='left_semi')",
            "a.join(b, on='k', how='left_anti')",
        ],
    ),
    (
        "join type",
        "a.join(b, 'k', how='inner')",
        [
            "a.join(b, 'k', how='left')",
            "a.join(b, 'k', how='right')",
            "a.join(b, 'k', how='full')",
            "a.join(b, 'k', how='left_semi')",
            "a.join(b, 'k', how='left_anti')",
        ],
    ),
    ("join type", "', '.join(names)", []),
    ("drop key", "a.join(b, ['k', 'm'])", ["a.join(b, ['m'])", "a.join(b, ['k'])"]),
    ("drop key", "a.groupBy('k', 'm')", ["a.groupBy('m')", "a.groupBy('k')"]),
    ("drop key", "a.dropDuplicates(['k', 'm'])", ["a.dropDuplicates(['m'])", "a.dropDuplicates(['k'])"]),
    ("drop key", "a.repartition(8, 'k')", ["a.repartition('k')", "a.repartition(8)"]),
    ("drop key", "a.groupBy('k')", []),
    ("drop distinct", "a.distinct()", ["a"]),
    ("drop distinct", "a.dropDuplicates(['k'])", ["a", "a.dropDuplicates()"]),
    ("other relation", "a.union(b)", ["a.unionByName(b)"]),
    ("other relation", "a.rollup('k')", ["a.cube('k')", "a.groupBy('k')"]),
    ("other relation", "a.subtract(b)", ["a.exceptAll(b)"]),
    ("other relation", "a.coalesce(1)", ["a.repartition(1)"]),
    ("explode", "F.explode('x')", ["F.explode_outer('x')"]),
    ("explode", "F.posexplode_outer('x')", ["F.posexplode('x')"]),
    ("storage level", "a.persist(StorageLevel.MEMORY_ONLY)", ["a.persist(StorageLevel.MEMORY_AND_DISK)"]),
    ("sort direction", "F.desc('x')", ["F.asc('x')"]),
    ("sort direction", "F.col('x').asc_nulls_last()", ["F.col('x').desc_nulls_last()"]),
    (
        "sort direction",
        "a.orderBy('x', 'y')",
        ["a.orderBy('x', 'y', ascending=[False, True])", "a.orderBy('x', 'y', ascending=[True, False])"],
    ),
    ("nulls first", "F.desc('x')", ["F.desc_nulls_first('x')"]),
    ("nulls first", "F.asc_nulls_last('x')", ["F.asc_nulls_first('x')"]),
    ("drop sort", "a.orderBy('x').limit(3)", ["a.limit(3)"]),
    ("rank", "F.rank().over(w)", ["F.dense_rank().over(w)", "F.row_number().over(w)"]),
    ("rank", "F.lag('x')", ["F.lead('x')"]),
    (
        "window frame",
        "Window.orderBy('x').rowsBetween(Window.unboundedPreceding, 0)",
        [
            "Window.orderBy('x').rangeBetween(Window.unboundedPreceding, 0)",
            "Window.orderBy('x').rowsBetween(Window.currentRow, 0)",
        ],
    ),
    ("number", "a.limit(3)", ["a.limit(4)", "a.limit(2)"]),
    ("number", "x = 0.9", ["x = 1.0", "x = 0.8"]),
    ("number", "x = True", []),
    ("number", "-1", ["-2", "-0"]),
    ("sign", "-a", ["a"]),
    ("text", "F.lit('x')", ["F.lit('x~')"]),
    ("text", "a.select('x', F.trim('y').alias('z'))", ["a.select('x', F.trim('y').alias('z~'))"]),
    ("text", "F.lit(', ')", ["F.lit(', ~')", "F.lit('')"]),
    ("text", "F.lit('')", ["F.lit('~')"]),
    ("truth", "F.mode('x', True)", ["F.mode('x', False)"]),
    ("arithmetic", "a + b", ["a - b"]),
    ("arithmetic", "a / b", ["a * b"]),
    ("cast type", "a.cast('int')", ["a.cast('bigint')"]),
    ("cast type", "a.try_cast('decimal(12,2)')", ["a.try_cast('decimal(12,1)')", "a.try_cast('double')"]),
    ("strict cast", "a.try_cast('int')", ["a.cast('int')"]),
    ("strict cast", "F.try_divide(a, b)", ["F.divide(a, b)"]),
    ("date part", "F.year('x')", ["F.month('x')"]),
    ("date part", "F.date_trunc('MONTH', 'x')", ["F.date_trunc('YEAR', 'x')"]),
    ("SQL border", "spark.sql('SELECT a FROM t WHERE a < 3')", ["spark.sql('SELECT a FROM t WHERE a <= 3')"]),
    (
        "SQL opposite",
        "spark.sql('SELECT a FROM t WHERE a = 3 AND b IS NOT NULL')",
        [
            "spark.sql('SELECT a FROM t WHERE a <> 3 AND b IS NOT NULL')",
            "spark.sql('SELECT a FROM t WHERE a = 3 AND b IS  NULL')",
        ],
    ),
    (
        "SQL opposite",
        "spark.sql('SELECT a FROM t WHERE a IN (1)')",
        ["spark.sql('SELECT a FROM t WHERE a NOT IN (1)')"],
    ),
    ("SQL opposite", "spark.sql('SELECT CAST(a AS ARRAY<INT>) FROM t')", []),
    ("SQL null-safe equality", "a.filter('a <=> b')", ["a.filter('a = b')"]),
    (
        "SQL null-safe equality",
        "spark.sql('SELECT a FROM t JOIN u ON t.k = u.k')",
        ["spark.sql('SELECT a FROM t JOIN u ON t.k <=> u.k')"],
    ),
    (
        "SQL and or",
        "a.filter('a BETWEEN 1 AND 2 AND b OR c')",
        ["a.filter('a BETWEEN 1 AND 2 OR b OR c')", "a.filter('a BETWEEN 1 AND 2 AND b AND c')"],
    ),
    ("SQL drop condition", "a.filter('a > 0 AND b > 0')", ["a.filter('true AND b > 0')", "a.filter('a > 0 AND true')"]),
    (
        "SQL drop condition",
        "spark.sql('SELECT a FROM t WHERE a BETWEEN 1 AND 2 GROUP BY a HAVING b OR c')",
        [
            "spark.sql('SELECT a FROM t WHERE true GROUP BY a HAVING b OR c')",
            "spark.sql('SELECT a FROM t WHERE a BETWEEN 1 AND 2 GROUP BY a HAVING false OR c')",
            "spark.sql('SELECT a FROM t WHERE a BETWEEN 1 AND 2 GROUP BY a HAVING b OR false')",
        ],
    ),
    (
        "SQL join type",
        "spark.sql('SELECT * FROM t LEFT JOIN u ON c')",
        [
            "spark.sql('SELECT * FROM t JOIN u ON c')",
            "spark.sql('SELECT * FROM t RIGHT JOIN u ON c')",
            "spark.sql('SELECT * FROM t FULL JOIN u ON c')",
            "spark.sql('SELECT * FROM t LEFT SEMI JOIN u ON c')",
            "spark.sql('SELECT * FROM t LEFT ANTI JOIN u ON c')",
        ],
    ),
    (
        "SQL distinct",
        "spark.sql('SELECT DISTINCT a FROM t UNION ALL SELECT count(b) FROM u')",
        [
            "spark.sql('SELECT  a FROM t UNION ALL SELECT count(b) FROM u')",
            "spark.sql('SELECT DISTINCT a FROM t UNION SELECT count(b) FROM u')",
            "spark.sql('SELECT DISTINCT a FROM t UNION ALL SELECT count(DISTINCT b) FROM u')",
        ],
    ),
    ("SQL function", "F.expr('sum(x)')", ["F.expr('avg(x)')"]),
    ("SQL function", "F.expr('year(d)')", ["F.expr('month(d)')"]),
    ("SQL function", "F.expr('try_divide(a, b)')", ["F.expr('divide(a, b)')"]),
    ("SQL drop function", "F.expr('coalesce(a, 0)')", ["F.expr('a')"]),
    ("SQL drop function", "F.expr('sum(a)')", []),
    ("SQL swap arguments", "F.expr('nullif(a, b + 1)')", ["F.expr('nullif(b + 1, a)')"]),
    ("SQL swap arguments", "F.expr('a - b')", ["F.expr('b - a')"]),
    (
        "SQL swap names",
        "spark.sql('SELECT min(a) AS low, max(a) AS high FROM t AS u')",
        ["spark.sql('SELECT min(a) AS high, max(a) AS low FROM t AS u')"],
    ),
    (
        "SQL sort",
        "spark.sql('SELECT a FROM t ORDER BY a DESC NULLS LAST, b LIMIT 3')",
        [
            "spark.sql('SELECT a FROM t  LIMIT 3')",
            "spark.sql('SELECT a FROM t ORDER BY a ASC NULLS LAST, b LIMIT 3')",
            "spark.sql('SELECT a FROM t ORDER BY b LIMIT 3')",
            "spark.sql('SELECT a FROM t ORDER BY a DESC NULLS LAST, b DESC LIMIT 3')",
            "spark.sql('SELECT a FROM t ORDER BY a DESC NULLS LAST LIMIT 3')",
            "spark.sql('SELECT a FROM t ORDER BY a DESC NULLS FIRST, b LIMIT 3')",
        ],
    ),
    (
        "SQL window frame",
        "F.expr('sum(x) OVER (PARTITION BY k ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)')",
        [
            "F.expr('sum(x) OVER ( ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)')",
            "F.expr('sum(x) OVER (PARTITION BY k ORDER BY d RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)')",
            "F.expr('sum(x) OVER (PARTITION BY k ORDER BY d ROWS BETWEEN CURRENT ROW AND CURRENT ROW)')",
            "F.expr('sum(x) OVER (PARTITION BY k ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)')",
        ],
    ),
    (
        "SQL group key",
        "spark.sql('SELECT a FROM t GROUP BY a, b')",
        ["spark.sql('SELECT a FROM t GROUP BY b')", "spark.sql('SELECT a FROM t GROUP BY a')"],
    ),
    (
        "SQL drop branch",
        "F.expr('CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END')",
        [
            "F.expr('CASE  WHEN b THEN 2 ELSE 3 END')",
            "F.expr('CASE WHEN a THEN 1  ELSE 3 END')",
            "F.expr('CASE WHEN a THEN 1 WHEN b THEN 2  END')",
        ],
    ),
    (
        "SQL drop step",
        "spark.sql('FROM t |> WHERE a |> LIMIT 3')",
        ["spark.sql('FROM t  |> LIMIT 3')", "spark.sql('FROM t |> WHERE a ')"],
    ),
    ("SQL drop step", "a.filter('n COLLATE UTF8_LCASE = x')", ["a.filter('n  = x')"]),
    (
        "SQL drop step",
        "spark.sql('BEGIN DECLARE n INT; SET n = 1; SELECT n; END')",
        ["spark.sql('BEGIN DECLARE n INT; SELECT 1; SELECT n; END')"],
    ),
    ("SQL number", "a.filter('a > 10')", ["a.filter('a > 11')", "a.filter('a > 9')"]),
    (
        "SQL number",
        "spark.sql('SELECT CAST(a * 0.5 AS DECIMAL(12,2)) FROM t')",
        [
            "spark.sql('SELECT CAST(a * 0.6 AS DECIMAL(12,2)) FROM t')",
            "spark.sql('SELECT CAST(a * 0.4 AS DECIMAL(12,2)) FROM t')",
        ],
    ),
    ("SQL text", "a.filter(\"a > 'x'\")", ["a.filter(\"a > 'x~'\")", "a.filter(\"a > ''\")"]),
    (
        "SQL day",
        "a.filter(\"a > DATE '2025-01-01'\")",
        [
            "a.filter(\"a > (DATE '2025-01-01' + INTERVAL 1 YEAR)\")",
            "a.filter(\"a > (DATE '2025-01-01' + INTERVAL 1 DAY)\")",
        ],
    ),
    ("SQL arithmetic", "F.expr('a * b - 1')", ["F.expr('a / b - 1')", "F.expr('a * b + 1')"]),
    ("SQL arithmetic", "spark.sql('SELECT * FROM t WHERE count(*) > 3')", []),
    ("SQL type", "F.expr('CAST(a AS INT)')", ["F.expr('CAST(a AS BIGINT)')"]),
    (
        "SQL type",
        "F.from_json('x', 'a STRING, b DECIMAL(8,2)')",
        [
            "F.from_json('x', 'a BINARY, b DECIMAL(8,2)')",
            "F.from_json('x', 'a STRING, b DECIMAL(8,1)')",
            "F.from_json('x', 'a STRING, b DOUBLE')",
        ],
    ),
    ("SQL type", "a.filter(\"a > DATE '2025-01-01'\")", []),
    ("drop filter", "a.filter(b).select('x')", ["a.select('x')"]),
    ("drop filter", "a.where(b)", ["a"]),
    ("drop call", "a.limit(3).select('x')", ["a.limit(3)", "a.select('x')"]),
    ("drop call", "Window.partitionBy('x')", []),
    ("drop call", "spark.table('x')", []),
    ("drop call", "a.withWatermark('t', '1 hour')", ["a"]),
    ("drop function", "F.trim('x')", ["F.col('x')"]),
    ("drop function", "F.lower(F.col('x'))", ["F.col('x')"]),
    ("drop function", "F.sum('x')", []),
    ("drop function", "F.regexp_replace('x', 'a', 'b')", ["F.col('x')"]),
    ("drop option", "a.sample(0.5, seed=3)", ["a.sample(0.5)"]),
    ("drop statement", "a.cache()\nb = a.count()", ["pass\nb = a.count()"]),
    ("swap arguments", "F.nullif(a, b)", ["F.nullif(b, a)"]),
    ("swap arguments", "a.select('x', 'y')", []),
    ("swap arguments", "a - b", ["b - a"]),
    ("swap arguments", "a + b", []),
    (
        "swap names",
        "a.agg(F.min('x').alias('low'), F.max('x').alias('high'))",
        ["a.agg(F.min('x').alias('high'), F.max('x').alias('low'))"],
    ),
    (
        "column",
        "a.select(F.col('x'), F.trim('y'))",
        ["a.select(F.col('y'), F.trim('y'))", "a.select(F.col('x'), F.trim('x'))"],
    ),
    (
        "interval",
        "a.withWatermark('t', '10 minutes')",
        ["a.withWatermark('t', '100 minutes')", "a.withWatermark('t', '0 minutes')"],
    ),
    ("interval", "F.window('t', '1 hour')", ["F.window('t', '10 hours')", "F.window('t', '0 hours')"]),
    ("output mode", "w.outputMode('append')", ["w.outputMode('update')", "w.outputMode('complete')"]),
    (
        "output mode",
        "a.writeStream.start(outputMode='update')",
        ["a.writeStream.start(outputMode='append')", "a.writeStream.start(outputMode='complete')"],
    ),
    ("trigger", "w.trigger(availableNow=True)", ["w.trigger(once=True)", "w.trigger(processingTime='1 second')"]),
]


@pytest.mark.parametrize(("operator", "code", "expected"), EXAMPLES)
def test_an_operator_makes_these_mutants(operator: str, code: str, expected: list[str]) -> None:
    assert [mutant.code for mutant in making.mutants_of("9.9.9", code) if mutant.operator == operator] == expected


def test_every_operator_has_an_example_and_a_sentence() -> None:
    assert {operator for operator, _, expected in EXAMPLES if expected} == set(OPERATORS)
    assert all(operator.sentence.endswith((".", "…")) for operator in OPERATORS.values())


SOLUTION = """LIMIT = 3
def top(orders: "DataFrame", k: int = 5) -> "DataFrame":
    '''(order_id BIGINT), the first.'''
    given = 7
    ### BEGIN SOLUTION
    kept = orders.filter(F.col("amount") > 0)
    return kept.limit(1)
    ### END SOLUTION
"""


def test_only_what_stands_between_the_markers_is_mutated() -> None:
    for mutant in making.mutants_of("9.9.9", SOLUTION):
        lines = mutant.code.splitlines()
        assert lines[:4] == ast.unparse(ast.parse(SOLUTION)).splitlines()[:4], mutant.name
    assert len(making.mutants_of("9.9.9", SOLUTION)) > 5


def test_mutants_of_the_course_are_different_from_each_other_and_always_the_same() -> None:
    total = 0
    for item in SOURCES:
        for exercise in item.exercises:
            mutants = making.of_exercise(item, exercise)
            assert len({mutant.code for mutant in mutants}) == len(mutants)
            assert len({mutant.name for mutant in mutants}) == len(mutants)
            assert making.of_exercise(item, exercise) == mutants
            total += len(mutants)
    assert total > 900


def test_a_sample_is_chosen_by_what_the_mutants_are_and_not_by_how_many_there_are() -> None:
    mutants = making.mutants_of("9.9.9", SOLUTION)
    few, more = making.sampled(mutants, 3), making.sampled(mutants, 5)
    assert len(few) == 3
    assert set(few) < set(more) < set(making.sampled(mutants, None))
    assert making.sampled(mutants[::-1], 3) == few[::-1]


def test_a_name_survives_edits_of_other_lines_and_not_of_its_own() -> None:
    names = {mutant.name for mutant in making.mutants_of("9.9.9", SOLUTION)}
    assert {"number: 1 → 2", "border: F.col('amount') > 0 → F.col('amount') >= 0"} <= names
    other = SOLUTION.replace("    kept =", "    orders = orders.distinct()\n    kept =")
    assert names < {mutant.name for mutant in making.mutants_of("9.9.9", other)}
    own = {mutant.name for mutant in making.mutants_of("9.9.9", SOLUTION.replace("> 0", "> 9"))}
    assert "border: F.col('amount') > 0 → F.col('amount') >= 0" not in own


FILTER = 'orders.filter(F.col("order_id") > 0).select("order_id", "channel")'
DECLARED = """
# %% [markdown] equivalent="2.1.1" because="{because}"
# - {name}

# %% [markdown] hints="2.1.1"
"""


def with_filter(root: Path, declared: str = "", because: str = "numbers of orders begin with 1") -> Source:
    """The new course with a filter in its first solution that no data needs, and perhaps a declared mutant."""
    path = source.find(root / "solutions")[0]
    text = path.read_text(encoding="utf-8").replace(
        'return orders.select("order_id", "channel")\n    ###', f"return {FILTER}\n    ###"
    )
    if declared:
        text = text.replace('\n# %% [markdown] hints="2.1.1"\n', DECLARED.format(name=declared, because=because), 1)
    path.write_text(text, encoding="utf-8")
    return source.read(path)


@pytest.mark.usefixtures("spark")
def test_survivors_are_told_and_what_is_declared_must_survive(spoilt: Path) -> None:
    item = with_filter(spoilt, "drop filter: .filter(F.col('order_id') > 0)")
    found = judging.report(item, "2.1.1", root=spoilt)
    fates = {result.name: result.fate for result in found.results}
    assert fates["drop filter: .filter(F.col('order_id') > 0)"] is Fate.EQUIVALENT
    assert fates["border: F.col('order_id') > 0 → F.col('order_id') >= 0"] is Fate.SURVIVED
    assert fates["opposite: F.col('order_id') > 0 → F.col('order_id') <= 0"] is Fate.SAMPLE
    assert fates["wrong answer: 3 (on hidden data)"] is Fate.HIDDEN
    assert not found.problems
    assert [line for line in table.lines([found]) if "border" in line] == [
        "2.1.1: survived: border: F.col('order_id') > 0 → F.col('order_id') >= 0"
    ]
    killed = with_filter(spoilt, "opposite: F.col('order_id') > 0 → F.col('order_id') <= 0")
    problems = judging.report(killed, "2.1.1", root=spoilt, sample=1).problems
    assert problems == (
        "2.1.1: declared equivalent, but killed on the sample: opposite: F.col('order_id') > 0 → F.col('order_id') <= 0",
    )


@pytest.mark.usefixtures("spark")
def test_every_case_shows_what_each_variant_stops(spoilt: Path) -> None:
    item = source.read(source.find(spoilt / "solutions")[0])
    found = judging.report(item, "2.1.1", root=spoilt, every_case=True)
    by = {result.name: result.by for result in found.results}
    assert by["wrong answer: 3 (on hidden data)"] == ("unknown channel",)
    assert by["drop call: .select('order_id', 'channel')"] == ("sample", "unknown channel", "no orders")
    assert found.idle == ("no orders",)
    assert list(table.lines([found], complete=True)) == [
        "2.1.1: variant 'no orders' stopped nothing that the sample lets through"
    ]
    as_json = table.to_json([found])
    assert json.loads(json.dumps(as_json))["exercises"][0]["counts"]["survived"] == 0


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("code", "fate"),
    [
        ("def channels(orders):\n    while True: pass", Fate.TIMEOUT),
        ("def channels(orders:", Fate.RAISED),
        ("def channels(orders):\n    return orders.select('nothing')", Fate.RAISED),
        ("def channels(orders):\n    assert orders.count() == 0\n    return orders.select('order_id')", Fate.SAMPLE),
    ],
)
def test_raising_and_running_out_of_time_are_told_apart(new_course: Path, code: str, fate: Fate) -> None:
    item = source.read(source.find(new_course / "solutions")[0])
    mutant = Mutant("2.1.1", "by hand", "", code)
    deadline = 2.0 if fate is Fate.TIMEOUT else 60.0
    assert judging.judged(item, mutant, deadline=deadline, root=new_course).fate is fate


@pytest.mark.usefixtures("spark")
def test_nothing_is_judged_when_the_solution_itself_fails(spoilt: Path) -> None:
    path = source.find(spoilt / "solutions")[0]
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            'return orders.select("order_id", "channel")\n    ###', "return orders\n    ###"
        )
    )
    with pytest.raises(SourceError, match=r"2\.1\.1: the solution itself does not pass \(sample\)"):
        judging.report(source.read(path), "2.1.1", root=spoilt)


def test_declarations_are_in_no_notebook_and_are_searched_for(spoilt: Path) -> None:
    item = with_filter(spoilt, "drop filter: .filter(F.col('order_id') > 0)", "all numbers of orders begin with one")
    shown = notebooks.dump(notebooks.twin(item, None, None))
    assert "drop filter" not in shown
    assert "all numbers of orders" not in shown
    secrets = [secret.text for secret in hidden.secrets(item) if secret.kind == "equivalent mutant"]
    assert secrets == ["drop filter: .filter(F.col('order_id') > 0)", "all numbers of orders begin with one"]
    assert equivalents.declared(item, "2.1.1")[0].because == "all numbers of orders begin with one"


@pytest.mark.usefixtures("spark")
def test_sql_of_one_answer_leaves_nothing_behind_for_the_next(new_course: Path) -> None:
    item = source.read(source.find(new_course / "solutions")[0])
    makes = """def channels(orders):
    sql = orders.sparkSession.sql
    sql("CREATE OR REPLACE TEMPORARY VIEW mine AS SELECT order_id, channel FROM orders")
    sql("CREATE OR REPLACE TEMPORARY FUNCTION same(x STRING) RETURNS STRING RETURN x")
    sql("DECLARE OR REPLACE VARIABLE nothing STRING")
    return sql("SELECT order_id, same(coalesce(channel, nothing)) AS channel FROM mine")"""
    assert answers.judge_code(item, "2.1.1", makes, root=new_course).status is Status.PASSED
    for expression, table_name in (("channel", "mine"), ("same(channel)", "orders"), ("nothing", "orders")):
        uses = f"""def channels(orders):
    return orders.sparkSession.sql("SELECT order_id, {expression} AS channel FROM {table_name}")"""
        assert answers.judge_code(item, "2.1.1", uses, root=new_course).status is Status.ERROR, expression


def test_the_command_names_mutants_and_refuses_unknown_numbers() -> None:
    listed = CliRunner().invoke(command, ["--list", "1.1.3"])
    assert "1.1.3  drop not: ~agreed" in listed.output.splitlines()
    unknown = CliRunner().invoke(command, ["9.9"])
    assert unknown.exit_code == 1
    assert "There is no notebook or exercise 9.9 in solutions/." in unknown.output


@pytest.mark.usefixtures("spark")
def test_the_command_writes_every_result_as_json(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["0.1.1", "--json", str(tmp_path / "mutants.json")])
    assert result.exit_code == 0, result.output
    entry = json.loads((tmp_path / "mutants.json").read_text(encoding="utf-8"))["exercises"][0]
    assert entry["id"] == "0.1.1"
    assert {"fate": "killed on the sample", "name": "text: 'Hello, ' → ''"}.items() <= next(
        found for found in entry["results"] if found["name"] == "text: 'Hello, ' → ''"
    ).items()


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(("item", "exercise"), EXERCISES)
def test_no_mutant_of_the_course_survives(item: Source, exercise: str) -> None:
    # That solutions and wrong answers fare as they should is shown by test_course_answers.py.
    counts = kept.read()
    known = kept.holds(item, exercise, counts)
    if known:
        assert counts[exercise]["fates"]
        assert Fate.SURVIVED not in counts[exercise]["fates"]
    slow = item.number.startswith(SLOW_MODULES)
    if slow and not known:
        pytest.skip(f"nothing is kept about the mutants of {exercise} as it is now: `python benchmarks/mutants.py`")
    if slow or (known and SHOWN[item.number] != exercise):
        return
    declared = 1 if SHOWN[item.number] == exercise else 0
    found = judging.report(
        item, exercise, sample=SAMPLE, declared=declared, wrong_answers=False, proven=True, quick=True
    )
    assert list(table.lines([found])) == []
    assert found.results


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        (lambda cell: not cell.kind and cell.cell_type == "markdown", True),
        (lambda cell: cell.kind == "hints", True),
        (lambda cell: cell.kind == "answer" and cell.exercise == "1.1.2", True),
        (lambda cell: cell.kind == "answer" and cell.exercise == "1.1.1", False),
        (lambda cell: cell.kind == "check" and cell.exercise == "1.1.1", False),
        (lambda cell: bool(cell.metadata.get("setup")), False),
    ],
    ids=["text", "hints", "another solution", "solution", "check", "set-up"],
)
def test_what_was_counted_holds_until_what_it_depends_on_changes(
    change: Callable[[source.SourceCell], bool], holds: bool
) -> None:
    item = next(item for item in SOURCES if item.number == "1.1")
    counted = {"1.1.1": {"digest": kept.digest(item, "1.1.1")}}
    assert kept.current(item, counted) == ["1.1.1"]
    assert any(map(change, item.cells))  # there is something to change
    changed = [replace(cell, source=f"{cell.source}\nlater = 1 + 1") if change(cell) else cell for cell in item.cells]
    assert (kept.current(replace(item, cells=tuple(changed)), counted) == ["1.1.1"]) is holds


@pytest.mark.usefixtures("spark")
def test_a_data_source_of_one_answer_is_not_there_for_the_next(new_course: Path) -> None:
    item = source.read(source.find(new_course / "solutions")[0])
    registers = """def channels(orders):
    from pyspark.sql.datasource import DataSource
    class Empty(DataSource):
        @classmethod
        def name(cls):
            return "mine"
        def schema(self):
            return "order_id INT"
    orders.sparkSession.dataSource.register(Empty)
    orders.sparkSession.read.format("mine").load().schema
    return orders.select("order_id", "channel")"""
    assert answers.judge_code(item, "2.1.1", registers, root=new_course).status is Status.PASSED
    uses = """def channels(orders):
    orders.sparkSession.read.format("mine").load().schema
    return orders.select("order_id", "channel")"""
    assert answers.judge_code(item, "2.1.1", uses, root=new_course).status is Status.ERROR
