"""`course services`: servers that go on after the command that started them, recorded so that exactly they are ended.

`<state>/services/<name>/` has a server's data, settings and logs, which stay; `<name>.json` beside it is there from its start until
`down`. It holds ids and start times of the processes, so that a process which got an old id is never taken for a server.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from autograder.paths import STATE
from autograder.services import service as services
from autograder.services.errors import ServiceUnavailable
from autograder.services.kafka import Kafka
from autograder.services.mlflow import Mlflow
from autograder.services.postgres import Postgres
from autograder.services.processes import Known
from autograder.services.program import Program
from autograder.services.service import PATIENCE, Place, Service
from autograder.services.spark import Spark

SERVICES: dict[str, Service] = {kind.name: kind for kind in (Kafka(), Postgres(), Mlflow(), Spark())}


@dataclass(frozen=True)
class Process:
    """A program of a running service."""

    program: str
    id: int
    start: str
    stop: int

    @property
    def known(self) -> Known:
        """The process itself."""
        return Known(self.id, self.start)


@dataclass(frozen=True)
class Record:
    """A service that was started: its ports and its processes, in the order of their start."""

    ports: Mapping[str, int]
    processes: tuple[Process, ...]


@dataclass(frozen=True)
class Status:
    """`state` is "stopped", "running", "not answering" (its processes are there) or "dead" (one of them is gone).

    `missing` are the programs that are gone; `place` is None when it is stopped.
    """

    service: Service
    state: str
    folder: Path
    place: Place | None = None
    missing: tuple[str, ...] = ()


def up(name: str, port: int | None = None, state: Path = STATE) -> Status:
    """Start a service, unless it runs; one that died is started again with its data.

    Parameters
    ----------
    port: where clients are to find it; None leaves it to the last time, or takes a free one.

    Raises ServiceUnavailable.
    """
    kind = SERVICES[name]
    folder = state / "services" / name
    with _mine(state, kind):
        found = status(name, state)
        if found.place is not None and found.state == "running":
            if port not in (None, found.place.ports[kind.port_names[0]]):
                raise ServiceUnavailable(
                    f"{name} runs already, at {kind.address(found.place)}; end it with `course services down {name}` first."
                )
            return found
        _end(name, state)
        kind.require()
        try:
            place = services.take_place(kind, folder, port)
            services.launch(kind, place, _recorder(name, place, state))
        except BaseException as error:
            _end(name, state)
            if isinstance(error, OSError):
                raise ServiceUnavailable(services.cannot_write(kind, folder, error)) from error
            raise
        return Status(kind, "running", folder, place)


def down(name: str, state: Path = STATE) -> bool:
    """End a service in order; its data stay. Returns False when it was not started. Raises ServiceUnavailable."""
    with _mine(state, SERVICES[name]):
        return _end(name, state)


def status(name: str, state: Path = STATE) -> Status:
    """What is true of a service now; a running one is asked whether it does its work."""
    kind, folder = SERVICES[name], state / "services" / name
    record = _read(name, state)
    if record is None:
        return Status(kind, "stopped", folder)
    place = Place(folder, record.ports)
    programs = kind.programs(place)
    alive = {process.program for process in record.processes if process.known.running()}
    missing = tuple(program.name for program in programs if program.name not in alive)
    if missing:
        return Status(kind, "dead", folder, place, missing)
    return Status(kind, "running" if all(program.ready() for program in programs) else "not answering", folder, place)


def place_of(name: str, state: Path = STATE) -> Place:
    """Where a running service is, for clients. Raises ServiceUnavailable when it does not run."""
    found = status(name, state)
    if found.place is None or found.state != "running":
        raise ServiceUnavailable(
            f"{name} is {found.state}; `course services up {name}` starts it, `course services logs {name}` shows what it said."
        )
    return found.place


def logs(name: str, state: Path = STATE) -> list[Path]:
    """The log files of a service, in the order of its programs; those that are not written yet are left out."""
    kind, folder = SERVICES[name], state / "services" / name
    place = Place(folder, dict.fromkeys(kind.port_names, 0))
    return [log for program in kind.programs(place) if (log := program.log(folder)).exists()]


def _recorder(name: str, place: Place, state: Path) -> Callable[[Program], Callable[[], bool]]:
    """Starts programs, and records each at once: whoever kills this process leaves nothing that `down` does not know."""

    def begin(program: Program) -> Callable[[], bool]:
        known = services.spawn(program, place.folder)
        record = _read(name, state) or Record(place.ports, ())
        process = Process(program.name, known.id, known.start, int(program.stop))
        _write(name, replace(record, processes=(*record.processes, process)), state)
        return known.running

    return begin


def _end(name: str, state: Path) -> bool:
    record = _read(name, state)
    if record is None:
        return False
    for process in reversed(record.processes):
        process.known.end(signal.Signals(process.stop), PATIENCE)
    _file(name, state).unlink(missing_ok=True)
    return True


def _file(name: str, state: Path) -> Path:
    return state / "services" / f"{name}.json"


def _read(name: str, state: Path) -> Record | None:
    try:
        content = json.loads(_file(name, state).read_text(encoding="utf-8"))
        return Record(content["ports"], tuple(Process(**process) for process in content["processes"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceUnavailable(
            f"{_file(name, state)} is not readable as the record of a service; look with `ps` for what still runs, end it, "
            "and remove the file."
        ) from error


def _write(name: str, record: Record, state: Path) -> None:
    path = _file(name, state)
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
    temporary.replace(path)


@contextlib.contextmanager
def _mine(state: Path, kind: Service) -> Iterator[None]:
    """Two commands at once do not start or end the same service twice. Raises ServiceUnavailable."""
    folder = state / "services"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f".{kind.name}.lock").open("w")
    except OSError as error:
        raise ServiceUnavailable(services.cannot_write(kind, folder, error)) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
