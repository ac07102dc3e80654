"""What the process of a notebook tells the runner is believed only as far as the task allows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.grading.runner import _ANSWER_FILE, _Clock, _events, _Steps

NOTEBOOK = {
    "cells": [
        {"source": "x = 1", "answers": ""},
        {"check": {"id": "1.1.1", "deadline": 7}, "cases": [{"name": "sample"}, {"name": "case-1"}]},
    ]
}
CAPTURED = {"event": "captured", "exercise": "1.1.1", "case": "sample", "status": "passed", "seconds": 0.5}


@pytest.mark.parametrize("event", [CAPTURED, {"event": "end"}, {"event": "problem", "message": "x"}])
def test_honest_events_are_believed(event: dict[str, object]) -> None:
    assert _Steps(NOTEBOOK, 60).allow(event)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event": "problem"},
        {"event": "cell", "number": "1"},
        {"event": "cell", "number": 2},
        {"event": "cell", "number": -1},
        {**CAPTURED, "exercise": "1.1.2"},
        {**CAPTURED, "case": "../sample"},
        {**CAPTURED, "case": "sample/outcome.json"},
        {**CAPTURED, "seconds": float("nan")},
        {**CAPTURED, "seconds": 10**400},
        {**CAPTURED, "seconds": "1"},
    ],
)
def test_events_about_anything_else_are_not(event: dict[str, object]) -> None:
    assert not _Steps(NOTEBOOK, 60).allow(event)


def test_a_cell_is_announced_once_and_a_check_once_for_each_case_and_both_once_more() -> None:
    steps = _Steps(NOTEBOOK, 60)
    assert [steps.allow({"event": "cell", "number": 0, "seconds": 1e9}) for _ in range(3)] == [True, True, False]
    assert [steps.allow({"event": "cell", "number": 1, "seconds": 1e9}) for _ in range(4)] == [True, True, True, False]
    assert (steps.seconds(0), steps.seconds(1)) == (60, 7), "the deadline is that of the task"


def test_lines_that_are_no_events_are_skipped() -> None:
    reading, writing = os.pipe()
    nested = b"[" * 50_000
    os.write(writing, b"\xff\xfe\n" + nested + b"\n[1]\n{\n" + b'{"event": "cell", "number": 1' + b"0" * 5_000 + b"}\n")
    os.write(writing, b'{"event": "end"}\n')
    os.close(writing)
    assert list(_events(reading, os.getpid(), _Clock(time.monotonic() + 10))) == [{"event": "end"}]
    os.close(reading)


@pytest.mark.parametrize("name", ["outcome.json", "outcome.json.part", "answer.parquet.part", ".hidden", "a/b"])
def test_files_that_the_grader_writes_itself_are_no_answers(name: str) -> None:
    assert _ANSWER_FILE.fullmatch("answer.parquet")
    assert not _ANSWER_FILE.fullmatch(name)


RUN = """
import os, sys
from pathlib import Path
from autograder.grading import runner
before = list(sys.path)
cells = [{"source": source, "answers": ""} for source in sys.argv[2:]]
reading, writing = os.pipe()
folder = Path(sys.argv[1])
if os.fork() == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    runner._run_child({"cells": cells}, 20, folder, folder, writing, runner.Attempt())
os.close(writing)
with os.fdopen(reading) as pipe:
    print(pipe.read())
os.wait()
assert sys.path == before
"""


def test_a_file_that_a_cell_writes_can_be_imported_and_shadows_nothing(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    cells = [
        "%%writefile tools.py\nX = 1",
        "%%writefile wave.py\nX = 1",
        "import tools",
        "import wave\nassert 'Wave_read' in dir(wave)",
        "raise ValueError(tools.X)",
    ]
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN, str(tmp_path), *cells], capture_output=True, text=True, timeout=60, check=True
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert [event["message"] for event in events if event["event"] == "problem"] == ["ValueError: 1"]
