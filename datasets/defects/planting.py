"""Defects in cells and rows, drawn by the key of the row and nothing else, so that truth and rows always agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DateType, NumericType, StringType, TimestampType

from datasets.generators.cells import Cells

NONSENSE = ("n/a", "twelve", "--", "1.2.3", "?")
"""What stands in a column of another type."""

BEYOND = 5_000_000_000_000
"""Added to a reference, it refers to nothing."""

ARRIVAL = "arrival_ts"
PUNCTUAL_SECONDS = 4
OUT_OF_ORDER_SECONDS = (30, 300)
LATE_SECONDS = (600, 7_200)
"""Delays of events: at most the first; between the second for those out of order, between the third for late ones."""

_TRUTH = "planted here"
_ROW = "row number by key"


@dataclass(frozen=True)
class Rates:
    """Shares from 0 to 1, by column where a column is hit, else of all rows.

    Parameters:
        nulls: cells that become null.
        wrong_types: cells that become `NONSENSE`; the columns become text.
        broken_references: references (whole numbers) that point to nothing.
        impossible: negative numbers, dates a thousand years ahead, empty text.
        skewed_keys: cells that all get one value, the smallest of the hot key's draw; see `hot_key`.
        exact_duplicates: rows that come twice.
        near_duplicates: rows that come a second time with another value in one of these columns.
        late, out_of_order: events that arrive late, or a little too late for their order; need `event_time`, the column
            with the time of the event, and add `arrival_ts`.
    """

    nulls: Mapping[str, float] = field(default_factory=dict)
    wrong_types: Mapping[str, float] = field(default_factory=dict)
    broken_references: Mapping[str, float] = field(default_factory=dict)
    impossible: Mapping[str, float] = field(default_factory=dict)
    skewed_keys: Mapping[str, float] = field(default_factory=dict)
    exact_duplicates: float = 0.0
    near_duplicates: Mapping[str, float] = field(default_factory=dict)
    late: float = 0.0
    out_of_order: float = 0.0
    event_time: str = ""

    def __post_init__(self) -> None:
        for name, rate in self._all():
            if not 0 <= rate <= 1:
                raise ValueError(f"The rate of {name} is {rate}; a rate is a share from 0 to 1.")
        for column in self.columns():
            if sum(rates.get(column, 0.0) for _, rates in self.by_column()) > 1:
                raise ValueError(f"The rates of column {column!r} add up to more than 1.")
        if self.exact_duplicates + sum(self.near_duplicates.values()) > 1:
            raise ValueError("The rates of duplicates add up to more than 1.")
        if self.late + self.out_of_order > 1:
            raise ValueError("The rates of late and out_of_order add up to more than 1.")
        if (self.late or self.out_of_order) and not self.event_time:
            raise ValueError(
                "Late events and events out of order need event_time, the column with the time of the event."
            )

    def by_column(self) -> tuple[tuple[str, Mapping[str, float]], ...]:
        """Kinds that hit a cell, with their rates by column."""
        return (
            ("null", self.nulls),
            ("wrong type", self.wrong_types),
            ("broken reference", self.broken_references),
            ("impossible value", self.impossible),
            ("skewed key", self.skewed_keys),
        )

    def columns(self) -> list[str]:
        """Columns whose cells are hit, each once."""
        return list(dict.fromkeys(column for _, rates in self.by_column() for column in rates))

    def _all(self) -> list[tuple[str, float]]:
        named = [(f"{kind} in {column}", rate) for kind, rates in self.by_column() for column, rate in rates.items()]
        named += [(f"near duplicates in {column}", rate) for column, rate in self.near_duplicates.items()]
        rest = {"exact duplicates": self.exact_duplicates, "late": self.late, "out of order": self.out_of_order}
        return named + list(rest.items())


@dataclass(frozen=True)
class Soiled:
    """Rows with defects, and the truth about them: the key columns of the row, `column` (null: the row), `kind`.

    A row that comes twice has one line in the truth for its copy, and one for each planted cell of the original; copies
    repeat the cells of their original.
    """

    rows: DataFrame
    truth: DataFrame


def plant(rows: DataFrame, *, key: Sequence[str], rates: Rates, seed: int) -> Soiled:
    """Plant defects into rows.

    Parameters:
        rows: any rows; those with the same key are hit alike.
        key: columns that identify a row. They cannot be hit themselves.
        rates: what to plant and how often. A null cell is not hit, so a share of the other cells is.
        seed: other seeds hit other cells.

    Raises:
        ValueError: a column is not there, belongs to the key, or has a type that a defect does not go with.
    """
    _check(rows, key, rates)
    cells = Cells("defects", seed)
    order = rows.columns
    soiled = rows.withColumn(_ROW, F.xxhash64(*key)).withColumn(
        _TRUTH, F.array().cast("array<struct<column:string,kind:string>>")
    )
    for column in rates.columns():
        soiled = _hit(cells, soiled, column, rates)
    if rates.event_time:
        soiled = _delayed(cells, soiled, rates)
        order = [*order, ARRIVAL]
    soiled = _copied(cells, soiled, rates)
    truth = soiled.select(*key, F.explode(_TRUTH).alias("planted")).select(*key, "planted.column", "planted.kind")
    return Soiled(soiled.select(*order), truth)


def _check(rows: DataFrame, key: Sequence[str], rates: Rates) -> None:
    named = [*key, *rates.columns(), *rates.near_duplicates, *([rates.event_time] if rates.event_time else [])]
    missing = [column for column in named if column not in rows.columns]
    if missing:
        raise ValueError(f"There is no column {', '.join(missing)}; the columns are {', '.join(rows.columns)}.")
    both = sorted(set(key) & {*rates.columns(), *rates.near_duplicates})
    if both:
        raise ValueError(f"{', '.join(both)} belongs to the key, which tells where the defects are, and cannot be hit.")
    types = {found.name: found.dataType for found in rows.schema.fields}
    for column in {*rates.broken_references, *rates.skewed_keys}:
        if types[column].typeName() not in ("byte", "short", "integer", "long"):
            raise ValueError(f"{column} is {types[column].simpleString()}; references and keys are whole numbers.")
    for column in rates.broken_references:
        if types[column].typeName() in ("byte", "short"):
            raise ValueError(
                f"{column} is {types[column].simpleString()}, which holds no number that refers to nothing."
            )
    for column in {*rates.impossible, *rates.near_duplicates}:
        if not isinstance(types[column], (NumericType, DateType, TimestampType, StringType)):
            raise ValueError(f"{column} is {types[column].simpleString()}, for which there is no other value to plant.")
    if rates.event_time and not isinstance(types[rates.event_time], TimestampType):
        raise ValueError(f"{rates.event_time} is not a timestamp.")


def _noted(condition: Column, column: Column, kind: str) -> Column:
    """The truth so far, with one more line where the condition holds."""
    line = F.array(F.struct(column.alias("column"), F.lit(kind).alias("kind")))
    return F.when(condition, F.concat(F.col(_TRUTH), line)).otherwise(F.col(_TRUTH))


def _hit(cells: Cells, rows: DataFrame, column: str, rates: Rates) -> DataFrame:
    """Plant the defects of one column: one draw for each cell, so that no cell has two."""
    type_ = rows.schema[column].dataType
    is_text = column in rates.wrong_types
    draw = f"draw for {column}"
    rows = rows.withColumn(draw, cells.uniform(column, F.col(_ROW)))
    present = F.col(column).isNotNull()
    value, truth, reached = F.col(column), F.col(_TRUTH), 0.0
    written = value.cast("string") if is_text else value
    for kind, by_column in rates.by_column():
        rate = by_column.get(column, 0.0)
        if not rate:
            continue
        hit = present & (F.col(draw) >= F.lit(reached)) & (F.col(draw) < F.lit(reached + rate))
        planted = _planted(cells, kind, column, type_)
        written = F.when(hit, planted.cast("string") if is_text else planted).otherwise(written)
        line = F.array(F.struct(F.lit(column).alias("column"), F.lit(kind).alias("kind")))
        truth = F.when(hit, F.concat(F.col(_TRUTH), line)).otherwise(truth)
        reached += rate
    return rows.withColumns({column: written, _TRUTH: truth}).drop(draw)


def _planted(cells: Cells, kind: str, column: str, type_: DataType) -> Column:
    """What stands in a cell that is hit."""
    if kind == "null":
        return F.lit(None).cast(type_)
    if kind == "wrong type":
        return cells.pick(f"{column}.nonsense", NONSENSE, F.col(_ROW))
    if kind == "broken reference":
        far = BEYOND if type_.typeName() == "long" else 1_000_000_000
        return (F.col(column).cast("bigint") % F.lit(1_000_000_000) + F.lit(far)).cast(type_)
    if kind == "skewed key":
        return F.lit(hot_key(cells.seed)).cast(type_)
    return _impossible(F.col(column), type_)


def hot_key(seed: int) -> int:
    """The one key that skewed cells get: a small number that depends on the seed."""
    return 1 + seed % 7


def _impossible(value: Column, type_: DataType) -> Column:
    if isinstance(type_, NumericType):
        return (-F.abs(value) - F.lit(1)).cast(type_)
    if isinstance(type_, DateType):
        return F.add_months(value, 12_000)
    if isinstance(type_, TimestampType):
        return value + F.expr("INTERVAL 1000 YEARS")
    return F.lit("")


def _delayed(cells: Cells, rows: DataFrame, rates: Rates) -> DataFrame:
    """Add the time of arrival: nearly at once, out of order, or late. Events without a time stay without arrival."""
    row = F.col(_ROW)
    draw = cells.uniform("arrival", row)
    present = F.col(rates.event_time).isNotNull()
    late = present & (draw < F.lit(rates.late))
    shuffled = present & (draw >= F.lit(rates.late)) & (draw < F.lit(rates.late + rates.out_of_order))
    some, many = (
        F.lit(float(low)) + cells.uniform(f"delay of {low}", row) * F.lit(float(high - low))
        for low, high in (OUT_OF_ORDER_SECONDS, LATE_SECONDS)
    )
    usual = cells.uniform("delay", row) * F.lit(float(PUNCTUAL_SECONDS))
    seconds = F.when(late, many).when(shuffled, some).otherwise(usual)
    microseconds = F.unix_micros(rates.event_time) + F.floor(seconds * F.lit(1_000_000))
    rows = rows.withColumn(ARRIVAL, F.timestamp_micros(microseconds))
    rows = rows.withColumn(_TRUTH, _noted(late, F.lit(ARRIVAL), "late"))
    return rows.withColumn(_TRUTH, _noted(shuffled, F.lit(ARRIVAL), "out of order"))


def _copied(cells: Cells, rows: DataFrame, rates: Rates) -> DataFrame:
    """Give some rows a second copy, equal or with another value in one column. Only the copy has the line of the copy."""
    draw, reached = cells.uniform("copy", F.col(_ROW)), rates.exact_duplicates
    kind = F.when(draw < F.lit(reached), F.lit("exact duplicate"))
    of = F.lit(None).cast("string")
    for column, rate in rates.near_duplicates.items():
        near = (draw >= F.lit(reached)) & (draw < F.lit(reached + rate)) & F.col(column).isNotNull()
        kind = kind.when(near, F.lit("near duplicate"))
        of = F.when(near, F.lit(column)).otherwise(of)
        reached += rate
    rows = rows.withColumn("kind of copy", kind).withColumn("column of copy", of)
    copies = F.when(F.col("kind of copy").isNotNull(), F.array(F.lit(0), F.lit(1))).otherwise(F.array(F.lit(0)))
    rows = rows.withColumn("copy", F.explode(copies))
    is_copy = F.col("copy") == 1
    line = F.array(F.struct(F.col("column of copy").alias("column"), F.col("kind of copy").alias("kind")))
    changed = {
        column: F.when(
            is_copy & (F.col("column of copy") == column), _another(F.col(column), rows.schema[column].dataType)
        ).otherwise(F.col(column))
        for column in rates.near_duplicates
    }
    return rows.withColumns({**changed, _TRUTH: F.when(is_copy, line).otherwise(F.col(_TRUTH))})


def _another(value: Column, type_: DataType) -> Column:
    """A value that differs a little: text with a blank behind it, a number one higher, the next day, the next second."""
    if isinstance(type_, NumericType):
        return (value + F.lit(1)).cast(type_)
    if isinstance(type_, DateType):
        return F.date_add(value, 1)
    if isinstance(type_, TimestampType):
        return value + F.expr("INTERVAL 1 SECOND")
    return F.concat(value, F.lit(" "))
