"""Runs rebuilt notebooks and captures the learner's answers. This is the program inside the sandbox; it compares
nothing.

    python -m autograder.grading.runner TASK SCRATCH [--sweep] [--processes N]

One JVM serves all notebooks of the task; each notebook runs in a forked process of its own that joins it. Answers leave
through standard output in the format of `autograder.grading.exchange`, one after the other, so that a run that is cut
short loses little: `<notebook>/<exercise>/<case>/outcome.json` with `answer.parquet` or the like beside it, and at the
end `report.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import platform
import re
import resource
import select
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from autograder.grading import exchange
from autograder.grading.examples import left_out
from autograder.grading.gateway import Gateway
from autograder.grading.layout import JAVA, SPARK_CONFIGURATION, STARTED, TASK
from autograder.grading.orphans import end_with_parent
from autograder.grading.report import Stages
from autograder.models import Status

if TYPE_CHECKING:
    from autograder.models import ExerciseSpec

MAXIMUM_ANSWER_BYTES = 50_000_000
MAXIMUM_MESSAGE = 2_000
MAXIMUM_LINE = 100_000
ATTEMPTS = 10
WORK = "work"
"""Folder below the scratch folder in which the learner's code runs."""
_ANSWER_FILE = re.compile(r"(?!outcome\.json$)(?!.*\.part$)[A-Za-z0-9_][A-Za-z0-9._-]{0,100}")

LIBRARIES = (
    "IPython.core.interactiveshell",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.pandas_compat",
    "pyspark.sql.functions",
    "pyspark.sql.classic.dataframe",
    "pyspark.testing",
    "autograder.runtime.cases",
    "datasets",
)
"""What every notebook needs. A library that is missing fails where it is used, not here."""

PLOTTING = {
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_agg", "ipykernel.connect"),
    "plotly": ("plotly.express",),
}
"""What a plot loads, by the word that announces it in a cell."""


def main() -> None:
    """Run the task and stream its answers to standard output."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument(
        "--sweep", action="store_true", help="kill all other processes between notebooks (pid namespace only)"
    )
    parser.add_argument("--processes", type=int, default=0, help="RLIMIT_NPROC, where there is no control group")
    arguments = parser.parse_args()
    stream = _private_stream()
    if not arguments.sweep:  # in a sandbox bubblewrap sees to it
        end_with_parent()
    _limit(arguments.processes)
    _leave_keyring()
    (arguments.scratch / WORK).mkdir(parents=True, exist_ok=True)
    # Relative paths mean the same to Python and to the JVM, which inherits this folder.
    os.chdir(arguments.scratch / WORK)
    os.environ["SPARK_CONF_DIR"] = str(arguments.task / SPARK_CONFIGURATION)
    gateway = Gateway(_java_command(arguments.task / JAVA))
    gateway.begin()
    task = json.loads((arguments.task / TASK).read_text(encoding="utf-8"))
    Supervisor(task, arguments.task, arguments.scratch, stream, gateway, sweep=arguments.sweep).run()


def _java_command(path: Path) -> list[str]:
    """The command that starts the JVM, empty when Spark's launcher has to find it."""
    return [str(part) for part in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


def _private_stream() -> BinaryIO:
    """Standard output as a stream that no child inherits and that learner code cannot find under /proc."""
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: forbids others of the same user to open our descriptors
    stream = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    return stream


def _limit(processes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if processes:
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))


def _leave_keyring() -> None:
    """Enter an empty session keyring: the inherited one holds the instructor's keys and is open to all sandboxes."""
    number = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, 1, None)  # keyctl(KEYCTL_JOIN_SESSION_KEYRING)


@dataclass
class Attempt:
    """What is known about one notebook while it runs, perhaps several times: cells that ended its process are skipped
    next time. `ended_early`: a cell that is no answer did so, which may cost answers that need it.
    """

    skip: set[int] = field(default_factory=set)
    captured: set[tuple[str, str]] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    events: list[str] = field(default_factory=list)
    ended_early: bool = False
    stages: Stages = field(default_factory=lambda: Stages("between notebooks"))


@dataclass
class _Clock:
    """`time.monotonic()` until which a child may be silent."""

    deadline: float


class _Steps:
    """What a child may say. Learner code can write to the pipe too: it may name only what the task has, and can prolong
    its own deadline only once, as a cell does that runs again with what was left out.
    """

    def __init__(self, notebook: Mapping[str, Any], cell_deadline: float) -> None:
        self.cells = notebook["cells"]
        self.cell_deadline = cell_deadline
        self.cases = {(cell["check"]["id"], case["name"]) for cell in self.cells for case in cell.get("cases", ())}
        self.announced: Counter[int] = Counter()

    def allow(self, event: Mapping[str, Any]) -> bool:
        """Whether the event is well formed and about this notebook; a cell begins once, a check once for each case, and
        either once more after an error.
        """
        match event:
            case {"event": "end"} | {"event": "problem", "message": str()}:
                return True
            case {"event": "cell", "number": int(number)} if 0 <= number < len(self.cells):
                self.announced[number] += 1
                return self.announced[number] <= max(1, len(self.cells[number].get("cases", ()))) + 1
            case {
                "event": "captured",
                "exercise": str(exercise),
                "case": str(case),
                "seconds": int() | float() as seconds,
            }:
                return (exercise, case) in self.cases and 0 <= seconds < 1e6
        return False

    def seconds(self, number: int) -> float:
        """How long a cell, or one case of a check, may take."""
        cell = self.cells[number]
        return float(cell["check"]["deadline"] if "check" in cell else self.cell_deadline)


class Supervisor:
    """Runs the notebooks one after the other and sends what they answer."""

    def __init__(
        self,
        task: Mapping[str, Any],
        folder: Path,
        scratch: Path,
        stream: BinaryIO,
        gateway: Gateway,
        *,
        sweep: bool,
    ) -> None:
        self.task = task
        self.folder = folder
        self.scratch = scratch
        self.stream = stream
        self.sweep = sweep
        self.gateway = gateway
        self.report: dict[str, Any] = {"notebooks": {}}

    def run(self) -> None:
        """The whole task."""
        stages = Stages("imports, Java starting beside them")
        _import_libraries(self.task)
        stages.enter("rest of the Java start")
        self.gateway.ensure()
        self.report["start"] = stages.seconds()
        exchange.send(self.stream, STARTED, b"{}")
        for notebook in self.task["notebooks"]:
            start = time.monotonic()
            attempt = self._notebook(notebook)
            seconds = round(time.monotonic() - start, 3)
            self.report["notebooks"][notebook["name"]] = {
                "seconds": seconds,
                "events": attempt.events[:50],
                "ended_early": attempt.ended_early,
                "stages": attempt.stages.seconds(),
            }
        self.gateway.kill()
        self.report["virtual_machines"] = self.gateway.started
        self.report["cpu_seconds"] = round(_cpu_seconds(), 3)
        exchange.send(self.stream, "report.json", json.dumps(self.report).encode())
        self.stream.close()

    def _notebook(self, notebook: Mapping[str, Any]) -> Attempt:
        attempt = Attempt()
        for _ in range(ATTEMPTS):
            self._end_session()
            self._clean()
            self._start_java()
            attempt.stages.enter("shell start")
            guilty = self._once(notebook, attempt)
            attempt.stages.enter("between notebooks")
            # First of all, so that what follows finds processes and memory to work with.
            self._sweep()
            if guilty is None:
                break
            # What a cell that had to be ended still does in the JVM would take time from the other answers.
            self.gateway.kill()
            attempt.skip.add(guilty)
        return attempt

    def _end_session(self) -> None:
        """End what the notebook before left in the JVM. After the last notebook nobody needs that."""
        if self.gateway.running():
            self.gateway.stop_session()
            self._sweep()

    def _start_java(self) -> None:
        """A JVM that runs. Leftovers of an earlier cell may hold on to the processes that it needs for a moment."""
        for _ in range(20):
            try:
                self.gateway.ensure()
                return
            except (OSError, RuntimeError):
                self._sweep()
                time.sleep(0.2)
        self.gateway.ensure()

    def _once(self, notebook: Mapping[str, Any], attempt: Attempt) -> int | None:
        """Run a notebook in a child. Returns the number of the cell that ended it too early, None when it came to its
        end.
        """
        reading, writing = os.pipe()
        child = self._fork()
        if child == 0:
            os.close(reading)
            self.stream.close()
            _run_child(notebook, self.task["deadlines"]["cell"], self.folder, self.scratch, writing, attempt)
        os.close(writing)
        try:
            return self._listen(child, reading, notebook, attempt)
        finally:
            os.close(reading)
            with contextlib.suppress(OSError):
                os.killpg(child, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)

    def _fork(self) -> int:
        for _ in range(20):
            try:
                return os.fork()
            except OSError:  # leftovers of an earlier cell use up the processes
                self._sweep()
                time.sleep(0.2)
        return os.fork()

    def _listen(self, child: int, reading: int, notebook: Mapping[str, Any], attempt: Attempt) -> int | None:
        """Follow a child's events until it has finished, has ended itself or has overstayed a deadline."""
        current = -1
        clock = _Clock(time.monotonic() + 60)
        steps = _Steps(notebook, self.task["deadlines"]["cell"])
        for event in _events(reading, child, clock):
            kind = event.get("event")
            if not steps.allow(event):
                continue
            if kind == "end":
                return None
            failed = kind == "problem" or (kind == "captured" and event.get("status") != Status.PASSED)
            if not self.gateway.running() or (failed and not self.gateway.answers()):
                return self._without_java(notebook, current, attempt)
            if kind == "captured":
                self._send(notebook["name"], event, attempt)
                if event.get("status") == Status.TIMEOUT:
                    # Whatever still runs would take time and memory from the other answers.
                    attempt.events.append(f"cell {current} took too long; the notebook was started again without it")
                    return current
            elif kind == "problem":
                attempt.events.append(f"cell {current}: {event['message']}"[:MAXIMUM_MESSAGE])
            if kind == "cell":
                current = int(event["number"])
                attempt.stages.enter(self._stage(notebook["cells"], event))
                clock.deadline = time.monotonic() + steps.seconds(current) + self.task["deadlines"]["grace"]
        overstayed = time.monotonic() >= clock.deadline
        what = "did not end in time and was stopped" if overstayed else "ended the Python process"
        attempt.events.append(f"cell {current} {what}")
        cells = notebook["cells"]
        if 0 <= current < len(cells):
            message = (
                "The cell was still running after its deadline and could not be interrupted."
                if overstayed
                else "The answer ended the whole Python process (exit, a crash, or too much memory)."
            )
            self._blame(
                notebook["name"], cells[current], attempt, message, Status.TIMEOUT if overstayed else Status.ERROR
            )
            return current
        return None if current >= 0 else -1

    @staticmethod
    def _stage(cells: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> str:
        """What a child does from this event on. The first cell starts the Spark session."""
        if event.get("case"):
            return "sample" if event["case"] == "sample" else "hidden variants"
        return "first cell" if event["number"] == 0 else "other cells"

    def _without_java(self, notebook: Mapping[str, Any], current: int, attempt: Attempt) -> int:
        """The JVM ended during a cell: that cell is left out and the notebook runs again with a new JVM."""
        attempt.events.append(f"cell {current} ended the Java process of Spark")
        self.gateway.kill()
        if 0 <= current < len(notebook["cells"]):
            self._blame(notebook["name"], notebook["cells"][current], attempt, "The answer ended Spark's Java process.")
        return current

    def _blame(
        self, name: str, cell: Mapping[str, Any], attempt: Attempt, message: str, status: str = Status.ERROR
    ) -> None:
        """Give the exercise whose cell ended the process its outcome now; the others get another run."""
        exercise = cell["check"]["id"] if "check" in cell else cell["answers"]
        attempt.ended_early = attempt.ended_early or not exercise
        if not exercise:
            return
        cases = [case["name"] for case in cell.get("cases", ())] or ["sample"]
        case = next((case for case in cases if (exercise, case) not in attempt.captured), cases[-1])
        event = {"exercise": exercise, "case": case, "status": status, "message": message}
        event["ended_early"] = status == Status.ERROR
        self._send(name, event, attempt)

    def _send(self, notebook: str, event: Mapping[str, Any], attempt: Attempt) -> None:
        key = (str(event["exercise"]), str(event["case"]))
        if key in attempt.captured or key[0] in attempt.settled:
            return
        outcome = {name: str(event.get(name, ""))[:MAXIMUM_MESSAGE] for name in ("status", "message")}
        outcome["trace"] = str(event.get("trace", ""))[-20_000:]
        folder = self.scratch / "answers" / key[0] / key[1]
        files: dict[str, bytes] = {}
        if outcome["status"] == Status.PASSED:
            try:
                names = sorted(path.name for path in folder.iterdir() if _ANSWER_FILE.fullmatch(path.name))[:10]
                files = {name: exchange.read_regular(folder / name, MAXIMUM_ANSWER_BYTES) for name in names}
            except OSError as error:
                files = {}
                outcome |= {
                    "status": Status.ERROR,
                    "message": f"The answer could not be taken out of the sandbox: {error}.",
                }
        if outcome["status"] != Status.PASSED:
            attempt.settled.add(key[0])
        for name, data in files.items():
            exchange.send(self.stream, f"{notebook}/{key[0]}/{key[1]}/{name}", data)
        seconds, ended_early = float(event.get("seconds", 0.0)), event.get("ended_early") is True
        document = {**outcome, "seconds": seconds, "ended_early": ended_early}
        exchange.send(self.stream, f"{notebook}/{key[0]}/{key[1]}/outcome.json", json.dumps(document).encode())
        attempt.captured.add(key)

    def _clean(self) -> None:
        """A notebook starts without what another one wrote. The folder `work` itself stays: the JVM runs in it."""
        for name in ("answers", "warehouse", "derby"):
            shutil.rmtree(self.scratch / name, ignore_errors=True)
        (self.scratch / "answers").mkdir(parents=True, exist_ok=True)
        for path in (self.scratch / WORK).iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Kill what learner code left running. Only in a pid namespace of our own, where everything but a few is
        learner code.
        """
        if not self.sweep:
            return
        for _ in range(50):
            strangers = [process for process in _processes() if not self._belongs(process)]
            if not strangers:
                return
            # Stopped first, because what is being killed one by one could fork faster than it dies.
            for action in (signal.SIGSTOP, signal.SIGKILL):
                for process in strangers:
                    with contextlib.suppress(OSError):
                        os.kill(process, action)
            time.sleep(0.02)

    def _belongs(self, process: int) -> bool:
        line = _ancestry(process)
        return (
            process == 1 or os.getpid() in line[:1] or process in _ancestry(os.getpid()) or self.gateway.process in line
        )


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _ancestry(process: int) -> list[int]:
    """A process and its ancestors; without those that are gone, and empty for one that only waits to be collected."""
    line: list[int] = []
    while process > 0:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            break
        if fields[0] == "Z" and not line:
            return [os.getpid()]
        line.append(process)
        process = int(fields[1])
    return line


def _events(reading: int, child: int, clock: _Clock) -> Iterator[Mapping[str, Any]]:
    """The JSON lines that a child writes, until it is gone or its deadline is over; lines that are none are skipped."""
    buffer = b""
    while (wait := clock.deadline - time.monotonic()) > 0:
        if not select.select([reading], [], [], min(wait, 0.5))[0]:
            if os.waitpid(child, os.WNOHANG)[0]:
                return
            continue
        data = os.read(reading, 65_536)
        if not data:
            return
        *lines, buffer = (buffer + data).split(b"\n")
        buffer = b"" if len(buffer) > MAXIMUM_LINE else buffer
        for line in lines:
            with contextlib.suppress(ValueError, RecursionError):
                event = json.loads(line)
                if isinstance(event, dict):
                    yield event


def _cpu_seconds() -> float:
    """Of this process and of its children, JVM included, that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def _import_libraries(task: Mapping[str, Any]) -> None:
    """Load once what every child needs, and the plotting libraries that a cell names; a fork inherits it."""
    sources = "".join(cell.get("source", "") for notebook in task["notebooks"] for cell in notebook["cells"])
    names = [*LIBRARIES, *(module for name, modules in PLOTTING.items() if name in sources for module in modules)]
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _run_child(
    notebook: Mapping[str, Any], cell_deadline: float, folder: Path, scratch: Path, writing: int, attempt: Attempt
) -> NoReturn:
    """The forked process of one notebook. Never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.chdir(scratch / WORK)
        # For `%%writefile tools.py` and `import tools`. In Jupyter the working folder comes first; here it comes last, so
        # that no file in it stands in the place of a module of the course, of a package or of Python. Only this process,
        # which ends with the notebook, looks there: nothing that judges or supervises does.
        sys.path.append(str(scratch / WORK))
        NotebookRun(notebook, cell_deadline, folder, scratch, writing, attempt).run()
    finally:
        os._exit(0)


class CellDeadline(BaseException):
    """Raised in a cell whose time is up."""


class NotebookRun:
    """Executes one notebook in a fresh IPython shell and captures answers at its check cells."""

    def __init__(
        self,
        notebook: Mapping[str, Any],
        cell_deadline: float,
        folder: Path,
        scratch: Path,
        writing: int,
        attempt: Attempt,
    ) -> None:
        self.cells = notebook["cells"]
        self.cell_deadline = cell_deadline
        self.folder = folder
        self.scratch = scratch
        self.writing = writing
        self.attempt = attempt
        self.process = os.getpid()
        self.failures: dict[str, tuple[str, str]] = {}
        self.shell = _new_shell()
        self.left_out: frozenset[int] = frozenset()

    def run(self) -> None:
        """All cells in order but those that nobody needs, whatever happens in one of them."""
        self.left_out = left_out(self.cells, self.shell.transform_cell)
        for number, cell in enumerate(self.cells):
            if number in self.attempt.skip or number in self.left_out:
                continue
            if "check" in cell:
                self._check(number, cell)
            else:
                self._execute(number, cell)
            if os.getpid() != self.process:  # learner code forked and this is the copy
                os._exit(0)
        self._tell(event="end")

    def _execute(self, number: int, cell: Mapping[str, Any]) -> None:
        from autograder.runtime.explain import explain

        self._tell(event="cell", number=number)
        result = _run_cell(self.shell, cell["source"], self.cell_deadline)
        error = result.error_before_exec or result.error_in_exec
        if error is None or os.getpid() != self.process:
            return
        if not isinstance(error, CellDeadline) and self._make_up(number):
            self._execute(number, cell)
            return
        message = (
            f"The cell was stopped after {self.cell_deadline:g} seconds."
            if isinstance(error, CellDeadline)
            else explain(error)
        )
        if cell["answers"]:
            status = Status.TIMEOUT if isinstance(error, CellDeadline) else Status.ERROR
            self.failures[cell["answers"]] = (status, message)
        self._tell(event="problem", message=message)

    def _make_up(self, number: int) -> bool:
        """After an error in a cell: run what was left out before it, and leave nothing out from now on. False when there was nothing."""
        missing = [
            earlier for earlier in sorted(self.left_out) if earlier < number and earlier not in self.attempt.skip
        ]
        self.left_out = frozenset()
        for earlier in missing:
            self._execute(earlier, self.cells[earlier])
        return bool(missing)

    def _check(self, number: int, cell: Mapping[str, Any]) -> None:
        from autograder.models import ExerciseSpec

        spec = ExerciseSpec(**{**cell["check"], "parameters": tuple(cell["check"]["parameters"]), "hints": ()})
        if spec.id in self.attempt.settled:
            return
        for raw in cell["cases"]:
            if (spec.id, raw["name"]) in self.attempt.captured:
                continue
            self._tell(event="cell", number=number, case=raw["name"])
            start = time.monotonic()
            status, message, trace = self._answer(spec, raw)
            if status == Status.ERROR and self._make_up(number):
                self._tell(event="cell", number=number, case=raw["name"])
                start = time.monotonic()
                status, message, trace = self._answer(spec, raw)
            seconds = round(time.monotonic() - start, 3)
            self._tell(
                event="captured",
                exercise=spec.id,
                case=raw["name"],
                status=status,
                message=message,
                trace=trace,
                seconds=seconds,
            )
            if status != Status.PASSED:
                return

    def _answer(self, spec: ExerciseSpec, raw: Mapping[str, Any]) -> tuple[str, str, str]:
        """Status, message and trace of one case."""
        from autograder.runtime.cases import Case, capture

        function = self.shell.user_ns.get(spec.function)
        if not callable(function) and spec.id in self.failures:
            return *self.failures[spec.id], ""
        files = {parameter: self.folder / name for parameter, name in raw["files"].items()}
        case = Case(raw["name"], "", files, raw["arguments"])
        try:
            outcome = capture(spec, function, case, self.scratch / "answers" / spec.id / case.name)
        except Exception as error:  # the JVM is gone, the disk is full, a fixture is broken: told, and the rest goes on
            return Status.ERROR, f"The answer could not be taken: {type(error).__name__}: {error}"[:MAXIMUM_MESSAGE], ""
        # Whatever comes out of here could be a learner's word, so the verifier believes no fault of the grader.
        status = Status.ERROR if outcome.status is Status.GRADER_ERROR else outcome.status
        return status, outcome.message, outcome.trace

    def _tell(self, **event: Any) -> None:
        if "trace" in event:
            event["trace"] = event["trace"][-20_000:]
        if "message" in event:
            event["message"] = event["message"][:MAXIMUM_MESSAGE]
        data = (json.dumps(event) + "\n").encode()
        while data:
            data = data[os.write(self.writing, data) :]


def _new_shell() -> Any:
    """A fresh IPython shell as a kernel has it: magics, `display`, no history file, no terminal."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def enable_gui(self, gui: Any = None) -> None:
            """Plots need no event loop here."""

    configuration = Config()
    configuration.HistoryManager.enabled = False
    configuration.InteractiveShell.colors = "NoColor"
    shell = Shell.instance(config=configuration)
    shell.user_ns["__name__"] = "__main__"
    sys.modules["__main__"] = shell.user_module
    return shell


def _run_cell(shell: Any, source: str, seconds: float) -> Any:
    """Run one cell; after `seconds` CellDeadline is raised in it."""

    def stop(number: int, frame: Any) -> None:
        raise CellDeadline

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return shell.run_cell(source, store_history=False)
    except CellDeadline as error:
        from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

        result = ExecutionResult(ExecutionInfo(source, False, False, True, None))
        result.error_in_exec = error
        return result
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
