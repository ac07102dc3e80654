"""The API for exercises: what it gives out, that its failures follow the plan, and that its record tells patient clients from others."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
import requests
from pyspark.sql import DataFrame, SparkSession

from autograder.services import api
from autograder.services.api import Api, Behaviour, Table

LINES = tuple(
    f'{{"id": {n}, "price": {n}.50, "changed": "2025-06-{1 + n // 10:02}T{n % 10:02}:00:00Z"}}' for n in range(1, 96)
)
TABLES = {"prices": Table(LINES, key="id", updated="changed")}


@contextlib.contextmanager
def served(**behaviour: Any) -> Iterator[Api]:
    with api.serve(TABLES, Behaviour(page_size=10, **behaviour)) as running:
        yield running


def by_cursor(url: str, **parameters: Any) -> list[dict[str, Any]]:
    rows, cursor = [], None
    with requests.Session() as session:
        while True:
            answer = session.get(f"{url}/prices", params={**parameters, "cursor": cursor}, timeout=10)
            answer.raise_for_status()
            page = answer.json()
            rows += page["items"]
            cursor = page["next"]
            if cursor is None:
                return rows


def patiently(url: str, page: int, pause: float = 0.01, timeout: float = 10) -> list[dict[str, Any]]:
    """One page by number, as a client should ask for it."""
    failures = 0
    while True:
        try:
            answer = requests.get(f"{url}/prices", params={"page": page}, timeout=timeout)
            if answer.status_code == 429:
                time.sleep(float(answer.headers["Retry-After"]))
                continue
            answer.raise_for_status()
            items: list[dict[str, Any]] = answer.json()["items"]
            return items
        except requests.RequestException:
            time.sleep(pause * 2**failures)
            failures += 1


def test_pages_by_cursor_give_every_row_once_and_in_order() -> None:
    with served() as running:
        rows = by_cursor(running.url)
        facts = running.facts
    assert [row["id"] for row in rows] == list(range(1, 96))
    assert (facts.requests, facts.pages, facts.rows, facts.repeated, facts.unfinished) == (10, 10, 95, 0, 0)


def test_numbers_stay_as_they_are_written() -> None:
    with served() as running:
        text = requests.get(f"{running.url}/prices", timeout=10).text
    assert '"price": 1.50,' in text
    assert json.loads(text)["items"][0] == {"id": 1, "price": 1.5, "changed": "2025-06-01T01:00:00Z"}


def test_pages_by_number_tell_how_many_there_are() -> None:
    with served(paging="number") as running:
        last = requests.get(f"{running.url}/prices?page=10", timeout=10).json()
        beyond = requests.get(f"{running.url}/prices?page=11", timeout=10).json()
        summary = requests.get(f"{running.url}/prices/summary", timeout=10).json()
        facts = running.facts
    assert ([row["id"] for row in last["items"]], last["page"], last["pages"]) == ([91, 92, 93, 94, 95], 10, 10)
    assert beyond["items"] == []
    assert summary == {"rows": 95, "largest_page": 100}
    assert (facts.requests, facts.pages) == (3, 2)


def test_a_page_is_the_same_however_it_is_asked_for() -> None:
    with served(paging="number") as running:
        for query in ("", "?page=1", "?page=1&page_size=10", "?page_size=10&page=1"):
            requests.get(f"{running.url}/prices{query}", timeout=10)
        assert (running.facts.pages, running.facts.repeated) == (1, 3)


def test_an_empty_table_has_one_page_without_rows() -> None:
    with api.serve({"prices": Table(())}) as running:
        assert requests.get(f"{running.url}/prices", timeout=10).json() == {"items": [], "next": None}


def test_what_changed_since_a_time_includes_that_time_oldest_first() -> None:
    lines = (
        '{"id": 1, "t": "2025-06-03T00:00:00Z"}',
        '{"id": 2, "t": "2025-06-01T00:00:00.000001Z"}',
        '{"id": 3, "t": null}',
    )
    lines += ('{"id": 4, "t": "2025-06-02T00:00:00"}', '{"id": 5, "t": "2025-06-01T00:00:00Z"}')
    with api.serve({"prices": Table(lines, updated="t")}, Behaviour(page_size=2)) as running:
        since = [row["id"] for row in by_cursor(running.url, updated_since="2025-06-01T00:00:00.000001Z")]
        other_zone = [row["id"] for row in by_cursor(running.url, updated_since="2025-06-02T02:00:00+02:00")]
        rows = requests.get(f"{running.url}/prices/summary?updated_since=2025-06-03", timeout=10).json()["rows"]
    assert (since, other_zone, rows) == ([2, 4, 1], [4, 1], 1)


def test_rows_are_added_while_it_runs() -> None:
    with served() as running:
        running.publish("prices", ['{"id": 96}'])
        assert requests.get(f"{running.url}/prices/96", timeout=10).json() == {"id": 96}


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/prices?page_size=101", 400, "at most 100"),
        ("/prices?page_size=0", 400, "no number from 1 on"),
        ("/prices?page=2", 400, "no parameter page"),
        ("/prices?cursor=nonsense", 400, "no cursor"),
        ("/prices?updated_since=yesterday", 400, "2025-06-01T00:00:00Z"),
        ("/prices/4711", 404, "no prices/4711"),
        ("/articles", 404, "there are prices"),
    ],
)
def test_a_mistake_is_told_and_asking_again_is_pointless(path: str, status: int, message: str) -> None:
    with served() as running:
        answer = requests.get(running.url + path, timeout=10)
        assert (answer.status_code, running.facts.mistaken, running.facts.pointless) == (status, 1, 0)
        assert message in answer.json()["error"]
        requests.get(running.url + path, timeout=10)
        assert running.facts.pointless == 1


def test_a_token_is_asked_for() -> None:
    with served(token="secret") as running:
        assert requests.get(f"{running.url}/prices", timeout=10).status_code == 401
        wrong = requests.get(f"{running.url}/prices", headers={"Authorization": "Bearer guess"}, timeout=10)
        right = requests.get(f"{running.url}/prices", headers={"Authorization": "Bearer secret"}, timeout=10)
        assert (wrong.status_code, right.status_code, running.facts.denied) == (401, 200, 2)


def test_every_fourth_request_is_refused_and_who_waits_is_let_in() -> None:
    with served(burst=3, paging="number") as running:
        rows = [row["id"] for page in range(1, 11) for row in patiently(running.url, page)]
        statuses = [request.status for request in running.requests]
        facts = running.facts
    assert rows == list(range(1, 96))
    assert statuses == [200, 200, 200, 429] * 3 + [200]
    assert (facts.refused, facts.impatient, facts.hurried, facts.repeated, facts.unfinished) == (3, 0, 0, 0, 0)


def test_who_does_not_wait_is_refused_again_and_told() -> None:
    with served(burst=1, retry_after=5.0) as running:
        statuses = [requests.get(f"{running.url}/prices", timeout=10).status_code for _ in range(4)]
        assert statuses == [200, 429, 429, 429]
        assert requests.get(f"{running.url}/prices?page_size=5", timeout=10).headers["Retry-After"] < "5.000"
        assert (running.facts.refused, running.facts.impatient) == (4, 2)


def test_who_asks_for_another_page_was_not_told_to_wait() -> None:
    with served(burst=1, retry_after=5.0, paging="number") as running:
        for page in (1, 2, 3):
            requests.get(f"{running.url}/prices?page={page}", timeout=10)
        assert (running.facts.refused, running.facts.impatient, running.facts.unfinished) == (2, 0, 0)


def test_who_asks_for_the_summary_may_not_be_who_was_told_to_wait() -> None:
    with served(burst=1, retry_after=5.0, paging="number") as running:
        requests.get(f"{running.url}/prices/summary", timeout=10)
        with ThreadPoolExecutor(3) as partitions:
            statuses = list(
                partitions.map(
                    lambda _: requests.get(f"{running.url}/prices/summary", timeout=10).status_code, range(3)
                )
            )
        assert statuses == [429, 429, 429]
        assert (running.facts.refused, running.facts.impatient) == (3, 0)


def test_failures_follow_the_plan_whatever_the_order_of_requests() -> None:
    expected = {(3, "503"), (6, "500"), (9, "503")}
    for order in (range(1, 11), range(10, 0, -1)):
        with served(every=3, kinds=("503", "500"), paging="number") as running:
            rows = {row["id"] for page in order for row in patiently(running.url, page)}
            failed = {
                (int(request.target.split()[2]) // 10 + 1, request.failure)
                for request in running.requests
                if request.failure
            }
            facts = running.facts
        assert rows == set(range(1, 96))
        assert failed == expected
        assert (facts.requests, facts.failed, facts.hurried, facts.unfinished) == (13, 3, 0, 0)


def test_clients_at_the_same_time_meet_the_same_failures() -> None:
    with served(every=2, kinds=("503", "cut"), times=2, paging="number", burst=4) as running:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda page: patiently(running.url, page), range(1, 11)))
        facts = running.facts
    assert [row["id"] for rows in found for row in rows] == list(range(1, 96))
    assert (facts.failed, facts.pages, facts.repeated, facts.impatient, facts.hurried) == (10, 10, 0, 0, 0)


def test_pauses_after_failures_double() -> None:
    with served(every=1, times=3, pause=0.3, paging="number") as running:
        patiently(running.url, 1, pause=0.3)
        assert running.facts.hurried == 0
        running.forget()
        for _ in range(4):  # 503 three times, each 300 ms apart: enough after the first failure only
            requests.get(f"{running.url}/prices?page=1", timeout=10)
            time.sleep(0.3)
        assert (running.facts.failed, running.facts.hurried) == (3, 2)


def test_who_gives_up_leaves_a_page_unfinished() -> None:
    with served(every=1) as running:
        assert requests.get(f"{running.url}/prices", timeout=10).status_code == 503
        assert (running.facts.pages, running.facts.unfinished) == (0, 1)


def test_a_body_that_is_cut_off_is_an_error_for_the_client() -> None:
    with served(every=1, kinds=("cut",)) as running:
        with pytest.raises(requests.RequestException):
            requests.get(f"{running.url}/prices", timeout=10)
        assert running.facts.failed == 1
        assert len(requests.get(f"{running.url}/prices", timeout=10).json()["items"]) == 10


def test_a_slow_answer_is_slow_only_for_those_who_wait_for_it() -> None:
    with served(every=1, kinds=("slow",), slow=30.0) as running:
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            requests.get(f"{running.url}/prices", timeout=0.1)
        again = requests.get(f"{running.url}/prices", timeout=10)
        assert (again.status_code, time.monotonic() - began < 15) == (200, True)
        deadline = time.monotonic() + 10
        while running.facts.failed == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (running.facts.waited, running.facts.failed, running.facts.hurried) == (0, 1, 0)
    with served(every=1, kinds=("slow",), slow=0.2) as running:
        began = time.monotonic()
        assert requests.get(f"{running.url}/prices", timeout=10).status_code == 200
        assert (running.facts.waited, time.monotonic() - began >= 0.2) == (1, True)


@pytest.mark.parametrize(
    "wrong", [{"kinds": ("teapot",)}, {"kinds": ()}, {"paging": "sideways"}, {"page_size": 200}, {"retry_after": 0.0}]
)
def test_a_behaviour_that_makes_no_sense_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kinds|paging|page_size|retry_after"):
        Behaviour(**wrong)


def test_pages_are_read_by_the_python_workers_of_spark(spark: SparkSession) -> None:
    with served(every=4, paging="number") as running:
        url = running.url

        def read(batches: Iterator[Any]) -> Iterator[Any]:
            for batch in batches:
                for page in batch["page"]:
                    answer = requests.get(f"{url}/prices", params={"page": page}, timeout=10)
                    if answer.status_code == 503:
                        time.sleep(0.01)
                        answer = requests.get(f"{url}/prices", params={"page": page}, timeout=10)
                    yield pd.DataFrame({"id": [row["id"] for row in answer.json()["items"]]})

        pages: DataFrame = spark.createDataFrame([(page,) for page in range(1, 11)], "page INT").repartition(2)
        ids = sorted(row["id"] for row in pages.mapInPandas(read, "id LONG").collect())
        facts = running.facts
    assert ids == list(range(1, 96))
    assert (facts.pages, facts.requests, facts.failed) == (10, 12, 2)


def test_it_listens_only_on_this_machine_and_ends_with_the_block() -> None:
    with served() as running:
        port = int(running.url.rpartition(":")[2])
        connection = socket.create_connection(("127.0.0.1", port), timeout=5)
        connection.sendall(b"GET /prices/summary HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        other = socket.gethostbyname(socket.gethostname())
        if other != "127.0.0.1":
            with pytest.raises(OSError):
                socket.create_connection((other, port), timeout=5)
    connection.settimeout(5)
    while connection.recv(1000):  # the rest of the answer, then the end
        pass
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    before = threading.active_count()
    with served():
        pass
    assert threading.active_count() <= before


def test_it_ends_with_its_process_and_a_fork_cannot_stop_it() -> None:
    program = (
        "import os, time; from autograder.services import api\n"
        "running = api.start({'prices': api.Table(())}); child = os.fork()\n"
        "if not child: running.stop(); os._exit(0)\n"
        "os.waitpid(child, 0); print(running.url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert requests.get(f"{url}/prices", timeout=10).status_code == 200
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/prices", timeout=10)
