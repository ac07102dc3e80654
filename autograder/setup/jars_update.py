"""Writes `jars.lock` anew: fetches each of its coordinates and records size and SHA-256. For maintainers: `make lock`.

To raise a version, edit its coordinates in the lock, run this, and read the difference.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.maven import MavenContext

from autograder.paths import ROOT
from autograder.setup.jars import TIMEOUT
from autograder.setup.jars_lock import LockedJar, read_lock, sha256_of


def measure(coordinates: str, scratch: Path) -> LockedJar:
    """Fetches one jar into `scratch` and describes it. Raises RuntimeError when no repository has it."""
    group_id, artifact_id, version = coordinates.split(":")
    context = MavenContext(repo_cache=scratch, timeout=TIMEOUT)
    context.remote_repos = {**GlobalSettings.load().repositories, **context.remote_repos}
    path = Path(context.project(group_id, artifact_id).at_version(version).artifact().resolve())
    return LockedJar(coordinates, sha256_of(path), path.stat().st_size)


def update(lock: Path) -> None:
    """Rewrites `lock` in place; its leading comment stays."""
    comment = re.match(r"(#[^\n]*\n)*", lock.read_text(encoding="utf-8"))
    entries = []
    with tempfile.TemporaryDirectory() as scratch:
        for group, jars in read_lock(lock).items():
            for jar in (measure(jar.coordinates, Path(scratch)) for jar in jars):
                entries.append(f'[[{group}]]\njar = "{jar.coordinates}"\nsha256 = "{jar.sha256}"\nsize = {jar.size}\n')
    lock.write_text((comment.group() if comment else "") + "\n" + "\n".join(entries), encoding="utf-8")


if __name__ == "__main__":
    update(ROOT / "jars.lock")
