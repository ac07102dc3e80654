# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3.1 Reading and writing with schemas
#
# **Time:** 150 minutes (two sittings) · **Data:** trips, reviews · **Before this:** 0.2, 1.3, 1.4 and 2.1
#
# Until now your tables were simply there. In real work they arrive as files: an export of an office, a feed of a web shop, a folder that a partner fills every night. A file knows
# less than a table. A CSV file has no types, a JSON file no fixed columns, and nobody has checked what stands in the lines. What you do not say when you read, Spark guesses, and
# a wrong guess raises no error. What you do not say when you write, the next reader has to guess.
#
# ## You will learn to
#
# - read text files with a schema of your own, and say why a guessed one is dangerous
# - decide what happens to lines that do not fit: keep them apart, drop them, or stop
# - read JSON that stands in lines, and JSON that is one document
# - ask files about themselves: name, size, time of change
# - choose a file format by what it keeps: types, columns, order
# - write folders that are laid out for their readers
# - choose a save mode, and replace single partitions without touching the others

# %% setup=true
import re
import tempfile
from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("3.1").getOrCreate()

trips = spark.read.parquet(sample("trips"))
stores = spark.read.parquet(sample("stores"))


def conditions_of(error: Exception) -> list[str]:
    """The names of Spark's error conditions in the text of an error, the outermost first, each once."""
    return list(dict.fromkeys(re.findall(r"\[([A-Z][A-Z_]+(?:\.[A-Z_]+)?)\]", str(error))))


# %% [markdown]
# The worked examples write into a temporary folder. In the exercises your function gets **paths** as parameters: folders that are full of files, and paths at which nothing is yet.
# For each check all of them are made anew, and removed when your answer has been judged. Use the parameter itself: `.parquet(target)`, not `.parquet("target")`.
#
# You cannot open these folders beforehand. To see what is in one, say `export`, put a `print` into your function, such as `print(*sorted(Path(export).rglob("*")), sep="\n")` or `spark.read.text(export).show(5, truncate=False)`, and run the check.
# Take it out again when you are done.

# %%
folder = Path(tempfile.mkdtemp(prefix="files-"))
(folder / "rents.csv").write_text(
    "store|city|since|rent\n"
    "0012|Lisbon|01/03/2019|1250.5\n"
    "0147|Porto|15/07/2021|980\n"
    "0201|Faro|-|1100.25\n"
)
print((folder / "rents.csv").read_text())

# %% [markdown]
# ## A schema of your own
#
# With `inferSchema` Spark reads the whole file once, only to guess the types, and then a second time for the rows:

# %%
guessed = spark.read.csv(f"{folder}/rents.csv", sep="|", header=True, inferSchema=True)
guessed.printSchema()
guessed.show()

# %% [markdown]
# Three guesses are wrong. Store 0012 has become the number 12, and a join with the code 0012 finds nothing. `since` is text, because Spark does not know this way of writing a day (and Faro has only a `-`). Money is a DOUBLE, which cannot hold
# cents exactly. Besides, a guess depends on the lines that happen to be there: one rent that says `on request`, and tomorrow `rent` is text, too. A job that runs every night needs the same types every night. So **say the schema**.
# You can do so in two ways, which mean the same:
#
# - as **DDL**, a text with names and types as in `CREATE TABLE`
# - as a **StructType**, an object with a `StructField` for each column, which a program can put together

# %%
rents_ddl = "store STRING, city STRING, since DATE, rent DECIMAL(8,2)"
rents_type = StructType(
    [
        StructField("store", StringType()),
        StructField("city", StringType()),
        StructField("since", DateType()),
        StructField("rent", DecimalType(8, 2)),
    ]
)
print(StructType.fromDDL(rents_ddl) == rents_type)

rents = spark.read.csv(
    f"{folder}/rents.csv",
    schema=rents_type,
    sep="|",
    header=True,
    dateFormat="dd/MM/yyyy",
    nullValue="-",
)
rents.show()

# %% [markdown]
# A few options decide how text becomes values. You can pass them as here, or chain them: `spark.read.schema(...).option("sep", "|").csv(path)`.
#
# | option | says |
# |---|---|
# | `header` | the first line of **every file** has names |
# | `sep`, `quote`, `escape`, `encoding` | how a line is cut into fields |
# | `nullValue` | which text stands for NULL, besides nothing at all |
# | `dateFormat`, `timestampFormat` | how dates and times are written, such as `dd/MM/yyyy` or `yyyy-MM-dd HH:mm:ss` |
#
# One trap remains. Where a CSV file has a schema, its fields are taken **by position**. The header is skipped, not read. If the partner swaps two columns of the same type, nothing looks wrong:

# %%
(folder / "swapped.csv").write_text("city|store\nLisbon|0012\n")
by_position = spark.read.schema("store STRING, city STRING").options(sep="|", header=True)
by_position.csv(f"{folder}/swapped.csv").show()
try:
    by_position.option("enforceSchema", False).csv(f"{folder}/swapped.csv").collect()
except Exception as error:
    print("with enforceSchema=False:", re.search("CSV header does not[^.]*", str(error))[0])

# %% [markdown]
# With `enforceSchema=False` the names in the header are compared with those of the schema, in order. JSON, Avro, ORC and Parquet files hold the names, so there columns are found by name.
#
# ### Exercise 3.1.1: the office's export
#
# The taxi office exports its trips as CSV files into the folder `export`. In some weeks the folder stays empty. The files look like this:
#
# ```
# trip;zone;pickup;passengers;distance_km;fare
# 17;007;31.03.2025 08:10;n/a;3.4;9.50
# ```
#
# Return all trips with the types that the docstring names. A zone is a code of three digits, and its zeros are part of it. `n/a` means in any column that the value is not known: NULL. An empty
# folder gives no rows, with the same columns.


# %% answer="3.1.1" title="The office's export"
def office_trips(spark: SparkSession, export: str) -> DataFrame:
    """(trip BIGINT, zone STRING or NULL, pickup TIMESTAMP, passengers INT or NULL, distance_km DOUBLE, fare DECIMAL(10,2))."""
    ### BEGIN SOLUTION
    columns = "trip BIGINT, zone STRING, pickup TIMESTAMP, passengers INT, distance_km DOUBLE, fare DECIMAL(10,2)"
    reader = spark.read.schema(columns).options(header=True, sep=";", nullValue="n/a")
    return reader.option("timestampFormat", "dd.MM.yyyy HH:mm").csv(export)
    ### END SOLUTION


# %% check="3.1.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant(
    "3.1.1",
    "no passengers",
    "a week in which nobody entered the passengers",
    trips=variants.nulls("passenger_count", every=1),
)
variant("3.1.1", "holidays", "a week without trips: the folder is empty", trips=variants.empty)
### END HIDDEN TESTS
check(
    "3.1.1",
    office_trips,
    key=["trip"],
    files={
        "given": {
            "export": {
                "table": "trips",
                "format": "lines",
                "files": 2,
                "suffix": "csv",
                "header": "trip;zone;pickup;passengers;distance_km;fare",
                "line": "concat_ws(';', trip_id, IF(pickup_zone_id = 999, 'n/a', lpad(CAST(pickup_zone_id AS STRING), 3, '0')), "
                "date_format(pickup_ts, 'dd.MM.yyyy HH:mm'), coalesce(CAST(passenger_count AS STRING), 'n/a'), "
                "distance_km, fare_amount)",
            }
        },
        "returns": True,
    },
)

# %% [markdown] hints="3.1.1"
# 1. Which of the columns would Spark guess wrong, on this export or on another one? Say all types yourself; the docstring is nearly the DDL that you need.
# 2. Four things about the lines differ from the defaults: the names in the first line, the separator, the text for NULL, and how times are written. Each is an option of the table above.
# 3. `dd` is the day, `MM` the month, `yyyy` the year, `HH` the hour and `mm` the minute. Note which letters are capitals.


# %% wrong="3.1.1" because="`zone` is INT"
def office_trips(spark, export):
    return spark.read.csv(
        export,
        header=True,
        sep=";",
        inferSchema=True,
        nullValue="n/a",
        timestampFormat="dd.MM.yyyy HH:mm",
    )


# %% wrong="3.1.1" because="2 rows are not expected"
def office_trips(spark, export):
    columns = "trip BIGINT, zone STRING, pickup TIMESTAMP, passengers INT, distance_km DOUBLE, fare DECIMAL(10,2)"
    reader = spark.read.schema(columns).options(sep=";", nullValue="n/a")
    return reader.option("timestampFormat", "dd.MM.yyyy HH:mm").csv(export)


# %% wrong="3.1.1" because="`pickup` is wrong in"
def office_trips(spark, export):
    columns = "trip BIGINT, zone STRING, pickup TIMESTAMP, passengers INT, distance_km DOUBLE, fare DECIMAL(10,2)"
    return spark.read.schema(columns).csv(export, header=True, sep=";", nullValue="n/a")


# %% wrong="3.1.1" because="`zone` is wrong in 23 of"
def office_trips(spark, export):
    columns = "trip BIGINT, zone STRING, pickup TIMESTAMP, passengers INT, distance_km DOUBLE, fare DECIMAL(10,2)"
    reader = spark.read.schema(columns).options(header=True, sep=";")
    return reader.option("timestampFormat", "dd.MM.yyyy HH:mm").csv(export)


# %% wrong="3.1.1" because="the folder is empty"
def office_trips(spark, export):
    guessed = spark.read.csv(export, header=True, sep=";", inferSchema=True, nullValue="n/a")
    return guessed.select(
        F.col("trip").cast("bigint").alias("trip"),
        F.lpad(F.col("zone").cast("string"), 3, "0").alias("zone"),
        F.to_timestamp("pickup", "dd.MM.yyyy HH:mm").alias("pickup"),
        F.col("passengers").cast("int").alias("passengers"),
        F.col("distance_km").cast("double").alias("distance_km"),
        F.col("fare").cast("decimal(10,2)").alias("fare"),
    )


# %% wrong="3.1.1" because="nobody entered the passengers"
def office_trips(spark, export):
    guessed = spark.read.csv(export, header=True, sep=";", inferSchema=True, nullValue="n/a")
    return guessed.withColumns(
        {
            "trip": F.col("trip").cast("bigint"),
            "zone": F.lpad(F.col("zone").cast("string"), 3, "0"),
            "pickup": F.to_timestamp("pickup", "dd.MM.yyyy HH:mm"),
            "fare": F.col("fare").cast("decimal(10,2)"),
        }
    )


# %% right="3.1.1"
def office_trips(spark, export):
    columns = StructType(
        [
            StructField("trip", LongType()),
            StructField("zone", StringType()),
            StructField("pickup", TimestampType()),
            StructField("passengers", IntegerType()),
            StructField("distance_km", DoubleType()),
            StructField("fare", DecimalType(10, 2)),
        ]
    )
    return spark.read.csv(
        export,
        schema=columns,
        header=True,
        sep=";",
        timestampFormat="dd.MM.yyyy HH:mm",
        nullValue="n/a",
    )


# %% right="3.1.1"
def office_trips(spark, export):
    names = ["trip", "zone", "pickup", "passengers", "distance_km", "fare"]
    texts = spark.read.csv(
        export, schema=", ".join(f"{name} STRING" for name in names), header=True, sep=";"
    )
    return texts.selectExpr(
        "CAST(trip AS BIGINT) AS trip",
        "nullif(zone, 'n/a') AS zone",
        "to_timestamp(pickup, 'dd.MM.yyyy HH:mm') AS pickup",
        "try_cast(passengers AS INT) AS passengers",
        "CAST(distance_km AS DOUBLE) AS distance_km",
        "CAST(fare AS DECIMAL(10,2)) AS fare",
    )


# %% [markdown]
# ## Lines that do not fit
#
# A schema is also a promise that somebody may break: a field too few, a field too many, a word where a number should be. The option `mode` says what happens then.
#
# | `mode` | a line that does not fit |
# |---|---|
# | `PERMISSIVE` (if you say nothing) | becomes a row all the same; fields that cannot be read are NULL |
# | `DROPMALFORMED` | is left out, and nobody is told |
# | `FAILFAST` | stops the query with an error |

# %%
(folder / "shifts.csv").write_text(
    "driver,hours,bonus\n1,8,20.00\n2,seven,15.00\n3,6\n4,9,10.00,late\n5,,12.50\n"
)
shifts = spark.read.schema("driver INT, hours INT, bonus DECIMAL(6,2)").option("header", True)
shifts.csv(f"{folder}/shifts.csv").show()

# %% [markdown]
# That is the danger of the default. Driver 5 has no hours, since the field is empty. Driver 2 has none, since somebody wrote a word. In the table the two look the same, and the bonus of driver 3 is gone without a sound.
#
# `PERMISSIVE` can tell them apart: add a column `_corrupt_record STRING` to the **schema**. It holds the whole line where something did not fit, and NULL where all is well. (The option
# `columnNameOfCorruptRecord` gives the column another name.)

# %%
with_corrupt = "driver INT, hours INT, bonus DECIMAL(6,2), _corrupt_record STRING"
kept = spark.read.schema(with_corrupt).option("header", True).csv(f"{folder}/shifts.csv")
kept.show()

# %% [markdown]
# Spark reads only the columns that a query needs, and **checks only what it reads**. Two surprises come from that:

# %%
dropping = shifts.option("mode", "DROPMALFORMED").csv(f"{folder}/shifts.csv")
print("rows:", len(dropping.collect()), " count():", dropping.count())
try:
    kept.select("_corrupt_record").show()
except AnalysisException as error:
    print(error.getCondition())

# %% [markdown]
# `count()` needs no column, so no line is looked at and none is dropped. And a query of the corrupt lines alone is refused, since without another column there is nothing to check. With one more
# column Spark checks that one and no other, and reports too few lines. So make it read **all** columns: `cache()` the DataFrame first, then everything is read once, checked and kept.
# What is kept stays as it is, though: whoever reads the same folder again in this session gets the kept rows, also when new files have come. When you are done, give it back with `unpersist()`.
#
# `FAILFAST` is for data that must be whole. Like everything in Spark it is lazy: `load` does not fail, the **action** does.

# %%
strict = shifts.option("mode", "FAILFAST").csv(f"{folder}/shifts.csv")
try:
    strict.collect()
except Exception as error:
    print(type(error).__name__, conditions_of(error))

# %% [markdown]
# An error out of the middle of a job reaches Python as a `Py4JJavaError`, whose text is the long trace of Java. Spark's own names for what went wrong, the **error conditions**, stand in it between
# brackets. `conditions_of` of the set-up cell picks them out.
#
# ### Exercise 3.1.2: lines that are no trips
#
# Another office delivers CSV files with the columns `trip` (BIGINT), `pickup` (TIMESTAMP, written as `2025-03-31 08:10:00`), `passengers` (INT, or `n/a`) and `fare` (DECIMAL(10,2)), separated by commas, with names in the first line. Some lines are damaged.
# Find them: return the name of the file and the line as it stands there, for every line with too few fields, too many fields, or a field that its type does not allow (a word, a number that is too large, a time that does not exist).
# `n/a` and empty fields are allowed (`n/a` occurs in `passengers` only). All times that exist are written in the agreed way. Equal lines may occur several times: return each. The names in the first line are never damaged.
#
# `_metadata.file_name` is the name of the file that a row comes from. You can select it like any column; more about it below. (It is written as in an address: a blank in a name is `%20`. No name here has one.)


# %% answer="3.1.2" title="Lines that are no trips"
def damaged_lines(spark: SparkSession, delivery: str) -> DataFrame:
    """(file STRING, line STRING), one row for each damaged line; `file` without a path."""
    ### BEGIN SOLUTION
    columns = (
        "trip BIGINT, pickup TIMESTAMP, passengers INT, fare DECIMAL(10,2), _corrupt_record STRING"
    )
    lines = spark.read.schema(columns).csv(delivery, header=True, nullValue="n/a")
    checked = lines.select("*", "_metadata.file_name").filter("_corrupt_record IS NOT NULL")
    return checked.cache().selectExpr("file_name AS file", "_corrupt_record AS line")
    ### END SOLUTION


# %% check="3.1.2" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.1.2",
    "out of range",
    "numbers too large for their type, and times that do not exist",
    trips=variants.replaced(
        stored_and_forwarded=F.expr("IF(trip_id % 40 = 0, 'X', stored_and_forwarded)")
    ),
)
variant(
    "3.1.2",
    "empty fields",
    "empty fields, words in the place of numbers, and lines that occur several times",
    trips=variants.together(
        variants.replaced(
            stored_and_forwarded=F.expr("IF(trip_id % 40 = 0, 'V', stored_and_forwarded)")
        ),
        variants.duplicated(),
    ),
)
### END HIDDEN TESTS
check(
    "3.1.2",
    damaged_lines,
    files={
        "given": {
            "delivery": {
                "table": "trips",
                "format": "lines",
                "files": 3,
                "suffix": "csv",
                "header": "trip,pickup,passengers,fare",
                "line": "CASE WHEN rate_code = 99 THEN concat(trip_id, ',', pickup_ts) "
                "WHEN payment_type = 3 THEN concat_ws(',', trip_id, pickup_ts, 'two', fare_amount) "
                "WHEN payment_type = 4 THEN concat_ws(',', trip_id, pickup_ts, passenger_count, fare_amount, 'disputed', '') "
                "WHEN stored_and_forwarded = 'X' THEN element_at(array("
                "concat_ws(',', trip_id, '2025-02-31 08:10:00', 1, fare_amount), "
                "concat_ws(',', trip_id, '2025-02-11 25:10:00', 1, fare_amount), "
                "concat_ws(',', trip_id, pickup_ts, '3000000000', fare_amount), "
                "concat_ws(',', trip_id, pickup_ts, 1, '123456789.00'), "
                "concat_ws(',', trip_id + 3000000000, pickup_ts, 1, '')), CAST(trip_id DIV 40 % 5 AS INT) + 1) "
                "WHEN stored_and_forwarded = 'V' THEN element_at(array("
                "concat_ws(',', '', pickup_ts, 1, fare_amount), "
                "concat_ws(',', trip_id, '', 1, fare_amount), "
                "concat_ws(',', trip_id, pickup_ts, '', fare_amount), "
                "concat_ws(',', concat('T-', trip_id), pickup_ts, 1, fare_amount), "
                "concat_ws(',', trip_id, pickup_ts, 1, 'free')), CAST(trip_id DIV 40 % 5 AS INT) + 1) "
                "ELSE concat_ws(',', trip_id, pickup_ts, coalesce(CAST(passenger_count AS STRING), 'n/a'), fare_amount) END",
            }
        },
        "returns": True,
    },
)

# %% [markdown] hints="3.1.2"
# 1. Which mode keeps a damaged line, and in which column? That column must stand in the schema.
# 2. `n/a` is no damage here. Which option tells the reader so? Without it all these lines are reported.
# 3. A query that reads no column of the file itself checks nothing. Keep the other columns until the lines are found: `cache()` makes sure of it.


# %% wrong="3.1.2" because="rows are not expected"
def damaged_lines(spark, delivery):
    columns = (
        "trip BIGINT, pickup TIMESTAMP, passengers INT, fare DECIMAL(10,2), _corrupt_record STRING"
    )
    lines = spark.read.schema(columns).csv(delivery, header=True)
    checked = lines.select("*", "_metadata.file_name").cache()
    return checked.filter("_corrupt_record IS NOT NULL").selectExpr(
        "file_name AS file", "_corrupt_record AS line"
    )


# %% wrong="3.1.2" because="times that do not exist"
def damaged_lines(spark, delivery):
    lines = spark.read.text(delivery).select("value", "_metadata.file_name")
    fields = F.split("value", ",")
    bad = (F.size(fields) != 4) | ~F.get(fields, F.lit(2)).rlike("^([0-9]+|n/a|)$")
    return (
        lines.filter("value NOT LIKE 'trip,%'")
        .filter(bad)
        .selectExpr("file_name AS file", "value AS line")
    )


# %% wrong="3.1.2" because="rows are missing"
def damaged_lines(spark, delivery):
    columns = (
        "trip BIGINT, pickup TIMESTAMP, passengers INT, fare DECIMAL(10,2), _corrupt_record STRING"
    )
    lines = spark.read.schema(columns).csv(delivery, header=True, nullValue="n/a")
    return (
        lines.select("*", "_metadata.file_name")
        .filter("_corrupt_record IS NOT NULL AND fare IS NULL")
        .selectExpr("file_name AS file", "_corrupt_record AS line")
    )


# %% wrong="3.1.2" because="lines that occur several times"
def damaged_lines(spark, delivery):
    columns = (
        "trip BIGINT, pickup TIMESTAMP, passengers INT, fare DECIMAL(10,2), _corrupt_record STRING"
    )
    lines = spark.read.schema(columns).csv(delivery, header=True, nullValue="n/a")
    checked = lines.select("*", "_metadata.file_name").filter("_corrupt_record IS NOT NULL")
    return checked.cache().selectExpr("file_name AS file", "_corrupt_record AS line").distinct()


# %% wrong="3.1.2" because="words in the place of numbers"
def damaged_lines(spark, delivery):
    texts = spark.read.text(delivery).select("value", F.col("_metadata.file_name").alias("file"))
    fields = texts.filter("value <> 'trip,pickup,passengers,fare'").withColumn(
        "f", F.split("value", ",")
    )
    return fields.filter("""
        size(f) <> 4
        OR (get(f, 1) <> '' AND try_cast(get(f, 1) AS TIMESTAMP) IS NULL)
        OR (get(f, 2) NOT IN ('', 'n/a') AND try_cast(get(f, 2) AS INT) IS NULL)
        OR (get(f, 3) <> '' AND try_cast(get(f, 3) AS DECIMAL(10,2)) IS NULL)
    """).selectExpr("file", "value AS line")


# %% wrong="3.1.2" because="empty fields"
def damaged_lines(spark, delivery):
    texts = spark.read.text(delivery).select("value", F.col("_metadata.file_name").alias("file"))
    fields = texts.filter("value <> 'trip,pickup,passengers,fare'").withColumn(
        "f", F.split("value", ",")
    )
    return fields.filter("""
        size(f) <> 4
        OR try_cast(get(f, 0) AS BIGINT) IS NULL
        OR try_cast(get(f, 1) AS TIMESTAMP) IS NULL
        OR (get(f, 2) <> 'n/a' AND try_cast(get(f, 2) AS INT) IS NULL)
        OR (get(f, 3) <> '' AND try_cast(get(f, 3) AS DECIMAL(10,2)) IS NULL)
    """).selectExpr("file", "value AS line")


# %% right="3.1.2"
def damaged_lines(spark, delivery):
    texts = spark.read.text(delivery).select("value", F.col("_metadata.file_name").alias("file"))
    fields = texts.filter("value <> 'trip,pickup,passengers,fare'").withColumn(
        "f", F.split("value", ",")
    )
    return fields.filter("""
        size(f) <> 4
        OR (get(f, 0) <> '' AND try_cast(get(f, 0) AS BIGINT) IS NULL)
        OR (get(f, 1) <> '' AND try_cast(get(f, 1) AS TIMESTAMP) IS NULL)
        OR (get(f, 2) NOT IN ('', 'n/a') AND try_cast(get(f, 2) AS INT) IS NULL)
        OR (get(f, 3) <> '' AND try_cast(get(f, 3) AS DECIMAL(10,2)) IS NULL)
    """).selectExpr("file", "value AS line")


# %% right="3.1.2"
def damaged_lines(spark, delivery):
    reader = spark.read.options(header=True, nullValue="n/a", columnNameOfCorruptRecord="line")
    lines = reader.csv(
        delivery,
        schema="trip BIGINT, pickup TIMESTAMP, passengers INT, fare DECIMAL(10,2), line STRING",
    ).withColumn("file", F.col("_metadata.file_name"))
    return lines.localCheckpoint().filter("line IS NOT NULL").select("file", "line")


# %% [markdown]
# ## JSON: lines, or a document
#
# Spark expects **JSON lines**: each line is a whole object. Such files can be cut anywhere between two lines, so many tasks can read one file. Other programs write one **document**: a list of objects over many
# lines, nicely indented. For these there is the option `multiLine`; a file is then read as a whole, by one task. Look what happens when you take the wrong one:

# %%
(folder / "lines.jsonl").write_text('{"id": 1, "city": "Lisbon"}\n{"id": 2, "city": "Porto"}\n')
(folder / "document.json").write_text('[\n  {\n    "id": 3,\n    "city": "Faro"\n  }\n]\n')
cities = spark.read.schema("id INT, city STRING")
for name in ("lines.jsonl", "document.json"):
    for multi_line in (False, True):
        rows = cities.option("multiLine", multi_line).json(f"{folder}/{name}").collect()
        print(f"{name:14} multiLine={multi_line!s:6}", [tuple(row) for row in rows])

# %% [markdown]
# A document that is read by lines gives a row for each of its lines, and NULLs, since no line is an object of its own. Lines that are read as documents are worse: **only the first object of each file** is found, and nothing tells you. Count the rows of a new source once, and compare
# with what its owner says.
#
# Also for JSON say the schema. Without one Spark reads everything to guess it, and then types, and even the columns, depend on the objects that happen to be there. A field that the schema does not name is left out; one that an object lacks is NULL.
# `mode` and `_corrupt_record` work as for CSV.
#
# Which files of a folder are read? All whose names do not begin with `_` or a dot. `pathGlobFilter` chooses by name, `recursiveFileLookup` looks into folders below, and `modifiedAfter` and `modifiedBefore` choose by the time of change. (The example makes a new reader on purpose. `option` **changes** the reader that it is called on: `cities` above would still have `multiLine` from the last round of the loop.)

# %%
by_name = spark.read.schema("id INT, city STRING").option("pathGlobFilter", "li*")
print(by_name.json(str(folder)).count(), "rows in the files whose names begin with li")

# %% [markdown]
# ### Exercise 3.1.3: an archive and a feed
#
# The folder `landing` holds reviews in two kinds of files. Those that end in `.json` are documents: a list with one object for each review, over many lines. Those that end in `.jsonl` have one object per line.
# Return all reviews of both, as often as they occur. There may be files of one kind only.


# %% answer="3.1.3" title="An archive and a feed"
def all_reviews(spark: SparkSession, landing: str) -> DataFrame:
    """(review_id STRING, stars INT, created TIMESTAMP, text STRING or NULL); one row for each object in the files."""
    ### BEGIN SOLUTION
    columns = "review_id STRING, stars INT, created TIMESTAMP, text STRING"
    feed = spark.read.schema(columns).option("pathGlobFilter", "*.jsonl")
    archive = spark.read.schema(columns).options(pathGlobFilter="*.json", multiLine=True)
    return archive.json(landing).unionByName(feed.json(landing))
    ### END SOLUTION


# %% check="3.1.3" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.1.3",
    "only the feed",
    "a folder with files of the feed only",
    reviews=variants.only("year(created) = 2025"),
)
variant(
    "3.1.3",
    "only the archive",
    "a folder with documents only, of reviews that have no text",
    reviews=variants.together(
        variants.only("year(created) = 2024"), variants.nulls("text", every=1)
    ),
)
variant(
    "3.1.3",
    "twice",
    "reviews that came twice",
    reviews=variants.duplicated(),
)
### END HIDDEN TESTS
check(
    "3.1.3",
    all_reviews,
    key=["review_id"],
    files={
        "given": {
            "landing": {
                "table": "reviews",
                "format": "lines",
                "name": "IF(year(created) = 2024, concat(IF(quarter(created) = 4, 'late', 'archive'), '-2024-', quarter(created), '.json'), "
                "concat(IF(month(created) = 3, 'again', 'feed'), date_format(created, '-yyyy-MM'), '.jsonl'))",
                "text": "IF(year(max(created)) = 2024, to_json(collect_list(struct(review_id, business_id, stars, text, created)), map('pretty', 'true')), "
                "array_join(collect_list(to_json(struct(review_id, business_id, stars, text, created))), '\\n'))",
            }
        },
        "returns": True,
    },
)

# %% [markdown] equivalent="3.1.3" because="Both kinds of files are read with the same schema, so the columns have the same order."
# - other relation: .unionByName(feed.json(landing)) → union

# %% [markdown] hints="3.1.3"
# 1. One reader cannot do both. Read the two kinds apart, and put the rows below each other.
# 2. `pathGlobFilter` chooses the files. It must fit the whole name: does your pattern for the documents also fit `.jsonl`?
# 3. With a schema of your own, a reader that finds no file gives no rows and the right columns. Without one it cannot know them.


# %% wrong="3.1.3" because="rows are missing"
def all_reviews(spark, landing):
    columns = "review_id STRING, stars INT, created TIMESTAMP, text STRING"
    return spark.read.schema(columns).json(landing, multiLine=True)


# %% wrong="3.1.3" because="not expected"
def all_reviews(spark, landing):
    columns = "review_id STRING, stars INT, created TIMESTAMP, text STRING"
    return spark.read.schema(columns).json(landing)


# %% wrong="3.1.3" because="files of the feed only"
def all_reviews(spark, landing):
    feed = spark.read.json(landing, pathGlobFilter="*.jsonl")
    archive = spark.read.json(landing, pathGlobFilter="*.json", multiLine=True)
    return archive.unionByName(feed).selectExpr(
        "review_id",
        "CAST(stars AS INT) AS stars",
        "CAST(created AS TIMESTAMP) AS created",
        "text",
    )


# %% wrong="3.1.3" because="`created` is STRING"
def all_reviews(spark, landing):
    reader = spark.read.schema("review_id STRING, stars INT, created STRING, text STRING")
    feed = reader.option("pathGlobFilter", "*.jsonl").json(landing)
    archive = reader.option("pathGlobFilter", "*.json").json(landing, multiLine=True)
    return archive.unionByName(feed)


# %% wrong="3.1.3" because="reviews that came twice"
def all_reviews(spark, landing):
    columns = "review_id STRING, stars INT, created TIMESTAMP, text STRING"
    spark.read.schema(columns).json(landing, pathGlobFilter="*.jsonl").createOrReplaceTempView(
        "feed"
    )
    spark.read.schema(columns).json(
        landing, pathGlobFilter="*.json", multiLine=True
    ).createOrReplaceTempView("arch")
    return spark.sql("SELECT * FROM feed UNION SELECT * FROM arch")


# %% wrong="3.1.3" because="rows are missing"
def all_reviews(spark, landing):
    columns = "review_id STRING, stars INT, created TIMESTAMP, text STRING"
    feed = spark.read.schema(columns).option("pathGlobFilter", "feed*")
    archive = spark.read.schema(columns).options(pathGlobFilter="archive*", multiLine=True)
    return archive.json(landing).unionByName(feed.json(landing))


# %% right="3.1.3"
def all_reviews(spark, landing):
    columns = "review_id STRING, stars INT, created TIMESTAMP, text STRING"
    files = [str(path) for path in sorted(Path(landing).iterdir())]
    found = spark.createDataFrame([], columns)
    for kind, multi in ((".json", True), (".jsonl", False)):
        paths = [path for path in files if path.endswith(kind)]
        if paths:
            found = found.union(spark.read.schema(columns).json(paths, multiLine=multi))
    return found


# %% right="3.1.3"
def all_reviews(spark, landing):
    one = "struct<review_id:string,stars:int,created:timestamp,text:string>"
    files = spark.read.text(landing, wholetext=True).select("value", "_metadata.file_name")
    documents = files.filter("file_name LIKE '%.json'").select(
        F.explode(F.from_json("value", f"array<{one}>")).alias("r")
    )
    lines = files.filter("file_name LIKE '%.jsonl'").select(
        F.explode(F.split(F.trim("value", F.lit("\n")), "\n")).alias("line")
    )
    return documents.union(lines.select(F.from_json("line", one))).select("r.*")


# %% [markdown]
# ## Files tell about themselves
#
# Every file source has a hidden column `_metadata`. It is not part of `*`, but you can select it: `file_path`, `file_name`, `file_size`, `file_modification_time`, and for formats that can be cut also the
# block that a row was read from. It is how you find out later which delivery brought a row, and the way to the file when a row is wrong.

# %%
for quarter in (1, 2):
    part = trips.filter(F.quarter("pickup_ts") == quarter).select("trip_id", "tip_amount")
    part.coalesce(1).write.parquet(f"{folder}/tips/quarter-{quarter}")
looked = spark.read.parquet(f"{folder}/tips/*").select(
    "*", F.element_at(F.split("_metadata.file_path", "/"), -2).alias("folder")
)
looked.groupBy("folder").agg(F.count("*"), F.max("tip_amount")).orderBy("folder").show()

# %% [markdown]
# SQL can read files, too, without any table: write the format, a dot, and the path in backticks. That is quick for a look into a folder. Unless you say options, a CSV file is read without its header, with columns `_c0`, `_c1` and so on; since Spark 4 they can follow the path: ``csv.`path` WITH (header = 'true', sep = '|')``.
# (The path gets into the query by an f-string. That is all right for a path of our own. A text that comes from outside must not get into SQL like this, see 1.4; give it to `spark.read`, which takes it as a path and nothing else.)

# %%
spark.sql(f"""
    SELECT count(*) AS trips, max(tip_amount) AS highest, count(DISTINCT _metadata.file_name) AS files
    FROM parquet.`{folder}/tips/quarter-1`
""").show()
spark.sql(f"SELECT * FROM csv.`{folder}/rents.csv`").show(2, truncate=False)

# %% [markdown]
# ### Exercise 3.1.4: what has arrived since?
#
# The folder `landing` holds Parquet files with the columns of `trips`. Return one row for each file that was changed **after** the moment `since`, a text such as `"2025-06-02 22:10:00"` (UTC): the name of the file, when it was changed,
# how many trips it holds, and the sum of their `total_amount`. Trips without an amount count as trips and add nothing to the sum. Every file has trips, and some of them have amounts. A file that was changed exactly at `since` has been seen before and does not count. There may be no such file: then there are no rows.


# %% answer="3.1.4" title="What has arrived since?"
def arrived(spark: SparkSession, landing: str, since: str) -> DataFrame:
    """(file STRING, changed TIMESTAMP, trips BIGINT, amount DECIMAL(20,2)), one row per file that is newer than `since`."""
    ### BEGIN SOLUTION
    name, changed = F.col("_metadata.file_name"), F.col("_metadata.file_modification_time")
    newer = spark.read.parquet(landing).filter(changed > since)
    per_file = newer.groupBy(name.alias("file"), changed.alias("changed"))
    return per_file.agg(F.count("*").alias("trips"), F.sum("total_amount").alias("amount"))
    ### END SOLUTION


# %% check="3.1.4" points=2
### BEGIN HIDDEN TESTS
variant("3.1.4", "everything", "a moment before all files", since="2025-05-31 23:59:59")
variant(
    "3.1.4",
    "between",
    "a moment between two files, and trips of which every fifth has no amount",
    since="2025-06-03 00:00:00",
    trips=variants.nulls("total_amount", every=5),
)
variant("3.1.4", "nothing new", "a moment after all files", since="2025-06-30 00:00:00")
### END HIDDEN TESTS
check(
    "3.1.4",
    arrived,
    key=["file"],
    arguments={"since": "2025-06-02 22:10:00"},
    files={
        "given": {
            "landing": {
                "table": "trips",
                "files": 4,
                "modified": [
                    "2025-06-04 22:10:00",
                    "2025-06-01 22:10:00",
                    "2025-06-02 22:10:00",
                    "2025-06-03 22:10:00",
                ],
            }
        },
        "returns": True,
    },
)

# %% [markdown] hints="3.1.4"
# 1. Two fields of `_metadata` are needed: one for the name, one for the time of change. They can stand in conditions and in groupings like other columns.
# 2. Read the folder, keep the rows of newer files, and group by name and time.
# 3. `since` is a text. A TIMESTAMP that is compared with a text turns it into a TIMESTAMP by itself. Which comparison leaves out the file that was changed exactly then?


# %% wrong="3.1.4" because="1 row is not expected"
def arrived(spark, landing, since):
    files = spark.read.parquet(landing).withColumn("m", F.col("_metadata"))
    return (
        files.filter(F.col("m.file_modification_time") >= F.lit(since).cast("timestamp"))
        .groupBy("m.file_name", "m.file_modification_time")
        .agg(F.count("*").alias("trips"), F.sum("total_amount").alias("amount"))
        .toDF("file", "changed", "trips", "amount")
    )


# %% wrong="3.1.4" because="All rows are missing"
def arrived(spark, landing, since):
    files = spark.read.parquet(landing).select("*", "_metadata.*")
    return (
        files.filter(F.col("file_modification_time") > F.lit(since).cast("timestamp"))
        .groupBy("file_path", "file_modification_time")
        .agg(F.count("*").alias("trips"), F.sum("total_amount").alias("amount"))
        .toDF("file", "changed", "trips", "amount")
    )


# %% wrong="3.1.4" because="a moment before all files"
def arrived(spark, landing, since):
    files = spark.read.parquet(landing).select("*", "_metadata.*")
    return (
        files.filter("file_name IN ('part-00001.parquet', 'part-00004.parquet')")
        .groupBy("file_name", "file_modification_time")
        .agg(F.count("*").alias("trips"), F.sum("total_amount").alias("amount"))
        .toDF("file", "changed", "trips", "amount")
    )


# %% wrong="3.1.4" because="has no amount"
def arrived(spark, landing, since):
    files = spark.read.parquet(landing).select("*", "_metadata.*")
    return (
        files.filter(F.col("file_modification_time") > F.lit(since).cast("timestamp"))
        .groupBy("file_name", "file_modification_time")
        .agg(F.count("total_amount").alias("trips"), F.sum("total_amount").alias("amount"))
        .toDF("file", "changed", "trips", "amount")
    )


# %% wrong="3.1.4" because="a moment after all files"
def arrived(spark, landing, since):
    newer = spark.read.option("modifiedAfter", since.replace(" ", "T")).parquet(landing)
    return newer.groupBy(
        F.col("_metadata.file_name").alias("file"),
        F.col("_metadata.file_modification_time").alias("changed"),
    ).agg(F.count("*").alias("trips"), F.sum("total_amount").alias("amount"))


# %% right="3.1.4"
def arrived(spark, landing, since):
    files = (
        spark.read.format("binaryFile")
        .load(landing)
        .select(
            F.element_at(F.split("path", "/"), -1).alias("file"),
            F.col("modificationTime").alias("changed"),
        )
        .filter(F.col("changed") > F.to_timestamp(F.lit(since)))
    )
    rows = spark.read.parquet(landing).select(
        "total_amount", F.col("_metadata.file_name").alias("file")
    )
    amounts = F.count("*").alias("trips"), F.sum("total_amount").alias("amount")
    return files.join(rows, "file").groupBy("file", "changed").agg(*amounts)


# %% right="3.1.4"
def arrived(spark, landing, since):
    newer = spark.read.option("modifiedAfter", since.replace(" ", "T")).schema(trips.schema)
    return (
        newer.parquet(landing)
        .groupBy(
            F.col("_metadata.file_name").alias("file"),
            F.col("_metadata.file_modification_time").alias("changed"),
        )
        .agg(F.count("*").alias("trips"), F.sum("total_amount").alias("amount"))
    )


# %% right="3.1.4"
def arrived(spark, landing, since):
    query = f"""
        SELECT _metadata.file_name AS file, _metadata.file_modification_time AS changed,
               count(*) AS trips, sum(total_amount) AS amount
        FROM parquet.`{landing}`
        WHERE _metadata.file_modification_time > to_timestamp(:since)
        GROUP BY ALL
    """
    return spark.sql(query, args={"since": since})


# %% right="3.1.4"
def arrived(spark, landing, since):
    files = spark.read.parquet(landing).select("total_amount", "_metadata")
    per_file = files.groupBy("_metadata.file_name").agg(
        F.max("_metadata.file_modification_time").alias("changed"),
        F.count(F.lit(1)).alias("trips"),
        F.sum("total_amount").alias("amount"),
    )
    return per_file.filter(F.col("changed") > since).withColumnRenamed("file_name", "file")


# %% [markdown]
# ## Formats: what a file keeps
#
# | format | schema in the file | stored by | good for |
# |---|---|---|---|
# | CSV | no (names at most) | row, as text | people, spreadsheets, old systems |
# | JSON | names | row, as text | nested data between programs |
# | Avro | yes | row, binary | messages, whole rows, Kafka |
# | ORC, Parquet | yes | **column**, binary, with statistics | analysis: few columns of many rows |
#
# A **columnar** file keeps the values of each column together. They resemble each other, so they can be packed well, and a query that needs three columns of nineteen reads only these. Statistics of each block let Spark leave out
# blocks in which nothing can match. The plan (0.2) shows what is read:

# %%
trips.coalesce(1).write.parquet(f"{folder}/columns")
trips.coalesce(1).write.csv(f"{folder}/text")


def size_of(path: Path) -> int:
    """Bytes of all data files in a folder."""
    return sum(file.stat().st_size for file in path.glob("part-*"))


print("CSV / Parquet, in bytes:", round(size_of(folder / "text") / size_of(folder / "columns")))
spark.read.parquet(f"{folder}/columns").createOrReplaceTempView("columnar")
plan = spark.sql("EXPLAIN SELECT trip_id FROM columnar WHERE fare_amount > 90").first()["plan"]
print(re.search("ReadSchema: (.*)", plan)[1])

# %% [markdown]
# Only two columns are read. From a CSV file every byte must be read, whatever you ask for. For data that are read more often than they are written, choose a columnar format. (Delta, module 4, is Parquet with a log.)
#
# When sources differ in format, give each of them the types that you want **while reading**, then choose the columns by name, and only then put the rows below each other.
#
# ### Exercise 3.1.5: four partners
#
# Four partners send their trips, each in the folder of its name and in a format of its own: `north` in Parquet, `south` in Avro, `east` in JSON lines, `west` in CSV with names in the first line. All have the columns `trip_id`, `pickup_ts`, `distance_km`
# and `fare_amount`, but not in the same order. The CSV files all have the same header. In Parquet and Avro the types are right. In JSON and CSV, times are written as `2025-03-31T08:10:00.000Z` and amounts as numbers with a point. A folder may hold files without any trip.
# Return all trips in one table, with the name of the partner.


# %% answer="3.1.5" title="Four partners"
def all_partners(spark: SparkSession, north: str, south: str, east: str, west: str) -> DataFrame:
    """(partner STRING, trip_id BIGINT, pickup_ts TIMESTAMP, distance_km DOUBLE, fare_amount DECIMAL(10,2))."""
    ### BEGIN SOLUTION
    of_json = "trip_id BIGINT, pickup_ts TIMESTAMP, distance_km DOUBLE, fare_amount DECIMAL(10,2)"
    of_csv = "fare_amount DECIMAL(10,2), distance_km DOUBLE, pickup_ts TIMESTAMP, trip_id BIGINT"
    sent = {
        "north": spark.read.parquet(north),
        "south": spark.read.format("avro").load(south),
        "east": spark.read.schema(of_json).json(east),
        "west": spark.read.schema(of_csv).csv(west, header=True),
    }
    names = ["trip_id", "pickup_ts", "distance_km", "fare_amount"]
    parts = [rows.select(F.lit(name).alias("partner"), *names) for name, rows in sent.items()]
    return parts[0].unionByName(parts[1]).unionByName(parts[2]).unionByName(parts[3])
    ### END SOLUTION


# %% check="3.1.5" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.1.5",
    "nothing from the east",
    "files of a partner in which there is no trip",
    trips=variants.only("trip_id % 4 <> 2"),
)
variant(
    "3.1.5",
    "long numbers",
    "trips with numbers of ten digits, and fares with odd cents",
    trips=variants.replaced(
        trip_id=F.expr("trip_id + 3000000000"),
        fare_amount=F.expr("CAST(fare_amount + 0.25 AS DECIMAL(10,2))"),
    ),
)
### END HIDDEN TESTS
check(
    "3.1.5",
    all_partners,
    key=["trip_id"],
    files={
        "given": {
            "north": {
                "table": "trips",
                "where": "trip_id % 4 = 0",
                "select": ["pickup_ts", "trip_id", "distance_km", "fare_amount"],
            },
            "south": {
                "table": "trips",
                "format": "avro",
                "where": "trip_id % 4 = 1",
                "select": ["trip_id", "fare_amount", "pickup_ts", "distance_km"],
            },
            "east": {
                "table": "trips",
                "format": "json",
                "where": "trip_id % 4 = 2",
                "select": ["trip_id", "pickup_ts", "distance_km", "fare_amount"],
            },
            "west": {
                "table": "trips",
                "format": "csv",
                "options": {"header": True},
                "where": "trip_id % 4 = 3",
                "select": ["fare_amount", "distance_km", "pickup_ts", "trip_id"],
            },
        },
        "returns": True,
    },
)

# %% [markdown] equivalent="3.1.5" because="All four parts have the same columns in the same order by then."
# - other relation: .unionByName(parts[3]) → union
# - other relation: .unionByName(parts[2]) → union
# - other relation: .unionByName(parts[1]) → union

# %% [markdown] hints="3.1.5"
# 1. Look into the folders first, with `spark.read.text(west).show(3, truncate=False)` in your function. Which of the four formats bring their types along, and which do not?
# 2. Two of the four need a schema. For JSON the order of its columns does not matter. For CSV it does, and the order is that of the header.
# 3. Select the columns by name, add the partner as a literal, and use the union that goes by names.


# %% wrong="3.1.5" because="750 rows are missing"
def all_partners(spark, north, south, east, west):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, distance_km DOUBLE, fare_amount DECIMAL(10,2)"
    parts = [
        spark.read.parquet(north).select("trip_id", "pickup_ts", "distance_km", "fare_amount"),
        spark.read.format("avro")
        .load(south)
        .select("trip_id", "pickup_ts", "distance_km", "fare_amount"),
        spark.read.schema(columns).json(east),
        spark.read.schema(columns).csv(west, header=True),
    ]
    found = None
    for name, part in zip(("north", "south", "east", "west"), parts, strict=True):
        part = part.select(F.lit(name).alias("partner"), "*")
        found = part if found is None else found.unionByName(part)
    return found


# %% wrong="3.1.5" because="`fare_amount` is"
def all_partners(spark, north, south, east, west):
    sent = {
        "north": spark.read.parquet(north),
        "south": spark.read.format("avro").load(south),
        "east": spark.read.json(east),
        "west": spark.read.csv(west, header=True, inferSchema=True),
    }
    names = ["trip_id", "pickup_ts", "distance_km", "fare_amount"]
    found = None
    for name, rows in sent.items():
        part = rows.select(F.lit(name).alias("partner"), *names)
        found = part if found is None else found.unionByName(part)
    return found


# %% wrong="3.1.5" because="in which there is no trip"
def all_partners(spark, north, south, east, west):
    sent = {
        "north": spark.read.parquet(north),
        "south": spark.read.format("avro").load(south),
        "east": spark.read.json(east),
        "west": spark.read.csv(west, header=True),
    }
    types = {
        "trip_id": "bigint",
        "pickup_ts": "timestamp",
        "distance_km": "double",
        "fare_amount": "decimal(10,2)",
    }
    found = None
    for name, rows in sent.items():
        columns = [F.col(column).cast(kind).alias(column) for column, kind in types.items()]
        part = rows.select(F.lit(name).alias("partner"), *columns)
        found = part if found is None else found.unionByName(part)
    return found


# %% wrong="3.1.5" because="rows are missing"
def all_partners(spark, north, south, east, west):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, distance_km DOUBLE, fare_amount DECIMAL(10,2)"
    names = ["trip_id", "pickup_ts", "distance_km", "fare_amount"]
    sent = {
        "north": spark.read.parquet(north),
        "south": spark.read.format("avro").load(south),
        "east": spark.read.schema(columns).json(east, multiLine=True),
        "west": spark.read.csv(
            west,
            schema="fare_amount DECIMAL(10,2), distance_km DOUBLE, pickup_ts TIMESTAMP, trip_id BIGINT",
            header=True,
        ),
    }
    found = None
    for name, rows in sent.items():
        part = rows.select(F.lit(name).alias("partner"), *names)
        found = part if found is None else found.unionByName(part)
    return found


# %% wrong="3.1.5" because="numbers of ten digits"
def all_partners(spark, north, south, east, west):
    of_json = "trip_id INT, pickup_ts TIMESTAMP, distance_km DOUBLE, fare_amount DECIMAL(10,2)"
    of_csv = "fare_amount DECIMAL(10,2), distance_km DOUBLE, pickup_ts TIMESTAMP, trip_id INT"
    sent = {
        "north": spark.read.parquet(north),
        "south": spark.read.format("avro").load(south),
        "east": spark.read.schema(of_json).json(east),
        "west": spark.read.schema(of_csv).csv(west, header=True),
    }
    found = None
    for name, rows in sent.items():
        part = rows.withColumn("partner", F.lit(name))
        found = part if found is None else found.unionByName(part)
    return found


# %% right="3.1.5"
def all_partners(spark, north, south, east, west):
    types = {
        "trip_id": "bigint",
        "pickup_ts": "timestamp",
        "distance_km": "double",
        "fare_amount": "decimal(10,2)",
    }
    texts = ", ".join(f"{name} STRING" for name in types)
    csv_texts = "fare_amount STRING, distance_km STRING, pickup_ts STRING, trip_id STRING"
    sent = {
        "north": spark.read.load(north),
        "south": spark.read.load(south, format="avro"),
        "east": spark.read.load(east, format="json", schema=texts),
        "west": spark.read.load(west, format="csv", schema=csv_texts, header=True),
    }
    found = None
    for name, rows in sent.items():
        columns = [F.col(column).cast(kind).alias(column) for column, kind in types.items()]
        part = rows.select(F.lit(name).alias("partner"), *columns)
        found = part if found is None else found.unionAll(part)
    return found


# %% right="3.1.5"
def all_partners(spark, north, south, east, west):
    spark.read.schema(
        "trip_id BIGINT, pickup_ts TIMESTAMP, distance_km DOUBLE, fare_amount DECIMAL(10,2)"
    ).json(east).createOrReplaceTempView("of_the_east")
    spark.read.csv(
        west,
        schema="fare_amount DECIMAL(10,2), distance_km DOUBLE, pickup_ts TIMESTAMP, trip_id BIGINT",
        header=True,
    ).createOrReplaceTempView("of_the_west")
    wanted = "trip_id, pickup_ts, distance_km, fare_amount"
    return spark.sql(f"""
        SELECT 'north' AS partner, {wanted} FROM parquet.`{north}`
        UNION ALL SELECT 'south', {wanted} FROM avro.`{south}`
        UNION ALL SELECT 'east', {wanted} FROM of_the_east
        UNION ALL SELECT 'west', {wanted} FROM of_the_west
    """)


# %% [markdown]
# ### What comes back?
#
# A format that has a schema does not have every type of Spark. What it lacks is written as the next best thing, and read back as that. So before you choose a format for a table, write it and read it again: a **round trip**. Here is
# one for the stores through JSON, compared column by column:

# %%
stores.write.json(f"{folder}/stores")
again = dict(spark.read.json(f"{folder}/stores").dtypes)
for name, kind in stores.dtypes:
    print(f"{name:12} {kind:12} -> {again[name]}")

# %% [markdown]
# JSON has numbers, texts and booleans, nothing more; dates came back as texts. There is one more trap in JSON: Spark's writer leaves out fields that are NULL. A column that is NULL in *every* row is then in no line, and is missing when you
# read the file without a schema.
#
# ### Exercise 3.1.6: what survives the round trip?
#
# Find out by trying. Write `trips` in each of the formats `"parquet"`, `"orc"`, `"avro"`, `"json"` and `"csv"` (with names in the first line) into a folder below `workbench`, and read each back **without a schema and without `inferSchema`**. Return
# a dictionary: for each format the list of the columns whose type has changed, sorted by name. A column that is missing after the round trip has changed, too. Whether a column may be NULL does not count.


# %% answer="3.1.6" title="What survives the round trip?"
def changed_types(spark: SparkSession, trips: DataFrame, workbench: str) -> dict:
    """{"parquet": [...], "orc": [...], "avro": [...], "json": [...], "csv": [...]}, each a sorted list of column names."""
    ### BEGIN SOLUTION
    found = {}
    for kind in ("parquet", "orc", "avro", "json", "csv"):
        trips.write.format(kind).option("header", True).save(f"{workbench}/{kind}")
        back = spark.read.format(kind).option("header", True).load(f"{workbench}/{kind}")
        types = dict(back.dtypes)
        found[kind] = sorted(name for name, was in trips.dtypes if types.get(name) != was)
    return found
    ### END SOLUTION


# %% check="3.1.6" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.1.6",
    "other types",
    "trips with small integers, days and times without a zone",
    trips=lambda trips: trips.limit(100).withColumns(
        {
            "vendor_id": F.col("vendor_id").cast("tinyint"),
            "pickup_ts": F.col("pickup_ts").cast("timestamp_ntz"),
            "dropoff_ts": F.to_date("dropoff_ts"),
        }
    ),
)
variant(
    "3.1.6",
    "unknown",
    "trips of which nobody knows the passengers",
    trips=variants.together(
        lambda trips: trips.limit(100), variants.nulls("passenger_count", every=1)
    ),
)
### END HIDDEN TESTS
check(
    "3.1.6",
    changed_types,
    files={
        "made": {"workbench": {"format": "lines", "content": False, "optional": True}},
        "returns": True,
    },
)

# %% [markdown] hints="3.1.6"
# 1. The five formats need the same steps, so a loop will do: write into a folder of the format's name, read it again, compare.
# 2. `dtypes` gives pairs of name and type. Turned into a dictionary, it answers "what type has this column now?", also for a column that is not there any more (`get`).
# 3. Only CSV knows the option `header`; the other formats ignore it. Compare by names: the columns may come back in another order.


# %% wrong="3.1.6" because="trips with small integers"
def changed_types(spark, trips, workbench):
    trips.write.json(f"{workbench}/json")
    times = ["dropoff_ts", "pickup_ts"]
    numbers = ["distance_km", "passenger_count", "trip_id"]
    whole = ["dropoff_zone_id", "payment_type", "pickup_zone_id", "rate_code", "vendor_id"]
    amounts = [name for name, kind in trips.dtypes if kind.startswith("decimal")]
    of_json = sorted([*amounts, *times, *whole, "passenger_count"])
    of_csv = sorted([*amounts, *times, *numbers, *whole])
    return {"parquet": [], "orc": [], "avro": [], "json": of_json, "csv": of_csv}


# %% wrong="3.1.6" because="is not right"
def changed_types(spark, trips, workbench):
    found = {}
    for kind in ("parquet", "orc", "avro", "json", "csv"):
        trips.write.format(kind).option("header", True).save(f"{workbench}/{kind}")
        reader = spark.read.format(kind).options(header=True, inferSchema=True)
        types = dict(reader.load(f"{workbench}/{kind}").dtypes)
        found[kind] = sorted(name for name, was in trips.dtypes if types.get(name) != was)
    return found


# %% wrong="3.1.6" because="nobody knows the passengers"
def changed_types(spark, trips, workbench):
    before = dict(trips.dtypes)
    found = {}
    for kind in ("parquet", "orc", "avro", "json", "csv"):
        trips.write.format(kind).option("header", True).save(f"{workbench}/{kind}")
        back = spark.read.format(kind).option("header", True).load(f"{workbench}/{kind}")
        found[kind] = sorted(name for name, now in back.dtypes if now != before[name])
    return found


# %% wrong="3.1.6" because="is not right"
def changed_types(spark, trips, workbench):
    found = {}
    for kind in ("parquet", "orc", "avro", "json", "csv"):
        trips.write.format(kind).option("header", True).save(f"{workbench}/{kind}")
        back = spark.read.format(kind).option("header", True).load(f"{workbench}/{kind}")
        pairs = zip(trips.dtypes, back.dtypes, strict=False)
        found[kind] = sorted(was[0] for was, now in pairs if was != now)
    return found


# %% right="3.1.6"
def changed_types(spark, trips, workbench):
    def changed(kind: str, **options) -> list:
        place = str(Path(workbench) / "tried" / kind)
        trips.coalesce(1).write.save(place, format=kind, mode="overwrite", **options)
        kept = {(f.name, f.dataType) for f in spark.read.load(place, format=kind, **options).schema}
        return sorted({f.name for f in trips.schema if (f.name, f.dataType) not in kept})

    binary = {kind: changed(kind) for kind in ("parquet", "orc", "avro", "json")}
    return {**binary, "csv": changed("csv", header=True)}


# %% right="3.1.6"
def changed_types(spark, trips, workbench):
    few = trips.persist()
    few.write.parquet(workbench + "/a")
    few.write.orc(workbench + "/b")
    few.write.format("avro").save(workbench + "/c")
    few.write.json(workbench + "/d")
    few.write.csv(workbench + "/e", header=True)
    back = {
        "parquet": spark.read.parquet(workbench + "/a"),
        "orc": spark.read.orc(workbench + "/b"),
        "avro": spark.read.format("avro").load(workbench + "/c"),
        "json": spark.read.json(workbench + "/d"),
        "csv": spark.read.csv(workbench + "/e", header=True),
    }
    lost = {kind: set(trips.dtypes) - set(frame.dtypes) for kind, frame in back.items()}
    return {kind: sorted(name for name, _ in pairs) for kind, pairs in lost.items()}


# %% [markdown]
# ## Folders that are laid out for their readers
#
# `partitionBy` makes a folder for each value of a column, called `column=value`. The column is then **not in the files**; Spark reads it from the folder's name. A query with a condition on that column does not even open the other folders:

# %%
by_city = stores.select("store_id", "city", "country", F.year("opened").alias("year"))
by_city.write.partitionBy("country").parquet(f"{folder}/by_country")
print(sorted(path.name for path in (folder / "by_country").glob("country=*")))
spark.read.parquet(f"{folder}/by_country").createOrReplaceTempView("shops")
plan = spark.sql("EXPLAIN SELECT city FROM shops WHERE country = 'Spain'").first()["plan"]
print(re.search(r"PartitionFilters: \[.*?\]", plan)[0])

# %% [markdown]
# Rules for choosing the column: it should have **few values** (days, months, countries; not customers), the queries should ask for it, and each folder should hold enough data: hundreds of megabytes, not a few rows. A partition column
# goes into paths, so its type is guessed when you read: `2025-03-01` becomes a DATE, and so on. NULL gets a folder of its own with a strange name, `__HIVE_DEFAULT_PARTITION__`, and comes back as NULL.
#
# How many files are there in a folder? Every **task** that has rows for it writes one. With 200 tasks and 365 days that may be 73,000 small files, and small files are slow to list and to open. Bring the rows of a folder into one task first: `repartition("country")` in front of
# `write` puts all rows with the same value into the same partition.

# %%
scattered = by_city.repartition(4)
scattered.write.partitionBy("country").parquet(f"{folder}/scattered")
files = len(list((folder / "scattered").rglob("*.parquet")))
folders = len(list((folder / "scattered").glob("country=*")))
print(f"more files than folders: {files > folders}")

# %% [markdown]
# Writers have options, too. `compression` is the most useful one: `snappy` (the default of Parquet) is quick, `zstd` is smaller, `gzip` is what other programs often want for text.
#
# ### Exercise 3.1.7: trips by month
#
# The folder `landing` holds Parquet files with all columns of `trips`. Write them as Parquet into the folder `archive`, with all of their columns and one more, `month`: the year and month of `pickup_ts` as text, such as `2025-03`, NULL where `pickup_ts` is NULL.
# The archive has a folder for each month, one file in each folder, compressed with `zstd`. Nothing is there before.


# %% answer="3.1.7" title="Trips by month"
def archive_by_month(spark: SparkSession, landing: str, archive: str) -> None:
    """Writes Parquet files into `archive/month=yyyy-MM/`, one in each folder."""
    ### BEGIN SOLUTION
    rows = spark.read.parquet(landing)
    dated = rows.withColumn("month", F.date_format("pickup_ts", "yyyy-MM"))
    whole = dated.repartition("month")
    whole.write.partitionBy("month").option("compression", "zstd").parquet(archive)
    ### END SOLUTION


# %% check="3.1.7" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.1.7",
    "no time",
    "trips of which the start is not known",
    trips=variants.nulls("pickup_ts", every=50),
)
### END HIDDEN TESTS
check(
    "3.1.7",
    archive_by_month,
    files={
        "given": {"landing": {"table": "trips", "files": 6}},
        "made": {
            "archive": {
                "key": ["trip_id"],
                "partitioned_by": ["month"],
                "tree": True,
                "files": {"at_most": "reference"},
                "compression": "zstd",
            }
        },
    },
)

# %% [markdown] hints="3.1.7"
# 1. First the new column: `date_format` with `yyyy-MM` gives the text, and NULL for NULL.
# 2. Then all rows of a month must be in the same partition *before* they are written, or several tasks write into the same folder.
# 3. `partitionBy` belongs to the writer, `repartition` to the DataFrame. They are two different things, and you need both (or a single partition in all).


# %% wrong="3.1.7" because="would be enough"
def archive_by_month(spark, landing, archive):
    dated = spark.read.parquet(landing).withColumn("month", F.date_format("pickup_ts", "yyyy-MM"))
    dated.write.partitionBy("month").option("compression", "zstd").parquet(archive)


# %% wrong="3.1.7" because="partitioned by nothing"
def archive_by_month(spark, landing, archive):
    dated = spark.read.parquet(landing).withColumn("month", F.date_format("pickup_ts", "yyyy-MM"))
    dated.repartition("month").write.option("compression", "zstd").parquet(archive)


# %% wrong="3.1.7" because="compressed with snappy"
def archive_by_month(spark, landing, archive):
    dated = spark.read.parquet(landing).withColumn("month", F.date_format("pickup_ts", "yyyy-MM"))
    dated.coalesce(1).write.partitionBy("month").parquet(archive)


# %% wrong="3.1.7" because="the start is not known"
def archive_by_month(spark, landing, archive):
    dated = spark.read.parquet(landing).withColumn("month", F.date_format("pickup_ts", "yyyy-MM"))
    known = dated.filter("month IS NOT NULL").repartition("month")
    known.write.partitionBy("month").option("compression", "zstd").parquet(archive)


# %% wrong="3.1.7" because="`month` is INT"
def archive_by_month(spark, landing, archive):
    month = F.lpad(F.month("pickup_ts").cast("string"), 2, "0")
    dated = spark.read.parquet(landing).withColumn("month", month)
    dated.repartition("month").write.partitionBy("month").parquet(archive, compression="zstd")


# %% right="3.1.7"
def archive_by_month(spark, landing, archive):
    spark.sql(f"""
        SELECT /*+ REPARTITION(1) */ *, date_format(pickup_ts, 'yyyy-MM') AS month FROM parquet.`{landing}`
    """).write.save(archive, partitionBy="month", compression="zstd")


# %% right="3.1.7"
def archive_by_month(spark, landing, archive):
    month = F.substring(F.trunc("pickup_ts", "month").cast("string"), 1, 7)
    rows = spark.read.parquet(landing).withColumn("month", month)
    ordered = rows.repartitionByRange("month").sortWithinPartitions("month")
    ordered.write.format("parquet").option("compression", "zstd").partitionBy("month").save(archive)


# %% [markdown]
# ## Something is there already: save modes
#
# | `mode` | when the path exists already |
# |---|---|
# | `errorifexists` (if you say nothing; `error` means the same) | an error, nothing is written |
# | `append` | new files beside the old ones |
# | `overwrite` | the old files are **deleted first**, then new ones are written |
# | `ignore` | nothing is written, and no error: Spark goes on as if it had worked |

# %%
place = f"{folder}/modes"
for mode in ("errorifexists", "append", "overwrite", "ignore"):
    spark.range(3).write.mode(mode).parquet(place)
    print(f"{mode:14} then {spark.read.parquet(place).count()} rows")
try:
    spark.range(3).write.parquet(place)
except AnalysisException as error:
    print("again:", error.getCondition())

# %% [markdown]
# This error comes before any job starts, as an `AnalysisException`, which has its condition at hand: `error.getCondition()`. A condition does not change with the wording of a message. When you catch an error, ask for the condition that you expect, and
# `raise` the error again if it is another one. Otherwise your program also hides a full disk.
#
# `overwrite` is not safe for a plain folder. The old files go first, and if the job then fails, in the middle of a bad line for example, both old and new are lost. For the same reason never overwrite the folder that the same query reads: it deletes its own input.
# Write to another path and rename it, or use Delta, which keeps the old files until the new ones are complete.
#
# ### Exercise 3.1.8: what a second run does
#
# The dispatchers want to know how busy each zone is. Count the trips of the Parquet files in `landing` (columns of `trips`) by `pickup_zone_id`, and write the counts as **JSON lines** into the folder `busy`, with the fields `pickup_zone_id` and `trips`. Trips without a zone are
# counted together, in a line of their own. The number of files and the order of the lines do not matter.
#
# The dispatchers decide what a second run does: `mode` is one of the four save modes. Return what has happened: `"written"`, or `"refused"` if the mode is `errorifexists` and the path exists already, or `"kept"` if it is `ignore` and the path exists already. Other errors
# must reach the caller.


# %% answer="3.1.8" title="What a second run does"
def save_counts(spark: SparkSession, landing: str, busy: str, mode: str) -> str:
    """ "written", "refused" or "kept"; `busy` then holds (pickup_zone_id INT, trips BIGINT) as JSON lines."""
    ### BEGIN SOLUTION
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id")
    kept = mode == "ignore" and Path(busy).exists()
    try:
        counts.agg(F.count("*").alias("trips")).write.mode(mode).json(busy)
    except AnalysisException as problem:
        if problem.getCondition() == "PATH_ALREADY_EXISTS":
            return "refused"
        raise
    return "kept" if kept else "written"
    ### END SOLUTION


# %% check="3.1.8" points=2
### BEGIN HIDDEN TESTS
variant(
    "3.1.8",
    "overwrite",
    "two runs with the mode overwrite, and trips without a zone",
    mode="overwrite",
    trips=variants.nulls("pickup_zone_id", every=7),
)
variant("3.1.8", "append", "two runs with the mode append", mode="append")
variant("3.1.8", "ignore", "two runs with the mode ignore", mode="ignore")
variant(
    "3.1.8",
    "errors",
    "no files in `landing` at first, and a damaged one later",
    script=["run failing", "feed rest", "damage landing/part-00002.parquet", "run failing"],
)
### END HIDDEN TESTS
check(
    "3.1.8",
    save_counts,
    arguments={"mode": "errorifexists", "script": ["feed 1", "run", "feed rest", "run"]},
    files={
        "given": {"landing": {"table": "trips", "files": 2}},
        "made": {
            "busy": {
                "format": "json",
                "schema": "pickup_zone_id INT, trips BIGINT",
                "optional": True,
            }
        },
        "returns": "each",
    },
)

# %% [markdown] hints="3.1.8"
# 1. First the counts, which are an aggregation as in 1.2. Pass `mode` on to the writer: two of the four modes need nothing more.
# 2. `errorifexists` raises an error whose condition you have seen above. Catch that error, look at its condition, and raise every other one again.
# 3. `ignore` tells nobody. Whether something was there, you must find out before you write: `Path(busy).exists()`.


# %% wrong="3.1.8" because="PATH_ALREADY_EXISTS"
def save_counts(spark, landing, busy, mode):
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id").agg(F.count("*").alias("trips"))
    counts.write.mode(mode).json(busy)
    return "written"


# %% wrong="3.1.8" because="two runs with the mode append"
def save_counts(spark, landing, busy, mode):
    if Path(busy).exists() and mode != "overwrite":
        return "refused" if mode == "errorifexists" else "kept"
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id").agg(F.count("*").alias("trips"))
    counts.write.mode("overwrite").json(busy)
    return "written"


# %% wrong="3.1.8" because="two runs with the mode ignore"
def save_counts(spark, landing, busy, mode):
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id").agg(F.count("*").alias("trips"))
    try:
        counts.write.mode(mode).json(busy)
    except AnalysisException:
        return "refused"
    return "written"


# %% wrong="3.1.8" because="two runs with the mode overwrite"
def save_counts(spark, landing, busy, mode):
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id").agg(F.count("*").alias("trips"))
    try:
        counts.write.json(busy)
    except AnalysisException:
        return "kept" if mode == "ignore" else "refused"
    return "written"


# %% wrong="3.1.8" because="Run 1 of your function met an error"
def save_counts(spark, landing, busy, mode):
    kept = mode == "ignore" and Path(busy).exists()
    try:
        counts = spark.read.parquet(landing).groupBy("pickup_zone_id")
        counts.agg(F.count("*").alias("trips")).write.mode(mode).json(busy)
    except AnalysisException:
        return "refused"
    return "kept" if kept else "written"


# %% wrong="3.1.8" because="Run 2 of your function met an error"
def save_counts(spark, landing, busy, mode):
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id")
    kept = mode == "ignore" and Path(busy).exists()
    try:
        counts.agg(F.count("*").alias("trips")).write.mode(mode).json(busy)
    except Exception:
        return "refused"
    return "kept" if kept else "written"


# %% wrong="3.1.8" because="`trips` is wrong"
def save_counts(spark, landing, busy, mode):
    if Path(busy).exists() and mode in ("errorifexists", "ignore"):
        return "refused" if mode == "errorifexists" else "kept"
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id").count()
    counts.write.mode(mode).json(busy)
    return "written"


# %% wrong="3.1.8" because="trips without a zone"
def save_counts(spark, landing, busy, mode):
    counts = (
        spark.read.parquet(landing).filter("pickup_zone_id IS NOT NULL").groupBy("pickup_zone_id")
    )
    kept = mode == "ignore" and Path(busy).exists()
    try:
        counts.agg(F.count("*").alias("trips")).write.mode(mode).json(busy)
    except AnalysisException as problem:
        if problem.getCondition() == "PATH_ALREADY_EXISTS":
            return "refused"
        raise
    return "kept" if kept else "written"


# %% wrong="3.1.8" because="trips without a zone"
def save_counts(spark, landing, busy, mode):
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id")
    kept = mode == "ignore" and Path(busy).exists()
    try:
        counts.agg(F.count("pickup_zone_id").alias("trips")).write.mode(mode).json(busy)
    except AnalysisException as problem:
        if problem.getCondition() == "PATH_ALREADY_EXISTS":
            return "refused"
        raise
    return "kept" if kept else "written"


# %% right="3.1.8"
def save_counts(spark, landing, busy, mode):
    if Path(busy).exists() and mode in ("errorifexists", "ignore"):
        return "refused" if mode == "errorifexists" else "kept"
    spark.sql(f"""
        SELECT pickup_zone_id, count(*) AS trips FROM parquet.`{landing}` GROUP BY pickup_zone_id
    """).write.save(busy, format="json", mode=mode)
    return "written"


# %% right="3.1.8"
def save_counts(spark, landing, busy, mode):
    before = Path(busy).is_dir()
    counts = spark.read.parquet(landing).groupBy("pickup_zone_id").count().orderBy("count")
    writer = counts.withColumnRenamed("count", "trips").coalesce(1).write.mode(mode)
    try:
        writer.json(busy)
    except AnalysisException as error:
        if "PATH_ALREADY_EXISTS" not in str(error):
            raise
        return "refused"
    return "kept" if before and mode == "ignore" else "written"


# %% [markdown]
# ## Replace some partitions, keep the others
#
# A day of an archive often has to be written again: the office sends a corrected file. `overwrite` would delete all other days. The option `partitionOverwriteMode` changes what is deleted:
#
# - `static` (if you say nothing): everything below the path
# - `dynamic`: only the partitions **for which the new rows have values**; they are replaced when the new files are complete
#
# It is an option of the writer, and also a setting of the session, `spark.sql.sources.partitionOverwriteMode`. The option is the better place, since a reader of the line sees what it deletes.

# %%
shelf = f"{folder}/by_country"
hamburg = by_city.filter("city = 'Hamburg'")
print("before:", spark.read.parquet(shelf).groupBy("country").count().count(), "countries")
only_its_own = hamburg.write.partitionBy("country").options(partitionOverwriteMode="dynamic")
only_its_own.parquet(shelf, mode="overwrite")
after = spark.read.parquet(shelf)
print("after: ", after.groupBy("country").count().count(), "countries,", end=" ")
print(after.filter("country = 'Germany'").select("city").distinct().count(), "city in Germany")

# %% [markdown]
# The run can be repeated as often as you like, and the result is the same: it is **idempotent**. That is worth much, because jobs fail and are started again. Note what it does not do: a day that was in the archive, and is not in the new rows, stays as it is.
#
# ### Exercise 3.1.9: a delivery is whole, or it is not there
#
# `archive` is a folder of Parquet files with trips, partitioned by `day` (a DATE, the day of `pickup_ts`), columns `trip_id` (BIGINT), `pickup_ts` (TIMESTAMP), `fare_amount` (DECIMAL(10,2)). It exists already. `delivery` is a folder with CSV files, names in the first line: `trip_id,pickup_ts,fare_amount`, times written as
# `2025-03-31 08:10:00`. A delivery holds **all** trips of some days; days that are in the archive already are replaced by it, others are added, and all other days stay untouched, file by file.
#
# If any line of the delivery does not fit (a field too few or too many, or one that its type does not allow; an empty amount is allowed), nothing of it is stored, and the archive stays as it is. Return the number of trips that were stored, or -1 if the delivery was refused. Your function may be called several times with the same delivery; the archive must then look as after the
# first time. If files were added to the delivery between two calls, the second call must store them, too. Errors that have nothing to do with a bad line, such as a file that cannot be opened, must reach the caller. Write one file per day. Every trip has a time. A delivery without any file stores 0 trips.


# %% answer="3.1.9" title="A delivery is whole, or it is not there"
def store_delivery(spark: SparkSession, delivery: str, archive: str) -> int:
    """The number of stored trips, or -1 when a line does not fit; `archive` is partitioned by day."""
    ### BEGIN SOLUTION
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    strict = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    rows = strict.withColumn("day", F.to_date("pickup_ts")).cache()
    try:
        stored = rows.count()
        writer = rows.repartition("day").write.mode("overwrite").partitionBy("day")
        writer.option("partitionOverwriteMode", "dynamic").parquet(archive)
    except Exception as problem:
        if "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION" not in conditions_of(problem):
            raise
        return -1
    finally:
        rows.unpersist()
    return stored
    ### END SOLUTION


# %% check="3.1.9" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.1.9",
    "damaged",
    "a delivery with a few lines that do not fit",
    trips=variants.replaced(
        stored_and_forwarded=F.expr("IF(trip_id % 10 = 0, 'X', stored_and_forwarded)")
    ),
    script=["feed rest", "run"],
)
variant(
    "3.1.9",
    "too many",
    "a delivery in which a few lines have a field too many",
    trips=variants.replaced(
        stored_and_forwarded=F.expr("IF(trip_id % 10 = 0, 'W', stored_and_forwarded)")
    ),
    script=["feed rest", "run"],
)
variant(
    "3.1.9",
    "words",
    "a delivery in which a few amounts are words",
    trips=variants.replaced(
        stored_and_forwarded=F.expr("IF(trip_id % 10 = 0, 'Z', stored_and_forwarded)")
    ),
    script=["feed rest", "run"],
)
variant(
    "3.1.9",
    "more files",
    "a second call, after files were added to the delivery",
    script=["feed 2", "run", "feed rest", "run"],
)
variant(
    "3.1.9",
    "nothing",
    "a delivery without any file",
    trips=variants.only("pickup_ts < '2025-01-10'"),
    script=["feed rest", "run"],
)
variant(
    "3.1.9",
    "long numbers",
    "trips with numbers of ten digits",
    trips=variants.replaced(trip_id=F.expr("trip_id + 3000000000")),
    script=["feed rest", "run"],
)
variant(
    "3.1.9",
    "no amount",
    "a delivery in which a few amounts are empty",
    trips=variants.replaced(
        stored_and_forwarded=F.expr("IF(trip_id % 10 = 0, 'U', stored_and_forwarded)")
    ),
    script=["feed rest", "run"],
)
variant(
    "3.1.9",
    "other errors",
    "a delivery with a file that cannot be opened",
    trips=variants.replaced(
        stored_and_forwarded=F.expr("IF(trip_id % 10 = 0, 'T', stored_and_forwarded)")
    ),
    script=["feed rest", "run failing"],
)
### END HIDDEN TESTS
check(
    "3.1.9",
    store_delivery,
    arguments={"script": ["feed rest", "run", "run"]},
    files={
        "given": {
            "delivery": {
                "table": "trips",
                "where": "pickup_ts >= '2025-01-10' AND pickup_ts < '2025-01-13'",
                "format": "lines",
                "name": "concat('part-', trip_id % 3, IF(stored_and_forwarded = 'T', '.csv.gz', '.csv'))",
                "header": "trip_id,pickup_ts,fare_amount",
                "line": "concat_ws(',', trip_id, pickup_ts, "
                "CASE stored_and_forwarded WHEN 'X' THEN NULL WHEN 'Z' THEN 'free' WHEN 'U' THEN '' ELSE CAST(fare_amount + 1 AS STRING) END, "
                "IF(stored_and_forwarded = 'W', 'late', NULL))",
            }
        },
        "made": {
            "archive": {
                "key": ["trip_id"],
                "partitioned_by": ["day"],
                "tree": True,
                "files": {"at_most": "reference"},
                "kept_files": {"at_least": "reference"},
                "setup": {
                    "table": "trips",
                    "where": "pickup_ts >= '2025-01-08' AND pickup_ts < '2025-01-12'",
                    "select": [
                        "trip_id",
                        "pickup_ts",
                        "fare_amount",
                        "to_date(pickup_ts) AS day",
                    ],
                    "partitioned_by": ["day"],
                },
            }
        },
        "returns": "each",
    },
)

# %% [markdown] equivalent="3.1.9" because="It saves a second reading of the delivery; only a file that arrives between counting and writing would tell."
# - drop call: .cache()

# %% [markdown] hints="3.1.9"
# 1. Two questions, one after the other: is every line right? And only then: which days are replaced?
# 2. `FAILFAST` stops at a bad line, but only when an action reads all columns. `cache()` with `count()` does that, and you have the number as well. Catch the error around that action, and look with `conditions_of` for the condition of a bad line that the worked example printed. The next call must not get the rows that this one has kept: `unpersist()` them.
# 3. For the second question use `overwrite` with the option that limits it to the partitions of the new rows. Without that option all other days are deleted.
# 4. One file per day: bring the rows of a day together before you write.


# %% wrong="3.1.9" because="rows are missing"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    strict = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    rows = strict.withColumn("day", F.to_date("pickup_ts")).cache()
    try:
        stored = rows.count()
    except Exception:
        return -1
    rows.repartition("day").write.mode("overwrite").partitionBy("day").parquet(archive)
    return stored


# %% wrong="3.1.9" because="not expected"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    strict = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    rows = strict.withColumn("day", F.to_date("pickup_ts")).cache()
    try:
        stored = rows.count()
    except Exception:
        return -1
    rows.repartition("day").write.mode("append").partitionBy("day").parquet(archive)
    return stored


# %% wrong="3.1.9" because="lines that do not fit"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    rows = spark.read.schema(columns).csv(delivery, header=True, mode="DROPMALFORMED")
    rows = rows.withColumn("day", F.to_date("pickup_ts")).repartition("day").cache()
    rows.write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy(
        "day"
    ).parquet(archive)
    return rows.count()


# %% wrong="3.1.9" because="lines that do not fit"
def store_delivery(spark, delivery, archive):
    texts = spark.read.csv(delivery, header=True)
    rows = texts.select(
        F.col("trip_id").cast("bigint").alias("trip_id"),
        F.col("pickup_ts").cast("timestamp").alias("pickup_ts"),
        F.col("fare_amount").cast("decimal(10,2)").alias("fare_amount"),
        F.to_date("pickup_ts").alias("day"),
    ).cache()
    try:
        stored = rows.count()
    except Exception:
        return -1
    writer = rows.repartition("day").write.mode("overwrite").partitionBy("day")
    writer.option("partitionOverwriteMode", "dynamic").parquet(archive)
    return stored


# %% wrong="3.1.9" because="would be enough"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    strict = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    rows = strict.withColumn("day", F.to_date("pickup_ts")).cache()
    try:
        stored = rows.count()
    except Exception:
        return -1
    writer = rows.repartition(4).write.mode("overwrite").partitionBy("day")
    writer.option("partitionOverwriteMode", "dynamic").parquet(archive)
    return stored


# %% wrong="3.1.9" because="untouched"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    strict = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    rows = strict.withColumn("day", F.to_date("pickup_ts")).cache()
    try:
        stored = rows.count()
    except Exception:
        return -1
    old = spark.read.parquet(archive)
    kept = old.join(rows.select("day").distinct(), "day", "left_anti").localCheckpoint()
    whole = kept.unionByName(rows).repartition("day")
    whole.write.mode("overwrite").partitionBy("day").parquet(archive)
    return stored


# %% wrong="3.1.9" because="files were added"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    strict = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    rows = strict.withColumn("day", F.to_date("pickup_ts")).cache()
    try:
        stored = rows.count()
    except Exception:
        return -1
    writer = rows.repartition("day").write.mode("overwrite").partitionBy("day")
    writer.option("partitionOverwriteMode", "dynamic").parquet(archive)
    return stored


# %% wrong="3.1.9" because="numbers of ten digits"
def store_delivery(spark, delivery, archive):
    columns = "trip_id INT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    strict = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    rows = strict.selectExpr("CAST(trip_id AS BIGINT) AS trip_id", "pickup_ts", "fare_amount")
    rows = rows.withColumn("day", F.to_date("pickup_ts")).cache()
    try:
        stored = rows.count()
        writer = rows.repartition("day").write.mode("overwrite").partitionBy("day")
        writer.option("partitionOverwriteMode", "dynamic").parquet(archive)
    except Exception:
        return -1
    finally:
        rows.unpersist()
    return stored


# %% wrong="3.1.9" because="have a field too many"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    rows = spark.read.schema(columns).csv(delivery, header=True)
    if rows.filter("trip_id IS NULL OR pickup_ts IS NULL OR fare_amount IS NULL").count():
        return -1
    days = rows.withColumn("day", F.to_date("pickup_ts")).coalesce(1)
    writer = days.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    writer.partitionBy("day").parquet(archive)
    return rows.count()


# %% wrong="3.1.9" because="a few amounts are words"
def store_delivery(spark, delivery, archive):
    lines = spark.read.text(delivery).filter("value <> 'trip_id,pickup_ts,fare_amount'")
    fields = F.split("value", ",")
    if lines.filter(F.size(fields) != 3).count():
        return -1
    rows = lines.select(
        fields[0].try_cast("bigint").alias("trip_id"),
        fields[1].try_cast("timestamp").alias("pickup_ts"),
        fields[2].try_cast("decimal(10,2)").alias("fare_amount"),
    )
    days = rows.withColumn("day", F.to_date("pickup_ts")).coalesce(1)
    writer = days.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    writer.partitionBy("day").parquet(archive)
    return rows.count()


# %% wrong="3.1.9" because="a file that cannot be opened"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    strict = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    rows = strict.withColumn("day", F.to_date("pickup_ts")).cache()
    try:
        stored = rows.count()
    except Exception:
        rows.unpersist()
        return -1
    writer = rows.repartition("day").write.mode("overwrite").partitionBy("day")
    writer.option("partitionOverwriteMode", "dynamic").parquet(archive)
    rows.unpersist()
    return stored


# %% wrong="3.1.9" because="a few amounts are empty"
def store_delivery(spark, delivery, archive):
    columns = (
        "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2), _corrupt_record STRING"
    )
    rows = spark.read.schema(columns).csv(delivery, header=True).localCheckpoint()
    if rows.filter("_corrupt_record IS NOT NULL OR fare_amount IS NULL").count():
        return -1
    days = rows.drop("_corrupt_record").withColumn("day", F.to_date("pickup_ts")).coalesce(1)
    writer = days.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    writer.partitionBy("day").parquet(archive)
    return rows.count()


# %% right="3.1.9"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2), bad STRING"
    rows = spark.read.csv(
        delivery, schema=columns, header=True, columnNameOfCorruptRecord="bad"
    ).localCheckpoint()
    if rows.filter("bad IS NOT NULL").limit(1).count():
        return -1
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    days = rows.selectExpr("trip_id", "pickup_ts", "fare_amount", "DATE(pickup_ts) AS day")
    days.coalesce(1).write.mode("overwrite").partitionBy("day").parquet(archive)
    return rows.count()


# %% right="3.1.9"
def store_delivery(spark, delivery, archive):
    columns = "trip_id BIGINT, pickup_ts TIMESTAMP, fare_amount DECIMAL(10,2)"
    rows = spark.read.schema(columns).csv(delivery, header=True, mode="FAILFAST")
    try:
        rows.write.format("noop").mode("overwrite").save()
    except Exception as problem:
        if not any(name.startswith("MALFORMED_RECORD") for name in conditions_of(problem)):
            raise
        return -1
    days = rows.withColumn("day", F.col("pickup_ts").cast("date")).repartition(1)
    days.write.save(
        archive,
        format="parquet",
        mode="overwrite",
        partitionBy="day",
        partitionOverwriteMode="dynamic",
    )
    return rows.count()


# %% [markdown]
# ### Question 3.1.10: it has never failed
#
# A job reads the CSV files of a partner with `header=True, inferSchema=True, mode="DROPMALFORMED"`, and writes their rows as JSON, with `partitionBy("customer_id")`, into a new folder for each day. Analysts query these folders: mostly they sum the amounts of one country and one month.
# The team says that the job has never failed. Last Tuesday the partner began to write dates as `31.03.2025` instead of `2025-03-31`, and in some lines the amount is now `12,50`, without quotation marks. Answer in six to nine sentences:
#
# 1. What has become of the rows since Tuesday, and why has nobody noticed?
# 2. How should the job read these files, and which number should it report each day?
# 3. Why are the queries of the analysts slow, and which two things would you change in how the folders are written? Give the reason for each.

# %% [markdown] written="3.1.10" points=3 title="It has never failed"
# ### BEGIN SOLUTION
# Since Tuesday the inferred type of the date column is STRING instead of DATE, so conditions on the month find nothing or fail. A line with `12,50` has one field too many, since the comma separates fields, and DROPMALFORMED leaves it out: the sums of the analysts are too small.
# Nobody has noticed, because neither inference nor DROPMALFORMED raises an error: the job ends well with other types or fewer rows, and nothing compares the number of lines with the number of rows.
# The job should read with a schema of its own, with the agreed format of dates, so that types are the same every day and no second pass is needed. With FAILFAST it stops on the first day; with PERMISSIVE and `_corrupt_record` it keeps the good rows and the bad lines apart.
# It should report how many lines it could not read, beside the number of lines that came.
# The queries are slow because JSON is text that is stored by row: to sum one column, Spark must read and parse all of every line. Parquet keeps the types, is smaller, and only the columns that a query asks for are read.
# A folder for each customer means thousands of tiny files which must be listed and opened, and no query asks for a customer. A partition column with few values that queries do ask for, such as the month or the country, lets Spark leave out whole folders; the rows of a folder should be brought together first, so that it has one file.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: what happened: another type of the dates and dropped lines since Tuesday, and why it is silent: inference and DROPMALFORMED raise no error, nobody compares counts
# - 1 point: the remedy for reading: an own schema with the format of dates, and FAILFAST or `_corrupt_record`; a count of bad lines that is reported
# - 1 point: the layout, both with a reason: a columnar format instead of JSON, and a partition column with few values that queries ask for instead of `customer_id`
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | say the schema, as DDL or StructType | a guess costs a pass over the data and changes with the data |
# | CSV columns go by position; JSON, Avro, ORC and Parquet by name | a swapped CSV column raises no error |
# | `PERMISSIVE` with `_corrupt_record` in the schema keeps bad lines apart | the default turns them into NULLs |
# | only columns that are read are checked | `count()` alone drops nothing and fails on nothing; `cache()` first, `unpersist()` when done |
# | `multiLine` for documents, not for lines | read the wrong way, all but the first object of a file are lost |
# | `_metadata` names the file of each row | it leads back to the delivery |
# | Parquet and ORC keep types and store columns | CSV keeps no types, JSON few of them |
# | `partitionBy` a column with few values; `repartition` by it first | each task writes its own file into each folder |
# | `overwrite` deletes first; `ignore` says nothing | a job that dies in between loses both |
# | dynamic partition overwrite replaces the partitions of the new rows | so a run can be repeated |
#
# > **On Databricks:** paths point into volumes (`/Volumes/catalog/schema/volume/...`) or cloud storage instead of a local disk. In SQL the table function `read_files` reads a folder with options, infers and evolves schemas, and puts what does not fit into a column `_rescued_data`; it does not exist in open source Spark.
# > `COPY INTO` and Auto Loader load only files that they have not seen (notebook 3.2 builds that pattern). Tables are Delta unless you say otherwise: there `overwrite` is one commit, and `REPLACE USING` or `replaceWhere` take the place of dynamic partition overwrite.
