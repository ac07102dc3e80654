"""A standalone Spark cluster on loopback: a master and two workers with a core each, from the pyspark wheel.

with spark.cluster() as running:
    session = SparkSession.builder.master(running.master).getOrCreate()
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from autograder.services import service
from autograder.services.errors import ServiceUnavailable
from autograder.services.program import Program, environment
from autograder.services.service import Place, Running, Service
from autograder.setup.java import find_java
from autograder.setup.java_process import spark_home

WORKERS = 2
MEMORY = "1g"
"""What a worker offers to executors, whose heap is 1g unless `spark.executor.memory` says otherwise."""

_LOGGING = """
rootLogger.level = info
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss}{UTC} %p %c{1}: %m%n
"""
_JAVA_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xms32m -Dspark.master.rest.enabled=false"
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"


class Spark(Service):
    """A master, then the workers one after the other."""

    name = "spark"
    port_names = ("master", "page")

    def require(self) -> None:
        """Java and pyspark."""
        _java_home()
        try:
            spark_home()
        except FileNotFoundError as error:
            raise ServiceUnavailable("pyspark is not installed; run `make setup`.") from error

    def prepare(self, place: Place) -> None:
        """A configuration whose logs say more than errors."""
        configuration = place.folder / "conf"
        configuration.mkdir(exist_ok=True)
        (configuration / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")

    def programs(self, place: Place) -> tuple[Program, ...]:
        """The daemons, which keep their own heaps small."""
        settings = {
            **environment(),
            "JAVA_HOME": str(_java_home()),
            "SPARK_HOME": str(spark_home()),
            "SPARK_CONF_DIR": str(place.folder / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_HOSTNAME": "localhost",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": _JAVA_OPTIONS,
            "PYSPARK_PYTHON": sys.executable,
        }

        def program(name: str, alive: int, main: str, *arguments: str) -> Program:
            command = (str(spark_home() / "bin" / "spark-class"), main, "--host", "127.0.0.1", *arguments)
            return Program(name, command, partial(_has_workers, place, alive), settings, stop=signal.SIGTERM)

        ports = ("--port", str(place.ports["master"]), "--webui-port", str(place.ports["page"]))
        offer = ("--port", "0", "--webui-port", "0", "--cores", "1", "--memory", MEMORY)
        master = program("master", 0, _MASTER, *ports)
        workers = (
            program(name, number, _WORKER, *offer, "-d", str(place.folder / name), self.address(place))
            for number, name in enumerate((f"worker-{number}" for number in range(1, WORKERS + 1)), start=1)
        )
        return (master, *workers)

    def address(self, place: Place) -> str:
        """What Spark calls the master."""
        return f"spark://127.0.0.1:{place.ports['master']}"

    def hints(self, place: Place) -> tuple[str, ...]:
        """How notebooks use it, and its page."""
        return (
            f"COURSE_SPARK_MASTER={self.address(place)} course lab",
            f"its page: http://127.0.0.1:{place.ports['page']}",
        )


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    server: Running

    @property
    def master(self) -> str:
        """What Spark calls the master, such as `spark://127.0.0.1:7077`."""
        return self.server.address

    @property
    def log(self) -> Path:
        """What the master printed."""
        return self.server.folder / "master.log"

    def stop(self) -> None:
        """End the cluster and all that runs on it. Calling it again does nothing."""
        self.server.stop()


@contextlib.contextmanager
def cluster(folder: Path | None = None) -> Iterator[Cluster]:
    """A cluster of one's own, for the time of a `with` block. Raises ServiceUnavailable."""
    with service.running(Spark(), folder) as started:
        yield Cluster(started)


@lru_cache(maxsize=1)
def _java_home() -> Path:
    java = find_java()
    if java is None:
        raise ServiceUnavailable("Spark needs Java. `course doctor` says how to install it.")
    return java.executable.resolve().parent.parent


def _has_workers(place: Place, at_least: int) -> bool:
    """Whether the master answers and has so many workers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{place.ports['page']}/json/", timeout=2) as reply:
            return bool(json.load(reply)["aliveworkers"] >= at_least)
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        return False
