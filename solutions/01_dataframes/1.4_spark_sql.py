# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1.4 Spark SQL as a language
#
# **Time:** 90 minutes · **Data:** retail · **Before this:** 1.1, 1.2 and a little SQL (`SELECT`, `WHERE`, `GROUP BY`, `JOIN`)
#
# Most people in the shop who ask questions about data ask them in SQL: the accountant, the dashboard, the nightly job that somebody wrote years
# ago. Spark runs SQL and DataFrame code with the same optimizer and the same engine, so neither is faster. What differs is how well a
# question reads. This notebook is about SQL as a language in its own right: how to name the steps of a query, how to climb a tree, how to
# define functions, how to pass values in safely, and where SQL has traps of its own.
#
# ## You will learn to
#
# - register temporary and global views, and say what a view stores
# - cut a long query into named steps with `WITH`, and walk through a tree with `WITH RECURSIVE`
# - ask "is there any?" and "is there none?" with `EXISTS`, and avoid the trap of `NOT IN`
# - write a query from top to bottom with the pipe syntax `|>`
# - pass values with parameter markers and names with `IDENTIFIER`, never by formatting text
# - define functions in SQL that return a value or a table
# - use session variables, loops and handlers in a SQL script

# %% setup=true
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("1.4").getOrCreate()

for name in ("customers", "stores", "categories", "products", "orders", "order_items", "payments"):
    spark.read.parquet(sample(name)).createOrReplaceTempView(name)

# %%
spark.sql("""
    SELECT order_id, customer_id, order_ts, status, channel
    FROM orders
    ORDER BY order_id
    LIMIT 3
""").show()

# %% [markdown]
# `spark.sql` takes one statement and gives back a DataFrame, as lazy as any other: nothing is computed before you ask for rows. So you can mix
# freely: start in SQL, go on with `.filter(...)`, or the other way round.
#
# **How the exercises work here.** Your functions get `spark` and the tables that they need. Before `check` calls your function, it registers each
# table parameter as a temporary view of that name. That is why `FROM orders` finds the data, and why it finds *other* data when your answer is graded
# on hidden tables. So read the tables by the names of the parameters, and give views of your own other names. Most answers are one `return spark.sql(...)`.
#
# ## Views: a name for a query
#
# SQL can only read what has a name. A **temporary view** gives a query a name for as long as your session lives:
#
# | you want | in SQL | in Python |
# |---|---|---|
# | a name in this session | `CREATE OR REPLACE TEMPORARY VIEW v AS SELECT ...` | `df.createOrReplaceTempView("v")` |
# | a name for all sessions of this application | `CREATE OR REPLACE GLOBAL TEMPORARY VIEW v AS ...` | `df.createOrReplaceGlobalTempView("v")` |
# | to read it | `FROM v`, or `FROM global_temp.v` | `spark.table("v")`, or `spark.table("global_temp.v")` |
# | to remove it | `DROP VIEW IF EXISTS v` | `spark.catalog.dropTempView("v")` |
#
# Without `OR REPLACE`, creating a view a second time is an error. In a notebook, where cells run again and again, that is rarely what you want.
#
# A view stores **no rows**. Each time you read it, its query runs again. Look at this experiment: `numbers` changes after two views were built on it.

# %%
spark.sql("CREATE OR REPLACE TEMPORARY VIEW numbers AS SELECT 1 AS n")
spark.sql("CREATE OR REPLACE TEMPORARY VIEW doubled_by_sql AS SELECT 2 * n AS n FROM numbers")
spark.table("numbers").selectExpr("2 * n AS n").createOrReplaceTempView("doubled_by_dataframe")

spark.sql("CREATE OR REPLACE TEMPORARY VIEW numbers AS SELECT 50 AS n")
print("made with SQL:        ", spark.table("doubled_by_sql").first().n)
print("made with a DataFrame:", spark.table("doubled_by_dataframe").first().n)

# %% [markdown]
# The view made with SQL stored the *text* and looked up `numbers` again. The other one stored the *plan* of the DataFrame, in which `numbers`
# was already resolved. Both compute at reading time; only the moment of looking up names differs.
#
# And this is the difference between a temporary and a global view:

# %%
spark.table("stores").createOrReplaceTempView("our_stores")
spark.table("stores").createOrReplaceGlobalTempView("our_stores")

another_session = spark.newSession()
print("temporary view seen there:", another_session.catalog.tableExists("our_stores"))
print("global view seen there:   ", another_session.catalog.tableExists("global_temp.our_stores"))

# %% [markdown]
# ### Exercise 1.4.1: orders that are still open
#
# An order is *open* while its status is `pending` or `shipped`. Create a temporary view `open_orders` with all columns of the open orders. Then
# return, from this view, one row per channel that has open orders: `channel`, `open_orders` (how many, `BIGINT`) and `oldest` (the earliest `order_ts`). Your
# function must still work when it is called a second time. (The check compares the result only.)


# %% answer="1.4.1" title="Orders that are still open"
def open_orders(spark: SparkSession, orders: DataFrame) -> DataFrame:
    """(channel STRING, open_orders BIGINT, oldest TIMESTAMP), one row per channel."""
    ### BEGIN SOLUTION
    spark.sql("""
        CREATE OR REPLACE TEMPORARY VIEW open_orders AS
        SELECT *
        FROM orders
        WHERE status IN ('pending', 'shipped')
    """)
    return spark.sql("""
        SELECT channel, count(*) AS open_orders, min(order_ts) AS oldest
        FROM open_orders
        GROUP BY channel
    """)
    ### END SOLUTION


# %% check="1.4.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "1.4.1",
    "another status",
    "orders with the status on_hold, and some without any",
    orders=variants.replaced(
        status=F.expr("CASE order_id % 4 WHEN 0 THEN 'on_hold' WHEN 1 THEN NULL ELSE status END")
    ),
)
variant(
    "1.4.1",
    "one channel finished",
    "a shop where every order from the web is completed",
    orders=variants.replaced(
        status=F.when(F.col("channel") == "web", "completed").otherwise(F.col("status"))
    ),
)
### END HIDDEN TESTS
check("1.4.1", open_orders, key=["channel"])

# %% [markdown] hints="1.4.1"
# 1. Two statements, so two calls of `spark.sql`: the first creates the view, the second reads it. Only the second one's result is returned.
# 2. `IN (...)` tests for several values. The number of rows of a group does not depend on any column: `count(*)`.


# %% wrong="1.4.1" because="All rows are missing"
def open_orders(spark, orders):
    return spark.sql("""
        SELECT channel, count(*) AS open_orders, min(order_ts) AS oldest
        FROM orders
        WHERE status = 'Pending' OR status = 'Shipped'
        GROUP BY channel
    """)


# %% wrong="1.4.1" because="`open_orders` is wrong in 1 of 3"
def open_orders(spark, orders):
    spark.sql("""
        CREATE OR REPLACE TEMPORARY VIEW open_orders AS
        SELECT * FROM orders WHERE status IN ('pending', 'shipped')
    """)
    return spark.sql("""
        SELECT channel, count(customer_id) AS open_orders, min(order_ts) AS oldest
        FROM open_orders
        GROUP BY channel
    """)


# %% wrong="1.4.1" because="`oldest` is wrong in 1 of 3"
def open_orders(spark, orders):
    return spark.sql("""
        SELECT channel, count(*) AS open_orders, min(order_ts) AS oldest
        FROM orders
        WHERE status = 'shipped'
        GROUP BY channel
    """)


# %% wrong="1.4.1" because="every order from the web is completed"
def open_orders(spark, orders):
    return spark.sql("""
        SELECT channel, count_if(is_open) AS open_orders, min(if(is_open, order_ts, NULL)) AS oldest
        FROM (SELECT *, status IN ('pending', 'shipped') AS is_open FROM orders)
        GROUP BY channel
    """)


# %% wrong="1.4.1" because="the status on_hold"
def open_orders(spark, orders):
    return spark.sql("""
        SELECT channel, count(*) AS open_orders, min(order_ts) AS oldest
        FROM orders
        WHERE status NOT IN ('completed', 'cancelled', 'returned')
        GROUP BY channel
    """)


# %% wrong="1.4.1" because="already exists"
def open_orders(spark, orders):
    spark.sql("""
        CREATE TEMPORARY VIEW open_orders AS
        SELECT * FROM orders WHERE status IN ('pending', 'shipped')
    """)
    return spark.sql("""
        SELECT channel, count(*) AS open_orders, min(order_ts) AS oldest
        FROM open_orders
        GROUP BY channel
    """)


# %% right="1.4.1"
def open_orders(spark, orders):
    orders.filter(F.col("status").isin("pending", "shipped")).createOrReplaceTempView("open_orders")
    return (
        spark.table("open_orders")
        .groupBy("channel")
        .agg(F.count(F.lit(1)).alias("open_orders"), F.min("order_ts").alias("oldest"))
    )


# %% [markdown]
# ## Named steps: `WITH`
#
# A subquery inside a subquery is read from the inside to the outside. A **common table expression** (CTE) gives each step a name *before* it is
# used, so the query reads from top to bottom. Unlike a view, it lives for one statement only. A later CTE may use the earlier ones.

# %%
spark.sql("""
    WITH signups AS (
        SELECT year(signup_date) AS year, country, count(*) AS customers
        FROM customers
        GROUP BY ALL
    ),
    years AS (
        SELECT year, max(customers) AS most
        FROM signups
        GROUP BY year
    )
    SELECT s.year, s.country, s.customers
    FROM signups AS s
    JOIN years AS y ON y.year = s.year AND y.most = s.customers
    ORDER BY s.year
""").show()

# %% [markdown]
# `GROUP BY ALL` groups by every selected expression that is not an aggregate.
#
# Note that a CTE is a name, not a cache. Used twice, as `signups` is here, it may also be computed twice.
#
# ### Exercise 1.4.2: unusually large orders
#
# The **total** of an order is the sum of `quantity * unit_price` over its lines (leave `discount` aside), as `DECIMAL(12,2)`. An order is unusually large
# when its total is **more than twice** the average total of all orders of **its own channel**. Return `order_id`, `channel` and `total` of the unusually
# large orders. Orders without lines have no total: they do not count in the average either. Every order has a channel.


# %% answer="1.4.2" title="Unusually large orders"
def large_orders(spark: SparkSession, orders: DataFrame, order_items: DataFrame) -> DataFrame:
    """(order_id BIGINT, channel STRING, total DECIMAL(12,2)), one row per unusually large order."""
    ### BEGIN SOLUTION
    return spark.sql("""
        WITH totals AS (
            SELECT o.order_id, o.channel,
                   CAST(sum(i.quantity * i.unit_price) AS DECIMAL(12,2)) AS total
            FROM orders AS o
            JOIN order_items AS i ON i.order_id = o.order_id
            GROUP BY o.order_id, o.channel
        ),
        channels AS (
            SELECT channel, avg(total) AS average
            FROM totals
            GROUP BY channel
        )
        SELECT t.order_id, t.channel, t.total
        FROM totals AS t
        JOIN channels AS c ON c.channel = t.channel
        WHERE t.total > 2 * c.average
    """)
    ### END SOLUTION


# %% check="1.4.2" points=2
### BEGIN HIDDEN TESTS
from decimal import Decimal

few_orders = [
    (number, 1, None, None, "completed", channel, None)
    for number, channel in enumerate(["web", "web", "web", "app", "app", "app", "web", "app"], 1)
]
few_lines = [
    (order, 1, 7, 1, Decimal(price), None)
    for order, price in [(1, "10.00"), (2, "10.00"), (4, "10.00"), (5, "10.00"), (6, "50.00")]
]
variant(
    "1.4.2",
    "exactly twice",
    "eight orders: one of exactly twice its channel's average, two without lines",
    orders=variants.rows(*few_orders),
    order_items=variants.rows(
        *few_lines, (3, 1, 7, 2, Decimal("15.00"), None), (3, 2, 8, 1, Decimal("10.00"), 0.5)
    ),
)
variant("1.4.2", "other rows", "the orders of another shop", seed=1402)
### END HIDDEN TESTS
check("1.4.2", large_orders, key=["order_id"])

# %% [markdown] equivalent="1.4.2" because="order_id is the key of orders and never NULL."
# - SQL null-safe equality: order_id = o → order_id <=> o

# %% [markdown] equivalent="1.4.2" because="The channel of an order is never NULL."
# - SQL null-safe equality: channel = t → channel <=> t

# %% [markdown] equivalent="1.4.2" because="A row that only an outer join adds has no total or no average; avg leaves it out, and the last WHERE drops it."
# - SQL join type: o JOIN order_items → o LEFT JOIN order_items
# - SQL join type: o JOIN order_items → o RIGHT JOIN order_items
# - SQL join type: o JOIN order_items → o FULL JOIN order_items
# - SQL join type: t JOIN channels → t LEFT JOIN channels
# - SQL join type: t JOIN channels → t RIGHT JOIN channels
# - SQL join type: t JOIN channels → t FULL JOIN channels

# %% [markdown] hints="1.4.2"
# 1. Two steps before the final `SELECT`: first one row per order with its total, then one row per channel with the average of these totals.
# 2. An inner join of orders and lines leaves out orders without lines by itself.
# 3. In the end, join the first step with the second on the channel and compare. "More than" is not "at least".


# %% wrong="1.4.2" because="12 rows are missing"
def large_orders(spark, orders, order_items):
    return spark.sql("""
        WITH totals AS (
            SELECT o.order_id, o.channel, CAST(sum(quantity * unit_price) AS DECIMAL(12,2)) AS total
            FROM orders AS o JOIN order_items AS i ON i.order_id = o.order_id
            GROUP BY o.order_id, o.channel
        )
        SELECT * FROM totals WHERE total > 2 * (SELECT avg(total) FROM totals)
    """)


# %% wrong="1.4.2" because="exactly twice"
def large_orders(spark, orders, order_items):
    return spark.sql("""
        WITH totals AS (
            SELECT o.order_id, o.channel, CAST(sum(quantity * unit_price) AS DECIMAL(12,2)) AS total,
                   avg(sum(quantity * unit_price)) OVER (PARTITION BY channel) AS average
            FROM orders AS o JOIN order_items AS i ON i.order_id = o.order_id
            GROUP BY o.order_id, o.channel
        )
        SELECT order_id, channel, total FROM totals WHERE total >= 2 * average
    """)


# %% wrong="1.4.2" because="497 rows are not expected"
def large_orders(spark, orders, order_items):
    return spark.sql("""
        WITH lines AS (
            SELECT o.order_id, o.channel, quantity * unit_price AS amount
            FROM orders AS o JOIN order_items AS i ON i.order_id = o.order_id
        ),
        channels AS (SELECT channel, avg(amount) AS average FROM lines GROUP BY channel)
        SELECT order_id, channel, CAST(sum(amount) AS DECIMAL(12,2)) AS total
        FROM lines JOIN channels USING (channel)
        GROUP BY order_id, channel, average
        HAVING sum(amount) > 2 * average
    """)


# %% wrong="1.4.2" because="2 rows are not expected"
def large_orders(spark, orders, order_items):
    return spark.sql("""
        WITH totals AS (
            SELECT o.order_id, o.channel,
                   CAST(coalesce(sum(quantity * unit_price), 0) AS DECIMAL(12,2)) AS total
            FROM orders AS o LEFT JOIN order_items AS i ON i.order_id = o.order_id
            GROUP BY o.order_id, o.channel
        ),
        channels AS (SELECT channel, avg(total) AS average FROM totals GROUP BY channel)
        SELECT order_id, channel, total FROM totals JOIN channels USING (channel)
        WHERE total > 2 * average
    """)


# %% wrong="1.4.2" because="`total` is DECIMAL(31,2)"
def large_orders(spark, orders, order_items):
    return spark.sql("""
        WITH totals AS (
            SELECT o.order_id, o.channel, sum(quantity * unit_price) AS total
            FROM orders AS o JOIN order_items AS i ON i.order_id = o.order_id
            GROUP BY o.order_id, o.channel
        ),
        channels AS (SELECT channel, avg(total) AS average FROM totals GROUP BY channel)
        SELECT order_id, channel, total FROM totals JOIN channels USING (channel)
        WHERE total > 2 * average
    """)


# %% right="1.4.2"
def large_orders(spark, orders, order_items):
    from pyspark.sql import Window

    amounts = order_items.groupBy("order_id").agg(
        F.sum(F.col("quantity") * F.col("unit_price")).cast("decimal(12,2)").alias("total")
    )
    totals = orders.select("order_id", "channel").join(amounts, "order_id")
    average = F.avg("total").over(Window.partitionBy("channel"))
    return (
        totals.withColumn("average", average)
        .filter(F.col("total") > 2 * F.col("average"))
        .drop("average")
    )


# %% [markdown]
# ## Steps without a fixed number: `WITH RECURSIVE`
#
# Some questions need a step to be repeated until nothing new comes: the parts of a part, the boss of a boss, the category above a category. You do not
# know beforehand how many joins that takes. A **recursive CTE** has two halves, with `UNION ALL` between them:
#
# 1. the **anchor**, a query that gives the first rows;
# 2. the **step**, a query that reads the CTE's own name. It sees the rows found in the round before, and gives the rows of the next round.
#
# Spark repeats the step until a round gives no rows. Here with numbers, the simplest case:

# %%
spark.sql("""
    WITH RECURSIVE savings(year, amount) AS (
        SELECT 0, CAST(1000.00 AS DECIMAL(12,2))
        UNION ALL
        SELECT year + 1, CAST(amount * 1.05 AS DECIMAL(12,2)) FROM savings WHERE year < 4
    )
    SELECT * FROM savings ORDER BY year
""").show()

# %% [markdown]
# The condition `year < 4` ends it. With a tree, the join ends it: leaves have no children, so the step finds no more rows. Forget the end, and Spark gives up
# after 100 rounds with `RECURSION_LEVEL_LIMIT_EXCEEDED`; if your data really are deeper, write `WITH RECURSIVE name MAX RECURSION LEVEL 500 AS (...)`.
# Names and types of the columns come from the anchor; the step must give the same types, so use `CAST` where they differ.
#
# The shop's categories are such a tree. Each row names its parent; the four roots have none:

# %%
spark.sql("SELECT * FROM categories WHERE category_id IN (1, 5, 17) ORDER BY category_id").show()

# %% [markdown]
# ### Exercise 1.4.3: the path to a category
#
# Return for each category its `category_id`, the `path` from its root, such as `Home > Kitchen > Cookware` (a blank before and after each `>`), and its `depth`
# as an `INT`: 1 for a root, 2 for its children, and so on. The tree may have **any** number of levels, and a name may have a `>` of its own. A category that no
# root leads to, because its parent is not in the table, is not in the result.


# %% answer="1.4.3" title="The path to a category"
def category_paths(spark: SparkSession, categories: DataFrame) -> DataFrame:
    """(category_id INT, path STRING, depth INT), one row per category that a root leads to."""
    ### BEGIN SOLUTION
    return spark.sql("""
        WITH RECURSIVE tree AS (
            SELECT category_id, name AS path, 1 AS depth
            FROM categories
            WHERE parent_id IS NULL
            UNION ALL
            SELECT child.category_id, concat(tree.path, ' > ', child.name), tree.depth + 1
            FROM categories AS child
            JOIN tree ON child.parent_id = tree.category_id
        )
        SELECT category_id, path, depth
        FROM tree
    """)
    ### END SOLUTION


# %% check="1.4.3" points=2
### BEGIN HIDDEN TESTS
from itertools import pairwise

levels = [9, 3, 7, 1, 2, 12, 6, 11, 8, 10, 15, 13]
chain = [(child, parent, f"Part {child}") for parent, child in pairwise(levels)]
variant(
    "1.4.3",
    "deeper",
    "a tree with twelve levels, children with smaller numbers than their parents, and a > in a name",
    categories=variants.rows(
        (9, None, "Wood"), *chain, (4, 1, "Small"), (14, 5, "Small"), (5, None, "Paper > 100 g")
    ),
)
variant(
    "1.4.3",
    "orphans",
    "categories whose parent is not in the table",
    categories=variants.rows(
        (1, None, "Home"), (2, 1, "Bath"), (3, 77, "Lost"), (4, 3, "Lost too"), (5, 2, "Towels")
    ),
)
### END HIDDEN TESTS
check("1.4.3", category_paths, key=["category_id"])

# %% [markdown] equivalent="1.4.3" because="category_id is the key of categories and never NULL."
# - SQL null-safe equality: parent_id = tree → parent_id <=> tree

# %% [markdown] hints="1.4.3"
# 1. Anchor: the roots, with their own name as the path. Step: the children of the rows found in the round before.
# 2. In the step, join `categories` with the CTE. Which column of the child equals which column of the row above?
# 3. The step computes the child's path from the parent's with `concat`, and its depth from the parent's depth. The end comes by itself.


# %% wrong="1.4.3" because="`depth`"
def category_paths(spark, categories):
    return spark.sql("""
        WITH RECURSIVE tree AS (
            SELECT category_id, name AS path, 0 AS depth FROM categories WHERE parent_id IS NULL
            UNION ALL
            SELECT c.category_id, concat(t.path, ' > ', c.name), t.depth + 1
            FROM categories AS c JOIN tree AS t ON c.parent_id = t.category_id
        )
        SELECT * FROM tree
    """)


# %% wrong="1.4.3" because="`path`"
def category_paths(spark, categories):
    return spark.sql("""
        WITH RECURSIVE tree AS (
            SELECT category_id, name AS path, 1 AS depth FROM categories WHERE parent_id IS NULL
            UNION ALL
            SELECT c.category_id, concat(c.name, ' > ', t.path), t.depth + 1
            FROM categories AS c JOIN tree AS t ON c.parent_id = t.category_id
        )
        SELECT * FROM tree
    """)


# %% wrong="1.4.3" because="a tree with twelve levels"
def category_paths(spark, categories):
    return spark.sql("""
        SELECT category_id, name AS path, 1 AS depth FROM categories WHERE parent_id IS NULL
        UNION ALL
        SELECT b.category_id, concat(a.name, ' > ', b.name), 2
        FROM categories AS a JOIN categories AS b ON b.parent_id = a.category_id
        WHERE a.parent_id IS NULL
        UNION ALL
        SELECT c.category_id, concat(a.name, ' > ', b.name, ' > ', c.name), 3
        FROM categories AS a
        JOIN categories AS b ON b.parent_id = a.category_id
        JOIN categories AS c ON c.parent_id = b.category_id
        WHERE a.parent_id IS NULL
    """)


# %% wrong="1.4.3" because="a tree with twelve levels"
def category_paths(spark, categories):
    return spark.sql("""
        WITH RECURSIVE tree AS (
            SELECT category_id, name AS path, 1 AS depth FROM categories WHERE parent_id IS NULL
            UNION ALL
            SELECT c.category_id, concat(t.path, ' > ', c.name), t.depth + 1
            FROM categories AS c JOIN tree AS t ON c.parent_id = t.category_id
            WHERE t.depth < 5
        )
        SELECT * FROM tree
    """)


# %% wrong="1.4.3" because="a tree with twelve levels"
def category_paths(spark, categories):
    return spark.sql("""
        WITH RECURSIVE tree AS (
            SELECT category_id, name AS path FROM categories WHERE parent_id IS NULL
            UNION ALL
            SELECT c.category_id, concat(t.path, ' > ', c.name)
            FROM categories AS c JOIN tree AS t ON c.parent_id = t.category_id
        )
        SELECT category_id, path, size(split(path, '>')) AS depth FROM tree
    """)


# %% wrong="1.4.3" because="whose parent is not in the table"
def category_paths(spark, categories):
    return spark.sql("""
        WITH RECURSIVE tree AS (
            SELECT category_id, name AS path, 1 AS depth FROM categories
            WHERE parent_id IS NULL OR parent_id NOT IN (SELECT category_id FROM categories)
            UNION ALL
            SELECT c.category_id, concat(t.path, ' > ', c.name), t.depth + 1
            FROM categories AS c JOIN tree AS t ON c.parent_id = t.category_id
        )
        SELECT * FROM tree
    """)


# %% wrong="1.4.3" because="38 rows are missing"
def category_paths(spark, categories):
    return spark.sql("""
        WITH RECURSIVE tree AS (
            SELECT category_id, parent_id, name AS path, 1 AS depth
            FROM categories WHERE parent_id IS NULL
            UNION ALL
            SELECT c.category_id, c.parent_id, concat(t.path, ' > ', c.name), t.depth + 1
            FROM categories AS c JOIN tree AS t ON c.category_id = t.parent_id
        )
        SELECT category_id, path, depth FROM tree
    """)


# %% right="1.4.3"
def category_paths(spark, categories):
    level = categories.filter("parent_id IS NULL").selectExpr(
        "category_id", "name AS path", "1 AS depth"
    )
    found = level
    while not level.isEmpty():
        above = level.withColumnRenamed("category_id", "parent_id")
        level = categories.join(above, "parent_id").selectExpr(
            "category_id", "concat_ws(' > ', path, name) AS path", "depth + 1 AS depth"
        )
        found = found.union(level)
    return found


# %% [markdown]
# ## Is there any? Is there none?
#
# A **correlated subquery** mentions a column of the query around it, so it is a question asked about each row. There are two forms:
#
# - `EXISTS (SELECT ...)` is true when the subquery finds at least one row, and `NOT EXISTS` when it finds none. It never multiplies rows, as a join does
#   that finds several partners, and it is never NULL.
# - A **scalar subquery** stands where a value stands. It must give one row at most; no row gives NULL. An aggregate without `GROUP BY` gives exactly
#   one row.

# %%
spark.sql("""
    SELECT s.store_id, s.city,
           (SELECT count(*) FROM orders WHERE orders.store_id = s.store_id) AS orders,
           (SELECT max(order_ts) FROM orders WHERE orders.store_id = s.store_id) AS newest
    FROM stores AS s
    ORDER BY orders, s.store_id
    LIMIT 3
""").show()

# %% [markdown]
# One store has never sold anything: `count(*)` of no rows is 0, `max` of no rows is NULL. Spark does not run the subquery once per row. It turns it
# into a join, so you need not be afraid of it.
#
# Now look for that store in three ways, and remember that most orders have no store at all, because they came from the web or the app:

# %%
for condition in (
    "s.store_id NOT IN (SELECT orders.store_id FROM orders)",
    "NOT EXISTS (SELECT 1 FROM orders WHERE orders.store_id = s.store_id)",
):
    print(spark.table("stores").alias("s").filter(condition).count(), "found with", condition)

without_sales = spark.sql("SELECT * FROM stores LEFT ANTI JOIN orders USING (store_id)")
print(without_sales.count(), "found with LEFT ANTI JOIN")

# %% [markdown]
# `NOT IN` finds nothing. `5 NOT IN (1, NULL)` means `5 != 1 AND 5 != NULL`; the second half is NULL, so the whole is never true. **One NULL in the
# subquery empties the result**, without any error. Use `NOT EXISTS`, or a `LEFT ANTI JOIN` (a join that keeps the rows *without* a partner, see 2.1), and forget `NOT IN` for
# subqueries.
#
# ### Exercise 1.4.4: customers who have fallen asleep
#
# Marketing wants to wake up customers who have **no order on or after 1 January 2025** (00:00, any status). Return `customer_id`, `name` and `last_order`, the
# newest `order_ts` among their older orders; NULL for those who have never ordered. One row per such customer. Orders of guests have no `customer_id`.


# %% answer="1.4.4" title="Customers who have fallen asleep"
def sleeping_customers(spark: SparkSession, customers: DataFrame, orders: DataFrame) -> DataFrame:
    """(customer_id BIGINT, name STRING, last_order TIMESTAMP or NULL), one row per customer."""
    ### BEGIN SOLUTION
    return spark.sql("""
        SELECT c.customer_id, c.name,
               (SELECT max(o.order_ts) FROM orders AS o
                WHERE o.customer_id = c.customer_id) AS last_order
        FROM customers AS c
        WHERE NOT EXISTS (
            SELECT 1 FROM orders AS o
            WHERE o.customer_id = c.customer_id AND o.order_ts >= TIMESTAMP '2025-01-01'
        )
    """)
    ### END SOLUTION


# %% check="1.4.4" points=2
### BEGIN HIDDEN TESTS
midnight = F.expr("if(order_id % 2 = 0, TIMESTAMP '2025-01-01', TIMESTAMP '2024-12-31 23:59:59')")
variant(
    "1.4.4",
    "midnight",
    "all orders one second before or exactly at the beginning of 2025",
    orders=variants.replaced(order_ts=midnight),
)
variant(
    "1.4.4",
    "a year later",
    "the same orders one year later, in 2025 and 2026",
    orders=variants.replaced(order_ts=F.expr("order_ts + INTERVAL 365 DAYS")),
)
### END HIDDEN TESTS
check("1.4.4", sleeping_customers, key=["customer_id"])

# %% [markdown] equivalent="1.4.4" because="customer_id is the key of customers and never NULL."
# - SQL null-safe equality: customer_id = c → customer_id <=> c
# - SQL null-safe equality: customer_id = c → customer_id <=> c (2)

# %% [markdown] hints="1.4.4"
# 1. Two questions about each customer: *is there none* from 2025 on (a condition), and *what is the newest* (a value).
# 2. The first one is the filter: a `NOT EXISTS` whose subquery holds both conditions, same customer and new enough.
# 3. The second one is a scalar subquery in the `SELECT` list. It needs an aggregate, or it would find several rows.


# %% wrong="1.4.4" because="All rows are missing"
def sleeping_customers(spark, customers, orders):
    return spark.sql("""
        SELECT customer_id, name,
               (SELECT max(order_ts) FROM orders WHERE customer_id = c.customer_id) AS last_order
        FROM customers AS c
        WHERE customer_id NOT IN (
            SELECT customer_id FROM orders WHERE order_ts >= TIMESTAMP '2025-01-01'
        )
    """)


# %% wrong="1.4.4" because="132 rows are missing"
def sleeping_customers(spark, customers, orders):
    return spark.sql("""
        SELECT c.customer_id, c.name, max(o.order_ts) AS last_order
        FROM customers AS c JOIN orders AS o ON o.customer_id = c.customer_id
        GROUP BY c.customer_id, c.name
        HAVING max(o.order_ts) < TIMESTAMP '2025-01-01'
    """)


# %% wrong="1.4.4" because="247 rows are not expected"
def sleeping_customers(spark, customers, orders):
    return spark.sql("""
        SELECT c.customer_id, c.name, max(o.order_ts) AS last_order
        FROM customers AS c
        LEFT JOIN orders AS o
          ON o.customer_id = c.customer_id AND o.order_ts < TIMESTAMP '2025-01-01'
        GROUP BY c.customer_id, c.name
    """)


# %% wrong="1.4.4" because="beginning of 2025"
def sleeping_customers(spark, customers, orders):
    return spark.sql("""
        SELECT c.customer_id, c.name, max(o.order_ts) AS last_order
        FROM customers AS c LEFT JOIN orders AS o ON o.customer_id = c.customer_id
        GROUP BY c.customer_id, c.name
        HAVING max(o.order_ts) IS NULL OR max(o.order_ts) <= TIMESTAMP '2025-01-01'
    """)


# %% wrong="1.4.4" because="in 2025 and 2026"
def sleeping_customers(spark, customers, orders):
    return spark.sql("""
        SELECT c.customer_id, c.name, max(o.order_ts) AS last_order
        FROM customers AS c LEFT JOIN orders AS o ON o.customer_id = c.customer_id
        GROUP BY c.customer_id, c.name
        HAVING count_if(year(o.order_ts) = 2025) = 0
    """)


# %% wrong="1.4.4" because="21 rows are missing"
def sleeping_customers(spark, customers, orders):
    return spark.sql("""
        SELECT customer_id, name, CAST(NULL AS TIMESTAMP) AS last_order
        FROM customers AS person LEFT ANTI JOIN orders USING (customer_id)
    """)


# %% right="1.4.4"
def sleeping_customers(spark, customers, orders):
    newest = orders.groupBy("customer_id").agg(F.max("order_ts").alias("last_order"))
    asleep = F.col("last_order").isNull() | (F.year("last_order") < 2025)
    return (
        customers.join(newest, "customer_id", "left")
        .filter(asleep)
        .select("customer_id", "name", "last_order")
    )


# %% [markdown]
# ## From top to bottom: the pipe syntax
#
# SQL is written in one order and carried out in another: `SELECT` comes first and happens nearly last, and there are three words for filtering (`WHERE`, `HAVING`,
# `QUALIFY` in some systems) because there are three moments for it. With the **pipe syntax** a query begins with `FROM`, and each `|>` takes the table so far and
# hands a new one on, as method calls do on a DataFrame:
#
# | pipe operator | does | DataFrame method |
# |---|---|---|
# | `\|> WHERE condition` | keeps rows, also *after* an aggregation | `filter` |
# | `\|> EXTEND expression AS name` | adds a column | `withColumn` |
# | `\|> SET name = expression` | replaces a column | `withColumn` |
# | `\|> DROP name` | removes a column | `drop` |
# | `\|> SELECT ...` | chooses and computes columns | `select` |
# | `\|> JOIN table ON ...`, with `\|> AS alias` before it | joins | `join` |
# | `\|> AGGREGATE sum(x) AS y GROUP BY a, b` | gives one row per group: the group columns, then the aggregates | `groupBy().agg()` |
# | `\|> ORDER BY ...`, `\|> LIMIT n` | sorts, cuts | `orderBy`, `limit` |
#
# Read the following query aloud, line by line. It makes the picture below it: what happens to the shop's channels over the two years?

# %%
monthly = spark.sql("""
    FROM orders
    |> WHERE status != 'cancelled'
    |> EXTEND date_trunc('MONTH', order_ts) AS month
    |> AGGREGATE count(*) AS orders GROUP BY month, channel
    |> ORDER BY month, channel
""")
monthly.show(4)

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7.5, 3.2))
for channel, rows in monthly.toPandas().groupby("channel"):
    axes.plot(rows["month"], rows["orders"], marker=".", label=channel)
axes.set_xlabel("month")
axes.set_ylabel("orders (number per month)")
axes.set_title("Orders that were not cancelled, by channel")
axes.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ### Exercise 1.4.5: the payments of a year, from top to bottom
#
# Finance asks how payments of the year 2025 (by `paid_ts`) were made. Return one row per method with at least 30 payments in that year: `method`, where a NULL counts as the
# method `unknown`, `payments` (how many) and `amount`, the sum of the amounts, with the type that Spark gives it. Sort by `amount`, the largest first; equal amounts by
# `method`, A to Z. Try it with pipes: the order of this text is the order of the query.


# %% answer="1.4.5" title="The payments of a year, from top to bottom"
def payment_methods(spark: SparkSession, payments: DataFrame) -> DataFrame:
    """(method STRING, payments BIGINT, amount DECIMAL(20,2)), sorted by amount, largest first, then by method."""
    ### BEGIN SOLUTION
    return spark.sql("""
        FROM payments
        |> WHERE year(paid_ts) = 2025
        |> SET method = coalesce(method, 'unknown')
        |> AGGREGATE count(*) AS payments, sum(amount) AS amount GROUP BY method
        |> WHERE payments >= 30
        |> ORDER BY amount DESC, method
    """)
    ### END SOLUTION


# %% check="1.4.5" points=2
### BEGIN HIDDEN TESTS
tied = ("wallet", "voucher", "points", "invoice", "card", "bank")
numbers = {**dict.fromkeys(tied, 30), "cash": 29, None: 31}
border = [
    (10 * number, number, method, Decimal("5.00"), None)
    for method, count in numbers.items()
    for number in range(count)
]
variant(
    "1.4.5",
    "border",
    "methods with 29, 30 and 31 payments, six of them with the same sum",
    payments=variants.together(
        variants.rows(*border),
        variants.replaced(paid_ts=F.expr("TIMESTAMP '2025-05-17 12:00:00'")),
    ),
)
variant(
    "1.4.5",
    "nulls",
    "every fourth payment without a method",
    payments=variants.nulls("method", every=4),
)
variant(
    "1.4.5",
    "new year",
    "payments in the last second of 2024 and of 2025, and in the first of 2026",
    payments=variants.replaced(
        paid_ts=F.expr("""
            CASE payment_id % 3
                WHEN 0 THEN TIMESTAMP '2024-12-31 23:59:59'
                WHEN 1 THEN TIMESTAMP '2025-12-31 23:59:59'
                ELSE TIMESTAMP '2026-01-01 00:00:00'
            END
        """)
    ),
)
### END HIDDEN TESTS
check("1.4.5", payment_methods, ordered=True)

# %% [markdown] equivalent="1.4.5" because="2025 is not NULL, and WHERE drops false and NULL alike."
# - SQL null-safe equality: ) = 2025 → ) <=> 2025

# %% [markdown] hints="1.4.5"
# 1. Write one pipe operator per demand: the year, the NULLs, the groups, the threshold, the order.
# 2. Replace NULL by `unknown` *before* you group. Which function gives the first value that is not NULL?
# 3. After `AGGREGATE` the columns are `method` and your aggregates; a second `WHERE` may use them.


# %% wrong="1.4.5" because="1 row is missing"
def payment_methods(spark, payments):
    return spark.sql("""
        FROM payments
        |> WHERE year(paid_ts) = 2025 AND method IS NOT NULL
        |> AGGREGATE count(*) AS payments, sum(amount) AS amount GROUP BY method
        |> WHERE payments >= 30
        |> ORDER BY amount DESC, method
    """)


# %% wrong="1.4.5" because="not in the order asked for"
def payment_methods(spark, payments):
    return spark.sql("""
        SELECT coalesce(method, 'unknown') AS method, count(*) AS payments, sum(amount) AS amount
        FROM payments
        WHERE year(paid_ts) = 2025
        GROUP BY 1
        HAVING count(*) >= 30
        ORDER BY amount
    """)


# %% wrong="1.4.5" because="1 row is not expected"
def payment_methods(spark, payments):
    return spark.sql("""
        FROM payments
        |> WHERE year(paid_ts) = 2025
        |> EXTEND coalesce(method, 'unknown') AS known
        |> AGGREGATE count(*) AS payments, sum(amount) AS amount GROUP BY known AS method
        |> ORDER BY amount DESC, method
    """)


# %% wrong="1.4.5" because="`amount` is wrong in 2 of 5"
def payment_methods(spark, payments):
    return spark.sql("""
        FROM payments
        |> WHERE paid_ts BETWEEN TIMESTAMP '2025-01-01' AND TIMESTAMP '2025-12-31'
        |> SET method = coalesce(method, 'unknown')
        |> AGGREGATE count(*) AS payments, sum(amount) AS amount GROUP BY method
        |> WHERE payments >= 30
        |> ORDER BY amount DESC, method
    """)


# %% wrong="1.4.5" because="in the first of 2026"
def payment_methods(spark, payments):
    return spark.sql("""
        SELECT coalesce(method, 'unknown') AS method, count(*) AS payments, sum(amount) AS amount
        FROM payments
        WHERE paid_ts >= DATE '2025-01-01'
        GROUP BY 1
        HAVING count(*) >= 30
        ORDER BY amount DESC, method
    """)


# %% wrong="1.4.5" because="29, 30 and 31"
def payment_methods(spark, payments):
    return spark.sql("""
        FROM payments
        |> WHERE year(paid_ts) = 2025
        |> SET method = coalesce(method, 'unknown')
        |> AGGREGATE count(*) AS payments, sum(amount) AS amount GROUP BY method
        |> WHERE payments > 30
        |> ORDER BY amount DESC, method
    """)


# %% right="1.4.5"
def payment_methods(spark, payments):
    return (
        payments.filter(F.date_trunc("year", "paid_ts") == F.lit("2025-01-01").cast("timestamp"))
        .groupBy(F.coalesce("method", F.lit("unknown")).alias("method"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .filter("payments >= 30")
        .orderBy(F.desc("amount"), "method")
    )


# %% [markdown]
# ## Values go in as parameters
#
# Queries need values from outside: a date from a form, a name from a search box. It is tempting to write the value into the text with an f-string. Never do that:
#
# - A value with a quotation mark in it, such as `O'Neill`, breaks the query.
# - Somebody can type `x' OR '1' = '1`, and then reads all customers. This is **SQL injection**, one of the oldest holes there is, and it is still found every day.
# - You must take care of quotation marks, dates, decimal points and NULL yourself.
#
# Write a **parameter marker** instead, `:name`, and pass the value beside the text. The value is never read as SQL; dates, numbers, lists and None keep their types.

# %%
from datetime import date

spark.sql(
    """
    SELECT channel, count(*) AS orders
    FROM orders
    WHERE order_ts >= :since AND array_contains(:wanted, status)
    GROUP BY channel
    ORDER BY channel
    """,
    args={"since": date(2025, 7, 1), "wanted": ["shipped", "returned"]},
).show()

# %% [markdown]
# Markers without names are written `?`, with a list: `spark.sql("... WHERE status = ?", args=["shipped"])`. A DataFrame can be handed in too, without giving it a
# view: write `{name}` where the table's name would stand, and pass the DataFrame under this name.

# %%
returned = spark.table("orders").filter("status = 'returned'")
spark.sql(
    "SELECT count(*) AS returned_on_the_web FROM {returned_orders} WHERE channel = :channel",
    args={"channel": "web"},
    returned_orders=returned,
).show()

# %% [markdown]
# Two remarks. A marker stands for a *value*, so it cannot be the name of a column or of a table. For names there is `IDENTIFIER(...)`, which takes a text and
# reads it as a name and nothing else: `FROM IDENTIFIER(:table)`, `SELECT max(IDENTIFIER(:column))`.
#
# And a note on our set-up: the SQL parser of Delta Lake 4.4 loses parameters on Spark 4.1. The course therefore sets
# `spark.sql.legacy.parameterSubstitution.constantsOnly` to `true`. If you ever see `UNBOUND_SQL_PARAMETER` in a project of your own that uses Delta, try this setting.
#
# ## Functions in SQL
#
# When a rule is used in several queries, write it once. A **SQL function** has typed parameters and one expression. Spark replaces each call by that
# expression *before* it optimizes the query, so such a function costs nothing, unlike a function written in Python, which Spark cannot look into.

# %%
spark.sql("""
    CREATE OR REPLACE TEMPORARY FUNCTION with_tax(net DECIMAL(10,2), rate DECIMAL(4,2) DEFAULT 0.20)
    RETURNS DECIMAL(12,2)
    RETURN net * (1 + rate)
""")
spark.sql("""
    SELECT name, price, with_tax(price) AS usual, with_tax(price, rate => 0.05) AS reduced
    FROM products
    ORDER BY product_id
    LIMIT 3
""").show()

# %% [markdown]
# A parameter may have a default, and a call may name its parameters with `=>`. The result is converted to the type after `RETURNS`. As with views, say
# `OR REPLACE`, so that the cell can run again.
#
# A **table function** returns rows. Its body is a query that may use the parameters; you call it in `FROM`. With `LATERAL` in front, its arguments may come from
# the tables on its left: it is then called for each of their rows.

# %%
spark.sql("""
    CREATE OR REPLACE TEMPORARY FUNCTION orders_of(customer BIGINT)
    RETURNS TABLE (order_id BIGINT, status STRING)
    RETURN SELECT o.order_id, o.status FROM orders AS o WHERE o.customer_id = orders_of.customer
""")
spark.sql("""
    SELECT c.name, o.order_id, o.status
    FROM customers AS c, LATERAL orders_of(c.customer_id) AS o
    WHERE c.customer_id IN (27, 29)
    ORDER BY c.name, o.order_id
""").show()

# %% [markdown]
# Inside the function, a name means a *column* first, and a parameter only if there is no such column. `orders_of.customer` leaves no doubt.
#
# ### Exercise 1.4.6: orders by age
#
# Create two temporary functions, and return what the second one gives:
#
# 1. `age_band(birth_date DATE, on_day DATE)` returns a `STRING`: `under 30`, `30 to 49` or `50 and over`, and `unknown` when `birth_date` is NULL. The age is the number of
#    completed years: `floor(months_between(on_day, birth_date) / 12)`.
# 2. `orders_by_age(from_day DATE, to_day DATE)` returns a table: `age_band`, `orders` (how many) and `customers` (how many different ones), for the orders placed from
#    `from_day` to `to_day`, **both days included**. The age that counts is the age **on the day of the order**. Orders whose customer is not in `customers` are left
#    out. Bands without orders do not appear.
#
# Your Python function gets the two days as text, such as `2025-01-01`. They go into the last of your three statements by parameter markers; `CAST(... AS DATE)` makes a date of
# a text.


# %% answer="1.4.6" title="Orders by age"
def orders_by_age(
    spark: SparkSession, customers: DataFrame, orders: DataFrame, from_day: str, to_day: str
) -> DataFrame:
    """(age_band STRING, orders BIGINT, customers BIGINT), one row per age band with orders."""
    ### BEGIN SOLUTION
    spark.sql("""
        CREATE OR REPLACE TEMPORARY FUNCTION age_band(birth_date DATE, on_day DATE)
        RETURNS STRING
        RETURN CASE
            WHEN birth_date IS NULL THEN 'unknown'
            WHEN floor(months_between(on_day, birth_date) / 12) < 30 THEN 'under 30'
            WHEN floor(months_between(on_day, birth_date) / 12) < 50 THEN '30 to 49'
            ELSE '50 and over'
        END
    """)
    spark.sql("""
        CREATE OR REPLACE TEMPORARY FUNCTION orders_by_age(from_day DATE, to_day DATE)
        RETURNS TABLE (age_band STRING, orders BIGINT, customers BIGINT)
        RETURN
            SELECT age_band(c.birth_date, CAST(o.order_ts AS DATE)),
                   count(*),
                   count(DISTINCT o.customer_id)
            FROM orders AS o
            JOIN customers AS c ON c.customer_id = o.customer_id
            WHERE CAST(o.order_ts AS DATE) BETWEEN from_day AND to_day
            GROUP BY ALL
    """)
    return spark.sql(
        "SELECT * FROM orders_by_age(CAST(:from_day AS DATE), CAST(:to_day AS DATE))",
        args={"from_day": from_day, "to_day": to_day},
    )
    ### END SOLUTION


# %% check="1.4.6" points=3
### BEGIN HIDDEN TESTS
variant(
    "1.4.6",
    "birthdays",
    "customers who turn 30 or 50 between the two days",
    customers=variants.replaced(
        birth_date=F.expr("""
            CASE WHEN customer_id % 2 = 0 THEN DATE '1995-02-10' ELSE DATE '1975-02-20' END
        """)
    ),
)
variant(
    "1.4.6",
    "late on the last day",
    "all orders at half past eleven at night, on the first or the last day",
    orders=variants.replaced(
        order_ts=F.expr("""
            CASE WHEN order_id % 3 = 0 THEN TIMESTAMP '2025-01-01 23:30:00'
                 ELSE TIMESTAMP '2025-03-31 23:30:00' END
        """)
    ),
)
variant(
    "1.4.6",
    "another half year",
    "other days, from April to October 2024",
    from_day="2024-04-15",
    to_day="2024-10-31",
)
variant(
    "1.4.6",
    "to the day",
    "orders of 2023 and 2024 on the day of a birthday, or the day before",
    customers=variants.replaced(
        birth_date=F.expr("""
            element_at(array(DATE '1993-03-10', DATE '1994-05-10', DATE '1973-03-10', DATE '1974-05-10'),
                       CAST(customer_id % 4 AS INT) + 1)
        """)
    ),
    orders=variants.replaced(
        order_ts=F.expr("""
            if(customer_id % 2 = 0, TIMESTAMP '2023-03-10 09:15:00', TIMESTAMP '2024-05-09 21:45:00')
        """)
    ),
    from_day="2023-01-01",
    to_day="2024-12-31",
)
### END HIDDEN TESTS
check(
    "1.4.6",
    orders_by_age,
    key=["age_band"],
    arguments={"from_day": "2025-01-01", "to_day": "2025-03-31"},
)

# %% [markdown] equivalent="1.4.6" because="customer_id is the key of customers and never NULL."
# - SQL null-safe equality: customer_id = o → customer_id <=> o

# %% [markdown] equivalent="1.4.6" because="The rows that this outer join adds are customers without orders; they have no order_ts, and WHERE drops them."
# - SQL join type: o JOIN customers → o RIGHT JOIN customers

# %% [markdown] equivalent="1.4.6" because="A DATE is midnight as a TIMESTAMP: months_between and BETWEEN give the same for both."
# - SQL type: birth_date DATE , → birth_date TIMESTAMP ,
# - SQL type: on_day DATE ) → on_day TIMESTAMP )
# - SQL type: from_day DATE , → from_day TIMESTAMP ,
# - SQL type: to_day DATE ) → to_day TIMESTAMP )

# %% [markdown] equivalent="1.4.6" because="What is given to a parameter of type DATE becomes a DATE there."
# - SQL type: AS DATE ) → AS TIMESTAMP )
# - SQL type: AS DATE ) → AS TIMESTAMP ) (3)
# - SQL type: AS DATE ) → AS TIMESTAMP ) (4)

# %% [markdown] equivalent="1.4.6" because="The table function says STRING, so its column becomes the same text again."
# - SQL type: RETURNS STRING RETURN → RETURNS BINARY RETURN

# %% [markdown] hints="1.4.6"
# 1. Three calls of `spark.sql`: two that create functions, one that reads `FROM` the second function. Say `OR REPLACE` in both.
# 2. The body of `age_band` is one `CASE` with the unknown birth date first. The body of the table function is a `SELECT` with a join and groups, which calls `age_band`.
# 3. `order_ts` has a time of day, `to_day` has none: half past eight on the last day is later than `to_day`. Convert `order_ts` to a date before you compare.


# %% wrong="1.4.6" because="`orders` is wrong in 3 of 4"
def orders_by_age(spark, customers, orders, from_day, to_day):
    return spark.sql(
        """
        SELECT CASE WHEN c.birth_date IS NULL THEN 'unknown'
                    WHEN year(o.order_ts) - year(c.birth_date) < 30 THEN 'under 30'
                    WHEN year(o.order_ts) - year(c.birth_date) < 50 THEN '30 to 49'
                    ELSE '50 and over' END AS age_band,
               count(*) AS orders, count(DISTINCT o.customer_id) AS customers
        FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id
        WHERE CAST(o.order_ts AS DATE) BETWEEN :from_day AND :to_day
        GROUP BY 1
        """,
        args={"from_day": from_day, "to_day": to_day},
    )


# %% wrong="1.4.6" because="1 row is missing"
def orders_by_age(spark, customers, orders, from_day, to_day):
    return spark.sql(
        """
        SELECT CASE WHEN months_between(CAST(o.order_ts AS DATE), c.birth_date) < 360 THEN 'under 30'
                    WHEN months_between(CAST(o.order_ts AS DATE), c.birth_date) < 600 THEN '30 to 49'
                    ELSE '50 and over' END AS age_band,
               count(*) AS orders, count(DISTINCT o.customer_id) AS customers
        FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id
        WHERE CAST(o.order_ts AS DATE) BETWEEN :from_day AND :to_day
        GROUP BY 1
        """,
        args={"from_day": from_day, "to_day": to_day},
    )


# %% wrong="1.4.6" because="`orders` is wrong in 2 of 4"
def orders_by_age(spark, customers, orders, from_day, to_day):
    return spark.sql(
        """
        SELECT CASE WHEN c.birth_date IS NULL THEN 'unknown'
                    WHEN months_between(CAST(o.order_ts AS DATE), c.birth_date) < 360 THEN 'under 30'
                    WHEN months_between(CAST(o.order_ts AS DATE), c.birth_date) < 600 THEN '30 to 49'
                    ELSE '50 and over' END AS age_band,
               count(*) AS orders, count(DISTINCT o.customer_id) AS customers
        FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id
        WHERE o.order_ts BETWEEN CAST(:from_day AS DATE) AND CAST(:to_day AS DATE)
        GROUP BY 1
        """,
        args={"from_day": from_day, "to_day": to_day},
    )


# %% wrong="1.4.6" because="who turn 30 or 50"
def orders_by_age(spark, customers, orders, from_day, to_day):
    return spark.sql(
        """
        SELECT CASE WHEN c.birth_date IS NULL THEN 'unknown'
                    WHEN months_between(CAST(:to_day AS DATE), c.birth_date) < 360 THEN 'under 30'
                    WHEN months_between(CAST(:to_day AS DATE), c.birth_date) < 600 THEN '30 to 49'
                    ELSE '50 and over' END AS age_band,
               count(*) AS orders, count(DISTINCT o.customer_id) AS customers
        FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id
        WHERE CAST(o.order_ts AS DATE) BETWEEN :from_day AND :to_day
        GROUP BY 1
        """,
        args={"from_day": from_day, "to_day": to_day},
    )


# %% wrong="1.4.6" because="on the day of a birthday"
def orders_by_age(spark, customers, orders, from_day, to_day):
    return spark.sql(
        """
        SELECT CASE WHEN age IS NULL THEN 'unknown'
                    WHEN age < 30 THEN 'under 30'
                    WHEN age < 50 THEN '30 to 49'
                    ELSE '50 and over' END AS age_band,
               count(*) AS orders, count(DISTINCT customer_id) AS customers
        FROM (
            SELECT o.*, datediff(o.order_ts, c.birth_date) / 365.25 AS age
            FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id
        )
        WHERE CAST(order_ts AS DATE) BETWEEN :from_day AND :to_day
        GROUP BY 1
        """,
        args={"from_day": from_day, "to_day": to_day},
    )


# %% wrong="1.4.6" because="on the day of a birthday"
def orders_by_age(spark, customers, orders, from_day, to_day):
    return spark.sql(
        """
        SELECT CASE WHEN age IS NULL THEN 'unknown'
                    WHEN age < 30 THEN 'under 30'
                    WHEN age < 50 THEN '30 to 49'
                    ELSE '50 and over' END AS age_band,
               count(*) AS orders, count(DISTINCT customer_id) AS customers
        FROM (
            SELECT o.*, year(order_ts) - year(birth_date)
                   - if(dayofyear(order_ts) < dayofyear(birth_date), 1, 0) AS age
            FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id
        )
        WHERE CAST(order_ts AS DATE) BETWEEN :from_day AND :to_day
        GROUP BY 1
        """,
        args={"from_day": from_day, "to_day": to_day},
    )


# %% wrong="1.4.6" because="from April to October 2024"
def orders_by_age(spark, customers, orders, from_day, to_day):
    return spark.sql("""
        SELECT CASE WHEN c.birth_date IS NULL THEN 'unknown'
                    WHEN months_between(CAST(o.order_ts AS DATE), c.birth_date) < 360 THEN 'under 30'
                    WHEN months_between(CAST(o.order_ts AS DATE), c.birth_date) < 600 THEN '30 to 49'
                    ELSE '50 and over' END AS age_band,
               count(*) AS orders, count(DISTINCT o.customer_id) AS customers
        FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id
        WHERE CAST(o.order_ts AS DATE) BETWEEN '2025-01-01' AND '2025-03-31'
        GROUP BY 1
    """)


# %% wrong="1.4.6" because="already exists"
def orders_by_age(spark, customers, orders, from_day, to_day):
    spark.sql("""
        CREATE TEMPORARY FUNCTION age_band(birth_date DATE, on_day DATE)
        RETURNS STRING
        RETURN CASE WHEN birth_date IS NULL THEN 'unknown'
                    WHEN months_between(on_day, birth_date) < 360 THEN 'under 30'
                    WHEN months_between(on_day, birth_date) < 600 THEN '30 to 49'
                    ELSE '50 and over' END
    """)
    return spark.sql(
        """
        SELECT age_band(c.birth_date, CAST(o.order_ts AS DATE)) AS age_band,
               count(*) AS orders, count(DISTINCT o.customer_id) AS customers
        FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id
        WHERE CAST(o.order_ts AS DATE) BETWEEN :from_day AND :to_day
        GROUP BY 1
        """,
        args={"from_day": from_day, "to_day": to_day},
    )


# %% right="1.4.6"
def orders_by_age(spark, customers, orders, from_day, to_day):
    day = F.to_date("order_ts")
    age = F.floor(F.months_between(day, F.col("birth_date")) / 12)
    band = (
        F.when(age < 30, "under 30")
        .when(age < 50, "30 to 49")
        .when(age.isNotNull(), "50 and over")
        .otherwise("unknown")
    )
    return (
        orders.join(customers, "customer_id")
        .filter(day.between(F.lit(from_day).cast("date"), F.lit(to_day).cast("date")))
        .groupBy(band.alias("age_band"))
        .agg(F.count("*").alias("orders"), F.count_distinct("customer_id").alias("customers"))
    )


# %% [markdown]
# ## Which texts are equal: collations
#
# A search box should find `Málaga` when somebody types `malaga`. A **collation** is the rule by which texts are compared. The usual one, `UTF8_BINARY`, compares
# byte by byte. Others are asked for with `COLLATE`:

# %%
spark.sql("""
    SELECT 'KÖLN' = 'Köln'                          AS usual,
           'KÖLN' COLLATE UTF8_LCASE = 'Köln'       AS small_letters,
           'Koln' COLLATE UTF8_LCASE = 'Köln'       AS small_letters_no_dots,
           'Koln' COLLATE UNICODE_CI_AI = 'Köln'    AS any_case_any_accent
""").show()

# %% [markdown]
# `CI` means *case insensitive*, `AI` *accent insensitive*. A collation belongs to the type of a column (`STRING COLLATE UNICODE_CI_AI`), and then it also decides about
# `GROUP BY`, joins and sorting. Used in a `WHERE` only, it changes no type of the result. `lower(a) = lower(b)` does a part of this, but not the accents.
#
# ### Exercise 1.4.7: the search box
#
# Write the query behind a search form. `column` is the column to search, `name`, `city` or `country`; `wanted` is what somebody typed. Return `customer_id`, `name`, `city` and
# `country` of the customers whose value in that column equals `wanted`, when upper and lower case and accents are ignored. Nothing else is ignored: `wanted` is the whole value, a blank at
# its beginning or end is part of it, and a `%` in it is just a `%`. The result's columns stay plain `STRING`. Whatever people type, it must never be read as SQL.


# %% answer="1.4.7" title="The search box"
def find_customers(
    spark: SparkSession, customers: DataFrame, column: str, wanted: str
) -> DataFrame:
    """(customer_id BIGINT, name STRING, city STRING, country STRING), the customers found."""
    ### BEGIN SOLUTION
    return spark.sql(
        """
        SELECT customer_id, name, city, country
        FROM customers
        WHERE IDENTIFIER(:column) COLLATE UNICODE_CI_AI = :wanted
        """,
        args={"column": column, "wanted": wanted},
    )
    ### END SOLUTION


# %% check="1.4.7" points=2
### BEGIN HIDDEN TESTS
variant("1.4.7", "a name", "somebody types a name", column="name", wanted="emilie LACROIX")
variant("1.4.7", "a quotation mark", "somebody types x' OR '1' = '1", wanted="x' OR '1' = '1")
variant("1.4.7", "another quotation mark", 'somebody types x" OR "1" = "1', wanted='x" OR "1" = "1')
variant("1.4.7", "a part", "somebody types a part of a city's name", wanted="laga")
variant("1.4.7", "a beginning", "somebody types how a city's name begins", wanted="MALÁ")
variant("1.4.7", "a blank", "somebody types a blank behind a city's name", wanted="malaga ")
variant("1.4.7", "an accent", "somebody types an accent that is not there", wanted="Bérlin")
variant("1.4.7", "a per cent sign", "somebody types m%", wanted="m%")
variant("1.4.7", "a country", "somebody types a country", column="country", wanted="SPAIN")
variant(
    "1.4.7",
    "rare accents",
    "somebody types a city with rare accents, without them",
    customers=variants.replaced(city=F.expr("if(customer_id % 3 = 0, 'Třebíč', city)")),
    wanted="trebic",
)
variant(
    "1.4.7",
    "a backslash",
    "somebody types a backslash, a quotation mark and a comment",
    wanted="x\\' OR 1 = 1 -- ",
)
### END HIDDEN TESTS
check(
    "1.4.7",
    find_customers,
    key=["customer_id"],
    arguments={"column": "city", "wanted": "malaga"},
)

# %% [markdown] equivalent="1.4.7" because="What is looked for is never NULL, and WHERE drops false and NULL alike."
# - SQL null-safe equality: UNICODE_CI_AI = :wanted → UNICODE_CI_AI <=> :wanted

# %% [markdown] hints="1.4.7"
# 1. Two things come from outside. One is a value, the other is a name: they go in by different ways.
# 2. `IDENTIFIER(...)` around a marker makes a column's name of it; the value is compared as it is.
# 3. Which collation ignores both case and accents? It is written after the column, inside `WHERE`, nowhere else.


# %% wrong="1.4.7" because="somebody types x' OR '1' = '1"
def find_customers(spark, customers, column, wanted):
    return spark.sql(f"""
        SELECT customer_id, name, city, country
        FROM customers
        WHERE {column} COLLATE UNICODE_CI_AI = '{wanted}'
    """)


# %% wrong="1.4.7" because="All rows are missing"
def find_customers(spark, customers, column, wanted):
    return spark.sql(
        """
        SELECT customer_id, name, city, country
        FROM customers
        WHERE lower(IDENTIFIER(:column)) = lower(:wanted)
        """,
        args={"column": column, "wanted": wanted},
    )


# %% wrong="1.4.7" because="All rows are missing"
def find_customers(spark, customers, column, wanted):
    return spark.sql(
        """
        SELECT customer_id, name, city, country
        FROM customers
        WHERE :column COLLATE UNICODE_CI_AI = :wanted
        """,
        args={"column": column, "wanted": wanted},
    )


# %% wrong="1.4.7" because="somebody types m%"
def find_customers(spark, customers, column, wanted):
    plain = "translate(lower({}), 'áàâäãąéèêëęíïóöôõúüûćçñńśżź', 'aaaaaaeeeeeiioooouuuccnnszz')"
    return spark.sql(
        f"""
        SELECT customer_id, name, city, country
        FROM customers
        WHERE {plain.format("IDENTIFIER(:column)")} LIKE {plain.format(":wanted")}
        """,
        args={"column": column, "wanted": wanted},
    )


# %% wrong="1.4.7" because="somebody types a name"
def find_customers(spark, customers, column, wanted):
    return spark.sql(
        """
        SELECT customer_id, name, city, country
        FROM customers
        WHERE city COLLATE UNICODE_CI_AI = :wanted
        """,
        args={"wanted": wanted},
    )


# %% wrong="1.4.7" because='somebody types x" OR "1" = "1'
def find_customers(spark, customers, column, wanted):
    return spark.sql(f"""
        SELECT customer_id, name, city, country
        FROM customers
        WHERE {column} COLLATE UNICODE_CI_AI = "{wanted}"
    """)


# %% wrong="1.4.7" because="a part of a city's name"
def find_customers(spark, customers, column, wanted):
    return spark.sql(
        """
        SELECT customer_id, name, city, country
        FROM customers
        WHERE contains(IDENTIFIER(:column) COLLATE UNICODE_CI_AI, :wanted)
        """,
        args={"column": column, "wanted": wanted},
    )


# %% wrong="1.4.7" because="how a city's name begins"
def find_customers(spark, customers, column, wanted):
    return spark.sql(
        """
        SELECT customer_id, name, city, country
        FROM customers
        WHERE startswith(IDENTIFIER(:column) COLLATE UNICODE_CI_AI, :wanted)
        """,
        args={"column": column, "wanted": wanted},
    )


# %% wrong="1.4.7" because="a blank behind"
def find_customers(spark, customers, column, wanted):
    return spark.sql(
        """
        SELECT customer_id, name, city, country
        FROM customers
        WHERE trim(IDENTIFIER(:column)) COLLATE UNICODE_CI_AI = trim(:wanted)
        """,
        args={"column": column, "wanted": wanted},
    )


# %% wrong="1.4.7" because="a backslash, a quotation mark"
def find_customers(spark, customers, column, wanted):
    doubled = wanted.replace("'", "''")
    return spark.sql(f"""
        SELECT customer_id, name, city, country FROM customers
        WHERE {column} COLLATE UNICODE_CI_AI = '{doubled}'
    """)


# %% wrong="1.4.7" because="a backslash, a quotation mark"
def find_customers(spark, customers, column, wanted):
    escaped = wanted.replace("'", "\\'")
    return spark.sql(f"""
        SELECT customer_id, name, city, country FROM customers
        WHERE {column} COLLATE UNICODE_CI_AI = '{escaped}'
    """)


# %% wrong="1.4.7" because="a blank behind"
def find_customers(spark, customers, column, wanted):
    return spark.sql(
        """
        SELECT customer_id, name, city, country
        FROM customers
        WHERE IDENTIFIER(:column) COLLATE UNICODE_CI_AI_RTRIM = :wanted
        """,
        args={"column": column, "wanted": wanted},
    )


# %% wrong="1.4.7" because="a city with rare accents"
def find_customers(spark, customers, column, wanted):
    def plain(text):
        return F.translate(F.lower(text), "áàâäãéèêëíìîïóòôöõúùûüñç", "aaaaaeeeeiiiiooooouuuunc")

    found = customers.filter(plain(F.col(column)) == plain(F.lit(wanted)))
    return found.select("customer_id", "name", "city", "country")


# %% wrong="1.4.7" because="an accent that is not there"
def find_customers(spark, customers, column, wanted):
    plain = F.translate(
        F.lower(column), "áàâäãąéèêëęíïóöôõúüûćçñńśżź", "aaaaaaeeeeeiioooouuuccnnszz"
    )
    found = customers.filter(plain == wanted.lower())
    return found.select("customer_id", "name", "city", "country")


# %% right="1.4.7"
def find_customers(spark, customers, column, wanted):
    same = F.collate(F.col(column), "UNICODE_CI_AI") == F.lit(wanted)
    return customers.filter(same).select("customer_id", "name", "city", "country")


# %% [markdown]
# ## Session variables
#
# A **session variable** is a named value that lives in your session. You declare it with a type, set it, and use it like a column:

# %%
spark.sql("DECLARE OR REPLACE VARIABLE newest_signup DATE")
spark.sql("SET VAR newest_signup = (SELECT max(signup_date) FROM customers)")
spark.sql("""
    SELECT newest_signup, count(*) AS customers_of_that_day
    FROM customers
    WHERE signup_date = newest_signup
""").show()

# %% [markdown]
# Until it is set, it has the value after `DEFAULT`, or NULL. If a column has the same name, the **column wins**, silently. `session.newest_signup` always means the variable. So
# give variables names that no column has.
#
# ## Scripts: several statements at once
#
# A **SQL script** is a block `BEGIN ... END` that goes to the engine as a whole. It has local variables, conditions and loops. Inside a script `SET` needs no `VAR`. The result is that
# of the last `SELECT` that ran. Looking every three months: when had half of all customers signed up?

# %%
spark.sql("""
    BEGIN
        DECLARE month DATE DEFAULT DATE '2024-01-01';
        DECLARE months INT DEFAULT 0;
        DECLARE half BIGINT;

        SET half = (SELECT count(*) DIV 2 FROM customers);
        WHILE (SELECT count(*) FROM customers WHERE signup_date < month) < half DO
            SET month = add_months(month, 3);
            SET months = months + 3;
        END WHILE;

        SELECT half, months, month AS reached_before;
    END
""").show()

# %% [markdown]
# | statement | does |
# |---|---|
# | `DECLARE x INT DEFAULT 0;` | a local variable; declarations come first in a block |
# | `IF ... THEN ... ELSE ... END IF;` | a condition |
# | `WHILE ... DO ... END WHILE;`, `REPEAT ... UNTIL ... END REPEAT;`, `LOOP ... END LOOP;` | loops; `LEAVE` ends a loop with a label, `ITERATE` starts its next round |
# | `FOR row AS SELECT ... DO ... END FOR;` | one round per row of a query |
# | `EXECUTE IMMEDIATE text INTO x USING value AS name` | runs a statement that is made at run time |
# | `DECLARE EXIT HANDLER FOR condition ...` | what to do when something fails |
#
# A **handler** belongs to a block. When a statement of this block fails with its condition, the handler's statement runs, and then **the block is left**. Work goes on
# *after the block's* `END`. The condition is the name of an error (`DIVIDE_BY_ZERO`), a SQL state (`SQLSTATE '22012'`), or `SQLEXCEPTION` for all errors. Handlers are
# declared after the variables.

# %%
spark.sql("""
    BEGIN
        DECLARE average DOUBLE DEFAULT 0;
        DECLARE remark STRING DEFAULT 'fine';
        BEGIN
            DECLARE EXIT HANDLER FOR DIVIDE_BY_ZERO
                SET remark = 'there was nothing to divide by';
            SET average = 10 / 0;
            SET remark = 'this line is never reached';
        END;
        SELECT average, remark;
    END
""").show(truncate=False)

# %% [markdown]
# Three limits to know in Spark 4.1. First, parameter markers do not reach the statements inside a script with our set-up; put the values into **session variables** before, and read
# these in the script. Second, only `EXIT` handlers exist. Third, each statement of a script is a query of its own. A loop over 700 rows runs more than 700 queries, which takes a minute or more
# where *one* query takes a second. Loop over tables or months, never over rows.
#
# ### Exercise 1.4.8: counting tables that may not be there
#
# Every morning a monitor counts the rows of a list of tables. A table that does not exist must not stop it. Return one row for each name in `tables`: `table_name` and
# `row_count` (`BIGINT`), which is NULL when there is no such table. For an empty list return no rows. All names in the list are different.
#
# Write it as a script: put the list into a session variable, loop over its positions, and count each table inside a block that has a handler. Collect the results in a local array of structs
# (`array_append`, `named_struct`), and turn it into rows at the end with `inline`. For example, `SELECT inline(array_append(array(named_struct('n', 1)), named_struct('n', 2)))` gives two rows with a column `n`. The first element
# of an array is `names[0]`, and `size(names)` is their number.


# %% answer="1.4.8" title="Counting tables that may not be there"
def row_counts(
    spark: SparkSession,
    customers: DataFrame,
    orders: DataFrame,
    payments: DataFrame,
    tables: list[str],
) -> DataFrame:
    """(table_name STRING, row_count BIGINT or NULL), one row per name in `tables`."""
    ### BEGIN SOLUTION
    spark.sql("DECLARE OR REPLACE VARIABLE watched_tables ARRAY<STRING>")
    spark.sql(
        "SET VAR watched_tables = CAST(:tables AS ARRAY<STRING>)",
        args={"tables": tables},
    )
    return spark.sql("""
        BEGIN
            DECLARE counts ARRAY<STRUCT<table_name: STRING, row_count: BIGINT>> DEFAULT array();
            DECLARE position INT DEFAULT 0;
            DECLARE found BIGINT;

            WHILE position < size(watched_tables) DO
                BEGIN
                    DECLARE EXIT HANDLER FOR TABLE_OR_VIEW_NOT_FOUND
                        SET found = NULL;
                    SET found = (SELECT count(*) FROM IDENTIFIER(watched_tables[position]));
                END;
                SET counts = array_append(
                    counts,
                    named_struct('table_name', watched_tables[position], 'row_count', found)
                );
                SET position = position + 1;
            END WHILE;

            SELECT inline(counts);
        END
    """)
    ### END SOLUTION


# %% check="1.4.8" points=3
### BEGIN HIDDEN TESTS
variant(
    "1.4.8",
    "an empty table",
    "a table without rows, which is there all the same",
    orders=variants.empty,
    tables=["orders", "missing", "payments"],
)
variant("1.4.8", "no names", "an empty list of tables", tables=[])
### END HIDDEN TESTS
check(
    "1.4.8",
    row_counts,
    key=["table_name"],
    arguments={"tables": ["orders", "refunds", "customers", "payments"]},
)

# %% [markdown] equivalent="1.4.8" because="The variable is an array of STRING, so what is set becomes the same text again."
# - SQL type: < STRING > → < BINARY > (2)

# %% [markdown] equivalent="1.4.8" because="An index may be INT or BIGINT."
# - SQL type: position INT DEFAULT → position BIGINT DEFAULT

# %% [markdown] equivalent="1.4.8" because="The field of counts is BIGINT anyhow; only a table of more than 2,147,483,647 rows could tell the difference."
# - SQL type: found BIGINT ; → found INT ;

# %% [markdown] hints="1.4.8"
# 1. Begin without the handler, with two tables that exist: a variable for the position, `WHILE`, one count per round, one element appended per round. Declare the
#    array of results with its full type, `ARRAY<STRUCT<...>>`; it begins as `array()`.
# 2. The name of the table comes from the variable: `IDENTIFIER(...)` around the array's element, where a table's name would stand in `FROM`.
# 3. The handler ends *its* block. For the loop to go on, the block must be inside the loop, around the counting only; the handler sets the result of the count to NULL.
# 4. In an empty list Spark cannot see the type: convert the parameter to an array of texts with `CAST` when you set the session variable.


# %% wrong="1.4.8" because="refunds"
def row_counts(spark, customers, orders, payments, tables):
    queries = [
        f"SELECT '{name}' AS table_name, count(*) AS row_count FROM {name}" for name in tables
    ]
    return spark.sql(" UNION ALL ".join(queries))


# %% wrong="1.4.8" because="3 rows are missing"
def row_counts(spark, customers, orders, payments, tables):
    spark.sql("DECLARE OR REPLACE VARIABLE watched_tables ARRAY<STRING>")
    spark.sql(
        "SET VAR watched_tables = CAST(:tables AS ARRAY<STRING>)",
        args={"tables": tables},
    )
    return spark.sql("""
        BEGIN
            DECLARE counts ARRAY<STRUCT<table_name: STRING, row_count: BIGINT>> DEFAULT array();
            DECLARE position INT DEFAULT 0;
            DECLARE found BIGINT;
            BEGIN
                DECLARE EXIT HANDLER FOR TABLE_OR_VIEW_NOT_FOUND SET found = NULL;
                WHILE position < size(watched_tables) DO
                    SET found = (SELECT count(*) FROM IDENTIFIER(watched_tables[position]));
                    SET counts = array_append(
                        counts,
                        named_struct('table_name', watched_tables[position], 'row_count', found)
                    );
                    SET position = position + 1;
                END WHILE;
            END;
            SELECT inline(counts);
        END
    """)


# %% wrong="1.4.8" because="`row_count` is wrong in 1 of 4"
def row_counts(spark, customers, orders, payments, tables):
    counts = [
        (name, spark.table(name).count() if spark.catalog.tableExists(name) else 0)
        for name in tables
    ]
    return spark.createDataFrame(counts, "table_name STRING, row_count BIGINT")


# %% wrong="1.4.8" because="a table without rows"
def row_counts(spark, customers, orders, payments, tables):
    counts = [
        (name, (spark.table(name).count() or None) if spark.catalog.tableExists(name) else None)
        for name in tables
    ]
    return spark.createDataFrame(counts, "table_name STRING, row_count BIGINT")


# %% wrong="1.4.8" because="an empty list"
def row_counts(spark, customers, orders, payments, tables):
    counts = [
        (name, spark.table(name).count() if spark.catalog.tableExists(name) else None)
        for name in tables
    ]
    return spark.createDataFrame(counts, ["table_name", "row_count"])


# %% right="1.4.8"
def row_counts(spark, customers, orders, payments, tables):
    counts = [
        (name, spark.table(name).count() if spark.catalog.tableExists(name) else None)
        for name in tables
    ]
    return spark.createDataFrame(counts, "table_name STRING, row_count BIGINT")


# %% right="1.4.8"
def row_counts(spark, customers, orders, payments, tables):
    spark.sql("DECLARE OR REPLACE VARIABLE table_names ARRAY<STRING> DEFAULT array()")
    spark.sql("SET VAR table_names = CAST(:names AS ARRAY<STRING>)", args={"names": tables})
    return spark.sql("""
        BEGIN
            DECLARE results MAP<STRING, BIGINT> DEFAULT CAST(map() AS MAP<STRING, BIGINT>);
            DECLARE n INT DEFAULT 0;
            DECLARE answer BIGINT;
            every_table: LOOP
                IF n >= size(table_names) THEN LEAVE every_table; END IF;
                SET answer = NULL;
                BEGIN
                    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END;
                    EXECUTE IMMEDIATE 'SELECT count(*) FROM IDENTIFIER(:name)'
                        INTO answer USING table_names[n] AS name;
                END;
                SET results = map_concat(results, map(table_names[n], answer));
                SET n = n + 1;
            END LOOP;
            SELECT explode(results) AS (table_name, row_count);
        END
    """)


# %% [markdown]
# ### Question 1.4.9: what is a view worth?
#
# A team has created a temporary view `order_report`, a join of `orders`, `order_items` and `customers` with several groups. Ten queries of a dashboard read it every hour. A colleague
# says: "The dashboard is slow, but not because of the join. That was computed when we created the view. And since it is a view now, the other team can use it too."
# Answer in five to eight sentences: what is right and what is wrong about this, what would you change so that the join is not computed ten times, and what would you do for
# the other team, who work in another application?

# %% [markdown] written="1.4.9" points=3 title="What is a view worth?"
# ### BEGIN SOLUTION
# A view stores a query, not its result. Creating it computed nothing; each of the ten queries runs the whole join and the grouping again, so the join may well be what makes the dashboard
# slow. If the ten queries come one after the other in one session, the result can be kept in memory (`CACHE TABLE order_report`, or `cache()` on the DataFrame), which has to be refreshed when the
# data change. If they come every hour, it is better to write the result to a table once an hour, with a job, and let the dashboard read the table. A common table expression would not help: it lives for one statement and is
# no cache either. The view is also not shared: a temporary view belongs to one session, and even a global temporary view only to one application, and both are gone when it ends. The other team needs something that is in the
# catalog: a table with the result, or a permanent view, with permission to read it.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: a view stores no rows; each reading query computes the join again
# - 1 point: a sensible way to compute once, with what it costs (cache with refreshing, or a table written by a job); not "a CTE"
# - 1 point: temporary and global temporary views end with the session or application; a table or a permanent view in the catalog for the other team
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | a view is a name for a query | it stores no rows, and each reading computes it again |
# | `WITH` names the steps, `WITH RECURSIVE` repeats one | a tree of any depth needs no fixed number of joins |
# | `NOT EXISTS` instead of `NOT IN` | one NULL in the subquery makes `NOT IN` find nothing |
# | a scalar subquery gives NULL for no rows | `count(*)` gives 0 all the same |
# | `\|>` is read from top to bottom | one word, `WHERE`, filters before and after an aggregation |
# | a SQL function is replaced by its body | the optimizer sees through it |
# | values with `:name`, names with `IDENTIFIER(:name)` | text from outside must never be read as SQL |
# | a handler leaves its block | put the block inside the loop if the loop is to go on |
# | a script runs statement by statement | loop over tables or months, not over rows |
#
# > **On Databricks:** a `%sql` cell runs the same language. Pipe syntax needs runtime 16.2 or newer, recursive CTEs 17.0 or newer. Serverless compute has no global temporary
# > views; there, and with Spark Connect in general, names are looked up when a query runs, not when you write `spark.sql(...)`, so give each view a name of its own. Functions and views for
# > others live in Unity Catalog, Databricks' catalog of tables and functions: `CREATE FUNCTION catalog.schema.name ...`, `CREATE VIEW catalog.schema.name AS ...`.
