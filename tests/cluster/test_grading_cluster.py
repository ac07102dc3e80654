"""Grading on a Dask cluster: a scheduler and workers that are processes of their own, one of which is killed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.grading.small_course import SmallCourse, below, kill, make_course, preceded_by, solutions, wait_for

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(900)]

PASSED = [("1.1.1", "passed", 1.0), ("1.1.2", "passed", 2.0), ("1.1.3", "passed", 1.0)]
WAIT = (
    "import os, subprocess\n"
    "if not os.path.exists('/tmp/slept'):\n"
    "    open('/tmp/slept', 'w').close()\n"
    "    subprocess.run(['sleep', '6.04'])"
)
LEARNERS = ("ada", "bob")


def start(course: SmallCourse, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A program of Dask, for the course of this folder."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=course.root,
            env=course.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def worker(course: SmallCourse, address: str, name: str) -> subprocess.Popen[bytes]:
    options = ("--nthreads", "1", "--memory-limit", "0", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
    folder = course.root.parent / f"worker-{name}"
    return start(
        course, course.root.parent / f"{name}.log", "worker", address, *options, "--local-directory", str(folder)
    )


@dataclass(frozen=True)
class Clustered:
    """A batch during which a worker was killed and the folder of submissions taken away; then one from another course, and
    one that loses its scheduler.
    """

    course: SmallCourse
    said: str
    orphans: list[str]
    refused: str
    lost: str
    unreachable: str


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clustered]:
    home = tmp_path_factory.mktemp("cluster")
    course = make_course(home)
    right = solutions()
    for learner in LEARNERS:
        course.hand_in(learner, {**right, "1.1.2": preceded_by(right["1.1.2"], WAIT)})
    course.hand_in("nobody", {})
    started = [
        start(course, home / "scheduler.log", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    ]
    try:
        found = wait_for(
            lambda: re.search(r"Scheduler at: +(tcp://127\.0\.0\.1:\d+)", (home / "scheduler.log").read_text())
        )
        address = found[1]
        workers = [worker(course, address, "one"), worker(course, address, "two")]
        started += workers
        process = course.start("--scheduler", address)
        victim = wait_for(lambda: next((item for item in workers if below(item.pid, "sleep 6.04")), None), process)
        # A worker never looks into the folder of submissions.
        course.submitted.rename(home / "elsewhere")
        family = psutil.Process(victim.pid).children(recursive=True)
        kill(psutil.Process(victim.pid))
        victim.wait()
        orphans = [str(child) for child in psutil.wait_procs(family, timeout=10)[1]]
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
        (home / "elsewhere").rename(course.submitted)

        other = make_course(tmp_path_factory.mktemp("other"))
        manifest = other.root / "autograder" / "manifest.json"
        document = json.loads(manifest.read_text())
        document["notebooks"][0]["exercises"][0]["points"] = 100.0
        manifest.write_text(json.dumps(document))
        # What a machine with another course sends is refused by the worker that is left.
        refused = other.grade("--scheduler", address, code=1, submitted=course.submitted)

        process = course.start("--scheduler", address, results=home / "again")
        wait_for(lambda: [found for item in workers for found in below(item.pid, "sleep 6.04")], process)
        started[0].kill()
        started[0].wait()
        lost, _ = process.communicate(timeout=100)
        assert process.returncode == 1, lost
        unreachable = course.grade("--scheduler", address, code=1, results=home / "again")
        yield Clustered(course, said, orphans, refused, lost, unreachable)
    finally:
        for item in started:
            item.kill()
            item.wait()


def test_a_worker_that_is_killed_loses_nothing(clustered: Clustered) -> None:
    assert "3 submissions: 3 graded, 0 kept" in clustered.said
    for learner in LEARNERS:
        assert clustered.course.marks(learner) == PASSED
    assert [status for _, status, _ in clustered.course.marks("nobody")] == ["not_attempted"] * 3
    assert len((clustered.course.results / "grades.csv").read_text().splitlines()) == 4


def test_nothing_is_written_twice(clustered: Clustered) -> None:
    assert all(clustered.said.count(f"{learner}/01_dataframes: graded") == 1 for learner in (*LEARNERS, "nobody"))
    assert not list(clustered.course.results.glob("*/previous"))


def test_sandboxes_of_a_killed_worker_end_with_it(clustered: Clustered) -> None:
    assert clustered.orphans == []


def test_what_the_cluster_graded_needs_no_grading_here(clustered: Clustered) -> None:
    assert "0 graded, 3 kept" in clustered.course.grade()


def test_a_worker_with_another_course_is_refused(clustered: Clustered) -> None:
    assert "has another course or another version of the grader" in clustered.refused
    assert "Traceback" not in clustered.refused


def test_a_scheduler_that_is_lost_ends_the_batch_with_a_sentence(clustered: Clustered) -> None:
    assert "The connection to the Dask scheduler was lost. Finished results are kept" in clustered.lost
    assert "Traceback" not in clustered.lost


def test_a_scheduler_that_is_not_there_is_told(clustered: Clustered) -> None:
    assert "There is no Dask scheduler at tcp://127.0.0.1:" in clustered.unreachable
    assert "Traceback" not in clustered.unreachable
