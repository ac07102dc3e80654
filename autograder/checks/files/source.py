"""Writes rows as files, always the same ones: in the table's order, under plain names, with times that an exercise can rely on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pyarrow as pa

from autograder.checks.files.options import DELTA, LINES, Source, WrongOptions
from autograder.compare import collect

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def write(source: Source, session: SparkSession, folder: Path) -> list[str]:
    """Fill a folder, which must not exist, and return the names of the files in order. `session` knows the table by its name."""
    frame = session.table(source.table).coalesce(1)
    if source.where:
        frame = frame.where(source.where)
    if source.select:
        frame = frame.selectExpr(*source.select)
    if source.format == DELTA:
        frame.write.format(DELTA).partitionBy(*source.partitioned_by).save(str(folder))
        return []
    folder.mkdir(parents=True)
    if source.format == LINES:
        _write_lines(source, frame, folder)
    else:
        _write_by_spark(source, frame, folder)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for number, name in enumerate(names):
        os.utime(folder / name, (source.moment(number), source.moment(number)))
    return names


def parts(source: Source, session: SparkSession) -> list[tuple[str, ...]]:
    """The lines of a source, cut into its number of parts."""
    from pyspark.sql import functions as F

    frame = session.table(source.table).coalesce(1)
    if source.select:
        frame = frame.selectExpr(*source.select)
    lines = [text for (text,) in _rows(frame.select(F.expr(source.line)))]
    size = max(1, -(-len(lines) // source.files))
    return [tuple(lines[start : start + size]) for start in range(0, len(lines), size)]


def _write_by_spark(source: Source, frame: DataFrame, folder: Path) -> None:
    """As Spark writes it, without its marks of success and its checksums, and with names that do not change."""
    temporary = folder.with_name(f"{folder.name} as written")
    writer = frame.write.format(source.format).options(**source.options)
    if source.files > 1:
        writer = writer.option("maxRecordsPerFile", max(1, -(-frame.count() // source.files)))
    if source.partitioned_by:
        writer = writer.partitionBy(*source.partitioned_by)
    writer.save(str(temporary))
    numbers: dict[Path, int] = {}
    for path in sorted(temporary.rglob("part-*")):
        place = folder / path.parent.relative_to(temporary)
        place.mkdir(parents=True, exist_ok=True)
        numbers[place] = numbers.get(place, 0) + 1
        path.rename(place / f"part-{numbers[place]:05}.{_ending(path.name, source.format)}")
    shutil.rmtree(temporary)


def _ending(name: str, format_: str) -> str:
    """What tells the format, and for text also the compression: readers go by it."""
    ending = name.partition(".")[2]
    return ending if ending.startswith(format_) else format_


def _write_lines(source: Source, frame: DataFrame, folder: Path) -> None:
    for name, text in _texts(source, frame):
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or not place.name:
            raise WrongOptions(f"files=: {name!r} is no name of a file inside the folder.")
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")


def _texts(source: Source, frame: DataFrame) -> Iterable[tuple[str, str]]:
    """Name and text of each file."""
    from pyspark.sql import functions as F

    first = "" if source.header is None else f"{source.header}\n"
    if source.text:
        whole = frame.groupBy(F.expr(source.name).alias("name of the file")).agg(F.expr(source.text))
        for name, text in _rows(whole):
            yield name, f"{first}{text}\n"
        return
    line = F.expr(source.line)
    if source.name:
        grouped: dict[str, list[str]] = {}
        for name, text in _rows(frame.select(F.expr(source.name), line)):
            grouped.setdefault(name, []).append(text)
        for name, lines in grouped.items():
            yield name, first + "".join(f"{text}\n" for text in lines)
        return
    lines = [text for (text,) in _rows(frame.select(line))]
    size = max(1, -(-len(lines) // source.files))
    for number, start in enumerate(range(0, len(lines), size), start=1):
        part = lines[start : start + size]
        yield f"part-{number:05}.{source.suffix}", first + "".join(f"{text}\n" for text in part)


def _rows(frame: DataFrame) -> list[tuple[str, ...]]:
    """The rows, each value as text; NULL as an empty one."""
    table: pa.Table = collect(frame)
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
    return list(zip(*columns, strict=True))
