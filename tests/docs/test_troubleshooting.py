"""The programs of docs/troubleshooting.md show the signs that the guide promises, and the cures cure."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from autograder import manifest, paths
from autograder.services import postgres

GUIDE = paths.ROOT / "docs" / "troubleshooting.md"
PROGRAM = re.compile(
    r"<!-- (?P<verb>prints|fails)(?P<alone> in a process of its own)?: (?P<sign>.+?) -->\n```python\n(?P<text>.+?)```",
    re.DOTALL,
)


@dataclass(frozen=True)
class Program:
    """A program of the guide: whether it `fails`, runs `alone` in a process, and what its output or error must say."""

    entry: str
    fails: bool
    alone: bool
    sign: str
    text: str


def programs() -> Iterator[Program]:
    """All programs of the guide, in order."""
    for entry in re.split(r"^## ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        for found in PROGRAM.finditer(entry):
            yield Program(
                entry.splitlines()[0], found["verb"] == "fails", bool(found["alone"]), found["sign"], found["text"]
            )


def named(program: Program) -> str:
    return f"{program.entry[0]}-{program.sign}"


@pytest.fixture(scope="module")
def jdbc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real server, and the options with which Spark reaches it."""
    with postgres.server() as database:
        yield dict(database.jdbc)


@pytest.fixture
def settings(spark: SparkSession) -> Iterator[None]:
    """Puts back what a program sets in the session that it shares with other tests."""
    names = ("spark.sql.shuffle.partitions", "spark.sql.adaptive.enabled")
    before = {name: str(spark.conf.get(name)) for name in names}
    yield
    for name, value in before.items():
        spark.conf.set(name, value)


@pytest.mark.parametrize("program", [program for program in programs() if program.alone], ids=named)
def test_a_program_that_needs_a_spark_of_its_own(program: Program, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_CONF_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", program.text],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environment, "SPARK_LOCAL_IP": "127.0.0.1"},
        timeout=300,
        check=False,
    )
    assert (done.returncode != 0) == program.fails, done.stderr[-2000:]
    assert program.sign in (done.stderr if program.fails else done.stdout)


@pytest.mark.parametrize("program", [program for program in programs() if not program.alone], ids=named)
def test_a_program_in_a_running_session(
    program: Program, spark: SparkSession, settings: None, request: pytest.FixtureRequest
) -> None:
    names: dict[str, Any] = {}
    if "jdbc" in program.text:
        if "postgresql" not in spark.conf.get("spark.jars", ""):
            pytest.skip("this session was started without PostgreSQL's driver")
        names["jdbc"] = request.getfixturevalue("jdbc")
    printed = io.StringIO()
    code = compile(program.text, str(GUIDE), "exec")
    with contextlib.redirect_stdout(printed):
        if program.fails:
            with pytest.raises(Exception, match=re.escape(program.sign)):
                exec(code, names)
        else:
            exec(code, names)
    if not program.fails:
        lines = printed.getvalue().splitlines()
        assert program.sign in printed.getvalue() if len(lines) > 3 else program.sign in lines, printed.getvalue()


def test_every_entry_reproduces_its_error_and_cures_it() -> None:
    by_entry: dict[str, int] = {}
    for program in programs():
        by_entry[program.entry] = by_entry.get(program.entry, 0) + 1
    assert [entry[:2] for entry in by_entry] == ["1.", "2.", "3.", "4.", "5."]
    assert min(by_entry.values()) >= 2


def test_exercises_that_the_guide_names_exist() -> None:
    exercises = {exercise.id for notebook in manifest.notebooks() for exercise in notebook.exercises}
    named_there = set(re.findall(r"\b\d\.\d\.\d+\b", GUIDE.read_text(encoding="utf-8"))) - {"127.0.0"}
    assert {name for name in named_there if not name.startswith("0.0.")} <= exercises
