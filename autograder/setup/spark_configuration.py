"""The Spark configuration that every notebook, test and grader starts with.

Learners write `SparkSession.builder.getOrCreate()` and nothing else. What Spark needs to know comes from a folder
named by `SPARK_CONF_DIR`, rendered here from the templates in `autograder/setup/spark/`. Environment variables read:

- `SPARK_CONF_DIR`: a folder of your own; the course then leaves Spark's configuration alone.
- `COURSE_PROFILE`: `laptop` (the default, 1 GB for the JVM) or `binder` (768 MB).
- `COURSE_SPARK_MASTER`: another master than `local[2]`, such as `spark://127.0.0.1:7077`.
- `COURSE_SPARK_UI`: `true` starts Spark's web pages; a notebook may ask too, by `.config("spark.ui.enabled", "true")`.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from autograder.paths import ROOT, STATE
from autograder.setup.jars_lock import read_lock

TEMPLATES = Path(__file__).parent / "spark"

DRIVER_MEMORY = {"laptop": "1g", "binder": "768m"}
"""Java heap of the driver, which in local mode is also the only executor."""

# The serial collector and the first compiler tier keep a short-lived JVM small and quick: windows, joins and a Delta
# write took 10 s and 600 MB with them, 31 s and 750 MB without, on the same two cores. That tier alone gets 48 MB for compiled
# code; long notebooks fill that, and throw code away that they need again: 6.1.2 took 191 s, and 168 s with more (it uses 68 MB).
JAVA_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:ReservedCodeCacheSize=128m"


@dataclass(frozen=True)
class SparkSettings:
    """What may differ between two renderings of the configuration.

    `driver_memory` is in the JVM's notation ("768m"); an empty `jars` leaves Delta Lake and Kafka out. With
    `jars_on_class_path` the driver loads jars itself; without, Spark hands every executor a copy, as a cluster needs.
    """

    warehouse: Path
    state: Path
    jars: tuple[Path, ...] = ()
    master: str = "local[2]"
    driver_memory: str = DRIVER_MEMORY["laptop"]
    ui: bool = False
    jars_on_class_path: bool = False


def settings_from_environment(
    root: Path = ROOT, state: Path = STATE, environment: Mapping[str, str] | None = None
) -> SparkSettings:
    """The settings that the environment asks for, with the jars that set-up has put under `state`.

    Raises ValueError when `COURSE_PROFILE` names no profile.
    """
    environment = os.environ if environment is None else environment
    profile = environment.get("COURSE_PROFILE") or "laptop"
    if profile not in DRIVER_MEMORY:
        known = ", ".join(DRIVER_MEMORY)
        raise ValueError(f"COURSE_PROFILE is {profile!r}; set it to one of: {known}.")
    return SparkSettings(
        warehouse=state / "warehouse",
        state=state,
        jars=present_jars(root, state),
        master=environment.get("COURSE_SPARK_MASTER") or SparkSettings.master,
        driver_memory=DRIVER_MEMORY[profile],
        ui=environment.get("COURSE_SPARK_UI", "").lower() in ("1", "true", "yes"),
    )


def present_jars(root: Path = ROOT, state: Path = STATE) -> tuple[Path, ...]:
    """The notebooks' jars if all of them are there with the locked size, else nothing: half a set fails obscurely.

    Only sizes are compared, since this runs at every start; `course setup` and `course doctor` compare SHA-256.
    """
    paths = []
    for jar in read_lock(root / "jars.lock").get("notebooks", ()):
        path = state / "jars" / jar.filename
        try:
            if path.stat().st_size != jar.size:
                return ()
        except OSError:
            return ()
        paths.append(path)
    return tuple(paths)


def render(settings: SparkSettings) -> dict[str, str]:
    """File name → content of a Spark configuration folder."""
    parts = ["spark-defaults.conf"]
    if settings.master.startswith("local"):
        parts.append("spark-defaults.loopback.conf")
    if settings.jars:
        parts.append("spark-defaults.jars.conf")
    defaults = Template(_join(parts)).substitute(
        master=settings.master,
        driver_memory=settings.driver_memory,
        java_options=JAVA_OPTIONS,
        warehouse=settings.warehouse,
        ui=str(settings.ui).lower(),
        jars_property="spark.driver.extraClassPath" if settings.jars_on_class_path else "spark.jars",
        jars=(os.pathsep if settings.jars_on_class_path else ",").join(str(path) for path in settings.jars),
    )
    shell = ["spark-env.sh"]
    if settings.master.startswith("local"):
        shell.append("spark-env.loopback.sh")
    return {
        "spark-defaults.conf": defaults,
        "spark-env.sh": _join(shell),
        "log4j2.properties": _join(["log4j2.properties"]),
    }


def write_configuration(folder: Path, settings: SparkSettings) -> bool:
    """Renders `settings` into `folder`. Returns whether a file changed; files already right are not touched.

    Each file is replaced in one step, so that a Spark starting just then never reads half of one. Raises OSError.
    """
    changed = False
    for name, content in render(settings).items():
        path = folder / name
        if _content(path) == content:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        changed = True
    return changed


def configuration_folder(settings: SparkSettings) -> Path:
    """Where these settings are rendered: `<state>/spark-conf`, or a folder of its own if the environment changed it.

    Two notebooks with different settings may run at once, so they must not write the same files.
    """
    plain = SparkSettings(warehouse=settings.warehouse, state=settings.state, jars=settings.jars)
    if settings == plain:
        return settings.state / "spark-conf"
    digest = hashlib.sha256(repr((settings.master, settings.driver_memory, settings.ui)).encode()).hexdigest()
    return settings.state / f"spark-conf-{digest[:8]}"


class QueryContextLogger(logging.Logger):
    """Stands in for the two loggers to which PySpark writes each SQL error, Java stack and all, before it raises it."""

    def exception(self, msg: object, *args: object, **context: object) -> None:
        """Writes nothing: the exception that follows says it, and standard error costs points in stock nbgrader."""


def silence_query_context_loggers() -> None:
    """Keeps PySpark from printing an error that it also raises. Imports no PySpark, so that it costs no time."""
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        if name in logging.Logger.manager.loggerDict:
            logging.getLogger(name).disabled = True
        else:
            logging.Logger.manager.loggerDict[name] = QueryContextLogger(name)


def prepare_environment(root: Path = ROOT, state: Path = STATE) -> None:
    """Makes the next JVM that this process starts a course JVM. Called on `import autograder`; takes 20 ms at most.

    Sets `SPARK_CONF_DIR`, `PYARROW_IGNORE_TIMEZONE`, `PYSPARK_PYTHON` and `PYSPARK_DRIVER_PYTHON` unless they are set
    already. Without the last two, workers are whatever `python3` comes first on PATH. Where `state` cannot be written to, the configuration
    goes to a temporary folder that goes away with this process.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    # What `pyspark.pandas` needs in driver and workers; it warns in each of them when it comes too late to set it itself.
    os.environ.setdefault("PYARROW_IGNORE_TIMEZONE", "1")
    silence_query_context_loggers()
    given = os.environ.get("SPARK_CONF_DIR")
    if given and Path(given).parent != state:
        return
    try:
        settings = settings_from_environment(root, state)
    except (OSError, ValueError) as error:
        warnings.warn(f"Spark starts without the course's configuration: {error}", stacklevel=2)
        return
    folder = configuration_folder(settings)
    try:
        write_configuration(folder, settings)
    except OSError:
        # A read-only or full disk. Spark can still run; `course setup` and `course doctor` say what is wrong.
        with contextlib.suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix="course-spark-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            write_configuration(folder, settings)
    os.environ["SPARK_CONF_DIR"] = str(folder)


def _join(parts: list[str]) -> str:
    return "".join((TEMPLATES / part).read_text(encoding="utf-8") for part in parts)


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None
