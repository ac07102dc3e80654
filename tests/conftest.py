"""Fixtures for all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

# Spark starts its Python workers as "python3" unless told otherwise.
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable

# As in the course's configuration, but with room for compiled code: 48 MB, which is what C1 alone gets, are full after some
# hundred tests, and from then on Java spends a fifth of its time on throwing code away.
JAVA_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:ReservedCodeCacheSize=240m"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say which tests stay together in one process (`--dist loadgroup`): those of a file, or, where there are hundreds, of a notebook."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        notebook = getattr(item, "callspec", None) and item.callspec.params.get("item")
        number = getattr(notebook, "number", "")
        item.add_marker(pytest.mark.xdist_group(f"{item.path.parent.name}/{item.path.stem} {number}".strip()))


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
