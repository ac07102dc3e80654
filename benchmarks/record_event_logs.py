"""Records the event logs of `datasets/recorded/`: two real runs of Spark with little memory, shortened to what notebook 2.5 reads.

    python benchmarks/record_event_logs.py

Every number in the files was measured by Spark in these runs. What is left out: events and fields that the notebook does not read, so that
a line fits on a screen. A second recording has other times and other sizes of spills; the expected answers of 2.5 must then be built again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from autograder import paths
from datasets import generate
from datasets.catalog import table

RECORDED = paths.ROOT / "datasets" / "recorded"
HIDDEN = paths.SOLUTIONS / "02_joins_windows_udfs" / "recorded"
ROWS = "300k"
FILES = 6

KEPT: dict[str, Any] = {
    "SparkListenerApplicationStart": {"App Name": True, "Timestamp": True},
    "SparkListenerEnvironmentUpdate": {
        "Spark Properties": ("spark.master", "spark.sql.shuffle.partitions", "spark.memory.fraction")
    },
    "SparkListenerJobStart": {"Job ID": True, "Submission Time": True, "Stage IDs": True},
    "SparkListenerStageCompleted": {
        "Stage Info": ("Stage ID", "Stage Attempt ID", "Number of Tasks", "Submission Time", "Completion Time")
    },
    "SparkListenerTaskEnd": {
        "Stage ID": True,
        "Task End Reason": ("Reason", "Class Name"),
        "Task Info": ("Task ID", "Index", "Attempt", "Launch Time", "Finish Time", "Failed"),
        "Task Metrics": {
            "Executor Run Time": True,
            "JVM GC Time": True,
            "Memory Bytes Spilled": True,
            "Disk Bytes Spilled": True,
            "Input Metrics": ("Bytes Read", "Records Read"),
            "Shuffle Read Metrics": ("Local Bytes Read", "Total Records Read"),
            "Shuffle Write Metrics": ("Shuffle Bytes Written", "Shuffle Records Written"),
        },
    },
    "SparkListenerJobEnd": {"Job ID": True, "Completion Time": True},
    "SparkListenerApplicationEnd": {"Timestamp": True},
}
"""Event → fields that stay: True for a field as it is, names or a dictionary for what stays inside."""


def kept(document: dict[str, Any], wanted: Any) -> dict[str, Any]:
    """The fields of a JSON object that `wanted` names, in the order of the log."""
    fields = dict.fromkeys(wanted, True) if isinstance(wanted, tuple) else wanted
    return {
        name: value if fields[name] is True else kept(value, fields[name])
        for name, value in document.items()
        if name in fields
    }


def shortened(lines: Iterator[str]) -> Iterator[str]:
    """The lines of an event log that notebook 2.5 reads, each with the fields that it reads."""
    for line in lines:
        event = json.loads(line)
        if event["Event"] in KEPT:
            yield json.dumps({"Event": event["Event"], **kept(event, KEPT[event["Event"]])})


def record(name: str, folder: Path, job: Callable[[SparkSession, str], DataFrame], memory: str) -> Path:
    """Run a job in a Spark of its own with an event log. Returns the log."""
    session = (
        SparkSession.builder.master("local[2,3]")
        .appName(name)
        .config("spark.eventLog.enabled", "true")
        .config("spark.eventLog.dir", folder.as_uri())
        .config("spark.eventLog.rolling.enabled", "false")
        .config("spark.eventLog.compress", "false")
        .config("spark.memory.fraction", memory)
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.files.maxPartitionBytes", "4m")
        .getOrCreate()
    )
    before = set(folder.iterdir())
    job(session, str(folder.parent / "trips")).write.format("noop").mode("overwrite").save()
    session.stop()
    (log,) = set(folder.iterdir()) - before
    return log


def checked(number: int) -> int:
    """The number itself; the first attempt of partition 2 fails, as on a worker with a bad disk."""
    context = TaskContext.get()
    if context and context.partitionId() == 2 and context.attemptNumber() == 0:
        raise OSError("input/output error")
    return number


def stored(spark: SparkSession, folder: str) -> DataFrame:
    """The trips as files. The schema is given, so that no job has to look for it."""
    return spark.read.schema(table("trips").schema).parquet(folder)


def ranked(spark: SparkSession, trips: str) -> DataFrame:
    """The trips of each pickup zone in the order of their total: busy zones make one large sort."""
    dearest = Window.partitionBy("pickup_zone_id").orderBy(F.desc("total_amount"), "trip_id")
    read = stored(spark, trips).withColumn("pickup_zone_id", F.udf(checked, "int")("pickup_zone_id"))
    numbered = read.withColumn("rank", F.row_number().over(dearest)).filter("rank % 2 = 0")
    return numbered.groupBy("vendor_id").agg(F.sum("total_amount").alias("total"))


def counted(spark: SparkSession, trips: str) -> DataFrame:
    """Trips and tips by hour, for card payments: small sums, no large sort."""
    read = stored(spark, trips).withColumn("payment_type", F.udf(checked, "int")("payment_type"))
    hours = read.filter("payment_type = 1").groupBy("pickup_zone_id", F.hour("pickup_ts").alias("hour"))
    sums = hours.agg(F.sum("tip_amount").alias("tips"), F.count("*").alias("trips"))
    return sums.orderBy(F.desc("tips"))


def main() -> None:
    """Record both logs."""
    with tempfile.TemporaryDirectory(prefix="course-record-") as temporary:
        folder = Path(temporary)
        (folder / "logs").mkdir()
        spark = SparkSession.builder.master("local[2]").getOrCreate()
        generate(spark, "trips", scale=ROWS).repartition(FILES).write.parquet(str(folder / "trips"))
        spark.stop()
        for target, job, memory in (
            (RECORDED / "event_log.jsonl", ranked, "0.03"),
            (HIDDEN / "event_log_without_spill.jsonl", counted, "0.6"),
        ):
            log = record(job.__name__, folder / "logs", job, memory)
            target.parent.mkdir(exist_ok=True)
            with log.open(encoding="utf-8") as lines:
                target.write_text("\n".join(shortened(lines)) + "\n", encoding="utf-8")
            print(f"{target.relative_to(paths.ROOT)}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
