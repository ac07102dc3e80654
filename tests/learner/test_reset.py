"""`course reset`: the released notebook comes back, the learner's work is kept."""

from __future__ import annotations

import resource
import shutil
import subprocess
from pathlib import Path

import nbformat

from tests.learner.conftest import AS_AUTHORS, Course


def backups(course: Course) -> list[Path]:
    return sorted((course.state / "backups").glob("*.ipynb"))


def cells(path: Path) -> dict[str, str]:
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


def test_a_notebook_is_as_released_again_with_a_backup_and_without_progress(course: Course) -> None:
    released = course.notebook.read_bytes()
    course.solve("1.1.1")
    mine = course.notebook.read_bytes()
    course.run("hint", "1.1.1")
    done = course.run("reset", "1.1", "--yes")
    (backup,) = backups(course)
    assert done.returncode == 0, done.stderr
    assert course.notebook.read_bytes() == released
    assert backup.read_bytes() == mine
    assert str(backup) in done.stdout
    assert course.progress() == {}


def test_two_resets_keep_two_backups(course: Course) -> None:
    for _ in range(2):
        course.run("reset", "1.1", "--yes")
    assert len(backups(course)) == 2


def test_without_a_yes_nothing_happens(course: Course) -> None:
    course.solve("1.1.1")
    mine = course.notebook.read_bytes()
    for answer in ("n\n", ""):
        assert course.run("reset", "1.1", stdin=answer).returncode == 1
    assert course.notebook.read_bytes() == mine
    assert backups(course) == []
    assert course.run("reset", "1.1", stdin="y\n").returncode == 0
    assert len(backups(course)) == 1


def test_one_exercise_is_reset_alone(course: Course) -> None:
    released = cells(course.notebook)
    course.solve("1.1.1", "1.1.3")
    course.add_cell(3, "my_own = 1")
    for exercise in ("1.1.1", "1.1.3"):
        course.run("hint", exercise)
    mine = cells(course.notebook)
    done = course.run("reset", "1.1", "--exercise", "1.1.3", "--yes")
    assert done.returncode == 0, done.stderr
    assert cells(course.notebook) == mine | {"answer_1_1_3": released["answer_1_1_3"]}
    assert len(backups(course)) == 1


def test_deleted_cells_of_an_exercise_come_back_in_their_place(course: Course) -> None:
    released = list(cells(course.notebook))
    edited = nbformat.read(course.notebook, as_version=4)
    edited.cells = [cell for cell in edited.cells if not cell.id.endswith("_1_1_2")]
    nbformat.write(edited, course.notebook)
    assert course.run("reset", "1.1.2", "--yes").returncode == 0
    assert list(cells(course.notebook)) == released


def test_a_damaged_and_a_missing_notebook_come_back(course: Course) -> None:
    released = course.notebook.read_bytes()
    course.notebook.write_bytes(b'{"cells": [')
    assert course.run("reset", "1.1", "--yes").returncode == 0
    assert course.notebook.read_bytes() == released
    assert [backup.read_bytes() for backup in backups(course)] == [b'{"cells": [']
    course.notebook.unlink()
    assert course.run("reset", "1.1", "--yes").returncode == 0
    assert course.notebook.read_bytes() == released


def test_a_disk_that_takes_no_more_loses_nothing(course: Course) -> None:
    """The limit on file sizes makes the system refuse the write half-way, as a full disk does."""
    course.solve("1.1.1")
    mine = course.notebook.read_bytes()
    limit = len(mine) // 2
    done = subprocess.run(
        [*course.command, "reset", "1.1", "--yes"],
        capture_output=True,
        text=True,
        env=course.environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        check=False,
    )
    assert done.returncode == 1
    assert "Nothing was changed: writing" in done.stderr and "Free some space on the disk" in done.stderr
    assert course.notebook.read_bytes() == mine
    assert backups(course) == []
    assert not list(course.root.rglob("*.part"))


def test_an_authors_repository_makes_it_from_the_solution_twin(built_course: Path, tmp_path: Path) -> None:
    author = Course(shutil.copytree(built_course, tmp_path / "author"), command=AS_AUTHORS)
    released = author.notebook.read_bytes()
    author.notebook.unlink()
    done = author.run("reset", "1.1", "--yes")
    assert "from the solution twin" in " ".join(done.stdout.split()), done.stderr
    assert author.notebook.read_bytes() == released


def test_git_serves_where_there_is_no_released_copy_and_else_a_sentence(course: Course) -> None:
    released = course.notebook.read_bytes()
    shutil.rmtree(course.root / "autograder" / "pristine")
    course.solve("1.1.1")
    mine = course.notebook.read_bytes()
    refused = course.run("reset", "1.1", "--yes")
    assert (refused.returncode, course.notebook.read_bytes()) == (1, mine)
    assert "There is no released copy of 1.1" in refused.stderr
    course.notebook.write_bytes(released)
    identity = ["-c", "user.name=A Learner", "-c", "user.email=learner@example.org"]
    for arguments in (["init", "-q"], ["add", "modules"], ["commit", "-q", "-m", "The course"]):
        subprocess.run(["git", *identity, *arguments], cwd=course.root, check=True)
    course.notebook.write_bytes(mine)
    assert course.run("reset", "1.1", "--yes").returncode == 0
    assert course.notebook.read_bytes() == released


def test_names_that_do_not_fit_are_refused(course: Course) -> None:
    assert "Name a notebook" in course.run("reset").stderr
    assert "There is no notebook 7.1" in course.run("reset", "7.1").stderr
    assert "There is no exercise 1.1.8" in course.run("reset", "1.1", "--exercise", "1.1.8", "--yes").stderr
