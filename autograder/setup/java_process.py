"""Starts Spark's JVM from its full command, and lets PySpark join it. Imports no PySpark, so that Java starts first."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

START_SECONDS = 120


class JavaProcess:
    """A JVM that runs Spark's gateway for Python. Starting it does not wait; `wait` does.

    Parameters
    ----------
    command: the JVM's program and arguments, as `java_start.JavaStart.command` gives them.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._folder = Path(tempfile.mkdtemp())
        self._connection = self._folder / "connection"
        environment = {
            **os.environ,
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_HOSTNAME": "localhost",
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_CONNECT_MODE": "0",
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(self._connection),
        }
        # Java ends when its standard input does, so it cannot outlive the process that holds the other end.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)

    def wait(self, seconds: float = START_SECONDS) -> tuple[int, str]:
        """Port and secret of the gateway, once it listens. Raises OSError when the JVM ended or took too long."""
        deadline = time.monotonic() + seconds
        try:
            while not self._connection.is_file():
                if self.process.poll() is not None:
                    raise OSError(f"Java ended with {self.process.returncode} before it listened")
                if time.monotonic() > deadline:
                    self.kill()
                    raise OSError(f"Java did not listen within {seconds:g} seconds")
                time.sleep(0.02)
            return _read(self._connection.read_bytes())
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def join_through_environment(connection: tuple[int, str]) -> None:
        """Make `launch_gateway` of this process and its children join the JVM instead of starting one."""
        os.environ["PYSPARK_GATEWAY_PORT"], os.environ["PYSPARK_GATEWAY_SECRET"] = map(str, connection)

    def end(self, seconds: float = START_SECONDS) -> None:
        """Let the JVM end by itself, with what it does at exit. Raises subprocess.TimeoutExpired."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(seconds)

    def kill(self) -> None:
        """End the JVM at once."""
        with contextlib.suppress(OSError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def spark_home() -> Path:
    """The folder of the installed pyspark, found without importing it. Raises FileNotFoundError."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise FileNotFoundError("pyspark is not installed")
    return Path(found.origin).parent


def _read(connection: bytes) -> tuple[int, str]:
    """What Spark's gateway writes: the port, the length of the secret (both 4 bytes, big-endian), the secret."""
    port, length = struct.unpack(">ii", connection[:8])
    return port, connection[8 : 8 + length].decode()
