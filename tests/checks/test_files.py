"""The kind "files": folders that are fed, read, written and overwritten by Spark; hostile folders; every complaint."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder.authoring.hidden import calls_of
from autograder.checks import KINDS, Answer, Judgement, chosen_kind
from autograder.checks.files import FilesOptions, Script, layout
from autograder.checks.files.answer import FilesAnswer, FolderState
from autograder.checks.files.layout import look
from autograder.checks.files.options import RAISED, WrongOptions
from autograder.compare import AnswerUnreadable, Frame
from autograder.models import ExerciseSpec, Status
from autograder.runtime import judge as judging
from autograder.runtime.call import Outcome, call

CHECK = KINDS["files"]
ROWS = 24


@pytest.fixture
def shelf(spark: SparkSession) -> DataFrame:
    """Rows `id` 0..23 in three parts (8 each), with a price; the same rows at every call."""
    numbers = spark.range(0, ROWS, 1, 1)
    return numbers.select("id", (F.col("id") * 1.5).alias("price"), F.concat(F.lit("p"), F.col("id") % 3).alias("part"))


@pytest.fixture
def outcome_of(spark: SparkSession, shelf: DataFrame) -> Callable[..., Outcome]:
    """What becomes of a function: `outcome_of(function, given=..., made=..., script=...)`."""

    def outcome(
        function: Callable[..., Any],
        *,
        script: Any = None,
        table: DataFrame | None = None,
        deadline: float = 120.0,
        actions: Any = None,
        **files: Any,
    ) -> Outcome:
        options = {"files": files, **({"actions": actions} if actions else {})}
        spec = ExerciseSpec("9.9.9", "", "files", 1.0, options=options, deadline=deadline)
        tables = dict.fromkeys(CHECK.tables(options), shelf if table is None else table)
        arguments = {} if script is None else {"script": script}
        return call(spec, CHECK, function, {"spark": spark}, tables, arguments)

    return outcome


@pytest.fixture
def answer_of(outcome_of: Callable[..., Outcome]) -> Callable[..., Answer]:
    """The same for a function that is known to end well."""

    def answer(function: Callable[..., Any], **options: Any) -> Answer:
        outcome = outcome_of(function, **options)
        assert outcome.status is Status.PASSED, outcome
        assert outcome.answer is not None
        return outcome.answer

    return answer


def judged(actual: Answer, expected: Answer, **options: Any) -> Judgement:
    files = {name: value for name, value in options.items() if name in ("given", "made", "returns")}
    return CHECK.judge(actual, expected, {"files": files})


def state(answer: Answer, name: str = "target") -> FolderState:
    assert isinstance(answer.payload, FilesAnswer)
    return answer.payload.made[name]


SHELF = {"table": "shelf"}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "is a dictionary"),
        ({}, "nothing would be compared"),
        ({"given": {"landing": SHELF}}, "nothing would be compared"),
        ({"made": {"target": {}}, "give": {}}, "unknown give"),
        ({"made": {"spark": {}}}, "cannot be the name"),
        ({"made": {"target": {}}, "given": {"target": SHELF}}, "cannot be the name"),
        ({"made": {"Target": {}}}, "cannot be the name"),
        ({"made": {"target": []}}, "give a dictionary"),
        ({"made": {"target": {"format": "xlsx"}}}, "the format is one of parquet, orc, avro, csv, json, lines, delta"),
        ({"made": {"target": {"header": True}}}, '"header" is for CSV files with a "schema"'),
        ({"made": {"target": {"compression": "rar"}}}, '"compression" is one of gzip, snappy'),
        ({"made": {"target": {"format": "avro", "compression": "gzip"}}}, "for parquet, orc, csv and json"),
        ({"made": {"target": {"format": "delta", "files": {"at_most": 1}}}}, "of a Delta table only the rows"),
        ({"made": {"target": {"files": 4}}}, "a bound is"),
        ({"made": {"target": {"kept_files": {"at_least": 1}}}}, '"kept_files" needs "setup"'),
        ({"made": {"target": {"setup": {}}}}, 'with at least "table"'),
        ({"made": {f"t{number}": {} for number in range(9)}}, "at most 8"),
        ({"given": {"landing": {}}, "returns": True}, 'with at least "table"'),
        ({"given": {"landing": {**SHELF, "format": "delta"}}, "returns": True}, "the format is one of"),
        ({"given": {"landing": {**SHELF, "files": 0}}, "returns": True}, "positive number"),
        ({"given": {"landing": {**SHELF, "line": "id"}}, "returns": True}, 'line: only for "format": "lines"'),
        ({"given": {"landing": {**SHELF, "format": "lines", "partitioned_by": ["a"]}}, "returns": True}, "without Spark"),
        ({"given": {"landing": {**SHELF, "format": "lines", "text": "x"}}, "returns": True}, '"text" needs "name"'),
        ({"returns": "all"}, '"returns" is True or "each"'),
    ],
)  # fmt: skip
def test_options_without_sense_are_refused(files: Any, told: str) -> None:
    with pytest.raises(WrongOptions) as raised:
        FilesOptions.of({"files": files})
    assert told in str(raised.value)


@pytest.mark.parametrize(
    "script",
    [
        "run", [], ["feed 1"], ["feed some", "run"], ["feed", "run"], ["remove x/y", "run"], ["remove landing/../x", "run"],
        ["damage landing", "run"], ["run", "run failing"], ["set spark.sql.x", "run"],
    ],
)  # fmt: skip
def test_scripts_without_sense_are_refused(script: Any) -> None:
    options = FilesOptions.of({"files": {"given": {"landing": SHELF}, "returns": True}})
    with pytest.raises(WrongOptions, match="script"):
        Script.of(script, options)
    assert Script.of(["feed 1", "remove landing/a", "run"], options).steps[1] == "remove landing/a"
    every = FilesOptions.of({"files": {"given": {"landing": SHELF}, "returns": "each"}})
    assert Script.of(["damage landing/a", "run failing"], every).steps == ("damage landing/a", "run failing")


def test_the_kind_is_chosen_by_its_keyword_and_known_to_the_rules_of_sources() -> None:
    files = {"given": {"landing": SHELF}, "made": {"target": {"setup": {"table": "stores"}}}}
    assert chosen_kind({"files": files}) == "files"
    assert CHECK.supplied({"files": files}) == ("landing", "target")
    assert CHECK.tables({"files": files}) == ("shelf", "stores")
    assert len(calls_of("check", "check('1', f, files={})")) == 1


@pytest.mark.parametrize("format_", ["parquet", "orc", "avro", "json", "csv"])
def test_each_format_is_given_and_read_back(answer_of: Callable[..., Answer], tmp_path: Path, format_: str) -> None:
    """A table goes in as files and comes out as files of the same format; the answer survives saving."""
    seen: list[list[str]] = []
    schema = "id BIGINT, price DOUBLE, part STRING"
    options = {"header": True} if format_ == "csv" else {}
    wishes = {
        "given": {"landing": {**SHELF, "format": format_, "options": options, "files": 3}},
        "made": {"target": {"format": format_, "options": options, "schema": schema, "key": ["id"]}},
    }

    def copied(spark: SparkSession, landing: str, target: str) -> None:
        seen.append(sorted(path.name for path in Path(landing).iterdir()))
        spark.read.schema(schema).options(**options).format(format_).load(landing).write.options(**options).format(
            format_
        ).save(target)

    expected = answer_of(copied, **wishes)
    assert seen == [[f"part-{number:05}.{format_}" for number in (1, 2, 3)]]
    assert expected.payload.frames["target"].rows == ROWS
    CHECK.save(expected, tmp_path / "answer")
    assert len(list((tmp_path / "answer").iterdir())) == 2
    loaded = CHECK.load(tmp_path / "answer")
    assert loaded.payload.made == expected.payload.made
    assert judged(loaded, expected, **wishes).equal

    def cut(spark: SparkSession, landing: str, target: str) -> None:
        read = spark.read.schema(schema).options(**options).format(format_).load(landing)
        read.filter("id <> 3").write.options(**options).format(format_).save(target)

    wrong = judged(answer_of(cut, **wishes), loaded, **wishes)
    assert wrong.message.startswith("`target`: 1 row is missing")
    assert "what was here before" in wrong.hint


def test_lines_are_written_as_the_exercise_says(answer_of: Callable[..., Answer]) -> None:
    """A line per row, a name per row, a header, a document per file, and times one minute apart."""
    found: dict[str, Any] = {}
    wishes = {
        "given": {
            "plain": {**SHELF, "format": "lines", "line": "concat(id, ';', price)", "header": "id;price", "files": 2,
                      "suffix": "csv"},
            "named": {**SHELF, "format": "lines", "line": "IF(id = 5, '{', to_json(struct(*)))",
                      "name": "concat('day=', part, '/', part, '.json')", "modified": ["2025-03-01 08:00:00"]},
            "whole": {**SHELF, "where": "id < 12", "select": ["id", "part"], "format": "lines", "name": "concat(part, '.json')",
                      "text": "to_json(collect_list(struct(*)))"},
        },
        "returns": True,
    }  # fmt: skip

    def looked(spark: SparkSession, plain: str, named: str, whole: str) -> int:
        found["plain"] = [path.read_text().splitlines() for path in sorted(Path(plain).iterdir())]
        found["names"] = sorted(path.relative_to(named).as_posix() for path in Path(named).rglob("*.json"))
        found["times"] = [(Path(named) / name).stat().st_mtime for name in found["names"]]
        found["broken"] = (Path(named) / "day=p2" / "p2.json").read_text().splitlines()[1]
        found["whole"] = json.loads((Path(whole) / "p1.json").read_text())
        return spark.read.option("multiLine", True).json(whole).count()

    answer = answer_of(looked, **wishes)
    assert [(len(lines), lines[0]) for lines in found["plain"]] == [(13, "id;price"), (13, "id;price")]
    assert found["plain"][1][1] == "12;18.0"
    assert found["names"] == [f"day=p{number}/p{number}.json" for number in range(3)]
    assert found["times"][0] == 1740816000.0
    assert [later - found["times"][0] for later in found["times"]] == [0, 60, 120]
    assert found["broken"] == "{"
    assert found["whole"][:2] == [{"id": 1, "part": "p1"}, {"id": 4, "part": "p1"}]
    assert answer.payload.value == (12,)


def by_part(spark: SparkSession, landing: str, target: str) -> None:
    rows = spark.read.parquet(landing)
    rows.coalesce(1).write.mode("overwrite").partitionBy("part").parquet(target)


def flat(spark: SparkSession, landing: str, target: str) -> None:
    spark.read.parquet(landing).write.parquet(target)


LAYOUT = {
    "given": {"landing": SHELF},
    "made": {
        "target": {
            "partitioned_by": ["part"],
            "tree": True,
            "files": {"at_most": 3},
            "rows_per_file": {"at_most": 8},
            "compression": "snappy",
        }
    },
}


def test_the_layout_is_judged_after_the_rows(answer_of: Callable[..., Answer]) -> None:
    expected = answer_of(by_part, **LAYOUT)
    assert state(expected) == FolderState(
        partitioned_by=("part",), folders=("part=p0", "part=p1", "part=p2"), files=3, largest=8, compressions=("snappy",)
    )  # fmt: skip
    assert judged(expected, expected, **LAYOUT).equal

    def complaint(function: Callable[..., Any]) -> Judgement:
        return judged(answer_of(function, **LAYOUT), expected, **LAYOUT)

    found = complaint(flat)
    assert (found.message, found.right) == (
        "`target` is partitioned by nothing, not by part.",
        ("The rows of `target` are right.",),
    )

    def in_many(spark: SparkSession, landing: str, target: str) -> None:
        for half in ("id < 12", "id >= 12"):
            spark.read.parquet(landing).filter(half).write.mode("append").partitionBy("part").parquet(target)

    assert "lie in 6 files; 3 would be enough" in complaint(in_many).message

    def zipped(spark: SparkSession, landing: str, target: str) -> None:
        rows = spark.read.parquet(landing).coalesce(1)
        rows.write.option("compression", "gzip").partitionBy("part").parquet(target)

    assert "compressed with gzip, not with snappy" in complaint(zipped).message
    nothing = complaint(lambda spark, landing, target: None)
    assert nothing.message.startswith("There is nothing at the path `target`")

    def as_text(spark: SparkSession, landing: str, target: str) -> None:
        spark.read.parquet(landing).write.csv(target)

    assert complaint(as_text).message == "`target` holds csv files; Parquet is asked for."

    def mixed(spark: SparkSession, landing: str, target: str) -> None:
        by_part(spark, landing, target)
        spark.read.parquet(landing).write.mode("append").parquet(target)

    assert "Some files of `target` lie in partition folders" in complaint(mixed).message


def test_rows_are_judged_before_folders_without_rows(answer_of: Callable[..., Answer]) -> None:
    def noted(spark: SparkSession, target: str, notes: str, number: int) -> None:
        spark.range(number).write.parquet(target)
        for name in range(number):
            Path(notes).mkdir(exist_ok=True)
            Path(notes, str(name)).write_text("x\n")

    made = {"notes": {"format": "lines", "content": False, "files": {"at_least": "reference"}}, "target": {}}
    expected = answer_of(lambda spark, target, notes: noted(spark, target, notes, 2), made=made)
    found = judged(
        answer_of(lambda spark, target, notes: noted(spark, target, notes, 1), made=made), expected, made=made
    )
    assert found.message.startswith("`target`: 1 row is missing")


def test_names_of_folders_are_shown_as_examples_only(answer_of: Callable[..., Answer]) -> None:
    """What data have given to a folder as its name must not reach a sentence: on hidden data sentences are shown."""
    wishes = {**LAYOUT, "made": {"target": {"content": False, "tree": True}}}
    expected = answer_of(by_part, **wishes)

    def others(spark: SparkSession, landing: str, target: str) -> None:
        rows = spark.read.parquet(landing).withColumn("part", F.expr("IF(part = 'p0', 'secret', part)"))
        rows.write.partitionBy("part").parquet(target)

    found = judged(answer_of(others, **wishes), expected, **wishes)
    assert found.message == "`target`: 1 of 3 partition folders is missing; 1 partition folder is not asked for."
    assert found.examples is not None
    assert found.examples.rows == (("part=p0",), ("part=secret",))
    assert found.examples.kinds == ("missing", "extra")


def test_what_was_there_before_counts(answer_of: Callable[..., Answer]) -> None:
    """Save modes: appended, replaced partition by partition, replaced as a whole."""
    new = {**SHELF, "select": ["id + 100 AS id", "price", "part"]}
    wishes = {
        "given": {"landing": {**new, "select": ["id + 100 AS id", "price", "IF(part = 'p2', 'p1', part) AS part"]}},
        "made": {
            "target": {
                "key": ["id"],
                "kept_files": {"at_least": "reference"},
                "setup": {**SHELF, "partitioned_by": ["part"]},
            }
        },
    }

    def dynamic(spark: SparkSession, landing: str, target: str) -> None:
        rows = spark.read.parquet(landing)
        rows.write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy("part").parquet(target)

    def through_memory(spark: SparkSession, landing: str, target: str) -> None:
        old = spark.createDataFrame(spark.read.parquet(target).filter("part = 'p2'").collect())
        old.unionByName(spark.read.parquet(landing)).write.mode("overwrite").partitionBy("part").parquet(target)

    expected = answer_of(dynamic, **wishes)
    assert (state(expected).kept_files, expected.payload.frames["target"].rows) == (1, 32)
    copied = judged(answer_of(through_memory, **wishes), expected, **wishes)
    assert (
        copied.message
        == "Of the files that `target` held before, 0 are still there untouched; at least 1 would be right."
    )
    whole = judged(answer_of(by_part, **wishes), expected, **wishes)
    assert whole.message.startswith("`target`: 8 rows are missing")


@pytest.mark.parametrize("format_", ["parquet", "orc"])
def test_a_column_that_only_some_files_have_is_seen(answer_of: Callable[..., Answer], format_: str) -> None:
    """Spark alone takes the columns of such a folder from any one of its files."""
    wishes = {"given": {"landing": SHELF}, "made": {"target": {"format": format_}}}

    def in_two(*second: str) -> Callable[[SparkSession, str, str], None]:
        def function(spark: SparkSession, landing: str, target: str) -> None:
            rows = spark.read.parquet(landing)
            first = rows.filter("id < 12").coalesce(1)
            first.write.format(format_).save(target)
            rest = rows.filter("id >= 12").coalesce(1).selectExpr("*", *second)
            rest.write.format(format_).mode("append").save(target)

        return function

    expected = answer_of(in_two(), **wishes)
    found = [judged(answer_of(in_two("0 AS helper"), **wishes), expected, **wishes).message for _ in range(3)]
    assert all("helper" in message for message in found), found


def test_files_of_one_folder_with_other_types_are_told(answer_of: Callable[..., Answer]) -> None:
    wishes = {"given": {"landing": SHELF}, "made": {"target": {}}}

    def mixed_types(spark: SparkSession, landing: str, target: str) -> None:
        rows = spark.read.parquet(landing)
        rows.write.parquet(target)
        rows.withColumn("price", F.col("price").cast("string")).write.mode("append").parquet(target)

    expected = answer_of(lambda spark, landing, target: spark.read.parquet(landing).write.parquet(target), **wishes)
    found = judged(answer_of(mixed_types, **wishes), expected, **wishes)
    assert not found.equal
    assert "MERGE" in found.message


def test_errors_that_must_reach_the_caller_do(
    answer_of: Callable[..., Answer], outcome_of: Callable[..., Outcome]
) -> None:
    wishes: dict[str, Any] = {
        "given": {"landing": {**SHELF, "files": 2}},
        "made": {"target": {"optional": True}},
        "returns": "each",
    }
    script = ["run failing", "feed rest", "damage landing/part-00002.parquet", "run failing"]

    def raises(spark: SparkSession, landing: str, target: str) -> str:
        spark.read.parquet(landing).write.parquet(target)
        return "written"

    def swallows_all(spark: SparkSession, landing: str, target: str) -> str:
        try:
            return raises(spark, landing, target)
        except Exception:
            return "refused"

    def swallows_failed_jobs(spark: SparkSession, landing: str, target: str) -> str:
        rows = spark.read.parquet(landing)
        try:
            rows.write.parquet(target)
        except Exception:
            return "refused"
        return "written"

    def returns_rows(spark: SparkSession, landing: str, target: str) -> DataFrame:
        return spark.range(1)

    expected = answer_of(raises, script=script, **wishes)
    assert expected.payload.value == ([RAISED, RAISED],)
    assert judged(answer_of(raises, script=script, **wishes), expected, **wishes).equal
    for function, number in ((swallows_all, 1), (swallows_failed_jobs, 2)):
        found = judged(answer_of(function, script=script, **wishes), expected, **wishes)
        assert found.message.startswith(f"Run {number} of your function met an error that must reach the caller")
        assert answer_of(function, **wishes).payload.value == (["written"],)
    assert outcome_of(returns_rows, script=script, **wishes).status is not Status.PASSED


def test_a_setting_holds_until_the_end_of_the_script(
    answer_of: Callable[..., Answer], spark: SparkSession, shelf: DataFrame
) -> None:
    def sorted_rows(spark: SparkSession, target: str) -> None:
        shelf.repartition(2).orderBy("id").write.parquet(target)

    name = "spark.sql.adaptive.coalescePartitions.enabled"
    before = spark.conf.get(name)
    wishes: dict[str, Any] = {"made": {"target": {"files": {"at_most": 1}}}}
    merged = answer_of(sorted_rows, script=["run"], **wishes)
    apart = answer_of(sorted_rows, script=[f"set {name}=false", "run"], **wishes)
    assert spark.conf.get(name) == before
    assert judged(merged, merged, **wishes).equal
    assert judged(apart, merged, **wishes).message == "The rows of `target` lie in 2 files; 1 would be enough."


def test_a_folder_is_fed_step_by_step_and_what_every_run_returns_can_count(answer_of: Callable[..., Answer]) -> None:
    wishes: dict[str, Any] = {
        "given": {"landing": {**SHELF, "files": 4, "stays": True}},
        "made": {"target": {"key": ["id"]}},
        "returns": "each",
    }
    script = ["feed 1", "run", "run", "feed 2", "run", "feed rest", "remove landing/part-00004.parquet", "run"]

    def moved(spark: SparkSession, landing: str, target: str) -> int:
        files = sorted(Path(landing).glob("*.parquet"))
        for path in files:
            spark.read.parquet(str(path)).write.mode("append").parquet(target)
            path.unlink()
        return len(files)

    def copied(spark: SparkSession, landing: str, target: str) -> int:
        files = list(Path(landing).glob("*.parquet"))
        spark.read.schema("id BIGINT, price DOUBLE, part STRING").parquet(landing).write.mode("overwrite").parquet(
            target
        )
        return len(files)

    expected = answer_of(moved, script=script, **wishes)
    assert expected.payload.value == ([1, 0, 2, 0],)
    assert expected.payload.stays == {"landing": ()}
    assert expected.payload.frames["target"].rows == 18
    other = answer_of(copied, script=script, **wishes)
    assert judged(other, expected, **wishes).message == "What the runs of your function return is not right."
    silent = {**wishes, "returns": False}
    assert judged(other, expected, **silent).message == "3 files still in `landing` should be gone."
    assert judged(expected, other, **silent).message == "3 files should still be in `landing`."
    assert answer_of(copied, **wishes).payload.frames["target"].rows == ROWS


def test_what_is_returned_is_evaluated_while_its_files_are_there(
    answer_of: Callable[..., Answer], outcome_of: Callable[..., Outcome]
) -> None:
    wishes = {"given": {"landing": {**SHELF, "files": 2}}, "returns": True}

    def lazily(spark: SparkSession, landing: str) -> DataFrame:
        return spark.read.parquet(landing).select("id", "_metadata.file_name")

    expected = answer_of(lazily, **wishes)
    assert expected.payload.frames["returned"].table["file_name"].to_pylist()[-1] == "part-00002.parquet"
    assert judged(answer_of(lazily, **wishes), expected, **wishes).equal
    none = judged(answer_of(lambda spark, landing: None, **wishes), expected, **wishes)
    assert "it returned nothing (None)" in none.message
    short = answer_of(lambda spark, landing: lazily(spark, landing).limit(3), **wishes)
    assert judged(short, expected, **wishes).message.startswith("What your function returns: ")
    number = answer_of(lambda spark, landing: 7, **wishes)
    other = answer_of(lambda spark, landing: 8, **wishes)
    told = judged(other, number, **wishes)
    assert told.message == "What your function returns is not right."
    assert told.examples is not None
    assert "a plain value is asked for" in judged(expected, number, **wishes).message
    assert "not a plain Python value" in outcome_of(lambda spark, landing: spark, **wishes).message


def test_a_header_is_wanted_or_not(answer_of: Callable[..., Answer]) -> None:
    schema = "id BIGINT, price DOUBLE, part STRING"

    def report(header: bool) -> Callable[..., None]:
        def write(spark: SparkSession, landing: str, target: str) -> None:
            spark.read.parquet(landing).repartition(2).write.csv(target, header=header)

        return write

    def wishes(header: bool) -> dict[str, Any]:
        made = {"format": "csv", "schema": schema, "options": {"header": header}, "header": header}
        return {"given": {"landing": SHELF}, "made": {"target": made}}

    for header in (True, False):
        options = wishes(header)
        expected = answer_of(report(header), **options)
        assert state(expected).header is header
        assert judged(expected, expected, **options).equal
        found = judged(answer_of(report(not header), **options), expected, **options)
        assert ("does not have the names" if header else "which is not asked for") in found.message


def test_text_is_compared_line_by_line_also_when_it_is_compressed(answer_of: Callable[..., Answer]) -> None:
    made = {"format": "lines", "ordered": True, "names": True, "files": {"at_most": 1}}
    wishes = {"given": {"landing": SHELF}, "made": {"target": made}}

    def written(name: str, *lines: str) -> Callable[..., None]:
        def write(spark: SparkSession, landing: str, target: str) -> None:
            Path(target).mkdir()
            data = "".join(f"{line}\n" for line in lines).encode()
            (Path(target) / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)

        return write

    expected = answer_of(written("report.txt", "one", "two"), **wishes)
    assert expected.payload.frames["target"].table["value"].to_pylist() == ["one", "two"]
    assert "order" in judged(answer_of(written("report.txt", "two", "one"), **wishes), expected, **wishes).message
    packed = judged(answer_of(written("report.txt.gz", "one", "two"), **wishes), expected, **wishes)
    assert packed.message == "`target`: 1 of 1 files is missing; 1 file is not asked for."
    assert packed.right == ("The rows of `target` are right.",)


def test_a_single_file_in_place_of_a_folder_is_read(answer_of: Callable[..., Answer]) -> None:
    made = {"format": "csv", "schema": "id BIGINT, part STRING", "options": {"header": True}, "header": True}
    wishes = {"given": {"landing": SHELF}, "made": {"target": made}}

    def one_file(spark: SparkSession, landing: str, target: str) -> None:
        with Path(target).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "part"])
            writer.writerows(spark.read.parquet(landing).select("id", "part").collect())

    def by_spark(spark: SparkSession, landing: str, target: str) -> None:
        spark.read.parquet(landing).select("id", "part").write.csv(target, header=True)

    assert judged(answer_of(one_file, **wishes), answer_of(by_spark, **wishes), **wishes).equal


def test_nothing_is_as_good_as_no_rows_where_the_exercise_allows_it(
    answer_of: Callable[..., Answer], shelf: DataFrame
) -> None:
    wishes = {"given": {"landing": SHELF}, "made": {"target": {"optional": True}}}
    none = answer_of(lambda spark, landing, target: None, **wishes)
    no_rows = answer_of(flat, table=shelf.limit(0), **wishes)
    some = answer_of(flat, table=shelf.limit(2), **wishes)
    assert no_rows.payload.frames["target"].rows == 0
    for one in (none, no_rows):
        for other in (none, no_rows):
            assert judged(one, other, **wishes).equal
    assert judged(some, none, **wishes).message == "`target` holds 2 rows; none are expected there."
    assert judged(none, some, **wishes).message.startswith("There is nothing at the path `target`")
    strict = {**wishes, "made": {"target": {}}}
    assert judged(none, no_rows, **strict).message.startswith("There is nothing at the path `target`")

    def only_a_folder(spark: SparkSession, landing: str, target: str) -> None:
        Path(target).mkdir()

    empty = answer_of(only_a_folder, **strict)
    assert judged(empty, no_rows, **strict).equal
    assert judged(empty, some, **strict).message == "The folder `target` holds no data files."


def test_a_delta_table_counts_by_its_rows_and_is_told_from_plain_parquet(answer_of: Callable[..., Answer]) -> None:
    def saved(format_: str) -> Callable[..., None]:
        def save(spark: SparkSession, landing: str, target: str) -> None:
            rows = spark.read.parquet(landing)
            for half in ("id < 12", "id >= 12"):
                rows.filter(half).write.format(format_).mode("append").save(target)

        return save

    for wanted, told in (
        ("delta", "holds parquet files; Delta is asked for"),
        ("parquet", "holds delta files; Parquet is"),
    ):
        wishes = {"given": {"landing": SHELF}, "made": {"target": {"format": wanted}}}
        expected = answer_of(saved(wanted), **wishes)
        assert expected.payload.frames["target"].rows == ROWS
        assert judged(expected, expected, **wishes).equal
        other = "parquet" if wanted == "delta" else "delta"
        assert told in judged(answer_of(saved(other), **wishes), expected, **wishes).message


def test_a_name_in_quotes_is_told_and_its_folder_goes_away(answer_of: Callable[..., Answer]) -> None:
    """`.parquet("target")` writes into the working folder: the learner is told, and nothing stays behind."""
    made: list[bool] = []
    wishes = {"given": {"landing": SHELF}, "made": {"target_of_test": {}}}

    def elsewhere(spark: SparkSession, landing: str, target_of_test: str) -> None:
        spark.read.parquet(landing).write.parquet("target_of_test")
        made.append(Path("target_of_test").is_dir())

    def right(spark: SparkSession, landing: str, target_of_test: str) -> None:
        spark.read.parquet(landing).write.parquet(target_of_test)

    found = answer_of(elsewhere, **wishes)
    assert "leave out the quotation marks" in judged(found, answer_of(right, **wishes), **wishes).message
    assert made == [True]
    assert not Path("target_of_test").exists()


def test_settings_and_folders_are_as_before_also_after_an_error_or_when_time_is_up(
    spark: SparkSession, outcome_of: Callable[..., Outcome]
) -> None:
    places: list[str] = []
    before = dict(spark.conf.getAll)
    views = [table.name for table in spark.catalog.listTables("global_temp")]
    wishes = {"given": {"landing": SHELF}, "made": {"target": {}}}

    def failing(spark: SparkSession, landing: str, target: str) -> None:
        places.append(landing)
        spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
        raise KeyError(landing)

    def endless(spark: SparkSession, landing: str, target: str) -> None:
        spark.sql("SET spark.sql.shuffle.partitions = 7")
        while True:
            spark.read.parquet(landing).count()

    assert outcome_of(failing, **wishes).status is Status.ERROR
    assert not Path(places[0]).exists()
    assert dict(spark.conf.getAll) == before
    assert outcome_of(endless, deadline=6.0, **wishes).status is Status.TIMEOUT
    for _ in range(100):
        if dict(spark.conf.getAll) == before:
            break
        spark.range(1).count()
    assert dict(spark.conf.getAll) == before
    assert [table.name for table in spark.catalog.listTables("global_temp")] == views


def test_a_stream_that_still_runs_is_told_and_stopped(spark: SparkSession, outcome_of: Callable[..., Outcome]) -> None:
    wishes = {"given": {"landing": SHELF}, "made": {"target": {}}}

    def started(spark: SparkSession, landing: str, target: str) -> None:
        stream = spark.readStream.schema("id BIGINT").parquet(landing)
        stream.writeStream.option("checkpointLocation", target + ".checkpoint").start(target)

    outcome = outcome_of(started, **wishes)
    assert (outcome.status, "awaitTermination" in outcome.message) == (Status.FAILED, True)
    assert spark.streams.active == []


def test_actions_are_counted_over_all_runs(outcome_of: Callable[..., Outcome]) -> None:
    wishes: dict[str, Any] = {"given": {"landing": SHELF}, "made": {"target": {}}}

    def counting(spark: SparkSession, landing: str, target: str) -> None:
        rows = spark.read.schema("id BIGINT").parquet(landing)
        rows.count()
        rows.write.mode("overwrite").parquet(target)

    outcome = outcome_of(counting, script=["feed rest", "run", "run"], actions={"at_most": 3}, **wishes)
    assert outcome.answer is not None
    assert outcome.answer.facts["actions"] == 4
    found = CHECK.judge(outcome.answer, outcome.answer, {"files": wishes, "actions": {"at_most": 3}})
    assert not found.equal
    assert found.right == ("The rows of `target` are right.",)


def linked(target: Path) -> None:
    (target / "part=1").mkdir(parents=True)
    (target / "part=1" / "a.parquet").symlink_to("/etc/passwd")


def linked_as_a_whole(target: Path) -> None:
    target.symlink_to("/etc")


def piped(target: Path) -> None:
    target.mkdir()
    os.mkfifo(target / "a.parquet")


def crowded(target: Path) -> None:
    target.mkdir()
    for number in range(layout.MAXIMUM_FILES + 5):
        (target / f"{number}.parquet").touch()


def deep(target: Path) -> None:
    (target / "/".join("abcdefghijkl") / "m").mkdir(parents=True)


def large(target: Path) -> None:
    target.mkdir()
    with (target / "a.parquet").open("wb") as file:
        file.truncate(layout.MAXIMUM_BYTES + 1)


def damaged(target: Path) -> None:
    target.mkdir()
    (target / "a.parquet").write_bytes(b"PAR1 and no more PAR1")


def oddly_named(target: Path) -> None:
    target.mkdir()
    Path(os.fsdecode(os.fsencode(target) + b"/part=\xff\xfe")).mkdir()
    (target / ("x" * 200 + "\n.parquet")).touch()
    (target / "_SUCCESS").touch()
    (target / ".hidden").touch()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (linked, "neither a file nor a folder"),
        (linked_as_a_whole, "neither a file nor a folder"),
        (piped, "neither a file nor a folder"),
        (crowded, "more files and folders than"),
        (deep, "more files and folders than"),
        (large, "too large"),
        (damaged, "cannot be read back as Parquet"),
        (oddly_named, "cannot be read back as Parquet"),
    ],
)
def test_hostile_folders_are_told_in_a_sentence(
    answer_of: Callable[..., Answer], make: Callable[[Path], None], told: str
) -> None:
    wishes = {"given": {"landing": SHELF}, "made": {"target": {"names": True}}}
    expected = answer_of(flat, **wishes)
    found = answer_of(lambda spark, landing, target: make(Path(target)), **wishes)
    assert told in judged(found, expected, **wishes).message


def test_odd_names_travel_as_text(tmp_path: Path) -> None:
    oddly_named(tmp_path / "target")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/target/\xff.parquet"))
    (tmp_path / "target" / ("x" * 200 + "\n.parquet")).rename(odd)
    found = look(tmp_path / "target")
    assert len(found.files) == 1
    assert layout.shown(next(iter(found.files))) == "?.parquet"
    assert len(layout.shown("y" * 900)) == layout.MAXIMUM_NAME


GOOD: dict[str, Any] = {"made": {"target": FolderState().__dict__}, "stays": {}, "value": [], "facts": {}}


@pytest.mark.parametrize(
    "spoilt",
    [
        "[]",
        "{}",
        "{" * 5_000,
        json.dumps({**GOOD, "made": {"target": {}}}),
        json.dumps({**GOOD, "made": {"target": {**FolderState().__dict__, "files": "1"}}}),
        json.dumps({**GOOD, "made": {"target": {**FolderState().__dict__, "names": [1]}}}),
        json.dumps({**GOOD, "made": {"target": {**FolderState().__dict__, "folders": ["a"] * 3_000}}}),
        json.dumps({**GOOD, "stays": {"landing": "all"}}),
        json.dumps({**GOOD, "value": [1, 2]}),
        json.dumps({**GOOD, "value": ["[" * 10]} | {"value": json.loads("[" * 60 + "]" * 60)}),
        json.dumps({**GOOD, "made": {str(number): 1 for number in range(5_000)}}),
        " " * 600_000,
    ],
)
def test_hostile_states_are_refused(spoilt: str, tmp_path: Path) -> None:
    (tmp_path / "files.json").write_text(spoilt)
    with pytest.raises(AnswerUnreadable, match=r"files\.json"):
        CHECK.load(tmp_path)


def test_hostile_answers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AnswerUnreadable, match=r"files\.json is missing"):
        CHECK.load(tmp_path)
    (tmp_path / "files.json").write_text(json.dumps(GOOD))
    assert CHECK.load(tmp_path).payload.made == {"target": FolderState()}
    (tmp_path / "target.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(AnswerUnreadable):
        CHECK.load(tmp_path)
    for number in range(9):
        (tmp_path / f"t{number}.parquet").touch()
    with pytest.raises(AnswerUnreadable, match="at most 8"):
        CHECK.load(tmp_path)


def test_an_answer_without_its_parts_is_no_answer(answer_of: Callable[..., Answer]) -> None:
    """What the sandbox leaves out is wrong, never right and never a fault of the grader."""
    wishes: dict[str, Any] = {
        "given": {"landing": {**SHELF, "stays": True}},
        "made": {"target": {"key": ["id"]}},
        "returns": True,
    }

    def counted(spark: SparkSession, landing: str, target: str) -> int:
        flat(spark, landing, target)
        return ROWS

    expected = answer_of(counted, **wishes)
    whole: FilesAnswer = expected.payload
    for part in (
        FilesAnswer({}, {}, {}),
        FilesAnswer(whole.frames, whole.made, {}, whole.value),
        FilesAnswer(whole.frames, {}, whole.stays, whole.value),
        FilesAnswer({}, whole.made, whole.stays, whole.value),
        FilesAnswer(whole.frames, whole.made, whole.stays),
    ):
        found = judged(Answer(part), expected, **wishes)
        assert not found.equal
        assert "could not be read" in found.message
    assert judged(expected, expected, **wishes).equal


def test_a_forged_condition_does_not_reach_a_sentence() -> None:
    forged = FolderState("unreadable", "the rows are 42")
    other = FolderState("format", "42")
    expected = Answer(
        FilesAnswer({"target": Frame({"type": "struct", "fields": []}, _no_columns())}, {"target": FolderState()}, {})
    )
    for state_ in (forged, other):
        found = judged(Answer(FilesAnswer({}, {"target": state_}, {})), expected, made={"target": {}})
        assert not found.equal
        assert "42" not in found.message


def _no_columns() -> Any:
    import pyarrow as pa

    return pa.table({})


def test_a_verdict_names_the_folder_and_keeps_examples(answer_of: Callable[..., Answer]) -> None:
    options = {"files": LAYOUT}
    spec = ExerciseSpec("9.9.9", "", "files", 2.0, "by_part", ("spark", "landing", "target"), options=options)
    expected = answer_of(by_part, **LAYOUT)
    passed = judging.verdict(spec, Outcome(Status.PASSED, expected), expected)
    assert (passed.status, passed.points) == (Status.PASSED, 2.0)
    failed = judging.verdict(spec, Outcome(Status.PASSED, answer_of(flat, **LAYOUT)), expected)
    assert (failed.status, failed.message) == (Status.FAILED, "`target` is partitioned by nothing, not by part.")
