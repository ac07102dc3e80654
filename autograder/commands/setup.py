"""`course setup`: everything that a notebook needs and that pip does not bring."""

from __future__ import annotations

import click

SERVICES = ("kafka",)


@click.command("setup")
@click.option(
    "--services",
    multiple=True,
    type=click.Choice(SERVICES),
    help="Also fetch what this server needs (Kafka: 43 MB); can be given several times.",
)
def command(services: tuple[str, ...]) -> None:
    """Fetch the jars, write Spark's configuration, check the sample data. A second run changes nothing."""
    from autograder.setup.errors import SetupError
    from autograder.setup.install import install

    try:
        report = install(services=services)
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    for line in report.lines():
        click.echo(line)
