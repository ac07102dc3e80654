"""Fetching the jars: what is right stays, what is wrong is repaired, and what cannot be done is one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autograder.paths import ROOT, STATE
from autograder.setup.errors import SetupError
from autograder.setup.jars import fetch_jars
from autograder.setup.jars_lock import problem_with, read_lock
from autograder.setup.jars_update import update
from tests.setup.conftest import Run

FETCH = """
import sys
from pathlib import Path
from autograder.setup.errors import SetupError
from autograder.setup.jars import fetch_jars
try:
    print(len(fetch_jars(root=Path(sys.argv[1]), state=Path(sys.argv[2]), show_progress=False).fetched))
except SetupError as error:
    print(error)
"""


def locked_files(root: Path, state: Path) -> list[Path]:
    return [state / "jars" / jar.filename for jar in read_lock(root / "jars.lock")["notebooks"]]


def test_a_fresh_machine_gets_every_jar_and_nothing_else(small_root: Path, maven_mirror: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    result = fetch_jars(root=small_root, state=state, show_progress=False)
    assert len(result.fetched) == 2
    assert sorted((state / "jars").iterdir()) == sorted(locked_files(small_root, state))
    for jar in read_lock(small_root / "jars.lock")["notebooks"]:
        assert problem_with(state / "jars" / jar.filename, jar) == ""


def test_a_second_fetch_changes_no_file(small_root: Path, maven_mirror: Path, tmp_path: Path) -> None:
    fetch_jars(root=small_root, state=tmp_path, show_progress=False)
    before = {path: path.stat().st_mtime_ns for path in locked_files(small_root, tmp_path)}
    assert fetch_jars(root=small_root, state=tmp_path, show_progress=False).fetched == ()
    assert {path: path.stat().st_mtime_ns for path in locked_files(small_root, tmp_path)} == before


@pytest.mark.parametrize("damage", ["truncated", "altered", "longer", "missing"])
def test_a_damaged_jar_is_replaced_and_the_others_stay(
    damage: str, small_root: Path, maven_mirror: Path, tmp_path: Path
) -> None:
    fetch_jars(root=small_root, state=tmp_path, show_progress=False)
    victim, other = locked_files(small_root, tmp_path)
    content = victim.read_bytes()
    damaged = {
        "truncated": content[: len(content) // 2],
        "altered": content[:-1] + bytes([content[-1] ^ 1]),
        "longer": content + b"\0",
    }
    victim.unlink() if damage == "missing" else victim.write_bytes(damaged[damage])
    untouched = other.stat().st_mtime_ns

    assert fetch_jars(root=small_root, state=tmp_path, show_progress=False).fetched == (victim,)
    assert victim.read_bytes() == content
    assert other.stat().st_mtime_ns == untouched


def test_a_repository_that_serves_another_file_is_refused(small_root: Path, maven_mirror: Path, tmp_path: Path) -> None:
    served = next(maven_mirror.rglob("delta-storage*.jar"))
    content = served.read_bytes()
    served.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    with pytest.raises(
        SetupError, match=r"delta-storage-4\.4\.0\.jar is not the locked file .* run `course setup` again"
    ):
        fetch_jars(root=small_root, state=tmp_path, show_progress=False)
    assert not list((tmp_path / "jars").glob("delta-storage*"))
    served.write_bytes(content)
    assert len(fetch_jars(root=small_root, state=tmp_path, show_progress=False).paths) == 2


def test_without_network_one_sentence_says_what_to_do(
    no_network: tuple[str, ...], run: Run, small_root: Path, tmp_path: Path
) -> None:
    answer = run(*no_network, sys.executable, "-c", FETCH, small_root, tmp_path)
    assert "could not be fetched from Maven Central" in answer.stdout
    assert "check the network connection" in answer.stdout
    assert answer.stdout.count("\n") == 1
    assert list((tmp_path / "jars").iterdir()) == []


def test_a_full_disk_is_named_and_a_second_run_repairs(
    own_mounts: tuple[str, ...], run: Run, small_root: Path, maven_mirror: Path, tmp_path: Path
) -> None:
    state = tmp_path / "small"
    state.mkdir()
    script = (
        f'mount -t tmpfs -o size=120k tmpfs {state} && "$0" -c "$1" {small_root} {state} && ls -A {state}/jars'
        f' && mount -o remount,size=10m {state} && "$0" -c "$1" {small_root} {state}'
    )
    answer = run(*own_mounts, "sh", "-c", script, sys.executable, FETCH)
    lines = answer.stdout.splitlines()
    assert lines[0] == (
        f"The disk that holds {state}/jars is full; free some space there and run the same command again."
    ), answer
    # What was whole before the disk was full stays; nothing half written does.
    assert all(name.endswith(".jar") for name in lines[1:-1])
    assert lines[-1] == str(2 - len(lines[1:-1]))


def test_a_read_only_disk_is_named(own_mounts: tuple[str, ...], run: Run, small_root: Path, tmp_path: Path) -> None:
    state = tmp_path / "fixed"
    state.mkdir()
    script = f'mount -t tmpfs -o ro tmpfs {state} && "$0" -c "$1" {small_root} {state}'
    answer = run(*own_mounts, "sh", "-c", script, sys.executable, FETCH)
    assert f"{state}/jars cannot be written to (Read-only file system)" in answer.stdout
    assert "set COURSE_STATE" in answer.stdout


def test_updating_the_lock_reproduces_it(small_root: Path, maven_mirror: Path) -> None:
    lock = small_root / "jars.lock"
    right = read_lock(lock)
    lock.write_text("# a comment that stays\n\n" + lock.read_text().replace('sha256 = "', 'sha256 = "00'))
    assert read_lock(lock) != right
    update(lock)
    assert read_lock(lock) == right
    assert lock.read_text().startswith("# a comment that stays\n")


def test_an_incomplete_lock_entry_is_named(tmp_path: Path) -> None:
    (tmp_path / "jars.lock").write_text('[[notebooks]]\njar = "a:b:1"\nsize = 3\n')
    with pytest.raises(ValueError, match="sha256"):
        read_lock(tmp_path / "jars.lock")


def test_an_unknown_group_is_named() -> None:
    with pytest.raises(SetupError, match="no group 'quantum'; it has: notebooks"):
        fetch_jars("quantum", root=ROOT, state=STATE, show_progress=False)
