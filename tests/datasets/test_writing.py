"""`course data`: files of any scale that are whole or not there, go on after a kill, and tell what is in them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import autograder  # noqa: F401 - points Spark at the course's jars, which Delta and Avro need
import datasets
from autograder.commands.data import command
from datasets.versions import committed, fingerprint
from datasets.writing import DataError, Request, write
from datasets.writing.estimate import expected_bytes, expected_rows
from datasets.writing.manifest import read


def run(*arguments: object) -> Result:
    """The command in this process, which is quick where it is refused before Spark starts."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def refused(*arguments: object) -> str:
    """What the command says when it exits with 1 and no stack trace."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output
    return result.output


def content(folder: Path, *names: str) -> dict[str, tuple[int, str]]:
    """Rows and digest of tables, as the manifest tells."""
    tables = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["tables"]
    return {name: (tables[name]["rows"], tables[name]["digest"]) for name in names}


def back(spark: SparkSession, folder: Path, name: str, format_: str) -> DataFrame:
    """A written table, read as its declaration says."""
    reader = spark.read.format(format_)
    if format_ == "delta":
        return reader.load(str(folder / name))
    options = {"header": "true", "escape": '"'} if format_ == "csv" else {}
    return reader.options(**options).schema(datasets.tables()[name].schema).load(str(folder / name))


@pytest.mark.parametrize("format_", ["parquet", "delta", "json", "csv", "avro"])
def test_every_format_holds_the_rows_that_the_manifest_and_the_samples_have(
    spark: SparkSession, tmp_path: Path, format_: str
) -> None:
    names = ("orders", "products") if format_ != "csv" else ("orders",)
    result = write(spark, Request(names, tmp_path, format=format_))
    assert list(result.written) == list(names)
    assert {path.name for path in tmp_path.iterdir()} == {*names, "manifest.json"}
    for name in names:
        found = fingerprint(datasets.tables()[name], back(spark, tmp_path, name, format_))
        assert found == committed()[name]
        assert content(tmp_path, name)[name] == (found.rows, found.digest)


def test_nested_columns_are_json_text_in_csv(spark: SparkSession, tmp_path: Path) -> None:
    write(spark, Request(("products",), tmp_path, format="csv"))
    rows = spark.read.options(header="true", escape='"').csv(str(tmp_path / "products"))
    brands = rows.select(F.get_json_object("attributes", "$.brand").alias("brand")).distinct().count()
    assert brands == datasets.load(spark, "products").select("attributes.brand").distinct().count() > 20


def test_partitions_become_folders_and_change_no_row(spark: SparkSession, tmp_path: Path) -> None:
    write(spark, Request(("orders",), tmp_path, partition_by=("channel", "status"), compression="zstd"))
    assert {path.name for path in (tmp_path / "orders").glob("channel=*")} == {
        "channel=web",
        "channel=app",
        "channel=store",
    }
    assert len(list((tmp_path / "orders").glob("channel=web/status=*"))) == 5
    assert all(".zstd." in path.name for path in (tmp_path / "orders").rglob("*.parquet"))
    rows = back(spark, tmp_path, "orders", "parquet").select(
        *(column.name for column in datasets.tables()["orders"].columns)
    )
    assert fingerprint(datasets.tables()["orders"], rows) == committed()["orders"]


def test_a_killed_run_leaves_only_whole_tables_and_the_next_one_goes_on(spark: SparkSession, tmp_path: Path) -> None:
    request = Request(("stores", "customers", "trips"), tmp_path, scale="20k")
    program = (
        "from pathlib import Path; from autograder.commands.data import _session; from datasets.writing import Request, write; "
        f"write(_session(), Request({request.tables!r}, Path({str(tmp_path)!r}), scale='20k'))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], start_new_session=True, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 120
        while not any((tmp_path / ".trips.partial").rglob("*.parquet")):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    before = read(tmp_path)
    assert before is not None
    assert list(before.tables) == ["stores", "customers"]
    assert not (tmp_path / "trips").exists()
    kept = content(tmp_path, "stores", "customers")

    result = write(spark, request)
    assert result.kept == ("stores", "customers")
    assert list(result.written) == ["trips"]
    assert {path.name for path in tmp_path.iterdir()} == {*request.tables, "manifest.json"}
    assert content(tmp_path, "stores", "customers") == kept
    assert datasets.load(spark, "trips").schema == back(spark, tmp_path, "trips", "parquet").schema
    whole = fingerprint(datasets.tables()["trips"], datasets.generate(spark, "trips", scale="20k", partitions=7))
    assert content(tmp_path, "trips")["trips"] == (whole.rows, whole.digest)


def test_writing_leaves_nothing_in_the_session_of_the_caller(spark: SparkSession, tmp_path: Path) -> None:
    """Spark 4.1 applies no freshly fitted model in a session in which something was observed."""
    caller = spark.newSession()
    before = dict(caller.conf.getAll)
    write(caller, Request(("stores",), tmp_path / "out"))
    assert dict(caller.conf.getAll) == before
    rows = caller.range(20).selectExpr("id % 2 AS label", "CAST(id AS DOUBLE) AS size")
    rows = VectorAssembler(inputCols=["size"], outputCol="features").transform(rows)
    assert LogisticRegression(maxIter=1).fit(rows).transform(rows).select("prediction").toArrow().num_rows == 20


def test_what_is_complete_is_refused_and_overwritten_only_when_asked(spark: SparkSession, tmp_path: Path) -> None:
    write(spark, Request(("stores",), tmp_path))
    first = content(tmp_path, "stores")
    assert "already holds all of this" in refused("stores", "--out", tmp_path)
    assert "other settings (seed 2026)" in refused("stores", "--out", tmp_path, "--seed", 7)
    with pytest.raises(DataError, match="would not fit"):
        write(spark, Request(("orders",), tmp_path, seed=7), overwrite=True)
    write(spark, Request(("stores",), tmp_path, seed=7), overwrite=True)
    assert content(tmp_path, "stores") != first
    changed = next((tmp_path / "stores").glob("*.parquet"))
    changed.write_bytes(changed.read_bytes() + b"x")
    assert "were changed since" in refused("stores", "--out", tmp_path, "--seed", 7)


def test_an_overwriting_run_that_was_interrupted_goes_on_without_asking_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    names = ("stores", "categories")
    write(spark, Request(names, tmp_path))
    # What a run with another seed leaves when it is killed before its first table is complete.
    content_ = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    content_ |= {"seed": 7, "tables": {}, "outdated": list(names)}
    (tmp_path / "manifest.json").write_text(json.dumps(content_), encoding="utf-8")
    result = write(spark, Request(names, tmp_path, seed=7))
    assert list(result.written) == list(names)
    assert (
        fingerprint(datasets.tables()["stores"], datasets.generate(spark, "stores", seed=7)).digest
        == (content(tmp_path, "stores")["stores"][1])
    )


HOLDING = """
import sys
from pathlib import Path
from datasets.writing.claim import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def test_two_runs_do_not_write_into_one_folder(spark: SparkSession, tmp_path: Path) -> None:
    request = Request(("stores",), tmp_path)
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(DataError, match="Another run is writing into"):
            write(spark, request)
        other.kill()
    assert list(write(spark, request).written) == ["stores"]
    assert {path.name for path in tmp_path.iterdir()} == {"stores", "manifest.json"}


def test_somebody_elses_folder_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "stores").mkdir()
    (tmp_path / "stores" / "thesis.txt").write_text("mine", encoding="utf-8")
    for arguments in ((), ("--overwrite",)):
        assert "was not written by this command" in refused("stores", "--out", tmp_path, *arguments)
    assert (tmp_path / "stores" / "thesis.txt").read_text(encoding="utf-8") == "mine"
    (tmp_path / "manifest.json").write_text('{"name": "a web site"}', encoding="utf-8")
    assert "cannot be read as a manifest" in refused("stores", "--out", tmp_path, "--overwrite")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["order"], "Did you mean 'orders'"),
        (["orders", "--scale", "-5"], "Scale '-5' is not known"),
        (["orders", "--scale", "99999999m"], "the most that can be made"),
        (["orders", "--scale", "1000m", "--format", "json"], "Free some space"),
        (["orders", "--format", "xml"], "Choose one of: parquet, delta, json, csv, avro"),
        (["orders", "--compression", "rar"], "Choose one of: snappy"),
        (["orders", "--partition-by", "chanel"], "None of the tables orders has the columns chanel"),
        (["orders", "--partition-by", "order_ts"], "Choose from: store_id, status, channel, discount_code"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(tmp_path: Path, arguments: list[str], message: str) -> None:
    if "Free some space" in message and shutil.disk_usage(tmp_path).free > 80_000_000_000:
        pytest.skip("this disk has room for a thousand million orders")
    assert message in refused(*arguments, "--out", tmp_path / "data")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written to" in refused("stores", "--out", tmp_path / "file" / "data")


@pytest.mark.parametrize(
    ("format_", "compression"), [("parquet", "snappy"), ("json", "none"), ("csv", "none"), ("avro", "snappy")]
)
def test_estimates_are_near_what_is_written(
    spark: SparkSession, tmp_path: Path, format_: str, compression: str
) -> None:
    request = Request(("order_items", "payments"), tmp_path, scale="20k", format=format_, compression=compression)
    for name, entry in write(spark, request).written.items():
        assert entry.rows == pytest.approx(expected_rows(request, name), rel=0.05)
        assert 0.7 < expected_bytes(request, name) / entry.bytes < 2.0
