"""From an outcome and the expected answer to a verdict. Used beside the learner on the sample, and by the verifier on everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autograder import paths
from autograder.checks import KINDS, Answer
from autograder.models import ExerciseSpec, Status, Verdict
from autograder.runtime.call import Outcome
from autograder.runtime.cases import SAMPLE, Case


def reference_folder(exercise: str) -> Path:
    """Where the expected answer on the sample data lies."""
    return paths.REFERENCES / exercise


def verdict(spec: ExerciseSpec, outcome: Outcome, expected: Answer) -> Verdict:
    """The verdict on one case."""
    if outcome.answer is None:
        return Verdict(
            spec.id, outcome.status, outcome.message, trace=outcome.trace, points=0.0, max_points=spec.points
        )
    tables = [name for name in spec.parameters if name != "spark" and name not in spec.arguments]
    # A Delta table is also joined with its own past, a database has many tables, and a list of rows is a table, too.
    rows = any(isinstance(value, list) and value and isinstance(value[0], list) for value in spec.arguments.values())
    several = len(tables) != 1 or rows or not {"delta", "database", "catalog"}.isdisjoint(spec.options)
    options = {"joins": several, **spec.options}
    judgement = KINDS[spec.kind].judge(outcome.answer, expected, options)
    base = Verdict(
        spec.id,
        Status.FAILED,
        judgement.message,
        right=judgement.right,
        wrong=judgement.wrong,
        # A function without inputs has one answer for everybody: to show it would be to give it away.
        examples=judgement.examples if spec.parameters else None,
        hint=judgement.hint,
        shape=judgement.shape,
        max_points=spec.points,
    )
    if judgement.equal:
        return replace(base, status=Status.PASSED, message="Right.", points=spec.points)
    if judgement.fraction > 0:
        return replace(base, status=Status.PARTIAL, points=round(spec.points * judgement.fraction, 2))
    return base


def combined(spec: ExerciseSpec, judged: Sequence[tuple[Case, Verdict]]) -> Verdict:
    """One verdict from those on the sample and the hidden variants, in order: the first that is not passed decides.

    A hidden variant is told by its description, without example rows or a trace, which would show its data. Where a kind
    gives partial credit, the worst case counts. A fault of the grader never becomes points or a wrong answer.
    """
    if not judged:
        return grader_fault(spec.id, "no case was judged", max_points=spec.points)
    case, decisive = next((pair for pair in judged if pair[1].status is not Status.PASSED), judged[0])
    fault = next((verdict for _, verdict in judged if verdict.status is Status.GRADER_ERROR), None)
    if fault and decisive.status in (Status.PARTIAL, Status.GRADER_ERROR):
        return fault
    if decisive.status is Status.PASSED:
        return decisive
    points = min(verdict.points for _, verdict in judged)
    status = Status.FAILED if decisive.status is Status.PARTIAL and points == 0 else decisive.status
    if case.name == SAMPLE:
        return replace(decisive, status=status, points=points)
    status = Status.FAILED if status is Status.NOT_ATTEMPTED else status
    message = f"Right on the sample data, but not on hidden data: {case.description}. {decisive.message}".strip()
    return replace(decisive, status=status, message=message, examples=None, trace="", points=points)


def grader_fault(spec_id: str, problem: str, trace: str = "", max_points: float = 0.0) -> Verdict:
    """The verdict when the course itself is broken."""
    return Verdict(
        spec_id,
        Status.GRADER_ERROR,
        f"The course itself has a problem here, not your answer: {problem}",
        trace=trace,
        max_points=max_points,
    )
