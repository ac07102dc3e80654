"""Figures as answers: what they show counts, not how they look or which library call made them."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import plotly.express as px
import plotly.graph_objects as go
from pyspark.sql import SparkSession

from autograder.checks import KINDS, Answer
from autograder.checks.base import Judgement
from autograder.checks.value import plain

DAYS = [dt.date(2025, 1, 1), dt.date(2025, 1, 2)]
LABELS = {"day": "day", "value": "rides (count)"}


def judged(actual: Any, expected: Any) -> Judgement:
    """The judgement on one figure against another."""
    check = KINDS["value"]
    return check.judge(Answer(plain(actual)), Answer(plain(expected)), {})


def drawn(**changes: Any) -> go.Figure:
    """A line named rides over two days."""
    line: dict[str, Any] = {"x": DAYS, "y": [3, 4], "name": "rides", **changes}
    return go.Figure([go.Scatter(**line)], go.Layout(title="Rides", xaxis_title="day", yaxis_title="rides (count)"))


def test_figures_of_spark_plotly_express_and_graph_objects_are_equal_when_they_show_the_same(
    spark: SparkSession,
) -> None:
    # In a session of its own: Spark's plots observe, and Spark 4.1 applies no fresh model where that was done.
    days = "VALUES (DATE '2025-01-01', 3), (DATE '2025-01-02', 4)"
    table = spark.newSession().sql(f"SELECT * FROM {days} AS rides (day, rides)")
    by_spark = table.orderBy("day").plot.line(x="day", y=["rides"], title="Rides", labels=LABELS)
    by_pandas = px.line(table.orderBy("day").toPandas(), x="day", y=["rides"], title="Rides", labels=LABELS)
    painted = drawn(line={"color": "red"}, y=[decimal.Decimal("3.0"), 4.0])
    for figure in (by_spark, by_pandas, painted):
        assert judged(figure, drawn()).equal, plain(figure)


def test_what_differs_is_named() -> None:
    wrong = {
        "[traces][rides][y][1]": drawn(y=[3, 5]),
        "traces": drawn(name="other"),
        "[traces][rides][type]": go.Figure([go.Bar(x=DAYS, y=[3, 4], name="rides")], drawn().layout),
        "title": drawn().update_layout(title="Something else"),
        "x axis": drawn().update_layout(xaxis_title=None),
        "y axis": drawn().update_layout(yaxis_title="rides"),
    }
    for part, figure in wrong.items():
        judgement = judged(figure, drawn())
        assert not judgement.equal
        assert part in " ".join([judgement.message, *judgement.wrong, str(judgement.examples)]), part


def test_the_order_of_points_counts_and_bars_on_their_side_are_others() -> None:
    assert not judged(drawn(x=DAYS[::-1], y=[4, 3]), drawn()).equal
    upright, lying = go.Bar(x=["a"], y=[1]), go.Bar(x=["a"], y=[1], orientation="h")
    assert not judged(go.Figure([lying]), go.Figure([upright])).equal


def test_all_traces_are_kept_and_what_json_lacks_has_a_form() -> None:
    figure = go.Figure(
        [go.Scatter(x=[1], y=[float("nan")], name="a"), go.Scatter(x=[2], y=[None], name="a"), go.Scatter()]
    )
    assert plain(figure)["traces"] == {
        "a": {"type": "scatter", "x": [1.0], "y": [{"float": "nan"}]},
        "a (2)": {"type": "scatter", "x": [2.0], "y": [None]},
        "trace 3": {"type": "scatter", "x": [], "y": []},
    }
    pie = plain(go.Figure([go.Pie(labels=["a"], values=[2])]))
    assert pie["traces"]["trace 1"] == {"type": "pie", "labels": ["a"], "values": [2.0]}
