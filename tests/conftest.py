"""Fixtures for all tests."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import pytest
from pyspark.sql import SparkSession
from xdist.scheduler import LoadScopeScheduling

# Spark starts its Python workers as "python3" unless told otherwise.
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable

# As in the course's configuration, but with room for compiled code: 48 MB, which is what C1 alone gets, are full after some
# hundred tests, and from then on Java spends a fifth of its time on throwing code away.
JAVA_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:ReservedCodeCacheSize=240m"


SHARING = frozenset({"reports"})
"""Folders whose files share what takes long to make (a graded class), and therefore a process."""


class ByFileAndNotebook(LoadScopeScheduling):
    """Keeps the tests of a file in one process, where they share their fixtures; those of each notebook apart, where there are hundreds.

    (`--dist loadgroup` would do, but its groups are without effect under pytest 9.2: xdist 3.8 adds them to a name that is not read.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        folder = PurePath(file).parent.name
        if folder in SHARING:
            return folder
        exercise = re.search(r"\[(\d+(?:\.\d+)+)\.\d+(?:-\d+)?\]$", nodeid)
        return f"{file} {exercise[1]}" if exercise else file


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFileAndNotebook | None:
    """What divides the tests between processes with `--dist loadscope`."""
    return ByFileAndNotebook(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One small local Spark session for the whole test run."""
    session = (
        SparkSession.builder.master("local[2]")
        .appName("tests")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.extraJavaOptions", JAVA_OPTIONS)
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
