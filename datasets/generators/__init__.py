"""Generators of the tables, one module per family, each a function from a `Generation` to a DataFrame."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame

from datasets.generators.air import GENERATORS as AIR
from datasets.generators.churn import GENERATORS as CHURN
from datasets.generators.features import GENERATORS as FEATURES
from datasets.generators.fulfilment import GENERATORS as FULFILMENT
from datasets.generators.generation import Generation
from datasets.generators.retail import GENERATORS as RETAIL
from datasets.generators.reviews import GENERATORS as REVIEWS
from datasets.generators.sensors import GENERATORS as SENSORS
from datasets.generators.ticks import GENERATORS as TICKS
from datasets.generators.trips import GENERATORS as TRIPS

__all__ = ["Generation", "generator_of"]

_GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {
    **RETAIL,
    **FULFILMENT,
    **FEATURES,
    **TRIPS,
    **REVIEWS,
    **CHURN,
    **SENSORS,
    **TICKS,
    **AIR,
}


def generator_of(name: str) -> Callable[[Generation], DataFrame]:
    """The function that makes the rows of a declared table."""
    return _GENERATORS[name]
