"""Answers that are tables of Spark's catalog: their rows, and how the catalog describes them.

What `catalog={...}` may say:

- `"tables": {"report": {...}}`: the tables. Each is a parameter of the learner's function, which gets the table's name. Afterwards its
  rows are compared, unless `"content": False` (`"key": [...]` makes differences clearer), and all of `FACTS`, which must be as in
  the solution; `"facts": ["type", "buckets"]` leaves it at these.
- `"folders": ["archive"]`: parameters that get the path of a folder that is not there yet.
- `"schema": True`: the function takes the parameter `schema`, the name of the schema that the tables are in.
- `"uses": ["orders"]`, `"setup": [...]`, `"returns": True`: as in `autograder.checks.delta.scenario`; in a statement of the set-up,
  `{report}`, `{archive}`, `{schema}`, `{home}` (a folder for files) and the names of plain arguments are replaced.

The schema and all folders are new for every run, and removed afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from autograder.checks.base import Answer, Check, Judgement, Workspace
from autograder.checks.bounds import known_keys
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.documents import (
    MAXIMUM_FRAMES,
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
from autograder.checks.staging import NAME, filled, observing, own_schema, plain
from autograder.compare import Frame, FrameRules, compare_frames

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FACTS = ("type", "format", "place", "partitioned_by", "bucketed_by", "buckets", "sorted_by")
SCHEMA, RETURNED, STATE = "schema", "returned", "catalog.json"
_TYPES = {"MANAGED": "a managed table", "EXTERNAL": "an external table", "VIEW": "a view"}


@dataclass(frozen=True)
class TableWish:
    """What is looked at in one table; see the module's docstring."""

    content: bool = True
    key: tuple[str, ...] = ()
    facts: tuple[str, ...] = FACTS


@dataclass(frozen=True)
class Scenario:
    """The value of `catalog=`, checked."""

    tables: Mapping[str, TableWish]
    folders: tuple[str, ...] = ()
    schema: bool = False
    uses: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    returns: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Scenario:
        """Read the options of a `check` call. Raises ValueError, for the author, when `catalog=` says something unknown."""
        document = options.get("catalog")
        if not isinstance(document, Mapping) or not isinstance(document.get("tables"), Mapping):
            raise ValueError('catalog= needs "tables": a dictionary of table names and what to look at in them.')
        known_keys(document, {*cls.__dataclass_fields__}, "catalog=")
        for name in (*document["tables"], *document.get("folders", ())):
            if not NAME.fullmatch(name) or name in (RETURNED, SCHEMA, "spark"):
                raise ValueError(f"catalog=: {name!r} cannot be a name here; use small letters, digits and _.")
        tables = {name: _wish(name, wish) for name, wish in document["tables"].items()}
        if len(tables) >= MAXIMUM_FRAMES:
            raise ValueError(f"catalog=: {len(tables)} tables are more than can be compared.")
        chosen: dict[str, Any] = {**document, "tables": tables}
        for name in ("folders", "uses", "setup"):
            chosen[name] = tuple(chosen.get(name, ()))
        return cls(**chosen)


@dataclass(frozen=True)
class TableState:
    """How the catalog describes a table; `type` is empty when there is none. `place` is "own" for a folder that Spark chose."""

    type: str = ""
    format: str = ""
    place: str = ""
    partitioned_by: tuple[str, ...] = ()
    bucketed_by: tuple[str, ...] = ()
    buckets: int = 0
    sorted_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class CatalogAnswer:
    """The rows of tables, and what was "returned", by name; how the tables are described."""

    frames: Mapping[str, Frame]
    tables: Mapping[str, TableState]


class CatalogCheck(Check):
    """Lets the learner's function make tables in a fresh schema, and compares what they hold and how they are described."""

    kind = "catalog"
    option = "catalog"
    tells_values = False  # findings are counts, names of columns, and what the catalog says

    def tables(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """What the set-up reads."""
        return Scenario.of(options).uses

    def supplied(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of tables, paths of folders, the schema."""
        scenario = Scenario.of(options)
        return (*scenario.tables, *scenario.folders, *([SCHEMA] if scenario.schema else []))

    def run(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any], workspace: Workspace
    ) -> Answer:
        """Set up, call the function once, look at the tables, remove everything."""
        scenario = Scenario.of(options)
        with observing(workspace) as observer, own_schema(observer, workspace) as schema:
            handles = {name: f"{schema}.{name}" for name in scenario.tables}
            handles |= {name: str(workspace.folder / name) for name in scenario.folders}
            names = {**plain(workspace.arguments), **plain(inputs), **handles, SCHEMA: schema}
            places = {**names, "home": str(workspace.folder)}
            for statement in scenario.setup:
                observer.session.sql(filled(statement, places, "catalog")).collect()
            result = function(**inputs, **{name: names[name] for name in self.supplied(options)})
            returned = DataFrameCheck().capture(result, options) if scenario.returns else None
            frames, states = {}, {}
            for name, wish in scenario.tables.items():
                states[name] = _described(observer.session, handles[name], workspace.folder)
                if wish.content and states[name].type:
                    frames[name] = Frame.from_spark(observer.session.table(handles[name])).sorted()
        if returned is None:
            return Answer(CatalogAnswer(frames, states))
        rows = returned.payload if options.get("ordered") else returned.payload.sorted()
        return Answer(CatalogAnswer({**frames, RETURNED: rows}, states), returned.facts)

    def save(self, answer: Answer, folder: Path) -> None:
        """Write a Parquet file per table, and `catalog.json`."""
        tables = {name: asdict(state) for name, state in answer.payload.tables.items()}
        save_frames(answer.payload.frames, folder)
        save_document({"tables": tables, "facts": dict(answer.facts)}, folder / STATE)

    def load(self, folder: Path) -> Answer:
        """Read what `save` wrote, within limits."""
        tables, facts = load_document(folder / STATE, _understood)
        return Answer(CatalogAnswer(load_frames(folder), tables), facts)

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """What was returned, then content, then description, table by table: the first that is wrong decides."""
        right: list[str] = []
        for found in _findings(actual, expected, Scenario.of(options), options):
            if not found.equal:
                return replace(found, right=(*right, *found.right))
            right.extend(found.right)
        return Judgement(True, right=tuple(right), fraction=1.0)


def _described(session: SparkSession, name: str, home: Path) -> TableState:
    """What `DESCRIBE EXTENDED` says of a table."""
    if not session.catalog.tableExists(name):
        return TableState()
    columns = session.catalog.listColumns(name)
    rows = session.sql(f"DESCRIBE TABLE EXTENDED {name}").collect()
    detail = {row["col_name"]: row["data_type"] for row in rows}  # the table's own entries come after its columns
    place = Path(unquote(urlparse(detail.get("Location", "")).path))
    own = home / name.partition(".")[0]
    return TableState(
        type=detail.get("Type", ""),
        format=detail.get("Provider", "").lower(),
        place="own" if own in place.parents else str(place.relative_to(home)) if home in place.parents else "elsewhere",
        partitioned_by=tuple(column.name for column in columns if column.isPartition),
        bucketed_by=_names(detail.get("Bucket Columns", "")),
        buckets=int(detail.get("Num Buckets", 0)),
        sorted_by=_names(detail.get("Sort Columns", "")),
    )


def _names(listed: str) -> tuple[str, ...]:
    """The names in "[`a`, `b`]"."""
    return tuple(name.strip("` ") for name in listed.strip("[]").split(",") if name.strip("` "))


def _findings(actual: Answer, expected: Answer, scenario: Scenario, options: Mapping[str, Any]) -> Iterator[Judgement]:
    if scenario.returns:
        if RETURNED not in actual.payload.frames:
            yield Judgement(False, "What your function returned could not be read.")
            return
        given, wanted = (Answer(answer.payload.frames[RETURNED], answer.facts) for answer in (actual, expected))
        found = DataFrameCheck().judge(given, wanted, options)
        yield (
            Judgement(True, right=("What your function returns is right.",))
            if found.equal
            else replace(found, message=f"What your function returns: {found.message}")
        )
    for table, wish in scenario.tables.items():
        state, reference = actual.payload.tables.get(table, TableState()), expected.payload.tables[table]
        rows = actual.payload.frames.get(table)
        if not state.type and reference.type:
            yield Judgement(
                False, f"The catalog has no table of the name `{table}`: use the parameter itself.", shape="table"
            )
        elif state.type and not reference.type:
            yield Judgement(False, f"The catalog still has a table `{table}`.", shape="table")
        elif reference.type and wish.content:
            yield _content(table, wish, rows, expected.payload.frames[table])
        for fact in wish.facts:
            given_fact, wanted_fact = getattr(state, fact), getattr(reference, fact)
            if given_fact != wanted_fact:
                yield Judgement(False, _complaint(table, fact, given_fact, wanted_fact), shape="catalog")


def _content(table: str, wish: TableWish, given: Frame | None, wanted: Frame) -> Judgement:
    if given is None:
        return Judgement(False, f"The rows of `{table}` cannot be read.", shape="table")
    difference = compare_frames(given, wanted, FrameRules(key=wish.key, joins=False))
    if difference.equal:
        return Judgement(True, right=(f"`{table}` has the right rows.",))
    return replace(Judgement.of(difference), message=f"`{table}`: {difference.message}")


def _complaint(table: str, fact: str, found: Any, wanted: Any) -> str:
    """One fact of the catalog that is not as it should be."""
    if fact == "type":
        return (
            f"The rows of `{table}` are right, but it is {_TYPES.get(found, 'something else')}, not {_TYPES[wanted]}."
        )
    if fact == "format":
        return f"The rows of `{table}` are right, but its format is {found or 'unknown'}, not {wanted}."
    if fact == "place":
        return f"The rows of `{table}` are right, but its files are not where the task says."
    if fact == "buckets":
        return (
            f"The rows of `{table}` are right, but it has {found or 'no'} buckets; {wanted or 'none'} would be right."
        )
    what = {"partitioned_by": "partitioned", "bucketed_by": "bucketed", "sorted_by": "sorted within its buckets"}[fact]
    return (
        f"The rows of `{table}` are right, but it is {what} by {', '.join(found) or 'nothing'}, "
        f"not by {', '.join(wanted) or 'nothing'}."
    )


def _wish(name: str, document: Any) -> TableWish:
    where = f"catalog= table {name!r}"
    if not isinstance(document, Mapping):
        raise ValueError(f"{where}: give a dictionary, {{}} when only the content counts.")
    known_keys(document, {*TableWish.__dataclass_fields__}, where)
    facts = tuple(document.get("facts", FACTS))
    if not set(facts) <= set(FACTS):
        raise ValueError(f'{where}: "facts" can be {", ".join(FACTS)}.')
    return TableWish(bool(document.get("content", True)), tuple(document.get("key", ())), facts)


def _understood(document: Any) -> tuple[dict[str, TableState], dict[str, Any]]:
    tables = {text(name): _state(state) for name, state in entries(document["tables"]).items()}
    return tables, entries(document["facts"])


def _state(document: Any) -> TableState:
    given = fields_of(TableState, document)
    partitioned, bucketed, in_order = (texts(given[name]) for name in ("partitioned_by", "bucketed_by", "sorted_by"))
    kind, form, place = (text(given[name]) for name in ("type", "format", "place"))
    return TableState(kind, form, place, partitioned, bucketed, typed(given["buckets"], int), in_order)
