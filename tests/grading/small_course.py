"""A course of one short notebook with three exercises, cut out of the real one, in a folder where tests may change it;
and the real command that grades it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbformat import NotebookNode

from autograder import manifest, paths
from autograder.grading.samples import as_handed_in, grade_id
from autograder.models import NotebookSpec

FULL = manifest.notebook("1.1")
EXERCISES = ("1.1.1", "1.1.2", "1.1.3")
ASSIGNMENT = FULL.assignment


@dataclass(frozen=True)
class SmallCourse:
    """The course at `root`, with a folder of submissions beside it."""

    root: Path

    @property
    def submitted(self) -> Path:
        return self.root.parent / "submitted"

    @property
    def results(self) -> Path:
        return self.root.parent / "results"

    @property
    def temporary(self) -> Path:
        """Where the grader makes its temporary files."""
        return self.root.parent / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "PYTEST_", "SPARK_"))
        }
        course = {"COURSE_ROOT": str(self.root), "COURSE_STATE": str(paths.STATE), "PYTHONPATH": str(self.root)}
        return {**kept, **course, "TMPDIR": str(self.temporary), "COLUMNS": "300"}

    def command(self, *options: str, submitted: Path | None = None, results: Path | None = None) -> list[str]:
        """`course grade` as a command line."""
        program = [sys.executable, "-m", "autograder.cli", "grade", str(submitted or self.submitted)]
        return [*program, "--out", str(results or self.results), "--memory", "2.2", *options]

    def start(self, *options: str, **places: Path) -> subprocess.Popen[str]:
        """`course grade` in a process of its own."""
        return subprocess.Popen(
            self.command(*options, **places),
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def grade(self, *options: str, code: int = 0, **places: Path) -> str:
        """Run `course grade` to its end. Returns what it said."""
        process = self.start(*options, **places)
        said, _ = process.communicate(timeout=250)
        assert process.returncode == code, said
        return said

    def hand_in(self, learner: str, answers: Mapping[str, str], extra: Sequence[str] = ()) -> Path:
        """Write a submission with some answers, by exercise id, and further code cells in front of them."""
        path = self.submitted / learner / ASSIGNMENT / f"{FULL.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        notebook = released(self.root)
        for cell in notebook.cells:
            identifier = grade_id(cell).removeprefix("answer_").replace("_", ".")
            if grade_id(cell).startswith("answer_") and identifier in answers:
                cell.source = answers[identifier]
        notebook.cells[1:1] = [nbformat.v4.new_code_cell(source) for source in extra]
        nbformat.write(notebook, path)
        return path

    def result(self, learner: str, results: Path | None = None) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.result_path(learner, results).read_text())
        return document

    def result_path(self, learner: str, results: Path | None = None) -> Path:
        return (results or self.results) / learner / f"{ASSIGNMENT}.json"

    def exercise(self, learner: str, identifier: str, results: Path | None = None) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in self.result(learner, results)["exercises"]}
        return found[identifier]

    def marks(self, learner: str, results: Path | None = None) -> list[tuple[str, str, float]]:
        return [(entry["id"], entry["status"], entry["points"]) for entry in self.result(learner, results)["exercises"]]


def released(root: Path) -> NotebookNode:
    """The released notebook of a course."""
    return nbformat.read(root / "modules" / ASSIGNMENT / f"{FULL.name}.ipynb", as_version=4)


def make_course(home: Path) -> SmallCourse:
    """Copy the programs and the data of the course, with nothing but three exercises in it."""
    root = home / "course"
    for room in ("autograder", "datasets"):
        shutil.copytree(paths.ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__", "references"))
    shutil.copy(paths.ROOT / "jars.lock", root)
    spec: NotebookSpec = replace(FULL, exercises=tuple(item for item in FULL.exercises if item.id in EXERCISES))
    (root / "autograder" / "manifest.json").write_text(manifest.dump([spec]), encoding="utf-8")
    for identifier in EXERCISES:
        shutil.copytree(paths.REFERENCES / identifier, root / "autograder" / "references" / identifier)
    shutil.copytree(paths.hidden_folder(ASSIGNMENT, FULL.name), root / "solutions" / ASSIGNMENT / "hidden" / FULL.name)
    notebook = nbformat.read(paths.MODULES / ASSIGNMENT / f"{FULL.name}.ipynb", as_version=4)
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    wanted = {f"{kind}_{identifier.replace('.', '_')}" for kind in ("answer", "check") for identifier in EXERCISES}
    notebook.cells = [setup, *(cell for cell in notebook.cells if grade_id(cell) in wanted)]
    release = root / "modules" / ASSIGNMENT / f"{FULL.name}.ipynb"
    release.parent.mkdir(parents=True)
    nbformat.write(notebook, release)
    course = SmallCourse(root)
    course.temporary.mkdir()
    course.submitted.mkdir()
    return course


def solutions() -> dict[str, str]:
    """The reference answers, by exercise id."""
    twin = nbformat.read(paths.SOLUTIONS / ASSIGNMENT / f"{FULL.name}.ipynb", as_version=4)
    cells = {grade_id(cell): cell.source for cell in twin.cells}
    return {identifier: as_handed_in(cells["answer_" + identifier.replace(".", "_")]) for identifier in EXERCISES}


def preceded_by(source: str, statements: str) -> str:
    """An answer whose function first does something else."""
    head, quotes, body = source.partition('"""\n')
    return head + quotes + "".join(f"    {line}\n" for line in statements.strip().splitlines()) + body


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str] | None = None, seconds: float = 120) -> Any:
    """What a condition gives as soon as it holds. Fails when the process ends before, or the time is over."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended too early: {process.communicate()[0]}")
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


def below(process: int, *words: str) -> list[psutil.Process]:
    """The descendants of a process whose command line has all the words."""
    found = []
    try:
        for child in psutil.Process(process).children(recursive=True):
            try:
                line = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if all(word in line for word in words):
                found.append(child)
    except psutil.Error:
        return []
    return found


def kill(process: psutil.Process) -> None:
    process.send_signal(signal.SIGKILL)
