"""A shop with stores, a web site and an app: customers, products, orders and what follows from them.

Attributes that several tables need (a product's price, an order's time) are functions of the identifier, so that no
table has to read another.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators import seasons, vocabulary
from datasets.generators.cells import Cells, element, money, texts
from datasets.generators.generation import Generation
from datasets.generators.vocabulary import COUNTRIES, NAMES_PER_COUNTRY

UNKNOWN_CUSTOMER = 9_000_000_000
UNKNOWN_PRODUCT = 8_000_000_000
"""References to rows that do not exist start here."""


def customers(run: Generation) -> DataFrame:
    """One row per customer."""
    cells = run.cells("customers")
    customer = F.col("customer_id")
    weights = {str(index): float(country.weight) for index, country in enumerate(COUNTRIES)}
    # A few customers share name and country with the one before: those cells are drawn by the persona.
    rows = run.rows("customers", "customer_id").withColumn("persona", cells.source("persona", 0.04, customer))
    rows = rows.withColumn("country_index", cells.weighted("country", weights, F.col("persona")).cast("int"))
    rows = rows.withColumns({f"{part}_index": _name_index(run, part) for part in ("first", "last")})
    first = element(texts(vocabulary.first_names()), F.col("first_index"))
    last = element(texts(vocabulary.last_names()), F.col("last_index"))
    country = element(texts([country.name for country in COUNTRIES]), F.col("country_index"))
    consent = cells.chance("marketing_consent", 0.55, customer)
    return rows.select(
        "customer_id",
        F.concat_ws(" ", first, last).alias("name"),
        _email(run).alias("email"),
        _phone(run).alias("phone"),
        birth_date(run, customer).alias("birth_date"),
        cells.unless("country", 0.02, country, customer).alias("country"),
        _city(run).alias("city"),
        _income(run).alias("income"),
        seasons.date_of(signup_day(run, customer)).alias("signup_date"),
        cells.unless("marketing_consent", 0.1, consent, customer).alias("marketing_consent"),
        _interests(run).alias("interests"),
    )


def birth_date(run: Generation, customer: Column) -> Column:
    """Day of birth of a customer, null where it was not told."""
    cells = run.cells("customers")
    born = F.date_from_unix_date(cells.integer("birth_date", -10_500, 13_500, customer).cast("int"))
    return cells.unless("birth_date", 0.03, born, customer)


def signup_day(run: Generation, customer: Column) -> Column:
    """Day number on which a customer signed up; it never falls as the identifier grows."""
    drawn = run.cells("customers").uniform("signup_date", customer)
    share = (customer - F.lit(1) + drawn) / F.lit(run.sizes["customers"])
    return seasons.day_at(share, seasons.signup_weight)


def _name_index(run: Generation, part: str) -> Column:
    """Index of the first or last name among those of the customer's country."""
    drawn = run.cells("customers").integer(part, 0, NAMES_PER_COUNTRY - 1, F.col("persona"))
    return F.col("country_index") * F.lit(NAMES_PER_COUNTRY) + drawn


def _email(run: Generation) -> Column:
    """first.last at a reserved domain; most carry a number, and half of those who share a name share the address."""
    cells = run.cells("customers")
    customer = F.col("customer_id")
    owner = F.when(cells.chance("email.shared", 0.5, customer), F.col("persona")).otherwise(customer)
    first = element(texts(vocabulary.mail_words(vocabulary.first_names())), F.col("first_index"))
    last = element(texts(vocabulary.mail_words(vocabulary.last_names())), F.col("last_index"))
    number = F.when(
        cells.chance("email.number", 0.7, owner), cells.integer("email.digits", 1, 99, owner).cast("string")
    )
    domain = cells.weighted("email.domain", {"example.org": 50.0, "example.com": 40.0, "example.net": 10.0}, owner)
    address = F.concat(first, F.lit("."), last, F.coalesce(number, F.lit("")), F.lit("@"), domain)
    return cells.unless("email", 0.05, address, customer)


def _phone(run: Generation) -> Column:
    """Calling code, invented area code 555, seven digits."""
    cells = run.cells("customers")
    customer = F.col("customer_id")
    code = element(texts([country.calling_code for country in COUNTRIES]), F.col("country_index"))
    digits = cells.integer("phone", 1_000_000, 9_999_999, customer).cast("string")
    return cells.unless("phone", 0.08, F.concat(F.lit("+"), code, F.lit(" 555 "), digits), customer)


def _city(run: Generation) -> Column:
    """A city of the country, the first ones more often."""
    cells = run.cells("customers")
    customer = F.col("customer_id")
    cities = [city for country in COUNTRIES for city in country.cities]
    each = len(COUNTRIES[0].cities)
    index = F.col("country_index") * F.lit(each) + F.floor(
        F.pow(cells.uniform("city", customer), F.lit(1.6)) * F.lit(each)
    )
    return cells.unless("city", 0.03, element(texts(cities), index), customer)


def _income(run: Generation) -> Column:
    """Yearly income, lognormal, rounded to 100, so that equal incomes occur; some are zero."""
    cells = run.cells("customers")
    customer = F.col("customer_id")
    drawn = F.round(F.exp(cells.normal("income", customer) * F.lit(0.45) + F.lit(10.45)) / F.lit(100)) * F.lit(100.0)
    amount = F.when(cells.chance("income.zero", 0.02, customer), F.lit(0.0)).otherwise(drawn)
    return cells.unless("income", 0.06, amount, customer)


def _interests(run: Generation) -> Column:
    """Comma separated list of one to four interests, an empty text, or null."""
    cells = run.cells("customers")
    customer = F.col("customer_id")
    chosen = F.array_join(cells.subset("interests", vocabulary.INTERESTS, 4, customer), ",")
    listed = F.when(cells.chance("interests.empty", 0.04, customer), F.lit("")).otherwise(chosen)
    return cells.unless("interests", 0.08, listed, customer)


def raw_customers(run: Generation) -> DataFrame:
    """The customers as a careless export: everything text, several formats, some rows twice."""
    cells = run.cells("raw_customers")
    customer = F.col("customer_id")
    copies = F.when(cells.chance("duplicate", 0.06, customer), F.array(F.lit(0), F.lit(1))).otherwise(F.array(F.lit(0)))
    rows = customers(run).withColumn("copy", F.explode(copies))
    # Half of the second copies are identical to the first, the others were exported with different dirt.
    differs = cells.chance("duplicate.differs", 0.5, customer)
    rows = rows.withColumn("dirt", F.when(differs, F.col("copy")).otherwise(F.lit(0)))
    styled = rows.select(
        "dirt",
        customer.cast("string").alias("customer_id"),
        _untidy_name(cells).alias("name"),
        _untidy_email(cells).alias("email"),
        _untidy_phone(cells).alias("phone"),
        _untidy_birth_date(cells).alias("birth_date"),
        _untidy_country(cells).alias("country"),
        "city",
        _untidy_income(cells).alias("income"),
        _two_formats(cells, "signup_date").alias("signup_date"),
        _untidy_consent(cells).alias("marketing_consent"),
        F.regexp_replace("interests", ",", " ; ").alias("interests"),
    )
    return styled.withColumns({name: _padded(cells, name) for name in ("name", "country", "city")})


def _dirt() -> tuple[Column, Column]:
    """What the dirt of a row of raw_customers is drawn by."""
    return F.col("customer_id"), F.col("dirt")


def _padded(cells: Cells, name: str) -> Column:
    """Blanks around one value in five."""
    padding = cells.weighted(f"{name}.padding", {"none": 80, "left": 8, "right": 8, "both": 4}, *_dirt())
    text = F.col(name)
    left, right, both = (
        F.concat(F.lit(before), text, F.lit(after)) for before, after in (("  ", ""), ("", " "), (" ", "   "))
    )
    return F.when(padding == "none", text).when(padding == "left", left).when(padding == "right", right).otherwise(both)


def _untidy_name(cells: Cells) -> Column:
    name = F.col("name")
    style = cells.weighted("name", {"plain": 72, "upper": 10, "lower": 10, "double": 8}, *_dirt())
    double = F.regexp_replace(name, " ", "  ")
    return (
        F.when(style == "plain", name)
        .when(style == "upper", F.upper(name))
        .when(style == "lower", F.lower(name))
        .otherwise(double)
    )


def _untidy_email(cells: Cells) -> Column:
    email = F.col("email")
    style = cells.weighted("email", {"plain": 84, "upper": 10, "broken": 3, "dash": 3}, *_dirt())
    broken = F.regexp_replace(email, "@", " at ")
    return (
        F.when(style == "plain", email)
        .when(style == "upper", F.upper(email))
        .when(style == "broken", broken)
        .otherwise("-")
    )


def _untidy_phone(cells: Cells) -> Column:
    phone = F.col("phone")
    style = cells.weighted("phone", {"plain": 50, "zeros": 20, "dots": 15, "local": 15}, *_dirt())
    return (
        F.when(style == "plain", phone)
        .when(style == "zeros", F.regexp_replace(F.regexp_replace(phone, r"\+", "00"), " ", ""))
        .when(style == "dots", F.regexp_replace(phone, " ", "."))
        .otherwise(F.regexp_replace(phone, r"^\+\d+ 555 (\d{3})(\d{4})$", "(555) $1-$2"))
    )


def _two_formats(cells: Cells, name: str) -> Column:
    """2024-03-31 for two dates in three, 31/03/2024 for the others."""
    written = F.col(name).cast("string")
    slashed = F.regexp_replace(written, r"^(\d+)-(\d+)-(\d+)$", "$3/$2/$1")
    return F.when(cells.chance(f"{name}.slashed", 1 / 3, *_dirt()), slashed).otherwise(written)


def _untidy_birth_date(cells: Cells) -> Column:
    style = cells.weighted("birth_date", {"valid": 95, "impossible": 3, "unknown": 2}, *_dirt())
    impossible = F.when(style == "impossible", F.lit("31/02/1990"))
    return F.when(style == "valid", _two_formats(cells, "birth_date")).otherwise(
        F.coalesce(impossible, F.lit("unknown"))
    )


def _untidy_country(cells: Cells) -> Column:
    country = F.col("country")
    style = cells.weighted("country", {"plain": 60, "upper": 15, "lower": 15, "alias": 10}, *_dirt())
    names, aliases = (texts([getattr(known, field) for known in COUNTRIES]) for field in ("name", "alias"))
    alias = F.get(aliases, F.array_position(names, country) - F.lit(1))
    return (
        F.when(style == "plain", country)
        .when(style == "upper", F.upper(country))
        .when(style == "lower", F.lower(country))
        .otherwise(alias)
    )


def _untidy_income(cells: Cells) -> Column:
    cents = cells.integer("income.cents", 0, 99, F.col("customer_id")) / F.lit(100)
    income = F.when(F.col("income") == 0, F.lit(0.0)).otherwise(F.col("income") + cents)
    plain = income.cast("decimal(12,2)").cast("string")
    style = cells.weighted("income", {"plain": 58, "comma": 28, "currency": 6, "n/a": 5, "empty": 3}, *_dirt())
    return (
        F.when(style == "plain", plain)
        .when(style == "comma", F.format_number(income, 2))
        .when(style == "currency", F.concat(plain, F.lit(" EUR")))
        .when(style == "n/a", F.lit("n/a"))
        .otherwise(F.lit(""))
    )


def _untidy_consent(cells: Cells) -> Column:
    consent = F.col("marketing_consent")
    yes = cells.weighted("consent.yes", {"yes": 40, "Y": 25, "true": 20, "1": 15}, *_dirt())
    no = cells.weighted("consent.no", {"no": 40, "N": 25, "false": 20, "0": 15}, *_dirt())
    return (
        F.when(consent, yes)
        .when(~consent, no)
        .otherwise(cells.weighted("consent.null", {"": 50, "unknown": 50}, *_dirt()))
    )


def categories(run: Generation) -> DataFrame:
    """The category tree."""
    return run.spark.createDataFrame(vocabulary.categories(), "category_id int, parent_id int, name string")


def with_list_price(run: Generation, rows: DataFrame, product: str) -> DataFrame:
    """Add list_price, DECIMAL(10,2), of the product in a column: lognormal, on a ladder (4.99, 24.99, 139.99)."""
    rows = rows.withColumn(
        "drawn_price", F.exp(run.cells("products").normal("price", F.col(product)) * F.lit(0.9) + F.lit(3.2))
    )
    drawn = F.col("drawn_price")
    step = F.when(drawn < 20, F.lit(1.0)).when(drawn < 100, F.lit(5.0)).otherwise(F.lit(10.0))
    price = F.greatest(F.ceil(drawn / step), F.lit(1)) * step - F.lit(0.01)
    return rows.withColumn("list_price", money(price)).drop("drawn_price")


def products(run: Generation) -> DataFrame:
    """One row per product."""
    rows = with_list_price(run, run.rows("products", "product_id"), "product_id")
    product = F.col("product_id")
    cells = run.cells("products")
    leaf = product_leaf(run, product)
    adjective = cells.pick("adjective", vocabulary.PRODUCT_ADJECTIVES, product)
    return rows.select(
        "product_id",
        F.concat_ws(" ", adjective, element(texts(vocabulary.leaf_nouns()), leaf)).alias("name"),
        (leaf + F.lit(vocabulary.first_leaf_id())).alias("category_id"),
        F.col("list_price").alias("price"),
        product_cost(run, product).alias("cost"),
        _product_attributes(cells, product).alias("attributes"),
        _product_tags(cells, product).alias("tags"),
    )


def product_leaf(run: Generation, product: Column) -> Column:
    """Index of the leaf category of a product; the last two leaf categories stay without products."""
    return run.cells("products").integer("category", 0, len(vocabulary.leaf_nouns()) - 3, product)


def product_cost(run: Generation, product: Column) -> Column:
    """35 to 75 % of `list_price` (see `with_list_price`); some products are sold at a loss, some cost nothing."""
    cells = run.cells("products")
    usual = F.lit(0.35) + cells.uniform("cost", product) * F.lit(0.4)
    kind = cells.weighted("cost.kind", {"usual": 93, "loss": 4, "nothing": 3}, product)
    share = F.when(kind == "usual", usual).when(kind == "loss", F.lit(1.1)).otherwise(F.lit(0.0))
    return cells.unless("cost", 0.05, money(F.col("list_price").cast("double") * share), product)


def _product_attributes(cells: Cells, product: Column) -> Column:
    size = F.struct(
        cells.integer("length", 5, 90, product).cast("int").alias("length_cm"),
        cells.integer("width", 5, 60, product).cast("int").alias("width_cm"),
        cells.integer("height", 1, 60, product).cast("int").alias("height_cm"),
    )
    return F.struct(
        cells.pick("brand", vocabulary.companies(), product).alias("brand"),
        cells.unless("colour", 0.1, cells.pick("colour", vocabulary.COLOURS, product), product).alias("colour"),
        (cells.integer("weight", 1, 160, product) * F.lit(25)).cast("int").alias("weight_g"),
        size.alias("size"),
    )


def _product_tags(cells: Cells, product: Column) -> Column:
    some = cells.subset("tags", vocabulary.TAGS, 3, product)
    tags = F.when(cells.chance("tags.empty", 0.08, product), F.array().cast("array<string>")).otherwise(some)
    return cells.unless("tags", 0.05, tags, product)


def stores(run: Generation) -> DataFrame:
    """One row per store."""
    rows = run.rows("stores", "store_id")
    store = F.col("store_id")
    cells = run.cells("stores")
    each = len(COUNTRIES[0].cities)
    weights = {str(index): float(country.weight) for index, country in enumerate(COUNTRIES)}
    country = cells.weighted("country", weights, store).cast("int")
    cities = tuple(city for country in COUNTRIES for city in country.cities)
    opened = F.date_from_unix_date(cells.integer("opened", 14_600, 19_600, store).cast("int"))
    return rows.select(
        "store_id",
        element(texts(cities), country * F.lit(each) + cells.integer("city", 0, each - 1, store)).alias("city"),
        element(texts(tuple(c.name for c in COUNTRIES)), country).alias("country"),
        opened.alias("opened"),
    )


def with_order_time(run: Generation, rows: DataFrame) -> DataFrame:
    """Add to rows with an order_id: source, day (number) and ordered_at (seconds since 1970).

    `source` is the order that customer, time and channel are drawn by: a few orders were sent twice, under two
    identifiers. Orders come in roughly the order of their identifiers, a few positions off.
    """
    cells = run.cells("orders")
    source = F.col("source")
    share = (source - F.lit(1) + cells.uniform("day", source) * F.lit(6.0)) / F.lit(run.sizes["orders"] + 6)
    second = seasons.second_of_day(cells.uniform("second", source), seasons.SHOPPING_HOURS)
    rows = rows.withColumn("source", cells.source("sent_twice", 0.02, F.col("order_id")))
    rows = rows.withColumn("day", seasons.day_at(share, seasons.shop_weight))
    return rows.withColumn("ordered_at", seasons.epoch_second(F.col("day"), second))


def with_buyer(run: Generation, rows: DataFrame) -> DataFrame:
    """Add customer_id: one who has signed up by then, Zipf over all, uniform where the favourite came later."""
    cells = run.cells("orders")
    count = run.sizes["customers"]
    source = F.col("source")
    known = seasons.happened_by(F.col("day"), seasons.signup_weight, count)
    another = F.floor(cells.uniform("customer.another", source) * known) + F.lit(1)
    rows = rows.withColumn("favourite", cells.zipf("customer", count, 0.8, source))
    early = signup_day(run, F.col("favourite")) <= F.col("day")
    rows = rows.withColumn("drawn", F.when(early, F.col("favourite")).otherwise(another))
    rows = rows.withColumn("buyer", run.cells("customers").active(F.col("drawn"), 8))
    unknown = cells.chance("customer.unknown", 0.01, source)
    referred = F.when(unknown, F.col("buyer") + F.lit(UNKNOWN_CUSTOMER)).otherwise(F.col("buyer"))
    return rows.withColumn("customer_id", cells.unless("customer", 0.04, referred, source))


def order_status(run: Generation) -> Column:
    """How far the order in order_id got."""
    weights = {"completed": 76.0, "shipped": 9.0, "cancelled": 8.0, "returned": 5.0, "pending": 2.0}
    return run.cells("orders").weighted("status", weights, F.col("order_id"))


def order_channel(run: Generation) -> Column:
    """Where the order that `source` names (see `with_order_time`) was placed."""
    return run.cells("orders").weighted("channel", {"web": 55, "app": 25, "store": 20}, F.col("source"))


def orders(run: Generation) -> DataFrame:
    """One row per order."""
    cells = run.cells("orders")
    order, source = F.col("order_id"), F.col("source")
    rows = with_buyer(run, with_order_time(run, run.rows("orders", "order_id")))
    rows = rows.withColumn("channel", order_channel(run))
    rows = rows.withColumn("store", cells.integer("store", 1, run.sizes["stores"], source))
    # One store in each block of ten sells nothing.
    store = F.when(F.col("channel") == "store", run.cells("stores").active(F.col("store"), 10))
    codes = cells.weighted("discount_code", {"WELCOME10": 40, "SUMMER15": 25, "VIP20": 15, "FREESHIP": 20}, order)
    return rows.select(
        "order_id",
        "customer_id",
        store.alias("store_id"),
        seasons.timestamp_of(F.col("ordered_at")).alias("order_ts"),
        order_status(run).alias("status"),
        "channel",
        cells.unless("discount_code", 0.75, codes, order).alias("discount_code"),
    )


def order_items(run: Generation) -> DataFrame:
    """One row per line of an order; a few orders have no line."""
    cells = run.cells("order_items")
    lengths = {"0": 1.0, "1": 30.0, "2": 25.0, "3": 20.0, "4": 12.0, "5": 8.0, "6": 4.0}
    length = cells.weighted("lines", lengths, F.col("order_id")).cast("int")
    lines = F.filter(F.array(*(F.lit(number) for number in range(1, 7))), lambda line: line <= F.col("length"))
    rows = run.rows("orders", "order_id").withColumn("length", length)
    rows = rows.select("order_id", F.explode(lines).alias("line"))
    key = (F.col("order_id"), F.col("line"))

    rows = rows.withColumn("favourite", cells.zipf("product", run.sizes["products"], 0.9, *key))
    rows = rows.withColumn("product", run.cells("products").active(F.col("favourite"), 10))
    rows = with_list_price(run, rows, "product")
    old_price = money(F.col("list_price").cast("double") * F.lit(0.9))
    unknown = cells.chance("product.unknown", 0.005, *key)
    discounts = {"0.0": 56.0, "0.05": 14.0, "0.1": 16.0, "0.15": 8.0, "0.2": 4.0, "0.5": 2.0}
    quantities = {"1": 62.0, "2": 22.0, "3": 9.0, "4": 4.0, "6": 2.0, "12": 1.0}
    return rows.select(
        "order_id",
        "line",
        F.when(unknown, F.col("product") + F.lit(UNKNOWN_PRODUCT)).otherwise(F.col("product")).alias("product_id"),
        cells.weighted("quantity", quantities, *key).cast("int").alias("quantity"),
        F.when(cells.chance("price.old", 0.05, *key), old_price).otherwise(F.col("list_price")).alias("unit_price"),
        cells.unless("discount", 0.2, cells.weighted("discount", discounts, *key).cast("double"), *key).alias(
            "discount"
        ),
    )


def line_value(quantity: Column) -> Column:
    """What a number of pieces of an order line costs, its discount taken off, rounded to cents."""
    kept = F.lit(1).cast("decimal(3,2)") - F.coalesce(F.col("discount"), F.lit(0.0)).cast("decimal(3,2)")
    return F.round(quantity * F.col("unit_price") * kept, 2)


def payments(run: Generation) -> DataFrame:
    """What was paid for orders that were not cancelled: usually once the sum of the lines, sometimes in two parts."""
    totals = (
        order_items(run)
        .groupBy("order_id")
        .agg(F.sum(line_value(F.col("quantity"))).cast("decimal(10,2)").alias("total"))
    )

    cells = run.cells("payments")
    order, part = F.col("order_id"), F.col("part")
    paid = (order_status(run) != "cancelled") & ~cells.chance("unpaid", 0.03, order)
    in_two = cells.chance("in_two", 0.06, order) & (F.col("total") > 1)
    parts = F.when(F.col("in_two"), F.array(F.lit(1), F.lit(2))).otherwise(F.array(F.lit(1)))
    rows = totals.where(paid).withColumn("in_two", in_two).withColumn("part", F.explode(parts))

    deposit = money(F.col("total").cast("double") * F.lit(0.4))
    rest = F.col("total") - deposit
    amount = F.when(~F.col("in_two"), F.col("total")).when(part == 1, deposit).otherwise(rest)
    wrong = cells.chance("amount.wrong", 0.01, order) & (part == 1)
    quick = F.pow(cells.uniform("delay", order, part), F.lit(6.0))
    delay = F.lit(20) + F.floor(quick * F.lit(4 * 86_400)) + (part - F.lit(1)) * F.lit(14 * 86_400)
    method = cells.weighted(
        "method", {"card": 52, "wallet": 24, "bank_transfer": 16, "voucher": 5, "cash": 3}, order, part
    )
    return with_order_time(run, rows).select(
        (order * F.lit(10) + part).alias("payment_id"),
        "order_id",
        cells.unless("method", 0.01, method, order, part).alias("method"),
        F.when(wrong, amount + F.lit(1)).otherwise(amount).alias("amount"),
        seasons.timestamp_of(F.col("ordered_at") + delay).alias("paid_ts"),
    )


def web_events(run: Generation) -> DataFrame:
    """Clicks, made session by session; a few are delivered twice."""
    cells = run.cells("web_events")
    session = F.col("session")
    share = (session - F.lit(1) + cells.uniform("day", session)) / F.lit(run.sizes["sessions"])
    day = seasons.day_at(share, seasons.shop_weight)
    second = seasons.second_of_day(cells.uniform("second", session), seasons.SHOPPING_HOURS)
    lengths = {
        "1": 14.0,
        "2": 15.0,
        "3": 14.0,
        "4": 13.0,
        "5": 11.0,
        "6": 9.0,
        "7": 7.0,
        "8": 6.0,
        "10": 5.0,
        "14": 4.0,
        "18": 2.0,
    }
    rows = run.rows("sessions", "session").withColumn("day", day)
    rows = rows.withColumn("started", seasons.epoch_second(F.col("day"), second))
    rows = rows.withColumn("length", cells.weighted("length", lengths, session).cast("int"))
    rows = rows.withColumn("visitor", cells.zipf("customer", run.sizes["customers"], 0.7, session))
    member = F.when(signup_day(run, F.col("visitor")) <= F.col("day"), F.col("visitor"))
    rows = rows.withColumn("customer_id", cells.unless("customer", 0.35, member, session))
    rows = rows.withColumn("position", F.explode(F.sequence(F.lit(1), F.col("length"))))
    key = (session, F.col("position"))
    copies = F.when(cells.chance("delivered_twice", 0.012, *key), F.array(F.lit(1), F.lit(2))).otherwise(
        F.array(F.lit(1))
    )
    rows = rows.withColumn("copy", F.explode(copies)).withColumn("event_type", _event_type(run))
    return rows.select(
        cells.code("event", *key).alias("event_id"),
        "customer_id",
        _event_time(run).alias("event_ts"),
        "event_type",
        _page(run).alias("page"),
        _referrer(run).alias("referrer"),
    )


def _event_time(run: Generation) -> Column:
    """Clicks follow one another by about 45 seconds; some share their millisecond with the one before."""
    cells = run.cells("web_events")
    session = F.col("session")
    same = cells.chance("same_moment", 0.03, session, F.col("position")) & (F.col("position") > 1)
    position = F.when(same, F.col("position") - F.lit(1)).otherwise(F.col("position"))
    milliseconds = position * F.lit(45_000) + cells.integer("gap", 0, 40_000, session, position)
    latest = F.lit(seasons.LAST_SECOND * 1000)
    return F.timestamp_millis(F.least(F.col("started") * F.lit(1000) + milliseconds, latest))


def _event_type(run: Generation) -> Column:
    cells = run.cells("web_events")
    key = (F.col("session"), F.col("position"))
    first = cells.weighted("type", {"page_view": 60, "product_view": 30, "search": 10}, *key)
    later = cells.weighted(
        "type", {"page_view": 28, "product_view": 42, "search": 10, "add_to_cart": 16, "remove_from_cart": 4}, *key
    )
    buys = (
        (F.col("position") == F.col("length")) & (F.col("length") >= 4) & cells.chance("buys", 0.35, F.col("session"))
    )
    return F.when(buys, F.lit("purchase")).when(F.col("position") == 1, first).otherwise(later)


def _page(run: Generation) -> Column:
    event_type = F.col("event_type")
    cells = run.cells("web_events")
    key = (F.col("session"), F.col("position"))
    product = cells.zipf("product", run.sizes["products"], 0.9, *key)
    category = cells.integer("category", 1, len(vocabulary.categories()), *key)
    words = cells.pick("words", tuple(noun.lower().replace(" ", "+") for noun in vocabulary.leaf_nouns()), *key)
    browsed = F.when(cells.chance("home", 0.4, *key), F.lit("/")).otherwise(
        F.concat(F.lit("/categories/"), category.cast("string"))
    )
    return (
        F.when(event_type == "page_view", browsed)
        .when(event_type == "search", F.concat(F.lit("/search?q="), words))
        .when(event_type == "purchase", F.lit("/checkout"))
        .otherwise(F.concat(F.lit("/products/"), product.cast("string")))
    )


def _referrer(run: Generation) -> Column:
    cells = run.cells("web_events")
    sites = {
        "https://search.example.com/": 45.0,
        "https://social.example.net/": 20.0,
        "https://news.example.org/": 10.0,
    }
    came = cells.chance("came_by_link", 0.7, F.col("session")) & (F.col("position") == 1)
    return F.when(came, cells.weighted("referrer", sites, F.col("session")))


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {
    "customers": customers,
    "raw_customers": raw_customers,
    "categories": categories,
    "products": products,
    "stores": stores,
    "orders": orders,
    "order_items": order_items,
    "payments": payments,
    "web_events": web_events,
}
