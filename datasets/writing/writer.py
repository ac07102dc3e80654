"""Writes the tables of a request, one after the other, so that a table is there whole or not at all.

A table grows in a hidden folder beside its place and is renamed when Spark has finished. Its entry is in the manifest
before the rename, so that a table in its place without an entry is somebody else's, and an entry without a table is
one that a kill prevented: both are told apart after any interruption.
"""

from __future__ import annotations

import errno
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from datasets.catalog import generate, table
from datasets.writing import manifest
from datasets.writing.claim import claimed
from datasets.writing.digest import digest_aggregates, digest_of
from datasets.writing.errors import DataError, disk_full, from_os_error
from datasets.writing.estimate import check_disk, expected_rows
from datasets.writing.job import shares_of
from datasets.writing.manifest import Entry, Manifest
from datasets.writing.request import Request, partitioning_of

ROWS_IN_A_TASK = 250_000
"""Base rows that one task makes: few enough for a bar that moves, enough for files worth opening."""
Progress = Callable[[str, float, int], None]
"""Called with table, share done (0 to 1) and rows, estimated until the share is 1 and exact then."""


@dataclass(frozen=True)
class Result:
    """What a run did: entries by table of what it wrote, names of complete tables that it kept, seconds of all."""

    written: dict[str, Entry]
    kept: tuple[str, ...]
    seconds: float


def plan(request: Request, *, overwrite: bool = False) -> tuple[Manifest, tuple[str, ...], int]:
    """What there is to do: the manifest to continue, the tables to write, and about how many bytes they need.

    Needs no Spark session and changes nothing but creating the folder.

    Raises:
        DataError: the folder holds something that would have to be overwritten, cannot be written, or has no room.
    """
    state = _to_continue(request, manifest.read(request.folder), overwrite)
    wanted = []
    for name in request.tables:
        place = request.folder / name
        entry = state.tables.get(name)
        if name in state.outdated or (entry is not None and not place.exists()):
            wanted.append(name)
        elif entry is not None:
            _check_kept(request, name, entry)
        elif place.exists() or place.is_symlink():
            raise DataError(
                f"{place} is there and was not written by this command. Move it away, or choose another --out."
            )
        else:
            wanted.append(name)
    if not wanted:
        raise DataError(
            f"{request.folder} already holds all of this, and nothing was written. --overwrite makes it anew."
        )
    _check_writable(request.folder)
    return state, tuple(wanted), check_disk(request, tuple(wanted))


def _to_continue(request: Request, found: Manifest | None, overwrite: bool) -> Manifest:
    """The manifest to go on with: that of the folder, or a new one in which the tables to be replaced are outdated."""
    if found is None:
        return Manifest(request.settings())
    present = {*found.tables, *found.outdated}
    others = sorted(present - set(request.tables))
    same = found.settings == request.settings()
    if overwrite and (same or not others):
        kept = {name: entry for name, entry in found.tables.items() if name in others}
        return Manifest(request.settings(), kept, sorted(present - set(others)))
    if same:
        return found
    differing = ", ".join(
        f"{key} {found.settings.get(key)!r}"
        for key, value in request.settings().items()
        if found.settings.get(key) != value
    )
    remedy = (
        f"Its tables {', '.join(others)} would not fit to the new ones. Choose another --out."
        if overwrite
        else "Choose another --out, or give --overwrite."
    )
    raise DataError(f"{request.folder} holds tables that were made with other settings ({differing}). {remedy}")


def _check_kept(request: Request, name: str, entry: Entry) -> None:
    if not manifest.is_whole(request.folder, name, entry):
        raise DataError(
            f"The files in {request.folder / name} are not those that {manifest.NAME} counts: they were changed since. "
            "Give --overwrite to make the table anew, or choose another --out."
        )
    if entry.version != table(name).version:
        raise DataError(
            f"{request.folder / name} was made by version {entry.version} of its generator, which is now at version "
            f"{table(name).version}. Give --overwrite to make it anew, or choose another --out."
        )


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{uuid.uuid4().hex}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise from_os_error(error, folder) from error


def write(
    spark: SparkSession, request: Request, *, overwrite: bool = False, progress: Progress | None = None
) -> Result:
    """Write what `plan` says, table by table; complete tables of an interrupted run are kept.

    Parameters:
        spark: makes the rows; nothing is collected but counts and digests.
        overwrite: make tables anew that the folder's manifest lists; other folders are never touched.

    Raises:
        DataError: see `plan`; also when the disk fills up or Spark fails on the way.
    """
    started = time.monotonic()
    _check_writable(request.folder)
    # Settings and observations stay out of the caller's session, in which Spark 4.1 would apply no fitted model any more.
    spark = spark.newSession()
    with claimed(request.folder):
        state, wanted, _ = plan(request, overwrite=overwrite)
        state.save(request.folder)
        written = {name: _write_table(spark, request, state, name, progress or _silent) for name in wanted}
    kept = tuple(name for name in request.tables if name not in written)
    return Result(written, kept, time.monotonic() - started)


def _silent(name: str, share: float, rows: int) -> None:
    """Progress that nobody watches."""


def _write_table(spark: SparkSession, request: Request, state: Manifest, name: str, progress: Progress) -> Entry:
    folder = request.folder
    staging, replaced = folder / f".{name}.partial", folder / f".{name}.replaced"
    started = time.monotonic()
    try:
        for remains in (staging, replaced):
            shutil.rmtree(remains, ignore_errors=True)
        rows, digest = _make(spark, request, name, staging, progress)
        files, size = manifest.files_of(staging)
        seconds = round(time.monotonic() - started, 3)
        entry = Entry(table(name).version, rows, digest, files, size, seconds)
        if (folder / name).exists():
            (folder / name).rename(replaced)
        state.complete(name, entry)
        state.save(folder)
        staging.rename(folder / name)
        shutil.rmtree(replaced, ignore_errors=True)
    except OSError as error:
        raise from_os_error(error, folder) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    progress(name, 1.0, rows)
    return entry


def _make(spark: SparkSession, request: Request, name: str, staging: Path, progress: Progress) -> tuple[int, str]:
    """Let Spark write a table into a folder; returns its rows and digest, which are counted in the same pass."""
    expected = expected_rows(request, name)
    observation = Observation()
    try:
        for share in shares_of(spark, lambda: _save(spark, request, name, staging, observation)):
            progress(name, share, round(share * expected))
    except Exception as error:
        raise _failure(error, request, name) from error
    return digest_of(observation.get)


def _failure(error: Exception, request: Request, name: str) -> DataError:
    text = str(error)
    if "No space left on device" in text or getattr(error, "errno", 0) == errno.ENOSPC:
        return disk_full(request.folder)
    if "DATA_SOURCE_NOT_FOUND" in text or "Failed to find" in text or "ClassNotFoundException" in text:
        return DataError(f"Spark has no writer for {request.format} here: run `course setup`, which fetches it.")
    return DataError(f"Spark could not write {name}: {text.splitlines()[0] if text else type(error).__name__}")


def _save(spark: SparkSession, request: Request, name: str, staging: Path, observation: Observation) -> None:
    declared = table(name)
    base = request.sizes.get(declared.base or name, 1)
    tasks = max(spark.sparkContext.defaultParallelism, -(-base // ROWS_IN_A_TASK))
    tasks = max(1, min(tasks, base // 1000))
    spark.conf.set("spark.sql.shuffle.partitions", str(tasks))
    rows = generate(spark, name, seed=request.seed, scale=request.scale, partitions=tasks)
    folders = partitioning_of(declared, request.partition_by)
    if folders:
        rows = rows.repartition(tasks, *folders)
    rows = rows.observe(observation, *digest_aggregates(declared))
    writer = _prepared(rows, request.format).write.format(request.format).option("compression", request.compression)
    if request.format == "csv":
        writer = writer.options(header="true", escape='"')
    if request.format == "json":
        writer = writer.option("ignoreNullFields", "false")
    if folders:
        writer = writer.partitionBy(*folders)
    writer.save(str(staging.absolute()))


def _prepared(rows: DataFrame, format_: str) -> DataFrame:
    """The rows as the format can hold them: CSV gets nested columns as JSON text."""
    if format_ != "csv":
        return rows
    nested = [field.name for field in rows.schema.fields if field.dataType.typeName() in ("array", "map", "struct")]
    return rows.withColumns({name: F.to_json(name, {"timeZone": "UTC"}) for name in nested})
