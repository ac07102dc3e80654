"""Typical mistakes are named by their shape, counted rightly, and hinted at without giving the code."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from autograder.compare import Frame, FrameDifference, FrameRules, compare_frames
from autograder.compare.shapes import HINTS
from autograder.models import Cell


def frame(names: str, *rows: tuple[Any, ...], **types: pa.DataType) -> Frame:
    columns = names.split()
    arrays = [pa.array([row[i] for row in rows], type=types.get(name)) for i, name in enumerate(columns)]
    return Frame.from_arrow(pa.Table.from_arrays(arrays, names=columns))


def difference(actual: Frame, expected: Frame, **rules: Any) -> FrameDifference:
    found = compare_frames(actual, expected, FrameRules(**rules))
    assert not found.equal
    return found


SALES = [("de", 10.25, 3), ("fr", 20.5, 5), ("it", 31.75, 4), ("pl", 47.0, 2)]
EXPECTED = frame("country revenue orders", *SALES)


def changed(change: Any) -> Frame:
    return frame("country revenue orders", *(change(*row) for row in SALES))


def test_a_single_value_nearby_is_not_taken_for_rounding() -> None:
    assert difference(frame("name share", ("a", 0.25)), frame("name share", ("a", 0.3))).shape != "rounding"
    assert difference(frame("name share", ("a", 0.25)), frame("name share", ("a", 0.2468))).shape == "rounding"


def test_a_constant_is_not_taken_for_rounding() -> None:
    shares = [("a", 0.016), ("b", 0.4), ("c", 0.93), ("d", 0.05)]
    ones = frame("name share", *((name, 1.0) for name, _ in shares))
    assert difference(ones, frame("name share", *shares)).shape == "one_value"
    rounded = frame("name share", *((name, round(share, 1)) for name, share in shares))
    assert difference(rounded, frame("name share", *shares)).shape == "rounding"


@pytest.mark.parametrize(
    ("shape", "actual"),
    [
        ("constant_factor", changed(lambda c, r, n: (c, r * 100, n))),
        ("constant_factor", changed(lambda c, r, n: (c, r / 100, n))),
        ("sign", changed(lambda c, r, n: (c, -r, n))),
        ("fan_out", changed(lambda c, r, n: (c, r * n, n * 3))),
        ("fan_out", changed(lambda c, r, n: (c, r * 2, n * 2))),
        ("constant_offset", changed(lambda c, r, n: (c, r, n - 1))),
        ("rounding", changed(lambda c, r, n: (c, float(int(r)), n))),
        ("upper_lower_case", changed(lambda c, r, n: (c.upper(), r, n))),
        ("whitespace", changed(lambda c, r, n: (c + " ", r, n))),
        ("nulls_instead_of_values", changed(lambda c, r, n: (c, None if n > 3 else r, n))),
        ("one_value", changed(lambda c, r, n: (c, 109.5, n))),
        ("rows_missing", frame("country revenue orders", *SALES[:2])),
        ("rows_extra", frame("country revenue orders", *SALES, ("xx", 1.0, 1))),
        ("fan_out", frame("country revenue orders", *SALES, *SALES)),
        ("duplicates_kept", frame("country revenue orders", *SALES, SALES[1], SALES[2], SALES[1])),
        ("left_instead_of_inner", frame("country revenue orders", *SALES, ("xx", None, None))),
        ("null_rows_extra", frame("country revenue orders", *SALES, (None, 5.0, 1))),
    ],
)
def test_mistakes_in_an_aggregate_are_named(shape: str, actual: Frame) -> None:
    found = difference(actual, EXPECTED)
    assert (found.stage, found.shape) == ("rows", shape)
    assert found.hint


def test_counts_and_right_columns_are_reported() -> None:
    rows = [(i, f"name {i}", i / 7) for i in range(200)]
    wrong = [(i, name, value + 1 + i % 5 if i < 41 else value) for i, name, value in rows if i not in (77, 78)]
    found = difference(frame("id name revenue", *reversed(wrong), wrong[50]), frame("id name revenue", *rows))
    assert found.wrong == ("`revenue` is wrong in 41 of 200 rows", "2 rows are missing", "1 row is there twice")
    assert found.message == "`revenue` is wrong in 41 of 200 rows, 2 rows are missing and 1 row is there twice."
    assert "157 of 200 rows are right." in found.right
    assert any("`id` and `name` are right" in finding for finding in found.right)
    assert found.examples is not None
    assert found.examples.columns == ("id", "revenue", "name")
    assert found.examples.kinds == ("wrong", "wrong", "missing", "missing", "extra")
    assert found.examples.rows[0] == ("0", Cell("1.0", "0.0"), "name 0")
    assert found.fraction_right == pytest.approx(157 / 200)


def test_an_inner_join_instead_of_a_left_join() -> None:
    rows = [(1, "ann", 2, 30.0), (2, "bob", 0, None), (3, "cy", 1, 5.0), (4, "di", 0, None)]
    expected = frame("id name orders revenue", *rows)
    found = difference(frame("id name orders revenue", rows[0], rows[2]), expected)
    assert (found.shape, found.wrong) == ("inner_instead_of_left", ("2 rows are missing",))


def test_an_answer_from_one_table_is_not_told_about_joins() -> None:
    expected = frame("customer consent", ("a", True), ("b", None), ("c", None))
    actual = frame("customer consent", ("a", True))
    assert difference(actual, expected, joins=False).shape == "null_rows_missing"
    assert difference(expected, actual, joins=False).shape == "null_rows_extra"
    assert (
        difference(frame("customer", ("a",), ("a",)), frame("customer", ("a",)), joins=False).shape == "duplicates_kept"
    )


def test_rows_with_null_in_a_filtered_column_are_missing() -> None:
    rows = [("de", 2, 1.0), (None, 3, 5.0), ("fr", 7, 2.5)]
    found = difference(frame("country n x", rows[0], rows[2]), frame("country n x", *rows))
    assert found.shape == "null_rows_missing"
    assert "`country`" in found.hint


def test_zero_where_null_is_expected() -> None:
    found = difference(frame("k x", ("a", 1), ("b", 0)), frame("k x", ("a", 1), ("b", None)))
    assert found.shape == "values_instead_of_nulls"
    assert found.examples is not None
    assert found.examples.rows == (("b", Cell("0", "NULL")),)


def test_times_in_another_zone() -> None:
    times = [dt.datetime(2024, month, 1, 12, tzinfo=dt.UTC) for month in (1, 7)]
    shifted = [times[0] + dt.timedelta(hours=1), times[1] + dt.timedelta(hours=2)]
    kind = pa.timestamp("us", "UTC")
    found = difference(frame("k t", *enumerate(shifted), t=kind), frame("k t", *enumerate(times), t=kind))
    assert found.shape == "time_zone"
    assert "+1 h and +2 h" in found.hint


def test_swapped_columns() -> None:
    found = difference(frame("k low high", ("a", 9, 1), ("b", 7, 2)), frame("k low high", ("a", 1, 9), ("b", 2, 7)))
    assert found.shape == "swapped_columns"


def test_duplicates_dropped() -> None:
    expected = frame("k", ("a",), ("a",), ("b",))
    found = difference(frame("k", ("a",), ("b",)), expected)
    assert (found.shape, found.wrong) == ("duplicates_dropped", ("1 row is there once too few",))


def test_ties_may_come_in_any_order() -> None:
    expected = frame("name points", ("a", 9), ("b", 7), ("c", 7), ("d", 1))
    actual = frame("name points", ("a", 9), ("c", 7), ("b", 7), ("d", 1))
    assert compare_frames(actual, expected, FrameRules(ordered=("points",))).equal
    found = difference(actual, expected, ordered=True)
    assert (found.stage, found.shape) == ("order", "ordering")
    assert "row 2" in found.message


def test_others_of_the_tied_rows_are_named_ties() -> None:
    expected = frame("name points", ("a", 9), ("b", 7))
    found = difference(frame("name points", ("a", 9), ("c", 7)), expected, ordered=("points",), key=("name",))
    assert (found.stage, found.shape) == ("rows", "ties")


def test_wrong_order_by_the_sort_keys() -> None:
    expected = frame("name points", ("a", 9), ("b", 7), ("c", 1))
    found = difference(frame("name points", ("c", 1), ("b", 7), ("a", 9)), expected, ordered=("points",))
    assert (found.stage, found.shape) == ("order", "reversed")


def test_a_key_pairs_rows_that_differ_in_everything_else() -> None:
    expected = frame("k x y", ("a", 1, 1), ("b", 1, 1))
    found = difference(frame("k x y", ("a", 2, 2), ("b", 3, 3)), expected, key=("k",))
    assert found.wrong == ("`x` is wrong in 2 of 2 rows", "`y` is wrong in 2 of 2 rows")


def test_rules_that_name_an_unknown_column_are_the_courses_mistake() -> None:
    with pytest.raises(ValueError, match="`nothing`"):
        compare_frames(EXPECTED, EXPECTED, FrameRules(key=("nothing",)))


@pytest.mark.parametrize(
    ("actual", "shape", "message"),
    [
        (frame("country", ("de",)), "missing_columns", "Columns `revenue` and `orders` are missing."),
        (frame("country revenue orders x", ("de", 1.0, 1, 1)), "extra_columns", "Column `x` is not asked for."),
        (
            frame("Country revenue orders", ("de", 1.0, 1)),
            "column_case",
            "Column `Country` must be called `country`.",
        ),
        (
            frame("country revenue revenue orders", ("de", 1.0, 1.0, 1)),
            "duplicate_columns",
            "Column `revenue` is there twice, expected once.",
        ),
    ],
)
def test_wrong_columns_are_named(actual: Frame, shape: str, message: str) -> None:
    found = difference(actual, EXPECTED)
    assert (found.stage, found.shape, found.message) == ("columns", shape, message)


def test_two_expected_names_that_differ_in_case_take_one_namesake() -> None:
    found = difference(frame("x_", (1,)), frame("X x", (1, 2)))
    assert found.message == "Columns `X` and `x` are missing and column `x_` is not asked for."
    assert difference(frame("y Y", (1, 1)), frame("Y z", (1, 2))).shape == "missing_columns"
    only_blank = Frame.from_arrow(pa.table({"x ": [1]}))
    assert difference(only_blank, frame("X x", (1, 2))).wrong[0] == "column `x ` must be called `X`"


def test_double_where_decimal_is_expected() -> None:
    expected = frame("k revenue", ("a", Decimal("1.50")), revenue=pa.decimal128(18, 2))
    found = difference(frame("k revenue", ("a", 1.5)), expected)
    assert (found.stage, found.shape) == ("types", "decimal_type")
    assert found.message == "`revenue` is DOUBLE, expected DECIMAL(18,2)."


def test_empty_results_are_told_apart() -> None:
    empty = Frame(EXPECTED.schema, EXPECTED.table.slice(0, 0))
    assert difference(empty, EXPECTED).shape == "all_rows_missing"
    assert difference(EXPECTED, empty).shape == "all_rows_extra"
    assert compare_frames(empty, empty).equal


@pytest.mark.parametrize("hint", HINTS.values())
def test_no_hint_holds_code(hint: str) -> None:
    assert "(" not in hint.replace("({factor})", "").replace("({offset})", "")
    assert "`" not in hint
    assert hint.endswith(".")
