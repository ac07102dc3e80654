"""Makes an exercise's tables before the learner's function runs, looks at them afterwards, and takes everything away again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from autograder.checks.base import Workspace
from autograder.checks.delta import log
from autograder.checks.delta.answer import ACCEPTED, REFUSED, TableState, frame_name
from autograder.checks.delta.scenario import Scenario, TableWish
from autograder.checks.observing import condition_of, conditions_of
from autograder.checks.scans import scans
from autograder.checks.staging import filled, observing, own_schema, plain
from autograder.compare import Frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_REFUSALS = (
    "DELTA_VIOLATE_CONSTRAINT",
    "DELTA_NOT_NULL_CONSTRAINT",
    "DELTA_CANNOT_MODIFY_APPEND_ONLY",
    "NOT_NULL_ASSERT_VIOLATION",
)
_KEEP = "interval 36500 days"
"""Without it Delta refuses to travel to versions whose commit times lie more than a week back."""


@dataclass(frozen=True)
class Stage:
    """The tables of one run. `observer` is a session of its own, so that settings and views of the learner change nothing here."""

    scenario: Scenario
    observer: SparkSession
    database: str
    folder: Path
    names: Mapping[str, str]
    before: Mapping[str, log.Log]

    def handle(self, table: str) -> str:
        """What the learner's function gets: the table's name or path."""
        return str(self.folder / table) if self.scenario.tables[table].by_path else f"{self.database}.{table}"

    @property
    def handles(self) -> dict[str, str]:
        """The handles of all tables."""
        return {table: self.handle(table) for table in self.scenario.tables}

    def observe(self) -> tuple[dict[str, Frame], dict[str, TableState]]:
        """Rows and state of every table. Statements that must be refused or accepted run last, since they change the tables."""
        frames: dict[str, Frame] = {}
        states: dict[str, TableState] = {}
        for table, wish in self.scenario.tables.items():
            states[table] = self._state(table, wish, frames)
        return frames, states

    def _state(self, table: str, wish: TableWish, frames: dict[str, Frame]) -> TableState:
        """Of metrics and properties only those asked for: others, such as durations, differ from run to run."""
        place, other = self._place(table)
        if place is None:
            return TableState(problem=other)
        now, before = log.read(place), self.before.get(table, log.EMPTY)
        continues = now.continues(before)
        for version in wish.versions:
            if version < len(now.commits):
                frames[frame_name(table, version)] = Frame.from_spark(self._reader(version, table)).sorted()
        if wish.content:
            frames[table] = Frame.from_spark(self._reader(None, table)).sorted()
        reads = {
            name: sum(scan.files for scan in scans(self._reader(None, table).where(read.where)))
            for name, read in wish.reads.items()
        }
        return TableState(
            continues=continues,
            commits=tuple(
                replace(commit, metrics={name: commit.metrics[name] for name in wish.metrics if name in commit.metrics})
                for commit in (now.commits[len(before.commits) :] if continues else now.commits)
            ),
            files=len(now.files),
            kept_files=len(now.files & before.files),
            partitioned_by=now.partition_columns,
            properties={name: now.properties[name] for name in wish.properties if name in now.properties},
            reads=reads,
            trials={name: self._trial(statement) for name, statement in {**wish.accepts, **wish.refuses}.items()},
        )

    def _place(self, table: str) -> tuple[Path | None, str]:
        """The folder of a Delta table; else None and what there is instead: "missing", or a format."""
        if self.scenario.tables[table].by_path:
            folder = self.folder / table
            if log.commit_files(folder):
                return folder, ""
            return None, "parquet" if any(folder.glob("**/*.parquet")) else "missing"
        if not self.observer.catalog.tableExists(self.handle(table)):
            return None, "folder" if self._stray(table).exists() else "missing"
        described = self.observer.sql(f"DESCRIBE TABLE EXTENDED {self.names[table]}").collect()
        detail = {
            row["col_name"]: row["data_type"] for row in described
        }  # the table's own entries come after its columns
        if detail.get("Provider", "").lower() != "delta":
            return None, detail.get("Provider", "").lower() or "other"
        return Path(unquote(urlparse(detail["Location"]).path)), ""

    def _stray(self, table: str) -> Path:
        """Where `save` puts a table whose name it is given and takes for a path."""
        return Path(self.observer._jvm.java.lang.System.getProperty("user.dir"), self.handle(table))  # type: ignore[union-attr]

    def _reader(self, version: int | None, table: str) -> DataFrame:
        reader = self.observer.read if version is None else self.observer.read.option("versionAsOf", version)
        handle = self.handle(table)
        return reader.format("delta").load(handle) if self.scenario.tables[table].by_path else reader.table(handle)

    def _trial(self, statement: str) -> str:
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import PySparkException

        try:
            self.observer.sql(filled(statement, self.names, "delta")).collect()
        except (PySparkException, Py4JJavaError) as error:
            if any(condition.startswith(_REFUSALS) for condition in conditions_of(error)):
                return REFUSED
            return condition_of(error)
        return ACCEPTED


@contextlib.contextmanager
def staged(scenario: Scenario, inputs: Mapping[str, Any], workspace: Workspace) -> Iterator[Stage]:
    """Tables as the scenario's set-up makes them. Whatever happens, they are gone afterwards."""
    with observing(workspace) as observer, own_schema(observer, workspace) as database:
        tables = {
            name: f"delta.`{workspace.folder / name}`" if wish.by_path else f"{database}.{name}"
            for name, wish in scenario.tables.items()
        }
        names = {**plain(inputs), **tables}
        stage = Stage(scenario, observer.session, database, workspace.folder, names, {})
        _set_up(stage)
        yield replace(stage, before=_logs(stage))


def _set_up(stage: Stage) -> None:
    """Run the statements, and date the commits if the scenario says when they were made."""
    if stage.scenario.times:
        for property_name in ("deletedFileRetentionDuration", "logRetentionDuration"):
            stage.observer.conf.set(f"spark.databricks.delta.properties.defaults.{property_name}", _KEEP)
    for statement in stage.scenario.setup:
        stage.observer.sql(filled(statement, stage.names, "delta")).collect()
    for place in _places(stage).values():
        for path, moment in zip(log.commit_files(place), stage.scenario.times, strict=False):
            os.utime(path, (moment.timestamp(), moment.timestamp()))


def _logs(stage: Stage) -> dict[str, log.Log]:
    return {table: log.read(place) for table, place in _places(stage).items()}


def _places(stage: Stage) -> dict[str, Path]:
    """The folders of the tables that the set-up has made."""
    found = {
        table: stage.folder / table if wish.by_path else stage.folder / stage.database / table
        for table, wish in stage.scenario.tables.items()
    }
    return {table: place for table, place in found.items() if log.commit_files(place)}
