# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2.1 Joins, sets, duplicates
#
# **Time:** 135 minutes (two sittings) · **Data:** retail · **Before this:** 1.1, 1.2 and 1.4
#
# No table of the shop answers a question alone. Who bought it stands in one table, what it cost in another, whether it came back in a third.
# Putting them together is easy to write, and easy to get wrong: rows vanish because they have no partner, sums double because they have two, a
# NULL that should meet a NULL does not. None of this raises an error. The report is simply false. Here you learn to say beforehand how many
# rows a join must give, and to see it when it gives others.
#
# ## You will learn to
#
# - choose between inner, left, full, semi and anti joins by what should happen to rows without a partner
# - recognise a fan-out, and aggregate before you join
# - join by several columns, by columns that may be NULL, and by ranges, and see in the plan what a condition costs
# - make rows for what did *not* happen, with a cross join
# - put tables below each other by the names of their columns
# - compare two tables as sets, and as lists in which a row may stand several times
# - keep one row of several that mean the same, by a rule and not by luck

# %% setup=true
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("2.1").getOrCreate()

customers = spark.read.parquet(sample("customers"))
stores = spark.read.parquet(sample("stores"))
products = spark.read.parquet(sample("products"))
orders = spark.read.parquet(sample("orders"))
order_items = spark.read.parquet(sample("order_items"))
payments = spark.read.parquet(sample("payments"))
shipments = spark.read.parquet(sample("shipments"))
returns = spark.read.parquet(sample("returns"))


def campaign_table(spark: SparkSession, campaigns: list) -> DataFrame:
    """(campaign STRING, channel STRING, first_day DATE, last_day DATE) from rows whose days are texts or None."""
    days_as_text = "campaign STRING, channel STRING, first_day STRING, last_day STRING"
    return spark.createDataFrame(campaigns, days_as_text).selectExpr(
        "campaign",
        "channel",
        "CAST(first_day AS DATE) AS first_day",
        "CAST(last_day AS DATE) AS last_day",
    )


# %%
orders.orderBy("order_id").show(3)
order_items.orderBy("order_id", "line").show(3)

# %% [markdown]
# All times are in UTC, all amounts in euros. One order has several lines in `order_items`, one or two rows in `payments`, parcels in
# `shipments`, and perhaps rows in `returns`. The function `campaign_table` of the set-up cell is for exercise 2.1.5.
#
# ## What happens to rows without a partner?
#
# A join puts a row of the left table and a row of the right table side by side wherever a condition holds for the two. The **type** of the join says what
# becomes of rows for which it holds with nobody:
#
# | type | rows in the result |
# |---|---|
# | `inner` (if you say nothing) | pairs only |
# | `left`, `right` | pairs, and the rows of the left (right) table without a partner, with NULL in the columns of the other table |
# | `full` | pairs, and the rows without a partner of both tables |
# | `left_semi` | each row of the **left** table that has a partner, once; no column of the right table |
# | `left_anti` | each row of the left table that has **no** partner; no column of the right table |
#
# Three articles and three price labels show all of them. One article and one label have no code:

# %%
articles = spark.createDataFrame(
    [(1, "lamp"), (2, "rug"), (None, "chair")], "code INT, article STRING"
)
labels = spark.createDataFrame([(2, 30), (3, 15), (None, 99)], "code INT, price INT")
for how in ("inner", "left", "full", "left_semi", "left_anti"):
    rows = articles.join(labels, "code", how).collect()
    print(f"{how:9}", sorted((tuple(row) for row in rows), key=str))

# %% [markdown]
# The chair did not get the label for 99: **NULL is equal to nothing**, also not to another NULL. So in a left join a row with NULL in its key always
# stays without a partner, and in an inner join it is lost.
#
# There are two ways to say by which columns to join:
#
# - `join(labels, "code", how)`, or a list of names for several columns: they must have the same names on both sides, and stand in the result **once**.
# - `join(labels, articles.code == labels.code, how)`, any condition: both columns stand in the result. Two columns of one name are a trap, since
#   `select("code")` then fails with `AMBIGUOUS_REFERENCE`. Say which one you mean, `articles.code` or `labels.code`, and select what you need.
#
# The second way has a use: where the key of the **right** table is NULL, no partner was found. Some parcels that came back carry a number which is no
# order of ours:

# %%
came_back = returns.join(orders, returns.order_id == orders.order_id, "left")
print(returns.count(), "returns,", came_back.count(), "rows after the left join")
came_back.filter(orders.order_id.isNull()).select(
    "return_id", returns.order_id, "reason", "channel"
).orderBy("return_id").show()

# %% [markdown]
# Ask the key, not another column. `channel` is NULL here too, but a column such as `discount_code` is NULL in many orders that were found.
#
# ### Exercise 2.1.1: who bought it?
#
# Return for **every** order its `order_id`, the `name` of the customer (NULL if there is none), and `buyer`:
#
# - `"guest"` when the order has no `customer_id`
# - `"unknown"` when it has one, but the table `customers` does not have this number
# - `"customer"` when the number is in `customers`, whatever else is known of that customer
#
# `customer_id` occurs once in `customers` and is never NULL there.


# %% answer="2.1.1" title="Who bought it?"
def buyers(orders: DataFrame, customers: DataFrame) -> DataFrame:
    """(order_id BIGINT, name STRING or NULL, buyer STRING), one row per order."""
    ### BEGIN SOLUTION
    buyer = (
        F.when(orders.customer_id.isNull(), "guest")
        .when(customers.customer_id.isNull(), "unknown")
        .otherwise("customer")
    )
    return orders.join(customers, orders.customer_id == customers.customer_id, "left").select(
        "order_id", "name", buyer.alias("buyer")
    )
    ### END SOLUTION


# %% check="2.1.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "2.1.1",
    "nameless",
    "customers of whom hardly anything is known, not even the name",
    customers=variants.nulls("name", "email", "city", "country", every=2),
)
variant(
    "2.1.1",
    "deleted",
    "customers of whom every third was deleted from the table",
    customers=variants.only("customer_id % 3 <> 0"),
)
### END HIDDEN TESTS
check("2.1.1", buyers, key=["order_id"])

# %% [markdown] hints="2.1.1"
# 1. Every order must be in the result, also those of guests: which type of join keeps all rows of the left table?
# 2. Join by a condition, so that both columns `customer_id` are there after the join. Which of the two is NULL for a guest, and which for an unknown number?
# 3. The three cases are a `when` chain. The order's own column comes first, since for a guest the other one is NULL as well.


# %% wrong="2.1.1" because="70 rows are missing"
def buyers(orders, customers):
    return orders.join(customers, "customer_id").select(
        "order_id", "name", F.lit("customer").alias("buyer")
    )


# %% wrong="2.1.1" because="not even the name"
def buyers(orders, customers):
    buyer = (
        F.when(F.col("customer_id").isNull(), "guest")
        .when(F.col("name").isNull(), "unknown")
        .otherwise("customer")
    )
    return orders.join(customers, "customer_id", "left").select(
        "order_id", "name", buyer.alias("buyer")
    )


# %% wrong="2.1.1" because="`buyer` is wrong in 53 of 1,500"
def buyers(orders, customers):
    buyer = F.when(customers.customer_id.isNull(), "unknown").otherwise("customer")
    return orders.join(customers, orders.customer_id == customers.customer_id, "left").select(
        "order_id", "name", buyer.alias("buyer")
    )


# %% wrong="2.1.1" because="rows are not expected"
def buyers(orders, customers):
    buyer = (
        F.when(orders.customer_id.isNull(), "guest")
        .when(customers.customer_id.isNull(), "unknown")
        .otherwise("customer")
    )
    return orders.join(customers, orders.customer_id == customers.customer_id, "full").select(
        "order_id", "name", buyer.alias("buyer")
    )


# %% wrong="2.1.1" because="was deleted from the table"
def buyers(orders, customers):
    last = customers.agg(F.max("customer_id")).first()[0]
    buyer = (
        F.when(orders.customer_id.isNull(), "guest")
        .when(orders.customer_id > last, "unknown")
        .otherwise("customer")
    )
    return orders.join(customers, orders.customer_id == customers.customer_id, "left").select(
        "order_id", "name", buyer.alias("buyer")
    )


# %% right="2.1.1"
def buyers(orders, customers):
    return orders.sparkSession.sql("""
        SELECT o.order_id, c.name,
               CASE WHEN c.customer_id IS NOT NULL THEN 'customer'
                    WHEN o.customer_id IS NOT NULL THEN 'unknown' ELSE 'guest' END AS buyer
        FROM customers AS c RIGHT JOIN orders AS o USING (customer_id)
    """)


# %% right="2.1.1"
def buyers(orders, customers):
    known = customers.select("customer_id", "name", F.lit("customer").alias("found"))
    missing = F.when(F.col("customer_id").isNull(), "guest").otherwise("unknown")
    return orders.join(known, "customer_id", "left").select(
        "order_id", "name", F.coalesce("found", missing).alias("buyer")
    )


# %% [markdown]
# ## Fan-out: one row becomes many
#
# How many rows has a join? For each key, the number of its rows on the left **times** the number of its rows on the right. As long as one side has each
# key once, nothing is multiplied. Order 177 was sent in two parcels, and three of its lines came back:

# %%
(
    shipments.filter("order_id = 177")
    .join(returns, "order_id")
    .select("shipment_id", "freight", "return_id", "refund")
    .orderBy("shipment_id", "return_id")
    .show()
)

# %% [markdown]
# Two times three rows: a parcel has nothing to do with a returned line except the order, so every parcel meets every line. Each row is true, but **sums over these
# rows are not**: the freight counts three times, the refund twice. This is a **fan-out**, the most frequent error in reports, and the figures only look a bit high.
#
# The remedy is to bring each table to **one row per key before** the join. What did order 177 cost in freight and refunds?

# %%
freight = shipments.groupBy("order_id").agg(F.sum("freight").alias("freight"))
refund = returns.groupBy("order_id").agg(F.sum("refund").alias("refund"))
freight.join(refund, "order_id").filter("order_id = 177").show()

# %% [markdown]
# Do not repair a fan-out behind the join with `distinct`, or with `sum_distinct`: two parcels of one order may honestly cost the same, and then one of
# them is lost.
#
# Before each join, ask of both tables: *is the key there more than once?* It takes a line to find out:

# %%
for name, table in {"orders": orders, "shipments": shipments, "returns": returns}.items():
    repeated = table.groupBy("order_id").count().filter("count > 1")
    print(f"{name}: {repeated.count()} values of order_id occur several times")

# %% [markdown]
# One more thing about the left join: an order without parcels gets NULL, not 0. Where "none" means 0, say so: `na.fill(0, ["freight"])` after the join, which keeps
# the type of the column, or `coalesce`, which makes a type that holds both: with `F.lit(0)` the sum of the freight stays a `DECIMAL(20,2)` (a `DECIMAL(10,2)` would become a `DECIMAL(12,2)`), with `F.lit(0.0)` it is a `DOUBLE`.
#
# ### Exercise 2.1.2: bought and paid
#
# Return for **every** order its `order_id`, `pieces` (the sum of `quantity` over its lines) and `paid` (the sum of `amount` over its payments, as `DECIMAL(20,2)`,
# which is what the sum gives by itself). Orders without lines have 0 pieces, orders without payments have paid 0.


# %% answer="2.1.2" title="Bought and paid"
def bought_and_paid(orders: DataFrame, order_items: DataFrame, payments: DataFrame) -> DataFrame:
    """(order_id BIGINT, pieces BIGINT, paid DECIMAL(20,2)), one row per order; never NULL."""
    ### BEGIN SOLUTION
    pieces = order_items.groupBy("order_id").agg(F.sum("quantity").alias("pieces"))
    paid = payments.groupBy("order_id").agg(F.sum("amount").alias("paid"))
    return (
        orders.select("order_id")
        .join(pieces, "order_id", "left")
        .join(paid, "order_id", "left")
        .na.fill(0, ["pieces", "paid"])
    )
    ### END SOLUTION


# %% check="2.1.2" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.1.2",
    "equal parts",
    "orders paid in two parts of the same amount, and lines that are equal but for their number",
    payments=lambda payments: payments.union(
        payments.withColumn("payment_id", F.col("payment_id") + 5)
    ),
    order_items=lambda lines: lines.union(lines.withColumn("line", F.col("line") + 50)),
)
variant(
    "2.1.2",
    "other orders",
    "lines and payments of orders that are not in the table",
    orders=variants.only("order_id % 3 <> 0"),
)
### END HIDDEN TESTS
check("2.1.2", bought_and_paid, key=["order_id"])

# %% [markdown] hints="2.1.2"
# 1. Lines and payments are two tables with several rows per order, and they have nothing to do with each other. What must each of them become before it is joined?
# 2. Two `groupBy("order_id")`, each with its own sum. Then start from `orders` and join both results so that no order is lost.
# 3. Finally turn NULL into 0 in both columns. A fill with 0 keeps `DECIMAL(20,2)`.


# %% wrong="2.1.2" because="multiplied"
def bought_and_paid(orders, order_items, payments):
    return (
        orders.join(order_items, "order_id", "left")
        .join(payments, "order_id", "left")
        .groupBy("order_id")
        .agg(F.sum("quantity").alias("pieces"), F.sum("amount").alias("paid"))
        .na.fill(0)
    )


# %% wrong="2.1.2" because="two parts of the same amount"
def bought_and_paid(orders, order_items, payments):
    pieces = order_items.groupBy("order_id").agg(F.sum("quantity").alias("pieces"))
    return (
        orders.join(pieces, "order_id", "left")
        .join(payments, "order_id", "left")
        .groupBy("order_id", "pieces")
        .agg(F.sum_distinct("amount").alias("paid"))
        .na.fill(0, ["pieces", "paid"])
    )


# %% wrong="2.1.2" because="rows are missing"
def bought_and_paid(orders, order_items, payments):
    pieces = order_items.groupBy("order_id").agg(F.sum("quantity").alias("pieces"))
    paid = payments.groupBy("order_id").agg(F.sum("amount").alias("paid"))
    return orders.select("order_id").join(pieces, "order_id").join(paid, "order_id")


# %% wrong="2.1.2" because="orders that are not in the table"
def bought_and_paid(orders, order_items, payments):
    pieces = order_items.groupBy("order_id").agg(F.sum("quantity").alias("pieces"))
    paid = payments.groupBy("order_id").agg(F.sum("amount").alias("paid"))
    both = orders.select("order_id").join(pieces, "order_id", "full")
    return both.join(paid, "order_id", "full").na.fill(0, ["pieces", "paid"])


# %% wrong="2.1.2" because="null"
def bought_and_paid(orders, order_items, payments):
    pieces = order_items.groupBy("order_id").agg(F.sum("quantity").alias("pieces"))
    paid = payments.groupBy("order_id").agg(F.sum("amount").alias("paid"))
    both = orders.select("order_id").join(pieces, "order_id", "left")
    return both.join(paid, "order_id", "left")


# %% wrong="2.1.2" because="`pieces` is wrong in"
def bought_and_paid(orders, order_items, payments):
    pieces = order_items.groupBy("order_id").agg(F.count("*").alias("pieces"))
    paid = payments.groupBy("order_id").agg(F.sum("amount").alias("paid"))
    both = orders.select("order_id").join(pieces, "order_id", "left")
    return both.join(paid, "order_id", "left").na.fill(0)


# %% right="2.1.2"
def bought_and_paid(orders, order_items, payments):
    return orders.sparkSession.sql("""
        SELECT order_id,
               coalesce((SELECT sum(quantity) FROM order_items AS i WHERE i.order_id = o.order_id), 0) AS pieces,
               coalesce((SELECT sum(amount) FROM payments AS p WHERE p.order_id = o.order_id), 0) AS paid
        FROM orders AS o
    """)


# %% right="2.1.2"
def bought_and_paid(orders, order_items, payments):
    zero = F.lit(0).cast("decimal(10,2)")
    every = orders.select("order_id", F.lit(0).alias("quantity"), zero.alias("amount"))
    both = every.unionByName(
        order_items.select("order_id", "quantity"), allowMissingColumns=True
    ).unionByName(payments.select("order_id", "amount"), allowMissingColumns=True)
    known = both.join(orders, "order_id", "left_semi")
    return known.groupBy("order_id").agg(
        F.sum("quantity").alias("pieces"), F.sum("amount").alias("paid")
    )


# %% [markdown]
# ## Is there one? Semi and anti join
#
# Often you want nothing *from* the other table; you only ask *whether* there is a partner. Which products have ever been sold? An inner join answers
# with a row for each line that was sold, and `distinct` behind it would only clean up what should not have been made. A **semi join** keeps the rows of the left
# table that have a partner, each once; an **anti join** keeps the others:

# %%
print("products:  ", products.count())
print("inner join:", products.join(order_items, "product_id").count())
print("semi join: ", products.join(order_items, "product_id", "left_semi").count())
print("anti join: ", products.join(order_items, "product_id", "left_anti").count())

# %% [markdown]
# Semi and anti join are the `EXISTS` and `NOT EXISTS` of notebook 1.4, written as a join. They have three good qualities: they never multiply rows, they bring no columns that
# could be ambiguous, and NULLs on the right side do no harm (`NOT IN` would find nothing at all). Both can be chained: each is a filter on the left table, and the right
# table of one may itself be the result of another.
#
# ### Exercise 2.1.3: customers who never sent anything back
#
# The shop wants to thank customers who have bought something and never sent anything back. Return `customer_id` and `name` of the customers who have **at least one** order, whatever its
# status, and **no** row in `returns` for any of their orders. What counts is the table `returns`, not the status of the order. Orders of guests and of unknown customers belong to nobody.


# %% answer="2.1.3" title="Customers who never sent anything back"
def contented_customers(customers: DataFrame, orders: DataFrame, returns: DataFrame) -> DataFrame:
    """(customer_id BIGINT, name STRING), one row per customer with orders and without returns."""
    ### BEGIN SOLUTION
    sent_back = orders.join(returns, "order_id", "left_semi")
    return (
        customers.join(orders, "customer_id", "left_semi")
        .join(sent_back, "customer_id", "left_anti")
        .select("customer_id", "name")
    )
    ### END SOLUTION


# %% check="2.1.3" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.1.3",
    "nothing refunded",
    "half of the returns, without a reason, and nothing was paid back for them",
    returns=variants.together(
        variants.only("return_id % 2 = 0"),
        variants.replaced(refund=F.lit(0).cast("decimal(10,2)"), reason=F.lit(None).cast("string")),
    ),
)
variant(
    "2.1.3",
    "other status",
    "orders that came back, and whose status is another one",
    orders=variants.replaced(
        status=F.expr(
            "CASE order_id % 4 WHEN 0 THEN 'completed' WHEN 2 THEN 'cancelled' ELSE status END"
        )
    ),
)
### END HIDDEN TESTS
check("2.1.3", contented_customers, key=["customer_id"])

# %% [markdown] equivalent="2.1.3" because="The anti join only asks whether sent_back has a row for the customer; more of them, and rows without a customer, change nothing."
# - join type: left_semi → inner in .join(returns, 'order_id', 'left_semi')
# - join type: left_semi → right in .join(returns, 'order_id', 'left_semi')

# %% [markdown] hints="2.1.3"
# 1. Two questions about each customer: is there an order (keep), and is there an order that has a return (leave out)?
# 2. `returns` knows orders, not customers. First find the orders that have a return. That is a semi join of its own.
# 3. Then filter `customers` twice: a semi join with all orders, an anti join with the orders that you have just found.


# %% wrong="2.1.3" because="All rows are missing"
def contented_customers(customers, orders, returns):
    return customers.sparkSession.sql("""
        SELECT customer_id, name FROM customers
        WHERE customer_id IN (SELECT o.customer_id FROM orders AS o)
          AND customer_id NOT IN (
              SELECT customer_id FROM orders WHERE order_id IN (SELECT order_id FROM returns))
    """)


# %% wrong="2.1.3" because="53 rows are not expected"
def contented_customers(customers, orders, returns):
    kept = orders.join(returns, "order_id", "left_anti")
    return customers.join(kept, "customer_id", "left_semi").select("customer_id", "name")


# %% wrong="2.1.3" because="rows are missing"
def contented_customers(customers, orders, returns):
    sent_back = orders.filter("status = 'returned'")
    return (
        customers.join(orders, "customer_id", "left_semi")
        .join(sent_back, "customer_id", "left_anti")
        .select("customer_id", "name")
    )


# %% wrong="2.1.3" because="677 rows are copies of others"
def contented_customers(customers, orders, returns):
    sent_back = orders.join(returns, "order_id").select("customer_id")
    return (
        customers.join(orders, "customer_id")
        .join(sent_back, "customer_id", "left_anti")
        .select("customer_id", "name")
    )


# %% wrong="2.1.3" because="nothing was paid back"
def contented_customers(customers, orders, returns):
    refunds = (
        customers.join(orders, "customer_id")
        .join(returns, "order_id", "left")
        .groupBy("customer_id", "name")
        .agg(F.sum("refund").alias("refund"))
    )
    return refunds.filter(F.coalesce("refund", F.lit(0)) == 0).drop("refund")


# %% wrong="2.1.3" because="132 rows are not expected"
def contented_customers(customers, orders, returns):
    sent_back = orders.join(returns, "order_id", "left_semi")
    return customers.join(sent_back, "customer_id", "left_anti").select("customer_id", "name")


# %% wrong="2.1.3" because="whose status is another one"
def contented_customers(customers, orders, returns):
    sent_back = orders.filter("status = 'returned'").join(returns, "order_id", "left_semi")
    return (
        customers.join(orders, "customer_id", "left_semi")
        .join(sent_back, "customer_id", "left_anti")
        .select("customer_id", "name")
    )


# %% wrong="2.1.3" because="whose status is another one"
def contented_customers(customers, orders, returns):
    real = orders.filter("status <> 'cancelled'")
    sent_back = real.join(returns, "order_id", "left_semi")
    return (
        customers.join(orders, "customer_id", "left_semi")
        .join(sent_back, "customer_id", "left_anti")
        .select("customer_id", "name")
    )


# %% right="2.1.3"
def contented_customers(customers, orders, returns):
    return customers.sparkSession.sql("""
        SELECT customer_id, name
        FROM customers AS c
        WHERE EXISTS (SELECT 1 FROM orders AS o WHERE o.customer_id = c.customer_id)
          AND NOT EXISTS (
              SELECT 1 FROM orders AS o JOIN returns AS r ON r.order_id = o.order_id
              WHERE o.customer_id = c.customer_id)
    """)


# %% right="2.1.3"
def contented_customers(customers, orders, returns):
    per_customer = (
        orders.join(returns, "order_id", "left")
        .groupBy("customer_id")
        .agg(F.count("return_id").alias("came_back"))
        .filter("came_back = 0")
    )
    return customers.join(per_customer, "customer_id").select("customer_id", "name")


# %% [markdown]
# ## Keys of several columns, and keys with holes
#
# A key may need several columns. With equal names on both sides a list does it, `join(other, ["warehouse", "carrier"])`; otherwise tie conditions with `&`, each in parentheses. What is
# forgotten in such a list does not raise an error: the join fans out.
#
# It gets harder when NULL **means** something in a key. For some parcels the carrier is not known, and each warehouse has a telephone number for them as well:

# %%
desks = spark.createDataFrame(
    [
        ("North", "Blue Van", "555-101"),
        ("North", None, "555-100"),
        ("South", "Fastline", "555-203"),
        ("South", None, "555-200"),
    ],
    "warehouse STRING, carrier STRING, phone STRING",
)
parcels = shipments.filter("warehouse IN ('North', 'South')")
equal = parcels.join(desks, ["warehouse", "carrier"])
null_safe = parcels.join(
    desks,
    (parcels.warehouse == desks.warehouse) & parcels.carrier.eqNullSafe(desks.carrier),
)
for name, joined in {"=": equal, "<=>": null_safe}.items():
    found = joined.groupBy("phone").agg(F.count("*").alias(f"parcels with {name}"))
    found.orderBy("phone").show()

# %% [markdown]
# `eqNullSafe`, in SQL `<=>`, is the equality in which NULL equals NULL and nothing else; its result is never NULL. So the 22 parcels without a carrier found their desks.
#
# Two substitutes that you will meet, and what is wrong with them:
#
# - `coalesce(carrier, '') = coalesce(other, '')` treats the empty text and NULL as the same. Whatever text you choose, one day it is a real value.
# - `carrier = other OR (carrier IS NULL AND other IS NULL)` is right, and Spark even recognises it, but with three columns nobody can read it any more.
#
# Use `<=>` only where NULL is a value by agreement. For a `customer_id`, NULL means "we do not know", and two unknown customers are not the same person.
#
# ### Exercise 2.1.4: what the agency gets
#
# An agency is paid for orders. The agreement is the list `fees` of rows `[channel, discount_code, fee in cents]`. The discount code `None` stands for orders **without** a code (NULL),
# and for nothing else. Each pair of channel and code is in the list once at most; the channel is always given. Return for **every** order its `order_id` and `fee_cents` (`INT`), NULL when nothing is agreed for its
# channel and code. A code may also be the empty text; that is a code like any other. Upper and lower case count: `vip20` is not `VIP20`.


# %% answer="2.1.4" title="What the agency gets"
def agency_fees(spark: SparkSession, orders: DataFrame, fees: list) -> DataFrame:
    """(order_id BIGINT, fee_cents INT or NULL), one row per order."""
    ### BEGIN SOLUTION
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    same = (orders.channel == agreed.channel) & orders.discount_code.eqNullSafe(
        agreed.discount_code
    )
    return orders.join(agreed, same, "left").select("order_id", "fee_cents")
    ### END SOLUTION


# %% check="2.1.4" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.1.4",
    "empty codes",
    "orders whose discount code is the empty text, looks like none or is in small letters, and a fee for a code that nobody used",
    orders=variants.replaced(
        discount_code=F.expr("""CASE order_id % 6 WHEN 0 THEN '' WHEN 1 THEN lower(discount_code) WHEN 3 THEN
            element_at(array('none', 'NONE', 'None', 'null', 'NULL', '-', 'n/a', 'N/A', '?'), CAST(order_id % 9 + 1 AS INT))
            ELSE discount_code END"""),
    ),
    fees=[
        ["web", None, 20],
        ["app", None, 45],
        ["app", "", 70],
        ["web", "VIP20", 90],
        ["app", "WELCOME10", 175],
        ["store", "VIP20", 15],
        ["store", "XMAS30", 60],
    ],
)
### END HIDDEN TESTS
check(
    "2.1.4",
    agency_fees,
    key=["order_id"],
    arguments={
        "fees": [
            ["web", None, 20],
            ["web", "WELCOME10", 150],
            ["web", "VIP20", 90],
            ["app", None, 45],
            ["app", "WELCOME10", 175],
            ["store", "VIP20", 15],
        ]
    },
)

# %% [markdown] hints="2.1.4"
# 1. `spark.createDataFrame` takes the list and a schema with three columns as text. Every order stays: which type of join?
# 2. The condition has two parts, tied with `&` and in parentheses. In one part NULL must equal NULL, in the other it need not.
# 3. After the join there are two columns `channel` and two columns `discount_code`; you need neither of them in the result.


# %% wrong="2.1.4" because="`fee_cents` is wrong in 907 of 1,500"
def agency_fees(spark, orders, fees):
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    return orders.join(agreed, ["channel", "discount_code"], "left").select("order_id", "fee_cents")


# %% wrong="2.1.4" because="the empty text"
def agency_fees(spark, orders, fees):
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    filled = agreed.fillna("", ["discount_code"])
    return (
        orders.fillna("", ["discount_code"])
        .join(filled, ["channel", "discount_code"], "left")
        .select("order_id", "fee_cents")
    )


# %% wrong="2.1.4" because="`fee_cents` is wrong in"
def agency_fees(spark, orders, fees):
    agreed = {(channel, code): fee for channel, code, fee in fees}
    fee = F.lit(None).cast("int")
    for (channel, code), cents in agreed.items():
        same = F.col("channel") == channel
        if code is not None:
            same = same & (F.col("discount_code") == code)
        fee = F.when(same, cents).otherwise(fee)
    return orders.select("order_id", fee.alias("fee_cents"))


# %% wrong="2.1.4" because="rows are not expected"
def agency_fees(spark, orders, fees):
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    same = (orders.channel == agreed.channel) & (
        (orders.discount_code == agreed.discount_code) | agreed.discount_code.isNull()
    )
    return orders.join(agreed, same, "left").select("order_id", "fee_cents")


# %% wrong="2.1.4" because="rows are missing"
def agency_fees(spark, orders, fees):
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    same = (orders.channel == agreed.channel) & orders.discount_code.eqNullSafe(
        agreed.discount_code
    )
    return orders.join(agreed, same).select("order_id", "fee_cents")


# %% wrong="2.1.4" because="a code that nobody used"
def agency_fees(spark, orders, fees):
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    agreed.createOrReplaceTempView("agreed")
    return spark.sql("""
        SELECT order_id, fee_cents FROM orders AS o
        FULL JOIN agreed AS a ON o.channel = a.channel AND o.discount_code <=> a.discount_code
    """)


# %% wrong="2.1.4" because="looks like none"
def agency_fees(spark, orders, fees):
    columns = "channel STRING, discount_code STRING, fee_cents INT"
    agreed = spark.createDataFrame(fees, columns).fillna("none", ["discount_code"])
    coded = orders.fillna("none", ["discount_code"])
    found = coded.join(agreed, ["channel", "discount_code"], "left")
    return found.select("order_id", "fee_cents")


# %% wrong="2.1.4" because="in small letters"
def agency_fees(spark, orders, fees):
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    same_code = F.upper(orders.discount_code).eqNullSafe(F.upper(agreed.discount_code))
    same = (orders.channel == agreed.channel) & same_code
    return orders.join(agreed, same, "left").select("order_id", "fee_cents")


# %% right="2.1.4"
def agency_fees(spark, orders, fees):
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    agreed.createOrReplaceTempView("agreed")
    return spark.sql("""
        SELECT order_id, fee_cents FROM orders AS o
        LEFT JOIN agreed AS a ON o.channel = a.channel AND o.discount_code <=> a.discount_code
    """)


# %% right="2.1.4"
def agency_fees(spark, orders, fees):
    agreed = spark.createDataFrame(fees, "channel STRING, discount_code STRING, fee_cents INT")
    no_code = agreed.filter("discount_code IS NULL").select("channel", "fee_cents")
    plain = orders.filter("discount_code IS NULL").join(no_code, "channel", "left")
    coded = orders.filter("discount_code IS NOT NULL").join(
        agreed, ["channel", "discount_code"], "left"
    )
    return plain.select("order_id", "fee_cents").union(coded.select("order_id", "fee_cents"))


# %% [markdown]
# ## Ranges: between two borders
#
# The condition of a join need not be an equality. A price belongs to a band, a day to a season. Such a **range join** has two traps.
#
# **The borders.** Bands that follow one another should share a border that belongs to exactly one of them: `low <= price AND price < high`. With `BETWEEN`, which includes both ends, a price of
# exactly 20 would be in two bands, and the product would be there twice. The last band has no upper border, and NULL says so. But a comparison with NULL is never true, so this must be said in the condition:

# %%
bands = spark.createDataFrame(
    [("cheap", 0, 20), ("medium", 20, 60), ("expensive", 60, None)],
    "band STRING, low INT, high INT",
)
in_band = (products.price >= bands.low) & (bands.high.isNull() | (products.price < bands.high))
banded = products.join(bands, in_band)
banded.groupBy("band").agg(
    F.count("*").alias("products"), F.min("price").alias("cheapest")
).orderBy("cheapest").show()

# %% [markdown]
# **Days and moments.** A day such as 29 November, compared with a timestamp, is that day's *midnight*. So a moment at noon of the last day is after it:

# %%
spark.sql("""
    SELECT TIMESTAMP '2025-11-29 12:00:00' <= DATE '2025-11-29' AS moment_with_day,
           to_date(TIMESTAMP '2025-11-29 12:00:00') <= DATE '2025-11-29' AS day_with_day
""").show()

# %% [markdown]
# Compare days with days (`F.to_date(moment)`), or moments with moments (before the midnight that ends the last day: `moment < F.date_add("last_day", 1)`).
#
# Where does a condition belong, in the join or in a filter behind it? For an inner join that is the same. For a **left** join it is not: the condition of the join decides who is a *partner*, and rows
# without one stay. A filter on a column of the right table throws them out again, since there they have NULL.
#
# ### What a condition costs
#
# With an **equality** in the condition, Spark can bring equal keys together, by sorting or with a hash table, as you saw in 0.2. Without any, it must try every pair of rows. The plan says so:

# %%
joins = ("BroadcastHashJoin", "SortMergeJoin", "BroadcastNestedLoopJoin", "CartesianProduct")


def joins_in_plan(frame):
    """The kinds of join in the physical plan of a DataFrame."""
    frame.createOrReplaceTempView("planned")
    text = spark.sql("EXPLAIN SELECT * FROM planned").first()["plan"]
    return [name for name in joins if name in text]


both_keys = parcels.carrier.eqNullSafe(desks.carrier) & (parcels.warehouse == desks.warehouse)
either_key = parcels.carrier.eqNullSafe(desks.carrier) | (parcels.warehouse == desks.warehouse)
print("range only:      ", joins_in_plan(banded))
print("one key or other:", joins_in_plan(parcels.join(desks, either_key, "left")))
print("both keys:       ", joins_in_plan(parcels.join(desks, both_keys, "left")))
print("... right small: ", joins_in_plan(parcels.join(F.broadcast(desks), both_keys, "left")))

# %% [markdown]
# - `BroadcastNestedLoopJoin` and `CartesianProduct` try every pair. An `|` between two equalities leads there as well, since no single key brings the partners together. With a handful of bands that is fine; a million
#   orders and a thousand campaigns are a billion pairs.
# - So give a range join an **equality** as well, where there is one: the same channel, the same product, the same day. Spark then looks up the few candidates by the equality and
#   tests the rest of the condition on these.
# - A table that comes from your Python program has a size that Spark does not know. With `F.broadcast` you say that it is small, and save the shuffle and the sort of `SortMergeJoin`. In a
#   left join only the right side can be broadcast.
#
# ### Exercise 2.1.5: which campaign was running?
#
# `campaigns` is a list of rows `[campaign, channel, first day, last day]`; `campaign_table(spark, campaigns)` makes a DataFrame of it, with `DATE` columns. A campaign runs on one channel, from its first day
# to its last day, **both days included, from midnight to midnight**. `first_day` is never NULL; a `last_day` of NULL means that it has not ended yet. Several campaigns may run at the same time.
#
# Return `order_id` and `campaign`: one row for every order and each campaign that was running on its channel when it was placed (`order_ts`), and one row with NULL for an order that fell into no
# campaign. An order whose `channel` is not known was in no campaign. The join must be a **broadcast hash join**.


# %% answer="2.1.5" title="Which campaign was running?"
def running_campaigns(spark: SparkSession, orders: DataFrame, campaigns: list) -> DataFrame:
    """(order_id BIGINT, campaign STRING or NULL), one row per order and campaign, by a broadcast hash join."""
    ### BEGIN SOLUTION
    running = campaign_table(spark, campaigns)
    placed = F.to_date("order_ts")
    started = placed >= running.first_day
    not_over = running.last_day.isNull() | (placed <= running.last_day)
    same_channel = orders.channel == running.channel
    return orders.join(F.broadcast(running), same_channel & started & not_over, "left").select(
        "order_id", "campaign"
    )
    ### END SOLUTION


# %% check="2.1.5" points=3
### BEGIN HIDDEN TESTS
variant(
    "2.1.5",
    "years later",
    "orders placed many years later, when one campaign is still running",
    orders=variants.replaced(order_ts=F.expr("order_ts + INTERVAL 7305 DAYS")),
)
moments = F.expr("""
    CASE order_id % 4 WHEN 0 THEN TIMESTAMP '2025-03-09 23:59:59' WHEN 1 THEN TIMESTAMP '2025-03-10 00:00:00'
                      WHEN 2 THEN TIMESTAMP '2025-03-10 23:59:59' ELSE TIMESTAMP '2025-03-11 00:00:00' END
""")
variant(
    "2.1.5",
    "midnight",
    "a campaign of a single day, orders exactly at midnight and a second before, and unknown channels",
    orders=variants.together(
        variants.replaced(order_ts=moments), variants.nulls("channel", every=7)
    ),
    campaigns=[
        ["Pancakes", "web", "2025-03-10", "2025-03-10"],
        ["Loyal", "app", "2025-03-11", None],
    ],
)
### END HIDDEN TESTS
check(
    "2.1.5",
    running_campaigns,
    arguments={
        "campaigns": [
            ["Summer sale", "web", "2025-06-15", "2025-07-31"],
            ["Black week", "web", "2025-11-24", "2025-11-29"],
            ["Black week", "app", "2025-11-24", "2025-11-29"],
            ["App bonus", "app", "2025-09-01", None],
            ["Free coffee", "store", "2024-03-01", "2024-03-31"],
        ]
    },
    plan={
        "has": ["BroadcastHashJoin"],
        "lacks": ["SortMergeJoin", "BroadcastNestedLoopJoin", "CartesianProduct"],
    },
)

# %% [markdown] hints="2.1.5"
# 1. Three conditions make a campaign a partner of an order: the channel, the beginning, the end. All three belong in the join, since every order must stay.
# 2. Compare the *day* of the order with the days of the campaign, and remember what a comparison with a `last_day` of NULL gives.
# 3. The equality of the channels is what Spark joins by. Mark the small table with `F.broadcast(...)`; it must be the right one.


# %% wrong="2.1.5" because="rows are missing"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns)
    day = F.to_date("order_ts")
    not_over = running.last_day.isNull() | (day <= running.last_day)
    return (
        orders.join(F.broadcast(running), orders.channel == running.channel, "left")
        .filter((day >= running.first_day) & not_over)
        .select("order_id", "campaign")
    )


# %% wrong="2.1.5" because="`campaign` is wrong"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns)
    in_time = (orders.order_ts >= running.first_day) & (
        running.last_day.isNull() | (orders.order_ts <= running.last_day)
    )
    return orders.join(
        F.broadcast(running), (orders.channel == running.channel) & in_time, "left"
    ).select("order_id", "campaign")


# %% wrong="2.1.5" because="`campaign` is wrong"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns)
    in_time = F.to_date("order_ts").between(running.first_day, running.last_day)
    return orders.join(
        F.broadcast(running), (orders.channel == running.channel) & in_time, "left"
    ).select("order_id", "campaign")


# %% wrong="2.1.5" because="exactly at midnight"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns)
    in_time = (orders.order_ts > running.first_day) & (
        running.last_day.isNull() | (F.to_date("order_ts") <= running.last_day)
    )
    return orders.join(
        F.broadcast(running), (orders.channel == running.channel) & in_time, "left"
    ).select("order_id", "campaign")


# %% wrong="2.1.5" because="many years later"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns)
    end = F.coalesce(running.last_day, F.current_date())
    in_time = F.to_date("order_ts").between(running.first_day, end)
    return orders.join(
        F.broadcast(running), (orders.channel == running.channel) & in_time, "left"
    ).select("order_id", "campaign")


# %% wrong="2.1.5" because="no BroadcastHashJoin"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns)
    day = F.to_date("order_ts")
    in_time = (day >= running.first_day) & (running.last_day.isNull() | (day <= running.last_day))
    return orders.join(running, (orders.channel == running.channel) & in_time, "left").select(
        "order_id", "campaign"
    )


# %% wrong="2.1.5" because="no BroadcastHashJoin"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns)
    day = F.to_date("order_ts")
    end = F.coalesce(running.last_day, F.lit("9999-12-31").cast("date"))
    in_time = F.when(orders.channel == running.channel, day.between(running.first_day, end))
    return orders.join(F.broadcast(running), in_time, "left").select("order_id", "campaign")


# %% wrong="2.1.5" because="rows are missing"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns)
    day = F.to_date("order_ts")
    in_time = (day >= running.first_day) & (running.last_day.isNull() | (day <= running.last_day))
    same = (orders.channel == running.channel) & in_time
    found = orders.join(F.broadcast(running), same, "left").select("order_id", "campaign")
    return found.dropDuplicates(["order_id"])


# %% right="2.1.5"
def running_campaigns(spark, orders, campaigns):
    campaign_table(spark, campaigns).createOrReplaceTempView("running")
    return spark.sql("""
        SELECT /*+ BROADCAST(c) */ order_id, campaign
        FROM orders AS o
        LEFT JOIN running AS c
          ON c.channel = o.channel AND o.order_ts >= c.first_day
         AND (o.order_ts < date_add(c.last_day, 1) OR c.last_day IS NULL)
    """)


# %% right="2.1.5"
def running_campaigns(spark, orders, campaigns):
    running = campaign_table(spark, campaigns).withColumnRenamed("channel", "on_channel")
    placed = orders.select("order_id", "channel", F.to_date("order_ts").alias("day"))
    return placed.join(
        running.hint("broadcast"),
        F.expr("channel = on_channel AND day BETWEEN first_day AND coalesce(last_day, day)"),
        "left",
    ).select("order_id", "campaign")


# %% [markdown]
# ## Every pair: the cross join
#
# A **cross join** has no condition: each row of the left table meets each row of the right one. By accident it is a disaster. On purpose, with small tables, it makes the rows that the
# data do not have. A count per group has no row for a group without members, because nothing is there to be counted. But a report should say 0. So make a **grid** of all combinations first, and join
# the counts to it with a left join. How many parcels of each warehouse and carrier have a weight of 0 (a scale that was broken)?

# %%
warehouses = shipments.select("warehouse").distinct()
carriers = shipments.select("carrier").filter("carrier IS NOT NULL").distinct()
weightless = shipments.filter("weight_kg = 0")
(
    warehouses.crossJoin(carriers)
    .join(weightless, ["warehouse", "carrier"], "left")
    .groupBy("warehouse", "carrier")
    .agg(F.count("shipment_id").alias("parcels"), F.count("*").alias("rows"))
    .orderBy("warehouse", "carrier")
    .show()
)

# %% [markdown]
# Look at `rows`: after a left join, a pair without any such parcel still has *one* row, full of NULLs. `count("*")` counts it; `count` of a column that is never NULL in the right table does not. Or
# count first and join then, and fill the holes with 0.
#
# The sides of a grid should come from where all values are known: a table of stores, a calendar. `spark.range(1, 8)` is a table with the numbers from 1 to 7 in a `BIGINT` column `id`. What you take from the
# data themselves, such as the carriers above, lacks whatever has not occurred.
#
# ### Exercise 2.1.6: no month without a row
#
# Return the number of orders for **every** store of `stores` (each is there once) and **every** month of `year` (`F.month` gives the month of a time): `store_id`, `month` (`INT`, 1 to 12) and `orders` (`BIGINT`), which is 0 where there were none, whatever their status. Orders of other
# years, orders without a store, and orders with a store that is not in `stores` do not count.


# %% answer="2.1.6" title="No month without a row"
def orders_per_month(
    spark: SparkSession, stores: DataFrame, orders: DataFrame, year: int
) -> DataFrame:
    """(store_id INT, month INT, orders BIGINT), twelve rows per store."""
    ### BEGIN SOLUTION
    months = spark.range(1, 13).select(F.col("id").cast("int").alias("month"))
    counted = (
        orders.filter(F.year("order_ts") == year)
        .groupBy("store_id", F.month("order_ts").alias("month"))
        .agg(F.count("*").alias("orders"))
    )
    return (
        stores.select("store_id")
        .crossJoin(months)
        .join(counted, ["store_id", "month"], "left")
        .na.fill(0, ["orders"])
    )
    ### END SOLUTION


# %% check="2.1.6" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.1.6",
    "closed in summer",
    "a year in which nobody ordered anything in July and August",
    orders=variants.only("month(order_ts) NOT IN (7, 8)"),
    year=2024,
)
variant(
    "2.1.6",
    "new stores",
    "stores that have just opened, and orders of stores that are not in the table",
    stores=variants.replaced(store_id=F.col("store_id") + 6),
)
### END HIDDEN TESTS
check("2.1.6", orders_per_month, key=["store_id", "month"], arguments={"year": 2025})

# %% [markdown] equivalent="2.1.6" because="A filter leaves out a row for false as for NULL, and the year is always given."
# - null-safe equality: F.year('order_ts') == year → F.year('order_ts').eqNullSafe(year)

# %% [markdown] hints="2.1.6"
# 1. Two parts: a grid of all stores and the twelve months, and a count of orders per store and month. Then a join by two columns.
# 2. The months do not come from the orders: make them with `spark.range`, and convert them to `INT`.
# 3. `F.year(...)` and `F.month(...)` of the time of the order. Filter the year *before* the join with the grid.
# 4. Where the grid finds no count, the join leaves NULL.


# %% wrong="2.1.6" because="50 rows are missing"
def orders_per_month(spark, stores, orders, year):
    return (
        orders.filter(F.year("order_ts") == year)
        .join(stores, "store_id")
        .groupBy("store_id", F.month("order_ts").alias("month"))
        .agg(F.count(F.lit(1)).alias("orders"))
    )


# %% wrong="2.1.6" because="July and August"
def orders_per_month(spark, stores, orders, year):
    of_year = orders.filter(F.year("order_ts") == year).withColumn("month", F.month("order_ts"))
    grid = stores.select("store_id").crossJoin(of_year.select("month").distinct())
    return (
        grid.join(of_year, ["store_id", "month"], "left")
        .groupBy("store_id", "month")
        .agg(F.count("order_id").alias("orders"))
    )


# %% wrong="2.1.6" because="`orders` is wrong in 50 of 144"
def orders_per_month(spark, stores, orders, year):
    months = spark.range(1, 13).select(F.col("id").cast("int").alias("month"))
    placed = orders.filter(F.year("order_ts") == year).withColumn("month", F.month("order_ts"))
    return (
        stores.crossJoin(months)
        .join(placed, ["store_id", "month"], "left")
        .groupBy("store_id", "month")
        .agg(F.count(F.lit(1)).alias("orders"))
    )


# %% wrong="2.1.6" because="rows are missing"
def orders_per_month(spark, stores, orders, year):
    months = spark.range(1, 13).select(F.col("id").cast("int").alias("month"))
    placed = orders.withColumn("month", F.month("order_ts"))
    return (
        stores.select("store_id")
        .crossJoin(months)
        .join(placed, ["store_id", "month"], "left")
        .filter(F.year("order_ts") == year)
        .groupBy("store_id", "month")
        .agg(F.count("order_id").alias("orders"))
    )


# %% wrong="2.1.6" because="12 rows are missing"
def orders_per_month(spark, stores, orders, year):
    months = spark.range(1, 13).select(F.col("id").cast("int").alias("month"))
    of_year = orders.filter((F.year("order_ts") == year) & F.col("store_id").isNotNull())
    counted = of_year.groupBy("store_id", F.month("order_ts").alias("month")).agg(
        F.count(F.lit(1)).alias("orders")
    )
    grid = of_year.select("store_id").distinct().crossJoin(months)
    return grid.join(counted, ["store_id", "month"], "left").na.fill(0)


# %% wrong="2.1.6" because="`orders` is wrong"
def orders_per_month(spark, stores, orders, year):
    months = spark.range(1, 13).select(F.col("id").cast("int").alias("month"))
    in_year = F.col("order_ts").between(f"{year}-01-01", f"{year}-12-31")
    counted = (
        orders.filter(in_year)
        .groupBy("store_id", F.month("order_ts").alias("month"))
        .agg(F.count(F.lit(1)).alias("orders"))
    )
    grid = stores.select("store_id").crossJoin(months)
    return grid.join(counted, ["store_id", "month"], "left").na.fill(0)


# %% wrong="2.1.6" because="stores that are not in the table"
def orders_per_month(spark, stores, orders, year):
    months = spark.range(1, 13).select(F.col("id").cast("int").alias("month"))
    in_stores = orders.filter((F.year("order_ts") == year) & F.col("store_id").isNotNull())
    counted = in_stores.groupBy("store_id", F.month("order_ts").alias("month")).agg(
        F.count(F.lit(1)).alias("orders")
    )
    grid = stores.select("store_id").crossJoin(months)
    return grid.join(counted, ["store_id", "month"], "full").na.fill(0)


# %% right="2.1.6"
def orders_per_month(spark, stores, orders, year):
    return spark.sql(
        """
        SELECT s.store_id, m.month, count(o.order_id) AS orders
        FROM stores AS s
        CROSS JOIN (SELECT explode(sequence(1, 12)) AS month) AS m
        LEFT JOIN orders AS o
          ON o.store_id = s.store_id AND month(o.order_ts) = m.month AND year(o.order_ts) = :year
        GROUP BY ALL
        """,
        args={"year": year},
    )


# %% [markdown]
# ## Tables below each other
#
# A join makes tables wider; a **union** makes them longer. `union` (in SQL `UNION ALL`) puts the columns together **by position** and ignores their names. As long as the types fit, nothing warns you:

# %%
monday = spark.createDataFrame([("Ada", "Oslo", 3)], "customer STRING, city STRING, pieces INT")
tuesday = spark.createDataFrame([("Rome", "Bo")], "city STRING, customer STRING")
monday.select("customer", "city").union(tuesday).show()
monday.unionByName(tuesday, allowMissingColumns=True).show()

# %% [markdown]
# Someone called Rome lives in Bo. `unionByName` goes by the names; a column that only one table has is an error, unless `allowMissingColumns=True` fills it with NULL. Where a name differs, rename first. Types of one name
# must fit together: an `INT` and a `BIGINT` become a `BIGINT`.
#
# None of these methods removes duplicates. In SQL, `UNION` **without** `ALL` does, and what looks equal may be two different events.
#
# ### Exercise 2.1.7: money in, money out
#
# The accountant wants one ledger. Return one row for each row of `payments` and one for each row of `returns`, with these columns:
#
# | column | of a payment | of a return |
# |---|---|---|
# | `order_id` | `order_id` | `order_id` |
# | `at` (`TIMESTAMP`) | `paid_ts` | `returned_ts` |
# | `amount` (`DECIMAL(10,2)`) | `amount` | `refund`, with a minus: money goes out |
# | `method` | `method` | NULL |
# | `reason` | NULL | `reason` |
#
# Each payment and each return stays a row of its own, also where two of them agree in all five columns.


# %% answer="2.1.7" title="Money in, money out"
def ledger(payments: DataFrame, returns: DataFrame) -> DataFrame:
    """(order_id BIGINT, at TIMESTAMP, amount DECIMAL(10,2) or NULL, method STRING or NULL, reason STRING or NULL), one row per payment and per return."""
    ### BEGIN SOLUTION
    money_in = payments.select("order_id", F.col("paid_ts").alias("at"), "amount", "method")
    money_out = returns.select(
        "order_id", F.col("returned_ts").alias("at"), (-F.col("refund")).alias("amount"), "reason"
    )
    return money_in.unionByName(money_out, allowMissingColumns=True)
    ### END SOLUTION


# %% check="2.1.7" points=1
### BEGIN HIDDEN TESTS
variant(
    "2.1.7",
    "same again",
    "orders that were paid twice, and orders of which two equal lines came back, at the same moment",
    payments=lambda payments: payments.union(
        payments.withColumn("payment_id", F.col("payment_id") + 5)
    ),
    returns=lambda returns: returns.union(
        returns.withColumns({"return_id": F.col("return_id") + 5, "line": F.col("line") + 5})
    ),
)
variant(
    "2.1.7",
    "unknown",
    "payments whose method and returns whose refund is not known",
    payments=variants.nulls("method"),
    returns=variants.nulls("refund", every=4),
)
### END HIDDEN TESTS
check("2.1.7", ledger)

# %% [markdown] hints="2.1.7"
# 1. Bring each table to the names of the ledger with `select` and `alias`, leaving out the column that it does not have.
# 2. Put them together by name, and allow that a column is missing on one side.
# 3. A minus before a column, in parentheses before `.alias(...)`, turns the sign and keeps the type.


# %% wrong="2.1.7" because="`reason` is missing"
def ledger(payments, returns):
    money_in = payments.select("order_id", F.col("paid_ts").alias("at"), "amount", "method")
    money_out = returns.select("order_id", "returned_ts", -F.col("refund"), "reason")
    return money_in.union(money_out)


# %% wrong="2.1.7" because="same moment"
def ledger(payments, returns):
    return payments.sparkSession.sql("""
        SELECT order_id, paid_ts AS at, amount, method, NULL AS reason FROM payments
        UNION
        SELECT order_id, returned_ts, -refund, NULL, reason FROM returns
    """)


# %% wrong="2.1.7" because="amount"
def ledger(payments, returns):
    money_in = payments.withColumnRenamed("paid_ts", "at").drop("payment_id")
    money_out = returns.selectExpr("order_id", "returned_ts AS at", "refund AS amount", "reason")
    return money_in.unionByName(money_out, allowMissingColumns=True)


# %% wrong="2.1.7" because="whose refund is not known"
def ledger(payments, returns):
    money_in = payments.withColumnRenamed("paid_ts", "at").drop("payment_id")
    money_out = returns.selectExpr("order_id", "returned_ts AS at", "-refund AS amount", "reason")
    both = money_in.unionByName(money_out, allowMissingColumns=True)
    return both.na.fill(0, ["amount"])


# %% wrong="2.1.7" because="paid twice"
def ledger(payments, returns):
    money_in = payments.selectExpr("order_id", "paid_ts AS at", "amount", "method").distinct()
    money_out = returns.selectExpr("order_id", "returned_ts AS at", "-refund AS amount", "reason")
    return money_in.unionByName(money_out, allowMissingColumns=True)


# %% right="2.1.7"
def ledger(payments, returns):
    return payments.sparkSession.sql("""
        SELECT order_id, paid_ts AS at, amount, method, NULL AS reason FROM payments
        UNION ALL
        SELECT order_id, returned_ts, -refund, NULL, reason FROM returns
    """)


# %% [markdown]
# ## What is here and not there?
#
# Two tables with the same columns can be compared row by row, as a whole. There are two families of methods, and they differ when a row stands there several times:
#
# | method | in SQL | result |
# |---|---|---|
# | `a.subtract(b)` | `EXCEPT` | rows of `a` that are nowhere in `b`, each **once** |
# | `a.intersect(b)` | `INTERSECT` | rows in both, each once |
# | `a.exceptAll(b)` | `EXCEPT ALL` | each row of `b` takes away **one** equal row of `a`; what is left |
# | `a.intersectAll(b)` | `INTERSECT ALL` | each row as often as it is in both |
#
# `subtract` and `intersect` look at **sets**: in a set, a row is there or it is not. The others look at **multisets**, lists without an order. All four go by position, like `union`, and all four take NULL for equal to NULL. An
# order was packed, and three things were scanned on the way out, one with a label that could not be read:

# %%
packed = spark.createDataFrame([("cup",), ("cup",), ("cup",), ("bowl",), (None,)], "thing STRING")
scanned = spark.createDataFrame([("cup",), ("spoon",), (None,)], "thing STRING")
results = {
    "subtract": packed.subtract(scanned),
    "exceptAll": packed.exceptAll(scanned),
    "intersect": packed.intersect(scanned),
    "the other way round": scanned.exceptAll(packed),
}
for name, frame in results.items():
    print(name, sorted((row.thing for row in frame.collect()), key=str))

# %% [markdown]
# Two cups and the bowl were not scanned, and `subtract` shows the bowl only. So to find out whether two tables are the same, **use `exceptAll`, in both directions**: both results must be empty. That is how you check a copy, an export, or a rewritten
# query against the old one. (With a key, a full join by it tells you more, namely which cell is different.)
#
# ### Exercise 2.1.8: what the bank says
#
# On a day's statement the bank lists the amounts that it collected from cards, and nothing else: no number of an order, no time. `statement` is this list, as texts such as `"12.5"` or `"12.50"`; amounts that occur twice were collected
# twice. Compare it with `payments`: those with the method `card` whose `paid_ts` lies on the day `day` (UTC), a text such as `"2025-04-04"`. Their `amount` is never NULL.
#
# Return one row for each entry that has no counterpart on the other side: `side`, which is `"shop"` for a payment that is not on the statement and `"bank"` for an amount on the statement that is no payment, and
# `amount` as `DECIMAL(10,2)`. If an amount is three times on one side and once on the other, two entries have no counterpart.


# %% answer="2.1.8" title="What the bank says"
def without_counterpart(
    spark: SparkSession, payments: DataFrame, day: str, statement: list
) -> DataFrame:
    """(side STRING, amount DECIMAL(10,2)), one row per entry without a counterpart."""
    ### BEGIN SOLUTION
    on_day = (F.col("method") == "card") & (F.to_date("paid_ts") == F.lit(day).cast("date"))
    shop = payments.filter(on_day).select("amount")
    bank = spark.createDataFrame([(text,) for text in statement], "amount STRING").select(
        F.col("amount").cast("decimal(10,2)")
    )
    only_shop = shop.exceptAll(bank).select(F.lit("shop").alias("side"), "amount")
    only_bank = bank.exceptAll(shop).select(F.lit("bank").alias("side"), "amount")
    return only_shop.unionByName(only_bank)
    ### END SOLUTION


# %% check="2.1.8" points=2
### BEGIN HIDDEN TESTS
from datetime import UTC, datetime
from decimal import Decimal

few_payments = [
    (number, number, method, Decimal(amount), datetime(2025, 3, when, *time, tzinfo=UTC))
    for number, method, amount, when, time in [
        (1, "card", "20.00", 10, (0, 0, 0)),
        (2, "card", "20.00", 10, (12, 0, 0)),
        (3, "card", "20.00", 10, (23, 59, 59, 500_000)),
        (4, "card", "31.00", 9, (23, 59, 59)),
        (5, "card", "32.00", 11, (0, 0, 0)),
        (6, "wallet", "33.00", 10, (9, 0, 0)),
        (7, None, "34.00", 10, (9, 0, 0)),
        (8, "card", "7.50", 10, (9, 0, 0)),
    ]
]
variant(
    "2.1.8",
    "three times",
    "an amount that is three times on one side and once on the other, and payments around midnight",
    payments=variants.rows(*few_payments),
    day="2025-03-10",
    statement=["7.5", "20", "41.10", "41.1", "41.10"],
)
variant("2.1.8", "no statement", "a day on which the bank sent an empty list", statement=[])
### END HIDDEN TESTS
check(
    "2.1.8",
    without_counterpart,
    arguments={
        "day": "2025-04-04",
        "statement": ["65.47", "103.95", "103.95", "86.47", "47.80"],
    },
)

# %% [markdown] equivalent="2.1.8" because="A day is compared with a text or with the midnight that begins it as with the day itself."
# - cast type: F.lit(day).cast('date') → F.lit(day).cast('timestamp')
# - drop call: .cast('date')

# %% [markdown] equivalent="2.1.8" because="Both tables have the same columns in the same order."
# - other relation: .unionByName(only_bank) → union

# %% [markdown] equivalent="2.1.8" because="A filter leaves out a row for false as for NULL, and the day is always given."
# - null-safe equality: F.col('method') == 'card' → F.col('method').eqNullSafe('card')
# - null-safe equality: F.to_date('paid_ts') == F.lit(day).cast('date') → F.to_date('paid_ts').eqNullSafe(F.lit(day).cast('date'))

# %% [markdown] hints="2.1.8"
# 1. Bring both sides to one column `amount` of the same type. A list of texts becomes a DataFrame of one column when each text is packed into a tuple: `[(text,) for text in statement]`.
# 2. The same amount may be there several times, on either side, and each time is an entry of its own. Which of the four methods counts?
# 3. Take away in both directions, add a constant column to each result (`F.lit`), and put both below each other, with a method that drops nothing.


# %% wrong="2.1.8" because="1 row is missing"
def without_counterpart(spark, payments, day, statement):
    shop = payments.filter(f"method = 'card' AND to_date(paid_ts) = '{day}'").select("amount")
    bank = spark.createDataFrame([(text,) for text in statement], "amount STRING").select(
        F.col("amount").cast("decimal(10,2)")
    )
    only_shop = shop.subtract(bank).select(F.lit("shop").alias("side"), "amount")
    return only_shop.union(bank.subtract(shop).select(F.lit("bank").alias("side"), "amount"))


# %% wrong="2.1.8" because="three times on one side"
def without_counterpart(spark, payments, day, statement):
    shop = payments.filter(f"method = 'card' AND to_date(paid_ts) = '{day}'").select("amount")
    bank = spark.createDataFrame([(text,) for text in statement], "amount STRING").select(
        F.col("amount").cast("decimal(10,2)")
    )
    only_shop = shop.exceptAll(bank).select(F.lit("shop").alias("side"), "amount")
    only_bank = bank.exceptAll(shop).select(F.lit("bank").alias("side"), "amount")
    return only_shop.union(only_bank).distinct()


# %% wrong="2.1.8" because="three times on one side"
def without_counterpart(spark, payments, day, statement):
    shop = payments.filter(f"method = 'card' AND to_date(paid_ts) = '{day}'").select(
        F.col("amount").cast("string")
    )
    bank = spark.createDataFrame([(text,) for text in statement], "amount STRING")
    only_shop = shop.exceptAll(bank).select(F.lit("shop").alias("side"), "amount")
    only_bank = bank.exceptAll(shop).select(F.lit("bank").alias("side"), "amount")
    both = only_shop.union(only_bank)
    return both.withColumn("amount", F.col("amount").cast("decimal(10,2)"))


# %% wrong="2.1.8" because="2 rows are missing"
def without_counterpart(spark, payments, day, statement):
    shop = payments.filter(f"method = 'card' AND to_date(paid_ts) = '{day}'").select("amount")
    bank = spark.createDataFrame([(text,) for text in statement], "amount STRING").select(
        F.col("amount").cast("decimal(10,2)")
    )
    return shop.exceptAll(bank).select(F.lit("shop").alias("side"), "amount")


# %% wrong="2.1.8" because="not expected"
def without_counterpart(spark, payments, day, statement):
    shop = payments.filter(f"to_date(paid_ts) = '{day}'").select("amount")
    bank = spark.createDataFrame([(text,) for text in statement], "amount STRING").select(
        F.col("amount").cast("decimal(10,2)")
    )
    only_shop = shop.exceptAll(bank).select(F.lit("shop").alias("side"), "amount")
    return only_shop.union(bank.exceptAll(shop).select(F.lit("bank").alias("side"), "amount"))


# %% wrong="2.1.8" because="empty list"
def without_counterpart(spark, payments, day, statement):
    shop = payments.filter(f"method = 'card' AND to_date(paid_ts) = '{day}'").select("amount")
    from decimal import Decimal

    rows = [(Decimal(text),) for text in statement]
    bank = spark.createDataFrame(rows, ["amount"]).select(F.col("amount").cast("decimal(10,2)"))
    only_shop = shop.exceptAll(bank).select(F.lit("shop").alias("side"), "amount")
    return only_shop.union(bank.exceptAll(shop).select(F.lit("bank").alias("side"), "amount"))


# %% wrong="2.1.8" because="payments around midnight"
def without_counterpart(spark, payments, day, statement):
    on_day = F.col("paid_ts").between(f"{day} 00:00:00", f"{day} 23:59:59")
    shop = payments.filter((F.col("method") == "card") & on_day).select("amount")
    bank = spark.createDataFrame([(text,) for text in statement], "amount STRING").select(
        F.col("amount").cast("decimal(10,2)")
    )
    only_shop = shop.exceptAll(bank).select(F.lit("shop").alias("side"), "amount")
    return only_shop.union(bank.exceptAll(shop).select(F.lit("bank").alias("side"), "amount"))


# %% right="2.1.8"
def without_counterpart(spark, payments, day, statement):
    shop = payments.filter(f"method = 'card' AND to_date(paid_ts) = '{day}'").groupBy("amount")
    bank = spark.createDataFrame([(text,) for text in statement], "text STRING").groupBy(
        F.col("text").cast("decimal(10,2)").alias("amount")
    )
    counted = shop.agg(F.count("*").alias("here")).join(
        bank.agg(F.count("*").alias("there")), "amount", "full"
    )
    surplus = counted.selectExpr("amount", "coalesce(here, 0) - coalesce(there, 0) AS n")
    return surplus.filter("n <> 0").selectExpr(
        "if(n > 0, 'shop', 'bank') AS side",
        "explode(array_repeat(amount, CAST(abs(n) AS INT))) AS amount",
    )


# %% [markdown]
# ## One row of several that mean the same
#
# Duplicates come in two kinds. Rows that are equal in **all** columns are copies: `distinct()` keeps one of each, and it does not matter which. Rows that are equal in a **key** only are versions of one thing, and
# somebody has to decide which version is right.
#
# | you write | it keeps |
# |---|---|
# | `df.distinct()`, `df.dropDuplicates()` | one of the rows that are equal in every column |
# | `df.dropDuplicates(["key"])` | for each key **any** row: whichever Spark meets first, and the next run may meet another |
# | rows numbered by a rule, number 1 | for each key the row that the rule puts first |
#
# `dropDuplicates` with a key is therefore only right when you need nothing but the key, or when all versions agree in the columns that you use. Sorting before does not help: an order that is not part of the operation is
# lost in the shuffle. To keep the *best* row, number the rows of each key:

# %%
addresses = spark.createDataFrame(
    [
        (7, "Lima", "2025-01-05", 1),
        (7, "Cork", "2025-03-09", 2),
        (7, "Graz", "2025-03-09", 3),
        (8, "Pune", None, 4),
        (8, "Nice", "2024-12-01", 5),
    ],
    "customer INT, city STRING, since STRING, entry INT",
)
newest_first = Window.partitionBy("customer").orderBy(
    F.col("since").desc_nulls_last(), F.col("entry").desc()
)
numbered = addresses.withColumn("number", F.row_number().over(newest_first))
numbered.orderBy("customer", "number").show()
numbered.filter("number = 1").drop("number").orderBy("customer").show()

# %% [markdown]
# A **window** says for each row which other rows it is looked at together with (`partitionBy`) and in which order. `row_number` counts them. Windows can do much more; 2.2 is about them. Three things to note here:
#
# - **A tie-break.** Customer 7 has two addresses of the same day. Without the second column of the order, either may become number 1. The last column of the order should be unique, so that the result is the same at every run.
# - **NULLs.** `desc()` puts them last, `asc()` first. Say it (`desc_nulls_last`) where it matters. And `partitionBy`, like `groupBy` and `distinct`, takes all NULLs for one and the same key.
# - **Yes or no.** The order may be any expression. `false` comes before `true`, so `orderBy(F.col("city") == "Lima")` puts Lima last.
#
# ### Exercise 2.1.9: sent twice
#
# Impatient people press the button twice. Orders with the same `customer_id` **and** the same `order_ts` are one order that was sent several times. Of these keep exactly one:
#
# - one that is not `cancelled`, if there is one; status and time are never NULL
# - of those that are equal in that, the one with the largest `order_id`
#
# Orders of guests (`customer_id` is NULL) all stay: two guests who order in the same second are two people. Return `order_id`, `customer_id`, `order_ts` and `status` of the orders that are kept.


# %% answer="2.1.9" title="Sent twice"
def sent_once(orders: DataFrame) -> DataFrame:
    """(order_id BIGINT, customer_id BIGINT or NULL, order_ts TIMESTAMP, status STRING), without repeated orders."""
    ### BEGIN SOLUTION
    best_first = Window.partitionBy("customer_id", "order_ts").orderBy(
        F.col("status") == "cancelled", F.col("order_id").desc()
    )
    return (
        orders.withColumn("number", F.row_number().over(best_first))
        .filter((F.col("number") == 1) | F.col("customer_id").isNull())
        .select("order_id", "customer_id", "order_ts", "status")
    )
    ### END SOLUTION


# %% check="2.1.9" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.1.9",
    "guests",
    "guests who order in the same second, and customers who press the button many times",
    orders=variants.replaced(order_ts=F.expr("date_trunc('MONTH', order_ts)")),
)
variant(
    "2.1.9",
    "all cancelled",
    "orders that were sent several times and cancelled every time",
    orders=variants.replaced(
        status=F.expr("if(customer_id % 2 = 0, 'cancelled', status)"),
        order_ts=F.expr("date_trunc('DAY', order_ts)"),
    ),
)
### END HIDDEN TESTS
check("2.1.9", sent_once, key=["order_id"])

# %% [markdown] equivalent="2.1.9" because="The status of an order and the number of a row are never NULL."
# - null-safe equality: F.col('status') == 'cancelled' → F.col('status').eqNullSafe('cancelled')
# - null-safe equality: F.col('number') == 1 → F.col('number').eqNullSafe(1)

# %% [markdown] equivalent="2.1.9" because="order_id is the key of orders and never NULL, so no two orders tie."
# - nulls first: F.col('order_id').desc() → F.col('order_id').desc_nulls_first()
# - rank: F.row_number() → F.rank()
# - rank: F.row_number() → F.dense_rank()

# %% [markdown] hints="2.1.9"
# 1. Number the orders of each customer and moment so that the one to keep gets number 1. What makes an order come first, and what decides when two are equal in that?
# 2. The rule about `cancelled` is an expression that is true or false. Which of the two comes first in an ascending order?
# 3. For the window all guests are one customer. Keep a row when it is number 1 **or** when it belongs to a guest.


# %% wrong="2.1.9" because="customers who press the button many times"
def sent_once(orders):
    best_first = Window.partitionBy("customer_id", "order_ts").orderBy(
        F.col("status") == "cancelled", F.col("order_id").desc()
    )
    return (
        orders.withColumn("number", F.row_number().over(best_first))
        .filter("number = 1")
        .select("order_id", "customer_id", "order_ts", "status")
    )


# %% wrong="2.1.9" because="5 rows are missing and 5 rows are not expected"
def sent_once(orders):
    newest = Window.partitionBy("customer_id", "order_ts").orderBy(F.col("order_id").desc())
    return (
        orders.withColumn("number", F.row_number().over(newest))
        .filter("number = 1 OR customer_id IS NULL")
        .select("order_id", "customer_id", "order_ts", "status")
    )


# %% wrong="2.1.9" because="rows are missing"
def sent_once(orders):
    return orders.dropDuplicates(["customer_id", "order_ts"]).select(
        "order_id", "customer_id", "order_ts", "status"
    )


# %% wrong="2.1.9" because="rows are missing"
def sent_once(orders):
    best_first = Window.partitionBy("customer_id", "order_ts").orderBy(F.col("order_id").desc())
    return (
        orders.filter("status <> 'cancelled'")
        .withColumn("number", F.row_number().over(best_first))
        .filter("number = 1 OR customer_id IS NULL")
        .select("order_id", "customer_id", "order_ts", "status")
    )


# %% wrong="2.1.9" because="cancelled every time"
def sent_once(orders):
    same = Window.partitionBy("customer_id", "order_ts")
    counted = orders.withColumn("times", F.count("*").over(same))
    kept = counted.filter("customer_id IS NULL OR times = 1 OR status <> 'cancelled'")
    return (
        kept.withColumn("last", F.max("order_id").over(same))
        .filter("customer_id IS NULL OR order_id = last")
        .select("order_id", "customer_id", "order_ts", "status")
    )


# %% right="2.1.9"
def sent_once(orders):
    wanted = ["order_id", "customer_id", "order_ts", "status"]
    guests = orders.filter("customer_id IS NULL").select(*wanted)
    best = F.max(F.struct(F.col("status") != "cancelled", "order_id", "status"))
    known = (
        orders.filter("customer_id IS NOT NULL")
        .groupBy("customer_id", "order_ts")
        .agg(best.alias("best"))
        .select("best.order_id", "customer_id", "order_ts", "best.status")
    )
    return guests.unionByName(known)


# %% right="2.1.9"
def sent_once(orders):
    return orders.sparkSession.sql("""
        SELECT o.order_id, o.customer_id, o.order_ts, o.status
        FROM orders AS o
        WHERE NOT EXISTS (
            SELECT 1 FROM orders AS better
            WHERE better.customer_id = o.customer_id AND better.order_ts = o.order_ts
              AND struct(better.status <> 'cancelled', better.order_id) > struct(o.status <> 'cancelled', o.order_id))
    """)


# %% [markdown]
# ### For the curious: a join that looks at the row on its left
#
# In all joins so far the right table is the same for every row on the left. With a **lateral join** it is a query that may use columns of the left row: for each store, *its* two latest orders. In SQL the word
# `LATERAL` stands before the subquery. In Python it is `lateralJoin`, and a column of the left row is marked with `.outer()`:

# %%
latest_two = (
    orders.alias("o")
    .where(F.col("o.store_id") == F.col("s.store_id").outer())
    .orderBy(F.desc("order_ts"), F.desc("order_id"))
    .limit(2)
)
(
    stores.filter("country = 'Germany'")
    .alias("s")
    .lateralJoin(latest_two, how="left")
    .select("s.store_id", "s.city", "o.order_id", "o.order_ts")
    .orderBy("s.store_id", F.desc("o.order_ts"))
    .show()
)

# %% [markdown]
# Store 3 has never sold anything; `how="left"` keeps it. Spark does not run the query once per store: it numbers the orders of each store in one pass, with a window as above, and joins.
#
# ### Question 2.1.10: the revenue is too high
#
# A report of the revenue per city joins `orders` with `customers`, `order_items` and `payments`, groups by city, and sums `quantity * unit_price` and `amount`. Both sums should be the same: no order had a discount.
# But in some cities both are higher than the bank's figures, most of all since payments in two parts were introduced. Besides, a part of the revenue is missing altogether.
#
# A colleague proposes: "Put a `distinct()` before the `groupBy`, then the duplicates are gone." Answer in five to eight sentences:
#
# - What happens here, and why is `distinct` no remedy?
# - How should the report be built?
# - Which two checks would have shown both errors before anybody read the report?

# %% [markdown] written="2.1.10" points=3 title="The revenue is too high"
# ### BEGIN SOLUTION
# The join is a fan-out: `order_items` and `payments` both have several rows per order and are related by the order only, so each line meets each payment. An order with three lines and two payments has six rows; its lines count
# twice and its payments three times. The part that is missing is that of orders without a partner: inner joins lose orders of guests and of customers who are not in the table, and orders without payment.
# `distinct` does not undo this: the multiplied rows are all different (another pair of line and payment), so most of them stay, and where two lines or payments are equal in the selected columns, it removes true ones.
# The report should bring `order_items` and `payments` to one row per order first (`groupBy("order_id")` with the sums), then start from `orders` and use left joins, with a row "unknown" for orders without a city and 0 where nothing was paid.
# Two checks: the number of rows after each join must be the number of orders (or: the key of every table that is joined is unique), which would have shown the fan-out; and the total of the report must be the sum over the table `payments` alone, or an anti join counts the rows
# without a partner, which would have shown what is lost.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: explains the fan-out (lines times payments per order), and why `distinct` is no remedy (multiplied rows differ, or equal rows may be true)
# - 1 point: explains the loss (inner joins drop orders without a partner), and builds the report right: aggregate to one row per order before joining, left joins from orders
# - 1 point: two checks that would work, one for each error: number of rows or uniqueness of the key; a total compared with the source, or an anti join that counts rows without a partner
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | the type of a join says what happens to rows without a partner | inner loses them, left keeps them with NULLs |
# | ask the right table's *key* whether a partner was found | other columns may be NULL by themselves |
# | rows per key multiply: aggregate before you join | sums over a fan-out are wrong, and `distinct` does not repair them |
# | `left_semi` and `left_anti` ask "is there one?" | they never multiply, and NULLs do no harm |
# | `<=>` (`eqNullSafe`) where NULL is a value | `=` with NULL is never true |
# | in a left join, conditions on the right table belong in the join | a filter behind it throws out the rows without a partner |
# | an equality in the condition makes a hash join possible | without one, Spark tries every pair |
# | a grid (`crossJoin`) with a left join gives rows for nothing | a group without members has no row |
# | `unionByName`, not `union` | `union` goes by position |
# | `exceptAll` in both directions compares tables | `subtract` forgets how often a row is there |
# | `row_number` with a tie-break keeps the best row | `dropDuplicates(["key"])` keeps any |
#
# > **On Databricks:** all of this is the same. Photon, the faster engine of Databricks, often chooses a shuffled hash join where Spark sorts and merges, so do not count on the name of an operator there. For large range joins there is the hint `RANGE_JOIN(table, bin size)`. Databricks SQL
# > also has `QUALIFY`, a filter on windows, which saves the helper column: `SELECT * FROM orders QUALIFY row_number() OVER (...) = 1`. With Spark Connect, which serverless compute uses, say `F.col("o.key")` with aliases rather than `orders.key` where a table is
# > joined with itself.
