"""`course hint`: the staged hints of an exercise, one more at each call."""

from __future__ import annotations

import click


@click.command()
@click.argument("exercise")
@click.option("--all", "show_all", is_flag=True, help="Show the earlier hints again, then the next one.")
def command(exercise: str, show_all: bool) -> None:
    """Show the next hint for EXERCISE, such as 1.1.3."""
    from autograder import manifest
    from autograder.learner import terminal
    from autograder.runtime import progress

    try:
        hints = manifest.exercise(exercise).hints
    except manifest.UnknownExercise as problem:
        raise click.ClickException(str(problem)) from problem
    screen = terminal.console()
    if not hints:
        screen.print(f"There is no hint for {exercise}.")
        return
    seen_all = int(progress.read().get(exercise, {}).get("hints_shown", 0)) >= len(hints)
    number = progress.next_hint(exercise, len(hints))
    for stage in range(0 if show_all else number, number + 1):
        screen.print(terminal.hint(exercise, stage, hints))
    if seen_all:
        screen.print(f"There are no more hints for {exercise}.", style="dim")
    elif number + 1 == len(hints):
        screen.print("That was the last one.", style="dim")
