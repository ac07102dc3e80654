"""A client that does not give up at once: for exercises that need pages of an API, but are not about how to fetch them."""

from __future__ import annotations

import time

import requests


def patient(address: str, tries: int = 6, timeout: float = 10.0, pause: float = 0.01) -> requests.Response:
    """What a GET of the address gets in the end.

    A 429 is waited for as long as its `Retry-After` says, and is no try. After a status of 500 or more, or no whole answer, it asks again,
    `tries` times in all; the first wait is `pause` seconds, and each further one twice as long. Any other status is returned at once.
    Spark's workers can use it, too.

    Raises requests.RequestException when the last try had no whole answer.
    """
    for attempt in range(1, tries):
        try:
            answer = _once_let_in(address, timeout)
        except requests.RequestException:
            answer = None
        if answer is not None and answer.status_code // 100 != 5:
            return answer
        time.sleep(pause * 2 ** (attempt - 1))
    return _once_let_in(address, timeout)


def _once_let_in(address: str, timeout: float) -> requests.Response:
    """The first answer that is no 429."""
    while (answer := requests.get(address, timeout=timeout)).status_code == 429:
        time.sleep(float(answer.headers["Retry-After"]))
    return answer
