"""Processes that are known again later: by id and by the moment of their start, so that a reused id is never killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Known:
    """A process that leads a session of its own. `start` is what `start_of` said of it."""

    id: int
    start: str

    @classmethod
    def of(cls, process_id: int) -> Known:
        """The process that has this id now."""
        return cls(process_id, start_of(process_id))

    def running(self) -> bool:
        """Whether the same process is still there, and is no zombie."""
        if not self.start or start_of(self.id) != self.start:
            return False
        try:
            return bool(psutil.Process(self.id).status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def end(self, gently: signal.Signals, seconds: float) -> None:
        """Ask the process to end, wait, then kill it and what it started in its session; returns when it is gone."""
        if self.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.id, gently)
            self._wait(seconds)
        # While a member of the session lives, the kernel gives its id to no other process.
        if start_of(self.id) in ("", self.start):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.id, signal.SIGKILL)
        self._wait(10)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.02)


def start_of(process_id: int) -> str:
    """When a process started, as text that no other process of this id ever has; "" when there is none.

    The clock may be set while a process runs, so on Linux it is the kernel's count since it booted.
    """
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        return f"{_boot()} {fields.split()[19]}"
    except (OSError, IndexError):
        pass
    try:
        return str(psutil.Process(process_id).create_time())
    except psutil.Error:
        return ""


@lru_cache(maxsize=1)
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
