"""Notebooks run once in CI: nbval compares their outputs, and what they record meanwhile is compared with everything else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder import paths
from autograder.authoring import build
from autograder.authoring.source import SourceError
from autograder.checks.dataframe import ANSWER
from autograder.commands.build import command
from autograder.compare import Frame

SANITIZE = paths.ROOT / "autograder" / "authoring" / "sanitize.cfg"


@pytest.fixture(scope="module")
def recorded(new_course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What nbval's run of the new course's notebook has recorded."""
    folder = tmp_path_factory.mktemp("recorded")
    nbval = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=180", f"--nbval-sanitize-with={SANITIZE}"]
    environment = {**os.environ, "COURSE_RECORD": str(folder), "COURSE_ROOT": str(new_course)}
    environment["PYTHONPATH"] = str(paths.ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *nbval, "solutions"],
        cwd=new_course,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return folder


def drift(root: Path, recorded: Path) -> list[str]:
    """What `course build --check --recorded` finds."""
    return build.drift(build.build(root=root, recorded=recorded), root)


def test_what_nbval_recorded_is_what_a_build_makes(new_course: Path, recorded: Path) -> None:
    assert drift(new_course, recorded) == []
    made = build.build(root=new_course, recorded=recorded)
    assert len([path for path in made if "references" in path.parts]) >= 6
    assert len([path for path in made if "hidden" in path.parts]) >= 6


def test_every_generated_file_is_compared(spoilt: Path, recorded: Path) -> None:
    owned = sorted(build.owned(spoilt))
    twins = [path for path in owned if path.suffix == ".ipynb"]
    data = [path for path in owned if path.suffix != ".ipynb"]
    for path in twins:
        text = (spoilt / path).read_text(encoding="utf-8")
        (spoilt / path).write_text(text.replace("order_id", "order_number"), encoding="utf-8")
    for path in data:
        (spoilt / path).write_bytes(b"{}")
    (spoilt / "autograder" / "references" / "2.1.9").mkdir()
    (spoilt / "autograder" / "references" / "2.1.9" / "answer.json").write_bytes(b"{}")
    expected = [f"differs: {path}" for path in sorted([*twins, *data])]
    assert drift(spoilt, recorded) == [*expected, "left over: autograder/references/2.1.9/answer.json"]


def test_rows_may_come_in_another_order_unless_the_exercise_asks_for_one(
    new_course: Path, recorded: Path, tmp_path: Path
) -> None:
    part = Path(shutil.copytree(recorded, tmp_path / "recorded"))
    turned = []
    for path in [part / "2.1.1" / "sample" / ANSWER, part / "2.1.1" / "variants" / "0" / "expected" / ANSWER]:
        answer = Frame.read(path)
        backwards = Frame(answer.schema, answer.table.take(list(reversed(range(answer.rows)))))
        backwards.write(path)
        turned.append(path.read_bytes())
    assert drift(new_course, part) == []
    spec = part / "2.1.1" / "spec.json"
    said = json.loads(spec.read_text())
    spec.write_text(json.dumps({**said, "options": {**said["options"], "ordered": ["order_id"]}}))
    made = build.build(root=new_course, recorded=part)
    assert set(turned) <= set(made.values())


def test_an_exercise_that_recorded_nothing_is_told(new_course: Path, recorded: Path, tmp_path: Path) -> None:
    part = Path(shutil.copytree(recorded, tmp_path / "recorded"))
    shutil.rmtree(part / "2.1.2")
    with pytest.raises(SourceError, match=r"the cell that checks 2\.1\.2 never called"):
        build.build(root=new_course, recorded=part)


@pytest.mark.parametrize(("options", "made"), [(["--check"], True), (["--check", "--recorded", "."], False)])
def test_samples_are_made_anew_unless_nothing_shall_run(
    options: list[str], made: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.__main__.main", lambda arguments: 1)  # as if they were not current
    said = CliRunner().invoke(command, options)
    assert said.exit_code == 1
    assert ("The samples in datasets/ are not current" in said.output) is made
    assert ("never called" in said.output) is not made
