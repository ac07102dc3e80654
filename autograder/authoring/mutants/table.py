"""What `course mutants` shows: a table of figures, and the lines about what must be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from autograder.authoring.mutants.judging import WRONG_ANSWER, ExerciseReport, Fate, Result
from autograder.runtime.cases import SAMPLE

SHOWN = (Fate.SAMPLE, Fate.HIDDEN, Fate.RAISED, Fate.TIMEOUT, Fate.EQUIVALENT, Fate.SURVIVED)


def table(reports: Sequence[ExerciseReport]) -> Table:
    """One row per exercise: mutants and wrong answers, their fates, and what each hidden variant stopped."""
    shown = Table("exercise", "mutants", "wrong answers", *SHOWN, "stopped by hidden variants")
    for column in shown.columns[1:-1]:
        column.justify = "right"
    for report in reports:
        written = sum(result.operator == WRONG_ANSWER for result in report.results)
        fates = [str(report.fates[fate] or "") for fate in SHOWN]
        style = "red" if report.fates[Fate.SURVIVED] or report.problems else ""
        shown.add_row(
            report.exercise, str(len(report.results) - written), str(written), *fates, _killers(report), style=style
        )
    return shown


def lines(reports: Iterable[ExerciseReport], complete: bool = False) -> Iterator[str]:
    """What must be looked at: survivors, declarations that are not true, and, after a complete run, idle variants."""
    for report in reports:
        yield from report.problems
        for result in report.results:
            if result.fate is Fate.SURVIVED:
                yield f"{report.exercise}: survived: {result.name}"
        if complete:
            idle = "stopped nothing that the sample lets through"
            yield from (f"{report.exercise}: variant {name!r} {idle}" for name in report.idle)


def to_json(reports: Iterable[ExerciseReport]) -> dict[str, Any]:
    """A JSON-ready dictionary with every result."""
    entries = [
        {
            "id": report.exercise,
            "cases": list(report.cases),
            "counts": {str(fate): report.fates[fate] for fate in Fate},
            "problems": list(report.problems),
            "results": [_entry(result) for result in report.results],
        }
        for report in reports
    ]
    return {"schema_version": 1, "exercises": entries}


def _entry(result: Result) -> dict[str, Any]:
    return {**asdict(result), "fate": str(result.fate), "by": list(result.by)}


def _killers(report: ExerciseReport) -> str:
    stopped = Counter(case for result in report.results for case in result.by if case != SAMPLE)
    return ", ".join(f"{name} {stopped[name]}" for name in report.cases if stopped[name])
