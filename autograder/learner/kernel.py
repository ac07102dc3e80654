"""One Jupyter kernel that stays warm and runs cells, each with a deadline. It never hangs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

GRACE_SECONDS = 10.0
"""How long an interrupted cell may take to stop before its kernel is ended."""

NOT_INHERITED = ("COURSE_RECORD", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING")
"""Variables that change what `check()` does."""

_SAVE = "(lambda shell: vars(shell).setdefault('_saved', {{}}).update({{{0}: dict(shell.user_ns)}}))(get_ipython())"
_RESTORE = "(lambda shell: (shell.user_ns.clear(), shell.user_ns.update(shell._saved[{0}])))(get_ipython())"


class KernelLost(Exception):
    """The kernel died, did not start, or had to be ended. `timed_out` tells the last from the others."""

    def __init__(self, message: str, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


@dataclass(frozen=True)
class Ran:
    """What running one cell gave: nbformat outputs, and whether it was interrupted at its deadline."""

    outputs: tuple[NotebookNode, ...]
    interrupted: bool = False


class Kernel:
    """A Python kernel in `folder`. Use it from one thread only, except `kill`."""

    def __init__(self, folder: Path) -> None:
        import nbformat
        from nbclient import NotebookClient

        self._loop = asyncio.Runner()
        scratch = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("")])
        self._client = NotebookClient(
            scratch, kernel_name="python3", allow_errors=True, timeout=None, record_timing=False, startup_timeout=60
        )
        self._folder = folder
        self._started = False

    def run(self, source: str, deadline: float) -> Ran:
        """Run a cell's source for at most `deadline` seconds. Raises KernelLost; the cell's own errors are outputs."""
        if not self._started:
            self._loop.run(self._start())
            self._started = True
        return self._loop.run(self._run(source, deadline))

    def save_names(self, slot: int) -> None:
        """Remember all names of the notebook under a number. Objects are not copied."""
        self.run(_SAVE.format(slot), GRACE_SECONDS)

    def restore_names(self, slot: int) -> None:
        """Go back to remembered names: what was defined since then is gone."""
        self.run(_RESTORE.format(slot), GRACE_SECONDS)

    def kill(self) -> None:
        """End the kernel's process at once; for other threads. Spark's JVM notices and ends itself in good order."""
        provisioner: Any = getattr(self._client.km, "provisioner", None)
        process = getattr(provisioner, "process", None)
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()

    def close(self) -> None:
        """End the kernel, letting Spark clean up after itself. Safe to call twice."""
        if self._client.km is not None:
            self._loop.run(self._stop())
        self._loop.close()

    @property
    def _manager(self) -> Any:
        return self._client.km

    async def _start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
        self._client.km = self._client.create_kernel_manager()
        try:
            await self._client.async_start_new_kernel(
                cwd=str(self._folder), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            await self._client.async_start_new_kernel_client()
        except (RuntimeError, OSError) as error:
            raise KernelLost(f"The Python kernel did not start ({error}); `course doctor` finds out why.") from error

    async def _run(self, source: str, deadline: float) -> Ran:
        import nbformat
        from nbclient.exceptions import DeadKernelError

        cell = nbformat.v4.new_code_cell(source)
        task = asyncio.ensure_future(self._client.async_execute_cell(cell, 0, store_history=False))
        try:
            finished, _ = await asyncio.wait({task}, timeout=deadline)
            if not finished:
                await self._manager.interrupt_kernel()
                await asyncio.wait({task}, timeout=GRACE_SECONDS)
                if not task.done():
                    task.cancel()
                    self.kill()
                    raise KernelLost(
                        f"It was still running after {deadline:g} seconds and could not be interrupted", True
                    )
            await task
        except DeadKernelError:
            raise KernelLost("The Python kernel died") from None
        return Ran(tuple(cell.get("outputs", ())), interrupted=not finished)

    async def _stop(self) -> None:
        client = self._client.kc
        with contextlib.suppress(RuntimeError, OSError):  # a kernel that is gone already
            await self._manager.shutdown_kernel(now=False)
        with contextlib.suppress(RuntimeError, OSError):
            await self._manager.cleanup_resources()
        if client is not None:
            client.stop_channels()
        self._client.kc = self._client.km = None
