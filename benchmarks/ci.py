"""How long `.ci/run` takes, and its parts.

python benchmarks/ci.py [LOG] [--publish]

Runs `.ci/run`, which installs what is missing and takes most of an hour, or reads what a run has printed: each line of that begins with
the minutes and seconds since the start.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from publishing import publish, table

from autograder import paths

PARTS = (
    ("packages and jars", r""),
    ("Java's classes, beside lint, types and `course verify`", r"Set-up is complete"),
    ("every notebook once (nbval)", r".*--nbval"),
    ("`course build --check`", r"\.venv/bin/course build --check"),
    ("tests", r"\.venv/bin/python -m pytest"),
)
"""What a part is, and how the line begins with which it begins."""

LINE = re.compile(r" *(\d+):(\d\d)  (.*)")
CLOSING = re.compile(r"=+ (\d+) passed.* in [\d.]+s")


def seconds_of(lines: Iterable[str]) -> tuple[list[float], int]:
    """Seconds of each part, and how many cells and tests passed. Raises ValueError when the run did not end well."""
    begun: list[float] = []
    now, passed, closed = 0, 0, 0
    for line in lines:
        if not (stamped := LINE.match(line)):
            continue
        now = 60 * int(stamped[1]) + int(stamped[2])
        while len(begun) < len(PARTS) and re.match(PARTS[len(begun)][1], stamped[3]):
            begun.append(now)
        if found := CLOSING.match(stamped[3]):
            passed, closed = passed + int(found[1]), closed + 1
    if len(begun) < len(PARTS) or closed < 2:
        raise ValueError("That is no log of a run that ended well: a part or a closing line is missing.")
    return [end - start for start, end in zip(begun, [*begun[1:], now], strict=True)], passed


def main() -> None:
    """Run or read, and print; publish on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", nargs="?", type=Path, help="what a run has printed")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    if options.log:
        text = options.log.read_text(encoding="utf-8")
    else:
        text = subprocess.run(
            ["bash", ".ci/run"], cwd=paths.ROOT, stdout=subprocess.PIPE, text=True, check=False
        ).stdout
    try:
        seconds, passed = seconds_of(text.splitlines())
    except ValueError as error:
        sys.exit(str(error))
    rows = [[name, f"{part / 60:.1f}"] for (name, _), part in zip(PARTS, seconds, strict=True)]
    found = table(["part", "minutes"], [*rows, [f"all: {passed:,} cells and tests passed", f"{sum(seconds) / 60:.1f}"]])
    print(found)
    if options.publish:
        publish("ci", found)


if __name__ == "__main__":
    main()
