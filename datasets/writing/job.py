"""Work of Spark that is watched from outside and ends with Ctrl-C."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator

from pyspark.sql import SparkSession

_POLL_SECONDS = 0.1


def shares_of(spark: SparkSession, work: Callable[[], None]) -> Iterator[float]:
    """Do the work in a thread of its own and say, again and again, which share of its tasks (0 to 1) is done.

    Whatever the work raises is raised here. When the caller stops early, as by Ctrl-C, Spark's jobs are cancelled and the
    thread is waited for.
    """
    context = spark.sparkContext
    group = f"data-{uuid.uuid4().hex}"
    errors: list[BaseException] = []

    def run() -> None:
        try:
            context.setJobGroup(group, "writing a table", interruptOnCancel=True)
            work()
        except BaseException as error:  # handed to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            yield _share_done(spark, group)
            thread.join(_POLL_SECONDS)
    finally:
        while thread.is_alive():
            context.cancelJobGroup(group)
            thread.join(_POLL_SECONDS)
    if errors:
        raise errors[0]


def _share_done(spark: SparkSession, group: str) -> float:
    """Completed tasks of all stages so far, as a share. A later stage makes it fall back; a bar shows that honestly."""
    tracker = spark.sparkContext.statusTracker()
    done = total = 0
    for job in tracker.getJobIdsForGroup(group):
        information = tracker.getJobInfo(job)
        for stage in information.stageIds if information else []:
            found = tracker.getStageInfo(stage)
            if found:
                done += found.numCompletedTasks
                total += found.numTasks
    return done / total if total else 0.0
