"""`course services`: Kafka, PostgreSQL, MLflow and a Spark cluster on this machine, without Docker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from autograder.services.daemons import Status

NAMES = ("kafka", "postgres", "mlflow", "spark")
_names = click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[NAMES]...")


@click.group("services")
def command() -> None:
    """Start, watch and end servers: kafka, postgres, mlflow, spark. Their data stay in .course/services.

    Without NAMES a command means all of them.
    """


@command.command()
@_names
@click.option(
    "--port",
    "ports",
    multiple=True,
    metavar="NAME=PORT",
    help="Where clients find a server; else a free port. Repeatable.",
)
@click.option("--previous-project", is_flag=True, help="Fill PostgreSQL with the thousand-row tables, if it has none.")
def up(names: tuple[str, ...], ports: tuple[str, ...], previous_project: bool) -> None:
    """Start servers, which go on after this command. One that runs is left alone; one that died starts with its data."""
    from autograder.services import daemons

    wanted = _ports(ports)
    chosen = names or NAMES
    if unasked := set(wanted) - set(chosen):
        raise click.UsageError(f"--port is given for {', '.join(sorted(unasked))}, which this command does not start.")
    if previous_project and "postgres" not in chosen:
        raise click.UsageError("--previous-project fills PostgreSQL; name postgres, too.")
    failed = False
    for name in chosen:
        failed |= not _tried(lambda name=name: _show(daemons.up(name, wanted.get(name))))  # type: ignore[misc]
    if previous_project and not failed:
        failed |= not _tried(_load_previous_project)
    if failed:
        raise SystemExit(1)


@command.command()
@_names
def status(names: tuple[str, ...]) -> None:
    """Which servers run and answer, and where; exit code 1 when one is dead or does not answer."""
    from autograder.services import daemons

    failed = False

    def show(name: str) -> None:
        nonlocal failed
        found = daemons.status(name)
        failed |= found.state in ("dead", "not answering")
        _show(found)

    for name in names or NAMES:
        if not _tried(lambda name=name: show(name)):  # type: ignore[misc]
            failed = True
    if failed:
        raise SystemExit(1)


@command.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option(
    "--lines", default=40, show_default=True, type=click.IntRange(1), help="How many, of each of its programs."
)
def logs(name: str, lines: int) -> None:
    """The last lines that a server wrote."""
    from autograder.services import daemons

    files = daemons.logs(name)
    if not files:
        raise click.ClickException(f"{name} has written no log; it was not started yet: `course services up {name}`.")
    for file in files:
        click.echo(f"--- {file}")
        for line in _last_lines(file, lines):
            click.echo(line)


@command.command()
@_names
def down(names: tuple[str, ...]) -> None:
    """End servers in order; their data stay."""
    from autograder.services import daemons

    def end(name: str) -> None:
        folder = daemons.status(name).folder
        if daemons.down(name):
            click.echo(f"{name} has ended. Its data stay in {folder}; delete that folder to remove them.")
        else:
            click.echo(f"{name} was not running.")

    failed = False
    for name in reversed(names or NAMES):
        failed |= not _tried(lambda name=name: end(name))  # type: ignore[misc]
    if failed:
        raise SystemExit(1)


def _tried(action: Callable[[], None]) -> bool:
    """Whether it worked; if not, the reason is told and the next server gets its turn."""
    from autograder.services.errors import ServiceUnavailable

    try:
        action()
    except ServiceUnavailable as problem:
        click.echo(f"Error: {problem}", err=True)
        return False
    return True


def _show(found: Status) -> None:
    line = f"{found.service.name:<9} {found.state}"
    if found.state == "dead":
        gone = ", ".join(found.missing)
        line += (
            f" ({gone} is gone): `course services logs {found.service.name}` shows why, "
            f"`course services up {found.service.name}` starts it with its data"
        )
    elif found.place is not None:
        line += f" at {found.service.address(found.place)}"
    click.echo(line)
    if found.state == "running" and found.place is not None:
        for hint in found.service.hints(found.place):
            click.echo(f"{'':<10}{hint}")


def _ports(texts: tuple[str, ...]) -> dict[str, int]:
    """NAME=PORT as a dictionary."""
    found = {}
    for text in texts:
        name, _, port = text.partition("=")
        if name not in NAMES or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise click.UsageError(f"--port is written as NAME=PORT, for example --port kafka=9092; got {text!r}.")
        found[name] = int(port)
    return found


def _load_previous_project() -> None:
    import contextlib

    from autograder.services import daemons, postgres, previous_project

    access = postgres.access(daemons.place_of("postgres"))
    with contextlib.closing(access.connect()) as connection:
        there = previous_project.present(connection.cursor())
    if there:
        click.echo(f"{'':<10}the database has {', '.join(there)} already; nothing was loaded")
        return
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[2]").appName("previous project").getOrCreate()
    try:
        counts = previous_project.load(spark, access)
    finally:
        spark.stop()
    click.echo(f"{'':<10}loaded " + ", ".join(f"{name} {rows:,}" for name, rows in counts.items()))


def _last_lines(file: Path, count: int) -> list[str]:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 1_000_000))
        return stream.read().decode("utf-8", "replace").splitlines()[-count:]
