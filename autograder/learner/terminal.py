"""Prints for learners: readable at 80 columns, in light and dark terminals, and without colour."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.learner import notebook, summary
from autograder.learner.checking import Checker, Report, Result, written
from autograder.learner.summary import NotebookProgress
from autograder.models import ExerciseSpec, NotebookSpec, Status
from autograder.render.text import HEADINGS

STYLES = {
    Status.PASSED: "green",
    Status.PARTIAL: "yellow",
    Status.NOT_ATTEMPTED: "bright_black",
    Status.GRADER_ERROR: "magenta",
}
BAR_WIDTH = 14


def console(stderr: bool = False) -> Console:
    """Where learners' verbs print. What the terminal's encoding lacks is replaced, never an error."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        with contextlib.suppress(ValueError, OSError):
            stream.reconfigure(errors="replace")
    return Console(stderr=stderr, highlight=False)


def style_of(status: str | None) -> str:
    """The colour of a status; red for everything that is wrong."""
    if not status:
        return "bright_black"
    return STYLES.get(Status(status), "red")


def mark_of(status: str | None) -> str:
    """One character for a status."""
    return HEADINGS[Status(status)][0] if status else "·"


def prose(text: str, style: str = "") -> Text:
    """A sentence whose `code` stands out."""
    styled = Text(text, style)
    styled.highlight_regex(r"`[^`]+`", "bold")
    return styled


def verdict(result: Result) -> RenderableType:
    """A verdict, wrapped to the terminal. Its text was wrapped for notebooks, so paragraphs are joined first."""
    lines = result.text.splitlines() or [""]
    blocks = _blocks(lines[1:])
    parts: list[RenderableType] = [Text(lines[0], f"bold {style_of(result.status)}")]
    for number, block in enumerate(blocks):
        if number or not block[0].strip():
            parts.append(Text())
        parts += _block(block, first=number == 0)
    return Group(*parts)


def hint(exercise: str, number: int, hints: tuple[str, ...]) -> RenderableType:
    """Hint `number` (from 0)."""
    heading = Text(f"Hint {number + 1} of {len(hints)} for {exercise}", "bold blue")
    return Group(heading, Padding(prose(hints[number]), (0, 0, 0, 2)))


def bar(passed: int, attempted: int, total: int, width: int = BAR_WIDTH) -> Text:
    """█ passed, ▒ tried, ░ to do."""
    done = width * passed // total if total else 0
    tried = max(width * attempted // total - done, 0) if total else 0
    return Text.assemble(("█" * done, "green"), ("▒" * tried, "yellow"), ("░" * (width - done - tried), "bright_black"))


def progress_table() -> Table:
    """One row per module and notebook."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Notebook", ratio=1)
    table.add_column("", width=BAR_WIDTH, no_wrap=True)
    for heading in ("Passed", "Tried", "Points"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Checked (UTC)", no_wrap=True, width=16)
    for assignment, items in summary.modules():
        table.add_row(Text(assignment, "bold"), *_counts(items))
        for item in items:
            table.add_row(Text(f"{item.notebook.number} {item.notebook.title}"), *_counts([item]))
    return table


def exercise_list(item: NotebookProgress, current: str = "") -> Table:
    """One line per exercise of a notebook, with what the last check said."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for exercise in item.notebook.exercises:
        status = item.statuses.get(exercise.id)
        said = (
            "written, marked by hand" if exercise.kind == "written" else (status or "not checked yet").replace("_", " ")
        )
        mark = " " if exercise.kind == "written" else mark_of(status)
        here = "›" if exercise.id == current else " "
        table.add_row(
            here,
            Text(f"{mark} {exercise.id}", style_of(status)),
            exercise.title,
            points(exercise.points),
            Text(said, "dim"),
        )
    return table


def report(found: Report, one: ExerciseSpec | None = None) -> Iterable[RenderableType]:
    """What follows the verdicts: errors of other cells, why it stopped, and the sum."""
    for problem in found.problems:
        yield prose(f"⚠ An error in {problem.cell}:", "yellow")
        yield Padding(prose(problem.message), (0, 0, 0, 2))
        yield Text()
    if found.stopped:
        yield prose(f"⚠ {found.stopped}", "red")
        yield Text()
    if one is None:
        yield total(found)


def total(found: Report) -> Text:
    """Passed n of m, points, and what is left to people."""
    text = Text(f"{found.notebook.number} {found.notebook.title}: passed {found.passed} of {len(found.results)}, "
                f"{found.points:g} of {points(found.max_points)}.", "bold")  # fmt: skip
    by_hand = written(found.notebook)
    if by_hand:
        named = ", ".join(spec.id for spec in by_hand)
        plural = "s" if len(by_hand) > 1 else ""
        text.append(
            f"\nWritten answer{plural} {named} ({points(sum(spec.points for spec in by_hand))}): marked by hand.",
            "not bold",
        )
    return text


def points(number: float) -> str:
    """ "1 point", "2.5 points"."""
    return f"{number:g} point{'' if number == 1 else 's'}"


def next_line(following: tuple[NotebookSpec, ExerciseSpec] | None) -> Text:
    """What to do next."""
    if following is None:
        return Text("next: nothing. Every exercise has passed.", "bold green")
    spec, exercise = following
    return Text.assemble(("next: ", "bold"), f"{exercise.id} {exercise.title}, {notebook.shown_path(spec)}")


def _counts(items: list[NotebookProgress]) -> list[Text]:
    passed, attempted, all_of_them = (
        sum(getattr(item, name) for item in items) for name in ("passed", "attempted", "total")
    )
    reached, reachable = sum(item.points for item in items), sum(item.max_points for item in items)
    last = max((item.last_check for item in items), default="")
    return [
        bar(passed, attempted, all_of_them),
        Text(f"{passed}/{all_of_them}"),
        Text(str(attempted)),
        Text(f"{reached:g}/{reachable:g}"),
        Text(last[:16].replace("T", " ") or "never", "" if last else "dim"),
    ]


def _blocks(lines: list[str]) -> list[list[str]]:
    """The lines between empty lines. The first block is what directly follows the heading, and may be missing."""
    blocks: list[list[str]] = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if number == 0 or not lines[number - 1].strip():
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _block(lines: list[str], first: bool) -> list[RenderableType]:
    opening = lines[0].strip()
    if opening.startswith("Stuck? hint("):
        exercise = opening.partition('"')[2].partition('"')[0]
        return [Padding(prose(f"Stuck? `course hint {exercise}` shows the next hint."), (0, 0, 0, 2))]
    if opening.startswith("Hint: "):
        return [Padding(prose(_joined(lines), "blue"), (0, 0, 0, 2))]
    return _findings(lines) if first else [_columns(lines)]


def _findings(lines: list[str]) -> list[RenderableType]:
    items: list[list[str]] = []
    for line in lines:
        if not items or line.startswith(("  ✔ ", "  ✘ ")):
            items.append([])
        items[-1].append(line)
    return [_finding(_joined(item)) for item in items]


def _finding(text: str) -> RenderableType:
    mark, _, rest = text.partition(" ")
    if mark not in ("✔", "✘"):
        return Padding(prose(text), (0, 0, 0, 2))
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(Text(mark, "green" if mark == "✔" else "red"), prose(rest))
    return Padding(table, (0, 0, 0, 2))


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)


def _columns(lines: list[str]) -> RenderableType:
    """Example rows. They come as text in columns two spaces apart; as a table they wrap in a narrow terminal."""
    width = max(len(line) for line in lines)
    padded = [line.ljust(width) for line in lines]
    blank = "".join(" " if all(line[place] == " " for line in padded) else "x" for place in range(width))
    spans = [match.span() for match in re.finditer(r"x(?: ?x)*", blank)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for number, line in enumerate(padded):
        table.add_row(*(Text(line[start:end].strip(), "bold" if number == 0 else "") for start, end in spans))
    return Padding(table, (0, 0, 0, 2))


def checking(screen: Console, checker: Checker, spec: NotebookSpec, chosen: tuple[ExerciseSpec, ...] | None) -> Report:
    """Check, printing each verdict as it comes; of a whole notebook, what was not attempted gets only one line."""
    waiting = screen.status(f"Starting Python and Spark for {spec.number} …")

    def show(result: Result) -> None:
        brief = chosen is None and result.status in (None, Status.NOT_ATTEMPTED)
        screen.print(Text(result.text.splitlines()[0], style_of(result.status)) if brief else verdict(result))
        if not brief:
            screen.print()
        waiting.update(f"{result.exercise.id} is done …")

    with waiting:
        return checker.check(chosen, show)
