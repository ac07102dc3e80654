"""What analysts keep about customers, products and orders of the shop, and tables with planted taste and rules."""

from datasets.table import Column, Defect, Table

CUSTOMER_FEATURES = Table(
    name="customer_features",
    family="retail",
    description="One row for each of `customers`, counted from their orders, and their habits, which follow a segment.",
    key=("customer_id",),
    base="customers",
    columns=(
        Column("customer_id", "BIGINT", "The customer"),
        Column(
            "age",
            "INT",
            "Age in whole years on 2025-12-31; null where the day of birth is not known",
            "years",
            nulls=0.03,
        ),
        Column("orders", "BIGINT", "Orders that were not cancelled"),
        Column("lifetime_value", "DECIMAL(12,2)", "Value of the lines of those orders, discounts taken off", "EUR"),
        Column("last_order_date", "DATE", "Day of the last of those orders; null: none", nulls=0.34),
        Column("activity_score", "DOUBLE", "100 x (1 - 0.8^orders), two decimals", "0 to 100"),
        Column(
            "preferred_category",
            "STRING",
            "Leaf category with the highest value; null: no order of a known product",
            nulls=0.34,
        ),
        Column("churn", "INT", "1: no such order in the last 180 days of 2025, or none at all; else 0"),
        Column("visits_per_month", "DOUBLE", "Visits of the shop's pages in a usual month"),
        Column("basket_value", "DOUBLE", "Value of a usual basket", "EUR"),
        Column("discount_share", "DOUBLE", "Share of what is bought at a discount", "share"),
        Column("evening_share", "DOUBLE", "Share of the visits after 18:00", "share"),
        Column("segment", "STRING", "What the four habits before were drawn by: bargain, occasional, premium, regular"),
    ),
    defects=(
        Defect(
            "customers with churn",
            "SELECT count(*) FROM customer_features WHERE churn = 1",
            "SELECT count(*) FROM customer_features",
        ),
        Defect(
            "customers of the segment 'premium'",
            "SELECT count(*) FROM customer_features WHERE segment = 'premium'",
            "SELECT count(*) FROM customer_features",
            0.15,
        ),
    ),
)

PRODUCT_FEATURES = Table(
    name="product_features",
    family="retail",
    description="One row for each of `products`, counted from the order lines.",
    key=("product_id",),
    base="products",
    columns=(
        Column("product_id", "BIGINT", "The product"),
        Column("pieces_sold", "BIGINT", "Pieces in all order lines", "pieces"),
        Column(
            "popularity_score", "DOUBLE", "100 x ln(1 + pieces_sold) / ln(1 + that of the best-selling)", "0 to 100"
        ),
        Column(
            "profit_margin", "DOUBLE", "(price - cost) / price; null where the cost is not known", "share", nulls=0.05
        ),
        Column("stock", "INT", "Pieces on hand", "pieces"),
        Column("reorder_level", "INT", "Pieces at which more must be ordered", "pieces"),
        Column(
            "inventory_turnover",
            "DOUBLE",
            "Pieces sold in a year / stock; null where nothing is in stock",
            "per year",
            nulls=0.04,
        ),
        Column(
            "recommendation_rank",
            "INT",
            "Rank within the category by pieces sold, ties by product_id; 1 is shown first",
        ),
    ),
    defects=(
        Defect(
            "nothing in stock",
            "SELECT count(*) FROM product_features WHERE stock = 0",
            "SELECT count(*) FROM product_features",
            0.04,
        ),
        Defect(
            "stock below the reorder level",
            "SELECT count(*) FROM product_features WHERE stock < reorder_level",
            "SELECT count(*) FROM product_features",
        ),
    ),
)

ORDER_FEATURES = Table(
    name="order_features",
    family="retail",
    description="One row for each of `orders` that has lines: how it was handled, whether it was fraud, how it was liked.",
    key=("order_id",),
    base="orders",
    columns=(
        Column("order_id", "BIGINT", "The order"),
        Column("amount", "DECIMAL(12,2)", "Value of the lines, discounts taken off", "EUR"),
        Column("pieces", "BIGINT", "Pieces in all lines", "pieces"),
        Column("order_hour", "INT", "Hour of the day, UTC", "h"),
        Column(
            "account_age_days",
            "INT",
            "Days from signing up to the order; null: guests and unknown customers",
            "days",
            nulls=0.05,
        ),
        Column(
            "processing_time",
            "DOUBLE",
            "From the order to the packed parcel; longer with more pieces and before Christmas",
            "s",
        ),
        Column(
            "late_days",
            "INT",
            "Days between the promised day and the arrival of the last parcel, at least 0; null: not delivered",
            "days",
            nulls=0.352,
        ),
        Column(
            "is_fraud", "INT", "1: the order was fraud. Likelier at night, with high amounts, new accounts and guests"
        ),
        Column("fraud_score", "DOUBLE", "What an older model said, four decimals", "0 to 1"),
        Column(
            "customer_satisfaction",
            "INT",
            "Stars from 1 to 5, fewer for each late day; null: not answered",
            "stars",
            nulls=0.433,
        ),
        Column("revenue_impact", "DECIMAL(12,2)", "amount; 0 if cancelled; -5.90, the handling, if returned", "EUR"),
    ),
    defects=(
        Defect(
            "orders that were fraud",
            "SELECT count(*) FROM order_features WHERE is_fraud = 1",
            "SELECT count(*) FROM order_features",
        ),
        Defect(
            "orders that arrived late",
            "SELECT count(*) FROM order_features WHERE late_days > 0",
            "SELECT count(late_days) FROM order_features",
        ),
    ),
)

RATINGS = Table(
    name="ratings",
    family="retail",
    description="Stars that customers gave products. Taste has three dimensions, so that a factorisation of rank 3 finds it.",
    key=("customer_id", "product_id"),
    base="raters",
    columns=(
        Column("customer_id", "BIGINT", "Who rated; the first twentieth of the customers, or more where there are few"),
        Column("product_id", "BIGINT", "What was rated; at most the first 1,999 products"),
        Column("rating", "DOUBLE", "0.5 to 5 in steps of 0.5", "stars"),
        Column("rated_ts", "TIMESTAMP", "When", "UTC"),
    ),
    defects=(
        Defect("the best rating, 5.0", "SELECT count(*) FROM ratings WHERE rating = 5", "SELECT count(*) FROM ratings"),
    ),
)

BASKETS = Table(
    name="baskets",
    family="retail",
    description="What was in the baskets of the food counters. Five rules are planted; see `datasets.generators.features.RULES`.",
    key=("basket_id",),
    columns=(
        Column("basket_id", "BIGINT", "Identifier, from 1 without gaps"),
        Column("store_id", "INT", "The store"),
        Column("bought_ts", "TIMESTAMP", "When", "UTC"),
        Column("items", "ARRAY<STRING>", "What was bought, each once, in alphabetical order"),
    ),
    defects=(
        Defect(
            "baskets with tea and biscuits",
            "SELECT count(*) FROM baskets WHERE array_contains(items, 'tea') AND array_contains(items, 'biscuits')",
            "SELECT count(*) FROM baskets WHERE array_contains(items, 'tea')",
            0.575,
        ),
    ),
)

FEATURES = (CUSTOMER_FEATURES, PRODUCT_FEATURES, ORDER_FEATURES, RATINGS, BASKETS)
