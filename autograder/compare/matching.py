"""Finds for each row of an answer its partner among the expected rows, as a multiset, floats within a tolerance.

Rows are grouped by a hash of all that must match exactly. In a group, rows are put in the order of their floats and
compared pairwise; where that does not settle a group (rounding noise in one float column can change the order of
another), a maximum matching does. Hashes only propose partners: rows count as equal when all their values are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autograder.compare.column import (
    SINGLE_PRECISION_TOLERANCE,
    Column,
    Flags,
    Floats,
    Hashes,
    Rows,
    Tolerance,
    combined,
    distinct,
    is_among,
)

MAXIMUM_CANDIDATES = 4_000_000
"""Pairs that the exact matching looks at; above it, rows with very many equal-looking partners are matched in
order only."""


class Side:
    """One of the two frames: its prepared columns, in the order of the expected ones."""

    def __init__(self, columns: list[Column], rows: int) -> None:
        self.columns = columns
        self.rows = rows
        self.column_hashes: list[Hashes] = [column.hashes() for column in columns]
        self.hashes = combined(self.column_hashes, rows)
        self._contents: list[Hashes] | None = None
        self.heads: list[Floats] = [head for column in columns for head in column.float_heads()]

    def content_hashes(self) -> list[Hashes]:
        """One hash per column and row that respects floats too, to about seven digits.

        Good for finding what belongs together, no more.
        """
        if self._contents is None:
            self._contents = []
            for column, hashes in zip(self.columns, self.column_hashes, strict=True):
                with np.errstate(over="ignore"):
                    floats = [
                        (head.astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)
                        for head in column.float_heads()
                    ]
                self._contents.append(combined([hashes, *floats], self.rows))
        return self._contents


@dataclass(frozen=True)
class Matching:
    """`mine[i]` of the answer is the partner of `theirs[i]` of the expected rows; `extra` and `missing` have no
    partner."""

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


def paired_by_hash(
    mine: Hashes, theirs: Hashes, mine_order: Rows | None = None, theirs_order: Rows | None = None
) -> tuple[Rows, Rows]:
    """Pair the n-th row of each hash here with the n-th row of the same hash there, in the given orders."""
    mine_order = np.argsort(mine, kind="stable") if mine_order is None else mine_order
    theirs_order = np.argsort(theirs, kind="stable") if theirs_order is None else theirs_order
    mine_sorted, theirs_sorted = mine[mine_order], theirs[theirs_order]
    if np.array_equal(mine_sorted, theirs_sorted):
        return mine_order, theirs_order
    return mine_order[_paired(mine_sorted, theirs_sorted)], theirs_order[_paired(theirs_sorted, mine_sorted)]


def _paired(ordered: Hashes, others: Hashes) -> Flags:
    """Which of the ordered hashes have a partner: the n-th occurrence of a hash, when it occurs at least n times
    in `others`."""
    occurrence = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, side="left")
    available = np.searchsorted(others, ordered, side="right") - np.searchsorted(others, ordered, side="left")
    return np.asarray(occurrence < available)


def _settle_groups(
    actual: Side, expected: Side, mine: Rows, theirs: Rows, same: Flags, tolerance: Tolerance
) -> tuple[Rows, Rows]:
    """Keep the groups in which every pair is equal, for they cannot have more pairs; match the rows of the others anew.

    They are split where the gap between two floats is wider than the tolerance, and paired in order once more. What
    that does not settle gets a maximum matching.
    """
    kept, mine_left, theirs_left = _unsettled(actual.hashes, expected.hashes, mine, theirs, same)
    found = [(mine[kept], theirs[kept])]
    groups = _split(actual, expected, mine_left, theirs_left, tolerance)
    orders = [
        _order(part, [head[rows] for head in side.heads])
        for part, side, rows in zip(groups, (actual, expected), (mine_left, theirs_left), strict=True)
    ]
    left, right = paired_by_hash(*groups, *orders)
    same = rows_equal(actual, mine_left[left], expected, theirs_left[right], tolerance)
    kept, left_again, right_again = _unsettled(*groups, left, right, same)
    found.append((mine_left[left[kept]], theirs_left[right[kept]]))
    if len(left_again):
        rows = (mine_left[left_again], theirs_left[right_again])
        found.append(_best_matching(actual, expected, rows, (groups[0][left_again], groups[1][right_again]), tolerance))
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])


def _unsettled(mine: Hashes, theirs: Hashes, left: Rows, right: Rows, same: Flags) -> tuple[Flags, Rows, Rows]:
    """The pairs of groups without an unequal pair, and the rows on both sides of the other groups."""
    doubtful = distinct(mine[left[~same]])
    kept = ~is_among(mine[left], doubtful)
    return kept, np.flatnonzero(is_among(mine, doubtful)), np.flatnonzero(is_among(theirs, doubtful))


def _split(actual: Side, expected: Side, mine: Rows, theirs: Rows, tolerance: Tolerance) -> tuple[Hashes, Hashes]:
    """Groups that are smaller than those of the hashes, but never part two rows that are equal within the tolerance."""
    parts = [np.concatenate([actual.hashes[mine], expected.hashes[theirs]])]
    wide = _widest(tolerance)
    for one, other in zip(actual.heads, expected.heads, strict=True):
        values = np.concatenate([one[mine], other[theirs]])
        order = np.argsort(values, kind="stable")
        gaps = ~wide.close(values[order][1:], values[order][:-1])
        cluster = np.zeros(len(values), dtype=np.uint64)
        cluster[order[1:]] = np.cumsum(gaps)
        parts.append(cluster)
    groups = combined(parts, len(parts[0]))
    return groups[: len(mine)], groups[len(mine) :]


def _widest(tolerance: Tolerance) -> Tolerance:
    """The tolerance of FLOAT columns, which is never narrower than that of the others."""
    return Tolerance(max(tolerance.relative, SINGLE_PRECISION_TOLERANCE), tolerance.absolute)


def _best_matching(
    actual: Side, expected: Side, rows: tuple[Rows, Rows], groups: tuple[Hashes, Hashes], tolerance: Tolerance
) -> tuple[Rows, Rows]:
    """A maximum matching of equal rows; with too many candidates, of the identical rows first and then of the
    nearest."""
    mine, theirs = rows
    settled = (mine[:0], theirs[:0])
    starts, counts, order = _candidates(actual, expected, rows, groups, tolerance)
    if counts.sum() > MAXIMUM_CANDIDATES:
        left, right = _identical(actual, expected, mine, theirs)
        settled = (mine[left], theirs[right])
        mine, theirs = np.delete(mine, left), np.delete(theirs, right)
        groups = (np.delete(groups[0], left), np.delete(groups[1], right))
        starts, counts, order = _candidates(actual, expected, (mine, theirs), groups, tolerance)
    if counts.sum() > MAXIMUM_CANDIDATES:
        most = max(1, MAXIMUM_CANDIDATES // len(mine))
        starts = starts + np.maximum(0, counts - most) // 2
        counts = np.minimum(counts, most)
    left = np.repeat(np.arange(len(mine)), counts)
    right = order[np.arange(int(counts.sum())) + np.repeat(starts - (np.cumsum(counts) - counts), counts)]
    equal = rows_equal(actual, mine[left], expected, theirs[right], tolerance)
    left, right = left[equal], right[equal]
    if not len(left):
        return settled
    # Few answers come here, and SciPy takes half a second to load.
    from scipy.sparse import coo_array  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import maximum_bipartite_matching  # type: ignore[import-untyped]

    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(mine), len(theirs))).tocsr()
    partner = np.asarray(maximum_bipartite_matching(graph, perm_type="column"), dtype=np.int64)
    found = partner >= 0
    return np.concatenate([settled[0], mine[found]]), np.concatenate([settled[1], theirs[partner[found]]])


def _identical(actual: Side, expected: Side, mine: Rows, theirs: Rows) -> tuple[Rows, Rows]:
    """Places in `mine` and `theirs` of pairs with the same hash and the same bits in every float."""
    # Adding 0.0 turns -0.0 into 0.0.
    hashes = [
        combined([side.hashes[rows], *((head[rows] + 0.0).view(np.uint64) for head in side.heads)], len(rows))
        for side, rows in ((actual, mine), (expected, theirs))
    ]
    left, right = paired_by_hash(hashes[0], hashes[1])
    exact = rows_equal(actual, mine[left], expected, theirs[right], Tolerance(0.0, 0.0))
    return left[exact], right[exact]


def _candidates(
    actual: Side, expected: Side, rows: tuple[Rows, Rows], groups: tuple[Hashes, Hashes], tolerance: Tolerance
) -> tuple[Rows, Rows, Rows]:
    """Whom each row may be paired with: a run in the expected rows of its group, ordered by the most varied float.

    Returns for each row of the answer the start and the length of its run in `order`, and `order`, places in `rows[1]`.
    """
    mine, theirs = rows
    head = max(
        range(len(expected.heads)), key=lambda index: len(distinct(expected.heads[index][theirs].view(np.uint64)))
    )
    values, other_values = actual.heads[head][mine], expected.heads[head][theirs]
    known = distinct(np.concatenate(groups))
    group, other_group = np.searchsorted(known, groups[0]), np.searchsorted(known, groups[1])
    ranks = np.sort(other_values)
    rank = np.searchsorted(ranks, other_values)
    place = other_group * (len(ranks) + 1) + rank
    order = np.argsort(place, kind="stable")
    wide = _widest(tolerance)
    # The partner's magnitude may exceed one's own by the tolerance itself, hence the division.
    width = np.full(len(mine), np.inf)
    if wide.relative < 1:
        width = (wide.absolute + wide.relative * np.abs(values)) / (1 - wide.relative) * (1 + 1e-9)
    low = np.searchsorted(ranks, values - width, side="left")
    high = np.searchsorted(ranks, values + width, side="right")
    starts = np.searchsorted(place[order], group * (len(ranks) + 1) + low, side="left")
    ends = np.searchsorted(place[order], group * (len(ranks) + 1) + high, side="left")
    return starts, np.maximum(ends - starts, 0), order
