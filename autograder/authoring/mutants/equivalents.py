"""Mutants that an author has declared equivalent: by name, in the source, each with the reason.

A name tells the operator and the change, not the line, so that a declaration survives edits of other lines. When the change
itself is no longer possible, the declaration matches nothing, and that is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.authoring.mutants.making import Mutant
from autograder.authoring.source import Source, SourceCell

_ITEM = re.compile(r"^\s*-\s+(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Declared:
    """One mutant that an author says is equivalent, and why."""

    exercise: str
    name: str
    because: str


def declared(item: Source, exercise: str | None = None) -> list[Declared]:
    """The declarations of a source, perhaps of one exercise only."""
    return [entry for cell in item.of("equivalent", exercise) for entry in _of_cell(cell)]


def problems(item: Source, exercise: str, mutants: Iterable[Mutant]) -> Iterator[tuple[str, str]]:
    """What is wrong with the declarations of an exercise, and what to do: no reason, no name, a name that is no mutant's."""
    names = {mutant.name for mutant in mutants}
    for cell in item.of("equivalent", exercise):
        entries = _of_cell(cell)
        if not str(cell.metadata.get("because", "")).strip():
            yield "an `equivalent` cell gives no reason", "add `because=`"
        if not entries:
            yield "an `equivalent` cell names no mutant", "write `- operator: change` as `course mutants` shows it"
        for entry in entries:
            if entry.name not in names:
                yield f"no mutant is named `{entry.name}`", "see `course mutants --list`, or remove the declaration"


def _of_cell(cell: SourceCell) -> list[Declared]:
    because = str(cell.metadata.get("because", "")).strip()
    return [Declared(cell.exercise, found.strip(), because) for found in _ITEM.findall(cell.source)]
