"""Reads a Delta table's `_delta_log`: commits, table metadata, the files that are part of a version. No Spark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COMMIT_NAME_LENGTH = 20


@dataclass(frozen=True)
class Commit:
    """One version: the operation as `DESCRIBE HISTORY` names it, its write mode if any, and the numeric metrics."""

    version: int
    operation: str
    mode: str
    metrics: dict[str, int]


@dataclass(frozen=True)
class Log:
    """What a log says. `files` are those of the latest version; `digests` identify each commit's file."""

    commits: tuple[Commit, ...]
    digests: tuple[str, ...]
    files: frozenset[str]
    partition_columns: tuple[str, ...]
    properties: dict[str, str]

    def continues(self, earlier: Log) -> bool:
        """Whether all commits of an earlier state of the table are still there, unchanged."""
        return self.digests[: len(earlier.digests)] == earlier.digests


EMPTY = Log((), (), frozenset(), (), {})


def commit_files(table: Path) -> list[Path]:
    """The JSON files of a table's commits, oldest first; none when there is no Delta table."""
    found = (table / "_delta_log").glob("*.json")
    return sorted(path for path in found if path.stem.isdigit() and len(path.stem) == _COMMIT_NAME_LENGTH)


def read(table: Path) -> Log:
    """Replay all commits of the table in a folder. Raises ValueError when a commit cannot be read."""
    commits, digests = [], []
    files: set[str] = set()
    metadata: dict[str, Any] = {}
    for path in commit_files(table):
        content = path.read_bytes()
        digests.append(hashlib.sha256(content).hexdigest())
        information: dict[str, Any] = {}
        for kind, action in _actions(content):
            if kind == "add":
                files.add(str(action["path"]))
            elif kind == "remove":
                files.discard(str(action["path"]))
            elif kind == "metaData":
                metadata = action
            elif kind == "commitInfo":
                information = action
        commits.append(_commit(int(path.stem), information))
    return Log(
        tuple(commits),
        tuple(digests),
        frozenset(files),
        tuple(map(str, metadata.get("partitionColumns", ()))),
        {str(name): str(value) for name, value in metadata.get("configuration", {}).items()},
    )


def _actions(content: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    added = []
    for line in content.splitlines():
        for kind, action in json.loads(line).items():
            if kind == "add":
                # A file whose deletion vector changes is removed and added in one commit, in any order.
                added.append((kind, action))
            else:
                yield kind, action
    yield from added


def _commit(version: int, information: dict[str, Any]) -> Commit:
    parameters = information.get("operationParameters") or {}
    metrics = information.get("operationMetrics") or {}
    return Commit(
        version,
        str(information.get("operation", "")),
        "" if parameters.get("predicate") else str(parameters.get("mode") or ""),
        {str(name): int(value) for name, value in metrics.items() if str(value).lstrip("-").isdigit()},
    )
