"""What kinds of answer with state of their own share: an observer that learners cannot reach, a schema that goes away, statements."""

from __future__ import annotations

import contextlib
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.checks.base import Workspace
from autograder.checks.observing import observer, undisturbed, working_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
"""Names that tables of an exercise may have."""


@dataclass(frozen=True)
class Observer:
    """A session of its own, so that settings and views of the learner change nothing in it; its views are the exercise's tables.

    `token` is a part of names that nobody else uses.
    """

    session: SparkSession
    token: str


@contextlib.contextmanager
def observing(workspace: Workspace) -> Iterator[Observer]:
    """An observer who sees the tables of the workspace as views; the learner's current database is afterwards what it was."""
    current = workspace.spark.catalog.currentDatabase()
    with observer(workspace.spark, workspace.tables) as session:
        try:
            yield Observer(session, uuid.uuid4().hex[:8])
        finally:
            undisturbed(lambda: workspace.spark.catalog.setCurrentDatabase(current))


@contextlib.contextmanager
def own_schema(observer: Observer, workspace: Workspace) -> Iterator[str]:
    """A schema of Spark's catalog for one run, by name. It goes away with its tables, and with what `save` took for a path."""
    name = f"exercise_{observer.token}"
    home = Path(working_folder(observer.session))
    try:
        observer.session.sql(f"CREATE DATABASE {name} LOCATION '{workspace.folder / name}'")
        yield name
    finally:
        each_in_any_case(lambda: observer.session.sql(f"DROP DATABASE IF EXISTS {name} CASCADE"))
        for stray in home.glob(f"{name}.*"):
            shutil.rmtree(stray, ignore_errors=True)


def each_in_any_case(*steps: Callable[[], Any]) -> None:
    """Take all steps, undisturbed, whichever of them fail."""

    def work() -> None:
        with contextlib.ExitStack() as stack:
            for step in steps:
                stack.callback(step)

    undisturbed(work)


def plain(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The plain values among the inputs of a function, as text for statements."""
    return {name: str(value) for name, value in inputs.items() if isinstance(value, str | int | float)}


def filled(statement: str, names: Mapping[str, str], option: str) -> str:
    """A statement with `{name}` replaced. Raises ValueError for a name that nothing is known about."""

    def known(match: re.Match[str]) -> str:
        if match[1] not in names:
            raise ValueError(
                f"{option}=: {{{match[1]}}} is neither a table nor a plain argument of the function; known: {', '.join(names)}."
            )
        return names[match[1]]

    return re.sub(r"\{(\w+)\}", known, statement)
