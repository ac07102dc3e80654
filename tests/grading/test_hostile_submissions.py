"""Submissions that attack the grader gain nothing, cost nobody else anything, and every one gets a result.

Two batches grade them all (see `attacks.packing`); each test looks at one thing that they tried.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder import manifest, paths
from autograder.grading import batch
from autograder.grading.batch import Graded
from autograder.grading.engine import GradingOptions
from autograder.grading.limits import Limits
from autograder.grading.samples import grade_id
from autograder.grading.task import Deadlines
from autograder.models import ExerciseSpec
from tests.grading.attacks import Attack, breaking, files, forging, poisoning, snooping, spoofing
from tests.grading.attacks.packing import Packed, alone, assignment_notebooks, graded, quiet, shorten_release, solved

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(1800)]

ASSIGNMENT, LIGHT = "01_dataframes", "00_getting_started"
"""Where quiet attacks go, and an assignment whose notebooks are run again quickly after an attack that ends them."""
NOTEBOOKS = assignment_notebooks(ASSIGNMENT)[:4]
NOTEBOOK = NOTEBOOKS[0]
LIMITS = Limits(memory=2_200_000_000, processes=600, seconds=500, scratch=500_000_000)
OPTIONS = GradingOptions(limits=LIMITS, deadlines=Deadlines(cell=60, answer=30, grace=5))
HASTY = GradingOptions(limits=LIMITS, deadlines=Deadlines(cell=30, answer=6, grace=2))
QUIET = (*spoofing.QUIET, *snooping.QUIET, *forging.QUIET, *poisoning.QUIET)
ALONE = (*poisoning.ALONE, *spoofing.ALONE)
NEIGHBOURLY = 3
"""How many exercises the honest neighbours solve."""
NEIGHBOURS = ("a neighbour", "zz another neighbour")
PLANTED = "planted-by-the-person-who-grades"


@dataclass
class Sentinel:
    """Listens on the host where no learner's code may come, and counts who does."""

    visitors: list[Any] = field(default_factory=list)
    servers: list[socket.socket] = field(default_factory=list)

    def listen(self, server: socket.socket) -> socket.socket:
        self.servers.append(server)
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()
        return server

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, address = server.accept()
            except OSError:
                return
            self.visitors.append(address)
            connection.close()


@dataclass(frozen=True)
class Class:
    """What the two batches left behind."""

    home: Path
    packed: dict[str, Packed]
    lines: dict[str, Graded]
    visitors: list[Any]
    before: dict[str, str]
    after: dict[str, str]

    def result(self, learner: str) -> dict[str, Any]:
        """The result of a learner."""
        (path,) = (self.home / "results" / learner).glob("*.json")
        document: dict[str, Any] = json.loads(path.read_text(), parse_constant=_strict)
        return document

    def exercises(self, learner: str) -> dict[str, dict[str, Any]]:
        """The exercises of a learner's result by id."""
        return {entry["id"]: entry for entry in self.result(learner)["exercises"]}


def _strict(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


@pytest.fixture(scope="module")
def sentinel() -> Iterator[Sentinel]:
    """The port of a service on the host's loopback."""
    found = Sentinel()
    port = found.listen(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
    with contextlib.suppress(OSError):  # not every machine has IPv6
        found.listen(socket.create_server(("::1", port), family=socket.AF_INET6))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{PLANTED}")
    abstract.listen()
    found.listen(abstract)
    yield found
    for server in found.servers:
        server.close()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Released notebooks without worked examples."""
    folder = tmp_path_factory.mktemp("release")
    shorten_release(folder, (ASSIGNMENT, LIGHT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "MODULES", folder)
        yield


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory: pytest.TempPathFactory, sentinel: Sentinel, release: None) -> Class:
    """All hostile submissions between honest neighbours, graded by two workers."""
    home = tmp_path_factory.mktemp("hostile")
    submitted = home / "submitted"
    private = home / "private"
    private.mkdir()
    (private / "gradebook.db").write_text("marks")
    descriptions = [
        entry["description"]
        for spec in NOTEBOOKS
        for entries in json.loads((paths.hidden_folder(ASSIGNMENT, spec.name) / "index.json").read_text())[
            "exercises"
        ].values()
        for entry in entries
    ]
    facts = {
        "root": str(paths.ROOT),
        "private": [str(private / "gradebook.db"), str(submitted / NEIGHBOURS[0]), str(home / "results")],
        "canary": str(home / "canary"),
        "descriptions": descriptions,
        "port": sentinel.servers[0].getsockname()[1],
        "abstract": PLANTED,
        "planted": PLANTED,
    }
    neighbour = {NOTEBOOK.name: solved(NOTEBOOK, NEIGHBOURLY)}
    room = sum(len(graded(spec)) for spec in NOTEBOOKS) - 1
    packed = [
        *(Packed(name, neighbour) for name in NEIGHBOURS),
        *(
            quiet(f"quiet {start}", QUIET[start : start + room], NOTEBOOKS, facts)
            for start in range(0, len(QUIET), room)
        ),
        *(alone(f"alone {start}", ALONE[start : start + 4], NOTEBOOKS, facts) for start in range(0, len(ALONE), 4)),
        saboteur(),
    ]
    for submission in packed:
        submission.write(submitted, ASSIGNMENT)
    write_files(submitted)
    ending = quiet("ending", breaking.ENDING, assignment_notebooks(LIGHT), facts)
    ending.write(home / "ending", LIGHT)
    before = state_of(submitted, private)
    os.environ["COURSE_PLANTED"] = PLANTED
    key = plant_key()
    try:
        lines = batch.grade_all(batch.find_submissions(submitted), home / "results", OPTIONS, workers=2)
        lines += batch.grade_all(batch.find_submissions(home / "ending"), home / "results", HASTY)
    finally:
        del os.environ["COURSE_PLANTED"]
    assert key != 0
    return Class(
        home,
        {submission.learner: submission for submission in (*packed, ending)},
        {line.submission.learner: line for line in lines},
        sentinel.visitors,
        before,
        state_of(submitted, private),
    )


def plant_key() -> int:
    """Put a key that everybody may read into the session keyring of this process. Where the kernel has none, nothing is planted."""
    call = ctypes.CDLL(None).syscall
    call(250, 1, None)
    key: int = call(248, b"user", PLANTED.encode(), b"secret", 6, -3)
    call(250, 5, key, 0x3F3F3F3F)
    return key


def saboteur() -> Packed:
    """Right answers, and a cell in the middle that kills every process it can."""
    notebook = solved(NOTEBOOK, 4)
    middle = graded(NOTEBOOK)[2].answer_cell
    first = next(number for number, cell in enumerate(notebook.cells) if grade_id(cell) == middle)
    notebook.cells.insert(first, nbformat.v4.new_code_cell("import os\nos.kill(-1, 9)"))
    return Packed("saboteur", {NOTEBOOK.name: notebook})


def write_files(submitted: Path) -> None:
    """Submissions that are odd as files."""
    for learner, (write, _) in files.UNREADABLE.items():
        write(notebook_path(submitted, learner), NOTEBOOK)
    for learner, write in files.READABLE.items():
        write(notebook_path(submitted, learner), NOTEBOOK)
    files.tampered(notebook_path(submitted, "tampered"), NOTEBOOK)


def notebook_path(submitted: Path, learner: str) -> Path:
    """Where the notebook of a learner belongs."""
    folder = submitted / learner / ASSIGNMENT
    folder.mkdir(parents=True)
    return folder / f"{NOTEBOOK.name}.ipynb"


def state_of(*folders: Path) -> dict[str, str]:
    """Digests of everything on the host that learner code might want to change."""
    roots = (*folders, paths.ROOT / "autograder", paths.ROOT / "datasets", paths.SOLUTIONS, paths.MODULES)
    found = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def attacked() -> list[Any]:
    """Every attack, for parametrization."""
    return [pytest.param(attack, id=attack.name) for attack in (*QUIET, *ALONE, *breaking.ENDING)]


def test_every_submission_has_one_result(graded_class: Class) -> None:
    expected = {*graded_class.packed, *files.UNREADABLE, *files.READABLE, "tampered"}
    assert set(graded_class.lines) == expected
    for learner in expected:
        assert len(list((graded_class.home / "results" / learner).glob("*.json"))) == 1
    statuses = {learner: line.status for learner, line in graded_class.lines.items()}
    assert {learner for learner, status in statuses.items() if status == "unreadable"} == set(files.UNREADABLE)
    assert {learner for learner, status in statuses.items() if status == "stopped"} == {"saboteur"}
    assert {statuses[name] for name in graded_class.packed if name.startswith(("quiet", "alone"))} <= {
        "graded",
        "incomplete",
    }


@pytest.mark.parametrize("attack", attacked())
def test_an_attack_gains_nothing(graded_class: Class, attack: Attack) -> None:
    places = [
        (packed, exercise)
        for packed in graded_class.packed.values()
        for exercise, placed in packed.attacks.items()
        if placed == attack
    ]
    assert places
    for packed, exercise in places:
        found = graded_class.exercises(packed.learner)[exercise]
        assert found["points"] == 0
        assert found["status"] in attack.statuses, found["message"]
        overtaken = found["status"] == "timeout" and attack.statuses[0] != "timeout"
        if overtaken:
            continue
        assert attack.told in found["message"]
        assert any(attack.found in finding for finding in ("", *graded_class.result(packed.learner)["findings"]))


def test_nothing_but_right_answers_has_points(graded_class: Class) -> None:
    full = {exercise.id: exercise.points for notebook in manifest.notebooks() for exercise in notebook.exercises}
    for learner, packed in graded_class.packed.items():
        if packed.attacks:
            points = {name: entry["points"] for name, entry in graded_class.exercises(learner).items()}
            assert points == {name: full[name] if name in packed.solved else 0 for name in points}, learner
            assert graded_class.result(learner)["points"] == sum(points.values())


def test_neighbours_of_attackers_get_what_they_deserve(graded_class: Class) -> None:
    one, other = (graded_class.exercises(learner) for learner in NEIGHBOURS)
    statuses = [one[exercise.id]["status"] for exercise in graded(NOTEBOOK)]
    assert statuses == ["passed"] * NEIGHBOURLY + ["not_attempted"] * (len(statuses) - NEIGHBOURLY)
    for entry in (*one.values(), *other.values()):
        entry["seconds"] = entry["graded_at"] = 0
    assert one == other


def test_nothing_outside_the_sandbox_changed_or_was_visited(graded_class: Class) -> None:
    assert graded_class.visitors == []
    assert graded_class.before == graded_class.after
    assert len(graded_class.before) > 100
    assert not (graded_class.home / "canary").exists()


def test_answers_before_a_sabotaged_run_count_and_later_ones_do_not(graded_class: Class) -> None:
    found = graded_class.exercises("saboteur")
    first, at_the_end, *later = (found[exercise.id]["status"] for exercise in graded(NOTEBOOK))
    assert first == "passed"
    assert at_the_end in ("passed", "error")  # the runner is killed while it may still be sending this answer
    assert later == ["error"] * 6


def test_edited_deleted_and_moved_tests_change_no_mark(graded_class: Class) -> None:
    result, found = graded_class.result("tampered"), graded_class.exercises("tampered")
    exercises: list[ExerciseSpec] = graded(NOTEBOOK)
    assert result["points"] == sum(exercise.points for exercise in exercises[::2])
    for exercise in exercises:
        assert found[exercise.id]["max_points"] == exercise.points
    findings = " ".join(result["findings"])
    for told in ("was deleted", "was edited", "occurs 2 times", "another order", "metadata"):
        assert told in findings


@pytest.mark.parametrize("learner", files.UNREADABLE)
def test_files_that_are_no_notebooks_say_why(graded_class: Class, learner: str) -> None:
    result = graded_class.result(learner)
    assert files.UNREADABLE[learner][1] in result["message"]
    assert result["points"] == 0


def test_a_notebook_in_another_encoding_is_graded(graded_class: Class) -> None:
    assert graded_class.result("UTF-16")["points"] == graded(NOTEBOOK)[0].points


def test_results_and_marks_are_harmless_text(graded_class: Class) -> None:
    for learner in graded_class.packed:
        document = graded_class.result(learner)
        texts = [*document["findings"], *(entry["message"] for entry in document["exercises"])]
        assert not [text for text in texts if any(sign in text for sign in ("\x1b", "\x07", "\u202e", "\ud800"))]
    grades = (graded_class.home / "results" / "grades.csv").read_bytes()
    assert len(grades) < 20_000


def test_hidden_rows_are_not_shown(graded_class: Class) -> None:
    for packed in graded_class.packed.values():
        for exercise, attack in packed.attacks.items():
            if "on hidden data" in attack.told:
                verdict = graded_class.exercises(packed.learner)[exercise]["verdict"]
                assert (verdict["examples"], verdict["trace"]) == (None, "")


def test_a_second_run_keeps_every_finished_result(graded_class: Class) -> None:
    results = graded_class.home / "results"
    before = {path: path.stat().st_mtime_ns for path in results.glob("*/*.json")}
    lines = batch.grade_all(batch.find_submissions(graded_class.home / "submitted"), results, OPTIONS, workers=2)
    assert all(line.kept for line in lines)
    assert {path: path.stat().st_mtime_ns for path in results.glob("*/*.json")} == before


def test_results_say_what_kept_the_code_in(graded_class: Class) -> None:
    assert {graded_class.result(learner)["isolation"] for learner in graded_class.packed} == {"bubblewrap"}
