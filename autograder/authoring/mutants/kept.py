"""What became of the mutants of each exercise when they were last judged, and whether that still holds.

Judging all mutants takes hours. So the counts of each exercise are kept in `benchmarks/mutants.json`, with a digest of what they depend
on: the solution and its mutants, what is declared equivalent, the set-up, the check, the data and the expected answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autograder import paths
from autograder.authoring.mutants import equivalents, making
from autograder.authoring.source import Source
from autograder.grading.digests import data_digests, text_digest
from autograder.grading.results import write_atomically

FILE = paths.ROOT / "benchmarks" / "mutants.json"

Counts = dict[str, dict[str, Any]]
"""By exercise: `digest`, and `fates` with the number of mutants by fate."""


def read() -> Counts:
    """What earlier runs have counted."""
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else {}


def write(found: Counts) -> None:
    """Write the counts so that a run that is killed leaves the old file or the new one."""
    ordered = dict(sorted(found.items(), key=lambda entry: [int(part) for part in entry[0].split(".")]))
    write_atomically(FILE, json.dumps(ordered, indent=1) + "\n")


def current(item: Source, found: Mapping[str, Any]) -> list[str]:
    """The exercises of a notebook that have been judged as they are now."""
    return [name for name in item.exercises if holds(item, name, found)]


def holds(item: Source, exercise: str, found: Mapping[str, Any]) -> bool:
    """Whether what was counted for an exercise is about the exercise as it is now."""
    return exercise in found and found[exercise]["digest"] == digest(item, exercise)


def digest(item: Source, exercise: str) -> str:
    """What the fates of an exercise's mutants depend on, but for the comparer itself. Answers never see a notebook's examples."""
    parts = [mutant.code for mutant in making.of_exercise(item, exercise)]
    parts += [entry.name for entry in equivalents.declared(item, exercise)]
    parts += [cell.source for cell in item.of("check", exercise)]
    parts += [cell.source for cell in item.cells if cell.metadata.get("setup")]
    return text_digest([*parts, data_digests(item.assignment)[exercise]])
