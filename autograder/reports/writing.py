"""Writes everything that `course report` makes into one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.grading.results import result_path, write_atomically
from autograder.reports import gathering, roster
from autograder.reports.class_report import class_page
from autograder.reports.exports import tables
from autograder.reports.exports.canvas import canvas
from autograder.reports.exports.gradescope import gradescope
from autograder.reports.exports.moodle import left_out, moodle, worksheet
from autograder.reports.feedback import feedback_page
from autograder.reports.gathering import ClassResults, ReportError
from autograder.reports.marks import read_marks
from autograder.reports.roster import Person, RosterCheck


@dataclass(frozen=True)
class Written:
    """What was written: the results that it shows, everybody in it, how they fit the roster, whom Moodle's file leaves out."""

    results: ClassResults
    people: tuple[Person, ...]
    check: RosterCheck | None
    not_in_moodle: tuple[str, ...]


def write_report(
    results_folder: Path,
    out: Path,
    *,
    gradebook: Path | None = None,
    roster_file: Path | None = None,
    canvas_ids: Mapping[str, str] | None = None,
) -> Written:
    """Write pages and exports into `out`; files of an earlier report are replaced, each in one step.

    Parameters
    ----------
    results_folder: what `course grade` wrote.
    out: folder for the report; made when missing. It may not be the folder of the results.
    gradebook: nbgrader's `gradebook.db`, which is only read.
    roster_file: CSV file that maps learners to the ids of a learning platform.
    canvas_ids: assignment → its id in Canvas.

    Raises ReportError or GradebookUnusable before anything is written.
    """
    if out.resolve() == results_folder.resolve() or results_folder.resolve() in out.resolve().parents:
        raise ReportError(f"{out} is in the folder of the results. Name another folder for the report, such as report.")
    results = gathering.gather(results_folder, read_marks(gradebook) if gradebook else None)
    unknown = set(canvas_ids or {}) - set(results.assignments)
    if unknown:
        raise ReportError(
            f"There are no results of {', '.join(sorted(unknown))}; there are: {', '.join(results.assignments)}."
        )
    known = roster.read_roster(roster_file) if roster_file else None
    check = roster.check_roster(results.learners, known) if known is not None else None
    people = roster.people_of(results.learners, known)
    files = {
        Path("grades.csv"): tables.grades(results),
        Path("exercises.csv"): tables.exercises(results),
        Path("canvas.csv"): canvas(results, people, canvas_ids),
        Path("moodle.csv"): moodle(results, people),
    }
    if check is not None:
        files[Path("roster_check.csv")] = tables.roster_check(results, check)
    links = {}
    for entry in results.submissions:
        # `result_path` refuses names that lead elsewhere.
        relative = result_path(Path(), entry.learner, entry.assignment)
        page = Path("feedback") / relative.with_name(f"{entry.assignment}.html")
        links[entry.learner, entry.assignment] = page.as_posix()
        files[page] = feedback_page(entry, results)
        files[Path("gradescope") / relative] = gradescope(entry)
    files[Path("class.html")] = class_page(results, links, check)
    for path, text in files.items():
        write_atomically(out / path, text)
    return Written(results, tuple(people), check, tuple(left_out(results, people)))


def fill_worksheets(written: Written, out: Path, worksheets: Mapping[str, Path]) -> list[str]:
    """Fill in grading worksheets that were downloaded from Moodle, as `moodle_<assignment>.csv`.

    Returns the learners for whom a worksheet has no row. Raises ReportError.
    """
    missing: list[str] = []
    for assignment, downloaded in worksheets.items():
        submissions = written.results.of(assignment)
        if not submissions:
            raise ReportError(f"There are no results of {assignment}.")
        text, without_row = worksheet(downloaded, submissions, written.people)
        write_atomically(out / f"moodle_{assignment}.csv", text)
        missing += without_row
    return list(dict.fromkeys(missing))
