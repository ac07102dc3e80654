"""Submissions that are wrong as files: tampered, damaged, of odd encodings, or no files at all."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat

from autograder.grading.samples import grade_id, make_sample
from autograder.models import NotebookSpec
from tests.grading.attacks.packing import graded, solved


def tampered(path: Path, spec: NotebookSpec) -> None:
    """The half-right sample with tests edited, deleted, duplicated and moved, more points, own marks, and a byte-order mark."""
    notebook = make_sample(spec, "half")
    exercises = graded(spec)
    position = {grade_id(cell): number for number, cell in enumerate(notebook.cells) if grade_id(cell)}
    for exercise in exercises:
        cell = notebook.cells[position[exercise.check_cell]]
        cell.source = "print('full marks')"
        cell.metadata.nbgrader.points = 100
        cell.metadata["pyspark-course"] = {"points": 100}
    notebook.cells.append(notebook.cells[position[exercises[0].check_cell]].copy())
    notebook.cells.append(notebook.cells[position[exercises[1].answer_cell]].copy())
    notebook.cells.insert(0, notebook.cells.pop(position[exercises[2].answer_cell]))
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) != exercises[3].check_cell]
    odd = nbformat.v4.new_code_cell("\ud800 = '\udfff'")
    odd["metadata"] = "no dictionary"
    notebook.cells += [odd, 7, {"cell_type": "code"}, {"cell_type": ["code"], "source": {"a": 1}}]
    path.write_bytes(codecs.BOM_UTF8 + json.dumps(notebook).encode())


def _write(content: bytes) -> Callable[[Path, NotebookSpec], None]:
    return lambda path, spec: path.write_bytes(content) and None


def _bomb(path: Path, spec: NotebookSpec) -> None:
    notebook = make_sample(spec, "perfect")
    notebook.cells[0].source = "x" * 21_000_000
    path.write_text(json.dumps(notebook))


def _utf_16(path: Path, spec: NotebookSpec) -> None:
    path.write_text(json.dumps(solved(spec, 1), ensure_ascii=False), encoding="utf-16")


UNREADABLE: dict[str, tuple[Callable[[Path, NotebookSpec], None], str]] = {
    "cut off": (_write(b'{"cells": ['), "not valid JSON"),
    "no notebook": (_write(b'{"cells": 5}'), "no notebook cells"),
    "a list": (_write(b"[1, 2]"), "no notebook cells"),
    "nothing": (_write(b"\n \n"), "an empty file"),
    "nested": (_write(b"[" * 200_000), "nested too deeply"),
    "a number": (_write(b'{"cells": [' + b"9" * 10_000 + b"]}"), "not valid JSON"),
    "bytes": (_write(bytes(range(256)) * 10), "not valid JSON"),
    "NULs": (_write(b"\0" * 5_000), "not valid JSON"),
    "21 MB": (_bomb, "at most 20 MB"),
    "link": (lambda path, spec: path.symlink_to("/etc/passwd"), "not a regular file"),
    "link to a device": (lambda path, spec: path.symlink_to("/dev/zero"), "not a regular file"),
    "pipe": (lambda path, spec: os.mkfifo(path), "not a regular file"),
    "folder": (lambda path, spec: path.mkdir(), "not a regular file"),
    "Zoë's \u202e [odd] *name*": (lambda path, spec: None, "was not handed in"),
    "line\nbreak \x1b[2J": (lambda path, spec: None, "was not handed in"),
    "=cmd()|'x'!A1": (lambda path, spec: None, "was not handed in"),
    os.fsdecode(b"not UTF-8 \xff"): (lambda path, spec: None, "was not handed in"),
    "n" * 240: (lambda path, spec: None, "was not handed in"),
}
"""What lies in place of the notebook, by learner, and what the result must say about it."""

READABLE = {"UTF-16": _utf_16}
"""Files that are odd and whole: right answers in them count."""
