"""Which cells only show something."""

from __future__ import annotations

import pytest

from autograder import manifest
from autograder.authoring import examples, notebooks, source


@pytest.mark.parametrize(
    "code",
    [
        'orders.groupBy("channel").count().show()',
        "import math\nfrom pathlib import Path\nbig = [x for x in range(9) if x > 3]\nprint(math.pi, big)",
        'spark.sql("SELECT 1").show()',
        'spark.sql(f"""\n  WITH a AS (SELECT {n}) FROM a""").show()',
        "def half(x):\n    return x / 2\nfor n in (1, 2):\n    print(half(n))",
    ],
)
def test_what_gives_names_and_prints_only_shows(code: str) -> None:
    assert examples.only_shows(code)


@pytest.mark.parametrize(
    "code",
    [
        'orders.createOrReplaceTempView("orders")',
        'spark.conf.set("spark.sql.ansi.enabled", "false")',
        'spark.sql("CREATE TABLE t AS SELECT 1")',
        'text = "SELECT 1"\nspark.sql(text).show()',
        'spark.sql(f"{verb} TABLE t")',
        'orders.write.parquet("here")',
        "orders.cache().count()",
        "names.append(3)",
        'prices["tea"] = 3',
        "del prices",
        "spark.nothing = 3",
        "from math import *",
        'open("file", "w").close()',
        "%time orders.count()",
    ],
)
def test_what_leaves_something_behind_does_not(code: str) -> None:
    assert not examples.only_shows(code)


def test_the_manifest_names_cells_that_are_neither_set_up_nor_graded() -> None:
    known = {item.number: item for item in source.read_all()}
    total = 0
    for notebook in manifest.notebooks():
        twin = notebooks.twin(known[notebook.number], None, None)
        cells = {cell.id: cell for cell in twin.cells}
        assert notebook.examples == tuple(examples.examples(known[notebook.number], twin.cells))
        assert all("nbgrader" not in cells[identifier].metadata for identifier in notebook.examples)
        needed = {cell.source for cell in known[notebook.number].cells if cell.metadata.get("setup")}
        assert needed.isdisjoint(cells[identifier].source for identifier in notebook.examples)
        total += len(notebook.examples)
    assert total > 100
