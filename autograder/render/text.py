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
CELL_WIDTH = 32


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
    """The example rows in columns; a wrong cell reads `yours (expected …)`."""
    body = [[kind, *(cell_text(cell) for cell in row)] for kind, row in zip(table.kinds, table.rows, strict=True)]
    grid = [["", *table.columns], *body]
    widths = [max(len(row[column]) for row in grid) for column in range(len(grid[0]))]
    # Columns that do not fit are left out, but never the first that differs: those that matter come first.
    differing = (column for row in table.rows for column, cell in enumerate(row, start=1) if isinstance(cell, Cell))
    needed = max(2, min(differing, default=1) + 1)
    shown, room = 0, WIDTH
    while shown < len(widths) and (shown < needed or room >= widths[shown] + 2):
        room -= widths[shown] + 2
        shown += 1
    lines = [
        "  " + "  ".join(text.ljust(width) for text, width in zip(row[:shown], widths[:shown], strict=True))
        for row in grid
    ]
    left_out = len(widths) - shown
    return [line.rstrip() for line in lines] + (
        [f"  (and {left_out} more {'column' if left_out == 1 else 'columns'})"] if left_out else []
    )


def cell_text(cell: object) -> str:
    """One cell of an example row, on one line."""
    if isinstance(cell, Cell):
        yours, expected = shortened_pair(cell.yours, cell.expected)
        return f"{yours} (expected {expected})"
    return _shortened(str(cell))


def shortened_pair(yours: str, expected: str) -> tuple[str, str]:
    """Both texts short enough to stand side by side, cut so that the first difference can be seen."""
    if max(len(yours), len(expected)) <= CELL_WIDTH:
        return _one_line(yours), _one_line(expected)
    same = next(
        (place for place, pair in enumerate(zip(yours, expected, strict=False)) if pair[0] != pair[1]),
        min(len(yours), len(expected)),
    )
    start = max(0, same - CELL_WIDTH // 2)
    return _window(yours, start), _window(expected, start)


def _window(text: str, start: int) -> str:
    cut = text[start : start + CELL_WIDTH]
    return _one_line(("…" if start else "") + cut + ("…" if len(text) > start + CELL_WIDTH else ""))


def _shortened(text: str) -> str:
    return _one_line(text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 1] + "…")


def _one_line(text: str) -> str:
    return text.replace("\n", "⏎")


def hint_text(exercise: str, number: int, hints: tuple[str, ...]) -> str:
    """Hint `number` (from 0)."""
    if not hints:
        return f"There is no hint for {exercise}."
    return f"Hint {number + 1} of {len(hints)} for {exercise}: {hints[number]}"
