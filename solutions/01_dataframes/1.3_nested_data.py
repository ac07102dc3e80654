# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 1.3 Nested data, JSON and VARIANT
#
# **Time:** 85 minutes · **Data:** reviews · **Before this:** 1.1 and 1.2
#
# A guide to shops and restaurants collects reviews. Its data is not flat: a business has a *list* of categories, a *map* from weekday to opening
# hours, and attributes inside attributes. New reviews arrive as lines of JSON, and not every line is what it should be. You could flatten
# everything into dozens of tables first. Spark lets you work on nested values where they are, which is shorter and faster.
#
# ## You will learn to
#
# - read fields of structs, elements of arrays and entries of maps, also when they are missing
# - transform, filter and add up arrays without taking them apart
# - read JSON with a schema, and know what becomes of lines that do not fit
# - read JSON without a schema, with VARIANT, when fields come and go
# - put bad lines aside with a reason instead of losing them
# - build nested results for the next system

# %% setup=true
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint
from datasets import sample

spark = SparkSession.builder.appName("1.3").getOrCreate()

businesses = spark.read.parquet(sample("businesses"))
reviews = spark.read.parquet(sample("reviews"))
reviews_raw = spark.read.parquet(sample("reviews_raw"))

# %%
businesses.printSchema()

# %% [markdown]
# ## Structs: values with names
#
# A **struct** is a row inside a row. A point reaches into it, as deep as you like: `F.col("attributes.parking.street")`. If anything on the
# way is NULL, the result is NULL, without an error.

# %%
(
    businesses.select("name", "attributes.wifi", F.col("attributes.parking.street").alias("park"))
    .orderBy("name", "wifi")
    .show(4, truncate=False)
)

# %% [markdown]
# ### Exercise 1.3.1: where can I park?
#
# Return for every business its `business_id`, its `price_range`, and `has_parking`: true if there is parking of **any** kind (`garage`, `street` or
# `lot`), false if all three are known to be false. Otherwise it is not known: NULL.


# %% answer="1.3.1" title="Where can I park?"
def parking_places(businesses: DataFrame) -> DataFrame:
    """(business_id STRING, price_range INT, has_parking BOOLEAN or NULL), one row per business."""
    ### BEGIN SOLUTION
    parking = F.col("attributes.parking")
    anywhere = parking["garage"] | parking["street"] | parking["lot"]
    return businesses.select("business_id", "attributes.price_range", anywhere.alias("has_parking"))
    ### END SOLUTION


# %% check="1.3.1" points=1
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants


def parked(garage, street, lot):
    """`businesses` whose parking is the given one, everything else unchanged."""
    fields = {"garage": garage, "street": street, "lot": lot}
    places = F.struct(*[F.lit(value).cast("boolean").alias(name) for name, value in fields.items()])
    attributes = F.when(
        F.col("attributes").isNotNull(), F.col("attributes").withField("parking", places)
    )
    return variants.replaced(attributes=attributes)


variant(
    "1.3.1",
    "half known",
    "businesses of which only a part is known about parking",
    businesses=parked(False, None, False),
)
variant(
    "1.3.1",
    "one is enough",
    "businesses with a garage, of which nobody knows whether they have a place in the street",
    businesses=parked(True, None, False),
)
variant(
    "1.3.1",
    "lot only",
    "businesses that have nothing but a lot",
    businesses=parked(False, False, True),
)
variant("1.3.1", "none", "businesses without any parking", businesses=parked(False, False, False))
variant(
    "1.3.1",
    "unknown",
    "businesses without attributes",
    businesses=variants.nulls("attributes", every=2),
)
### END HIDDEN TESTS
check("1.3.1", parking_places, key=["business_id"])

# %% [markdown] hints="1.3.1"
# 1. Three conditions, of which one is enough. What is `true OR NULL`, and what is `false OR NULL`?
# 2. Between columns, "or" is written `|`. Reach each field with points, or take the struct once and use `parking["garage"]`.


# %% wrong="1.3.1" because="has_parking` is wrong"
def parking_places(businesses):
    parking = F.col("attributes.parking")
    return businesses.select(
        "business_id",
        "attributes.price_range",
        (parking["garage"] & parking["street"] & parking["lot"]).alias("has_parking"),
    )


# %% wrong="1.3.1" because="null is expected"
def parking_places(businesses):
    parking = F.col("attributes.parking")
    anywhere = F.coalesce(parking["garage"] | parking["street"] | parking["lot"], F.lit(False))
    return businesses.select("business_id", "attributes.price_range", anywhere.alias("has_parking"))


# %% wrong="1.3.1" because="has_parking` is wrong"
def parking_places(businesses):
    known = F.col("attributes.parking").isNotNull()
    return businesses.select("business_id", "attributes.price_range", known.alias("has_parking"))


# %% wrong="1.3.1" because="missing"
def parking_places(businesses):
    found = businesses.filter("attributes.parking IS NOT NULL")
    parking = F.col("attributes.parking")
    return found.select(
        "business_id",
        "attributes.price_range",
        (parking["garage"] | parking["street"] | parking["lot"]).alias("has_parking"),
    )


# %% wrong="1.3.1" because="only a part is known"
def parking_places(businesses):
    parking = F.col("attributes.parking")
    kinds = [F.coalesce(parking[kind], F.lit(False)) for kind in ("garage", "street", "lot")]
    anywhere = F.when(parking.isNotNull(), kinds[0] | kinds[1] | kinds[2])
    return businesses.select("business_id", "attributes.price_range", anywhere.alias("has_parking"))


# %% wrong="1.3.1" because="a place in the street"
def parking_places(businesses):
    parking = F.col("attributes.parking")
    kinds = [parking[kind] for kind in ("garage", "street", "lot")]
    unknown = kinds[0].isNull() | kinds[1].isNull() | kinds[2].isNull()
    anywhere = F.when(~unknown, kinds[0] | kinds[1] | kinds[2])
    return businesses.select("business_id", "attributes.price_range", anywhere.alias("has_parking"))


# %% right="1.3.1"
def parking_places(businesses):
    return businesses.selectExpr(
        "business_id",
        "attributes.price_range",
        """CASE WHEN attributes.parking IS NOT NULL THEN array_contains(
             array(attributes.parking.garage, attributes.parking.street, attributes.parking.lot), true) END AS has_parking""",
    )


# %% [markdown]
# ## Arrays: none, one or many
#
# | you want | you write | when it is not there |
# |---|---|---|
# | the element at index `i`, from **0** | `F.get("a", i)` | NULL |
# | the element at position `i`, from **1**; `-1` is the last | `F.element_at("a", i)` | an error (ANSI mode) |
# | the same, forgiving | `F.try_element_at("a", F.lit(i))` | NULL |
# | how many | `F.size("a")` | 0 for an empty array, NULL for NULL |
# | is it in there? | `F.array_contains("a", value)` | NULL for NULL |
#
# An **empty array** and **NULL** are two different facts: "it has no categories" and "we do not know its categories".

# %%
lists = spark.createDataFrame([(1, ["x", "y"]), (2, []), (3, None)], "id INT, a ARRAY<STRING>")
lists.select(
    "id",
    F.size("a").alias("size"),
    F.get("a", 0).alias("get 0"),
    F.array_contains("a", "y").alias("has y"),
).show()

# %% [markdown]
# ### Exercise 1.3.2: what kind of place is it?
#
# In `categories` the most general one stands first. Return for every business:
#
# - `business_id`
# - `main_category`: the first one; NULL when there is none, or the categories are not known
# - `category_count`: how many there are; 0 when there is none, NULL when they are not known. One that is listed twice counts twice
# - `serves_food`: true if `Food` **or** `Restaurants` is among the categories, at any place, and otherwise false, **also** when they are not known.
#   Other kinds of food, such as `Street Food`, do not count


# %% answer="1.3.2" title="What kind of place is it?"
def categories_of(businesses: DataFrame) -> DataFrame:
    """(business_id STRING, main_category STRING or NULL, category_count INT or NULL, serves_food BOOLEAN, never NULL)."""
    ### BEGIN SOLUTION
    food = F.arrays_overlap("categories", F.array(F.lit("Food"), F.lit("Restaurants")))
    return businesses.select(
        "business_id",
        F.get("categories", 0).alias("main_category"),
        F.size("categories").alias("category_count"),
        F.coalesce(food, F.lit(False)).alias("serves_food"),
    )
    ### END SOLUTION


# %% check="1.3.2" points=2
### BEGIN HIDDEN TESTS
listed = F.element_at(
    F.array(
        F.array(F.lit("Nightlife"), F.lit("Restaurants")),
        F.array(F.lit("Shopping"), F.lit("Food")),
        F.array(F.lit("Nightlife"), F.lit("Bars"), F.lit("Music"), F.lit("Restaurants")),
        F.array().cast("array<string>"),
        F.lit(None).cast("array<string>"),
    ),
    (F.pmod(F.hash("business_id"), F.lit(5)) + 1).cast("int"),
)
variant(
    "1.3.2",
    "second place",
    "food that is not the first category",
    businesses=variants.replaced(categories=listed),
)
alike = F.element_at(
    F.array(
        F.array(F.lit("Shopping"), F.lit("Fast Food")),
        F.array(F.lit("Hotels"), F.lit("Hotel Restaurants")),
        F.array(F.lit("Bars"), F.lit("Bars")),
        F.array(F.lit("Food"), F.lit("Food"), F.lit("Bakeries")),
    ),
    (F.pmod(F.hash("business_id"), F.lit(4)) + 1).cast("int"),
)
variant(
    "1.3.2",
    "alike",
    "categories that only sound like the two, or are listed twice",
    businesses=variants.replaced(categories=alike),
)
variant("1.3.2", "other rows", "other businesses", seed=2207)
### END HIDDEN TESTS
check("1.3.2", categories_of, key=["business_id"])

# %% [markdown] equivalent="1.3.2" because="Two arrays overlap whatever the order of their elements."
# - swap arguments: F.array(F.lit('Food'), F.lit('Restaurants')) → F.array(F.lit('Restaurants'), F.lit('Food'))

# %% [markdown] hints="1.3.2"
# 1. Go through the table above: which function gives NULL instead of an error for the first element of an empty array?
# 2. For two categories you may ask `array_contains` twice, or compare two lists at once with `arrays_overlap`.
# 3. The last column must never be NULL: what does your condition give when `categories` is NULL?


# %% wrong="1.3.2" because="INVALID_ARRAY_INDEX"
def categories_of(businesses):
    food = F.arrays_overlap("categories", F.array(F.lit("Food"), F.lit("Restaurants")))
    return businesses.select(
        "business_id",
        F.element_at("categories", 1).alias("main_category"),
        F.size("categories").alias("category_count"),
        F.coalesce(food, F.lit(False)).alias("serves_food"),
    )


# %% wrong="1.3.2" because="serves_food` is NULL"
def categories_of(businesses):
    food = F.array_contains("categories", "Food") | F.array_contains("categories", "Restaurants")
    return businesses.select(
        "business_id",
        F.get("categories", 0).alias("main_category"),
        F.size("categories").alias("category_count"),
        food.alias("serves_food"),
    )


# %% wrong="1.3.2" because="category_count"
def categories_of(businesses):
    food = F.arrays_overlap("categories", F.array(F.lit("Food"), F.lit("Restaurants")))
    return businesses.select(
        "business_id",
        F.get("categories", 0).alias("main_category"),
        F.coalesce(F.size("categories"), F.lit(0)).alias("category_count"),
        F.coalesce(food, F.lit(False)).alias("serves_food"),
    )


# %% wrong="1.3.2" because="serves_food"
def categories_of(businesses):
    first = F.get("categories", 0)
    return businesses.select(
        "business_id",
        first.alias("main_category"),
        F.size("categories").alias("category_count"),
        F.coalesce(first.isin("Food", "Restaurants"), F.lit(False)).alias("serves_food"),
    )


# %% wrong="1.3.2" because="food that is not the first category"
def categories_of(businesses):
    food = F.array(F.lit("Food"), F.lit("Restaurants"))
    found = F.arrays_overlap(F.slice("categories", 1, 2), food)
    return businesses.select(
        "business_id",
        F.get("categories", 0).alias("main_category"),
        F.size("categories").alias("category_count"),
        F.coalesce(found, F.lit(False)).alias("serves_food"),
    )


# %% wrong="1.3.2" because="only sound like the two"
def categories_of(businesses):
    food = F.array_join("categories", ",").rlike("Food|Restaurants")
    return businesses.select(
        "business_id",
        F.get("categories", 0).alias("main_category"),
        F.size("categories").alias("category_count"),
        F.coalesce(food, F.lit(False)).alias("serves_food"),
    )


# %% wrong="1.3.2" because="listed twice"
def categories_of(businesses):
    food = F.arrays_overlap("categories", F.array(F.lit("Food"), F.lit("Restaurants")))
    return businesses.select(
        "business_id",
        F.get("categories", 0).alias("main_category"),
        F.size(F.array_distinct("categories")).alias("category_count"),
        F.coalesce(food, F.lit(False)).alias("serves_food"),
    )


# %% right="1.3.2"
def categories_of(businesses):
    return businesses.selectExpr(
        "business_id",
        "try_element_at(categories, 1) AS main_category",
        "size(categories) AS category_count",
        "exists(coalesce(categories, array()), c -> c IN ('Food', 'Restaurants')) AS serves_food",
    )


# %% [markdown]
# ## Maps: keys and values
#
# A **map** has keys that are data themselves: `hours` maps `"Monday"` to `"08:00-16:00"`. A key that is not there gives NULL, so
# `F.col("hours")["Monday"]` is NULL both when the place is closed on Mondays and when nothing is known at all. `F.map_contains_key`, `F.map_keys` and
# `F.map_values` help to tell these apart. Here with the stock of two kitchens, a map from thing to number:

# %%
kitchens = spark.createDataFrame(
    [(1, {"coffee": 4, "sugar": 0}), (2, None)], "id INT, stock MAP<STRING, INT>"
)
kitchens.select(
    "id",
    F.col("stock")["tea"].alias("tea"),
    F.map_contains_key("stock", "tea").alias("tea is listed"),
    F.map_keys("stock").alias("things"),
).show()

# %% [markdown]
# ### Exercise 1.3.3: brunch on Sunday
#
# Return `business_id`, `open_sunday` (true, false, or NULL when the hours are not known) and `opens_at`: the time at which it opens on Sunday, as the text
# before the hyphen, such as `"08:00"`; NULL when it does not open or is not known.


# %% answer="1.3.3" title="Brunch on Sunday"
def sundays(businesses: DataFrame) -> DataFrame:
    """(business_id STRING, open_sunday BOOLEAN or NULL, opens_at STRING or NULL)."""
    ### BEGIN SOLUTION
    return businesses.select(
        "business_id",
        F.map_contains_key("hours", "Sunday").alias("open_sunday"),
        F.get(F.split(F.col("hours")["Sunday"], "-"), 0).alias("opens_at"),
    )
    ### END SOLUTION


# %% check="1.3.3" points=1
### BEGIN HIDDEN TESTS
always = F.create_map(F.lit("Sunday"), F.lit("9:30-12:00"), F.lit("Monday"), F.lit("10:00-11:00"))
variant(
    "1.3.3", "early", "hours without a leading zero", businesses=variants.replaced(hours=always)
)
variant(
    "1.3.3",
    "unknown",
    "businesses whose hours are not known",
    businesses=variants.nulls("hours", every=2),
)
### END HIDDEN TESTS
check("1.3.3", sundays, key=["business_id"])

# %% [markdown] hints="1.3.3"
# 1. "Closed" and "not known" must give different answers in `open_sunday`. One function in the text above asks whether a key is there.
# 2. For the time, take the entry of the map and split it at the hyphen. You know how to get the first element of an array.


# %% wrong="1.3.3" because="open_sunday"
def sundays(businesses):
    sunday = F.col("hours")["Sunday"]
    return businesses.select(
        "business_id",
        sunday.isNotNull().alias("open_sunday"),
        F.get(F.split(sunday, "-"), 0).alias("opens_at"),
    )


# %% wrong="1.3.3" because="on hidden data"
def sundays(businesses):
    return businesses.select(
        "business_id",
        F.map_contains_key("hours", "Sunday").alias("open_sunday"),
        F.substring(F.col("hours")["Sunday"], 1, 5).alias("opens_at"),
    )


# %% wrong="1.3.3" because="missing"
def sundays(businesses):
    return (
        businesses.select("business_id", F.explode("hours").alias("day", "times"))
        .filter("day = 'Sunday'")
        .select(
            "business_id",
            F.lit(True).alias("open_sunday"),
            F.split("times", "-")[0].alias("opens_at"),
        )
    )


# %% right="1.3.3"
def sundays(businesses):
    return businesses.selectExpr(
        "business_id",
        "array_contains(map_keys(hours), 'Sunday') AS open_sunday",
        "substring_index(hours['Sunday'], '-', 1) AS opens_at",
    )


# %% [markdown]
# ## Functions over arrays
#
# To work on *every* element you need not `explode` and group again. **Higher-order functions** take a small function and apply it inside the row:
#
# | function | what it makes |
# |---|---|
# | `F.transform(a, f)` | an array of `f(x)` for each element `x` |
# | `F.filter(a, f)` | the elements for which `f(x)` is true |
# | `F.exists(a, f)`, `F.forall(a, f)` | true or false |
# | `F.aggregate(a, start, merge)` | one value: begins with `start`, then `merge(so_far, x)` for each element |
#
# `f` is a Python lambda that gets and returns *columns*. Spark turns it into its own expression once; no Python runs per row.

# %%
baskets = spark.createDataFrame([(1, [3.0, 12.5, 8.0]), (2, [])], "id INT, prices ARRAY<DOUBLE>")
baskets.select(
    "id",
    F.transform("prices", lambda price: price * 2).alias("doubled"),
    F.filter("prices", lambda price: price > 5).alias("above 5"),
    F.aggregate("prices", F.lit(0.0), lambda total, price: total + price).alias("sum"),
).show(truncate=False)

# %% [markdown]
# The start value fixes the type of the result: with `F.lit(0)` the sum above would be an INT, and adding a DOUBLE to it is an error.
#
# ### Exercise 1.3.4: hours per week
#
# Return `business_id` and `weekly_hours`, a `DOUBLE`: how many hours the business is open per week, all days added up. `"11:30-14:00"` is 2.5 hours. A day that
# ends at `00:00` ends at midnight, so `"10:00-00:00"` is 14 hours; nobody closes after midnight. A day may also begin at `00:00`: `"00:00-08:00"` is 8 hours, and
# `"00:00-00:00"` is the whole day, 24. A business that is open on no day (an empty map) has 0.0 hours. NULL when the hours are not known. Do it without `explode`.


# %% answer="1.3.4" title="Hours per week"
def weekly_hours(businesses: DataFrame) -> DataFrame:
    """(business_id STRING, weekly_hours DOUBLE or NULL), one row per business."""

    ### BEGIN SOLUTION
    def clock(text):
        return F.split(text, ":")[0].cast("double") + F.split(text, ":")[1].cast("double") / 60

    def length(times):
        opens, closes = clock(F.split(times, "-")[0]), clock(F.split(times, "-")[1])
        return F.when(closes == 0, 24.0).otherwise(closes) - opens

    total = F.aggregate(
        F.map_values("hours"), F.lit(0.0), lambda so_far, times: so_far + length(times)
    )
    return businesses.select("business_id", total.alias("weekly_hours"))
    ### END SOLUTION


# %% check="1.3.4" points=3
### BEGIN HIDDEN TESTS
odd = F.create_map(F.lit("Monday"), F.lit("06:45-00:00"), F.lit("Friday"), F.lit("11:05-13:20"))
variant(
    "1.3.4", "quarters", "hours that are not full or half", businesses=variants.replaced(hours=odd)
)
early = F.create_map(F.lit("Monday"), F.lit("00:00-08:00"), F.lit("Friday"), F.lit("09:00-17:30"))
variant(
    "1.3.4",
    "from midnight on",
    "businesses that open at midnight",
    businesses=variants.replaced(hours=early),
)
whole_day = F.create_map(
    F.lit("Monday"), F.lit("00:00-00:00"), F.lit("Friday"), F.lit("10:00-00:00")
)
variant(
    "1.3.4",
    "the whole day",
    "businesses that are open from midnight to midnight",
    businesses=variants.replaced(hours=whole_day),
)
none = F.map_filter(F.col("hours"), lambda day, times: F.lit(False))
variant("1.3.4", "never", "businesses that never open", businesses=variants.replaced(hours=none))
### END HIDDEN TESTS
check("1.3.4", weekly_hours, key=["business_id"], plan={"lacks": ["Generate"]})

# %% [markdown] equivalent="1.3.4" because="Hours and minutes are whole numbers below 100, which a float holds exactly, and the division is done in double."
# - cast type: F.split(text, ':')[0].cast('double') → F.split(text, ':')[0].cast('float')
# - cast type: F.split(text, ':')[1].cast('double') → F.split(text, ':')[1].cast('float')

# %% [markdown] equivalent="1.3.4" because="A text in a sum or a division with a DOUBLE becomes a DOUBLE by itself."
# - drop call: .cast('double')
# - drop call: .cast('double') (2)

# %% [markdown] hints="1.3.4"
# 1. Begin with the array of all opening times: `map_values`. Then one small Python function that makes hours (a column) out of one text such as `"11:30-14:00"`.
# 2. Split at the hyphen, then at the colon. Minutes are sixtieths of an hour. Cast to DOUBLE before you calculate.
# 3. Midnight: when the closing time is 0, use 24 instead, but leave the opening time alone. Then add everything up with `aggregate`, starting with `F.lit(0.0)`.


# %% wrong="1.3.4" because="weekly_hours` is wrong"
def weekly_hours(businesses):
    def clock(text):
        return F.split(text, ":")[0].cast("double") + F.split(text, ":")[1].cast("double") / 60

    total = F.aggregate(
        F.map_values("hours"),
        F.lit(0.0),
        lambda so_far, times: (
            so_far + clock(F.split(times, "-")[1]) - clock(F.split(times, "-")[0])
        ),
    )
    return businesses.select("business_id", total.alias("weekly_hours"))


# %% wrong="1.3.4" because="weekly_hours` is wrong"
def weekly_hours(businesses):
    def clock(text):
        return F.split(text, ":")[0].cast("double") + F.split(text, ":")[1].cast("double") / 100

    def length(times):
        opens, closes = clock(F.split(times, "-")[0]), clock(F.split(times, "-")[1])
        return F.when(closes == 0, 24.0).otherwise(closes) - opens

    total = F.aggregate(
        F.map_values("hours"), F.lit(0.0), lambda so_far, times: so_far + length(times)
    )
    return businesses.select("business_id", total.alias("weekly_hours"))


# %% wrong="1.3.4" because="Generate"
def weekly_hours(businesses):
    def clock(text):
        return F.split(text, ":")[0].cast("double") + F.split(text, ":")[1].cast("double") / 60

    single = businesses.select("business_id", F.explode_outer("hours").alias("day", "times"))
    opens, closes = clock(F.split("times", "-")[0]), clock(F.split("times", "-")[1])
    length = F.when(closes == 0, 24.0).otherwise(closes) - opens
    return single.groupBy("business_id").agg(F.sum(length).alias("weekly_hours"))


# %% wrong="1.3.4" because="on hidden data"
def weekly_hours(businesses):
    def clock(text):
        hour, minute = F.split(text, ":")[0].cast("double"), F.split(text, ":")[1]
        return hour + F.when(minute == "30", 0.5).otherwise(0.0)

    def length(times):
        opens, closes = clock(F.split(times, "-")[0]), clock(F.split(times, "-")[1])
        return F.when(closes == 0, 24.0).otherwise(closes) - opens

    total = F.aggregate(
        F.map_values("hours"), F.lit(0.0), lambda so_far, times: so_far + length(times)
    )
    return businesses.select("business_id", total.alias("weekly_hours"))


# %% wrong="1.3.4" because="that open at midnight"
def weekly_hours(businesses):
    minutes = """transform(transform(map_values(hours), t -> replace(t, '00:00', '24:00')), t ->
        int(substr(t, 7, 2)) * 60 + int(substr(t, 10, 2)) - int(substr(t, 1, 2)) * 60 - int(substr(t, 4, 2)))"""
    return businesses.selectExpr(
        "business_id", f"aggregate({minutes}, 0, (s, m) -> s + m) / 60 AS weekly_hours"
    )


# %% wrong="1.3.4" because="from midnight to midnight"
def weekly_hours(businesses):
    minutes = """transform(map_values(hours), t -> pmod(
        int(substr(t, 7, 2)) * 60 + int(substr(t, 10, 2)) - int(substr(t, 1, 2)) * 60 - int(substr(t, 4, 2)), 1440))"""
    return businesses.selectExpr(
        "business_id", f"aggregate({minutes}, 0, (s, m) -> s + m) / 60 AS weekly_hours"
    )


# %% wrong="1.3.4" because="from midnight to midnight"
def weekly_hours(businesses):
    def clock(text):
        return F.split(text, ":")[0].cast("double") + F.split(text, ":")[1].cast("double") / 60

    def length(times):
        opens, closes = clock(F.split(times, "-")[0]), clock(F.split(times, "-")[1])
        return F.when(closes < opens, closes + 24).otherwise(closes) - opens

    total = F.aggregate(
        F.map_values("hours"), F.lit(0.0), lambda so_far, times: so_far + length(times)
    )
    return businesses.select("business_id", total.alias("weekly_hours"))


# %% right="1.3.4"
def weekly_hours(businesses):
    minutes = """transform(map_values(hours), t ->
        CASE WHEN right(t, 5) = '00:00' THEN 1440 ELSE int(substr(t, 7, 2)) * 60 + int(substr(t, 10, 2)) END
        - int(substr(t, 1, 2)) * 60 - int(substr(t, 4, 2)))"""
    return businesses.selectExpr(
        "business_id", f"aggregate({minutes}, 0, (s, m) -> s + m) / 60 AS weekly_hours"
    )


# %% [markdown]
# How many places are open on which day? That question asks for one row per *entry*, so here `explode` is the right tool:

# %%
import matplotlib.pyplot as plt

per_day = (
    businesses.select(F.explode("hours").alias("day", "times"))
    .groupBy("day")
    .count()
    .toPandas()
    .set_index("day")
)
week = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
figure, axes = plt.subplots(figsize=(7, 3))
axes.bar(week, per_day.loc[week, "count"], color="#3b6ea5")
axes.set_xlabel("day of the week")
axes.set_ylabel("open businesses (count)")
axes.set_title("Sunday is the quiet day")
figure.tight_layout()
plt.show()

# %% [markdown]
# ## JSON with a schema
#
# `reviews_raw` has one column, `value`: a line of text that should be JSON. `F.from_json(column, schema)` makes a struct of it. The schema is a text as in
# `CREATE TABLE`; fields that you do not name are skipped. If you have no schema, let Spark describe one good line:

# %%
line = '{"id": "a1", "price": 3, "tags": ["new"], "size": {"length": 2.5}}'
print(spark.range(1).select(F.schema_of_json(F.lit(line))).first()[0])

# %% [markdown]
# What if a line does not fit? `from_json` does not stop. A field of the wrong type becomes NULL, and so does everything in a line that is no JSON at all. A line
# that is **cut off** inside a nested value is the nasty case: the fields that stood before the cut may be filled, as if all were well.

# %%
lines = spark.createDataFrame(
    [
        ('{"id": "a1", "price": 3}',),
        ('{"id": "a2", "price": "three"}',),
        ("<html>",),
        ('{"id": "a4", "box": {"len"',),
    ],
    "value STRING",
)
schema = "id STRING, price INT, box STRUCT<len: INT>"
lines.select("value", F.from_json("value", schema).alias("parsed")).show(truncate=False)

# %% [markdown]
# To be safe, ask first whether the line can be read at all: `F.try_parse_json(column)` is NULL for lines that are cut off or no JSON. (Text *behind* a complete value is
# not noticed: `{"a": 1} xyz` counts as JSON.) We call a line **valid** when it is not NULL there.
#
# ### Exercise 1.3.5: reviews out of lines
#
# Return one row per line of `reviews_raw` that is **valid JSON**, whatever fields it has: a field that is missing is NULL. Lines that came twice stay twice.
#
# - `review_id`, and `user_id`, which stands inside `user`
# - `stars` as `INT`. It is NULL where the line has no whole number there; a text such as `"four"`, and also `"4"`, is no number
# - `useful` as `INT`, which stands inside `votes`; NULL without votes


# %% answer="1.3.5" title="Reviews out of lines"
def parse_reviews(reviews_raw: DataFrame) -> DataFrame:
    """(review_id STRING, user_id STRING, stars INT or NULL, useful INT or NULL) per valid line."""
    ### BEGIN SOLUTION
    schema = "review_id STRING, user STRUCT<user_id: STRING>, stars INT, votes STRUCT<useful: INT>"
    valid = reviews_raw.filter(F.try_parse_json("value").isNotNull())
    parsed = valid.select(F.from_json("value", schema).alias("review"))
    return parsed.select(
        "review.review_id", "review.user.user_id", "review.stars", "review.votes.useful"
    )
    ### END SOLUTION


# %% check="1.3.5" points=2
### BEGIN HIDDEN TESTS
feed = variants.rows(
    ('{"stars": 3}',), ("{}",), ('{"user":{"stars":1,"user_id":"u3"},"stars":4}',), ('{"review_id":"r4","stars":4.5}',),
    ('{"review_id":"r5","user":{"user_id":"u5"},"stars":2,"votes":{"useful":1}} xyz',),
    ('{"review_id":"r6","user":{"user_id":"u6"},"stars":5,"votes":{"useful":7}',),
    ('{"review_id":"r7","user":{"user_id":"u7"},"stars":5,"text":"Great :-}',), ("{'review_id': 'r8', 'stars': 5}",),
)  # fmt: skip
variant(
    "1.3.5",
    "looks",
    "valid lines that lack fields or have text behind them, and bad lines that look whole",
    reviews_raw=feed,
)
variant("1.3.5", "other rows", "another day of the feed", seed=531)
cut = F.when(
    F.pmod(F.hash("value"), F.lit(3)) == 0, F.expr("left(value, length(value) - 2)")
).otherwise(F.col("value"))
variant(
    "1.3.5",
    "cut",
    "many lines that are cut off near their end",
    reviews_raw=variants.replaced(value=cut),
)
### END HIDDEN TESTS
check("1.3.5", parse_reviews)

# %% [markdown] hints="1.3.5"
# 1. Two steps: keep the valid lines, then parse them. The text just above the exercise names the function for the first step.
# 2. Write the schema as the JSON is nested: `user STRUCT<user_id: STRING>`. Then select `parsed.user.user_id`.
# 3. Too many rows, all with NULL? Do not filter these columns: a valid line may lack any field. Nor does the last character show that a line is whole.


# %% wrong="1.3.5" because="not expected"
def parse_reviews(reviews_raw):
    schema = "review_id STRING, user STRUCT<user_id: STRING>, stars INT, votes STRUCT<useful: INT>"
    parsed = reviews_raw.select(F.from_json("value", schema).alias("review"))
    return parsed.select(
        "review.review_id", "review.user.user_id", "review.stars", "review.votes.useful"
    )


# %% wrong="1.3.5" because="missing"
def parse_reviews(reviews_raw):
    schema = "review_id STRING, user STRUCT<user_id: STRING>, stars INT, votes STRUCT<useful: INT>"
    valid = reviews_raw.filter(F.try_parse_json("value").isNotNull())
    parsed = valid.select(F.from_json("value", schema).alias("review"))
    return parsed.select(
        "review.review_id", "review.user.user_id", "review.stars", "review.votes.useful"
    ).na.drop()


# %% wrong="1.3.5" because="user_id` is NULL"
def parse_reviews(reviews_raw):
    schema = "review_id STRING, user_id STRING, stars INT, votes STRUCT<useful: INT>"
    valid = reviews_raw.filter(F.try_parse_json("value").isNotNull())
    parsed = valid.select(F.from_json("value", schema).alias("review"))
    return parsed.select(
        "review.review_id", "review.user_id", "review.stars", "review.votes.useful"
    )


# %% wrong="1.3.5" because="stars` is STRING"
def parse_reviews(reviews_raw):
    schema = (
        "review_id STRING, user STRUCT<user_id: STRING>, stars STRING, votes STRUCT<useful: INT>"
    )
    valid = reviews_raw.filter(F.try_parse_json("value").isNotNull())
    parsed = valid.select(F.from_json("value", schema).alias("review"))
    return parsed.select(
        "review.review_id", "review.user.user_id", "review.stars", "review.votes.useful"
    )


# %% wrong="1.3.5" because="copies"
def parse_reviews(reviews_raw):
    schema = "review_id STRING, user STRUCT<user_id: STRING>, stars INT, votes STRUCT<useful: INT>"
    valid = reviews_raw.filter(F.try_parse_json("value").isNotNull()).distinct()
    parsed = valid.select(F.from_json("value", schema).alias("review"))
    return parsed.select(
        "review.review_id", "review.user.user_id", "review.stars", "review.votes.useful"
    )


# %% wrong="1.3.5" because="lack fields or have text behind them"
def parse_reviews(reviews_raw):
    schema = "review_id STRING, user STRUCT<user_id: STRING>, stars INT, votes STRUCT<useful: INT>"
    valid = reviews_raw.filter(F.trim("value").endswith("}"))
    parsed = valid.select(F.from_json("value", schema).alias("review"))
    return parsed.filter("review.review_id IS NOT NULL").select(
        "review.review_id", "review.user.user_id", "review.stars", "review.votes.useful"
    )


# %% wrong="1.3.5" because="lack fields or have text behind them"
def parse_reviews(reviews_raw):
    schema = "review_id STRING, user STRUCT<user_id: STRING>, stars INT, votes STRUCT<useful: INT>"
    valid = reviews_raw.filter(F.try_parse_json("value").isNotNull())
    parsed = valid.select(F.from_json("value", schema).alias("review"))
    return parsed.filter("review.review_id IS NOT NULL").select(
        "review.review_id", "review.user.user_id", "review.stars", "review.votes.useful"
    )


# %% wrong="1.3.5" because="bad lines that look whole"
def parse_reviews(reviews_raw):
    schema = (
        "review_id STRING, user STRUCT<user_id: STRING>, stars INT, votes STRUCT<useful: INT>,"
        " _corrupt_record STRING"
    )
    parsed = reviews_raw.select(F.from_json("value", schema).alias("review"))
    valid = parsed.filter(
        "review.review_id IS NOT NULL AND (review._corrupt_record IS NULL OR review.stars IS NULL)"
    )
    return valid.select(
        "review.review_id", "review.user.user_id", "review.stars", "review.votes.useful"
    )


# %% wrong="1.3.5" because="lack fields or have text behind them"
def parse_reviews(reviews_raw):
    valid = reviews_raw.filter(F.try_parse_json("value").isNotNull())
    return valid.select(
        F.get_json_object("value", "$.review_id").alias("review_id"),
        F.get_json_object("value", "$.user.user_id").alias("user_id"),
        F.regexp_extract("value", r'"stars":\s*(\d+)', 1).try_cast("int").alias("stars"),
        F.get_json_object("value", "$.votes.useful").cast("int").alias("useful"),
    )


# %% right="1.3.5"
def parse_reviews(reviews_raw):
    v = reviews_raw.select(F.try_parse_json("value").alias("v")).filter("v IS NOT NULL")
    stars = F.when(
        F.schema_of_variant(F.variant_get("v", "$.stars", "variant")) == "BIGINT",
        F.variant_get("v", "$.stars", "int"),
    )
    return v.select(
        F.variant_get("v", "$.review_id", "string").alias("review_id"),
        F.variant_get("v", "$.user.user_id", "string").alias("user_id"),
        stars.alias("stars"),
        F.variant_get("v", "$.votes.useful", "int").alias("useful"),
    )


# %% [markdown]
# ## JSON without a schema: VARIANT
#
# A schema is a promise about *all* lines. Where fields come and go, Spark 4 has the type **VARIANT**: any JSON value, parsed once, stored in a
# binary form that is quick to search. You take out what you need, when you need it, by a path that begins with `$`:
#
# | function | what it does |
# |---|---|
# | `F.parse_json(c)`, `F.try_parse_json(c)` | text to VARIANT; the second gives NULL for bad text |
# | `F.variant_get(v, "$.size.length", "double")` | the value at a path, converted; a conversion that fails is an error |
# | `F.try_variant_get(...)` | the same, NULL when the conversion fails |
# | `F.schema_of_variant(v)` | what is in there |
# | `variant_explode(v)`, in SQL | one row per entry of an object or array; `LATERAL` in front calls it for each row (see 1.4) |

# %%
things = spark.createDataFrame(
    [('{"id": 1, "size": {"length": "2.5"}}',), ('{"id": "two", "tags": ["new", "red"]}',)],
    "value STRING",
).select(F.parse_json("value").alias("v"))
things.select(
    F.try_variant_get("v", "$.id", "int").alias("id"),
    F.variant_get("v", "$.size.length", "double").alias("length"),
    F.variant_get("v", "$.tags[0]", "string").alias("first tag"),
).show()
things.createOrReplaceTempView("things")
spark.sql("""
    SELECT entry.key, entry.value FROM things, LATERAL variant_explode(v) AS entry
    ORDER BY entry.key, to_json(entry.value)
""").show(truncate=False)

# %% [markdown]
# ### Exercise 1.3.6: as many stars as possible
#
# The text `"4"` is a number to a human being. Read `reviews_raw` again, this time with VARIANT. Return for every **valid** line `review_id`, `stars` as `INT`, where
# numbers in quotation marks count too and words such as `"four"` give NULL, and `os`: the operating system inside `device`, a field that only a few lines have. A field
# that is missing is NULL; the line stays.


# %% answer="1.3.6" title="As many stars as possible"
def generous_stars(reviews_raw: DataFrame) -> DataFrame:
    """(review_id STRING, stars INT or NULL, os STRING or NULL) per valid line."""
    ### BEGIN SOLUTION
    parsed = reviews_raw.select(F.try_parse_json("value").alias("v")).filter(F.col("v").isNotNull())
    return parsed.select(
        F.try_variant_get("v", "$.review_id", "string").alias("review_id"),
        F.try_variant_get("v", "$.stars", "int").alias("stars"),
        F.try_variant_get("v", "$.device.os", "string").alias("os"),
    )
    ### END SOLUTION


# %% check="1.3.6" points=2
### BEGIN HIDDEN TESTS
quoted = F.regexp_replace("value", '"stars":([0-9])', '"stars":"$1"')
variant(
    "1.3.6",
    "quoted",
    "a feed in which all stars are quoted",
    reviews_raw=variants.replaced(value=quoted),
)
feed = variants.rows(
    ('{"stars": "3"}',), ("{}",), ('{"user":{"stars":1,"user_id":"u3"},"stars":"4"}',), ('{"review_id":"r4","stars":"12"}',),
    ('{"review_id":"r5","stars":2,"device":{"os":"linux"}} xyz',), ('{"review_id":"r6","stars":5,"device":{"os":"linux"}',),
    ('{"review_id":"r7","stars":5,"text":"Great :-}',), ("{'review_id': 'r8', 'stars': 5}",),
)  # fmt: skip
variant(
    "1.3.6",
    "looks",
    "valid lines that lack fields or have text behind them, and bad lines that look whole",
    reviews_raw=feed,
)
variant("1.3.6", "other rows", "another day of the feed", seed=532)
### END HIDDEN TESTS
check("1.3.6", generous_stars)

# %% [markdown] equivalent="1.3.6" because="Every JSON value can be given as a text, so there is nothing to fail."
# - strict cast: F.try_variant_get('v', '$.review_id', 'string') → F.variant_get('v', '$.review_id', 'string')
# - strict cast: F.try_variant_get('v', '$.device.os', 'string') → F.variant_get('v', '$.device.os', 'string')

# %% [markdown] hints="1.3.6"
# 1. First make a VARIANT of each line and keep those that are not NULL. `parse_json` would stop at the first bad line.
# 2. Then one path per column: `$.stars`, `$.device.os`. Words cannot become an INT, so use the forgiving function.


# %% wrong="1.3.6" because="MALFORMED_RECORD_IN_PARSING"
def generous_stars(reviews_raw):
    parsed = reviews_raw.select(F.parse_json("value").alias("v"))
    return parsed.select(
        F.try_variant_get("v", "$.review_id", "string").alias("review_id"),
        F.try_variant_get("v", "$.stars", "int").alias("stars"),
        F.try_variant_get("v", "$.device.os", "string").alias("os"),
    )


# %% wrong="1.3.6" because="INVALID_VARIANT_CAST"
def generous_stars(reviews_raw):
    parsed = reviews_raw.select(F.try_parse_json("value").alias("v")).filter(F.col("v").isNotNull())
    return parsed.select(
        F.variant_get("v", "$.review_id", "string").alias("review_id"),
        F.variant_get("v", "$.stars", "int").alias("stars"),
        F.variant_get("v", "$.device.os", "string").alias("os"),
    )


# %% wrong="1.3.6" because="stars` is NULL"
def generous_stars(reviews_raw):
    schema = "review_id STRING, stars INT, device STRUCT<os: STRING>"
    valid = reviews_raw.filter(F.try_parse_json("value").isNotNull())
    parsed = valid.select(F.from_json("value", schema).alias("review"))
    return parsed.select("review.review_id", "review.stars", "review.device.os")


# %% wrong="1.3.6" because="missing"
def generous_stars(reviews_raw):
    parsed = reviews_raw.select(F.try_parse_json("value").alias("v")).filter(F.col("v").isNotNull())
    return parsed.select(
        F.try_variant_get("v", "$.review_id", "string").alias("review_id"),
        F.try_variant_get("v", "$.stars", "int").alias("stars"),
        F.try_variant_get("v", "$.device.os", "string").alias("os"),
    ).filter("stars IS NOT NULL")


# %% wrong="1.3.6" because="lack fields or have text behind them"
def generous_stars(reviews_raw):
    parsed = reviews_raw.select(F.try_parse_json("value").alias("v")).filter(F.col("v").isNotNull())
    return parsed.select(
        F.try_variant_get("v", "$.review_id", "string").alias("review_id"),
        F.try_variant_get("v", "$.stars", "int").alias("stars"),
        F.try_variant_get("v", "$.device.os", "string").alias("os"),
    ).filter("review_id IS NOT NULL")


# %% wrong="1.3.6" because="bad lines that look whole"
def generous_stars(reviews_raw):
    schema = "review_id STRING, stars STRING, device STRUCT<os: STRING>"
    parsed = reviews_raw.select(F.from_json("value", schema).alias("r"))
    return parsed.filter("r.review_id IS NOT NULL").selectExpr(
        "r.review_id", "try_cast(r.stars AS INT) AS stars", "r.device.os"
    )


# %% wrong="1.3.6" because="lack fields or have text behind them"
def generous_stars(reviews_raw):
    parsed = reviews_raw.select("value", F.try_parse_json("value").alias("v"))
    return parsed.filter("v IS NOT NULL").select(
        F.variant_get("v", "$.review_id", "string").alias("review_id"),
        F.regexp_extract("value", r'"stars":\s*"?(\d)', 1).try_cast("int").alias("stars"),
        F.variant_get("v", "$.device.os", "string").alias("os"),
    )


# %% right="1.3.6"
def generous_stars(reviews_raw):
    schema = "review_id STRING, stars STRING, device STRUCT<os: STRING>"
    valid = reviews_raw.filter("try_parse_json(value) IS NOT NULL")
    parsed = valid.select(F.from_json("value", schema).alias("r"))
    return parsed.selectExpr("r.review_id", "try_cast(r.stars AS INT) AS stars", "r.device.os")


# %% [markdown]
# ## Losing nothing: quarantine
#
# The lines that you filtered out were somebody's reviews. A good pipeline counts them, keeps them, and says **why** each was refused, so that someone can repair
# the source. The pattern is simple: rules in an order, and the first that applies gives the reason.
#
# ### Exercise 1.3.7: why was it refused?
#
# Return the lines of `reviews_raw` that cannot be used, with `value` and `reason`:
#
# | reason | when (the first that applies) |
# |---|---|
# | `"empty"` | the line is empty or only blanks |
# | `"not JSON"` | it is not valid JSON |
# | `"no stars"` | `try_variant_get` finds nothing in `stars` that it can turn into an `INT` |
# | `"stars out of range"` | the stars are not 1 to 5 |
#
# Lines that can be used do not appear. A line that came twice is refused twice.


# %% answer="1.3.7" title="Why was it refused?"
def quarantine(reviews_raw: DataFrame) -> DataFrame:
    """(value STRING, reason STRING), only the lines that cannot be used."""
    ### BEGIN SOLUTION
    document = F.try_parse_json("value")
    stars = F.try_variant_get(document, "$.stars", "int")
    reason = (
        F.when(F.trim("value") == "", "empty")
        .when(document.isNull(), "not JSON")
        .when(stars.isNull(), "no stars")
        .when(~stars.between(1, 5), "stars out of range")
    )
    return reviews_raw.select("value", reason.alias("reason")).filter("reason IS NOT NULL")
    ### END SOLUTION


# %% check="1.3.7" points=3
### BEGIN HIDDEN TESTS
odd_lines = variants.rows(
    ("   ",), ("",), ("nonsense",), ('{"review_id": "a"}',), ('{"stars": 0}',), ('{"stars": 6}',), ('{"stars": "7"}',),
    ('{"stars": 5}',), ('{"stars": "1"}',), ('{"stars": null}',), ('{"stars": "four"}',), ('{"stars": 3',), ('{"stars": -1}',),
)  # fmt: skip
variant(
    "1.3.7", "odd lines", "blanks, stars that are zero, six, null or quoted", reviews_raw=odd_lines
)
variant("1.3.7", "other rows", "another day of the feed", seed=533)
### END HIDDEN TESTS
check("1.3.7", quarantine)

# %% [markdown] equivalent="1.3.7" because="In a when, false and NULL are the same: the branch is not taken."
# - null-safe equality: F.trim('value') == '' → F.trim('value').eqNullSafe('')

# %% [markdown] hints="1.3.7"
# 1. A `when` chain without `otherwise` gives NULL for lines that are fine. What can you do with these NULLs at the end?
# 2. The order matters: an empty line is not valid JSON either, but has a reason of its own.
# 3. Name the VARIANT and the stars once as Python variables (`document`, `stars`); they are only descriptions and cost nothing.


# %% wrong="1.3.7" because="reason"
def quarantine(reviews_raw):
    document = F.try_parse_json("value")
    stars = F.try_variant_get(document, "$.stars", "int")
    reason = (
        F.when(document.isNull(), "not JSON")
        .when(F.trim("value") == "", "empty")
        .when(stars.isNull(), "no stars")
        .when(~stars.between(1, 5), "stars out of range")
    )
    return reviews_raw.select("value", reason.alias("reason")).filter("reason IS NOT NULL")


# %% wrong="1.3.7" because="on hidden data"
def quarantine(reviews_raw):
    document = F.try_parse_json("value")
    stars = F.try_variant_get(document, "$.stars", "int")
    reason = (
        F.when(F.col("value") == "", "empty")
        .when(document.isNull(), "not JSON")
        .when(stars.isNull(), "no stars")
        .when(~stars.between(1, 5), "stars out of range")
    )
    return reviews_raw.select("value", reason.alias("reason")).filter("reason IS NOT NULL")


# %% wrong="1.3.7" because="not expected"
def quarantine(reviews_raw):
    document = F.try_parse_json("value")
    stars = F.try_variant_get(document, "$.stars", "int")
    reason = (
        F.when(F.trim("value") == "", "empty")
        .when(document.isNull(), "not JSON")
        .when(stars.isNull(), "no stars")
        .when(~stars.between(1, 5), "stars out of range")
    )
    return reviews_raw.select("value", reason.alias("reason"))


# %% wrong="1.3.7" because="on hidden data"
def quarantine(reviews_raw):
    document = F.try_parse_json("value")
    stars = F.try_variant_get(document, "$.stars", "int")
    reason = (
        F.when(F.trim("value") == "", "empty")
        .when(document.isNull(), "not JSON")
        .when(stars.isNull(), "no stars")
        .when(stars > 5, "stars out of range")
    )
    return reviews_raw.select("value", reason.alias("reason")).filter("reason IS NOT NULL")


# %% right="1.3.7"
def quarantine(reviews_raw):
    return reviews_raw.sparkSession.sql("""
        WITH read AS (
            SELECT value, try_parse_json(value) IS NULL AS broken,
                   try_cast(get_json_object(value, '$.stars') AS INT) AS stars
            FROM reviews_raw
        )
        SELECT value,
               CASE WHEN trim(value) = '' THEN 'empty' WHEN broken THEN 'not JSON'
                    WHEN stars IS NULL THEN 'no stars' ELSE 'stars out of range' END AS reason
        FROM read
        WHERE broken OR stars IS NULL OR stars < 1 OR stars > 5
    """)


# %% [markdown]
# ## Building nested results
#
# The way back: `F.struct(...)` packs columns into a struct, `F.collect_list(struct)` packs the rows of a group into an array. Rows of a group arrive in **any**
# order, so sort the array if its order matters: `F.sort_array` sorts structs by their first field, then the second, and so on (with `asc=False` the other way round), and
# `F.slice(array, 1, 3)` takes its first three. `F.to_json` turns the whole thing into text for the
# next system.

# %%
plays = spark.createDataFrame(
    [("ann", 2, "b"), ("ann", 1, "a"), ("bob", 1, "c")], "who STRING, n INT, song STRING"
)
(
    plays.groupBy("who")
    .agg(F.sort_array(F.collect_list(F.struct("n", "song"))).alias("songs"))
    .select("who", F.to_json("songs").alias("as JSON"))
    .orderBy("who")
    .show(truncate=False)
)

# %% [markdown]
# ### Exercise 1.3.8: a card for every business
#
# The app shows a card per business. Build one row for **every** business, also for those without reviews:
#
# - `business_id`, `name`
# - `rating`: a struct with `count` (number of reviews, `BIGINT`, 0 without reviews) and `mean` (mean stars, `DOUBLE`, NULL without reviews)
# - `latest`: an array of at most **three** structs with `review_id` and `stars`, the newest review first (by `created`; for equal times the larger `review_id` first); an empty
#   array without reviews. `F.array()` without arguments is an empty array; beside another array in `F.coalesce` it takes that one's type
#
# A review may lack its stars. It is a review all the same: it counts and may be among the latest, only the mean goes without it.
#
# You need one join, which the next module explains in depth: `businesses.join(per_business, "business_id", "left")` keeps every business and adds the columns of `per_business`,
# NULL where there are none.


# %% answer="1.3.8" title="A card for every business"
def business_cards(businesses: DataFrame, reviews: DataFrame) -> DataFrame:
    """(business_id STRING, name STRING, rating STRUCT<count: BIGINT, mean: DOUBLE>, latest ARRAY<STRUCT<review_id: STRING, stars: INT>>)."""
    ### BEGIN SOLUTION
    newest_first = F.sort_array(
        F.collect_list(F.struct("created", "review_id", "stars")), asc=False
    )
    per_business = reviews.groupBy("business_id").agg(
        F.count("*").alias("count"), F.avg("stars").alias("mean"), newest_first.alias("all")
    )
    latest = F.transform(
        F.slice("all", 1, 3), lambda review: F.struct(review["review_id"], review["stars"])
    )
    return businesses.join(per_business, "business_id", "left").select(
        "business_id",
        "name",
        F.struct(F.coalesce("count", F.lit(0)).alias("count"), F.col("mean")).alias("rating"),
        F.coalesce(latest, F.array()).alias("latest"),
    )
    ### END SOLUTION


# %% check="1.3.8" points=3
### BEGIN HIDDEN TESTS
same_time = variants.replaced(created=F.timestamp_seconds(F.lit(1_750_000_000)))
variant("1.3.8", "same time", "reviews that were all written at the same moment", reviews=same_time)
variant(
    "1.3.8",
    "no stars",
    "reviews without stars",
    reviews=variants.nulls("stars", every=2),
)
variant("1.3.8", "no reviews", "a guide without any review", reviews=variants.empty)
variant("1.3.8", "other rows", "other businesses and reviews", seed=534)
### END HIDDEN TESTS
check("1.3.8", business_cards, key=["business_id"])

# %% [markdown] equivalent="1.3.8" because="review_id is the key of reviews, so no two of the structs are equal."
# - aggregate: F.collect_list(F.struct('created', 'review_id', 'stars')) → F.collect_set(F.struct('created', 'review_id', 'stars'))

# %% [markdown] hints="1.3.8"
# 1. Three steps: group the reviews, join them to the businesses, tidy up the NULLs of businesses without reviews.
# 2. In the group, collect structs that begin with what you sort by. `sort_array(..., asc=False)` turns the order round.
# 3. `slice(array, 1, 3)` takes the first three, `transform` keeps two fields of each. Which businesses still have NULL instead of an array?


# %% wrong="1.3.8" because="latest"
def business_cards(businesses, reviews):
    newest_first = F.sort_array(
        F.collect_list(F.struct("created", "review_id", "stars")), asc=False
    )
    per_business = reviews.groupBy("business_id").agg(
        F.count("*").alias("count"), F.avg("stars").alias("mean"), newest_first.alias("all")
    )
    latest = F.transform(
        F.slice("all", 1, 3), lambda review: F.struct(review["review_id"], review["stars"])
    )
    return businesses.join(per_business, "business_id", "left").select(
        "business_id",
        "name",
        F.struct(F.coalesce("count", F.lit(0)).alias("count"), F.col("mean")).alias("rating"),
        latest.alias("latest"),
    )


# %% wrong="1.3.8" because="11 rows are missing"
def business_cards(businesses, reviews):
    newest_first = F.sort_array(
        F.collect_list(F.struct("created", "review_id", "stars")), asc=False
    )
    per_business = reviews.groupBy("business_id").agg(
        F.count("*").alias("count"), F.avg("stars").alias("mean"), newest_first.alias("all")
    )
    latest = F.transform(
        F.slice("all", 1, 3), lambda review: F.struct(review["review_id"], review["stars"])
    )
    return businesses.join(per_business, "business_id").select(
        "business_id",
        "name",
        F.struct("count", "mean").alias("rating"),
        latest.alias("latest"),
    )


# %% wrong="1.3.8" because="latest` is wrong"
def business_cards(businesses, reviews):
    oldest_first = F.sort_array(F.collect_list(F.struct("created", "review_id", "stars")))
    per_business = reviews.groupBy("business_id").agg(
        F.count("*").alias("count"), F.avg("stars").alias("mean"), oldest_first.alias("all")
    )
    latest = F.transform(
        F.slice("all", 1, 3), lambda review: F.struct(review["review_id"], review["stars"])
    )
    nothing = F.array().cast("array<struct<review_id: string, stars: int>>")
    return businesses.join(per_business, "business_id", "left").select(
        "business_id",
        "name",
        F.struct(F.coalesce("count", F.lit(0)).alias("count"), F.col("mean")).alias("rating"),
        F.coalesce(latest, nothing).alias("latest"),
    )


# %% wrong="1.3.8" because="rating"
def business_cards(businesses, reviews):
    newest_first = F.sort_array(
        F.collect_list(F.struct("created", "review_id", "stars")), asc=False
    )
    joined = businesses.join(reviews.drop("name"), "business_id", "left").drop(businesses["stars"])
    cards = joined.groupBy("business_id", "name").agg(
        F.struct(F.count("*").alias("count"), F.avg("stars").alias("mean")).alias("rating"),
        newest_first.alias("all"),
    )
    latest = F.transform(
        F.slice(F.filter("all", lambda r: r["review_id"].isNotNull()), 1, 3),
        lambda review: F.struct(review["review_id"], review["stars"]),
    )
    return cards.select("business_id", "name", "rating", latest.alias("latest"))


# %% wrong="1.3.8" because="reviews without stars"
def business_cards(businesses, reviews):
    newest_first = F.sort_array(
        F.collect_list(F.struct("created", "review_id", "stars")), asc=False
    )
    per_business = reviews.groupBy("business_id").agg(
        F.count("stars").alias("count"), F.avg("stars").alias("mean"), newest_first.alias("all")
    )
    latest = F.transform(
        F.slice("all", 1, 3), lambda review: F.struct(review["review_id"], review["stars"])
    )
    return businesses.join(per_business, "business_id", "left").select(
        "business_id",
        "name",
        F.struct(F.coalesce("count", F.lit(0)).alias("count"), F.col("mean")).alias("rating"),
        F.coalesce(latest, F.array()).alias("latest"),
    )


# %% wrong="1.3.8" because="reviews without stars"
def business_cards(businesses, reviews):
    newest_first = F.sort_array(
        F.collect_list(F.struct("created", "review_id", "stars")), asc=False
    )
    rated = reviews.filter("stars IS NOT NULL")
    per_business = rated.groupBy("business_id").agg(
        F.count("*").alias("count"), F.avg("stars").alias("mean"), newest_first.alias("all")
    )
    latest = F.transform(
        F.slice("all", 1, 3), lambda review: F.struct(review["review_id"], review["stars"])
    )
    return businesses.join(per_business, "business_id", "left").select(
        "business_id",
        "name",
        F.struct(F.coalesce("count", F.lit(0)).alias("count"), F.col("mean")).alias("rating"),
        F.coalesce(latest, F.array()).alias("latest"),
    )


# %% right="1.3.8"
def business_cards(businesses, reviews):
    return businesses.sparkSession.sql("""
        SELECT b.business_id, b.name,
               named_struct('count', count(r.review_id), 'mean', avg(r.stars)) AS rating,
               transform(
                   slice(array_sort(
                       filter(collect_list(r), x -> x.review_id IS NOT NULL),
                       (p, q) -> CASE WHEN p.created > q.created THEN -1 WHEN p.created < q.created THEN 1
                                      WHEN p.review_id > q.review_id THEN -1 WHEN p.review_id < q.review_id THEN 1
                                      ELSE 0 END), 1, 3),
                   x -> named_struct('review_id', x.review_id, 'stars', x.stars)) AS latest
        FROM businesses b
        LEFT JOIN (SELECT business_id, struct(review_id, stars, created) AS r FROM reviews) USING (business_id)
        GROUP BY b.business_id, b.name
    """)


# %% [markdown]
# ### Question 1.3.9: schema or VARIANT?
#
# Your team must store the raw feed of reviews for ten years. One colleague wants to parse every line at once with a fixed schema, another wants to store the whole
# line as VARIANT. Answer in five to eight sentences: what does each choice cost when a new field appears next year, and when a field changes its type? What would you store, and where would you
# put the schema?

# %% [markdown] written="1.3.9" points=3 title="Schema or VARIANT?"
# ### BEGIN SOLUTION
# With a fixed schema, a field that appears next year is dropped silently until somebody changes the schema, and the old lines that had it are lost for good
# unless the raw text was kept. A field that changes its type becomes NULL, also silently. In return every reader knows what it gets, queries are fast, and mistakes in the feed can be found by
# comparing with the schema. VARIANT keeps everything, including what nobody has thought of yet; a new field is just there. But nothing is checked when data
# arrives: every reader has to know the paths, and a changed type is found only when a conversion fails. I would store the raw line as VARIANT (or text) with the time of arrival in a first table, and parse
# it with a schema into a second table, where bad lines go to quarantine with a reason. If the schema changes, the second table can be rebuilt from the first.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# - 1 point: fixed schema: new fields are dropped or changed types become NULL without notice, but readers get a contract and speed
# - 1 point: VARIANT: keeps everything, but nothing is checked on arrival and readers must know paths and types
# - 1 point: a reasoned choice, ideally both: raw kept, schema applied in a second step that can be repeated
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | `a.b.c` reaches into structs | NULL on the way gives NULL, no error |
# | empty is not NULL | `size` gives 0 for the one and NULL for the other |
# | `get` counts from 0, `element_at` from 1 | and only `get` and `try_element_at` forgive a missing element |
# | higher-order functions stay inside the row | no `explode`, no second `groupBy`, no Python per row |
# | `from_json` never stops | so ask `try_parse_json` whether the line was cut off |
# | VARIANT needs no schema | take out fields by path, with `try_variant_get` where types vary |
# | keep refused lines with a reason | what is counted can be repaired |
#
# > **On Databricks:** all of this works unchanged; VARIANT columns can be stored in Delta tables there as well. In SQL, a path such as
# > `v:stars::int` is a short form of `variant_get`, there and here.
