"""The table of `course verify --answers`: which data caught each wrong answer, and which caught none."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from autograder import paths
from autograder.authoring import answers
from autograder.authoring.source import Source
from autograder.models import Status

IDLE = "caught nothing that the sample lets through"


def table(item: Source, root: Path = paths.ROOT) -> tuple[Table, int]:
    """One row per wrong answer and per idle hidden variant; and how many answers passed or failed for another reason.

    An idle variant is no error: the sample may be strict already, or a wrong answer that needs the variant is missing.
    """
    shown = Table(
        "exercise", "wrong because", "caught by", "verdict", title=f"{item.number} {item.title}", title_justify="left"
    )
    unexpected = 0
    for exercise in dict.fromkeys(item.exercises):
        useful: set[str] = set()
        for caught in answers.caught(item, exercise, root):
            because = str(caught.cell.metadata.get("because", ""))
            as_said = caught.verdict.status is not Status.PASSED and because.lower() in answers.telling(caught.verdict)
            unexpected += not as_said
            useful |= set(caught.by)
            by = ", ".join(caught.by) or "nothing"
            shown.add_row(
                exercise, because, by, caught.verdict.message if as_said else f"NOT AS SAID: {caught.verdict.message}"
            )
        spec = answers.spec_of(item, exercise, root)
        for known in answers.known_cases(item, spec, root)[1:]:
            if known.case.name not in useful:
                shown.add_row(exercise, "", known.case.name, IDLE, style="dim")
    return shown, unexpected
