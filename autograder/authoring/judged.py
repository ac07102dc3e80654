"""Which answers written by hand have been judged as they are now, so that a run of the tests need not judge all of them again.

Judging every wrong and right answer of the course takes a quarter of an hour. What a verdict depends on is known, though: the code that
judges, the packages, the data, and the notebook. `benchmarks/answers.json` keeps a digest of all that for each notebook whose answers
fared as they say. While it is the same, the tests judge a part of the answers; when it differs, they judge them all.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from autograder import paths
from autograder.authoring import source
from autograder.authoring.source import Source, SourceCell
from autograder.grading.digests import data_digests, text_digest
from autograder.grading.results import write_atomically

FILE = paths.ROOT / "benchmarks" / "answers.json"
TESTS = paths.ROOT / "tests" / "authoring" / "test_course_answers.py"
"""What judges the answers; it says what "as they say" means."""

BESIDE = (
    *("requirements.lock", "jars.lock", "tests/conftest.py"),
    *("datasets", "autograder/runtime", "autograder/services", "autograder/setup"),
)
"""Files and folders that take part besides what `answers` imports: pinned packages, data, and what notebooks import."""

EVERYTHING = "COURSE_ANSWERS"
"""The environment variable that, set to `all`, has every answer judged."""

PART = 10
"""One in so many answers is judged although nothing has changed."""


@dataclass(frozen=True)
class Part:
    """What is judged of the answers of one kind in one notebook, as (number from 1 within the exercise, cell)."""

    chosen: Sequence[tuple[int, SourceCell]]
    of: int


def read() -> dict[str, str]:
    """Digests by notebook number, of the notebooks whose answers were all as they say."""
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else {}


def write(found: Mapping[str, str]) -> None:
    """Replace what is kept, all or nothing."""
    ordered = dict(sorted(found.items(), key=lambda entry: [int(part) for part in entry[0].split(".")]))
    write_atomically(FILE, json.dumps(ordered, indent=1) + "\n")


def holds(item: Source, found: Mapping[str, str]) -> bool:
    """Whether all answers of a notebook have been judged with all that they depend on as it is now."""
    return found.get(item.number) == digest(item)


def part(item: Source, kind: str, found: Mapping[str, str]) -> Part:
    """The cells of a kind that a run of the tests judges: all, or one in PART if all have been judged.

    The hash that chooses covers what answers depend on, so that another part is judged after each change.
    """
    cells = [entry for exercise in item.exercises for entry in enumerate(item.of(kind, exercise), start=1)]
    if os.environ.get(EVERYTHING) == "all" or not holds(item, found):
        return Part(cells, len(cells))
    now = digest(item)
    by_chance = sorted(cells, key=lambda entry: text_digest([now, entry[1].exercise, entry[1].source]))
    chosen = by_chance[: -(-len(cells) // PART)]
    return Part([entry for entry in cells if entry in chosen], len(cells))


def digest(item: Source) -> str:
    """What the verdicts on a notebook's answers depend on: code of the harness, packages, data, specifications, all code cells."""
    cells = [
        json.dumps([cell.kind, cell.exercise, cell.metadata, cell.source], sort_keys=True)
        for cell in item.cells
        if cell.cell_type == "code"
    ]
    exercises = [found for name, found in data_digests(item.assignment).items() if name in item.exercises]
    return text_digest([_harness(), *cells, *exercises])


@cache
def _harness() -> str:
    version = "{}.{}".format(*sys.version_info)
    files = [f"{path.relative_to(paths.ROOT).as_posix()} {_sha256_of(path)}" for path in harness_files()]
    return text_digest([version, *files])


def harness_files() -> list[Path]:
    """Files of the course that take part in judging: what `answers` imports, directly or not, and what is in BESIDE."""
    finder = ModuleFinder(path=[str(paths.ROOT)])  # what is elsewhere is pinned in requirements.lock
    finder.run_script(str(Path(__file__).with_name("answers.py")))
    modules: Iterable[Any] = finder.modules.values()
    found = {Path(module.__file__) for module in modules if module.__file__}
    for name in BESIDE:
        place = paths.ROOT / name
        found |= (
            {place}
            if place.is_file()
            else {path for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc"}
        )
    return sorted(found | {TESTS})


def _sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def sources() -> tuple[Source, ...]:
    """All notebooks that have exercises, read once."""
    return tuple(item for item in source.read_all() if item.exercises)
