"""Conditions on how an answer was computed: operators of the physical plan, and how many actions the function ran.

`plan={"has": [...], "lacks": [...], "at_most": {"Exchange": 1}}` names physical operators as `explain` prints them.
`actions={"at_most": n}` bounds the Spark actions that the learner's function itself triggers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_NODE = re.compile(r"^[\s:+|*\-]*(?:\(\d+\)\s*)?(?P<name>[A-Z][A-Za-z]+)")


def operators(frame: DataFrame) -> dict[str, int]:
    """How often each physical operator occurs in the plan of a DataFrame, as planned before adaptive execution."""
    text = frame._jdf.queryExecution().executedPlan().toString()
    names = (match["name"] for line in text.splitlines() if (match := _NODE.match(line)))
    return dict(sorted(Counter(names).items()))


def complaint(facts: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """The first condition that does not hold, as a sentence; empty when all hold."""
    wanted = options.get("plan") or {}
    if wanted and not isinstance(facts.get("plan"), dict):
        return "The physical plan of your answer could not be read."
    found = facts.get("plan") or {}
    for name in wanted.get("has", ()):
        if not found.get(name):
            return f"The rows are right, but the physical plan has no {name}. Look at it with `explain()`."
    for name in wanted.get("lacks", ()):
        if found.get(name):
            return f"The rows are right, but the physical plan still has {name}. Look at it with `explain()`."
    for name, limit in (wanted.get("at_most") or {}).items():
        if int(found.get(name, 0)) > limit:
            return f"The rows are right, but the physical plan has {found[name]} × {name}; {limit} would be enough."
    limit = (options.get("actions") or {}).get("at_most")
    if limit is not None:
        ran = facts.get("actions")
        if not isinstance(ran, int):
            return "The number of actions that your function ran could not be read."
        if ran > limit:
            return f"The result is right, but your function ran {ran} Spark actions; {limit} would be enough."
    return ""
