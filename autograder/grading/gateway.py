"""The JVM of one sandbox, seen from the runner: started early, joined by the process of each notebook, replaced when broken."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

from autograder.setup.java_process import JavaProcess


class Gateway:
    """The JVM that all notebooks of a learner share; a new one is started when it has died or does not answer."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        self.started = 0
        self._command = list(command)
        self._early: JavaProcess | None = None
        self._java: Any = None
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start the JVM without waiting for it, so that it comes up while Python loads its libraries."""
        if self._command and not self.running():
            with contextlib.suppress(OSError):  # Spark's launcher tries again
                self._early = JavaProcess(self._command)

    def ensure(self) -> None:
        """Start the JVM unless it runs, and let children join it through the environment."""
        if self.running():
            return
        from pyspark.java_gateway import launch_gateway

        for name in ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"):
            os.environ.pop(name, None)
        self._process = self._join_early()
        self._java = launch_gateway()
        self._process = self._process or self._java.proc
        self.started += 1
        parameters = self._java.gateway_parameters
        os.environ["PYSPARK_GATEWAY_PORT"] = str(parameters.port)
        os.environ["PYSPARK_GATEWAY_SECRET"] = str(parameters.auth_token)

    def _join_early(self) -> subprocess.Popen[bytes] | None:
        """The JVM of `begin` when it came up; None leaves the start to Spark's own launcher."""
        try:
            if self._early is None:
                self.begin()
            early, self._early = self._early, None
            if early is None:
                return None
            early.join_through_environment(early.wait())
        except OSError:
            return None
        return early.process

    @property
    def process(self) -> int:
        """The JVM's process id, 0 when there is none."""
        return 0 if self._process is None else self._process.pid

    def running(self) -> bool:
        """Whether the JVM's process is there."""
        return self._process is not None and self._process.poll() is None

    def answers(self) -> bool:
        """Whether the JVM is there and replies within a few seconds."""
        replies: list[int] = []

        def ask() -> None:
            with contextlib.suppress(Exception):
                replies.append(self._java.jvm.java.lang.System.nanoTime())

        asking = threading.Thread(target=ask, daemon=True)
        try:
            asking.start()
        except (
            RuntimeError
        ):  # learner code uses up the processes; whether the JVM lives is seen after they are swept away
            return self.running()
        asking.join(5)
        return bool(replies)

    def stop_session(self) -> None:
        """Stop the Spark context that a notebook left behind; a JVM that does not answer is killed."""
        stopper = threading.Thread(target=self._stop_session, daemon=True)
        try:
            stopper.start()
        except RuntimeError:  # no process is left for it
            self.kill()
            return
        stopper.join(15)
        if stopper.is_alive():
            self.kill()

    def _stop_session(self) -> None:
        try:
            active = self._scala_object("org.apache.spark.SparkContext").getActive()
            if active.isDefined():
                active.get().stop()
            session = self._scala_object("org.apache.spark.sql.classic.SparkSession")
            session.clearActiveSession()
            session.clearDefaultSession()
        except Exception:  # whatever learner code did to the JVM, the remedy is a new one
            self.kill()

    def _scala_object(self, name: str) -> Any:
        """The companion object of a Scala class. Not all of its methods are static methods of the class."""
        return getattr(getattr(self._java.jvm, f"{name}$"), "MODULE$")

    def kill(self) -> None:
        """End the JVM."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()
            self._process.wait()
        self._process = self._java = None
