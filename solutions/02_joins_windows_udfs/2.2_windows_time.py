# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2.2 Windows and time
#
# **Time:** 150 minutes (two sittings) · **Data:** retail, air · **Before this:** 2.1
#
# `groupBy` answers "how much per group?" and gives one row per group. Many questions are different: *which place* has this product, *how long ago* was
# the order before this one, *how much so far*? Here every row stays, and looks at its neighbours. That is what **window functions** are for.
#
# Neighbours are nearly always neighbours in time, and time has traps of its own: two payments in the same second, hours that are missing, a sensor that
# was silent, a Sunday with 23 hours. This notebook takes windows and time together, because that is how you will meet them.
#
# ## You will learn to
#
# - number and rank rows within groups, and say what happens to ties
# - compare a row with the one before or after it
# - compute running totals and shares, and choose between frames of rows and frames of values
# - read times that are written as numbers or as text, and write them back
# - work in local time across the change of the clocks, with `TIMESTAMP`, `TIMESTAMP_NTZ` and named time zones
# - compute moving averages and fill gaps when rows are missing
# - find unbroken runs (gaps and islands), and cut clicks into sessions

# %% setup=true
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("2.2").getOrCreate()

products = spark.read.parquet(sample("products"))
orders = spark.read.parquet(sample("orders"))
payments = spark.read.parquet(sample("payments"))
stores = spark.read.parquet(sample("stores"))
web_events = spark.read.parquet(sample("web_events"))
air_measurements = spark.read.parquet(sample("air_measurements"))

ZONE_OF_COUNTRY = {
    "Brazil": "America/Sao_Paulo",
    "France": "Europe/Paris",
    "Germany": "Europe/Berlin",
    "Italy": "Europe/Rome",
    "Poland": "Europe/Warsaw",
    "Spain": "Europe/Madrid",
    "United Kingdom": "Europe/London",
    "United States": "America/New_York",
}


def partner_clicks(web_events: DataFrame) -> DataFrame:
    """(click_id STRING, written STRING): clicks as a partner sends them, each once, the time as text in one of several forms."""
    form = F.pmod(F.crc32("event_id"), F.lit(12))
    iso = "yyyy-MM-dd'T'HH:mm:ss.SSS"
    east = F.date_format(F.col("event_ts") + F.expr("INTERVAL 5 HOURS"), iso)
    west = F.date_format(F.col("event_ts") - F.expr("INTERVAL 3 HOURS"), iso)
    written = (
        F.when(form < 3, F.unix_millis("event_ts").cast("string"))
        .when(form < 5, F.unix_seconds("event_ts").cast("string"))
        .when(form < 7, F.concat(east, F.lit("+05:00")))
        .when(form < 8, F.concat(west, F.lit("-03:00")))
        .when(form < 10, F.date_format("event_ts", "dd.MM.yyyy HH:mm:ss"))
        .when(form < 11, F.lit("unknown"))
        .otherwise(F.lit("not logged"))
    )
    return web_events.distinct().select(
        F.col("event_id").alias("click_id"), written.alias("written")
    )


def shop_orders(orders: DataFrame, stores: DataFrame) -> DataFrame:
    """(order_id BIGINT, store_id INT, order_ts TIMESTAMP, zone STRING): the orders made in a shop, with its time zone."""
    zone = F.col("country").alias("zone")
    zones = stores.replace(ZONE_OF_COUNTRY, subset=["country"]).select("store_id", zone)
    return orders.join(zones, "store_id").select("order_id", "store_id", "order_ts", "zone")


def hourly(air_measurements: DataFrame) -> DataFrame:
    """(sensor_id INT, parameter STRING, measured_ts TIMESTAMP, value DOUBLE): each published hour once; NULL where a value is not known."""
    known = F.when(F.col("value") != -999, F.col("value"))
    return air_measurements.groupBy("sensor_id", "parameter", "measured_ts").agg(
        F.max(known).alias("value")
    )


# %%
payments.orderBy("paid_ts").show(3)
hourly(air_measurements).orderBy("sensor_id", "measured_ts").show(3)

# %% [markdown]
# All times of the tables are UTC, the world's common time. The set-up cell has three helpers, which you will meet when they are needed:
# `partner_clicks`, `shop_orders` and `hourly`. The last one cleans the hourly measurements of the air: each hour of a sensor once, and NULL instead of
# -999, the number that a sensor sends when it fails.
#
# ## Windows: a row and its neighbours
#
# A **window** says three things about each row:
#
# | part | says | if you leave it out |
# |---|---|---|
# | `Window.partitionBy(...)` | which rows are in the same group as this one | all rows are one group |
# | `.orderBy(...)` | how the group is sorted | no order |
# | `.rowsBetween(...)` or `.rangeBetween(...)` | which of them, seen from this row, are looked at: the **frame** | see below |
#
# Then `function.over(window)` computes a value **for each row**. No row is lost, none is added. Rows whose `partitionBy` column is NULL are one group,
# as with `groupBy`.
#
# The first family of functions gives each row its number. They differ when rows **tie**, that is, when they are equal in all columns of `orderBy`. Four
# runners, two of them equally fast:

# %%
runners = spark.createDataFrame(
    [("Ada", 41), ("Bo", 43), ("Cy", 43), ("Di", 47)], "runner STRING, minutes INT"
)
by_time = Window.orderBy("minutes")
runners.select(
    "runner",
    "minutes",
    F.row_number().over(Window.orderBy("minutes", "runner")).alias("row_number"),
    F.rank().over(by_time).alias("rank"),
    F.dense_rank().over(by_time).alias("dense_rank"),
).orderBy("minutes", "runner").show()

# %% [markdown]
# - `row_number` gives every row a number of its own. With a tie, **chance** decides who comes first, unless the order does. So it needs an order
#   without ties: here the name was added.
# - `rank` gives rows that tie the same place, and leaves out the places after them: 1, 2, 2, 4. That is how sports do it.
# - `dense_rank` leaves nothing out: 1, 2, 2, 3. It counts different *values*.
#
# All three are `INT`. "The three best" therefore has three meanings: exactly three rows (`row_number() <= 3`), everybody on the places 1 to 3 (`rank`),
# everybody with one of the three best values (`dense_rank`).
#
# Two habits. First, a window function cannot stand in `filter`: compute a column, then filter by it. Second, a window without `partitionBy` sorts the
# **whole table in one task**. That is fine for four runners, and a catastrophe for a billion rows.
#
# ### Exercise 2.2.1: the most expensive products
#
# For each category, find the products whose price is among the `k` highest **different** prices of that category. Return `product_id`, `category_id`,
# `price`, and `place` (`INT`): the place of the product in its category by price, the most expensive on place 1. Products of the same price share a place, and
# the places after it are left out (two on place 1, the next on place 3). Every product has a price and a category.


# %% answer="2.2.1" title="The most expensive products"
def most_expensive(products: DataFrame, k: int) -> DataFrame:
    """(product_id BIGINT, category_id INT, price DECIMAL(10,2), place INT), products with one of the `k` highest prices."""
    ### BEGIN SOLUTION
    highest_first = Window.partitionBy("category_id").orderBy(F.desc("price"))
    return (
        products.withColumns(
            {
                "place": F.rank().over(highest_first),
                "step": F.dense_rank().over(highest_first),
            }
        )
        .filter(F.col("step") <= k)
        .select("product_id", "category_id", "price", "place")
    )
    ### END SOLUTION


# %% check="2.2.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "2.2.1",
    "ties",
    "two large categories in which every price is there several times",
    products=variants.replaced(
        category_id=(F.col("product_id") % 2 + 1).cast("int"),
        price=(F.col("product_id") % 7 + 5).cast("decimal(10,2)"),
    ),
    k=3,
)
### END HIDDEN TESTS
check("2.2.1", most_expensive, key=["product_id"], arguments={"k": 2})

# %% [markdown] equivalent="2.2.1" because="Every product has a price."
# - nulls first: F.desc('price') → F.desc_nulls_first('price')

# %% [markdown] hints="2.2.1"
# 1. Two different functions of the family are needed: one decides who stays, the other is shown.
# 2. Which of the three counts different values? Which one leaves places out after a tie?
# 3. Compute both as columns over the same window, filter by the one, and select the other.


# %% wrong="2.2.1" because="every price is there several times"
def most_expensive(products, k):
    highest_first = Window.partitionBy("category_id").orderBy(F.desc("price"))
    return (
        products.withColumns(
            {"place": F.rank().over(highest_first), "step": F.dense_rank().over(highest_first)}
        )
        .filter("step <= 2")
        .select("product_id", "category_id", "price", "place")
    )


# %% wrong="2.2.1" because="missing"
def most_expensive(products, k):
    highest_first = Window.partitionBy("category_id").orderBy(F.desc("price"))
    return (
        products.withColumn("place", F.rank().over(highest_first))
        .filter(F.col("place") <= k)
        .select("product_id", "category_id", "price", "place")
    )


# %% wrong="2.2.1" because="missing"
def most_expensive(products, k):
    highest_first = Window.partitionBy("category_id").orderBy(F.desc("price"), "product_id")
    return (
        products.withColumn("place", F.row_number().over(highest_first))
        .filter(F.col("place") <= k)
        .select("product_id", "category_id", "price", "place")
    )


# %% wrong="2.2.1" because="`place` is wrong"
def most_expensive(products, k):
    highest_first = Window.partitionBy("category_id").orderBy(F.desc("price"))
    return (
        products.withColumn("place", F.dense_rank().over(highest_first))
        .filter(F.col("place") <= k)
        .select("product_id", "category_id", "price", "place")
    )


# %% wrong="2.2.1" because="missing"
def most_expensive(products, k):
    highest_first = Window.orderBy(F.desc("price"))
    return (
        products.withColumns(
            {"place": F.rank().over(highest_first), "step": F.dense_rank().over(highest_first)}
        )
        .filter(F.col("step") <= k)
        .select("product_id", "category_id", "price", "place")
    )


# %% right="2.2.1"
def most_expensive(products, k):
    return products.sparkSession.sql(f"""
        SELECT product_id, category_id, price, place
        FROM (
            SELECT *, rank() OVER falling AS place, dense_rank() OVER falling AS step
            FROM products
            WINDOW falling AS (PARTITION BY category_id ORDER BY price DESC)
        )
        WHERE step <= {k}
    """)


# %% right="2.2.1"
def most_expensive(products, k):
    prices = products.groupBy("category_id").agg(
        F.slice(F.sort_array(F.collect_set("price"), asc=False), 1, k).alias("best")
    )
    others = products.select(F.col("category_id").alias("other"), F.col("price").alias("more"))
    return (
        products.join(prices, "category_id")
        .filter(F.array_contains("best", F.col("price")))
        .join(
            others,
            (F.col("category_id") == F.col("other")) & (F.col("more") > F.col("price")),
            "left",
        )
        .groupBy("product_id", "category_id", "price")
        .agg((F.count("more") + 1).cast("int").alias("place"))
    )


# %% [markdown]
# ## The row before and the row after
#
# `F.lag("x")` is the value of `x` in the row before, `F.lead("x")` in the row after, within the group and in the window's order. At the edge of the
# group, where there is no such row, the result is NULL; `F.lag("x", 2)` goes back two rows, and `F.lag("x", 1, 0)` gives 0 instead of NULL. A meter
# that is read now and then:

# %%
readings = spark.createDataFrame(
    [("cellar", 1, 100), ("cellar", 4, 130), ("cellar", 9, 205), ("roof", 2, 10), ("roof", 5, 40)],
    "meter STRING, day INT, kwh INT",
)
by_day = Window.partitionBy("meter").orderBy("day")
readings.select(
    "meter",
    "day",
    "kwh",
    (F.col("kwh") - F.lag("kwh").over(by_day)).alias("used since the last reading"),
    (F.lead("day").over(by_day) - F.col("day")).alias("days until the next"),
).orderBy("meter", "day").show()

# %% [markdown]
# For two times, `F.timestamp_diff("SECOND", start, end)` counts the whole seconds between them (`BIGINT`). The unit may be `"DAY"`, `"HOUR"` or
# `"MINUTE"`, too, but then the rest is cut off: 119 minutes are 1 hour. When the rest matters, count seconds and divide.
#
# ### Exercise 2.2.2: since the last order
#
# For every order of a known customer (`customer_id` is not NULL), return `order_id`, `customer_id`, and
#
# - `previous_order_id`: the order of this customer just before it
# - `hours_since` (`DOUBLE`): the hours between the two, seconds counted as parts of an hour (`order_ts` has whole seconds only)
#
# Both are NULL for a customer's first order. The order of time is that of `order_ts`; of two orders at the same time, the one with the smaller
# `order_id` was first. (Order numbers are *not* always in the order of time.) Guests are different people, so their orders do not belong in the
# answer.


# %% answer="2.2.2" title="Since the last order"
def since_last_order(orders: DataFrame) -> DataFrame:
    """(order_id BIGINT, customer_id BIGINT, previous_order_id BIGINT or NULL, hours_since DOUBLE or NULL), orders of known customers."""
    ### BEGIN SOLUTION
    in_time = Window.partitionBy("customer_id").orderBy("order_ts", "order_id")
    seconds = F.timestamp_diff("SECOND", F.lag("order_ts").over(in_time), F.col("order_ts"))
    return orders.filter("customer_id IS NOT NULL").select(
        "order_id",
        "customer_id",
        F.lag("order_id").over(in_time).alias("previous_order_id"),
        (seconds / 3600).alias("hours_since"),
    )
    ### END SOLUTION


# %% check="2.2.2" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.2.2",
    "same time",
    "many orders at the same time, the rows in the opposite order",
    orders=variants.together(
        variants.replaced(order_ts=F.date_trunc("MONTH", "order_ts")),
        lambda frame: frame.coalesce(1).orderBy(F.desc("order_id")),
    ),
)
### END HIDDEN TESTS
check("2.2.2", since_last_order, key=["order_id"])

# %% [markdown] hints="2.2.2"
# 1. One window serves both columns: the orders of one customer, in the order of time.
# 2. A tie needs a second column in `orderBy`.
# 3. `F.lag` may be taken of any column: once of the number, once of the time. Then it is the seconds between two times, divided.


# %% wrong="2.2.2" because="not expected"
def since_last_order(orders):
    in_time = Window.partitionBy("customer_id").orderBy("order_ts", "order_id")
    seconds = F.timestamp_diff("SECOND", F.lag("order_ts").over(in_time), F.col("order_ts"))
    return orders.select(
        "order_id",
        "customer_id",
        F.lag("order_id").over(in_time).alias("previous_order_id"),
        (seconds / 3600).alias("hours_since"),
    )


# %% wrong="2.2.2" because="many orders at the same time"
def since_last_order(orders):
    in_time = Window.partitionBy("customer_id").orderBy("order_ts")
    seconds = F.timestamp_diff("SECOND", F.lag("order_ts").over(in_time), F.col("order_ts"))
    return orders.filter("customer_id IS NOT NULL").select(
        "order_id",
        "customer_id",
        F.lag("order_id").over(in_time).alias("previous_order_id"),
        (seconds / 3600).alias("hours_since"),
    )


# %% wrong="2.2.2" because="`hours_since` is wrong"
def since_last_order(orders):
    in_time = Window.partitionBy("customer_id").orderBy("order_id")
    seconds = F.timestamp_diff("SECOND", F.lag("order_ts").over(in_time), F.col("order_ts"))
    return orders.filter("customer_id IS NOT NULL").select(
        "order_id",
        "customer_id",
        F.lag("order_id").over(in_time).alias("previous_order_id"),
        (seconds / 3600).alias("hours_since"),
    )


# %% wrong="2.2.2" because="`hours_since` is wrong"
def since_last_order(orders):
    in_time = Window.partitionBy("customer_id").orderBy("order_ts", "order_id")
    hours = F.timestamp_diff("HOUR", F.lag("order_ts").over(in_time), F.col("order_ts"))
    return orders.filter("customer_id IS NOT NULL").select(
        "order_id",
        "customer_id",
        F.lag("order_id").over(in_time).alias("previous_order_id"),
        hours.cast("double").alias("hours_since"),
    )


# %% right="2.2.2"
def since_last_order(orders):
    return orders.sparkSession.sql("""
        SELECT order_id, customer_id, lag(order_id) OVER in_time AS previous_order_id,
               (unix_timestamp(order_ts) - unix_timestamp(lag(order_ts) OVER in_time)) / 3600 AS hours_since
        FROM orders
        WHERE customer_id > 0
        WINDOW in_time AS (PARTITION BY customer_id ORDER BY order_ts, order_id)
    """)


# %% right="2.2.2"
def since_last_order(orders):
    backwards = Window.partitionBy("customer_id").orderBy(F.desc("order_ts"), F.desc("order_id"))
    before = F.lead(F.struct("order_id", "order_ts")).over(backwards)
    known = orders.filter(F.col("customer_id").isNotNull()).withColumn("before", before)
    return known.selectExpr(
        "order_id",
        "customer_id",
        "before.order_id AS previous_order_id",
        "CAST(unix_seconds(order_ts) - unix_seconds(before.order_ts) AS DOUBLE) / 3600 AS hours_since",
    )


# %% [markdown]
# ## Running totals, and the frame that you did not write
#
# Every aggregate works over a window. What it adds up is the **frame**. If you write none, the frame depends on whether there is an order:
#
# | the window has | the frame is | so `sum` gives |
# |---|---|---|
# | no `orderBy` | the whole group | the total of the group, the same in all rows |
# | an `orderBy` | from the start of the group to the current **value** | a running total, and rows that tie get the same one |
#
# "To the current value" is the surprise. The default is a frame of *values* (`RANGE`): it ends after the last row that ties with this one. A frame of
# *rows* ends at the row itself. Four coins are put into a box, two of them on the same day:

# %%
coins = spark.createDataFrame(
    [(1, "Mo", 1), (2, "Tu", 2), (3, "Tu", 5), (4, "We", 10)], "number INT, day STRING, coin INT"
)
up_to_this_row = Window.unboundedPreceding, Window.currentRow
coins.select(
    "number",
    "day",
    "coin",
    F.sum("coin").over(Window.orderBy("day")).alias("default"),
    F.sum("coin").over(Window.orderBy("day", "number").rowsBetween(*up_to_this_row)).alias("rows"),
    F.sum("coin").over(Window.orderBy("day", "number")).alias("no ties"),
    F.sum("coin").over(Window.partitionBy()).alias("whole group"),
).orderBy("number").show()

# %% [markdown]
# After both coins of Tuesday the box holds 8; the default shows that 8 already for the first of them. Which is right depends on the question. "How much
# was in the box *after this coin*" needs rows in an order without ties. "How much was in the box *at the end of that day*" needs values. With
# `rowsBetween` and an order that has ties, the result is a matter of luck: nobody says which coin came first.
#
# The bounds of a frame are `Window.unboundedPreceding` (the start), `Window.currentRow`, `Window.unboundedFollowing` (the end), or numbers:
# `rowsBetween(-2, 0)` is this row and the two before it.
#
# The same trap again: `F.last("x").over(window with an order)` is *not* the last value of the group. The frame ends at the current row.
#
# ### Exercise 2.2.3: how payments add up
#
# For every payment return `payment_id`, `method`, and
#
# - `so_far`: the sum of the amounts of this method, from its first payment to this one, this one included, as the `DECIMAL(20,2)` that `sum` gives. The
#   order of time is that of `paid_ts`; of two payments at the same time, the one with the smaller `payment_id` was first
# - `share` (`DOUBLE`): `so_far` divided by the sum of **all** amounts of this method, so 1.0 at its last payment. Make both sides
#   `DOUBLE` before you divide
#
# Payments without a method are a group like the others.


# %% answer="2.2.3" title="How payments add up"
def payments_so_far(payments: DataFrame) -> DataFrame:
    """(payment_id BIGINT, method STRING or NULL, so_far DECIMAL(20,2), share DOUBLE), every payment."""
    ### BEGIN SOLUTION
    method = Window.partitionBy("method")
    so_far = F.sum("amount").over(method.orderBy("paid_ts", "payment_id"))
    total = F.sum("amount").over(method)
    return payments.select(
        "payment_id",
        "method",
        so_far.alias("so_far"),
        (so_far.cast("double") / total.cast("double")).alias("share"),
    )
    ### END SOLUTION


# %% check="2.2.3" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.2.3",
    "same time",
    "payments that are all booked at midnight, the rows in the opposite order",
    payments=variants.together(
        variants.replaced(paid_ts=F.date_trunc("DAY", "paid_ts")),
        lambda frame: frame.coalesce(1).orderBy(F.desc("payment_id")),
    ),
)
### END HIDDEN TESTS
check("2.2.3", payments_so_far, key=["payment_id"])

# %% [markdown] equivalent="2.2.3" because="When one side of a division is DOUBLE, the other one becomes DOUBLE by itself."
# - drop call: .cast('double')
# - drop call: .cast('double') (2)

# %% [markdown] hints="2.2.3"
# 1. Two windows: one with an order, one without. Look at the table above: which of them gives the total of the group?
# 2. `window.orderBy(...)` makes a new window from another one and leaves the first as it is.
# 3. Rows at the same time must not share their sum, so the order must have no ties.


# %% wrong="2.2.3" because="`so_far` is wrong"
def payments_so_far(payments):
    method = Window.partitionBy("method")
    so_far = F.sum("amount").over(method.orderBy("paid_ts"))
    total = F.sum("amount").over(method)
    return payments.select(
        "payment_id",
        "method",
        so_far.alias("so_far"),
        (so_far.cast("double") / total.cast("double")).alias("share"),
    )


# %% wrong="2.2.3" because="booked at midnight"
def payments_so_far(payments):
    method = Window.partitionBy("method")
    so_far = F.sum("amount").over(
        method.orderBy("paid_ts").rowsBetween(Window.unboundedPreceding, 0)
    )
    total = F.sum("amount").over(method)
    return payments.select(
        "payment_id",
        "method",
        so_far.alias("so_far"),
        (so_far.cast("double") / total.cast("double")).alias("share"),
    )


# %% wrong="2.2.3" because="`share` is wrong"
def payments_so_far(payments):
    method = Window.partitionBy("method").orderBy("paid_ts", "payment_id")
    so_far = F.sum("amount").over(method)
    total = F.sum("amount").over(method)
    return payments.select(
        "payment_id",
        "method",
        so_far.alias("so_far"),
        (so_far.cast("double") / total.cast("double")).alias("share"),
    )


# %% wrong="2.2.3" because="`so_far` is wrong"
def payments_so_far(payments):
    method = Window.partitionBy("method")
    so_far = F.sum("amount").over(method.orderBy("payment_id"))
    total = F.sum("amount").over(method)
    return payments.select(
        "payment_id",
        "method",
        so_far.alias("so_far"),
        (so_far.cast("double") / total.cast("double")).alias("share"),
    )


# %% wrong="2.2.3" because="missing"
def payments_so_far(payments):
    totals = payments.groupBy("method").agg(F.sum("amount").alias("total"))
    so_far = F.sum("amount").over(Window.partitionBy("method").orderBy("paid_ts", "payment_id"))
    return (
        payments.withColumn("so_far", so_far)
        .join(totals, "method")
        .select(
            "payment_id",
            "method",
            "so_far",
            (F.col("so_far").cast("double") / F.col("total").cast("double")).alias("share"),
        )
    )


# %% right="2.2.3"
def payments_so_far(payments):
    return payments.sparkSession.sql("""
        WITH added AS (
            SELECT payment_id, method, sum(amount) OVER (PARTITION BY method) AS total,
                   sum(amount) OVER (PARTITION BY method ORDER BY paid_ts, payment_id ROWS UNBOUNDED PRECEDING) AS so_far
            FROM payments
        )
        SELECT payment_id, method, so_far, double(so_far) / double(total) AS share FROM added
    """)


# %% right="2.2.3"
def payments_so_far(payments):
    later = Window.partitionBy("method").orderBy("paid_ts", "payment_id")
    rest = F.sum("amount").over(later.rowsBetween(1, Window.unboundedFollowing))
    total = F.sum("amount").over(Window.partitionBy("method"))
    so_far = (total - F.coalesce(rest, F.lit(0))).cast("decimal(20,2)")
    return payments.select(
        "payment_id",
        "method",
        so_far.alias("so_far"),
        (so_far.cast("double") / total.cast("double")).alias("share"),
    )


# %% [markdown]
# ## Moments, and how they are written
#
# A `TIMESTAMP` is a **moment**: the number of microseconds since the beginning of 1970, UTC, the *epoch*. It has no format and no time zone. Both come
# into play only when a moment is written as text or read from it. Text without a zone is taken to be in the time zone of the session,
# `spark.sql.session.timeZone`. In this course that is UTC.
#
# | from | to a moment | back |
# |---|---|---|
# | seconds since 1970 | `F.timestamp_seconds(n)` | `F.unix_seconds(ts)` |
# | milliseconds since 1970 | `F.timestamp_millis(n)` | `F.unix_millis(ts)` |
# | ISO text, `2024-05-06T12:30:00Z`, `2024-05-06 12:30:00`, `...+02:00` | `F.to_timestamp("t")`, or a cast | `F.date_format(ts, ...)` |
# | other text | `F.to_timestamp("t", "dd/MM/yyyy HH:mm")` | `F.date_format(ts, "dd/MM/yyyy HH:mm")` |
#
# `to_timestamp` stops the query when a text is no time; `F.try_to_timestamp("t")` and `F.try_to_timestamp("t", F.lit("dd/MM/yyyy"))` give NULL instead
# (the format of the latter is a column, hence `lit`). For dates there are `F.to_date`, and `F.unix_date`, the days since 1970.

# %%
notes = spark.createDataFrame(
    [("1714998600",), ("2024-05-06T14:30:00+02:00",), ("06/05/2024 12:30",), ("soon",)], "t STRING"
)
moments = notes.select(
    "t",
    F.timestamp_seconds(F.col("t").try_cast("bigint")).alias("as seconds"),
    F.try_to_timestamp("t").alias("as ISO"),
    F.try_to_timestamp("t", F.lit("dd/MM/yyyy HH:mm")).alias("as pattern"),
)
moments.show(truncate=False)

# %% [markdown]
# Three spellings of one moment; and here each reader understands one of them. But a reader also takes what is not meant for it: thirteen digits are a number of seconds, too (in the year 55972), and `2024` is a day.
# So ask first which form a text has, by `F.length` or a pattern, `F.col("t").rlike("^[0-9]{10}$")`. `F.coalesce(a, b, c)` takes the first that is not NULL. In a pattern, capital
# letters matter: `MM` is the month and `mm` the minute, `dd` the day of the month and `DD` the day of the year, `HH` counts the hours from 0 to 23 and
# `hh` from 1 to 12, and `SSS` are milliseconds.
#
# Spark 4.1 also brings a type for the time of day alone, `TIME`. It is so new that it must be switched on:

# %%
spark.conf.set("spark.sql.timeType.enabled", "true")
hours = spark.createDataFrame(
    [("Köln", "09:30", "18:00"), ("York", "13:00", "21:15")],
    "city STRING, opens STRING, closes STRING",
)
hours.select(
    "city",
    F.to_time("opens").alias("opens"),
    F.to_time("closes").between(F.expr("TIME '18:30'"), F.expr("TIME '23:59'")).alias("open late"),
).show()
spark.conf.unset("spark.sql.timeType.enabled")

# %% [markdown]
# ### Exercise 2.2.4: clicks from a partner
#
# `partner_clicks(web_events)` gives clicks as a partner sends them: `click_id`, and in `written` a time in one of these forms:
#
# - ten digits: seconds since 1970, such as `1704145694`
# - thirteen digits: milliseconds since 1970, such as `1704145694149`
# - ISO with an offset from UTC, such as `2024-01-02T02:48:14.149+05:00` or `2024-01-01T18:48:14.149-03:00`
# - day first, in UTC, such as `01.01.2024 21:48:14`
# - anything else, such as `unknown` or `not logged`, is no time
#
# Return every click with `click_id`, `clicked_ts` (`TIMESTAMP`), `epoch_ms` (`BIGINT`, the milliseconds since 1970) and `day` (`STRING`, the UTC day
# written like `31/12/2024`). All three are NULL where there is no time.


# %% answer="2.2.4" title="Clicks from a partner"
def read_clicks(web_events: DataFrame) -> DataFrame:
    """(click_id STRING, clicked_ts TIMESTAMP or NULL, epoch_ms BIGINT or NULL, day STRING or NULL), every click of the partner once."""
    ### BEGIN SOLUTION
    number = F.col("written").try_cast("bigint")
    clicked = (
        F.when(F.length("written") == 10, F.timestamp_seconds(number))
        .when(F.length("written") == 13, F.timestamp_millis(number))
        .otherwise(
            F.coalesce(
                F.try_to_timestamp("written"),
                F.try_to_timestamp("written", F.lit("dd.MM.yyyy HH:mm:ss")),
            )
        )
    )
    clicks = partner_clicks(web_events).withColumn("clicked_ts", clicked)
    return clicks.select(
        "click_id",
        "clicked_ts",
        F.unix_millis("clicked_ts").alias("epoch_ms"),
        F.date_format("clicked_ts", "dd/MM/yyyy").alias("day"),
    )
    ### END SOLUTION


# %% check="2.2.4" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.2.4",
    "long ago",
    "clicks of ten years before, in the last hours of a day, so that the day abroad is another one",
    web_events=variants.replaced(
        event_ts=F.date_trunc("DAY", "event_ts")
        - F.expr("INTERVAL 10 YEARS")
        + F.expr("INTERVAL '21:30:15.250' HOUR TO SECOND")
    ),
)
### END HIDDEN TESTS
check("2.2.4", read_clicks, key=["click_id"])

# %% [markdown] equivalent="2.2.4" because="In a when, false and NULL are the same: the branch is not taken."
# - null-safe equality: F.length('written') == 10 → F.length('written').eqNullSafe(10)
# - null-safe equality: F.length('written') == 13 → F.length('written').eqNullSafe(13)

# %% [markdown] equivalent="2.2.4" because="No text is understood by both readers, so it does not matter which is asked first."
# - swap arguments: F.coalesce(F.try_to_timestamp('writ … , F.lit('dd.MM.yyyy HH:mm:ss'))) → F.coalesce(F.try_to_timestamp('writ … , F.try_to_timestamp('written'))

# %% [markdown] hints="2.2.4"
# 1. First make the moment, in a `when` chain; the other two columns follow from it.
# 2. How long the text is (`F.length`) tells seconds from milliseconds. Text must become a number before `timestamp_seconds` takes it, and most texts are none:
#    `try_cast`.
# 3. For the rest, try one reader after the other. A reader that does not understand must give NULL, not an error.


# %% wrong="2.2.4" because="CAST_INVALID_INPUT"
def read_clicks(web_events):
    number = F.col("written").cast("bigint")
    clicked = F.coalesce(F.timestamp_millis(number), F.to_timestamp("written"))
    return (
        partner_clicks(web_events)
        .withColumn("clicked_ts", clicked)
        .select(
            "click_id",
            "clicked_ts",
            F.unix_millis("clicked_ts").alias("epoch_ms"),
            F.date_format("clicked_ts", "dd/MM/yyyy").alias("day"),
        )
    )


# %% wrong="2.2.4" because="`clicked_ts` is wrong"
def read_clicks(web_events):
    clicked = F.coalesce(
        F.timestamp_millis(F.col("written").try_cast("bigint")),
        F.try_to_timestamp("written"),
        F.try_to_timestamp("written", F.lit("dd.MM.yyyy HH:mm:ss")),
    )
    return (
        partner_clicks(web_events)
        .withColumn("clicked_ts", clicked)
        .select(
            "click_id",
            "clicked_ts",
            F.unix_millis("clicked_ts").alias("epoch_ms"),
            F.date_format("clicked_ts", "dd/MM/yyyy").alias("day"),
        )
    )


# %% wrong="2.2.4" because="`epoch_ms` is wrong"
def read_clicks(web_events):
    number = F.col("written").try_cast("bigint")
    clicked = (
        F.when(F.length("written") == 10, F.timestamp_seconds(number))
        .when(F.length("written") == 13, F.timestamp_millis(number))
        .otherwise(
            F.coalesce(
                F.try_to_timestamp("written"),
                F.try_to_timestamp("written", F.lit("dd.MM.yyyy HH:mm:ss")),
            )
        )
    )
    return (
        partner_clicks(web_events)
        .withColumn("clicked_ts", clicked)
        .select(
            "click_id",
            "clicked_ts",
            (F.unix_timestamp("clicked_ts") * 1000).alias("epoch_ms"),
            F.date_format("clicked_ts", "dd/MM/yyyy").alias("day"),
        )
    )


# %% wrong="2.2.4" because="`clicked_ts` is wrong"
def read_clicks(web_events):
    number = F.col("written").try_cast("bigint")
    clicked = (
        F.when(F.length("written") == 10, F.timestamp_seconds(number))
        .when(F.length("written") == 13, F.timestamp_millis(number))
        .otherwise(
            F.coalesce(
                F.try_to_timestamp(F.substring("written", 1, 23)),
                F.try_to_timestamp("written", F.lit("dd.MM.yyyy HH:mm:ss")),
            )
        )
    )
    return (
        partner_clicks(web_events)
        .withColumn("clicked_ts", clicked)
        .select(
            "click_id",
            "clicked_ts",
            F.unix_millis("clicked_ts").alias("epoch_ms"),
            F.date_format("clicked_ts", "dd/MM/yyyy").alias("day"),
        )
    )


# %% wrong="2.2.4" because="`clicked_ts` is wrong"
def read_clicks(web_events):
    number = F.col("written").try_cast("bigint")
    abroad = F.to_timestamp(F.substring("written", 1, 23))
    clicked = (
        F.when(F.length("written") == 10, F.timestamp_seconds(number))
        .when(F.length("written") == 13, F.timestamp_millis(number))
        .when(F.length("written") == 29, abroad - F.expr("INTERVAL 5 HOURS"))
        .otherwise(F.try_to_timestamp("written", F.lit("dd.MM.yyyy HH:mm:ss")))
    )
    return (
        partner_clicks(web_events)
        .withColumn("clicked_ts", clicked)
        .select(
            "click_id",
            "clicked_ts",
            F.unix_millis("clicked_ts").alias("epoch_ms"),
            F.date_format("clicked_ts", "dd/MM/yyyy").alias("day"),
        )
    )


# %% wrong="2.2.4" because="ten years before"
def read_clicks(web_events):
    written = F.col("written")
    seconds = written.try_cast("decimal(20,3)") / F.when(F.length("written") > 10, 1000).otherwise(
        1
    )
    clicked = F.when(written.rlike(r"^17\d+$"), seconds.cast("timestamp")).otherwise(
        F.coalesce(
            F.try_to_timestamp("written"),
            F.try_to_timestamp("written", F.lit("dd.MM.yyyy HH:mm:ss")),
        )
    )
    return (
        partner_clicks(web_events)
        .withColumn("clicked_ts", clicked)
        .select(
            "click_id",
            "clicked_ts",
            F.unix_millis("clicked_ts").alias("epoch_ms"),
            F.date_format("clicked_ts", "dd/MM/yyyy").alias("day"),
        )
    )


# %% wrong="2.2.4" because="`day` is wrong"
def read_clicks(web_events):
    number = F.col("written").try_cast("bigint")
    clicked = (
        F.when(F.length("written") == 10, F.timestamp_seconds(number))
        .when(F.length("written") == 13, F.timestamp_millis(number))
        .otherwise(
            F.coalesce(
                F.try_to_timestamp("written"),
                F.try_to_timestamp("written", F.lit("dd.MM.yyyy HH:mm:ss")),
            )
        )
    )
    return (
        partner_clicks(web_events)
        .withColumn("clicked_ts", clicked)
        .select(
            "click_id",
            "clicked_ts",
            F.unix_millis("clicked_ts").alias("epoch_ms"),
            F.date_format("clicked_ts", "dd/mm/yyyy").alias("day"),
        )
    )


# %% right="2.2.4"
def read_clicks(web_events):
    partner_clicks(web_events).createOrReplaceTempView("partner")
    return web_events.sparkSession.sql(r"""
        WITH read AS (
            SELECT click_id, CASE
                WHEN written RLIKE '^\\d+$'
                THEN timestamp_micros(bigint(written) * if(length(written) = 13, 1000, 1000000))
                WHEN written LIKE '%T%' THEN timestamp(written)
                WHEN written LIKE '%.%.%' THEN to_timestamp(written, 'dd.MM.yyyy HH:mm:ss')
            END AS clicked_ts
            FROM partner
        )
        SELECT click_id, clicked_ts, unix_micros(clicked_ts) DIV 1000 AS epoch_ms,
               concat_ws('/', lpad(day(clicked_ts), 2, '0'), date_format(clicked_ts, 'MM'), year(clicked_ts)) AS d,
               if(clicked_ts IS NULL, NULL, d) AS day
        FROM read
    """).drop("d")


# %% [markdown]
# ## Clocks on the wall
#
# A shop in Köln opens at nine *local* time, in January as in July. In UTC that is eight in winter and seven in summer. So questions about habits (which
# hour, which day) need what the **clock on the wall** shows. Its type is `TIMESTAMP_NTZ`: year, month, day, hour, minute, second, and *no time zone*.
# It is no moment: what 02:30 on the wall means depends on where the wall is.
#
# | you have | you want | |
# |---|---|---|
# | a moment | the local time of a zone, still called `TIMESTAMP` | `F.from_utc_timestamp("ts", zone)` |
# | the local time of a zone | the moment | `F.to_utc_timestamp("local", zone)` |
# | digits that are right for your purpose | the honest type | `.cast("timestamp_ntz")` |
#
# `zone` is a text, or a column, `F.col("zone")`, for a zone per row. Name zones by place, `Europe/Berlin`, never by abbreviation or offset: only the place knows when its
# clocks change. `from_utc_timestamp` shifts the moment so that the session, in UTC, *shows* the local digits. It is not a real moment any more: convert it
# to `TIMESTAMP_NTZ` at once, and nobody will take it for one.
#
# Now the change of the clocks. In Berlin, on the last Sunday of March the clock jumps from 02:00 to 03:00, and on the last Sunday of
# October it goes back from 03:00 to 02:00, both at 01:00 UTC:

# %%
nights = spark.sql("""
    SELECT explode(array(
        TIMESTAMP '2025-03-30 00:30:00', TIMESTAMP '2025-03-30 01:30:00',
        TIMESTAMP '2025-10-26 00:30:00', TIMESTAMP '2025-10-26 01:30:00')) AS moment
""")
berlin = F.from_utc_timestamp("moment", "Europe/Berlin").cast("timestamp_ntz")
nights.select(
    "moment",
    berlin.alias("on the wall"),
    F.to_utc_timestamp(berlin, "Europe/Berlin").alias("and back"),
).show()

# %% [markdown]
# In March, one UTC hour later, the clock on the wall shows *two* hours more: the hour from 02:00 to 03:00 does not exist. In October 02:30 exists twice, and the way
# back can only guess: the second of the two moments came back wrong. So store moments, and make local times from them for reading. Never the other way round.
#
# It also means that a day is not always 24 hours long. Its length is the time from one local midnight to the next, as moments. A date alone stands for
# its midnight:

# %%
days = spark.sql("SELECT explode(sequence(DATE '2025-03-29', DATE '2025-03-31')) AS day")
midnight = F.to_utc_timestamp("day", "Europe/Helsinki")
days.select("day", midnight.alias("the moment at which it begins in Helsinki")).show()

# %% [markdown]
# Helsinki's 30th of March begins at 22:00 UTC and ends at 21:00 UTC: 23 hours. (`F.date_add("day", 1)` is the day after.)
#
# ### Exercise 2.2.5: the shop's own day
#
# `shop_orders(orders, stores)` gives the orders that were made in a shop: `order_id`, `store_id`, `order_ts` (a moment) and `zone`, the shop's time
# zone. Return one row for each shop and **local** day with orders:
#
# - `store_id`, and `day` (`DATE`), the day on the shop's calendar
# - `orders` (`BIGINT`): how many orders there were
# - `first_order` (`TIMESTAMP_NTZ`): what the shop's clock showed at the earliest of them
# - `day_hours` (`BIGINT`): how many hours this local day lasted
#
# (No clock of these countries is changed at midnight. On the days on which a clock goes back, no order was placed in the hour that exists twice.)


# %% answer="2.2.5" title="The shop's own day"
def local_days(orders: DataFrame, stores: DataFrame) -> DataFrame:
    """(store_id INT, day DATE, orders BIGINT, first_order TIMESTAMP_NTZ, day_hours BIGINT), one row per shop and local day."""
    ### BEGIN SOLUTION
    local = F.from_utc_timestamp("order_ts", F.col("zone")).cast("timestamp_ntz")
    begins = F.to_utc_timestamp("day", F.col("zone"))
    ends = F.to_utc_timestamp(F.date_add("day", 1), F.col("zone"))
    walls = shop_orders(orders, stores).withColumn("local", local)
    return (
        walls.groupBy("store_id", "zone", F.to_date("local").alias("day"))
        .agg(F.count("*").alias("orders"), F.min("local").alias("first_order"))
        .withColumn("day_hours", F.timestamp_diff("HOUR", begins, ends))
        .drop("zone")
    )
    ### END SOLUTION


# %% check="2.2.5" points=2
### BEGIN HIDDEN TESTS
everywhere = F.element_at(
    F.array(*[F.lit(name) for name in sorted(ZONE_OF_COUNTRY)]), F.col("store_id") % 8 + 1
)
four_nights = F.element_at(
    F.array(*[F.lit(text) for text in ("2025-03-30", "2025-10-26", "2025-03-09", "2025-11-02")]),
    (F.col("order_id") % 4 + 1).cast("int"),
).cast("timestamp")
variant(
    "2.2.5",
    "clocks change",
    "orders in the days around the change of the clocks, in shops of all countries",
    stores=variants.replaced(country=everywhere),
    orders=variants.replaced(
        order_ts=four_nights
        + F.make_dt_interval(hours=(F.col("order_id") % 13 * 4 - 5).cast("int"))
    ),
)
### END HIDDEN TESTS
check("2.2.5", local_days, key=["store_id", "day"])

# %% [markdown] hints="2.2.5"
# 1. First give every order what the shop's clock showed. Day and earliest time both come from that column.
# 2. A shop has only one zone, so `zone` may be one of the columns that you group by. You need it afterwards.
# 3. How long is a day? From its midnight to the next day's midnight (`F.date_add`), both turned into moments.


# %% wrong="2.2.5" because="not expected"
def local_days(orders, stores):
    return (
        shop_orders(orders, stores)
        .groupBy("store_id", "zone", F.to_date("order_ts").alias("day"))
        .agg(
            F.count("*").alias("orders"),
            F.min("order_ts").cast("timestamp_ntz").alias("first_order"),
        )
        .withColumn("day_hours", F.lit(24).cast("bigint"))
        .drop("zone")
    )


# %% wrong="2.2.5" because="`day_hours` is wrong"
def local_days(orders, stores):
    local = F.from_utc_timestamp("order_ts", F.col("zone")).cast("timestamp_ntz")
    return (
        shop_orders(orders, stores)
        .withColumn("local", local)
        .groupBy("store_id", F.to_date("local").alias("day"))
        .agg(F.count("*").alias("orders"), F.min("local").alias("first_order"))
        .withColumn("day_hours", F.lit(24).cast("bigint"))
    )


# %% wrong="2.2.5" because="TIMESTAMP_NTZ"
def local_days(orders, stores):
    local = F.from_utc_timestamp("order_ts", F.col("zone"))
    begins = F.to_utc_timestamp("day", F.col("zone"))
    ends = F.to_utc_timestamp(F.date_add("day", 1), F.col("zone"))
    return (
        shop_orders(orders, stores)
        .withColumn("local", local)
        .groupBy("store_id", "zone", F.to_date("local").alias("day"))
        .agg(F.count("*").alias("orders"), F.min("local").alias("first_order"))
        .withColumn("day_hours", F.timestamp_diff("HOUR", begins, ends))
        .drop("zone")
    )


# %% wrong="2.2.5" because="`day_hours` is wrong"
def local_days(orders, stores):
    local = F.from_utc_timestamp("order_ts", F.col("zone")).cast("timestamp_ntz")
    begins = F.from_utc_timestamp("day", F.col("zone"))
    ends = F.from_utc_timestamp(F.date_add("day", 1), F.col("zone"))
    return (
        shop_orders(orders, stores)
        .withColumn("local", local)
        .groupBy("store_id", "zone", F.to_date("local").alias("day"))
        .agg(F.count("*").alias("orders"), F.min("local").alias("first_order"))
        .withColumn("day_hours", F.timestamp_diff("HOUR", begins, ends))
        .drop("zone")
    )


# %% wrong="2.2.5" because="change of the clocks"
def local_days(orders, stores):
    local = F.from_utc_timestamp("order_ts", F.col("zone")).cast("timestamp_ntz")
    last_sunday = F.next_day(F.date_sub(F.last_day("day"), 7), "Sunday")
    changes = (F.col("day") == last_sunday) & F.col("zone").startswith("Europe/")
    hours = (
        F.when(changes & (F.month("day") == 3), 23)
        .when(changes & (F.month("day") == 10), 25)
        .otherwise(24)
    )
    return (
        shop_orders(orders, stores)
        .withColumn("local", local)
        .groupBy("store_id", "zone", F.to_date("local").alias("day"))
        .agg(F.count("*").alias("orders"), F.min("local").alias("first_order"))
        .withColumn("day_hours", hours.cast("bigint"))
        .drop("zone")
    )


# %% wrong="2.2.5" because="`first_order` is wrong"
def local_days(orders, stores):
    winter = {"Brazil": -3, "United Kingdom": 0, "United States": -5}
    zones = {ZONE_OF_COUNTRY[country]: winter.get(country, 1) for country in ZONE_OF_COUNTRY}
    offset = F.create_map(*[F.lit(part) for pair in zones.items() for part in pair])[F.col("zone")]
    local = (F.col("order_ts") + F.make_dt_interval(hours=offset)).cast("timestamp_ntz")
    begins = F.to_utc_timestamp("day", F.col("zone"))
    ends = F.to_utc_timestamp(F.date_add("day", 1), F.col("zone"))
    return (
        shop_orders(orders, stores)
        .withColumn("local", local)
        .groupBy("store_id", "zone", F.to_date("local").alias("day"))
        .agg(F.count("*").alias("orders"), F.min("local").alias("first_order"))
        .withColumn("day_hours", F.timestamp_diff("HOUR", begins, ends))
        .drop("zone")
    )


# %% right="2.2.5"
def local_days(orders, stores):
    shop_orders(orders, stores).createOrReplaceTempView("in_shops")
    return orders.sparkSession.sql("""
        WITH walls AS (
            SELECT store_id, zone, convert_timezone('UTC', zone, CAST(order_ts AS TIMESTAMP_NTZ)) AS wall FROM in_shops
        ), grouped AS (
            SELECT store_id, zone, CAST(wall AS DATE) AS day, count(1) AS orders, min(wall) AS first_order
            FROM walls GROUP BY ALL
        )
        SELECT store_id, day, orders, first_order,
               timestampdiff(HOUR, convert_timezone(zone, 'UTC', CAST(day AS TIMESTAMP_NTZ)),
                             convert_timezone(zone, 'UTC', CAST(day + 1 AS TIMESTAMP_NTZ))) AS day_hours
        FROM grouped
    """)


# %% [markdown]
# ## Frames of time
#
# A moving average over the last seven rows is an average over the last seven days only if **no day is missing**. Days without orders have no row,
# sensors fail, and then seven rows reach back two weeks. `rangeBetween` counts by *value*: `rangeBetween(-6, 0)` takes the rows whose order value is at
# most 6 less than that of this row, however many there are.
#
# For that, the window is ordered by one number. Turn times into numbers of the unit that you need: `F.unix_date(day)` in days, `F.unix_seconds(ts)` in
# seconds. (In SQL, `RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW` works on dates and times directly.)
#
# Orders per day in all shops, in the first half of June. No shop sold anything from the 6th to the 9th, nor on some days later on:

# %%
daily = (
    orders.filter("channel = 'store' AND order_ts >= '2025-06-01' AND order_ts < '2025-06-16'")
    .groupBy(F.to_date("order_ts").alias("day"))
    .agg(F.count("order_id").alias("orders"))
)
by_date = Window.orderBy(F.unix_date("day"))
daily.select(
    "day",
    "orders",
    F.sum("orders").over(by_date.rowsBetween(-2, 0)).alias("of 3 rows"),
    F.sum("orders").over(by_date.rangeBetween(-2, 0)).alias("of 3 days"),
).orderBy("day").show()

# %% [markdown]
# On the 10th, the last three *rows* reach back to the 4th; the last three *days* hold one order.
#
# An average over a frame with holes can rest on very few values. Air-quality reports therefore demand a minimum: of the 24 hours, at least 18 must be
# known. Count the known values over the same window, and show the average only where there are enough.
#
# ### Exercise 2.2.6: the mean of a day
#
# (Each sensor measures one parameter.) For every row of `hourly(air_measurements)` return `sensor_id`, `measured_ts` and `mean_24h` (`DOUBLE`): the average of the known values of this
# sensor in the **24 hours that end with this one**, so this hour and the 23 before it. It is NULL where fewer than `at_least` of these values are
# known. Hours without a row, and rows whose value is NULL, are not known. All measurements are on the full hour.


# %% answer="2.2.6" title="The mean of a day"
def daily_means(air_measurements: DataFrame, at_least: int) -> DataFrame:
    """(sensor_id INT, measured_ts TIMESTAMP, mean_24h DOUBLE or NULL), a row for each of `hourly(air_measurements)`."""
    ### BEGIN SOLUTION
    by_time = Window.partitionBy("sensor_id").orderBy(F.unix_seconds("measured_ts"))
    last_24_hours = by_time.rangeBetween(-23 * 3600, 0)
    enough = F.count("value").over(last_24_hours) >= at_least
    return hourly(air_measurements).select(
        "sensor_id",
        "measured_ts",
        F.when(enough, F.avg("value").over(last_24_hours)).alias("mean_24h"),
    )
    ### END SOLUTION


# %% check="2.2.6" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.2.6",
    "few hours",
    "sensors that report every sixth hour only, with values that are not known",
    air_measurements=variants.together(
        variants.only("hour(measured_ts) % 6 = 0"), variants.nulls("value", every=5)
    ),
    at_least=3,
)
variant(
    "2.2.6", "other air", "other sensors, of whose hours 20 must be known", seed=2206, at_least=20
)
### END HIDDEN TESTS
check("2.2.6", daily_means, key=["sensor_id", "measured_ts"], arguments={"at_least": 18})

# %% [markdown] equivalent="2.2.6" because="Measurements are on the full hour, so a few seconds more at either end change nothing."
# - number: 3600 → 3601
# - number: 0 → 1

# %% [markdown] hints="2.2.6"
# 1. The frame is one of values, not of rows. Order by seconds, and say in seconds how far back it reaches.
# 2. This hour and the 23 before it: the first of them *begins* 23 hours ago.
# 3. `F.count("value")` leaves NULL out, also over a window. Put the average into a `when` without `otherwise`.


# %% wrong="2.2.6" because="`mean_24h` is wrong"
def daily_means(air_measurements, at_least):
    by_time = Window.partitionBy("sensor_id").orderBy("measured_ts").rowsBetween(-23, 0)
    enough = F.count("value").over(by_time) >= at_least
    return hourly(air_measurements).select(
        "sensor_id", "measured_ts", F.when(enough, F.avg("value").over(by_time)).alias("mean_24h")
    )


# %% wrong="2.2.6" because="`mean_24h` is wrong"
def daily_means(air_measurements, at_least):
    by_time = Window.partitionBy("sensor_id").orderBy(F.unix_seconds("measured_ts"))
    frame = by_time.rangeBetween(-24 * 3600, 0)
    enough = F.count("value").over(frame) >= at_least
    return hourly(air_measurements).select(
        "sensor_id", "measured_ts", F.when(enough, F.avg("value").over(frame)).alias("mean_24h")
    )


# %% wrong="2.2.6" because="every sixth hour"
def daily_means(air_measurements, at_least):
    by_time = Window.partitionBy("sensor_id").orderBy(F.unix_seconds("measured_ts"))
    frame = by_time.rangeBetween(-23 * 3600, 0)
    enough = F.count("value").over(frame) >= 18
    return hourly(air_measurements).select(
        "sensor_id", "measured_ts", F.when(enough, F.avg("value").over(frame)).alias("mean_24h")
    )


# %% wrong="2.2.6" because="`mean_24h` is wrong"
def daily_means(air_measurements, at_least):
    by_time = Window.partitionBy("sensor_id").orderBy(F.unix_seconds("measured_ts"))
    frame = by_time.rangeBetween(-23 * 3600, 0)
    enough = F.count("*").over(frame) >= at_least
    return hourly(air_measurements).select(
        "sensor_id", "measured_ts", F.when(enough, F.avg("value").over(frame)).alias("mean_24h")
    )


# %% right="2.2.6"
def daily_means(air_measurements, at_least):
    hourly(air_measurements).createOrReplaceTempView("hours")
    return air_measurements.sparkSession.sql(f"""
        SELECT sensor_id, measured_ts, if(count(value) OVER day < {at_least}, NULL, avg(value) OVER day) AS mean_24h
        FROM hours
        WINDOW day AS (PARTITION BY sensor_id ORDER BY measured_ts
                       RANGE BETWEEN INTERVAL 23 HOURS PRECEDING AND CURRENT ROW)
    """)


# %% right="2.2.6"
def daily_means(air_measurements, at_least):
    hours = hourly(air_measurements)
    known = hours.select(
        F.col("sensor_id").alias("s"), F.col("measured_ts").alias("t"), F.col("value").alias("v")
    )
    near = F.expr("s = sensor_id AND t <= measured_ts AND t > measured_ts - INTERVAL 24 HOURS")
    means = (
        hours.join(known, near, "left")
        .groupBy("sensor_id", "measured_ts")
        .agg(F.count("v").alias("n"), F.avg("v").alias("mean"))
    )
    return means.selectExpr(
        "sensor_id", "measured_ts", f"CASE WHEN n >= {at_least} THEN mean END AS mean_24h"
    )


# %% [markdown]
# ## Filling gaps with the last known value
#
# Often a missing value is best replaced by the last one that was known: a price is valid until the next one, a setting until it is changed.
# `F.last_value(column, ignoreNulls=True)` over a window is the last value of the frame that is not NULL (`F.last(column, ignorenulls=True)` is the
# same). With an order and the default frame, that is the last known value *up to this row*:

# %%
prices = spark.createDataFrame(
    [(1, 10.0), (2, None), (3, None), (6, 12.0), (7, None)], "day INT, price DOUBLE"
)
so_far = Window.orderBy("day")
day_if_known = F.when(F.col("price").isNotNull(), F.col("day"))
prices.select(
    "day",
    "price",
    F.last_value("price", ignoreNulls=True).over(so_far).alias("filled"),
    F.last_value(day_if_known, ignoreNulls=True).over(so_far).alias("known on day"),
).orderBy("day").show()

# %% [markdown]
# The last column shows a useful trick: carry along *when* the value was known, by making the day NULL wherever the price is. What you fill is a
# guess, and a guess grows old. So say how old it may be, and show how old it is.
#
# ### Exercise 2.2.7: carry the last value forward
#
# For every row of `hourly(air_measurements)` return `sensor_id`, `measured_ts`, and
#
# - `value` (`DOUBLE`): the value of this hour or, where it is not known, the last known value of this sensor before it, if that is **at most**
#   `max_hours` hours older
# - `age_hours` (`BIGINT`): how many hours older the value is: 0 if it is the hour's own
#
# Both are NULL where there is no such value. Hours that have no row at all stay away, but they count as time: after a pause of a day, the last value is
# a day old.


# %% answer="2.2.7" title="Carry the last value forward"
def fill_gaps(air_measurements: DataFrame, max_hours: int) -> DataFrame:
    """(sensor_id INT, measured_ts TIMESTAMP, value DOUBLE or NULL, age_hours BIGINT or NULL), a row for each of `hourly(air_measurements)`."""
    ### BEGIN SOLUTION
    by_time = Window.partitionBy("sensor_id").orderBy(F.unix_seconds("measured_ts"))
    recent = by_time.rangeBetween(-max_hours * 3600, 0)
    known = F.when(F.col("value").isNotNull(), F.struct("value", "measured_ts"))
    return (
        hourly(air_measurements)
        .withColumn("latest", F.last_value(known, ignoreNulls=True).over(recent))
        .select(
            "sensor_id",
            "measured_ts",
            F.col("latest.value").alias("value"),
            F.timestamp_diff("HOUR", "latest.measured_ts", "measured_ts").alias("age_hours"),
        )
    )
    ### END SOLUTION


# %% check="2.2.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.2.7",
    "mostly unknown",
    "sensors of which only every fourth hour is known, some of them not at all",
    air_measurements=variants.replaced(
        value=F.when((F.hour("measured_ts") % 4 == 1) & (F.col("sensor_id") != 5), F.col("value"))
    ),
    max_hours=2,
)
variant(
    "2.2.7",
    "pauses",
    "sensors that are silent for hours and come back with a value that is not known",
    air_measurements=variants.together(
        variants.only("hour(measured_ts) % 12 < 5"),
        variants.replaced(value=F.when(F.hour("measured_ts") % 12 != 0, F.col("value"))),
    ),
    max_hours=7,
)
### END HIDDEN TESTS
check("2.2.7", fill_gaps, key=["sensor_id", "measured_ts"], arguments={"max_hours": 3})

# %% [markdown] equivalent="2.2.7" because="Measurements are on the full hour, so a few seconds more at either end change nothing."
# - number: 3600 → 3601
# - number: 0 → 1

# %% [markdown] equivalent="2.2.7" because="The fields of the struct are read by name, and the field that is read gives the column its name."
# - swap arguments: F.struct('value', 'measured_ts') → F.struct('measured_ts', 'value')
# - drop call: .alias('value')

# %% [markdown] hints="2.2.7"
# 1. You need two things from the last known row: its value and its time. Either carry both in two columns, or in one struct.
# 2. The value of this hour is itself in the frame. If it is known, it is the last known one.
# 3. "At most so many hours older" can be a frame of values, or a condition afterwards on the age.


# %% wrong="2.2.7" because="`value` is wrong"
def fill_gaps(air_measurements, max_hours):
    by_time = Window.partitionBy("sensor_id").orderBy("measured_ts")
    known = F.when(F.col("value").isNotNull(), F.struct("value", "measured_ts"))
    return (
        hourly(air_measurements)
        .withColumn("latest", F.last_value(known, ignoreNulls=True).over(by_time))
        .select(
            "sensor_id",
            "measured_ts",
            F.col("latest.value").alias("value"),
            F.timestamp_diff("HOUR", "latest.measured_ts", "measured_ts").alias("age_hours"),
        )
    )


# %% wrong="2.2.7" because="on hidden data"
def fill_gaps(air_measurements, max_hours):
    by_time = Window.partitionBy("sensor_id").orderBy("measured_ts")
    known = F.when(F.col("value").isNotNull(), F.struct("value", "measured_ts"))
    recent = by_time.rowsBetween(-max_hours, 0)
    return (
        hourly(air_measurements)
        .withColumn("latest", F.last_value(known, ignoreNulls=True).over(recent))
        .select(
            "sensor_id",
            "measured_ts",
            F.col("latest.value").alias("value"),
            F.timestamp_diff("HOUR", "latest.measured_ts", "measured_ts").alias("age_hours"),
        )
    )


# %% wrong="2.2.7" because="`value` is wrong"
def fill_gaps(air_measurements, max_hours):
    by_time = Window.partitionBy("sensor_id").orderBy("measured_ts")
    before = F.lag(F.struct("value", "measured_ts")).over(by_time)
    here = F.col("value").isNotNull()
    return (
        hourly(air_measurements)
        .withColumn("before", before)
        .select(
            "sensor_id",
            "measured_ts",
            F.coalesce("value", "before.value").alias("value"),
            F.when(here, F.lit(0).cast("bigint"))
            .when(
                F.col("before.value").isNotNull(),
                F.timestamp_diff("HOUR", "before.measured_ts", "measured_ts"),
            )
            .alias("age_hours"),
        )
    )


# %% wrong="2.2.7" because="`age_hours` is wrong"
def fill_gaps(air_measurements, max_hours):
    by_time = Window.partitionBy("sensor_id").orderBy(F.unix_seconds("measured_ts"))
    recent = by_time.rangeBetween(-max_hours * 3600, 0)
    last = F.last_value(F.struct("value", "measured_ts"), ignoreNulls=True).over(recent)
    value = F.last_value("value", ignoreNulls=True).over(recent)
    return (
        hourly(air_measurements)
        .withColumns({"latest": last, "filled": value})
        .select(
            "sensor_id",
            "measured_ts",
            F.col("filled").alias("value"),
            F.timestamp_diff("HOUR", "latest.measured_ts", "measured_ts").alias("age_hours"),
        )
    )


# %% wrong="2.2.7" because="only every fourth hour"
def fill_gaps(air_measurements, max_hours):
    by_time = Window.partitionBy("sensor_id").orderBy(F.unix_seconds("measured_ts"))
    recent = by_time.rangeBetween(-3 * 3600, 0)
    known = F.when(F.col("value").isNotNull(), F.struct("value", "measured_ts"))
    return (
        hourly(air_measurements)
        .withColumn("latest", F.last_value(known, ignoreNulls=True).over(recent))
        .select(
            "sensor_id",
            "measured_ts",
            F.col("latest.value").alias("value"),
            F.timestamp_diff("HOUR", "latest.measured_ts", "measured_ts").alias("age_hours"),
        )
    )


# %% right="2.2.7"
def fill_gaps(air_measurements, max_hours):
    hourly(air_measurements).createOrReplaceTempView("hours")
    return air_measurements.sparkSession.sql(f"""
        WITH carried AS (
            SELECT sensor_id, measured_ts, last(value, true) OVER so_far AS v,
                   timestampdiff(HOUR, max(if(value IS NULL, NULL, measured_ts)) OVER so_far, measured_ts) AS age
            FROM hours WINDOW so_far AS (PARTITION BY sensor_id ORDER BY measured_ts)
        )
        SELECT sensor_id, measured_ts, if(age <= {max_hours}, v, NULL) AS value, if(age <= {max_hours}, age, NULL) AS age_hours
        FROM carried
    """)


# %% [markdown]
# ## Gaps and islands
#
# On which days did a runner train *in a row*? The rows are days; an **island** is an unbroken run of them, and between islands are **gaps**. A gap is
# easy to see with `lag`: the day before is more than one day ago. For islands there is a beautiful idea. Number the rows, and subtract the number from
# the day:

# %%
training = spark.createDataFrame([(1,), (2,), (3,), (6,), (7,), (11,)], "day INT")
numbered = training.withColumn("number", F.row_number().over(Window.orderBy("day")))
numbered.withColumn("difference", F.col("day") - F.col("number")).orderBy("day").show()

# %% [markdown]
# As long as no day is missing, both grow by one and the difference stays the same. At each gap it jumps. So all days of an island share a number that
# no other island has, and the rest is a `groupBy`:

# %%
islands = (
    numbered.groupBy((F.col("day") - F.col("number")).alias("island"))
    .agg(
        F.min("day").alias("first day"), F.max("day").alias("last day"), F.count("*").alias("days")
    )
    .orderBy("island")
)
islands.show()

# %% [markdown]
# This needs whole numbers without repetitions that grow by one: days since 1970 for dates, hours since 1970 for hours. And *filter first, number
# afterwards*: an island consists of the rows that fulfil a condition, and what does not must be a gap.
#
# ### Exercise 2.2.8: long hours of bad air
#
# Look only at the fine dust, `parameter = 'pm25'` in `hourly(air_measurements)`. An hour is bad when its value is **more than** `limit`. Find for each
# sensor the runs of bad hours: hours that follow each other without a break. An hour that is not bad, whose value is not known, or that has no row,
# ends a run. Return the runs of **at least** `at_least` hours:
#
# - `sensor_id`
# - `start_ts`, `end_ts` (`TIMESTAMP`): the first and the last hour of the run, as in `measured_ts`
# - `hours` (`BIGINT`): how many hours it has
# - `highest` (`DOUBLE`): the highest value in it


# %% answer="2.2.8" title="Long hours of bad air"
def bad_air(air_measurements: DataFrame, limit: float, at_least: int) -> DataFrame:
    """(sensor_id INT, start_ts TIMESTAMP, end_ts TIMESTAMP, hours BIGINT, highest DOUBLE), one row per long run."""
    ### BEGIN SOLUTION
    bad = hourly(air_measurements).filter((F.col("parameter") == "pm25") & (F.col("value") > limit))
    number = F.row_number().over(Window.partitionBy("sensor_id").orderBy("measured_ts"))
    return (
        bad.withColumn("run", F.unix_seconds("measured_ts") / 3600 - number)
        .groupBy("sensor_id", "run")
        .agg(
            F.min("measured_ts").alias("start_ts"),
            F.max("measured_ts").alias("end_ts"),
            F.count("*").alias("hours"),
            F.max("value").alias("highest"),
        )
        .filter(F.col("hours") >= at_least)
        .drop("run")
    )
    ### END SOLUTION


# %% check="2.2.8" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.2.8",
    "new year",
    "a year that ends in bad air, with hours without a row and hours without a value in it",
    air_measurements=variants.together(
        variants.only("hour(measured_ts) % 7 != 3"),
        variants.replaced(
            value=F.when(F.hour("measured_ts") % 11 != 5, F.col("value")),
            measured_ts=F.col("measured_ts") - F.expr("INTERVAL 4 DAYS"),
        ),
    ),
    limit=4.0,
    at_least=3,
)
variant(
    "2.2.8",
    "exactly",
    "hours with exactly the limit, and runs of a single hour",
    air_measurements=variants.replaced(value=F.round("value", -1)),
    limit=20.0,
    at_least=1,
)
### END HIDDEN TESTS
check(
    "2.2.8",
    bad_air,
    key=["sensor_id", "start_ts"],
    arguments={"limit": 12.25, "at_least": 4},
)

# %% [markdown] equivalent="2.2.8" because="A filter drops rows for which its condition is NULL as well as those for which it is false."
# - null-safe equality: F.col('parameter') == 'pm25' → F.col('parameter').eqNullSafe('pm25')

# %% [markdown] equivalent="2.2.8" because="`hourly` has each hour of a sensor once, so there are no ties."
# - rank: F.row_number() → F.rank()
# - rank: F.row_number() → F.dense_rank()

# %% [markdown] equivalent="2.2.8" because="The difference only tells runs apart; with the opposite sign it does so, too."
# - swap arguments: F.unix_seconds('measured_ts') / 3600 - number → number - F.unix_seconds('measured_ts') / 3600

# %% [markdown] hints="2.2.8"
# 1. Which rows are in an island? Filter to them first.
# 2. Number the rows of each sensor in the order of time, and subtract that from the hours since 1970 (`F.unix_seconds(...)`, divided).
# 3. Group by the sensor *and* the difference: two sensors may have the same difference.
# 4. The length is known only after the grouping, so the last `filter` comes there.


# %% wrong="2.2.8" because="`end_ts`"
def bad_air(air_measurements, limit, at_least):
    by_time = Window.partitionBy("sensor_id").orderBy("measured_ts")
    marked = (
        hourly(air_measurements)
        .filter("parameter = 'pm25'")
        .withColumn("bad", F.coalesce(F.col("value") > limit, F.lit(False)))
        .withColumn("ends", F.when(~F.col("bad"), 1).otherwise(0))
        .withColumn("run", F.sum("ends").over(by_time))
    )
    return (
        marked.filter("bad")
        .groupBy("sensor_id", "run")
        .agg(
            F.min("measured_ts").alias("start_ts"),
            F.max("measured_ts").alias("end_ts"),
            F.count("*").alias("hours"),
            F.max("value").alias("highest"),
        )
        .filter(F.col("hours") >= at_least)
        .drop("run")
    )


# %% wrong="2.2.8" because="exactly the limit"
def bad_air(air_measurements, limit, at_least):
    bad = hourly(air_measurements).filter(
        (F.col("parameter") == "pm25") & (F.col("value") >= limit)
    )
    number = F.row_number().over(Window.partitionBy("sensor_id").orderBy("measured_ts"))
    return (
        bad.withColumn("run", F.unix_seconds("measured_ts") / 3600 - number)
        .groupBy("sensor_id", "run")
        .agg(
            F.min("measured_ts").alias("start_ts"),
            F.max("measured_ts").alias("end_ts"),
            F.count("*").alias("hours"),
            F.max("value").alias("highest"),
        )
        .filter(F.col("hours") >= at_least)
        .drop("run")
    )


# %% wrong="2.2.8" because="a year that ends in bad air"
def bad_air(air_measurements, limit, at_least):
    bad = hourly(air_measurements).filter((F.col("parameter") == "pm25") & (F.col("value") > limit))
    number = F.row_number().over(Window.partitionBy("sensor_id").orderBy("measured_ts"))
    hour = F.dayofyear("measured_ts") * 24 + F.hour("measured_ts")
    return (
        bad.withColumn("run", hour - number)
        .groupBy("sensor_id", "run")
        .agg(
            F.min("measured_ts").alias("start_ts"),
            F.max("measured_ts").alias("end_ts"),
            F.count("*").alias("hours"),
            F.max("value").alias("highest"),
        )
        .filter(F.col("hours") >= at_least)
        .drop("run")
    )


# %% wrong="2.2.8" because="missing"
def bad_air(air_measurements, limit, at_least):
    dust = hourly(air_measurements).filter("parameter = 'pm25'")
    number = F.row_number().over(Window.partitionBy("sensor_id").orderBy("measured_ts"))
    return (
        dust.withColumn("run", F.unix_seconds("measured_ts") / 3600 - number)
        .filter(F.col("value") > limit)
        .groupBy("sensor_id", "run")
        .agg(
            F.min("measured_ts").alias("start_ts"),
            F.max("measured_ts").alias("end_ts"),
            F.count("*").alias("hours"),
            F.max("value").alias("highest"),
        )
        .filter(F.col("hours") >= at_least)
        .drop("run")
    )


# %% wrong="2.2.8" because="not expected"
def bad_air(air_measurements, limit, at_least):
    bad = hourly(air_measurements).filter(F.col("value") > limit)
    number = F.row_number().over(Window.partitionBy("sensor_id").orderBy("measured_ts"))
    return (
        bad.withColumn("run", F.unix_seconds("measured_ts") / 3600 - number)
        .groupBy("sensor_id", "run")
        .agg(
            F.min("measured_ts").alias("start_ts"),
            F.max("measured_ts").alias("end_ts"),
            F.count("*").alias("hours"),
            F.max("value").alias("highest"),
        )
        .filter(F.col("hours") >= at_least)
        .drop("run")
    )


# %% right="2.2.8"
def bad_air(air_measurements, limit, at_least):
    hourly(air_measurements).createOrReplaceTempView("hours")
    return air_measurements.sparkSession.sql(f"""
        WITH begins AS (
            SELECT sensor_id, measured_ts, value,
                   if(measured_ts - lag(measured_ts) OVER in_time = INTERVAL 1 HOUR, 0, 1) AS starts
            FROM hours
            WHERE parameter = 'pm25' AND value > {limit}
            WINDOW in_time AS (PARTITION BY sensor_id ORDER BY measured_ts)
        ),
        runs AS (SELECT *, sum(starts) OVER (PARTITION BY sensor_id ORDER BY measured_ts) AS run FROM begins)
        SELECT sensor_id, min(measured_ts) AS start_ts, max(measured_ts) AS end_ts, count(*) AS hours, max(value) AS highest
        FROM runs
        GROUP BY sensor_id, run
        HAVING count(*) >= {at_least}
    """)


# %% [markdown]
# ## Sessions
#
# Clicks come one by one, but people come in **sessions**: some minutes of clicks, then a long pause, and the next visit. Nothing in the data says where
# a session begins. The usual rule: a click after a pause of more than 30 minutes begins a new one. In two steps:
#
# 1. with `lag`, mark each row that begins something new with 1, all others with 0
# 2. a running sum over these marks counts the beginnings up to here. That is the number of the session.
#
# The doors of an elevator: it starts a new ride when nobody has come in for more than ten seconds.

# %%
rides = spark.createDataFrame(
    [("A", 0), ("A", 4), ("A", 14), ("A", 40), ("B", 3), ("B", 60)], "elevator STRING, second INT"
)
each_elevator = Window.partitionBy("elevator").orderBy("second")
marked = rides.withColumn(
    "pause", F.col("second") - F.lag("second").over(each_elevator)
).withColumn("new", F.when(F.col("pause").isNull() | (F.col("pause") > 10), 1).otherwise(0))
marked.withColumn("ride", F.sum("new").over(each_elevator)).orderBy("elevator", "second").show()

# %% [markdown]
# The first row of a group has no pause; it must count as new. Do the running sum in a step of its own, as here: the marks can then be looked at when
# something is wrong.
#
# When you only want to *group* by session, Spark has a shorter way. `F.session_window(time, gap)` in a `groupBy` is made for streams (module 5) and
# works on ordinary tables just as well:

# %%
seconds = rides.withColumn("time", F.timestamp_seconds("second"))
(
    seconds.groupBy("elevator", F.session_window("time", "10 seconds").alias("ride"))
    .agg(F.count("*").alias("people"))
    .select(
        "elevator",
        F.date_format("ride.start", "mm:ss").alias("from"),
        F.date_format("ride.end", "mm:ss").alias("to"),
        "people",
    )
    .orderBy("elevator", "from")
    .show()
)

# %% [markdown]
# Note what `end` means: the last time **plus the gap**, the moment after which the session is over. A row exactly at that moment still belongs to it.
# What `session_window` does not give is the number of the session, and a mark on each row.
#
# ### Exercise 2.2.9: visits to the web shop
#
# Cut the clicks of `web_events` into sessions. Only clicks of known customers count (`customer_id` is not NULL). Some events were delivered twice, as
# identical rows: count each event once. A click begins a new session when **more than** `minutes` minutes have passed since the customer's click before
# it. Times are exact to the millisecond, so a pause of 30 minutes and one millisecond is more than 30 minutes. Return one row per session:
#
# - `customer_id`
# - `session` (`BIGINT`): the number of the session for this customer, 1, 2, 3, ... in the order of time
# - `start_ts`, `end_ts` (`TIMESTAMP`): its first and its last click
# - `clicks` (`BIGINT`): how many clicks it has
# - `bought` (`BOOLEAN`): whether there is an event among them whose `event_type` is `purchase`


# %% answer="2.2.9" title="Visits to the web shop"
def sessions(web_events: DataFrame, minutes: int) -> DataFrame:
    """(customer_id BIGINT, session BIGINT, start_ts TIMESTAMP, end_ts TIMESTAMP, clicks BIGINT, bought BOOLEAN), one row per session."""
    ### BEGIN SOLUTION
    in_time = Window.partitionBy("customer_id").orderBy("event_ts")
    pause = F.unix_millis("event_ts") - F.lag(F.unix_millis("event_ts")).over(in_time)
    return (
        web_events.filter("customer_id IS NOT NULL")
        .distinct()
        .withColumn("begins", F.when(pause <= minutes * 60_000, 0).otherwise(1))
        .withColumn("session", F.sum("begins").over(in_time))
        .groupBy("customer_id", "session")
        .agg(
            F.min("event_ts").alias("start_ts"),
            F.max("event_ts").alias("end_ts"),
            F.count("*").alias("clicks"),
            F.bool_or(F.col("event_type") == "purchase").alias("bought"),
        )
    )
    ### END SOLUTION


# %% check="2.2.9" points=3
### BEGIN HIDDEN TESTS
from datetime import UTC, datetime, timedelta

noon = datetime(2025, 3, 1, 12, tzinfo=UTC)


def click(name, customer, minute, milliseconds=0, kind="page_view"):
    moment = noon + timedelta(minutes=minute, milliseconds=milliseconds)
    return (name, customer, moment, kind, "/", None)


variant(
    "2.2.9",
    "exactly",
    "pauses of exactly the limit and of a millisecond more, and customers who click at the same time",
    web_events=variants.rows(
        click("a", 1, 0),
        click("b", 1, 20),
        click("b", 1, 20),
        click("c", 1, 40, 1, "purchase"),
        click("d", 1, 60, 1),
        click("e", 1, 60, 1, "purchase"),
        click("f", 2, 0),
        click("g", 2, 20, 1),
        click("h", 2, 20, 1),
        click("i", 2, 65),
        click("j", None, 66, 0, "purchase"),
        click("k", 3, 66),
    ),
    minutes=20,
)
variant(
    "2.2.9",
    "busy",
    "customers who click all day",
    web_events=variants.replaced(
        event_ts=F.timestamp_millis(
            F.lit(1_740_830_400_000) + F.unix_millis("event_ts") % 86_400_000
        ),
        customer_id=F.when(F.crc32("event_id") % 5 != 0, F.col("customer_id") % 9),
    ),
    minutes=15,
)
### END HIDDEN TESTS
check("2.2.9", sessions, key=["customer_id", "session"], arguments={"minutes": 30})

# %% [markdown] equivalent="2.2.9" because="The type of an event is never NULL."
# - null-safe equality: F.col('event_type') == 'purchase' → F.col('event_type').eqNullSafe('purchase')

# %% [markdown] hints="2.2.9"
# 1. Clean first: known customers only, each identical row once. A window over rows that are still doubled counts them, too.
# 2. The pause is the difference to the click before, in milliseconds: `F.unix_millis`. Seconds would lose what the task asks for.
# 3. Mark the beginnings with 1 and everything else with 0. The first click of a customer has a pause of NULL, and must get a 1.
# 4. Then comes the running sum, in a step of its own, and an ordinary `groupBy`. `F.bool_or(condition)` is true when the condition is true in any row.


# %% wrong="2.2.9" because="not expected"
def sessions(web_events, minutes):
    in_time = Window.partitionBy("customer_id").orderBy("event_ts")
    pause = F.unix_millis("event_ts") - F.lag(F.unix_millis("event_ts")).over(in_time)
    return (
        web_events.distinct()
        .withColumn("begins", F.when(pause <= minutes * 60_000, 0).otherwise(1))
        .withColumn("session", F.sum("begins").over(in_time))
        .groupBy("customer_id", "session")
        .agg(
            F.min("event_ts").alias("start_ts"),
            F.max("event_ts").alias("end_ts"),
            F.count("*").alias("clicks"),
            F.bool_or(F.col("event_type") == "purchase").alias("bought"),
        )
    )


# %% wrong="2.2.9" because="`clicks` is wrong"
def sessions(web_events, minutes):
    in_time = Window.partitionBy("customer_id").orderBy("event_ts")
    pause = F.unix_millis("event_ts") - F.lag(F.unix_millis("event_ts")).over(in_time)
    return (
        web_events.filter("customer_id IS NOT NULL")
        .withColumn("begins", F.when(pause <= minutes * 60_000, 0).otherwise(1))
        .withColumn("session", F.sum("begins").over(in_time))
        .groupBy("customer_id", "session")
        .agg(
            F.min("event_ts").alias("start_ts"),
            F.max("event_ts").alias("end_ts"),
            F.count("*").alias("clicks"),
            F.bool_or(F.col("event_type") == "purchase").alias("bought"),
        )
    )


# %% wrong="2.2.9" because="`session`"
def sessions(web_events, minutes):
    in_time = Window.partitionBy("customer_id").orderBy("event_ts")
    pause = F.unix_millis("event_ts") - F.lag(F.unix_millis("event_ts")).over(in_time)
    return (
        web_events.filter("customer_id IS NOT NULL")
        .distinct()
        .withColumn("begins", F.when(pause > minutes * 60_000, 1).otherwise(0))
        .withColumn("session", F.sum("begins").over(in_time))
        .groupBy("customer_id", "session")
        .agg(
            F.min("event_ts").alias("start_ts"),
            F.max("event_ts").alias("end_ts"),
            F.count("*").alias("clicks"),
            F.bool_or(F.col("event_type") == "purchase").alias("bought"),
        )
    )


# %% wrong="2.2.9" because="a millisecond more"
def sessions(web_events, minutes):
    in_time = Window.partitionBy("customer_id").orderBy("event_ts")
    pause = F.timestamp_diff("MINUTE", F.lag("event_ts").over(in_time), F.col("event_ts"))
    return (
        web_events.filter("customer_id IS NOT NULL")
        .distinct()
        .withColumn("begins", F.when(pause <= minutes, 0).otherwise(1))
        .withColumn("session", F.sum("begins").over(in_time))
        .groupBy("customer_id", "session")
        .agg(
            F.min("event_ts").alias("start_ts"),
            F.max("event_ts").alias("end_ts"),
            F.count("*").alias("clicks"),
            F.bool_or(F.col("event_type") == "purchase").alias("bought"),
        )
    )


# %% wrong="2.2.9" because="exactly the limit"
def sessions(web_events, minutes):
    in_time = Window.partitionBy("customer_id").orderBy("event_ts")
    pause = F.unix_millis("event_ts") - F.lag(F.unix_millis("event_ts")).over(in_time)
    return (
        web_events.filter("customer_id IS NOT NULL")
        .distinct()
        .withColumn("begins", F.when(pause < minutes * 60_000, 0).otherwise(1))
        .withColumn("session", F.sum("begins").over(in_time))
        .groupBy("customer_id", "session")
        .agg(
            F.min("event_ts").alias("start_ts"),
            F.max("event_ts").alias("end_ts"),
            F.count("*").alias("clicks"),
            F.bool_or(F.col("event_type") == "purchase").alias("bought"),
        )
    )


# %% right="2.2.9"
def sessions(web_events, minutes):
    gap = F.session_window("event_ts", f"{minutes} minutes").alias("w")
    number = F.row_number().over(Window.partitionBy("customer_id").orderBy("start_ts"))
    return (
        web_events.dropDuplicates(["event_id"])
        .where(F.col("customer_id").isNotNull())
        .groupBy("customer_id", gap)
        .agg(
            F.min("event_ts").alias("start_ts"),
            F.max("event_ts").alias("end_ts"),
            F.count("*").alias("clicks"),
            (F.count_if(F.col("event_type") == "purchase") > 0).alias("bought"),
        )
        .withColumn("session", number.cast("bigint"))
        .drop("w")
    )


# %% right="2.2.9"
def sessions(web_events, minutes):
    return web_events.sparkSession.sql(f"""
        WITH clicks AS (SELECT DISTINCT * FROM web_events WHERE customer_id IS NOT NULL),
        pauses AS (
            SELECT *, event_ts - lag(event_ts) OVER (PARTITION BY customer_id ORDER BY event_ts, event_id) AS pause FROM clicks
        ),
        numbered AS (
            SELECT *, 1 + count_if(pause > INTERVAL {minutes} MINUTES)
                          OVER (PARTITION BY customer_id ORDER BY event_ts, event_id ROWS UNBOUNDED PRECEDING) AS session
            FROM pauses
        )
        SELECT customer_id, session, min(event_ts) AS start_ts, max(event_ts) AS end_ts, count(*) AS clicks,
               some(event_type = 'purchase') AS bought
        FROM numbered
        GROUP BY customer_id, session
    """)


# %% [markdown]
# ### Question 2.2.10: a report for the shop in New York
#
# A chain opens a shop in New York. A colleague describes how its daily report will be made: "All times come from the checkouts as text, in local time
# without a zone, and I store them as they are; that is what people want to read. The revenue of a day I get with `groupBy(F.to_date(...))`, and the
# weekly average with `avg("revenue").over(Window.orderBy("day").rowsBetween(-6, 0))`. The shop is closed on Sundays." Answer in five to eight
# sentences: what goes wrong on the nights when the clocks change, and how should the times be stored instead? What does the "weekly average" really
# average, and what would you write? Which decision about closed days do you leave to the people who read the report?

# %% [markdown] written="2.2.10" points=3 title="A report for the shop in New York"
# ### BEGIN SOLUTION
# When the clocks go back in November, the hour from one to two exists twice, and text without a zone no longer says which of the two moments is meant:
# the order of sales is lost, and pauses between them come out wrong by an hour. In spring an hour is missing, and a difference between two local times
# across that night is an hour too long. The times should be stored as moments, TIMESTAMP in UTC or at least text with an offset, together with the name
# of the zone, America/New_York; local time is then made for reading, with from_utc_timestamp, and the local day is the date of that. The day must be
# the local one, for in UTC a day in New York ends at seven or eight in the evening. The frame of seven rows reaches over more than a week, since there
# is no row on Sundays: it averages the last seven days on which the shop was open, eight calendar days or more. A frame of values over the day as a
# number, rangeBetween(-6, 0) over unix_date, takes the last seven calendar days, of which six have a row. Whether a closed day counts as zero, so that
# the sum is divided by seven, or does not count, so that it is divided by six, depends on what the average is for, and the readers must decide it.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: an hour that exists twice or not at all makes local times without a zone ambiguous or differences wrong; store moments (UTC or with an
#   offset) and the named zone, make local time for reading
# - 1 point: seven rows are not seven days when days are missing; a frame of values over days (or a calendar with all days) instead
# - 1 point: whether a closed day is a zero or no value (divide by seven or by six) is named as a decision of the readers
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | `row_number`, `rank` and `dense_rank` differ only at ties | "the three best" has three meanings |
# | give `row_number`, `lag` and running sums an order without ties | else chance decides |
# | an order brings a frame with it: up to the current *value* | rows that tie share their running total |
# | no order, no frame: the whole group | that is how you get totals and shares |
# | a `TIMESTAMP` is a moment, a `TIMESTAMP_NTZ` what a clock on the wall shows | formats and zones matter only when text is read or written |
# | store moments; name zones by place | an hour may exist twice, and a day has 23, 24 or 25 hours |
# | `rangeBetween` over a number of days or seconds | seven rows are not seven days |
# | `last_value(..., ignoreNulls=True)`, and how old it is | a value carried forward is a guess that grows old |
# | position minus row number names an island | it stays the same until something is missing |
# | `lag`, mark, running sum: sessions | `session_window` does it when you only need groups |
#
# > **On Databricks:** everything here works on serverless compute and on runtimes based on Spark 4; the type `TIME` is so new that not every runtime
# > has it. The time zone of a session is UTC there too, unless somebody has set `spark.sql.session.timeZone`. SQL on Databricks also knows `QUALIFY`,
# > which filters by a window function directly.
