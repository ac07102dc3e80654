"""Run by the doctor in a process of its own: does a Spark session start, and do its Python workers work?

Prints one JSON object with the workers' Python and pyarrow versions.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable

import pandas as pd
from pyspark.sql import SparkSession

from autograder.setup.spark_configuration import prepare_environment


def describe_worker(batches: Iterable[pd.DataFrame]) -> Iterable[pd.DataFrame]:
    """Runs in a worker: doubles `id`, and says which Python and pyarrow did it."""
    import pyarrow as pa

    for batch in batches:
        yield batch.assign(id=batch["id"] * 2, python=platform.python_version(), pyarrow=pa.__version__)


def main() -> None:
    """Sums 0, 2, … 198 through both workers."""
    prepare_environment()
    session = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
    rows = session.range(100).mapInPandas(describe_worker, "id long, python string, pyarrow string").collect()
    answer = {"sum": sum(row.id for row in rows), "python": rows[0].python, "pyarrow": rows[0].pyarrow}
    sys.stdout.write(json.dumps(answer) + "\n")
    session.stop()


if __name__ == "__main__":
    main()
