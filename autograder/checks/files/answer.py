"""What is kept of the folders of an exercise, and its files. Reading them trusts nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.checks.base import Answer
from autograder.checks.documents import (
    entries,
    load_document,
    load_frames,
    save_document,
    save_frames,
    text,
    texts,
    typed,
)
from autograder.checks.files.options import MAXIMUM_FRAMES
from autograder.checks.value import comparable
from autograder.compare import Frame

STATE = "files.json"
_FRAME_FILE = re.compile(r"[a-z][a-z0-9_]{0,40}\.parquet")


@dataclass(frozen=True)
class FolderState:
    """What was observed of one folder that the function wrote.

    `problem` says why there are no rows to look at: "missing", "empty", "link", "many", "large", "mixed", "elsewhere" (written to a
    folder named like the parameter), "format" or "unreadable", with `detail`: the other format or Spark's error condition. Numbers are
    0 and tuples empty where nothing is asked for. `largest` is the number of rows in the largest file, `header` whether every CSV
    file begins with the names of its columns.
    """

    problem: str = ""
    detail: str = ""
    partitioned_by: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    files: int = 0
    kept_files: int = 0
    largest: int = 0
    header: bool = False
    compressions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class FilesAnswer:
    """`frames` by name: the rows of a folder, and what was "returned"; `value` in a list of one, when it was a plain value.

    `made` by folder; `stays` are the names of the files that are left in a given folder; `served` what clients of an API did.
    """

    frames: Mapping[str, Frame]
    made: Mapping[str, FolderState]
    stays: Mapping[str, tuple[str, ...]]
    value: tuple[Any, ...] = ()
    served: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def save(answer: Answer, folder: Path) -> None:
    """Write one Parquet file per frame, and `files.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    found: FilesAnswer = answer.payload
    save_frames(found.frames, folder)
    document = {
        "made": {name: asdict(state) for name, state in found.made.items()},
        "stays": {name: list(names) for name, names in found.stays.items()},
        "value": list(found.value),
        "facts": dict(answer.facts),
    }
    if found.served:
        document["served"] = {name: dict(seen) for name, seen in found.served.items()}
    save_document(document, folder / STATE)


def load(folder: Path) -> Answer:
    """Read what `save` wrote. Raises AnswerUnreadable for anything else."""
    made, stays, value, served, facts = load_document(folder / STATE, _understood)
    frames = load_frames(folder, _FRAME_FILE, MAXIMUM_FRAMES)
    return Answer(FilesAnswer(frames, made, stays, value, served), facts)


def _understood(
    document: Any,
) -> tuple[
    dict[str, FolderState], dict[str, tuple[str, ...]], tuple[Any, ...], dict[str, dict[str, int]], dict[str, Any]
]:
    value = typed(document["value"], list)
    if len(value) > 1:
        raise ValueError("there is more than one value")
    return (
        {text(name): _state(state) for name, state in entries(document["made"]).items()},
        {text(name): texts(names) for name, names in entries(document["stays"]).items()},
        tuple(comparable(item) for item in value),
        {
            text(name): {text(fact): typed(count, int) for fact, count in entries(seen).items()}
            for name, seen in entries(document.get("served", {})).items()
        },
        entries(document["facts"]),
    )


def _state(document: Any) -> FolderState:
    given = entries(document)
    if set(given) != set(FolderState.__dataclass_fields__):
        raise ValueError("a folder's entries are not those of a folder")
    return FolderState(
        problem=text(given["problem"]),
        detail=text(given["detail"]),
        header=typed(given["header"], bool),
        partitioned_by=texts(given["partitioned_by"]),
        folders=texts(given["folders"]),
        files=typed(given["files"], int),
        kept_files=typed(given["kept_files"], int),
        largest=typed(given["largest"], int),
        compressions=texts(given["compressions"]),
        names=texts(given["names"]),
    )
