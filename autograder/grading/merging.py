"""Puts a newer result about some exercises into the earlier one about the whole submission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autograder.grading.results import ExerciseResult, Result
from autograder.models import Status


@dataclass(frozen=True)
class Change:
    """An exercise whose mark is another one now."""

    exercise: str
    before: str
    after: str


def merged(earlier: Result, later: Result, order: Sequence[str]) -> Result:
    """The exercises of `later` in the place of those of `earlier`, with everything that follows from them.

    Parameters
    ----------
    order: ids of the exercises that the course has now; others are left out.
    """
    kept = {exercise.id: exercise for exercise in earlier.exercises}
    known = kept | {exercise.id: exercise for exercise in later.exercises}
    exercises = tuple(known[identifier] for identifier in order if identifier in known)
    status, message = _status(earlier, later, exercises)
    return replace(
        later,
        status=status,
        message=message,
        points=round(sum(exercise.points for exercise in exercises), 2),
        max_points=round(sum(exercise.max_points for exercise in exercises), 2),
        exercises=exercises,
        findings=tuple(dict.fromkeys((*earlier.findings, *later.findings))),
        isolation="none" if "none" in (earlier.isolation, later.isolation) else later.isolation or earlier.isolation,
        peak_memory=max(earlier.peak_memory, later.peak_memory),
    )


def _status(earlier: Result, later: Result, exercises: Sequence[ExerciseResult]) -> tuple[str, str]:
    """Status and message. That an earlier run was cut short stays true while an exercise which it left out has not been
    graded since; the newer run says everything else.
    """
    newer = {exercise.id for exercise in later.exercises}
    kept = [exercise for exercise in exercises if exercise.id not in newer]
    if later.status != "grader_error" and any(exercise.status == Status.GRADER_ERROR for exercise in kept):
        return "grader_error", earlier.message
    cut_short = earlier.status in ("timeout", "stopped")
    if cut_short and later.status in ("graded", "incomplete"):
        left_out = [exercise for exercise in kept if exercise.status in (Status.ERROR, Status.TIMEOUT)]
        return (earlier.status, earlier.message) if left_out else (later.status, later.message)
    return later.status, later.message


def changes(earlier: Result, later: Result) -> tuple[Change, ...]:
    """The exercises whose status or points differ, in the order of the later result, then those that are gone."""
    before = {exercise.id: exercise.mark for exercise in earlier.exercises}
    after = {exercise.id: exercise.mark for exercise in later.exercises}
    return tuple(
        Change(identifier, before.get(identifier, "not there"), after.get(identifier, "not there"))
        for identifier in dict.fromkeys((*after, *before))
        if before.get(identifier) != after.get(identifier)
    )


def says_the_same(earlier: Result, later: Result) -> bool:
    """Whether a learner would read the same in both: everything but times, digests and measurements."""
    return _for_the_learner(earlier) == _for_the_learner(later)


def _for_the_learner(result: Result) -> str:
    exercises = tuple(
        replace(exercise, seconds=0.0, digest="", graded_at="", ended_early=False) for exercise in result.exercises
    )
    read = replace(
        result,
        exercises=exercises,
        seconds=0.0,
        findings=(),
        peak_memory=0,
        timing={},
        submission_digest="",
        course_digest="",
        graded_at="",
    )
    return read.to_json()
