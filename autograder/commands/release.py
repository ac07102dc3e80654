"""`course release`: write the learners' repository."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("target", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def command(target: Path) -> None:
    """Write the learners' repository into DIR, or update the one that is there.

    It holds no solution, hidden test, wrong answer or hidden data. A file that a learner has changed is never
    overwritten.
    """
    from autograder.authoring.release import ReleaseError, release
    from autograder.authoring.source import SourceError

    try:
        changes = release(target)
    except (ReleaseError, SourceError) as problem:
        raise click.ClickException(str(problem)) from problem
    for path, new in changes.beside.items():
        click.echo(f"{path} was changed since it was released and stays as it is; the new version is {new}.")
    click.echo(f"{target}: {len(changes.written)} files written, {len(changes.removed)} removed.")
