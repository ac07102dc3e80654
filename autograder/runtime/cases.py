"""A case is one set of inputs for an exercise: the sample, or a hidden variant. Captures answers to cases; compares nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.checks import KINDS
from autograder.models import ExerciseSpec, Status
from autograder.runtime import fixtures
from autograder.runtime.call import Outcome, call

SAMPLE = "sample"


@dataclass(frozen=True)
class Case:
    """`files` maps a parameter to the Parquet file that replaces the sample; `arguments` replaces values; `description` is for people."""

    name: str = SAMPLE
    description: str = "the sample data"
    files: Mapping[str, Path] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)


def read_cases(index: Path, exercise: str) -> list[Case]:
    """The hidden cases of one exercise from a notebook's `index.json` (written by `course build`); file names are relative to it."""
    if not index.exists():
        return []
    variants = json.loads(index.read_text(encoding="utf-8"))["exercises"].get(exercise, [])
    return [
        Case(
            entry["name"],
            entry["description"],
            {parameter: index.parent / name for parameter, name in entry["files"].items()},
            entry["arguments"],
        )
        for entry in variants
    ]


def answer(spec: ExerciseSpec, function: Any, case: Case, read: Callable[[str | Path], Any] | None = None) -> Outcome:
    """Run the learner's function on one case. Problems of the learner become an outcome; a raised error is the grader's own fault.

    `read` stands in for `fixtures.read_table`.
    """
    if not callable(function):
        return Outcome(
            Status.NOT_ATTEMPTED,
            message=f"There is no function `{spec.function}` yet. Run the cell that defines it first.",
        )
    try:
        fixtures.check_signature(function, spec.parameters)
    except fixtures.WrongSignature as problem:
        return Outcome(Status.FAILED, message=str(problem))
    check = KINDS[spec.kind]
    supplied = check.supplied(spec.options)
    parameters = [name for name in spec.parameters if name not in supplied]
    arguments = {**spec.arguments, **case.arguments}
    with fixtures.session_for(spec.options):
        inputs = fixtures.inputs(parameters, arguments, case.files, read)
        tables = fixtures.tables(check.tables(spec.options), case.files, read)
        return call(spec, check, function, inputs, tables, arguments)


def capture(spec: ExerciseSpec, function: Callable[..., Any] | None, case: Case, folder: Path) -> Outcome:
    """Run the function on one case and save its answer into `folder` (`answer.parquet` or `answer.json`, perhaps `facts.json`)."""
    outcome = answer(spec, function, case)
    if outcome.answer is not None:
        KINDS[spec.kind].save(outcome.answer, folder)
    return outcome
