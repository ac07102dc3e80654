"""Where things are. Every path of the course is derived here and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("COURSE_ROOT") or Path(__file__).resolve().parent.parent)
"""The repository (or a learner's release of it)."""

MODULES = ROOT / "modules"
SOLUTIONS = ROOT / "solutions"
SAMPLES = ROOT / "datasets" / "samples"
REFERENCES = ROOT / "autograder" / "references"
"""Expected outputs on the sample data, `<exercise id>.parquet` or `.json`; learners have them too."""

MANIFEST = ROOT / "autograder" / "manifest.json"

STATE = Path(os.environ.get("COURSE_STATE") or ROOT / ".course")
"""What set-up and the learner's own work leave behind: jars, Spark configuration, progress, backups. Not in git."""


def hidden_folder(assignment: str, notebook: str) -> Path:
    """Hidden variants of one notebook: `index.json` and content-addressed Parquet or JSON files. Never released."""
    return SOLUTIONS / assignment / "hidden" / notebook
