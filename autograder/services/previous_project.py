"""The previous project: the shop as it was when a thousand rows of each table fitted into one PostgreSQL database.

    previous_project.load(spark, database)

The rows are those of `datasets.generate(..., scale="1k")`. Structs and arrays, which a relational table has no column for, become
`jsonb`. There are no foreign keys, since some rows refer to nothing, as the data dictionary says.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import datasets
from autograder.services import postgres_tables
from autograder.services.errors import ServiceUnavailable
from autograder.services.postgres import Access

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLES = ("customers", "products", "stores", "orders", "order_items", "payments")
SCALE = "1k"


def load(spark: SparkSession, database: Access, seed: int = datasets.catalog.SAMPLE_SEED) -> dict[str, int]:
    """Make and fill the tables, all of them or none. Returns the rows of each table.

    Raises ServiceUnavailable when the server does not answer, or when one of the tables is there: it may hold somebody's work.
    """
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        there = present(cursor)
        if there:
            raise ServiceUnavailable(
                f"The database has {', '.join(there)} already, so nothing was loaded; drop these tables first if you want "
                "them new."
            )
        counts = {}
        for name in TABLES:
            table = datasets.tables()[name]
            postgres_tables.create(cursor, name, {column.name: column.type for column in table.columns}, table.key)
            rows = datasets.generate(spark, name, seed=seed, scale=SCALE).toArrow().to_pylist()
            postgres_tables.fill(cursor, name, rows)
            counts[name] = len(rows)
        connection.commit()
    return counts


def present(cursor: Any) -> list[str]:
    """Those of the tables that a database has."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = {name for (name,) in cursor.fetchall()}
    return [name for name in TABLES if name in found]
