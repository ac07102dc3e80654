"""`course progress`: what is done and what comes next."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def command(as_json: bool) -> None:
    """Show what you have passed, per module and notebook, and name the next exercise."""
    from autograder import manifest
    from autograder.learner import summary, terminal

    if not manifest.notebooks():
        raise click.ClickException(
            "There are no exercises: autograder/manifest.json is missing or empty. Get the course's files anew."
        )
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1, ensure_ascii=False))
        return
    screen = terminal.console()
    screen.print(terminal.progress_table())
    screen.print("\n█ passed  ▒ tried  ░ to do. Written answers are marked by hand and not counted.", style="dim")
    screen.print(terminal.next_line(summary.next_exercise()))
