"""`course check`: the verdicts on a notebook, or on one exercise, without opening it."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
@click.option("--deadline", default=120.0, show_default=True, metavar="SECONDS", help="How long a single cell may run.")
def command(number: str, as_json: bool, deadline: float) -> None:
    """Run a notebook in a kernel of its own and print every verdict.

    NUMBER is a notebook (1.1) or one exercise (1.1.3); for an exercise only the cells up to its check run. Your file
    is not written to. The exit code is 0 when all automatically graded exercises passed, else 1.
    """
    from autograder.learner import checking, notebook, terminal
    from autograder.manifest import UnknownExercise

    screen = terminal.console()
    try:
        spec, exercise = notebook.find(number)
        if exercise and exercise.kind == "written":
            raise click.ClickException(f"{exercise.id} is a written answer: it is marked by hand.")
        chosen = None if exercise is None else (exercise,)
        checker = checking.Checker(spec, deadline)
        try:
            if as_json:
                found = checker.check(chosen)
            else:
                found = terminal.checking(screen, checker, spec, chosen)
        finally:
            checker.close()
    except (UnknownExercise, notebook.NotebookProblem) as problem:
        raise click.ClickException(str(problem)) from problem
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    else:
        screen.print(*terminal.report(found, exercise), sep="\n")
    raise SystemExit(0 if found.all_passed else 1)
