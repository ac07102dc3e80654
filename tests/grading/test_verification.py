"""Verifiers that stay: each submission is judged by a process of its own, and a verifier that breaks costs no other submission anything."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autograder import manifest
from autograder.grading import engine, verification, verifier
from autograder.models import Status
from autograder.setup import bytecode

NOTEBOOKS = [notebook for notebook in manifest.notebooks() if notebook.number in ("1.1", "1.2")]
WANTED = {notebook.number: [spec.id for spec in notebook.exercises if spec.kind != "written"] for notebook in NOTEBOOKS}
IDENTIFIERS = [exercise for exercises in WANTED.values() for exercise in exercises]


@pytest.fixture
def right(tmp_path: Path) -> Path:
    """What a sandbox hands over when everything is right: the expected answers themselves."""
    for notebook in NOTEBOOKS:
        for exercise in WANTED[notebook.number]:
            for case in verifier.expected_cases(notebook, exercise):
                folder = tmp_path / "right" / notebook.name / exercise / case.name
                shutil.copytree(case.expected, folder)
                outcome = {"status": Status.PASSED, "message": "", "trace": "", "seconds": 0.1}
                (folder / "outcome.json").write_text(json.dumps(outcome))
    return tmp_path / "right"


@pytest.fixture(scope="module", autouse=True)
def one_verifier() -> Iterator[None]:
    """No verifier of another module, before and after."""
    bytecode.prepared()
    verification.end()
    yield
    verification.end()


def swapped(right: Path) -> Path:
    """The same answers, but the first two exercises have each other's."""
    folder = right.parent / "swapped"
    shutil.copytree(right, folder)
    first, second = (folder / NOTEBOOKS[0].name / exercise for exercise in IDENTIFIERS[:2])
    first.rename(folder / "kept")
    second.rename(first)
    (folder / "kept").rename(second)
    return folder


def in_this_process(answers: Path) -> dict[str, object]:
    """The verdicts without any verifier."""
    verdicts = json.loads(json.dumps(list(verifier.judge(answers, "finished", WANTED))))
    return {verdict["exercise"]: verdict for verdict in verdicts}


def verifier_process() -> psutil.Process:
    """The one verifier that stays."""
    (found,) = [child for child in psutil.Process().children() if "autograder.grading.verifier" in child.cmdline()]
    return found


def characters_read(process: psutil.Process) -> int:
    """What the main thread of a process has read so far, without its children."""
    text = Path(f"/proc/{process.pid}/task/{process.pid}/io").read_text()
    return int(dict(line.split(": ") for line in text.splitlines())["rchar"])


def test_verdicts_are_those_of_a_fresh_process_whoever_was_judged_before(right: Path) -> None:
    wrong = swapped(right)
    judged = [verification.ask(answers, "finished", WANTED) for answers in (right, wrong, right)]
    assert judged[0] == judged[2] == in_this_process(right)
    assert judged[1] == in_this_process(wrong)
    assert [judged[0][exercise]["status"] for exercise in IDENTIFIERS] == [Status.PASSED] * len(IDENTIFIERS)
    assert [judged[1][exercise]["status"] for exercise in IDENTIFIERS[:3]] == ["failed", "failed", "passed"]


def test_the_process_that_stays_never_opens_an_answer(right: Path) -> None:
    verification.ask(right, "finished", WANTED)
    staying = verifier_process()
    before = characters_read(staying)
    threads = staying.num_threads()
    verification.ask(right, "finished", WANTED)
    assert verifier_process().pid == staying.pid
    assert staying.num_threads() == threads
    smallest = min(path.stat().st_size for path in right.rglob("answer.*"))
    request = 4_000  # the request itself, which names the exercises
    assert characters_read(staying) - before < request + smallest
    assert staying.children() == []


def test_a_verifier_that_died_is_replaced(right: Path) -> None:
    verification.ask(right, "finished", WANTED)
    killed = verifier_process()
    killed.kill()
    killed.wait()
    assert verification.ask(right, "finished", WANTED) == in_this_process(right)


def test_a_verifier_that_dies_while_judging_gives_no_verdict_and_the_next_request_is_served(right: Path) -> None:
    outcome = right / NOTEBOOKS[0].name / IDENTIFIERS[0] / "sample" / "outcome.json"
    outcome.unlink()
    os.mkfifo(outcome)
    verification.prepare()
    staying = verifier_process()
    killer = threading.Thread(target=_kill_once_it_has_a_child, args=(staying,))
    killer.start()
    assert verification.ask(right, "finished", WANTED) is None
    killer.join()
    outcome.unlink()
    shutil.copy(outcome.parent.parent / "case-1" / "outcome.json", outcome)
    assert verification.ask(right, "finished", WANTED) == in_this_process(right)


def _kill_once_it_has_a_child(process: psutil.Process) -> None:
    while not process.children():
        time.sleep(0.05)
    for child in process.children():
        os.kill(child.pid, signal.SIGKILL)
    process.kill()


def test_an_answer_that_hangs_the_judge_costs_only_its_own_points(right: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "VERIFIER_SECONDS", 4.0)
    outcome = right / NOTEBOOKS[0].name / IDENTIFIERS[1] / "sample" / "outcome.json"
    outcome.unlink()
    os.mkfifo(outcome)  # nothing that comes out of a sandbox is one; reading it never ends
    verdicts = engine.verify(right, "finished", NOTEBOOKS)
    assert sorted(verdicts) == sorted(set(IDENTIFIERS) - {IDENTIFIERS[1]})
    assert {verdict["status"] for verdict in verdicts.values()} == {Status.PASSED}
    assert verifier_process().children() == [], "the judge that hung is gone"


def test_all_requests_of_a_submission_have_one_limit_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "VERIFIER_SECONDS", 1.2)
    asked: list[object] = []

    def hang(answers: Path, reason: str, wanted: object) -> None:
        asked.append(wanted)
        time.sleep(1.0)

    monkeypatch.setattr(verification, "ask", hang)
    findings: list[str] = []
    assert engine.verify(tmp_path, "finished", NOTEBOOKS, findings) == {}
    assert len(asked) == 1 + 2, "all together, and two alone"
    left = ", ".join(IDENTIFIERS[2:])
    assert findings == [f"The time for comparing this submission was over before {left}."]
