"""The kind "stream": taking an answer, saving it, reading it back without trust."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograder.checks.base import Answer, Check, Judgement, Workspace
from autograder.checks.stream import judging
from autograder.checks.stream.drive import Drive, own_streams
from autograder.checks.stream.feed import make_feed
from autograder.checks.stream.observe import Observed
from autograder.checks.stream.options import SCENARIO, Scenario, StreamOptions
from autograder.checks.stream.sink import holds_files, read_target
from autograder.compare import AnswerUnreadable, Frame

ANSWER = "answer.parquet"
FACTS = "facts.json"
MAXIMUM_FACTS_BYTES = 100_000


class StreamCheck(Check):
    """Compares what a query has written after a scripted scenario; see the package."""

    kind = "stream"
    option = "stream"
    tells_values = False  # findings are counts, names of columns, and what the query itself was told

    def tables(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The table whose rows arrive."""
        return (StreamOptions.of(options).table,)

    def supplied(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """What the function gets from the harness."""
        return StreamOptions.of(options).supplies

    def run(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any], workspace: Workspace
    ) -> Answer:
        """Play the scenario and read the sink."""
        wanted = StreamOptions.of(options)
        scenario = Scenario.of(workspace.arguments.get(SCENARIO))
        spark = workspace.spark
        with own_streams(spark):
            feed = make_feed(wanted, scenario, workspace.tables[wanted.table], workspace.folder, spark)
            with contextlib.closing(feed):
                drive = Drive(function, inputs, wanted, feed, workspace.folder, spark)
                drive.play(scenario.script)
                if wanted.starts:
                    content = read_target(wanted, drive.supplied(), spark)
                    drive.observed.foreign = content is None and holds_files(wanted, drive.supplied())
                else:
                    content = drive.sink.content(wanted.mode, wanted.last)
        return Answer(content, drive.observed.facts())

    def save(self, answer: Answer, folder: Path) -> None:
        """Write `facts.json` and, when there was anything in the sink, `answer.parquet`."""
        folder.mkdir(parents=True, exist_ok=True)
        if answer.payload is not None:
            answer.payload.write(folder / ANSWER)
        (folder / FACTS).write_text(json.dumps(answer.facts, sort_keys=True), encoding="utf-8")

    def load(self, folder: Path) -> Answer:
        """Read what `save` wrote, within limits."""
        payload = Frame.read(folder / ANSWER) if (folder / ANSWER).exists() else None
        return Answer(payload, _facts(folder / FACTS))

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """Content, then conditions."""
        return judging.judge(actual, expected, options)


def _facts(path: Path) -> dict[str, Any]:
    """The facts in a file, every one of them there and of its type. Raises AnswerUnreadable."""
    if not path.is_file():
        raise AnswerUnreadable(f"There is no {FACTS}.")
    if path.stat().st_size > MAXIMUM_FACTS_BYTES:
        raise AnswerUnreadable(f"{FACTS} is larger than {MAXIMUM_FACTS_BYTES} bytes")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise AnswerUnreadable(f"{FACTS} is not JSON: {error}") from error
    known = Observed().facts()
    if not isinstance(document, dict) or set(document) != set(known):
        raise AnswerUnreadable(f"{FACTS} does not hold the facts of a stream.")
    for name, example in known.items():
        value = document[name]
        fits = type(value) is type(example) and (
            not isinstance(value, list) or all(type(item) is int for item in value)
        )
        if not fits:
            raise AnswerUnreadable(f"{FACTS}: {name} is not what it should be.")
    return document
