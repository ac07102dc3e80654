"""A real Kafka broker: it starts from locked jars, feeds streaming answers, and never outlives what started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import paths
from autograder.checks import Workspace
from autograder.checks.stream import StreamCheck
from autograder.compare import Frame
from autograder.grading import sandbox
from autograder.grading.limits import Limits
from autograder.grading.rebuild import Rebuilt, RebuiltCell
from autograder.grading.task import NotebookTask, write_task
from autograder.models import ExerciseSpec, NotebookSpec
from autograder.services import kafka

KILLED = ["feed 1", "drain", "feed rest", "kill", "drain"]


def until(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true within half a minute."""
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_a_broker_listens_on_loopback_only_and_leaves_nothing_behind() -> None:
    with kafka.broker() as running:
        process = psutil.Process(running.life.program)
        addresses = {
            found.laddr.ip.removeprefix("::ffff:") for found in process.net_connections() if found.status == "LISTEN"
        }
        assert addresses == {"127.0.0.1"}
        assert running.running()
    assert not psutil.pid_exists(process.pid)
    assert not running.running()
    assert not running.folder.exists()


STARTER = """
import sys, time, threading
from autograder.services import kafka
started = []
thread = threading.Thread(target=lambda: started.append(kafka.start()))  # a thread that ends, as those of answers do
thread.start(); thread.join()
print(started[0].life.program, started[0].folder, flush=True)
time.sleep(600)
"""


def test_a_broker_dies_with_the_process_that_started_it_even_by_sigkill() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True, cwd=paths.ROOT) as parent:
        assert parent.stdout is not None
        program, folder = parent.stdout.readline().split()
        assert psutil.pid_exists(int(program))
        os.kill(parent.pid, signal.SIGKILL)
    assert until(lambda: not psutil.pid_exists(int(program)))
    assert until(lambda: not Path(folder).exists())


def test_without_its_jars_the_error_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(kafka.KafkaUnavailable, match="course setup --services kafka"):
        kafka.jars(state=tmp_path)


def types_of_events(events: DataFrame) -> DataFrame:
    fields = F.from_json(F.col("value").cast("string"), "event_id STRING, event_type STRING")
    return events.select(fields.alias("event")).select("event.*")


def test_an_answer_is_fed_through_a_topic_and_survives_a_lost_commit(spark: SparkSession, tmp_path: Path) -> None:
    events = spark.range(0, 30, 1, 1).selectExpr("cast(id AS STRING) AS event_id", "'search' AS event_type")
    scenario = {"files": 3, "script": ["feed 1", "drain", "feed rest", "lose commit", "drain"]}
    workspace = Workspace(spark, tmp_path, {"events": events}, {"scenario": scenario})
    options = {"stream": {"table": "events", "source": "kafka", "ids": "event_id"}}
    answer = StreamCheck().run(types_of_events, {}, options, workspace)
    assert sorted(map(int, answer.payload.table["event_id"].to_pylist())) == list(range(30))
    # Ten records, then twenty in two batches of ten at most.
    assert answer.facts["batches"] == 3


ANSWERS = """
from pyspark.sql import functions as F

def types_of_events(events):
    fields = F.from_json(F.col("value").cast("string"), "event_id STRING, event_type STRING")
    return events.select(fields.alias("event")).select("event.*")
"""


@pytest.mark.sandbox
@pytest.mark.timeout(600)
def test_inside_the_sandbox_an_answer_is_fed_through_kafka_and_killed_for_real(tmp_path: Path) -> None:
    options = {"stream": {"table": "web_events", "source": "kafka", "ids": "event_id"}}
    arguments = {"scenario": {"files": 3, "script": KILLED}}
    spec = ExerciseSpec("9.9.1", "", "stream", 1.0, "types_of_events", ("events",), arguments, options, (), 110.0)
    notebook = NotebookSpec("9.9", "", "09_none", "9.9_none", 60, (spec,))
    cells = (
        RebuiltCell(ANSWERS, "answer", spec.answer_cell, edited=True),
        RebuiltCell("", "release", spec.check_cell),
    )
    write_task(tmp_path / "task", [NotebookTask(notebook, Rebuilt(cells))], scratch=sandbox.INSIDE_SCRATCH)
    ended = sandbox.run(tmp_path / "task", tmp_path / "answers", Limits())
    folder = tmp_path / "answers" / "9.9_none" / "9.9.1" / "sample"
    outcome = json.loads((folder / "outcome.json").read_text())
    assert (ended.reason, outcome["status"]) == ("finished", "passed"), (ended, outcome)
    answer = StreamCheck().load(folder)
    assert isinstance(answer.payload, Frame)
    assert answer.payload.rows == 2_939
    assert len(set(answer.payload.table["event_id"].to_pylist())) == 2_904
    assert answer.facts["killed"] is True
