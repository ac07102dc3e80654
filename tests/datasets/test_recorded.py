"""The logs of real runs hold what the exercises about them rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder import paths
from datasets import recorded

HIDDEN = paths.SOLUTIONS / "02_joins_windows_udfs" / "recorded" / "event_log_without_spill.jsonl"


def task_ends(path: Path) -> list[dict[str, object]]:
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [event for event in events if event["Event"] == "SparkListenerTaskEnd"]


def spilled(path: Path) -> int:
    return sum(event["Task Metrics"]["Disk Bytes Spilled"] for event in task_ends(path))  # type: ignore[index, misc]


def test_one_run_spilled_and_the_hidden_one_did_not() -> None:
    assert spilled(Path(recorded("event_log.jsonl"))) > 100_000
    assert spilled(HIDDEN) == 0


@pytest.mark.parametrize("path", [Path(recorded("event_log.jsonl")), HIDDEN], ids=["public", "hidden"])
def test_a_task_failed_and_was_tried_again(path: Path) -> None:
    reasons = [event["Task End Reason"]["Reason"] for event in task_ends(path)]  # type: ignore[index]
    assert reasons.count("ExceptionFailure") == 1
    assert reasons.count("Success") > 20


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("result", "bigger than spark.driver.maxResultSize"),
        ("local_heap", "executor driver): java.lang.OutOfMemoryError"),
        ("executor_heap", "Command exited with code 52"),
        ("broadcast", "Not enough memory to build and broadcast"),
        ("python", "MemoryError: Unable to allocate"),
    ],
)
def test_each_log_has_the_sign_of_its_cause_and_no_trace_of_the_machine(name: str, sign: str) -> None:
    text = Path(recorded(f"memory_{name}.txt")).read_text(encoding="utf-8")
    assert sign in text
    assert "/work" not in text
    assert "/tmp" not in text
    assert "127.0.0.1" not in text


def test_an_unknown_recording_is_told_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"no recording 'memory'.*event_log\.jsonl"):
        recorded("memory")
