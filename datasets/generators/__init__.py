"""Generators of the tables, one module per family, each a function from a `Generation` to a DataFrame."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame

from datasets.generators.churn import GENERATORS as CHURN
from datasets.generators.generation import Generation
from datasets.generators.retail import GENERATORS as RETAIL
from datasets.generators.reviews import GENERATORS as REVIEWS
from datasets.generators.trips import GENERATORS as TRIPS

__all__ = ["Generation", "generator_of"]

_GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {**RETAIL, **TRIPS, **REVIEWS, **CHURN}


def generator_of(name: str) -> Callable[[Generation], DataFrame]:
    """The function that makes the rows of a declared table."""
    return _GENERATORS[name]
