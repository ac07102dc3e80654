"""Judges folders and files: content first, then how it lies there. Sentences hold no name that data have given to a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from autograder.checks import plan
from autograder.checks.base import Answer, Judgement
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.files.answer import FilesAnswer, FolderState
from autograder.checks.files.options import COMPRESSIONS, FORMATS, RAISED, RETURNED, FilesOptions, Made
from autograder.checks.files.served import complaints
from autograder.checks.observing import told_condition
from autograder.checks.returned import describe
from autograder.compare import Frame, FrameRules, compare_frames, compare_values
from autograder.models import ExampleTable

_SHOWN = 5
_OF_ROWS = "Which rows has the function been given, which of them belong here, and what was here before?"


def judged(actual: Answer, expected: Answer, wanted: FilesOptions, options: Mapping[str, Any]) -> Judgement:
    """The first thing that is wrong; what has been found right before it is told as well."""
    right: list[str] = []
    for found in _findings(actual, expected, wanted, options):
        if not found.equal:
            return replace(found, right=(*right, *found.right))
        right.extend(found.right)
    return Judgement(True, right=tuple(right), fraction=1.0)


def _findings(
    actual: Answer, expected: Answer, wanted: FilesOptions, options: Mapping[str, Any]
) -> Iterator[Judgement]:
    if wanted.returns:
        yield _returned(actual, expected, wanted, options)
    mine: FilesAnswer = actual.payload
    theirs: FilesAnswer = expected.payload
    # Folders whose rows count come first: notes and moved files are judged when the rows are right.
    for name, wish in sorted(wanted.made.items(), key=lambda entry: not entry[1].content):
        if name not in mine.made:
            yield Judgement(False, f"What became of `{name}` could not be read.")
            return
        joins = len(wanted.given) > 1
        yield from _folder(
            name, wish, mine.made[name], theirs.made[name], (mine.frames.get(name), theirs.frames.get(name)), joins
        )
    for name, source in wanted.given.items():
        if source.stays:
            yield _left(name, mine.stays.get(name), theirs.stays[name])
        if source.served:
            for said in complaints(name, source.served, mine.served.get(name, {}), theirs.served.get(name, {})):
                yield Judgement(False, said, shape="requests")
            if source.served.record:
                yield Judgement(True, right=(f"The requests to `{name}` are as they should be.",))
    if complaint := plan.complaint(actual.facts, {"actions": options.get("actions")}):
        yield Judgement(False, complaint, shape="actions")


def _returned(actual: Answer, expected: Answer, wanted: FilesOptions, options: Mapping[str, Any]) -> Judgement:
    """The judgement on what the function returned: as for exercises without files, but without a value in a sentence."""
    mine, theirs = actual.payload, expected.payload
    if RETURNED in theirs.frames:
        if RETURNED not in mine.frames:
            what = describe(mine.value[0]) if mine.value else "something that could not be read."
            return Judgement(False, f"Your function must return a DataFrame, but it returned {what}", shape="returned")
        given, due = (Answer(answer.payload.frames[RETURNED], answer.facts) for answer in (actual, expected))
        found = DataFrameCheck().judge(given, due, options)
        return (
            Judgement(True, right=("What your function returns is right.",))
            if found.equal
            else replace(found, message=f"What your function returns: {found.message}")
        )
    if not mine.value:
        problem = "is a DataFrame; a plain value is asked for." if RETURNED in mine.frames else "could not be read."
        return Judgement(False, f"What your function returned {problem}", shape="returned")
    value, due_value = mine.value[0], theirs.value[0]
    tolerance = {} if options.get("tolerance") is None else {"relative_tolerance": float(options["tolerance"])}
    difference = compare_values(value, due_value, **tolerance)
    if difference.equal:
        return Judgement(True, right=("What your function returns is right.",))
    if swallowed := _swallowed(value, due_value):
        return Judgement(False, swallowed, shape="raised")
    if type(value) is not type(due_value) or (wanted.returns == "each" and None in value):
        return Judgement(
            False,
            "What your function returns has the wrong type. Does it end with `return`?",
            examples=difference.examples,
            shape="returned",
        )
    runs = "What the runs of your function return" if wanted.returns == "each" else "What your function returns"
    return Judgement(False, f"{runs} is not right.", examples=difference.examples, shape="returned")


def _swallowed(value: Any, due: Any) -> str:
    """A sentence on the first run that should have failed and did not; empty when there is none."""
    if not isinstance(value, list) or not isinstance(due, list):
        return ""
    for number, (mine, theirs) in enumerate(zip(value, due, strict=False), 1):
        if theirs == RAISED != mine:
            return (
                f"Run {number} of your function met an error that must reach the caller, and returned as if all were well. Which "
                "errors does it catch?"
            )
    return ""


def _folder(
    name: str,
    wish: Made,
    state: FolderState,
    reference: FolderState,
    frames: tuple[Frame | None, Frame | None],
    joins: bool,
) -> Iterator[Judgement]:
    mine, theirs = frames
    nothing = ("missing", "empty") if wish.optional else ("empty",)
    if state.problem in nothing or reference.problem in nothing:
        yield _nothing(name, state, reference, frames, nothing)
        return
    if state.problem:
        yield Judgement(False, _no_rows(name, wish, state), shape="files")
        return
    if wish.header is not None and state.header != wish.header:
        line = (
            "does not have the names of the columns as the first line of every file"
            if wish.header
            else "has the names of the columns as a first line, which is not asked for"
        )
        yield Judgement(False, f"`{name}` {line}.", shape="files")
    if wish.content:
        if mine is None or theirs is None:
            yield Judgement(False, f"The rows of `{name}` could not be read.", shape="files")
            return
        yield _content(name, wish, mine, theirs, joins)
    yield from _layout(name, wish, state, reference)


def _nothing(
    name: str,
    state: FolderState,
    reference: FolderState,
    frames: tuple[Frame | None, Frame | None],
    nothing: tuple[str, ...],
) -> Judgement:
    """Where one side holds no data files, the other must hold no rows."""
    mine, theirs = frames
    none_expected = reference.problem in nothing or (theirs is not None and theirs.rows == 0)
    if not none_expected or (state.problem and state.problem not in nothing):
        return Judgement(False, _no_rows(name, Made(), state), shape="files")
    if mine is not None and mine.rows:
        rows = f"{mine.rows:,} row{'' if mine.rows == 1 else 's'}"
        return Judgement(False, f"`{name}` holds {rows}; none are expected there.", shape="files")
    return Judgement(True, right=(f"`{name}` holds no rows, as it should be.",))


def _no_rows(name: str, wish: Made, state: FolderState) -> str:
    """Why there are no rows to compare."""
    detail = state.detail
    if state.problem == "format":
        other = detail if detail in (*FORMATS, "delta") else "other"
        return f"`{name}` holds {other} files; {_format(wish.format)} is asked for."
    return {
        "missing": f"There is nothing at the path `{name}`: write to the path that the parameter holds.",
        "empty": f"The folder `{name}` holds no data files.",
        "elsewhere": f"Your function wrote to a folder that is called `{name}`, not to the path that the parameter `{name}` holds: "
        "leave out the quotation marks.",
        "link": f"`{name}` holds something that is neither a file nor a folder, such as a link. Write files.",
        "many": f"`{name}` holds more files and folders than can be looked at.",
        "large": f"The files of `{name}` are too large to be looked at.",
        "mixed": f"Some files of `{name}` lie in partition folders and others do not, or in folders of other columns. Spark cannot read "
        "them as one table.",
    }.get(state.problem, f"`{name}` cannot be read back as {_format(wish.format)}{told_condition(detail)}.")


def _format(name: str) -> str:
    return {"lines": "text", "parquet": "Parquet", "delta": "Delta", "avro": "Avro"}.get(name, name.upper())


def _content(name: str, wish: Made, mine: Frame, theirs: Frame, joins: bool) -> Judgement:
    chosen: dict[str, Any] = {"ordered": wish.ordered, "key": wish.key, "joins": joins}
    if wish.tolerance is not None:
        chosen["relative_tolerance"] = wish.tolerance
    difference = compare_frames(mine, theirs, FrameRules(**chosen))
    if difference.equal:
        return Judgement(True, right=(f"The rows of `{name}` are right.",))
    found = replace(Judgement.of(difference), message=f"`{name}`: {difference.message}")
    return replace(found, hint=_OF_ROWS) if difference.shape in ("rows_missing", "rows_extra") else found


def _layout(name: str, wish: Made, state: FolderState, reference: FolderState) -> Iterator[Judgement]:
    """What is wrong with a folder whose rows are right."""
    if wish.partitioned_by is not None and state.partitioned_by != wish.partitioned_by:
        found = ", ".join(state.partitioned_by) or "nothing"
        wanted = ", ".join(wish.partitioned_by) or "nothing"
        yield _wrong(f"`{name}` is partitioned by {found}, not by {wanted}.")
    if wish.tree:
        yield _same_names(f"`{name}`", "partition folder", state.folders, reference.folders)
    numbers = (
        (wish.files, state.files, reference.files, "The rows of `{name}` lie in {n}"),
        (
            wish.kept_files,
            state.kept_files,
            reference.kept_files,
            "Of the files that `{name}` held before, {n} untouched",
        ),
    )
    for bound, value, due, sentence in numbers:
        if bound and (problem := bound.broken_by(value, due)):
            count = _files(value) if "lie in" in sentence else f"{value} {'is' if value == 1 else 'are'} still there"
            yield _wrong(f"{sentence.format(name=name, n=count)}; {problem}.")
    if wish.rows_per_file and (problem := wish.rows_per_file.broken_by(state.largest, reference.largest)):
        yield _wrong(f"The largest file of `{name}` has {state.largest:,} rows; {problem}.")
    if wish.compression and state.compressions != (wish.compression,):
        found = ", ".join(codec for codec in state.compressions if codec in COMPRESSIONS) or "something else"
        yield _wrong(f"The files of `{name}` are compressed with {found}, not with {wish.compression}.")
    if wish.names:
        yield _same_names(f"`{name}`", "file", state.names, reference.names)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _wrong(sentence: str) -> Judgement:
    return Judgement(False, sentence, shape="layout")


def _left(name: str, mine: tuple[str, ...] | None, theirs: tuple[str, ...]) -> Judgement:
    """The judgement on the files that are left in a given folder."""
    if mine is None:
        return Judgement(False, f"What is left in `{name}` could not be read.")
    gone, kept = sorted(set(theirs) - set(mine)), sorted(set(mine) - set(theirs))
    if not gone and not kept:
        return Judgement(True, right=(f"The right files are left in `{name}`.",))
    said = [f"{_files(len(kept))} still in `{name}` should be gone"] if kept else []
    said += [f"{_files(len(gone))} should still be in `{name}`"] if gone else []
    return Judgement(False, f"{'; '.join(said)}.", examples=_examples("file", gone, kept), shape="files")


def _same_names(where: str, what: str, mine: tuple[str, ...], theirs: tuple[str, ...]) -> Judgement:
    """Whether two sets of names are equal. The names themselves stand in the examples, which hidden data never show."""
    missing, extra = sorted(set(theirs) - set(mine)), sorted(set(mine) - set(theirs))
    if not missing and not extra:
        return Judgement(True, right=(f"{where} has the right {what}s.",))
    said = [f"{len(missing)} of {len(theirs)} {what}s {_is(missing)} missing"] if missing else []
    said += [f"{len(extra)} {what}{'' if len(extra) == 1 else 's'} {_is(extra)} not asked for"] if extra else []
    return Judgement(False, f"{where}: {'; '.join(said)}.", examples=_examples(what, missing, extra), shape="layout")


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _examples(what: str, missing: list[str], extra: list[str]) -> ExampleTable:
    shown = [*((name, "missing") for name in missing[:_SHOWN]), *((name, "extra") for name in extra)][:_SHOWN]
    return ExampleTable((what,), tuple((name,) for name, _ in shown), tuple(kind for _, kind in shown))
