"""Rows as lines of JSON or CSV, some of them broken, some in the second version of a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from datasets.defects.planting import Soiled
from datasets.generators.cells import Cells

_KIND = "kind of line"


@dataclass(frozen=True)
class Drift:
    """A second version of a schema.

    Parameters:
        where: SQL condition for the rows that are written in it, such as "event_ts >= '2025-07-01'".
        renamed: new names of columns by their old ones.
        added: SQL expressions of new columns by name, such as {"app_version": "'2.0'"}.
        removed: columns that are left out.
        as_text: columns that are written as text from then on.
    """

    where: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    removed: Sequence[str] = ()
    as_text: Sequence[str] = ()


def json_lines(
    soiled: Soiled, *, key: Sequence[str], malformed: float = 0.0, drift: Drift | None = None, seed: int = 0
) -> Soiled:
    """One JSON object a line, in a column `value`; null cells are left out.

    Parameters:
        soiled: rows and truth of `plant`; what is planted here is added to the truth.
        key: columns that identify a row, which broken lines are drawn by.
        malformed: share of the lines that are cut off, so that no parser takes them.
        drift: a second version of the schema; lines in it have the kind "schema v2" in the truth.

    Raises:
        ValueError: the rate is no share, or the drift names a column that is not there.
    """
    rows = _drawn(soiled.rows, key, malformed, ("cut line",), seed)
    columns = soiled.rows.columns
    whole = F.to_json(F.struct(*columns), {"timeZone": "UTC"})
    is_new = F.lit(False)
    if drift:
        _check_drift(drift, columns)
        is_new = F.coalesce(F.expr(drift.where), F.lit(False))
        whole = F.when(is_new, F.to_json(F.struct(*_second_version(drift, columns)), {"timeZone": "UTC"})).otherwise(
            whole
        )
    # At most 9 in 10 characters are kept: the closing brace is always lost.
    kept = F.greatest(F.floor(F.length(whole) * F.col("cut")), F.lit(1)).cast("int")
    cut = F.substr(whole, F.lit(1), kept)
    lines = rows.select(
        *key, F.when(F.col(_KIND).isNotNull(), cut).otherwise(whole).alias("value"), is_new.alias("is_new"), _KIND
    )
    kinds = F.array_compact(F.array(F.when(F.col("is_new"), F.lit("schema v2")), F.col(_KIND)))
    return _with_truth(soiled, lines, kinds, key)


def csv_lines(soiled: Soiled, *, key: Sequence[str], malformed: float = 0.0, seed: int = 0) -> Soiled:
    """One line of comma separated values for each row, in a column `value`, without a header.

    Of the malformed lines, half have fields too many and half too few.

    Raises:
        ValueError: the rate is no share, or a column is nested.
    """
    nested = [name for name, type_ in soiled.rows.dtypes if type_.startswith(("array", "map", "struct"))]
    if nested:
        raise ValueError(f"CSV has no nesting: drop {', '.join(nested)}, or make JSON text of it.")
    columns = soiled.rows.columns
    rows = _drawn(soiled.rows, key, malformed, ("surplus fields", "missing fields"), seed)
    options = {"timeZone": "UTC", "escape": '"'}
    whole = F.to_csv(F.struct(*columns), options)
    short = F.to_csv(F.struct(*columns[: max(1, len(columns) // 2)]), options)
    value = F.when(F.col(_KIND) == "surplus fields", F.concat(whole, F.lit(",surplus,fields")))
    value = value.when(F.col(_KIND) == "missing fields", short).otherwise(whole)
    lines = rows.select(*key, value.alias("value"), _KIND)
    return _with_truth(soiled, lines, F.array_compact(F.array(F.col(_KIND))), key)


def _drawn(rows: DataFrame, key: Sequence[str], malformed: float, kinds: Sequence[str], seed: int) -> DataFrame:
    """Add the kind of a broken line (null: whole), each kind equally often, and where it is cut (0 to 0.9)."""
    if not 0 <= malformed <= 1:
        raise ValueError(f"The rate of malformed lines is {malformed}; a rate is a share from 0 to 1.")
    cells, row = Cells("lines", seed), F.xxhash64(*key)
    broken = cells.pick("kind", kinds, row)
    return rows.withColumns(
        {
            _KIND: F.when(cells.chance("malformed", malformed, row), broken),
            "cut": F.lit(0.3) + cells.uniform("cut", row) * F.lit(0.6),
        }
    )


def _check_drift(drift: Drift, columns: Sequence[str]) -> None:
    missing = sorted({*drift.renamed, *drift.removed, *drift.as_text} - set(columns))
    if missing:
        raise ValueError(f"The drift names {', '.join(missing)}; the columns are {', '.join(columns)}.")


def _second_version(drift: Drift, columns: Sequence[str]) -> list[Column]:
    """The columns of the second version of a schema."""
    kept = [name for name in columns if name not in drift.removed]
    written = {name: F.col(name).cast("string") if name in drift.as_text else F.col(name) for name in kept}
    found = [value.alias(drift.renamed.get(name, name)) for name, value in written.items()]
    return found + [F.expr(expression).alias(name) for name, expression in drift.added.items()]


def _with_truth(soiled: Soiled, lines: DataFrame, kinds: Column, key: Sequence[str]) -> Soiled:
    """The lines, and the truth with a row for each kind of a line."""
    found = lines.select(*key, F.explode(kinds).alias("kind"))
    found = found.select(*key, F.lit(None).cast("string").alias("column"), "kind")
    return Soiled(lines.select("value"), soiled.truth.unionByName(found))
