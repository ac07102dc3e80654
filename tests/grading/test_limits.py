"""Limits on memory, processes and time hold with a control group and without one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.grading import sandbox
from autograder.grading.limits import Limits, join_and_execute, make_control_group, remove_groups_of

HOG = "hog = []\nwhile True: hog.append(bytearray(b'x') * 20_000_000)"
FORKS = """
import os, sys, time
children = []
try:
    for _ in range(100):
        child = os.fork()
        if child == 0:
            time.sleep(5)
            os._exit(0)
        children.append(child)
except OSError:
    sys.exit(3)
"""


def run(source: str, limits: Limits, folder: Path, *, group: bool) -> sandbox.Ended:
    """Run a program as the sandbox would, without bubblewrap."""
    made = make_control_group(limits) if group else None
    if group and made is None:
        pytest.skip("this user may not make control groups here")
    try:
        command = join_and_execute(made, [sys.executable, "-c", source])
        return sandbox._run(command, folder, limits, made, False)
    finally:
        if made is not None:
            made.kill()


@pytest.mark.parametrize("group", [True, False])
def test_a_program_that_takes_too_much_memory_is_ended(group: bool, tmp_path: Path) -> None:
    ended = run(HOG, Limits(memory=300_000_000, seconds=60), tmp_path, group=group)
    assert ended.reason == "memory"
    assert ended.peak_memory > 200_000_000
    assert any("0.3 GB" in finding for finding in ended.findings)


def test_a_control_group_refuses_too_many_processes(tmp_path: Path) -> None:
    ended = run(FORKS, Limits(processes=20, seconds=60), tmp_path, group=True)
    assert ended.reason == "died"
    assert "More than 20 processes and threads were asked for." in ended.findings


def test_a_program_that_never_ends_is_ended_with_its_children(tmp_path: Path) -> None:
    marker = "course-test-sleeper"
    source = f"import subprocess; subprocess.run(['sh', '-c', 'sleep 600; : {marker}'])"
    start = time.monotonic()
    ended = run(source, Limits(seconds=3), tmp_path, group=False)
    assert ended.reason == "timeout"
    assert time.monotonic() - start < 30
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert marker not in listed.replace(source, "")


def test_control_groups_are_removed(tmp_path: Path) -> None:
    group = make_control_group(Limits())
    if group is None:
        pytest.skip("this user may not make control groups here")
    assert all(folder.is_dir() for folder in group.folders)
    group.kill()
    assert not any(folder.exists() for folder in group.folders)


def test_without_bubblewrap_grading_refuses_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    sandbox.require_bubblewrap.cache_clear()
    with pytest.raises(sandbox.SandboxUnavailable, match=r"bubblewrap \(bwrap\) is not installed.*--no-sandbox"):
        sandbox.require_bubblewrap()
    sandbox.require_bubblewrap.cache_clear()


def test_what_a_killed_grader_left_in_its_control_groups_is_ended_and_removed() -> None:
    ours, other = make_control_group(Limits(owner="grader-1")), make_control_group(Limits(owner="grader-12"))
    if ours is None or other is None:
        pytest.skip("this user may not make control groups here")
    sleeper = subprocess.Popen(join_and_execute(ours, ["sleep", "600"]))
    try:
        while sleeper.pid not in map(int, (ours.folders[0] / "cgroup.procs").read_text().split()):
            time.sleep(0.02)
        remove_groups_of("grader-1")
        assert sleeper.wait(timeout=10) == -9
        assert not any(folder.exists() for folder in ours.folders)
        assert all(folder.exists() for folder in other.folders)
    finally:
        sleeper.kill()
        ours.kill()
        other.kill()
