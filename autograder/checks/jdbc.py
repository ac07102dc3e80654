"""What Spark's JDBC source read: asked of plans, and of the metrics of what has run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograder.checks.executions import as_java, executions_after
from autograder.checks.scans import initial_plan, nodes

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ROWS = "number of output rows"


def read_partitions(frame: DataFrame) -> int:
    """Into how many partitions the JDBC scans in the plan of a DataFrame are cut, all scans added up."""
    relations = (
        node.relation()
        for node in nodes(initial_plan(frame))
        if node.getClass().getSimpleName() == "RowDataSourceScanExec"
    )
    return sum(len(found.parts()) for found in relations if found.getClass().getSimpleName() == "JDBCRelation")


def largest_share(frame: DataFrame) -> float:
    """The part of a DataFrame's rows that lies in its largest partition, from 0 to 1. Runs a job."""
    from pyspark.sql import functions as F

    counts = [row["count"] for row in frame.groupBy(F.spark_partition_id()).count().collect()]
    return max(counts) / sum(counts) if counts else 0.0


def rows_after(last: int, spark: Any) -> int:
    """How many rows the JDBC scans of the SQL executions after a given one have received."""
    store = spark._jsparkSession.sharedState().statusStore()
    received = 0
    for execution in executions_after(last, spark):
        metrics = store.executionMetrics(execution.executionId())
        for node in as_java(spark, store.planGraph(execution.executionId()).allNodes()):
            if node.name().startswith(("Scan JDBCRelation", "Scan JDBC v1 Relation")):
                for metric in as_java(spark, node.metrics()):
                    value = metrics.get(metric.accumulatorId())
                    if metric.name() == _ROWS and value.isDefined():
                        received += int(value.get().replace(",", ""))
    return received
