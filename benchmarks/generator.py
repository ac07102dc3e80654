"""How many rows a second the generator writes, beside plain Faker and dbldatagen, and what ten times the rows cost.

Customers, products and orders of `datasets`, with all their columns. Ours and dbldatagen's are written to Parquet by Spark
on all cores, each after a warm-up on a tenth of the rows; Faker's rows are only made, in one process, and fewer of them:
its rows a second do not depend on how many there are. dbldatagen is installed into a throw-away environment (its licence
rules it out as a dependency), which sees this environment's Spark.

    python benchmarks/generator.py [--scale 1m] [--larger 10m] [--faker-rows 20000] [--json] [--publish]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from faker import Faker

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from publishing import publish, table
from pyspark.sql import SparkSession

from autograder.commands.data import _session
from datasets.generators import vocabulary
from datasets.sizes import sizes_of
from datasets.writing import Request, write

DBLDATAGEN = ("dbldatagen==0.4.0.post1", "jmespath==1.0.1", "pyparsing==3.2.3")
TABLES = ("customers", "products", "orders")
BYTES = 1_000_000


@dataclass(frozen=True)
class Measurement:
    """Rows a second by the clock, and for each second of processor time, which other work on the machine hardly changes."""

    maker: str
    table: str
    rows: int
    seconds: float
    processor_seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds

    @property
    def rows_per_processor_second(self) -> float:
        return self.rows / self.processor_seconds


@dataclass(frozen=True)
class Growth:
    """All three tables at one scale: seconds, and what the driver holds afterwards (heap after a collection, and Python)."""

    scale: str
    seconds: float
    processor_seconds: float
    heap_megabytes: float
    python_megabytes: float


def processor_seconds() -> float:
    """What this process and its children have used of the processors so far."""
    times = [process.cpu_times() for process in [psutil.Process(), *psutil.Process().children(recursive=True)]]
    return float(sum(one.user + one.system for one in times))


def timed(maker: str, name: str, rows: int, work: Callable[[], object]) -> Measurement:
    """Do the work once, by both clocks."""
    start, start_processor = time.perf_counter(), processor_seconds()
    work()
    return Measurement(maker, name, rows, time.perf_counter() - start, processor_seconds() - start_processor)


def faker_row(name: str) -> Callable[[int], dict[str, object]]:
    """A function that makes one row with the fields of a table, as somebody would who knows nothing but Faker."""
    fake, draw = Faker("en_US"), random.Random(1)
    fake.seed_instance(1)

    def customer(number: int) -> dict[str, object]:
        return {
            "customer_id": number, "name": fake.name(), "email": fake.email(), "phone": fake.phone_number(),
            "birth_date": fake.date_of_birth(minimum_age=19, maximum_age=84), "country": fake.country(), "city": fake.city(),
            "income": round(draw.lognormvariate(10.45, 0.45), -2), "signup_date": fake.date_between("-2y", "today"),
            "marketing_consent": fake.boolean(55), "interests": ",".join(fake.random_elements(vocabulary.INTERESTS, 3)),
        }  # fmt: skip

    def product(number: int) -> dict[str, object]:
        size = {
            "length_cm": fake.random_int(5, 90),
            "width_cm": fake.random_int(5, 60),
            "height_cm": fake.random_int(1, 60),
        }
        return {
            "product_id": number, "name": f"{fake.word()} {fake.word()}", "category_id": fake.random_int(17, 40),
            "price": fake.pydecimal(4, 2, positive=True), "cost": fake.pydecimal(4, 2, positive=True),
            "attributes": {"brand": fake.company(), "colour": fake.color_name(), "weight_g": fake.random_int(25, 4000), "size": size},
            "tags": fake.random_elements(vocabulary.TAGS, 3),
        }  # fmt: skip

    def order(number: int) -> dict[str, object]:
        return {
            "order_id": number, "customer_id": fake.random_int(1, 1_000_000), "store_id": fake.random_int(1, 200),
            "order_ts": fake.date_time_between("-2y", "now"), "channel": fake.random_element(("web", "app", "store")),
            "status": fake.random_element(("completed", "shipped", "cancelled", "returned", "pending")),
            "discount_code": fake.random_element(("WELCOME10", "SUMMER15", "VIP20", "FREESHIP", None)),
        }  # fmt: skip

    return {"customers": customer, "products": product, "orders": order}[name]


def with_faker(rows: int) -> list[Measurement]:
    """Rows are made and dropped: not even the time for writing them counts."""
    found = []
    for name in TABLES:
        make = faker_row(name)
        found.append(timed("Faker", name, rows, lambda make=make: [make(number) for number in range(rows)]))  # type: ignore[misc]
    return found


def ours(spark: SparkSession, scale: str, folder: Path) -> list[Measurement]:
    """Each table into Parquet, after a warm-up."""
    rows = sizes_of(scale)["orders"]
    found = []
    for name in TABLES:
        write(spark, Request((name,), folder / f"warm-{name}", scale=str(max(1, rows // 10))))
        request = Request((name,), folder / name, scale=scale)
        found.append(timed("this course", name, rows, lambda request=request: write(spark, request)))  # type: ignore[misc]
    return found


def with_dbldatagen(scale: str, folder: Path) -> list[Measurement]:
    """The same in an environment of its own, which is made in the folder and vanishes with it."""
    home = folder / "environment"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", *DBLDATAGEN], check=True)
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    import pyspark

    Path(purelib.stdout.strip(), "course.pth").write_text(f"{Path(pyspark.__file__).parent.parent}\n", encoding="utf-8")
    program = Path(__file__).resolve().parent / "generator_dbldatagen.py"
    rows = str(sizes_of(scale)["orders"])
    environment = {
        **os.environ,
        "PYTHONPATH": str(program.parent.parent),
        "PYSPARK_PYTHON": str(python),
        "PYSPARK_DRIVER_PYTHON": str(python),
    }
    done = subprocess.run(
        [python, program, rows, folder / "dbldatagen"], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return [Measurement("dbldatagen", **found) for found in json.loads(done.stdout.splitlines()[-1])]


def growth(spark: SparkSession, scale: str, folder: Path) -> Growth:
    """All three tables at a scale, and the memory of the driver afterwards."""
    request = Request(TABLES, folder / f"growth-{scale}", scale=scale)
    found = timed("this course", "all", 1, lambda: write(spark, request))
    java = spark.sparkContext._jvm
    assert java is not None
    java.System.gc()
    runtime = java.Runtime.getRuntime()
    heap = (runtime.totalMemory() - runtime.freeMemory()) / BYTES
    return Growth(scale, found.seconds, found.processor_seconds, heap, psutil.Process().memory_info().rss / BYTES)


def page(found: list[Measurement], sizes: list[Growth]) -> str:
    """The figures as Markdown."""
    by_name = {(one.maker, one.table): one for one in found}
    lines = []
    for name in TABLES:
        own = by_name["this course", name]
        for maker in ("this course", "dbldatagen", "Faker"):
            one = by_name[maker, name]
            clock, processor = (
                getattr(own, rate) / getattr(one, rate) for rate in ("rows_per_second", "rows_per_processor_second")
            )
            lines.append(
                [
                    name,
                    maker,
                    f"{one.rows:,}",
                    f"{one.seconds:.1f}",
                    f"{one.rows_per_second:,.0f}",
                    f"{clock:.1f}",
                    f"{processor:.1f}",
                ]
            )
    speeds = table(["table", "made by", "rows", "seconds", "rows/s", "ours is faster by", "for a CPU second"], lines)
    memory = table(
        ["scale, all three", "seconds", "CPU seconds", "heap afterwards (MB)", "Python (MB)"],
        [
            [
                one.scale,
                f"{one.seconds:.1f}",
                f"{one.processor_seconds:.1f}",
                f"{one.heap_megabytes:.0f}",
                f"{one.python_megabytes:.0f}",
            ]
            for one in sizes
        ],
    )
    small, large = sizes
    return f"{speeds}\n\n{memory}\n\n{large.scale} costs {large.seconds / small.seconds:.1f} times {small.scale}."


def main() -> None:
    """Print tables, or JSON with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scale", default="1m", help="scale of the comparison (default: 1m)")
    parser.add_argument("--larger", default="10m", help="scale that is compared with it (default: 10m)")
    parser.add_argument("--faker-rows", type=int, default=20_000, help="rows that Faker makes (default: 20000)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = with_faker(options.faker_rows)
        found += with_dbldatagen(options.scale, folder)
        spark = _session()
        found += ours(spark, options.scale, folder)
        sizes = [growth(spark, scale, folder) for scale in (options.scale, options.larger)]
        spark.stop()
    if options.publish:
        publish("generator", page(found, sizes))
    if options.json:
        print(json.dumps({"measurements": [asdict(one) for one in found], "growth": [asdict(one) for one in sizes]}))
    else:
        print(page(found, sizes))


if __name__ == "__main__":
    main()
