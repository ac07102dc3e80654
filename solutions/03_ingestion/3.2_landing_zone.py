# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3.2 Bad records and the landing zone
#
# **Time:** 180 minutes (two sittings) · **Data:** reviews, retail · **Before this:** 1.3, 2.1 and 3.1
#
# Every night other firms put files into a folder for us: reviews, orders of the branches, stock lists of suppliers. We do not write these files, and nobody asks us before they change. A line is cut off, a column
# gets another name, the same file comes twice, one file comes three weeks late. If the job that loads them stops at the first bad line, the shop has no numbers in the morning. If it throws away what it does not
# understand, the numbers are wrong, and nobody knows. Here you build a job that does neither: it loads what is right, keeps what is wrong with the reason, takes each file in once, and proves with counts that nothing
# was lost.
#
# ## You will learn to
#
# - say for each row from which file it came, and when that file was written
# - check values against a contract under ANSI rules, with all reasons
# - separate good rows from bad lines while reading, so that each line is in exactly one place
# - see that a file has other columns than agreed, and save what has no column
# - take each file in once: with a log of your own, and with a file stream and its checkpoint
# - reconcile: prove by counts that what came in is what you stored

# %% setup=true
import hashlib
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("3.2").getOrCreate()

raw_customers = spark.read.parquet(sample("raw_customers"))

# What was agreed with those who send us files.
ORDER = "order_id BIGINT, customer_id BIGINT, store_id INT, channel STRING"
CHANNELS = ("app", "store", "web")


def move(path: Path, folder: str) -> None:
    """Move a file into a folder in one step. The folder is made if it is not there."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    path.rename(Path(folder) / path.name)


# %% [markdown]
# ## The landing zone
#
# The folder into which others write is the **landing zone**. It has one rule: files arrive there, and our job takes them away. Nobody edits them there, and no report reads them there. What the job makes of a file goes to several places:
#
# | place | what is there |
# |---|---|
# | `landing` | files that nobody has looked at yet |
# | `target` | rows that are right |
# | `quarantine` | lines that are not, each with the reason and the name of its file |
# | `processed` | the files themselves, untouched, after they were taken in. You will need them on the day you find an error in your own job |
# | `log` | one row per file: what came, and what became of it |
#
# In the examples two suppliers send stock lists. The function `arrive` plays the suppliers: it writes a file somewhere else, gives it a time, and renames it into the landing zone, so that nobody can ever see half of it.

# %%
import os
import tempfile

temporary = tempfile.TemporaryDirectory(prefix="stock-")  # goes away with the notebook
home = Path(temporary.name)


def arrive(name, text, minute=0, folder="stock"):
    """Let a file arrive in a folder below `home`; its age is `minute` minutes after 1 March 2025, 06:00."""
    (home / "new").write_text(text)
    os.utime(home / "new", (1_740_808_800 + 60 * minute,) * 2)
    place = home / folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    (home / "new").rename(place)


arrive("lamps/monday.json", '{"sku": "L1", "pieces": 40}\n{"sku": "L2", "pieces": 7}\n')
arrive("rugs/tuesday.json", '{"sku": "R9", "pieces": 3}\n', minute=1440)

# %% [markdown]
# When a row turns out to be wrong, the first question is: which file was it in? The hidden column `_metadata` knows (3.1). Ask for it right after reading: after a `select` without it, it is gone. The folder itself has sub-folders here, and `recursiveFileLookup` looks into all of them:

# %%
stock = (
    spark.read.schema("sku STRING, pieces INT")
    .option("recursiveFileLookup", True)
    .json(str(home / "stock"))
)
stock.select(
    "*",
    F.col("_metadata.file_name").alias("came_in"),
    F.col("_metadata.file_modification_time").alias("written"),
).orderBy("sku").show()

# %% [markdown]
# (`_metadata` writes names as in an address: a file `thursday (1).json` is `thursday%20(1).json` there. Names in these exercises have no blanks. `url_decode` reads them back, but it also takes a `+` for a blank.)
#
# Columns like these two are called **lineage columns**: they say where a row comes from. They cost little, since Parquet stores a value that repeats only once, and they make an error that is found in March repairable in May: delete the rows of that file, load
# it again.
#
# What came in at all is a question for another reader. `spark.read.text` gives every line as it is, in a column `value`. Nothing can go wrong with it, so it is the right one for counting: the JSON reader leaves out empty lines, and of a broken line it makes a row like any other.
#
# ### Exercise 3.2.1: how good is each partner?
#
# Partners put their reviews into sub-folders of `landing`, one per partner, such as `landing/north/reviews-01.json`. Each line should be a JSON object. Return one row per partner:
#
# - `partner`: the name of the sub-folder
# - `lines`: how many lines its files have, all of them
# - `blank`: how many of these are empty or consist of blanks only (a blank is a space character, here and in the other exercises)
# - `unreadable`: how many are not blank, and cannot be read by `try_parse_json` (1.3)
#
# There may be other partners than in the sample, or no file at all; then there are no rows.
#
# (In this notebook the folders are made anew for each check, and go away afterwards. To see what is in one, let your function print something, such as `spark.read.text(landing, recursiveFileLookup=True).show(5, truncate=False)`, and take that out again when you are done.)


# %% answer="3.2.1" title="How good is each partner?"
def quality(spark: SparkSession, landing: str) -> DataFrame:
    """(partner STRING, lines BIGINT, blank BIGINT, unreadable BIGINT), one row per partner."""
    ### BEGIN SOLUTION
    lines = spark.read.option("recursiveFileLookup", True).text(landing)
    partner = F.regexp_extract("_metadata.file_path", "([^/]+)/[^/]+$", 1)
    blank = F.trim("value") == ""
    unreadable = ~blank & F.try_parse_json("value").isNull()
    return lines.groupBy(partner.alias("partner")).agg(
        F.count("*").alias("lines"),
        F.count_if(blank).alias("blank"),
        F.count_if(unreadable).alias("unreadable"),
    )
    ### END SOLUTION


# %% check="3.2.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant("3.2.1", "quiet night", "a night on which nothing has arrived", reviews_raw=variants.empty)
variant(
    "3.2.1",
    "another partner",
    "a partner who is new, and sends lines of several blanks, other white space, and JSON that is no object",
    reviews_raw=variants.together(
        variants.duplicated(),
        variants.appended(("  ",), ("    ",), ("no",), ("\t",), ("[1, 2]",), ("42",)),
    ),
)
### END HIDDEN TESTS
check(
    "3.2.1",
    quality,
    key=["partner"],
    files={
        "given": {
            "landing": {
                "table": "reviews_raw",
                "format": "lines",
                "select": ["value", "monotonically_increasing_id() AS n"],
                "name": """concat(
                    CASE WHEN n >= 1600 THEN 'east' WHEN n % 3 = 0 THEN 'north' ELSE 'south' END,
                    '/reviews-0', 1 + n div 600, '.json')""",
            }
        },
        "returns": True,
    },
)

# %% [markdown] equivalent="3.2.1" because="The text reader gives no NULL."
# - null-safe equality: F.trim('value') == '' → F.trim('value').eqNullSafe('')

# %% [markdown] hints="3.2.1"
# 1. Blank and broken lines count, too. Which reader gives each line as it is? And without an option Spark does not look into sub-folders; the example above has it.
# 2. The partner stands in `_metadata.file_path`, between the last two slashes: `F.regexp_extract`, or `F.split` and `F.element_at` with a negative index.
# 3. `F.count_if` counts the rows for which a condition holds. What does `try_parse_json` give for a blank line? It must not be counted twice.


# %% wrong="3.2.1" because="`lines` is wrong"
def quality(spark, landing):
    partner = F.regexp_extract("_metadata.file_path", "([^/]+)/[^/]+$", 1)
    columns = "review_id STRING, stars INT, _corrupt_record STRING"
    rows = spark.read.schema(columns).option("recursiveFileLookup", True).json(landing)
    rows = rows.select("*", partner.alias("partner")).cache()
    return rows.groupBy("partner").agg(
        F.count("*").alias("lines"),
        F.lit(0).cast("bigint").alias("blank"),
        F.count("_corrupt_record").alias("unreadable"),
    )


# %% wrong="3.2.1" because="All rows are missing"
def quality(spark, landing):
    lines = spark.read.text(landing)
    blank = F.trim("value") == ""
    return lines.groupBy(
        F.element_at(F.split("_metadata.file_path", "/"), -2).alias("partner")
    ).agg(
        F.count("*").alias("lines"),
        F.count_if(blank).alias("blank"),
        F.count_if(~blank & F.try_parse_json("value").isNull()).alias("unreadable"),
    )


# %% wrong="3.2.1" because="`unreadable` is wrong"
def quality(spark, landing):
    lines = spark.read.option("recursiveFileLookup", True).text(landing)
    return lines.groupBy(
        F.element_at(F.split("_metadata.file_path", "/"), -2).alias("partner")
    ).agg(
        F.count("*").alias("lines"),
        F.count_if(F.trim("value") == "").alias("blank"),
        F.count_if(F.try_parse_json("value").isNull()).alias("unreadable"),
    )


# %% wrong="3.2.1" because="a partner who is new"
def quality(spark, landing):
    found = spark.createDataFrame(
        [], "partner STRING, lines BIGINT, blank BIGINT, unreadable BIGINT"
    )
    blank = F.trim("value") == ""
    for partner in ("north", "south"):
        if (Path(landing) / partner).exists():
            lines = spark.read.text(f"{landing}/{partner}")
            found = found.union(
                lines.groupBy(F.lit(partner)).agg(
                    F.count("*"),
                    F.count_if(blank),
                    F.count_if(~blank & F.try_parse_json("value").isNull()),
                )
            )
    return found


# %% wrong="3.2.1" because="lines of several blanks"
def quality(spark, landing):
    lines = spark.read.option("recursiveFileLookup", True).text(landing)
    blank = F.col("value") == ""
    return lines.groupBy(
        F.element_at(F.split("_metadata.file_path", "/"), -2).alias("partner")
    ).agg(
        F.count("*").alias("lines"),
        F.count_if(blank).alias("blank"),
        F.count_if(~blank & F.try_parse_json("value").isNull()).alias("unreadable"),
    )


# %% wrong="3.2.1" because="nothing has arrived"
def quality(spark, landing):
    lines = spark.read.text(f"{landing}/*/*.json")
    blank = F.trim("value") == ""
    return lines.groupBy(
        F.element_at(F.split("_metadata.file_path", "/"), -2).alias("partner")
    ).agg(
        F.count("*").alias("lines"),
        F.count_if(blank).alias("blank"),
        F.count_if(~blank & F.try_parse_json("value").isNull()).alias("unreadable"),
    )


# %% wrong="3.2.1" because="other white space"
def quality(spark, landing):
    lines = spark.read.text(landing, recursiveFileLookup=True)
    blank = F.col("value").rlike(r"^\s*$")
    return lines.groupBy(
        F.element_at(F.split("_metadata.file_path", "/"), -2).alias("partner")
    ).agg(
        F.count("*").alias("lines"),
        F.count_if(blank).alias("blank"),
        F.count_if(~blank & F.try_parse_json("value").isNull()).alias("unreadable"),
    )


# %% wrong="3.2.1" because="JSON that is no object"
def quality(spark, landing):
    lines = spark.read.text(landing, recursiveFileLookup=True)
    blank = F.trim("value") == ""
    parsed = F.from_json("value", "MAP<STRING,STRING>")
    return lines.groupBy(
        F.element_at(F.split("_metadata.file_path", "/"), -2).alias("partner")
    ).agg(
        F.count("*").alias("lines"),
        F.count_if(blank).alias("blank"),
        F.count_if(~blank & parsed.isNull()).alias("unreadable"),
    )


# %% right="3.2.1"
def quality(spark, landing):
    landed = spark.read.text(landing, recursiveFileLookup=True)
    landed.select("value", "_metadata.file_path").createOrReplaceTempView("landed")
    return spark.sql("""
        SELECT element_at(split(file_path, '/'), -2) AS partner, count(*) AS lines,
               count_if(trim(value) = '') AS blank,
               count_if(trim(value) <> '' AND try_parse_json(value) IS NULL) AS unreadable
        FROM landed GROUP BY ALL
    """)


# %% right="3.2.1"
def quality(spark, landing):
    import json
    from collections import Counter

    lines, blank, unreadable = Counter(), Counter(), Counter()
    for path in Path(landing).rglob("*.json"):
        for line in path.read_text().split("\n")[:-1]:
            lines[path.parent.name] += 1
            if not line.strip(" "):
                blank[path.parent.name] += 1
                continue
            try:
                json.loads(line)
            except ValueError:
                unreadable[path.parent.name] += 1
    rows = [(name, lines[name], blank[name], unreadable[name]) for name in lines]
    return spark.createDataFrame(
        rows, "partner STRING, lines BIGINT, blank BIGINT, unreadable BIGINT"
    )


# %% [markdown]
# ## A contract, checked value by value
#
# The simplest contract is a list: these columns, of these types, these must not be missing. Files such as CSV hold only text, so somebody must turn text into types. Spark 4 follows the **ANSI** rules of SQL: `CAST` of a text that is no
# number raises an error and ends the job. That is right for your own tables, where such a text is a fault of yours. It is wrong for files of others, where faults are a daily matter. There you want **`try_cast`**, which gives NULL:

# %%
counted = spark.createDataFrame(
    [("L1", "40"), ("L2", "a dozen"), ("R9", None), ("R7", " ")], "sku STRING, pieces STRING"
)
try:
    counted.select(F.col("pieces").cast("int")).collect()
except Exception as error:
    print(error.getCondition())
counted.withColumn("as number", F.col("pieces").try_cast("int")).show()

# %% [markdown]
# Three NULLs, but two different stories: for `R9` and `R7` nothing was sent, for `L2` something was sent that we cannot read. So **compare before and after**: text that was there, and is NULL after the cast, does not fit. A value that is missing is another matter: for
# some columns that is allowed.
#
# A row may break the contract in several ways at once. Exercise 1.3.7 told the *first* reason, which is enough to sort a line out. The partner who has to repair the source wants **all** of them, else the file comes back with the next fault. An array
# holds any number of reasons. Each rule is a `when` without `otherwise`, so it gives NULL when there is nothing to say, and `F.array_compact` removes these NULLs:

# %%
rules = [
    F.when(F.length("sku") != 2, "odd sku"),
    F.when(F.col("pieces").rlike("[a-z]"), "words"),
    F.when(F.col("sku").startswith("L") & (F.length("pieces") > 2), "too many lamps"),
]
counted.select("sku", F.array_compact(F.array(*rules)).alias("remarks")).show(truncate=False)

# %% [markdown]
# The list of rules is an ordinary Python list, so a loop can build it, from a contract that is data and not code. The method `try_cast` takes the type as a text, which may come from the contract as well.
#
# ### Exercise 3.2.2: all breaches of the contract
#
# `contract` is a list of `[column, type, required]`, such as `["income", "DECIMAL(12,2)", False]`. All columns of `raw_customers` are text. A value is **missing** if it is NULL or consists of blanks only (or of nothing). Two rules for each column of the contract:
#
# - a value that is missing although the column is required: `"<column> is missing"`
# - a value that is not missing, and that `try_cast` cannot turn into the type: `"<column> is not <type>"`, with the type as the contract writes it
#
# Return `customer_id` and `breaches`, an array of these texts in the order of the contract, for the rows that break the contract. Rows that keep it do not appear; rows that are there twice appear twice.


# %% answer="3.2.2" title="All breaches of the contract"
def breaches_of(raw_customers: DataFrame, contract: list) -> DataFrame:
    """(customer_id STRING, breaches ARRAY<STRING>), only rows with at least one breach."""
    ### BEGIN SOLUTION
    found = []
    for column, kind, required in contract:
        missing = F.coalesce(F.trim(column), F.lit("")) == ""
        if required:
            found.append(F.when(missing, f"{column} is missing"))
        unreadable = F.col(column).try_cast(kind).isNull()
        found.append(F.when(~missing & unreadable, f"{column} is not {kind}"))
    breaches = F.array_compact(F.array(*found))
    return raw_customers.select("customer_id", breaches.alias("breaches")).filter(
        F.size("breaches") > 0
    )
    ### END SOLUTION


# %% check="3.2.2" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.2.2",
    "another contract",
    "another contract, with a type in small letters",
    contract=[
        ["marketing_consent", "BOOLEAN", True],
        ["income", "int", True],
        ["city", "STRING", True],
        ["phone", "BIGINT", False],
    ],
)
variant(
    "3.2.2",
    "blanks",
    "customers with several blanks, or other white space, in the place of values",
    raw_customers=variants.replaced(
        email=F.expr(
            "CASE CAST(customer_id AS INT) % 4 WHEN 0 THEN '   ' WHEN 1 THEN '' ELSE email END"
        ),
        signup_date=F.expr("if(CAST(customer_id AS INT) % 3 = 0, NULL, signup_date)"),
        birth_date=F.expr(
            "CASE CAST(customer_id AS INT) % 5 WHEN 0 THEN '  ' WHEN 1 THEN char(9) ELSE birth_date END"
        ),
    ),
)
### END HIDDEN TESTS
check(
    "3.2.2",
    breaches_of,
    arguments={
        "contract": [
            ["customer_id", "BIGINT", True],
            ["email", "STRING", True],
            ["birth_date", "DATE", False],
            ["income", "DECIMAL(12,2)", False],
            ["signup_date", "DATE", True],
        ]
    },
)

# %% [markdown] equivalent="3.2.2" because="The coalesce is never NULL."
# - null-safe equality: F.coalesce(F.trim(column), F.lit('')) == '' → F.coalesce(F.trim(column), F.lit('')).eqNullSafe('')

# %% [markdown] hints="3.2.2"
# 1. Build a list of `when` columns in a loop over the contract: at most two for each column. Then one array of all of them, as in the example.
# 2. First write down what *missing* means, as a condition that is never NULL: `F.coalesce` helps. The second rule needs "not missing".
# 3. `try_cast` of a column gives NULL for two reasons; your condition for *missing* tells them apart. At the end, `F.size` says how many texts an array has.


# %% wrong="3.2.2" because="CAST_INVALID_INPUT"
def breaches_of(raw_customers, contract):
    found = []
    for column, kind, required in contract:
        missing = F.coalesce(F.trim(column), F.lit("")) == ""
        if required:
            found.append(F.when(missing, f"{column} is missing"))
        unreadable = F.col(column).cast(kind).isNull()
        found.append(F.when(~missing & unreadable, f"{column} is not {kind}"))
    breaches = F.array_compact(F.array(*found))
    return raw_customers.select("customer_id", breaches.alias("breaches")).filter(
        F.size("breaches") > 0
    )


# %% wrong="3.2.2" because="rows"
def breaches_of(raw_customers, contract):
    found = []
    for column, kind, required in contract:
        unreadable = F.expr(f"try_cast({column} AS {kind})").isNull()
        if required:
            found.append(F.when(F.col(column).isNull(), f"{column} is missing"))
        found.append(F.when(F.col(column).isNotNull() & unreadable, f"{column} is not {kind}"))
    breaches = F.array_compact(F.array(*found))
    return raw_customers.select("customer_id", breaches.alias("breaches")).filter(
        F.size("breaches") > 0
    )


# %% wrong="3.2.2" because="breaches"
def breaches_of(raw_customers, contract):
    found = []
    for column, kind, required in contract:
        missing = F.coalesce(F.trim(column), F.lit("")) == ""
        if required:
            found.append(F.when(missing, f"{column} is missing"))
        unreadable = F.expr(f"try_cast({column} AS {kind})").isNull()
        found.append(F.when(~missing & unreadable, f"{column} is not {kind}"))
    first = F.coalesce(*found)
    return raw_customers.filter(first.isNotNull()).select(
        "customer_id", F.array(first).alias("breaches")
    )


# %% wrong="3.2.2" because="another contract"
def breaches_of(raw_customers, contract):
    def breach(column, kind, required):
        missing = F.coalesce(F.trim(column), F.lit("")) == ""
        bad = ~missing & F.expr(f"try_cast({column} AS {kind})").isNull()
        asked = F.when(missing, f"{column} is missing") if required else F.lit(None)
        return F.coalesce(asked, F.when(bad, f"{column} is not {kind}"))

    found = F.array(
        breach("customer_id", "BIGINT", True),
        breach("email", "STRING", True),
        breach("birth_date", "DATE", False),
        breach("income", "DECIMAL(12,2)", False),
        breach("signup_date", "DATE", True),
    )
    breaches = F.array_compact(found)
    return raw_customers.select("customer_id", breaches.alias("breaches")).filter(
        F.size("breaches") > 0
    )


# %% wrong="3.2.2" because="several blanks"
def breaches_of(raw_customers, contract):
    found = []
    for column, kind, required in contract:
        missing = F.coalesce(F.col(column), F.lit("")) == ""
        if required:
            found.append(F.when(missing, f"{column} is missing"))
        unreadable = F.expr(f"try_cast({column} AS {kind})").isNull()
        found.append(F.when(~missing & unreadable, f"{column} is not {kind}"))
    breaches = F.array_compact(F.array(*found))
    return raw_customers.select("customer_id", breaches.alias("breaches")).filter(
        F.size("breaches") > 0
    )


# %% wrong="3.2.2" because="other white space"
def breaches_of(raw_customers, contract):
    found = []
    for column, kind, required in contract:
        missing = F.coalesce(F.col(column), F.lit("")).rlike(r"^\s*$")
        if required:
            found.append(F.when(missing, f"{column} is missing"))
        unreadable = F.col(column).try_cast(kind).isNull()
        found.append(F.when(~missing & unreadable, f"{column} is not {kind}"))
    breaches = F.array_compact(F.array(*found))
    return raw_customers.select("customer_id", breaches.alias("breaches")).filter(
        F.size("breaches") > 0
    )


# %% wrong="3.2.2" because="a type in small letters"
def breaches_of(raw_customers, contract):
    found = []
    for column, kind, required in contract:
        missing = F.coalesce(F.trim(column), F.lit("")) == ""
        if required:
            found.append(F.when(missing, f"{column} is missing"))
        unreadable = F.col(column).try_cast(kind).isNull()
        found.append(F.when(~missing & unreadable, f"{column} is not {kind.upper()}"))
    breaches = F.array_compact(F.array(*found))
    return raw_customers.select("customer_id", breaches.alias("breaches")).filter(
        F.size("breaches") > 0
    )


# %% right="3.2.2"
def breaches_of(raw_customers, contract):
    cases = []
    for column, kind, required in contract:
        blank = f"trim(nvl({column}, '')) = ''"
        otherwise = f"'{column} is missing'" if required else "NULL"
        cases.append(
            f"CASE WHEN {blank} THEN {otherwise}"
            f" WHEN try_cast({column} AS {kind}) IS NULL THEN '{column} is not {kind}' END"
        )
    return raw_customers.sparkSession.sql(f"""
        SELECT * FROM (
            SELECT customer_id, filter(array({", ".join(cases)}), breach -> breach IS NOT NULL) AS breaches
            FROM raw_customers)
        WHERE array_size(breaches) > 0
    """)


# %% right="3.2.2"
def breaches_of(raw_customers, contract):
    breaches = F.array().cast("array<string>")
    for column, kind, required in contract:
        text = F.nullif(F.trim(column), F.lit(""))
        unreadable = text.isNotNull() & F.expr(f"try_cast({column} AS {kind})").isNull()
        said = F.when(unreadable, F.lit(f"{column} is not {kind}"))
        if required:
            said = said.when(text.isNull(), F.lit(f"{column} is missing"))
        breaches = F.when(said.isNull(), breaches).otherwise(F.array_append(breaches, said))
    rows = raw_customers.select("customer_id", breaches.alias("breaches"))
    return rows.where("cardinality(breaches) >= 1")


# %% [markdown]
# ## Good rows on, bad lines aside
#
# In 3.1 you read with mode `PERMISSIVE` and a column `_corrupt_record`. For files of others three of its habits matter. Here is a file with all of them: a whole line, a word in the place of a number, a number in quotation marks, an empty line, a line that is cut off, and
# a line in which nothing of the contract is.

# %%
arrive(
    "wednesday.json",
    '{"sku": "L1", "pieces": 38}\n{"sku": "L2", "pieces": "six"}\n{"sku": "L3", "pieces": "6"}\n'
    '\n{"sku": "L4", "pie\n{"note": "closed"}\n',
    folder="lamps",
)
STOCK = "sku STRING, pieces INT, _corrupt_record STRING"
shelf = spark.read.schema(STOCK).json(str(home / "lamps"))
shelf.show(truncate=False)
print("lines:", spark.read.text(str(home / "lamps")).count(), "rows:", shelf.count())

# %% [markdown]
# 1. One value that does not fit its type (`"six"`, and `"6"` too, since it is a text) puts the **whole line** into `_corrupt_record`. The other columns of the row are still filled in. So `_corrupt_record` says "something is wrong here", not "this is no JSON".
# 2. The **empty line is gone**. The JSON reader skips it: there are 6 lines and 5 rows. If you must account for every line, you cannot count with this reader.
# 3. The last line is perfectly good JSON, and its row has nothing but NULLs. A required column is a rule of yours, which no reader knows.
#
# And a query on `_corrupt_record` alone is refused, as you have seen in 3.1.

# %% [markdown]
# There is a way in which no line disappears and no query is refused: read the lines as **text**, and parse them with `from_json`, as in 1.3. It works as in mode `PERMISSIVE`. Put the column for bad lines into the schema, and its name into the options:

# %%
came = spark.read.text(str(home / "lamps"))
named = {"columnNameOfCorruptRecord": "bad_line"}
read = came.withColumn(
    "stock", F.from_json("value", "sku STRING, pieces INT, bad_line STRING", named)
)
read.select("value", "stock.sku", "stock.pieces", "stock.bad_line").show(truncate=False)

# %% [markdown]
# Six rows for six lines. For an empty line all columns are NULL, `bad_line` as well.
#
# The option can be left out when the column is called `_corrupt_record`. **Do not leave it out.** Without any option Spark takes a short cut: it parses only those fields for which the query asks. A query that asks for the bad lines alone then never looks at `pieces`, and does not notice that `"six"` is no number:

# %%
hurried = came.withColumn("stock", F.from_json("value", STOCK))
print("with the option:", read.filter("stock.bad_line IS NOT NULL").count(), "bad lines")
print("without:", hurried.filter("stock._corrupt_record IS NOT NULL").count(), "bad line")

# %% [markdown]
# If you separate rows, you write two outputs. The two conditions must be exact opposites, or a row falls between them: with `filter("stars > 3")` and `filter("stars <= 3")` a NULL is in neither. So compute **one** column, the reason, and ask for `IS NULL` and `IS NOT NULL`. These two are always
# opposites.
#
# ### Exercise 3.2.3: good rows on, bad lines aside
#
# `landing` holds files of orders, JSON lines. Write two folders of Parquet files:
#
# - `target`: the good rows, with the columns of `ORDER` (see the first code cell) and `source_file`, the name of the file
# - `quarantine`: the bad lines as `line` (the line as it came), `reason` and `source_file`
#
# Lines that are empty or consist of blanks are neither good nor bad; they are only counted. A line is bad for the first of these reasons that applies:
#
# | reason | when |
# |---|---|
# | `"not JSON"` | `try_parse_json` cannot read it (it also refuses an object that has a key twice, and overlooks what stands behind a complete object) |
# | `"does not fit"` | it is JSON, but `from_json` cannot read it with the schema `ORDER`: it is a list or a number and no object, or an integer column has a value of another type, such as a text (`"7"`) or a number with a fraction, or one that is too large |
# | `"no order_id"` | the object has no `order_id`, or it is null |
# | `"unknown channel"` | `channel` is none of `CHANNELS`, or null, or not there. (For `STRING` every value fits: it is taken as text) |
#
# Fields that `ORDER` does not have are left out. A line that came twice is written twice. Return a dictionary of four numbers: `lines` (all lines), `blank`, `loaded` (rows in `target`) and `quarantined`. The last three must add up to the first.


# %% answer="3.2.3" title="Good rows on, bad lines aside"
def split_feed(spark: SparkSession, landing: str, target: str, quarantine: str) -> dict:
    """Writes target (ORDER, source_file STRING) and quarantine (line, reason, source_file: STRING); returns the counts."""
    ### BEGIN SOLUTION
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    options = {"columnNameOfCorruptRecord": "broken"}
    parsed = F.from_json("value", f"{ORDER}, broken STRING", options)
    reason = (
        F.when(F.try_parse_json("value").isNull(), "not JSON")
        .when(F.col("parsed.broken").isNotNull(), "does not fit")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(F.col("parsed.channel").isin(*CHANNELS), None)
        .otherwise("unknown channel")
    )
    judged = lines.filter(F.trim("value") != "").withColumn("parsed", parsed)
    judged = judged.withColumn("reason", reason)
    good = judged.filter("reason IS NULL").select("parsed.*", "source_file")
    bad = judged.filter("reason IS NOT NULL")
    good.drop("broken").write.parquet(target)
    bad.select(F.col("value").alias("line"), "reason", "source_file").write.parquet(quarantine)
    counts = {
        "lines": lines.count(),
        "loaded": spark.read.parquet(target).count(),
        "quarantined": spark.read.parquet(quarantine).count(),
    }
    counts["blank"] = counts["lines"] - counts["loaded"] - counts["quarantined"]
    return counts
    ### END SOLUTION


# %% check="3.2.3" points=3
### BEGIN HIDDEN TESTS
import datetime as dt

odd_lines = (
    "   ", "", "nonsense", "[1, 2]", "42", "{}", '{"channel": "web"}', '{"order_id": "four", "channel": "web"}',
    '{"order_id": 1, "channel": "app"}', '{"order_id": 1, "channel": "app"}', '{"order_id": 4.5, "channel": "app"}',
    '{"order_id": 2, "customer_id": null, "channel": "store"}', '{"order_id": 3, "store_id": "S-7", "channel": "store"}', '{"order_id": 4, "chan',
    '{"order_id": null, "channel": "fax"}', '{"order_id": 5, "channel": "web", "basket": {"x": 1}}', '{"order_id": 6, "channel": 7}',
    '{"order_id": 7, "channel": null}', '{"order_id": 8}', '{"order_id": 9, "store_id": 3000000000, "channel": "web"}', '{"order_id": 10, "channel": "Web"}',
    "\t", '{"order_id": 11, "order_id": 12, "channel": "web"}',
)  # fmt: skip
moment = dt.datetime(2025, 3, 1, 6, tzinfo=dt.UTC)
variant(
    "3.2.3",
    "odd lines",
    "lines that are lists, numbers, empty objects or white space, or have a key twice",
    orders=variants.rows(
        *[(n, None, None, moment, "odd", "web", line) for n, line in enumerate(odd_lines)]
    ),
)
variant(
    "3.2.3",
    "all good",
    "a night on which every line is good",
    orders=variants.only("order_id % 5 = 1"),
)
### END HIDDEN TESTS
check(
    "3.2.3",
    split_feed,
    files={
        "given": {
            "landing": {
                "table": "orders",
                "format": "lines",
                "line": """CASE
                    WHEN status = 'odd' THEN discount_code
                    WHEN order_id % 80 = 0 THEN concat('{"order_id":', order_id, ',"chan')
                    WHEN order_id % 60 = 0 THEN to_json(named_struct('order_id', order_id, 'store_id', 'S-7', 'channel', channel))
                    WHEN order_id % 50 = 0 THEN to_json(named_struct('customer_id', customer_id, 'channel', channel))
                    WHEN order_id % 45 = 0 THEN to_json(named_struct('order_id', order_id, 'customer_id', customer_id, 'channel', 'fax'))
                    WHEN order_id % 35 = 0 THEN to_json(named_struct('order_id', order_id, 'customer_id', customer_id))
                    WHEN order_id % 25 = 0 THEN ''
                    ELSE to_json(named_struct('order_id', order_id, 'customer_id', customer_id, 'store_id', store_id, 'channel', channel)) END""",
                "name": "concat('orders-', year(order_ts), '.json')",
            }
        },
        "made": {"target": {}, "quarantine": {}},
        "returns": True,
    },
)

# %% [markdown] hints="3.2.3"
# 1. Each line must be somewhere, so read lines and parse them with `from_json`. Take the name of the file before anything else.
# 2. Leave out the blank lines, then make one column `reason` with a `when` chain that gives NULL for good rows.
# 3. The second reason is what the column for bad lines is for: it must be in the schema that you give to `from_json`, and its name in the options. The last two ask for columns of the parsed struct. What does `isin` give for NULL?
# 4. Count what is *in the folders*, by reading them, not what you meant to write. What is left of the lines was blank.


# %% wrong="3.2.3" because="What your function returns"
def split_feed(spark, landing, target, quarantine):
    schema = f"{ORDER}, _corrupt_record STRING"
    rows = spark.read.schema(schema).json(landing).select("*", "_metadata.file_name").cache()
    named = rows.withColumnRenamed("file_name", "source_file")
    good = named.filter("_corrupt_record IS NULL AND order_id IS NOT NULL AND channel <> 'fax'")
    bad = named.filter("_corrupt_record IS NOT NULL")
    good.drop("_corrupt_record").write.parquet(target)
    bad.selectExpr("_corrupt_record AS line", "'not JSON' AS reason", "source_file").write.parquet(
        quarantine
    )
    lines = spark.read.text(landing).count()
    loaded, quarantined = good.count(), bad.count()
    return {
        "lines": lines,
        "loaded": loaded,
        "quarantined": quarantined,
        "blank": lines - loaded - quarantined,
    }


# %% wrong="3.2.3" because="What your function returns"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    options = {"columnNameOfCorruptRecord": "broken"}
    parsed = F.from_json("value", f"{ORDER}, broken STRING", options)
    reason = (
        F.when(F.try_parse_json("value").isNull(), "not JSON")
        .when(F.col("parsed.broken").isNotNull(), "does not fit")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(~F.col("parsed.channel").isin(*CHANNELS), "unknown channel")
    )
    judged = lines.filter(F.trim("value") != "").withColumn("parsed", parsed)
    judged = judged.withColumn("reason", reason)
    good = judged.filter("reason IS NULL").select("parsed.*", "source_file")
    bad = judged.filter("reason IS NOT NULL")
    good.drop("broken").write.parquet(target)
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {"lines": lines.count(), "loaded": good.count(), "quarantined": bad.count()}
    return {**counts, "blank": lines.filter("trim(value) = ''").count()}


# %% wrong="3.2.3" because="What your function returns"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    options = {"columnNameOfCorruptRecord": "broken"}
    parsed = F.from_json("value", f"{ORDER}, broken STRING", options)
    reason = (
        F.when(F.try_parse_json("value").isNull(), "not JSON")
        .when(F.col("parsed.broken").isNotNull(), "does not fit")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(F.col("parsed.channel").isin(*CHANNELS), None)
        .otherwise("unknown channel")
    )
    judged = lines.withColumn("parsed", parsed).withColumn("reason", reason)
    good = judged.filter("reason IS NULL").select("parsed.*", "source_file")
    bad = judged.filter("reason IS NOT NULL")
    good.drop("broken").write.parquet(target)
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {"lines": lines.count(), "loaded": good.count(), "quarantined": bad.count()}
    return {**counts, "blank": lines.filter("trim(value) = ''").count()}


# %% wrong="3.2.3" because="`quarantine`"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    options = {"columnNameOfCorruptRecord": "broken"}
    parsed = F.from_json("value", f"{ORDER}, broken STRING", options)
    reason = (
        F.when(F.try_parse_json("value").isNull(), "not JSON")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(F.col("parsed.broken").isNotNull(), "does not fit")
        .when(F.col("parsed.channel").isin(*CHANNELS), None)
        .otherwise("unknown channel")
    )
    judged = lines.filter(F.trim("value") != "").withColumn("parsed", parsed)
    judged = judged.withColumn("reason", reason)
    good = judged.filter("reason IS NULL").select("parsed.*", "source_file")
    bad = judged.filter("reason IS NOT NULL")
    good.drop("broken").write.parquet(target)
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {"lines": lines.count(), "loaded": good.count(), "quarantined": bad.count()}
    return {**counts, "blank": lines.filter("trim(value) = ''").count()}


# %% wrong="3.2.3" because="on hidden data"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    misfit = F.col("parsed.store_id").isNull() & F.col("value").contains('"store_id"')
    reason = (
        F.when(F.try_parse_json("value").isNull(), "not JSON")
        .when(misfit, "does not fit")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(F.col("parsed.channel").isin(*CHANNELS), None)
        .otherwise("unknown channel")
    )
    judged = lines.filter(F.trim("value") != "").withColumn("parsed", F.from_json("value", ORDER))
    judged = judged.withColumn("reason", reason)
    good = judged.filter("reason IS NULL").select("parsed.*", "source_file")
    bad = judged.filter("reason IS NOT NULL")
    good.write.parquet(target)
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {"lines": lines.count(), "loaded": good.count(), "quarantined": bad.count()}
    return {**counts, "blank": lines.filter("trim(value) = ''").count()}


# %% wrong="3.2.3" because="What your function returns is not right"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    parsed = F.from_json("value", f"{ORDER}, _corrupt_record STRING")
    reason = (
        F.when(F.try_parse_json("value").isNull(), "not JSON")
        .when(F.col("parsed._corrupt_record").isNotNull(), "does not fit")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(F.col("parsed.channel").isin(*CHANNELS), None)
        .otherwise("unknown channel")
    )
    judged = lines.filter(F.trim("value") != "").withColumn("parsed", parsed)
    judged = judged.withColumn("reason", reason)
    good = judged.filter("reason IS NULL").select("parsed.*", "source_file")
    bad = judged.filter("reason IS NOT NULL")
    good.drop("_corrupt_record").write.parquet(target)
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {
        "lines": lines.count(),
        "loaded": spark.read.parquet(target).count(),
        "quarantined": spark.read.parquet(quarantine).count(),
    }
    return {**counts, "blank": lines.filter("trim(value) = ''").count()}


# %% wrong="3.2.3" because="a night on which every line is good"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    options = {"columnNameOfCorruptRecord": "broken"}
    parsed = F.from_json("value", f"{ORDER}, broken STRING", options)
    reason = (
        F.when(F.trim("value") == "", "blank")
        .when(F.try_parse_json("value").isNull(), "not JSON")
        .when(F.col("parsed.broken").isNotNull(), "does not fit")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(F.col("parsed.channel").isin(*CHANNELS), "good")
        .otherwise("unknown channel")
    )
    judged = lines.withColumn("parsed", parsed).withColumn("reason", reason).cache()
    good = judged.filter("reason = 'good'").select("parsed.*", "source_file")
    bad = judged.filter("reason NOT IN ('good', 'blank')")
    good.drop("broken").write.parquet(target)
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {row["reason"]: row["count"] for row in judged.groupBy("reason").count().collect()}
    lines, loaded, blank = sum(counts.values()), counts["good"], counts["blank"]
    return {
        "lines": lines,
        "blank": blank,
        "loaded": loaded,
        "quarantined": lines - blank - loaded,
    }


# %% wrong="3.2.3" because="white space"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    options = {"columnNameOfCorruptRecord": "broken"}
    parsed = F.from_json("value", f"{ORDER}, broken STRING", options)
    reason = (
        F.when(F.try_parse_json("value").isNull(), "not JSON")
        .when(F.col("parsed.broken").isNotNull(), "does not fit")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(F.col("parsed.channel").isin(*CHANNELS), None)
        .otherwise("unknown channel")
    )
    blank = F.col("value").rlike(r"^\s*$")
    judged = lines.filter(~blank).withColumn("parsed", parsed).withColumn("reason", reason)
    good = judged.filter("reason IS NULL").select("parsed.*", "source_file")
    bad = judged.filter("reason IS NOT NULL")
    good.drop("broken").write.parquet(target)
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {"lines": lines.count(), "loaded": good.count(), "quarantined": bad.count()}
    return {**counts, "blank": lines.filter(blank).count()}


# %% wrong="3.2.3" because="a key twice"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select(
        "value", F.col("_metadata.file_name").alias("source_file")
    )
    options = {"columnNameOfCorruptRecord": "broken"}
    parsed = F.from_json("value", f"{ORDER}, broken STRING", options)
    reason = (
        F.when(F.get_json_object("value", "$").isNull(), "not JSON")
        .when(F.col("parsed.broken").isNotNull(), "does not fit")
        .when(F.col("parsed.order_id").isNull(), "no order_id")
        .when(F.col("parsed.channel").isin(*CHANNELS), None)
        .otherwise("unknown channel")
    )
    judged = lines.filter(F.trim("value") != "").withColumn("parsed", parsed)
    judged = judged.withColumn("reason", reason)
    good = judged.filter("reason IS NULL").select("parsed.*", "source_file")
    bad = judged.filter("reason IS NOT NULL")
    good.drop("broken").write.parquet(target)
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {"lines": lines.count(), "loaded": good.count(), "quarantined": bad.count()}
    return {**counts, "blank": lines.filter("trim(value) = ''").count()}


# %% wrong="3.2.3" because="a key twice"
def split_feed(spark, landing, target, quarantine):
    schema = f"{ORDER}, _corrupt_record STRING"
    rows = spark.read.schema(schema).json(landing)
    rows = rows.select("*", F.col("_metadata.file_name").alias("source_file")).cache()
    fits = rows.filter("_corrupt_record IS NULL AND order_id IS NOT NULL")
    good = fits.filter(F.col("channel").isin("web", "app", "store")).drop("_corrupt_record")
    good.write.parquet(target)
    lines = spark.read.text(landing).select("value", "_metadata.file_name")
    parsed = lines.filter("trim(value) <> ''").selectExpr(
        "value AS line",
        "file_name AS source_file",
        f"""from_json(value, '{ORDER}, bad STRING', map('columnNameOfCorruptRecord', 'bad')) AS r""",
    )
    judged = parsed.selectExpr(
        "line",
        """CASE WHEN try_parse_json(line) IS NULL THEN 'not JSON'
                WHEN r.bad IS NOT NULL THEN 'does not fit'
                WHEN r.order_id IS NULL THEN 'no order_id'
                WHEN r.channel IS NULL OR r.channel NOT IN ('web', 'app', 'store')
                THEN 'unknown channel' END AS reason""",
        "source_file",
    )
    bad = judged.dropna(subset=["reason"])
    bad.write.parquet(quarantine)
    blank = lines.filter(F.trim("value") == "").count()
    found = {"loaded": good.count(), "quarantined": bad.count(), "blank": blank}
    return {**found, "lines": lines.count()}


# %% right="3.2.3"
def split_feed(spark, landing, target, quarantine):
    lines = spark.read.text(landing).select("value", "_metadata.file_name")
    judged = lines.filter("trim(value) <> ''").selectExpr(
        "value AS line",
        "file_name AS source_file",
        f"""from_json(value, '{ORDER}, bad STRING', map('columnNameOfCorruptRecord', 'bad')) AS r""",
        """CASE WHEN try_parse_json(line) IS NULL THEN 'not JSON'
                WHEN r.bad IS NOT NULL THEN 'does not fit'
                WHEN r.order_id IS NULL THEN 'no order_id'
                WHEN r.channel IS NULL OR r.channel NOT IN ('web', 'app', 'store')
                THEN 'unknown channel' END AS reason""",
    )
    bad = judged.dropna(subset=["reason"]).drop("r").cache()
    good = judged.where("reason IS NULL").select("r.*", "source_file").drop("bad").cache()
    good.write.parquet(target)
    bad.write.parquet(quarantine)
    blank = lines.filter(F.trim("value") == "").count()
    found = {"loaded": good.count(), "quarantined": bad.count(), "blank": blank}
    return {**found, "lines": lines.count()}


# %% right="3.2.3"
def split_feed(spark, landing, target, quarantine):
    spark.read.text(landing).select("value", "_metadata.file_name").createOrReplaceTempView("came")
    judged = spark.sql(f"""
        SELECT *, CASE WHEN trim(value) = '' THEN 'blank'
                       WHEN try_parse_json(value) IS NULL THEN 'not JSON'
                       WHEN r.bad IS NOT NULL THEN 'does not fit'
                       WHEN r.order_id IS NULL THEN 'no order_id'
                       WHEN array_contains(array('app', 'store', 'web'), r.channel) THEN 'good'
                       ELSE 'unknown channel' END AS reason
        FROM (SELECT value, file_name AS source_file,
                     from_json(value, '{ORDER}, bad STRING', map('columnNameOfCorruptRecord', 'bad')) AS r
              FROM came)
    """).cache()
    good = judged.filter("reason = 'good'")
    good.selectExpr(
        "r.order_id", "r.customer_id", "r.store_id", "r.channel", "source_file"
    ).write.parquet(target)
    bad = judged.filter("reason NOT IN ('good', 'blank')")
    bad.selectExpr("value AS line", "reason", "source_file").write.parquet(quarantine)
    counts = {row["reason"]: row["count"] for row in judged.groupBy("reason").count().collect()}
    loaded, blank = counts.pop("good", 0), counts.pop("blank", 0)
    quarantined = sum(counts.values())
    lines = loaded + blank + quarantined
    return {"lines": lines, "blank": blank, "loaded": loaded, "quarantined": quarantined}


# %% [markdown]
# ## When the columns change: schema drift
#
# Sooner or later a partner adds a column, renames one, or sends a number as text. That is **schema drift**, and the dangerous kinds are those that raise no error. CSV goes by position, so swapped columns are not even noticed (3.1). **JSON goes by name**: a field that the schema does not have is skipped, and a field that is no
# longer there under its old name is NULL. Both happen silently:

# %%
arrive("1.json", '{"sku": "L1", "pieces": 38}\n{"sku": "L5", "pie\n', folder="drift")
arrive("2.json", '{"sku": "L2", "quantity": 5, "shelf": "A"}\n', folder="drift")
arrive("3.json", '{"sku": "L3", "pieces": "a dozen"}\n', folder="drift")
spark.read.schema("sku STRING, pieces INT").json(str(home / "drift")).orderBy("sku").show()

# %% [markdown]
# Of `L2` the shop has five pieces, and the table says NULL, as it does for two others, each for another reason. So look at each **file** before you trust its rows. What is in a file can be asked without a schema: as VARIANT, from 1.3. `variant_explode` makes a row of each field, and `schema_of_variant` names the type of a value.
# A line that is cut off says nothing about columns; `try_parse_json` makes it NULL, and it has no fields.

# %%
documents = spark.read.text(str(home / "drift")).select(
    F.col("_metadata.file_name").alias("file"), F.try_parse_json("value").alias("doc")
)
documents.createOrReplaceTempView("documents")
found = spark.sql("""
    SELECT DISTINCT file, entry.key AS field, schema_of_variant(entry.value) AS type
    FROM documents, LATERAL variant_explode(doc) AS entry
""")
found.orderBy("file", "field").show()

# %% [markdown]
# (The name of the file is taken along as an ordinary column, because a view has no `_metadata` any more.)
#
# That is what *is there*. What *should be there* is each file with each column of the contract: a cross join of two small tables. A full join of both loses nothing, and each kind of drift is a kind of row: one that only the files have, one that only the contract has, or one with two types that differ.

# %%
agreed = spark.createDataFrame(
    [("sku", "STRING"), ("pieces", "BIGINT")], "field STRING, agreed STRING"
)
due = documents.select("file").distinct().crossJoin(agreed)
change = (
    F.when(F.col("agreed").isNull(), "new")
    .when(F.col("type").isNull(), "missing")
    .when(F.col("type") != F.col("agreed"), "type")
)
compared = due.join(found, ["file", "field"], "full").withColumn("change", change)
compared.filter("change IS NOT NULL").orderBy("file", "field").show()

# %% [markdown]
# This is a report for the partners, made before a single row is loaded. (A file without any readable line misses every column: `due` knows it, since its rows come from the names of the files.)

# %% [markdown]
# ## Rescue what has no column
#
# Two answers to drift are common, and both are bad: refuse the whole file, or load it and lose what is new. Between them lies a third. Load the columns that you know, and keep **everything else** in one extra column. On the day the contract is changed, the
# values of the last months are there. This is called a **rescued data column**.
#
# Its natural type is a map from the name of a field to its value as text. `from_json` makes one of any object, and takes everything that is inside as text; fields that are objects themselves become JSON text. (A line that is cut off gives no map but NULL.) A map has its own functions: `m["name"]` gives a value, or NULL
# if there is no such key, and `F.map_filter` keeps the entries for which a condition on key and value holds:

# %%
fields = spark.read.text(str(home / "drift")).select(
    F.from_json("value", "MAP<STRING, STRING>").alias("m")
)
fields.select(
    F.col("m")["sku"].alias("sku"),
    F.map_filter("m", lambda key, value: F.length(key) > 3).alias("long names"),
).orderBy("sku").show(truncate=False)

# %% [markdown]
# The condition may use other columns of the row. So an entry can be rescued for either of two reasons: its key is not in the contract, or its value did not survive the cast to the type of the contract. The second kind matters as much: if `"a dozen"` becomes NULL, the
# rescued column is the only place where it is still written.
#
# ### Exercise 3.2.4: two versions, one table
#
# `landing` holds files of orders, and every line is a JSON object. Not all branches keep to `ORDER`: some use other names, some send more. Return one row per line with the columns of `ORDER` and `rescued`:
#
# - Values become the types of `ORDER` with `try_cast`; a number in quotation marks is a number. What does not fit is NULL. A field that is not in the line is NULL, too. (No field in the files is null.)
# - `channel` is called `source` in some files. It is the same thing, and goes into `channel`. No line has both.
# - `rescued` has every field that has no column (`source` has one), and every field whose value does not fit its type. It is NULL when there is nothing to rescue.


# %% answer="3.2.4" title="Two versions, one table"
def both_versions(spark: SparkSession, landing: str) -> DataFrame:
    """(order_id BIGINT or NULL, customer_id BIGINT or NULL, store_id INT or NULL, channel STRING, rescued MAP<STRING, STRING> or NULL), one row per line."""
    ### BEGIN SOLUTION
    fields = spark.read.text(landing).select(F.from_json("value", "MAP<STRING, STRING>").alias("f"))
    typed = fields.select(
        "f",
        F.col("f")["order_id"].try_cast("bigint").alias("order_id"),
        F.col("f")["customer_id"].try_cast("bigint").alias("customer_id"),
        F.col("f")["store_id"].try_cast("int").alias("store_id"),
        F.coalesce(F.col("f")["channel"], F.col("f")["source"]).alias("channel"),
    )

    def lost(name, value):
        known = F.lit(False)
        for column in ("order_id", "customer_id", "store_id"):
            known = known | ((name == column) & F.col(column).isNotNull())
        return ~(known | name.isin("channel", "source"))

    rest = F.map_filter("f", lost)
    rescued = F.when(F.size(rest) > 0, rest)
    return typed.withColumn("rescued", rescued).drop("f")
    ### END SOLUTION


# %% check="3.2.4" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.2.4",
    "strange numbers",
    "orders with numbers that are too large for their type, or negative",
    orders=variants.replaced(
        order_id=F.expr("if(order_id % 7 = 0, 9000000000 + order_id, order_id)"),
        customer_id=F.expr(
            "CASE order_id % 3 WHEN 0 THEN 9000000000 + order_id WHEN 1 THEN -customer_id ELSE customer_id END"
        ),
        store_id=F.expr("if(order_id % 4 = 0, 2147483647, store_id)"),
    ),
)
### END HIDDEN TESTS
check(
    "3.2.4",
    both_versions,
    files={
        "given": {
            "landing": {
                "table": "orders",
                "format": "lines",
                "line": """CASE
                    WHEN order_ts < '2024-07-01'
                        THEN to_json(named_struct('order_id', order_id, 'customer_id', customer_id, 'store_id', store_id, 'channel', channel))
                    WHEN order_ts < '2025-01-01'
                        THEN to_json(named_struct('order_id', if(order_id % 45 = 0, concat('R-', order_id), string(order_id)), 'customer_id', customer_id, 'store_id', store_id + 3L, 'channel', channel,
                                                  'app_version', if(channel = 'app', 2.5, NULL)))
                    WHEN order_ts < '2025-07-01'
                        THEN to_json(named_struct('order_id', order_id, 'customer_id', coalesce(string(customer_id), 'guest'),
                                                  'store_id', store_id, 'source', channel))
                    ELSE to_json(named_struct('order_id', order_id, 'customer_id', customer_id, 'store_id', concat('S-', store_id),
                                              'channel', channel, 'basket', named_struct('code', discount_code)))
                    END""",
                "name": "concat('orders-', year(order_ts), '-', if(month(order_ts) < 7, 'a', 'b'), '.json')",
            }
        },
        "returns": True,
    },
)

# %% [markdown] equivalent="3.2.4" because="No line has both names, and a list of names has no order."
# - swap arguments: F.coalesce(F.col('f')['channel'], F.col('f')['source']) → F.coalesce(F.col('f')['source'], F.col('f')['channel'])
# - swap arguments: name.isin('channel', 'source') → name.isin('source', 'channel')

# %% [markdown] hints="3.2.4"
# 1. Make a map of each line. Then each column is a `try_cast` of one entry of the map, and `channel` takes the first of two entries that is there.
# 2. Rescue is a filter on the same map. Which keys are never rescued? Which are rescued only when the column next to it is NULL?
# 3. The function in `F.map_filter` may use `F.col("store_id")` beside `key` and `value`. An empty map is not NULL: `F.when` with `F.size`.


# %% wrong="3.2.4" because="`rescued`"
def both_versions(spark, landing):
    fields = spark.read.text(landing).select(F.from_json("value", "MAP<STRING, STRING>").alias("f"))
    typed = fields.selectExpr(
        "f",
        "try_cast(f['order_id'] AS BIGINT) AS order_id",
        "try_cast(f['customer_id'] AS BIGINT) AS customer_id",
        "try_cast(f['store_id'] AS INT) AS store_id",
        "coalesce(f['channel'], f['source']) AS channel",
    )
    names = ["order_id", "customer_id", "store_id", "channel", "source"]
    rest = F.map_filter("f", lambda name, value: ~name.isin(names))
    return typed.withColumn("rescued", F.when(F.size(rest) > 0, rest)).drop("f")


# %% wrong="3.2.4" because="`store_id`"
def both_versions(spark, landing):
    rows = spark.read.text(landing).select(
        F.from_json("value", f"{ORDER}, source STRING").alias("r"),
        F.from_json("value", "MAP<STRING, STRING>").alias("f"),
    )
    names = ["order_id", "customer_id", "store_id", "channel", "source"]
    rest = F.map_filter("f", lambda name, value: ~name.isin(names))
    return rows.select(
        "r.order_id",
        "r.customer_id",
        F.regexp_extract(F.col("f")["store_id"], "[0-9]+", 0).cast("int").alias("store_id"),
        F.coalesce("r.channel", "r.source").alias("channel"),
        F.when(F.size(rest) > 0, rest).alias("rescued"),
    )


# %% wrong="3.2.4" because="CAST_INVALID_INPUT"
def both_versions(spark, landing):
    fields = spark.read.text(landing).select(F.from_json("value", "MAP<STRING, STRING>").alias("f"))
    f = F.col("f")
    rest = F.map_filter("f", lambda name, value: ~name.isin("order_id", "channel", "source"))
    return fields.select(
        f["order_id"].cast("bigint").alias("order_id"),
        f["customer_id"].cast("bigint").alias("customer_id"),
        f["store_id"].cast("int").alias("store_id"),
        F.coalesce(f["channel"], f["source"]).alias("channel"),
        F.when(F.size(rest) > 0, rest).alias("rescued"),
    )


# %% wrong="3.2.4" because="`rescued`"
def both_versions(spark, landing):
    fields = spark.read.text(landing).select(F.from_json("value", "MAP<STRING, STRING>").alias("f"))
    typed = fields.selectExpr(
        "f",
        "try_cast(f['order_id'] AS BIGINT) AS order_id",
        "try_cast(f['customer_id'] AS BIGINT) AS customer_id",
        "try_cast(f['store_id'] AS INT) AS store_id",
        "coalesce(f['channel'], f['source']) AS channel",
    )
    rescued = F.expr("""map_filter(f, (name, value) -> name NOT IN ('order_id', 'customer_id', 'store_id', 'channel', 'source')
                                      OR name = 'customer_id' AND customer_id IS NULL
                                      OR name = 'store_id' AND store_id IS NULL)""")
    return typed.withColumn("rescued", rescued).drop("f")


# %% wrong="3.2.4" because="too large for their type"
def both_versions(spark, landing):
    fields = spark.read.text(landing).select(F.from_json("value", "MAP<STRING, STRING>").alias("f"))
    f = F.col("f")

    def number(name, kind):
        return F.when(f[name].rlike("^[0-9]+$"), f[name]).try_cast(kind).alias(name)

    rest = F.map_filter(
        "f",
        lambda name, value: (
            ~name.isin("order_id", "customer_id", "store_id", "channel", "source")
            | (name.isin("order_id", "customer_id", "store_id") & ~value.rlike("^[0-9]+$"))
        ),
    )
    return fields.select(
        number("order_id", "bigint"),
        number("customer_id", "bigint"),
        number("store_id", "int"),
        F.coalesce(f["channel"], f["source"]).alias("channel"),
        F.when(F.size(rest) > 0, rest).alias("rescued"),
    )


# %% wrong="3.2.4" because="or negative"
def both_versions(spark, landing):
    fields = spark.read.text(landing).select(F.from_json("value", "MAP<STRING, STRING>").alias("f"))
    f = F.col("f")
    kinds = {"order_id": "bigint", "customer_id": "bigint", "store_id": "int"}
    numbers = {
        name: F.when(f[name].rlike("^[0-9]+$"), f[name]).try_cast(kind)
        for name, kind in kinds.items()
    }
    typed = fields.withColumns({**numbers, "channel": F.coalesce(f["channel"], f["source"])})
    rescued = F.expr("""map_filter(f, (name, value) -> name NOT IN ('order_id', 'customer_id', 'store_id', 'channel', 'source')
                                      OR name = 'order_id' AND order_id IS NULL
                                      OR name = 'customer_id' AND customer_id IS NULL
                                      OR name = 'store_id' AND store_id IS NULL)""")
    return typed.withColumn("rescued", F.when(F.size(rescued) > 0, rescued)).drop("f")


# %% right="3.2.4"
def both_versions(spark, landing):
    fields = spark.read.text(landing).selectExpr("from_json(value, 'MAP<STRING, STRING>') AS f")
    fields.createOrReplaceTempView("fields_of_orders")
    return spark.sql("""
        SELECT order_id, customer_id, store_id, channel, if(cardinality(rest) = 0, NULL, rest) AS rescued
        FROM (SELECT *, map_filter(f, (k, v) -> CASE k WHEN 'order_id' THEN order_id IS NULL
                                                       WHEN 'customer_id' THEN customer_id IS NULL
                                                       WHEN 'store_id' THEN store_id IS NULL
                                                       WHEN 'channel' THEN false WHEN 'source' THEN false ELSE true END) AS rest
              FROM (SELECT f, try_cast(f['order_id'] AS BIGINT) AS order_id, try_cast(f['customer_id'] AS BIGINT) AS customer_id,
                           try_cast(f['store_id'] AS INT) AS store_id, coalesce(f['channel'], f['source']) AS channel
                    FROM fields_of_orders))
    """)


# %% right="3.2.4"
def both_versions(spark, landing):
    f = F.col("f")
    fields = spark.read.text(landing).select(F.from_json("value", "MAP<STRING, STRING>").alias("f"))
    typed = fields.select(
        "f",
        F.expr("try_cast(f['order_id'] AS BIGINT) AS order_id"),
        F.expr("try_cast(f['customer_id'] AS BIGINT) AS customer_id"),
        F.expr("try_cast(f['store_id'] AS INT) AS store_id"),
        F.ifnull(f["channel"], f["source"]).alias("channel"),
    )
    fits = F.array_compact(
        F.array(
            F.lit("channel"),
            F.lit("source"),
            *[F.when(F.col(c).isNotNull(), c) for c in ("order_id", "customer_id", "store_id")],
        )
    )
    rest = F.map_filter("f", lambda name, value: ~F.array_contains(fits, name))
    return typed.withColumn("rescued", F.when(F.cardinality(rest) != 0, rest)).drop("f")


# %% [markdown]
# ## Once, and only once: a log of files
#
# The job runs every night, and sometimes twice, because somebody was not sure that it ran. A job is **idempotent** if a second run changes nothing. For a job that loads files this means: it must know which files it has had. Two things help.
#
# **Move what you have loaded.** What is still in `landing` is new; the rest is in `processed`. That is simple and easy to see, but not enough alone. A partner who is not sure that a file arrived sends it again, and then it is in `landing` once more, perhaps under another name.
#
# **Write a log.** One row per file: what came, and what became of it. Before a file is loaded, the job looks it up. But by what does one recognise a file? Its name is what the partner says. Its **checksum** is what it is: `sha256` computes 64 hexadecimal digits from the bytes, and two
# files with the same digits have the same content, for all practical purposes.

# %%
arrive("thursday.json", '{"sku": "L1", "pieces": 31}\n', folder="again")
arrive("thursday (1).json", '{"sku": "L1", "pieces": 31}\n', folder="again")
arrive("friday.json", '{"sku": "L1", "pieces": 30}\n', folder="again")
for file in sorted((home / "again").iterdir()):
    print(hashlib.sha256(file.read_bytes()).hexdigest()[:16], file.name)

# %% [markdown]
# The log is a table like any other. Python rows become a DataFrame, and `append` adds to what is there. Only in the first night there is nothing to read yet:

# %%
notes = home / "notes"
seen = spark.read.parquet(str(notes)).count() if notes.exists() else 0
print("rows before:", seen)
first_night = [("thursday.json", "new"), ("friday.json", "new")]
spark.createDataFrame(first_night, "name STRING, state STRING").write.mode("append").parquet(
    str(notes)
)
spark.read.parquet(str(notes)).orderBy("name").show()

# %% [markdown]
# A run has three steps: **1** write the rows, **2** write the log, **3** move the file. The machine may die between any two of them, and then the next run finds half of the work. What does it do?
#
# | the job died | the next run finds | and then |
# |---|---|---|
# | before step 1 | the file in `landing`, no log entry | loads it: right |
# | after 1, the rows | the file in `landing`, no log entry | loads it **again**: rows are doubled |
# | after 2, the log | the file in `landing`, a log entry | does not load it, moves it: right |
#
# With the log before the rows, the middle line would be the other mistake: an entry without rows, and the file would never be loaded. No order of two separate writes is safe. There are two ways out: write rows in such a way that a second time replaces the first (a folder of its own for each file, or
# `MERGE`, which 3.3 explains), or let one system keep rows and log together, which is what the next section does. For now remember the order, since rows that are there twice can at least be found: they have the same `source_file`.
#
# ### Exercise 3.2.5: take each file in once
#
# `landing` holds files of orders, JSON lines that all fit `ORDER`. Your function is called several times, and new files arrive in between. In each run, for every file in `landing`, **in the order of names**:
#
# - A file whose content was loaded before, in an earlier run or earlier in this one, has the status `"duplicate"`. Its rows are not loaded.
# - Any other file has the status `"loaded"`. Its rows are **added** to `target` (Parquet): the columns of `ORDER` and `source_file`.
# - Add a row to `log` (Parquet): `file` (the name), `sha256` (the 64 digits) and `status`.
# - Finally, `move` the file to `processed`, under the same name. `move` is in the first code cell.
#
# `target`, `log` and `processed` are paths at which nothing is before the first run. A run that finds no file changes nothing. No two files have the same name.


# %% answer="3.2.5" title="Take each file in once"
def take_in(spark: SparkSession, landing: str, target: str, log: str, processed: str) -> None:
    """Loads new files to target (ORDER, source_file STRING), notes them in log (file, sha256, status: STRING) and moves them."""
    ### BEGIN SOLUTION
    known = set()
    if Path(log).exists():
        known = {entry.sha256 for entry in spark.read.parquet(log).collect()}
    entries, new, arrived = [], [], sorted(Path(landing).iterdir())
    for path in arrived:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in known:
            new.append(str(path))
        entries.append((path.name, digest, "duplicate" if digest in known else "loaded"))
        known.add(digest)
    if new:
        orders = spark.read.schema(ORDER).json(new)
        named = orders.select("*", F.col("_metadata.file_name").alias("source_file"))
        named.write.mode("append").parquet(target)
    if entries:
        noted = spark.createDataFrame(entries, "file STRING, sha256 STRING, status STRING")
        noted.write.mode("append").parquet(log)
    for path in arrived:
        move(path, processed)
    ### END SOLUTION


# %% check="3.2.5" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.2.5",
    "copies only",
    "a night on which only a file arrives that was there before",
    orders=variants.only("order_ts < '2024-07-01'"),
    script=["run", "feed 1", "run", "feed rest", "run"],
)
variant(
    "3.2.5",
    "many copies",
    "a night on which many files arrive twice",
    orders=variants.replaced(status=F.lit("many copies")),
    script=["feed rest", "run"],
)
### END HIDDEN TESTS
check(
    "3.2.5",
    take_in,
    deadline=120,
    arguments={"script": ["feed 3", "run", "run", "feed rest", "run"]},
    files={
        "given": {
            "landing": {
                "table": "orders",
                "format": "lines",
                "select": [
                    "*",
                    "explode(CASE WHEN status = 'many copies' THEN array(concat('orders-', order_id % 6), concat('sent-again-', order_id % 6))"
                    " WHEN order_ts < '2024-07-01' THEN array('orders-2024-1', 'sent-again')"
                    " WHEN order_ts < '2025-01-01' THEN array('orders-2024-2', 'orders-2024-2b') ELSE array('orders-2025') END) AS file",
                ],
                "line": "to_json(named_struct('order_id', order_id, 'customer_id', customer_id, 'store_id', store_id, 'channel', channel))",
                "name": "concat(file, '.json')",
                "modified": [
                    "2025-06-05 00:00:00",
                    "2025-06-04 00:00:00",
                    "2025-06-03 00:00:00",
                    "2025-06-02 00:00:00",
                    "2025-06-01 00:00:00",
                ],
                "stays": True,
            }
        },
        "made": {
            "target": {"key": ["order_id"]},
            "log": {"key": ["file"]},
            "processed": {"format": "lines", "content": False, "names": True},
        },
    },
)

# %% [markdown] hints="3.2.5"
# 1. Begin with what is known: the set of checksums in the log, which is empty in the first night.
# 2. Walk through `sorted(Path(landing).iterdir())`. For each file compute the checksum, decide, note it, and add the checksum to the set, so that a copy in the same night is recognised.
# 3. Spark reads a list of paths at once. Write rows, then the log, both with `append`; then move. A reader does not like an empty list, so ask first.
# 4. Rows must be written before their file is moved: Spark reads late, when it writes.


# %% wrong="3.2.5" because="`status` is wrong"
def take_in(spark, landing, target, log, processed):
    entries, seen, arrived = [], set(), sorted(Path(landing).iterdir())
    for path in arrived:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        status = "duplicate" if digest in seen else "loaded"
        seen.add(digest)
        entries.append((path.name, digest, status))
    new = [f"{landing}/{name}" for name, _, status in entries if status == "loaded"]
    if new:
        orders = spark.read.schema(ORDER).json(new)
        orders.select("*", F.col("_metadata.file_name").alias("source_file")).write.mode(
            "append"
        ).parquet(target)
    if entries:
        spark.createDataFrame(entries, "file STRING, sha256 STRING, status STRING").write.mode(
            "append"
        ).parquet(log)
    for path in arrived:
        move(path, processed)


# %% wrong="3.2.5" because="`status` is wrong"
def take_in(spark, landing, target, log, processed):
    known = set()
    if Path(log).exists():
        known = {entry.sha256 for entry in spark.read.parquet(log).collect()}
    arrived = sorted(Path(landing).iterdir())
    entries = []
    for path in arrived:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entries.append((path.name, digest, "duplicate" if digest in known else "loaded"))
    new = [f"{landing}/{name}" for name, _, status in entries if status == "loaded"]
    if new:
        orders = spark.read.schema(ORDER).json(new)
        orders.select("*", F.col("_metadata.file_name").alias("source_file")).write.mode(
            "append"
        ).parquet(target)
    if entries:
        spark.createDataFrame(entries, "file STRING, sha256 STRING, status STRING").write.mode(
            "append"
        ).parquet(log)
    for path in arrived:
        move(path, processed)


# %% wrong="3.2.5" because="`status` is wrong"
def take_in(spark, landing, target, log, processed):
    known = set()
    if Path(log).exists():
        known = {entry.file for entry in spark.read.parquet(log).collect()}
    for path in sorted(Path(landing).iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        status = "duplicate" if path.name in known else "loaded"
        if status == "loaded":
            orders = spark.read.schema(ORDER).json(str(path))
            orders.select("*", F.lit(path.name).alias("source_file")).write.mode("append").parquet(
                target
            )
        row = [(path.name, digest, status)]
        spark.createDataFrame(row, "file STRING, sha256 STRING, status STRING").write.mode(
            "append"
        ).parquet(log)
        move(path, processed)


# %% wrong="3.2.5" because="`landing`"
def take_in(spark, landing, target, log, processed):
    known, noted = set(), set()
    if Path(log).exists():
        entries = spark.read.parquet(log).collect()
        known, noted = {entry.sha256 for entry in entries}, {entry.file for entry in entries}
    for path in sorted(Path(landing).iterdir()):
        if path.name in noted:
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        status = "duplicate" if digest in known else "loaded"
        known.add(digest)
        if status == "loaded":
            orders = spark.read.schema(ORDER).json(str(path))
            orders.select("*", F.lit(path.name).alias("source_file")).write.mode("append").parquet(
                target
            )
        row = [(path.name, digest, status)]
        spark.createDataFrame(row, "file STRING, sha256 STRING, status STRING").write.mode(
            "append"
        ).parquet(log)
        Path(processed).mkdir(exist_ok=True)
        (Path(processed) / path.name).write_bytes(path.read_bytes())


# %% wrong="3.2.5" because="a night on which only a file arrives that was there before"
def take_in(spark, landing, target, log, processed):
    known = set()
    if Path(log).exists():
        known = {entry.sha256 for entry in spark.read.parquet(log).collect()}
    entries, new, arrived = [], [], sorted(Path(landing).iterdir())
    for path in arrived:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in known:
            new.append(str(path))
        entries.append((path.name, digest, "duplicate" if digest in known else "loaded"))
        known.add(digest)
    if not new:
        return
    orders = spark.read.schema(ORDER).json(new)
    orders.select("*", F.col("_metadata.file_name").alias("source_file")).write.mode(
        "append"
    ).parquet(target)
    spark.createDataFrame(entries, "file STRING, sha256 STRING, status STRING").write.mode(
        "append"
    ).parquet(log)
    for path in arrived:
        move(path, processed)


# %% wrong="3.2.5" because="rows are missing"
def take_in(spark, landing, target, log, processed):
    known = set()
    if Path(log).exists():
        known = {entry.sha256 for entry in spark.read.parquet(log).collect()}
    rows = []
    for path in sorted(Path(landing).iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        status = "duplicate" if digest in known else "loaded"
        known.add(digest)
        if status == "loaded":
            orders = spark.read.schema(ORDER).json(str(path))
            orders.select("*", F.lit(path.name).alias("source_file")).write.mode(
                "overwrite"
            ).parquet(target)
        rows.append((path.name, digest, status))
        move(path, processed)
    if rows:
        spark.createDataFrame(rows, "file STRING, sha256 STRING, status STRING").write.mode(
            "append"
        ).parquet(log)


# %% wrong="3.2.5" because="`status` is wrong"
def take_in(spark, landing, target, log, processed):
    known = set()
    if Path(log).exists():
        known = {entry.sha256 for entry in spark.read.parquet(log).collect()}
    for path in sorted(Path(landing).iterdir(), key=lambda path: path.stat().st_mtime):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        status = "duplicate" if digest in known else "loaded"
        if status == "loaded":
            known.add(digest)
            orders = spark.read.schema(ORDER).json(str(path))
            named = orders.withColumn("source_file", F.lit(path.name))
            named.write.mode("append").parquet(target)
        noted = spark.createDataFrame(
            [(path.name, digest, status)], "file STRING, sha256 STRING, status STRING"
        )
        noted.write.mode("append").parquet(log)
        move(path, processed)


# %% right="3.2.5"
def take_in(spark, landing, target, log, processed):
    known = []
    if Path(log).exists():
        known = [row[0] for row in spark.read.parquet(log).select("sha256").distinct().collect()]
    for path in sorted(Path(landing).glob("*.json")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        status = "duplicate" if digest in known else "loaded"
        if status == "loaded":
            known.append(digest)
            spark.read.json(str(path), schema=ORDER).withColumn(
                "source_file", F.lit(path.name)
            ).write.parquet(target, mode="append")
        row = [(path.name, digest, status)]
        spark.createDataFrame(row, ["file", "sha256", "status"]).write.parquet(log, mode="append")
        move(path, processed)


# %% right="3.2.5"
def take_in(spark, landing, target, log, processed):
    files = spark.read.format("binaryFile").load(landing)
    names = F.element_at(F.split("path", "/"), -1).alias("file")
    came = files.select(names, F.sha2("content", 256).alias("sha256")).orderBy("file").collect()
    if not came:
        return
    known = {r.sha256 for r in spark.read.parquet(log).collect()} if Path(log).exists() else set()
    entries = []
    for file, digest in came:
        entries.append((file, digest, "duplicate" if digest in known else "loaded"))
        known.add(digest)
    noted = spark.createDataFrame(entries, "file STRING, sha256 STRING, status STRING")
    loaded = noted.filter("status = 'loaded'").select(F.col("file").alias("source_file"))
    orders = spark.read.schema(ORDER).json(landing)
    named = orders.select("*", F.col("_metadata.file_name").alias("source_file"))
    named.join(F.broadcast(loaded), "source_file", "left_semi").write.mode("append").parquet(target)
    noted.write.mode("append").parquet(log)
    for file, _, _ in entries:
        move(Path(landing, file), processed)


# %% [markdown]
# ## Spark keeps the log: a stream of files
#
# The log of the last exercise is hand-made. Spark has one built in. A **file stream** is a query on a folder that grows: `spark.readStream` in place of `spark.read`. When the query starts, it looks which files it has not had, reads these, writes the result to a sink, and notes the files. Streams have a module of their own (5.1); here we need
# just enough of them to load files:
#
# - **`.schema(...)` must be given.** The folder may be empty when the stream starts, and a schema that is guessed anew every night is no contract.
# - **`trigger(availableNow=True)`**: take what is there now, then end. So a stream can be a job that a scheduler starts each night, like any other. Without it the query would wait for files for ever.
# - **`checkpointLocation`**: the folder in which the query notes what it has had. *This is the log.* The same query must get the same checkpoint in every run, and no other query may use it.
# - **`maxFilesPerTrigger`**: how many files one **batch** takes. A run is cut into batches, each of which is stored and noted before the next begins. Without a limit, the first run on a folder with a year of files takes them all at once.
# - **`awaitTermination()`** waits until the query has ended. `start()` alone returns at once, while the query runs on.

# %%
arrive("1.json", '{"sku": "L1", "pieces": 38}\n{"sku": "L2", "pieces": 4}\n', folder="nightly")
arrive("2.json", '{"sku": "L3", "pieces": 11}\n', minute=1, folder="nightly")


def store_stock():
    """Load what is new in the folder; return how many rows each batch had."""
    source = spark.readStream.schema("sku STRING, pieces INT").option("maxFilesPerTrigger", 1)
    rows = source.json(str(home / "nightly")).select("*", "_metadata.file_name")
    writer = rows.writeStream.format("parquet").trigger(availableNow=True)
    writer = writer.option("checkpointLocation", str(home / "diary"))
    query = writer.start(str(home / "shelves"))
    query.awaitTermination()
    counts = [progress["numInputRows"] for progress in query.recentProgress]
    return [rows for rows in counts if rows]


print("first run:", store_stock())
print("second run:", store_stock())
spark.read.parquet(str(home / "shelves")).orderBy("sku").show()

# %% [markdown]
# `recentProgress` is what the query reports about its batches. A run without new files may report a batch of 0 rows, so the function leaves these out. All the columns of `_metadata` are there, too.
#
# The sink for files belongs to the contract: it writes into the folder `_spark_metadata` which files belong to which batch. If the job dies in the middle of a batch, that batch is done again, with the same files, and takes the place of the half one. So rows and log are kept together, and each row is stored exactly once, as long as nothing else writes into that
# folder. (A reader with Spark gets what the sink has noted. A file that a batch job puts there is ignored, silently.)
#
# How does the stream recognise a file? **By its path.** A file of the same content with another name is new to it, so a copy is loaded twice; the checksum is still your business. And a file that is *changed* under its old name is not read again.
#
# ### The trap: old files
#
# The notes of a stream would grow for ever, so it forgets files that are much older than the newest one that it has seen: by default older than **7 days**. What it has forgotten it cannot tell from what it never had. Therefore a file with such an old time is skipped, **even if it has just arrived**:

# %%
arrive("offline.json", '{"sku": "R5", "pieces": 2}\n', minute=-10 * 1440, folder="nightly")
arrive("3.json", '{"sku": "L4", "pieces": 9}\n', minute=2, folder="nightly")
print("third run:", store_stock())
spark.read.parquet(str(home / "shelves")).orderBy("sku").show()

# %% [markdown]
# `offline.json` is missing, and nothing says so. The option **`maxFileAge`** of the source sets the limit; it is written as a number with a unit, such as `"30d"` or `"12h"`, and not `"30 days"`. It counts from the newest file that was seen, not from today. Choose it larger than the longest delay that can happen. And compare counts, as in the next section: they are what finds such a
# file.
#
# ### Exercise 3.2.6: only what is new
#
# `landing` holds files of orders, JSON lines that all fit `ORDER`. Load them with a **file stream** into `target` (Parquet): the columns of `ORDER`, `source_file` (the name) and `modified` (when the file was written). Your function is called several times, and new files arrive in between. In each run:
#
# - Take everything that is there and was not loaded before, then stop. The given `checkpoint` is a path at which nothing is before the first run.
# - Let each batch take one file, as in the example: a run that dies then has to do one file again, and no more. (The rows do not depend on it. The check sees it in `checkpoint`, where Spark keeps three notes for each batch.)
# - A branch that was offline may send a file whose time is up to a year older than that of the newest one. It must be loaded, too.
#
# In the first nights there may be no file at all. Return nothing.


# %% answer="3.2.6" title="Only what is new"
def load_new_files(spark: SparkSession, landing: str, target: str, checkpoint: str) -> None:
    """Appends new files to target (ORDER, source_file STRING, modified TIMESTAMP)."""
    ### BEGIN SOLUTION
    limits = {"maxFilesPerTrigger": 1, "maxFileAge": "400d"}
    orders = spark.readStream.schema(ORDER).options(**limits).json(landing)
    named = orders.select(
        "*",
        F.col("_metadata.file_name").alias("source_file"),
        F.col("_metadata.file_modification_time").alias("modified"),
    )
    writer = named.writeStream.format("parquet").option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start(target).awaitTermination()
    ### END SOLUTION


# %% check="3.2.6" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.2.6",
    "one by one",
    "files that arrive one by one, the first after an empty night",
    orders=variants.only("order_id % 4 = 0"),
    script=["run", "feed 2", "run", "feed 1", "run"],
)
### END HIDDEN TESTS
check(
    "3.2.6",
    load_new_files,
    arguments={"script": ["feed 2", "run", "run", "feed rest", "run"]},
    files={
        "given": {
            "landing": {
                "table": "orders",
                "format": "lines",
                "line": "to_json(named_struct('order_id', order_id, 'customer_id', customer_id, 'store_id', store_id, 'channel', channel))",
                "name": "concat('orders-', year(order_ts), '-', if(month(order_ts) < 7, 'a', 'b'), '.json')",
                "modified": [
                    "2025-06-01 02:00:00",
                    "2025-06-02 02:00:00",
                    "2024-06-03 02:00:00",
                    "2025-06-03 02:00:00",
                ],
            }
        },
        "made": {
            "target": {"key": ["order_id"]},
            "checkpoint": {
                "format": "lines",
                "content": False,
                "files": {"at_least": "reference"},
            },
        },
    },
)

# %% [markdown] equivalent="3.2.6" because="Parquet is the format of a stream that does not say one."
# - drop call: .format('parquet')

# %% [markdown] hints="3.2.6"
# 1. The shape is that of `store_stock` in the example. What has to change: the schema, the columns of `_metadata`, the paths.
# 2. Two options belong to the *source*: how many files a batch takes, and how old a file may be. A year is 365 days; note how it is written.
# 3. The trigger says that the query ends by itself. Your function must wait for that end.


# %% wrong="3.2.6" because="rows are missing"
def load_new_files(spark, landing, target, checkpoint):
    orders = spark.readStream.schema(ORDER).option("maxFilesPerTrigger", 1).json(landing)
    named = orders.selectExpr(
        "*", "_metadata.file_name AS source_file", "_metadata.file_modification_time AS modified"
    )
    writer = named.writeStream.format("parquet").option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start(target).awaitTermination()


# %% wrong="3.2.6" because="would be right"
def load_new_files(spark, landing, target, checkpoint):
    orders = spark.readStream.schema(ORDER).option("maxFileAge", "400d").json(landing)
    named = orders.selectExpr(
        "*", "_metadata.file_name AS source_file", "_metadata.file_modification_time AS modified"
    )
    writer = named.writeStream.format("parquet").option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start(target).awaitTermination()


# %% wrong="3.2.6" because="still runs when it returns"
def load_new_files(spark, landing, target, checkpoint):
    source = spark.readStream.schema(ORDER).options(maxFilesPerTrigger=1, maxFileAge="400d")
    named = source.json(landing).selectExpr(
        "*", "_metadata.file_name AS source_file", "_metadata.file_modification_time AS modified"
    )
    writer = named.writeStream.format("parquet").option("checkpointLocation", checkpoint)
    writer.start(target).processAllAvailable()


# %% wrong="3.2.6" because="Failed to parse time string"
def load_new_files(spark, landing, target, checkpoint):
    source = spark.readStream.schema(ORDER).options(maxFilesPerTrigger=1, maxFileAge="365 days")
    named = source.json(landing).selectExpr(
        "*", "_metadata.file_name AS source_file", "_metadata.file_modification_time AS modified"
    )
    writer = named.writeStream.format("parquet").option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start(target).awaitTermination()


# %% wrong="3.2.6" because="checkpointLocation must be specified"
def load_new_files(spark, landing, target, checkpoint):
    source = spark.readStream.schema(ORDER).options(maxFilesPerTrigger=1, maxFileAge="400d")
    named = source.json(landing).selectExpr(
        "*", "_metadata.file_name AS source_file", "_metadata.file_modification_time AS modified"
    )
    named.writeStream.format("parquet").trigger(availableNow=True).start(target).awaitTermination()


# %% wrong="3.2.6" because="rows are copies of others"
def load_new_files(spark, landing, target, checkpoint):
    rows = spark.read.schema(ORDER).json(landing)
    named = rows.selectExpr(
        "*", "_metadata.file_name AS source_file", "_metadata.file_modification_time AS modified"
    )
    named.write.mode("append").parquet(target)
    Path(checkpoint).mkdir(exist_ok=True)
    (Path(checkpoint) / "done").write_text("yes")


# %% wrong="3.2.6" because="the first after an empty night"
def load_new_files(spark, landing, target, checkpoint):
    guessed = spark.read.json(landing).schema
    source = spark.readStream.schema(guessed).options(maxFilesPerTrigger=1, maxFileAge="400d")
    named = source.json(landing).selectExpr(
        "order_id",
        "customer_id",
        "CAST(store_id AS INT) AS store_id",
        "channel",
        "_metadata.file_name AS source_file",
        "_metadata.file_modification_time AS modified",
    )
    writer = named.writeStream.format("parquet").option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start(target).awaitTermination()


# %% wrong="3.2.6" because="rows are missing"
def load_new_files(spark, landing, target, checkpoint):
    source = spark.readStream.schema(ORDER).options(maxFilesPerTrigger=1, maxFileAge="360d")
    named = source.json(landing).selectExpr(
        "*", "_metadata.file_name AS source_file", "_metadata.file_modification_time AS modified"
    )
    writer = named.writeStream.format("parquet").option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start(target).awaitTermination()


# %% right="3.2.6"
def load_new_files(spark, landing, target, checkpoint):
    reader = spark.readStream.format("json").schema(ORDER).option("maxFilesPerTrigger", "1")
    orders = reader.option("maxFileAge", "9000h").load(landing)
    orders = orders.withColumn("source_file", F.col("_metadata.file_name"))
    orders = orders.withColumn("modified", F.col("_metadata.file_modification_time"))
    writer = orders.writeStream.outputMode("append").trigger(availableNow=True)
    query = writer.start(path=target, format="parquet", checkpointLocation=checkpoint)
    query.awaitTermination()


# %% right="3.2.6"
def load_new_files(spark, landing, target, checkpoint):
    def add(batch, number):
        batch.write.mode("append").parquet(target)

    source = spark.readStream.schema(ORDER).options(maxFilesPerTrigger=1, maxFileAge="365d")
    named = source.json(landing).selectExpr(
        "*", "_metadata.file_name AS source_file", "_metadata.file_modification_time AS modified"
    )
    writer = named.writeStream.foreachBatch(add).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()


# %% [markdown]
# ## Do the counts agree?
#
# Every step of this notebook can lose a row in silence: a blank line, a filter on NULL, a file that is too old, a night that died. What finds all of these is **reconciliation**: count on both sides of the job, independently, and compare.
#
# **lines that came = rows loaded + lines in quarantine**
#
# Do it **per file**, not only in total. In a total, a file that was loaded twice and another one that is missing may cancel out. And take care that the comparison itself loses nothing: a file that is on one side only is exactly what you look for, so the join must be a full one. Two suppliers counted their boxes, and so did we:

# %%
sent = spark.createDataFrame([("lamps", 7), ("rugs", 4)], "supplier STRING, boxes INT")
received = spark.createDataFrame([("lamps", 7), ("chairs", 4)], "supplier STRING, arrived INT")
print("in total:", sent.agg(F.sum("boxes")).first()[0], received.agg(F.sum("arrived")).first()[0])
both = sent.join(received, "supplier", "full")
both.withColumn("gap", F.col("boxes") - F.col("arrived")).orderBy("supplier").show()

# %% [markdown]
# The totals agree, and two suppliers do not. For these two the gap is NULL, and a report that shows only the gaps other than 0 would not show them. A count that is missing means "none": `fillna(0)` puts 0 for NULL into all columns of numbers. Where does it belong here, before or after the subtraction?
#
# Count what was sent in the files themselves, with the reader that loses nothing, and not in the log that the job wrote. A job that is wrong writes a wrong log.
#
# ### Exercise 3.2.7: do the counts agree?
#
# A night is over. `processed` holds the files of reviews that came, JSON lines; `target` (Parquet) the rows that were loaded, `quarantine` (Parquet) the lines that were refused; both have a column `source_file`. Something went wrong in that night. Return one row for **each file that is in any of the three**:
#
# - `file`; `lines`, how many lines it has in `processed`, without those that are empty or blank; `loaded` and `quarantined`, how many rows of `target` and `quarantine` came from it
# - `difference`: lines that are neither loaded nor in quarantine; negative if there are more rows than lines
#
# All four numbers are `BIGINT`, and 0 where there is nothing to count. That holds for a file of blank lines only, too: it is in `processed`, so it has a row. (No file is without any line: the text reader would not see it.)


# %% answer="3.2.7" title="Do the counts agree?"
def reconcile(spark: SparkSession, processed: str, target: str, quarantine: str) -> DataFrame:
    """(file STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT, difference BIGINT), one row per file."""
    ### BEGIN SOLUTION
    lines = spark.read.text(processed).groupBy(F.col("_metadata.file_name").alias("file"))
    sides = [lines.agg(F.count_if(F.trim("value") != "").alias("lines"))]
    for folder, name in ((target, "loaded"), (quarantine, "quarantined")):
        rows = spark.read.parquet(folder).groupBy(F.col("source_file").alias("file"))
        sides.append(rows.agg(F.count("*").alias(name)))
    counts = sides[0].join(sides[1], "file", "full").join(sides[2], "file", "full").fillna(0)
    difference = F.col("lines") - F.col("loaded") - F.col("quarantined")
    return counts.withColumn("difference", difference)
    ### END SOLUTION


# %% check="3.2.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.2.7",
    "blank file",
    "a file with nothing but blank lines in it, lines of several blanks, and other white space",
    reviews_raw=variants.together(
        variants.only("value = '' OR pmod(xxhash64(value), 6) <> pmod(xxhash64(''), 6)"),
        variants.appended(("  ",), ("    ",), ("     ",), ("\t",)),
    ),
)
### END HIDDEN TESTS
check(
    "3.2.7",
    reconcile,
    key=["file"],
    files={
        "given": {
            "processed": {
                "table": "reviews_raw",
                "format": "lines",
                "name": "concat('reviews-', 1 + pmod(xxhash64(value), 6), '.json')",
            },
            "target": {
                "table": "reviews_raw",
                "format": "parquet",
                "select": [
                    "get_json_object(value, '$.review_id') AS review_id",
                    "concat('reviews-', IF(pmod(xxhash64(value), 6) = 0 AND value LIKE '%\"stars\":2%', 9,"
                    " 1 + pmod(xxhash64(value), 6)), '.json') AS source_file",
                    "explode(CASE WHEN try_parse_json(value) IS NULL OR pmod(xxhash64(value), 6) = 5 THEN array()"
                    " WHEN pmod(xxhash64(value), 6) = 2 THEN array(1, 1)"
                    " WHEN pmod(xxhash64(value), 6) = 3 AND pmod(xxhash64(value), 7) = 0 THEN array()"
                    " ELSE array(1) END) AS part",
                ],
            },
            "quarantine": {
                "table": "reviews_raw",
                "format": "parquet",
                "select": [
                    "value AS line",
                    "concat('reviews-', IF(pmod(xxhash64(value), 11) = 0, IF(pmod(xxhash64(value), 2) = 0, 8, 9), 1 + pmod(xxhash64(value), 6)), '.json') AS source_file",
                    "explode(IF(trim(value) <> '' AND try_parse_json(value) IS NULL AND pmod(xxhash64(value), 6) <> 5,"
                    " array('not JSON'), array())) AS reason",
                ],
            },
        },
        "returns": True,
    },
)

# %% [markdown] hints="3.2.7"
# 1. Three small tables with one row per file: lines, loaded, quarantined. Each comes from another folder.
# 2. A filter in front of the grouping takes whole files away. `F.count_if` counts the rows of a group that fulfil a condition, and may give 0.
# 3. Which join keeps what is on one side only? And what did the example ask about NULL?


# %% wrong="3.2.7" because="missing"
def reconcile(spark, processed, target, quarantine):
    lines = spark.read.text(processed).groupBy(F.col("_metadata.file_name").alias("file"))
    counts = lines.agg(F.count_if(F.trim("value") != "").alias("lines"))
    for folder, name in ((target, "loaded"), (quarantine, "quarantined")):
        rows = spark.read.parquet(folder).groupBy(F.col("source_file").alias("file"))
        counts = counts.join(rows.agg(F.count("*").alias(name)), "file", "left")
    counts = counts.fillna(0)
    return counts.withColumn("difference", F.expr("lines - loaded - quarantined"))


# %% wrong="3.2.7" because="`difference` is"
def reconcile(spark, processed, target, quarantine):
    lines = spark.read.text(processed).groupBy(F.col("_metadata.file_name").alias("file"))
    counts = lines.agg(F.count_if(F.trim("value") != "").alias("lines"))
    for folder, name in ((target, "loaded"), (quarantine, "quarantined")):
        rows = spark.read.parquet(folder).groupBy(F.col("source_file").alias("file"))
        counts = counts.join(rows.agg(F.count("*").alias(name)), "file", "full")
    counts = counts.withColumn("difference", F.expr("lines - loaded - quarantined"))
    return counts.fillna(0)


# %% wrong="3.2.7" because="`lines` is wrong"
def reconcile(spark, processed, target, quarantine):
    lines = spark.read.text(processed).groupBy(F.col("_metadata.file_name").alias("file"))
    counts = lines.agg(F.count("*").alias("lines"))
    for folder, name in ((target, "loaded"), (quarantine, "quarantined")):
        rows = spark.read.parquet(folder).groupBy(F.col("source_file").alias("file"))
        counts = counts.join(rows.agg(F.count("*").alias(name)), "file", "full")
    counts = counts.fillna(0)
    return counts.withColumn("difference", F.expr("lines - loaded - quarantined"))


# %% wrong="3.2.7" because="nothing but blank lines"
def reconcile(spark, processed, target, quarantine):
    filled = spark.read.text(processed).filter("trim(value) <> ''")
    counts = filled.groupBy(F.col("_metadata.file_name").alias("file")).agg(
        F.count("*").alias("lines")
    )
    for folder, name in ((target, "loaded"), (quarantine, "quarantined")):
        rows = spark.read.parquet(folder).groupBy(F.col("source_file").alias("file"))
        counts = counts.join(rows.agg(F.count("*").alias(name)), "file", "full")
    counts = counts.fillna(0)
    return counts.withColumn("difference", F.expr("lines - loaded - quarantined"))


# %% wrong="3.2.7" because="multiplied"
def reconcile(spark, processed, target, quarantine):
    lines = spark.read.text(processed).filter("trim(value) <> ''")
    lines = lines.select(F.col("_metadata.file_name").alias("file"), "value")
    good = spark.read.parquet(target).selectExpr("source_file AS file", "review_id")
    bad = spark.read.parquet(quarantine).selectExpr("source_file AS file", "line")
    counts = (
        lines.join(good, "file", "full")
        .join(bad, "file", "full")
        .groupBy("file")
        .agg(
            F.count("value").alias("lines"),
            F.count("review_id").alias("loaded"),
            F.count("line").alias("quarantined"),
        )
    )
    return counts.withColumn("difference", F.expr("lines - loaded - quarantined"))


# %% wrong="3.2.7" because="expected"
def reconcile(spark, processed, target, quarantine):
    landed = spark.read.text(processed).select("value", F.col("_metadata.file_name").alias("file"))
    landed.createOrReplaceTempView("landed")
    return spark.sql(f"""
        WITH c AS (SELECT file, count_if(trim(value) <> '') AS n FROM landed GROUP BY file),
             g AS (SELECT source_file AS file, count(*) AS n FROM parquet.`{target}` GROUP BY ALL),
             b AS (SELECT source_file AS file, count(*) AS n FROM parquet.`{quarantine}` GROUP BY ALL)
        SELECT coalesce(c.file, g.file, b.file) AS file, coalesce(c.n, 0L) AS lines,
               coalesce(g.n, 0L) AS loaded, coalesce(b.n, 0L) AS quarantined,
               coalesce(c.n, 0L) - coalesce(g.n, 0L) - coalesce(b.n, 0L) AS difference
        FROM c FULL JOIN g ON c.file = g.file FULL JOIN b ON c.file = b.file
    """)


# %% wrong="3.2.7" because="other white space"
def reconcile(spark, processed, target, quarantine):
    lines = spark.read.text(processed).groupBy(F.col("_metadata.file_name").alias("file"))
    counts = lines.agg(F.count_if(F.col("value").rlike(r"\S")).alias("lines"))
    for folder, name in ((target, "loaded"), (quarantine, "quarantined")):
        rows = spark.read.parquet(folder).groupBy(F.col("source_file").alias("file"))
        counts = counts.join(rows.agg(F.count("*").alias(name)), "file", "full")
    counts = counts.fillna(0)
    return counts.withColumn("difference", F.expr("lines - loaded - quarantined"))


# %% right="3.2.7"
def reconcile(spark, processed, target, quarantine):
    one, none = F.lit(1), F.lit(0)
    name = F.col("_metadata.file_name").alias("file")
    filled = (F.trim("value") != "").cast("int").alias("lines")
    came = spark.read.text(processed).select(
        name, filled, none.alias("loaded"), none.alias("quarantined")
    )
    file = F.col("source_file").alias("file")
    good = spark.read.parquet(target).select(
        file, none.alias("lines"), one.alias("loaded"), none.alias("quarantined")
    )
    bad = spark.read.parquet(quarantine).select(
        file, none.alias("lines"), none.alias("loaded"), one.alias("quarantined")
    )
    numbers = [F.sum(c).alias(c) for c in ("lines", "loaded", "quarantined")]
    counts = came.unionByName(good).unionByName(bad).groupBy("file").agg(*numbers)
    return counts.withColumn("difference", F.expr("lines - loaded - quarantined"))


# %% right="3.2.7"
def reconcile(spark, processed, target, quarantine):
    spark.read.text(processed).select("value", "_metadata.file_name").createOrReplaceTempView(
        "came"
    )
    return spark.sql(f"""
        WITH c AS (SELECT file_name AS file, count_if(trim(value) <> '') AS lines FROM came GROUP BY ALL),
             g AS (SELECT source_file AS file, count(*) AS loaded FROM parquet.`{target}` GROUP BY ALL),
             b AS (SELECT source_file AS file, count(*) AS quarantined FROM parquet.`{quarantine}` GROUP BY ALL)
        SELECT file, nvl(lines, 0) AS lines, nvl(loaded, 0) AS loaded, nvl(quarantined, 0) AS quarantined,
               nvl(lines, 0) - nvl(loaded, 0) - nvl(quarantined, 0) AS difference
        FROM c FULL JOIN g USING (file) FULL JOIN b USING (file)
    """)


# %% [markdown]
# ## A night that died
#
# Now all of it together, and with the hard part: the job may die at any moment, and the next run must put things right. The section on logs showed that no order of *append rows* and *append to the log* is safe. The way out is not to append at all. Give **each file a place of its own** in every output, and let a second run **replace** that place. Then it does not matter how much of the
# work was done: doing it again gives the same.
#
# A place of its own is a partition, and 3.1 has shown how to replace single partitions: mode `overwrite` with `partitionOverwriteMode` set to `dynamic`. Partitions that the new rows do not touch stay as they are. If the job died while it was writing a file's partition, the next run replaces the half one by the whole one.
#
# A partition per file is right for some hundred files a year, such as one a night. For millions of small files it would be too many folders, and a table that can `MERGE` or delete by `source_file` is the better place.
#
# The contract has one more level. A row that does not fit goes into quarantine, but a **file** whose header is not the agreed one must not be read at all: CSV goes by position, so each of its rows might look right and be wrong. Compare the first line as text, before Spark reads anything. `path.open()` with `readline()` gives it, with the line break at its end.
#
# ### Exercise 3.2.8: one load, two runs
#
# Branches send CSV files with orders. The header must be exactly `order_id,customer_id,store_id,channel`. Your function is called once a night, sometimes twice. In each run, for every file in `landing`:
#
# - **Another header:** the file is not loaded. It is moved to `rejected`.
# - **Otherwise:** rows that fit `ORDER` go to `target`, with the columns of `ORDER` and `source_file`. A line that does not (a value of another type, too few or too many fields) goes to `quarantine`, with `line` (as it came) and `source_file`. The file is moved to `processed` (with `move` of the first code cell).
# - `log` gets one row per file: `file`, `status` (`"loaded"` or `"rejected"`), `lines` (those of the file, without the header), `loaded` and `quarantined` (how many rows went where; 0 for a rejected file). The three numbers are `BIGINT`.
#
# `target`, `quarantine` and `log` are Parquet. **Last night the job died.** So before the first run `target` holds rows of earlier nights, which must stay, and also some rows of files that are still in `landing`; `log` has the entry of one such file, with zeros, since the job had not yet counted. `target` is partitioned by `source_file`, `log` by `file`. After your run every row and every entry must be there once.
# Every file has at least one row that fits, unless its header is wrong. No line is blank, and no two files have the same name. A run that finds no file changes nothing. `quarantine`, `processed` and `rejected` are made by your function, when there is something to put there.


# %% answer="3.2.8" title="One load, two runs"
def nightly_load(
    spark: SparkSession,
    landing: str,
    target: str,
    quarantine: str,
    log: str,
    processed: str,
    rejected: str,
) -> None:
    """Loads each file of `landing` once, whatever was done before, and moves it. Returns nothing."""
    ### BEGIN SOLUTION
    header = "order_id,customer_id,store_id,channel"
    arrived = sorted(Path(landing).iterdir())
    if not arrived:
        return
    size, good_header = {}, []
    for path in arrived:
        first, *lines = path.read_text().splitlines()
        size[path.name] = len(lines)
        if first == header:
            good_header.append(path)

    def replace(frame, folder, by):
        writer = frame.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
        writer.partitionBy(by).parquet(folder)

    loaded, refused = {}, {}
    if good_header:
        reader = spark.read.schema(f"{ORDER}, _corrupt_record STRING").option("header", True)
        orders = reader.csv([str(path) for path in good_header])
        rows = orders.select("*", F.col("_metadata.file_name").alias("source_file")).cache()
        good, bad = (
            rows.filter("_corrupt_record IS NULL"),
            rows.filter("_corrupt_record IS NOT NULL"),
        )
        replace(good.drop("_corrupt_record"), target, "source_file")
        lines = bad.select(F.col("_corrupt_record").alias("line"), "source_file")
        replace(lines, quarantine, "source_file")
        loaded = dict(good.groupBy("source_file").count().collect())
        refused = dict(bad.groupBy("source_file").count().collect())
    entries = [
        (
            path.name,
            "loaded" if path in good_header else "rejected",
            size[path.name],
            loaded.get(path.name, 0),
            refused.get(path.name, 0),
        )
        for path in arrived
    ]
    columns = "file STRING, status STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT"
    replace(spark.createDataFrame(entries, columns), log, "file")
    for path in arrived:
        move(path, processed if path in good_header else rejected)
    ### END SOLUTION


# %% check="3.2.8" points=4
### BEGIN HIDDEN TESTS
variant(
    "3.2.8",
    "wrong header",
    "a night on which only a file with a wrong header arrives",
    orders=variants.only("order_ts < '2025-01-01'"),
    script=["feed 2", "run", "feed rest", "run"],
)
variant(
    "3.2.8",
    "capitals",
    "a file whose header has the right names in capital letters",
    orders=variants.together(
        variants.only("order_ts < '2025-01-01'"), variants.replaced(status=F.lit("capitals"))
    ),
    script=["feed rest", "run"],
)
variant(
    "3.2.8",
    "all good",
    "half a year without a bad line",
    orders=variants.only(
        "order_id % 41 <> 0 AND order_id % 53 <> 0 AND order_id % 211 <> 0 AND order_ts < '2024-07-01'"
    ),
    script=["feed rest", "run"],
)
### END HIDDEN TESTS
check(
    "3.2.8",
    nightly_load,
    deadline=120,
    arguments={"script": ["feed 2", "run", "run", "feed rest", "run"]},
    files={
        "given": {
            "landing": {
                "table": "orders",
                "format": "lines",
                "select": [
                    "*",
                    "concat(year(order_ts), '-', IF(order_ts < '2024-04-01', 1, IF(month(order_ts) < 7, 2, 3))) AS part",
                    """CASE WHEN order_id % 41 = 0 THEN concat(order_id, ',', channel)
                            WHEN order_id % 53 = 0 THEN concat('no ', order_id, ',,,', channel)
                            WHEN order_id % 211 = 0 THEN concat(order_id, ',,,', channel, ',late')
                            ELSE concat(order_id, ',', coalesce(string(customer_id), ''), ',', coalesce(string(store_id), ''), ',', channel)
                       END AS row""",
                ],
                "name": "concat('orders-', part, '.csv')",
                "text": """concat(
                    CASE first(part) WHEN '2024-3' THEN IF(first(status) = 'capitals', 'ORDER_ID,CUSTOMER_ID,STORE_ID,CHANNEL', 'order_id,customer_id,store_id,source')
                                     WHEN '2025-3' THEN 'order_id,store_id,customer_id,channel'
                                     ELSE 'order_id,customer_id,store_id,channel' END,
                    '\\n', array_join(collect_list(row), '\\n'))""",
                "stays": True,
            }
        },
        "made": {
            "target": {
                "key": ["order_id", "source_file"],
                "setup": {
                    "table": "orders",
                    "format": "parquet",
                    "select": [
                        "order_id",
                        "customer_id",
                        "store_id",
                        "channel",
                        "explode(IF(order_ts < '2024-07-01' AND order_id % 41 <> 0 AND order_id % 53 <> 0 AND order_id % 211 <> 0"
                        " AND (order_ts < '2024-04-01' OR order_id % 3 = 0),"
                        " array(concat('orders-2024-', quarter(order_ts), '.csv')),"
                        " IF(order_id % 50 = 2, array('orders-2023-4.csv'), array()))) AS source_file",
                    ],
                    "partitioned_by": ["source_file"],
                },
            },
            "quarantine": {"optional": True},
            "log": {
                "key": ["file"],
                "setup": {
                    "table": "orders",
                    "format": "parquet",
                    "select": [
                        "'loaded' AS status",
                        "0L AS lines",
                        "0L AS loaded",
                        "0L AS quarantined",
                        "explode(IF(order_id = 4, array('orders-2024-1.csv'), array())) AS file",
                    ],
                    "partitioned_by": ["file"],
                },
            },
            "processed": {"format": "lines", "content": False, "names": True},
            "rejected": {"format": "lines", "content": False, "names": True, "optional": True},
        },
    },
)

# %% [markdown] hints="3.2.8"
# 1. Read the first line of each file in Python and make two lists of paths. The number of lines comes from there, too.
# 2. Read all files with the right header at once, with `ORDER` and `_corrupt_record` as the schema, and keep the result with `cache()`: it is written twice and counted, and Spark then does not refuse a query on `_corrupt_record` alone.
# 3. Three outputs are written in the same manner. Make a small function of it that takes a DataFrame, a folder, and the column by which the folder is partitioned; 3.1 shows how single partitions are replaced.
# 4. Then the log, in one write for all files of this run; finally, move. Whatever was done last night is replaced, so you need not look at it.


# %% wrong="3.2.8" because="`log`: 1 row is not expected"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    header = "order_id,customer_id,store_id,channel"
    for path in sorted(Path(landing).iterdir()):
        first, *lines = path.read_text().splitlines()
        counts = ("rejected", len(lines), 0, 0)
        if first == header:
            reader = spark.read.schema(f"{ORDER}, _corrupt_record STRING").option("header", True)
            rows = reader.csv(str(path)).withColumn("source_file", F.lit(path.name)).cache()
            good = rows.filter("_corrupt_record IS NULL").drop("_corrupt_record")
            bad = rows.filter("_corrupt_record IS NOT NULL")
            good.write.mode("append").partitionBy("source_file").parquet(target)
            bad.selectExpr("_corrupt_record AS line", "source_file").write.mode("append").parquet(
                quarantine
            )
            counts = ("loaded", len(lines), good.count(), bad.count())
        columns = "file STRING, status STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT"
        entry = spark.createDataFrame([(path.name, *counts)], columns)
        entry.write.mode("append").partitionBy("file").parquet(log)
        move(path, processed if first == header else rejected)


# %% wrong="3.2.8" because="`log`"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    header = "order_id,customer_id,store_id,channel"
    done = {row.file for row in spark.read.parquet(log).collect()}
    started = {row.source_file for row in spark.read.parquet(target).collect()}
    for path in sorted(Path(landing).iterdir()):
        first, *lines = path.read_text().splitlines()
        if path.name not in done:
            counts = ("rejected", len(lines), 0, 0)
            if first == header and path.name not in started:
                reader = spark.read.schema(f"{ORDER}, _corrupt_record STRING").option(
                    "header", True
                )
                rows = reader.csv(str(path)).withColumn("source_file", F.lit(path.name)).cache()
                good = rows.filter("_corrupt_record IS NULL").drop("_corrupt_record")
                bad = rows.filter("_corrupt_record IS NOT NULL")
                good.write.mode("append").partitionBy("source_file").parquet(target)
                bad.selectExpr("_corrupt_record AS line", "source_file").write.mode(
                    "append"
                ).partitionBy("source_file").parquet(quarantine)
                counts = ("loaded", len(lines), good.count(), bad.count())
            columns = "file STRING, status STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT"
            entry = spark.createDataFrame([(path.name, *counts)], columns)
            entry.write.mode("append").partitionBy("file").parquet(log)
        move(path, processed if first == header else rejected)


# %% wrong="3.2.8" because="`quarantine`"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    header = "order_id,customer_id,store_id,channel"
    arrived = sorted(Path(landing).iterdir())
    if not arrived:
        return
    entries, good_header = [], []
    for path in arrived:
        first, *lines = path.read_text().splitlines()
        entries.append((path.name, "loaded" if first == header else "rejected", len(lines)))
        if first == header:
            good_header.append(str(path))
    noted = spark.createDataFrame(entries, "file STRING, status STRING, lines BIGINT")
    reader = spark.read.schema(f"{ORDER}, _corrupt_record STRING").option("header", True)
    rows = reader.csv(good_header).select("*", F.col("_metadata.file_name").alias("source_file"))
    rows = rows.cache()
    good = rows.filter("_corrupt_record IS NULL").drop("_corrupt_record")
    bad = rows.filter("_corrupt_record IS NOT NULL").selectExpr(
        "_corrupt_record AS line", "source_file"
    )
    # Without the option, overwrite replaces everything that is there.
    good.write.mode("overwrite").partitionBy("source_file").parquet(target)
    bad.write.mode("overwrite").partitionBy("source_file").parquet(quarantine)
    counts = rows.groupBy(F.col("source_file").alias("file")).agg(
        F.count_if(F.isnull("_corrupt_record")).alias("loaded"),
        F.count("_corrupt_record").alias("quarantined"),
    )
    entries = noted.join(counts, "file", "left").fillna(0)
    entries.write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy(
        "file"
    ).parquet(log)
    for path in arrived:
        move(path, processed if str(path) in good_header else rejected)


# %% wrong="3.2.8" because="`status` is wrong"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    arrived = sorted(Path(landing).iterdir())
    if not arrived:
        return

    def replace(frame, folder, by):
        writer = frame.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
        writer.partitionBy(by).parquet(folder)

    reader = spark.read.schema(f"{ORDER}, _corrupt_record STRING").option("header", True)
    rows = reader.csv([str(path) for path in arrived])
    rows = rows.select("*", F.col("_metadata.file_name").alias("source_file")).cache()
    good = rows.filter("_corrupt_record IS NULL").drop("_corrupt_record")
    bad = rows.filter("_corrupt_record IS NOT NULL")
    replace(good, target, "source_file")
    replace(bad.selectExpr("_corrupt_record AS line", "source_file"), quarantine, "source_file")
    counts = rows.groupBy(F.col("source_file").alias("file")).agg(
        F.lit("loaded").alias("status"),
        F.count("*").alias("lines"),
        F.count_if(F.isnull("_corrupt_record")).alias("loaded"),
        F.count("_corrupt_record").alias("quarantined"),
    )
    replace(counts, log, "file")
    for path in arrived:
        move(path, processed)


# %% wrong="3.2.8" because="a night on which only a file with a wrong header arrives"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    header = "order_id,customer_id,store_id,channel"
    arrived = sorted(Path(landing).iterdir())
    if not arrived:
        return

    def replace(frame, folder, by):
        writer = frame.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
        writer.partitionBy(by).parquet(folder)

    size, good_header = {}, []
    for path in arrived:
        first, *lines = path.read_text().splitlines()
        size[path.name] = len(lines)
        if first == header:
            good_header.append(path)
    if not good_header:
        return
    reader = spark.read.schema(f"{ORDER}, _corrupt_record STRING").option("header", True)
    rows = reader.csv([str(path) for path in good_header])
    rows = rows.select("*", F.col("_metadata.file_name").alias("source_file")).cache()
    good = rows.filter("_corrupt_record IS NULL").drop("_corrupt_record")
    bad = rows.filter("_corrupt_record IS NOT NULL")
    replace(good, target, "source_file")
    replace(bad.selectExpr("_corrupt_record AS line", "source_file"), quarantine, "source_file")
    loaded = dict(good.groupBy("source_file").count().collect())
    refused = dict(bad.groupBy("source_file").count().collect())
    entries = []
    for path in arrived:
        status = "loaded" if path in good_header else "rejected"
        counts = (loaded.get(path.name, 0), refused.get(path.name, 0))
        entries.append((path.name, status, size[path.name], *counts))
    columns = "file STRING, status STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT"
    replace(spark.createDataFrame(entries, columns), log, "file")
    for path in arrived:
        move(path, processed if path in good_header else rejected)


# %% wrong="3.2.8" because="half a year without a bad line"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    for path in sorted(Path(landing).iterdir()):
        first, *lines = path.read_text().splitlines()
        counts = ("rejected", len(lines), 0, 0)
        if first == "order_id,customer_id,store_id,channel":
            reader = spark.read.schema(f"{ORDER}, _corrupt_record STRING").option("header", True)
            rows = reader.csv(str(path)).cache()
            good = rows.filter("_corrupt_record IS NULL").drop("_corrupt_record")
            bad = rows.filter("_corrupt_record IS NOT NULL").selectExpr("_corrupt_record AS line")
            good.write.mode("overwrite").parquet(f"{target}/source_file={path.name}")
            bad.write.mode("overwrite").parquet(f"{quarantine}/source_file={path.name}")
            by = rows.groupBy(F.isnull("_corrupt_record").alias("fits")).count().collect()
            found = {row.fits: row["count"] for row in by}
            counts = ("loaded", len(lines), found[True], found[False])
        columns = "status STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT"
        entry = spark.createDataFrame([counts], columns)
        entry.write.mode("overwrite").parquet(f"{log}/file={path.name}")
        move(path, processed if counts[0] == "loaded" else rejected)


# %% wrong="3.2.8" because="in capital letters"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    columns = "status STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT"
    for path in sorted(Path(landing).iterdir()):
        first, *lines = path.read_text().splitlines()
        counts = ("rejected", len(lines), 0, 0)
        if first.strip().lower() == "order_id,customer_id,store_id,channel":
            reader = spark.read.schema(f"{ORDER}, _corrupt_record STRING").option("header", True)
            rows = reader.csv(str(path)).cache()
            good = rows.filter("_corrupt_record IS NULL").drop("_corrupt_record")
            bad = rows.filter("_corrupt_record IS NOT NULL").selectExpr("_corrupt_record AS line")
            good.write.mode("overwrite").parquet(f"{target}/source_file={path.name}")
            if bad.count():
                bad.write.mode("overwrite").parquet(f"{quarantine}/source_file={path.name}")
            counts = ("loaded", len(lines), good.count(), bad.count())
        entry = spark.createDataFrame([counts], columns)
        entry.write.mode("overwrite").parquet(f"{log}/file={path.name}")
        move(path, processed if counts[0] == "loaded" else rejected)


# %% right="3.2.8"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    columns = "status STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT"
    fits = "parsed.order_id IS NOT NULL AND parsed._corrupt_record IS NULL"
    for path in sorted(Path(landing).iterdir()):
        with path.open() as file:
            first = file.readline().rstrip("\n")
        text = spark.read.text(str(path)).filter(F.col("value") != first)
        loaded = refused = 0
        if first == "order_id,customer_id,store_id,channel":
            options = "map('columnNameOfCorruptRecord', '_corrupt_record')"
            parsed = text.selectExpr(
                "value AS line",
                f"from_csv(value, '{ORDER}, _corrupt_record STRING', {options}) AS parsed",
            ).cache()
            good, bad = parsed.filter(fits), parsed.filter(f"NOT ({fits})")
            place = f"source_file={path.name}"
            good.select("parsed.*").drop("_corrupt_record").write.mode("overwrite").parquet(
                f"{target}/{place}"
            )
            loaded, refused = good.count(), bad.count()
            if refused:
                bad.select("line").write.mode("overwrite").parquet(f"{quarantine}/{place}")
        status = "loaded" if loaded else "rejected"
        entry = spark.createDataFrame([(status, text.count(), loaded, refused)], columns)
        entry.write.mode("overwrite").parquet(f"{log}/file={path.name}")
        move(path, processed if loaded else rejected)


# %% right="3.2.8"
def nightly_load(spark, landing, target, quarantine, log, processed, rejected):
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    lines = spark.read.text(landing).select("value", F.col("_metadata.file_name").alias("file"))
    size = dict(lines.groupBy("file").count().collect())
    paths = {name: Path(landing, name) for name in size}
    headers = {name: path.read_text().split("\n")[0] for name, path in paths.items()}
    right = {
        name for name, first in headers.items() if first == "order_id,customer_id,store_id,channel"
    }
    counts = dict.fromkeys(size, (0, 0))
    if right:
        files = [str(paths[name]) for name in right]
        rows = spark.read.csv(files, f"{ORDER}, _corrupt_record STRING", header=True)
        rows = rows.withColumn("source_file", F.col("_metadata.file_name")).cache()
        good, bad = rows.where("_corrupt_record IS NULL"), rows.where("_corrupt_record IS NOT NULL")
        good.drop("_corrupt_record").write.parquet(target, "overwrite", "source_file")
        if bad.count():
            bad.selectExpr("_corrupt_record AS line", "source_file").write.parquet(
                quarantine, "overwrite", "source_file"
            )
        sums = rows.groupBy("source_file").agg(F.count("*"), F.count("_corrupt_record"))
        counts |= {name: (every - broken, broken) for name, every, broken in sums.collect()}
    if size:
        entries = [
            (name, "loaded" if name in right else "rejected", size[name] - 1, *counts[name])
            for name in size
        ]
        columns = "file STRING, status STRING, lines BIGINT, loaded BIGINT, quarantined BIGINT"
        spark.createDataFrame(entries, columns).write.parquet(log, "overwrite", "file")
    for name, path in paths.items():
        move(path, processed if name in right else rejected)


# %% [markdown]
# ### Question 3.2.9: one order too many
#
# Three weeks ago the nightly job of a shop stopped with "no space left on device". The job appends the rows of each file to a table with a lineage column, then moves the file to `processed`; it keeps no log. In the morning a colleague made space and started the job again by hand. It ran without an error.
# Today the accountants say that the revenue of that day is higher than what the bank received. The colleague proposes to delete all orders of that day from the table, and to load the files of that day again. Answer in six to ten sentences:
#
# 1. What has probably happened, and with which query do you prove it?
# 2. When would the colleague's repair be wrong, and what do you propose instead?
# 3. How would you build the job, so that starting it again does no harm? Would a file stream with a checkpoint have been enough? And which counts, taken every night, would have shown the error on the next morning?

# %% [markdown] written="3.2.9" points=3 title="One order too many"
# ### BEGIN SOLUTION
# The job died between two of its steps: the rows of a file had been appended, wholly or in part, and the file had not yet been moved. So the next start found it in the landing zone and appended its rows once more. I prove it by grouping the table by `source_file`, and comparing the number of rows with the number of lines of the same file in `processed`: the file of that night has more rows than lines; besides, its order numbers
# occur twice within that one `source_file`. Deleting "all orders of that day" is right only if the day of the order and the file are the same thing: a file may hold orders of other days, late files of that day may have come later, and orders that were corrected since would be lost. I would delete the rows of exactly that `source_file` and load that one file again from `processed`, which is why it was kept, and compare the counts afterwards.
# The job should be idempotent: each file gets a place of its own which a second run replaces (partition by `source_file` with dynamic overwrite, or a MERGE by order number), and then the log entry, and then the move. A file stream with a checkpoint and a file sink or Delta sink would have been enough for this night, since files of a batch are noted together with its rows, and an unfinished batch is done again in place of the half one. It would not help against the
# same content under another name, or with a sink of one's own that appends in `foreachBatch`. Every night, for each file: lines that came = rows loaded + lines in quarantine, counted in the files and in the table and not taken from the job's own log; and the number of order numbers that occur more than once.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: explains the crash between writing and moving, and a proof by the lineage column: rows per `source_file` against lines of the file (or repeated order numbers within one file)
# - 1 point: why deleting by day may be wrong, and a repair by file: delete the rows of this `source_file`, load this file again
# - 1 point: an idempotent design (replace per file, MERGE, or a stream whose sink notes the batch) with a limit of the checkpoint (copies under another name, own sinks), and the nightly reconciliation per file
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | take `_metadata.file_name` and the modification time along | a wrong row can be traced to its file, and the file loaded again |
# | `try_cast` for values of others, and compare before and after | under ANSI a plain cast ends the job; a NULL alone does not say why |
# | `_corrupt_record` holds the whole line for any value that does not fit | it does not mean "no JSON" |
# | give `from_json` the name of the column for bad lines | without options it skips fields that nobody asked for |
# | the JSON reader skips empty lines | count lines with the text reader |
# | one column with the reason; NULL means good | two opposite filters lose the NULLs |
# | JSON drifts by name, CSV by position | neither raises an error by itself |
# | rescue what has no column, and what does not fit | on the day the contract changes, the old values are there |
# | a file is what its bytes are, not what it is called | copies come under other names |
# | a file stream with a checkpoint takes each path once | rows and notes are kept together |
# | `maxFileAge` is 7 days | older files are skipped in silence |
# | replace per file, do not append | a second run then does no harm |
# | reconcile per file, with a full join | totals cancel out |
#
# > **On Databricks:** the landing zone is a *volume* or a folder in cloud storage. `format("cloudFiles")` is **Auto Loader**, a file stream with more comfort: it can find new files by events of the cloud instead of listing the folder, keeps the schema in `cloudFiles.schemaLocation`, can stop or go on when a column is new
# > (`cloudFiles.schemaEvolutionMode`), and has the rescued data column built in (`_rescued_data`). It recognises files by path as well, but has no limit of age unless you set one. `COPY INTO` does the same for batches in SQL. Files are moved with `dbutils.fs.mv`, and Auto Loader can do it itself (`cloudFiles.cleanSource`);
# > open-source Spark has the option `cleanSource` for that. `_metadata` is the same.
