"""Judging an author's answers: what a verdict says, and that one answer leaves nothing behind for the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from autograder.authoring import answers, answers_table, source
from autograder.authoring.source import Source, SourceError
from autograder.models import ExerciseSpec, Status, Verdict
from autograder.runtime import judge
from autograder.runtime.cases import Case

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def item(new_course: Path) -> Source:
    """The notebook of a new course, whose exercise 2.1.1 asks for `order_id` and `channel` of `orders`."""
    return source.read(source.find(new_course / "solutions")[0])


def test_a_shortcut_through_the_sample_is_told_with_the_hidden_data(item: Source, new_course: Path) -> None:
    code = 'def channels(orders):\n    return orders.select("order_id", "channel").na.drop()'
    verdict = answers.judge_code(item, "2.1.1", code, root=new_course)
    assert verdict.status is Status.FAILED
    assert verdict.message.startswith(
        "Right on the sample data, but not on hidden data: orders whose channel is not known. "
    )
    assert verdict.examples is None
    assert verdict.points == 0.0


def test_judging_stops_at_the_first_failure_unless_told_otherwise(item: Source, new_course: Path) -> None:
    code = 'def channels(orders):\n    return orders.select("order_id")'
    stopped = answers.judge_cases(item, "2.1.1", code, root=new_course)
    assert [case.name for case, _ in stopped] == ["sample"]
    complete = answers.judge_cases(item, "2.1.1", code, root=new_course, goes_on=lambda case, verdict: True)
    assert [case.name for case, _ in complete] == ["sample", "unknown channel", "no orders"]


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("1 / 0", Status.ERROR, "ZeroDivisionError"),
        ("def channels(:", Status.ERROR, "SyntaxError"),
        ("def other(orders):\n    return orders", Status.NOT_ATTEMPTED, "There is no function `channels`"),
        ("def channels(order):\n    return order", Status.FAILED, "must take the parameters (orders)"),
        ("def channels(orders):\n    return orders.collect()", Status.FAILED, "a list of rows"),
    ],
)
def test_broken_answers_get_a_verdict(item: Source, new_course: Path, code: str, status: Status, message: str) -> None:
    verdict = answers.judge_code(item, "2.1.1", code, root=new_course)
    assert verdict.status is status
    assert message in verdict.message


def test_one_answer_leaves_nothing_behind_for_the_next(item: Source, new_course: Path, spark: SparkSession) -> None:
    before = dict(spark.conf.getAll)
    code = """def channels(orders):
    orders.sparkSession.conf.set("spark.sql.ansi.enabled", "false")
    orders.sparkSession.conf.set("spark.made.up", "1")
    orders.cache().count()
    return orders.select("order_id", "channel")"""
    assert answers.judge_code(item, "2.1.1", code, root=new_course).status is Status.PASSED
    assert dict(spark.conf.getAll) == before
    assert SparkSession.builder.getOrCreate() is spark
    looking = """def channels(orders):
    conf = orders.sparkSession.conf
    left = [conf.get("spark.sql.ansi.enabled"), conf.get("spark.made.up", "unset"), str(orders.storageLevel.useMemory)]
    raise ValueError(" ".join(left))"""
    verdict = answers.judge_code(item, "2.1.1", looking, root=new_course)
    assert "true unset False" in verdict.message


OBSERVING = """def channels(orders):
    from pyspark.sql import Observation, functions as F
    return orders.observe(Observation(), F.count("*").alias("rows")).select("order_id", "channel")
"""
FITTING = """def channels(orders):
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    rows = orders.selectExpr("order_id % 2 AS label", "CAST(order_id AS DOUBLE) AS size")
    rows = VectorAssembler(inputCols=["size"], outputCol="features").transform(rows)
    LogisticRegression(maxIter=1).fit(rows).transform(rows).toArrow()
    return orders.select("order_id", "channel")
"""


def test_what_cannot_be_undone_in_a_session_stays_in_that_of_the_notebook(item: Source, new_course: Path) -> None:
    """Spark 4.1 applies no freshly fitted model in a session that has used `observe`."""
    assert answers.judge_code(item, "2.1.1", OBSERVING, root=new_course).status is Status.PASSED
    spoilt = answers.judge_code(item, "2.1.1", FITTING, root=new_course)
    assert spoilt.status is Status.ERROR
    assert "ObservationManager" in spoilt.message
    assert "Save the model and load it" in spoilt.message
    another = replace(item, path=item.path.with_name("2.2_another.py"))
    assert answers.judge_code(another, "2.1.1", FITTING, root=new_course).status is Status.PASSED


def test_the_table_counts_answers_that_are_not_as_they_say(new_course: Path, spoilt: Path) -> None:
    path = source.find(spoilt / "solutions")[0]
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('wrong="2.1.1" because="on hidden data"', 'wrong="2.1.1" because="rank"'), encoding="utf-8"
    )
    _, unexpected = answers_table.table(source.read(path), spoilt)
    assert unexpected == 1
    _, unexpected = answers_table.table(source.read(source.find(new_course / "solutions")[0]), new_course)
    assert unexpected == 0


def test_what_has_not_been_built_is_said(item: Source, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"2\.1\.1 is not in the manifest; run `course build 2\.1`"):
        answers.judge_code(item, "2.1.1", "", root=tmp_path)


SPEC = ExerciseSpec("9.9.1", "title", "value", 2.0)


def verdict(status: Status, points: float = 0.0) -> Verdict:
    """A verdict on one case."""
    return Verdict(
        "9.9.1", status, f"It is {status}.", trace="frames of the hidden call", points=points, max_points=2.0
    )


PASSED = verdict(Status.PASSED, 2.0)


@pytest.mark.parametrize(
    ("judged", "status", "points"),
    [
        ([PASSED, PASSED, PASSED], Status.PASSED, 2.0),
        ([verdict(Status.FAILED), PASSED], Status.FAILED, 0.0),
        ([PASSED, verdict(Status.FAILED), verdict(Status.TIMEOUT)], Status.FAILED, 0.0),
        ([PASSED, verdict(Status.TIMEOUT)], Status.TIMEOUT, 0.0),
        ([PASSED, verdict(Status.NOT_ATTEMPTED)], Status.FAILED, 0.0),
        ([verdict(Status.NOT_ATTEMPTED)], Status.NOT_ATTEMPTED, 0.0),
        ([verdict(Status.PARTIAL, 1.5), verdict(Status.PARTIAL, 0.5)], Status.PARTIAL, 0.5),
        ([PASSED, verdict(Status.PARTIAL, 1.5)], Status.PARTIAL, 1.5),
        ([verdict(Status.PARTIAL, 1.5), verdict(Status.FAILED)], Status.FAILED, 0.0),
        ([verdict(Status.PARTIAL, 1.5), verdict(Status.GRADER_ERROR)], Status.GRADER_ERROR, 0.0),
        ([PASSED, verdict(Status.GRADER_ERROR)], Status.GRADER_ERROR, 0.0),
        ([verdict(Status.FAILED), verdict(Status.GRADER_ERROR)], Status.FAILED, 0.0),
        ([], Status.GRADER_ERROR, 0.0),
    ],
)
def test_the_first_case_that_is_not_passed_decides(judged: list[Verdict], status: Status, points: float) -> None:
    names = ["sample", "ties", "nulls"]
    cases = [(Case(name, f"data with {name}"), found) for name, found in zip(names, judged, strict=False)]
    found = judge.combined(SPEC, cases)
    assert (found.status, found.points) == (status, points)


def test_only_hidden_cases_hide_their_trace() -> None:
    on_sample = judge.combined(SPEC, [(Case(), verdict(Status.ERROR))])
    assert (on_sample.message, on_sample.trace) == ("It is error.", "frames of the hidden call")
    hidden = judge.combined(SPEC, [(Case(), PASSED), (Case("ties", "two orders at once"), verdict(Status.ERROR))])
    assert hidden.message == "Right on the sample data, but not on hidden data: two orders at once. It is error."
    assert (hidden.trace, hidden.status) == ("", Status.ERROR)
