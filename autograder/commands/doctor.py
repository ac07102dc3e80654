"""`course doctor`: what would stop the course on this machine, and how to mend it."""

from __future__ import annotations

import click


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table.")
@click.option("--port", default=8888, show_default=True, help="The port that JupyterLab is to use.")
@click.option("--quick", is_flag=True, help="Start no Spark session (saves about 15 seconds).")
def command(as_json: bool, port: int, quick: bool) -> None:
    """Check Python, Java, jars, memory and the rest; exit code 1 if something keeps you from working."""
    import json

    from rich.console import Console
    from rich.table import Table

    from autograder.setup.doctor import CheckResult, Outcome, iterate_checks

    console = Console()
    results: list[CheckResult] = []
    with Console(stderr=True).status("Looking …") as status:
        for result in iterate_checks(port=port, spark=not quick):
            results.append(result)
            status.update(f"{result.name} … {result.outcome}")
    if as_json:
        click.echo(json.dumps([result.to_json() for result in results], indent=2))
    else:
        table = Table("", "Check", "What was found, and what to do", box=None, pad_edge=False)
        marks = {Outcome.OK: "[green]OK[/]", Outcome.NOTE: "[yellow]note[/]", Outcome.PROBLEM: "[bold red]PROBLEM[/]"}
        for result in results:
            text = result.message if result.outcome is Outcome.OK else f"{result.message} {result.remedy}"
            table.add_row(marks[result.outcome], result.name, text)
        console.print(table)
    if any(result.blocks for result in results):
        raise SystemExit(1)
