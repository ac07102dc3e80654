"""Streaming answers: fed, drained, broken and started again; what counts is what then lies in the sink."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery

from autograder.checks import Answer, Judgement, Workspace, WrongKind
from autograder.checks.stream import Scenario, StreamCheck, StreamOptions
from autograder.checks.stream.feed import LINE, arranged
from autograder.checks.stream.options import WrongOptions
from autograder.compare import AnswerUnreadable, Frame
from autograder.models import ExerciseSpec, Status
from autograder.runtime import cases, judge

ROWS = 24
START = {"supplies": ["events", "target", "checkpoint"], "sink": "parquet", "ids": "id"}
RESTART = ["feed 1", "drain", "feed rest", "drain"]


@pytest.fixture
def events(spark: SparkSession) -> DataFrame:
    """Rows `id` 0..23, an event every ten minutes, of two kinds."""
    numbers = spark.range(0, ROWS, 1, 1)
    at = F.timestamp_seconds(F.lit(1_750_000_000) + F.col("id") * 600)
    return numbers.select("id", at.alias("at"), F.when(F.col("id") % 3 == 0, "a").otherwise("b").alias("kind"))


@pytest.fixture
def take(spark: SparkSession, events: DataFrame, tmp_path: Path) -> Callable[..., Answer]:
    """Takes an answer: `take(function, scenario, table=..., **options)`."""
    folders = iter(range(100))

    def taken(
        function: Any, scenario: Any = None, *, table: DataFrame | None = None, inputs: Any = None, **options: Any
    ) -> Answer:
        folder = tmp_path / f"run{next(folders)}"
        folder.mkdir()
        given = {"stream": {"table": "events", **options}}
        workspace = Workspace(spark, folder, {"events": table or events}, {"scenario": scenario or {}})
        return StreamCheck().run(function, inputs or {}, given, workspace)

    return taken


def judged(actual: Answer, expected: Answer, **options: Any) -> Judgement:
    return StreamCheck().judge(actual, expected, {"stream": {"table": "events", **options}})


def rows(answer: Answer, column: str) -> list[Any]:
    assert isinstance(answer.payload, Frame)
    return sorted(answer.payload.table[column].to_pylist())


def identity(events: DataFrame) -> DataFrame:
    return events.select("id", "kind")


def to_files(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
    writer = events.writeStream.format("parquet").option("checkpointLocation", checkpoint)
    return writer.trigger(availableNow=True).start(target)


def appending(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
    def add(frame: DataFrame, batch: int) -> None:
        frame.write.mode("append").parquet(target)

    writer = events.writeStream.foreachBatch(add).option("checkpointLocation", checkpoint)
    return writer.trigger(availableNow=True).start()


notebook: SparkSession | None = None
"""Stands for the global `spark` of a notebook."""


def through_the_notebook(events: DataFrame, names: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
    assert notebook is not None
    return to_files(events.join(notebook.range(ROWS), "id").join(names, "kind"), target, checkpoint)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, 'at least "table"'),
        ({"table": "events", "sinc": "delta"}, "stream has sinc; it may have: table, source"),
        ({"table": "events", "mode": "all"}, "may be: append, update, complete"),
        ({"table": "events", "supplies": ["target"]}, "where else would rows come from"),
        ({"table": "events", "supplies": ["events", "checkpoint"]}, 'must take "target" or "query_name"'),
        ({"table": "events", "supplies": ["folder"], "source": "kafka"}, "there is no folder"),
    ],
)
def test_options_without_sense_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongOptions) as problem:
        StreamOptions.of({"stream": given})
    assert sentence in str(problem.value)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"files": 0}, "positive number of files"),
        ({"script": ["feed 1", "stop"]}, "has the step 'stop'"),
        ({"script": ["feed some", "drain"]}, "has the step 'feed some'"),
        ({"script": ["drain", "feed 1"]}, 'must end with "drain"'),
        ({"late": {"every": 3}}, '{"every": n, "files": k}'),
    ],
)
def test_scenarios_without_sense_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongOptions) as problem:
        Scenario.of(given)
    assert sentence in str(problem.value)


def test_rows_are_ordered_cut_delayed_and_damaged_as_the_scenario_says() -> None:
    table = pa.table({"id": [3, 1, 2, 5, 4, 6], LINE: [f'{{"id": {n}, "event_ts": "x"}}' for n in (3, 1, 2, 5, 4, 6)]})
    parts = arranged(table, Scenario(files=(1, 2), order=("id",)))
    assert [part["id"].to_pylist() for part in parts] == [[1, 2], [3, 4, 5, 6]]
    parts = arranged(table, Scenario(files=3, order=("id",), late={"every": 2, "files": 2}))
    assert [part["id"].to_pylist() for part in parts] == [[1], [3, 4], [2, 5, 6]]
    lines = [line for part in arranged(table, Scenario(files=2, corrupt=2)) for line in part[LINE].to_pylist()]
    assert len(lines) == 6
    assert sum("x" in line for line in lines) == 3


def test_a_transformation_gives_the_same_rows_however_the_files_are_cut(take: Callable[..., Answer]) -> None:
    whole = take(identity, {"files": 1})
    assert rows(whole, "id") == list(range(ROWS))
    for files in (5, [1, 7, 2]):
        cut = take(identity, {"files": files, "script": RESTART})
        assert judged(cut, whole, ids="id").equal
    assert whole.facts["batches"] == 1


def test_complete_mode_keeps_the_last_result_and_update_mode_the_newest_row_of_each_key(
    take: Callable[..., Answer],
) -> None:
    def count(events: DataFrame) -> DataFrame:
        return events.groupBy("kind").count()

    scenario = {"files": 3, "script": RESTART}
    complete = take(count, scenario, mode="complete")
    update = take(count, scenario, mode="update", last=["kind"])
    for answer in (complete, update):
        assert rows(answer, "count") == [8, 16]
    assert rows(take(count, scenario, mode="update"), "kind") == ["a", "a", "a", "b", "b", "b"]


def windows(delay: str) -> Callable[[DataFrame], DataFrame]:
    """A count per five minutes that waits for `delay`."""
    return lambda events: (
        events.withWatermark("at", delay)
        .groupBy(F.window("at", "5 minutes").alias("w"))
        .count()
        .select("w.start", "count")
    )


def test_a_late_row_is_dropped_only_when_a_batch_lies_between_it_and_the_new_watermark(
    take: Callable[..., Answer], spark: SparkSession
) -> None:
    def at_minutes(*minutes: int) -> DataFrame:
        times = [(1_750_000_200 + 60 * minute,) for minute in minutes]
        return spark.createDataFrame(times, "s BIGINT").coalesce(1).select(F.timestamp_seconds("s").alias("at"))

    late = take(windows("10 minutes"), {"files": 3}, table=at_minutes(0, 30, 1))
    assert rows(late, "count") == [2]
    filled = take(windows("10 minutes"), {"files": 4}, table=at_minutes(0, 30, 31, 1))
    assert rows(filled, "count") == [1]


def test_a_wrong_watermark_and_too_much_state_are_told(take: Callable[..., Answer]) -> None:
    scenario = {"files": 4, "late": {"every": 5, "files": 2}}
    due = take(windows("10 minutes"), scenario)
    assert due.facts["delays"] == [600_000]
    longer = judged(take(windows("2 hours"), scenario), due, watermark=True)
    assert not longer.equal
    assert "waits 2 hours" in longer.message
    assert not longer.hint  # the cause is told; what is usual for missing rows would lead astray
    twice = replace(due, facts={**due.facts, "state": 50})
    assert "keeps 50 rows of state at the end; 10 would be enough" in judged(twice, due, state=10).message
    assert judged(due, due, state=10, watermark=True).equal


def test_a_lost_commit_and_a_crash_double_the_rows_of_a_sink_that_appends_and_of_no_other(
    take: Callable[..., Answer],
) -> None:
    lost = {"files": 3, "script": ["feed 2", "drain", "lose commit", "feed rest", "drain"]}
    due = take(to_files, lost, **START)
    assert rows(due, "id") == list(range(ROWS))
    crash = {"files": 3, "script": ["feed 1", "drain", "feed rest", "crash", "drain"]}
    for scenario in (lost, crash):
        verdict = judged(take(appending, scenario, **START), due, **START)
        assert verdict.message.startswith("Not exactly once: 8 of 24 events are in the sink more often")
    assert judged(take(to_files, crash, **START), due, **START).equal


def test_lost_events_are_counted(take: Callable[..., Answer]) -> None:
    def last_only(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
        def put(frame: DataFrame, batch: int) -> None:
            frame.write.mode("overwrite").parquet(target)

        writer = events.writeStream.foreachBatch(put).option("checkpointLocation", checkpoint)
        return writer.trigger(availableNow=True).start()

    due = take(to_files, {"files": 3}, **START)
    verdict = judged(take(last_only, {"files": 3}, **START), due, **START)
    assert verdict.message == "Not exactly once: 16 of 24 events never reached the sink."


def test_a_query_that_ignores_its_checkpoint_is_told_so(take: Callable[..., Answer], tmp_path: Path) -> None:
    def elsewhere(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
        return to_files(events, target, str(tmp_path / "mine"))

    due = take(to_files, {"files": 2}, **START)
    verdict = judged(take(elsewhere, {"files": 2}, **START), due, **START)
    assert (verdict.equal, "somewhere else than in `checkpoint`" in verdict.message) == (False, True)


def test_wrong_output_mode_and_trigger_change_the_verdict(take: Callable[..., Answer]) -> None:
    options = {"supplies": ["events", "query_name", "checkpoint"], "sink": "memory"}

    def counting(mode: str, **trigger: Any) -> Callable[..., StreamingQuery]:
        def start(events: DataFrame, query_name: str, checkpoint: str) -> StreamingQuery:
            writer = events.groupBy("kind").count().writeStream.format("memory").queryName(query_name)
            stored = writer.outputMode(mode).option("checkpointLocation", checkpoint)
            return stored.trigger(**(trigger or {"availableNow": True})).start()

        return start

    scenario = {"files": 3}
    due = take(counting("complete"), scenario, **options)
    assert rows(due, "count") == [8, 16]
    verdict = judged(take(counting("update"), scenario, **options), due, **options)
    assert (verdict.equal, verdict.message) == (
        False,
        "The output mode of your query is update; the task needs another one.",
    )
    # After a lost commit, a query that handles one batch and stops repeats that batch and never comes to the others.
    restart = {"files": 3, "script": ["feed 1", "drain", "lose commit", "feed rest", "drain"]}
    due = take(counting("complete"), restart, **options)
    once = judged(take(counting("complete", once=True), restart, **options), due, **options)
    assert (once.equal, "OneTimeTrigger" in once.message) == (False, True)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda events: None, "Return the query"),
        (lambda events: events, "returned a DataFrame. Write it with `writeStream`"),
        (lambda events: events.writeStream, "Call `start()`"),
        (lambda events: 7, "must return the running query"),
        (lambda events: events.writeStream.format("noop").start(), "never ends"),
    ],
)
def test_what_is_no_query_that_ends_gets_its_own_sentence(
    take: Callable[..., Answer], spark: SparkSession, returned: Callable[[DataFrame], Any], sentence: str
) -> None:
    with pytest.raises(WrongKind) as problem:
        take(lambda events, target, checkpoint: returned(events), **START)
    assert sentence in str(problem.value)
    assert spark.streams.active == []


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda events: events.writeStream, "without `writeStream`"),
        (lambda events: events.sparkSession.range(3), "not streaming"),
        (lambda events: None, "must return a streaming DataFrame"),
    ],
)
def test_what_is_no_stream_gets_its_own_sentence(
    take: Callable[..., Answer], returned: Callable[[DataFrame], Any], sentence: str
) -> None:
    with pytest.raises(WrongKind) as problem:
        take(returned)
    assert sentence in str(problem.value)


def exercise(function: str, parameters: tuple[str, ...], deadline: float = 60.0, **options: Any) -> ExerciseSpec:
    given = {"stream": {"table": "web_events", **options}}
    return ExerciseSpec("9.9.1", "", "stream", 1.0, function, parameters, {}, given, (), deadline)


def test_a_query_that_fails_is_explained_by_what_it_failed_with(spark: SparkSession) -> None:
    def start(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
        def put(frame: DataFrame, batch: int) -> None:
            frame.write.parquet(target + undefined)  # type: ignore[name-defined]  # noqa: F821

        writer = events.writeStream.foreachBatch(put).option("checkpointLocation", checkpoint)
        return writer.trigger(availableNow=True).start()

    spec = exercise("start", ("events", "target", "checkpoint"), **START | {"ids": "event_id"})
    outcome = cases.answer(spec, start, cases.Case())
    said = "NameError: name 'undefined' is not defined (raised inside the function given to `foreachBatch`)"
    assert (outcome.status, outcome.message) == (Status.ERROR, said)

    def broken(events: DataFrame) -> DataFrame:
        return events.select(F.expr("raise_error('no more')").cast("string").alias("event_id"))

    outcome = cases.answer(exercise("broken", ("events",)), broken, cases.Case())
    assert (outcome.status, outcome.message) == (Status.ERROR, "USER_RAISED_EXCEPTION: no more")


def test_a_function_that_waits_for_ever_is_stopped_with_its_query(spark: SparkSession) -> None:
    def start(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
        query = events.writeStream.format("parquet").option("checkpointLocation", checkpoint).start(target)
        query.awaitTermination()
        return query

    spec = exercise("start", ("events", "target", "checkpoint"), deadline=3.0, **START | {"ids": "event_id"})
    outcome = cases.answer(spec, start, cases.Case())
    assert outcome.status is Status.TIMEOUT
    assert spark.streams.active == []


def test_memory_sinks_and_queries_are_gone_afterwards(take: Callable[..., Answer], spark: SparkSession) -> None:
    def two(events: DataFrame, query_name: str, checkpoint: str) -> StreamingQuery:
        events.writeStream.format("memory").queryName("another").start()
        writer = events.writeStream.format("memory").queryName(query_name)
        return writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()

    before = {table.name for table in spark.catalog.listTables()}
    answer = take(two, supplies=["events", "query_name", "checkpoint"], sink="memory")
    assert len(rows(answer, "id")) == ROWS
    assert spark.streams.active == []
    assert {table.name for table in spark.catalog.listTables()} == before


def test_damaged_lines_reach_the_function_as_text(take: Callable[..., Answer]) -> None:
    def bad(events: DataFrame) -> DataFrame:
        return events.where("try_parse_json(value) IS NULL OR get_json_object(value, '$.id') IS NULL")

    answer = take(bad, {"files": 2, "corrupt": 4}, source="lines")
    assert len(rows(answer, "value")) == ROWS // 4


def lives(process: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has collected yet has."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_query_goes_on_where_its_commits_end(
    take: Callable[..., Answer], spark: SparkSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(globals(), "notebook", spark)
    known = spark.range(ROWS)
    scenario = {"files": 3, "script": ["feed 1", "drain", "feed rest", "kill", "drain"]}
    names = spark.createDataFrame([("a", "Anna"), ("b", "Bob")], "kind STRING, name STRING")
    joined = take(through_the_notebook, scenario, inputs={"names": names}, **START)
    assert joined.facts["killed"] is True
    assert rows(joined, "id") == list(range(ROWS))
    assert set(rows(joined, "name")) == {"Anna", "Bob"}
    due = take(to_files, {"files": 3}, **START)
    verdict = judged(take(appending, scenario, **START), due, **START)
    assert verdict.message.startswith("Not exactly once: 8 of 24 events are in the sink more often")
    # The other JVMs are gone; the session here and its connections are as before.
    others = [int(path.read_text()) for path in tmp_path.glob("run*/signs/java")]
    assert len(others) == 2
    assert not any(lives(java) for java in others)
    assert SparkSession.getActiveSession() is not None
    assert known.count() == ROWS


def test_half_a_write_is_left_behind_by_a_query_that_is_killed_while_it_writes(
    take: Callable[..., Answer], tmp_path: Path
) -> None:
    def trusting(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
        def put(frame: DataFrame, batch: int) -> None:
            frame.write.mode("ignore").parquet(f"{target}/batch={batch}")

        writer = events.writeStream.foreachBatch(put).option("checkpointLocation", checkpoint)
        return writer.trigger(availableNow=True).start()

    scenario = {"files": 3, "script": ["feed 1", "drain", "feed rest", "kill writing", "drain"]}
    answer = take(trusting, scenario, **{**START, "sink": "parquet"})
    assert answer.facts["killed"] is True
    (half,) = tmp_path.glob("run*/target/batch=1")
    assert not list(half.glob("*.parquet"))
    assert len(rows(answer, "id")) == ROWS - ROWS // 3


def test_an_answer_survives_saving_and_loading(take: Callable[..., Answer], tmp_path: Path) -> None:
    answer = take(identity, {"files": 2})
    StreamCheck().save(answer, tmp_path / "saved")
    loaded = StreamCheck().load(tmp_path / "saved")
    assert judged(loaded, answer).equal
    assert loaded.facts == answer.facts
    StreamCheck().save(Answer(None, answer.facts), tmp_path / "empty")
    nothing = StreamCheck().load(tmp_path / "empty")
    assert nothing.payload is None
    assert judged(nothing, answer).message == "Nothing was found in the sink."
    assert judged(answer, nothing).message == "Your query wrote rows where none are expected."


FACTS = {
    "batches": 2,
    "delays": [],
    "mode": "Append",
    "trigger": "AvailableNowTrigger",
    "used_checkpoint": True,
    "state": 0,
    "killed": False,
    "foreign": False,
}


@pytest.mark.parametrize(
    "content",
    [
        "not JSON",
        "[" * 100_000,
        "[1]",
        json.dumps({**FACTS, "more": 1}),
        json.dumps({**FACTS, "batches": "2"}),
        json.dumps({**FACTS, "state": True}),
        json.dumps({**FACTS, "delays": [[1]]}),
        json.dumps({**FACTS, "mode": "x" * 200_000}),
        json.dumps({name: value for name, value in FACTS.items() if name != "delays"}),
    ],
)
def test_hostile_facts_are_not_read(content: str, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(content)
    with pytest.raises(AnswerUnreadable):
        StreamCheck().load(tmp_path)


def test_hostile_rows_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(json.dumps(FACTS))
    assert StreamCheck().load(tmp_path).payload is None
    (tmp_path / "answer.parquet").write_bytes(b"PAR1" + os.urandom(200) + b"PAR1")
    with pytest.raises(AnswerUnreadable):
        StreamCheck().load(tmp_path)


def test_a_kill_that_could_not_be_is_told(take: Callable[..., Answer]) -> None:
    answer = take(identity, {"files": 1})
    killed = replace(answer, facts={**answer.facts, "killed": True})
    verdict = judged(answer, killed)
    assert verdict.equal
    assert "No process could be killed here" in verdict.right[-1]


def test_facts_alone_earn_nothing(take: Callable[..., Answer]) -> None:
    due = take(identity, {"files": 2})
    forged = Answer(Frame.from_arrow(pa.table({"id": [1], "kind": ["a"]})), due.facts)
    spec = exercise("identity", ("events",))
    outcome = cases.Outcome(Status.PASSED, forged)
    assert judge.verdict(spec, outcome, due).status is Status.FAILED
