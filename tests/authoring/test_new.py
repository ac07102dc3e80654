"""What `course new` writes builds, verifies clean, and is never written over something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder import manifest
from autograder.authoring import source
from autograder.authoring.new import NotCreated, new
from autograder.authoring.verify import verify

FILE = "solutions/02_joins_windows_udfs/2.1_joins_sets_duplicates.py"


def test_a_new_notebook_builds_and_verifies_clean(new_course: Path) -> None:
    assert [str(finding) for finding in verify(new_course)] == []
    notebook = manifest.notebooks(new_course / "autograder" / "manifest.json")[0]
    assert [spec.id for spec in notebook.exercises] == [f"2.1.{number}" for number in range(1, 8)]
    assert sum(spec.points for spec in notebook.exercises) == 11
    assert (new_course / FILE).is_file()


def test_the_title_and_what_came_before_are_in_the_heading(tmp_path: Path) -> None:
    new("1.4", "Spark SQL", "01_dataframes", root=tmp_path)
    path = new("2.10", "Joins:  an `example`", "02_joins", root=tmp_path)
    item = source.read(path)
    assert path == tmp_path / "solutions" / "02_joins" / "2.10_joins_an_example.py"
    assert item.title == "Joins: an `example`"
    assert "**Before this:** 1.4" in item.cells[0].source


def test_the_folder_of_the_module_is_found(tmp_path: Path) -> None:
    first = new("3.1", "Reading", "03_ingestion", root=tmp_path)
    assert new("3.2", "Writing", root=tmp_path).parent == first.parent


@pytest.mark.parametrize(
    ("number", "title", "module", "message"),
    [
        ("3.1", "Something else", "", "3.1 is already there"),
        ("3.1", "Reading", "03_other", "3.1 is already there"),
        ("4.1", "Delta", "", "say which with `--module 04_topic`"),
        ("4.1", "Delta", "03_ingestion", "name a folder such as 04_topic"),
        ("4.1", "Delta", "04_x/../../..", "name a folder such as 04_topic"),
        ("four", "Delta", "04_delta", "no notebook number"),
        ("4.1", " ,", "04_delta", "title needs words"),
    ],
)
def test_what_cannot_be_created_is_refused(tmp_path: Path, number: str, title: str, module: str, message: str) -> None:
    path = new("3.1", "Reading", "03_ingestion", root=tmp_path)
    path.write_text("the author's work", encoding="utf-8")
    with pytest.raises(NotCreated, match=message):
        new(number, title, module, root=tmp_path)
    assert path.read_text(encoding="utf-8") == "the author's work"
    assert [found.name for found in tmp_path.rglob("*.py")] == ["3.1_reading.py"]
