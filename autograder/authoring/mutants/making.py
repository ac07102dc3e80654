"""Makes the mutants of a reference solution: one change each, every source once."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.authoring.mutants.operators import OPERATORS
from autograder.authoring.mutants.solution import Solution
from autograder.authoring.source import Source


@dataclass(frozen=True)
class Mutant:
    """A solution with one change. `name` says which, and stays the same when other lines of the solution change."""

    exercise: str
    operator: str
    change: str
    code: str
    occurrence: int = 1

    @property
    def name(self) -> str:
        """The operator and the change; a number where the same change is possible in several places."""
        again = f" ({self.occurrence})" if self.occurrence > 1 else ""
        return f"{self.operator}: {self.change}{again}"


def mutants_of(exercise: str, code: str) -> list[Mutant]:
    """All mutants of an answer cell, in the order of its code. Raises SyntaxError when the cell is no Python."""
    solution = Solution(code)
    known = {ast.unparse(solution.tree)}
    seen: Counter[tuple[str, str]] = Counter()
    found: list[Mutant] = []
    for place, node in list(solution.places()):
        for operator in OPERATORS.values():
            for change in list(operator.changes(node, solution)):
                place.put(change.replacement)
                text = ast.unparse(ast.fix_missing_locations(solution.tree))
                place.put(node)
                if text not in known:
                    known.add(text)
                    seen[operator.name, change.text] += 1
                    number = seen[operator.name, change.text]
                    found.append(Mutant(exercise, operator.name, change.text, text, number))
    return found


def of_exercise(item: Source, exercise: str) -> list[Mutant]:
    """All mutants of the reference solution of an exercise."""
    return [mutant for cell in item.of("answer", exercise) for mutant in mutants_of(exercise, cell.source)]


def sampled(mutants: Sequence[Mutant], number: int | None) -> list[Mutant]:
    """That many of the mutants, in their order, the same ones at every run: chosen by a hash of their code. All for None."""
    ranked = sorted(mutants, key=lambda mutant: hashlib.sha256(mutant.code.encode()).hexdigest())
    chosen = {mutant.name for mutant in ranked[:number]}
    return [mutant for mutant in mutants if mutant.name in chosen]
