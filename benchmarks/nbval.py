"""How long nbval takes for all solution notebooks, in two processes, as in CI.

python benchmarks/nbval.py [--publish]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time

from publishing import publish, table

from autograder import paths
from autograder.authoring import source


def main() -> None:
    """Measure and print; publish on request. Nothing is published when a cell fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    start = time.monotonic()
    done = subprocess.run(["make", "nbval"], cwd=paths.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - start
    print(done.stdout)
    passed = re.search(r"(\d+) passed in ", done.stdout)
    if done.returncode or not passed:
        raise SystemExit("A notebook does not run as it should; see above. Nothing was published.")
    row = [str(len(source.find(paths.SOLUTIONS))), passed[1], f"{seconds / 60:.1f}"]
    text = table(["notebooks", "cells", "minutes"], [row])
    print(text)
    if options.publish:
        publish("nbval", text)


if __name__ == "__main__":
    main()
