"""`course setup`, `course lab` and the script below `make`: one sentence when they cannot, no work a second time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from autograder.paths import MODULES, ROOT, STATE
from autograder.setup.errors import SetupError
from autograder.setup.install import install
from autograder.setup.ports import free_port
from tests.setup.conftest import Run

COURSE = Path(sys.executable).parent / "course"
TOOLS = ("sh", "sed", "head", "dirname", "cksum", "tr", "cat", "id", "grep", "rm", "true", "false", "git")


def test_a_second_setup_changes_nothing(run: Run) -> None:
    assert run(COURSE, "setup").returncode == 0
    before = {path: path.stat().st_mtime_ns for path in STATE.glob("*/*")}
    answer = run(COURSE, "setup")
    assert answer.stdout.startswith("Set-up is complete: 8 jars")
    assert {path: path.stat().st_mtime_ns for path in STATE.glob("*/*")} == before


def test_setup_reports_what_it_repaired(small_root: Path, maven_mirror: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = install(small_root, state, show_progress=False)
    assert (first.jars, first.fetched, first.configuration_changed) == (2, 2, True)
    next((state / "jars").glob("*.jar")).write_bytes(b"short")
    second = install(small_root, state, show_progress=False)
    assert (second.fetched, second.configuration_changed) == (1, False)
    assert not install(small_root, state, show_progress=False).changed


def test_jars_of_a_service_are_fetched_only_when_asked_for(
    small_root: Path, maven_mirror: Path, tmp_path: Path
) -> None:
    lock = small_root / "jars.lock"
    first, second = lock.read_text().split("\n\n")
    lock.write_text(f"{first}\n\n{second.replace('[[notebooks]]', '[[kafka]]')}")
    state = tmp_path / "state"
    assert install(small_root, state, show_progress=False).jars == 1
    assert install(small_root, state, show_progress=False, services=("kafka",)).fetched == 1
    assert len(list((state / "jars").glob("*.jar"))) == 2


def test_setup_without_sample_data_says_how_to_get_it_back(
    small_root: Path, maven_mirror: Path, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match="git checkout -- datasets/samples"):
        install(small_root, tmp_path / "state", samples=tmp_path / "none", show_progress=False)


def test_lab_on_a_used_port_is_one_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = run(COURSE, "lab", "--no-browser", "--port", str(port))
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"Error: Port {port} is used by another program")
    assert answer.stderr.count("\n") == 1


def test_lab_before_setup_is_one_sentence(run: Run, tmp_path: Path) -> None:
    environment = {"COURSE_STATE": str(tmp_path), "SPARK_CONF_DIR": ""}
    answer = run(COURSE, "lab", "--no-browser", "--port", str(free_port()), environment=environment)
    assert answer.returncode == 1
    assert "run `course setup`" in answer.stderr


def test_lab_serves_the_notebooks_on_the_loopback_only(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    process = subprocess.Popen(
        [COURSE, "lab", "--no-browser", "--port", str(port)],
        env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        records: list[Path] = []
        while not records and time.monotonic() < deadline:
            assert process.poll() is None, "JupyterLab ended by itself"
            time.sleep(0.2)
            records = list(tmp_path.glob("jpserver-*.json"))
        server = json.loads(records[0].read_text())
        assert Path(server["root_dir"]) == MODULES
        assert server["hostname"] in ("localhost", "127.0.0.1")
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/contents?token={server['token']}")
        with urllib.request.urlopen(request, timeout=30) as response:
            listed = {entry["name"] for entry in json.load(response)["content"]}
        assert listed == {path.name for path in MODULES.iterdir() if not path.name.startswith((".", "__"))}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the environment script reads of a fresh clone."""
    folder = tmp_path / "clone"
    (folder / "autograder" / "setup").mkdir(parents=True)
    for name in (
        "requirements.lock",
        "pyproject.toml",
        "autograder/setup/environment.sh",
        "autograder/setup/installer.lock",
    ):
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the usual tools, and neither Java nor Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def make_environment(clone: Path, run: Run, *before: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = clone / "autograder/setup/environment.sh"
    defaults = {"TMPDIR": str(clone.parent), "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1", "PIP_FIND_LINKS": ""}
    return run(*before, "sh", script, "requirements.lock", environment={**defaults, **environment})


def no_stamp(clone: Path) -> bool:
    return not list(clone.glob(".venv/.course-*"))


def test_make_without_java_is_one_sentence(clone: Path, tools: Path, run: Run) -> None:
    answer = make_environment(clone, run, PATH=str(tools), JAVA_HOME="")
    assert answer.returncode == 1
    assert answer.stderr.startswith("course: There is no Java; install Java 17")
    assert answer.stderr.count("\n") == 1
    assert not (clone / ".venv").exists()


def test_make_with_an_old_java_names_its_version(clone: Path, tools: Path, run: Run) -> None:
    (tools / "java").write_text("#!/bin/sh\necho 'java version \"1.8.0_402\"' >&2\n")
    (tools / "java").chmod(0o755)
    answer = make_environment(clone, run, PATH=str(tools), JAVA_HOME="")
    assert "java is Java 8 and Spark 4.1 needs 17" in answer.stderr


def test_make_without_python_3_11_is_one_sentence(clone: Path, tools: Path, run: Run) -> None:
    (tools / "java").symlink_to(str(shutil.which("java")))
    answer = make_environment(clone, run, PATH=str(tools), JAVA_HOME="", PYTHON="")
    assert answer.stderr.startswith("course: There is no Python 3.11; install it")
    assert answer.stderr.count("\n") == 1
    named = make_environment(clone, run, PATH=str(tools), JAVA_HOME="", PYTHON="false")
    assert named.stderr.startswith("course: PYTHON is false, which is not a Python 3.11")


def test_make_without_network_is_one_sentence_and_leaves_no_stamp(
    clone: Path, run: Run, no_network: tuple[str, ...]
) -> None:
    answer = make_environment(clone, run, *no_network, PYTHON=sys.executable)
    assert answer.returncode == 1
    sentence = answer.stderr.splitlines()[-1]
    assert sentence.startswith("course: The packages could not be fetched; check the network connection"), answer.stderr
    assert no_stamp(clone)


def test_make_on_a_full_disk_is_one_sentence_and_leaves_no_stamp(
    clone: Path, run: Run, own_mounts: tuple[str, ...], tmp_path: Path
) -> None:
    script = f"mkdir {clone}/.venv && mount -t tmpfs -o size=2m tmpfs {clone}/.venv && exec"
    answer = make_environment(clone, run, *own_mounts, "sh", "-c", f'{script} "$@"', "sh", PYTHON=sys.executable)
    assert answer.stderr.splitlines()[-1] == (
        f"course: The disk that holds {clone} is full; free about 2 GB and run the same command again."
    ), answer.stderr
    assert no_stamp(clone)


def test_make_in_a_path_with_a_space_is_refused(clone: Path, run: Run) -> None:
    spaced = clone.rename(clone.parent / "my clone")
    assert "has a space in it" in make_environment(spaced, run).stderr


def test_an_environment_made_from_the_same_lock_is_left_alone(run: Run) -> None:
    script = ROOT / "autograder/setup/environment.sh"
    assert run("sh", script, "requirements-dev.lock").returncode == 0
    answer = run("sh", script, "requirements-dev.lock")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    learners = run("sh", script, "requirements.lock")
    assert (learners.returncode, learners.stderr) == (0, "")


def test_what_grading_needs_is_prepared_once(run: Run) -> None:
    assert run(COURSE, "setup", "--grading").returncode == 0
    again = run(COURSE, "setup", "--grading")
    assert (again.returncode, "Preparing" in again.stdout) == (0, False)


def test_help_lists_only_verbs_that_are_there_and_loads_no_engine(run: Run) -> None:
    answer = run(sys.executable, "-X", "importtime", "-m", "autograder.cli", "--help")
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in answer.stderr.splitlines()}
    assert "click" in loaded
    assert not loaded & {"pyspark", "pyarrow", "pandas", "polars", "scipy", "nbformat", "nbgrader"}
    listed = [line.split()[0] for line in answer.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    present = {path.stem for path in (ROOT / "autograder" / "commands").glob("*.py")} - {"__init__"}
    assert set(listed) == present
