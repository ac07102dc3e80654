"""The rules of `course verify`: each is a function that yields findings, registered in the file of its subject."""

from autograder.authoring.rules import exercises, generated, leaks, prose, tree
from autograder.authoring.rules.course import Course, Finding, Lesson, course_rules, lesson_rules, load

__all__ = [
    "Course",
    "Finding",
    "Lesson",
    "course_rules",
    "exercises",
    "generated",
    "leaks",
    "lesson_rules",
    "load",
    "prose",
    "tree",
]
