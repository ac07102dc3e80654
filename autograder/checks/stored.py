"""Answers of several tables and a JSON document: their files, and reading them back without trust."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autograder.compare import AnswerUnreadable, Frame, ReadLimits

MAXIMUM_FRAMES = 8
MAXIMUM_BYTES = 500_000
MAXIMUM_ENTRIES = 2_000
LIMITS = ReadLimits(rows=1_000_000, cells=20_000_000, file_bytes=100_000_000, decoded_bytes=300_000_000)
_FRAME_FILE = re.compile(r"[a-z][a-z0-9_]{0,40}(\.[a-z]{1,8}\d{1,6})?\.parquet")


def save(folder: Path, frames: Mapping[str, Frame], name: str, document: Mapping[str, Any]) -> None:
    """Write one Parquet file per frame, and the document under a name."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame_name, frame in frames.items():
        frame.write(folder / f"{frame_name}.parquet")
    (folder / name).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load_frames(folder: Path) -> dict[str, Frame]:
    """The frames of a folder, by name. Raises AnswerUnreadable when there are too many, or one is damaged or too large."""
    names = sorted(file.name for file in folder.iterdir() if _FRAME_FILE.fullmatch(file.name))
    if len(names) > MAXIMUM_FRAMES:
        raise AnswerUnreadable(f"There are {len(names)} tables in the answer; at most {MAXIMUM_FRAMES} are accepted.")
    return {name.removesuffix(".parquet"): Frame.read(folder / name, LIMITS) for name in names}


@contextlib.contextmanager
def document(path: Path) -> Iterator[dict[str, Any]]:
    """A JSON object from a file. What the block finds wrong in it is raised as AnswerUnreadable, too."""
    if not path.is_file():
        raise AnswerUnreadable(f"{path.name} is missing.")
    if path.stat().st_size > MAXIMUM_BYTES:
        raise AnswerUnreadable(f"{path.name} is larger than {MAXIMUM_BYTES} bytes.")
    try:
        yield entries(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AnswerUnreadable(f"{path.name} is not readable: {type(error).__name__}: {error}") from error


def fields_of(kind: type, value: Any) -> dict[str, Any]:
    """The entries for the fields of a data class, all of them and no others. Raises ValueError."""
    given = entries(value)
    if set(given) != set(kind.__dataclass_fields__):  # type: ignore[attr-defined]
        raise ValueError(f"the entries are not those of {kind.__name__}")
    return given


def entries(value: Any) -> dict[str, Any]:
    """A dictionary of bearable size."""
    return dict(_sized(typed(value, dict)))


def items(value: Any) -> list[Any]:
    """A list of bearable size."""
    return list(_sized(typed(value, list)))


def text(value: Any) -> str:
    """A text, cut to a bearable length."""
    return str(typed(value, str))[:1_000]


def typed(value: Any, kind: type) -> Any:
    """The value, which must be of exactly this type. Raises TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} was expected, {type(value).__name__} found")
    return value


def _sized(value: Any) -> Any:
    if len(value) > MAXIMUM_ENTRIES:
        raise ValueError(f"a part has more than {MAXIMUM_ENTRIES} entries")
    return value
