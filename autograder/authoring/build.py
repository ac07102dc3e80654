"""`course build`: from every source the twin, the learner's notebook, the references, the hidden variants and the manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder import manifest, paths
from autograder.authoring import notebooks, source
from autograder.authoring.examples import examples
from autograder.authoring.execute import execute
from autograder.authoring.noise import without_noise
from autograder.authoring.source import Source, SourceError
from autograder.models import ExerciseSpec, NotebookSpec
from autograder.runtime.cases import SAMPLE


@dataclass(frozen=True)
class Built:
    """All that one source generates: file contents by path relative to the repository, and the manifest entry."""

    files: dict[Path, bytes]
    notebook: NotebookSpec


def build(
    numbers: Iterable[str] = (),
    *,
    root: Path = paths.ROOT,
    jobs: int = 1,
    recorded: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[Path, bytes]:
    """Generate the files of the chosen notebooks (all when none is named) and the manifest; writes nothing.

    `jobs` notebooks run at a time, each in a kernel of its own. With `recorded`, nothing runs: that folder holds what the
    solutions' notebooks recorded when somebody else ran them, as nbval does, with `COURSE_RECORD` set; outputs are then
    taken as they stand in the repository. Returns contents by path relative to `root`. Raises SourceError, TwinFailed, or
    RecordError out of the twin's kernel.
    """
    sources = source.read_all(root / "solutions")
    wanted = set(numbers) or {item.number for item in sources}
    unknown = wanted - {item.number for item in sources}
    if unknown:
        raise SourceError(f"There is no source for {', '.join(sorted(unknown))} in solutions/.")
    known = {entry.number: entry for entry in manifest.notebooks(root / "autograder" / "manifest.json")}
    files: dict[Path, bytes] = {}

    def build_at(position: int) -> Built:
        progress(f"{sources[position].number} {sources[position].title}")
        previous = sources[position - 1] if position else None
        following = sources[position + 1] if position + 1 < len(sources) else None
        if recorded is not None:
            return build_recorded(sources[position], previous, following, recorded, root)
        return build_one(sources[position], previous, following)

    positions = [position for position, item in enumerate(sources) if item.number in wanted]
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        running = [pool.submit(build_at, position) for position in positions]
        try:
            for built in (future.result() for future in running):
                files |= built.files
                known[built.notebook.number] = built.notebook
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    entries = [known[item.number] for item in sources if item.number in known]
    unordered = {exercise.id for entry in entries for exercise in entry.exercises if _any_order(exercise)}
    steady = {
        path: without_noise(root / path, content, any_order=not unordered.isdisjoint(path.parts))
        for path, content in files.items()
    }
    return {**steady, Path("autograder/manifest.json"): manifest.dump(entries).encode()}


def _any_order(exercise: ExerciseSpec) -> bool:
    """Whether the rows of an exercise's answer may come in any order. (Answers of the other kinds are kept in a fixed one.)"""
    return exercise.kind == "dataframe" and not exercise.options.get("ordered")


def build_one(item: Source, previous: Source | None, following: Source | None) -> Built:
    """Execute one twin and collect everything that it generates."""
    with tempfile.TemporaryDirectory(prefix="course-build-") as temporary:
        recorded, work = Path(temporary, "recorded"), Path(temporary, "work")
        recorded.mkdir()
        work.mkdir()
        twin = execute(notebooks.twin(item, previous, following), item.name, recorded, work)
        return _built(item, twin, recorded)


def build_recorded(
    item: Source, previous: Source | None, following: Source | None, recorded: Path, root: Path = paths.ROOT
) -> Built:
    """What `build_one` collects, from a twin that has run elsewhere. Outputs of cells that have not changed are the stored ones."""
    twin = notebooks.twin(item, previous, following)
    stored = root / "solutions" / item.assignment / f"{item.name}.ipynb"
    if stored.exists():
        notebooks.take_outputs(twin, stored)
    return _built(item, twin, recorded)


def _built(item: Source, twin: NotebookNode, recorded: Path) -> Built:
    files = {
        Path("solutions", item.assignment, f"{item.name}.ipynb"): notebooks.dump(twin).encode(),
        Path("modules", item.assignment, f"{item.name}.ipynb"): notebooks.dump(notebooks.learner(twin)).encode(),
    }
    for exercise in item.exercises:
        if not (recorded / exercise).is_dir():
            raise SourceError(f'{item.name}: the cell that checks {exercise} never called `check("{exercise}", ...)`.')
        files |= _below(recorded / exercise / SAMPLE, Path("autograder", "references", exercise))
    files |= _hidden(item, recorded)
    return Built(files, _notebook_spec(item, recorded))


def owned(root: Path, numbers: Iterable[str] = ()) -> set[Path]:
    """Files on disk that `build` of these notebooks (all when none is named) is responsible for, relative to `root`."""
    wanted = set(numbers)
    found: set[Path] = set()
    for pattern in (
        "solutions/*/*.ipynb",
        "modules/*/*.ipynb",
        "solutions/*/hidden/*/**/*",
        "autograder/references/*/*",
    ):
        for path in root.glob(pattern):
            relative = path.relative_to(root)
            if path.is_file() and (not wanted or _number_of(relative) in wanted):
                found.add(relative)
    return found


def write(files: dict[Path, bytes], root: Path = paths.ROOT, numbers: Iterable[str] = ()) -> list[str]:
    """Bring the repository up to date: write what differs, remove generated files that are no longer made. Returns what changed."""
    changed = drift(files, root, numbers)
    for relative in owned(root, numbers) - set(files):
        (root / relative).unlink()
    for relative, content in files.items():
        path = root / relative
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for folder in sorted((root / "solutions").glob("*/hidden/**/"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            shutil.rmtree(folder)
    return changed


def drift(files: dict[Path, bytes], root: Path = paths.ROOT, numbers: Iterable[str] = ()) -> list[str]:
    """One line for each generated file on disk that is missing, different or left over."""
    lines = []
    for relative, content in sorted(files.items()):
        path = root / relative
        if not path.exists():
            lines.append(f"missing: {relative}")
        elif path.read_bytes() != content:
            lines.append(f"differs: {relative}")
    return lines + [f"left over: {relative}" for relative in sorted(owned(root, numbers) - set(files))]


def _number_of(relative: Path) -> str:
    """The notebook number that a generated file belongs to."""
    if relative.parts[0] == "autograder":
        return relative.parts[2].rpartition(".")[0]
    name = relative.parts[3] if "hidden" in relative.parts else relative.name
    return name.split("_")[0]


def _below(folder: Path, target: Path) -> dict[Path, bytes]:
    return {
        target / path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def _hidden(item: Source, recorded: Path) -> dict[Path, bytes]:
    """`index.json`, the changed tables named by their content (variants share them), and the expected answers."""
    home = Path("solutions", item.assignment, "hidden", item.name)
    files: dict[Path, bytes] = {}
    index: dict[str, list[dict[str, Any]]] = {}
    for exercise in item.exercises:
        index[exercise] = []
        for number, folder in enumerate(
            sorted((recorded / exercise / "variants").glob("*"), key=lambda path: int(path.name))
        ):
            case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
            inputs = {}
            for parameter in case["files"]:
                content = (folder / f"{parameter}.parquet").read_bytes()
                inputs[parameter] = f"inputs/{hashlib.sha256(content).hexdigest()[:16]}.parquet"
                files[home / inputs[parameter]] = content
            expected = f"{exercise}/{number}"
            files |= _below(folder / "expected", home / expected)
            index[exercise].append({**case, "files": inputs, "expected": expected})
    text = json.dumps({"exercises": index}, indent=1, ensure_ascii=False) + "\n"
    files[home / "index.json"] = text.encode()
    return files


def _notebook_spec(item: Source, recorded: Path) -> NotebookSpec:
    exercises = []
    for cell in item.cells:
        if cell.kind == "check":
            exercises.append(_exercise_spec(item, cell.exercise, float(cell.metadata.get("points", 0)), recorded))
        elif cell.kind == "written":
            title, points = str(cell.metadata.get("title", "")), float(cell.metadata.get("points", 0))
            exercises.append(ExerciseSpec(cell.exercise, title, "written", points))
    shown = tuple(examples(item, notebooks.twin(item, None, None).cells))
    return NotebookSpec(item.number, item.title, item.assignment, item.name, item.minutes, tuple(exercises), shown)


def _exercise_spec(item: Source, exercise: str, points: float, recorded: Path) -> ExerciseSpec:
    said = json.loads((recorded / exercise / "spec.json").read_text(encoding="utf-8"))
    answers = item.of("answer", exercise)
    if len(answers) != 1:
        raise SourceError(f"{item.name}: exercise {exercise} needs exactly one `answer` cell, found {len(answers)}.")
    return ExerciseSpec(
        id=exercise,
        title=str(answers[0].metadata.get("title", "")),
        kind=said["kind"],
        points=points,
        function=said["function"],
        parameters=tuple(said["parameters"]),
        arguments=said["arguments"],
        options=said["options"],
        hints=item.hints(exercise),
        deadline=said["deadline"],
    )
