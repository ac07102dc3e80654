"""Machines in a factory and what they measure every minute."""

from datasets.table import Column, Defect, Table

_ALL = "SELECT count(*) FROM sensor_readings"

DEVICES = Table(
    name="devices",
    family="sensors",
    description="Devices on machines, each measuring one thing.",
    key=("device_id",),
    columns=(
        Column("device_id", "INT", "Identifier, from 1 without gaps"),
        Column("kind", "STRING", "temperature, humidity, vibration"),
        Column("unit", "STRING", "°C, %, mm/s"),
        Column("site", "STRING", "Hall and line ('Hall B, line 3')"),
        Column("installed", "DATE", "Day of installation, 2018 to 2023"),
        Column("normal_low", "DOUBLE", "Lower end of the normal range", "as `unit`"),
        Column("normal_high", "DOUBLE", "Upper end of the normal range", "as `unit`"),
    ),
)

SENSOR_READINGS = Table(
    name="sensor_readings",
    family="sensors",
    description="A reading a minute from each device, from 2025-03-01 on; by received_ts they make the stream, late ones included.",
    key=("device_id", "measured_ts"),
    base="readings",
    duplicates=0.008,
    columns=(
        Column("device_id", "INT", "The device"),
        Column("measured_ts", "TIMESTAMP", "When it was measured (event time), on the full minute", "UTC"),
        Column("received_ts", "TIMESTAMP", "When it arrived: within seconds, or up to two hours late", "UTC"),
        Column(
            "value",
            "DOUBLE",
            "The reading; a daily rhythm around the middle of the normal range",
            "as in `devices`",
            nulls=0.01,
        ),
        Column("battery", "DOUBLE", "Charge, falls by a quarter in 30 days, then is changed", "%"),
        Column("status", "STRING", "ok, or warning where the value is outside of the normal range"),
    ),
    defects=(
        Defect(
            "minutes without a reading",
            "SELECT (SELECT count(*) FROM (SELECT explode(sequence(min(measured_ts), max(measured_ts), INTERVAL 1 MINUTE)) FROM "
            "sensor_readings)) * (SELECT count(*) FROM devices) - (SELECT count(*) FROM (SELECT DISTINCT device_id, measured_ts "
            "FROM sensor_readings))",
            "SELECT (SELECT count(*) FROM (SELECT explode(sequence(min(measured_ts), max(measured_ts), INTERVAL 1 MINUTE)) FROM "
            "sensor_readings)) * (SELECT count(*) FROM devices)",
            0.02,
        ),
        Defect(
            "readings that came more than five minutes late",
            "SELECT count(*) FROM sensor_readings WHERE received_ts > measured_ts + INTERVAL 5 MINUTES",
            _ALL,
            0.03,
        ),
        Defect(
            "spikes (ten times the value)",
            "SELECT count(*) FROM sensor_readings JOIN devices USING (device_id) WHERE value > 3 * normal_high",
            "SELECT count(value) FROM sensor_readings",
            0.003,
        ),
        Defect(
            "readings that repeat the one of the minute before to the last digit, for an hour (stuck)",
            "SELECT count(*) FROM (SELECT value = lag(value) OVER (PARTITION BY device_id ORDER BY measured_ts) AND measured_ts "
            "<> lag(measured_ts) OVER (PARTITION BY device_id ORDER BY measured_ts) AS same FROM sensor_readings) WHERE same",
            _ALL,
        ),
    ),
)

SENSORS = (DEVICES, SENSOR_READINGS)
