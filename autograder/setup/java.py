"""Finding the Java that Spark's launcher would start, and asking it for its version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MINIMUM = 17
NEWEST_TRIED = 21
"""Spark 4.1 is built for Java 17 and 21."""

INSTALL = (
    "install Java 17 (Debian, Ubuntu: sudo apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17; "
    "conda: conda install -c conda-forge openjdk=17)"
)


@dataclass(frozen=True)
class Java:
    """`executable` is what Spark will start; `version` is the feature release (17), or None if it would not say."""

    executable: Path
    version: int | None


def find_java(environment: Mapping[str, str] | None = None) -> Java | None:
    """The Java of `JAVA_HOME`, else the first on `PATH`: the order of Spark's launcher. None when there is none."""
    environment = os.environ if environment is None else environment
    home = environment.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=environment.get("PATH", ""))
    if not found or not os.access(found, os.X_OK):
        return None
    return Java(Path(found), _version(found))


def _version(executable: str) -> int | None:
    try:
        answer = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None
