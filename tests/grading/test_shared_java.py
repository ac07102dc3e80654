"""One JVM serves all notebooks of a learner, and starts from an archive of classes: neither changes a mark."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder import manifest, paths
from autograder.grading import engine, sandbox
from autograder.grading.engine import Submission
from autograder.grading.limits import Limits
from autograder.grading.rebuild import rebuild
from autograder.grading.samples import fill, grade_id, make_sample
from autograder.grading.task import NotebookTask, write_task
from autograder.models import NotebookSpec, Status
from autograder.setup import bytecode, java_start
from autograder.setup.java_start import JavaStart

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(900)]

ASSIGNMENT = "01_dataframes"
FIRST, SECOND = (manifest.notebook(number) for number in ("1.1", "1.2"))

LITTERING = """
spark.conf.set("spark.sql.shuffle.partitions", "7")
spark.conf.set("spark.sql.ansi.enabled", "false")
spark.sparkContext.setLogLevel("INFO")
spark.range(3).createOrReplaceTempView("left_view")
spark.range(3).createGlobalTempView("left_global_view")
spark.range(3).write.saveAsTable("left_table")
spark.sql("CREATE DATABASE left_database")
spark.range(3).cache().count()
spark.udf.register("left_function", lambda: 1, "int")
spark.range(3).write.format("delta").save("/tmp/course/work/delta_table")
spark.range(3).write.parquet("/tmp/course/work/left_files")
spark.stop()
spark = SparkSession.builder.appName("again").config("spark.sql.shuffle.partitions", "9").getOrCreate()
spark.range(3).createOrReplaceTempView("left_view_again")
"""

AFTER_LITTERING = """
right = {name}

def {name}(customers):
    assert spark.catalog.tableExists("left_view_again"), "the littering cell was cut short"
    return right(customers)
"""

LOOKING = """
import os
left = []

def look(name, action):
    try:
        if action():
            left.append(name)
    except Exception:
        pass

look("partitions", lambda: spark.conf.get("spark.sql.shuffle.partitions") != "2")
look("ANSI", lambda: spark.conf.get("spark.sql.ansi.enabled") != "true")
look("views and tables", lambda: [entry for entry in spark.catalog.listTables() if "left" in entry.name])
look("global views", lambda: [entry for entry in spark.catalog.listTables("global_temp") if "left" in entry.name])
look("databases", lambda: [entry for entry in spark.catalog.listDatabases() if "left" in entry.name])
look("functions", lambda: spark.catalog.functionExists("left_function"))
look("cached data", lambda: "InMemory" in spark.range(3)._jdf.queryExecution().withCachedData().toString())
look("files", lambda: [name for name in os.listdir(".") if name in ("delta_table", "left_files")])
look("tables on disk", lambda: [name for name in os.listdir("/tmp/course/warehouse") if "left" in name])
look("name", lambda: spark.sparkContext.appName == "again")
spark.range(5).write.format("delta").save("/tmp/course/work/delta_table")
look("history of a table", lambda: spark.read.format("delta").load("/tmp/course/work/delta_table").count() != 5)
look("control: what this notebook itself made", lambda: os.listdir("delta_table"))
"""


def hand_in(folder: Path, notebooks: Mapping[str, NotebookNode]) -> Submission:
    """Write notebooks, by name, as one learner's submission."""
    folder.mkdir()
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return Submission("ada", ASSIGNMENT, folder)


def graded_with(java: JavaStart | None, folder: Path, spec: NotebookSpec) -> dict[str, Any]:
    """The verdicts on the half-right sample of one notebook, without seconds."""
    folder.mkdir()
    path = folder / f"{spec.name}.ipynb"
    nbformat.write(make_sample(spec, "half"), path)
    task, answers = folder / "task", folder / "answers"
    answers.mkdir()
    rebuilt = rebuild(path, paths.MODULES / ASSIGNMENT / path.name)
    write_task(
        task,
        [NotebookTask(spec, rebuilt)],
        scratch=sandbox.INSIDE_SCRATCH,
        seen_as=sandbox.INSIDE_TASK,
        java=java,
    )
    ended = sandbox.run(task, answers, Limits())
    assert ended.reason == "finished", ended
    verdicts = engine.verify(answers, ended.reason, [spec])
    return {exercise: {**verdict, "seconds": 0} for exercise, verdict in verdicts.items()}


def test_notebooks_share_a_virtual_machine_and_leave_one_another_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    littering = make_sample(FIRST, "empty")
    littering.cells.insert(3, nbformat.v4.new_code_cell(LITTERING))
    first = FIRST.exercises[0]
    answers = {grade_id(cell): cell.source for cell in make_sample(FIRST, "perfect").cells}
    fill(littering, {first.answer_cell: answers[first.answer_cell] + AFTER_LITTERING.format(name=first.function)})
    looking = make_sample(SECOND, "perfect")
    looking.cells.insert(3, nbformat.v4.new_code_cell(LOOKING))
    told = SECOND.exercises[0]
    raising = (
        f"def {told.function}({', '.join(told.parameters)}):\n    raise RuntimeError('left: ' + ', '.join(left))\n"
    )
    fill(looking, {told.answer_cell: raising})
    submission = hand_in(tmp_path / "submitted", {FIRST.name: littering, SECOND.name: looking})
    reports: list[dict[str, Any]] = []
    read = engine.read_report

    def keep(path: Path, longest: float) -> Any:
        reports.append(json.loads(path.read_text()))
        return read(path, longest)

    monkeypatch.setattr(engine, "read_report", keep)
    result = engine.grade(submission, engine.GradingOptions())
    exercises = {exercise.id: exercise for exercise in result.exercises}
    assert exercises[first.id].status == Status.PASSED, "a session that the notebook itself replaced works"
    assert "left: control: what this notebook itself made" in exercises[told.id].message
    others = [spec.id for spec in SECOND.exercises if spec.kind != "written" and spec.id != told.id]
    assert {exercises[exercise].status for exercise in others} == {Status.PASSED}
    assert reports[0]["virtual_machines"] == 1


def test_marks_are_the_same_with_an_archive_without_and_with_a_damaged_one(tmp_path: Path) -> None:
    whole = java_start.make()
    bytecode.make()
    damaged = paths.STATE / java_start.FOLDER / "damaged-for-a-test"
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(whole.folder, damaged)
    try:
        archive = damaged / java_start.ARCHIVE
        with archive.open("r+b") as file:
            file.truncate(archive.stat().st_size // 3)
        starts = {"whole": whole, "damaged": JavaStart(damaged), "none": None}
        found = {name: graded_with(start, tmp_path / name, FIRST) for name, start in starts.items()}
    finally:
        shutil.rmtree(damaged)
    statuses = {verdict["status"] for verdict in found["whole"].values()}
    assert statuses == {"passed", "not_attempted"}
    assert found["whole"] == found["damaged"] == found["none"]


def test_the_archive_fits_the_command_that_it_is_for(tmp_path: Path) -> None:
    start = java_start.make()
    program, *options = start.command(tmp_path)[: -len(java_start.configured(tmp_path))]
    strict = [program, "-Xshare:on", *options, "-version"]  # ends with an error where the archive cannot be used
    assert subprocess.run(strict, capture_output=True).returncode == 0
    other = [option.replace("slf4j", "other") for option in strict]
    assert subprocess.run(other, capture_output=True).returncode != 0


def test_a_second_start_makes_nothing_anew() -> None:
    start = java_start.make()
    before = (start.folder / java_start.ARCHIVE).stat()
    assert (java_start.make().folder / java_start.ARCHIVE).stat() == before
