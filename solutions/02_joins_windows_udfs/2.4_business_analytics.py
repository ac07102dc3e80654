# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2.4 Business analytics
#
# **Time:** 165 minutes (two sittings) · **Data:** retail · **Before this:** 2.1 and 2.2
#
# "What is a customer worth to us?" "Do they come back?" "Was December good, or is December always good?" These are the questions that data are
# collected for. You know all the tools by now: joins, groups, windows. What is new is the care that such numbers need. People decide by
# them, and two analysts who compute "revenue" from the same tables often get two results, each right by its own definition. So in this notebook every number
# begins with a definition, and the code is the definition, word for word.
#
# ## You will learn to
#
# - write down what a sale is, once, and let every report use it
# - compute the lifetime value of customers from several tables without counting anything twice
# - sort customers into value tiers, and score them by recency, frequency and money (RFM)
# - follow cohorts of customers over the months, and tell "nobody came back" from "not known yet"
# - describe products by revenue, margin, returns, turnover and popularity
# - show a trend: days without sales, a moving average, seasonality, growth, and a chart that can be read
# - find products that are bought together, and say how surprising that is

# %% setup=true
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("2.4").getOrCreate()

customers = spark.read.parquet(sample("customers"))
orders = spark.read.parquet(sample("orders"))
order_items = spark.read.parquet(sample("order_items"))
returns = spark.read.parquet(sample("returns"))
stores = spark.read.parquet(sample("stores"))
shipments = spark.read.parquet(sample("shipments"))
baskets = spark.read.parquet(sample("baskets"))
products = spark.read.parquet(sample("products"))
product_features = spark.read.parquet(sample("product_features"))


def real_orders(orders: DataFrame) -> DataFrame:
    """The orders that were not cancelled."""
    return orders.filter("status <> 'cancelled'")


def add_value(order_items: DataFrame) -> DataFrame:
    """All columns, and `value DECIMAL(12,2)`: what the line costs the customer in EUR, its discount taken off."""
    discount = F.coalesce("discount", F.lit(0)).cast("decimal(3,2)")
    value = F.col("quantity") * F.col("unit_price") * (1 - discount)
    return order_items.withColumn("value", value.cast("decimal(12,2)"))


def sales(orders: DataFrame, order_items: DataFrame) -> DataFrame:
    """(order_id, customer_id, day DATE, line, product_id, quantity, value): the lines of real orders."""
    lines = real_orders(orders).join(add_value(order_items), "order_id")
    day = F.to_date("order_ts").alias("day")
    return lines.select("order_id", "customer_id", day, "line", "product_id", "quantity", "value")


# %% [markdown]
# ## First of all: what is a sale?
#
# The set-up cell holds three definitions of the shop. Read them again: all exercises use them.
#
# | function | says |
# |---|---|
# | `real_orders(orders)` | an order counts unless it was cancelled. An order that came back later was an order all the same |
# | `add_value(order_items)` | a line is worth quantity × unit price, with the discount taken off; no discount (NULL) is a discount of 0. To the cent |
# | `sales(orders, order_items)` | the **lines** of real orders with their day (UTC), customer, product, quantity and value. An order without lines sold nothing, so it is not there |
#
# Some orders have no customer: those are **guests**, with NULL in `customer_id`. And a few customers are not in `customers`, because their account was deleted. Where an exercise does not ask for that table, they are customers
# like all others.

# %%
sales(orders, order_items).orderBy("order_id", "line").show(4)
for name, frame in [("orders", orders), ("real orders", real_orders(orders))]:
    print(f"{name}: {frame.count()}")

# %% [markdown]
# ## What a customer is worth
#
# **Customer lifetime value** (CLV) is the money that a customer brings over the whole time with the shop. There are several definitions, and
# they differ by a lot:
#
# | name | definition | good for |
# |---|---|---|
# | gross | value of everything the customer ordered | little: cancelled orders and returns are in it |
# | **net, historic** | value of the real orders, minus what was paid back | knowing what a customer has brought so far |
# | margin | the same, minus what the goods have cost the shop | deciding what a customer may cost |
# | predicted | average order × orders per year × years expected to stay × margin | planning; three of its factors are guesses |
#
# We use the second one. It needs facts from two tables, order lines and returns. You know the trap from notebook 2.1, **fan-out**, and the rule against it: **bring
# each table to one row per key first, then join.** For example, how many orders, and how many baskets from the food counter, has each store?

# %%
store_orders = orders.groupBy("store_id").agg(F.count("order_id").alias("orders"))
store_baskets = baskets.groupBy("store_id").agg(F.count("basket_id").alias("baskets"))
counts = stores.join(store_orders, "store_id", "left").join(store_baskets, "store_id", "left")
counts.select("store_id", "city", "orders", "baskets").orderBy("store_id").show(3)

# %% [markdown]
# Joined directly, every order of a store would have met every basket of it. And use left joins from the table whose rows must all be there: a store without orders is part of the report. (Store 3 has none; its count is NULL here. `na.fill(0, ["orders"])` puts in the 0, and keeps the type of the column.)
#
# ### Exercise 2.4.1: lifetime value
#
# Return one row for **every** customer of `customers`:
#
# - `orders`: how many real orders the customer has placed; orders without lines count too; 0 if there are none
# - `lifetime_value`: the value of the lines of these orders, minus all refunds that were paid for these orders (`refund` in `returns`), as `DECIMAL(12,2)`; 0.00 if there is nothing. It
#   may be negative
#
# `returns` may hold several rows for an order. Refunds for orders that were cancelled, or that are not in `orders`, are errors of the warehouse: they do not count.


# %% answer="2.4.1" title="Lifetime value"
def lifetime_value(
    customers: DataFrame, orders: DataFrame, order_items: DataFrame, returns: DataFrame
) -> DataFrame:
    """(customer_id BIGINT, orders BIGINT, lifetime_value DECIMAL(12,2)), every customer once, no NULL."""
    ### BEGIN SOLUTION
    sold = add_value(order_items).groupBy("order_id").agg(F.sum("value").alias("sold"))
    refunded = returns.groupBy("order_id").agg(F.sum("refund").alias("refunded"))
    net = F.sum(F.col("sold") - F.col("refunded")).cast("decimal(12,2)")
    per_customer = (
        real_orders(orders)
        .join(sold, "order_id", "left")
        .join(refunded, "order_id", "left")
        .na.fill(0, ["sold", "refunded"])
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"), net.alias("lifetime_value"))
    )
    return customers.select("customer_id").join(per_customer, "customer_id", "left").na.fill(0)
    ### END SOLUTION


# %% check="2.4.1" points=2
### BEGIN HIDDEN TESTS
from datetime import UTC, datetime
from decimal import Decimal

from autograder import variant
from autograder.runtime import variants


def order(number, customer, moment, status="completed"):
    return (
        number,
        customer,
        None,
        datetime.fromisoformat(moment).replace(tzinfo=UTC),
        status,
        "web",
        None,
    )


def item(number, line, product, quantity, price, discount=None):
    return (number, line, product, quantity, Decimal(price), discount)


def came_back(number, line, product, quantity, refund):
    moment = datetime(2025, 6, 1, tzinfo=UTC)
    return (number * 10 + line, number, line, product, quantity, None, moment, Decimal(refund))


variant(
    "2.4.1",
    "by hand",
    "six customers: refunds for a cancelled order, a line refunded in two parts, an order without lines, guests, "
    "more refunded than paid",
    customers=variants.only("customer_id <= 6"),
    orders=variants.rows(
        order(1, 1, "2025-01-05"),
        order(2, 2, "2025-01-06", "cancelled"),
        order(3, 3, "2025-01-07"),
        order(4, 5, "2025-01-08", "returned"),
        order(5, None, "2025-01-09"),
        order(6, 999, "2025-01-10"),
        order(7, 1, "2025-01-05", "pending"),
        order(8, 6, "2025-01-11"),
        order(9, 6, "2025-01-12", "cancelled"),
    ),
    order_items=variants.rows(
        item(1, 1, 7, 2, "10.00"),
        item(1, 2, 8, 1, "30.00", 0.5),
        item(2, 1, 7, 1, "20.00"),
        item(4, 1, 7, 1, "50.00"),
        item(5, 1, 7, 1, "60.00"),
        item(6, 1, 7, 1, "70.00"),
        item(7, 1, 7, 1, "0.99"),
        item(8, 1, 7, 1, "80.00"),
        item(9, 1, 7, 1, "90.00"),
    ),
    returns=variants.rows(
        came_back(1, 1, 7, 1, "10.00"),
        came_back(1, 1, 7, 1, "4.00"),
        came_back(1, 2, 8, 1, "15.00"),
        came_back(2, 1, 7, 1, "20.00"),
        came_back(3, 1, 7, 1, "5.00"),
        came_back(4, 1, 7, 1, "100.00"),
        came_back(9, 1, 7, 1, "9.00"),
        came_back(12345, 1, 7, 1, "3.00"),
    ),
)
### END HIDDEN TESTS
check("2.4.1", lifetime_value, key=["customer_id"])

# %% [markdown] equivalent="2.4.1" because="What only a full join adds has no customer, and the last join leaves it out."
# - join type: left → full in .join(refunded, 'order_id', 'left')
# - join type: left → full in .join(sold, 'order_id', 'left')

# %% [markdown] hints="2.4.1"
# 1. Three levels: lines and refunds belong to orders, orders to customers. Go up one level at a time.
# 2. First one row per order for the lines, and one row per order for the refunds. Then both can be joined to the real orders without multiplying anything.
# 3. An order without lines or refunds gets NULL from the left join, and NULL minus something is NULL. Fill in 0 *before* you subtract.
# 4. The last step begins with `customers`, so that those without orders stay.


# %% wrong="2.4.1" because="`lifetime_value` is wrong in"
def lifetime_value(customers, orders, order_items, returns):
    per_customer = (
        real_orders(orders)
        .join(add_value(order_items), "order_id", "left")
        .join(returns.select("order_id", "refund"), "order_id", "left")
        .na.fill(0, ["value", "refund"])
        .groupBy("customer_id")
        .agg(
            F.count_distinct("order_id").alias("orders"),
            F.sum(F.col("value") - F.col("refund")).cast("decimal(12,2)").alias("lifetime_value"),
        )
    )
    return customers.select("customer_id").join(per_customer, "customer_id", "left").na.fill(0)


# %% wrong="2.4.1" because="rows are missing"
def lifetime_value(customers, orders, order_items, returns):
    sold = add_value(order_items).groupBy("order_id").agg(F.sum("value").alias("sold"))
    refunded = returns.groupBy("order_id").agg(F.sum("refund").alias("refunded"))
    net = F.sum(F.col("sold") - F.col("refunded")).cast("decimal(12,2)")
    per_customer = (
        real_orders(orders)
        .join(sold, "order_id", "left")
        .join(refunded, "order_id", "left")
        .na.fill(0, ["sold", "refunded"])
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"), net.alias("lifetime_value"))
    )
    return customers.select("customer_id").join(per_customer, "customer_id")


# %% wrong="2.4.1" because="`orders` is wrong in"
def lifetime_value(customers, orders, order_items, returns):
    sold = add_value(order_items).groupBy("order_id").agg(F.sum("value").alias("sold"))
    refunded = returns.groupBy("order_id").agg(F.sum("refund").alias("refunded"))
    net = F.sum(F.col("sold") - F.col("refunded")).cast("decimal(12,2)")
    per_customer = (
        orders.join(sold, "order_id", "left")
        .join(refunded, "order_id", "left")
        .na.fill(0, ["sold", "refunded"])
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"), net.alias("lifetime_value"))
    )
    return customers.select("customer_id").join(per_customer, "customer_id", "left").na.fill(0)


# %% wrong="2.4.1" because="refunds for a cancelled order"
def lifetime_value(customers, orders, order_items, returns):
    sold = add_value(order_items).groupBy("order_id").agg(F.sum("value").alias("sold"))
    gross = (
        real_orders(orders)
        .join(sold, "order_id", "left")
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"), F.sum("sold").alias("sold"))
    )
    refunded = (
        returns.join(orders, "order_id")
        .groupBy("customer_id")
        .agg(F.sum("refund").alias("refunded"))
    )
    return (
        customers.join(gross, "customer_id", "left")
        .join(refunded, "customer_id", "left")
        .na.fill(0, ["orders", "sold", "refunded"])
        .select(
            "customer_id",
            "orders",
            (F.col("sold") - F.col("refunded")).cast("decimal(12,2)").alias("lifetime_value"),
        )
    )


# %% wrong="2.4.1" because="`orders` is wrong in"
def lifetime_value(customers, orders, order_items, returns):
    sold = add_value(order_items).groupBy("order_id").agg(F.sum("value").alias("sold"))
    refunded = returns.groupBy("order_id").agg(F.sum("refund").alias("refunded"))
    net = F.sum(F.col("sold") - F.col("refunded")).cast("decimal(12,2)")
    per_customer = (
        real_orders(orders)
        .join(sold, "order_id")
        .join(refunded, "order_id", "left")
        .na.fill(0, ["sold", "refunded"])
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"), net.alias("lifetime_value"))
    )
    return customers.select("customer_id").join(per_customer, "customer_id", "left").na.fill(0)


# %% wrong="2.4.1" because="refunded in two parts"
def lifetime_value(customers, orders, order_items, returns):
    sold = add_value(order_items).groupBy("order_id").agg(F.sum("value").alias("sold"))
    once = returns.dropDuplicates(["order_id", "line"])
    refunded = once.groupBy("order_id").agg(F.sum("refund").alias("refunded"))
    net = F.sum(F.col("sold") - F.col("refunded")).cast("decimal(12,2)")
    per_customer = (
        real_orders(orders)
        .join(sold, "order_id", "left")
        .join(refunded, "order_id", "left")
        .na.fill(0, ["sold", "refunded"])
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"), net.alias("lifetime_value"))
    )
    return customers.select("customer_id").join(per_customer, "customer_id", "left").na.fill(0)


# %% right="2.4.1"
def lifetime_value(customers, orders, order_items, returns):
    add_value(order_items).createOrReplaceTempView("valued_items")
    return customers.sparkSession.sql("""
        WITH real AS (SELECT order_id, customer_id FROM orders WHERE status <> 'cancelled'),
        amounts AS (
            SELECT order_id, value AS amount FROM valued_items
            UNION ALL
            SELECT order_id, -refund FROM returns
        ),
        net AS (SELECT customer_id, sum(amount) AS net FROM real JOIN amounts USING (order_id) GROUP BY customer_id)
        SELECT c.customer_id, count(r.order_id) AS orders,
               CAST(coalesce(any_value(n.net), 0) AS DECIMAL(12,2)) AS lifetime_value
        FROM customers AS c
        LEFT JOIN real AS r ON r.customer_id = c.customer_id
        LEFT JOIN net AS n ON n.customer_id = c.customer_id
        GROUP BY c.customer_id
    """)


# %% [markdown]
# ## Value tiers
#
# In most shops a few customers bring most of the money. To see how few, sort by value and add up from the top. That is a running total, and
# notebook 2.2 warned of it: without a frame, `sum` over an ordered window takes in all rows that **tie** with the current one. The stores by number of orders:

# %%
by_orders = Window.orderBy(F.desc("orders"))
with_store = store_orders.filter("store_id IS NOT NULL")
ranked = with_store.select(
    "store_id",
    "orders",
    F.sum("orders").over(by_orders).alias("ties together"),
    F.sum("orders")
    .over(Window.orderBy(F.desc("orders"), "store_id").rowsBetween(Window.unboundedPreceding, 0))
    .alias("row by row"),
    F.sum("orders").over(Window.partitionBy()).alias("total"),
)
ranked.orderBy(F.desc("orders"), "store_id").show(6)

# %% [markdown]
# `Window.partitionBy()` without columns is the whole table: the total in every row, without a join. The share of a row is then a comparison, for example `running <= 0.5 * total`.
#
# One decision remains: does the customer *with* whom the border is crossed still belong to the upper tier? Ask what those **before** brought, and the answer is clear: the best customer has nobody before, so there
# is always at least one in the upper tier.
#
# ### Exercise 2.4.2: value tiers
#
# The revenue of a customer is the value of all lines of `sales` (leave returns aside). Take the customers with revenue above 0, without guests, from the largest revenue to the smallest;
# where revenues are equal, the smaller `customer_id` comes first. All their revenue together is the total. The tier of a customer depends on what all customers **before** brought together:
#
# - `"A"`: less than 80 % of the total
# - `"B"`: less than 95 % of the total, but not A
# - `"C"`: all others


# %% answer="2.4.2" title="Value tiers"
def value_tiers(orders: DataFrame, order_items: DataFrame) -> DataFrame:
    """(customer_id BIGINT, revenue DECIMAL(12,2), tier STRING), one row per customer with revenue."""
    ### BEGIN SOLUTION
    lines = sales(orders, order_items)
    revenues = (
        lines.filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .filter("revenue > 0")
    )
    best_first = Window.orderBy(F.desc("revenue"), "customer_id")
    up_to_here = best_first.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = F.sum("revenue").over(up_to_here) - F.col("revenue")
    total = F.sum("revenue").over(Window.partitionBy())
    tier = F.when(before < 0.8 * total, "A").when(before < 0.95 * total, "B").otherwise("C")
    return revenues.withColumn("tier", tier)
    ### END SOLUTION


# %% check="2.4.2" points=2
### BEGIN HIDDEN TESTS
tied = [
    ("4.50", 1),
    ("10.00", 2),
    ("60.00", 9),
    ("10.00", 8),
    ("10.00", 3),
    ("0.50", 6),
    ("5.00", 4),
    ("70.00", None),
    ("0.00", 5),
]
variant(
    "2.4.2",
    "ties",
    "customers with equal revenue, shares of exactly 80 % and 95 %, a guest, a customer who got everything for free",
    orders=variants.rows(
        *[order(number, customer, "2025-05-05") for number, (_, customer) in enumerate(tied, 1)]
    ),
    order_items=variants.rows(
        *[item(number, 1, 7, 1, price) for number, (price, _) in enumerate(tied, 1)]
    ),
)
### END HIDDEN TESTS
check("2.4.2", value_tiers, key=["customer_id"])

# %% [markdown] equivalent="2.4.2" because="The order is complete, so each row is its own peer, and the default frame is the same."
# - window frame: .rowsBetween(Window.unboundedPreceding, Window.currentRow) → rangeBetween
# - drop call: .rowsBetween(Window.unboundedPreceding, Window.currentRow)

# %% [markdown] equivalent="2.4.2" because="A revenue above 0 is not NULL."
# - nulls first: F.desc('revenue') → F.desc_nulls_first('revenue')

# %% [markdown] hints="2.4.2"
# 1. First one row per customer. Then two windows: one ordered and running, one over everything.
# 2. What those *before* brought is the running total minus the customer's own revenue.
# 3. Name the frame (rows, from the first to the current one) and make the order complete with `customer_id`.


# %% wrong="2.4.2" because="customers with equal revenue"
def value_tiers(orders, order_items):
    revenues = (
        sales(orders, order_items)
        .filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .filter("revenue > 0")
    )
    before = F.sum("revenue").over(Window.orderBy(F.desc("revenue"))) - F.col("revenue")
    total = F.sum("revenue").over(Window.partitionBy())
    tier = F.when(before < 0.8 * total, "A").when(before < 0.95 * total, "B").otherwise("C")
    return revenues.withColumn("tier", tier)


# %% wrong="2.4.2" because="`tier` is wrong in"
def value_tiers(orders, order_items):
    revenues = (
        sales(orders, order_items)
        .filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .filter("revenue > 0")
    )
    running = F.sum("revenue").over(Window.orderBy(F.desc("revenue"), "customer_id"))
    total = F.sum("revenue").over(Window.partitionBy())
    tier = F.when(running < 0.8 * total, "A").when(running < 0.95 * total, "B").otherwise("C")
    return revenues.withColumn("tier", tier)


# %% wrong="2.4.2" because="exactly 80 %"
def value_tiers(orders, order_items):
    revenues = (
        sales(orders, order_items)
        .filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .filter("revenue > 0")
    )
    running = F.sum("revenue").over(Window.orderBy(F.desc("revenue"), "customer_id"))
    before = running - F.col("revenue")
    total = F.sum("revenue").over(Window.partitionBy())
    tier = F.when(before <= 0.8 * total, "A").when(before <= 0.95 * total, "B").otherwise("C")
    return revenues.withColumn("tier", tier)


# %% wrong="2.4.2" because="tier"
def value_tiers(orders, order_items):
    revenues = (
        sales(orders, order_items)
        .groupBy("customer_id")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
    )
    running = F.sum("revenue").over(Window.orderBy(F.desc("revenue"), "customer_id"))
    before = running - F.col("revenue")
    total = F.sum("revenue").over(Window.partitionBy())
    tier = F.when(before < 0.8 * total, "A").when(before < 0.95 * total, "B").otherwise("C")
    return revenues.withColumn("tier", tier).filter("customer_id IS NOT NULL AND revenue > 0")


# %% right="2.4.2"
def value_tiers(orders, order_items):
    sales(orders, order_items).createOrReplaceTempView("sold_lines")
    return orders.sparkSession.sql("""
        WITH revenues AS (
            SELECT customer_id, CAST(sum(value) AS DECIMAL(12,2)) AS revenue
            FROM sold_lines WHERE customer_id IS NOT NULL GROUP BY customer_id HAVING sum(value) > 0
        ),
        shares AS (
            SELECT *, coalesce(sum(revenue) OVER (ORDER BY revenue DESC, customer_id
                               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                      / sum(revenue) OVER () AS share
            FROM revenues
        )
        SELECT customer_id, revenue, CASE WHEN share < 0.80 THEN 'A' WHEN share < 0.95 THEN 'B' ELSE 'C' END AS tier
        FROM shares
    """)


# %% [markdown]
# ## RFM: three scores
#
# Value alone does not tell a loyal customer from one who bought a wardrobe two years ago. **RFM** looks at three facts, and gives each a score from 1 (worst) to 5 (best):
#
# | letter | fact | best is |
# |---|---|---|
# | R, recency | days since the last purchase | few |
# | F, frequency | number of orders | many |
# | M, monetary | money spent | much |
#
# Scores come from ranks: the worst fifth of the customers gets 1, the best fifth 5. `F.ntile(n)` over an ordered window cuts the rows into `n` parts, numbered from 1. Four parts of eleven stores, the busiest in part 4:

# %%
quarter = F.ntile(4).over(Window.orderBy("orders", "store_id"))
with_store.select("store_id", "orders", quarter.alias("part")).orderBy("orders", "store_id").show()

# %% [markdown]
# Two things to know:
#
# - If the rows do not divide evenly, the **first** parts get one more: 3, 3, 3 and 2 stores here.
# - `ntile` counts rows and does not look at values. Stores 8 and 11 have 21 orders each, but one is in part 1, the other in part 2. With a complete order (here by `store_id`) at least the result is the same at
#   every run. If you cannot accept that, set fixed borders instead ("5 orders or more is a 4"), which must then be looked after as the shop grows.
#
# Recency needs a *today*. Never take the clock of the machine: the report of March must give the same numbers in June. Give the day as a parameter, and
# forget what happened later. `F.lit(text).cast("date")` makes a date of the text; `F.date_diff(later, earlier)` counts the days between two dates.
#
# ### Exercise 2.4.3: RFM
#
# Take the `sales` up to and including the day `today` (a text such as `"2025-06-30"`), without guests. Return for each customer:
#
# - `recency`: days from the day of the last of these sales to `today` (0 for today), `INT`
# - `frequency`: how many different orders these lines belong to, `BIGINT`
# - `monetary`: the value of these lines, `DECIMAL(12,2)`
# - `r`, `f`, `m`: the scores, `INT` from 1 to 5, made with `ntile`. Order from worst to best; where the fact is equal, the smaller `customer_id` comes first (so
#   its score is not the higher one)
# - `segment`: `"champion"` if r and f are 4 or more; `"at risk"` if r is 2 or less and f is 4 or more; `"new"` if r is 4 or more and f is 2 or less; else `"other"`


# %% answer="2.4.3" title="RFM"
def rfm(orders: DataFrame, order_items: DataFrame, today: str) -> DataFrame:
    """(customer_id BIGINT, recency INT, frequency BIGINT, monetary DECIMAL(12,2), r INT, f INT, m INT, segment STRING)."""
    ### BEGIN SOLUTION
    end = F.lit(today).cast("date")
    lines = sales(orders, order_items)
    facts = (
        lines.filter("customer_id IS NOT NULL")
        .filter(F.col("day") <= end)
        .groupBy("customer_id")
        .agg(
            F.date_diff(end, F.max("day")).alias("recency"),
            F.count_distinct("order_id").alias("frequency"),
            F.sum("value").cast("decimal(12,2)").alias("monetary"),
        )
    )
    scored = facts.withColumns(
        {
            "r": F.ntile(5).over(Window.orderBy(F.desc("recency"), "customer_id")),
            "f": F.ntile(5).over(Window.orderBy("frequency", "customer_id")),
            "m": F.ntile(5).over(Window.orderBy("monetary", "customer_id")),
        }
    )
    segment = (
        F.when((F.col("r") >= 4) & (F.col("f") >= 4), "champion")
        .when((F.col("r") <= 2) & (F.col("f") >= 4), "at risk")
        .when((F.col("r") >= 4) & (F.col("f") <= 2), "new")
        .otherwise("other")
    )
    return scored.withColumn("segment", segment)
    ### END SOLUTION


# %% check="2.4.3" points=2
### BEGIN HIDDEN TESTS
visits = [
    (1, 14, "2025-06-30 23:59:59"),
    (2, 14, "2025-07-01 00:00:00"),
    (3, 12, "2025-06-30 00:00:00"),
    (4, 13, "2025-06-30 08:00:00"),
    (5, 11, "2025-06-29 23:00:00"),
    (6, 11, "2025-03-01 10:00:00"),
    (7, 15, "2025-05-01 10:00:00"),
    (8, 16, "2025-05-01 12:00:00"),
    (9, 17, "2025-05-01 09:00:00"),
    (10, 18, "2025-07-02 09:00:00"),
    (11, None, "2025-06-02 09:00:00"),
]
variant(
    "2.4.3",
    "seven customers",
    "seven customers with ties in every fact, and orders on the last day and after it",
    orders=variants.rows(*[order(*visit) for visit in visits]),
    order_items=variants.rows(
        *[
            item(number, line, 7, 2 if number == 7 else 1, "10.00")
            for number, _, _ in visits
            for line in (1, 2)
        ]
    ),
    today="2025-06-30",
)
variant(
    "2.4.3",
    "half a year ago",
    "another shop, as it was half a year ago",
    seed=824_003,
    today="2025-06-30",
)
### END HIDDEN TESTS
check("2.4.3", rfm, key=["customer_id"], arguments={"today": "2026-01-01"})

# %% [markdown] equivalent="2.4.3" because="Every customer in the result has a last day, so recency is never NULL."
# - nulls first: F.desc('recency') → F.desc_nulls_first('recency')

# %% [markdown] equivalent="2.4.3" because="today is the text of a day: Spark compares and subtracts the text, or its midnight, like the day itself."
# - cast type: F.lit(today).cast('date') → F.lit(today).cast('timestamp')
# - drop call: .cast('date')

# %% [markdown] hints="2.4.3"
# 1. Two steps: one row per customer with the three facts, then the scores over these rows.
# 2. A line is not an order: an order with three lines is one order.
# 3. For which of the three facts is a *small* number good? That window must be ordered the other way, so that the worst still comes first.
# 4. The chain of `when` is read from top to bottom; combine two conditions with `&`, each in parentheses.


# %% wrong="2.4.3" because="after it"
def rfm(orders, order_items, today):
    end = F.lit(today).cast("date")
    facts = (
        sales(orders, order_items)
        .filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(
            F.date_diff(end, F.max("day")).alias("recency"),
            F.count_distinct("order_id").alias("frequency"),
            F.sum("value").cast("decimal(12,2)").alias("monetary"),
        )
    )
    scored = facts.withColumns(
        {
            "r": F.ntile(5).over(Window.orderBy(F.desc("recency"), "customer_id")),
            "f": F.ntile(5).over(Window.orderBy("frequency", "customer_id")),
            "m": F.ntile(5).over(Window.orderBy("monetary", "customer_id")),
        }
    )
    segment = F.expr(
        "CASE WHEN r >= 4 AND f >= 4 THEN 'champion' WHEN r <= 2 AND f >= 4 THEN 'at risk' "
        "WHEN r >= 4 AND f <= 2 THEN 'new' ELSE 'other' END"
    )
    return scored.withColumn("segment", segment)


# %% wrong="2.4.3" because="`r` is wrong in"
def rfm(orders, order_items, today):
    end = F.lit(today).cast("date")
    facts = (
        sales(orders, order_items)
        .filter("customer_id IS NOT NULL")
        .filter(F.col("day") <= end)
        .groupBy("customer_id")
        .agg(
            F.date_diff(end, F.max("day")).alias("recency"),
            F.count_distinct("order_id").alias("frequency"),
            F.sum("value").cast("decimal(12,2)").alias("monetary"),
        )
    )
    scored = facts.withColumns(
        {
            "r": F.ntile(5).over(Window.orderBy("recency", "customer_id")),
            "f": F.ntile(5).over(Window.orderBy("frequency", "customer_id")),
            "m": F.ntile(5).over(Window.orderBy("monetary", "customer_id")),
        }
    )
    segment = F.expr(
        "CASE WHEN r >= 4 AND f >= 4 THEN 'champion' WHEN r <= 2 AND f >= 4 THEN 'at risk' "
        "WHEN r >= 4 AND f <= 2 THEN 'new' ELSE 'other' END"
    )
    return scored.withColumn("segment", segment)


# %% wrong="2.4.3" because="`frequency` is wrong in"
def rfm(orders, order_items, today):
    end = F.lit(today).cast("date")
    facts = (
        sales(orders, order_items)
        .filter("customer_id IS NOT NULL")
        .filter(F.col("day") <= end)
        .groupBy("customer_id")
        .agg(
            F.date_diff(end, F.max("day")).alias("recency"),
            F.count("order_id").alias("frequency"),
            F.sum("value").cast("decimal(12,2)").alias("monetary"),
        )
    )
    scored = facts.withColumns(
        {
            "r": F.ntile(5).over(Window.orderBy(F.desc("recency"), "customer_id")),
            "f": F.ntile(5).over(Window.orderBy("frequency", "customer_id")),
            "m": F.ntile(5).over(Window.orderBy("monetary", "customer_id")),
        }
    )
    segment = F.expr(
        "CASE WHEN r >= 4 AND f >= 4 THEN 'champion' WHEN r <= 2 AND f >= 4 THEN 'at risk' "
        "WHEN r >= 4 AND f <= 2 THEN 'new' ELSE 'other' END"
    )
    return scored.withColumn("segment", segment)


# %% wrong="2.4.3" because="on hidden data"
def rfm(orders, order_items, today):
    end = F.lit(today).cast("date")
    facts = (
        sales(real_orders(orders).filter(F.col("order_ts") <= end), order_items)
        .filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(
            F.date_diff(end, F.max("day")).alias("recency"),
            F.count_distinct("order_id").alias("frequency"),
            F.sum("value").cast("decimal(12,2)").alias("monetary"),
        )
    )
    scored = facts.withColumns(
        {
            "r": F.ntile(5).over(Window.orderBy(F.desc("recency"), "customer_id")),
            "f": F.ntile(5).over(Window.orderBy("frequency", "customer_id")),
            "m": F.ntile(5).over(Window.orderBy("monetary", "customer_id")),
        }
    )
    segment = F.expr(
        "CASE WHEN r >= 4 AND f >= 4 THEN 'champion' WHEN r <= 2 AND f >= 4 THEN 'at risk' "
        "WHEN r >= 4 AND f <= 2 THEN 'new' ELSE 'other' END"
    )
    return scored.withColumn("segment", segment)


# %% wrong="2.4.3" because="`f` is wrong in"
def rfm(orders, order_items, today):
    end = F.lit(today).cast("date")
    facts = (
        sales(orders, order_items)
        .filter("customer_id IS NOT NULL")
        .filter(F.col("day") <= end)
        .groupBy("customer_id")
        .agg(
            F.date_diff(end, F.max("day")).alias("recency"),
            F.count_distinct("order_id").alias("frequency"),
            F.sum("value").cast("decimal(12,2)").alias("monetary"),
        )
    )

    def fifth(*worst_first):
        rank = F.percent_rank().over(Window.orderBy(*worst_first))
        return F.least(F.lit(5), F.floor(rank * 5) + 1).cast("int")

    scored = facts.withColumns(
        {"r": fifth(F.desc("recency")), "f": fifth("frequency"), "m": fifth("monetary")}
    )
    segment = F.expr(
        "CASE WHEN r >= 4 AND f >= 4 THEN 'champion' WHEN r <= 2 AND f >= 4 THEN 'at risk' "
        "WHEN r >= 4 AND f <= 2 THEN 'new' ELSE 'other' END"
    )
    return scored.withColumn("segment", segment)


# %% right="2.4.3"
def rfm(orders, order_items, today):
    sales(orders, order_items).createOrReplaceTempView("sold_lines")
    return orders.sparkSession.sql(
        """
        WITH facts AS (
            SELECT customer_id, datediff(DATE(:today), max(day)) AS recency,
                   count(DISTINCT order_id) AS frequency, CAST(sum(value) AS DECIMAL(12,2)) AS monetary
            FROM sold_lines
            WHERE day < DATE(:today) + INTERVAL 1 DAY AND customer_id > 0
            GROUP BY customer_id
        ),
        scores AS (
            SELECT *, 6 - ntile(5) OVER (ORDER BY recency, customer_id DESC) AS backwards,
                   ntile(5) OVER (ORDER BY recency DESC, customer_id) AS r,
                   ntile(5) OVER (ORDER BY frequency, customer_id) AS f,
                   ntile(5) OVER (ORDER BY monetary, customer_id) AS m
            FROM facts
        )
        SELECT * EXCEPT (backwards),
               CASE WHEN f >= 4 AND r >= 4 THEN 'champion' WHEN f >= 4 AND r < 3 THEN 'at risk'
                    WHEN f < 3 AND r > 3 THEN 'new' ELSE 'other' END AS segment
        FROM scores
        """,
        args={"today": today},
    )


# %% [markdown]
# ## Cohorts: do they come back?
#
# A **cohort** is a group of people who began at the same time. To compare customers of January with customers of June is only fair when both are seen at the same *age*: one month after their beginning, two months after it, and so
# on. So each purchase gets two coordinates: the cohort of its customer, and the number of the month since then. In the first month the number is 0.
#
# A small example, in weeks instead of months. Three readers of a library, and when they borrowed books:

# %%
loans = spark.createDataFrame(
    [
        ("Ada", "2025-01-06"),
        ("Ada", "2025-01-14"),
        ("Ada", "2025-01-16"),
        ("Ben", "2025-01-09"),
        ("Ben", "2025-01-15"),
        ("Cleo", "2025-01-15"),
        ("Cleo", "2025-01-21"),
    ],
    "reader STRING, day STRING",
)
loans.createOrReplaceTempView("loans")
by_week = spark.sql("""
    WITH weeks AS (SELECT reader, trunc(DATE(day), 'WEEK') AS week FROM loans),
    begun AS (SELECT *, min(week) OVER (PARTITION BY reader) AS first_week FROM weeks)
    SELECT first_week, CAST(datediff(week, first_week) / 7 AS INT) AS week_number,
           count(DISTINCT reader) AS readers, array_join(sort_array(collect_set(reader)), ', ') AS who
    FROM begun GROUP BY ALL
""")
by_week.orderBy("first_week", "week_number").show()

# %% [markdown]
# Ada borrowed twice in her week 1 and is counted once. This is the **long form**: one row for each cohort and age.
#
# A week has seven days, but a month has no fixed length, so days must not be divided by 30. Bring both dates to the first of their month and let Spark count months:
#
# | function | gives |
# |---|---|
# | `F.trunc(date, "MM")` | the first day of the month, a `DATE`; of a timestamp, too |
# | `F.months_between(later, earlier)` | the months between two dates as a `DOUBLE`; a whole number when both are the first of a month |
# | `F.add_months(date, n)` | the date `n` months later |
#
# ### Exercise 2.4.4: cohorts of customers
#
# A customer's cohort is the month of the **first** real order. Return in long form how many customers of each cohort placed a real order how many months later:
#
# - `cohort`: the first day of that month, a `DATE`
# - `month_number`: months since the cohort's month, `INT`; 0 for the month itself
# - `customers`: how many different customers of the cohort ordered in that month
#
# Only combinations with at least one customer appear. Guests belong to no cohort.


# %% answer="2.4.4" title="Cohorts of customers"
def cohorts(orders: DataFrame) -> DataFrame:
    """(cohort DATE, month_number INT, customers BIGINT), one row per cohort and month with customers."""
    ### BEGIN SOLUTION
    months = (
        real_orders(orders)
        .filter("customer_id IS NOT NULL")
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
    )
    cohort = F.min("month").over(Window.partitionBy("customer_id"))
    return (
        months.withColumn("cohort", cohort)
        .withColumn("month_number", F.months_between("month", "cohort").cast("int"))
        .groupBy("cohort", "month_number")
        .agg(F.count_distinct("customer_id").alias("customers"))
    )
    ### END SOLUTION


# %% check="2.4.4" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.4.4",
    "long memory",
    "customers who come back after many years, a first order that was cancelled, orders at the end and the beginning of a month, guests",
    orders=variants.rows(
        order(1, 1, "2025-03-01 00:00:00"),
        order(2, 1, "2010-02-28 23:59:59"),
        order(3, 1, "2010-03-31 12:00:00"),
        order(4, 2, "2010-01-31 12:00:00", "cancelled"),
        order(5, 2, "2010-03-01 00:00:00"),
        order(6, 2, "2010-03-31 23:59:59"),
        order(7, 2, "2024-12-31 23:59:59"),
        order(8, None, "2010-02-01 09:00:00"),
        order(9, None, "2010-05-01 09:00:00"),
        order(10, 3, "2010-02-03 09:00:00", "returned"),
        order(11, 3, "2025-03-03 09:00:00", "pending"),
        order(12, 4, "2010-03-03 09:00:00", "cancelled"),
    ),
)
variant("2.4.4", "other rows", "the orders of another shop", seed=824_004)
### END HIDDEN TESTS
check("2.4.4", cohorts, key=["cohort", "month_number"])

# %% [markdown] hints="2.4.4"
# 1. Give every order its month, and every order the first month of its customer. Only then group.
# 2. The first month of a customer, written beside each of the orders, is an aggregate over a window with one partition per customer.
# 3. In a month a customer may order several times: which count ignores repetitions?


# %% wrong="2.4.4" because="`customers` is wrong in"
def cohorts(orders):
    months = (
        real_orders(orders)
        .filter("customer_id IS NOT NULL")
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
    )
    cohort = F.min("month").over(Window.partitionBy("customer_id"))
    return (
        months.withColumn("cohort", cohort)
        .withColumn("month_number", F.months_between("month", "cohort").cast("int"))
        .groupBy("cohort", "month_number")
        .agg(F.count("*").alias("customers"))
    )


# %% wrong="2.4.4" because="after many years"
def cohorts(orders):
    months = (
        real_orders(orders)
        .filter("customer_id IS NOT NULL")
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
    )
    cohort = F.min("month").over(Window.partitionBy("customer_id"))
    return (
        months.withColumn("cohort", cohort)
        .withColumn("month_number", F.round(F.date_diff("month", "cohort") / 30).cast("int"))
        .groupBy("cohort", "month_number")
        .agg(F.count_distinct("customer_id").alias("customers"))
    )


# %% wrong="2.4.4" because="missing"
def cohorts(orders):
    real = real_orders(orders).filter("customer_id IS NOT NULL")
    first = F.min("order_ts").over(Window.partitionBy("customer_id"))
    return (
        real.withColumn("first", first)
        .select(
            "customer_id",
            F.trunc(F.to_date("first"), "MM").alias("cohort"),
            F.floor(F.months_between("order_ts", "first")).cast("int").alias("month_number"),
        )
        .groupBy("cohort", "month_number")
        .agg(F.count_distinct("customer_id").alias("customers"))
    )


# %% wrong="2.4.4" because="not expected"
def cohorts(orders):
    months = real_orders(orders).select("customer_id", F.trunc("order_ts", "MM").alias("month"))
    cohort = F.min("month").over(Window.partitionBy("customer_id"))
    return (
        months.withColumn("cohort", cohort)
        .withColumn("month_number", F.months_between("month", "cohort").cast("int"))
        .groupBy("cohort", "month_number")
        .agg(F.count_distinct("customer_id").alias("customers"))
    )


# %% wrong="2.4.4" because="cohort"
def cohorts(orders):
    months = orders.filter("customer_id IS NOT NULL").select(
        "customer_id", "status", F.trunc("order_ts", "MM").alias("month")
    )
    cohort = F.min("month").over(Window.partitionBy("customer_id"))
    return (
        months.withColumn("cohort", cohort)
        .filter("status <> 'cancelled'")
        .withColumn("month_number", F.months_between("month", "cohort").cast("int"))
        .groupBy("cohort", "month_number")
        .agg(F.count_distinct("customer_id").alias("customers"))
    )


# %% right="2.4.4"
def cohorts(orders):
    return orders.sparkSession.sql("""
        WITH bought AS (
            SELECT DISTINCT customer_id, 12 * year(order_ts) + month(order_ts) AS number,
                   DATE(date_trunc('MONTH', order_ts)) AS month
            FROM orders WHERE status <> 'cancelled' AND customer_id IS NOT NULL
        ),
        firsts AS (SELECT customer_id, min(number) AS first_number, min(month) AS cohort FROM bought GROUP BY customer_id)
        SELECT cohort, CAST(number - first_number AS INT) AS month_number, count(*) AS customers
        FROM bought JOIN firsts USING (customer_id)
        GROUP BY ALL
    """)


# %% [markdown]
# ## The retention matrix
#
# For reading, the long form is turned: one row per cohort, one column per age, and shares instead of counts. That is `pivot`:

# %%
by_week.groupBy("first_week").pivot("week_number", [0, 1, 2]).agg(F.first("readers")).orderBy(
    "first_week"
).show()

# %% [markdown]
# Two NULLs, and they mean different things. The data of the library end with the week of 20 January. For the cohort of 6 January that is week 2: the week is over, nobody came, so the number is **0**. The cohort of 13 January has its
# week 2 from 27 January on: the number is **not known yet**. After a pivot both look the same, and often both are filled with 0. Then the youngest cohorts look as if they were running away, each month anew. So ask for each cell: is
# that month over? Up to the last complete month, no customers means 0; after it, NULL.
#
# The second decision is the denominator. By the month of the first *order*, everybody is there in month 0, so it is always 100 %. By the month of **signing up**, those who never buy count too, and that is
# often the more honest number.
#
# ### Exercise 2.4.5: a retention matrix
#
# The data are complete up to the end of the month that begins on `last_month` (a text, such as `"2025-12-01"`). Return one row per month in which customers signed up, but not later than `last_month`:
#
# - `cohort`: the first day of the month of `signup_date`
# - `size`: how many customers signed up in it
# - `m0`, `m1`, `m2`, `m3`: the share (`DOUBLE`, 0 to 1) of **these** customers who placed at least one real order in that month, 1, 2 and 3 months later. 0.0 where nobody did; NULL where that month is later than `last_month`, also if `orders` already holds some of it
#
# No customer orders before signing up.


# %% answer="2.4.5" title="A retention matrix"
def retention(customers: DataFrame, orders: DataFrame, last_month: str) -> DataFrame:
    """(cohort DATE, size BIGINT, m0 DOUBLE or NULL, m1 DOUBLE or NULL, m2 DOUBLE or NULL, m3 DOUBLE or NULL), one row per month of signing up."""
    ### BEGIN SOLUTION
    end = F.lit(last_month).cast("date")
    signed_up = customers.select(
        "customer_id", F.trunc("signup_date", "MM").alias("cohort")
    ).filter(F.col("cohort") <= end)
    bought = (
        real_orders(orders)
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
        .distinct()
    )
    size = F.count_distinct("customer_id")

    def share(number: int):
        month = F.add_months("cohort", number)
        return F.when(month <= end, F.count_if(F.col("month") == month) / size)

    return (
        signed_up.join(bought, "customer_id", "left")
        .groupBy("cohort")
        .agg(size.alias("size"), *[share(number).alias(f"m{number}") for number in range(4)])
    )
    ### END SOLUTION


# %% check="2.4.5" points=3
### BEGIN HIDDEN TESTS
variant(
    "2.4.5",
    "nobody came",
    "months in which nobody ordered, customers who ordered twice in a month or only much later",
    customers=variants.together(
        variants.only("customer_id <= 6"),
        variants.replaced(
            signup_date=F.expr(
                "CASE WHEN customer_id <= 3 THEN DATE'2024-10-31' WHEN customer_id <= 5 THEN DATE'2024-12-01' "
                "ELSE DATE'2025-02-28' END"
            )
        ),
    ),
    orders=variants.rows(
        order(1, 1, "2024-10-31 23:00:00"),
        order(2, 1, "2024-12-01 00:00:00"),
        order(3, 1, "2024-12-31 23:59:59"),
        order(4, 2, "2024-11-30 23:59:59", "cancelled"),
        order(5, 2, "2025-02-01 00:00:00"),
        order(6, 2, "2025-10-05 00:00:00"),
        order(7, 4, "2025-03-01 00:00:00"),
        order(8, None, "2024-12-05 00:00:00"),
        order(9, 999, "2024-12-05 00:00:00"),
        order(10, 6, "2025-03-02 00:00:00"),
    ),
    last_month="2025-02-01",
)
variant(
    "2.4.5",
    "an earlier report",
    "another shop, of which the report is made in the middle",
    seed=824_005,
    last_month="2025-03-01",
)
### END HIDDEN TESTS
check("2.4.5", retention, key=["cohort"], arguments={"last_month": "2025-12-01"})

# %% [markdown] equivalent="2.4.5" because="The counted months are compared with a month that is never NULL, and count_if takes NULL for false."
# - null-safe equality: F.col('month') == month → F.col('month').eqNullSafe(month)

# %% [markdown] equivalent="2.4.5" because="last_month is the text of a day: compared with a date, the text and its midnight are that day."
# - cast type: F.lit(last_month).cast('date') → F.lit(last_month).cast('timestamp')
# - drop call: .cast('date')

# %% [markdown] hints="2.4.5"
# 1. Begin with the customers, not with the orders: `size` counts those who never bought, too.
# 2. Join the months in which a customer bought, each month once. With a left join, customers without any stay.
# 3. Four columns of the same form: a conditional count divided by the size. Or pivot the long form, and then join the sizes. In both cases 0 and NULL remain to be decided.
# 4. The month of column `m2` is the cohort's month plus two months. Compare it with `last_month` as dates; a `when` without `otherwise` gives NULL.


# %% wrong="2.4.5" because="is wrong in"
def retention(customers, orders, last_month):
    end = F.lit(last_month).cast("date")
    signed_up = customers.select(
        "customer_id", F.trunc("signup_date", "MM").alias("cohort")
    ).filter(F.col("cohort") <= end)
    bought = (
        real_orders(orders)
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
        .distinct()
    )
    size = F.count_distinct("customer_id")
    columns = [
        (F.count_if(F.col("month") == F.add_months("cohort", number)) / size).alias(f"m{number}")
        for number in range(4)
    ]
    return (
        signed_up.join(bought, "customer_id", "left")
        .groupBy("cohort")
        .agg(size.alias("size"), *columns)
    )


# %% wrong="2.4.5" because="`size` is wrong in"
def retention(customers, orders, last_month):
    end = F.lit(last_month).cast("date")
    signed_up = customers.select(
        "customer_id", F.trunc("signup_date", "MM").alias("cohort")
    ).filter(F.col("cohort") <= end)
    bought = (
        real_orders(orders)
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
        .distinct()
    )
    size = F.count_distinct("customer_id")
    columns = []
    for number in range(4):
        month = F.add_months("cohort", number)
        value = F.when(month <= end, F.count_if(F.col("month") == month) / size)
        columns.append(value.alias(f"m{number}"))
    return signed_up.join(bought, "customer_id").groupBy("cohort").agg(size.alias("size"), *columns)


# %% wrong="2.4.5" because="made in the middle"
def retention(customers, orders, last_month):
    end = F.lit(last_month).cast("date")
    signed_up = customers.select("customer_id", F.trunc("signup_date", "MM").alias("cohort"))
    bought = (
        real_orders(orders)
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
        .distinct()
    )
    size = F.count_distinct("customer_id")
    columns = []
    for number in range(4):
        month = F.add_months("cohort", number)
        value = F.when(month <= end, F.count_if(F.col("month") == month) / size)
        columns.append(value.alias(f"m{number}"))
    return (
        signed_up.join(bought, "customer_id", "left")
        .groupBy("cohort")
        .agg(size.alias("size"), *columns)
    )


# %% wrong="2.4.5" because="is wrong in"
def retention(customers, orders, last_month):
    end = F.lit(last_month).cast("date")
    signed_up = customers.select(
        "customer_id", F.trunc("signup_date", "MM").alias("cohort")
    ).filter(F.col("cohort") <= end)
    bought = real_orders(orders).select("customer_id", F.trunc("order_ts", "MM").alias("month"))
    size = F.count_distinct("customer_id")
    columns = []
    for number in range(4):
        month = F.add_months("cohort", number)
        value = F.when(month <= end, F.count_if(F.col("month") == month) / size)
        columns.append(value.alias(f"m{number}"))
    return (
        signed_up.join(bought, "customer_id", "left")
        .groupBy("cohort")
        .agg(size.alias("size"), *columns)
    )


# %% wrong="2.4.5" because="nobody ordered"
def retention(customers, orders, last_month):
    end = F.lit(last_month).cast("date")
    signed_up = customers.select(
        "customer_id", F.trunc("signup_date", "MM").alias("cohort")
    ).filter(F.col("cohort") <= end)
    bought = (
        real_orders(orders)
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
        .filter(F.col("month") <= end)
        .distinct()
    )
    sizes = signed_up.groupBy("cohort").agg(F.count("*").alias("size"))
    counts = (
        signed_up.join(bought, "customer_id")
        .withColumn("number", F.months_between("month", "cohort").cast("int"))
        .groupBy("cohort")
        .pivot("number", [0, 1, 2, 3])
        .agg(F.count("customer_id"))
    )
    columns = []
    for number in range(4):
        count = F.coalesce(F.col(str(number)), F.lit(0))
        value = F.when(F.add_months("cohort", number) <= end, count / F.col("size"))
        columns.append(value.alias(f"m{number}"))
    return sizes.join(counts, "cohort").select("cohort", "size", *columns)


# %% right="2.4.5"
def retention(customers, orders, last_month):
    end = F.lit(last_month).cast("date")
    signed_up = customers.select(
        "customer_id", F.trunc("signup_date", "MM").alias("cohort")
    ).filter(F.col("cohort") <= end)
    bought = (
        real_orders(orders)
        .select("customer_id", F.trunc("order_ts", "MM").alias("month"))
        .distinct()
    )
    sizes = signed_up.groupBy("cohort").agg(F.count("*").alias("size"))
    counts = (
        signed_up.join(bought, "customer_id")
        .withColumn("number", F.months_between("month", "cohort").cast("int"))
        .groupBy("cohort")
        .pivot("number", [0, 1, 2, 3])
        .agg(F.count("customer_id"))
        .na.fill(0)
    )
    columns = []
    for number in range(4):
        count = F.coalesce(F.col(str(number)), F.lit(0))
        value = F.when(F.add_months("cohort", number) <= end, count / F.col("size"))
        columns.append(value.alias(f"m{number}"))
    return sizes.join(counts, "cohort", "left").select("cohort", "size", *columns)


# %% [markdown]
# ## How products do
#
# A product can be popular and bring nothing, or sell rarely at a fine margin. The usual numbers:
#
# | number | definition |
# |---|---|
# | units, revenue | pieces sold, and their value |
# | margin | (revenue − cost of the pieces) / revenue: the share of the revenue that stays |
# | return rate | pieces that came back / pieces sold |
# | turnover | pieces sold / pieces in stock: how often the shelf was emptied, here over the whole time of the data |
# | popularity | the rank by pieces sold |
#
# Three of these are quotients, and quotients have two problems. **The denominator may be 0.** A product that was never sold has no return rate; 0 would be a lie, and `/` raises an error. `F.try_divide(a, b)` gives NULL.
#
# **A quotient of two `DECIMAL`s is a `DECIMAL`**, and a `DECIMAL` has 38 digits at most. After some sums and products Spark reserves so many of them before the point that only six are left behind it: the quotient is rounded. Sums of
# money should stay `DECIMAL`, since cents must add up. A ratio is no money: make both sides `DOUBLE` *before* dividing. If packing costs 1.20 EUR a parcel, which share of its freight has each carrier left?

# %%
packing = F.lit("1.20").cast("decimal(10,2)")
left_over = F.col("freight") - F.col("parcels") * packing
(
    shipments.groupBy("carrier")
    .agg(F.sum("freight").alias("freight"), F.count("*").alias("parcels"))
    .select(
        "carrier",
        (left_over / F.col("freight")).alias("divided as DECIMAL"),
        (left_over.cast("double") / F.col("freight").cast("double")).alias("divided as DOUBLE"),
    )
    .orderBy("carrier")
    .show(truncate=False)
)

# %% [markdown]
# The numbers of the shelf are in the table `product_features`, one row per product. Only `stock` is needed here, the pieces on hand:

# %%
product_features.select("product_id", "stock", "reorder_level").orderBy("product_id").show(2)

# %% [markdown]
# And a reminder about ranks, from 2.2: with `rank`, rows that tie share a place and the next place is left out (1, 2, 2, 4); `dense_rank` leaves no place out (1, 2, 2, 3); `row_number` decides somehow.
#
# ### Exercise 2.4.6: the product report
#
# Return one row for **every** product of `products`:
#
# - `units`: pieces in all lines of `sales`, 0 if none; `revenue`: their value, `DECIMAL(12,2)`, 0.00 if none
# - `margin`: (revenue − units × `cost`) / revenue, a `DOUBLE`: numerator and denominator made `DOUBLE` before dividing; NULL where the cost is not known or the revenue is 0
# - `return_rate`: pieces returned / units, `DOUBLE`; NULL where nothing was sold. Count the `quantity` of the rows of `returns` that name the `order_id` and `line` of a line in `sales`; other rows of `returns` are errors and do not
#   count. A line may come back in several parts. What came back is counted for the product of the line, whatever product the return names
# - `turnover`: units / `stock` (from `product_features`, which has every product once), `DOUBLE`; NULL where nothing is in stock
# - `popularity`: the rank by units, 1 for the most; products with equal units share a rank, and the following ranks are left out


# %% answer="2.4.6" title="The product report"
def product_report(
    products: DataFrame,
    product_features: DataFrame,
    orders: DataFrame,
    order_items: DataFrame,
    returns: DataFrame,
) -> DataFrame:
    """(product_id BIGINT, units BIGINT, revenue DECIMAL(12,2), margin DOUBLE or NULL, return_rate DOUBLE or NULL, turnover DOUBLE or NULL, popularity INT)."""
    ### BEGIN SOLUTION
    came_back = returns.groupBy("order_id", "line").agg(F.sum("quantity").alias("returned"))
    lines = sales(orders, order_items)
    sold = (
        lines.join(came_back, ["order_id", "line"], "left")
        .groupBy("product_id")
        .agg(
            F.sum("quantity").alias("units"),
            F.sum("value").cast("decimal(12,2)").alias("revenue"),
            F.sum("returned").alias("returned"),
        )
    )
    profit = F.col("revenue") - F.col("units") * F.col("cost")
    return (
        products.join(product_features, "product_id")
        .join(sold, "product_id", "left")
        .na.fill(0, ["units", "revenue", "returned"])
        .select(
            "product_id",
            "units",
            "revenue",
            F.try_divide(profit.cast("double"), F.col("revenue").cast("double")).alias("margin"),
            F.try_divide("returned", "units").alias("return_rate"),
            F.try_divide("units", "stock").alias("turnover"),
            F.rank().over(Window.orderBy(F.desc("units"))).alias("popularity"),
        )
    )
    ### END SOLUTION


# %% check="2.4.6" points=3
### BEGIN HIDDEN TESTS
variant(
    "2.4.6",
    "eight products",
    "eight products: a product on two lines of an order, a line that comes back in two parts, returns of a cancelled order, "
    "a return that names another product, empty shelves, "
    "gifts, unknown cost, ties",
    products=variants.together(
        variants.only("product_id <= 8"),
        variants.replaced(
            cost=F.expr(
                "CASE WHEN product_id <> 3 THEN CAST(product_id + 0.5 AS DECIMAL(10,2)) END"
            )
        ),
    ),
    product_features=variants.together(
        variants.only("product_id <= 8"),
        variants.replaced(stock=F.expr("CASE WHEN product_id IN (2, 8) THEN 0 ELSE 7 END")),
    ),
    orders=variants.rows(
        order(1, 1, "2025-01-05"),
        order(2, 2, "2025-01-06", "cancelled"),
        order(3, 3, "2025-01-07", "returned"),
    ),
    order_items=variants.rows(
        item(1, 1, 1, 3, "10.00"),
        item(1, 2, 1, 1, "9.00", 0.1),
        item(1, 3, 2, 4, "5.00"),
        item(1, 4, 3, 5, "20.00"),
        item(2, 1, 1, 10, "10.00"),
        item(3, 1, 4, 1, "30.00"),
        item(3, 2, 5, 2, "10.00", 1.0),
        item(3, 3, 4, 1, "30.00"),
        item(3, 4, 77, 1, "30.00"),
    ),
    returns=variants.rows(
        came_back(1, 1, 1, 1, "10.00"),
        came_back(1, 1, 1, 1, "10.00"),
        came_back(2, 1, 1, 10, "100.00"),
        came_back(3, 1, 4, 1, "30.00"),
        came_back(3, 2, 4, 1, "0.00"),
        came_back(3, 9, 4, 1, "30.00"),
        came_back(99, 1, 2, 4, "20.00"),
    ),
)
### END HIDDEN TESTS
check("2.4.6", product_report, key=["product_id"])

# %% [markdown] equivalent="2.4.6" because="units has been filled with 0 and is never NULL."
# - nulls first: F.desc('units') → F.desc_nulls_first('units')

# %% [markdown] equivalent="2.4.6" because="Every product is in both tables once, as the text says."
# - join type: inner → left in .join(product_features, 'product_id')
# - join type: inner → right in .join(product_features, 'product_id')
# - join type: inner → full in .join(product_features, 'product_id')

# %% [markdown] equivalent="2.4.6" because="A return without a sale gets no product from the full join, and the last join leaves it out."
# - join type: left → full in .join(came_back, ['order_id', 'line'], 'left')

# %% [markdown] equivalent="2.4.6" because="Where one side is DOUBLE, Spark makes the other one DOUBLE before it divides."
# - drop call: .cast('double')
# - drop call: .cast('double') (2)

# %% [markdown] hints="2.4.6"
# 1. Bring `returns` to one row per order and line, and join them to the lines of `sales`. Then one row per product. Then everything to `products`.
# 2. Which of the columns must be 0 instead of NULL before you divide? `na.fill` with a list of columns leaves the others alone.
# 3. `F.try_divide` gives NULL when the denominator is 0, and NULL when either side is NULL. It takes names or columns.
# 4. Cost times units must be subtracted from the revenue before the cast to `DOUBLE`, or both cast before: that makes no difference. Casting the finished quotient does.


# %% wrong="2.4.6" because="`return_rate` is wrong in"
def product_report(products, product_features, orders, order_items, returns):
    came_back = returns.groupBy("product_id").agg(F.sum("quantity").alias("returned"))
    sold = (
        sales(orders, order_items)
        .groupBy("product_id")
        .agg(
            F.sum("quantity").alias("units"),
            F.sum("value").cast("decimal(12,2)").alias("revenue"),
        )
    )
    profit = F.col("revenue") - F.col("units") * F.col("cost")
    return (
        products.join(product_features, "product_id")
        .join(sold, "product_id", "left")
        .join(came_back, "product_id", "left")
        .na.fill(0, ["units", "revenue", "returned"])
        .select(
            "product_id",
            "units",
            "revenue",
            F.try_divide(profit.cast("double"), F.col("revenue").cast("double")).alias("margin"),
            F.try_divide("returned", "units").alias("return_rate"),
            F.try_divide("units", "stock").alias("turnover"),
            F.rank().over(Window.orderBy(F.desc("units"))).alias("popularity"),
        )
    )


# %% wrong="2.4.6" because="`margin` is wrong in"
def product_report(products, product_features, orders, order_items, returns):
    came_back = returns.groupBy("order_id", "line").agg(F.sum("quantity").alias("returned"))
    sold = (
        sales(orders, order_items)
        .join(came_back, ["order_id", "line"], "left")
        .groupBy("product_id")
        .agg(
            F.sum("quantity").alias("units"),
            F.sum("value").cast("decimal(12,2)").alias("revenue"),
            F.sum("returned").alias("returned"),
        )
    )
    profit = F.col("revenue") - F.col("units") * F.col("cost")
    return (
        products.join(product_features, "product_id")
        .join(sold, "product_id", "left")
        .na.fill(0, ["units", "revenue", "returned"])
        .select(
            "product_id",
            "units",
            "revenue",
            F.try_divide(profit, F.col("revenue")).cast("double").alias("margin"),
            F.try_divide("returned", "units").alias("return_rate"),
            F.try_divide("units", "stock").alias("turnover"),
            F.rank().over(Window.orderBy(F.desc("units"))).alias("popularity"),
        )
    )


# %% wrong="2.4.6" because="`popularity` is wrong in"
def product_report(products, product_features, orders, order_items, returns):
    came_back = returns.groupBy("order_id", "line").agg(F.sum("quantity").alias("returned"))
    sold = (
        sales(orders, order_items)
        .join(came_back, ["order_id", "line"], "left")
        .groupBy("product_id")
        .agg(
            F.sum("quantity").alias("units"),
            F.sum("value").cast("decimal(12,2)").alias("revenue"),
            F.sum("returned").alias("returned"),
        )
    )
    profit = F.col("revenue") - F.col("units") * F.col("cost")
    return (
        products.join(product_features, "product_id")
        .join(sold, "product_id", "left")
        .na.fill(0, ["units", "revenue", "returned"])
        .select(
            "product_id",
            "units",
            "revenue",
            F.try_divide(profit.cast("double"), F.col("revenue").cast("double")).alias("margin"),
            F.try_divide("returned", "units").alias("return_rate"),
            F.try_divide("units", "stock").alias("turnover"),
            F.dense_rank().over(Window.orderBy(F.desc("units"))).alias("popularity"),
        )
    )


# %% wrong="2.4.6" because="two parts"
def product_report(products, product_features, orders, order_items, returns):
    back = returns.select("order_id", "line", F.col("quantity").alias("returned"))
    sold = (
        sales(orders, order_items)
        .join(back, ["order_id", "line"], "left")
        .groupBy("product_id")
        .agg(
            F.sum("quantity").alias("units"),
            F.sum("value").cast("decimal(12,2)").alias("revenue"),
            F.sum("returned").alias("returned"),
        )
    )
    profit = F.col("revenue") - F.col("units") * F.col("cost")
    return (
        products.join(product_features, "product_id")
        .join(sold, "product_id", "left")
        .na.fill(0, ["units", "revenue", "returned"])
        .select(
            "product_id",
            "units",
            "revenue",
            F.try_divide(profit.cast("double"), F.col("revenue").cast("double")).alias("margin"),
            F.try_divide("returned", "units").alias("return_rate"),
            F.try_divide("units", "stock").alias("turnover"),
            F.rank().over(Window.orderBy(F.desc("units"))).alias("popularity"),
        )
    )


# %% wrong="2.4.6" because="names another product"
def product_report(products, product_features, orders, order_items, returns):
    whole_key = ["order_id", "line", "product_id"]
    came_back = returns.groupBy(*whole_key).agg(F.sum("quantity").alias("returned"))
    sold = (
        sales(orders, order_items)
        .join(came_back, whole_key, "left")
        .groupBy("product_id")
        .agg(
            F.sum("quantity").alias("units"),
            F.sum("value").cast("decimal(12,2)").alias("revenue"),
            F.sum("returned").alias("returned"),
        )
    )
    profit = F.col("revenue") - F.col("units") * F.col("cost")
    return (
        products.join(product_features, "product_id")
        .join(sold, "product_id", "left")
        .na.fill(0, ["units", "revenue", "returned"])
        .select(
            "product_id",
            "units",
            "revenue",
            F.try_divide(profit.cast("double"), F.col("revenue").cast("double")).alias("margin"),
            F.try_divide("returned", "units").alias("return_rate"),
            F.try_divide("units", "stock").alias("turnover"),
            F.rank().over(Window.orderBy(F.desc("units"))).alias("popularity"),
        )
    )


# %% wrong="2.4.6" because="DIVIDE_BY_ZERO"
def product_report(products, product_features, orders, order_items, returns):
    came_back = returns.groupBy("order_id", "line").agg(F.sum("quantity").alias("returned"))
    sold = (
        sales(orders, order_items)
        .join(came_back, ["order_id", "line"], "left")
        .groupBy("product_id")
        .agg(
            F.sum("quantity").alias("units"),
            F.sum("value").cast("decimal(12,2)").alias("revenue"),
            F.sum("returned").alias("returned"),
        )
    )
    revenue = F.col("revenue").cast("double")
    return (
        products.join(product_features, "product_id")
        .join(sold, "product_id", "left")
        .na.fill(0, ["units", "revenue", "returned"])
        .select(
            "product_id",
            "units",
            "revenue",
            ((revenue - F.col("units") * F.col("cost").cast("double")) / revenue).alias("margin"),
            (F.col("returned") / F.col("units")).alias("return_rate"),
            (F.col("units") / F.col("stock")).alias("turnover"),
            F.rank().over(Window.orderBy(F.desc("units"))).alias("popularity"),
        )
    )


# %% right="2.4.6"
def product_report(products, product_features, orders, order_items, returns):
    sales(orders, order_items).createOrReplaceTempView("sold_lines")
    return products.sparkSession.sql("""
        WITH sold AS (
            SELECT product_id, sum(quantity) AS units, sum(value) AS revenue FROM sold_lines GROUP BY product_id
        ),
        back AS (
            SELECT s.product_id, sum(r.quantity) AS returned
            FROM returns AS r JOIN sold_lines AS s ON r.order_id = s.order_id AND r.line = s.line
            GROUP BY s.product_id
        ),
        facts AS (
            SELECT product_id, cost, stock, coalesce(units, 0) AS units, coalesce(returned, 0) AS returned,
                   CAST(coalesce(revenue, 0) AS DECIMAL(12,2)) AS revenue
            FROM products JOIN product_features USING (product_id)
            LEFT JOIN sold USING (product_id) LEFT JOIN back USING (product_id)
        )
        SELECT product_id, units, revenue,
               1 - units * DOUBLE(cost) / nullif(DOUBLE(revenue), 0) AS margin,
               returned / nullif(units, 0) AS return_rate,
               units / nullif(stock, 0) AS turnover,
               rank() OVER (ORDER BY units DESC) AS popularity
        FROM facts
    """)


# %% [markdown]
# ## Trends
#
# Sales go up and down from day to day. Three tools make a trend visible.
#
# **A calendar.** A day without sales has no row, and an average over rows does not know that it is missing. So make the days first, and join the numbers to them. `sequence` gives all days between two dates as an array, `explode` makes
# rows of it. The parcels that left the warehouses in the autumn:

# %%
autumn = spark.sql("SELECT explode(sequence(DATE'2025-09-01', DATE'2025-11-30')) AS day")
parcels = shipments.groupBy(F.to_date("shipped_ts").alias("day")).agg(F.count("*").alias("parcels"))
daily = autumn.join(parcels, "day", "left").na.fill(0)
daily.agg(
    F.count("*").alias("days"),
    F.count_if(F.col("parcels") == 0).alias("days without a parcel"),
    F.round(F.avg("parcels"), 3).alias("average"),
    F.round(F.avg(F.when(F.col("parcels") > 0, F.col("parcels"))), 3).alias(
        "average of days with rows"
    ),
).show()

# %% [markdown]
# **A moving average.** The mean of the last seven days contains each weekday once, so the rhythm of the week disappears. The frame `rowsBetween(-6, 0)` counts *rows*; since the calendar has each day once, seven rows are seven days. At the
# beginning the window is not full yet: its mean is one of fewer days, which jumps about, as at the left end of the line below. In a report, better show nothing
# there; how many rows a window holds can be counted over the same window.
#
# **A picture.** Everybody reads a chart faster than a table, if it says what it shows: a title, both axes with their units, and a legend for more than one line. With `plotly` a chart in the notebook is interactive: point at a line to read
# the values, drag to zoom, click in the legend to hide a line. Spark makes the data small first; a chart gets some hundred points, never the rows of a table. (`show("plotly_mimetype")` leaves the drawing to JupyterLab. Elsewhere
# `figure.show()` finds out what works, and `figure.write_html("parcels.html")` makes a page to send.)

# %%
import plotly.graph_objects as go

two_weeks = Window.orderBy("day").rowsBetween(-13, 0)
smooth = daily.select(
    "day",
    "parcels",
    F.avg("parcels").over(two_weeks).alias("mean"),
)
points = smooth.orderBy("day").collect()
days = [point.day.isoformat() for point in points]
figure = go.Figure(
    [
        go.Bar(x=days, y=[point.parcels for point in points], name="each day"),
        go.Scatter(
            x=days,
            y=[round(point["mean"], 3) for point in points],
            name="mean of 14 days",
            line={"color": "#c44e52", "width": 3},
        ),
    ]
)
figure.update_layout(
    title="Parcels sent in the autumn of 2025",
    xaxis_title="day of dispatch (UTC)",
    yaxis_title="parcels per day (count)",
    template="none",
    height=360,
)
figure.show("plotly_mimetype")

# %% [markdown]
# ### Exercise 2.4.7: daily revenue, smoothed
#
# Return one row for **every day** from `first_day` to `last_day` (texts such as `"2025-11-01"`, both included):
#
# - `day`: a `DATE`
# - `revenue`: the value of all lines of `sales` of that day, `DECIMAL(12,2)`; 0.00 on days without sales
# - `average_7d`: the mean revenue of this day and the six days before, as `avg` gives it for such a column: `DECIMAL(16,6)`. NULL on the first six days, where seven days are not there


# %% answer="2.4.7" title="Daily revenue, smoothed"
def daily_revenue(
    spark: SparkSession, orders: DataFrame, order_items: DataFrame, first_day: str, last_day: str
) -> DataFrame:
    """(day DATE, revenue DECIMAL(12,2), average_7d DECIMAL(16,6) or NULL), one row per day of the calendar."""
    ### BEGIN SOLUTION
    first, last = F.lit(first_day).cast("date"), F.lit(last_day).cast("date")
    calendar = spark.range(1).select(F.explode(F.sequence(first, last)).alias("day"))
    lines = sales(orders, order_items)
    revenues = lines.groupBy("day").agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
    week = Window.orderBy("day").rowsBetween(-6, Window.currentRow)
    full = F.count("*").over(week) == 7
    return (
        calendar.join(revenues, "day", "left")
        .na.fill(0)
        .withColumn("average_7d", F.when(full, F.avg("revenue").over(week)))
    )
    ### END SOLUTION


# %% check="2.4.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.4.7",
    "quiet weeks",
    "the first weeks of the shop, with many days without sales",
    first_day="2024-01-01",
    last_day="2024-02-29",
)
variant(
    "2.4.7",
    "short",
    "a shop that is closed, and a period of eight days",
    orders=variants.empty,
    first_day="2025-03-01",
    last_day="2025-03-08",
)
### END HIDDEN TESTS
check(
    "2.4.7",
    daily_revenue,
    key=["day"],
    arguments={"first_day": "2025-10-06", "last_day": "2025-11-02"},
)

# %% [markdown] equivalent="2.4.7" because="A count is never NULL, and a sequence of days is never empty."
# - null-safe equality: F.count('*').over(week) == 7 → F.count('*').over(week).eqNullSafe(7)
# - explode: F.explode(F.sequence(first, last)) → F.explode_outer(F.sequence(first, last))

# %% [markdown] equivalent="2.4.7" because="The other end of the sequence is a DATE, so Spark reads the text as one."
# - drop call: .cast('date')
# - drop call: .cast('date') (2)

# %% [markdown] equivalent="2.4.7" because="A sequence from the last day to the first has the same days in the opposite order."
# - swap arguments: F.sequence(first, last) → F.sequence(last, first)

# %% [markdown] hints="2.4.7"
# 1. Calendar, revenue per day, left join, 0 for NULL, then the window: in this order.
# 2. The two texts become dates with `cast("date")`; a table with one row, `spark.range(1)`, is a place to select an exploded sequence from. SQL with parameter markers does it too.
# 3. How many rows does the window have on the third day? `when` without `otherwise` gives NULL where they are too few.


# %% wrong="2.4.7" because="days without sales"
def daily_revenue(spark, orders, order_items, first_day, last_day):
    revenues = (
        sales(orders, order_items)
        .filter(F.col("day").between(first_day, last_day))
        .groupBy("day")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
    )
    week = Window.orderBy("day").rowsBetween(-6, 0)
    full = F.count("*").over(week) == 7
    return revenues.withColumn("average_7d", F.when(full, F.avg("revenue").over(week)))


# %% wrong="2.4.7" because="`average_7d` is wrong in"
def daily_revenue(spark, orders, order_items, first_day, last_day):
    first, last = F.lit(first_day).cast("date"), F.lit(last_day).cast("date")
    calendar = spark.range(1).select(F.explode(F.sequence(first, last)).alias("day"))
    revenues = (
        sales(orders, order_items)
        .groupBy("day")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
    )
    week = Window.orderBy("day").rowsBetween(-6, 0)
    return (
        calendar.join(revenues, "day", "left")
        .na.fill(0)
        .withColumn("average_7d", F.avg("revenue").over(week))
    )


# %% wrong="2.4.7" because="`average_7d` is wrong in"
def daily_revenue(spark, orders, order_items, first_day, last_day):
    revenues = (
        sales(orders, order_items)
        .groupBy("day")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
    )
    calendar = spark.sql("SELECT explode(sequence(DATE'2024-01-01', DATE'2026-01-01')) AS day")
    week = Window.orderBy("day").rowsBetween(-6, 0)
    full = F.count("*").over(week) == 7
    return (
        calendar.join(revenues, "day", "left")
        .na.fill(0)
        .withColumn("average_7d", F.when(full, F.avg("revenue").over(week)))
        .filter(F.col("day").between(first_day, last_day))
    )


# %% wrong="2.4.7" because="days without sales"
def daily_revenue(spark, orders, order_items, first_day, last_day):
    first, last = F.lit(first_day).cast("date"), F.lit(last_day).cast("date")
    calendar = spark.range(1).select(F.explode(F.sequence(first, last)).alias("day"))
    revenues = (
        sales(orders, order_items)
        .groupBy("day")
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
    )
    week = Window.orderBy("day").rowsBetween(-6, 0)
    full = F.count("*").over(week) == 7
    return (
        calendar.join(revenues, "day", "left")
        .withColumn("average_7d", F.when(full, F.avg("revenue").over(week)))
        .na.fill(0, ["revenue"])
    )


# %% right="2.4.7"
def daily_revenue(spark, orders, order_items, first_day, last_day):
    sales(orders, order_items).createOrReplaceTempView("sold_lines")
    return spark.sql(
        """
        WITH calendar AS (SELECT explode(sequence(DATE(:first), DATE(:last))) AS day),
        revenues AS (
            SELECT c.day, CAST(coalesce(sum(s.value), 0) AS DECIMAL(12,2)) AS revenue
            FROM calendar AS c LEFT JOIN sold_lines AS s ON s.day = c.day
            GROUP BY c.day
        )
        SELECT day, revenue,
               CASE WHEN day >= DATE(:first) + INTERVAL 6 DAYS
                    THEN avg(revenue) OVER (ORDER BY day RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW)
               END AS average_7d
        FROM revenues
        """,
        args={"first": first_day, "last": last_day},
    )


# %% [markdown]
# ## Seasons and growth
#
# Was December good, or is December always good? **Seasonality** is a pattern that returns: every week, every year. It is measured by a **factor**: the value of the day (or month) divided by the average. 1.2 means 20 % more than usual. Parcels
# by day of the week:

# %%
weekly = daily.groupBy(F.date_format("day", "E").alias("weekday"), F.weekday("day").alias("number"))
usual = daily.agg(F.avg("parcels")).first()[0]
weekly.agg(F.round(F.avg("parcels") / usual, 2).alias("factor")).orderBy("number").drop(
    "number"
).show()

# %% [markdown]
# The calendar has done its work here too: the average of the Mondays includes those without a parcel.
#
# If the shop grows, later months are higher than earlier ones, season or not. So compare a month with the average month **of its own year**: that takes most of the growth out.
#
# The **growth**, in turn, is best seen when the season is taken out: compare a month with the same month one year before. It is tempting to write `lag("revenue", 12)`. But `lag` goes up twelve *rows*; if one month is missing, it is
# compared with the wrong one, and nobody notices. Look up the month by its date: join the table with itself, moved by twelve months.
#
# ### Exercise 2.4.8: season and growth
#
# Return one row for each month that has lines in `sales`:
#
# - `month`: its first day, a `DATE`
# - `revenue`: the value of its lines, `DECIMAL(12,2)`
# - `season`: the revenue divided by the average revenue of those months of the same calendar year that are in the result, a `DOUBLE`: make the revenue `DOUBLE` first, then average and divide
# - `growth`: revenue / revenue of the same month one year before, minus 1, a `DOUBLE` made in the same way; 0.25 stands for 25 % more. NULL where that month is not in the result
#
# You may rely on every month in the result having a revenue above 0.


# %% answer="2.4.8" title="Season and growth"
def season_and_growth(orders: DataFrame, order_items: DataFrame) -> DataFrame:
    """(month DATE, revenue DECIMAL(12,2), season DOUBLE, growth DOUBLE or NULL), one row per month with sales."""
    ### BEGIN SOLUTION
    lines = sales(orders, order_items)
    monthly = (
        lines.groupBy(F.trunc("day", "MM").alias("month"))
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .withColumn("amount", F.col("revenue").cast("double"))
    )
    year_before = monthly.select(
        F.add_months("month", 12).alias("month"), F.col("amount").alias("amount_before")
    )
    usual = F.avg("amount").over(Window.partitionBy(F.year("month")))
    return monthly.join(year_before, "month", "left").select(
        "month",
        "revenue",
        (F.col("amount") / usual).alias("season"),
        (F.col("amount") / F.col("amount_before") - 1).alias("growth"),
    )
    ### END SOLUTION


# %% check="2.4.8" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.4.8",
    "closed",
    "a shop that was closed in May 2024 and in August 2025",
    orders=variants.only("date_format(order_ts, 'yyyy-MM') NOT IN ('2024-05', '2025-08')"),
)
variant(
    "2.4.8",
    "a year away",
    "a shop that was closed for the whole of 2024",
    orders=variants.replaced(
        order_ts=F.expr("if(year(order_ts) = 2024, order_ts - INTERVAL 1 YEAR, order_ts)")
    ),
)
### END HIDDEN TESTS
check("2.4.8", season_and_growth, key=["month"])

# %% [markdown] hints="2.4.8"
# 1. First one row per month. Everything else is made of these rows.
# 2. The average month of a year, beside each of its months, is an aggregate over a window: what is its partition?
# 3. For the growth, make a second table with the same revenues whose months lie one year *later* (`F.add_months`), give the revenue another name, and join on the month so that no month is lost.


# %% wrong="2.4.8" because="closed in May 2024"
def season_and_growth(orders, order_items):
    monthly = (
        sales(orders, order_items)
        .groupBy(F.trunc("day", "MM").alias("month"))
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .withColumn("amount", F.col("revenue").cast("double"))
    )
    usual = F.avg("amount").over(Window.partitionBy(F.year("month")))
    before = F.lag("amount", 12).over(Window.orderBy("month"))
    return monthly.select(
        "month",
        "revenue",
        (F.col("amount") / usual).alias("season"),
        (F.col("amount") / before - 1).alias("growth"),
    )


# %% wrong="2.4.8" because="closed in May 2024"
def season_and_growth(orders, order_items):
    monthly = (
        sales(orders, order_items)
        .groupBy(F.trunc("day", "MM").alias("month"))
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .withColumn("amount", F.col("revenue").cast("double"))
    )
    year_before = monthly.select(
        F.add_months("month", 12).alias("month"), F.col("amount").alias("amount_before")
    )
    usual = F.sum("amount").over(Window.partitionBy(F.year("month"))) / 12
    return monthly.join(year_before, "month", "left").select(
        "month",
        "revenue",
        (F.col("amount") / usual).alias("season"),
        (F.col("amount") / F.col("amount_before") - 1).alias("growth"),
    )


# %% wrong="2.4.8" because="`season` is wrong in"
def season_and_growth(orders, order_items):
    monthly = (
        sales(orders, order_items)
        .groupBy(F.trunc("day", "MM").alias("month"))
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .withColumn("amount", F.col("revenue").cast("double"))
    )
    year_before = monthly.select(
        F.add_months("month", 12).alias("month"), F.col("amount").alias("amount_before")
    )
    usual = F.avg("amount").over(Window.partitionBy())
    return monthly.join(year_before, "month", "left").select(
        "month",
        "revenue",
        (F.col("amount") / usual).alias("season"),
        (F.col("amount") / F.col("amount_before") - 1).alias("growth"),
    )


# %% wrong="2.4.8" because="12 rows are missing"
def season_and_growth(orders, order_items):
    monthly = (
        sales(orders, order_items)
        .groupBy(F.trunc("day", "MM").alias("month"))
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .withColumn("amount", F.col("revenue").cast("double"))
    )
    year_before = monthly.select(
        F.add_months("month", 12).alias("month"), F.col("amount").alias("amount_before")
    )
    usual = F.avg("amount").over(Window.partitionBy(F.year("month")))
    return (
        monthly.withColumn("season", F.col("amount") / usual)
        .join(year_before, "month")
        .select(
            "month",
            "revenue",
            "season",
            (F.col("amount") / F.col("amount_before") - 1).alias("growth"),
        )
    )


# %% wrong="2.4.8" because="the whole of 2024"
def season_and_growth(orders, order_items):
    monthly = (
        sales(orders, order_items)
        .groupBy(F.trunc("day", "MM").alias("month"))
        .agg(F.sum("value").cast("decimal(12,2)").alias("revenue"))
        .withColumn("amount", F.col("revenue").cast("double"))
    )
    usual = F.avg("amount").over(Window.partitionBy(F.year("month")))
    before = F.lag("amount").over(Window.partitionBy(F.month("month")).orderBy("month"))
    return monthly.select(
        "month",
        "revenue",
        (F.col("amount") / usual).alias("season"),
        (F.col("amount") / before - 1).alias("growth"),
    )


# %% right="2.4.8"
def season_and_growth(orders, order_items):
    sales(orders, order_items).createOrReplaceTempView("sold_lines")
    return orders.sparkSession.sql("""
        WITH monthly AS (
            SELECT trunc(day, 'MM') AS month, CAST(sum(value) AS DECIMAL(12,2)) AS revenue
            FROM sold_lines GROUP BY ALL
        )
        SELECT month, revenue, DOUBLE(revenue) / avg(DOUBLE(revenue)) OVER (PARTITION BY year(month)) AS season,
               DOUBLE(revenue) / DOUBLE(lag(revenue) OVER (PARTITION BY month(month) ORDER BY month)) - 1 AS growth
        FROM monthly
    """).withColumn(
        "growth",
        F.when(
            F.date_diff(
                "month", F.lag("month").over(Window.partitionBy(F.month("month")).orderBy("month"))
            )
            < 370,
            F.col("growth"),
        ),
    )


# %% [markdown]
# ## Bought together
#
# People who buy tea often buy biscuits. Is that more than chance, or does simply everybody buy biscuits? For two things that may happen in an order (or a basket):
#
# | number | definition | says |
# |---|---|---|
# | support | baskets with both / all baskets that are looked at | how often at all |
# | confidence | baskets with both / baskets with the first | how often the second goes with the first |
# | lift | support / (share with the first × share with the second) | how many times as often as by chance; 1 means chance |
#
# Lift is the same in both directions, and it can be written with counts only: *both × all / (first × second)*. The shop's channels and discount codes, as an example (only orders with a code are looked at):

# %%
codes = orders.filter("discount_code IS NOT NULL").select("channel", "discount_code")
everything = codes.count()
per_channel = F.sum("both").over(Window.partitionBy("channel"))
per_code = F.sum("both").over(Window.partitionBy("discount_code"))
(
    codes.groupBy("channel", "discount_code")
    .agg(F.count("*").alias("both"))
    .withColumn("lift", F.round(F.col("both") * everything / (per_channel * per_code), 2))
    .orderBy(F.desc("lift"), "channel", "discount_code")
    .show()
)

# %% [markdown]
# Nothing here is far from 1, and the numbers are small: two orders more or less, and 0.7 is 0.8. The codes are used much alike in all channels.
#
# The food counters keep their baskets as lists: the table `baskets`, with one array `items` for each basket. To count pairs, explode the lists and join the rows **with themselves** on the basket. Every pair then comes
# twice, (tea, biscuits) and (biscuits, tea), and each item meets itself; a comparison of the two names keeps one of each. A basket of *n* items has n (n − 1) / 2 pairs, so such a join grows quickly, and pairs that are rare say
# little anyway: their lift jumps when one basket more is sold. So ask for a minimum number.
#
# ### Exercise 2.4.9: bought together
#
# Return one row for each pair of different items that are together in at least `at_least` baskets of `baskets`:
#
# - `item_a`, `item_b`: the items; `item_a` comes first in the alphabet
# - `together`: how many baskets have both. A list may name an item twice; the basket still counts once
# - `support`: together / **all** baskets, also those with one item or an empty list; a `DOUBLE`
# - `lift`: as defined above, a `DOUBLE`


# %% answer="2.4.9" title="Bought together"
def bought_together(baskets: DataFrame, at_least: int) -> DataFrame:
    """(item_a STRING, item_b STRING, together BIGINT, support DOUBLE, lift DOUBLE), item_a < item_b."""
    ### BEGIN SOLUTION
    number = baskets.count()
    lines = baskets.select("basket_id", F.explode("items").alias("item")).distinct()
    counts = lines.groupBy("item").agg(F.count("*").alias("count"))
    first = lines.withColumnRenamed("item", "item_a")
    second = lines.withColumnRenamed("item", "item_b")
    pairs = (
        first.join(second, "basket_id")
        .filter("item_a < item_b")
        .groupBy("item_a", "item_b")
        .agg(F.count("*").alias("together"))
        .filter(F.col("together") >= at_least)
    )
    return (
        pairs.join(counts.toDF("item_a", "count_a"), "item_a")
        .join(counts.toDF("item_b", "count_b"), "item_b")
        .select(
            "item_a",
            "item_b",
            "together",
            (F.col("together") / number).alias("support"),
            (F.col("together") * number / (F.col("count_a") * F.col("count_b"))).alias("lift"),
        )
    )
    ### END SOLUTION


# %% check="2.4.9" points=2
### BEGIN HIDDEN TESTS
noon = datetime(2025, 6, 1, 12, tzinfo=UTC)
lists = [
    ["tea", "biscuits"],
    ["biscuits", "tea", "tea"],
    ["milk", "tea", "biscuits"],
    ["milk", "milk"],
    [],
    ["bread"],
    ["bread", "milk"],
    ["bread", "jam", "milk", "bread"],
]
variant(
    "2.4.9",
    "eight baskets",
    "eight baskets: one is empty, in some an item is named twice, the lists are not sorted",
    baskets=variants.rows(*[(number, 1, noon, items) for number, items in enumerate(lists, 1)]),
    at_least=2,
)
### END HIDDEN TESTS
check("2.4.9", bought_together, key=["item_a", "item_b"], arguments={"at_least": 60})

# %% [markdown] equivalent="2.4.9" because="A row without an item is in no pair."
# - explode: F.explode('items') → F.explode_outer('items')

# %% [markdown] equivalent="2.4.9" because="Both sides are the same table, so every row finds itself."
# - join type: inner → left in .join(second, 'basket_id')
# - join type: inner → right in .join(second, 'basket_id')
# - join type: inner → full in .join(second, 'basket_id')

# %% [markdown] equivalent="2.4.9" because="Every item of a pair has been counted."
# - join type: inner → left in .join(counts.toDF('item_b', 'count_b'), 'item_b')
# - join type: inner → left in .join(counts.toDF('item_a', 'count_a'), 'item_a')

# %% [markdown] equivalent="2.4.9" because="toDF gives both columns of the counts other names."
# - drop call: .alias('count')
# - text: 'count' → 'count~'

# %% [markdown] equivalent="2.4.9" because="What the outer join adds has no item_b, and the next join drops it."
# - join type: inner → right in .join(counts.toDF('item_a', 'count_a'), 'item_a')
# - join type: inner → full in .join(counts.toDF('item_a', 'count_a'), 'item_a')

# %% [markdown] hints="2.4.9"
# 1. Four things are needed: the number of baskets, baskets per item, baskets per pair, and a join of the three.
# 2. After `explode`, make the rows different from one another, so that an item that is named twice counts once. Empty lists vanish in `explode`: count the baskets before.
# 3. For the join with itself, rename the item on each side first. Texts can be compared with `<`.
# 4. The counts per item are needed twice: once for `item_a`, once for `item_b`.


# %% wrong="2.4.9" because="an item is named twice"
def bought_together(baskets, at_least):
    number = baskets.count()
    lines = baskets.select("basket_id", F.explode("items").alias("item"))
    counts = lines.groupBy("item").agg(F.count("*").alias("count"))
    pairs = (
        lines.withColumnRenamed("item", "item_a")
        .join(lines.withColumnRenamed("item", "item_b"), "basket_id")
        .filter("item_a < item_b")
        .groupBy("item_a", "item_b")
        .agg(F.count("*").alias("together"))
        .filter(F.col("together") >= at_least)
    )
    return (
        pairs.join(counts.toDF("item_a", "count_a"), "item_a")
        .join(counts.toDF("item_b", "count_b"), "item_b")
        .select(
            "item_a",
            "item_b",
            "together",
            (F.col("together") / number).alias("support"),
            (F.col("together") * number / (F.col("count_a") * F.col("count_b"))).alias("lift"),
        )
    )


# %% wrong="2.4.9" because="one is empty"
def bought_together(baskets, at_least):
    lines = baskets.select("basket_id", F.explode("items").alias("item")).distinct()
    number = lines.select("basket_id").distinct().count()
    counts = lines.groupBy("item").agg(F.count("*").alias("count"))
    pairs = (
        lines.withColumnRenamed("item", "item_a")
        .join(lines.withColumnRenamed("item", "item_b"), "basket_id")
        .filter("item_a < item_b")
        .groupBy("item_a", "item_b")
        .agg(F.count("*").alias("together"))
        .filter(F.col("together") >= at_least)
    )
    return (
        pairs.join(counts.toDF("item_a", "count_a"), "item_a")
        .join(counts.toDF("item_b", "count_b"), "item_b")
        .select(
            "item_a",
            "item_b",
            "together",
            (F.col("together") / number).alias("support"),
            (F.col("together") * number / (F.col("count_a") * F.col("count_b"))).alias("lift"),
        )
    )


# %% wrong="2.4.9" because="not expected"
def bought_together(baskets, at_least):
    number = baskets.count()
    lines = baskets.select("basket_id", F.explode("items").alias("item")).distinct()
    counts = lines.groupBy("item").agg(F.count("*").alias("count"))
    pairs = (
        lines.withColumnRenamed("item", "item_a")
        .join(lines.withColumnRenamed("item", "item_b"), "basket_id")
        .filter("item_a <> item_b")
        .groupBy("item_a", "item_b")
        .agg(F.count("*").alias("together"))
        .filter(F.col("together") >= at_least)
    )
    return (
        pairs.join(counts.toDF("item_a", "count_a"), "item_a")
        .join(counts.toDF("item_b", "count_b"), "item_b")
        .select(
            "item_a",
            "item_b",
            "together",
            (F.col("together") / number).alias("support"),
            (F.col("together") * number / (F.col("count_a") * F.col("count_b"))).alias("lift"),
        )
    )


# %% wrong="2.4.9" because="`lift` is wrong in"
def bought_together(baskets, at_least):
    number = baskets.count()
    lines = baskets.select("basket_id", F.explode("items").alias("item")).distinct()
    counts = lines.groupBy("item").agg(F.count("*").alias("count"))
    pairs = (
        lines.withColumnRenamed("item", "item_a")
        .join(lines.withColumnRenamed("item", "item_b"), "basket_id")
        .filter("item_a < item_b")
        .groupBy("item_a", "item_b")
        .agg(F.count("*").alias("together"))
        .filter(F.col("together") >= at_least)
    )
    return pairs.join(counts.toDF("item_a", "count_a"), "item_a").select(
        "item_a",
        "item_b",
        "together",
        (F.col("together") / number).alias("support"),
        (F.col("together") / F.col("count_a")).alias("lift"),
    )


# %% wrong="2.4.9" because="not sorted"
def bought_together(baskets, at_least):
    number = baskets.count()
    baskets.selectExpr("basket_id", "array_distinct(items) AS items").createOrReplaceTempView(
        "sets"
    )
    pairs = baskets.sparkSession.sql("""
        SELECT a AS item_a, items[p] AS item_b, count(*) AS together
        FROM (SELECT items, position, a, explode(sequence(0, size(items) - 1)) AS p
              FROM (SELECT items, posexplode(items) AS (position, a) FROM sets))
        WHERE p > position
        GROUP BY ALL
    """).filter(F.col("together") >= at_least)
    lines = baskets.select("basket_id", F.explode("items").alias("item")).distinct()
    counts = lines.groupBy("item").agg(F.count("*").alias("count"))
    return (
        pairs.join(counts.toDF("item_a", "count_a"), "item_a")
        .join(counts.toDF("item_b", "count_b"), "item_b")
        .select(
            "item_a",
            "item_b",
            "together",
            (F.col("together") / number).alias("support"),
            (F.col("together") * number / (F.col("count_a") * F.col("count_b"))).alias("lift"),
        )
    )


# %% right="2.4.9"
def bought_together(baskets, at_least):
    return baskets.sparkSession.sql(
        """
        WITH lines AS (SELECT basket_id, explode(array_distinct(items)) AS item FROM baskets),
        counts AS (SELECT item, count(*) AS n FROM lines GROUP BY item),
        pairs AS (
            SELECT a.item AS item_a, b.item AS item_b, count(*) AS together
            FROM lines AS a JOIN lines AS b ON a.basket_id = b.basket_id AND b.item > a.item
            GROUP BY ALL HAVING count(*) >= :at_least
        ),
        total AS (SELECT count(*) AS n FROM baskets)
        SELECT item_a, item_b, together, together / t.n AS support,
               (together / t.n) / ((a.n / t.n) * (b.n / t.n)) AS lift
        FROM pairs JOIN counts AS a ON a.item = item_a JOIN counts AS b ON b.item = item_b CROSS JOIN total AS t
        """,
        args={"at_least": at_least},
    )


# %% [markdown]
# ### Question 2.4.10: three slides
#
# On 1 January 2026 the marketing team looks back, and shows three slides:
#
# - **(a)** "Sales in January 2025 were 45 % below those of December 2024, so the January campaign has failed."
# - **(b)** "Of the customers who signed up in the last quarter, nobody came back in month 3, though 22 % of the older cohorts did: we are losing our new customers."
# - **(c)** "Our tier A customers have brought 1,554 EUR each on average. So a new customer may cost us 500 EUR in advertising."
#
# The figures are those of our data, which end with December 2025. Answer in six to nine sentences: what is wrong with each of the three conclusions, and which number would you show instead?

# %% [markdown] written="2.4.10" points=3 title="Three slides"
# ### BEGIN SOLUTION
# (a) December is the best month of each year and January a weak one, so the fall is the season and says nothing about the campaign. I would compare January 2025 with January 2024 (it was 86 % higher), or look at the revenue divided by a
# seasonal factor, and best of all compare customers who saw the campaign with customers who did not. (b) Month 3 of these cohorts lies in January to March 2026, after the data have ended: the number is not 0, it is not known yet. I would
# leave these cells empty and compare cohorts at an age that all of them have reached, such as month 1 of October and November with month 1 of the cohorts before them. (c) Tier A are by definition the best few, chosen afterwards; a new
# customer is anybody, and many never order at all. The number to use is the average over all who sign up, those with 0 included; it must be net of returns and margin instead of revenue, and over a stated time. That is the most
# that a new customer may cost, and one should stay well below it.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: (a) named as seasonality, with a better comparison (same month of the year before, seasonal factor, or a control group)
# - 1 point: (b) the months are not over or not in the data (unknown, not 0); compare cohorts at an age that all of them have reached
# - 1 point: (c) tier A is a selection, new customers are average ones including those who never buy; and at least one of: margin instead of revenue, net of returns, stated period
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | define a sale once, in code | two definitions give two truths |
# | one row per key, then join | two tables of many rows each multiply |
# | name the frame, make the order complete | ties change running totals and `ntile` |
# | give *today* as a parameter | a report must be repeatable |
# | compare cohorts at the same age | 0 is "nobody came", NULL is "not known yet" |
# | `try_divide`, and `DOUBLE` before dividing | denominators may be 0, and a `DECIMAL` quotient is rounded |
# | a calendar before a moving average | rows are not days |
# | the same month of last year, by its date | `lag` counts rows; the season hides growth |
# | lift beside support | what everybody buys is in every pair |
#
# > **On Databricks:** everything works unchanged on serverless and on runtimes based on Spark 4; there, `display(df)` draws charts without code, and `figure.show()` of plotly works in the notebook. Definitions like those in our set-up cell belong in
# > views or metric views of Unity Catalog, so that dashboards and notebooks use the same ones.
