"""Whatever is killed in the middle of a batch, marks come out as if nothing had happened, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from autograder import manifest
from autograder.grading import engine
from autograder.grading.engine import GradingOptions, Submission
from autograder.grading.limits import Limits
from autograder.grading.orphans import remove_leftovers, workplace
from autograder.grading.samples import make_sample
from tests.grading.small_course import SmallCourse, below, kill, make_course, preceded_by, solutions, wait_for

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(900)]

PASSED = [("1.1.1", "passed", 1.0), ("1.1.2", "passed", 2.0), ("1.1.3", "passed", 1.0)]
HOG = "hog = []\nwhile True: hog.append(bytearray(b'x') * 50_000_000)"
BOMB = """
import os, subprocess, time
subprocess.Popen(['bash', '-c', 'bomb() { bomb | bomb & }; bomb; wait'])
time.sleep(1)
os._exit(0)
"""
HIERARCHY = Path("/sys/fs/cgroup")


def sleeping(seconds: float) -> dict[str, str]:
    """Right answers, the second of which waits once, with a process that can be seen from outside."""
    wait = (
        "import os, subprocess\n"
        "if not os.path.exists('/tmp/slept'):\n"
        "    open('/tmp/slept', 'w').close()\n"
        f"    subprocess.run(['sleep', '{seconds}'])"
    )
    right = solutions()
    return {**right, "1.1.2": preceded_by(right["1.1.2"], wait)}


def hostile(statements: str) -> dict[str, str]:
    """Right answers, the second of which does something else first."""
    right = solutions()
    return {**right, "1.1.2": preceded_by(right["1.1.2"], statements)}


def sandbox_of(process: psutil.Process, grader: int) -> psutil.Process:
    """The process that the grader started and below which this one runs."""
    return next(parent for parent in process.parents() if parent.ppid() == grader)


def asleep(grader: int, seconds: float) -> psutil.Process | None:
    found = below(grader, f"sleep {seconds}")
    return found[0] if found else None


def control_groups(owner: str) -> list[Path]:
    """The control groups that a grader made."""
    return [path for path in HIERARCHY.glob(f"**/course-{owner}-*") if path.is_dir()]


class Assassin(threading.Thread):
    """Kills, once each: the JVM of one sandbox, the whole of another, and a verifier."""

    def __init__(self, grader: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self.grader = grader
        self.killed: set[str] = set()

    def run(self) -> None:
        while self.grader.poll() is None:
            self._once("java", lambda: self._java(4.01))
            self._once("sandbox", lambda: self._sandbox(4.02))
            self._once("verifier", lambda: next(iter(below(self.grader.pid, "autograder.grading.verifier")), None))
            threading.Event().wait(0.02)

    def _once(self, what: str, find: Any) -> None:
        if what not in self.killed:
            try:
                found = find()
                if found is not None:
                    kill(found)
                    self.killed.add(what)
            except (psutil.Error, StopIteration):
                pass

    def _java(self, seconds: float) -> psutil.Process | None:
        marker = asleep(self.grader.pid, seconds)
        return None if marker is None else below(sandbox_of(marker, self.grader.pid).pid, "java", "pyspark-shell")[0]

    def _sandbox(self, seconds: float) -> psutil.Process | None:
        marker = asleep(self.grader.pid, seconds)
        return None if marker is None else sandbox_of(marker, self.grader.pid)


@dataclass(frozen=True)
class Disturbed:
    """A batch in which processes were killed, from outside and by the submissions themselves."""

    course: SmallCourse
    killed: set[str]
    said: str


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    course = make_course(tmp_path_factory.mktemp("disturbed"))
    course.hand_in("java", sleeping(4.01))
    course.hand_in("sandbox", sleeping(4.02))
    course.hand_in("hungry", {**hostile(BOMB), "1.1.1": preceded_by(solutions()["1.1.1"], HOG)})
    course.hand_in("suicidal", hostile("import os\nos.kill(-1, 9)"))
    process = course.start("--workers", "2")
    assassin = Assassin(process)
    assassin.start()
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assassin.join()
    return Disturbed(course, assassin.killed, said)


def test_killing_java_a_sandbox_or_a_verifier_costs_no_mark(disturbed: Disturbed) -> None:
    assert disturbed.killed == {"java", "sandbox", "verifier"}
    for learner in ("java", "sandbox"):
        assert disturbed.course.marks(learner) == PASSED
        assert disturbed.course.result(learner)["status"] == "graded"


def test_a_result_says_that_a_second_run_was_needed(disturbed: Disturbed) -> None:
    again = "A process ended early during {}; a second run did not, and its outcome counts."
    assert again.format("1.1.2") in disturbed.course.result("java")["findings"]
    assert again.format("1.1.2, 1.1.3") in disturbed.course.result("sandbox")["findings"]


def test_too_much_memory_and_a_fork_bomb_cost_their_own_answers_and_no_second_run(disturbed: Disturbed) -> None:
    assert disturbed.course.marks("hungry") == [("1.1.1", "error", 0.0), ("1.1.2", "error", 0.0), PASSED[2]]
    findings = " ".join(disturbed.course.result("hungry")["findings"])
    assert "More memory was asked for than the 2.2 GB" in findings
    assert "second run" not in findings
    assert "in two runs" not in findings


def test_a_submission_that_kills_its_own_run_keeps_what_it_had_and_is_told_to_the_instructor(
    disturbed: Disturbed,
) -> None:
    assert disturbed.course.result("suicidal")["status"] == "stopped"
    assert disturbed.course.marks("suicidal")[:2] == [("1.1.1", "passed", 1.0), ("1.1.2", "error", 0.0)]
    assert sum("in two runs" in finding for finding in disturbed.course.result("suicidal")["findings"]) == 1
    assert "suicidal/01_dataframes: 1.1.2, 1.1.3" in disturbed.said
    assert "java/01_dataframes: 1.1" not in disturbed.said


def test_the_next_run_repeats_none_of_that(disturbed: Disturbed) -> None:
    course = disturbed.course
    before = {path: path.stat().st_mtime_ns for path in course.results.glob("*/*.json")}
    assert "0 graded, 4 kept" in course.grade()
    assert {path: path.stat().st_mtime_ns for path in course.results.glob("*/*.json")} == before
    assert list(course.temporary.iterdir()) == []


@dataclass(frozen=True)
class Killed:
    """A batch that was interrupted, then killed, then run to its end while another one tried to join in."""

    course: SmallCourse
    interrupted: str
    left_by_interrupt: list[str]
    orphans: list[str]
    owner: str
    first: int
    refused: str
    said: str


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    course = make_course(tmp_path_factory.mktemp("killed"))
    course.hand_in("a", {})
    course.hand_in("b", sleeping(12.03))
    course.hand_in("c", {})

    process = course.start()
    marker = wait_for(lambda: asleep(process.pid, 12.03), process)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    interrupted, _ = process.communicate(timeout=60)
    left = [path.name for path in course.temporary.iterdir()]
    left += [str(child) for child in psutil.wait_procs(family, timeout=10)[1]]
    first = course.result_path("a").stat().st_mtime_ns

    process = course.start()
    marker = wait_for(lambda: asleep(process.pid, 12.03), process)
    family = [marker, *psutil.Process(process.pid).children(recursive=True)]
    process.kill()
    process.communicate(timeout=60)
    orphans = [str(child) for child in psutil.wait_procs(family, timeout=10)[1]]
    (lock,) = course.temporary.glob("*.lock")

    process = course.start()
    wait_for(lambda: asleep(process.pid, 12.03), process)
    process.send_signal(signal.SIGSTOP)  # so that it cannot have finished before the other one looks
    try:
        refused = course.grade(code=1)
    finally:
        process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    yield Killed(course, interrupted, left, orphans, lock.stem, first, refused, said)


def test_an_interrupted_batch_says_so_and_leaves_nothing(killed: Killed) -> None:
    assert "Finished results are kept; run the same command again" in killed.interrupted
    assert "Traceback" not in killed.interrupted
    assert killed.left_by_interrupt == []


def test_sandboxes_do_not_outlive_a_grader_that_was_killed(killed: Killed) -> None:
    assert killed.orphans == []


def test_the_next_run_goes_on_and_grades_nothing_twice(killed: Killed) -> None:
    assert "3 submissions: 1 graded, 2 kept" in killed.said
    assert killed.course.result_path("a").stat().st_mtime_ns == killed.first
    assert not list(killed.course.results.glob("*/previous"))
    assert killed.course.marks("b") == PASSED
    for learner in ("a", "c"):
        assert [status for _, status, _ in killed.course.marks(learner)] == ["not_attempted"] * 3
    assert len((killed.course.results / "grades.csv").read_text().splitlines()) == 4


def test_the_next_run_removes_what_the_killed_one_left(killed: Killed) -> None:
    assert list(killed.course.temporary.iterdir()) == []
    assert control_groups(killed.owner) == []
    assert not [path for path in killed.course.results.rglob(".*") if path.name != ".lock"]


def test_a_second_grader_on_the_same_results_refuses(killed: Killed) -> None:
    assert "Another grader (process " in killed.refused
    assert "Wait until it has finished, or choose another folder" in " ".join(killed.refused.split())
    assert "Traceback" not in killed.refused


def test_code_without_a_sandbox_ends_with_its_grader_too(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    course.hand_in("a", hostile("import subprocess\nsubprocess.run(['sleep', '120.05'])"))
    process = course.start("--no-sandbox")
    marker = wait_for(lambda: asleep(process.pid, 120.05), process)
    family = [marker, *psutil.Process(process.pid).children(recursive=True)]
    process.kill()
    process.communicate(timeout=60)
    assert psutil.wait_procs(family, timeout=20)[1] == []


def test_a_sandbox_that_cannot_even_start_java_is_a_fault_of_the_grader(tmp_path: Path) -> None:
    notebook = manifest.notebook("1.1")
    folder = tmp_path / "ada" / notebook.assignment
    folder.mkdir(parents=True)
    nbformat.write(make_sample(notebook, "perfect"), folder / f"{notebook.name}.ipynb")
    limits = Limits(memory=120_000_000, seconds=100)
    found = engine.grade(Submission("ada", notebook.assignment, folder), GradingOptions(limits=limits))
    assert found.status == "grader_error"
    assert "before any code of the submission ran" in found.message
    assert all(exercise.status == "grader_error" and exercise.ended_early for exercise in found.exercises)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 100 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small file system to fill")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_stops_the_batch_with_a_sentence_and_spoils_nothing(tmp_path: Path, tiny_disk: Path) -> None:
    course = make_course(tmp_path)
    learners = [f"learner-{number:02}" for number in range(60)]
    for learner in learners:
        course.hand_in(learner, {})
    results = tiny_disk / "results"
    said = course.grade(code=1, results=results)
    assert "No space left on device" in said
    assert "Results that are there are whole and stay." in said
    assert "Traceback" not in said
    finished = {path: path.read_bytes() for path in results.glob("*/*.json")}
    assert 0 < len(finished) < len(learners)
    for path in finished:
        assert [status for _, status, _ in course.marks(path.parent.name, results)] == ["not_attempted"] * 3
    assert not list(results.rglob(".writing-*"))

    subprocess.run(["mount", "-o", "remount,size=10m", tiny_disk], check=True)
    assert f"60 submissions: {60 - len(finished)} graded, {len(finished)} kept" in course.grade(results=results)
    assert all(path.read_bytes() == content for path, content in finished.items())
    assert len((results / "grades.csv").read_text().splitlines()) == 61


def test_a_file_that_may_not_grow_is_never_left_half_written(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    course.hand_in("a", {})
    limited = ["prlimit", "--fsize=1000", *course.command()]
    tried = subprocess.run(
        limited, cwd=course.root, env=course.environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert tried.returncode == 1
    assert "File too large" in tried.stderr
    assert {path.name for path in course.results.rglob("*") if path.is_file()} <= {".lock", "grades.csv"}
    assert "1 graded" in course.grade()


def test_what_looks_like_a_leftover_of_somebody_else_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary, precious = tmp_path / "tmp", tmp_path / "precious"
    for folder in (temporary, precious, temporary / "course-grader-other", temporary / "course-grader-dead"):
        folder.mkdir()
    (precious / "marks").write_text("1")
    (temporary / "course-grader-planted").symlink_to(precious)
    (temporary / "course-grader-planted.lock").symlink_to(precious / "marks")
    (temporary / "course-grader-dead.lock").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with workplace() as living:
        assert Path(tempfile.gettempdir()).parent == temporary
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        remove_leftovers()
        left = {path.name for path in temporary.iterdir()}
    assert left == {
        living,
        f"{living}.lock",
        "course-grader-other",
        "course-grader-planted",
        "course-grader-planted.lock",
    }
    assert (precious / "marks").read_text() == "1"
