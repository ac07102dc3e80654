"""Judges a database: what was returned, the rows of the tables, the tables themselves, and how they were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from autograder.checks.base import Answer, Judgement
from autograder.checks.database.answer import DatabaseAnswer, Run, TableState, after_step
from autograder.checks.database.scenario import ROWS, Scenario, TableWish
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.value import ValueCheck
from autograder.compare import Frame, FrameRules, compare_frames

_ABOUT_ROWS = ("rows_missing", "rows_extra", "all_rows_missing", "all_rows_extra")
_ROWS_OF_A_TABLE = (
    "Think of what the table held before your function ran. Were all changes committed, and each of them once?"
)


def judged(actual: Answer, expected: Answer, scenario: Scenario, options: Mapping[str, Any]) -> Judgement:
    """The first thing that is wrong; what has been found right before it is told as well."""
    right: list[str] = []
    for found in _findings(actual, expected, scenario, options):
        if not found.equal:
            return replace(found, right=(*right, *found.right))
        right.extend(found.right)
    return Judgement(True, right=tuple(right), fraction=1.0)


def _findings(actual: Answer, expected: Answer, scenario: Scenario, options: Mapping[str, Any]) -> Iterator[Judgement]:
    given, wanted = actual.payload, expected.payload
    if set(given.runs) != set(wanted.runs):
        yield Judgement(False, "What became of the runs of your function could not be read.")
        return
    if scenario.returns:
        yield from _returned(actual, expected, scenario, options)
    for step in wanted.runs:
        yield from _contents(scenario, given, wanted, int(step))
    yield from _contents(scenario, given, wanted, None)
    for name, wish in scenario.tables.items():
        state = given.tables.get(name, TableState("missing"))
        yield from (Judgement(False, problem, shape="table") for problem in _complaints(name, wish, state))
    if scenario.tidy and given.left:
        what = "1 table is" if given.left == 1 else f"{given.left} tables are"
        yield Judgement(
            False, f"{what} left behind in the database. Drop what was needed only on the way.", shape="table"
        )
    for number, step in enumerate(wanted.runs, start=1):
        which = "" if len(wanted.runs) == 1 else f" in call {number} of your function"
        problems = _reading(given.runs[step], wanted.runs[step], scenario, which)
        yield from (Judgement(False, problem, shape="reading") for problem in problems)


def _returned(actual: Answer, expected: Answer, scenario: Scenario, options: Mapping[str, Any]) -> Iterator[Judgement]:
    kind = DataFrameCheck() if scenario.returns == ROWS else ValueCheck()
    given, wanted = (
        answer.payload.frames if scenario.returns == ROWS else answer.payload.values for answer in (actual, expected)
    )
    steps = [step for step, run in expected.payload.runs.items() if after_step("returned", int(step)) in wanted]
    for number, step in enumerate(steps, start=1):
        name = after_step("returned", int(step))
        if name not in given:
            yield Judgement(False, "What your function returned could not be read.")
            return
        found = kind.judge(Answer(given[name], actual.facts), Answer(wanted[name], expected.facts), options)
        what = "What your function returns" if len(steps) == 1 else f"What call {number} of your function returns"
        yield (
            Judgement(True, right=(f"{what} is right.",))
            if found.equal
            else replace(found, message=f"{what}: {found.message}")
        )


def _contents(
    scenario: Scenario, given: DatabaseAnswer, wanted: DatabaseAnswer, crash: int | None
) -> Iterator[Judgement]:
    """The rows of all tables at the end, or after a step if that was a crash."""
    for table, wish in scenario.tables.items():
        name = table if crash is None else after_step(table, crash)
        if not wish.content or name not in wanted.frames:
            continue
        if crash is not None:
            what = f"`{table}` after the connection was lost in the middle of the write"
        else:
            what = f"`{table}`"
        yield _content(what, table, wish, given.frames.get(name), wanted.frames[name])


def _content(what: str, table: str, wish: TableWish, given: Frame | None, wanted: Frame) -> Judgement:
    if given is None:
        where = "in the folder" if wish.by_path else "in the database"
        return Judgement(False, f"{what}: there is no such table {where}.", shape="table")
    difference = compare_frames(given, wanted, FrameRules(key=wish.key, joins=False))
    if difference.equal:
        return Judgement(True, right=(f"{what} has the right rows.",))
    found = replace(Judgement.of(difference), message=f"{what}: {difference.message}")
    return replace(found, hint=_ROWS_OF_A_TABLE) if difference.shape in _ABOUT_ROWS else found


def _complaints(name: str, wish: TableWish, state: TableState) -> Iterator[str]:
    """What is wrong with a table whose rows are right."""
    if state.problem:
        yield f"There is no table `{name}` any more."
        return
    if not state.same:
        gone = f" {_count(state.lost)} with the old one." if state.lost else ""
        yield (
            f'`{name}` is not the table any more that it was: it was dropped and made again, as `mode("overwrite")` does unless it is '
            f"told otherwise.{gone} Rights of other users and views on it go the same way."
        )
    if state.lost:
        yield f"The rows of `{name}` are right, but it is no longer as it was made: {_count(state.lost)}."
    if wish.primary_key is not None and state.primary_key != wish.primary_key:
        found = f"({', '.join(state.primary_key)})" if state.primary_key else "none"
        yield f"The primary key of `{name}` must be ({', '.join(wish.primary_key)}); it is {found}."


def _count(lost: int) -> str:
    return "1 constraint or index went" if lost == 1 else f"{lost} constraints and indexes went"


def _reading(run: Run, reference: Run, scenario: Scenario, which: str) -> Iterator[str]:
    """What is wrong with how the rows were read."""
    if scenario.spare_rows is not None and run.rows > reference.rows + scenario.spare_rows:
        yield (
            f"The result is right, but Spark received {run.rows:,} rows from the database{which}; {reference.rows:,} would be enough. "
            "Let the database leave out what is not needed: look at the scan in `explain()`, and at the query that you send."
        )
    if scenario.partitions and run.partitions != reference.partitions:
        found = "1 partition" if run.partitions == 1 else f"{run.partitions} partitions"
        yield f"The rows are right, but they are read from the database in {found}, not in {reference.partitions}."
    if scenario.largest is not None and run.largest > scenario.largest:
        yield (
            f"The rows are right, but {run.largest:.0%} of them are in one partition, so one task does most of the work. "
            "Cut where the rows are."
        )
