"""Rebuilds a submitted notebook from the release: the learner's answers and own cells, everything else as we shipped
it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

MAXIMUM_BYTES = 20_000_000
MAXIMUM_EXTRA_CELLS = 200
MAXIMUM_TEXT = 20_000
"""Characters of a text answer that are kept: Markdown with some nested forms takes time that grows with its square."""
MAXIMUM_PICTURES = 3_000_000
"""Characters of the pictures of a text answer, in base64."""
_PICTURES = ("image/png", "image/jpeg", "image/gif")
ANSWER = "answer_"
CHECK = "check_"


class UnusableNotebook(Exception):
    """The submitted file is not a notebook that can be graded. `reason` is a short name, the message a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class RebuiltCell:
    """One cell to run. `origin` is "release", "answer" or "learner"; `check` cells are never executed, answers are
    captured there. `cell_id` is that of a released cell.
    """

    source: str
    origin: str
    grade_id: str = ""
    edited: bool = False
    cell_id: str = ""

    @property
    def is_check(self) -> bool:
        """Whether answers are captured at this cell instead of running it."""
        return self.origin == "release" and self.grade_id.startswith(CHECK)


@dataclass(frozen=True)
class Rebuilt:
    """The code cells of the rebuilt notebook in the order of the release, and sentences about what else the submission
    held.

    `written` has the grade_ids of the text answers that the learner changed.
    """

    cells: tuple[RebuiltCell, ...]
    findings: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()

    def attempted(self, grade_id: str) -> bool:
        """Whether the learner changed this answer cell, of code or of text."""
        return grade_id in self.written or any(cell.grade_id == grade_id and cell.edited for cell in self.cells)

    @property
    def untouched(self) -> bool:
        """Whether all code is that of the release and every answer is a stub that says so when it is called."""
        return not any(
            cell.edited
            or cell.origin == "learner"
            or (cell.grade_id.startswith(ANSWER) and "raise NotImplementedError" not in cell.source)
            for cell in self.cells
        )


def rebuild(submission: Path, release: Path) -> Rebuilt:
    """Put the learner's answers into the released notebook.

    Of the submission only three things are used: the source of the cells `answer_<id>`, code cells that the learner
    added, and code cells that the learner edited although they are not answers (run after the released version, because
    a learner may have put an import there). Locked cells and check cells are always those of the release.

    An answer may stand in several cells, since JupyterLab gives the parts of a divided cell and the copies of a cell the
    same metadata: they are joined. A cell without metadata that defines the function of a missing answer is that answer.

    Raises UnusableNotebook when the submission cannot be read; a release that cannot be read is the course's own fault
    (ValueError).
    """
    released = json.loads(release.read_text(encoding="utf-8"))
    submitted = read_notebook(submission)
    merged = _merge(code_cells(released), code_cells(submitted))
    texts = text_answers(released, submitted)
    cut = tuple(
        f"{grade_id} has {len(text):,} characters; the first {MAXIMUM_TEXT:,} were kept."
        for grade_id, text in texts.items()
        if len(text) > MAXIMUM_TEXT
    )
    return replace(merged, findings=(*merged.findings, *cut), written=frozenset(texts))


def read_notebook(path: Path) -> Mapping[str, Any]:
    """The JSON of a submitted notebook, whatever its encoding. Raises UnusableNotebook."""
    try:
        if path.is_symlink() or not path.is_file():
            raise UnusableNotebook("not_a_file", f"{path.name} is not a regular file.")
        size = path.stat().st_size
        if size > MAXIMUM_BYTES:
            raise UnusableNotebook(
                "too_large",
                f"{path.name} has {size / 1e6:.0f} MB; at most {MAXIMUM_BYTES / 1e6:.0f} MB are read. "
                "Clear its outputs and hand it in again.",
            )
        data = path.read_bytes()
    except OSError as error:
        raise UnusableNotebook("unreadable", f"{path.name} could not be read: {error.strerror}.") from error
    if not data.strip():
        raise UnusableNotebook("empty_file", f"{path.name} is an empty file.")
    try:
        document = json.loads(data.removeprefix(codecs.BOM_UTF8))
    except RecursionError as error:
        raise UnusableNotebook("not_a_notebook", f"{path.name} is nested too deeply to be a notebook.") from error
    except ValueError as error:
        raise UnusableNotebook(
            "not_a_notebook", f"{path.name} is not valid JSON. Save it again in JupyterLab and hand it in again."
        ) from error
    if not isinstance(document, dict) or not _raw_cells(document):
        raise UnusableNotebook("not_a_notebook", f"{path.name} is JSON, but has no notebook cells.")
    return document


def rebuilt_notebook(submission: Path, release: Path) -> tuple[dict[str, Any], Rebuilt]:
    """The rebuilt notebook as JSON of the notebook format, for people to read and mark: no outputs, text answers
    included.

    Raises UnusableNotebook, as `rebuild` does.
    """
    released = json.loads(release.read_text(encoding="utf-8"))
    rebuilt = rebuild(submission, release)
    submitted = read_notebook(submission)
    texts, pictures = text_answers(released, submitted), _pictures(submitted)
    waiting = list(rebuilt.cells)
    cells: list[dict[str, Any]] = []
    for raw in released["cells"]:
        if raw["cell_type"] == "code":
            while waiting and waiting[0].origin == "learner":
                cells.append(_learner_cell(waiting.pop(0), len(cells)))
            cells.append({**raw, "source": waiting.pop(0).source, "outputs": [], "execution_count": None})
            continue
        grade_id = _text(raw.get("metadata", {}).get("nbgrader", {}).get("grade_id"))
        if grade_id in texts:
            shown = {"attachments": pictures[grade_id]} if grade_id in pictures else {}
            cells.append({**raw, "source": texts[grade_id][:MAXIMUM_TEXT], **shown})
        else:
            cells.append(dict(raw))
    cells += [_learner_cell(cell, len(cells) + number) for number, cell in enumerate(waiting)]
    return {**released, "cells": cells}, rebuilt


def _learner_cell(cell: RebuiltCell, number: int) -> dict[str, Any]:
    base: dict[str, Any] = {
        "cell_type": "code",
        "id": f"added-{number}",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return {**base, "source": cell.source}


@dataclass(frozen=True)
class CodeCell:
    """What is used of a notebook's code cell (or of one of another type)."""

    source: str
    grade_id: str
    cell_id: str
    metadata: Mapping[str, Any]
    cell_type: str = "code"


def code_cells(document: Mapping[str, Any], *types: str) -> list[CodeCell]:
    """The code cells (or those of other types) of a notebook's JSON in order; damaged cells are left out."""
    cells = []
    for raw in _raw_cells(document):
        if not isinstance(raw, dict) or raw.get("cell_type") not in (types or ("code",)):
            continue
        metadata = raw.get("metadata")
        nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        nbgrader = nbgrader if isinstance(nbgrader, dict) else {}
        cells.append(
            CodeCell(_source(raw), _text(nbgrader.get("grade_id")), _text(raw.get("id")), nbgrader, raw["cell_type"])
        )
    return cells


def text_answers(released: Mapping[str, Any], submitted: Mapping[str, Any]) -> dict[str, str]:
    """The text answers that a learner wrote, by grade_id: all cells of an answer, and Markdown cells added below it."""
    every = ("markdown", "code", "raw")
    stubs = {
        cell.grade_id: cell.source.strip()
        for cell in code_cells(released, "markdown")
        if cell.grade_id.startswith(ANSWER)
    }
    shipped = {key for cell in code_cells(released, *every) for key in (cell.cell_id, cell.source.strip()) if key}
    parts: dict[str, list[str]] = {}
    current = ""
    for cell in code_cells(submitted, *every):
        source = cell.source.strip()
        if cell.grade_id in stubs:
            current = cell.grade_id
        elif cell.cell_type != "markdown" or cell.grade_id or not shipped.isdisjoint((cell.cell_id, source)):
            current = ""
        if current and source not in ("", stubs[current]):
            parts.setdefault(current, []).append(cell.source)
    return {grade_id: "\n\n".join(sources) for grade_id, sources in parts.items()}


def _pictures(submitted: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """The pictures that were pasted into text answers, by grade_id and name, as notebooks keep them (base64 by type)."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    left = MAXIMUM_PICTURES
    for raw in _raw_cells(submitted):
        attachments = raw.get("attachments") if isinstance(raw, dict) else None
        metadata = raw.get("metadata") if isinstance(raw, dict) else None
        nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        grade_id = _text(nbgrader.get("grade_id")) if isinstance(nbgrader, dict) else ""
        for name, kinds in attachments.items() if isinstance(attachments, dict) and grade_id else ():
            for kind in _PICTURES:
                data = _source({"source": kinds.get(kind)}) if isinstance(kinds, dict) else ""
                if data and len(data) <= left and re.fullmatch(r"[A-Za-z0-9+/=\s]+", data):
                    found.setdefault(grade_id, {}).setdefault(_text(name), {})[kind] = data
                    left -= len(data)
    return found


def _raw_cells(document: Mapping[str, Any]) -> list[Any]:
    """The `cells` list; notebooks of format 3 keep it inside `worksheets`."""
    cells = document.get("cells")
    worksheets = document.get("worksheets")
    if cells is None and isinstance(worksheets, list) and worksheets and isinstance(worksheets[0], dict):
        cells = worksheets[0].get("cells")
    return cells if isinstance(cells, list) else []


def _source(raw: Mapping[str, Any]) -> str:
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return _text(source)


def _text(value: Any) -> str:
    """Text that can be encoded; anything else is empty. Lone surrogates, which JSON allows, become question marks."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def _merge(released: Sequence[CodeCell], submitted: Sequence[CodeCell]) -> Rebuilt:
    matches = _match(released, submitted)
    answers: dict[int, list[CodeCell]] = {}
    edited: dict[int, CodeCell] = {}
    extras: dict[int, list[CodeCell]] = {}
    duplicates: Counter[str] = Counter()
    order: list[int] = []
    anchor = -1
    for cell, position in zip(submitted, matches, strict=True):
        if position is None:
            if cell.source.strip():
                extras.setdefault(anchor, []).append(cell)
            continue
        anchor = position
        is_answer = released[position].grade_id.startswith(ANSWER)
        if is_answer:
            answers.setdefault(position, []).append(cell)
        if position in order:
            duplicates[released[position].grade_id or "a cell of the course"] += 1
            continue
        order.append(position)
        if not is_answer and cell.source != released[position].source:
            edited[position] = cell
    findings = _findings(released, answers, edited, extras, duplicates, order, submitted, matches)
    return Rebuilt(tuple(_rebuilt_cells(released, answers, edited, extras)), tuple(findings))


def _rebuilt_cells(
    released: Sequence[CodeCell],
    answers: Mapping[int, Sequence[CodeCell]],
    edited: Mapping[int, CodeCell],
    extras: Mapping[int, Sequence[CodeCell]],
) -> Iterable[RebuiltCell]:
    left = MAXIMUM_EXTRA_CELLS
    for position in range(-1, len(released)):
        if position >= 0:
            cell = released[position]
            if position in answers:
                source = _joined(answers[position], cell)
                yield RebuiltCell(source, "answer", cell.grade_id, edited=source.strip() != cell.source.strip())
            else:
                yield RebuiltCell(cell.source, "release", cell.grade_id, cell_id=cell.cell_id)
            if position in edited and not cell.grade_id:
                yield RebuiltCell(edited[position].source, "learner")
        for extra in extras.get(position, ())[:left]:
            yield RebuiltCell(extra.source, "learner")
            left -= 1


def _joined(parts: Sequence[CodeCell], stub: CodeCell) -> str:
    """The source of an answer that stands in several cells, without those that are still the stub.

    A part with a cell magic works only at the head of its cell: then the first part alone is the answer.
    """
    sources = [part.source for part in parts if part.source.strip() not in ("", stub.source.strip())]
    if not sources:
        return parts[0].source
    if any(source.lstrip().startswith("%%") for source in sources[1:]):
        return sources[0]
    return "\n\n".join(sources)


def _differs(submitted: Mapping[str, Any], released: Mapping[str, Any]) -> bool:
    """Whether metadata that decides about marks was edited. The checksum may be that of an earlier release."""
    names = ("grade_id", "grade", "solution", "locked", "task", "points")
    return any(submitted.get(name) != released.get(name) for name in names)


def _match(released: Sequence[CodeCell], submitted: Sequence[CodeCell]) -> list[int | None]:
    """For each submitted cell the released cell that it was: by grade_id, else by cell id, else by the same source."""
    by_grade_id = {cell.grade_id: position for position, cell in enumerate(released) if cell.grade_id}
    by_cell_id = {cell.cell_id: position for position, cell in enumerate(released) if cell.cell_id}
    by_source = {cell.source.strip(): position for position, cell in enumerate(released) if cell.source.strip()}
    found: list[int | None] = []
    for cell in submitted:
        if cell.grade_id in by_grade_id:
            found.append(by_grade_id[cell.grade_id])
        elif cell.cell_id in by_cell_id:
            found.append(by_cell_id[cell.cell_id])
        else:
            found.append(by_source.get(cell.source.strip()))
    for position in _lost(released, found):
        function = re.search(r"^def (\w+)\(", released[position].source, re.MULTILINE)
        definition = re.compile(rf"^def {function[1]}\(", re.MULTILINE) if function else None
        for number, cell in enumerate(submitted):
            if found[number] is None and not cell.grade_id and definition and definition.search(cell.source):
                found[number] = position
    return found


def _lost(released: Sequence[CodeCell], found: Sequence[int | None]) -> list[int]:
    """The answer cells of the release that no submitted cell was recognised as."""
    return [
        position for position, cell in enumerate(released) if cell.grade_id.startswith(ANSWER) and position not in found
    ]


def _findings(
    released: Sequence[CodeCell],
    answers: Mapping[int, Sequence[CodeCell]],
    edited: Mapping[int, CodeCell],
    extras: Mapping[int, Sequence[CodeCell]],
    duplicates: Mapping[str, int],
    order: Sequence[int],
    submitted: Sequence[CodeCell],
    matches: Sequence[int | None],
) -> Iterable[str]:
    for position, cell in enumerate(released):
        if not cell.grade_id or position in order:
            continue
        what = "Answer cell" if cell.grade_id.startswith(ANSWER) else "Locked cell"
        yield f"{what} {cell.grade_id} was deleted."
    for position in sorted(edited):
        grade_id = released[position].grade_id
        if grade_id:
            yield f"Locked cell {grade_id} was edited; the released one was used."
    for name, count in sorted(duplicates.items()):
        used = "they were joined" if name.startswith(ANSWER) else "the first was used"
        yield f"{name} occurs {count + 1} times; {used}."
    if list(order) != sorted(order):
        yield "Cells were put in another order; the order of the release was used."
    changed = {
        released[position].grade_id
        for cell, position in zip(submitted, matches, strict=True)
        if position is not None and released[position].grade_id and _differs(cell.metadata, released[position].metadata)
    }
    for grade_id in sorted(changed):
        yield f"The nbgrader metadata of {grade_id} was edited."
    number = sum(len(cells) for cells in extras.values())
    if number > MAXIMUM_EXTRA_CELLS:
        yield f"{number} code cells were added; the first {MAXIMUM_EXTRA_CELLS} were kept."
