"""Prices of shares at an invented exchange, trade by trade."""

from datasets.table import Column, Defect, Table

_ALL = "SELECT count(*) FROM price_ticks"

INSTRUMENTS = Table(
    name="instruments",
    family="ticks",
    description="Shares that are traded. The same for every seed.",
    key=("symbol",),
    seeded=False,
    columns=(
        Column("symbol", "STRING", "Four capital letters"),
        Column("name", "STRING", "Company"),
        Column("sector", "STRING", "energy, finance, health, industry, technology"),
        Column("first_price", "DOUBLE", "Price on 2025-01-02, about which it wanders", "EUR"),
        Column("volatility", "DOUBLE", "Standard deviation of a day's change", "share"),
    ),
)

PRICE_TICKS = Table(
    name="price_ticks",
    family="ticks",
    description="Trades from 09:00 to 17:30 on weekdays, from 2025-01-02 on, a second apart. Prices wander, busy shares trade most.",
    key=("tick_id",),
    duplicates=0.005,
    columns=(
        Column(
            "tick_id",
            "BIGINT",
            "Identifier given by the exchange, in the order of time; a trade that is sent twice keeps it",
        ),
        Column("symbol", "STRING", "The share (Zipf)"),
        Column("tick_ts", "TIMESTAMP", "When it was traded, to the millisecond", "UTC"),
        Column("price", "DECIMAL(12,2)", "Price of one share", "EUR"),
        Column("bid", "DECIMAL(12,2)", "Highest offer to buy", "EUR", nulls=0.01),
        Column("ask", "DECIMAL(12,2)", "Lowest offer to sell", "EUR", nulls=0.01),
        Column("volume", "INT", "Shares traded; mostly in hundreds", "shares"),
    ),
    defects=(
        Defect("price of 0", "SELECT count(*) FROM price_ticks WHERE price = 0", _ALL, 0.002),
        Defect(
            "price ten times too high",
            "SELECT count(*) FROM price_ticks WHERE price > 5 * bid AND bid > 0",
            "SELECT count(bid) FROM price_ticks",
            0.002,
        ),
        Defect(
            "bid above ask",
            "SELECT count(*) FROM price_ticks WHERE bid > ask",
            "SELECT count(*) FROM price_ticks WHERE bid IS NOT NULL AND ask IS NOT NULL",
            0.004,
        ),
        Defect(
            "symbol that is not in `instruments`",
            "SELECT count(*) FROM price_ticks LEFT ANTI JOIN instruments USING (symbol)",
            _ALL,
            0.003,
        ),
    ),
)

TICKS = (INSTRUMENTS, PRICE_TICKS)
