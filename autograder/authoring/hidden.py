"""What of a source learners must never see, and the search for it in the files that they get."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.authoring.source import SOURCE_ONLY, Source, SourceCell

MINIMUM_LENGTH = 25
"""Shorter lines, such as `return customers`, say nothing."""

MINIMUM_FRAGMENT = 50
"""The same for a line that ends in a comma: one argument of a call, such as `F.count("*").alias("trips"),`."""

SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION")
HIDDEN_TESTS = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
MARK_SCHEME = ("=== BEGIN MARK SCHEME ===", "=== END MARK SCHEME ===")

_INDEX_LENGTH = 16
_MAY_BE_SHOWN = ("wrong answer", "right answer", "equivalent mutant", "description of a variant")
_TRIVIAL = re.compile(
    r"(from\s+\S+\s+)?import\s|def\s|class\s|@|return\s+\w+$|[\W_]*$"
    # Idioms that every program shares: catching, connecting, waiting for a stream, the opening of a call.
    r"|except\s|with contextlib\.closing\(|\w+ = \w+\.cursor\(\)$|\w+\.processAllAvailable\(\)$|\w+\.sql\(\w+\)\.collect\(\)$"
    r"|return spark\.createDataFrame\($"
)


@dataclass(frozen=True)
class Secret:
    """A piece of text that must not be found: what it is, the exercise that it belongs to, and its text."""

    kind: str
    exercise: str
    text: str


@dataclass(frozen=True)
class VariantCall:
    """A `variant(...)` call as it is written in a source."""

    exercise: str
    name: str
    description: str
    seed: int | None


def secrets(item: Source, others: Iterable[Source] = ()) -> list[Secret]:
    """All secrets of a source: solutions, hidden tests, wrong and right answers, equivalent mutants, model answers, mark schemes, variants.

    Answers and descriptions of variants that the notebook, or one of `others`, also shows to learners, as a worked example may, are
    none: `orders.groupBy("store_id")` gives nothing away.
    """
    found = [secret for cell in item.cells for secret in _of_cell(cell)]
    cells = [cell for source in (item, *others) for cell in source.cells if cell.kind not in SOURCE_ONLY]
    shown = squeezed("\n".join(map(visible, cells)))
    return list(
        dict.fromkeys(
            secret for secret in found if secret.kind not in _MAY_BE_SHOWN or squeezed(secret.text) not in shown
        )
    )


def solution_lines(item: Source, exercise: str, minimum: int = MINIMUM_LENGTH) -> list[str]:
    """The telling lines between the solution markers of an exercise."""
    return [
        line for cell in item.of("answer", exercise) for line in telling_lines(between(cell.source, SOLUTION), minimum)
    ]


def between(text: str, markers: tuple[str, str]) -> str:
    """Everything between pairs of markers."""
    begin, end = (re.escape(marker) for marker in markers)
    return "\n".join(re.findall(rf"{begin}[^\n]*\n(.*?)(?:{end}|\Z)", text, re.DOTALL))


def visible(cell: SourceCell) -> str:
    """The part of a cell that learners see."""
    text = cell.source
    for begin, end in (SOLUTION, HIDDEN_TESTS, MARK_SCHEME):
        text = re.sub(rf"{re.escape(begin)}.*?(?:{re.escape(end)}|\Z)", "", text, flags=re.DOTALL)
    return text


def telling_lines(text: str, minimum: int = MINIMUM_LENGTH) -> list[str]:
    """The lines that give something away, without bullets: no imports, function headers, brackets, short lines."""
    lines = (line.strip().lstrip("-*#> ") for line in text.splitlines())
    return [line for line in lines if len(line) >= _needed(line, minimum) and not _TRIVIAL.match(line)]


def _needed(line: str, minimum: int) -> int:
    return max(minimum, MINIMUM_FRAGMENT) if line.endswith(",") else minimum


def variant_calls(item: Source, exercise: str | None = None) -> list[VariantCall]:
    """The hidden variants that the check cells declare."""
    calls = []
    for cell in item.of("check", exercise):
        for call in calls_of("variant", cell.source):
            words = [value.value for value in call.args if isinstance(value, ast.Constant)]
            seeds = [word.value for word in call.keywords if word.arg == "seed"]
            seed = seeds[0].value if seeds and isinstance(seeds[0], ast.Constant) else None
            texts = [str(word) for word in words] + [""] * 3
            calls.append(VariantCall(texts[0], texts[1], texts[2], seed if isinstance(seed, int) else None))
    return calls


def calls_of(function: str, code: str) -> list[ast.Call]:
    """The calls of a function by its bare name, in the order of the code; none when the code cannot be parsed."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return []
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == function]
    return sorted(found, key=lambda call: call.lineno)


def squeezed(text: str) -> str:
    """Text without any white space, so that a new indentation or line length hides nothing."""
    return "".join(text.split())


def readable(content: bytes) -> str:
    """The text of a file; of a notebook also its cells, as people see them."""
    text = content.decode("utf-8", errors="replace")
    try:
        cells = json.loads(text)["cells"]
        return "\n".join([text, *("".join(cell["source"]) for cell in cells)])
    except (ValueError, KeyError, TypeError):
        return text


class Finder:
    """Finds secrets in texts, white space aside, in one pass over each text, however many secrets there are."""

    def __init__(self, wanted: Iterable[Secret]) -> None:
        self._short: list[tuple[re.Pattern[str], Secret]] = []
        self._long: dict[str, list[tuple[str, Secret]]] = {}
        for secret in wanted:
            for needle in {squeezed(secret.text), squeezed(json.dumps(secret.text, ensure_ascii=False)[1:-1])}:
                if len(needle) < _INDEX_LENGTH:
                    self._short.append((re.compile(rf"{re.escape(needle)}(?!\d)"), secret))
                else:
                    self._long.setdefault(needle[:_INDEX_LENGTH], []).append((needle, secret))

    def search(self, text: str) -> Iterator[Secret]:
        """The secrets that occur in a text."""
        hay = squeezed(text)
        found = {secret: None for needle, secret in self._short if needle.search(hay)}
        for position in range(len(hay) - _INDEX_LENGTH + 1):
            for needle, secret in self._long.get(hay[position : position + _INDEX_LENGTH], ()):
                if hay.startswith(needle, position):
                    found[secret] = None
        yield from found


def _of_cell(cell: SourceCell) -> Iterator[Secret]:
    if cell.kind in ("wrong", "right"):
        yield from (Secret(f"{cell.kind} answer", cell.exercise, line) for line in telling_lines(cell.source))
    elif cell.kind == "equivalent":
        because = str(cell.metadata.get("because", ""))
        yield from (
            Secret("equivalent mutant", cell.exercise, line) for line in telling_lines(f"{cell.source}\n{because}")
        )
    elif cell.kind == "answer":
        yield from (Secret("solution", cell.exercise, line) for line in telling_lines(between(cell.source, SOLUTION)))
    elif cell.kind == "written":
        yield from (
            Secret("model answer", cell.exercise, line) for line in telling_lines(between(cell.source, SOLUTION))
        )
        yield from (
            Secret("mark scheme", cell.exercise, line) for line in telling_lines(between(cell.source, MARK_SCHEME))
        )
    elif cell.kind == "check":
        yield from (
            Secret("hidden test", cell.exercise, line) for line in telling_lines(between(cell.source, HIDDEN_TESTS))
        )
        yield from _of_variants(cell)


def _of_variants(cell: SourceCell) -> Iterator[Secret]:
    for call in calls_of("variant", cell.source):
        texts = [value.value for value in call.args if isinstance(value, ast.Constant) and isinstance(value.value, str)]
        if len(texts) > 1:
            yield Secret("hidden variant", cell.exercise, f'"{texts[0]}", "{texts[1]}"')
            yield Secret("hidden variant", cell.exercise, f'"name": "{texts[1]}", "description":')
        yield from (
            Secret("description of a variant", cell.exercise, text) for text in texts[2:] if len(text) >= MINIMUM_LENGTH
        )
        for word in call.keywords:
            if word.arg == "seed":
                yield Secret("hidden seed", cell.exercise, f"seed={ast.unparse(word.value)}")
                yield Secret("hidden seed", cell.exercise, f'"seed": {ast.unparse(word.value)}')
