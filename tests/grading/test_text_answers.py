"""Text answers are read by people in nbgrader's formgrader, whose pages could be commanded by what learners write."""

from __future__ import annotations

import copy

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config, PyFileConfigLoader

from autograder import manifest, paths
from autograder.grading.samples import grade_id, make_sample

NOTEBOOK = manifest.notebook("1.1")
WRITTEN = next(exercise for exercise in NOTEBOOK.exercises if exercise.kind == "written")
HOSTILE = """**Bold** and `a < b`, $x < y$

<script>fetch("/formgrader/api/grade/1", {method: "PUT", body: "{}"})</script>
<img src="x" onerror="alert(1)"> <iframe srcdoc="<script>alert(2)</script>"></iframe> [click](javascript:alert(3))

| a | b |
|---|---|
| 1 | <svg onload=alert(4)> |
"""


@pytest.fixture(scope="module")
def config() -> Config:
    """The configuration that nbgrader reads in the course's folder."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(paths.ROOT)).load_config()


def page(notebook: NotebookNode, config: Config) -> str:
    """The page on which a person marks, made as the formgrader makes it."""
    settings = copy.deepcopy(config)
    settings.HTMLExporter.template_name = "formgrade"
    settings.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = dict.fromkeys(("assignment_id", "base_url", "last_submission", "notebook_id", "submission_id"), "")
    resources |= {"index": 0, "total": 1, "mathjax_url": "", "my_mathjax_url": "", "windows": False}
    text, _ = HTMLExporter(config=settings).from_notebook_node(notebook, resources=resources)
    return str(text)


def answered(text: str) -> NotebookNode:
    """The released notebook with a text answer."""
    notebook = nbformat.from_dict(make_sample(NOTEBOOK, "empty"))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.points = 1
    next(cell for cell in notebook.cells if grade_id(cell) == WRITTEN.answer_cell).source = text
    return notebook


def test_html_in_a_text_answer_is_shown_and_not_run(config: Config) -> None:
    text = page(answered(HOSTILE), config)
    assert '<script>fetch("/formgrader' not in text
    for code in ('onerror="alert(1)">', "<iframe srcdoc", 'href="javascript:', "<svg onload"):
        assert code not in text
    assert "&lt;script&gt;fetch(" in text
    assert "<strong>Bold</strong>" in text
    assert "<code>a &lt; b</code>" in text
    assert "<td>1</td>" in text


def test_without_the_filter_the_script_would_run(config: Config) -> None:
    unprotected = copy.deepcopy(config)
    del unprotected.HTMLExporter["filters"]
    assert '<script>fetch("/formgrader' in page(answered(HOSTILE), unprotected)


def test_a_picture_in_a_text_answer_is_shown_and_a_missing_one_does_not_stop_the_page(config: Config) -> None:
    notebook = answered("The plan: ![plan](attachment:plan.png)")
    assert "The plan: ![plan](attachment:plan.png)" in page(notebook, config)
    cell = next(cell for cell in notebook.cells if grade_id(cell) == WRITTEN.answer_cell)
    cell.attachments = {"plan.png": {"image/png": "aGVsbG8="}}
    assert 'src="data:image/png;base64,aGVsbG8="' in page(notebook, config)
