"""`course new`: begin a notebook."""

from __future__ import annotations

import click


@click.command()
@click.argument("number")
@click.argument("title")
@click.option(
    "--module", default="", help="Folder such as 02_joins_windows_udfs; needed for the first notebook of a module."
)
def command(number: str, title: str, module: str) -> None:
    """Write the source of a new notebook: small, complete, and to be rewritten.

    NUMBER is such as 2.1, TITLE such as "Joins, sets, duplicates".
    """
    from autograder.authoring.formatting import FormatterMissing
    from autograder.authoring.new import NotCreated, new

    try:
        path = new(number, title, module)
    except (FormatterMissing, NotCreated) as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"Wrote {path}. Next: course build {number}, then course verify {number}.")
