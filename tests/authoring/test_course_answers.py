"""Every grader is itself graded: wrong answers fail as they say, right ones pass, stubs are not attempted.

All answers are judged when anything has changed on which their verdicts depend, else a part of them (`autograder.authoring.judged`).
"""

from __future__ import annotations

import pytest

from autograder.authoring import answers, judged
from autograder.authoring.source import Source, SourceCell
from autograder.checks import KINDS, Check
from autograder.models import Status
from autograder.runtime import judge
from autograder.runtime.call import Outcome

pytestmark = pytest.mark.usefixtures("spark")

KEPT = judged.read()


def answers_of(kind: str) -> list[object]:
    """One parameter set for each cell of a kind that is to be judged, in all sources."""
    return [
        pytest.param(item, cell, id=f"{cell.exercise}-{number}")
        for item in judged.sources()
        for number, cell in judged.part(item, kind, KEPT).chosen
    ]


@pytest.mark.parametrize(("item", "cell"), answers_of("wrong"))
def test_wrong_answers_fail_for_the_stated_reason(item: Source, cell: SourceCell) -> None:
    verdict = answers.judge_code(item, cell.exercise, cell.source)
    assert verdict.status not in (Status.PASSED, Status.NOT_ATTEMPTED, Status.GRADER_ERROR), verdict
    assert cell.metadata["because"].lower() in answers.telling(verdict), verdict


@pytest.mark.parametrize(("item", "cell"), answers_of("right"))
def test_other_right_answers_pass(item: Source, cell: SourceCell) -> None:
    verdict = answers.judge_code(item, cell.exercise, cell.source)
    assert verdict.status is Status.PASSED, verdict


@pytest.mark.parametrize(("item", "check"), answers_of("check"))
def test_expected_answers_pass_and_the_stub_is_not_attempted(item: Source, check: SourceCell) -> None:
    """That reference solutions still give these answers is shown where notebooks run: `course build --check` compares them."""
    exercise = check.exercise
    spec = answers.spec_of(item, exercise)
    if type(KINDS[spec.kind]).reference is not Check.reference:  # what is expected is not an answer
        solution = answers.judge_code(item, exercise, item.of("answer", exercise)[0].source)
        assert (solution.status, solution.points) == (Status.PASSED, solution.max_points), solution
    else:
        for known in answers.known_cases(item, spec):
            found = judge.verdict(spec, Outcome(Status.PASSED, answer=known.expected), known.expected)
            assert (found.status, found.points) == (Status.PASSED, spec.points), (known.case.name, found)
    stub = answers.judge_code(item, exercise, answers.stub(item, exercise))
    assert (stub.status, stub.points) == (Status.NOT_ATTEMPTED, 0.0), stub
