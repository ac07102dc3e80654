"""What rules look at (the course, a lesson), what they yield (findings), and their registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat

from autograder.authoring import source
from autograder.authoring.source import Source, SourceCell, SourceError


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the file (relative to the course), the cell or exercise, what is wrong, what to do."""

    file: str
    place: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.place}" if self.place else self.file
        return f"{where}: {self.problem}; {self.remedy}"


@dataclass(frozen=True)
class Lesson:
    """One notebook: its source, and what has been generated from it (None where it is missing or no notebook)."""

    root: Path
    source: Source
    previous: Source | None
    following: Source | None

    @property
    def file(self) -> str:
        """The source file, relative to the course."""
        return str(self.source.path.relative_to(self.root))

    @property
    def twin_file(self) -> Path:
        """The executed solution notebook."""
        return self.root / "solutions" / self.source.assignment / f"{self.source.name}.ipynb"

    @property
    def learner_file(self) -> Path:
        """The learner's notebook."""
        return self.root / "modules" / self.source.assignment / f"{self.source.name}.ipynb"

    @cached_property
    def twin(self) -> Any:
        """The executed solution notebook, or None."""
        return _notebook(self.twin_file)

    @cached_property
    def learner(self) -> Any:
        """The learner's notebook, or None."""
        return _notebook(self.learner_file)

    @property
    def text(self) -> str:
        """The source file's text."""
        return self.source.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> list[tuple[int, SourceCell]]:
        """The Markdown cells without a kind, with their numbers."""
        return [
            (number, cell)
            for number, cell in enumerate(self.source.cells)
            if cell.cell_type == "markdown" and not cell.kind
        ]

    def finding(self, place: str | int, problem: str, remedy: str) -> Finding:
        """A finding in the source; a number is a cell's, text an exercise's id or empty."""
        return Finding(self.file, f"cell {place}" if isinstance(place, int) else place, problem, remedy)


@dataclass(frozen=True)
class Course:
    """All lessons that can be read, and the findings about those that cannot."""

    root: Path
    lessons: tuple[Lesson, ...]
    unreadable: tuple[Finding, ...]


LessonRule = Callable[[Lesson], Iterable[Finding]]
CourseRule = Callable[[Course], Iterable[Finding]]

lesson_rules: list[LessonRule] = []
"""Rules about one lesson, in the order in which they report."""

course_rules: list[CourseRule] = []
"""Rules about the course as a whole."""


def lesson_rule(rule: LessonRule) -> LessonRule:
    """Register a rule about one lesson."""
    lesson_rules.append(rule)
    return rule


def course_rule(rule: CourseRule) -> CourseRule:
    """Register a rule about the whole course."""
    course_rules.append(rule)
    return rule


def load(root: Path) -> Course:
    """Read all sources below `root`."""
    read: list[Source] = []
    unreadable: list[Finding] = []
    for path in source.find(root / "solutions"):
        try:
            read.append(source.read(path))
        except SourceError as problem:
            what, _, _ = str(problem).removeprefix(f"{path.name}").lstrip(":, ").partition("\n")
            unreadable.append(
                Finding(str(path.relative_to(root)), "", what, "see `The source of a notebook` in docs/architecture.md")
            )
    lessons = tuple(Lesson(root, item, before, after) for item, before, after in _with_neighbours(read))
    return Course(root, lessons, tuple(unreadable))


def _with_neighbours(read: list[Source]) -> Iterator[tuple[Source, Source | None, Source | None]]:
    around = [None, *read, None]
    for before, item, after in zip(around, read, around[2:], strict=False):
        yield item, before, after


def _notebook(path: Path) -> Any:
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError):
        return None
