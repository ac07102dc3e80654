"""Conditions on how an answer was computed: its physical plan, and how many actions the function ran.

`plan={...}` takes any of:

- `"has": [...]`, `"lacks": [...]`, `"at_most": {"Exchange": 1}`: physical operators as `explain` prints them. Those
  of a plan whose result is kept in memory (below `InMemoryRelation`) count too.
- `"storage": "MEMORY_ONLY"`: the storage level of what the answer reads from memory, as `StorageLevel` names it.
- `"partitions": 1`: the number of partitions of the answer.
- `"broadcast_variables": 1`: at least so many broadcast variables are used by the answer's Python functions.

`actions={"at_most": n}` bounds the Spark actions that the learner's function itself triggers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_NODE = re.compile(r"^[\s:+|*\-]*(?:\(\d+\)\s*)?(?P<name>[A-Z][A-Za-z]+)")
_STORAGE = re.compile(r"InMemoryRelation .*StorageLevel\((?P<level>[^)]*)\)")
_PYTHON_OPERATORS = ("BatchEvalPythonExec", "ArrowEvalPythonExec")


def observed(frame: DataFrame, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that the conditions `wanted` are about, as JSON values. Only counting partitions may run jobs."""
    facts: dict[str, Any] = {"plan": operators(frame)}
    if "storage" in wanted:
        facts["storage"] = storage_levels(frame)
    if "partitions" in wanted:
        facts["partitions"] = int(frame._jdf.queryExecution().toRdd().getNumPartitions())
    if "broadcast_variables" in wanted:
        facts["broadcast_variables"] = broadcast_variables(frame)
    return facts


def operators(frame: DataFrame) -> dict[str, int]:
    """How often each physical operator occurs in the plan of a DataFrame, as planned before adaptive execution."""
    text = _initial_plan(frame).toString()
    names = (match["name"] for line in text.splitlines() if (match := _NODE.match(line)))
    return dict(sorted(Counter(names).items()))


def storage_levels(frame: DataFrame) -> list[str]:
    """The storage levels of the cached data that the plan of a DataFrame reads ("MEMORY_ONLY", ...), each once."""
    return sorted({_level_name(match["level"]) for match in _STORAGE.finditer(_initial_plan(frame).toString())})


def broadcast_variables(frame: DataFrame) -> int:
    """How many broadcast variables the Python functions in the plan of a DataFrame carry, all functions added up."""
    return sum(
        int(node.udfs().apply(number).func().broadcastVars().size())
        for node in _nodes(_initial_plan(frame))
        if node.getClass().getSimpleName() in _PYTHON_OPERATORS
        for number in range(node.udfs().size())
    )


def complaint(facts: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """The first condition that does not hold, as a sentence; empty when all hold."""
    return _plan_complaint(facts, options.get("plan") or {}) or _actions_complaint(facts, options.get("actions") or {})


def _plan_complaint(facts: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    if not wanted:
        return ""
    found = facts.get("plan")
    if not isinstance(found, dict) or any(name not in facts for name in _FACTS if name in wanted):
        return "The physical plan of your answer could not be read."
    for name in wanted.get("has", ()):
        if not found.get(name):
            return f"The rows are right, but the physical plan has no {name}. Look at it with `explain()`."
    for name in wanted.get("lacks", ()):
        if found.get(name):
            return f"The rows are right, but the physical plan still has {name}. Look at it with `explain()`."
    for name, limit in (wanted.get("at_most") or {}).items():
        if int(found.get(name, 0)) > limit:
            return f"The rows are right, but the physical plan has {found[name]} × {name}; {limit} would be enough."
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
        levels = ", ".join(map(str, found))
        return f"The rows are right, but what they are read from is kept with storage level {levels}, not {wanted}."
    return ""


def _partitions_complaint(found: Any, wanted: Any) -> str:
    if found != wanted:
        return f"The rows are right, but they come in {found} partition{'' if found == 1 else 's'}, not {wanted}."
    return ""


def _broadcast_complaint(found: Any, wanted: Any) -> str:
    if not isinstance(found, int) or found < wanted:
        return f"The rows are right, but your Python function uses {found or 'no'} broadcast variable; use {wanted}."
    return ""


_FACTS = {
    "storage": _storage_complaint,
    "partitions": _partitions_complaint,
    "broadcast_variables": _broadcast_complaint,
}


def _initial_plan(frame: DataFrame) -> Any:
    """The physical plan as first planned: after an action, an adaptive plan prints its final and its initial form."""
    plan = frame._jdf.queryExecution().executedPlan()
    return plan.initialPlan() if plan.getClass().getSimpleName() == "AdaptiveSparkPlanExec" else plan


def _nodes(plan: Any) -> Iterator[Any]:
    yield plan
    children = plan.children()
    for number in range(children.size()):
        yield from _nodes(children.apply(number))


def _level_name(description: str) -> str:
    """The name of a level such as "disk, memory, 1 replicas". Whether objects are serialised has no part in it."""
    words = [word.strip() for word in description.split(",")]
    if "offheap" in words:
        return "OFF_HEAP"
    name = {(True, True): "MEMORY_AND_DISK", (True, False): "MEMORY_ONLY", (False, True): "DISK_ONLY"}.get(
        ("memory" in words, "disk" in words), "NONE"
    )
    return name + ("_2" if "2 replicas" in words else "")
