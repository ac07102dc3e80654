"""What the scans of a physical plan read, asked of Spark's own objects: files, columns, filters. Runs no job, but may list files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_CACHED = "InMemoryTableScanExec"
_FILES = "FileSourceScanExec"
_ADAPTIVE = "AdaptiveSparkPlanExec"
_NOT_NULL = ("IsNotNull", "IsNull")
_PASSES_ON = ("WholeStageCodegenExec", "InputAdapter", "ColumnarToRowExec", "ProjectExec")
"""Operators that hand rows on, at most with other columns."""


@dataclass(frozen=True)
class Scan:
    """One scan of files, of a Delta table or of any other file format.

    `columns` are read from the files, nested ones as "attributes.brand"; `pushed` are the columns of which values are compared while
    the files are read (not only whether they are NULL); `partitions` are the partition columns by which whole folders are left out;
    `files` is the number of files that remain. `table` is the table of the catalog that they belong to, as "garage.orders", or empty.
    """

    columns: tuple[str, ...]
    pushed: tuple[str, ...]
    partitions: tuple[str, ...]
    files: int
    table: str = ""


def scans(frame: DataFrame) -> list[Scan]:
    """All scans of files in the plan of a DataFrame, those of subqueries and of cached data included.

    Scans of the newer data source interface (JDBC, Kafka) hold no files and are left out.
    """
    return [_scan(node) for node in nodes(initial_plan(frame)) if node.getClass().getSimpleName() == _FILES]


def initial_plan(frame: DataFrame) -> Any:
    """The physical plan as first planned: after an action, an adaptive plan prints its final and its initial form."""
    return _unwrapped(frame._jdf.queryExecution().executedPlan())


def nodes(plan: Any, *, cached: bool = True) -> Iterator[Any]:
    """A physical operator and all below it, also in subqueries and, if `cached`, in plans whose result is cached."""
    plan = _unwrapped(plan)
    yield plan
    for below in (plan.children(), plan.subqueries()):
        for child in _sequence(below):
            yield from nodes(child, cached=cached)
    if cached and plan.getClass().getSimpleName() == _CACHED:
        yield from nodes(plan.relation().cachedPlan())


@dataclass(frozen=True)
class Caches:
    """`kept` is how many cached results a plan reads, `beside` how many scans of files are not below one of them, and `again` how many
    scans below them read files that another one has read already."""

    kept: int
    beside: int
    again: int


def caches(frame: DataFrame) -> Caches:
    """The cached results that the plan of a DataFrame reads, and the scans of files that it has beside them.

    A result counts once, however often it is read, and so does each cached result below it.
    """
    plan = initial_plan(frame)
    identity = cast("Any", frame.sparkSession._jvm).System.identityHashCode
    found = (node.relation() for node in nodes(plan) if node.getClass().getSimpleName() == _CACHED)
    kept = {identity(relation.cacheBuilder()): relation.cachedPlan() for relation in found}
    below = [files for cached in kept.values() for files in _files_read(cached)]
    return Caches(len(kept), len(_files_read(plan)), len(below) - len(set(below)))


def is_cached(frame: DataFrame) -> bool:
    """Whether the rows of a DataFrame are a cached result as it is, perhaps with fewer or renamed columns."""
    plan = initial_plan(frame)
    while plan.getClass().getSimpleName() in _PASSES_ON:
        plan = _unwrapped(_sequence(plan.children())[0])
    return bool(plan.getClass().getSimpleName() == _CACHED)


def _files_read(plan: Any) -> list[str]:
    """The files of each scan in a plan, without those below cached results, as the folders or files that were given to the reader."""
    found = (node for node in nodes(plan, cached=False) if node.getClass().getSimpleName() == _FILES)
    return [str(node.relation().location().rootPaths().mkString(" ")) for node in found]


def _unwrapped(plan: Any) -> Any:
    return plan.initialPlan() if plan.getClass().getSimpleName() == _ADAPTIVE else plan


def _scan(node: Any) -> Scan:
    compared = [
        found for found in _sequence(node.pushedDownFilters()) if found.getClass().getSimpleName() not in _NOT_NULL
    ]
    by_partition = [
        found for found in _sequence(node.partitionFilters()) if found.getClass().getSimpleName() not in _NOT_NULL
    ]
    return Scan(
        columns=tuple(sorted(_leaves(node.requiredSchema()))),
        pushed=tuple(sorted({str(name) for found in compared for name in found.references()})),
        partitions=tuple(
            sorted({str(column.name()) for found in by_partition for column in _sequence(found.references().toSeq())})
        ),
        files=int(node.selectedPartitions().totalNumberOfFiles()),
        table=_table(node.tableIdentifier()),
    )


def _table(identifier: Any) -> str:
    """The name of a Scala Option of a TableIdentifier with its schema, without the catalog; empty when there is none."""
    if identifier.isEmpty():
        return ""
    named = identifier.get()
    return f"{named.database().get()}.{named.table()}" if named.database().isDefined() else str(named.table())


def _leaves(structure: Any, prefix: str = "") -> Iterator[str]:
    """The names of the columns of a JVM StructType; of a struct its fields, each as "struct.field"."""
    for field in structure.fields():
        name = prefix + str(field.name())
        if field.dataType().getClass().getSimpleName() == "StructType":
            yield from _leaves(field.dataType(), f"{name}.")
        else:
            yield name


def _sequence(found: Any) -> list[Any]:
    """A Scala Seq as a list."""
    return [found.apply(number) for number in range(found.size())]
