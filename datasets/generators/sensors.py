"""Devices of a factory and their readings, minute by minute, with late, missing, repeated, stuck and wild ones."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators.cells import Cells, element, texts
from datasets.generators.generation import Generation
from datasets.generators.series import wandering, weight_of

START = 1_740_787_200
"""2025-03-01 00:00:00 UTC in seconds since 1970."""

KINDS = {"temperature": ("°C", 20.0, 45.0), "humidity": ("%", 25.0, 55.0), "vibration": ("mm/s", 0.5, 4.5)}
"""Unit and normal range of each kind of device."""

_BATTERY_DAYS = 30
_DAY = (
    0.2,
    0.15,
    0.1,
    0.1,
    0.1,
    0.2,
    0.45,
    0.7,
    0.8,
    0.85,
    0.9,
    0.9,
    0.8,
    0.85,
    0.9,
    0.9,
    0.85,
    0.8,
    0.7,
    0.6,
    0.5,
    0.4,
    0.3,
    0.25,
)
"""How busy the machines are, by hour."""


def _kind(run: Generation, device: Column) -> Column:
    """Index of the kind of a device."""
    weights = {"0": 50.0, "1": 20.0, "2": 30.0}
    return run.cells("devices").weighted("kind", weights, device).cast("int")


def _range(run: Generation, device: Column) -> tuple[Column, Column]:
    """The normal range of a device: that of its kind, shifted by up to a fifth of its width."""
    kind = _kind(run, device)
    low = weight_of(tuple(low for _, low, _ in KINDS.values()), kind)
    high = weight_of(tuple(high for _, _, high in KINDS.values()), kind)
    shift = F.round((high - low) * F.lit(0.2) * run.cells("devices").uniform("shift", device), 1)
    return low + shift, high + shift


def devices(run: Generation) -> DataFrame:
    """One row per device."""
    cells = run.cells("devices")
    device = F.col("device_id")
    low, high = _range(run, device)
    hall = cells.pick("hall", ("Hall A", "Hall B", "Hall C"), device)
    return run.rows("devices", "device_id").select(
        "device_id",
        element(texts(tuple(KINDS)), _kind(run, device)).alias("kind"),
        element(texts([unit for unit, _, _ in KINDS.values()]), _kind(run, device)).alias("unit"),
        F.concat(hall, F.lit(", line "), cells.integer("line", 1, 6, device).cast("string")).alias("site"),
        F.date_from_unix_date(cells.integer("installed", 17_600, 19_700, device).cast("int")).alias("installed"),
        F.round(low, 1).alias("normal_low"),
        F.round(high, 1).alias("normal_high"),
    )


def sensor_readings(run: Generation) -> DataFrame:
    """One row per received reading; slots are numbered minute by minute, in each minute device by device."""
    cells = run.cells("sensor_readings")
    count = run.sizes["devices"]
    rows = run.rows("readings", "slot")
    device = (F.pmod(F.col("slot") - F.lit(1), F.lit(count)) + F.lit(1)).alias("device")
    minute = F.floor((F.col("slot") - F.lit(1)) / F.lit(count)).alias("minute")
    key = (F.col("device"), F.col("minute"))
    rows = rows.select(device, minute).where(~cells.chance("missing", 0.02, *key))
    rows = rows.withColumn("measured", F.lit(START) + F.col("minute") * F.lit(60))
    low, high = _range(run, F.col("device"))
    rows = rows.withColumn("low", F.round(low, 1)).withColumn("high", F.round(high, 1))
    rows = rows.withColumn("reading", _reading(cells))
    rows = rows.withColumn("delay", _delay(cells))
    copies = F.when(cells.chance("sent_twice", 0.008, *key), F.array(F.lit(0), F.lit(1))).otherwise(F.array(F.lit(0)))
    rows = rows.withColumn("copy", F.explode(copies))
    days = F.col("measured") / F.lit(86_400.0) + cells.uniform("battery", F.col("device")) * F.lit(_BATTERY_DAYS)
    charge = F.lit(100.0) - F.pmod(days, F.lit(float(_BATTERY_DAYS))) / F.lit(_BATTERY_DAYS) * F.lit(25.0)
    outside = (F.col("reading") < F.col("low")) | (F.col("reading") > F.col("high"))
    return rows.select(
        F.col("device").alias("device_id"),
        F.timestamp_seconds("measured").alias("measured_ts"),
        # The second copy of a reading arrives half a minute after the first.
        F.timestamp_millis(F.col("measured") * F.lit(1000) + F.col("delay") + F.col("copy") * F.lit(30_000)).alias(
            "received_ts"
        ),
        cells.unless("value", 0.01, F.col("reading"), *key).alias("value"),
        F.round(charge, 1).alias("battery"),
        F.when(outside, F.lit("warning")).otherwise(F.lit("ok")).alias("status"),
    )


def _reading(cells: Cells) -> Column:
    """A value in the normal range that follows the day; some hours the device is stuck, some values are wild."""
    device, minute = F.col("device"), F.col("minute")
    hour = F.floor(minute / F.lit(60))
    stuck = cells.chance("stuck", 0.008, device, hour)
    # A stuck device keeps saying what it measured in the first minute of the hour.
    at = F.when(stuck, hour * F.lit(60)).otherwise(minute)
    seconds = at * F.lit(60)
    busy = weight_of(_DAY, F.floor(F.pmod(seconds, F.lit(86_400)) / F.lit(3600)))
    noise = cells.normal("noise", device, at) * F.lit(0.03)
    slow = wandering(cells, "slow", seconds, (3_600, 21_600), device) * F.lit(0.2)
    share = F.lit(0.25) + busy * F.lit(0.45) + slow + noise
    value = F.round(F.col("low") + (F.col("high") - F.col("low")) * share, 3)
    return F.when(
        cells.chance("spike", 0.003, device, minute), F.round(F.col("high") * F.lit(8.0) + value, 3)
    ).otherwise(value)


def _delay(cells: Cells) -> Column:
    """Milliseconds until a reading arrives: below four seconds, or five minutes to two hours."""
    key = (F.col("device"), F.col("minute"))
    late = F.lit(300_001) + F.floor(F.pow(cells.uniform("late.delay", *key), F.lit(3.0)) * F.lit(6_900_000))
    return F.when(cells.chance("late", 0.03, *key), late).otherwise(cells.integer("delay", 20, 4_000, *key))


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {"devices": devices, "sensor_readings": sensor_readings}
