"""The same notebook, unchanged, on a standalone Spark cluster: a master and two workers from the pyspark wheel, on loopback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pyspark
import pytest
from nbclient import NotebookClient

from autograder import manifest, paths, render

START_SECONDS = 60


def start(log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a daemon of Spark's standalone cluster; its output goes to `log`."""
    command = [str(Path(pyspark.__file__).parent / "bin" / "spark-class"), *arguments]
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    return subprocess.Popen(
        command, stdout=log.open("wb"), stderr=subprocess.STDOUT, env=environment, start_new_session=True
    )


def wait_for(log: Path, pattern: str, times: int = 1) -> str:
    """The first group of `pattern` once it has appeared in a log as often as asked for."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = re.findall(pattern, log.read_text(errors="replace"))
        if len(found) >= times:
            return str(found[0])
        time.sleep(0.2)
    raise AssertionError(f"{pattern!r} did not appear in {log}:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture
def master(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a running master with two workers, and the master's log."""
    # The course's own configuration keeps logs to errors; the daemons must say where they listen.
    logging = tmp_path / "conf" / "log4j2.properties"
    logging.parent.mkdir()
    logging.write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.stdout.ref = console\nappender.console.type = Console\n"
        "appender.console.name = console\nappender.console.layout.type = PatternLayout\nappender.console.layout.pattern = %m%n\n"
    )
    previous = os.environ.get("SPARK_CONF_DIR")
    os.environ["SPARK_CONF_DIR"] = str(logging.parent)
    log = tmp_path / "master.log"
    processes = [
        start(log, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    ]
    try:
        address = wait_for(log, r"(spark://127\.0\.0\.1:\d+)")
        for number in (1, 2):
            arguments = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0", "--cores", "1", "--memory", "1g")
            folder = str(tmp_path / f"worker-{number}")
            processes.append(
                start(
                    tmp_path / f"worker-{number}.log",
                    "org.apache.spark.deploy.worker.Worker",
                    *arguments,
                    "-d",
                    folder,
                    address,
                )
            )
        wait_for(log, r"(Registering worker)", times=2)
        if previous is None:
            del os.environ["SPARK_CONF_DIR"]
        else:
            os.environ["SPARK_CONF_DIR"] = previous
        yield address, log
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def test_a_notebook_runs_unchanged_on_a_cluster(master: tuple[str, Path], tmp_path: Path) -> None:
    address, log = master
    spec = manifest.notebook("1.1")
    notebook = nbformat.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_CONF_DIR"} | {
        "COURSE_SPARK_MASTER": address
    }
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env=environment)

    verdicts = [
        output["data"][render.MIME]["status"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if render.MIME in output.get("data", {})
    ]
    graded = [exercise for exercise in spec.exercises if exercise.kind != "written"]
    assert verdicts == ["passed"] * len(graded)
    wait_for(log, r"(Registered app 1\.1 )")
