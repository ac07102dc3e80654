"""The same notebook, unchanged, on a standalone Spark cluster: a master and two workers from the pyspark wheel, on loopback."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from autograder import manifest, paths, render
from autograder.services import spark


def test_a_notebook_runs_unchanged_on_a_cluster(tmp_path: Path) -> None:
    with spark.cluster() as cluster:
        verdicts = run(cluster.master, tmp_path)
        ran = re.findall(r"Registered app 1\.1 ", cluster.log.read_text(encoding="utf-8"))
    graded = [exercise for exercise in manifest.notebook("1.1").exercises if exercise.kind != "written"]
    assert verdicts == ["passed"] * len(graded)
    assert len(ran) == 1


def run(master: str, folder: Path) -> list[str]:
    """The verdicts of notebook 1.1 of the solutions, run on this master."""
    spec = manifest.notebook("1.1")
    notebook = nbformat.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_CONF_DIR"} | {
        "COURSE_SPARK_MASTER": master
    }
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)

    return [
        output["data"][render.MIME]["status"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if render.MIME in output.get("data", {})
    ]
