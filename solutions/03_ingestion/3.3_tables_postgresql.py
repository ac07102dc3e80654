# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3.3 Tables, catalog and PostgreSQL
#
# **Time:** 120 minutes (two sittings) · **Data:** retail · **Before this:** 1.4, 2.1, 2.5 and 3.1
#
# Files in a folder are not yet a table. Somebody must know that they belong together, what their columns are, and who may throw them away. Spark writes this down in
# its **catalog**. Most of the shop's data, however, is not in files at all. It is in a PostgreSQL database, which the web shop reads and changes while you work. From
# there you must fetch no more than you need, and what you write back must be complete, even if the connection breaks in the middle. Both are the subject of this notebook.
#
# ## You will learn to
#
# - make managed and external tables, and say what is lost when one of them is dropped
# - lay a table out in partitions, buckets and sorted files, and read that from the catalog
# - connect Spark to PostgreSQL, and find the cause when there is no connection
# - let the database filter and count, so that few rows travel
# - read a large table in parts, with bounds and with predicates
# - write a report without destroying the table that others use
# - copy only what has changed since the last time, by a watermark column
# - change rows in PostgreSQL so that a crash loses nothing and doubles nothing

# %% setup=true
import contextlib
import datetime as dt

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from autograder.services.postgres import Access
from datasets import sample

spark = SparkSession.builder.appName("3.3").getOrCreate()

orders = spark.read.parquet(sample("orders"))
stores = spark.read.parquet(sample("stores"))
stores.createOrReplaceTempView("stores")


def jdbc_options(database: Access, attempt: dict) -> dict:
    """The options to read the table `stores` of a database; `attempt` may replace user, password, database, port and table."""
    port, name = attempt.get("port", database.port), attempt.get("database", database.database)
    return {
        "url": f"jdbc:postgresql://{database.host}:{port}/{name}",
        "user": attempt.get("user", database.user),
        "password": attempt.get("password", database.password),
        "driver": "org.postgresql.Driver",
        "dbtable": attempt.get("table", "stores"),
    }


# %% [markdown]
# ## Who owns the files?
#
# A table in the catalog is a name, a schema, and the place of its files. There are two kinds:
#
# | | managed table | external table |
# |---|---|---|
# | who chooses the folder | Spark, inside its warehouse | you, with `LOCATION` or `option("path", ...)` |
# | `DROP TABLE` removes | the entry in the catalog **and the files** | the entry only; the files stay |
# | good for | what belongs to Spark alone | files that other programs write or read, too |
#
# The examples use a schema of their own, `depot`, in a temporary folder. The exercises never touch it: for each check your function gets new tables, which are removed afterwards.

# %%
import tempfile
from pathlib import Path

depot = Path(tempfile.mkdtemp(prefix="depot-"))
spark.sql("DROP DATABASE IF EXISTS depot CASCADE")
spark.sql(f"CREATE DATABASE depot LOCATION '{depot}/warehouse'")

towns = stores.select("store_id", "city", "country")
towns.write.saveAsTable("depot.towns")
spark.sql(
    f"CREATE TABLE depot.towns_for_all USING csv LOCATION '{depot}/shared' AS SELECT * FROM depot.towns"
)
spark.sql("DROP TABLE depot.towns")
spark.sql("DROP TABLE depot.towns_for_all")

print("managed, after DROP:  ", (depot / "warehouse" / "towns").exists())
print("external, after DROP: ", any((depot / "shared").glob("*.csv")))

# %% [markdown]
# ## Partitions, buckets, sorted files
#
# `saveAsTable` can lay the rows out so that later queries have less to do:
#
# | you say | what happens | who profits |
# |---|---|---|
# | `partitionBy("country")` | one folder per country | filters by country; choose columns with **few** values |
# | `bucketBy(4, "store_id")` | four buckets, as in [2.5](../02_joins_windows_udfs/2.5_tuning.ipynb) | joins and groupings by this column |
# | `sortBy("city")` | each file is sorted, within its bucket | filters by city: a Parquet file keeps minimum and maximum of each of its blocks, and sorted blocks are narrow |
#
# `sortBy` works only together with `bucketBy`.
# In SQL the same words are `PARTITIONED BY (...)`, and `CLUSTERED BY (...) SORTED BY (...) INTO 4 BUCKETS`. A table that does not say its format is a Parquet table here.

# %%
laid_out = stores.write.partitionBy("country").bucketBy(2, "store_id").sortBy("city")
laid_out.option("path", f"{depot}/by_country").saveAsTable("depot.by_country")

described = spark.sql("DESCRIBE TABLE EXTENDED depot.by_country")
told = ("Type", "Provider", "Num Buckets", "Bucket Columns", "Sort Columns")
described.where(F.col("col_name").isin(*told)).select("col_name", "data_type").show(truncate=False)
folders = sorted(part.name for part in (depot / "by_country").iterdir() if part.is_dir())
print(len(folders), "folders:", folders[:3], "...")

# %% [markdown]
# ### Exercise 3.3.1: two ways to keep orders
#
# Make two Parquet tables from `orders`. The parameters `ledger` and `export` are the names of tables that do not exist yet; `outbox` is the path of a folder that does not exist yet.
#
# - `ledger` is a **managed** table with all orders: `order_id`, `customer_id`, `order_ts`, `status`, and `year`, the year of `order_ts`. It is partitioned by `year`, has as many
#   buckets by `customer_id` as the parameter `buckets` says, and is sorted by `order_ts` within them.
# - `export` is an **external** table with its files in `outbox`: `order_id` and `channel` of the orders with status `completed`. It has neither partitions nor buckets.


# %% answer="3.3.1" title="Two ways to keep orders"
def keep_orders(
    spark: SparkSession, orders: DataFrame, ledger: str, export: str, outbox: str, buckets: int
) -> None:
    """Makes the managed table `ledger` (order_id BIGINT, customer_id BIGINT, order_ts TIMESTAMP, status STRING or NULL,
    year INT) and the external table `export` (order_id BIGINT, channel STRING or NULL), both Parquet."""
    ### BEGIN SOLUTION
    dated = orders.select(
        "order_id", "customer_id", "order_ts", "status", F.year("order_ts").alias("year")
    )
    writer = dated.write.format("parquet").partitionBy("year")
    writer.bucketBy(buckets, "customer_id").sortBy("order_ts").saveAsTable(ledger)
    completed = orders.where(F.col("status") == "completed").select("order_id", "channel")
    completed.write.format("parquet").option("path", outbox).saveAsTable(export)
    ### END SOLUTION


# %% check="3.3.1" points=2
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "3.3.1",
    "three buckets",
    "another number of buckets, and orders of which nobody knows the status",
    buckets=3,
    orders=variants.nulls("status", every=4),
)
### END HIDDEN TESTS
check(
    "3.3.1",
    keep_orders,
    arguments={"buckets": 4},
    catalog={
        "tables": {
            "ledger": {"key": ["order_id"]},
            "export": {"key": ["order_id"]},
        },
        "folders": ["outbox"],
    },
)

# %% [markdown] equivalent="3.3.1" because="A filter leaves out a row for false as for NULL, and Parquet is the format of a table that does not say one."
# - null-safe equality: F.col('status') == 'completed' → F.col('status').eqNullSafe('completed')
# - drop call: .format('parquet')
# - drop call: .format('parquet') (2)

# %% [markdown] hints="3.3.1"
# 1. Two tables, two writers. Which of the two must say a path, and which must not?
# 2. `partitionBy`, `bucketBy` and `sortBy` are methods of the writer, before `saveAsTable`. The number of buckets comes first in `bucketBy`.
# 3. `option("path", ...)` makes a table external. The year is `F.year` of the time.


# %% wrong="3.3.1" because="it is a managed table, not an external table"
def keep_orders(spark, orders, ledger, export, outbox, buckets):
    dated = orders.withColumn("year", F.year("order_ts")).drop(
        "store_id", "channel", "discount_code"
    )
    dated.write.partitionBy("year").bucketBy(buckets, "customer_id").sortBy("order_ts").saveAsTable(
        ledger
    )
    completed = orders.where("status = 'completed'").select("order_id", "channel")
    completed.write.saveAsTable(export)
    completed.write.parquet(outbox)


# %% wrong="3.3.1" because="The catalog has no table of the name `export`"
def keep_orders(spark, orders, ledger, export, outbox, buckets):
    dated = orders.withColumn("year", F.year("order_ts")).drop(
        "store_id", "channel", "discount_code"
    )
    dated.write.partitionBy("year").bucketBy(buckets, "customer_id").sortBy("order_ts").saveAsTable(
        ledger
    )
    orders.where("status = 'completed'").select("order_id", "channel").write.parquet(outbox)


# %% wrong="3.3.1" because="sorted within its buckets by nothing"
def keep_orders(spark, orders, ledger, export, outbox, buckets):
    dated = orders.withColumn("year", F.year("order_ts")).drop(
        "store_id", "channel", "discount_code"
    )
    dated.orderBy("order_ts").write.partitionBy("year").bucketBy(
        buckets, "customer_id"
    ).saveAsTable(ledger)
    completed = orders.where("status = 'completed'").select("order_id", "channel")
    completed.write.option("path", outbox).saveAsTable(export)


# %% wrong="3.3.1" because="another number of buckets"
def keep_orders(spark, orders, ledger, export, outbox, buckets):
    dated = orders.withColumn("year", F.year("order_ts")).drop(
        "store_id", "channel", "discount_code"
    )
    dated.write.partitionBy("year").bucketBy(4, "customer_id").sortBy("order_ts").saveAsTable(
        ledger
    )
    completed = orders.where("status = 'completed'").select("order_id", "channel")
    completed.write.option("path", outbox).saveAsTable(export)


# %% wrong="3.3.1" because="partitioned by nothing, not by year"
def keep_orders(spark, orders, ledger, export, outbox, buckets):
    dated = orders.withColumn("year", F.year("order_ts")).drop(
        "store_id", "channel", "discount_code"
    )
    dated.write.bucketBy(buckets, "customer_id").sortBy("order_ts").saveAsTable(ledger)
    completed = orders.where("status = 'completed'").select("order_id", "channel")
    completed.write.option("path", outbox).saveAsTable(export)


# %% right="3.3.1"
def keep_orders(spark, orders, ledger, export, outbox, buckets):
    spark.sql(f"""
        CREATE TABLE {ledger} USING parquet PARTITIONED BY (year)
        CLUSTERED BY (customer_id) SORTED BY (order_ts) INTO {buckets} BUCKETS
        AS SELECT order_id, customer_id, order_ts, status, year(order_ts) AS year FROM orders
    """)
    spark.sql(f"""
        CREATE TABLE {export} USING parquet LOCATION '{outbox}'
        AS SELECT order_id, channel FROM orders WHERE status = 'completed'
    """)


# %% right="3.3.1"
def keep_orders(spark, orders, ledger, export, outbox, buckets):
    dated = orders.withColumn("year", F.year("order_ts")).drop(
        "store_id", "channel", "discount_code"
    )
    dated.write.partitionBy("year").bucketBy(buckets, "customer_id").sortBy("order_ts").saveAsTable(
        ledger
    )
    completed = orders.where("status = 'completed'").select("order_id", "channel")
    completed.write.parquet(outbox)
    spark.sql(f"CREATE TABLE {export} USING parquet LOCATION '{outbox}'")


# %% [markdown]
# ## Ask the catalog
#
# Do not keep lists of tables in your head or in a wiki. `spark.catalog` knows them:
#
# | method | tells |
# |---|---|
# | `listDatabases()`, `listTables(schema)` | names; of a table also its type, and whether it is temporary |
# | `listColumns(table)` | name and type of each column, whether it is a partition or a bucket column |
# | `tableExists(table)`, `getTable(table)` | one table |
# | `refreshTable(table)` | reads the list of files anew, after another program has written there |
#
# Two names mean the same thing: what Spark's methods call a *database* is a *schema* in SQL and on Databricks.

# %%
for table in spark.catalog.listTables("depot"):
    print(table.name, table.tableType, "temporary" if table.isTemporary else "")
for column in spark.catalog.listColumns("depot.by_country")[:2]:
    print("   ", column.name, column.dataType, "bucket" if column.isBucket else "")
print(spark.catalog.tableExists("depot.towns"))

# %% [markdown]
# `stores` in that list is a surprise: it is the temporary view of the set-up cell. Temporary views belong to your session and not to any schema, and Spark lists them
# everywhere (below, other exercises may have left more of them).
#
# ### Exercise 3.3.2: what is in this schema?
#
# `schema` is the name of a schema. Return one row for each table and each permanent view in it: its `name`, its `type` as the catalog calls it (`MANAGED`, `EXTERNAL`, `VIEW`), the number of its
# `columns`, and `partitioned_by`, the names of its partition columns in the order of the catalog (an empty array if there are none). Temporary views are not in the schema.


# %% answer="3.3.2" title="What is in this schema?"
def inventory(spark: SparkSession, schema: str) -> DataFrame:
    """(name STRING, type STRING, columns INT, partitioned_by ARRAY<STRING>), one row per table or permanent view."""
    ### BEGIN SOLUTION
    rows = []
    for table in spark.catalog.listTables(schema):
        if table.isTemporary:
            continue
        columns = spark.catalog.listColumns(f"{schema}.{table.name}")
        partitions = [column.name for column in columns if column.isPartition]
        rows.append((table.name, table.tableType, len(columns), partitions))
    return spark.createDataFrame(
        rows, "name STRING, type STRING, columns INT, partitioned_by ARRAY<STRING>"
    )
    ### END SOLUTION


# %% check="3.3.2" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.3.2",
    "other tables",
    "a schema with other tables, one of which has two partition columns",
    name="archive",
    by="year, channel",
)
### END HIDDEN TESTS
check(
    "3.3.2",
    inventory,
    key=["name"],
    arguments={"name": "ledger", "by": "channel"},
    catalog={
        "tables": {},
        "schema": True,
        "returns": True,
        "uses": ["orders"],
        "setup": [
            "CREATE TABLE {schema}.{name} USING parquet PARTITIONED BY ({by}) AS "
            "SELECT order_id, status, channel, year(order_ts) AS year FROM orders LIMIT 20",
            "CREATE TABLE {schema}.codes USING csv LOCATION '{home}/codes' AS SELECT 'VIP20' AS code",
            "CREATE VIEW {schema}.recent AS SELECT order_id, status FROM {schema}.{name} WHERE year = 2025",
        ],
    },
)

# %% [markdown] hints="3.3.2"
# 1. First get the list of tables of the schema in Python, and throw out what is not in it. Which attribute tells a temporary view?
# 2. For each one, ask for its columns. The name to ask by needs the schema in front of it. Which attribute of a column tells that the table is partitioned by it?
# 3. Collect tuples in a list, then `spark.createDataFrame(list, "name STRING, ...")`.


# %% wrong="3.3.2" because="not expected"
def inventory(spark, schema):
    rows = []
    for table in spark.catalog.listTables(schema):
        name = table.name if table.isTemporary else f"{schema}.{table.name}"
        columns = spark.catalog.listColumns(name)
        parts = [column.name for column in columns if column.isPartition]
        rows.append((table.name, table.tableType, len(columns), parts))
    return spark.createDataFrame(
        rows, "name STRING, type STRING, columns INT, partitioned_by ARRAY<STRING>"
    )


# %% wrong="3.3.2" because="a schema with other tables"
def inventory(spark, schema):
    rows = [
        ("ledger", "MANAGED", 4, ["channel"]),
        ("codes", "EXTERNAL", 1, []),
        ("recent", "VIEW", 2, []),
    ]
    return spark.createDataFrame(
        rows, "name STRING, type STRING, columns INT, partitioned_by ARRAY<STRING>"
    )


# %% wrong="3.3.2" because="one of which has two partition columns"
def inventory(spark, schema):
    rows = []
    for table in spark.catalog.listTables(schema):
        if not table.isTemporary:
            columns = spark.catalog.listColumns(f"{schema}.{table.name}")
            parts = [column.name for column in columns if column.isPartition][:1]
            rows.append((table.name, table.tableType, len(columns), parts))
    return spark.createDataFrame(
        rows, "name STRING, type STRING, columns INT, partitioned_by ARRAY<STRING>"
    )


# %% wrong="3.3.2" because="missing"
def inventory(spark, schema):
    rows = []
    for table in spark.catalog.listTables(schema):
        if table.tableType in ("MANAGED", "EXTERNAL"):
            columns = spark.catalog.listColumns(f"{schema}.{table.name}")
            parts = [column.name for column in columns if column.isPartition]
            rows.append((table.name, table.tableType, len(columns), parts))
    return spark.createDataFrame(
        rows, "name STRING, type STRING, columns INT, partitioned_by ARRAY<STRING>"
    )


# %% right="3.3.2"
def inventory(spark, schema):
    shown = spark.sql(f"SHOW TABLES IN {schema}").where("NOT isTemporary")
    rows = []
    for row in shown.collect():
        name = f"{schema}.{row.tableName}"
        kind, columns = spark.catalog.getTable(name).tableType, spark.catalog.listColumns(name)
        parts = [column.name for column in filter(lambda column: column.isPartition, columns)]
        rows.append((row.tableName, kind, len(columns), parts))
    return spark.createDataFrame(
        rows, "name STRING, type STRING, columns INT, partitioned_by ARRAY<STRING>"
    )


# %% right="3.3.2"
def inventory(spark, schema):
    tables = [table for table in spark.catalog.listTables(schema) if table.namespace == [schema]]
    columns = {table.name: spark.catalog.listColumns(f"{schema}.{table.name}") for table in tables}
    rows = [
        (
            t.name,
            t.tableType,
            len(columns[t.name]),
            [c.name for c in columns[t.name] if c.isPartition],
        )
        for t in tables
    ]
    return spark.createDataFrame(
        rows, "name STRING, type STRING, columns INT, partitioned_by ARRAY<STRING>"
    )


# %% [markdown]
# ## The previous project
#
# Before there was Spark in the shop, all tables fitted into one PostgreSQL database. It is still there, and the web shop works with it. The next cell starts a real PostgreSQL server on your
# machine (it ends with this notebook), makes a database `shop` in it, and loads the tables of that project: customers, products, stores, orders, order_items and payments.
#
# Spark reaches a database through **JDBC**. It needs four things: a `url` (where the server is, and which database), a `user`, a `password`, and the class of the `driver`.
# The object `shop` holds them as a dictionary, `shop.jdbc`. Never write a password into a notebook: notebooks get copied, and end up in a repository. Here the server makes one when it starts.

# %%
from autograder.services import postgres, previous_project

shop = postgres.new_database(postgres.shared_server(), "shop")
loaded = previous_project.load(spark, shop)
print(loaded)
print(sorted(shop.jdbc))

# %% [markdown]
# The other way in is `shop.connect()`. It gives a connection of plain Python (the standard is called DB-API), with which you send single statements to the database. A
# connection begins a **transaction** with your first statement. Nothing that you change is seen by others before `commit()`, and when the connection breaks, all of it is undone.

# %%


def ask(statement):
    """Send one statement to the shop's database, commit, and return its rows, if it has any."""
    with contextlib.closing(shop.connect()) as link:
        answer = link.cursor()
        answer.execute(statement)
        found = [tuple(row) for row in answer.fetchall()] if answer.description else []
        link.commit()
        return found


print(ask("SELECT count(*), min(signup_date), max(signup_date) FROM customers"))

# %% [markdown]
# ## When there is no connection
#
# Sooner or later you will see a page of red text. The cause stands in one line of it, the one that the driver or the server wrote (often at the end of a long line). Look for it first,
# and read the rest only if you must:

# %%
for attempt in ({"password": "guess"}, {"port": 1}, {"database": "warehouse"}, {"table": "shops"}):
    try:
        spark.read.format("jdbc").options(**jdbc_options(shop, attempt)).load()
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next(line for line in lines if "PSQLException" in line or "ERROR:" in line)
        print(attempt, "\n    ", reason.partition("Exception: ")[2] or reason)

# %% [markdown]
# | what you read | cause | what to do |
# |---|---|---|
# | `password authentication failed for user "..."` | user or password is wrong. PostgreSQL does not say which, and gives the same answer for a user who does not exist | check the credentials: which file or secret do they come from, is it the one for this server? |
# | `database "..." does not exist` | the end of the URL is wrong | compare with the list of databases |
# | `Connection to ... refused` | nobody listens at this address: wrong host or port, or the server is down | is the server running? is there a firewall? |
# | `relation "..." does not exist` | you are in, but the table has another name or is in another schema | `schema.table`; names with capital letters need quotes |
# | `permission denied for table ...` | you are in, but may not read this | ask its owner for `GRANT SELECT` |
# | `ClassNotFoundException: org.postgresql.Driver` | the driver's jar is not on Spark's class path | add it when the session starts (`spark.jars`) |
#
# ### Exercise 3.3.3: why is there no connection?
#
# In the exercises `database` is an object like `shop`: it has `database.jdbc`, `database.url` and `database.connect()`. `attempts` is a list of dictionaries such as `{"password": "guess"}`. For each one try to read the table `stores` of `database` with the options that `jdbc_options(database, attempt)` (in the set-up cell) gives
# for it. Return a list of texts, one for each attempt, in the same order: `"credentials"` when user or password are wrong, `"database"` when there is no such database, `"server"` when nobody listens there,
# `"table"` when there is no such table, and `"fine"` when nothing is wrong. Find the cause in the error, not in the attempt: an attempt may replace several things. If several of them are wrong, the cause is the one that the error names.


# %% answer="3.3.3" title="Why is there no connection?"
def causes(spark: SparkSession, database: Access, attempts: list) -> list:
    """A list of texts, one per attempt: "credentials", "database", "server", "table" or "fine"."""
    ### BEGIN SOLUTION
    signs = {
        "password authentication failed": "credentials",
        "FATAL: database": "database",
        "refused": "server",
        "ERROR: relation": "table",
    }
    found = []
    for attempt in attempts:
        try:
            spark.read.format("jdbc").options(**jdbc_options(database, attempt)).load()
            found.append("fine")
        except Exception as problem:
            found.append(next(cause for sign, cause in signs.items() if sign in str(problem)))
    return found
    ### END SOLUTION


# %% check="3.3.3" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.3.3",
    "misleading",
    "attempts with misleading names and values",
    attempts=[
        {"database": "password"},
        {"table": "database"},
        {"user": "server"},
        {"password": "fine", "table": "refused"},
        {"table": "public.stores"},
        {"database": "relation", "table": "shops"},
    ],
)
### END HIDDEN TESTS
check(
    "3.3.3",
    causes,
    arguments={
        "attempts": [
            {"password": "secret"},
            {"port": 1},
            {"table": "shops"},
            {},
            {"database": "warehouse"},
            {"user": "admin"},
        ]
    },
    database={
        "tables": {"stores": {"from": "SELECT store_id, city FROM stores", "content": False}},
        "uses": ["stores"],
        "returns": "value",
    },
)

# %% [markdown] equivalent="3.3.3" because="When it is neither credentials, nor database, nor server, only the table is left."
# - text: 'ERROR: relation' → ''

# %% [markdown] hints="3.3.3"
# 1. `try` to load. What do you know when no exception comes? You need no action: Spark asks the database for the columns as soon as you load.
# 2. `str(error)` holds the whole text. For each cause, choose a piece of the message that can only come from this cause, whatever the user, the table or the database is called.
# 3. A single word such as `password` or `database` also fits other messages. Use some words around it, as in the table above.


# %% wrong="3.3.3" because="misleading names"
def causes(spark, database, attempts):
    found = []
    for attempt in attempts:
        try:
            spark.read.format("jdbc").options(**jdbc_options(database, attempt)).load()
            found.append("fine")
        except Exception as error:
            text = str(error)
            signs = {"password": "credentials", "database": "database", "refused": "server"}
            found.append(next((signs[sign] for sign in signs if f" {sign}" in text), "table"))
    return found


# %% wrong="3.3.3" because="misleading names"
def causes(spark, database, attempts):
    names = {"password": "credentials", "user": "credentials", "port": "server"}
    return [names.get(key, key) for attempt in attempts for key in list(attempt)[:1] or ["fine"]]


# %% wrong="3.3.3" because="6 entries"
def causes(spark, database, attempts):
    found = []
    for attempt in attempts:
        try:
            spark.read.format("jdbc").options(**jdbc_options(database, attempt)).load()
        except Exception as error:
            text = str(error)
            found.append("credentials" if "authentication" in text else "server")
    return found


# %% wrong="3.3.3" because="wrong"
def causes(spark, database, attempts):
    found = []
    for attempt in attempts:
        try:
            with contextlib.closing(database.connect()) as connection:
                connection.cursor().execute(f"SELECT * FROM {attempt.get('table', 'stores')}")
            found.append("fine")
        except Exception:
            found.append("table")
    return found


# %% right="3.3.3"
def causes(spark, database, attempts):
    states = {
        "28P01": "credentials",
        "28000": "credentials",
        "3D000": "database",
        "08001": "server",
        "42P01": "table",
    }
    found = []
    for attempt in attempts:
        try:
            spark.read.format("jdbc").options(**jdbc_options(database, attempt)).load()
            found.append("fine")
        except Exception as error:
            problem = error.java_exception
            while problem.getClass().getSimpleName() != "PSQLException":
                problem = problem.getCause()
            found.append(states[problem.getSQLState()])
    return found


# %% right="3.3.3"
def causes(spark, database, attempts):
    import re

    def cause(attempt):
        try:
            spark.read.format("jdbc").options(**jdbc_options(database, attempt)).load().count()
        except Exception as error:
            text = str(error)
            if re.search(r'relation "[^"]*" does not exist', text):
                return "table"
            if re.search(r'database "[^"]*" does not exist', text):
                return "database"
            return "credentials" if "authentication failed" in text else "server"
        return "fine"

    return [cause(attempt) for attempt in attempts]


# %% [markdown]
# ## Let the database do it
#
# Rows that travel from the database to Spark cost time on both sides. What Spark can leave to the database it **pushes down**; the plan tells what that is. With `.format("jdbc")` these are
# two things: the **columns** that you use, and **filters** that compare a plain column with a constant.

# %%
products = spark.read.format("jdbc").options(**shop.jdbc, dbtable="products").load()
few = products.where((F.col("price") > 100) & F.upper("name").contains("LAMP")).select("name")
few.explain("formatted")

# %% [markdown]
# Read the line `External engine query`: this is what PostgreSQL gets. The price is compared there. `upper(name)` is not in it: Spark does not know whether PostgreSQL's `upper` means the
# same as its own, so it fetches the names of all expensive products and compares them itself.
#
# Counting, sums and limits are **not** pushed down by this reader. Grouping a million orders by channel fetches a million rows to make three. There are two ways out.
# You can send a query of your own, with the option `query` (or in `dbtable`, in parentheses and with a name). Or you register the database as a **catalog** of
# Spark; its tables then have names of three parts, and this newer reader pushes aggregates and limits as well:

# %%
spark.conf.set(
    "spark.sql.catalog.web", "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"
)
for option, value in {**shop.jdbc, "pushDownAggregate": "true", "pushDownLimit": "true"}.items():
    spark.conf.set(f"spark.sql.catalog.web.{option}", value)

by_country = (
    spark.table("web.public.customers").groupBy("country").agg(F.max("income").alias("top"))
)
by_country.orderBy(F.desc_nulls_last("top")).show(3)
by_country.explain("formatted")

# %% [markdown]
# `PushedAggregates` and `PushedGroupByExpressions` say that PostgreSQL has grouped the rows. A handful of rows came over.
#
# Spark opens a catalog once and keeps it under its name until the session ends; later settings do not change it. Another database needs another name, such as `f"pg_{database.database}"`.
#
# Three things to know when you send a query of your own. PostgreSQL decides on the types of the columns: `count(*)` is a `bigint`, but the sum of a `numeric` column is a `numeric` of any length, which Spark
# takes for `DECIMAL(38,18)`. Cast it in the query. And a time in the text of a query, such as `'2025-06-01 08:00'`, is read in the time zone that the driver reports, which is the one of your machine. Write the zone
# with it: `'2025-06-01 08:00+00'` is UTC.
#
# And `query` takes no parameters (1.4), so values have to become a part of the text. Convert what comes from outside before you put it in: `dt.date.fromisoformat(text)` refuses everything that is not a date, and the date that it gives prints as one.
#
# ### Exercise 3.3.4: payments by method
#
# The database has a table `payments` (`payment_id`, `order_id`, `method`, `amount`, `paid_ts`; all times are in UTC). Return for each `method` the number of `payments` and the `revenue` (sum of `amount`) of those that
# were made on or after the day `since`, a text such as 2025-06-01 (from midnight on). `amount` and `paid_ts` are never NULL. Payments without a known method are a group of their own, with NULL as its method. The database has to count: Spark may receive
# only a few rows more than your result has.


# %% answer="3.3.4" title="Payments by method"
def by_method(spark: SparkSession, database: Access, since: str) -> DataFrame:
    """(method STRING or NULL, payments BIGINT, revenue DECIMAL(12,2)), one row per method that occurs."""
    ### BEGIN SOLUTION
    day = dt.date.fromisoformat(since)
    query = f"""
        SELECT method, count(*) AS payments, CAST(sum(amount) AS numeric(12, 2)) AS revenue
        FROM payments WHERE paid_ts >= '{day} 00:00+00' GROUP BY method
    """
    return spark.read.format("jdbc").options(**database.jdbc, query=query).load()
    ### END SOLUTION


# %% check="3.3.4" points=2
### BEGIN HIDDEN TESTS
at_midnight = F.when(F.col("payment_id") % 3 == 0, F.lit("2025-03-01").cast("timestamp"))
variant(
    "3.3.4",
    "at midnight",
    "payments of exactly midnight, and another day",
    payments=variants.replaced(paid_ts=F.coalesce(at_midnight, "paid_ts")),
    since="2025-03-01",
)
### END HIDDEN TESTS
check(
    "3.3.4",
    by_method,
    key=["method"],
    arguments={"since": "2025-06-01"},
    database={
        "tables": {"payments": {"from": "SELECT * FROM payments", "content": False}},
        "uses": ["payments"],
        "returns": "rows",
        "spare_rows": 5,
    },
)

# %% [markdown] hints="3.3.4"
# 1. Write the query as you would in a client of PostgreSQL, and try it with `spark.read` on `shop`: it has a table `payments`, too.
# 2. The option `query` takes the text. Do not use it together with `dbtable`.
# 3. If the verdict complains about a type, look at `printSchema()` and cast in the query: `CAST(... AS numeric(12, 2))`.


# %% wrong="3.3.4" because="rows from the database"
def by_method(spark, database, since):
    payments = spark.read.format("jdbc").options(**database.jdbc, dbtable="payments").load()
    recent = payments.where(F.col("paid_ts") >= since)
    totals = F.count("*").alias("payments"), F.sum("amount").cast("decimal(12,2)").alias("revenue")
    return recent.groupBy("method").agg(*totals)


# %% wrong="3.3.4" because="DECIMAL(38,18)"
def by_method(spark, database, since):
    query = f"SELECT method, count(*) AS payments, sum(amount) AS revenue FROM payments WHERE paid_ts >= '{since} 00:00+00' GROUP BY method"
    return spark.read.format("jdbc").options(**database.jdbc, query=query).load()


# %% wrong="3.3.4" because="exactly midnight"
def by_method(spark, database, since):
    query = f"""SELECT method, count(*) AS payments, CAST(sum(amount) AS numeric(12, 2)) AS revenue
                FROM payments WHERE paid_ts > '{since} 00:00+00' GROUP BY method"""
    return spark.read.format("jdbc").options(**database.jdbc, query=query).load()


# %% wrong="3.3.4" because="missing"
def by_method(spark, database, since):
    query = f"""SELECT method, count(*) AS payments, CAST(sum(amount) AS numeric(12, 2)) AS revenue
                FROM payments WHERE paid_ts >= '{since} 00:00+00' AND method <> '' GROUP BY method"""
    return spark.read.format("jdbc").options(**database.jdbc, query=query).load()


# %% wrong="3.3.4" because="another day"
def by_method(spark, database, since):
    query = """SELECT method, count(*) AS payments, CAST(sum(amount) AS numeric(12, 2)) AS revenue
               FROM payments WHERE paid_ts >= '2025-06-01 00:00+00' GROUP BY method"""
    return spark.read.format("jdbc").options(**database.jdbc, query=query).load()


# %% right="3.3.4"
def by_method(spark, database, since):
    grouped = f"""(SELECT method, count(payment_id) AS payments, sum(amount)::numeric(12, 2) AS revenue
                   FROM payments WHERE paid_ts >= '{since} 00:00+00' GROUP BY 1) AS grouped"""
    return spark.read.jdbc(database.url, grouped, properties=database.jdbc)


# %% right="3.3.4"
def by_method(spark, database, since):
    name = f"pg_{database.database}"
    spark.conf.set(
        f"spark.sql.catalog.{name}",
        "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
    )
    for option, value in {**database.jdbc, "pushDownAggregate": "true"}.items():
        spark.conf.set(f"spark.sql.catalog.{name}.{option}", value)
    recent = spark.table(f"{name}.public.payments").where(
        F.col("paid_ts") >= F.lit(since).cast("timestamp")
    )
    totals = recent.groupBy("method").agg(
        F.count("*").alias("payments"), F.sum("amount").alias("revenue")
    )
    return totals.withColumn("revenue", F.col("revenue").cast("decimal(12,2)"))


# %% [markdown]
# ## A large table, read in parts
#
# Without more options, one task reads the whole table through one connection, however many cores you have. To read in parts, Spark needs a rule by which it can send several queries. The simplest one is a column
# of numbers, dates or times, with two bounds:

# %%
cut = {"partitionColumn": "customer_id", "lowerBound": 201, "upperBound": 401, "numPartitions": 4}
in_four = spark.read.format("jdbc").options(**shop.jdbc, dbtable="customers", **cut).load()
print(in_four.rdd.getNumPartitions(), "partitions,", in_four.count(), "rows")
in_four.groupBy(F.spark_partition_id().alias("partition")).agg(
    F.count("*").alias("rows"), F.min("customer_id"), F.max("customer_id")
).orderBy("partition").show()

# %% [markdown]
# Many people get this wrong: the bounds do **not** filter. All 1,000 customers came. Spark cuts the range between the bounds into strides of equal width (here 50), and the first and the last partition take all that lies outside. The NULLs
# are in the first. With bad bounds, two tasks do nearly all of the work. So ask the database for the true minimum and maximum first, which costs one small query. And do not ask for 200 partitions: each is
# a connection, and the web shop needs the database, too. Each query also sees the table at its own moment: what changes while you read may be in one part and not yet in another.
#
# ### Exercise 3.3.5: orders in parts
#
# The table `orders` of the database (`order_id BIGINT`, `order_ts`, `status`) has many more rows than there are `parts`. Its ids lie evenly between the first and the last, but nobody knows where they begin. Return all of its rows, read from the database in as many partitions as
# `parts` says, cut by `order_id` so that the parts are about equally large.


# %% answer="3.3.5" title="Orders in parts"
def in_parts(spark: SparkSession, database: Access, parts: int) -> DataFrame:
    """(order_id BIGINT, order_ts TIMESTAMP, status STRING or NULL), in `parts` partitions of about the same size."""
    ### BEGIN SOLUTION
    bounds = "SELECT min(order_id) AS low, max(order_id) AS high FROM orders"
    ends = spark.read.format("jdbc").options(**database.jdbc, query=bounds).load().first()
    strides = {"lowerBound": ends.low, "upperBound": ends.high, "numPartitions": parts}
    reader = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders", **strides)
    return reader.option("partitionColumn", "order_id").load()
    ### END SOLUTION


# %% check="3.3.5" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.3.5",
    "other ids",
    "ids that begin elsewhere, and another number of parts",
    orders=variants.replaced(order_id=F.col("order_id") * 7),
    parts=3,
)
### END HIDDEN TESTS
check(
    "3.3.5",
    in_parts,
    key=["order_id"],
    arguments={"parts": 4},
    database={
        "tables": {
            "orders": {
                "from": "SELECT order_id + 70000 AS order_id, order_ts, status FROM orders",
                "content": False,
            }
        },
        "uses": ["orders"],
        "returns": "rows",
        "partitions": True,
        "largest": 0.4,
    },
)

# %% [markdown] hints="3.3.5"
# 1. Two reads: a tiny one that tells where the ids begin and end, then the large one.
# 2. `first()` on the tiny one gives you a row whose fields are plain Python numbers. They are the bounds.
# 3. The four options of the worked example belong together. `partitionColumn` works with `dbtable`, not with `query`.


# %% wrong="3.3.5" because="in 1 partition, not in 4"
def in_parts(spark, database, parts):
    whole = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    return whole.repartition(parts)


# %% wrong="3.3.5" because="of them are in one partition"
def in_parts(spark, database, parts):
    cut = {
        "partitionColumn": "order_id",
        "lowerBound": 1,
        "upperBound": 1500,
        "numPartitions": parts,
    }
    return spark.read.format("jdbc").options(**database.jdbc, dbtable="orders", **cut).load()


# %% wrong="3.3.5" because="ids that begin elsewhere"
def in_parts(spark, database, parts):
    cut = {
        "partitionColumn": "order_id",
        "lowerBound": 70001,
        "upperBound": 71500,
        "numPartitions": parts,
    }
    return spark.read.format("jdbc").options(**database.jdbc, dbtable="orders", **cut).load()


# %% wrong="3.3.5" because="another number of parts"
def in_parts(spark, database, parts):
    ends = (
        spark.read.format("jdbc")
        .options(**database.jdbc, query="SELECT min(order_id) a, max(order_id) b FROM orders")
        .load()
        .first()
    )
    cut = {
        "partitionColumn": "order_id",
        "lowerBound": ends.a,
        "upperBound": ends.b,
        "numPartitions": 4,
    }
    return spark.read.format("jdbc").options(**database.jdbc, dbtable="orders", **cut).load()


# %% right="3.3.5"
def in_parts(spark, database, parts):
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT min(order_id), max(order_id) + 1 FROM orders")
        low, high = cursor.fetchone()
    return spark.read.jdbc(
        database.url,
        "orders",
        column="order_id",
        lowerBound=low,
        upperBound=high,
        numPartitions=parts,
        properties=database.jdbc,
    )


# %% right="3.3.5"
def in_parts(spark, database, parts):
    predicates = [f"order_id % {parts} = {rest}" for rest in range(parts)]
    return spark.read.jdbc(database.url, "orders", predicates=predicates, properties=database.jdbc)


# %% [markdown]
# ### Predicates: parts of your own choice
#
# Where no column of numbers will do, you write the conditions yourself. `spark.read.jdbc(url, table, predicates=[...], properties=...)` sends one query for each predicate, and each makes a partition. Nobody
# checks them: a row that fulfils two of them comes twice, and a row that fulfils none is lost. The usual victim is NULL, which fulfils neither `country = 'Spain'` nor `country <> 'Spain'`.

# %%
halves = ["country = 'Germany'", "country <> 'Germany'"]
lossy = spark.read.jdbc(shop.url, "customers", predicates=halves, properties=shop.jdbc)
print("in the database:", ask("SELECT count(*) FROM customers"), "arrived:", lossy.count())

# %% [markdown]
# ### Exercise 3.3.6: a part for each method
#
# Read the table `payments` of the database (`payment_id`, `method`, `amount`). Each method of the list `methods` gets a partition of its own, and one more partition takes **all other** payments, whatever their method is. Every payment comes exactly once.
# `methods` has at least one entry, no entry twice, and no quotes in its texts. They come from our own program, so you may put them into conditions as they are. A payment may have the method NULL.


# %% answer="3.3.6" title="A part for each method"
def method_parts(spark: SparkSession, database: Access, methods: list) -> DataFrame:
    """(payment_id BIGINT, method STRING or NULL, amount DECIMAL(10,2)), in one partition per method and one for all others."""
    ### BEGIN SOLUTION
    listed = ", ".join(f"'{method}'" for method in methods)
    predicates = [f"method = '{method}'" for method in methods]
    predicates.append(f"method IS NULL OR method NOT IN ({listed})")
    return spark.read.jdbc(
        database.url, "payments", predicates=predicates, properties=database.jdbc
    )
    ### END SOLUTION


# %% check="3.3.6" points=2
### BEGIN HIDDEN TESTS
variant("3.3.6", "one method", "a list with one method", methods=["wallet"])
### END HIDDEN TESTS
check(
    "3.3.6",
    method_parts,
    key=["payment_id"],
    arguments={"methods": ["card", "wallet", "bank_transfer"]},
    database={
        "tables": {
            "payments": {
                "from": "SELECT payment_id, method, amount FROM payments",
                "content": False,
            }
        },
        "uses": ["payments"],
        "returns": "rows",
        "partitions": True,
    },
)

# %% [markdown] hints="3.3.6"
# 1. Build a list of conditions in SQL, as texts. The first ones are easy; the last one must be true for all that the others leave.
# 2. What does `method NOT IN ('card')` give for a payment whose method is NULL? Say what should become of those.


# %% wrong="3.3.6" because="missing"
def method_parts(spark, database, methods):
    listed = ", ".join(f"'{method}'" for method in methods)
    predicates = [f"method = '{method}'" for method in methods] + [f"method NOT IN ({listed})"]
    return spark.read.jdbc(
        database.url, "payments", predicates=predicates, properties=database.jdbc
    )


# %% wrong="3.3.6" because="missing"
def method_parts(spark, database, methods):
    predicates = [f"method = '{method}'" for method in methods] + ["method IS NULL"]
    return spark.read.jdbc(
        database.url, "payments", predicates=predicates, properties=database.jdbc
    )


# %% wrong="3.3.6" because="in 1 partition, not in 4"
def method_parts(spark, database, methods):
    return spark.read.jdbc(database.url, "payments", properties=database.jdbc).repartition("method")


# %% wrong="3.3.6" because="a list with one method"
def method_parts(spark, database, methods):
    known = ["card", "wallet", "bank_transfer"]
    predicates = [f"method = '{method}'" for method in known]
    predicates.append("coalesce(method, '') NOT IN ('card', 'wallet', 'bank_transfer')")
    return spark.read.jdbc(
        database.url, "payments", predicates=predicates, properties=database.jdbc
    )


# %% wrong="3.3.6" because="copies of others"
def method_parts(spark, database, methods):
    predicates = [f"method = '{method}'" for method in methods] + ["true"]
    return spark.read.jdbc(
        database.url, "payments", predicates=predicates, properties=database.jdbc
    )


# %% right="3.3.6"
def method_parts(spark, database, methods):
    predicates = [f"method = '{method}'" for method in methods]
    rest = "(" + " OR ".join(predicates) + ") IS NOT TRUE"
    return spark.read.jdbc(
        database.url, "payments", predicates=[*predicates, rest], properties=database.jdbc
    )


# %% right="3.3.6"
def method_parts(spark, database, methods):
    listed = ", ".join(f"'{method}'" for method in methods)
    conditions = [f"method = '{method}'" for method in methods] + [
        f"coalesce(method, '') NOT IN ({listed})"
    ]
    tables = [f"(SELECT * FROM payments WHERE {condition}) AS part" for condition in conditions]
    parts = [
        spark.read.format("jdbc").options(**database.jdbc, dbtable=table).load() for table in tables
    ]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.unionByName(part)
    return whole


# %% [markdown]
# ## Write back: a report for others
#
# `df.write.format("jdbc")` creates or fills a table. Each partition of the DataFrame is written by its own task, in its own connection, in groups of `batchsize` rows (1,000 unless you say otherwise). What the four save modes mean
# for a table that is there:
#
# | mode | what it does to the table |
# |---|---|
# | `append` | `INSERT`; a row whose key is there already makes the task fail |
# | `overwrite` | **drops** the table and makes a new one of the same name, with types that Spark chooses and nothing else |
# | `overwrite` with `option("truncate", True)` | empties the table, keeps it, and inserts |
# | `ignore`, `error` (if you say nothing) | leave the table alone, without or with an error |
#
# A table in a database is more than its rows. It has a primary key, indexes, constraints, rights for other users. See what a plain overwrite leaves of that (PostgreSQL keeps the names of
# a table's constraints in `pg_constraint`):

# %%
ask(
    "CREATE TABLE openings (store_id INT PRIMARY KEY, opened DATE NOT NULL, CHECK (opened < '2030-01-01'))"
)
opened = stores.select("store_id", "opened")
opened.write.format("jdbc").options(**shop.jdbc, dbtable="openings").mode("append").save()
rules = "SELECT conname FROM pg_constraint WHERE conrelid = 'openings'::regclass ORDER BY conname"
print("before:", ask(rules))
opened.write.format("jdbc").options(**shop.jdbc, dbtable="openings").mode("overwrite").save()
print("after: ", ask(rules))

# %% [markdown]
# The rows are the same, and nobody notices anything until a second row for the same store comes in.
#
# ### Exercise 3.3.7: the daily report
#
# The accountants read a table `daily_sales` in the database: `day DATE` (its primary key), `payments BIGINT`, `revenue NUMERIC(12,2)`. Each night it is made anew from the DataFrame `payments`: for each day (of `paid_ts`, in UTC) on which something was
# paid, the number of payments and the sum of their amounts. Days that are no longer in the data must leave the table. If nothing was paid at all, the table is empty. `paid_ts` and `amount` are never NULL. The table itself must stay, with its key. Your function will run twice.


# %% answer="3.3.7" title="The daily report"
def daily_report(payments: DataFrame, database: Access) -> None:
    """Replaces all rows of the table `daily_sales` (day DATE, payments BIGINT, revenue NUMERIC(12,2)), none of them NULL."""
    ### BEGIN SOLUTION
    sales = payments.groupBy(F.to_date("paid_ts").alias("day")).agg(
        F.count("*").alias("payments"), F.sum("amount").alias("revenue")
    )
    writer = sales.write.format("jdbc").options(**database.jdbc, dbtable="daily_sales")
    writer.option("truncate", True).mode("overwrite").save()
    ### END SOLUTION


# %% check="3.3.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.3.7", "nothing paid", "a data set without any payment", payments=variants.only("amount < 0")
)
### END HIDDEN TESTS
check(
    "3.3.7",
    daily_report,
    arguments={"script": ["run", "run"]},
    database={
        "tables": {"daily_sales": {"key": ["day"]}},
        "setup": [
            "CREATE TABLE daily_sales (day DATE PRIMARY KEY, payments BIGINT NOT NULL, revenue NUMERIC(12, 2) NOT NULL)",
            "INSERT INTO daily_sales VALUES ('2023-12-30', 3, 99.50), ('2025-03-01', 1, 1.00)",
        ],
    },
)

# %% [markdown] hints="3.3.7"
# 1. First the report, as a DataFrame with the columns of the table. `F.to_date` makes a day of a time.
# 2. Then one write. Which mode removes old rows, and which option lets it keep the table?


# %% wrong="3.3.7" because="it was dropped and made again"
def daily_report(payments, database):
    sales = payments.groupBy(F.to_date("paid_ts").alias("day")).agg(
        F.count("*").alias("payments"), F.sum("amount").cast("decimal(12,2)").alias("revenue")
    )
    sales.write.format("jdbc").options(**database.jdbc, dbtable="daily_sales").mode(
        "overwrite"
    ).save()


# %% wrong="3.3.7" because="duplicate key value"
def daily_report(payments, database):
    sales = payments.groupBy(F.to_date("paid_ts").alias("day")).agg(
        F.count("*").alias("payments"), F.sum("amount").alias("revenue")
    )
    sales.write.format("jdbc").options(**database.jdbc, dbtable="daily_sales").mode("append").save()


# %% wrong="3.3.7" because="missing"
def daily_report(payments, database):
    sales = payments.groupBy(F.to_date("paid_ts").alias("day")).agg(
        F.count("*").alias("payments"), F.sum("amount").alias("revenue")
    )
    sales.write.format("jdbc").options(**database.jdbc, dbtable="daily_sales").mode("ignore").save()


# %% wrong="3.3.7" because="without any payment"
def daily_report(payments, database):
    sales = payments.groupBy(F.to_date("paid_ts").alias("day")).agg(
        F.count("*").alias("payments"), F.sum("amount").alias("revenue")
    )
    if not sales.isEmpty():
        writer = sales.write.format("jdbc").options(
            **database.jdbc, dbtable="daily_sales", truncate=True
        )
        writer.mode("overwrite").save()


# %% right="3.3.7"
def daily_report(payments, database):
    sales = payments.groupBy(F.to_date("paid_ts").alias("day")).agg(
        F.count("*").alias("payments"), F.sum("amount").alias("revenue")
    )
    with contextlib.closing(database.connect()) as connection:
        connection.cursor().execute("DELETE FROM daily_sales")
        connection.commit()
    sales.write.format("jdbc").options(**database.jdbc, dbtable="daily_sales").mode("append").save()


# %% right="3.3.7"
def daily_report(payments, database):
    payments.createOrReplaceTempView("paid")
    sales = payments.sparkSession.sql(
        "SELECT CAST(paid_ts AS DATE) AS day, count(1) AS payments, sum(amount) AS revenue FROM paid GROUP BY 1"
    )
    sales.coalesce(1).write.mode("overwrite").jdbc(
        database.url, "daily_sales", properties={**database.jdbc, "truncate": "true"}
    )


# %% [markdown]
# ## Only what is new
#
# To copy a table every hour, do not read it every hour. If each row says when it was last changed, in a column that the database sets (`updated_at`), you can ask for the rows that are newer than the newest one that you have.
# That value is the **watermark** of the copy (streams use the word for something related, but different; a later notebook tells more):
#
# 1. read the watermark: the greatest `updated_at` of the copy;
# 2. fetch the rows at or after it. The comparison is a plain one, so it is pushed down;
# 3. put them into the copy **by key**: a changed row replaces the old one, a new row is added.
#
# Three things make this fail in practice. Two rows can have the same time, and the second may be committed after you have read the first: with `>` you never see it. So ask for `>=`. You then receive a few rows again, and because step 3
# goes by key, that does no harm. The second: take the watermark from the data that you have stored, never from the clock. Clocks of two machines differ, and a row that was changed while you were reading falls between two of their times. And the third:
# a **deleted** row has no `updated_at` any more. You never hear of it; deletions need another way, such as a column `deleted`, or **change data capture**, which reads every change from the database's own log.
#
# There is a limit to `>=`: a transaction that takes long may commit an `updated_at` that is *smaller* than one you have already read. If your database has such transactions, begin a few minutes
# before the watermark. Step 3 makes the repeated rows harmless.

# %%
ask(
    "CREATE TABLE prices (product_id INT PRIMARY KEY, price NUMERIC(10, 2), updated_at TIMESTAMPTZ)"
)
ask("INSERT INTO prices SELECT g, g, '2025-05-01 08:00+00' FROM generate_series(1, 5) AS g")
prices = spark.read.format("jdbc").options(**shop.jdbc, dbtable="prices").load()
prices.write.format("delta").save(f"{depot}/prices")

ask("UPDATE prices SET price = 9, updated_at = '2025-05-02 09:30+00' WHERE product_id = 2")
ask("INSERT INTO prices VALUES (6, 12.5, '2025-05-02 10:00+00')")
copy = spark.read.format("delta").load(f"{depot}/prices")
newest = copy.selectExpr("max(updated_at) AS at").first().at
news = prices.where(F.col("updated_at") >= newest)
print("with > :", prices.where(F.col("updated_at") > newest).count(), "rows")
print("with >=:", news.count(), "rows")

# %% [markdown]
# (Four of the six rows are known already. All of them were made at the same second here; with rows that come one by one it is one or two.)
#
# "Put into the copy by key" is one statement, if the copy is a table in the **Delta** format, which is Parquet with a log of its changes (module 4): `MERGE`. It compares the rows of a source with those of the table by a condition. What happens to a row that has
# a partner in the table stands behind `WHEN MATCHED`, what happens to one without behind `WHEN NOT MATCHED`; `*` means all columns, by their names:

# %%
news.createOrReplaceTempView("news")
spark.sql(f"""
    MERGE INTO delta.`{depot}/prices` AS old USING news ON old.product_id = news.product_id
    WHEN MATCHED THEN UPDATE SET *
    WHEN NOT MATCHED THEN INSERT *
""")
spark.read.format("delta").load(f"{depot}/prices").orderBy("product_id").show()
print(DeltaTable.isDeltaTable(spark, f"{depot}/prices"), DeltaTable.isDeltaTable(spark, f"{depot}"))

# %% [markdown]
# Product 2 was replaced, product 6 was added, and the four rows that came a second time changed nothing. The statement is one transaction: it is done completely or not at all. `DeltaTable.isDeltaTable` tells whether there is such a table at a path. (A later notebook has more on MERGE, also as a method of `DeltaTable`.)
#
# ### Exercise 3.3.8: a copy that keeps up
#
# The table `orders` of the database has `order_id BIGINT` (its key), `status`, `channel` and `updated_at`. `mirror` is the path of a **Delta** table that does not exist yet when your function runs for the first time. After each run it must hold the same rows as `orders`.
# Rows of `orders` are added and changed between runs, always with an `updated_at` at or after all earlier ones; none is deleted, `updated_at` is never NULL, and `order_id` occurs once.
#
# - The first run copies everything, and reads it once. `orders` may still be **empty** then.
# - Later runs fetch only the rows at or after the watermark, and put them in by key.


# %% answer="3.3.8" title="A copy that keeps up"
def refresh(spark: SparkSession, database: Access, mirror: str) -> None:
    """Brings the Delta table at the path `mirror` up to date: (order_id BIGINT, status STRING or NULL, channel STRING or NULL, updated_at TIMESTAMP)."""
    ### BEGIN SOLUTION
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if not DeltaTable.isDeltaTable(spark, mirror):
        source.write.format("delta").save(mirror)
        return
    target = DeltaTable.forPath(spark, mirror)
    watermark = target.toDF().agg(F.max("updated_at")).first()[0]
    changed = source if watermark is None else source.where(F.col("updated_at") >= watermark)
    merge = target.alias("old").merge(changed.alias("new"), "old.order_id = new.order_id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    ### END SOLUTION


# %% check="3.3.8" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.3.8",
    "same time",
    "a row that comes late, with the time of the watermark, and one that changes a second time at that time, in all of its columns",
    script=[
        "run",
        "UPDATE orders SET status = 'lost', updated_at = '2026-02-01 08:00' WHERE order_id = 5",
        "run",
        "INSERT INTO orders VALUES (9002, 'pending', 'app', '2026-02-01 08:00')",
        "UPDATE orders SET status = NULL, channel = 'phone', updated_at = '2026-02-01 08:00' WHERE order_id = 5",
        "run",
    ],
)
variant(
    "3.3.8",
    "empty at first",
    "a table that is empty at the first run",
    orders=variants.empty,
)
### END HIDDEN TESTS
check(
    "3.3.8",
    refresh,
    deadline=120,
    arguments={
        "script": [
            "run",
            "UPDATE orders SET status = 'returned', updated_at = '2026-01-30 17:00' WHERE order_id IN (3, 7)",
            "INSERT INTO orders VALUES (9001, 'pending', 'web', '2026-01-31 09:15')",
            "run",
        ]
    },
    database={
        "tables": {
            "orders": {
                "from": "SELECT order_id, status, channel, order_ts AS updated_at FROM orders WHERE order_id <= 300",
                "content": False,
            },
            "mirror": {"as": "path", "key": ["order_id"]},
        },
        "uses": ["orders"],
        "setup": ["ALTER TABLE orders ADD PRIMARY KEY (order_id)"],
        "spare_rows": 5,
    },
)

# %% [markdown] equivalent="3.3.8" because="The first field of a row with one field is also its last."
# - number: 0 → -1

# %% [markdown] hints="3.3.8"
# 1. `DeltaTable.isDeltaTable(spark, path)` tells whether this is the first run. What is to be done then?
# 2. The watermark is one number out of the copy: an aggregate, then `first()`. What is it when the copy has no rows, and what does a comparison with that give?
# 3. The new rows go in by MERGE, as in the example: in SQL on a view of them and `` delta.`path` ``, or in Python by `DeltaTable.forPath(spark, path)` and its method `merge`. Which column is the key?


# %% wrong="3.3.8" because="Spark received"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    source.write.format("delta").mode("overwrite").save(mirror)


# %% wrong="3.3.8" because="comes late, with the time of the watermark"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if not DeltaTable.isDeltaTable(spark, mirror):
        source.write.format("delta").save(mirror)
        return
    target = DeltaTable.forPath(spark, mirror)
    seen = target.toDF().agg(F.max("updated_at")).first()[0]
    news = source if seen is None else source.where(F.col("updated_at") > seen)
    merge = target.alias("old").merge(news.alias("new"), "old.order_id = new.order_id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


# %% wrong="3.3.8" because="empty at the first run"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if not DeltaTable.isDeltaTable(spark, mirror):
        source.write.format("delta").save(mirror)
        return
    target = DeltaTable.forPath(spark, mirror)
    seen = target.toDF().agg(F.max("updated_at")).first()[0]
    news = source.where(F.col("updated_at") >= F.lit(seen))
    merge = target.alias("old").merge(news.alias("new"), "old.order_id = new.order_id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


# %% wrong="3.3.8" because="not expected"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if DeltaTable.isDeltaTable(spark, mirror):
        seen = spark.read.format("delta").load(mirror).agg(F.max("updated_at")).first()[0]
        source = source if seen is None else source.where(F.col("updated_at") >= F.lit(seen))
    source.write.format("delta").mode("append").save(mirror)


# %% wrong="3.3.8" because="Spark received"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if not DeltaTable.isDeltaTable(spark, mirror):
        source.write.format("delta").save(mirror)
        return
    target = DeltaTable.forPath(spark, mirror).alias("old")
    merge = target.merge(source.alias("new"), "old.order_id = new.order_id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


# %% wrong="3.3.8" because="changes a second time at that time"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if not DeltaTable.isDeltaTable(spark, mirror):
        source.write.format("delta").save(mirror)
        return
    target = DeltaTable.forPath(spark, mirror)
    watermark = target.toDF().agg(F.max("updated_at")).first()[0]
    changed = source if watermark is None else source.where(F.col("updated_at") >= watermark)
    merge = target.alias("old").merge(changed.alias("new"), "old.order_id = new.order_id")
    newer = merge.whenMatchedUpdateAll("old.updated_at < new.updated_at")
    newer.whenNotMatchedInsertAll().execute()


# %% wrong="3.3.8" because="in all of its columns"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if not DeltaTable.isDeltaTable(spark, mirror):
        source.write.format("delta").save(mirror)
        return
    target = DeltaTable.forPath(spark, mirror)
    watermark = target.toDF().agg(F.max("updated_at")).first()[0]
    changed = source if watermark is None else source.where(F.col("updated_at") >= watermark)
    merge = target.alias("old").merge(changed.alias("new"), "old.order_id = new.order_id")
    columns = {"status": "new.status", "updated_at": "new.updated_at"}
    merge.whenMatchedUpdate(set=columns).whenNotMatchedInsertAll().execute()


# %% wrong="3.3.8" because="in all of its columns"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if not DeltaTable.isDeltaTable(spark, mirror):
        source.write.format("delta").save(mirror)
        return
    seen = spark.read.format("delta").load(mirror).agg(F.max("updated_at")).first()[0]
    news = source if seen is None else source.where(F.col("updated_at") >= seen)
    news.createOrReplaceTempView("news")
    spark.sql(f"""
        MERGE INTO delta.`{mirror}` AS old USING news ON old.order_id = news.order_id
        WHEN MATCHED AND old.status <> news.status THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
    """)


# %% right="3.3.8"
def refresh(spark, database, mirror):
    first = not DeltaTable.isDeltaTable(spark, mirror)
    seen = (
        None
        if first
        else spark.read.format("delta")
        .load(mirror)
        .agg(F.max("updated_at").cast("string"))
        .first()[0]
    )
    query = "SELECT * FROM orders" + (f" WHERE updated_at >= '{seen}+00'" if seen else "")
    news = spark.read.format("jdbc").options(**database.jdbc, query=query).load()
    if first:
        news.write.format("delta").save(mirror)
        return
    news.createOrReplaceTempView("news")
    spark.sql(f"""
        MERGE INTO delta.`{mirror}` AS old USING news ON old.order_id = news.order_id
        WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
    """)


# %% right="3.3.8"
def refresh(spark, database, mirror):
    source = spark.read.format("jdbc").options(**database.jdbc, dbtable="orders").load()
    if not DeltaTable.isDeltaTable(spark, mirror):
        source.limit(0).write.format("delta").save(mirror)
    old = spark.read.format("delta").load(mirror)
    seen = old.agg(F.max("updated_at")).first()[0]
    news = (source if seen is None else source.where(F.col("updated_at") >= seen)).localCheckpoint()
    kept = old.join(news, "order_id", "left_anti").localCheckpoint()
    kept.unionByName(news).write.format("delta").mode("overwrite").save(mirror)


# %% [markdown]
# ## All or nothing
#
# Spark's writer knows `append` and `overwrite`. It has no "update these rows". And it is not one transaction: each partition commits for itself. If the connection breaks in the middle, some partitions are in the table and others
# are not. A second start then writes the first ones twice.
#
# (The report of 3.3.7 had the same weakness: between emptying and filling it is not there for its readers, and a crash leaves it so.)
#
# So let Spark write into a table that nobody else reads, a **staging table**. That may fail half-way and be done again as often as you like. Then let PostgreSQL move the rows from there into the real table,
# with **one** statement or several in **one** transaction. A transaction is there completely, or not at all:

# %%
ask("CREATE TABLE stock (product_id INT PRIMARY KEY, pieces INT CHECK (pieces >= 0))")
ask("INSERT INTO stock VALUES (1, 10), (2, 3)")
with contextlib.closing(shop.connect()) as link:
    try:
        steps = link.cursor()
        steps.execute("UPDATE stock SET pieces = pieces - 5 WHERE product_id = 1")
        steps.execute("UPDATE stock SET pieces = pieces - 5 WHERE product_id = 2")
        link.commit()
    except Exception as error:
        print(error.args[0]["M"])  # the message of the server
print(sorted(ask("SELECT * FROM stock")))

# %% [markdown]
# The first update was fine by itself, and is gone, too. The connection was closed without `commit`.
#
# PostgreSQL's statement for "change it if it is there, add it if not" (an **upsert**) is `INSERT ... ON CONFLICT`. It needs a primary key or a unique index to know what "there" means. `EXCLUDED` is the row
# that could not be inserted:

# %%
ask("""
    INSERT INTO stock (product_id, pieces) VALUES (2, 40), (3, 25)
    ON CONFLICT (product_id) DO UPDATE SET pieces = stock.pieces + EXCLUDED.pieces
""")
print(sorted(ask("SELECT * FROM stock")))

# %% [markdown]
# This one may not be run twice: it adds. An upsert that **sets** the new values can be repeated without harm, it is *idempotent*. That is what you want after a crash, when you do not know how far you got. Two more rules:
# the source of an `ON CONFLICT` may hold each key only once, else PostgreSQL refuses it; and columns that you do not name keep their values.
#
# ### Exercise 3.3.9: survive the crash
#
# The table `order_book` of the database has `order_id BIGINT` (its primary key), `status TEXT`, `channel TEXT` and `note TEXT`. People in the warehouse write the notes. The DataFrame `orders` is a batch of new and changed orders. Bring `status` and `channel`
# of these orders into `order_book`: orders that are there are changed and keep their note; new ones are added, with no note; all others stay as they are. An order may be in the batch twice, with the same values.
#
# In the check, the server **cuts off the connection** in the middle of writing into `order_book` the first time; your function may then fail with an error. After that, `order_book` must be as it was before. Then your function runs
# again, twice. At the end, no other table may be left in the database.


# %% answer="3.3.9" title="Survive the crash"
def upsert_orders(orders: DataFrame, database: Access) -> None:
    """Changes and adds rows of `order_book` (order_id BIGINT, status TEXT or NULL, channel TEXT or NULL, note TEXT or NULL), all or none."""
    ### BEGIN SOLUTION
    batch = orders.select("order_id", "status", "channel").dropDuplicates(["order_id"])
    staging = {**database.jdbc, "dbtable": "order_book_staging"}
    batch.write.format("jdbc").options(**staging).mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("""
            INSERT INTO order_book (order_id, status, channel)
            SELECT order_id, status, channel FROM order_book_staging
            ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status, channel = EXCLUDED.channel
        """)
        cursor.execute("DROP TABLE order_book_staging")
        connection.commit()
    ### END SOLUTION


# %% check="3.3.9" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.3.9",
    "twice",
    "a batch in which some orders are there twice, and some have lost their status",
    orders=variants.together(variants.nulls("status", every=3), variants.duplicated()),
)
### END HIDDEN TESTS
check(
    "3.3.9",
    upsert_orders,
    deadline=120,
    arguments={"script": ["crash 900", "run", "run"]},
    database={
        "tables": {
            "order_book": {
                "from": "SELECT DISTINCT order_id - 600 AS order_id, 'pending' AS status, 'web' AS channel, "
                "IF(order_id % 5 = 0, 'call first', NULL) AS note FROM orders WHERE order_id <= 1200",
                "key": ["order_id"],
            }
        },
        "uses": ["orders"],
        "setup": ["ALTER TABLE order_book ADD PRIMARY KEY (order_id)"],
        "tidy": True,
    },
)

# %% [markdown] equivalent="3.3.9" because="The statement names the columns that it takes, and rows of a batch with equal keys are equal."
# - drop call: .select('order_id', 'status', 'channel')
# - drop distinct: the keys of .dropDuplicates(['order_id'])

# %% [markdown] hints="3.3.9"
# 1. Spark must not write into `order_book` at all. Where does it write, so that it does no harm when the write is done half, or twice?
# 2. Then one transaction through `database.connect()`. Everything that others may see changes between the first `execute` and `commit`.
# 3. `INSERT INTO order_book (columns) SELECT columns FROM ... ON CONFLICT (...) DO UPDATE SET ...`. Name only the columns that the batch has.


# %% wrong="3.3.9" because="after the connection was lost"
def upsert_orders(orders, database):
    batch = orders.select("order_id", "status", "channel", F.lit(None).cast("string").alias("note"))
    with contextlib.closing(database.connect()) as connection:
        connection.cursor().execute("DELETE FROM order_book WHERE order_id > 0")
        connection.commit()
    batch.write.format("jdbc").options(**database.jdbc, dbtable="order_book").mode("append").save()


# %% wrong="3.3.9" because="after the connection was lost"
def upsert_orders(orders, database):
    batch = orders.select("order_id", "status", "channel").dropDuplicates(["order_id"])
    batch.write.format("jdbc").options(**database.jdbc, dbtable="incoming").mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "UPDATE order_book o SET status = i.status, channel = i.channel FROM incoming i WHERE i.order_id = o.order_id"
        )
        connection.commit()
        cursor.execute(
            "INSERT INTO order_book SELECT * FROM incoming i WHERE NOT EXISTS (SELECT FROM order_book o WHERE o.order_id = i.order_id)"
        )
        cursor.execute("DROP TABLE incoming")
        connection.commit()


# %% wrong="3.3.9" because="`order_book`:"
def upsert_orders(orders, database):
    batch = orders.select("order_id", "status", "channel").dropDuplicates(["order_id"])
    batch.write.format("jdbc").options(**database.jdbc, dbtable="incoming").mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("""
            INSERT INTO order_book (order_id, status, channel) SELECT order_id, status, channel FROM incoming
            ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status, channel = EXCLUDED.channel
        """)


# %% wrong="3.3.9" because="1 table is left behind"
def upsert_orders(orders, database):
    batch = orders.select("order_id", "status", "channel").dropDuplicates(["order_id"])
    batch.write.format("jdbc").options(**database.jdbc, dbtable="incoming").mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        connection.cursor().execute("""
            INSERT INTO order_book (order_id, status, channel) SELECT order_id, status, channel FROM incoming
            ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status, channel = EXCLUDED.channel
        """)
        connection.commit()


# %% wrong="3.3.9" because="some orders are there twice"
def upsert_orders(orders, database):
    batch = orders.select("order_id", "status", "channel")
    batch.write.format("jdbc").options(**database.jdbc, dbtable="incoming").mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("""
            INSERT INTO order_book (order_id, status, channel) SELECT order_id, status, channel FROM incoming
            ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status, channel = EXCLUDED.channel
        """)
        cursor.execute("DROP TABLE incoming")
        connection.commit()


# %% wrong="3.3.9" because="`note` is wrong"
def upsert_orders(orders, database):
    batch = orders.select("order_id", "status", "channel").distinct()
    batch.write.format("jdbc").options(**database.jdbc, dbtable="incoming").mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("DELETE FROM order_book WHERE order_id IN (SELECT order_id FROM incoming)")
        cursor.execute("INSERT INTO order_book SELECT order_id, status, channel FROM incoming")
        cursor.execute("DROP TABLE incoming")
        connection.commit()


# %% wrong="3.3.9" because="some have lost their status"
def upsert_orders(orders, database):
    batch = orders.select("order_id", "status", "channel").dropDuplicates(["order_id"])
    batch.write.format("jdbc").options(**database.jdbc, dbtable="incoming").mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("""
            INSERT INTO order_book AS o (order_id, status, channel) SELECT order_id, status, channel FROM incoming
            ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status, channel = EXCLUDED.channel
            WHERE o.status <> EXCLUDED.status OR o.channel <> EXCLUDED.channel
        """)
        cursor.execute("DROP TABLE incoming")
        connection.commit()


# %% right="3.3.9"
def upsert_orders(orders, database):
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        for row in orders.select("order_id", "status", "channel").collect():
            cursor.execute(
                "INSERT INTO order_book (order_id, status, channel) VALUES (%s, %s, %s) "
                "ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status, channel = EXCLUDED.channel",
                tuple(row),
            )
        connection.commit()


# %% right="3.3.9"
def upsert_orders(orders, database):
    batch = orders.select("order_id", "status", "channel").distinct()
    batch.write.format("jdbc").options(**database.jdbc, dbtable="incoming").mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("""
            MERGE INTO order_book AS o USING incoming AS i ON o.order_id = i.order_id
            WHEN MATCHED THEN UPDATE SET status = i.status, channel = i.channel
            WHEN NOT MATCHED THEN INSERT (order_id, status, channel) VALUES (i.order_id, i.status, i.channel)
        """)
        cursor.execute("DROP TABLE incoming")
        connection.commit()


# %% right="3.3.9"
def upsert_orders(orders, database):
    orders.write.format("jdbc").options(**database.jdbc, dbtable="incoming").mode(
        "overwrite"
    ).save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "UPDATE order_book o SET status = i.status, channel = i.channel FROM incoming i WHERE i.order_id = o.order_id"
        )
        cursor.execute("""
            INSERT INTO order_book SELECT DISTINCT order_id, status, channel FROM incoming i
            WHERE NOT EXISTS (SELECT FROM order_book o WHERE o.order_id = i.order_id)
        """)
        cursor.execute("DROP TABLE incoming")
        connection.commit()


# %% [markdown]
# ### Question 3.3.10: eighty million rows an hour
#
# A colleague copies the table `orders` (80 million rows) from the shop's PostgreSQL every hour, each time into a new folder of Parquet files. The job reads the whole table with `numPartitions=200`.
# Every other day it fails with *too many connections*, and the web shop becomes slow each hour. The colleague wants to fetch "everything since one hour ago, by the clock" instead, and to append it to one folder. Answer in six to nine sentences:
#
# 1. What is wrong with the job as it is?
# 2. What will go wrong with the new idea?
# 3. What would you build? Say where your watermark comes from, how a row gets into the copy, and what happens when the job dies in the middle.
# 4. How do you deal with deleted orders?

# %% [markdown] written="3.3.10" points=3 title="Eighty million rows an hour"
# ### BEGIN SOLUTION
# The job moves 80 million rows each hour although few of them have changed, and 200 partitions are up to 200 connections and 200 scans at the same time, which take the database away from the web shop; since each of these queries sees the table at its own moment, the copy is not even one state of it. A copy by the clock
# loses rows: clocks of two machines differ, a run that starts late or is skipped leaves a gap, and a transaction that was open during the read commits rows with an earlier time. Appending makes a second version of each changed
# order, so that orders are counted twice. I would keep a Delta table, take the watermark as the greatest `updated_at` that is stored in it, and fetch the rows at or after the watermark (perhaps minus some minutes for transactions that were still open) with a plain comparison, which is pushed down, over an index on `updated_at` and a few partitions. They go in
# by MERGE on the key, so a row that comes twice changes nothing. The MERGE is one commit: if the job dies, nothing of the batch is there, the watermark has not moved, and the next run does it again. Deleted rows are not seen this way: I would ask for a column `deleted` or use change data capture, and
# compare the keys of both sides once a week to find what is missing.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: what is wrong now: everything is moved for few changes, too many connections for the source, parts from different moments (two of these); and why the clock loses rows, or why appending doubles changed orders
# - 1 point: a watermark from the stored data, rows at or after it, put in by key (MERGE or staging and upsert), and why repeating a run is harmless
# - 1 point: dying in the middle leaves old state and old watermark, since the change is one commit or transaction; deletions need something else (flag, change data capture, comparison of keys)
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | DROP removes the files of a managed table only | an external table is an entry in the catalog |
# | partition by few values, bucket by join keys, sort within | each leaves out other work later |
# | `spark.catalog` lists temporary views everywhere | look at `isTemporary` |
# | the cause of a failed connection is in one line | credentials, database, server and table each have their own |
# | read the `External engine query` of the plan | columns and plain filters are pushed down, counting is not, unless by a catalog or your own query |
# | bounds do not filter; bad bounds make two large parts | ask for minimum and maximum first |
# | predicates must cover NULL, and each row once | nobody checks them |
# | `overwrite` drops the table, unless `truncate` | keys, indexes and rights go with it |
# | watermark from the stored data, `>=`, then MERGE by key | equal times and repeats do no harm; where commits may be late, begin a little earlier |
# | staging table, then one transaction | a crash leaves all or nothing |
#
# > **On Databricks:** tables have three-part names (`catalog.schema.table`), and Unity Catalog knows managed tables, which are Delta and laid out by Databricks itself, and external ones with a `LOCATION` that an administrator has allowed. Delta tables there have no buckets; liquid
# > clustering takes their place. Databases are attached by *Lakehouse Federation* (`CREATE CONNECTION`, then a foreign catalog), which pushes down filters, aggregates and limits, or copied by *Lakeflow Connect*. Passwords come from `dbutils.secrets`. The
# > driver for PostgreSQL is there already.
