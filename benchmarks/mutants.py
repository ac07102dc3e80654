"""How many small mistakes in reference solutions the graders find: per notebook the fates of all mutants.

python benchmarks/mutants.py [NUMBER ...] [--publish] [--judge-nothing] [--deadline SECONDS]

The counts of each exercise are kept in `benchmarks/mutants.json` (see `autograder.authoring.mutants.kept`). Only exercises that have
changed since are judged again, exercise by exercise, and an interrupted run goes on where it was. The table tells which notebooks have
not been judged as they are now.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from publishing import publish, table

from autograder import paths
from autograder.authoring import source
from autograder.authoring.mutants import kept
from autograder.authoring.mutants.judging import WRONG_ANSWER, Fate
from autograder.authoring.mutants.kept import Counts
from autograder.authoring.source import Source

FATES = (Fate.SAMPLE, Fate.HIDDEN, Fate.RAISED, Fate.TIMEOUT, Fate.EQUIVALENT, Fate.SURVIVED)
POLL = 5.0
"""Seconds between two looks at what has been judged."""


def judge(item: Source, exercises: Iterable[str], deadline: float | None) -> Iterator[Counts]:
    """Let `course mutants` judge some exercises of a notebook, and give what it has found from time to time.

    Raises RuntimeError when it gives no result.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "mutants.json")
        command = [sys.executable, "-m", "autograder.cli", "mutants", *exercises, "--json", str(file)]
        command += ["--deadline", str(deadline)] if deadline else []
        with subprocess.Popen(command, cwd=paths.ROOT) as process:
            seen = 0
            while process.poll() is None:
                time.sleep(POLL)
                if file.exists() and (changed := file.stat().st_mtime_ns) != seen:
                    seen = changed
                    yield _so_far(item, file)
        yield _so_far(item, file)
        if not file.exists():
            raise RuntimeError(f"`course mutants {item.number}` gave no result; see above.")


def _so_far(item: Source, file: Path) -> Counts:
    document = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"exercises": []}
    return {entry["id"]: _counted(item, entry) for entry in document["exercises"]}


def _counted(item: Source, entry: Mapping[str, Any]) -> dict[str, Any]:
    fates = Counter(result["fate"] for result in entry["results"] if result["operator"] != WRONG_ANSWER)
    return {
        "digest": kept.digest(item, entry["id"]),
        "fates": {str(fate): fates[fate] for fate in FATES if fates[fate]},
    }


def rows(sources: Iterable[Source], found: Mapping[str, Any]) -> list[list[str]]:
    """One row per notebook and a last one for all that have been judged; answers written by hand are left out."""
    total: Counter[str] = Counter()
    made = []
    for item in sources:
        done = kept.current(item, found)
        if not item.exercises:
            continue
        if len(done) < len(item.exercises):
            made.append([item.number, f"{len(done)} of {len(item.exercises)} exercises judged", *("" for _ in FATES)])
            continue
        counts = Counter[str]()
        for exercise in done:
            counts.update(found[exercise]["fates"])
        total += counts
        made.append([item.number, str(counts.total()), *(str(counts[fate]) for fate in FATES)])
    return [*made, ["all", str(total.total()), *(str(total[fate]) for fate in FATES)]]


def main() -> None:
    """Judge what has changed and print; publish on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*", help="only these notebooks are judged")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    parser.add_argument("--judge-nothing", action="store_true", help="take what is kept")
    parser.add_argument("--deadline", type=float, help="seconds for each case of a mutant")
    options = parser.parse_args()
    sources = source.read_all()
    found = kept.read()
    for item in sources:
        pending = [name for name in item.exercises if name not in kept.current(item, found)]
        if pending and not options.judge_nothing and (not options.numbers or item.number in options.numbers):
            for counts in judge(item, pending, options.deadline):
                found |= counts
                kept.write(found)
    text = table(["notebook", "mutants", *FATES], rows(sources, found))
    print(text)
    if options.publish:
        publish("mutants", text)


if __name__ == "__main__":
    main()
