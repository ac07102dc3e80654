"""The doctor finds what is wrong, names the remedy, and finds nothing on a machine that works."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from autograder.paths import ROOT, SAMPLES, STATE
from autograder.setup import doctor
from autograder.setup.doctor import Outcome
from autograder.setup.memory import available_memory
from tests.setup.conftest import Run

COURSE = Path(sys.executable).parent / "course"
GIGABYTE = 2**30


@pytest.fixture
def no_java(tmp_path: Path) -> dict[str, str]:
    """An environment in which there is no Java, but the programs that Python starts by name."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").symlink_to("/usr/bin/git")
    return {**{key: value for key, value in os.environ.items() if key != "JAVA_HOME"}, "PATH": str(tools)}


def fake_java(folder: Path, version: str) -> dict[str, str]:
    """A Java that answers `-version` as that version does."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")
    program.chmod(0o755)
    return {"JAVA_HOME": str(folder), "PATH": os.environ["PATH"]}


def test_java_is_missed(no_java: dict[str, str]) -> None:
    result = doctor.check_java(no_java)
    assert result.blocks
    assert result.message == "There is no Java on this machine's PATH."
    assert "openjdk-17" in result.remedy


@pytest.mark.parametrize(
    ("version", "outcome"),
    [
        ("1.8.0_402", Outcome.PROBLEM),
        ("11.0.2", Outcome.PROBLEM),
        ("17.0.9", Outcome.OK),
        ("21", Outcome.OK),
        ("25", Outcome.NOTE),
    ],
)
def test_java_is_judged_by_its_version(version: str, outcome: Outcome, tmp_path: Path) -> None:
    assert doctor.check_java(fake_java(tmp_path / "jdk", version)).outcome is outcome


def test_a_wrong_java_home_is_named_even_if_there_is_a_java_on_the_path(tmp_path: Path) -> None:
    result = doctor.check_java({"JAVA_HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    assert result.blocks
    assert "no bin/java" in result.message
    assert "Unset JAVA_HOME" in result.remedy


def test_the_wrong_python_is_named() -> None:
    assert doctor.check_python((3, 11, 4)).outcome is Outcome.OK
    result = doctor.check_python((3, 13, 0))
    assert result.blocks
    assert "3.13.0" in result.message


def test_a_package_at_another_version_and_a_missing_one_are_named(tmp_path: Path) -> None:
    lock = ROOT / "requirements.lock"
    assert doctor.check_packages(lock).outcome is Outcome.OK
    changed = tmp_path / "requirements.lock"
    changed.write_text(lock.read_text().replace("pyspark==4.1.1", "pyspark==4.0.0") + "not-a-real-package==1.0 \\\n")
    result = doctor.check_packages(changed)
    assert result.blocks
    assert "pyspark is 4.1.1, not 4.0.0" in result.message
    assert "not-a-real-package is missing" in result.message


def test_a_truncated_and_a_wrong_jar_are_named(tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    for path in (STATE / "jars").glob("*.jar"):
        (jars / path.name).write_bytes(path.read_bytes())
    assert doctor.check_jars(ROOT, tmp_path).outcome is Outcome.OK

    truncated = next(jars.glob("postgresql*.jar"))
    content = truncated.read_bytes()
    truncated.write_bytes(content[:1000])
    result = doctor.check_jars(ROOT, tmp_path)
    assert result.blocks
    assert f"{truncated.name} is truncated (1,000 of {len(content):,} bytes)" in result.message

    truncated.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "its SHA-256 differs" in doctor.check_jars(ROOT, tmp_path).message


def test_a_read_only_and_a_full_disk_are_told_apart(own_mounts: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    code = "import sys, pathlib, autograder.setup.doctor as doctor; print(doctor.check_disk(pathlib.Path(sys.argv[1])))"
    read_only = f'mount -t tmpfs -o ro tmpfs {tmp_path} && "$0" -c "$1" {tmp_path}/state'
    full = f'mount -t tmpfs -o size=16k tmpfs {tmp_path} && "$0" -c "$1" {tmp_path}/state'
    assert "Read-only file system" in run(*own_mounts, "sh", "-c", read_only, sys.executable, code).stdout
    assert "is full" in run(*own_mounts, "sh", "-c", full, sys.executable, code).stdout


def test_a_disk_with_too_little_room_is_named(tmp_path: Path) -> None:
    assert doctor.check_disk(tmp_path).outcome is Outcome.OK
    result = doctor.check_disk(tmp_path, needed=10**18)
    assert result.blocks
    assert "the course needs" in result.message


def test_a_path_with_a_space_is_refused(tmp_path: Path) -> None:
    assert "has a space in it" in doctor.check_disk(tmp_path / "my course").message


def test_memory_is_judged_by_profile() -> None:
    assert doctor.check_memory(3 * GIGABYTE, "laptop").outcome is Outcome.OK
    small = doctor.check_memory(int(1.7 * GIGABYTE), "laptop")
    assert small.blocks
    assert "COURSE_PROFILE=binder" in small.remedy
    assert doctor.check_memory(int(1.7 * GIGABYTE), "binder").outcome is Outcome.OK
    assert doctor.check_memory(GIGABYTE, "binder").blocks


@pytest.mark.parametrize(
    ("membership", "folder", "limit", "usage"),
    [
        ("0::/user.slice/lab\n", "user.slice/lab", "memory.max", "memory.current"),
        ("5:cpu:/x\n4:memory:/docker/abc\n", "memory/docker/abc", "memory.limit_in_bytes", "memory.usage_in_bytes"),
        ("4:memory:/not/seen/from/inside\n", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ],
)
def test_a_containers_limit_counts_less_its_page_cache(
    membership: str, folder: str, limit: str, usage: str, tmp_path: Path
) -> None:
    group = tmp_path / "cgroup" / folder
    group.mkdir(parents=True)
    (group / limit).write_text(str(500 * 2**20))
    (group / usage).write_text(str(300 * 2**20))
    (group / "memory.stat").write_text(f"anon 1\ninactive_file {100 * 2**20}\ntotal_inactive_file {100 * 2**20}\n")
    (tmp_path / "membership").write_text(membership)
    assert available_memory(tmp_path / "cgroup", tmp_path / "membership") == 300 * 2**20


def test_memory_without_a_limit_is_the_machines(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1\n")
    free = psutil.virtual_memory().available
    assert available_memory(tmp_path, tmp_path / "none") == pytest.approx(free, rel=0.2)


def test_a_used_port_is_named_with_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = doctor.check_port(port)
        assert result.blocks
        assert f"course lab --port {port + 1}" in result.remedy
    assert doctor.check_port(port).outcome is Outcome.OK


def test_workers_of_another_python_are_named() -> None:
    right = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, "PATH": os.environ["PATH"]}
    assert doctor.check_worker_python(right).outcome is Outcome.OK
    for wrong in ("/usr/bin/python3", "", "no-such-python"):
        result = doctor.check_worker_python({**right, "PYSPARK_PYTHON": wrong})
        assert result.blocks
        assert "Unset PYSPARK_PYTHON" in result.remedy


def test_missing_and_empty_samples_are_named(tmp_path: Path) -> None:
    assert doctor.check_samples(SAMPLES).outcome is Outcome.OK
    assert doctor.check_samples(tmp_path / "none").blocks
    (tmp_path / "orders.parquet").touch()
    result = doctor.check_samples(tmp_path)
    assert "orders.parquet is empty" in result.message
    assert "git checkout" in result.remedy


def test_an_outdated_and_a_foreign_configuration_are_told_apart(tmp_path: Path) -> None:
    assert doctor.check_configuration(ROOT, tmp_path, {}).blocks
    foreign = doctor.check_configuration(ROOT, tmp_path, {"SPARK_CONF_DIR": "/etc/spark"})
    assert foreign.outcome is Outcome.NOTE


def test_workers_really_run_python() -> None:
    result = doctor.check_workers()
    assert result.outcome is Outcome.OK, result
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in result.message


def test_a_worker_python_without_pyarrow_is_found_by_running_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The interpreter that the environment was made from, without its packages: what an unactivated environment gives.
    bare = tmp_path / "python3"
    bare.write_text(f'#!/bin/sh\nexec "{Path(sys.executable).resolve()}" "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setenv("PYSPARK_PYTHON", str(bare))
    result = doctor.check_workers()
    assert result.blocks
    assert "Spark did not run a Python function" in result.message


def test_a_spark_that_never_answers_meets_the_deadline_and_leaves_nothing_behind() -> None:
    before = set(psutil.Process().children(recursive=True))  # the test run's own Spark session is none of its leftovers
    begin = time.monotonic()
    result = doctor.check_workers(deadline=4)
    assert result.blocks
    assert "no answer in 4 s" in result.message
    assert time.monotonic() - begin < 30
    children = set(psutil.Process().children(recursive=True)) - before
    probes = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    assert not [child for child in probes if "java" in child.name() or "worker_probe" in " ".join(child.cmdline())]


def test_a_check_that_cannot_look_is_a_problem_and_not_the_end(tmp_path: Path) -> None:
    results = doctor.run_checks(root=tmp_path, state=tmp_path, spark=False)
    jars = next(result for result in results if result.name == "Jars")
    assert jars.blocks
    assert "jars.lock" in jars.message
    assert len(results) == 13


def test_the_command_exits_1_and_names_the_one_problem(run: Run, no_java: dict[str, str]) -> None:
    answer = run(COURSE, "doctor", "--quick", "--json", environment={"PATH": no_java["PATH"], "JAVA_HOME": ""})
    problems = [entry["name"] for entry in json.loads(answer.stdout) if entry["outcome"] == "problem"]
    assert problems == ["Java"]
    assert answer.returncode == 1


def test_the_command_shows_each_remedy_in_its_table(run: Run, tmp_path: Path) -> None:
    answer = run(COURSE, "doctor", "--quick", environment={"JAVA_HOME": str(tmp_path), "COLUMNS": "200"})
    assert "Unset JAVA_HOME" in answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr
