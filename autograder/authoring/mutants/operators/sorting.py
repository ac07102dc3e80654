"""Order: directions, nulls first or last, ranks, window frames."""

from __future__ import annotations

import ast

from autograder.authoring.mutants.nodes import call_told, changed, function_name, method_name, renamed, text_of, told
from autograder.authoring.mutants.operators.registry import Change, Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

REVERSED = {"asc": "desc", "desc": "asc", "asc_nulls_first": "desc_nulls_first", "asc_nulls_last": "desc_nulls_last",
            "desc_nulls_first": "asc_nulls_first", "desc_nulls_last": "asc_nulls_last"}  # fmt: skip
NULLS = {"asc": "asc_nulls_last", "desc": "desc_nulls_first", "asc_nulls_first": "asc_nulls_last",
         "asc_nulls_last": "asc_nulls_first", "desc_nulls_first": "desc_nulls_last", "desc_nulls_last": "desc_nulls_first"}  # fmt: skip
SORTS = ("orderBy", "sort", "sortWithinPartitions")
RANKS = ("rank", "dense_rank", "row_number")
OFFSETS = {"lag": "lead", "lead": "lag"}
FRAMES = {"rowsBetween": "rangeBetween", "rangeBetween": "rowsBetween"}
BOUNDS = {"unboundedPreceding": "currentRow", "unboundedFollowing": "currentRow", "currentRow": "unboundedPreceding"}


@operator("sort direction")
def sort_direction(node: ast.AST, solution: Solution) -> Changes:
    """A sort runs the other way: asc ↔ desc; a key without a direction gets desc."""
    if not isinstance(node, ast.Call):
        return
    name = function_name(node) or method_name(node)
    if name in REVERSED:
        yield instead(node, renamed(node, REVERSED[name]))
    if method_name(node) in SORTS and not any(word.arg == "ascending" for word in node.keywords):
        for position, key in enumerate(node.args):
            if text_of(key):
                flags: list[ast.expr] = [ast.Constant(number != position) for number in range(len(node.args))]
                ascending = ast.keyword("ascending", ast.List(flags, ast.Load()))
                made = changed(node, keywords=[*node.keywords, ascending])
                yield Change(made, f"{told(key)} descending in {call_told(node)}")


@operator("nulls first")
def nulls_first(node: ast.AST, solution: Solution) -> Changes:
    """Nulls come at the other end of a sort."""
    name = function_name(node) or method_name(node)
    if isinstance(node, ast.Call) and name in NULLS:
        yield instead(node, renamed(node, NULLS[name]))


@operator("drop sort")
def drop_sort(node: ast.AST, solution: Solution) -> Changes:
    """A sort is forgotten."""
    if isinstance(node, ast.Call) and method_name(node) in SORTS:
        assert isinstance(node.func, ast.Attribute)
        yield Change(node.func.value, call_told(node))


@operator("rank")
def rank(node: ast.AST, solution: Solution) -> Changes:
    """Ties are numbered another way: rank, dense_rank, row_number; or the window looks the other way: lag ↔ lead."""
    if isinstance(node, ast.Call):
        name = function_name(node)
        others = [other for other in RANKS if other != name] if name in RANKS else []
        for other in others + ([OFFSETS[name]] if name in OFFSETS else []):
            yield instead(node, renamed(node, other))


@operator("window frame")
def window_frame(node: ast.AST, solution: Solution) -> Changes:
    """A window frame counts rows instead of values, or ends elsewhere."""
    if isinstance(node, ast.Call) and method_name(node) in FRAMES:
        yield Change(renamed(node, FRAMES[method_name(node)]), f"{call_told(node)} → {FRAMES[method_name(node)]}")
    if isinstance(node, ast.Attribute) and node.attr in BOUNDS:
        yield instead(node, changed(node, attr=BOUNDS[node.attr]))
