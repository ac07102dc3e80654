"""One column prepared for comparing: a hash per row, and equality of chosen rows of two columns.

A nested value is taken apart into its leaves. What must match exactly (null or not, lengths, text, integers,
decimals, and whether a float is NaN, infinite or finite) goes into the hash. The size of a finite float does not:
floats are equal within a tolerance, and no hash can respect that. Maps are put in the order of their keys first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

SEED = 20_011
SINGLE_PRECISION_TOLERANCE = 2.0**-21
"""A FLOAT has 24 bits; a sum in another order differs in the last few of them, whatever tolerance is asked for."""

_NULL, _FINITE, _NAN, _INFINITE, _MINUS_INFINITE = range(5)


def _polars() -> Any:
    """Polars, loaded when something is compared: where answers are only captured, its half second would be lost."""
    import polars as pl

    return pl


@dataclass(frozen=True)
class Tolerance:
    """Floats are equal when `abs(a - b) <= absolute + relative * max(abs(a), abs(b))`.

    NaN equals NaN, and NULL if `nan_equals_null`.
    """

    relative: float = 1e-9
    absolute: float = 1e-12
    nan_equals_null: bool = False

    def close(self, one: Floats, other: Floats) -> Flags:
        """Element by element, for finite values."""
        with np.errstate(over="ignore"):
            allowed = self.absolute + self.relative * np.maximum(np.abs(one), np.abs(other))
            return np.asarray(np.abs(one - other) <= allowed)


def mixed(hashes: Hashes) -> Hashes:
    """Spread the bits of each hash (the finaliser of SplitMix64), so that sums of hashes do not collide by pattern."""
    result = hashes + np.uint64(0x9E3779B97F4A7C15)
    result ^= result >> np.uint64(30)
    result *= np.uint64(0xBF58476D1CE4E5B9)
    result ^= result >> np.uint64(27)
    result *= np.uint64(0x94D049BB133111EB)
    result ^= result >> np.uint64(31)
    return result


def combined(columns: list[Hashes], length: int) -> Hashes:
    """One hash per row from several; the order of the columns matters."""
    result = np.zeros(length, dtype=np.uint64)
    for hashes in columns:
        result = mixed(result * np.uint64(31) + hashes)
    return result


def distinct(values: Hashes) -> Hashes:
    """The different values in ascending order. By sorting, which is much faster here than `np.unique`."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def is_among(values: Hashes, others: Hashes) -> Flags:
    """For each value whether it occurs among the others, which are in ascending order."""
    if not len(others):
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(others, values), len(others) - 1)
    return np.asarray(others[places] == values)


class Column(ABC):
    """A prepared column (or leaf of one)."""

    length: int

    @abstractmethod
    def hashes(self) -> Hashes:
        """One hash per row of all that must match exactly."""

    @abstractmethod
    def equal(self, rows: Rows, other: Column, other_rows: Rows, tolerance: Tolerance) -> Flags:
        """Whether row `rows[i]` here equals row `other_rows[i]` of the other column, for every i."""

    @abstractmethod
    def float_heads(self) -> list[Floats]:
        """For each float leaf, one number per row that must be close in rows that are equal: the value, or the
        first of a list."""


class ExactColumn(Column):
    """Values that are equal or not: integers, text, decimals, dates, binary."""

    def __init__(self, array: pa.ChunkedArray) -> None:
        pl = _polars()
        self.values = pl.Series(pl.from_arrow(array))
        self.length = len(array)
        is_number = self.values.dtype.is_integer() or self.values.dtype.is_temporal()
        # Plain numpy gathers and compares several times faster.
        self.numbers = self.values.to_physical().to_numpy() if is_number and not array.null_count else None

    def hashes(self) -> Hashes:
        return np.asarray(self.values.hash(SEED).to_numpy())

    def equal(self, rows: Rows, other: Column, other_rows: Rows, tolerance: Tolerance) -> Flags:
        assert isinstance(other, ExactColumn)
        if self.values.dtype == _polars().Null:
            return np.ones(len(rows), dtype=np.bool_)
        if self.numbers is not None and other.numbers is not None:
            return np.asarray(self.numbers[rows] == other.numbers[other_rows])
        return np.asarray(self.values.gather(rows).eq_missing(other.values.gather(other_rows)).to_numpy())

    def float_heads(self) -> list[Floats]:
        return []


class FloatColumn(Column):
    """DOUBLE and FLOAT.

    `kinds` tells null, NaN, both infinities and finite apart; `values` is 0 where it is not finite.
    """

    def __init__(self, array: pa.ChunkedArray, nan_equals_null: bool) -> None:
        self.length = len(array)
        self.single_precision = pa.types.is_float32(array.type)
        values = np.asarray(pc.fill_null(array, 0.0).to_numpy(), dtype=np.float64)
        finite = np.isfinite(values)
        self.kinds = np.full(self.length, _FINITE, dtype=np.int8)
        if not finite.all():
            self.kinds[np.isnan(values)] = _NAN
            self.kinds[values == np.inf] = _INFINITE
            self.kinds[values == -np.inf] = _MINUS_INFINITE
            values = np.where(finite, values, 0.0)
        if array.null_count:
            pl = _polars()
            self.kinds[np.asarray(pl.Series(pl.from_arrow(array.is_null())).to_numpy())] = _NULL
        if nan_equals_null:
            self.kinds[self.kinds == _NAN] = _NULL
        self.values = values

    def hashes(self) -> Hashes:
        return mixed(self.kinds.astype(np.uint64))

    def equal(self, rows: Rows, other: Column, other_rows: Rows, tolerance: Tolerance) -> Flags:
        assert isinstance(other, FloatColumn)
        if self.single_precision:
            relative = max(tolerance.relative, SINGLE_PRECISION_TOLERANCE)
            tolerance = Tolerance(relative, tolerance.absolute, tolerance.nan_equals_null)
        close = tolerance.close(self.values[rows], other.values[other_rows])
        return np.asarray(close & (self.kinds[rows] == other.kinds[other_rows]))

    def float_heads(self) -> list[Floats]:
        return [self.values]


class ListColumn(Column):
    """ARRAY, and MAP as an array of entries.

    Row i has `lengths[i]` children from `starts[i]` on; `valid[i]` is false for NULL.
    """

    def __init__(self, starts: Rows, lengths: Rows, valid: Flags, child: Column) -> None:
        self.starts, self.lengths, self.valid, self.child = starts, lengths, valid, child
        self.length = len(starts)

    def hashes(self) -> Hashes:
        ends = np.cumsum(self.lengths)
        first = ends - self.lengths
        positions = (np.arange(int(self.lengths.sum())) - np.repeat(first, self.lengths)).astype(np.uint64)
        children = self.child.hashes()[self._elements(np.arange(self.length))]
        spread = mixed(children + positions * np.uint64(0xD1B54A32D192ED03))
        totals = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(spread, dtype=np.uint64)])
        sums = totals[ends] - totals[first]
        return mixed(sums + np.where(self.valid, self.lengths + 1, 0).astype(np.uint64))

    def _elements(self, rows: Rows) -> Rows:
        """The positions of the children of these rows, one row after the other."""
        lengths = self.lengths[rows]
        first = np.cumsum(lengths) - lengths
        return np.asarray(np.arange(int(lengths.sum())) + np.repeat(self.starts[rows] - first, lengths))

    def equal(self, rows: Rows, other: Column, other_rows: Rows, tolerance: Tolerance) -> Flags:
        assert isinstance(other, ListColumn)
        result = (self.valid[rows] == other.valid[other_rows]) & (self.lengths[rows] == other.lengths[other_rows])
        pairs = np.flatnonzero(result & (self.lengths[rows] > 0))
        mine, theirs = self._elements(rows[pairs]), other._elements(other_rows[pairs])
        same = self.child.equal(mine, other.child, theirs, tolerance)
        owners = np.repeat(pairs, self.lengths[rows[pairs]])
        result[owners[~same]] = False
        return np.asarray(result)

    def float_heads(self) -> list[Floats]:
        full = self.lengths > 0
        first = np.where(full, self.starts, 0)
        return [
            np.where(full, head[first], 0.0) if len(head) else np.zeros(self.length)
            for head in self.child.float_heads()
        ]


class StructColumn(Column):
    """STRUCT. A NULL struct differs from a struct of NULLs."""

    def __init__(self, valid: Flags, children: list[Column]) -> None:
        self.valid, self.children = valid, children
        self.length = len(valid)

    def hashes(self) -> Hashes:
        inner = combined([child.hashes() for child in self.children], self.length)
        return np.where(self.valid, mixed(inner + np.uint64(1)), np.uint64(0))

    def equal(self, rows: Rows, other: Column, other_rows: Rows, tolerance: Tolerance) -> Flags:
        assert isinstance(other, StructColumn)
        same = np.ones(len(rows), dtype=np.bool_)
        for mine, theirs in zip(self.children, other.children, strict=True):
            same &= mine.equal(rows, theirs, other_rows, tolerance)
        valid = self.valid[rows]
        return np.asarray((valid == other.valid[other_rows]) & (same | ~valid))

    def float_heads(self) -> list[Floats]:
        return [np.where(self.valid, head, 0.0) for child in self.children for head in child.float_heads()]


def prepared(array: pa.ChunkedArray | pa.Array, nan_equals_null: bool = False) -> Column:
    """Prepare an Arrow column of one of the storage types of `spark_types.arrow_type`."""
    kind = array.type
    if pa.types.is_floating(kind):
        return FloatColumn(array, nan_equals_null)
    if not pa.types.is_nested(kind):
        return ExactColumn(array)
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    valid = np.asarray(whole.is_valid().to_numpy(zero_copy_only=False))
    if pa.types.is_struct(kind):
        # flatten() hides the children of NULL structs, field() does not; hidden children must not differ.
        return StructColumn(valid, [prepared(child, nan_equals_null) for child in whole.flatten()])
    starts = np.asarray(whole.offsets.to_numpy(), dtype=np.int64)
    lengths = np.where(valid, np.diff(starts), 0)
    if pa.types.is_map(kind):
        return _prepared_map(whole, starts[:-1], lengths, valid, nan_equals_null)
    return ListColumn(starts[:-1], lengths, valid, prepared(whole.values, nan_equals_null))


def _prepared_map(array: pa.MapArray, starts: Rows, lengths: Rows, valid: Flags, nan_equals_null: bool) -> Column:
    owners = np.repeat(np.arange(len(starts)), lengths)
    first = np.cumsum(lengths) - lengths
    entries = np.arange(len(owners)) + np.repeat(starts - first, lengths)
    keys, items = array.keys.take(pa.array(entries)), array.items.take(pa.array(entries))
    pl = _polars()
    order = (
        pl.DataFrame({"owner": owners, "key": pl.from_arrow(keys)})
        .select(pl.arg_sort_by("owner", "key"))
        .to_series()
        .to_numpy()
    )
    children = [prepared(part.take(pa.array(order)), nan_equals_null) for part in (keys, items)]
    return ListColumn(first, lengths, valid, StructColumn(np.ones(len(owners), dtype=np.bool_), children))
