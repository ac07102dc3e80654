"""A reference solution as a syntax tree, and what operators need to know about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from autograder.authoring.hidden import SOLUTION

SQL_CALLS = ("sql", "expr", "selectExpr", "filter", "where", "having")
"""Functions and methods whose text arguments are SQL."""

VALUED = ("lit", "expr", "when", "udf")
"""Functions whose text arguments are values; those of other functions are names of columns when they look like one."""

NAMING = ("select", "groupBy", "groupby", "rollup", "cube", "orderBy", "sort", "join", "drop", "dropDuplicates", "partitionBy",
          "repartition", "unpivot", "pivot")  # fmt: skip
"""Methods whose text arguments are names of columns."""

_LOOKS_LIKE_SQL = re.compile(
    r"\b(SELECT|FROM|WHERE|AND|OR|IS|BETWEEN|THEN|[A-Z]{3,}> |STRING|INT|BIGINT|DOUBLE)\b|\s[<>]=?\s"
)
_COLUMN = re.compile(r"[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Place:
    """Where a node hangs in its tree: the parent's field, and the position when that field is a list."""

    parent: ast.AST
    field: str
    position: int | None

    def put(self, node: ast.AST | None) -> None:
        """Put another node here; None takes a statement away."""
        if self.position is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.position] = ast.Pass() if node is None else node


class Solution:
    """The tree of an answer cell. Only what stands between the solution markers is the author's and may be mutated."""

    def __init__(self, code: str) -> None:
        self.tree = ast.parse(code)
        self._lines = _marked_lines(code)

    def places(self) -> Iterator[tuple[Place, ast.AST]]:
        """Every node that may be mutated, in the order of the code. Docstrings and annotations are left out."""
        yield from self._below(self.tree)

    def is_sql(self, node: ast.AST) -> bool:
        """Whether a constant is text in SQL."""
        return id(node) in self._sql

    def is_column_name(self, node: ast.AST) -> bool:
        """Whether a constant only names a column of the input: another text there always raises."""
        return id(node) in self._names

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of columns that the solution uses, in order, as far as they can be told from `F.…("name")`."""
        from autograder.authoring.mutants.nodes import function_name

        found = []
        for _, node in self.places():
            if isinstance(node, ast.Call) and function_name(node) not in ("", "lit", "expr"):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str) and _COLUMN.fullmatch(first.value):
                    found.append(first.value)
        return tuple(dict.fromkeys(found))

    @cached_property
    def _names(self) -> frozenset[int]:
        from autograder.authoring.mutants.nodes import function_name, method_name

        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and (function_name(node) not in ("", *VALUED) or method_name(node) in NAMING):
                for text in node.args:
                    if isinstance(text, ast.Constant) and isinstance(text.value, str) and _COLUMN.fullmatch(text.value):
                        found.add(id(text))
        return frozenset(found)

    @cached_property
    def _sql(self) -> frozenset[int]:
        """The identities of all text constants in SQL."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _last_name(node.func) in SQL_CALLS:
                for argument in node.args:
                    found |= {id(part) for part in _texts(argument)}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _LOOKS_LIKE_SQL.search(node.value):
                found.add(id(node))
        return frozenset(found)

    def _below(self, parent: ast.AST) -> Iterator[tuple[Place, ast.AST]]:
        for field, value in ast.iter_fields(parent):
            if field in ("annotation", "returns", "ctx"):
                continue
            children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for position, child in children:
                if not isinstance(child, ast.AST) or _is_docstring(parent, field, position, child):
                    continue
                begin = child.target if isinstance(child, ast.comprehension) else child
                if getattr(begin, "lineno", None) in self._lines:
                    yield Place(parent, field, position), child
                yield from self._below(child)


def _marked_lines(code: str) -> frozenset[int]:
    """The numbers of the lines between the solution markers; all lines when there are no markers."""
    marked: set[int] = set()
    inside = False
    lines = code.splitlines()
    for number, line in enumerate(lines, start=1):
        if SOLUTION[0] in line or SOLUTION[1] in line:
            inside = SOLUTION[0] in line
        elif inside:
            marked.add(number)
    return frozenset(marked or range(1, len(lines) + 1))


def _is_docstring(parent: ast.AST, field: str, position: int | None, child: ast.AST) -> bool:
    return (
        isinstance(parent, ast.FunctionDef | ast.Module)
        and field == "body"
        and position == 0
        and isinstance(child, ast.Expr)
        and isinstance(child.value, ast.Constant)
    )


def _texts(argument: ast.AST) -> list[ast.AST]:
    """The text constants of an argument, the parts of an f-string included; those inside further calls are not meant."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    if isinstance(argument, ast.BinOp):
        parts = [argument.left, argument.right]
    return [part for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def _last_name(function: ast.AST) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
