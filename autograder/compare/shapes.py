"""Names the shape of an error and says what usually causes it.

A hint teaches where to look; it never holds the code. Each rule looks at the rows and cells that differ and answers
yes or no; the first that says yes names the shape.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autograder.compare.text import python_value

HINTS = {
    "all_rows_missing": (
        "Your result is empty. One condition lets nothing through: test the filters and the join condition one at"
        " a time, and remember that nothing is ever equal to NULL."
    ),
    "all_rows_extra": (
        "No row should be left here. Read again which rows the task asks for, and think of input that has none of them."
    ),
    "fan_out": (
        "Values or rows are multiplied, as happens when a join finds several partners for one row. Check how many"
        " rows each join key has on both sides, and aggregate before the join rather than after it."
    ),
    "inner_instead_of_left": (
        "The rows that you miss are just those without a partner on the other side. An inner join drops them, "
        "and so does a filter that compares a column of that side, where it is NULL; "
        "think about which join keeps every row of the left table, and what its empty cells should become."
    ),
    "left_instead_of_inner": (
        "Your extra rows found no partner in the join, so part of them is NULL. Decide whether rows without a "
        "partner belong in this answer."
    ),
    "null_rows_missing": (
        "The rows that you miss all have NULL in {column}. A comparison with NULL is neither true nor false, so "
        "filters and joins drop such rows silently, and some aggregations skip them. Say explicitly what should "
        "happen to NULL."
    ),
    "null_rows_extra": (
        "Your extra rows all have NULL in {column}. Decide whether rows without that value belong in the "
        "answer, and drop them if not."
    ),
    "nulls_instead_of_values": (
        "{column} is NULL where a value is expected. NULL spreads through arithmetic and string functions, and a "
        "join without a partner, a branch without a default, or a cast that fails also give NULL."
    ),
    "values_instead_of_nulls": (
        "{column} has a value where NULL is expected. Unknown is not the same as zero or empty: do not fill a gap"
        " that the task leaves open."
    ),
    "sign": (
        "{column} has the wrong sign. Check which value is subtracted from which, or where a minus sign gets lost."
    ),
    "constant_factor": (
        "{column} is off by one and the same factor ({factor}). Compare the units: percent or fraction, cents or "
        "whole money, seconds or milliseconds, or what the total is divided by."
    ),
    "constant_offset": (
        "{column} is off by one and the same amount ({offset}). Look for counting from 0 instead of 1, an "
        "interval's end that is included or not, a starting value, rounding to the other side, or one row that is counted "
        "and should not be, or the other way round."
    ),
    "time_zone": (
        "The times in {column} are shifted by whole hours ({offset}). The same moment was read or shown in "
        "another time zone: check in which zone the text is written, and convert once."
    ),
    "rounding": (
        "{column} differs only in rounding. Check to how many digits the task wants it, whether you round or cut "
        "off, and round once, at the end. Where the task names no digits, do not round at all."
    ),
    "swapped_columns": "{columns} have each other's values. Check which expression got which name.",
    "upper_lower_case": (
        "The text in {column} differs only in upper and lower case. Bring it to the form that the task asks for."
    ),
    "whitespace": (
        "The text in {column} differs only in blanks. Look at both ends of the text and between its words, where "
        "blanks and tabs are easily overlooked."
    ),
    "one_value": (
        "{column} has the same value in every row, but should vary. An aggregation or a window may cover the "
        "whole table where it should cover one group, or what should be kept from row to row or batch to batch is made anew."
    ),
    "ties": (
        "Only rows that tie with others differ. Where several rows have the same sort value, which of them come "
        "first is left to chance unless the task's tie-break is part of the ordering."
    ),
    "duplicates_kept": (
        "Rows are there more often than they should be. Decide what makes two rows the same, and keep one of them."
    ),
    "duplicates_dropped": (
        "Rows that occur several times are there too few times. Equal rows can be different events: some "
        "operations remove duplicates without being asked."
    ),
    "row_limit": (
        "The rows you have are right, but there are too few or too many of them. Check how many the task asks for."
    ),
    "rows_missing": (
        "Each row you have is right, but some are missing. A filter or a join drops too much: look what the "
        "missing rows have in common."
    ),
    "rows_extra": (
        "Each expected row is there, but others are too. A condition is missing or lets too much through: look "
        "what the extra rows have in common."
    ),
    "reversed": "The rows are in just the opposite order. Check which direction is the default when you sort.",
    "ordering": (
        "The rows are right, but not in the order the task asks for. Check columns and directions of the sort, "
        "and that nothing after it shuffles the rows again."
    ),
    "missing_columns": "Compare your final selection with the columns that the task lists; of pandas, also the names of the index.",
    "extra_columns": "The task lists the columns it wants; leave out helpers that you needed only on the way.",
    "column_case": "Column names count letter by letter here, upper and lower case included.",
    "column_order": "The columns are right, but the task asks for them in another order.",
    "duplicate_columns": (
        "A name occurs several times, as happens when both sides of a join bring a column of that name. Keep one "
        "of them, or give the other a name of its own."
    ),
    "wrong_type": (
        "A value's type is part of the answer. Look at your result's schema, and convert the column where it is made."
    ),
    "decimal_type": (
        "DECIMAL keeps digits exactly, with a fixed number of them after the point; DOUBLE does not. Money "
        "belongs in the DECIMAL that the task names, and arithmetic changes its precision and scale, so convert"
        " at the end."
    ),
    "integer_width": (
        "Counting and summing integers gives BIGINT, other functions keep INT. Convert to the width the task names."
    ),
    "timestamp_type": (
        "TIMESTAMP is a moment in time, TIMESTAMP_NTZ what a clock on some wall shows, DATE a day. Choose the one"
        " that the task names."
    ),
    "text_type": (
        "Text that looks like a number or a date is still text: it sorts and compares letter by letter. Convert it."
    ),
}


MAXIMUM_SHIFT = 10**17
"""Microseconds; about three thousand years."""


@dataclass(frozen=True)
class Shape:
    """The name of an error's shape, and the hint that goes with it."""

    name: str = ""
    hint: str = ""


@dataclass(frozen=True)
class WrongColumn:
    """The wrong cells of one column: the learner's and the expected values, element by element, and the whole
    column of the answer."""

    name: str
    yours: pa.Array
    expected: pa.Array
    whole: pa.Array


@dataclass(frozen=True)
class RowEvidence:
    """What differs between two sets of rows. Tables have unique column names c0, c1, ...; `names` are the real ones.

    `extra`/`missing` are rows without a counterpart, `extra_copies`/`missing_copies` how many of them are further
    copies of rows that are expected/there. `matched` are expected rows that are right. `wrong` has the columns with
    wrong cells, the worst first. `joins` is False when the task has one table only, so that no join can be the cause.
    """

    names: tuple[str, ...]
    key: tuple[int, ...]
    wrong: tuple[WrongColumn, ...]
    extra: pa.Table
    missing: pa.Table
    matched: pa.Table
    extra_copies: int
    missing_copies: int
    actual_rows: int
    expected_rows: int
    sort_columns: tuple[int, ...] = ()
    limited: bool = False
    joins: bool = True


def named(name: str, **words: str) -> Shape:
    """The shape of that name with its hint's gaps filled in."""
    return Shape(name, HINTS[name].format(**words))


def shape_of_rows(evidence: RowEvidence) -> Shape:
    """The first shape that fits rows which differ; an empty one when none does."""
    for rule in _ROW_RULES:
        shape = rule(evidence)
        if shape is not None:
            return shape
    return Shape()


def shape_of_types(pairs: list[tuple[str, str]]) -> Shape:
    """The shape of wrong types, from the SQL names (actual, expected) of the first wrong column."""
    actual, expected = pairs[0]
    integers = {"TINYINT", "SMALLINT", "INT", "BIGINT"}
    times = {"DATE", "TIMESTAMP", "TIMESTAMP_NTZ"}
    if actual in integers and expected in integers:
        return named("integer_width")
    if actual in times and expected in times:
        return named("timestamp_type")
    if actual == "STRING" and (expected in integers | times | {"DOUBLE"} or expected.startswith("DECIMAL")):
        return named("text_type")
    if expected.startswith("DECIMAL"):
        return named("decimal_type")
    return named("wrong_type")


def _nothing_left(evidence: RowEvidence) -> Shape | None:
    if evidence.actual_rows == 0:
        return named("all_rows_missing")
    return named("all_rows_extra") if evidence.expected_rows == 0 else None


def _only_extra(evidence: RowEvidence) -> Shape | None:
    if evidence.missing.num_rows or evidence.wrong:
        return None
    if evidence.extra_copies == evidence.extra.num_rows:
        multiplied = evidence.joins and evidence.actual_rows % evidence.expected_rows == 0
        return named("fan_out" if multiplied else "duplicates_kept")
    if evidence.extra_copies:
        return None
    columns = _telling_columns(evidence.extra, evidence.matched, blank_counts=False)
    if evidence.joins and columns and _is_right_side(columns, evidence):
        return named("left_instead_of_inner")
    if columns:
        return named("null_rows_extra", column=f"`{evidence.names[columns[0]]}`")
    return named("row_limit" if evidence.limited else "rows_extra")


def _only_missing(evidence: RowEvidence) -> Shape | None:
    if evidence.extra.num_rows or evidence.wrong:
        return None
    if evidence.missing_copies == evidence.missing.num_rows:
        return named("duplicates_dropped")
    with_null = _telling_columns(evidence.missing, evidence.matched, blank_counts=False)
    blank = _telling_columns(evidence.missing, evidence.matched, blank_counts=True)
    if evidence.joins and blank and _is_right_side(blank, evidence):
        return named("inner_instead_of_left")
    if with_null:
        return named("null_rows_missing", column=f"`{evidence.names[with_null[0]]}`")
    return named("row_limit" if evidence.limited else "rows_missing")


def _telling_columns(rows: pa.Table, others: pa.Table, blank_counts: bool) -> list[int]:
    """Columns that are NULL (or zero or empty) in all of `rows`, if no other row is blank in all of them at once."""
    columns = [index for index in range(rows.num_columns) if _blank(rows.column(index), blank_counts).all()]
    if not columns or not others.num_rows:
        return columns if others.num_rows else []
    together = np.ones(others.num_rows, dtype=np.bool_)
    for index in columns:
        together &= _blank(others.column(index), blank_counts)
    return [] if together.any() else columns


def _blank(column: pa.ChunkedArray, blank_counts: bool) -> npt.NDArray[np.bool_]:
    blank = column.is_null()
    if blank_counts and (
        pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    ):
        blank = pc.or_(blank, pc.fill_null(pc.equal(column.cast(pa.float64(), safe=False), 0.0), False))
    elif blank_counts and pa.types.is_string(column.type):
        blank = pc.or_(blank, pc.fill_null(pc.equal(column, ""), False))
    return np.asarray(blank.to_numpy(zero_copy_only=False) if isinstance(blank, pa.Array) else blank.to_numpy())


def _is_right_side(columns: list[int], evidence: RowEvidence) -> bool:
    """Whether blank columns look like the right side of a join: not the key, the last column among them, rarely
    just one."""
    if set(columns) & set(evidence.key) or 0 in columns:
        return False
    return len(evidence.names) - 1 in columns and (len(columns) > 1 or bool(evidence.key) or len(evidence.names) == 2)


def _ties(evidence: RowEvidence) -> Shape | None:
    """Missing and extra rows have the same sort values: others of the tied rows were chosen."""
    if not evidence.sort_columns or evidence.wrong or evidence.extra.num_rows != evidence.missing.num_rows:
        return None
    chosen = [f"c{index}" for index in evidence.sort_columns]
    one, other = (
        sorted(
            str([python_value(column[row]) for column in rows.select(chosen).columns]) for row in range(rows.num_rows)
        )
        for rows in (evidence.extra, evidence.missing)
    )
    return named("ties") if one == other else None


def _wrong_cells(evidence: RowEvidence) -> Shape | None:
    """Rules for cells. The worst column decides."""
    if not evidence.wrong:
        return None
    if len(evidence.wrong) == 2 and _swapped(*evidence.wrong):
        names = " and ".join(f"`{column.name}`" for column in evidence.wrong)
        return named("swapped_columns", columns=names)
    for column in evidence.wrong:
        for rule in _CELL_RULES:
            shape = rule(column)
            if shape is not None:
                return shape
    return None


def _swapped(one: WrongColumn, other: WrongColumn) -> bool:
    if one.yours.type != other.yours.type or pa.types.is_nested(one.yours.type) or len(one.yours) != len(other.yours):
        return False
    return bool(one.yours.equals(other.expected) and other.yours.equals(one.expected))


def _null_cells(column: WrongColumn) -> Shape | None:
    yours, expected = column.yours.null_count, column.expected.null_count
    if yours == len(column.yours):
        return named("nulls_instead_of_values", column=f"`{column.name}`")
    if expected == len(column.expected):
        return named("values_instead_of_nulls", column=f"`{column.name}`")
    return None


def _text_cells(column: WrongColumn) -> Shape | None:
    if not pa.types.is_string(column.yours.type) or column.yours.null_count or column.expected.null_count:
        return None

    def same(change: Callable[[pa.Array], pa.Array]) -> bool:
        return bool(change(column.yours).equals(change(column.expected)))

    def squeezed(texts: pa.Array) -> pa.Array:
        return pc.replace_substring_regex(texts, r"\s+", "")

    if same(squeezed):
        return named("whitespace", column=f"`{column.name}`")
    if same(pc.utf8_lower) or same(lambda texts: pc.utf8_lower(squeezed(texts))):
        return named("upper_lower_case", column=f"`{column.name}`")
    return None


def _time_cells(column: WrongColumn) -> Shape | None:
    """Shifted timestamps and dates."""
    kind = column.yours.type
    if (
        not (pa.types.is_timestamp(kind) or pa.types.is_date(kind))
        or column.yours.null_count
        or column.expected.null_count
    ):
        return None
    whole = pa.int64() if pa.types.is_timestamp(kind) else pa.int32()
    shift = np.asarray(column.yours.cast(whole)).astype(np.int64) - np.asarray(column.expected.cast(whole)).astype(
        np.int64
    )
    shifts = np.unique(shift)
    if pa.types.is_date(kind):
        offset = f"{shifts[0]:+d} days"
        return named("constant_offset", column=f"`{column.name}`", offset=offset) if len(shifts) == 1 else None
    half_hour = 1_800_000_000
    # Summer time gives two shifts.
    if len(shifts) <= 2 and not (shifts % half_hour).any() and (np.abs(shifts) <= 28 * half_hour).all():
        hours = " and ".join(f"{value / (2 * half_hour):+g} h" for value in shifts)
        return named("time_zone", column=f"`{column.name}`", offset=hours)
    if len(shifts) == 1 and len(shift) > 1 and abs(int(shifts[0])) < MAXIMUM_SHIFT:
        offset = ("-" if shifts[0] < 0 else "+") + str(dt.timedelta(microseconds=abs(int(shifts[0]))))
        return named("constant_offset", column=f"`{column.name}`", offset=offset)
    return None


def _number_cells(column: WrongColumn) -> Shape | None:
    """Factors, offsets and rounding."""
    numbers = _numbers(column)
    if numbers is None:
        return None
    yours, expected = numbers
    for rule in (_factor, _rounding, _offset, _multiples, _one_value):
        shape = rule(column, yours, expected)
        if shape is not None:
            return shape
    return None


def _numbers(column: WrongColumn) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Both sides as finite floats where neither is null; None when that leaves too little to judge by."""
    kind = column.yours.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    yours, expected = (
        np.asarray(part.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
        for part in (column.yours, column.expected)
    )
    usable = np.isfinite(yours) & np.isfinite(expected)
    if not usable.any() or usable.mean() < 0.9:
        return None
    return yours[usable], expected[usable]


def _factor(column: WrongColumn, yours: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> Shape | None:
    divisible = expected != 0
    if not divisible.all():
        return None
    with np.errstate(over="ignore"):
        factors = yours / expected
    factor = float(np.median(factors))
    if not np.isfinite(factor):
        return None
    usual = any(abs(factor / known - 1) < 1e-6 for known in _USUAL_FACTORS)
    # Two rows with the same two numbers (a zone and its only borough) are one piece of evidence, not two.
    evidence = len(set(zip(yours.tolist(), expected.tolist(), strict=True)))
    if not np.allclose(factors, factor, rtol=1e-4, atol=0) or factor == 0 or (evidence < 2 and not usual):
        return None
    if abs(factor + 1) < 1e-9:
        return named("sign", column=f"`{column.name}`")
    if not usual and abs(factor - round(factor)) < 1e-9 and 2 <= factor <= 20:
        return named("fan_out")
    if abs(factor - 1) < 1e-3:
        return None
    return named("constant_factor", column=f"`{column.name}`", factor=f"× {factor:.6g}")


_USUAL_FACTORS = (100.0, 0.01, 1000.0, 0.001, 60.0, 1 / 60, 3600.0, 1 / 3600, 24.0, 1 / 24, 1e6, 1e-6, -1.0)


def _rounding(column: WrongColumn, yours: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> Shape | None:
    for digits in range(7):
        scale = 10.0**digits
        for finer, coarser in ((yours, expected), (expected, yours)):
            if len(coarser) > 2 and len(np.unique(coarser)) == 1:  # any constant nearby looks rounded
                continue
            with np.errstate(over="ignore", invalid="ignore"):
                is_rounded = np.abs(coarser * scale - np.rint(coarser * scale)) < 1e-6
                near = np.abs(finer - coarser) < (1 + 1e-9) / scale
            # One or two values are evidence only with digits to spare: 0.25 for 0.3 is rather another value.
            least = scale * 10 if len(coarser) <= 2 else scale
            moves = np.abs(finer - np.rint(finer * least) / least) > 1e-12
            if is_rounded.all() and near.all() and moves.all():
                return named("rounding", column=f"`{column.name}`")
    return None


def _offset(column: WrongColumn, yours: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> Shape | None:
    offsets = yours - expected
    if len(offsets) < 2 or not np.allclose(offsets, offsets[0], rtol=1e-6, atol=0):
        return None
    return named("constant_offset", column=f"`{column.name}`", offset=f"{offsets[0]:+.6g}")


def _multiples(column: WrongColumn, yours: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> Shape | None:
    if len(yours) < 2 or not (expected != 0).all():
        return None
    factors = yours / expected
    whole = np.abs(factors - np.rint(factors)) < 1e-6
    return named("fan_out") if whole.all() and (factors > 1.5).all() else None


def _one_value(column: WrongColumn, yours: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> Shape | None:
    varies = len(np.unique(expected)) > 1
    if len(yours) > 2 and varies and len(pc.unique(column.whole)) == 1:
        return named("one_value", column=f"`{column.name}`")
    return None


_CELL_RULES: tuple[Callable[[WrongColumn], Shape | None], ...] = (_null_cells, _text_cells, _time_cells, _number_cells)
_ROW_RULES: tuple[Callable[[RowEvidence], Shape | None], ...] = (
    _nothing_left,
    _only_extra,
    _only_missing,
    _ties,
    _wrong_cells,
)


def shape_of_scalar(actual: object, expected: object) -> Shape:
    """The shape of one wrong number or text; an empty one when none fits."""
    if isinstance(actual, bool) or not isinstance(actual, int | float | str) or type(actual) is not type(expected):
        return Shape()
    try:
        yours, wanted = pa.array([actual]), pa.array([expected])
    except (pa.ArrowException, OverflowError):
        return Shape()
    for rule in _CELL_RULES:
        shape = rule(WrongColumn("the value", yours, wanted, yours))
        if shape is not None:
            return Shape(
                shape.name, shape.hint.replace("`the value`", "The value").replace("in The value", "of the value")
            )
    return Shape()
