"""Rules about exercises: what each must consist of, and how the cells of one exercise must agree."""

from __future__ import annotations

import ast
import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from autograder.authoring import hidden
from autograder.authoring.mutants import equivalents, making
from autograder.authoring.rules.course import Course, Finding, Lesson, course_rule, lesson_rule
from autograder.authoring.source import SourceCell
from autograder.checks import KINDS, chosen_kind

GRADED = (6, 9)
MINIMUM_HINTS = 2
MINIMUM_WRONG = 3
MINIMUM_HINTED_LENGTH = 15


@lesson_rule
def there_are_enough_exercises(lesson: Lesson) -> Iterator[Finding]:
    """Six to nine that are graded automatically, and one that people mark."""
    count = len(lesson.source.exercises)
    if not GRADED[0] <= count <= GRADED[1]:
        yield lesson.finding("", f"it has {count} automatically graded exercises", f"have {GRADED[0]} to {GRADED[1]}")
    if not lesson.source.of("written"):
        yield lesson.finding("", "it has no written question", 'add a Markdown cell with `written="..." points=...`')


@lesson_rule
def ids_count_up(lesson: Lesson) -> Iterator[Finding]:
    """The exercises of 2.1 are 2.1.1, 2.1.2, ... in the order of their cells, and no other cell names another id."""
    number = lesson.source.number
    graded = [cell.exercise for cell in lesson.source.cells if cell.kind in ("check", "written")]
    expected = [f"{number}.{position}" for position in range(1, len(graded) + 1)]
    for found, wanted in zip(graded, expected, strict=True):
        if found != wanted:
            yield lesson.finding(
                found, f"{wanted} should come here", "number the exercises of a notebook without gaps, in order"
            )
            break
    for position, cell in enumerate(lesson.source.cells):
        if cell.kind and cell.exercise not in graded:
            problem = f"the cell {cell.kind}={cell.exercise!r} belongs to no exercise"
            yield lesson.finding(position, problem, "correct its id, or add the check cell")


@course_rule
def ids_are_unique(course: Course) -> Iterator[Finding]:
    """No two notebooks have the same number, no two exercises the same id, and no exercise the number of a notebook."""
    for numbers in (
        Counter(lesson.source.number for lesson in course.lessons),
        Counter(
            cell.exercise
            for lesson in course.lessons
            for cell in lesson.source.cells
            if cell.kind in ("check", "written")
        ),
    ):
        for number, count in numbers.items():
            if count > 1:
                yield Finding(
                    "solutions", number, f"{count} notebooks or exercises have this number", "renumber all but one"
                )
    notebooks = {lesson.source.number for lesson in course.lessons}
    for lesson in course.lessons:
        for exercise in notebooks.intersection(lesson.source.exercises):
            yield Finding("solutions", exercise, "a notebook and an exercise have this number", "renumber one of them")


@lesson_rule
def cells_of_an_exercise_are_complete(lesson: Lesson) -> Iterator[Finding]:
    """One answer cell with a title before one check cell with points."""
    cells = list(lesson.source.cells)
    for exercise in dict.fromkeys(lesson.source.exercises):
        answers, checks = lesson.source.of("answer", exercise), lesson.source.of("check", exercise)
        for kind, found in (("answer", answers), ("check", checks)):
            if len(found) != 1:
                yield lesson.finding(exercise, f"it has {len(found)} {kind} cells", "have exactly one")
        if answers and checks and cells.index(answers[0]) > cells.index(checks[0]):
            yield lesson.finding(exercise, "its check comes before its answer cell", "put the answer cell first")
        if answers and not answers[0].metadata.get("title"):
            yield lesson.finding(exercise, "its answer cell has no title", 'add `title="..."` to the cell')
    for cell in lesson.source.of("check") + lesson.source.of("written"):
        if not _positive(cell.metadata.get("points")):
            yield lesson.finding(
                cell.exercise, f"its points are {cell.metadata.get('points')!r}", "add `points=` with a number above 0"
            )


@lesson_rule
def checks_call_check(lesson: Lesson) -> Iterator[Finding]:
    """The check cell calls `check` once, with its own id and the function of the answer cell."""
    for cell in lesson.source.of("check"):
        calls = hidden.calls_of("check", hidden.visible(cell))
        if len(calls) != 1:
            yield lesson.finding(
                cell.exercise,
                f"its check cell calls `check` {len(calls)} times",
                "call it once, outside the hidden tests",
            )
            continue
        said = calls[0].args[0] if calls[0].args else None
        if not isinstance(said, ast.Constant) or said.value != cell.exercise:
            yield lesson.finding(
                cell.exercise, "`check` is called with another id", f'call `check("{cell.exercise}", ...)`'
            )
        answers = lesson.source.of("answer", cell.exercise)
        if answers and _function(answers[0], _checked_name(cell)) is None:
            yield lesson.finding(
                cell.exercise,
                f"its answer cell does not define `{_checked_name(cell)}`",
                "check the function that it defines",
            )


@lesson_rule
def solutions_are_hidden(lesson: Lesson) -> Iterator[Finding]:
    """Between the markers is a solution, and what is left for the learner is not solved."""
    for cell in lesson.source.of("answer"):
        lines = [line.strip() for line in hidden.between(cell.source, hidden.SOLUTION).splitlines()]
        counts = [cell.source.count(marker) for marker in hidden.SOLUTION]
        if counts != [1, 1]:
            yield lesson.finding(
                cell.exercise,
                "its solution markers do not pair",
                "write one `### BEGIN SOLUTION` and one `### END SOLUTION`",
            )
        elif not any(line and not line.startswith("#") and line != "pass" for line in lines):
            yield lesson.finding(cell.exercise, "its solution is empty", "put the solution between the markers")
        elif _returns_before_marker(cell):
            yield lesson.finding(
                cell.exercise,
                "it is already solved: it returns before the solution begins",
                "put that between the markers",
            )


@lesson_rule
def stubs_are_not_attempted(lesson: Lesson) -> Iterator[Finding]:
    """In the learner's notebook every answer cell raises NotImplementedError."""
    cells = {cell.id: cell for cell in lesson.learner.cells} if lesson.learner else {}
    for exercise in lesson.source.exercises:
        stub = cells.get("answer_" + exercise.replace(".", "_"))
        if stub and "raise NotImplementedError" not in stub.source:
            yield lesson.finding(
                exercise, "the learner's cell does not raise NotImplementedError", "build the notebook again"
            )


@lesson_rule
def functions_say_what_they_take(lesson: Lesson) -> Iterator[Finding]:
    """A docstring, and parameters that are annotated and known: a table, `spark`, or an argument of the check."""
    import datasets

    tables = set(datasets.tables())
    for cell in lesson.source.of("check"):
        answers = lesson.source.of("answer", cell.exercise)
        function = _function(answers[0], _checked_name(cell)) if answers else None
        if function is None:
            continue
        if not ast.get_docstring(function):
            yield lesson.finding(
                cell.exercise, f"`{function.name}` has no docstring", "say what it returns, with columns and types"
            )
        for parameter in _parameters(function):
            if parameter.annotation is None:
                yield lesson.finding(
                    cell.exercise,
                    f"parameter `{parameter.arg}` has no type",
                    f"write `{parameter.arg}: DataFrame` or its type",
                )
            if parameter.arg not in tables | {"spark"} | set(_arguments(cell)) | _supplied(cell):
                problem = f"parameter `{parameter.arg}` is no table, not `spark` and no argument of `check`"
                yield lesson.finding(
                    cell.exercise, problem, "correct its name, or give it in `check(..., arguments={...})`"
                )
        if function.returns is None:
            yield lesson.finding(
                cell.exercise, f"`{function.name}` does not say what type it returns", "add `-> DataFrame` or its type"
            )


@lesson_rule
def hints_come_in_stages(lesson: Lesson) -> Iterator[Finding]:
    """Two or more, none empty, none that gives a line of the solution away."""
    for exercise in dict.fromkeys(lesson.source.exercises):
        hints = lesson.source.hints(exercise)
        if len(hints) < MINIMUM_HINTS:
            problem = f"it has {len(hints)} hints"
            yield lesson.finding(
                exercise, problem, f'add a cell `hints="{exercise}"` with a numbered list of {MINIMUM_HINTS} or more'
            )
        for cell in lesson.source.of("hints", exercise):
            for number in re.findall(r"^\s*(\d+)\.[ \t]*$", cell.source, re.MULTILINE):
                yield lesson.finding(exercise, f"hint {number} is empty", "write it, or take it out")
        for number, hint in enumerate(hints, start=1):
            for line in hidden.solution_lines(lesson.source, exercise, MINIMUM_HINTED_LENGTH):
                if hidden.squeezed(line) in hidden.squeezed(hint):
                    yield lesson.finding(
                        exercise, f"hint {number} contains the solution's line `{line}`", "lead to it instead"
                    )


@lesson_rule
def answers_test_the_grader(lesson: Lesson) -> Iterator[Finding]:
    """Three or more wrong answers, each with the reason that the verdict must give, and another right one."""
    for exercise in dict.fromkeys(lesson.source.exercises):
        wrong = lesson.source.of("wrong", exercise)
        if len(wrong) < MINIMUM_WRONG:
            problem = f"it has {len(wrong)} wrong answers"
            yield lesson.finding(
                exercise, problem, f'add cells `wrong="{exercise}" because="..."` up to {MINIMUM_WRONG}'
            )
        if not lesson.source.of("right", exercise):
            yield lesson.finding(
                exercise, "it has no other right answer", f'add a cell `right="{exercise}"` that solves it another way'
            )
        for number, cell in enumerate(wrong, start=1):
            if not str(cell.metadata.get("because", "")).strip():
                yield lesson.finding(
                    exercise, f"wrong answer {number} has no `because`", "say what the verdict must contain"
                )
        for cell in wrong + lesson.source.of("right", exercise):
            checks = lesson.source.of("check", exercise)
            if _function(cell, _checked_name(checks[0])) is None:
                problem = f"a {cell.kind} answer does not define `{_checked_name(checks[0])}`"
                yield lesson.finding(exercise, problem, "write the whole function again")


@lesson_rule
def equivalent_mutants_exist(lesson: Lesson) -> Iterator[Finding]:
    """What is declared an equivalent mutant is a mutant of the solution, and a reason is given."""
    for exercise in dict.fromkeys(cell.exercise for cell in lesson.source.of("equivalent")):
        try:
            mutants = making.of_exercise(lesson.source, exercise)
        except SyntaxError as error:
            yield lesson.finding(exercise, f"its solution is no Python: {error}", "correct it")
            continue
        for problem in equivalents.problems(lesson.source, exercise, mutants):
            yield lesson.finding(exercise, *problem)


@lesson_rule
def hidden_variants_are_there(lesson: Lesson) -> Iterator[Finding]:
    """At least one with a description, wherever the function takes inputs; names are unique within an exercise."""
    for cell in lesson.source.of("check"):
        calls = hidden.variant_calls(lesson.source, cell.exercise)
        answers = lesson.source.of("answer", cell.exercise)
        function = _function(answers[0], _checked_name(cell)) if answers else None
        inputs = [parameter.arg for parameter in _parameters(function) if parameter.arg != "spark"] if function else []
        if inputs and not calls:
            yield lesson.finding(
                cell.exercise,
                "it has no hidden variant",
                "declare one with `variant(...)` between the hidden test markers",
            )
        for name, count in Counter(call.name for call in calls).items():
            if count > 1:
                yield lesson.finding(cell.exercise, f"{count} variants are named {name!r}", "give each its own name")
        for call in calls:
            if call.exercise != cell.exercise:
                yield lesson.finding(
                    cell.exercise, f"its variant {call.name!r} is declared for {call.exercise!r}", "correct the id"
                )
            if not call.description.strip():
                yield lesson.finding(
                    cell.exercise, f"variant {call.name!r} has no description", "say what is special about the data"
                )
        if "variant(" in hidden.visible(cell):
            yield lesson.finding(
                cell.exercise, "learners would see a `variant(...)` call", "put it between the hidden test markers"
            )


@lesson_rule
def written_questions_have_a_mark_scheme(lesson: Lesson) -> Iterator[Finding]:
    """A title, a model answer and a mark scheme, each hidden between its markers."""
    for cell in lesson.source.of("written"):
        if not cell.metadata.get("title"):
            yield lesson.finding(cell.exercise, "the question has no title", 'add `title="..."` to the cell')
        for what, markers in (("model answer", hidden.SOLUTION), ("mark scheme", hidden.MARK_SCHEME)):
            if not hidden.between(cell.source, markers).strip():
                yield lesson.finding(
                    cell.exercise, f"it has no {what}", f"write it between `{markers[0]}` and `{markers[1]}`"
                )


def _positive(points: Any) -> bool:
    return isinstance(points, int | float) and not isinstance(points, bool) and points > 0


def _parsed(code: str) -> ast.Module:
    """The tree of a cell; a function whose body was hidden gets a docstring for a body, so that it parses."""
    for text in (code, code + "\n    ..."):
        try:
            return ast.parse(text)
        except SyntaxError:
            continue
    return ast.Module(body=[], type_ignores=[])


def _returns_before_marker(cell: SourceCell) -> bool:
    """Whether a function of the cell returns, as one of its own statements, above the solution."""
    marker = 1 + cell.source[: cell.source.index(hidden.SOLUTION[0])].count("\n")
    functions = [node for node in _parsed(cell.source).body if isinstance(node, ast.FunctionDef)]
    around = [function for function in functions if function.lineno <= marker <= (function.end_lineno or marker)]
    return any(isinstance(step, ast.Return) and step.lineno < marker for function in around for step in function.body)


def _function(cell: SourceCell, name: str) -> ast.FunctionDef | None:
    functions = [node for node in _parsed(cell.source).body if isinstance(node, ast.FunctionDef) and node.name == name]
    return functions[-1] if functions else None


def _parameters(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _checked_name(cell: SourceCell) -> str:
    """The name of the function that a check cell checks."""
    for call in hidden.calls_of("check", hidden.visible(cell)):
        if len(call.args) > 1:
            return ast.unparse(call.args[1])
    return ""


def _supplied(cell: SourceCell) -> set[str]:
    """The parameters that the kind of answer fills in, as its option in the `check` call says, if that is written out."""
    options: dict[str, Any] = {}
    for call in hidden.calls_of("check", hidden.visible(cell)):
        for word in call.keywords:
            with contextlib.suppress(ValueError):
                options[str(word.arg)] = ast.literal_eval(word.value)
    kind = chosen_kind(options)
    try:
        return set(KINDS[kind].supplied(options)) if kind else set()
    except (ValueError, KeyError, TypeError):  # options that the build refuses, with its own words
        return set()


def _arguments(cell: SourceCell) -> list[str]:
    """The keys of `check(..., arguments={...})`."""
    for call in hidden.calls_of("check", hidden.visible(cell)):
        for word in call.keywords:
            if word.arg == "arguments" and isinstance(word.value, ast.Dict):
                return [
                    key.value for key in word.value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
                ]
            if word.arg == "arguments" and isinstance(word.value, ast.Call):
                return [item.arg for item in word.value.keywords if item.arg]
    return []
