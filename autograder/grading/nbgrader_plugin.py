"""nbgrader's autograde through our engine: learner code runs in the sandbox only, marks come from the verifier.

`nbgrader_config.py` puts three of these classes in the place of nbgrader's own. `RebuildingExporter` reads submissions
(instead of the sanitizing preprocessors), `GradeInSandbox` stands for Execute and `SaveMarks` for SaveAutoGrades.
`ShowMarkSchemes` is added to the formgrader's pages.
"""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import NotebookExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from traitlets import Bool, Float

from autograder import paths, render
from autograder.grading import engine, job
from autograder.grading.engine import GradingOptions, Submission
from autograder.grading.job import Job
from autograder.grading.limits import Limits
from autograder.grading.rebuild import UnusableNotebook, rebuilt_notebook
from autograder.grading.results import ExerciseResult, Result
from autograder.models import Cell, ExampleTable, Status, Verdict

MARKS = "pyspark-course"
"""Key of the cell metadata that carries a mark from `GradeInSandbox` to `SaveMarks`."""

_results: dict[tuple[str, str], Result] = {}


class RebuildingExporter(NotebookExporter):
    """Reads a submission defensively and writes the rebuilt notebook; no order or number of cells can stop it."""

    def __init__(self, parent: Any = None, **settings: Any) -> None:
        super().__init__(parent=parent, **settings)
        self._converter = parent
        if parent is not None:
            self._hook = parent.pre_convert_hook
            self._ignored = list(parent.coursedir.ignore)
            parent.pre_convert_hook = self._ignore_links

    def from_filename(self, filename: str, resources: Any = None, **settings: Any) -> tuple[Any, Any]:
        """The rebuilt notebook while nbgrader sanitizes; afterwards the file as it is."""
        if not self._converter._sanitizing:
            output, resources = super().from_filename(filename, resources=resources, **settings)
            return output, resources
        path = Path(filename)
        release = paths.MODULES / resources["nbgrader"]["assignment"] / path.name
        try:
            document, rebuilt = rebuilt_notebook(path, release)
            for finding in rebuilt.findings:
                self.log.warning("%s: %s", filename, finding)
        except UnusableNotebook as problem:
            self.log.warning("%s", problem)
            document = json.loads(release.read_text(encoding="utf-8"))
            notice = nbformat.v4.new_markdown_cell(f"**This notebook could not be read.** {problem}", id="unreadable")
            document["cells"].insert(0, notice)
        output, resources = self.from_notebook_node(nbformat.from_dict(document), resources=resources, **settings)
        return output, resources

    def _ignore_links(self, **details: Any) -> None:
        """nbgrader copies other files of a submission and follows links; one could point at anything that the
        instructor can read.
        """
        folders = {Path(notebook).parent for notebook in details["notebooks"]}
        links = [path.name for folder in folders for path in folder.rglob("*") if path.is_symlink()]
        self._converter.coursedir.ignore = [*self._ignored, *map(glob.escape, links)]
        if self._hook is not None:
            self._hook(**details)


@pass_context
def markdown_of_learners(context: Context, source: str) -> str:
    """nbconvert's filter `markdown2html`, with HTML in text answers shown as text.

    nbgrader's formgrader would run a script in an answer with the rights of the person who marks it.
    """
    cell = context.get("cell") or {}
    is_answer = bool(cell.get("metadata", {}).get("nbgrader", {}).get("solution"))
    attachments = cell.get("attachments", {})
    renderer = IPythonRenderer(escape=is_answer, allow_harmful_protocols=not is_answer, attachments=attachments)
    try:
        return str(MarkdownWithMath(renderer=renderer).render(source))
    except InvalidNotebook:  # a picture that is not there
        return f"<pre>{escape(source)}</pre>"


class GradeInSandbox(NbGraderPreprocessor):
    """Grades the submission in the sandbox and shows each verdict as the output of its test cell."""

    sandboxed = Bool(True, help="Run learners' code in bubblewrap; without it, it runs with your own rights.").tag(
        config=True
    )
    memory = Float(3.0, help="Memory for one submission, in GB.").tag(config=True)
    seconds = Float(600.0, help="Time for one submission, in seconds.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Fill in outputs and marks. The result of a submission is made once for all of its notebooks."""
        course = self.parent.parent.coursedir
        learner, assignment = resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]
        folder = Path(course.format_path(course.submitted_directory, learner, assignment))
        result = self._result(Submission(learner, assignment, folder))
        for finding in result.findings:
            self.log.warning("%s/%s: %s", learner, assignment, finding)
        exercises = {exercise.id: exercise for exercise in result.exercises}
        written = {answer.id: answer for answer in result.written}
        for cell in nb.cells:
            kind, _, identifier = str(cell.metadata.get("nbgrader", {}).get("grade_id", "")).partition("_")
            identifier = identifier.replace("_", ".")
            if kind == "check" and identifier in exercises:
                show(cell, exercises[identifier])
            elif identifier in written:
                attempted = written[identifier].status == "to_mark"
                cell.metadata[MARKS] = {"points": None if attempted else 0.0}
        return nb, resources

    def _result(self, submission: Submission) -> Result:
        key = (str(submission.folder), engine.submission_digest(submission))
        if key not in _results:
            limits = Limits(memory=int(self.memory * 1e9), seconds=self.seconds)
            _results[key] = job.grade(Job(submission, GradingOptions(limits=limits, sandboxed=self.sandboxed)))
        return _results[key]


class SaveMarks(SaveAutoGrades):
    """Saves the verifier's marks. Outputs of cells, which learner code could have written, decide nothing."""

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        identifier = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(identifier, self.notebook_id, self.assignment_id, self.student_id)
        grade.auto_score = cell.metadata.pop(MARKS, {}).get("points")
        grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        self.gradebook.db.commit()


class ShowMarkSchemes(Preprocessor):
    """Puts the mark scheme and the model answer above each written answer on the formgrader's pages, for markers.

    They come from the solution twin while the page is made: no notebook of a learner ever holds them, and pages made from
    such notebooks for anybody else, as feedback is, stay without.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Add a cell before each written answer, when it is the formgrader that asks."""
        # Only the formgrader names the submission of its database; generate_feedback has nbgrader's own resources.
        if "submission_id" not in resources or "nbgrader" in resources:
            return nb, resources
        schemes = mark_schemes(paths.SOLUTIONS / resources["assignment_id"] / f"{resources['notebook_id']}.ipynb")
        cells = []
        for cell in nb.cells:
            scheme = schemes.get(str(cell.metadata.get("nbgrader", {}).get("grade_id", "")))
            if scheme and cell.cell_type == "markdown":
                cells.append(nbformat.v4.new_markdown_cell(scheme))
            cells.append(cell)
        # The notebook that came in belongs to the exporter, which may use it again.
        return nbformat.from_dict({**nb, "cells": cells}), resources


def mark_schemes(twin: Path) -> dict[str, str]:
    """What markers need for each written answer of a solution twin, as Markdown by grade_id; empty without a twin."""
    if not twin.is_file():
        return {}
    found = {}
    for cell in json.loads(twin.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        scheme = re.search(r"=== BEGIN MARK SCHEME ===\n(.*?)=== END MARK SCHEME ===", source, re.DOTALL)
        answer = re.search(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, re.DOTALL)
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if scheme and grade_id:
            parts = ["**Mark scheme** (only markers see this)", scheme[1].strip()]
            parts += ["**Model answer**", answer[1].strip()] if answer else []
            found[grade_id] = "\n\n".join(parts)
    return found


def show(cell: NotebookNode, exercise: ExerciseResult) -> None:
    """Make the verdict the only output of a test cell, and its points the mark; a fault of the grader asks for a mark
    by hand.
    """
    verdict = verdict_of(exercise)
    cell.outputs = [nbformat.v4.new_output("display_data", data=dict(render.bundle(verdict)))]
    if exercise.status != Status.PASSED:
        # nbgrader's own SaveAutoGrades would otherwise give full marks, should somebody switch back to it.
        marks = f"{exercise.points:g} of {exercise.max_points:g} points"
        cell.outputs.append(
            nbformat.v4.new_output("error", ename=exercise.status, evalue=exercise.message, traceback=[marks])
        )
    cell.metadata[MARKS] = {"points": None if exercise.status == Status.GRADER_ERROR else exercise.points}


def verdict_of(exercise: ExerciseResult) -> Verdict:
    """The verdict that an exercise's result was made from."""
    details: dict[str, Any] = dict(exercise.verdict)
    details["examples"] = _examples(details.get("examples"))
    for name in ("right", "wrong"):
        details[name] = tuple(details.get(name, ()))
    return Verdict(
        exercise.id,
        Status(exercise.status),
        exercise.message,
        points=exercise.points,
        max_points=exercise.max_points,
        **details,
    )


def _examples(table: Mapping[str, Any] | None) -> ExampleTable | None:
    if not table:
        return None
    rows = [tuple(Cell(**cell) if isinstance(cell, dict) else cell for cell in row) for row in table["rows"]]
    return ExampleTable(tuple(table["columns"]), tuple(rows), tuple(table["kinds"]))
