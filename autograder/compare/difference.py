"""What a comparison found."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.models import ExampleTable


@dataclass(frozen=True)
class FrameDifference:
    """The difference between an answer and what was expected, in words for a learner.

    `stage` is where the comparison stopped: "columns", "types", "rows", "order", "value" (JSON values), or "" when
    all is equal. `message` is one sentence. `right` and `wrong` are short findings. `shape` names the shape of the
    error (see `autograder.compare.shapes`) and `hint` explains what usually causes it. `fraction_right` is between 0
    and 1: the part of the rows (or of a dictionary's entries) that is right.
    """

    equal: bool
    stage: str = ""
    message: str = ""
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    examples: ExampleTable | None = None
    shape: str = ""
    hint: str = ""
    fraction_right: float = 0.0
