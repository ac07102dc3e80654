"""`manifest.json` of a folder of tables: what was written, by which settings, and how to tell that it is whole."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from datasets.catalog import GENERATOR_VERSION
from datasets.writing.errors import DataError

NAME = "manifest.json"
_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One complete table: version of its generator, content, and the files (in bytes) that hold it."""

    version: int
    rows: int
    digest: str
    files: int
    bytes: int
    seconds: float


@dataclass
class Manifest:
    """What a folder holds.

    `settings` are those of `Request.settings`; `outdated` are tables that are there and wait to be made anew.
    """

    settings: dict[str, object]
    tables: dict[str, Entry] = field(default_factory=dict)
    outdated: list[str] = field(default_factory=list)

    def complete(self, name: str, entry: Entry) -> None:
        """Note that a table is there, whole and up to date."""
        self.tables[name] = entry
        self.outdated = [other for other in self.outdated if other != name]

    def save(self, folder: Path) -> None:
        """Replace the file in one step: a reader meets the old or the new one, never half of it."""
        content = {
            "schema_version": _SCHEMA_VERSION,
            "generator_version": GENERATOR_VERSION,
            **self.settings,
            "tables": {name: asdict(entry) for name, entry in self.tables.items()},
            "outdated": self.outdated,
        }
        draft = folder / f".{NAME}.{os.getpid()}"
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(folder / NAME)


def read(folder: Path) -> Manifest | None:
    """The manifest of a folder, None where there is none.

    Raises:
        DataError: the file is not one that this version has written.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("schema_version") != _SCHEMA_VERSION:
            raise ValueError("another schema_version")
        content.pop("generator_version")
        entries = {name: Entry(**entry) for name, entry in content.pop("tables").items()}
        outdated = [str(name) for name in content.pop("outdated")]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path} cannot be read as a manifest of generated data ({error}). Choose another folder with --out."
        ) from error
    return Manifest(content, entries, outdated)


def files_of(table_folder: Path) -> tuple[int, int]:
    """Number and bytes of the data files of a table; what Spark hides (names with . or _ in front) is not counted."""
    sizes = [
        path.stat().st_size
        for path in table_folder.rglob("*")
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(table_folder).parts)
    ]
    return len(sizes), sum(sizes)


def is_whole(folder: Path, name: str, entry: Entry) -> bool:
    """Whether the files of a table are those that its entry counts."""
    return (folder / name).is_dir() and files_of(folder / name) == (entry.files, entry.bytes)
