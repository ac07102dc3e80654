# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 4.1 Delta Lake essentials
#
# **Time:** 85 minutes · **Data:** retail · **Before this:** 1.1 and 1.4
#
# A folder of Parquet files is no table. While one job writes into it, another one reads half of the new files. A job that fails leaves its rubbish behind.
# To change one price you write everything again, and the old price is gone for ever. Delta Lake adds one thing to the folder, a **log** of what belongs to
# the table, and all of these problems go away. In this notebook you will use that log, read it with your own eyes, and travel in it.
#
# ## You will learn to
#
# - create Delta tables by name and by path, and change single rows in them
# - read the transaction log by hand, and the history with its metrics
# - read a table as it was at an earlier time, and restore it
# - replace one part of a table in one commit, and copy a table without copying data
# - protect a table with a constraint
# - lay out and query a table so that most of its files need not be read

# %% setup=true
import json
import tempfile
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("4.1").getOrCreate()

products = spark.read.parquet(sample("products"))
orders = spark.read.parquet(sample("orders"))
stores = spark.read.parquet(sample("stores"))

# %% [markdown]
# The worked examples use a database of their own, `town`, in a temporary folder. If you want to start afresh, run the next cell again: it drops all that is in there.
# The exercises never touch it. For each check, **new tables** are made for your function, and they are removed when it has been judged.

# %%
folder = Path(tempfile.mkdtemp(prefix="town-"))
spark.sql("DROP DATABASE IF EXISTS town CASCADE")
spark.sql(f"CREATE DATABASE town LOCATION '{folder}/managed'")
stores.createOrReplaceTempView("stores")

# %% [markdown]
# ## A table has a name or a path
#
# A table with a name is **managed**: Spark chooses the folder, and dropping the table deletes the data. A table may also be just a **path**; then nobody
# but you knows where it is. Both are a folder with Parquet files and, in `_delta_log`, the log. Four ways to make one:
#
# | you write | what it does |
# |---|---|
# | `CREATE TABLE t (id INT, city STRING) USING delta` | an empty table with a schema |
# | `CREATE TABLE t USING delta AS SELECT ...` | a table from a query ("CTAS"), in one commit |
# | `df.write.format("delta").saveAsTable("t")` | the same as CTAS, from a DataFrame |
# | `df.write.format("delta").save("/some/path")` | a table by path; SQL calls it `` delta.`/some/path` `` |
#
# Say `delta` every time: here, a table without a format is a Parquet table. (On Databricks, Delta is the default.)

# %%
spark.sql("""
    CREATE TABLE town.shops USING delta AS
    SELECT store_id, city, country FROM stores
""")
stores.select("store_id", "opened").write.format("delta").save(f"{folder}/openings")

spark.table("town.shops").orderBy("store_id").show(3)
print("by path:", spark.read.format("delta").load(f"{folder}/openings").count(), "rows")
spark.sql("DESCRIBE DETAIL town.shops").select("format", "partitionColumns", "numFiles").show()

# %% [markdown]
# ### Exercise 4.1.1: the shelf
#
# The parameter `shelf` is the **name** of a table that does not exist yet. Create it as a Delta table with all products: `product_id`, `name`, `price`, and
# `margin`, which is `price - cost` (NULL where the cost is not known). Your function returns nothing; what counts is the table.


# %% answer="4.1.1" title="The shelf"
def create_shelf(spark: SparkSession, products: DataFrame, shelf: str) -> None:
    """Creates the Delta table `shelf`: (product_id BIGINT, name STRING, price DECIMAL(10,2), margin DECIMAL(11,2))."""
    ### BEGIN SOLUTION
    chosen = products.select(
        "product_id", "name", "price", (F.col("price") - F.col("cost")).alias("margin")
    )
    chosen.write.format("delta").saveAsTable(shelf)
    ### END SOLUTION


# %% check="4.1.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant("4.1.1", "nothing to sell", "no products at all", products=variants.empty)
### END HIDDEN TESTS
check(
    "4.1.1",
    create_shelf,
    deadline=120,
    delta={"tables": {"shelf": {"key": ["product_id"]}}},
)

# %% [markdown] hints="4.1.1"
# 1. First make the four columns, as a DataFrame or as a query. What does `price - cost` give when the cost is NULL?
# 2. Then write them with one of the ways in the table above, one that takes a *name*. A missing `delta` gives you a Parquet table.
# 3. The shape: `df.write.format(...).saveAsTable(...)`, or SQL in an f-string that holds `{shelf}`.


# %% wrong="4.1.1" because="parquet table, not a Delta table"
def create_shelf(spark, products, shelf):
    chosen = products.select(
        "product_id", "name", "price", (F.col("price") - F.col("cost")).alias("margin")
    )
    chosen.write.saveAsTable(shelf)


# %% wrong="4.1.1" because="`save` takes a path"
def create_shelf(spark, products, shelf):
    chosen = products.select(
        "product_id", "name", "price", (F.col("price") - F.col("cost")).alias("margin")
    )
    chosen.write.format("delta").save(shelf)


# %% wrong="4.1.1" because="There is no table"
def create_shelf(spark, products, shelf):
    chosen = products.select(
        "product_id", "name", "price", (F.col("price") - F.col("cost")).alias("margin")
    )
    chosen.createOrReplaceTempView("shelf")


# %% wrong="4.1.1" because="missing"
def create_shelf(spark, products, shelf):
    known = products.where("cost IS NOT NULL")
    chosen = known.select(
        "product_id", "name", "price", (F.col("price") - F.col("cost")).alias("margin")
    )
    chosen.write.format("delta").saveAsTable(shelf)


# %% wrong="4.1.1" because="on hidden data"
def create_shelf(spark, products, shelf):
    chosen = products.select(
        "product_id", "name", "price", (F.col("price") - F.col("cost")).alias("margin")
    )
    if not chosen.isEmpty():
        chosen.write.format("delta").saveAsTable(shelf)


# %% right="4.1.1"
def create_shelf(spark, products, shelf):
    spark.sql(f"""
        CREATE TABLE {shelf} USING delta AS
        SELECT product_id, name, price, price - cost AS margin FROM products
    """)


# %% [markdown]
# ## Change rows, not tables
#
# A Delta table takes `INSERT`, `UPDATE`, `DELETE` and `MERGE` (explained in 3.3). In Python, `DeltaTable.forName(spark, "t")` has the methods
# `update`, `delete` and `merge`; rows are added by `df.write.format("delta").mode("append")`. Parquet files cannot be changed, so Delta writes **new** files with the changed rows and notes in the log which old files no longer belong to the table.
# Each such note is a **commit**: it is there completely, or not at all. That is what people mean by an ACID transaction.

# %%
spark.sql("INSERT INTO town.shops VALUES (90, 'Aachen', 'Germany'), (91, 'Ghent', 'Belgium')")
spark.sql("UPDATE town.shops SET city = upper(city) WHERE store_id = 91")
DeltaTable.forName(spark, "town.shops").delete(F.col("store_id") == 90)

spark.table("town.shops").where("store_id > 10").orderBy("store_id").show()

# %% [markdown]
# The **history** tells who did what. Its metrics are the first thing to look at when a job is slow: did it change 4 rows, and copy 4 million?

# %%
history = spark.sql("DESCRIBE HISTORY town.shops")
metric = F.col("operationMetrics")
history.select(
    "version",
    "operation",
    metric["numOutputRows"].alias("written"),
    metric["numUpdatedRows"].alias("updated"),
    metric["numDeletedRows"].alias("deleted"),
    metric["numCopiedRows"].alias("copied"),
).orderBy("version").show()

# %% [markdown]
# A condition that is NULL counts as "no": such rows are neither updated nor deleted. And the old version remains readable until its files are cleaned away,
# which is why somebody who overwrites a whole table to change three rows does harm: all files are written anew, for everybody to read, cache and store again.
#
# ### Exercise 4.1.2: the price list of the week
#
# `shelf` is the name of a Delta table (`product_id`, `name`, `price`, `cost`). Change it **in place**, without writing the whole table anew:
#
# - products that cost **more than** `limit` become 5.00 cheaper;
# - products that cost the shop nothing (`cost` is 0) leave the table. An unknown cost is not zero.


# %% answer="4.1.2" title="The price list of the week"
def weekly_prices(spark: SparkSession, shelf: str, limit: int) -> None:
    """Lowers the high prices of the Delta table `shelf` and deletes the products without a cost."""
    ### BEGIN SOLUTION
    table = DeltaTable.forName(spark, shelf)
    table.delete("cost = 0")
    table.update(F.col("price") > limit, {"price": F.col("price") - 5})
    ### END SOLUTION


# %% check="4.1.2" points=2
### BEGIN HIDDEN TESTS
at_the_limit = (
    F.when(F.col("product_id") % 3 == 0, F.lit(100)).otherwise(F.col("price")).cast("decimal(10,2)")
)
variant(
    "4.1.2",
    "at the limit",
    "prices that are exactly at the limit",
    products=variants.replaced(price=at_the_limit),
)
variant("4.1.2", "another limit", "another limit", limit=20)
### END HIDDEN TESTS
check(
    "4.1.2",
    weekly_prices,
    deadline=120,
    arguments={"limit": 100},
    delta={
        "tables": {"shelf": {"key": ["product_id"], "operations": ["UPDATE", "DELETE", "MERGE"]}},
        "uses": ["products"],
        "setup": [
            "CREATE TABLE {shelf} USING delta AS SELECT product_id, name, price, cost FROM products"
        ],
    },
)

# %% [markdown] hints="4.1.2"
# 1. Two changes, two commands. Which command of a Delta table changes rows, and which one takes them away?
# 2. Look at the worked example: the same commands exist in SQL and as methods of `DeltaTable.forName(spark, shelf)`.
# 3. In SQL put the table's name into an f-string: `{shelf}`. The condition says which rows; NULL in a condition means "leave this row".


# %% wrong="4.1.2" because="You have replaced the whole table"
def weekly_prices(spark, shelf, limit):
    price = F.when(F.col("price") > limit, F.col("price") - 5).otherwise(F.col("price"))
    changed = spark.table(shelf).where("cost IS NULL OR cost <> 0")
    changed = changed.withColumn("price", price.cast("decimal(10,2)"))
    changed.write.format("delta").mode("overwrite").saveAsTable(shelf)


# %% wrong="4.1.2" because="missing"
def weekly_prices(spark, shelf, limit):
    spark.sql(f"DELETE FROM {shelf} WHERE coalesce(cost, 0) = 0")
    spark.sql(f"UPDATE {shelf} SET price = price - 5 WHERE price > {limit}")


# %% wrong="4.1.2" because="at the limit"
def weekly_prices(spark, shelf, limit):
    spark.sql(f"DELETE FROM {shelf} WHERE cost = 0")
    spark.sql(f"UPDATE {shelf} SET price = price - 5 WHERE price >= {limit}")


# %% wrong="4.1.2" because="another limit"
def weekly_prices(spark, shelf, limit):
    spark.sql(f"DELETE FROM {shelf} WHERE cost = 0")
    spark.sql(f"UPDATE {shelf} SET price = price - 5 WHERE price > 100")


# %% wrong="4.1.2" because="`price` is wrong"
def weekly_prices(spark, shelf, limit):
    spark.table(shelf).withColumn("price", F.col("price") - 5).createOrReplaceTempView("changed")
    spark.sql(f"DELETE FROM {shelf} WHERE cost = 0")


# %% right="4.1.2"
def weekly_prices(spark, shelf, limit):
    spark.sql(f"UPDATE {shelf} SET price = price - 5 WHERE price > {limit}")
    spark.sql(f"DELETE FROM {shelf} WHERE cost = 0")


# %% right="4.1.2"
def weekly_prices(spark, shelf, limit):
    spark.sql(f"""
        MERGE INTO {shelf} AS old USING (SELECT product_id FROM {shelf}) AS new ON old.product_id = new.product_id
        WHEN MATCHED AND cost = 0 THEN DELETE
        WHEN MATCHED AND price > {limit} THEN UPDATE SET price = price - 5
    """)


# %% [markdown]
# ## The log, read by hand
#
# There is no magic. Each commit is one file in `_delta_log`, named after its version, and each line of it is one **action** in JSON:
#
# | action | says |
# |---|---|
# | `commitInfo` | what was done: `operation`, `operationParameters`, `operationMetrics` |
# | `add` | from now on this data file belongs to the table; with statistics: the smallest and largest value of each column |
# | `remove` | from now on this file no longer belongs to it. The file itself stays for those who read an older version |
# | `metaData`, `protocol` | schema, partition columns, properties; which features a reader must know |

# %%
log = folder / "managed" / "shops" / "_delta_log"
for file in sorted(log.glob("*.json")):
    print(file.name)
    for line in file.read_text().splitlines():
        for kind, action in json.loads(line).items():
            told = {"commitInfo": "operation", "metaData": "partitionColumns"}.get(kind)
            print("   ", kind, action[told] if told else "")

added = [json.loads(line).get("add") for line in (log / "00000000000000000001.json").open()]
print(json.dumps(json.loads(next(filter(None, added))["stats"]), indent=1))

# %% [markdown]
# The files that belong to a version are all that were added up to it, without those that were removed. A reader that knows version 2 never sees a file of a commit that is
# still being written, since that file is in no log entry: this is **snapshot isolation**. (Every few commits Delta sums the log up in a Parquet file, a *checkpoint*, so that readers need
# not begin at 0.)
#
# ### Exercise 4.1.3: files that came and went
#
# `shelf` is the **path** of a Delta table. Return one row per version: `version`, `operation` (from `commitInfo`), and how many files were added and removed
# (`files_added`, `files_removed`, 0 when none). Spark reads JSON lines well, and `_metadata.file_name` is a column that tells from which file a line comes. Your function must
# also work for a table from which nothing was ever removed.


# %% answer="4.1.3" title="Files that came and went"
def file_changes(spark: SparkSession, shelf: str) -> DataFrame:
    """(version BIGINT, operation STRING, files_added BIGINT, files_removed BIGINT), one row per version."""
    ### BEGIN SOLUTION
    schema = "commitInfo STRUCT<operation: STRING>, add STRUCT<path: STRING>, remove STRUCT<path: STRING>"
    lines = spark.read.schema(schema).json(f"{shelf}/_delta_log/*.json")
    version = F.split_part("_metadata.file_name", F.lit("."), F.lit(1)).cast("bigint")
    return lines.groupBy(version.alias("version")).agg(
        F.max("commitInfo.operation").alias("operation"),
        F.count("add").alias("files_added"),
        F.count("remove").alias("files_removed"),
    )
    ### END SOLUTION


# %% check="4.1.3" points=2
### BEGIN HIDDEN TESTS
cheap = F.least("price", F.lit(9)).cast("decimal(10,2)")
variant(
    "4.1.3",
    "only added",
    "a table from which no file was ever removed",
    products=variants.replaced(price=cheap),
)
### END HIDDEN TESTS
check(
    "4.1.3",
    file_changes,
    deadline=120,
    key=["version"],
    delta={
        "tables": {"shelf": {"as": "path", "content": False, "commits": {"at_most": 0}}},
        "uses": ["products"],
        "setup": [
            "CREATE TABLE {shelf} USING delta AS SELECT product_id, price FROM products",
            "INSERT INTO {shelf} VALUES (901, 1.00), (902, 2.00)",
            "DELETE FROM {shelf} WHERE price > 100",
            "INSERT INTO {shelf} SELECT product_id + 1000, price FROM {shelf}",
        ],
        "returns": True,
    },
)

# %% [markdown] equivalent="4.1.3" because="Only whether there is a path counts, and the text of any path can be read as bytes."
# - SQL type: : STRING > → : BINARY > (2)
# - SQL type: : STRING > → : BINARY > (3)

# %% [markdown] equivalent="4.1.3" because="A version has one operation, and names each of its files once."
# - aggregate: F.max('commitInfo.operation') → F.min('commitInfo.operation')
# - aggregate: F.count('add') → F.count_distinct('add')
# - aggregate: F.count('remove') → F.count_distinct('remove')

# %% [markdown] hints="4.1.3"
# 1. Every line has exactly one action: one of the columns `commitInfo`, `add`, `remove`, ... is filled, the others are NULL. What does `count` of a column count?
# 2. Read `{shelf}/_delta_log/*.json`. If Spark guesses the schema, a column exists only if some line has it. So give the schema: three structs with one field each.
# 3. The version is the file's name before the point, as a number. Group by it; `max` picks the only operation there is.


# %% wrong="4.1.3" because="no file was ever removed"
def file_changes(spark, shelf):
    lines = spark.read.json(f"{shelf}/_delta_log/*.json")
    version = F.split_part("_metadata.file_name", F.lit("."), F.lit(1)).cast("bigint")
    return lines.groupBy(version.alias("version")).agg(
        F.max("commitInfo.operation").alias("operation"),
        F.count("add.path").alias("files_added"),
        F.count("remove.path").alias("files_removed"),
    )


# %% wrong="4.1.3" because="files_added"
def file_changes(spark, shelf):
    history = spark.sql(f"DESCRIBE HISTORY delta.`{shelf}`")
    metric = F.col("operationMetrics")
    return history.select(
        "version",
        "operation",
        metric["numFiles"].cast("bigint").alias("files_added"),
        F.coalesce(metric["numRemovedFiles"].cast("bigint"), F.lit(0)).alias("files_removed"),
    )


# %% wrong="4.1.3" because="version"
def file_changes(spark, shelf):
    schema = "commitInfo STRUCT<operation: STRING>, add STRUCT<path: STRING>, remove STRUCT<path: STRING>"
    lines = spark.read.schema(schema).json(f"{shelf}/_delta_log/*.json")
    return lines.groupBy(F.col("_metadata.file_name").alias("version")).agg(
        F.max("commitInfo.operation").alias("operation"),
        F.count("add").alias("files_added"),
        F.count("remove").alias("files_removed"),
    )


# %% right="4.1.3"
def file_changes(spark, shelf):
    rows = []
    for file in (Path(shelf) / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in file.read_text().splitlines()]
        operation = next(
            action["commitInfo"]["operation"] for action in actions if "commitInfo" in action
        )
        added, removed = (sum(kind in action for action in actions) for kind in ("add", "remove"))
        rows.append((int(file.stem), operation, added, removed))
    return spark.createDataFrame(
        rows, "version BIGINT, operation STRING, files_added BIGINT, files_removed BIGINT"
    )


# %% [markdown]
# ## Time travel
#
# Because old files stay, every version can still be read: by number or by time. The time is the commit's; you get the newest version that was there **at** that moment.
#
# | | by number | by time |
# |---|---|---|
# | SQL | `SELECT * FROM t VERSION AS OF 3` | `SELECT * FROM t TIMESTAMP AS OF '2025-03-01 18:00:00'` |
# | Python | `spark.read.option("versionAsOf", 3).table("t")` | the same with `"timestampAsOf"` |
#
# Put a number where you mean a state ("before the migration"), a time where you mean a moment ("at the end of the month"). A report that stores the version that it has read can be
# repeated exactly. `VACUUM` ends all this: it deletes files that no version of the last seven days needs. Who needs more days sets the table's properties `delta.deletedFileRetentionDuration`
# (files, 7 days) and `delta.logRetentionDuration` (log, 30 days) **before** they are gone, and pays for the storage.

# %%
spark.sql("""
    SELECT 'now' AS version, count(*) AS shops FROM town.shops
    UNION ALL SELECT '1', count(*) FROM town.shops VERSION AS OF 1
    UNION ALL SELECT '0', count(*) FROM town.shops VERSION AS OF 0
""").show()

# %% [markdown]
# ### Exercise 4.1.4: what has changed since?
#
# `moment` is a time as text, such as `"2025-03-01 18:00:00"`, in the time zone of the session, which is UTC in this course. For every product that was in the table `shelf` at that moment and has another price now, or is
# no longer there, return `product_id`, `old_price` (then) and `new_price` (now; NULL when it is gone). Some products have no price, NULL: getting one or losing it is a change, and a product without a price may be gone, too.


# %% answer="4.1.4" title="What has changed since?"
def changed_since(spark: SparkSession, shelf: str, moment: str) -> DataFrame:
    """(product_id BIGINT, old_price DECIMAL(10,2) or NULL, new_price DECIMAL(10,2) or NULL)."""
    ### BEGIN SOLUTION
    old = spark.read.option("timestampAsOf", moment).table(shelf).alias("old")
    new = spark.table(shelf).alias("new")
    both = old.join(new, F.expr("old.product_id = new.product_id"), "left")
    changed = both.where("new.product_id IS NULL OR NOT old.price <=> new.price")
    return changed.selectExpr("old.product_id", "old.price AS old_price", "new.price AS new_price")
    ### END SOLUTION


# %% check="4.1.4" points=2
### BEGIN HIDDEN TESTS
variant(
    "4.1.4",
    "later",
    "a later moment, just when a new version was committed",
    moment="2025-03-02 08:00:00",
)
variant(
    "4.1.4",
    "no price",
    "products without a price",
    products=variants.nulls("price", every=4),
)
### END HIDDEN TESTS
check(
    "4.1.4",
    changed_since,
    deadline=120,
    key=["product_id"],
    arguments={"moment": "2025-03-01 18:00:00"},
    delta={
        "tables": {"shelf": {"content": False, "commits": {"at_most": 0}}},
        "uses": ["products"],
        "setup": [
            "CREATE TABLE {shelf} USING delta AS SELECT product_id, price FROM products WHERE product_id % 10 <> 0",
            "UPDATE {shelf} SET price = if(product_id % 3 = 2, NULL, price - 1) WHERE price > 100",
            "DELETE FROM {shelf} WHERE price < 5 OR product_id % 15 = 1",
            "INSERT INTO {shelf} SELECT product_id, price FROM products WHERE product_id % 10 = 0",
        ],
        "times": [
            "2025-03-01 08:00:00",
            "2025-03-02 08:00:00",
            "2025-03-03 08:00:00",
            "2025-03-04 08:00:00",
        ],
        "returns": True,
    },
)

# %% [markdown] equivalent="4.1.4" because="No product is without its id."
# - SQL null-safe equality: product_id = new → product_id <=> new

# %% [markdown] hints="4.1.4"
# 1. You need the same table twice: as it was, and as it is. What comes of a product that is only in the first one?
# 2. Read the old state with the option for times; give each price a name of its own before you join. Which join keeps products that are gone?
# 3. Comparing with NULL by `<>` gives NULL, and a filter drops that row; `<=>` is the comparison that treats NULL as a value. NULL as the new price can mean two things: gone, or there without a price. The `product_id` of the right side tells: it is NULL only for products that are gone. To have both ids after the join, give each side an `alias` and join on an expression, `F.expr("old.product_id = new.product_id")`.


# %% wrong="4.1.4" because="missing"
def changed_since(spark, shelf, moment):
    then = spark.read.option("timestampAsOf", moment).table(shelf)
    now = spark.table(shelf).select("product_id", F.col("price").alias("new_price"))
    both = then.select("product_id", F.col("price").alias("old_price")).join(now, "product_id")
    return both.where("old_price <> new_price")


# %% wrong="4.1.4" because="on hidden data"
def changed_since(spark, shelf, moment):
    then = spark.read.option("versionAsOf", 0).table(shelf)
    now = spark.table(shelf).select("product_id", F.col("price").alias("new_price"))
    both = then.select("product_id", F.col("price").alias("old_price")).join(
        now, "product_id", "left"
    )
    return both.where("NOT old_price <=> new_price")


# %% wrong="4.1.4" because="not expected"
def changed_since(spark, shelf, moment):
    then = spark.read.option("timestampAsOf", moment).table(shelf)
    now = spark.table(shelf).select("product_id", F.col("price").alias("new_price"))
    both = then.select("product_id", F.col("price").alias("old_price")).join(
        now, "product_id", "full"
    )
    return both.where("NOT old_price <=> new_price")


# %% wrong="4.1.4" because="products without a price"
def changed_since(spark, shelf, moment):
    then = spark.read.option("timestampAsOf", moment).table(shelf)
    now = spark.table(shelf).select("product_id", F.col("price").alias("new_price"))
    both = then.select("product_id", F.col("price").alias("old_price")).join(
        now, "product_id", "left"
    )
    return both.where("NOT old_price <=> new_price")


# %% wrong="4.1.4" because="when a new version was committed"
def changed_since(spark, shelf, moment):
    return spark.sql(f"""
        SELECT product_id, old.price AS old_price, new.price AS new_price
        FROM {shelf} TIMESTAMP AS OF '{moment}' AS old LEFT JOIN {shelf} AS new USING (product_id)
        WHERE new.price IS NULL OR old.price <> new.price
    """)


# %% right="4.1.4"
def changed_since(spark, shelf, moment):
    return spark.sql(f"""
        SELECT old.product_id, old.price AS old_price, new.price AS new_price
        FROM {shelf} TIMESTAMP AS OF '{moment}' AS old LEFT JOIN {shelf} AS new ON old.product_id = new.product_id
        WHERE new.product_id IS NULL OR old.price IS DISTINCT FROM new.price
    """)


# %% [markdown]
# ## Undo
#
# `RESTORE` makes an earlier version the current one. It copies nothing: it is one more commit, which takes the old files back into the table and removes the new ones. So the mistake
# stays visible in the history, and a restore can itself be undone.

# %%
spark.sql("DELETE FROM town.shops")  # the mistake: no condition
print("after the mistake:", spark.table("town.shops").count())
spark.sql("RESTORE TABLE town.shops TO VERSION AS OF 3")
print("restored:         ", spark.table("town.shops").count())
spark.sql("DESCRIBE HISTORY town.shops").select("version", "operation").orderBy("version").show()

# %% [markdown]
# ### Exercise 4.1.5: as if it had not happened
#
# A job has gone wrong and has committed version `bad` of the table `shelf`; others have added commits after it. Bring the table back to the state just **before** version
# `bad`. The history must show what you did: restore it, do not write it anew.


# %% answer="4.1.5" title="As if it had not happened"
def undo_from(spark: SparkSession, shelf: str, bad: int) -> None:
    """Restores `shelf` to the version before `bad`."""
    ### BEGIN SOLUTION
    DeltaTable.forName(spark, shelf).restoreToVersion(bad - 1)
    ### END SOLUTION


# %% check="4.1.5" points=1
### BEGIN HIDDEN TESTS
variant("4.1.5", "earlier", "a mistake that was made in another version", bad=1)
### END HIDDEN TESTS
check(
    "4.1.5",
    undo_from,
    deadline=120,
    arguments={"bad": 2},
    delta={
        "tables": {
            "shelf": {"key": ["product_id"], "operations": ["RESTORE"], "commits": {"at_most": 1}}
        },
        "uses": ["products"],
        "setup": [
            "CREATE TABLE {shelf} USING delta AS SELECT product_id, price FROM products",
            "INSERT INTO {shelf} VALUES (901, 1.00), (902, 2.00)",
            "DELETE FROM {shelf} WHERE price > 10",
            "INSERT INTO {shelf} VALUES (903, 3.00)",
        ],
    },
)

# %% [markdown] hints="4.1.5"
# 1. Which version is the last good one?
# 2. There is one SQL command for this, and a method of `DeltaTable` whose name begins in the same way.


# %% wrong="4.1.5" because="missing"
def undo_from(spark, shelf, bad):
    spark.sql(f"RESTORE TABLE {shelf} TO VERSION AS OF {bad}")


# %% wrong="4.1.5" because="where RESTORE is asked for"
def undo_from(spark, shelf, bad):
    good = spark.read.option("versionAsOf", bad - 1).table(shelf)
    good.write.format("delta").mode("overwrite").saveAsTable(shelf)


# %% wrong="4.1.5" because="on hidden data"
def undo_from(spark, shelf, bad):
    spark.sql(f"RESTORE TABLE {shelf} TO VERSION AS OF 1")


# %% right="4.1.5"
def undo_from(spark, shelf, bad):
    spark.sql(f"RESTORE TABLE {shelf} TO VERSION AS OF {bad - 1}")


# %% [markdown]
# ## Replace a part, all at once
#
# Often one part of a table must be made anew: one day, one country. Deleting it and then appending takes two commits, and between them the part is missing for every reader.
# The writer's option `replaceWhere` does both in **one** commit: rows that fulfil the condition go, the new ones come. It also checks that
# the new rows fulfil the condition. If the table is **partitioned** by the column of the condition (each value has a folder of its own), the files of the others
# are not even touched.
#
# And a **shallow clone** gives you a table of your own to try things on. It has its own log but refers to the data files of the original, so that it costs nothing however large that is; what you change
# is written to your own folder.

# %%
shops = spark.table("town.shops").coalesce(1)  # one task, so one file per country
shops.write.format("delta").partitionBy("country").saveAsTable("town.by_country")
france = spark.createDataFrame(
    [(95, "Nantes", "France")], "store_id INT, city STRING, country STRING"
)
(
    france.write.format("delta")
    .mode("overwrite")
    .option("replaceWhere", "country = 'France'")
    .saveAsTable("town.by_country")
)
spark.sql("CREATE TABLE town.playground SHALLOW CLONE town.by_country")
spark.sql("DELETE FROM town.playground WHERE country = 'France'")

for name in ("town.shops", "town.by_country", "town.playground"):
    shops = spark.table(name).where("country = 'France'").orderBy("store_id")
    print(name.ljust(16), [row.city for row in shops.collect()])

# %% [markdown]
# There is a second way, `partitionOverwriteMode = dynamic`, which replaces every partition of which there are new rows. Mind the difference: if there are no new rows for a
# part, it leaves the old ones there.
#
# ### Exercise 4.1.6: one channel anew
#
# In the table `ledger` (`order_id`, `status`, `channel`; partitioned by `channel`) the orders of one `channel` have been booked wrongly. `orders` has the right ones. Replace
# what `ledger` holds for this channel by the rows of `orders` for it, in **one commit**, and without writing the files of the other channels anew. What `ledger` says about other channels stays, right or wrong.


# %% answer="4.1.6" title="One channel anew"
def rebook(spark: SparkSession, orders: DataFrame, ledger: str, channel: str) -> None:
    """Replaces the rows of one channel in `ledger`: (order_id BIGINT, status STRING, channel STRING)."""
    ### BEGIN SOLUTION
    right = orders.select("order_id", "status", "channel").where(F.col("channel") == channel)
    part = (
        right.write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", f"channel = '{channel}'")
    )
    part.saveAsTable(ledger)
    ### END SOLUTION


# %% check="4.1.6" points=2
### BEGIN HIDDEN TESTS
variant(
    "4.1.6",
    "no orders",
    "a channel without any right order",
    orders=variants.only("channel <> 'store'"),
    channel="store",
)
### END HIDDEN TESTS
check(
    "4.1.6",
    rebook,
    deadline=120,
    arguments={"channel": "web"},
    delta={
        "tables": {
            "ledger": {
                "commits": {"at_most": 1},
                "kept_files": {"at_least": "reference"},
                "partitioned_by": ["channel"],
            }
        },
        "uses": ["orders"],
        "setup": [
            "CREATE TABLE {ledger} USING delta PARTITIONED BY (channel) AS SELECT /*+ REPARTITION(1) */ order_id, status, "
            "element_at(array('web', 'app', 'store'), 1 + CAST(order_id % 3 AS INT)) AS channel FROM orders",
        ],
    },
)

# %% [markdown] equivalent="4.1.6" because="A filter leaves out a row for false as for NULL, and the channel that is asked for is given."
# - null-safe equality: F.col('channel') == channel → F.col('channel').eqNullSafe(channel)

# %% [markdown] hints="4.1.6"
# 1. Delete and append are two commits. Which option of the writer makes one of them?
# 2. The new rows: three columns of `orders`, only this channel. The condition of the option is SQL text, with the channel in quotes.
# 3. The mode is `overwrite`; without the option, it would replace everything.


# %% wrong="4.1.6" because="made 2 commits to `ledger` (DELETE, WRITE)"
def rebook(spark, orders, ledger, channel):
    right = orders.select("order_id", "status", "channel").where(F.col("channel") == channel)
    spark.sql(f"DELETE FROM {ledger} WHERE channel = '{channel}'")
    right.write.format("delta").mode("append").saveAsTable(ledger)


# %% wrong="4.1.6" because="missing"
def rebook(spark, orders, ledger, channel):
    right = orders.select("order_id", "status", "channel").where(F.col("channel") == channel)
    right.write.format("delta").mode("overwrite").partitionBy("channel").saveAsTable(ledger)


# %% wrong="4.1.6" because="of the files from before, 0 are still in use"
def rebook(spark, orders, ledger, channel):
    right = orders.select("order_id", "status", "channel").where(F.col("channel") == channel)
    others = spark.table(ledger).where(F.col("channel") != channel)
    everything = others.unionByName(right).localCheckpoint()
    everything.write.format("delta").mode("overwrite").partitionBy("channel").saveAsTable(ledger)


# %% wrong="4.1.6" because="1,000 rows are missing"
def rebook(spark, orders, ledger, channel):
    right = orders.select("order_id", "status", "channel").where(F.col("channel") == channel)
    parts = right.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    parts.insertInto(ledger)


# %% wrong="4.1.6" because="a channel without any right order"
def rebook(spark, orders, ledger, channel):
    right = orders.select("order_id", "status", "channel").where(F.col("channel") == channel)
    parts = right.write.format("delta").mode("overwrite")
    parts.option("partitionOverwriteMode", "dynamic").saveAsTable(ledger)


# %% right="4.1.6"
def rebook(spark, orders, ledger, channel):
    spark.sql(f"""
        INSERT INTO {ledger} REPLACE WHERE channel = '{channel}'
        SELECT order_id, status, channel FROM orders WHERE channel = '{channel}'
    """)


# %% [markdown]
# ## A table that defends itself
#
# A `CHECK` constraint is a condition that every row must fulfil, whoever writes it. A commit with one bad row fails as a whole, and nothing of it is seen. Adding a constraint
# fails as well as long as old rows break it. And mind one thing: in Delta the condition must be **true**. Where it is NULL, the row is refused.

# %%
spark.sql("ALTER TABLE town.shops ADD CONSTRAINT real_city CHECK (length(city) > 1)")
for city in ("'X'", "NULL", "'Ulm'"):
    try:
        spark.sql(f"INSERT INTO town.shops VALUES (99, {city}, 'Germany')")
        print(city, "is accepted")
    except Exception as error:
        known = "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES" in str(error)
        print(city, "is refused" if known else error)

# %% [markdown]
# ### Exercise 4.1.7: never below cost
#
# In `shelf` (`product_id`, `name`, `price`, `cost`), from now on no price may be below the cost. Where one of the two is not known, there is nothing to compare, and the row is
# allowed. Some products break the rule today: set their price to the cost first. Then add the constraint.


# %% answer="4.1.7" title="Never below cost"
def never_below_cost(spark: SparkSession, shelf: str) -> None:
    """Repairs the prices of `shelf` that are below the cost, and adds a CHECK constraint."""
    ### BEGIN SOLUTION
    spark.sql(f"UPDATE {shelf} SET price = cost WHERE price < cost")
    spark.sql(
        f"ALTER TABLE {shelf} ADD CONSTRAINT not_below_cost CHECK (coalesce(price >= cost, true))"
    )
    ### END SOLUTION


# %% check="4.1.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "4.1.7",
    "no price",
    "products whose price is not known",
    products=variants.nulls("price", every=4),
)
### END HIDDEN TESTS
check(
    "4.1.7",
    never_below_cost,
    deadline=120,
    delta={
        "tables": {
            "shelf": {
                "key": ["product_id"],
                "operations": ["UPDATE", "MERGE", "ADD CONSTRAINT"],
                "accepts": {
                    "a price equal to the cost": "INSERT INTO {shelf} VALUES (901, 'new', 5.00, 5.00)",
                    "an unknown cost": "INSERT INTO {shelf} VALUES (902, 'new', 5.00, NULL)",
                },
                "refuses": {
                    "a price below the cost": "INSERT INTO {shelf} VALUES (903, 'new', 4.99, 5.00)",
                    "a change that puts a price below the cost": "UPDATE {shelf} SET price = 0 WHERE cost > 0",
                },
            }
        },
        "uses": ["products"],
        "setup": [
            "CREATE TABLE {shelf} USING delta AS SELECT product_id, name, price, cost FROM products"
        ],
    },
)

# %% [markdown] equivalent="4.1.7" because="A price that equals the cost is set to itself."
# - SQL border: price < cost → price <= cost

# %% [markdown] hints="4.1.7"
# 1. Two steps, in this order: repair the rows that break the rule, then forbid new ones.
# 2. The condition must be true for good rows, and NULL is not true. What does `price >= cost` give when one of them is NULL, and how do you allow that?
# 3. The shape: `ALTER TABLE ... ADD CONSTRAINT a_name CHECK (...)`.


# %% wrong="4.1.7" because="the cost, which it must refuse"
def never_below_cost(spark, shelf):
    spark.sql(f"UPDATE {shelf} SET price = cost WHERE price < cost")


# %% wrong="4.1.7" because="DELTA_NEW_CHECK_CONSTRAINT_VIOLATION"
def never_below_cost(spark, shelf):
    spark.sql(f"UPDATE {shelf} SET price = cost WHERE price < cost")
    spark.sql(f"ALTER TABLE {shelf} ADD CONSTRAINT not_below_cost CHECK (price >= cost)")


# %% wrong="4.1.7" because="on hidden data: products whose price is not known"
def never_below_cost(spark, shelf):
    spark.sql(f"UPDATE {shelf} SET price = cost WHERE price < cost")
    spark.sql(f"ALTER TABLE {shelf} ADD CONSTRAINT c CHECK (cost IS NULL OR price >= cost)")


# %% wrong="4.1.7" because="missing"
def never_below_cost(spark, shelf):
    spark.sql(f"DELETE FROM {shelf} WHERE price < cost")
    spark.sql(f"ALTER TABLE {shelf} ADD CONSTRAINT c CHECK (coalesce(price >= cost, true))")


# %% wrong="4.1.7" because="accepts a change that puts a price below the cost"
def never_below_cost(spark, shelf):
    spark.sql(f"UPDATE {shelf} SET price = cost WHERE price < cost")
    spark.sql(
        f"ALTER TABLE {shelf} ADD CONSTRAINT c CHECK (price = 0 OR coalesce(price >= cost, true))"
    )


# %% right="4.1.7"
def never_below_cost(spark, shelf):
    DeltaTable.forName(spark, shelf).update("cost > price", {"price": "cost"})
    spark.sql(
        f"ALTER TABLE {shelf} ADD CONSTRAINT c CHECK (price IS NULL OR cost IS NULL OR NOT price < cost)"
    )


# %% [markdown]
# ## The fastest file is the one that is not read
#
# Spark leaves data out in three ways. You see all of them in the scan of `explain()`:
#
# | in the plan | what is left out | what it needs |
# |---|---|---|
# | `PartitionFilters` | whole folders | a condition on the **partition column itself** |
# | `PushedFilters` | files and parts of files, by smallest and largest value | a plain comparison of a column with a constant, no function around it |
# | `ReadSchema` | columns | that you use only the columns that you need |

# %%
scan = spark.table("town.by_country").where("country = 'Germany' AND store_id > 3").select("city")
scan.explain()
print("files of the table:", len(spark.table("town.by_country").inputFiles()))
print("files to be read:  ", len(scan.inputFiles()))

# %% [markdown]
# ### Exercise 4.1.8: a quarter of a ledger
#
# `ledger` (`order_id`, `order_ts`, `status`, `channel`, `month`) is partitioned by `month`, text such as `'2025-03'`. Return, for the months from `first` to `last` (both
# included), the number of orders with status `completed` for each channel. Only the files of these months may be read, only the columns that are needed, and the comparison of the
# status must reach the scan.


# %% answer="4.1.8" title="A quarter of a ledger"
def completed_orders(spark: SparkSession, ledger: str, first: str, last: str) -> DataFrame:
    """(channel STRING, completed BIGINT), one row per channel that has such orders."""
    ### BEGIN SOLUTION
    wanted = F.col("month").between(first, last) & (F.col("status") == "completed")
    return spark.table(ledger).where(wanted).groupBy("channel").agg(F.count("*").alias("completed"))
    ### END SOLUTION


# %% check="4.1.8" points=2
### BEGIN HIDDEN TESTS
variant(
    "4.1.8", "over new year", "a quarter that crosses the year", first="2024-11", last="2025-01"
)
### END HIDDEN TESTS
check(
    "4.1.8",
    completed_orders,
    deadline=120,
    key=["channel"],
    arguments={"first": "2025-01", "last": "2025-03"},
    plan={
        "partition_filters": ["month"],
        "pushed_filters": ["status"],
        "reads_columns": ["channel", "status"],
        "reads_files": 3,
    },
    delta={
        "tables": {"ledger": {"content": False, "commits": {"at_most": 0}}},
        "uses": ["orders"],
        "setup": [
            "CREATE TABLE {ledger} USING delta PARTITIONED BY (month) AS SELECT /*+ REPARTITION(1) */ order_id, order_ts, status, "
            "channel, date_format(order_ts, 'yyyy-MM') AS month FROM orders WHERE order_ts >= '2024-10-01'",
        ],
        "returns": True,
    },
)

# %% [markdown] equivalent="4.1.8" because="A filter leaves out a row for false as for NULL; both comparisons reach the scan."
# - null-safe equality: F.col('status') == 'completed' → F.col('status').eqNullSafe('completed')

# %% [markdown] hints="4.1.8"
# 1. Which column decides in which folder a row lies? A condition on another column, even if it means the same, leaves no folder out.
# 2. Months as text sort like the months themselves, so `between` does it. Compare the status as it is, without a function around the column.
# 3. To count rows you need no column at all.


# %% wrong="4.1.8" because="no partition is left out by `month`"
def completed_orders(spark, ledger, first, last):
    month = F.date_format("order_ts", "yyyy-MM")
    wanted = month.between(first, last) & (F.col("status") == "completed")
    return spark.table(ledger).where(wanted).groupBy("channel").agg(F.count("*").alias("completed"))


# %% wrong="4.1.8" because="no condition on `status` reaches the scan"
def completed_orders(spark, ledger, first, last):
    wanted = F.col("month").between(first, last) & (F.lower("status") == "completed")
    return spark.table(ledger).where(wanted).groupBy("channel").agg(F.count("*").alias("completed"))


# %% wrong="4.1.8" because="`order_id` is read from the files without need"
def completed_orders(spark, ledger, first, last):
    wanted = F.col("month").between(first, last) & (F.col("status") == "completed")
    return (
        spark.table(ledger)
        .where(wanted)
        .groupBy("channel")
        .agg(F.count("order_id").alias("completed"))
    )


# %% wrong="4.1.8" because="`completed` is wrong"
def completed_orders(spark, ledger, first, last):
    wanted = (F.col("month") >= first) & (F.col("status") == "completed")
    return spark.table(ledger).where(wanted).groupBy("channel").agg(F.count("*").alias("completed"))


# %% wrong="4.1.8" because="a quarter that crosses the year"
def completed_orders(spark, ledger, first, last):
    months = [f"2025-{number:02}" for number in range(int(first[5:]), int(last[5:]) + 1)]
    wanted = F.col("month").isin(months) & (F.col("status") == "completed")
    return spark.table(ledger).where(wanted).groupBy("channel").agg(F.count("*").alias("completed"))


# %% right="4.1.8"
def completed_orders(spark, ledger, first, last):
    return spark.sql(f"""
        SELECT channel, count(*) AS completed FROM {ledger}
        WHERE status = 'completed' AND month >= '{first}' AND month <= '{last}' GROUP BY channel
    """)


# %% [markdown]
# ### Question 4.1.9: the nightly copy
#
# Every night a job reads a table of 2 TB, corrects the addresses of about 300 customers, and writes everything back with `mode("overwrite")`. Twice a week somebody runs `VACUUM` with the default of seven
# days. Answer in five to eight sentences: what does this cost, and whom? What would you do instead, and what in the history would show that it worked? An auditor asks for the state of three weeks
# ago: what do you answer, and how would you prepare for the next such question?

# %% [markdown] written="4.1.9" points=3 title="The nightly copy"
# ### BEGIN SOLUTION
# Each night 2 TB are read and 2 TB are written for 300 rows, and since the old files stay until they are vacuumed, about seven full copies are stored. Everything downstream that reads changes or caches
# files sees a table that is completely new, and a job that writes at the same time collides with the overwrite, because all files have changed. I would use UPDATE or MERGE with a
# condition that touches few files; in the history `numUpdatedRows` is then near 300, and `numCopiedRows` and `numRemovedFiles` are small. The state of three weeks ago cannot be read: its log entries may still be there, but
# VACUUM has deleted its files. For the next time I would set `delta.deletedFileRetentionDuration` (and the log's retention) to what auditors need, or keep a copy of the months' ends; a shallow clone would
# not do, since it refers to the files that VACUUM deletes.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: cost of the overwrite: full rewrite, copies kept until VACUUM, conflicts or a completely new table for readers (two of these)
# - 1 point: UPDATE or MERGE instead, and a metric that shows it (rows updated or copied, files removed)
# - 1 point: the old files are gone after VACUUM although the log may still list them; longer retention or real copies, with a reason
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | a Delta table is Parquet files and a log | the log alone says which files belong to a version |
# | each commit is complete or not there | readers see one version, never half of a change |
# | change rows with UPDATE, DELETE, MERGE | an overwrite writes everything, and the history says only "overwritten" |
# | `VERSION AS OF`, `TIMESTAMP AS OF` | old files stay until VACUUM |
# | RESTORE is a commit | nothing is copied, and the mistake stays visible |
# | `replaceWhere` replaces a part in one commit | delete and append leave a gap |
# | a shallow clone copies no data | it depends on the files of the original |
# | a CHECK must be true; NULL is refused | allow NULL explicitly where it is meant |
# | filter by the partition column itself | a function around it reads every file |
#
# > **On Databricks:** Delta is the default format, so `USING delta` may be left out. Tables have three-part names (`catalog.schema.table`), and deep clones, which copy the data, exist there only. New tables
# > there are laid out by *liquid clustering* rather than by partitions. Deletion vectors are on by default: a DELETE then marks rows instead of writing files anew.
