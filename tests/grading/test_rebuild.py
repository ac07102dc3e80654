"""A submission is rebuilt from the release: the learner's answers and own cells, everything else as we shipped it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from autograder import manifest, paths
from autograder.grading.rebuild import MAXIMUM_TEXT, UnusableNotebook, rebuild, rebuilt_notebook

NOTEBOOK = next(notebook for notebook in manifest.notebooks() if notebook.number == "1.1")
RELEASE = paths.MODULES / NOTEBOOK.assignment / f"{NOTEBOOK.name}.ipynb"
GRADED = [exercise for exercise in NOTEBOOK.exercises if exercise.kind != "written"]


@pytest.fixture
def submitted() -> dict[str, Any]:
    """The release as JSON, to be changed by a test."""
    document: dict[str, Any] = json.loads(RELEASE.read_text(encoding="utf-8"))
    return document


def grade_id(cell: dict[str, Any]) -> str:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def position(document: dict[str, Any], name: str) -> int:
    return next(number for number, cell in enumerate(document["cells"]) if grade_id(cell) == name)


def rebuilt_from(document: Any, folder: Path) -> Any:
    path = folder / "submission.ipynb"
    path.write_text(json.dumps(document), encoding="utf-8")
    return rebuild(path, RELEASE)


def read(document: Any, folder: Path) -> tuple[dict[str, Any], Any]:
    """The rebuilt notebook that people mark, and what is said of it."""
    path = folder / "submission.ipynb"
    path.write_text(json.dumps(document), encoding="utf-8")
    return rebuilt_notebook(path, RELEASE)


def test_the_untouched_release_is_rebuilt_without_findings(submitted: dict[str, Any], tmp_path: Path) -> None:
    rebuilt = rebuilt_from(submitted, tmp_path)
    assert [cell.source for cell in rebuilt.cells] == [
        "".join(cell["source"]) for cell in submitted["cells"] if cell["cell_type"] == "code"
    ]
    assert rebuilt.findings == ()
    assert not any(rebuilt.attempted(exercise.answer_cell) for exercise in NOTEBOOK.exercises)


def test_answers_are_kept_and_edited_checks_are_not(submitted: dict[str, Any], tmp_path: Path) -> None:
    first = GRADED[0]
    submitted["cells"][position(submitted, first.answer_cell)]["source"] = "answer = 1"
    submitted["cells"][position(submitted, first.check_cell)]["source"] = "print('full marks')"
    rebuilt = rebuilt_from(submitted, tmp_path)
    sources = {cell.grade_id: cell.source for cell in rebuilt.cells}
    assert sources[first.answer_cell] == "answer = 1"
    assert sources[first.check_cell].startswith(f'check("{first.id}"')
    assert rebuilt.attempted(first.answer_cell)
    assert any(first.check_cell in finding and "edited" in finding for finding in rebuilt.findings)


def test_deleted_duplicated_and_reordered_cells_change_nothing_but_are_reported(
    submitted: dict[str, Any], tmp_path: Path
) -> None:
    honest = [cell.source for cell in rebuilt_from(submitted, tmp_path).cells]
    tampered = copy.deepcopy(submitted)
    cells = tampered["cells"]
    first, second, third = GRADED[:3]
    duplicate = copy.deepcopy(cells[position(tampered, second.check_cell)])
    duplicate["source"] = "raise SystemExit"
    cells.append(duplicate)
    del cells[position(tampered, first.check_cell)]
    moved = cells.pop(position(tampered, third.answer_cell))
    cells.insert(0, moved)
    rebuilt = rebuilt_from(tampered, tmp_path)
    assert [cell.source for cell in rebuilt.cells] == honest
    findings = " ".join(rebuilt.findings)
    assert f"{first.check_cell} was deleted" in findings
    assert f"{second.check_cell} occurs 2 times" in findings
    assert "another order" in findings


def test_helper_cells_stay_where_the_learner_put_them(submitted: dict[str, Any], tmp_path: Path) -> None:
    helper = {"cell_type": "code", "metadata": {}, "source": "def helper(): return 1", "outputs": []}
    submitted["cells"].insert(position(submitted, GRADED[1].answer_cell), helper)
    rebuilt = rebuilt_from(submitted, tmp_path)
    names = [cell.grade_id or cell.source for cell in rebuilt.cells]
    before, after = names.index(GRADED[0].check_cell), names.index(GRADED[1].answer_cell)
    assert before < names.index("def helper(): return 1") < after


def parts_of(document: dict[str, Any], name: str, *sources: str) -> None:
    """Put cells with the metadata of one cell in its place, as JupyterLab does when a cell is divided or copied."""
    place = position(document, name)
    original = document["cells"][place]
    copies = [
        {**copy.deepcopy(original), "id": f"part-{number}", "source": text} for number, text in enumerate(sources)
    ]
    document["cells"][place : place + 1] = copies


@pytest.mark.parametrize(
    ("sources", "kept"),
    [
        (("import re", "def f(): return 1"), "import re\n\ndef f(): return 1"),
        (("STUB", "def f(): return 1"), "def f(): return 1"),
        (("def f(): return 1", "STUB"), "def f(): return 1"),
        (("def f(): return 1", "  ", "def f(): return 2"), "def f(): return 1\n\ndef f(): return 2"),
        (("%%time\ndef f(): return 1", "def g(): return 2"), "%%time\ndef f(): return 1\n\ndef g(): return 2"),
        (("def f(): return 1", "%%time\ndef f(): return 2"), "def f(): return 1"),
        (("STUB", "STUB"), "STUB"),
    ],
)
def test_the_parts_of_a_divided_or_copied_answer_are_joined(
    submitted: dict[str, Any], tmp_path: Path, sources: tuple[str, ...], kept: str
) -> None:
    answer = GRADED[1].answer_cell
    stub = "".join(submitted["cells"][position(submitted, answer)]["source"])
    parts_of(submitted, answer, *(stub if source == "STUB" else source for source in sources))
    rebuilt = rebuilt_from(submitted, tmp_path)
    found = [cell for cell in rebuilt.cells if cell.grade_id == answer]
    assert [cell.source for cell in found] == [stub if kept == "STUB" else kept]
    assert rebuilt.attempted(answer) is (kept != "STUB")
    assert f"{answer} occurs {len(sources)} times; they were joined." in rebuilt.findings


@pytest.mark.parametrize("all_cells", [False, True])
def test_an_answer_whose_cell_lost_its_metadata_is_known_by_its_function(
    submitted: dict[str, Any], tmp_path: Path, all_cells: bool
) -> None:
    answer = GRADED[1].answer_cell
    cell = submitted["cells"][position(submitted, answer)]
    stub = "".join(cell["source"])
    cell["source"] = stub.replace("raise NotImplementedError", "return None  # mine")
    for one in submitted["cells"] if all_cells else [cell]:
        one.pop("id", None)
        one["metadata"] = {}
    rebuilt = rebuilt_from(submitted, tmp_path)
    assert [(found.source, found.origin) for found in rebuilt.cells if found.grade_id == answer] == [
        (cell["source"], "answer")
    ]
    assert stub not in [found.source for found in rebuilt.cells]
    assert rebuilt.attempted(answer)
    assert not rebuilt.attempted(GRADED[2].answer_cell)


def test_raised_points_in_the_metadata_are_reported(submitted: dict[str, Any], tmp_path: Path) -> None:
    cell = submitted["cells"][position(submitted, GRADED[0].check_cell)]
    cell["metadata"]["nbgrader"]["points"] = 1000
    assert f"The nbgrader metadata of {GRADED[0].check_cell} was edited." in rebuilt_from(submitted, tmp_path).findings


def test_text_answers_reach_the_notebook_that_people_mark(submitted: dict[str, Any], tmp_path: Path) -> None:
    written = next(exercise for exercise in NOTEBOOK.exercises if exercise.kind == "written")
    submitted["cells"][position(submitted, written.answer_cell)]["source"] = ["Because NULL ", "means unknown."]
    path = tmp_path / "submission.ipynb"
    path.write_text(json.dumps(submitted), encoding="utf-8-sig")
    document, rebuilt = rebuilt_notebook(path, RELEASE)
    assert document["cells"][position(document, written.answer_cell)]["source"] == "Because NULL means unknown."
    assert rebuilt.attempted(written.answer_cell)


@pytest.mark.parametrize("kinds", [("markdown", "markdown"), ("raw", "markdown"), ("code", "code")])
@pytest.mark.parametrize("first_is_empty", [False, True])
def test_a_text_answer_in_several_cells_is_read_as_a_whole(
    submitted: dict[str, Any], tmp_path: Path, kinds: tuple[str, str], first_is_empty: bool
) -> None:
    written = next(exercise for exercise in NOTEBOOK.exercises if exercise.kind == "written")
    first = "" if first_is_empty else "NULL means unknown."
    parts_of(submitted, written.answer_cell, first, "It is no value.")
    place = position(submitted, written.answer_cell)
    for number, kind in enumerate(kinds):
        submitted["cells"][place + number]["cell_type"] = kind
    document, rebuilt = read(submitted, tmp_path)
    text = document["cells"][position(document, written.answer_cell)]["source"]
    assert text == "\n\n".join(part for part in (first, "It is no value.") if part)
    assert rebuilt.attempted(written.answer_cell)


def test_text_in_a_new_cell_below_an_untouched_answer_is_read(submitted: dict[str, Any], tmp_path: Path) -> None:
    written = next(exercise for exercise in NOTEBOOK.exercises if exercise.kind == "written")
    place = position(submitted, written.answer_cell)
    submitted["cells"].insert(place + 1, {"cell_type": "markdown", "metadata": {}, "source": "Below.", "id": "new"})
    submitted["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": "A note.", "id": "note"})
    document, rebuilt = read(submitted, tmp_path)
    assert document["cells"][position(document, written.answer_cell)]["source"] == "Below."
    assert rebuilt.attempted(written.answer_cell)


def test_a_text_answer_has_a_limit_and_only_pictures_are_attached(submitted: dict[str, Any], tmp_path: Path) -> None:
    written = next(exercise for exercise in NOTEBOOK.exercises if exercise.kind == "written")
    cell = submitted["cells"][position(submitted, written.answer_cell)]
    cell["source"] = "x" * (MAXIMUM_TEXT + 1)
    cell["attachments"] = {
        "plan.png": {"image/png": "aGVsbG8="},
        "page.html": {"text/html": "PHNjcmlwdD4="},
        "odd.png": {"image/png": '" onerror="alert(1)'},
        "list.png": ["aGVsbG8="],
    }
    document, rebuilt = read(submitted, tmp_path)
    shown = document["cells"][position(document, written.answer_cell)]
    assert shown["source"] == "x" * MAXIMUM_TEXT
    assert shown["attachments"] == {"plan.png": {"image/png": "aGVsbG8="}}
    assert any(f"has {MAXIMUM_TEXT + 1:,} characters" in finding for finding in rebuilt.findings)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"not json", "not_a_notebook"),
        (b"\xff\xfe\x00garbage", "not_a_notebook"),
        (b"[" * 200_000 + b"]" * 200_000, "not_a_notebook"),
        (b'{"nbformat": 4}', "not_a_notebook"),
        (b'{"cells": "many"}', "not_a_notebook"),
        (b" " * 20_000_001, "too_large"),
    ],
)
def test_files_that_are_no_notebook_get_a_named_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "submission.ipynb"
    path.write_bytes(content)
    with pytest.raises(UnusableNotebook) as caught:
        rebuild(path, RELEASE)
    assert caught.value.reason == reason


def test_damaged_cells_and_lone_surrogates_do_not_stop_the_rest(tmp_path: Path) -> None:
    first = GRADED[0]
    cells = [
        None,
        {"cell_type": "code"},
        {"cell_type": "code", "metadata": [], "source": 5},
        {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": first.answer_cell}}, "source": "x = '\ud800'"},
    ]
    rebuilt = rebuilt_from({"cells": cells}, tmp_path)
    assert next(cell.source for cell in rebuilt.cells if cell.grade_id == first.answer_cell) == "x = '?'"
