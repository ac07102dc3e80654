"""The kind "files" where an API gives rows out: they arrive by script, and what clients do is counted and judged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from autograder.checks import KINDS, Answer
from autograder.checks.files import FilesOptions, Script
from autograder.checks.files.answer import FilesAnswer
from autograder.checks.files.options import WrongOptions
from autograder.checks.files.served import behaviour_of
from autograder.compare import AnswerUnreadable
from autograder.models import ExerciseSpec, Status
from autograder.runtime.call import Outcome, call

CHECK = KINDS["files"]
SERVED = {"as": "things", "key": "id", "updated": "changed"}


@pytest.fixture
def things(spark: SparkSession) -> DataFrame:
    """24 rows with a NULL, an amount with two decimals, and a time of change that ten rows share."""
    return spark.range(0, 24, 1, 1).select(
        "id",
        (F.col("id") / 2).cast("decimal(10,2)").alias("price"),
        F.when(F.col("id") > 0, F.timestamp_seconds(1748736000 + (F.col("id") / 10).cast("int"))).alias("changed"),
    )


@pytest.fixture
def outcome_of(spark: SparkSession, things: DataFrame) -> Callable[..., Outcome]:
    """What becomes of a function that gets `api`."""

    def outcome(function: Callable[..., Any], *, served: Any = None, deadline: float = 120.0, **case: Any) -> Outcome:
        given = {"api": {"table": "things", "files": case.pop("files", 1), "served": {**SERVED, **(served or {})}}}
        files = {"given": given, "returns": case.pop("returns", True), "made": case.pop("made", {})}
        spec = ExerciseSpec("9.9.9", "", "files", 1.0, options={"files": files}, deadline=deadline)
        return call(spec, CHECK, function, {"spark": spark}, {"things": things}, case)

    return outcome


def answer(outcome: Outcome) -> Answer:
    assert outcome.status is Status.PASSED, outcome
    assert outcome.answer is not None
    return outcome.answer


def get(address: str) -> Any:
    return requests.get(address, timeout=10).json()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"served": []}, '"served" is a dictionary'),
        ({"served": {"port": 80}}, "unknown port"),
        ({"served": {"record": {"luck": {"at_most": 1}}}}, "unknown luck"),
        ({"served": {"record": {"requests": 3}}}, "a bound is"),
        ({"served": {}, "format": "csv"}, "unknown format"),
        ({"served": {}, "stays": True}, "unknown stays"),
    ],
)
def test_options_without_sense_are_refused(given: Any, told: str) -> None:
    with pytest.raises(WrongOptions) as raised:
        FilesOptions.of({"files": {"given": {"api": {"table": "things", **given}}, "returns": True}})
    assert told in str(raised.value)


def test_an_api_is_no_set_up_and_has_no_files_to_remove() -> None:
    api = {"table": "things", "served": {}}
    with pytest.raises(WrongOptions, match="given rows"):
        FilesOptions.of({"files": {"made": {"target": {"setup": api}}}})
    wanted = FilesOptions.of({"files": {"given": {"api": api}, "returns": True}})
    with pytest.raises(WrongOptions, match="script"):
        Script.of(["remove api/things", "run"], wanted)
    with pytest.raises(WrongOptions, match="cannot be the name"):
        FilesOptions.of({"files": {"given": {"behaviour": api}, "returns": True}})


@pytest.mark.parametrize("wrong", [{"patience": 1}, {"paging": "sideways"}, {"kinds": ["teapot"]}, ["burst"]])
def test_a_behaviour_without_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"behaviour|paging|kinds"):
        behaviour_of({"behaviour": wrong})


def test_rows_are_given_out_as_json_with_nulls(outcome_of: Callable[..., Outcome]) -> None:
    bodies: list[str] = []

    def first(spark: SparkSession, api: str) -> int:
        bodies.append(requests.get(f"{api}/things?page_size=1", timeout=10).text)
        return len(get(f"{api}/things")["items"])

    assert answer(outcome_of(first)).payload.value == (24,)
    assert bodies[0].startswith('{"items": [{"id":0,"price":0.00,"changed":null}], "next": ')


def test_parts_arrive_by_script_and_the_api_stays_the_same(outcome_of: Callable[..., Outcome]) -> None:
    urls: list[str] = []

    def count(spark: SparkSession, api: str) -> list[int]:
        urls.append(api)
        since = get(f"{api}/things/summary?updated_since=2025-06-01T00:00:01Z")["rows"]
        return [get(f"{api}/things/summary")["rows"], since]

    script = ["run", "feed 1", "run", "feed 1", "run", "feed rest", "run"]
    outcome = outcome_of(count, files=3, script=script, returns="each")
    assert answer(outcome).payload.value == ([[0, 0], [8, 0], [16, 6], [24, 14]],)
    assert len(set(urls)) == 1
    with pytest.raises(requests.ConnectionError):  # it has ended with the answer
        requests.get(f"{urls[0]}/things", timeout=10)


def test_it_ends_when_the_function_raises_or_takes_too_long(outcome_of: Callable[..., Outcome]) -> None:
    urls: list[str] = []

    def raising(spark: SparkSession, api: str) -> int:
        urls.append(api)
        return 1 // 0

    def endless(spark: SparkSession, api: str) -> int:
        urls.append(api)
        while True:
            time.sleep(0.05)

    assert outcome_of(raising).status is Status.ERROR
    assert outcome_of(endless, deadline=2.0).status is Status.TIMEOUT
    for url in urls:
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/things", timeout=10)


def test_only_what_is_asked_about_is_kept_and_survives_saving(
    outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    def twice(spark: SparkSession, api: str) -> int:
        return sum(len(get(f"{api}/things")["items"]) for _ in range(2))

    found = answer(outcome_of(twice, served={"record": {"repeated": {"at_most": 0}, "rows": {"at_most": "reference"}}}))
    assert found.payload.served == {"api": {"repeated": 1, "rows": 48}}
    CHECK.save(found, tmp_path)
    assert CHECK.load(tmp_path) == found
    document = json.loads((tmp_path / "files.json").read_text())
    without = {name: value for name, value in document.items() if name != "served"}
    (tmp_path / "files.json").write_text(json.dumps(without))
    assert CHECK.load(tmp_path).payload.served == {}  # as the answers of all other exercises are
    for wrong in ({"api": {"rows": "48"}}, {"api": 3}, ["api"]):
        (tmp_path / "files.json").write_text(json.dumps({**document, "served": wrong}))
        with pytest.raises(AnswerUnreadable):
            CHECK.load(tmp_path)


def hammering(api: str) -> None:
    """Everything that a client should not do."""
    for query in ("?page=1", "?page=1", "?page=1", "?page=2", "?page=2", "?page=3", "?rows=all", "?rows=all"):
        requests.get(f"{api}/things{query}", timeout=10)


@pytest.mark.parametrize(
    ("behaviour", "record", "told"),
    [
        ({}, "requests", "`api` got 8 requests; 1 would be enough."),
        ({}, "pages", "`api` gave out 3 different pages; 1 would be enough."),
        ({}, "rows", "`api` gave out 24 rows, counted as often as they were fetched; 4 would be enough."),
        ({}, "repeated", "3 pages of `api` had come whole before and were fetched again; none is needed."),
        ({"burst": 1, "retry_after": 9.0}, "refused", "`api` refused 7 requests with 429; none is needed."),
        ({"burst": 1, "retry_after": 9.0}, "impatient", "before the time was over that `Retry-After` had told"),
        ({"every": 1, "times": 9}, "failed", "6 answers of `api` failed"),
        ({"every": 1, "times": 9, "pause": 9.0}, "hurried", "3 requests to `api` came before the pause was over"),
        ({"every": 1, "times": 9}, "unfinished", "3 pages of `api` were asked for and never came whole"),
        ({"every": 3, "kinds": ["slow"], "slow": 0.1}, "waited", "1 answer of `api` came too late"),
        ({"token": "secret"}, "denied", "`api` did not know who sent 8 requests (401)"),
        ({}, "mistaken", "2 requests to `api` were wrong (400 or 404)"),
        ({}, "pointless", "1 request to `api` was repeated although the answer would be the same"),
    ],
)
def test_each_bound_has_a_sentence(
    outcome_of: Callable[..., Outcome], behaviour: dict[str, Any], record: str, told: str
) -> None:
    limit = "reference" if record in ("requests", "pages", "rows") else 0
    served = {"record": {record: {"at_most": limit}}}
    case = {"behaviour": {"paging": "number", "page_size": 4, **behaviour}}

    def impolite(spark: SparkSession, api: str) -> int:
        hammering(api)
        return 1

    def polite(spark: SparkSession, api: str) -> int:
        get(f"{api}/things?page=1")
        return 1

    options = {"files": {"given": {"api": {"table": "things", "served": {**SERVED, **served}}}, "returns": True}}
    calm = {"behaviour": {"paging": "number", "page_size": 4}}
    wanted = answer(outcome_of(polite, served=served, **calm))
    found = CHECK.judge(answer(outcome_of(impolite, served=served, **case)), wanted, options)
    assert (found.equal, found.shape) == (False, "requests")
    assert told in found.message
    assert found.right == ("What your function returns is right.",)
    assert CHECK.judge(wanted, wanted, options).equal


def test_polite_stands_for_five_bounds(outcome_of: Callable[..., Outcome]) -> None:
    served = {**SERVED, "polite": True, "record": {"repeated": {"at_most": 9}}}
    options = {"files": {"given": {"api": {"table": "things", "served": served}}, "returns": True}}

    def impolite(spark: SparkSession, api: str) -> int:
        hammering(api)
        return 1

    behaviour = {"paging": "number", "page_size": 4}
    found = answer(outcome_of(impolite, served=served, behaviour=behaviour))
    assert found.payload.served["api"] == {"impatient": 0, "hurried": 0, "pointless": 1, "waited": 0, "repeated": 3}
    assert "was repeated although the answer" in CHECK.judge(found, found, options).message


def test_content_comes_before_the_record_and_a_missing_record_is_told(outcome_of: Callable[..., Outcome]) -> None:
    served = {"record": {"requests": {"at_most": 0}}}
    options = {"files": {"given": {"api": {"table": "things", "served": {**SERVED, **served}}}, "returns": True}}

    def rows(spark: SparkSession, api: str) -> int:
        return int(get(f"{api}/things/summary")["rows"])

    found = answer(outcome_of(rows, served=served))
    assert (
        "requests" in CHECK.judge(found, found, options).message
        or "request" in CHECK.judge(found, found, options).message
    )
    other = replace(found, payload=replace(found.payload, value=(3,)))
    assert "What your function returns is not right" in CHECK.judge(other, found, options).message
    assert isinstance(found.payload, FilesAnswer)
    lost = replace(found, payload=replace(found.payload, served={}))
    assert "could not be read" in CHECK.judge(lost, found, options).message


def test_a_python_data_source_reads_it_from_the_workers(outcome_of: Callable[..., Outcome]) -> None:
    def read(spark: SparkSession, api: str) -> DataFrame:
        class Reader(DataSourceReader):
            def __init__(self, address: str) -> None:
                self.address = address

            def partitions(self) -> list[InputPartition]:
                return [InputPartition(number) for number in (1, 2, 3)]

            def read(self, partition: InputPartition) -> Any:
                answer = requests.get(f"{self.address}?page={partition.value}&page_size=8", timeout=10)
                yield from ((row["id"],) for row in answer.json()["items"])

        class Things(DataSource):
            @classmethod
            def name(cls) -> str:
                return "things"

            def schema(self) -> str:
                return "id BIGINT"

            def reader(self, schema: Any) -> DataSourceReader:
                return Reader(self.options["address"])

        spark.dataSource.register(Things)
        return spark.read.format("things").option("address", f"{api}/things").load()

    record = {"record": {"pages": {"at_most": 3}, "repeated": {"at_most": 0}}}
    found = answer(outcome_of(read, served=record, behaviour={"paging": "number"}))
    assert sorted(row["id"] for row in found.payload.frames["returned"].table.to_pylist()) == list(range(24))
    assert found.payload.served == {"api": {"pages": 3, "repeated": 0}}
