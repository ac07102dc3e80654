"""The learners' repository holds nothing hidden, works by itself, and an update never costs a learner their work."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder import manifest, paths, render
from autograder.authoring import hidden, source
from autograder.authoring import release as releasing
from autograder.authoring.release import MARKER, ReleaseError, release

BETWEEN_MARKERS = re.compile(r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)[^\n]*\n(.*?)END \1", re.DOTALL)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of this course; tests must not change it."""
    target = tmp_path_factory.mktemp("release") / "learners"
    release(target)
    return target


@pytest.fixture
def course(new_course: Path, tmp_path: Path) -> Path:
    """The machinery of this course with the one notebook of a new course, which a test may change."""
    root = tmp_path / "course"
    for folder in ("autograder", "binder", "datasets", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "references", "pristine", "grading")
        shutil.copytree(paths.ROOT / folder, root / folder, ignore=ignored)
    for path in paths.ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, root)
    return Path(shutil.copytree(new_course, root, dirs_exist_ok=True))


def files_of(folder: Path) -> dict[str, bytes]:
    """Contents by relative path."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def lines_of(text: str) -> Iterator[str]:
    """Lines as they are compared: without indentation, comment mark and repeated blanks."""
    for line in text.splitlines():
        plain = " ".join(line.strip().removeprefix("#").split())
        enough = 50 if plain.endswith(",") else 25
        if len(plain) >= enough and not re.match(IDIOMS, plain):
            yield plain


def shown_by(source: str) -> set[str]:
    """The lines of a source that learners are meant to see."""
    without = re.sub(r"^# %% [^\n]*(wrong|right|hints)=.*?(?=^# %%|\Z)", "", source, flags=re.MULTILINE | re.DOTALL)
    return set(lines_of(BETWEEN_MARKERS.sub("", without)))


def secrets_of(source: str, shown: str) -> set[str]:
    """Lines of solutions, hidden tests, model answers, mark schemes, wrong and right answers, by the text alone.

    `shown` is what learners are meant to see of all notebooks: an answer's line that stands there gives nothing away.
    """
    secret = {line for _, part in BETWEEN_MARKERS.findall(source) for line in lines_of(part)}
    answers = re.findall(r"^# %% (?:wrong|right)=[^\n]*\n(.*?)(?=^# %%|\Z)", source, flags=re.MULTILINE | re.DOTALL)
    return secret | {line for part in answers for line in lines_of(part) if line not in shown}


def everything(content: bytes) -> str:
    """All text of a file; of a notebook the cells' sources too, in which nothing is escaped."""
    text = content.decode("utf-8", errors="replace")
    if not text.startswith("{"):
        return text
    try:
        return text + "\n".join("".join(cell["source"]) for cell in json.loads(text).get("cells", ()))
    except ValueError:
        return text


IDIOMS = (
    r"(from|import|def|@|return \w+$|===|except |with contextlib\.closing\(|\w+ = \w+\.cursor\(\)$|\w+\.processAllAvailable\(\)$"
    r"|\w+\.sql\(\w+\)\.collect\(\)$|return spark\.createDataFrame\($)"
)
"""What every program shares."""

ADVISED = {".trigger(availableNow=True)", "CREATE TABLE {shelf} USING delta AS"}
"""Spark's own API, which a message of the harness and the set-up of an exercise show too."""


def test_no_hidden_line_is_in_any_released_file(released: Path) -> None:
    secrets: set[str] = set()
    sources = {path: path.read_text(encoding="utf-8") for path in paths.SOLUTIONS.glob("*/*.py")}
    shown = " ".join(line for text in sources.values() for line in sorted(shown_by(text)))
    for path, text in sources.items():
        found = secrets_of(text, shown)
        assert len(found) > 40, f"{path}: the search itself finds too little"
        secrets |= found - ADVISED
    for name, content in files_of(released).items():
        text = everything(content)
        assert not secrets & set(lines_of(text)), name
        joined = " ".join(text.split())
        assert [secret for secret in secrets if secret in joined] == [], name


def test_no_variant_is_in_any_released_file(released: Path) -> None:
    variants = [
        (exercise, entry)
        for index in paths.SOLUTIONS.glob("*/hidden/*/index.json")
        for exercise, entries in json.loads(index.read_text(encoding="utf-8"))["exercises"].items()
        for entry in entries
    ]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in paths.SOLUTIONS.glob("*/*.py"))
    calls = [call for item in source.read_all() for call in hidden.variant_calls(item)]
    seeds = {str(call.seed) for call in calls if call.seed is not None}
    shown = re.sub(r"\s|#", "", BETWEEN_MARKERS.sub("", sources))
    descriptions = {re.sub(r"\s", "", entry["description"]): entry["description"] for _, entry in variants}
    secret = {squeezed: text for squeezed, text in descriptions.items() if squeezed not in shown}
    assert variants and seeds and secret
    for name, content in files_of(released).items():
        text = re.sub(r"\s", "", everything(content))
        assert not seeds & set(re.findall(r'\bseed"?[=:](\d+)', text.replace("_", ""))), name
        for exercise, entry in variants:
            assert f'"{exercise}","{entry["name"]}"' not in text, name
            assert not any(file.rpartition("/")[2] in text for file in entry["files"].values()), name
        for squeezed, description in secret.items():
            assert squeezed not in text, (name, description)


def test_no_hidden_file_is_released_under_any_name(released: Path) -> None:
    def digests(found: Iterator[Path]) -> set[str]:
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in found if path.is_file()}

    hidden = digests(paths.SOLUTIONS.glob("*/hidden/**/*")) | digests(paths.SOLUTIONS.glob("*/*.*"))
    # A variant may leave the answer as it is on the sample, whose reference learners have.
    hidden -= digests(paths.REFERENCES.rglob("*"))
    assert len(hidden) > 20
    for name, content in files_of(released).items():
        assert hashlib.sha256(content).hexdigest() not in hidden, name


def test_only_what_learners_need_is_released(released: Path) -> None:
    names = set(files_of(released))
    rooms = {name.split("/")[1] for name in names if name.startswith("autograder/") and name.count("/") > 1}
    assert rooms == {
        "checks",
        "commands",
        "compare",
        "learner",
        "pristine",
        "references",
        "render",
        "runtime",
        "services",
        "setup",
    }
    assert not any(name.startswith(("solutions", "tests", "benchmarks", ".course/", ".git/")) for name in names)
    assert {
        "README.md",
        "Makefile",
        "LICENSE",
        "pyproject.toml",
        "jars.lock",
        "datasets/samples/customers.parquet",
    } <= names
    notebooks = {name.removeprefix("modules/") for name in names if name.startswith("modules/")}
    assert notebooks == {str(path.relative_to(paths.MODULES)) for path in paths.MODULES.glob("*/*.ipynb")}
    for name in notebooks:
        assert (released / "autograder" / "pristine" / name).read_bytes() == (released / "modules" / name).read_bytes()


def test_two_releases_are_equal_and_the_second_changes_nothing(released: Path, tmp_path: Path) -> None:
    release(tmp_path / "again")
    assert files_of(tmp_path / "again") == files_of(released)
    changes = release(tmp_path / "again")
    assert (changes.written, changes.removed, changes.beside) == ((), (), {})
    assert os.access(released / "binder" / "postBuild", os.X_OK)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("datasets/notes.txt", 'orders.filter(F.col("channel").isNotNull()).count(), seed=81210', ""),
        (
            "datasets/notes.txt",
            'return  orders.filter(F.col( "discount_code").isNotNull())\n.select("order_id","discount_code")',
            "solution of 2.1.2",
        ),
        ("datasets/notes.txt", 'variant(\n  "2.1.3",\n  "unheard of",', "hidden variant of 2.1.3"),
        ("datasets/notes.txt", "rows = generate(spark, seed = 8121)", "hidden seed of 2.1.2"),
        ("docs/datasets.md", "so name tables in which amounts are found", ""),
        ("docs/datasets.md", "* 1 point: names tables in which amounts or costs are found", "mark scheme of 2.1.7"),
        (
            "docs/datasets.md",
            "`payments` and the goods, with their discounts, in `order_items`; what is left after the cost of",
            "model answer of 2.1.7",
        ),
        (
            "autograder/runtime/x.py",
            'return orders.groupBy("store_id").agg(F.countDistinct("order_ts").alias("days"))',
            "wrong answer of 2.1.5",
        ),
        ("autograder/compare/x.py", 'x = orders.groupBy("channel").count().withColumnRenamed("count", "orders")', ""),
        (
            "autograder/compare/x.py",
            'return orders.groupBy("channel").count().withColumnRenamed("count", "orders")',
            "right answer of 2.1.4",
        ),
    ],
)
def test_a_release_that_would_show_something_hidden_is_refused(
    course: Path, tmp_path: Path, file: str, text: str, told: str
) -> None:
    with (course / file).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{text}\n")
    if not told:
        release(tmp_path / "out", course)
        return
    with pytest.raises(ReleaseError, match=re.escape(f"{file}: it shows the {told}")):
        release(tmp_path / "out", course)
    assert not (tmp_path / "out").exists()


def test_a_hidden_file_among_the_samples_is_refused(course: Path, tmp_path: Path) -> None:
    hidden = next(course.glob("solutions/*/hidden/*/inputs/*.parquet"))
    shutil.copy(hidden, course / "datasets" / "samples" / "more.parquet")
    with pytest.raises(ReleaseError, match=r"more\.parquet: it is the hidden file solutions/"):
        release(tmp_path / "out", course)


def test_an_update_keeps_what_the_learner_changed(course: Path, tmp_path: Path) -> None:
    target = tmp_path / "learners"
    release(target, course)
    notebook = sorted(path.relative_to(course) for path in course.glob("modules/*/*.ipynb"))[0]
    beside = notebook.with_name(f"{notebook.stem}.new.ipynb")
    (target / notebook).write_text("the learner's work", encoding="utf-8")
    (target / "docs" / "datasets.md").write_text("the learner's notes", encoding="utf-8")
    (target / "mine.py").write_text("x = 1", encoding="utf-8")

    unchanged = release(target, course)
    assert (unchanged.written, unchanged.beside) == ((), {})

    released = (course / notebook).read_text(encoding="utf-8").replace("how orders came in", "how they came in")
    (course / notebook).write_text(released, encoding="utf-8")
    (course / "LICENSE").write_text("another licence", encoding="utf-8")
    (course / "datasets" / "build.py").unlink()
    changes = release(target, course)
    assert changes.beside == {notebook: beside}
    assert (target / notebook).read_text(encoding="utf-8") == "the learner's work"
    assert (target / beside).read_text(encoding="utf-8") == released
    assert (target / "autograder" / "pristine" / Path(*notebook.parts[1:])).read_text(encoding="utf-8") == released
    assert (target / "docs" / "datasets.md").read_text(encoding="utf-8") == "the learner's notes"
    assert (target / "LICENSE").read_text(encoding="utf-8") == "another licence"
    assert (target / "mine.py").exists()
    assert changes.removed == (Path("datasets/build.py"),)


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter 1", encoding="utf-8")
    with pytest.raises(ReleaseError, match="is not empty and holds no earlier release"):
        release(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_incomplete_course_is_refused(course: Path, tmp_path: Path) -> None:
    (course / "jars.lock").unlink()
    with pytest.raises(ReleaseError, match=r"jars\.lock is missing"):
        release(tmp_path / "out", course)


def test_the_learners_makefile_has_their_targets_only() -> None:
    text = releasing.learner_makefile((paths.ROOT / "Makefile").read_text(encoding="utf-8"))
    targets = re.findall(r"^([a-z-]+):(?!=)", text, re.MULTILINE)
    assert targets == list(releasing.MAKE_TARGETS)
    assert "verify" not in text and "pytest --" not in text and "$(COURSE) lab" in text


def graded(number: str) -> list[str]:
    """The ids of a notebook's automatically graded exercises."""
    return [spec.id for spec in manifest.notebook(number).exercises if spec.kind != "written"]


def learner_environment(folder: Path) -> dict[str, str]:
    """The environment of somebody who has only the release."""
    ours = ("COURSE_", "SPARK_", "PYTHONPATH", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def run(folder: Path, *arguments: str) -> str:
    """What a Python command prints in the released folder."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=learner_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_released_package_works_by_itself(released: Path) -> None:
    verbs = run(released, "-m", "autograder.cli", "--help")
    assert re.findall(r"^  ([a-z]+) ", verbs.partition("Commands:")[2], re.MULTILINE) == [
        "setup", "doctor", "lab", "check", "hint", "progress", "reset", "watch", "data", "services", "stream",
    ]  # fmt: skip
    code = "import autograder, datasets; autograder.check; print(autograder.__file__, datasets.__file__)"
    assert all(path.startswith(f"{released}/") for path in run(released, "-c", code).split())


def test_every_released_module_can_be_imported(released: Path) -> None:
    names = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in files_of(released)
        if name.startswith(("autograder/", "datasets/")) and name.endswith(".py") and not name.endswith("__main__.py")
    )
    assert len(names) > 40
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]; print(sorted(sys.modules))"
    imported = run(released, "-c", code, *names)
    assert "'autograder.authoring" not in imported
    assert "'autograder.grading" not in imported


def test_reset_needs_nothing_but_the_release(released: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(released, tmp_path / "learners"))
    notebook = next(folder.glob("modules/*/1.1_*.ipynb"))
    before = notebook.read_text(encoding="utf-8")
    notebook.write_text(before.replace("raise NotImplementedError()", "return 1"), encoding="utf-8")
    run(folder, "-m", "autograder.cli", "reset", "--yes", "--exercise", "1.1.2")
    text = notebook.read_text(encoding="utf-8")
    assert text.count("raise NotImplementedError()") == 1
    assert text.count("return 1") == before.count("raise NotImplementedError()") - 1 == len(graded("1.1")) - 1
    run(folder, "-m", "autograder.cli", "reset", "--yes", "1.1")
    assert notebook.read_text(encoding="utf-8") == before


def test_a_released_notebook_runs_and_says_not_attempted(released: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(released, tmp_path / "learners"))
    path = next(folder.glob("modules/*/1.1_*.ipynb"))
    document = nbformat.read(path, as_version=4)
    client = NotebookClient(
        document, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute(env=learner_environment(folder))
    verdicts = [
        found["data"][render.MIME]
        for cell in document.cells
        for found in cell.get("outputs", ())
        if render.MIME in found.get("data", {})
    ]
    assert [verdict["exercise"] for verdict in verdicts] == graded("1.1")
    assert {verdict["status"] for verdict in verdicts} == {"not_attempted"}
    assert (folder / MARKER).is_file()
