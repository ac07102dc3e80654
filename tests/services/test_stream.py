"""Paced streams: the same records every time, at their pace, into files, a socket and Kafka, and on from where they stopped."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pexpect
import pytest
from confluent_kafka import Consumer, TopicPartition

import datasets
from autograder import paths
from autograder.services import kafka, stream
from autograder.services.errors import ServiceUnavailable
from autograder.services.stream.events import Record
from autograder.services.stream.pacing import Pacer

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MIXED = stream.Mixture(late=0.05, duplicates=0.02, bad=0.03, late_by=100, schema_change_after=6_500)
COURSE = [sys.executable, "-m", "autograder.cli"]


def made(count: int, mixture: stream.Mixture = MIXED, start: int = 0, seed: int = 1) -> list[Record]:
    return list(islice(stream.Events(100, FIRST, seed, mixture).from_number(start), count))


def lines(folder: Path) -> list[str]:
    return [line for path in sorted(folder.glob("events-*.json")) for line in path.read_text().splitlines()]


def test_a_record_depends_on_seed_and_number_only() -> None:
    records = made(3_000)
    assert records[1_234:] == made(1_766, start=1_234)
    assert made(1_000) != made(1_000, seed=2)
    assert [record.number for record in records] == list(range(3_000))


def test_good_records_have_the_declared_columns_and_their_turn_as_event_time() -> None:
    records = made(2_000, stream.Mixture())
    events = [json.loads(record.value) for record in records]
    columns = [column.name for column in datasets.tables()["web_events"].columns]
    assert all(list(event) == columns for event in events)
    assert len({event["event_id"] for event in events}) == 2_000
    assert datetime.fromisoformat(events[150]["event_ts"]) == FIRST + timedelta(seconds=1.5)
    assert all(re.fullmatch("[0-9a-f]{16}", event["event_id"]) for event in events)
    assert {record.kind for record in records} == {"good"}
    keys = [record.key and int(record.key) for record in records]
    assert keys == [event["customer_id"] for event in events]


def usable(value: bytes) -> bool:
    """Whether a reader of the first or second schema can use a record."""
    try:
        event = json.loads(value)
        datetime.fromisoformat(event["event_ts"])
        return event["event_id"] is not None and not isinstance(event["customer_id"], str)
    except ValueError:
        return False


def test_what_is_called_late_doubled_or_bad_is_so_and_nothing_else() -> None:
    records = made(20_000)
    seen: set[bytes] = set()
    for record in records:
        assert usable(record.value) == (record.kind != "bad")
        assert (record.value in seen and record.kind != "bad") == (record.kind == "duplicate")
        seen.add(record.value)
        if record.kind in ("good", "late"):
            delay = FIRST + timedelta(seconds=record.number / 100) - event_time(record)
            low, high = (0.9, 100.1) if record.kind == "late" else (0, 0.002)
            assert low <= delay.total_seconds() <= high
    for kind, share in (("late", 0.05), ("duplicate", 0.02), ("bad", 0.03)):
        found = sum(record.kind == kind for record in records)
        assert found == pytest.approx(share * 20_000, rel=0.15)


def event_time(record: Record) -> datetime:
    return datetime.fromisoformat(json.loads(record.value)["event_ts"])


def test_the_schema_changes_at_its_record() -> None:
    for record in made(8_000):
        if record.kind in ("good", "late"):
            fields = set(json.loads(record.value))
            assert ("device" in fields, "source" in fields) == (record.number >= 6_500,) * 2
            assert ("referrer" in fields) == (record.number < 6_500)


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (lambda: stream.Mixture(late=1.5), "late is 1.5; it is a share"),
        (lambda: stream.Mixture(late=0.6, bad=0.6), "more than all records"),
        (lambda: stream.Events(-1, FIRST), "rate is -1; it is a number of records per second"),
    ],
)
def test_impossible_options_are_refused(wrong: Callable[[], object], because: str) -> None:
    with pytest.raises(ValueError, match=because):
        wrong()


def test_the_pace_is_that_of_the_clock_whatever_the_delays() -> None:
    now = 50.0
    pacer = Pacer(100, clock=lambda: now)
    sent = pacer.due()
    for delay in [0.011, 0.5, 0.0001, 3.0, 0.25] * 12:
        now += delay
        sent += pacer.due()
    assert sent == int((now - 50) * 100) + 1
    assert pacer.due() == 0
    assert 0 < pacer.pause() <= 0.02


class Slow(stream.Sink):
    """Counts, and takes its time."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def open(self, start: int) -> int:
        return start

    def send(self, records: Sequence[Record]) -> int:
        time.sleep(0.03)
        self.numbers += [record.number for record in records]
        return len(records)

    def arrived(self) -> int:
        return len(self.numbers)

    def close(self) -> None:
        pass


def test_a_slow_sink_gets_every_record_once_and_in_order() -> None:
    sink = Slow()
    totals = stream.send(stream.Events(5_000, FIRST), sink, count=2_000)
    assert sink.numbers == list(range(2_000))
    assert (totals.sent, totals.next, sum(totals.kinds.values())) == (2_000, 2_000, 2_000)


def test_a_stream_of_files_stops_in_a_terminal_and_goes_on_with_the_next_record(tmp_path: Path) -> None:
    out, note = tmp_path / "out", tmp_path / "note"
    arguments = ["stream", "web_events", "--to", "files", "--out", str(out), "--rate", "200", "--seed", "1"]
    resumed = [*arguments, "--resume", str(note)]
    with contextlib.closing(pexpect.spawn(COURSE[0], [*COURSE[1:], *resumed], cwd=paths.ROOT, timeout=60)) as terminal:
        terminal.expect(r"\d+ events, ")
        while len(lines(out)) < 200:
            time.sleep(0.05)
        terminal.sendintr()
        terminal.expect(r"\r\n(\d+) events in [\d.]+ s, [\d.]+ per second \(\d+ good\)\.")
        sent = int(terminal.match[1])
        terminal.expect(pexpect.EOF)
    assert terminal.exitstatus == 0
    assert len(lines(out)) == sent

    # A kill leaves whole files; what they have is not sent again.
    with subprocess.Popen([*COURSE, *resumed], cwd=paths.ROOT, stdout=subprocess.DEVNULL) as process:
        while len(lines(out)) == sent:
            time.sleep(0.05)
        process.kill()
    between = len(lines(out))
    # As if it had been killed before it noted how far it was: the names of the files tell.
    document = json.loads((note / "stream.json").read_text())
    (note / "stream.json").write_text(json.dumps({**document, "next": sent}))
    done = subprocess.run([*COURSE, *resumed, "--events", "300"], cwd=paths.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first = datetime.fromisoformat(json.loads((note / "stream.json").read_text())["first"])
    events = stream.Events(200, first, 1)
    assert lines(out) == [record.value.decode() for record in islice(events.from_number(0), between + 300)]

    for wrong, because in (
        ([*arguments, "--events", "1"], "has files of an earlier stream"),
        ([*resumed, "--seed", "2"], "was started with seed 1; give the same"),
        ([*arguments, "--out", str(note / "stream.json")], "cannot be written to"),
    ):
        done = subprocess.run([*COURSE, *wrong], cwd=paths.ROOT, capture_output=True, text=True)
        assert (done.returncode, because in done.stderr) == (1, True), done.stderr
        assert "Traceback" not in done.stderr


def test_a_socket_serves_one_reader_after_the_other() -> None:
    sink = stream.SocketSink()

    def read(count: int) -> list[str]:
        with socket.create_connection(("127.0.0.1", sink.port)) as client, client.makefile() as file:
            return [json.loads(next(file))["event_id"] for _ in range(count)]

    with stream.running(sink, rate=2_000) as live:
        first = read(200)
        second = read(200)
    # It waited for a third reader, and was stopped all the same.
    assert live.problem is None
    assert len({*first, *second}) == 400
    with pytest.raises(ServiceUnavailable, match=r"cannot be used .* give another with --port"):
        other = stream.SocketSink(0)
        stream.SocketSink(other.port)
    with pytest.raises(ServiceUnavailable, match=r"Nobody connected to 127.0.0.1"):
        stream.SocketSink(wait=0.05).open(0)


def topic(servers: str, name: str) -> Iterator[bytes]:
    """The values of a topic with one partition."""
    reader = Consumer({"bootstrap.servers": servers, "group.id": "test", "enable.auto.commit": False})
    place = TopicPartition(name, 0, 0)
    try:
        left = reader.get_watermark_offsets(place, timeout=20)[1]
        reader.assign([place])
        while left:
            messages = reader.consume(min(left, 1000), timeout=20)
            assert messages
            left -= len(messages)
            yield from (message.value() for message in messages)
    finally:
        reader.close()


def test_kafka_gets_what_is_sent_and_a_broker_that_dies_loses_nothing(tmp_path: Path) -> None:
    home, note = tmp_path / "kafka", tmp_path / "note"
    with kafka.broker(home) as broker:
        with stream.running(stream.KafkaSink(broker.servers, "clicks"), rate=1_000, mixture=MIXED, first=FIRST) as live:
            while live.totals.sent < 1_500:
                time.sleep(0.05)
        sent = live.totals.sent
        assert sent == live.totals.next == sum(live.totals.kinds.values())
        events = stream.Events(1_000, FIRST, mixture=MIXED)
        assert list(topic(broker.servers, "clicks")) == [record.value for record in islice(events.from_number(0), sent)]

        def arrived() -> int:
            """How far the note says that the stream has come."""
            kept = note / "stream.json"
            return int(json.loads(kept.read_text())["next"]) if kept.exists() else 0

        def die() -> None:
            while not arrived():
                time.sleep(0.05)
            os.kill(broker.life.program, signal.SIGKILL)

        threading.Thread(target=die, daemon=True).start()
        sink = stream.KafkaSink(broker.servers, "lost", patience=3)
        with pytest.raises(ServiceUnavailable, match=r"no longer takes records .*course services up kafka"):
            stream.send(events, sink, resume=note)
        with pytest.raises(ServiceUnavailable, match=r"No Kafka broker answers at 127.0.0.1:"):
            stream.KafkaSink(broker.servers, "lost", patience=1).open(0)
    before = arrived()
    assert before > 0
    with kafka.broker(home) as broker:
        totals = stream.send(events, stream.KafkaSink(broker.servers, "lost"), resume=note, count=500)
        assert totals.next >= before + 500
        # A kill cannot note what was under way. The same, with the note of a moment ago:
        document = json.loads((note / "stream.json").read_text())
        (note / "stream.json").write_text(json.dumps({**document, "next": totals.next - 450}))
        totals = stream.send(events, stream.KafkaSink(broker.servers, "lost"), resume=note, count=200)
        records = islice(stream.Events(1_000, FIRST, mixture=MIXED).from_number(0), totals.next)
        assert list(topic(broker.servers, "lost")) == [record.value for record in records]
