"""What `database={...}` and the argument `script` may say, read and checked.

- `"tables": {"orders": {...}}`: the tables of PostgreSQL that the exercise is about.

  - `"from": "SELECT order_id, status FROM orders"`: a query of Spark over the tables in `uses`; the set-up puts its rows there.
    A table without it is made by a statement of `setup`, or is for the learner to create;
  - `"content": False`: its rows are not looked at afterwards; `"key": [...]` makes differences clearer;
  - `"primary_key": ["order_id"]`: the primary key that it must have at the end. That a table of the set-up is still the same one,
    with all of its constraints and indexes, is always looked at;
  - `"as": "path"`: no table of PostgreSQL, but a folder that stays from run to run; a parameter of this name gets its path. At the
    end a Delta table or Parquet files are expected there.

- `"uses": ["orders"]`: tables of `datasets` that the set-up reads; hidden variants may change them.
- `"setup": [...]`: statements of PostgreSQL that run before the function, after the tables are filled; `{k}` is the argument `k`.
- `"returns": "rows"` or `"value"`: what the function returns is compared, for each run.
- `"spare_rows": 20`: in no run may Spark receive so many rows more from the database than in the solution.
- `"partitions": True`: the JDBC read is cut into as many partitions as the solution's; `"largest": 0.4` is the greatest part of the
  rows that one of them may hold.
- `"tidy": True`: no other tables are left in the database.

The function gets its own database as the parameter `database`. The argument `script` is a list of steps, `["run"]` unless given:
`"run"` calls the function; `"crash 5"` calls it too, and the server cuts off the connection that writes the fifth row into a table of the
set-up (the rows are compared after it as well); anything else is a statement of PostgreSQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.checks.bounds import known_keys
from autograder.checks.documents import MAXIMUM_FRAMES
from autograder.checks.staging import NAME

DATABASE, SCRIPT = "database", "script"
"""The parameter that gets the database, and the argument that holds the steps."""
RETURNED = "returned"
ROWS, VALUE = "rows", "value"
_RUN = re.compile(r"run|crash (?P<row>[1-9]\d{0,5})")


@dataclass(frozen=True)
class TableWish:
    """What is looked at in one table; see the module's docstring."""

    rows_from: str = ""
    by_path: bool = False
    content: bool = True
    key: tuple[str, ...] = ()
    primary_key: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Scenario:
    """The value of `database=`, checked."""

    tables: Mapping[str, TableWish]
    uses: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    returns: str = ""
    spare_rows: int | None = None
    partitions: bool = False
    largest: float | None = None
    tidy: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The tables that are folders."""
        return tuple(name for name, wish in self.tables.items() if wish.by_path)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Scenario:
        """Read the options of a `check` call. Raises ValueError, for the author, when `database=` says something unknown."""
        document = options.get("database")
        if not isinstance(document, Mapping) or not isinstance(document.get("tables"), Mapping):
            raise ValueError('database= needs "tables": a dictionary of table names and what to look at in them.')
        known_keys(document, {*cls.__dataclass_fields__}, "database=")
        for name in document["tables"]:
            if not NAME.fullmatch(name) or name in (RETURNED, DATABASE, "spark"):
                raise ValueError(f"database=: {name!r} cannot be the name of a table; use small letters, digits and _.")
        if document.get("returns", "") not in ("", ROWS, VALUE):
            raise ValueError('database=: "returns" is "rows" or "value".')
        of_rows = [name for name in ("partitions", "largest") if name in document]
        if of_rows and document.get("returns") != ROWS:
            raise ValueError(f'database=: {" and ".join(of_rows)} can be told only of "returns": "rows".')
        tables = {name: _wish(name, wish) for name, wish in document["tables"].items()}
        chosen: dict[str, Any] = {**document, "tables": tables}
        for name in ("uses", "setup"):
            chosen[name] = tuple(chosen.get(name, ()))
        return cls(**chosen)


@dataclass(frozen=True)
class Step:
    """A call of the function, with the row whose writing is cut off (0: none), or a `statement`."""

    statement: str = ""
    crash: int = 0

    @property
    def calls(self) -> bool:
        """Whether the function is called."""
        return not self.statement


def script_of(given: Any, scenario: Scenario) -> tuple[Step, ...]:
    """The steps of a case. Raises ValueError, for the author."""
    steps = ["run"] if given is None else given
    if not isinstance(steps, list) or not all(isinstance(step, str) and step for step in steps):
        raise ValueError('script: give a list of "run", "crash 5" and statements.')
    if "run" not in steps:
        raise ValueError('script: at least one step must be "run".')
    found = tuple(_step(step) for step in steps)
    looked_at = sum(wish.content for wish in scenario.tables.values())
    times = 1 + sum(step.crash > 0 for step in found)
    returned = sum(step.calls and not step.crash for step in found) if scenario.returns == ROWS else 0
    if looked_at * times + returned > MAXIMUM_FRAMES:
        raise ValueError(
            f"script: {looked_at * times + returned} tables would be compared; at most {MAXIMUM_FRAMES} can be."
        )
    return found


def _step(text: str) -> Step:
    known = _RUN.fullmatch(text)
    return Step(crash=int(known["row"] or 0)) if known else Step(text)


def _wish(name: str, document: Any) -> TableWish:
    where = f"database= table {name!r}"
    if not isinstance(document, Mapping):
        raise ValueError(f"{where}: give a dictionary, {{}} when only the content counts.")
    known_keys(document, {"from", "as", "content", "key", "primary_key"}, where)
    if document.get("as", "path") != "path":
        raise ValueError(f'{where}: "as" can only be "path".')
    if "as" in document and {"from", "primary_key"} & set(document):
        raise ValueError(f"{where}: a folder has neither rows from the set-up nor a primary key.")
    primary_key = document.get("primary_key")
    return TableWish(
        rows_from=str(document.get("from", "")),
        by_path="as" in document,
        content=bool(document.get("content", True)),
        key=tuple(document.get("key", ())),
        primary_key=None if primary_key is None else tuple(primary_key),
    )
