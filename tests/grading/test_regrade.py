"""After a change of the course exactly the exercises that it concerns are graded again; after none, nothing is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from autograder.commands.grade import command, time_left
from autograder.grading.batch import affordable_workers, exercises_named
from autograder.manifest import UnknownExercise
from tests.grading.small_course import ASSIGNMENT, FULL, SmallCourse, make_course, solutions

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(900)]

FORGETS_TABS = """
def tidy_names(raw_customers: DataFrame) -> DataFrame:
    one_blank = F.regexp_replace(F.trim("name"), r"\\s+", " ")
    return raw_customers.select(
        "customer_id", F.initcap(one_blank).alias("name"), F.lower(F.trim("email")).alias("email")
    )
"""


@dataclass(frozen=True)
class Step:
    """What the command said, and the results after it by learner."""

    said: str
    results: dict[str, dict[str, Any]]

    def exercise(self, learner: str, identifier: str) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in self.results[learner]["exercises"]}
        return found[identifier]

    def without_times(self, learner: str) -> dict[str, Any]:
        """The result without what may differ from run to run."""
        document = json.loads(json.dumps(self.results[learner]))
        for entry in (document, *document["exercises"]):
            for name in ("seconds", "graded_at", "digest", "course_digest", "peak_memory", "timing"):
                entry.pop(name, None)
        return document


@dataclass(frozen=True)
class History:
    """The same class after each change."""

    course: SmallCourse
    steps: dict[str, Step]
    previous: dict[str, list[Path]]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    course = make_course(tmp_path_factory.mktemp("regrade"))
    course.hand_in("ada", {**solutions(), "1.1.2": FORGETS_TABS})
    course.hand_in("bob", solutions())
    steps: dict[str, Step] = {}
    previous: dict[str, list[Path]] = {}

    def run(name: str, *options: str) -> None:
        time.sleep(1.1)  # times in results have whole seconds
        said = course.grade("--workers", "2", *options)
        steps[name] = Step(said, {learner: course.result(learner) for learner in ("ada", "bob")})
        previous[name] = sorted(course.results.glob("*/previous/*"))

    run("first")
    reword(course)
    run("prose")
    # The variant with tabs turns out to ask for more than the text of the exercise says, and is dropped.
    index = course.root / "solutions" / ASSIGNMENT / "hidden" / FULL.name / "index.json"
    document = json.loads(index.read_text())
    entries = document["exercises"]["1.1.2"]
    document["exercises"]["1.1.2"] = [entry for entry in entries if entry["name"] != "tabs"]
    assert len(document["exercises"]["1.1.2"]) == len(entries) - 1
    index.write_text(json.dumps(document))
    run("repaired")
    run("on request", "--regrade", "1.1.3", "--regrade", "1.1.1", "--learner", "bob")
    course.result_path("bob").write_text(course.result_path("bob").read_text()[:300])
    run("damaged", "--regrade", "1.1.3", "--learner", "bob")
    return History(course, steps, previous)


def reword(course: SmallCourse) -> None:
    """Another title, another hint, another sentence in the notebook: nothing that decides a mark."""
    manifest = course.root / "autograder" / "manifest.json"
    document = json.loads(manifest.read_text())
    document["notebooks"][0]["title"] = "A better title"
    document["notebooks"][0]["exercises"][1]["hints"] = ["A better hint."]
    manifest.write_text(json.dumps(document))


def test_prose_changes_no_result(history: History) -> None:
    assert "0 graded, 2 kept" in history.steps["prose"].said
    assert history.steps["prose"].results == history.steps["first"].results


def test_a_repaired_test_changes_its_exercise_and_the_totals_and_nothing_else(history: History) -> None:
    before, after = history.steps["prose"], history.steps["repaired"]
    assert (before.exercise("ada", "1.1.2")["status"], before.results["ada"]["points"]) == ("failed", 2.0)
    assert "tabs" in before.exercise("ada", "1.1.2")["message"]
    assert (after.exercise("ada", "1.1.2")["status"], after.results["ada"]["points"]) == ("passed", 4.0)
    for identifier in ("1.1.1", "1.1.3"):
        assert after.exercise("ada", identifier) == before.exercise("ada", identifier)


def test_the_summary_tells_before_and_after_of_those_whose_marks_changed(history: History) -> None:
    said = history.steps["repaired"].said
    assert f"ada/{ASSIGNMENT}: 2 → 4 of 4 (1.1.2: failed, 0 of 2 → passed, 2 of 2)" in said
    assert "Graded again: 2. Marks changed: 1, unchanged: 1." in said
    assert f"bob/{ASSIGNMENT}: 4 →" not in said


def test_what_was_there_before_a_change_is_kept_whole(history: History) -> None:
    (kept,) = history.previous["repaired"]
    assert kept.parent.parent.name == "ada"
    assert json.loads(kept.read_text()) == history.steps["prose"].results["ada"]


def test_equal_marks_get_new_digests_and_nothing_else(history: History) -> None:
    before, after = history.steps["prose"], history.steps["repaired"]
    assert after.without_times("bob") == before.without_times("bob")
    assert after.exercise("bob", "1.1.2")["digest"] != before.exercise("bob", "1.1.2")["digest"]
    for identifier in ("1.1.1", "1.1.3"):
        assert after.exercise("bob", identifier) == before.exercise("bob", identifier)


def test_regrade_runs_what_it_names_for_whom_it_names(history: History) -> None:
    before, after = history.steps["repaired"], history.steps["on request"]
    assert after.results["ada"] == before.results["ada"]
    for identifier, again in (("1.1.1", True), ("1.1.2", False), ("1.1.3", True)):
        moved = after.exercise("bob", identifier)["graded_at"] > before.exercise("bob", identifier)["graded_at"]
        assert moved is again
    assert after.without_times("bob") == before.without_times("bob")
    assert "Graded again: 1. Marks changed: 0, unchanged: 1." in after.said


def test_a_damaged_result_is_set_aside_and_made_anew(history: History) -> None:
    before, after = history.steps["on request"], history.steps["damaged"]
    assert after.without_times("bob") == before.without_times("bob")
    (aside,) = set(history.previous["damaged"]) - set(history.previous["on request"])
    assert len(aside.read_text()) == 300
    assert str(aside) in after.said


def test_names_of_what_to_grade_again() -> None:
    everything = exercises_named(["all"])
    assert {"0.1.1", "1.1.3"} <= everything
    assert exercises_named(["1.1.3"]) == {"1.1.3"}
    assert exercises_named(["1.1.3", "0.1"]) == {"1.1.3"} | {name for name in everything if name.startswith("0.1.")}
    assert exercises_named([ASSIGNMENT]) == {name for name in everything if name.startswith("1.")}
    with pytest.raises(UnknownExercise, match=r"no exercise 1\.1\.33\. Did you mean 1\.1\.3"):
        exercises_named(["1.1.33"])


def test_an_unknown_exercise_is_refused_before_anything_is_graded(tmp_path: Path) -> None:
    (tmp_path / "submitted" / "ada" / ASSIGNMENT).mkdir(parents=True)
    arguments = [str(tmp_path / "submitted"), "--out", str(tmp_path / "results"), "--regrade", "9.9.9"]
    found = CliRunner().invoke(command, arguments)
    assert found.exit_code == 1
    assert "There is no exercise 9.9.9." in found.output
    assert not (tmp_path / "results").exists()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> SmallCourse:
    course = make_course(tmp_path_factory.mktemp("untouched"))
    for number in range(200):
        course.hand_in(f"learner-{number:03}", {})
    course.hand_in("runs", {}, extra=["# a cell that the learner added"])
    return course


def test_two_hundred_untouched_notebooks_get_what_a_sandbox_would_have_said(untouched: SmallCourse) -> None:
    foreign = untouched.result_path("learner-000")
    foreign.parent.mkdir(parents=True)
    foreign.write_text('{"points": 7}')
    said = untouched.grade("--workers", "1000")
    assert "201 submissions: 201 graded, 0 kept" in said
    assert "1000 at a time need 2700.0 GB" in said
    ran, spared = untouched.result("runs"), untouched.result("learner-117")
    assert (ran["isolation"], spared["isolation"]) == ("bubblewrap", "")
    for document in (ran, spared):
        for entry in document["exercises"]:
            for name in ("seconds", "graded_at"):
                del entry[name]
    assert ran["exercises"] == spared["exercises"]
    assert [entry["status"] for entry in spared["exercises"]] == ["not_attempted"] * 3
    assert len((untouched.results / "grades.csv").read_text().splitlines()) == 202
    (aside,) = (foreign.parent / "previous").iterdir()
    assert aside.read_text() == '{"points": 7}'
    assert "0 graded, 201 kept" in untouched.grade()


def test_a_submission_without_a_result_is_listed_and_makes_the_command_fail(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    for learner in ("ada", "grades.csv"):
        course.hand_in(learner, {})
    said = course.grade(code=1)
    assert "2 submissions: 1 graded, 0 kept" in said
    assert "Without a result; run the same command again:" in said
    assert f"grades.csv/{ASSIGNMENT}: 'grades.csv' cannot be the name of a learner" in said


def test_without_dask_the_command_says_what_to_install(untouched: SmallCourse) -> None:
    program = "import sys; sys.modules['distributed'] = None\nfrom autograder.cli import main\nmain()"
    options = untouched.command("--scheduler", "tcp://127.0.0.1:1", "--learner", "learner-000", "--regrade", "all")
    tried = subprocess.run(
        [sys.executable, "-c", program, *options[3:]],
        cwd=untouched.root,
        env=untouched.environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert tried.returncode == 1
    assert "--scheduler needs the package `distributed` (Dask). Install it with" in tried.stderr


@pytest.mark.parametrize(
    ("wanted", "available", "number", "told"),
    [
        (2, 8_000_000_000, 2, ""),
        (4, 8_000_000_000, 2, "4 at a time need 14.0 GB"),
        (1, 2_000_000_000, 1, "may run out of memory"),
        (3, 2_000_000_000, 1, "One is graded at a time"),
    ],
)
def test_workers_are_as_many_as_the_memory_allows(wanted: int, available: int, number: int, told: str) -> None:
    found, sentence = affordable_workers(wanted, 3_000_000_000, available)
    assert found == number
    assert told in sentence if told else not sentence


def test_the_time_left_is_told_in_round_numbers() -> None:
    assert [time_left(seconds) for seconds in (0, 0.3, 59.6, 600)] == [
        "",
        "about 1 seconds left",
        "about 60 seconds left",
        "about 10 minutes left",
    ]
