"""A verdict as plain text, at most about 100 columns wide."""

from __future__ import annotations

import textwrap

from autograder.models import Cell, ExampleTable, Status, Verdict

HEADINGS = {
    Status.PASSED: "✔ {0} passed",
    Status.FAILED: "✘ {0} not right yet",
    Status.PARTIAL: "◐ {0} partly right",
    Status.NOT_ATTEMPTED: "○ {0} not attempted",
    Status.ERROR: "✘ {0} stopped with an error",
    Status.TIMEOUT: "✘ {0} took too long",
    Status.GRADER_ERROR: "⚠ {0} could not be checked",
}
WIDTH = 100


def verdict_text(verdict: Verdict) -> str:
    """Heading, sentence, findings, examples, hint; the trace is left to the error's own cell."""
    lines = [HEADINGS[verdict.status].format(verdict.exercise)]
    if verdict.message and verdict.status is not Status.PASSED:
        lines += textwrap.wrap(verdict.message, WIDTH, initial_indent="  ", subsequent_indent="  ")
    for mark, findings in (("✔", verdict.right), ("✘", verdict.wrong)):
        for finding in findings:
            lines += textwrap.wrap(finding, WIDTH, initial_indent=f"  {mark} ", subsequent_indent="    ")
    if verdict.examples:
        lines += ["", *table_lines(verdict.examples)]
    if verdict.hint:
        lines += ["", *textwrap.wrap(f"Hint: {verdict.hint}", WIDTH, initial_indent="  ", subsequent_indent="  ")]
    elif verdict.status in (Status.FAILED, Status.ERROR, Status.NOT_ATTEMPTED):
        lines += ["", f'  Stuck? hint("{verdict.exercise}") shows the next hint.']
    return "\n".join(lines)


def table_lines(table: ExampleTable) -> list[str]:
    """The example rows in columns; a wrong cell reads `yours, expected …`."""
    labels = {"wrong": "wrong", "missing": "missing", "extra": "extra"}
    body = [
        [labels.get(kind, kind), *(cell_text(cell) for cell in row)]
        for kind, row in zip(table.kinds, table.rows, strict=True)
    ]
    grid = [["", *table.columns], *body]
    widths = [min(32, max(len(row[column]) for row in grid)) for column in range(len(grid[0]))]
    return [
        "  " + "  ".join(_fit(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in grid
    ]


def cell_text(cell: object) -> str:
    """One cell of an example row."""
    if isinstance(cell, Cell):
        return f"{cell.yours} (expected {cell.expected})"
    return str(cell)


def hint_text(exercise: str, number: int, hints: tuple[str, ...]) -> str:
    """Hint `number` (from 0)."""
    if not hints:
        return f"There is no hint for {exercise}."
    return f"Hint {number + 1} of {len(hints)} for {exercise}: {hints[number]}"


def _fit(text: str, width: int) -> str:
    text = text.replace("\n", "⏎")
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"
