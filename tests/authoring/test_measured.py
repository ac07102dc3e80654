"""Cells that measure the machine run, but what they print is neither stored nor compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.authoring import notebooks, source
from autograder.authoring.execute import TwinFailed, execute
from autograder.authoring.notebooks import MEASURED_TAG

TEXT = """
# %% [markdown]
# # 9.1 Clocks
#
# **Time:** 45 minutes

# %% measured=true
import time
print(time.time())
later = 7

# %%
print(later)
"""


def built(folder: Path, text: str = TEXT) -> dict[str, list[str]]:
    """What the cells of a notebook printed, by their first line."""
    path = folder / "9.1_clocks.py"
    path.write_text(text.lstrip(), encoding="utf-8")
    item = source.read(path)
    twin = execute(notebooks.twin(item, None, None), item.name, folder, folder)
    return {
        cell.source.splitlines()[0]: [output.text for output in cell.outputs]
        for cell in twin.cells
        if cell.cell_type == "code"
    }


def test_a_measured_cell_runs_and_leaves_no_output(tmp_path: Path) -> None:
    assert built(tmp_path) == {"import time": [], "print(later)": ["7\n"]}
    unmarked = built(tmp_path, TEXT.replace(" measured=true", ""))
    assert len(unmarked["import time"]) == 1


def test_nbval_is_told_not_to_compare_it(tmp_path: Path) -> None:
    path = tmp_path / "9.1_clocks.py"
    path.write_text(TEXT.lstrip(), encoding="utf-8")
    twin = notebooks.twin(source.read(path), None, None)
    tagged = [cell.source for cell in twin.cells if MEASURED_TAG in cell.metadata.get("tags", ())]
    assert [text.splitlines()[0] for text in tagged] == ["import time"]
    kept = [cell.metadata.get("tags") for cell in notebooks.learner(twin).cells if "time.time" in cell.source]
    assert kept == [[MEASURED_TAG]]


def test_a_measured_cell_that_fails_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(TwinFailed):
        built(tmp_path, TEXT.replace("later = 7", "later = 1 / 0"))
