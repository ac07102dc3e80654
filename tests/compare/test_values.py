"""JSON values are compared by value and type, and wrong entries are named."""

from __future__ import annotations

import math
from typing import Any

import pytest

from autograder.compare import compare_values


@pytest.mark.parametrize(
    "value",
    [None, True, 0, 1.5, math.nan, -math.inf, "", "a", [], [1, [None]], {}, {"a": {"b": [1.5]}}, {"decimal": "1.50"}],
    ids=repr,
)
def test_a_value_equals_itself(value: Any) -> None:
    assert compare_values(value, value).equal


@pytest.mark.parametrize(
    ("actual", "expected", "says"),
    [
        (True, 1, "a boolean, expected an integer"),
        (0, False, "an integer, expected a boolean"),
        (1, 1.0, "an integer, expected a float"),
        ("1", 1, "text, expected an integer"),
        (None, 0, "None, expected an integer"),
        (math.nan, 1.0, "NaN"),
        (math.inf, -math.inf, "Infinity"),
        (math.inf, 1e308, "Infinity"),
        (1.0, 1.0 + 1e-6, "not the expected value"),
        ({"decimal": "1.50"}, 1.5, "a decimal, expected a float"),
        ({"decimal": "1.50"}, {"decimal": "1.51"}, "1.50"),
        ([1, 2], [1, 2, 3], "2 entries, expected 3"),
        ([2, 1], [1, 2], "another order"),
        ({"a": 1}, {"a": 1, "b": 2}, "`b` is missing"),
    ],
)
def test_different_values_differ_and_say_how(actual: Any, expected: Any, says: str) -> None:
    difference = compare_values(actual, expected)
    assert not difference.equal
    assert says in difference.message
    assert difference.fraction_right < 1


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.0, 1.0 + 1e-10),
        (0.0, -0.0),
        ([1.0], [1.0 + 1e-10]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"decimal": "1.50"}, {"decimal": "1.5"}),
    ],
)
def test_floats_within_tolerance_and_keys_in_any_order_are_equal(actual: Any, expected: Any) -> None:
    assert compare_values(actual, expected).equal


def test_a_dictionary_is_judged_entry_by_entry() -> None:
    difference = compare_values({"rows": 10, "nulls": 3, "more": 1}, {"rows": 10, "nulls": 2, "mean": 1.5})
    assert difference.wrong == ("`nulls` is wrong", "`mean` is missing", "`more` is not asked for")
    assert difference.right == ("`rows` is right",)
    assert difference.fraction_right == pytest.approx(1 / 4)
    assert difference.examples is not None
    assert difference.examples.rows[0][0] == "[nulls]"


def test_an_entry_that_is_a_list_in_another_order_is_told_so() -> None:
    assert compare_values({"a": ["y", "x"]}, {"a": ["x", "y"]}).shape == "ordering"
    assert compare_values({"a": ["y", "z"]}, {"a": ["x", "y"]}).shape != "ordering"


def test_a_percentage_for_a_fraction_is_named() -> None:
    assert compare_values(12.5, 0.125).shape == "constant_factor"
