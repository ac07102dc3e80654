"""Record mode: in the solution twin, `check` runs the reference solution on the sample and every hidden variant and keeps the results.

What is written into the record folder, per exercise: `spec.json` (what the check call says), `sample/` (the expected answer), and
`variants/<n>/` with `case.json`, `expected/` and the changed tables as `<name>.parquet`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from autograder.checks import KINDS, Answer, Workspace, chosen_kind, kind_of
from autograder.compare import collect
from autograder.models import ExerciseSpec
from autograder.runtime import fixtures
from autograder.runtime.call import settings_kept
from autograder.runtime.cases import SAMPLE, Case, answer

CLASSIC_ONLY = frozenset({"plan", "actions", "delta", "stream", "model", "files", "database", "catalog"})
"""Options of `check` that look into the JVM."""


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
) -> tuple[ExerciseSpec, Answer, Answer]:
    """Run the solution on all cases and write what the module's docstring lists.

    Returns the completed spec, and the solution's answer and the expected one on the sample. Raises RecordError.
    """
    parameters = fixtures.parameters_of(function)
    if "connect" in spec.options and (classic := CLASSIC_ONLY.intersection(spec.options)):
        raise RecordError(f"{spec.id}: {', '.join(sorted(classic))} cannot be observed over Spark Connect")
    spec = replace(spec, function=function.__name__, parameters=parameters)
    spec = replace(spec, kind=chosen_kind(spec.options) or _kind(spec, function))
    home = folder / spec.id
    home.mkdir(parents=True, exist_ok=True)
    given, expected = _expected(spec, function, Case(), fixtures.tables(KINDS[spec.kind].tables(spec.options)))
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
    fixtures.inputs(_tables_of(spec), {})
    return spec, given, expected


def _kind(spec: ExerciseSpec, function: Callable[..., Any]) -> str:
    """The kind of answer that the solution gives."""
    with fixtures.session_for(spec.options), settings_kept(fixtures.session(), spec.options):
        return kind_of(function(**fixtures.inputs(spec.parameters, spec.arguments)))


def _record_variant(spec: ExerciseSpec, function: Callable[..., Any], variant: Variant, home: Path) -> None:
    home.mkdir(parents=True)
    check = KINDS[spec.kind]
    changed = _changed_tables(spec, variant)
    files = {}
    for name, frame in changed.items():
        path = home / f"{name}.parquet"
        shown = frame.drop(*check.withheld(spec.options).get(name, ()))
        write_table(collect(shown).rename_columns(shown.columns), path)
        files[name] = path
    document = {
        "name": variant.name,
        "description": variant.description,
        "files": sorted(files),
        "arguments": dict(variant.arguments),
    }
    (home / "case.json").write_text(json.dumps(document), encoding="utf-8")
    whole = fixtures.tables(check.tables(spec.options)) | {
        name: frame for name, frame in changed.items() if name in check.tables(spec.options)
    }
    case = Case(variant.name, variant.description, files, variant.arguments)
    check.save(_expected(spec, function, case, whole)[1], home / "expected")


def _tables_of(spec: ExerciseSpec) -> list[str]:
    """The parameters of an exercise that are tables."""
    others = {"spark", *spec.arguments, *KINDS[spec.kind].supplied(spec.options)}
    return [parameter for parameter in spec.parameters if parameter not in others]


def _changed_tables(spec: ExerciseSpec, variant: Variant) -> dict[str, Any]:
    tables = list(dict.fromkeys([*_tables_of(spec), *KINDS[spec.kind].tables(spec.options)]))
    unknown = (set(variant.changes) - set(tables)) | (set(variant.arguments) - set(spec.arguments))
    if unknown:
        raise RecordError(
            f"{spec.id}: variant {variant.name!r} changes {sorted(unknown)}, but the exercise takes {sorted({*tables, *spec.arguments})}"
        )
    changed: dict[str, Any] = {}
    for name in tables:
        change = variant.changes.get(name)
        if variant.seed is None and change is None:
            continue
        frame = fixtures.sample_table(name) if variant.seed is None else _generated(name, variant.seed)
        changed[name] = change(frame) if change else frame
    return changed


def _generated(table: str, seed: int) -> Any:
    import datasets

    return datasets.generate(fixtures.session(), table, seed=seed)


def write_table(table: pa.Table, path: Path) -> None:
    """Write an input table so that equal tables give equal bytes."""
    pq.write_table(table.replace_schema_metadata(None), path, compression="zstd", store_schema=False)


def _expected(
    spec: ExerciseSpec, function: Callable[..., Any], case: Case, whole: Mapping[str, Any]
) -> tuple[Answer, Answer]:
    """The solution's answer to a case and the expected one; `whole` are the tables of the kind with the columns that learners never see."""
    where = "the sample" if case.name == SAMPLE else f"variant {case.name!r}"
    check = KINDS[spec.kind]
    outcome = answer(spec, function, case)
    if outcome.answer is None:
        raise RecordError(f"{spec.id}: the solution fails on {where}: {outcome.message}\n{outcome.trace}")
    parameters = [name for name in spec.parameters if name not in check.supplied(spec.options)]
    arguments = {**spec.arguments, **case.arguments}
    inputs = fixtures.inputs(parameters, arguments, case.files)
    with tempfile.TemporaryDirectory(prefix="course-reference-") as folder:
        workspace = Workspace(fixtures.session(), Path(folder), whole, arguments)
        expected = check.reference(outcome.answer, function, inputs, spec.options, workspace)
    judgement = check.judge(outcome.answer, expected, spec.options)
    if not judgement.equal:
        raise RecordError(f"{spec.id}: the solution does not pass its own check on {where}: {judgement.message}")
    return outcome.answer, expected
