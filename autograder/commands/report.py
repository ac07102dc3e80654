"""`course report`: feedback pages, the class report and exports, from the results of `course grade`."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("results", type=click.Path(file_okay=False, path_type=Path), metavar="RESULTS")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the report.")
@click.option("--gradebook", type=_FILE, help="nbgrader's gradebook.db, for marks of written answers. It is only read.")
@click.option("--roster", type=_FILE, help="CSV file: learner (folder name) and the ids of Canvas or Moodle.")
@click.option(
    "--canvas-id",
    "canvas_ids",
    multiple=True,
    metavar="ASSIGNMENT=ID",
    help="Id of an assignment in Canvas. Repeatable.",
)
@click.option(
    "--moodle-worksheet",
    "worksheets",
    multiple=True,
    metavar="ASSIGNMENT=FILE",
    help="Grading worksheet downloaded from Moodle, to fill in as OUT/moodle_ASSIGNMENT.csv. Repeatable.",
)
def command(
    results: Path,
    out: Path,
    gradebook: Path | None,
    roster: Path | None,
    canvas_ids: tuple[str, ...],
    worksheets: tuple[str, ...],
) -> None:
    """Write OUT/class.html, a feedback page for each learner, and grades for Canvas, Moodle and Gradescope.

    RESULTS is the folder that `course grade` wrote. Nothing in it is changed.
    """
    from autograder.grading.printable import one_line
    from autograder.reports.gathering import ReportError
    from autograder.reports.marks import GradebookUnusable
    from autograder.reports.writing import fill_worksheets, write_report

    try:
        ids, files = _pairs(canvas_ids, "--canvas-id"), _pairs(worksheets, "--moodle-worksheet")
        written = write_report(results, out, gradebook=gradebook, roster_file=roster, canvas_ids=ids)
        no_row = fill_worksheets(written, out, {name: Path(file) for name, file in files.items()})
    except (ReportError, GradebookUnusable) as problem:
        raise click.ClickException(one_line(str(problem))) from problem
    found = written.results
    click.echo(f"{len(found.submissions)} submissions of {len(found.learners)} learners: {out / 'class.html'}")
    waiting = sum(entry.unmarked for entry in found.submissions)
    if not found.written_counts and any(entry.written for entry in found.submissions):
        click.echo(
            "Written answers do not count in these marks. Give nbgrader's gradebook with --gradebook to add them."
        )
    elif waiting:
        click.echo(f"{waiting} written answers wait for a mark; they count as 0 so far.")
    for names, what in (
        (found.unreadable, "results could not be read and are left out"),
        (written.check.unknown if written.check else (), "learners are not in the roster; see roster_check.csv"),
        (
            [person.learner for person in written.check.without_submission] if written.check else (),
            "of the roster have no submission",
        ),
        (written.not_in_moodle, "learners have no identifier for Moodle and are not in moodle.csv"),
        (no_row, "learners have no row in the Moodle worksheet"),
    ):
        if names:
            listed = ", ".join(map(one_line, names))
            click.echo(f"{len(names)} {what}: {listed}", err=True)


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """ASSIGNMENT=VALUE as a dictionary."""
    from autograder.reports.gathering import ReportError

    pairs = dict(text.partition("=")[::2] for text in texts)
    if not all(name and value for name, value in pairs.items()):
        raise ReportError(f"{option} is written as ASSIGNMENT=VALUE, for example {option} 01_dataframes=1234.")
    return pairs
