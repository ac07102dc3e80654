"""The data dictionary, docs/datasets.md: made from the declarations and counted on the samples."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from datasets.catalog import load, tables
from datasets.table import Defect, Table

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "datasets.md"
MARKER = "<!-- Below this line: written by `python -m datasets dictionary`. Edit datasets/declarations/ instead. -->"
_FAMILY_TITLES = {
    "retail": "Retail: a shop",
    "trips": "Trips: taxis in a city",
    "reviews": "Reviews: places and opinions",
    "churn": "Churn: customers who leave",
    "sensors": "Sensors: machines in a factory",
    "ticks": "Ticks: prices at an exchange",
    "air": "Air: what stations measure",
}


def number_of(spark: SparkSession, query: str) -> int:
    """The one number that a query over the sample tables gives. The samples must be registered (`register_samples`)."""
    return int(spark.sql(query).collect()[0][0])


def register_samples(spark: SparkSession) -> None:
    """Make every sample a temporary view of its name, as the queries of the declarations expect."""
    for name in tables():
        load(spark, name).createOrReplaceTempView(name)


def null_counts(spark: SparkSession, table: Table) -> tuple[int, dict[str, int]]:
    """Rows of the sample of a table, and the nulls in each of its columns."""
    counts = [F.count_if(F.col(column.name).isNull()).alias(column.name) for column in table.columns]
    found = load(spark, table.name).agg(F.count(F.lit(1)).alias("rows of the table"), *counts).collect()[0].asDict()
    return found.pop("rows of the table"), found


def dictionary(spark: SparkSession) -> str:
    """The generated part of the document."""
    register_samples(spark)
    parts = []
    family = ""
    for table in tables().values():
        if table.family != family:
            family = table.family
            parts.append(f"## {_FAMILY_TITLES[family]}\n")
        parts.append(_section(spark, table))
    return "\n".join(parts)


def _section(spark: SparkSession, table: Table) -> str:
    rows, nulls = null_counts(spark, table)
    key = ", ".join(f"`{name}`" for name in table.key)
    repeats = f"; about {_percent(table.duplicates)} of the rows repeat a key" if table.duplicates else ""
    lines = [f"### `{table.name}`\n", f"{table.description} {rows:,} rows in the sample. Key: {key}{repeats}.\n"]
    lines += ["| column | type | unit | meaning | nulls in the sample |", "|---|---|---|---|---|"]
    for column in table.columns:
        share = f"{nulls[column.name]} (aim: {_percent(column.nulls)})" if column.nulls else str(nulls[column.name])
        lines.append(f"| `{column.name}` | `{column.type}` | {column.unit} | {_cell(column.meaning)} | {share} |")
    if table.defects:
        lines += ["", "| planted | in the sample | aim |", "|---|---|---|"]
        lines += [_defect_line(spark, defect) for defect in table.defects]
    return "\n".join(lines) + "\n"


def _defect_line(spark: SparkSession, defect: Defect) -> str:
    aim = "" if defect.rate is None else _percent(defect.rate)
    return (
        f"| {_cell(defect.description)} | {number_of(spark, defect.count)} of {number_of(spark, defect.of):,} | {aim} |"
    )


def _percent(rate: float) -> str:
    return f"{rate * 100:.3g} %"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def document_text(generated: str, document: Path = DOCUMENT) -> str:
    """The whole document: the introduction that is there, written by hand, and the generated part (see `dictionary`).

    Raises:
        ValueError: the marker between the two is missing.
    """
    introduction, marker, _ = document.read_text(encoding="utf-8").partition(MARKER)
    if not marker:
        raise ValueError(f"{document} has lost the line that begins the generated part. Put it back:\n{MARKER}")
    return f"{introduction}{marker}\n\n{generated}"


def write_dictionary(generated: str, document: Path = DOCUMENT) -> None:
    """Rewrite the generated part of the document."""
    document.write_text(document_text(generated, document), encoding="utf-8")


def stale_dictionary(generated: str, document: Path = DOCUMENT) -> list[str]:
    """One sentence if the document does not hold this generated part."""
    if document.read_text(encoding="utf-8") == document_text(generated, document):
        return []
    return [f"{document.name} is not what the declarations and samples say."]
