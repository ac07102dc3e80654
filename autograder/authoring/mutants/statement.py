"""SQL text as tokens. Only the edited tokens change; the rest of the text stays as the author wrote it.

A parser would have to know all of Spark's dialect, scripts and pipes included, and would write the whole statement anew.
Tokens are enough for one small edit, and an edit that makes no sense is refused by Spark itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*(?!\+).*?\*/)
      | (?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*")
      | (?P<name>`[^`]*`)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<parameter>:[A-Za-z_]\w*)
      | (?P<sign>\|>|<=>|<=|>=|<>|!=|==|::|->|=>|\|\||/\*\+|\*/|.)""",
    re.VERBOSE | re.DOTALL,
)

CLAUSES = ("FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "QUALIFY", "WINDOW", "JOIN",
           "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "LATERAL", "ON", "THEN", "ELSE", "END", "DO", "WHEN", "RETURN")  # fmt: skip
"""Words that end a condition or a list."""


@dataclass(frozen=True)
class Token:
    """A piece of SQL: its kind, its text, where it begins and ends, and how many parentheses are open around it."""

    kind: str
    text: str
    start: int
    end: int
    depth: int

    @property
    def word(self) -> str:
        """The word in capital letters; nothing for other kinds."""
        return self.text.upper() if self.kind == "word" else ""


@dataclass(frozen=True)
class Edit:
    """Tokens `first` to `last` (exclusive) become another text."""

    first: int
    last: int
    text: str


class Statement:
    """The tokens of a text in SQL. Positions beyond its ends give an empty token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        depth = 0
        for found in _TOKEN.finditer(text):
            kind = str(found.lastgroup)
            if kind == "space":
                continue
            depth -= found[0] in (")", "]")
            self.tokens.append(Token(kind, found[0], found.start(), found.end(), depth))
            depth += found[0] in ("(", "[")

    def __len__(self) -> int:
        return len(self.tokens)

    def at(self, position: int) -> Token:
        """The token at a position."""
        return self.tokens[position] if 0 <= position < len(self.tokens) else Token("", "", 0, 0, -1)

    def words(self, position: int, *expected: str) -> bool:
        """Whether these words stand at a position."""
        return all(self.at(position + number).word == word for number, word in enumerate(expected))

    def is_call(self, position: int) -> bool:
        """Whether a word and an opening parenthesis stand at a position."""
        return self.at(position).kind == "word" and self.at(position + 1).text == "("

    def source(self, first: int, last: int) -> str:
        """The text of some tokens and what stands between them."""
        return self.text[self.at(first).start : self.at(last - 1).end] if first < last else ""

    def end_of(self, position: int) -> int:
        """Where the condition or list that begins at a position ends, at its own depth of parentheses and CASEs."""
        depth, cases = self.at(position).depth, 0
        for number in range(position, len(self)):
            token = self.at(number)
            if token.depth < depth or (token.depth == depth and token.text in (";", "|>")):
                return number
            if token.depth == depth and not cases and token.word in CLAUSES and not self.is_call(number):
                return number
            cases += (token.word == "CASE") - (token.word == "END" and cases > 0)
        return len(self)

    def closing(self, opening: int) -> int:
        """The position of the parenthesis that closes the one at `opening`."""
        depth = self.at(opening).depth
        later = range(opening + 1, len(self))
        return next((number for number in later if self.at(number).depth == depth), len(self))

    def parts(self, first: int, last: int, *separators: str) -> list[tuple[int, int]]:
        """The spans between separators at the depth of the first token; the AND of a BETWEEN and a CASE separate nothing."""
        depth, between, cases, found, begin = self.at(first).depth, 0, 0, [], first
        for number in range(first, last):
            token = self.at(number)
            if token.depth != depth:
                continue
            cases += (token.word == "CASE") - (token.word == "END")
            between += token.word == "BETWEEN"
            if (token.word or token.text) in separators and not cases:
                if token.word == "AND" and between:
                    between -= 1
                    continue
                found.append((begin, number))
                begin = number + 1
        return [*found, (begin, last)]

    def edited(self, edit: Edit) -> str:
        """The whole text with an edit made."""
        if edit.first >= edit.last:
            cut = self.at(edit.first).start
            return f"{self.text[:cut]}{edit.text} {self.text[cut:]}"
        start, end = self.at(edit.first).start, self.at(edit.last - 1).end
        return self.text[:start] + edit.text + self.text[end:]

    def told(self, edit: Edit) -> str:
        """An edit with its neighbours, for people: `total > 2 → total >= 2`."""
        before, after = self.at(edit.first - 1).text, self.at(edit.last).text
        old = self.source(edit.first, edit.last)
        return f"{_joined(before, old, after)} → {_joined(before, edit.text, after)}"


Edits = Iterator[Edit]


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
