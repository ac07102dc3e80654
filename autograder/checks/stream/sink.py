"""Sinks: the harness's own, which keeps every batch, and reading what the learner's query wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from autograder.checks.stream.options import StreamOptions
from autograder.compare import Frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class BatchSink:
    """Keeps each batch in a file named by its id. A batch that is run again replaces its file: each counts once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def write(self, frame: DataFrame, batch: int) -> None:
        """What `foreachBatch` calls."""
        path = self.folder / f"{batch:06}.parquet"
        temporary = path.with_suffix(".part")
        Frame.from_spark(frame).write(temporary)
        temporary.replace(path)

    def content(self, mode: str, last: tuple[str, ...]) -> Frame | None:
        """What a table behind the sink would hold; None when no batch was written.

        All batches together in append mode, the last one in complete mode; in update mode the newest row for each value
        of the columns `last`.
        """
        batches = [Frame.read(path) for path in sorted(self.folder.glob("*.parquet"))]
        if not batches:
            return None
        if mode == "complete":
            return batches[-1]
        whole = Frame(batches[0].schema, pa.concat_tables([batch.table for batch in batches]))
        return newest(whole, last) if mode == "update" and last else whole


def newest(frame: Frame, key: tuple[str, ...]) -> Frame:
    """The last row for each value of the key; the frame itself when it lacks a column of the key."""
    if any(name not in frame.columns for name in key) or len(set(frame.columns)) < len(frame.columns):
        return frame
    places = {
        repr(values): number
        for number, values in enumerate(zip(*(frame.table[name].to_pylist() for name in key), strict=True))
    }
    return Frame(frame.schema, frame.table.take(pa.array(sorted(places.values()), pa.int64())))


def read_target(options: StreamOptions, supplied: dict[str, Any], spark: SparkSession) -> Frame | None:
    """What the learner's query has written; None when there is nothing that could be read."""
    if options.sink == "memory":
        name = supplied["query_name"]
        if not spark.catalog.tableExists(name):
            return None
        found = Frame.from_spark(spark.table(name))
        return (newest(found, options.last) if options.last else found).sorted()
    folder = Path(supplied["target"])
    mark = "_delta_log" if options.sink == "delta" else "*.parquet"
    there = folder.is_dir() and any(folder.rglob(mark))
    return Frame.from_spark(spark.read.format(options.sink).load(str(folder))).sorted() if there else None


def holds_files(options: StreamOptions, supplied: dict[str, Any]) -> bool:
    """Whether there is any file where the learner's query was to write a table or files."""
    return options.sink != "memory" and any(path.is_file() for path in Path(supplied["target"]).rglob("*"))
