"""Which cells of a notebook only show something: the grader leaves them out as long as no answer needs them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nbformat import NotebookNode

from autograder.authoring.source import SOURCE_ONLY, Source

_CHANGING = """
    set unset config enableHiveSupport createTempView createOrReplaceTempView createGlobalTempView createOrReplaceGlobalTempView
    registerTempTable register registerFunction cache persist checkpoint localCheckpoint cacheTable setCurrentDatabase setCurrentCatalog
    write writeTo writeStream save saveAsTable insertInto to_parquet to_csv to_json to_table to_sql setCheckpointDir setLogLevel addFile
    addPyFile addArtifact addArtifacts stop mkdir write_text write_bytes touch unlink rename rmtree copy copyfile copytree open
    append extend insert update add setdefault pop remove clear discard sort
"""
CHANGING = frozenset(_CHANGING.split())
"""Names of methods that leave something behind: in the session, in a folder, in an object that was there before."""

READING = ("select", "with", "from", "values", "describe", "desc", "explain", "show", "table")
"""First words of SQL that only looks."""


def examples(item: Source, cells: Sequence[NotebookNode]) -> Iterator[str]:
    """The ids of the released code cells that only show something.

    They are neither part of an exercise nor of the set-up, without which no answer runs (`# %% setup=true`); what they do besides giving
    names to values is only output, as far as can be seen from their text.
    """
    shown = [cell for cell in item.cells if cell.kind not in SOURCE_ONLY]
    for cell, made in zip(shown, cells, strict=False):  # the notebook ends with a cell that no source has
        if cell.cell_type == "code" and not cell.kind and not cell.metadata.get("setup") and only_shows(cell.source):
            yield str(made.id)


def only_shows(code: str) -> bool:
    """Whether a cell's text holds nothing that changes the session, files or objects of other cells. Doubts make it False."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a magic, say
        return False
    return not any(_changes(node) for node in ast.walk(tree))


def _changes(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            return True
        case ast.Attribute(attr=name):
            return name in CHANGING
        case ast.Call(func=ast.Name(id=name)):
            return name in CHANGING
        case ast.Call(func=ast.Attribute(attr="sql"), args=[text, *_]):
            return not _first_text(text).lower().startswith(READING)
        case ast.ImportFrom(names=names):
            return any(name.name == "*" for name in names)
        case ast.Global() | ast.Delete():
            return True
    return False


def _first_text(node: ast.AST) -> str:
    """The beginning of a text that is written down where it is used; empty for any other expression."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return node.value.lstrip(" \n(") if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
