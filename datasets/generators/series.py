"""Random values that change with time, as functions of the time, so that no row needs the one before."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from datasets.generators.cells import Cells


def wandering(cells: Cells, name: str, seconds: Column, scales: tuple[int, ...], *ids: Column) -> Column:
    """A DOUBLE that wanders like a random walk whose change over a day has a standard deviation of about 1.

    Sum of noise at several time scales (in seconds), each drawn at its ticks and straight in between, with amplitudes
    that grow as the root of the scale, as those of a random walk do.
    """
    total = F.lit(0.0)
    for scale in scales:
        tick = F.floor(seconds / F.lit(scale))
        within = seconds / F.lit(scale) - tick
        before = cells.normal(f"{name}.{scale}", tick, *ids)
        after = cells.normal(f"{name}.{scale}", tick + F.lit(1), *ids)
        total = total + (before + (after - before) * within) * F.lit((scale / 86_400) ** 0.5)
    return total


def weight_of(values: tuple[float, ...], index: Column) -> Column:
    """One of a few DOUBLE values by an index from 0: a rhythm over hours or months."""
    listed = F.split(F.lit(",".join(map(str, values))), ",").cast("array<double>")
    return F.get(listed, index.cast("int"))
