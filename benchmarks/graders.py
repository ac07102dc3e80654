"""The same notebooks under this course's grader, stock nbgrader and otter-grader: who gets points without the work, and who loses them?

python benchmarks/graders.py [--publish] [--state FOLDER]

Each notebook is 1.1 up to exercise 1.1.4. In nbgrader and otter its checks are written as their users write them: the answer is
compared with an expected DataFrame by `assertDataFrameEqual`, on the sample (visible) and on our hidden variants (hidden). nbgrader
runs `generate_assignment` and `autograde` with its own settings; otter `assign` and `run`, which is its way without containers, in an
environment of its own below the user's cache. `--state` keeps what is done, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from publishing import publish, table

from autograder import paths
from autograder.grading import batch
from autograder.grading.engine import GradingOptions
from autograder.grading.samples import grade_id, make_sample
from autograder.grading.task import Deadlines

sys.path.insert(0, str(paths.ROOT))
from tests.grading.attacks import Attack, breaking, poisoning, snooping, spoofing, stock
from tests.grading.attacks.honest import NOTEBOOKS as ODD
from tests.grading.attacks.packing import insert, replace, solutions
from tests.grading.attacks.stock import EXERCISES, NOTEBOOK, Mark, shortened, test_source, write_data

OTTER = "otter-grader==7.0.0"
FULL = sum(exercise.points for exercise in EXERCISES)
SECONDS = 240
"""After which the grading of one notebook is ended from outside, where a grader has no limit of its own."""
EVERYWHERE = (
    "display hook", "syntax tree transformer", "input transformer", "patched shell", "patched grader", "patched assertions",
    "patched pyspark", "equal to everything", "counterfeit DataFrame", "right once", "knows the sample", "expected answers of the caller",
    "gradebook", "poisoned Spark", "sleep that cannot be interrupted", "end of the process",
)  # fmt: skip
AGAINST_OTHERS = ("gradebook", "end of the process", "sleep that cannot be interrupted")
"""Where a grader has no sandbox, these change the marks of a whole batch, or end it. Each is graded by itself, so that rows stay apart."""


@dataclass(frozen=True)
class Row:
    """One notebook: answers by exercise and code cells before the first of them."""

    name: str
    does: str
    honest: bool
    answers: Mapping[str, str]
    cells: tuple[str, ...] = ()
    doubled: bool = False

    def fill(self, notebook: NotebookNode) -> NotebookNode:
        """Put answers and cells into a released notebook, whose answer cells are named as ours are."""
        for exercise in EXERCISES:
            if exercise.id in self.answers:
                replace(notebook, exercise, self.answers[exercise.id])
        insert(notebook, *self.cells)
        if self.doubled:
            notebook.cells.append(
                next(cell for cell in notebook.cells if grade_id(cell) == EXERCISES[0].check_cell).copy()
            )
        return notebook


def rows() -> list[Row]:
    """What is graded."""
    right = {exercise.id: solutions(NOTEBOOK)[exercise.id] for exercise in EXERCISES}
    found = [Row("perfect", "all answers right", True, right), Row("empty", "nothing answered", False, {})]
    attacks = {
        attack.name: attack
        for attack in (*spoofing.ALONE, *spoofing.QUIET, *snooping.QUIET, *poisoning.ALONE, *breaking.ENDING)
    }
    for name in EVERYWHERE:
        attack: Attack = attacks[name]
        answers = {exercise.id: attack.answer(exercise, right[exercise.id]) for exercise in EXERCISES}
        found.append(Row(name, attack.tries, False, answers, (attack.cell,)))
    found.append(Row("doubled test", "right answers, and one test cell twice", True, right, (), doubled=True))
    for odd in ODD:
        answers = {exercise.id: odd.answer(exercise, right[exercise.id]) for exercise in EXERCISES}
        found.append(Row(odd.name, odd.does, True, answers, odd.cells))
    return found


def under_this_course(waiting: list[Row], home: Path) -> dict[str, Mark]:
    """Points from `course grade`'s engine."""
    for row in waiting:
        path = home / "submitted" / row.name / NOTEBOOK.assignment / f"{NOTEBOOK.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(row.fill(make_sample(NOTEBOOK, "empty"))))
    # The deadlines that nbgrader gets, too.
    options = GradingOptions(deadlines=Deadlines(cell=60, answer=60))
    lines = batch.grade_all(batch.find_submissions(home / "submitted"), home / "results", options, workers=2)
    wanted = {exercise.id for exercise in EXERCISES}
    found = {}
    for line in lines:
        document = json.loads((home / "results" / line.submission.learner / f"{NOTEBOOK.assignment}.json").read_text())
        points = sum(entry["points"] for entry in document["exercises"] if entry["id"] in wanted)
        found[line.submission.learner] = Mark(points, "" if line.status == "incomplete" else line.status)
    return found


def under_nbgrader(waiting: list[Row], home: Path) -> dict[str, Mark]:
    """Points from stock nbgrader."""
    return stock.under_nbgrader({row.name: row.fill for row in waiting}, home)


def under_otter(waiting: list[Row], home: Path) -> dict[str, Mark]:
    """Points from otter's results, one `otter run` for each notebook."""
    program = otter_program()
    data = home / "data"
    write_data(data)
    (home / "master.ipynb").write_text(json.dumps(otter_master(data)))
    subprocess.run([program, "assign", "master.ipynb", "dist", "--no-pdfs"], cwd=home, check=True, capture_output=True)
    (autograder,) = (home / "dist" / "autograder").glob("*.zip")
    found = {}
    for row in waiting:
        released = nbformat.read(home / "dist" / "student" / "master.ipynb", as_version=4)
        for cell in released.cells:
            (question,) = cell.metadata.get("otter", {}).get("tests", [""])
            if question:  # so that `Row.fill` finds the cell
                cell.metadata["nbgrader"] = {"grade_id": question}
        folder = home / "runs" / row.name.replace(" ", "-")
        folder.mkdir(parents=True)
        path = folder / "master.ipynb"
        path.write_text(json.dumps(row.fill(released) if not row.doubled else doubled_for_otter(row, released)))
        found[row.name] = otter_mark(program, autograder, path)
        print("otter", row.name, found[row.name], flush=True)
    return found


def doubled_for_otter(row: Row, released: NotebookNode) -> NotebookNode:
    """Otter's released notebook has no test cells; its check cell is doubled instead."""
    filled = Row(row.name, row.does, row.honest, row.answers).fill(released)
    check = nbformat.v4.new_code_cell(f'grader.check("{EXERCISES[0].answer_cell}")')
    filled.cells += [check, copy.deepcopy(check)]
    return filled


def otter_program() -> Path:
    """`otter` in an environment of its own, which sees this course's packages behind its own."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pyspark-course"
    home = cache / OTTER.replace("==", "-")
    program = home / "bin" / "otter"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        # Otter alone would bring a newer pandas, with which `assertDataFrameEqual` does not work.
        shared = [f"{package}=={version(package)}" for package in ("numpy", "pandas", "pyarrow")]
        subprocess.run([str(home / "bin" / "pip"), "install", "--quiet", OTTER, *shared], check=True)
    (packages,) = home.glob("lib/python3*/site-packages")
    ours = next(Path(folder) for folder in sys.path if Path(folder, "pyspark").is_dir())
    (packages / "course.pth").write_text(f"{ours}\n{paths.ROOT}\n")
    return program


def otter_master(data: Path) -> NotebookNode:
    """The notebook in otter's format for authors."""
    raw = nbformat.v4.new_raw_cell
    twin = shortened(nbformat.read(paths.SOLUTIONS / NOTEBOOK.assignment / f"{NOTEBOOK.name}.ipynb", as_version=4))
    exercises = {exercise.answer_cell: exercise for exercise in EXERCISES}
    checks = {exercise.check_cell for exercise in EXERCISES}
    answers = solutions(NOTEBOOK)
    settings = "init_cell: true\nrun_tests: false\nexport_cell: false"
    cells = [raw(f"# ASSIGNMENT CONFIG\n{settings}\n")]
    for cell in twin.cells:
        if grade_id(cell) in exercises:
            exercise = exercises[grade_id(cell)]
            test = f'""" # BEGIN TEST CONFIG\nhidden: true\n""" # END TEST CONFIG\n{test_source(exercise, data, markers=False)}'
            cells += [
                raw(f"# BEGIN QUESTION\nname: {exercise.answer_cell}\npoints: {exercise.points:g}"),
                raw("# BEGIN SOLUTION"),
                # Between raw cells otter keeps a solution; only what is marked in the code itself is taken out.
                nbformat.v4.new_code_cell(f"# BEGIN SOLUTION NO PROMPT\n{answers[exercise.id]}\n# END SOLUTION"),
                raw("# END SOLUTION"),
                raw("# BEGIN TESTS"),
                nbformat.v4.new_code_cell(test),
                raw("# END TESTS"),
                raw("# END QUESTION"),
            ]
        elif grade_id(cell) not in checks:
            cells.append(cell)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def otter_mark(program: Path, autograder: Path, path: Path) -> Mark:
    """Grade one notebook."""
    environment = {**os.environ, "COURSE_ROOT": str(paths.ROOT), "COURSE_STATE": str(paths.STATE)}
    command = [program, "run", "-a", autograder, "-o", path.parent, path]
    try:
        done = subprocess.run(
            command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Mark(0.0, f"no end within {SECONDS} s, ended from outside")
    try:
        tests = json.loads((path.parent / "results.json").read_text())["tests"]
    except (OSError, ValueError, KeyError):
        return Mark(0.0, "no result: " + " ".join(done.stderr.strip().splitlines()[-1:])[:80])
    return Mark(sum(float(entry.get("score", 0)) for entry in tests))


GRADERS: dict[str, tuple[Callable[[list[Row], Path], dict[str, Mark]], int]] = {
    "this course": (under_this_course, 6),
    "nbgrader 0.9.6": (under_nbgrader, 10),
    "otter-grader 7.0.0": (under_otter, 1),
}
"""What grades, and how many notebooks in one batch."""


def cell_text(row: Row, mark: Mark) -> str:
    """A mark; bold when it is not deserved."""
    deserved = FULL if row.honest else 0.0
    text = f"{mark.points:g}" if mark.points == deserved else f"**{mark.points:g}**"
    return f"{text} ({mark.note})" if mark.note else text


def main() -> None:
    """Grade and print; publish on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publish", action="store_true", help="write the table into docs/benchmarks.md")
    parser.add_argument("--state", type=Path, help="folder that keeps the marks of finished graders")
    parser.add_argument("--grader", choices=GRADERS, help="only this one")
    parser.add_argument("--rows", default="", help="only notebooks whose name contains this")
    options = parser.parse_args()
    chosen = [row for row in rows() if options.rows in row.name]
    marks = {}
    for name in GRADERS:
        if options.grader in (None, name):
            marks[name] = marks_of(name, chosen, options.state)
    lines = [
        [row.name, row.does, "full" if row.honest else "0", *(cell_text(row, marks[name][row.name]) for name in marks)]
        for row in chosen
    ]
    text = f"Points of {FULL:g}:\n\n" + table(["notebook", "what it does", "deserves", *marks], lines)
    text += (
        "\n\n"
        + "; ".join(f"{name}: {wrong(chosen, marks[name])} of {len(chosen)} marks not deserved" for name in marks)
        + "."
    )
    print(text)
    if options.publish:
        publish("graders", text)


def marks_of(name: str, chosen: list[Row], state: Path | None) -> dict[str, Mark]:
    """The marks of one grader, in several batches, each kept in `state` when it is done."""
    run, size = GRADERS[name]
    kept = state / f"{name}.json" if state else None
    marks: dict[str, Mark] = {}
    if kept is not None and kept.exists():
        marks = {row: Mark(**mark) for row, mark in json.loads(kept.read_text()).items()}
    waiting = [row for row in chosen if row.name not in marks]
    for together in batches(waiting, size):
        with tempfile.TemporaryDirectory() as home:
            marks |= run(together, Path(home))
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps({row: vars(mark) for row, mark in marks.items()}))
    return marks


def batches(waiting: list[Row], size: int) -> list[list[Row]]:
    """What is graded together: up to `size` notebooks, but those that change others' marks only by themselves."""
    alone = [[row] for row in waiting if row.name in AGAINST_OTHERS]
    rest = [row for row in waiting if row.name not in AGAINST_OTHERS]
    return [rest[start : start + size] for start in range(0, len(rest), size)] + alone


def wrong(chosen: list[Row], marks: Mapping[str, Mark]) -> int:
    """How many notebooks got another mark than they deserve."""
    return sum(marks[row.name].points != (FULL if row.honest else 0.0) for row in chosen)


if __name__ == "__main__":
    main()
