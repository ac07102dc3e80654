"""The work on one submission, wherever it is done: in a thread of the grader or on a worker of a cluster."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from autograder import paths
from autograder.grading import engine
from autograder.grading.digests import exercise_digests, grader_digest
from autograder.grading.engine import GradingOptions, Submission, notebooks_of
from autograder.grading.handed_in import files_of
from autograder.grading.merging import merged
from autograder.grading.orphans import lasting_workplace
from autograder.grading.rebuild import MAXIMUM_BYTES
from autograder.grading.results import Result
from autograder.grading.sandbox import SandboxUnavailable

_MAXIMUM_NAMES = 50


@dataclass(frozen=True)
class Job:
    """What to grade. `only` has the ids of the exercises to grade, None for all."""

    submission: Submission
    options: GradingOptions
    only: frozenset[str] | None = None


class CourseDiffers(Exception):
    """A worker of a cluster has another course or another grader; the message says which and what to do."""


class WorkerUnable(Exception):
    """A worker of a cluster cannot run sandboxes; the message says which and why."""


def grade(
    job: Job,
    *,
    owner: str = "",
    stopped: Callable[[], bool] = lambda: False,
    place: AbstractContextManager[object] | None = None,
) -> Result:
    """Grade a submission, and once more the exercises during which a process ended before its time.

    For such an end the machine may be to blame, and a mark must not depend on it; a submission that ends its own
    processes does it again, and costs one more run and no more. The result says either way what happened.

    Parameters
    ----------
    owner: for whom control groups are made (see `Limits.owner`).
    stopped: asked before the second run.
    place: held while a sandbox runs (see `engine.grade`).

    Raises SandboxUnavailable.
    """
    options = replace(job.options, limits=replace(job.options.limits, owner=owner))
    # Taken first: should the course change meanwhile, the result is not mistaken for one of the new state.
    digests = exercise_digests(job.submission.assignment)
    result = engine.grade(job.submission, options, job.only, place)
    suspects = [exercise.id for exercise in result.exercises if exercise.ended_early]
    if suspects and not stopped():
        second = engine.grade(job.submission, options, suspects, place)
        again = [exercise.id for exercise in second.exercises if exercise.ended_early]
        order = [exercise.id for exercise in result.exercises]
        seconds = round(result.seconds + second.seconds, 3)
        result = replace(merged(result, second, order), seconds=seconds)
        result = replace(result, findings=(*result.findings, *_about_second_run(suspects, again)))
    exercises = tuple(
        replace(exercise, digest=digests.get(exercise.id, ""), graded_at=result.graded_at)
        for exercise in result.exercises
    )
    return replace(result, exercises=exercises)


def _about_second_run(suspects: list[str], again: list[str]) -> list[str]:
    mended = [exercise for exercise in suspects if exercise not in again]
    found = []
    if mended:
        found.append(f"A process ended early during {', '.join(mended)}; a second run did not, and its outcome counts.")
    if again:
        found.append(
            f"A process ended early during {', '.join(again)} in two runs; that is the outcome. If processes were killed "
            "from outside or this machine was out of memory, grade these again with --regrade."
        )
    return found


@dataclass(frozen=True)
class PackedJob:
    """A job with the bytes of its submission, for a machine that does not see the folder of submissions.

    `files` maps the names of notebooks to their content; to None for what is no regular file, or to a size in bytes for
    one that is too large to be read. `digest` is that of the submission, `grader` the sender's `grader_digest`.
    """

    learner: str
    assignment: str
    files: dict[str, bytes | int | None]
    link: bool
    options: GradingOptions
    only: frozenset[str] | None
    digest: str
    grader: str


def pack(job: Job) -> PackedJob:
    """Read the submission of a job. Raises OSError when it cannot be read."""
    submission = job.submission
    digest, link = engine.submission_digest(submission), submission.folder.is_symlink()
    files: dict[str, bytes | int | None] = {}
    if not link:
        candidates = [files_of(submission.folder, spec.name) for spec in notebooks_of(submission.assignment)]
        wanted = {found[0].name for found in candidates if len(found) == 1}
        # A worker has to know of several copies, so that it takes none of them.
        copies = [path.name for found in candidates if len(found) > 1 for path in found[:_MAXIMUM_NAMES]]
        names = sorted(path.name for path in submission.folder.glob("*.ipynb"))
        others = [name for name in names if name not in wanted][:_MAXIMUM_NAMES]
        files = dict.fromkeys([*others, *copies], b"")
        for name in names:
            if name in wanted:
                files[name] = _content(submission.folder / name)
    return PackedJob(
        submission.learner, submission.assignment, files, link, job.options, job.only, digest, grader_digest()
    )


def _content(path: Path) -> bytes | int | None:
    if path.is_symlink() or not path.is_file():
        return None
    size = path.stat().st_size
    return size if size > MAXIMUM_BYTES else path.read_bytes()


def _unpack(packed: PackedJob, home: Path) -> Job:
    folder = home / "submission"
    if packed.link:
        folder.symlink_to(home / "nothing")
    else:
        folder.mkdir()
    for name, content in packed.files.items():
        if content is None:
            (folder / name).symlink_to(home / "nothing")
        elif isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            with (folder / name).open("wb") as file:
                file.truncate(content)
    return Job(Submission(packed.learner, packed.assignment, folder), packed.options, packed.only)


def work(packed: PackedJob) -> str:
    """Grade on a worker. Returns the document of the result.

    Raises CourseDiffers and WorkerUnable.
    """
    if packed.grader != grader_digest():
        raise CourseDiffers(
            f"The worker on {socket.gethostname()} has another course or another version of the grader in {paths.ROOT} "
            "than this machine. Bring it to the same commit, with the same data, and start its workers again."
        )
    owner = lasting_workplace()
    with tempfile.TemporaryDirectory(prefix="course-submission-") as home:
        try:
            result = grade(_unpack(packed, Path(home)), owner=owner)
            return replace(result, submission_digest=packed.digest).to_json()
        except SandboxUnavailable as problem:
            raise WorkerUnable(f"The worker on {socket.gethostname()}: {problem}") from problem
