"""Two processes that need the same thing make it once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sharing import made_once

PROGRAM = """
import sys, time
from pathlib import Path
from tests.sharing import made_once

class Factory:
    def getbasetemp(self):
        own = Path(sys.argv[1]) / sys.argv[2]
        own.mkdir()
        return own

def make(folder):
    with (Path(sys.argv[1]) / "log").open("a") as log:
        log.write(sys.argv[2] + "\\n")
    time.sleep(1)
    (folder / "whole").touch()

assert (made_once(Factory(), "thing", make) / "whole").exists()
"""


def test_processes_of_a_run_make_it_once_and_wait_until_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    started = [subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), name]) for name in ("one", "two")]
    assert [process.wait(timeout=60) for process in started] == [0, 0]
    assert len((tmp_path / "log").read_text(encoding="utf-8").splitlines()) == 1


def test_what_was_made_by_half_is_made_anew(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space left")

    name = request.node.name
    with pytest.raises(OSError, match="no space"):
        made_once(tmp_path_factory, name, fail)
    folder = made_once(tmp_path_factory, name, lambda folder: (folder / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
    assert made_once(tmp_path_factory, name, fail) == folder
