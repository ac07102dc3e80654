"""At most five rows that show a difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from autograder.compare.column import Rows
from autograder.compare.pairing import Leftovers
from autograder.compare.text import python_value, shown, shown_pair
from autograder.models import Cell, ExampleTable

MAXIMUM_ROWS = 5
MAXIMUM_COLUMNS = 8


def example_table(
    names: tuple[str, ...], actual: pa.Table, expected: pa.Table, leftovers: Leftovers, checked_first: tuple[int, ...]
) -> ExampleTable:
    """Wrong rows with their pairs of cells, missing rows and extra rows, some of each kind that there is.

    `actual` and `expected` have the columns of `names` in this order; `checked_first` are the columns to show first,
    such as the key.
    """
    wrong_count, missing_count, extra_count = _shares(len(leftovers.mine), len(leftovers.missing), len(leftovers.extra))
    columns = _columns(len(names), leftovers, checked_first)
    rows: list[tuple[Any, ...]] = []
    for pair in range(wrong_count):
        yours = _row(actual, int(leftovers.mine[pair]), columns)
        theirs = _row(expected, int(leftovers.theirs[pair]), columns)
        wrong = [bool(leftovers.wrong[column][pair]) for column in columns]
        rows.append(tuple(_cell(*cell) for cell in zip(yours, theirs, wrong, strict=True)))
    for table, places in (
        (expected, leftovers.missing[:missing_count]),
        (actual, _steady(actual, leftovers.extra, extra_count)),
    ):
        rows += [tuple(shown(value) for value in _row(table, int(place), columns)) for place in places]
    kinds = ("wrong",) * wrong_count + ("missing",) * missing_count + ("extra",) * extra_count
    return ExampleTable(tuple(names[column] for column in columns), tuple(rows), kinds)


def _cell(yours: Any, theirs: Any, is_wrong: bool) -> Any:
    return Cell(*shown_pair(yours, theirs)) if is_wrong else shown(theirs)


def _shares(wrong: int, missing: int, extra: int) -> tuple[int, int, int]:
    """How many rows of each kind to show: in turn, until five are chosen."""
    available, chosen = [wrong, missing, extra], [0, 0, 0]
    while sum(chosen) < MAXIMUM_ROWS and chosen != available:
        for kind in range(3):
            if chosen[kind] < available[kind] and sum(chosen) < MAXIMUM_ROWS:
                chosen[kind] += 1
    return chosen[0], chosen[1], chosen[2]


def _columns(count: int, leftovers: Leftovers, checked_first: tuple[int, ...]) -> list[int]:
    """Key columns, then wrong ones, then the others, as far as they fit."""
    wrong = sorted(
        (index for index in range(count) if leftovers.wrong[index].any()),
        key=lambda index: -leftovers.wrong[index].sum(),
    )
    key = checked_first or (leftovers.key if len(leftovers.key) <= 2 else ())
    return list(dict.fromkeys([*key, *wrong, *range(count)]))[:MAXIMUM_COLUMNS]


def _steady(table: pa.Table, rows: Rows, count: int) -> Rows:
    """Some of the rows, the same ones however the answer's rows happen to be ordered."""
    some = rows[:1_000]
    texts = [str(row) for row in _rows(table, some)]
    return some[np.argsort(np.array(texts, dtype=object), kind="stable")][:count] if len(some) else some


def _rows(table: pa.Table, rows: Rows) -> list[list[Any]]:
    return [[python_value(column[int(row)]) for column in table.columns] for row in rows]


def _row(table: pa.Table, row: int, columns: list[int]) -> list[Any]:
    return [python_value(table.column(column)[row]) for column in columns]
