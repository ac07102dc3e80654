# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2.6 pandas API, plotting, Spark Connect
#
# **Time:** 135 minutes (two sittings) · **Data:** trips · **Before this:** 0.2, 1.4, 2.1 to 2.4, and a little pandas (`groupby`, `agg`, the index)
#
# So far you have spoken to Spark in two ways, with DataFrame methods and with SQL. There are more ways to the same engine. Analysts come with a
# notebook full of pandas, which worked until the table did not fit into memory any more. A report needs a picture. And in most companies today your Python
# program does not run beside Spark at all: it sends its queries over the network, with **Spark Connect**.
#
# Each of them looks like something that you know, and behaves nearly like it. This notebook is about the word *nearly*: where the same line gives another
# order, another cost or another error than you expect.
#
# ## You will learn to
#
# - move pandas code to pandas-on-Spark, and say what its index is and what it costs
# - combine two pandas-on-Spark tables by their index
# - get the same rows in the same order on one core and on a hundred
# - run a pandas function batch by batch, and know what it cannot see
# - draw a chart from a Spark DataFrame, and say which rows reach your computer
# - run the same code over Spark Connect, and replace what Connect refuses
# - recognise code that Connect accepts but runs differently, because everything is decided later

# %% setup=true
import functools

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from autograder import check, hint
from autograder.services import connect
from datasets import sample

spark = SparkSession.builder.appName("2.6").getOrCreate()

# After autograder, which sets PYARROW_IGNORE_TIMEZONE=1: pyspark.pandas wants it before Spark starts.
import pyspark.pandas as ps

trips = spark.read.parquet(sample("trips"))

# %%
trips.select(
    "trip_id", "vendor_id", "pickup_ts", "passenger_count", "distance_km", "pickup_zone_id"
).orderBy("trip_id").show(3)

# %% [markdown]
# Each row of `trips` is a taxi ride. All times are in UTC, distances in kilometres, amounts in euros.
#
# ## The same words, another engine
#
# A pandas DataFrame lives in the memory of one Python process. `df.toPandas()` puts a whole Spark table there: fine for the 24 rows of a report, the end of the process
# for a hundred million rides. **pandas-on-Spark** (`pyspark.pandas`, usually imported as `ps`) keeps the words of pandas and gives the work to Spark. What you write
# becomes a query plan, and nothing is computed before somebody looks.
#
# | from → to | call | where are the rows? |
# |---|---|---|
# | Spark → pandas-on-Spark | `df.pandas_api()`, `df.pandas_api(index_col="trip_id")` | in Spark; nothing moves |
# | pandas-on-Spark → Spark | `psdf.to_spark()`, `psdf.to_spark(index_col="trip_id")` | in Spark; nothing moves |
# | pandas-on-Spark → pandas | `psdf.to_pandas()` | **all** of them move into your process, and a warning reminds you |
# | pandas → pandas-on-Spark | `ps.from_pandas(pdf)` | from your process to Spark |
# | pandas-on-Spark → SQL | `ps.sql("SELECT ... FROM {t}", t=psdf)` | in Spark; the result is pandas-on-Spark again |

# %%
rides = trips.pandas_api()
rides["hour"] = rides.pickup_ts.dt.hour
night = rides[(rides.hour < 6) & (rides.distance_km > 0)]
print(type(night).__module__, len(night))
print(night.groupby("vendor_id").distance_km.median().sort_index())
print(
    ps.sql(
        "SELECT rate_code, max(hour) AS latest FROM {t} GROUP BY rate_code ORDER BY rate_code",
        t=night,
    )
)

# %% [markdown]
# The words are the same; behind them stand a Spark plan, and some differences to know from the start:
#
# - **No loops over rows.** `for x in rides.hour` and `iterrows` would pull the table through your process, so `ps` refuses the first and is slow with the second. Write expressions of whole
#   columns. Several conditions are joined by `&`, `|` and `~`, each in parentheses.
# - **NULL.** What is NULL in Spark is a missing value here. As in pandas, `groupby` with `agg` or `mean` **leaves out rows whose key is missing**. Spark's own `groupBy` keeps them as a group. `dropna=False` says that you want them.
#   (One exception: `groupby(...).size()` of Spark 4.1 counts them even so.)
# - **Times.** The difference of two times is a `Timedelta` in pandas. Here it is a number of seconds, and a warning says so.
# - **Types.** Columns keep their Spark types. An `INT` column with NULLs stays an `INT`; pandas would make floats of it. `DECIMAL` stays exact; pandas shows it as `object`.
#
# Several results of one group, with names of your own, are written as in pandas: `agg(name=("column", "function"), ...)`.

# %%
tolls = rides.groupby("vendor_id").agg(
    highest=("tolls_amount", "max"),
    paid=("tolls_amount", "sum"),
    known=("congestion_charge", "count"),
)
print(tolls.sort_index())

# %% [markdown]
# ### Exercise 2.6.1: as many as were on board
#
# An analyst's pandas script has these lines:
#
# ```python
# plausible = pdf[(pdf["distance_km"] > 0) & (pdf["distance_km"] <= 100)]
# result = plausible.groupby("passenger_count", dropna=False).agg(...)
# ```
#
# Return as a **pandas-on-Spark DataFrame** for each `passenger_count`, which is the **index**, the number of plausible rides `rides` and the mean of their distance, `mean_km`. Rides whose number of passengers is unknown make up
# one group of their own. The rows must stay in Spark (`FileScan` must be in the plan): no `toPandas()`.


# %% answer="2.6.1" title="As many as were on board"
def by_passengers(trips: DataFrame) -> ps.DataFrame:
    """pandas-on-Spark: index passenger_count (INT or missing), columns rides (BIGINT), mean_km (DOUBLE)."""
    ### BEGIN SOLUTION
    psdf = trips.pandas_api()
    plausible = psdf[(psdf.distance_km > 0) & (psdf.distance_km <= 100)]
    return plausible.groupby("passenger_count", dropna=False).agg(
        rides=("trip_id", "count"), mean_km=("distance_km", "mean")
    )
    ### END SOLUTION


# %% check="2.6.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "2.6.1",
    "borders",
    "rides of exactly 0 and exactly 100 km",
    trips=variants.replaced(
        distance_km=F.expr(
            "CASE trip_id % 5 WHEN 0 THEN 100D WHEN 1 THEN 0D WHEN 2 THEN 100.01D ELSE distance_km END"
        )
    ),
)
### END HIDDEN TESTS
check("2.6.1", by_passengers, pandas_api=True, key=["passenger_count"], plan={"has": ["FileScan"]})

# %% [markdown] hints="2.6.1"
# 1. `trips` is a Spark DataFrame. Which method gives it the words of pandas without moving a row?
# 2. The filter and the grouping can stand as they are in the analyst's script. What is missing is the `agg` with two names: one counts `trip_id`, the other takes the mean of the distance.
# 3. `agg(name=("column", "function"))` makes both columns, and the group becomes the index by itself. Keep `dropna=False`.


# %% wrong="2.6.1" because="row is missing"
def by_passengers(trips):
    psdf = trips.pandas_api()
    plausible = psdf[(psdf.distance_km > 0) & (psdf.distance_km <= 100)]
    return plausible.groupby("passenger_count").agg(
        rides=("trip_id", "count"), mean_km=("distance_km", "mean")
    )


# %% wrong="2.6.1" because="has no FileScan"
def by_passengers(trips):
    pdf = trips.toPandas()
    plausible = pdf[(pdf.distance_km > 0) & (pdf.distance_km <= 100)]
    psdf = ps.from_pandas(plausible.astype({"passenger_count": "Int32"}))
    return psdf.groupby("passenger_count", dropna=False).agg(
        rides=("trip_id", "count"), mean_km=("distance_km", "mean")
    )


# %% wrong="2.6.1" because="exactly 0 and exactly 100 km"
def by_passengers(trips):
    psdf = trips.pandas_api()
    plausible = psdf[psdf.distance_km.between(0.01, 99.99)]
    return plausible.groupby("passenger_count", dropna=False).agg(
        rides=("trip_id", "count"), mean_km=("distance_km", "mean")
    )


# %% wrong="2.6.1" because="a spark dataframe"
def by_passengers(trips):
    return (
        trips.filter("distance_km > 0 AND distance_km <= 100")
        .groupBy("passenger_count")
        .agg(F.count("*").alias("rides"), F.avg("distance_km").alias("mean_km"))
    )


# %% right="2.6.1"
def by_passengers(trips):
    return ps.sql(
        """SELECT passenger_count, count(*) AS rides, avg(distance_km) AS mean_km FROM {t}
           WHERE distance_km > 0 AND distance_km <= 100 GROUP BY passenger_count""",
        index_col="passenger_count",
        t=trips.pandas_api(),
    )


# %% right="2.6.1"
def by_passengers(trips):
    grouped = (
        trips.filter("distance_km > 0 AND distance_km <= 100")
        .groupBy("passenger_count")
        .agg(F.count("*").alias("rides"), F.avg("distance_km").alias("mean_km"))
    )
    return grouped.pandas_api(index_col="passenger_count")


# %% [markdown]
# ## The index, and what it costs
#
# A Spark DataFrame has no row numbers: its rows lie in partitions on many machines, and nobody knows which is the fifth. A pandas table always has an **index**, so pandas-on-Spark must make one. It is made where you did not
# name a column of your own, and there are three ways (`ps.set_option("compute.default_index_type", ...)`):
#
# | default index | numbers | what it costs |
# |---|---|---|
# | `"sequence"` | 0, 1, 2, ... | **all rows pass through one partition**, a `Window` without a partition in the plan; for small tables only |
# | `"distributed-sequence"` (what you get) | 0, 1, 2, ... | one more job that counts the rows of every partition, and the rows are kept in memory for it |
# | `"distributed"` | growing, **with large gaps** | nothing |

# %%
spread = trips.repartition(3, "trip_id")
for kind in ("sequence", "distributed-sequence", "distributed"):
    with ps.option_context("compute.default_index_type", kind):
        numbers = spread.pandas_api().index
        print(
            f"{kind:21} first {numbers.min()}, last {numbers.max():,}, {numbers.nunique():,} different"
        )

# %% [markdown]
# Spark only pays for an index that somebody uses: in a `groupby` it is left out of the plan. You use it when you name it (`reset_index`, `iloc`, `to_spark(index_col=...)`), and when two tables are put side by side.
#
# **The cheapest index is a key that the table already has**: `trips.pandas_api(index_col="trip_id")`. Nothing is computed, and it means something. `to_spark()` forgets the index unless you name a column for it, so a result whose index is a key should say
# `to_spark(index_col="trip_id")`.
#
# Sometimes you do want numbers: a report prints its lines as 0, 1, 2 in a certain order. In pandas that is `sort_values(...)`, then `reset_index(drop=True)`, which throws the old index away and numbers the rows as they now stand. Here the same words work: the new numbers are a default index,
# made after the sort.

# %%
longest = rides[["trip_id", "distance_km"]].sort_values("distance_km", ascending=False)
print(longest.head(3))
print(longest.reset_index(drop=True).head(3))

# %% [markdown]
# An index may have a name (`psdf.index.name = "..."`, or `rename_axis("...")`). In the exercises of this notebook, an index with a name is part of the answer, like a column; one without a name is not looked at.
#
# ### Exercise 2.6.2: numbers without gaps
#
# The controller wants the rides in one list: sorted by `pickup_ts`, rides of the same moment by `trip_id`, numbered 0, 1, 2, ... without gaps. Return a pandas-on-Spark DataFrame with the column `trip_id` whose **index is named** `line` and holds this number.
# The numbers must be made in parallel: `AttachDistributedSequence` must be in the plan, and no `Window`.


# %% answer="2.6.2" title="Numbers without gaps"
def numbered(trips: DataFrame) -> ps.DataFrame:
    """pandas-on-Spark: index line (BIGINT), 0, 1, 2, ... in the order of pickup_ts and trip_id; column trip_id (BIGINT)."""
    ### BEGIN SOLUTION
    in_order = trips.pandas_api()[["trip_id", "pickup_ts"]].sort_values(["pickup_ts", "trip_id"])
    lines = in_order.reset_index(drop=True)[["trip_id"]]
    return lines.rename_axis("line")
    ### END SOLUTION


# %% check="2.6.2" points=1
### BEGIN HIDDEN TESTS
variant(
    "2.6.2",
    "same day",
    "many rides that begin at the same moment, and lie in another order",
    trips=lambda trips: trips.orderBy(F.xxhash64("trip_id")).withColumn(
        "pickup_ts", F.expr("date_trunc('DAY', pickup_ts)")
    ),
)
### END HIDDEN TESTS
check(
    "2.6.2",
    numbered,
    pandas_api=True,
    key=["line"],
    plan={"has": ["AttachDistributedSequence"], "lacks": ["Window"]},
)

# %% [markdown] equivalent="2.6.2" because="Without `drop`, the old index becomes a column, which the next step leaves out."
# - drop option: drop=True of reset_index
# - truth: True → False

# %% [markdown] hints="2.6.2"
# 1. Sort first, number afterwards. Which method of pandas throws an index away and numbers the rows anew?
# 2. `sort_values` takes a list of columns. Which second column decides between rides of the same moment?
# 3. The numbers come from the default index type, which is the right one already. At last give the index its name with `rename_axis`, and keep only the column `trip_id`.


# %% wrong="2.6.2" because="is wrong in"
def numbered(trips):
    lines = trips.pandas_api()[["trip_id", "pickup_ts"]]
    return lines.rename_axis("line").sort_values(["pickup_ts", "trip_id"])[["trip_id"]]


# %% wrong="2.6.2" because="the same moment"
def numbered(trips):
    in_order = trips.pandas_api()[["trip_id", "pickup_ts"]].sort_values("pickup_ts")
    return in_order.reset_index(drop=True)[["trip_id"]].rename_axis("line")


# %% wrong="2.6.2" because="has no attachdistributedsequence"
def numbered(trips):
    with ps.option_context("compute.default_index_type", "sequence"):
        in_order = trips.pandas_api()[["trip_id", "pickup_ts"]].sort_values(
            ["pickup_ts", "trip_id"]
        )
        return in_order.reset_index(drop=True)[["trip_id"]].rename_axis("line")


# %% wrong="2.6.2" because="column `line` is missing"
def numbered(trips):
    in_order = trips.pandas_api()[["trip_id", "pickup_ts"]].sort_values(["pickup_ts", "trip_id"])
    return in_order.reset_index(drop=True)[["trip_id"]]


# %% wrong="2.6.2" because="is wrong in 2,605 of 3,000"
def numbered(trips):
    in_order = trips.pandas_api()[["trip_id", "pickup_ts"]].sort_values(["pickup_ts", "trip_id"])
    in_order["line"] = in_order["trip_id"] - 1
    return in_order.reset_index(drop=True).set_index("line")[["trip_id"]]


# %% right="2.6.2"
def numbered(trips):
    lines = trips.orderBy("pickup_ts", "trip_id").select("trip_id").pandas_api()
    lines.index.name = "line"
    return lines


# %% right="2.6.2"
def numbered(trips):
    psdf = trips.pandas_api(index_col="trip_id")[["pickup_ts"]].reset_index()
    psdf = psdf.sort_values(by=["pickup_ts", "trip_id"], ignore_index=True)
    return psdf.rename_axis(index="line").drop(columns=["pickup_ts"])


# %% [markdown]
# ## Two tables side by side
#
# In pandas, `a - b` pairs the rows of two tables by their index. For Spark that is a **join**. As long as both sides come from the same DataFrame it is none: `rides.dropoff_ts - rides.pickup_ts` is an expression of one table. When they come from different ones, pandas-on-Spark
# makes a full outer join over the index, and says nothing about it.
#
# Since this can be costly, and join two default indexes that mean nothing, it can be forbidden. With `compute.ops_on_diff_frames` off, you see where it happens (Spark 4 allows it, earlier versions forbade it unless told):

# %%
monday = rides[rides.pickup_ts.dt.dayofweek == 0].groupby("vendor_id").fare_amount.max()
sunday = rides[rides.pickup_ts.dt.dayofweek == 6].groupby("vendor_id").fare_amount.max()
print((monday - sunday).sort_index())
with ps.option_context("compute.ops_on_diff_frames", False):
    try:
        print(monday - sunday)
    except ValueError as error:
        print("ValueError:", error)

# %% [markdown]
# Three rules for tables side by side:
#
# - For arithmetic and `concat` the **names of both indexes must be equal**: `ps` refuses to guess that `pickup_zone_id` and `dropoff_zone_id` are both zones. `join` takes the name of the left index. Rename first, and you know what you get.
# - What has no partner is **missing**, and a difference with something missing is missing. Fill (`fillna(0)`) *before* you compute. (`a.sub(b, fill_value=0)` of pandas does not exist here.)
# - `ps.concat([a, b], axis=1)` puts columns side by side, `a.join(b, how="outer")` does so with two DataFrames.

# %%
fridays = (
    rides[rides.pickup_ts.dt.dayofweek == 4].groupby("rate_code").agg(friday=("trip_id", "count"))
)
airport = rides[rides.rate_code == 2].groupby("rate_code").agg(airport=("trip_id", "count"))
print(fridays.join(airport, how="outer").sort_index())

# %% [markdown]
# ### Exercise 2.6.3: where do taxis pile up?
#
# Where more rides end than begin, taxis wait in vain. Return for each zone that occurs as `pickup_zone_id` **or** as `dropoff_zone_id` the number of rides that begin there (`pickups`), that end there (`dropoffs`), and the difference `surplus`, dropoffs minus pickups. A zone without pickups has 0 pickups, and the same for dropoffs. The zone is the
# index, named `zone_id`. The zones of rides are never NULL, and no column of the result is.


# %% answer="2.6.3" title="Where do taxis pile up?"
def surplus(trips: DataFrame) -> ps.DataFrame:
    """pandas-on-Spark: index zone_id (INT), columns pickups, dropoffs, surplus (BIGINT, never missing)."""
    ### BEGIN SOLUTION
    psdf = trips.pandas_api()
    pickups = psdf.groupby("pickup_zone_id").agg(pickups=("trip_id", "count"))
    dropoffs = psdf.groupby("dropoff_zone_id").agg(dropoffs=("trip_id", "count"))
    both = pickups.rename_axis("zone_id").join(dropoffs.rename_axis("zone_id"), how="outer")
    both = both.fillna(0)
    both["surplus"] = both.dropoffs - both.pickups
    return both
    ### END SOLUTION


# %% check="2.6.3" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.6.3",
    "one way",
    "zones in which no ride begins, and zones in which none ends",
    trips=variants.only("pickup_zone_id > dropoff_zone_id"),
)
### END HIDDEN TESTS
check("2.6.3", surplus, pandas_api=True, key=["zone_id"])

# %% [markdown] equivalent="2.6.3" because="A join pairs the indexes whatever they are called, and keeps the name of the left one."
# - drop call: .rename_axis('zone_id') (2)
# - text: 'zone_id' → 'zone_id~' (2)

# %% [markdown] hints="2.6.3"
# 1. Two groupings of the same table, one by each zone column. What must be equal before they can be put side by side?
# 2. Which kind of join keeps zones that only one side has? What do the missing numbers mean?
# 3. `rename_axis` on both, then `join(..., how="outer")` or `ps.concat(..., axis=1)`, then `fillna(0)`, and only then the difference.


# %% wrong="2.6.3" because="index names must be exactly matched"
def surplus(trips):
    psdf = trips.pandas_api()
    pickups = psdf.groupby("pickup_zone_id").trip_id.count()
    dropoffs = psdf.groupby("dropoff_zone_id").trip_id.count()
    return (dropoffs - pickups).to_frame("surplus")


# %% wrong="2.6.3" because="zones in which no ride begins"
def surplus(trips):
    psdf = trips.pandas_api()
    both = (
        psdf.groupby("pickup_zone_id").agg(pickups=("trip_id", "count")).rename_axis("zone_id")
    ).join(
        psdf.groupby("dropoff_zone_id").agg(dropoffs=("trip_id", "count")).rename_axis("zone_id")
    )
    both = both.fillna(0)
    both["surplus"] = both.dropoffs - both.pickups
    return both


# %% wrong="2.6.3" because="`surplus` is wrong in"
def surplus(trips):
    psdf = trips.pandas_api()
    pickups = psdf.groupby("pickup_zone_id").agg(pickups=("trip_id", "count"))
    dropoffs = psdf.groupby("dropoff_zone_id").agg(dropoffs=("trip_id", "count"))
    both = pickups.rename_axis("zone_id").join(dropoffs.rename_axis("zone_id"), how="outer")
    both = both.fillna(0)
    both["surplus"] = both.pickups - both.dropoffs
    return both


# %% wrong="2.6.3" because="zones in which no ride begins"
def surplus(trips):
    psdf = trips.pandas_api()
    pickups = psdf.groupby("pickup_zone_id").agg(pickups=("trip_id", "count"))
    dropoffs = psdf.groupby("dropoff_zone_id").agg(dropoffs=("trip_id", "count"))
    both = pickups.rename_axis("zone_id").join(dropoffs.rename_axis("zone_id"), how="outer")
    both["surplus"] = both.dropoffs - both.pickups
    return both


# %% right="2.6.3"
def surplus(trips):
    psdf = trips.pandas_api()
    columns = []
    for name, column in (("pickups", "pickup_zone_id"), ("dropoffs", "dropoff_zone_id")):
        columns.append(psdf.groupby(column).trip_id.count().rename(name).rename_axis("zone_id"))
    both = ps.concat(columns, axis=1).fillna(0)
    return both.assign(surplus=both["dropoffs"] - both["pickups"])


# %% right="2.6.3"
def surplus(trips):
    both = ps.sql(
        """SELECT zone_id, sum(b) AS pickups, sum(e) AS dropoffs, sum(e - b) AS surplus
           FROM (SELECT pickup_zone_id AS zone_id, 1 AS b, 0 AS e FROM {t}
                 UNION ALL SELECT dropoff_zone_id, 0, 1 FROM {t}) GROUP BY zone_id""",
        t=trips.pandas_api(),
    )
    return both.set_index("zone_id")


# %% [markdown]
# ## When the order differs
#
# A pandas table keeps its rows where they are. In Spark an order only exists where you ask for it: rows come as their partitions come. pandas-on-Spark inherits that, and many words of pandas depend on the order without saying so: `head`, `tail`, `first`,
# `cumsum`, `shift`, `drop_duplicates(keep="first")`, `iloc`.

# %%
shuffled = trips.repartition(8, "trip_id").pandas_api()[["trip_id", "vendor_id"]]
print(shuffled.head(3))
print(shuffled.sort_values("trip_id").head(3))

# %% [markdown]
# The first `head` gives any three rows, those that Spark found first. `ps.set_option("compute.ordered_head", True)` makes `head` follow the order in which rows are read, but if nobody has sorted them, that means nothing either. So:
#
# - **Sort before** an operation that looks at the order, by columns that leave no ties. Operations on groups such as `groupby(...).head(2)` follow the order of a sorted table.
# - **Sort again at the end** if the reader needs the order. A `groupby` or a join gives its rows in any order, whatever came before. (pandas sorts groups by their key.)
# - `shift`, `cumsum` and `rolling` over a whole table bring all rows into one partition, since each row must see the one before it. Inside groups (`groupby("vendor_id").cumsum()`) they work in parallel.

# %%
costly = rides[["rate_code", "trip_id", "fare_amount"]].sort_values(
    ["fare_amount", "trip_id"], ascending=[False, True]
)
print(costly.groupby("rate_code").head(1).sort_values("rate_code"))

# %% [markdown]
# ### Exercise 2.6.4: the latest rides
#
# Return for each `vendor_id` its `n` latest rides by `pickup_ts`; of rides that begin at the same moment, the one with the larger `trip_id` counts as later. A vendor with fewer rides appears with all of them. The result has the columns `trip_id`, `vendor_id` and `pickup_ts`, sorted by
# `vendor_id` (large ones first), within a vendor the latest first. `vendor_id` and `pickup_ts` are never NULL. **The order is part of the task**, the index is not (give it no name).


# %% answer="2.6.4" title="The latest rides"
def latest(trips: DataFrame, n: int) -> ps.DataFrame:
    """pandas-on-Spark: trip_id (BIGINT), vendor_id (INT), pickup_ts (TIMESTAMP), the n latest of each vendor, in order."""
    ### BEGIN SOLUTION
    newest_first = trips.pandas_api()[["trip_id", "vendor_id", "pickup_ts"]].sort_values(
        ["pickup_ts", "trip_id"], ascending=False
    )
    kept = newest_first.groupby("vendor_id").head(n)
    return kept.sort_values(["vendor_id", "pickup_ts", "trip_id"], ascending=False)
    ### END SOLUTION


# %% check="2.6.4" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.6.4",
    "same day",
    "many rides that begin at the same moment",
    trips=variants.replaced(pickup_ts=F.expr("date_trunc('MONTH', pickup_ts)")),
)
variant(
    "2.6.4",
    "other numbers",
    "rides whose numbers do not follow the time, a vendor with two rides, and another n",
    n=5,
    trips=lambda trips: trips.withColumns(
        {
            "trip_id": F.col("trip_id") * 7919 % 3001,
            "vendor_id": F.expr("if(trip_id IN (10, 700), 4, vendor_id)"),
        }
    ),
)
### END HIDDEN TESTS
check("2.6.4", latest, pandas_api=True, ordered=True, arguments={"n": 2})

# %% [markdown] hints="2.6.4"
# 1. Two orders are asked for: one decides which rides are kept, the other how the result is sorted. They need a `sort_values` each.
# 2. `groupby("vendor_id").head(n)` follows the order of the table before it.
# 3. `ascending=False` holds for all columns of a list. Is that what both sorts need?


# %% wrong="2.6.4" because="rows are right, but not in the order"
def latest(trips, n):
    newest_first = trips.pandas_api()[["trip_id", "vendor_id", "pickup_ts"]].sort_values(
        ["pickup_ts", "trip_id"], ascending=False
    )
    return newest_first.groupby("vendor_id").head(n)


# %% wrong="2.6.4" because="begin at the same moment"
def latest(trips, n):
    newest_first = trips.pandas_api()[["trip_id", "vendor_id", "pickup_ts"]].sort_values(
        ["pickup_ts", "trip_id"], ascending=[False, True]
    )
    kept = newest_first.groupby("vendor_id").head(n)
    return kept.sort_values(["vendor_id", "pickup_ts", "trip_id"], ascending=False)


# %% wrong="2.6.4" because="is wrong in 1 of 6"
def latest(trips, n):
    newest_first = trips.pandas_api()[["trip_id", "vendor_id", "pickup_ts"]].sort_values(
        "trip_id", ascending=False
    )
    kept = newest_first.groupby("vendor_id").head(2)
    return kept.sort_values(["vendor_id", "pickup_ts", "trip_id"], ascending=False)


# %% wrong="2.6.4" because="rows are missing"
def latest(trips, n):
    newest_first = trips.pandas_api()[["trip_id", "vendor_id", "pickup_ts"]].sort_values(
        ["vendor_id", "pickup_ts", "trip_id"], ascending=False
    )
    return newest_first.head(n)


# %% wrong="2.6.4" because="another n"
def latest(trips, n):
    newest_first = trips.pandas_api()[["trip_id", "vendor_id", "pickup_ts"]].sort_values(
        ["pickup_ts", "trip_id"], ascending=False
    )
    kept = newest_first.groupby("vendor_id").head(2)
    return kept.sort_values(["vendor_id", "pickup_ts", "trip_id"], ascending=False)


# %% right="2.6.4"
def latest(trips, n):
    newest = Window.partitionBy("vendor_id").orderBy(F.desc("pickup_ts"), F.desc("trip_id"))
    kept = trips.withColumn("place", F.row_number().over(newest)).filter(F.col("place") <= n)
    return (
        kept.orderBy(F.desc("vendor_id"), "place")
        .select("trip_id", "vendor_id", "pickup_ts")
        .pandas_api()
    )


# %% right="2.6.4"
def latest(trips, n):
    psdf = trips.pandas_api()[["trip_id", "vendor_id", "pickup_ts"]].sort_values(
        ["pickup_ts", "trip_id"]
    )
    place = psdf.groupby("vendor_id").cumcount(ascending=False)
    return psdf[place < n].sort_values(by=["vendor_id", "pickup_ts", "trip_id"], ascending=False)


# %% [markdown]
# ## Pandas functions, batch by batch
#
# Some functions exist in pandas only, for instance `pd.cut(values, edges, right=False, labels=[...])`, which sorts numbers into classes: between two edges lies one class, and with `right=False` a value on an edge belongs to the class above it. The result is categories; `astype(object)` makes texts of them. pandas-on-Spark can hand your function pieces of the table as **real pandas objects**, on the machines where they lie:
#
# | call | the function gets | it must return |
# |---|---|---|
# | `psdf.pandas_on_spark.apply_batch(f)` | a pandas DataFrame with some of the rows | a pandas DataFrame of any length |
# | `psdf.pandas_on_spark.transform_batch(f)`, also of a column | a pandas DataFrame (or Series) | one of the **same length** |
# | `psdf.apply(f)`, `psdf.column.apply(f)` | one column, one value | slow; for whole columns use the two above |
#
# What is a batch? A part of a partition, at most 10,000 rows: as it happens to come. So a batch function may treat each row by itself, but **anything that it computes over its rows (a mean, a rank, a first) is true for this batch only**:


# %%
def count_of_batch(piece) -> ps.DataFrame[int]:
    return pd.DataFrame({"rows": [len(piece)]})


for pieces in (1, 4):
    table = trips.repartition(pieces, "trip_id").pandas_api()
    rows = table.pandas_on_spark.apply_batch(count_of_batch).c0
    print(f"{pieces} partitions: {len(rows)} batches of {rows.min()} to {rows.max()} rows")

# %% [markdown]
# The remedy is to compute what belongs to the whole table first, with Spark, and to give the number to the function.
#
# The return annotation tells Spark the type beforehand: `ps.Series[str]` for a column of text, `ps.DataFrame[int]` for a table with one column of integers, which is called `c0`. Without one, `ps` runs your function on the first thousand rows to find out. A missing value in a column of numbers arrives as `NaN` in pandas; to give back a missing *text*, give back `None`.


# %%
def in_words(flags) -> ps.Series[str]:
    return flags.map({"Y": "was offline", "N": None})


offline = rides.stored_and_forwarded.pandas_on_spark.transform_batch(in_words)
print(offline.value_counts(dropna=False).sort_index())

# %% [markdown]
# ### Exercise 2.6.5: short, usual, long
#
# Let *m* be the mean of `distance_km` over all rides with a distance above 0. A ride is `"short"` if its distance is below m/2, `"long"` if it is 2m or more, and `"usual"` in between (m/2 itself is usual). A distance of 0 is short, and so is a negative one; where the distance is missing, the class is missing, too. At least one distance is above 0.
#
# Return a pandas-on-Spark DataFrame with the index `trip_id` and the column `class`. The first line of the function, which spreads the rows over `parts` partitions, must stay (`Exchange` must be in the plan). Use a batch function or not, as you like; each of them sees one part only.


# %% answer="2.6.5" title="Short, usual, long"
def classes(trips: DataFrame, parts: int) -> ps.DataFrame:
    """pandas-on-Spark: index trip_id (BIGINT), column class (STRING: short, usual, long, or missing)."""
    trips = trips.repartition(parts, "trip_id")
    ### BEGIN SOLUTION
    psdf = trips.pandas_api(index_col="trip_id")
    mean = psdf.distance_km[psdf.distance_km > 0].mean()
    edges = [-np.inf, mean / 2, mean * 2, np.inf]

    def name(distances) -> ps.Series[str]:
        named = pd.cut(distances, edges, right=False, labels=["short", "usual", "long"])
        return named.astype(object).where(distances.notna(), None)

    return psdf.distance_km.pandas_on_spark.transform_batch(name).to_frame("class")
    ### END SOLUTION


# %% check="2.6.5" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.6.5",
    "unknown",
    "rides whose distance is missing",
    trips=variants.nulls("distance_km", every=3),
)
variant(
    "2.6.5",
    "on the border",
    "distances that are exactly half and exactly twice the mean, or below zero",
    trips=lambda trips: trips.filter("trip_id <= 36").withColumn(
        "distance_km",
        F.expr("element_at(array(0D, 2D, 4D, 8D, 2D, -8D), CAST(trip_id % 6 + 1 AS INT))"),
    ),
    parts=3,
)
### END HIDDEN TESTS
check(
    "2.6.5",
    classes,
    pandas_api=True,
    key=["trip_id"],
    plan={"has": ["Exchange"]},
    arguments={"parts": 4},
)

# %% [markdown] equivalent="2.6.5" because="In a column of objects NaN becomes NULL as None does."
# - drop filter: .where(distances.notna(), None)

# %% [markdown] hints="2.6.5"
# 1. The mean belongs to the whole table. Where must it be computed, so that no batch can get it wrong?
# 2. Two borders make three classes, which need four edges: the outermost can be infinite. A function inside your function sees the mean.
# 3. Look at what becomes of a missing distance: the class must be `None`, which `where` of the texts can give. Without batches, `mask` and `where` of a column do the whole task as well.


# %% wrong="2.6.5" because="`class` is wrong in"
def classes(trips, parts):
    trips = trips.repartition(parts, "trip_id")

    def name(distances) -> ps.Series[str]:
        mean = distances[distances > 0].mean()
        edges = [-np.inf, mean / 2, mean * 2, np.inf]
        named = pd.cut(distances, edges, right=False, labels=["short", "usual", "long"])
        return named.astype(object).where(distances.notna(), None)

    psdf = trips.pandas_api(index_col="trip_id")
    return psdf.distance_km.pandas_on_spark.transform_batch(name).to_frame("class")


# %% wrong="2.6.5" because="has no exchange"
def classes(trips, parts):
    def name(distances) -> ps.Series[str]:
        mean = distances[distances > 0].mean()
        edges = [-np.inf, mean / 2, mean * 2, np.inf]
        named = pd.cut(distances, edges, right=False, labels=["short", "usual", "long"])
        return named.astype(object).where(distances.notna(), None)

    psdf = trips.pandas_api(index_col="trip_id")
    return psdf.distance_km.pandas_on_spark.transform_batch(name).to_frame("class")


# %% wrong="2.6.5" because="rides whose distance is missing"
def classes(trips, parts):
    trips = trips.repartition(parts, "trip_id")
    psdf = trips.pandas_api(index_col="trip_id")
    mean = psdf.distance_km[psdf.distance_km > 0].mean()
    edges = [-np.inf, mean / 2, mean * 2, np.inf]

    def name(distances) -> ps.Series[str]:
        named = pd.cut(distances, edges, right=False, labels=["short", "usual", "long"])
        return named.astype(str)

    return psdf.distance_km.pandas_on_spark.transform_batch(name).to_frame("class")


# %% wrong="2.6.5" because="exactly half and exactly twice the mean"
def classes(trips, parts):
    trips = trips.repartition(parts, "trip_id")
    psdf = trips.pandas_api(index_col="trip_id")
    mean = psdf.distance_km[psdf.distance_km > 0].mean()
    edges = [-np.inf, mean / 2, mean * 2, np.inf]

    def name(distances) -> ps.Series[str]:
        named = pd.cut(distances, edges, labels=["short", "usual", "long"])
        return named.astype(object).where(distances.notna(), None)

    return psdf.distance_km.pandas_on_spark.transform_batch(name).to_frame("class")


# %% wrong="2.6.5" because="below zero"
def classes(trips, parts):
    trips = trips.repartition(parts, "trip_id")
    psdf = trips.pandas_api(index_col="trip_id")
    mean = psdf.distance_km[psdf.distance_km != 0].mean()
    edges = [-np.inf, mean / 2, mean * 2, np.inf]

    def name(distances) -> ps.Series[str]:
        named = pd.cut(distances, edges, right=False, labels=["short", "usual", "long"])
        return named.astype(object).where(distances.notna(), None)

    return psdf.distance_km.pandas_on_spark.transform_batch(name).to_frame("class")


# %% wrong="2.6.5" because="below zero"
def classes(trips, parts):
    trips = trips.repartition(parts, "trip_id")
    psdf = trips.pandas_api(index_col="trip_id")
    mean = psdf.distance_km[psdf.distance_km > 0].mean()
    edges = [0, mean / 2, mean * 2, np.inf]

    def name(distances) -> ps.Series[str]:
        named = pd.cut(distances, edges, right=False, labels=["short", "usual", "long"])
        return named.astype(object).where(distances.notna(), None)

    return psdf.distance_km.pandas_on_spark.transform_batch(name).to_frame("class")


# %% right="2.6.5"
def classes(trips, parts):
    trips = trips.repartition(parts, "trip_id")
    mean = trips.filter("distance_km > 0").agg(F.avg("distance_km")).first()[0]
    km = F.col("distance_km")
    named = F.when(km < mean / 2, "short").when(km < 2 * mean, "usual")
    named = named.when(km.isNotNull(), "long").alias("class")
    return trips.select("trip_id", named).pandas_api(index_col="trip_id")


# %% [markdown]
# ## Pictures
#
# A Spark DataFrame draws itself: `df.plot.line(...)`, and also `bar`, `barh`, `area`, `pie`, `scatter`, `hist`, `box` and `kde`. pandas-on-Spark has the same. The result is a **plotly figure**, an object with data and a layout, which the notebook shows interactively: point at it to read the values.
#
# A chart is drawn in your process, so ask each time **which rows reach it**:
#
# | chart | what travels |
# |---|---|
# | `hist`, `box`, `kde` | Spark computes the bins, the quartiles (with the outermost rows) or the density; only these travel |
# | `bar`, `barh`, `pie` | the first 1,000 rows (`spark.sql.pyspark.plotting.max_rows`) |
# | `line`, `area`, `scatter` | all rows up to this limit; of more, a **random sample** |
#
# So let Spark make the table small first, and sort it: the points come in the order of the rows.

# %%
plausible = trips.filter("distance_km > 0 AND distance_km <= 30")
figure = plausible.plot.hist(column="distance_km", bins=12)
figure.update_layout(
    title="Most rides are short",
    xaxis_title="distance (km)",
    yaxis_title="rides (count)",
    template="none",
    height=320,
    showlegend=False,
)
figure.show("plotly_mimetype")

# %% [markdown]
# Twelve numbers have travelled, not the distances of thousands of rides. You can look at what a figure shows. That is how this notebook checks yours: by its data and its titles, not by its colours.

# %%
bars = figure.data[0]
print(
    type(bars).__name__,
    "| bars:",
    len(bars.y),
    "| rides:",
    sum(bars.y),
    "| title:",
    figure.layout.title.text,
)

# %% [markdown]
# Everything else is said when the chart is made or afterwards. `title=` and `labels=` are options of plotly: `labels` gives words for columns. With several columns for `y`, plotly puts all values into one axis, called `value`, and names the lines after the columns. A chart without a title and without units at its axes is
# a riddle.

# %%
per_month = (
    trips.filter("pickup_zone_id = 31")
    .groupBy(F.date_trunc("month", "pickup_ts").cast("date").alias("month"))
    .agg(
        F.sum("total_amount").cast("double").alias("billed"),
        F.sum("tip_amount").cast("double").alias("tips"),
    )
    .orderBy("month")
)
figure = per_month.plot.bar(
    x="month",
    y=["billed", "tips"],
    title="Rides that begin in zone 31",
    labels={"month": "month of pickup (UTC)", "value": "amount (EUR)", "variable": ""},
    color_discrete_sequence=["steelblue", "darkorange"],
)
figure.update_layout(barmode="group", template="none", height=340)
figure.show("plotly_mimetype")

# %% [markdown]
# ### Exercise 2.6.6: card or cash, by the hour
#
# Return a figure with two **lines**, `card` (rides with `payment_type` 1) and `cash` (`payment_type` 2), over the hour of `pickup_ts`: 24 points each, hours 0 to 23 in this order, and 0 where there was no such ride. The lines have these names. Title: `Rides by card and in cash`; axes: `hour of pickup (UTC)` and
# `rides (count)`.


# %% answer="2.6.6" title="Card or cash, by the hour"
def card_or_cash(spark: SparkSession, trips: DataFrame) -> go.Figure:
    """A plotly figure with the lines card and cash: x is the hour 0, 1, ... 23, y the number of rides."""
    ### BEGIN SOLUTION
    day = spark.createDataFrame([(hour,) for hour in range(24)], ["hour"])
    rides = day.join(trips.withColumn("hour", F.hour("pickup_ts")), "hour", "left")
    table = rides.groupBy("hour").agg(
        F.count_if(F.col("payment_type") == 1).alias("card"),
        F.count_if(F.col("payment_type") == 2).alias("cash"),
    )
    return table.orderBy("hour").plot.line(
        x="hour",
        y=["card", "cash"],
        title="Rides by card and in cash",
        labels={"hour": "hour of pickup (UTC)", "value": "rides (count)"},
    )
    ### END SOLUTION


# %% check="2.6.6" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.6.6",
    "office hours",
    "hours without any ride",
    trips=variants.only("hour(pickup_ts) BETWEEN 7 AND 18"),
)
variant(
    "2.6.6",
    "one of the two",
    "hours in which nobody pays in cash",
    trips=variants.only("payment_type <> 2 OR hour(pickup_ts) % 3 = 0"),
)
### END HIDDEN TESTS
check("2.6.6", card_or_cash)

# %% [markdown] equivalent="2.6.6" because="An hour without rides has NULL for payment_type, and is counted neither way."
# - null-safe equality: F.col('payment_type') == 1 → F.col('payment_type').eqNullSafe(1)
# - null-safe equality: F.col('payment_type') == 2 → F.col('payment_type').eqNullSafe(2)

# %% [markdown] equivalent="2.6.6" because="The hour of a time is always one of the 24."
# - join type: left → full in .join(trips.withColumn('hour', F.hour('pickup_ts')), 'hour', 'left')

# %% [markdown] hints="2.6.6"
# 1. First the table, then the picture: one row for each hour, with the columns `hour`, `card` and `cash`. How do you get a row for an hour without rides?
# 2. A count with a condition for each way of paying; a table of the 24 hours as the left side of a join; 0 for what is missing; sorted.
# 3. `plot.line` takes a list for `y`. The titles of both axes are `labels` for the names `hour` and `value`, or are set afterwards with `update_layout(xaxis_title=..., yaxis_title=...)`.


# %% wrong="2.6.6" because="hours without any ride"
def card_or_cash(spark, trips):
    table = trips.groupBy(F.hour("pickup_ts").alias("hour")).agg(
        F.count_if(F.col("payment_type") == 1).alias("card"),
        F.count_if(F.col("payment_type") == 2).alias("cash"),
    )
    return table.orderBy("hour").plot.line(
        x="hour",
        y=["card", "cash"],
        title="Rides by card and in cash",
        labels={"hour": "hour of pickup (UTC)", "value": "rides (count)"},
    )


# %% wrong="2.6.6" because="x axis"
def card_or_cash(spark, trips):
    counted = trips.groupBy(F.hour("pickup_ts").alias("hour")).agg(
        F.count_if(F.col("payment_type") == 1).alias("card"),
        F.count_if(F.col("payment_type") == 2).alias("cash"),
    )
    day = spark.range(24).select(F.col("id").cast("int").alias("hour"))
    table = day.join(counted, "hour", "left").na.fill(0).orderBy("hour")
    return table.plot.line(x="hour", y=["card", "cash"], title="Rides by card and in cash")


# %% wrong="2.6.6" because="traces"
def card_or_cash(spark, trips):
    counted = trips.groupBy(F.hour("pickup_ts").alias("hour")).agg(
        F.count_if(F.col("payment_type") == 1).alias("card"),
        F.count_if(F.col("payment_type") == 2).alias("cash"),
    )
    day = spark.range(24).select(F.col("id").cast("int").alias("hour"))
    table = day.join(counted, "hour", "left").na.fill(0).orderBy("hour")
    return table.plot.bar(
        x="hour",
        y=["card", "cash"],
        title="Rides by card and in cash",
        labels={"hour": "hour of pickup (UTC)", "value": "rides (count)"},
    )


# %% wrong="2.6.6" because="traces"
def card_or_cash(spark, trips):
    hour = F.hour("pickup_ts").alias("hour")
    card = trips.filter("payment_type = 1").groupBy(hour).agg(F.count("*").alias("card"))
    cash = trips.filter("payment_type = 2").groupBy(hour).agg(F.count("*").alias("cash"))
    return (
        card.join(cash, "hour")
        .orderBy("hour")
        .plot.line(
            x="hour",
            y=["card", "cash"],
            title="Rides by card and in cash",
            labels={"hour": "hour of pickup (UTC)", "value": "rides (count)"},
        )
    )


# %% right="2.6.6"
def card_or_cash(spark, trips):
    counted = trips.groupBy(F.hour("pickup_ts").alias("hour")).agg(
        F.count_if(F.col("payment_type") == 1).alias("card"),
        F.count_if(F.col("payment_type") == 2).alias("cash"),
    )
    day = spark.range(24).withColumnRenamed("id", "hour")
    table = day.join(counted, "hour", "left").na.fill(0).orderBy("hour")
    return table.plot.line(
        x="hour",
        y=["card", "cash"],
        title="Rides by card and in cash",
        labels={"hour": "hour of pickup (UTC)", "value": "rides (count)"},
    )


# %% right="2.6.6"
def card_or_cash(spark, trips):
    paid = {
        (row.hour, row.payment_type): row["count"]
        for row in trips.groupBy(F.hour("pickup_ts").alias("hour"), "payment_type")
        .count()
        .collect()
    }
    hours = list(range(24))
    lines = [
        go.Scatter(x=hours, y=[paid.get((hour, kind), 0) for hour in hours], name=name)
        for name, kind in (("card", 1), ("cash", 2))
    ]
    return go.Figure(
        lines,
        go.Layout(
            title="Rides by card and in cash",
            xaxis_title="hour of pickup (UTC)",
            yaxis_title="rides (count)",
        ),
    )


# %% right="2.6.6"
def card_or_cash(spark, trips):
    table = spark.sql("""
        SELECT h.hour, count_if(t.payment_type = 1) AS card, count_if(t.payment_type = 2) AS cash
        FROM (SELECT explode(sequence(0, 23)) AS hour) AS h
        LEFT JOIN trips AS t ON hour(t.pickup_ts) = h.hour GROUP BY h.hour ORDER BY h.hour
    """)
    figure = table.pandas_api(index_col="hour").plot.line(y=["card", "cash"])
    figure.update_layout(
        title="Rides by card and in cash",
        xaxis_title="hour of pickup (UTC)",
        yaxis_title="rides (count)",
    )
    return figure


# %% [markdown]
# ## Spark Connect: a client and a server
#
# In the notebooks so far, your Python process and Spark's JVM are neighbours. PySpark calls Java objects directly, and `spark.sparkContext` or `df.rdd` hand you the insides of Spark. This is called **classic**. It ties your program to the machine, the Java version and the fate of the driver: one colleague
# who collects too much takes the session of all others with him.
#
# With **Spark Connect** your program is a **client**. It needs no Java. It describes what it wants as an unresolved plan, sends that to a server by gRPC, and gets Arrow batches back:
#
# ```
#  your process (client)                          the server (driver, JVM)
#  DataFrame methods → plan as a message  ──────► analyse, optimise, run on the cluster
#  pandas, Arrow, your own Python code    ◄────── schema, rows (Arrow), errors
# ```
#
# | how to start | what happens |
# |---|---|
# | `SparkSession.builder.remote("sc://spark.example.com:15002").getOrCreate()` | a client of a server that runs somewhere |
# | the same with the environment variable `SPARK_REMOTE=sc://...` and plain `SparkSession.builder.getOrCreate()` | no line of the program changes |
# | `SparkSession.builder.remote("local[2]").getOrCreate()` | starts a server on this machine, too |
# | `SparkSession.builder.config("spark.api.mode", "connect").master(...)` | a classic program is run over Connect; the default is `classic` |
#
# A process that has a classic session refuses to start a second one of the other kind, and this notebook has one:

# %%
try:
    SparkSession.builder.remote("local[2]").getOrCreate()
except Exception as error:
    print(error.getCondition())

# %% [markdown]
# Therefore we do it as in a company: a server and a program of its own. The course can start a Connect server inside the JVM of this notebook (`connect.address(spark)` gives its URL, with a password); that saves a second JVM. The program is a small file. It does not import anything of the course, and does not know where Spark is:

# %%
import os
import pathlib
import subprocess
import sys
import tempfile

program = """
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
trips = spark.read.parquet(PATH)
print(type(spark).__module__, "|", trips.filter("distance_km > 100").count(), "rides above 100 km")
""".replace("PATH", repr(str(sample("trips"))))

with tempfile.TemporaryDirectory() as folder:
    client = pathlib.Path(folder, "client.py")
    client.write_text(program)
    address = {"SPARK_REMOTE": connect.address(spark)}
    finished = subprocess.run(
        [sys.executable, client], env=os.environ | address, capture_output=True, text=True
    )
print(finished.stdout)

# %% [markdown]
# For the rest of this notebook `with connect.connected(spark) as remote:` opens a Connect session in this very process; inside the block, `remote` is what `spark` is for a client. Make columns and UDFs inside the block, too: those from outside are of the classic kind. The same function runs on both sides, with the same result:


# %%
def busiest(session: SparkSession, zone: int) -> list:
    rides = session.read.parquet(sample("trips")).filter(F.col("pickup_zone_id") == zone)
    hours = rides.groupBy(F.hour("pickup_ts").alias("hour")).count()
    return [tuple(row) for row in hours.orderBy(F.desc("count"), "hour").limit(3).collect()]


print("classic:", busiest(spark, 31))
with connect.connected(spark) as remote:
    print("connect:", busiest(remote, 31))

# %% [markdown]
# ### What Connect refuses
#
# The client has no JVM, so everything that reaches into it is gone. DataFrames, SQL, UDFs, pandas-on-Spark, plots, streaming and most of MLlib are there. The condition of the error says which kind it is:

# %%
with connect.connected(spark) as remote:
    ten = remote.range(10)
    for name, attempt in {
        "spark.sparkContext": lambda: remote.sparkContext,
        "spark._jvm": lambda: remote._jvm,
        "df.rdd": lambda: ten.rdd,
    }.items():
        try:
            attempt()
        except Exception as error:
            print(f"{name:20} {error.getCondition() or type(error).__name__}")

# %% [markdown]
# What to write instead:
#
# | classic | over Connect (and better in both) |
# |---|---|
# | `sc.parallelize(rows).toDF(...)` | `spark.createDataFrame(rows, schema)` |
# | `sc.broadcast(dictionary)` and a function that looks up | a small DataFrame and `F.broadcast(small)` in a join, or `F.create_map` |
# | `df.rdd.map(f)`, `reduceByKey` | columns and `groupBy`; if it must be Python, a UDF or `mapInPandas` |
# | `df.rdd.getNumPartitions()` | `df.select(F.spark_partition_id()).distinct().count()` (partitions with rows) |
# | accumulators | `df.observe(...)`, or a second aggregate |
# | `sc.setLogLevel`, `spark._jvm...`, settings of the cluster | not the client's business; settings of the session: `spark.conf.set` |

# %%
with connect.connected(spark) as remote:
    prices = {"Y": 0.25, "N": 0.0}
    table = remote.createDataFrame(
        list(prices.items()), "stored_and_forwarded STRING, per_ride DOUBLE"
    )
    every_ride = remote.read.parquet(sample("trips"))
    billed = every_ride.join(F.broadcast(table), "stored_and_forwarded").agg(F.sum("per_ride"))
    print("offline rides cost", billed.first()[0], "EUR")
    print(
        "partitions:", every_ride.repartition(3).select(F.spark_partition_id()).distinct().count()
    )

# %% [markdown]
# ### Exercise 2.6.7: move the fee report
#
# This job has to move to a Connect server. It computes for each `rate_code` the sum of kilometres times the fee per kilometre of that code; codes without a fee cost 0:
#
# ```python
# def fee_report(spark, trips, fees):
#     shared = spark.sparkContext.broadcast(fees)          # {"1": 0.25, "2": 1.5}
#     pairs = trips.rdd.map(lambda t: (t.rate_code, t.distance_km * shared.value.get(str(t.rate_code), 0.0)))
#     return pairs.reduceByKey(lambda a, b: a + b).toDF(["rate_code", "fee"])
# ```
#
# Write it so that it runs **over Connect**: `check` calls your function with a Connect session as `spark`, and with `trips` from there. The keys of `fees` are texts, its values numbers, some of them whole (`int`); it is never empty and may name codes that have no ride; those do not appear. `distance_km` and `rate_code` are never NULL.


# %% answer="2.6.7" title="Move the fee report"
def fee_report(spark: SparkSession, trips: DataFrame, fees: dict) -> DataFrame:
    """(rate_code INT, fee DOUBLE), one row for each rate_code of trips; fee is never NULL."""
    ### BEGIN SOLUTION
    rows = [(int(code), float(fee)) for code, fee in fees.items()]
    table = spark.createDataFrame(rows, "rate_code INT, per_km DOUBLE")
    priced = trips.join(F.broadcast(table), "rate_code", "left").na.fill(0.0, ["per_km"])
    return priced.groupBy("rate_code").agg(
        F.sum(F.col("distance_km") * F.col("per_km")).alias("fee")
    )
    ### END SOLUTION


# %% check="2.6.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.6.7",
    "other fees",
    "other fees, one of them for a code that has no ride",
    fees={"2": 1, "4": 0.75, "7": 3.0},
)
### END HIDDEN TESTS
check(
    "2.6.7",
    fee_report,
    connect=True,
    key=["rate_code"],
    arguments={"fees": {"1": 0.25, "2": 1.5, "3": 0.9}},
)

# %% [markdown] equivalent="2.6.7" because="A hint changes no row, and a left join keeps the type of its left key."
# - drop function: F.broadcast(table)
# - SQL type: rate_code INT , → rate_code BIGINT ,

# %% [markdown] hints="2.6.7"
# 1. Which two lines of the old job reach into the JVM? What takes their place in the table above?
# 2. Make a small DataFrame of the dictionary, with the same type as `rate_code`, and join it. Which kind of join keeps codes without a fee?
# 3. NULL where there is no fee must become 0 before it is multiplied; then group and sum.


# %% wrong="2.6.7" because="jvm_attribute_not_supported"
def fee_report(spark, trips, fees):
    shared = spark.sparkContext.broadcast(fees)
    fee = F.udf(lambda code: float(shared.value.get(str(code), 0.0)), "double")
    priced = trips.withColumn("fee", F.col("distance_km") * fee("rate_code"))
    return priced.groupBy("rate_code").agg(F.sum("fee").alias("fee"))


# %% wrong="2.6.7" because="not_implemented"
def fee_report(spark, trips, fees):
    pairs = trips.rdd.map(lambda t: (t.rate_code, t.distance_km * fees.get(str(t.rate_code), 0.0)))
    return pairs.reduceByKey(lambda a, b: a + b).toDF(["rate_code", "fee"])


# %% wrong="2.6.7" because="rows are missing"
def fee_report(spark, trips, fees):
    rows = [(int(code), float(fee)) for code, fee in fees.items()]
    table = spark.createDataFrame(rows, "rate_code INT, per_km DOUBLE")
    return (
        trips.join(table, "rate_code")
        .groupBy("rate_code")
        .agg(F.sum(F.col("distance_km") * F.col("per_km")).alias("fee"))
    )


# %% wrong="2.6.7" because="one of them for a code that has no ride"
def fee_report(spark, trips, fees):
    code = F.col("rate_code")
    per_km = F.when(code == 1, 0.25).when(code == 2, 1.5).when(code == 3, 0.9).otherwise(0.0)
    return trips.groupBy("rate_code").agg(F.sum(per_km * F.col("distance_km")).alias("fee"))


# %% wrong="2.6.7" because="row is not expected"
def fee_report(spark, trips, fees):
    rows = [(int(code), float(fee)) for code, fee in fees.items()]
    table = spark.createDataFrame(rows, "rate_code INT, per_km DOUBLE")
    return (
        trips.join(table, "rate_code", "full")
        .na.fill(0.0, ["per_km", "distance_km"])
        .groupBy("rate_code")
        .agg(F.sum(F.col("distance_km") * F.col("per_km")).alias("fee"))
    )


# %% right="2.6.7"
def fee_report(spark, trips, fees):
    pairs = [F.lit(part) for code, fee in fees.items() for part in (int(code), float(fee))]
    per_km = F.coalesce(F.create_map(*pairs)[F.col("rate_code")], F.lit(0.0))
    return trips.groupBy("rate_code").agg(F.sum(F.col("distance_km") * per_km).alias("fee"))


# %% right="2.6.7"
def fee_report(spark, trips, fees):
    values = ", ".join(f"({int(code)}, {float(fee)}D)" for code, fee in fees.items())
    return spark.sql(f"""
        SELECT t.rate_code, sum(t.distance_km * coalesce(f.per_km, 0D)) AS fee
        FROM trips AS t LEFT JOIN (VALUES {values}) AS f(code, per_km) ON t.rate_code = f.code
        GROUP BY t.rate_code
    """)


# %% right="2.6.7"
def fee_report(spark, trips, fees):
    @F.udf("double")
    def fee_of(code, distance):
        return distance * float(fees.get(str(code), 0.0))

    priced = trips.withColumn("fee", fee_of("rate_code", "distance_km"))
    return priced.groupBy("rate_code").agg(F.sum("fee").alias("fee"))


# %% [markdown]
# ### What Connect decides later
#
# What is refused gives an error, and errors can be repaired. The dangerous differences give none. Classic Spark **analyses** a query at once: `df.select("colour")` fails in this line if there is no such column. A Connect client only writes the plan down. Names and types are looked up when something needs them: an action, or
# `df.columns`, `df.schema`, `df.dtypes`.


# %%
def try_column(frame: DataFrame, label: str) -> None:
    step = "select"
    try:
        chosen = frame.select("colour")
        step = "schema"
        chosen.schema
    except Exception as error:
        print(f"{label}: {error.getCondition()} in the step '{step}'")


try_column(spark.range(3), "classic")
with connect.connected(spark) as remote:
    try_column(remote.range(3), "connect")

# %% [markdown]
# Each of these questions is a message to the server and back. In a loop over hundreds of columns that adds up: ask for `df.columns` once, before the loop. (`df.schema` is remembered by the DataFrame that you asked.)
#
# ### Exercise 2.6.8: which rules can we run?
#
# Users type in rules as SQL expressions, conditions as well as computations, and you run those that Spark understands. Return the list of those in `rules` that can be **analysed** in a `select` from `trips`, in their order; one that names an unknown column or function, or that is no SQL, is left out (the error is an `AnalysisException` of `pyspark.errors`). A rule is not run: whether its values can be computed for every row does not
# matter. `check` calls the function over Connect.


# %% answer="2.6.8" title="Which rules can we run?"
def usable(trips: DataFrame, rules: list) -> list:
    """The texts of `rules` that Spark can analyse as a column of trips, in their order."""
    ### BEGIN SOLUTION
    understood = []
    for rule in rules:
        try:
            trips.select(F.expr(rule)).schema
        except Exception:
            continue
        understood.append(rule)
    return understood
    ### END SOLUTION


# %% check="2.6.8" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.6.8",
    "fails at run time",
    "rules that can be analysed although they fail for some rows, or are no conditions",
    rules=[
        "tip_amount / passenger_count > 1",
        "distance_km / 1.609",
        "CAST(stored_and_forwarded AS INT) = 1",
        "tips > 1",
        "hour(pickup_ts) < 6",
        "fare_amount >",
    ],
)
### END HIDDEN TESTS
check(
    "2.6.8",
    usable,
    connect=True,
    arguments={
        "rules": [
            "distance_km > 100",
            "colour = 'yellow'",
            "fare_amount < 0",
            "speed(distance_km)",
            "distance_km >> ",
            "upper(stored_and_forwarded) = 'Y'",
        ]
    },
)

# %% [markdown] hints="2.6.8"
# 1. An error can only be caught where it is raised. In which step does a Connect client notice that a column does not exist?
# 2. `F.expr(rule)` makes a column of a text, and `select` a DataFrame with it. Ask this DataFrame something that it can only know after the analysis.
# 3. Ask for its `schema` inside the `try`. An action would be too much: it runs the rule.


# %% wrong="2.6.8" because="has 6 entries"
def usable(trips, rules):
    understood = []
    for rule in rules:
        try:
            trips.select(F.expr(rule))
        except Exception:
            continue
        understood.append(rule)
    return understood


# %% wrong="2.6.8" because="although they fail for some rows"
def usable(trips, rules):
    understood = []
    for rule in rules:
        try:
            trips.select(F.expr(rule)).collect()
        except Exception:
            continue
        understood.append(rule)
    return understood


# %% wrong="2.6.8" because="has 5 entries"
def usable(trips, rules):
    return [rule for rule in rules if any(name in rule for name in trips.columns)]


# %% wrong="2.6.8" because="jvm_attribute_not_supported"
def usable(trips, rules):
    parser = trips.sparkSession._jsparkSession.sessionState().sqlParser()
    return [rule for rule in rules if parser.parseExpression(rule)]


# %% wrong="2.6.8" because="are no conditions"
def usable(trips, rules):
    from pyspark.errors import AnalysisException

    understood = []
    for rule in rules:
        try:
            trips.filter(rule).schema
        except AnalysisException:
            continue
        understood.append(rule)
    return understood


# %% right="2.6.8"
def usable(trips, rules):
    def understood(rule):
        try:
            return bool(trips.selectExpr(rule).columns)
        except Exception:
            return False

    return [rule for rule in rules if understood(rule)]


# %% right="2.6.8"
def usable(trips, rules):
    from pyspark.errors import AnalysisException, ParseException

    kept = list(rules)
    for rule in rules:
        try:
            trips.filter("false").select(F.expr(rule).alias("x")).dtypes
        except (AnalysisException, ParseException):
            kept.remove(rule)
    return kept


# %% [markdown]
# The same holds for **names of views** and for **variables in functions**. A query over a view is a text until it runs, so it reads what the view is *then*. And a UDF is sent with the values that its variables have when the query is sent:


# %%
def views_and_variables(session: SparkSession) -> tuple:
    session.range(2).createOrReplaceTempView("stock")
    first = session.sql("SELECT count(*) AS rows FROM stock")
    session.range(7).createOrReplaceTempView("stock")

    factor = 10
    times = F.udf(lambda number: number * factor, "bigint")
    second = session.range(1, 2).select(times("id").alias("n"))
    factor = 1000
    return first.first()["rows"], second.first()["n"]


print("classic: rows of the view, product =", views_and_variables(spark))
with connect.connected(spark) as remote:
    print("connect: rows of the view, product =", views_and_variables(remote))

# %% [markdown]
# No error, other numbers. The remedy is to give every intermediate step a **name of its own**: keep the DataFrame in a variable instead of a view, or hand it to SQL as a parameter, `session.sql("SELECT ... FROM {stock}", stock=frame)`, which binds this DataFrame and no name. (In an f-string, `{stock}` would be filled by Python: write `{{stock}}`.) A function that makes the UDF gets the value as a
# parameter.
#
# ### Exercise 2.6.9: a report in parts
#
# This function is right in classic Spark and wrong over Connect:
#
# ```python
# def in_parts(spark, trips, kinds):
#     parts = []
#     for kind in kinds:
#         trips.filter(f"payment_type = {kind}").createOrReplaceTempView("part")
#         parts.append(spark.sql(f"SELECT {kind} AS payment_type, count(*) AS rides, sum(fare_amount) AS fares FROM part"))
#     return functools.reduce(DataFrame.union, parts)
# ```
#
# (The entries of `kinds` are whole numbers from our own program; a text from outside must not get into SQL like this, see 1.4.) Repair it, so that it returns what it returned in classic Spark: a row for each entry of `kinds` (never empty), also for one that has no ride (0 rides, `fares` NULL), and twice for one that is there twice.


# %% answer="2.6.9" title="A report in parts"
def in_parts(spark: SparkSession, trips: DataFrame, kinds: list) -> DataFrame:
    """(payment_type INT, rides BIGINT, fares DECIMAL(20,2) or NULL), a row for each entry of kinds."""
    ### BEGIN SOLUTION
    parts = []
    for kind in kinds:
        part = trips.filter(F.col("payment_type") == kind)
        query = (
            "SELECT :kind AS payment_type, count(*) AS rides, sum(fare_amount) AS fares FROM {part}"
        )
        parts.append(spark.sql(query, args={"kind": kind}, part=part))
    return functools.reduce(DataFrame.unionByName, parts)
    ### END SOLUTION


# %% check="2.6.9" points=2
### BEGIN HIDDEN TESTS
variant("2.6.9", "nothing", "a kind of payment without any ride", kinds=[4, 9, 1])
variant("2.6.9", "twice", "a kind of payment that is named twice", kinds=[2, 1, 2])
### END HIDDEN TESTS
check("2.6.9", in_parts, connect=True, arguments={"kinds": [1, 2, 3]})

# %% [markdown] equivalent="2.6.9" because="Neither payment_type nor an entry of kinds is NULL."
# - null-safe equality: F.col('payment_type') == kind → F.col('payment_type').eqNullSafe(kind)

# %% [markdown] hints="2.6.9"
# 1. All three queries read a view of the same name. Which contents has it when they run?
# 2. Either each part gets a view with a name of its own, or no view at all.
# 3. `spark.sql` takes DataFrames as parameters (`{part}` in the text), and values (`:kind`, in `args`). With DataFrame methods, an `agg` without `groupBy` gives one row even for no rides.


# %% wrong="2.6.9" because="`rides` is wrong in 2 of 3"
def in_parts(spark, trips, kinds):
    parts = []
    for kind in kinds:
        trips.filter(f"payment_type = {kind}").createOrReplaceTempView("part")
        parts.append(
            spark.sql(
                f"SELECT {kind} AS payment_type, count(*) AS rides, sum(fare_amount) AS fares FROM part"
            )
        )
    return functools.reduce(DataFrame.union, parts)


# %% wrong="2.6.9" because="a kind of payment without any ride"
def in_parts(spark, trips, kinds):
    return (
        trips.filter(F.col("payment_type").isin(kinds))
        .groupBy("payment_type")
        .agg(F.count("*").alias("rides"), F.sum("fare_amount").alias("fares"))
    )


# %% wrong="2.6.9" because="is missing"
def in_parts(spark, trips, kinds):
    parts = []
    for kind in kinds:
        trips.filter(f"payment_type = {kind}").createOrReplaceTempView(f"part_{kind}")
        parts.append(
            spark.sql(
                f"SELECT {kind} AS payment_type, count(*) AS rides, sum(fare_amount) AS fares FROM part_{kind}"
            )
        )
    return functools.reduce(lambda a, b: a.union(b).distinct(), parts[:2])


# %% wrong="2.6.9" because="named twice"
def in_parts(spark, trips, kinds):
    wanted = spark.createDataFrame([(kind,) for kind in kinds], "payment_type INT").distinct()
    return (
        wanted.join(trips, "payment_type", "left")
        .groupBy("payment_type")
        .agg(F.count("trip_id").alias("rides"), F.sum("fare_amount").alias("fares"))
    )


# %% right="2.6.9"
def in_parts(spark, trips, kinds):
    parts = [
        trips.filter(F.col("payment_type") == kind)
        .agg(F.count("*").alias("rides"), F.sum("fare_amount").alias("fares"))
        .select(F.lit(kind).alias("payment_type"), "rides", "fares")
        for kind in kinds
    ]
    return functools.reduce(lambda upper, lower: upper.unionAll(lower), parts)


# %% right="2.6.9"
def in_parts(spark, trips, kinds):
    parts = []
    for kind in kinds:
        trips.filter(f"payment_type = {kind}").createOrReplaceTempView(f"part_{kind}")
        parts.append(
            spark.sql(
                f"SELECT {kind} AS payment_type, count(*) AS rides, sum(fare_amount) AS fares FROM part_{kind}"
            )
        )
    return functools.reduce(DataFrame.union, parts)


# %% right="2.6.9"
def in_parts(spark, trips, kinds):
    wanted = spark.createDataFrame(list(enumerate(kinds)), "place INT, payment_type INT")
    return (
        wanted.join(trips, "payment_type", "left")
        .groupBy("place", "payment_type")
        .agg(F.count("trip_id").alias("rides"), F.sum("fare_amount").alias("fares"))
        .drop("place")
    )


# %% [markdown]
# ### Functions that run elsewhere
#
# One more difference without an error. `foreachBatch` gives each batch of a stream to a Python function (Module 5 is about streams). In classic Spark this function runs in **your** process, so it can fill a list of yours. Over Connect it is copied to the server and runs **there**:
#
# ```python
# sizes = []
#
# def remember(batch, number):
#     sizes.append(batch.count())
#
# writer = session.readStream.schema("trip_id BIGINT").parquet(folder).writeStream
# writer.foreachBatch(remember).trigger(availableNow=True).option(...).start().awaitTermination()
# print(sizes)          # classic: [3000]      Connect: []
# ```
#
# The stream did its work both times. Only the list stayed empty, because another process had filled a copy of it. What a function finds out must be written to a place that all can see: a table, a file, a topic.
#
# ## Where does the driver run?
#
# Connect answers a part of an older question, the **deploy mode** of a Spark application:
#
# | deploy mode | the driver runs | use it for |
# |---|---|---|
# | local (`local[2]`) | in your process's JVM, and so do the executors | learning, tests |
# | client | on the machine where you call `spark-submit`; executors in the cluster | shells and notebooks; it ends when your machine ends |
# | cluster | on a machine of the cluster | jobs that nobody watches |
# | Connect | in a server that goes on when clients come and go | many users, editors, services, serverless |
#
# ### Question 2.6.10: it worked on my machine
#
# A colleague moves a job to a platform that only offers Spark Connect. It (a) reads prices into a dictionary and shares it with `sc.broadcast`, (b) keeps a list of the sizes of all batches of a stream, filled by a function for `foreachBatch`, and prints their sum at the end, (c) builds ten reports in a loop, always over a temporary view called `current`, and joins them at the end,
# and (d) validates the columns that users name by `try: df.select(name)`. After the first run she says: "Only (a) needs work. The rest gave no error." Write six to ten sentences: what happens in each of the four places over Connect and why, what would you write instead, and which test, run before the move, would have found the silent ones?

# %% [markdown] written="2.6.10" points=3 title="It worked on my machine"
# ### BEGIN SOLUTION
# (a) fails loudly, because a client has no JVM and no Spark context: `JVM_ATTRIBUTE_NOT_SUPPORTED`. The dictionary becomes a small DataFrame that is joined (with a broadcast hint if needed) or a map column.
# (b) gives no error, but the list stays empty and the sum is 0: the function is pickled, sent to the server and run in a process there, where it fills a copy of the list. The sizes must go to a place both can see, for instance a Delta table with batch id and count, or be read from the progress of the query.
# (c) gives wrong reports without an error: a query over a view is only analysed when it runs, so all ten read the last contents of `current`. Each step needs a name of its own: a DataFrame in a variable, a DataFrame passed to `spark.sql` as a parameter, or ten different view names.
# (d) accepts every name, since `select` over Connect only writes the plan down; the error comes later, at the first action, perhaps far away. Ask for `schema` inside the `try`, or compare the names with `df.columns`, asked once.
# The test: run the old job and the new one on the same small data, one in classic and one in Connect mode (`spark.api.mode`, or a local Connect server), and compare the results row by row, with at least two different reports, a wrong column name, and a stream with more than one batch. "No error" is no test.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: (a) and (d) explained: no JVM in the client, and analysis that comes later; each with a replacement that works
# - 1 point: (b) and (c) explained as silent errors: the function runs in another process on a copy; the name of the view is looked up when the query runs; each with a replacement that works
# - 1 point: a test that compares results of both modes on the same data, and that would show at least one of the silent errors
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | `pandas_api(index_col=...)`, `to_spark(index_col=...)` | a key is the cheapest index; an index that is not named is lost |
# | `"sequence"` puts all rows into one partition, `"distributed"` leaves gaps | the default, `"distributed-sequence"`, costs one more job |
# | `groupby` leaves out missing keys unless `dropna=False` | pandas does so, Spark's `groupBy` does not |
# | two tables side by side are a join over the index | names of indexes must match; what has no partner is missing |
# | sort before what looks at the order, and again at the end | partitions come in any order |
# | a batch function sees its batch | compute means and ranks of the whole table before |
# | charts: aggregate and sort first, then title, axes, units | only the first rows or a sample reach your process |
# | Connect: no `sparkContext`, `_jvm`, `rdd` | the client has no JVM |
# | Connect: columns, views and variables are looked up late | ask for `schema` to find wrong names now; it does not hold a view or a variable: give each step a name of its own |
# | Connect: functions for `foreachBatch` run on the server | they fill a copy of your variables |
#
# > **On Databricks:** serverless compute, standard (shared) clusters and Databricks Connect all speak Spark Connect, so everything that Connect refuses here is refused there, and `getOrCreate()` gives a Connect session. Dedicated clusters are classic. `pyspark.pandas` and `df.plot` are there; `display(df)` draws charts without code, too. Serverless
# > has no `rdd`, no `sparkContext`, and allows only some settings through `spark.conf.set`. A local program reaches a workspace with `DatabricksSession.builder.getOrCreate()` of the package `databricks-connect`.
