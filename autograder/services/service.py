"""What a service is: named ports, a folder, one or more programs; and how one is started, watched and ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from autograder.services import lifeline
from autograder.services.errors import ServiceUnavailable
from autograder.services.lifeline import Lifeline
from autograder.services.processes import Known
from autograder.services.program import Program
from autograder.setup import ports as tcp

LONGEST = 180.0
"""Seconds within which a program must be ready. On an idle machine the slowest takes ten; the first start of all, on a busy one,
reads hundreds of megabytes from a cold disk.
"""

PATIENCE = 10.0
"""Seconds that a program has to end in order, before it is killed."""

PORTS = "ports.json"


@dataclass(frozen=True)
class Place:
    """Where a service runs: its own folder, and a port for each name that it listens under."""

    folder: Path
    ports: Mapping[str, int]


class Service(ABC):
    """One kind of server. Objects hold no state: what belongs to a running one is in its `Place`."""

    name: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]]
    """The first is the one that clients use."""

    @abstractmethod
    def require(self) -> None:
        """Raise ServiceUnavailable when something that it runs on is missing on this machine."""

    @abstractmethod
    def prepare(self, place: Place) -> None:
        """Make what the programs expect in the folder; what is there already stays. Raises ServiceUnavailable, OSError."""

    @abstractmethod
    def programs(self, place: Place) -> tuple[Program, ...]:
        """The programs, in the order in which they are started; each is ready before the next one starts."""

    def complete(self, place: Place) -> None:  # noqa: B027
        """What is done once all programs are ready."""

    @abstractmethod
    def address(self, place: Place) -> str:
        """What clients are given to reach it."""

    def hints(self, place: Place) -> tuple[str, ...]:
        """Lines for people who have just started it: how to use it."""
        return ()


@dataclass(frozen=True)
class Running:
    """A service that this process has started and that ends with it."""

    service: Service
    place: Place
    lives: tuple[Lifeline, ...]
    temporary: bool
    owner: int

    @property
    def folder(self) -> Path:
        """The folder of this server: its data, settings and logs."""
        return self.place.folder

    @property
    def address(self) -> str:
        """What clients are given to reach it."""
        return self.service.address(self.place)

    def running(self) -> bool:
        """Whether all of its processes are there."""
        return all(life.running() for life in self.lives)

    def healthy(self) -> bool:
        """Whether all of its programs do their work."""
        return self.running() and all(program.ready() for program in self.service.programs(self.place))

    def stop(self) -> None:
        """End it; a temporary folder goes away, any other keeps its data. Calling it again does nothing."""
        if os.getpid() != self.owner:
            return
        for life in reversed(self.lives):
            life.end()
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


def start(service: Service, folder: Path | None = None) -> Running:
    """Start a service and wait until it is ready. It ends with `stop`, or with this process.

    Parameters
    ----------
    folder: keeps the data, which a later start finds again; without one they are in a temporary folder and go with it.

    Raises ServiceUnavailable.
    """
    service.require()
    temporary = folder is None
    home = Path(tempfile.mkdtemp(prefix=f"course-{service.name}-")) if folder is None else folder.resolve()
    lives: list[Lifeline] = []

    def begin(program: Program) -> Callable[[], bool]:
        # What a temporary folder holds is lost anyway, so its programs need not end in order.
        life = lifeline.start(program, home, remove=temporary, seconds=0.5 if temporary else PATIENCE)
        lives.append(life)
        return life.running

    try:
        place = take_place(service, home)
        launch(service, place, begin)
    except BaseException as error:
        for life in reversed(lives):
            life.end()
        if temporary:
            shutil.rmtree(home, ignore_errors=True)
        if isinstance(error, OSError):
            raise ServiceUnavailable(cannot_write(service, home, error)) from error
        raise
    return Running(service, place, tuple(lives), temporary, os.getpid())


@contextlib.contextmanager
def running(service: Service, folder: Path | None = None) -> Iterator[Running]:
    """A service for the time of a `with` block; see `start`."""
    started = start(service, folder)
    try:
        yield started
    finally:
        started.stop()


def launch(service: Service, place: Place, begin: Callable[[Program], Callable[[], bool]]) -> None:
    """Prepare the folder and start all programs through `begin`, which returns how to ask whether the program still runs.

    Raises ServiceUnavailable with the last words of a program that ended or was not ready in time.
    """
    service.prepare(place)
    for program in service.programs(place):
        log = program.log(place.folder)
        written = log.stat().st_size if log.exists() else 0
        alive = begin(program)
        deadline = time.monotonic() + LONGEST
        while not program.ready():
            if not alive() or time.monotonic() > deadline:
                raise ServiceUnavailable(
                    f"{service.name} did not start: {_last_words(log, written)} The whole log is {log}."
                )
            time.sleep(0.05)
    service.complete(place)


def take_place(service: Service, folder: Path, wanted: int | None = None) -> Place:
    """The folder, made if needed, with a free port for each name: those of the last time where they are still free.

    Parameters
    ----------
    wanted: the port that clients use, if it must be this one.

    Raises ServiceUnavailable when `wanted` is taken; OSError when the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remembered = folder / PORTS
    try:
        before = json.loads(remembered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    if wanted is not None:
        if not tcp.is_free(wanted):
            raise ServiceUnavailable(
                f"Port {wanted} is taken by another program, so {service.name} cannot listen there; "
                "end that program, or leave the port out to get a free one."
            )
        before[service.port_names[0]] = wanted
    chosen: dict[str, int] = {}
    for name in service.port_names:
        port = before.get(name)
        while port is None or port in chosen.values() or not tcp.is_free(port):
            port = tcp.free_port()
        chosen[name] = port
    temporary = folder / f".{PORTS}"
    temporary.write_text(json.dumps(chosen), encoding="utf-8")
    temporary.replace(remembered)
    return Place(folder, chosen)


def spawn(program: Program, folder: Path) -> Known:
    """Start a program that goes on when this process ends. Raises OSError."""
    user = {} if program.user is None else {"user": program.user, "group": program.user, "extra_groups": []}
    with program.log(folder).open("ab") as output:
        process = subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(program.environment),
            cwd=folder,
            start_new_session=True,
            **user,  # type: ignore[call-overload]
        )
    known = Known.of(process.pid)
    # It is not waited for here; should it end first, the system must not keep it for a parent that never asks.
    process.returncode = 0
    return known


def cannot_write(service: Service, folder: Path, error: OSError) -> str:
    """The sentence for a file system that refused."""
    reason = error.strerror or str(error)
    return (
        f"{service.name} cannot use its folder {folder} ({reason}); make it writable, or set COURSE_STATE to a folder "
        "that is, and try again."
    )


def _last_words(log: Path, skip: int) -> str:
    try:
        said = log.read_bytes()[skip:].decode("utf-8", "replace").strip().splitlines()
    except OSError:
        said = []
    return " ".join(line.strip() for line in said[-3:]) or "it said nothing."
