"""Tables of PostgreSQL with the rows of Spark's tables: each column of the nearest type, filled by COPY.

Structs and arrays, which a relational table has no column for, become `jsonb`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = {
    "BIGINT": "bigint",
    "INT": "integer",
    "SMALLINT": "smallint",
    "STRING": "text",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamptz",
    "TIMESTAMP_NTZ": "timestamp",
}


def create(cursor: Any, name: str, columns: Mapping[str, str], key: Sequence[str] = ()) -> None:
    """Make an empty table.

    Parameters
    ----------
    columns: the type of each column, in Spark DDL.
    key: columns of the primary key, if there is to be one.
    """
    parts = [f"{_quoted(column)} {_type(kind)}" for column, kind in columns.items()]
    if key:
        parts.append(f"PRIMARY KEY ({', '.join(map(_quoted, key))})")
    cursor.execute(f"CREATE TABLE {_quoted(name)} ({', '.join(parts)})")


def fill(cursor: Any, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a table, whose columns they have in the same order."""
    cursor.execute(f"COPY {_quoted(name)} FROM STDIN WITH (FORMAT csv)", stream=_text(rows))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _type(spark_type: str) -> str:
    """The type of a column for one in Spark DDL."""
    name = spark_type.upper()
    if name.startswith("DECIMAL"):
        return name.replace("DECIMAL", "numeric")
    return _TYPES.get(name, "jsonb")


def _text(rows: Sequence[Mapping[str, Any]]) -> io.BytesIO:
    """CSV for COPY. An empty field is null and a quoted one is not, a difference that Python's csv module cannot write."""
    lines = (",".join(map(_cell, row.values())) for row in rows)
    return io.BytesIO("\n".join(lines).encode())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return '"' + text.replace('"', '""') + '"'
