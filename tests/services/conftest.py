"""Fixtures for tests of services."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that every user can enter: for root, PostgreSQL runs as another user, and tmp_path is closed to it."""
    path = Path(tempfile.mkdtemp(prefix="course-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
