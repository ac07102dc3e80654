"""What is kept of an exercise's database, and its files. Reading them trusts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.checks.base import Answer
from autograder.checks.database.scenario import RETURNED
from autograder.checks.documents import (
    entries,
    fields_of,
    load_document,
    load_frames,
    save_document,
    save_frames,
    text,
    texts,
    typed,
)
from autograder.checks.value import comparable
from autograder.compare import Frame

STATE = "database.json"


@dataclass(frozen=True)
class TableState:
    """What was observed of one table at the end.

    `problem` is "missing" when there is none, else empty. `same` is whether it is the table that the set-up made; `lost` how many of the
    constraints and indexes that it then had are gone.
    """

    problem: str = ""
    same: bool = True
    lost: int = 0
    primary_key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """One call of the function: whether it raised, the rows that Spark received from the database, and how the read was cut."""

    failed: bool = False
    rows: int = 0
    partitions: int = 0
    largest: float = 0.0


@dataclass(frozen=True)
class DatabaseAnswer:
    """`frames` by name: rows of a table at the end ("orders") and after a crash ("orders.step2"), and what was "returned.step1".

    `values` are plain values that were returned, by step; `left` is the number of tables that the exercise knows nothing of.
    """

    frames: Mapping[str, Frame]
    tables: Mapping[str, TableState] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    left: int = 0


def after_step(name: str, step: int) -> str:
    """The name under which something is kept as it was after a step, counted from 1."""
    return f"{name}.step{step}"


def returned(step: int) -> str:
    """The name under which rows or a value returned by a step are kept."""
    return after_step(RETURNED, step)


def save(answer: Answer, folder: Path) -> None:
    """Write one Parquet file per frame, and `database.json`."""
    payload: DatabaseAnswer = answer.payload
    document = {
        "tables": {name: asdict(state) for name, state in payload.tables.items()},
        "runs": {name: asdict(run) for name, run in payload.runs.items()},
        "values": dict(payload.values),
        "left": payload.left,
        "facts": dict(answer.facts),
    }
    save_frames(payload.frames, folder)
    save_document(document, folder / STATE)


def load(folder: Path) -> Answer:
    """Read what `save` wrote. Raises AnswerUnreadable for anything else."""
    tables, runs, values, left, facts = load_document(folder / STATE, _understood)
    return Answer(DatabaseAnswer(load_frames(folder), tables, runs, values, left), facts)


def _understood(
    document: Any,
) -> tuple[dict[str, TableState], dict[str, Run], dict[str, Any], int, dict[str, Any]]:
    return (
        {text(name): _state(state) for name, state in entries(document["tables"]).items()},
        {text(name): _run(run) for name, run in entries(document["runs"]).items()},
        {text(name): comparable(value) for name, value in entries(document["values"]).items()},
        typed(document["left"], int),
        entries(document["facts"]),
    )


def _state(document: Any) -> TableState:
    given = fields_of(TableState, document)
    return TableState(
        text(given["problem"]),
        typed(given["same"], bool),
        typed(given["lost"], int),
        texts(given["primary_key"]),
    )


def _run(document: Any) -> Run:
    given = fields_of(Run, document)
    return Run(
        typed(given["failed"], bool),
        typed(given["rows"], int),
        typed(given["partitions"], int),
        typed(given["largest"], float),
    )
