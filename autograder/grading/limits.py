"""Limits on memory and processes of a sandbox: a control group where one can be made, else resource limits and a
watchdog.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

HIERARCHY = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Bytes and seconds.

    `scratch` is the size of the private /tmp, `output` that of all answers together; `processes` counts threads too, of
    which Spark starts hundreds. `owner` becomes part of the name of the control group, so that it can be found when the
    grader that made it was killed.
    """

    memory: int = 3_000_000_000
    processes: int = 2048
    seconds: float = 600.0
    scratch: int = 1_000_000_000
    output: int = 200_000_000
    members: int = 5_000
    owner: str = ""


@dataclass(frozen=True)
class ControlGroup:
    """A control group made for one sandbox: `folders` are its directories (one per controller under version 1)."""

    folders: tuple[Path, ...]
    version: int

    @property
    def enter(self) -> tuple[str, ...]:
        """The files into which a process writes its own id to join."""
        return tuple(str(folder / "cgroup.procs") for folder in self.folders)

    def out_of_memory(self) -> bool:
        """Whether the kernel killed a process of the group for its memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        for folder in self.folders:
            with contextlib.suppress(OSError):
                fields = dict(line.split(" ", 1) for line in (folder / name).read_text().splitlines() if " " in line)
                if int(fields.get("oom_kill", "0")) > 0:
                    return True
        return False

    def out_of_processes(self) -> bool:
        """Whether a process of the group was refused a new process or thread."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                fields = dict(line.split(" ", 1) for line in (folder / "pids.events").read_text().splitlines())
                if int(fields.get("max", "0")) > 0:
                    return True
        return False

    def peak_memory(self) -> int:
        """The most memory that the group ever held, in bytes, file cache included; 0 where the kernel does not say."""
        name = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        for folder in self.folders:
            with contextlib.suppress(OSError, ValueError):
                return int((folder / name).read_text())
        return 0

    def kill(self) -> None:
        """Kill what is left in the group and remove it."""
        deadline = time.monotonic() + 5
        for folder in self.folders:
            while folder.exists() and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    for process in (folder / "cgroup.procs").read_text().split():
                        with contextlib.suppress(OSError):
                            os.kill(int(process), 9)
                    folder.rmdir()
                    break
                time.sleep(0.02)


def make_control_group(limits: Limits) -> ControlGroup | None:
    """A new control group with the limits set, or None where this process may not make one."""
    try:
        return _version_2(limits) if (HIERARCHY / "cgroup.controllers").exists() else _version_1(limits)
    except OSError:
        return None


def remove_groups_of(owner: str) -> None:
    """Kill and remove the control groups that a grader which is gone left behind (`Limits.owner`)."""
    with contextlib.suppress(OSError, KeyError):
        own, version = _own_groups(), 2 if (HIERARCHY / "cgroup.controllers").exists() else 1
        homes = [
            HIERARCHY / controller / own[controller] for controller in ("memory", "pids", "cpu") if controller in own
        ]
        if version == 2:
            homes = [HIERARCHY / own[""], (HIERARCHY / own[""]).parent]
        for home in homes:
            for folder in home.glob(f"{_name(owner)}*"):
                ControlGroup((folder,), version).kill()


def _name(owner: str) -> str:
    return f"course-{owner}-" if owner else "course-"


def _own_groups() -> dict[str, str]:
    """Controller (empty for version 2) → path of the group that this process is in."""
    groups = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path.lstrip("/")
    return groups


def _version_1(limits: Limits) -> ControlGroup:
    own = _own_groups()
    name = _name(limits.owner) + uuid.uuid4().hex[:12]
    folders: list[Path] = []
    try:
        for controller, settings in {
            "memory": {"memory.limit_in_bytes": limits.memory},
            "pids": {"pids.max": limits.processes},
        }.items():
            folder = HIERARCHY / controller / own[controller] / name
            folder.mkdir()
            folders.append(folder)
            for setting, value in settings.items():
                (folder / setting).write_text(str(value))
        # A group of its own gets its share of the processors, however many busy processes another submission has.
        with contextlib.suppress(OSError, KeyError):
            folder = HIERARCHY / "cpu" / own["cpu"] / name
            folder.mkdir()
            folders.append(folder)
        # Swap counts on top of memory where the kernel accounts for it; without that there is no such file.
        with contextlib.suppress(OSError):
            (folders[0] / "memory.memsw.limit_in_bytes").write_text(str(limits.memory))
    except (OSError, KeyError) as error:
        for folder in folders:
            folder.rmdir()
        raise OSError(str(error)) from error
    return ControlGroup(tuple(folders), version=1)


def _version_2(limits: Limits) -> ControlGroup:
    parent = _delegated_group()
    folder = parent / (_name(limits.owner) + uuid.uuid4().hex[:12])
    folder.mkdir()
    try:
        (folder / "memory.max").write_text(str(limits.memory))
        (folder / "pids.max").write_text(str(limits.processes))
        with contextlib.suppress(OSError):
            (folder / "memory.swap.max").write_text("0")
        with contextlib.suppress(OSError):
            (folder / "memory.oom.group").write_text("0")
    except OSError:
        folder.rmdir()
        raise
    return ControlGroup((folder,), version=2)


def _delegated_group() -> Path:
    """A group whose children may have memory and process limits. Raises OSError when there is none that we may use.

    A group of version 2 holds either processes or limited children. In a group of our own (as `systemd-run --user
    --scope -p Delegate=yes` makes) this process first moves itself into a child; any other group is left alone.
    """
    own = HIERARCHY / _own_groups()[""]
    for candidate in (own, own.parent):
        enabled = (candidate / "cgroup.subtree_control").read_text().split()
        if {"memory", "pids"} <= set(enabled) and os.access(candidate, os.W_OK):
            return candidate
    family = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    members = {int(process) for process in (own / "cgroup.procs").read_text().split()}
    if not members <= family:
        raise OSError("the control group of this process holds other processes too")
    leaf = own / "course"
    leaf.mkdir(exist_ok=True)
    for process in members:
        (leaf / "cgroup.procs").write_text(str(process))
    (own / "cgroup.subtree_control").write_text("+memory +pids")
    with contextlib.suppress(OSError):  # shares of the processors between submissions
        (own / "cgroup.subtree_control").write_text("+cpu")
    return own


def resident_memory(process_id: int) -> int:
    """Bytes of memory that a process and all of its descendants hold, shared pages counted once per process."""
    total = 0
    for process in _tree(process_id):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def kill_tree(process_id: int) -> None:
    """Kill a process and all of its descendants."""
    for process in reversed(list(_tree(process_id))):
        with contextlib.suppress(psutil.Error):
            process.kill()


def descendants(process_id: int) -> set[psutil.Process]:
    """All processes that a process started and those that they started."""
    return set(list(_tree(process_id))[1:])


def kill_children(process_id: int, spare: Collection[psutil.Process] = ()) -> None:
    """Kill all descendants of a process, but not itself and not those to `spare`."""
    for process in descendants(process_id) - set(spare):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _tree(process_id: int) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process_id)
        yield root
        yield from root.children(recursive=True)


def join_and_execute(group: ControlGroup | None, command: Sequence[str]) -> list[str]:
    """A command that enters the control group first, so that no child of it is ever outside."""
    if group is None:
        return list(command)
    script = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", script, "sh", *group.enter, "--", *command]
