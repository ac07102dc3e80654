"""Runs `autograder.grading.runner` where learner code can reach nothing: bubblewrap around it, limits on what it may
use.

Inside: a read-only system, Python, Java, the course's own code and sample data, and the task. Not inside: a network,
expected outputs, solutions, hidden tests, other submissions, results, the user's files and environment. Nothing of the
host is writable; answers leave through one pipe (see `exchange`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from autograder import paths
from autograder.grading import limits as control
from autograder.grading.exchange import ExchangeError, receive
from autograder.grading.limits import ControlGroup, Limits
from autograder.setup import bytecode, java_start

NOBODY = 65534
INSIDE_TASK = Path("/task")
# Paths inside the sandbox, where /tmp is private.
INSIDE_TMP = Path("/tmp")  # noqa: S108
INSIDE_SCRATCH = INSIDE_TMP / "course"
_SHARED_MEMORY = 256_000_000
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32")
_CONFIGURATION = ("alternatives", "ld.so.cache", "localtime", "fonts", "ssl/certs/java", "ca-certificates")


class SandboxUnavailable(Exception):
    """Learner code cannot be isolated on this machine; the message says why and what to do."""


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    `reason` is "finished", "timeout", "memory", "output" (too many or too large answers), "damaged" (the stream of
    answers made no sense) or "died". `isolation` says what kept the learner's code in. `peak_memory` is in bytes, 0
    where it is not known. `out_of_memory`: something inside was killed for using more than the limit.
    """

    reason: str
    seconds: float
    isolation: str
    findings: tuple[str, ...] = ()
    peak_memory: int = 0
    log: str = ""
    out_of_memory: bool = False


@dataclass
class _Watch:
    """What the watchdog saw."""

    peak_memory: int = 0
    over_memory: bool = False
    done: threading.Event = field(default_factory=threading.Event)


@lru_cache(maxsize=1)
def require_bubblewrap() -> str:
    """The path of a bubblewrap that works here. Raises SandboxUnavailable."""
    program = shutil.which("bwrap")
    remedy = "Install bubblewrap 0.8 or later, or grade with --no-sandbox on a machine that you can throw away."
    if program is None:
        raise SandboxUnavailable(f"bubblewrap (bwrap) is not installed, so learners' code cannot be isolated. {remedy}")
    with tempfile.TemporaryDirectory() as empty:
        trial = [*_wrap(program, Path(empty), Limits(), Path(empty)), "true"]
        try:
            tried = subprocess.run(trial, capture_output=True, text=True, timeout=20, check=False)
        except subprocess.TimeoutExpired as error:
            raise SandboxUnavailable(f"bubblewrap did not start within 20 seconds. {remedy}") from error
    if tried.returncode != 0:
        problem = (tried.stderr.strip().splitlines() or ["no message"])[-1]
        raise SandboxUnavailable(f"bubblewrap cannot make a sandbox here ({problem}). {remedy}")
    return program


def run(task: Path, answers: Path, limits: Limits, *, sandboxed: bool = True) -> Ended:
    """Run a task (see `autograder.grading.task`) and receive its answers.

    Parameters
    ----------
    task: folder with the task; the sandbox sees it read-only.
    answers: empty folder for what comes out.
    sandboxed: False runs the learner's code as this user, with limits but without isolation.

    Raises SandboxUnavailable before anything runs.
    """
    group = control.make_control_group(limits)
    try:
        with _command(task, limits, group, sandboxed) as command:
            return _run(control.join_and_execute(group, command), answers, limits, group, sandboxed)
    finally:
        if group is not None:
            group.kill()


@contextlib.contextmanager
def _command(task: Path, limits: Limits, group: ControlGroup | None, sandboxed: bool) -> Iterator[list[str]]:
    options = [f"--processes={limits.processes}"] if group is None else []
    # -P: the working folder, where learner code may write, is no place to import from.
    runner = [sys.executable, "-P", "-m", "autograder.grading.runner"]
    with tempfile.TemporaryDirectory(prefix="course-grade-") as folder:
        if sandboxed:
            program, system = require_bubblewrap(), Path(folder)
            _write_system_files(system)
            inside = [str(INSIDE_TASK), str(INSIDE_SCRATCH), "--sweep"]
            yield [*_wrap(program, task, limits, system), *runner, *inside, *options]
        else:
            yield [*runner, str(task), folder, *options]


def _write_system_files(folder: Path) -> None:
    """The files of /etc that tell programs who and where they are; Java takes the home folder from passwd."""
    files = {
        "passwd": f"learner:x:{NOBODY}:{NOBODY}:learner:/tmp:/bin/sh\n",
        "group": f"learner:x:{NOBODY}:\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
        (folder / name).chmod(0o644)


def _run(command: Sequence[str], answers: Path, limits: Limits, group: ControlGroup | None, sandboxed: bool) -> Ended:
    start = time.monotonic()
    log = _Log()
    reading, writing = os.pipe()
    environment = {} if sandboxed else environment_inside(Path(tempfile.gettempdir()))
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=log.writing,
        env={"PATH": os.environ.get("PATH", os.defpath), **environment},
        start_new_session=True,
    )
    os.close(writing)
    log.start()
    watch = _Watch()
    watchdog = threading.Thread(target=_watch, args=(process.pid, limits, group, watch), daemon=True)
    watchdog.start()
    reason, findings = "finished", []
    deadline = start + limits.seconds
    try:
        receive(reading, answers, maximum_bytes=limits.output, maximum_files=limits.members, deadline=deadline)
        code = process.wait(timeout=max(deadline - time.monotonic(), 1))
        reason = "finished" if code == 0 else "died"
    except ExchangeError as error:
        reason = error.reason
        findings.append(str(error))
    except subprocess.TimeoutExpired:
        reason = "timeout"
    finally:
        os.close(reading)
        _end(process)
        watch.done.set()
        watchdog.join()
    out_of_memory = watch.over_memory or (group is not None and group.out_of_memory())
    if out_of_memory:
        findings.append(f"More memory was asked for than the {limits.memory / 1e9:g} GB that a submission may use.")
        reason = "memory" if reason in ("died", "damaged") else reason
    if group is not None and group.out_of_processes():
        findings.append(f"More than {limits.processes} processes and threads were asked for.")
    isolation = "bubblewrap" if sandboxed else "none"
    peak = (group.peak_memory() if group is not None else 0) or watch.peak_memory
    return Ended(reason, time.monotonic() - start, isolation, tuple(findings), peak, log.end(), out_of_memory)


def _watch(process: int, limits: Limits, group: ControlGroup | None, watch: _Watch) -> None:
    """Record the peak of resident memory; without a control group, end the process when it holds too much."""
    while not watch.done.wait(0.5):
        resident = control.resident_memory(process)
        watch.peak_memory = max(watch.peak_memory, resident)
        if group is None and resident > limits.memory:
            watch.over_memory = True
            control.kill_tree(process)
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole tree. In the sandbox the end of its first process ends all others."""
    control.kill_tree(process.pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Log(threading.Thread):
    """Reads what is written to standard error and keeps the last of it. A file could be filled by learner code, through
    the JVM, until the disk of the host is full.
    """

    def __init__(self, size: int = 4_000) -> None:
        super().__init__(daemon=True)
        self.size = size
        self.reading, self.writing = os.pipe()
        self._last = b""

    def start(self) -> None:
        """Begin to read. The process that writes has been started by now."""
        os.close(self.writing)
        super().start()

    def run(self) -> None:
        """Read until nobody can write any more."""
        while data := os.read(self.reading, 65_536):
            self._last = (self._last + data)[-self.size :]
        os.close(self.reading)

    def end(self) -> str:
        """The last of what was written, once all that could write have ended."""
        self.join(5)
        return self._last.decode("utf-8", "replace")


def environment_inside(scratch: Path) -> dict[str, str]:
    """The whole environment of the runner: where things are, and nothing that tells of the host or of being graded."""
    variables = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": str(paths.ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": str(bytecode.folder()),
        "PYTHONHASHSEED": "0",
        "COURSE_ROOT": str(paths.ROOT),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "MPLBACKEND": "Agg",
        "PLOTLY_RENDERER": "json",
    }
    java = java_home()
    if java is not None:
        variables["JAVA_HOME"] = str(java)
    return variables


@lru_cache(maxsize=1)
def java_home() -> Path | None:
    """The JDK that Spark will use: `JAVA_HOME`, else where `java` on the PATH really is."""
    if os.environ.get("JAVA_HOME"):
        return Path(os.environ["JAVA_HOME"]).resolve()
    program = shutil.which("java")
    return Path(program).resolve().parent.parent if program else None


def _wrap(program: str, task: Path, limits: Limits, system: Path) -> list[str]:
    """The bubblewrap command up to the program that it runs. `system` holds files that belong in /etc."""
    root = os.geteuid() == 0
    command = [program, "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    command += ["--hostname", "localhost", "--die-with-parent", "--new-session", "--clearenv"]
    if root:
        # A privileged bubblewrap can bind what nobody may traverse (a home directory); the process inside then becomes
        # nobody.
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--disable-userns", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    command += _file_system(task, limits, system)
    for name, value in environment_inside(INSIDE_TMP).items():
        command += ["--setenv", name, value]
    command += ["--chdir", str(INSIDE_TMP), "--"]
    if root:
        command += [
            "setpriv",
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            "--clear-groups",
            "--inh-caps=-all",
            "--no-new-privs",
            "--",
        ]
        # A second, unprivileged layer only to forbid user namespaces, which would open more of the kernel to learner
        # code.
        command += [program, "--dev-bind", "/", "/", "--unshare-user", "--disable-userns", "--die-with-parent", "--"]
    return command


def _require_hidden(root: Path) -> None:
    """Raise SandboxUnavailable when the course lies in a folder that the sandbox shows as a whole."""
    shown = [*map(Path, _SYSTEM), Path(sys.base_prefix), Path(sys.prefix)]
    home = next((folder for folder in shown if folder.resolve() in (root.resolve(), *root.resolve().parents)), None)
    if home is not None:
        raise SandboxUnavailable(
            f"The course lies in {home}, which learners' code may read, so solutions could not be hidden. "
            "Move the course to another folder, such as one in your home, and grade again."
        )


def _file_system(task: Path, limits: Limits, system: Path) -> list[str]:
    _require_hidden(paths.ROOT)
    mounts = _Mounts()
    for folder in map(Path, _SYSTEM):
        if folder.is_symlink():
            mounts.arguments += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.exists():
            mounts.bind(folder)
    for entry in [*_CONFIGURATION, *(found.name for found in Path("/etc").glob("java*"))]:
        mounts.bind(Path("/etc") / entry)
    for file in sorted(system.iterdir()):
        mounts.bind(file, Path("/etc") / file.name)
    mounts.arguments += ["--proc", "/proc", "--dev", "/dev"]
    mounts.scratch(Path("/dev/shm"), _SHARED_MEMORY)  # noqa: S108
    mounts.scratch(INSIDE_TMP, limits.scratch)
    for prefix in dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix), java_home())):
        if prefix is not None:
            mounts.bind(prefix)
    mounts.bind(paths.ROOT / "autograder")
    mounts.bind(paths.ROOT / "datasets")
    mounts.bind(paths.ROOT / "jars.lock")
    mounts.mask(paths.REFERENCES)
    mounts.bind(paths.STATE / "jars")
    mounts.bind(paths.STATE / java_start.FOLDER)
    mounts.bind(paths.STATE / bytecode.FOLDER)
    mounts.bind(task, INSIDE_TASK)
    return [*mounts.arguments, "--remount-ro", "/dev", "--remount-ro", "/"]


class _Mounts:
    """Collects bubblewrap's mount arguments. Parents are made first, because bubblewrap makes missing ones unreadable
    to others.
    """

    def __init__(self) -> None:
        self.arguments: list[str] = []
        self.made: set[Path] = {Path("/")}

    def bind(self, source: Path, target: Path | None = None) -> None:
        """Show a file or folder of the host, read-only; one that does not exist is left out."""
        target = target or source
        if source.exists() and not self._inside_system(target):
            self._parents(target)
            self.arguments += ["--ro-bind", str(source), str(target)]

    def scratch(self, target: Path, size: int) -> None:
        """An empty writable folder of at most `size` bytes."""
        self._parents(target)
        self.made.add(target)
        self.arguments += ["--perms", "1777", "--size", str(size), "--tmpfs", str(target)]

    def mask(self, target: Path) -> None:
        """Hide a folder that an earlier bind shows."""
        if target.exists():
            self.arguments += ["--size", "4096", "--tmpfs", str(target), "--remount-ro", str(target)]

    def _parents(self, target: Path) -> None:
        for parent in reversed(target.parents):
            if parent not in self.made and not self._inside_system(parent):
                self.arguments += ["--perms", "0755", "--dir", str(parent)]
            self.made.add(parent)

    @staticmethod
    def _inside_system(path: Path) -> bool:
        return any(folder in path.parents for folder in map(Path, _SYSTEM))
