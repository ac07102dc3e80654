"""Judges Delta tables: content first, then how it came about, then what the exercise asks of the table itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from autograder.checks.base import Answer, Judgement
from autograder.checks.bounds import Bound
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.delta.answer import ACCEPTED, REFUSED, TableState, frame_name
from autograder.checks.delta.log import Commit
from autograder.checks.delta.scenario import RETURNED, Scenario, TableWish
from autograder.checks.observing import told_condition
from autograder.compare import Frame, FrameRules, compare_frames

_SHOWN = 6
_OPERATIONS = frozenset(
    """WRITE|UPDATE|DELETE|MERGE|TRUNCATE|RESTORE|CLONE|OPTIMIZE|CONVERT|REORG|STREAMING UPDATE|CREATE TABLE|REPLACE TABLE|
CREATE TABLE AS SELECT|REPLACE TABLE AS SELECT|CREATE OR REPLACE TABLE|CREATE OR REPLACE TABLE AS SELECT|ADD CONSTRAINT|
DROP CONSTRAINT|SET TBLPROPERTIES|UNSET TBLPROPERTIES|ADD COLUMNS|DROP COLUMNS|RENAME COLUMN|CHANGE COLUMN|CHANGE COLUMNS|
REPLACE COLUMNS|UPGRADE PROTOCOL|VACUUM START|VACUUM END|CLUSTER BY|ADD FEATURE|DROP FEATURE|UPDATE SCHEMA""".replace(
        "\n", ""
    ).split("|")
)
"""What Delta calls its operations. Nothing else from a history is repeated in a message: learner code could write hidden data there."""

_ROWS_OF_A_TABLE = (
    "Think of what the table held before, and of the version that you start from: which rows may go, which must stay?"
)


def judged(actual: Answer, expected: Answer, scenario: Scenario, options: Mapping[str, Any]) -> Judgement:
    """The first thing that is wrong; what has been found right before it is told as well."""
    right: list[str] = []
    if scenario.returns:
        found = _returned(actual, expected, options)
        if not found.equal:
            return found
        right.append("What your function returns is right.")
    for table, wish in scenario.tables.items():
        state, reference = actual.payload.tables.get(table), expected.payload.tables[table]
        if state is None:
            return Judgement(False, f"What became of `{table}` could not be read.", tuple(right))
        for found in _table(table, wish, state, reference, actual.payload.frames, expected.payload.frames):
            if not found.equal:
                return replace(found, right=(*right, *found.right))
            right.extend(found.right)
    return Judgement(True, right=tuple(right), fraction=1.0)


def _returned(actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
    """The judgement on the DataFrame that the function returned, as for exercises without tables."""
    if RETURNED not in actual.payload.frames:
        return Judgement(False, "What your function returned could not be read.")
    given, wanted = (Answer(answer.payload.frames[RETURNED], answer.facts) for answer in (actual, expected))
    found = DataFrameCheck().judge(given, wanted, options)
    return found if found.equal else replace(found, message=f"What your function returns: {found.message}")


def _table(
    table: str,
    wish: TableWish,
    state: TableState,
    reference: TableState,
    frames: Mapping[str, Frame],
    expected: Mapping[str, Frame],
) -> Iterator[Judgement]:
    if state.problem:
        yield Judgement(False, _no_table(table, wish, state.problem), shape="table")
        return
    if wish.content:
        yield _content(f"`{table}`", frames.get(table), expected[table], wish.key)
    for version in wish.versions:
        name = frame_name(table, version)
        yield _content(f"Version {version} of `{table}`", frames.get(name), expected[name], wish.key)
    for shape, problem in _complaints(table, wish, state, reference):
        yield Judgement(False, problem, shape=shape)


def _no_table(table: str, wish: TableWish, problem: str) -> str:
    where = "at the path" if wish.by_path else "of the name"
    if problem == "missing":
        return f"There is no table {where} `{table}`: use the parameter itself, and do not drop the table at the end."
    if problem == "folder":
        return f"There is no table of the name `{table}`, but a folder: `save` takes a path, `saveAsTable` a name."
    return (
        f'`{table}` is a {problem} table, not a Delta table. Say `USING delta` in SQL, `.format("delta")` to a writer, '
        'or `.using("delta")` to `writeTo`.'
    )


def _content(what: str, given: Frame | None, wanted: Frame, key: tuple[str, ...]) -> Judgement:
    if given is None:
        return Judgement(False, f"{what} cannot be read any more.", shape="table")
    difference = compare_frames(given, wanted, FrameRules(key=key, joins=False))
    if difference.equal:
        return Judgement(True, right=(f"{what} has the right rows.",))
    found = replace(Judgement.of(difference), message=f"{what}: {difference.message}")
    return replace(found, hint=_ROWS_OF_A_TABLE) if difference.shape in ("rows_missing", "rows_extra") else found


def _complaints(table: str, wish: TableWish, state: TableState, reference: TableState) -> Iterator[tuple[str, str]]:
    """What is wrong with a table whose rows are right, most telling first: the shape of the error and a sentence."""
    if not state.continues:
        yield (
            "history",
            (
                f"The rows of `{table}` are right, but its history begins anew: the table was dropped or its folder was deleted. "
                "Whoever reads an earlier version loses it. Change the table that is there."
            ),
        )
    yield from _operations(table, wish, state.commits)
    if wish.commits is not None:
        yield from _commits(table, wish.commits, state.commits, len(reference.commits))
    if wish.partitioned_by is not None and state.partitioned_by != wish.partitioned_by:
        found = ", ".join(state.partitioned_by) or "nothing"
        yield "layout", f"`{table}` is partitioned by {found}, not by {', '.join(wish.partitioned_by) or 'nothing'}."
    yield from _files(table, wish, state, reference)
    for name, bound in wish.metrics.items():
        yield from _metric(table, name, bound, state.commits, reference.commits)
    for name, read in wish.reads.items():
        yield from _read(table, name, read.files, state.reads, reference.reads)
    for name, value in wish.properties.items():
        if state.properties.get(name, "").lower() != value.lower():
            given = "another value than" if name in state.properties else "no property"
            yield "properties", f"`{table}` has {given} `{name}` = `{value}`."
    yield from _trials(table, wish, state.trials)


def _operations(table: str, wish: TableWish, commits: tuple[Commit, ...]) -> Iterator[tuple[str, str]]:
    strange = [commit for commit in commits if wish.operations and commit.operation not in wish.operations]
    if strange:
        commit = strange[0]
        mode = f" (mode {commit.mode})" if commit.mode in ("Overwrite", "Append") else ""
        how = _shown(commit) + mode
        whole = commit.mode == "Overwrite" or commit.operation.startswith("CREATE OR REPLACE")
        yield (
            "history",
            (
                f"The rows of `{table}` are right, but its history shows {how} where {' or '.join(wish.operations)} is asked for."
                + (
                    " You have replaced the whole table with a new copy, instead of changing the rows that change."
                    if whole
                    else ""
                )
            ),
        )


def _shown(commit: Commit) -> str:
    return commit.operation if commit.operation in _OPERATIONS else "an unknown operation"


def _commits(table: str, bound: Bound, commits: tuple[Commit, ...], reference: int) -> Iterator[tuple[str, str]]:
    names = ", ".join(_shown(commit) for commit in commits[:_SHOWN]) or "none"
    problem = bound.broken_by(len(commits), reference)
    if problem:
        hint = (
            " Between two commits, readers see a state that is neither old nor new." if len(commits) > reference else ""
        )
        yield (
            "history",
            f"Your function made {len(commits)} commit{'' if len(commits) == 1 else 's'} to `{table}` ({names}); {problem}.{hint}",
        )


def _files(table: str, wish: TableWish, state: TableState, reference: TableState) -> Iterator[tuple[str, str]]:
    if wish.kept_files and (problem := wish.kept_files.broken_by(state.kept_files, reference.kept_files)):
        yield (
            "layout",
            (
                f"The rows of `{table}` are right, but of the files from before, {state.kept_files} are still in use; {problem}. "
                "Files whose rows do not change need not be written again."
            ),
        )
    if wish.files and (problem := wish.files.broken_by(state.files, reference.files)):
        yield (
            "layout",
            f"The rows of `{table}` are right, but they lie in {state.files} file{'' if state.files == 1 else 's'}; {problem}.",
        )


def _metric(
    table: str, name: str, bound: Bound, commits: tuple[Commit, ...], reference: tuple[Commit, ...]
) -> Iterator[tuple[str, str]]:
    if not any(name in commit.metrics for commit in commits):
        yield "history", f"No commit of your function to `{table}` has the metric `{name}`: look at its history."
        return
    value = sum(commit.metrics.get(name, 0) for commit in commits)
    if problem := bound.broken_by(value, sum(commit.metrics.get(name, 0) for commit in reference)):
        yield "history", f"The rows of `{table}` are right, but its history says `{name}` = {value}; {problem}."


def _read(
    table: str, name: str, bound: Bound, found: Mapping[str, int], reference: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    if name not in found:
        yield "layout", f"How many files a query of `{table}` reads could not be read."
    elif problem := bound.broken_by(found[name], reference[name]):
        yield (
            "layout",
            f"A query of `{table}` for {name} reads {found[name]} file{'' if found[name] == 1 else 's'}; {problem}.",
        )


def _trials(table: str, wish: TableWish, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for wanted, statements in ((ACCEPTED, wish.accepts), (REFUSED, wish.refuses)):
        for name in statements:
            result = found.get(name, "")
            if result == wanted:
                continue
            if result == ACCEPTED:
                yield "constraint", f"`{table}` accepts {name}, which it must refuse."
            elif result == REFUSED:
                yield "constraint", f"`{table}` refuses {name}, which it must accept."
            else:
                yield "constraint", f"`{table}`: {name} could not be tried{told_condition(result)}."
