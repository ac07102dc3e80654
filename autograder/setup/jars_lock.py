"""`jars.lock`: which jars the course runs on, what each must hash to, and whether a file is that jar."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LockedJar:
    """One jar: Maven coordinates `group:artifact:version`, SHA-256 in hexadecimal, size in bytes."""

    coordinates: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        """The name that Maven gives the file, such as `postgresql-42.7.8.jar`."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def read_lock(path: Path) -> dict[str, tuple[LockedJar, ...]]:
    """Group name → jars, in file order. The group "notebooks" is what every Spark session loads.

    Raises FileNotFoundError when there is no lock, and ValueError naming the entry that is not complete.
    """
    groups: dict[str, tuple[LockedJar, ...]] = {}
    for group, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
        try:
            groups[group] = tuple(LockedJar(entry["jar"], entry["sha256"], int(entry["size"])) for entry in entries)
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{path.name}: an entry of [{group}] has no {error}; each needs jar, sha256 and size."
            ) from error
    return groups


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def problem_with(path: Path, jar: LockedJar) -> str:
    """What is wrong with the file of a jar, in a few words; "" when it is the locked one."""
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size < jar.size:
        return f"truncated ({size:,} of {jar.size:,} bytes)"
    if size > jar.size or sha256_of(path) != jar.sha256:
        return "not the locked file (its SHA-256 differs)"
    return ""
