"""The data that travels between the parts of the autograder. Plain dataclasses, JSON in and out."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


class Status(enum.StrEnum):
    """What became of an exercise. `grader_error` is the course's own fault and never the learner's."""

    PASSED = "passed"
    FAILED = "failed"
    PARTIAL = "partial"
    NOT_ATTEMPTED = "not_attempted"
    ERROR = "error"
    TIMEOUT = "timeout"
    GRADER_ERROR = "grader_error"


@dataclass(frozen=True)
class ExerciseSpec:
    """One graded exercise, as the manifest keeps it.

    `kind` names a module of `autograder.checks` ("dataframe", "value", ...) or is "written" (marked by hand).
    `parameters` are the parameters of the learner's function, in order; each is a table of `datasets`, the word `spark`, or a
    key of `arguments` (JSON values). `options` are the keyword arguments of `check` that say how to compare.
    """

    id: str
    title: str
    kind: str
    points: float
    function: str = ""
    parameters: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    deadline: float = 60.0

    @property
    def answer_cell(self) -> str:
        """nbgrader's grade_id of the learner's cell."""
        return "answer_" + self.id.replace(".", "_")

    @property
    def check_cell(self) -> str:
        """nbgrader's grade_id of the locked test cell."""
        return "check_" + self.id.replace(".", "_")


@dataclass(frozen=True)
class NotebookSpec:
    """One notebook: `number` "1.1", `assignment` "01_dataframes", `name` "1.1_columns_rows_nulls" (file name without suffix).

    `examples` are the ids of cells that only show something, which grading may leave out.
    """

    number: str
    title: str
    assignment: str
    name: str
    minutes: int
    exercises: tuple[ExerciseSpec, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExampleTable:
    """At most five rows that show a difference, key columns first. `kinds[i]` labels row i: "wrong", "missing" or "extra".

    In a "wrong" row a cell that differs is the pair `Cell(yours, expected)`; all other cells are plain text.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A differing cell: what the learner's answer has and what was expected, both as short text."""

    yours: str
    expected: str


@dataclass(frozen=True)
class Verdict:
    """What the learner, the gradebook and the reports are told about one exercise.

    `message` is one sentence; `right` and `wrong` are short findings; `hint` was chosen from the shape of the error; `shape` names
    that shape (see `autograder.compare.shapes`); `trace` is folded away. Nothing here depends on time, so that outputs are reproducible.
    """

    exercise: str
    status: Status
    message: str
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    examples: ExampleTable | None = None
    hint: str = ""
    shape: str = ""
    trace: str = ""
    points: float = 0.0
    max_points: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)
