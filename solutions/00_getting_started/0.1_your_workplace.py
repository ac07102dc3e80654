# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 0.1 Getting started: your workplace
#
# **Time:** 45 minutes · **Data:** retail · **Before this:** nothing but a little Python
#
# Welcome to your new job. A shop with a web page, an app and twelve stores has hired you to answer questions with data: who buys, what sells,
# which reviews should worry us? Its tables still fit into one computer. Soon they will not, and that is what Spark is for. Today
# you look around: where you work, how a notebook behaves, how your answers are checked, and what a first table looks like.
#
# ## You will learn to
#
# - run, restart and reset a notebook, and ask `course` what is wrong with your workplace
# - read a verdict, use a hint, and know why an answer can be right here and wrong elsewhere
# - say what differs between your own machine, Binder, and the two kinds of compute on Databricks
# - make a DataFrame by hand, read one from a file, and choose rows and columns

# %% setup=true
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("0.1").getOrCreate()

customers = spark.read.parquet(sample("customers"))

# %% [markdown]
# ## What Spark is
#
# Spark computes with tables that are too large for one computer. You write what you want in Python or SQL; Spark divides the table into
# parts, lets many processes work on them at once, and repeats what fails. You do not have to say *how*. The same lines run on your laptop and on a
# hundred machines.
#
# | part | its work |
# |---|---|
# | **driver** | the process of your program: this notebook. It makes the plan and collects results |
# | **executors** | processes that do the work, each on its part of the data |
# | **cluster manager** | gives machines to the driver and its executors (Spark's own, YARN, Kubernetes, or Databricks) |
#
# In this course driver and executor are one process on one machine; Spark calls that *local mode*. On top of the engine are its modules, and
# you will meet them in this order: **Spark SQL and DataFrames** for tables (modules 1 to 4), **Structured Streaming** for data that never ends
# (5), **MLlib** for machine learning (6). The **pandas API on Spark** and **Spark Connect**, which reaches a Spark elsewhere, come in 2.6.
#
# ## A notebook and its kernel
#
# Cells with code are run by the **kernel**, a Python process that remembers everything since it started. Click into a cell and press
# **Shift + Enter**: it runs, and the next one is selected. Do that with the cell above if you have not yet, and with this one:

# %%
shop = "the shop"
print("Hello from", shop)
print("Spark", spark.version, "with", spark.conf.get("spark.master"))

# %% [markdown]
# `local[2]` means local mode with two threads that work.
#
# The kernel does not read the page from top to bottom. It only knows which cells you ran, and in which order. If you delete the cell above,
# `shop` is still there, until one day it is not. So when something looks impossible:
#
# 1. **Restart** the kernel (menu *Kernel → Restart Kernel and Run up to Selected Cell…*). It forgets everything and runs the cells in their order.
# 2. **Reset** a notebook, or one exercise, when you have changed too much. Your own version is kept as a backup. That is done in a terminal.
#
# A terminal (menu *File → New → Terminal*, or any other one) is where the command `course` works. On your own machine, go to the folder of the
# course and type `source .venv/bin/activate` first.
#
# | command | what it does |
# |---|---|
# | `course doctor` | looks for what would keep you from working, and says how to repair it |
# | `course check 0.1` | checks all answers of a notebook, in a kernel of its own |
# | `course watch` | checks the exercise that you are working on whenever you save |
# | `course hint 0.1.1` | shows the next hint |
# | `course progress` | shows what you have passed and what comes next |
# | `course reset 0.1.1` | puts one exercise back to how it was; `course reset 0.1` the whole notebook |
#
# ## Your first verdict
#
# Each exercise has a cell for your answer, with a function to complete, and below it a cell that checks the answer. Such a check cell is locked, and
# calls your function itself. Do the first exercise in four steps, although you could do it in one. You should have seen all of them once:
#
# 1. Run both cells as they are. The verdict is **○ not attempted**.
# 2. Replace the `raise` line by `return "Hello!"`, run both cells again, and read the verdict: what you returned, and what is not right.
# 3. In a new cell, run `hint("0.1.1")`. Run it again for the next hint.
# 4. Write the right answer. The verdict is **✔ passed**.
#
# ### Exercise 0.1.1: a greeting
#
# The app greets each customer. `customer` is the customer's name. Return the text `Hello, Anna!` for the name `Anna`, and likewise for every other
# name.


# %% answer="0.1.1" title="A greeting"
def greeting(customer: str) -> str:
    """The text "Hello, <customer>!"."""
    ### BEGIN SOLUTION
    return f"Hello, {customer}!"
    ### END SOLUTION


# %% check="0.1.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant("0.1.1", "Zoë", "another name", customer="Zoë")
variant("0.1.1", "several words", "a name of several words", customer="Ana de Sousa")
### END HIDDEN TESTS
check("0.1.1", greeting, arguments={"customer": "Anna"})

# %% [markdown] hints="0.1.1"
# 1. The function gets a name, in `customer`, and must give a text with that name in it. Which line of the cell do you have to replace, and with what keyword does it begin?
# 2. In Python, a text with an `f` before the quotation mark may contain variables in braces: `f"Good morning, {customer}"`.
# 3. Look closely at the comma, the blank and the exclamation mark.


# %% wrong="0.1.1" because="your answer is Hello!"
def greeting(customer):
    return "Hello!"


# %% wrong="0.1.1" because="another name"
def greeting(customer):
    return "Hello, Anna!"


# %% wrong="0.1.1" because="None"
def greeting(customer):
    print(f"Hello, {customer}!")


# %% wrong="0.1.1" because="your answer is Hello, Anna"
def greeting(customer):
    return f"Hello, {customer}"


# %% wrong="0.1.1" because="several words"
def greeting(customer):
    return f"Hello, {customer.title()}!"


# %% wrong="0.1.1" because="several words"
def greeting(customer):
    return f"Hello, {customer.split()[0]}!"


# %% right="0.1.1"
def greeting(customer):
    return "Hello, " + customer + "!"


# %% [markdown]
# What if you had written `return "Hello, Anna!"`? The check here would pass: it uses one **sample**, the name Anna. When your work is graded, your
# function is also called with **hidden data**: other names, other tables, holes, an empty table. An answer that only fits the
# sample fails there. So solve the problem, not the example. You never have to guess what hidden data may contain: the text says what counts.
#
# A verdict tells you, in this order: whether it is right; one sentence; what is right (✔) and wrong (✘) about it; up to five examples; and, if
# the mistake is a well-known one, a hint.
#
# | sign | meaning |
# |---|---|
# | ✔ passed | right |
# | ✘ not right yet | your function works, but its answer differs |
# | ✘ stopped with an error | your function raised an error; the message is explained |
# | ✘ took too long | your function was stopped |
# | ◐ partly right | some of several entries are right |
# | ○ not attempted | the `raise NotImplementedError` is still there |
# | ⚠ could not be checked | the course has a problem, not you |
#
# ## Is your workplace in order?
#
# `course doctor` looks at about a dozen things: Python, Java, memory, the sample data, whether a Spark session starts. Each check is a
# Python function, so you can ask from here, too. Here are three of them. (You need not understand the imports: they are the course's own.)

# %%
from autograder.paths import SAMPLES
from autograder.setup.doctor import check_java, check_python, check_samples

for result in (check_python(), check_java(), check_samples(SAMPLES)):
    print(f"{result.name:12} {result.outcome}  {result.remedy}")

# %% [markdown]
# `ok` is fine; a `note` is worth knowing but stops nobody; a `problem` keeps you from working, and its **remedy** says what to do. With
# `course doctor --json` the answers come as JSON, which Python reads as a list of dictionaries. Here is such a list:

# %%
results = [
    {"name": "Python", "outcome": "ok", "message": "Python 3.11.9", "remedy": ""},
    {
        "name": "Java",
        "outcome": "problem",
        "message": "There is no Java.",
        "remedy": "Install Java 17.",
    },
    {
        "name": "git",
        "outcome": "note",
        "message": "git is not installed.",
        "remedy": "Install it for updates.",
    },
]
for result in results:
    print(result["name"], "->", result["outcome"])

# %% [markdown]
# ### Exercise 0.1.2: what keeps you from working?
#
# `results` is a list like the one above. Return the list of the **names** of all checks whose outcome is `problem`, in the order in which they
# come. When there is no problem, the list is empty.


# %% answer="0.1.2" title="What keeps you from working?"
def what_blocks(results: list[dict[str, str]]) -> list[str]:
    """Names of the checks whose outcome is "problem", in order."""
    ### BEGIN SOLUTION
    return [result["name"] for result in results if result["outcome"] == "problem"]
    ### END SOLUTION


# %% check="0.1.2" points=1
### BEGIN HIDDEN TESTS
fine = {"name": "Memory", "outcome": "ok", "message": "7.1 GB available", "remedy": ""}
worth_knowing = {
    "name": "problem",
    "outcome": "note",
    "message": "a check with a strange name",
    "remedy": "Nothing.",
}
full = {
    "name": "Disk",
    "outcome": "problem",
    "message": "The disk is full.",
    "remedy": "Free some space.",
}
variant("0.1.2", "fine", "a workplace without problems", results=[fine, worth_knowing])
variant(
    "0.1.2",
    "two",
    "two problems with other things between them",
    results=[full, fine, worth_knowing, {**full, "name": "Arrow"}],
)
variant("0.1.2", "nothing", "an empty list", results=[])
### END HIDDEN TESTS
check(
    "0.1.2",
    what_blocks,
    arguments={
        "results": [
            {"name": "Python", "outcome": "ok", "message": "Python 3.11.9", "remedy": ""},
            {
                "name": "Java",
                "outcome": "problem",
                "message": "There is no Java.",
                "remedy": "Install Java 17.",
            },
            {
                "name": "git",
                "outcome": "note",
                "message": "git is not installed.",
                "remedy": "Install it for updates.",
            },
        ]
    },
)

# %% [markdown] hints="0.1.2"
# 1. Go through the list and keep some entries; of each that you keep, you need one value.
# 2. A list comprehension does both: `[what to keep for item in items if condition]`. A loop with `append` is just as good.
# 3. The condition compares the entry's `"outcome"` with a text. A `note` is no problem.


# %% wrong="0.1.2" because="your list has 2 entries, expected 1"
def what_blocks(results):
    return [result["name"] for result in results if result["outcome"] != "ok"]


# %% wrong="0.1.2" because="an integer"
def what_blocks(results):
    return sum(result["outcome"] == "problem" for result in results)


# %% wrong="0.1.2" because="wrong"
def what_blocks(results):
    return [result for result in results if result["outcome"] == "problem"]


# %% wrong="0.1.2" because="another order"
def what_blocks(results):
    return sorted(result["name"] for result in results if result["outcome"] == "problem")


# %% wrong="0.1.2" because="on hidden data"
def what_blocks(results):
    return ["Java"]


# %% right="0.1.2"
def what_blocks(results):
    names = []
    for result in results:
        if result["outcome"] == "problem":
            names.append(result["name"])  # noqa: PERF401
    return names


# %% [markdown]
# ## Where you are
#
# The lines that you write here run in several places. What differs is everything around them:
#
# | | your own machine | Binder | Databricks, classic compute | Databricks, serverless compute |
# |---|---|---|---|---|
# | how it starts | `make lab` | a link in your browser | you choose a runtime version and machines and start them | it is simply there |
# | what it costs | nothing | nothing | machines, while they run | what you use |
# | memory | as much as you have; 1 GB for Spark | **2 GB for everything**; 768 MB for Spark | you choose | Databricks chooses |
# | your files | stay | **are gone** when the session ends, soon after you stop working: download what you want to keep | stay in the workspace | stay in the workspace |
# | Spark | local mode | local mode | a cluster, with all of Spark's interfaces, and libraries (jars) of your choice | Spark Connect only: no `spark.sparkContext`, no jars of your own |
# | streams | may run for ever | may run until the session ends | may run for ever | take what is there, and stop (`availableNow`) |
#
# A kernel that suddenly "died" on Binder has mostly run out of memory: keep one notebook open at a time, and stop the others
# (menu *Kernel → Shut Down All Kernels…*).
#
# **Kafka**, from which module 5 reads messages as they come, is the best reason to know the difference between the last two columns. Such a
# stream is meant to run day and night, and Spark must reach the Kafka servers, which are often inside a company's own network. On classic compute both can be arranged. On
# serverless compute a stream ends when it has read what was there, and the network is Databricks' own. So on Databricks the Kafka part of the course may need *classic* compute.
#
# To work on Databricks you need a workspace: the Free Edition (which replaced the Community Edition, and has serverless compute only) or one of a company. Import
# the notebook, attach it to compute, run it. On classic compute choose a runtime based on Spark 4 (17.3 LTS or newer; it has Spark 4.0,
# and the few functions of this course that need 4.1 are marked). Older projects often
# say "11.3 LTS or newer, Python 3.8, PySpark 3": that is Spark 3.3, where some of what you learn here does not exist yet. The course itself uses Python 3.11,
# Spark 4.1 and Delta Lake 4.
#
# ### Exercise 0.1.3: which place is it?
#
# Six people talk about where they work. Return a dictionary from each letter to one of the words `"laptop"`, `"binder"`, `"classic"` and
# `"serverless"`. Each letter has one right word. Each right entry earns its part of the points.
#
# - **a** "I left for an hour. When I came back, everything that I had written was gone."
# - **b** "Before the first cell could run, I had to pick a runtime version and the size of the machines."
# - **c** "My code begins with `spark.sparkContext`, and it stopped right there. Nobody could tell me what kind of machine it was on."
# - **d** "I typed `make lab`. Since everything was set up, I could even go on working on a train, without a network."
# - **e** "It costs me nothing, but with three notebooks open my kernels die: 2 GB are not much."
# - **f** "We are on Databricks, and our stream from Kafka never stops."


# %% answer="0.1.3" title="Which place is it?"
def places() -> dict[str, str]:
    """Letter a to f → laptop, binder, classic or serverless."""
    ### BEGIN SOLUTION
    return {
        "a": "binder",
        "b": "classic",
        "c": "serverless",
        "d": "laptop",
        "e": "binder",
        "f": "classic",
    }
    ### END SOLUTION


# %% check="0.1.3" points=2
check("0.1.3", places, partial=True)

# %% [markdown] hints="0.1.3"
# 1. The table above has a row for each of the statements. One word may be right for two letters.
# 2. For c: which compute is reached through Spark Connect only? For f: where may a stream run for ever, and where does it end by itself?


# %% wrong="0.1.3" because="`c` and `f` are wrong"
def places():
    return {
        "a": "binder",
        "b": "classic",
        "c": "classic",
        "d": "laptop",
        "e": "binder",
        "f": "serverless",
    }


# %% wrong="0.1.3" because="`e` is missing"
def places():
    return {"a": "binder", "b": "classic", "c": "serverless", "d": "laptop", "f": "classic"}


# %% wrong="0.1.3" because="upper and lower case"
def places():
    return {
        "a": "Binder",
        "b": "classic",
        "c": "serverless",
        "d": "laptop",
        "e": "Binder",
        "f": "classic",
    }


# %% wrong="0.1.3" because="a list"
def places():
    return ["binder", "classic", "serverless", "laptop", "binder", "classic"]


# %% right="0.1.3"
def places():
    found = dict.fromkeys("bf", "classic") | dict.fromkeys("ae", "binder")
    return found | {"c": "serverless", "d": "laptop"}


# %% [markdown]
# ## A first table, made by hand
#
# Spark's table is the **DataFrame**: rows, and columns that each have a name and a **type**. The list of names and types is called **schema**. To make a
# small DataFrame you need rows and a schema; the schema can be a text:

# %%
stores = spark.createDataFrame(
    [("Lisbon", 2009, True), ("Graz", 2018, None)], "city STRING, opened INT, parking BOOLEAN"
)
stores.printSchema()
stores.show()

# %% [markdown]
# Frequent types are `STRING`, `INT` and `BIGINT` (whole numbers, up to 2 billion and up to 9 quintillion), `DOUBLE` (numbers with a fraction),
# `BOOLEAN`, `DATE` and `TIMESTAMP`. (`printSchema` uses longer names: `integer` for `INT`, `long` for `BIGINT`.) A value that is not there is `None` in
# Python and **NULL** in Spark. Without a schema, Spark guesses the types from the values: a whole number becomes `BIGINT`, and from an empty list
# nothing can be guessed at all.
#
# `printSchema()` and `show()` print, and return nothing. An exercise wants the DataFrame itself: `return` it.
#
# ### Exercise 0.1.4: a shelf
#
# `rows` is a list with one entry per product: its name, its price and how many pieces are on the shelf. Return a DataFrame with the columns
# `product` (`STRING`), `price` (`DOUBLE`) and `pieces` (`INT`). Prices and pieces may be missing (`None`), and the list may be empty.


# %% answer="0.1.4" title="A shelf"
def shelf(spark: SparkSession, rows: list[list]) -> DataFrame:
    """(product STRING, price DOUBLE, pieces INT), one row per entry of `rows`."""
    ### BEGIN SOLUTION
    return spark.createDataFrame(rows, "product STRING, price DOUBLE, pieces INT")
    ### END SOLUTION


# %% check="0.1.4" points=2
### BEGIN HIDDEN TESTS
variant("0.1.4", "empty", "an empty shelf", rows=[])
variant(
    "0.1.4",
    "missing",
    "products without a price",
    rows=[["salt", None, 4], ["oil", None, 0], ["oil", None, 0]],
)
variant(
    "0.1.4",
    "other",
    "other products, and names with a comma",
    rows=[["tea, green", 6.25, 1], ["rice", 1.5, None]],
)
### END HIDDEN TESTS
check(
    "0.1.4", shelf, arguments={"rows": [["tea", 4.5, 10], ["rice", 2.25, None], ["soap", 3.0, 0]]}
)

# %% [markdown] hints="0.1.4"
# 1. `createDataFrame` takes two things: the rows and the schema. Which of them do you have already, and which must you write?
# 2. The schema is one text: name and type of each column, with commas between the columns. The names are given in the exercise.


# %% wrong="0.1.4" because="pieces` is BIGINT"
def shelf(spark, rows):
    return spark.createDataFrame(rows, ["product", "price", "pieces"])


# %% wrong="0.1.4" because="_1"
def shelf(spark, rows):
    return spark.createDataFrame(rows)


# %% wrong="0.1.4" because="nothing (None)"
def shelf(spark, rows):
    spark.createDataFrame(rows, "product STRING, price DOUBLE, pieces INT").show()


# %% wrong="0.1.4" because="missing"
def shelf(spark, rows):
    return spark.createDataFrame(rows, "product STRING, price DOUBLE, pieces INT").dropna()


# %% wrong="0.1.4" because="on hidden data"
def shelf(spark, rows):
    known = [("tea", 4.5, 10), ("rice", 2.25, None), ("soap", 3.0, 0)]
    return spark.createDataFrame(known, "product STRING, price DOUBLE, pieces INT")


# %% right="0.1.4"
def shelf(spark, rows):
    from pyspark.sql.types import DoubleType, IntegerType, StringType, StructType

    schema = (
        StructType()
        .add("product", StringType())
        .add("price", DoubleType())
        .add("pieces", IntegerType())
    )
    return spark.createDataFrame([tuple(row) for row in rows], schema)


# %% [markdown]
# ## A first table from a file
#
# The shop's tables lie in files of the format **Parquet**, which keeps names and types together with the data. `sample("customers")` gives the path of
# one of them, and `spark.read.parquet(path)` the DataFrame. The first code cell of this notebook has done that for `customers`.
#
# `count()` gives the number of rows, as a Python number. `orderBy` sorts; without it, the order of rows means nothing and may change.

# %%
print("number of customers:", customers.count())
print("columns:", customers.columns)
customers.orderBy("customer_id").select("customer_id", "name", "country", "city").show(3)

# %% [markdown]
# ### Exercise 0.1.5: how many rows?
#
# `table` is the name of one of the shop's tables, such as `"orders"` or `"products"`. Read its sample file and return its number of rows, a
# whole number.


# %% answer="0.1.5" title="How many rows?"
def rows_in(spark: SparkSession, table: str) -> int:
    """Number of rows of a table's sample file."""
    ### BEGIN SOLUTION
    return spark.read.parquet(sample(table)).count()
    ### END SOLUTION


# %% check="0.1.5" points=1
### BEGIN HIDDEN TESTS
variant("0.1.5", "products", "the table of products", table="products")
variant("0.1.5", "stores", "the table of stores", table="stores")
### END HIDDEN TESTS
check("0.1.5", rows_in, arguments={"table": "orders"})

# %% [markdown] hints="0.1.5"
# 1. Three things, one inside the other or one after the other: the path of the table, the DataFrame, the number.
# 2. `sample` takes the name of a table; here that is the parameter `table`, without quotation marks.


# %% wrong="0.1.5" because="a whole DataFrame"
def rows_in(spark, table):
    return spark.read.parquet(sample(table))


# %% wrong="0.1.5" because="your answer is 7"
def rows_in(spark, table):
    return len(spark.read.parquet(sample(table)).columns)


# %% wrong="0.1.5" because="the table of products"
def rows_in(spark, table):
    return spark.read.parquet(sample("orders")).count()


# %% wrong="0.1.5" because="function or method"
def rows_in(spark, table):
    return spark.read.parquet(sample(table)).count


# %% right="0.1.5"
def rows_in(spark, table):
    return spark.sql(f"SELECT count(*) FROM parquet.`{sample(table)}`").first()[0]


# %% [markdown]
# ## Rows and columns
#
# `filter` keeps the rows for which a condition is true; `select` keeps columns. Both return a new DataFrame, so they can be written one after
# the other. `F.col("city")` means "the column `city`", and a comparison needs **two** equals signs:

# %%
in_lisbon = stores.filter(F.col("city") == "Lisbon").select("city", "opened")
in_lisbon.show()
print("rows left:", in_lisbon.count())

# %% [markdown]
# A condition may also be written as SQL text: `stores.filter("city = 'Lisbon'")`. There one equals sign is enough, text stands in single quotation
# marks, and whether a value is missing is asked with `city IS NULL`. Both forms are used in this course.
#
# ### Exercise 0.1.6: customers of a country
#
# A colleague is going to visit `country` and would like to know whom to meet there. Return the columns `customer_id`, `name` and `city` of all
# customers of that country, and of no others. Customers whose country is not known stay out; those whose city is not known belong to it.


# %% answer="0.1.6" title="Customers of a country"
def customers_of(customers: DataFrame, country: str) -> DataFrame:
    """(customer_id BIGINT, name STRING, city STRING) of the customers of one country."""
    ### BEGIN SOLUTION
    return customers.filter(F.col("country") == country).select("customer_id", "name", "city")
    ### END SOLUTION


# %% check="0.1.6" points=2
### BEGIN HIDDEN TESTS
variant("0.1.6", "other shop", "another shop and another country", seed=1609, country="Germany")
variant("0.1.6", "nobody", "a country without customers", country="Atlantis")
### END HIDDEN TESTS
check("0.1.6", customers_of, arguments={"country": "Spain"}, key=["customer_id"])

# %% [markdown] equivalent="0.1.6" because="The country that is asked for is never NULL, and a filter drops false and NULL alike."
# - null-safe equality: F.col('country') == country → F.col('country').eqNullSafe(country)

# %% [markdown] hints="0.1.6"
# 1. First the rows, then the columns: after a `select`, a column that was not named is gone, also for a filter.
# 2. The condition compares the column `country` with the parameter `country`. One of them stands in quotation marks, the other does not.


# %% wrong="0.1.6" because="extra"
def customers_of(customers, country):
    return customers.select("customer_id", "name", "city")


# %% wrong="0.1.6" because="another country"
def customers_of(customers, country):
    return customers.filter(F.col("country") == "Spain").select("customer_id", "name", "city")


# %% wrong="0.1.6" because="UNRESOLVED_COLUMN"
def customers_of(customers, country):
    return customers.select("customer_id", "name", "city").filter("land = 'Spain'")


# %% wrong="0.1.6" because="column"
def customers_of(customers, country):
    return customers.filter(F.col("country") == country)


# %% wrong="0.1.6" because="missing"
def customers_of(customers, country):
    return (
        customers.dropna().filter(F.col("country") == country).select("customer_id", "name", "city")
    )


# %% right="0.1.6"
def customers_of(customers, country):
    return customers.sparkSession.sql(
        "SELECT customer_id, name, city FROM customers WHERE country = :wanted",
        args={"wanted": country},
    )


# %% [markdown]
# ## A first answer in words
#
# Some questions are answered in sentences. No program marks them; a person does, with a scheme of what must be in the answer. If you learn alone, write
# the answer anyway: what you can explain, you have understood.
#
# ### Question 0.1.7: where do you work?
#
# Answer in four to eight sentences. Where will you work through this course, and what happens there to your files when you close everything? What are driver
# and executor in that place? And why does an answer that passes here not always pass when it is graded?

# %% [markdown] written="0.1.7" points=3 title="Where do you work?"
# ### BEGIN SOLUTION
# I work on my own laptop, started with `make lab`. My notebooks are files in the folder of the course, so they stay when I close everything; only what the kernel
# remembered, its variables and its Spark session, is gone, and comes back when I run the cells again. (On Binder the files would be gone, too, and I would have to download them.)
# The driver is the process behind this notebook, which makes plans and collects results. In local mode the executor, which does the work, is in the same process, with two threads; on a cluster
# the executors would be processes on other machines. An answer that passes here has been run on the sample only. Graded answers are also run on hidden data with other rows, holes or no rows at all, so
# one that only fits the sample fails there.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: names the place and what becomes of files there (own machine or workspace: they stay; Binder: they are gone unless downloaded)
# - 1 point: the driver makes the plan and collects results, executors do the work; in local mode both are in one process on one machine
# - 1 point: grading also uses hidden data, so an answer fitted to the sample fails
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | restart the kernel when something looks impossible | it remembers cells that are long gone |
# | read the verdict, then ask for a hint | it says what is right, too |
# | solve the problem, not the sample | grading uses hidden data |
# | Binder forgets | download what you want to keep |
# | a DataFrame has a schema | give it yourself when you make one by hand |
# | `filter` for rows, `select` for columns, `count()` for a number | the first two return DataFrames, the last a Python number |
#
# > **On Databricks:** the notebook has a session called `spark` already; `getOrCreate()` returns just that one. Instead of files of
# > this course, read tables of the catalog: `spark.read.table("samples.nyctaxi.trips")` is there in many workspaces. `display(df)` shows a DataFrame with
# > a menu for sorting and plotting.
