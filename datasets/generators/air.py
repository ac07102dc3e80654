"""Stations, sensors and hourly measurements of the air: rush hours, winters, outages, two units, late arrivals."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators.cells import element, texts
from datasets.generators.generation import Generation
from datasets.generators.series import wandering, weight_of
from datasets.generators.vocabulary import COUNTRIES

START = 1_704_067_200
"""2024-01-01 00:00:00 UTC in seconds since 1970."""

PARAMETERS = ("pm25", "no2", "o3")
PER_PPB = (1.0, 1.88, 2.0)
"""Micrograms per cubic metre of one part per thousand millions at 25 °C, by parameter; pm25 has no such unit."""

FAILED = -999.0

_MEAN = (11.0, 24.0, 55.0)
_HOURS = (
    (1.1, 1.0, 0.9, 0.9, 0.9, 1.0, 1.1, 1.2, 1.2, 1.1, 1.0, 0.9, 0.9, 0.8, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.3, 1.3, 1.2, 1.1),
    (0.6, 0.5, 0.5, 0.5, 0.6, 0.9, 1.4, 1.8, 1.7, 1.3, 1.0, 0.9, 0.9, 0.9, 0.9, 1.0, 1.3, 1.6, 1.6, 1.3, 1.0, 0.9, 0.8, 0.7),
    (0.7, 0.6, 0.6, 0.5, 0.5, 0.4, 0.4, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.6, 1.7, 1.7, 1.6, 1.4, 1.2, 1.0, 0.9, 0.8, 0.8, 0.7),
)  # fmt: skip
_MONTHS = (
    (1.5, 1.4, 1.2, 1.0, 0.8, 0.7, 0.7, 0.7, 0.8, 1.0, 1.3, 1.5),
    (1.3, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7, 0.7, 0.9, 1.1, 1.2, 1.3),
    (0.5, 0.7, 0.9, 1.2, 1.4, 1.5, 1.5, 1.4, 1.0, 0.7, 0.5, 0.4),
)
"""Rhythms by parameter."""

_KINDS = {"traffic": 30.0, "city": 45.0, "rural": 25.0}
_PLACES = (
    (51.2, 10.4),
    (46.6, 2.5),
    (52.8, -1.6),
    (39.8, -98.6),
    (40.2, -3.6),
    (43.0, 12.1),
    (52.1, 19.4),
    (-10.8, -53.1),
)
"""Middle of each of the countries of the vocabulary: latitude, longitude."""


def _country(run: Generation, location: Column) -> Column:
    weights = {str(index): float(country.weight) for index, country in enumerate(COUNTRIES)}
    return run.cells("air_locations").weighted("country", weights, location).cast("int")


def _kind(run: Generation, location: Column) -> Column:
    return run.cells("air_locations").weighted("kind", _KINDS, location)


def air_locations(run: Generation) -> DataFrame:
    """One row per station."""
    cells = run.cells("air_locations")
    location = F.col("location_id")
    each = len(COUNTRIES[0].cities)
    country = _country(run, location)
    city = element(
        texts([name for known in COUNTRIES for name in known.cities]),
        country * F.lit(each) + cells.integer("city", 0, each - 1, location),
    )
    latitude, longitude = (
        F.round(
            weight_of(tuple(place[axis] for place in _PLACES), country) + cells.normal(name, location) * F.lit(0.9), 4
        )
        for axis, name in enumerate(("latitude", "longitude"))
    )
    return run.rows("air_locations", "location_id").select(
        "location_id",
        F.concat(city, F.lit(" "), location.cast("string")).alias("name"),
        city.alias("city"),
        element(texts([known.name for known in COUNTRIES]), country).alias("country"),
        _kind(run, location).alias("kind"),
        F.struct(latitude.alias("latitude"), longitude.alias("longitude")).alias("coordinates"),
        F.date_from_unix_date(cells.integer("since", 12_800, 19_300, location).cast("int")).alias("operated_since"),
    )


def _in_ppb(run: Generation, location: Column, parameter: Column) -> Column:
    """Whether a sensor reports parts per thousand millions."""
    return (parameter > 0) & run.cells("air_sensors").chance("ppb", 0.25, location, parameter)


def _unit(in_ppb: Column) -> Column:
    return F.when(in_ppb, F.lit("ppb")).otherwise(F.lit("µg/m³"))


def air_sensors(run: Generation) -> DataFrame:
    """Three rows per station."""
    parameter = F.col("parameter_index")
    rows = run.rows("air_locations", "location_id")
    rows = rows.withColumn("parameter_index", F.explode(F.array(*(F.lit(index) for index in range(len(PARAMETERS))))))
    return rows.select(
        (F.col("location_id") * F.lit(3) - F.lit(2) + parameter).alias("sensor_id"),
        "location_id",
        element(texts(PARAMETERS), parameter).alias("parameter"),
        _unit(_in_ppb(run, F.col("location_id"), parameter)).alias("unit"),
    )


def air_measurements(run: Generation) -> DataFrame:
    """One row per published hour; slots are numbered hour by hour, in each hour sensor by sensor."""
    cells = run.cells("air_measurements")
    sensors = run.sizes["air_locations"] * len(PARAMETERS)
    slot = F.col("slot") - F.lit(1)
    rows = run.rows("air_hours", "slot").select(
        (F.pmod(slot, F.lit(sensors)) + F.lit(1)).alias("sensor"), F.floor(slot / F.lit(sensors)).alias("hour")
    )
    key = (F.col("sensor"), F.col("hour"))
    out_of_order = cells.chance("outage", 0.03, F.col("sensor"), F.floor(F.col("hour") / F.lit(24)))
    rows = rows.where(~out_of_order & ~cells.chance("missing", 0.02, *key))
    rows = rows.withColumn("parameter_index", F.pmod(F.col("sensor") - F.lit(1), F.lit(3)))
    rows = rows.withColumn("location", F.floor((F.col("sensor") - F.lit(1)) / F.lit(3)) + F.lit(1))
    rows = rows.withColumn("in_ppb", _in_ppb(run, F.col("location"), F.col("parameter_index")))
    rows = rows.withColumn("measured", F.lit(START) + F.col("hour") * F.lit(3600))
    rows = rows.withColumn("concentration", _concentration(run))
    copies = F.when(cells.chance("published_twice", 0.012, *key), F.array(F.lit(0), F.lit(1))).otherwise(
        F.array(F.lit(0))
    )
    rows = rows.withColumn("copy", F.explode(copies))
    late = F.lit(3 * 3600 + 1) + F.floor(F.pow(cells.uniform("late.delay", *key), F.lit(2.0)) * F.lit(45 * 3600))
    delay = F.when(cells.chance("late", 0.04, *key), late).otherwise(cells.integer("delay", 60, 3_000, *key))
    failed = cells.chance("failed", 0.005, *key)
    value = F.when(failed, F.lit(FAILED)).otherwise(F.col("concentration"))
    return rows.select(
        F.col("sensor").alias("sensor_id"),
        F.timestamp_seconds("measured").alias("measured_ts"),
        F.timestamp_seconds(F.col("measured") + F.lit(3600) + delay).alias("received_ts"),
        element(texts(PARAMETERS), F.col("parameter_index")).alias("parameter"),
        cells.unless("value", 0.015, value, *key).alias("value"),
        _unit(F.col("in_ppb")).alias("unit"),
    )


def _concentration(run: Generation) -> Column:
    """Mean of the parameter, by month, hour and kind of station, times weather that a city's stations share in part."""
    cells = run.cells("air_measurements")
    parameter = F.col("parameter_index")
    hour = F.pmod(F.col("hour"), F.lit(24))
    month = F.month(F.timestamp_seconds("measured")) - F.lit(1)
    mean = rhythm = season = F.lit(0.0)
    for index in range(len(PARAMETERS)):
        chosen = parameter == index
        mean = F.when(chosen, F.lit(_MEAN[index])).otherwise(mean)
        rhythm = F.when(chosen, weight_of(_HOURS[index], hour)).otherwise(rhythm)
        season = F.when(chosen, weight_of(_MONTHS[index], month)).otherwise(season)
    kind = _kind(run, F.col("location"))
    traffic = F.when(kind == "traffic", F.lit(1.4)).when(kind == "city", F.lit(1.0)).otherwise(F.lit(0.6))
    # Ozone is eaten up by the exhaust of cars.
    place = F.when(parameter == 2, F.lit(1.0) / traffic).otherwise(traffic)
    weather = F.exp(
        wandering(cells, "weather", F.col("measured"), (21_600, 172_800), parameter, _country(run, F.col("location")))
        * F.lit(0.2)
    )
    noise = F.exp(cells.normal("noise", F.col("sensor"), F.col("hour")) * F.lit(0.15))
    micrograms = mean * rhythm * season * place * weather * noise
    factor = weight_of(PER_PPB, parameter)
    return F.round(F.when(F.col("in_ppb"), micrograms / factor).otherwise(micrograms), 1)


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {
    "air_locations": air_locations,
    "air_sensors": air_sensors,
    "air_measurements": air_measurements,
}
