"""A REST API on loopback: tables as pages of JSON, with rate limits and failures that follow a plan, and a record of what clients did.

    with api.serve({"orders": api.Table(lines, key="order_id", updated="updated_at")}, api.Behaviour(burst=5)) as shop:
        requests.get(f"{shop.url}/orders", params={"page_size": 50})

| request | answer |
|---|---|
| `GET /orders` | the first page: `{"items": [...], "next": "cm93IDUw"}`; `next` is the cursor of the next page, null on the last one |
| `GET /orders?cursor=cm93IDUw&page_size=50` | the page at a cursor, where `Behaviour.paging` is "cursor" |
| `GET /orders?page=3` | where it is "number", a page by its number: `{"items": [...], "page": 3, "pages": 15}` |
| `GET /orders?updated_since=2025-06-01T00:00:00Z` | only rows that changed at that time or later, oldest change first |
| `GET /orders/summary` | `{"rows": 1500, "largest_page": 100}`, also with `updated_since` |
| `GET /orders/17` | one row by its key, or 404 |

It runs in threads of this process and ends with it, also by SIGKILL; every process of this machine may ask it. What it does depends on
how often something was asked for, never on chance or speed, so clients that ask in another order, or at the same time, meet the same
failures. The clock has one use: to see whether a client that was told to wait came back too early.
"""

from autograder.services.api.behaviour import FAILURES, Behaviour, Table
from autograder.services.api.record import Facts, Request
from autograder.services.api.server import Api, serve, start

__all__ = ["FAILURES", "Api", "Behaviour", "Facts", "Request", "Table", "serve", "start"]
