"""Looks for what would stop the course on this machine, and says how to mend it.

    from autograder.setup.doctor import run_checks
    problems = [result for result in run_checks() if result.blocks]

Each check is a function that returns one `CheckResult` and changes nothing.
"""

from __future__ import annotations

import enum
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autograder.paths import ROOT, SAMPLES, STATE
from autograder.setup import java, ports
from autograder.setup.errors import from_os_error
from autograder.setup.jars_lock import problem_with, read_lock
from autograder.setup.memory import available_memory
from autograder.setup.spark_configuration import configuration_folder, render, settings_from_environment

PYTHON = (3, 11)
DISK_NEEDED = 500 * 2**20
"""Bytes: what the jars, tables and checkpoints of the first modules take, with room to spare."""

MEMORY_NEEDED = {"laptop": 2 * 2**30, "binder": int(1.6 * 2**30)}
"""Bytes that JVM, kernel and Python workers take together, by `COURSE_PROFILE`."""

WORKER_DEADLINE = 180.0
"""Seconds in which a Spark session must have started and answered; 10 are usual."""


class Outcome(enum.StrEnum):
    """`problem` keeps a learner from working; `note` is worth knowing, and blocks nobody."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class CheckResult:
    """What one check found. `message` is what is; `remedy` is what to do, empty when there is nothing to do."""

    name: str
    outcome: Outcome
    message: str
    remedy: str = ""

    @property
    def blocks(self) -> bool:
        """Whether a learner cannot work until this is mended."""
        return self.outcome is Outcome.PROBLEM

    def to_json(self) -> dict[str, str]:
        """A JSON-ready dictionary."""
        return asdict(self)


def ok(name: str, message: str) -> CheckResult:
    """Nothing to do."""
    return CheckResult(name, Outcome.OK, message)


def note(name: str, message: str, remedy: str) -> CheckResult:
    """Worth knowing."""
    return CheckResult(name, Outcome.NOTE, message, remedy)


def problem(name: str, message: str, remedy: str) -> CheckResult:
    """Keeps a learner from working."""
    return CheckResult(name, Outcome.PROBLEM, message, remedy)


def run_checks(
    root: Path = ROOT, state: Path = STATE, port: int = ports.JUPYTER, spark: bool = True
) -> list[CheckResult]:
    """All checks, in the order in which they are best mended. Without `spark`, no session is started (saves 15 s)."""
    return list(iterate_checks(root, state, port, spark))


def iterate_checks(
    root: Path = ROOT, state: Path = STATE, port: int = ports.JUPYTER, spark: bool = True
) -> Iterator[CheckResult]:
    """The checks one by one, so that a terminal can show each as it ends."""
    checks: dict[str, Callable[[], CheckResult]] = {
        "Python": check_python,
        "Packages": lambda: check_packages(root / "requirements.lock"),
        "Java": check_java,
        "Disk": lambda: check_disk(state),
        "Jars": lambda: check_jars(root, state),
        "Spark configuration": lambda: check_configuration(root, state),
        "Sample data": lambda: check_samples(SAMPLES),
        "Memory": check_memory,
        "Worker Python": check_worker_python,
        "Loopback": check_loopback,
        "Jupyter port": lambda: check_port(port),
        "git": check_git,
        "Sandbox": check_sandbox,
    }
    blocked = False
    for name, check in checks.items():
        result = _guarded(name, check)
        blocked = blocked or result.blocks
        yield result
    if spark:
        yield _guarded("Spark and its workers", lambda: check_workers(blocked))


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3]), prefix: str = sys.prefix) -> CheckResult:
    """Python 3.11, in an environment of its own."""
    text = ".".join(str(part) for part in version)
    if version[:2] != PYTHON:
        return problem(
            "Python",
            f"This is Python {text}; the course's packages are locked for 3.11.",
            "Install Python 3.11, delete the folder .venv and run `make lab PYTHON=python3.11`.",
        )
    return ok("Python", f"Python {text} in {prefix}")


def check_packages(lock: Path) -> CheckResult:
    """Every package has the version that the lock gives it."""
    wrong = []
    for name, wanted in locked_versions(lock).items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if installed != wanted:
            wrong.append(f"{name} is {installed}, not {wanted}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return problem(
            "Packages",
            f"{', '.join(wrong[:3])}{more} ({lock.name}).",
            "Run `make setup`, or `pip install --require-hashes -r requirements.lock` in your own environment.",
        )
    return ok("Packages", f"{len(locked_versions(lock))} packages are at their locked versions")


def locked_versions(lock: Path) -> dict[str, str]:
    """Package name → version, of those entries of a pip lock that apply to this machine."""
    versions: dict[str, str] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not re.match(r"[A-Za-z0-9]", line):
            continue
        requirement = Requirement(line.removesuffix("\\").strip())
        if requirement.marker is None or requirement.marker.evaluate():
            versions[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return versions


def check_java(environment: Mapping[str, str] | None = None) -> CheckResult:
    """A Java that Spark 4.1 runs on, where Spark's launcher looks for it."""
    environment = os.environ if environment is None else environment
    home = environment.get("JAVA_HOME")
    found = java.find_java(environment)
    if found is None and home:
        return problem(
            "Java",
            f"JAVA_HOME is {home}, where there is no bin/java.",
            f"Unset JAVA_HOME or point it at a Java 17; if there is none, {java.INSTALL}.",
        )
    if found is None:
        return problem("Java", "There is no Java on this machine's PATH.", f"To mend it, {java.INSTALL}.")
    if found.version is None:
        return CheckResult(
            "Java",
            Outcome.PROBLEM,
            f"{found.executable} does not answer to `java -version`.",
            f"To mend it, {java.INSTALL}.",
        )
    if found.version < java.MINIMUM:
        return problem(
            "Java",
            f"{found.executable} is Java {found.version}; Spark 4.1 needs 17 or newer.",
            f"To mend it, {java.INSTALL} and set JAVA_HOME to it.",
        )
    if found.version > java.NEWEST_TRIED:
        return note(
            "Java",
            f"{found.executable} is Java {found.version}; Spark 4.1 is built for 17 and 21.",
            "If Spark does not start, set JAVA_HOME to a Java 17.",
        )
    return ok("Java", f"Java {found.version} at {found.executable}")


def check_disk(state: Path, needed: int = DISK_NEEDED) -> CheckResult:
    """The course's own folder can be written to, and its disk has room."""
    if re.search(r"\s", str(state)):
        return problem(
            "Disk",
            f"The path {state} has a space in it, which Spark's launcher cannot read.",
            "Move the course to a folder without spaces in its path, or set COURSE_STATE to one.",
        )
    try:
        state.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=state, prefix=".doctor-") as probe:
            probe.write(b"\0" * 2**16)
            probe.flush()
    except OSError as error:
        message, _, remedy = str(from_os_error(error, state)).partition("; ")
        return problem("Disk", f"{message}.", remedy[:1].upper() + remedy[1:])
    free = shutil.disk_usage(state).free
    if free < needed:
        return problem(
            "Disk",
            f"{_size(free)} are free at {state}; the course needs {_size(needed)}.",
            "Free some space, or set COURSE_STATE to a folder on a larger disk.",
        )
    return ok("Disk", f"{state} is writable, {_size(free)} are free")


def check_jars(root: Path, state: Path) -> CheckResult:
    """Every jar of the lock is there with the locked SHA-256."""
    jars = read_lock(root / "jars.lock")["notebooks"]
    wrong = [f"{jar.filename} is {what}" for jar in jars if (what := problem_with(state / "jars" / jar.filename, jar))]
    if wrong:
        more = f", and {len(wrong) - 1} more like it" if len(wrong) > 1 else ""
        return problem("Jars", f"{wrong[0]}{more}.", "Run `course setup`, which fetches what is not right.")
    return ok("Jars", f"{len(jars)} jars have their locked SHA-256")


def check_configuration(root: Path, state: Path, environment: Mapping[str, str] | None = None) -> CheckResult:
    """Spark will read the configuration that the course renders."""
    environment = os.environ if environment is None else environment
    name = "Spark configuration"
    folder = Path(environment.get("SPARK_CONF_DIR") or state / "spark-conf")
    settings = settings_from_environment(root, state, environment)
    if folder.parent != state:
        return note(
            name,
            f"SPARK_CONF_DIR is {folder}, not the course's own configuration.",
            "Unset SPARK_CONF_DIR unless you mean it.",
        )
    expected = configuration_folder(settings)
    for filename, content in render(settings).items():
        path = expected / filename
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            return problem(name, f"{path} is missing or out of date.", "Run `course setup`.")
    return ok(name, f"{expected} is up to date ({settings.master}, {settings.driver_memory})")


def check_samples(samples: Path) -> CheckResult:
    """The committed sample tables are there."""
    files = sorted(path for path in samples.rglob("*") if path.is_file()) if samples.is_dir() else []
    empty = [path.name for path in files if path.stat().st_size == 0]
    if not files or empty:
        what = f"{empty[0]} is empty" if empty else "there are none"
        return problem(
            "Sample data",
            f"The sample tables of {samples} are not whole: {what}.",
            "Run `git checkout -- datasets/samples`.",
        )
    return ok("Sample data", f"{len(files)} files in {samples}")


def check_memory(available: int | None = None, profile: str | None = None) -> CheckResult:
    """The profile's JVM, kernel and workers fit into what the machine or its container has left."""
    available = available_memory() if available is None else available
    profile = profile or os.environ.get("COURSE_PROFILE") or "laptop"
    needed = MEMORY_NEEDED[profile]
    if available >= needed:
        return ok("Memory", f"{_size(available)} available, {_size(needed)} needed ({profile} profile)")
    remedy = "Close other programs or notebooks (Kernel > Shut Down All Kernels)"
    if profile != "binder":
        remedy += ", or use the small profile: export COURSE_PROFILE=binder"
    message = f"{_size(available)} of memory are available; the {profile} profile needs {_size(needed)}."
    return problem("Memory", message, remedy + ".")


def check_worker_python(environment: Mapping[str, str] | None = None) -> CheckResult:
    """Spark's workers are this environment's Python, not whatever comes first on PATH."""
    environment = os.environ if environment is None else environment
    name = "Worker Python"
    for variable in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"):
        value = environment.get(variable, "")
        found = shutil.which(value, path=environment.get("PATH")) if value else None
        # Not the resolved files: a virtual environment's Python is a link to the one it was made from.
        if found is None or Path(found).absolute().parent != Path(sys.executable).parent:
            return problem(
                name,
                f"{variable} is {value or 'not set'}, but this is {sys.executable}.",
                f"Unset {variable}: the course then sets it right by itself.",
            )
    return ok(name, f"Workers run {environment['PYSPARK_PYTHON']}")


def check_loopback() -> CheckResult:
    """Programs of this machine can talk to each other."""
    if ports.loopback_works():
        return ok("Loopback", "127.0.0.1 answers")
    return problem(
        "Loopback",
        "A connection from this machine to itself (127.0.0.1) fails.",
        "Let your firewall or VPN allow connections to 127.0.0.1; in a container, bring the interface `lo` up.",
    )


def check_port(port: int) -> CheckResult:
    """JupyterLab's port is free, or JupyterLab has it."""
    name = "Jupyter port"
    if ports.is_free(port):
        return ok(name, f"{port} is free")
    from jupyter_server.serverapp import list_running_servers

    if any(server["port"] == port for server in list_running_servers()):
        return ok(name, f"{port} is JupyterLab's already")
    return CheckResult(
        name,
        Outcome.PROBLEM,
        f"Port {port} is used by another program.",
        f"Stop it, or run `course lab --port {port + 1}`.",
    )


def check_git() -> CheckResult:
    """git is there, to fetch new versions of the course."""
    found = shutil.which("git")
    if found:
        return ok("git", found)
    return note("git", "git is not installed.", "Install it to fetch new versions of the course.")


def check_sandbox() -> CheckResult:
    """bubblewrap can make a sandbox. Only instructors need it, so its absence is a note."""
    if sys.platform != "linux":
        return note("Sandbox", "Grading a class needs Linux.", "Learners need nothing here.")
    found = shutil.which("bwrap")
    if found is None:
        return note(
            "Sandbox",
            "bubblewrap is not installed; only instructors need it.",
            "To grade a class: sudo apt-get install bubblewrap.",
        )
    trial = [found, "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true"]
    answer = subprocess.run(trial, capture_output=True, text=True, timeout=30, check=False)
    if answer.returncode != 0:
        return note(
            "Sandbox",
            f"bubblewrap cannot make a sandbox here: {answer.stderr.strip()}",
            "To grade a class, allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1).",
        )
    return ok("Sandbox", f"{found} works")


def check_workers(blocked: bool = False, deadline: float = WORKER_DEADLINE) -> CheckResult:
    """A real session starts, and its Python workers run a pandas function. `blocked`: an earlier check failed."""
    name = "Spark and its workers"
    # A session of its own, so that at the deadline the JVM and the workers end with it.
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.setup.worker_probe"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=deadline)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return problem(
            name,
            f"Spark gave no answer in {deadline:.0f} s.",
            "Close other programs; if it stays so, a firewall may block connections to 127.0.0.1.",
        )
    try:
        answer = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        cause = _last_error(errors)
        first = "Mend the problems above first." if blocked else "Run `course setup`; if it stays so, report this line."
        return problem(name, f"Spark did not run a Python function: {cause}", first)
    if answer["sum"] != sum(range(0, 200, 2)):
        return problem(name, f"Workers computed {answer['sum']}, not 9900.", "Report this.")
    return ok(name, f"Workers answer with Python {answer['python']}, pyarrow {answer['pyarrow']}")


def _guarded(name: str, check: Callable[[], CheckResult]) -> CheckResult:
    """A check that cannot even look is a problem of that name, not the end of the others."""
    try:
        return check()
    except Exception as error:
        return problem(name, f"This could not be checked: {type(error).__name__}: {error}", "Report this.")


def _last_error(errors: str) -> str:
    """The last line that names an error: Python's own, below its stack."""
    lines = [line.strip() for line in errors.splitlines() if re.match(r"\S*(Error|Exception|_)\S*: |.*JAVA_HOME", line)]
    return lines[-1] if lines else (errors.strip().splitlines() or ["it said nothing"])[-1]


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GB" if number >= 2**30 else f"{number / 2**20:.0f} MB"
