"""Judges mutants and hand-written wrong answers through the real grading path, and says what became of each."""

from __future__ import annotations

import ast
import enum
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autograder import paths
from autograder.authoring import answers
from autograder.authoring.mutants import equivalents, making
from autograder.authoring.mutants.making import Mutant
from autograder.authoring.source import Source, SourceError
from autograder.models import Status, Verdict
from autograder.runtime import fixtures
from autograder.runtime.cases import SAMPLE, Case

DEADLINE = 10.0
"""Seconds for one case of a mutant, where the solution itself does not need longer."""

WRONG_ANSWER = "wrong answer"
"""What stands in the place of the operator for answers that an author wrote."""

_PATIENCE = 5.0


class Fate(enum.StrEnum):
    """What became of a mutant. All but SURVIVED are as they should be."""

    SAMPLE = "killed on the sample"
    HIDDEN = "killed on hidden data only"
    RAISED = "raised everywhere"
    TIMEOUT = "ran out of time"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"


@dataclass(frozen=True)
class Result:
    """A mutant or wrong answer and its fate. `by` are the cases that it did not pass; `message` is what the first of them said."""

    exercise: str
    operator: str
    name: str
    fate: Fate
    by: tuple[str, ...]
    message: str
    code: str


@dataclass(frozen=True)
class ExerciseReport:
    """All results of one exercise, and what is wrong with its declarations of equivalent mutants."""

    exercise: str
    cases: tuple[str, ...]
    results: tuple[Result, ...]
    problems: tuple[str, ...]

    @property
    def fates(self) -> Counter[Fate]:
        """How many mutants have which fate."""
        return Counter(result.fate for result in self.results)

    @property
    def idle(self) -> tuple[str, ...]:
        """Hidden variants that stopped nothing that the sample lets through. Tells something only about a complete run."""
        useful = {case for result in self.results if SAMPLE not in result.by for case in result.by}
        return tuple(case for case in self.cases if case not in useful and case != SAMPLE)


def report(
    item: Source,
    exercise: str,
    *,
    every_case: bool = False,
    deadline: float = DEADLINE,
    sample: int | None = None,
    declared: int | None = None,
    wrong_answers: bool = True,
    proven: bool = False,
    quick: bool = False,
    root: Path = paths.ROOT,
    progress: Callable[[str], None] = lambda name: None,
) -> ExerciseReport:
    """Judge the mutants and wrong answers of an exercise.

    What the sample stops is not judged any further unless `every_case` is wanted. With `sample`, only that many mutants, and with
    `declared` only that many of those that are declared equivalent. Raises SourceError when the solution itself does not pass, since
    nothing could be learnt then; `proven` says that it does, so that it need not be judged. A `quick` report judges a mutant only up
    to the case that stops it, and so counts those that raise everywhere, or run out of time, with what the sample kills.
    """
    mutants = making.of_exercise(item, exercise)
    reasons = {entry.name: entry.because for entry in equivalents.declared(item, exercise)}
    problems = [f"{exercise}: {'; '.join(problem)}" for problem in equivalents.problems(item, exercise, mutants)]
    own = answers.spec_of(item, exercise, root).deadline
    seconds = own if proven else _deadline(item, exercise, deadline, root)
    chosen = {mutant.name for mutant in making.sampled(mutants, sample)}
    chosen |= {mutant.name for mutant in making.sampled([one for one in mutants if one.name in reasons], declared)}
    results = []
    candidates = [mutant for mutant in mutants if mutant.name in chosen]
    for candidate in candidates + (_wrong_answers(item, exercise) if wrong_answers else []):
        progress(f"{exercise} {candidate.operator}")
        result = judged(item, candidate, deadline=seconds, every_case=every_case, quick=quick, root=root)
        if candidate.name in reasons:
            if result.fate is not Fate.SURVIVED:
                problems.append(f"{exercise}: declared equivalent, but {result.fate}: {candidate.name}")
            else:
                result = Result(exercise, candidate.operator, candidate.name, Fate.EQUIVALENT, (),
                                reasons[candidate.name], candidate.code)  # fmt: skip
        results.append(result)
    known = answers.known_cases(item, answers.spec_of(item, exercise, root), root)
    return ExerciseReport(exercise, tuple(entry.case.name for entry in known), tuple(results), tuple(problems))


def size(item: Source, exercise: str, sample: int | None = None) -> int:
    """How many mutants and wrong answers `report` is going to judge, to a few."""
    mutants = making.of_exercise(item, exercise)
    return min(len(mutants), sample or len(mutants)) + len(item.of("wrong", exercise))


def _wrong_answers(item: Source, exercise: str) -> list[Mutant]:
    cells = item.of("wrong", exercise)
    return [
        Mutant(exercise, WRONG_ANSWER, f"{number} ({cell.metadata.get('because', '')})", cell.source)
        for number, cell in enumerate(cells, start=1)
    ]


def _deadline(item: Source, exercise: str, deadline: float, root: Path) -> float:
    """The seconds that mutants get: the given ones, or the exercise's own if the solution needs longer. Raises SourceError."""
    code = "\n\n".join(ast.unparse(ast.parse(cell.source)) for cell in item.of("answer", exercise))
    allowed = answers.spec_of(item, exercise, root).deadline
    for seconds in (min(deadline, allowed), allowed):
        judged = answers.judge_cases(item, exercise, code, root=root, deadline=seconds)
        case, verdict = judged[-1]
        if verdict.status is Status.PASSED:
            return seconds
        if verdict.status is not Status.TIMEOUT:
            break
    raise SourceError(f"{exercise}: the solution itself does not pass ({case.name}): {verdict.message}")


def judged(
    item: Source,
    mutant: Mutant,
    *,
    deadline: float = DEADLINE,
    every_case: bool = False,
    quick: bool = False,
    root: Path = paths.ROOT,
) -> Result:
    """What becomes of one mutant; parameters as for `report`. Raises SourceError for a fault of the grader, which is no kill."""

    def goes_on(case: Case, verdict: Verdict) -> bool:
        """To tell which variants stop what the sample lets through, and what raises everywhere from what is wrong somewhere."""
        if quick or verdict.status is Status.TIMEOUT:
            return False
        return every_case or case.name != SAMPLE or verdict.status is Status.ERROR

    found = answers.judge_cases(item, mutant.exercise, mutant.code, root=root, deadline=deadline, goes_on=goes_on)
    if found[-1][1].status is Status.TIMEOUT:
        _cancel_what_still_runs()
    failed = [(case.name, verdict) for case, verdict in found if verdict.status is not Status.PASSED]
    statuses = {verdict.status for _, verdict in failed}
    if Status.GRADER_ERROR in statuses:
        raise SourceError(f"{mutant.exercise}, {mutant.name}: {failed[0][1].message}")
    if not failed:
        fate = Fate.SURVIVED
    elif not quick and statuses == {Status.ERROR} and len(failed) == len(found):
        fate = Fate.RAISED
    elif statuses == {Status.TIMEOUT}:
        fate = Fate.TIMEOUT
    else:
        fate = Fate.SAMPLE if failed[0][0] == SAMPLE else Fate.HIDDEN
    by, message = tuple(name for name, _ in failed), failed[0][1].message if failed else ""
    return Result(mutant.exercise, mutant.operator, mutant.name, fate, by, message, mutant.code)


def _cancel_what_still_runs() -> None:
    """Stop the jobs of a loop inside Spark that outlived its deadline: each new job is cancelled until none comes."""
    context = fixtures.session().sparkContext
    quiet_since = time.monotonic()
    end = quiet_since + _PATIENCE
    while time.monotonic() < min(end, quiet_since + 1.0):
        if context.statusTracker().getActiveJobsIds():
            context.cancelAllJobs()
            quiet_since = time.monotonic()
        time.sleep(0.02)
