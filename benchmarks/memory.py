"""Peak memory of every notebook, run with the Binder profile: kernel, JVM and Python workers together.

    python benchmarks/memory.py [NUMBER ...] [--publish]

Sums the proportional set size (PSS) of the kernel's process tree 5 times a second, so that pages shared by forked workers count once.
Ends with 1 when a notebook needs more than the 1.6 GB that the course promises on Binder's 2 GB.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time

import nbformat
import psutil
from nbclient import NotebookClient
from publishing import publish, table

from autograder import manifest, paths
from autograder.models import NotebookSpec

LIMIT_MIB = 1_600_000_000 / 2**20
INTERVAL_SECONDS = 0.2


def tree_mib(root: psutil.Process) -> dict[str, float]:
    """Proportional set size by part of the process tree, in MiB."""
    parts = {"kernel": 0.0, "JVM": 0.0, "Python workers": 0.0}
    for process in [root, *root.children(recursive=True)]:
        try:
            size = process.memory_full_info().pss / 2**20
            name = "kernel" if process.pid == root.pid else "JVM" if "java" in process.name() else "Python workers"
            parts[name] += size
        except psutil.Error:
            continue
    return parts


def peak(spec: NotebookSpec) -> tuple[dict[str, float], float]:
    """The parts at the moment of the highest sum, and the seconds that the notebook took."""
    notebook = nbformat.read(paths.SOLUTIONS / spec.assignment / f"{spec.name}.ipynb", as_version=4)
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_CONF_DIR"} | {
        "COURSE_PROFILE": "binder"
    }
    highest: dict[str, float] = {}
    running = threading.Event()
    running.set()

    def sample(kernel: psutil.Process) -> None:
        nonlocal highest
        while running.is_set() and kernel.is_running():
            parts = tree_mib(kernel)
            if sum(parts.values()) > sum(highest.values()):
                highest = parts
            time.sleep(INTERVAL_SECONDS)

    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}})
        start = time.monotonic()
        with client.setup_kernel(env=environment):
            kernel = psutil.Process(client.km.provisioner.process.pid)
            thread = threading.Thread(target=sample, args=(kernel,))
            thread.start()
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            seconds = time.monotonic() - start
            running.clear()
            thread.join()
    return highest, seconds


def main() -> int:
    """Measure and print; publish on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    chosen = [manifest.notebook(number) for number in options.numbers] or list(manifest.notebooks())
    rows, worst, together = [], 0.0, 0.0
    for spec in chosen:
        parts, seconds = peak(spec)
        total = sum(parts.values())
        worst = max(worst, total)
        together += seconds
        rows.append([spec.number, f"{total:.0f}", *(f"{size:.0f}" for size in parts.values()), f"{seconds:.0f}"])
        print(" ".join(rows[-1]), flush=True)
    text = table(["notebook", "peak (MiB)", "kernel", "JVM", "Python workers", "whole notebook (s)"], rows)
    text += f"\n\n{len(rows)} notebooks, one after the other: {together / 60:.1f} minutes."
    print(text)
    if options.publish:
        publish("memory", text)
    return 1 if worst > LIMIT_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
