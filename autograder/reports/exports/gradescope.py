"""Gradescope's `results.json`: one for each submission, as an autograder would hand it to Gradescope.

Format: gradescope-autograders.readthedocs.io, "Autograder Specifications". Texts are given as "text", so that Gradescope
shows what learners wrote and never interprets it. Written answers appear once they are marked.
"""

from __future__ import annotations

import json
from typing import Any

from autograder.models import Status
from autograder.reports.feedback import OVERALL
from autograder.reports.gathering import Exercise, Submission, Written
from autograder.reports.pages import status_name
from autograder.reports.text import plain


def gradescope(submission: Submission) -> str:
    """The document of one submission, tests in course order."""
    head = [OVERALL.get(submission.status, ""), plain(submission.message)]
    document = {
        "score": submission.points,
        "max_score": submission.max_points,
        "execution_time": round(submission.seconds),
        "output": " ".join(text for text in head if text),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            *(_exercise(entry) for entry in submission.exercises),
            *(
                _written(entry)
                for entry in submission.written
                if submission.written_counts and entry.points is not None
            ),
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _exercise(entry: Exercise) -> dict[str, Any]:
    lines = [f"{status_name(entry.status).capitalize()}."]
    if entry.status != Status.PASSED:
        lines.append(entry.message)
    lines += [f"✔ {text}" for text in entry.right] + [f"✘ {text}" for text in entry.wrong]
    if entry.hint:
        lines.append(f"Hint: {entry.hint}")
    if entry.comment:
        lines.append(f"Your instructor: {entry.comment}")
    passed = entry.status == Status.PASSED or entry.points >= entry.max_points > 0
    return _test(entry.id, entry.title, entry.points, entry.max_points, passed, lines)


def _written(entry: Written) -> dict[str, Any]:
    lines = [f"Your instructor: {entry.comment}"] if entry.comment else []
    return _test(entry.id, entry.title, entry.points or 0.0, entry.max_points, (entry.points or 0.0) > 0, lines)


def _test(number: str, title: str, score: float, most: float, passed: bool, lines: list[str]) -> dict[str, Any]:
    return {
        "number": number,
        "name": title,
        "score": score,
        "max_score": most,
        "status": "passed" if passed else "failed",
        "output": plain("\n".join(lines)),
        "output_format": "text",
        "visibility": "visible",
    }
