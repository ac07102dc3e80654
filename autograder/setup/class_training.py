"""Loads the classes that notebooks use, so that Java can archive them at its end. Run by `java_start`, in a scratch folder.

    python -m autograder.setup.class_training COMMAND

`COMMAND` is a JSON list: the JVM's arguments. What this program computes does not matter, only what Spark needs for it:
reading and writing Parquet, JSON, CSV and Delta tables, joins, windows, nested values, SQL, streams, Arrow.
"""

from __future__ import annotations

import json
import sys

from autograder.setup.java_process import JavaProcess


def main() -> None:
    """Start the JVM, use it, let it end by itself. Ends with 1 when it cannot be started."""
    java = JavaProcess(json.loads(sys.argv[1]))
    java.join_through_environment(java.wait())
    practise()
    java.end()


def practise() -> None:
    """Use Spark as the course's notebooks do."""
    from pyspark.sql import SparkSession, Window
    from pyspark.sql import functions as F

    import datasets

    spark = SparkSession.builder.appName("practice").getOrCreate()
    customers, orders = datasets.load(spark, "customers"), datasets.load(spark, "orders")
    for name in ("order_items", "trips", "reviews"):
        datasets.load(spark, name).limit(5).toArrow()
    customers.createOrReplaceTempView("customers")
    orders.createOrReplaceTempView("orders")
    newest_first = Window.partitionBy("customer_id").orderBy(F.col("order_ts").desc())
    ranked = orders.withColumn("place", F.row_number().over(newest_first)).filter("place <= 2")
    joined = (
        ranked.join(customers, "customer_id", "left")
        .groupBy("country")
        .agg(
            F.count("*").alias("orders"),
            F.countDistinct("customer_id").alias("buyers"),
            F.max("order_ts").alias("newest"),
        )
    )
    joined.orderBy(F.desc("orders")).show(3)
    joined.toArrow()
    joined.toPandas()
    joined.cache().count()
    joined.explain()
    spark.sql("""
        WITH counted AS (SELECT customer_id, count(*) AS n FROM orders GROUP BY ALL)
        SELECT c.country, avg(n) AS mean, percentile(n, 0.5) AS middle FROM counted JOIN customers AS c USING (customer_id)
        WHERE customer_id IN (SELECT customer_id FROM orders) GROUP BY ROLLUP (c.country) HAVING count(*) > 0 ORDER BY 1
    """).collect()
    nested = spark.createDataFrame(
        [(1, ["a", "b"], {"k": "v"}, '{"x": [1, 2]}')],
        "id INT, list ARRAY<STRING>, map MAP<STRING, STRING>, text STRING",
    )
    parsed = nested.withColumn("parsed", F.from_json("text", "x ARRAY<INT>"))
    parsed.select(
        "id", F.explode("parsed.x"), F.transform("list", lambda item: F.upper(item)), F.map_keys("map")
    ).show()
    for kind in ("parquet", "json", "csv"):
        customers.limit(10).write.format(kind).option("header", True).save(f"practice-{kind}")
        spark.read.format(kind).option("header", True).load(f"practice-{kind}").count()
    stream = spark.readStream.schema(customers.schema).parquet("practice-parquet").groupBy("country").count()
    query = stream.writeStream.outputMode("complete").format("memory").queryName("q").trigger(availableNow=True).start()
    query.awaitTermination(60)
    if "DeltaCatalog" in str(spark.conf.get("spark.sql.catalog.spark_catalog", "")):
        customers.limit(10).write.format("delta").save("practice-delta")
        spark.read.format("delta").load("practice-delta").count()
    spark.stop()


if __name__ == "__main__":
    main()
