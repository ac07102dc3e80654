"""The order in which a batch gives its submissions to the workers."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from autograder.grading import batch
from autograder.grading.engine import GradingOptions
from autograder.grading.job import Job
from autograder.grading.schedulers import Done


@dataclass
class Listening:
    """A scheduler that grades nothing and remembers what it was given."""

    learners: list[str] = field(default_factory=list)
    is_local: bool = False

    def run(self, jobs: Iterable[Job], owner: str) -> Generator[Done, None, None]:
        for job in jobs:
            self.learners.append(job.submission.learner)
            yield Done(job, None, "nobody graded it")


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
