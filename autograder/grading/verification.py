"""Asks verifiers: separate processes, in which `autograder.grading.verifier` judges what came out of a sandbox.

Loading the comparer's libraries takes longer than judging, so a verifier stays and forks a child for each request: the
child has loaded libraries, and nothing else, in common with the one before. It never sees two submissions, has limits of
its own on memory and time, and ends when it has answered. The process that stays only forks; it opens no answer. As many
verifiers stay as requests were ever made at a time.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder import paths
from autograder.setup import bytecode

VERIFIER_SECONDS = 120.0
"""For all exercises of one request."""

START_SECONDS = 60.0


class Verifier:
    """One verifier that stays. Use it for one request at a time; after `ask` returned None it is gone."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "autograder.grading.verifier"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=paths.ROOT,
            env={**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode.folder())},
        )

    def ask(self, answers: Path, reason: str, wanted: Mapping[str, Sequence[str]]) -> list[dict[str, Any]] | None:
        """Verdicts on the exercises `wanted` (notebook number → ids), or None when the verifier died or took too long."""
        with tempfile.TemporaryDirectory(prefix="course-verify-") as temporary:
            request, response = Path(temporary, "request.json"), Path(temporary, "response.json")
            document = {"answers": str(answers), "reason": reason, "notebooks": wanted, "seconds": VERIFIER_SECONDS}
            request.write_text(json.dumps(document), encoding="utf-8")
            try:
                if not self._served(request, response):
                    return None
                verdicts = json.loads(response.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                self.end()
                return None
        return list(verdicts)

    def _served(self, request: Path, response: Path) -> bool:
        """Send a request and wait for its end. False when the child failed; raises OSError when the verifier did."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps([str(request), str(response)])}\n".encode())
        self.process.stdin.flush()
        deadline = time.monotonic() + START_SECONDS + VERIFIER_SECONDS
        if not select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise OSError("the verifier does not reply")
        reply = self.process.stdout.readline()
        if not reply:
            raise OSError("the verifier has died")
        return reply == b"0\n"

    def end(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        self.process.wait()


class _Waiting:
    """Verifiers that nobody uses at the moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._verifiers: list[Verifier] = []
        atexit.register(self.end)

    def take(self) -> Verifier:
        """A verifier that lives, a new one when there is none."""
        with self._lock:
            while self._verifiers:
                verifier = self._verifiers.pop()
                if verifier.process.poll() is None:
                    return verifier
                verifier.end()
        return Verifier()

    def give_back(self, verifier: Verifier) -> None:
        """Keep a verifier for the next request; one that has ended is dropped."""
        if verifier.process.poll() is None:
            with self._lock:
                self._verifiers.append(verifier)

    def end(self) -> None:
        """End all of them."""
        with self._lock:
            while self._verifiers:
                self._verifiers.pop().end()


_waiting = _Waiting()


def prepare() -> None:
    """Let a verifier load its libraries while there is nothing to judge yet. Does not wait for it."""
    _waiting.give_back(_waiting.take())


def end() -> None:
    """End the verifiers that nobody uses at the moment."""
    _waiting.end()


def ask(answers: Path, reason: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]] | None:
    """Verdicts by exercise id on the exercises `wanted` (notebook number → ids); None when there is no whole answer.

    Parameters
    ----------
    answers: the folder that came out of the sandbox.
    reason: how the sandbox ended.
    """
    verifier = _waiting.take()
    verdicts = verifier.ask(answers, reason, wanted)
    _waiting.give_back(verifier)
    return None if verdicts is None else {verdict["exercise"]: verdict for verdict in verdicts}
