"""Judge every wrong and right answer of the notebooks that have changed, and keep that it was done.

python benchmarks/answers.py [--all] [--say]

What is kept, and what it is good for: `autograder.authoring.judged`. `--all` judges what has not changed, too; `--say` only says what a
run of the tests would judge. Two processes, as CI has.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from autograder import paths
from autograder.authoring import judged
from autograder.authoring.source import Source

KINDS = ("wrong", "right")


def state(found: Mapping[str, str]) -> str:
    """What a run of the tests judges, in one sentence."""
    parts = [judged.part(item, kind, found) for item in judged.sources() for kind in KINDS]
    chosen, total = sum(len(part.chosen) for part in parts), sum(part.of for part in parts)
    changed = ", ".join(item.number for item in judged.sources() if not judged.holds(item, found))
    why = (
        f"all those of {changed}, changed since they were judged"
        if changed
        else "nothing has changed since all were judged"
    )
    return f"{chosen:,} of {total:,} wrong and right answers will be judged: {why}."


def judge(items: Sequence[Source]) -> bool:
    """Run the tests of all answers of some notebooks. Whether all fared as they say."""
    numbers = " or ".join(f"[{item.number}." for item in items)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--numprocesses",
        "2",
        "--dist",
        "loadscope",
        "--no-loadscope-reorder",
        "-k",
        numbers,
    ]
    everything = os.environ | {judged.EVERYTHING: "all"}
    return subprocess.run([*command, str(judged.TESTS)], cwd=paths.ROOT, env=everything, check=False).returncode == 0


def main() -> None:
    """Judge and keep, or say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="also what has not changed")
    parser.add_argument("--say", action="store_true", help="judge nothing")
    options = parser.parse_args()
    found = judged.read()
    if options.say:
        print(state(found))
        return
    items = [item for item in judged.sources() if options.all or not judged.holds(item, found)]
    before = {item.number: judged.digest(item) for item in items}
    if items and not judge(items):
        sys.exit("Not all answers fare as they say; see above. Nothing is kept.")
    judged.write(found | before)
    print(state(judged.read()))


if __name__ == "__main__":
    main()
