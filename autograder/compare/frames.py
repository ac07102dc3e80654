"""Compares two frames: names, then types, then rows; and tells a learner what differs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from autograder.compare import shapes, spark_types
from autograder.compare.column import Hashes, Rows, Tolerance, combined, is_among, prepared
from autograder.compare.difference import FrameDifference
from autograder.compare.examples import example_table
from autograder.compare.frame import Frame
from autograder.compare.matching import Matching, Side, match_rows
from autograder.compare.pairing import Leftovers, pair_leftovers
from autograder.compare.text import listed, number_of, sentence

__all__ = ["FrameDifference", "FrameRules", "compare_frames"]

NAMES_RIGHT = "The column names are right."
TYPES_RIGHT = "The types are right."
LIMIT_ROWS_FOR_SHAPES = 10_000


@dataclass(frozen=True)
class FrameRules:
    """What counts as equal.

    `ordered`: False compares rows as a multiset; True their whole sequence; a tuple of columns compares the multiset
    and the sequence of these columns' values, so that ties may come in any order. `key` are the columns that identify
    a row; they only make the report clearer. Floats are equal when `abs(a - b) <= absolute_tolerance +
    relative_tolerance * max(abs(a), abs(b))`; FLOAT columns, which have seven digits, get at least 5e-7.
    `column_order` makes the order of the columns count, `nan_equals_null` lets NaN stand for NULL.
    `joins` is False when the answer comes from one table, so that hints do not speak of joins.
    """

    ordered: bool | tuple[str, ...] = False
    key: tuple[str, ...] = ()
    relative_tolerance: float = 1e-9
    absolute_tolerance: float = 1e-12
    column_order: bool = False
    nan_equals_null: bool = False
    joins: bool = True


def compare_frames(actual: Frame, expected: Frame, rules: FrameRules | None = None) -> FrameDifference:
    """Compare a learner's frame with the expected one, stopping at the first stage that fails: columns, types, rows,
    order.

    Raises ValueError when `rules` name columns that the expected frame does not have: that is the course's mistake.
    """
    rules = rules or FrameRules()
    _check_rules(expected, rules)
    difference = _compare_names(actual, expected, rules)
    if difference is not None:
        return difference
    places = _places(actual, expected)
    difference = _compare_types(actual, expected, places)
    if difference is not None:
        return difference
    return _Rows(actual, expected, places, rules).compare()


def _check_rules(expected: Frame, rules: FrameRules) -> None:
    named = (*rules.key, *(rules.ordered if isinstance(rules.ordered, tuple) else ()))
    unknown = [name for name in named if name not in expected.columns]
    if unknown:
        raise ValueError(f"The rules name {listed(unknown)}, but the expected columns are {listed(expected.columns)}.")


def _compare_names(actual: Frame, expected: Frame, rules: FrameRules) -> FrameDifference | None:
    mine, theirs = Counter(actual.columns), Counter(expected.columns)
    if mine != theirs:
        return _wrong_names(mine, theirs)
    if rules.column_order and actual.columns != expected.columns:
        yours, wanted = listed(actual.columns), listed(expected.columns)
        message = f"The columns are in another order: yours are {yours}, expected {wanted}."
        return _stopped(
            "columns",
            message,
            shapes.named("column_order"),
            right=(NAMES_RIGHT,),
            wrong=("The columns' order is wrong.",),
        )
    return None


def _wrong_names(mine: Counter[str], theirs: Counter[str]) -> FrameDifference:
    missing, extra = list((theirs - mine).elements()), list((mine - theirs).elements())
    right = list((mine & theirs).elements())
    renamed = []
    for wanted in list(missing):
        yours = next((name for name in extra if name.strip().lower() == wanted.strip().lower()), None)
        if yours is not None:
            renamed.append((yours, wanted))
            missing.remove(wanted)
            extra.remove(yours)
    repeated = [name for name in dict.fromkeys(extra) if name in theirs]
    unexpected = [name for name in extra if name not in theirs]
    wrong = [f"column `{yours}` must be called `{wanted}`" for yours, wanted in renamed]
    if missing:
        wrong.append(f"{_columns_are(missing)} missing")
    wrong += [f"column `{name}` is there {_times(mine[name])}, expected {_times(theirs[name])}" for name in repeated]
    if unexpected:
        wrong.append(f"{_columns_are(unexpected)} not asked for")
    reasons = (("column_case", renamed), ("missing_columns", missing), ("duplicate_columns", repeated))
    name = next((name for name, found in reasons if found), "extra_columns")
    found = (f"{number_of(len(right), 'column')} found: {listed(right)}",) if right else ()
    return _stopped("columns", sentence(wrong), shapes.named(name), right=found, wrong=tuple(wrong))


def _columns_are(names: list[str]) -> str:
    return f"column {listed(names)} is" if len(names) == 1 else f"columns {listed(names)} are"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _stopped(
    stage: str, message: str, shape: shapes.Shape, right: tuple[str, ...], wrong: tuple[str, ...], **more: Any
) -> FrameDifference:
    return FrameDifference(False, stage, message, right, wrong, shape=shape.name, hint=shape.hint, **more)


def _places(actual: Frame, expected: Frame) -> list[int]:
    """For each expected column the place of its namesake in the answer; of several columns with one name, the
    n-th is the n-th."""
    available: dict[str, list[int]] = {}
    for place, name in enumerate(actual.columns):
        available.setdefault(name, []).append(place)
    return [available[name].pop(0) for name in expected.columns]


def _compare_types(actual: Frame, expected: Frame, places: list[int]) -> FrameDifference | None:
    pairs = [
        (actual.schema["fields"][place], field) for place, field in zip(places, expected.schema["fields"], strict=True)
    ]
    wrong = [(mine, theirs) for mine, theirs in pairs if not spark_types.same_type(mine, theirs)]
    if not wrong:
        return None
    types = [(spark_types.field_sql_name(mine), spark_types.field_sql_name(theirs)) for mine, theirs in wrong]
    findings = tuple(
        f"`{field['name']}` is {mine}, expected {theirs}"
        for (field, _), (mine, theirs) in zip(wrong, types, strict=True)
    )
    right = [theirs["name"] for mine, theirs in pairs if spark_types.same_type(mine, theirs)]
    found = (NAMES_RIGHT, *((f"The type of {listed(right)} is right.",) if right else ()))
    return _stopped("types", sentence(findings), shapes.shape_of_types(types), right=found, wrong=findings)


class _Rows:
    """The comparison of two frames that have the same columns and types."""

    def __init__(self, actual: Frame, expected: Frame, places: list[int], rules: FrameRules) -> None:
        positional = [f"c{index}" for index in range(len(places))]
        self.names = expected.columns
        self.rules = rules
        self.tolerance = Tolerance(rules.relative_tolerance, rules.absolute_tolerance, rules.nan_equals_null)
        self.actual_table = actual.table.select(places).rename_columns(positional)
        self.expected_table = expected.table.rename_columns(positional)
        self.actual = self._side(self.actual_table)
        self.expected = self._side(self.expected_table)

    def _side(self, table: pa.Table) -> Side:
        return Side([prepared(column, self.rules.nan_equals_null) for column in table.columns], table.num_rows)

    def _indices(self, names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(self.names.index(name) for name in names)

    def compare(self) -> FrameDifference:
        matching = match_rows(self.actual, self.expected, self.tolerance)
        if len(matching.extra) or len(matching.missing):
            return self._rows_differ(matching)
        misplaced = self._misplaced()
        if len(misplaced):
            return self._order_differs(misplaced)
        right = (NAMES_RIGHT, TYPES_RIGHT, f"{_rows(self.expected.rows)} right.")
        return FrameDifference(True, right=right, fraction_right=1.0)

    def _sequence_columns(self) -> tuple[int, ...]:
        """The columns whose sequence of values counts."""
        if isinstance(self.rules.ordered, tuple):
            return self._indices(self.rules.ordered)
        return tuple(range(len(self.names))) if self.rules.ordered else ()

    def _misplaced(self) -> Rows:
        """Places at which the sequence differs, where order counts."""
        rows = np.arange(self.expected.rows)
        same = np.ones(len(rows), dtype=np.bool_)
        for index in self._sequence_columns():
            same &= self.actual.columns[index].equal(rows, self.expected.columns[index], rows, self.tolerance)
        return np.flatnonzero(~same)

    def _order_differs(self, misplaced: Rows) -> FrameDifference:
        first = int(misplaced[0]) + 1
        by = f" by {listed(self.rules.ordered)}" if isinstance(self.rules.ordered, tuple) else ""
        message = f"The rows are right, but not in the order asked for{by}: the first difference is in row {first:,}."
        backwards = np.arange(self.expected.rows)[::-1]
        checked = self._sequence_columns()
        is_reversed = all(
            self.actual.columns[index]
            .equal(backwards, self.expected.columns[index], backwards[::-1], self.tolerance)
            .all()
            for index in checked
        )
        wrong = [self._differs(index, misplaced, misplaced) for index in range(len(self.names))]
        pairs = Leftovers(misplaced, misplaced, wrong, (), misplaced[:0], misplaced[:0])
        return _stopped(
            "order",
            message,
            shapes.named("reversed" if is_reversed else "ordering"),
            right=(NAMES_RIGHT, TYPES_RIGHT, f"{_rows(self.expected.rows)} right, their order apart."),
            wrong=(f"{number_of(len(misplaced), 'row')} of {self.expected.rows:,} out of place",),
            examples=example_table(self.names, self.actual_table, self.expected_table, pairs, checked_first=checked),
            fraction_right=0.0,
        )

    def _differs(self, index: int, mine: Rows, theirs: Rows) -> Any:
        return ~self.actual.columns[index].equal(mine, self.expected.columns[index], theirs, self.tolerance)

    def _rows_differ(self, matching: Matching) -> FrameDifference:
        key = self._indices(self.rules.key)
        leftovers = pair_leftovers(
            self.actual, self.expected, matching, key, self.rules.ordered is True, self.tolerance
        )
        extra_copies, missing_copies = self._copies(leftovers, matching)
        wrong = self._findings(leftovers, extra_copies, missing_copies)
        shape = shapes.shape_of_rows(self._evidence(leftovers, matching, extra_copies, missing_copies))
        most = max(self.actual.rows, self.expected.rows)
        return _stopped(
            "rows",
            sentence(wrong),
            shape,
            right=self._right(leftovers, matching),
            wrong=tuple(wrong),
            examples=example_table(self.names, self.actual_table, self.expected_table, leftovers, checked_first=key),
            fraction_right=len(matching.theirs) / most,
        )

    def _copies(self, leftovers: Leftovers, matching: Matching) -> tuple[int, int]:
        """How many extra rows are copies of expected rows, and how many missing ones of rows that are there."""
        mine, theirs = self._row_hashes()
        extra = is_among(mine[leftovers.extra], np.sort(theirs[matching.theirs])).sum()
        missing = is_among(theirs[leftovers.missing], np.sort(mine[matching.mine])).sum()
        return int(extra), int(missing)

    def _row_hashes(self) -> tuple[Hashes, Hashes]:
        return (
            combined(self.actual.content_hashes(), self.actual.rows),
            combined(self.expected.content_hashes(), self.expected.rows),
        )

    def _findings(self, leftovers: Leftovers, extra_copies: int, missing_copies: int) -> list[str]:
        counts = [(int(flags.sum()), name) for flags, name in zip(leftovers.wrong, self.names, strict=True)]
        total = self.expected.rows
        of = f"of {number_of(total, 'row')}"
        findings = [
            f"`{name}` is wrong in {count:,} {of}" for count, name in sorted(counts, key=lambda item: -item[0]) if count
        ]
        missing, extra = len(leftovers.missing) - missing_copies, len(leftovers.extra) - extra_copies
        if missing:
            findings.append("all rows are missing" if missing == total else f"{_rows(missing)} missing")
        if missing_copies:
            findings.append(
                "1 row is there once too few"
                if missing_copies == 1
                else f"{missing_copies:,} copies of rows are missing"
            )
        if extra:
            findings.append(f"{_rows(extra)} not expected")
        if extra_copies == 1:
            findings.append("1 row is there twice" if self._doubled(leftovers) else "1 row is there once too often")
        elif extra_copies:
            findings.append(f"{extra_copies:,} rows are copies of others")
        return findings

    def _doubled(self, leftovers: Leftovers) -> bool:
        """Whether the one surplus copy makes two of its row."""
        mine, theirs = self._row_hashes()
        copies = mine[leftovers.extra][is_among(mine[leftovers.extra], np.sort(theirs))]
        return bool((mine == copies[0]).sum() == 2)

    def _right(self, leftovers: Leftovers, matching: Matching) -> tuple[str, ...]:
        right = [NAMES_RIGHT, TYPES_RIGHT]
        if len(matching.theirs):
            right.append(f"{len(matching.theirs):,} of {_rows(self.expected.rows)} right.")
        columns = [name for flags, name in zip(leftovers.wrong, self.names, strict=True) if not flags.any()]
        if len(leftovers.mine) and columns:
            right.append(
                f"{listed(columns)} {'is' if len(columns) == 1 else 'are'} right in every row that has a counterpart."
            )
        return tuple(right)

    def _evidence(
        self, leftovers: Leftovers, matching: Matching, extra_copies: int, missing_copies: int
    ) -> shapes.RowEvidence:
        order = np.argsort([-int(flags.sum()) for flags in leftovers.wrong], kind="stable")
        wrong = []
        for index in (int(place) for place in order if leftovers.wrong[place].any()):
            cells = np.flatnonzero(leftovers.wrong[index])[:LIMIT_ROWS_FOR_SHAPES]
            yours, theirs = self.actual_table.column(index), self.expected_table.column(index)
            wrong.append(
                shapes.WrongColumn(
                    self.names[index],
                    _taken(yours, leftovers.mine[cells]),
                    _taken(theirs, leftovers.theirs[cells]),
                    _taken(yours, np.arange(min(self.actual.rows, LIMIT_ROWS_FOR_SHAPES))),
                )
            )
        ordered = self.rules.ordered
        return shapes.RowEvidence(
            names=self.names,
            key=self._indices(self.rules.key) or leftovers.key[:1] * (len(leftovers.key) == 1),
            wrong=tuple(wrong),
            extra=self.actual_table.take(pa.array(leftovers.extra)),
            missing=self.expected_table.take(pa.array(leftovers.missing)),
            matched=self.expected_table.take(pa.array(matching.theirs)),
            extra_copies=extra_copies,
            missing_copies=missing_copies,
            actual_rows=self.actual.rows,
            expected_rows=self.expected.rows,
            sort_columns=self._indices(ordered) if isinstance(ordered, tuple) else (),
            limited=bool(ordered),
            joins=self.rules.joins,
        )


def _rows(count: int) -> str:
    return f"{number_of(count, 'row')} {'is' if count == 1 else 'are'}"


def _taken(column: pa.ChunkedArray, rows: Rows) -> pa.Array:
    taken = column.take(pa.array(rows))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken
