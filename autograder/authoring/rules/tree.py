"""Rules about files: nothing unexpected lies about, and sources are formatted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.authoring import formatting
from autograder.authoring.rules.course import Course, Finding, course_rule

_IGNORED = {"__pycache__", ".ipynb_checkpoints", ".ruff_cache"}
"""Caches that tools leave behind and git does not keep."""

RECORDED = "recorded"
"""The folder of a module for logs of real runs that only hidden variants show."""


@course_rule
def no_unexpected_files(course: Course) -> Iterator[Finding]:
    """`modules/` has learners' notebooks, `solutions/` sources, twins, hidden variants and their recorded logs, and nothing else."""
    names = {(path.parent.name, path.stem) for path in course.root.glob("solutions/*/*.py")}
    for path in sorted([*course.root.glob("modules/**/*"), *course.root.glob("solutions/**/*")]):
        relative = path.relative_to(course.root)
        if path.is_file() and not _IGNORED & set(relative.parts) and not _expected(relative, names):
            yield Finding(
                str(relative), "", "nothing of the course is called so", "remove or move it; sources are `N.M_title.py`"
            )
    for folder in ("modules", "solutions"):
        for path in sorted((course.root / folder).glob("*/hidden" if folder == "modules" else "*/hidden/*")):
            if folder == "modules" or (path.parent.parent.name, path.name) not in names:
                yield Finding(str(path.relative_to(course.root)), "", "there is no source for it", "remove it")


@course_rule
def sources_are_formatted(course: Course) -> Iterator[Finding]:
    """`ruff format` has nothing to change."""
    found = set(formatting.unformatted([lesson.file for lesson in course.lessons], course.root))
    for lesson in course.lessons:
        if lesson.file in found:
            yield lesson.finding("", "it is not formatted", f"run `ruff format {lesson.file}`")


def _expected(relative: Path, names: set[tuple[str, str]]) -> bool:
    if relative == Path("solutions", formatting.SETTINGS):
        return True
    top, *folders = relative.parts[:-1]
    if len(folders) == 1:
        suffixes = {".ipynb"} if top == "modules" else {".py", ".ipynb"}
        return (folders[0], relative.stem) in names and relative.suffix in suffixes and relative.name[0].isdigit()
    if top == "solutions" and folders[1:] == [RECORDED]:
        return relative.suffix in (".jsonl", ".txt")
    return top == "solutions" and len(folders) > 2 and folders[1] == "hidden" and (folders[0], folders[2]) in names
