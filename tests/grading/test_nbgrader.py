"""nbgrader's own commands, run on a copy of the course: marks come from the verifier, and feedback shows nothing hidden."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder import manifest, paths
from autograder.grading.samples import KINDS, grade_id, make_sample, solved_by_half

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(1800)]

NOTEBOOK = next(notebook for notebook in manifest.notebooks() if notebook.number == "1.1")
GRADED = [exercise for exercise in NOTEBOOK.exercises if exercise.kind != "written"]
WRITTEN = next(exercise for exercise in NOTEBOOK.exercises if exercise.kind == "written")
FULL = sum(exercise.points for exercise in GRADED)


@dataclass(frozen=True)
class Course:
    """A copy of the course with one notebook, and what nbgrader said."""

    root: Path
    log: str

    def marks(self, learner: str) -> dict[str, float | None]:
        """The automatic marks in the gradebook by grade_id."""
        with Gradebook(f"sqlite:///{self.root / 'gradebook.db'}") as gradebook:
            submission = gradebook.find_submission(NOTEBOOK.assignment, learner)
            return {grade.name: grade.auto_score for notebook in submission.notebooks for grade in notebook.grades}

    def feedback(self, learner: str) -> str:
        """The HTML that a learner gets."""
        return (self.root / "feedback" / learner / NOTEBOOK.assignment / f"{NOTEBOOK.name}.html").read_text()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The whole round: generate_assignment, autograde, generate_feedback, export."""
    root = copy_course(tmp_path_factory.mktemp("nbgrader") / "course")
    for kind in KINDS:
        folder = root / "submitted" / kind / NOTEBOOK.assignment
        folder.mkdir(parents=True)
        notebook = make_sample(NOTEBOOK, kind)
        if kind == "half":  # one duplicated test cell ends a batch of stock nbgrader
            notebook.cells.append(
                next(cell for cell in notebook.cells if grade_id(cell) == GRADED[0].check_cell).copy()
            )
            (folder / "notes.txt").symlink_to("/etc/passwd")
        (folder / f"{NOTEBOOK.name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    broken = root / "submitted" / "broken" / NOTEBOOK.assignment
    broken.mkdir(parents=True)
    (broken / f"{NOTEBOOK.name}.ipynb").write_text('{"cells": [')
    log = nbgrader(root, "generate_assignment", NOTEBOOK.assignment, "--force")
    for command in ("autograde", "generate_feedback"):
        log += nbgrader(root, command, NOTEBOOK.assignment)
    log += nbgrader(root, "export")
    return Course(root, log)


def copy_course(root: Path) -> Path:
    """What the commands need of the course, with one notebook."""
    shutil.copytree(paths.ROOT / "autograder", root / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(paths.ROOT / "datasets", root / "datasets", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("nbgrader_config.py", "jars.lock"):
        shutil.copy(paths.ROOT / name, root / name)
    for folder in (paths.MODULES, paths.SOLUTIONS):
        target = root / folder.name / NOTEBOOK.assignment
        target.mkdir(parents=True)
        for path in (folder / NOTEBOOK.assignment).glob(f"{NOTEBOOK.name}.*"):
            shutil.copy(path, target)
    hidden = paths.hidden_folder(NOTEBOOK.assignment, NOTEBOOK.name)
    shutil.copytree(hidden, root / hidden.relative_to(paths.ROOT))
    return root


def nbgrader(root: Path, *arguments: str) -> str:
    """Run one command of nbgrader in the course's folder and return what it printed."""
    program = Path(sys.executable).with_name("nbgrader")
    environment = {**os.environ, "COURSE_ROOT": str(root), "COURSE_STATE": str(paths.STATE)}
    done = subprocess.run(
        [program, *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=1500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def test_generate_assignment_makes_what_course_build_makes(course: Course) -> None:
    relative = Path("modules", NOTEBOOK.assignment, f"{NOTEBOOK.name}.ipynb")
    assert (course.root / relative).read_bytes() == (paths.ROOT / relative).read_bytes()
    assert sorted(path.name for path in (course.root / relative).parent.iterdir()) == [relative.name]


@pytest.mark.parametrize("learner", ["perfect", "noisy"])
def test_right_answers_get_full_marks_whatever_they_print(course: Course, learner: str) -> None:
    marks = course.marks(learner)
    assert {spec.check_cell: marks[spec.check_cell] for spec in GRADED} == {
        spec.check_cell: spec.points for spec in GRADED
    }
    assert marks[WRITTEN.answer_cell] is None, "a text answer waits for a person"


def test_half_right_gets_the_right_half_in_spite_of_a_duplicated_test(course: Course) -> None:
    marks = course.marks("half")
    solved = solved_by_half(NOTEBOOK)
    for spec in GRADED:
        assert marks[spec.check_cell] == (spec.points if spec.answer_cell in solved else 0)
    assert "check_1_1_1 occurs 2 times" in course.log


@pytest.mark.parametrize("learner", ["empty", "broken"])
def test_nothing_gets_zero(course: Course, learner: str) -> None:
    assert set(course.marks(learner).values()) == {0}


def test_export_lists_the_same_marks(course: Course) -> None:
    with (course.root / "grades.csv").open() as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    half = sum(spec.points for spec in GRADED[::2])
    assert scores == {"perfect": FULL, "noisy": FULL, "half": half, "empty": 0, "broken": 0}


def test_feedback_tells_verdicts_and_nothing_hidden(course: Course) -> None:
    twin = json.loads((paths.SOLUTIONS / NOTEBOOK.assignment / f"{NOTEBOOK.name}.ipynb").read_text())
    sources = ["".join(cell["source"]) for cell in twin["cells"]]
    hidden = [
        line.strip()
        for source in sources
        for region in re.findall(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", source, re.DOTALL)
        for line in region.splitlines()
        if len(line.strip()) > 12
    ]
    assert len(hidden) >= len(GRADED)
    for learner in ("perfect", "noisy", "half", "empty"):
        text = re.sub(r"<[^>]+>", "", course.feedback(learner))
        assert f"{GRADED[0].id} " in text
        assert "variant(" not in text
        assert "MARK SCHEME" not in text
        assert not [line for line in hidden if line in text]
    assert text.count("not attempted") >= len(GRADED)


def test_links_in_a_submission_are_not_followed(course: Course) -> None:
    copied = [path.name for path in (course.root / "autograded").rglob("*") if path.is_file()]
    assert "notes.txt" not in copied
    assert len(copied) == 5


def test_markers_see_the_mark_scheme_in_the_formgrader_and_learners_do_not(course: Course) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission_notebook(NOTEBOOK.name, NOTEBOOK.assignment, "perfect").id
    twin = (paths.SOLUTIONS / NOTEBOOK.assignment / f"{NOTEBOOK.name}.py").read_text(encoding="utf-8")
    scheme = twin.partition("=== BEGIN MARK SCHEME ===")[2].partition("=== END MARK SCHEME ===")[0]
    lines = [
        line.strip("# -").partition(": ")[2].replace("`", "").strip()
        for line in scheme.splitlines()
        if " point: " in line
    ]
    assert len(lines) == WRITTEN.points, "the mark scheme of the source gives one point for each line"
    with formgrader(course.root) as address:
        page = text_of(fetch(f"{address}/formgrader/submissions/{submission}/"))
    assert [line for line in lines if line not in page] == []
    assert page.index(lines[0]) < page.index("Student's answer", page.index(lines[0])), "above the answer"
    feedback = text_of(course.feedback("perfect"))
    assert [line for line in lines if line in feedback] == []


@contextmanager
def formgrader(root: Path) -> Iterator[str]:
    """nbgrader's formgrader in a Jupyter server of its own on loopback; gives its address."""
    runtime = root / "runtime"
    environment = {**os.environ, "COURSE_ROOT": str(root), "COURSE_STATE": str(paths.STATE),
                   "JUPYTER_RUNTIME_DIR": str(runtime)}  # fmt: skip
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=", "--allow-root",
               "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
               f"--ServerApp.root_dir={root}"]  # fmt: skip
    with (root / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *options], cwd=root, env=environment, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while not (found := list(runtime.glob("jpserver-*.json"))):
            assert server.poll() is None and time.monotonic() < deadline, (root / "server.log").read_text()
            time.sleep(0.1)
        yield json.loads(found[0].read_text())["url"].rstrip("/")
    finally:
        server.terminate()
        server.wait(timeout=20)


def fetch(address: str) -> str:
    """A page of the formgrader."""
    with urllib.request.urlopen(address, timeout=60) as response:
        return str(response.read().decode())


def text_of(page: str) -> str:
    """The text of an HTML page, its white space squeezed."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page).replace("&#39;", "'"))
