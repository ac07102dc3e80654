"""Spark's types as `DataType.jsonValue()` gives them: their Arrow storage, their SQL names, and when two of them
are the same."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

SparkType = str | dict[str, Any]
"""A string such as "integer" or "decimal(10,2)", or a dictionary for array, map, struct and udt."""

COLLATIONS = "__COLLATIONS"

_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "byte": pa.int8(),
    "short": pa.int16(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "variant": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "timestamp_ntz": pa.timestamp("us"),
    "void": pa.null(),
}
_SQL = {
    "byte": "TINYINT",
    "short": "SMALLINT",
    "integer": "INT",
    "long": "BIGINT",
}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


def arrow_type(spark_type: SparkType) -> pa.DataType:
    """The one Arrow type in which a `Frame` keeps columns of this Spark type.

    Variants are canonical JSON text, day-time intervals are microseconds, year-month and calendar intervals are text.
    Raises ValueError for a type that does not exist.
    """
    if isinstance(spark_type, dict):
        return _nested_arrow_type(spark_type)
    if spark_type in _ARROW:
        return _ARROW[spark_type]
    decimal = _DECIMAL.fullmatch(spark_type)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if spark_type.startswith(("string", "char(", "varchar(")) or is_text_interval(spark_type):
        return pa.string()
    if spark_type.startswith("interval "):
        return pa.int64()
    raise ValueError(f"there is no Spark type {spark_type!r}")


def _nested_arrow_type(spark_type: dict[str, Any]) -> pa.DataType:
    match spark_type["type"]:
        case "array":
            return pa.list_(arrow_type(spark_type["elementType"]))
        case "map":
            return pa.map_(arrow_type(spark_type["keyType"]), arrow_type(spark_type["valueType"]))
        case "struct":
            return pa.struct([(field["name"], arrow_type(field["type"])) for field in spark_type["fields"]])
        case "udt":
            return arrow_type(spark_type["sqlType"])
    raise ValueError(f"there is no Spark type {spark_type['type']!r}")


def is_text_interval(spark_type: SparkType) -> bool:
    """Whether this is an interval that Spark cannot hand over as Arrow, so that it is kept as text."""
    return isinstance(spark_type, str) and (
        spark_type in {"interval", "calendarinterval"}
        or bool(re.fullmatch(r"interval (year|month|year to month)", spark_type))
    )


def needs_text(spark_type: SparkType) -> bool:
    """Whether values of this type, or parts of them, must become text before they leave Spark."""
    if isinstance(spark_type, str):
        return spark_type == "variant" or is_text_interval(spark_type)
    match spark_type["type"]:
        case "array":
            return needs_text(spark_type["elementType"])
        case "map":
            return needs_text(spark_type["valueType"])
        case "struct":
            return any(needs_text(field["type"]) for field in spark_type["fields"])
    return False


def spark_type_of(arrow: pa.DataType) -> SparkType:
    """The Spark type that an Arrow column would have in Spark. Raises ValueError when Spark has none."""
    for name, known in _ARROW.items():
        if name != "variant" and arrow == known:
            return name
    if pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow):
        return "string"
    if pa.types.is_large_binary(arrow) or pa.types.is_fixed_size_binary(arrow) or pa.types.is_binary_view(arrow):
        return "binary"
    if pa.types.is_date64(arrow):
        return "date"
    if pa.types.is_timestamp(arrow):
        return "timestamp" if arrow.tz else "timestamp_ntz"
    if pa.types.is_decimal(arrow):
        return f"decimal({arrow.precision},{arrow.scale})"
    if pa.types.is_duration(arrow):
        return "interval day to second"
    if pa.types.is_map(arrow):
        key, value = spark_type_of(arrow.key_type), spark_type_of(arrow.item_type)
        return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": True}
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow) or pa.types.is_fixed_size_list(arrow):
        return {"type": "array", "elementType": spark_type_of(arrow.value_type), "containsNull": True}
    if pa.types.is_struct(arrow):
        return struct([(arrow[index].name, spark_type_of(arrow[index].type)) for index in range(arrow.num_fields)])
    raise ValueError(f"Spark has no type for Arrow's {arrow}")


def struct(fields: list[tuple[str, SparkType]]) -> dict[str, Any]:
    """A struct type as `StructType.jsonValue()` gives it, every field nullable."""
    described = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in fields]
    return {"type": "struct", "fields": described}


def sql_name(spark_type: SparkType, collation: str = "") -> str:
    """The type as SQL writes it: "BIGINT", "DECIMAL(18,2)", "ARRAY<STRUCT<name: STRING>>"."""
    if isinstance(spark_type, dict):
        match spark_type["type"]:
            case "array":
                return f"ARRAY<{sql_name(spark_type['elementType'])}>"
            case "map":
                return f"MAP<{sql_name(spark_type['keyType'])}, {sql_name(spark_type['valueType'])}>"
            case "struct":
                fields = ", ".join(f"{field['name']}: {sql_name(field['type'])}" for field in spark_type["fields"])
                return f"STRUCT<{fields}>"
        return str(spark_type.get("pyClass") or spark_type.get("class") or "UDT").rsplit(".", maxsplit=1)[-1]
    name = _SQL.get(spark_type, spark_type.upper())
    return f"{name} COLLATE {collation}" if collation else name


def field_sql_name(field: dict[str, Any]) -> str:
    """`sql_name` of a column, with its collation where it has one."""
    collation = collations(field).get("", "")
    inner = [f"{path} COLLATE {name}" for path, name in collations(field).items() if path]
    name = sql_name(field["type"], collation)
    return f"{name} ({', '.join(inner)})" if inner else name


def collations(field: dict[str, Any]) -> dict[str, str]:
    """Collations of a column's strings by path below the column ("" is the column itself), without the provider's
    name."""
    stored = (field.get("metadata") or {}).get(COLLATIONS) or {}
    column = field["name"]
    return {
        path.removeprefix(column).lstrip("."): str(name).rsplit(".", maxsplit=1)[-1] for path, name in stored.items()
    }


def comparable(spark_type: SparkType) -> Any:
    """The part of a type that must match: everything but nullability and metadata."""
    if isinstance(spark_type, str):
        return spark_type.replace(" ", "") if spark_type.startswith("decimal") else spark_type
    match spark_type["type"]:
        case "array":
            return ("array", comparable(spark_type["elementType"]))
        case "map":
            return ("map", comparable(spark_type["keyType"]), comparable(spark_type["valueType"]))
        case "struct":
            return ("struct", *((field["name"], comparable(field["type"])) for field in spark_type["fields"]))
    return ("udt", spark_type.get("class"), spark_type.get("pyClass"), comparable(spark_type["sqlType"]))


def same_type(actual: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether two columns have the same type; whether they may hold NULL does not matter."""
    return bool(
        comparable(actual["type"]) == comparable(expected["type"]) and collations(actual) == collations(expected)
    )
