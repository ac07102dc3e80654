"""`course build`: generate everything from the sources, or check that it is current."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("numbers", nargs=-1)
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit with 1 when a generated file is not current."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=2, show_default=True, help="Notebooks that run at a time, 1 GB each."
)
@click.option(
    "--recorded",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --check: run nothing, and compare with what notebooks recorded in this folder, the COURSE_RECORD of their kernels.",
)
def command(numbers: tuple[str, ...], only_check: bool, jobs: int, recorded: Path | None) -> None:
    """Execute the solution twins and generate notebooks, references, hidden variants and the manifest.

    NUMBERS such as 1.1 limit the work to these notebooks; without any, the whole course is built, and the samples and the
    dictionary of `datasets` before it.

    With --check --recorded nothing runs: whoever has run the notebooks (CI does, by nbval) answers for their outputs, and the tests, which
    make the samples and the dictionary anew, for these. Everything else is compared.
    """
    from autograder.authoring import build as building
    from autograder.authoring.execute import TwinFailed
    from autograder.authoring.source import SourceError
    from autograder.paths import SAMPLES
    from datasets.__main__ import main as samples
    from datasets.catalog import SAMPLES as OURS

    if recorded is not None and not only_check:
        raise click.UsageError("--recorded only serves to compare: give --check too.")
    # A course of another root (COURSE_ROOT) uses the samples of this one.
    if (
        not numbers
        and recorded is None
        and SAMPLES == OURS
        and samples(["build", "--check"] if only_check else ["build"])
    ):
        raise click.ClickException("The samples in datasets/ are not current; see above.")
    try:
        files = building.build(numbers, jobs=jobs, recorded=recorded, progress=click.echo)
    except (SourceError, TwinFailed) as problem:
        raise click.ClickException(str(problem)) from problem
    lines = building.drift(files, numbers=numbers) if only_check else building.write(files, numbers=numbers)
    for line in lines:
        click.echo(line)
    if only_check and lines:
        raise click.ClickException("Generated files are not current. Run `course build` and commit what it writes.")
    click.echo("Everything is current." if not lines else f"{len(lines)} files brought up to date.")
