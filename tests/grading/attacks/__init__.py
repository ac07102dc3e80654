"""Hostile and odd notebooks as data: what each tries, as the text that a learner would hand in.

`Attack` is put into one exercise of a notebook (see `packing`); whatever it does, that exercise must give no point. The
modules hold them by what they try; `honest` has notebooks that look strange and must get full marks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import dedent, indent

from autograder.models import ExerciseSpec


@dataclass(frozen=True)
class Attack:
    """One attack.

    `body` becomes the body of the learner's function, in which `inputs` holds the arguments by name; `whole` makes the
    whole answer cell instead, from the specification and the reference answer. `cell` is code put before the notebook's
    first answer. `told` must occur in the message of the exercise, `found` in the findings of the submission, unless a deadline
    came first where "timeout" is only one of the `statuses`.
    """

    name: str
    tries: str
    body: str = "return spark.range(1)"
    cell: str = ""
    whole: Callable[[ExerciseSpec, str], str] | None = None
    told: str = ""
    found: str = ""
    statuses: tuple[str, ...] = ("failed", "error")

    def answer(self, spec: ExerciseSpec, solution: str) -> str:
        """The source of the answer cell."""
        return self.whole(spec, solution) if self.whole else function(spec, self.body)


def function(spec: ExerciseSpec, body: str) -> str:
    """The learner's function with another body."""
    lines = "inputs = dict(locals())\n" + dedent(body).strip()
    return f"def {spec.function}({', '.join(spec.parameters)}):\n{indent(lines, '    ')}\n"


def saving(lines: str) -> str:
    """A body after which the answer is written by the attacker's code, into `folder`, instead of the grader's."""
    return f"""
import os
import autograder.checks as checks
kinds = [type(kind) for kind in checks.KINDS.values()]
honest = [kind.save for kind in kinds]
def save(self, answer, folder):
    for kind, method in zip(kinds, honest):
        kind.save = method
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "answer.parquet"
{indent(dedent(lines).strip(), "    ")}
for kind in kinds:
    kind.save = save
return spark.range(1)
"""
