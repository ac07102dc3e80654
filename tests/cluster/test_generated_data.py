"""The generators make the same rows on a standalone cluster as in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.services import spark
from datasets.versions import committed

pytestmark = [pytest.mark.slow]


def test_a_cluster_writes_tables_with_the_digests_of_the_samples(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autograder.cli", "data", "churn", "--out", str(tmp_path / "data")]
    with spark.cluster() as cluster:
        environment = {**os.environ, "COURSE_SPARK_MASTER": cluster.master, "PYSPARK_PYTHON": sys.executable}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        log = cluster.log.read_text(encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "app-" in log, "no application registered with the master"
    written = json.loads((tmp_path / "data" / "manifest.json").read_text(encoding="utf-8"))["tables"]
    names = ("churn_train", "churn_test")
    assert {name: written[name]["digest"] for name in names} == {name: committed()[name].digest for name in names}
