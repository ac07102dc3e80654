"""Reads the files of an answer that holds several tables and a JSON document about them. Trusts nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from autograder.compare import AnswerUnreadable, Frame, ReadLimits

MAXIMUM_FRAMES = 8
MAXIMUM_BYTES = 500_000
MAXIMUM_ENTRIES = 2_000
MAXIMUM_TEXT = 1_000
LIMITS = ReadLimits(rows=1_000_000, cells=20_000_000, file_bytes=100_000_000, decoded_bytes=300_000_000)

FRAME_FILE = re.compile(r"[a-z][a-z0-9_]{0,40}(\.[a-z]{1,8}\d{1,6})?\.parquet")
"""Files of frames: of a table, or of a table as it was at some time ("orders.v3", "orders.step2")."""

Found = TypeVar("Found")


def save_frames(frames: Mapping[str, Frame], folder: Path) -> None:
    """Write each frame as `<name>.parquet` into a folder, which is made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.write(folder / f"{name}.parquet")


def load_frames(folder: Path, names: re.Pattern[str] = FRAME_FILE, maximum: int = MAXIMUM_FRAMES) -> dict[str, Frame]:
    """The frames in a folder whose file names match. Raises AnswerUnreadable when one is damaged or there are too many."""
    found = sorted(file.name for file in folder.iterdir() if names.fullmatch(file.name))
    if len(found) > maximum:
        raise AnswerUnreadable(f"There are {len(found)} tables in the answer; at most {maximum} are accepted.")
    return {name.removesuffix(".parquet"): Frame.read(folder / name, LIMITS) for name in found}


def save_document(document: Mapping[str, Any], path: Path) -> None:
    """Write JSON so that equal documents give equal bytes."""
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load_document(path: Path, understood: Callable[[Any], Found]) -> Found:
    """What `understood` makes of the JSON in a file. Raises AnswerUnreadable for anything that it refuses."""
    if not path.is_file():
        raise AnswerUnreadable(f"{path.name} is missing.")
    if path.stat().st_size > MAXIMUM_BYTES:
        raise AnswerUnreadable(f"{path.name} is larger than {MAXIMUM_BYTES} bytes.")
    try:
        return understood(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AnswerUnreadable(f"{path.name} is not readable: {type(error).__name__}: {error}") from error


def entries(value: Any) -> dict[str, Any]:
    """A dictionary of bounded size."""
    return dict(_sized(typed(value, dict)))


def items(value: Any) -> list[Any]:
    """A list of bounded size."""
    return list(_sized(typed(value, list)))


def fields_of(kind: type, value: Any) -> dict[str, Any]:
    """The entries for the fields of a data class, all of them and no others. Raises ValueError."""
    given = entries(value)
    if set(given) != set(kind.__dataclass_fields__):  # type: ignore[attr-defined]
        raise ValueError(f"the entries are not those of {kind.__name__}")
    return given


def texts(value: Any) -> tuple[str, ...]:
    """A list of short texts."""
    return tuple(text(item) for item in items(value))


def text(value: Any) -> str:
    """A short text; lone surrogates, which JSON allows, become question marks."""
    return str(typed(value, str))[:MAXIMUM_TEXT].encode("utf-8", "replace").decode("utf-8")


def typed(value: Any, kind: type) -> Any:
    """The value, when it is of exactly this type. Raises TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} was expected, {type(value).__name__} found")
    return value


def _sized(value: Any) -> Any:
    if len(value) > MAXIMUM_ENTRIES:
        raise ValueError(f"a part has more than {MAXIMUM_ENTRIES} entries")
    return value
