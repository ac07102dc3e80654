"""`course watch`: checks the current exercise whenever its notebook is saved."""

from __future__ import annotations

import click


@click.command()
@click.argument("number", required=False)
@click.option("--deadline", default=120.0, show_default=True, metavar="SECONDS", help="How long a single cell may run.")
def command(number: str | None, deadline: float) -> None:
    """Watch a notebook (1.1), or start at an exercise (1.1.3), and check it at every save.

    Without NUMBER it starts at what `course progress` names as next and goes on through the course. Keys: n next,
    h hint, l list, c check all, r reset, k restart the kernel, q quit.
    """
    from autograder.learner import notebook, terminal, watching
    from autograder.manifest import UnknownExercise

    try:
        places, start = watching.places(number)
    except (UnknownExercise, notebook.NotebookProblem) as problem:
        raise click.ClickException(str(problem)) from problem
    watching.Watch(places, start, terminal.console(), deadline).run()
