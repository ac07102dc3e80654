"""Grades a whole class: every submission below a folder, several at a time, one result each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

from autograder.grading import engine, sandbox
from autograder.grading.engine import GradingOptions, Submission
from autograder.grading.results import Result, read_result, result_path, write_grades, write_result

FINAL = ("graded", "incomplete", "unreadable", "unknown_assignment", "timeout", "stopped")
"""Statuses that the same submission would get again; only a grader's own fault is tried anew."""


@dataclass(frozen=True)
class Graded:
    """One line of progress: `kept` when an earlier result still holds."""

    submission: Submission
    status: str
    points: float
    max_points: float
    kept: bool


def find_submissions(folder: Path, *, assignment: str = "", learner: str = "") -> list[Submission]:
    """The submissions below `folder` in nbgrader's layout `<learner>/<assignment>/`, by name.

    Hidden folders and plain files are no submissions. A symbolic link in the place of an assignment is one, so that it
    gets a result that says why it was not read; links in the place of a learner are left out.
    """
    found = []
    for home in sorted(folder.iterdir()):
        if home.is_symlink() or not home.is_dir() or home.name.startswith(".") or learner not in ("", home.name):
            continue
        for entry in sorted(home.iterdir()):
            if (
                (entry.is_dir() or entry.is_symlink())
                and not entry.name.startswith(".")
                and assignment in ("", entry.name)
            ):
                found.append(Submission(home.name, entry.name, entry))
    return found


def is_current(path: Path, submission: Submission) -> bool:
    """Whether a finished result is there for exactly this submission and this state of the course."""
    document = read_result(path)
    return (
        document is not None
        and document.get("status") in FINAL
        and document.get("submission_digest") == engine.submission_digest(submission)
        and document.get("course_digest") == engine.course_digest(submission.assignment)
    )


def grade_all(
    submissions: Iterable[Submission],
    results: Path,
    options: GradingOptions,
    *,
    workers: int = 1,
    regrade: bool = False,
    progress: Callable[[Graded], None] = lambda line: None,
) -> list[Graded]:
    """Grade what has no current result, write each result as soon as it is there, and at the end `grades.csv`.

    Parameters
    ----------
    results: folder for the results; made when missing.
    workers: sandboxes at a time.
    regrade: grade everything again; earlier results are kept under `previous/`.
    progress: called in this thread after every submission.

    Raises SandboxUnavailable before anything is graded.
    """
    if options.sandboxed:
        sandbox.require_bubblewrap()
    results.mkdir(parents=True, exist_ok=True)
    lines: list[Graded] = []
    waiting: list[Submission] = []
    for submission in submissions:
        path = result_path(results, submission.learner, submission.assignment)
        if not regrade and is_current(path, submission):
            document = read_result(path) or {}
            lines.append(Graded(submission, document["status"], document["points"], document["max_points"], kept=True))
            progress(lines[-1])
        else:
            waiting.append(submission)
    # Threads are enough, because the work happens in sandboxes and verifiers, which are processes. One thread more than
    # sandboxes: the next submission's sandbox starts while the one before is verified.
    pool = ThreadPoolExecutor(max_workers=max(1, workers) + 1)
    places = BoundedSemaphore(max(1, workers))
    try:
        pending: dict[Future[Result], Submission] = {
            pool.submit(engine.grade, item, options, places): item for item in waiting
        }
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                submission, result = pending.pop(future), future.result()
                write_result(result_path(results, submission.learner, submission.assignment), result)
                lines.append(Graded(submission, result.status, result.points, result.max_points, kept=False))
                progress(lines[-1])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        write_grades(results)
    return lines


__all__ = ["FINAL", "Graded", "find_submissions", "grade_all", "is_current"]
