"""What is kept of an exercise's Delta tables, and its files. Reading them trusts nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.checks.base import Answer
from autograder.checks.delta.log import Commit
from autograder.checks.delta.scenario import MAXIMUM_FRAMES
from autograder.compare import AnswerUnreadable, Frame, ReadLimits

STATE = "delta.json"
MAXIMUM_STATE_BYTES = 500_000
MAXIMUM_ENTRIES = 2_000
LIMITS = ReadLimits(rows=1_000_000, cells=20_000_000, file_bytes=100_000_000, decoded_bytes=300_000_000)
ACCEPTED, REFUSED = "accepted", "refused"
_FRAME_FILE = re.compile(r"[a-z][a-z0-9_]{0,40}(\.v\d{1,6})?\.parquet")


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
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in answer.payload.frames.items():
        frame.write(folder / f"{name}.parquet")
    tables = {name: asdict(state) for name, state in answer.payload.tables.items()}
    document = {"tables": tables, "facts": dict(answer.facts)}
    (folder / STATE).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load(folder: Path) -> Answer:
    """Read what `save` wrote. Raises AnswerUnreadable for anything else."""
    path = folder / STATE
    if not path.is_file():
        raise AnswerUnreadable(f"{STATE} is missing.")
    if path.stat().st_size > MAXIMUM_STATE_BYTES:
        raise AnswerUnreadable(f"{STATE} is larger than {MAXIMUM_STATE_BYTES} bytes.")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        tables = {str(name): _state(state) for name, state in _entries(document["tables"]).items()}
        facts = _entries(document["facts"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AnswerUnreadable(f"{STATE} is not readable: {type(error).__name__}: {error}") from error
    names = sorted(file.name for file in folder.iterdir() if _FRAME_FILE.fullmatch(file.name))
    if len(names) > MAXIMUM_FRAMES:
        raise AnswerUnreadable(f"There are {len(names)} tables in the answer; at most {MAXIMUM_FRAMES} are accepted.")
    frames = {name.removesuffix(".parquet"): Frame.read(folder / name, LIMITS) for name in names}
    return Answer(DeltaAnswer(frames, tables), facts)


def frame_name(table: str, version: int) -> str:
    """The name under which the rows of an earlier version of a table are kept."""
    return f"{table}.v{version}"


def _state(document: Any) -> TableState:
    given = _entries(document)
    if set(given) != set(TableState.__dataclass_fields__):
        raise ValueError("a table's entries are not those of a table")
    return TableState(
        problem=_text(given["problem"]),
        continues=_typed(given["continues"], bool),
        commits=tuple(_commit(commit) for commit in _items(given["commits"])),
        files=_typed(given["files"], int),
        kept_files=_typed(given["kept_files"], int),
        partitioned_by=tuple(_text(name) for name in _items(given["partitioned_by"])),
        properties={_text(name): _text(value) for name, value in _entries(given["properties"]).items()},
        trials={_text(name): _text(value) for name, value in _entries(given["trials"]).items()},
        reads={_text(name): _typed(value, int) for name, value in _entries(given["reads"]).items()},
    )


def _commit(document: Any) -> Commit:
    given = _entries(document)
    metrics = {_text(name): _typed(value, int) for name, value in _entries(given["metrics"]).items()}
    return Commit(_typed(given["version"], int), _text(given["operation"]), _text(given["mode"]), metrics)


def _entries(value: Any) -> dict[str, Any]:
    return dict(_sized(_typed(value, dict)))


def _items(value: Any) -> list[Any]:
    return list(_sized(_typed(value, list)))


def _text(value: Any) -> str:
    return str(_typed(value, str))[:1_000]


def _sized(value: Any) -> Any:
    if len(value) > MAXIMUM_ENTRIES:
        raise ValueError(f"a part has more than {MAXIMUM_ENTRIES} entries")
    return value


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} was expected, {type(value).__name__} found")
    return value
