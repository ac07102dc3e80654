"""The kind "delta": real tables, changed in right and wrong ways; hostile files; every complaint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from autograder.checks import KINDS, Answer, Judgement
from autograder.checks.delta import log
from autograder.checks.delta.answer import DeltaAnswer, TableState
from autograder.checks.delta.log import Commit
from autograder.checks.delta.scenario import Scenario
from autograder.compare import AnswerUnreadable, Frame
from autograder.models import ExerciseSpec, Status
from autograder.runtime import fixtures
from autograder.runtime.call import Outcome, call

CHECK = KINDS["delta"]
SHELF = "CREATE TABLE {shelf} USING delta PARTITIONED BY (part) AS SELECT id, id * 1.5D AS price, id % 3 AS part FROM range(0, 12, 1, 1)"


def outcome_of(function: Callable[..., Any], spark: SparkSession, deadline: float = 120.0, **delta: Any) -> Outcome:
    """What becomes of a function under `delta=` options; `spark` and plain arguments come from `inputs`."""
    options = {"delta": {key: value for key, value in delta.items() if key != "inputs"}}
    spec = ExerciseSpec("9.9.9", "", "delta", 1.0, options=options, deadline=deadline)
    inputs = {"spark": spark, **delta.get("inputs", {})}
    return call(spec, CHECK, function, inputs, fixtures.tables(CHECK.tables(options)))


def answer_of(function: Callable[..., Any], spark: SparkSession, **delta: Any) -> Answer:
    """The same for a function that is known to end well."""
    outcome = outcome_of(function, spark, **delta)
    assert outcome.status is Status.PASSED, outcome
    assert outcome.answer is not None
    return outcome.answer


def judge(actual: Answer, expected: Answer, **delta: Any) -> Judgement:
    """The judgement under `delta=` options."""
    return CHECK.judge(actual, expected, {"delta": {key: value for key, value in delta.items() if key != "inputs"}})


def cheaper(spark: SparkSession, shelf: str) -> None:
    spark.sql(f"UPDATE {shelf} SET price = price - 1 WHERE part = 1")


def cheaper_by_the_api(spark: SparkSession, shelf: str) -> None:
    DeltaTable.forName(spark, shelf).update(F.col("part") == 1, {"price": F.col("price") - 1})


def cheaper_by_a_copy(spark: SparkSession, shelf: str) -> None:
    changed = spark.table(shelf).withColumn(
        "price", F.when(F.col("part") == 1, F.col("price") - 1).otherwise(F.col("price"))
    )
    changed.write.format("delta").mode("overwrite").insertInto(shelf)


def cheaper_in_a_new_table(spark: SparkSession, shelf: str) -> None:
    rows = spark.table(shelf).withColumn("price", F.expr("price - IF(part = 1, 1, 0)")).toPandas()
    spark.sql(f"DROP TABLE {shelf}")
    spark.createDataFrame(rows).write.format("delta").partitionBy("part").saveAsTable(shelf)


IN_PLACE = {
    "tables": {
        "shelf": {
            "key": ["id"],
            "versions": [0],
            "operations": ["UPDATE", "MERGE"],
            "commits": {"at_most": 1},
            "kept_files": {"at_least": "reference"},
            "metrics": {"numUpdatedRows": {"at_least": "reference", "at_most": "reference"}},
            "reads": {"one part": {"where": "part = 1", "files": {"at_most": 1}}},
        }
    },
    "setup": [SHELF],
}


def test_a_change_in_place_passes_whichever_way_it_is_written(spark: SparkSession, tmp_path: Path) -> None:
    expected = answer_of(cheaper, spark, **IN_PLACE)
    state = expected.payload.tables["shelf"]
    assert (len(state.commits), state.commits[0].metrics["numUpdatedRows"], state.kept_files) == (1, 4, 2)
    assert (state.partitioned_by, state.reads) == (("part",), {"one part": 1})
    CHECK.save(expected, tmp_path / "answer")
    assert len(list((tmp_path / "answer").iterdir())) == 3
    loaded = CHECK.load(tmp_path / "answer")
    assert loaded.payload.tables == expected.payload.tables
    assert judge(answer_of(cheaper_by_the_api, spark, **IN_PLACE), loaded, **IN_PLACE).equal

    copied = judge(answer_of(cheaper_by_a_copy, spark, **IN_PLACE), loaded, **IN_PLACE)
    assert (
        "shows WRITE (mode Overwrite) where UPDATE or MERGE is asked for. You have replaced the whole table"
        in copied.message
    )
    assert copied.right == ("`shelf` has the right rows.", "Version 0 of `shelf` has the right rows.")
    anew = judge(answer_of(cheaper_in_a_new_table, spark, **IN_PLACE), loaded, **IN_PLACE)
    assert "Version 0 of `shelf`" in anew.message
    only_rows = {**IN_PLACE, "tables": {"shelf": {}}}
    again = judge(answer_of(cheaper_in_a_new_table, spark, **only_rows), loaded, **only_rows)
    assert "its history begins anew" in again.message
    nothing = judge(answer_of(lambda spark, shelf: None, spark, **IN_PLACE), loaded, **IN_PLACE)
    assert nothing.message.startswith("`shelf`: `price` is wrong in 4 of 12 rows")


def test_tables_by_path_and_by_name_are_told_apart_from_other_formats(spark: SparkSession) -> None:
    wishes = {"tables": {"here": {}, "there": {"as": "path"}}}

    def parquet(spark: SparkSession, here: str, there: str) -> None:
        spark.range(3).write.saveAsTable(here)
        spark.range(3).write.parquet(there)

    def right(spark: SparkSession, here: str, there: str) -> None:
        spark.range(3).write.format("delta").saveAsTable(here)
        spark.range(3).write.format("delta").save(there)

    expected = answer_of(right, spark, **wishes)
    assert judge(answer_of(right, spark, **wishes), expected, **wishes).equal
    made = answer_of(parquet, spark, **wishes)
    assert [state.problem for state in made.payload.tables.values()] == ["parquet", "parquet"]
    assert "`here` is a parquet table, not a Delta table" in judge(made, expected, **wishes).message
    none = answer_of(lambda spark, here, there: None, spark, **wishes)
    assert "There is no table of the name `here`" in judge(none, expected, **wishes).message


def test_a_name_that_was_taken_for_a_path_is_told_and_its_folder_goes_away(spark: SparkSession) -> None:
    made: list[Path] = []

    def saved(spark: SparkSession, shelf: str) -> None:
        spark.range(3).write.format("delta").save(shelf)
        made.extend(Path.cwd().glob(shelf))

    assert answer_of(saved, spark, tables={"shelf": {}}).payload.tables["shelf"].problem == "folder"
    assert len(made) == 1
    assert not made[0].exists()


def test_constraints_count_by_what_they_do(spark: SparkSession) -> None:
    wishes: dict[str, Any] = {
        "tables": {
            "shelf": {
                "accepts": {"a price of zero": "INSERT INTO {shelf} VALUES (1, 0.0D, 1)"},
                "refuses": {"a price below zero": "INSERT INTO {shelf} VALUES (1, -{least}D, 1)"},
            }
        },
        "setup": [SHELF],
        "inputs": {"least": 0.5},
    }

    def constrained(condition: str) -> Answer:
        return answer_of(
            lambda spark, least, shelf: spark.sql(f"ALTER TABLE {shelf} ADD CONSTRAINT c CHECK ({condition})"),
            spark,
            **wishes,
        )

    expected = constrained("price >= 0")
    assert dict(expected.payload.tables["shelf"].trials) == {
        "a price of zero": "accepted",
        "a price below zero": "refused",
    }
    assert judge(constrained("NOT price < 0"), expected, **wishes).equal
    strict, loose = constrained("price > 0 OR part = 0"), constrained("price > -1")
    assert "`shelf` refuses a price of zero, which it must accept" in judge(strict, expected, **wishes).message
    assert "`shelf` accepts a price below zero, which it must refuse" in judge(loose, expected, **wishes).message


def test_commit_times_are_those_of_the_exercise(spark: SparkSession) -> None:
    wishes = {
        "tables": {"shelf": {}},
        "setup": [SHELF, "DELETE FROM {shelf} WHERE id > 5"],
        "times": ["2025-03-01 08:00:00", "2025-03-02 08:00:00"],
        "returns": True,
    }

    def first_day(spark: SparkSession, shelf: str) -> Any:
        return spark.read.option("timestampAsOf", "2025-03-01 20:00:00").table(shelf)

    expected = answer_of(first_day, spark, **wishes)
    assert expected.payload.frames["returned"].rows == 12
    assert expected.payload.frames["shelf"].rows == 6
    now = answer_of(lambda spark, shelf: spark.table(shelf), spark, **wishes)
    assert judge(now, expected, **wishes).message.startswith("What your function returns: ")
    nothing = outcome_of(lambda spark, shelf: None, spark, **wishes)
    assert (nothing.status, "must return a DataFrame" in nothing.message) == (Status.FAILED, True)


def test_nothing_is_left_behind_also_not_by_a_function_that_fails_or_never_ends(spark: SparkSession) -> None:
    def state() -> tuple[Any, ...]:
        catalog = spark.catalog
        return (
            sorted(item.name for item in catalog.listDatabases()),
            sorted(item.name for item in catalog.listTables("global_temp")),
            catalog.currentDatabase(),
            dict(spark.conf.getAll),
        )

    before = state()
    places: list[str] = []

    def failing(spark: SparkSession, shelf: str) -> None:
        places.append(spark.sql(f"DESCRIBE DETAIL {shelf}").first().location)
        spark.sql(f"USE {shelf.partition('.')[0]}")
        raise KeyError(shelf)

    def endless(spark: SparkSession, shelf: str) -> None:
        while True:
            spark.table(shelf).count()

    wishes = {
        "tables": {"shelf": {}},
        "uses": ["stores"],
        "setup": ["CREATE TABLE {shelf} USING delta AS SELECT * FROM stores"],
    }
    assert outcome_of(failing, spark, **wishes).status is Status.ERROR
    assert state() == before
    assert not Path(places[0].removeprefix("file:")).exists()
    assert outcome_of(endless, spark, deadline=8.0, **wishes).status is Status.TIMEOUT
    for _ in range(100):
        if state() == before:
            break
        spark.range(1).count()
    assert state() == before


def state_of(**changes: Any) -> Answer:
    """An answer without rows, whose one table was changed by one UPDATE, except for `changes`."""
    commit = Commit(1, "UPDATE", "", {"numUpdatedRows": 4, "numCopiedRows": 3})
    usual: dict[str, Any] = {"commits": (commit,), "files": 3, "kept_files": 2, "partitioned_by": ("part",)}
    return Answer(DeltaAnswer({}, {"shelf": TableState(**{**usual, **changes})}))


@pytest.mark.parametrize(
    ("wish", "changes", "told"),
    [
        ({"operations": ["UPDATE"]}, {"commits": (Commit(1, "secret 42", "secret", {}),)}, "shows an unknown operation where"),
        ({"operations": ["UPDATE"]}, {"commits": (Commit(1, "MERGE", "", {}),)}, "history shows MERGE where UPDATE is asked for."),
        ({"commits": {"at_most": 1}}, {"commits": (Commit(1, "DELETE", "", {}), Commit(2, "WRITE", "Append", {}))},
         "made 2 commits to `shelf` (DELETE, WRITE); 1 would be enough. Between"),
        ({"commits": {"at_least": 1}}, {"commits": ()}, "made 0 commits to `shelf` (none); at least 1"),
        ({"partitioned_by": ["part"]}, {"partitioned_by": ()}, "partitioned by nothing, not by part"),
        ({"partitioned_by": ["part"]}, {"partitioned_by": ("day", "part")}, "partitioned by day, part, not by part"),
        ({"kept_files": {"at_least": "reference"}}, {"kept_files": 0}, "0 are still in use; at least 2"),
        ({"files": {"at_most": 3}}, {"files": 9}, "lie in 9 files; 3 would be enough"),
        ({"metrics": {"numUpdatedRows": {"at_most": 5}}}, {"commits": (Commit(1, "UPDATE", "", {"numUpdatedRows": 12}),)},
         "`numUpdatedRows` = 12; 5 would be enough"),
        ({"metrics": {"numCopiedRows": {"at_most": 5}}}, {"commits": (Commit(1, "MERGE", "", {}),)},
         "No commit of your function to `shelf` has the metric"),
        ({"reads": {"Spain": {"where": "c = 1", "files": {"at_most": 1}}}}, {"reads": {"Spain": 4}}, "for Spain reads 4 files; 1 would"),
        ({"reads": {"Spain": {"where": "c = 1", "files": {"at_most": 1}}}}, {}, "could not be read"),
        ({"properties": {"delta.appendOnly": "true"}}, {}, "has no property `delta.appendOnly` = `true`"),
        ({"properties": {"delta.appendOnly": "true"}}, {"properties": {"delta.appendOnly": "42"}}, "another value than"),
        ({"refuses": {"a bad row": ""}}, {"trials": {"a bad row": "PARSE_SYNTAX_ERROR"}}, "could not be tried (PARSE_SYNTAX_ERROR)."),
        ({"refuses": {"a bad row": ""}}, {"trials": {"a bad row": "secret: 42"}}, "a bad row could not be tried."),
        ({"refuses": {"a bad row": ""}}, {}, "a bad row could not be tried."),
        ({}, {"continues": False}, "its history begins anew"),
    ],
)  # fmt: skip
def test_each_condition_has_its_complaint(wish: dict[str, Any], changes: dict[str, Any], told: str) -> None:
    options = {"tables": {"shelf": {"content": False, **wish}}}
    reference = state_of(reads={"Spain": 1}, trials={"a bad row": "refused"}, properties={"delta.appendOnly": "TRUE"})
    assert judge(reference, reference, **options).equal
    found = judge(state_of(**changes), reference, **options)
    assert not found.equal
    assert told in found.message
    assert "42" not in found.message


def test_rows_that_a_table_lacks_are_not_blamed_on_a_join() -> None:
    def holding(*numbers: int) -> Answer:
        rows = Frame.from_arrow(pa.table({"id": pa.array(numbers, pa.int64())}))
        return Answer(DeltaAnswer({"shelf": rows}, state_of().payload.tables))

    found = judge(holding(1, 2), holding(1, 2, 3), tables={"shelf": {"key": ["id"]}})
    assert not found.equal
    assert "1 row is missing" in found.message
    assert "version that you start from" in found.hint


@pytest.mark.parametrize(
    "spoilt",
    [
        "[]",
        "{}",
        "{" * 5_000,
        '{"tables": {"shelf": {}}, "facts": {}}',
        '{"tables": [], "facts": {}}',
        json.dumps({"tables": {"shelf": {**TableState().__dict__, "commits": [{"version": 1}]}}, "facts": {}}),
        json.dumps({"tables": {"shelf": {**TableState().__dict__, "files": "1"}}, "facts": {}}),
        json.dumps({"tables": {"shelf": {**TableState().__dict__, "trials": {"a": [1]}}}, "facts": {}}),
        json.dumps({"tables": {str(number): 1 for number in range(5_000)}, "facts": {}}),
        " " * 600_000,
    ],
)
def test_hostile_states_are_refused(spoilt: str, tmp_path: Path) -> None:
    (tmp_path / "delta.json").write_text(spoilt)
    with pytest.raises(AnswerUnreadable, match=r"delta\.json"):
        CHECK.load(tmp_path)


def test_hostile_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AnswerUnreadable, match=r"delta\.json is missing"):
        CHECK.load(tmp_path)
    (tmp_path / "delta.json").write_text('{"tables": {}, "facts": {}}')
    (tmp_path / "shelf.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(AnswerUnreadable):
        CHECK.load(tmp_path)
    for number in range(9):
        (tmp_path / f"shelf.v{number}.parquet").touch()
    with pytest.raises(AnswerUnreadable, match="at most 8"):
        CHECK.load(tmp_path)


def test_an_answer_without_the_rows_is_no_answer() -> None:
    options = {"tables": {"shelf": {"versions": [0]}}, "returns": True}
    empty = state_of()
    assert judge(empty, empty, **options).message == "What your function returned could not be read."
    missing = Answer(DeltaAnswer({}, {}))
    assert "could not be read" in judge(missing, empty, tables={"shelf": {"content": False}}).message


@pytest.mark.parametrize(
    ("delta", "told"),
    [
        ({}, "at least one table"),
        ({"tables": {"shelf": {}}, "set_up": []}, "unknown set_up"),
        ({"tables": {"spark": {}}}, "cannot be the name"),
        ({"tables": {"shelf": {"operation": []}}}, "unknown operation; known are"),
        ({"tables": {"shelf": {"as": "table"}}}, '"as" is "name" or "path"'),
        ({"tables": {"shelf": {"commits": 1}}}, "a bound is"),
        ({"tables": {"shelf": {"commits": {"at_most": "two"}}}}, "a bound is"),
        ({"tables": {"shelf": {"reads": {"x": {"where": "a"}}}}}, "say {"),
        ({"tables": {"shelf": {"versions": list(range(9))}}}, "at most 8"),
    ],
)
def test_authors_are_told_what_is_wrong_with_their_options(delta: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r"delta=") as raised:
        Scenario.of({"delta": delta})
    assert told in str(raised.value)


def test_an_unknown_name_in_a_statement_is_the_authors_mistake(spark: SparkSession) -> None:
    outcome = outcome_of(cheaper, spark, tables={"shelf": {}}, setup=["CREATE TABLE {shlf} (id INT) USING delta"])
    assert "{shlf} is neither a table nor a plain argument" in outcome.message


def test_a_file_whose_deletion_vector_changes_stays_part_of_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "_delta_log"
    folder.mkdir()
    (folder / f"{0:020}.json").write_text('{"add": {"path": "a"}}\n{"add": {"path": "b"}}\n')
    (folder / f"{1:020}.json").write_text(
        '{"add": {"path": "a"}}\n{"remove": {"path": "a"}}\n{"remove": {"path": "b"}}\n'
    )
    (folder / "_last_checkpoint.json").write_text("{")
    assert log.read(tmp_path).files == frozenset("a")
