"""What this learner has done so far, in `<STATE>/progress.json`: status and hints shown per exercise. Written atomically."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder import paths
from autograder.models import Verdict


def progress_file() -> Path:
    """Where progress is kept."""
    return paths.STATE / "progress.json"


def read() -> dict[str, dict[str, Any]]:
    """Per exercise id: `status`, `checked_at` (UTC), `attempts`, `hints_shown`. A damaged file is set aside, not lost."""
    path = progress_file()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError("not an object")
        return document
    except FileNotFoundError:
        return {}
    except ValueError:
        path.replace(path.with_suffix(".damaged.json"))
        return {}
    except OSError:
        return {}


def record(verdict: Verdict) -> None:
    """Remember a verdict."""
    _update(
        verdict.exercise,
        lambda entry: (
            entry
            | {
                "status": str(verdict.status),
                "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "attempts": int(entry.get("attempts", 0)) + 1,
            }
        ),
    )


def next_hint(exercise: str, available: int) -> int:
    """The index of the next hint to show, from 0; the last one again when all have been shown."""
    shown = min(int(read().get(exercise, {}).get("hints_shown", 0)), max(available - 1, 0))
    _update(exercise, lambda entry: entry | {"hints_shown": min(shown + 1, available)})
    return shown


def forget(exercises: list[str]) -> None:
    """Start the given exercises over."""
    document = read()
    for exercise in exercises:
        document.pop(exercise, None)
    _write(document)


def _update(exercise: str, change: Any) -> None:
    document = read()
    document[exercise] = change(document.get(exercise, {}))
    _write(document)


def _write(document: dict[str, dict[str, Any]]) -> None:
    """A full or read-only disk must not cost the learner a verdict, so failing to remember is not an error."""
    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".progress-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=1, sort_keys=True)
        Path(temporary).replace(path)
    except OSError:
        return
