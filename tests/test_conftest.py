"""Which tests stay together in one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import os
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("exercise", ["2.1.1-1", "2.1.2-1", "6.1.2.9-10", "1.1.3"], ids=str)
def test_of_a_notebook(exercise):
    note(exercise.partition("-")[0].rpartition(".")[0])


@pytest.mark.parametrize("number", range(8))
def test_of_a_file(number):
    note("file")


class TestOfAClass:
    def test_of_a_class(self):
        note("file")


def note(unit):
    time.sleep(0.1)  # so that both processes get something of every file
    with Path({log!r}).open("a") as log:
        log.write(f"{name} {{unit}} {{os.getpid()}}\\n")
"""


@pytest.mark.timeout(120)
def test_files_and_the_notebooks_in_them_are_not_torn_apart(tmp_path: Path) -> None:
    """With real processes: a plugin that stops to group says nothing, and every fixture of a module is made twice."""
    log = tmp_path / "log"
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_xdist_make_scheduler\n", encoding="utf-8")
    for name in ("one", "two", "three"):
        (tmp_path / f"test_{name}.py").write_text(TESTS.format(log=str(log), name=name), encoding="utf-8")
    (tmp_path / "reports").mkdir()
    for name in ("class", "feedback"):
        text = TESTS.format(log=str(log), name="reports").replace("reports {unit}", "reports")
        (tmp_path / "reports" / f"test_{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "--numprocesses", "2"]
    command += ["--dist", "loadscope", "--no-loadscope-reorder", str(tmp_path), "--rootdir", str(tmp_path)]
    # No other plugins: it is started three times, and they take most of the time.
    only = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, check=True, capture_output=True, env=only)
    processes: dict[str, set[str]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        unit, process = line.rsplit(" ", 1)
        processes.setdefault(unit, set()).add(process)
    assert len(processes) == 13
    assert all(len(found) == 1 for found in processes.values()), processes
    files = [[found for unit, found in processes.items() if unit.startswith(name)] for name in ("one", "two", "three")]
    assert any(len(set.union(*file)) == 2 for file in files), "the notebooks of no file are divided"
