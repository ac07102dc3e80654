"""Taxi trips in an invented city, like the public New York records: 19 columns, skewed zones, impossible values."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators import seasons, vocabulary
from datasets.generators.cells import Cells, money
from datasets.generators.generation import Generation

UNKNOWN_ZONE = 999
"""Written where the meter could not tell the zone; not in the lookup."""


def trips(run: Generation) -> DataFrame:
    """One row per recorded trip."""
    cells = run.cells("trips")
    # `source` is the trip that cells are drawn by: a trip recorded twice repeats the one before.
    rows = run.rows("trips", "trip_id").withColumn("source", cells.source("recorded_twice", 0.01, F.col("trip_id")))
    source = F.col("source")
    rows = _with_ride(run, rows)
    rows = _with_amounts(cells, rows)
    total = sum((F.col(name) for name in AMOUNTS[1:]), F.col(AMOUNTS[0])) + F.coalesce(
        F.col("congestion_charge"), money(F.lit(0.0))
    )
    riders = {"0": 2.0, "1": 70.0, "2": 15.0, "3": 5.0, "4": 4.0, "5": 2.5, "6": 1.5}
    passengers = cells.weighted("passengers", riders, source).cast("int")
    return rows.select(
        "trip_id",
        cells.weighted("vendor", {"1": 58.0, "2": 36.0, "3": 6.0}, source).cast("int").alias("vendor_id"),
        seasons.timestamp_of(F.col("started")).alias("pickup_ts"),
        seasons.timestamp_of(_ended(cells)).alias("dropoff_ts"),
        cells.unless("passengers", 0.04, passengers, source).alias("passenger_count"),
        _written_distance(cells).alias("distance_km"),
        _zone(cells, "pickup_zone", 1.15).alias("pickup_zone_id"),
        _zone(cells, "dropoff_zone", 0.8).alias("dropoff_zone_id"),
        "rate_code",
        cells.weighted("stored", {"N": 97.0, "Y": 3.0}, source).alias("stored_and_forwarded"),
        "payment_type",
        *AMOUNTS[:-1],
        "congestion_charge",
        "airport_fee",
        F.when(cells.chance("total.wrong", 0.012, source), total + F.lit(10)).otherwise(total).alias("total_amount"),
    )


AMOUNTS = ("fare_amount", "extra_amount", "tax_amount", "tip_amount", "tolls_amount", "airport_fee")
"""What a total is made of, beside the congestion charge."""


def _with_ride(run: Generation, rows: DataFrame) -> DataFrame:
    """Add started (seconds since 1970), distance (km), duration (s), rate_code and payment_type.

    Trips start in the order of their identifiers, a few positions off; distances are lognormal with median 3.3 km;
    taxis drive 12 to 40 km/h and stand for two minutes.
    """
    cells = run.cells("trips")
    source = F.col("source")
    share = (source - F.lit(1) + cells.uniform("day", source) * F.lit(8.0)) / F.lit(run.sizes["trips"] + 8)
    second = seasons.second_of_day(cells.uniform("second", source), seasons.TRAVEL_HOURS)
    speed = F.lit(12.0) + cells.uniform("speed", source) * F.lit(28.0)
    rates = {"1": 91.0, "2": 5.0, "3": 1.5, "4": 1.5, "99": 1.0}
    payments = {"1": 71.0, "2": 26.0, "3": 1.5, "4": 1.5}
    rows = rows.withColumn("started", seasons.epoch_second(seasons.day_at(share, seasons.city_weight), second))
    rows = rows.withColumn("distance", F.round(F.exp(cells.normal("distance", source) * F.lit(0.75) + F.lit(1.2)), 2))
    rows = rows.withColumn("duration", F.floor(F.col("distance") / speed * F.lit(3600)) + F.lit(120))
    rows = rows.withColumn("rate_code", cells.weighted("rate_code", rates, source).cast("int"))
    return rows.withColumn("payment_type", cells.weighted("payment_type", payments, source).cast("int"))


def _with_amounts(cells: Cells, rows: DataFrame) -> DataFrame:
    """Add the amounts. Refunds are recorded as trips with negative amounts.

    Fare: 3.00 to start, 1.90 a km, 0.35 a minute, rounded to 0.50, so that many are equal. Tips: 0 to 30 % of the
    fare, most often 20 %; the meter only knows tips by card.
    """
    source = F.col("source")
    sign = F.when(cells.chance("refund", 0.01, source), F.lit(-1.0)).otherwise(F.lit(1.0))
    metered = F.lit(3.0) + F.col("distance") * F.lit(1.9) + F.col("duration") / F.lit(60) * F.lit(0.35)
    rows = rows.withColumn("sign", sign)
    rows = rows.withColumn("fare_amount", money(F.round(metered * F.lit(2)) / F.lit(2) * F.col("sign")))

    hour = F.floor(F.pmod(F.col("started"), F.lit(86_400)) / F.lit(3600))
    # 1970-01-01 was a Thursday: 2 and 3 are Saturday and Sunday.
    weekend = F.pmod(F.floor(F.col("started") / F.lit(86_400)), F.lit(7)).isin(2, 3)
    shares = {"0.0": 18.0, "0.1": 17.0, "0.15": 20.0, "0.2": 33.0, "0.25": 8.0, "0.3": 4.0}
    tip = F.col("fare_amount").cast("double") * cells.weighted("tip", shares, source).cast("double")
    by_card = (F.col("payment_type") == 1) & (F.col("sign") > 0)
    toll = (F.col("distance") > 8) & cells.chance("tolls", 0.33, source)
    charge = _charge(~weekend, 2.5)
    return rows.withColumns(
        {
            "extra_amount": _charge((hour >= 20) | (hour < 6), 1.0),
            "tax_amount": money(F.col("sign") * F.lit(0.5)),
            "tip_amount": money(F.when(by_card, tip).otherwise(F.lit(0.0))),
            "tolls_amount": _charge(toll, 6.5),
            "congestion_charge": cells.unless("congestion", 0.04, charge, source),
            "airport_fee": _charge(F.col("rate_code") == 2, 1.75),
        }
    )


def _charge(due: Column, amount: float) -> Column:
    """An amount where it is due, with the sign of the trip, else 0."""
    return money(F.when(due, F.col("sign") * F.lit(amount)).otherwise(F.lit(0.0)))


def _written_distance(cells: Cells) -> Column:
    """The distance as the meter recorded it: sometimes 0, sometimes absurd."""
    kind = cells.weighted("distance.defect", {"none": 97.6, "zero": 2.0, "absurd": 0.4}, F.col("source"))
    absurd = F.round(F.col("distance") * F.lit(100) + F.lit(500), 2)
    return F.when(kind == "none", F.col("distance")).when(kind == "zero", F.lit(0.0)).otherwise(absurd)


def _ended(cells: Cells) -> Column:
    """End, in seconds since 1970; impossibly before the start for a few."""
    backwards = cells.chance("backwards", 0.006, F.col("source"))
    return F.col("started") + F.when(backwards, -F.col("duration")).otherwise(F.col("duration"))


def _zone(cells: Cells, end: str, exponent: float) -> Column:
    """Zone of an end of the trip: Zipf over the zones; unknown in 1 %."""
    drawn = cells.zipf(end, len(vocabulary.zones()), exponent, F.col("source"))
    return F.when(cells.chance(f"{end}.unknown", 0.01, F.col("source")), F.lit(UNKNOWN_ZONE)).otherwise(drawn)


def zones(run: Generation) -> DataFrame:
    """The zones of the city."""
    return run.spark.createDataFrame(vocabulary.zones(), "zone_id int, borough string, zone string")


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {"trips": trips, "zones": zones}
