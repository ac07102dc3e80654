"""Compares two JSON values."""

from __future__ import annotations

import decimal
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from autograder.compare import shapes
from autograder.compare.difference import FrameDifference
from autograder.compare.text import listed, number_of, shown, shown_pair
from autograder.models import Cell, ExampleTable

MAXIMUM_EXAMPLES = 5
_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "text",
    list: "a list",
    dict: "a dictionary",
    type(None): "None",
}
TAGS = frozenset({"decimal", "float", "date", "datetime", "time"})
"""A dictionary with one such key stands for a value that JSON does not have."""

_WRONG_TYPE = shapes.Shape(
    "wrong_type",
    "A value's type is part of the answer: text is not a number, and None is not zero. Convert it before you return it.",
)
_ORDERING = shapes.Shape(
    "ordering",
    "The entries are right, but not in the order the task asks for. Decide what they are sorted by, and what decides between equals.",
)


@dataclass(frozen=True)
class _Mismatch:
    """Where two values differ (`path` such as "["de"][2]"), both of them, and why."""

    path: str
    yours: Any
    expected: Any
    reason: str


def compare_values(
    actual: Any, expected: Any, relative_tolerance: float = 1e-9, absolute_tolerance: float = 1e-12
) -> FrameDifference:
    """Compare two JSON values (None, bool, int, float, str, list, dict with text keys).

    A bool is no number, and an integer no float. Floats are equal when
    `abs(a - b) <= absolute_tolerance + relative_tolerance * max(abs(a), abs(b))`, NaN equals NaN, infinities by sign.
    Lists are compared in order, dictionaries entry by entry: `fraction_right` is the part of a dictionary's (or list's)
    entries that is right, and the wrong keys are named.
    """
    tolerances = (relative_tolerance, absolute_tolerance)
    mismatches = list(_mismatches(actual, expected, "", tolerances))
    if not mismatches:
        return FrameDifference(True, right=("The value is right.",), fraction_right=1.0)
    found = FrameDifference(False, "value", examples=_examples(mismatches))
    if isinstance(actual, dict) and isinstance(expected, dict) and not _is_tagged(expected):
        return _entries_differ(found, actual, expected, tolerances)
    if isinstance(actual, list) and isinstance(expected, list):
        return _items_differ(found, actual, expected, tolerances)
    mismatch = mismatches[0]
    yours = shown_pair(_untagged(mismatch.yours), _untagged(mismatch.expected))[0]
    wrong = mismatch.reason or f"your answer is {yours}, which is not the expected value"
    shape = _shape(actual, expected, tolerances)
    return replace(found, message=f"{_capital(wrong)}.", wrong=(wrong,), shape=shape.name, hint=shape.hint)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _is_tagged(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) == 1
        and set(value) <= TAGS
        and isinstance(next(iter(value.values())), str)
    )


def _untagged(value: Any) -> Any:
    return next(iter(value.values())) if _is_tagged(value) else value


def _mismatches(actual: Any, expected: Any, path: str, tolerances: tuple[float, float]) -> Iterator[_Mismatch]:
    if _is_tagged(actual) and _is_tagged(expected):
        if not _tagged_equal(actual, expected):
            yield _Mismatch(path, actual, expected, "")
    elif type(actual) is not type(expected):
        reason = f"{_at(path)} {_name(actual)}, expected {_name(expected)}"
        yield _Mismatch(path, actual, expected, reason)
    elif isinstance(expected, dict):
        for key in dict.fromkeys([*expected, *actual]):
            inner = f"{path}[{shown(key)}]"
            if key not in actual or key not in expected:
                reason = f"{inner} is {'missing' if key in expected else 'not asked for'}"
                yield _Mismatch(inner, actual.get(key), expected.get(key), reason)
            else:
                yield from _mismatches(actual[key], expected[key], inner, tolerances)
    elif isinstance(expected, list):
        if len(actual) != len(expected):
            reason = f"{_at(path)} a list of {len(actual):,}, expected {number_of(len(expected), 'entry', 'entries')}"
            yield _Mismatch(path, actual, expected, reason)
        for place, (one, other) in enumerate(zip(actual, expected, strict=False)):
            yield from _mismatches(one, other, f"{path}[{place}]", tolerances)
    elif not _scalars_equal(actual, expected, tolerances):
        yield _Mismatch(path, actual, expected, "")


def _at(path: str) -> str:
    return f"{path} is" if path else "your answer is"


def _name(value: Any) -> str:
    return f"a {next(iter(value))}" if _is_tagged(value) else _NAMES.get(type(value), f"a {type(value).__name__}")


def _tagged_equal(actual: dict[str, str], expected: dict[str, str]) -> bool:
    if set(actual) == set(expected) == {"decimal"}:
        try:
            one, other = decimal.Decimal(actual["decimal"]), decimal.Decimal(expected["decimal"])
            return one == other or (one.is_nan() and other.is_nan())
        except decimal.InvalidOperation:  # no number, or a signalling NaN
            return False
    return actual == expected


def _scalars_equal(actual: Any, expected: Any, tolerances: tuple[float, float]) -> bool:
    if not isinstance(expected, float):
        return bool(actual == expected)
    if math.isnan(actual) or math.isnan(expected):
        return math.isnan(actual) and math.isnan(expected)
    if math.isinf(actual) or math.isinf(expected):
        return bool(actual == expected)
    relative, absolute = tolerances
    return bool(abs(actual - expected) <= absolute + relative * max(abs(actual), abs(expected)))


def _equal(actual: Any, expected: Any, tolerances: tuple[float, float]) -> bool:
    return next(_mismatches(actual, expected, "", tolerances), None) is None


def _entries_differ(
    found: FrameDifference, actual: dict[str, Any], expected: dict[str, Any], tolerances: tuple[float, float]
) -> FrameDifference:
    right = [key for key in expected if key in actual and _equal(actual[key], expected[key], tolerances)]
    wrong = [key for key in expected if key in actual and key not in right]
    missing, extra = [key for key in expected if key not in actual], [key for key in actual if key not in expected]
    findings = [f"{listed(wrong)} {_is(wrong)} wrong"] if wrong else []
    findings += [f"{listed(missing)} {_is(missing)} missing"] if missing else []
    findings += [f"{listed(extra)} {_is(extra)} not asked for"] if extra else []
    shape = (
        _shape(actual[wrong[0]], expected[wrong[0]], tolerances)
        if wrong
        else shapes.Shape("missing_entries" if missing else "extra_entries")
    )
    return replace(
        found,
        message=_capital("; ".join(findings)) + ".",
        right=(f"{listed(right)} {_is(right)} right",) if right else (),
        wrong=tuple(findings),
        shape=shape.name,
        hint=shape.hint,
        # A surplus entry costs as much as a wrong one, or guessing every key would pay.
        fraction_right=len(right) / (len(expected) + len(extra)),
    )


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _items_differ(
    found: FrameDifference, actual: list[Any], expected: list[Any], tolerances: tuple[float, float]
) -> FrameDifference:
    right = sum(_equal(one, other, tolerances) for one, other in zip(actual, expected, strict=False))
    wrong = []
    if len(actual) != len(expected):
        wrong.append(f"your list has {number_of(len(actual), 'entry', 'entries')}, expected {len(expected):,}")
    common = min(len(actual), len(expected))
    if right < common:
        wrong.append(f"{common - right:,} of {number_of(len(expected), 'entry', 'entries')} wrong")
    shape = shapes.Shape()
    if len(actual) == len(expected) and _same_items(actual, expected, tolerances):
        wrong = ["the entries are right, but in another order"]
        shape = _ORDERING
    return replace(
        found,
        message=_capital("; ".join(wrong)) + ".",
        right=(f"{number_of(right, 'entry', 'entries')} right",) if right else (),
        wrong=tuple(wrong),
        shape=shape.name,
        hint=shape.hint,
        fraction_right=right / max(len(actual), len(expected)),
    )


def _same_items(actual: list[Any], expected: list[Any], tolerances: tuple[float, float]) -> bool:
    """Whether each entry has a partner; only for lists that are short enough to try them all."""
    if len(expected) > 1_000:
        return False
    left = list(expected)
    for item in actual:
        partner = next((place for place, other in enumerate(left) if _equal(item, other, tolerances)), None)
        if partner is None:
            return False
        left.pop(partner)
    return True


def _shape(actual: Any, expected: Any, tolerances: tuple[float, float]) -> shapes.Shape:
    if type(actual) is not type(expected):
        return _WRONG_TYPE
    if isinstance(actual, list) and len(actual) == len(expected) and _same_items(actual, expected, tolerances):
        return _ORDERING
    return shapes.shape_of_scalar(_untagged(actual), _untagged(expected))


def _examples(mismatches: list[_Mismatch]) -> ExampleTable:
    """Where and how, without telling the expected value more than a table of rows would."""
    chosen = mismatches[:MAXIMUM_EXAMPLES]
    rows = tuple(
        (mismatch.path or "value", Cell(*shown_pair(_untagged(mismatch.yours), _untagged(mismatch.expected))))
        for mismatch in chosen
    )
    return ExampleTable(("where", "value"), rows, ("wrong",) * len(rows))
