"""Constants, types, arithmetic, dates."""

from __future__ import annotations

import ast
import re

from autograder.authoring.mutants.nodes import changed, function_name, method_name, renamed, text_of
from autograder.authoring.mutants.operators.registry import Change, Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

TYPES = {
    "int": "bigint", "integer": "bigint", "bigint": "int", "long": "int", "double": "float", "float": "double",
    "date": "timestamp", "timestamp": "date", "string": "binary", "boolean": "int",
}  # fmt: skip
PARTS = {
    "year": "month", "month": "year", "dayofmonth": "month", "day": "month", "dayofweek": "weekday", "dayofyear": "dayofmonth",
    "weekday": "dayofweek", "hour": "minute", "minute": "hour", "second": "minute", "quarter": "month", "week": "month",
    "weekofyear": "month", "last_day": "to_date", "to_date": "to_timestamp", "to_timestamp": "to_date",
}  # fmt: skip
UNITS = {"year": "month", "month": "year", "day": "month", "week": "month", "hour": "minute", "minute": "hour",
         "second": "minute", "quarter": "month"}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult, ast.FloorDiv: ast.Div,
}  # fmt: skip
ANOTHER = "~"
"""Put after a text to make another one of it."""


@operator("number")
def number(node: ast.AST, solution: Solution) -> Changes:
    """A number is off by one; a fraction by a tenth."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        step = 1 if isinstance(node.value, int) or abs(node.value) >= 1 else 0.1
        for other in (node.value + step, node.value - step):
            yield instead(node, _number(round(other, 6) if isinstance(other, float) else other))


@operator("sign")
def sign(node: ast.AST, solution: Solution) -> Changes:
    """A minus sign is forgotten."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield instead(node, node.operand)


@operator("text")
def text(node: ast.AST, solution: Solution) -> Changes:
    """A text is another one, or empty. Names of columns are left to `column`: one that does not exist just raises."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return
    if solution.is_sql(node) or solution.is_column_name(node):
        return
    yield instead(node, ast.Constant(node.value + ANOTHER))
    if node.value and not re.fullmatch(r"\w+", node.value):
        yield instead(node, ast.Constant(""))


@operator("truth")
def truth(node: ast.AST, solution: Solution) -> Changes:
    """True ↔ False."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield instead(node, ast.Constant(not node.value))


@operator("arithmetic")
def arithmetic(node: ast.AST, solution: Solution) -> Changes:
    """Another operation: + ↔ -, * ↔ /."""
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield instead(node, changed(node, op=ARITHMETIC[type(node.op)]()))


@operator("cast type")
def cast_type(node: ast.AST, solution: Solution) -> Changes:
    """A value becomes another type."""
    if isinstance(node, ast.Call) and method_name(node) in ("cast", "try_cast", "astype") and node.args:
        for other in other_types(text_of(node.args[0])):
            yield instead(node, changed(node, args=[ast.Constant(other)]))


@operator("strict cast")
def strict_cast(node: ast.AST, solution: Solution) -> Changes:
    """What cannot be converted stops the query instead of becoming NULL: try_cast → cast."""
    if isinstance(node, ast.Call) and method_name(node) == "try_cast":
        yield instead(node, renamed(node, "cast"))
    name = function_name(node)
    if isinstance(node, ast.Call) and name.startswith("try_"):
        yield instead(node, renamed(node, name.removeprefix("try_")))


@operator("date part")
def date_part(node: ast.AST, solution: Solution) -> Changes:
    """Another part of a date or time: year, month, day, hour, …"""
    if isinstance(node, ast.Call) and function_name(node) in PARTS:
        yield instead(node, renamed(node, PARTS[function_name(node)]))
    if isinstance(node, ast.Constant) and text_of(node).lower() in UNITS:
        other = UNITS[text_of(node).lower()]
        yield Change(ast.Constant(other.upper() if text_of(node).isupper() else other), f"{text_of(node)} → {other}")


def other_types(name: str) -> list[str]:
    """Types near to a type of SQL; of a decimal also one with fewer digits after the point."""
    decimal = re.fullmatch(r"decimal\((\d+), *(\d+)\)", name.lower())
    if decimal and int(decimal[2]):
        return [f"decimal({decimal[1]},{int(decimal[2]) - 1})", "double"]
    return [TYPES[name.lower()]] if name.lower() in TYPES else []


def _number(value: int | float) -> ast.expr:
    """The node of a number, as Python itself would parse it."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)
