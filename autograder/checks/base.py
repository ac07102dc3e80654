"""What every kind of answer implements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from autograder.compare import FrameDifference
from autograder.models import ExampleTable


class WrongKind(Exception):
    """The learner's function returned something that is no answer at all; the message says what to return instead."""


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


class Check(Protocol):
    """One kind of answer. `capture` runs beside the learner's code; `load` and `judge` run in the verifier and trust nothing."""

    kind: str

    def capture(self, result: Any, options: Mapping[str, Any]) -> Answer:
        """Turn what the learner's function returned into an answer. Raises WrongKind; lets Spark's own errors through."""

    def save(self, answer: Answer, folder: Path) -> None:
        """Write the answer into a new folder."""

    def load(self, folder: Path) -> Answer:
        """Read an answer. Raises AnswerUnreadable when the files are damaged, hostile or too large."""

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """Compare the learner's answer with the reference."""
