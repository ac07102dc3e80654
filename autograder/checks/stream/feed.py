"""The source of a stream, in the harness's hands: which rows arrive, in which file, in which order, and when.

Nothing waits for a clock: a file is there when a script says so, complete, with a modification time after all earlier ones.
"""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from autograder.checks.stream.options import Scenario, StreamOptions
from autograder.compare import collect

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

FIRST_TIME = 1_750_000_000
"""Modification time of the first file, in seconds since 1970; each later one is a second newer."""

LINE = "line of the feed"


class Feed(ABC):
    """Rows that arrive part by part. `waiting` parts have not arrived yet."""

    def __init__(self, parts: Sequence[pa.Table]) -> None:
        self.parts = list(parts)
        self.arrived = 0

    @property
    def waiting(self) -> int:
        """How many parts are still to come."""
        return len(self.parts) - self.arrived

    def feed(self, count: int) -> None:
        """Let the next parts arrive; fewer when there are no more."""
        for _ in range(min(count, self.waiting)):
            self._arrive(self.parts[self.arrived], self.arrived)
            self.arrived += 1

    def supplied(self) -> dict[str, Any]:
        """Values for the parameters that tell a learner's function where rows come from, beside `events`."""
        return {}

    def close(self) -> None:
        """Give back what the feed holds outside its folder."""
        self.parts.clear()

    @abstractmethod
    def events(self, spark: SparkSession) -> DataFrame:
        """The stream of rows, opened in a session."""

    @abstractmethod
    def _arrive(self, part: pa.Table, number: int) -> None: ...


class FileFeed(Feed):
    """Files in a folder, one batch each."""

    def __init__(self, parts: Sequence[pa.Table], schema: StructType, source: str, home: Path) -> None:
        super().__init__(parts)
        self.schema = schema
        self.source = source
        self.folder, self.staging = home / "events", home / "staging"
        self.folder.mkdir()
        self.staging.mkdir()

    def supplied(self) -> dict[str, Any]:
        """The folder, for functions that open it themselves."""
        return {"folder": str(self.folder)}

    def events(self, spark: SparkSession) -> DataFrame:
        """The folder as a stream, one file per batch."""
        reader = spark.readStream.option("maxFilesPerTrigger", 1)
        if self.source == "lines":
            return reader.text(str(self.folder))
        return reader.schema(self.schema).format(self.source).load(str(self.folder))

    def _arrive(self, part: pa.Table, number: int) -> None:
        suffix = "parquet" if self.source == "parquet" else "json"
        path = self.staging / f"events-{number + 1:03}.{suffix}"
        if self.source == "parquet":
            pq.write_table(part.drop_columns([LINE]), path)
        else:
            path.write_text("".join(f"{line}\n" for line in part[LINE].to_pylist()), encoding="utf-8")
        os.utime(path, (FIRST_TIME + number, FIRST_TIME + number))
        path.rename(self.folder / path.name)


class KafkaFeed(Feed):
    """A topic of its own, with one partition, on a real broker; each record's value is a line of JSON."""

    def __init__(self, parts: Sequence[pa.Table], spark: SparkSession, topic: str) -> None:
        from autograder.services.kafka import create_topic, shared_broker

        super().__init__(parts)
        self.spark, self.topic = spark, topic
        self.servers = shared_broker().servers
        self.per_batch = max([part.num_rows for part in parts], default=1) or 1
        create_topic(spark, self.servers, topic)

    def supplied(self) -> dict[str, Any]:
        """The broker's address and the topic."""
        return {"servers": self.servers, "topic": self.topic}

    def events(self, spark: SparkSession) -> DataFrame:
        """The topic as a stream, as many records per batch as the largest part has."""
        reader = spark.readStream.format("kafka").option("kafka.bootstrap.servers", self.servers)
        limited = reader.option("subscribe", self.topic).option("maxOffsetsPerTrigger", self.per_batch)
        return limited.option("startingOffsets", "earliest").load()

    def close(self) -> None:
        """Remove the topic."""
        from autograder.services.kafka import delete_topic

        super().close()
        delete_topic(self.spark, self.servers, self.topic)

    def _arrive(self, part: pa.Table, number: int) -> None:
        if not part.num_rows:
            return
        records = self.spark.createDataFrame([(line,) for line in part[LINE].to_pylist()], "value STRING").coalesce(1)
        writer = records.write.format("kafka").option("kafka.bootstrap.servers", self.servers)
        writer.option("topic", self.topic).save()


def make_feed(options: StreamOptions, scenario: Scenario, table: DataFrame, home: Path, spark: SparkSession) -> Feed:
    """The feed of a scenario over the rows of a table."""
    parts = arranged(rows_of(table), scenario)
    if options.source == "kafka":
        return KafkaFeed(parts, spark, f"events-{home.name}".replace("_", "-"))
    return FileFeed(parts, table.schema, options.source, home)


def rows_of(table: DataFrame) -> pa.Table:
    """The rows of a table in its order, with each row's JSON in the column `LINE`."""
    from pyspark.sql import functions as F

    with_lines = table.select("*", F.to_json(F.struct(*table.columns)).alias(LINE))
    return collect(with_lines).rename_columns(with_lines.columns)


def arranged(rows: pa.Table, scenario: Scenario) -> list[pa.Table]:
    """The parts in which rows arrive: put in order, cut, some of them late, some lines damaged."""
    if scenario.order:
        rows = rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in scenario.order]))
    places = _late(_cut(rows.num_rows, scenario.files), scenario.late)
    if scenario.corrupt:
        lines = [
            _damaged(line, number // scenario.corrupt) if number % scenario.corrupt == scenario.corrupt - 1 else line
            for number, line in enumerate(rows[LINE].to_pylist())
        ]
        rows = rows.set_column(rows.column_names.index(LINE), LINE, pa.array(lines, pa.string()))
    return [rows.take(pa.array(place, pa.int64())) for place in places]


def _cut(count: int, files: int | tuple[int, ...]) -> list[list[int]]:
    sizes = files if isinstance(files, tuple) else (1,) * files
    borders = [count * sum(sizes[:number]) // sum(sizes) for number in range(len(sizes) + 1)]
    return [list(range(start, end)) for start, end in itertools.pairwise(borders)]


def _late(places: list[list[int]], late: Any) -> list[list[int]]:
    """The same places with every n-th row k files later, where there is such a file."""
    if not late:
        return places
    moved: list[list[int]] = [[] for _ in places]
    for file, rows in enumerate(places):
        for row in rows:
            behind = file + late["files"] if row % late["every"] == late["every"] - 1 else file
            moved[behind if behind < len(places) else file].append(row)
    return moved


def _damaged(line: str, number: int) -> str:
    """What arrives in place of a line of JSON: cut off, something else entirely, or an object with a number in all fields."""
    return (line[: len(line) // 2], "<html>502 Bad Gateway</html>", '{"event_ts": "yesterday"}')[number % 3]
