"""Finds what honest answers have no use for in learners' code. It changes no mark; a person may want to look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from autograder.grading.rebuild import RebuiltCell

_SIGNS = {
    "the grader's own modules": r"\bautograder\.(?:checks|compare|grading|render|runtime\.\w)",
    "the folder of the task": r"['\"]/task\b",
    "processes by /proc": r"['\"]/proc/",
    "frames of its callers": r"\b_getframe\b|\binspect\.(?:stack|currentframe)\b",
    "all objects in memory": r"\bgc\.get_(?:objects|referrers)\b",
    "transformers of later cells": r"\b(?:ast|input)_transformers\w*\b",
    "the shell's own methods": r"\brun_cell\b|\brun_code\b|\bdisplayhook\b",
    "assertions of test libraries": r"\bassert(?:DataFrame|Schema)Equal['\"]?\s*[,=)](?!=)|\bAssertionError\s*=[^=]",
    "C libraries": r"\bctypes\b",
    "processes": r"\bos\.(?:_exit|fork|kill|killpg)\b|\bgetRuntime\b",
}


def suspicions(cells: Sequence[RebuiltCell]) -> Iterable[str]:
    """Sentences about what the learner's own cells reach for."""
    own = [cell.source for cell in cells if cell.origin == "learner" or (cell.origin == "answer" and cell.edited)]
    found = [what for what, sign in _SIGNS.items() if any(re.search(sign, source) for source in own)]
    if found:
        yield f"The learner's code reaches for {', '.join(found)}. No mark depends on this; please look at it."
