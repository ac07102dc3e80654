"""Grades a whole class: every submission below a folder, several at a time, one result each."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from autograder import manifest
from autograder.grading import engine, sandbox
from autograder.grading.digests import exercise_digests
from autograder.grading.engine import GradingOptions, Submission, notebooks_of
from autograder.grading.job import Job
from autograder.grading.merging import Change, changes, merged, says_the_same
from autograder.grading.orphans import workplace
from autograder.grading.results import (
    GRADES,
    Result,
    load_result,
    owned,
    result_path,
    set_aside,
    write_grades,
    write_result,
    writing_to,
)
from autograder.grading.schedulers import Done, LocalThreads, Scheduler
from autograder.models import Status

VERIFIER_MEMORY = 500_000_000
"""Bytes that a worker needs outside its sandbox, for comparing."""


@dataclass(frozen=True)
class Graded:
    """One line of progress.

    `kept` when an earlier result still holds. `left` submissions are still to be graded. `changes` are the marks that
    differ from an earlier result of the same notebooks. `problem` says why there is no result; `status` is then empty.
    `ended_early` has the exercises that stand as they are because a process ended before its time twice, `outdated`
    those of a kept result that belong to an earlier state of the course, `set_aside` where a file went that stood in the
    place of the result and was none.
    """

    submission: Submission
    status: str
    points: float
    max_points: float
    kept: bool
    left: int = 0
    points_before: float | None = None
    changes: tuple[Change, ...] = ()
    problem: str = ""
    ended_early: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    set_aside: Path | None = None


@dataclass(frozen=True)
class _Planned:
    """A submission to grade, the result that it has already, and what of that is to be graded again (None for all)."""

    submission: Submission
    earlier: Result | None = None
    only: frozenset[str] | None = None
    set_aside: Path | None = None


class _Course:
    """The assignments as they were when the batch came to them."""

    def __init__(self) -> None:
        self._exercises: dict[str, dict[str, str]] = {}
        self._whole: dict[str, str] = {}

    def exercises(self, assignment: str) -> dict[str, str]:
        """Digests by exercise id, in course order."""
        if assignment not in self._exercises:
            self._exercises[assignment] = exercise_digests(assignment)
        return self._exercises[assignment]

    def whole(self, assignment: str) -> str:
        """The digest of the whole assignment."""
        if assignment not in self._whole:
            self._whole[assignment] = engine.course_digest(assignment)
        return self._whole[assignment]


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


def exercises_named(names: Iterable[str]) -> frozenset[str]:
    """The ids of the exercises that `names` stand for: exercises ("1.1.3"), notebooks ("1.1"), assignments or "all".

    Raises UnknownExercise.
    """
    found: set[str] = set()
    for name in names:
        matching = [
            spec.id
            for notebook in manifest.notebooks()
            for spec in notebook.exercises
            if name in ("all", notebook.assignment, notebook.number, spec.id) and spec.kind != "written"
        ]
        if not matching:
            manifest.exercise(name)  # an unknown one, told with its neighbours
            raise manifest.UnknownExercise(f"{name} is marked by hand, so there is nothing to grade again.")
        found.update(matching)
    return frozenset(found)


def affordable_workers(wanted: int, memory: int, available: int) -> tuple[int, str]:
    """How many sandboxes fit into the memory of this machine at a time, and a sentence when that is fewer than wanted.

    Parameters
    ----------
    memory, available: bytes for one submission, and bytes that this machine has free.
    """
    each = memory + VERIFIER_MEMORY
    fitting = max(1, available // each)
    if wanted <= fitting and each <= available:
        return wanted, ""
    needs = (
        f"{wanted} at a time need {wanted * each / 1e9:.1f} GB ({memory / 1e9:g} GB for the sandbox and "
        f"{VERIFIER_MEMORY / 1e9:g} GB for comparing, each), and this machine has {available / 1e9:.1f} GB free."
    )
    number = min(wanted, fitting)
    if each > available:
        return number, f"{needs} One is graded at a time, and the machine may run out of memory: lower --memory."
    return number, f"{needs} {number} at a time are graded; lower --memory for more."


def grade_all(
    submissions: Iterable[Submission],
    results: Path,
    options: GradingOptions,
    *,
    workers: int = 1,
    regrade: Collection[str] = (),
    scheduler: Scheduler | None = None,
    progress: Callable[[Graded], None] = lambda line: None,
) -> list[Graded]:
    """Grade what has no current result, write each result as soon as it is there, and at the end `grades.csv`.

    Parameters
    ----------
    results: folder for the results; made when missing. This process alone writes to it.
    workers: sandboxes at a time on this machine, when no `scheduler` is given.
    regrade: ids of exercises to grade again although nothing changed; other exercises of a submission that has a result
        are then left alone.
    progress: called in this thread after every submission.

    Raises SandboxUnavailable before anything is graded, ResultsInUse, ResultsUnwritable and SchedulerUnavailable.
    """
    scheduler = scheduler or LocalThreads(workers)
    if options.sandboxed and scheduler.is_local:
        sandbox.require_bubblewrap()
    course, lines, left = _Course(), list[Graded](), 0

    def tell(line: Graded) -> None:
        lines.append(line)
        progress(line)

    def finish(item: _Planned, done: Done) -> None:
        nonlocal left
        left -= 1
        if done.result is None:
            tell(Graded(item.submission, "", 0.0, 0.0, kept=False, left=left, problem=done.problem))
        else:
            tell(replace(_write(item, done.result, results, course), left=left))

    with owned(results), workplace() as owner:
        try:
            plans = [_plan(submission, results, frozenset(regrade), course) for submission in submissions]
            waiting = [plan for plan in plans if isinstance(plan, _Planned)]
            # The longest first, so that at the end no worker waits long for another: more was written, more there is to run.
            waiting.sort(key=lambda plan: -_bytes_written(plan.submission))
            left = len(waiting)
            for plan in plans:
                if isinstance(plan, Graded):
                    tell(replace(plan, left=left))
            _grade_waiting(waiting, options, scheduler, owner, finish)
        finally:
            with writing_to(results / GRADES):
                write_grades(results)
    return lines


def _grade_waiting(
    waiting: Collection[_Planned],
    options: GradingOptions,
    scheduler: Scheduler,
    owner: str,
    tell: Callable[[_Planned, Done], None],
) -> None:
    planned = {(item.submission.learner, item.submission.assignment): item for item in waiting}
    jobs: Iterator[Job] = (Job(item.submission, options, item.only) for item in waiting)
    finished = scheduler.run(jobs, owner)
    with contextlib.closing(finished):
        for done in finished:
            tell(planned.pop((done.job.submission.learner, done.job.submission.assignment)), done)
    if planned:
        raise RuntimeError(f"The scheduler ended without a word about {len(planned)} submissions.")


def _bytes_written(submission: Submission) -> int:
    """The size of the learner's notebooks; 0 for those that cannot be looked at."""
    if submission.folder.is_symlink():
        return 0
    try:
        return sum(notebook.lstat().st_size for notebook in submission.folder.glob("*.ipynb"))
    except OSError:
        return 0


def _plan(submission: Submission, results: Path, regrade: frozenset[str], course: _Course) -> _Planned | Graded:
    """What is to be done about a submission; a line of progress when nothing is."""
    try:
        path = result_path(results, submission.learner, submission.assignment)
    except ValueError as error:
        return Graded(submission, "", 0.0, 0.0, kept=False, problem=str(error))
    earlier = load_result(path)
    if earlier is None:
        return _Planned(submission, set_aside=_out_of_the_way(path))
    if earlier.submission_digest != engine.submission_digest(submission):
        return _Planned(submission)
    outdated, ids = _outdated(course, submission.assignment, earlier), course.exercises(submission.assignment).keys()
    chosen = regrade & ids if regrade else outdated
    if chosen or (not regrade and _other_exercises(course, submission.assignment, earlier)):
        only = chosen | (ids - {exercise.id for exercise in earlier.exercises})
        return _Planned(submission, earlier, None if only == ids else only)
    return Graded(
        submission,
        earlier.status,
        earlier.points,
        earlier.max_points,
        kept=True,
        ended_early=_ended_early(earlier),
        outdated=tuple(sorted(outdated)),
    )


def _out_of_the_way(path: Path) -> Path | None:
    """Set aside what is in the place of a result and is none. Returns where it is now, None when nothing was there."""
    if not os.path.lexists(path):
        return None
    with writing_to(path):
        return set_aside(path)


def _outdated(course: _Course, assignment: str, earlier: Result) -> frozenset[str]:
    """The exercises whose state in the result is not that of the course, or for which the grader was at fault."""
    current = earlier.course_digest == course.whole(assignment)
    known = {exercise.id: exercise for exercise in earlier.exercises}
    found = set()
    for identifier, digest in course.exercises(assignment).items():
        exercise = known.get(identifier)
        # A result of an earlier version of the grader has no digests of exercises.
        same = exercise is not None and (exercise.digest == digest or (not exercise.digest and current))
        if exercise is None or not same or exercise.status == Status.GRADER_ERROR:
            found.add(identifier)
    return frozenset(found)


def _other_exercises(course: _Course, assignment: str, earlier: Result) -> bool:
    """Whether exercises are gone from the course, or written ones have come, gone or changed their points."""
    written = {
        (spec.id, spec.points)
        for notebook in notebooks_of(assignment)
        for spec in notebook.exercises
        if spec.kind == "written"
    }
    gone = {exercise.id for exercise in earlier.exercises} - course.exercises(assignment).keys()
    return bool(gone) or written != {(answer.id, answer.max_points) for answer in earlier.written}


def _write(item: _Planned, result: Result, results: Path, course: _Course) -> Graded:
    """Write the result of a submission, together with what still holds of an earlier one."""
    submission, earlier = item.submission, item.earlier
    found: tuple[Change, ...] = ()
    same = False
    if earlier is not None:
        if earlier.submission_digest != result.submission_digest:
            problem = "The submission was changed while it was being graded. Run the same command again."
            return Graded(submission, "", 0.0, 0.0, kept=False, problem=problem)
        if item.only is not None:
            result = merged(earlier, result, list(course.exercises(submission.assignment)))
        found, same = changes(earlier, result), says_the_same(earlier, result)
    path = result_path(results, submission.learner, submission.assignment)
    with writing_to(path):
        write_result(path, result, keep_previous=not same)
    return Graded(
        submission,
        result.status,
        result.points,
        result.max_points,
        kept=False,
        points_before=None if earlier is None else earlier.points,
        changes=found,
        ended_early=_ended_early(result),
        set_aside=item.set_aside,
    )


def _ended_early(result: Result) -> tuple[str, ...]:
    return tuple(exercise.id for exercise in result.exercises if exercise.ended_early)


__all__ = ["Graded", "affordable_workers", "exercises_named", "find_submissions", "grade_all"]
