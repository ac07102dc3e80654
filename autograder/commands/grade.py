"""`course grade`: grade a folder of submissions in sandboxes."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("submitted", type=click.Path(file_okay=False, path_type=Path), metavar="SUBMITTED_DIR")
@click.option(
    "--out", "results", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Sandboxes at a time.")
@click.option("--assignment", default="", help="Grade only this assignment (a folder of modules/).")
@click.option("--learner", default="", help="Grade only this learner.")
@click.option(
    "--timeout", type=click.FloatRange(10), default=600, show_default=True, help="Seconds for one submission."
)
@click.option(
    "--memory", type=click.FloatRange(1), default=3, show_default=True, help="Memory for one submission, in GB."
)
@click.option("--no-sandbox", is_flag=True, help="Run learners' code with your own rights. Every result says so.")
@click.option(
    "--regrade", is_flag=True, help="Grade again what has a result; earlier results are kept under previous/."
)
@click.option("--samples", is_flag=True, help="First write sample submissions into SUBMITTED_DIR (made when missing).")
def command(
    submitted: Path,
    results: Path,
    workers: int,
    assignment: str,
    learner: str,
    timeout: float,
    memory: float,
    no_sandbox: bool,
    regrade: bool,
    samples: bool,
) -> None:
    """Grade every SUBMITTED_DIR/<learner>/<assignment>/<notebook>.ipynb.

    Writes RESULTS/<learner>/<assignment>.json and RESULTS/grades.csv. What already has a result for the same notebooks
    and the same course is not graded again. The exit code is 0 when every submission has a result, whatever its marks.
    """
    from rich.console import Console

    from autograder.grading import batch
    from autograder.grading.engine import GradingOptions
    from autograder.grading.limits import Limits
    from autograder.grading.sandbox import SandboxUnavailable

    console = Console(stderr=True)
    if samples:
        from autograder.grading.samples import write_samples

        write_samples(submitted)
    if not submitted.is_dir():
        raise click.ClickException(f"There is no folder {submitted}.")
    submissions = batch.find_submissions(submitted, assignment=assignment, learner=learner)
    if not submissions:
        raise click.ClickException(f"There is no submission <learner>/<assignment>/ in {submitted} that fits.")
    options = GradingOptions(limits=Limits(memory=int(memory * 1e9), seconds=timeout), sandboxed=not no_sandbox)
    if no_sandbox:
        console.print("[yellow]Without a sandbox, learners' code runs with your own rights.[/yellow]")
    try:
        with _Progress(console, len(submissions)) as progress:
            lines = batch.grade_all(
                submissions, results, options, workers=workers, regrade=regrade, progress=progress.show
            )
    except SandboxUnavailable as problem:
        raise click.ClickException(str(problem)) from problem
    except KeyboardInterrupt:
        _end_children()
        raise click.ClickException(
            "Stopped. Finished results are kept; run the same command again for the rest."
        ) from None
    kept = sum(line.kept for line in lines)
    console.print(
        f"{len(lines)} submissions: {len(lines) - kept} graded, {kept} kept. Marks: {results / 'grades.csv'}",
        highlight=False,
    )


class _Progress:
    """A progress bar with one line above it for every graded submission."""

    def __init__(self, console: object, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("Grading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bar = Progress(*columns, console=console)  # type: ignore[arg-type]
        self.task = self.bar.add_task("Grading", total=total)

    def __enter__(self) -> _Progress:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def show(self, line: object) -> None:
        """One more submission is done (a `batch.Graded`)."""
        from autograder.grading.batch import Graded

        assert isinstance(line, Graded)
        name = f"{line.submission.learner}/{line.submission.assignment}".encode("utf-8", "replace").decode()
        marks = f"{line.points:g} of {line.max_points:g}"
        self.bar.console.print(
            f"{name}: {line.status}, {marks}{' (kept)' if line.kept else ''}", markup=False, highlight=False
        )
        self.bar.advance(self.task)


def _end_children() -> None:
    """Kill the sandboxes and verifiers that this process started."""
    import os

    from autograder.grading.limits import kill_children

    kill_children(os.getpid())
