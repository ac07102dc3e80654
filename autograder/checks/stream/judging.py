"""Judges what came out of a stream: content first, then the conditions on how it came about. Knows no Spark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autograder.checks.base import Answer, Judgement
from autograder.checks.dataframe import rules
from autograder.checks.stream.options import StreamOptions
from autograder.compare import Frame, compare_frames

RIGHT_ROWS = "The rows in the sink are right."
NOT_KILLED = (
    "No process could be killed here in the middle of a batch: the query let itself be run to its end, or this system cannot fork. "
    "The crash was a failing batch instead."
)
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))
NO_CHECKPOINT = (
    "Your query keeps its progress somewhere else than in `checkpoint`, so that a restart begins again from nothing. "
    'Give it the folder: `.option("checkpointLocation", checkpoint)`.'
)


def judge(actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
    """The judgement on one case."""
    found = _judge(actual, expected, options)
    if expected.facts["killed"] and not actual.facts["killed"]:
        return replace(found, right=(*found.right, NOT_KILLED))
    return found


def _judge(actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
    wanted = StreamOptions.of(options)
    facts = actual.facts
    if expected.payload is None or actual.payload is None:
        if expected.payload is actual.payload:
            return Judgement(True, fraction=1.0)
        if actual.payload is None:
            return Judgement(False, _nothing(facts, wanted.sink), shape="sink")
        return Judgement(False, "Your query wrote rows where none are expected.", shape="sink")
    difference = compare_frames(actual.payload, expected.payload, rules(options))
    if not difference.equal:
        account = _account(actual.payload, expected.payload, wanted.ids)
        reasons = [*account, *_trigger(facts, expected.facts, wanted), *_reasons(facts, expected.facts, wanted)]
        found = Judgement.of(difference)
        if not reasons:
            return found
        findings = difference.wrong or (difference.message,)
        wrong = tuple(dict.fromkeys([*reasons[1:], *findings]))
        # The comparer advises on filters, joins and grouping; the cause is known here, and it is another one.
        return Judgement(False, reasons[0], difference.right, wrong, difference.examples, shape=difference.shape)
    problem = next(iter(_reasons(facts, expected.facts, wanted)), "")
    if problem:
        return Judgement(False, problem, right=(RIGHT_ROWS,), shape="stream")
    return Judgement(True, right=difference.right, fraction=1.0)


def _nothing(facts: Mapping[str, Any], sink: str) -> str:
    """Why there is no content."""
    if not facts["used_checkpoint"]:
        return NO_CHECKPOINT
    if facts["foreign"]:
        return f'There are files in `target`, but not of the format that is asked for: `.format("{sink}")`.'
    return "Nothing was found in the sink."


def _account(actual: Frame, expected: Frame, ids: str) -> list[str]:
    """Which events were lost and which came more often than they should, by their id."""
    if not ids or ids not in actual.columns or ids not in expected.columns:
        return []
    found, due = (Counter(frame.table[ids].to_pylist()) for frame in (actual, expected))
    lost = sum((due - found).values())
    doubled = sum((found - due).values())
    total = sum(due.values())
    said = []
    if doubled:
        said.append(
            f"Not exactly once: {doubled:,} of {total:,} events are in the sink more often than they should be. Something was "
            "written again when the query ran a batch again."
        )
    if lost:
        said.append(f"Not exactly once: {lost:,} of {total:,} events never reached the sink.")
    return said


def _trigger(facts: Mapping[str, Any], due: Mapping[str, Any], wanted: StreamOptions) -> list[str]:
    """What another trigger has to do with rows that are wrong; by itself it is no mistake."""
    if not wanted.starts or facts["trigger"] == due["trigger"]:
        return []
    return [
        f"The trigger of your query is {facts['trigger']}. `availableNow=True` handles everything that is there, batch by batch."
    ]


def _reasons(facts: Mapping[str, Any], due: Mapping[str, Any], wanted: StreamOptions) -> list[str]:
    """Conditions that do not hold, as sentences; where rows are wrong they are the likely reason."""
    said = []
    if wanted.starts and not facts["used_checkpoint"]:
        said.append(NO_CHECKPOINT)
    if wanted.starts and facts["mode"] != due["mode"]:
        said.append(f"The output mode of your query is {facts['mode'].lower()}; the task needs another one.")
    if wanted.watermark and facts["delays"] != due["delays"]:
        if not facts["delays"]:
            said.append(
                "There is no watermark in the plan of your query: nothing ever becomes too late, and state never ends."
            )
        elif not due["delays"]:
            said.append("Your query has a watermark that the task does not ask for.")
        else:
            said.append(f"The watermark of your query waits {_durations(facts['delays'])}; the task says another time.")
    if wanted.batches and facts["batches"] != due["batches"]:
        said.append(
            f"Your query read everything in {_batches(facts['batches'])}; {due['batches']} would be right. Look at the source's rate "
            "limit and the trigger."
        )
    if wanted.state is not None and facts["state"] > wanted.state:
        said.append(
            f"Your query keeps {facts['state']:,} rows of state at the end; {wanted.state:,} would be enough. What lets Spark forget?"
        )
    return said


def _batches(count: int) -> str:
    return "1 batch" if count == 1 else f"{count} batches"


def _durations(delays: list[int]) -> str:
    return " and ".join(_duration(delay // 1000) for delay in delays)


def _duration(seconds: int) -> str:
    unit, length = next(((unit, length) for unit, length in _UNITS if seconds and seconds % length == 0), ("second", 1))
    count = seconds // length
    return f"{count:,} {unit}" + ("" if count == 1 else "s")
