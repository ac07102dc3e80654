"""A client that does not give up at once: for exercises that need pages of an API, but are not about how to fetch them."""

from __future__ import annotations

from http import HTTPStatus
from types import TracebackType
from typing import Self

from urllib3 import BaseHTTPResponse, PoolManager, Retry
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.retry import RequestHistory

SERVER_ERRORS = range(500, 600)


class _Patience(Retry):
    """As urllib3 tries again, but with a pause after the first failure, too, and with any number of refusals (429)."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds, of which our APIs send fractions."""
        return float(retry_after)

    def get_backoff_time(self) -> float:
        """Seconds until the next try: they double with every failure."""
        failures = sum(entry.status != HTTPStatus.TOO_MANY_REQUESTS for entry in self.history)
        return float(self.backoff_factor * 2 ** (failures - 1)) if failures else 0.0

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """What is left after a try."""
        if response is not None and response.status == HTTPStatus.TOO_MANY_REQUESTS:
            refusal = RequestHistory(method, url, error, HTTPStatus.TOO_MANY_REQUESTS, None)
            return self.new(history=(*self.history, refusal))
        return super().increment(method, url, response, error, _pool, _stacktrace)


def patient(address: str, tries: int = 6, timeout: float = 10.0, pause: float = 0.01) -> str:
    """The text that a GET of the address gives in the end.

    A 429 is waited for as long as its `Retry-After` says, and is no try. After a status of 500 or more, or no whole answer within
    `timeout` seconds, it asks again, `tries` times in all; the first wait is `pause` seconds, and each further one twice as long.
    Spark's workers can use it, too.

    Raises urllib3.exceptions.HTTPError when there is no whole answer in the end, or one with a status of 400 or more.
    """
    patience = _Patience(
        total=tries - 1,
        status_forcelist=SERVER_ERRORS,
        backoff_factor=pause,
        raise_on_status=False,
    )
    with PoolManager() as pool:
        answer = pool.request("GET", address, timeout=timeout, retries=patience)
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise HTTPError(f"GET {address} was answered with status {answer.status}: {answer.data.decode()}")
    return answer.data.decode()
