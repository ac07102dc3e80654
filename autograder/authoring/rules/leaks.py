"""Rules about what learners must not find in their notebook."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.authoring import hidden
from autograder.authoring.rules.course import Finding, Lesson, lesson_rule


@lesson_rule
def nothing_hidden_is_in_the_learners_notebook(lesson: Lesson) -> Iterator[Finding]:
    """No line of a solution, hidden test, wrong or right answer, model answer or mark scheme, and no variant."""
    if lesson.learner is None:
        return
    text = "\n".join(cell.source for cell in lesson.learner.cells)
    for secret in hidden.Finder(hidden.secrets(lesson.source)).search(text):
        problem = f"learners can read this line of the {secret.kind} in their notebook: `{secret.text[:80]}`"
        yield lesson.finding(secret.exercise, problem, "change the solution or the example that gives it away")
