"""Small questions about nodes of a syntax tree, and new nodes made of old ones."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from typing import Any, TypeVar

FUNCTIONS = "F"
"""The name under which the course imports `pyspark.sql.functions`."""

LONGEST = 70

Node = TypeVar("Node", bound=ast.AST)


def function_name(node: ast.AST) -> str:
    """ "sum" for the call `F.sum(...)`, otherwise nothing."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_functions(node.func.value):
        return node.func.attr
    return ""


def method_name(node: ast.AST) -> str:
    """ "filter" for the call `orders.filter(...)`; nothing for functions of a module, which have no object to act on."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not is_functions(node.func.value):
        return node.func.attr
    return ""


def is_functions(node: ast.AST) -> bool:
    """Whether a node is the module of Spark's functions."""
    return isinstance(node, ast.Name) and node.id == FUNCTIONS


def is_class(node: ast.AST) -> bool:
    """Whether a node is a class or module such as `Window`, by its capital letter."""
    return isinstance(node, ast.Name) and node.id[:1].isupper()


def changed(node: Node, **fields: Any) -> Node:
    """A copy of a node with other values in some fields."""
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def renamed(call: ast.Call, name: str) -> ast.Call:
    """The same call of another function or method."""
    assert isinstance(call.func, ast.Attribute)
    return changed(call, func=changed(call.func, attr=name))


def functions_call(name: str, *arguments: ast.expr) -> ast.Call:
    """`F.name(arguments...)`."""
    function = ast.Attribute(ast.Name(FUNCTIONS, ast.Load()), name, ast.Load())
    return ast.Call(function, list(arguments), [])


def without(items: Sequence[Any], position: int) -> list[Any]:
    """A list without one of its items."""
    return [item for number, item in enumerate(items) if number != position]


def swapped(items: Sequence[Any], position: int) -> list[Any]:
    """A list in which an item has changed places with the next one."""
    return [*items[:position], items[position + 1], items[position], *items[position + 2 :]]


def text_of(node: ast.AST) -> str:
    """The constant text that a node is, otherwise nothing."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def told(node: ast.AST) -> str:
    """The code of a node in one short line."""
    return short(ast.unparse(ast.fix_missing_locations(node)))


def short(text: str) -> str:
    """Text in one line, with the middle left out when it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 + 3 :]}"


def call_told(call: ast.Call) -> str:
    """A method call without the object that it acts on: `.filter('a > 1')`."""
    assert isinstance(call.func, ast.Attribute)
    dotted = changed(call, func=ast.Name(call.func.attr, ast.Load()))
    return f".{told(dotted)}"
