"""Comparisons, and how they are tied together."""

from __future__ import annotations

import ast
import re

from autograder.authoring.mutants.nodes import changed, method_name, told, without
from autograder.authoring.mutants.operators.registry import Change, Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

BORDER: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OF_COLUMNS = ("isNull", "isNotNull", "isNaN")
"""Questions whose answer is a column and not True or False."""

_QUESTION = re.compile(r"(is|has|can)[A-Z]")


@operator("border")
def border(node: ast.AST, solution: Solution) -> Changes:
    """The value on the border counts, or no longer counts: < ↔ <=, > ↔ >=."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in BORDER:
        yield instead(node, changed(node, ops=[BORDER[type(node.ops[0])]()]))


@operator("opposite")
def opposite(node: ast.AST, solution: Solution) -> Changes:
    """A comparison says the opposite: == ↔ !=, < ↔ >=, in ↔ not in."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPPOSITE:
        yield instead(node, changed(node, ops=[OPPOSITE[type(node.ops[0])]()]))


@operator("and or")
def and_or(node: ast.AST, solution: Solution) -> Changes:
    """Conditions are tied the other way: & ↔ |, and ↔ or."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield instead(node, changed(node, op=ast.BitOr() if isinstance(node.op, ast.BitAnd) else ast.BitAnd()))
    if isinstance(node, ast.BoolOp):
        yield instead(node, changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And()))


@operator("drop condition")
def drop_condition(node: ast.AST, solution: Solution) -> Changes:
    """One of several conditions is forgotten, also in a comprehension."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield instead(node, node.left)
        yield instead(node, node.right)
    if isinstance(node, ast.BoolOp) and len(node.values) > 1:
        for position, value in enumerate(node.values):
            kept = without(node.values, position)
            yield Change(kept[0] if len(kept) == 1 else changed(node, values=kept), told(value))
    if isinstance(node, ast.comprehension):
        for position, condition in enumerate(node.ifs):
            yield Change(changed(node, ifs=without(node.ifs, position)), f"if {told(condition)}")
    if isinstance(node, ast.IfExp):
        yield instead(node, node.body)
        yield instead(node, node.orelse)


@operator("question")
def question(node: ast.AST, solution: Solution) -> Changes:
    """A yes-or-no question that Python asks, such as `frame.isEmpty()`, always has the same answer."""
    method = method_name(node)
    if _QUESTION.match(method) and method not in OF_COLUMNS:
        yield instead(node, ast.Constant(True))
        yield instead(node, ast.Constant(False))


@operator("drop not")
def drop_not(node: ast.AST, solution: Solution) -> Changes:
    """A negation is forgotten: ~c, not c."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert | ast.Not):
        yield Change(node.operand, told(node))
