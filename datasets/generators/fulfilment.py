"""Parcels and returns of the shop's orders, as functions of the order, so that no table is read."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators import retail, seasons
from datasets.generators.cells import money
from datasets.generators.generation import Generation

UNKNOWN_ORDER = 6_000_000_000
"""References to rows that do not exist start here."""

PROMISED_DAYS = 3
"""Days from the order to the day that the customer is told."""

_DAY = 86_400
_TRANSIT_HOURS = {"Fastline": 20.0, "Blue Van": 30.0, "Parcel Post": 46.0}


def is_sent(run: Generation) -> Column:
    """Whether the order in order_id and source (see `retail.with_order_time`) left by parcel."""
    return (retail.order_channel(run) != "store") & retail.order_status(run).isin("completed", "shipped", "returned")


def is_in_two(run: Generation) -> Column:
    """Whether an order is sent in two parcels."""
    return run.cells("shipments").chance("in_two", 0.07, F.col("order_id"))


def is_december(day: Column) -> Column:
    """Whether a day number lies in the busy month."""
    return F.month(seasons.date_of(day)) == 12


def packing_seconds(run: Generation) -> Column:
    """From the order to the packed parcel: lognormal around four hours, half as long again in December."""
    hours = F.exp(run.cells("shipments").normal("packing", F.col("order_id")) * F.lit(0.6) + F.lit(1.39))
    rush = F.when(is_december(F.col("day")), F.lit(1.5)).otherwise(F.lit(1.0))
    return F.floor(hours * rush * F.lit(3600))


def carrier(run: Generation, part: Column) -> Column:
    """Who carries a parcel."""
    weights = {"Blue Van": 40.0, "Fastline": 35.0, "Parcel Post": 25.0}
    return run.cells("shipments").weighted("carrier", weights, F.col("order_id"), part)


def shipped_at(run: Generation, part: Column) -> Column:
    """Second at which a parcel leaves: the van comes two to twenty hours after packing, for a second parcel a day later."""
    waits = F.lit(7_200) + F.floor(run.cells("shipments").uniform("van", F.col("order_id"), part) * F.lit(18 * 3600))
    return F.col("ordered_at") + packing_seconds(run) + waits + (part - F.lit(1)) * F.lit(_DAY)


def delivered_at(run: Generation, part: Column) -> Column:
    """Second at which a parcel arrives: lognormal around the carrier's usual time, a day more in December."""
    chosen = carrier(run, part)
    usual = F.lit(_TRANSIT_HOURS["Blue Van"])
    for name, hours in _TRANSIT_HOURS.items():
        usual = F.when(chosen == name, F.lit(hours)).otherwise(usual)
    noise = F.exp(run.cells("shipments").normal("transit", F.col("order_id"), part) * F.lit(0.45))
    rush = F.when(is_december(F.col("day")), F.lit(24.0)).otherwise(F.lit(0.0))
    return shipped_at(run, part) + F.floor((usual * noise + rush) * F.lit(3600))


def late_days(run: Generation) -> Column:
    """Days from the promised day to the arrival of the last parcel, at least 0; null for orders that have not arrived."""
    first, second = delivered_at(run, F.lit(1)), delivered_at(run, F.lit(2))
    last = F.when(is_in_two(run), F.greatest(first, second)).otherwise(first)
    arrived = F.floor(last / F.lit(_DAY)) - F.floor(F.col("ordered_at") / F.lit(_DAY))
    has_arrived = is_sent(run) & (retail.order_status(run) != "shipped")
    return F.when(has_arrived, F.greatest(arrived - F.lit(PROMISED_DAYS), F.lit(0)))


def shipments(run: Generation) -> DataFrame:
    """One row per parcel. Those of the last days of 2025 arrive in January."""
    cells = run.cells("shipments")
    order, part = F.col("order_id"), F.col("part")
    rows = retail.with_order_time(run, run.rows("orders", "order_id")).where(is_sent(run))
    parts = F.when(is_in_two(run), F.array(F.lit(1), F.lit(2))).otherwise(F.array(F.lit(1)))
    rows = rows.withColumn("part", F.explode(parts)).withColumn("shipped", shipped_at(run, part))
    rows = rows.withColumn("carrier", carrier(run, part))
    backwards = cells.chance("backwards", 0.005, order, part)
    arrived = F.when(backwards, F.col("shipped") - F.lit(_DAY)).otherwise(delivered_at(run, part))
    drawn = F.round(F.exp(cells.normal("weight", order, part) * F.lit(0.8) + F.lit(0.4)) + F.lit(0.05), 2)
    weight = F.when(cells.chance("weight.zero", 0.01, order, part), F.lit(0.0)).otherwise(drawn)
    return rows.select(
        (order * F.lit(10) + part).alias("shipment_id"),
        "order_id",
        cells.unless("carrier", 0.02, F.col("carrier"), order, part).alias("carrier"),
        cells.weighted("warehouse", {"North": 45.0, "South": 30.0, "West": 25.0}, order, part).alias("warehouse"),
        F.timestamp_seconds("shipped").alias("shipped_ts"),
        seasons.date_of(F.col("day") + F.lit(PROMISED_DAYS)).alias("promised_date"),
        F.when(retail.order_status(run) != "shipped", F.timestamp_seconds(arrived)).alias("delivered_ts"),
        weight.alias("weight_kg"),
        money(F.lit(3.9) + drawn * F.lit(0.8)).alias("freight"),
    )


def returns(run: Generation) -> DataFrame:
    """One row per order line that came back: the first line of a returned order, and half of the others."""
    cells = run.cells("returns")
    key = (F.col("order_id"), F.col("line"))
    comes_back = (F.col("line") == 1) | cells.chance("line", 0.5, *key)
    rows = retail.order_items(run).where((retail.order_status(run) == "returned") & comes_back)
    rows = retail.with_order_time(run, rows)
    quantity = F.floor(cells.uniform("quantity", *key) * F.col("quantity")).cast("int") + F.lit(1)
    rows = rows.withColumn("back", quantity)
    due = retail.line_value(F.col("back"))
    reasons = {"too late": 20.0, "damaged": 20.0, "wrong size": 25.0, "not as described": 15.0, "changed my mind": 20.0}
    days = F.lit(6) + F.floor(F.pow(cells.uniform("days", *key), F.lit(2.0)) * F.lit(24))
    unknown = cells.chance("order.unknown", 0.02, *key)
    return rows.select(
        (F.col("order_id") * F.lit(10) + F.col("line")).alias("return_id"),
        F.when(unknown, F.col("order_id") + F.lit(UNKNOWN_ORDER)).otherwise(F.col("order_id")).alias("order_id"),
        "line",
        "product_id",
        F.col("back").alias("quantity"),
        cells.unless("reason", 0.08, cells.weighted("reason", reasons, *key), *key).alias("reason"),
        F.timestamp_seconds(F.col("ordered_at") + days * F.lit(_DAY)).alias("returned_ts"),
        F.when(cells.chance("refund.twice", 0.03, *key), due + due).otherwise(due).alias("refund"),
    )


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {"shipments": shipments, "returns": returns}
