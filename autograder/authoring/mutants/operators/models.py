"""Models: metrics, and data that a model must not have seen."""

from __future__ import annotations

import ast

from autograder.authoring.mutants.nodes import changed, method_name, text_of, told
from autograder.authoring.mutants.operators.registry import Change, Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

METRICS = {
    "rmse": "mae", "mae": "rmse", "r2": "rmse", "mse": "rmse", "areaUnderROC": "areaUnderPR", "areaUnderPR": "areaUnderROC",
    "accuracy": "f1", "f1": "accuracy", "weightedPrecision": "weightedRecall", "weightedRecall": "weightedPrecision",
}  # fmt: skip
LEARNING = ("fit", "fitMultiple")


@operator("metric")
def metric(node: ast.AST, solution: Solution) -> Changes:
    """A model is judged by another metric."""
    if isinstance(node, ast.Constant) and text_of(node) in METRICS:
        yield instead(node, ast.Constant(METRICS[text_of(node)]))


@operator("split leakage")
def split_leakage(node: ast.AST, solution: Solution) -> Changes:
    """A model or a transformation learns from all data, also from what it is tested with."""
    if (
        isinstance(node, ast.Call)
        and method_name(node) in LEARNING
        and node.args
        and isinstance(node.args[0], ast.Name)
    ):
        whole = _origin(node.args[0].id, solution.tree)
        if whole is not None:
            made = changed(node, args=[whole, *node.args[1:]])
            yield Change(made, f"fit({told(node.args[0])}) → fit({told(whole)})")


def _origin(name: str, tree: ast.AST) -> ast.expr | None:
    """The table that a part was taken from by `randomSplit`, `filter`, `where` or `sample`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _assigns(node, name):
            value = node.value.value if isinstance(node.value, ast.Subscript) else node.value
            if method_name(value) in ("randomSplit", "filter", "where", "sample", "sampleBy"):
                assert isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
                return value.func.value
    return None


def _assigns(node: ast.Assign, name: str) -> bool:
    targets = [part for target in node.targets for part in ast.walk(target)]
    return any(isinstance(part, ast.Name) and part.id == name for part in targets)
