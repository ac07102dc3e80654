"""`course report` and `course gradebook` as people run them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder import manifest
from autograder.cli import main

pytestmark = pytest.mark.sandbox

ASSIGNMENT = manifest.notebook("1.1").assignment


def course(*arguments: object) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_a_report_needs_no_spark_and_leaves_the_results_alone(graded: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in graded.rglob("*") if path.is_file()}
    program = (
        "import sys; from autograder.cli import main; main(sys.argv[1:], standalone_mode=False);"
        " print([name for name in ('pyspark', 'pandas', 'pyarrow', 'plotly', 'nbgrader') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, "report", str(graded), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "[]", "slow packages that a report has no use for"
    assert {path: path.read_bytes() for path in graded.rglob("*") if path.is_file()} == before
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "class.html", "feedback", "gradescope", "grades.csv", "exercises.csv", "canvas.csv", "moodle.csv",
    }  # fmt: skip


def test_a_second_report_is_the_same(graded: Path, tmp_path: Path) -> None:
    contents = []
    for _ in range(2):
        assert course("report", graded, "--out", tmp_path / "out")[0] == 0
        contents.append({path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()})
    assert contents[0] == contents[1]


def test_what_is_missing_is_said(graded: Path, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("learner,email\nada,ada@example.org\ngus,gus@example.org\n")
    (tmp_path / "results").mkdir()
    shutil.copytree(graded, tmp_path / "results", dirs_exist_ok=True)
    (tmp_path / "results" / "ben" / f"{ASSIGNMENT}.json").write_text("{")
    code, said = course("report", tmp_path / "results", "--out", tmp_path / "out", "--roster", tmp_path / "roster.csv")
    assert code == 0
    assert f"1 results could not be read and are left out: ben/{ASSIGNMENT}.json" in said
    assert "2 learners are not in the roster; see roster_check.csv: <i>eve & co, =cmd()" in said
    assert "1 of the roster have no submission: gus" in said
    assert "Written answers do not count in these marks." in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gradebook", "none.db"], "There is no gradebook none.db."),
        (["--roster", "none.csv"], "The roster none.csv cannot be read"),
        (["--canvas-id", "1234"], "--canvas-id is written as ASSIGNMENT=VALUE"),
        (["--canvas-id", "09_none=1"], f"There are no results of 09_none; there are: {ASSIGNMENT}."),
        (["--moodle-worksheet", f"{ASSIGNMENT}=none.csv"], "The worksheet none.csv cannot be read"),
    ],
)
def test_bad_input_gets_a_sentence(options: list[str], message: str, graded: Path, tmp_path: Path) -> None:
    code, said = course("report", graded, "--out", tmp_path / "out", *options)
    assert code == 1
    assert message in said
    assert "Traceback" not in said


def test_a_folder_without_results_says_how_to_get_some(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "none"):
        code, said = course("report", folder, "--out", tmp_path / "out")
        assert code == 1
        assert "Grade first: course grade SUBMITTED_DIR" in said
    assert not (tmp_path / "out").exists()


def test_the_folder_of_the_results_is_no_place_for_a_report(graded: Path) -> None:
    for out in (graded, graded / "report"):
        code, said = course("report", graded, "--out", out)
        assert code == 1
        assert "Name another folder for the report" in said
    assert not (graded / "report").exists()


def test_the_gradebook_is_brought_up_to_date_and_then_read(graded: Path, empty_gradebook: Path, tmp_path: Path) -> None:
    gradebook = Path(shutil.copy(empty_gradebook, tmp_path / "gradebook.db"))
    code, said = course("gradebook", graded, "--gradebook", gradebook)
    assert code == 0
    assert "scores of 4 submissions written" in said
    assert str(next(tmp_path.glob("gradebook.backup-*.db"))) in said
    assert "has these scores already." in course("gradebook", graded, "--gradebook", gradebook)[1]
    code, said = course("report", graded, "--out", tmp_path / "out", "--gradebook", gradebook)
    assert code == 0
    assert "written answers wait for a mark; they count as 0 so far." in said
