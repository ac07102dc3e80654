"""`course watch` through a pseudo-terminal, with a real kernel."""

from __future__ import annotations

import signal
import termios
import time
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pytest

from tests.learner.conftest import Course, RealCourse


def terminal_state(watch: pexpect.spawn) -> list[Any]:
    return termios.tcgetattr(watch.child_fd)


def kernels_of(watch: pexpect.spawn) -> list[psutil.Process]:
    return psutil.Process(watch.pid).children(recursive=True)


def test_saving_changes_the_verdict_and_every_key_does_what_it_says(course: Course) -> None:
    watch = course.watch("1.1")
    watch.expect("1.1.1 not attempted")
    course.answer(answer_1_1_1="def doubled(number):\n    return number * 3")
    watch.expect("1.1.1 not right yet")
    for shown in ("Hint 1 of 2", "Hint 2 of 2", "These are all the hints"):
        watch.send("h")
        watch.expect(shown)
    course.solve("1.1.1")
    watch.expect("1 of 3 passed")
    watch.expect("✔ 1.1.1 passed")
    watch.expect("Press n for the next exercise")
    watch.send("n")
    watch.expect("1.1.2 not attempted")
    course.solve("1.1.2")
    watch.expect("✔ 1.1.2 passed")
    course.answer(
        cell_001="from pyspark.sql import DataFrame, SparkSession, functions as F\nfrom autograder import check"
    )
    watch.expect("✘ 1.1.2 stopped with an error")
    watch.expect("NameError: name 'LIMIT' is not defined")
    watch.send("l")
    watch.expect("1.1.3.*Shout")
    watch.send("c")
    watch.expect("passed 1 of 3, 1 of 6 points")
    watch.send("r")
    watch.expect("back to its start")
    watch.send("x")
    watch.expect("Nothing was changed")
    watch.send("r")
    watch.expect("back to its start")
    watch.send("y")
    watch.expect("○ 1.1.2 not attempted")
    watch.send("q")
    watch.expect(pexpect.EOF)
    watch.close()
    assert (watch.exitstatus, watch.signalstatus) == (0, None)
    assert len(list((course.state / "backups").glob("*.ipynb"))) == 1
    assert course.progress()["1.1.1"]["status"] == "passed"


def test_quitting_in_the_middle_of_an_endless_cell_is_quick_and_restores_the_terminal(course: Course) -> None:
    course.add_cell(2, "from pathlib import Path\nPath('started').touch()\nwhile True:\n    pass")
    watch = course.watch("1.1")
    before = terminal_state(watch)
    wait_for(course.notebook.parent / "started")
    assert terminal_state(watch) != before, "single keys need another terminal mode"
    processes = kernels_of(watch)
    assert processes
    started = time.monotonic()
    watch.send("q")
    wait_until_gone(watch)
    assert time.monotonic() - started < 10
    assert terminal_state(watch) == before
    assert psutil.wait_procs(processes, timeout=10)[1] == []


def test_the_kernel_can_be_restarted_out_of_an_endless_cell_and_a_signal_restores_the_terminal(course: Course) -> None:
    course.add_cell(2, "from pathlib import Path\nPath('started').touch()\nwhile True:\n    pass")
    watch = course.watch("1.1")
    before = terminal_state(watch)
    wait_for(course.notebook.parent / "started")
    course.answer(answer_1_1_1="def doubled(number):\n    return number * 2")
    remove_endless_cell(course)
    watch.send("k")
    watch.expect("✔ 1.1.1 passed")
    processes = kernels_of(watch)
    watch.kill(signal.SIGTERM)
    wait_until_gone(watch)
    assert terminal_state(watch) == before
    assert psutil.wait_procs(processes, timeout=10)[1] == []


def test_without_a_terminal_each_line_is_a_key_and_the_end_of_input_ends_it_after_the_check(course: Course) -> None:
    course.solve("1.1.1")
    done = course.run("watch", "1.1.1", stdin="h\nc\n")
    assert done.returncode == 0, done.stderr
    assert "Hint 1 of 2 for 1.1.1" in done.stdout
    assert "passed 1 of 3, 1 of 6 points" in done.stdout
    assert "\x1b[" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_a_damaged_notebook_is_told_and_watched_on(course: Course) -> None:
    whole = course.notebook.read_bytes()
    course.notebook.write_bytes(whole[:100])
    watch = course.watch("1.1")
    watch.expect("is damaged")
    course.notebook.write_bytes(whole)
    watch.expect("1.1.1 not attempted")
    watch.send("q")
    watch.expect(pexpect.EOF)


@pytest.mark.slow
def test_solving_the_first_notebook_of_the_course_under_watch(real_course: RealCourse) -> None:
    answers = list(real_course.twin_answers().items())
    watch = real_course.watch("1.1")
    for identifier, source in answers[:2]:
        exercise = identifier.removeprefix("answer_").replace("_", ".")
        watch.expect(f"○ {exercise} not attempted")
        real_course.answer(**{identifier: source})
        watch.expect(f"✔ {exercise} passed")
        watch.send("n")
    watch.expect(f"2 of {len(answers)} passed")
    watch.send("q")
    watch.expect(pexpect.EOF)
    watch.close()
    assert watch.exitstatus == 0


def remove_endless_cell(course: Course) -> None:
    text = course.notebook.read_text(encoding="utf-8")
    assert "while True" in text
    course.notebook.write_text(text.replace("while True", "while False"), encoding="utf-8")


def wait_for(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.1)


def wait_until_gone(watch: pexpect.spawn, seconds: float = 30) -> None:
    """Without reading to the end of the terminal, whose state is still to be looked at."""
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(watch.pid) and psutil.Process(watch.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "course watch did not end"
        time.sleep(0.1)
