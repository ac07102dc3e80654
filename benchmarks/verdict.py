"""Seconds from a learner's command to its verdict: `course check` of a notebook and of one exercise, and `check()` in a warm notebook.

python benchmarks/verdict.py [--publish]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from publishing import publish, table

from autograder.runtime import verdict_on

RUNS = 3
COURSE = [sys.executable, "-m", "autograder.cli"]


def command_seconds(*arguments: str) -> list[float]:
    """Wall-clock seconds of several runs of one `course` command."""
    seconds = []
    for _ in range(RUNS):
        start = time.monotonic()
        subprocess.run([*COURSE, *arguments], capture_output=True, cwd=Path(__file__).parent.parent, check=False)
        seconds.append(time.monotonic() - start)
    return seconds


def warm_seconds() -> list[float]:
    """Seconds of `check` for an answer to 1.1.1, once Spark runs."""
    from pyspark.sql import functions as F

    def mailing_list(customers):  # type: ignore[no-untyped-def]
        email, year = F.col("email").alias("email_address"), F.year("birth_date").alias("birth_year")
        return customers.select("customer_id", email, year)

    verdict = verdict_on("1.1.1", mailing_list)
    if verdict.status != "passed":
        raise SystemExit(f"The answer that is measured does not pass: {verdict.message}")
    seconds = []
    for _ in range(10):
        start = time.monotonic()
        verdict_on("1.1.1", mailing_list)
        seconds.append(time.monotonic() - start)
    return seconds


def main() -> None:
    """Measure and print; publish on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    measured = {
        "`course check 1.1.1` (kernel, JVM, first exercise)": command_seconds("check", "1.1.1"),
        "`course check 1.1` (the whole notebook)": command_seconds("check", "1.1"),
        "`check(...)` in a running notebook": warm_seconds(),
    }
    rows = [
        [name, f"{statistics.median(values):.2f}", f"{min(values):.2f}", f"{max(values):.2f}"]
        for name, values in measured.items()
    ]
    text = table(["command", "median (s)", "minimum", "maximum"], rows)
    print(text)
    if options.publish:
        publish("verdict", text)


if __name__ == "__main__":
    main()
