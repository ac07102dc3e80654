"""`check`, `hint` and `variant`: what notebooks call.

What checks need (Arrow, polars, SciPy) is imported at the first check: `course hint` and `course progress` do without.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder import manifest, render
from autograder.models import ExerciseSpec, Status, Verdict
from autograder.runtime import progress

if TYPE_CHECKING:
    from autograder.runtime.record import Variant

RECORD_VARIABLE = "COURSE_RECORD"
"""Set by `course build`: the folder that record mode writes into."""

_variants: dict[str, list[Variant]] = {}


class CheckFailed(AssertionError):
    """Raised instead of shown when nbgrader validates a notebook, because nbgrader only sees exceptions."""


def check(
    exercise: str,
    answer: Callable[..., Any],
    *,
    ordered: bool | list[str] = False,
    key: list[str] | None = None,
    tolerance: float | None = None,
    column_order: bool = False,
    arguments: Mapping[str, Any] | None = None,
    plan: Mapping[str, Any] | None = None,
    actions: Mapping[str, int] | None = None,
    delta: Mapping[str, Any] | None = None,
    stream: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
    files: Mapping[str, Any] | None = None,
    pandas_api: bool = False,
    connect: bool = False,
    database: Mapping[str, Any] | None = None,
    catalog: Mapping[str, Any] | None = None,
    partial: bool = False,
    deadline: float = 60.0,
) -> None:
    """Run the learner's function and show a verdict.

    Parameters
    ----------
    exercise: id such as "2.1.3".
    answer: the learner's function; its parameters are named after the tables (or `spark`, or keys of `arguments`) that it needs.
    ordered: True when the order of all rows matters; a list of columns when only the order by these does, so that ties may swap.
    key: columns that identify a row, for clearer differences.
    tolerance: relative tolerance for floating-point numbers (default 1e-9).
    column_order: True when the order of columns matters.
    arguments: plain values for parameters that are no table.
    plan: operators that the physical plan must or must not have (see `autograder.checks.plan`).
    actions: `{"at_most": n}`, the number of Spark actions that the function itself may run.
    delta, stream, model, files, database, catalog: the answer is the state of Delta tables, a streaming query, a model, files, the
        state of a PostgreSQL database, or tables of Spark's catalog; what to do with it is said in the module of
        `autograder.checks` of that name.
    pandas_api: the answer is a pandas-on-Spark DataFrame; the named levels of its index are compared as columns.
    connect: the function runs over Spark Connect: `spark` and the tables are those of a Connect session.
    partial: each right entry of a dictionary earns its part of the points.
    deadline: seconds after which the function is stopped.
    """
    given = {"ordered": ordered, "key": key, "tolerance": tolerance, "column_order": column_order, "plan": plan, "actions": actions,
             "partial": partial, "delta": delta, "stream": stream, "model": model, "files": files, "database": database,
             "catalog": catalog, "pandas_api": pandas_api, "connect": connect}  # fmt: skip
    options = {name: value for name, value in given.items() if value}
    draft = ExerciseSpec(
        exercise, "", "", 0.0, getattr(answer, "__name__", ""), (), dict(arguments or {}), options, (), deadline
    )
    folder = os.environ.get(RECORD_VARIABLE)
    result = _record(draft, answer, Path(folder)) if folder else _learn(exercise, answer)
    render.show(result)
    if os.environ.get("NBGRADER_EXECUTION") and result.status is not Status.PASSED:
        raise CheckFailed(render.text(result))


def verdict_on(exercise: str, answer: Any) -> Verdict:
    """The verdict on the sample data, without showing or remembering it. Never raises for what a learner does."""
    return _learn(exercise, answer, remember=False)


def hint(exercise: str) -> None:
    """Show the next hint for an exercise."""
    spec = manifest.exercise(exercise)
    number = progress.next_hint(exercise, len(spec.hints))
    render.show_hint(exercise, number, spec.hints)


def variant(
    exercise: str, name: str, description: str, /, *, seed: int | None = None, **changes: Callable[[Any], Any] | Any
) -> None:
    """Declare a hidden variant of an exercise's inputs. Does something only while the course is built.

    Parameters
    ----------
    name: short and unique within the exercise.
    description: what is special about the data; learners read it in their feedback ("customers without an e-mail address").
    seed: make all tables anew with this seed before the changes.
    changes: per parameter, a function from DataFrame to DataFrame (see `autograder.runtime.variants`), or the new value of an argument.
    """
    from autograder.runtime.record import Variant

    tables = {parameter: change for parameter, change in changes.items() if callable(change)}
    values = {parameter: change for parameter, change in changes.items() if not callable(change)}
    _variants.setdefault(exercise, []).append(Variant(name, description, seed, tables, values))


def _record(draft: ExerciseSpec, answer: Callable[..., Any], folder: Path) -> Verdict:
    from autograder.runtime import judge
    from autograder.runtime.call import Outcome
    from autograder.runtime.record import record

    spec, given, expected = record(draft, answer, _variants.pop(draft.id, []), folder)
    return judge.verdict(spec, Outcome(Status.PASSED, given), expected)


def _learn(exercise: str, answer: Any, remember: bool = True) -> Verdict:
    from autograder.checks import KINDS
    from autograder.runtime import cases, judge

    try:
        spec = manifest.exercise(exercise)
        outcome = cases.answer(spec, answer, cases.Case())
        expected = KINDS[spec.kind].load(judge.reference_folder(exercise))
        result = judge.verdict(spec, outcome, expected)
    except Exception as error:  # whatever else goes wrong is the course's fault and must be told as such
        result = judge.grader_fault(exercise, f"{type(error).__name__}: {error}", traceback.format_exc())
    if remember:
        progress.record(result)
    return result
