"""What a mutation operator is, and the list of all of them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autograder.authoring.mutants import nodes
from autograder.authoring.mutants.solution import Solution


@dataclass(frozen=True)
class Change:
    """What comes in the place of a node (None: the statement goes), and a line that tells it to people."""

    replacement: ast.AST | None
    text: str


Changes = Iterator[Change]


@dataclass(frozen=True)
class Operator:
    """A way to make a solution wrong: its name, a sentence about it, and the changes that it knows for a node."""

    name: str
    sentence: str
    changes: Callable[[ast.AST, Solution], Changes]


OPERATORS: dict[str, Operator] = {}
"""All operators by name, in the order in which their files define them."""


def operator(name: str) -> Callable[[Callable[[ast.AST, Solution], Changes]], Callable[[ast.AST, Solution], Changes]]:
    """Register a function as the operator of that name; its docstring is the sentence."""

    def register(function: Callable[[ast.AST, Solution], Changes]) -> Callable[[ast.AST, Solution], Changes]:
        OPERATORS[name] = Operator(name, inspect.getdoc(function) or "", function)
        return function

    return register


def instead(node: ast.AST, replacement: ast.AST) -> Change:
    """A change that is told as `before → after`."""
    return Change(replacement, f"{nodes.told(node)} → {nodes.told(replacement)}")
