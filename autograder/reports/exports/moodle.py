"""CSV files for Moodle's grade import (Grades → Import → CSV file) and its offline grading worksheet.

Formats: "Grade import" and "Assignment settings" in Moodle's documentation; the importers themselves
(github.com/moodle/moodle, grade/import/csv/classes/load_data.php and mod/assign/feedback/offline/importgradeslib.php).
Moodle looks people up by the column that the instructor maps: ID number, e-mail address or user name. One unknown person
ends the whole import, and a row whose identifier is empty would be given to the person of the row before. So only people
of the roster with results are written, and the command says who is left out. A grade without its feedback column (or the
other way round) would erase the other, so both are there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.grading.printable import without_line_ends
from autograder.grading.results import QUOTING, spreadsheet_cell
from autograder.reports.exports.tables import table
from autograder.reports.feedback import OVERALL
from autograder.reports.gathering import ClassResults, ReportError, Submission
from autograder.reports.pages import status_name
from autograder.reports.roster import Person
from autograder.reports.text import plain, points

IDENTIFIERS = ("username", "id_number", "email")
_HEADERS = ("Username", "ID number", "Email address")
_ID, _GRADE, _FEEDBACK = "Identifier", "Grade", "Feedback comments"


def moodle(results: ClassResults, people: Iterable[Person]) -> str:
    """The text of the grade import: identifiers, then for each assignment the points and a feedback text.

    An identifier column is written when everybody in the file has one, so that no row can be taken for another's.
    """
    found = {(entry.learner, entry.assignment): entry for entry in results.submissions}
    graded = set(results.learners)
    chosen = [
        person for person in people if person.learner in graded and any(getattr(person, name) for name in IDENTIFIERS)
    ]
    columns = [
        (name, header)
        for name, header in zip(IDENTIFIERS, _HEADERS, strict=True)
        if all(getattr(p, name) for p in chosen)
    ]
    if chosen and not columns:
        raise ReportError(
            "The roster gives some learners only one kind of identifier and others another, so Moodle could take one for"
            " the other. Fill in one of the columns username, id_number or email for everybody."
        )
    header = [title for _, title in columns]
    for assignment in results.course_assignments:
        header += [assignment, f"{assignment} (feedback)"]
    rows = []
    for person in chosen:
        row: list[Any] = [getattr(person, name) for name, _ in columns]
        for assignment in results.course_assignments:
            entry = found.get((person.learner, assignment))
            row += [entry.points, summary(entry)] if entry else ["", ""]
        rows.append(row)
    return table(header, rows, keep_lines=True)


def left_out(results: ClassResults, people: Iterable[Person]) -> list[str]:
    """Learners with results whom Moodle could not find: they have no identifier."""
    known = {person.learner for person in people if any(getattr(person, name) for name in IDENTIFIERS)}
    return [learner for learner in results.learners if learner not in known]


def worksheet(downloaded: Path, submissions: Iterable[Submission], people: Iterable[Person]) -> tuple[str, list[str]]:
    """Fill in a grading worksheet that was downloaded from a Moodle assignment.

    Rows and columns stay as they are; in the rows of people with a submission `Grade` and, where there is such a column,
    `Feedback comments` are filled in. Rows are found by e-mail address, ID number, user name or full name.

    Returns the text of the new worksheet and the learners for whom it has no row. Raises ReportError.
    """
    try:
        with downloaded.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise ReportError(f"The worksheet {downloaded} cannot be read: {problem}.") from problem
    headers = list(rows[0]) if rows else []
    if _ID not in headers or _GRADE not in headers:
        raise ReportError(
            f"{downloaded} is no grading worksheet of Moodle: it has no rows with the columns {_ID} and {_GRADE}."
            " In the assignment choose Actions → Download grading worksheet."
        )
    by_learner = {entry.learner: entry for entry in submissions}
    learners = _owners(people)
    missing = dict.fromkeys(by_learner)
    for row in rows:
        learner = next((learners[key] for key in _keys_of(row) if key in learners), None)
        if learner in by_learner:
            entry = by_learner[learner]
            row[_GRADE] = points(entry.points)
            if _FEEDBACK in headers:
                row[_FEEDBACK] = str(spreadsheet_cell(summary(entry), keep_lines=True))
            missing.pop(learner, None)
    text = io.StringIO()
    writer = csv.DictWriter(text, headers, extrasaction="ignore", quoting=QUOTING)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue(), list(missing)


def summary(entry: Submission) -> str:
    """A submission in a few lines, for a platform's feedback field. Each line is the course's: messages have no line ends."""
    lines = [f"{points(entry.points)} of {points(entry.max_points)} points."]
    if OVERALL.get(entry.status):
        lines.append(f"{OVERALL[entry.status]} {_plain(entry.message)}".strip())
    for exercise in entry.exercises:
        line = (
            f"{exercise.id} {status_name(exercise.status)}, {points(exercise.points)} of {points(exercise.max_points)}"
        )
        lines.append(line if exercise.status in ("passed", "not_attempted") else f"{line}: {_plain(exercise.message)}")
    lines += [
        f"{answer.id} {status_name(answer.status)}, {points(answer.points)} of {points(answer.max_points)}"
        + (f": {_plain(answer.comment)}" if answer.comment else "")
        for answer in entry.written
    ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return without_line_ends(plain(text))


def _owners(people: Iterable[Person]) -> dict[tuple[str, str], str]:
    """Identifier → learner; what two people share identifies nobody."""
    found: dict[tuple[str, str], str | None] = {}
    for person in people:
        for kind in (*IDENTIFIERS, "name"):
            value = getattr(person, kind).casefold()
            if value:
                key = (kind, value)
                found[key] = None if key in found else person.learner
    return {key: learner for key, learner in found.items() if learner is not None}


def _keys_of(row: Mapping[str, str | None]) -> Sequence[tuple[str, str]]:
    headers = {"email": "Email address", "id_number": "ID number", "username": "Username", "name": "Full name"}
    return [(kind, (row.get(header) or "").strip().casefold()) for kind, header in headers.items()]
