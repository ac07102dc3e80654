"""The kind of answer "files"."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.checks.base import Answer, Check, Judgement, Workspace, WrongKind
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.files import answer as kept
from autograder.checks.files.answer import FilesAnswer, FolderState
from autograder.checks.files.judging import judged
from autograder.checks.files.layout import Layout, look, shown
from autograder.checks.files.made import observe
from autograder.checks.files.options import RAISED, RETURNED, SCRIPT, FilesOptions, Script
from autograder.checks.files.served import Served, behaviour_of
from autograder.checks.files.source import parts, write
from autograder.checks.observing import kept_settings, observer, working_folder
from autograder.checks.stream.drive import running, stop_streams
from autograder.checks.value import plain
from autograder.compare import Frame
from autograder.services.api import Api, Behaviour

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STILL_RUNNING = (
    "Your function started a streaming query that still runs when it returns. Wait for its end with `awaitTermination()`, and use a "
    "trigger that ends: `availableNow=True`."
)


class FilesCheck(Check):
    """Lets files arrive, calls the learner's function on the folders, and compares the files that it leaves."""

    kind = "files"
    option = "files"
    tells_values = False  # findings are counts and names of columns; names of files stand in the example table

    def tables(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """What the files are made from."""
        return tuple(dict.fromkeys(source.table for source in FilesOptions.of(options).sources))

    def supplied(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The folders: each parameter is a path."""
        wanted = FilesOptions.of(options)
        return (*wanted.given, *wanted.made)

    def run(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any], workspace: Workspace
    ) -> Answer:
        """Follow the script, then look at the folders."""
        wanted = FilesOptions.of(options)
        script = Script.of(workspace.arguments.get(SCRIPT), wanted)
        behaviour = behaviour_of(workspace.arguments)
        with (
            observer(workspace.spark, workspace.tables) as session,
            _own_traces(workspace.spark, wanted) as stray,
            contextlib.closing(_Stage(wanted, workspace.folder, session)) as stage,
        ):
            stage.set_up(behaviour)
            call = partial(self._result, function, {**inputs, **stage.paths}, wanted, options, workspace.spark)
            results = [
                _failure(call) if step == "run failing" else call()
                for step in script.steps
                if stage.happens(step, workspace.spark)
            ]
            frames, states = stage.observe(stray)
            stays, served = stage.left(), stage.asked()
        last = results[-1]
        if isinstance(last, Answer):
            rows = last.payload if options.get("ordered") else last.payload.sorted()
            return Answer(FilesAnswer({**frames, RETURNED: rows}, states, stays, (), served), last.facts)
        value = (results,) if wanted.returns == "each" else (last,) if wanted.returns else ()
        return Answer(FilesAnswer(frames, states, stays, value, served))

    def _result(
        self,
        function: Callable[..., Any],
        inputs: Mapping[str, Any],
        wanted: FilesOptions,
        options: Mapping[str, Any],
        spark: SparkSession,
    ) -> Any:
        """What one call returns: a plain value, or the answer of a DataFrame, which is evaluated at once, while its files are there."""
        from pyspark.sql import DataFrame

        streams = running(spark)
        result = function(**inputs)
        if running(spark) - streams:
            stop_streams(spark, streams)
            raise WrongKind(STILL_RUNNING)
        if not wanted.returns:
            return None
        if wanted.returns is True and isinstance(result, DataFrame):
            return DataFrameCheck().capture(result, options)
        return plain(result)

    def save(self, answer: Answer, folder: Path) -> None:
        """Write a Parquet file per folder, and `files.json`."""
        kept.save(answer, folder)

    def load(self, folder: Path) -> Answer:
        """Read what `save` wrote, within limits."""
        return kept.load(folder)

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """What was returned, then folder by folder content and layout, then what was left: the first that is wrong decides."""
        return judged(actual, expected, FilesOptions.of(options), options)


def _failure(call: Callable[[], Any]) -> Any:
    """What stands for a call that must fail: `RAISED`, or what it returned all the same."""
    try:
        return call()
    except WrongKind:
        raise
    except Exception:
        return dict(RAISED)


@dataclass
class _Stage:
    """The folders and APIs of one run. `waiting` are the names of the files of each given folder that have not arrived yet, and
    `unpublished` the parts of the rows of each API.
    """

    wanted: FilesOptions
    home: Path
    session: SparkSession
    waiting: dict[str, list[str]] = field(default_factory=dict)
    before: dict[str, Layout] = field(default_factory=dict)
    apis: dict[str, Api] = field(default_factory=dict)
    unpublished: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Where a folder is."""
        return self.home / ("given" if name in self.wanted.given else "made") / name

    @property
    def paths(self) -> dict[str, str]:
        """What the learner's function gets."""
        folders = {name: str(self.path(name)) for name in (*self.wanted.folders, *self.wanted.made)}
        return {**folders, **{name: api.url for name, api in self.apis.items()}}

    def set_up(self, behaviour: Behaviour) -> None:
        """Write all files: those that arrive beside their folder, those that are there before into it. Start the APIs."""
        (self.home / "made").mkdir()
        for name, source in self.wanted.given.items():
            if source.served:
                self.unpublished[name] = parts(source, self.session)
                self.apis[name] = source.served.start(behaviour)
                continue
            self.path(name).mkdir(parents=True)
            self.waiting[name] = write(source, self.session, self._staging(name))
        for name, wish in self.wanted.made.items():
            if wish.setup:
                write(wish.setup, self.session, self.path(name))
            self.before[name] = look(self.path(name))

    def happens(self, step: str, spark: SparkSession) -> bool:
        """Let one step of the script happen; True when the function is to be called."""
        verb, _, what = step.partition(" ")
        if verb == "feed":
            for name, waiting in self.waiting.items():
                count = len(waiting) if what == "rest" else int(what)
                for file in waiting[:count]:
                    place = self.path(name) / file
                    place.parent.mkdir(parents=True, exist_ok=True)
                    (self._staging(name) / file).rename(place)
                del waiting[:count]
            for name, unpublished in self.unpublished.items():
                count = len(unpublished) if what == "rest" else int(what)
                for lines in unpublished[:count]:
                    self.apis[name].publish(self._served(name).name, lines)
                del unpublished[:count]
        elif verb in ("remove", "damage"):
            name, _, file = what.partition("/")
            place = self.path(name) / file
            if verb == "remove":
                place.unlink(missing_ok=True)
            elif place.exists():
                os.truncate(place, place.stat().st_size // 2)
        elif verb == "set":
            name, _, value = what.partition("=")
            spark.conf.set(name, value)
        return verb == "run"

    def observe(self, stray: Mapping[str, Path]) -> tuple[dict[str, Frame], dict[str, FolderState]]:
        """Rows and state of every folder that the function was to write."""
        frames: dict[str, Frame] = {}
        states: dict[str, FolderState] = {}
        for name, wish in self.wanted.made.items():
            state, frame = observe(wish, self.path(name), self.before[name], self.session)
            if state.problem == "missing" and name in stray and stray[name].exists():
                state = FolderState("elsewhere")
            states[name] = state
            if frame is not None:
                frames[name] = frame
        return frames, states

    def left(self) -> dict[str, tuple[str, ...]]:
        """The names of the files that are still in the given folders, where they count and nothing else is there."""
        layouts = {name: look(self.path(name)) for name, source in self.wanted.given.items() if source.stays}
        return {
            name: tuple(map(shown, layout.files)) for name, layout in layouts.items() if layout.problem in ("", "mixed")
        }

    def asked(self) -> dict[str, dict[str, int]]:
        """What clients of each API did."""
        return {name: self._served(name).seen(api.facts) for name, api in self.apis.items()}

    def close(self) -> None:
        """End the APIs."""
        for api in self.apis.values():
            api.stop()

    def _served(self, name: str) -> Served:
        served = self.wanted.given[name].served
        assert served is not None
        return served

    def _staging(self, name: str) -> Path:
        return self.home / "waiting" / name


@contextlib.contextmanager
def _own_traces(spark: SparkSession, wanted: FilesOptions) -> Iterator[dict[str, Path]]:
    """Undo what a run changes outside its folders: settings, and folders that are called like a parameter and were not there.

    Such a folder comes from `.parquet("target")` where `.parquet(target)` was meant.
    """
    home = Path(working_folder(spark))
    stray = {name: home / name for name in wanted.made if not (home / name).exists()}
    with kept_settings(spark):
        try:
            yield stray
        finally:
            for place in stray.values():
                if place.is_dir() and not place.is_symlink():
                    shutil.rmtree(place, ignore_errors=True)
