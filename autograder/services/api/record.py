"""What clients of an API did: every request, and what a grader wants to know of them as counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Facts:
    """What clients did, as counts.

    | | |
    |---|---|
    | requests | all of them |
    | pages | different pages that were given out whole |
    | rows | rows of these pages, as often as they were given out |
    | repeated | pages that were given out although they had been before |
    | refused | answers 429 |
    | impatient | requests for a page or row before the time was over that a 429 had told for it |
    | failed | pages that failed by plan |
    | hurried | requests for a failed page before its pause was over |
    | unfinished | pages that were asked for and never given out whole |
    | waited | slow answers that a client waited for |
    | denied, mistaken | answers 401; answers 400 and 404 |
    | pointless | requests that were repeated although the answer had been 400, 401 or 404 |
    """

    requests: int = 0
    pages: int = 0
    rows: int = 0
    repeated: int = 0
    refused: int = 0
    impatient: int = 0
    failed: int = 0
    hurried: int = 0
    unfinished: int = 0
    waited: int = 0
    denied: int = 0
    mistaken: int = 0
    pointless: int = 0


FACTS = tuple(fact.name for fact in fields(Facts))


@dataclass(frozen=True)
class Request:
    """One request. `target` is what was asked for; `failure` what went wrong by plan; `status` 0 means that the client left early."""

    target: str
    status: int
    rows: int = 0
    failure: str = ""


@dataclass
class History:
    """What is known of one target. `tries` are those that were let in, `given_out` those that got it whole."""

    tries: int = 0
    given_out: int = 0
    turned_down: bool = False
    not_before: float = 0.0
    refused: bool = False


class Record:
    """Requests and counts. Not safe for threads by itself: the API holds its lock."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._counts: dict[str, int] = defaultdict(int)
        self._histories: dict[str, History] = defaultdict(History)
        self._pages: set[str] = set()

    def arrived(self, target: str, now: float) -> History:
        """Note that something was asked for, and whether that was too early or in vain."""
        history = self._histories[target]
        self._counts["requests"] += 1
        if now < history.not_before:
            self._counts["impatient" if history.refused else "hurried"] += 1
        self._counts["pointless"] += history.turned_down
        return history

    def refused(self, target: str, until: float) -> None:
        """Note a 429, and until when whoever got it shall wait: 0 where several clients may ask for the same."""
        history = self._histories[target]
        history.refused, history.not_before = True, until
        self._counts["refused"] += 1
        self.requests.append(Request(target, 429))

    def let_in(self, target: str) -> None:
        """Note that nothing hinders this request."""
        history = self._histories[target]
        history.refused, history.not_before = False, 0.0

    def turned_down(self, target: str, status: int) -> None:
        """Note a request that is wrong, and would be so again."""
        self._histories[target].turned_down = True
        self._counts["denied" if status == 401 else "mistaken"] += 1
        self.requests.append(Request(target, status))

    def asked_for_page(self, target: str) -> int:
        """Note that a page is asked for. Returns how often it has been before."""
        history = self._histories[target]
        self._pages.add(target)
        history.tries += 1
        return history.tries - 1

    def failed(self, target: str, status: int, failure: str, until: float) -> None:
        """Note a page that failed, and until when its client shall wait."""
        self._histories[target].not_before = until
        self._counts["failed"] += 1
        self.requests.append(Request(target, status, 0, failure))

    def given_out(self, target: str, rows: int, page: bool, slowly: bool = False) -> None:
        """Note that something was given out whole, perhaps `slowly`, to a client that waited."""
        history = self._histories[target]
        if page:
            self._counts["rows"] += rows
            self._counts["repeated"] += history.given_out > 0
            history.given_out += 1
        self._counts["waited"] += slowly
        self._counts["failed"] += slowly
        self.requests.append(Request(target, 200, rows, "slow" if slowly else ""))

    def facts(self) -> Facts:
        """The counts so far."""
        got = sum(self._histories[target].given_out > 0 for target in self._pages)
        return Facts(**{**self._counts, "pages": got, "unfinished": len(self._pages) - got})
