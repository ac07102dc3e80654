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
@click.option(
    "--grading", is_flag=True, help="Also prepare what makes `course grade` quicker: Java's classes, Python's bytecode."
)
def command(services: tuple[str, ...], grading: bool) -> None:
    """Fetch the jars, write Spark's configuration, check the sample data. A second run changes nothing."""
    from autograder.setup.errors import SetupError
    from autograder.setup.install import install

    try:
        report = install(services=services)
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    for line in report.lines():
        click.echo(line)
    if grading:
        _prepare_grading()


def _prepare_grading() -> None:
    """Slow once, quick afterwards. A failure is told and is no error: grading works without, only slower."""
    from subprocess import SubprocessError

    from autograder.setup import bytecode, java_start

    if java_start.prepared() is None:
        click.echo(
            "Preparing Java's classes and Python's bytecode for the sandbox (about a minute, once for a machine) ..."
        )
    for make in (java_start.make, bytecode.make):
        try:
            make()
        except (java_start.NoJavaStart, OSError, SubprocessError) as error:
            click.echo(f"Left out, so grading takes longer: {error}")
