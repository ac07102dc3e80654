"""Customers of a delivery subscription, some of whom leave: features with a known signal, noise, and a column that knows the end.

The probability of leaving is a formula (`risk`), so the score of the best possible model can be computed
(`with_probability`), which no public data set allows.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.generators import vocabulary
from datasets.generators.cells import Cells
from datasets.generators.generation import Generation

POPULATION = "churn_customers"
"""Base rows of both tables together; also the name that cells are drawn by, so that a customer is the same in both."""

HELD_OUT_PERCENT = 30
NEW_COUNTRY = "Portugal"
"""Opened after the training data was collected: found in `churn_test` only."""

_PARTS = ("north", "south", "east", "west", "centre", "coast")
_COUNTRIES = {country.name: float(country.weight) for country in vocabulary.COUNTRIES}
_FEW = {"0": 36.0, "1": 24.0, "2": 17.0, "3": 11.0, "4": 7.0, "5": 5.0}


def with_probability(run: Generation) -> DataFrame:
    """Every customer with complete cells, and with `probability` (of leaving), `churn` and `held_out` (is in the test table)."""
    cells = run.cells(POPULATION)
    customer = F.col("customer_id")
    rows = run.rows(POPULATION, "customer_id").withColumn("held_out", held_out(customer))
    rows = rows.withColumns(_person(cells)).withColumns(_contract(cells)).withColumns(_behaviour(cells))
    rows = rows.withColumn("probability", F.lit(1.0) / (F.lit(1.0) + F.exp(-risk())))
    rows = rows.withColumn("churn", (cells.uniform("churn", customer) < F.col("probability")).cast("int"))
    called = F.when(F.col("churn") == 1, F.lit(0.88)).otherwise(F.lit(0.05))
    calls = cells.integer("retention_calls.count", 1, 4, customer)
    return rows.withColumn(
        "retention_calls",
        F.when(cells.uniform("retention_calls", customer) < called, calls).otherwise(F.lit(0)).cast("int"),
    )


def held_out(customer: Column) -> Column:
    """Whether a customer belongs to `churn_test`: a hash of the identifier, the same for every seed and partitioning."""
    return F.pmod(F.xxhash64(F.lit("split"), customer), F.lit(100)) < F.lit(HELD_OUT_PERCENT)


def risk() -> Column:
    """The logarithm of the odds of leaving. Steps and pairs, which a linear model sees only in part."""
    monthly = F.col("contract") == "monthly"
    return (
        F.lit(-5.55)
        + _step(monthly, 1.4)
        + _step(F.col("contract") == "two years", -1.0)
        + _step(F.col("tenure_months") <= 6, 1.0)
        + _step(F.col("tenure_months") > 36, -0.9)
        + _step(F.col("days_since_order") > 60, 1.4)
        + _step(F.col("support_tickets") >= 2, 0.5)
        + _step((F.col("support_tickets") >= 2) & (F.col("late_deliveries") >= 2), 2.3)
        + F.least(F.col("payment_failures"), F.lit(2)) * F.lit(1.1)
        + _step(F.col("monthly_spend") * F.lit(12) > F.col("income") * F.lit(0.022), 1.7)
        + _step((F.col("age") < 30) | (F.col("age") > 66), 1.2)
        + _step(monthly & (F.col("discount_share") > 0.35), 1.8)
        # The same for every seed: some regions are served badly.
        + (F.pmod(F.xxhash64(F.lit("region"), F.col("delivery_region")), F.lit(101)) / F.lit(100.0) - F.lit(0.5))
    )


def _step(condition: Column, height: float) -> Column:
    return F.when(condition, F.lit(height)).otherwise(F.lit(0.0))


def _person(cells: Cells) -> dict[str, Column]:
    customer = F.col("customer_id")
    is_new = F.col("held_out") & cells.chance("new_country", 0.03, customer)
    country = F.when(is_new, F.lit(NEW_COUNTRY)).otherwise(cells.weighted("country", _COUNTRIES, customer))
    age = F.round(F.lit(44.0) + cells.normal("age", customer) * F.lit(14.0))
    income = F.round(F.exp(F.lit(10.4) + cells.normal("income", customer) * F.lit(0.45)) / F.lit(100)) * F.lit(100.0)
    return {
        "age": F.greatest(F.lit(18.0), F.least(F.lit(84.0), age)).cast("int"),
        "income": income,
        "country": country,
        "delivery_region": F.concat_ws(" ", country, cells.pick("part", _PARTS, customer)),
        "channel": cells.weighted("channel", {"search": 40.0, "friend": 25.0, "advert": 20.0, "shop": 15.0}, customer),
    }


def _contract(cells: Cells) -> dict[str, Column]:
    customer = F.col("customer_id")
    plan = cells.weighted("plan", {"basic": 50.0, "plus": 35.0, "premium": 15.0}, customer)
    dearer = F.when(plan == "premium", F.lit(0.7)).when(plan == "plus", F.lit(0.35)).otherwise(F.lit(0.0))
    spend = F.exp(F.lit(3.6) + dearer + cells.normal("monthly_spend", customer) * F.lit(0.45))
    tenure = F.floor(F.pow(cells.uniform("tenure", customer), F.lit(1.7)) * F.lit(72.0)) + F.lit(1)
    return {
        "contract": cells.weighted("contract", {"monthly": 55.0, "yearly": 30.0, "two years": 15.0}, customer),
        "plan": plan,
        "tenure_months": tenure.cast("int"),
        "monthly_spend": F.round(spend, 2),
    }


def _behaviour(cells: Cells) -> dict[str, Column]:
    customer = F.col("customer_id")
    orders = F.floor(F.pow(cells.uniform("orders", customer), F.lit(2.0)) * F.lit(14.0))
    days = F.pow(cells.uniform("days", customer), F.lit(2.2)) * F.lit(240.0) / (F.lit(1.0) + orders * F.lit(0.12))
    failures = cells.weighted("payment_failures", {"0": 66.0, "1": 22.0, "2": 9.0, "3": 3.0}, customer)
    return {
        "orders_90d": orders.cast("int"),
        "days_since_order": F.floor(days).cast("int"),
        "support_tickets": cells.weighted("support_tickets", _FEW, customer).cast("int"),
        "late_deliveries": cells.weighted("late_deliveries", _FEW, customer).cast("int"),
        "payment_failures": failures.cast("int"),
        "discount_share": F.round(F.pow(cells.uniform("discount_share", customer), F.lit(2.0)), 2),
        "app_logins_90d": cells.integer("app_logins", 0, 60, customer).cast("int"),
        "survey_score": cells.integer("survey_score", 0, 10, customer).cast("int"),
    }


def _written(run: Generation, *, test: bool) -> DataFrame:
    """The customers of one table with the nulls of real records."""
    cells = run.cells(POPULATION)
    rows = with_probability(run).where(F.col("held_out") if test else ~F.col("held_out"))
    nulls = {"age": 0.04, "income": 0.07, "country": 0.02, "discount_share": 0.04, "survey_score": 0.3}
    return rows.withColumns(
        {name: cells.unless(name, rate, F.col(name), F.col("customer_id")) for name, rate in nulls.items()}
    )


def churn_train(run: Generation) -> DataFrame:
    """The customers that models are trained on."""
    return _written(run, test=False)


def churn_test(run: Generation) -> DataFrame:
    """The customers that models are tested on."""
    return _written(run, test=True)


GENERATORS: dict[str, Callable[[Generation], DataFrame]] = {"churn_train": churn_train, "churn_test": churn_test}
