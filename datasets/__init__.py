"""Synthetic data of the course: table declarations, deterministic generators and committed samples.

`tables()` says what exists, `sample(name)` where the committed Parquet file is, `load(spark, name)` reads it and
`generate(spark, name, seed=..., scale=...)` makes new rows; `recorded(name)` is where a log of a real run
lies. Importing this package imports no Spark.
"""

from datasets.catalog import generate, load, recorded, sample, tables
from datasets.table import Column, Defect, Table

__all__ = ["Column", "Defect", "Table", "generate", "load", "recorded", "sample", "tables"]
