"""What an API gives out, and how it treats its clients."""

from __future__ import annotations

from dataclasses import dataclass

CUT, SLOW = "cut", "slow"
FAILURES = ("500", "502", "503", "504", CUT, SLOW)
"""`cut`: the connection ends in the middle of the body. `slow`: the answer takes `Behaviour.slow` seconds."""


@dataclass(frozen=True)
class Table:
    """Rows as JSON text, one object each, in the order in which they are given out.

    `key` is the field by which single rows are found; `updated` the one with the time of the last change (ISO 8601), for `updated_since`.
    """

    lines: tuple[str, ...]
    key: str = ""
    updated: str = ""


@dataclass(frozen=True)
class Behaviour:
    """How an API treats its clients.

    Parameters
    ----------
    page_size: rows of a page unless the client asks for another number, of which `largest_page` is the limit (400 above it).
    paging: pages by opaque "cursor" or by "number".
    token: what `Authorization: Bearer ...` must say, 401 otherwise; empty when everybody may ask.
    burst: so many requests are let in, then one is refused with 429, and so is every other until `retry_after` seconds later, when
        the count begins anew; 0 for no limit.
    every, kinds, times: of the pages of a table every n-th fails, `times` times before it is given out; the `kinds` of failure take
        turns. 0: nothing fails.
    pause: seconds that clients shall wait before they try a failed page again; twice as long after each further failure.
    slow: seconds that a slow answer takes.

    Raises ValueError, for the author, when a value makes no sense.
    """

    page_size: int = 100
    largest_page: int = 100
    paging: str = "cursor"
    token: str = ""
    burst: int = 0
    retry_after: float = 0.03
    every: int = 0
    kinds: tuple[str, ...] = ("503",)
    times: int = 1
    pause: float = 0.01
    slow: float = 1.0

    def __post_init__(self) -> None:
        if not self.kinds or set(self.kinds) - set(FAILURES):
            raise ValueError(f"kinds: at least one of {', '.join(FAILURES)} is needed, and nothing else.")
        if self.paging not in ("cursor", "number"):
            raise ValueError(f'paging is "cursor" or "number", not {self.paging!r}.')
        if self.retry_after < 0.001:
            raise ValueError("retry_after must be at least 0.001 seconds.")
        if not 1 <= self.page_size <= self.largest_page:
            raise ValueError("page_size must be at least 1, and at most largest_page.")

    def failure(self, page: int, attempt: int) -> str:
        """What goes wrong when a page (from 1) is asked for, at this attempt (from 0); empty when nothing does."""
        if not self.every or page % self.every or attempt >= self.times:
            return ""
        return self.kinds[(page // self.every - 1 + attempt) % len(self.kinds)]
