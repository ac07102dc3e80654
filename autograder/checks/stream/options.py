"""What an author says about a streaming exercise, validated while the course is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

SCENARIO = "scenario"
"""The name of the argument that holds the scenario."""

SUPPLIED = ("events", "folder", "servers", "topic", "target", "checkpoint", "query_name")
"""Parameters that the harness can fill in."""

STEPS = ("feed", "drain", "lose commit", "crash", "kill", "kill writing")
SOURCES = ("json", "lines", "parquet", "kafka")
MODES = ("append", "update", "complete")
SINKS = ("delta", "parquet", "memory")


class WrongOptions(ValueError):
    """A `check` call asks for something that this kind of answer does not know; the message says what it knows."""


@dataclass(frozen=True)
class StreamOptions:
    """`stream={...}` of a `check` call.

    table: the table of `datasets` whose rows arrive.
    source: how they arrive: "json" files with the table's schema, "lines" (the same files as text, one column `value`),
        "parquet" files, or "kafka" (a topic on a real broker; the record's value is the row as JSON).
    supplies: which of `SUPPLIED` the learner's function takes. With `checkpoint` the function must start the query
        and return it; without, it returns a streaming DataFrame and the harness attaches sink and trigger.
    mode: output mode of the harness's sink.
    sink: what the learner's query writes to `target` (Delta, Parquet) or under `query_name` (memory).
    ids: the column that identifies an event; lost and doubled ones are then counted.
    last: columns that identify a row that is updated; of rows with the same values only the newest counts.
    watermark: the delays in the plan must be those of the solution.
    batches: the number of batches with rows must be that of the solution.
    state: at most so many rows may be kept as state at the end.
    endless: True when the query may have a trigger that never ends.
    """

    table: str
    source: str = "json"
    supplies: tuple[str, ...] = ("events",)
    mode: str = "append"
    sink: str = "delta"
    ids: str = ""
    last: tuple[str, ...] = ()
    watermark: bool = False
    batches: bool = False
    state: int | None = None
    endless: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> StreamOptions:
        """The options of a `check` call. Raises WrongOptions."""
        given = options["stream"]
        if not isinstance(given, Mapping) or not isinstance(given.get("table"), str):
            raise WrongOptions('stream= must be a dictionary with at least "table".')
        _known(given, cls, "stream")
        found = cls(
            **{**given, "supplies": tuple(given.get("supplies", ("events",))), "last": tuple(given.get("last", ()))}
        )
        _one_of("source", found.source, SOURCES)
        _one_of("mode", found.mode, MODES)
        _one_of("sink", found.sink, SINKS)
        for name in found.supplies:
            _one_of("supplies", name, SUPPLIED)
        if not {"events", "folder", "topic"} & set(found.supplies):
            raise WrongOptions(
                'stream["supplies"] must have "events", "folder" or "topic": where else would rows come from?'
            )
        if found.starts and not {"target", "query_name"} & set(found.supplies):
            raise WrongOptions('A function that takes "checkpoint" must take "target" or "query_name" too.')
        if found.source == "kafka" and "folder" in found.supplies:
            raise WrongOptions('Rows from "kafka" come through "events", or "servers" and "topic"; there is no folder.')
        return found

    @property
    def starts(self) -> bool:
        """Whether the learner's function starts the query itself."""
        return "checkpoint" in self.supplies


@dataclass(frozen=True)
class Scenario:
    """What happens to the query; the argument `scenario` of a `check` call or of a hidden variant.

    files: into how many files (Kafka: triggers) the rows are cut, or the relative size of each file.
    order: columns by which the rows are put in order first; else they come in the table's order.
    late: `{"every": n, "files": k}`: every n-th row arrives k files later than its place.
    corrupt: every n-th line is damaged (cut off, no JSON, or a wrong type, in turns); 0 for none.
    script: steps, each one of "feed N" (the next N files arrive), "feed rest", "drain" (the query runs until nothing
        is left), "crash" (it runs and fails right after the write of its first batch), "lose commit" (the last
        batch's commit is lost, as when the machine dies between write and commit), "kill" (the query runs in a process of its
        own, which dies by SIGKILL after its first batch has been written and before it is committed), "kill writing" (it
        dies in the middle of that write, which leaves half of it below the target).
    """

    files: int | tuple[int, ...] = 4
    order: tuple[str, ...] = ()
    late: Mapping[str, int] = field(default_factory=dict)
    corrupt: int = 0
    script: tuple[str, ...] = ("feed rest", "drain")

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Scenario:
        """The scenario that an argument describes. Raises WrongOptions."""
        given = {} if given is None else given
        if not isinstance(given, Mapping):
            raise WrongOptions("The argument `scenario` must be a dictionary.")
        _known(given, cls, SCENARIO)
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
        }
        found = cls(**values)
        sizes = found.files if isinstance(found.files, tuple) else (found.files,)
        if not sizes or any(not isinstance(size, int) or size < 1 for size in sizes):
            raise WrongOptions('scenario["files"] must be a positive number of files or a list of positive sizes.')
        if found.late and set(found.late) != {"every", "files"}:
            raise WrongOptions('scenario["late"] must be {"every": n, "files": k}.')
        for step in found.script:
            name, _, count = step.partition(" ") if step.startswith("feed") else (step, "", "")
            if name not in STEPS or (name == "feed" and count != "rest" and not count.isdigit()):
                raise WrongOptions(
                    f'scenario["script"] has the step {step!r}; steps are "feed N", "feed rest", {STEPS[1:]}.'
                )
        if not found.script or found.script[-1] != "drain":
            raise WrongOptions('scenario["script"] must end with "drain".')
        return found


def _known(given: Mapping[str, Any], cls: type, name: str) -> None:
    known = [item.name for item in fields(cls)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise WrongOptions(f"{name} has {', '.join(unknown)}; it may have: {', '.join(known)}.")


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise WrongOptions(f'stream["{name}"] has {value!r}; it may be: {", ".join(known)}.')
