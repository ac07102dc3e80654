"""Grades one submission: rebuild, sandbox, verifier, result. Every front end goes through here."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder import manifest, paths
from autograder.grading import sandbox, verification
from autograder.grading.handed_in import file_of, files_of
from autograder.grading.layout import STARTED
from autograder.grading.limits import Limits
from autograder.grading.printable import one_line
from autograder.grading.rebuild import MAXIMUM_BYTES, Rebuilt, UnusableNotebook, rebuild
from autograder.grading.report import Stages, read_report, within
from autograder.grading.results import TOO_LARGE, ExerciseResult, Result, WrittenAnswer
from autograder.grading.sandbox import Ended, SandboxUnavailable
from autograder.grading.suspicion import suspicions
from autograder.grading.task import Deadlines, NotebookTask, write_task
from autograder.models import ExerciseSpec, NotebookSpec, Status, Verdict
from autograder.runtime.call import UNTOUCHED
from autograder.runtime.judge import reference_folder
from autograder.setup import bytecode, java_start


@dataclass(frozen=True)
class Submission:
    """One learner's folder of one assignment."""

    learner: str
    assignment: str
    folder: Path


@dataclass(frozen=True)
class GradingOptions:
    """How to grade: limits of the sandbox, whether there is one, and deadlines inside it."""

    limits: Limits = field(default_factory=Limits)
    sandboxed: bool = True
    deadlines: Deadlines = field(default_factory=Deadlines)


@dataclass
class _Notebooks:
    """The notebooks of an assignment: those that can run, and why others cannot."""

    rebuilt: dict[str, Rebuilt] = field(default_factory=dict)
    problems: dict[str, UnusableNotebook] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    ended_early: set[str] = field(default_factory=set)


def notebooks_of(assignment: str) -> list[NotebookSpec]:
    """The notebooks of an assignment, in course order; empty for an unknown one."""
    return [notebook for notebook in manifest.notebooks() if notebook.assignment == assignment]


def grade(
    submission: Submission,
    options: GradingOptions,
    only: Collection[str] | None = None,
    place: AbstractContextManager[object] | None = None,
) -> Result:
    """Grade all notebooks of a submission, or only some exercises of it.

    Parameters
    ----------
    only: ids of the exercises to run and to judge; the result then has no others, but its status, findings and written
        answers are about the whole submission. None for all.
    place: held while the sandbox runs, so that a caller can bound how many run at a time.

    Raises SandboxUnavailable; everything else becomes a named status of the result.
    """
    start = time.monotonic()
    # Taken first: should the files change meanwhile, the result is not mistaken for one of the new files.
    digests = {
        "submission_digest": submission_digest(submission),
        "course_digest": course_digest(submission.assignment),
    }
    try:
        result = _grade(submission, options, only, place or nullcontext())
    except SandboxUnavailable:
        raise
    except Exception as error:  # one submission must never end the batch
        message = f"The grader failed on this submission: {type(error).__name__}: {one_line(str(error))}"
        result = _failed(submission, "grader_error", message, only)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = round(result.seconds or time.monotonic() - start, 3)
    return Result(**{**_fields(result), **digests, "graded_at": stamp, "seconds": seconds})


def _fields(result: Result) -> dict[str, Any]:
    return {name: getattr(result, name) for name in result.__dataclass_fields__}


def _chosen(specs: Iterable[NotebookSpec], only: Collection[str] | None) -> list[NotebookSpec]:
    """The notebooks with no other exercises to judge than those of `only`; written answers, which cost nothing, stay."""
    return [
        replace(
            spec,
            exercises=tuple(
                entry for entry in spec.exercises if only is None or entry.id in only or entry.kind == "written"
            ),
        )
        for spec in specs
    ]


def _grade(
    submission: Submission,
    options: GradingOptions,
    only: Collection[str] | None,
    place: AbstractContextManager[object],
) -> Result:
    specs = _chosen(notebooks_of(submission.assignment), only)
    if not specs:
        return Result(
            submission.learner,
            submission.assignment,
            "unknown_assignment",
            message=f"The course has no assignment {one_line(submission.assignment)}.",
        )
    if submission.folder.is_symlink():
        return _failed(submission, "unreadable", "The submission is a symbolic link, which is not followed.", only)
    stages = Stages("rebuild")
    notebooks = _read_all(submission, specs)
    verdicts = _untouched_verdicts(specs, notebooks)
    running = [
        spec
        for spec in specs
        if spec.name in notebooks.rebuilt
        and any(entry.kind != "written" and entry.id not in verdicts for entry in spec.exercises)
    ]
    if not running:
        return _judged(submission, specs, notebooks, verdicts, None)
    java = java_start.prepared()
    bytecode.prepared()
    verification.prepare()
    with tempfile.TemporaryDirectory(prefix="course-grade-") as temporary:
        stages.enter("task")
        task, answers = Path(temporary, "task"), Path(temporary, "answers")
        answers.mkdir()
        scratch = sandbox.INSIDE_SCRATCH if options.sandboxed else Path(temporary, "scratch")
        tasks = [NotebookTask(spec, notebooks.rebuilt[spec.name]) for spec in running]
        write_task(
            task,
            tasks,
            scratch=scratch,
            seen_as=sandbox.INSIDE_TASK if options.sandboxed else task,
            deadlines=options.deadlines,
            java=java,
        )
        stages.enter("wait for a place")
        with place:
            stages.enter("sandbox")
            ended = sandbox.run(task, answers, options.limits, sandboxed=options.sandboxed)
        if ended.reason != "finished" and not (answers / STARTED).exists():
            return _not_started(submission, ended, only)
        stages.enter("verification")
        verdicts |= verify(answers, ended.reason, running, notebooks.findings)
        report = read_report(answers / "report.json", ended.seconds)
        notebooks.findings += report.events
        notebooks.ended_early |= _ended_early(answers, running, ended, verdicts)
    result = _judged(submission, specs, notebooks, verdicts, ended)
    steps = stages.seconds()
    steps.pop("wait for a place")
    timing = {
        "steps": steps,
        "sandbox": report.stages,
        "sandbox_cpu_seconds": report.cpu_seconds,
        "sandbox_virtual_machines": report.virtual_machines,
    }
    return replace(result, timing=timing, seconds=sum(steps.values()))


def _read_all(submission: Submission, specs: Sequence[NotebookSpec]) -> _Notebooks:
    found = _Notebooks()
    known = {f"{spec.name}.ipynb" for spec in specs}
    for spec in specs:
        release = paths.MODULES / spec.assignment / f"{spec.name}.ipynb"
        try:
            path, about_copy = _handed_in(submission.folder, spec.name)
            known.add(path.name)
            found.findings += about_copy
            rebuilt = rebuild(path, release)
        except UnusableNotebook as problem:
            found.problems[spec.name] = problem
            found.findings.append(str(problem))
            continue
        found.rebuilt[spec.name] = rebuilt
        found.findings += [f"{spec.name}: {finding}" for finding in (*rebuilt.findings, *suspicions(rebuilt.cells))]
    others = sorted(path.name for path in submission.folder.glob("*.ipynb") if path.name not in known)
    found.findings += [
        f"{one_line(name)} is no notebook of this assignment and was not looked at." for name in others[:20]
    ]
    return found


def _handed_in(folder: Path, name: str) -> tuple[Path, list[str]]:
    """The file of a notebook, and a finding when that is a copy. Raises UnusableNotebook when none, or which, is to be
    read cannot be said.
    """
    candidates = files_of(folder, name)
    missing = f"{name}.ipynb was not handed in."
    if not candidates:
        raise UnusableNotebook("missing", missing)
    if len(candidates) > 1:
        names = ", ".join(path.name for path in candidates[:10]) + (", …" if len(candidates) > 10 else "")
        raise UnusableNotebook("missing", f"{missing} There are several copies of it, and none was taken: {names}.")
    (path,) = candidates
    return path, [] if path.stem == name else [f"{missing} Its only copy, {path.name}, was taken instead."]


def _untouched_verdicts(specs: Sequence[NotebookSpec], notebooks: _Notebooks) -> dict[str, dict[str, Any]]:
    """Verdicts on notebooks in which the learner changed and added no code: known without running them."""
    verdicts = {}
    for spec in specs:
        rebuilt = notebooks.rebuilt.get(spec.name)
        if rebuilt is None or not rebuilt.untouched:
            continue
        for exercise in spec.exercises:
            if exercise.kind != "written":
                found = Verdict(exercise.id, Status.NOT_ATTEMPTED, UNTOUCHED, max_points=exercise.points)
                verdicts[exercise.id] = {**found.to_json(), "seconds": 0.0}
    return verdicts


def _not_started(submission: Submission, ended: Ended, only: Collection[str] | None) -> Result:
    """The result of a sandbox that ended before any code of the learner ran."""
    message = (
        f"The sandbox ended ({ended.reason}) before any code of the submission ran. Look at the memory and the processes "
        f"of this machine. {_last_words(ended)}"
    )
    failed = _failed(submission, "grader_error", message.strip(), only)
    suspects = tuple(replace(exercise, ended_early=True) for exercise in failed.exercises)
    return replace(failed, exercises=suspects, findings=ended.findings, isolation=ended.isolation)


def _last_words(ended: Ended) -> str:
    """The end of a sandbox's log, to which learner code can write."""
    return one_line(" ".join(ended.log.strip().splitlines()[-3:]))


def _ended_early(
    answers: Path, notebooks: Sequence[NotebookSpec], ended: Ended, verdicts: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """The exercises that have no answer, or none that was compared, because a process ended before its time.

    That may be the learner's doing, or the machine's: for lack of memory it kills what is largest. Whoever used up the
    memory of its own limit is no such case.
    """
    found = set()
    for notebook in notebooks:
        for exercise in notebook.exercises:
            verdict = verdicts.get(exercise.id)
            if exercise.kind == "written" or (verdict is not None and verdict["status"] != Status.ERROR):
                continue
            if verdict is None or (
                not ended.out_of_memory
                and (ended.reason in ("died", "damaged") or _says_ended_early(answers, notebook.name, exercise.id))
            ):
                found.add(exercise.id)
    return found


def _says_ended_early(answers: Path, notebook: str, exercise: str) -> bool:
    """Whether the runner says that a process of Python or Java ended in this exercise, or in a cell that others need."""
    documents = [*(answers / notebook / exercise).glob("*/outcome.json"), answers / "report.json"]
    for path in documents:
        try:
            told = json.loads(path.read_bytes()[:1_000_000])
            if (told["notebooks"][notebook] if path.name == "report.json" else told).get("ended_early") is True:
                return True
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return False


LAST_REQUEST = 1.5
"""When the last request about one exercise alone may begin, in limits of one request: two answers that hang end them."""


def verify(
    answers: Path, reason: str, notebooks: Sequence[NotebookSpec], findings: list[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Verdicts by exercise id, from a verifier's own process.

    When the verifier itself dies or hangs on an answer, it is asked again for each exercise alone, so that one hostile
    answer costs only its own points. All these requests together have a limit of time, the smallest answers first;
    exercises that are left then have no verdict.

    Parameters
    ----------
    findings: gets a sentence when exercises are left.
    """
    wanted = {
        notebook.number: [spec.id for spec in notebook.exercises if spec.kind != "written"] for notebook in notebooks
    }
    verdicts = verification.ask(answers, reason, wanted)
    if verdicts is not None:
        return verdicts
    separately: dict[str, dict[str, Any]] = {}
    left: list[str] = []
    last_start = time.monotonic() + LAST_REQUEST * verification.VERIFIER_SECONDS
    for number, exercise, _ in _smallest_first(answers, notebooks):
        if time.monotonic() > last_start:
            left.append(exercise)
        else:
            separately |= verification.ask(answers, reason, {number: [exercise]}) or {}
    if left and findings is not None:
        findings.append(f"The time for comparing this submission was over before {', '.join(left)}.")
    return separately


def _smallest_first(answers: Path, notebooks: Sequence[NotebookSpec]) -> list[tuple[str, str, int]]:
    """Number of the notebook, id and bytes of the answer of each exercise."""
    found = [
        (notebook.number, spec.id, _bytes_in(answers / notebook.name / spec.id))
        for notebook in notebooks
        for spec in notebook.exercises
        if spec.kind != "written"
    ]
    return sorted(found, key=lambda entry: entry[2])


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def _judged(
    submission: Submission,
    specs: Sequence[NotebookSpec],
    notebooks: _Notebooks,
    verdicts: Mapping[str, Mapping[str, Any]],
    ended: Ended | None,
) -> Result:
    exercises: list[ExerciseResult] = []
    written: list[WrittenAnswer] = []
    for spec in specs:
        rebuilt, problem = notebooks.rebuilt.get(spec.name), notebooks.problems.get(spec.name)
        for exercise in spec.exercises:
            if exercise.kind == "written":
                attempted = rebuilt is not None and rebuilt.attempted(exercise.answer_cell)
                written.append(WrittenAnswer(exercise.id, "to_mark" if attempted else "not_attempted", exercise.points))
            elif problem is not None:
                why = Status.NOT_ATTEMPTED if problem.reason == "missing" else Status.ERROR
                exercises.append(ExerciseResult(exercise.id, why, 0.0, exercise.points, str(problem)))
            else:
                found = _exercise_result(exercise, verdicts.get(exercise.id), ended.seconds if ended else 0.0)
                exercises.append(replace(found, ended_early=exercise.id in notebooks.ended_early))
    status = _overall(notebooks, exercises, ended)
    findings = [*notebooks.findings, *(ended.findings if ended else ())]
    if ended is not None and ended.reason == "died":
        findings.append(f"The run ended before its end. {_last_words(ended)}")
    return Result(
        submission.learner,
        submission.assignment,
        status,
        points=round(sum(exercise.points for exercise in exercises), 2),
        max_points=round(sum(exercise.max_points for exercise in exercises), 2),
        exercises=tuple(exercises),
        written=tuple(written),
        findings=tuple(findings),
        message="" if status == "graded" else _explanation(status, notebooks),
        isolation=ended.isolation if ended else "",
        peak_memory=ended.peak_memory if ended else 0,
    )


def _overall(notebooks: _Notebooks, exercises: Sequence[ExerciseResult], ended: Ended | None) -> str:
    if not notebooks.rebuilt:
        return "unreadable"
    if any(exercise.status == Status.GRADER_ERROR for exercise in exercises):
        return "grader_error"
    if ended is not None and ended.reason != "finished":
        return "timeout" if ended.reason == "timeout" else "stopped"
    return "incomplete" if notebooks.problems else "graded"


def _explanation(status: str, notebooks: _Notebooks) -> str:
    if status in ("incomplete", "unreadable"):
        return " ".join(str(problem) for problem in notebooks.problems.values())
    return {
        "timeout": "The submission did not finish in its time; answers given before that count.",
        "stopped": "The run of the submission was stopped or ended itself; answers given before that count.",
        "grader_error": "Part of this submission could not be judged because of a fault of the course.",
    }[status]


def _exercise_result(spec: ExerciseSpec, verdict: Mapping[str, Any] | None, longest: float) -> ExerciseResult:
    """The result from a verdict, whose seconds come from inside the sandbox; `longest` are those of the whole run."""
    if verdict is None:
        return ExerciseResult(spec.id, Status.ERROR, 0.0, spec.points, TOO_LARGE)
    shown = {name: verdict[name] for name in ("right", "wrong", "examples", "hint", "shape", "trace")}
    points = min(max(float(verdict["points"]), 0.0), spec.points)
    return ExerciseResult(
        spec.id, verdict["status"], points, spec.points, verdict["message"], within(verdict["seconds"], longest), shown
    )


def _failed(submission: Submission, status: str, message: str, only: Collection[str] | None) -> Result:
    exercises = [
        ExerciseResult(
            spec.id, Status.GRADER_ERROR if status == "grader_error" else Status.ERROR, 0.0, spec.points, message
        )
        for notebook in _chosen(notebooks_of(submission.assignment), only)
        for spec in notebook.exercises
        if spec.kind != "written"
    ]
    total = round(sum(exercise.max_points for exercise in exercises), 2)
    return Result(
        submission.learner, submission.assignment, status, max_points=total, exercises=tuple(exercises), message=message
    )


def submission_digest(submission: Submission) -> str:
    """SHA-256 over the notebooks of a submission."""
    digest = hashlib.sha256()
    for spec in notebooks_of(submission.assignment):
        path = submission.folder / f"{spec.name}.ipynb"
        try:
            if not submission.folder.is_symlink():
                path = file_of(submission.folder, spec.name)
            if path.is_symlink() or submission.folder.is_symlink():
                content = b"a link"
            else:  # a pipe must not even be opened, because that would wait for a writer
                content = _head(path) if path.is_file() else b"nothing"
        except OSError:
            content = b"nothing"
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAXIMUM_BYTES + 1)


def course_digest(assignment: str) -> str:
    """SHA-256 over everything that decides the marks of an assignment: released notebooks, specifications, references,
    variants.
    """
    digest = hashlib.sha256()
    for notebook in notebooks_of(assignment):
        digest.update(repr(notebook).encode())
        files = [paths.MODULES / assignment / f"{notebook.name}.ipynb"]
        folders = [reference_folder(spec.id) for spec in notebook.exercises]
        for folder in [*folders, paths.hidden_folder(assignment, notebook.name)]:
            files += sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            digest.update(Path(os.path.relpath(path, paths.ROOT)).as_posix().encode() + b"\n")
            digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()
