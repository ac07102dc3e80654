# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 0.2 How Spark runs your code
#
# **Time:** 90 minutes · **Data:** retail · **Before this:** 0.1
#
# Two people write the same report about the shop's orders. Both get the same numbers. One report is ready in a minute; the other one runs for an
# hour, reads the table forty times and sends it across the network again and again. The difference is not talent but knowing what
# Spark does with a line of code. You will look at that here, with small tables, where mistakes cost nothing.
#
# ## You will learn to
#
# - read and change the settings of a session, and know which ones cannot be changed any more
# - see how rows lie in partitions, and change that with and without moving them
# - say which lines only describe work and which ones start it, and get several results out of one action
# - read a physical plan and find the places where rows are shuffled
# - keep a result in memory, send a small table to every worker, and count things without counting them twice

# %% setup=true
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("0.2").getOrCreate()

orders = spark.read.parquet(sample("orders"))
customers = spark.read.parquet(sample("customers"))
payments = spark.read.parquet(sample("payments"))

# %%
orders.orderBy("order_id").select(
    "order_id", "customer_id", "store_id", "status", "channel", "discount_code"
).show(4)
print("orders:", orders.count(), " payments:", payments.count(), " customers:", customers.count())

# %% [markdown]
# An order with `customer_id` NULL was placed by a **guest**, who has no account. `store_id` is NULL for orders from the web and the app.
#
# ## The session and its settings
#
# `spark` is your **session**: the object through which your Python program, the **driver**, gives orders to Spark. The driver makes the plan;
# **executors** are the processes that carry it out. In this course both are one process on your own machine, with two threads that work
# (the setting `spark.master` says so: `local[2]`). On a cluster, the executors are other machines. The code stays the same.
#
# A session has **settings**, text by name. Some can be changed whenever you like. Others, such as the driver's memory, are
# needed to *start* Spark, so they are fixed from then on. These are called **static**.

# %%
print("parts of a shuffle:", spark.conf.get("spark.sql.shuffle.partitions"))
spark.conf.set("spark.sql.shuffle.partitions", 3)
print("changed:           ", spark.conf.get("spark.sql.shuffle.partitions"))
spark.conf.set("spark.sql.shuffle.partitions", 2)

try:
    spark.conf.set("spark.sql.warehouse.dir", "elsewhere")
except PySparkException as error:
    print("a static setting:  ", error.getCondition())

# %% [markdown]
# Two people, or two reports, can have different settings at once: `spark.newSession()` shares the executors and the cached data with `spark`,
# but has its own settings and its own temporary views (names for tables in SQL, more below). The **builder**, however, makes no second session. `getOrCreate()` returns the one that is
# there, and gives *it* the settings that you asked for. Many people change their colleague's settings that way:

# %%
report = spark.newSession()
report.conf.set("spark.sql.shuffle.partitions", 5)
print(
    "spark:",
    spark.conf.get("spark.sql.shuffle.partitions"),
    " report:",
    report.conf.get("spark.sql.shuffle.partitions"),
)

built = SparkSession.builder.config("spark.sql.shuffle.partitions", 4).getOrCreate()
print(
    "the same session?",
    built is spark,
    " and now it has",
    spark.conf.get("spark.sql.shuffle.partitions"),
)
spark.conf.set("spark.sql.shuffle.partitions", 2)

# %% [markdown]
# ### Exercise 0.2.1: what can still be changed
#
# Before a report starts, somebody wants to know which settings it may change. `names` is a list of settings. Return a dictionary with one
# entry per name: `True` when the running session allows you to change it, otherwise `False`. Do not change any of them. All names are settings that
# Spark knows.
# (`dir(spark.conf)` lists what you can ask the settings.)


# %% answer="0.2.1" title="What can still be changed"
def can_change(spark: SparkSession, names: list[str]) -> dict[str, bool]:
    """Setting → True if it can be changed in the running session, else False."""
    ### BEGIN SOLUTION
    return {name: spark.conf.isModifiable(name) for name in names}
    ### END SOLUTION


# %% check="0.2.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

more = [
    "spark.sql.extensions",
    "spark.sql.ansi.enabled",
    "spark.sql.autoBroadcastJoinThreshold",
    "spark.executor.cores",
]
variant("0.2.1", "others", "other settings", names=more)
variant("0.2.1", "none", "an empty list of settings", names=[])
### END HIDDEN TESTS
check(
    "0.2.1",
    can_change,
    arguments={
        "names": [
            "spark.sql.shuffle.partitions",
            "spark.sql.warehouse.dir",
            "spark.driver.memory",
            "spark.sql.session.timeZone",
        ]
    },
)

# %% [markdown] hints="0.2.1"
# 1. You need one question per name. `spark.conf` has a method whose name says just that; look for "modif" in `dir(spark.conf)`.
# 2. A dictionary over a list: `{name: ... for name in names}`.


# %% wrong="0.2.1" because="`spark.sql.warehouse.dir` is wrong"
def can_change(spark, names):
    return {name: name.startswith("spark.sql.") for name in names}


# %% wrong="0.2.1" because="wrong"
def can_change(spark, names):
    return {name: spark.conf.get(name, None) is not None for name in names}


# %% wrong="0.2.1" because="a list"
def can_change(spark, names):
    return [name for name in names if spark.conf.isModifiable(name)]


# %% wrong="0.2.1" because="other settings"
def can_change(spark, names):
    return {
        "spark.sql.shuffle.partitions": True,
        "spark.sql.warehouse.dir": False,
        "spark.driver.memory": False,
        "spark.sql.session.timeZone": True,
    }


# %% right="0.2.1"
def can_change(spark, names):
    found = {}
    for name in names:
        try:
            spark.conf.set(name, spark.conf.get(name))
            found[name] = True
        except Exception:
            found[name] = False
    return found


# %% [markdown]
# ## Partitions
#
# Spark cuts every table into **partitions**. A partition is what one thread works on at a time: a **task** is one piece of the plan, run on one
# partition. With two threads and one partition, one thread sleeps. With ten thousand tiny partitions, Spark is busy handing out tasks.
# `F.spark_partition_id()` gives, for each row, the number of the partition that it is in. A small function makes that visible:


# %%
def rows_by_partition(frame: DataFrame) -> dict[int, int]:
    """Partition → number of its rows; partitions without rows are left out."""
    numbered = frame.select(F.spark_partition_id().alias("number"))
    return {
        row["number"]: row["count"]
        for row in numbered.groupBy("number").count().orderBy("number").collect()
    }


print("as read:                   ", rows_by_partition(orders))
print("repartition(4):            ", rows_by_partition(orders.repartition(4)))
print('repartition(4, "order_id"):', rows_by_partition(orders.repartition(4, "order_id")))
print("partitions of the last one:", orders.repartition(4, "order_id").rdd.getNumPartitions())

# %% [markdown]
# - `repartition(4)` deals the rows out like cards: four parts of equal size, and nobody knows which row lies where.
# - `repartition(4, "order_id")` computes a **hash** of `order_id` for each row, a number made from the value; equal values have equal hashes. The hash decides. **Rows with the same value always land in the same
#   partition**, which is what joins and groups need. The parts are only as even as the values are.
# - `df.rdd.getNumPartitions()` says how many partitions a DataFrame has, those without rows included. (Below every DataFrame lies an **RDD**, Spark's
#   older interface: rows as Python or Java objects, in partitions. You will meet it in this one line only.)
#
# Moving rows between partitions is called a **shuffle**: every row may travel from any executor to any other, through disk and network. It is
# the most expensive thing that Spark does. Look at what happens with a column that has few values:

# %%
import matplotlib.pyplot as plt

by_cards = rows_by_partition(orders.repartition(8))
by_status = rows_by_partition(orders.repartition(8, "status"))
figure, both = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
for axes, sizes, title in zip(
    both, (by_cards, by_status), ("repartition(8)", 'repartition(8, "status")'), strict=True
):
    axes.bar(range(8), [sizes.get(number, 0) for number in range(8)], color="#3b6ea5")
    axes.set_xlabel("partition (number)")
    axes.set_title(title)
both[0].set_ylabel("rows (count)")
figure.suptitle("How 1,500 orders lie in eight partitions")
figure.tight_layout()
plt.show()

# %% [markdown]
# On the right, most orders have the same status, so one partition has most of the rows, and some have none. One task works while the
# others have finished: that is called **skew**.
#
# To count rows per value of something, group by it: `customers.groupBy("city").agg(F.count("*").alias("people"))` gives one row per city with the
# number of its customers. Notebook 1.2 has more about groups.
#
# ### Exercise 0.2.2: all orders of a customer together
#
# Spread `orders` over `partitions` partitions so that all orders of one customer are in the same partition, by the hash of `customer_id`. Return
# for each partition **that has rows** its number (`partition`, `INT`) and how many rows it has (`rows`, `BIGINT`). The guests, whose
# `customer_id` is NULL, count like any other value.


# %% answer="0.2.2" title="All orders of a customer together"
def rows_per_partition(orders: DataFrame, partitions: int) -> DataFrame:
    """(partition INT, rows BIGINT) after spreading `orders` by customer; only partitions with rows."""
    ### BEGIN SOLUTION
    spread = orders.repartition(partitions, "customer_id")
    return spread.groupBy(F.spark_partition_id().alias("partition")).agg(F.count("*").alias("rows"))
    ### END SOLUTION


# %% check="0.2.2" points=2
### BEGIN HIDDEN TESTS
variant(
    "0.2.2",
    "five",
    "five partitions and many orders of guests",
    orders=variants.nulls("customer_id", every=2),
    partitions=5,
)
variant(
    "0.2.2",
    "few",
    "a shop with three customers and eight partitions",
    orders=variants.replaced(customer_id=F.col("order_id") % 3),
)
variant("0.2.2", "other shop", "another shop", seed=2207, partitions=3)
### END HIDDEN TESTS
check("0.2.2", rows_per_partition, arguments={"partitions": 8}, key=["partition"])

# %% [markdown] hints="0.2.2"
# 1. Two steps: first lay the rows out anew, then ask each row where it lies and count.
# 2. `repartition` takes the number first and then the column that decides.
# 3. Group by the function that tells the partition's number, renamed with `alias`; count the rows under the name `rows`.


# %% wrong="0.2.2" because="rows"
def rows_per_partition(orders, partitions):
    spread = orders.repartition(partitions)
    return spread.groupBy(F.spark_partition_id().alias("partition")).agg(F.count("*").alias("rows"))


# %% wrong="0.2.2" because="missing"
def rows_per_partition(orders, partitions):
    spread = orders.coalesce(partitions)
    return spread.groupBy(F.spark_partition_id().alias("partition")).agg(F.count("*").alias("rows"))


# %% wrong="0.2.2" because="rows"
def rows_per_partition(orders, partitions):
    spread = orders.repartition(partitions, "customer_id")
    return spread.groupBy(F.spark_partition_id().alias("partition")).count()


# %% wrong="0.2.2" because="rows"
def rows_per_partition(orders, partitions):
    spread = orders.repartition(partitions, "customer_id")
    return spread.groupBy(F.spark_partition_id().alias("partition")).agg(
        F.count("customer_id").alias("rows")
    )


# %% wrong="0.2.2" because="on hidden data"
def rows_per_partition(orders, partitions):
    spread = orders.repartition(8, "customer_id")
    return spread.groupBy(F.spark_partition_id().alias("partition")).agg(F.count("*").alias("rows"))


# %% right="0.2.2"
def rows_per_partition(orders, partitions):
    return orders.sparkSession.sql(f"""
        SELECT partition, count(*) AS rows
        FROM (SELECT /*+ REPARTITION({partitions}, customer_id) */ customer_id, spark_partition_id() AS partition
              FROM (SELECT /*+ REPARTITION({partitions}, customer_id) */ * FROM orders))
        GROUP BY partition
    """)


# %% [markdown]
# ### Fewer partitions without a shuffle
#
# Each partition becomes one file when you write a table. To get *fewer* partitions there is a cheap way: `coalesce(n)` lets one task read
# several old partitions, one after the other. No row moves. It can only lower the number; asked for more, it does nothing. The price: fewer
# tasks also do all the work before it.

# %%
six = orders.repartition(6)
print("six:                         ", rows_by_partition(six))
print("six, coalesced into two:     ", rows_by_partition(six.coalesce(2)))
print("one, 'coalesced' into eight: ", rows_by_partition(orders.coalesce(8)))

# %% [markdown]
# ### Exercise 0.2.3: one file for the auditor
#
# An auditor wants to know what happened to each order, in **one** file. Return the columns `order_id` (`BIGINT`), `event` (`STRING`) and `at`
# (`TIMESTAMP`): for each row of `orders` one row with the event `"ordered"` and the time `order_ts`, and for each row of `payments` one row with the event
# `"paid"` and the time `paid_ts`. Keep all rows, also equal ones. Two tables put below each other with `union` have the partitions of both;
# your result has **one** partition, and gets there **without a shuffle**. `union` matches columns by position, `unionByName` by name; `F.lit("paid")` is
# a column that has this text in every row.


# %% answer="0.2.3" title="One file for the auditor"
def order_log(orders: DataFrame, payments: DataFrame) -> DataFrame:
    """(order_id BIGINT, event STRING: ordered or paid, at TIMESTAMP) in one partition, without a shuffle."""
    ### BEGIN SOLUTION
    ordered = orders.select(
        "order_id", F.lit("ordered").alias("event"), F.col("order_ts").alias("at")
    )
    paid = payments.select("order_id", F.lit("paid").alias("event"), F.col("paid_ts").alias("at"))
    return ordered.unionByName(paid).coalesce(1)
    ### END SOLUTION


# %% check="0.2.3" points=2
### BEGIN HIDDEN TESTS
variant(
    "0.2.3", "twice", "payments that were recorded twice", payments=variants.duplicated(every=3)
)
variant(
    "0.2.3",
    "time unknown",
    "payments whose time is not known",
    payments=variants.nulls("paid_ts", every=5),
)
variant("0.2.3", "unpaid", "a shop in which nobody has paid yet", payments=variants.empty)
variant("0.2.3", "other shop", "another shop", seed=2303)
### END HIDDEN TESTS
check("0.2.3", order_log, plan={"lacks": ["Exchange"], "partitions": 1})

# %% [markdown] equivalent="0.2.3" because="Both tables have the same three columns in the same order, so position and name agree."
# - other relation: .unionByName(paid) → union

# %% [markdown] hints="0.2.3"
# 1. Give both tables the same three columns first, each with its own word for the event, and in the same order or with the same names.
# 2. Then put one below the other. How many partitions has the result, and which method lowers that number without moving rows?
# 3. If the check names `Exchange`: that is what a shuffle is called in a plan. `repartition` always makes one, and so does removing duplicates.


# %% wrong="0.2.3" because="2 partitions, not 1"
def order_log(orders, payments):
    ordered = orders.select(
        "order_id", F.lit("ordered").alias("event"), F.col("order_ts").alias("at")
    )
    paid = payments.select("order_id", F.lit("paid").alias("event"), F.col("paid_ts").alias("at"))
    return ordered.unionByName(paid)


# %% wrong="0.2.3" because="still has Exchange"
def order_log(orders, payments):
    ordered = orders.select(
        "order_id", F.lit("ordered").alias("event"), F.col("order_ts").alias("at")
    )
    paid = payments.select("order_id", F.lit("paid").alias("event"), F.col("paid_ts").alias("at"))
    return ordered.union(paid).repartition(1)


# %% wrong="0.2.3" because="still has Exchange"
def order_log(orders, payments):
    return orders.sparkSession.sql("""
        SELECT order_id, 'ordered' AS event, order_ts AS at FROM orders
        UNION SELECT order_id, 'paid', paid_ts FROM payments
    """).coalesce(1)


# %% wrong="0.2.3" because="missing"
def order_log(orders, payments):
    ordered = orders.select(
        "order_id", F.lit("ordered").alias("event"), F.col("order_ts").alias("at")
    )
    paid = payments.select("order_id", F.lit("paid").alias("event"), F.col("paid_ts").alias("at"))
    return ordered.unionByName(paid.dropDuplicates(["order_id"])).coalesce(1)


# %% wrong="0.2.3" because="whose time is not known"
def order_log(orders, payments):
    ordered = orders.selectExpr("order_id", "'ordered' AS event", "order_ts AS at")
    paid = payments.selectExpr("order_id", "'paid' AS event", "paid_ts AS at")
    return ordered.unionByName(paid).filter("at IS NOT NULL").coalesce(1)


# %% right="0.2.3"
def order_log(orders, payments):
    return orders.sparkSession.sql("""
        SELECT /*+ COALESCE(1) */ * FROM (
            SELECT order_id, 'ordered' AS event, order_ts AS at FROM orders
            UNION ALL SELECT order_id, 'paid', paid_ts FROM payments)
    """)


# %% [markdown]
# ## Lazy plans and actions
#
# Most methods of a DataFrame do **nothing** when you call them. They return a longer plan. Spark starts to work only when somebody wants a
# result outside of Spark. That is why these two groups have names:
#
# | transformations: only describe | actions: start work |
# |---|---|
# | `select`, `filter`, `withColumn`, `drop` | `count()`, `first()`, `take(5)`, `isEmpty()` |
# | `groupBy(...).agg(...)`, `join`, `union` | `collect()`, `toPandas()` |
# | `orderBy`, `repartition`, `distinct` | `show()` |
# | `cache()`, which only says what to do later | `write...save()` |
#
# Because Spark sees the whole plan before it starts, it can leave out what nobody needs. `withColumn(name, column)` adds a column to all others. Here is
# one that stops the query as soon as it is computed. When is it computed?

# %%
loud = orders.withColumn("loud", F.raise_error(F.lit("now I am computed")))
print("the plan is made, and nothing has happened")
print("count:", loud.count(), "- counting needs no column, so this one was left out")
try:
    loud.collect()
except PySparkException as error:
    print("collect:", error.getCondition())

# %% [markdown]
# Laziness has a second side: **every action runs the plan again, from the file on**. Nothing is remembered unless you ask for it. Ten calls of
# `count()` read the table ten times. So ask for many numbers in one go: `agg` takes several at once and returns a table of one row.
#
# | function | result |
# |---|---|
# | `F.count("*")` | number of rows |
# | `F.count("method")` | number of rows where `method` is not NULL |
# | `F.count_distinct("method")` | number of different values, NULL left out |
# | `F.count_if(F.col("amount") > 100)` | number of rows for which the condition is true |
# | `F.avg("amount")` | mean of the values that are not NULL |
#
# One condition more: `F.col("method").isNull()` is true where `method` is NULL.

# %%
row = payments.agg(
    F.count("*").alias("payments"), F.count_if(F.col("amount") > 100).alias("large ones")
).first()
print(row.asDict())

# %% [markdown]
# ### Exercise 0.2.4: four numbers in one action
#
# A dashboard shows four numbers about `orders`. The first version called `count()` four times. Return a dictionary with four whole numbers:
# `"orders"` (all rows), `"customers"` (how many different customers have ordered; guests are none), `"guests"` (orders without a
# customer) and `"cancelled"` (orders with the status `cancelled`). Your function may run **one** action. Without any order, all four are 0.


# %% answer="0.2.4" title="Four numbers in one action"
def four_numbers(orders: DataFrame) -> dict[str, int]:
    """Keys orders, customers, guests, cancelled; at most one action."""
    ### BEGIN SOLUTION
    numbers = orders.agg(
        F.count("*").alias("orders"),
        F.count_distinct("customer_id").alias("customers"),
        F.count_if(F.col("customer_id").isNull()).alias("guests"),
        F.count_if(F.col("status") == "cancelled").alias("cancelled"),
    )
    return numbers.first().asDict()
    ### END SOLUTION


# %% check="0.2.4" points=2
### BEGIN HIDDEN TESTS
variant("0.2.4", "empty", "a shop without orders", orders=variants.empty)
variant("0.2.4", "guests", "orders of guests only", orders=variants.nulls("customer_id", every=1))
variant("0.2.4", "other shop", "another shop", seed=2411)
### END HIDDEN TESTS
check("0.2.4", four_numbers, actions={"at_most": 1})

# %% [markdown] equivalent="0.2.4" because="A Row with the same names is taken as the dictionary that it can become."
# - drop call: .asDict()

# %% [markdown] equivalent="0.2.4" because="count_if counts neither false nor NULL."
# - null-safe equality: F.col('status') == 'cancelled' → F.col('status').eqNullSafe('cancelled')

# %% [markdown] hints="0.2.4"
# 1. All four numbers are aggregates of the same table, so one `agg` with four entries makes one row with four columns.
# 2. `first()` is one action and gives that row; `asDict()` makes a dictionary of it. The names come from `alias`.
# 3. Which function counts the rows for which a condition is true, and gives 0, not NULL, when there are none? It is in the table above.


# %% wrong="0.2.4" because="4 spark actions; 1 would be enough"
def four_numbers(orders):
    return {
        "orders": orders.count(),
        "customers": orders.select("customer_id").dropna().distinct().count(),
        "guests": orders.filter("customer_id IS NULL").count(),
        "cancelled": orders.filter("status = 'cancelled'").count(),
    }


# %% wrong="0.2.4" because="`customers` is wrong"
def four_numbers(orders):
    numbers = orders.agg(
        F.count("*").alias("orders"),
        F.count("customer_id").alias("customers"),
        F.count_if(F.col("customer_id").isNull()).alias("guests"),
        F.count_if(F.col("status") == "cancelled").alias("cancelled"),
    )
    return numbers.first().asDict()


# %% wrong="0.2.4" because="a shop without orders"
def four_numbers(orders):
    numbers = orders.agg(
        F.count("*").alias("orders"),
        F.count_distinct("customer_id").alias("customers"),
        F.sum(F.col("customer_id").isNull().cast("int")).alias("guests"),
        F.sum((F.col("status") == "cancelled").cast("int")).alias("cancelled"),
    )
    return numbers.first().asDict()


# %% wrong="0.2.4" because="a whole DataFrame"
def four_numbers(orders):
    return orders.agg(
        F.count("*").alias("orders"),
        F.count_distinct("customer_id").alias("customers"),
        F.count_if(F.col("customer_id").isNull()).alias("guests"),
        F.count_if(F.col("status") == "cancelled").alias("cancelled"),
    )


# %% right="0.2.4"
def four_numbers(orders):
    found = orders.sparkSession.sql("""
        SELECT count(*) AS orders, count(DISTINCT customer_id) AS customers, count(*) - count(customer_id) AS guests,
               count(CASE WHEN status = 'cancelled' THEN 1 END) AS cancelled
        FROM orders
    """).collect()[0]
    return {name: found[name] for name in found.asDict()}


# %% [markdown]
# ## Jobs, stages, tasks
#
# An action becomes one or more **jobs**. A job is cut into **stages** wherever rows must be shuffled: all tasks before a shuffle
# must have finished before any task behind it can begin. Inside a stage, each partition is one **task**.
#
# Spark counts them. This function runs an action and then asks:


# %%
def work_of(name: str, action) -> None:
    """Run `action` and print how many jobs, stages and tasks it took; stages whose result was there already are left out."""
    context = spark.sparkContext
    tracker = context.statusTracker()
    before = set(tracker.getJobIdsForGroup(name))
    context.setJobGroup(name, name)
    action()
    context.setLocalProperty("spark.jobGroup.id", None)
    # The counters come from messages, which may arrive a moment after the result.
    context._jsc.sc().listenerBus().waitUntilEmpty()
    jobs = [tracker.getJobInfo(number) for number in set(tracker.getJobIdsForGroup(name)) - before]
    stages = [tracker.getStageInfo(number) for job in jobs for number in job.stageIds]
    ran = [stage.numCompletedTasks for stage in stages if stage.numCompletedTasks]
    print(f"{name:32} jobs: {len(jobs)}   stages: {len(ran)}   tasks: {sum(ran)}")


work_of("a filter, without an action", lambda: orders.filter("store_id = 3"))
work_of("a filter, collected", lambda: orders.filter("store_id = 3").collect())
work_of("groups, collected", lambda: orders.groupBy("channel").count().collect())
work_of(
    "four partitions, then groups",
    lambda: orders.repartition(4).groupBy("channel").count().collect(),
)

# %% [markdown]
# No shuffle: one stage. One shuffle: two stages. Two shuffles: three. (Spark runs the part before each shuffle as a job of its own here, so that it can look at
# real sizes before it goes on; that is called *adaptive execution*.) You do not have to run a query to know its stages. `explain` shows its
# **physical plan**, the steps that Spark has chosen. Read it from the bottom, where the data comes from:

# %%
receipts = spark.range(1, 7).withColumn("checkout", F.col("id") % 3)
per_checkout = receipts.filter("id > 2").groupBy("checkout").count()
per_checkout.explain(mode="formatted")

# %% [markdown]
# `explain(mode="formatted")` first draws the tree, then tells details of each numbered step. What you need to recognise:
#
# | in the plan | meaning |
# |---|---|
# | `Scan`, `FileScan`, here `Range` | rows are read, or made |
# | `Filter`, `Project` | rows and columns are left out or computed; cheap |
# | `HashAggregate` | groups, in two steps: first within each partition, and after the shuffle the rest |
# | **`Exchange`** | **a shuffle: a stage ends here** |
# | `BroadcastExchange` | a whole small table is copied to all executors; **no** shuffle |
# | `Sort`, `SortMergeJoin`, `BroadcastHashJoin` | sorting, and two ways to join |
# | `AdaptiveSparkPlan isFinalPlan=false` | Spark may still change the plan while it runs, when it sees real sizes |
#
# `explain()` prints. When a program should read the plan, ask in SQL: `EXPLAIN` before a query gives a table with one row and one column, `plan`.
# SQL needs a name for each table. `createOrReplaceTempView("orders")` gives a DataFrame the name `orders` for use in SQL; such a name is called a **view**
# (more in 1.4). In exercises, every table that your function takes is such a view already.

# %%
orders.createOrReplaceTempView("orders")
text = spark.sql("EXPLAIN SELECT status, count(*) FROM orders GROUP BY status").first()["plan"]
for line in text.splitlines()[:5]:
    print(line[:100])

# %% [markdown]
# ### Exercise 0.2.5: how many shuffles?
#
# Before a query goes live, a reviewer wants to know how many shuffles its plan has. `query` is SQL text over the tables `orders` and
# `customers`, which are there as views of these names. Return the number of `Exchange` steps in its plan as a whole number. A
# `BroadcastExchange` is no shuffle and does not count. Do not run the query itself.


# %% answer="0.2.5" title="How many shuffles?"
def shuffles(spark: SparkSession, orders: DataFrame, customers: DataFrame, query: str) -> int:
    """Number of shuffles in the physical plan of a query."""
    ### BEGIN SOLUTION
    plan = spark.sql("EXPLAIN " + query).first()["plan"]
    steps = [line.lstrip(" :+-*()0123456789") for line in plan.splitlines()]
    return sum(step.startswith("Exchange ") for step in steps)
    ### END SOLUTION


# %% check="0.2.5" points=2
### BEGIN HIDDEN TESTS
variant(
    "0.2.5", "filter", "a query that only filters", query="SELECT * FROM orders WHERE store_id = 3"
)
joined = "country, count(*) AS n FROM orders JOIN customers USING (customer_id) GROUP BY country"
variant(
    "0.2.5",
    "small join",
    "a join with a table that is copied to all executors",
    query=f"SELECT {joined}",
)
variant(
    "0.2.5",
    "large join",
    "a join for which both tables are shuffled",
    query=f"SELECT /*+ MERGE(customers) */ {joined} ORDER BY n",
)
variant(
    "0.2.5",
    "distinct",
    "a UNION that removes duplicates",
    query="SELECT city FROM customers UNION SELECT status FROM orders",
)
variant(
    "0.2.5",
    "hashed",
    "a join whose two sides are both shuffled, without a sort",
    query="SELECT /*+ SHUFFLE_HASH(customers) */ order_id, country FROM orders JOIN customers USING (customer_id)",
)
variant("0.2.5", "total", "one number for a whole table", query="SELECT count(*) FROM orders")
variant(
    "0.2.5",
    "fails",
    "a query that fails when it is run",
    query="SELECT raise_error(channel) AS nothing FROM orders GROUP BY channel",
)
### END HIDDEN TESTS
check(
    "0.2.5",
    shuffles,
    arguments={
        "query": "SELECT channel, count(*) AS number FROM orders GROUP BY channel ORDER BY number DESC"
    },
)

# %% [markdown] equivalent="0.2.5" because="No line of a plan begins with a tilde."
# - text: ' :+-*()0123456789' → ' :+-*()0123456789~'

# %% [markdown] hints="0.2.5"
# 1. Get the plan as text first, as in the example above, and print it for the sample query. How many lines have an `Exchange`?
# 2. Count occurrences of the word. But the word `BroadcastExchange` contains it too: what stands before the word on a line of a real shuffle?
# 3. A line of the tree begins with a drawing of ` `, `+`, `-` and `:`. What is left of it begins with the name of the step. (Python's `lstrip` takes a set of characters.)


# %% wrong="0.2.5" because="copied to all executors"
def shuffles(spark, orders, customers, query):
    return spark.sql("EXPLAIN " + query).first()["plan"].count("Exchange")


# %% wrong="0.2.5" because="your answer is 4"
def shuffles(spark, orders, customers, query):
    import re

    return len(re.findall(r"\bExchange\b", spark.sql("EXPLAIN FORMATTED " + query).first()["plan"]))


# %% wrong="0.2.5" because="on hidden data"
def shuffles(spark, orders, customers, query):
    return query.count("GROUP BY") + query.count("ORDER BY")


# %% wrong="0.2.5" because="your answer is 3"
def shuffles(spark, orders, customers, query):
    return spark.sql("EXPLAIN " + query).first()["plan"].count("Exchange") + 1


# %% wrong="0.2.5" because="both shuffled, without a sort"
def shuffles(spark, orders, customers, query):
    return spark.sql("EXPLAIN " + query).first()["plan"].count("+- Exchange")


# %% wrong="0.2.5" because="one number for a whole table"
def shuffles(spark, orders, customers, query):
    plan = spark.sql("EXPLAIN " + query).first()["plan"]
    return plan.count("Exchange hash") + plan.count("Exchange range")


# %% wrong="0.2.5" because="fails when it is run"
def shuffles(spark, orders, customers, query):
    spark.sql(query).collect()
    plan = spark.sql("EXPLAIN " + query).first()["plan"]
    return plan.count("Exchange") - plan.count("BroadcastExchange")


# %% right="0.2.5"
def shuffles(spark, orders, customers, query):
    import contextlib
    import io
    import re

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        spark.sql(query).explain()
    return len(
        re.findall(r"(?<!Broadcast)Exchange (?:hash|range|Single|RoundRobin)", printed.getvalue())
    )


# %% [markdown]
# ## Keeping a result: `cache` and `persist`
#
# When the same intermediate result is needed twice, Spark computes it twice, unless you tell it to keep it. `cache()` is a note in the plan: "when
# you compute this the first time, keep the partitions". The **first action fills** the memory, later ones read it. `persist(level)` is the same
# with a choice of the **storage level**:
#
# | level | where the partitions are kept | when memory is short |
# |---|---|---|
# | `StorageLevel.MEMORY_AND_DISK` (also `cache()`) | memory | the rest goes to disk |
# | `StorageLevel.MEMORY_ONLY` | memory | the rest is computed again when it is needed |
# | `StorageLevel.DISK_ONLY` | disk | |
#
# In a plan, `InMemoryTableScan` proves that a result is read from there. Memory is not free: what you keep is missing for
# joins and sorts, and Java's garbage collector, which looks for objects that nobody needs any more, has more to search. So keep what is used
# at least twice *and* was expensive, and let it go with `unpersist()`.

# %%
first_checkout = receipts.filter("checkout = 1").cache()
print("cached:", first_checkout.is_cached, "- level:", first_checkout.storageLevel)
first_checkout.count()  # the first action fills the memory
first_checkout.filter("id > 2").explain()
first_checkout.unpersist()
print("cached:", first_checkout.is_cached)

# %% [markdown]
# ### Exercise 0.2.6: who orders more than others?
#
# Return `customer_id` (`BIGINT`) and `orders` (`BIGINT`, number of orders) of the customers who ordered **more often than the average**. The
# average is over all customers with at least one order; guests (`customer_id` NULL) are no customers and count nowhere.
#
# You need the table of counts twice: for the average, and for the comparison. Keep it with the storage level **`MEMORY_ONLY`**, so that your
# result reads it from memory. Keep the counts, not the orders: then no column is read from the file that counting does not need. Leave the table
# there when your function returns. (Where a check looks at the plan, it first clears everything that your notebook has cached.)


# %% answer="0.2.6" title="Who orders more than others?"
def busy_customers(orders: DataFrame) -> DataFrame:
    """(customer_id BIGINT, orders BIGINT) above the average; the counts are kept with MEMORY_ONLY."""
    ### BEGIN SOLUTION
    known = orders.filter("customer_id IS NOT NULL")
    counts = (
        known.groupBy("customer_id")
        .agg(F.count("*").alias("orders"))
        .persist(StorageLevel.MEMORY_ONLY)
    )
    average = counts.agg(F.avg("orders")).first()[0]
    return counts.filter(F.col("orders") > average)
    ### END SOLUTION


# %% check="0.2.6" points=2
### BEGIN HIDDEN TESTS
variant(
    "0.2.6",
    "ties",
    "a shop in which every customer orders equally often",
    orders=variants.replaced(customer_id=F.col("order_id") % 100),
)
variant(
    "0.2.6",
    "fraction",
    "a shop in which most customers order twice and some once",
    orders=variants.replaced(customer_id=F.expr("order_id div 5 * 10 + order_id % 5 div 2")),
)
variant(
    "0.2.6", "guests", "a shop with very many guests", orders=variants.nulls("customer_id", every=2)
)
variant("0.2.6", "other shop", "another shop", seed=2617)
### END HIDDEN TESTS
check(
    "0.2.6",
    busy_customers,
    key=["customer_id"],
    plan={
        "has": ["InMemoryTableScan"],
        "storage": "MEMORY_ONLY",
        "cached": False,
        "reads_columns": ["customer_id", "order_id"],
    },
)

# %% [markdown] equivalent="0.2.6" because="The row has one column, which is its first and its last."
# - number: 0 → -1

# %% [markdown] hints="0.2.6"
# 1. Three steps: count per customer (without guests) and keep that table; take the average of its counts; filter the kept table.
# 2. `persist` takes the level and returns the DataFrame. The average is an aggregate without groups: a table of one row and one column. How did 0.2.4 get numbers out of such a table?
# 3. The last step filters the *kept* table, so that its plan shows `InMemoryTableScan`. Do not `unpersist` in the function.


# %% wrong="0.2.6" because="no InMemoryTableScan"
def busy_customers(orders):
    counts = (
        orders.filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"))
    )
    average = counts.agg(F.avg("orders")).first()[0]
    return counts.filter(F.col("orders") > average)


# %% wrong="0.2.6" because="MEMORY_AND_DISK, not MEMORY_ONLY"
def busy_customers(orders):
    counts = (
        orders.filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"))
        .cache()
    )
    average = counts.agg(F.avg("orders")).first()[0]
    return counts.filter(F.col("orders") > average)


# %% wrong="0.2.6" because="no InMemoryTableScan"
def busy_customers(orders):
    counts = (
        orders.filter("customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(F.count("*").alias("orders"))
    )
    counts.persist(StorageLevel.MEMORY_ONLY)
    average = counts.agg(F.avg("orders")).first()[0]
    counts.unpersist()
    return counts.filter(F.col("orders") > average)


# %% wrong="0.2.6" because="Select the columns that you need before you cache"
def busy_customers(orders):
    known = orders.filter("customer_id IS NOT NULL").persist(StorageLevel.MEMORY_ONLY)
    counts = known.groupBy("customer_id").agg(F.count("*").alias("orders"))
    average = counts.agg(F.avg("orders")).first()[0]
    return counts.filter(F.col("orders") > average)


# %% wrong="0.2.6" because="the answer itself that you have cached"
def busy_customers(orders):
    known = orders.filter("customer_id IS NOT NULL")
    counts = known.groupBy("customer_id").agg(F.count("*").alias("orders"))
    average = counts.agg(F.avg("orders")).first()[0]
    return counts.filter(F.col("orders") > average).persist(StorageLevel.MEMORY_ONLY)


# %% wrong="0.2.6" because="extra"
def busy_customers(orders):
    counts = (
        orders.groupBy("customer_id")
        .agg(F.count("*").alias("orders"))
        .persist(StorageLevel.MEMORY_ONLY)
    )
    average = counts.filter("customer_id IS NOT NULL").agg(F.avg("orders")).first()[0]
    return counts.filter(F.col("orders") > average)


# %% wrong="0.2.6" because="equally often"
def busy_customers(orders):
    known = orders.filter("customer_id IS NOT NULL")
    counts = (
        known.groupBy("customer_id")
        .agg(F.count("*").alias("orders"))
        .persist(StorageLevel.MEMORY_ONLY)
    )
    average = counts.agg(F.avg("orders")).first()[0]
    return counts.filter(F.col("orders") >= average)


# %% wrong="0.2.6" because="order twice"
def busy_customers(orders):
    known = orders.filter("customer_id IS NOT NULL")
    counts = known.groupBy("customer_id").agg(F.count("*").alias("orders"))
    counts = counts.persist(StorageLevel.MEMORY_ONLY)
    average = round(counts.agg(F.avg("orders")).first()[0])
    return counts.filter(F.col("orders") > average)


# %% right="0.2.6"
def busy_customers(orders):
    known = orders.filter("customer_id IS NOT NULL").groupBy("customer_id")
    counts = known.agg(F.count("order_id").alias("orders")).persist(StorageLevel.MEMORY_ONLY)
    counts.count()
    return counts.filter(F.col("orders") > counts.select(F.avg("orders")).collect()[0][0])


# %% right="0.2.6"
def busy_customers(orders):
    counts = (
        orders.where(F.col("customer_id").isNotNull())
        .groupBy("customer_id")
        .count()
        .withColumnRenamed("count", "orders")
        .persist(StorageLevel.MEMORY_ONLY)
    )
    average = counts.agg(F.avg("orders").alias("average"))
    return counts.crossJoin(average).filter("orders > average").drop("average")


# %% [markdown]
# ## Joining with something small
#
# `orders.join(shops, "store_id")` adds the columns of the row with the same `store_id` to each order, and leaves out orders without one. With
# `"left"` as third argument all orders stay, with NULL in the added columns. Notebook 2.1 is about joins.
#
# For that, Spark must bring rows with the same key together. Its usual ways:
#
# - **sort-merge join**: shuffle both tables by the key, sort both, walk along them. Works for any size; costs two shuffles.
# - **broadcast hash join**: copy the small table to every executor, as a hash table. The large table stays where it is: no shuffle.
#
# Spark broadcasts by itself when it *knows* that one side has less than 10 MB (`spark.sql.autoBroadcastJoinThreshold`). The size of a file is known.
# Where it is not, for example for rows that come from your Python program, Spark assumes the worst:

# %%
seen = spark.createDataFrame([(1, "north"), (2, "south")], "store_id INT, region STRING")
by_region = orders.select("store_id").join(seen, "store_id", "left")
by_region_hinted = orders.select("store_id").join(seen.hint("broadcast"), "store_id", "left")
for frame in (by_region, by_region_hinted):
    frame.createOrReplaceTempView("joined")
    text = spark.sql("EXPLAIN SELECT * FROM joined").first()["plan"]
    print({step: step in text for step in ("SortMergeJoin", "BroadcastHashJoin")})

# %% [markdown]
# `F.broadcast(df)` and `df.hint("broadcast")` are the same: you know better, and say so. A wrong hint can hurt, because the copied table must fit
# into the memory of the driver and of every executor. And not every side can be copied: in a **left** join, the left table must keep all its rows,
# so only the *right* one can be broadcast.
#
# ### Exercise 0.2.7: names for the channels
#
# `names` is a dictionary from channel to the name that the shop's director wants to read. Make a DataFrame of it and join it with `orders`. Return `order_id`
# (`BIGINT`), `channel` and `channel_name` (both `STRING`), for **every** order; `channel_name` is NULL when there is no name for the channel, or no channel.
# The join must be a broadcast hash join.


# %% answer="0.2.7" title="Names for the channels"
def name_channels(spark: SparkSession, orders: DataFrame, names: dict[str, str]) -> DataFrame:
    """(order_id BIGINT, channel STRING, channel_name STRING), one row per order, by a broadcast hash join."""
    ### BEGIN SOLUTION
    named = spark.createDataFrame(list(names.items()), "channel STRING, channel_name STRING")
    return orders.join(F.broadcast(named), "channel", "left").select(
        "order_id", "channel", "channel_name"
    )
    ### END SOLUTION


# %% check="0.2.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "0.2.7",
    "unnamed",
    "a channel that has no name",
    names={"web": "Our web page", "phone": "Hotline"},
)
variant("0.2.7", "nulls", "orders whose channel is not known", orders=variants.nulls("channel"))
variant(
    "0.2.7",
    "other shop",
    "another shop with other names",
    seed=2711,
    names={"store": "S", "app": "A", "web": "W"},
)
### END HIDDEN TESTS
check(
    "0.2.7",
    name_channels,
    arguments={"names": {"web": "Web page", "app": "Telephone", "store": "Shop in town"}},
    key=["order_id"],
    plan={"has": ["BroadcastHashJoin"], "lacks": ["SortMergeJoin"]},
)

# %% [markdown] hints="0.2.7"
# 1. `spark.createDataFrame` takes a list of pairs and a schema as text. A dictionary gives its pairs with `items()`.
# 2. Every order must stay, also those without a name: which kind of join is that, and which table stands on the left?
# 3. Spark does not know how large your own rows are. Mark the right table with `F.broadcast(...)`.


# %% wrong="0.2.7" because="no BroadcastHashJoin"
def name_channels(spark, orders, names):
    named = spark.createDataFrame(list(names.items()), "channel STRING, channel_name STRING")
    return orders.join(named, "channel", "left").select("order_id", "channel", "channel_name")


# %% wrong="0.2.7" because="no BroadcastHashJoin"
def name_channels(spark, orders, names):
    named = spark.createDataFrame(list(names.items()), "channel STRING, channel_name STRING")
    return (
        F.broadcast(orders)
        .join(named, "channel", "left")
        .select("order_id", "channel", "channel_name")
    )


# %% wrong="0.2.7" because="a channel that has no name"
def name_channels(spark, orders, names):
    named = spark.createDataFrame(list(names.items()), "channel STRING, channel_name STRING")
    return orders.join(F.broadcast(named), "channel").select("order_id", "channel", "channel_name")


# %% wrong="0.2.7" because="no BroadcastHashJoin"
def name_channels(spark, orders, names):
    name = F.udf(names.get, "string")
    return orders.select("order_id", "channel", name("channel").alias("channel_name"))


# %% right="0.2.7"
def name_channels(spark, orders, names):
    from pyspark.sql import Row

    rows = [Row(key=key, channel_name=name) for key, name in names.items()]
    spark.createDataFrame(rows, "key STRING, channel_name STRING").createOrReplaceTempView(
        "channel_names"
    )
    return spark.sql("""
        SELECT /*+ BROADCAST(channel_names) */ order_id, channel, channel_name
        FROM orders LEFT JOIN channel_names ON channel = key
    """)


# %% [markdown]
# ## Broadcast variables
#
# A **UDF** (user-defined function) is Python code that Spark calls for each row. It is slower than a built-in function, because every value travels
# to a Python process and back; use it when nothing built in fits. What such a function needs from your program is packed together with it, and
# **every task** unpacks it again. For a large dictionary and a thousand tasks, that is a thousand times.
#
# A **broadcast variable** is sent once to each executor and stays there; a Python process unpacks it once. You make it with
# `spark.sparkContext.broadcast(value)`, and read it inside the function with `.value`. It is read-only: a change on the driver after that is not seen by the executors.

# %%
closing_hours = spark.sparkContext.broadcast({"web": 24, "store": 19})


@F.udf("int")
def open_until(channel):
    """Closing hour of a channel; None, which becomes NULL, for channels that are not in the list."""
    return closing_hours.value.get(channel)


orders.select("channel", open_until("channel").alias("open_until")).distinct().orderBy(
    "channel"
).show()

# %% [markdown]
# If you look up more than a handful of values, you are usually better off with a broadcast *join*, which stays inside Spark's engine. A broadcast
# variable is for lookups inside code that has to be Python anyway.
#
# ### Exercise 0.2.8: what was the campaign?
#
# `campaigns` is a dictionary from discount code to the name of a campaign. Return `order_id` (`BIGINT`) and `campaign` (`STRING`) for every order: the
# campaign of its `discount_code`; `"none"` when the order has no code (NULL); `"unknown"` when it has a code that is not in the dictionary. Write a
# Python UDF that reads the dictionary from a **broadcast variable**; do not join.


# %% answer="0.2.8" title="What was the campaign?"
def campaign_of_orders(
    spark: SparkSession, orders: DataFrame, campaigns: dict[str, str]
) -> DataFrame:
    """(order_id BIGINT, campaign STRING, never NULL), looked up in a broadcast variable by a UDF."""
    ### BEGIN SOLUTION
    shared = spark.sparkContext.broadcast(campaigns)

    @F.udf("string")
    def campaign(code):
        return "none" if code is None else shared.value.get(code, "unknown")

    return orders.select("order_id", campaign("discount_code").alias("campaign"))
    ### END SOLUTION


# %% check="0.2.8" points=2
### BEGIN HIDDEN TESTS
variant(
    "0.2.8",
    "unknown codes",
    "codes that are not in the dictionary",
    campaigns={"VIP20": "Regulars", "SPRING5": "Spring"},
)
variant(
    "0.2.8", "no codes", "orders without any code", orders=variants.nulls("discount_code", every=1)
)
variant("0.2.8", "other shop", "another shop", seed=2803)
### END HIDDEN TESTS
check(
    "0.2.8",
    campaign_of_orders,
    arguments={
        "campaigns": {"WELCOME10": "New customers", "SUMMER15": "Summer sale", "VIP20": "Regulars"}
    },
    key=["order_id"],
    plan={"lacks": ["BroadcastHashJoin", "SortMergeJoin"], "broadcast_variables": 1},
)

# %% [markdown] hints="0.2.8"
# 1. Make the broadcast variable first, then a function of one value, the code, that reads it; `@F.udf("string")` above the function makes it a UDF.
# 2. There are three cases. The first question is whether the code is `None`, which is how Python sees NULL.
# 3. A dictionary's `get` takes a second argument: what to give when the key is not there. Inside the function, the dictionary is the variable's `.value`.


# %% wrong="0.2.8" because="no broadcast variable"
def campaign_of_orders(spark, orders, campaigns):
    @F.udf("string")
    def campaign(code):
        return "none" if code is None else campaigns.get(code, "unknown")

    return orders.select("order_id", campaign("discount_code").alias("campaign"))


# %% wrong="0.2.8" because="null"
def campaign_of_orders(spark, orders, campaigns):
    shared = spark.sparkContext.broadcast(campaigns)
    campaign = F.udf(lambda code: shared.value.get(code), "string")
    return orders.select("order_id", campaign("discount_code").alias("campaign"))


# %% wrong="0.2.8" because="KeyError"
def campaign_of_orders(spark, orders, campaigns):
    shared = spark.sparkContext.broadcast(campaigns)
    campaign = F.udf(lambda code: shared.value[code], "string")
    return orders.select("order_id", campaign("discount_code").alias("campaign"))


# %% wrong="0.2.8" because="campaign"
def campaign_of_orders(spark, orders, campaigns):
    shared = spark.sparkContext.broadcast(campaigns)
    campaign = F.udf(lambda code: shared.value.get(code, "unknown"), "string")
    return orders.select("order_id", campaign("discount_code").alias("campaign"))


# %% wrong="0.2.8" because="still has BroadcastHashJoin"
def campaign_of_orders(spark, orders, campaigns):
    named = spark.createDataFrame(list(campaigns.items()), "discount_code STRING, name STRING")
    campaign = F.when(F.col("discount_code").isNull(), "none").otherwise(
        F.coalesce("name", F.lit("unknown"))
    )
    return orders.join(F.broadcast(named), "discount_code", "left").select(
        "order_id", campaign.alias("campaign")
    )


# %% right="0.2.8"
def campaign_of_orders(spark, orders, campaigns):
    shared = spark.sparkContext.broadcast({**campaigns, None: "none"})
    look_up = F.udf(lambda code: shared.value.get(code))
    return orders.withColumn(
        "campaign", F.coalesce(look_up("discount_code"), F.lit("unknown"))
    ).select("order_id", "campaign")


# %% [markdown]
# ## Accumulators, and why they lie
#
# An **accumulator** is the opposite of a broadcast variable: tasks may only add to it, and only the driver may read it. It looks like a nice way to count
# things on the way. Let us count the orders of guests inside a UDF; there are 53:

# %%
guests = spark.sparkContext.accumulator(0)


@F.udf("boolean")
def is_guest(customer_id):
    """True for orders without a customer, who are also counted."""
    if customer_id is None:
        guests.add(1)
    return customer_id is None


marked = orders.withColumn("guest", is_guest("customer_id"))
print("the plan is made:      ", guests.value)
marked.count()
print("after count():         ", guests.value)
marked.collect()
print("after collect():       ", guests.value)
marked.groupBy("guest").count().collect()
print("after one more action: ", guests.value)
marked.filter("guest").select("guest", "order_id").collect()
print("after a filter on it:  ", guests.value)

# %% [markdown]
# Not one of these numbers can be trusted:
#
# - `count()` needs no column, so Spark left the UDF out, and nobody counted;
# - every further action runs the plan again, and adds the guests again;
# - in the last line, Spark evaluated the UDF twice per row, once for the filter and once for the column;
# - and when a task fails and is tried again, or an executor is lost, the rows of that task are counted again, too.
#
# Spark promises exact accumulators only for updates inside an **action** such as `foreach`, never inside a transformation. Better: let the
# engine count. An aggregate is exact, whatever is retried. And if you want a result **and** some counts about the rows
# on their way to it, in the same action, `observe` does that:

# %%
watch = Observation("payments on their way")
watched = payments.observe(
    watch,
    F.count("*").alias("rows"),
    F.count_if(F.col("method").isNull()).alias("without a method"),
)
largest = watched.orderBy(F.desc("amount"), "payment_id").select("payment_id", "amount").take(2)
print([(row["payment_id"], str(row["amount"])) for row in largest])
print(watch.get)

# %% [markdown]
# `watch.get` waits until the first action on `watched` has ended, and then gives its counts. An `Observation` may be used once. One warning: when
# Spark notices on the way that *no* row reaches the end, it cuts off that part of the plan, and the counts with it; `get` then fails.
#
# ### Exercise 0.2.9: stores at a glance
#
# The morning mail to the director has three facts about `orders`. Return a dictionary with:
#
# - `"top_stores"`: a list of the `store_id` (whole numbers) of the three stores with the most orders, the busiest first; with equally many
#   orders, the smaller `store_id` first. Orders without a store count for none. If fewer stores have orders, the list is shorter. At least one has.
# - `"orders"`: the number of all orders,
# - `"without_store"`: the number of orders whose `store_id` is NULL.
#
# Your function may run **one** action. It should not fetch all orders into Python either: a large table would not fit there. (The check counts
# actions only.)


# %% answer="0.2.9" title="Stores at a glance"
def stores_at_a_glance(orders: DataFrame) -> dict[str, list[int] | int]:
    """Keys top_stores (list of up to three store_id), orders, without_store (whole numbers); at most one action."""
    ### BEGIN SOLUTION
    groups = orders.groupBy("store_id").count().orderBy(F.desc("count"), "store_id").collect()
    sizes = {row["store_id"]: row["count"] for row in groups}
    return {
        "top_stores": [store for store in sizes if store is not None][:3],
        "orders": sum(sizes.values()),
        "without_store": sizes.get(None, 0),
    }
    ### END SOLUTION


# %% check="0.2.9" points=3
### BEGIN HIDDEN TESTS
variant(
    "0.2.9",
    "ties",
    "stores with equally many orders",
    orders=variants.replaced(store_id=(F.col("order_id") % 5 + 8).cast("int")),
)
variant(
    "0.2.9",
    "two stores",
    "only two stores and no order without a store",
    orders=variants.replaced(store_id=(F.col("order_id") % 2 + 7).cast("int")),
)
variant(
    "0.2.9",
    "one store",
    "a shop that sold almost everything online",
    orders=variants.replaced(store_id=F.when(F.col("order_id") < 4, 7)),
)
variant("0.2.9", "other shop", "another shop", seed=2903)
### END HIDDEN TESTS
check("0.2.9", stores_at_a_glance, actions={"at_most": 1})

# %% [markdown] equivalent="0.2.9" because="A count is never NULL, so it does not matter where nulls would come."
# - nulls first: F.desc('count') → F.desc_nulls_first('count')

# %% [markdown] hints="0.2.9"
# 1. There are only a dozen stores: a table with the number of orders per store is small enough for Python. Which group are the orders without a store in?
# 2. Either collect these few groups and work out all three facts in Python, or observe `orders` on its way into the grouping.
# 3. Sort by the number downwards and then by the store upwards. Leave the NULL group out of the list, but not out of the sum.


# %% wrong="0.2.9" because="3 spark actions; 1 would be enough"
def stores_at_a_glance(orders):
    top = (
        orders.filter("store_id IS NOT NULL")
        .groupBy("store_id")
        .count()
        .orderBy(F.desc("count"), "store_id")
        .take(3)
    )
    return {
        "top_stores": [row["store_id"] for row in top],
        "orders": orders.count(),
        "without_store": orders.filter("store_id IS NULL").count(),
    }


# %% wrong="0.2.9" because="`top_stores` is wrong"
def stores_at_a_glance(orders):
    groups = orders.groupBy("store_id").count().orderBy(F.desc("count"), "store_id").collect()
    sizes = {row["store_id"]: row["count"] for row in groups}
    return {
        "top_stores": list(sizes)[:3],
        "orders": sum(sizes.values()),
        "without_store": sizes.get(None, 0),
    }


# %% wrong="0.2.9" because="`top_stores` is wrong"
def stores_at_a_glance(orders):
    groups = (
        orders.groupBy("store_id").count().orderBy(F.desc("count"), F.desc("store_id")).collect()
    )
    sizes = {row["store_id"]: row["count"] for row in groups}
    return {
        "top_stores": [store for store in sizes if store is not None][:3],
        "orders": sum(sizes.values()),
        "without_store": sizes.get(None, 0),
    }


# %% wrong="0.2.9" because="`orders` is wrong"
def stores_at_a_glance(orders):
    without = orders.sparkSession.sparkContext.accumulator(0)
    total = orders.sparkSession.sparkContext.accumulator(0)

    @F.udf("int")
    def counted(store):
        total.add(1)
        if store is None:
            without.add(1)
        return store

    stores = orders.select(counted("store_id").alias("store_id")).filter("store_id IS NOT NULL")
    top = stores.groupBy("store_id").count().orderBy(F.desc("count"), "store_id").take(3)
    return {
        "top_stores": [row["store_id"] for row in top],
        "orders": total.value,
        "without_store": without.value,
    }


# %% wrong="0.2.9" because="equally many orders"
def stores_at_a_glance(orders):
    groups = orders.groupBy("store_id").count().collect()
    known = [row for row in groups if row["store_id"] is not None]
    ranked = sorted(known, key=lambda row: (-row["count"], str(row["store_id"])))
    total = sum(row["count"] for row in groups)
    return {
        "top_stores": [row["store_id"] for row in ranked[:3]],
        "orders": total,
        "without_store": total - sum(row["count"] for row in known),
    }


# %% right="0.2.9"
def stores_at_a_glance(orders):
    row = (
        orders.groupBy("store_id")
        .agg(F.count("*").alias("n"))
        .agg(
            F.array_sort(
                F.collect_list(
                    F.when(
                        F.col("store_id").isNotNull(),
                        F.struct((-F.col("n")).alias("n"), "store_id"),
                    )
                )
            ).alias("stores"),
            F.coalesce(F.sum("n"), F.lit(0)).alias("orders"),
            F.coalesce(F.sum(F.when(F.col("store_id").isNull(), F.col("n"))), F.lit(0)).alias(
                "without_store"
            ),
        )
        .first()
    )
    top = [entry["store_id"] for entry in row["stores"][:3]]
    return {"top_stores": top, "orders": row["orders"], "without_store": row["without_store"]}


# %% wrong="0.2.9" because="equally many orders"
def stores_at_a_glance(orders):
    groups = orders.groupBy("store_id").count().collect()
    known = [row for row in groups if row["store_id"] is not None]
    ranked = sorted(known, key=lambda row: (-row["count"], str(row["store_id"])))
    total = sum(row["count"] for row in groups)
    return {
        "top_stores": [row["store_id"] for row in ranked[:3]],
        "orders": total,
        "without_store": total - sum(row["count"] for row in known),
    }


# %% right="0.2.9"
def stores_at_a_glance(orders):
    seen = Observation()
    watched = orders.observe(
        seen,
        F.count("*").alias("orders"),
        F.count_if(F.col("store_id").isNull()).alias("without_store"),
    )
    stores = (
        watched.groupBy("store_id")
        .count()
        .filter("store_id IS NOT NULL")
        .orderBy(F.desc("count"), "store_id")
        .take(3)
    )
    return {"top_stores": [row["store_id"] for row in stores], **seen.get}


# %% [markdown]
# ### Question 0.2.10: the slow report
#
# A colleague's report takes an hour on a large table of orders. You see this in it:
#
# - **(a)** `orders.cache()` at the top, although each later step needs only two or three of the forty columns
# - **(b)** `print(step.count())` after each of nine steps, "to be sure"
# - **(c)** an accumulator inside a UDF, which counts bad rows
# - **(d)** `result.repartition(1)` at the end, before the result of twelve rows is written
#
# Choose **three** of the four. For each, say in two or three sentences what Spark does because of it, and what you would write instead.

# %% [markdown] written="0.2.10" points=3 title="The slow report"
# ### BEGIN SOLUTION
# `print(step.count())` is an action: nine of them run the plan from the file on nine times, each time a little further. I would delete them, or look at
# the plan with `explain`; where the counts are wanted, `observe` delivers them in the one action that is needed anyway. `orders.cache()` keeps the whole wide
# table, most of which is never used; it fills the memory that joins and sorts need, spills to disk, and gives the garbage collector more to do. Without it each
# scan reads only the columns it needs from the file; I would keep only an expensive intermediate result that is used several times, and unpersist it.
# The accumulator counts bad rows again in each of the ten actions, and again when tasks are retried, and not at all when the column is left out, so its number
# means nothing: use `count_if` in an aggregate or `observe`. `repartition(1)` adds a shuffle; for twelve rows it costs little, but `coalesce(1)`
# gives one file without it.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# One point for each of three items, if both the effect and a better way are right:
#
# - the counts: each is an action that runs the plan again from the start; remove them, or `observe`, or one aggregate
# - the cache: fills memory with what is not needed (spill, garbage collection), or is not used at all; keep a narrow result that is used twice, `unpersist`
# - the accumulator: counted again by every action and every retried task, or not at all; an aggregate or `observe`
# - `repartition(1)`: a shuffle; `coalesce(1)` needs none. (Also right: with so few rows it hardly matters, and `coalesce` may take parallelism from the steps before it.)
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | settings belong to a session; static ones are fixed at the start | `getOrCreate` changes the session that is there; `newSession` gives you another |
# | one partition is one task | too few leave threads idle, too many cost more than they do |
# | `repartition` shuffles, `coalesce` does not | rows with equal keys must meet somewhere, and that is expensive |
# | actions work, transformations describe | every action runs the plan again, so ask for many things at once |
# | `Exchange` in a plan is a shuffle and ends a stage | count them before you run a query |
# | `cache` fills at the first action; `unpersist` frees | keep only what is expensive and used twice |
# | broadcast what is small | the large table then stays where it is |
# | accumulators count again | aggregates and `observe` do not |
#
# > **On Databricks:** plans, partitions, hints and `observe` work the same way. On classic compute, the *Spark UI* shows jobs, stages and tasks of each
# > cell. On serverless compute you reach Spark through Spark Connect: there is no `spark.sparkContext`, so no broadcast variables and accumulators,
# > no RDDs, and only few settings can be changed; instead of the Spark UI there is the *query profile*, a page with the figures of a query. Caching is restricted there, too. The
# > broadcast *hint*, `coalesce` and `explain` need none of that.
