"""Values and findings as short text for a learner."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

MAXIMUM_TEXT = 60


def number_of(count: int, noun: str, plural: str = "") -> str:
    """ "1 row", "2 rows", "1,234 rows"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Iterable[str]) -> str:
    """Names in backticks: "`a`", "`a` and `b`", "`a`, `b` and `c`"; at most six of them."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > 6:
        quoted = [*quoted[:5], f"{len(quoted) - 5} more"]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def sentence(findings: Iterable[str]) -> str:
    """Findings joined to one sentence."""
    parts = list(findings)
    if len(parts) > 3:
        parts = [*parts[:2], f"{len(parts) - 2} more findings"]
    joined = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return joined[0].upper() + joined[1:] + "."


def python_value(scalar: pa.Scalar) -> Any:
    """The Python object for an Arrow scalar; text for times that Python's calendar does not reach."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return " ".join(pa.repeat(scalar, 1).to_string().strip("[] \n").split())


def shown(value: Any) -> str:
    """A value as a learner would recognise it; NULL, NaN and blank text are told apart. At most 60 characters."""
    return shortened(_shown(value))


def shown_pair(yours: Any, expected: Any) -> tuple[str, str]:
    """Two different values as two different texts, shortened around their first difference."""
    one, other = _shown(yours), _shown(expected)
    if one == other:
        one, other = repr(yours), repr(expected)
    if shortened(one) != shortened(other):
        return shortened(one), shortened(other)
    start = max(
        0, next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))) - 20
    )
    return shortened("…" + one[start:]), shortened("…" + other[start:])


def shortened(text: str) -> str:
    """The text, cut at 60 characters."""
    return text if len(text) <= MAXIMUM_TEXT else text[: MAXIMUM_TEXT - 1] + "…"


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _shown_float(value)
    if isinstance(value, str):
        return f'"{value}"' if value != value.strip() or not value or value in {"NULL", "NaN"} else value
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, bytes):
        return "0x" + value[:MAXIMUM_TEXT].hex()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inner(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return "{" + ", ".join(f"{_inner(key)}: {_inner(item)}" for key, item in value) + "}"
        return "[" + ", ".join(_inner(item) for item in value[:MAXIMUM_TEXT]) + "]"
    return str(value)


def _inner(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _shown(value)


def _shown_float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)
