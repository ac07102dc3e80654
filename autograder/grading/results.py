"""The result of a submission: `RESULTS/<learner>/<assignment>.json` and `RESULTS/grades.csv`, always written whole."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
PREVIOUS = "previous"
ON_HIDDEN_DATA = "Right on the sample data, but not on hidden data"
"""How the message of an exercise begins whose verdict is about hidden data, and so may show none of it."""

COLUMNS = ("learner", "assignment", "status", "points", "max_points", "seconds", "message")


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise: `status` is one of `autograder.models.Status`. `verdict` has what feedback shows beside the
    message.
    """

    id: str
    status: str
    points: float
    max_points: float
    message: str
    seconds: float = 0.0
    verdict: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WrittenAnswer:
    """A text answer, which people mark: `status` is "to_mark" or "not_attempted". Its points are not in those of the
    result.
    """

    id: str
    status: str
    max_points: float


@dataclass(frozen=True)
class Result:
    """What became of one submission.

    `status` is "graded", "incomplete" (a notebook is missing or unreadable), "timeout" or "stopped" (the run was cut
    short; what was captured before counts), "unreadable" (nothing could be read), "unknown_assignment" or
    "grader_error". `isolation` says what kept the learner's code in: "bubblewrap", or "none" after --no-sandbox. The
    digests say which submission and which course were graded.
    """

    learner: str
    assignment: str
    status: str
    points: float = 0.0
    max_points: float = 0.0
    seconds: float = 0.0
    exercises: tuple[ExerciseResult, ...] = ()
    written: tuple[WrittenAnswer, ...] = ()
    findings: tuple[str, ...] = ()
    message: str = ""
    isolation: str = ""
    peak_memory: int = 0
    submission_digest: str = ""
    course_digest: str = ""
    graded_at: str = ""
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The document of the results contract."""
        return json.dumps(asdict(self), indent=1) + "\n"


def result_path(results: Path, learner: str, assignment: str) -> Path:
    """Where the result of a submission belongs. Raises ValueError for names that are no plain file names."""
    for name in (learner, assignment):
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise ValueError(f"{name!r} cannot be the name of a learner or an assignment.")
    return results / learner / f"{assignment}.json"


def read_result(path: Path) -> dict[str, Any] | None:
    """A result written earlier, or None when there is none that is whole."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and document.get("schema_version") == SCHEMA_VERSION else None


def write_result(path: Path, result: Result) -> None:
    """Write a result in one step; one that was there before moves to `previous/<assignment>.<time>.json`."""
    if path.exists():
        time = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        backup = path.parent / PREVIOUS / f"{path.stem}.{time}.json"
        backup.parent.mkdir(exist_ok=True)
        # A link, not a move: at no moment is there no result.
        if not backup.exists():
            os.link(path, backup)
    write_atomically(path, result.to_json())


def write_atomically(path: Path, text: str) -> None:
    """Replace a file in one step, so that a reader or a crash never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_grades(results: Path) -> Path:
    """Write `grades.csv` from all results in the folder. Returns its path."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for document in all_results(results):
        table.writerow([spreadsheet_cell(document.get(column, "")) for column in COLUMNS])
    path = results / "grades.csv"
    write_atomically(path, text.getvalue())
    return path


def spreadsheet_cell(value: Any) -> Any:
    """A cell of a CSV file that no spreadsheet runs as a formula: learners choose some names and texts.

    Text that begins with one of = + - @, a tab or a line end gets an apostrophe before it (OWASP, CSV injection);
    numbers stay as they are.
    """
    if isinstance(value, str) and value.lstrip(" ")[:1] in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"):
        return f"'{value}"
    return value


def all_results(results: Path) -> Iterable[dict[str, Any]]:
    """Every result in the folder, by learner and assignment."""
    for path in sorted(results.glob("*/*.json")):
        document = read_result(path)
        if document is not None:
            yield document
