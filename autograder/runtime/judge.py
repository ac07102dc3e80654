"""From an outcome and the expected answer to a verdict. Used beside the learner on the sample, and by the verifier on everything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autograder import paths
from autograder.checks import KINDS, Answer
from autograder.models import ExerciseSpec, Status, Verdict
from autograder.runtime.call import Outcome


def reference_folder(exercise: str) -> Path:
    """Where the expected answer on the sample data lies."""
    return paths.REFERENCES / exercise


def verdict(spec: ExerciseSpec, outcome: Outcome, expected: Answer) -> Verdict:
    """The verdict on one case."""
    if outcome.answer is None:
        return Verdict(
            spec.id, outcome.status, outcome.message, trace=outcome.trace, points=0.0, max_points=spec.points
        )
    judgement = KINDS[spec.kind].judge(outcome.answer, expected, spec.options)
    base = Verdict(
        spec.id,
        Status.FAILED,
        judgement.message,
        right=judgement.right,
        wrong=judgement.wrong,
        examples=judgement.examples,
        hint=judgement.hint,
        shape=judgement.shape,
        max_points=spec.points,
    )
    if judgement.equal:
        return replace(base, status=Status.PASSED, message="Right.", points=spec.points)
    if judgement.fraction > 0:
        return replace(base, status=Status.PARTIAL, points=round(spec.points * judgement.fraction, 2))
    return base


def grader_fault(spec_id: str, problem: str, trace: str = "", max_points: float = 0.0) -> Verdict:
    """The verdict when the course itself is broken."""
    return Verdict(
        spec_id,
        Status.GRADER_ERROR,
        f"The course itself has a problem here, not your answer: {problem}",
        trace=trace,
        max_points=max_points,
    )
