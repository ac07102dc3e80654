"""What the dictionary promises, counted on the samples, and that samples and dictionary are current."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

import datasets
from datasets.build import current_samples, stale_samples, write_samples
from datasets.dictionary import (
    MARKER,
    dictionary,
    document_text,
    null_counts,
    number_of,
    register_samples,
    stale_dictionary,
    write_dictionary,
)
from datasets.versions import committed, fingerprint, fingerprints, stale_fingerprints, unraised

TABLES = list(datasets.tables().values())
DEFECTS = [(table.name, defect) for table in TABLES for defect in table.defects]


@pytest.fixture(scope="module", autouse=True)
def samples_as_views(spark: SparkSession) -> None:
    """The queries of the declarations name the samples as tables."""
    register_samples(spark)


def assert_near(count: int, rate: float, chances: int, what: str) -> None:
    """`count` lies within four standard deviations of a binomial count, plus one row."""
    allowed = 4 * math.sqrt(chances * rate * (1 - rate)) + 1
    assert abs(count - rate * chances) <= allowed, f"{what}: {count} of {chances}, aim {rate:.2%}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_nulls_occur_at_the_declared_rates_and_nowhere_else(spark: SparkSession, table: datasets.Table) -> None:
    rows, nulls = null_counts(spark, table)
    for column in table.columns:
        if column.nulls == 0:
            assert nulls[column.name] == 0, column.name
        else:
            assert nulls[column.name] > 0, column.name
            assert_near(nulls[column.name], column.nulls, rows, f"nulls in {table.name}.{column.name}")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_keys_are_unique_but_for_the_declared_duplicates(spark: SparkSession, table: datasets.Table) -> None:
    rows = datasets.load(spark, table.name)
    total = rows.count()
    repeats = total - rows.select(*table.key).distinct().count()
    assert total <= 5_000
    if table.duplicates:
        assert repeats > 0
        assert_near(repeats, table.duplicates, total, f"duplicates in {table.name}")
    else:
        assert repeats == 0


@pytest.mark.parametrize(("name", "defect"), DEFECTS, ids=[f"{name}: {defect.description}" for name, defect in DEFECTS])
def test_a_planted_defect_is_there_at_its_rate(spark: SparkSession, name: str, defect: datasets.Defect) -> None:
    count, chances = number_of(spark, defect.count), number_of(spark, defect.of)
    assert 0 < count < chances
    if defect.rate is not None:
        assert_near(count, defect.rate, chances, f"{name}: {defect.description}")


def test_every_reference_but_the_planted_ones_is_known(spark: SparkSession) -> None:
    orphans = {
        "items without an order": "SELECT count(*) FROM order_items LEFT ANTI JOIN orders USING (order_id)",
        "payments without an order": "SELECT count(*) FROM payments LEFT ANTI JOIN orders USING (order_id)",
        "orders of unknown stores": "SELECT count(*) FROM orders LEFT ANTI JOIN stores USING (store_id) "
        "WHERE store_id IS NOT NULL",
        "products of unknown categories": "SELECT count(*) FROM products LEFT ANTI JOIN categories USING (category_id)",
        "reviews by unknown users": "SELECT count(*) FROM reviews LEFT ANTI JOIN users USING (user_id)",
        "parcels of unknown orders": "SELECT count(*) FROM shipments LEFT ANTI JOIN orders USING (order_id)",
        "returned lines that were not sold": "SELECT count(*) FROM returns LEFT ANTI JOIN order_items USING (order_id, line) "
        "WHERE order_id < 6000000000",
        "features of unknown customers": "SELECT count(*) FROM customer_features LEFT ANTI JOIN customers USING (customer_id)",
        "features of unknown products": "SELECT count(*) FROM product_features LEFT ANTI JOIN products USING (product_id)",
        "features of unknown orders": "SELECT count(*) FROM order_features LEFT ANTI JOIN orders USING (order_id)",
        "ratings by unknown customers": "SELECT count(*) FROM ratings LEFT ANTI JOIN customers USING (customer_id)",
        "ratings of unknown products": "SELECT count(*) FROM ratings LEFT ANTI JOIN products USING (product_id)",
        "baskets of unknown stores": "SELECT count(*) FROM baskets LEFT ANTI JOIN stores USING (store_id)",
        "readings of unknown devices": "SELECT count(*) FROM sensor_readings LEFT ANTI JOIN devices USING (device_id)",
        "sensors of unknown stations": "SELECT count(*) FROM air_sensors LEFT ANTI JOIN air_locations USING (location_id)",
        "measurements of unknown sensors": "SELECT count(*) FROM air_measurements LEFT ANTI JOIN air_sensors "
        "USING (sensor_id, parameter, unit)",
        "clicks of unknown customers": "SELECT count(*) FROM web_events LEFT ANTI JOIN customers USING (customer_id) "
        "WHERE customer_id IS NOT NULL",
    }
    assert {what: number_of(spark, query) for what, query in orphans.items()} == dict.fromkeys(orphans, 0)


@pytest.fixture(scope="module")
def current(spark: SparkSession) -> dict[str, bytes]:
    """The samples made anew."""
    return current_samples(spark)


def test_the_committed_samples_and_dictionary_are_current(spark: SparkSession, current: dict[str, bytes]) -> None:
    assert stale_samples(current) == []
    assert stale_dictionary(dictionary(spark)) == []


def test_other_rows_of_a_generator_need_a_higher_version(spark: SparkSession, current: dict[str, bytes]) -> None:
    found = fingerprints(spark, current)
    assert stale_fingerprints(found, committed()) == []
    table = datasets.tables()["stores"]
    changed = {**found, "stores": fingerprint(table, datasets.generate(spark, "stores", seed=1))}
    [finding] = stale_fingerprints(changed, committed())
    assert "stores has other rows than version 1" in finding
    assert "to 2" in finding
    raised = {**changed, "stores": replace(changed["stores"], version=2)}
    assert unraised(raised, committed()) == []
    assert stale_fingerprints(raised, committed()) == ["digests.json is not current for stores."]


def test_a_changed_a_missing_and_a_stray_file_are_each_reported(current: dict[str, bytes], tmp_path: Path) -> None:
    write_samples(current, tmp_path)
    assert stale_samples(current, tmp_path) == []
    rows = pq.read_table(tmp_path / "zones.parquet")
    pq.write_table(rows.slice(1), tmp_path / "zones.parquet")
    (tmp_path / "stores.parquet").unlink()
    shutil.copy(tmp_path / "orders.parquet", tmp_path / "invoices.parquet")
    assert stale_samples(current, tmp_path) == [
        "stores.parquet is missing.",
        "zones.parquet is not what the generator of zones makes.",
        "invoices.parquet belongs to no table.",
    ]
    write_samples(current, tmp_path)
    assert stale_samples(current, tmp_path) == []


def test_rewriting_the_dictionary_keeps_the_introduction_and_reports_a_lost_marker(tmp_path: Path) -> None:
    copy = tmp_path / "datasets.md"
    copy.write_text(f"By hand.\n\n{MARKER}\n\nold\n", encoding="utf-8")
    assert stale_dictionary("new\n", copy) == ["datasets.md is not what the declarations and samples say."]
    write_dictionary("new\n", copy)
    assert copy.read_text(encoding="utf-8") == f"By hand.\n\n{MARKER}\n\nnew\n"
    copy.write_text("By hand.", encoding="utf-8")
    with pytest.raises(ValueError, match="Put it back"):
        document_text("new\n", copy)
