"""The part of `generator.py` that runs where dbldatagen is installed: writes the three tables, prints seconds as JSON.

Numbers are drawn evenly, which is its quickest way: other distributions need a Python function for each column.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import dbldatagen as dg
import psutil
from pyspark.sql import SparkSession

from autograder.commands.data import _session
from datasets.generators import vocabulary
from datasets.writing.writer import ROWS_IN_A_TASK

PLACES = [country.name for country in vocabulary.COUNTRIES]
WEIGHTS = [country.weight for country in vocabulary.COUNTRIES]
CITIES = [city for country in vocabulary.COUNTRIES for city in country.cities]


def customers(spark: SparkSession, rows: int, tasks: int) -> dg.DataGenerator:
    """The columns of `customers`."""
    first, last = list(vocabulary.first_names()), list(vocabulary.last_names())
    return (
        dg.DataGenerator(spark, name="customers", rows=rows, partitions=tasks, randomSeed=1)
        .withColumn("customer_id", "long", minValue=1, uniqueValues=rows)
        .withColumn("first", "string", values=first, random=True, omit=True)
        .withColumn("last", "string", values=last, random=True, omit=True)
        .withColumn("name", "string", expr="concat_ws(' ', first, last)", baseColumn=["first", "last"])
        .withColumn("email", "string", template=r"\w.\w@example.org", percentNulls=0.05, random=True)
        .withColumn("phone", "string", template=r"+dd 555 ddddddd", percentNulls=0.08, random=True)
        .withColumn(
            "birth_date", "date", begin="1941-01-01", end="2006-12-31", interval="1 day", random=True, percentNulls=0.03
        )
        .withColumn("country", "string", values=PLACES, weights=WEIGHTS, random=True, percentNulls=0.02)
        .withColumn("city", "string", values=CITIES, random=True, percentNulls=0.03)
        .withColumn(
            "income",
            "double",
            minValue=0,
            maxValue=150_000,
            step=100,
            random=True,
            percentNulls=0.06,
        )
        .withColumn("signup_date", "date", begin="2024-01-01", end="2025-12-31", interval="1 day", random=True)
        .withColumn("marketing_consent", "boolean", expr="rand() < 0.55", percentNulls=0.1)
        .withColumn("interests", "string", values=list(vocabulary.INTERESTS), random=True, percentNulls=0.08)
    )


def products(spark: SparkSession, rows: int, tasks: int) -> dg.DataGenerator:
    """The columns of `products`."""
    shape = {"length": 90, "width": 60, "height": 60, "weight": 4000}
    made = (
        dg.DataGenerator(spark, name="products", rows=rows, partitions=tasks, randomSeed=1)
        .withColumn("product_id", "long", minValue=1, uniqueValues=rows)
        .withColumn("adjective", "string", values=list(vocabulary.PRODUCT_ADJECTIVES), random=True, omit=True)
        .withColumn("noun", "string", values=list(vocabulary.leaf_nouns()), random=True, omit=True)
        .withColumn("name", "string", expr="concat_ws(' ', adjective, noun)", baseColumn=["adjective", "noun"])
        .withColumn("category_id", "int", minValue=17, maxValue=40, random=True)
        .withColumn("price", "decimal(10,2)", minValue=1, maxValue=900, step=0.01, random=True)
        .withColumn("cost", "decimal(10,2)", minValue=1, maxValue=900, step=0.01, random=True, percentNulls=0.05)
        .withColumn("brand", "string", values=list(vocabulary.companies()), random=True, omit=True)
        .withColumn("colour", "string", values=list(vocabulary.COLOURS), random=True, percentNulls=0.1, omit=True)
        .withColumn("tag", "string", values=list(vocabulary.TAGS), random=True, omit=True)
        .withColumn("other_tag", "string", values=list(vocabulary.TAGS), random=True, omit=True)
    )
    for name, most in shape.items():
        made = made.withColumn(name, "int", minValue=1, maxValue=most, random=True, omit=True)
    structure = (
        "named_struct('brand', brand, 'colour', colour, 'weight_g', weight, "
        "'size', named_struct('length_cm', length, 'width_cm', width, 'height_cm', height))"
    )
    kind = "struct<brand:string,colour:string,weight_g:int,size:struct<length_cm:int,width_cm:int,height_cm:int>>"
    return made.withColumn("attributes", kind, expr=structure, baseColumn=["brand", "colour", *shape]).withColumn(
        "tags",
        "array<string>",
        expr="array_distinct(array(tag, other_tag))",
        baseColumn=["tag", "other_tag"],
        percentNulls=0.05,
    )


def orders(spark: SparkSession, rows: int, tasks: int) -> dg.DataGenerator:
    """The columns of `orders`."""
    return (
        dg.DataGenerator(spark, name="orders", rows=rows, partitions=tasks, randomSeed=1)
        .withColumn("order_id", "long", minValue=1, uniqueValues=rows)
        .withColumn("customer_id", "long", minValue=1, maxValue=rows, random=True, percentNulls=0.04)
        .withColumn("store_id", "int", minValue=1, maxValue=200, random=True, percentNulls=0.8)
        .withColumn("order_ts", "timestamp", begin="2024-01-01 00:00:00", end="2025-12-31 23:59:59", interval="1 second", random=True)
        .withColumn("status", "string", values=["completed", "shipped", "cancelled", "returned", "pending"],
                    weights=[76, 9, 8, 5, 2], random=True)
        .withColumn("channel", "string", values=["web", "app", "store"], weights=[55, 25, 20], random=True)
        .withColumn("discount_code", "string", values=["WELCOME10", "SUMMER15", "VIP20", "FREESHIP"],
                    weights=[40, 25, 15, 20], random=True, percentNulls=0.75)
    )  # fmt: skip


def processor_seconds() -> float:
    """What this process and its children have used of the processors so far."""
    times = [process.cpu_times() for process in [psutil.Process(), *psutil.Process().children(recursive=True)]]
    return float(sum(one.user + one.system for one in times))


def main() -> None:
    """Write each table after a warm-up on a tenth of the rows."""
    rows, folder = int(sys.argv[1]), Path(sys.argv[2])
    spark = _session()
    tasks = max(spark.sparkContext.defaultParallelism, -(-rows // ROWS_IN_A_TASK))
    found = []
    for make in (customers, products, orders):
        name = make.__name__
        make(spark, max(1, rows // 10), tasks).build().write.parquet(str(folder / f"warm-{name}"))
        start, start_processor = time.perf_counter(), processor_seconds()
        make(spark, rows, tasks).build().write.parquet(str(folder / name))
        seconds, processor = time.perf_counter() - start, processor_seconds() - start_processor
        found.append({"table": name, "rows": rows, "seconds": seconds, "processor_seconds": processor})
    spark.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
