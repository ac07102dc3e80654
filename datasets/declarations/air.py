"""Air quality: stations, their sensors and hourly measurements, shaped like the OpenAQ records."""

from datasets.table import Column, Defect, Table

_ALL = "SELECT count(*) FROM air_measurements"

AIR_LOCATIONS = Table(
    name="air_locations",
    family="air",
    description="Stations that measure the air.",
    key=("location_id",),
    columns=(
        Column("location_id", "INT", "Identifier, from 1 without gaps"),
        Column("name", "STRING", "City and number"),
        Column("city", "STRING", "City"),
        Column("country", "STRING", "Country in English"),
        Column("kind", "STRING", "traffic, city, rural: the air is worst at the first"),
        Column(
            "coordinates",
            "STRUCT<latitude: DOUBLE, longitude: DOUBLE>",
            "Somewhere in the country, four decimals",
            "degrees",
        ),
        Column("operated_since", "DATE", "First day of operation, 2005 to 2022"),
    ),
)

AIR_SENSORS = Table(
    name="air_sensors",
    family="air",
    description="Three sensors at each station, one for each of pm25, no2 and o3.",
    key=("sensor_id",),
    base="air_locations",
    columns=(
        Column("sensor_id", "INT", "Identifier: three times the station's, minus 2 (pm25), 1 (no2) or 0 (o3)"),
        Column("location_id", "INT", "The station"),
        Column("parameter", "STRING", "pm25, no2, o3"),
        Column("unit", "STRING", "µg/m³, or ppb at some stations for no2 and o3"),
    ),
    defects=(
        Defect(
            "sensors for no2 and o3 in ppb",
            "SELECT count(*) FROM air_sensors WHERE unit = 'ppb'",
            "SELECT count(*) FROM air_sensors WHERE parameter <> 'pm25'",
            0.25,
        ),
    ),
)

AIR_MEASUREMENTS = Table(
    name="air_measurements",
    family="air",
    description="Hourly means of every sensor from 2024-01-01 on, with days of outage, late arrivals and copies.",
    key=("sensor_id", "measured_ts"),
    base="air_hours",
    duplicates=0.012,
    columns=(
        Column("sensor_id", "INT", "The sensor"),
        Column("measured_ts", "TIMESTAMP", "Beginning of the hour", "UTC"),
        Column(
            "received_ts", "TIMESTAMP", "When it was published: within the next hour, or up to two days late", "UTC"
        ),
        Column("parameter", "STRING", "pm25, no2, o3"),
        Column("value", "DOUBLE", "Concentration, one decimal; -999 where the sensor failed", "as `unit`", nulls=0.015),
        Column("unit", "STRING", "µg/m³ or ppb, as in `air_sensors`"),
    ),
    defects=(
        Defect(
            "value of -999",
            "SELECT count(*) FROM air_measurements WHERE value = -999",
            "SELECT count(value) FROM air_measurements",
            0.005,
        ),
        Defect(
            "published more than three hours late",
            "SELECT count(*) FROM air_measurements WHERE received_ts > measured_ts + INTERVAL 4 HOURS",
            _ALL,
            0.04,
        ),
        Defect(
            "hours that are missing",
            "SELECT (SELECT count(*) FROM (SELECT explode(sequence(min(measured_ts), max(measured_ts), INTERVAL 1 HOUR)) FROM "
            "air_measurements)) * (SELECT count(*) FROM air_sensors) - (SELECT count(*) FROM (SELECT DISTINCT sensor_id, "
            "measured_ts FROM air_measurements))",
            "SELECT (SELECT count(*) FROM (SELECT explode(sequence(min(measured_ts), max(measured_ts), INTERVAL 1 HOUR)) FROM "
            "air_measurements)) * (SELECT count(*) FROM air_sensors)",
        ),
    ),
)

AIR = (AIR_LOCATIONS, AIR_SENSORS, AIR_MEASUREMENTS)
