# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 5.1 Streaming foundations
#
# **Time:** 90 minutes · **Data:** web_events · **Before this:** 1.1 and 1.2
#
# So far your data lay still: you read a table, computed, and were done. Clicks on the web site do not lie still. There are new ones every second, and
# the shop wants its numbers now, not tomorrow. **Structured Streaming** treats the growing data as a table without an end. You write the query that you know;
# Spark runs it again and again on what is new, and remembers how far it got. The difficult part is not the query. It is what happens when the machine stops in the
# middle. After this notebook you can say, for every row, why it is in the result exactly once.
#
# ## You will learn to
#
# - open a folder as a stream, and say how much of it is read at once
# - choose a trigger, an output mode and a sink, and know which combinations Spark refuses
# - read a checkpoint and say what happens after a restart
# - read the numbers that a query reports about itself
# - set a first watermark, so that memory stays small
# - write each row exactly once, even when a batch runs twice

# %% setup=true
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery

from autograder import check, hint

spark = SparkSession.builder.appName("5.1").getOrCreate()

# The columns of a file of clicks.
CLICKS = """event_id STRING, customer_id BIGINT, event_ts TIMESTAMP, event_type STRING,
            page STRING, referrer STRING"""

# %% [markdown]
# ## A folder that grows
#
# The simplest stream is a folder into which some program puts files. In the examples a counter at each door of a store drops a small file now and then. Two files are there
# already. A program that writes such files must put each one there **in one step**: write it elsewhere, then rename it. Else Spark may read half of one.

# %%
import json
import os
import tempfile
from pathlib import Path

temporary = tempfile.TemporaryDirectory(prefix="doors-")  # goes away with the notebook
home = Path(temporary.name)
(home / "doors").mkdir()


def drop(name, *visits):
    """Put a file of (door, time, people) into the folder, in one step."""
    rows = [{"door": door, "at": f"2025-03-01T{at}:00Z", "people": n} for door, at, n in visits]
    (home / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.utime(home / name, (1_740_000_000 + int(name[:1]),) * 2)  # an age: Spark reads oldest first
    (home / name).rename(home / "doors" / name)


drop("1.json", ("north", "09:05", 3), ("south", "09:10", 5))
drop("2.json", ("north", "10:20", 2), ("north", "10:40", 4))

# %% [markdown]
# `spark.readStream` looks like `spark.read`, with one difference: you **must** give the schema. A stream may start on an empty folder, so there is nothing to guess
# from, and a schema that is guessed anew every day is no contract.

# %%
DOORS = "door STRING, at TIMESTAMP, people INT"
visits = spark.readStream.schema(DOORS).json(str(home / "doors"))
print(visits.isStreaming)
visits.printSchema()

# %% [markdown]
# You can `select`, `filter`, `groupBy` and `join` as always. What you cannot do is ask for an answer *now*: `visits.show()` and `visits.count()` fail, since the
# table has no end. You start a **query** instead, which writes to a **sink**.

# %%
try:
    visits.count()
except Exception as error:
    print(str(error).splitlines()[0][:90])

# %% [markdown]
# ### Exercise 5.1.1: product pages, as they are seen
#
# Clicks arrive as JSON files in `folder`, with the columns of `CLICKS` (see the first code cell). Return a **stream** of the views of product pages (`event_type` is `product_view`):
# `event_id`, `event_ts` and `product_id`, the number at the end of `page` (`/products/94` → 94). The checker attaches a sink, lets files arrive, and looks at what came
# out.


# %% answer="5.1.1" title="Product pages, as they are seen"
def product_views(spark: SparkSession, folder: str) -> DataFrame:
    """A stream of (event_id STRING, event_ts TIMESTAMP, product_id INT)."""
    ### BEGIN SOLUTION
    clicks = spark.readStream.schema(CLICKS).json(folder)
    number = F.regexp_extract("page", r"(\d+)$", 1).cast("int")
    return clicks.filter("event_type = 'product_view'").select(
        "event_id", "event_ts", number.alias("product_id")
    )
    ### END SOLUTION


# %% check="5.1.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "5.1.1",
    "long numbers",
    "products with long numbers, on the pages of another shop, in many files",
    web_events=variants.replaced(page=F.lit("/shop2/products/1204567")),
    scenario={"files": 6},
)
### END HIDDEN TESTS
check(
    "5.1.1",
    product_views,
    key=["event_id"],
    stream={"table": "web_events", "supplies": ["folder"]},
    arguments={"scenario": {"files": 3}},
)

# %% [markdown] equivalent="5.1.1" because="The group is the whole of what the pattern finds; and a filter leaves out a row for false as for NULL."
# - number: 1 → 0
# - SQL null-safe equality: event_type = 'product_view' → event_type <=> 'product_view'

# %% [markdown] hints="5.1.1"
# 1. Begin as with `visits` above. Which folder, which schema?
# 2. The rest is as in a batch query: a filter and a `select`. `F.regexp_extract` or `F.substring_index` finds the number in the path.
# 3. `substring_index(page, '/', -1)` is what stands after the last slash. It is text; the docstring wants an INT.


# %% wrong="5.1.1" because="not streaming"
def product_views(spark, folder):
    clicks = spark.read.schema(CLICKS).json(folder)
    number = F.regexp_extract("page", r"(\d+)$", 1).cast("int")
    return clicks.filter("event_type = 'product_view'").select(
        "event_id", "event_ts", number.alias("product_id")
    )


# %% wrong="5.1.1" because="schema must be specified"
def product_views(spark, folder):
    clicks = spark.readStream.json(folder)
    return clicks.filter("event_type = 'product_view'").select("event_id", "event_ts", "page")


# %% wrong="5.1.1" because="product_id` is STRING"
def product_views(spark, folder):
    clicks = spark.readStream.schema(CLICKS).json(folder)
    return clicks.filter("event_type = 'product_view'").selectExpr(
        "event_id", "event_ts", "substring_index(page, '/', -1) AS product_id"
    )


# %% wrong="5.1.1" because="long numbers"
def product_views(spark, folder):
    clicks = spark.readStream.schema(CLICKS).json(folder)
    return clicks.filter("event_type = 'product_view'").selectExpr(
        "event_id", "event_ts", "cast(substr(page, 11, 3) AS INT) AS product_id"
    )


# %% wrong="5.1.1" because="`writeStream`"
def product_views(spark, folder):
    clicks = spark.readStream.schema(CLICKS).json(folder)
    return clicks.writeStream.format("memory").queryName("views").trigger(availableNow=True)


# %% wrong="5.1.1" because="another shop"
def product_views(spark, folder):
    clicks = spark.readStream.schema(CLICKS).json(folder)
    number = F.regexp_extract("page", r"(\d+)", 1).cast("int")
    return clicks.filter("event_type = 'product_view'").select(
        "event_id", "event_ts", number.alias("product_id")
    )


# %% right="5.1.1"
def product_views(spark, folder):
    clicks = spark.readStream.format("json").schema(CLICKS).load(folder)
    return clicks.where(F.col("event_type") == "product_view").selectExpr(
        "event_id", "event_ts", "cast(substring_index(page, '/', -1) AS INT) AS product_id"
    )


# %% [markdown]
# ## Triggers, batches, rate limits
#
# Spark cuts the stream into **micro-batches**. The **trigger** says when one begins:
#
# | trigger | when | use it for |
# |---|---|---|
# | `processingTime="10 seconds"` | every ten seconds, for ever; without a trigger: as fast as possible | a service that is always on |
# | `availableNow=True` | until everything that is there now is done, then it stops | a job that a scheduler starts; tests; this course |
#
# `availableNow` is how most streams in companies run: started each hour, it takes what is new and costs nothing in between. How much goes into **one** batch is the source's
# business: `maxFilesPerTrigger` for files, `maxOffsetsPerTrigger` for Kafka. Without a limit a stream that starts on a folder with a year of files swallows them all in
# its first batch, and memory is not what it was.
#
# Here is a complete query. The **memory sink** keeps the rows as a temporary view; it is for looking and for tests. `awaitTermination` waits for the end.

# %%
limited = spark.readStream.schema(DOORS).option("maxFilesPerTrigger", 1).json(str(home / "doors"))
query = limited.writeStream.format("memory").queryName("seen").trigger(availableNow=True).start()
query.awaitTermination(60)
spark.table("seen").orderBy("at").show()

# %% [markdown]
# Two files, one per batch: two batches. The query says so itself.

# %%
[(progress["batchId"], progress["numInputRows"]) for progress in query.recentProgress]

# %% [markdown]
# ### Exercise 5.1.2: two files at a time
#
# The same folder of clicks. Return a stream of all its columns, as they are, that reads **two** files per batch. Spark reads files whole and oldest first, so five files make three batches.


# %% answer="5.1.2" title="Two files at a time"
def in_pairs(spark: SparkSession, folder: str) -> DataFrame:
    """A stream of the columns of CLICKS, two files per batch."""
    ### BEGIN SOLUTION
    return spark.readStream.schema(CLICKS).option("maxFilesPerTrigger", 2).json(folder)
    ### END SOLUTION


# %% check="5.1.2" points=1
### BEGIN HIDDEN TESTS
variant(
    "5.1.2", "eight", "eight files of different sizes", scenario={"files": [1, 5, 2, 1, 9, 1, 1, 3]}
)
### END HIDDEN TESTS
check(
    "5.1.2",
    in_pairs,
    stream={"table": "web_events", "supplies": ["folder"], "batches": True, "ids": "event_id"},
    arguments={"scenario": {"files": 5}},
)

# %% [markdown] hints="5.1.2"
# 1. The limit is an option of the source, not of the query.
# 2. The text above names the option for files, and the example shows where it stands.


# %% wrong="5.1.2" because="in 1 batch; 3 would be right"
def in_pairs(spark, folder):
    return spark.readStream.schema(CLICKS).json(folder)


# %% wrong="5.1.2" because="in 5 batches; 3 would be right"
def in_pairs(spark, folder):
    return spark.readStream.schema(CLICKS).option("maxFilesPerTrigger", 1).json(folder)


# %% wrong="5.1.2" because="in 1 batch"
def in_pairs(spark, folder):
    return spark.readStream.schema(CLICKS).option("maxOffsetsPerTrigger", 2).json(folder)


# %% wrong="5.1.2" because="eight files"
def in_pairs(spark, folder):
    return spark.readStream.schema(CLICKS).option("maxBytesPerTrigger", 160_000).json(folder)


# %% right="5.1.2"
def in_pairs(spark, folder):
    return spark.readStream.load(folder, format="json", schema=CLICKS, maxFilesPerTrigger="2")


# %% [markdown]
# ## Output modes: what a batch hands over
#
# A query over a growing table has a growing, and perhaps changing, result. The **output mode** says which part of it goes to the sink after each batch:
#
# | mode | hands over | so Spark must know |
# |---|---|---|
# | `append` | rows that are final; none is ever taken back | when a row is final |
# | `update` | rows that are new or have changed | which rows changed |
# | `complete` | the whole result, every time | the whole result, for ever |
#
# Spark refuses a mode that it could not keep. A plain `filter` has final rows at once: `append`. A count per door can change with the next visitor: it is never final, unless a
# **watermark** says that no more will come (you will set one soon). And a result with every single visit in it would be too large to be handed over again and again. Try it: `start` raises an error before anything runs.

# %%
per_door = visits.groupBy("door").agg(F.sum("people").alias("people"))
try:
    per_door.writeStream.format("memory").queryName("no").outputMode("append").start()
except Exception as error:
    print(error.getCondition())

# %% [markdown]
# ### Exercise 5.1.3: which modes are legal?
#
# Four streaming queries over clicks (which sink they write to does not matter here):
#
# - `"filter"`: `clicks.filter("event_type = 'purchase'")`
# - `"count"`: `clicks.groupBy("event_type").count()`
# - `"count with watermark"`: `clicks.withWatermark("event_ts", "1 day").groupBy(F.window("event_ts", "1 hour")).count()`
# - `"sorted count"`: `clicks.groupBy("event_type").count().orderBy("count")`
#
# Return a dictionary that gives for each the list of legal modes, in alphabetical order. Try them: the cell above shows how, and `spark.readStream.format("rate").load()` is a stream for
# trying (its time column is called `timestamp`; the function has no parameters, so take the notebook's `spark`). Each right entry counts.


# %% answer="5.1.3" title="Which modes are legal?"
def legal_modes() -> dict:
    """{"filter": [...], "count": [...], "count with watermark": [...], "sorted count": [...]}"""
    ### BEGIN SOLUTION
    every = ["append", "complete", "update"]
    return {
        "filter": ["append", "update"],
        "count": ["complete", "update"],
        "count with watermark": every,
        "sorted count": ["complete"],
    }
    ### END SOLUTION


# %% check="5.1.3" points=2
check("5.1.3", legal_modes, partial=True)

# %% [markdown] hints="5.1.3"
# 1. Ask of each query: are its rows final at once? Can Spark keep the whole result?
# 2. Do not guess, try: a loop over the three modes with `try` and `except`, as in the cell above, and `stop()` for what did start.
# 3. Sorting needs all rows. In which mode does Spark hold all rows of the result in its hands?


# %% wrong="5.1.3" because="filter"
def legal_modes():
    return {
        "filter": ["append"],
        "count": ["complete", "update"],
        "count with watermark": "append complete update".split(),
        "sorted count": ["complete"],
    }


# %% wrong="5.1.3" because="sorted count"
def legal_modes():
    return {
        "filter": ["append", "update"],
        "count": ["complete", "update"],
        "count with watermark": "append complete update".split(),
        "sorted count": ["complete", "update"],
    }


# %% wrong="5.1.3" because="count with watermark"
def legal_modes():
    return {
        "filter": ["append", "update"],
        "count": ["complete", "update"],
        "count with watermark": ["append", "update"],
        "sorted count": ["complete"],
    }


# %% right="5.1.3"
def legal_modes():
    rate = spark.readStream.format("rate").load()
    count = rate.groupBy("value").count()
    windows = rate.withWatermark("timestamp", "1 day").groupBy(F.window("timestamp", "1 hour"))
    queries = {
        "filter": rate.filter("value > 1"),
        "count": count,
        "count with watermark": windows.count(),
        "sorted count": count.orderBy("count"),
    }
    legal = {}
    for name, frame in queries.items():
        legal[name] = []
        for mode in ("append", "complete", "update"):
            try:
                writer = frame.writeStream.format("noop").outputMode(mode)
                writer.trigger(availableNow=True).start().stop()
                legal[name].append(mode)
            except Exception:
                pass
    return legal


# %% [markdown]
# ## The checkpoint: what a query remembers
#
# A query that stops forgets everything, unless it has a **checkpoint**: a folder for its diary. With `checkpointLocation` you say where. Let us run the count of visitors with one,
# stop, let a new file arrive, and start again.

# %%
diary = str(home / "diary")


def count_doors():
    """Start the count; `complete` hands over all doors each time."""
    writer = per_door.writeStream.outputMode("complete").option("checkpointLocation", diary)
    return writer.format("memory").queryName("doors").trigger(availableNow=True).start()


count_doors().awaitTermination(60)
spark.table("doors").orderBy("door").show()

# %%
drop("3.json", ("south", "11:30", 7))
again = count_doors()
again.awaitTermination(60)
print("rows read after the restart:", sum(p["numInputRows"] for p in again.recentProgress))
spark.table("doors").orderBy("door").show()

# %% [markdown]
# One row was read, and yet the count of `north` is still there: the **state** (the running sums) and the **offsets** (which files are done) were in the checkpoint. This is what it looks like:

# %%
for path in sorted(Path(diary).rglob("*")):
    if path.is_file() and not path.name.startswith(".") and "state" not in path.parts:
        print(path.relative_to(diary))
print(Path(diary, "commits", "0").read_text())

# %% [markdown]
# ### Exercise 5.1.4: running totals
#
# A memory sink loses its rows with the session, so Spark lets a query restart into it only when every batch hands over everything, as in the example.
#
# Write the whole query: count the clicks per `event_type`, and keep the **whole** result in the memory sink under the name `query_name`, with the given `checkpoint`, with a trigger
# that stops when everything is done. Start it and return the running query. The checker will stop and restart it in the middle.


# %% answer="5.1.4" title="Running totals"
def running_totals(events: DataFrame, query_name: str, checkpoint: str) -> StreamingQuery:
    """Start the query: a memory table of (event_type STRING, count BIGINT)."""
    ### BEGIN SOLUTION
    totals = events.groupBy("event_type").count().writeStream.outputMode("complete")
    stored = totals.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    return stored.format("memory").queryName(query_name).start()
    ### END SOLUTION


# %% check="5.1.4" points=2
### BEGIN HIDDEN TESTS
variant(
    "5.1.4",
    "three runs",
    "clicks that arrive in three runs, some of them without a type",
    web_events=variants.nulls("event_type", every=4),
    scenario={
        "files": 5,
        "script": ["feed 1", "drain", "feed 1", "drain", "feed rest", "drain"],
    },
)
### END HIDDEN TESTS
check(
    "5.1.4",
    running_totals,
    key=["event_type"],
    stream={
        "table": "web_events",
        "supplies": ["events", "query_name", "checkpoint"],
        "sink": "memory",
    },
    arguments={"scenario": {"files": 3, "script": ["feed 2", "drain", "feed rest", "drain"]}},
)

# %% [markdown] equivalent="5.1.4" because="One batch with everything that is there, or several: the whole result at the end is the same."
# - trigger: .trigger(availableNow=True) → .trigger(once=True)

# %% [markdown] hints="5.1.4"
# 1. Five things belong to a query: what to compute, the output mode, the sink, the checkpoint, the trigger. Tick them off.
# 2. Which mode hands over the whole result each time? The table of output modes says it.
# 3. `count_doors` above has the same shape. Do not forget `start()`, and `return` what it gives you.


# %% wrong="5.1.4" because="STREAMING_OUTPUT_MODE"
def running_totals(events, query_name, checkpoint):
    totals = events.groupBy("event_type").count()
    stored = totals.writeStream.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    return stored.format("memory").queryName(query_name).start()


# %% wrong="5.1.4" because="never ends"
def running_totals(events, query_name, checkpoint):
    totals = events.groupBy("event_type").count().writeStream.outputMode("complete")
    stored = totals.option("checkpointLocation", checkpoint)
    return stored.format("memory").queryName(query_name).start()


# %% wrong="5.1.4" because="somewhere else than in `checkpoint`"
def running_totals(events, query_name, checkpoint):
    totals = events.groupBy("event_type").count().writeStream.outputMode("complete")
    return totals.format("memory").queryName(query_name).trigger(availableNow=True).start()


# %% wrong="5.1.4" because="Call `start()`"
def running_totals(events, query_name, checkpoint):
    totals = events.groupBy("event_type").count().writeStream.outputMode("complete")
    stored = totals.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    return stored.format("memory").queryName(query_name)


# %% wrong="5.1.4" because="in output mode `complete` only"
def running_totals(events, query_name, checkpoint):
    totals = events.groupBy("event_type").count().writeStream.outputMode("update")
    stored = totals.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    return stored.format("memory").queryName(query_name).start()


# %% right="5.1.4"
def running_totals(events, query_name, checkpoint):
    counted = events.groupBy("event_type").agg(F.count("*").alias("count"))
    query = counted.writeStream.trigger(availableNow=True).start(
        format="memory",
        outputMode="complete",
        queryName=query_name,
        checkpointLocation=checkpoint,
    )
    query.awaitTermination()
    return query


# %% [markdown]
# ## What happens after a crash
#
# Each batch leaves two files in the diary, one before and one after the work:
#
# 1. `offsets/7` is written: "batch 7 will consist of exactly these files". It is a promise.
# 2. The batch runs, and the sink gets its rows.
# 3. `commits/7` is written: "batch 7 is done".
#
# If the machine dies between 1 and 3, there is an `offsets/7` without a `commits/7`. After the restart Spark runs batch 7 **again**, with the same id and exactly the same rows. Nothing is lost. But the sink
# may get the rows of batch 7 twice, for nobody knows whether step 2 was over.
#
# ### Exercise 5.1.5: read the diary
#
# `files` are the files of a checkpoint, as paths relative to it (`"offsets/0"`, `"commits/0"`, `"sources/0/0"`, `"offsets/.0.crc"`, `"metadata"`, ...). Return a dictionary:
#
# - `"committed"`: the id of the last batch that was committed, `None` if there is none
# - `"again"`: the id of the batch that will run again after a restart, `None` if none will


# %% answer="5.1.5" title="Read the diary"
def after_restart(files: list) -> dict:
    """{"committed": int or None, "again": int or None}"""

    ### BEGIN SOLUTION
    def batches(folder):
        found = (file.split("/") for file in files)
        return {int(part[1]) for part in found if part[0] == folder and part[1].isdigit()}

    promised, done = batches("offsets"), batches("commits")
    return {
        "committed": max(done, default=None),
        "again": max(promised) if promised and max(promised) not in done else None,
    }
    ### END SOLUTION


# %% check="5.1.5" points=2
### BEGIN HIDDEN TESTS
variant("5.1.5", "nothing", "a query that has never run", files=["metadata"])
variant(
    "5.1.5",
    "ten",
    "a query with more than ten batches",
    files=[f"{kind}/{batch}" for kind in ("offsets", "commits") for batch in range(12)]
    + ["sources/0/11", "sources/0/9.compact", "metadata"],
)
variant(
    "5.1.5",
    "first",
    "a query that died in its very first batch",
    files=["metadata", "offsets/0", "offsets/.0.crc", "sources/0/0"],
)
variant(
    "5.1.5",
    "cleaned",
    "a diary whose old pages Spark has thrown away",
    files=["metadata", "offsets/107", "offsets/108", "offsets/109", "commits/107", "commits/108"],
)
### END HIDDEN TESTS
check(
    "5.1.5",
    after_restart,
    arguments={
        "files": [
            "metadata",
            "offsets/0",
            "offsets/.0.crc",
            "offsets/1",
            "offsets/.1.crc",
            "commits/0",
            "commits/.0.crc",
            "sources/0/0",
            "sources/0/1",
            "state/0/0/1.delta",
        ]
    },
)

# %% [markdown] hints="5.1.5"
# 1. Which two folders matter? What does a batch look like that was begun and not finished?
# 2. Batch ids are numbers. As text, "9" comes after "11". And `.0.crc` is a checksum, no batch.
# 3. Make two sets of numbers, one per folder. Only the newest promise can be open: all earlier ones were kept before it was made.


# %% wrong="5.1.5" because="more than ten"
def after_restart(files):
    offsets = sorted(f.split("/")[1] for f in files if f.startswith("offsets/") and ".crc" not in f)
    commits = sorted(f.split("/")[1] for f in files if f.startswith("commits/") and ".crc" not in f)
    last = int(commits[-1]) if commits else None
    open_batch = int(offsets[-1]) if offsets and offsets[-1] not in commits else None
    return {"committed": last, "again": open_batch}


# %% wrong="5.1.5" because="old pages"
def after_restart(files):
    offsets = [f for f in files if f.startswith("offsets/") and ".crc" not in f]
    commits = [f for f in files if f.startswith("commits/") and ".crc" not in f]
    again = len(commits) if len(offsets) > len(commits) else None
    return {"committed": len(commits) - 1 if commits else None, "again": again}


# %% wrong="5.1.5" because="ValueError"
def after_restart(files):
    offsets = {int(f.split("/")[1]) for f in files if f.startswith("offsets/")}
    commits = {int(f.split("/")[1]) for f in files if f.startswith("commits/")}
    return {"committed": max(commits, default=None), "again": max(offsets - commits, default=None)}


# %% wrong="5.1.5" because="again"
def after_restart(files):
    commits = {
        int(f.removeprefix("commits/")) for f in files if f[:8] == "commits/" and f[8:].isdigit()
    }
    last = max(commits, default=None)
    return {"committed": last, "again": last}


# %% wrong="5.1.5" because="on hidden data"
def after_restart(files):
    return {"committed": 0, "again": 1}


# %% right="5.1.5"
def after_restart(files):
    import re

    found = {"offsets": [-1], "commits": [-1]}
    for file in files:
        if part := re.fullmatch(r"(offsets|commits)/(\d+)", file):
            found[part[1]].append(int(part[2]))
    begun, done = max(found["offsets"]), max(found["commits"])
    return {"committed": done if done >= 0 else None, "again": begun if begun > done else None}


# %% [markdown]
# ## What a query says of itself
#
# A stream runs when nobody looks. So it reports: after each batch there is a **progress** entry with what it read, how long each part took, and how much state it holds. `recentProgress` has the last
# hundred, `lastProgress` the last. `durationMs` differs from run to run; here are the parts that do not.

# %%
entry = again.recentProgress[0]
print("batch", entry["batchId"], "read", entry["numInputRows"], "row")
print("state:", entry["stateOperators"][0]["numRowsTotal"], "doors")
print("times measured:", ", ".join(sorted(entry["durationMs"])))

# %% [markdown]
# To send such numbers to a dashboard you need not ask again and again. A **listener** is called by Spark: when a query starts, after each batch, and at the end. It is called from another thread, a little later, so never
# assume that the last event is there before `onQueryTerminated` was called.

# %%
import threading

from pyspark.sql.streaming import StreamingQueryListener


class Report(StreamingQueryListener):
    """Keeps what it hears."""

    def __init__(self):
        self.heard, self.over = [], threading.Event()

    def onQueryStarted(self, event):
        self.heard.append("started")

    def onQueryProgress(self, event):
        self.heard.append(f"batch {event.progress.batchId}: {event.progress.numInputRows} rows")

    def onQueryIdle(self, event):
        pass

    def onQueryTerminated(self, event):
        self.heard.append("ended well" if event.exception is None else "failed")
        self.over.set()


report = Report()
spark.streams.addListener(report)
drop("4.json", ("north", "12:15", 1), ("south", "12:20", 2))
count_doors().awaitTermination(60)
report.over.wait(60)
spark.streams.removeListener(report)
report.heard

# %% [markdown]
# ### Exercise 5.1.6: is the stream keeping up?
#
# `progress` is a list of progress entries, as `recentProgress` has them, shortened to what matters here: `batchId`, `numInputRows` and `durationMs`, whose
# `triggerExecution` is the time of the whole batch in milliseconds. A query that waits also reports entries **without rows**; they say nothing about speed. Return:
#
# - `"batches"`: how many entries have rows
# - `"rows"`: how many rows they have together
# - `"rows_per_second"`: their rows divided by their time, rounded to one decimal; `None` when there are none
# - `"slowest"`: the `batchId` of the entry **with rows** that took longest (of equals the first); `None` when there are none


# %% answer="5.1.6" title="Is the stream keeping up?"
def speed(progress: list) -> dict:
    """{"batches": int, "rows": int, "rows_per_second": float or None, "slowest": int or None}"""
    ### BEGIN SOLUTION
    busy = [entry for entry in progress if entry["numInputRows"] > 0]
    rows = sum(entry["numInputRows"] for entry in busy)
    seconds = sum(entry["durationMs"]["triggerExecution"] for entry in busy) / 1000
    slowest = max(busy, key=lambda entry: entry["durationMs"]["triggerExecution"], default=None)
    return {
        "batches": len(busy),
        "rows": rows,
        "rows_per_second": round(rows / seconds, 1) if busy else None,
        "slowest": slowest["batchId"] if busy else None,
    }
    ### END SOLUTION


# %% check="5.1.6" points=2
### BEGIN HIDDEN TESTS
variant("5.1.6", "nothing", "a query that has not reported yet", progress=[])
variant(
    "5.1.6",
    "idle",
    "a query that only waits, and takes long for it",
    progress=[{"batchId": 4, "numInputRows": 0, "durationMs": {"triggerExecution": 9000}}],
)
variant(
    "5.1.6",
    "ties",
    "batches that take equally long, one of them with a single row, after a restart",
    progress=[
        {"batchId": 12, "numInputRows": 1, "durationMs": {"triggerExecution": 410}},
        {"batchId": 13, "numInputRows": 0, "durationMs": {"triggerExecution": 700}},
        {"batchId": 14, "numInputRows": 33, "durationMs": {"triggerExecution": 410}},
    ],
)
variant(
    "5.1.6",
    "parts",
    "entries that also tell the parts of a batch's time",
    progress=[
        {
            "batchId": 7,
            "numInputRows": 50,
            "durationMs": {"addBatch": 300, "triggerExecution": 410, "walCommit": 40},
        },
        {
            "batchId": 8,
            "numInputRows": 60,
            "durationMs": {"addBatch": 90, "triggerExecution": 420, "walCommit": 30},
        },
    ],
)
### END HIDDEN TESTS
check(
    "5.1.6",
    speed,
    arguments={
        "progress": [
            {"batchId": 0, "numInputRows": 980, "durationMs": {"triggerExecution": 2800}},
            {"batchId": 1, "numInputRows": 979, "durationMs": {"triggerExecution": 700}},
            {"batchId": 2, "numInputRows": 0, "durationMs": {"triggerExecution": 4100}},
            {"batchId": 3, "numInputRows": 41, "durationMs": {"triggerExecution": 500}},
        ]
    },
)

# %% [markdown] hints="5.1.6"
# 1. First keep only the entries that have rows. All four values are about these.
# 2. Milliseconds are not seconds. And the speed of the whole is not the mean of the speeds.
# 3. `max(list, key=..., default=None)` finds the slowest, and does not fail on an empty list.


# %% wrong="5.1.6" because="rows_per_second"
def speed(progress):
    busy = [entry for entry in progress if entry["numInputRows"] > 0]
    times = [entry["durationMs"]["triggerExecution"] / 1000 for entry in busy]
    speeds = [entry["numInputRows"] / time for entry, time in zip(busy, times, strict=True)]
    return {
        "batches": len(busy),
        "rows": sum(entry["numInputRows"] for entry in busy),
        "rows_per_second": round(sum(speeds) / len(speeds), 1) if busy else None,
        "slowest": busy[times.index(max(times))]["batchId"] if busy else None,
    }


# %% wrong="5.1.6" because="slowest"
def speed(progress):
    busy = [entry for entry in progress if entry["numInputRows"] > 0]
    rows = sum(entry["numInputRows"] for entry in busy)
    seconds = sum(entry["durationMs"]["triggerExecution"] for entry in busy) / 1000
    slowest = max(progress, key=lambda entry: entry["durationMs"]["triggerExecution"], default=None)
    return {
        "batches": len(busy),
        "rows": rows,
        "rows_per_second": round(rows / seconds, 1) if busy else None,
        "slowest": slowest["batchId"] if progress else None,
    }


# %% wrong="5.1.6" because="ZeroDivisionError"
def speed(progress):
    busy = [entry for entry in progress if entry["numInputRows"] > 0]
    rows = sum(entry["numInputRows"] for entry in busy)
    seconds = sum(entry["durationMs"]["triggerExecution"] for entry in busy) / 1000
    times = {entry["durationMs"]["triggerExecution"]: entry["batchId"] for entry in reversed(busy)}
    return {
        "batches": len(busy),
        "rows": rows,
        "rows_per_second": round(rows / seconds, 1),
        "slowest": times[max(times)],
    }


# %% wrong="5.1.6" because="equally long"
def speed(progress):
    busy = [entry for entry in progress if entry["numInputRows"] > 0]
    rows = sum(entry["numInputRows"] for entry in busy)
    milliseconds = sum(entry["durationMs"]["triggerExecution"] for entry in busy)
    slowest = sorted(busy, key=lambda entry: entry["durationMs"]["triggerExecution"])[-1:]
    return {
        "batches": len(busy),
        "rows": rows,
        "rows_per_second": round(1000 * rows / milliseconds, 1) if busy else None,
        "slowest": slowest[0]["batchId"] if slowest else None,
    }


# %% wrong="5.1.6" because="parts of a batch's time"
def speed(progress):
    busy = [entry for entry in progress if entry["numInputRows"] > 0]
    rows = sum(entry["numInputRows"] for entry in busy)
    seconds = sum(sum(entry["durationMs"].values()) for entry in busy) / 1000
    slowest = max(busy, key=lambda entry: sum(entry["durationMs"].values()), default=None)
    return {
        "batches": len(busy),
        "rows": rows,
        "rows_per_second": round(rows / seconds, 1) if busy else None,
        "slowest": slowest["batchId"] if busy else None,
    }


# %% wrong="5.1.6" because="on hidden data"
def speed(progress):
    return {"batches": 3, "rows": 2000, "rows_per_second": 500.0, "slowest": 0}


# %% right="5.1.6"
def speed(progress):
    batches = rows = milliseconds = 0
    longest, slowest = -1, None
    for entry in progress:
        if not entry["numInputRows"]:
            continue
        took = entry["durationMs"]["triggerExecution"]
        batches, rows, milliseconds = batches + 1, rows + entry["numInputRows"], milliseconds + took
        if took > longest:
            longest, slowest = took, entry["batchId"]
    rate = round(rows * 1000 / milliseconds, 1) if batches else None
    return {"batches": batches, "rows": rows, "rows_per_second": rate, "slowest": slowest}


# %% [markdown]
# ## A first watermark
#
# Count the visitors of each hour, for ever: Spark must keep a sum for every hour that there ever was, since a file with visits from last year may still come. State would grow until memory is full.
# A **watermark** is your promise about lateness: *rows come at most so much later than the newest row seen so far*. With it, Spark can say that an hour is over. It then hands its row
# over (mode `append`), forgets its state, and drops rows that still come for it.
#
# The watermark belongs to the column with the **event's own time**, stands **before** the `groupBy`, and the grouping must use that column, usually through `F.window`. A date that you
# compute from it is another column, and has no watermark.

# %%
hourly = (
    visits.withWatermark("at", "30 minutes")
    .groupBy(F.window("at", "1 hour"))
    .agg(F.sum("people").alias("people"))
)
writer = hourly.writeStream.format("memory").queryName("hours").trigger(availableNow=True)
writer.start().awaitTermination(60)
spark.table("hours").selectExpr("window.start", "people").orderBy("start").show()

# %% [markdown]
# The newest visit is from 12:20, so the watermark stands at 11:50. The hours that ended before are final and were handed over. The hours from 11:00 and from 12:00 are still open: their sums wait in the
# state.
#
# ### Exercise 5.1.7: clicks per day
#
# From the stream `events` return `day` (a DATE), `event_type` and `clicks` (a BIGINT): the number of clicks of each type (also of those without one, NULL) on each day (UTC), for a sink in mode `append`. A click comes at most **two days** after the newest one;
# what is later may be dropped. The checker looks at the rows, at the watermark, and at how much state is left at the end.


# %% answer="5.1.7" title="Clicks per day"
def clicks_per_day(events: DataFrame) -> DataFrame:
    """A stream of (day DATE, event_type STRING, clicks BIGINT), final rows only."""
    ### BEGIN SOLUTION
    days = events.withWatermark("event_ts", "2 days").groupBy(
        F.window("event_ts", "1 day"), "event_type"
    )
    counts = days.agg(F.count("*").alias("clicks"))
    return counts.select(F.to_date("window.start").alias("day"), "event_type", "clicks")
    ### END SOLUTION


# %% check="5.1.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "5.1.7",
    "much is late",
    "clicks of which many come far too late and some have no type, in files of different sizes",
    web_events=variants.nulls("event_type", every=4),
    scenario={
        "files": [1, 4, 2, 2, 1],
        "order": ["event_ts"],
        "late": {"every": 7, "files": 2},
    },
)
variant(
    "5.1.7",
    "restart",
    "a stream that is stopped and goes on",
    scenario={
        "files": 4,
        "order": ["event_ts"],
        "late": {"every": 30, "files": 2},
        "script": ["feed 2", "drain", "feed rest", "lose commit", "drain"],
    },
)
### END HIDDEN TESTS
check(
    "5.1.7",
    clicks_per_day,
    key=["day", "event_type"],
    stream={"table": "web_events", "watermark": True, "state": 40},
    arguments={"scenario": {"files": 4, "order": ["event_ts"], "late": {"every": 25, "files": 2}}},
)

# %% [markdown] hints="5.1.7"
# 1. Three steps: promise how late, group by day and type, tidy up the columns.
# 2. Group by `F.window("event_ts", "1 day")`, not by a date that you compute: Spark must see that the group belongs to the time with the watermark.
# 3. `window` is a struct with `start` and `end`. `F.to_date` makes a date of `start`.


# %% wrong="5.1.7" because="STREAMING_OUTPUT_MODE"
def clicks_per_day(events):
    days = events.groupBy(F.window("event_ts", "1 day"), "event_type")
    counts = days.agg(F.count("*").alias("clicks"))
    return counts.select(F.to_date("window.start").alias("day"), "event_type", "clicks")


# %% wrong="5.1.7" because="waits 2 hours"
def clicks_per_day(events):
    days = events.withWatermark("event_ts", "2 hours").groupBy(
        F.window("event_ts", "1 day"), "event_type"
    )
    counts = days.agg(F.count("*").alias("clicks"))
    return counts.select(F.to_date("window.start").alias("day"), "event_type", "clicks")


# %% wrong="5.1.7" because="waits 200 days"
def clicks_per_day(events):
    days = events.withWatermark("event_ts", "200 days").groupBy(
        F.window("event_ts", "1 day"), "event_type"
    )
    counts = days.agg(F.count("*").alias("clicks"))
    return counts.select(F.to_date("window.start").alias("day"), "event_type", "clicks")


# %% wrong="5.1.7" because="a date computed from the column has no watermark"
def clicks_per_day(events):
    watched = events.withWatermark("event_ts", "2 days")
    counts = watched.groupBy(F.to_date("event_ts").alias("day"), "event_type")
    return counts.agg(F.count("*").alias("clicks"))


# %% wrong="5.1.7" because="some have no type"
def clicks_per_day(events):
    watched = events.withWatermark("event_ts", "2 days").filter("event_type IS NOT NULL")
    days = watched.groupBy(F.window("event_ts", "1 day"), "event_type").agg(
        F.count("*").alias("clicks")
    )
    return days.select(F.to_date("window.start").alias("day"), "event_type", "clicks")


# %% right="5.1.7"
def clicks_per_day(events):
    events.withWatermark("event_ts", "48 hours").createOrReplaceTempView("clicks_so_far")
    return events.sparkSession.sql("""
        SELECT date(window.start) AS day, event_type, count(*) AS clicks
        FROM clicks_so_far
        GROUP BY window(event_ts, '24 hours'), event_type
    """)


# %% [markdown]
# ## Sinks that keep a promise
#
# Spark replays the **same rows** with the **same batch id**. So a sink can be exactly-once if it notices that it has this batch already:
#
# | sink | after a replay | how |
# |---|---|---|
# | Delta, files (`format("delta")`, `format("parquet")`) | each row once | the batch id is written together with the data |
# | memory | only `complete` can be restarted | it is gone with the session anyway |
# | `foreachBatch(function)` | **what your function makes of it** | Spark calls it again, and cannot know what it did |
#
# A Delta table is the usual target. Its own log says which batch of which query each version came from:

# %%
to_table = visits.writeStream.format("delta").option("checkpointLocation", str(home / "d1"))
to_table.trigger(availableNow=True).start(str(home / "table")).awaitTermination(120)

log = spark.read.json(str(home / "table" / "_delta_log" / "*.json"))
log.where("txn IS NOT NULL").select("txn.version").show()

# %% [markdown]
# ### Exercise 5.1.8: into Delta, through a restart
#
# Write the clicks of **logged-in** visitors (`customer_id` is known), all columns, as a Delta table to the path `target`, with the given `checkpoint`. Take everything that is there, then stop. The checker starts your query
# twice and makes it repeat a batch in between; every click must be there exactly as often as it arrived.


# %% answer="5.1.8" title="Into Delta, through a restart"
def store_clicks(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
    """Start the query that writes the Delta table at `target`."""
    ### BEGIN SOLUTION
    known = events.filter("customer_id IS NOT NULL").writeStream.format("delta")
    safe = known.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    return safe.start(target)
    ### END SOLUTION


# %% check="5.1.8" points=2
### BEGIN HIDDEN TESTS
variant(
    "5.1.8",
    "one run",
    "everything in one run",
    scenario={"files": 1, "script": ["feed rest", "drain"]},
)
variant(
    "5.1.8",
    "all known",
    "visitors who are all logged in, with the last batch repeated",
    web_events=variants.replaced(customer_id=F.length("event_id").cast("bigint")),
    scenario={"files": 2, "script": ["feed rest", "drain", "lose commit", "drain"]},
)
### END HIDDEN TESTS
check(
    "5.1.8",
    store_clicks,
    stream={
        "table": "web_events",
        "supplies": ["events", "target", "checkpoint"],
        "ids": "event_id",
    },
    arguments={
        "scenario": {
            "files": 3,
            "script": ["feed 2", "drain", "lose commit", "feed rest", "drain"],
        }
    },
    deadline=120,
)

# %% [markdown] hints="5.1.8"
# 1. Filter first, then the same parts as before: sink, checkpoint, trigger, start.
# 2. A path is the argument of `start`. The Delta sink needs nothing more for exactly-once than a checkpoint that stays the same.


# %% wrong="5.1.8" because="more often than they should be"
def store_clicks(events, target, checkpoint):
    def add(frame, batch):
        frame.write.format("delta").mode("append").save(target)

    known = events.filter("customer_id IS NOT NULL").writeStream.foreachBatch(add)
    return known.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()


# %% wrong="5.1.8" because="never reached the sink"
def store_clicks(events, target, checkpoint):
    def replace(frame, batch):
        frame.write.format("delta").mode("overwrite").save(target)

    known = events.filter("customer_id IS NOT NULL").writeStream.foreachBatch(replace)
    return known.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()


# %% wrong="5.1.8" because="not of the format that is asked for"
def store_clicks(events, target, checkpoint):
    known = events.filter("customer_id IS NOT NULL").writeStream.format("parquet")
    return known.option("checkpointLocation", checkpoint).trigger(availableNow=True).start(target)


# %% wrong="5.1.8" because="never ends"
def store_clicks(events, target, checkpoint):
    known = events.filter("customer_id IS NOT NULL").writeStream.format("delta")
    return known.option("checkpointLocation", checkpoint).start(target)


# %% wrong="5.1.8" because="somewhere else than in `checkpoint`"
def store_clicks(events, target, checkpoint):
    known = events.filter("customer_id IS NOT NULL").writeStream.format("delta")
    return (
        known.option("checkpointLocation", target + "/_checkpoint")
        .trigger(availableNow=True)
        .start(target)
    )


# %% right="5.1.8"
def store_clicks(events, target, checkpoint):
    writer = events.where(F.col("customer_id").isNotNull()).writeStream
    writer = writer.options(checkpointLocation=checkpoint, path=target).outputMode("append")
    query = writer.format("delta").trigger(availableNow=True).start()
    query.awaitTermination()
    return query


# %% [markdown]
# ## foreachBatch: your own sink
#
# `foreachBatch` gives you each batch as an ordinary DataFrame, with its id. You can write it to two places, call `MERGE`, send a mail. In return Spark's promise shrinks to **at least once**. Watch it happen: after a
# run we tear the last page out of the diary, as if the machine had died just before it was written.

# %%
received = []
notes = visits.writeStream.foreachBatch(
    lambda frame, batch: received.append((batch, frame.count()))
)
notes = notes.option("checkpointLocation", str(home / "d2")).trigger(availableNow=True)
notes.start().awaitTermination(60)

commit = sorted((home / "d2" / "commits").glob("[0-9]*"))[-1]
commit.unlink()
(commit.parent / f".{commit.name}.crc").unlink()
notes.start().awaitTermination(60)
received

# %% [markdown]
# The same batch id came twice, with the same rows. A function that **adds** would have counted them twice. A function that is **idempotent** may be called twice and does the same as once. The batch id makes it
# so: give each batch a place of its own that a second call replaces, or write the id beside the data and look before you write.
#
# ### Exercise 5.1.9: a sink that survives kill -9
#
# Write purchases (`event_type` is `purchase`) with `foreachBatch`, each batch as Parquet into its own folder below `target`, named `batch=<id>`, such as `target/batch=3`. When `target` is read, Spark makes the column
# `batch` of these names. Write `event_id`, `customer_id` and `event_ts`. Use the given `checkpoint`, take everything that is there, then stop. Your query may die at any moment, also right after your function has written, or in the middle of it: `kill -9` ends
# a process at once, without an exception and without any cleaning up. Every purchase must be there exactly as often as it arrived.


# %% answer="5.1.9" title="A sink that survives kill -9"
def store_purchases(events: DataFrame, target: str, checkpoint: str) -> StreamingQuery:
    """Start the query that writes (event_id, customer_id, event_ts) to target/batch=<id>."""
    ### BEGIN SOLUTION
    purchases = events.filter("event_type = 'purchase'").select(
        "event_id", "customer_id", "event_ts"
    )

    def put(frame, batch):
        frame.write.mode("overwrite").parquet(f"{target}/batch={batch}")

    started = purchases.writeStream.foreachBatch(put).trigger(availableNow=True)
    return started.option("checkpointLocation", checkpoint).start()
    ### END SOLUTION


# %% check="5.1.9" points=3
### BEGIN HIDDEN TESTS
variant(
    "5.1.9",
    "killed",
    "a query that is killed for real in the middle of a write",
    scenario={"files": 3, "script": ["feed 1", "drain", "feed rest", "kill writing", "drain"]},
)
variant(
    "5.1.9",
    "first batch",
    "a crash in the very first batch, and a lost commit later",
    scenario={
        "files": 2,
        "script": ["feed 1", "crash", "drain", "feed rest", "drain", "lose commit", "drain"],
    },
)
### END HIDDEN TESTS
check(
    "5.1.9",
    store_purchases,
    stream={
        "table": "web_events",
        "supplies": ["events", "target", "checkpoint"],
        "sink": "parquet",
        "ids": "event_id",
    },
    arguments={
        "scenario": {"files": 4, "script": ["feed 2", "drain", "feed rest", "crash", "drain"]}
    },
    deadline=120,
)

# %% [markdown] equivalent="5.1.9" because="A filter leaves out a row for false as for NULL."
# - SQL null-safe equality: event_type = 'purchase' → event_type <=> 'purchase'

# %% [markdown] hints="5.1.9"
# 1. Your function is called with a DataFrame and the batch id. What must be true of the second call with the same id?
# 2. Each batch has its own folder. Which save mode leaves the same files there, however often you write?
# 3. Mode `append` would add to the folder, `error` would fail at the replay, for ever. `ignore` trusts that what is there is whole.


# %% wrong="5.1.9" because="more often than they should be"
def store_purchases(events, target, checkpoint):
    purchases = events.filter("event_type = 'purchase'").select(
        "event_id", "customer_id", "event_ts"
    )

    def put(frame, batch):
        frame.write.mode("append").parquet(f"{target}/batch={batch}")

    started = purchases.writeStream.foreachBatch(put).trigger(availableNow=True)
    return started.option("checkpointLocation", checkpoint).start()


# %% wrong="5.1.9" because="PATH_ALREADY_EXISTS"
def store_purchases(events, target, checkpoint):
    purchases = events.filter("event_type = 'purchase'").select(
        "event_id", "customer_id", "event_ts"
    )

    def put(frame, batch):
        frame.write.parquet(f"{target}/batch={batch}")

    started = purchases.writeStream.foreachBatch(put).trigger(availableNow=True)
    return started.option("checkpointLocation", checkpoint).start()


# %% wrong="5.1.9" because="never reached the sink"
def store_purchases(events, target, checkpoint):
    purchases = events.filter("event_type = 'purchase'").select(
        "event_id", "customer_id", "event_ts"
    )

    def put(frame, batch):
        frame.withColumn("batch", F.lit(batch)).write.mode("overwrite").partitionBy(
            "batch"
        ).parquet(target)

    started = purchases.writeStream.foreachBatch(put).trigger(availableNow=True)
    return started.option("checkpointLocation", checkpoint).start()


# %% wrong="5.1.9" because="TypeError"
def store_purchases(events, target, checkpoint):
    def put(frame, batch):
        frame.write.mode("overwrite").parquet(target / f"batch={batch}")

    started = events.filter("event_type = 'purchase'").writeStream.foreachBatch(put)
    return started.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()


# %% wrong="5.1.9" because="killed for real"
def store_purchases(events, target, checkpoint):
    import os

    def put(frame, batch):
        if not os.path.exists(f"{target}/batch={batch}"):
            frame.write.parquet(f"{target}/batch={batch}")

    purchases = events.filter("event_type = 'purchase'")
    started = purchases.select("event_id", "customer_id", "event_ts").writeStream.foreachBatch(put)
    return started.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()


# %% right="5.1.9"
def store_purchases(events, target, checkpoint):
    def put(frame, batch):
        numbered = frame.selectExpr("event_id", "customer_id", "event_ts", f"{batch} AS batch")
        writer = numbered.write.mode("overwrite").partitionBy("batch")
        writer.option("partitionOverwriteMode", "dynamic").parquet(target)

    writer = events.where(F.col("event_type") == "purchase").writeStream.foreachBatch(put)
    return writer.trigger(availableNow=True).start(checkpointLocation=checkpoint)


# %% [markdown]
# ### Question 5.1.10: why exactly once?
#
# A colleague says: "Streaming gives us exactly-once, it says so in the documentation. So we can send the order confirmation mail from `foreachBatch`." Answer in five to eight sentences. Which three parts must work together for exactly-once, and what must
# each of them be able to do? What goes wrong with the mail, and what would you do instead?

# %% [markdown] written="5.1.10" points=3 title="Why exactly once?"
# ### BEGIN SOLUTION
# Three parts must work together. The source must be replayable: Spark writes down in the checkpoint which files or offsets belong to a batch before it runs, and the source must give exactly these rows again when asked. The
# engine must be deterministic in what it repeats: same rows, same state, same batch id. The sink must be idempotent, or must store the batch id together with the data, so that a repeated batch changes nothing. If one of the three is missing, all that is left
# is at-least-once. A mail cannot be taken back or overwritten, so a batch that is repeated after a crash between the mail and the commit sends it a second time. I would let the stream write "mail due" rows with the order id as key into a table with an
# idempotent write, and let another program send the mails, mark each one as sent, and give the order id to the mail service so that it can refuse a double one. Even then, a small window is left in which nobody knows; one has to choose between perhaps twice and perhaps never.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: names replayable source, checkpoint with offsets (or deterministic engine) and idempotent (or transactional) sink
# - 1 point: explains why the mail is sent twice: the batch runs again after a crash between side effect and commit
# - 1 point: a workable way out: write idempotently by key or batch id, and separate the side effect from the stream, with duplicates recognised there
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | `readStream` needs a schema | there may be nothing yet to guess from |
# | `availableNow=True` drains and stops | most streams in companies are jobs, not services |
# | rate limits belong to the source | else the first batch is everything |
# | `append` hands over final rows only | so an aggregate needs a watermark for it |
# | `offsets/N` without `commits/N` runs again | same rows, same id |
# | one checkpoint per query, for ever | it holds position and state |
# | `foreachBatch` is at least once | make your function idempotent with the batch id |
#
# > **On Databricks:** the code is the same. Checkpoints lie in a volume or in cloud storage, folders are usually read with Auto Loader (`format("cloudFiles")`), which finds new files without listing the folder and can keep the schema for
# > you. Serverless compute allows only `availableNow`. Over Spark Connect the function given to `foreachBatch` runs on the server: it must not rely on variables of your notebook that change later.
