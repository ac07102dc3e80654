"""PostgreSQL and Kafka are killed in the middle of a Spark write: the patterns of docs/services.md lose and double nothing."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from confluent_kafka import Consumer, TopicPartition
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import paths
from autograder.services import kafka, postgres
from autograder.services.lifeline import Lifeline

ROWS = 2_000
LANDED = """
CREATE TABLE landed (partition INT, kafka_offset BIGINT, order_id BIGINT, PRIMARY KEY (partition, kafka_offset))
"""
QUICK = {"kafka.delivery.timeout.ms": 2500, "kafka.request.timeout.ms": 1000, "kafka.max.block.ms": 2500}


def pattern(name: str) -> Callable[..., None]:
    """A function of the page, as readers copy it."""
    page = (paths.ROOT / "docs" / "services.md").read_text(encoding="utf-8")
    block = re.search(rf"<!-- pattern: {name} -->\n```python\n(.*?)```", page, re.DOTALL)
    assert block
    namespace: dict[str, Any] = {}
    exec(block[1], namespace)
    function: Callable[..., None] = namespace[name]
    return function


def rows(spark: SparkSession, after: Path | None = None) -> DataFrame:
    """Four partitions, two at a time; the last two wait until the file `after` is there, so that there is a middle."""

    def in_two_halves(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            end = time.monotonic() + 60
            while after and (batch["id"] >= ROWS // 2).any() and not after.exists() and time.monotonic() < end:
                time.sleep(0.05)
            yield batch

    made = spark.range(0, ROWS, 1, 4)
    if after:
        made = made.mapInPandas(in_two_halves, "id BIGINT")
    return made.select(F.col("id").alias("order_id"), (F.col("id") % 7).alias("amount"))


def killed_during(write: Callable[[], None], life: Lifeline, half_done: Callable[[], bool], killed: Path) -> None:
    """Run a write, kill the server once half of it is done, and make the file `killed`."""

    def kill() -> None:
        while not half_done():
            time.sleep(0.05)
        os.kill(life.program, signal.SIGKILL)
        time.sleep(0.5)  # PostgreSQL's sessions are processes of their own, and end a moment later
        killed.touch()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises((PySparkException, Py4JJavaError)):
        write()
    killer.join(30)
    assert not killer.is_alive()


def count(database: postgres.Access, table: str) -> tuple[int, int]:
    """Rows and different orders of a table; zeros when there is none."""
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tablename = %s", (table,))
        if cursor.fetchall() == ([0],):
            return 0, 0
        cursor.execute(f"SELECT count(*), count(DISTINCT order_id) FROM {table}")
        found = cursor.fetchall()[0]
        return found[0], found[1]


def make(database: postgres.Access, definition: str) -> None:
    with contextlib.closing(database.connect()) as connection:
        connection.cursor().execute(definition)
        connection.commit()


def test_a_postgres_that_is_killed_loses_and_doubles_nothing_with_a_staging_table(
    spark: SparkSession, folder: Path, tmp_path: Path
) -> None:
    upsert = pattern("upsert")
    first, second = tmp_path / "first", tmp_path / "second"
    with postgres.server(folder) as database:
        make(database, "CREATE TABLE exact (order_id BIGINT PRIMARY KEY, amount BIGINT)")
        make(database, "INSERT INTO exact VALUES (1, 100), (-1, 100)")
        killed_during(
            lambda: (
                rows(spark, first).write.format("jdbc").options(**database.jdbc, dbtable="naive").mode("append").save()
            ),
            database.server.lives[0],
            lambda: count(database, "naive")[0] >= ROWS // 2,
            first,
        )
    with postgres.server(folder) as database:
        # What was committed before the kill is there, so a second try doubles it.
        assert count(database, "naive") == (ROWS // 2, ROWS // 2)
        rows(spark).write.format("jdbc").options(**database.jdbc, dbtable="naive").mode("append").save()
        assert count(database, "naive") == (ROWS + ROWS // 2, ROWS)
        killed_during(
            lambda: upsert(rows(spark, second), database, "exact", ["order_id"]),
            database.server.lives[0],
            lambda: count(database, "exact_staging")[0] >= ROWS // 2,
            second,
        )
    with postgres.server(folder) as database:
        assert count(database, "exact") == (2, 2)
        for _ in range(2):
            upsert(rows(spark), database, "exact", ["order_id"])
            assert count(database, "exact") == (ROWS + 1, ROWS + 1)
        with contextlib.closing(database.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT sum(amount) FROM exact")
            assert cursor.fetchall() == ([100 + sum(number % 7 for number in range(ROWS))],)


def in_topic(servers: str, topic: str) -> int:
    """Records of a topic with one partition."""
    reader = Consumer({"bootstrap.servers": servers, "group.id": "count"})
    try:
        return int(reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1])
    finally:
        reader.close()


def test_a_kafka_that_is_killed_loses_and_doubles_nothing_with_keys_and_offsets(
    spark: SparkSession, folder: Path, tmp_path: Path
) -> None:
    publish, upsert = pattern("publish"), pattern("upsert")
    killed = tmp_path / "killed"
    columns = F.col("order_id").cast("string").alias("key"), F.to_json(F.struct("*")).alias("value")
    keyed = rows(spark).select(*columns)
    with kafka.broker(folder) as broker:
        for topic in ("naive", "exact"):
            kafka.create_topic(spark, broker.servers, topic)
        both = (
            rows(spark, killed).select(*columns).withColumn("topic", F.explode(F.array(F.lit("naive"), F.lit("exact"))))
        )
        writer = both.write.format("kafka").option("kafka.bootstrap.servers", broker.servers).options(**QUICK)
        killed_during(writer.save, broker.life, lambda: in_topic(broker.servers, "exact") >= ROWS // 2, killed)
    with kafka.broker(folder) as broker:
        servers = broker.servers
        assert in_topic(servers, "naive") == in_topic(servers, "exact") == ROWS // 2
        keyed.write.format("kafka").option("kafka.bootstrap.servers", servers).option("topic", "naive").save()
        assert in_topic(servers, "naive") == ROWS + ROWS // 2
        for _ in range(2):
            publish(keyed, servers, "exact")
            assert in_topic(servers, "exact") == ROWS
        with postgres.server() as database:
            make(
                database,
                LANDED,
            )
            reader = spark.read.format("kafka").option("kafka.bootstrap.servers", servers).option("subscribe", "exact")
            landed = reader.load().selectExpr(
                "partition", "offset AS kafka_offset", "CAST(CAST(key AS STRING) AS BIGINT) AS order_id"
            )
            for batch in (landed.where("kafka_offset < 1500"), landed.where("kafka_offset >= 1000")):
                upsert(batch, database, "landed", ["partition", "kafka_offset"])
            assert count(database, "landed") == (ROWS, ROWS)
