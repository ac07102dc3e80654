"""`course services`: servers that go on after the command, are known again, and are ended with nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from autograder import paths
from autograder.services import daemons, postgres
from autograder.services.errors import ServiceUnavailable
from autograder.services.processes import Known, start_of


@dataclass(frozen=True)
class Course:
    """The command, with a state folder of its own."""

    state: Path

    def run(self, *arguments: str, code: int = 0) -> str:
        environment = {**os.environ, "COURSE_STATE": str(self.state)}
        done = subprocess.run(
            [sys.executable, "-m", "autograder.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=paths.ROOT,
            timeout=200,
            check=False,
        )
        assert done.returncode == code, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def server(self) -> psutil.Process:
        record = json.loads((self.state / "services" / "postgres.json").read_text())
        return psutil.Process(record["processes"][0]["id"])


@pytest.fixture
def course(folder: Path) -> Iterator[Course]:
    yield Course(folder)
    daemons.down("postgres", folder)


def rows(state: Path) -> int:
    access = postgres.access(daemons.place_of("postgres", state))
    with contextlib.closing(access.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE IF NOT EXISTS kept (number INT)")
        cursor.execute("INSERT INTO kept VALUES (1)")
        connection.commit()
        cursor.execute("SELECT count(*) FROM kept")
        found: int = cursor.fetchall()[0][0]
        return found


def test_a_server_survives_its_command_and_a_killed_one_starts_again_with_its_data(course: Course) -> None:
    assert "postgres  running at jdbc:postgresql://127.0.0.1:" in course.run("services", "up", "postgres")
    first = course.server()
    assert (first.name(), first.terminal()) == ("postgres", None)
    assert rows(course.state) == 1
    course.run("services", "up", "postgres")
    assert course.server() == first
    assert "already" in course.run("services", "up", "postgres", "--port", "postgres=1", code=1)

    first.kill()
    assert "postgres  dead (server is gone)" in course.run("services", "status", "postgres", code=1)
    course.run("services", "up", "postgres")
    second = course.server()
    assert second != first
    assert rows(course.state) == 2
    assert "database system was interrupted" in course.run("services", "logs", "postgres")

    processes = [second, *second.children(recursive=True)]
    said = course.run("services", "down", "postgres")
    assert f"Its data stay in {course.state / 'services' / 'postgres'}; delete that folder" in said
    assert psutil.wait_procs(processes, timeout=10)[1] == []
    assert "postgres  stopped" in course.run("services", "status", "postgres")
    assert "postgres was not running" in course.run("services", "down", "postgres")


def test_a_process_with_the_id_of_an_old_server_is_left_alone(folder: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        now = start_of(stranger.pid)
        record = {"id": stranger.pid, "start": f"{now}0", "stop": int(signal.SIGTERM), "program": "server"}
        (folder / "services").mkdir()
        document = {"ports": {"server": 1}, "processes": [record]}
        (folder / "services" / "postgres.json").write_text(json.dumps(document))
        assert daemons.status("postgres", folder).state == "dead"
        assert daemons.down("postgres", folder)
        assert stranger.poll() is None
        # The same process, known rightly, is ended.
        Known(stranger.pid, now).end(signal.SIGTERM, 5)
        assert stranger.wait(10) == -signal.SIGTERM
    finally:
        stranger.kill()
        stranger.wait()


def test_a_port_that_is_taken_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServiceUnavailable, match=f"Port {port} is taken by another program"):
            daemons.up("postgres", port, folder)
    assert daemons.status("postgres", folder).state == "stopped"


def test_bad_input_gets_a_sentence(folder: Path, tmp_path: Path) -> None:
    course = Course(folder)
    assert "Run `course setup --services kafka` once" in course.run("services", "up", "kafka", code=1)
    assert "it was not started yet" in course.run("services", "logs", "spark", code=1)
    assert "NAME=PORT" in course.run("services", "up", "--port", "kafka", code=2)
    (tmp_path / "file").write_text("")
    assert "set COURSE_STATE to a folder that is" in Course(tmp_path / "file").run("services", "up", "spark", code=1)
    (folder / "services" / "mlflow.json").write_text("{")
    assert "not readable as the record" in course.run("services", "status", "mlflow", code=1)
