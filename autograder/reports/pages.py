"""Renders a template as one self-contained HTML page: styles and scripts inside, and a policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from autograder.models import Status
from autograder.reports import text

TEMPLATES = Path(__file__).with_name("templates")


def status_name(status: str) -> str:
    """A status in words."""
    return _STATUS_NAMES.get(status, status.replace("_", " "))


def status_mark(status: str) -> str:
    """The sign of a status, which is told apart without colours."""
    return _STATUS_MARKS.get(status, "•")


_STATUS_NAMES = {
    Status.PASSED: "passed",
    Status.PARTIAL: "partly right",
    Status.FAILED: "not right yet",
    Status.ERROR: "stopped with an error",
    Status.TIMEOUT: "took too long",
    Status.NOT_ATTEMPTED: "not attempted",
    Status.GRADER_ERROR: "could not be judged",
    "to_mark": "waits for a mark",
    "marked": "marked",
}
_STATUS_MARKS = {
    Status.PASSED: "✔",
    Status.PARTIAL: "◐",
    Status.FAILED: "✘",
    Status.ERROR: "⚡",
    Status.TIMEOUT: "◷",
    Status.NOT_ATTEMPTED: "○",
    Status.GRADER_ERROR: "⚠",
    "to_mark": "…",
    "marked": "✎",
}


def render(template: str, scripts: Sequence[str] = (), **context: Any) -> str:
    """One page.

    Parameters
    ----------
    template: name of a file in `templates/`.
    scripts: sources of scripts to embed at the end. The page's policy names their digests, so that no other script
        runs, whatever text got into the page.
    context: what the template shows. Everything is escaped.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" for code in scripts
    )
    # Plotly sets style attributes while it draws; a page without scripts has one style sheet, which is named too.
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    styles = "'unsafe-inline'" if scripts else f"'sha256-{digest}'"
    policy = f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'"
    if scripts:
        policy += f"; script-src {hashes}; img-src data:"
    embedded = [Markup(code) for code in scripts]  # noqa: S704 (our own code; data in it is JSON without "<")
    return (
        _environment()
        .get_template(template)
        .render(
            policy=policy,
            style=Markup(style),  # noqa: S704 (our own style sheet)
            scripts=embedded,
            **context,
        )
    )


@cache
def _style() -> str:
    return "\n" + (TEMPLATES / "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        plain=text.plain, marked=text.marked, points=text.points, status_name=status_name, status_mark=status_mark
    )
    environment.globals["share"] = text.share
    return environment
