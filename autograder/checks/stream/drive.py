"""Drives the learner's query through a scenario: starts it, drains it, breaks it, starts it again with the same checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.checks.base import WrongKind
from autograder.checks.returned import describe
from autograder.checks.stream.feed import Feed
from autograder.checks.stream.observe import Observed
from autograder.checks.stream.options import StreamOptions
from autograder.checks.stream.sink import BatchSink

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery


_LAG_OF_REPEATED_BATCH = 'because the return value of "scala.Option.get()" is null'


class Crash(Exception):
    """The failure that a scenario asks for, right after a batch was written."""


@dataclass
class Drive:
    """One learner's function with its source, sink and checkpoint.

    `home` holds `events`, `checkpoint`, `target` and `sink`; everything a restart needs is there.
    """

    function: Callable[..., Any]
    inputs: Mapping[str, Any]
    options: StreamOptions
    feed: Feed
    home: Path
    spark: SparkSession
    observed: Observed = field(default_factory=Observed)

    @property
    def checkpoint(self) -> Path:
        """The query's checkpoint, the same for every start."""
        return self.home / "checkpoint"

    @property
    def sink(self) -> BatchSink:
        """The harness's sink."""
        return BatchSink(self.home / "sink")

    @property
    def target(self) -> Path:
        """Where the learner's query writes, if it is told where."""
        return self.home / "target"

    def supplied(self) -> dict[str, Any]:
        """Values for all parameters that the harness fills in."""
        known = {
            "target": str(self.target),
            "checkpoint": str(self.checkpoint),
            "query_name": "stream_" + "".join(letter for letter in self.home.name if letter.isalnum()),
            **self.feed.supplied(),
        }
        if "events" in self.options.supplies:
            known["events"] = self.feed.events(self.spark)
        return {name: known[name] for name in self.options.supplies}

    def play(self, script: tuple[str, ...]) -> None:
        """All steps of a scenario. Raises WrongKind for what is no query, and what the query fails with."""
        for step in script:
            if step.startswith("feed"):
                count = step.removeprefix("feed ")
                self.feed.feed(self.feed.waiting if count == "rest" else int(count))
            elif step == "drain":
                self.drain()
            elif step == "crash":
                self.crash()
            elif step.startswith("kill"):
                self.kill(writing=step == "kill writing")
            else:
                self.lose_commit()

    def drain(self) -> None:
        """Run the query until nothing is left to read.

        Kafka's source of Spark 4.1 fails after it has repeated an uncommitted batch, when it computes how far it is behind. The
        batch is committed by then, so that another start goes on behind it, as it would under any supervisor.
        """
        try:
            self._drain()
        except Exception as error:
            if self.options.source != "kafka" or _LAG_OF_REPEATED_BATCH not in str(error):
                raise
            self._drain()

    def _drain(self) -> None:
        query = self.start()
        try:
            if self.observed.endless:
                query.processAllAvailable()
            else:
                query.awaitTermination()
            self.observed.after(query, self.checkpoint)
        finally:
            query.stop()

    def crash(self) -> None:
        """Run the query and let it fail right after the write of its first batch.

        A query without `foreachBatch` writes and commits out of the harness's reach: it is drained and its last commit then lost.
        """
        crashed: list[int] = []

        def fail(batch: int) -> None:
            crashed.append(batch)
            raise Crash(f"the scenario ends batch {batch} after its write")

        with after_each_batch(fail):
            try:
                self.drain()
            except WrongKind:
                raise
            except Exception:
                if not crashed:
                    raise
        if not crashed:
            self.lose_commit()

    def lose_commit(self) -> None:
        """Forget that the last batch was committed, as when the machine dies between write and commit."""
        commits = self.checkpoint / "commits"
        batches = sorted(int(path.name) for path in commits.glob("*") if path.name.isdigit())
        if batches:
            for name in (str(batches[-1]), f".{batches[-1]}.crc"):
                (commits / name).unlink(missing_ok=True)

    def kill(self, *, writing: bool = False) -> None:
        """Run the query in a process of its own with a JVM of its own, and kill both while a batch is under way, or being written."""
        from autograder.checks.stream.kill import can_fork, run_and_kill

        self.observed.killed = can_fork(self.spark) and run_and_kill(self, writing=writing)
        if not self.observed.killed:
            self.crash()

    def start(self) -> StreamingQuery:
        """Call the learner's function once and return the running query."""
        supplied = self.supplied()
        result = self.function(**{**self.inputs, **supplied})
        query = self._own(result) if self.options.starts else self._attached(result)
        self.observed.started(query)
        if self.observed.endless and not self.options.endless:
            query.stop()
            raise WrongKind(
                f"Your query never ends: its trigger is {self.observed.trigger}. A job that handles what is there and then "
                "stops needs `.trigger(availableNow=True)`."
            )
        return query

    def _own(self, result: Any) -> StreamingQuery:
        from pyspark.sql.streaming.query import StreamingQuery

        if isinstance(result, StreamingQuery):
            return result
        if type(result).__name__ == "DataStreamWriter":
            raise WrongKind(
                "Your function returned a DataStreamWriter: the query is described but not started. Call `start()`."
            )
        if result is None:
            raise WrongKind("Your function returned nothing (None). Return the query: `start(...)` gives it to you.")
        if type(result).__name__ == "DataFrame":
            raise WrongKind(
                "Your function returned a DataFrame. Write it with `writeStream`, start the query and return it."
            )
        raise WrongKind(f"Your function must return the running query, but it returned {describe(result)}")

    def _attached(self, result: Any) -> StreamingQuery:
        from pyspark.sql import DataFrame

        if not isinstance(result, DataFrame):
            if type(result).__name__ in ("StreamingQuery", "DataStreamWriter"):
                raise WrongKind(
                    "Return the streaming DataFrame itself, without `writeStream`: the sink is attached for you."
                )
            raise WrongKind(f"Your function must return a streaming DataFrame, but it returned {describe(result)}")
        if not result.isStreaming:
            raise WrongKind(
                "Your function returned a DataFrame that is not streaming. Build it from the stream that it is given."
            )
        writer = result.writeStream.outputMode(self.options.mode).option("checkpointLocation", str(self.checkpoint))
        return writer.trigger(availableNow=True).foreachBatch(self.sink.write).start()


@contextlib.contextmanager
def after_each_batch(happens: Callable[[int], None], announced: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Let something happen after every call of a function given to `foreachBatch`; `announced` is called when one is given."""
    from pyspark.sql.streaming.readwriter import DataStreamWriter

    original = DataStreamWriter.foreachBatch

    def patched(self: DataStreamWriter, function: Callable[[Any, int], None]) -> DataStreamWriter:
        def written(frame: Any, batch: int) -> None:
            function(frame, batch)
            happens(batch)

        announced()
        return original(self, written)

    DataStreamWriter.foreachBatch = patched  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        DataStreamWriter.foreachBatch = original  # type: ignore[method-assign]


@contextlib.contextmanager
def own_streams(spark: SparkSession) -> Iterator[None]:
    """Stop every query that is started meanwhile and drop the temporary views (memory sinks) that appear."""
    queries = running(spark)
    views = _views(spark)
    try:
        yield
    finally:
        stop_streams(spark, keep=queries)
        for name in _views(spark) - views:
            spark.catalog.dropTempView(name)


def running(spark: SparkSession) -> frozenset[str]:
    """The run ids of the queries that run in a session."""
    return frozenset(str(query.runId) for query in spark.streams.active)


def stop_streams(spark: SparkSession, keep: frozenset[str]) -> None:
    """Stop all queries of a session but those with the given run ids."""
    for query in spark.streams.active:
        if str(query.runId) not in keep:
            with contextlib.suppress(Exception):  # it has ended, or ends with what it failed with
                query.stop()


def _views(spark: SparkSession) -> set[str]:
    return {table.name for table in spark.catalog.listTables() if table.isTemporary}
