"""The rendered Spark configuration: what is in it, when it changes, and that a real session with it stays quiet."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from autograder.paths import ROOT, STATE
from autograder.setup.spark_configuration import (
    SparkSettings,
    configuration_folder,
    present_jars,
    render,
    settings_from_environment,
    write_configuration,
)
from tests.setup.conftest import Run

SESSION = """
import autograder, json, os
from pyspark.sql import SparkSession, Window, functions as F
session = SparkSession.builder.getOrCreate()
numbers = session.range(2000).withColumn("bucket", F.col("id") % 7)
ranked = numbers.withColumn("rank", F.row_number().over(Window.orderBy("id"))).agg(F.sum("rank")).first()[0]
numbers.write.format("delta").save(os.environ["TABLE"])
numbers.limit(500).write.format("delta").mode("append").save(os.environ["TABLE"])
try:
    session.sql("SELECT 1 / 0").collect()
    divided = "no error"
except Exception as error:
    divided = error.getCondition()
table = session.read.format("delta").load(os.environ["TABLE"])
print(json.dumps({
    "ranked": ranked,
    "rows": table.count(),
    "parameter": session.sql("SELECT :number + 1", args={"number": 41}).first()[0],
    "divided": divided,
    "partitions": [session.sparkContext.defaultParallelism, session.conf.get("spark.sql.shuffle.partitions")],
    "zone": session.conf.get("spark.sql.session.timeZone"),
    "driver": session.sparkContext.getConf().get("spark.driver.host"),
    "ui": session.sparkContext.uiWebUrl,
    "heap": session._jvm.java.lang.Runtime.getRuntime().maxMemory() >> 20,
}))
"""


def settings(**changes: object) -> SparkSettings:
    return SparkSettings(warehouse=Path("/w"), state=Path("/s"), **changes)  # type: ignore[arg-type]


def defaults(of: SparkSettings) -> dict[str, str]:
    lines = render(of)["spark-defaults.conf"].splitlines()
    return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))  # type: ignore[misc]


@pytest.fixture(scope="module")
def quiet_session(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], str]:
    """What a real session of the binder profile answered, and everything that came out on standard error."""
    import subprocess

    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}
    environment |= {"COURSE_PROFILE": "binder", "TABLE": str(tmp_path_factory.mktemp("delta") / "numbers")}
    answer = subprocess.run(
        [sys.executable, "-c", SESSION],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1]), answer.stderr


def test_a_session_with_warnings_and_errors_writes_nothing_to_standard_error(
    quiet_session: tuple[dict[str, object], str],
) -> None:
    answer, errors = quiet_session
    assert answer["divided"] == "DIVIDE_BY_ZERO"
    assert answer["ranked"] == 2000 * 2001 // 2
    assert errors == ""


def test_delta_and_parameters_work_without_any_builder_option(quiet_session: tuple[dict[str, object], str]) -> None:
    answer, _ = quiet_session
    assert answer["rows"] == 2500
    assert answer["parameter"] == 42


def test_the_session_is_small_local_and_in_utc(quiet_session: tuple[dict[str, object], str]) -> None:
    answer, _ = quiet_session
    assert answer["partitions"] == [2, "2"]
    assert answer["zone"] == "UTC"
    assert answer["driver"] == "127.0.0.1"
    assert answer["ui"] is None
    assert 700 < int(str(answer["heap"])) <= 768


def test_without_the_jars_delta_is_left_out() -> None:
    without, jars = defaults(settings()), defaults(settings(jars=(Path("/s/a.jar"), Path("/s/b.jar"))))
    assert "spark.sql.extensions" not in without
    assert jars["spark.jars"] == "/s/a.jar,/s/b.jar"
    assert jars["spark.sql.extensions"] == "io.delta.sql.DeltaSparkSessionExtension"


def test_half_a_set_of_jars_counts_as_none(tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    whole = present_jars(ROOT, STATE)
    assert len(whole) == 8
    for jar in whole:
        (jars / jar.name).symlink_to(jar)
    assert len(present_jars(ROOT, tmp_path)) == 8
    (jars / whole[3].name).unlink()
    (jars / whole[3].name).write_bytes(whole[3].read_bytes()[:-1])
    assert present_jars(ROOT, tmp_path) == ()


def test_only_a_local_master_is_bound_to_the_loopback() -> None:
    assert defaults(settings())["spark.driver.bindAddress"] == "127.0.0.1"
    assert "spark.driver.bindAddress" not in defaults(settings(master="spark://cluster:7077"))
    assert "SPARK_LOCAL_IP" in render(settings())["spark-env.sh"]
    assert "SPARK_LOCAL_IP" not in render(settings(master="spark://cluster:7077"))["spark-env.sh"]


def test_the_environment_chooses_profile_master_and_pages() -> None:
    chosen = settings_from_environment(
        ROOT,
        STATE,
        {"COURSE_PROFILE": "binder", "COURSE_SPARK_MASTER": "spark://127.0.0.1:7077", "COURSE_SPARK_UI": "true"},
    )
    assert (chosen.driver_memory, chosen.master, chosen.ui) == ("768m", "spark://127.0.0.1:7077", True)
    plain = settings_from_environment(ROOT, STATE, {})
    assert (plain.driver_memory, plain.master, plain.ui) == ("1g", "local[2]", False)
    with pytest.raises(ValueError, match="'phone'; set it to one of: laptop, binder"):
        settings_from_environment(ROOT, STATE, {"COURSE_PROFILE": "phone"})


def test_different_settings_do_not_share_a_folder() -> None:
    folders = {configuration_folder(settings(master=master)) for master in ("local[2]", "local[4]", "spark://a:7077")}
    assert len(folders) == 3
    assert configuration_folder(settings()) == Path("/s/spark-conf")


def test_rendering_again_touches_nothing_and_a_damaged_file_is_mended(tmp_path: Path) -> None:
    assert write_configuration(tmp_path, settings())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert sorted(path.name for path in before) == ["log4j2.properties", "spark-defaults.conf", "spark-env.sh"]
    assert not write_configuration(tmp_path, settings())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    (tmp_path / "log4j2.properties").write_text("half a fi")
    assert write_configuration(tmp_path, settings())
    assert (tmp_path / "log4j2.properties").read_text() == render(settings())["log4j2.properties"]


SHOW = "import autograder, os; print(os.environ['SPARK_CONF_DIR'], os.environ['PYSPARK_PYTHON'], sep='\\n')"


def test_a_configuration_of_the_users_own_is_respected(run: Run, tmp_path: Path) -> None:
    answer = run(sys.executable, "-c", SHOW, environment={"SPARK_CONF_DIR": str(tmp_path), "PYSPARK_PYTHON": "mine"})
    assert answer.stdout.splitlines() == [str(tmp_path), "mine"]
    assert list(tmp_path.iterdir()) == []


def test_workers_are_this_python_unless_the_user_says_otherwise(run: Run, tmp_path: Path) -> None:
    environment = {"SPARK_CONF_DIR": "", "PYSPARK_PYTHON": sys.executable, "COURSE_STATE": str(tmp_path)}
    assert run(sys.executable, "-c", SHOW, environment=environment).stdout.splitlines() == [
        str(tmp_path / "spark-conf"),
        sys.executable,
    ]


def test_the_pandas_api_is_imported_without_a_warning(run: Run, tmp_path: Path) -> None:
    environment = {"SPARK_CONF_DIR": "", "COURSE_STATE": str(tmp_path), "PYARROW_IGNORE_TIMEZONE": ""}
    code = "import os; os.environ.pop('PYARROW_IGNORE_TIMEZONE'); import autograder, pyspark.pandas"
    answer = run(sys.executable, "-W", "error::UserWarning", "-c", code, environment=environment)
    assert answer.stderr == ""


def test_on_a_read_only_disk_spark_still_gets_a_configuration(
    own_mounts: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    code = SHOW + "; print(sorted(os.listdir(os.environ['SPARK_CONF_DIR'])))"
    script = f'mount -t tmpfs -o ro tmpfs {tmp_path} && "$0" -c "$1"'
    environment = {"SPARK_CONF_DIR": "", "COURSE_STATE": str(tmp_path)}
    answer = run(*own_mounts, "sh", "-c", script, sys.executable, code, environment=environment)
    folder, _, files = answer.stdout.splitlines()
    assert files == "['log4j2.properties', 'spark-defaults.conf', 'spark-env.sh']"
    assert not Path(folder).exists(), "the temporary folder outlived its process"
    assert answer.stderr == ""
