"""`course data`: tables of any scale, in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from datasets.writing import Request, Result

# The course's JVM is set to start quickly; a generator runs for long, and is worth compiling well.
_JAVA_OPTIONS = "-XX:+UseParallelGC -XX:-UsePerfData"


@click.command("data")
@click.argument("target", metavar="FAMILY|TABLE")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the tables, one folder each.")
@click.option("--scale", default="tiny", show_default=True, help="tiny, platform, or rows such as 5000, 100k, 1m, 10m.")
@click.option("--format", "format_", default="parquet", show_default=True, help="parquet, delta, json, csv or avro.")
@click.option("--seed", type=int, help="Another seed gives other rows.  [default: that of the samples]")
@click.option(
    "--partition-by", multiple=True, metavar="COLUMN", help="A column whose values become folders; repeatable."
)
@click.option("--compression", default="", help="A codec of the format, such as snappy, zstd, gzip or none.")
@click.option("--overwrite", is_flag=True, help="Make tables anew that this command wrote there before.")
def command(
    target: str,
    out: Path,
    scale: str,
    format_: str,
    seed: int | None,
    partition_by: tuple[str, ...],
    compression: str,
    overwrite: bool,
) -> None:
    """Write a family of tables (retail, trips, reviews, churn ...) or one table.

    The same seed and scale give the same rows on every machine; OUT/manifest.json holds counts and digests. After an
    interruption the same command goes on with the table that was not complete.
    """
    from datasets.catalog import SAMPLE_SEED
    from datasets.writing import DataError, Request, names_of, plan, size_text

    try:
        names = names_of(target)
        chosen = SAMPLE_SEED if seed is None else seed
        request = Request(names, out, scale, format_, chosen, compression, partition_by)
        _, wanted, needed = plan(request, overwrite=overwrite)
        click.echo(f"{len(wanted)} of {len(names)} tables to write, about {size_text(needed)}: {', '.join(wanted)}")
        spark = _session()
        try:
            result = _written(spark, request, overwrite)
        finally:
            spark.stop()
    except DataError as error:
        raise click.ClickException(str(error)) from error
    _report(request, result)


def _session() -> SparkSession:
    """Spark on all cores, or where COURSE_SPARK_MASTER says."""
    import os

    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.appName("course data")
        .master(os.environ.get("COURSE_SPARK_MASTER") or "local[*]")
        .config("spark.driver.extraJavaOptions", _JAVA_OPTIONS)
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    # What goes wrong is told in one sentence.
    spark.sparkContext.setLogLevel("OFF")
    return spark


def _written(spark: SparkSession, request: Request, overwrite: bool) -> Result:
    """Write, with a bar for each table."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from datasets.writing import write

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, rows=0)
        return write(
            spark,
            request,
            overwrite=overwrite,
            progress=lambda name, share, rows: bar.update(task, description=name, completed=share, rows=rows),
        )


def _report(request: Request, result: Result) -> None:
    """A line for each table, and the rows per second of all."""
    from datasets.writing import size_text

    for name in result.kept:
        click.echo(f"{name:<20} kept, it was complete")
    for name, entry in result.written.items():
        speed = f"{entry.rows / max(entry.seconds, 0.001):,.0f} rows/s"
        click.echo(
            f"{name:<20} {entry.rows:>13,} rows  {size_text(entry.bytes):>9}  {entry.seconds:8.1f} s  {speed:>18}"
        )
    rows = sum(entry.rows for entry in result.written.values())
    overall = rows / max(result.seconds, 0.001)
    click.echo(f"{rows:,} rows in {result.seconds:.1f} s, {overall:,.0f} rows/s. {request.folder / 'manifest.json'}")
