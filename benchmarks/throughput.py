"""How many submissions a minute are graded: stock nbgrader, this course with one worker, and with two.

    python benchmarks/throughput.py [--learners 10] [--assignment 01_dataframes] [--publish]

The learners differ: all right, half right, noisy, wrong in the ways that authors foresaw, untouched. Each of them hands in
all notebooks of the assignment. Stock is `nbgrader autograde` in a course of its own with nbgrader's default settings: it
executes each notebook with its check cells, which compare the sample data only, in one process. This course runs
each learner in a sandbox, on the sample and on every hidden variant, and verifies outside. Wall-clock time of each whole
command is measured, and the CPU time that the machine spent meanwhile.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
from publishing import publish, table

from autograder import paths
from autograder.authoring import source
from autograder.grading import batch
from autograder.grading.engine import GradingOptions, notebooks_of
from autograder.grading.results import all_results
from autograder.grading.samples import fill, make_sample
from autograder.models import NotebookSpec
from autograder.setup import java_start

MIX = ("perfect", "half", "noisy", "wrong", "perfect", "wrong", "half", "perfect", "empty", "noisy")

WARM_UP = "warm-up"


@dataclass(frozen=True)
class Run:
    """One way to grade them all. Seconds of wall-clock time, and of CPU time of the whole machine."""

    name: str
    seconds: float
    cpu_seconds: float


def hand_in(folder: Path, assignment: str, learners: int) -> None:
    """Write the submissions of that many learners in nbgrader's layout."""
    for number, kind in enumerate(itertools.islice(itertools.cycle(MIX), learners)):
        home = folder / f"{number:02}-{kind}" / assignment
        home.mkdir(parents=True)
        for spec in notebooks_of(assignment):
            nbformat.write(_handed_in(spec, kind, number), home / f"{spec.name}.ipynb")


def _handed_in(spec: NotebookSpec, kind: str, number: int) -> nbformat.NotebookNode:
    if kind != "wrong":
        return make_sample(spec, kind)
    notebook = make_sample(spec, "perfect")
    authored = source.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.py")
    answers = {}
    for exercise in spec.exercises:
        wrong = authored.of("wrong", exercise.id)
        if wrong:
            answers[exercise.answer_cell] = wrong[number % len(wrong)].source
    fill(notebook, answers)
    return notebook


def stock_course(root: Path, assignment: str, submitted: Path) -> Callable[[], None]:
    """Make a course as nbgrader's quick start does it. Returns what grades all submissions in it."""
    (root / "source" / assignment).mkdir(parents=True)
    for spec in notebooks_of(assignment):
        shutil.copy(paths.SOLUTIONS / assignment / f"{spec.name}.ipynb", root / "source" / assignment)
    shutil.copytree(submitted, root / "submitted")
    (root / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "stock"\n'
        # Its default expects mark schemes in "task" cells only; ours stand in answers that are marked by hand.
        "c.ClearMarkScheme.enforce_metadata = False\n",
        encoding="utf-8",
    )
    _nbgrader(root, "generate_assignment", assignment)
    # One notebook first, so that stock too has the bytecode of its packages when time is taken.
    first = notebooks_of(assignment)[0]
    warm = root / "submitted" / WARM_UP / assignment
    warm.mkdir(parents=True)
    nbformat.write(make_sample(first, "perfect"), warm / f"{first.name}.ipynb")
    _nbgrader(root, "autograde", assignment, "--student", WARM_UP)
    return lambda: _nbgrader(root, "autograde", assignment)


def _nbgrader(root: Path, command: str, assignment: str, *options: str) -> None:
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(root),
        "PYTHONPYCACHEPREFIX": str(root / "bytecode"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [programs / "nbgrader", command, assignment, *options],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"nbgrader {command} ended with {done.returncode}: {done.stderr[-2000:]}")


def stock_marks(root: Path) -> dict[str, float]:
    """The automatic marks by learner in the gradebook of the stock course."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        found: dict[str, float] = {}
        for student in gradebook.students:
            for submission in gradebook.student_submissions(student.id):
                grades = [grade.auto_score or 0.0 for notebook in submission.notebooks for grade in notebook.grades]
                found[student.id] = sum(grades)
        return found


def measure(name: str, work: Callable[[], object]) -> Run:
    """Run something to its end."""
    before, start = _cpu_seconds(), time.monotonic()
    work()
    run = Run(name, time.monotonic() - start, _cpu_seconds() - before)
    print(f"{run.name}: {run.seconds:.0f} s, {run.cpu_seconds:.0f} s of CPU time", flush=True)
    return run


def _cpu_seconds() -> float:
    """That the whole machine has worked since it started. Processes of a sandbox do not show up among our children."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.nice + spent.system)


def graded(submitted: Path, results: Path, workers: int) -> None:
    """Grade with this course."""
    batch.grade_all(batch.find_submissions(submitted), results, GradingOptions(), workers=workers)


def breakdown(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, float]]:
    """(stage, mean seconds of a submission in which something was written), longest first; notebooks of a submission added up."""
    sums: dict[str, float] = {}
    written = [result for result in results if "steps" in result["timing"]]  # the others need no sandbox
    for result in written:
        steps = result["timing"]["steps"]
        inside = result["timing"]["sandbox"]
        stages = [(stage, seconds) for stage, seconds in steps.items() if stage != "sandbox"]
        stages += [(stage, seconds) for notebook in inside.values() for stage, seconds in notebook.items()]
        told = sum(seconds for notebook in inside.values() for seconds in notebook.values())
        stages.append(("start and end of the sandbox", steps["sandbox"] - told))
        for stage, seconds in stages:
            sums[stage] = sums.get(stage, 0.0) + seconds
    return sorted(((stage, seconds / len(written)) for stage, seconds in sums.items()), key=lambda entry: -entry[1])


def rows(runs: Iterable[Run], learners: int) -> list[list[str]]:
    """The table of runs, the first of which is the one to compare with."""
    runs = list(runs)
    return [
        [
            run.name,
            f"{run.seconds / learners:.1f}",
            f"{60 * learners / run.seconds:.2f}",
            f"{runs[0].seconds / run.seconds:.1f}",
            f"{run.cpu_seconds / learners:.1f}",
        ]
        for run in runs
    ]


def main() -> int:
    """Measure and print; publish on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learners", type=int, default=10)
    parser.add_argument("--assignment", default="01_dataframes")
    parser.add_argument("--without-stock", action="store_true", help="only this course, while developing")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    java_start.make()
    with tempfile.TemporaryDirectory(prefix="throughput-") as temporary:
        root = Path(temporary)
        submitted = root / "submitted"
        hand_in(submitted, options.assignment, options.learners)
        runs = []
        for workers in (1, 2):
            name = f"`course grade --workers {workers}`"
            runs.append(measure(name, lambda workers=workers: graded(submitted, root / f"results-{workers}", workers)))
        if not options.without_stock:
            grade_stock = stock_course(root / "stock", options.assignment, submitted)
            runs.insert(0, measure("stock `nbgrader autograde`", grade_stock))
        results = list(all_results(root / "results-1"))
        marks = stock_marks(root / "stock") if not options.without_stock else {}
        for result in results:
            ours = f"{result['points']:g} of {result['max_points']:g}"
            print(result["learner"], result["status"], ours, f"stock {marks.get(result['learner'], 0):g}")
        where = breakdown(results)
    notebooks = len(notebooks_of(options.assignment))
    header = ["way to grade", "seconds a submission", "submissions a minute", "times stock", "CPU seconds a submission"]
    text = (
        f"{options.learners} learners, {notebooks} notebooks each:\n\n{table(header, rows(runs, options.learners))}\n\n"
    )
    text += f"Two workers grade {runs[-2].seconds / runs[-1].seconds:.2f} times as fast as one. "
    text += "Where the time of a submission goes with one worker, mean of all:\n\n"
    text += table(["stage", "seconds"], [[stage, f"{seconds:.2f}"] for stage, seconds in where])
    print(text)
    if options.publish:
        publish("throughput", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
