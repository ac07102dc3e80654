"""What happens to orders after they were placed: parcels and what comes back."""

from datasets.table import Column, Defect, Table

_ALL_SHIPMENTS = "SELECT count(*) FROM shipments"
_ALL_RETURNS = "SELECT count(*) FROM returns"

SHIPMENTS = Table(
    name="shipments",
    family="retail",
    description="Parcels of the orders from web and app that were sent. December is slow, and one carrier is slower.",
    key=("shipment_id",),
    base="orders",
    columns=(
        Column("shipment_id", "BIGINT", "Identifier: ten times the order's, plus 1 or 2"),
        Column("order_id", "BIGINT", "The order"),
        Column("carrier", "STRING", "Blue Van, Fastline, Parcel Post (the slow one)", nulls=0.02),
        Column("warehouse", "STRING", "Where it was packed: North, South, West"),
        Column("shipped_ts", "TIMESTAMP", "When it left", "UTC"),
        Column("promised_date", "DATE", "The day that the customer was told: three days after the order"),
        Column("delivered_ts", "TIMESTAMP", "When it arrived; null: on its way (orders 'shipped')", "UTC", nulls=0.1),
        Column("weight_kg", "DOUBLE", "Weight, two decimals", "kg"),
        Column("freight", "DECIMAL(10,2)", "What the carrier asked for", "EUR"),
    ),
    defects=(
        Defect(
            "orders sent in two parcels",
            "SELECT count(*) FROM (SELECT order_id FROM shipments GROUP BY order_id HAVING count(*) = 2)",
            "SELECT count(DISTINCT order_id) FROM shipments",
            0.07,
        ),
        Defect(
            "parcels that arrived after the promised day",
            "SELECT count(*) FROM shipments WHERE to_date(delivered_ts) > promised_date",
            "SELECT count(delivered_ts) FROM shipments",
        ),
        Defect(
            "arrived before it left",
            "SELECT count(*) FROM shipments WHERE delivered_ts < shipped_ts",
            _ALL_SHIPMENTS,
            0.005,
        ),
        Defect("weight of 0", "SELECT count(*) FROM shipments WHERE weight_kg = 0", _ALL_SHIPMENTS, 0.01),
    ),
)

RETURNS = Table(
    name="returns",
    family="retail",
    description="Lines of returned orders that came back, with the reason and the refund.",
    key=("return_id",),
    base="orders",
    columns=(
        Column("return_id", "BIGINT", "Identifier: ten times the order's, plus the number of the line"),
        Column("order_id", "BIGINT", "An order with status 'returned', but for planted ones"),
        Column("line", "INT", "The line of the order"),
        Column("product_id", "BIGINT", "What came back, as in the line"),
        Column("quantity", "INT", "How many came back, at most as many as were bought", "pieces"),
        Column("reason", "STRING", "too late, damaged, wrong size, not as described, changed my mind", nulls=0.08),
        Column("returned_ts", "TIMESTAMP", "When it arrived at the shop", "UTC"),
        Column("refund", "DECIMAL(10,2)", "What was paid back: quantity x unit_price x (1 - discount)", "EUR"),
    ),
    defects=(
        Defect(
            "refund that is twice what it should be",
            "SELECT count(*) FROM returns r JOIN order_items i ON r.order_id = i.order_id AND r.line = i.line WHERE r.refund "
            "> round(r.quantity * i.unit_price * (1 - CAST(coalesce(i.discount, 0) AS DECIMAL(3,2))), 2)",
            _ALL_RETURNS,
            0.03,
        ),
        Defect(
            "order_id that is not in `orders`",
            "SELECT count(*) FROM returns LEFT ANTI JOIN orders USING (order_id)",
            _ALL_RETURNS,
            0.02,
        ),
    ),
)

FULFILMENT = (SHIPMENTS, RETURNS)
