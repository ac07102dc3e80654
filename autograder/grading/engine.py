"""Grades one submission: rebuild, sandbox, verifier, result. Every front end goes through here."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder import manifest, paths
from autograder.grading import sandbox, verification
from autograder.grading.limits import Limits
from autograder.grading.rebuild import MAXIMUM_BYTES, Rebuilt, UnusableNotebook, rebuild
from autograder.grading.report import Stages, read_report
from autograder.grading.results import ExerciseResult, Result, WrittenAnswer
from autograder.grading.sandbox import Ended, SandboxUnavailable
from autograder.grading.task import Deadlines, NotebookTask, write_task
from autograder.models import ExerciseSpec, NotebookSpec, Status
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


def notebooks_of(assignment: str) -> list[NotebookSpec]:
    """The notebooks of an assignment, in course order; empty for an unknown one."""
    return [notebook for notebook in manifest.notebooks() if notebook.assignment == assignment]


def grade(
    submission: Submission, options: GradingOptions, place: AbstractContextManager[object] | None = None
) -> Result:
    """Grade all notebooks of a submission. Raises SandboxUnavailable; everything else becomes a named status of the
    result.

    Parameters
    ----------
    place: held while the sandbox runs, so that a caller can bound how many run at a time.
    """
    start = time.monotonic()
    try:
        result = _grade(submission, options, place or nullcontext())
    except SandboxUnavailable:
        raise
    except Exception as error:  # one submission must never end the batch
        result = _failed(
            submission, "grader_error", f"The grader failed on this submission: {type(error).__name__}: {error}"
        )
    digests = {
        "submission_digest": submission_digest(submission),
        "course_digest": course_digest(submission.assignment),
    }
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = round(result.seconds or time.monotonic() - start, 3)
    return Result(**{**_fields(result), **digests, "graded_at": stamp, "seconds": seconds})


def _fields(result: Result) -> dict[str, Any]:
    return {name: getattr(result, name) for name in result.__dataclass_fields__}


def _grade(submission: Submission, options: GradingOptions, place: AbstractContextManager[object]) -> Result:
    specs = notebooks_of(submission.assignment)
    if not specs:
        return Result(
            submission.learner,
            submission.assignment,
            "unknown_assignment",
            message=f"The course has no assignment {submission.assignment}.",
        )
    if submission.folder.is_symlink():
        return _failed(submission, "unreadable", "The submission is a symbolic link, which is not followed.")
    stages = Stages("rebuild")
    notebooks = _read_all(submission, specs)
    if not notebooks.rebuilt:
        return _judged(submission, specs, notebooks, {}, None)
    java = java_start.prepared()
    bytecode.prepared()
    verification.prepare()
    with tempfile.TemporaryDirectory(prefix="course-grade-") as temporary:
        stages.enter("task")
        task, answers = Path(temporary, "task"), Path(temporary, "answers")
        answers.mkdir()
        scratch = sandbox.INSIDE_SCRATCH if options.sandboxed else Path(temporary, "scratch")
        tasks = [NotebookTask(spec, notebooks.rebuilt[spec.name]) for spec in specs if spec.name in notebooks.rebuilt]
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
        stages.enter("verification")
        verdicts = verify(answers, ended.reason, [spec for spec in specs if spec.name in notebooks.rebuilt])
        report = read_report(answers / "report.json")
    notebooks.findings += report.events
    result = _judged(submission, specs, notebooks, verdicts, ended)
    steps = stages.seconds()
    del steps["wait for a place"]
    timing = {
        "steps": steps,
        "sandbox": report.stages,
        "sandbox_cpu_seconds": report.cpu_seconds,
        "sandbox_virtual_machines": report.virtual_machines,
    }
    return replace(result, timing=timing, seconds=sum(steps.values()))


def _read_all(submission: Submission, specs: Sequence[NotebookSpec]) -> _Notebooks:
    found = _Notebooks()
    for spec in specs:
        path = submission.folder / f"{spec.name}.ipynb"
        try:
            if not path.exists() and not path.is_symlink():
                raise UnusableNotebook("missing", f"{path.name} was not handed in.")
            rebuilt = rebuild(path, paths.MODULES / spec.assignment / path.name)
        except UnusableNotebook as problem:
            found.problems[spec.name] = problem
            found.findings.append(str(problem))
            continue
        found.rebuilt[spec.name] = rebuilt
        found.findings += [f"{spec.name}: {finding}" for finding in rebuilt.findings]
    known = {f"{spec.name}.ipynb" for spec in specs}
    others = sorted(path.name for path in submission.folder.glob("*.ipynb") if path.name not in known)
    found.findings += [f"{name} is no notebook of this assignment and was not looked at." for name in others[:20]]
    return found


def verify(answers: Path, reason: str, notebooks: Sequence[NotebookSpec]) -> dict[str, dict[str, Any]]:
    """Verdicts by exercise id, from a verifier's own process.

    When the verifier itself dies or hangs on an answer, it is asked again for each exercise alone, so that one hostile
    answer costs only its own points.
    """
    wanted = {
        notebook.number: [spec.id for spec in notebook.exercises if spec.kind != "written"] for notebook in notebooks
    }
    verdicts = verification.ask(answers, reason, wanted)
    if verdicts is not None:
        return verdicts
    separately: dict[str, dict[str, Any]] = {}
    for number, exercises in wanted.items():
        for exercise in exercises:
            separately |= verification.ask(answers, reason, {number: [exercise]}) or {}
    return separately


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
                exercises.append(_exercise_result(exercise, verdicts.get(exercise.id)))
    status = _overall(notebooks, exercises, ended)
    findings = [*notebooks.findings, *(ended.findings if ended else ())]
    if ended is not None and ended.reason == "died":
        findings.append("The run ended before its end. " + " ".join(ended.log.strip().splitlines()[-3:]))
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
    if ended is None:
        return "unreadable"
    if any(exercise.status == Status.GRADER_ERROR for exercise in exercises):
        return "grader_error"
    if ended.reason != "finished":
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


def _exercise_result(spec: ExerciseSpec, verdict: Mapping[str, Any] | None) -> ExerciseResult:
    if verdict is None:
        message = "This answer could not be compared within the verifier's limits of time and memory."
        return ExerciseResult(spec.id, Status.ERROR, 0.0, spec.points, message)
    shown = {name: verdict[name] for name in ("right", "wrong", "examples", "hint", "shape", "trace")}
    points = min(max(float(verdict["points"]), 0.0), spec.points)
    return ExerciseResult(
        spec.id, verdict["status"], points, spec.points, verdict["message"], round(verdict["seconds"], 3), shown
    )


def _failed(submission: Submission, status: str, message: str) -> Result:
    exercises = [
        ExerciseResult(
            spec.id, Status.GRADER_ERROR if status == "grader_error" else Status.ERROR, 0.0, spec.points, message
        )
        for notebook in notebooks_of(submission.assignment)
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
    names = [f"{spec.name}.ipynb" for spec in notebooks_of(submission.assignment)]
    for name in names:
        path = submission.folder / name
        try:
            content = b"a link" if path.is_symlink() or submission.folder.is_symlink() else _head(path)
        except OSError:
            content = b"nothing"
        digest.update(f"{name} {len(content)}\n".encode())
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
            digest.update(path.relative_to(paths.ROOT).as_posix().encode() + b"\n")
            digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()
