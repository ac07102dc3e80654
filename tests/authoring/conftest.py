"""A course of one new notebook, built once by a real kernel, and a copy of it to spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.authoring import build
from autograder.authoring.new import new
from tests.sharing import made_once

NUMBER = "2.1"


@pytest.fixture(scope="session")
def new_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a course whose only notebook is what `course new` writes; tests must not change it."""

    def make(root: Path) -> None:
        new(NUMBER, "Joins, sets, duplicates", "02_joins_windows_udfs", root=root)
        build.write(build.build(root=root), root)

    return made_once(tmp_path_factory, "new-course", make)


@pytest.fixture
def spoilt(new_course: Path, tmp_path: Path) -> Path:
    """A copy of that course which a test may change."""
    return Path(shutil.copytree(new_course, tmp_path / "course"))
