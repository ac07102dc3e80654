"""Conditions on how an answer was computed: its physical plan, and how many actions the function ran.

`plan={...}` takes any of:

- `"has": [...]`, `"lacks": [...]`, `"at_most": {"Exchange": 1}`: physical operators as `explain` prints them. Those
  of a plan whose result is kept in memory (below `InMemoryRelation`) count too.
- `"storage": "MEMORY_ONLY"`: the storage level of what the answer reads from memory, as `StorageLevel` names it.
- `"caches": 1`: everything that is read comes from so many cached results, and from no file beside them; no file is read twice
  for what is cached.
- `"cached": False`: the answer is not a cached result itself; it may be made from one.
- `"partitions": 1`: the number of partitions of the answer; `"reference"` stands for that of the solution on the same data.
- `"skew": 1.5`: no partition of the answer has more than 1.5 times as many rows as there are in a partition on average.
- `"adapted": ["skewed"]`: what adaptive execution did to shuffles while the answer was computed: `"coalesced"` or `"skewed"` partitions.
- `"broadcast_variables": 1`: at least so many broadcast variables are used by the answer's Python functions.
- `"python": False`: no operator hands rows to Python.
- `"python_functions": ["arrow_udf", "arrow_udf with iterators"]`: functions in Python are called, and of no other kind than these.
- `"pushed_filters": ["country"]`: values of these columns are compared while files are read, not afterwards.
- `"partition_filters": ["country"]`: whole partitions are left out by these columns.
- `"reads_columns": ["name", "attributes.brand"]`: no other columns are read from files.
- `"reads_tables": ["shop.orders"]`: what is read from files belongs to these tables of the catalog, and to all of them.
- `"reads_files": 1`: at most so many files are read, all scans added up; scans of Delta tables leave out files by their statistics.

`actions={"at_most": n}` bounds the Spark actions that the learner's function itself triggers.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from autograder.checks.scans import caches, initial_plan, is_cached, nodes, scans

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_NODE = re.compile(r"^[\s:+|*!\-]*(?:\(\d+\)\s*)?(?P<name>[A-Z][A-Za-z]+)")
_NAMED_IN_MEMORY = "Scan In-memory table"
"""What Spark prints for InMemoryTableScan when the cached table has a name, as after `CACHE TABLE`."""

_ADAPTED = re.compile(r"AQEShuffleRead (?P<how>[a-z ]+)")
_STORAGE = re.compile(r"InMemoryRelation .*StorageLevel\((?P<level>[^)]*)\)")
_PYTHON_OPERATORS = ("BatchEvalPythonExec", "ArrowEvalPythonExec")
_TABLE_FUNCTIONS = {"BatchEvalPythonUDTFExec": "udtf", "ArrowEvalPythonUDTFExec": "udtf with useArrow"}
_PYTHON_NAME = re.compile(r"Python|Pandas|InArrow")
_OF_SCANS = ("pushed_filters", "partition_filters", "reads_columns", "reads_files")


UNREADABLE = "The physical plan of your answer could not be read."


def observed(frame: DataFrame, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that the conditions `wanted` are about, as JSON values. What is said of partitions and of adaptive
    execution may run jobs."""
    facts: dict[str, Any] = {"plan": operators(frame)}
    if "storage" in wanted:
        facts["storage"] = storage_levels(frame)
    if "caches" in wanted:
        facts["caches"] = asdict(caches(frame))
    if "cached" in wanted:
        facts["cached"] = is_cached(frame)
    if "partitions" in wanted:
        facts["partitions"] = int(frame._jdf.queryExecution().toRdd().getNumPartitions())
    if "skew" in wanted:
        facts["skew"] = rows_of_partitions(frame)
    if "adapted" in wanted:
        facts["adapted"] = adaptations(frame)
    if "broadcast_variables" in wanted:
        facts["broadcast_variables"] = broadcast_variables(frame)
    if "python" in wanted:
        facts["python"] = python_operators(frame)
    if "python_functions" in wanted:
        facts["python_functions"] = python_functions(frame)
    if "reads_tables" in wanted:
        facts["reads_tables"] = sorted({scan.table for scan in scans(frame)})
    if any(name in wanted for name in _OF_SCANS):
        facts |= _facts_of_scans(frame)
    return facts


def _facts_of_scans(frame: DataFrame) -> dict[str, Any]:
    found = scans(frame)
    return {
        "pushed_filters": sorted({name for scan in found for name in scan.pushed}),
        "partition_filters": sorted({name for scan in found for name in scan.partitions}),
        "reads_columns": sorted({name for scan in found for name in scan.columns}),
        "reads_files": sum(scan.files for scan in found),
    }


def operators(frame: DataFrame) -> dict[str, int]:
    """How often each physical operator occurs in the plan of a DataFrame, as planned before adaptive execution."""
    text = initial_plan(frame).toString().replace(_NAMED_IN_MEMORY, "InMemoryTableScan")
    names = (match["name"] for line in text.splitlines() if (match := _NODE.match(line)))
    return dict(sorted(Counter(names).items()))


def storage_levels(frame: DataFrame) -> list[str]:
    """The storage levels of the cached data that the plan of a DataFrame reads ("MEMORY_ONLY", ...), each once."""
    return sorted({_level_name(match["level"]) for match in _STORAGE.finditer(initial_plan(frame).toString())})


def rows_of_partitions(frame: DataFrame) -> list[int]:
    """How many rows lie in each partition of a DataFrame, those without rows too. Runs the query, without Python."""
    return [len(partition) for partition in frame._jdf.toJavaRDD().glom().collect()]


def adaptations(frame: DataFrame) -> list[str]:
    """What adaptive execution made of the shuffles of a DataFrame's plan ("coalesced", "skewed", "local"). Runs its stages."""
    execution = frame._jdf.queryExecution()
    execution.toRdd().getNumPartitions()  # the plan is final when all stages before the last have run
    final = execution.executedPlan().toString().partition("== Initial Plan ==")[0]
    words = (word for match in _ADAPTED.finditer(final) for word in match["how"].split())
    return sorted({word for word in words if word != "and"})


def broadcast_variables(frame: DataFrame) -> int:
    """How many broadcast variables the Python functions in the plan of a DataFrame carry, all functions added up."""
    return sum(int(function.func().broadcastVars().size()) for function in _column_functions(frame))


def python_functions(frame: DataFrame) -> list[str]:
    """The kinds of column and table functions in Python that the plan of a DataFrame calls, each once."""
    from pyspark.util import PythonEvalType

    kinds = {
        PythonEvalType.SQL_BATCHED_UDF: "udf",
        PythonEvalType.SQL_ARROW_BATCHED_UDF: "udf with useArrow",
        PythonEvalType.SQL_SCALAR_PANDAS_UDF: "pandas_udf",
        PythonEvalType.SQL_SCALAR_PANDAS_ITER_UDF: "pandas_udf with iterators",
        PythonEvalType.SQL_SCALAR_ARROW_UDF: "arrow_udf",
        PythonEvalType.SQL_SCALAR_ARROW_ITER_UDF: "arrow_udf with iterators",
    }
    of_columns = {kinds.get(int(function.evalType()), "another kind") for function in _column_functions(frame)}
    operators = {node.getClass().getSimpleName() for node in nodes(initial_plan(frame))}
    return sorted(of_columns | {kind for operator, kind in _TABLE_FUNCTIONS.items() if operator in operators})


def _column_functions(frame: DataFrame) -> Iterator[Any]:
    """The column functions in Python that an operator calls. A function around another one of its kind stands for both."""
    for node in nodes(initial_plan(frame)):
        if node.getClass().getSimpleName() in _PYTHON_OPERATORS:
            yield from (node.udfs().apply(number) for number in range(node.udfs().size()))


def python_operators(frame: DataFrame) -> list[str]:
    """The operators in the plan of a DataFrame that hand rows to Python, by name, each once."""
    names = {str(node.nodeName()) for node in nodes(initial_plan(frame))}
    return sorted(name for name in names if _PYTHON_NAME.search(name))


def complaint(facts: Mapping[str, Any], options: Mapping[str, Any], reference: Mapping[str, Any] | None = None) -> str:
    """The first condition that does not hold, as a sentence; empty when all hold. `reference` are the solution's facts."""
    wanted = _settled(options.get("plan") or {}, reference or {})
    return _plan_complaint(facts, wanted) or _actions_complaint(facts, options.get("actions") or {})


def _settled(wanted: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
    """The conditions with the solution's own figure wherever "reference" stands."""
    return {name: reference.get(name) if value == "reference" else value for name, value in wanted.items()}


def _plan_complaint(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    if not wanted:
        return ""
    found = facts.get("plan")
    if not isinstance(found, dict) or any(name not in facts for name in _FACTS if name in wanted):
        return UNREADABLE
    for name in wanted.get("has", ()):
        if not found.get(name):
            return f"The rows are right, but the physical plan has no {name}. Look at it with `explain()`."
    for name in wanted.get("lacks", ()):
        if found.get(name):
            return f"The rows are right, but the physical plan still has {name}. Look at it with `explain()`."
    for name, limit in (wanted.get("at_most") or {}).items():
        times = found.get(name, 0)
        if not isinstance(times, int):
            return UNREADABLE
        if times > limit:
            return f"The rows are right, but the physical plan has {times} × {name}; {limit} would be enough."
    for name, sentence in _FACTS.items():
        if name in wanted and (problem := sentence(facts[name], wanted[name])):
            return problem
    return ""


def _actions_complaint(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    limit = wanted.get("at_most")
    if limit is None:
        return ""
    ran = facts.get("actions")
    if not isinstance(ran, int):
        return "The number of actions that your function ran could not be read."
    if ran > limit:
        return f"The result is right, but your function ran {ran} Spark actions; {limit} would be enough."
    return ""


def _storage_complaint(found: Any, wanted: Any) -> str:
    if not found:
        return f"The rows are right, but nothing is read from memory or disk; keep it with storage level {wanted}."
    if found != [wanted]:
        levels = ", ".join(_texts(found)[:5]) or "unknown"
        return f"The rows are right, but what they are read from is kept with storage level {levels}, not {wanted}."
    return ""


def _caches_complaint(found: Any, wanted: Any) -> str:
    kept, beside = (found.get("kept"), found.get("beside")) if isinstance(found, dict) else (None, None)
    if kept != wanted:
        return f"The rows are right, but they come from {kept or 'no'} cached result{'' if kept == 1 else 's'}, not from {wanted}."
    if beside != 0:
        return "The rows are right, but a part of them is read from the files again, past what is cached."
    if found.get("again") != 0:
        return (
            "The rows are right, but the same files are read more than once for what is cached. "
            "Cache what the parts are made of, and make each part from that."
        )
    return ""


def _cached_complaint(found: Any, wanted: Any) -> str:
    if found != wanted:
        return (
            "The rows are right, but it is the answer itself that you have cached. Cache what the answer is made from."
        )
    return ""


def _partitions_complaint(found: Any, wanted: Any) -> str:
    if found != wanted:
        return f"The rows are right, but they come in {found} partition{'' if found == 1 else 's'}, not {wanted}."
    return ""


def _skew_complaint(found: Any, wanted: Any) -> str:
    believable = isinstance(found, list) and all(isinstance(size, int) and 0 <= size < 1e15 for size in found)
    rows: list[int] = found if believable else []
    mean = sum(rows) / max(1, len(rows))
    if not rows or max(rows) > math.ceil(wanted * mean):
        return (
            f"The rows are right, but they do not lie evenly: the largest of {len(rows)} partitions has {max(rows, default=0):,} of "
            f"{sum(rows):,} rows, {max(rows, default=0) / max(1.0, mean):.2f} times the mean. At most {wanted:g} times the mean is allowed."
        )
    return ""


def _adapted_complaint(found: Any, wanted: Any) -> str:
    missing = [name for name in wanted if name not in _texts(found)]
    if missing:
        did = f"the shuffles were {' and '.join(_texts(found)[:3])}" if _texts(found) else "it changed nothing"
        return (
            f"The rows are right, but adaptive execution did not find any {missing[0]} partition ({did}). "
            "Run the query, then look for AQEShuffleRead in the final plan with `explain()`."
        )
    return ""


def _broadcast_complaint(found: Any, wanted: Any) -> str:
    if not isinstance(found, int) or found < wanted:
        return f"The rows are right, but your Python function uses {found or 'no'} broadcast variable; use {wanted}."
    return ""


def _python_complaint(found: Any, wanted: Any) -> str:
    if found != [] and not wanted:
        return (
            f"The rows are right, but Spark hands rows to Python for them ({', '.join(_texts(found)[:5])} in the plan). "
            "Use column functions instead of a Python function."
        )
    return ""


def _functions_complaint(found: Any, wanted: Any) -> str:
    kinds = _texts(found)
    asked = " or ".join(f"`{kind}`" for kind in wanted)
    if not kinds:
        return f"The rows are right, but no part of your answer is computed by {asked}."
    if other := [kind for kind in kinds if kind not in wanted]:
        return f"The rows are right, but {_quoted(other)} computes a part of your answer; this exercise wants {asked}."
    return ""


def _pushed_complaint(found: Any, wanted: Any) -> str:
    missing = [name for name in wanted if name not in _texts(found)]
    if missing:
        return (
            f"The rows are right, but no condition on {_quoted(missing)} reaches the scan: look for PushedFilters in `explain()`. "
            "Compare the column itself with a constant, without a cast or a function around it, and before anything that caches or limits."
        )
    return ""


def _partition_filter_complaint(found: Any, wanted: Any) -> str:
    missing = [name for name in wanted if name not in _texts(found)]
    if missing:
        return (
            f"The rows are right, but no partition is left out by {_quoted(missing)}: look for PartitionFilters in `explain()`. "
            "Filter by the partition column itself."
        )
    return ""


def _columns_complaint(found: Any, wanted: Any) -> str:
    extra = [
        name
        for name in _texts(found)
        if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in wanted)
    ]
    if extra:
        return (
            f"The rows are right, but {_quoted(extra)} {'is' if len(extra) == 1 else 'are'} read from the files without need: "
            "look for ReadSchema in `explain()`. Select the columns that you need before you cache, count or call Python."
        )
    return ""


def _tables_complaint(found: Any, wanted: Any) -> str:
    read = _texts(found)
    if sorted(read) == sorted(wanted):
        return ""
    named = [name for name in read if name]
    places = _quoted(named) + (" and from files that belong to no table" if "" in read else "")
    if not named:
        places = "files that belong to no table" if read else "no file"
    return (
        f"The rows are right, but they are read from {places}; read them from {_quoted(sorted(wanted))}, each of them."
    )


def _files_complaint(found: Any, wanted: Any) -> str:
    if not isinstance(found, int) or found > wanted:
        return (
            f"The rows are right, but {found} files are read for them; {wanted} would be enough. "
            "A filter on the partition column, or on a column by which the files are sorted, leaves files out."
        )
    return ""


def _texts(found: Any) -> list[str]:
    """A list of names, whatever came out of the sandbox in its place."""
    return [str(name) for name in found] if isinstance(found, list) else []


def _quoted(names: Collection[Any]) -> str:
    """At most five names, as code."""
    return ", ".join(f"`{name}`" for name in list(names)[:5]) + (", ..." if len(names) > 5 else "")


_FACTS = {
    "storage": _storage_complaint,
    "caches": _caches_complaint,
    "cached": _cached_complaint,
    "partitions": _partitions_complaint,
    "skew": _skew_complaint,
    "adapted": _adapted_complaint,
    "broadcast_variables": _broadcast_complaint,
    "python": _python_complaint,
    "python_functions": _functions_complaint,
    "pushed_filters": _pushed_complaint,
    "partition_filters": _partition_filter_complaint,
    "reads_tables": _tables_complaint,
    "reads_columns": _columns_complaint,
    "reads_files": _files_complaint,
}


def _level_name(description: str) -> str:
    """The name of a level such as "disk, memory, 1 replicas". Whether objects are serialised has no part in it."""
    words = [word.strip() for word in description.split(",")]
    if "offheap" in words:
        return "OFF_HEAP"
    name = {(True, True): "MEMORY_AND_DISK", (True, False): "MEMORY_ONLY", (False, True): "DISK_ONLY"}.get(
        ("memory" in words, "disk" in words), "NONE"
    )
    return name + ("_2" if "2 replicas" in words else "")
