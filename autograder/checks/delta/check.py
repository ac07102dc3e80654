"""The kind of answer "delta"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograder.checks.base import Answer, Check, Judgement, Workspace
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.delta import answer as files
from autograder.checks.delta.answer import DeltaAnswer
from autograder.checks.delta.conditions import judged
from autograder.checks.delta.scenario import RETURNED, Scenario
from autograder.checks.delta.stage import staged


class DeltaCheck(Check):
    """Makes fresh Delta tables, lets the learner's function work on them, and compares what they hold and how it came about."""

    kind = "delta"
    option = "delta"
    tells_values = False  # findings are counts, names of columns and operations, and the author's own words

    def tables(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """What the set-up reads."""
        return Scenario.of(options).uses

    def supplied(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The tables: each parameter is a name or a path."""
        return tuple(Scenario.of(options).tables)

    def run(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any], workspace: Workspace
    ) -> Answer:
        """Set the tables up, call the function once, look at the tables, remove them."""
        scenario = Scenario.of(options)
        with staged(scenario, inputs, workspace) as stage:
            result = function(**inputs, **stage.handles)
            # At once, since a DataFrame that reads one of the tables is evaluated only now.
            returned = DataFrameCheck().capture(result, options) if scenario.returns else None
            frames, states = stage.observe()
        if returned is None:
            return Answer(DeltaAnswer(frames, states))
        rows = returned.payload if options.get("ordered") else returned.payload.sorted()
        return Answer(DeltaAnswer({**frames, RETURNED: rows}, states), returned.facts)

    def save(self, answer: Answer, folder: Path) -> None:
        """Write a Parquet file per table and version, and `delta.json`."""
        files.save(answer, folder)

    def load(self, folder: Path) -> Answer:
        """Read what `save` wrote, within limits."""
        return files.load(folder)

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """What was returned, then content, then history and the rest, table by table: the first that is wrong decides."""
        return judged(actual, expected, Scenario.of(options), options)
