"""`course mutants`: small mistakes are put into every reference solution, and the grader must find them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from autograder.authoring.mutants.judging import ExerciseReport
    from autograder.authoring.source import Source


@click.command()
@click.argument("numbers", nargs=-1)
@click.option("--all", "every_case", is_flag=True, help="Judge what the sample stops on hidden data, too.")
@click.option("--sample", type=click.IntRange(1), help="Only so many mutants of each exercise, always the same ones.")
@click.option("--deadline", type=click.FloatRange(1), help="Seconds for each case of a mutant.")
@click.option("--list", "only_list", is_flag=True, help="Name the mutants and judge none.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every result here, anew after each exercise.",
)
def command(
    numbers: tuple[str, ...],
    every_case: bool,
    sample: int | None,
    deadline: float | None,
    only_list: bool,
    json_file: Path | None,
) -> None:
    """Grade the graders: every mutant of a reference solution must fail, on the sample or on hidden data.

    NUMBERS are notebooks such as 1.1 or exercises such as 1.1.3; without any, all are taken. Exits with 1 when a mutant
    survived that is not declared equivalent, or when a declaration is not true.
    """
    import rich.console

    from autograder.authoring.mutants import judging, making, table
    from autograder.authoring.source import SourceError
    from autograder.grading.results import write_atomically

    console = rich.console.Console()
    try:
        chosen = list(_chosen(numbers))
        if only_list:
            for item, exercise in chosen:
                for mutant in making.sampled(making.of_exercise(item, exercise), sample):
                    click.echo(f"{exercise}  {mutant.name}")
            return
        seconds = deadline or judging.DEADLINE
        reports = []
        for report in _judged(chosen, every_case, sample, seconds, console):
            reports.append(report)
            if json_file:  # whoever reads meanwhile, or kills the run, finds a whole file
                write_atomically(json_file, json.dumps(table.to_json(reports), indent=1, ensure_ascii=False) + "\n")
    except SourceError as problem:
        raise click.ClickException(str(problem)) from problem
    console.print(table.table(reports))
    for line in table.lines(reports, complete=sample is None):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    failures = sum(report.fates[judging.Fate.SURVIVED] + len(report.problems) for report in reports)
    if failures:
        raise click.ClickException(
            f"{failures} mutants or declarations need a better hidden variant, or a better reason."
        )


def _judged(
    chosen: list[tuple[Source, str]], every_case: bool, sample: int | None, deadline: float, console: Console
) -> Iterator[ExerciseReport]:
    """The reports one by one, with a bar that shows how far the work is."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from autograder.authoring.mutants import judging

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=sum(judging.size(item, exercise, sample) for item, exercise in chosen))
        for item, exercise in chosen:
            yield judging.report(
                item,
                exercise,
                every_case=every_case,
                deadline=deadline,
                sample=sample,
                progress=lambda text: bar.update(task, description=text, advance=1),
            )


def _chosen(numbers: tuple[str, ...]) -> Iterator[tuple[Source, str]]:
    """The exercises that numbers name. Raises ClickException for a number that names none."""
    from autograder.authoring import source

    unknown = set(numbers)
    for item in source.read_all():
        for exercise in dict.fromkeys(item.exercises):
            if not numbers or {item.number, exercise} & set(numbers):
                unknown -= {item.number, exercise}
                yield item, exercise
    if unknown:
        raise click.ClickException(f"There is no notebook or exercise {', '.join(sorted(unknown))} in solutions/.")
