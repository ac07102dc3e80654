"""How many base rows each table has at a scale. No Spark here: a wrong scale is refused before it starts."""

from __future__ import annotations

import re

TINY = {
    "customers": 400,
    "products": 120,
    "stores": 12,
    "orders": 1500,
    "sessions": 620,
    "trips": 3000,
    "businesses": 120,
    "users": 300,
    "reviews": 1500,
    "churn_customers": 5000,
    "raters": 240,
    "baskets": 1500,
    "devices": 20,
    "readings": 4000,
    "price_ticks": 4000,
    "air_locations": 8,
    "air_hours": 4200,
}
"""Base rows at scale "tiny". Web events start from sessions, order items, payments, shipments and returns from orders,
ratings from raters (20 each, about), sensor readings from `readings`, measurements of the air from `air_hours`; the two
churn tables share `churn_customers`."""

PLATFORM_ORDERS = 50_000
PLATFORM = {
    "customers": 10_000,
    "products": 1_000,
    "stores": 50,
    "sessions": 10_000,
    "users": 10_000,
    "businesses": 1_000,
}
"""Base rows at scale "platform": those of the retail brief, and where others differ from `PLATFORM_ORDERS`."""

MOST_ROWS = 1_000_000_000
"""Above it, references to nothing (which begin at seven thousand millions) could meet rows that exist."""

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}
_MOST_STORES = 200


def sizes_of(scale: str) -> dict[str, int]:
    """Base rows by table at a named scale.

    Raises:
        ValueError: the scale is neither "tiny" nor "platform" nor a number of rows, alone or followed by k or m, from
            1 to a thousand millions.
    """
    if scale == "tiny":
        return dict(TINY)
    if scale == "platform":
        return {**_of_rows(PLATFORM_ORDERS), **PLATFORM}
    match = re.fullmatch(r"([1-9]\d{0,12})([km]?)", scale)
    if match is None:
        raise ValueError(
            f"Scale {scale!r} is not known. Use 'tiny', 'platform', or a number of rows such as '5000', '100k' or '1m'."
        )
    rows = int(match[1]) * _UNITS[match[2]]
    if rows > MOST_ROWS:
        raise ValueError(f"Scale {scale!r} is {rows:,} rows a table; the most that can be made is '1000m'.")
    return _of_rows(rows)


def _of_rows(rows: int) -> dict[str, int]:
    """About so many rows of each table that grows; a store, a device or a station for many rows of what happens there."""
    return {
        **dict.fromkeys(TINY, rows),
        "stores": min(_MOST_STORES, rows),
        "sessions": max(1, rows // 5),
        "raters": max(1, rows // 20),
        "devices": max(1, rows // 10_000),
        "air_locations": max(1, rows // 25_000),
    }
