"""`course release`: writes the learners' repository from a list of what they may have, and searches it for the rest.

An update never overwrites a file that the learner has changed: the new version is written beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from string import Template

from autograder import manifest, paths
from autograder.authoring import hidden, source
from autograder.authoring.notebooks import plain_text
from autograder.authoring.source import Source
from autograder.models import NotebookSpec

MARKER = ".course-release.json"
"""Lists the SHA-256 of every file as it was released; it tells what the learner has changed since."""

README = Path(__file__).with_name("learner_readme.md")

FILES = (
    ".gitignore",
    "LICENSE",
    "LICENSE-text",
    "environment.yml",
    "jars.lock",
    "pyproject.toml",
    "requirements.in",
    "requirements.lock",
    "docs/datasets.md",
    "docs/images/datasets.png",
    "docs/services.md",
    "docs/troubleshooting.md",
    "autograder/__init__.py",
    "autograder/cli.py",
    "autograder/manifest.json",
    "autograder/manifest.py",
    "autograder/models.py",
    "autograder/paths.py",
    "autograder/commands/__init__.py",
    *(
        f"autograder/commands/{verb}.py"
        for verb in (
            "setup",
            "doctor",
            "lab",
            "check",
            "hint",
            "progress",
            "reset",
            "watch",
            "data",
            "services",
            "stream",
        )
    ),
)
"""Single files, each of which must be there."""

FOLDERS = {
    "autograder/checks": (".py",),
    "autograder/compare": (".py",),
    "autograder/learner": (".py",),
    "autograder/render": (".py", ".css", ".html"),
    "autograder/runtime": (".py",),
    "autograder/services": (".py",),
    "autograder/setup": (".py", ".conf", ".properties", ".sh", ".lock"),
    "binder": ("", ".yml"),
    "datasets": (".py", ".parquet", ".json", ".jsonl", ".csv", ".txt"),
}
"""Folders whose files with these suffixes learners get, subfolders included."""

MAKE_TARGETS = ("help", "environment", "setup", "lab", "clean")
"""The targets of the Makefile that learners keep."""


class ReleaseError(Exception):
    """Nothing was written; the message says why and what to do."""


@dataclass(frozen=True)
class ReleasedFile:
    """The content of one file, and whether it may be executed."""

    content: bytes
    executable: bool = False

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Changes:
    """What a release changed in its folder. `beside` maps a file that the learner has changed to its new version."""

    written: tuple[Path, ...]
    removed: tuple[Path, ...]
    beside: dict[Path, Path]


def release(target: Path, root: Path = paths.ROOT) -> Changes:
    """Write or update the learners' repository in `target`. Equal courses give equal files.

    Raises ReleaseError when `target` holds something else, when the course is not complete, or when a released file
    would show something hidden.
    """
    before = _released_before(target)
    files = contents(root)
    found = list(leaks(files, root))
    if found:
        raise ReleaseError(
            "\n".join(
                [
                    *found,
                    f"{len(found)} hidden things would be released: change the file or the source. Nothing was written.",
                ]
            )
        )
    return _write(target, files, before)


def contents(root: Path = paths.ROOT) -> dict[Path, ReleasedFile]:
    """All files of a release by relative path. Raises ReleaseError when one is missing."""
    notebooks = manifest.notebooks(root / "autograder" / "manifest.json")
    files = {Path(name): _read(root / name) for name in FILES}
    for folder, suffixes in FOLDERS.items():
        files |= _below(root, folder, suffixes)
    for notebook in notebooks:
        relative = Path(notebook.assignment, f"{notebook.name}.ipynb")
        files[Path("modules", relative)] = files[Path("autograder/pristine", relative)] = _read(
            root / "modules" / relative
        )
        for exercise in notebook.exercises:
            if exercise.kind != "written":
                files |= _below(root, f"autograder/references/{exercise.id}", None)
    files[Path("Makefile")] = ReleasedFile(learner_makefile(_read(root / "Makefile").content.decode()).encode())
    text = Template(README.read_text(encoding="utf-8")).substitute(notebooks=_table_of_contents(notebooks))
    files[Path("README.md")] = ReleasedFile(text.encode())
    return dict(sorted(files.items()))


def leaks(files: dict[Path, ReleasedFile], root: Path = paths.ROOT) -> Iterator[str]:
    """One line for each hidden thing that files would show: text of any source, or a whole hidden file."""
    sources = source.read_all(root / "solutions")
    secrets = hidden.Finder(secret for item in sources for secret in hidden.secrets(item, sources))
    forbidden = {**_digests(_hidden_files(root)), **_digests(path for item in sources for path in _source_files(item))}
    public = {file.digest for path, file in files.items() if path.is_relative_to("autograder/references")}
    for path, file in files.items():
        if file.digest in forbidden and file.digest not in public:
            yield f"{path}: it is the hidden file {forbidden[file.digest].relative_to(root)}."
        for secret in secrets.search(hidden.readable(file.content)):
            yield f"{path}: it shows the {secret.kind} of {secret.exercise}: {secret.text[:80]}"


def learner_makefile(text: str) -> str:
    """The Makefile with its variables and `MAKE_TARGETS`, without what only authors and instructors can run."""
    kept: list[str] = []
    keep = True
    for line in text.splitlines():
        target = re.match(r"([A-Za-z][\w-]*):(?!=)", line)
        if target:
            keep = target[1] in MAKE_TARGETS
        elif line.startswith(".PHONY:"):
            line = f".PHONY: {' '.join(MAKE_TARGETS)}"
        if keep and not (line == "" and kept and kept[-1] == ""):
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"


def _released_before(target: Path) -> dict[str, str]:
    """The digests of the release that lies in a folder; empty for a folder with nothing in it but perhaps `.git`."""
    marker = target / MARKER
    if marker.is_file():
        return dict(json.loads(marker.read_text(encoding="utf-8"))["files"])
    if target.exists() and (not target.is_dir() or any(path.name != ".git" for path in target.iterdir())):
        raise ReleaseError(
            f"{target} is not empty and holds no earlier release. Name a new folder; nothing was written."
        )
    return {}


def _write(target: Path, files: dict[Path, ReleasedFile], before: dict[str, str]) -> Changes:
    written, removed, beside = [], [], {}
    for relative, file in files.items():
        path = target / relative
        known = before.get(relative.as_posix())
        present = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        if present == file.digest:
            continue
        if present is None or present == known:
            _put(path, file)
            written.append(relative)
        elif known != file.digest:
            beside[relative] = relative.with_name(f"{relative.stem}.new{relative.suffix}")
            _put(target / beside[relative], file)
    for name, digest in sorted(before.items()):
        path = target / name
        if Path(name) not in files and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            path.unlink()
            removed.append(Path(name))
    listed = {PurePosixPath(relative).as_posix(): file.digest for relative, file in files.items()}
    text = json.dumps({"schema_version": 1, "files": listed}, indent=1, sort_keys=True) + "\n"
    _put(target / MARKER, ReleasedFile(text.encode()))
    return Changes(tuple(written), tuple(removed), beside)


def _put(path: Path, file: ReleasedFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    path.chmod(0o755 if file.executable else 0o644)


def _read(path: Path) -> ReleasedFile:
    try:
        return ReleasedFile(path.read_bytes(), bool(path.stat().st_mode & 0o100))
    except FileNotFoundError as error:
        raise ReleaseError(f"{path} is missing, and learners need it. Nothing was written.") from error


def _below(root: Path, folder: str, suffixes: tuple[str, ...] | None) -> dict[Path, ReleasedFile]:
    """The files of a folder with one of the suffixes (all when None), caches aside."""
    found = {
        path.relative_to(root): _read(path)
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and (suffixes is None or path.suffix in suffixes)
    }
    if not found:
        raise ReleaseError(f"{root / folder} has none of the files that learners need. Nothing was written.")
    return found


def _table_of_contents(notebooks: Iterable[NotebookSpec]) -> str:
    rows = [
        f"| [{entry.number} {plain_text(entry.title)}](modules/{entry.assignment}/{entry.name}.ipynb) "
        f"| {entry.minutes} minutes |"
        for entry in notebooks
    ]
    return "\n".join(["| notebook | time |", "|---|---|", *rows])


def _hidden_files(root: Path) -> list[Path]:
    return [path for path in (root / "solutions").glob("*/hidden/**/*") if path.is_file()]


def _source_files(item: Source) -> list[Path]:
    return [path for path in (item.path, item.path.with_suffix(".ipynb")) if path.is_file()]


def _digests(found: Iterable[Path]) -> dict[str, Path]:
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in found}
