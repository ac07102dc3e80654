"""Streams: watermarks, windows of time, output modes, triggers."""

from __future__ import annotations

import ast
import re

from autograder.authoring.mutants.nodes import call_told, changed, method_name, text_of
from autograder.authoring.mutants.operators.registry import Change, Changes, instead, operator
from autograder.authoring.mutants.solution import Solution

MODES = ("append", "update", "complete")
_INTERVAL = re.compile(r"(\d+) (second|minute|hour|day|week)s?")


@operator("interval")
def interval(node: ast.AST, solution: Solution) -> Changes:
    """A length of time, such as a watermark's delay or a window, is nothing or ten times as long."""
    found = _INTERVAL.fullmatch(text_of(node))
    if found and isinstance(node, ast.Constant):
        yield instead(node, ast.Constant(f"{int(found[1]) * 10} {found[2]}s"))
        yield instead(node, ast.Constant(f"0 {found[2]}s"))


@operator("output mode")
def output_mode(node: ast.AST, solution: Solution) -> Changes:
    """A stream writes its results another way: append, update, complete."""
    said = _said(node, "outputMode")
    if said is not None and text_of(said) in MODES:
        for other in MODES:
            if other != text_of(said):
                yield Change(_with(node, said, ast.Constant(other)), f"{text_of(said)} → {other}")


@operator("trigger")
def trigger(node: ast.AST, solution: Solution) -> Changes:
    """A stream runs when it should not: availableNow ↔ once ↔ every second."""
    if isinstance(node, ast.Call) and method_name(node) == "trigger" and len(node.keywords) == 1:
        others = {
            "availableNow": ast.Constant(True),
            "once": ast.Constant(True),
            "processingTime": ast.Constant("1 second"),
        }
        for name, value in others.items():
            if name != node.keywords[0].arg:
                made = changed(node, keywords=[ast.keyword(name, value)])
                yield Change(made, f"{call_told(node)} → {call_told(made)}")


def _said(node: ast.AST, name: str) -> ast.expr | None:
    """The value of `.name(value)` or of an option `name=value`."""
    if not isinstance(node, ast.Call):
        return None
    if method_name(node) == name and node.args:
        return node.args[0]
    return next((word.value for word in node.keywords if word.arg == name), None)


def _with(node: ast.AST, old: ast.expr, new: ast.expr) -> ast.Call:
    assert isinstance(node, ast.Call)
    words = [changed(word, value=new) if word.value is old else word for word in node.keywords]
    return changed(node, args=[new if argument is old else argument for argument in node.args], keywords=words)
