"""What a batch finds in its folder, in which order it gives submissions to the workers, and what it prints."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from autograder import manifest, paths
from autograder.commands import grade
from autograder.grading import batch, engine, job
from autograder.grading.engine import GradingOptions, Submission
from autograder.grading.job import Job
from autograder.grading.schedulers import Done


@dataclass
class Listening:
    """A scheduler that grades nothing and remembers what it was given."""

    learners: list[str] = field(default_factory=list)
    is_local: bool = False

    def run(self, jobs: Iterable[Job], owner: str) -> Generator[Done, None, None]:
        for item in jobs:
            self.learners.append(item.submission.learner)
            yield Done(item, None, "nobody graded it")


def test_who_wrote_most_is_graded_first_and_equals_come_by_name(tmp_path: Path) -> None:
    for learner, size in {"anna": 10, "bob": 5_000, "cleo": 10, "dan": 300}.items():
        home = tmp_path / "submitted" / learner / "01_dataframes"
        home.mkdir(parents=True)
        (home / "1.1_columns_rows_nulls.ipynb").write_text("x" * size, encoding="utf-8")
        (home / "photo.png").write_bytes(b"0" * 9_000 if learner == "anna" else b"")
    (tmp_path / "submitted" / "eve").mkdir()
    (tmp_path / "submitted" / "eve" / "01_dataframes").symlink_to(tmp_path / "submitted" / "bob" / "01_dataframes")
    listening = Listening()
    found = batch.find_submissions(tmp_path / "submitted")
    lines = batch.grade_all(found, tmp_path / "results", GradingOptions(), scheduler=listening)
    assert listening.learners == ["bob", "dan", "anna", "cleo", "eve"]
    assert {line.problem for line in lines} == {"nobody graded it"}


NOTEBOOK = manifest.notebook("1.1")
NAME = NOTEBOOK.name


def handed_in(folder: Path, *names: str) -> Submission:
    """A submission in which every file is the released notebook."""
    home = folder / "ada" / NOTEBOOK.assignment
    home.mkdir(parents=True)
    for name in names:
        shutil.copy(paths.MODULES / NOTEBOOK.assignment / f"{NAME}.ipynb", home / name)
    return Submission("ada", NOTEBOOK.assignment, home)


def told(submission: Submission) -> tuple[str, str]:
    """What a result says about the first exercise, and its findings."""
    result = engine.grade(submission, GradingOptions())
    return result.exercises[0].message, " ".join(result.findings)


@pytest.mark.parametrize("ending", [" (1)", "(2)", "-Copy1", "-Copy1 (3)", " - Copy", " copy 2"])
def test_the_only_copy_of_a_notebook_is_taken(ending: str, tmp_path: Path) -> None:
    submission = handed_in(tmp_path, f"{NAME}{ending}.ipynb")
    message, findings = told(submission)
    assert "was not handed in" not in message
    assert f"{NAME}.ipynb was not handed in. Its only copy, {NAME}{ending}.ipynb, was taken instead." in findings
    assert "was not looked at" not in findings


def test_of_several_copies_none_is_taken(tmp_path: Path) -> None:
    message, findings = told(handed_in(tmp_path, f"{NAME} (1).ipynb", f"{NAME}-Copy1.ipynb"))
    assert f"There are several copies of it, and none was taken: {NAME} (1).ipynb, {NAME}-Copy1.ipynb." in message
    assert message in findings


def test_beside_the_notebook_itself_a_copy_is_not_looked_at(tmp_path: Path) -> None:
    message, findings = told(handed_in(tmp_path, f"{NAME}.ipynb", f"{NAME} (1).ipynb"))
    assert "was not handed in" not in message
    assert f"{NAME} (1).ipynb is no notebook of this assignment and was not looked at." in findings


@pytest.mark.parametrize("name", [f"{NAME}_final.ipynb", f"x{NAME} (1).ipynb", f"{NAME} (x).ipynb", f"{NAME} (1).txt"])
def test_other_names_are_no_copies(name: str, tmp_path: Path) -> None:
    assert told(handed_in(tmp_path, name))[0] == f"{NAME}.ipynb was not handed in."


def test_a_copy_that_changes_is_graded_again(tmp_path: Path) -> None:
    submission = handed_in(tmp_path, f"{NAME} (1).ipynb")
    before = engine.submission_digest(submission)
    (submission.folder / f"{NAME} (1).ipynb").write_text("{}")
    assert engine.submission_digest(submission) != before


@pytest.mark.parametrize("names", [(f"{NAME} (1).ipynb",), (f"{NAME} (1).ipynb", f"{NAME}-Copy1.ipynb")])
def test_copies_travel_to_workers(names: tuple[str, ...], tmp_path: Path) -> None:
    submission = handed_in(tmp_path, *names)
    arrived = job._unpack(job.pack(Job(submission, GradingOptions())), tmp_path)
    assert engine.submission_digest(arrived.submission) == engine.submission_digest(submission)
    assert told(arrived.submission) == told(submission)


def test_no_name_forges_a_line_of_the_terminal() -> None:
    names = ["a\nada/01_dataframes: graded, 60 of 60", "\x1b[2J\x1b[1A", "\u202egnorw", os.fsdecode(b"caf\xe9")]
    lines = [batch.Graded(Submission(name, "01\r\x07", Path()), "grader_error", 0, 60, kept=False) for name in names]
    console = Console(file=io.StringIO(), width=200, soft_wrap=True)
    progress = grade._Progress(console, len(lines))
    for line in lines:
        progress.show(line)
    grade._summary(console, lines, Path("results"))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert said.encode("utf-8")
    assert not any(sign in said for sign in ("\x1b", "\r", "\x07", "\u202e"))
    assert not [line for line in said.split("\n") if line.startswith("ada/")]
    assert r"a\nada/01_dataframes: graded, 60 of 60/01\r\x07: grader_error, 0 of 60" in said
