"""Record mode: in the solution twin, `check` runs the reference solution on the sample and every hidden variant and keeps the results.

What is written into the record folder, per exercise: `spec.json` (what the check call says), `sample/` (the expected answer), and
`variants/<n>/` with `case.json`, `expected/` and the changed tables as `<parameter>.parquet`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from autograder.checks import KINDS, Answer, kind_of
from autograder.compare import collect
from autograder.models import ExerciseSpec
from autograder.runtime import fixtures
from autograder.runtime.call import call


class RecordError(Exception):
    """The reference solution itself does not run; the message says on which case."""


@dataclass(frozen=True)
class Variant:
    """One declared variant: `seed` regenerates all tables, `changes` are applied per table, `arguments` replace values."""

    name: str
    description: str
    seed: int | None
    changes: Mapping[str, Callable[[Any], Any]]
    arguments: Mapping[str, Any]


def record(
    spec: ExerciseSpec, function: Callable[..., Any], variants: list[Variant], folder: Path
) -> tuple[ExerciseSpec, Answer]:
    """Run the solution on all cases and write what the module's docstring lists.

    Returns the completed spec and the expected answer on the sample. Raises RecordError.
    """
    parameters = fixtures.parameters_of(function)
    spec = replace(spec, function=function.__name__, parameters=parameters)
    inputs = fixtures.inputs(parameters, spec.arguments)
    spec = replace(spec, kind=kind_of(function(**inputs)))
    home = folder / spec.id
    home.mkdir(parents=True, exist_ok=True)
    expected = _expected(spec, function, inputs, "the sample")
    KINDS[spec.kind].save(expected, home / "sample")
    facts = {
        "function": spec.function,
        "parameters": list(parameters),
        "kind": spec.kind,
        "arguments": dict(spec.arguments),
        "options": dict(spec.options),
        "deadline": spec.deadline,
    }
    (home / "spec.json").write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")
    for number, variant in enumerate(variants):
        _record_variant(spec, function, variant, home / "variants" / str(number))
    # The cells below read the views that a variant has replaced: give them the sample again.
    fixtures.inputs(parameters, spec.arguments)
    return spec, expected


def _record_variant(spec: ExerciseSpec, function: Callable[..., Any], variant: Variant, home: Path) -> None:
    home.mkdir(parents=True)
    files = {}
    for parameter, frame in _changed_tables(spec, variant).items():
        path = home / f"{parameter}.parquet"
        write_table(collect(frame).rename_columns(frame.columns), path)
        files[parameter] = path
    case = {
        "name": variant.name,
        "description": variant.description,
        "files": sorted(files),
        "arguments": dict(variant.arguments),
    }
    (home / "case.json").write_text(json.dumps(case), encoding="utf-8")
    inputs = fixtures.inputs(spec.parameters, {**spec.arguments, **variant.arguments}, files)
    KINDS[spec.kind].save(_expected(spec, function, inputs, f"variant {variant.name!r}"), home / "expected")


def _changed_tables(spec: ExerciseSpec, variant: Variant) -> dict[str, Any]:
    unknown = (set(variant.changes) | set(variant.arguments)) - set(spec.parameters)
    if unknown:
        raise RecordError(
            f"{spec.id}: variant {variant.name!r} changes {sorted(unknown)}, but the function takes {list(spec.parameters)}"
        )
    changed: dict[str, Any] = {}
    for parameter in spec.parameters:
        if parameter == "spark" or parameter in spec.arguments:
            continue
        change = variant.changes.get(parameter)
        if variant.seed is None and change is None:
            continue
        frame = fixtures.sample_table(parameter) if variant.seed is None else _generated(parameter, variant.seed)
        changed[parameter] = change(frame) if change else frame
    return changed


def _generated(table: str, seed: int) -> Any:
    import datasets

    return datasets.generate(fixtures.session(), table, seed=seed)


def write_table(table: pa.Table, path: Path) -> None:
    """Write an input table so that equal tables give equal bytes."""
    pq.write_table(table.replace_schema_metadata(None), path, compression="zstd", store_schema=False)


def _expected(spec: ExerciseSpec, function: Callable[..., Any], inputs: Mapping[str, Any], case: str) -> Answer:
    outcome = call(spec, KINDS[spec.kind], function, inputs)
    if outcome.answer is None:
        raise RecordError(f"{spec.id}: the solution fails on {case}: {outcome.message}\n{outcome.trace}")
    judgement = KINDS[spec.kind].judge(outcome.answer, outcome.answer, spec.options)
    if not judgement.equal:
        raise RecordError(f"{spec.id}: the solution does not pass its own check on {case}: {judgement.message}")
    return outcome.answer
