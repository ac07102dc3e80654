"""Programs that end with the process that started them, however that one ends, SIGKILL included.

A shell stands between the two and reads from a pipe that only the parent can write to. When the parent is gone the pipe is closed,
the shell reads its end, and ends the program with all that it started in its session. (The kernel's own parent-death signal is no
help here: it follows the *thread* that started a program, and answers are taken in threads that end.)
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from autograder.services.program import Program

# The shell is the program's parent, so the program's id stays its own until the shell has waited for it.
_SCRIPT = """
"$PROGRAM_PYTHON" -I -S -c "$PROGRAM_STARTER" "$@" < /dev/null &
program=$!
echo $program > "$PROGRAM_FILE.part" && mv "$PROGRAM_FILE.part" "$PROGRAM_FILE"
cat > /dev/null
kill -"$PROGRAM_SIGNAL" $program
waited=0
while [ $waited -lt "$PROGRAM_TENTHS" ] && kill -0 $program 2> /dev/null; do sleep 0.1; waited=$((waited + 1)); done
{ kill -9 -$program; kill -9 $program; } 2> /dev/null
wait $program
[ -n "$PROGRAM_FOLDER" ] && cd / && rm -rf "$PROGRAM_FOLDER"
"""
_STARTER = """
import os, sys
os.setsid()
user = int(os.environ.pop("PROGRAM_USER") or 0)
if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
os.execv(sys.argv[1], sys.argv[1:])
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
        if os.getpid() == self.owner and self.guard.poll() is not None:
            return False
        program = self.program
        if not program:
            return self.program_file.parent.is_dir()
        try:
            return bool(psutil.Process(program).status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def let_go(self) -> None:
        """Close the pipe, so that the program is ended. Does not wait."""
        if os.getpid() == self.owner and self.guard.stdin is not None:
            with contextlib.suppress(OSError):
                self.guard.stdin.close()

    def end(self) -> None:
        """End the program and wait until it is gone. Does nothing in a fork of the process that started it."""
        if os.getpid() == self.owner:
            self.let_go()
            self.guard.wait()


def start(program: Program, folder: Path, remove: bool, seconds: float) -> Lifeline:
    """Start a program in a folder of its service; its output goes to the program's log.

    Parameters
    ----------
    remove: the folder goes away when the program has ended.
    seconds: that the program has to end by itself, before it is killed.

    Raises OSError.
    """
    program_file = folder / f"{program.name}.process"
    program_file.unlink(missing_ok=True)
    control = {
        "PROGRAM_PYTHON": sys.executable,
        "PROGRAM_STARTER": _STARTER,
        "PROGRAM_USER": str(program.user or ""),
        "PROGRAM_FILE": str(program_file),
        "PROGRAM_SIGNAL": str(int(program.stop)),
        "PROGRAM_TENTHS": str(int(seconds * 10)),
        "PROGRAM_FOLDER": str(folder) if remove else "",
    }
    guard = _popen(["/bin/sh", "-c", _SCRIPT, "sh", *program.command], program, folder, control)
    return Lifeline(guard, program_file, os.getpid())


def _popen(command: Sequence[str], program: Program, folder: Path, control: dict[str, str]) -> subprocess.Popen[bytes]:
    with program.log(folder).open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**program.environment, **control},
            cwd=folder,
            start_new_session=True,
        )
