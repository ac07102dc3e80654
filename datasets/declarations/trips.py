"""Taxi trips in an invented city."""

from datasets.table import Column, Defect, Table

_ALL = "SELECT count(*) FROM trips"

TRIPS_TABLE = Table(
    name="trips",
    family="trips",
    description="Taxi trips, 19 columns like the public New York records; busy zones and hours, impossible values.",
    key=("trip_id",),
    columns=(
        Column("trip_id", "BIGINT", "Identifier, from 1 without gaps; roughly in the order of time"),
        Column("vendor_id", "INT", "Maker of the meter: 1, 2, 3"),
        Column("pickup_ts", "TIMESTAMP", "Start", "UTC"),
        Column("dropoff_ts", "TIMESTAMP", "End", "UTC"),
        Column("passenger_count", "INT", "Passengers as entered by the driver", "persons", nulls=0.04),
        Column("distance_km", "DOUBLE", "Distance driven, two decimals", "km"),
        Column("pickup_zone_id", "INT", "Zone of the start, strongly skewed (Zipf)"),
        Column("dropoff_zone_id", "INT", "Zone of the end, skewed (Zipf)"),
        Column("rate_code", "INT", "1 standard, 2 airport, 3 out of town, 4 negotiated, 99 unknown"),
        Column("stored_and_forwarded", "STRING", "Y where the meter was offline, else N"),
        Column("payment_type", "INT", "1 card, 2 cash, 3 no charge, 4 dispute"),
        Column("fare_amount", "DECIMAL(10,2)", "Fare by the meter, a multiple of 0.50", "EUR"),
        Column("extra_amount", "DECIMAL(10,2)", "Night charge from 20:00 to 06:00", "EUR"),
        Column("tax_amount", "DECIMAL(10,2)", "Tax", "EUR"),
        Column("tip_amount", "DECIMAL(10,2)", "Tip; only tips by card are known", "EUR"),
        Column("tolls_amount", "DECIMAL(10,2)", "Tolls", "EUR"),
        Column(
            "congestion_charge", "DECIMAL(10,2)", "Charge on weekdays; null: not known to the meter", "EUR", nulls=0.04
        ),
        Column("airport_fee", "DECIMAL(10,2)", "Fee at the airport rate", "EUR"),
        Column("total_amount", "DECIMAL(10,2)", "Sum of the seven amounts above, null as 0", "EUR"),
    ),
    defects=(
        Defect(
            "passenger_count of 0",
            "SELECT count(*) FROM trips WHERE passenger_count = 0",
            "SELECT count(passenger_count) FROM trips",
            0.02,
        ),
        Defect("distance of 0", "SELECT count(*) FROM trips WHERE distance_km = 0", _ALL, 0.02),
        Defect("distance above 500 km", "SELECT count(*) FROM trips WHERE distance_km > 500", _ALL, 0.004),
        Defect("end before the start", "SELECT count(*) FROM trips WHERE dropoff_ts < pickup_ts", _ALL, 0.006),
        Defect("refunds with negative amounts", "SELECT count(*) FROM trips WHERE fare_amount < 0", _ALL, 0.01),
        Defect(
            "total that is 10.00 above its parts",
            "SELECT count(*) FROM trips WHERE total_amount <> fare_amount + extra_amount + tax_amount + tip_amount "
            "+ tolls_amount "
            "+ coalesce(congestion_charge, 0) + airport_fee",
            _ALL,
            0.012,
        ),
        Defect(
            "pickup_zone_id that is not in `zones` (999)",
            "SELECT count(*) FROM trips LEFT ANTI JOIN zones ON pickup_zone_id = zone_id",
            _ALL,
            0.01,
        ),
        Defect(
            "dropoff_zone_id that is not in `zones` (999)",
            "SELECT count(*) FROM trips LEFT ANTI JOIN zones ON dropoff_zone_id = zone_id",
            _ALL,
            0.01,
        ),
        Defect(
            "trips recorded twice: equal to the one before but for trip_id",
            "SELECT count(*) FROM trips a JOIN trips b ON a.trip_id = b.trip_id + 1 AND a.pickup_ts = b.pickup_ts "
            "AND a.dropoff_ts = b.dropoff_ts AND a.distance_km = b.distance_km AND a.total_amount = b.total_amount",
            _ALL,
            0.01,
        ),
        Defect("rate code unknown (99)", "SELECT count(*) FROM trips WHERE rate_code = 99", _ALL, 0.01),
    ),
)

ZONES = Table(
    name="zones",
    family="trips",
    description="Zones of the invented city. The same for every seed.",
    key=("zone_id",),
    seeded=False,
    columns=(
        Column("zone_id", "INT", "Identifier, from 1 without gaps"),
        Column("borough", "STRING", "Part of the city, one of six"),
        Column("zone", "STRING", "Name of the zone"),
    ),
)

TRIPS = (TRIPS_TABLE, ZONES)
