"""Text that learner code has written, made harmless for terminals, logs and files."""

from __future__ import annotations

import unicodedata

_KEPT = "\n\t"


def printable(text: str) -> str:
    """The text with control characters, direction marks and lone surrogates as escapes such as `\\x1b`.

    A terminal obeys them: they can hide what was printed before, set titles, or make a line read as another.
    """
    return "".join(
        character
        if character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
