"""Rules about what `course build` has generated: current, clean, and with links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from autograder import render
from autograder.authoring import notebooks
from autograder.authoring.rules.course import Course, Finding, Lesson, course_rule, lesson_rule
from autograder.models import Status

_MACHINE_PATH = re.compile(
    r"(?<![\w.:/-])(?:file:)?/+(?:home|root|tmp|private|usr|var|Users|opt|mnt)/[\w.-]+|\b[A-Z]:\\\\?\w+"
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@lesson_rule
def notebooks_are_built_from_this_source(lesson: Lesson) -> Iterator[Finding]:
    """Both notebooks are there and hold the source's cells (`course build --check` compares outputs and references)."""
    twin = notebooks.twin(lesson.source, lesson.previous, lesson.following)
    for path, found, made in (
        (lesson.twin_file, lesson.twin, twin),
        (lesson.learner_file, lesson.learner, notebooks.learner(twin)),
    ):
        if found is None or _cells(found) != _cells(made):
            problem = "it is not made from the present source" if path.exists() else "it is missing"
            yield Finding(str(path.relative_to(lesson.root)), "", problem, f"run `course build {lesson.source.number}`")


@lesson_rule
def solutions_pass_and_print_nothing_odd(lesson: Lesson) -> Iterator[Finding]:
    """In the twin every check is passed, nothing failed, and no output names a folder of the author's machine."""
    if lesson.twin is None:
        return
    file = str(lesson.twin_file.relative_to(lesson.root))
    passed = set()
    for number, cell in enumerate(lesson.twin.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                yield Finding(
                    file, f"cell {number}", f"it stopped with {output.ename}", "mend the source and build again"
                )
            if output.get("name") == "stderr":
                yield Finding(
                    file, f"cell {number}", "it wrote to stderr", "silence what warns, or print it on purpose"
                )
            path = _MACHINE_PATH.search(_text(output))
            if path:
                yield Finding(
                    file, f"cell {number}", f"its output names a path of this machine, {path[0]}", "do not print it"
                )
            verdict = output.get("data", {}).get(render.MIME)
            if verdict and verdict["status"] == Status.PASSED:
                passed.add(verdict["exercise"])
            elif verdict:
                yield Finding(
                    file,
                    verdict["exercise"],
                    f"its solution is {verdict['status']}",
                    "mend the solution and build again",
                )
    for exercise in lesson.source.exercises:
        if exercise not in passed:
            yield Finding(
                file, exercise, "no output says that its solution passed", f"run `course build {lesson.source.number}`"
            )


@lesson_rule
def learners_start_without_outputs(lesson: Lesson) -> Iterator[Finding]:
    """The learner's notebook has not been run."""
    for number, cell in enumerate(lesson.learner.cells if lesson.learner else ()):
        if cell.get("outputs") or cell.get("execution_count"):
            file = str(lesson.learner_file.relative_to(lesson.root))
            yield Finding(file, f"cell {number}", "it has outputs", f"run `course build {lesson.source.number}`")


@lesson_rule
def links_lead_somewhere(lesson: Lesson) -> Iterator[Finding]:
    """Relative links of both notebooks are files; the last cell leads to the notebooks before and after."""
    for path, notebook in ((lesson.twin_file, lesson.twin), (lesson.learner_file, lesson.learner)):
        if notebook is None:
            continue
        file = str(path.relative_to(lesson.root))
        for number, cell in enumerate(notebook.cells):
            for target in _LINK.findall(cell.source) if cell.cell_type == "markdown" else ():
                relative = target.partition("#")[0]
                if relative and not re.match(r"[a-z]+:", target) and not (path.parent / relative).exists():
                    yield Finding(
                        file,
                        f"cell {number}",
                        f"the link to {target} leads nowhere",
                        "correct it, or build that notebook",
                    )
        around = [item for item in (lesson.previous, lesson.following) if item]
        for item in around:
            if notebooks.link(item) not in notebook.cells[-1].source:
                yield Finding(
                    file,
                    "navigation",
                    f"it does not link to {item.number}",
                    f"run `course build {lesson.source.number}`",
                )


@course_rule
def manifest_lists_every_exercise(course: Course) -> Iterator[Finding]:
    """The manifest has the notebooks and exercises of the sources, with their points, and no others."""
    from autograder import manifest

    listed = {
        (entry.number, spec.id): spec.points
        for entry in manifest.notebooks(course.root / "autograder" / "manifest.json")
        for spec in entry.exercises
    }
    written = {
        (lesson.source.number, cell.exercise): float(cell.metadata.get("points") or 0)
        for lesson in course.lessons
        for cell in lesson.source.cells
        if cell.kind in ("check", "written")
    }
    for (number, exercise), _ in sorted(set(listed.items()) ^ set(written.items())):
        problem = "the manifest and the source do not agree on it and its points"
        yield Finding("autograder/manifest.json", exercise, problem, f"run `course build {number}`")


def _cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.id, cell.source) for cell in notebook.cells]


def _text(output: Any) -> str:
    """What people see of an output."""
    if output.output_type == "stream":
        return str(output.text)
    shown = [
        content
        for mime, content in output.get("data", {}).items()
        if isinstance(content, str) and mime.startswith("text/")
    ]
    return "\n".join(shown)
