"""Nothing outlives a grader that was killed: its processes end themselves, and the next grader removes what it left
behind.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

PREFIX = "course-grader-"
_SECONDS = 0.5


def end_with_parent() -> None:
    """End this process and its children as soon as the process that started it is gone."""
    threading.Thread(target=_wait_for_parent, args=(os.getppid(),), daemon=True).start()


def _wait_for_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    from autograder.grading.limits import kill_children

    kill_children(os.getpid())
    os._exit(1)


@contextlib.contextmanager
def workplace() -> Iterator[str]:
    """A temporary folder in which this process makes all of its temporary files, until the end of the block.

    Yields the name under which the grader's control groups are made (`Limits.owner`). A lock says that the grader lives;
    it is released by the system however the grader ends. What graders without a living lock left behind is removed first.
    """
    remove_leftovers()
    home = Path(tempfile.gettempdir())
    name, lock = _claim(home)
    before = tempfile.tempdir
    try:
        (home / name).mkdir(mode=0o700)
        tempfile.tempdir = str(home / name)
        yield name
    finally:
        tempfile.tempdir = before
        shutil.rmtree(home / name, ignore_errors=True)
        _lock_file(home, name).unlink(missing_ok=True)
        os.close(lock)


@lru_cache(maxsize=1)
def lasting_workplace() -> str:
    """A workplace until this process ends, for one that grades whatever comes, such as a worker of a cluster."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(workplace())


def remove_leftovers() -> None:
    """Remove temporary folders and control groups of this user's graders that were killed."""
    from autograder.grading.limits import remove_groups_of

    home = Path(tempfile.gettempdir())
    for path in home.glob(f"{PREFIX}*.lock"):
        with contextlib.suppress(OSError):
            lock = _locked(path)
            if lock is None:
                continue
            try:
                remove_groups_of(path.stem)
                shutil.rmtree(home / path.stem, ignore_errors=True)
                path.unlink()
            finally:
                os.close(lock)


def _claim(home: Path) -> tuple[str, int]:
    while True:
        name = PREFIX + uuid.uuid4().hex[:12]
        _lock_file(home, name).touch(mode=0o600, exist_ok=False)
        lock = _locked(_lock_file(home, name))
        if lock is not None:
            return name, lock


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock on a file of this user; None when another process has it or removed the file."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        opened = os.fstat(lock)
        if opened.st_uid == os.geteuid() and os.path.samestat(opened, path.stat()):
            return lock
    except OSError:
        pass
    os.close(lock)
    return None


def _lock_file(home: Path, name: str) -> Path:
    return home / f"{name}.lock"
