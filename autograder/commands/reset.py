"""`course reset`: a notebook, or one answer, back to how it was released."""

from __future__ import annotations

import click


@click.command()
@click.argument("number", required=False)
@click.option(
    "--exercise", "exercise_id", metavar="ID", help="Put back the answer cell of this exercise only, such as 1.1.3."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(number: str | None, exercise_id: str | None, yes: bool) -> None:
    """Put notebook NUMBER (1.1), or one exercise (1.1.3), back to its released state. A backup of your file is kept."""
    from autograder.learner import notebook, pristine, terminal
    from autograder.manifest import UnknownExercise

    wanted = exercise_id or number
    if wanted is None:
        raise click.UsageError(
            "Name a notebook, as in `course reset 1.1`, or an exercise, as in `course reset --exercise 1.1.3`."
        )
    try:
        spec, exercise = notebook.find(wanted)
        if number and notebook.find(number)[0] != spec:
            raise click.UsageError(f"Exercise {exercise_id} is not in notebook {number}; it is in {spec.number}.")
        what = f"the answer cell of {exercise.id}" if exercise else notebook.shown_path(spec)
        if not yes:
            click.confirm(f"Put {what} back to its released state? A backup of your notebook is kept.", abort=True)
        done = pristine.reset_exercise(spec, exercise) if exercise else pristine.reset(spec)
    except (UnknownExercise, notebook.NotebookProblem) as problem:
        raise click.ClickException(str(problem)) from problem
    screen = terminal.console()
    screen.print(f"{what[0].upper()}{what[1:]} is as released again (from {done.origin}).")
    if done.backup:
        screen.print(f"Your version: {done.backup}", soft_wrap=True)
    screen.print("If the notebook is open in JupyterLab: File, Reload Notebook from Disk.", style="dim")
