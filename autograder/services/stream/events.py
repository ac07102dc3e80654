"""The records of a stream: clicks with the columns of `web_events`, as lines of JSON, the same for the same seed.

Record number n depends on seed, mixture, rate and first time, and on nothing else, so that a stream which was stopped goes on as if
it had not been. Records are made in blocks of a thousand: a block is the smallest part that can be made by itself.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import datasets
from datasets.generators import vocabulary

BLOCK = 1_000
_CUSTOMERS = 10_000
_PRODUCTS = 1_000
_DEVICES = ("phone", "tablet", "desktop")
_REFERRERS = ("https://search.example.com/", "https://social.example.net/", "https://news.example.org/")
_TYPES = ("page_view", "product_view", "search", "add_to_cart", "remove_from_cart", "purchase")
_WEIGHTS = (36, 39, 10, 10, 3, 2)
_FURTHEST = 200
"""A duplicate comes at most so many records after the first."""


@dataclass(frozen=True)
class Mixture:
    """What is wrong with a stream. All but the last two are shares of the records, from 0 to 1.

    `late` records have an event time up to `late_by` seconds before their turn, `duplicates` repeat an earlier record byte for byte,
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
        records: list[Record] = []
        for number, share in enumerate((drawn.random() for _ in range(BLOCK)), start=start):
            version = 1 if mixture.schema_change_after is None or number < mixture.schema_change_after else 2
            if share < mixture.duplicates and number > start:
                earlier = records[drawn.randrange(max(0, len(records) - _FURTHEST), len(records))]
                records.append(Record(number, earlier.key, earlier.value, "duplicate", earlier.version))
                continue
            share -= mixture.duplicates
            late = 0 <= share < mixture.late
            delay = drawn.uniform(1, mixture.late_by) if late else 0.0
            event = self._event(drawn, number, delay, version)
            share -= mixture.late
            bad = 0 <= share < mixture.bad
            kind = "bad" if bad else "late" if late else "good"
            customer = event["customer_id"]
            key = None if customer is None else str(customer).encode()
            records.append(Record(number, key, _spoiled(drawn, event) if bad else _line(event), kind, version))
        return records

    def _event(self, drawn: random.Random, number: int, delay: float, version: int) -> dict[str, object]:
        event_type = drawn.choices(_TYPES, _WEIGHTS)[0]
        customer = int(_CUSTOMERS ** drawn.random()) if drawn.random() < 0.42 else None
        moment = self.first + timedelta(seconds=number / self.rate - delay)
        referrer = drawn.choice(_REFERRERS) if drawn.random() < 0.14 else None
        event: dict[str, object] = {
            "event_id": f"{drawn.getrandbits(64):016x}",
            "customer_id": customer,
            "event_ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "event_type": event_type,
            "page": _page(drawn, event_type),
            "referrer" if version == 1 else "source": referrer,
        }
        if version == 2:
            event["device"] = drawn.choice(_DEVICES)
        return event


def fields(version: int = 1) -> list[str]:
    """The fields of a good record, in their order."""
    event = Events(1, datetime(2026, 1, 1, tzinfo=UTC))._event(random.Random(0), 0, 0, version)  # noqa: S311
    return list(event)


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _line(event: dict[str, object]) -> bytes:
    return _encode(event).encode()


def _spoiled(drawn: random.Random, event: dict[str, object]) -> bytes:
    """One of five things that producers get wrong."""
    kind = drawn.randrange(5)
    if kind == 0:
        line = _line(event)
        return line[: drawn.randrange(1, len(line))]
    if kind == 1:
        return b"upstream timed out"
    if kind == 2:
        return _line({**event, "event_id": None})
    if kind == 3:
        return _line({**event, "event_ts": "31/02/2026 25:61"})
    return _line({**event, "customer_id": "unknown"})


def _page(drawn: random.Random, event_type: str) -> str:
    if event_type == "purchase":
        return "/checkout"
    if event_type == "search":
        return f"/search?q={drawn.choice(_words())}"
    if event_type == "page_view":
        return "/" if drawn.random() < 0.4 else f"/categories/{drawn.randint(1, len(vocabulary.categories()))}"
    return f"/products/{int(_PRODUCTS ** drawn.random())}"


@lru_cache(maxsize=1)
def _words() -> tuple[str, ...]:
    return tuple(noun.lower().replace(" ", "+") for noun in vocabulary.leaf_nouns())
