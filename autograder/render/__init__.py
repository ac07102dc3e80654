"""Shows a Verdict: as HTML in JupyterLab, as text in a terminal, as JSON for other programs."""

from __future__ import annotations

from typing import Any

from autograder.models import Verdict
from autograder.render.html import hint_html, verdict_html
from autograder.render.text import hint_text, verdict_text

MIME = "application/vnd.pyspark-course.verdict+json"
"""In a notebook's outputs, the verdict as data; `course check` and tests read it."""


def bundle(verdict: Verdict) -> dict[str, Any]:
    """The verdict in all forms, as a Jupyter MIME bundle. Points are left out: they belong to the gradebook."""
    data = {
        "exercise": verdict.exercise,
        "status": str(verdict.status),
        "message": verdict.message,
        "shape": verdict.shape,
    }
    return {"text/plain": verdict_text(verdict), "text/html": verdict_html(verdict), MIME: data}


def show(verdict: Verdict) -> None:
    """Display in the notebook, or print in a terminal."""
    _publish(bundle(verdict))


def show_hint(exercise: str, number: int, hints: tuple[str, ...]) -> None:
    """Display hint `number` (from 0) of an exercise."""
    _publish({"text/plain": hint_text(exercise, number, hints), "text/html": hint_html(exercise, number, hints)})


def text(verdict: Verdict) -> str:
    """The verdict as plain text."""
    return verdict_text(verdict)


def _publish(data: dict[str, Any]) -> None:
    if _in_kernel():
        from IPython.display import display

        display(data, raw=True)
    else:
        print(data["text/plain"])  # noqa: T201  (this is the terminal)


def _in_kernel() -> bool:
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
