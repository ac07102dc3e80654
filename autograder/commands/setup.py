"""`course setup`: everything that a notebook needs and that pip does not bring."""

from __future__ import annotations

import click


@click.command("setup")
def command() -> None:
    """Fetch the jars, write Spark's configuration, check the sample data. A second run changes nothing."""
    from autograder.setup.errors import SetupError
    from autograder.setup.install import install

    try:
        report = install()
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    for line in report.lines():
        click.echo(line)
