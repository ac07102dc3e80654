"""How much memory this process may still use: what the machine has free, or what is left of its container's limit."""

from __future__ import annotations

from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")


def available_memory(cgroups: Path = CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes. The least of the machine's available memory and of what every enclosing control group has left."""
    left = [psutil.virtual_memory().available]
    for folder, limit_file, usage_file, cache_key in _groups(cgroups, membership):
        limit = _number(folder / limit_file)
        usage = _number(folder / usage_file)
        if limit is not None and usage is not None:
            # Page cache counts as used, but is given back when a program asks for memory.
            left.append(limit - usage + _statistic(folder / "memory.stat", cache_key))
    return max(0, min(left))


def _groups(cgroups: Path, membership: Path) -> list[tuple[Path, str, str, str]]:
    """(folder, limit file, usage file, name of the reclaimable cache) of each control group around this process.

    A container sees its own group as the root of the hierarchy, so the root is always looked at too.
    """
    unified = ("memory.max", "memory.current", "inactive_file")
    version_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    found: list[tuple[Path, str, str, str]] = [(cgroups, *unified), (cgroups / "memory", *version_1)]
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base, names = (cgroups / "memory", version_1) if controllers else (cgroups, unified)
        folder = base / path.lstrip("/")
        while folder != base and base in folder.parents:
            found.append((folder, *names))
            folder = folder.parent
    return found


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no such group, or "max"
        return None


def _statistic(path: Path, key: str) -> int:
    try:
        pairs = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
        return next((int(value) for name, value in pairs if name == key), 0)
    except (OSError, ValueError):
        return 0
