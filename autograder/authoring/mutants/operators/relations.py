"""Whole tables: joins, unions, duplicates, groups, explosions, partitions."""

from __future__ import annotations

import ast

from autograder.authoring.mutants.nodes import (
    call_told,
    changed,
    function_name,
    is_class,
    method_name,
    renamed,
    text_of,
    told,
    without,
)
from autograder.authoring.mutants.operators.registry import Change, Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

JOINS = ("inner", "left", "right", "full", "left_semi", "left_anti")
SAME_JOIN = {"left_outer": "left", "leftouter": "left", "right_outer": "right", "rightouter": "right", "outer": "full",
             "full_outer": "full", "fullouter": "full", "semi": "left_semi", "leftsemi": "left_semi", "anti": "left_anti",
             "leftanti": "left_anti"}  # fmt: skip
KEYED = ("groupBy", "groupby", "partitionBy", "dropDuplicates", "drop_duplicates", "rollup", "cube", "repartition",
         "repartitionByRange", "join", "orderBy", "sort")  # fmt: skip
OTHER_METHODS = {
    "union": ("unionByName",), "unionAll": ("unionByName",), "unionByName": ("union",), "intersect": ("intersectAll",),
    "intersectAll": ("intersect",), "subtract": ("exceptAll",), "exceptAll": ("subtract",), "rollup": ("cube", "groupBy"),
    "cube": ("rollup", "groupBy"), "coalesce": ("repartition",), "repartition": ("coalesce",),
}  # fmt: skip
OTHER_FUNCTIONS = {
    "explode": "explode_outer", "explode_outer": "explode", "posexplode": "posexplode_outer",
    "posexplode_outer": "posexplode", "inline": "inline_outer", "inline_outer": "inline",
}  # fmt: skip
LEVELS = {"MEMORY_ONLY": "MEMORY_AND_DISK", "MEMORY_AND_DISK": "MEMORY_ONLY", "DISK_ONLY": "MEMORY_ONLY"}


@operator("join type")
def join_type(node: ast.AST, solution: Solution) -> Changes:
    """A join keeps other rows: inner, left, right, full, left_semi, left_anti."""
    if not isinstance(node, ast.Call) or method_name(node) != "join":
        return
    keyword = next((word for word in node.keywords if word.arg == "how"), None)
    said = keyword.value if keyword else node.args[2] if len(node.args) > 2 else None
    condition = len(node.args) > 1 or any(word.arg == "on" for word in node.keywords)
    if said is None and not condition:
        return
    how = text_of(said) if said is not None else "inner"
    for other in JOINS:
        if how and other != SAME_JOIN.get(how, how):
            value = ast.Constant(other)
            if said is None:
                made = changed(node, keywords=[*node.keywords, ast.keyword("how", value)])
            elif keyword:
                made = changed(node, keywords=[changed(w, value=value) if w is keyword else w for w in node.keywords])
            else:
                made = changed(node, args=[*node.args[:2], value, *node.args[3:]])
            yield Change(made, f"{how} → {other} in {call_told(node)}")


@operator("drop key")
def drop_key(node: ast.AST, solution: Solution) -> Changes:
    """One of several keys is forgotten: of a join, a group, a window, a sort, or of what makes rows equal."""
    method = method_name(node)
    if not isinstance(node, ast.Call) or method not in KEYED:
        return
    keys = {"join": node.args[1:2], "repartition": []}.get(method, node.args)
    if len(keys) == 1 and isinstance(keys[0], ast.List | ast.Tuple) and len(keys[0].elts) > 1:
        for position, key in enumerate(keys[0].elts):
            kept = changed(keys[0], elts=without(keys[0].elts, position))
            arguments = [kept if argument is keys[0] else argument for argument in node.args]
            yield Change(changed(node, args=arguments), f"{told(key)} of {call_told(node)}")
    elif method != "join" and len(node.args) > 1:
        for position, key in enumerate(node.args):
            yield Change(changed(node, args=without(node.args, position)), f"{told(key)} of {call_told(node)}")


@operator("drop distinct")
def drop_distinct(node: ast.AST, solution: Solution) -> Changes:
    """Duplicates stay, or rows count as duplicates only when they are equal in all columns."""
    if isinstance(node, ast.Call) and method_name(node) in ("distinct", "dropDuplicates", "drop_duplicates"):
        assert isinstance(node.func, ast.Attribute)
        yield Change(node.func.value, call_told(node))
        if node.args or node.keywords:
            yield Change(changed(node, args=[], keywords=[]), f"the keys of {call_told(node)}")


@operator("other relation")
def other_relation(node: ast.AST, solution: Solution) -> Changes:
    """Tables are put together or laid out the other way: union ↔ unionByName, subtract ↔ exceptAll, rollup ↔ cube, …"""
    if isinstance(node, ast.Call):
        for other in OTHER_METHODS.get(method_name(node), ()):
            yield Change(renamed(node, other), f"{call_told(node)} → {other}")


@operator("explode")
def explode(node: ast.AST, solution: Solution) -> Changes:
    """Rows without elements stay, or go: explode ↔ explode_outer."""
    if isinstance(node, ast.Call) and function_name(node) in OTHER_FUNCTIONS:
        yield instead(node, renamed(node, OTHER_FUNCTIONS[function_name(node)]))


@operator("storage level")
def storage_level(node: ast.AST, solution: Solution) -> Changes:
    """A table is kept somewhere else: in memory, or in memory and on disk."""
    if isinstance(node, ast.Attribute) and is_class(node.value) and node.attr in LEVELS:
        yield instead(node, changed(node, attr=LEVELS[node.attr]))
