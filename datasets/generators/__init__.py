"""Generators of the tables, one module per family, each a function from a `Generation` to a DataFrame."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame

from datasets.generators import retail, reviews, trips
from datasets.generators.generation import Generation

__all__ = ["Generation", "generator_of"]

_GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {**retail.GENERATORS, **trips.GENERATORS, **reviews.GENERATORS}


def generator_of(name: str) -> Callable[[Generation], DataFrame]:
    """The function that makes the rows of a declared table."""
    return _GENERATORS[name]
