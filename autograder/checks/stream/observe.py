"""What is seen while the learner's query runs: batches, trigger, output mode, watermarks, state. JSON values."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

_DELAY = re.compile(r"#\d+L?-T(\d+)ms")
_ENDLESS = ("ProcessingTime", "Continuous", "RealTime")


@dataclass
class Observed:
    """Facts of all starts of one query.

    batches: how many batches the checkpoint has planned.
    delays: the watermark delays in the plan, in milliseconds.
    used_checkpoint: whether every start left its offsets in the checkpoint that it was given.
    state: rows kept as state after the last batch.
    killed: whether a process was really killed on the way.
    foreign: whether there are files where the query was to write, but none of the format that is asked for.
    """

    batches: int = 0
    delays: list[int] = field(default_factory=list)
    mode: str = ""
    trigger: str = ""
    used_checkpoint: bool = True
    state: int = 0
    killed: bool = False
    foreign: bool = False

    @property
    def endless(self) -> bool:
        """Whether the trigger is one that goes on for ever."""
        return self.trigger.startswith(_ENDLESS)

    def started(self, query: StreamingQuery) -> None:
        """Note what a running query says of itself."""
        execution = query._jsq.streamingQuery()
        self.mode = str(execution.outputMode().toString())
        self.trigger = str(execution.trigger().toString())

    def after(self, query: StreamingQuery, checkpoint: Path) -> None:
        """Note what a drained query has done."""
        plan = str(query._jsq.streamingQuery().analyzedPlan().toString())
        self.delays = sorted({int(delay) for delay in _DELAY.findall(plan)})
        progress: list[Any] = list(query.recentProgress)
        self.batches = sum(path.name.isdigit() for path in (checkpoint / "offsets").glob("*"))
        if progress:
            self.state = sum(int(operator["numRowsTotal"]) for operator in progress[-1]["stateOperators"])
            self.used_checkpoint = self.used_checkpoint and self.batches > 0

    def facts(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return asdict(self)
