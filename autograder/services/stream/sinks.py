"""Where a stream goes: a Kafka topic, a folder of files, or whoever connects to a socket.

A sink says how many records have arrived for certain, counted without a gap; a stream that is resumed goes on from there.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from autograder.services.errors import ServiceUnavailable
from autograder.services.stream.events import Record

PATIENCE = 30.0
"""Seconds without an answer after which a broker is given up."""

HEADER = "stream"
_TAIL = 2_000
"""Records at the end of a partition that are read first when a stream is resumed."""


class Sink(ABC):
    """Takes records in the order of their numbers."""

    stopped: Callable[[], bool] = staticmethod(lambda: False)
    """Whether the stream was told to stop; a sink that waits for somebody asks now and then."""

    @abstractmethod
    def open(self, start: int, stream: str = "") -> int:
        """Get ready for record number `start`. Returns the number to begin with: a sink may know that more has arrived already.

        Parameters
        ----------
        stream: names a stream that may be resumed, so that a sink can tell its records from others.

        Raises ServiceUnavailable.
        """

    @abstractmethod
    def send(self, records: Sequence[Record]) -> int:
        """Take some records, which may still be under way afterwards. Returns how many it took: all, unless it was told to stop.

        Raises ServiceUnavailable.
        """

    @abstractmethod
    def arrived(self) -> int:
        """The number of the first record that has not arrived for certain."""

    @abstractmethod
    def close(self) -> None:
        """Wait for what is under way and let go. Raises ServiceUnavailable when something did not arrive."""


class KafkaSink(Sink):
    """A topic, which is made when it is not there. Idempotent: what the client sends again is there once, and in order.

    Records of a stream that may be resumed have a header with its name and their number. After a kill nobody knows which of the last
    ones have arrived; the ends of the topic's partitions do.

    Parameters
    ----------
    servers: what Kafka calls `bootstrap.servers`.
    partitions: of a topic that is made.
    """

    def __init__(self, servers: str, topic: str, partitions: int = 1, patience: float = PATIENCE) -> None:
        self.servers, self.topic, self.partitions, self.patience = servers, topic, partitions, patience
        self._producer: Any = None
        self._next = 0
        self._ahead: set[int] = set()
        self._stream = ""
        self._problem = ""

    def open(self, start: int, stream: str = "") -> int:
        """Find the broker and the topic."""
        from confluent_kafka import KafkaError, KafkaException, Producer
        from confluent_kafka.admin import AdminClient
        from confluent_kafka.cimpl import NewTopic

        quiet: dict[str, Any] = {"bootstrap.servers": self.servers, "log_level": 0, "error_cb": lambda _: None}
        administration = AdminClient(quiet)
        try:
            administration.list_topics(timeout=min(self.patience, 10))
            made = administration.create_topics([NewTopic(self.topic, self.partitions, 1)])[self.topic]
            made.result(self.patience)
        except KafkaException as error:
            code = error.args[0].code()
            if code in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT):
                raise ServiceUnavailable(
                    f"No Kafka broker answers at {self.servers}; `course services up kafka` starts one."
                ) from error
            if code != KafkaError.TOPIC_ALREADY_EXISTS:
                raise ServiceUnavailable(f"Kafka refuses the topic {self.topic!r}: {error.args[0].str()}") from error
        settings = {
            **quiet,
            "enable.idempotence": True,
            "linger.ms": 5,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 100_000,
            "message.timeout.ms": int(self.patience * 1000),
        }
        self._producer = Producer(settings)
        self._next, self._stream = start, stream
        if stream and start:
            self._ahead = self._numbers_from(start)
            self._move_on()
        return self._next

    def send(self, records: Sequence[Record]) -> int:
        """Hand the records to the client, waiting while its queue is full."""
        for record in records:
            if record.number in self._ahead:
                continue
            headers = {HEADER: f"{self._stream} {record.number}"} if self._stream else None
            told = partial(self._told, record.number)
            while True:
                try:
                    self._producer.produce(self.topic, record.value, record.key, headers=headers, on_delivery=told)
                    break
                except BufferError:
                    self._producer.poll(0.1)
                    self._check()
        self._producer.poll(0)
        self._check()
        return len(records)

    def arrived(self) -> int:
        """Acknowledged by the broker without a gap."""
        return self._next

    def close(self) -> None:
        """Wait for all acknowledgements."""
        if self._problem:
            self._producer.purge()
        left = self._producer.flush(self.patience + 5)
        if left and not self._problem:
            self._problem = "no answer"
        self._check()

    def _told(self, number: int, error: Any, _message: Any) -> None:
        if error is not None:
            self._problem = self._problem or error.str()
            return
        self._ahead.add(number)
        self._move_on()

    def _move_on(self) -> None:
        while self._next in self._ahead:
            self._ahead.remove(self._next)
            self._next += 1

    def _numbers_from(self, start: int) -> set[int]:
        """The numbers of this stream's records in the topic that are not below `start`, read from the ends of the partitions."""
        from confluent_kafka import Consumer, KafkaException, TopicPartition

        settings = {"group.id": f"resume-{self._stream}", "enable.auto.commit": False, "log_level": 0}
        reader = Consumer({"bootstrap.servers": self.servers, **settings})
        found: set[int] = set()
        try:
            for partition in reader.list_topics(self.topic, timeout=self.patience).topics[self.topic].partitions:
                low, end = reader.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=self.patience)
                length = _TAIL
                while end > low:
                    begin = max(low, end - length)
                    reader.assign([TopicPartition(self.topic, partition, begin)])
                    numbers = [number for number in self._read(reader, end) if number is not None]
                    found.update(number for number in numbers if number >= start)
                    if begin == low or any(number < start for number in numbers):
                        break
                    length *= 4
        except KafkaException as error:
            raise ServiceUnavailable(
                f"The end of the topic {self.topic!r} cannot be read ({error.args[0].str()}), so the stream cannot go on; "
                "`course services status kafka` says what the broker does."
            ) from error
        finally:
            reader.close()
        return found

    def _read(self, reader: Any, end: int) -> Iterator[int | None]:
        """The numbers of this stream's records up to an offset; None for records of others."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            for message in reader.consume(1_000, timeout=0.5):
                name, _, number = dict(message.headers() or []).get(HEADER, b"").decode().partition(" ")
                yield int(number) if name == self._stream else None
                if message.offset() >= end - 1:
                    return
        raise ServiceUnavailable(
            f"The end of the topic {self.topic!r} cannot be read; look at `course services logs kafka`."
        )

    def _check(self) -> None:
        if self._problem:
            raise ServiceUnavailable(
                f"The Kafka broker at {self.servers} no longer takes records ({self._problem}); "
                "`course services status kafka` says what it does, `course services up kafka` starts it with its data."
            )


class FileSink(Sink):
    """A folder of files with one record per line, at most one file a second, each there as a whole or not at all.

    Names tell which records are in them, so a stream is resumed from the folder itself.
    """

    NAME = re.compile(r"events-(\d{12})-(\d{12})\.json")

    def __init__(self, folder: Path, seconds: float = 1.0) -> None:
        self.folder, self.seconds = folder, seconds
        self._waiting: list[Record] = []
        self._since = 0.0
        self._next = 0

    def open(self, start: int, stream: str = "") -> int:
        """Make the folder, and look how far earlier files go."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / ".probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise self._unwritable(error) from error
        found = [match for path in self.folder.iterdir() if (match := self.NAME.fullmatch(path.name))]
        last = max((int(match[2]) + 1 for match in found), default=0)
        if found and not start:
            raise ServiceUnavailable(
                f"{self.folder} has files of an earlier stream; give another folder, or go on with --resume."
            )
        self._next, self._since = max(start, last), time.monotonic()
        return self._next

    def send(self, records: Sequence[Record]) -> int:
        """Keep the records until a file is due."""
        self._waiting += records
        if time.monotonic() - self._since >= self.seconds:
            self._write()
        return len(records)

    def arrived(self) -> int:
        """What is in files."""
        return self._next

    def close(self) -> None:
        """Write what is kept."""
        self._write()

    def _write(self) -> None:
        self._since = time.monotonic()
        if not self._waiting:
            return
        first, last = self._waiting[0].number, self._waiting[-1].number
        path = self.folder / f"events-{first:012}-{last:012}.json"
        # Spark does not look at names that begin with a dot.
        temporary = self.folder / f".{path.name}.part"
        try:
            temporary.write_bytes(b"".join(record.value + b"\n" for record in self._waiting))
            temporary.replace(path)
        except OSError as error:
            raise self._unwritable(error) from error
        self._waiting, self._next = [], last + 1

    def _unwritable(self, error: OSError) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"{self.folder} cannot be written to ({error.strerror or error}); give a folder that can, with --out."
        )


class SocketSink(Sink):
    """A port of loopback; whoever connects gets one record per line. What a client has not read when it leaves is lost: a socket
    keeps nothing.

    Parameters
    ----------
    port: 0 takes a free one.
    wait: seconds to wait for a client, at the start and after one has left.
    """

    def __init__(self, port: int = 0, wait: float = 600.0) -> None:
        self.wait = wait
        try:
            self._server = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise ServiceUnavailable(
                f"Port {port} cannot be used ({error.strerror or error}); give another with --port, or 0 for a free one."
            ) from error
        self.port = int(self._server.getsockname()[1])
        self._client: socket.socket | None = None
        self._next = 0

    def open(self, start: int, stream: str = "") -> int:
        """Wait for a client."""
        self._next = start
        self._accept()
        return start

    def send(self, records: Sequence[Record]) -> int:
        """Send the records; when the client has left, the next one gets them."""
        data = b"".join(record.value + b"\n" for record in records)
        while True:
            if self._client is None and not self._accept():
                return 0
            assert self._client is not None
            try:
                self._client.sendall(data)
            except OSError:
                self._client.close()
                self._client = None
                continue
            self._next = records[-1].number + 1
            return len(records)

    def arrived(self) -> int:
        """What was handed to a connection."""
        return self._next

    def close(self) -> None:
        """End the connection."""
        for one in (self._client, self._server):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.close()

    def _accept(self) -> bool:
        """Wait for a client; False when the stream was told to stop meanwhile."""
        deadline = time.monotonic() + self.wait
        self._server.settimeout(0.1)
        while not self.stopped():
            try:
                self._client, _ = self._server.accept()
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise ServiceUnavailable(
                        f"Nobody connected to 127.0.0.1:{self.port} within {self.wait:g} seconds; start the reader sooner, "
                        'for example spark.readStream.format("socket").'
                    ) from None
                continue
            # A reader that takes nothing must not keep the stream from stopping for ever.
            self._client.settimeout(PATIENCE)
            return True
        return False
