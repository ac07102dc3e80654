"""The patient client, against an API that fails and limits."""

from __future__ import annotations

import json

import pytest
from urllib3.exceptions import HTTPError, MaxRetryError

from autograder.services import api
from autograder.services.api import Behaviour, Table
from autograder.services.client import patient

ROWS = {"prices": Table(tuple(f'{{"id": {number}}}' for number in range(1, 96)), key="id")}
NUMBERS = Behaviour(page_size=10, paging="number", burst=3, every=2, kinds=("503", "cut", "500"), times=3)


def test_gets_every_page_and_is_polite() -> None:
    with api.serve(ROWS, NUMBERS) as shop:
        pages = [json.loads(patient(f"{shop.url}/prices?page={number}")) for number in range(1, 11)]
    assert [row["id"] for page in pages for row in page["items"]] == list(range(1, 96))
    seen = shop.facts
    assert (seen.failed, seen.pages, seen.unfinished) == (15, 10, 0)
    assert seen.refused > 0
    assert (seen.impatient, seen.hurried, seen.pointless, seen.repeated) == (0, 0, 0, 0)


def test_leaves_a_slow_answer() -> None:
    with api.serve(ROWS, Behaviour(page_size=10, paging="number", every=1, kinds=("slow",))) as shop:
        assert json.loads(patient(f"{shop.url}/prices", timeout=0.2))["page"] == 1
    assert (shop.facts.failed, shop.facts.waited) == (1, 0)


@pytest.mark.parametrize(("path", "status"), [("/96", 404), ("?size=5", 400)])
def test_takes_no_for_an_answer(path: str, status: int) -> None:
    with api.serve(ROWS, NUMBERS) as shop, pytest.raises(HTTPError, match=f"status {status}"):
        patient(f"{shop.url}/prices{path}")
    assert shop.facts.requests == 1


@pytest.mark.parametrize(("kind", "message"), [("503", "status 503"), ("cut", "IncompleteRead")])
def test_gives_up_in_the_end(kind: str, message: str) -> None:
    with api.serve(ROWS, Behaviour(page_size=10, paging="number", every=1, kinds=(kind,), times=9)) as shop:
        with pytest.raises(HTTPError, match=message) as error:
            patient(f"{shop.url}/prices", tries=2)
        assert isinstance(error.value, MaxRetryError) == (kind == "cut")
    assert shop.facts.requests == 2
