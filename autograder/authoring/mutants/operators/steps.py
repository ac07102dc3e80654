"""Forgotten steps, and arguments and names in the wrong places."""

from __future__ import annotations

import ast

from autograder.authoring.mutants.nodes import (
    call_told,
    changed,
    function_name,
    functions_call,
    is_class,
    method_name,
    swapped,
    text_of,
    told,
    without,
)
from autograder.authoring.mutants.operators.registry import Change, Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

OTHERWISE_DROPPED = ("filter", "where", "distinct", "dropDuplicates", "drop_duplicates", "orderBy", "sort", "when",
                     "otherwise", "sortWithinPartitions", "fillna", "dropna", "fill")  # fmt: skip
"""Methods that operators of their own drop."""

NEEDED = ("agg", "sql", "collect", "first", "items", "get")
"""Methods without which nothing is left that could be run."""

KEPT_FUNCTIONS = (
    "col", "lit", "expr", "when", "array", "struct", "asc", "desc", "udf", "sum", "avg", "min", "max", "count", "count_if",
    "countDistinct", "count_distinct", "median", "mode", "percentile", "coalesce", "collect_list", "collect_set", "grouping",
    "spark_partition_id", "aggregate", "transform", "exists", "forall",
)  # fmt: skip
"""Functions whose first argument cannot stand for the whole."""

ORDER_DOES_NOT_MATTER = (
    "select", "agg", "groupBy", "groupby", "partitionBy", "drop", "greatest", "least", "count_distinct", "countDistinct",
    "arrays_overlap", "cube", "unionByName", "dropDuplicates", "when", "unpivot", "withColumn", "selectExpr",
)  # fmt: skip
"""Calls in which columns are compared by name anyhow, or whose swapped arguments are always an error."""


@operator("drop filter")
def drop_filter(node: ast.AST, solution: Solution) -> Changes:
    """A filter is forgotten."""
    if isinstance(node, ast.Call) and method_name(node) in ("filter", "where"):
        assert isinstance(node.func, ast.Attribute)
        yield Change(node.func.value, call_told(node))


@operator("drop call")
def drop_call(node: ast.AST, solution: Solution) -> Changes:
    """One step of a chain of methods is forgotten."""
    method = method_name(node)
    if not isinstance(node, ast.Call) or not method or method in OTHERWISE_DROPPED + NEEDED:
        return
    assert isinstance(node.func, ast.Attribute)
    below = node.func.value
    is_na = isinstance(below, ast.Attribute) and below.attr in ("na", "conf", "read", "catalog")
    if not (is_class(below) or is_na or (isinstance(below, ast.Name) and below.id == "spark")):
        yield Change(below, call_told(node))


@operator("drop function")
def drop_function(node: ast.AST, solution: Solution) -> Changes:
    """A function is not applied: F.trim(c) → c."""
    name = function_name(node)
    if isinstance(node, ast.Call) and name and name not in KEPT_FUNCTIONS and node.args:
        first = node.args[0]
        if (
            text_of(first)
            and len(node.args) > 1
            and text_of(node.args[1])
            and name.startswith(("timestamp_", "date_trunc"))
        ):
            first = node.args[1]
        yield Change(functions_call("col", first) if text_of(first) else first, told(node))


@operator("drop option")
def drop_option(node: ast.AST, solution: Solution) -> Changes:
    """A named argument is forgotten."""
    if isinstance(node, ast.Call):
        for position, word in enumerate(node.keywords):
            if word.arg not in (None, "args"):
                made = changed(node, keywords=without(node.keywords, position))
                yield Change(made, f"{word.arg}={told(word.value)} of {_called(node)}")


@operator("drop statement")
def drop_statement(node: ast.AST, solution: Solution) -> Changes:
    """A statement that only has an effect is forgotten."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield Change(None, told(node))


@operator("swap arguments")
def swap_arguments(node: ast.AST, solution: Solution) -> Changes:
    """Two neighbouring arguments, or the two sides of - and /, change places."""
    if isinstance(node, ast.Call) and _called(node) not in ORDER_DOES_NOT_MATTER:
        for position in range(len(node.args) - 1):
            yield instead(node, changed(node, args=swapped(node.args, position)))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div | ast.Mod | ast.FloorDiv):
        yield instead(node, changed(node, left=node.right, right=node.left))


@operator("swap names")
def swap_names(node: ast.AST, solution: Solution) -> Changes:
    """Two neighbouring results get each other's name."""
    if not isinstance(node, ast.Call):
        return
    for position in range(len(node.args) - 1):
        one, other = node.args[position : position + 2]
        if _is_alias(one) and _is_alias(other):
            assert isinstance(one, ast.Call) and isinstance(other, ast.Call)
            pair = [changed(one, args=other.args), changed(other, args=one.args)]
            made = changed(node, args=[*node.args[:position], *pair, *node.args[position + 2 :]])
            yield Change(made, f"{told(one.args[0])} ↔ {told(other.args[0])}")


@operator("column")
def column(node: ast.AST, solution: Solution) -> Changes:
    """Another column of the solution is used."""
    if isinstance(node, ast.Call) and function_name(node) not in ("", "lit", "expr") and node.args:
        name = text_of(node.args[0])
        if name in solution.columns and len(solution.columns) > 1:
            place = solution.columns.index(name)
            other = solution.columns[(place + 1) % len(solution.columns)]
            yield instead(node, changed(node, args=[ast.Constant(other), *node.args[1:]]))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else told(node.func)


def _is_alias(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and method_name(node) == "alias" and len(node.args) == 1
