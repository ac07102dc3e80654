"""`course lab`: JupyterLab on the notebooks, with Spark configured."""

from __future__ import annotations

import click


@click.command("lab")
@click.option("--port", default=8888, show_default=True, help="The port of JupyterLab on this machine.")
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening it.")
def command(port: int, no_browser: bool) -> None:
    """Open JupyterLab on modules/. Ctrl-C ends it."""
    import os
    import sys

    from autograder.setup.errors import SetupError
    from autograder.setup.lab import lab_command, lab_environment, ready

    try:
        ready(port)
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    os.execve(sys.executable, lab_command(port, browser=not no_browser), lab_environment())  # noqa: S606
