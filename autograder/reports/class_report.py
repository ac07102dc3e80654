"""The class report: one page for instructors, with charts, their numbers as tables, and links to feedback pages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from autograder.models import Status
from autograder.reports import charts, pages, statistics
from autograder.reports.feedback import assignment_title
from autograder.reports.gathering import ClassResults, Submission
from autograder.reports.roster import RosterCheck
from autograder.reports.statistics import Difficulty, Distribution, WrongAnswer


@dataclass(frozen=True)
class Fault:
    """An exercise that the course could not judge, and for whom."""

    exercise: str
    message: str
    learners: tuple[str, ...]


@dataclass(frozen=True)
class AssignmentPart:
    """The part of the page about one assignment."""

    name: str
    title: str
    submissions: tuple[Submission, ...]
    marks: Distribution
    lines: tuple[Difficulty, ...]
    mistakes: tuple[tuple[Difficulty, tuple[WrongAnswer, ...]], ...]
    attention: tuple[tuple[Submission, str], ...]
    absent: tuple[str, ...]


def class_page(results: ClassResults, feedback: Mapping[tuple[str, str], str], check: RosterCheck | None = None) -> str:
    """The page as HTML.

    Parameters
    ----------
    results: everything that was graded.
    feedback: for each learner and assignment the path of the feedback page, relative to this page.
    check: how learners and the roster fit together, when there is a roster.
    """
    parts = [_part(results, assignment) for assignment in results.assignments]
    figures = {}
    for number, part in enumerate(parts, start=1):
        figures[f"scores-{number}"] = charts.scores(part.marks)
        if part.lines:
            figures[f"difficulty-{number}"] = charts.difficulty(part.lines)
            figures[f"seconds-{number}"] = charts.seconds(part.lines)
    return pages.render(
        "class.html",
        [charts.library(), charts.script(figures)],
        results=results,
        parts=parts,
        faults=_faults(results),
        damaged=[submission for submission in results.submissions if submission.status != "graded"],
        findings=[(submission, found) for submission in results.submissions if (found := notable(submission))],
        unsandboxed=sum(submission.isolation == "none" for submission in results.submissions),
        unmarked=sum(submission.unmarked for submission in results.submissions),
        links={key: link(path) for key, path in feedback.items()},
        statuses=[str(status) for status in statistics.STATUSES],
        tenths=charts.TENTHS,
        title_of=assignment_title,
        check=check,
    )


def notable(submission: Submission) -> list[str]:
    """The findings that the message of the submission does not tell already, such as a notebook that is missing."""
    return [finding for finding in submission.findings if finding not in submission.message]


def link(path: str) -> str:
    """A relative path as a URL; learners' names may hold any character."""
    return quote(os.fsencode(path))


def _part(results: ClassResults, assignment: str) -> AssignmentPart:
    submissions = results.of(assignment)
    present = {submission.learner for submission in submissions}
    lines = statistics.difficulties(submissions)
    mistakes = [(line, tuple(statistics.wrong_answers(submissions, line.id))) for line in lines]
    return AssignmentPart(
        assignment,
        assignment_title(assignment),
        tuple(submissions),
        statistics.distribution(submissions),
        tuple(lines),
        tuple((line, found) for line, found in mistakes if found),
        tuple(statistics.attention(results, assignment)),
        tuple(learner for learner in results.learners if learner not in present),
    )


def _faults(results: ClassResults) -> list[Fault]:
    found: dict[tuple[str, str], list[str]] = {}
    for submission in results.submissions:
        for entry in submission.exercises:
            if entry.status == Status.GRADER_ERROR:
                found.setdefault((entry.id, entry.message), []).append(submission.learner)
    return [Fault(exercise, message, tuple(learners)) for (exercise, message), learners in found.items()]
