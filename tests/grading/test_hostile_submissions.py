"""Submissions that attack the grader gain nothing, cost nobody else anything, and every one gets a result.

One batch grades them all; each test looks at one thing that they tried.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder import manifest, paths
from autograder.grading import batch
from autograder.grading.batch import Graded
from autograder.grading.engine import GradingOptions, notebooks_of
from autograder.grading.limits import Limits
from autograder.grading.samples import fill, grade_id, make_sample
from autograder.grading.task import Deadlines
from autograder.models import ExerciseSpec

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(1800)]

NOTEBOOK = next(notebook for notebook in manifest.notebooks() if notebook.number == "1.1")
GRADED = [exercise for exercise in NOTEBOOK.exercises if exercise.kind == "dataframe"]
OPTIONS = GradingOptions(
    limits=Limits(memory=2_200_000_000, processes=600, seconds=500, scratch=500_000_000),
    deadlines=Deadlines(cell=60, answer=15, grace=5),
)
COMPLETE = "graded" if len(notebooks_of(NOTEBOOK.assignment)) == 1 else "incomplete"
"""The status of a submission of this one notebook, when all went well."""

PLANTED = "planted-in-the-environment-of-the-grader"

PROBES = """
import json, os, pathlib, socket, subprocess
reached = []

def attempt(name, action):
    try:
        if action():
            reached.append(name)
    except BaseException:
        pass

def writes(path):
    pathlib.Path(path).write_text("x")
    return True

def connects(host, port):
    socket.create_connection((host, port), timeout=3).close()
    return True

root = pathlib.Path(ROOT)
attempt("references", lambda: any((root / "autograder" / "references").iterdir()))
attempt("solutions", lambda: (root / "solutions").exists())
attempt("released notebooks", lambda: (root / "modules").exists())
attempt("git history", lambda: (root / ".git").exists())
attempt("tests", lambda: (root / "tests").exists())
attempt("submissions", lambda: pathlib.Path(SUBMITTED).exists())
attempt("results", lambda: pathlib.Path(RESULTS).exists())
attempt("password hashes", lambda: bool(pathlib.Path("/etc/shadow").read_text()))
attempt("home folders", lambda: pathlib.Path("/home").exists())
cells = [cell for notebook in json.load(open("/task/task.json"))["notebooks"] for cell in notebook["cells"]]
cases = [case for cell in cells for case in cell.get("cases", [])]
attempt("more than inputs", lambda: any(set(case) - {"name", "files", "arguments"} for case in cases))
attempt("descriptions of variants", lambda: DESCRIPTION in json.dumps(cases))
attempt("a control probe: the inputs themselves", lambda: len(cases) > 8)
for folder in ("/", "/usr", "/etc", "/task", "/dev", str(root), str(root / "autograder"), str(root / "datasets")):
    attempt("writing to " + folder, lambda: writes(folder + "/planted"))
attempt("own program", lambda: writes(str(root / "autograder" / "checks" / "dataframe.py")))
attempt("a network", lambda: any(name != "lo" for _, name in socket.if_nameindex()))
attempt("service of the host", lambda: connects("127.0.0.1", PORT))
attempt("environment", lambda: any(PLANTED in value for value in os.environ.values()))
attempt("environment of others", lambda: any(
    PLANTED.encode() in (process / "environ").read_bytes() for process in pathlib.Path("/proc").iterdir() if process.name.isdigit()))
attempt("processes of the host", lambda: any(
    b"pytest" in (process / "cmdline").read_bytes() for process in pathlib.Path("/proc").iterdir() if process.name.isdigit()))
attempt("stream of answers", lambda: bool(os.listdir("/proc/%d/fd" % os.getppid())))
attempt("root", lambda: os.getuid() == 0)
attempt("becoming root", lambda: os.setuid(0) is None)
attempt("user namespaces", lambda: subprocess.run(["unshare", "-U", "true"]).returncode == 0)
attempt("mounting", lambda: subprocess.run(["mount", "-t", "tmpfs", "none", "/tmp"]).returncode == 0)
attempt("devices", lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0)) is None)
attempt("control groups", lambda: bool(os.listdir("/sys/fs/cgroup")))
print(reached)
"""


def function(spec: ExerciseSpec, body: str) -> str:
    """The learner's function with another body."""
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"def {spec.function}({', '.join(spec.parameters)}):\n{lines}\n"


def answers(bodies: Mapping[int, str]) -> dict[str, str]:
    """Answer cells by grade_id from function bodies by the exercise's position."""
    return {GRADED[number].answer_cell: function(GRADED[number], body) for number, body in bodies.items()}


def solution(number: int) -> str:
    """The reference answer of an exercise."""
    perfect = make_sample(NOTEBOOK, "perfect")
    return next(cell.source for cell in perfect.cells if grade_id(cell) == GRADED[number].answer_cell)


def prober(facts: str) -> NotebookNode:
    """Looks around, then tries to pass exercises with everything but the answer. The last exercise is solved."""
    notebook = make_sample(NOTEBOOK, "empty")
    patched = "import autograder.checks as c\n_save = c.KINDS['dataframe'].save\n"
    bodies = {
        0: "raise RuntimeError('reached: ' + ', '.join(reached))",
        1: "class Equal:\n    def __eq__(self, other): return True\n    def __getattr__(self, name): return Equal()\nreturn Equal()",
        2: patched
        + "def save(self, answer, folder):\n    type(self).save = old\n    folder.mkdir(parents=True)\n"
        + "    (folder / 'answer.parquet').symlink_to('/task/task.json')\n"
        + "old = type(c.KINDS['dataframe']).save\ntype(c.KINDS['dataframe']).save = save\nreturn spark.range(1)",
        3: patched
        + "def save(self, answer, folder):\n    type(self).save = old\n    folder.mkdir(parents=True)\n"
        + "    (folder / 'answer.parquet').write_bytes(bytes(60_000_000))\n"
        + "old = type(c.KINDS['dataframe']).save\ntype(c.KINDS['dataframe']).save = save\nreturn spark.range(1)",
        4: patched
        + "def save(self, answer, folder):\n    type(self).save = old\n    folder.mkdir(parents=True)\n"
        + "    (folder / 'answer.parquet').write_bytes(b'PAR1' + bytes(1000) + b'PAR1')\n"
        + "old = type(c.KINDS['dataframe']).save\ntype(c.KINDS['dataframe']).save = save\nreturn spark.range(1)",
    }
    fill(notebook, answers(bodies))
    memorised = solution(6).replace(f"def {GRADED[6].function}(", "def learned(")
    fill(notebook, {GRADED[6].answer_cell: memorised + "\n" + function(GRADED[6], MEMORISED)})
    fill(notebook, {GRADED[7].answer_cell: solution(7)})
    notebook.cells.insert(2, nbformat.v4.new_code_cell(facts + PROBES))
    liar = "import autograder, autograder.runtime\nautograder.check = autograder.runtime.check = check = lambda *a, **k: True"
    notebook.cells.insert(3, nbformat.v4.new_code_cell(liar))
    return notebook


MEMORISED = """
import datasets
return learned(**{name: datasets.load(spark, name) for name in PARAMETERS})
""".replace("PARAMETERS", repr(GRADED[6].parameters))


def killer() -> NotebookNode:
    """Every answer but the last tries to bring the run down."""
    notebook = make_sample(NOTEBOOK, "empty")
    bodies = {
        0: "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass",
        1: "import os\nos._exit(0)",
        2: "import subprocess, time\nsubprocess.Popen(['bash', '-c', 'bomb() { bomb | bomb & }; bomb; wait'])\nwhile True: time.sleep(0.1)",
        3: "hog = []\nwhile True:\n    hog.append(bytearray(b'x') * 100_000_000)",
        4: "spark.sparkContext._jvm.java.lang.Runtime.getRuntime().halt(1)\nreturn spark.range(1)",
        5: "raise SystemExit('done')",
        6: "raise KeyError('hidden ' + str(1))",
    }
    fill(notebook, answers(bodies))
    fill(notebook, {GRADED[7].answer_cell: solution(7)})
    return notebook


def saboteur() -> NotebookNode:
    """Right answers, and a last cell that kills every process it can."""
    notebook = make_sample(NOTEBOOK, "perfect")
    first = next(number for number, cell in enumerate(notebook.cells) if grade_id(cell) == GRADED[4].answer_cell)
    notebook.cells.insert(first, nbformat.v4.new_code_cell("import os\nos.kill(-1, 9)"))
    return notebook


def tamperer() -> NotebookNode:
    """The half-right sample with tests edited, deleted, duplicated and moved, and with more points than there are."""
    notebook = make_sample(NOTEBOOK, "half")
    position = {grade_id(cell): number for number, cell in enumerate(notebook.cells) if grade_id(cell)}
    for spec in GRADED:
        cell = notebook.cells[position[spec.check_cell]]
        cell.source = "print('full marks')"
        cell.metadata.nbgrader.points = 100
    notebook.cells.append(notebook.cells[position[GRADED[0].check_cell]].copy())
    notebook.cells.append(notebook.cells[position[GRADED[1].answer_cell]].copy())
    notebook.cells.insert(0, notebook.cells.pop(position[GRADED[2].answer_cell]))
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) != GRADED[3].check_cell]
    return notebook


@dataclass(frozen=True)
class Batch:
    """What the batch left behind."""

    submitted: Path
    results: Path
    lines: list[Graded]

    def result(self, learner: str) -> dict[str, Any]:
        """The result of a learner."""
        document: dict[str, Any] = json.loads((self.results / learner / f"{NOTEBOOK.assignment}.json").read_text())
        return document

    def exercise(self, learner: str, number: int) -> dict[str, Any]:
        """One exercise of a learner's result, by position."""
        found: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in self.result(learner)["exercises"]}
        return found[GRADED[number].id]


@pytest.fixture(scope="module")
def listening() -> Iterator[int]:
    """The port of a service on the host's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: _accept(server), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, listening: int) -> Batch:
    """All hostile submissions, graded once by two workers."""
    home = tmp_path_factory.mktemp("hostile")
    submitted, results = home / "submitted", home / "results"
    description = json.loads((paths.hidden_folder(NOTEBOOK.assignment, NOTEBOOK.name) / "index.json").read_text())
    first = description["exercises"][GRADED[0].id][0]["description"]
    facts = (
        f"ROOT, SUBMITTED, RESULTS = {str(paths.ROOT)!r}, {str(submitted)!r}, {str(results)!r}\n"
        f"PORT, PLANTED, DESCRIPTION = {listening}, {PLANTED!r}, {first!r}\n"
    )
    makers: dict[str, Callable[[], NotebookNode]] = {
        "prober": lambda: prober(facts),
        "killer": killer,
        "saboteur": saboteur,
        "tamperer": tamperer,
    }
    for learner, make in makers.items():
        # nbformat.write would mend duplicate cell ids.
        notebook_path(submitted, learner).write_text(json.dumps(make()), encoding="utf-8")
    notebook_path(submitted, "broken").write_bytes(b'{"cells": [')
    notebook_path(submitted, "linked").symlink_to("/etc/passwd")
    notebook_path(submitted, "Zoë's \u202e [odd] *name*")
    os.environ["COURSE_PLANTED"] = PLANTED
    try:
        lines = batch.grade_all(batch.find_submissions(submitted), results, OPTIONS, workers=2)
    finally:
        del os.environ["COURSE_PLANTED"]
    return Batch(submitted, results, lines)


def notebook_path(submitted: Path, learner: str) -> Path:
    folder = submitted / learner / NOTEBOOK.assignment
    folder.mkdir(parents=True)
    return folder / f"{NOTEBOOK.name}.ipynb"


def test_every_submission_has_a_result(graded: Batch) -> None:
    statuses = {line.submission.learner: line.status for line in graded.lines}
    assert statuses == {
        "prober": COMPLETE,
        "killer": COMPLETE,
        "saboteur": "stopped",
        "tamperer": COMPLETE,
        "broken": "unreadable",
        "linked": "unreadable",
        "Zoë's \u202e [odd] *name*": "unreadable",
    }
    assert len((graded.results / "grades.csv").read_text().splitlines()) == 1 + len(statuses)


def test_nothing_outside_the_sandbox_can_be_reached(graded: Batch) -> None:
    found = graded.exercise("prober", 0)
    assert found["status"] == "error"
    assert found["message"] == "RuntimeError: reached: a control probe: the inputs themselves"


def test_an_object_equal_to_everything_is_no_answer(graded: Batch) -> None:
    found = graded.exercise("prober", 1)
    assert (found["status"], found["points"]) == ("failed", 0.0)
    assert "Equal" in found["message"]


@pytest.mark.parametrize(("number", "reason"), [(2, "could not be taken out"), (3, "60 MB"), (4, "could not be read")])
def test_links_huge_files_and_damaged_parquet_are_errors(graded: Batch, number: int, reason: str) -> None:
    found = graded.exercise("prober", number)
    assert (found["status"], found["points"]) == ("error", 0.0)
    assert reason in found["message"]


def test_a_patched_check_gives_no_points_for_an_untouched_stub(graded: Batch) -> None:
    found = graded.exercise("prober", 5)
    assert (found["status"], found["points"]) == ("not_attempted", 0.0)


def test_an_answer_that_only_knows_the_sample_fails_without_showing_hidden_rows(graded: Batch) -> None:
    found = graded.exercise("prober", 6)
    assert (found["status"], found["points"]) == ("failed", 0.0)
    assert found["message"].startswith("Right on the sample data, but not on hidden data: ")
    assert found["verdict"]["examples"] is None
    assert found["verdict"]["trace"] == ""


@pytest.mark.parametrize("learner", ["prober", "killer"])
def test_a_right_answer_after_all_attacks_still_gets_its_points(graded: Batch, learner: str) -> None:
    found = graded.exercise(learner, 7)
    assert (found["status"], found["points"]) == ("passed", GRADED[7].points)
    assert graded.result(learner)["points"] == GRADED[7].points


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [
        (0, "timeout", "still running after"),
        (1, "error", "ended the whole Python process"),
        (3, "error", "ended the whole Python process"),
        (4, "error", "Java process"),
        (5, "error", "SystemExit"),
        (6, "error", "KeyError"),
    ],
)
def test_an_answer_that_brings_the_run_down_costs_only_itself(
    graded: Batch, number: int, status: str, message: str
) -> None:
    found = graded.exercise("killer", number)
    assert (found["status"], found["points"]) == (status, 0.0)
    assert message in found["message"]


def test_a_fork_bomb_is_stopped_by_the_limit_on_processes(graded: Batch) -> None:
    assert graded.exercise("killer", 2)["status"] in ("timeout", "error")
    assert "More than 600 processes and threads were asked for." in graded.result("killer")["findings"]


def test_too_much_memory_is_reported(graded: Batch) -> None:
    assert any(
        "More memory was asked for than the 2.2 GB" in finding for finding in graded.result("killer")["findings"]
    )


def test_answers_before_a_sabotaged_run_count_and_later_ones_do_not(graded: Batch) -> None:
    statuses = [graded.exercise("saboteur", number)["status"] for number in range(len(GRADED))]
    assert statuses == ["passed"] * 4 + ["error"] * 4


def test_edited_deleted_and_moved_tests_change_no_mark(graded: Batch) -> None:
    result = graded.result("tamperer")
    assert result["points"] == sum(exercise.points for exercise in GRADED[::2])
    for number, exercise in enumerate(GRADED):
        assert graded.exercise("tamperer", number)["max_points"] == exercise.points
    findings = " ".join(result["findings"])
    for told in ("was deleted", "was edited", "occurs 2 times", "another order", "metadata"):
        assert told in findings


def test_unreadable_submissions_say_why(graded: Batch) -> None:
    assert "not valid JSON" in graded.result("broken")["message"]
    assert "not a regular file" in graded.result("linked")["message"]
    assert "was not handed in" in graded.result("Zoë's \u202e [odd] *name*")["message"]
    assert {graded.exercise("broken", number)["status"] for number in range(len(GRADED))} == {"error"}


def test_a_second_run_keeps_every_finished_result(graded: Batch) -> None:
    before = {path: path.stat().st_mtime_ns for path in graded.results.glob("*/*.json")}
    lines = batch.grade_all(batch.find_submissions(graded.submitted), graded.results, OPTIONS, workers=2)
    assert all(line.kept for line in lines)
    assert {path: path.stat().st_mtime_ns for path in graded.results.glob("*/*.json")} == before


def test_results_say_what_kept_the_code_in(graded: Batch) -> None:
    assert {graded.result(learner)["isolation"] for learner in ("prober", "killer", "tamperer")} == {"bubblewrap"}
