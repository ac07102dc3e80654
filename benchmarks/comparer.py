"""How long comparing two DataFrames takes: this course's comparer, chispa and `pyspark.testing.assertDataFrameEqual`.

The same shuffled rows of six columns (long, long, string, double, timestamp, array of int) are compared by each in
turn, in one run on one Spark session, from Parquet files to the verdict "equal". Memory is the peak of the resident
memory of this process and its JVM above what they held just before.

    python benchmarks/comparer.py [--rows 1000000] [--json]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import psutil
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from publishing import publish, table

from autograder.compare import Frame, compare_frames

SAMPLE_SECONDS = 0.05
WARM_UP_ROWS = 100_000
"""Enough for the JVM to compile what each way runs."""


@dataclass(frozen=True)
class Measurement:
    """One way of comparing.

    `seconds` are by the clock, `processor_seconds` those of all threads of Python and the JVM, which other work on the
    machine hardly changes. `ratio` and `processor_ratio` say how many times ours they are. `additional_megabytes` (10^6
    bytes) are at the peak.
    """

    name: str
    seconds: float
    ratio: float
    processor_seconds: float
    processor_ratio: float
    additional_megabytes: float


class PeakMemory:
    """Samples the resident memory of this process and its JVM while the block runs; `additional_bytes` is
    peak minus start."""

    def __enter__(self) -> PeakMemory:
        # Looking for children anew at each sample would cost more than some of what is measured; the JVM runs already.
        self._processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        self._start = self._peak = self._resident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        self._peak = max(self._peak, self._resident())

    @property
    def additional_bytes(self) -> int:
        """The peak above the start."""
        return self._peak - self._start

    def _resident(self) -> int:
        total = 0
        for process in self._processes:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            self._peak = max(self._peak, self._resident())


def processor_seconds() -> float:
    """What this process and its children have used of the processors so far."""
    times = [process.cpu_times() for process in [psutil.Process(), *psutil.Process().children(recursive=True)]]
    return float(sum(one.user + one.system for one in times))


def session() -> SparkSession:
    """Two cores and 4 GB for the driver."""
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master("local[2]")
        .appName("comparer benchmark")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.maxResultSize", "4g")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def write_rows(spark: SparkSession, rows: int, order: int, path: Path) -> None:
    """The same rows for every `order`, shuffled by it."""
    spark.range(rows).select(
        "id",
        F.pmod(F.xxhash64("id"), F.lit(1_000)).alias("customer"),
        F.concat(F.lit("product "), (F.col("id") % 5_000).cast("string")).alias("product"),
        (F.pmod(F.xxhash64("id", F.lit(1)), F.lit(1_000_000)) / 7).alias("amount"),
        F.timestamp_seconds(F.lit(1_700_000_000) + F.col("id")).alias("sold_at"),
        F.array((F.col("id") % 10).cast("int"), (F.col("id") % 7).cast("int")).alias("sizes"),
    ).orderBy(F.xxhash64("id", F.lit(order))).write.parquet(str(path))


def ours(actual: DataFrame, expected: DataFrame) -> None:
    """Capture both sides and compare them."""
    difference = compare_frames(Frame.from_spark(actual), Frame.from_spark(expected))
    assert difference.equal, difference


def with_chispa(actual: DataFrame, expected: DataFrame) -> None:
    """chispa with each of its options that a grader needs."""
    from chispa import assert_df_equality

    assert_df_equality(
        actual,
        expected,
        ignore_row_order=True,
        ignore_column_order=True,
        ignore_nullable=True,
        allow_nan_equality=True,
    )


def with_pyspark(actual: DataFrame, expected: DataFrame) -> None:
    """Spark's own function with its defaults, which ignore the order of rows."""
    from pyspark.testing import assertDataFrameEqual

    assertDataFrameEqual(actual, expected)


WAYS: tuple[tuple[str, Callable[[DataFrame, DataFrame], None]], ...] = (
    ("this course", ours),
    ("chispa", with_chispa),
    ("assertDataFrameEqual", with_pyspark),
)


def measure(rows: int) -> list[Measurement]:
    """Measure each way once, after each has compared a tenth of a million rows to warm up."""
    spark = session()
    with tempfile.TemporaryDirectory() as folder:
        inputs = []
        for size in (WARM_UP_ROWS, rows):
            paths = [Path(folder, f"{size}-{order}") for order in (1, 2)]
            for order, path in enumerate(paths):
                write_rows(spark, size, order, path)
            inputs.append([str(path) for path in paths])
        for _, compare in WAYS:
            compare(*(spark.read.parquet(path) for path in inputs[0]))
        figures = []
        for name, compare in WAYS:
            gc.collect()
            java = spark.sparkContext._jvm
            assert java is not None
            java.System.gc()
            with PeakMemory() as memory:
                start, start_processor = time.perf_counter(), processor_seconds()
                compare(*(spark.read.parquet(path) for path in inputs[1]))
                seconds, processor = time.perf_counter() - start, processor_seconds() - start_processor
            figures.append((name, seconds, processor, memory.additional_bytes))
    spark.stop()
    _, fastest, least, _ = figures[0]
    return [
        Measurement(name, seconds, seconds / fastest, processor, processor / least, size / 1e6)
        for name, seconds, processor, size in figures
    ]


def _page(rows: int, measurements: list[Measurement]) -> str:
    """The figures as Markdown."""
    header = ["comparer", "seconds", "times ours", "CPU seconds", "times ours (CPU)", "additional memory (MB)"]
    lines = [
        [one.name, f"{one.seconds:.1f}", f"{one.ratio:.1f}", f"{one.processor_seconds:.1f}", f"{one.processor_ratio:.1f}",
         f"{one.additional_megabytes:.0f}"]
        for one in measurements
    ]  # fmt: skip
    return f"{rows:,} rows:\n\n{table(header, lines)}"


def main() -> None:
    """Print a table, or JSON with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows on each side (default: 1000000)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    measurements = measure(options.rows)
    if options.publish:
        publish("comparer", _page(options.rows, measurements))
    if options.json:
        print(json.dumps({"rows": options.rows, "columns": 6, "measurements": [asdict(one) for one in measurements]}))
        return
    print(f"{options.rows:,} shuffled rows, 6 columns\n")
    print(f"{'':22}{'seconds':>10}{'ratio':>8}{'CPU seconds':>14}{'ratio':>8}{'additional MB':>16}")
    for one in measurements:
        clock, processor = (
            f"{one.seconds:10.2f}{one.ratio:8.1f}",
            f"{one.processor_seconds:14.2f}{one.processor_ratio:8.1f}",
        )
        print(f"{one.name:22}{clock}{processor}{one.additional_megabytes:16.0f}")


if __name__ == "__main__":
    main()
