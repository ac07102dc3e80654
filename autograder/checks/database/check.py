"""The kind of answer "database"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.checks import jdbc
from autograder.checks.base import Answer, Check, Judgement, Workspace
from autograder.checks.database import answer as files
from autograder.checks.database.answer import DatabaseAnswer, Run, after_step, returned
from autograder.checks.database.conditions import judged
from autograder.checks.database.scenario import DATABASE, ROWS, SCRIPT, Scenario, Step, script_of
from autograder.checks.database.stage import Stage, staged
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.executions import last_execution
from autograder.checks.value import ValueCheck
from autograder.compare import Frame


class DatabaseCheck(Check):
    """Makes a fresh PostgreSQL database, plays a script with the learner's function, and compares what the tables hold."""

    kind = "database"
    option = "database"
    tells_values = False  # findings are counts, names of columns, and the author's own words

    def tables(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """What the set-up reads."""
        return Scenario.of(options).uses

    def supplied(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The database, and the paths of folders."""
        return (DATABASE, *Scenario.of(options).paths)

    def run(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any], workspace: Workspace
    ) -> Answer:
        """Set the database up, play the script, look at the tables, remove everything."""
        scenario = Scenario.of(options)
        script = script_of(workspace.arguments.get(SCRIPT), scenario)
        with staged(scenario, {**workspace.arguments, **inputs}, workspace) as stage:
            play = _Play(function, inputs, options, scenario, stage, workspace)
            for number, step in enumerate(script, start=1):
                play.take(number, step)
            frames = {**play.frames, **stage.rows()}
            found = DatabaseAnswer(frames, stage.states(), play.runs, play.values, stage.left())
        return Answer(found, play.facts)

    def save(self, answer: Answer, folder: Path) -> None:
        """Write a Parquet file for each table looked at, and `database.json`."""
        files.save(answer, folder)

    def load(self, folder: Path) -> Answer:
        """Read what `save` wrote, within limits."""
        return files.load(folder)

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """What was returned, then content, then the tables themselves, then how they were read: the first that is wrong decides."""
        return judged(actual, expected, Scenario.of(options), options)


@dataclass
class _Play:
    """The script with one function, and what came of it."""

    function: Callable[..., Any]
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    scenario: Scenario
    stage: Stage
    workspace: Workspace
    frames: dict[str, Frame] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def take(self, number: int, step: Step) -> None:
        """One step; what the function raises outside a crash is let through."""
        if not step.calls:
            self.stage.execute(step.statement)
        elif step.crash:
            with self.stage.crashing(step.crash):
                self.runs[str(number)] = Run(failed=self._fails())
            self.frames |= {after_step(name, number): frame for name, frame in self.stage.rows().items()}
        else:
            self.runs[str(number)] = self._call(number)
            self.stage.hang_up()

    def _fails(self) -> bool:
        try:
            self.function(**self.inputs, **self.stage.handles)
        except NotImplementedError:
            raise
        except Exception:  # what the crash was for; a mistake of the function shows again in the next run
            return True
        return False

    def _call(self, number: int) -> Run:
        spark = self.workspace.spark
        before = last_execution(spark)
        result = self.function(**self.inputs, **self.stage.handles)
        partitions, largest = 0, 0.0
        if self.scenario.returns == ROWS:
            captured = DataFrameCheck().capture(result, self.options)
            self.facts = captured.facts
            rows = captured.payload if self.options.get("ordered") else captured.payload.sorted()
            self.frames[returned(number)] = rows
        elif self.scenario.returns:
            self.values[returned(number)] = ValueCheck().capture(result, self.options).payload
        received = jdbc.rows_after(before, spark) if self.scenario.spare_rows is not None else 0
        if self.scenario.partitions:
            partitions = jdbc.read_partitions(result)
        if self.scenario.largest is not None:
            largest = jdbc.largest_share(result)
        return Run(False, received, partitions, largest)
