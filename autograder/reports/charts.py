"""The charts of the class report as Plotly figures in JSON. Each has a table with the same numbers beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autograder.models import Status
from autograder.reports.pages import status_name
from autograder.reports.statistics import STATUSES, Difficulty, Distribution

TENTHS = tuple(f"{low}–{low + 10} %" for low in range(0, 100, 10))

COLOURS = {
    Status.PASSED: "#2f8f4e",
    Status.PARTIAL: "#e0a100",
    Status.FAILED: "#cf3f3f",
    Status.ERROR: "#8c2f6b",
    Status.TIMEOUT: "#c96a2b",
    Status.NOT_ATTEMPTED: "#8793a3",
    Status.GRADER_ERROR: "#6f52c8",
}
"""Mid tones, which stand out from white and from black."""

PATTERNS = {
    Status.PASSED: "",
    Status.PARTIAL: "/",
    Status.FAILED: "x",
    Status.ERROR: "+",
    Status.TIMEOUT: "-",
    Status.NOT_ATTEMPTED: ".",
    Status.GRADER_ERROR: "|",
}
"""A second sign beside the colour."""

Figure = dict[str, Any]


def scores(marks: Distribution) -> Figure:
    """How many submissions lie in each tenth of the points."""
    bars = {
        "type": "bar",
        "x": TENTHS,
        "y": marks.counts,
        "marker": {"color": "#2f7fd0"},
        "hovertemplate": "%{x} of the points: %{y} learners<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "share of the points"}, "type": "category"},
        "yaxis": {"title": {"text": "learners"}, "rangemode": "tozero", "tickformat": "d"},
        "bargap": 0.08,
        "height": 320,
    }
    return _figure([bars], layout)


def difficulty(lines: Sequence[Difficulty]) -> Figure:
    """For each exercise the share of learners with each status, as stacked bars."""
    names = [line.id for line in lines]
    bars = []
    for status in STATUSES:
        counts = [line.counts[status] for line in lines]
        if not any(counts):
            continue
        bars.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": status_name(status),
                "y": names,
                "x": [100 * count / line.learners for count, line in zip(counts, lines, strict=True)],
                "customdata": [[line.title, count] for count, line in zip(counts, lines, strict=True)],
                "marker": {
                    "color": COLOURS[status],
                    "pattern": {
                        "shape": PATTERNS[status],
                        "size": 6,
                        "solidity": 0.2,
                        "fillmode": "overlay",
                        "fgcolor": "#ffffff",
                        "fgopacity": 0.6,
                    },
                },
                "hovertemplate": "%{y} %{customdata[0]}<br>%{customdata[1]} learners, %{x:.0f} %<extra>"
                + status_name(status)
                + "</extra>",
            }
        )
    layout = {
        "barmode": "stack",
        "xaxis": {"title": {"text": "learners (%)"}, "range": [0, 100]},
        "yaxis": {"autorange": "reversed", "type": "category", "title": {"text": "exercise"}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        "height": 170 + 22 * len(lines),
    }
    return _figure(bars, layout)


def seconds(lines: Sequence[Difficulty]) -> Figure:
    """Median and longest time of each exercise's answers, in seconds."""
    names = [line.id for line in lines]
    titles = [line.title for line in lines]
    dots = [
        ("median", "circle", "#2f7fd0", [line.median_seconds for line in lines]),
        ("longest", "diamond-open", "#c96a2b", [line.longest_seconds for line in lines]),
    ]
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "y": names,
            "x": values,
            "customdata": titles,
            "marker": {"symbol": symbol, "size": 10, "color": colour},
            "hovertemplate": "%{y} %{customdata}<br>%{x:.2f} s<extra>" + name + "</extra>",
        }
        for name, symbol, colour, values in dots
    ]
    layout = {
        "xaxis": {"title": {"text": "seconds to run the answer on all data"}, "rangemode": "tozero"},
        "yaxis": {"autorange": "reversed", "type": "category", "title": {"text": "exercise"}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "height": 150 + 20 * len(lines),
    }
    return _figure(traces, layout)


def script(figures: dict[str, Figure]) -> str:
    """The script that draws the figures into the elements of their names, in the colours of the reader's scheme."""
    # In a script element only "<" could end the script; JSON may write it as an escape.
    data = json.dumps(figures).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"const figures = {data};\n{_DRAW}"


@cache
def library() -> str:
    """Plotly's own JavaScript, which the page embeds so that it works without a network."""
    found = find_spec("plotly")  # importing the package would take longer than the whole report
    assert found is not None and found.origin is not None, "plotly is in requirements.in"
    return Path(found.origin).with_name("package_data").joinpath("plotly.min.js").read_text(encoding="utf-8")


def _figure(data: list[dict[str, Any]], layout: dict[str, Any]) -> Figure:
    common = {
        "margin": {"l": 60, "r": 16, "t": 24, "b": 56},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"align": "left"},
    }
    return {"data": data, "layout": {**common, **layout}}


_DRAW = """\
const dark = window.matchMedia("(prefers-color-scheme: dark)");
function draw() {
  const style = getComputedStyle(document.body);
  const ink = style.getPropertyValue("--ink").trim(), line = style.getPropertyValue("--line").trim();
  for (const [name, figure] of Object.entries(figures)) {
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, fixedrange: false };
    const layout = {
      ...figure.layout,
      font: { family: style.fontFamily, size: 13, color: ink },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: style.getPropertyValue("--quiet").trim(), activecolor: ink },
      xaxis: { ...axis, ...figure.layout.xaxis },
      yaxis: { ...axis, ...figure.layout.yaxis },
    };
    const element = document.getElementById(name);
    element.style.height = `${layout.height}px`;
    Plotly.react(element, figure.data, layout, {
      responsive: true, displaylogo: false, displayModeBar: "hover", modeBarButtons: [["zoom2d", "pan2d", "resetScale2d"]],
    });
  }
}
draw();
dark.addEventListener("change", draw);
"""
