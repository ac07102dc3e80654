"""Starting JupyterLab on the learner's notebooks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from autograder.paths import MODULES, ROOT, STATE
from autograder.setup import doctor, ports
from autograder.setup.errors import SetupError
from autograder.setup.spark_configuration import present_jars


def ready(port: int, root: Path = ROOT, state: Path = STATE) -> None:
    """Raises SetupError with the remedy when JupyterLab could not start, or its notebooks could not start Spark."""
    java = doctor.check_java()
    if java.blocks:
        raise SetupError(f"{java.message} {java.remedy}")
    if not present_jars(root, state):
        raise SetupError(
            f"The jars are not in {state / 'jars'} yet; run `course setup` (or `make lab`, which does it)."
        )
    if not ports.is_free(port):
        raise SetupError(
            f"Port {port} is used by another program, perhaps by a JupyterLab that still runs; stop it "
            f"(`jupyter lab stop {port}`) or take another: `make lab PORT={port + 1}` (`course lab --port {port + 1}`)."
        )


def lab_command(port: int, browser: bool = True, notebooks: Path = MODULES) -> list[str]:
    """The command line that becomes JupyterLab. It listens on this machine only and asks nothing of the network."""
    command = [
        sys.executable, "-m", "jupyterlab",
        f"--ServerApp.root_dir={notebooks}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    if not browser:
        command.append("--no-browser")
    if os.geteuid() == 0:  # in a container
        command.append("--allow-root")
    return command


def lab_environment() -> dict[str, str]:
    """The environment for JupyterLab: ours, with `course` on the PATH of its terminals, and less clutter.

    The configuration hides Jupyter's news pop-up and nbgrader's panels for authors and for a course server.
    """
    configuration = str(Path(__file__).parent / "jupyter")
    given = os.environ.get("JUPYTER_CONFIG_PATH")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        **os.environ,
        "PATH": path,
        "JUPYTER_CONFIG_PATH": os.pathsep.join([configuration, given] if given else [configuration]),
    }
