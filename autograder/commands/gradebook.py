"""`course gradebook`: write automatic scores from the results of `course grade` into nbgrader's gradebook."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("results", type=click.Path(file_okay=False, path_type=Path), metavar="RESULTS")
@click.option(
    "--gradebook",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("gradebook.db"),
    show_default=True,
    help="nbgrader's gradebook.",
)
def command(results: Path, gradebook: Path) -> None:
    """Write the automatic scores in RESULTS into nbgrader's gradebook.

    Marks and comments that people gave are never changed. All scores are written, or none; a copy of the gradebook as it
    was stays beside it. Run it as often as you like.
    """
    from autograder.reports.gathering import ReportError, gather
    from autograder.reports.gradebook_update import update_gradebook
    from autograder.reports.marks import GradebookUnusable

    try:
        updated = update_gradebook(gradebook, gather(results))
    except (ReportError, GradebookUnusable) as problem:
        raise click.ClickException(str(problem)) from problem
    if updated.backup is None:
        click.echo(f"{gradebook} has these scores already.")
    else:
        click.echo(f"{len(updated.scores)} scores of {updated.submissions} submissions written to {gradebook}.")
        click.echo(f"As it was before: {updated.backup}")
