"""What decides the mark of an exercise, as one number: when it changes, the exercise is graded again, and no other."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from autograder import manifest, paths
from autograder.checks import KINDS
from autograder.grading.engine import course_digest, notebooks_of
from autograder.grading.rebuild import ANSWER, CHECK, code_cells
from autograder.models import ExerciseSpec, NotebookSpec
from autograder.runtime.judge import reference_folder

_IN_PROSE = ("title", "hints")
_PACKAGES = ("pyspark", "delta-spark", "pandas", "pyarrow", "numpy")


def exercise_digests(assignment: str, *, released: bool = True) -> dict[str, str]:
    """SHA-256 by exercise id, for the automatically graded exercises of an assignment in course order.

    It covers the specification of the exercise, the expected answers, the inputs of the sample and of the hidden
    variants, and the released code that runs before it, if `released`. Prose, titles, hints and the stubs of other
    exercises are no part of it.
    """
    found = {}
    for notebook in notebooks_of(assignment):
        index = paths.hidden_folder(assignment, notebook.name) / "index.json"
        variants = json.loads(index.read_text(encoding="utf-8"))["exercises"] if index.exists() else {}
        code = _released_code(notebook) if released else []
        for spec in notebook.exercises:
            if spec.kind != "written":
                found[spec.id] = _digest(spec, code, variants.get(spec.id, []), index.parent)
    return found


@cache
def data_digests(assignment: str) -> dict[str, str]:
    """`exercise_digests` without released code, computed once in a process."""
    return exercise_digests(assignment, released=False)


def text_digest(texts: Iterable[str]) -> str:
    """16 hexadecimal digits of SHA-256 over texts, in their order."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _digest(spec: ExerciseSpec, code: Iterable[tuple[str, str]], variants: Any, hidden: Path) -> str:
    decides = {name: value for name, value in asdict(spec).items() if name not in _IN_PROSE}
    sources = [source for grade_id, source in code if grade_id in ("", spec.answer_cell)]
    digest = hashlib.sha256(json.dumps([decides, sources, variants], sort_keys=True, default=str).encode())
    tables = dict.fromkeys([*spec.parameters, *KINDS[spec.kind].tables(spec.options)])
    samples = [path for name in tables for path in sorted(paths.SAMPLES.glob(f"{name}.*"))]
    named = [hidden / text for text in _texts(variants) if "/" in text and os.path.lexists(hidden / text)]
    for place in [*samples, reference_folder(spec.id), *named]:
        for path in [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file()):
            digest.update(path.relative_to(paths.ROOT).as_posix().encode() + b"\n")
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _released_code(notebook: NotebookSpec) -> list[tuple[str, str]]:
    """(grade_id of an answer cell or empty, source) of the code cells that run, in order; none without a release."""
    release = paths.MODULES / notebook.assignment / f"{notebook.name}.ipynb"
    if not release.exists():
        return []
    cells = code_cells(json.loads(release.read_text(encoding="utf-8")))
    kept = [cell for cell in cells if not cell.grade_id.startswith(CHECK)]
    return [(cell.grade_id if cell.grade_id.startswith(ANSWER) else "", cell.source) for cell in kept]


def _texts(value: Any) -> Iterable[str]:
    """Every text inside a JSON value: some of them name files."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _texts(entry)


@lru_cache(maxsize=1)
def grader_digest() -> str:
    """SHA-256 over the course and the program that grades: equal on two machines when they give the same marks."""
    digest = hashlib.sha256()
    for assignment in dict.fromkeys(notebook.assignment for notebook in manifest.notebooks()):
        digest.update(course_digest(assignment).encode())
    versions = {package: importlib.metadata.version(package) for package in _PACKAGES}
    digest.update(json.dumps(versions).encode())
    programs = [paths.ROOT / "jars.lock", *sorted(path for path in paths.SAMPLES.rglob("*") if path.is_file())]
    for room in ("autograder", "datasets"):
        programs += sorted((paths.ROOT / room).rglob("*.py"))
    for path in programs:
        digest.update(path.relative_to(paths.ROOT).as_posix().encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()
