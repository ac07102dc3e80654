"""Without ruff, which learners' environments lack, authors' commands say how to get it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.cli import main


@pytest.mark.parametrize("arguments", [["verify"], ["new", "2.9", "Spare"]])
def test_who_has_no_formatter_is_told_where_it_comes_from(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert "make environment-dev" in done.output
    assert isinstance(done.exception, SystemExit)
