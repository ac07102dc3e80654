# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 3.4 APIs, Python data sources and exports
#
# **Time:** 150 minutes (two sittings) · **Data:** retail · **Before this:** 2.1, 2.3, 3.1, 3.2 and 3.3
#
# Much of what a company wants to know is kept by somebody else: the carrier knows where the parcels are, the supplier what things cost, the bank what was paid. They do not hand over their
# database. They offer an **API**: an address to which a program sends a request and gets a page of JSON. Such a source is slow, it limits you, and it fails in the middle of the night. The
# other direction is no easier: accountants, partners and auditors want files from you, in their format, and somebody has to prove that these files are complete. Here you learn both ways, in and out.
#
# ## You will learn to
#
# - fetch all pages of an API, each once, and turn them into typed rows
# - tell answers that deserve another try from those that do not, and wait as you are told
# - land what came, as it came, with columns that tell where it is from, so that the same job can run twice
# - write an API as a Spark data source, so that partitions fetch pages side by side
# - export one state of the data as a CSV report, as JSON documents and as Avro
# - check an export against its source before anybody relies on it

# %% setup=true
import datetime as dt
import json
import time
from decimal import Decimal
from pathlib import Path

import requests
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from autograder import check, hint
from autograder.services.client import patient
from datasets import sample

spark = SparkSession.builder.appName("3.4").getOrCreate()

products = spark.read.parquet(sample("products"))
orders = spark.read.parquet(sample("orders"))
order_items = spark.read.parquet(sample("order_items"))
payments = spark.read.parquet(sample("payments"))
shipments = spark.read.parquet(sample("shipments"))

# %% [markdown]
# ## A page of JSON
#
# The worked examples talk to a supplier, a company that offers the products of the shop. Its API is a small program that runs on your own machine, started by the next cell. It speaks the same language as every
# other: HTTP. (`autograder.services.api` is a part of this course. It can do what real APIs do, also the unpleasant things: here every second page fails once, and after `burst` requests it wants a pause.)

# %%
from autograder.services import api as local_api

catalogue = products.orderBy("product_id").select(
    F.to_json(F.struct("product_id", "name", F.col("price").cast("string").alias("price")))
)
supplier = local_api.start(
    {"products": local_api.Table(tuple(row[0] for row in catalogue.collect()), key="product_id")},
    local_api.Behaviour(page_size=50, largest_page=50, burst=4, every=2, kinds=("503", "cut")),
)
answer = requests.get(f"{supplier.url}/products", params={"page_size": 2}, timeout=10)
print(answer.status_code, answer.headers["Content-Type"])
print(answer.text)

# %% [markdown]
# A request has an address, perhaps with **parameters** behind a question mark (`?page_size=2`; `requests` writes them for you from `params`, and leaves out those that are `None`). The answer has
#
# - a **status**: 200 means "here it is", 4xx "you made a mistake", 5xx "we made a mistake",
# - **headers**: what the body is, and sometimes what you should do,
# - a **body**: `answer.text` is the text as it came, `answer.json()` the same as Python lists and dictionaries.
#
# Say `timeout=` every time. Without it, `requests` waits for ever for a server that says nothing, and so does your job.
#
# Nobody sends a million rows in one answer. An API gives out **pages**, and there are two ways to go from page to page:
#
# | | by number | by cursor |
# |---|---|---|
# | you ask for | `?page=3` | `?cursor=cm93IDI`, a text that came with the page before |
# | the end is where | the answer says how many pages there are | the cursor of the next page is null |
# | good | pages can be fetched at the same time | each page begins where the last one ended, also when rows come in meanwhile |
# | bad | when a row comes in at the front, all others move: the last row of a page is then also the first of the next | one page after the other |
#
# A cursor is **opaque**: do not read it, do not compute it, hand it back as it is. Two pages of three:

# %%
page = requests.get(f"{supplier.url}/products", params={"page_size": 3}, timeout=10).json()
print([item["name"] for item in page["items"]], "->", page["next"])
again = {"page_size": 3, "cursor": page["next"]}
page = requests.get(f"{supplier.url}/products", params=again, timeout=10)
print(page.status_code, page.json())

# %% [markdown]
# The second page did not come: 503, "out of order at the moment". We come to that. First, how do pages become rows? Python objects bring their own trouble: `price` is text, because careful APIs
# send amounts as text (a JSON number has no decimals of its own, and Python would make 12.5 of 12.50); times are text, too; and `spark.createDataFrame(items)` *guesses* types from what it sees. With a schema there is nothing to
# guess. Let Spark read the JSON, as in 1.3:

# %%
text = '{"product_id": 7, "name": "Desk lamp", "price": "24.90", "since": "2025-03-01T08:00:00Z"}'
schema_of_products = "product_id BIGINT, name STRING, price DECIMAL(10,2), since TIMESTAMP"
lamp = spark.createDataFrame([(text,)], "line STRING")
lamp.select(F.from_json("line", schema_of_products).alias("it")).select("it.*").show()

# %% [markdown]
# `from_json` takes text in quotes for a decimal, too, and knows the times that APIs send (ISO 8601, with a `Z` for UTC).
#
# ### The carrier's API
#
# The exercises talk to the **carrier**, who brings the parcels of the shop. Your function gets the beginning of all addresses as the parameter `api` (text, such as `http://127.0.0.1:40123`). This is the documentation:
#
# | request | answer |
# |---|---|
# | `GET {api}/parcels` | the parcels, sorted by `parcel_id`, in pages **by cursor**: `{"items": [...], "next": ...}`; `next` is null on the last page |
# | `GET {api}/archive` | the same in pages **by number**, from 1: `{"items": [...], "page": 3, "pages": 58}` |
# | both with `?page_size=...` | so many rows to a page: 20 unless you say so, at most 100 |
# | `GET {api}/archive/summary` | `{"rows": 1151, "largest_page": 100}` |
# | `GET {api}/archive/11` | the parcel of this number, or 404 |
#
# One item is `{"parcel_id": 11, "order_id": 1, "carrier": "Fastline", "weight_kg": 1.06, "freight": "4.75", "shipped_at": "2024-01-04T09:56:29.000Z", "delivered_at": "2024-01-04T23:00:30.000Z"}`. `carrier` and `delivered_at` may be null.
#
# Each check starts a carrier of its own, which serves the one list that the exercise is about, and the grader keeps a **record** of all requests. You cannot ask that carrier beforehand, but this one, which has the same parcels:

# %%
kept = (
    shipments.orderBy("shipment_id")
    .selectExpr(
        "shipment_id AS parcel_id",
        "order_id",
        "carrier",
        "weight_kg",
        "CAST(freight AS STRING) AS freight",
        "shipped_ts AS shipped_at",
        "delivered_ts AS delivered_at",
    )
    .select(F.to_json(F.struct("*"), {"ignoreNullFields": "false"}))
)
carrier = local_api.start(
    {"parcels": local_api.Table(tuple(row[0] for row in kept.collect()), key="parcel_id")},
    local_api.Behaviour(page_size=20),
)
print(requests.get(f"{carrier.url}/parcels?page_size=2", timeout=10).text)

# %% [markdown]
# It has `/parcels` only. To see what your function gets in a check, put a `print` into it, and remove it when you are done.
#
# ### Exercise 3.4.1: all parcels
#
# Fetch all parcels from `{api}/parcels`, **page by page with cursors, and with no more requests than needed**. Return one row per parcel. Here nothing fails. There may be no parcels at all: then there is one page, without items.


# %% answer="3.4.1" title="All parcels"
def all_parcels(spark: SparkSession, api: str) -> DataFrame:
    """(parcel_id BIGINT, carrier STRING or NULL, freight DECIMAL(10,2), delivered_at TIMESTAMP or NULL), one row per parcel."""
    ### BEGIN SOLUTION
    lines, cursor = [], None
    while True:
        asked = {"page_size": 100, "cursor": cursor}
        found = requests.get(f"{api}/parcels", params=asked, timeout=10).json()
        lines += [(json.dumps(item),) for item in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
    schema = "parcel_id BIGINT, carrier STRING, freight DECIMAL(10,2), delivered_at TIMESTAMP"
    parcels = spark.createDataFrame(lines, "line STRING")
    return parcels.select(F.from_json("line", schema).alias("parcel")).select("parcel.*")
    ### END SOLUTION


# %% check="3.4.1" points=2
### BEGIN HIDDEN TESTS
from autograder import variant
from autograder.runtime import variants

variant("3.4.1", "whole pages", "exactly 200 parcels", shipments=lambda parcels: parcels.limit(200))
variant("3.4.1", "no parcels", "no parcels at all", shipments=variants.empty)
### END HIDDEN TESTS
check(
    "3.4.1",
    all_parcels,
    key=["parcel_id"],
    arguments={"behaviour": {"page_size": 20}},
    files={
        "given": {
            "api": {
                "table": "shipments",
                "select": [
                    "shipment_id AS parcel_id",
                    "order_id",
                    "carrier",
                    "weight_kg",
                    "CAST(freight AS STRING) AS freight",
                    "shipped_ts AS shipped_at",
                    "delivered_ts AS delivered_at",
                ],
                "served": {"as": "parcels", "record": {"requests": {"at_most": "reference"}}},
            }
        },
        "returns": True,
    },
)

# %% [markdown] equivalent="3.4.1" because="Nothing is slow here, so no timeout is ever reached."
# - drop option: timeout=10 of get
# - number: 10 → 11
# - number: 10 → 9

# %% [markdown] hints="3.4.1"
# 1. The first request has no cursor; every other one has the cursor of the page before. When do you stop? And how many rows can a page have at most?
# 2. A loop that never ends by itself (`while True`) with a `break` where `next` is None. A parameter that is None is left out by `requests`.
# 3. Collect every item as a tuple with one text (`json.dumps`), make a DataFrame of one column with a schema, and let `from_json` make the four columns. With a schema, `createDataFrame` takes an empty list, too.


# %% wrong="3.4.1" because="rows are missing"
def all_parcels(spark, api):
    found = requests.get(f"{api}/parcels", params={"page_size": 100}, timeout=10).json()
    lines = [(json.dumps(item),) for item in found["items"]]
    schema = "parcel_id BIGINT, carrier STRING, freight DECIMAL(10,2), delivered_at TIMESTAMP"
    parcels = spark.createDataFrame(lines, "line STRING")
    return parcels.select(F.from_json("line", schema).alias("parcel")).select("parcel.*")


# %% wrong="3.4.1" because="requests"
def all_parcels(spark, api):
    lines, cursor = [], None
    while True:
        found = requests.get(f"{api}/parcels", params={"cursor": cursor}, timeout=10).json()
        lines += [(json.dumps(item),) for item in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
    schema = "parcel_id BIGINT, carrier STRING, freight DECIMAL(10,2), delivered_at TIMESTAMP"
    parcels = spark.createDataFrame(lines, "line STRING")
    return parcels.select(F.from_json("line", schema).alias("parcel")).select("parcel.*")


# %% wrong="3.4.1" because="exactly 200 parcels"
def all_parcels(spark, api):
    lines, cursor = [], None
    while True:
        asked = {"page_size": 100, "cursor": cursor}
        found = requests.get(f"{api}/parcels", params=asked, timeout=10).json()
        lines += [(json.dumps(item),) for item in found["items"]]
        cursor = found["next"]
        if len(found["items"]) < 100 or len(lines) > 100_000:
            break
    schema = "parcel_id BIGINT, carrier STRING, freight DECIMAL(10,2), delivered_at TIMESTAMP"
    parcels = spark.createDataFrame(lines, "line STRING")
    return parcels.select(F.from_json("line", schema).alias("parcel")).select("parcel.*")


# %% wrong="3.4.1" because="no parcels at all"
def all_parcels(spark, api):
    items, cursor = [], None
    while True:
        asked = {"page_size": 100, "cursor": cursor}
        found = requests.get(f"{api}/parcels", params=asked, timeout=10).json()
        items += found["items"]
        cursor = found["next"]
        if cursor is None:
            break
    return spark.createDataFrame(items).selectExpr(
        "parcel_id",
        "carrier",
        "CAST(freight AS DECIMAL(10,2)) AS freight",
        "CAST(delivered_at AS TIMESTAMP) AS delivered_at",
    )


# %% wrong="3.4.1" because="`freight` is DOUBLE"
def all_parcels(spark, api):
    lines, cursor = [], None
    while True:
        asked = {"page_size": 100, "cursor": cursor}
        found = requests.get(f"{api}/parcels", params=asked, timeout=10).json()
        lines += [(json.dumps(item),) for item in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
    schema = "parcel_id BIGINT, carrier STRING, freight STRING, delivered_at TIMESTAMP"
    parcels = spark.createDataFrame(lines, "line STRING")
    found = parcels.select(F.from_json("line", schema).alias("parcel")).select("parcel.*")
    return found.withColumn("freight", F.col("freight").cast("double"))


# %% right="3.4.1"
def all_parcels(spark, api):
    items = []
    with requests.Session() as session:
        page = session.get(f"{api}/parcels?page_size=100", timeout=10).json()
        items += page["items"]
        while page["next"]:
            more = {"page_size": 100, "cursor": page["next"]}
            page = session.get(f"{api}/parcels", params=more, timeout=10).json()
            items += page["items"]
    rows = [
        (
            item["parcel_id"],
            item["carrier"],
            Decimal(item["freight"]),
            item["delivered_at"] and dt.datetime.fromisoformat(item["delivered_at"]),
        )
        for item in items
    ]
    return spark.createDataFrame(
        rows, "parcel_id BIGINT, carrier STRING, freight DECIMAL(10,2), delivered_at TIMESTAMP"
    )


# %% right="3.4.1"
def all_parcels(spark, api):
    bodies, cursor = [], ""
    while cursor is not None:
        address = f"{api}/parcels?page_size=100" + (f"&cursor={cursor}" if cursor else "")
        bodies.append((requests.get(address, timeout=10).text,))
        cursor = json.loads(bodies[-1][0])["next"]
    schema = "items ARRAY<STRUCT<parcel_id: BIGINT, carrier: STRING, freight: DECIMAL(10,2), delivered_at: TIMESTAMP>>"
    pages = spark.createDataFrame(bodies, "body STRING")
    return pages.select(F.inline(F.from_json("body", schema)["items"]))


# %% [markdown]
# ## What deserves another try?
#
# A request can end in more ways than "it worked" and "it did not":
#
# | you get | it means | do |
# |---|---|---|
# | 200 | here it is | take it |
# | 400, 401, 403, 404 | your request is wrong: a typing error, no right to ask, nothing there | **stop**: the same request gets the same answer each time |
# | 429 | too many requests | wait as long as the header `Retry-After` says, then try again |
# | 5xx (500, 502, 503, ...) | the server has a problem | wait, try again, and wait longer each time |
# | no answer in time, a connection that breaks | the network, or the server | the same |
#
# The wait that doubles (10 ms, 20 ms, 40 ms, ...) is called **exponential backoff**. A server that is down because too many asked it does not come up again while all of them ask at once, without a pause. For
# the same reason real clients add a little chance to each wait (**jitter**), so that a thousand of them do not come back in the same millisecond. And there is always a **last** try: a job that tries for ever is worse than one that fails.
#
# May you ask twice at all? A `GET` only reads; it is **idempotent**: twice is as good as once. An order that is sent twice is not.
#
# `requests` tells the two kinds of failure in two ways. An answer with status 503 is an answer: look at `status_code`. No answer at all is an exception: `requests.Timeout`, `requests.ConnectionError` and others, all of them
# kinds of `requests.RequestException`. A body that ends in the middle is one of them. Our supplier fails once at every second page, now with 503 and now with a broken connection, and after four requests it wants a pause (429). This loop asks for the same
# page again until it comes:

# %%
supplier.forget()  # its plan begins anew
seen, cursor = [], None
for _ in range(9):
    asked = {"page_size": 10, "cursor": cursor}
    try:
        reply = requests.get(f"{supplier.url}/products", params=asked, timeout=10)
        seen.append(reply.status_code)
        if reply.status_code == 200:
            cursor = reply.json()["next"]
        if "Retry-After" in reply.headers:
            print("wait for", float(reply.headers["Retry-After"]), "seconds")
            time.sleep(float(reply.headers["Retry-After"]))
    except requests.RequestException as problem:
        seen.append(type(problem).__name__)
print(seen)

# %% [markdown]
# By the standard, `Retry-After` is a whole number of seconds, or a date. Our APIs say fractions, so that neither you nor the grader must wait; `float` reads both kinds of number.
#
# In a project you would take a library for all of this: `urllib3.Retry`, which `requests` can use, or `tenacity`. To know what to ask of it, write it once yourself.
#
# ### Exercise 3.4.2: a patient client
#
# Write `fetch`. It sends a GET to `address` (in the check one that begins with `{api}/archive`) and waits at most **0.5 seconds** for an answer (the `timeout`). Then:
#
# - **429**: wait as long as `Retry-After` says and try again. This does not count as a try, however often it happens.
# - **status 500 or more, or no whole answer** (any `requests.RequestException`): that was a failed try. After the first one wait at least 0.01 seconds, after the second at least 0.02, then 0.04 and so on, and try again. The carrier records who comes back sooner.
#   After `tries` failed tries it is over: return the answer if the last one had one, else let its exception through.
# - **any other status**: return the answer at once.
#
# The function `statuses` below it stays as it is. It is what the grader calls.


# %% answer="3.4.2" title="A patient client"
def fetch(address: str, tries: int = 5) -> requests.Response:
    """The answer to a GET of the address, with at most so many failed tries. May raise requests.RequestException."""
    ### BEGIN SOLUTION
    failed = 0
    while True:
        answer, problem = None, None
        try:
            answer = requests.get(address, timeout=0.5)
        except requests.RequestException as error:
            problem = error
        if answer is not None and answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            continue
        if answer is not None and answer.status_code < 500:
            return answer
        failed += 1
        if failed == tries:
            if problem is not None:
                raise problem
            return answer
        time.sleep(0.01 * 2 ** (failed - 1))
    ### END SOLUTION


def statuses(api: str, paths: list, tries: int) -> dict:
    """The status for each path, "no answer" where there was none."""
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% check="3.4.2" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.4.2",
    "one try",
    "a single try, and a carrier that says 429 after each request",
    tries=1,
    behaviour={
        "paging": "number",
        "page_size": 20,
        "burst": 1,
        "every": 3,
        "kinds": ["503", "cut"],
    },
)
variant(
    "3.4.2",
    "four times",
    "answers that fail four times in a row, some of them by coming too late",
    paths=["/archive?page=3", "/archive?page=6"],
    behaviour={
        "paging": "number",
        "page_size": 20,
        "every": 3,
        "kinds": ["slow", "cut", "503", "500"],
        "times": 4,
    },
)
variant(
    "3.4.2",
    "two tries",
    "two tries that fail in different ways",
    tries=2,
    paths=["/archive?page=3", "/archive?page=6"],
    behaviour={
        "paging": "number",
        "page_size": 20,
        "every": 3,
        "kinds": ["503", "cut"],
        "times": 2,
    },
)
### END HIDDEN TESTS
check(
    "3.4.2",
    statuses,
    arguments={
        "paths": ["/archive?page=1", "/archive?page=3", "/archive/5", "/archive?page=6"],
        "tries": 5,
        "behaviour": {
            "paging": "number",
            "page_size": 20,
            "burst": 4,
            "every": 3,
            "kinds": ["503", "cut"],
            "times": 2,
        },
    },
    files={
        "given": {
            "api": {
                "table": "shipments",
                "select": [
                    "shipment_id AS parcel_id",
                    "order_id",
                    "carrier",
                    "weight_kg",
                    "CAST(freight AS STRING) AS freight",
                    "shipped_ts AS shipped_at",
                    "delivered_ts AS delivered_at",
                ],
                "served": {
                    "as": "archive",
                    "key": "parcel_id",
                    "polite": True,
                    "record": {"requests": {"at_most": "reference"}},
                },
            }
        },
        "returns": True,
    },
)

# %% [markdown] equivalent="3.4.2" because="A slow answer takes a second and any other some milliseconds; no status 499 is ever sent."
# - number: 0.5 → 0.6
# - number: 0.5 → 0.4
# - number: 500 → 499

# %% [markdown] equivalent="3.4.2" because="Waiting longer than the least time is patient, too."
# - number: 0.01 → 0.11
# - number: 2 → 3
# - arithmetic: failed - 1 → failed + 1
# - number: 1 → 0 (2)

# %% [markdown] hints="3.4.2"
# 1. One loop, one request in each round. A round ends in one of four ways: the answer is returned, an exception goes out, or the next round begins after one of two kinds of wait.
# 2. `try` around the request only. Behind it you have either an answer or an exception, and both kinds of failure go the same way. Look at 429 first, since it counts nothing.
# 3. Count the failed tries. After the one of number n the wait is 0.01 times 2 to the power of n - 1, but not after the last one. `raise` with the kept exception lets it through.


# %% wrong="3.4.2" because="before the time"
def fetch(address, tries=5):
    failed = 0
    while True:
        answer, problem = None, None
        try:
            answer = requests.get(address, timeout=0.5)
        except requests.RequestException as error:
            problem = error
        if answer is not None and answer.status_code == 429:
            continue
        if answer is not None and answer.status_code < 500:
            return answer
        failed += 1
        if failed == tries:
            if problem is not None:
                raise problem
            return answer
        time.sleep(0.01 * 2 ** (failed - 1))


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% wrong="3.4.2" because="pause"
def fetch(address, tries=5):
    failed = 0
    while True:
        answer, problem = None, None
        try:
            answer = requests.get(address, timeout=0.5)
        except requests.RequestException as error:
            problem = error
        if answer is not None and answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            continue
        if answer is not None and answer.status_code < 500:
            return answer
        failed += 1
        if failed == tries:
            if problem is not None:
                raise problem
            return answer
        time.sleep(0.01)


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% wrong="3.4.2" because="answer would be the same"
def fetch(address, tries=5):
    failed = 0
    while True:
        answer, problem = None, None
        try:
            answer = requests.get(address, timeout=0.5)
        except requests.RequestException as error:
            problem = error
        if answer is not None and answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            continue
        if answer is not None and answer.status_code == 200:
            return answer
        failed += 1
        if failed == tries:
            if problem is not None:
                raise problem
            return answer
        time.sleep(0.01 * 2 ** (failed - 1))


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% wrong="3.4.2" because="is not right"
def fetch(address, tries=5):
    failed = 0
    while True:
        answer = requests.get(address, timeout=0.5)
        if answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            continue
        if answer.status_code < 500:
            return answer
        failed += 1
        if failed == tries:
            return answer
        time.sleep(0.01 * 2 ** (failed - 1))


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% wrong="3.4.2" because="a single try"
def fetch(address, tries=5):
    answer, problem = None, None
    for number in range(tries):
        try:
            answer, problem = requests.get(address, timeout=0.5), None
        except requests.RequestException as error:
            answer, problem = None, error
        if answer is not None and answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
        elif answer is not None and answer.status_code < 500:
            return answer
        else:
            time.sleep(0.01 * 2**number)
    if problem is not None:
        raise problem
    return answer


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% wrong="3.4.2" because="coming too late"
def fetch(address, tries=5):
    failed = 0
    while True:
        answer, problem = None, None
        try:
            answer = requests.get(address, timeout=30)
        except requests.RequestException as error:
            problem = error
        if answer is not None and answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            continue
        if answer is not None and answer.status_code < 500:
            return answer
        failed += 1
        if failed == tries:
            if problem is not None:
                raise problem
            return answer
        time.sleep(0.01 * 2 ** (failed - 1))


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% wrong="3.4.2" because="fail in different ways"
def fetch(address, tries=5):
    answer = problem = None
    failed = 0
    while failed < tries:
        try:
            answer = requests.get(address, timeout=0.5)
            if answer.status_code == 429:
                time.sleep(float(answer.headers["Retry-After"]))
                continue
            if answer.status_code < 500:
                return answer
        except requests.RequestException as error:
            problem = error
        failed += 1
        if failed < tries:
            time.sleep(0.01 * 2 ** (failed - 1))
    if problem is not None:
        raise problem
    return answer


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% right="3.4.2"
def fetch(address, tries=5):
    wait = 0.01
    with requests.Session() as session:
        for number in range(1, tries + 1):
            try:
                answer = session.get(address, timeout=0.5)
                while answer.status_code == 429:
                    time.sleep(float(answer.headers["Retry-After"]))
                    answer = session.get(address, timeout=0.5)
                if answer.status_code // 100 != 5 or number == tries:
                    return answer
            except requests.RequestException:
                if number == tries:
                    raise
            time.sleep(wait)
            wait *= 2


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% right="3.4.2"
def fetch(address, tries=5, failed=1):
    try:
        answer = requests.get(address, timeout=0.5)
        if answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            return fetch(address, tries, failed)
        if answer.status_code < 500 or failed >= tries:
            return answer
    except requests.RequestException:
        if failed >= tries:
            raise
    time.sleep(0.01 * 2 ** (failed - 1))
    return fetch(address, tries, failed + 1)


def statuses(api, paths, tries):
    found = {}
    for path in paths:
        try:
            found[path] = fetch(api + path, tries).status_code
        except requests.RequestException:
            found[path] = "no answer"
    return found


# %% [markdown]
# ## Land first, understand later
#
# A job that fetches a page, picks three fields and throws the rest away cannot be repaired: when it turns out next month that a fourth field was needed, or that the first was misread, the pages of last month are gone.
# So data from outside are **landed** first: stored as they came, before anybody interprets them. A second step reads the landed pages and makes typed rows of them, as often as needed. (In Module 4 the landed data become the *bronze* layer.)
#
# What is landed gets **lineage columns** (see 3.2), which answer the questions that will be asked:
#
# | question | column |
# |---|---|
# | in which run did this come? | the batch: a day or a number that the scheduler gives, not the clock of the machine |
# | from where? | source, page |
# | is it whole, and as it came? | number of items, a **checksum** of the body: a short text that is another one as soon as one character differs |
#
# The body itself is text. Do not parse it and write it out again: Python would turn `12.50` into `12.5`, and you could no longer prove what the supplier sent.

# %%
import tempfile

landing = Path(tempfile.mkdtemp(prefix="landing-")) / "prices"
text = '{"items": [{"code": 7, "price": 12.50}]}'
print(json.dumps(json.loads(text)), "is not what came")

came = spark.createDataFrame([("monday", text)], "run STRING, body STRING")
came.withColumn("checksum", F.md5("body")).write.partitionBy("run").json(str(landing))
for file in sorted(landing.rglob("part-*.json")):
    print(file.parent.name, file.read_text())

# %% [markdown]
# ### When the batch is run again
#
# A job that broke in the middle is started again, for the same batch. What must happen with what it has landed already? Appending doubles pages. Overwriting the whole folder destroys all other batches. 3.1 has shown one remedy, dynamic partition overwrite. The other is
# simpler where a run knows its batch: write **into the folder of this batch**, and overwrite only that. `landing/run=monday` is an ordinary path; a reader of `landing` takes the column `run` from the name of the folder, as if `partitionBy` had made it:

# %%
again = spark.createDataFrame([(text,)], "body STRING").withColumn("checksum", F.md5("body"))
again.coalesce(1).write.mode("overwrite").json(f"{landing}/run=monday")
spark.read.json(str(landing)).select("run", "body").show(truncate=False)

# %% [markdown]
# With both, a run may be repeated as often as you like and the result is the same: the job is **idempotent**.
#
# ### Exercise 3.4.3: landed as it came
#
# Fetch all pages of `GET {api}/archive?page=1`, `page=2`, ... (20 rows each, so leave `page_size` alone; the answer says how many pages there are; without any parcels there is still page 1, with no items) and land each as one row in the folder `landing`, as **JSON files partitioned by `batch`**, so in `landing/batch=2025-06-02` for that batch:
#
# - `page`: its number; `items`: how many parcels it holds
# - `sha256`: the SHA-256 checksum of the body as text of hexadecimal digits (`sha2` with 256 bits)
# - `body`: the text of the answer, as it came
#
# `landing` already holds earlier batches, and perhaps pages of this very batch from a run that broke. The former must stay as they are; of this batch only what you fetch now must be there. In how many files is up to you.
#
# The carrier fails now and then, and refuses requests that come too fast (429). Use `patient(address)` of the set-up cell: it waits and tries again as `fetch` of 3.4.2 does, and returns the **text** of the answer. (Your own `fetch` will do as well, once 3.4.2 has passed.)


# %% answer="3.4.3" title="Landed as it came"
def land(spark: SparkSession, api: str, landing: str, batch: str) -> None:
    """Lands (batch STRING, page INT, items INT, sha256 STRING, body STRING), one row per page, as JSON partitioned by batch."""
    ### BEGIN SOLUTION
    pages, number, last = [], 0, 1
    while number < last:
        number += 1
        body = patient(f"{api}/archive?page={number}")
        found = json.loads(body)
        last = found["pages"]
        pages.append((number, len(found["items"]), body))
    rows = spark.createDataFrame(pages, "page INT, items INT, body STRING")
    checked = rows.withColumn("sha256", F.sha2("body", 256))
    checked.write.mode("overwrite").json(f"{landing}/batch={batch}")
    ### END SOLUTION


# %% check="3.4.3" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.4.3",
    "another batch",
    "another batch, and far fewer pages",
    batch="2025-06-03",
    shipments=lambda parcels: parcels.limit(45),
)
variant("3.4.3", "no parcels", "no parcels at all", shipments=variants.empty)
### END HIDDEN TESTS
check(
    "3.4.3",
    land,
    arguments={
        "batch": "2025-06-02",
        "behaviour": {
            "paging": "number",
            "page_size": 20,
            "burst": 25,
            "every": 10,
            "kinds": ["503", "cut", "500"],
        },
    },
    files={
        "given": {
            "api": {
                "table": "shipments",
                "select": [
                    "shipment_id AS parcel_id",
                    "order_id",
                    "carrier",
                    "weight_kg",
                    "CAST(freight AS STRING) AS freight",
                    "shipped_ts AS shipped_at",
                    "delivered_ts AS delivered_at",
                ],
                "served": {"as": "archive", "key": "parcel_id", "polite": True},
            }
        },
        "made": {
            "landing": {
                "format": "json",
                "schema": "page INT, items INT, sha256 STRING, body STRING, batch STRING",
                "key": ["batch", "page"],
                "partitioned_by": ["batch"],
                "setup": {
                    "table": "stores",
                    "select": [
                        "if(store_id > 6, '2025-06-01', '2025-06-02') AS batch",
                        "100 + store_id AS page",
                        "0 AS items",
                        "sha2(city, 256) AS sha256",
                        "city AS body",
                    ],
                    "format": "json",
                    "partitioned_by": ["batch"],
                },
            }
        },
    },
)

# %% [markdown] equivalent="3.4.3" because="The first answer replaces the number of pages before it is looked at a second time."
# - number: 1 → 2

# %% [markdown] equivalent="3.4.3" because="JSON has one kind of number, whatever it was made from."
# - SQL type: page INT , → page BIGINT ,
# - SQL type: items INT , → items BIGINT ,

# %% [markdown] hints="3.4.3"
# 1. Collect a tuple for each page first, then make one DataFrame of all of them, then write once. How do you know, before the first answer, how many pages there are?
# 2. `patient(...)` gives the text that you land, and `json.loads` of the same text tells you the number of items and of pages.
# 3. Make rows of `page`, `items` and `body` with a schema, add the checksum with `F.sha2`, and write into the folder of the batch in the mode that replaces. (Or add `batch` and write with `partitionBy` and dynamic partition overwrite.)


# %% wrong="3.4.3" because="missing"
def land(spark, api, landing, batch):
    pages, number, last = [], 0, 1
    while number < last:
        number += 1
        body = patient(f"{api}/archive?page={number}")
        found = json.loads(body)
        last = found["pages"]
        pages.append((batch, number, len(found["items"]), body))
    rows = spark.createDataFrame(pages, "batch STRING, page INT, items INT, body STRING")
    checked = rows.withColumn("sha256", F.sha2("body", 256))
    checked.write.mode("overwrite").partitionBy("batch").json(landing)


# %% wrong="3.4.3" because="not expected"
def land(spark, api, landing, batch):
    pages, number, last = [], 0, 1
    while number < last:
        number += 1
        body = patient(f"{api}/archive?page={number}")
        found = json.loads(body)
        last = found["pages"]
        pages.append((batch, number, len(found["items"]), body))
    rows = spark.createDataFrame(pages, "batch STRING, page INT, items INT, body STRING")
    checked = rows.withColumn("sha256", F.sha2("body", 256))
    checked.write.mode("append").partitionBy("batch").json(landing)


# %% wrong="3.4.3" because="`body` is wrong"
def land(spark, api, landing, batch):
    pages, number, last = [], 0, 1
    while number < last:
        number += 1
        found = json.loads(patient(f"{api}/archive?page={number}"))
        last = found["pages"]
        pages.append((batch, number, len(found["items"]), json.dumps(found, indent=1)))
    rows = spark.createDataFrame(pages, "batch STRING, page INT, items INT, body STRING")
    checked = rows.withColumn("sha256", F.sha2("body", 256))
    writer = checked.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    writer.partitionBy("batch").json(landing)


# %% wrong="3.4.3" because="far fewer pages"
def land(spark, api, landing, batch):
    pages = []
    for number in range(1, 59):
        body = patient(f"{api}/archive?page={number}")
        pages.append((batch, number, len(json.loads(body)["items"]), body))
    rows = spark.createDataFrame(pages, "batch STRING, page INT, items INT, body STRING")
    checked = rows.withColumn("sha256", F.sha2("body", 256))
    writer = checked.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    writer.partitionBy("batch").json(landing)


# %% wrong="3.4.3" because="HTTPError"
def land(spark, api, landing, batch):
    pages, number, last = [], 0, 1
    while number < last:
        number += 1
        answer = requests.get(f"{api}/archive?page={number}", timeout=5)
        answer.raise_for_status()
        last = answer.json()["pages"]
        pages.append((batch, number, len(answer.json()["items"]), answer.text))
    rows = spark.createDataFrame(pages, "batch STRING, page INT, items INT, body STRING")
    checked = rows.withColumn("sha256", F.sha2("body", 256))
    writer = checked.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    writer.partitionBy("batch").json(landing)


# %% wrong="3.4.3" because="no parcels at all"
def land(spark, api, landing, batch):
    rows = json.loads(patient(f"{api}/archive/summary"))["rows"]
    pages = []
    for number in range(1, 1 + -(-rows // 20)):
        body = patient(f"{api}/archive?page={number}")
        pages.append((number, len(json.loads(body)["items"]), body))
    landed = spark.createDataFrame(pages, "page INT, items INT, body STRING")
    checked = landed.withColumn("sha256", F.sha2("body", 256))
    checked.write.mode("overwrite").json(f"{landing}/batch={batch}")


# %% right="3.4.3"
def land(spark, api, landing, batch):
    first = patient(f"{api}/archive")
    bodies = [first]
    for number in range(2, json.loads(first)["pages"] + 1):
        bodies.append(patient(f"{api}/archive?page={number}"))
    rows = spark.createDataFrame(list(enumerate(bodies, start=1)), "page INT, body STRING")
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    rows.selectExpr(
        "page",
        "CAST(json_array_length(get_json_object(body, '$.items')) AS INT) AS items",
        "sha2(body, 256) AS sha256",
        "body",
        f"'{batch}' AS batch",
    ).write.partitionBy("batch").mode("overwrite").json(landing)


# %% right="3.4.3"
def land(spark, api, landing, batch):
    import hashlib

    pages, number = [], 1
    while True:
        answer = fetch(f"{api}/archive?page={number}")
        found = answer.json()
        digest = hashlib.sha256(answer.content).hexdigest()
        pages.append((number, len(found["items"]), digest, answer.text))
        if number >= found["pages"]:
            break
        number += 1
    rows = spark.createDataFrame(pages, "page INT, items INT, sha256 STRING, body STRING")
    writer = rows.withColumn("batch", F.lit(batch)).coalesce(1).write.partitionBy("batch")
    writer.mode("overwrite").option("partitionOverwriteMode", "dynamic").json(landing)


# %% [markdown]
# ### Only what is new, and lists that move
#
# Fetching everything every night works until there is much of everything. Good APIs take a parameter like `updated_since`: only what changed at that time **or later**. It works as with the database in 3.3: the watermark is the largest time of change in what you have stored, a time that the *server* gave;
# you ask from there on, the border included; and you drop by its key what you have already.
#
# Take care when the list **changes while you read its pages**. A list with the newest change first, read by page number: between your requests for page 1 and page 2 somebody changes row 500. It moves to the front, and all others before it move by one place. The last row of page 1 is now the first of page 2, so you get it twice, and row 500 in its new
# state stands on page 1, where you have been already. A list in an order that does not change (by key, or by time of creation with the oldest first) keeps its places; a cursor keeps *your* place, so that nothing comes twice, and the new state of row 500 comes with the next `updated_since`.
# Where the API offers neither, read by number, drop doubles by key, and then fetch the changes since the *beginning* of your run.
#
# ## An API as a data source
#
# So far the driver fetched everything, page after page, and Spark had nothing to do. Spark's own sources work differently: the data are cut into **partitions**, each is read by a task, several at a time, and nothing
# is read before an action asks for it. A Python data source, as you know it from 2.3, does the same: a `DataSource` with name, schema and reader, and a `DataSourceReader` with `partitions()` and `read(partition)`. New here is that reading goes over the network, from several tasks at once, and can fail.
#
# The supplier can be asked for single products, `GET /products/7`. A source that reads a range of numbers, in two partitions:


# %%
class ProductReader(DataSourceReader):
    def __init__(self, options):
        self.base = options["base"]
        self.upto = int(options["upto"])

    def partitions(self):
        half = self.upto // 2
        return [InputPartition(range(1, half + 1)), InputPartition(range(half + 1, self.upto + 1))]

    def read(self, partition):
        with requests.Session() as session:
            for code in partition.value:
                product = session.get(f"{self.base}/products/{code}", timeout=10).json()
                yield product["product_id"], product["name"], Decimal(product["price"])


class SupplierSource(DataSource):
    @classmethod
    def name(cls):
        return "supplier"

    def schema(self):
        return "product_id BIGINT, name STRING, price DECIMAL(10,2)"

    def reader(self, schema):
        return ProductReader(self.options)


calm = local_api.start(
    {"products": local_api.Table(tuple(row[0] for row in catalogue.collect()), key="product_id")}
)
spark.dataSource.register(SupplierSource)
few = spark.read.format("supplier").option("base", calm.url).option("upto", 9).load()
print(calm.facts.requests, "requests before the action")
few.orderBy("product_id").show(3, truncate=False)
print(calm.facts.requests, "after it,", few.rdd.getNumPartitions(), "partitions")
print(few.count(), "rows, and", calm.facts.requests, "requests after a second action")

# %% [markdown]
# Look at the last line: a DataFrame is a plan, not data, so **every action asks the supplier again**. Sources that cost something are landed first, or at least cached.
#
# What else to know:
#
# - The reader travels to the workers: an address and numbers can be pickled; an open connection or the `SparkSession` cannot. Make the connection in `read`.
# - JSON gives you texts, and `read` must give Python values of exactly the right kind: a `Decimal` for DECIMAL, a `datetime` for TIMESTAMP, None for NULL. Nothing is converted for you: where JSON says `2`, Python has an `int`, and a DOUBLE needs `float(2)`.
# - Tasks can be repeated, and several run at once. All of them share your limit at the API: if it lets you ask 10 times a second, more partitions do not make it faster.
# - Cursors cannot be cut into partitions, because nobody knows the cursor of page 7 before page 6 has come. Page numbers, ranges of keys or days can.
# - Since Spark 4.1 a reader can have a method `pushFilters`, which is told the conditions of `where` and may ask the API for less. It must be switched on: `spark.sql.python.filterPushdown.enabled`.
#
# ### Exercise 3.4.4: the carrier as a source
#
# Write a data source for `GET {api}/archive` and return a DataFrame that reads from it: all parcels, in **exactly `partitions` partitions** (also when there are fewer pages, or none).
# Ask for 100 rows at a time. The work is to be shared: each partition fetches some of the pages, and **each page is fetched once**. `GET {api}/archive/summary` tells how many rows there are. The carrier fails now and then, and refuses requests that come too fast; use `patient` of the set-up cell again, which works in the workers, too.
#
# Define the classes inside the function, or in a cell of your own above it.


# %% answer="3.4.4" title="The carrier as a source"
def carrier_source(spark: SparkSession, api: str, partitions: int) -> DataFrame:
    """(parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP or NULL) from a Python data source."""
    ### BEGIN SOLUTION

    class ParcelReader(DataSourceReader):
        def __init__(self, options):
            self.address = options["address"]
            self.parts = int(options["parts"])

        def partitions(self):
            return [InputPartition(number) for number in range(self.parts)]

        def read(self, partition):
            rows = json.loads(patient(f"{self.address}/summary"))["rows"]
            for page in range(1 + partition.value, 1 + -(-rows // 100), self.parts):
                body = patient(f"{self.address}?page_size=100&page={page}")
                for parcel in json.loads(body)["items"]:
                    delivered = parcel["delivered_at"]
                    yield (
                        parcel["parcel_id"],
                        parcel["weight_kg"],
                        Decimal(parcel["freight"]),
                        delivered and dt.datetime.fromisoformat(delivered),
                    )

    class Carrier(DataSource):
        @classmethod
        def name(cls):
            return "carrier"

        def schema(self):
            return (
                "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"
            )

        def reader(self, schema):
            return ParcelReader(self.options)

    spark.dataSource.register(Carrier)
    options = {"address": f"{api}/archive", "parts": partitions}
    return spark.read.format("carrier").options(**options).load()
    ### END SOLUTION


# %% check="3.4.4" points=4
### BEGIN HIDDEN TESTS
variant(
    "3.4.4",
    "one page",
    "fewer pages than partitions",
    shipments=lambda parcels: parcels.limit(100),
)
variant(
    "3.4.4",
    "one parcel more",
    "a last page with a single parcel, and another number of partitions",
    partitions=4,
    shipments=lambda parcels: parcels.limit(101),
)
variant("3.4.4", "no page", "no parcels at all", shipments=variants.empty)
### END HIDDEN TESTS
check(
    "3.4.4",
    carrier_source,
    deadline=90,
    key=["parcel_id"],
    plan={"has": ["BatchScan"], "partitions": "reference"},
    arguments={
        "partitions": 3,
        "behaviour": {
            "paging": "number",
            "page_size": 20,
            "burst": 6,
            "every": 4,
            "kinds": ["503", "cut"],
        },
    },
    files={
        "given": {
            "api": {
                "table": "shipments",
                "select": [
                    "shipment_id AS parcel_id",
                    "order_id",
                    "carrier",
                    "weight_kg",
                    "CAST(freight AS STRING) AS freight",
                    "shipped_ts AS shipped_at",
                    "delivered_ts AS delivered_at",
                ],
                "served": {
                    "as": "archive",
                    "key": "parcel_id",
                    "polite": True,
                    "record": {"pages": {"at_most": "reference"}},
                },
            }
        },
        "returns": True,
    },
)

# %% [markdown] hints="3.4.4"
# 1. Which pages belong to partition 0, 1 and 2? The number of the partition and the number of partitions are enough to say it: pages 1, 4, 7, ... for instance, or a third of them in a row.
# 2. `partitions()` returns as many `InputPartition`s as the option says. `read` asks for the summary, or `partitions()` does and puts first and last page into the value. Options are text: `int(...)`.
# 3. In `read`: a loop over the pages of this partition, `patient` with `page_size=100`, `json.loads`, then a loop over the items with `yield` and a tuple of four values: `Decimal(...)`, `dt.datetime.fromisoformat(...)`, and None where there is no time. Then a `DataSource` as in the example, `register`, and `load()`.


# %% wrong="3.4.4" because="`api`"
def carrier_source(spark, api, partitions):
    class ParcelReader(DataSourceReader):
        def __init__(self, options):
            self.address = options["address"]
            self.parts = int(options["parts"])

        def partitions(self):
            return [InputPartition(number) for number in range(self.parts)]

        def read(self, partition):
            rows = json.loads(patient(f"{self.address}/summary"))["rows"]
            for page in range(1, 1 + -(-rows // 100)):
                body = patient(f"{self.address}?page_size=100&page={page}")
                for parcel in json.loads(body)["items"]:
                    delivered = parcel["delivered_at"]
                    if parcel["parcel_id"] % self.parts == partition.value:
                        yield (
                            parcel["parcel_id"],
                            parcel["weight_kg"],
                            Decimal(parcel["freight"]),
                            delivered and dt.datetime.fromisoformat(delivered),
                        )

    class Carrier(DataSource):
        @classmethod
        def name(cls):
            return "carrier"

        def schema(self):
            return (
                "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"
            )

        def reader(self, schema):
            return ParcelReader(self.options)

    spark.dataSource.register(Carrier)
    options = {"address": f"{api}/archive", "parts": partitions}
    return spark.read.format("carrier").options(**options).load()


# %% wrong="3.4.4" because="12 partitions"
def carrier_source(spark, api, partitions):
    class ParcelReader(DataSourceReader):
        def __init__(self, options):
            self.address = options["address"]

        def partitions(self):
            rows = json.loads(patient(f"{self.address}/summary"))["rows"]
            return [InputPartition(page) for page in range(1, 1 + -(-rows // 100))]

        def read(self, partition):
            page = partition.value
            body = patient(f"{self.address}?page_size=100&page={page}")
            for parcel in json.loads(body)["items"]:
                delivered = parcel["delivered_at"]
                yield (
                    parcel["parcel_id"],
                    parcel["weight_kg"],
                    Decimal(parcel["freight"]),
                    delivered and dt.datetime.fromisoformat(delivered),
                )

    class Carrier(DataSource):
        @classmethod
        def name(cls):
            return "carrier"

        def schema(self):
            return (
                "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"
            )

        def reader(self, schema):
            return ParcelReader(self.options)

    spark.dataSource.register(Carrier)
    return spark.read.format("carrier").option("address", f"{api}/archive").load()


# %% wrong="3.4.4" because="BatchScan"
def carrier_source(spark, api, partitions):
    rows = json.loads(patient(f"{api}/archive/summary"))["rows"]
    lines = []
    for page in range(1, 1 + -(-rows // 100)):
        found = json.loads(patient(f"{api}/archive?page_size=100&page={page}"))["items"]
        lines += [(json.dumps(item),) for item in found]
    schema = "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"
    parcels = spark.createDataFrame(lines, "line STRING").repartition(partitions)
    return parcels.select(F.from_json("line", schema).alias("parcel")).select("parcel.*")


# %% wrong="3.4.4" because="fewer pages than partitions"
def carrier_source(spark, api, partitions):
    class ParcelReader(DataSourceReader):
        def __init__(self, options):
            self.address = options["address"]
            self.parts = int(options["parts"])

        def partitions(self):
            pages = -(-json.loads(patient(f"{self.address}/summary"))["rows"] // 100)
            each = -(-pages // self.parts)
            starts = range(1, pages + 1, each or 1)
            return [InputPartition((start, min(start + each - 1, pages))) for start in starts]

        def read(self, partition):
            first, last = partition.value
            for page in range(first, last + 1):
                body = patient(f"{self.address}?page_size=100&page={page}")
                for parcel in json.loads(body)["items"]:
                    delivered = parcel["delivered_at"]
                    yield (
                        parcel["parcel_id"],
                        parcel["weight_kg"],
                        Decimal(parcel["freight"]),
                        delivered and dt.datetime.fromisoformat(delivered),
                    )

    class Carrier(DataSource):
        @classmethod
        def name(cls):
            return "carrier"

        def schema(self):
            return (
                "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"
            )

        def reader(self, schema):
            return ParcelReader(self.options)

    spark.dataSource.register(Carrier)
    options = {"address": f"{api}/archive", "parts": partitions}
    return spark.read.format("carrier").options(**options).load()


# %% wrong="3.4.4" because="isinstance(value, decimal.Decimal)"
def carrier_source(spark, api, partitions):
    class ParcelReader(DataSourceReader):
        def __init__(self, options):
            self.address = options["address"]
            self.parts = int(options["parts"])

        def partitions(self):
            return [InputPartition(number) for number in range(self.parts)]

        def read(self, partition):
            rows = json.loads(patient(f"{self.address}/summary"))["rows"]
            for page in range(1 + partition.value, 1 + -(-rows // 100), self.parts):
                body = patient(f"{self.address}?page_size=100&page={page}")
                for parcel in json.loads(body)["items"]:
                    yield (
                        parcel["parcel_id"],
                        parcel["weight_kg"],
                        float(parcel["freight"]),
                        parcel["delivered_at"],
                    )

    class Carrier(DataSource):
        @classmethod
        def name(cls):
            return "carrier"

        def schema(self):
            return (
                "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"
            )

        def reader(self, schema):
            return ParcelReader(self.options)

    spark.dataSource.register(Carrier)
    options = {"address": f"{api}/archive", "parts": partitions}
    return spark.read.format("carrier").options(**options).load()


# %% wrong="3.4.4" because="another number of partitions"
def carrier_source(spark, api, partitions):
    class Reader(DataSourceReader):
        def __init__(self, options):
            self.address = options["address"]

        def partitions(self):
            return [InputPartition(number) for number in range(3)]

        def read(self, partition):
            rows = json.loads(patient(f"{self.address}/summary"))["rows"]
            for page in range(1 + partition.value, 1 + -(-rows // 100), 3):
                body = patient(f"{self.address}?page_size=100&page={page}")
                for parcel in json.loads(body)["items"]:
                    delivered = parcel["delivered_at"]
                    yield (
                        parcel["parcel_id"],
                        parcel["weight_kg"],
                        Decimal(parcel["freight"]),
                        delivered and dt.datetime.fromisoformat(delivered),
                    )

    class Parcels(DataSource):
        @classmethod
        def name(cls):
            return "parcels in three"

        def schema(self):
            return (
                "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"
            )

        def reader(self, schema):
            return Reader(self.options)

    spark.dataSource.register(Parcels)
    return spark.read.format("parcels in three").option("address", f"{api}/archive").load()


# %% right="3.4.4"
class PageRange(InputPartition):
    def __init__(self, first, last):
        self.first, self.last = first, last


class RangeReader(DataSourceReader):
    def __init__(self, base, parts):
        self.base, self.parts = base, parts

    def partitions(self):
        pages = -(-json.loads(patient(f"{self.base}/archive/summary"))["rows"] // 100)
        ends = [pages * part // self.parts for part in range(self.parts + 1)]
        return [PageRange(ends[part] + 1, ends[part + 1]) for part in range(self.parts)]

    def read(self, partition):
        for page in range(partition.first, partition.last + 1):
            body = patient(f"{self.base}/archive?page={page}&page_size=100")
            for parcel in json.loads(body)["items"]:
                moment = parcel["delivered_at"]
                yield [
                    parcel["parcel_id"],
                    parcel["weight_kg"],
                    Decimal(parcel["freight"]),
                    dt.datetime.fromisoformat(moment) if moment else None,
                ]


class RangeSource(DataSource):
    @classmethod
    def name(cls):
        return "parcels in ranges"

    def schema(self):
        return "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"

    def reader(self, schema):
        return RangeReader(self.options["base"], int(self.options["parts"]))


def carrier_source(spark, api, partitions):
    spark.dataSource.register(RangeSource)
    reader = spark.read.format("parcels in ranges").option("base", api)
    return reader.option("parts", partitions).load()


# %% right="3.4.4"
def carrier_source(spark, api, partitions):
    class LineReader(DataSourceReader):
        def __init__(self, options):
            self.options = options

        def partitions(self):
            return [InputPartition(number) for number in range(int(self.options["parts"]))]

        def read(self, partition):
            page = partition.value + 1
            rows = fetch(self.options["base"] + "/archive/summary").json()["rows"]
            while (page - 1) * 100 < rows:
                found = fetch(f"{self.options['base']}/archive?page_size=100&page={page}").json()
                for parcel in found["items"]:
                    yield (json.dumps(parcel),)
                page += int(self.options["parts"])

    class LineSource(DataSource):
        @classmethod
        def name(cls):
            return "carrier_lines"

        def schema(self):
            return "line STRING"

        def reader(self, schema):
            return LineReader(dict(self.options))

    spark.dataSource.register(LineSource)
    lines = spark.read.format("carrier_lines").options(base=api, parts=partitions).load()
    schema = "parcel_id BIGINT, weight_kg DOUBLE, freight DECIMAL(10,2), delivered_at TIMESTAMP"
    return lines.select(F.from_json("line", schema).alias("parcel")).select("parcel.*")


# %% [markdown]
# ## Files for people: CSV
#
# Now the other direction. The receiver of an export decides on its format:
#
# | for | format | because |
# |---|---|---|
# | a person with a spreadsheet | CSV, **one** file | everything opens it; it has no types, so agree on every detail |
# | a program of a partner | JSON lines | nested, readable, no agreement about separators needed |
# | a partner with a schema registry, a message queue | Avro | the schema travels with the rows, and may grow |
# | your own analysts | Parquet, partitioned (3.1) | small, typed, only the columns that a query needs are read |
#
# CSV is the most work, because it says nothing about itself. What you must agree on, and what Spark does if you say nothing:
#
# | question | option | unless you say so |
# |---|---|---|
# | first line with names? | `header` | no |
# | what separates columns? | `sep` | a comma |
# | what stands for NULL, and for empty text? | `nullValue`, `emptyValue` | nothing; two quotation marks |
# | how does a quotation mark inside a text look? | `escape` | `\"`, while spreadsheets want it doubled: `.option("escape", '"')` |
# | how are times written? | `timestampFormat`, or `date_format` in a column | `2024-01-03T19:08:49.000Z` |
#
# Each partition becomes a file. A report is small, so bring it into one partition, with `repartition(1)` or `coalesce(1)`, and sort **after** that, inside the partition: `sortWithinPartitions`. The other way round there is no promise: `repartition(1)` shuffles sorted rows, and `coalesce(1)` puts partitions together in an order
# that Spark does not guarantee. (With few rows, adaptive execution often leaves a single partition anyway. Do not count on it: the data grow.)

# %%
report = Path(tempfile.mkdtemp(prefix="report-")) / "prices"
odd = spark.createDataFrame(
    [(1, 'lamp "Oslo"', None), (2, "rug, grey", Decimal("9.50")), (3, "", Decimal("12.00"))],
    "code INT, article STRING, price DECIMAL(10,2)",
)
whole = odd.coalesce(1).sortWithinPartitions(F.desc("price"))
whole.write.option("header", True).option("escape", '"').csv(str(report))
for file in report.glob("part-*.csv"):
    print(file.read_text())

# %% [markdown]
# ### Exercise 3.4.5: for the accountant
#
# The accountant wants a report of the payments, as **one CSV file** in the folder `target`, which does not exist yet:
#
# - columns `month;method;payments;revenue`, separated by semicolons, with their names in the first line
# - one line for each month and method that occur together: `month` as `2025-03` (by `paid_ts`), `method` with `unknown` for NULL (a method that is called `unknown` belongs to the same line), the number of payments, and their sum with two decimals. `paid_ts` and `amount` are never NULL, and no method contains a semicolon or a quotation mark
# - sorted by month, then method, as Spark sorts text (capital letters before small ones)
# - as the last line the total over everything: `total`, nothing at all as the method, number and sum. Without any payments the report has just this line: `total;;0;0.00`


# %% answer="3.4.5" title="For the accountant"
def for_the_accountant(payments: DataFrame, target: str) -> None:
    """Writes one CSV file (month;method;payments;revenue), `method` empty in the line for the total at its end."""
    ### BEGIN SOLUTION
    counted = [F.count("*").alias("payments"), F.sum("amount").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    method = F.coalesce("method", F.lit("unknown")).alias("method")
    lines = payments.groupBy(month, method).agg(*counted)
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total.na.fill(0, ["revenue"]))
    report = both.repartition(1).sortWithinPartitions("month", "method")
    report.write.option("header", True).option("sep", ";").csv(target)
    ### END SOLUTION


# %% check="3.4.5" points=3
### BEGIN HIDDEN TESTS
variant("3.4.5", "no payments", "no payments at all", payments=variants.empty)
variant(
    "3.4.5",
    "small partitions",
    "a session in which Spark does not put small partitions together",
    script=["set spark.sql.adaptive.coalescePartitions.enabled=false", "run"],
)
variant(
    "3.4.5",
    "other names",
    "methods with capital letters, and one that is called unknown",
    payments=variants.replaced(
        method=F.expr(
            "CASE method WHEN 'cash' THEN 'Cash' WHEN 'voucher' THEN 'unknown' ELSE method END"
        )
    ),
)
### END HIDDEN TESTS
check(
    "3.4.5",
    for_the_accountant,
    arguments={"script": ["run"]},
    files={"made": {"target": {"format": "lines", "ordered": True, "files": {"at_most": 1}}}},
)

# %% [markdown] equivalent="3.4.5" because="Either gives one partition, and the rows are sorted in it afterwards."
# - other relation: .repartition(1) → coalesce

# %% [markdown] hints="3.4.5"
# 1. Two DataFrames with the same four columns, the lines and the total, put below each other. What is the sum over no rows, and what must stand there?
# 2. `total` comes after every month when you sort by text. NULL is written as nothing at all, while empty text becomes two quotation marks.
# 3. Order: aggregate, `unionByName`, one partition, sort inside it, then write with the options `header` and `sep`.


# %% wrong="3.4.5" because="`target`"
def for_the_accountant(payments, target):
    counted = [F.count("*").alias("payments"), F.sum("amount").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    method = F.coalesce("method", F.lit("unknown")).alias("method")
    lines = payments.groupBy(month, method).agg(*counted)
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total.na.fill(0, ["revenue"])).orderBy("month", "method")
    both.repartitionByRange(2, "month").write.options(header=True, sep=";").csv(target)


# %% wrong="3.4.5" because="rows"
def for_the_accountant(payments, target):
    counted = [F.count("*").alias("payments"), F.sum("amount").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    lines = payments.groupBy(month, "method").agg(*counted)
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total.na.fill(0, ["revenue"]))
    report = both.repartition(1).sortWithinPartitions("month", "method")
    report.write.option("header", True).option("sep", ";").csv(target)


# %% wrong="3.4.5" because="order"
def for_the_accountant(payments, target):
    counted = [F.count("*").alias("payments"), F.sum("amount").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    method = F.coalesce("method", F.lit("unknown")).alias("method")
    lines = payments.groupBy(month, method).agg(*counted)
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total.na.fill(0, ["revenue"])).repartition(1)
    both.write.option("header", True).option("sep", ";").csv(target)


# %% wrong="3.4.5" because="no payments at all"
def for_the_accountant(payments, target):
    counted = [F.count("*").alias("payments"), F.sum("amount").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    method = F.coalesce("method", F.lit("unknown")).alias("method")
    lines = payments.groupBy(month, method).agg(*counted)
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total)
    report = both.repartition(1).sortWithinPartitions("month", "method")
    report.write.option("header", True).option("sep", ";").csv(target)


# %% wrong="3.4.5" because="rows"
def for_the_accountant(payments, target):
    counted = [F.count("*").alias("payments"), F.sum("amount").cast("double").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    method = F.coalesce("method", F.lit("unknown")).alias("method")
    lines = payments.groupBy(month, method).agg(*counted)
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total.na.fill(0, ["revenue"]))
    report = both.repartition(1).sortWithinPartitions("month", "method")
    report.write.option("header", True).option("sep", ";").csv(target)


# %% wrong="3.4.5" because="a session in which Spark does not put small partitions together"
def for_the_accountant(payments, target):
    counted = [F.count("*").alias("payments"), F.sum("amount").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    method = F.coalesce("method", F.lit("unknown")).alias("method")
    lines = payments.groupBy(month, method).agg(*counted)
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total.na.fill(0, ["revenue"]))
    both.orderBy("month", "method").write.option("header", True).option("sep", ";").csv(target)


# %% wrong="3.4.5" because="one that is called unknown"
def for_the_accountant(payments, target):
    counted = [F.count("*").alias("payments"), F.sum("amount").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    lines = payments.groupBy(month, "method").agg(*counted).na.fill("unknown", ["method"])
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total.na.fill(0, ["revenue"]))
    report = both.repartition(1).sortWithinPartitions("month", "method")
    report.write.option("header", True).option("sep", ";").csv(target)


# %% wrong="3.4.5" because="methods with capital letters"
def for_the_accountant(payments, target):
    counted = [F.count("*").alias("payments"), F.sum("amount").alias("revenue")]
    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    method = F.coalesce("method", F.lit("unknown")).alias("method")
    lines = payments.groupBy(month, method).agg(*counted)
    total = payments.agg(*counted).withColumns({"month": F.lit("total"), "method": F.lit(None)})
    both = lines.unionByName(total.na.fill(0, ["revenue"]))
    report = both.repartition(1).sortWithinPartitions("month", F.lower("method"))
    report.write.option("header", True).option("sep", ";").csv(target)


# %% right="3.4.5"
def for_the_accountant(payments, target):
    import csv

    month = F.date_format("paid_ts", "yyyy-MM").alias("month")
    method = F.coalesce("method", F.lit("unknown")).alias("method")
    lines = payments.groupBy(month, method).agg(F.count("*"), F.sum("amount"))
    rows = lines.orderBy("month", "method").collect()
    Path(target).mkdir()
    with (Path(target) / "report.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(["month", "method", "payments", "revenue"])
        writer.writerows(rows)
        revenue = sum((row[3] for row in rows), Decimal("0.00"))
        writer.writerow(["total", "", sum(row[2] for row in rows), revenue])


# %% right="3.4.5"
def for_the_accountant(payments, target):
    payments.sparkSession.sql("""
        WITH known AS (
            SELECT date_format(paid_ts, 'yyyy-MM') AS month, coalesce(method, 'unknown') AS method, amount FROM payments
        )
        SELECT month, method, count(*) AS payments, sum(amount) AS revenue FROM known GROUP BY month, method
        UNION ALL
        SELECT 'total', NULL, count(*), coalesce(sum(amount), 0.00) FROM known
    """).coalesce(1).sortWithinPartitions("month", "method").write.csv(target, header=True, sep=";")


# %% right="3.4.5"
def for_the_accountant(payments, target):
    known = payments.na.fill("unknown", ["method"]).withColumn(
        "month", F.col("paid_ts").cast("string").substr(1, 7)
    )
    grouped = known.rollup("month", "method").agg(
        F.count("*").alias("payments"),
        F.coalesce(F.sum("amount"), F.lit(0)).cast("decimal(20,2)").alias("revenue"),
        F.grouping_id().alias("level"),
    )
    if grouped.isEmpty():
        empty = known.agg(F.count("*").alias("payments"), F.lit("0.00").alias("revenue"))
        report = empty.select(
            F.lit("total").alias("month"),
            F.lit(None).cast("string").alias("method"),
            "payments",
            "revenue",
        )
    else:
        report = grouped.where("level <> 1").withColumn(
            "month", F.coalesce("month", F.lit("total"))
        )
    report = report.select("month", "method", "payments", "revenue").repartition(1)
    report.sortWithinPartitions("month", "method").write.options(header=True, delimiter=";").csv(
        target
    )


# %% [markdown]
# ## Files for programs: JSON and Avro
#
# A partner's program wants an order as **one document** with its lines inside, not two tables that it must join. You know the parts: `collect_list(struct(...))` for each order, a left join so that no order is lost,
# `coalesce` with an empty array for those without lines. Three details decide whether the export is right:
#
# - **Order.** `collect_list` takes rows as they come, and the next run may have another order. `array_sort` sorts structs by their first field, then the second.
# - **NULL.** `to_json` and the JSON writer leave out fields that are NULL. Some programs take a missing field for an error; then say `ignoreNullFields=false`.
# - **Amounts.** Whether an amount is a number or a text in JSON is a part of the agreement. Text never loses a cent.

# %%
basket = spark.createDataFrame(
    [(7, "rug", Decimal("9.50")), (7, "lamp", None)],
    "order INT, article STRING, price DECIMAL(10,2)",
)
document = basket.groupBy("order").agg(
    F.array_sort(F.collect_list(F.struct("article", "price"))).alias("content")
)
for ignore in ("true", "false"):
    folder = Path(tempfile.mkdtemp(prefix="documents-")) / ignore
    document.write.option("ignoreNullFields", ignore).json(str(folder))
    print(ignore, next(folder.glob("part-*.json")).read_text(), end="")

# %% [markdown]
# **Avro** takes nested columns, dates, timestamps and decimals as they are, and each file begins with its schema, in JSON. So the reader needs no agreement about types:

# %%
folder = Path(tempfile.mkdtemp(prefix="formats-"))
document.write.format("avro").save(f"{folder}/avro")
avro = next((folder / "avro").glob("part-*.avro"))
print(avro.suffix, avro.read_bytes()[:3], b'"type":"record"' in avro.read_bytes())
spark.read.format("avro").load(f"{folder}/avro").printSchema()

# %% [markdown]
# All exports of one run must tell of the **same moment**. If each of them computes its DataFrame anew from a table in which rows arrive, the report and the documents do not agree, and somebody spends a day finding out why. So read once, keep it (`cache`, a table, or a fixed
# version of a Delta table, see 4.1), and write everything from that.
#
# ### Exercise 3.4.6: one export, two partners
#
# Make one document per order: `order_id`, `ordered_at` (from `order_ts`), `customer_id`, `status`, `month` (the month of `order_ts` as text such as `2025-03`) and `lines`, an array of structs with `line`, `product_id`, `quantity` and `unit_price`, sorted by `line`; an empty array for an order without lines.
# Lines of orders that are not in `orders` do not count. Write the documents twice; neither folder exists yet:
#
# - `documents`: JSON lines, with the fields in the order given here, NULLs written as `null`, `ordered_at` as the JSON writer writes a timestamp by itself (`"2025-03-01T08:15:00.000Z"`), and `unit_price` as **text** (`"24.99"`)
# - `avro`: Avro, with the types as they are (`unit_price` DECIMAL)


# %% answer="3.4.6" title="One export, two partners"
def for_two_partners(orders: DataFrame, order_items: DataFrame, documents: str, avro: str) -> None:
    """Writes one document per order, as JSON lines and as Avro.

    (order_id BIGINT, ordered_at TIMESTAMP, customer_id BIGINT or NULL, status STRING, month STRING,
    lines ARRAY<STRUCT<line: INT, product_id: BIGINT, quantity: INT, unit_price: DECIMAL(10,2)>>)
    """
    ### BEGIN SOLUTION
    content = F.struct("line", "product_id", "quantity", "unit_price")
    lines = order_items.groupBy("order_id").agg(
        F.array_sort(F.collect_list(content)).alias("lines")
    )
    whole = orders.join(lines, "order_id", "left").select(
        "order_id",
        F.col("order_ts").alias("ordered_at"),
        "customer_id",
        "status",
        F.date_format("order_ts", "yyyy-MM").alias("month"),
        F.coalesce("lines", F.array()).alias("lines"),
    )
    whole = whole.cache()
    as_text = F.transform(
        "lines", lambda line: line.withField("unit_price", line["unit_price"].cast("string"))
    )
    whole.withColumn("lines", as_text).write.option("ignoreNullFields", False).json(documents)
    whole.write.format("avro").save(avro)
    whole.unpersist()
    ### END SOLUTION


# %% check="3.4.6" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.4.6",
    "shuffled",
    "lines that do not come in order, more than nine to an order, and lines of unknown orders",
    order_items=lambda lines: lines.withColumn("order_id", F.expr("order_id DIV 4")).withColumn(
        "line", F.expr("CAST(pmod(xxhash64(order_id, line, product_id), 100000) AS INT)")
    ),
    orders=variants.only("order_id % 5 <> 0"),
)
### END HIDDEN TESTS
check(
    "3.4.6",
    for_two_partners,
    deadline=90,
    files={
        "made": {
            "documents": {"format": "lines"},
            "avro": {"format": "avro", "key": ["order_id"]},
        }
    },
)

# %% [markdown] equivalent="3.4.6" because="Keeping the rows saves time and changes nothing."
# - drop call: .cache()
# - drop statement: whole.unpersist()
# - drop call: .unpersist()

# %% [markdown] hints="3.4.6"
# 1. First the documents with the right types, in one DataFrame. The JSON export is the only one that is different: change its column `lines` at the very end.
# 2. Group the lines by order with a sorted list of structs, join them to `orders` so that every order stays, and replace a missing list by `F.array()`.
# 3. `F.transform` with `withField` makes text of the prices. The option `ignoreNullFields` keeps NULLs in JSON. Avro is a `format`.


# %% wrong="3.4.6" because="`documents`"
def for_two_partners(orders, order_items, documents, avro):
    content = F.struct("line", "product_id", "quantity", "unit_price")
    lines = order_items.groupBy("order_id").agg(
        F.array_sort(F.collect_list(content)).alias("lines")
    )
    whole = orders.join(lines, "order_id", "left").select(
        "order_id",
        F.col("order_ts").alias("ordered_at"),
        "customer_id",
        "status",
        F.date_format("order_ts", "yyyy-MM").alias("month"),
        F.coalesce("lines", F.array()).alias("lines"),
    )
    as_text = F.transform(
        "lines", lambda line: line.withField("unit_price", line["unit_price"].cast("string"))
    )
    whole.withColumn("lines", as_text).write.json(documents)
    whole.write.format("avro").save(avro)


# %% wrong="3.4.6" because="missing"
def for_two_partners(orders, order_items, documents, avro):
    content = F.struct("line", "product_id", "quantity", "unit_price")
    lines = order_items.groupBy("order_id").agg(
        F.array_sort(F.collect_list(content)).alias("lines")
    )
    whole = orders.join(lines, "order_id").select(
        "order_id",
        F.col("order_ts").alias("ordered_at"),
        "customer_id",
        "status",
        F.date_format("order_ts", "yyyy-MM").alias("month"),
        "lines",
    )
    as_text = F.transform(
        "lines", lambda line: line.withField("unit_price", line["unit_price"].cast("string"))
    )
    whole.withColumn("lines", as_text).write.option("ignoreNullFields", False).json(documents)
    whole.write.format("avro").save(avro)


# %% wrong="3.4.6" because="`lines` is wrong"
def for_two_partners(orders, order_items, documents, avro):
    content = F.struct("line", "product_id", "quantity", "unit_price")
    lines = order_items.coalesce(1).groupBy("order_id").agg(F.collect_list(content).alias("lines"))
    whole = orders.join(lines, "order_id", "left").select(
        "order_id",
        F.col("order_ts").alias("ordered_at"),
        "customer_id",
        "status",
        F.date_format("order_ts", "yyyy-MM").alias("month"),
        F.coalesce("lines", F.array()).alias("lines"),
    )
    as_text = F.transform(
        "lines", lambda line: line.withField("unit_price", line["unit_price"].cast("string"))
    )
    whole.withColumn("lines", as_text).write.option("ignoreNullFields", False).json(documents)
    whole.write.format("avro").save(avro)


# %% wrong="3.4.6" because="lines of unknown orders"
def for_two_partners(orders, order_items, documents, avro):
    content = F.struct("line", "product_id", "quantity", "unit_price")
    lines = order_items.groupBy("order_id").agg(
        F.array_sort(F.collect_list(content)).alias("lines")
    )
    whole = orders.join(lines, "order_id", "full").select(
        "order_id",
        F.col("order_ts").alias("ordered_at"),
        "customer_id",
        "status",
        F.date_format("order_ts", "yyyy-MM").alias("month"),
        F.coalesce("lines", F.array()).alias("lines"),
    )
    as_text = F.transform(
        "lines", lambda line: line.withField("unit_price", line["unit_price"].cast("string"))
    )
    whole.withColumn("lines", as_text).write.option("ignoreNullFields", False).json(documents)
    whole.write.format("avro").save(avro)


# %% wrong="3.4.6" because="`avro`"
def for_two_partners(orders, order_items, documents, avro):
    text = F.col("unit_price").cast("string").alias("unit_price")
    content = F.struct("line", "product_id", "quantity", text)
    lines = order_items.groupBy("order_id").agg(
        F.array_sort(F.collect_list(content)).alias("lines")
    )
    whole = orders.join(lines, "order_id", "left").select(
        "order_id",
        F.col("order_ts").alias("ordered_at"),
        "customer_id",
        "status",
        F.date_format("order_ts", "yyyy-MM").alias("month"),
        F.coalesce("lines", F.array()).alias("lines"),
    )
    whole.write.option("ignoreNullFields", False).json(documents)
    whole.write.format("avro").save(avro)


# %% right="3.4.6"
def for_two_partners(orders, order_items, documents, avro):
    spark = orders.sparkSession
    whole = spark.sql("""
        SELECT o.order_id, o.order_ts AS ordered_at, o.customer_id, o.status, date_format(o.order_ts, 'yyyy-MM') AS month,
               coalesce(l.lines, array()) AS lines
        FROM orders AS o LEFT JOIN (
            SELECT order_id, sort_array(collect_list(struct(line, product_id, quantity, unit_price))) AS lines
            FROM order_items GROUP BY order_id) AS l USING (order_id)
    """)
    whole.createOrReplaceTempView("whole")
    spark.sql("""
        SELECT * EXCEPT (lines), transform(lines, l -> named_struct('line', l.line, 'product_id', l.product_id,
               'quantity', l.quantity, 'unit_price', CAST(l.unit_price AS STRING))) AS lines FROM whole
    """).write.json(documents, ignoreNullFields=False)
    whole.write.save(avro, format="avro")
    spark.catalog.dropTempView("whole")


# %% right="3.4.6"
def for_two_partners(orders, order_items, documents, avro):
    in_orders = orders.select("order_id", "order_ts", "customer_id", "status").alias("o")
    filled = F.when(
        F.col("line").isNotNull(), F.struct("line", "product_id", "quantity", "unit_price")
    )
    whole = (
        in_orders.join(order_items, "order_id", "left")
        .groupBy("order_id", F.col("order_ts").alias("ordered_at"), "customer_id", "status")
        .agg(F.sort_array(F.collect_list(filled)).alias("lines"))
        .withColumn("month", F.col("ordered_at").cast("string").substr(1, 7))
        .select("order_id", "ordered_at", "customer_id", "status", "month", "lines")
        .persist()
    )
    exact = whole.withColumn(
        "lines",
        F.expr(
            "transform(lines, l -> named_struct('line', l.line, 'product_id', l.product_id, 'quantity', l.quantity, 'unit_price', string(l.unit_price)))"
        ),
    )
    exact.select(F.to_json(F.struct("*"), {"ignoreNullFields": "false"})).write.text(documents)
    whole.write.format("avro").save(avro)


# %% [markdown]
# ## Is it complete?
#
# An export that raised no error may still be wrong: a filter too many, a join that doubles, a writer that broke off, somebody who repaired a line by hand. The receiver will find out, at the worst time. As in 3.2, the remedy is **reconciliation**; here it compares an export with its source, read back *from the file*, as the receiver will read it. From coarse to fine:
#
# | compare | finds | does not find |
# |---|---|---|
# | number of rows | what is lost or doubled | one lost and one doubled |
# | a sum, the smallest and largest key | most losses | errors that cancel out |
# | keys, in both directions, with their number | every row that is missing, unexpected or doubled | wrong values |
# | all values, key by key | everything | |
#
# Compare what values *mean*. CSV is text: `4.50` and `4.5` are the same amount, nothing is NULL, and an amount that is compared as text is larger than another because of its first digit. So read with a schema. And where both sides are NULL, they are equal: `<=>`, as you know from 2.1.

# %%
source = spark.createDataFrame([(1, "4.50"), (2, "7.00"), (3, None)], "code INT, price STRING")
file = spark.createDataFrame([(1, "4.5"), (3, None), (3, None)], "code INT, price STRING")
for name, table in {"source": source, "file": file}.items():
    figures = table.selectExpr(
        "count(*) AS lines",
        "count(DISTINCT code) AS codes",
        "sum(CAST(price AS DECIMAL(10,2))) AS total",
    ).first()
    print(f"{name:6}", figures.asDict())

# %% [markdown]
# Three rows on both sides, and still one is missing and one doubled.
#
# ### Exercise 3.4.7: before it is sent
#
# The folder `export` holds CSV files that were made from `payments`: separated by semicolons, the first line of each file has the names `payment_id;method;amount;paid_at`, nothing stands for NULL, and times look like `2025-03-01T08:15:00.000Z`. Amounts may have fewer decimals than usual (`4.5`), never more than two.
# Compare the export with `payments` (where `payment_id` is unique) and return one row for each thing that is wrong:
#
# | `finding` | for each `payment_id` |
# |---|---|
# | `missing` | of `payments` that the export does not have |
# | `unexpected` | of the export that `payments` does not have, **once**, however many lines it has |
# | `repeated` | of `payments` that stands in more than one line of the export |
# | `different` | of `payments` that has a line in the export with another method, amount or time (`paid_ts`), once |
#
# NULL and a method are different, NULL and NULL are not. A payment can have two findings, `repeated` and `different`. If nothing is wrong there are no rows.


# %% answer="3.4.7" title="Before it is sent"
def before_it_is_sent(spark: SparkSession, payments: DataFrame, export: str) -> DataFrame:
    """(payment_id BIGINT, finding STRING), one row for each thing that is wrong with the export."""
    ### BEGIN SOLUTION
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_at TIMESTAMP"
    lines = spark.read.schema(schema).csv(export, header=True, sep=";").alias("e")
    source = payments.alias("p")
    missing = source.join(lines, "payment_id", "left_anti")
    unexpected = lines.join(source, "payment_id", "left_anti")
    both = source.join(lines, "payment_id")
    repeated = both.groupBy("payment_id").count().where("count > 1")
    same = F.expr("p.method <=> e.method AND p.amount <=> e.amount AND p.paid_ts <=> e.paid_at")
    found = {
        "missing": missing,
        "unexpected": unexpected,
        "repeated": repeated,
        "different": both.where(~same),
    }
    findings = spark.createDataFrame([], "payment_id BIGINT, finding STRING")
    for finding, rows in found.items():
        findings = findings.union(rows.select("payment_id", F.lit(finding)))
    return findings.distinct()
    ### END SOLUTION


# %% check="3.4.7" points=3
### BEGIN HIDDEN TESTS
variant(
    "3.4.7",
    "nothing wrong",
    "an export in which nothing is wrong",
    payments=lambda payments: payments.where("payment_id % 10 = 2"),
)
variant(
    "3.4.7",
    "no method",
    "payments whose method nobody knows, though the export gives one",
    payments=variants.replaced(method=F.expr("if(payment_id % 71 = 41, NULL, method)")),
)
### END HIDDEN TESTS
check(
    "3.4.7",
    before_it_is_sent,
    key=["payment_id", "finding"],
    files={
        "given": {
            "export": {
                "table": "payments",
                "select": [
                    "*",
                    "explode(CASE payment_id % 710 WHEN 1 THEN CAST(array() AS ARRAY<INT>) WHEN 11 THEN array(0, 0) "
                    "WHEN 71 THEN array(5, 5) WHEN 21 THEN array(9) WHEN 31 THEN array(0, 9, 9) ELSE array(0) END) AS damage",
                ],
                "format": "lines",
                "header": "payment_id;method;amount;paid_at",
                "suffix": "csv",
                "files": 2,
                "line": "concat_ws(';', CAST(payment_id + if(damage = 5, 5, 0) AS STRING), "
                "if(payment_id % 710 = 41, 'unknown', if(payment_id % 710 = 81, '', coalesce(method, ''))), "
                "CASE WHEN payment_id % 710 = 51 THEN CAST(round(amount) AS STRING) "
                "WHEN damage = 9 THEN CAST(amount + if(payment_id DIV 710 % 2 = 0, 0.01, -0.01) AS STRING) "
                "ELSE regexp_replace(CAST(amount AS STRING), '0$', '') END, "
                "date_format(paid_ts + make_interval(0, 0, 0, 0, 0, 0, if(payment_id % 710 = 61, 1, 0)), \"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'\"))",
            }
        },
        "returns": True,
    },
)

# %% [markdown] equivalent="3.4.7" because="The union of INT and BIGINT is BIGINT, and amounts with two decimals are equal as DOUBLE when they are as DECIMAL."
# - SQL type: payment_id BIGINT , → payment_id INT ,
# - SQL type: payment_id BIGINT , → payment_id INT , (2)
# - SQL type: amount DECIMAL(10,2) , → amount DOUBLE ,

# %% [markdown] equivalent="3.4.7" because="A CSV file's text read as BINARY has the same bytes, and comparing it with a text compares these."
# - SQL type: method STRING , → method BINARY ,

# %% [markdown] equivalent="3.4.7" because="Amounts and times are never NULL, neither in the table nor in the export."
# - SQL null-safe equality: amount <=> e → amount = e
# - SQL null-safe equality: paid_ts <=> e → paid_ts = e

# %% [markdown] hints="3.4.7"
# 1. Read the files with a schema that has the types of `payments`, so that values can be compared and not their spelling. Then each finding is a small DataFrame of its own.
# 2. `missing` and `unexpected` are anti joins, one in each direction. `repeated` and `different` start from an inner join.
# 3. Equal means: method, amount and time are equal or both NULL, `<=>`. The negation of that is `different`. Put the four below each other, and take care that no row is there twice.


# %% wrong="3.4.7" because="rows are not expected"
def before_it_is_sent(spark, payments, export):
    lines = spark.read.csv(export, header=True, sep=";").withColumn(
        "payment_id", F.col("payment_id").cast("bigint")
    )
    lines, source = lines.alias("e"), payments.alias("p")
    both = source.join(lines, "payment_id")
    text = "date_format(p.paid_ts, \"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'\")"
    same = F.expr(
        f"p.method <=> e.method AND CAST(p.amount AS STRING) <=> e.amount AND {text} <=> e.paid_at"
    )
    found = {
        "missing": source.join(lines, "payment_id", "left_anti"),
        "unexpected": lines.join(source, "payment_id", "left_anti"),
        "repeated": both.groupBy("payment_id").count().where("count > 1"),
        "different": both.where(~same),
    }
    findings = spark.createDataFrame([], "payment_id BIGINT, finding STRING")
    for finding, rows in found.items():
        findings = findings.union(rows.select("payment_id", F.lit(finding)))
    return findings.distinct()


# %% wrong="3.4.7" because="whose method nobody knows"
def before_it_is_sent(spark, payments, export):
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_at TIMESTAMP"
    lines = spark.read.schema(schema).csv(export, header=True, sep=";").alias("e")
    source = payments.alias("p")
    both = source.join(lines, "payment_id")
    other = F.expr(
        "p.method <> coalesce(e.method, '') OR p.amount <> e.amount OR p.paid_ts <> e.paid_at"
    )
    found = {
        "missing": source.join(lines, "payment_id", "left_anti"),
        "unexpected": lines.join(source, "payment_id", "left_anti"),
        "repeated": both.groupBy("payment_id").count().where("count > 1"),
        "different": both.where(other),
    }
    findings = spark.createDataFrame([], "payment_id BIGINT, finding STRING")
    for finding, rows in found.items():
        findings = findings.union(rows.select("payment_id", F.lit(finding)))
    return findings.distinct()


# %% wrong="3.4.7" because="copies of others"
def before_it_is_sent(spark, payments, export):
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_at TIMESTAMP"
    lines = spark.read.schema(schema).csv(export, header=True, sep=";").alias("e")
    source = payments.alias("p")
    both = source.join(lines, "payment_id")
    same = F.expr("p.method <=> e.method AND p.amount <=> e.amount AND p.paid_ts <=> e.paid_at")
    found = {
        "missing": source.join(lines, "payment_id", "left_anti"),
        "unexpected": lines.join(source, "payment_id", "left_anti"),
        "repeated": both.groupBy("payment_id").count().where("count > 1"),
        "different": both.where(~same),
    }
    findings = spark.createDataFrame([], "payment_id BIGINT, finding STRING")
    for finding, rows in found.items():
        findings = findings.union(rows.select("payment_id", F.lit(finding)))
    return findings


# %% wrong="3.4.7" because="missing"
def before_it_is_sent(spark, payments, export):
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_at TIMESTAMP"
    lines = spark.read.schema(schema).csv(export, header=True, sep=";")
    source = payments.select("payment_id", "method", "amount", F.col("paid_ts").alias("paid_at"))
    gone = source.exceptAll(lines).select("payment_id", F.lit("missing").alias("finding"))
    new = lines.exceptAll(source).select("payment_id", F.lit("unexpected").alias("finding"))
    return gone.union(new).distinct()


# %% wrong="3.4.7" because="nothing is wrong"
def before_it_is_sent(spark, payments, export):
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_at TIMESTAMP"
    lines = spark.read.schema(schema).csv(export, header=True, sep=";").alias("e")
    source = payments.alias("p")
    both = source.join(lines, "payment_id")
    same = F.expr("p.method <=> e.method AND p.amount <=> e.amount AND p.paid_ts <=> e.paid_at")
    rows = [
        (row["payment_id"], finding)
        for finding, frame in {
            "missing": source.join(lines, "payment_id", "left_anti"),
            "unexpected": lines.join(source, "payment_id", "left_anti").distinct(),
            "repeated": both.groupBy("payment_id").count().where("count > 1"),
            "different": both.where(~same).select("payment_id").distinct(),
        }.items()
        for row in frame.collect()
    ]
    return spark.createDataFrame(rows, ["payment_id", "finding"])


# %% wrong="3.4.7" because="missing"
def before_it_is_sent(spark, payments, export):
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_at TIMESTAMP"
    lines = spark.read.schema(schema).csv(export, header=True, sep=";")
    highest = [F.max(name).alias(name) for name in ("method", "amount", "paid_at")]
    per_payment = lines.groupBy("payment_id").agg(F.count("*").alias("lines"), *highest)
    source = payments.selectExpr("payment_id", "method AS m", "amount AS a", "paid_ts AS t")
    both = per_payment.join(source, "payment_id")
    found = {
        "missing": source.join(per_payment, "payment_id", "left_anti"),
        "unexpected": per_payment.join(source, "payment_id", "left_anti"),
        "repeated": both.where("lines > 1"),
        "different": both.where("NOT (m <=> method AND a <=> amount AND t <=> paid_at)"),
    }
    findings = spark.createDataFrame([], "payment_id BIGINT, finding STRING")
    for finding, rows in found.items():
        findings = findings.union(rows.select("payment_id", F.lit(finding)))
    return findings


# %% wrong="3.4.7" because="missing"
def before_it_is_sent(spark, payments, export):
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_at TIMESTAMP"
    lines = spark.read.schema(schema).csv(export, header=True, sep=";").alias("e")
    source = payments.alias("p")
    both = source.join(lines, "payment_id")
    other = F.expr(
        "coalesce(p.method, '') <> e.method OR p.amount <> e.amount OR p.paid_ts <> e.paid_at"
    )
    found = {
        "missing": source.join(lines, "payment_id", "left_anti"),
        "unexpected": lines.join(source, "payment_id", "left_anti"),
        "repeated": both.groupBy("payment_id").count().where("count > 1"),
        "different": both.where(other),
    }
    findings = spark.createDataFrame([], "payment_id BIGINT, finding STRING")
    for finding, rows in found.items():
        findings = findings.union(rows.select("payment_id", F.lit(finding)))
    return findings.distinct()


# %% wrong="3.4.7" because="missing"
def before_it_is_sent(spark, payments, export):
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_at TIMESTAMP"
    lines = spark.read.schema(schema).csv(export, header=True, sep=";").alias("e")
    source = payments.alias("p")
    both = source.join(lines, "payment_id")
    other = ~F.expr(
        "p.method <=> e.method AND p.amount <=> e.amount AND to_date(p.paid_ts) <=> to_date(e.paid_at)"
    )
    found = {
        "missing": source.join(lines, "payment_id", "left_anti"),
        "unexpected": lines.join(source, "payment_id", "left_anti"),
        "repeated": both.groupBy("payment_id").count().where("count > 1"),
        "different": both.where(other),
    }
    findings = spark.createDataFrame([], "payment_id BIGINT, finding STRING")
    for finding, rows in found.items():
        findings = findings.union(rows.select("payment_id", F.lit(finding)))
    return findings.distinct()


# %% right="3.4.7"
def before_it_is_sent(spark, payments, export):
    spark.read.option("header", True).option("sep", ";").csv(export).selectExpr(
        "CAST(payment_id AS BIGINT) AS payment_id",
        "method",
        "CAST(amount AS DECIMAL(10,2)) AS amount",
        "CAST(paid_at AS TIMESTAMP) AS paid_ts",
    ).createOrReplaceTempView("export")
    return spark.sql("""
        WITH compared AS (
            SELECT payment_id, count(p.payment_id) > 0 AS known, count(e.payment_id) AS lines,
                   count_if(NOT (struct(p.method, p.amount, p.paid_ts) <=> struct(e.method, e.amount, e.paid_ts))) AS other
            FROM payments AS p FULL JOIN export AS e USING (payment_id) GROUP BY payment_id
        )
        SELECT payment_id, 'missing' AS finding FROM compared WHERE known AND lines = 0
        UNION ALL SELECT payment_id, 'unexpected' FROM compared WHERE NOT known
        UNION ALL SELECT payment_id, 'repeated' FROM compared WHERE known AND lines > 1
        UNION ALL SELECT payment_id, 'different' FROM compared WHERE known AND lines > 0 AND other > 0
    """)


# %% right="3.4.7"
def before_it_is_sent(spark, payments, export):
    schema = "payment_id BIGINT, method STRING, amount DECIMAL(10,2), paid_ts TIMESTAMP"
    lines = spark.read.csv(export, schema=schema, header=True, sep=";")
    names = ["payment_id", "method", "amount", "paid_ts"]
    source = payments.select(names)
    keys = lines.select("payment_id")
    missing = source.select("payment_id").subtract(keys)
    unexpected = keys.subtract(source.select("payment_id"))
    known = lines.join(source.select("payment_id"), "payment_id", "left_semi")
    repeated = known.groupBy("payment_id").count().filter("count > 1").select("payment_id")
    different = known.select(names).subtract(source).select("payment_id").distinct()
    named = [
        frame.withColumn("finding", F.lit(name))
        for name, frame in [
            ("missing", missing),
            ("unexpected", unexpected),
            ("repeated", repeated),
            ("different", different),
        ]
    ]
    return named[0].union(named[1]).union(named[2]).union(named[3])


# %% [markdown]
# One receiver is missing here: a **database**. How rows get into PostgreSQL, through a staging table and one transaction so that a repeated export changes nothing, is in notebook 3.3.
#
# ### Question 3.4.8: the night job
#
# A colleague has written the job that fetches the customers of a partner every night. It asks for `?page=1`, `?page=2` and so on until a page is empty; the list is sorted by the time of the last change, newest first, and the partner's people work at night, too. Whatever goes wrong, the request is repeated at once, up to 100 times. The
# items are put into `spark.createDataFrame(items)`, from which the job keeps the five columns that are needed today, and it overwrites the Parquet folder that the reports read. In the log stands "done".
#
# Name **three** different problems of this job, say for each what can happen, and how you would build it instead. Six to nine sentences.

# %% [markdown] written="3.4.8" points=3 title="The night job"
# ### BEGIN SOLUTION
# Pages by number over a list that changes at its front move while they are read: a customer who is changed in between comes to the front, all others move by one, and the last row of a page comes again on the next, while the changed one is missed if page 1 was already read.
# I would page by cursor, or over a column that does not change, and fetch only changes with `updated_since`, from the largest time that is stored on, with the border included and doubles dropped by key.
# Repeating at once, 100 times and after any error, is too many requests for a server that is down or has asked for a pause, and repeats requests that can never succeed, such as 401 or 404. Retry 429 after `Retry-After`, and 5xx and broken connections with waits that double, a few times; stop at any other 4xx.
# `createDataFrame(items)` guesses the types: they change with the data (a column that is null everywhere, a number that once is text), and an empty list raises an error. Give a schema.
# Further problems: the other columns and the original text are lost, so nothing can be repaired or proved later; land the pages as they came, with batch, page and checksum, and build the table from them in a second step.
# Overwriting the folder that is being read leaves readers without data, or with half of it, and if the job breaks, the old data are gone; write to a new place or into a Delta table, in one commit, replacing only this batch.
# "Done" proves nothing; compare the number of rows and the keys with what the partner says (a summary) and let the job fail if they do not agree.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
#
# One point for each of three different problems, up to 3, if what can happen **and** a remedy are named:
#
# - pages by number over a moving list: rows lost or doubled; cursor, stable order, or `updated_since` with a key
# - retries of everything, at once, too often: too many requests, pointless repetition; `Retry-After`, backoff, stop at 4xx, few tries
# - guessed types: change from night to night, fail for an empty list; a schema
# - only five columns kept, nothing landed: no repair, no proof; raw landing with lineage columns
# - overwriting what reports read: half or no data for readers, nothing left after a failure; Delta or one batch at a time, idempotent
# - no timeout, no check of completeness: hangs for ever, or "done" without all rows; timeout, reconciliation
#
# A problem without a remedy, or without what can happen, gives no point.
#
# === END MARK SCHEME ===

# %%
supplier.stop()
carrier.stop()
calm.stop()

# %% [markdown]
# ## Recap
#
# | remember | because |
# |---|---|
# | follow the cursor until it is null, with the largest page | a page that is not full says nothing, and each request costs |
# | always a `timeout` | without one a silent server stops your job for ever |
# | 429: wait as told; 5xx and broken connections: wait longer each time, then give up; other 4xx: stop | too many requests at once make it worse, and a wrong request stays wrong |
# | land the text as it came, with batch, page and checksum | what was not kept cannot be repaired or proved |
# | one folder per batch, overwritten when the batch runs again | a repeated run changes nothing, and other batches stay |
# | a cursor, or an order that does not change | pages by number move when rows come to the front of the list |
# | a data source plans partitions in the driver and reads them in workers | everything in it must be picklable; each action asks the API again |
# | one sorted file: one partition, then `sortWithinPartitions` | what is sorted before partitions are put together has no promised order after it |
# | say what stands for NULL, in CSV and in JSON | writers leave it out |
# | one state of the data for all exports of a run | otherwise they do not agree |
# | read the export back and compare keys in both directions, then values | equal counts hide one lost and one doubled row |
#
# > **On Databricks:** for many sources there are ready connectors (Lakeflow Connect), so that you need not page yourself. A Python data source runs on classic and serverless compute, from a notebook or a pipeline. Keep tokens in a *secret scope* (`dbutils.secrets.get`), never in the notebook, and not in the
# > options of a source that others can read. Raw pages land in a *volume* (`/Volumes/catalog/schema/volume/...`), and Auto Loader takes them from there. To give data to others without copying, there is Delta Sharing.
