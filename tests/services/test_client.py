"""The patient client, against an API that fails and limits."""

from __future__ import annotations

import pytest
import requests

from autograder.services import api
from autograder.services.api import Behaviour, Table
from autograder.services.client import patient

ROWS = {"prices": Table(tuple(f'{{"id": {number}}}' for number in range(1, 96)), key="id")}
NUMBERS = Behaviour(page_size=10, paging="number", burst=3, every=2, kinds=("503", "cut", "500"), times=3)


def test_gets_every_page_and_is_polite() -> None:
    with api.serve(ROWS, NUMBERS) as shop:
        pages = [patient(f"{shop.url}/prices?page={number}").json() for number in range(1, 11)]
    assert [row["id"] for page in pages for row in page["items"]] == list(range(1, 96))
    seen = shop.facts
    assert (seen.failed, seen.pages, seen.unfinished) == (15, 10, 0)
    assert seen.refused > 0
    assert (seen.impatient, seen.hurried, seen.pointless, seen.repeated) == (0, 0, 0, 0)


def test_leaves_a_slow_answer() -> None:
    with api.serve(ROWS, Behaviour(page_size=10, paging="number", every=1, kinds=("slow",))) as shop:
        assert patient(f"{shop.url}/prices", timeout=0.2).json()["page"] == 1
    assert (shop.facts.failed, shop.facts.waited) == (1, 0)


def test_takes_no_for_an_answer() -> None:
    with api.serve(ROWS, NUMBERS) as shop:
        assert patient(f"{shop.url}/prices/96").status_code == 404
        assert patient(f"{shop.url}/prices?size=5").status_code == 400
    assert shop.facts.requests == 2


@pytest.mark.parametrize("kind", ["503", "cut"])
def test_gives_up_in_the_end(kind: str) -> None:
    with api.serve(ROWS, Behaviour(page_size=10, paging="number", every=1, kinds=(kind,), times=9)) as shop:
        address = f"{shop.url}/prices"
        if kind == "503":
            assert patient(address, tries=2).status_code == 503
        else:
            with pytest.raises(requests.RequestException):
                patient(address, tries=2)
    assert shop.facts.requests == 2
