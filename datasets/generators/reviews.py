"""Businesses, users and their reviews, shaped like the Yelp open data: nested columns, and raw JSON lines."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators import seasons, vocabulary
from datasets.generators.cells import Cells, element, texts
from datasets.generators.generation import Generation
from datasets.generators.vocabulary import WEEKDAYS

TAGS = ("breakfast", "dogs welcome", "family", "late night", "patio", "quiet", "vegan")
UNKNOWN_BUSINESS = 7_000_000_000
"""References to rows that do not exist start here."""


def business_code(run: Generation, number: Column) -> Column:
    """The business_id of a row number."""
    return run.cells("businesses").code("business", number)


def user_code(run: Generation, number: Column) -> Column:
    """The user_id of a row number."""
    return run.cells("users").code("user", number)


def business_quality(run: Generation, number: Column) -> Column:
    """How good a business is, about 1 to 5; its own stars and those of its reviews follow from it."""
    drawn = F.lit(3.7) + run.cells("businesses").normal("quality", number) * F.lit(0.7)
    return F.least(F.greatest(drawn, F.lit(1.0)), F.lit(5.0))


def businesses(run: Generation) -> DataFrame:
    """One row per business."""
    rows = run.rows("businesses", "number")
    number = F.col("number")
    cells = run.cells("businesses")
    kinds = list(vocabulary.BUSINESS_KINDS)
    kind = cells.integer("kind", 0, len(kinds) - 1, number)
    name = F.concat(
        F.lit("The "),
        cells.pick("adjective", vocabulary.BUSINESS_ADJECTIVES, number),
        F.lit(" "),
        cells.pick("noun", vocabulary.BUSINESS_NOUNS, number),
        F.lit(" "),
        element(texts(kinds), kind),
    )
    address = F.concat(
        cells.integer("house", 1, 240, number).cast("string"),
        F.lit(" "),
        cells.pick("street", vocabulary.streets(), number),
    )
    cities = {city: float(weight) for city, weight in vocabulary.REVIEW_CITIES.items()}
    return rows.select(
        business_code(run, number).alias("business_id"),
        name.alias("name"),
        address.alias("address"),
        cells.weighted("city", cities, number).alias("city"),
        _categories(run, kind).alias("categories"),
        _hours(run).alias("hours"),
        _attributes(run).alias("attributes"),
        (F.round(business_quality(run, number) * F.lit(2)) / F.lit(2)).alias("stars"),
        (~cells.chance("closed", 0.15, number)).alias("is_open"),
    )


def _categories(run: Generation, kind: Column) -> Column:
    """One to four of the kind's categories, always beginning with the most general one."""
    cells = run.cells("businesses")
    number = F.col("number")
    lists = texts(["|".join(names) for names in vocabulary.BUSINESS_KINDS.values()])
    length = cells.integer("categories", 1, 4, number).cast("int")
    some = F.slice(F.split(element(lists, kind), r"\|"), F.lit(1), length)
    listed = F.when(cells.chance("categories.empty", 0.03, number), F.array().cast("array<string>")).otherwise(some)
    return cells.unless("categories", 0.03, listed, number)


def _hours(run: Generation) -> Column:
    """Opening hours by weekday; closed days have no entry."""
    cells = run.cells("businesses")
    number = F.col("number")
    opens = cells.weighted("opens", {"07:00": 15, "08:00": 20, "09:00": 30, "10:00": 20, "11:30": 15}, number)
    closes = cells.weighted("closes", {"16:00": 10, "18:00": 35, "20:00": 25, "22:00": 20, "00:00": 10}, number)
    every_day = F.concat(opens, F.lit("-"), closes)
    short = F.concat(opens, F.lit("-"), F.lit("14:00"))
    entries = []
    for day in WEEKDAYS:
        hours = short if day in ("Saturday", "Sunday") else every_day
        is_open = cells.chance(f"open.{day}", 0.4 if day == "Sunday" else 0.95, number)
        entries.append(F.struct(F.lit(day).alias("day"), F.when(is_open, hours).alias("hours")))
    open_days = F.filter(F.array(*entries), lambda entry: entry["hours"].isNotNull())
    return cells.unless("hours", 0.1, F.map_from_entries(open_days), number)


def _attributes(run: Generation) -> Column:
    """Nested attributes, each level with gaps of its own."""
    cells = run.cells("businesses")
    number = F.col("number")
    parking = F.struct(
        cells.chance("garage", 0.2, number).alias("garage"),
        cells.chance("street_parking", 0.6, number).alias("street"),
        cells.chance("lot", 0.3, number).alias("lot"),
    )
    moods = ("casual", "romantic", "trendy", "touristy")
    ambience = F.map_from_arrays(
        F.array(*map(F.lit, moods)), F.array(*(cells.chance(mood, 0.35, number) for mood in moods))
    )
    price = cells.weighted("price_range", {"1": 30.0, "2": 45.0, "3": 18.0, "4": 7.0}, number).cast("int")
    wifi = cells.weighted("wifi", {"free": 55.0, "no": 35.0, "paid": 10.0}, number)
    attributes = F.struct(
        cells.unless("price_range", 0.08, price, number).alias("price_range"),
        cells.unless("wifi", 0.12, wifi, number).alias("wifi"),
        cells.unless("parking", 0.15, parking, number).alias("parking"),
        cells.unless("ambience", 0.2, ambience, number).alias("ambience"),
    )
    return cells.unless("attributes", 0.05, attributes, number)


def users(run: Generation) -> DataFrame:
    """One row per user."""
    rows = run.rows("users", "number")
    number = F.col("number")
    cells = run.cells("users")
    count = run.sizes["users"]
    friends = F.array(*(user_code(run, cells.integer(f"friend.{place}", 1, count, number)) for place in range(5)))
    how_many = cells.weighted(
        "friends", {"0": 20.0, "1": 25.0, "2": 20.0, "3": 15.0, "4": 12.0, "5": 8.0}, number
    ).cast("int")
    years = cells.weighted("elite", {"": 80.0, "2024": 8.0, "2025": 5.0, "2024,2025": 7.0}, number)
    elite = F.when(years == "", F.array().cast("array<int>")).otherwise(F.split(years, ",").cast("array<int>"))
    kinds = ("cool", "funny", "helpful", "photos")
    counts = F.array(*(cells.integer(f"compliment.{kind}", 0, 9, number).cast("int") for kind in kinds))
    compliments = F.map_from_arrays(F.array(*map(F.lit, kinds)), counts)
    day = seasons.day_at((number - F.lit(1) + cells.uniform("day", number)) / F.lit(count), seasons.signup_weight)
    return rows.select(
        user_code(run, number).alias("user_id"),
        cells.pick("name", vocabulary.first_names(), number).alias("name"),
        seasons.date_of(day).alias("member_since"),
        F.array_distinct(F.slice(friends, F.lit(1), how_many)).alias("friends"),
        elite.alias("elite"),
        cells.unless("compliments", 0.3, F.map_filter(compliments, lambda _, received: received > 2), number).alias(
            "compliments"
        ),
    )


def with_review(run: Generation, rows: DataFrame) -> DataFrame:
    """Add to rows with a row number the columns that reviews and reviews_raw share."""
    cells = run.cells("reviews")
    number = F.col("number")
    rows = _with_references(run, rows)
    rows = rows.withColumn("stars", _stars(run))
    unknown = cells.chance("business.unknown", 0.012, number)
    business = F.when(unknown, F.col("business") + F.lit(UNKNOWN_BUSINESS)).otherwise(F.col("business"))
    second = seasons.second_of_day(cells.uniform("second", number), seasons.SHOPPING_HOURS)
    rows = rows.withColumn("exact_second", second)
    full_hour = F.col("exact_second") - F.pmod(F.col("exact_second"), F.lit(3600))
    return rows.withColumns(
        {
            "review_id": cells.code("review", number),
            "business_id": business_code(run, business),
            "user_id": user_code(run, F.col("user")),
            "useful": _votes(cells, "useful", 5.0, 30),
            "text": _text(cells),
            # One review in ten is dated to the full hour.
            "second": F.when(cells.chance("whole_hour", 0.1, number), full_hour).otherwise(F.col("exact_second")),
        }
    )


def _with_references(run: Generation, rows: DataFrame) -> DataFrame:
    """Add day (number), business and user (row numbers).

    Businesses: Zipf; one in each block of twelve has no review. Users: a member by that day, Zipf, or any where the
    favourite came later.
    """
    cells = run.cells("reviews")
    number = F.col("number")
    share = (number - F.lit(1) + cells.uniform("day", number)) / F.lit(run.sizes["reviews"])
    rows = rows.withColumn("day", seasons.day_at(share, seasons.shop_weight))
    rows = rows.withColumn("drawn", cells.zipf("business", run.sizes["businesses"], 0.85, number))
    rows = rows.withColumn("business", run.cells("businesses").active(F.col("drawn"), 12))
    count = run.sizes["users"]
    rows = rows.withColumn("favourite", cells.zipf("user", count, 0.7, number))
    rows = rows.withColumn("members", seasons.happened_by(F.col("day"), seasons.signup_weight, count))
    another = F.floor(cells.uniform("user.another", number) * F.col("members")) + F.lit(1)
    return rows.withColumn(
        "user", F.when(F.col("favourite") <= F.col("members"), F.col("favourite")).otherwise(another)
    )


def _stars(run: Generation) -> Column:
    """1 to 5, around the quality of the business."""
    noise = run.cells("reviews").normal("stars", F.col("number")) * F.lit(1.1)
    drawn = business_quality(run, F.col("business")) + noise
    return F.least(F.greatest(F.round(drawn), F.lit(1.0)), F.lit(5.0)).cast("int")


def _votes(cells: Cells, kind: str, power: float, most: int) -> Column:
    """Fewer than `most` votes, mostly none."""
    return F.floor(F.pow(cells.uniform(kind, F.col("number")), F.lit(power)) * F.lit(most)).cast("int")


def _text(cells: Cells) -> Column:
    """Opening, occasion, details, closing, in the mood of the stars; a few begin with a quotation and a line break."""
    number, stars = F.col("number"), F.col("stars")
    bad, fair, good = (_sentences(cells, mood) for mood in ("bad", "fair", "good"))
    body = F.when(stars <= 2, bad).when(stars == 3, fair).otherwise(good)
    quotation = F.when(cells.chance("text.quoted", 0.04, number), F.lit('"As good as it gets", said the sign.\n'))
    return cells.unless("text", 0.015, F.concat(F.coalesce(quotation, F.lit("")), body), number)


def _sentences(cells: Cells, mood: str) -> Column:
    number = F.col("number")
    first = cells.pick(f"{mood}.detail", vocabulary.DETAILS[mood], number)
    second = cells.pick(f"{mood}.detail.second", vocabulary.DETAILS[mood], number)
    another = F.when((first != second) & cells.chance("two_details", 0.6, number), second)
    opening = cells.pick(f"{mood}.opening", vocabulary.OPENINGS[mood], number)
    closing = cells.pick(f"{mood}.closing", vocabulary.CLOSINGS[mood], number)
    return F.concat_ws(" ", opening, _occasion(cells), first, another, closing)


def _occasion(cells: Cells) -> Column:
    """With whom and when, in nine texts of ten."""
    number = F.col("number")
    words = (
        F.lit("Visited with my"),
        cells.pick("companion", vocabulary.COMPANIONS, number),
        F.lit("on a"),
        cells.pick("weather", vocabulary.WEATHERS, number),
        cells.pick("weekday", WEEKDAYS, number),
    )
    return F.when(cells.chance("occasion", 0.9, number), F.concat(F.concat_ws(" ", *words), F.lit(".")))


def reviews(run: Generation) -> DataFrame:
    """One row per review."""
    created = seasons.timestamp_of(seasons.epoch_second(F.col("day"), F.col("second")))
    return with_review(run, run.rows("reviews", "number")).withColumn("created", created)


def reviews_raw(run: Generation) -> DataFrame:
    """The same reviews as JSON lines, with the accidents of a feed: see the declaration for their rates."""
    cells = run.cells("reviews_raw")
    number = F.col("number")
    rows = with_review(run, run.rows("reviews", "number"))
    words = element(texts(("zero", "one", "two", "three", "four", "five")), F.col("stars"))
    kind = cells.weighted("stars", {"number": 95, "digits": 4, "word": 1}, number)
    stars_text = F.when(kind == "digits", F.col("stars").cast("string")).otherwise(words)
    usual, odd = _json_line(run, F.col("stars")), _json_line(run, stars_text)
    rows = rows.withColumn("line", F.when(kind == "number", usual).otherwise(odd))

    line = F.col("line")
    kept = F.floor(F.length(line) * (F.lit(0.3) + cells.uniform("cut", number) * F.lit(0.6))).cast("int")
    noise = F.lit("<html><body>502 Bad Gateway</body></html>")
    accident = cells.weighted("accident", {"none": 96.6, "cut": 2.0, "noise": 0.6, "empty": 0.8}, number)
    cut = F.substr(line, F.lit(1), kept)
    value = (
        F.when(accident == "none", line)
        .when(accident == "cut", cut)
        .when(accident == "noise", noise)
        .otherwise(F.lit(""))
    )
    copies = F.when(cells.chance("sent_twice", 0.015, number), F.array(F.lit(1), F.lit(2))).otherwise(F.array(F.lit(1)))
    return rows.withColumn("value", value).withColumn("copy", F.explode(copies))


def _json_line(run: Generation, stars: Column) -> Column:
    """One review as JSON; what is null is left out."""
    cells = run.cells("reviews_raw")
    number = F.col("number")
    name = run.cells("users").pick("name", vocabulary.first_names(), F.col("user"))
    votes = F.struct(
        "useful", _votes(cells, "funny", 7.0, 12).alias("funny"), _votes(cells, "cool", 7.0, 12).alias("cool")
    )
    device = F.struct(
        cells.weighted("os", {"android": 55, "ios": 45}, number).alias("os"),
        cells.weighted("version", {"4.1": 50, "4.2": 30, "5.0": 20}, number).alias("version"),
    )
    return F.to_json(
        F.struct(
            "review_id",
            "business_id",
            F.struct("user_id", name.alias("name")).alias("user"),
            stars.alias("stars"),
            cells.unless("votes", 0.04, votes, number).alias("votes"),
            "text",
            _created_text(cells.chance("created.iso", 0.05, number)).alias("created"),
            cells.unless("tags", 0.3, cells.subset("tags", TAGS, 3, number), number).alias("tags"),
            F.when(cells.chance("device", 0.03, number), device).alias("device"),
        )
    )


def _created_text(iso: Column) -> Column:
    """The time in UTC as text: 2024-05-06T12:30:00Z where `iso`, else 2024-05-06 12:30:00, whatever the session."""
    second = F.col("second")
    parts = (F.floor(second / F.lit(3600)), F.pmod(F.floor(second / F.lit(60)), F.lit(60)), F.pmod(second, F.lit(60)))
    clock = F.concat_ws(":", *(F.lpad(part.cast("string"), 2, "0") for part in parts))
    day = seasons.date_of(F.col("day")).cast("string")
    return F.when(iso, F.concat(day, F.lit("T"), clock, F.lit("Z"))).otherwise(F.concat_ws(" ", day, clock))


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {
    "businesses": businesses,
    "users": users,
    "reviews": reviews,
    "reviews_raw": reviews_raw,
}
