"""The mutation operators: each is a function of one idea, registered under a name in the file of its subject.

An operator gets a node of the solution's syntax tree and yields what may stand there instead. A new one is one more
function with `@operator("name")`; the test that lists all operators asks for an example of it.
"""

from autograder.authoring.mutants.operators import (
    aggregates,
    conditions,
    models,
    nulls,
    relations,
    sorting,
    sql,
    steps,
    streams,
    values,
)
from autograder.authoring.mutants.operators.registry import OPERATORS, Change, Operator

__all__ = [
    "OPERATORS",
    "Change",
    "Operator",
    "aggregates",
    "conditions",
    "models",
    "nulls",
    "relations",
    "sorting",
    "sql",
    "steps",
    "streams",
    "values",
]
