"""`report.json`: what the runner tells of its own run. Told by a process beside learner code, so shown and never trusted."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.grading.printable import one_line, without_line_ends

MAXIMUM_BYTES = 1_000_000
MAXIMUM_EVENTS = 100
MAXIMUM_STAGES = 20


class Stages:
    """Wall-clock seconds by stage. One stage runs at a time; entering the next ends it."""

    def __init__(self, stage: str) -> None:
        self._seconds: dict[str, float] = {}
        self._stage = stage
        self._since = time.monotonic()

    def enter(self, stage: str) -> None:
        """End the running stage, and begin another or go on with it."""
        now = time.monotonic()
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    def seconds(self) -> dict[str, float]:
        """Stage → seconds until now, in the order in which stages first ended."""
        self.enter(self._stage)
        return {stage: round(seconds, 3) for stage, seconds in self._seconds.items()}


@dataclass(frozen=True)
class RunnerReport:
    """`events` are sentences about cells that went wrong; `stages` are seconds by stage, under "start" or a notebook's
    name. `cpu_seconds` adds up all processes of the sandbox; `virtual_machines` counts the JVMs that it needed, one when
    nothing broke.
    """

    events: list[str] = field(default_factory=list)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    virtual_machines: int = 0


def within(seconds: float, longest: float) -> float:
    """Seconds that were told inside a sandbox, as a number from 0 to `longest`; 0 for what is no number."""
    return 0.0 if math.isnan(seconds) else round(min(max(seconds, 0.0), longest), 3)


def read_report(path: Path, longest: float) -> RunnerReport:
    """The report in a file, cut to a size that people read; empty when there is none or it makes no sense.

    Parameters
    ----------
    longest: the seconds that the run took, as measured outside; nothing in it can have taken longer.
    """
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAXIMUM_BYTES))
        notebooks = document["notebooks"]
        events = [
            f"{name}: {one_line(without_line_ends(str(event)[:300]))}"
            for name, entry in notebooks.items()
            for event in entry["events"][:20]
        ]
        stages = {"start": _seconds(document["start"])}
        stages |= {str(name)[:100]: _seconds(entry["stages"]) for name, entry in list(notebooks.items())[:50]}
        cpu_seconds = _seconds({"cpu": document["cpu_seconds"]})["cpu"]
        virtual_machines = int(document["virtual_machines"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return RunnerReport()
    stages = {
        name: {stage: within(seconds, longest) for stage, seconds in found.items()} for name, found in stages.items()
    }
    cpu_seconds = within(cpu_seconds, longest * (os.cpu_count() or 1))
    return RunnerReport(events[:MAXIMUM_EVENTS], stages, cpu_seconds, virtual_machines)


def _seconds(stages: Mapping[str, Any]) -> dict[str, float]:
    """Stage → seconds, with finite numbers only. Raises TypeError, ValueError."""
    found = {str(stage)[:50]: float(seconds) for stage, seconds in list(stages.items())[:MAXIMUM_STAGES]}
    if not all(math.isfinite(seconds) for seconds in found.values()):
        raise ValueError("no finite number of seconds")
    return found
