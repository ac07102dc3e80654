"""What `delta={...}` may say, read and checked.

- `"tables": {"shelf": {...}}`: the tables that the exercise is about. Each is a parameter of the learner's function, which gets the
  table's name, or with `"as": "path"` its path. What is looked at afterwards:

  - `"content": False` leaves out the rows of the latest version, which are compared otherwise (`"key": [...]` for clearer differences);
  - `"versions": [0, 1]`: the rows of earlier versions are compared too;
  - `"operations": ["UPDATE", "MERGE"]`: the function's own commits must all be among these;
  - `"commits": bound`: how many commits the function may make;
  - `"metrics": {"numTargetRowsUpdated": bound}`: operation metrics, added up over the function's commits;
  - `"kept_files": bound`: how many of the files from before are still part of the table; `"files": bound`: how many there are in all;
  - `"partitioned_by": ["country"]`; `"properties": {"delta.appendOnly": "true"}`;
  - `"refuses"` and `"accepts"`: SQL statements by what they try ("a price below zero"), run when all else has been looked at;
  - `"reads": {"one country": {"where": "country = 'Spain'", "files": bound}}`: how many files a query reads.

- `"uses": ["products"]`: tables of `datasets` that the set-up reads; hidden variants may change them.
- `"setup": [...]`: SQL statements that run before the function; `{shelf}` stands for the table, `{k}` for the argument `k`.
- `"times": ["2025-03-01 08:00:00", ...]`: the commit times (UTC) of the versions that the set-up makes.
- `"returns": True`: the function returns a DataFrame, which is compared as for other exercises.

A bound is `{"at_least": n, "at_most": n}` or one of both; instead of a number, `"reference"` stands for what the solution has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.checks.bounds import Bound, known_keys
from autograder.checks.documents import MAXIMUM_FRAMES
from autograder.checks.staging import NAME

RETURNED = "returned"


@dataclass(frozen=True)
class Read:
    """A query whose files are counted: `where` is its condition in SQL."""

    where: str
    files: Bound


@dataclass(frozen=True)
class TableWish:
    """What is looked at in one table; see the module's docstring."""

    by_path: bool = False
    content: bool = True
    key: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    operations: tuple[str, ...] = ()
    commits: Bound | None = None
    metrics: Mapping[str, Bound] = field(default_factory=dict)
    files: Bound | None = None
    kept_files: Bound | None = None
    partitioned_by: tuple[str, ...] | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    refuses: Mapping[str, str] = field(default_factory=dict)
    accepts: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, Read] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """The value of `delta=`, checked."""

    tables: Mapping[str, TableWish]
    uses: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    times: tuple[dt.datetime, ...] = ()
    returns: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Scenario:
        """Read the options of a `check` call. Raises ValueError, for the author, when `delta=` says something unknown."""
        document = options.get("delta")
        if (
            not isinstance(document, Mapping)
            or not isinstance(document.get("tables"), Mapping)
            or not document["tables"]
        ):
            raise ValueError(
                'delta= needs "tables": a dictionary with at least one table name and what to look at in it.'
            )
        known_keys(document, {"tables", "uses", "setup", "times", "returns"}, "delta=")
        for name in document["tables"]:
            if not NAME.fullmatch(name) or name in (RETURNED, "spark"):
                raise ValueError(f"delta=: {name!r} cannot be the name of a table; use small letters, digits and _.")
        tables = {name: _wish(name, wish) for name, wish in document["tables"].items()}
        scenario = cls(
            tables,
            tuple(document.get("uses", ())),
            tuple(document.get("setup", ())),
            tuple(_moment(text) for text in document.get("times", ())),
            bool(document.get("returns", False)),
        )
        frames = scenario.returns + sum(wish.content + len(wish.versions) for wish in tables.values())
        if frames > MAXIMUM_FRAMES:
            raise ValueError(
                f"delta=: {frames} tables and versions would be compared; at most {MAXIMUM_FRAMES} can be."
            )
        return scenario


def _wish(name: str, document: Any) -> TableWish:
    where = f"delta= table {name!r}"
    if not isinstance(document, Mapping):
        raise ValueError(f"{where}: give a dictionary, {{}} when only the content counts.")
    known_keys(document, {"as", *TableWish.__dataclass_fields__} - {"by_path"}, where)
    if document.get("as", "name") not in ("name", "path"):
        raise ValueError(f'{where}: "as" is "name" or "path".')
    bounds = {
        key: Bound.of(document[key], f"{where}, {key}") for key in ("commits", "files", "kept_files") if key in document
    }
    partitions = document.get("partitioned_by")
    return TableWish(
        by_path=document.get("as") == "path",
        content=bool(document.get("content", True)),
        key=tuple(document.get("key", ())),
        versions=tuple(document.get("versions", ())),
        operations=tuple(document.get("operations", ())),
        metrics={key: Bound.of(value, f"{where}, {key}") for key, value in document.get("metrics", {}).items()},
        partitioned_by=None if partitions is None else tuple(partitions),
        properties=dict(document.get("properties", {})),
        refuses=dict(document.get("refuses", {})),
        accepts=dict(document.get("accepts", {})),
        reads={key: _read(value, f"{where}, {key}") for key, value in document.get("reads", {}).items()},
        **bounds,
    )


def _read(document: Any, where: str) -> Read:
    if not isinstance(document, Mapping) or set(document) != {"where", "files"}:
        raise ValueError(f'{where}: say {{"where": "...", "files": {{"at_most": 1}}}}.')
    return Read(str(document["where"]), Bound.of(document["files"], where))


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
