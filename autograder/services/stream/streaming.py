"""Sends the records of a stream to a sink at their pace; stops in order; goes on where it was stopped."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

import datasets
from autograder.services.errors import ServiceUnavailable
from autograder.services.stream.events import Events, Mixture, Record
from autograder.services.stream.pacing import Pacer
from autograder.services.stream.sinks import Sink

STATE = "stream.json"
_KEPT_EVERY = 0.5
"""Seconds between two notes of how far a stream has come."""


@dataclass
class Totals:
    """What one run has sent. `kinds` counts good, late, duplicate and bad records, `versions` those of each schema.

    `next` is the number of the first record that has not arrived for certain.
    """

    sent: int = 0
    next: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.sent / self.seconds if self.seconds else 0.0

    def add(self, records: list[Record]) -> None:
        """Count records that were handed to the sink."""
        self.sent += len(records)
        self.kinds.update(record.kind for record in records)
        self.versions.update(record.version for record in records)


def send(
    events: Events,
    sink: Sink,
    *,
    duration: float | None = None,
    count: int | None = None,
    resume: Path | None = None,
    stop: threading.Event | None = None,
    seen: Callable[[Totals], None] | None = None,
) -> Totals:
    """Send records until `duration` seconds are over, `count` records are sent, or `stop` is set; returns when all have arrived.

    Parameters
    ----------
    resume: folder that notes how far the stream has come. If it has a note, the stream goes on from there, with the same records as
        if it had never stopped; `events` must then be the same but for its first time, which the note has.
    seen: called after each batch, for a progress line.

    Raises ServiceUnavailable, once what had arrived is noted; ValueError when the note is of another stream.
    """
    stop = stop or threading.Event()
    note = Note(resume, events) if resume else None
    if note:
        events = note.events
    totals = Totals()
    pacer = Pacer(events.rate)
    sent_all = False
    sink.stopped = stop.is_set
    start = totals.next = sink.open(note.next, note.stream) if note else sink.open(0)
    try:
        records = events.from_number(start)
        records = chain([next(records)], records)  # the first block takes a moment, which is not part of the pace
        noted = 0.0
        while not stop.is_set():
            due = pacer.due() if count is None else min(pacer.due(), count - totals.sent)
            if due > 0:
                batch = list(islice(records, due))
                totals.add(batch[: sink.send(batch)])
            totals.seconds = pacer.seconds()
            if note and totals.seconds - noted >= _KEPT_EVERY:
                noted = totals.seconds
                note.keep(sink.arrived())
            if seen:
                seen(totals)
            if (count is not None and totals.sent >= count) or (duration is not None and totals.seconds >= duration):
                break
            stop.wait(pacer.pause())
        sent_all = True
    finally:
        try:
            _close(sink, quietly=not sent_all)
        finally:
            totals.next = sink.arrived()
            totals.seconds = pacer.seconds()
            if note:
                note.keep(totals.next)
    return totals


def _close(sink: Sink, quietly: bool) -> None:
    """Close a sink; `quietly` when another error is on its way and says more."""
    try:
        sink.close()
    except ServiceUnavailable:
        if not quietly:
            raise


class Note:
    """How far a stream has come, in a file of a folder.

    Raises ServiceUnavailable when the folder cannot be used, ValueError when the note is of a stream with other options.
    """

    def __init__(self, folder: Path, events: Events) -> None:
        self.path = folder / STATE
        self.events, self.next, self.stream = events, 0, secrets.token_hex(8)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                self._continue(json.loads(self.path.read_text(encoding="utf-8")))
            self.keep(self.next)
        except OSError as error:
            raise ServiceUnavailable(
                f"{folder} cannot be written to ({error.strerror or error}); give a folder that can, with --resume."
            ) from error

    def keep(self, number: int) -> None:
        """Note the number of the first record that has not arrived for certain."""
        self.next = number
        content = {
            "stream": self.stream,
            "next": number,
            "first": self.events.first.isoformat(),
            "options": _options(self.events),
        }
        temporary = self.path.with_suffix(".part")
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        temporary.replace(self.path)

    def _continue(self, content: dict[str, Any]) -> None:
        wanted = _options(self.events)
        different = [name for name, value in content["options"].items() if wanted.get(name) != value]
        if different:
            before = ", ".join(f"{name} {content['options'][name]}" for name in different)
            raise ValueError(f"The stream of {self.path.parent} was started with {before}; give the same to go on.")
        self.events = Events(
            self.events.rate, datetime.fromisoformat(content["first"]), self.events.seed, self.events.mixture
        )
        self.next, self.stream = int(content["next"]), content["stream"]


def _options(events: Events) -> dict[str, Any]:
    return {"rate": events.rate, "seed": events.seed, **asdict(events.mixture)}


@dataclass
class Live:
    """A stream that runs beside this program. `totals` grows; `problem` is the error that ended it, if one did."""

    sink: Sink
    totals: Totals = field(default_factory=Totals)
    problem: Exception | None = None

    def running(self) -> bool:
        """Whether it still sends."""
        return self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has sent all that it was asked for."""
        self._thread.join(seconds)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: None, daemon=True)

    def _begin(self, events: Events, options: dict[str, Any]) -> None:
        def work() -> None:
            try:
                self.totals = send(events, self.sink, stop=self._stop, seen=self._saw, **options)
            except (ServiceUnavailable, ValueError) as error:
                self.problem = error

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def _saw(self, totals: Totals) -> None:
        self.totals = totals

    def _end(self) -> None:
        self._stop.set()
        self._thread.join()


@contextlib.contextmanager
def running(
    sink: Sink,
    *,
    rate: float,
    seed: int = datasets.catalog.SAMPLE_SEED,
    mixture: Mixture | None = None,
    first: datetime | None = None,
    duration: float | None = None,
    events: int | None = None,
    resume: Path | None = None,
) -> Iterator[Live]:
    """A stream beside the `with` block, which ends with it; all that it has sent has arrived then.

    Parameters
    ----------
    rate: records per second.
    first: event time of the first record; now, unless given.
    duration, events: seconds, or number of records, after which it ends by itself.
    resume: see `send`.

    Raises ServiceUnavailable or ValueError at the end of the block when the stream could not go on, unless the block raised.
    """
    made = Events(rate, first or datetime.now(UTC), seed, mixture or Mixture())
    live = Live(sink)
    live._begin(made, {"duration": duration, "count": events, "resume": resume})
    try:
        yield live
    finally:
        live._end()
    if live.problem is not None:
        raise live.problem
