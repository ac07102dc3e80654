"""What Spark remembers of the SQL executions of a session."""

from __future__ import annotations

from typing import Any


def executions(spark: Any) -> Any:
    """The SQL executions, oldest first, as a Java list; None without a classic session."""
    if spark is None or not hasattr(spark, "_jsparkSession"):
        return None
    # Listener events arrive asynchronously; without waiting, the last action would be missed.
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    found = spark._jsparkSession.sharedState().statusStore().executionsList()
    return as_java(spark, found)


def last_execution(spark: Any) -> int:
    """The id of the newest SQL execution, -1 when there is none."""
    found = executions(spark)
    return int(found.get(found.size() - 1).executionId()) if found else -1


def executions_after(last: int, spark: Any) -> list[Any]:
    """The executions that are newer than the one of an id, newest first."""
    found = executions(spark)
    newer = []
    for position in reversed(range(found.size() if found else 0)):
        execution = found.get(position)
        if execution.executionId() <= last:
            break
        newer.append(execution)
    return newer


def as_java(spark: Any, collection: Any) -> Any:
    """A Scala collection as a Java one, which py4j can walk through."""
    return spark._jvm.scala.jdk.javaapi.CollectionConverters.asJava(collection)
