"""A Kafka broker: one KRaft node on loopback, from the jars of the group "kafka" in `jars.lock`.

    with kafka.broker() as running:
        events.write.format("kafka").option("kafka.bootstrap.servers", running.servers)...

Its data are in a temporary folder and go away with it, unless it is given a folder.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.paths import ROOT, STATE
from autograder.services import service
from autograder.services.errors import ServiceUnavailable
from autograder.services.lifeline import Lifeline
from autograder.services.program import Program, environment
from autograder.services.service import LONGEST, Place, Running, Service
from autograder.setup.jars_lock import read_lock
from autograder.setup.java import find_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GROUP = "kafka"
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
# The controller lets a killed broker come back only after its session has ended: 9 seconds by default.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
num.partitions=1
num.network.threads=1
num.io.threads=2
num.recovery.threads.per.data.dir=1
background.threads=2
log.cleaner.enable=false
log.retention.hours=-1
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


class KafkaUnavailable(ServiceUnavailable):
    """No broker can be had here; the message says why and what to do."""


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


class Kafka(Service):
    """One node that is broker and controller."""

    name = "kafka"
    port_names = ("broker", "controller")

    def require(self) -> None:
        """Java and the locked jars."""
        _java()

    def prepare(self, place: Place) -> None:
        """Write the settings, whose ports may be others than the last time, and format the folder once."""
        settings, data = place.folder / "server.properties", place.folder / "data"
        text = _SETTINGS.format(port=place.ports["broker"], controller=place.ports["controller"], data=data)
        settings.write_text(text, encoding="utf-8")
        if (data / "meta.properties").exists():
            return
        formatted = subprocess.run(
            [*_java(), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(settings)],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=LONGEST,
            check=False,
        )
        if formatted.returncode:
            problem = (formatted.stderr or formatted.stdout).strip().splitlines()[-1:]
            raise KafkaUnavailable(f"Kafka could not prepare its folder: {' '.join(problem)}")

    def programs(self, place: Place) -> tuple[Program, ...]:
        """The broker."""
        command = (*_java(), "kafka.Kafka", str(place.folder / "server.properties"))
        return (Program("broker", command, partial(_answers, place.ports["broker"])),)

    def address(self, place: Place) -> str:
        """What clients call `bootstrap.servers`."""
        return f"127.0.0.1:{place.ports['broker']}"

    def hints(self, place: Place) -> tuple[str, ...]:
        """The option for Spark."""
        return (f'.option("kafka.bootstrap.servers", "{self.address(place)}")',)


@dataclass(frozen=True)
class Broker:
    """A running broker. `servers` is what clients call `bootstrap.servers`."""

    server: Running

    @property
    def servers(self) -> str:
        """What clients call `bootstrap.servers`."""
        return self.server.address

    @property
    def folder(self) -> Path:
        """Its settings, data and log."""
        return self.server.folder

    @property
    def life(self) -> Lifeline:
        """What ties the broker to the process that started it."""
        return self.server.lives[0]

    @property
    def log(self) -> Path:
        """What the broker printed."""
        return self.folder / "broker.log"

    def running(self) -> bool:
        """Whether the broker's process is there."""
        return self.server.running()

    def stop(self) -> None:
        """End the broker; a temporary folder goes away with it. Calling it again does nothing."""
        self.server.stop()


@contextlib.contextmanager
def broker(folder: Path | None = None) -> Iterator[Broker]:
    """A broker of one's own, for the time of a `with` block; `folder` keeps its data. Raises ServiceUnavailable."""
    running = start(folder)
    try:
        yield running
    finally:
        running.stop()


def start(folder: Path | None = None) -> Broker:
    """Start a broker and wait until it answers. It ends with `stop`, or with this process. Raises ServiceUnavailable."""
    return Broker(service.start(Kafka(), folder))


@lru_cache(maxsize=1)
def _java() -> tuple[str, ...]:
    """Java with the broker's classes. Raises KafkaUnavailable."""
    java = find_java()
    if java is None:
        raise KafkaUnavailable("Kafka needs Java, as Spark does. `course doctor` says how to install it.")
    return (str(java.executable), *_JAVA_OPTIONS, "-cp", os.pathsep.join(map(str, jars())))


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
