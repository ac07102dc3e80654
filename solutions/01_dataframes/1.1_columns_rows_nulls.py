# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1.1 Columns, rows, nulls and ANSI mode
#
# **Time:** 75 minutes · **Data:** retail · **Before this:** 0.1 and 0.2
#
# The shop needs one clean list of its customers. It has two tables: `customers`, as the web shop keeps them, and
# `raw_customers`, the same people as somebody exported them by hand. Both have holes. Most wrong numbers in real projects come from
# holes that nobody looked at, so this notebook is about columns, and about what happens when a value is not there.
#
# ## You will learn to
#
# - pick, rename, compute and convert columns
# - clean text with built-in functions and regular expressions
# - say what NULL does in a filter, in a comparison and in a `when` chain, before it surprises you
# - convert text to numbers under ANSI mode without stopping the whole query
# - turn one row with a list into many rows, and lose nobody on the way

# %% setup=true
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("1.1").getOrCreate()

customers = spark.read.parquet(sample("customers"))
raw_customers = spark.read.parquet(sample("raw_customers"))
web_events = spark.read.parquet(sample("web_events"))

# %%
customers.printSchema()
customers.orderBy("customer_id").show(3, truncate=18)

# %% [markdown]
# ## Columns
#
# A DataFrame never changes. Every method returns a **new** one, so a transformation reads like a sentence:
#
# | you want to | you write |
# |---|---|
# | keep some columns | `df.select("name", "city")` |
# | keep all but some | `df.drop("phone")` |
# | rename | `df.withColumnRenamed("city", "town")`, or `F.col("city").alias("town")` inside `select` |
# | compute, or replace | `df.withColumn("year", F.year("signup_date"))`; several at once: `withColumns({...})` |
# | change the type | `F.col("income").cast("int")` |
#
# `F.col("income")` is not data. It is a *description* of a computation, which Spark carries out later on every row.

# %%
(
    customers.select("customer_id", "name", F.year("signup_date").alias("joined"))
    .withColumnRenamed("name", "customer")
    .orderBy("customer_id")
    .show(3)
)

# %% [markdown]
# ### Exercise 1.1.1: a mailing list
#
# Marketing wants three columns: `customer_id`, the e-mail address under the name `email_address`, and `birth_year`, the year of
# `birth_date` as an `INT`. One row per customer, all of them.


# %% answer="1.1.1" title="A mailing list"
def mailing_list(customers: DataFrame) -> DataFrame:
    """(customer_id BIGINT, email_address STRING or NULL, birth_year INT or NULL), one row per customer."""
    ### BEGIN SOLUTION
    return customers.select(
        "customer_id",
        F.col("email").alias("email_address"),
        F.year("birth_date").alias("birth_year"),
    )
    ### END SOLUTION


# %% check="1.1.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "1.1.1",
    "nulls",
    "customers without an e-mail address or a birth date",
    customers=variants.nulls("email", "birth_date"),
)
variant("1.1.1", "empty", "a shop without customers", customers=variants.empty)
### END HIDDEN TESTS
check("1.1.1", mailing_list, key=["customer_id"])

# %% [markdown] hints="1.1.1"
# 1. Everything fits into one `select` with three entries.
# 2. `F.year(...)` takes a date and gives an INT. Every entry can be renamed with `.alias("new name")`.


# %% wrong="1.1.1" because="email_address"
def mailing_list(customers):
    return customers.select("customer_id", "email", F.year("birth_date").alias("birth_year"))


# %% wrong="1.1.1" because="birth_year` is STRING"
def mailing_list(customers):
    return customers.select(
        "customer_id",
        F.col("email").alias("email_address"),
        F.date_format("birth_date", "yyyy").alias("birth_year"),
    )


# %% wrong="1.1.1" because="missing"
def mailing_list(customers):
    return customers.na.drop().select(
        "customer_id",
        F.col("email").alias("email_address"),
        F.year("birth_date").alias("birth_year"),
    )


# %% right="1.1.1"
def mailing_list(customers):
    return (
        customers.withColumn("birth_year", F.extract(F.lit("YEAR"), F.col("birth_date")))
        .withColumnRenamed("email", "email_address")
        .select("birth_year", "email_address", "customer_id")
    )


# %% [markdown]
# ## Text
#
# People type `  ANNA  schmidt `. The built-in functions below run inside Spark's engine, at full speed, on any number of machines:
#
# | function | effect |
# |---|---|
# | `F.trim(c)` | removes blanks at both ends, but no tabs |
# | `F.lower(c)`, `F.upper(c)`, `F.initcap(c)` | changes the case; `initcap` starts every word with a capital |
# | `F.regexp_replace(c, pattern, text)` | replaces every match of a regular expression |
# | `F.regexp_extract(c, pattern, 1)` | the part in the first pair of parentheses, or an empty text when nothing matches |
# | `F.length(c)` | number of characters |
#
# All of them give NULL for NULL. Let us make what is wrong visible first; blanks at the end cannot be seen otherwise:

# %%
raw_customers.select(
    F.concat(F.lit("["), "name", F.lit("]")).alias("name"),
    F.regexp_replace("phone", r"\D", "").alias("digits of the phone"),
).show(6, truncate=False)

# %% [markdown]
# ### Exercise 1.1.2: names as people write them
#
# Give `raw_customers` proper names. In the result, `name` has no white space (blanks or tabs) at its ends, **one** blank between words, and every word
# begins with a capital letter, the rest small. (`initcap` is good enough for that; it makes `Hans-martin` of `Hans-Martin`.) `email` is in small letters
# without blanks around it. Return `customer_id`, `name` and `email`; keep every row.


# %% answer="1.1.2" title="Names as people write them"
def tidy_names(raw_customers: DataFrame) -> DataFrame:
    """(customer_id STRING, name STRING, email STRING): `name` like "Anna Schmidt", small `email`."""
    ### BEGIN SOLUTION
    one_blank = F.trim(F.regexp_replace("name", r"\s+", " "))
    return raw_customers.select(
        "customer_id", F.initcap(one_blank).alias("name"), F.lower(F.trim("email")).alias("email")
    )
    ### END SOLUTION


# %% check="1.1.2" points=2
### BEGIN HIDDEN TESTS
variant("1.1.2", "other rows", "an export of another shop", seed=7103)
variant(
    "1.1.2",
    "tabs",
    "names with tabs and three blanks, e-mail addresses with blanks around them",
    raw_customers=variants.replaced(
        name=F.concat(F.lit("\t "), F.regexp_replace("name", " +", "   "), F.lit(" ")),
        email=F.concat(F.lit(" "), "email", F.lit("  ")),
    ),
)
variant("1.1.2", "nulls", "rows without a name", raw_customers=variants.nulls("name", "email"))
### END HIDDEN TESTS
check("1.1.2", tidy_names)

# %% [markdown] hints="1.1.2"
# 1. Three steps for the name: the runs of white space, the ends, the case. Does their order matter?
# 2. In a regular expression `\s+` means "one or more blanks or tabs". Replace each such run by a single blank.
# 3. `trim` removes blanks, but no tabs. What if a tab stands at an end? Trim after the replacement, not before.


# %% wrong="1.1.2" because="upper and lower case"
def tidy_names(raw_customers):
    one_blank = F.regexp_replace(F.trim("name"), r"\s+", " ")
    return raw_customers.select(
        "customer_id", one_blank.alias("name"), F.lower(F.trim("email")).alias("email")
    )


# %% wrong="1.1.2" because="blanks"
def tidy_names(raw_customers):
    return raw_customers.select(
        "customer_id",
        F.initcap(F.trim("name")).alias("name"),
        F.lower(F.trim("email")).alias("email"),
    )


# %% wrong="1.1.2" because="missing"
def tidy_names(raw_customers):
    one_blank = F.regexp_replace(F.trim("name"), r"\s+", " ")
    return raw_customers.select(
        "customer_id", F.initcap(one_blank).alias("name"), F.lower(F.trim("email")).alias("email")
    ).dropDuplicates()


# %% wrong="1.1.2" because="on hidden data"
def tidy_names(raw_customers):
    one_blank = F.regexp_replace(F.trim("name"), r"\s+", " ")
    return raw_customers.select(
        "customer_id", F.initcap(one_blank).alias("name"), F.lower(F.trim("email")).alias("email")
    )


# %% right="1.1.2"
def tidy_names(raw_customers):
    words = F.filter(F.split("name", r"\s+"), lambda word: word != "")
    return raw_customers.select(
        "customer_id",
        F.array_join(F.transform(words, F.initcap), " ").alias("name"),
        F.trim(F.lower("email")).alias("email"),
    )


# %% [markdown]
# ## NULL is not a value
#
# NULL means *we do not know*. Is an unknown number larger than 5? We do not know. So a comparison with NULL is neither true nor false but
# NULL, and a **filter keeps only rows for which the condition is true**. This is called three-valued logic:
#
# | `a` | `b` | `a = b` | `a <=> b` | `NOT (a = b)` |
# |---|---|---|---|---|
# | 1 | 1 | true | true | false |
# | 1 | 2 | false | false | true |
# | 1 | NULL | NULL | false | NULL |
# | NULL | NULL | NULL | true | NULL |
#
# Watch how two filters that look like opposites lose people:

# %%
print("from Germany:    ", customers.filter(F.col("country") == "Germany").count())
print("not from Germany:", customers.filter(F.col("country") != "Germany").count())
print("all:             ", customers.count())

# %% [markdown]
# The customers whose country is NULL are in neither group. Tools against it: `c.isNull()`, `c.isNotNull()`, `F.coalesce(a, b)` (the first that
# is not NULL), and the null-safe comparison `a.eqNullSafe(b)`, in SQL `a <=> b`, which is always true or false.
#
# How large are the holes here? A picture before we start cutting:

# %%
import matplotlib.pyplot as plt

shares = (
    customers.select(
        [F.avg(F.col(name).isNull().cast("int")).alias(name) for name in customers.columns]
    )
    .first()
    .asDict()
)
figure, axes = plt.subplots(figsize=(7, 3.2))
axes.barh(list(shares), [100 * share for share in shares.values()], color="#3b6ea5")
axes.set_xlabel("rows without a value (%)")
axes.set_ylabel("column of customers")
axes.set_title("Where customers have holes")
axes.invert_yaxis()
figure.tight_layout()
plt.show()

# %% [markdown]
# ### Exercise 1.1.3: whom we must not write to
#
# The law says: write only to people who have agreed. `marketing_consent` is true, false, or NULL for people who were never asked. Return
# `customer_id`, `name` and `marketing_consent` of **everyone we must not write to**.


# %% answer="1.1.3" title="Whom we must not write to"
def not_to_contact(customers: DataFrame) -> DataFrame:
    """(customer_id BIGINT, name STRING, marketing_consent BOOLEAN or NULL) of all without consent."""
    ### BEGIN SOLUTION
    agreed = F.coalesce(F.col("marketing_consent"), F.lit(False))
    return customers.filter(~agreed).select("customer_id", "name", "marketing_consent")
    ### END SOLUTION


# %% check="1.1.3" points=1
### BEGIN HIDDEN TESTS
variant(
    "1.1.3",
    "never asked",
    "a shop that never asked anybody",
    customers=variants.nulls("marketing_consent", every=1),
)
variant(
    "1.1.3",
    "all agreed",
    "a shop where everybody agreed",
    customers=variants.replaced(marketing_consent=F.lit(True)),
)
### END HIDDEN TESTS
check("1.1.3", not_to_contact, key=["customer_id"])

# %% [markdown] hints="1.1.3"
# 1. There are two groups: people who said no, and people who said nothing. Does your filter keep both?
# 2. Either ask for both cases with `|` (and parentheses), or first turn "never asked" into "no" with `F.coalesce`.


# %% wrong="1.1.3" because="null"
def not_to_contact(customers):
    return customers.filter(~F.col("marketing_consent")).select(
        "customer_id", "name", "marketing_consent"
    )


# %% wrong="1.1.3" because="null"
def not_to_contact(customers):
    return customers.filter(F.col("marketing_consent") != True).select(
        "customer_id", "name", "marketing_consent"
    )  # noqa: E712


# %% wrong="1.1.3" because="missing"
def not_to_contact(customers):
    return customers.filter(F.col("marketing_consent").isNull()).select(
        "customer_id", "name", "marketing_consent"
    )


# %% right="1.1.3"
def not_to_contact(customers):
    return customers.filter("marketing_consent IS NOT TRUE").select(
        "marketing_consent", "name", "customer_id"
    )


# %% [markdown]
# ### Exercise 1.1.4: sent by the search engine
#
# In `web_events`, `referrer` is the address of the other site whose link brought the visitor to our shop. It is NULL for all clicks inside the shop, and for people
# who typed our address. Return `event_id` and `from_search`: true when `referrer` is exactly `https://search.example.com/`, otherwise false. It must **never** be
# NULL, because a later step will count with it. Return every row; events that were delivered twice stay twice.


# %% answer="1.1.4" title="Sent by the search engine"
def from_search(web_events: DataFrame) -> DataFrame:
    """(event_id STRING, from_search BOOLEAN, never NULL), one row per row of `web_events`."""
    ### BEGIN SOLUTION
    found = F.col("referrer").eqNullSafe("https://search.example.com/")
    return web_events.select("event_id", found.alias("from_search"))
    ### END SOLUTION


# %% check="1.1.4" points=2
### BEGIN HIDDEN TESTS
variant(
    "1.1.4",
    "other addresses",
    "referrers that are almost the address of the search engine",
    web_events=variants.replaced(
        referrer=F.element_at(
            F.array(
                F.lit("https://search.example.com/"),
                F.lit("https://search.example.com"),
                F.lit("https://search.example.com/maps?q=shop"),
                F.lit("http://search.example.com/"),
                F.lit("https://my-search.example.com/"),
                F.lit("https://other.example.com/?from=https://search.example.com/"),
                F.lit("https://search-example.com/"),
                F.lit("HTTPS://SEARCH.EXAMPLE.COM/"),
                F.lit(" https://search.example.com/"),
                F.lit(None),
            ),
            F.pmod(F.hash("event_id"), F.lit(10)) + 1,
        )
    ),
)
variant(
    "1.1.4",
    "nobody",
    "visitors of whom nobody came from another site",
    web_events=variants.nulls("referrer", every=1),
)
### END HIDDEN TESTS
check("1.1.4", from_search, key=["event_id"])

# %% [markdown] hints="1.1.4"
# 1. What does a comparison with `==` give where `referrer` is NULL? Look at the table of three-valued logic.
# 2. The fourth column of that table never has a NULL in it. In Python it is a method of a column, and it takes a plain text as well as a column.


# %% wrong="1.1.4" because="null"
def from_search(web_events):
    found = F.col("referrer") == "https://search.example.com/"
    return web_events.select("event_id", found.alias("from_search"))


# %% wrong="1.1.4" because="missing"
def from_search(web_events):
    found = F.col("referrer") == "https://search.example.com/"
    return web_events.filter("referrer IS NOT NULL").select("event_id", found.alias("from_search"))


# %% wrong="1.1.4" because="from_search` is INT"
def from_search(web_events):
    found = F.col("referrer").eqNullSafe("https://search.example.com/")
    return web_events.select("event_id", found.cast("int").alias("from_search"))


# %% wrong="1.1.4" because="null"
def from_search(web_events):
    found = F.when(F.col("referrer") == "https://search.example.com/", True)
    return web_events.select("event_id", found.alias("from_search"))


# %% wrong="1.1.4" because="almost the address"
def from_search(web_events):
    found = F.coalesce(F.col("referrer").contains("search"), F.lit(False))
    return web_events.select("event_id", found.alias("from_search"))


# %% wrong="1.1.4" because="almost the address"
def from_search(web_events):
    found = F.coalesce(F.col("referrer").endswith("search.example.com/"), F.lit(False))
    return web_events.select("event_id", found.alias("from_search"))


# %% wrong="1.1.4" because="almost the address"
def from_search(web_events):
    found = F.coalesce(F.col("referrer").rlike("^https://search.example.com/$"), F.lit(False))
    return web_events.select("event_id", found.alias("from_search"))


# %% wrong="1.1.4" because="almost the address"
def from_search(web_events):
    found = F.lower(F.trim("referrer")).eqNullSafe("https://search.example.com/")
    return web_events.select("event_id", found.alias("from_search"))


# %% right="1.1.4"
def from_search(web_events):
    same = F.coalesce(F.col("referrer") == "https://search.example.com/", F.lit(False))
    return web_events.withColumn("from_search", same).select("event_id", "from_search")


# %% right="1.1.4"
def from_search(web_events):
    return web_events.sparkSession.sql("""
        SELECT event_id, referrer IS NOT NULL AND referrer = 'https://search.example.com/' AS from_search
        FROM web_events
    """)


# %% [markdown]
# ## One of several: `when`
#
# `F.when(condition, value)` may be chained; the **first** condition that is true wins, and `otherwise` is for the rest. Without `otherwise`,
# the rest is NULL. A condition that is NULL does not win, so a customer without a birth date falls through to the end:

# %%
generation = (
    F.when(F.year("birth_date") < 1965, "before 1965")
    .when(F.year("birth_date") < 1997, "1965 to 1996")
    .otherwise("1997 or later, or unknown!")
)
customers.groupBy(generation.alias("generation")).count().orderBy("generation").show(truncate=False)

# %% [markdown]
# ### Exercise 1.1.5: income bands
#
# Return `customer_id`, `income` and `income_band`: `"low"` below 25,000, `"middle"` from 25,000 up to but not including 60,000, `"high"` from 60,000. When the income is
# not known, it is `"unknown"`.


# %% answer="1.1.5" title="Income bands"
def income_bands(customers: DataFrame) -> DataFrame:
    """(customer_id BIGINT, income DOUBLE or NULL, income_band STRING: low, middle, high or unknown)."""
    ### BEGIN SOLUTION
    band = (
        F.when(F.col("income").isNull(), "unknown")
        .when(F.col("income") < 25_000, "low")
        .when(F.col("income") < 60_000, "middle")
        .otherwise("high")
    )
    return customers.select("customer_id", "income", band.alias("income_band"))
    ### END SOLUTION


# %% check="1.1.5" points=2
### BEGIN HIDDEN TESTS
borders = F.element_at(
    F.array(*[F.lit(value) for value in (24_999.99, 25_000.0, 59_999.99, 60_000.0, 0.0)]),
    (F.col("customer_id") % 5 + 1).cast("int"),
)
variant(
    "1.1.5",
    "borders",
    "incomes that lie exactly on a border",
    customers=variants.replaced(income=borders.cast("double")),
)
variant(
    "1.1.5",
    "nulls",
    "customers whose income is not known",
    customers=variants.nulls("income", every=2),
)
### END HIDDEN TESTS
check("1.1.5", income_bands, key=["customer_id"])

# %% [markdown] hints="1.1.5"
# 1. Conditions are tried from top to bottom. Which case must come first, so that it cannot fall through to the last one?
# 2. You need three `when` and one `otherwise`. Since the first true condition wins, "from 25,000" need not be said again in the middle.


# %% wrong="1.1.5" because="`income_band` is wrong in 20"
def income_bands(customers):
    band = (
        F.when(F.col("income") < 25_000, "low")
        .when(F.col("income") < 60_000, "middle")
        .otherwise("high")
    )
    return customers.select("customer_id", "income", band.alias("income_band"))


# %% wrong="1.1.5" because="border"
def income_bands(customers):
    band = (
        F.when(F.col("income").isNull(), "unknown")
        .when(F.col("income") <= 25_000, "low")
        .when(F.col("income") < 60_000, "middle")
        .otherwise("high")
    )
    return customers.select("customer_id", "income", band.alias("income_band"))


# %% wrong="1.1.5" because="null"
def income_bands(customers):
    band = (
        F.when(F.col("income") >= 60_000, "high")
        .when(F.col("income") >= 25_000, "middle")
        .when(F.col("income") < 25_000, "low")
    )
    return customers.select("customer_id", "income", band.alias("income_band"))


# %% wrong="1.1.5" because="income_band"
def income_bands(customers):
    filled = customers.na.fill(0, ["income"])
    band = (
        F.when(F.col("income") < 25_000, "low")
        .when(F.col("income") < 60_000, "middle")
        .otherwise("high")
    )
    return filled.select("customer_id", "income", band.alias("income_band"))


# %% right="1.1.5"
def income_bands(customers):
    return customers.selectExpr(
        "customer_id",
        "income",
        """CASE WHEN income >= 60000 THEN 'high' WHEN income >= 25000 THEN 'middle'
                WHEN income IS NOT NULL THEN 'low' ELSE 'unknown' END AS income_band""",
    )


# %% [markdown]
# ## Converting, and ANSI mode
#
# Since Spark 4, a conversion that fails **stops the query**. That is ANSI mode, the behaviour of most databases: better a loud error
# than a silent NULL in last quarter's revenue.

# %%
from pyspark.errors import PySparkException

try:
    raw_customers.select(F.col("income").cast("double")).collect()
except PySparkException as error:
    print(error.getCondition())

# %% [markdown]
# When you know that there is dirt and have decided that NULL is right for it, say so: `try_cast`, `try_divide`, `try_to_timestamp` and their
# relatives give NULL where the strict version would stop. Clean first what *can* be cleaned; `try_cast` is for the rest.

# %%
prices = spark.createDataFrame([("12.50",), ("7,00",), ("free",)], "written STRING")
prices.select(
    "written",
    F.col("written").try_cast("double").alias("as it is"),
    F.regexp_replace("written", ",", ".").try_cast("double").alias("comma repaired"),
).show()

# %% [markdown]
# ### Exercise 1.1.6: incomes out of text
#
# In `raw_customers`, `income` is text: `31500.00`, `1,200.50` (the comma groups thousands), `28000.00 EUR`, `n/a`, or empty. A loss is written with a
# minus sign. Return `customer_id` and `income` as `DECIMAL(12,2)`; NULL where there is no number. Keep every row.
#
# (Money belongs in a `DECIMAL`. `DECIMAL(12,2)` has up to 12 digits, 2 of them after the point, and is exact, unlike `DOUBLE`. It is written like any other type,
# for example in `cast("decimal(12,2)")`.)


# %% answer="1.1.6" title="Incomes out of text"
def parse_income(raw_customers: DataFrame) -> DataFrame:
    """(customer_id STRING, income DECIMAL(12,2) or NULL), every row of the input."""
    ### BEGIN SOLUTION
    digits = F.regexp_replace("income", r"[^0-9.\-]", "")
    return raw_customers.select("customer_id", digits.try_cast("decimal(12,2)").alias("income"))
    ### END SOLUTION


# %% check="1.1.6" points=2
### BEGIN HIDDEN TESTS
written = F.element_at(
    F.array(
        *[
            F.lit(text)
            for text in (
                "1,234,567.89 EUR",
                "n/a",
                "",
                "0.00",
                " 950.5 ",
                "unknown",
                "12.00 EUR",
                "-5.00",
            )
        ]
    ),
    (F.pmod(F.hash("customer_id"), F.lit(8)) + 1).cast("int"),
)
variant(
    "1.1.6",
    "millions",
    "incomes over a million, blanks, losses and text",
    raw_customers=variants.replaced(income=written),
)
variant("1.1.6", "other rows", "an export of another shop", seed=911)
### END HIDDEN TESTS
check("1.1.6", parse_income)

# %% [markdown] hints="1.1.6"
# 1. Look at all forms first: `raw_customers.groupBy(F.regexp_replace("income", "[0-9]+", "9")).count().show()`.
# 2. Remove what does not belong to a number (grouping commas, blanks, the currency), then convert what is left with `try_cast`.
# 3. A regular expression such as `[^0-9.\-]` matches every character that is **not** a digit, a point or a minus sign.


# %% wrong="1.1.6" because="CAST_INVALID_INPUT"
def parse_income(raw_customers):
    return raw_customers.select(
        "customer_id", F.col("income").cast("decimal(12,2)").alias("income")
    )


# %% wrong="1.1.6" because="null"
def parse_income(raw_customers):
    return raw_customers.select(
        "customer_id", F.col("income").try_cast("decimal(12,2)").alias("income")
    )


# %% wrong="1.1.6" because="income` is DOUBLE"
def parse_income(raw_customers):
    digits = F.regexp_replace("income", r"[^0-9.]", "")
    return raw_customers.select("customer_id", digits.try_cast("double").alias("income"))


# %% wrong="1.1.6" because="losses"
def parse_income(raw_customers):
    digits = F.regexp_replace("income", r"[^0-9.]", "")
    return raw_customers.select("customer_id", digits.try_cast("decimal(12,2)").alias("income"))


# %% wrong="1.1.6" because="factor"
def parse_income(raw_customers):
    digits = F.regexp_replace("income", r"[^0-9]", "")
    return raw_customers.select("customer_id", digits.try_cast("decimal(12,2)").alias("income"))


# %% wrong="1.1.6" because="null"
def parse_income(raw_customers):
    digits = F.regexp_replace("income", r"[^0-9.\-]", "")
    amount = F.coalesce(digits.try_cast("decimal(12,2)"), F.lit(0)).cast("decimal(12,2)")
    return raw_customers.select("customer_id", amount.alias("income"))


# %% right="1.1.6"
def parse_income(raw_customers):
    number = F.regexp_extract(F.regexp_replace("income", ",", ""), r"(-?\d+(?:\.\d+)?)", 1)
    return raw_customers.withColumn("found", number).selectExpr(
        "customer_id", "CAST(nullif(found, '') AS DECIMAL(12,2)) AS income"
    )


# %% [markdown]
# ## Filling and dropping holes
#
# `df.na` collects three tools: `na.drop(how="any" or "all", subset=[...])` removes rows, `na.fill({"column": value})` fills holes, and
# `na.replace({"old": "new"}, subset=[...])` swaps values. None of them is a decision; **you** decide whether a hole means *unknown*, *none* or *zero*.
# An income of NULL filled with 0 makes everybody poorer on average:

# %%
customers.select(
    F.round(F.avg("income"), 2).alias("average, holes left out"),
    F.round(F.avg(F.coalesce("income", F.lit(0))), 2).alias("average, holes as 0"),
).show()

# %% [markdown]
# ### Exercise 1.1.7: customers we can reach
#
# For a call centre: keep customers who have an e-mail address **or** a phone number (or both). A missing country becomes `"unknown"`, a missing city
# too. All other columns and holes stay as they are; return all columns of `customers`.


# %% answer="1.1.7" title="Customers we can reach"
def reachable(customers: DataFrame) -> DataFrame:
    """All columns of `customers`: people with e-mail or phone, no NULL in country and city."""
    ### BEGIN SOLUTION
    return customers.na.drop(how="all", subset=["email", "phone"]).na.fill(
        "unknown", subset=["country", "city"]
    )
    ### END SOLUTION


# %% check="1.1.7" points=1
### BEGIN HIDDEN TESTS
variant(
    "1.1.7",
    "out of reach",
    "many customers without e-mail address, phone or both",
    customers=variants.together(
        variants.nulls("email", every=2),
        variants.nulls("phone", every=3),
        variants.nulls("city", every=4),
    ),
)
variant(
    "1.1.7",
    "other holes",
    "customers with holes in other columns, too",
    customers=variants.together(
        variants.nulls("country", every=2),
        variants.nulls("city", every=3),
        variants.nulls("name", every=4),
        variants.nulls("interests", every=5),
    ),
)
variant("1.1.7", "other rows", "another shop", seed=415)
### END HIDDEN TESTS
check("1.1.7", reachable, key=["customer_id"])

# %% [markdown] hints="1.1.7"
# 1. `na.drop` looks at all columns unless you name a `subset`. And does a row go when *any* of them is NULL, or when *all* are?
# 2. `na.fill` also takes a `subset`. Without it, every text column is filled.


# %% wrong="1.1.7" because="missing"
def reachable(customers):
    return customers.na.drop(how="any", subset=["email", "phone"]).na.fill(
        "unknown", subset=["country", "city"]
    )


# %% wrong="1.1.7" because="interests"
def reachable(customers):
    return customers.na.drop(how="all", subset=["email", "phone"]).na.fill("unknown")


# %% wrong="1.1.7" because="holes in other columns"
def reachable(customers):
    return customers.na.drop(how="all", subset=["email", "phone"]).na.fill(
        "unknown", subset=["country", "city", "name"]
    )


# %% wrong="1.1.7" because="country"
def reachable(customers):
    return customers.filter("email IS NOT NULL OR phone IS NOT NULL").na.fill(
        "unknown", subset=["city"]
    )


# %% wrong="1.1.7" because="extra"
def reachable(customers):
    return customers.na.drop(how="all").na.fill("unknown", subset=["country", "city"])


# %% right="1.1.7"
def reachable(customers):
    return customers.filter(F.coalesce("email", "phone").isNotNull()).withColumns(
        {name: F.coalesce(name, F.lit("unknown")) for name in ("country", "city")}
    )


# %% [markdown]
# ## From one row to many
#
# `interests` holds a list in a text: `garden,books`. `F.split` makes an array of it, `F.explode` one row per element. But `explode` of NULL or of an
# empty array gives **no row at all**: the customer disappears. `explode_outer` keeps them, with NULL. `posexplode` and `posexplode_outer` also
# number the elements from 0.

# %%
letters = spark.createDataFrame([(1, "a,b"), (2, None), (3, "")], "id INT, list STRING")
print("explode:")
letters.select("id", F.explode(F.split("list", ",")).alias("letter")).show()
print("explode_outer:")
letters.select("id", F.explode_outer(F.split("list", ",")).alias("letter")).show()

# %% [markdown]
# Look at id 3: splitting an empty text gives an array with *one* element, the empty text. That is rarely what you want.
#
# ### Exercise 1.1.8: one row per interest
#
# For the recommendation team: one row for each entry of a customer's list (an interest that is named twice has two rows), with its `rank` in the list, beginning
# with **1** (the first one named is the strongest). A customer without interests (NULL or an empty text) appears once, with NULL in `interest` and `rank`. Return `customer_id`, `interest`, `rank`.


# %% answer="1.1.8" title="One row per interest"
def interest_rows(customers: DataFrame) -> DataFrame:
    """(customer_id BIGINT, interest STRING or NULL, rank INT from 1 or NULL), no customer lost."""
    ### BEGIN SOLUTION
    listed = F.split(F.nullif(F.col("interests"), F.lit("")), ",")
    numbered = customers.select(
        "customer_id", F.posexplode_outer(listed).alias("position", "interest")
    )
    return numbered.select("customer_id", "interest", (F.col("position") + 1).alias("rank"))
    ### END SOLUTION


# %% check="1.1.8" points=3
### BEGIN HIDDEN TESTS
variant(
    "1.1.8",
    "nobody",
    "customers who named no interest",
    customers=variants.nulls("interests", every=1),
)
variant(
    "1.1.8",
    "blank",
    "customers whose list is an empty text",
    customers=variants.replaced(interests=F.lit("")),
)
variant(
    "1.1.8",
    "twice",
    "customers who named the same interest twice",
    customers=variants.replaced(interests=F.concat("interests", F.lit(","), "interests")),
)
### END HIDDEN TESTS
check("1.1.8", interest_rows)

# %% [markdown] hints="1.1.8"
# 1. First make an array; think about what the empty text should become before you split it. (`F.nullif(a, b)` gives NULL when both are equal; a `when` does it too.)
# 2. You need the version of `explode` that numbers the elements *and* keeps customers without any.
# 3. It gives two columns at once: name them with `.alias("position", "interest")`. Then its numbers begin with 0, yours with 1.


# %% wrong="1.1.8" because="missing"
def interest_rows(customers):
    listed = F.split(F.nullif(F.col("interests"), F.lit("")), ",")
    numbered = customers.select("customer_id", F.posexplode(listed).alias("position", "interest"))
    return numbered.select("customer_id", "interest", (F.col("position") + 1).alias("rank"))


# %% wrong="1.1.8" because="rank"
def interest_rows(customers):
    listed = F.split(F.nullif(F.col("interests"), F.lit("")), ",")
    return customers.select("customer_id", F.posexplode_outer(listed).alias("rank", "interest"))


# %% wrong="1.1.8" because="17 rows are missing and 17 rows are not expected"
def interest_rows(customers):
    numbered = customers.select(
        "customer_id", F.posexplode_outer(F.split("interests", ",")).alias("position", "interest")
    )
    return numbered.select("customer_id", "interest", (F.col("position") + 1).alias("rank"))


# %% wrong="1.1.8" because="on hidden data"
def interest_rows(customers):
    listed = F.array_distinct(F.split(F.nullif(F.col("interests"), F.lit("")), ","))
    numbered = customers.select(
        "customer_id", F.posexplode_outer(listed).alias("position", "interest")
    )
    return numbered.select("customer_id", "interest", (F.col("position") + 1).alias("rank"))


# %% right="1.1.8"
def interest_rows(customers):
    customers.createOrReplaceTempView("people")
    return customers.sparkSession.sql("""
        SELECT customer_id, interest, position + 1 AS rank
        FROM people
        LATERAL VIEW OUTER posexplode(split(nullif(interests, ''), ',')) AS position, interest
    """)


# %% [markdown]
# ### Question 1.1.9: a hole has a meaning
#
# The shop's director looks at your average income (the example before exercise 1.1.7) and asks: "Why don't you just put a zero where nothing is known?
# Then we would not lose any rows." Answer in four to eight sentences: what would happen to the average, what the hole may mean here, and for which
# column of `customers` filling with a value *would* be right.

# %% [markdown] written="1.1.9" points=3 title="A hole has a meaning"
# ### BEGIN SOLUTION
# `avg` leaves NULL out, so the average describes the customers whose income is known. With zeros, people who only did not answer count as people
# who earn nothing: the average falls, and so does everything built on it, such as the income bands. No rows are lost today either: they are only
# left out of this one calculation. A hole may mean "not asked", "did not want to say" or "lost in an import", and if those who do not answer are special
# (very rich people, for example), even the average without them is biased, which should be said beside the number. Filling is right where the value
# follows from the meaning of the column: `marketing_consent` NULL means "not agreed" for the purpose of sending mail, and an
# empty `country` may become "unknown" in a report, since it is then a group of its own instead of a lie.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: zeros pull the average down, while `avg` leaves NULL out; no rows are lost by leaving NULL in place
# - 1 point: names at least two meanings of the hole, or that missing answers may be special (bias)
# - 1 point: a sensible column where filling is right, with the reason
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | a filter keeps rows that are *true* | NULL is not true, so `!=` and `~` lose rows |
# | `eqNullSafe` (`<=>`) is never NULL | use it to compare what may have holes |
# | the first true `when` wins | put the unknown case first; without `otherwise` the rest is NULL |
# | ANSI mode stops at bad casts | clean first, then `try_cast` for what is left |
# | `explode` loses rows without elements | `explode_outer` keeps them |
# | a hole is a fact about the data | decide what it means before you fill or drop it |
#
# > **On Databricks:** everything here works unchanged. Read tables with `spark.read.table("catalog.schema.customers")` instead of files, and
# > use `display(df)` instead of `df.show()`. ANSI mode is on by default there too, on serverless and on runtimes based on Spark 4.
