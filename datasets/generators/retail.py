"""A shop with stores, a web site and an app: customers, products, orders and what follows from them.

Attributes that several tables need (a product's price, an order's time) are functions of the identifier, so that no table has
to read another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators import seasons, vocabulary
from datasets.generators.cells import element, money, texts
from datasets.generators.generation import Generation
from datasets.generators.vocabulary import COUNTRIES, NAMES_PER_COUNTRY

UNKNOWN_CUSTOMER = 9_000_000_000
UNKNOWN_PRODUCT = 8_000_000_000
"""References to rows that do not exist start here."""


@dataclass(frozen=True)
class Customer:
    """Attributes of the customer with an identifier. `persona` is the identifier that name and country are drawn by."""

    run: Generation
    id: Column

    @property
    def persona(self) -> Column:
        """A few customers share name and country with the one before."""
        return self.run.cells("customers").source("persona", 0.04, self.id)

    @property
    def country_index(self) -> Column:
        """Index into `COUNTRIES`, as INT."""
        weights = {str(index): float(country.weight) for index, country in enumerate(COUNTRIES)}
        return self.run.cells("customers").weighted("country", weights, self.persona).cast("int")

    def of_country(self, values: tuple[str, ...]) -> Column:
        """The value of this customer's country, from one value per country."""
        return element(texts(values), self.country_index)

    def _name_index(self, part: str) -> Column:
        drawn = self.run.cells("customers").integer(part, 0, NAMES_PER_COUNTRY - 1, self.persona)
        return self.country_index * F.lit(NAMES_PER_COUNTRY) + drawn

    def name(self, separator: str = " ") -> Column:
        """First and last name."""
        first = element(texts(vocabulary.first_names()), self._name_index("first_name"))
        last = element(texts(vocabulary.last_names()), self._name_index("last_name"))
        return F.concat(first, F.lit(separator), last)

    def email(self) -> Column:
        """first.last at a reserved domain; some carry a number, and half of those who share a name share the address."""
        cells = self.run.cells("customers")
        owner = F.when(cells.chance("email.shared", 0.5, self.id), self.persona).otherwise(self.id)
        first = element(texts(vocabulary.mail_words(vocabulary.first_names())), self._name_index("first_name"))
        last = element(texts(vocabulary.mail_words(vocabulary.last_names())), self._name_index("last_name"))
        number = F.when(cells.chance("email.number", 0.7, owner), cells.integer("email.digits", 1, 99, owner).cast("string"))
        domains = {"example.org": 50.0, "example.com": 40.0, "example.net": 10.0}
        domain = cells.weighted("email.domain", domains, owner)
        address = F.concat(first, F.lit("."), last, F.coalesce(number, F.lit("")), F.lit("@"), domain)
        return cells.unless("email", 0.05, address, self.id)

    def phone_digits(self) -> Column:
        """Seven digits after the invented area code 555."""
        return self.run.cells("customers").integer("phone", 1_000_000, 9_999_999, self.id).cast("string")

    def phone(self) -> Column:
        """Calling code, invented area code 555, seven digits."""
        code = self.of_country(tuple(country.calling_code for country in COUNTRIES))
        number = F.concat(F.lit("+"), code, F.lit(" 555 "), self.phone_digits())
        return self.run.cells("customers").unless("phone", 0.08, number, self.id)

    def birth_date(self) -> Column:
        """1941 to 2006."""
        day = self.run.cells("customers").integer("birth_date", -10_500, 13_500, self.id)
        return self.run.cells("customers").unless("birth_date", 0.03, F.date_from_unix_date(day.cast("int")), self.id)

    def country(self) -> Column:
        """English name of the country."""
        name = self.of_country(tuple(country.name for country in COUNTRIES))
        return self.run.cells("customers").unless("country", 0.02, name, self.id)

    def city(self) -> Column:
        """A large city of the country, in its own spelling."""
        cells = self.run.cells("customers")
        cities = tuple(city for country in COUNTRIES for city in country.cities)
        each = len(COUNTRIES[0].cities)
        index = self.country_index * F.lit(each) + F.floor(F.pow(cells.uniform("city", self.id), F.lit(1.6)) * F.lit(each))
        return cells.unless("city", 0.03, element(texts(cities), index), self.id)

    def income(self) -> Column:
        """Yearly income, lognormal, rounded to 100, so that equal incomes occur; some are zero."""
        cells = self.run.cells("customers")
        drawn = F.round(F.exp(cells.normal("income", self.id) * F.lit(0.45) + F.lit(10.45)) / F.lit(100)) * F.lit(100.0)
        amount = F.when(cells.chance("income.zero", 0.02, self.id), F.lit(0.0)).otherwise(drawn)
        return cells.unless("income", 0.06, amount, self.id)

    def signup_day(self) -> Column:
        """Day number of the sign-up; it never falls as the identifier grows."""
        return signup_day(self.run, self.id)

    def marketing_consent(self) -> Column:
        """Whether marketing is allowed; null where never asked."""
        cells = self.run.cells("customers")
        return cells.unless("marketing_consent", 0.1, cells.chance("marketing_consent", 0.55, self.id), self.id)

    def interests(self) -> Column:
        """Comma separated list of one to four interests, an empty text, or null."""
        cells = self.run.cells("customers")
        chosen = F.array_join(cells.subset("interests", vocabulary.INTERESTS, 4, self.id), ",")
        listed = F.when(cells.chance("interests.empty", 0.04, self.id), F.lit("")).otherwise(chosen)
        return cells.unless("interests", 0.08, listed, self.id)


def signup_day(run: Generation, customer: Column) -> Column:
    """Day number on which a customer signed up."""
    drawn = run.cells("customers").uniform("signup_date", customer)
    share = (customer - F.lit(1) + drawn) / F.lit(run.sizes["customers"])
    return seasons.day_at(share, seasons.signup_weight)


def customers(run: Generation) -> DataFrame:
    """One row per customer."""
    rows = run.rows("customers", "customer_id")
    customer = Customer(run, F.col("customer_id"))
    return rows.select(
        "customer_id",
        customer.name().alias("name"),
        customer.email().alias("email"),
        customer.phone().alias("phone"),
        customer.birth_date().alias("birth_date"),
        customer.country().alias("country"),
        customer.city().alias("city"),
        customer.income().alias("income"),
        seasons.date_of(customer.signup_day()).alias("signup_date"),
        customer.marketing_consent().alias("marketing_consent"),
        customer.interests().alias("interests"),
    )


def raw_customers(run: Generation) -> DataFrame:
    """The customers as a careless export: everything text, several formats, some rows twice."""
    cells = run.cells("raw_customers")
    copies = (
        F.when(cells.chance("duplicate", 0.06, F.col("id")), F.array(F.lit(0), F.lit(1)))
        .otherwise(F.array(F.lit(0)))
    )  # fmt: skip
    rows = run.rows("customers", "id").withColumn("copy", F.explode(copies))
    # Half of the second copies are identical to the first, the others were exported with different dirt.
    again = F.when(cells.chance("duplicate.differs", 0.5, F.col("id")), F.col("copy")).otherwise(F.lit(0))
    dirt = (F.col("id"), again)
    customer = Customer(run, F.col("id"))
    return rows.select(
        F.col("id").cast("string").alias("customer_id"),
        _untidy_name(run, customer, dirt).alias("name"),
        _untidy_email(run, customer, dirt).alias("email"),
        _untidy_phone(run, customer, dirt).alias("phone"),
        _untidy_birth_date(run, customer, dirt).alias("birth_date"),
        _untidy_country(run, customer, dirt).alias("country"),
        _padded(run, "city", customer.city(), dirt).alias("city"),
        _untidy_income(run, customer, dirt).alias("income"),
        _two_formats(run, "signup_date", seasons.date_of(customer.signup_day()), dirt).alias("signup_date"),
        _untidy_consent(run, customer, dirt).alias("marketing_consent"),
        F.regexp_replace(customer.interests(), ",", F.lit(" ; ")).alias("interests"),
    )


def _padded(run: Generation, name: str, text: Column, dirt: tuple[Column, ...]) -> Column:
    """Blanks around one value in five."""
    cells = run.cells("raw_customers")
    padding = cells.weighted(f"{name}.padding", {"none": 80, "left": 8, "right": 8, "both": 4}, *dirt)
    return (
        F.when(padding == "none", text)
        .when(padding == "left", F.concat(F.lit("  "), text))
        .when(padding == "right", F.concat(text, F.lit(" ")))
        .otherwise(F.concat(F.lit(" "), text, F.lit("   ")))
    )


def _untidy_name(run: Generation, customer: Customer, dirt: tuple[Column, ...]) -> Column:
    name = customer.name()
    style = run.cells("raw_customers").weighted("name", {"plain": 72, "upper": 10, "lower": 10, "double": 8}, *dirt)
    written = (
        F.when(style == "plain", name)
        .when(style == "upper", F.upper(name))
        .when(style == "lower", F.lower(name))
        .otherwise(customer.name("  "))
    )
    return _padded(run, "name", written, dirt)


def _untidy_email(run: Generation, customer: Customer, dirt: tuple[Column, ...]) -> Column:
    email = customer.email()
    style = run.cells("raw_customers").weighted("email", {"plain": 84, "upper": 10, "broken": 3, "dash": 3}, *dirt)
    broken = F.regexp_replace(email, "@", F.lit(" at "))
    return F.when(style == "plain", email).when(style == "upper", F.upper(email)).when(style == "broken", broken).otherwise("-")


def _untidy_phone(run: Generation, customer: Customer, dirt: tuple[Column, ...]) -> Column:
    phone = customer.phone()
    digits = customer.phone_digits()
    grouped = F.concat(F.lit("(555) "), digits.substr(1, 3), F.lit("-"), digits.substr(4, 4))
    style = run.cells("raw_customers").weighted("phone", {"plain": 50, "zeros": 20, "dots": 15, "local": 15}, *dirt)
    written = (
        F.when(style == "plain", phone)
        .when(style == "zeros", F.regexp_replace(F.regexp_replace(phone, r"\+", F.lit("00")), " ", F.lit("")))
        .when(style == "dots", F.regexp_replace(phone, " ", F.lit(".")))
        .otherwise(grouped)
    )
    return F.when(phone.isNotNull(), written)


def _two_formats(run: Generation, name: str, day: Column, dirt: tuple[Column, ...]) -> Column:
    """2024-03-31 for two dates in three, 31/03/2024 for the others."""
    slashed = run.cells("raw_customers").chance(f"{name}.slashed", 1 / 3, *dirt)
    return F.when(slashed, F.date_format(day, "dd/MM/yyyy")).otherwise(day.cast("string"))


def _untidy_birth_date(run: Generation, customer: Customer, dirt: tuple[Column, ...]) -> Column:
    written = _two_formats(run, "birth_date", customer.birth_date(), dirt)
    style = run.cells("raw_customers").weighted("birth_date", {"valid": 95, "impossible": 3, "unknown": 2}, *dirt)
    return F.when(style == "valid", written).when(style == "impossible", F.lit("31/02/1990")).otherwise(F.lit("unknown"))


def _untidy_country(run: Generation, customer: Customer, dirt: tuple[Column, ...]) -> Column:
    country = customer.country()
    alias = customer.of_country(tuple(country.alias for country in COUNTRIES))
    style = run.cells("raw_customers").weighted("country", {"plain": 60, "upper": 15, "lower": 15, "alias": 10}, *dirt)
    written = (
        F.when(style == "plain", country)
        .when(style == "upper", F.upper(country))
        .when(style == "lower", F.lower(country))
        .otherwise(alias)
    )
    return _padded(run, "country", F.when(country.isNotNull(), written), dirt)


def _untidy_income(run: Generation, customer: Customer, dirt: tuple[Column, ...]) -> Column:
    cells = run.cells("raw_customers")
    cents = cells.integer("income.cents", 0, 99, customer.id) / F.lit(100)
    income = F.when(customer.income() == 0, F.lit(0.0)).otherwise(customer.income() + cents)
    plain = income.cast("decimal(12,2)").cast("string")
    style = cells.weighted("income", {"plain": 58, "comma": 28, "currency": 6, "n/a": 5, "empty": 3}, *dirt)
    return (
        F.when(style == "plain", plain)
        .when(style == "comma", F.format_number(income, 2))
        .when(style == "currency", F.concat(plain, F.lit(" EUR")))
        .when(style == "n/a", F.lit("n/a"))
        .otherwise(F.lit(""))
    )


def _untidy_consent(run: Generation, customer: Customer, dirt: tuple[Column, ...]) -> Column:
    cells = run.cells("raw_customers")
    consent = customer.marketing_consent()
    yes = cells.weighted("consent.yes", {"yes": 40, "Y": 25, "true": 20, "1": 15}, *dirt)
    no = cells.weighted("consent.no", {"no": 40, "N": 25, "false": 20, "0": 15}, *dirt)
    return F.when(consent, yes).when(~consent, no).otherwise(cells.weighted("consent.null", {"": 50, "unknown": 50}, *dirt))


def categories(run: Generation) -> DataFrame:
    """The category tree."""
    return run.spark.createDataFrame(vocabulary.categories(), "category_id int, parent_id int, name string")


def product_leaf(run: Generation, product: Column) -> Column:
    """Which leaf category a product belongs to, from 0; the last two leaves have no product."""
    return run.cells("products").integer("category", 0, len(vocabulary.leaf_nouns()) - 3, product)


def list_price(run: Generation, product: Column) -> Column:
    """Lognormal price on a ladder of shop prices (4.99, 24.99, 139.99), DECIMAL(10,2), so that many prices are equal."""
    drawn = F.exp(run.cells("products").normal("price", product) * F.lit(0.9) + F.lit(3.2))
    step = F.when(drawn < 20, F.lit(1.0)).when(drawn < 100, F.lit(5.0)).otherwise(F.lit(10.0))
    return money(F.greatest(F.ceil(drawn / step), F.lit(1)) * step - F.lit(0.01))


def products(run: Generation) -> DataFrame:
    """One row per product."""
    rows = run.rows("products", "product_id")
    product = F.col("product_id")
    cells = run.cells("products")
    leaf = product_leaf(run, product)
    price = list_price(run, product)
    name = F.concat_ws(
        " ", cells.pick("adjective", vocabulary.PRODUCT_ADJECTIVES, product), element(texts(vocabulary.leaf_nouns()), leaf)
    )
    share = F.when(cells.chance("cost.loss", 0.04, product), F.lit(1.1)).otherwise(
        F.lit(0.35) + cells.uniform("cost", product) * F.lit(0.4)
    )
    cost = F.when(cells.chance("cost.zero", 0.03, product), F.lit(0.0)).otherwise(price.cast("double") * share)
    size = F.struct(
        cells.integer("length", 5, 90, product).cast("int").alias("length_cm"),
        cells.integer("width", 5, 60, product).cast("int").alias("width_cm"),
        cells.integer("height", 1, 60, product).cast("int").alias("height_cm"),
    )
    attributes = F.struct(
        cells.pick("brand", vocabulary.companies(), product).alias("brand"),
        cells.unless("colour", 0.1, cells.pick("colour", vocabulary.COLOURS, product), product).alias("colour"),
        (cells.integer("weight", 1, 160, product) * F.lit(25)).cast("int").alias("weight_g"),
        size.alias("size"),
    )
    tags = F.when(cells.chance("tags.empty", 0.08, product), F.array().cast("array<string>")).otherwise(
        cells.subset("tags", vocabulary.TAGS, 3, product)
    )
    return rows.select(
        "product_id",
        name.alias("name"),
        (leaf + F.lit(vocabulary.first_leaf_id())).alias("category_id"),
        price.alias("price"),
        cells.unless("cost", 0.05, money(cost), product).alias("cost"),
        attributes.alias("attributes"),
        cells.unless("tags", 0.05, tags, product).alias("tags"),
    )


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


@dataclass(frozen=True)
class Order:
    """Attributes of the order with an identifier."""

    run: Generation
    id: Column

    @property
    def source(self) -> Column:
        """The order that customer and time are drawn by: a few orders were sent twice, under two identifiers."""
        return self.run.cells("orders").source("sent_twice", 0.02, self.id)

    @property
    def day(self) -> Column:
        """Day number. Orders come in roughly the order of their identifiers, a few positions off."""
        count = self.run.sizes["orders"]
        jitter = self.run.cells("orders").uniform("day", self.source) * F.lit(6.0)
        share = (self.source - F.lit(1) + jitter) / F.lit(count + 6)
        return seasons.day_at(share, seasons.shop_weight)

    def seconds(self) -> Column:
        """Time of the order, in seconds since 1970."""
        second = seasons.second_of_day(self.run.cells("orders").uniform("second", self.source), seasons.SHOPPING_HOURS)
        return seasons.epoch_second(self.day, second)

    def customer_id(self) -> Column:
        """A customer who has signed up by then: Zipf over all, uniform where the favourite came later."""
        cells = self.run.cells("orders")
        count = self.run.sizes["customers"]
        favourite = cells.zipf("customer", count, 0.8, self.source)
        known = seasons.happened_by(self.day, seasons.signup_weight, count)
        another = F.floor(cells.uniform("customer.another", self.source) * known) + F.lit(1)
        drawn = F.when(signup_day(self.run, favourite) <= self.day, favourite).otherwise(another)
        active = self.run.cells("customers").active(drawn, 8)
        unknown = cells.chance("customer.unknown", 0.01, self.source)
        referred = F.when(unknown, active + F.lit(UNKNOWN_CUSTOMER)).otherwise(active)
        return cells.unless("customer", 0.04, referred, self.source)

    def channel(self) -> Column:
        """Where the order was placed."""
        return self.run.cells("orders").weighted("channel", {"web": 55, "app": 25, "store": 20}, self.id)

    def store_id(self) -> Column:
        """The store of a store order; one store in each block of ten sells nothing."""
        store = self.run.cells("orders").integer("store", 1, self.run.sizes["stores"], self.id)
        return F.when(self.channel() == "store", self.run.cells("stores").active(store, 10))

    def status(self) -> Column:
        """How far the order got."""
        weights = {"completed": 76, "shipped": 9, "cancelled": 8, "returned": 5, "pending": 2}
        return self.run.cells("orders").weighted("status", {name: float(weight) for name, weight in weights.items()}, self.id)


def orders(run: Generation) -> DataFrame:
    """One row per order."""
    rows = run.rows("orders", "order_id")
    order = Order(run, F.col("order_id"))
    cells = run.cells("orders")
    codes = {"WELCOME10": 40.0, "SUMMER15": 25.0, "VIP20": 15.0, "FREESHIP": 20.0}
    return rows.select(
        "order_id",
        order.customer_id().alias("customer_id"),
        order.store_id().alias("store_id"),
        seasons.timestamp_of(order.seconds()).alias("order_ts"),
        order.status().alias("status"),
        order.channel().alias("channel"),
        cells.unless("discount_code", 0.75, cells.weighted("discount_code", codes, order.id), order.id).alias("discount_code"),
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

    popular = run.cells("products").active(cells.zipf("product", run.sizes["products"], 0.9, *key), 10)
    price = list_price(run, popular)
    old_price = money(price.cast("double") * F.lit(0.9))
    discounts = {"0.0": 56.0, "0.05": 14.0, "0.1": 16.0, "0.15": 8.0, "0.2": 4.0, "0.5": 2.0}
    quantities = {"1": 62.0, "2": 22.0, "3": 9.0, "4": 4.0, "6": 2.0, "12": 1.0}
    unknown = cells.chance("product.unknown", 0.005, *key)
    return rows.select(
        "order_id",
        "line",
        F.when(unknown, popular + F.lit(UNKNOWN_PRODUCT)).otherwise(popular).alias("product_id"),
        cells.weighted("quantity", quantities, *key).cast("int").alias("quantity"),
        F.when(cells.chance("price.old", 0.05, *key), old_price).otherwise(price).alias("unit_price"),
        cells.unless("discount", 0.2, cells.weighted("discount", discounts, *key).cast("double"), *key).alias("discount"),
    )


def payments(run: Generation) -> DataFrame:
    """What was paid for orders that were not cancelled: usually once the sum of the lines, sometimes in two parts."""
    kept = F.lit(1).cast("decimal(3,2)") - F.coalesce(F.col("discount"), F.lit(0.0)).cast("decimal(3,2)")
    due = F.round(F.col("quantity") * F.col("unit_price") * kept, 2)
    totals = order_items(run).groupBy("order_id").agg(F.sum(due).cast("decimal(10,2)").alias("total"))

    order = Order(run, F.col("order_id"))
    cells = run.cells("payments")
    paid = (order.status() != "cancelled") & ~cells.chance("unpaid", 0.03, order.id)
    in_two = cells.chance("in_two", 0.06, order.id) & (F.col("total") > 1)
    parts = F.when(in_two, F.array(F.lit(1), F.lit(2))).otherwise(F.array(F.lit(1)))
    rows = totals.where(paid).select("*", in_two.alias("in_two"), F.explode(parts).alias("part"))

    deposit = money(F.col("total").cast("double") * F.lit(0.4))
    amount = F.when(~F.col("in_two"), F.col("total")).when(F.col("part") == 1, deposit).otherwise(F.col("total") - deposit)
    wrong = cells.chance("amount.wrong", 0.01, order.id) & (F.col("part") == 1)
    hurry = F.pow(cells.uniform("delay", order.id, F.col("part")), F.lit(6.0))
    delay = F.lit(20) + F.floor(hurry * F.lit(4 * 86_400)) + (F.col("part") - F.lit(1)) * F.lit(14 * 86_400)
    methods = {"card": 52.0, "wallet": 24.0, "bank_transfer": 16.0, "voucher": 5.0, "cash": 3.0}
    method = cells.weighted("method", methods, order.id, F.col("part"))
    return rows.select(
        (order.id * F.lit(10) + F.col("part")).alias("payment_id"),
        "order_id",
        cells.unless("method", 0.01, method, order.id, F.col("part")).alias("method"),
        F.when(wrong, amount + F.lit(1)).otherwise(amount).alias("amount"),
        seasons.timestamp_of(order.seconds() + delay).alias("paid_ts"),
    )


def web_events(run: Generation) -> DataFrame:
    """Clicks, made session by session; a few are delivered twice."""
    cells = run.cells("web_events")
    session = F.col("session")
    share = (session - F.lit(1) + cells.uniform("day", session)) / F.lit(run.sizes["sessions"])
    day = seasons.day_at(share, seasons.shop_weight)
    second = seasons.second_of_day(cells.uniform("second", session), seasons.SHOPPING_HOURS)
    lengths = {"1": 14.0, "2": 15.0, "3": 14.0, "4": 13.0, "5": 11.0, "6": 9.0, "7": 7.0, "8": 6.0, "10": 5.0, "14": 4.0, "18": 2.0}
    rows = run.rows("sessions", "session").select(
        "session",
        seasons.epoch_second(day, second).alias("started"),
        day.alias("day"),
        cells.weighted("length", lengths, session).cast("int").alias("length"),
    )
    rows = rows.withColumn("position", F.explode(F.sequence(F.lit(1), F.col("length"))))
    key = (session, F.col("position"))
    copies = F.when(cells.chance("delivered_twice", 0.012, *key), F.array(F.lit(1), F.lit(2))).otherwise(F.array(F.lit(1)))
    rows = rows.withColumn("copy", F.explode(copies))

    customer = cells.zipf("customer", run.sizes["customers"], 0.7, session)
    signed_up = signup_day(run, customer) <= F.col("day")
    event_type = _event_type(run)
    return rows.select(
        cells.code("event", *key).alias("event_id"),
        cells.unless("customer", 0.35, F.when(signed_up, customer), session).alias("customer_id"),
        _event_time(run).alias("event_ts"),
        event_type.alias("event_type"),
        _page(run, event_type).alias("page"),
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
    later = cells.weighted("type", {"page_view": 28, "product_view": 42, "search": 10, "add_to_cart": 16, "remove_from_cart": 4}, *key)
    buys = (F.col("position") == F.col("length")) & (F.col("length") >= 4) & cells.chance("buys", 0.35, F.col("session"))
    return F.when(buys, F.lit("purchase")).when(F.col("position") == 1, first).otherwise(later)


def _page(run: Generation, event_type: Column) -> Column:
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
    sites = {"https://search.example.com/": 45.0, "https://social.example.net/": 20.0, "https://news.example.org/": 10.0}
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
