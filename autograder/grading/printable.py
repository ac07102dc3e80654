"""Text that learner code has written, made harmless for terminals, logs and files."""

from __future__ import annotations

import re
import unicodedata

_LINES = "\n\t"
_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")


def printable(text: str, kept: str = _LINES) -> str:
    """The text with control characters, direction marks and lone surrogates as escapes such as `\\x1b`.

    A terminal obeys them: they can hide what was printed before, set titles, or make a line read as another.

    Parameters
    ----------
    kept: characters that stay as they are.
    """
    return "".join(
        character
        if character in kept or unicodedata.category(character) not in _ESCAPED
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def one_line(text: str) -> str:
    """The same with tabs and line ends as escapes too, so that a name cannot forge a line of its own."""
    return printable(text, kept="")


def without_line_ends(text: str) -> str:
    """The text with a blank in the place of each line end or several."""
    return _LINE_ENDS.sub(" ", text)
