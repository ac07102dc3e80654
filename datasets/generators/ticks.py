"""Trades at an invented exchange: prices that wander, shares of different business, errors of the feed."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators import vocabulary
from datasets.generators.cells import Cells, element, texts
from datasets.generators.generation import Generation
from datasets.generators.series import wandering, weight_of

FIRST_DAY = 20_090
"""2025-01-02, a Thursday, in days since 1970."""

OPENS, LASTS = 9 * 3600, 8 * 3600 + 1800
"""Second of the day at which trading begins, and seconds that it lasts."""

UNKNOWN_SYMBOL = "XXXX"
_MOST_DAYS = 500
_SCALES = (60, 300, 1_800, 10_800, 86_400, 691_200, 5_529_600)


def price_ticks(run: Generation) -> DataFrame:
    """One row per trade; at least one a second, and more where the rows would not fit into two years."""
    cells = run.cells("price_ticks")
    tick = F.col("tick_id")
    shares = vocabulary.instruments()
    each_day = max(LASTS, -(-run.sizes["price_ticks"] // _MOST_DAYS))
    number = F.floor((tick - F.lit(1)) / F.lit(each_day))
    place = (F.pmod(tick - F.lit(1), F.lit(each_day)) + cells.uniform("moment", tick)) / F.lit(each_day)
    rows = run.rows("price_ticks", "tick_id").withColumn("day", _trading_day(number))
    rows = rows.withColumn("millisecond", F.floor((F.lit(OPENS) + place * F.lit(LASTS)) * F.lit(1000)))
    rows = rows.withColumn("moment", F.col("day") * F.lit(86_400_000) + F.col("millisecond"))
    rows = rows.withColumn("share", cells.zipf("symbol", len(shares), 0.9, tick) - F.lit(1))
    rows = rows.withColumn("fair", _price(cells, shares))
    rows = rows.withColumn("half_spread", F.greatest(F.col("fair") * F.lit(0.0004), F.lit(0.01)))
    kind = cells.weighted("price", {"right": 99.6, "zero": 0.2, "shifted": 0.2}, tick)
    price = F.when(kind == "right", F.col("fair")).when(kind == "zero", F.lit(0.0)).otherwise(F.col("fair") * F.lit(10))
    crossed = F.when(cells.chance("crossed", 0.004, tick), F.lit(-1.0)).otherwise(F.lit(1.0)) * F.col("half_spread")
    symbols = texts([symbol for symbol, *_ in shares])
    symbol = F.when(cells.chance("unknown", 0.003, tick), F.lit(UNKNOWN_SYMBOL)).otherwise(
        element(symbols, F.col("share"))
    )
    copies = F.when(cells.chance("sent_twice", 0.005, tick), F.array(F.lit(0), F.lit(1))).otherwise(F.array(F.lit(0)))
    return rows.withColumn("copy", F.explode(copies)).select(
        "tick_id",
        symbol.alias("symbol"),
        F.timestamp_millis("moment").alias("tick_ts"),
        _cents(price).alias("price"),
        cells.unless("bid", 0.01, _cents(F.col("fair") - crossed), tick).alias("bid"),
        cells.unless("ask", 0.01, _cents(F.col("fair") + crossed), tick).alias("ask"),
        _volume(cells, tick).alias("volume"),
    )


def _trading_day(number: Column) -> Column:
    """Day since 1970 of a trading day counted from 0; weekends have no number. The first day is a Thursday."""
    workdays = number + F.lit(3)
    return F.lit(FIRST_DAY - 3) + F.floor(workdays / F.lit(5)) * F.lit(7) + F.pmod(workdays, F.lit(5))


def _price(cells: Cells, shares: list[tuple[str, str, str, float, float]]) -> Column:
    """First price, times a lognormal walk over the seconds."""
    first = weight_of(tuple(price for *_, price, _ in shares), F.col("share"))
    volatility = weight_of(tuple(width for *_, width in shares), F.col("share"))
    walk = wandering(cells, "walk", F.col("moment") / F.lit(1000.0), _SCALES, F.col("share"))
    # Below this bound a price of ten times the right one is told from any right one.
    return first * F.exp(F.greatest(F.least(walk * volatility, F.lit(1.0)), F.lit(-1.0)))


def _cents(amount: Column) -> Column:
    return F.round(amount, 2).cast("decimal(12,2)")


def _volume(cells: Cells, tick: Column) -> Column:
    """Hundreds, falling off quickly; one trade in ten is odd."""
    hundreds = F.floor(F.pow(cells.uniform("volume", tick), F.lit(4.0)) * F.lit(40)) + F.lit(1)
    odd = cells.integer("volume.odd", 1, 99, tick)
    return F.when(cells.chance("odd", 0.1, tick), odd).otherwise(hundreds * F.lit(100)).cast("int")


def instruments(run: Generation) -> DataFrame:
    """The shares."""
    return run.spark.createDataFrame(
        vocabulary.instruments(), "symbol string, name string, sector string, first_price double, volatility double"
    )


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {"instruments": instruments, "price_ticks": price_ticks}
