"""A DataFrame's content without Spark: an Arrow table, the Spark schema, and one safe file format for both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from autograder.compare import spark_types

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

SCHEMA_KEY = b"spark_schema"
ROW_GROUP_ROWS = 1_000_000
BATCH_ROWS = 65_536
ENCODINGS = {"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY"}
MAXIMUM_SCHEMA_BYTES = 1_000_000
MAXIMUM_NESTING = 50


DAMAGE = (OSError, pa.ArrowException, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError)
"""What reading a damaged or hostile file may raise."""


class AnswerUnreadable(ValueError):
    """An answer's file is damaged, hostile, too large, or holds something that cannot be compared.

    The message says which.
    """


@dataclass(frozen=True)
class ReadLimits:
    """What an answer's file may hold. `file_bytes` is its size on disk, `decoded_bytes` its size in memory as Arrow."""

    rows: int = 5_000_000
    cells: int = 100_000_000
    columns: int = 2_000
    file_bytes: int = 1_000_000_000
    decoded_bytes: int = 2_000_000_000


@dataclass(frozen=True)
class Frame:
    """Rows and their Spark types. `schema` is `StructType.jsonValue()`; `table` has one column per field, in the same
    order, with the
    real names (duplicates included) and the Arrow types of `spark_types.arrow_type`."""

    schema: dict[str, Any]
    table: pa.Table

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column names in order; a name may occur twice."""
        return tuple(field["name"] for field in self.schema["fields"])

    @classmethod
    def from_spark(cls, dataframe: DataFrame) -> Frame:
        """Execute a DataFrame once and keep its rows.

        VARIANT values become JSON text with sorted keys; year-month intervals become text; timestamps are kept in UTC.
        Raises AnswerUnreadable for a type that Spark cannot hand over as Arrow, and lets Spark's own errors through.
        """
        schema = dataframe.schema.jsonValue()
        try:
            table = collect(dataframe)
        except Exception as error:
            if "ArrowVectorAccessor" in str(error):
                raise AnswerUnreadable(
                    "Your Python function gives an Arrow column of another type than its schema says. Make it with the "
                    f"type that belongs to the schema, such as pa.array(values, pa.int32()) for INT. Spark says: {error}"
                ) from error
            if type(error).__name__ in {"PySparkTypeError", "UnsupportedOperationException"}:
                raise AnswerUnreadable(f"A column has a type that cannot be compared: {error}") from error
            raise
        return cls(schema, _stored(table, schema))

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Frame:
        """A frame of an Arrow table, with the Spark types that its columns would have.

        Raises ValueError when Spark has none.
        """
        schema = spark_types.struct([(field.name, spark_types.spark_type_of(field.type)) for field in table.schema])
        return cls(schema, _stored(table, schema))

    def sorted(self) -> Frame:
        """The same rows in an order that follows from them: by one column after the other. Nested columns do not take part.

        For rows whose order means nothing and differs from run to run, such as those that are read from many files.
        """
        return Frame(self.schema, sorted_rows(self.table))

    def write(self, path: Path) -> None:
        """Write zstd Parquet with the Spark schema in the metadata; equal frames give equal bytes.

        Columns are named by position in the file, so that duplicate names survive.
        """
        names = [f"c{index}" for index in range(len(self.columns))]
        schema = json.dumps(self.schema, sort_keys=True, ensure_ascii=False)
        table = self.table.combine_chunks().rename_columns(names)
        with pq.ParquetWriter(path, table.schema, compression="zstd", store_schema=False) as writer:
            writer.add_key_value_metadata({SCHEMA_KEY: schema})
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)

    @classmethod
    def read(cls, path: Path, limits: ReadLimits | None = None) -> Frame:
        """Read what `write` wrote, trusting nothing in it.

        Raises AnswerUnreadable when the file is missing, damaged, not such a file, or beyond the limits. Sizes are
        checked before anything is decoded, and again while decoding, so that a small file cannot fill the memory.
        """
        limits = limits or ReadLimits()
        try:
            return cls._read(path, limits)
        except AnswerUnreadable:
            raise
        except DAMAGE as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise AnswerUnreadable(f"{path.name} cannot be read as an answer: {reason}") from error

    @classmethod
    def _read(cls, path: Path, limits: ReadLimits) -> Frame:
        if not path.is_file():
            raise AnswerUnreadable(f"There is no answer file {path.name}.")
        _within("bytes on disk", path.stat().st_size, limits.file_bytes, path)
        with pq.ParquetFile(path, arrow_extensions_enabled=False) as header:
            schema = _declared_schema(header, path)
            _check_sizes(header, limits, path)
            texts = _text_columns(header)
        with pq.ParquetFile(path, arrow_extensions_enabled=False, read_dictionary=texts) as file:
            tables = list(_decoded(file, schema, limits, path))
            table = pa.concat_tables(tables or [_storage_schema(schema).empty_table()])
            # Parquet readers take text as it comes, even when it is not UTF-8.
            table.validate(full=True)
        return cls(schema, _stored(table, schema))


def sorted_rows(table: pa.Table) -> pa.Table:
    """The rows of a table by one column after the other; nested columns do not take part."""
    comparable = [index for index, field in enumerate(table.schema) if _has_order(field.type)]
    if not comparable:
        return table
    keys = pa.table([table.column(index) for index in comparable], names=[f"c{index}" for index in comparable])
    return table.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names]))


def _has_order(kind: pa.DataType) -> bool:
    """Whether Arrow can sort values of this type."""
    plain = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
    return bool(plain or texts or pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def collect(dataframe: DataFrame) -> pa.Table:
    """All rows as an Arrow table, with columns by position (`c0`, `c1`, ...) where their names or types need help.

    `DataFrame.toArrow` of Spark 4.1 fails on a NULL struct whose fields are declared NOT NULL, so everything is made nullable first.
    """
    return _collectable(dataframe).toArrow()


def _collectable(dataframe: DataFrame) -> DataFrame:
    """The DataFrame with text in place of what Spark cannot hand over as Arrow, or hands over in a form without
    one meaning, and with nested types that may all be NULL."""
    fields = dataframe.schema.fields
    types = [field["type"] for field in dataframe.schema.jsonValue()["fields"]]
    strict = any(field.dataType != _nullable(field.dataType) for field in fields)
    if not strict and not any(spark_types.needs_text(spark_type) for spark_type in types):
        return dataframe
    from pyspark.sql import functions

    positional = dataframe.toDF(*(f"c{index}" for index in range(len(fields))))
    texts = positional.select(
        *(_plain(functions.col(f"c{index}"), types[index]).alias(f"c{index}") for index in range(len(fields)))
    )
    return texts.select(
        *(functions.col(field.name).cast(_nullable(field.dataType)).alias(field.name) for field in texts.schema)
    )


def _nullable(data_type: DataType) -> DataType:
    """The type with every field, element and value in it declared nullable."""
    from pyspark.sql.types import ArrayType, MapType, StructField, StructType

    match data_type:
        case StructType():
            return StructType([StructField(field.name, _nullable(field.dataType)) for field in data_type])
        case ArrayType():
            return ArrayType(_nullable(data_type.elementType))
        case MapType():
            return MapType(_nullable(data_type.keyType), _nullable(data_type.valueType))
    return data_type


def _plain(column: Column, spark_type: spark_types.SparkType) -> Column:
    """The column with each variant and interval in it, however deep, as text. Spark writes a variant's keys sorted."""
    from pyspark.sql import functions

    if not spark_types.needs_text(spark_type):
        return column
    if isinstance(spark_type, str):
        return functions.to_json(column) if spark_type == "variant" else column.cast("string")
    match spark_type["type"]:
        case "array":
            return functions.transform(column, lambda element: _plain(element, spark_type["elementType"]))
        case "map":
            return functions.transform_values(column, lambda _, value: _plain(value, spark_type["valueType"]))
    fields = [
        _plain(column.getField(field["name"]), field["type"]).alias(field["name"]) for field in spark_type["fields"]
    ]
    return functions.when(column.isNotNull(), functions.struct(*fields))


def _stored(table: pa.Table, schema: dict[str, Any]) -> pa.Table:
    """The table with the real names and the storage types of its schema, checked against it."""
    fields = schema["fields"]
    if table.num_columns != len(fields):
        raise AnswerUnreadable(f"The answer has {table.num_columns} columns, its schema {len(fields)}.")
    columns = [_stored_column(table.column(index), field["type"]) for index, field in enumerate(fields)]
    if not columns:
        return table.select([]).replace_schema_metadata(None)
    return pa.Table.from_arrays(columns, names=[field["name"] for field in fields])


def _stored_column(column: pa.ChunkedArray, spark_type: spark_types.SparkType) -> pa.ChunkedArray:
    wanted = spark_types.arrow_type(spark_type)
    if column.type == wanted:
        return column
    if pa.types.is_duration(column.type):
        column = column.cast(pa.duration("us")).cast(pa.int64())
    return column if column.type == wanted else column.cast(wanted)


def _within(what: str, found: int, limit: int, path: Path) -> None:
    if found > limit:
        raise AnswerUnreadable(f"{path.name} holds {found:,} {what}; at most {limit:,} are accepted.")


def _declared_schema(file: pq.ParquetFile, path: Path) -> dict[str, Any]:
    """The Spark schema in the file's metadata, with every part of it checked."""
    raw = (file.metadata.metadata or {}).get(SCHEMA_KEY)
    if raw is None:
        raise AnswerUnreadable(f"{path.name} has no Spark schema in it, so it is not an answer file.")
    _within("bytes of schema", len(raw), MAXIMUM_SCHEMA_BYTES, path)
    schema = json.loads(raw)
    _check_type(schema, 0)
    if schema["type"] != "struct":
        raise AnswerUnreadable(f"{path.name}: the schema is a {schema['type']}, not a struct.")
    return dict(schema)


def _check_type(spark_type: Any, depth: int) -> None:
    """Raise ValueError unless this is the JSON of a Spark type."""
    if depth > MAXIMUM_NESTING:
        raise ValueError("the schema is nested too deeply")
    if isinstance(spark_type, str):
        spark_types.arrow_type(spark_type)
        return
    if not isinstance(spark_type, dict):
        raise ValueError("the schema is malformed")
    for part in ("elementType", "keyType", "valueType", "sqlType"):
        if part in spark_type:
            _check_type(spark_type[part], depth + 1)
    for field in spark_type.get("fields", ()):
        if not isinstance(field.get("name"), str) or not isinstance(field.get("metadata", {}), dict):
            raise ValueError("the schema is malformed")
        if not isinstance(field.get("metadata", {}).get(spark_types.COLLATIONS, {}), dict):
            raise ValueError("the schema is malformed")
        _check_type(field["type"], depth + 1)
    spark_types.arrow_type(spark_type)


def _check_sizes(file: pq.ParquetFile, limits: ReadLimits, path: Path) -> None:
    """Refuse by what the file says of itself, before decoding any of it."""
    metadata = file.metadata
    _within("columns", metadata.num_columns, limits.columns, path)
    _within("rows", metadata.num_rows, limits.rows, path)
    _within("cells", metadata.num_rows * metadata.num_columns, limits.cells, path)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    if any(group.num_rows < 0 for group in groups) or sum(group.num_rows for group in groups) != metadata.num_rows:
        raise AnswerUnreadable(f"{path.name} is damaged: its row counts contradict each other.")
    chunks = [group.column(index) for group in groups for index in range(group.num_columns)]
    encodings = {encoding for chunk in chunks for encoding in chunk.encodings}
    if not encodings <= ENCODINGS:
        raise AnswerUnreadable(
            f"{path.name} uses encodings that no answer file has: {', '.join(sorted(encodings - ENCODINGS))}."
        )
    _within("values", sum(chunk.num_values for chunk in chunks), limits.cells, path)
    _within(
        "bytes when decompressed", sum(chunk.total_uncompressed_size for chunk in chunks), limits.decoded_bytes, path
    )


def _storage_schema(schema: dict[str, Any]) -> pa.Schema:
    return pa.schema(
        [(f"c{index}", spark_types.arrow_type(field["type"])) for index, field in enumerate(schema["fields"])]
    )


def _same_storage(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a column read from Parquet is stored as its Spark type demands; names of list items and nullability
    do not matter."""
    if pa.types.is_dictionary(found):
        return _same_storage(found.value_type, wanted)
    if pa.types.is_struct(wanted):
        return bool(
            pa.types.is_struct(found)
            and [field.name for field in found] == [field.name for field in wanted]
            and all(_same_storage(one.type, other.type) for one, other in zip(found, wanted, strict=True))
        )
    if pa.types.is_map(wanted):
        return bool(
            pa.types.is_map(found)
            and _same_storage(found.key_type, wanted.key_type)
            and _same_storage(found.item_type, wanted.item_type)
        )
    if pa.types.is_list(wanted):
        return bool(pa.types.is_list(found) and _same_storage(found.value_type, wanted.value_type))
    return bool(found == wanted)


def _decoded(file: pq.ParquetFile, schema: dict[str, Any], limits: ReadLimits, path: Path) -> Iterator[pa.Table]:
    """The rows in steps, each counted before its dictionaries are expanded."""
    wanted = _storage_schema(schema)
    found = file.schema_arrow
    if [field.name for field in found] != wanted.names or not all(
        _same_storage(one.type, other.type) for one, other in zip(found, wanted, strict=True)
    ):
        raise AnswerUnreadable(f"{path.name} is damaged: its columns are not those of its schema.")
    if not wanted.names:
        return
    total = 0
    for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
        total += sum(_expanded_bytes(column) for column in batch.columns)
        _within("bytes in memory", total, limits.decoded_bytes, path)
        yield pa.Table.from_batches([batch]).cast(wanted)


def _expanded_bytes(array: pa.Array) -> int:
    """Bytes of an array once each of its dictionaries is expanded: one long text can stand behind a million short
    indices."""
    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary).cast(pa.int64()).take(array.indices)
        return int(pc.sum(lengths).as_py() or 0) + 4 * len(array)
    if pa.types.is_map(array.type):
        return _expanded_bytes(array.keys) + _expanded_bytes(array.items) + 4 * len(array)
    if pa.types.is_list(array.type):
        return _expanded_bytes(array.flatten()) + 4 * len(array)
    if pa.types.is_struct(array.type):
        return sum(_expanded_bytes(child) for child in array.flatten()) + len(array)
    return int(array.nbytes)


def _text_columns(file: pq.ParquetFile) -> list[str]:
    """Paths of the columns of variable length, which are read as dictionaries first."""
    columns = [file.schema.column(index) for index in range(len(file.schema))]
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]
