"""Pairs the rows that have no equal partner, so that "wrong in column c" can be said instead of "missing and extra"."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from autograder.compare.column import Flags, Hashes, Rows, Tolerance, combined, distinct
from autograder.compare.matching import Matching, Side, paired_by_hash

MAXIMUM_COLUMNS_FOR_COMBINATIONS = 12
MAXIMUM_ROWS_FOR_COMBINATIONS = 50_000


@dataclass(frozen=True)
class Leftovers:
    """What is wrong with the rows that have no equal partner.

    Row `mine[i]` of the answer belongs to `theirs[i]` of the expected rows, and `wrong[c][i]` says whether column c
    differs there. `key` are the columns by which they were paired, empty when by position. `extra` and `missing`
    belong to no row of the other side.
    """

    mine: Rows
    theirs: Rows
    wrong: list[Flags]
    key: tuple[int, ...]
    extra: Rows
    missing: Rows


def pair_leftovers(
    actual: Side, expected: Side, matching: Matching, key: tuple[int, ...], by_position: bool, tolerance: Tolerance
) -> Leftovers:
    """Pair by the key if it is given and found, else by whatever leaves the most cells equal."""
    mine_hashes = [hashes[matching.extra] for hashes in actual.content_hashes()]
    all_hashes = expected.content_hashes()
    theirs_hashes = [hashes[matching.missing] for hashes in all_hashes]
    best, most = _unpaired(expected, matching), 0
    for columns in [key] if key else _candidates(all_hashes, expected, len(matching.missing)):
        left, right = _paired(mine_hashes, theirs_hashes, columns)
        leftovers = _compared(actual, expected, matching, (left, right), columns, tolerance)
        right_cells = sum(int((~flags).sum()) for flags in leftovers.wrong)
        if right_cells > most:
            best, most = leftovers, right_cells
    if by_position or (actual.rows == expected.rows == 1):
        both = np.intersect1d(matching.extra, matching.missing)
        left, right = np.searchsorted(matching.extra, both), np.searchsorted(matching.missing, both)
        positional = _compared(actual, expected, matching, (left, right), (), tolerance)
        if len(both) and sum(int((~flags).sum()) for flags in positional.wrong) >= most:
            best = positional
    return best


def _candidates(hashes: list[Hashes], expected: Side, missing: int) -> list[tuple[int, ...]]:
    """Column sets that may identify a row, the simplest first."""
    every = tuple(range(len(hashes)))
    unique = [column for column in every if len(distinct(hashes[column])) == expected.rows]
    found: list[tuple[int, ...]] = [(column,) for column in unique]
    few = len(hashes) <= MAXIMUM_COLUMNS_FOR_COMBINATIONS and missing <= MAXIMUM_ROWS_FOR_COMBINATIONS
    if few:
        plain = [column for column in every if column not in unique and not expected.columns[column].float_heads()]
        found += [pair for pair in itertools.combinations(plain, 2) if _identifies(hashes, pair, expected.rows)]
    if len(hashes) > 1 and (few or not found):
        for column in every:
            rest = tuple(other for other in every if other != column)
            if column not in unique or _identifies(hashes, rest, expected.rows):
                found.append(rest)
    exact = tuple(column for column in every if not expected.columns[column].float_heads())
    if exact and exact != every:
        found.append(exact)
    return found


def _identifies(hashes: list[Hashes], columns: tuple[int, ...], rows: int) -> bool:
    return len(distinct(combined([hashes[column] for column in columns], rows))) == rows


def _paired(mine: list[Hashes], theirs: list[Hashes], columns: tuple[int, ...]) -> tuple[Rows, Rows]:
    left = combined([mine[column] for column in columns], len(mine[0]))
    right = combined([theirs[column] for column in columns], len(theirs[0]))
    return paired_by_hash(left, right)


def _compared(
    actual: Side,
    expected: Side,
    matching: Matching,
    pairs: tuple[Rows, Rows],
    key: tuple[int, ...],
    tolerance: Tolerance,
) -> Leftovers:
    order = np.argsort(matching.missing[pairs[1]], kind="stable")
    mine, theirs = matching.extra[pairs[0]][order], matching.missing[pairs[1]][order]
    wrong = [
        ~one.equal(mine, other, theirs, tolerance) for one, other in zip(actual.columns, expected.columns, strict=True)
    ]
    extra, missing = np.delete(matching.extra, pairs[0]), np.delete(matching.missing, pairs[1])
    return Leftovers(mine, theirs, wrong, key, extra, missing)


def _unpaired(expected: Side, matching: Matching) -> Leftovers:
    nothing = matching.extra[:0]
    return Leftovers(
        nothing, nothing, [np.zeros(0, dtype=np.bool_) for _ in expected.columns], (), matching.extra, matching.missing
    )
