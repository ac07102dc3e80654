"""What every kind of answer implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from autograder.compare import FrameDifference
from autograder.models import ExampleTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class WrongKind(Exception):
    """The learner's function returned something that is no answer at all; the message says what to return instead."""


class Unavailable(Exception):
    """What the kind of answer needs cannot be had on this machine; the message says why and what to do."""


@dataclass(frozen=True)
class Judgement:
    """How an answer compares with the expected one. `fraction` is the part that is right, for kinds with partial credit."""

    equal: bool
    message: str = ""
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    examples: ExampleTable | None = None
    hint: str = ""
    shape: str = ""
    fraction: float = 0.0

    @classmethod
    def of(cls, difference: FrameDifference, fraction: float = 0.0) -> Judgement:
        """The judgement that a difference found by the comparer amounts to."""
        return cls(
            equal=difference.equal,
            message=difference.message,
            right=difference.right,
            wrong=difference.wrong,
            examples=difference.examples,
            hint=difference.hint,
            shape=difference.shape,
            fraction=fraction,
        )


@dataclass(frozen=True)
class Answer:
    """A captured answer: the `payload` of its kind, and `facts` observed while it was made (JSON values)."""

    payload: Any
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Workspace:
    """What a kind of answer may use, beside the inputs of the learner's function, while it takes an answer.

    `folder` is new, empty, and removed afterwards. `tables` are those that the kind asked for with `Check.tables`;
    `arguments` are all plain values of the case, those that are no parameter of the function too.
    """

    spark: SparkSession
    folder: Path
    tables: Mapping[str, DataFrame] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Check(ABC):
    """One kind of answer. `run` works beside the learner's code; `load` and `judge` work in the verifier and trust nothing.

    `kind` is the name in the manifest; `option` the keyword of `autograder.check` that selects the kind, empty for kinds
    that are told from what the reference solution returns. `tells_values` says whether findings may hold values of the
    expected answer, which learners must not read where the data are hidden.
    """

    kind: ClassVar[str]
    option: ClassVar[str] = ""
    tells_values: ClassVar[bool] = True

    def tables(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of tables that the kind itself needs, beside the parameters of the function."""
        return ()

    def supplied(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Parameters of the function that `run` fills in: a path, a checkpoint, a stream."""
        return ()

    def withheld(self, options: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        """Columns, by table, that never enter the sandbox when the table is hidden: labels."""
        return {}

    def run(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any], workspace: Workspace
    ) -> Answer:
        """Call the learner's function, once or as often as the kind needs, and capture its answer.

        Raises WrongKind for what is no answer; lets errors of Spark and of the function through.
        """
        return self.capture(function(**inputs), options)

    def capture(self, result: Any, options: Mapping[str, Any]) -> Answer:
        """Turn what one call of the function returned into an answer, for kinds that need no more than that."""
        raise NotImplementedError

    def reference(
        self,
        answer: Answer,
        function: Callable[..., Any],
        inputs: Mapping[str, Any],
        options: Mapping[str, Any],
        workspace: Workspace,
    ) -> Answer:
        """The expected answer, made while the course is built from the `answer` of the reference solution `function`.

        The same as the answer, unless a kind judges by something else; `workspace.tables` then have the withheld columns too.
        """
        return answer

    @abstractmethod
    def save(self, answer: Answer, folder: Path) -> None:
        """Write the answer as at most ten files into a folder, which is made when missing."""

    @abstractmethod
    def load(self, folder: Path) -> Answer:
        """Read an answer. Raises AnswerUnreadable when the files are damaged, hostile or too large."""

    @abstractmethod
    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """Compare the learner's answer with the reference."""
