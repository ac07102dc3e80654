"""Text that learners could have written, made harmless for pages and spreadsheets."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from markupsafe import Markup

from autograder import paths
from autograder.render.html import code_marks

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Characters that move the cursor, hide or reorder text; tabs and line ends stay."""

_LOCAL = tuple(
    dict.fromkeys(
        str(place)
        for place in (paths.ROOT, Path(sys.prefix), Path.home(), Path(tempfile.gettempdir()))
        if len(place.parts) > 1
    )
)


def plain(text: object) -> str:
    """Text without terminal colours, control characters, lone surrogates and places of this machine."""
    cleaned = _CONTROL.sub("", _ANSI.sub("", str(text).replace("\r\n", "\n")))
    for place in _LOCAL:
        cleaned = re.sub(rf"{re.escape(place)}(?![\w-])", "…", cleaned)
    return cleaned.encode("utf-8", "replace").decode("utf-8")


def marked(text: object) -> Markup:
    """The same as HTML: everything escaped, `code` between backticks set as code."""
    return Markup(code_marks(plain(text)))  # noqa: S704 (code_marks escapes)


def points(value: float | None) -> str:
    """Points as people write them: "2", "1.5"; a dash where there are none yet."""
    return "–" if value is None else f"{round(value, 2):g}"


def share(value: float, of: float) -> str:
    """A percentage without decimals; a dash when there is nothing to reach."""
    return f"{100 * value / of:.0f} %" if of else "–"
