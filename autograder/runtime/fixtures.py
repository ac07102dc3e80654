"""Supplies the inputs of a learner's function by parameter name, as pytest does with fixtures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class WrongSignature(Exception):
    """The function does not take what the exercise names; the message says what it must take."""


def parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters, in order."""
    return tuple(inspect.signature(function).parameters)


def check_signature(function: Callable[..., Any], expected: Sequence[str]) -> None:
    """Raise WrongSignature when `function` cannot be called with the expected parameters by name."""
    name = getattr(function, "__name__", "your function")
    try:
        inspect.signature(function).bind(**dict.fromkeys(expected))
    except TypeError as error:
        wanted = ", ".join(expected)
        found = ", ".join(parameters_of(function))
        raise WrongSignature(
            f"`{name}` must take the parameters ({wanted}), with these names; yours takes ({found}). "
            "Restore the `def` line of the exercise."
        ) from error


def session() -> SparkSession:
    """The notebook's Spark session; started if there is none."""
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()


@contextmanager
def session_for(options: Mapping[str, Any]) -> Iterator[None]:
    """Let `session` be the one that the options of a `check` call ask for: with `connect=True` a new one of Spark Connect."""
    if not options.get("connect"):
        yield
        return
    from autograder.services import connect

    with connect.connected(session()):
        yield


def inputs(
    parameters: Sequence[str],
    arguments: Mapping[str, Any],
    files: Mapping[str, Path] | None = None,
    read: Callable[[str | Path], DataFrame] | None = None,
) -> dict[str, Any]:
    """Inputs for each parameter: `spark`, an argument, a Parquet file of a hidden variant, or the sample table of that name.

    Every table is also registered as a temporary view of its name, so that SQL answers see the same data. `read` stands
    in for `read_table`, for callers that keep what they have read. Raises ValueError for a parameter that is none of these.
    """
    read = read or read_table
    files = files or {}
    found: dict[str, Any] = {}
    for name in parameters:
        if name == "spark":
            found[name] = session()
        elif name in files:
            found[name] = register(name, read(files[name]))
        elif name in arguments:
            found[name] = arguments[name]
        else:
            found[name] = register(name, read(name))
    return found


def tables(
    names: Sequence[str],
    files: Mapping[str, Path] | None = None,
    read: Callable[[str | Path], DataFrame] | None = None,
) -> dict[str, DataFrame]:
    """Tables by name, from the files of a hidden variant or from the samples; not registered as views."""
    read = read or read_table
    files = files or {}
    return {name: read(files.get(name, name)) for name in names}


def read_table(source: str | Path) -> DataFrame:
    """The Parquet file at a path, or the sample of the table of that name. Raises ValueError for an unknown name."""
    return session().read.parquet(str(source)) if isinstance(source, Path) else sample_table(source)


def sample_table(name: str) -> DataFrame:
    """The committed sample of a table as a DataFrame. Raises ValueError for an unknown name."""
    import datasets

    return datasets.load(session(), name)


def register(name: str, frame: DataFrame) -> DataFrame:
    """Make `frame` visible to SQL under its parameter's name."""
    frame.createOrReplaceTempView(name)
    return frame
