"""A Kafka broker: one KRaft node on loopback, from the jars of the group "kafka" in `jars.lock`.

    with kafka.broker() as running:
        events.write.format("kafka").option("kafka.bootstrap.servers", running.servers)...

Its data are in a temporary folder and go away with it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.paths import ROOT, STATE
from autograder.services import lifeline
from autograder.services.lifeline import Lifeline
from autograder.setup.jars_lock import read_lock
from autograder.setup.java import find_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GROUP = "kafka"
LONGEST = 60.0
"""Seconds within which a broker must answer; on an idle machine it takes three."""

CLUSTER = "Y291cnNlLWthZmthLTAwMQ"
_JAVA_OPTIONS = ("-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
_SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions=1
num.network.threads=1
num.io.threads=2
num.recovery.threads.per.data.dir=1
background.threads=2
log.cleaner.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class KafkaUnavailable(Exception):
    """No broker can be had here; the message says why and what to do."""


@dataclass(frozen=True)
class Broker:
    """A running broker. `servers` is what clients call `bootstrap.servers`."""

    servers: str
    folder: Path
    life: Lifeline

    @property
    def log(self) -> Path:
        """What the broker printed."""
        return self.folder / "broker.log"

    def running(self) -> bool:
        """Whether the broker's process is there."""
        return self.life.running()

    def stop(self) -> None:
        """End the broker and remove its data. Calling it again does nothing."""
        if os.getpid() == self.life.owner:
            self.life.end()
            shutil.rmtree(self.folder, ignore_errors=True)


def jars(root: Path = ROOT, state: Path = STATE) -> tuple[Path, ...]:
    """The broker's jars. Raises KafkaUnavailable when one is missing or has another size than the locked one."""
    found = []
    for jar in read_lock(root / "jars.lock")[GROUP]:
        path = state / "jars" / jar.filename
        if not path.is_file() or path.stat().st_size != jar.size:
            raise KafkaUnavailable(
                "Kafka's jars are not here. Run `course setup --services kafka` once; it fetches 43 MB."
            )
        found.append(path)
    return tuple(found)


@contextlib.contextmanager
def broker() -> Iterator[Broker]:
    """A broker of one's own, for the time of a `with` block. Raises KafkaUnavailable."""
    running = start()
    try:
        yield running
    finally:
        running.stop()


def start() -> Broker:
    """Start a broker and wait until it answers. It ends with `stop`, or with this process. Raises KafkaUnavailable."""
    java = find_java()
    if java is None:
        raise KafkaUnavailable("Kafka needs Java, as Spark does. `course doctor` says how to install it.")
    path = os.pathsep.join(map(str, jars()))
    folder = Path(tempfile.mkdtemp(prefix="course-kafka-"))
    try:
        return _start([str(java.executable), *_JAVA_OPTIONS, "-cp", path], folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _start(java: list[str], folder: Path) -> Broker:
    port, controller = _free_ports(2)
    settings = folder / "server.properties"
    settings.write_text(_SETTINGS.format(port=port, controller=controller, data=folder / "data"), encoding="utf-8")
    environment = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
    }
    format_command = [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(settings)]
    formatted = subprocess.run(
        format_command, capture_output=True, text=True, env=environment, timeout=LONGEST, check=False
    )
    if formatted.returncode:
        problem = (formatted.stderr or formatted.stdout).strip().splitlines()[-1:]
        raise KafkaUnavailable(f"Kafka could not prepare its folder: {' '.join(problem)}")
    life = lifeline.start([*java, "kafka.Kafka", str(settings)], folder, environment, folder / "broker.log")
    running = Broker(f"127.0.0.1:{port}", folder, life)
    deadline = time.monotonic() + LONGEST
    while not _answers(port):
        if not life.running() or time.monotonic() > deadline:
            said = running.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            life.end()
            raise KafkaUnavailable(f"Kafka did not start: {' '.join(said) or 'it said nothing'}")
        time.sleep(0.05)
    return running


def _answers(port: int) -> bool:
    """Whether a broker on this port handles requests: it is asked which versions of the protocol it speaks."""
    request = struct.pack(">hhih", 18, 0, 1, -1)  # ApiVersions, version 0, correlation 1, no client id
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            reply = connection.recv(10)
    except OSError:
        return False
    return len(reply) == 10 and struct.unpack(">iih", reply)[1:] == (1, 0)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


_shared: dict[int, Broker] = {}


def shared_broker() -> Broker:
    """The broker that all answers taken in this process share; started when first asked for, and again if it has died.

    A forked process uses its parent's.
    """
    running = next(iter(_shared.values()), None)
    if running is not None and running.running():
        return running
    _shared.clear()
    _shared[os.getpid()] = running = start()
    atexit.register(running.stop)
    return running


def create_topic(spark: SparkSession, servers: str, topic: str, partitions: int = 1) -> None:
    """Make a topic, with the Kafka client that Spark has on its class path. Lets the client's errors through."""
    with _administration(spark, servers) as (java, admin):
        wanted = java.org.apache.kafka.clients.admin.NewTopic(topic, partitions, 1)
        admin.createTopics(java.java.util.Collections.singletonList(wanted)).all().get()


def delete_topic(spark: SparkSession, servers: str, topic: str) -> None:
    """Remove a topic and its records. Lets the client's errors through."""
    with _administration(spark, servers) as (java, admin):
        admin.deleteTopics(java.java.util.Collections.singletonList(topic)).all().get()


@contextlib.contextmanager
def _administration(spark: SparkSession, servers: str) -> Iterator[tuple[Any, Any]]:
    """The JVM and a client in it that may change topics."""
    java: Any = spark._jvm
    properties = java.java.util.Properties()
    properties.setProperty("bootstrap.servers", servers)
    admin = java.org.apache.kafka.clients.admin.AdminClient.create(properties)
    try:
        yield java, admin
    finally:
        admin.close()
