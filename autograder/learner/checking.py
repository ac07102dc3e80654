"""Runs a learner's notebook, or what one exercise needs of it, and collects the verdicts that its check cells show."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from autograder import render
from autograder.learner import notebook
from autograder.learner.kernel import Kernel, KernelLost, Ran
from autograder.models import ExerciseSpec, NotebookSpec, Status, Verdict
from autograder.runtime import progress

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_DEADLINE_SECONDS = 120.0
AFTER_THE_DEADLINE_SECONDS = 30.0
"""What a check cell may take beyond the deadline of the learner's function: Spark starts, a verdict is made."""


Outcome = TypeVar("Outcome")


class Abandoned(Exception):
    """`Checker.kill` ended the check that was under way."""


@dataclass(frozen=True)
class Result:
    """What a check found out about one exercise. `status` is None when it could not be checked."""

    exercise: ExerciseSpec
    status: Status | None
    message: str
    text: str


@dataclass(frozen=True)
class Problem:
    """An error in a cell that is no check cell: which one, and one paragraph."""

    cell: str
    message: str


@dataclass(frozen=True)
class Report:
    """All that a check of a notebook, or of one exercise, found. `stopped` says why it ended early."""

    notebook: NotebookSpec
    results: tuple[Result, ...]
    problems: tuple[Problem, ...]
    stopped: str
    seconds: float

    @property
    def passed(self) -> int:
        """How many exercises passed."""
        return sum(result.status is Status.PASSED for result in self.results)

    @property
    def points(self) -> float:
        """Points of the passed exercises."""
        return sum(result.exercise.points for result in self.results if result.status is Status.PASSED)

    @property
    def max_points(self) -> float:
        """Points of all exercises that were to be checked."""
        return sum(result.exercise.points for result in self.results)

    @property
    def all_passed(self) -> bool:
        """Whether every automatically graded exercise passed."""
        return self.passed == len(self.results)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary; an exercise that could not be checked has the status "not_checked"."""
        exercises = [
            {
                "id": result.exercise.id,
                "title": result.exercise.title,
                "status": str(result.status or "not_checked"),
                "points": result.exercise.points if result.status is Status.PASSED else 0.0,
                "max_points": result.exercise.points,
                "message": result.message,
            }
            for result in self.results
        ]
        return {
            "schema_version": 1,
            "notebook": self.notebook.number,
            "title": self.notebook.title,
            "passed": self.passed,
            "total": len(self.results),
            "points": self.points,
            "max_points": self.max_points,
            "exercises": exercises,
            "written": [spec.id for spec in written(self.notebook)],
            "problems": [{"cell": problem.cell, "message": problem.message} for problem in self.problems],
            "stopped": self.stopped,
            "seconds": round(self.seconds, 1),
        }


def graded(spec: NotebookSpec) -> tuple[ExerciseSpec, ...]:
    """The automatically graded exercises of a notebook."""
    return tuple(exercise for exercise in spec.exercises if exercise.kind != "written")


def written(spec: NotebookSpec) -> tuple[ExerciseSpec, ...]:
    """The exercises that are marked by hand."""
    return tuple(exercise for exercise in spec.exercises if exercise.kind == "written")


class Checker:
    """Checks one notebook, again and again, in one warm kernel.

    Cells that were run already and have not changed are not run again. From the first changed cell on, the names that
    later cells defined are taken back, so that a deleted helper is missed here as it would be after a restart.
    """

    def __init__(self, spec: NotebookSpec, deadline: float = CELL_DEADLINE_SECONDS) -> None:
        self.spec = spec
        self._deadline = deadline
        self._kernel: Kernel | None = None
        self._done: list[tuple[str, Problem | None]] = []
        self._abandoned = False

    def check(
        self, exercises: Sequence[ExerciseSpec] | None = None, on_result: Callable[[Result], None] = lambda result: None
    ) -> Report:
        """Check the given exercises, or the whole notebook to its last cell. Raises NotebookProblem, Abandoned."""
        started = time.monotonic()
        cells = notebook.read(self.spec).cells
        results: list[Result] = []
        stopped = ""
        for exercise in graded(self.spec) if exercises is None else exercises:
            try:
                result = self._not_checked(exercise) if stopped else self._check(cells, exercise)
            except KernelLost as lost:
                stopped = str(lost)
                result = self._not_checked(exercise)
            results.append(result)
            on_result(result)
        if exercises is None and not stopped:
            try:
                self._advance(cells)
            except KernelLost as lost:
                stopped = str(lost)
        told = {result.message for result in results}
        problems = tuple(problem for _, problem in self._done if problem and not _is_told(problem, told))
        return Report(self.spec, tuple(results), problems, stopped, time.monotonic() - started)

    def restart(self) -> None:
        """Forget everything that ran; the next check starts a new kernel."""
        if self._kernel is not None:
            self._kernel.close()
        self._kernel = None
        self._done = []
        self._abandoned = False

    close = restart

    @property
    def abandoned(self) -> bool:
        """Whether `kill` was called; `restart` makes it usable again."""
        return self._abandoned

    def kill(self) -> None:
        """End a check under way, from another thread; it raises Abandoned there."""
        self._abandoned = True
        kernel = self._kernel
        if kernel is not None:
            kernel.kill()

    def _check(self, cells: list[NotebookNode], exercise: ExerciseSpec) -> Result:
        position = notebook.check_position(cells, exercise)
        if position is None:
            return _own_verdict(exercise, Status.ERROR, "The check cell is missing from the notebook; "
                                f"`course reset --exercise {exercise.id}` brings it back.")  # fmt: skip
        self._advance(cells[:position])
        deadline = max(self._deadline, exercise.deadline + AFTER_THE_DEADLINE_SECONDS)
        try:
            ran = self._run(cells[position], deadline)
        except KernelLost as lost:
            return _own_verdict(exercise, Status.TIMEOUT if lost.timed_out else Status.ERROR, str(lost))
        return _shown_verdict(exercise, ran) or _own_verdict(exercise, *self._why_no_verdict(exercise, ran))

    def _why_no_verdict(self, exercise: ExerciseSpec, ran: Ran) -> tuple[Status, str]:
        """Mostly, the answer cell stops before it defines the function."""
        if ran.interrupted:
            return Status.TIMEOUT, "The check was still running long after its deadline and was stopped."
        cell = f"the answer cell of {exercise.id}"
        answer = next((problem.message for _, problem in self._done if problem and problem.cell == cell), "")
        if answer.startswith("NotImplementedError"):
            return Status.NOT_ATTEMPTED, "Not attempted yet: the answer cell still raises NotImplementedError."
        if answer:
            return Status.ERROR, f"The answer cell stops before it defines `{exercise.function}`. {answer}"
        restore = f"`course reset --exercise {exercise.id}` restores the exercise's cells."
        own = _error(ran)
        if own.startswith("NameError") and exercise.function in own:
            return Status.ERROR, f"No cell above the check defines `{exercise.function}`. {restore}"
        return Status.ERROR, own or f'The check cell ran, but called no `check("{exercise.id}", ...)`. {restore}'

    def _advance(self, cells: Iterable[NotebookNode]) -> None:
        """Bring the kernel to the state after these cells; check cells among them are left out."""
        wanted = [
            cell for cell in cells if cell.cell_type == "code" and cell.source.strip() and not notebook.is_check(cell)
        ]
        same = 0
        while same < min(len(wanted), len(self._done)) and wanted[same].source == self._done[same][0]:
            same += 1
        if same < len(self._done):
            self._in_kernel(lambda kernel: kernel.restore_names(same))
            del self._done[same:]
        for cell in wanted[same:]:
            self._in_kernel(lambda kernel: kernel.save_names(len(self._done)))
            ran = self._run(cell, self._deadline)
            message = _too_slow(self._deadline) if ran.interrupted else _error(ran)
            self._done.append((cell.source, Problem(notebook.describe(cell), message) if message else None))

    def _run(self, cell: NotebookNode, deadline: float) -> Ran:
        try:
            return self._in_kernel(lambda kernel: kernel.run(cell.source, deadline))
        except KernelLost as lost:
            reason = (
                "Look for a loop that never ends."
                if lost.timed_out
                else "Mostly memory ran out: collect less, or close other notebooks."
            )
            raise KernelLost(f"{lost} in {notebook.describe(cell)}. {reason}", lost.timed_out) from lost

    def _in_kernel(self, work: Callable[[Kernel], Outcome]) -> Outcome:
        if self._abandoned:
            raise Abandoned
        if self._kernel is None:
            self._kernel = Kernel(notebook.path_of(self.spec).parent)
        try:
            return work(self._kernel)
        except KernelLost:
            if self._abandoned:
                raise Abandoned from None
            self.restart()
            raise

    def _not_checked(self, exercise: ExerciseSpec) -> Result:
        return Result(exercise, None, "Not checked.", f"○ {exercise.id} not checked")


def _shown_verdict(exercise: ExerciseSpec, ran: Ran) -> Result | None:
    for output in reversed(ran.outputs):
        data = output.get("data", {})
        verdict = data.get(render.MIME)
        if isinstance(verdict, dict) and verdict.get("exercise") == exercise.id:
            return Result(exercise, Status(verdict["status"]), str(verdict["message"]), str(data.get("text/plain", "")))
    return None


def _own_verdict(exercise: ExerciseSpec, status: Status, message: str) -> Result:
    verdict = Verdict(exercise.id, status, message, max_points=exercise.points)
    progress.record(verdict)
    return Result(exercise, status, message, render.text(verdict))


def _is_told(problem: Problem, messages: set[str]) -> bool:
    """Whether a verdict has said it already; an answer cell that only raises NotImplementedError is no problem."""
    if not problem.cell.startswith("the answer cell of"):
        return False
    return problem.message.startswith("NotImplementedError") or any(problem.message in message for message in messages)


def _too_slow(deadline: float) -> str:
    return f"It was still running after {deadline:g} seconds and was stopped. Look for a loop that never ends."


def _error(ran: Ran) -> str:
    """The error of a cell as one paragraph, or nothing."""
    error = next((output for output in ran.outputs if output.output_type == "error"), None)
    return explain_named(str(error.ename), str(error.evalue)) if error else ""


def explain_named(name: str, message: str) -> str:
    """`runtime.explain` for an exception of which only class name and message came out of the kernel."""
    from autograder.runtime.explain import explain

    message = re.sub(r"\(\w+\.py, line", "(line", message)  # a cell's file name means nothing to people
    condition = re.match(r"\[([A-Z][A-Z_.0-9]+)\]", message)
    members = {"getCondition": lambda self: condition[1]} if condition else {}
    return explain(type(name, (Exception,), members)(message))
