"""What a class found easy and hard: counts and summaries for the class report and its charts."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.models import Status
from autograder.reports.gathering import ClassResults, Exercise, Submission
from autograder.reports.text import plain

STATUSES = (
    Status.PASSED,
    Status.PARTIAL,
    Status.FAILED,
    Status.ERROR,
    Status.TIMEOUT,
    Status.NOT_ATTEMPTED,
    Status.GRADER_ERROR,
)
"""In the order in which charts stack them, from right to unknown."""

NEEDS_ATTENTION = 0.5
"""Learners below this share of the points are listed as needing attention."""

_WRONG = (Status.FAILED, Status.PARTIAL, Status.ERROR, Status.TIMEOUT)


@dataclass(frozen=True)
class Difficulty:
    """How one exercise went: how many learners have each status, the mean share of its points, seconds of the answers."""

    id: str
    title: str
    counts: dict[str, int]
    mean_share: float
    median_seconds: float
    longest_seconds: float

    @property
    def learners(self) -> int:
        """How many results there are."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class WrongAnswer:
    """Learners who made the same mistake in an exercise: its shape, one of their messages, their names."""

    shape: str
    message: str
    learners: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many made it."""
        return len(self.learners)


@dataclass(frozen=True)
class Distribution:
    """How many submissions lie in each tenth of the points: [0, 10 %), ..., [90 %, 100 %], and summaries of the shares."""

    counts: tuple[int, ...]
    mean: float
    median: float
    lowest: float
    highest: float


def distribution(submissions: Sequence[Submission]) -> Distribution:
    """The distribution of marks. Raises ValueError without submissions."""
    shares = [submission.share for submission in submissions]
    # Full marks belong to the last tenth; rounding keeps 0.3 out of the tenth below it.
    tenths = Counter(min(9, max(0, int(round(share * 10, 9)))) for share in shares)
    counts = tuple(tenths[number] for number in range(10))
    return Distribution(counts, statistics.fmean(shares), statistics.median(shares), min(shares), max(shares))


def difficulties(submissions: Sequence[Submission]) -> list[Difficulty]:
    """One line for each automatically graded exercise, in course order."""
    by_exercise: dict[str, list[Exercise]] = {}
    for submission in submissions:
        for exercise in submission.exercises:
            by_exercise.setdefault(exercise.id, []).append(exercise)
    found = []
    for identifier, entries in by_exercise.items():
        counts = Counter(entry.status for entry in entries)
        shares = [entry.points / entry.max_points for entry in entries if entry.max_points]
        taken = [entry.seconds for entry in entries if entry.status != Status.NOT_ATTEMPTED and entry.seconds > 0]
        found.append(
            Difficulty(
                identifier,
                entries[0].title,
                {str(status): counts[status] for status in STATUSES},
                statistics.fmean(shares) if shares else 0.0,
                statistics.median(taken) if taken else 0.0,
                max(taken, default=0.0),
            )
        )
    return found


def wrong_answers(submissions: Sequence[Submission], exercise: str) -> list[WrongAnswer]:
    """The mistakes made in an exercise, the commonest first.

    Answers with the same shape and status are one mistake; without a shape, those with the same message are. The message
    shown is the one that most of them have.
    """
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for submission in submissions:
        for entry in submission.exercises:
            if entry.id == exercise and entry.status in _WRONG:
                message = plain(entry.message)
                key = (entry.shape, entry.status) if entry.shape else ("", message)
                groups.setdefault(key, []).append((submission.learner, message))
    found = [
        WrongAnswer(
            shape,
            Counter(message for _, message in members).most_common(1)[0][0],
            tuple(learner for learner, _ in members),
        )
        for (shape, _), members in groups.items()
    ]
    return sorted(found, key=lambda answer: (-len(answer.learners), answer.message))


def attention(results: ClassResults, assignment: str) -> list[tuple[Submission, str]]:
    """Submissions whose learner may need help, the lowest mark first, each with the reason."""
    found = []
    for submission in results.of(assignment):
        missing = sum(entry.status == Status.NOT_ATTEMPTED for entry in submission.exercises)
        reasons = []
        if submission.share < NEEDS_ATTENTION:
            reasons.append(f"{100 * submission.share:.0f} % of the points")
        if submission.exercises and missing >= len(submission.exercises) / 2:
            reasons.append(f"{missing} of {len(submission.exercises)} exercises not attempted")
        if reasons:
            found.append((submission, ", ".join(reasons)))
    return sorted(found, key=lambda pair: (pair[0].share, pair[0].learner))
