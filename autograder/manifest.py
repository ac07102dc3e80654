"""Reads and writes `autograder/manifest.json`: every notebook and exercise, with all that grading needs and nothing that is hidden."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder import paths
from autograder.models import ExerciseSpec, NotebookSpec

SCHEMA_VERSION = 1


class UnknownExercise(ValueError):
    """There is no exercise or notebook of that number; the message names near ones."""


def dump(notebooks: Iterable[NotebookSpec]) -> str:
    """The manifest as JSON text, notebooks in course order."""
    ordered = sorted(notebooks, key=lambda notebook: order(notebook.number))
    document = {"schema_version": SCHEMA_VERSION, "notebooks": [asdict(notebook) for notebook in ordered]}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def order(number: str) -> tuple[int, ...]:
    """Sorts "1.10" after "1.9"."""
    return tuple(int(part) if part.isdigit() else 10_000 + ord(part[0]) for part in number.split("."))


def parse(text: str) -> tuple[NotebookSpec, ...]:
    """The notebooks of a manifest's text."""
    return tuple(_notebook(entry) for entry in json.loads(text)["notebooks"])


@lru_cache(maxsize=8)
def _read(path: Path, modified: int) -> tuple[NotebookSpec, ...]:
    return parse(path.read_text(encoding="utf-8"))


def notebooks(path: Path = paths.MANIFEST) -> tuple[NotebookSpec, ...]:
    """All notebooks, in course order. Empty while nothing has been built."""
    return _read(path, path.stat().st_mtime_ns) if path.exists() else ()


def notebook(number: str) -> NotebookSpec:
    """The notebook of a number such as "1.1". Raises UnknownExercise."""
    known = {entry.number: entry for entry in notebooks()}
    if number not in known:
        raise UnknownExercise(f"There is no notebook {number}. {_near(number, list(known))}")
    return known[number]


def exercise(identifier: str) -> ExerciseSpec:
    """The exercise of an id such as "1.1.3". Raises UnknownExercise."""
    known = {spec.id: spec for entry in notebooks() for spec in entry.exercises}
    if identifier not in known:
        raise UnknownExercise(f"There is no exercise {identifier}. {_near(identifier, list(known))}")
    return known[identifier]


def notebook_of(identifier: str) -> NotebookSpec:
    """The notebook that holds an exercise. Raises UnknownExercise."""
    for entry in notebooks():
        if any(spec.id == identifier for spec in entry.exercises):
            return entry
    exercise(identifier)
    raise AssertionError("unreachable: `exercise` raised")


def _near(wanted: str, known: list[str]) -> str:
    near = difflib.get_close_matches(wanted, known, n=3)
    return f"Did you mean {', '.join(near)}?" if near else f"There are: {', '.join(known)}."


def _notebook(entry: dict[str, Any]) -> NotebookSpec:
    specs = tuple(_exercise(item) for item in entry["exercises"])
    return NotebookSpec(**{**entry, "exercises": specs, "examples": tuple(entry.get("examples", ()))})


def _exercise(entry: dict[str, Any]) -> ExerciseSpec:
    return ExerciseSpec(**{**entry, "parameters": tuple(entry["parameters"]), "hints": tuple(entry["hints"])})
