"""Customers of a delivery subscription, some of whom leave: a table to train on and one to test on."""

from datasets.table import Column, Defect, Table

_COLUMNS = (
    Column("customer_id", "BIGINT", "Identifier, from 1; each customer is in one of the two tables"),
    Column("age", "INT", "Age when the features were taken", "years", nulls=0.04),
    Column("income", "DOUBLE", "Yearly income, a multiple of 100", "EUR", nulls=0.07),
    Column("country", "STRING", "Country in English, one of eight; Portugal in `churn_test` only", nulls=0.02),
    Column("delivery_region", "STRING", "Country and part of it, 48 regions (54 with Portugal's)"),
    Column("channel", "STRING", "How they found the shop: search, friend, advert, shop. No signal"),
    Column("contract", "STRING", "monthly, yearly, two years"),
    Column("plan", "STRING", "basic, plus, premium. Signal only through the spending"),
    Column("tenure_months", "INT", "Time as a customer, 1 to 72", "months"),
    Column("monthly_spend", "DOUBLE", "Mean of the last three months", "EUR"),
    Column("orders_90d", "INT", "Orders in 90 days, 0 to 13"),
    Column("days_since_order", "INT", "Since the last order", "days"),
    Column("support_tickets", "INT", "Complaints in 90 days, 0 to 5"),
    Column("late_deliveries", "INT", "Deliveries that came late in 90 days, 0 to 5"),
    Column("payment_failures", "INT", "Payments that failed in 90 days, 0 to 3"),
    Column("discount_share", "DOUBLE", "Share of the spending bought at a discount, 0 to 1", nulls=0.04),
    Column("app_logins_90d", "INT", "Visits of the app in 90 days. No signal"),
    Column("survey_score", "INT", "Answer to 'would you recommend us', 0 to 10. No signal", nulls=0.3),
    Column(
        "retention_calls",
        "INT",
        "Calls from the retention team, which calls after notice was given: **known too late**",
    ),
    Column("churn", "INT", "Label: 1 left within 90 days after the features were taken, else 0"),
)


def _defects(table: str) -> tuple[Defect, ...]:
    everyone = f"SELECT count(*) FROM {table}"  # noqa: S608 (the names are those below)
    return (
        Defect("customers who left", f"{everyone} WHERE churn = 1", everyone),
        Defect(
            "called by the retention team, of those who left",
            f"{everyone} WHERE churn = 1 AND retention_calls > 0",
            f"{everyone} WHERE churn = 1",
            0.88,
        ),
        Defect(
            "called by the retention team, of those who stayed",
            f"{everyone} WHERE churn = 0 AND retention_calls > 0",
            f"{everyone} WHERE churn = 0",
            0.05,
        ),
    )


CHURN_TRAIN = Table(
    name="churn_train",
    family="churn",
    description="Customers to train on: seven in ten, chosen by a hash of the identifier.",
    key=("customer_id",),
    base="churn_customers",
    columns=_COLUMNS,
    defects=_defects("churn_train"),
)

CHURN_TEST = Table(
    name="churn_test",
    family="churn",
    description="Customers to test on: the other three in ten, some of them from a country that is new.",
    key=("customer_id",),
    base="churn_customers",
    columns=_COLUMNS,
    defects=(
        *_defects("churn_test"),
        Defect(
            "from a country that no customer of `churn_train` lives in",
            "SELECT count(*) FROM churn_test LEFT ANTI JOIN churn_train USING (country) WHERE country IS NOT NULL",
            "SELECT count(country) FROM churn_test",
            0.03,
        ),
    ),
)

CHURN = (CHURN_TRAIN, CHURN_TEST)
