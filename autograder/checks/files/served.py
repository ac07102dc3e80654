"""Rows that an API gives out, in place of files: what `"served"` of a given entry may say, the APIs of one run, and what they recorded.

`"given": {"api": {"table": "shipments", "served": {...}}}` starts an API (see `autograder.services.api`) for the time of the answer; the
parameter `api` is the beginning of its addresses. `"select"` and `"line"` are as for files; a line must be a JSON object, and is the
whole row unless given. `"files"` is the number of parts in which rows come in: `feed` of the script adds the next ones to the table.

- `"as": "parcels"`: what the table is called in addresses; its own name unless given.
- `"key"`: the field by which single rows are found; `"updated"`: the one with the time of change, for `updated_since`.
- `"record": {"requests": {"at_most": "reference"}}`: bounds on what the clients did, see `autograder.services.api.Facts`.
- `"polite": True`: five more bounds, none of "impatient", "hurried", "pointless", "waited", "repeated".

How the API treats its clients says the argument `behaviour` of the `check` call, which a hidden variant may replace:
`{"paging": "number", "burst": 5, "every": 4, "kinds": ["503", "cut"]}`, see `autograder.services.api.Behaviour`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from autograder.checks.bounds import Bound, known_keys
from autograder.services.api import Api, Behaviour, Facts, Table, start

BEHAVIOUR = "behaviour"
"""The name of the argument that tells how APIs treat their clients."""

WHOLE_ROW = "to_json(struct(*), map('ignoreNullFields', 'false'))"

POLITE = ("impatient", "hurried", "pointless", "waited", "repeated")

_SENTENCES = {
    "requests": "`{name}` got {n} request{s}",
    "pages": "`{name}` gave out {n} different page{s}",
    "rows": "`{name}` gave out {n} row{s}, counted as often as they were fetched",
    "repeated": "{n} page{s} of `{name}` had come whole before and {was} fetched again",
    "refused": "`{name}` refused {n} request{s} with 429",
    "impatient": "{n} request{s} to `{name}` came before the time was over that `Retry-After` had told",
    "failed": "{n} answer{s} of `{name}` failed",
    "hurried": "{n} request{s} to `{name}` came before the pause was over that is due after a failure",
    "unfinished": "{n} page{s} of `{name}` {was} asked for and never came whole",
    "waited": "{n} answer{s} of `{name}` came too late, and your function waited: it needs a timeout",
    "denied": "`{name}` did not know who sent {n} request{s} (401)",
    "mistaken": "{n} request{s} to `{name}` {was} wrong (400 or 404)",
    "pointless": "{n} request{s} to `{name}` {was} repeated although the answer would be the same (400, 401, 404)",
}


@dataclass(frozen=True)
class Served:
    """The value of `"served"`, checked; see the module's docstring."""

    name: str
    key: str = ""
    updated: str = ""
    record: Mapping[str, Bound] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Any, table: str, where: str) -> Served:
        """What an option describes. Raises ValueError, for the author."""
        if not isinstance(document, Mapping):
            raise ValueError(f'{where}: "served" is a dictionary, {{}} for an API without special wishes.')
        known_keys(document, {"as", "key", "updated", "polite", "record"}, f"{where}, served")
        record = document.get("record", {})
        known_keys(record, set(_SENTENCES), f"{where}, record")
        bounds = dict.fromkeys(POLITE, Bound(at_most=0)) if document.get("polite") else {}
        bounds |= {name: Bound.of(value, f"{where}, {name}") for name, value in record.items()}
        return cls(document.get("as", table), document.get("key", ""), document.get("updated", ""), bounds)

    def start(self, behaviour: Behaviour) -> Api:
        """An API without rows."""
        return start({self.name: Table((), self.key, self.updated)}, behaviour)

    def seen(self, facts: Facts) -> dict[str, int]:
        """Of the facts those that the exercise asks about, so that nothing else can make a difference."""
        return {name: value for name, value in asdict(facts).items() if name in self.record}


def behaviour_of(arguments: Mapping[str, Any]) -> Behaviour:
    """How APIs treat their clients. Raises ValueError, for the author, when the argument says something unknown."""
    document = arguments.get(BEHAVIOUR, {})
    if not isinstance(document, Mapping):
        raise ValueError("The argument `behaviour` is a dictionary.")
    known_keys(document, set(Behaviour.__dataclass_fields__), "behaviour")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return Behaviour(**values)


def complaints(name: str, wish: Served, seen: Mapping[str, int], due: Mapping[str, int]) -> Iterator[str]:
    """What clients of an API did that they should not have done, each as a sentence."""
    for fact, bound in wish.record.items():
        if fact not in seen:
            yield f"What was asked of `{name}` could not be read."
        elif problem := bound.broken_by(seen[fact], due.get(fact, 0)):
            few = seen[fact] == 1
            said = _SENTENCES[fact].format(
                name=name, n=f"{seen[fact]:,}", s="" if few else "s", was="was" if few else "were"
            )
            yield f"{said}; {problem}."
