"""`course verify`: lint the course, or show which data catches which wrong answer."""

from __future__ import annotations

import click


@click.command()
@click.argument("numbers", nargs=-1)
@click.option(
    "--answers", is_flag=True, help="Judge every wrong answer and show what caught it (needs Spark, takes minutes)."
)
def command(numbers: tuple[str, ...], answers: bool) -> None:
    """Check that the course itself is in order.

    Prints one line for each finding and exits with 1 when there are any. NUMBERS such as 1.1 limit the work to these
    notebooks; rules about the course as a whole are then left out.
    """
    if answers:
        _show_answers(numbers)
        return
    from autograder.authoring.formatting import FormatterMissing
    from autograder.authoring.verify import verify

    try:
        findings = verify(numbers=numbers)
    except FormatterMissing as problem:
        raise click.ClickException(str(problem)) from problem
    for finding in findings:
        click.echo(str(finding))
    if findings:
        raise click.ClickException(f"{len(findings)} findings.")
    click.echo("The course is in order.")


def _show_answers(numbers: tuple[str, ...]) -> None:
    from rich.console import Console

    from autograder.authoring import answers_table, source
    from autograder.authoring.source import SourceError

    console = Console()
    accepted = 0
    try:
        for item in source.read_all():
            if not numbers or item.number in numbers:
                table, wrongly_passed = answers_table.table(item)
                console.print(table)
                accepted += wrongly_passed
    except SourceError as problem:
        raise click.ClickException(str(problem)) from problem
    if accepted:
        raise click.ClickException(f"{accepted} wrong answers passed, or failed for another reason than they say.")
