"""The result of a submission: `RESULTS/<learner>/<assignment>.json` and `RESULTS/grades.csv`, always written whole."""

from __future__ import annotations

import contextlib
import csv
import errno
import fcntl
import io
import json
import os
import re
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from autograder.grading.printable import one_line, printable, without_line_ends

SCHEMA_VERSION = 1
PREVIOUS = "previous"
LOCK = ".lock"
WRITING = ".writing-"
GRADES = "grades.csv"
_LONGEST_FOLDER = 255
_LONGEST_FILE = 200
"""Bytes. A file system allows 255; a time and an ending are added to the name of an assignment."""
TOO_LARGE = "This answer could not be compared within the verifier's limits of time and memory."
ON_HIDDEN_DATA = "Right on the sample data, but not on hidden data"
"""How the message of an exercise begins whose verdict is about hidden data, and so may show none of it."""
COLUMNS = ("learner", "assignment", "status", "points", "max_points", "seconds", "message")
QUOTING: Final = csv.QUOTE_NONNUMERIC
"""For every CSV file: all text in quotes, whatever is in it, and numbers, which only the course writes, without."""
_NAMES = ("learner", "assignment")
_FORMULA = re.compile(r"(^|[;,\t\n])([ \"]*)(?=[=+\-@\t\uff1d\uff0b\uff0d\uff20])")
"""Where a formula could begin in a cell, also for a program that takes another sign for the separator."""
_JOINERS = "\u200c\u200d"
"""Characters of format that some scripts need in names."""


class ResultsInUse(Exception):
    """Another grader writes to the folder of results; the message says which and what to do."""


class ResultsUnwritable(Exception):
    """Results cannot be written, as when the disk is full; the message says why and what to do."""


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise: `status` is one of `autograder.models.Status`. `verdict` has what feedback shows beside the
    message.

    `ended_early`: a process that ran or compared the answer ended before its time, for a reason that may be the
    machine's. `digest` says which state of the exercise was graded (see `autograder.grading.digests`), `graded_at` when.
    """

    id: str
    status: str
    points: float
    max_points: float
    message: str
    seconds: float = 0.0
    verdict: Mapping[str, Any] = field(default_factory=dict)
    ended_early: bool = False
    digest: str = ""
    graded_at: str = ""

    @property
    def mark(self) -> str:
        """Status and points as people read them: "failed, 0 of 2"."""
        return f"{self.status}, {self.points:g} of {self.max_points:g}"


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
    "grader_error". `timing` says where the seconds went: those of each step outside the sandbox, and what the runner
    tells of those inside, by stage. `isolation` says what kept the learner's code in: "bubblewrap", or "none" after --no-sandbox. The
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
    timing: Mapping[str, Any] = field(default_factory=dict)
    isolation: str = ""
    peak_memory: int = 0
    submission_digest: str = ""
    course_digest: str = ""
    graded_at: str = ""
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The document of the results contract."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """A result from its document; fields of later versions are left out. Raises ValueError for anything else."""
        try:
            document = json.loads(text)
            if document["schema_version"] != SCHEMA_VERSION:
                raise ValueError(f"schema version {document['schema_version']}")
            exercises = tuple(_known(ExerciseResult, entry) for entry in document["exercises"])
            written = tuple(_known(WrittenAnswer, entry) for entry in document["written"])
            findings = tuple(map(str, document["findings"]))
            result = _known(cls, {**document, "exercises": exercises, "written": written, "findings": findings})
            points = [entry.points for entry in exercises] + [entry.max_points for entry in exercises]
            if not all(isinstance(number, int | float) for number in (*points, result.points, result.max_points)):
                raise ValueError("points that are no numbers")
            return result
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"This is no result of this grader: {type(error).__name__}: {error}") from error


_Entry = TypeVar("_Entry", "Result", ExerciseResult, WrittenAnswer)


def _known(kind: type[_Entry], document: Mapping[str, Any]) -> _Entry:
    names = {entry.name for entry in fields(kind)}
    return kind(**{name: value for name, value in document.items() if name in names})


def result_path(results: Path, learner: str, assignment: str) -> Path:
    """Where the result of a submission belongs. Raises ValueError for names that are no plain file names, or too long ones."""
    for name, longest in ((learner, _LONGEST_FOLDER), (assignment, _LONGEST_FILE)):
        if name in ("", ".", "..", GRADES) or "/" in name or "\0" in name or len(os.fsencode(name)) > longest:
            raise ValueError(f"{name!r} cannot be the name of a learner or an assignment.")
    return results / learner / f"{assignment}.json"


def read_result(path: Path) -> dict[str, Any] | None:
    """A result written earlier, or None when there is none that is whole."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and document.get("schema_version") == SCHEMA_VERSION else None


def load_result(path: Path) -> Result | None:
    """The result written earlier, or None when there is none that is whole."""
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_result(path: Path, result: Result, *, keep_previous: bool = True) -> None:
    """Write a result in one step; one that was there before moves to `previous/<assignment>.<time>.json`.

    Parameters
    ----------
    keep_previous: False replaces the earlier result, for one that says the same about the learner.
    """
    if keep_previous and path.exists():
        backup = _backup(path)
        # A link, not a move: at no moment is there no result.
        if not backup.exists():
            try:
                os.link(path, backup)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    raise
                # A file system without links.
                text = path.read_text(encoding="utf-8", errors="surrogateescape")
                write_atomically(backup, text, errors="surrogateescape")
    write_atomically(path, result.to_json())


def set_aside(path: Path) -> Path:
    """Move a file that is no result of ours, or a damaged one, to `previous/`. Returns where it is now."""
    aside = _backup(path)
    number = 1
    while os.path.lexists(aside):
        aside = aside.with_name(f"{aside.stem}-{number}{aside.suffix}")
        number += 1
    path.rename(aside)
    return aside


def _backup(path: Path) -> Path:
    time = datetime.fromtimestamp(path.lstat().st_mtime, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    backup = path.parent / PREVIOUS / f"{path.stem}.{time}{path.suffix}"
    backup.parent.mkdir(exist_ok=True)
    return backup


def write_atomically(path: Path, text: str, errors: str = "backslashreplace") -> None:
    """Replace a file in one step, so that a reader or a crash never meets half of it.

    Parameters
    ----------
    errors: what becomes of text that UTF-8 cannot hold, such as names of files that are no UTF-8.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=WRITING)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=errors, newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def owned(results: Path) -> Iterator[None]:
    """Be the only grader that writes to a folder of results, until the end of the block; the folder is made when missing.

    The system gives the lock up however this process ends. What a grader that was killed left half-written is removed.
    Raises ResultsInUse or ResultsUnwritable.
    """
    with writing_to(results):
        results.mkdir(parents=True, exist_ok=True)
        lock = os.open(results / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(lock, 200, 0).decode("utf-8", "replace").strip() or "unknown"
            raise ResultsInUse(
                f"Another grader ({owner}) is writing to {results}. Wait until it has finished, or choose another folder "
                "for the results."
            ) from error
        except OSError as error:
            raise ResultsUnwritable(
                f"The folder {results} cannot be locked ({error.strerror}), so two graders could spoil each other's "
                "results. Choose a folder on a local disk."
            ) from error
        with contextlib.suppress(OSError):  # only for people; a full disk is met again when it matters
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        for path in [*results.glob(f"{WRITING}*"), *results.glob(f"*/{WRITING}*"), *results.glob(f"*/*/{WRITING}*")]:
            path.unlink(missing_ok=True)
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Turn an error of the file system into ResultsUnwritable."""
    try:
        yield
    except OSError as error:
        raise ResultsUnwritable(
            f"{place} could not be written: {error.strerror or error}. Results that are there are whole and stay. Put that "
            "right (free some space, for instance) and run the same command again; it goes on where it stopped."
        ) from error


def write_grades(results: Path) -> Path:
    """Write `grades.csv` from all results in the folder. Returns its path."""
    text = io.StringIO()
    table = csv.writer(text, quoting=QUOTING)
    table.writerow(COLUMNS)
    for document in all_results(results):
        row = {name: value if name not in _NAMES else one_line(str(value)) for name, value in document.items()}
        table.writerow([spreadsheet_cell(row.get(column, "")) for column in COLUMNS])
    path = results / GRADES
    if path.exists() and not _is_table_of_grades(path):
        set_aside(path)
    write_atomically(path, text.getvalue())
    return path


def _is_table_of_grades(path: Path) -> bool:
    """Whether a file was written by `write_grades`, of this version or an earlier one that quoted less."""
    header = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    return header.replace('"', "").startswith(",".join(COLUMNS[:2]))


def spreadsheet_cell(value: Any, *, keep_lines: bool = False) -> Any:
    """A cell of a CSV file that no spreadsheet runs as a formula: learners choose some names and texts.

    An apostrophe comes before = + - @ and a tab where text begins, and where it could begin after a separator or a line
    end (OWASP, CSV injection). Line ends become blanks, control characters and what UTF-8 cannot hold become escapes;
    numbers stay as they are.

    Parameters
    ----------
    keep_lines: leave line feeds as they are.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n") if keep_lines else without_line_ends(value)
    return _FORMULA.sub(r"\1\2'", printable(text, kept=f"\n\t{_JOINERS}"))


def all_results(results: Path) -> Iterable[dict[str, Any]]:
    """Every result in the folder, by learner and assignment."""
    for path in sorted(results.glob("*/*.json")):
        document = read_result(path)
        if document is not None:
            yield document
