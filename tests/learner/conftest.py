"""A course of one small notebook, built as authors build, and copies of it to work in as learners do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pexpect
import pytest

from tests.sharing import made_once

SOURCE = '''\
# %% [markdown]
# # 1.1 Numbers
#
# **Time:** 10 minutes

# %%
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autograder import check, hint

LIMIT = 5

# %% [markdown]
# Double.

# %% answer="1.1.1" title="Double it"
def doubled(number: int) -> int:
    """Twice the number."""
    ### BEGIN SOLUTION
    return number * 2
    ### END SOLUTION

# %% check="1.1.1" points=1
check("1.1.1", doubled, arguments={"number": 21})

# %% [markdown] hints="1.1.1"
# 1. Multiply.
# 2. By `2`.

# %% answer="1.1.2" title="A column of squares"
def squares(spark: SparkSession) -> DataFrame:
    """(id BIGINT, square BIGINT) for 0 to LIMIT - 1."""
    ### BEGIN SOLUTION
    return spark.range(LIMIT).withColumn("square", F.col("id") * F.col("id"))
    ### END SOLUTION

# %% check="1.1.2" points=2
check("1.1.2", squares)

# %% answer="1.1.3" title="Shout"
def shouted(text: str) -> str:
    """The text in capitals."""
    ### BEGIN SOLUTION
    return text.upper()
    ### END SOLUTION

# %% check="1.1.3" points=3
check("1.1.3", shouted, arguments={"text": "spark"}, deadline=4)

# %% [markdown] written="1.1.4" points=4 title="Why"
# Why?
#
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION
'''

REPOSITORY = Path(__file__).resolve().parents[2]
NUMBER = "01_numbers/1.1_numbers"

RIGHT = {
    "1.1.1": "def doubled(number):\n    return number * 2",
    "1.1.2": 'def squares(spark):\n    return spark.range(LIMIT).withColumn("square", F.col("id") * F.col("id"))',
    "1.1.3": "def shouted(text):\n    return text.upper()",
}


AS_RELEASED = """
import sys
sys.modules["autograder.authoring"] = sys.modules["autograder.grading"] = None
from autograder.cli import main
main()
"""
"""Learners do not have these two packages."""

AS_LEARNERS = (sys.executable, "-c", AS_RELEASED)
AS_AUTHORS = (sys.executable, "-m", "autograder.cli")


@dataclass
class Course:
    """A learner's copy: `root` with modules/ and autograder/, driven by the real `course` command."""

    root: Path
    number: str = NUMBER
    command: tuple[str, ...] = AS_LEARNERS

    @property
    def notebook(self) -> Path:
        """The learner's file."""
        return self.root / "modules" / f"{self.number}.ipynb"

    @property
    def state(self) -> Path:
        """Progress and backups."""
        return self.root / ".course"

    @property
    def environment(self) -> dict[str, str]:
        """What the command is started with."""
        dropped = ("SPARK_CONF_DIR", "FORCE_COLOR", "COLUMNS")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return kept | {"COURSE_ROOT": str(self.root), "COURSE_STATE": str(self.state), "NO_COLOR": "1", "COLUMNS": "80"}

    def run(self, *arguments: str, stdin: str = "", limit: float = 280) -> subprocess.CompletedProcess[str]:
        """Run `course ...` and wait."""
        return subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=limit,
            check=False,
        )

    def watch(self, *arguments: str, limit: float = 120) -> pexpect.spawn:
        """Start `course watch` in a terminal of 80 columns."""
        options = {"env": self.environment, "encoding": "utf-8", "dimensions": (40, 80), "timeout": limit}
        return pexpect.spawn(self.command[0], [*self.command[1:], "watch", *arguments], **options)

    def progress(self) -> dict[str, dict[str, Any]]:
        """What was remembered."""
        path = self.state / "progress.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def answer(self, **sources: str) -> None:
        """Write answers, as in `answer(answer_1_1_1="def ...")`; any cell can be named by its id."""
        edited = nbformat.read(self.notebook, as_version=4)
        for cell in edited.cells:
            if cell.id.replace("-", "_") in sources:
                cell.source = sources.pop(cell.id.replace("-", "_"))
        assert not sources, f"no such cell: {sources}"
        nbformat.write(edited, self.notebook)

    def solve(self, *exercises: str) -> None:
        """Write right answers."""
        self.answer(**{"answer_" + exercise.replace(".", "_"): RIGHT[exercise] for exercise in exercises})

    def add_cell(self, position: int, source: str) -> None:
        """Insert a cell of the learner's own."""
        edited = nbformat.read(self.notebook, as_version=4)
        edited.cells.insert(position, nbformat.v4.new_code_cell(source))
        nbformat.write(edited, self.notebook)


@pytest.fixture(scope="session")
def built_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An author's repository of one notebook, built by `course build`."""

    def make(root: Path) -> None:
        source = root / "solutions" / f"{NUMBER}.py"
        source.parent.mkdir(parents=True)
        source.write_text(SOURCE, encoding="utf-8")
        shutil.copy(REPOSITORY / "jars.lock", root)
        done = Course(root, command=AS_AUTHORS).run("build")
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(tmp_path_factory, "author", make)


@pytest.fixture
def course(built_course: Path, tmp_path: Path) -> Course:
    """A learners' release of it: no solutions, the released notebooks under autograder/pristine."""
    return release(built_course, tmp_path / "course")


@pytest.fixture(scope="module")
def new_course(built_course: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Course]:
    """Makes releases that several tests share."""
    return lambda: release(built_course, tmp_path_factory.mktemp("learner") / "course")


def release(author: Path, target: Path) -> Course:
    """Copy what learners get."""
    shutil.copytree(author / "modules", target / "modules")
    shutil.copytree(author / "modules", target / "autograder" / "pristine")
    shutil.copytree(author / "autograder" / "references", target / "autograder" / "references")
    shutil.copy(author / "autograder" / "manifest.json", target / "autograder" / "manifest.json")
    shutil.copy(author / "jars.lock", target)
    return Course(target)


@dataclass
class RealCourse(Course):
    """Notebook 1.1 of this repository, with the answers of its solution twin at hand."""

    def twin_answers(self) -> dict[str, str]:
        """Answer cell id → the solution's source, automatically graded exercises only."""
        twin = nbformat.read(REPOSITORY / "solutions" / f"{self.number}.ipynb", as_version=4)
        answers = [cell for cell in twin.cells if cell.cell_type == "code" and cell.id.startswith("answer_")]
        return {cell.id: cell.source for cell in answers}


@pytest.fixture
def real_course(tmp_path: Path) -> RealCourse:
    """A copy of the course as it is in this repository; modules/ holds notebook 1.1 only."""
    name = next((REPOSITORY / "modules").glob("*/1.1_*.ipynb")).relative_to(REPOSITORY / "modules").with_suffix("")
    root = tmp_path / "course"
    shutil.copytree(REPOSITORY / "autograder" / "references", root / "autograder" / "references")
    shutil.copy(REPOSITORY / "autograder" / "manifest.json", root / "autograder")
    shutil.copy(REPOSITORY / "jars.lock", root)
    for folder in ("modules", "autograder/pristine"):
        (root / folder / name.parent).mkdir(parents=True)
        shutil.copy(REPOSITORY / "modules" / f"{name}.ipynb", root / folder / f"{name}.ipynb")
    return RealCourse(root, number=name.as_posix())
