"""Aggregates."""

from __future__ import annotations

import ast

from autograder.authoring.mutants.nodes import function_name, is_class, method_name, renamed, text_of
from autograder.authoring.mutants.operators.registry import Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

OTHERS = {
    "sum": ("avg", "max"), "avg": ("sum", "median"), "mean": ("sum", "median"), "min": ("max", "avg"), "max": ("min", "avg"),
    "count": ("count_distinct",), "count_distinct": ("count",), "countDistinct": ("count",), "count_if": ("count",),
    "sum_distinct": ("sum",), "median": ("avg",), "mode": ("max",), "percentile": ("max",), "first": ("last",),
    "last": ("first",), "max_by": ("min_by",), "min_by": ("max_by",), "collect_list": ("collect_set",),
    "collect_set": ("collect_list",), "stddev": ("stddev_pop",), "stddev_pop": ("stddev",), "variance": ("var_pop",),
    "bool_and": ("bool_or",), "bool_or": ("bool_and",), "every": ("some",), "some": ("every",),
    "approx_count_distinct": ("count",), "grouping": ("count",),
}  # fmt: skip
ONE_ARGUMENT = ("max", "min", "avg", "sum", "count")
BUILT_IN = {"min": "max", "max": "min", "sum": "max", "any": "all", "all": "any"}


@operator("aggregate")
def aggregate(node: ast.AST, solution: Solution) -> Changes:
    """Another aggregate: sum, avg, min, max, count, count_distinct, collect_list, …"""
    if not isinstance(node, ast.Call):
        return
    name = function_name(node)
    grouped = method_name(node) if _is_grouped(node) else ""
    for other in OTHERS.get(name or grouped, ()):
        if not (node.args and text_of(node.args[0]) == "*") and not (grouped and other == "count_distinct"):
            made = renamed(node, other)
            if other in ONE_ARGUMENT:
                made.args = made.args[:1]
            yield instead(node, made)
    if isinstance(node.func, ast.Name) and node.func.id in BUILT_IN:
        made = ast.Call(ast.Name(BUILT_IN[node.func.id], ast.Load()), node.args, node.keywords)
        yield instead(node, made)


def _is_grouped(node: ast.Call) -> bool:
    """Whether a method is called on groups: `orders.groupBy("channel").sum("amount")`."""
    grouping = ("groupBy", "groupby", "rollup", "cube", "pivot")
    return (
        isinstance(node.func, ast.Attribute)
        and not is_class(node.func.value)
        and method_name(node.func.value) in grouping
    )
