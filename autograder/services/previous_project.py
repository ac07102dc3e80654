"""The previous project: the shop as it was when a thousand rows of each table fitted into one PostgreSQL database.

    previous_project.load(spark, database)

The rows are those of `datasets.generate(..., scale="1k")`. Structs and arrays, which a relational table has no column for, become
`jsonb`. There are no foreign keys, since some rows refer to nothing, as the data dictionary says.
"""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

import datasets
from autograder.services.errors import ServiceUnavailable
from autograder.services.postgres import Access

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLES = ("customers", "products", "stores", "orders", "order_items", "payments")
SCALE = "1k"
_TYPES = {
    "BIGINT": "bigint",
    "INT": "integer",
    "STRING": "text",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamptz",
}


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
            cursor.execute(_definition(name))
            rows = datasets.generate(spark, name, seed=seed, scale=SCALE).toArrow().to_pylist()
            cursor.execute(f'COPY "{name}" FROM STDIN WITH (FORMAT csv)', stream=_text(rows))
            counts[name] = len(rows)
        connection.commit()
    return counts


def present(cursor: Any) -> list[str]:
    """Those of the tables that a database has."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = {name for (name,) in cursor.fetchall()}
    return [name for name in TABLES if name in found]


def _definition(name: str) -> str:
    table = datasets.tables()[name]
    columns = [f'"{column.name}" {_type(column.type)}' for column in table.columns]
    key = ", ".join(f'"{column}"' for column in table.key)
    return f'CREATE TABLE "{name}" ({", ".join(columns)}, PRIMARY KEY ({key}))'


def _type(spark_type: str) -> str:
    """The type of a column for one in Spark DDL."""
    if spark_type.startswith("DECIMAL"):
        return spark_type.replace("DECIMAL", "numeric")
    return _TYPES.get(spark_type, "jsonb")


def _text(rows: list[dict[str, Any]]) -> io.BytesIO:
    """CSV for COPY. An empty field is null and a quoted one is not, a difference that Python's csv module cannot write."""
    lines = (",".join(map(_cell, row.values())) for row in rows)
    return io.BytesIO("\n".join(lines).encode())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return '"' + text.replace('"', '""') + '"'
