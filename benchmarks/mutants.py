"""How many small mistakes in reference solutions the graders find: per notebook the fates of all mutants.

python benchmarks/mutants.py [--publish] [--from FILE ...]

`--from` takes what `course mutants --json FILE` wrote, instead of judging all mutants again, which takes hours. With several
files, notebook by notebook or after repairs, an exercise counts as its last file has it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from publishing import publish, table

from autograder.authoring.mutants.judging import WRONG_ANSWER, Fate

FATES = (Fate.SAMPLE, Fate.HIDDEN, Fate.RAISED, Fate.TIMEOUT, Fate.EQUIVALENT, Fate.SURVIVED)
ROOT = Path(__file__).resolve().parent.parent


def judged() -> dict[str, Any]:
    """What `course mutants` finds out about the whole course."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "mutants.json")
        subprocess.run([sys.executable, "-m", "autograder.cli", "mutants", "--json", str(file)], cwd=ROOT, check=False)
        return dict(json.loads(file.read_text(encoding="utf-8")))


def together(files: list[Path]) -> dict[str, Any]:
    """The exercises of several runs, each as the last file has it, in course order."""
    found: dict[str, Any] = {}
    for file in files:
        found |= {exercise["id"]: exercise for exercise in json.loads(file.read_text(encoding="utf-8"))["exercises"]}
    return {"exercises": sorted(found.values(), key=lambda exercise: [int(part) for part in exercise["id"].split(".")])}


def rows(found: dict[str, Any]) -> list[list[str]]:
    """One row per notebook and a last one for all of them; answers written by hand are left out."""
    fates: dict[str, Counter[str]] = {}
    for exercise in found["exercises"]:
        notebook = exercise["id"].rpartition(".")[0]
        fates.setdefault(notebook, Counter()).update(
            result["fate"] for result in exercise["results"] if result["operator"] != WRONG_ANSWER
        )
    total = sum(fates.values(), Counter())
    named = [*fates.items(), ("all", total)]
    return [[name, str(counts.total()), *(str(counts[fate]) for fate in FATES)] for name, counts in named]


def main() -> None:
    """Judge and print; publish on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    parser.add_argument("--from", dest="files", nargs="+", type=Path, help="files that `course mutants --json` wrote")
    options = parser.parse_args()
    text = table(["notebook", "mutants", *FATES], rows(together(options.files) if options.files else judged()))
    print(text)
    if options.publish:
        publish("mutants", text)


if __name__ == "__main__":
    main()
