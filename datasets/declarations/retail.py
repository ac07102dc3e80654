"""The shop: customers, products, orders and what follows from them."""

from datasets.table import Column, Defect, Table

_ALL_ORDERS = "SELECT count(*) FROM orders"
_ALL_ITEMS = "SELECT count(*) FROM order_items"
_ALL_RAW = "SELECT count(*) FROM raw_customers"

CUSTOMERS = Table(
    name="customers",
    family="retail",
    description="People who signed up. Identifiers follow the order of signing up.",
    key=("customer_id",),
    columns=(
        Column("customer_id", "BIGINT", "Identifier, from 1 without gaps"),
        Column("name", "STRING", "First and last name, in the spelling of the country"),
        Column("email", "STRING", "Address at example.org, example.com or example.net", nulls=0.05),
        Column("phone", "STRING", "Calling code, the invented area code 555, seven digits", nulls=0.08),
        Column("birth_date", "DATE", "Day of birth, 1941 to 2006", nulls=0.03),
        Column("country", "STRING", "Country in English, one of eight", nulls=0.02),
        Column("city", "STRING", "City in its own spelling", nulls=0.03),
        Column("income", "DOUBLE", "Yearly income, a multiple of 100", unit="EUR", nulls=0.06),
        Column("signup_date", "DATE", "Day of signing up"),
        Column("marketing_consent", "BOOLEAN", "Agreed to marketing; null: never asked", nulls=0.10),
        Column("interests", "STRING", "One to four interests, comma separated ('garden,books'), or ''", nulls=0.08),
    ),
    defects=(
        Defect(
            "share the name with another customer",
            "SELECT count(*) FROM customers WHERE name IN (SELECT name FROM customers GROUP BY name HAVING "
            "count(*) > 1)",
            "SELECT count(*) FROM customers",
        ),
        Defect(
            "share the e-mail address with another customer",
            "SELECT count(*) FROM customers WHERE email IN (SELECT email FROM customers GROUP BY email HAVING "
            "count(*) > 1)",
            "SELECT count(*) FROM customers",
        ),
        Defect(
            "income of 0",
            "SELECT count(*) FROM customers WHERE income = 0",
            "SELECT count(income) FROM customers",
            0.02,
        ),
        Defect(
            "empty text in interests",
            "SELECT count(*) FROM customers WHERE interests = ''",
            "SELECT count(interests) FROM customers",
            0.04,
        ),
        Defect(
            "customers without any order (at least one in each eight neighbours)",
            "SELECT count(*) FROM customers LEFT ANTI JOIN orders USING (customer_id)",
            "SELECT count(*) FROM customers",
        ),
    ),
)

RAW_CUSTOMERS = Table(
    name="raw_customers",
    family="retail",
    description="The customers as a careless export: every column text, several formats, some rows twice.",
    key=("customer_id",),
    base="customers",
    duplicates=0.06,
    columns=(
        Column("customer_id", "STRING", "Identifier of `customers`"),
        Column("name", "STRING", "Name: upper or lower case (20 %), two blanks inside (8 %), blanks around (20 %)"),
        Column("email", "STRING", "Address: upper case (10 %), ' at ' for '@' (3 %), '-' (3 %)", nulls=0.0485),
        Column(
            "phone", "STRING", "'+49 555 1234567', '00495551234567', '+49.555.1234567' or '(555) 123-4567'", nulls=0.08
        ),
        Column(
            "birth_date",
            "STRING",
            "yyyy-MM-dd, dd/MM/yyyy (one in three), 31/02/1990 (3 %), 'unknown' (2 %)",
            nulls=0.0285,
        ),
        Column(
            "country",
            "STRING",
            "Country: upper or lower case (30 %), an alias such as UK (10 %), blanks around (20 %)",
            nulls=0.02,
        ),
        Column("city", "STRING", "City, blanks around (20 %)", nulls=0.03),
        Column(
            "income",
            "STRING",
            "'1200.50', '1,200.50' (28 %), '1200.50 EUR' (6 %), 'n/a' (5 %), '' (3 %)",
            "EUR",
            nulls=0.055,
        ),
        Column("signup_date", "STRING", "yyyy-MM-dd or, one in three, dd/MM/yyyy"),
        Column("marketing_consent", "STRING", "yes, Y, true, 1, no, N, false, 0, unknown or ''"),
        Column("interests", "STRING", "Interests separated by ' ; ', or ''", nulls=0.08),
    ),
    defects=(
        Defect(
            "rows that repeat another row in every column",
            "SELECT (SELECT count(*) FROM raw_customers) - (SELECT count(*) FROM (SELECT DISTINCT * FROM "
            "raw_customers))",
            "SELECT count(*) FROM customers",
            0.03,
        ),
        Defect(
            "rows that repeat a customer_id with other dirt",
            "SELECT (SELECT count(*) FROM (SELECT DISTINCT * FROM raw_customers)) - (SELECT count(DISTINCT "
            "customer_id) "
            "FROM raw_customers)",
            "SELECT count(*) FROM customers",
            0.03,
        ),
        Defect("income 'n/a'", "SELECT count(*) FROM raw_customers WHERE income = 'n/a'", _ALL_RAW, 0.05),
        Defect("income ''", "SELECT count(*) FROM raw_customers WHERE income = ''", _ALL_RAW, 0.03),
        Defect(
            "income with a thousands separator", "SELECT count(*) FROM raw_customers WHERE income LIKE '%,%'", _ALL_RAW
        ),
        Defect("income with a currency", "SELECT count(*) FROM raw_customers WHERE income LIKE '% EUR'", _ALL_RAW),
        Defect(
            "birth dates that are no date (31/02/1990 or 'unknown')",
            "SELECT count(*) FROM raw_customers WHERE birth_date IN ('31/02/1990', 'unknown')",
            _ALL_RAW,
            0.05,
        ),
        Defect(
            "sign-up dates written dd/MM/yyyy",
            "SELECT count(*) FROM raw_customers WHERE signup_date LIKE '%/%'",
            _ALL_RAW,
            0.3333,
        ),
        Defect(
            "e-mail addresses without @",
            "SELECT count(*) FROM raw_customers WHERE email NOT LIKE '%@%'",
            "SELECT count(email) FROM raw_customers",
            0.06,
        ),
        Defect(
            "countries not in the spelling of `customers`",
            "SELECT count(*) FROM raw_customers WHERE country NOT IN (SELECT country FROM customers WHERE country "
            "IS NOT NULL)",
            "SELECT count(country) FROM raw_customers",
            0.52,
        ),
    ),
)

CATEGORIES = Table(
    name="categories",
    family="retail",
    description="Tree of product categories, three levels deep; products belong to leaves. The same for every seed.",
    key=("category_id",),
    seeded=False,
    columns=(
        Column("category_id", "INT", "Identifier"),
        Column("parent_id", "INT", "The category above; null for the four roots", nulls=4 / 42),
        Column("name", "STRING", "Name"),
    ),
    defects=(
        Defect(
            "leaf categories without products",
            "SELECT count(*) FROM categories c WHERE NOT EXISTS (SELECT 1 FROM categories d WHERE d.parent_id = "
            "c.category_id) "
            "AND NOT EXISTS (SELECT 1 FROM products p WHERE p.category_id = c.category_id)",
            "SELECT count(*) FROM categories c WHERE NOT EXISTS (SELECT 1 FROM categories d WHERE d.parent_id = "
            "c.category_id)",
        ),
    ),
)

PRODUCTS = Table(
    name="products",
    family="retail",
    description="What is sold.",
    key=("product_id",),
    columns=(
        Column("product_id", "BIGINT", "Identifier, from 1 without gaps"),
        Column("name", "STRING", "Name; not unique"),
        Column("category_id", "INT", "A leaf of `categories`"),
        Column("price", "DECIMAL(10,2)", "List price, on a ladder of shop prices (4.99, 24.99, 139.99)", "EUR"),
        Column("cost", "DECIMAL(10,2)", "What the shop pays for it", "EUR", nulls=0.05),
        Column(
            "attributes",
            "STRUCT<brand: STRING, colour: STRING, weight_g: INT, size: STRUCT<length_cm: INT, width_cm: INT, "
            "height_cm: INT>>",
            "Brand, colour (null: 10 %), weight in g, size in cm",
        ),
        Column("tags", "ARRAY<STRING>", "Up to three labels, or an empty array", nulls=0.05),
    ),
    defects=(
        Defect(
            "share the price with another product",
            "SELECT count(*) FROM products WHERE price IN (SELECT price FROM products GROUP BY price HAVING "
            "count(*) > 1)",
            "SELECT count(*) FROM products",
        ),
        Defect("cost of 0", "SELECT count(*) FROM products WHERE cost = 0", "SELECT count(cost) FROM products", 0.03),
        Defect(
            "cost above the price",
            "SELECT count(*) FROM products WHERE cost > price",
            "SELECT count(cost) FROM products",
            0.04,
        ),
        Defect(
            "empty array of tags",
            "SELECT count(*) FROM products WHERE size(tags) = 0",
            "SELECT count(tags) FROM products",
            0.08,
        ),
        Defect(
            "no colour",
            "SELECT count(*) FROM products WHERE attributes.colour IS NULL",
            "SELECT count(*) FROM products",
            0.1,
        ),
        Defect(
            "products never sold (at least one in each ten neighbours)",
            "SELECT count(*) FROM products LEFT ANTI JOIN order_items USING (product_id)",
            "SELECT count(*) FROM products",
        ),
    ),
)

STORES = Table(
    name="stores",
    family="retail",
    description="Shops in towns.",
    key=("store_id",),
    columns=(
        Column("store_id", "INT", "Identifier, from 1 without gaps"),
        Column("city", "STRING", "City"),
        Column("country", "STRING", "Country in English"),
        Column("opened", "DATE", "Day of opening, 2009 to 2023"),
    ),
    defects=(
        Defect(
            "stores without any order",
            "SELECT count(*) FROM stores LEFT ANTI JOIN orders USING (store_id)",
            "SELECT count(*) FROM stores",
        ),
    ),
)

ORDERS = Table(
    name="orders",
    family="retail",
    description="Orders of two years, growing, with seasons, weekdays and hours; a few customers order most (Zipf).",
    key=("order_id",),
    columns=(
        Column("order_id", "BIGINT", "Identifier, from 1 without gaps; roughly in the order of time"),
        Column("customer_id", "BIGINT", "Who ordered; null: as a guest", nulls=0.04),
        Column("store_id", "INT", "Where it was bought; null for web and app", nulls=0.8),
        Column("order_ts", "TIMESTAMP", "When it was placed", "UTC"),
        Column("status", "STRING", "completed, shipped, cancelled, returned, pending"),
        Column("channel", "STRING", "web, app, store"),
        Column("discount_code", "STRING", "WELCOME10, SUMMER15, VIP20, FREESHIP, or null", nulls=0.75),
    ),
    defects=(
        Defect(
            "customer_id that is not in `customers`",
            "SELECT count(*) FROM orders LEFT ANTI JOIN customers USING (customer_id) WHERE customer_id IS NOT NULL",
            "SELECT count(customer_id) FROM orders",
            0.01,
        ),
        Defect(
            "orders that repeat customer and time of the order before",
            "SELECT count(*) FROM orders a JOIN orders b ON a.order_id = b.order_id + 1 AND a.order_ts = b.order_ts "
            "AND a.customer_id <=> b.customer_id",
            _ALL_ORDERS,
            0.02,
        ),
        Defect(
            "orders without a line",
            "SELECT count(*) FROM orders LEFT ANTI JOIN order_items USING (order_id)",
            _ALL_ORDERS,
            0.01,
        ),
        Defect(
            "orders without a payment (cancelled, unpaid or empty)",
            "SELECT count(*) FROM orders LEFT ANTI JOIN payments USING (order_id)",
            _ALL_ORDERS,
            0.116,
        ),
    ),
)

ORDER_ITEMS = Table(
    name="order_items",
    family="retail",
    description="Lines of the orders; popular products are sold far more often than others (Zipf).",
    key=("order_id", "line"),
    base="orders",
    columns=(
        Column("order_id", "BIGINT", "The order"),
        Column("line", "INT", "Number within the order, from 1"),
        Column("product_id", "BIGINT", "What was bought"),
        Column("quantity", "INT", "How many", "pieces"),
        Column(
            "unit_price",
            "DECIMAL(10,2)",
            "Price of one piece at the time: the list price or, in 5 %, an older one",
            "EUR",
        ),
        Column("discount", "DOUBLE", "Share taken off the line; null: none was considered", "share", nulls=0.2),
    ),
    defects=(
        Defect(
            "product_id that is not in `products`",
            "SELECT count(*) FROM order_items LEFT ANTI JOIN products USING (product_id)",
            _ALL_ITEMS,
            0.005,
        ),
        Defect(
            "product twice in one order",
            "SELECT count(*) - count(DISTINCT order_id, product_id) FROM order_items",
            _ALL_ITEMS,
        ),
        Defect(
            "unit_price that differs from the list price",
            "SELECT count(*) FROM order_items JOIN products USING (product_id) WHERE unit_price <> price",
            "SELECT count(*) FROM order_items JOIN products USING (product_id)",
            0.05,
        ),
        Defect(
            "orders whose total (sum of quantity x unit_price) equals that of another order",
            "SELECT coalesce(sum(n), 0) FROM (SELECT count(*) n FROM (SELECT sum(quantity * unit_price) total FROM "
            "order_items "
            "GROUP BY order_id) GROUP BY total HAVING count(*) > 1)",
            "SELECT count(DISTINCT order_id) FROM order_items",
        ),
    ),
)

PAYMENTS = Table(
    name="payments",
    family="retail",
    description="What was paid: the sum over the lines of quantity x unit_price x (1 - discount), rounded to cents.",
    key=("payment_id",),
    base="orders",
    columns=(
        Column("payment_id", "BIGINT", "Identifier: ten times the order's, plus 1 or 2"),
        Column("order_id", "BIGINT", "The order paid for; cancelled orders have no payment"),
        Column("method", "STRING", "card, wallet, bank_transfer, voucher, cash", nulls=0.01),
        Column("amount", "DECIMAL(10,2)", "What was paid", "EUR"),
        Column("paid_ts", "TIMESTAMP", "When it was paid", "UTC"),
    ),
    defects=(
        Defect(
            "orders paid in two parts",
            "SELECT count(*) FROM (SELECT order_id FROM payments GROUP BY order_id HAVING count(*) = 2)",
            "SELECT count(DISTINCT order_id) FROM payments",
            0.06,
        ),
        Defect(
            "orders for which 1.00 too much was paid",
            "SELECT count(*) FROM (SELECT order_id, sum(amount) paid FROM payments GROUP BY order_id) JOIN (SELECT "
            "order_id, "
            "sum(round(quantity * unit_price * (1 - CAST(coalesce(discount, 0) AS DECIMAL(3,2))), 2)) due FROM "
            "order_items "
            "GROUP BY order_id) USING (order_id) WHERE paid <> due",
            "SELECT count(DISTINCT order_id) FROM payments",
            0.01,
        ),
    ),
)

WEB_EVENTS = Table(
    name="web_events",
    family="retail",
    description="Clicks on the web site, in sessions of one to eighteen events.",
    key=("event_id",),
    base="sessions",
    duplicates=0.012,
    columns=(
        Column("event_id", "STRING", "Identifier, 16 hexadecimal digits; its order says nothing"),
        Column("customer_id", "BIGINT", "Who clicked; null: not logged in", nulls=0.58),
        Column("event_ts", "TIMESTAMP", "When, to the millisecond", "UTC"),
        Column("event_type", "STRING", "page_view, product_view, search, add_to_cart, remove_from_cart, purchase"),
        Column("page", "STRING", "Path and query on the site"),
        Column(
            "referrer",
            "STRING",
            "The site that the visitor came from, on the first event of a session only",
            nulls=0.86,
        ),
    ),
    defects=(
        Defect(
            "events delivered twice (identical rows)",
            "SELECT count(*) - count(DISTINCT event_id) FROM web_events",
            "SELECT count(DISTINCT event_id) FROM web_events",
            0.012,
        ),
        Defect(
            "different events with equal customer and time",
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(DISTINCT event_id) n FROM web_events WHERE "
            "customer_id IS NOT NULL "
            "GROUP BY customer_id, event_ts HAVING count(DISTINCT event_id) > 1)",
            "SELECT count(customer_id) FROM web_events",
        ),
    ),
)

RETAIL = (CUSTOMERS, RAW_CUSTOMERS, CATEGORIES, PRODUCTS, STORES, ORDERS, ORDER_ITEMS, PAYMENTS, WEB_EVENTS)
