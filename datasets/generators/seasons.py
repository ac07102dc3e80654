"""When things happen: growth over the two years, seasons, weekdays and hours of the day, all in UTC."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate

from pyspark.sql import Column
from pyspark.sql import functions as F

from datasets.generators.cells import element, integers

FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2025, 12, 31)
DAYS = (LAST_DAY - FIRST_DAY).days + 1
LAST_SECOND = int(datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())

_FIRST_SECOND = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
_SLOTS = 4096
_MONTH = (0.80, 0.85, 0.95, 1.00, 1.10, 1.05, 0.90, 0.85, 1.00, 1.05, 1.35, 1.60)
_WEEKDAY = (0.90, 0.88, 0.92, 1.00, 1.15, 1.25, 1.05)

SHOPPING_HOURS = (1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 7, 6, 5, 5, 6, 7, 8, 9, 9, 7, 4, 2)
TRAVEL_HOURS = (4, 3, 2, 1, 1, 2, 4, 7, 9, 7, 6, 6, 6, 6, 6, 7, 8, 9, 10, 9, 8, 7, 7, 6)
"""Weights of the hours 0 to 23."""


def shop_weight(day: int) -> float:
    """Orders: business more than doubles over two years, with seasons and weekdays."""
    return _rhythm(day) * (1.0 + 1.3 * day / DAYS)


def signup_weight(day: int) -> float:
    """Sign-ups: a wave after the launch, then steady growth."""
    return _rhythm(day) * (1.0 + 5.0 * math.exp(-day / 45) + 0.4 * day / DAYS)


def city_weight(day: int) -> float:
    """Trips: weekdays and a mild trend, no Christmas rush."""
    return _WEEKDAY[(FIRST_DAY + timedelta(days=day)).weekday()] * (1.0 + 0.2 * day / DAYS)


def _rhythm(day: int) -> float:
    moment = FIRST_DAY + timedelta(days=day)
    return _MONTH[moment.month - 1] * _WEEKDAY[moment.weekday()]


@cache
def _day_slots(weight: Callable[[int], float]) -> tuple[int, ...]:
    """Day numbers in equally likely slots: the quantile function of the days' weights."""
    reached = list(accumulate(weight(day) for day in range(DAYS)))
    return tuple(bisect.bisect_right(reached, (slot + 0.5) / _SLOTS * reached[-1]) for slot in range(_SLOTS))


def day_at(share: Column, weight: Callable[[int], float]) -> Column:
    """The day number (0 is 2024-01-01) at a share in [0, 1) of all that happens; grows with the share."""
    return element(integers(_day_slots(weight)), F.floor(share * F.lit(_SLOTS)))


def happened_by(day: Column, weight: Callable[[int], float], count: Column | int) -> Column:
    """How many of `count` things, placed one after the other by `day_at`, happened by the end of a day; at least 1."""
    slots = _day_slots(weight)
    by_day = [bisect.bisect_right(slots, number) for number in range(DAYS)]
    total = F.lit(count) if isinstance(count, int) else count
    return F.greatest(F.floor(element(integers(by_day), day).cast("bigint") * total / F.lit(_SLOTS)), F.lit(1))


def second_of_day(share: Column, hours: Sequence[int]) -> Column:
    """The second of the day at a share in [0, 1), by the weights of the hours."""
    slots = [hour for hour, weight in enumerate(hours) for _ in range(weight)]
    position = share * F.lit(len(slots))
    within = position - F.floor(position)
    return element(integers(slots), F.floor(position)) * F.lit(3600) + F.floor(within * F.lit(3600))


def date_of(day: Column) -> Column:
    """The DATE of a day number."""
    return F.date_add(F.lit(FIRST_DAY), day.cast("int"))


def epoch_second(day: Column, second: Column) -> Column:
    """Seconds since 1970-01-01 UTC of a second within a day number, as BIGINT."""
    return (day.cast("bigint") * F.lit(86_400) + second + F.lit(_FIRST_SECOND)).cast("bigint")


def timestamp_of(seconds: Column) -> Column:
    """The TIMESTAMP of seconds since 1970-01-01 UTC, never after the end of 2025."""
    return F.timestamp_seconds(F.least(seconds, F.lit(LAST_SECOND)))
