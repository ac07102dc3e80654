"""A verdict as HTML for JupyterLab: readable in light and dark themes, and without colour."""

from __future__ import annotations

import re
from html import escape

from autograder.models import Cell, ExampleTable, Status, Verdict
from autograder.render.text import HEADINGS

_COLOURS = {
    Status.PASSED: "#2e7d32",
    Status.PARTIAL: "#b26a00",
    Status.NOT_ATTEMPTED: "#607d8b",
    Status.GRADER_ERROR: "#6a1b9a",
}
_WRONG = "#c62828"
_BORDER = "var(--jp-border-color1, #bdbdbd)"


def verdict_html(verdict: Verdict) -> str:
    """One self-contained `<div>`: styles inline, because JupyterLab removes style sheets from notebooks that it does not trust."""
    colour = _COLOURS.get(verdict.status, _WRONG)
    parts = [f'<div style="font-weight:600">{escape(HEADINGS[verdict.status].format(verdict.exercise))}</div>']
    if verdict.message and verdict.status is not Status.PASSED:
        parts.append(f'<div style="margin-top:4px">{code_marks(verdict.message)}</div>')
    findings = [("✔", text) for text in verdict.right] + [("✘", text) for text in verdict.wrong]
    if findings:
        items = "".join(f"<li>{mark} {code_marks(text)}</li>" for mark, text in findings)
        parts.append(f'<ul style="list-style:none;padding-left:0;margin:6px 0">{items}</ul>')
    if verdict.examples:
        parts.append(examples_html(verdict.examples))
    if verdict.hint:
        parts.append(f'<div style="margin-top:6px"><b>Hint:</b> {code_marks(verdict.hint)}</div>')
    elif verdict.status in (Status.FAILED, Status.ERROR, Status.NOT_ATTEMPTED):
        parts.append(
            f'<div style="margin-top:6px">Stuck? <code>hint("{escape(verdict.exercise)}")</code> shows the next hint.</div>'
        )
    if verdict.trace:
        parts.append(
            "<details><summary>The whole error, for the curious</summary>"
            f'<pre style="max-height:20em;overflow:auto">{escape(verdict.trace[-20_000:])}</pre></details>'
        )
    return f'<div style="border-left:4px solid {colour};padding:6px 12px;margin:4px 0">{"".join(parts)}</div>'


def examples_html(table: ExampleTable) -> str:
    """The example rows as a table; a wrong cell shows yours and the expected one."""
    head = "".join(
        f'<th scope="col" style="text-align:left;padding:2px 8px">{escape(name)}</th>' for name in ("", *table.columns)
    )
    body = "".join(
        f'<tr><th scope="row" style="text-align:left;padding:2px 8px">{escape(kind)}</th>{"".join(_cell(cell) for cell in row)}</tr>'
        for kind, row in zip(table.kinds, table.rows, strict=True)
    )
    return (
        f'<table style="border-collapse:collapse;border:1px solid {_BORDER};margin:6px 0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def hint_html(exercise: str, number: int, hints: tuple[str, ...]) -> str:
    """Hint `number` (from 0)."""
    if not hints:
        return f"<div>There is no hint for {escape(exercise)}.</div>"
    heading = f"Hint {number + 1} of {len(hints)} for {escape(exercise)}"
    return (
        f'<div style="border-left:4px solid #1565c0;padding:6px 12px;margin:4px 0"><div style="font-weight:600">{heading}</div>'
        f"<div>{code_marks(hints[number])}</div></div>"
    )


def code_marks(text: str) -> str:
    """Escaped text in which `code` between backticks is set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _cell(cell: object) -> str:
    style = f"padding:2px 8px;border-top:1px solid {_BORDER};text-align:left"
    if isinstance(cell, Cell):
        return (
            f'<td style="{style}"><b>{escape(cell.yours)}</b><br><small>expected {escape(cell.expected)}</small></td>'
        )
    return f'<td style="{style}">{escape(str(cell))}</td>'
