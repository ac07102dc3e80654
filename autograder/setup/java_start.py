"""How the grader starts Java: Spark's own command, without its launcher, with an archive of loaded classes.

`spark-submit` starts a first Java only to learn the command of the second, and the second reads and verifies thousands
of classes one by one. Both are the same at every start, so they are found out once for a machine and kept under
`<state>/java-start/<key>/`: `command.json` and `classes.jsa`, made by running `autograder.setup.class_training`, the
course's own code on the course's own data. The key covers the JDK, the options and every jar, so that a change of any of
them leads to a new archive. The JVM itself checks the archive again (`-Xshare:auto`): a stale, damaged or missing one
costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from autograder.paths import STATE
from autograder.setup.java import find_java
from autograder.setup.java_process import spark_home
from autograder.setup.spark_configuration import JAVA_OPTIONS, SparkSettings, present_jars, write_configuration

FOLDER = "java-start"
COMMAND = "command.json"
ARCHIVE = "classes.jsa"
AT_ITS_ADDRESS = ("-XX:+UnlockDiagnosticVMOptions", "-XX:ArchiveRelocationMode=0")
"""Map the archive where it was made for, when the place is free. Elsewhere every page with an address in it becomes a copy:
150 MB more for each JVM, and 0.14 s of work (`java -version` takes 0.10 s without)."""

TRAINING_SECONDS = 300
LAUNCHER_SECONDS = 60
_making = Lock()


@dataclass(frozen=True)
class JavaStart:
    """A folder with `command.json` (the arguments of Spark's JVM, the program first) and `classes.jsa`."""

    folder: Path

    def command(self, configuration: Path) -> list[str]:
        """The command for a Spark configuration folder, as Spark's launcher would build it from `spark-submit`."""
        program, *options = json.loads((self.folder / COMMAND).read_text(encoding="utf-8"))
        archive = f"-XX:SharedArchiveFile={self.folder / ARCHIVE}"
        return [program, archive, *AT_ITS_ADDRESS, *options, *configured(configuration)]


class NoJavaStart(Exception):
    """The command or the archive could not be made; the message says why. Spark's launcher still works."""


def grading_settings(scratch: Path) -> SparkSettings:
    """Spark's settings in the sandbox: everything writable is under `scratch`, and jars are on the class path."""
    return SparkSettings(warehouse=scratch / "warehouse", state=scratch, jars=present_jars(), jars_on_class_path=True)


@lru_cache(maxsize=1)
def prepared() -> JavaStart | None:
    """What `course setup --grading` has made for this machine; None when there is nothing. Asked for once per process."""
    with contextlib.suppress(NoJavaStart, OSError):
        folder = STATE / FOLDER / _key()
        return JavaStart(folder) if (folder / ARCHIVE).exists() else None
    return None


def make(state: Path = STATE) -> JavaStart:
    """Make command and archive for this machine unless they are there; takes about a minute. Raises NoJavaStart, OSError."""
    folder = state / FOLDER / _key()
    if (folder / ARCHIVE).exists():
        return JavaStart(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _making, _alone(folder.parent / ".lock"):
        if not (folder / ARCHIVE).exists():
            _make(folder)
    return JavaStart(folder)


def _make(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as temporary:
        new = Path(temporary, "new")
        new.mkdir()
        scratch = Path(temporary, "scratch")
        settings = grading_settings(scratch)
        write_configuration(scratch / "conf", settings)
        command = _ask_launcher(scratch / "conf", settings)
        (new / COMMAND).write_text(json.dumps(command), encoding="utf-8")
        _train([command[0], f"-XX:ArchiveClassesAtExit={new / ARCHIVE}", *command[1:]], scratch)
        if not (new / ARCHIVE).exists():
            raise NoJavaStart("Java wrote no archive of classes.")
        for path in (new, *new.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)


def _ask_launcher(configuration: Path, settings: SparkSettings) -> list[str]:
    """The command that `spark-submit pyspark-shell` would run: its class path spelled out, without the configuration folder.

    An archive of classes is only used with the class path that it was made with, and never with a folder on it. Of the
    configuration folder Java needs just log4j's file, which `configured` names.
    """
    java = find_java()
    if java is None:
        raise NoJavaStart("There is no Java.")
    home = spark_home()
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(configuration),
        "SPARK_SCALA_VERSION": "2.13",
    }
    launcher = [str(java.executable), "-Xmx128m", "-cp", f"{home / 'jars'}/*", "org.apache.spark.launcher.Main"]
    try:
        asked = subprocess.run(
            [*launcher, "org.apache.spark.deploy.SparkSubmit", "pyspark-shell"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LAUNCHER_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise NoJavaStart(f"Spark's launcher did not answer: {error}") from error
    arguments = asked.stdout.partition("\0\n")[2].split("\0")[:-1]
    try:
        place = arguments.index("-cp") + 1
        main = arguments.index("org.apache.spark.deploy.SparkSubmit")
    except ValueError as error:
        raise NoJavaStart("Spark's launcher answered something else than a command.") from error
    entries = [entry for entry in arguments[place].split(os.pathsep) if not _same(entry, configuration)]
    arguments[place] = os.pathsep.join(dict.fromkeys(jar for entry in entries for jar in _spelled_out(entry)))
    del arguments[main:]
    return arguments


def configured(configuration: Path) -> list[str]:
    log4j = (configuration / "log4j2.properties").as_uri()
    return [f"-Dlog4j2.configurationFile={log4j}", "org.apache.spark.deploy.SparkSubmit", "pyspark-shell"]


def _same(entry: str, folder: Path) -> bool:
    return Path(entry) == folder


def _spelled_out(entry: str) -> Iterator[str]:
    if entry.endswith("*"):
        yield from sorted(str(jar) for jar in Path(entry).parent.glob("*.jar"))
    else:
        yield entry


def _train(command: Sequence[str], scratch: Path) -> None:
    environment = {**os.environ, "SPARK_CONF_DIR": str(scratch / "conf")}
    try:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "autograder.setup.class_training",
                json.dumps([*command, *configured(scratch / "conf")]),
            ],
            cwd=scratch,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRAINING_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise NoJavaStart(f"The training run of the archive failed: {lines[-1]}") from error
    except subprocess.TimeoutExpired as error:
        raise NoJavaStart(f"The training run of the archive took longer than {TRAINING_SECONDS} seconds.") from error


def _key() -> str:
    """SHA-256 over all that the command and the archive depend on. Raises NoJavaStart."""
    java = find_java()
    if java is None:
        raise NoJavaStart("There is no Java.")
    program = java.executable.resolve()
    jars = [*sorted((spark_home() / "jars").glob("*.jar")), *present_jars()]
    digest = hashlib.sha256(repr((JAVA_OPTIONS, SparkSettings.driver_memory, str(program))).encode())
    digest.update((Path(__file__).parent / "class_training.py").read_bytes())
    for path in (program, program.parent.parent / "release", *jars):
        with contextlib.suppress(FileNotFoundError):
            facts = path.stat()
            digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time makes an archive; others wait for it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
