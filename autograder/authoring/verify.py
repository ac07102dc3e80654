"""`course verify`: applies every rule of `autograder.authoring.rules` to the course, in seconds and without Spark."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograder import paths
from autograder.authoring import rules
from autograder.authoring.rules import Finding


def verify(root: Path = paths.ROOT, numbers: Iterable[str] = ()) -> list[Finding]:
    """All findings, notebook after notebook; with `numbers` only of these, without rules about the whole course."""
    course = rules.load(root)
    wanted = set(numbers)
    lessons = [lesson for lesson in course.lessons if not wanted or lesson.source.number in wanted]
    findings = [*course.unreadable]
    findings += [finding for lesson in lessons for rule in rules.lesson_rules for finding in rule(lesson)]
    if not wanted:
        findings += [finding for rule in rules.course_rules for finding in rule(course)]
    return findings
