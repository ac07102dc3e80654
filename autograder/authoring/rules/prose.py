"""Rules about what frames the exercises: heading, boxes, plots, wording and form of the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from autograder.authoring.notebooks import plain_text
from autograder.authoring.rules.course import Finding, Lesson, lesson_rule

MINUTES = (45, 90)
TWO_SITTINGS = 180
"""Minutes that a notebook may take when it says that it is more than one sitting."""
MINIMUM_OBJECTIVES = 3


@lesson_rule
def title_number_and_file_name_agree(lesson: Lesson) -> Iterator[Finding]:
    """`2.1_joins_sets.py` in `02_...` has the number 2.1 and a title with the words "joins" and "sets"."""
    item = lesson.source
    words = re.findall(r"\w+", plain_text(item.title).lower())
    absent = [word for word in item.name.split("_")[1:] if word.lower() not in words]
    if absent:
        problem = f"the file name has {', '.join(map(repr, absent))}, which the title {item.title!r} has not"
        yield lesson.finding("cell 0", problem, "rename the file or the title")
    module = item.number.split(".")[0]
    if not re.match(rf"0*{module}_", item.assignment):
        yield lesson.finding(
            "", f"notebook {item.number} lies in {item.assignment}", f"move it to the folder of module {module}"
        )


@lesson_rule
def first_cell_says_what_to_expect(lesson: Lesson) -> Iterator[Finding]:
    """Objectives, prerequisites, data, and a time of 45 to 90 minutes, or of up to 180 "(two sittings)"."""
    first = lesson.source.cells[0].source
    objectives = re.search(r"^#+ You will learn.*?$(.*?)(?=^#|\Z)", first, re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^[-*] +\S", objectives[1], re.MULTILINE) if objectives else []
    if len(listed) < MINIMUM_OBJECTIVES:
        problem = f"it lists {len(listed)} objectives"
        yield lesson.finding(
            0, problem, f"add a heading `You will learn to` with at least {MINIMUM_OBJECTIVES} list items"
        )
    for label in ("Before this", "Data"):
        if not re.search(rf"\*\*{label}:\*\* +[^\s·]", first):
            yield lesson.finding(0, f"it does not say `**{label}:**`", "add it to the line with the time")
    most = TWO_SITTINGS if "minutes (two sittings)" in first else MINUTES[1]
    if not MINUTES[0] <= lesson.source.minutes <= most:
        problem = f"the notebook takes {lesson.source.minutes} minutes"
        remedy = f"cut it so that it takes {MINUTES[0]} to {MINUTES[1]}, or up to {TWO_SITTINGS} and says `minutes (two sittings)`"
        yield lesson.finding(0, problem, remedy)


@lesson_rule
def recap_and_databricks_box_are_there(lesson: Lesson) -> Iterator[Finding]:
    """A recap card and a box about Databricks, in plain Markdown cells."""
    text = "\n".join(cell.source for _, cell in lesson.prose)
    if not re.search(r"^#+ Recap\b", text, re.MULTILINE):
        yield lesson.finding("", "there is no recap card", "end with a Markdown cell under the heading `## Recap`")
    if not re.search(r"\*\*On Databricks:?\*\*:?\s+\S", text):
        yield lesson.finding(
            "",
            "there is no box about Databricks",
            "add `> **On Databricks:** ...`, saying what differs there or that nothing does",
        )


@lesson_rule
def plots_are_labelled(lesson: Lesson) -> Iterator[Finding]:
    """Every code cell that draws has axis labels, or at least a title."""
    for number, cell in enumerate(lesson.source.cells):
        if cell.cell_type == "code" and _draws(cell.source) and not _labels(cell.source):
            problem = "it draws a plot without axis labels or a title"
            yield lesson.finding(
                number, problem, "call `set_xlabel` and `set_ylabel`, or give `labels=` or `title=`, with units"
            )


@lesson_rule
def text_is_finished_and_tidy(lesson: Lesson) -> Iterator[Finding]:
    """No TODO and no trailing white space."""
    for number, line in enumerate(lesson.text.splitlines(), start=1):
        if "TODO" in line:
            yield lesson.finding(f"line {number}", "it says TODO", "do it, or take the line out")
        if line != line.rstrip():
            yield lesson.finding(f"line {number}", "there is white space at its end", "remove it")


def _draws(code: str) -> bool:
    """Whether code calls a plotting function of matplotlib, plotly or pandas."""
    for node in ast.walk(_tree(code)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if re.match(r"(px\.|plt\.(plot|bar|barh|hist|scatter|pie|boxplot|imshow|subplots|figure)$|go\.Figure$)", name):
            return True
        if re.search(r"\.plot(\.\w+)?$", name):
            return True
    return False


def _labels(code: str) -> bool:
    calls = [node for node in ast.walk(_tree(code)) if isinstance(node, ast.Call)]
    names = {ast.unparse(call.func).rpartition(".")[2] for call in calls}
    keywords = {keyword.arg for call in calls for keyword in call.keywords}
    both_axes = (
        names >= {"set_xlabel", "set_ylabel"} or names >= {"xlabel", "ylabel"} or {"xlabel", "ylabel"} <= keywords
    )
    titled = bool(names & {"set_title", "title", "suptitle"}) or bool(keywords & {"title", "title_text", "labels"})
    return both_axes or titled or bool(names & {"update_xaxes"} and names & {"update_yaxes"})


def _tree(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])
