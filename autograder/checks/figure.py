"""What a plotly figure shows, as a plain value: titles, and of each trace its type and its points. Not how it looks."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from typing import Any


def is_figure(value: Any) -> bool:
    """Whether this is a figure of plotly; imports nothing."""
    return any(
        f"{kind.__module__}.{kind.__qualname__}" == "plotly.basedatatypes.BaseFigure" for kind in type(value).__mro__
    )


def described(figure: Any) -> dict[str, Any]:
    """`{"title", "x axis", "y axis", "traces"}`; traces by name (by number where they have none), each with `type`, `x`, `y`.

    All numbers become floats, since 5 and 5.0 are drawn alike; dates become text; points keep their order. Bars that lie on their
    side have an `orientation`, pies `labels` and `values` instead of `x` and `y`.
    """
    layout = figure.layout
    traces: dict[str, Any] = {}
    for number, trace in enumerate(figure.data, 1):
        name = trace.name or f"trace {number}"
        traces[name if name not in traces else f"{name} ({number})"] = _trace(trace)
    return {
        "title": layout.title.text or "",
        "x axis": layout.xaxis.title.text or "",
        "y axis": layout.yaxis.title.text or "",
        "traces": traces,
    }


def _trace(trace: Any) -> dict[str, Any]:
    if trace.type == "pie":
        return {"type": "pie", "labels": _points(trace.labels), "values": _points(trace["values"])}
    found = {"type": trace.type, "x": _points(getattr(trace, "x", None)), "y": _points(getattr(trace, "y", None))}
    if getattr(trace, "orientation", None) == "h":
        found["orientation"] = "h"
    return found


def _points(values: Any) -> list[Any]:
    return [] if values is None else [_point(value) for value in values]


def _point(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float | decimal.Decimal):
        number = float(value)
        return number if math.isfinite(number) else {"float": str(number)}
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)
