"""Fetching the jars of `jars.lock` into `<state>/jars`.

jgo does the fetching: it knows Maven Central by itself, and takes mirrors from the `[repositories]` section of the
user's own `jgo.conf`. It checks nothing against a lock, so every file is compared with its SHA-256 before it
gets its name.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from autograder.paths import ROOT, STATE
from autograder.setup.errors import SetupError, from_os_error
from autograder.setup.jars_lock import LockedJar, problem_with, read_lock

TIMEOUT = 30
"""Seconds without an answer after which a download has failed."""

ProgressCallback = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True)
class FetchResult:
    """Where the jars of a group are, in lock order, and which of them had to be fetched or repaired."""

    paths: tuple[Path, ...]
    fetched: tuple[Path, ...]


def fetch_jars(
    group: str = "notebooks", root: Path = ROOT, state: Path = STATE, show_progress: bool = True
) -> FetchResult:
    """Makes sure that every jar of a group of `jars.lock` is in `<state>/jars`, whole and with the locked SHA-256.

    Jars that are right are left alone; truncated or wrong ones are replaced, each in one step. An interrupted fetch
    leaves no half file behind. Raises SetupError, with the remedy, when the network, the disk or a checksum forbids it.
    """
    locked = read_lock(root / "jars.lock")
    if group not in locked:
        raise SetupError(f"jars.lock has no group {group!r}; it has: {', '.join(locked)}.")
    folder = state / "jars"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        wanting = [jar for jar in locked[group] if problem_with(folder / jar.filename, jar)]
        if wanting:
            with (
                tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch,
                _progress(wanting, show_progress) as bar,
            ):
                for jar in wanting:
                    _fetch(jar, folder, Path(scratch), bar)
    except requests.RequestException as error:
        raise SetupError(
            f"The jars could not be fetched from Maven Central ({type(error).__name__}); check the network connection "
            "(behind a proxy, set HTTPS_PROXY; a mirror goes under [repositories] in ~/.config/jgo.conf) and run "
            "`course setup` again."
        ) from error
    except OSError as error:
        raise from_os_error(error, folder) from error
    return FetchResult(
        paths=tuple(folder / jar.filename for jar in locked[group]),
        fetched=tuple(folder / jar.filename for jar in wanting),
    )


def _fetch(jar: LockedJar, folder: Path, scratch: Path, bar: ProgressCallback) -> None:
    group_id, artifact_id, version = jar.coordinates.split(":")
    context = MavenContext(PythonResolver(progress_callback=bar), repo_cache=scratch, timeout=TIMEOUT)
    context.remote_repos = {**GlobalSettings.load().repositories, **context.remote_repos}
    try:
        path = Path(context.project(group_id, artifact_id).at_version(version).artifact().resolve())
    except RuntimeError as error:
        raise SetupError(
            f"{jar.coordinates} is not in the Maven repositories that were asked; check the mirrors in your jgo.conf, "
            "then run `course setup` again."
        ) from error
    problem = problem_with(path, jar)
    if problem:
        raise SetupError(
            f"What was fetched as {jar.filename} is {problem} and was thrown away; run `course setup` again, and if it "
            "stays so, do not trust the network or mirror you are using."
        )
    path.replace(folder / jar.filename)


@contextmanager
def _progress(wanting: list[LockedJar], show: bool) -> Iterator[ProgressCallback]:
    """One progress bar over all bytes to fetch, as the callback that jgo takes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not show) as progress:
        task = progress.add_task("Fetching jars", total=sum(jar.size for jar in wanting))

        @contextmanager
        def one_file(filename: str, _size: int) -> Iterator[Callable[[int], None]]:
            progress.update(task, description=f"Fetching {filename}")
            yield lambda received: progress.advance(task, received)

        yield one_file
