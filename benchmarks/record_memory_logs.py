"""Records the logs in `datasets/recorded/memory_*.txt`: five ways to run out of memory, each in a Spark of its own that really does.

    python benchmarks/record_memory_logs.py [NAME ...]

Each case runs in a new process, the third on a standalone cluster. Of what Spark prints, warnings, errors and the beginnings of traces
stay; times, paths, numbers of processes and addresses are replaced, repeated lines are left out, and of each trace three frames stay.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from autograder import paths
from autograder.services import spark as standalone

RECORDED = paths.ROOT / "datasets" / "recorded"
MAXIMUM_LINES = 24
MAXIMUM_WIDTH = 400
FRAMES = 3

BEGINNING = """
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
spark = SparkSession.builder.appName("memory").getOrCreate()
"""


@dataclass(frozen=True)
class Case:
    """A program that runs out of memory; `cluster` runs it on a master with two workers instead of in one process."""

    program: str
    settings: dict[str, str] = field(default_factory=dict)
    cluster: bool = False


ONE_GROUP = """
codes = F.repeat(F.sha2(F.col("id").cast("string"), 256), 100)
spark.range(400_000).groupBy((F.col("id") % 1).alias("zone")).agg(F.collect_list(codes).alias("codes")).select(F.size("codes")).collect()
"""
"""1.3 GB of text in one group, which `collect_list` must hold at once."""

COPIED = """
key = F.col("id").cast("string")
large = spark.range(400_000).select(key.alias("key"), F.repeat(F.substring(key, 1, 1), 2000).alias("text"))
spark.range(10).select(key.alias("key")).join(F.broadcast(large), "key").collect()
"""
"""Text that is packed well: the driver can fetch it, but not unpack it into the table that is copied."""

CASES = {
    "result": Case(
        "spark.range(3_000_000).select(F.sha2(F.col('id').cast('string'), 256).alias('code')).collect()",
        {"spark.driver.memory": "1g", "spark.driver.maxResultSize": "16m"},
    ),
    "local_heap": Case(ONE_GROUP, {"spark.driver.memory": "512m"}),
    "executor_heap": Case(
        ONE_GROUP,
        {"spark.driver.memory": "512m", "spark.executor.memory": "512m", "spark.task.maxFailures": "2"},
        cluster=True,
    ),
    "broadcast": Case(COPIED, {"spark.driver.memory": "512m"}),
    "python": Case(
        "import pandas as pd\n"
        "def widened(zone: pd.DataFrame) -> pd.DataFrame:\n"
        "    return zone.merge(zone, on='zone')[['zone']].head(1)\n"
        "trips = spark.range(40_000).select(F.lit(31).alias('zone'), 'id')\n"
        "trips.groupBy('zone').applyInPandas(widened, 'zone int').collect()",
        {"spark.driver.memory": "1g", "spark.executor.pyspark.memory": "1g"},
    ),
}

LOGGING = """
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c{1}: %m%n%ex
"""

REPLACED = [
    (re.compile(r"\(TID \d+\)"), "(TID N)"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?"), "HOST"),
    (re.compile(r"localhost"), "HOST"),
    (re.compile(r"app-\d+-\d+|local-\d+"), "APPLICATION"),
    (re.compile(r"(/[\w.+-]+){2,}/"), ".../"),
    (re.compile(r"\[plan_id=\d+\]"), "[plan_id=N]"),
    (re.compile(r"#\d+L?"), "#N"),
]
DROPPED = re.compile(
    r"NativeCodeLoader|SparkEnv: Exception|BlockManager|ShutdownHook|WARNING: |loopback|LOCAL_IP|Setting default log|"
    r"To adjust logging|Using Spark's default|Utils: Service|NettyRpc|Dispatcher|JavaUtils|"
    r"SQLQueryContext|DataFrameQueryContext|^\s*$|^\s+\^+\s*$|^\{|MetricsSystem"
)


def run(case: Case, folder: Path) -> str:
    """What the program prints, with the traceback of the error that ends it."""
    configuration = folder / "conf"
    configuration.mkdir()
    (configuration / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
    with ExitStack() as stack:
        master = stack.enter_context(standalone.cluster(folder / "cluster")).master if case.cluster else "local[2]"
        settings = {
            "spark.master": master,
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
            "spark.executor.extraJavaOptions": "-XX:+UseSerialGC",
            **case.settings,
        }
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        (configuration / "spark-defaults.conf").write_text(lines, encoding="utf-8")
        environment = {
            **os.environ,
            "SPARK_CONF_DIR": str(configuration),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        done = subprocess.run(
            [sys.executable, "-c", BEGINNING + case.program],
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
            timeout=400,
            check=False,
        )
    if done.returncode == 0:
        raise RuntimeError("The program ended without an error: give it less memory.")
    return done.stdout + done.stderr


def shortened(text: str) -> Iterator[str]:
    """The lines that say something, each once, without what differs from run to run."""
    seen: set[str] = set()
    frames = 0
    for line in text.splitlines():
        frames = frames + 1 if line.lstrip().startswith(("at ", "File ")) else 0
        if frames > FRAMES or DROPPED.search(line) or "spark-class" in line:
            continue
        for pattern, stand_in in REPLACED:
            line = pattern.sub(stand_in, line)
        line = line.rstrip()[:MAXIMUM_WIDTH]
        if line.strip() not in seen:
            seen.add(line.strip())
            yield line


def main() -> None:
    """Record the cases that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--raw", type=Path, help="a folder for the whole outputs")
    options = parser.parse_args()
    RECORDED.mkdir(exist_ok=True)
    for name in options.names or CASES:
        with tempfile.TemporaryDirectory(prefix="course-record-") as folder:
            text = run(CASES[name], Path(folder))
        if options.raw:
            (options.raw / f"{name}.txt").write_text(text, encoding="utf-8")
        lines = list(shortened(text))[:MAXIMUM_LINES]
        (RECORDED / f"memory_{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{name}: {len(text.splitlines())} lines, {len(lines)} kept")


if __name__ == "__main__":
    main()
