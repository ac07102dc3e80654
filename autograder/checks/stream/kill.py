"""A real crash: the learner's query in a process of its own with a JVM of its own, both ended by SIGKILL in the middle of a batch.

The process is a fork, so that it has the learner's function with everything the function uses. It forgets the parent's JVM, starts
another one, and opens the same source, checkpoint and sink in it. Which moment is hit does not depend on luck: a function given to
`foreachBatch` is held after its first batch was written; without one, the process dies as soon as the checkpoint shows a batch that
has begun and is not committed, at which moment a sink of Spark's own must not lose or double anything either. On request it dies as
soon as anything new lies below the sink's folder: in the middle of the write.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow.parquet as pq

from autograder.compare import collect

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from autograder.checks.stream.drive import Drive

LONGEST = 90.0
"""Seconds that the process has to come to its first batch; a JVM on a slow machine starts in 20."""

MEMORY = "512m"
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl


def can_fork(spark: SparkSession) -> bool:
    """Whether a second JVM can take the query over: Linux or macOS, and Spark inside this machine."""
    return hasattr(os, "fork") and str(spark.sparkContext.master).startswith("local")


def run_and_kill(drive: Drive, *, writing: bool = False) -> bool:
    """Run the query of a drive in another process until its first batch is written, and kill it.

    With `writing` it is killed while that batch is being written, if it is written below the drive's target.
    Returns False when the query ended before that (nothing to read, or an error, which then shows when it is run again).
    """
    signs = drive.home / "signs"
    signs.mkdir(exist_ok=True)
    for sign in signs.iterdir():
        sign.unlink()
    tables = _stored_tables(drive)
    settings = _settings(drive.spark)
    parent = os.getpid()
    target = drive.target if writing else None
    with _connections_stay_open():
        child = os.fork()
    if child == 0:
        _child(drive, signs, tables, settings, parent)
    try:
        return _wait(child, signs, drive.checkpoint, target)
    finally:
        _end(child, signs)


def _wait(child: int, signs: Path, checkpoint: Path, target: Path | None) -> bool:
    """Wait for the moment to kill; False when the process ends before it comes."""
    committed = _numbers(checkpoint / "commits")
    before = _below(target)
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        if (signs / "written").exists() or _below(target) - before:
            return True
        begun = _numbers(checkpoint / "offsets") - committed
        if target is None and begun and not (signs / "held").exists() and not begun & _numbers(checkpoint / "commits"):
            return True
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    return False


def _below(folder: Path | None) -> set[Path]:
    """A folder that is there, and all that is in it."""
    try:
        return set() if folder is None or not folder.exists() else {folder, *folder.rglob("*")}
    except FileNotFoundError:  # a folder went away while it was read
        return set()


def _numbers(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.glob("*") if path.name.isdigit()}


def _end(child: int, signs: Path) -> None:
    """Kill the process, its JVM and whatever they started, and wait until they are gone."""
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)
    with contextlib.suppress(OSError, ValueError):
        java = int((signs / "java").read_text())
        deadline = time.monotonic() + 10
        while _lives(java) and time.monotonic() < deadline:
            time.sleep(0.01)


def _lives(process: int) -> bool:
    """Whether a process is there and more than an entry that waits to be collected."""
    try:
        os.kill(process, 0)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _stored_tables(drive: Drive) -> dict[str, tuple[Path, Any]]:
    """The DataFrames among the inputs as Parquet, with their schemas, for the other JVM."""
    from pyspark.sql import DataFrame

    stored = {}
    for name, value in drive.inputs.items():
        if isinstance(value, DataFrame):
            path = drive.home / f"table-{name}.parquet"
            pq.write_table(collect(value).rename_columns(value.columns), path)
            stored[name] = (path, value.schema)
    return stored


def _settings(spark: SparkSession) -> dict[str, str]:
    """The session's SQL settings that the other session must share for the checkpoint to fit."""
    return {
        name: value
        for name, value in dict(spark.conf.getAll).items()
        if name.startswith(("spark.sql.", "spark.databricks.")) and not name.startswith("spark.sql.warehouse")
    }


def _child(
    drive: Drive, signs: Path, tables: dict[str, tuple[Path, Any]], settings: dict[str, str], parent: int
) -> NoReturn:
    """What the forked process does. It ends here, whatever happens."""
    try:
        os.setsid()
        _die_with(parent)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        sys.stdout = sys.stderr = os.fdopen(null, "w", encoding="utf-8")
        _forget_java()
        spark = _new_session(settings)
        _sign(signs / "java", str(_java_process(spark)))
        _rebind(drive.function, spark)
        inputs = {name: spark if name == "spark" else value for name, value in drive.inputs.items()}
        inputs |= {name: spark.read.schema(schema).parquet(str(path)) for name, (path, schema) in tables.items()}
        _run(replace(drive, inputs=inputs, spark=spark), signs)
    except BaseException:
        with contextlib.suppress(OSError):
            _sign(signs / "error", traceback.format_exc())
    finally:
        os._exit(0)


def _run(drive: Drive, signs: Path) -> None:
    from autograder.checks.stream.drive import after_each_batch

    def hold(batch: int) -> None:
        _sign(signs / "written", str(batch))
        threading.Event().wait()

    with after_each_batch(hold, announced=lambda: _sign(signs / "held", "")):
        drive.start().awaitTermination()


@contextlib.contextmanager
def _connections_stay_open() -> Iterator[None]:
    """Keep a fork from ending the connections to the JVM that it shares with its parent.

    Python drops the thread-local values of all threads that a fork does not have, and py4j then shuts their connections down, for
    both processes. With the connection the JVM's thread ends, and with it the parent's active session.
    """
    from py4j import clientserver, java_gateway

    parent, original = os.getpid(), clientserver.quiet_shutdown

    def shut_down(connection: Any) -> None:
        if os.getpid() == parent:
            original(connection)

    clientserver.quiet_shutdown = java_gateway.quiet_shutdown = shut_down
    try:
        yield
    finally:
        if os.getpid() == parent:
            clientserver.quiet_shutdown = java_gateway.quiet_shutdown = original


def _sign(path: Path, text: str) -> None:
    """A file that is there in one step."""
    path.with_suffix(".part").write_text(text, encoding="utf-8")
    path.with_suffix(".part").rename(path)


def _die_with(parent: int) -> None:
    """End this process when its parent ends, where the kernel can do that."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _forget_java() -> None:
    """Make PySpark start anew in this process, and keep it from talking over the connections that belong to the parent."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    gateway = SparkContext._gateway
    if gateway is not None:
        client = gateway._gateway_client
        client.is_connected = False
        client.send_command = _refused
        client.garbage_collect_object = lambda *_, **__: None
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkContext._lock = threading.RLock()
    SparkSession._instantiatedSession = None
    for name in ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"):
        os.environ.pop(name, None)


def _refused(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError(
        "This DataFrame belongs to the notebook's Spark session. A query that is restarted elsewhere must reach its data "
        "through the parameters of its function."
    )


def _new_session(settings: dict[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--driver-memory {MEMORY} pyspark-shell"
    builder = SparkSession.builder.appName("restart")
    builder._options = dict(settings)
    return builder.getOrCreate()


def _java_process(spark: SparkSession) -> int:
    java: Any = spark._jvm
    return int(java.java.lang.ProcessHandle.current().pid())


def _rebind(function: Callable[..., Any], spark: SparkSession) -> None:
    """Let the global names of the learner's code that hold the old session hold the new one."""
    from pyspark.sql import SparkSession

    scope = getattr(function, "__globals__", {})
    for name, value in list(scope.items()):
        if isinstance(value, SparkSession):
            scope[name] = spark
