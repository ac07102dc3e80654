"""What happens when a value is not there."""

from __future__ import annotations

import ast

from autograder.authoring.mutants.nodes import (
    call_told,
    changed,
    function_name,
    functions_call,
    method_name,
    renamed,
    text_of,
    told,
    without,
)
from autograder.authoring.mutants.operators.registry import Change, Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

ASKED = {"isNull": "isNotNull", "isNotNull": "isNull", "isnull": "isnotnull", "isnotnull": "isnull"}
HOW = {"any": "all", "all": "any"}


@operator("null-safe equality")
def null_safe_equality(node: ast.AST, solution: Solution) -> Changes:
    """NULL equals nothing, or equals NULL: eqNullSafe ↔ ==."""
    if isinstance(node, ast.Call) and method_name(node) == "eqNullSafe":
        assert isinstance(node.func, ast.Attribute)
        yield instead(node, ast.Compare(node.func.value, [ast.Eq()], node.args))
    if (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], ast.Eq)
        and _is_column(node.left)
    ):
        function = ast.Attribute(node.left, "eqNullSafe", ast.Load())
        yield instead(node, ast.Call(function, node.comparators, []))


@operator("is null")
def is_null(node: ast.AST, solution: Solution) -> Changes:
    """The rows with a hole instead of those without: isNull ↔ isNotNull."""
    if isinstance(node, ast.Call):
        name = method_name(node) or function_name(node)
        if name in ASKED:
            yield instead(node, renamed(node, ASKED[name]))


@operator("drop coalesce")
def drop_coalesce(node: ast.AST, solution: Solution) -> Changes:
    """Holes stay open, because one of the values of a coalesce is forgotten."""
    if isinstance(node, ast.Call) and function_name(node) == "coalesce" and len(node.args) > 1:
        for position, argument in enumerate(node.args):
            kept = without(node.args, position)
            only = functions_call("col", kept[0]) if text_of(kept[0]) else kept[0]
            yield Change(changed(node, args=kept) if len(kept) > 1 else only, f"{told(argument)} of {told(node)}")


@operator("drop filling")
def drop_filling(node: ast.AST, solution: Solution) -> Changes:
    """`na.fill`, `na.drop`, `na.replace` and their short forms are forgotten, or `how` is the other word."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "na":
        yield Change(node.func.value.value, f".na{call_told(node)}")
    elif method_name(node) in ("fillna", "dropna"):
        yield Change(node.func.value, call_told(node))
    for word in node.keywords:
        if word.arg == "how" and text_of(word.value) in HOW:
            other = HOW[text_of(word.value)]
            said = changed(word, value=ast.Constant(other))
            words = [said if known is word else known for known in node.keywords]
            yield Change(changed(node, keywords=words), f"how={other!r} in {call_told(node)}")


@operator("drop branch")
def drop_branch(node: ast.AST, solution: Solution) -> Changes:
    """One branch of `when … otherwise` is forgotten."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    below = node.func.value
    if method_name(node) in ("when", "otherwise") and _is_branch(below):
        yield Change(below, call_told(node))
    if function_name(below) == "when" and method_name(node) in ("when", "otherwise"):
        assert isinstance(below, ast.Call)
        text = f"the first branch {call_told(below)}"
        if method_name(node) == "when":
            yield Change(functions_call("when", *node.args), text)
        else:
            yield Change(functions_call("lit", *node.args), text)


def _is_branch(node: ast.AST) -> bool:
    return function_name(node) == "when" or (method_name(node) == "when" and isinstance(node, ast.Call))


def _is_column(node: ast.AST) -> bool:
    """Whether a node is certainly a column: `F.…(...)`, perhaps with methods behind it."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        if function_name(node):
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return False
