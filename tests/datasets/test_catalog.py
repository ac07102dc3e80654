"""Finding and reading the committed samples."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

import datasets

NAMES = list(datasets.tables())


def test_importing_and_asking_for_a_path_does_not_import_spark() -> None:
    program = "import sys, datasets; datasets.sample('orders'); datasets.tables(); print('pyspark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=_root())
    assert done.stdout.strip() == "False"


def _root() -> Path:
    return Path(datasets.__file__).resolve().parent.parent


def test_table_names_are_unique_across_families() -> None:
    from datasets.declarations import FAMILIES

    assert len(NAMES) == sum(len(family) for family in FAMILIES) == 31


def test_an_unknown_name_is_answered_with_near_matches_and_all_names() -> None:
    with pytest.raises(ValueError, match="Did you mean 'orders'") as caught:
        datasets.sample("order")
    assert all(name in str(caught.value) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_file_has_exactly_the_declared_schema(spark: SparkSession, name: str) -> None:
    found = spark.read.parquet(datasets.sample(name)).schema
    assert found == StructType.fromDDL(datasets.tables()[name].schema)


def test_load_reads_one_partition_in_the_order_of_the_key(spark: SparkSession) -> None:
    rows = datasets.load(spark, "order_items")
    keys = [(row.order_id, row.line) for row in rows.select("order_id", "line").collect()]
    assert rows.rdd.getNumPartitions() == 1
    assert keys == sorted(keys)
    assert len(keys) == 3850


def test_samples_are_small() -> None:
    sizes = {name: Path(datasets.sample(name)).stat().st_size for name in NAMES}
    assert sum(sizes.values()) < 5_000_000
