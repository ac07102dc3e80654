"""What is kept of an exercise's Delta tables, and its files. Reading them trusts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.checks.base import Answer
from autograder.checks.delta.log import Commit
from autograder.checks.documents import (
    entries,
    fields_of,
    items,
    load_document,
    load_frames,
    save_document,
    save_frames,
    text,
    texts,
    typed,
)
from autograder.compare import Frame

STATE = "delta.json"
ACCEPTED, REFUSED = "accepted", "refused"


@dataclass(frozen=True)
class TableState:
    """What was observed of one table.

    `problem` says why there is no Delta table to look at ("missing", or the other format), else it is empty. `continues` is whether
    the history still begins with the set-up's commits. `commits` are those that the function made. `trials` and `reads` are by the
    name that the exercise gives them: "accepted", "refused" or the error condition; the number of files.
    """

    problem: str = ""
    continues: bool = True
    commits: tuple[Commit, ...] = ()
    files: int = 0
    kept_files: int = 0
    partitioned_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    trials: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DeltaAnswer:
    """`frames` by name: a table's latest rows ("shelf"), those of a version ("shelf.v0"), and what was "returned"."""

    frames: Mapping[str, Frame]
    tables: Mapping[str, TableState]


def save(answer: Answer, folder: Path) -> None:
    """Write one Parquet file per frame, and `delta.json`."""
    save_frames(answer.payload.frames, folder)
    tables = {name: asdict(state) for name, state in answer.payload.tables.items()}
    save_document({"tables": tables, "facts": dict(answer.facts)}, folder / STATE)


def load(folder: Path) -> Answer:
    """Read what `save` wrote. Raises AnswerUnreadable for anything else."""
    tables, facts = load_document(folder / STATE, _understood)
    return Answer(DeltaAnswer(load_frames(folder), tables), facts)


def _understood(document: Any) -> tuple[dict[str, TableState], dict[str, Any]]:
    tables = {str(name): _state(state) for name, state in entries(document["tables"]).items()}
    return tables, entries(document["facts"])


def frame_name(table: str, version: int) -> str:
    """The name under which the rows of an earlier version of a table are kept."""
    return f"{table}.v{version}"


def _state(document: Any) -> TableState:
    given = fields_of(TableState, document)
    return TableState(
        problem=text(given["problem"]),
        continues=typed(given["continues"], bool),
        commits=tuple(_commit(commit) for commit in items(given["commits"])),
        files=typed(given["files"], int),
        kept_files=typed(given["kept_files"], int),
        partitioned_by=texts(given["partitioned_by"]),
        properties={text(name): text(value) for name, value in entries(given["properties"]).items()},
        trials={text(name): text(value) for name, value in entries(given["trials"]).items()},
        reads={text(name): typed(value, int) for name, value in entries(given["reads"]).items()},
    )


def _commit(document: Any) -> Commit:
    given = entries(document)
    metrics = {text(name): typed(value, int) for name, value in entries(given["metrics"]).items()}
    return Commit(typed(given["version"], int), text(given["operation"]), text(given["mode"]), metrics)
