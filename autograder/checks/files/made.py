"""Reads back what the learner's function has written: the rows with Spark, the layout from the folders themselves."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from autograder.checks.files.answer import FolderState
from autograder.checks.files.layout import Layout, look, shown
from autograder.checks.files.options import DELTA, LINES, Made
from autograder.checks.observing import condition_of
from autograder.compare import Frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructField

_MAXIMUM_HEADER = 20_000


def observe(wish: Made, root: Path, before: Layout, session: SparkSession) -> tuple[FolderState, Frame | None]:
    """State and rows of one folder; no rows where they cannot be read or are not asked for."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    layout = look(root)
    try:
        problem, detail = _problem(wish, layout)
        if problem:
            frame = _no_rows(wish, session) if problem == "empty" else None
            return FolderState(problem, detail), frame
        if wish.format == DELTA:
            return FolderState(), Frame.from_spark(session.read.format(DELTA).load(str(root))).sorted()
        frame = _rows(wish, layout, session) if wish.content else None
        return _state(wish, layout, before, session), frame
    except (PySparkException, Py4JJavaError, pa.ArrowException, OSError, EOFError) as error:
        return FolderState("unreadable", condition_of(error)), None


def _problem(wish: Made, layout: Layout) -> tuple[str, str]:
    """Why there is nothing to read, and more about it."""
    is_delta = (layout.root / "_delta_log").is_dir()
    if wish.format == DELTA and is_delta:
        return ("", "") if layout.problem in ("", "mixed") else (layout.problem, "")
    if layout.problem:
        return layout.problem, ""
    if is_delta:
        return "format", DELTA
    if not layout.files:
        return "empty", ""
    if wish.format == LINES:
        return "", ""
    others = sorted({found for found in map(layout.format_of, layout.files) if found} - {wish.format})
    if wish.format == DELTA or others:
        return "format", others[0] if others else ""
    return "", ""


def _no_rows(wish: Made, session: SparkSession) -> Frame | None:
    """What an empty folder holds, when that can be told."""
    if not wish.content or not (wish.schema or wish.format == LINES):
        return None
    from pyspark.sql import functions as F

    fields = _fields(wish.schema or "value STRING")
    return Frame.from_spark(
        session.range(0).select(*(F.lit(None).cast(field.dataType).alias(field.name) for field in fields))
    )


def _fields(schema: str) -> list[StructField]:
    """The fields of a schema. (`createDataFrame` of the observer's session would make that session the active one.)"""
    from pyspark.sql.types import StructType

    found = StructType.fromDDL(schema)
    assert isinstance(found, StructType)
    return found.fields


def _rows(wish: Made, layout: Layout, session: SparkSession) -> Frame:
    if wish.format == LINES:
        lines = [line for name in layout.files for line in layout.text_of(name).splitlines()]
        frame = Frame.from_arrow(pa.table({"value": pa.array(lines, pa.string())}))
    elif wish.ordered and len(layout.files) > 1:
        parts = [_read(wish, layout, session, layout.path(name)) for name in layout.files]
        frame = Frame.from_spark(reduce(lambda one, other: one.union(other), parts))
    else:
        frame = Frame.from_spark(_read(wish, layout, session, layout.root))
    return frame if wish.ordered else frame.sorted()


def _read(wish: Made, layout: Layout, session: SparkSession, path: Path) -> DataFrame:
    reader = session.read.format(wish.format).options(**wish.options)
    if wish.schema:
        reader = reader.schema(wish.schema)
    elif wish.format in ("parquet", "orc"):  # else a column that only some files have could stay unseen
        reader = reader.option("mergeSchema", True)
    if layout.plain_folders:
        reader = reader.option("recursiveFileLookup", True)
    elif path != layout.root:
        reader = reader.option("basePath", str(layout.root))
    return reader.load(str(path))


def _state(wish: Made, layout: Layout, before: Layout, session: SparkSession) -> FolderState:
    """Of all that could be seen only what the exercise asks for, so that nothing else can make a difference."""
    seen: dict[str, Any] = {}
    if wish.partitioned_by is not None:
        seen["partitioned_by"] = tuple(map(shown, layout.partitions))
    if wish.tree:
        seen["folders"] = tuple(map(shown, layout.folders))
    if wish.files:
        seen["files"] = len(layout.files)
    if wish.kept_files:
        seen["kept_files"] = sum(layout.files.get(name) == entry for name, entry in before.files.items())
    if wish.rows_per_file:
        seen["largest"] = _largest(wish, layout, session)
    if wish.header is not None:
        seen["header"] = _has_header(wish, layout)
    if wish.compression:
        seen["compressions"] = tuple(sorted({layout.compression_of(name) for name in layout.files}))
    if wish.names:
        seen["names"] = tuple(map(shown, layout.files))
    return FolderState(**seen)


def _largest(wish: Made, layout: Layout, session: SparkSession) -> int:
    """The rows of the file that has most."""
    if wish.format == LINES:
        return max(len(layout.text_of(name).splitlines()) for name in layout.files)
    counts = _read(wish, layout, session, layout.root).groupBy("_metadata.file_path").count().collect()
    return max((int(row["count"]) for row in counts), default=0)


def _has_header(wish: Made, layout: Layout) -> bool:
    """Whether each file that is not empty begins with the names of the columns, as the schema has them."""
    first = [text.splitlines()[0] for name in layout.files if (text := layout.text_of(name, _MAXIMUM_HEADER))]
    if not first:
        return False
    separator = str(wish.options.get("sep", wish.options.get("delimiter", ",")))
    in_files = {field.name for field in _fields(wish.schema)} - set(layout.partitions)
    return all({cell.strip('"') for cell in line.split(separator)} == in_files for line in first)
