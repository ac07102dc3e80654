"""What is kept about answers that have been judged holds exactly as long as nothing changes on which a verdict depends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autograder import paths
from autograder.authoring import judged
from autograder.authoring.source import Source, SourceCell

ITEM = next(item for item in judged.sources() if item.number == "1.1")


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that stands for all code that judges."""
    file = tmp_path / "comparer.py"
    file.write_text("EXACT = True\n", encoding="utf-8")
    monkeypatch.setattr(judged, "harness_files", lambda: [file])
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    judged._harness.cache_clear()
    yield file
    judged._harness.cache_clear()


def changed(item: Source, change: Callable[[SourceCell], SourceCell | None]) -> Source:
    """A notebook of which the first cell that `change` changes is another."""
    cells = list(item.cells)
    for position, cell in enumerate(cells):
        if (new := change(cell)) is not None:
            cells[position] = new
            return replace(item, cells=tuple(cells))
    raise AssertionError("there is no such cell")


@pytest.mark.parametrize("kind", ["answer", "check", "wrong", "right", ""])
def test_code_of_every_kind_is_judged_again(kind: str) -> None:
    other = changed(
        ITEM,
        lambda cell: (
            replace(cell, source=f"{cell.source}\nlater = 1") if (cell.kind, cell.cell_type) == (kind, "code") else None
        ),
    )
    assert not judged.holds(other, {"1.1": judged.digest(ITEM)})


def test_another_reason_is_judged_again() -> None:
    other = changed(
        ITEM,
        lambda cell: replace(cell, metadata=cell.metadata | {"because": "else"}) if cell.kind == "wrong" else None,
    )
    assert not judged.holds(other, {"1.1": judged.digest(ITEM)})


def test_prose_is_not_judged_again() -> None:
    other = changed(ITEM, lambda cell: replace(cell, source="Other words.") if cell.cell_type == "markdown" else None)
    assert judged.holds(other, {"1.1": judged.digest(ITEM)})


def test_a_change_of_the_harness_has_everything_judged_again(harness: Path) -> None:
    kept = {"1.1": judged.digest(ITEM)}
    assert judged.holds(ITEM, kept)
    harness.write_text("EXACT = False\n", encoding="utf-8")
    judged._harness.cache_clear()
    assert not judged.holds(ITEM, kept)
    everything = [cell for _, cell in judged.part(ITEM, "wrong", kept).chosen]
    assert everything == ITEM.of("wrong")


def test_the_harness_is_all_that_judges_and_all_data() -> None:
    files = {path.relative_to(paths.ROOT).as_posix() for path in judged.harness_files()}
    for package in ("checks", "compare", "runtime"):
        own = {path.relative_to(paths.ROOT).as_posix() for path in (paths.ROOT / "autograder" / package).rglob("*.py")}
        assert own <= files
    assert {
        "autograder/authoring/answers.py",
        "autograder/services/api/server.py",
        "datasets/generators/retail.py",
        "datasets/samples/orders.parquet",
        "requirements.lock",
        "tests/authoring/test_course_answers.py",
        "tests/conftest.py",
    } <= files
    imported = {
        module.replace(".", "/")
        for item in judged.sources()
        for cell in item.cells
        if cell.cell_type == "code"
        for module in re.findall(r"^\s*from ((?:autograder|datasets)[\w.]*) import", cell.source, re.MULTILINE)
    }
    assert "autograder/services/client" in imported
    assert {name for name in imported if not files & {f"{name}.py", f"{name}/__init__.py"}} == set()
    assert not any(name.startswith(("autograder/grading/", "autograder/reports/")) for name in files)


@pytest.mark.parametrize("kind", ["wrong", "right", "check"])
def test_a_part_of_what_is_known_is_judged_all_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(judged.EVERYTHING, raising=False)
    kept = {"1.1": judged.digest(ITEM)}
    part = judged.part(ITEM, kind, kept)
    assert 1 <= len(part.chosen) == -(-part.of // judged.PART)
    assert part.of == len(ITEM.of(kind))
    assert part.chosen == judged.part(ITEM, kind, kept).chosen
    monkeypatch.setenv(judged.EVERYTHING, "all")
    assert len(judged.part(ITEM, kind, kept).chosen) == part.of


def test_another_part_is_judged_after_a_change(harness: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(judged.EVERYTHING, raising=False)
    seen = set()
    for number in range(8):
        harness.write_text(f"VERSION = {number}\n", encoding="utf-8")
        judged._harness.cache_clear()
        chosen = judged.part(ITEM, "wrong", {"1.1": judged.digest(ITEM)}).chosen
        seen |= {(cell.exercise, position) for position, cell in chosen}
    assert len(seen) > 2 * len(chosen)


def test_what_is_kept_is_written_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged, "FILE", tmp_path / "answers.json")
    assert judged.read() == {}
    judged.write({"6.1.2": "b", "1.2": "a"})
    assert list(judged.read().items()) == [("1.2", "a"), ("6.1.2", "b")]
