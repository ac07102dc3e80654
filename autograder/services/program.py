"""One program of a service: how it is started, when it is ready, how it is asked to end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")


def environment() -> dict[str, str]:
    """What programs see of this process's environment: where things are, and no settings or secrets of the user."""
    return {name: value for name, value in os.environ.items() if name in _KEPT}


@dataclass(frozen=True)
class Program:
    """`command` starts with an absolute path. `ready` says whether the program does its work, and is asked again later as
    the health check. `stop` is the signal that asks it to end in order; `user` the user id that it runs as, if another.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=environment)
    stop: signal.Signals = signal.SIGTERM
    user: int | None = None

    def log(self, folder: Path) -> Path:
        """Where what the program prints goes, in the folder of its service."""
        return folder / f"{self.name}.log"
