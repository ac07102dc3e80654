"""Single keys without Enter: termios on Unix, msvcrt on Windows, and whole lines where there is no terminal."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

POLL_SECONDS = 0.1
END_OF_INPUT = ""
"""Posted once when standard input, not being a terminal, has ended."""


@contextlib.contextmanager
def keys(post: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, `post` gets each key, lower case, from another thread. The terminal is as before afterwards."""
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        if not sys.stdin.isatty():
            read = _lines
        elif sys.platform == "win32":
            read = _windows_keys
        else:
            stack.enter_context(_single_keys(sys.stdin.fileno()))
            read = _unix_keys
        thread = threading.Thread(target=read, args=(post, stop), name="keyboard", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            if read is not _lines:  # a line cannot be waited for with a limit
                thread.join(1.0)


@contextlib.contextmanager
def _single_keys(descriptor: int) -> Iterator[None]:
    """The terminal without line editing and echo; again so after Ctrl-Z and `fg`."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)

    def enter(*_: Any) -> None:
        with contextlib.suppress(termios.error):
            tty.setcbreak(descriptor)

    previous = signal.signal(signal.SIGCONT, enter)
    try:
        enter()
        yield
    finally:
        signal.signal(signal.SIGCONT, previous)
        with contextlib.suppress(termios.error):  # the terminal itself may be gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _unix_keys(post: Callable[[str], None], stop: threading.Event) -> None:
    descriptor = sys.stdin.fileno()
    while not stop.is_set():
        ready, _, _ = select.select([descriptor], [], [], POLL_SECONDS)
        if not ready:
            continue
        try:
            typed = os.read(descriptor, 64)
        except OSError:
            typed = b""
        if not typed:
            post(END_OF_INPUT)
            return
        if not typed.startswith(b"\x1b"):  # arrow and function keys arrive as one escape sequence
            for key in typed.decode(errors="ignore"):
                post(key.lower())


def _windows_keys(post: Callable[[str], None], stop: threading.Event) -> None:
    import importlib

    console: Any = importlib.import_module("msvcrt")
    while not stop.wait(POLL_SECONDS):
        while console.kbhit():
            key = console.getwch()
            if key in ("\x00", "\xe0"):  # a function key; its code follows
                console.getwch()
            else:
                post(key.lower())


def _lines(post: Callable[[str], None], stop: threading.Event) -> None:
    for line in sys.stdin:
        if stop.is_set():
            return
        post(line.strip()[:1].lower() or "\n")
    post(END_OF_INPUT)
