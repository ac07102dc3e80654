"""The committed samples: made from the generators, byte for byte the same every time."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from datasets.catalog import SAMPLE_SEED, SAMPLES, generate, tables
from datasets.table import Table


def sample_bytes(spark: SparkSession, table: Table) -> bytes:
    """The Parquet file of a table's sample: sorted by its key, then by all other columns, one row group, zstd.

    A table that is nothing but lines of text is sorted by their hash, so that empty and broken lines are spread over
    the file.
    """
    rows = generate(spark, table.name, seed=SAMPLE_SEED, scale="tiny")
    others = [column for column in table.columns if column.name not in table.key]
    order: list[Column] = [F.col(name) for name in table.key] if others else [F.xxhash64(*table.key)]
    order += [F.to_json(F.struct(column.name)) if "<" in column.type else F.col(column.name) for column in others]
    return _parquet(rows.orderBy(*order).toArrow())


def _parquet(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    # Without the serialised Arrow schema the file depends on nothing but the rows, their types and the version of
    # Arrow.
    pq.write_table(
        rows, buffer, compression="zstd", compression_level=12, row_group_size=max(1, rows.num_rows), store_schema=False
    )
    return buffer.getvalue()


def current_samples(spark: SparkSession) -> dict[str, bytes]:
    """What the generators make now: the Parquet file of every table, by table name."""
    return {name: sample_bytes(spark, table) for name, table in tables().items()}


def write_samples(samples: Mapping[str, bytes], folder: Path = SAMPLES) -> None:
    """Write `current_samples` into a folder and remove Parquet files of tables that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in samples.items():
        (folder / f"{name}.parquet").write_bytes(content)
    for stray in stray_files(folder):
        stray.unlink()


def stale_samples(samples: Mapping[str, bytes], folder: Path = SAMPLES) -> list[str]:
    """One sentence for each file of a folder that is missing, superfluous or differs from `current_samples`."""
    findings = []
    for name, content in samples.items():
        path = folder / f"{name}.parquet"
        if not path.exists():
            findings.append(f"{path.name} is missing.")
        elif path.read_bytes() != content:
            findings.append(f"{path.name} is not what the generator of {name} makes.")
    return findings + [f"{path.name} belongs to no table." for path in stray_files(folder)]


def stray_files(folder: Path) -> list[Path]:
    """Parquet files in the folder that belong to no table."""
    return sorted(path for path in folder.glob("*.parquet") if path.stem not in tables())
