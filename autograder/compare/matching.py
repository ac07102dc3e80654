"""Finds for each row of an answer its partner among the expected rows, as a multiset, with floats equal within a tolerance.

Rows are grouped by a hash of all that must match exactly. In a group, rows are put in the order of their floats and compared pairwise;
where that does not settle a group (rounding noise in one float column can change the order of another), a maximum matching does.
Hashes only propose partners: rows count as equal when all their values are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from autograder.compare.column import Column, Flags, Floats, Hashes, Rows, Tolerance, combined

MAXIMUM_CANDIDATES = 4_000_000
"""Pairs that the exact matching looks at; above it, rows with very many equal-looking partners are matched in order only."""


class Side:
    """One of the two frames: its prepared columns, in the order of the expected ones."""

    def __init__(self, columns: list[Column], rows: int) -> None:
        self.columns = columns
        self.rows = rows
        self.column_hashes: list[Hashes] = [column.hashes() for column in columns]
        self.hashes = combined(self.column_hashes, rows)
        self.heads: list[Floats] = [head for column in columns for head in column.float_heads()]


@dataclass(frozen=True)
class Matching:
    """`mine[i]` of the answer is the partner of `theirs[i]` of the expected rows; `extra` and `missing` have no partner."""

    mine: Rows
    theirs: Rows
    extra: Rows
    missing: Rows


def rows_equal(actual: Side, mine: Rows, expected: Side, theirs: Rows, tolerance: Tolerance) -> Flags:
    """Whether all columns are equal, pair by pair."""
    same = np.ones(len(mine), dtype=np.bool_)
    for one, other in zip(actual.columns, expected.columns, strict=True):
        same &= one.equal(mine, other, theirs, tolerance)
    return same


def match_rows(actual: Side, expected: Side, tolerance: Tolerance) -> Matching:
    """Pair equal rows, as many as possible."""
    if actual.rows == expected.rows and np.array_equal(actual.hashes, expected.hashes):
        rows = np.arange(actual.rows)
        if rows_equal(actual, rows, expected, rows, tolerance).all():
            return Matching(rows, rows, rows[:0], rows[:0])
    mine_order, theirs_order = _order(actual.hashes, actual.heads), _order(expected.hashes, expected.heads)
    mine, theirs = paired_by_hash(actual.hashes, expected.hashes, mine_order, theirs_order)
    same = rows_equal(actual, mine, expected, theirs, tolerance)
    if len(mine) == actual.rows == expected.rows and same.all():
        return Matching(mine, theirs, mine[:0], mine[:0])
    if expected.heads:
        mine, theirs = _settle_groups(actual, expected, mine, theirs, same, tolerance)
    else:
        mine, theirs = mine[same], theirs[same]
    return Matching(mine, theirs, _others(mine, actual.rows), _others(theirs, expected.rows))


def _others(rows: Rows, length: int) -> Rows:
    free = np.ones(length, dtype=np.bool_)
    free[rows] = False
    return np.flatnonzero(free)


def _order(hashes: Hashes, heads: list[Floats]) -> Rows:
    """Row numbers by hash; rows with the same hash by their floats."""
    order = np.argsort(hashes, kind="stable" if not heads else None)
    if not heads or len(order) < 2:
        return order
    ordered = hashes[order]
    repeated = ordered[1:] == ordered[:-1]
    if not repeated.any():
        return order
    places = np.flatnonzero(np.append(repeated, False) | np.insert(repeated, 0, False))
    rows = order[places]
    order[places] = rows[np.lexsort([*(head[rows] for head in reversed(heads)), hashes[rows]])]
    return order


def paired_by_hash(mine: Hashes, theirs: Hashes, mine_order: Rows | None = None, theirs_order: Rows | None = None) -> tuple[Rows, Rows]:
    """Pair the n-th row of each hash here with the n-th row of the same hash there, in the given orders."""
    mine_order = np.argsort(mine, kind="stable") if mine_order is None else mine_order
    theirs_order = np.argsort(theirs, kind="stable") if theirs_order is None else theirs_order
    mine_sorted, theirs_sorted = mine[mine_order], theirs[theirs_order]
    if np.array_equal(mine_sorted, theirs_sorted):
        return mine_order, theirs_order
    return mine_order[_paired(mine_sorted, theirs_sorted)], theirs_order[_paired(theirs_sorted, mine_sorted)]


def _paired(ordered: Hashes, others: Hashes) -> Flags:
    """Which of the ordered hashes have a partner: the n-th occurrence of a hash, when it occurs at least n times in `others`."""
    occurrence = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, side="left")
    available = np.searchsorted(others, ordered, side="right") - np.searchsorted(others, ordered, side="left")
    return np.asarray(occurrence < available)


def _settle_groups(
    actual: Side, expected: Side, mine: Rows, theirs: Rows, same: Flags, tolerance: Tolerance
) -> tuple[Rows, Rows]:
    """Keep the pairs of groups in which every pair is equal; match the other groups of several rows anew."""
    doubtful = np.unique(actual.hashes[mine[~same]])
    kept = ~np.isin(actual.hashes[mine], doubtful)
    # A group with more rows on one side was paired from the smallest float upwards, which can be off by one.
    uneven = _uneven(actual.hashes, expected.hashes)
    kept &= ~np.isin(actual.hashes[mine], uneven)
    groups = np.union1d(doubtful, uneven)
    mine_left = np.flatnonzero(np.isin(actual.hashes, groups))
    theirs_left = np.flatnonzero(np.isin(expected.hashes, groups))
    new_mine, new_theirs = _best_matching(actual, expected, mine_left, theirs_left, tolerance)
    return np.concatenate([mine[kept], new_mine]), np.concatenate([theirs[kept], new_theirs])


def _uneven(mine: Hashes, theirs: Hashes) -> Hashes:
    """Hashes that occur on both sides, but not equally often."""
    values, counts = np.unique(mine, return_counts=True)
    other_values, other_counts = np.unique(theirs, return_counts=True)
    common, here, there = np.intersect1d(values, other_values, assume_unique=True, return_indices=True)
    return common[counts[here] != other_counts[there]]


def _best_matching(actual: Side, expected: Side, mine: Rows, theirs: Rows, tolerance: Tolerance) -> tuple[Rows, Rows]:
    """A maximum matching of equal rows; with too many candidates, identical rows are paired off first and then the nearest tried."""
    settled_mine, settled_theirs = mine[:0], theirs[:0]
    starts, counts, order = _candidates(actual, expected, mine, theirs, tolerance)
    if counts.sum() > MAXIMUM_CANDIDATES:
        settled_mine, settled_theirs = _identical(actual, expected, mine, theirs)
        mine, theirs = np.setdiff1d(mine, settled_mine), np.setdiff1d(theirs, settled_theirs)
        starts, counts, order = _candidates(actual, expected, mine, theirs, tolerance)
    if counts.sum() > MAXIMUM_CANDIDATES:
        most = max(1, MAXIMUM_CANDIDATES // len(mine))
        starts = starts + np.maximum(0, counts - most) // 2
        counts = np.minimum(counts, most)
    left = np.repeat(np.arange(len(mine)), counts)
    right = order[np.arange(int(counts.sum())) + np.repeat(starts - (np.cumsum(counts) - counts), counts)]
    equal = rows_equal(actual, mine[left], expected, theirs[right], tolerance)
    left, right = left[equal], right[equal]
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(mine), len(theirs))).tocsr()
    partner = np.asarray(maximum_bipartite_matching(graph, perm_type="column"), dtype=np.int64) if len(left) else np.full(len(mine), -1)
    found = partner >= 0
    return np.concatenate([settled_mine, mine[found]]), np.concatenate([settled_theirs, theirs[partner[found]]])


def _identical(actual: Side, expected: Side, mine: Rows, theirs: Rows) -> tuple[Rows, Rows]:
    """Pair rows with the same hash and the same bits in every float."""
    sides = ((actual, mine), (expected, theirs))
    # Adding 0.0 turns -0.0 into 0.0.
    hashes = [
        combined([side.hashes[rows], *((head[rows] + 0.0).view(np.uint64) for head in side.heads)], len(rows)) for side, rows in sides
    ]
    left, right = paired_by_hash(hashes[0], hashes[1])
    exact = rows_equal(actual, mine[left], expected, theirs[right], Tolerance(0.0, 0.0))
    return mine[left[exact]], theirs[right[exact]]


def _candidates(actual: Side, expected: Side, mine: Rows, theirs: Rows, tolerance: Tolerance) -> tuple[Rows, Rows, Rows]:
    """For each of `mine`, the run of `theirs[order]` with the same hash and a close value in the most varied float: start and count."""
    head = max(range(len(expected.heads)), key=lambda index: len(np.unique(expected.heads[index][theirs])))
    values, other_values = actual.heads[head][mine], expected.heads[head][theirs]
    groups = np.unique(np.concatenate([actual.hashes[mine], expected.hashes[theirs]]), return_inverse=True)[1]
    group, other_group = groups[: len(mine)], groups[len(mine) :]
    ranks, rank = np.unique(other_values, return_inverse=True)
    place = other_group * (len(ranks) + 1) + rank
    order = np.argsort(place, kind="stable")
    # |b| may exceed |a| by the tolerance itself, hence the division; SINGLE_PRECISION columns may be off by more than `relative`.
    relative = max(tolerance.relative, 2.0**-21)
    width = np.inf if relative >= 1 else (tolerance.absolute + relative * np.abs(values)) / (1 - relative) * (1 + 1e-9)
    low = np.searchsorted(ranks, values - width, side="left")
    high = np.searchsorted(ranks, values + width, side="right")
    starts = np.searchsorted(place[order], group * (len(ranks) + 1) + low, side="left")
    ends = np.searchsorted(place[order], group * (len(ranks) + 1) + high, side="left")
    return starts, np.maximum(ends - starts, 0), order
