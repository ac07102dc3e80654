"""The records of a stream: clicks with the columns of `web_events`, as lines of JSON, the same for the same seed.

Record number n depends on seed, mixture, rate and first time, and on nothing else, so that a stream which was stopped goes on as if
it had not been. Records are made in blocks of a thousand: a block is the smallest part that can be made by itself.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import NamedTuple

import datasets
from datasets.generators import vocabulary

BLOCK = 1_000
_CUSTOMERS = 10_000
_PRODUCTS = 1_000
_DEVICES = ("phone", "tablet", "desktop")
_REFERRERS = ("https://search.example.com/", "https://social.example.net/", "https://news.example.org/")
_TYPES = ("page_view", "product_view", "search", "add_to_cart", "remove_from_cart", "purchase")
_REACHED = (0.36, 0.75, 0.85, 0.95, 0.98)
"""Upper ends of the types' shares, all but the last."""

_FURTHEST = 200
"""A duplicate comes at most so many records after the first."""


@dataclass(frozen=True)
class Mixture:
    """What is wrong with a stream. All but the last two are shares of the records, from 0 to 1.

    `late` records have an event time up to `late_by` seconds before their turn, `duplicates` repeat an earlier usable record byte for byte,
    `bad` ones cannot be used. From record number `schema_change_after` on, a record has a field `device`, and `referrer`
    is called `source`; None: never.
    """

    late: float = 0.0
    duplicates: float = 0.0
    bad: float = 0.0
    late_by: int = 600
    schema_change_after: int | None = None

    def __post_init__(self) -> None:
        shares = {"late": self.late, "duplicates": self.duplicates, "bad": self.bad}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{name} is {share:g}; it is a share of the records, from 0 to 1.")
        if sum(shares.values()) > 1:
            raise ValueError("late, duplicates and bad together are more than all records; their sum may be 1 at most.")
        if self.late_by < 1:
            raise ValueError(f"late_by is {self.late_by}; it is a number of seconds, at least 1.")
        if self.schema_change_after is not None and self.schema_change_after < 0:
            raise ValueError(
                f"schema_change_after is {self.schema_change_after}; it is a number of records, at least 0."
            )


@dataclass(frozen=True, slots=True)
class Record:
    """`key` names the visitor, or is None; `kind` is "good", "late", "duplicate" or "bad"; `version` is that of the schema."""

    number: int
    key: bytes | None
    value: bytes
    kind: str
    version: int


@dataclass(frozen=True)
class Events:
    """All records of a stream. The event time of a record is `first` plus its number divided by `rate` (per second)."""

    rate: float
    first: datetime
    seed: int = datasets.catalog.SAMPLE_SEED
    mixture: Mixture = Mixture()

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1_000_000:
            raise ValueError(
                f"rate is {self.rate:g}; it is a number of records per second, more than 0, at most a million."
            )

    def from_number(self, number: int) -> Iterator[Record]:
        """The records from one on, without end."""
        block, skip = divmod(number, BLOCK)
        while True:
            yield from self._block(block)[skip:]
            block, skip = block + 1, 0

    def _block(self, block: int) -> list[Record]:
        drawn = random.Random(f"{self.seed}.{block}")  # noqa: S311
        start, mixture = block * BLOCK, self.mixture
        change = mixture.schema_change_after
        records: list[Record] = []
        usable: list[Record] = []
        for number in range(start, start + BLOCK):
            share = drawn.random()
            if share < mixture.duplicates and usable:
                earlier = usable[drawn.randrange(max(0, len(usable) - _FURTHEST), len(usable))]
                records.append(Record(number, earlier.key, earlier.value, "duplicate", earlier.version))
                continue
            version = 1 if change is None or number < change else 2
            late = share >= 1 - mixture.late
            bad = not late and share >= 1 - mixture.late - mixture.bad
            event = self._event(drawn, number, drawn.uniform(1, mixture.late_by) if late else 0.0, version)
            key = None if event.customer == "null" else event.customer.encode()
            kind = "late" if late else "bad" if bad else "good"
            value = _spoiled(drawn, event) if bad else event.line()
            records.append(Record(number, key, value.encode(), kind, version))
            if not bad:
                usable.append(records[-1])
        return records

    def _event(self, drawn: random.Random, number: int, delay: float, version: int) -> _Event:
        chance = drawn.random
        event_type = _TYPES[bisect(_REACHED, chance())]
        seconds, milliseconds = divmod(int((self._epoch + number / self.rate - delay) * 1000), 1000)
        return _Event(
            f'"{drawn.getrandbits(64):016x}"',
            str(int(_CUSTOMERS ** chance())) if chance() < 0.42 else "null",
            f'"{_second(seconds)}.{milliseconds:03}Z"',
            event_type,
            _page(chance, event_type),
            f'"{_REFERRERS[int(chance() * 3)]}"' if chance() < 0.14 else "null",
            None if version == 1 else _DEVICES[int(chance() * 3)],
        )

    @cached_property
    def _epoch(self) -> float:
        return self.first.timestamp()


class _Event(NamedTuple):
    """The fields of an event; all but type, page and device as JSON."""

    identifier: str
    customer: str
    time: str
    type: str
    page: str
    referrer: str
    device: str | None

    def line(self) -> str:
        """The event as JSON. Nothing in it needs escaping, so it is put together here: the JSON module takes twice as long."""
        head = f'{{"event_id":{self.identifier},"customer_id":{self.customer},"event_ts":{self.time},"event_type":"{self.type}"'
        if self.device is None:
            return f'{head},"page":"{self.page}","referrer":{self.referrer}}}'
        return f'{head},"page":"{self.page}","source":{self.referrer},"device":"{self.device}"}}'


def _spoiled(drawn: random.Random, event: _Event) -> str:
    """One of five things that producers get wrong."""
    kind = drawn.randrange(5)
    if kind == 0:
        line = event.line()
        return line[: drawn.randrange(1, len(line))]
    if kind == 1:
        return "upstream timed out"
    if kind == 2:
        return event._replace(identifier="null").line()
    if kind == 3:
        return event._replace(time='"31/02/2026 25:61"').line()
    return event._replace(customer='"unknown"').line()


def _page(chance: Callable[[], float], event_type: str) -> str:
    if event_type == "purchase":
        return "/checkout"
    if event_type == "search":
        words = _words()
        return f"/search?q={words[int(chance() * len(words))]}"
    if event_type == "page_view":
        return "/" if chance() < 0.4 else f"/categories/{int(chance() * _categories()) + 1}"
    return f"/products/{int(_PRODUCTS ** chance())}"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=1)
def _categories() -> int:
    return len(vocabulary.categories())


@lru_cache(maxsize=1)
def _words() -> tuple[str, ...]:
    return tuple(noun.lower().replace(" ", "+") for noun in vocabulary.leaf_nouns())
