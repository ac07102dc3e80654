# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1.2 Aggregations
#
# **Time:** 85 minutes · **Data:** trips · **Before this:** 1.1
#
# The city wants a yearly report on its taxis: how many trips, how much money, which zones are busy. Nobody reads three thousand rows, so
# a report is made of **aggregates**: one number that stands for many rows. Each of these numbers hides decisions. Does a trip without a
# known number of passengers count? Is a refund a trip? What is a "typical" distance when a broken meter has sent 1,700 km? And which zone
# comes first when two are equally busy? Here you learn to take these decisions on purpose.
#
# ## You will learn to
#
# - group rows and compute several aggregates in one pass
# - choose between the ways of counting, and say what NULL does to each
# - count and average only the rows that fulfil a condition, without losing groups
# - build subtotals with `rollup`, `cube` and grouping sets, and tell a subtotal from a group whose name is not known
# - turn rows into columns and back with `pivot` and `unpivot`
# - find the first few of each group so that the result is the same at every run
# - describe a typical value by median and percentiles when the data hold impossible values

# %% setup=true
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("1.2").getOrCreate()

trips = spark.read.parquet(sample("trips"))
zones = spark.read.parquet(sample("zones"))

AMOUNTS = [
    "fare_amount",
    "extra_amount",
    "tax_amount",
    "tip_amount",
    "tolls_amount",
    "congestion_charge",
    "airport_fee",
]


def add_places(trips: DataFrame, zones: DataFrame) -> DataFrame:
    """All columns of both tables, one row per trip; those of `zones` are NULL where the pickup zone is not in that table."""
    return trips.join(zones, trips.pickup_zone_id == zones.zone_id, "left")


# %%
trips.select(
    "trip_id",
    "vendor_id",
    "pickup_ts",
    "passenger_count",
    "distance_km",
    "pickup_zone_id",
    "total_amount",
).orderBy("trip_id").show(3)
zones.orderBy("zone_id").show(3)

# %% [markdown]
# All amounts are in euros, distances in kilometres, times in UTC. Two names of the set-up cell will be useful later: `AMOUNTS`, the seven
# columns that a bill is made of, and `add_places(trips, zones)`, which looks up zone and borough of each pickup. How such a join works is
# the topic of notebook 2.1; for now it is enough that it keeps every trip.
#
# ## Groups
#
# `groupBy` forms groups: rows with the same value belong together. `agg` says what to compute for each group, and takes as many
# aggregates as you like. They are all computed in **one** pass over the data. The result has one row per group.

# %%
(
    trips.groupBy("vendor_id")
    .agg(
        F.avg("fare_amount").alias("average fare"), F.max("distance_km").alias("longest trip (km)")
    )
    .orderBy("vendor_id")
    .show()
)

# %% [markdown]
# (Trips of more than 1,000 km within one city: keep them in mind, we shall meet them again.) Three rules hold for nearly every aggregate:
#
# | rule | example |
# |---|---|
# | rows with NULL in the **grouping** column form a group of their own | a `vendor_id` of NULL gives a fourth row |
# | NULL in the **aggregated** column is left out | `avg` divides by the number of values, not by the number of rows |
# | if nothing is left, the result is NULL, and only counts are 0 | the sum of no known amount is NULL |
#
# And the types: counts are `BIGINT`. The sum of a `DECIMAL(10,2)` is a `DECIMAL(20,2)`, so that it has room to grow; its average is a
# `DECIMAL(14,6)`. Money stays exact.
#
# ### Exercise 1.2.1: how people pay
#
# Return one row per `payment_type` with `trips`, the number of rows of `trips`, and `revenue`, the sum of `total_amount`. Trips whose
# payment type is not known form a group too. Where no total of a group is known, `revenue` is NULL.


# %% answer="1.2.1" title="How people pay"
def by_payment(trips: DataFrame) -> DataFrame:
    """(payment_type INT or NULL, trips BIGINT, revenue DECIMAL(20,2) or NULL), one row per payment type."""
    ### BEGIN SOLUTION
    return trips.groupBy("payment_type").agg(
        F.count("*").alias("trips"), F.sum("total_amount").alias("revenue")
    )
    ### END SOLUTION


# %% check="1.2.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "1.2.1",
    "unknown",
    "trips whose payment type is not known",
    trips=variants.nulls("payment_type"),
)
variant(
    "1.2.1",
    "no totals",
    "a payment type for which no total is known",
    trips=variants.replaced(total_amount=F.when(F.col("payment_type") != 3, F.col("total_amount"))),
)
### END HIDDEN TESTS
check("1.2.1", by_payment, key=["payment_type"])

# %% [markdown] hints="1.2.1"
# 1. One `groupBy`, then one `agg` with two entries. Give each its name with `.alias(...)`.
# 2. Counting a *column* leaves its NULLs out. You want to count rows: there is a form of `F.count` for that.


# %% wrong="1.2.1" because="on hidden data"
def by_payment(trips):
    return trips.groupBy("payment_type").agg(
        F.count("payment_type").alias("trips"), F.sum("total_amount").alias("revenue")
    )


# %% wrong="1.2.1" because="revenue` is DOUBLE"
def by_payment(trips):
    amount = F.col("total_amount").cast("double")
    return trips.groupBy("payment_type").agg(
        F.count("*").alias("trips"), F.sum(amount).alias("revenue")
    )


# %% wrong="1.2.1" because="revenue"
def by_payment(trips):
    return trips.groupBy("payment_type").agg(
        F.count("*").alias("trips"), F.sum("fare_amount").alias("revenue")
    )


# %% wrong="1.2.1" because="value where null is expected"
def by_payment(trips):
    filled = trips.na.fill(0, ["total_amount"])
    return filled.groupBy("payment_type").agg(
        F.count("*").alias("trips"), F.sum("total_amount").alias("revenue")
    )


# %% right="1.2.1"
def by_payment(trips):
    return trips.sparkSession.sql(
        "SELECT sum(total_amount) AS revenue, count(1) AS trips, payment_type FROM trips GROUP BY ALL"
    )


# %% [markdown]
# ## Four ways to count
#
# "How many?" has several answers, and they differ exactly where there are holes or repetitions:
#
# | you write | it counts |
# |---|---|
# | `F.count("*")` | rows |
# | `F.count("a")` | rows in which `a` is not NULL |
# | `F.count_distinct("a")` | different values of `a`; NULL is not a value |
# | `F.count_distinct("a", "b")` | different pairs, but **a pair with a NULL in it is left out** |
# | `F.count_distinct(F.struct("a", "b"))` | different pairs, all of them: the struct itself is not NULL, even when a part of it is |
# | `df.select("a", "b").distinct().count()` | the same: `distinct` treats two NULLs as equal and keeps one |
#
# `F.struct("a", "b")` packs two columns into one value, a **struct**, with named parts (more in 1.3). Older code writes `countDistinct` for `count_distinct`.
#
# Four deliveries, some of them with holes:

# %%
deliveries = spark.createDataFrame(
    [(1, "Mint", "Harbour"), (2, "Mint", None), (3, "Mint", None), (4, None, "Market")],
    "id INT, start STRING, stop STRING",
)
deliveries.agg(
    F.count("*").alias("rows"),
    F.count("stop").alias("known stops"),
    F.count_distinct("stop").alias("different stops"),
    F.count_distinct("start", "stop").alias("pairs, no holes"),
    F.count_distinct(F.struct("start", "stop")).alias("pairs, all"),
).show()

# %% [markdown]
# Counting different values exactly is expensive: Spark must remember every value that it has seen. With billions of them one often
# prefers an estimate. `F.approx_count_distinct(column, rsd)` keeps a small *sketch* of fixed size instead; `rsd` is the typical relative
# error that you accept (5 % if you say nothing). The smaller it is, the more memory the sketch needs. NULL is left out here too. The
# estimate is not random: the same values give the same estimate, in whatever order they come.

# %%
trips.agg(
    F.count_distinct("total_amount").alias("exact"),
    F.approx_count_distinct("total_amount").alias("rsd 0.05"),
    F.approx_count_distinct("total_amount", 0.01).alias("rsd 0.01"),
).show()

# %% [markdown]
# ### Exercise 1.2.2: what the meters know
#
# Return one row per `vendor_id` with four counts:
#
# - `trips`: all its rows
# - `passengers_known`: rows in which `passenger_count` is known
# - `passenger_counts`: how many different known values `passenger_count` has
# - `routes`: how many different pairs of `pickup_zone_id` and `dropoff_zone_id` occur. Here an unknown zone (NULL) counts like one more
#   zone: from 6 to NULL is a route.


# %% answer="1.2.2" title="What the meters know"
def meter_counts(trips: DataFrame) -> DataFrame:
    """(vendor_id INT or NULL, trips BIGINT, passengers_known BIGINT, passenger_counts BIGINT, routes BIGINT), one row per vendor."""
    ### BEGIN SOLUTION
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count("passenger_count").alias("passengers_known"),
        F.count_distinct("passenger_count").alias("passenger_counts"),
        F.count_distinct(F.struct("pickup_zone_id", "dropoff_zone_id")).alias("routes"),
    )
    ### END SOLUTION


# %% check="1.2.2" points=2
### BEGIN HIDDEN TESTS
variant(
    "1.2.2",
    "unknown ends",
    "trips whose drop-off zone is not known",
    trips=variants.nulls("dropoff_zone_id"),
)
variant(
    "1.2.2",
    "silent meter",
    "a vendor whose meters never report passengers, and trips without a vendor",
    trips=variants.together(
        variants.replaced(
            passenger_count=F.when(F.col("vendor_id") != 2, F.col("passenger_count"))
        ),
        variants.nulls("vendor_id", every=7),
    ),
)
variant(
    "1.2.2",
    "hundreds of counts",
    "meters that report hundreds of different numbers of passengers",
    trips=variants.replaced(passenger_count=(F.col("trip_id") % 500).cast("int")),
)
### END HIDDEN TESTS
check("1.2.2", meter_counts, key=["vendor_id"])

# %% [markdown] equivalent="1.2.2" because="Swapping both ends of every route maps different pairs to different pairs."
# - swap arguments: F.struct('pickup_zone_id', 'dropoff_zone_id') → F.struct('dropoff_zone_id', 'pickup_zone_id')

# %% [markdown] hints="1.2.2"
# 1. Each of the four counts is one line of the table above. Which line is which?
# 2. For `routes`, compare the two lines about pairs. Which of them keeps a pair that has a hole?
# 3. Pack both zones into one struct, and count different structs.


# %% wrong="1.2.2" because="drop-off zone is not known"
def meter_counts(trips):
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count("passenger_count").alias("passengers_known"),
        F.count_distinct("passenger_count").alias("passenger_counts"),
        F.count_distinct("pickup_zone_id", "dropoff_zone_id").alias("routes"),
    )


# %% wrong="1.2.2" because="passengers_known"
def meter_counts(trips):
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.sum("passenger_count").alias("passengers_known"),
        F.count_distinct("passenger_count").alias("passenger_counts"),
        F.count_distinct(F.struct("pickup_zone_id", "dropoff_zone_id")).alias("routes"),
    )


# %% wrong="1.2.2" because="trips"
def meter_counts(trips):
    return (
        trips.na.drop(subset=["passenger_count"])
        .groupBy("vendor_id")
        .agg(
            F.count("*").alias("trips"),
            F.count("passenger_count").alias("passengers_known"),
            F.count_distinct("passenger_count").alias("passenger_counts"),
            F.count_distinct(F.struct("pickup_zone_id", "dropoff_zone_id")).alias("routes"),
        )
    )


# %% wrong="1.2.2" because="routes"
def meter_counts(trips):
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count("passenger_count").alias("passengers_known"),
        F.count_distinct("passenger_count").alias("passenger_counts"),
        F.approx_count_distinct(F.struct("pickup_zone_id", "dropoff_zone_id")).alias("routes"),
    )


# %% wrong="1.2.2" because="hundreds of different numbers"
def meter_counts(trips):
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count("passenger_count").alias("passengers_known"),
        F.approx_count_distinct("passenger_count").alias("passenger_counts"),
        F.count_distinct(F.struct("pickup_zone_id", "dropoff_zone_id")).alias("routes"),
    )


# %% wrong="1.2.2" because="meters never report passengers"
def meter_counts(trips):
    known = trips.filter("passenger_count IS NOT NULL").groupBy("vendor_id")
    passengers = known.agg(
        F.count("*").alias("passengers_known"),
        F.count_distinct("passenger_count").alias("passenger_counts"),
    )
    routes = F.count_distinct(F.struct("pickup_zone_id", "dropoff_zone_id")).alias("routes")
    return (
        trips.groupBy("vendor_id")
        .agg(F.count("*").alias("trips"), routes)
        .join(passengers, "vendor_id")
    )


# %% right="1.2.2"
def meter_counts(trips):
    return trips.sparkSession.sql("""
        SELECT vendor_id, count(*) AS trips, count_if(passenger_count IS NOT NULL) AS passengers_known,
               CAST(size(collect_set(passenger_count)) AS BIGINT) AS passenger_counts,
               CAST(size(collect_set(array(pickup_zone_id, dropoff_zone_id))) AS BIGINT) AS routes
        FROM trips GROUP BY vendor_id
    """)


# %% [markdown]
# ## Counting under a condition
#
# How many trips were long, and how many were there at all? With a `filter` in front you get only one of the two numbers, and groups
# without any long trip disappear. Better let every row in, and put the condition **into the aggregate**. (`F.expr` takes an expression as
# SQL text; `selectExpr` is a `select` of such texts.)

# %%
is_long = F.col("distance_km") > 20
trips.agg(
    F.count("*").alias("all"),
    F.count_if(is_long).alias("count_if"),
    F.sum(F.when(is_long, 1).otherwise(0)).alias("sum of when"),
    F.expr("count(*) FILTER (WHERE distance_km > 20)").alias("filter clause"),
).show()

# %% [markdown]
# Three ways, one number. `count_if` is the shortest; the `FILTER` clause is SQL and works with every aggregate; `when` inside an
# aggregate is what you find in older code. With `when`, be careful with `otherwise`. Two classic mistakes, on the night charge (`extra_amount`),
# which is 1.00 in the evening and 0 by day:

# %%
at_night = F.col("extra_amount") > 0
trips.agg(
    F.count_if(at_night).alias("night trips"),
    F.count(F.when(at_night, 1).otherwise(0)).alias("counts all rows"),
    F.round(F.avg(F.when(at_night, F.col("fare_amount"))), 2).alias("average night fare"),
    F.round(F.avg(F.when(at_night, F.col("fare_amount")).otherwise(0)), 2).alias(
        "with zeros mixed in"
    ),
).show()

# %% [markdown]
# `count` counts what is not NULL, and 0 is not NULL. `avg` leaves NULL out, so a `when` **without** `otherwise` averages just the rows
# you mean.
#
# ### Exercise 1.2.3: tips and refunds
#
# Tips are known for card payments (`payment_type` 1) only; for the others the meter writes 0. A trip is a refund when its `fare_amount`
# is negative. Return one row for **every** `vendor_id`:
#
# - `trips`: all its rows
# - `card_trips`: those paid by card; a payment type that is not known is no card
# - `average_card_tip`: the average `tip_amount` of its card trips, a `DECIMAL(14,6)` as `avg` gives it; NULL for a vendor without card
#   trips
# - `refund_share`: refunds divided by **all** its trips, a `DOUBLE` between 0 and 1; a fare that is not known is no refund


# %% answer="1.2.3" title="Tips and refunds"
def tips_and_refunds(trips: DataFrame) -> DataFrame:
    """(vendor_id INT or NULL, trips BIGINT, card_trips BIGINT, average_card_tip DECIMAL(14,6) or NULL, refund_share DOUBLE)."""
    ### BEGIN SOLUTION
    by_card = F.col("payment_type") == 1
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count_if(by_card).alias("card_trips"),
        F.avg(F.when(by_card, F.col("tip_amount"))).alias("average_card_tip"),
        (F.count_if(F.col("fare_amount") < 0) / F.count("*")).alias("refund_share"),
    )
    ### END SOLUTION


# %% check="1.2.3" points=2
### BEGIN HIDDEN TESTS
variant(
    "1.2.3",
    "cash only",
    "a vendor that never takes cards",
    trips=variants.replaced(
        payment_type=F.when(F.col("vendor_id") == 3, F.lit(2)).otherwise(F.col("payment_type"))
    ),
)
variant(
    "1.2.3",
    "unknown",
    "trips whose vendor, fare, payment type or tip is not known",
    trips=variants.together(
        variants.nulls("fare_amount", every=3),
        variants.nulls("payment_type", every=4),
        variants.nulls("tip_amount", every=5),
        variants.nulls("vendor_id", every=7),
    ),
)
cents = F.element_at(
    F.array(F.lit(-0.5), F.lit(0.0), F.lit(0.5)), (F.col("trip_id") % 3 + 1).cast("int")
)
variant(
    "1.2.3",
    "cents",
    "fares of exactly 0, 0.50 and -0.50",
    trips=variants.replaced(fare_amount=cents.cast("decimal(10,2)")),
)
### END HIDDEN TESTS
check("1.2.3", tips_and_refunds, key=["vendor_id"])

# %% [markdown] equivalent="1.2.3" because="The condition is used in count_if and when, for which false and NULL are the same."
# - null-safe equality: F.col('payment_type') == 1 → F.col('payment_type').eqNullSafe(1)

# %% [markdown] hints="1.2.3"
# 1. No row may be filtered away before the grouping: all four numbers come from one `agg`.
# 2. An average over card trips needs NULL, not 0, in all other rows. Which form of `when` gives NULL?
# 3. A share is one count divided by another. Both may stand in one entry of `agg`, in parentheses before `.alias(...)`.


# %% wrong="1.2.3" because="average_card_tip"
def tips_and_refunds(trips):
    by_card = F.col("payment_type") == 1
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count_if(by_card).alias("card_trips"),
        F.avg(F.when(by_card, F.col("tip_amount")).otherwise(0))
        .cast("decimal(14,6)")
        .alias("average_card_tip"),
        (F.count_if(F.col("fare_amount") < 0) / F.count("*")).alias("refund_share"),
    )


# %% wrong="1.2.3" because="card_trips"
def tips_and_refunds(trips):
    by_card = F.col("payment_type") == 1
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count(by_card).alias("card_trips"),
        F.avg(F.when(by_card, F.col("tip_amount"))).alias("average_card_tip"),
        (F.count_if(F.col("fare_amount") < 0) / F.count("*")).alias("refund_share"),
    )


# %% wrong="1.2.3" because="trips"
def tips_and_refunds(trips):
    return (
        trips.filter("payment_type = 1")
        .groupBy("vendor_id")
        .agg(
            F.count("*").alias("trips"),
            F.count("*").alias("card_trips"),
            F.avg("tip_amount").alias("average_card_tip"),
            (F.count_if(F.col("fare_amount") < 0) / F.count("*")).alias("refund_share"),
        )
    )


# %% wrong="1.2.3" because="or tip is not known"
def tips_and_refunds(trips):
    by_card = F.col("payment_type") == 1
    tips = F.sum(F.when(by_card, F.col("tip_amount")))
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count_if(by_card).alias("card_trips"),
        F.try_divide(tips, F.count_if(by_card)).cast("decimal(14,6)").alias("average_card_tip"),
        (F.count_if(F.col("fare_amount") < 0) / F.count("*")).alias("refund_share"),
    )


# %% wrong="1.2.3" because="trips whose vendor"
def tips_and_refunds(trips):
    by_card = F.col("payment_type") == 1
    report = trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count_if(by_card).alias("card_trips"),
        F.avg(F.when(by_card, F.col("tip_amount"))).alias("average_card_tip"),
        (F.count_if(F.col("fare_amount") < 0) / F.count("*")).alias("refund_share"),
    )
    return report.filter("vendor_id IS NOT NULL")


# %% wrong="1.2.3" because="fare, payment type or tip"
def tips_and_refunds(trips):
    by_card = F.col("payment_type") == 1
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count_if(by_card).alias("card_trips"),
        F.avg(F.when(by_card, F.col("tip_amount"))).alias("average_card_tip"),
        F.avg((F.col("fare_amount") < 0).cast("int")).alias("refund_share"),
    )


# %% wrong="1.2.3" because="DIVIDE_BY_ZERO"
def tips_and_refunds(trips):
    by_card = F.col("payment_type") == 1
    tips = F.sum(F.when(by_card, F.col("tip_amount")).otherwise(0))
    return trips.groupBy("vendor_id").agg(
        F.count("*").alias("trips"),
        F.count_if(by_card).alias("card_trips"),
        (tips / F.count_if(by_card)).cast("decimal(14,6)").alias("average_card_tip"),
        (F.count_if(F.col("fare_amount") < 0) / F.count("*")).alias("refund_share"),
    )


# %% right="1.2.3"
def tips_and_refunds(trips):
    return trips.sparkSession.sql("""
        SELECT vendor_id, count(*) AS trips, count(*) FILTER (WHERE payment_type = 1) AS card_trips,
               avg(tip_amount) FILTER (WHERE payment_type = 1) AS average_card_tip,
               avg(CASE WHEN fare_amount < 0 THEN 1 ELSE 0 END) AS refund_share
        FROM trips GROUP BY vendor_id
    """)


# %% [markdown]
# ## Subtotals
#
# A report often shows the same number at several levels: per zone, per borough, for the whole city. Instead of three queries you ask for
# several groupings at once; Spark reads the data only once.
#
# | you write | groupings in the result |
# |---|---|
# | `df.rollup("a", "b")` | (a, b), (a), () : from fine to coarse, for columns that nest |
# | `df.cube("a", "b")` | (a, b), (a), (b), () : every combination |
# | `df.groupingSets([["a"], ["b"]], "a", "b")` | exactly those in the list; in SQL `GROUP BY GROUPING SETS ((a), (b))` |
#
# () is the grand total. Where a column was **summed over**, the result has NULL in it. That is the trap: NULL may also be the name of a
# group whose value is not known. In this little table one web order has no known payment:

# %%
small = spark.createDataFrame(
    [("web", "card", 3), ("web", None, 1), ("shop", "cash", 2)],
    "channel STRING, payment STRING, orders INT",
)
(
    small.rollup("channel", "payment")
    .agg(
        F.sum("orders").alias("orders"),
        F.grouping("payment").alias("payment summed over"),
        F.grouping_id().alias("grouping_id"),
    )
    .orderBy("channel", "payment", "grouping_id")
    .show()
)

# %% [markdown]
# Two rows say `web, NULL`: the first is the one order without a known payment, the second the subtotal of all web orders.
# `F.grouping("payment")` is 1 exactly where the column was summed over. `F.grouping_id()` puts these digits side by side, one per
# grouping column from left to right, and reads them as a binary number: 0 for `00`, 1 for `01` (payment summed over), 3 for `11` (both).
# `cube` would add 2, `10`.
#
# Grouping sets are for a chosen few. Trips per vendor and per rate code, without their combinations and without the total:

# %%
(
    trips.groupingSets([["vendor_id"], ["rate_code"]], "vendor_id", "rate_code")
    .agg(F.count("*").alias("rides"), F.grouping_id().alias("grouping_id"))
    .orderBy("grouping_id", "vendor_id", "rate_code")
    .show()
)

# %% [markdown]
# ### Exercise 1.2.4: a report with subtotals
#
# Use `add_places(trips, zones)` and return one row per zone, one per borough, and one for the city:
#
# - `level`: `"zone"`, `"borough"` or `"city"`, saying which kind of row it is
# - `borough`, `zone`: the names. Where a row sums over all of them, the name is NULL. Where the name itself is not known (some pickups
#   are in a zone that the table `zones` does not have), it is NULL too: such trips form groups like all others, so there is a row of
#   level zone and one of level borough for them
# - `trips`: the number of trips
# - `fares`: the sum of `fare_amount`, a `DECIMAL(20,2)`
#
# Zones without trips do not appear.


# %% answer="1.2.4" title="A report with subtotals"
def report_with_subtotals(trips: DataFrame, zones: DataFrame) -> DataFrame:
    """(level STRING, borough STRING, zone STRING, trips BIGINT, fares DECIMAL(20,2)): zones, boroughs and the city."""
    ### BEGIN SOLUTION
    level = (
        F.when(F.grouping("borough") == 1, "city")
        .when(F.grouping("zone") == 1, "borough")
        .otherwise("zone")
    )
    return (
        add_places(trips, zones)
        .rollup("borough", "zone")
        .agg(level.alias("level"), F.count("*").alias("trips"), F.sum("fare_amount").alias("fares"))
    )
    ### END SOLUTION


# %% check="1.2.4" points=3
### BEGIN HIDDEN TESTS
variant(
    "1.2.4",
    "unknown zones",
    "trips with a zone that is not in the table, and trips without any zone",
    trips=variants.together(
        variants.nulls("pickup_zone_id", every=5),
        variants.replaced(
            pickup_zone_id=F.when(F.col("trip_id") % 4 == 0, F.lit(999)).otherwise(
                F.col("pickup_zone_id")
            )
        ),
    ),
)
variant(
    "1.2.4",
    "no borough",
    "zones whose borough is not known",
    zones=variants.nulls("borough", every=6),
)
### END HIDDEN TESTS
check("1.2.4", report_with_subtotals, key=["level", "borough", "zone"])

# %% [markdown] equivalent="1.2.4" because="grouping is 0 or 1, never NULL."
# - null-safe equality: F.grouping('borough') == 1 → F.grouping('borough').eqNullSafe(1)
# - null-safe equality: F.grouping('zone') == 1 → F.grouping('zone').eqNullSafe(1)

# %% [markdown] hints="1.2.4"
# 1. A zone lies in a borough, a borough in the city: the columns nest. Which of the three methods gives just these levels?
# 2. Do not ask whether a name is NULL: there are three rows in which both names are. Ask whether the column was summed over.
# 3. `F.grouping(...)` or `F.grouping_id()` may stand inside a `when` chain, and that chain is one more entry of `agg`.


# %% wrong="1.2.4" because="2 rows are missing and 2 rows are not expected"
def report_with_subtotals(trips, zones):
    rolled = (
        add_places(trips, zones)
        .rollup("borough", "zone")
        .agg(F.count("*").alias("trips"), F.sum("fare_amount").alias("fares"))
    )
    level = (
        F.when(F.col("borough").isNull(), "city")
        .when(F.col("zone").isNull(), "borough")
        .otherwise("zone")
    )
    return rolled.withColumn("level", level)


# %% wrong="1.2.4" because="64 rows are not expected"
def report_with_subtotals(trips, zones):
    level = (
        F.when(F.grouping("borough") == 1, "city")
        .when(F.grouping("zone") == 1, "borough")
        .otherwise("zone")
    )
    return (
        add_places(trips, zones)
        .cube("borough", "zone")
        .agg(level.alias("level"), F.count("*").alias("trips"), F.sum("fare_amount").alias("fares"))
    )


# %% wrong="1.2.4" because="`fares` is wrong in 1 of"
def report_with_subtotals(trips, zones):
    level = (
        F.when(F.grouping("borough") == 1, "city")
        .when(F.grouping("zone") == 1, "borough")
        .otherwise("zone")
    )
    return (
        add_places(trips, zones)
        .filter("zone IS NOT NULL")
        .rollup("borough", "zone")
        .agg(level.alias("level"), F.count("*").alias("trips"), F.sum("fare_amount").alias("fares"))
    )


# %% wrong="1.2.4" because="1 row is there twice"
def report_with_subtotals(trips, zones):
    level = (
        F.when(F.grouping_id() == 3, "city").when(F.grouping_id() == 2, "borough").otherwise("zone")
    )
    return (
        add_places(trips, zones)
        .rollup("borough", "zone")
        .agg(level.alias("level"), F.count("*").alias("trips"), F.sum("fare_amount").alias("fares"))
    )


# %% wrong="1.2.4" because="trips without any zone"
def report_with_subtotals(trips, zones):
    unknown = F.col("pickup_zone_id") == 999
    named = add_places(trips, zones).withColumns(
        {name: F.when(unknown, "?").otherwise(F.col(name)) for name in ("borough", "zone")}
    )
    rolled = named.rollup("borough", "zone").agg(
        F.count("*").alias("trips"), F.sum("fare_amount").alias("fares")
    )
    level = (
        F.when(F.col("borough").isNull(), "city")
        .when(F.col("zone").isNull(), "borough")
        .otherwise("zone")
    )
    return rolled.select(
        level.alias("level"),
        F.nullif(F.col("borough"), F.lit("?")).alias("borough"),
        F.nullif(F.col("zone"), F.lit("?")).alias("zone"),
        "trips",
        "fares",
    )


# %% wrong="1.2.4" because="zones whose borough is not known"
def report_with_subtotals(trips, zones):
    named = add_places(trips, zones).withColumns(
        {
            name: F.when(F.col("zone_id").isNull(), "?").otherwise(F.col(name))
            for name in ("borough", "zone")
        }
    )
    rolled = named.rollup("borough", "zone").agg(
        F.count("*").alias("trips"), F.sum("fare_amount").alias("fares")
    )
    level = (
        F.when(F.col("borough").isNull(), "city")
        .when(F.col("zone").isNull(), "borough")
        .otherwise("zone")
    )
    return rolled.select(
        level.alias("level"),
        F.nullif(F.col("borough"), F.lit("?")).alias("borough"),
        F.nullif(F.col("zone"), F.lit("?")).alias("zone"),
        "trips",
        "fares",
    )


# %% right="1.2.4"
def report_with_subtotals(trips, zones):
    placed = add_places(trips, zones)
    measures = [F.count("*").alias("trips"), F.sum("fare_amount").alias("fares")]
    parts = [
        placed.groupBy("borough", "zone").agg(*measures).withColumn("level", F.lit("zone")),
        placed.groupBy("borough").agg(*measures).withColumn("level", F.lit("borough")),
        placed.agg(*measures).withColumn("level", F.lit("city")),
    ]
    return (
        parts[0]
        .unionByName(parts[1], allowMissingColumns=True)
        .unionByName(parts[2], allowMissingColumns=True)
    )


# %% right="1.2.4"
def report_with_subtotals(trips, zones):
    return trips.sparkSession.sql("""
        SELECT element_at(array('zone', 'borough', NULL, 'city'), CAST(grouping_id() + 1 AS INT)) AS level,
               borough, zone, count(*) AS trips, sum(fare_amount) AS fares
        FROM trips LEFT JOIN zones ON pickup_zone_id = zone_id
        GROUP BY GROUPING SETS ((borough, zone), (borough), ())
    """)


# %% [markdown]
# ## Rows into columns: `pivot`
#
# Spreadsheets like to have one column per vendor, per month, per payment. `pivot` comes between `groupBy` and the aggregate, and makes a
# column of each value of the column that you name:

# %%
trips.groupBy("rate_code").pivot("vendor_id", [1, 2, 3, 4]).count().orderBy("rate_code").show()

# %% [markdown]
# Look at three details:
#
# - **Name the values.** Without the list, Spark first runs a query only to find them, and the result's columns depend on today's data: a
#   vendor without trips has no column, and the program that reads the report breaks. Vendor 4 has no trips, but its column is there.
# - **Where there is no row, there is NULL**, even for a count. Say what it means; here it is 0.
# - After `pivot`, `agg(F.count("*"))` is not allowed; use `.count()`, or `F.count` of a column or of `F.lit(1)`.
#
# Underneath, `pivot` is nothing but one conditional aggregate per value.
#
# ### Exercise 1.2.5: payments side by side
#
# Use `add_places(trips, zones)` and return one row per `borough`, with the columns `card`, `cash` and `other`: how many trips were paid
# in which way. `payment_type` 1 is card, 2 is cash, and everything else is other, also what is not known. All three columns are always
# there, and where there was no trip, the number is **0**. Trips whose borough is not known form a row of their own, with NULL in
# `borough`.


# %% answer="1.2.5" title="Payments side by side"
def payment_table(trips: DataFrame, zones: DataFrame) -> DataFrame:
    """(borough STRING or NULL, card BIGINT, cash BIGINT, other BIGINT), one row per borough, counts never NULL."""
    ### BEGIN SOLUTION
    payment = (
        F.when(F.col("payment_type") == 1, "card")
        .when(F.col("payment_type") == 2, "cash")
        .otherwise("other")
    )
    named = add_places(trips, zones).withColumn("payment", payment)
    return named.groupBy("borough").pivot("payment", ["card", "cash", "other"]).count().na.fill(0)
    ### END SOLUTION


# %% check="1.2.5" points=2
### BEGIN HIDDEN TESTS
variant(
    "1.2.5",
    "card only",
    "a city where everybody pays by card",
    trips=variants.replaced(payment_type=F.lit(1)),
)
variant(
    "1.2.5",
    "unknown payments",
    "payment types that are not known or new",
    trips=variants.together(
        variants.nulls("payment_type", every=3),
        variants.replaced(
            payment_type=F.when(F.col("trip_id") % 7 == 0, F.lit(8)).otherwise(
                F.col("payment_type")
            )
        ),
    ),
)
### END HIDDEN TESTS
check("1.2.5", payment_table, key=["borough"])

# %% [markdown] equivalent="1.2.5" because="In a when, false and NULL are the same: the branch is not taken."
# - null-safe equality: F.col('payment_type') == 1 → F.col('payment_type').eqNullSafe(1)
# - null-safe equality: F.col('payment_type') == 2 → F.col('payment_type').eqNullSafe(2)

# %% [markdown] hints="1.2.5"
# 1. First give every trip a column with one of the words card, cash and other. A `when` chain with `otherwise` does it, NULL included.
# 2. Then `groupBy`, `pivot` of that new column with the list of the three words, and `count`.
# 3. Which method of notebook 1.1 puts a value into holes? With a number it fills numeric columns only, so `borough` keeps its NULL.


# %% wrong="1.2.5" because="everybody pays by card"
def payment_table(trips, zones):
    payment = (
        F.when(F.col("payment_type") == 1, "card")
        .when(F.col("payment_type") == 2, "cash")
        .otherwise("other")
    )
    named = add_places(trips, zones).withColumn("payment", payment)
    return named.groupBy("borough").pivot("payment").count().na.fill(0)


# %% wrong="1.2.5" because="null"
def payment_table(trips, zones):
    payment = (
        F.when(F.col("payment_type") == 1, "card")
        .when(F.col("payment_type") == 2, "cash")
        .otherwise("other")
    )
    named = add_places(trips, zones).withColumn("payment", payment)
    return named.groupBy("borough").pivot("payment", ["card", "cash", "other"]).count()


# %% wrong="1.2.5" because="other"
def payment_table(trips, zones):
    payment = (
        F.when(F.col("payment_type") == 1, "card")
        .when(F.col("payment_type") == 2, "cash")
        .when(F.col("payment_type") > 2, "other")
    )
    named = add_places(trips, zones).withColumn("payment", payment)
    return named.groupBy("borough").pivot("payment", ["card", "cash", "other"]).count().na.fill(0)


# %% wrong="1.2.5" because="missing"
def payment_table(trips, zones):
    payment = (
        F.when(F.col("payment_type") == 1, "card")
        .when(F.col("payment_type") == 2, "cash")
        .otherwise("other")
    )
    named = add_places(trips, zones).filter("borough IS NOT NULL").withColumn("payment", payment)
    return named.groupBy("borough").pivot("payment", ["card", "cash", "other"]).count().na.fill(0)


# %% right="1.2.5"
def payment_table(trips, zones):
    card = F.count_if(F.col("payment_type") == 1)
    cash = F.count_if(F.col("payment_type") == 2)
    return (
        add_places(trips, zones)
        .groupBy("borough")
        .agg(card.alias("card"), cash.alias("cash"), (F.count("*") - card - cash).alias("other"))
    )


# %% [markdown]
# ## Columns into rows: `unpivot`
#
# The way back. A table with one column per month is *wide*; with one row per month it is *long*. Long tables are easier to group, filter
# and plot, because the month has become a value.

# %%
wide = spark.createDataFrame(
    [("Mint", 10, 12), ("Market", 7, None)], "zone STRING, january INT, february INT"
)
wide.unpivot("zone", ["january", "february"], "month", "trips").orderBy("zone", "month").show()

# %% [markdown]
# The arguments are: the columns that stay, the columns that become rows, and names for the two new columns. All columns that become rows
# must have one type. `unpivot` of a DataFrame keeps rows with NULL; the SQL clause `UNPIVOT` **leaves them out** unless you write
# `UNPIVOT INCLUDE NULLS`.
#
# ### Exercise 1.2.6: what a bill is made of
#
# The list `AMOUNTS` has the names of the seven columns that a bill consists of. Return one row for **each** of the seven:
#
# - `part`: the name of the column
# - `trips`: how many trips have an amount in it that is known and not 0
# - `total`: the sum over all trips, a `DECIMAL(20,2)`; NULL if the amount is not known for any trip
#
# A part that was never charged has 0 trips; it does not disappear. `trips` has at least one row.


# %% answer="1.2.6" title="What a bill is made of"
def bill_parts(trips: DataFrame) -> DataFrame:
    """(part STRING, trips BIGINT, total DECIMAL(20,2) or NULL), seven rows."""
    ### BEGIN SOLUTION
    long = trips.unpivot("trip_id", AMOUNTS, "part", "amount")
    return long.groupBy("part").agg(
        F.count_if(F.col("amount") != 0).alias("trips"), F.sum("amount").alias("total")
    )
    ### END SOLUTION


# %% check="1.2.6" points=2
### BEGIN HIDDEN TESTS
variant(
    "1.2.6",
    "never known",
    "a congestion charge that no meter knows",
    trips=variants.nulls("congestion_charge", every=1),
)
variant(
    "1.2.6",
    "no tolls",
    "a city without tolls",
    trips=variants.replaced(tolls_amount=F.lit(0).cast("decimal(10,2)")),
)
### END HIDDEN TESTS
check("1.2.6", bill_parts, key=["part"])

# %% [markdown] hints="1.2.6"
# 1. First make the table long: one row per trip and part. Then it is an ordinary `groupBy`.
# 2. Keep one column such as `trip_id`, turn the columns of `AMOUNTS` into rows, and group by the new column with the names.
# 3. Do not filter the long table: a part without charges would be lost. Put the condition into the aggregate.


# %% wrong="1.2.6" because="trips"
def bill_parts(trips):
    long = trips.unpivot("trip_id", AMOUNTS, "part", "amount")
    return long.groupBy("part").agg(
        F.count("amount").alias("trips"), F.sum("amount").alias("total")
    )


# %% wrong="1.2.6" because="a city without tolls"
def bill_parts(trips):
    long = trips.unpivot("trip_id", AMOUNTS, "part", "amount").filter(
        "amount != 0 OR amount IS NULL"
    )
    return long.groupBy("part").agg(
        F.count("amount").alias("trips"), F.sum("amount").alias("total")
    )


# %% wrong="1.2.6" because="no meter knows"
def bill_parts(trips):
    return trips.sparkSession.sql(f"""
        SELECT part, count_if(amount <> 0) AS trips, sum(amount) AS total
        FROM trips UNPIVOT (amount FOR part IN ({", ".join(AMOUNTS)})) GROUP BY part
    """)


# %% wrong="1.2.6" because="trips"
def bill_parts(trips):
    long = trips.unpivot("trip_id", AMOUNTS, "part", "amount")
    return long.groupBy("part").agg(
        F.count_if(F.col("amount") > 0).alias("trips"), F.sum("amount").alias("total")
    )


# %% right="1.2.6"
def bill_parts(trips):
    pairs = ", ".join(f"'{name}', {name}" for name in AMOUNTS)
    return (
        trips.selectExpr(f"stack({len(AMOUNTS)}, {pairs}) AS (part, amount)")
        .groupBy("part")
        .agg(
            F.count(F.nullif(F.col("amount"), F.lit(0))).alias("trips"),
            F.sum("amount").alias("total"),
        )
    )


# %% [markdown]
# ## The first few of each group
#
# Some aggregates collect values instead of adding them: `collect_list` makes an array of a group, `listagg` a text. But a DataFrame has
# no order, and the rows of a group come from many partitions, whichever is ready first. **Without more, the order of a collected list is
# left to chance**, even after an `orderBy`: the grouping that follows shuffles the rows again. Sort *inside* the group:

# %%
scores = spark.createDataFrame(
    [("red", "Ada", 7), ("red", "Bo", 9), ("red", "Cy", 7), ("blue", "Di", 5), ("blue", "Ed", 5)],
    "team STRING, player STRING, points INT",
)
(
    scores.groupBy("team")
    .agg(
        F.expr("listagg(player, ' < ') WITHIN GROUP (ORDER BY points, player)").alias("listagg"),
        F.array_sort(F.collect_list(F.struct("points", "player"))).alias("sorted structs"),
        F.max_by("player", F.struct("points", "player")).alias("max_by"),
        F.max(F.struct("points", "player"))["player"].alias("max of a struct"),
    )
    .orderBy("team")
    .show(truncate=False)
)

# %% [markdown]
# - **Structs are compared part by part**, like words in a dictionary: first `points`, and where these are equal, `player`. So an array of
#   structs can be sorted, and the largest struct of a group is its best row.
# - `max_by("player", "points")`, the player with the most points, is shorter than a struct. But when two players have the same points (team
#   blue), it may give either. Such a **tie** must be decided by a rule: make the second criterion part of what is compared, as above.
# - A struct sorts all its parts in the same direction. To sort a *number* the other way round, negate it: `-F.col("points")`.
# - `F.slice(array, 1, 2)` takes the first two elements (counting from 1), `array_of_structs["player"]` picks one part of each struct, and
#   `F.array_join(array, ", ")` makes a text.
#
# For the most frequent values of a huge table there is again an estimate: `approx_top_k` (new in Spark 4.1, in SQL only) counts with
# little memory, and is exact when there are few different values, as here:

# %%
for entry in trips.selectExpr("approx_top_k(pickup_zone_id, 3) AS top").first()["top"]:
    print("zone", entry["item"], "with", entry["count"], "pickups")

# %% [markdown]
# ### Exercise 1.2.7: the busiest zones
#
# Use `add_places(trips, zones)` and return, for every borough in which trips began, `busiest`: the names of the **three** zones with the
# most pickups as one text such as `"Mint, Cathedral, Town Hall"`, the busiest first, separated by a comma and a blank. Of zones with
# equally many pickups, the one whose name comes first in the alphabet comes first. If fewer than three zones of a borough have pickups,
# name those. Leave out trips whose pickup zone is not in `zones`. (A zone's name occurs only once in the city.)


# %% answer="1.2.7" title="The busiest zones"
def busiest_zones(trips: DataFrame, zones: DataFrame) -> DataFrame:
    """(borough STRING, busiest STRING), one row per borough with pickups: up to three names, most pickups first."""
    ### BEGIN SOLUTION
    known = add_places(trips, zones).filter("zone_id IS NOT NULL")
    per_zone = known.groupBy("borough", "zone").agg(F.count("*").alias("trips"))
    ranked = F.array_sort(F.collect_list(F.struct((-F.col("trips")).alias("fewer"), "zone")))
    return per_zone.groupBy("borough").agg(
        F.array_join(F.slice(ranked, 1, 3)["zone"], ", ").alias("busiest")
    )
    ### END SOLUTION


# %% check="1.2.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "1.2.7",
    "ties",
    "a city whose zones all have nearly the same number of pickups",
    trips=variants.replaced(pickup_zone_id=(F.col("trip_id") % 63 + 1).cast("int")),
)
variant(
    "1.2.7",
    "few zones",
    "a city in which trips begin in a few zones only",
    trips=variants.only("pickup_zone_id IN (1, 2, 6, 31, 999) OR pickup_zone_id IS NULL"),
)
variant("1.2.7", "other year", "the trips of another city", seed=5127)
### END HIDDEN TESTS
check("1.2.7", busiest_zones, key=["borough"])

# %% [markdown] equivalent="1.2.7" because="Each zone of a borough stands in the list once, because per_zone has one row per borough and zone."
# - aggregate: F.collect_list(F.struct((-F.col('trips')).alias('fewer'), 'zone')) → F.collect_set(F.struct((-F.col('trips')).alias('fewer'), 'zone'))

# %% [markdown] equivalent="1.2.7" because="Nothing reads this field by its name; only its place in the struct counts."
# - drop call: .alias('fewer')
# - text: 'fewer' → 'fewer~'

# %% [markdown] hints="1.2.7"
# 1. Two steps: first count the pickups per zone, then collect the zones of each borough.
# 2. Collect structs of the count and the name, sort the array, and cut it after three elements. In which direction must each of the two parts be sorted?
# 3. Most pickups first, but names from A to Z: one of the parts must be turned round. A number is easily turned round by a minus sign.
# 4. Of the sorted and cut array you need only the names; then join them to one text.


# %% wrong="1.2.7" because="nearly the same number"
def busiest_zones(trips, zones):
    known = add_places(trips, zones).filter("zone_id IS NOT NULL")
    per_zone = known.groupBy("borough", "zone").agg(F.count("*").alias("trips"))
    ranked = F.sort_array(F.collect_list(F.struct("trips", "zone")), asc=False)
    return per_zone.groupBy("borough").agg(
        F.array_join(F.slice(ranked, 1, 3)["zone"], ", ").alias("busiest")
    )


# %% wrong="1.2.7" because="extra"
def busiest_zones(trips, zones):
    per_zone = add_places(trips, zones).groupBy("borough", "zone").agg(F.count("*").alias("trips"))
    ranked = F.array_sort(F.collect_list(F.struct((-F.col("trips")).alias("fewer"), "zone")))
    return per_zone.groupBy("borough").agg(
        F.array_join(F.slice(ranked, 1, 3)["zone"], ", ").alias("busiest")
    )


# %% wrong="1.2.7" because="busiest"
def busiest_zones(trips, zones):
    known = add_places(trips, zones).filter("zone_id IS NOT NULL")
    per_zone = known.groupBy("borough", "zone").agg(F.count("*").alias("trips"))
    ranked = F.array_sort(F.collect_list(F.struct("trips", "zone")))
    return per_zone.groupBy("borough").agg(
        F.array_join(F.slice(ranked, 1, 3)["zone"], ", ").alias("busiest")
    )


# %% wrong="1.2.7" because="busiest"
def busiest_zones(trips, zones):
    known = add_places(trips, zones).filter("zone_id IS NOT NULL")
    per_zone = known.groupBy("borough", "zone").agg(F.count("*").alias("trips"))
    names = F.expr("listagg(zone, ', ') WITHIN GROUP (ORDER BY trips DESC, zone)")
    return per_zone.groupBy("borough").agg(names.alias("busiest"))


# %% wrong="1.2.7" because="INVALID_ARRAY_INDEX"
def busiest_zones(trips, zones):
    known = add_places(trips, zones).filter("zone_id IS NOT NULL")
    per_zone = known.groupBy("borough", "zone").agg(F.count("*").alias("trips"))
    ranked = F.array_sort(F.collect_list(F.struct((-F.col("trips")).alias("fewer"), "zone")))[
        "zone"
    ]
    return per_zone.groupBy("borough").agg(
        F.concat_ws(", ", ranked[0], ranked[1], ranked[2]).alias("busiest")
    )


# %% right="1.2.7"
def busiest_zones(trips, zones):
    return trips.sparkSession.sql("""
        WITH counted AS (
            SELECT borough, zone, row_number() OVER (PARTITION BY borough ORDER BY count(*) DESC, zone) AS place
            FROM trips JOIN zones ON pickup_zone_id = zone_id GROUP BY borough, zone
        )
        SELECT borough, listagg(zone, ', ') WITHIN GROUP (ORDER BY place) AS busiest
        FROM counted WHERE place <= 3 GROUP BY borough
    """)


# %% [markdown]
# ## What is typical?
#
# `summary` gives a first impression of columns: how many values, their mean, and any percentile you name. (It returns text; it is for
# reading.)

# %%
trips.select("distance_km", "fare_amount").summary("count", "min", "50%", "90%", "max").show()

# %% [markdown]
# A trip of 0 km, a fare below zero, and a trip of 1,776 km in one city: broken meters and refunds. Only 17 of the 3,000 distances are above
# 500 km. The 50th percentile, the **median**, is the value in the middle: half of the trips are shorter. A few absurd values hardly move it.
# The **average** they do move:

# %%
import matplotlib.pyplot as plt

typical = (
    add_places(trips, zones)
    .filter("borough IS NOT NULL")
    .groupBy("borough")
    .agg(F.avg("distance_km").alias("average"), F.median("distance_km").alias("median"))
    .orderBy("borough")
    .toPandas()
)
figure, axes = plt.subplots(figsize=(7, 3.4))
positions = range(len(typical))
axes.bar(
    [position - 0.2 for position in positions],
    typical["average"],
    width=0.4,
    color="#c44e52",
    label="average",
)
axes.bar(
    [position + 0.2 for position in positions],
    typical["median"],
    width=0.4,
    color="#3b6ea5",
    label="median",
)
axes.set_xticks(list(positions), list(typical["borough"]))
axes.set_xlabel("borough of the pickup")
axes.set_ylabel("distance of a trip (km)")
axes.set_title("17 broken meters, two ideas of a typical trip")
axes.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# | function | gives |
# |---|---|
# | `F.median(c)` | the exact median; with an even number of values, the mean of the two in the middle |
# | `F.percentile(c, 0.9)` | the exact value below which 90 % lie, interpolated between neighbours; a list of shares gives an array |
# | `F.percentile_approx(c, 0.9)` | always one of the values that occur, approximately at that place; much cheaper on huge tables |
# | `F.mode(c, True)` | the most frequent value; `True` means: of several, the smallest (without it, any of them) |
#
# All of them leave NULL out. Robust measures are no excuse, though: a zone report should count real trips. So clean first, then
# aggregate, and keep only the groups that are large enough to say something. That last `filter`, **after** `agg`, is what SQL calls
# `HAVING`:

# %%
(
    trips.filter(F.col("distance_km").between(0.1, 200))
    .groupBy("rate_code")
    .agg(
        F.count("*").alias("sensible trips"),
        F.round(F.percentile("distance_km", 0.9), 2).alias("90 % go less than (km)"),
    )
    .filter(F.col("sensible trips") > 30)
    .orderBy("rate_code")
    .show()
)

# %% [markdown]
# ### Exercise 1.2.8: the zone report
#
# Now the report itself, for zones with enough real trips. A trip is **real** when all of this is true:
#
# - its distance is more than 0 km and at most 500 km
# - it ends after it starts
# - its fare is more than 0
#
# (If one of these values is not known, the trip is not real.) Besides, some trips were recorded twice, with another `trip_id` but the
# same values in **all other columns**. Of such trips count only one: `dropDuplicates([...])` keeps one of the rows that agree in the columns of
# the list, and there NULL agrees with NULL.
#
# Return one row per zone of `zones` in which at least `at_least` real trips began, where `at_least` is an argument of the function:
#
# - `zone_id` (`INT`), `borough`, `zone` (`STRING`) of the pickup; leave out trips whose pickup zone is not in `zones`
# - `trips` (`BIGINT`): the number of real trips
# - `median_km` (`DOUBLE`): the exact median of their distances
# - `p90_minutes` (`DOUBLE`): the exact 90th percentile of their durations in minutes, seconds counted as parts of a minute.
#   `F.timestamp_diff("SECOND", start, end)` gives the seconds between two times
# - `busiest_hour` (`INT`): the hour of the day, 0 to 23, in which most of them began; of several such hours the earliest. `F.hour(ts)` gives the
#   hour of a time


# %% answer="1.2.8" title="The zone report"
def zone_report(trips: DataFrame, zones: DataFrame, at_least: int) -> DataFrame:
    """(zone_id INT, borough STRING, zone STRING, trips BIGINT, median_km DOUBLE, p90_minutes DOUBLE, busiest_hour INT)."""
    ### BEGIN SOLUTION
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)
    ### END SOLUTION


# %% check="1.2.8" points=3
### BEGIN HIDDEN TESTS
variant(
    "1.2.8", "small zones", "every zone with a real trip, however few it has", seed=5128, at_least=1
)
variant(
    "1.2.8",
    "borders",
    "trips of exactly 0 or 500 km or a little more, trips that end when they start, fares of exactly 0 or a little more",
    trips=variants.replaced(
        distance_km=F.when(F.col("trip_id") % 11 == 0, F.lit(0.0))
        .when(F.col("trip_id") % 11 == 1, F.lit(500.0))
        .when(F.col("trip_id") % 11 == 2, F.lit(500.5))
        .otherwise(F.col("distance_km")),
        dropoff_ts=F.when(F.col("trip_id") % 13 == 0, F.col("pickup_ts")).otherwise(
            F.col("dropoff_ts")
        ),
        fare_amount=F.when(F.col("trip_id") % 17 == 0, F.lit(0))
        .when(F.col("trip_id") % 17 == 1, F.lit(0.5))
        .otherwise(F.col("fare_amount"))
        .cast("decimal(10,2)"),
    ),
    at_least=25,
)
variant(
    "1.2.8",
    "holes",
    "trips whose distance, end or fare is not known",
    trips=variants.together(
        variants.nulls("distance_km", every=3),
        variants.nulls("dropoff_ts", every=4),
        variants.nulls("fare_amount", every=5),
    ),
    at_least=10,
)


def recorded_twice(frame):
    """Every other trip once more, and of the rest one with another value in a column, which is another trip."""
    again = frame.withColumn("trip_id", F.col("trip_id") + 100_000)
    trips = frame.union(again.filter("trip_id % 2 = 0"))
    others = [name for name in frame.columns if name != "trip_id"]
    minute = F.expr("INTERVAL 1 MINUTE")
    special = {
        "pickup_ts": F.col("pickup_ts") - minute,
        "dropoff_ts": F.col("dropoff_ts") + minute,
        "stored_and_forwarded": F.lit("?"),
    }
    for place, name in enumerate(others):
        another = special.get(name, F.col(name) + 1).cast(frame.schema[name].dataType)
        chosen = again.filter(F.col("trip_id") % (2 * len(others)) == 2 * place + 1)
        trips = trips.union(chosen.withColumn(name, another))
    return trips


variant(
    "1.2.8",
    "recorded twice",
    "many trips recorded twice under another trip_id, and trips that differ in one more column",
    trips=variants.together(variants.nulls("congestion_charge", every=2), recorded_twice),
    at_least=15,
)
### END HIDDEN TESTS
check("1.2.8", zone_report, key=["zone_id"], arguments={"at_least": 20})

# %% [markdown] hints="1.2.8"
# 1. Plan the order of the steps: real trips only, each once, look up the place, group, aggregate, keep the large groups.
# 2. Which columns must agree for two rows to be one trip? All but one: build the list from `trips.columns`.
# 3. Each aggregate is in the table above. What does the second argument of `F.mode` do when two hours are equally busy?
# 4. `at_least` is about the number of real trips of a group, so it can only be compared after `agg`.


# %% wrong="1.2.8" because="trips"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(trips.filter(possible).dropDuplicates(), zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% wrong="1.2.8" because="distance, end or fare is not known"
def zone_report(trips, zones, at_least):
    impossible = (
        "distance_km <= 0 OR distance_km > 500 OR dropoff_ts <= pickup_ts OR fare_amount <= 0"
    )
    real = trips.filter(~F.coalesce(F.expr(impossible), F.lit(False))).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% wrong="1.2.8" because="differ in one more column"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        ["vendor_id", "pickup_ts", "dropoff_ts", "passenger_count", "distance_km", "fare_amount"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% wrong="1.2.8" because="median_km"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.percentile_approx("distance_km", 0.5).alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% wrong="1.2.8" because="p90_minutes"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    minutes = F.timestamp_diff("MINUTE", "pickup_ts", "dropoff_ts")
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% wrong="1.2.8" because="exactly 0 or 500 km"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km < 500 AND dropoff_ts >= pickup_ts AND fare_amount >= 0"
    )
    real = trips.filter(possible).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% wrong="1.2.8" because="busiest_hour"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    placed = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .withColumn("hour", F.hour("pickup_ts"))
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    per_hour = placed.groupBy("zone_id", "hour").agg(F.count("*").alias("count"))
    busiest = per_hour.groupBy("zone_id").agg(
        F.max(F.struct("count", "hour"))["hour"].alias("busiest_hour")
    )
    report = placed.groupBy("zone_id", "borough", "zone").agg(
        F.count("*").alias("trips"),
        F.median("distance_km").alias("median_km"),
        F.percentile(minutes, 0.9).alias("p90_minutes"),
    )
    return report.filter(F.col("trips") >= at_least).join(busiest, "zone_id")


# %% wrong="1.2.8" because="extra"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% wrong="1.2.8" because="busiest_hour"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts")).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% wrong="1.2.8" because="however few"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        [name for name in trips.columns if name != "trip_id"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= 20)


# %% wrong="1.2.8" because="differ in one more column"
def zone_report(trips, zones, at_least):
    possible = (
        "distance_km > 0 AND distance_km <= 500 AND dropoff_ts > pickup_ts AND fare_amount > 0"
    )
    real = trips.filter(possible).dropDuplicates(
        ["pickup_ts", "dropoff_ts", "pickup_zone_id", "distance_km", "total_amount"]
    )
    minutes = F.timestamp_diff("SECOND", "pickup_ts", "dropoff_ts") / 60
    report = (
        add_places(real, zones)
        .filter("zone_id IS NOT NULL")
        .groupBy("zone_id", "borough", "zone")
        .agg(
            F.count("*").alias("trips"),
            F.median("distance_km").alias("median_km"),
            F.percentile(minutes, 0.9).alias("p90_minutes"),
            F.mode(F.hour("pickup_ts"), True).alias("busiest_hour"),
        )
    )
    return report.filter(F.col("trips") >= at_least)


# %% right="1.2.8"
def zone_report(trips, zones, at_least):
    once = trips.groupBy(*[name for name in trips.columns if name != "trip_id"]).agg(
        F.min("trip_id")
    )
    once.createOrReplaceTempView("once")
    return trips.sparkSession.sql(f"""
        WITH real AS (
            SELECT zone_id, borough, zone, distance_km, hour(pickup_ts) AS hour,
                   (unix_timestamp(dropoff_ts) - unix_timestamp(pickup_ts)) / 60 AS minutes
            FROM once JOIN zones ON pickup_zone_id = zone_id
            WHERE distance_km > 0 AND NOT distance_km > 500 AND pickup_ts < dropoff_ts AND 0 < fare_amount
        ), hours AS (
            SELECT zone_id, min_by(hour, struct(-trips, hour)) AS busiest_hour
            FROM (SELECT zone_id, hour, count(*) AS trips FROM real GROUP BY zone_id, hour) GROUP BY zone_id
        )
        SELECT zone_id, borough, zone, count(*) AS trips, percentile(distance_km, 0.5) AS median_km,
               percentile_cont(0.9) WITHIN GROUP (ORDER BY minutes) AS p90_minutes, first(busiest_hour) AS busiest_hour
        FROM real JOIN hours USING (zone_id)
        GROUP BY zone_id, borough, zone HAVING count(*) >= {at_least}
    """)


# %% [markdown]
# ### Question 1.2.9: a number for the newspaper
#
# A newspaper asks the city: "How long is a typical taxi trip?" From the table as it is, the average distance is 9.44 km and the median
# 3.24 km. Somebody proposes to publish the average "because everyone knows what an average is"; somebody else proposes to publish the
# median "because then we need not clean the data". Answer both in five to eight sentences: why the two numbers differ so much, what is
# wrong with each of the two arguments, and what you would publish, with what said beside it. For which question about the same trips
# would the average (or the sum) be the right number?

# %% [markdown] written="1.2.9" points=3 title="A number for the newspaper"
# ### BEGIN SOLUTION
# The average divides the sum of all distances, and 17 broken meters with distances of many hundreds of kilometres put as much into that
# sum as thousands of real trips do. The median only asks which trip is in the middle, so it does not matter whether the largest values
# are 20 or 1,700 km. An average that everybody knows is no use if hardly any trip is like it: most trips are much shorter than 9.44 km.
# But the median does not replace cleaning either: trips of 0 km, refunds and trips recorded twice are still counted, they move it a
# little, and they spoil every count and sum in the same report. I would remove the impossible trips by rules that are written down, then
# publish the median, perhaps with the 90th percentile, and say how many trips were left out and why. The average of the cleaned data, or
# the sum, is right when the question is about a total: how many kilometres the taxis drive in a year, how much fuel they need, or what
# the fares bring in.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: a few impossible distances pull the average up, the median hardly feels them (a long tail of real long trips may be named
#   too)
# - 1 point: both arguments answered: an average far from most trips misleads; the median does not make cleaning needless (counts, sums,
#   zeros, duplicates)
# - 1 point: a publishable proposal that states what was left out, and a question about totals for which the average or sum is right
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | `count("*")` counts rows, `count("a")` known values | NULL is left out by every aggregate over a column |
# | `count_distinct("a", "b")` drops pairs with a hole | count structs when a hole is a value too |
# | put conditions into the aggregate | a filter in front removes groups and denominators |
# | `when` without `otherwise` for averages | a 0 is a value, NULL is not |
# | `grouping`, not `isNull`, finds subtotals | the name of a group may be NULL too |
# | name the values of a `pivot` | else the columns depend on the data |
# | sort inside the group, and decide ties | collected lists have no order of their own |
# | median and percentiles for what is typical, sums for totals | a few impossible values can double an average |
#
# > **On Databricks:** everything here works unchanged on serverless and on runtimes based on Spark 4; read tables with
# > `spark.read.table("catalog.schema.trips")`. Only `approx_top_k` needs a runtime that has it, since it is new in Spark 4.1. `display(df)` can draw
# > a bar chart of a grouped result without any plotting code.
