"""Pictures of the main distributions, docs/images/datasets.png: drawn from the samples, to be looked at."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from datasets.catalog import generate, load

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "datasets.png"


def draw(spark: SparkSession, path: Path = PICTURE) -> None:
    """Draw nine panels, each a distribution that exercises and models rely on."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 11), layout="constrained")
    panels = figure.subplots(3, 3).flat
    orders = generate(spark, "orders", scale="50k")

    weeks = orders.groupBy(F.date_trunc("week", "order_ts").alias("week")).count().orderBy("week").toPandas()
    _label(panels[0], "Orders: growth and seasons", "week", "orders a week")
    panels[0].plot(weeks["week"][1:-1], weeks["count"][1:-1])
    panels[0].tick_params(axis="x", rotation=30)

    hours = orders.groupBy(F.weekday("order_ts").alias("day"), F.hour("order_ts").alias("hour")).count().toPandas()
    _label(panels[1], "Orders by weekday (0: Monday) and hour", "hour (UTC)", "weekday")
    panels[1].imshow(hours.pivot(index="day", columns="hour", values="count"), aspect="auto")

    ranks = orders.where("customer_id < 9000000000").groupBy("customer_id").count().orderBy(F.desc("count")).toPandas()
    _label(panels[2], "Orders of a customer, by rank (Zipf)", "rank of the customer", "orders")
    panels[2].loglog(range(1, len(ranks) + 1), ranks["count"])

    prices = generate(spark, "products", scale="20k").select(F.col("price").cast("double")).toPandas()["price"]
    _label(panels[3], "Prices of products (lognormal, on a ladder)", "price (EUR)", "products")
    panels[3].hist(prices[prices < 150], bins=75)

    late = load(spark, "order_features").where("late_days IS NOT NULL AND customer_satisfaction IS NOT NULL")
    stars = late.groupBy(F.least("late_days", F.lit(4)).alias("days")).agg(
        F.avg("customer_satisfaction").alias("stars")
    )
    means = stars.orderBy("days").toPandas()
    _label(panels[4], "Satisfaction falls with each late day", "late days (4: or more)", "mean stars")
    panels[4].bar(means["days"], means["stars"])

    habits = load(spark, "customer_features").toPandas()
    _label(panels[5], "Segments of customers", "visits a month", "usual basket (EUR)")
    for segment, members in habits.groupby("segment"):
        panels[5].scatter(members["visits_per_month"], members["basket_value"], s=8, label=segment)
    panels[5].legend()

    ticks = load(spark, "price_ticks").where("price > 0 AND price < 2 * bid").toPandas()
    _label(panels[6], "Prices of the three busiest shares, first hour", "time (UTC)", "price (first: 1)")
    for symbol in ticks["symbol"].value_counts().index[:3]:
        trades = ticks[ticks["symbol"] == symbol].sort_values("tick_id")
        panels[6].plot(trades["tick_ts"], trades["price"].astype(float) / float(trades["price"].iloc[0]), label=symbol)
    panels[6].tick_params(axis="x", rotation=30)
    panels[6].legend()

    air = load(spark, "air_measurements").where("value > 0 AND unit = 'µg/m³'")
    rhythm = air.groupBy("parameter", F.hour("measured_ts").alias("hour")).agg(F.avg("value").alias("mean")).toPandas()
    _label(panels[7], "Air by hour of the day, January", "hour (UTC)", "mean (µg/m³)")
    for parameter, values in rhythm.groupby("parameter"):
        panels[7].plot(values.sort_values("hour")["hour"], values.sort_values("hour")["mean"], label=parameter)
    panels[7].legend()

    readings = load(spark, "sensor_readings").where("device_id <= 3").toPandas()
    _label(panels[8], "Readings of three devices; spikes are cut off", "time (UTC)", "value (as in `devices`)")
    for device, values in readings.groupby("device_id"):
        panels[8].plot(
            values.sort_values("measured_ts")["measured_ts"], values.sort_values("measured_ts")["value"], label=device
        )
    panels[8].set_ylim(20, 50)
    panels[8].tick_params(axis="x", rotation=30)

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70, metadata={"Software": None})


def _label(axis: object, title: str, across: str, up: str) -> None:
    axis.set(title=title, xlabel=across, ylabel=up)  # type: ignore[attr-defined]
