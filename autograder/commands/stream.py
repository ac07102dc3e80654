"""`course stream`: paced events into Kafka, files or a socket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autograder.services.stream import Sink, Totals

TABLES = ("web_events",)
_SHARE = click.FloatRange(0, 1)


@click.command("stream")
@click.argument("table", type=click.Choice(TABLES))
@click.option("--to", "target", type=click.Choice(["kafka", "files", "socket"]), required=True, help="Where events go.")
@click.option(
    "--rate", type=click.FloatRange(0, 1_000_000, min_open=True), default=100, show_default=True, help="Per second."
)
@click.option("--duration", type=click.FloatRange(0, min_open=True), help="Stop after so many seconds.")
@click.option("--events", type=click.IntRange(1), help="Stop after so many events.")
@click.option("--late", type=_SHARE, default=0.0, help="Share of events whose time lies back, such as 0.05.")
@click.option("--late-by", type=click.IntRange(1), default=600, show_default=True, help="By how many seconds at most.")
@click.option("--duplicates", type=_SHARE, default=0.0, help="Share of events that repeat an earlier one.")
@click.option("--bad", type=_SHARE, default=0.0, help="Share of records that cannot be used.")
@click.option(
    "--schema-change-after",
    type=click.IntRange(0),
    metavar="N",
    help="From event N on: a field `device`, and `referrer` is called `source`.",
)
@click.option("--seed", type=int, default=2026, show_default=True, help="Another seed, other events.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Note there how far the stream has come; go on from a note that is there.",
)
@click.option("--servers", help="kafka: bootstrap servers; else those of `course services up kafka`.")
@click.option("--topic", help="kafka: the topic, made if it is not there; else the table's name.")
@click.option(
    "--partitions", type=click.IntRange(1), default=1, show_default=True, help="kafka: of a topic that is made."
)
@click.option("--out", type=click.Path(path_type=Path), help="files: the folder.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=9999, show_default=True, help="socket: 0 takes a free one."
)
def command(
    table: str,
    target: str,
    rate: float,
    duration: float | None,
    events: int | None,
    late: float,
    late_by: int,
    duplicates: float,
    bad: float,
    schema_change_after: int | None,
    seed: int,
    resume: Path | None,
    servers: str | None,
    topic: str | None,
    partitions: int,
    out: Path | None,
    port: int,
) -> None:
    """Send events of TABLE (web_events) at a steady rate. Ctrl-C stops in order: what was sent has arrived.

    The same options and seed give the same events.
    """
    import signal
    import threading
    from datetime import UTC, datetime

    from autograder.services.errors import ServiceUnavailable
    from autograder.services.stream import Events, Mixture, send

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    progress = _Progress()
    try:
        made = Events(rate, datetime.now(UTC), seed, Mixture(late, duplicates, bad, late_by, schema_change_after))
        sink = _sink(target, servers, topic or table, partitions, out, port)
        totals = send(made, sink, duration=duration, count=events, resume=resume, stop=stop, seen=progress.show)
    except (ServiceUnavailable, ValueError) as problem:
        progress.end()
        advice = _advice(resume, progress.last)
        raise click.ClickException(f"{problem}{advice}") from problem
    progress.end()
    click.echo(_summary(totals))


def _sink(target: str, servers: str | None, topic: str, partitions: int, out: Path | None, port: int) -> Sink:
    from autograder.services import daemons
    from autograder.services.stream import FileSink, KafkaSink, SocketSink

    if target == "kafka":
        found = servers or daemons.SERVICES["kafka"].address(daemons.place_of("kafka"))
        return KafkaSink(found, topic, partitions)
    if target == "files":
        if out is None:
            raise click.UsageError("--to files needs a folder: --out FOLDER.")
        return FileSink(out)
    sink = SocketSink(port)
    click.echo(f"Waiting for a reader at 127.0.0.1:{sink.port} ...", err=True)
    return sink


def _advice(resume: Path | None, totals: Totals | None) -> str:
    if totals is None or not totals.sent:
        return ""
    if resume is None:
        return f" About {totals.sent:,} events were sent before; with --resume FOLDER a stream can go on where it was."
    return f" Run the same command again to go on: {resume} has how far it came."


def _summary(totals: Totals) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(totals.kinds.items()))
    second = f"; {totals.versions[2]:,} with the second schema" if totals.versions[2] else ""
    return (
        f"{totals.sent:,} events in {totals.seconds:.1f} s, {totals.rate:,.1f} per second ({kinds or 'none'}{second})."
    )


class _Progress:
    """One line on standard error that is written over, only where somebody looks."""

    def __init__(self) -> None:
        import sys

        self.last: Totals | None = None
        self._shown = 0.0
        self._wanted = sys.stderr.isatty()

    def show(self, totals: Totals) -> None:
        """At most five times a second."""
        self.last = totals
        if self._wanted and totals.seconds - self._shown >= 0.2:
            self._shown = totals.seconds
            click.echo(f"\r{totals.sent:,} events, {totals.rate:,.1f} per second ", nl=False, err=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            click.echo(err=True)
