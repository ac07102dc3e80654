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
    from pyspark.sql import DataFrame

SCHEMA_KEY = b"spark_schema"
ROW_GROUP_ROWS = 1_000_000
BATCH_ROWS = 65_536
ENCODINGS = {"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY"}
MAXIMUM_SCHEMA_BYTES = 1_000_000
MAXIMUM_NESTING = 50


class AnswerUnreadable(ValueError):
    """An answer's file is damaged, hostile, too large, or holds something that cannot be compared. The message says which."""


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
    """Rows and their Spark types. `schema` is `StructType.jsonValue()`; `table` has one column per field, in the same order, with the
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
        collectable = dataframe
        if any(spark_types.is_text_interval(field["type"]) for field in schema["fields"]):
            collectable = _intervals_as_text(dataframe, schema)
        try:
            table = collectable.toArrow()
        except Exception as error:
            if type(error).__name__ in {"PySparkTypeError", "UnsupportedOperationException"}:
                raise AnswerUnreadable(f"A column has a type that cannot be compared: {error}") from error
            raise
        return cls(schema, _stored(table, schema))

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Frame:
        """A frame of an Arrow table, with the Spark types that its columns would have. Raises ValueError when Spark has none."""
        schema = spark_types.struct([(field.name, spark_types.spark_type_of(field.type)) for field in table.schema])
        return cls(schema, _stored(table, schema))

    def write(self, path: Path) -> None:
        """Write zstd Parquet with the Spark schema in the metadata; equal frames give equal bytes.

        Columns are named by position in the file, so that duplicate names survive.
        """
        names = [f"c{index}" for index in range(len(self.columns))]
        metadata = {SCHEMA_KEY: json.dumps(self.schema, sort_keys=True, ensure_ascii=False).encode()}
        table = self.table.combine_chunks().rename_columns(names).replace_schema_metadata(metadata)
        pq.write_table(table, path, compression="zstd", store_schema=False, row_group_size=ROW_GROUP_ROWS)

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
        except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError) as error:
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
        return cls(schema, _stored(table, schema))


def _intervals_as_text(dataframe: DataFrame, schema: dict[str, Any]) -> DataFrame:
    from pyspark.sql import functions

    positional = dataframe.toDF(*(f"c{index}" for index in range(len(schema["fields"]))))
    selected = [
        functions.col(f"c{index}").cast("string") if spark_types.is_text_interval(field["type"]) else functions.col(f"c{index}")
        for index, field in enumerate(schema["fields"])
    ]
    return positional.select(*selected)


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
    if _holds_variants(column.type):
        chunks = [_variants_as_text(chunk) for chunk in column.chunks]
        column = pa.chunked_array(chunks, type=chunks[0].type if chunks else wanted)
    if pa.types.is_duration(column.type):
        column = column.cast(pa.duration("us")).cast(pa.int64())
    return column if column.type == wanted else column.cast(wanted)


def _is_variant(arrow: pa.DataType) -> bool:
    return bool(
        pa.types.is_struct(arrow)
        and arrow.num_fields == 2
        and {arrow[0].name, arrow[1].name} == {"value", "metadata"}
        and any((arrow[index].metadata or {}).get(b"variant") == b"true" for index in range(2))
    )


def _holds_variants(arrow: pa.DataType) -> bool:
    return _is_variant(arrow) or any(_holds_variants(arrow.field(index).type) for index in range(arrow.num_fields))


def _variants_as_text(array: pa.Array) -> pa.Array:
    """Replace each variant, however deep, by its JSON with sorted keys."""
    if not _holds_variants(array.type):
        return array
    if _is_variant(array.type):
        return _variant_texts(array)
    if pa.types.is_map(array.type):
        keys, items = _variants_as_text(array.keys), _variants_as_text(array.items)
        return pa.MapArray.from_arrays(_offsets(array), keys, items)
    if pa.types.is_list(array.type):
        return pa.ListArray.from_arrays(_offsets(array), _variants_as_text(array.values))
    children = [_variants_as_text(array.field(index)) for index in range(array.type.num_fields)]
    names = [array.type.field(index).name for index in range(array.type.num_fields)]
    return pa.StructArray.from_arrays(children, names=names, mask=pc.is_null(array))


def _offsets(array: pa.Array) -> pa.Array:
    """Offsets of a list or map array in which a null element has a null offset, as `from_arrays` wants it."""
    if array.null_count == 0:
        return array.offsets
    valid = pc.is_valid(array).to_pylist()
    return pa.array(
        [offset if is_valid else None for offset, is_valid in zip(array.offsets.to_pylist(), [*valid, True], strict=True)],
        type=pa.int32(),
    )


def _variant_texts(array: pa.Array) -> pa.Array:
    from pyspark.sql.variant_utils import VariantUtils

    texts: dict[tuple[bytes, bytes], str] = {}
    result: list[str | None] = []
    for variant in array.to_pylist():
        if variant is None:
            result.append(None)
            continue
        key = (variant["value"], variant["metadata"])
        if key not in texts:
            document = json.loads(VariantUtils.to_json(*key))
            texts[key] = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        result.append(texts[key])
    return pa.array(result, type=pa.string())


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
        raise AnswerUnreadable(f"{path.name} uses encodings that no answer file has: {', '.join(sorted(encodings - ENCODINGS))}.")
    _within("values", sum(chunk.num_values for chunk in chunks), limits.cells, path)
    _within("bytes when decompressed", sum(chunk.total_uncompressed_size for chunk in chunks), limits.decoded_bytes, path)


def _storage_schema(schema: dict[str, Any]) -> pa.Schema:
    return pa.schema([(f"c{index}", spark_types.arrow_type(field["type"])) for index, field in enumerate(schema["fields"])])


def _same_storage(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a column read from Parquet is stored as its Spark type demands; names of list items and nullability do not matter."""
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
    """Bytes of an array once each of its dictionaries is expanded: one long text can stand behind a million short indices."""
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
