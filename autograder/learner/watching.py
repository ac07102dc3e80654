"""`course watch`: threads for keys, for files and for checking in a warm kernel; the main thread has the screen."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.text import Text

from autograder import manifest, paths
from autograder.learner import keyboard, notebook, pristine, summary, terminal
from autograder.learner.checking import Abandoned, Checker, Report, Result, graded
from autograder.learner.notebook import NotebookProblem
from autograder.models import ExerciseSpec, NotebookSpec, Status
from autograder.runtime import progress

KEYS = "n next · h hint · l list · c check all · r reset · k restart kernel · q quit"
SETTLE_MILLISECONDS = 200
"""How long a file must be left alone before it counts as saved."""


@dataclass(frozen=True)
class Place:
    """One exercise and the notebook that it is in."""

    notebook: NotebookSpec
    exercise: ExerciseSpec


@dataclass(frozen=True)
class Key:
    """A key was pressed; "" means that there will be no more."""

    key: str


@dataclass(frozen=True)
class Saved:
    """The file at `path` was written."""

    path: Path


@dataclass(frozen=True)
class Request:
    """Check one exercise, or with `exercise` None the whole notebook. Numbers rise; only the newest outcome matters."""

    number: int
    notebook: NotebookSpec
    exercise: ExerciseSpec | None


@dataclass(frozen=True)
class Checked:
    """A check is over: with a report, or the sentence of what kept it from running, or neither when it was ended."""

    request: Request
    report: Report | None = None
    problem: str = ""


Event = Key | Saved | Checked


def places(number: str | None) -> tuple[list[Place], Place]:
    """The exercises to go through and the one to start with. Raises UnknownExercise, NotebookProblem for none."""
    chosen, exercise = notebook.find(number) if number else (None, None)
    notebooks = [chosen] if chosen else list(manifest.notebooks())
    found = [Place(spec, item) for spec in notebooks for item in graded(spec)]
    if not found:
        raise NotebookProblem("There is no automatically checked exercise to watch.")
    following = None if number else summary.next_exercise()
    wanted = exercise.id if exercise else following[1].id if following else ""
    named = next((place for place in found if place.exercise.id == wanted), None)
    return found, named or next((place for place in found if not _has_passed(place)), found[0])


class Background:
    """Checks in a thread of its own, which alone uses the kernel. A newer request replaces one that has not begun."""

    def __init__(self, post: Callable[[Checked], None], deadline: float) -> None:
        self._post = post
        self._deadline = deadline
        self._requests: queue.Queue[Request | None] = queue.Queue()
        self._checker: Checker | None = None
        self._thread = threading.Thread(target=self._work, name="checker", daemon=True)
        self._thread.start()

    def request(self, request: Request) -> None:
        """Its outcome will be posted, unless a newer request comes first."""
        self._requests.put(request)

    def restart(self) -> None:
        """End the kernel, and a check under way with it."""
        checker = self._checker
        if checker is not None:
            checker.kill()

    def close(self) -> None:
        """End everything. Spark's JVM ends by itself once its kernel is gone."""
        self._requests.put(None)
        self.restart()
        self._thread.join(15.0)

    def _work(self) -> None:
        while (request := self._newest()) is not None:
            if self._checker is None or self._checker.spec != request.notebook or self._checker.abandoned:
                self._renew(request.notebook)
            self._post(self._outcome(request))
        self._renew(None)

    def _newest(self) -> Request | None:
        request = self._requests.get()
        with contextlib.suppress(queue.Empty):
            while request is not None:
                request = self._requests.get_nowait()
        return request

    def _renew(self, spec: NotebookSpec | None) -> None:
        if self._checker is not None:
            self._checker.close()
        self._checker = Checker(spec, self._deadline) if spec else None

    def _outcome(self, request: Request) -> Checked:
        assert self._checker is not None
        try:
            report = self._checker.check((request.exercise,) if request.exercise else None)
            return Checked(request, report)
        except Abandoned:
            return Checked(request)
        except NotebookProblem as problem:
            return Checked(request, problem=str(problem))
        except Exception as error:  # the thread must outlive whatever goes wrong, and say it
            self._renew(None)
            return Checked(request, problem=f"The check itself failed: {type(error).__name__}: {error}")


class Watch:
    """The screen and the keys."""

    def __init__(self, found: Sequence[Place], start: Place, screen: Console, deadline: float) -> None:
        self._places = list(found)
        self._place = start
        self._screen = screen
        self._events: queue.Queue[Event] = queue.Queue()
        self._background = Background(self._events.put, deadline)
        self._number = 0
        self._busy = False
        self._sources: tuple[str, ...] = ()
        self._report: Report | None = None
        self._whole: Report | None = None
        self._notice = ""
        self._hints = 0
        self._listing = False
        self._asking = False
        self._running = True
        self._input_ended = False

    def run(self) -> None:
        """Until q, Ctrl-C, a signal to end, or the end of piped input."""
        paths.MODULES.mkdir(parents=True, exist_ok=True)
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch_files, args=(stop,), name="files", daemon=True)
        with _ending_by_signal(), keyboard.keys(lambda key: self._events.put(Key(key))):
            watcher.start()
            try:
                self._request(self._place.exercise)
                self._draw()
                while self._running and not (self._input_ended and not self._busy and self._events.empty()):
                    self._next_event()
            except KeyboardInterrupt:
                return
            finally:
                stop.set()
                self._background.close()
                watcher.join(2.0)

    def _next_event(self) -> None:
        try:
            event = self._events.get(timeout=0.2)
        except queue.Empty:
            return
        if isinstance(event, Key):
            self._press(event.key)
        elif isinstance(event, Saved):
            self._saved(event.path)
        else:
            self._checked(event)
        if self._running and self._events.empty():
            self._draw()

    def _press(self, key: str) -> None:
        if key == keyboard.END_OF_INPUT:
            self._input_ended = True
        elif self._asking:
            self._answer_reset(key)
        elif self._listing or self._whole:
            self._listing, self._whole = False, None
            self._act(key)
        else:
            self._act(key)

    def _act(self, key: str) -> None:
        actions = {"n": self._next, "h": self._hint, "l": self._list, "c": self._check_all, "r": self._ask_reset,
                   "k": self._restart, "q": self._quit, "\x04": self._quit}  # fmt: skip
        action = actions.get(key)
        if action:
            self._notice = ""
            action()

    def _next(self) -> None:
        here = self._places.index(self._place)
        in_turn = self._places[here + 1 :] + self._places[:here]
        following = next((place for place in in_turn if not _has_passed(place)), None)
        if following is None:
            self._notice = (
                "There is no other exercise left to do."
                if not _has_passed(self._place)
                else "Every exercise has passed."
            )
            return
        self._place, self._report, self._hints = following, None, 0
        self._request(following.exercise)

    def _hint(self) -> None:
        available = len(self._place.exercise.hints)
        if not available:
            self._notice = f"There is no hint for {self._place.exercise.id}."
        elif int(progress.read().get(self._place.exercise.id, {}).get("hints_shown", 0)) >= available:
            self._notice, self._hints = "These are all the hints.", available
        else:
            self._hints = progress.next_hint(self._place.exercise.id, available) + 1

    def _list(self) -> None:
        self._listing = True

    def _check_all(self) -> None:
        self._request(None)

    def _ask_reset(self) -> None:
        self._asking = True

    def _answer_reset(self, key: str) -> None:
        self._asking = False
        if key != "y":
            self._notice = "Nothing was changed."
            return
        try:
            done = pristine.reset_exercise(self._place.notebook, self._place.exercise)
            self._notice = f"Reset. Your version: {done.backup}"
            self._report, self._hints = None, 0
        except NotebookProblem as problem:
            self._notice = str(problem)

    def _restart(self) -> None:
        self._background.restart()
        self._report = None
        self._request(self._place.exercise)

    def _quit(self) -> None:
        self._running = False

    def _request(self, exercise: ExerciseSpec | None) -> None:
        self._number += 1
        self._busy = True
        self._sources = notebook.sources(self._place.notebook, self._place.exercise)
        self._background.request(Request(self._number, self._place.notebook, exercise))

    def _saved(self, path: Path) -> None:
        """Check again, unless only outputs changed: JupyterLab saves by itself every two minutes."""
        if path.resolve() != notebook.path_of(self._place.notebook).resolve():
            return
        sources = notebook.sources(self._place.notebook, self._place.exercise)
        if not sources or sources != self._sources:
            self._whole = None
            self._request(self._place.exercise)

    def _checked(self, event: Checked) -> None:
        if event.request.number != self._number:
            return
        self._busy = False
        if event.problem:
            self._notice = event.problem
        elif event.request.exercise is None:
            self._whole = event.report
        else:
            self._report = event.report

    def _watch_files(self, stop: threading.Event) -> None:
        from watchfiles import watch

        def is_notebook(change: object, path: str) -> bool:
            return path.endswith(".ipynb") and ".ipynb_checkpoints" not in path

        look = partial(watch, paths.MODULES, watch_filter=is_notebook, debounce=SETTLE_MILLISECONDS, stop_event=stop)
        for polling in (None, True):
            try:
                for changes in look(raise_interrupt=False, force_polling=polling):
                    for path in {Path(path) for _, path in changes}:
                        self._events.put(Saved(path))
                return
            except OSError:  # the system has no file watch left to give; looking again and again still works
                continue

    def _draw(self) -> None:
        screen, place = self._screen, self._place
        if screen.is_terminal:
            screen.clear()
        counts = summary.of(place.notebook)
        heading = Text(f"{place.notebook.number} {place.notebook.title}  ", "bold")
        screen.print(
            heading,
            terminal.bar(counts.passed, counts.attempted, counts.total),
            f" {counts.passed} of {counts.total} passed",
        )
        screen.print(Text(notebook.shown_path(place.notebook), "dim"), "", sep="\n")
        if self._listing:
            screen.print(terminal.exercise_list(counts, place.exercise.id))
        elif self._whole:
            self._draw_whole(self._whole)
        else:
            self._draw_exercise(place.exercise)
        screen.print()
        if self._notice:
            screen.print(terminal.prose(self._notice, "yellow"), soft_wrap=False)
        if self._asking:
            screen.print(f"Put the answer cell of {place.exercise.id} back to its start? A backup is kept.")
            screen.print("y yes · any other key: no", style="dim")
        else:
            screen.print(KEYS, style="dim")

    def _draw_exercise(self, exercise: ExerciseSpec) -> None:
        screen = self._screen
        screen.print(Text(f"{exercise.id} {exercise.title}", "bold"), Text(f"({terminal.points(exercise.points)})"))
        screen.print()
        if self._busy:
            first = "" if self._report else " (the first time Python and Spark start)"
            screen.print(f"Checking …{first}", style="dim")
        if self._report:
            result = self._report.results[0]
            screen.print(terminal.verdict(result), *terminal.report(self._report, exercise), sep="\n")
            self._praise(result)
        for stage in range(self._hints):
            screen.print(terminal.hint(exercise.id, stage, exercise.hints))

    def _praise(self, result: Result) -> None:
        if result.status is Status.PASSED:
            left = any(not _has_passed(place) for place in self._places)
            self._screen.print(
                "Press n for the next exercise." if left else "Every exercise has passed. Well done!", style="green"
            )

    def _draw_whole(self, report: Report) -> None:
        self._screen.print(terminal.exercise_list(summary.of(report.notebook), self._place.exercise.id))
        self._screen.print("", *terminal.report(report), sep="\n")


@contextlib.contextmanager
def _ending_by_signal() -> Iterator[None]:
    """SIGTERM or a closed terminal end the watch in good order: terminal restored, no kernel left behind."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    chosen = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, leave) for number in chosen}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _has_passed(place: Place) -> bool:
    return progress.read().get(place.exercise.id, {}).get("status") == Status.PASSED
