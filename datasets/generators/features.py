"""What follows from customers, products and orders: counted columns, habits, fraud, satisfaction, taste and baskets.

Signals are planted so that models have something true to find; `tests/datasets/test_signals.py` finds them.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from datasets.generators import fulfilment, retail, seasons, vocabulary
from datasets.generators.cells import Cells, element, texts
from datasets.generators.generation import Generation

CHURN_DAYS = 180
HANDLING = 5.90
"""What an order costs that comes back, in EUR."""

SEGMENTS = {"regular": 0.35, "bargain": 0.30, "occasional": 0.20, "premium": 0.15}
HABITS = {
    "visits_per_month": {
        "regular": (9.0, 1.5),
        "bargain": (15.0, 2.0),
        "occasional": (2.5, 0.8),
        "premium": (6.0, 1.2),
    },
    "basket_value": {
        "regular": (48.0, 9.0),
        "bargain": (24.0, 6.0),
        "occasional": (40.0, 9.0),
        "premium": (140.0, 25.0),
    },
    "discount_share": {
        "regular": (0.18, 0.05),
        "bargain": (0.6, 0.08),
        "occasional": (0.3, 0.07),
        "premium": (0.06, 0.03),
    },
    "evening_share": {
        "regular": (0.35, 0.08),
        "bargain": (0.6, 0.08),
        "occasional": (0.5, 0.1),
        "premium": (0.25, 0.07),
    },
}
"""Mean and standard deviation of each habit by segment."""

RULES: tuple[tuple[frozenset[str], str, float], ...] = (
    (frozenset({"pasta"}), "tomato sauce", 0.70),
    (frozenset({"bread", "butter"}), "jam", 0.60),
    (frozenset({"nappies"}), "wet wipes", 0.65),
    (frozenset({"tortillas"}), "salsa", 0.60),
    (frozenset({"tea"}), "biscuits", 0.50),
)
"""Planted rules of the baskets: whoever takes all on the left also takes the right with this probability, on top of its own."""

_SHELF = {
    "apples": 0.16, "bananas": 0.18, "biscuits": 0.15, "bread": 0.30, "butter": 0.20, "carrots": 0.12, "cheese": 0.17,
    "coffee": 0.14, "eggs": 0.15, "jam": 0.05, "milk": 0.26, "nappies": 0.05, "onions": 0.12, "pasta": 0.12, "rice": 0.09,
    "salsa": 0.04, "tea": 0.12, "tomato sauce": 0.05, "tortillas": 0.06, "wet wipes": 0.03, "yoghurt": 0.14,
}  # fmt: skip
"""How often each item is taken for its own sake."""

_LARGEST_RATED = 1_999
"""A prime: a stride through so many products meets each once."""


def customer_features(run: Generation) -> DataFrame:
    """One row per customer. Customers join their orders as rows of nothing, so that nothing is broadcast."""
    lines = retail.with_buyer(run, retail.with_order_time(run, retail.order_items(run)))
    lines = lines.where((retail.order_status(run) != "cancelled") & (F.col("customer_id") <= run.sizes["customers"]))
    leaf = F.when(F.col("product_id") < retail.UNKNOWN_PRODUCT, retail.product_leaf(run, F.col("product_id")))
    bought = lines.select(
        "customer_id",
        leaf.alias("leaf"),
        retail.line_value(F.col("quantity")).cast("decimal(12,2)").alias("value"),
        (F.col("line") == 1).cast("int").alias("orders"),
        F.col("day").cast("int").alias("day"),
    )
    nothing = run.rows("customers", "customer_id").selectExpr(
        "customer_id",
        "CAST(NULL AS BIGINT) leaf",
        "CAST(0 AS DECIMAL(12,2)) value",
        "0 orders",
        "CAST(NULL AS INT) day",
    )
    totals = (
        F.sum("value").cast("decimal(12,2)").alias("value"),
        F.sum("orders").alias("orders"),
        F.max("day").alias("day"),
    )
    by_leaf = bought.unionByName(nothing).groupBy("customer_id", "leaf").agg(*totals)
    best = F.max(F.when(F.col("leaf").isNotNull(), F.struct("value", (-F.col("leaf")).alias("reverse"))))
    rows = by_leaf.groupBy("customer_id").agg(*totals, best.alias("best"))
    return rows.withColumns(_habits(run.cells("customer_features"))).select(
        "customer_id",
        F.floor(
            F.months_between(F.lit(seasons.LAST_DAY), retail.birth_date(run, F.col("customer_id"))) / F.lit(12)
        ).alias("age"),
        "orders",
        F.col("value").alias("lifetime_value"),
        seasons.date_of(F.col("day")).alias("last_order_date"),
        F.round((F.lit(1.0) - F.pow(F.lit(0.8), F.col("orders"))) * F.lit(100), 2).alias("activity_score"),
        element(texts(_leaf_names()), -F.col("best.reverse")).alias("preferred_category"),
        F.when(F.col("day") >= F.lit(seasons.DAYS - CHURN_DAYS), F.lit(0)).otherwise(F.lit(1)).alias("churn"),
        *HABITS,
        "segment",
    )


def _leaf_names() -> tuple[str, ...]:
    return tuple(name for _, _, name in vocabulary.categories()[vocabulary.first_leaf_id() - 1 :])


def _habits(cells: Cells) -> dict[str, Column]:
    """A segment, and habits around its means, never below a little."""
    customer = F.col("customer_id")
    segment = cells.weighted("segment", SEGMENTS, customer)
    habits = {"segment": segment}
    for name, by_segment in HABITS.items():
        mean, deviation = F.lit(0.0), F.lit(1.0)
        for kind, (middle, width) in by_segment.items():
            mean = F.when(segment == kind, F.lit(middle)).otherwise(mean)
            deviation = F.when(segment == kind, F.lit(width)).otherwise(deviation)
        habits[name] = F.greatest(F.round(mean + deviation * cells.normal(name, customer), 2), F.lit(0.01))
    return habits


def product_features(run: Generation) -> DataFrame:
    """One row per product."""
    cells = run.cells("product_features")
    product = F.col("product_id")
    sold = retail.order_items(run).where(product < retail.UNKNOWN_PRODUCT).select("product_id", "quantity")
    nothing = run.rows("products", "product_id").withColumn("quantity", F.lit(0))
    rows = sold.unionByName(nothing).groupBy("product_id").agg(F.sum("quantity").alias("pieces_sold"))
    most = rows.agg(F.max("pieces_sold").alias("most"))
    rows = retail.with_list_price(run, rows.crossJoin(most), "product_id")
    rows = rows.withColumn("stock", cells.unless("stock", 0.04, cells.integer("stock", 1, 400, product), product))
    rows = rows.withColumn("stock", F.coalesce(F.col("stock"), F.lit(0)))
    margin = (F.col("list_price") - retail.product_cost(run, product)).cast("double") / F.col("list_price").cast(
        "double"
    )
    shelf = Window.partitionBy(retail.product_leaf(run, product)).orderBy(F.col("pieces_sold").desc(), product)
    popularity = F.log1p("pieces_sold") / F.log1p(F.greatest(F.col("most"), F.lit(1)))
    return rows.select(
        "product_id",
        "pieces_sold",
        F.round(popularity * F.lit(100), 2).alias("popularity_score"),
        F.round(margin, 4).alias("profit_margin"),
        "stock",
        cells.integer("reorder_level", 5, 40, product).alias("reorder_level"),
        F.round(F.when(F.col("stock") > 0, F.col("pieces_sold") / F.lit(2) / F.col("stock")), 3).alias(
            "inventory_turnover"
        ),
        F.row_number().over(shelf).alias("recommendation_rank"),
    )


def order_features(run: Generation) -> DataFrame:
    """One row per order with lines."""
    value = retail.line_value(F.col("quantity"))
    totals = (F.sum(value).cast("decimal(12,2)").alias("amount"), F.sum("quantity").alias("pieces"))
    rows = retail.order_items(run).groupBy("order_id").agg(*totals)
    rows = retail.with_buyer(run, retail.with_order_time(run, rows))
    signed_up = retail.signup_day(run, F.col("customer_id"))
    known = F.col("customer_id") <= run.sizes["customers"]
    rows = rows.withColumns(
        {
            "order_hour": F.floor(F.pmod(F.col("ordered_at"), F.lit(86_400)) / F.lit(3600)).cast("int"),
            "account_age_days": F.when(known, F.col("day") - signed_up).cast("int"),
            "processing_time": (fulfilment.packing_seconds(run) + F.col("pieces") * F.lit(90)).cast("double"),
            "late_days": fulfilment.late_days(run),
            "status": retail.order_status(run),
        }
    )
    rows = rows.withColumn("odds", _fraud_odds()).withColumns(_fraud(run.cells("order_features")))
    returned = F.when(F.col("status") == "returned", F.lit(-HANDLING).cast("decimal(12,2)")).otherwise(F.col("amount"))
    impact = F.when(F.col("status") == "cancelled", F.lit(0).cast("decimal(12,2)")).otherwise(returned)
    rows = rows.withColumn("customer_satisfaction", _satisfaction(run.cells("order_features")))
    return rows.withColumn("revenue_impact", impact)


def _fraud_odds() -> Column:
    """The logarithm of the odds that an order is fraud."""
    age = F.col("account_age_days")
    return (
        F.lit(-6.0)
        + _step(F.col("amount") > 250, 2.2)
        + _step(F.col("order_hour") < 6, 2.0)
        + _step(age.isNull(), 1.6)
        + _step(age < 30, 1.2)
        + _step(F.col("pieces") >= 12, 1.6)
        + _step((F.col("order_hour") < 6) & (F.col("amount") > 150), 1.5)
    )


def _step(condition: Column, height: float) -> Column:
    return F.when(condition, F.lit(height)).otherwise(F.lit(0.0))


def _sigmoid(odds: Column) -> Column:
    return F.lit(1.0) / (F.lit(1.0) + F.exp(-odds))


def _fraud(cells: Cells) -> dict[str, Column]:
    order = F.col("order_id")
    older = F.lit(0.8) * F.col("odds") + cells.normal("fraud_score", order) * F.lit(0.8)
    return {
        "is_fraud": (cells.uniform("fraud", order) < _sigmoid(F.col("odds"))).cast("int"),
        "fraud_score": F.round(_sigmoid(older), 4),
    }


def _satisfaction(cells: Cells) -> Column:
    """Four and a half stars, 0.8 less for each late day up to four, half a star less for what was sent back; noise."""
    order = F.col("order_id")
    late = F.least(F.coalesce(F.col("late_days"), F.lit(0)), F.lit(4))
    back = _step(F.col("status") == "returned", 0.5)
    felt = F.lit(4.5) - F.lit(0.8) * late - back + cells.normal("satisfaction", order) * F.lit(0.6)
    stars = F.least(F.greatest(F.round(felt), F.lit(1.0)), F.lit(5.0)).cast("int")
    asked = F.col("status").isin("completed", "returned") & ~cells.chance("satisfaction.silent", 0.3, order)
    return F.when(asked, stars)


def ratings(run: Generation) -> DataFrame:
    """Five to thirty-five ratings of each rater: two tastes of three dimensions, two leanings, noise."""
    cells = run.cells("ratings")
    customer, product = F.col("customer_id"), F.col("product_id")
    count = _largest_prime(min(run.sizes["products"], _LARGEST_RATED))
    lengths = cells.integer("length", 5, 35, customer).cast("int")
    rows = run.rows("raters", "customer_id").withColumn(
        "position", F.explode(F.sequence(F.lit(1), F.least(lengths, F.lit(count))))
    )
    start, stride = (cells.integer(name, 1, max(1, count - 1), customer) for name in ("start", "stride"))
    rows = rows.withColumn("product_id", F.pmod(start + stride * F.col("position"), F.lit(count)) + F.lit(1))
    liking = F.lit(0.0)
    for dimension in range(3):
        taste = cells.normal(f"taste.{dimension}", customer)
        liking = liking + taste * cells.normal(f"character.{dimension}", product) * F.lit(0.55)
    leaning = cells.normal("mildness", customer) * F.lit(0.3) + cells.normal("quality", product) * F.lit(0.3)
    felt = F.lit(3.2) + liking + leaning + cells.normal("noise", customer, product) * F.lit(0.3)
    rating = F.least(F.greatest(F.round(felt * F.lit(2)) / F.lit(2), F.lit(0.5)), F.lit(5.0))
    day = seasons.day_at(cells.uniform("day", customer, product), seasons.shop_weight)
    second = seasons.second_of_day(cells.uniform("second", customer, product), seasons.SHOPPING_HOURS)
    return rows.select(
        "customer_id",
        "product_id",
        rating.alias("rating"),
        seasons.timestamp_of(seasons.epoch_second(day, second)).alias("rated_ts"),
    )


def _largest_prime(most: int) -> int:
    """The largest prime up to a number, or the number where there is none."""
    for number in range(most, 1, -1):
        if all(number % divisor for divisor in range(2, int(number**0.5) + 1)):
            return number
    return most


def baskets(run: Generation) -> DataFrame:
    """One row per basket: items of their own, and what the rules add to them."""
    cells = run.cells("baskets")
    basket = F.col("basket_id")
    taken = {item: cells.chance(f"item.{item}", rate, basket) for item, rate in _SHELF.items()}
    for number, (left, right, confidence) in enumerate(RULES):
        triggered = cells.chance(f"rule.{number}", confidence, basket)
        for item in sorted(left):
            triggered = triggered & taken[item]
        taken[right] = taken[right] | triggered
    items = F.array_compact(F.array(*(F.when(is_taken, F.lit(item)) for item, is_taken in sorted(taken.items()))))
    share = (basket - F.lit(1) + cells.uniform("day", basket)) / F.lit(run.sizes["baskets"])
    day = seasons.day_at(share, seasons.shop_weight)
    second = seasons.second_of_day(cells.uniform("second", basket), seasons.SHOPPING_HOURS)
    return run.rows("baskets", "basket_id").select(
        "basket_id",
        run.cells("stores").active(cells.integer("store", 1, run.sizes["stores"], basket), 10).alias("store_id"),
        seasons.timestamp_of(seasons.epoch_second(day, second)).alias("bought_ts"),
        F.when(F.size(items) > 0, items).otherwise(F.array(F.lit("bread"))).alias("items"),
    )


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {
    "customer_features": customer_features,
    "product_features": product_features,
    "order_features": order_features,
    "ratings": ratings,
    "baskets": baskets,
}
