"""Random cells as Spark expressions: each is a hash of table, column, seed and row number, and of nothing else."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Cells:
    """Draws for the columns of one table.

    In every method `name` names the draw (other names give independent draws) and `ids` are the integer columns that
    identify the row, so that another table can repeat a draw by giving the same ids.
    """

    table: str
    seed: int

    def bits(self, name: str, *ids: Column) -> Column:
        """64 random bits as BIGINT."""
        digest = hashlib.sha256(f"{self.table}.{name}.{self.seed}".encode()).digest()
        column_seed = int.from_bytes(digest[:8], "big", signed=True)
        return F.xxhash64(F.lit(column_seed).cast("bigint"), *(identifier.cast("bigint") for identifier in ids))

    def uniform(self, name: str, *ids: Column) -> Column:
        """A DOUBLE, evenly spread over [0, 1)."""
        return F.shiftrightunsigned(self.bits(name, *ids), 11) * F.lit(2.0**-53)

    def chance(self, name: str, rate: float, *ids: Column) -> Column:
        """True with probability `rate`."""
        return self.uniform(name, *ids) < F.lit(rate)

    def integer(self, name: str, low: int, high: int, *ids: Column) -> Column:
        """A BIGINT from `low` to `high`, both included, all equally likely."""
        return F.pmod(self.bits(name, *ids), F.lit(high - low + 1)) + F.lit(low)

    def normal(self, name: str, *ids: Column) -> Column:
        """A DOUBLE, nearly standard normal: Tukey's lambda quantile with lambda 0.135, cut at about +-5.

        It needs only `pow`, which Spark computes with Java's StrictMath, hence the same on every machine.
        """
        share = self.uniform(name, *ids)
        return (F.pow(share, F.lit(0.135)) - F.pow(F.lit(1.0) - share, F.lit(0.135))) / F.lit(0.1975)

    def pick(self, name: str, values: Sequence[str], *ids: Column) -> Column:
        """One of many STRING values, all equally likely."""
        return element(texts(values), self.integer(name, 0, len(values) - 1, *ids))

    def weighted(self, name: str, weights: dict[str, float], *ids: Column) -> Column:
        """One of a few STRING values, with probabilities proportional to the weights."""
        share = self.uniform(name, *ids) * F.lit(float(sum(weights.values())))
        *first, last = weights
        reached = 0.0
        chosen: Column | None = None
        for value in first:
            reached += weights[value]
            below = share < F.lit(reached)
            chosen = F.when(below, F.lit(value)) if chosen is None else chosen.when(below, F.lit(value))
        return F.lit(last) if chosen is None else chosen.otherwise(F.lit(last))

    def subset(self, name: str, values: Sequence[str], most: int, *ids: Column) -> Column:
        """An ARRAY<STRING> of one to `most` different values, without order."""
        draws = F.array(*(self.pick(f"{name}.{position}", values, *ids) for position in range(most)))
        length = self.integer(f"{name}.length", 1, most, *ids).cast("int")
        return F.array_distinct(F.slice(draws, F.lit(1), length))

    def unless(self, name: str, rate: float, value: Column, *ids: Column) -> Column:
        """`value`, or null with probability `rate`."""
        return F.when(~self.chance(f"{name}.null", rate, *ids), value)

    def zipf(self, name: str, count: int, exponent: float, *ids: Column) -> Column:
        """A BIGINT from 1 to `count` whose frequencies fall with popularity rank as rank**-exponent (exponent not 1).

        Inverse of the continuous cumulative distribution; the ranks are then shuffled, so that 1 is not the favourite.
        """
        power = 1.0 - exponent
        span = F.lit(math.pow(count + 1, power) - 1.0) * self.uniform(name, *ids) + F.lit(1.0)
        rank = F.least(F.floor(F.pow(span, F.lit(1.0 / power))), F.lit(count))
        return self._shuffled(rank, count)

    def _shuffled(self, rank: Column, count: int) -> Column:
        """A one-to-one map of 1..count onto itself that depends on the seed."""
        digest = hashlib.sha256(f"{self.table}.shuffle.{self.seed}".encode()).digest()
        offset = int.from_bytes(digest[:6], "big") % count
        factor = max(1, int(count * 0.618))
        while math.gcd(factor, count) != 1:
            factor += 1
        return F.pmod(rank * F.lit(factor) + F.lit(offset), F.lit(count)) + F.lit(1)

    def active(self, identifier: Column, block: int) -> Column:
        """`identifier`, or its predecessor where it is the one inactive member of its block of `block` neighbours.

        References drawn through this never reach the inactive members: customers without orders, products never sold.
        """
        member = F.pmod(identifier - F.lit(1), F.lit(block))
        inactive = self.integer("inactive", 1, block - 1, F.floor((identifier - F.lit(1)) / F.lit(block)))
        return F.when(member == inactive, identifier - F.lit(1)).otherwise(identifier)

    def source(self, name: str, rate: float, identifier: Column) -> Column:
        """`identifier`, or with probability `rate` the one before: cells drawn by it repeat those of that row."""
        repeats = self.chance(f"{name}.repeats", rate, identifier) & (identifier > F.lit(1))
        return F.when(repeats, identifier - F.lit(1)).otherwise(identifier)

    def code(self, name: str, *ids: Column) -> Column:
        """A STRING identifier of 16 hexadecimal digits."""
        return F.lpad(F.lower(F.hex(self.bits(name, *ids))), 16, "0")


def texts(values: Sequence[str]) -> Column:
    """A literal ARRAY<STRING>. One literal, however long: an array of literals costs a call to the JVM for each."""
    return F.split(F.lit("\n".join(values)), "\n")


def integers(values: Sequence[int]) -> Column:
    """A literal ARRAY<INT>."""
    return F.split(F.lit(",".join(map(str, values))), ",").cast("array<int>")


def element(values: Column, index: Column) -> Column:
    """The element of an array at an index from 0."""
    return F.get(values, index.cast("int"))


def money(amount: Column) -> Column:
    """A DOUBLE amount as DECIMAL(10,2), rounded half up."""
    return F.round(amount, 2).cast("decimal(10,2)")
