"""Python's compiled modules for the sandbox, which cannot keep any itself.

A sandbox sees everything read-only, and packages are often installed without bytecode, so that Python would compile
thousands of modules again for every learner: five seconds of work instead of one. What the runner loads is compiled once,
by trusted code outside, into `<state>/bytecode/<key>/`, which every sandbox reads (`PYTHONPYCACHEPREFIX`). Python compares
each entry with its source, so that a stale or missing one costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from autograder.paths import ROOT, STATE

FOLDER = "bytecode"
COMPLETE = "complete"
SECONDS = 300
MODULES = (
    "IPython.core.interactiveshell",
    "autograder.grading.runner",
    "autograder.grading.verifier",
    "delta",
    "ipykernel.connect",
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "numpy",
    "pandas",
    "plotly.express",
    "pyarrow.parquet",
    "pyspark.daemon",
    "pyarrow.pandas_compat",
    "pyspark.pandas",
    "pyspark.sql.classic.dataframe",
    "pyspark.sql.functions",
    "pyspark.sql.pandas.conversion",
    "pyspark.sql.streaming",
    "pyspark.testing",
    "pyspark.worker",
)


def folder(state: Path = STATE) -> Path:
    """Where this Python and these packages have their bytecode; it need not exist."""
    packages = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    key = hashlib.sha256(repr((sys.version, sys.prefix, packages, MODULES)).encode()).hexdigest()[:16]
    return state / FOLDER / key


@lru_cache(maxsize=1)
def prepared() -> Path | None:
    """What `course setup --grading` has made; None when there is nothing. Asked for once per process."""
    home = folder()
    return home if (home / COMPLETE).exists() else None


def make(state: Path = STATE) -> Path:
    """Compile what is not compiled yet; takes ten seconds the first time. Raises OSError, subprocess.SubprocessError."""
    home = folder(state)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(home)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    commands = [["-m", "compileall", "-q", str(ROOT / "autograder"), str(ROOT / "datasets")]]
    if not (home / COMPLETE).exists():
        commands.append(["-m", "autograder.setup.bytecode"])
    for command in commands:
        subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    (home / COMPLETE).touch()
    for path in (home.parent, home):
        path.chmod(0o755)
    return home


def load(modules: Iterable[str] = MODULES) -> None:
    """Import modules, so that Python compiles them and all that they import; those that are not installed are left out."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


if __name__ == "__main__":
    load()
