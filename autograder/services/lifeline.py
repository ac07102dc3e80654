"""Programs that end with the process that started them, however that one ends, SIGKILL included.

A shell stands between the two and reads from a pipe that only the parent can write to. When the parent is gone the pipe is closed,
the shell reads its end, and kills the program. (The kernel's own parent-death signal is no help here: it follows the *thread* that
started a program, and answers are taken in threads that end.)
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SCRIPT = """
"$@" < /dev/null &
program=$!
echo $program > "$PROGRAM_FILE.part" && mv "$PROGRAM_FILE.part" "$PROGRAM_FILE"
cat > /dev/null
kill -9 $program
wait $program
cd / && rm -rf "$PROGRAM_FOLDER"
"""


@dataclass
class Lifeline:
    """A running program and the pipe that keeps it alive."""

    guard: subprocess.Popen[bytes]
    program_file: Path
    owner: int

    @property
    def program(self) -> int:
        """The program's process id; 0 when it is not known yet."""
        try:
            return int(self.program_file.read_text())
        except (OSError, ValueError):
            return 0

    def running(self) -> bool:
        """Whether the program is there; a moment after the start it may be only about to be."""
        if self.guard.poll() is not None:
            return False
        return not self.program or (psutil.pid_exists(self.program) and not self._is_zombie())

    def _is_zombie(self) -> bool:
        try:
            return bool(psutil.Process(self.program).status() == psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return True

    def end(self) -> None:
        """Kill the program and wait until it is gone. Does nothing in a fork of the process that started it."""
        if os.getpid() != self.owner:
            return
        if self.guard.stdin is not None:
            with contextlib.suppress(OSError):
                self.guard.stdin.close()
        try:
            self.guard.wait(timeout=10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.kill(self.program, signal.SIGKILL)
            self.guard.kill()
            self.guard.wait()


def start(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Lifeline:
    """Start a program in a folder of its own, which is removed when the program ends; its output goes to `log`.

    Raises OSError.
    """
    program_file = folder / "program"
    with log.open("ab") as output:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**environment, "PROGRAM_FILE": str(program_file), "PROGRAM_FOLDER": str(folder)},
            cwd=folder,
            start_new_session=True,
        )
    return Lifeline(guard, program_file, os.getpid())
