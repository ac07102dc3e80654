"""Who the learners are elsewhere: a CSV file that maps the folder names of submissions to a learning platform's ids."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from autograder.grading.printable import one_line
from autograder.reports.gathering import ReportError

_HEADERS = {
    "learner": "learner",
    "name": "name",
    "student": "name",
    "full name": "name",
    "canvas id": "canvas_id",
    "id": "canvas_id",
    "sis user id": "sis_user_id",
    "sis login id": "sis_login_id",
    "section": "section",
    "id number": "id_number",
    "idnumber": "id_number",
    "email": "email",
    "email address": "email",
    "username": "username",
}
"""Headers that are understood, in small letters, underscores as spaces: ours, and those of Canvas and Moodle exports."""


@dataclass(frozen=True)
class Person:
    """One learner. `learner` is the name of the submissions' folder; what a platform does not use may be empty.

    Canvas knows people by `canvas_id`, `sis_user_id` or `sis_login_id`, Moodle by `id_number`, `email` or `username`.
    """

    learner: str
    name: str = ""
    canvas_id: str = ""
    sis_user_id: str = ""
    sis_login_id: str = ""
    section: str = ""
    id_number: str = ""
    email: str = ""
    username: str = ""


@dataclass(frozen=True)
class RosterCheck:
    """Learners with results who are not in the roster, and people of the roster without any result."""

    unknown: tuple[str, ...]
    without_submission: tuple[Person, ...]


def read_roster(path: Path) -> dict[str, Person]:
    """The people of a roster by folder name, in the order of the file.

    The file is CSV in UTF-8 with a header. The column `learner` is needed; known others are `name`, `canvas_id`,
    `sis_user_id`, `sis_login_id`, `section`, `id_number`, `email` and `username`. Headers may be written as Canvas and
    Moodle do ("SIS Login ID", "Email address"). Raises ReportError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, restkey="")
            columns = _columns(rows.fieldnames or (), path)
            people: dict[str, Person] = {}
            for row in rows:
                values = {field: (row[header] or "").strip() for header, field in columns.items()}
                if not any(values.values()):
                    continue
                if not values["learner"]:
                    raise ReportError(f"{path}, line {rows.line_num}: the column learner is empty.")
                if values["learner"] in people:
                    raise ReportError(f"{path}, line {rows.line_num}: {values['learner']} is there twice.")
                people[values["learner"]] = Person(**values)
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise ReportError(f"The roster {path} cannot be read: {problem}. Save it as CSV in UTF-8.") from problem
    return people


def people_of(learners: Iterable[str], roster: Mapping[str, Person] | None) -> list[Person]:
    """Everybody to export: the roster in its order, then learners who are not in it.

    Without a roster the folder name is taken for the login and the user name.
    """
    if roster is None:
        logins = {learner: one_line(learner) for learner in learners}
        return [Person(learner, login, sis_login_id=login, username=login) for learner, login in logins.items()]
    others = [Person(learner, one_line(learner)) for learner in learners if learner not in roster]
    return [*roster.values(), *others]


def check_roster(learners: Iterable[str], roster: Mapping[str, Person]) -> RosterCheck:
    """What does not fit together."""
    known = set(learners)
    unknown = tuple(learner for learner in dict.fromkeys(learners) if learner not in roster)
    return RosterCheck(unknown, tuple(person for person in roster.values() if person.learner not in known))


def _columns(headers: Iterable[str], path: Path) -> dict[str, str]:
    """Header → field of Person. The first header that means a field counts."""
    found: dict[str, str] = {}
    for header in headers:
        field = _HEADERS.get(header.strip().lower().replace("_", " "))
        if field and field not in found.values():
            found[header] = field
    if "learner" not in found.values():
        names = ", ".join(field.name for field in fields(Person))
        raise ReportError(
            f"The roster {path} has no column learner (the folder name of a submission). Columns: {names}."
        )
    return found
