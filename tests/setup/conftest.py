"""What the set-up tests share: a Maven repository of real jars on the loopback, and programs run as a learner would."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from autograder.paths import ROOT, STATE
from autograder.setup.jars_lock import read_lock

SMALL_JARS = ("delta-storage", "spark-token-provider")


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and keeps quiet about it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Writes nothing."""


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    """A course folder whose lock has two of the real jars, 180 kB together."""
    root = tmp_path / "root"
    root.mkdir()
    entries = [
        f'[[notebooks]]\njar = "{jar.coordinates}"\nsha256 = "{jar.sha256}"\nsize = {jar.size}\n'
        for jar in read_lock(ROOT / "jars.lock")["notebooks"]
        if jar.filename.startswith(SMALL_JARS)
    ]
    assert len(entries) == 2
    (root / "jars.lock").write_text("\n".join(entries))
    return root


@pytest.fixture
def maven_mirror(tmp_path: Path, small_root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in Maven's layout with the jars of `small_root`, served over HTTP and named in the user's jgo.conf."""
    folder = tmp_path / "mirror"
    for jar in read_lock(small_root / "jars.lock")["notebooks"]:
        group, artifact, version = jar.coordinates.split(":")
        target = folder.joinpath(*group.split("."), artifact, version, jar.filename)
        target.parent.mkdir(parents=True)
        shutil.copyfile(STATE / "jars" / jar.filename, target)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(SilentHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = tmp_path / "jgo.conf"
        settings.write_text(f"[repositories]\nmirror = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
        yield folder
        server.shutdown()


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run() -> Run:
    """Runs a command line with the test's environment, changed by `environment`; never raises on its exit code."""

    def run_command(
        *command: str | Path, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **(environment or {})},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run_command


@pytest.fixture
def own_mounts(run: Run) -> tuple[str, ...]:
    """The start of a command line that may mount small file systems; they vanish when it ends."""
    command = ("unshare", "--map-root-user", "--mount")
    if sys.platform != "linux" or run(*command, "true").returncode != 0:
        pytest.skip("user namespaces are not available, so no small disk can be mounted")
    return command


@pytest.fixture
def no_network(run: Run) -> tuple[str, ...]:
    """The start of a command line that has no network at all."""
    command = ("unshare", "--map-root-user", "--net")
    if sys.platform != "linux" or run(*command, "true").returncode != 0:
        pytest.skip("user namespaces are not available, so the network cannot be taken away")
    return command
