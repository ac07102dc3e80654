"""An MLflow tracking server and registry on loopback: sqlite for runs and models, a folder for artifacts.

with mlflow.server() as tracking:
    tracking.use()
    with mlflow.start_run(): ...
"""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autograder.services import service
from autograder.services.errors import ServiceUnavailable
from autograder.services.program import Program, environment
from autograder.services.service import Place, Running, Service


class Mlflow(Service):
    """One process that serves requests."""

    name = "mlflow"
    port_names = ("server",)

    def require(self) -> None:
        """The package."""
        if importlib.util.find_spec("mlflow") is None:
            raise ServiceUnavailable(
                "MLflow is not installed; run `make setup`, or `pip install --require-hashes -r requirements.lock` in "
                "your own environment."
            )

    def prepare(self, place: Place) -> None:
        """The folder for artifacts."""
        (place.folder / "artifacts").mkdir(exist_ok=True)

    def programs(self, place: Place) -> tuple[Program, ...]:
        """The server."""
        options = {
            "--backend-store-uri": f"sqlite:///{place.folder / 'mlflow.db'}",
            "--artifacts-destination": str(place.folder / "artifacts"),
            "--host": "127.0.0.1",
            "--port": str(place.ports["server"]),
            "--workers": "1",
        }
        command = (
            sys.executable,
            "-m",
            "autograder.services.mlflow_program",
            *(part for pair in options.items() for part in pair),
        )
        settings = {
            **environment(),
            "HOME": str(place.folder),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "PYTHONUNBUFFERED": "1",
        }
        ready = partial(_answers, self.address(place))
        return (Program("server", command, ready, settings, stop=signal.SIGTERM),)

    def address(self, place: Place) -> str:
        """What MLflow calls the tracking URI."""
        return f"http://127.0.0.1:{place.ports['server']}"

    def hints(self, place: Place) -> tuple[str, ...]:
        """The call for notebooks."""
        return (f'mlflow.set_tracking_uri("{self.address(place)}")',)


@dataclass(frozen=True)
class Tracking:
    """A running tracking server."""

    server: Running

    @property
    def uri(self) -> str:
        """What MLflow calls the tracking URI."""
        return self.server.address

    def use(self) -> None:
        """Make MLflow in this process log and register here."""
        import mlflow

        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)

    def stop(self) -> None:
        """End the server; a temporary folder goes away with it. Calling it again does nothing."""
        self.server.stop()


@contextlib.contextmanager
def server(folder: Path | None = None) -> Iterator[Tracking]:
    """A server of one's own, for the time of a `with` block; `folder` keeps its data. Raises ServiceUnavailable."""
    with service.running(Mlflow(), folder) as started:
        yield Tracking(started)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as reply:  # noqa: S310
            return bool(reply.read() == b"OK")
    except (urllib.error.URLError, OSError):
        return False
