"""`mlflow server` in one process: the arguments are those of that command.

MLflow's own command loads everything, then starts a second Python that loads everything again, and only watches it. Here the server runs
where it was loaded, which halves memory and the time to start. MLflow's version is locked, and tests run this.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence


def serve_here(command: Sequence[str], extra_env: Mapping[str, str], **_options: object) -> None:
    """Stands in for the function that starts the second process: `command` is `python -m uvicorn ...`."""
    import uvicorn

    os.environ.update(extra_env)
    uvicorn.main(list(command[3:]))


def main() -> None:
    """Run the command. Ends with the server."""
    import mlflow.cli
    import mlflow.server

    mlflow.server._exec_cmd = serve_here  # type: ignore[attr-defined, assignment]
    mlflow.cli.cli(["server", *sys.argv[1:]])


if __name__ == "__main__":
    main()
