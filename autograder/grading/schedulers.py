"""Where the jobs of a batch run: in threads of this process, or on the workers of a Dask cluster.

A scheduler takes jobs and gives results; it writes nothing. Results are written by the one process that owns the folder.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from autograder.grading import job as jobs_room
from autograder.grading.job import CourseDiffers, Job, WorkerUnable
from autograder.grading.limits import descendants, kill_children
from autograder.grading.results import Result
from autograder.grading.sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 15.0
WORKERS_SECONDS = 60.0
_LOST = (
    "The connection to the Dask scheduler was lost. Finished results are kept; run the same command again for the rest."
)


class SchedulerUnavailable(Exception):
    """The cluster cannot be reached or used; the message says why and what to do."""


@dataclass(frozen=True)
class Done:
    """What became of a job: a result, or the problem because of which there is none."""

    job: Job
    result: Result | None
    problem: str = ""


class Scheduler(Protocol):
    """Runs jobs somewhere."""

    @property
    def is_local(self) -> bool:
        """Whether sandboxes run on this machine."""

    def run(self, jobs: Iterable[Job], owner: str) -> Generator[Done, None, None]:
        """Every job once, in the order in which they finish. Closing the iterator stops what still runs.

        Raises SandboxUnavailable, and SchedulerUnavailable when the cluster is lost.
        """


@dataclass(frozen=True)
class LocalThreads:
    """Threads are enough, because the work happens in sandboxes and verifiers, which are processes.

    There is one thread more than sandboxes: the next submission's task is written while the one before is verified.
    """

    workers: int = 1
    is_local: bool = True

    def run(self, jobs: Iterable[Job], owner: str) -> Generator[Done, None, None]:
        """See `Scheduler`."""
        waiting = iter(jobs)
        stop = threading.Event()
        spare = descendants(os.getpid())
        pool = ThreadPoolExecutor(max_workers=max(1, self.workers) + 1)
        places = threading.BoundedSemaphore(max(1, self.workers))
        pending: dict[Future[Result], Job] = {}

        def start(number: int) -> None:
            for job in islice(waiting, number):
                pending[pool.submit(jobs_room.grade, job, owner=owner, stopped=stop.is_set, place=places)] = job

        try:
            start(self.workers + 1)
            while pending:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    job = pending.pop(future)
                    start(1)
                    yield _done(job, future)
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in pending):
                kill_children(os.getpid(), spare)
                wait(pending, timeout=0.1)


def _done(job: Job, future: Future[Result]) -> Done:
    try:
        return Done(job, future.result())
    except SandboxUnavailable:
        raise
    except Exception as error:  # one submission must never end the batch
        return Done(job, None, f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class DaskCluster:
    """The workers of a Dask cluster, found through the address of its scheduler, such as `tcp://10.0.0.5:8786`.

    Dask gives the jobs of a worker that is lost to another one. Jobs carry the bytes of their submission.
    """

    address: str
    is_local: bool = False

    def run(self, jobs: Iterable[Job], owner: str) -> Generator[Done, None, None]:
        """See `Scheduler`. Control groups are named by the workers, not by `owner`."""
        waiting = iter(jobs)
        with _connected(self.address) as client:
            from distributed import as_completed

            running = as_completed(loop=client.loop)
            known: dict[str, Job] = {}
            unreadable: list[Done] = []

            def start(number: int) -> None:
                while number > 0 and (job := next(waiting, None)) is not None:
                    try:
                        packed = jobs_room.pack(job)
                    except OSError as error:
                        unreadable.append(Done(job, None, f"The submission could not be read: {error.strerror}."))
                        continue
                    key = f"grade-{uuid.uuid4().hex}"
                    known[key] = job
                    running.add(client.submit(jobs_room.work, packed, key=key, pure=False))
                    number -= 1

            try:
                start(_window(client))
                for future in running:
                    done = _fetched(known.pop(future.key), future)
                    future.release()
                    # More than one when workers came in the meantime.
                    start(max(1, _window(client) - len(known)))
                    yield done
                    yield from unreadable
                    unreadable.clear()
                yield from unreadable
            finally:
                if client.status == "running":
                    client.cancel(list(running.futures), force=True)


def _window(client: Client) -> int:
    """How many jobs to hand over at a time: enough to keep every worker busy, few enough to hold in memory."""
    try:
        return max(2, 2 * sum(client.nthreads().values()))
    except OSError as error:
        raise SchedulerUnavailable(_LOST) from error


def _connected(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise SchedulerUnavailable(
            "--scheduler needs the package `distributed` (Dask). Install it with `pip install distributed`, or leave the "
            "option out to grade on this machine."
        ) from error
    # What goes wrong with the connection is told in a sentence; Dask would log tracebacks of it beside the progress bar.
    for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="course-grade")
    except (OSError, ValueError) as error:
        raise SchedulerUnavailable(
            f"There is no Dask scheduler at {address}: {error}. Start one with `dask scheduler`, and give the address that "
            "it prints."
        ) from error
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError as error:
        client.close()
        raise SchedulerUnavailable(
            f"The Dask scheduler at {address} has no workers. Start some with `dask worker {address} --nthreads 1`."
        ) from error
    return client


def _fetched(job: Job, future: Any) -> Done:
    from distributed import KilledWorker

    if future.status == "finished":
        return Done(job, Result.from_json(future.result()))
    if future.status != "error":
        raise SchedulerUnavailable(_LOST)
    error = future.exception()
    if isinstance(error, CourseDiffers | WorkerUnable):
        raise SchedulerUnavailable(str(error)) from error
    if isinstance(error, ImportError | AttributeError):
        raise SchedulerUnavailable(
            f"A worker cannot load the grader ({error}). Start scheduler and workers from the environment of this repository, "
            "at the same commit."
        ) from error
    if isinstance(error, KilledWorker):
        return Done(job, None, "The workers that graded this submission were lost, one after the other.")
    return Done(job, None, f"{type(error).__name__}: {error}")
