"""A database of its own for one answer: filled before the function runs, looked at afterwards, and taken away in any case."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.checks.base import Unavailable, Workspace
from autograder.checks.database.answer import TableState
from autograder.checks.database.scenario import DATABASE, Scenario
from autograder.checks.staging import Observer, each_in_any_case, filled, observing, plain
from autograder.compare import Frame
from autograder.services import postgres, postgres_tables
from autograder.services.errors import ServiceUnavailable
from autograder.services.postgres import Access, Database

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_GUARD = """
CREATE SCHEMA guard;
CREATE SEQUENCE guard.written;
CREATE FUNCTION guard.cut() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('guard.written') >= {row} THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
        PERFORM pg_sleep(10);
    END IF;
    RETURN NEW;
END $$
"""
"""From a certain row on, whoever writes is cut off. A sequence counts the rows of all connections, and is not rolled back."""

_TABLES = """
SELECT c.relname, c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
"""
_BELONGINGS = """
SELECT c.relname, o.conname || ' ' || pg_get_constraintdef(o.oid) FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
UNION ALL SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
_PRIMARY_KEYS = """
SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number WHERE i.indisprimary ORDER BY c.relname, k.place
"""
_HANG_UP = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}' AND pid <> pg_backend_pid()"

ENDED = "PostgreSQL ended while your function ran. Check again: the next check starts a new server."


@dataclass(frozen=True)
class Catalog:
    """What a database says of its tables: their ids, their constraints and indexes, their primary keys."""

    ids: Mapping[str, int] = field(default_factory=dict)
    belongings: frozenset[tuple[str, str]] = frozenset()
    primary_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Stage:
    """The database of one answer. Learners have `access`, whose user owns it; `administrator` is the server's own user."""

    scenario: Scenario
    server: Database
    access: Access
    administrator: Access
    observer: Observer
    folder: Path
    values: Mapping[str, str]
    before: Catalog = field(default_factory=Catalog)

    @property
    def handles(self) -> dict[str, Any]:
        """What the learner's function gets: the database, and the paths of folders."""
        return {DATABASE: self.access, **{name: str(self.folder / name) for name in self.scenario.paths}}

    def execute(self, statement: str) -> None:
        """Run a statement of the exercise, as the database's owner."""
        self._as(self.access, filled(statement, self.values, "database"))

    @contextlib.contextmanager
    def crashing(self, row: int) -> Iterator[None]:
        """Cut off the connection that writes this row into a table of the set-up, and every one that writes later."""
        triggers = [
            f'CREATE TRIGGER cut BEFORE INSERT OR UPDATE ON "{name}" FOR EACH ROW EXECUTE FUNCTION guard.cut()'
            for name in self.before.ids
        ]
        self._as(self.administrator, *_GUARD.format(row=row).split(";\n", 2), *triggers)
        try:
            yield
        finally:
            self.hang_up()
            self._as(self.administrator, "DROP SCHEMA guard CASCADE")

    def hang_up(self) -> None:
        """End all connections of the learner: one that is left open in the middle of a transaction would block whoever looks."""
        self._as(self.administrator, _HANG_UP.format(role=self.access.user))

    def rows(self, after: int = 0) -> dict[str, Frame]:
        """The rows of all tables that are there and are to be looked at."""
        there = self.catalog().ids
        frames = {}
        for name, wish in self.scenario.tables.items():
            reader = self._folder(name) if wish.by_path else self._table(name) if name in there else None
            if wish.content and reader is not None:
                frames[name] = Frame.from_spark(reader).sorted()
        return frames

    def states(self) -> dict[str, TableState]:
        """What has become of each table."""
        return {name: self._state(name, self.catalog()) for name in self.scenario.tables}

    def left(self) -> int:
        """How many tables are there that the exercise knows nothing of."""
        return len(set(self.catalog().ids) - set(self.before.ids) - set(self.scenario.tables))

    def catalog(self) -> Catalog:
        """What the database says of its tables now."""
        with contextlib.closing(self.administrator.connect()) as connection:
            cursor = connection.cursor()
            ids, belongings, keys = (_all(cursor, query) for query in (_TABLES, _BELONGINGS, _PRIMARY_KEYS))
        primary_keys: dict[str, tuple[str, ...]] = {}
        for table, column in keys:
            primary_keys[table] = (*primary_keys.get(table, ()), column)
        return Catalog(dict(ids), frozenset((table, text) for table, text in belongings), primary_keys)

    def _state(self, name: str, now: Catalog) -> TableState:
        if self.scenario.tables[name].by_path:
            return TableState("" if self._folder(name) is not None else "missing")
        if name not in now.ids:
            return TableState("missing")
        return TableState(
            same=self.before.ids.get(name, now.ids[name]) == now.ids[name],
            lost=sum(table == name for table, _ in self.before.belongings - now.belongings),
            primary_key=now.primary_keys.get(name, ()),
        )

    def _table(self, name: str) -> DataFrame:
        reader = self.observer.session.read.format("jdbc").options(**self.administrator.jdbc)
        return reader.option("dbtable", f'public."{name}"').load()

    def _folder(self, name: str) -> DataFrame | None:
        place = self.folder / name
        kind = "delta" if (place / "_delta_log").is_dir() else "parquet" if any(place.glob("**/*.parquet")) else ""
        return self.observer.session.read.format(kind).load(str(place)) if kind else None

    def _as(self, user: Access, *statements: str) -> None:
        postgres.administer(user, *(statement.replace("%", "%%") for statement in statements))


@contextlib.contextmanager
def staged(scenario: Scenario, inputs: Mapping[str, Any], workspace: Workspace) -> Iterator[Stage]:
    """A database as the scenario's set-up makes it. Whatever happens, it is gone afterwards.

    Raises Unavailable when there is no server, or none any more.
    """
    with contextlib.ExitStack() as stack:
        try:
            server = postgres.shared_server()
            own = postgres.own_database(server)
            access = own.__enter__()
        except ServiceUnavailable as error:
            raise Unavailable(f"This exercise needs a PostgreSQL server, which cannot be had here. {error}") from error
        stack.callback(each_in_any_case, lambda: own.__exit__(None, None, None))
        administrator = Access(access.host, access.port, access.database, server.user, server.password)
        observer = stack.enter_context(observing(workspace))
        stage = Stage(scenario, server, access, administrator, observer, workspace.folder, plain(inputs))
        _set_up(stage)
        stage.before = stage.catalog()
        try:
            yield stage
        except Exception as error:
            # Whatever the function or the harness met, this is the reason.
            if not server.server.running():
                raise Unavailable(ENDED) from error
            raise


def _set_up(stage: Stage) -> None:
    """Make and fill the tables, then run the statements."""
    with contextlib.closing(stage.access.connect()) as connection:
        cursor = connection.cursor()
        for name, wish in stage.scenario.tables.items():
            if wish.rows_from:
                frame = stage.observer.session.sql(filled(wish.rows_from, stage.values, "database"))
                columns = {column.name: column.dataType.simpleString() for column in frame.schema}
                postgres_tables.create(cursor, name, columns)
                postgres_tables.fill(cursor, name, frame.toArrow().to_pylist())
        connection.commit()
    for statement in stage.scenario.setup:
        stage.execute(statement)


def _all(cursor: Any, query: str) -> Any:
    cursor.execute(query)
    return cursor.fetchall()
