"""`course grade`: grade a folder of submissions in sandboxes."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from rich.console import Console

    from autograder.grading.batch import Graded
    from autograder.grading.schedulers import Scheduler

_SHOWN = 50


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
    "--regrade",
    multiple=True,
    metavar="ID",
    help="Grade this again and nothing else: an exercise (1.1.3), a notebook (1.1), an assignment, or all. May be given "
    "several times. What was there is kept under previous/.",
)
@click.option(
    "--scheduler", "address", default="", metavar="ADDRESS", help="Grade on a Dask cluster, such as tcp://host:8786."
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
    regrade: tuple[str, ...],
    address: str,
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
    from autograder.grading.printable import one_line
    from autograder.grading.results import ResultsInUse, ResultsUnwritable
    from autograder.grading.sandbox import SandboxUnavailable
    from autograder.grading.schedulers import SchedulerUnavailable
    from autograder.manifest import UnknownExercise

    console = Console(stderr=True, soft_wrap=True)
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
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _Progress(console, len(submissions)) as progress:
            lines = batch.grade_all(
                submissions,
                results,
                options,
                regrade=batch.exercises_named(regrade),
                scheduler=_scheduler(address, workers, options.limits.memory, console),
                progress=progress.show,
            )
    except (SandboxUnavailable, SchedulerUnavailable, ResultsInUse, ResultsUnwritable, UnknownExercise) as problem:
        raise click.ClickException(one_line(str(problem))) from problem
    except KeyboardInterrupt:
        raise click.ClickException(
            "Stopped. Finished results are kept; run the same command again for the rest."
        ) from None
    _summary(console, lines, results)


def _interrupt(*details: Any) -> NoReturn:
    """What a batch system sends before it kills is treated like Ctrl-C."""
    raise KeyboardInterrupt


def _scheduler(address: str, workers: int, memory: int, console: Console) -> Scheduler:
    from autograder.grading.batch import affordable_workers
    from autograder.grading.schedulers import DaskCluster, LocalThreads
    from autograder.setup.memory import available_memory

    if address:
        return DaskCluster(address)
    number, sentence = affordable_workers(workers, memory, available_memory())
    if sentence:
        console.print(sentence, style="yellow", markup=False, highlight=False)
    return LocalThreads(number)


def _summary(console: Console, lines: Sequence[Graded], results: Path) -> None:
    """What an instructor should know at the end. Exits with 1 when a submission has no result."""

    from autograder.grading.printable import one_line

    def say(*sentences: str) -> None:
        for sentence in sentences:
            console.print(one_line(sentence), markup=False, highlight=False)

    def about(title: str, found: Sequence[str]) -> None:
        if found:
            say(title, *(f"  {line}" for line in found[:_SHOWN]))
            if len(found) > _SHOWN:
                say(f"  and {len(found) - _SHOWN} more.")

    about("Other marks than before:", [_before_and_after(line) for line in lines if line.changes])
    again = [line for line in lines if line.points_before is not None]
    if again:
        same = sum(not line.changes for line in again)
        say(f"Graded again: {len(again)}. Marks changed: {len(again) - same}, unchanged: {same}.")
    early = [f"{_name(line)}: {', '.join(line.ended_early)}" for line in lines if line.ended_early]
    about(
        "A process ended before its time in two runs of these. If it was killed from outside, or the machine was out of "
        "memory, grade them again with --regrade ID --learner NAME:",
        early,
    )
    aside = [f"{_name(line)}: now {line.set_aside}" for line in lines if line.set_aside]
    about("Files in the place of a result that were damaged or not written by this grader were set aside:", aside)
    about("Faults of the course or of this machine, graded again next time:", _faulty(lines))
    outdated = sum(bool(line.outdated) for line in lines)
    if outdated:
        say(
            f"{outdated} results have exercises that the course has changed since; run without --regrade to update them."
        )
    missing = [f"{_name(line)}: {line.problem}" for line in lines if line.problem]
    kept = sum(line.kept for line in lines)
    graded = len(lines) - kept - len(missing)
    say(f"{len(lines)} submissions: {graded} graded, {kept} kept. Marks: {results / 'grades.csv'}")
    if missing:
        about("Without a result; run the same command again:", missing)
        raise SystemExit(1)


def _faulty(lines: Sequence[Graded]) -> list[str]:
    return [_name(line) for line in lines if line.status == "grader_error"]


def _before_and_after(line: Graded) -> str:
    details = "; ".join(f"{change.exercise}: {change.before} → {change.after}" for change in line.changes)
    return f"{_name(line)}: {line.points_before or 0:g} → {line.points:g} of {line.max_points:g} ({details})"


def _name(line: Graded) -> str:
    return f"{line.submission.learner}/{line.submission.assignment}"


class _Progress:
    """A progress bar with one line above it for every submission."""

    def __init__(self, console: Console, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("Grading"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self.bar = Progress(*columns, console=console)
        self.task = self.bar.add_task("Grading", total=total, left="")
        self.start = time.monotonic()
        self.graded = 0

    def __enter__(self) -> _Progress:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def show(self, line: Graded) -> None:
        """One more submission is done."""
        from autograder.grading.printable import one_line

        marks = f"{line.status}, {line.points:g} of {line.max_points:g}" if not line.problem else line.problem
        left = ""
        if not line.kept and not line.problem:
            self.graded += 1
            left = time_left((time.monotonic() - self.start) / self.graded * line.left)
        shown = f"{_name(line)}: {marks}{' (kept)' if line.kept else ''}{f' ({left})' if left else ''}"
        self.bar.console.print(one_line(shown), markup=False, highlight=False)
        self.bar.update(self.task, advance=1, left=left)


def time_left(seconds: float) -> str:
    """An estimate for people; empty when nothing is left."""
    if seconds <= 0:
        return ""
    return f"about {seconds / 60:.0f} minutes left" if seconds >= 90 else f"about {max(1, seconds):.0f} seconds left"
