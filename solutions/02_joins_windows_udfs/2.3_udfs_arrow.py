# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 2.3 UDFs, UDTFs, Arrow, and when not to
#
# **Time:** 165 minutes (two sittings) · **Data:** air, reviews, retail · **Before this:** 0.2, 1.2, 1.3, 1.4 and 2.2, and a little pandas (`Series`, `DataFrame`)
#
# Sooner or later Spark has no function for what you need: a rule of your company, a formula from a library, a format that nobody else uses. Then you hand
# Spark a function of your own, in Python. That is easy, and it has a price: Spark cannot look into your function, and every value must travel to a Python
# process and back. Spark offers several ways to run Python code. They differ in what travels: one row, a batch of rows, a group, a partition. This notebook
# shows all of them, and begins with the question whether you need any.
#
# ## You will learn to
#
# - write a user-defined function (UDF) with the right return type, and say what becomes of NULL
# - replace a UDF by column functions that do exactly the same, and prove it by the plan
# - write pandas UDFs, also with a set-up that is made once per partition, and Arrow UDFs
# - run Python on whole groups (`applyInPandas`): one small model for each sensor
# - run Python on streams of batches (`mapInArrow`), where the number of rows changes
# - write a table function (UDTF) that remembers earlier rows of its partition
# - read data that lie behind Python code, with a data source of your own
# - choose between all these

# %% setup=true
import datetime as dt
import threading
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("2.3").getOrCreate()
spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 500)

air_measurements = spark.read.parquet(sample("air_measurements"))
reviews = spark.read.parquet(sample("reviews"))
customers = spark.read.parquet(sample("customers"))


def usable(air_measurements: DataFrame) -> DataFrame:
    """(sensor_id INT, measured_ts TIMESTAMP, value DOUBLE, never NULL): one reading per sensor and hour, in no particular order."""
    last = F.max_by("value", "received_ts").alias("value")
    return air_measurements.filter("value <> -999").groupBy("sensor_id", "measured_ts").agg(last)


def packets(air_measurements: DataFrame) -> DataFrame:
    """(sensor_id INT, day DATE, packet BINARY or NULL): what the sensors send at midnight. Exercise 2.3.7 says what is in a packet."""
    hours = air_measurements.groupBy("sensor_id", "measured_ts").agg(
        F.max(F.struct("received_ts", "value"))["value"].alias("value")
    )
    code = F.expr("coalesce(cast(round(value * 10) AS INT), -32768)")
    record = F.concat(
        F.lpad(F.hex(F.hour("measured_ts")), 2, "0"),
        F.right(F.concat(F.lit("000"), F.hex(code)), F.lit(4)),
    )
    records = F.array_join(F.array_sort(F.collect_list(record)), "")
    whole = hours.groupBy("sensor_id", F.to_date("measured_ts").alias("day")).agg(
        F.unhex(records).alias("packet")
    )
    number = F.expr("sensor_id + day(day)")
    lost = F.when(
        number % 13 != 0,
        F.when(
            number % 11 == 0, F.expr("substring(packet, 1, octet_length(packet) - 1)")
        ).otherwise(F.col("packet")),
    )
    return whole.withColumn("packet", lost)


class Lexicon:
    """A list of words with their mood. Stands for something large: reading it takes long, and it cannot be sent to another process."""

    def __init__(self) -> None:
        self.moods = {"favourite": 2, "great": 1, "lovely": 1, "fresh": 1, "friendly": 1}
        self.moods |= {"slow": -1, "bad": -1, "dirty": -1, "wrong": -1, "never": -2}
        self.connection = threading.Lock()
        self.calls = 0

    def mood(self, texts: pd.Series) -> pd.Series:
        """The sum of the moods of the words of each text, as INT. Missing texts are not allowed. Counts its calls."""
        self.calls += 1
        words = texts.str.lower().str.findall("[a-z]+")
        return words.map(lambda found: sum(self.moods.get(word, 0) for word in found)).astype(
            "int32"
        )


# %%
air_measurements.orderBy("sensor_id", "measured_ts").show(3)
reviews.select("review_id", "stars", "text").orderBy("review_id").show(3)

# %% [markdown]
# A `value` is NULL where nothing was measured and -999 where the sensor failed; some readings were published twice. The set-up cell holds a few helpers for the exercises, which come in their place. It also says that Python gets at most 500 rows at a time
# (`spark.sql.execution.arrow.maxRecordsPerBatch`; Spark's own setting is 10,000). Small batches need less memory, and here they also let small tables have several.
#
# ## What a UDF is, and what it costs
#
# A UDF is a Python function that Spark calls once per row. Spark runs in a Java process, so it starts **Python workers** beside it, sends them the function, and
# then all values that the function needs, in packages. Results come back the same way.


# %%
@F.udf("string")
def drawn(stars):
    """Four stars of five are drawn as ****-."""
    return "*" * stars + "-" * (5 - stars)


some = spark.createDataFrame([(1, 4), (2, 1)], "review INT, stars INT")
with_udf = some.select("review", drawn("stars").alias("drawn"))
with_udf.orderBy("review").show()
with_udf.explain()

# %% [markdown]
# `BatchEvalPython` is the step at which rows leave for Python. All that Spark knows of your function is its name and its return type. So Spark cannot turn a filter on its result
# into a filter on a file, cannot simplify it, cannot compile it. The same with column functions:

# %%
without_udf = some.select(
    "review",
    F.concat(F.repeat(F.lit("*"), F.col("stars")), F.repeat(F.lit("-"), 5 - F.col("stars"))).alias(
        "drawn"
    ),
)
without_udf.orderBy("review").show()
without_udf.explain()

# %% [markdown]
# The result is equal and the plan has one step. A function that Spark knows is also right about NULL by itself: `repeat` of NULL is NULL. In Python, NULL arrives as `None`, and it is your job:

# %%
from pyspark.errors import PythonException

try:
    spark.sql("SELECT CAST(NULL AS INT) AS stars").select(drawn("stars")).collect()
except PythonException as error:
    print(str(error).strip().splitlines()[-1])

# %% [markdown]
# An exception in one row ends the whole query. This one is honest. The next trap is silent.
#
# ### The return type is a promise
#
# You declare the type of the result (`"string"` above; if you say nothing, it is `STRING`). Python does not know of this promise. What happens to a value of another type? That depends on how values
# travel: pickled (Python's own way of writing objects down), which is Spark 4.1's default, or as Arrow columns (`useArrow=True`, or for all UDFs `spark.sql.execution.pythonUDF.arrow.enabled`).

# %%
values = {"3": 3, "2.5": 2.5, "'7'": "7"}
one_row = spark.range(1)
for arrow in (False, True):
    print("as Arrow columns:" if arrow else "pickled:")
    for declared in ("int", "double", "string"):
        results = [
            F.udf(lambda _, value=value: value, declared, useArrow=arrow)("id").alias(written)
            for written, value in values.items()
        ]
        print(f"  declared {declared:6}", one_row.select(*results).first().asDict())

# %% [markdown]
# Read the first block again. The function returns 3, you declared `DOUBLE`, and the column is **NULL**: no error, no warning. Python's `round(x)`, `len(x)`, `sum([])`, `max(0, x)` and a simple `return 0` give whole numbers, so
# this happens to everybody. Pickled values are only taken when their Python type fits:
#
# | declared | Python must return | else |
# |---|---|---|
# | `INT`, `BIGINT` | `int` (for `INT` one that fits: 2 to the power of 40 becomes 0) | NULL |
# | `DOUBLE` | `float` | NULL |
# | `STRING` | `str` | some text of the value |
# | `BOOLEAN` | `bool` | NULL |
# | `DECIMAL(p,s)` | `decimal.Decimal` | NULL |
# | `DATE`, `TIMESTAMP` | `datetime.date`, `datetime.datetime` | exception |
# | `STRUCT<...>` | tuple in the order of the fields, `Row`, or dictionary | exception |
# | any | a value of numpy, such as `np.float64` | exception that does not name the cause; use `float(...)` |
#
# With Arrow, values are converted where that is possible (3 becomes 3.0, but 2.5 becomes 2), and what cannot be converted (`'x'` as `INT`) raises. On other versions and platforms the default may be either. So return exactly what you declared, and it works everywhere.
#
# One more trap of types: a `TIMESTAMP` arrives in a UDF as a `datetime` without a zone, in the local time of the *worker's machine*, not in the session's time zone. Let Spark take the hour or the day out of it, and pass that.
#
# ### Several results from one function
#
# A UDF may return a struct. Then it runs once, and its fields become columns:


# %%
@F.udf("shortest STRING, longest STRING")
def extremes(text):
    """The shortest and the longest word; of equally long ones, the first."""
    if not text or not text.split():
        return None
    words = text.split()
    return min(words, key=len), max(words, key=len)


(
    spark.createDataFrame([(1, "a very good lamp"), (2, "  "), (3, None)], "id INT, text STRING")
    .withColumn("word", extremes("text"))
    .select("id", "word.shortest", "word.longest")
    .orderBy("id")
    .show()
)

# %% [markdown]
# `None` for a struct makes all of its fields NULL when you take them out.
#
# ### Exercise 2.3.1: previews
#
# The web shop shows the beginning of each review. Words are what Python's `text.split()` gives. The **preview** is as many of the first words as fit into `width` characters, with one blank between two words. Words are never
# cut, also not at a hyphen. If already the first word is too long, the preview is the empty text.
#
# Return for every review `review_id`, `preview`, and `shown`: the share of the text's words that the preview shows, from 0 to 1. Where the text has no words at all, `preview` is empty and `shown` is 1. Where the text is NULL, both are NULL.
# Write a UDF.


# %% answer="2.3.1" title="Previews"
def previews(reviews: DataFrame, width: int) -> DataFrame:
    """(review_id STRING, preview STRING, shown DOUBLE), one row per review."""

    ### BEGIN SOLUTION
    @F.udf("preview STRING, shown DOUBLE")
    def beginning(text):
        if text is None:
            return None
        words = text.split()
        fitting = 0
        while fitting < len(words) and len(" ".join(words[: fitting + 1])) <= width:
            fitting += 1
        return " ".join(words[:fitting]), fitting / len(words) if words else 1.0

    made = reviews.withColumn("made", beginning("text"))
    return made.select("review_id", "made.preview", "made.shown")
    ### END SOLUTION


# %% check="2.3.1" points=2
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "2.3.1",
    "without words",
    "a narrower preview of texts that are short, empty or blank, begin with a very long word, or have several blanks between words",
    reviews=variants.replaced(
        text=F.expr(
            "CASE crc32(review_id) % 5 WHEN 0 THEN '' WHEN 1 THEN ' \t\n ' WHEN 2 THEN repeat('ab-', 20) || ' x' WHEN 3 THEN concat('  ', replace(text, ' ', '   ')) ELSE left(text, 10 + length(text) % 40) END"
        )
    ),
    width=30,
)
### END HIDDEN TESTS
check("2.3.1", previews, arguments={"width": 40}, key=["review_id"])

# %% [markdown] equivalent="2.3.1" because="The first -1 words of a text are none, which always fit: the loop then goes on with 0."
# - number: 0 → -1

# %% [markdown] hints="2.3.1"
# 1. One function of the text gives both results, as a struct of two fields. Inside it, first answer for `None`.
# 2. Take words as long as the text that they make together is not longer than `width`. `len(" ".join(...))` counts the blanks, too.
# 3. `shown` is declared `DOUBLE`: which Python type must each `return` give, also where there are no words? In the end take the fields out of the struct with a dot.


# %% wrong="2.3.1" because="short, empty or blank"
def previews(reviews, width):
    @F.udf("preview STRING, shown DOUBLE")
    def beginning(text):
        if text is None:
            return None
        words = text.split()
        shown = list(words)
        while len(" ".join(shown)) > width:
            shown.pop()
        return " ".join(shown), len(shown) / len(words) if words else 1

    return reviews.withColumn("made", beginning("text")).select("review_id", "made.*")


# %% wrong="2.3.1" because="NoneType"
def previews(reviews, width):
    @F.udf("preview STRING, shown DOUBLE")
    def beginning(text):
        words = text.split()
        shown = list(words)
        while len(" ".join(shown)) > width:
            shown.pop()
        return " ".join(shown), len(shown) / len(words) if words else 1.0

    return reviews.withColumn("made", beginning("text")).select("review_id", "made.*")


# %% wrong="2.3.1" because="`preview` is wrong"
def previews(reviews, width):
    @F.udf("preview STRING, shown DOUBLE")
    def beginning(text):
        if text is None:
            return None
        words, shown, length = text.split(), [], 0
        for word in words:
            length += len(word)
            if length > width:
                break
            shown.append(word)
        return " ".join(shown), len(shown) / len(words) if words else 1.0

    return reviews.withColumn("made", beginning("text")).select("review_id", "made.*")


# %% wrong="2.3.1" because="begin with a very long word"
def previews(reviews, width):
    import textwrap

    @F.udf("preview STRING, shown DOUBLE")
    def beginning(text):
        if text is None:
            return None
        preview = textwrap.shorten(text, width, placeholder="", break_on_hyphens=False)
        words = text.split()
        return preview, len(preview.split()) / len(words) if words else 1.0

    return reviews.withColumn("made", beginning("text")).select("review_id", "made.*")


# %% wrong="2.3.1" because="short, empty or blank"
def previews(reviews, width):
    @F.udf("preview STRING, shown DOUBLE")
    def beginning(text):
        words = (text or "").split()
        if not words:
            return None
        shown = list(words)
        while len(" ".join(shown)) > width:
            shown.pop()
        return " ".join(shown), len(shown) / len(words)

    return reviews.withColumn("made", beginning("text")).select("review_id", "made.*")


# %% wrong="2.3.1" because="several blanks between words"
def previews(reviews, width):
    @F.udf("preview STRING, shown DOUBLE")
    def beginning(text):
        if text is None:
            return None
        words = text.split()
        cut = text[: width + 1]
        kept = cut.split()
        if len(text) > width and not cut[-1:].isspace():
            kept = kept[:-1]
        return " ".join(kept), len(kept) / len(words) if words else 1.0

    made = reviews.withColumn("made", beginning("text"))
    return made.select("review_id", "made.preview", "made.shown")


# %% right="2.3.1"
def previews(reviews, width):
    def kept(text):
        words = text.split()
        return [word for n, word in enumerate(words) if len(" ".join(words[: n + 1])) <= width]

    preview = F.udf(lambda text: None if text is None else " ".join(kept(text)))
    shown = F.udf(
        lambda text: None if text is None else len(kept(text)) / max(1, len(text.split())), "double"
    )
    none = F.udf(lambda text: text is not None and not text.split(), "boolean")
    return reviews.select(
        "review_id",
        preview("text").alias("preview"),
        F.when(none("text"), 1.0).otherwise(shown("text")).alias("shown"),
    )


# %% right="2.3.1"
def previews(reviews, width):
    return reviews.sparkSession.sql(f"""
        WITH split_up AS (
            SELECT review_id, text, filter(split(text, '[ \\\\s]+'), w -> w <> '') AS words FROM reviews),
        counted AS (
            SELECT *, size(filter(sequence(1, greatest(size(words), 1)),
                n -> n <= size(words) AND length(array_join(slice(words, 1, n), ' ')) <= {width})) AS fitting
            FROM split_up)
        SELECT review_id, array_join(slice(words, 1, fitting), ' ') AS preview,
               CASE WHEN text IS NULL THEN NULL WHEN size(words) = 0 THEN 1D
                    ELSE CAST(fitting AS DOUBLE) / size(words) END AS shown
        FROM counted
    """)


# %% [markdown]
# ## First ask whether you need Python
#
# Spark 4.1 has more than 500 built-in functions, and higher-order functions (`transform`, `filter`, `aggregate`) for arrays. Most UDFs in real programs could be replaced. It is worth the effort: the plan stays in one engine, filters reach the files,
# NULL is handled, no Python worker needs memory. But the replacement must do **the same**, and Python and Spark disagree in small things:
#
# | Python | Spark | differs in |
# |---|---|---|
# | `round(2.5)` is 2: a half goes to the even neighbour | `F.round` gives 3; `F.bround` gives 2 | halves |
# | `-3 % 24` is 21 | `F.col("x") % 24` is -3; `F.pmod` gives 21 | negative numbers |
# | `-7 // 2` is -4 | `F.floor(a / b)` is -4; `CAST` and SQL's `div` give -3 | negative numbers |
# | `text[-3:]` | `F.right(text, F.lit(3))`, `substring(text, -3, 3)` | |
# | `text.split()` splits at runs of blanks, no empty parts | `F.split(text, r"\s+")` may give an empty part at either end | blanks at the ends |
# | `text.title()` | `F.initcap` | letters behind an apostrophe or a hyphen |
# | `value in [1, None]` | `isin` with a NULL in the list is never false | NULL |
# | `a == b` with `None` is `False` | `=` with NULL is NULL | NULL |
#
# A check is cheap: compute both, and count the rows in which they differ.


# %%
@F.udf("bigint")
def half(number):
    """Half of a number, rounded as Python does."""
    return None if number is None else round(number / 2)


numbers = spark.createDataFrame([(n,) for n in (*range(-3, 4), None)], "number BIGINT")
for name, candidate in {"round": F.round, "bround": F.bround}.items():
    replacement = candidate(F.col("number") / 2).cast("bigint")
    differ = numbers.filter(~half("number").eqNullSafe(replacement))
    print(f"{name:7}", sorted(row.number for row in differ.collect()))

# %% [markdown]
# ### Exercise 2.3.2: the same, without Python
#
# A colleague describes readings with this UDF. `hour` is `F.hour("measured_ts")`; in the result hours are counted from ten in the evening, when the night shift begins.
#
# ```python
# @F.udf("band BIGINT, shift_hour INT, place STRING")
# def describe(value, hour, parameter, sensor_id):
#     shift_hour = (hour - 22) % 24
#     place = f"{parameter[:2]}-{sensor_id:03d}"
#     if value is None or value == -999:
#         return None, shift_hour, place
#     return round(value / 5) * 5, shift_hour, place
# ```
#
# Return for every measurement `sensor_id`, `measured_ts`, `band`, `shift_hour` and `place`, with exactly the colleague's values and types, but without Python: the plan must not hand any row to a Python worker.
# `parameter` is never NULL. In `f"{sensor_id:03d}"`, numbers with less than three digits get zeros in front; longer numbers stay as they are.


# %% answer="2.3.2" title="The same, without Python"
def described(air_measurements: DataFrame) -> DataFrame:
    """(sensor_id INT, measured_ts TIMESTAMP, band BIGINT, shift_hour INT, place STRING), one row per measurement."""
    ### BEGIN SOLUTION
    band = (F.bround(F.col("value") / 5) * 5).cast("bigint")
    hour = F.pmod(F.hour("measured_ts") - 22, F.lit(24))
    return air_measurements.select(
        "sensor_id",
        "measured_ts",
        F.when(F.col("value") != -999, band).alias("band"),
        hour.alias("shift_hour"),
        F.format_string("%s-%03d", F.left("parameter", F.lit(2)), "sensor_id").alias("place"),
    )
    ### END SOLUTION


# %% check="2.3.2" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.3.2",
    "halves",
    "values half-way between two bands, also negative ones, and numbers of sensors with one to four digits",
    air_measurements=variants.replaced(
        value=F.expr("if(value > 30, -1, 1) * (5 * (hour(measured_ts) % 7) + 2.5D)"),
        sensor_id=F.expr(
            "sensor_id * CASE WHEN sensor_id % 3 = 0 THEN 1 WHEN sensor_id % 3 = 1 THEN 10 ELSE 100 END"
        ),
    ),
)
### END HIDDEN TESTS
check("2.3.2", described, plan={"python": False})

# %% [markdown] hints="2.3.2"
# 1. Take the UDF apart: three results, three column expressions. For each, look up in the table above where Python and Spark disagree.
# 2. Which row of the table is about halves, and which about remainders of negative numbers? And what should a reading of -999 give: which form of `when` gives NULL?
# 3. For the place, `F.format_string` knows `%s` and `%03d`. `F.lpad` would also cut long numbers.


# %% wrong="2.3.2" because="hands rows to Python"
def described(air_measurements):
    @F.udf("band BIGINT, shift_hour INT, place STRING")
    def describe(value, hour, parameter, sensor_id):
        shift_hour = (hour - 22) % 24
        place = f"{parameter[:2]}-{sensor_id:03d}"
        if value is None or value == -999:
            return None, shift_hour, place
        return round(value / 5) * 5, shift_hour, place

    made = describe("value", F.hour("measured_ts"), "parameter", "sensor_id")
    return air_measurements.withColumn("made", made).select("sensor_id", "measured_ts", "made.*")


# %% wrong="2.3.2" because="`band` is wrong"
def described(air_measurements):
    return air_measurements.selectExpr(
        "sensor_id",
        "measured_ts",
        "CASE WHEN value <> -999 THEN CAST(round(value / 5) * 5 AS BIGINT) END AS band",
        "pmod(hour(measured_ts) - 22, 24) AS shift_hour",
        "format_string('%s-%03d', left(parameter, 2), sensor_id) AS place",
    )


# %% wrong="2.3.2" because="`shift_hour` is wrong"
def described(air_measurements):
    return air_measurements.selectExpr(
        "sensor_id",
        "measured_ts",
        "CASE WHEN value <> -999 THEN CAST(bround(value / 5) * 5 AS BIGINT) END AS band",
        "(hour(measured_ts) - 22) % 24 AS shift_hour",
        "format_string('%s-%03d', left(parameter, 2), sensor_id) AS place",
    )


# %% wrong="2.3.2" because="`band` is wrong"
def described(air_measurements):
    return air_measurements.selectExpr(
        "sensor_id",
        "measured_ts",
        "CAST(bround(value / 5) * 5 AS BIGINT) AS band",
        "(hour(measured_ts) + 2) % 24 AS shift_hour",
        "format_string('%s-%03d', left(parameter, 2), sensor_id) AS place",
    )


# %% wrong="2.3.2" because="one to four digits"
def described(air_measurements):
    return air_measurements.selectExpr(
        "sensor_id",
        "measured_ts",
        "CASE WHEN value <> -999 THEN CAST(bround(value / 5) * 5 AS BIGINT) END AS band",
        "(hour(measured_ts) + 2) % 24 AS shift_hour",
        "concat(left(parameter, 2), '-', lpad(sensor_id, 3, '0')) AS place",
    )


# %% right="2.3.2"
def described(air_measurements):
    return air_measurements.sparkSession.sql("""
        SELECT sensor_id, measured_ts,
               5 * CAST(bround(nullif(value, -999) / 5) AS BIGINT) AS band,
               (hour(measured_ts) + 2) % 24 AS shift_hour,
               concat(substring(parameter, 1, 2), '-',
                      if(length(sensor_id) < 3, lpad(sensor_id, 3, '0'), string(sensor_id))) AS place
        FROM air_measurements
    """)


# %% right="2.3.2"
def described(air_measurements):
    steps = F.col("value") / 5
    below = F.floor(steps)
    half = (steps - below == 0.5) & (F.pmod(below, F.lit(2)) == 0)
    nearest = F.when(half, below).otherwise(F.floor(steps + 0.5))
    zeros = F.when(F.col("sensor_id") < 10, "00").when(F.col("sensor_id") < 100, "0").otherwise("")
    return air_measurements.select(
        "sensor_id",
        "measured_ts",
        F.when(F.col("value") != -999, nearest * 5).alias("band"),
        F.when(F.hour("measured_ts") >= 22, F.hour("measured_ts") - 22)
        .otherwise(F.hour("measured_ts") + 2)
        .alias("shift_hour"),
        F.concat(F.substring("parameter", 1, 2), F.lit("-"), zeros, "sensor_id").alias("place"),
    )


# %% [markdown]
# ## pandas UDFs: a batch at a time
#
# Some things are in a library and nowhere in Spark. Then let the library work as it works best: on many values at once. **Arrow** is a format for columns in memory that Java and Python read alike. A **pandas UDF** gets a batch of rows as one `pandas.Series` for each
# argument, made from Arrow columns, and gives a `Series` of the same length back. numpy and pandas then loop in C, not in Python.


# %%
@F.pandas_udf("int")
def sentences(texts: pd.Series) -> pd.Series:
    """Number of marks that end a sentence."""
    return texts.str.count("[.!?]")


counted = reviews.select("review_id", sentences("text").alias("sentences"))
counted.orderBy("review_id").show(3)
print(counted.filter("sentences IS NULL").count(), "texts are NULL")

# %% [markdown]
# The type hints matter: Spark reads from them which kind of pandas UDF this is. `Series -> Series` is the plain one. In the plan its step is `ArrowEvalPython`.
#
# What arrives, and what becomes of it:
#
# - NULL in a number is `NaN`. A column of integers **with** a NULL therefore arrives as `float64`, without one as `int64`. Whole numbers above 2 to the power of 53 are then not exact any more.
# - NULL in a text is `None`, and pandas' text functions pass it on.
# - On the way back every missing value is NULL, also a `NaN` that was `NaN` before.
# - The result must fit the declared type: 2.0 is fine as `INT`, 2.5 raises an exception. The length must be that of the batch.
#
# The most frequent error is to take the batch for the column:


# %%
@F.pandas_udf("double")
def mean_of_what(values: pd.Series) -> pd.Series:
    """The mean of ... all values?"""
    return pd.Series(values.mean(), index=values.index)


print(air_measurements.count(), "rows")
print(air_measurements.select(mean_of_what("value").alias("mean")).distinct().count(), "means")

# %% [markdown]
# Nine batches, nine "means". Where batches begin and end is Spark's business: it depends on partitions, on a setting, on the day. **A pandas UDF must give each row a result that does not depend on its neighbours.** For a mean, use an aggregate. (There are pandas UDFs that
# aggregate, `Series -> float`; Spark calls them with a whole group. You will see one below.)
#
# ### Exercise 2.3.3: an index for the air
#
# Authorities turn a concentration into an index by a line through fixed points: `limits` are concentrations, each larger than the one before, and `scores` has the index at each, so both lists are equally long. Between two points the index lies on the straight line; above the last limit it stays at the last score, below the first at the first.
# `np.interp` does this for a whole array.
#
# Return for every measurement of the parameter `pm25` its `sensor_id`, `measured_ts` and `index`, rounded **down** to a whole number. Where the value is NULL or -999, the index is NULL. Use a pandas UDF.


# %% answer="2.3.3" title="An index for the air"
def air_index(air_measurements: DataFrame, limits: list[float], scores: list[float]) -> DataFrame:
    """(sensor_id INT, measured_ts TIMESTAMP, index INT), one row per measurement of pm25, by a pandas UDF."""

    ### BEGIN SOLUTION
    @F.pandas_udf("int")
    def index_of(values: pd.Series) -> pd.Series:
        index = pd.Series(np.floor(np.interp(values, limits, scores)))
        return index.where(values != -999)

    return air_measurements.filter("parameter = 'pm25'").select(
        "sensor_id", "measured_ts", index_of("value").alias("index")
    )
    ### END SOLUTION


# %% check="2.3.3" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.3.3",
    "other law",
    "other limits, and scores that begin below 0, with values below zero, on a limit, below the first, and above the last",
    air_measurements=variants.replaced(
        value=F.expr(
            "if(value = -999, value, if(hour(measured_ts) % 8 = 3, -1, 1) * cast(value AS INT))"
        )
    ),
    limits=[6.0, 9.0, 12.0, 20.0],
    scores=[-4.5, 13.0, 40.0, 55.5],
)
### END HIDDEN TESTS
check(
    "2.3.3",
    air_index,
    arguments={
        "limits": [0.0, 12.0, 35.4, 55.4, 150.4],
        "scores": [0.0, 50.0, 100.0, 150.0, 200.0],
    },
    plan={"python_functions": ["pandas_udf", "pandas_udf with iterators"]},
)

# %% [markdown] equivalent="2.3.3" because="A filter drops rows for which the condition is false and rows for which it is NULL."
# - SQL null-safe equality: parameter = 'pm25' → parameter <=> 'pm25'

# %% [markdown] hints="2.3.3"
# 1. Filter with Spark first, so that only rows of pm25 travel. The function then gets the values as a Series.
# 2. `np.interp` takes the whole Series at once and gives an array; `np.floor` rounds down. `NaN` stays `NaN` in both, and becomes NULL.
# 3. -999 is below the first limit, so it gets the first score. Set the result to missing there: `Series.where(condition)` keeps what fulfils the condition. Do not convert to `int` yourself: Spark does it, and pandas could not because of `NaN`.


# %% wrong="2.3.3" because="`index` is wrong"
def air_index(air_measurements, limits, scores):
    @F.pandas_udf("int")
    def index_of(values: pd.Series) -> pd.Series:
        return pd.Series(np.floor(np.interp(values, limits, scores)))

    return air_measurements.filter("parameter = 'pm25'").select(
        "sensor_id", "measured_ts", index_of("value").alias("index")
    )


# %% wrong="2.3.3" because="convert"
def air_index(air_measurements, limits, scores):
    @F.pandas_udf("int")
    def index_of(values: pd.Series) -> pd.Series:
        index = pd.Series(np.floor(np.interp(values, limits, scores)))
        return index.where(values != -999).astype(int)

    return air_measurements.filter("parameter = 'pm25'").select(
        "sensor_id", "measured_ts", index_of("value").alias("index")
    )


# %% wrong="2.3.3" because="this exercise wants"
def air_index(air_measurements, limits, scores):
    @F.udf("int")
    def index_of(value):
        if value is None or value == -999:
            return None
        return int(np.interp(value, limits, scores))

    return air_measurements.filter("parameter = 'pm25'").select(
        "sensor_id", "measured_ts", index_of("value").alias("index")
    )


# %% wrong="2.3.3" because="`index` is wrong"
def air_index(air_measurements, limits, scores):
    @F.pandas_udf("int")
    def index_of(values: pd.Series) -> pd.Series:
        index = pd.Series(np.round(np.interp(values, limits, scores)))
        return index.where(values != -999)

    return air_measurements.filter("parameter = 'pm25'").select(
        "sensor_id", "measured_ts", index_of("value").alias("index")
    )


# %% wrong="2.3.3" because="other limits, and scores"
def air_index(air_measurements, limits, scores):
    known = ([0.0, 12.0, 35.4, 55.4, 150.4], [0.0, 50.0, 100.0, 150.0, 200.0])

    @F.pandas_udf("int")
    def index_of(values: pd.Series) -> pd.Series:
        return pd.Series(np.floor(np.interp(values, *known))).where(values >= 0)

    return air_measurements.filter("parameter = 'pm25'").select(
        "sensor_id", "measured_ts", index_of("value").alias("index")
    )


# %% wrong="2.3.3" because="begin below 0"
def air_index(air_measurements, limits, scores):
    @F.pandas_udf("double")
    def index_of(values: pd.Series) -> pd.Series:
        return pd.Series(np.interp(values, limits, scores)).where(values != -999)

    of_pm25 = air_measurements.filter("parameter = 'pm25'")
    index = index_of("value").cast("int")
    return of_pm25.select("sensor_id", "measured_ts", index.alias("index"))


# %% wrong="2.3.3" because="values below zero"
def air_index(air_measurements, limits, scores):
    @F.pandas_udf("int")
    def index_of(values: pd.Series) -> pd.Series:
        index = pd.Series(np.floor(np.interp(values, limits, scores)))
        return index.where(values >= 0)

    return air_measurements.filter("parameter = 'pm25'").select(
        "sensor_id", "measured_ts", index_of("value").alias("index")
    )


# %% right="2.3.3"
def air_index(air_measurements, limits, scores):
    def index_of(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for values in batches:
            known = values.mask(values == -999)
            index = np.floor(np.interp(known.fillna(0), limits, scores))
            yield pd.Series(index).astype("Int32").mask(known.isna())

    made = F.pandas_udf(index_of, "int")("value")
    return air_measurements.filter("parameter = 'pm25'").select(
        "sensor_id", "measured_ts", made.alias("index")
    )


# %% right="2.3.3"
def air_index(air_measurements, limits, scores):
    @F.pandas_udf("double")
    def interpolated(values: pd.Series) -> pd.Series:
        return pd.Series(np.interp(values, limits, scores))

    known = air_measurements.filter("parameter = 'pm25'").selectExpr(
        "sensor_id", "measured_ts", "nullif(value, -999) AS value"
    )
    return known.select(
        "sensor_id", "measured_ts", F.floor(interpolated("value")).cast("int").alias("index")
    )


# %% [markdown]
# ## Set up once, use for many batches
#
# A model that must be loaded, a dictionary of a million words, a connection: what takes seconds must not be made anew for every batch, let alone for every row. It often cannot be made on the driver either, because a connection or a lock cannot be pickled and sent. The remedy
# is a pandas UDF of **iterators**: Spark calls the function once for each *partition*, with an iterator over its batches. What stands before the loop is done once.

# %%
import re


@F.pandas_udf("int")
def rows_at_once(columns: Iterator[pd.Series]) -> Iterator[pd.Series]:
    """How many rows came together with this one. The pattern stands for an expensive set-up."""
    pattern = re.compile("[a-z]+")
    for column in columns:
        assert pattern is not None
        yield pd.Series(len(column), index=column.index)


reviews.select(rows_at_once("text").alias("rows_at_once")).groupBy("rows_at_once").count().show()

# %% [markdown]
# The function has `yield`: one result for each batch, of the same length, in the same order. A function with several arguments gets an iterator over tuples (`Iterator[tuple[pd.Series, pd.Series]]`).
#
# A pandas UDF may return a struct, too: then it gives a `pandas.DataFrame` with a column for each field.
#
# ### Exercise 2.3.4: one lexicon per partition
#
# The class `Lexicon` of the set-up cell knows the mood of words. `lexicon.mood(texts)` takes a Series of texts and gives a Series of whole numbers. It fails when a text is missing, it counts its own calls in `lexicon.calls`, and it cannot be pickled. Making one takes long, so there must be **one for each partition**.
#
# Return for every review its `review_id`, the `mood` of its text (NULL where the text is NULL), and `call`: the value of `lexicon.calls` just after the batch of this review was rated, 1 for the reviews of the first batch. Call `mood` exactly once per batch, also for
# a batch without any text. Do not change the number or the order of rows, nor the partitions.


# %% answer="2.3.4" title="One lexicon per partition"
def moods(reviews: DataFrame) -> DataFrame:
    """(review_id STRING, mood INT or NULL, call INT), one row per review; the lexicon is made once per partition."""

    ### BEGIN SOLUTION
    @F.pandas_udf("mood INT, call INT")
    def rated(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        lexicon = Lexicon()
        for texts in batches:
            mood = lexicon.mood(texts.fillna("")).where(texts.notna())
            yield pd.DataFrame({"mood": mood, "call": lexicon.calls})

    return reviews.withColumn("rated", rated("text")).select("review_id", "rated.*")
    ### END SOLUTION


# %% check="2.3.4" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.3.4",
    "more reviews",
    "more batches, some of them without any text",
    reviews=lambda reviews: reviews.withColumn("text", F.expr("if(useful > 90, text, NULL)")).union(
        reviews
    ),
)
### END HIDDEN TESTS
check("2.3.4", moods)

# %% [markdown] equivalent="2.3.4" because="The mood of the text that stands in for a missing one is thrown away, and has no letters either way."
# - text: '' → '~'

# %% [markdown] hints="2.3.4"
# 1. Which line must run once per partition, and which once per batch? The function takes an iterator over Series and yields once for each of them.
# 2. Two results: declare a struct of two fields, and yield a `pd.DataFrame` with columns of these names.
# 3. `fillna("")` makes the texts ready for the lexicon. Afterwards `where(texts.notna())` sets the mood to missing where the text was.


# %% wrong="2.3.4" because="`call` is wrong"
def moods(reviews):
    @F.pandas_udf("mood INT, call INT")
    def rated(texts: pd.Series) -> pd.DataFrame:
        lexicon = Lexicon()
        mood = lexicon.mood(texts.fillna("")).where(texts.notna())
        return pd.DataFrame({"mood": mood, "call": lexicon.calls})

    return reviews.withColumn("rated", rated("text")).select("review_id", "rated.*")


# %% wrong="2.3.4" because="pickle"
def moods(reviews):
    lexicon = Lexicon()

    @F.pandas_udf("mood INT, call INT")
    def rated(texts: pd.Series) -> pd.DataFrame:
        mood = lexicon.mood(texts.fillna("")).where(texts.notna())
        return pd.DataFrame({"mood": mood, "call": lexicon.calls})

    return reviews.withColumn("rated", rated("text")).select("review_id", "rated.*")


# %% wrong="2.3.4" because="`mood` is wrong"
def moods(reviews):
    @F.pandas_udf("mood INT, call INT")
    def rated(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        lexicon = Lexicon()
        for texts in batches:
            mood = lexicon.mood(texts.fillna(""))
            yield pd.DataFrame({"mood": mood, "call": lexicon.calls})

    return reviews.withColumn("rated", rated("text")).select("review_id", "rated.*")


# %% wrong="2.3.4" because="some of them without any text"
def moods(reviews):
    @F.pandas_udf("mood INT, call INT")
    def rated(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        lexicon = Lexicon()
        for texts in batches:
            mood = pd.Series(None, index=texts.index, dtype="float64")
            if texts.notna().any():
                mood = lexicon.mood(texts.fillna("")).where(texts.notna())
            yield pd.DataFrame({"mood": mood, "call": lexicon.calls})

    return reviews.withColumn("rated", rated("text")).select("review_id", "rated.*")


# %% right="2.3.4"
def moods(reviews):
    def rated(frames):
        lexicon = Lexicon()
        for frame in frames:
            mood = lexicon.mood(frame["text"].fillna("")).astype("Int32")
            yield frame[["review_id"]].assign(
                mood=mood.mask(frame["text"].isna()), call=lexicon.calls
            )

    return reviews.select("review_id", "text").mapInPandas(
        rated, "review_id STRING, mood INT, call INT"
    )


# %% right="2.3.4"
def moods(reviews):
    @F.pandas_udf("mood INT, call INT")
    def rated(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        lexicon = None
        for texts in batches:
            lexicon = lexicon or Lexicon()
            known = [
                None if text is None else value
                for text, value in zip(texts, lexicon.mood(texts.fillna("")), strict=True)
            ]
            yield pd.DataFrame(
                {"mood": pd.array(known, dtype="Int32"), "call": [lexicon.calls] * len(texts)}
            )

    return reviews.select("review_id", rated("text").alias("r")).select(
        "review_id", "r.mood", "r.call"
    )


# %% [markdown]
# ## Arrow UDFs: without pandas in between
#
# pandas costs a conversion, and it has no NULL for integers. An **Arrow UDF** (new in Spark 4.1) works on the Arrow columns themselves: it gets a `pyarrow.Array` and returns one. `pyarrow.compute` has some 300 functions for them, written in C++, and all of them know NULL.


# %%
@F.pandas_udf("bigint")
def through_pandas(numbers: pd.Series) -> pd.Series:
    """The same numbers."""
    return numbers


@F.arrow_udf("bigint")
def through_arrow(numbers: pa.Array) -> pa.Array:
    """The same numbers."""
    return numbers


large = spark.sql("SELECT explode(array(9007199254740993, NULL)) AS number").coalesce(1)
large.select("number", through_pandas("number"), through_arrow("number")).show()

# %% [markdown]
# With the NULL in the batch, pandas takes floating-point numbers, and the last digit is lost: 9,007,199,254,740,992. Arrow keeps it.
#
# The building blocks of `pc` look like Spark's functions, but they are called with values, and they run at once. A worked example, the first letters of words:


# %%
@F.arrow_udf("string")
def initials(texts: pa.Array) -> pa.Array:
    """'Ana Maria' becomes 'AM'; NULL and texts without capital letters are '?'."""
    capitals = pc.replace_substring_regex(texts, "[^A-Z]", "")
    return pc.if_else(pc.fill_null(pc.greater(pc.utf8_length(capitals), 0), False), capitals, "?")


people = spark.createDataFrame([("Ana Maria",), ("nobody",), (None,)], "name STRING").coalesce(1)
people.select("name", initials("name").alias("initials")).orderBy("name").show()

# %% [markdown]
# ### Exercise 2.3.5: a handle for everybody
#
# Each customer gets a handle made from the name, for a web address: `"Zoë  d'Été-Łuk"` becomes `"zoe-d-ete-luk"`. The rules, in this order:
#
# 1. Lower case.
# 2. Each letter that is a key of the dictionary `letters` is replaced by its value (such as `ł` by `l`, `ß` by `ss`). No value contains a key.
# 3. Accents go: `pc.utf8_normalize(texts, "NFKD")` takes a letter such as `é` apart into `e` and an accent, and a sign that stands for letters, such as `№`, into these. Spark has no function for this. All characters of Unicode's class "mark", `\p{M}` in a pattern, are then removed.
# 4. Every run of characters other than `a` to `z` and `0` to `9` becomes one hyphen, and hyphens at either end go.
# 5. If nothing is left, or the name is NULL, the handle is NULL.
#
# Return `customer_id` and `handle` for every customer. Use an Arrow UDF. `dir(pc)` lists what there is; functions for texts begin with `utf8_` (such as `utf8_lower`) or `replace_`.


# %% answer="2.3.5" title="A handle for everybody"
def handles(customers: DataFrame, letters: dict[str, str]) -> DataFrame:
    """(customer_id BIGINT, handle STRING or NULL), one row per customer, by an Arrow UDF."""

    ### BEGIN SOLUTION
    @F.arrow_udf("string")
    def handle(names: pa.Array) -> pa.Array:
        texts = pc.utf8_lower(names)
        for letter, replacement in letters.items():
            texts = pc.replace_substring(texts, letter, replacement)
        texts = pc.replace_substring_regex(pc.utf8_normalize(texts, "NFKD"), r"\p{M}", "")
        texts = pc.utf8_trim(pc.replace_substring_regex(texts, "[^a-z0-9]+", "-"), "-")
        return pc.if_else(pc.equal(texts, ""), None, texts)

    return customers.select("customer_id", handle("name").alias("handle"))
    ### END SOLUTION


# %% check="2.3.5" points=2
### BEGIN HIDDEN TESTS
variant(
    "2.3.5",
    "odd names",
    "names that are NULL, blank or only signs, capital letters with accents, digits, and signs that stand for letters",
    customers=variants.replaced(
        name=F.expr("""CASE customer_id % 6
            WHEN 0 THEN NULL WHEN 1 THEN concat(' ', name, '!') WHEN 2 THEN '--' WHEN 3 THEN '  '
            WHEN 4 THEN concat('ÅÉÑŁ  (', customer_id, ')') ELSE concat('№ ', upper(name), ' (Oﬃce)') END""")
    ),
)
variant(
    "2.3.5",
    "other letters",
    "another dictionary of letters",
    letters={"ö": "oe", "ü": "ue", "ä": "ae", "ß": "sz"},
)
### END HIDDEN TESTS
check(
    "2.3.5",
    handles,
    arguments={"letters": {"ł": "l", "ß": "ss", "ø": "oe"}},
    key=["customer_id"],
    plan={"python_functions": ["arrow_udf", "arrow_udf with iterators"]},
)

# %% [markdown] equivalent="2.3.5" because="Nothing but letters, digits and hyphens is left when the ends are trimmed."
# - text: '-' → '-~' (2)

# %% [markdown] equivalent="2.3.5" because="Equality is symmetric."
# - swap arguments: pc.equal(texts, '') → pc.equal('', texts)

# %% [markdown] hints="2.3.5"
# 1. Every rule is one call of a function of `pc` on the whole array, and the result of one is the argument of the next. NULL passes through all of them.
# 2. `dir(pc)` lists the functions; those for texts begin with `utf8_` or `replace_`. Rule 2 is a loop over `letters.items()`.
# 3. In the end, `pc.if_else(condition, None, texts)` turns some values into NULL.


# %% wrong="2.3.5" because="`handle` is wrong"
def handles(customers, letters):
    @F.arrow_udf("string")
    def handle(names: pa.Array) -> pa.Array:
        texts = pc.utf8_lower(names)
        for letter, replacement in letters.items():
            texts = pc.replace_substring(texts, letter, replacement)
        texts = pc.utf8_trim(pc.replace_substring_regex(texts, "[^a-z0-9]+", "-"), "-")
        return pc.if_else(pc.equal(texts, ""), None, texts)

    return customers.select("customer_id", handle("name").alias("handle"))


# %% wrong="2.3.5" because="this exercise wants"
def handles(customers, letters):
    import re
    import unicodedata

    @F.udf("string")
    def handle(name):
        text = (name or "").lower()
        for letter, replacement in letters.items():
            text = text.replace(letter, replacement)
        text = "".join(
            c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
        )
        return re.sub("[^a-z0-9]+", "-", text).strip("-") or None

    return customers.select("customer_id", handle("name").alias("handle"))


# %% wrong="2.3.5" because="only signs"
def handles(customers, letters):
    @F.arrow_udf("string")
    def handle(names: pa.Array) -> pa.Array:
        texts = pc.utf8_lower(names)
        for letter, replacement in letters.items():
            texts = pc.replace_substring(texts, letter, replacement)
        texts = pc.replace_substring_regex(pc.utf8_normalize(texts, "NFKD"), r"\p{M}", "")
        return pc.utf8_trim(pc.replace_substring_regex(texts, "[^a-z0-9]+", "-"), "-")

    return customers.select("customer_id", handle("name").alias("handle"))


# %% wrong="2.3.5" because="capital letters with accents"
def handles(customers, letters):
    @F.arrow_udf("string")
    def handle(names: pa.Array) -> pa.Array:
        texts = names
        for letter, replacement in letters.items():
            texts = pc.replace_substring(texts, letter, replacement)
        texts = pc.replace_substring_regex(pc.utf8_normalize(texts, "NFKD"), r"\p{M}", "")
        texts = pc.replace_substring_regex(pc.utf8_lower(texts), "[^a-z0-9]+", "-")
        texts = pc.utf8_trim(texts, "-")
        return pc.if_else(pc.equal(texts, ""), None, texts)

    return customers.select("customer_id", handle("name").alias("handle"))


# %% wrong="2.3.5" because="another dictionary of letters"
def handles(customers, letters):
    @F.arrow_udf("string")
    def handle(names: pa.Array) -> pa.Array:
        texts = pc.utf8_normalize(pc.utf8_lower(names), "NFKD")
        texts = pc.replace_substring_regex(texts, r"\p{M}", "")
        for letter, replacement in letters.items():
            texts = pc.replace_substring(texts, letter, replacement)
        texts = pc.utf8_trim(pc.replace_substring_regex(texts, "[^a-z0-9]+", "-"), "-")
        return pc.if_else(pc.equal(texts, ""), None, texts)

    return customers.select("customer_id", handle("name").alias("handle"))


# %% wrong="2.3.5" because="signs that stand for letters"
def handles(customers, letters):
    @F.arrow_udf("string")
    def handle(names: pa.Array) -> pa.Array:
        texts = pc.utf8_lower(names)
        for letter, replacement in letters.items():
            texts = pc.replace_substring(texts, letter, replacement)
        texts = pc.replace_substring_regex(pc.utf8_normalize(texts, "NFD"), r"\p{M}", "")
        texts = pc.utf8_trim(pc.replace_substring_regex(texts, "[^a-z0-9]+", "-"), "-")
        return pc.if_else(pc.equal(texts, ""), None, texts)

    return customers.select("customer_id", handle("name").alias("handle"))


# %% right="2.3.5"
def handles(customers, letters):
    import re
    import unicodedata

    def plain(name):
        text = (name or "").lower()
        text = "".join(letters.get(c, c) for c in text)
        text = "".join(
            c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
        )
        return re.sub("[^a-z0-9]+", "-", text).strip("-") or None

    @F.arrow_udf("string")
    def handle(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        for names in batches:
            yield pa.array([plain(name) for name in names.to_pylist()], pa.string())

    return customers.select("customer_id", handle("name").alias("handle"))


# %% right="2.3.5"
def handles(customers, letters):
    @F.arrow_udf("string")
    def without_accents(names: pa.Array) -> pa.Array:
        return pc.replace_substring_regex(pc.utf8_normalize(names, "NFKD"), r"\p{M}", "")

    name = F.lower("name")
    for letter, replacement in letters.items():
        name = F.replace(name, F.lit(letter), F.lit(replacement))
    plain = F.regexp_replace(without_accents(name), "[^a-z0-9]+", "-")
    handle = F.nullif(F.btrim(plain, F.lit("-")), F.lit(""))
    return customers.select("customer_id", handle.alias("handle"))


# %% [markdown]
# ## A group at a time: one model for each sensor
#
# `groupBy(...).applyInPandas(function, schema)` gives your function one whole group as a `pandas.DataFrame` and takes a `pandas.DataFrame` back, with any number of rows. So each group can have its own small model from numpy, scikit-learn or any library that knows nothing of Spark, and Spark
# fits many of them **at the same time**, one task for each partition of groups. A straight line through the values of each sensor for fine dust:


# %%
def line(key: tuple, readings: pd.DataFrame) -> pd.DataFrame:
    """(sensor_id, slope in µg/m³ per day, mean in µg/m³) of one sensor."""
    days = (readings["measured_ts"] - readings["measured_ts"].min()) / pd.Timedelta(days=1)
    slope, _ = np.polyfit(days, readings["value"], 1)
    return pd.DataFrame(
        [(*key, round(slope, 2), round(readings["value"].mean(), 2))],
        columns=["sensor_id", "slope", "mean"],
    )


fine_dust = usable(air_measurements.filter("parameter = 'pm25'"))
lines = fine_dust.groupBy("sensor_id").applyInPandas(
    line, "sensor_id INT, slope DOUBLE, mean DOUBLE"
)
lines.orderBy("sensor_id").show(3)

# %% [markdown]
# What to know:
#
# - The function may take the key first, as a tuple; it may also take the group only.
# - The rows of a group come in **no particular order**. Sort them in the function (`sort_values`) if order matters.
# - Columns are matched by name if the DataFrame has names; missing or unexpected ones raise. Rows go through a shuffle, so select what you need before.
# - A whole group must fit into the memory of **one** Python worker. One key with half of all rows is a problem that no setting solves.
#
# If all you want is one number for each group, there is a shorter way, a pandas UDF that aggregates (`Series -> float`). For the median of the distances to the median, a measure of spread that one spike cannot change:


# %%
@F.pandas_udf("double")
def spread(values: pd.Series) -> float:
    """Median absolute deviation."""
    return float((values - values.median()).abs().median())


spreads = (
    air_measurements.filter("value <> -999")
    .groupBy("parameter")
    .agg(spread("value").alias("spread"))
)
spreads.selectExpr("parameter", "round(spread, 3) AS spread").orderBy("parameter").show()

# %% [markdown]
# ### Exercise 2.3.6: a forecast for every sensor
#
# **Exponential smoothing** is the simplest forecast there is. It keeps a level. The first reading in time is the first level. For each further reading, the level *is* the forecast; the reading itself then moves it: new level = level + alpha · (reading − level). How fast to follow, alpha, must be found for each sensor.
#
# For each sensor of `usable(air_measurements)` (a helper of the set-up cell: `sensor_id`, `measured_ts`, `value`, clean, without copies, in no particular order) try every value of the list `alphas`. Its **error** is the mean of |reading − forecast| over all readings but the first. Take the alpha with the least error, of equal errors the smallest
# alpha. Hours that are missing do not matter: the next reading is the next reading.
#
# Return one row per sensor: `sensor_id`, `alpha`, `error`, and `readings`, the number of its readings. With only one reading there is no error: `alpha` and `error` are NULL. Use `applyInPandas`.


# %% answer="2.3.6" title="A forecast for every sensor"
def best_smoothing(air_measurements: DataFrame, alphas: list[float]) -> DataFrame:
    """(sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT), one row per sensor, by applyInPandas."""

    ### BEGIN SOLUTION
    def fitted(key: tuple, readings: pd.DataFrame) -> pd.DataFrame:
        values = readings.sort_values("measured_ts")["value"].tolist()
        best = (None, None)
        if len(values) > 1:
            best = min((error_of(values, alpha), alpha) for alpha in alphas)
        return pd.DataFrame(
            {"sensor_id": key, "alpha": best[1], "error": best[0], "readings": len(values)}
        )

    def error_of(values: list[float], alpha: float) -> float:
        level, total = values[0], 0.0
        for value in values[1:]:
            total += abs(value - level)
            level += alpha * (value - level)
        return total / (len(values) - 1)

    schema = "sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT"
    return usable(air_measurements).groupBy("sensor_id").applyInPandas(fitted, schema)
    ### END SOLUTION


# %% check="2.3.6" points=3
### BEGIN HIDDEN TESTS
variant(
    "2.3.6",
    "young",
    "sensors with one, two, three or four readings, the newest first, and other values of alpha",
    air_measurements=lambda table: table.filter(
        "hour(measured_ts) <= sensor_id % 4 AND day(measured_ts) = 2"
    ).orderBy(F.desc("measured_ts"), "sensor_id", "received_ts"),
    alphas=[1.0, 0.7, 0.05, 0.4],
)
### END HIDDEN TESTS
check(
    "2.3.6",
    best_smoothing,
    arguments={"alphas": [0.5, 0.1, 0.9, 0.3]},
    key=["sensor_id"],
    plan={"has": ["FlatMapGroupsInPandas"]},
)

# %% [markdown] equivalent="2.3.6" because="The sign is dropped by abs."
# - swap arguments: value - level → level - value

# %% [markdown] equivalent="2.3.6" because="The first reading is the first level: its own distance is 0 and moves nothing."
# - number: 1 → 0 (3)

# %% [markdown] hints="2.3.6"
# 1. Write a plain Python function first: a list of values and one alpha in, the error out. It is a loop that keeps the level and adds up the distances.
# 2. The function for a group sorts its rows by time, makes a list of the values, calls the first function for each alpha, and builds a DataFrame of one row. `min` over pairs (error, alpha) breaks ties as wanted.
# 3. One reading: no division by zero, both results `None`. Numbers of the result must fit the schema, which is a text like `"sensor_id INT, ..."`.


# %% wrong="2.3.6" because="`error` is wrong"
def best_smoothing(air_measurements, alphas):
    def fitted(key, readings):
        best = (None, None)
        values = readings["value"].tolist()
        if len(values) > 1:
            best = min((error_of(values, alpha), alpha) for alpha in alphas)
        return pd.DataFrame(
            {"sensor_id": key, "alpha": best[1], "error": best[0], "readings": len(values)}
        )

    def error_of(values, alpha):
        level, total = values[0], 0.0
        for value in values[1:]:
            total += abs(value - level)
            level += alpha * (value - level)
        return total / (len(values) - 1)

    schema = "sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT"
    return usable(air_measurements).groupBy("sensor_id").applyInPandas(fitted, schema)


# %% wrong="2.3.6" because="division by zero"
def best_smoothing(air_measurements, alphas):
    def error_of(values, alpha):
        level, total = values[0], 0.0
        for value in values[1:]:
            total += abs(value - level)
            level += alpha * (value - level)
        return total / (len(values) - 1)

    def fitted(key, readings):
        values = readings.sort_values("measured_ts")["value"].tolist()
        error, alpha = min((error_of(values, alpha), alpha) for alpha in alphas)
        return pd.DataFrame(
            {"sensor_id": key, "alpha": alpha, "error": error, "readings": len(values)}
        )

    schema = "sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT"
    return usable(air_measurements).groupBy("sensor_id").applyInPandas(fitted, schema)


# %% wrong="2.3.6" because="one, two, three or four readings"
def best_smoothing(air_measurements, alphas):
    def error_of(values, alpha):
        level, total = values[0], 0.0
        for value in values[1:]:
            total += abs(value - level)
            level += alpha * (value - level)
        return total / max(1, len(values) - 1)

    def fitted(key, readings):
        values = readings.sort_values("measured_ts")["value"].tolist()
        alpha = min(alphas, key=lambda alpha: error_of(values, alpha))
        error = error_of(values, alpha) if len(values) > 1 else None
        return pd.DataFrame(
            {
                "sensor_id": key,
                "alpha": alpha if len(values) > 1 else None,
                "error": error,
                "readings": len(values),
            }
        )

    schema = "sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT"
    return usable(air_measurements).groupBy("sensor_id").applyInPandas(fitted, schema)


# %% wrong="2.3.6" because="`error` is wrong"
def best_smoothing(air_measurements, alphas):
    def fitted(key, readings):
        values = readings.sort_values("measured_ts")["value"]
        best = (None, None)
        if len(values) > 1:
            best = min(
                (
                    float(
                        (values - values.ewm(alpha=alpha, adjust=False).mean())
                        .abs()
                        .iloc[1:]
                        .mean()
                    ),
                    alpha,
                )
                for alpha in alphas
            )
        return pd.DataFrame(
            {"sensor_id": key, "alpha": best[1], "error": best[0], "readings": len(values)}
        )

    schema = "sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT"
    return usable(air_measurements).groupBy("sensor_id").applyInPandas(fitted, schema)


# %% wrong="2.3.6" because="`readings` is wrong"
def best_smoothing(air_measurements, alphas):
    def fitted(key, readings):
        values = readings.sort_values("measured_ts")["value"]
        best = (None, None)
        if len(values) > 1:
            best = min(
                (
                    float(
                        (values - values.ewm(alpha=alpha, adjust=False).mean().shift()).abs().mean()
                    ),
                    alpha,
                )
                for alpha in alphas
            )
        return pd.DataFrame(
            {"sensor_id": key, "alpha": best[1], "error": best[0], "readings": len(values)}
        )

    schema = "sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT"
    known = air_measurements.filter("value <> -999")
    return known.groupBy("sensor_id").applyInPandas(fitted, schema)


# %% right="2.3.6"
def best_smoothing(air_measurements, alphas):
    def fitted(readings):
        values = readings.sort_values("measured_ts")["value"].reset_index(drop=True)
        errors = pd.Series(
            {
                alpha: (values - values.ewm(alpha=alpha, adjust=False).mean().shift()).abs().mean()
                for alpha in sorted(alphas)
            }
        )
        row = readings[["sensor_id"]].head(1)
        known = errors.notna().any()
        return row.assign(
            alpha=errors.idxmin() if known else None,
            error=errors.min() if known else None,
            readings=len(values),
        )

    schema = "sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT"
    return usable(air_measurements).groupBy("sensor_id").applyInPandas(fitted, schema)


# %% right="2.3.6"
def best_smoothing(air_measurements, alphas):
    def tried(key, readings):
        values = readings.sort_values("measured_ts")["value"].to_numpy()
        rows = []
        for alpha in alphas:
            level = np.empty_like(values)
            level[0] = values[0]
            for n in range(1, len(values)):
                level[n] = (1 - alpha) * level[n - 1] + alpha * values[n]
            error = np.abs(values[1:] - level[:-1]).mean() if len(values) > 1 else None
            rows.append((*key, alpha, error, len(values)))
        return pd.DataFrame(rows, columns=["sensor_id", "alpha", "error", "readings"])

    schema = "sensor_id INT, alpha DOUBLE, error DOUBLE, readings INT"
    every = usable(air_measurements).groupBy("sensor_id").applyInPandas(tried, schema)
    best = F.min(F.struct(F.round("error", 12), "alpha", "error")).alias("best")
    chosen = every.groupBy("sensor_id", "readings").agg(best)
    alpha = F.when(F.col("best.error").isNotNull(), F.col("best.alpha"))
    return chosen.select("sensor_id", alpha.alias("alpha"), "best.error", "readings")


# %% [markdown]
# ## Batches in, batches out: another number of rows
#
# `df.mapInArrow(function, schema)` gives your function an iterator over the batches (`pyarrow.RecordBatch`) of a partition and takes batches back: more rows or fewer, other columns, no shuffle. `mapInPandas` is the same with DataFrames of pandas. The columns of an Arrow batch go **by position**, whatever their names; those of the DataFrames of `mapInPandas` and `applyInPandas` go by name. Use it to unpack, to filter by a model, or to bring many rows
# to few before a shuffle. Each batch here becomes one row:


# %%
def extent(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """(rows INT, largest DOUBLE) of each batch."""
    for batch in batches:
        largest = pc.max(batch["value"])
        yield pa.RecordBatch.from_pydict(
            {
                "rows": pa.array([batch.num_rows], pa.int32()),
                "largest": pa.array([largest.as_py()], pa.float64()),
            }
        )


extents = air_measurements.select("value").mapInArrow(extent, "rows INT, largest DOUBLE")
extents.agg(
    F.count("*").alias("batches"), F.sum("rows").alias("rows"), F.max("largest").alias("largest")
).show()

# %% [markdown]
# Here nobody converts for you: an Arrow `int64` where the schema says `INT` fails with the unhelpful `Cannot call the method "getInt"`. Say the Arrow type, or `cast`:
#
# | Spark | Arrow |
# |---|---|
# | `INT`, `BIGINT` | `pa.int32()`, `pa.int64()` |
# | `DOUBLE`, `STRING`, `BINARY` | `pa.float64()`, `pa.string()`, `pa.binary()` |
# | `DATE` | `pa.date32()` |
# | `TIMESTAMP` | `pa.timestamp("us", tz="UTC")` |
#
# To repeat rows of a batch, give `take` the row numbers, some of them several times:

# %%
batch = pa.RecordBatch.from_pydict({"box": ["A", "B", "C"], "bottles": [2, 0, 3]})
print(batch["box"].take(pa.array(np.repeat([0, 1, 2], [2, 0, 3]))).to_pylist())

# %% [markdown]
# ### Exercise 2.3.7: packets from the sensors
#
# At midnight each sensor sends the readings of its day in one **packet**: a piece of binary data that Spark cannot read. It consists of records of three bytes, one for each hour that was measured:
#
# - one byte: the hour, 0 to 23
# - two bytes: a signed whole number, the more significant byte first (big-endian): the reading in tenths. 123 means 12.3; -32768 means that there is no reading, which is NULL
#
# `packets(air_measurements)` of the set-up cell gives `sensor_id INT`, `day DATE` and `packet BINARY`. Some packets got lost: they are NULL. Some were damaged on the way: their number of bytes is no multiple of three. Neither gives any row.
#
# Return a row for each record: `sensor_id`, `day`, `hour` and `value`. The value -999 stays as it is. Use `mapInArrow`. `np.frombuffer(packet, np.dtype([("hour", "u1"), ("tenths", ">i2")]))` reads all records of a packet, and so does `struct.iter_unpack(">Bh", packet)`, one by one.


# %% answer="2.3.7" title="Packets from the sensors"
def unpacked(air_measurements: DataFrame) -> DataFrame:
    """(sensor_id INT, day DATE, hour INT, value DOUBLE or NULL), one row per record, by mapInArrow."""

    ### BEGIN SOLUTION
    def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        record = np.dtype([("hour", "u1"), ("tenths", ">i2")])
        for batch in batches:
            sent = [packet or b"" for packet in batch["packet"].to_pylist()]
            whole = [packet if len(packet) % 3 == 0 else b"" for packet in sent]
            records = np.frombuffer(b"".join(whole), record)
            source = pa.array(np.repeat(np.arange(len(whole)), [len(p) // 3 for p in whole]))
            tenths = records["tenths"]
            yield pa.RecordBatch.from_arrays(
                [
                    batch["sensor_id"].take(source),
                    batch["day"].take(source),
                    pa.array(records["hour"].astype("int32")),
                    pa.array(tenths / 10, mask=tenths == -32768),
                ],
                names=["sensor_id", "day", "hour", "value"],
            )

    schema = "sensor_id INT, day DATE, hour INT, value DOUBLE"
    return packets(air_measurements).mapInArrow(unpack, schema)
    ### END SOLUTION


# %% check="2.3.7" points=3
### BEGIN HIDDEN TESTS
variant(
    "2.3.7",
    "frost",
    "readings below zero, and days with hardly a reading",
    air_measurements=variants.together(
        variants.only("hour(measured_ts) IN (0, 7, 23) OR sensor_id = 5"),
        variants.replaced(value=F.expr("if(value = -999, value, value - 20)")),
    ),
)
variant(
    "2.3.7",
    "lost",
    "packets that all got lost",
    air_measurements=variants.only("(sensor_id + day(measured_ts)) % 13 = 0"),
)
### END HIDDEN TESTS
check(
    "2.3.7",
    unpacked,
    key=["sensor_id", "day", "hour"],
    plan={"has": ["MapInArrow"], "lacks": ["BatchEvalPython", "MapInPandas"]},
)

# %% [markdown] equivalent="2.3.7" because="mapInArrow takes the columns of a batch by position, and their names from the schema."
# - text: 'sensor_id' → 'sensor_id~' (2)
# - text: 'day' → 'day~' (2)
# - date part: day → month (2)
# - text: 'hour' → 'hour~' (3)
# - date part: hour → minute (3)
# - text: 'value' → 'value~'

# %% [markdown] equivalent="2.3.7" because="Only whole packets are left, and numpy takes 24.0 for 24."
# - arithmetic: len(p) // 3 → len(p) / 3

# %% [markdown] hints="2.3.7"
# 1. For each batch: `batch["packet"].to_pylist()` is a list of `bytes` or `None`. Decide for each packet whether it counts, and how many records it has.
# 2. Simple way: four lists, a loop over packets and `struct.iter_unpack`, and in the end `pa.RecordBatch.from_pydict` with `pa.array(list, type)`. Quick way: `np.frombuffer` over all packets joined, and `take` to repeat `sensor_id` and `day`.
# 3. Types: hour as `pa.int32()`, value as `pa.float64()` with NULL where the number is -32768 (`None` in a list, or `mask=` for an array of numpy).


# %% wrong="2.3.7" because="packets that all got lost"
def unpacked(air_measurements):
    import struct

    def unpack(batches):
        types = (pa.int32(), pa.date32(), pa.int32(), pa.float64())
        for batch in batches:
            rows = [
                (row["sensor_id"], row["day"], hour, None if tenths == -32768 else tenths / 10)
                for row in batch.to_pylist()
                if row["packet"] is not None and len(row["packet"]) % 3 == 0
                for hour, tenths in struct.iter_unpack(">Bh", row["packet"])
            ]
            arrays = [
                pa.array(c, kind) for c, kind in zip(zip(*rows, strict=True), types, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=["sensor_id", "day", "hour", "value"])

    return packets(air_measurements).mapInArrow(
        unpack, "sensor_id INT, day DATE, hour INT, value DOUBLE"
    )


# %% wrong="2.3.7" because="struct.error"
def unpacked(air_measurements):
    import struct

    def unpack(batches):
        for batch in batches:
            rows = [
                (row["sensor_id"], row["day"], hour, None if tenths == -32768 else tenths / 10)
                for row in batch.to_pylist()
                for hour, tenths in struct.iter_unpack(">Bh", row["packet"] or b"")
            ]
            yield as_batch(rows)

    def as_batch(rows):
        types = (pa.int32(), pa.date32(), pa.int32(), pa.float64())
        columns = zip(*rows, strict=True) if rows else [(), (), (), ()]
        arrays = [pa.array(list(column), kind) for column, kind in zip(columns, types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, names=["sensor_id", "day", "hour", "value"])

    return packets(air_measurements).mapInArrow(
        unpack, "sensor_id INT, day DATE, hour INT, value DOUBLE"
    )


# %% wrong="2.3.7" because="rows are not expected"
def unpacked(air_measurements):
    def unpack(batches):
        record = np.dtype([("hour", "u1"), ("tenths", ">i2")])
        for batch in batches:
            rows = [
                {
                    "sensor_id": row["sensor_id"],
                    "day": row["day"],
                    "hour": int(hour),
                    "value": None if tenths == -32768 else tenths / 10,
                }
                for row in batch.to_pylist()
                for hour, tenths in np.frombuffer(
                    (row["packet"] or b"")[: len(row["packet"] or b"") // 3 * 3], record
                )
            ]
            fields = [
                ("sensor_id", pa.int32()),
                ("day", pa.date32()),
                ("hour", pa.int32()),
                ("value", pa.float64()),
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=pa.schema(fields))

    return packets(air_measurements).mapInArrow(
        unpack, "sensor_id INT, day DATE, hour INT, value DOUBLE"
    )


# %% wrong="2.3.7" because="readings below zero"
def unpacked(air_measurements):
    def unpack(batches):
        for batch in batches:
            rows = [
                {
                    "sensor_id": row["sensor_id"],
                    "day": row["day"],
                    "hour": packet[n],
                    "value": value(packet[n + 1 : n + 3]),
                }
                for row in batch.to_pylist()
                for packet in [row["packet"] or b""]
                if len(packet) % 3 == 0
                for n in range(0, len(packet), 3)
            ]
            fields = [
                ("sensor_id", pa.int32()),
                ("day", pa.date32()),
                ("hour", pa.int32()),
                ("value", pa.float64()),
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=pa.schema(fields))

    def value(two):
        number = int.from_bytes(two, "big")
        return None if number == 32768 else -999.0 if number == 65536 - 9990 else number / 10

    return packets(air_measurements).mapInArrow(
        unpack, "sensor_id INT, day DATE, hour INT, value DOUBLE"
    )


# %% wrong="2.3.7" because="has no MapInArrow"
def unpacked(air_measurements):
    import struct

    @F.udf("array<struct<hour INT, tenths INT>>")
    def records(packet):
        return [] if packet is None or len(packet) % 3 else list(struct.iter_unpack(">Bh", packet))

    return (
        packets(air_measurements)
        .select("sensor_id", "day", F.inline(records("packet")))
        .selectExpr(
            "sensor_id", "day", "hour", "CAST(nullif(tenths, -32768) AS DOUBLE) / 10 AS value"
        )
    )


# %% wrong="2.3.7" because="another type than its schema says"
def unpacked(air_measurements):
    import struct

    def unpack(batches):
        for batch in batches:
            rows = [
                {
                    "sensor_id": row["sensor_id"],
                    "day": row["day"],
                    "hour": hour,
                    "value": None if tenths == -32768 else tenths / 10,
                }
                for row in batch.to_pylist()
                for packet in [row["packet"] or b""]
                if len(packet) % 3 == 0
                for hour, tenths in struct.iter_unpack(">Bh", packet)
            ]
            yield pa.RecordBatch.from_pylist(rows)

    return packets(air_measurements).mapInArrow(
        unpack, "sensor_id INT, day DATE, hour INT, value DOUBLE"
    )


# %% right="2.3.7"
def unpacked(air_measurements):
    import struct

    fields = [
        ("sensor_id", pa.int32()),
        ("day", pa.date32()),
        ("hour", pa.int32()),
        ("value", pa.float64()),
    ]

    def unpack(batches):
        for batch in batches:
            rows = []
            for row in batch.to_pylist():
                packet = row["packet"]
                if packet is None or len(packet) % 3:
                    continue
                for hour, tenths in struct.iter_unpack(">Bh", packet):
                    value = None if tenths == -32768 else tenths / 10
                    rows.append(
                        {
                            "sensor_id": row["sensor_id"],
                            "day": row["day"],
                            "hour": hour,
                            "value": value,
                        }
                    )
            yield pa.RecordBatch.from_pylist(rows, schema=pa.schema(fields))

    return packets(air_measurements).mapInArrow(
        unpack, "sensor_id INT, day DATE, hour INT, value DOUBLE"
    )


# %% right="2.3.7"
def unpacked(air_measurements):
    def unpack(batches):
        for batch in batches:
            for sensor, day, packet in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            ):
                found = np.frombuffer(packet, np.dtype("u1")).reshape(-1, 3).astype("int32")
                number = (found[:, 1] << 8 | found[:, 2]).astype("int16")
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array([sensor] * len(found), pa.int32()),
                        pa.array([day] * len(found), pa.date32()),
                        pa.array(found[:, 0].copy()),
                        pa.array(np.where(number == -32768, np.nan, number / 10), from_pandas=True),
                    ],
                    ["sensor_id", "day", "hour", "value"],
                )

    whole = packets(air_measurements).filter("octet_length(packet) % 3 = 0")
    return whole.mapInArrow(unpack, "sensor_id INT, day DATE, hour INT, value DOUBLE")


# %% [markdown]
# ## Table functions: rows with a memory
#
# A **UDTF** (user-defined table function) is a class. Spark calls `eval` for each row that goes in, and each `yield` is a row that comes out. Called with plain values it makes a table out of nothing, or, with `LATERAL` (1.4), out of each row of another table:


# %%
@F.udtf(returnType="position INT, word STRING")
class LongWords:
    """The words of at least so many letters, with their positions."""

    def eval(self, text: str, letters: int):
        for position, word in enumerate((text or "").split(), start=1):
            if len(word) >= letters:
                yield position, word


LongWords(F.lit("the lamp is beautiful and cheap"), F.lit(5)).show()

# %% [markdown]
# The other way is to give it a whole **table as an argument**, with `PARTITION BY`. Then Spark brings all rows of a key together and makes a **new instance of the class for each key**: `__init__` runs, `eval` gets one row after the other, in the order of `ORDER BY`, and may keep things in `self`;
# at the end of the key `terminate` may yield more rows. So a UDTF has a memory, for as long as the key lasts. The largest step between two neighbouring readings:


# %%
@F.udtf(returnType="sensor_id INT, since TIMESTAMP, largest_step DOUBLE")
class LargestStep:
    """The largest step between two readings that follow each other, and the time of its end; the first of equal ones."""

    def __init__(self):
        self.before = None
        self.found = None

    def eval(self, row):
        step = 0.0 if self.before is None else abs(row["value"] - self.before)
        if self.found is None or step > self.found[2]:
            self.found = row["sensor_id"], row["measured_ts"], step
        self.before = row["value"]

    def terminate(self):
        if self.found is not None:
            yield self.found


argument = fine_dust.asTable().partitionBy("sensor_id").orderBy("measured_ts")
LargestStep(argument).orderBy("sensor_id").show(3)

# %% [markdown]
# The same in SQL, after `spark.udtf.register`. Mind the parentheses around the column behind `ORDER BY`: when another argument follows, the comma would otherwise be taken for one more column.

# %%
spark.udtf.register("largest_step", LargestStep)
fine_dust.createOrReplaceTempView("fine_dust")
spark.sql("""
    SELECT * FROM largest_step(TABLE(fine_dust) PARTITION BY sensor_id ORDER BY (measured_ts))
    WHERE sensor_id = 4
""").show()

# %% [markdown]
# - Without `PARTITION BY`, rows come as they happen to lie, one instance for each partition of the data. `WITH SINGLE PARTITION` brings all rows to one place.
# - `row` knows columns by name. Further arguments arrive in `eval` at every call; `terminate` has none, so keep in `self` what it needs.
# - The promise of types holds as for UDFs: a whole number in a `DOUBLE` becomes NULL.
# - This example could have been written with `lag`, and then it should be: window functions run without Python. A UDTF is for memories that no window can have, because what is remembered *depends on what came out before*.
#
# ### Exercise 2.3.8: when the air turns bad
#
# A **CUSUM chart** adds up how far readings lie above what is `allowed`, and never falls below zero. For each sensor there is a `total`, 0 at the beginning. For each reading in the order of time:
#
# 1. the total grows by value − allowed (it may fall); if it is then below 0, it is 0
# 2. if the total is **at least** `limit`, there is an alarm, and afterwards the total starts again at 0
#
# Return for each sensor of `usable(air_measurements)` a row for each alarm: `sensor_id`, `alarm_ts` (the time of the reading) and `total` (when the alarm was raised). At the end of each sensor comes one more row with NULL as `alarm_ts` and the total that is left over. Use a UDTF with a table argument; numbers are given to it beside the table as columns, `F.lit(limit)`.
# (A time that only passes through comes out as it went in, but for the hour that exists twice when the clocks of the worker's machine go back. Where that matters, pass `F.unix_micros(ts)`, a number, and make a time of it afterwards.)


# %% answer="2.3.8" title="When the air turns bad"
def alarms(air_measurements: DataFrame, allowed: float, limit: float) -> DataFrame:
    """(sensor_id INT, alarm_ts TIMESTAMP or NULL, total DOUBLE), alarms and one last row per sensor, by a UDTF."""

    ### BEGIN SOLUTION
    @F.udtf(returnType="sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE")
    class Cusum:
        def __init__(self):
            self.sensor = None
            self.total = 0.0

        def eval(self, row, allowed, limit):
            self.sensor = row["sensor_id"]
            self.total = max(0.0, self.total + row["value"] - allowed)
            if self.total >= limit:
                yield self.sensor, row["measured_ts"], self.total
                self.total = 0.0

        def terminate(self):
            if self.sensor is not None:
                yield self.sensor, None, self.total

    readings = usable(air_measurements).asTable().partitionBy("sensor_id").orderBy("measured_ts")
    return Cusum(readings, F.lit(allowed), F.lit(limit))
    ### END SOLUTION


# %% check="2.3.8" points=3
### BEGIN HIDDEN TESTS
variant(
    "2.3.8",
    "exact",
    "readings that arrive the newest first, totals that reach the limit exactly, and totals that end at 0",
    air_measurements=lambda table: table.withColumn(
        "value", F.expr("if(value = -999, value, 5D * (cast(value AS INT) % 4))")
    ).orderBy(F.desc("measured_ts"), "sensor_id", "received_ts"),
    allowed=7.5,
    limit=10.0,
)
### END HIDDEN TESTS
check(
    "2.3.8",
    alarms,
    arguments={"allowed": 25.25, "limit": 100.03},
    plan={"python_functions": ["udtf", "udtf with useArrow"]},
)

# %% [markdown] equivalent="2.3.8" because="The larger of two numbers does not depend on their order."
# - swap arguments: max(0.0, self.total + row['value'] - allowed) → max(self.total + row['value'] - allowed, 0.0)

# %% [markdown] hints="2.3.8"
# 1. What must be remembered from row to row? The total, and the number of the sensor, since `terminate` sees no row. Both belong in `self`.
# 2. `eval(self, row, allowed, limit)` computes the new total, yields when there is an alarm, and sets the total back. `terminate` yields the last row.
# 3. The table argument is `df.asTable().partitionBy(...).orderBy(...)`, further arguments are `F.lit(...)`. `total` is a `DOUBLE`: what does `max(0, ...)` give when the sum is negative?


# %% wrong="2.3.8" because="`total` is wrong"
def alarms(air_measurements, allowed, limit):
    @F.udtf(returnType="sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE")
    class Cusum:
        def __init__(self):
            self.sensor = None
            self.total = 0

        def eval(self, row, allowed, limit):
            self.sensor = row["sensor_id"]
            self.total = max(0, self.total + row["value"] - allowed)
            if self.total >= limit:
                yield self.sensor, row["measured_ts"], self.total
                self.total = 0

        def terminate(self):
            if self.sensor is not None:
                yield self.sensor, None, self.total

    readings = usable(air_measurements).asTable().partitionBy("sensor_id").orderBy("measured_ts")
    return Cusum(readings, F.lit(allowed), F.lit(limit))


# %% wrong="2.3.8" because="rows are missing"
def alarms(air_measurements, allowed, limit):
    @F.udtf(returnType="sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE")
    class Cusum:
        def __init__(self):
            self.sensor = None
            self.total = 0.0

        def eval(self, row, allowed, limit):
            self.sensor = row["sensor_id"]
            self.total = max(0.0, self.total + row["value"] - allowed)
            if self.total >= limit:
                yield self.sensor, row["measured_ts"], self.total
                self.total = 0.0

        def terminate(self):
            yield self.sensor, None, self.total

    readings = (
        usable(air_measurements).asTable().withSinglePartition().orderBy("sensor_id", "measured_ts")
    )
    return Cusum(readings, F.lit(allowed), F.lit(limit))


# %% wrong="2.3.8" because="reach the limit exactly"
def alarms(air_measurements, allowed, limit):
    @F.udtf(returnType="sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE")
    class Cusum:
        def __init__(self):
            self.sensor = None
            self.total = 0.0

        def eval(self, row, allowed, limit):
            self.sensor = row["sensor_id"]
            self.total = max(0.0, self.total + row["value"] - allowed)
            if self.total > limit:
                yield self.sensor, row["measured_ts"], self.total
                self.total = 0.0

        def terminate(self):
            if self.sensor is not None:
                yield self.sensor, None, self.total

    readings = usable(air_measurements).asTable().partitionBy("sensor_id").orderBy("measured_ts")
    return Cusum(readings, F.lit(allowed), F.lit(limit))


# %% wrong="2.3.8" because="`total` is wrong"
def alarms(air_measurements, allowed, limit):
    @F.udtf(returnType="sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE")
    class Cusum:
        def __init__(self):
            self.sensor = None
            self.total = 0.0

        def eval(self, row, allowed, limit):
            self.sensor = row["sensor_id"]
            self.total = max(0.0, self.total + row["value"] - allowed)
            if self.total >= limit:
                yield self.sensor, row["measured_ts"], self.total
                self.total = 0.0

        def terminate(self):
            if self.sensor is not None:
                yield self.sensor, None, self.total

    readings = usable(air_measurements).asTable().partitionBy("sensor_id")
    return Cusum(readings, F.lit(allowed), F.lit(limit))


# %% wrong="2.3.8" because="rows are"
def alarms(air_measurements, allowed, limit):
    @F.udtf(returnType="sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE")
    class Cusum:
        def __init__(self):
            self.sensor = None
            self.total = 0.0

        def eval(self, row, allowed, limit):
            self.sensor = row["sensor_id"]
            self.total = max(0.0, self.total + row["value"] - allowed)
            if self.total >= limit:
                yield self.sensor, row["measured_ts"], self.total

        def terminate(self):
            if self.sensor is not None:
                yield self.sensor, None, self.total

    readings = usable(air_measurements).asTable().partitionBy("sensor_id").orderBy("measured_ts")
    return Cusum(readings, F.lit(allowed), F.lit(limit))


# %% wrong="2.3.8" because="computed by `udtf`"
def alarms(air_measurements, allowed, limit):
    def chart(key, readings):
        total, rows = 0.0, []
        for ts, value in readings.sort_values("measured_ts")[["measured_ts", "value"]].itertuples(
            index=False
        ):
            total = max(0.0, total + value - allowed)
            if total >= limit:
                rows.append((*key, ts, total))
                total = 0.0
        return pd.DataFrame(
            [*rows, (*key, None, total)], columns=["sensor_id", "alarm_ts", "total"]
        )

    schema = "sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE"
    return usable(air_measurements).groupBy("sensor_id").applyInPandas(chart, schema)


# %% right="2.3.8"
def alarms(air_measurements, allowed, limit):
    @F.udtf(returnType="sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE")
    class Cusum:
        def __init__(self):
            self.readings = []

        def eval(self, row, allowed, limit):
            self.readings.append(row)
            self.allowed, self.limit = allowed, limit

        def terminate(self):
            total = 0.0
            for row in self.readings:
                total += row["value"] - self.allowed
                total = total if total > 0 else 0.0
                if total >= self.limit:
                    yield row["sensor_id"], row["measured_ts"], total
                    total = 0.0
            yield row["sensor_id"], None, total

    spark = air_measurements.sparkSession
    spark.udtf.register("cusum", Cusum)
    usable(air_measurements).createOrReplaceTempView("usable")
    return spark.sql(f"""
        SELECT * FROM cusum(TABLE(usable) PARTITION BY sensor_id ORDER BY (measured_ts), {allowed}D, {limit}D)
    """)


# %% right="2.3.8"
def alarms(air_measurements, allowed, limit):
    class Cusum:
        def __init__(self):
            self.sensor, self.total = None, 0.0

        def eval(self, row):
            self.sensor = row.sensor_id
            self.total = self.total + row.value - allowed
            if self.total < 0:
                self.total = 0.0
            if self.total >= limit:
                yield self.sensor, row.measured_ts, self.total
                self.total = 0.0

        def terminate(self):
            if self.sensor is not None:
                yield self.sensor, None, self.total

    made = F.udtf(
        Cusum, returnType="sensor_id INT, alarm_ts TIMESTAMP, total DOUBLE", useArrow=True
    )
    return made(usable(air_measurements).asTable().partitionBy("sensor_id").orderBy("measured_ts"))


# %% [markdown]
# ## A data source of your own
#
# Everything so far begins with a DataFrame. When the data themselves lie behind Python code (a web service, a device, a strange format), write a **Python data source**. Two small classes are enough to read:
#
# - the `DataSource` has a name, a schema, the `options` that the caller gave (always texts), and makes a reader
# - the `DataSourceReader` says which `partitions()` there are, a list of `InputPartition` with what each needs to know, and `read(partition)` yields its rows as tuples
#
# `partitions` runs once, and every `read` in a task of its own, on whatever machine has time. So a source with twelve partitions reads twelve things at once. A calendar, one partition for each year:


# %%
class CalendarSource(DataSource):
    """Sundays, year by year: spark.read.format("sundays").option("years", "2024,2025")."""

    @classmethod
    def name(cls):
        return "sundays"

    def schema(self):
        return "sunday DATE, week INT"

    def reader(self, schema):
        return CalendarReader(self.options["years"].split(","))


class CalendarReader(DataSourceReader):
    """Reads one year per partition."""

    def __init__(self, years):
        self.years = years

    def partitions(self):
        return [InputPartition(int(year)) for year in self.years]

    def read(self, partition):
        first = dt.date(partition.value, 1, 1)
        for number in range(366):
            candidate = first + dt.timedelta(days=number)
            if candidate.year == partition.value and candidate.isoweekday() == 7:
                yield candidate, candidate.isocalendar().week


spark.dataSource.register(CalendarSource)
sundays = spark.read.format("sundays").option("years", "2024,2025").load()
sundays.orderBy("sunday").show(3)
print(sundays.count(), "Sundays in", sundays.rdd.getNumPartitions(), "partitions")

# %% [markdown]
# Types are not converted here: a text for a `DATE` raises an exception, and of a `float` for an `INT` only the whole number is left, without a word. Spark sends the reader to the workers, so it must be possible to pickle it: keep plain values in it, and open connections in `read`. Without `partitions()` there is one partition. (Sources can also write, and feed streams. In 3.4
# you write one for a real web service.)

# %% [markdown]
# ## Which one to take
#
# | you need | take | what Python gets |
# |---|---|---|
# | something that column functions can do | column functions | nothing |
# | a rule for single values, few rows | `udf` | one row |
# | a library that works on arrays | `pandas_udf`, `arrow_udf` | a batch of some columns |
# | the same, with an expensive set-up | the same with iterators | all batches of a partition, in turn |
# | one result, or one model, for each group | `pandas_udf` that aggregates, `applyInPandas` | a whole group |
# | more rows or fewer, group does not matter | `mapInArrow`, `mapInPandas` | all batches of a partition, in turn |
# | a memory along an order | `udtf` with `PARTITION BY` | the rows of a key, in turn |
# | data behind Python code | `DataSource` | a description of its part |
#
# Whichever you take: filter and select **before**, so that little travels. Spark does not know what your function needs, and an operator such as `applyInPandas` gets every column that you leave in.
#
# ### Question 2.3.9: four UDFs too many
#
# A colleague's nightly job reads 300 million readings and takes four hours. It does the following, each by a plain `udf`, row by row:
#
# - (a) writes the name of the parameter in capital letters and keeps the rows of `"PM25"` with `filter(big("parameter") == "PM25")`;
# - (b) loads a model for calibration from a file of 200 MB *inside* the function, and applies it to the reading;
# - (c) subtracts from each reading the mean of its sensor, for which the mean of all sensors is first collected into a dictionary on the driver;
# - (d) returns `round(reading)` for a column that is declared as `DOUBLE`.
#
# Answer in six to ten sentences: what is wrong with each of the four, and what would you use instead, and why? Say for each whether Python is needed at all, and what the plan would show.

# %% [markdown] written="2.3.9" points=3 title="Four UDFs too many"
# ### BEGIN SOLUTION
# (a) needs no Python: `filter("parameter = 'pm25'")`, or `upper` if spellings differ. With the UDF all 300 million rows are read and sent to Python before the filter (`BatchEvalPython` below `Filter`); the comparison of the column itself is pushed into the scan (`PushedFilters`), and the other steps get a third of the rows or less.
# (b) needs Python, because the model is a Python library, but the file is loaded for every row. A pandas UDF with iterators loads it once for each partition and applies it to whole batches (`ArrowEvalPython` in the plan). A global or a broadcast of the loaded model works only if it can be pickled, and then a pandas UDF is still better than single rows.
# (c) needs no Python: `value - avg(value) OVER (PARTITION BY sensor_id)`, or an aggregate that is joined. A pandas UDF with `values - values.mean()` would be wrong, since it sees a batch and not a sensor; collecting into a dictionary is a job of its own and puts the table on the driver.
# (d) is wrong and not only slow: `round(reading)` is an `int`, and a pickled UDF makes NULL of it in a `DOUBLE` column, without an error. `F.bround` (Python's rounding; `F.round` differs for halves) does it without Python; a UDF that must stay returns `float(round(reading))`.
# The new plan should have one Python step, `ArrowEvalPython` for (b), above a scan with the pushed filter and few columns.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: (a) and (c) need no Python: a column comparison that is pushed into the scan; a window function or an aggregate with a join
# - 1 point: (b) an iterator pandas (or Arrow) UDF or `mapInPandas`/`mapInArrow`: set-up once per partition, batches instead of rows
# - 1 point: (d) is NULL because the type does not fit the promise; and at least one right statement about the plan (`BatchEvalPython`, `ArrowEvalPython`, `PushedFilters`, or no Python operator)
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | first look for a column function | Spark can see into it: filters reach the files, NULL is handled, nothing travels |
# | a replacement must do the same | `round`, `%`, `//` and NULL differ between Python and Spark |
# | the return type is a promise | what does not fit becomes NULL without an error, or raises |
# | NULL is `None` in a UDF, `NaN` in pandas numbers, NULL in Arrow | integers with NULL become floating-point numbers in pandas |
# | a pandas UDF sees a batch, not the column | means and ranks over a batch are wrong |
# | iterators for what is expensive to set up | once for each partition |
# | `applyInPandas`: sort inside, and groups must fit into memory | rows of a group come in no order |
# | `mapInArrow` wants exact Arrow types | nobody converts |
# | a UDTF with `PARTITION BY` has a new instance for each key | memory in `self`, last rows in `terminate` |
# | a data source reads in as many tasks as it has partitions | plan by what can be read at the same time |
#
# > **On Databricks:** all of this exists there, and Photon, the faster engine, leaves the plan wherever Python begins, so a built-in function is worth even more. Unity Catalog can keep a Python function for all notebooks and for SQL (`CREATE FUNCTION ... LANGUAGE PYTHON`), with permissions like those of a table. On serverless compute and
# > with Spark Connect there is no `sparkContext` and no `.rdd`, functions run in an isolated process with little memory, and packages that they import must be part of the environment of the notebook. Which of these functions a runtime knows depends on its Spark version: `arrow_udf` needs 4.1.
