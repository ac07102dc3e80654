"""The attacks of the suite do succeed where their defence is missing, so that a suite without success means something."""

from __future__ import annotations

import functools
import json
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from autograder import paths
from autograder.grading import sandbox
from autograder.grading.limits import Limits
from autograder.grading.runner import NotebookRun
from autograder.grading.sandbox import SandboxUnavailable
from tests.grading.attacks import Attack, snooping, spoofing
from tests.grading.attacks.packing import insert, replace, solutions
from tests.grading.attacks.stock import EXERCISES, NOTEBOOK, under_nbgrader

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(900)]

ATTACKS = {attack.name: attack for attack in (*snooping.QUIET, *spoofing.ALONE, *spoofing.QUIET)}
FORGED = ("patched assertions", "expected answers of the caller")


@pytest.fixture(scope="module")
def stock_marks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Points under stock nbgrader, whose tests run beside the learner's code."""
    submissions = {name: functools.partial(_filled, attack=ATTACKS[name]) for name in FORGED}
    marks = under_nbgrader(submissions, tmp_path_factory.mktemp("nbgrader"))
    return {name: mark.points for name, mark in marks.items()}


def _filled(notebook: object, attack: Attack) -> object:
    answers = solutions(NOTEBOOK)
    for exercise in EXERCISES[1:]:  # the first stays untouched
        replace(notebook, exercise, attack.answer(exercise, answers[exercise.id]))
    insert(notebook, attack.cell)
    return notebook


@pytest.mark.parametrize("name", FORGED)
def test_forged_answers_get_points_where_tests_run_beside_them(stock_marks: dict[str, float], name: str) -> None:
    assert stock_marks[name] > 0


def test_the_patched_grader_is_the_one_that_grades() -> None:
    patched = re.findall(r"NotebookRun\.(\w+) =", ATTACKS["patched grader"].cell)
    assert patched
    assert all(callable(getattr(NotebookRun, name, None)) for name in patched)


def probed(name: str, facts: dict[str, object], prefix: Sequence[str] = ()) -> list[str]:
    """What a looking attack reaches in a process of its own behind a command."""
    lines = "\n".join("    " + line for line in ATTACKS[name].body.strip().splitlines())
    program = (
        f"FACTS = {facts!r}\ndef look():\n{lines}\ntry:\n    look()\nexcept RuntimeError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [*prefix, sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.removeprefix("reached: ").strip().split(", ")


@pytest.fixture
def facts(tmp_path: Path) -> dict[str, object]:
    """The course, a private file of the instructor and a service on loopback."""
    private = tmp_path / "gradebook.db"
    private.write_text("marks")
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {
            "root": str(paths.ROOT),
            "private": [str(private)],
            "port": server.getsockname()[1],
            "abstract": "nobody",
        }


def wrapped(tmp_path: Path) -> list[str]:
    """The command that puts a program into the sandbox."""
    task, system = tmp_path / "task", tmp_path / "system"
    for folder in (task / "inputs", system):
        folder.mkdir(parents=True)
    (task / "inputs" / "input.parquet").touch()
    tmp_path.chmod(0o755)
    return sandbox._wrap(sandbox.require_bubblewrap(), task, Limits(), system)


def test_files_are_there_without_the_sandbox_and_not_in_it(tmp_path: Path, facts: dict[str, object]) -> None:
    without = probed("files", facts)
    assert {"references", "solutions", "modules", "tests", *facts["private"]} <= set(without)
    assert probed("files", facts, wrapped(tmp_path)) == ["a control probe: the inputs"]


def test_loopback_of_the_host_is_there_with_its_network_and_not_without(
    tmp_path: Path, facts: dict[str, object]
) -> None:
    command = wrapped(tmp_path)
    assert probed("network", facts, command) == ["a control probe: own loopback"]
    shared = [word for word in command if word != "--unshare-net"]
    assert "loopback of the host" in probed("network", facts, shared)


def test_a_course_below_a_folder_that_the_sandbox_shows_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(paths, "ROOT", Path("/usr/src/course"))
    with pytest.raises(SandboxUnavailable, match="Move the course"):
        wrapped(tmp_path)


def test_the_runner_leaves_the_keyring_of_whoever_starts_it() -> None:
    """Without leaving it, learner code would read the keys of the instructor's session."""
    program = """
import ctypes, json
from autograder.grading.runner import _leave_keyring
call = ctypes.CDLL(None).syscall
call(250, 1, None)
planted = call(248, b"user", b"course-test", b"secret", 6, -3)
before = call(250, 10, -3, b"user", b"course-test", 0)
_leave_keyring()
print(json.dumps([planted, before, call(250, 10, -3, b"user", b"course-test", 0)]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=paths.ROOT)
    planted, before, after = json.loads(done.stdout)
    if planted < 0:
        pytest.skip("this kernel gives processes no keyring")
    assert (before, after) == (planted, -1)
