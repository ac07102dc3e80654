"""What enters the sandbox: the cells to run and the inputs of every case. No expected answer, no description of a
hidden variant.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder import paths
from autograder.grading.layout import JAVA, SPARK_CONFIGURATION, TASK
from autograder.grading.rebuild import Rebuilt
from autograder.models import NotebookSpec
from autograder.runtime.cases import SAMPLE, Case, read_cases
from autograder.setup.java_start import JavaStart, grading_settings
from autograder.setup.spark_configuration import write_configuration


@dataclass(frozen=True)
class Deadlines:
    """Seconds. `cell` for each of the learner's cells; `answer` at most for each answer, whatever the exercise allows;
    `grace` is how long after that a cell may take to notice, before its process is killed.
    """

    cell: float = 120.0
    answer: float = 120.0
    grace: float = 20.0


@dataclass(frozen=True)
class NotebookTask:
    """One rebuilt notebook with the hidden cases of its exercises."""

    spec: NotebookSpec
    rebuilt: Rebuilt


def case_name(number: int) -> str:
    """The name of a case inside the sandbox: the sample is 0, hidden variants follow."""
    return SAMPLE if number == 0 else f"case-{number}"


def all_cases(notebook: NotebookSpec, exercise: str) -> list[Case]:
    """The sample and then the hidden variants of an exercise, in the order in which they are judged."""
    index = paths.hidden_folder(notebook.assignment, notebook.name) / "index.json"
    return [Case(), *read_cases(index, exercise)]


def write_task(
    folder: Path,
    notebooks: Sequence[NotebookTask],
    *,
    scratch: Path,
    seen_as: Path | None = None,
    deadlines: Deadlines | None = None,
    java: JavaStart | None = None,
) -> None:
    """Write a task into an empty folder, readable for everybody because the sandbox runs as nobody.

    Parameters
    ----------
    scratch, seen_as: where Spark may write and where the task is, as the runner will see them; the task is in `folder`
        unless said.
    java: how to start the JVM; without it Spark's launcher finds out, which takes seconds.
    """
    deadlines = deadlines or Deadlines()
    (folder / "inputs").mkdir(parents=True)
    document = {
        "deadlines": asdict(deadlines),
        "notebooks": [_notebook(task, folder / "inputs", deadlines) for task in notebooks],
    }
    (folder / TASK).write_text(json.dumps(document), encoding="utf-8")
    write_configuration(folder / SPARK_CONFIGURATION, grading_settings(scratch))
    if java is not None:
        command = java.command((seen_as or folder) / SPARK_CONFIGURATION)
        (folder / JAVA).write_text(json.dumps(command), encoding="utf-8")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def _notebook(task: NotebookTask, inputs: Path, deadlines: Deadlines) -> dict[str, Any]:
    specs = {spec.check_cell: spec for spec in task.spec.exercises if spec.kind != "written"}
    answer_cells = {spec.answer_cell: spec.id for spec in specs.values()}
    cells: list[dict[str, Any]] = []
    for cell in task.rebuilt.cells:
        if not cell.is_check:
            answers = answer_cells.get(cell.grade_id, "") if cell.edited else ""
            example = cell.origin == "release" and not cell.grade_id and cell.cell_id in task.spec.examples
            cells.append({"source": cell.source, "answers": answers, "example": example})
        elif cell.grade_id in specs:
            spec = specs[cell.grade_id]
            cases = [
                _case(case_name(number), case, inputs) for number, case in enumerate(all_cases(task.spec, spec.id))
            ]
            deadline = min(spec.deadline, deadlines.answer)
            check = {**asdict(spec), "hints": [], "title": "", "points": 0, "deadline": deadline}
            cells.append({"check": check, "cases": cases})
    return {"name": task.spec.name, "cells": cells}


def _case(name: str, case: Case, inputs: Path) -> dict[str, Any]:
    files: Mapping[str, str] = {parameter: _copy(path, inputs) for parameter, path in case.files.items()}
    return {"name": name, "files": files, "arguments": dict(case.arguments)}


def _copy(path: Path, inputs: Path) -> str:
    """Input files are named by their content, so equal names are equal files."""
    target = inputs / path.name
    if not target.exists():
        shutil.copyfile(path, target)
    return f"inputs/{path.name}"
