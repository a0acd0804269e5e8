"""One thread in which a model works, and the queue before it.

Requests of many tasks, event loops and threads that arrive within a few milliseconds of each other, or while the
thread is busy, are worked on together. One request's failure never reaches another: when a batch fails, each of its
requests is tried alone. A task that is cancelled leaves its place in the batch to the others.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol

from adjudge.errors import AdjudgeError, ModelError
from adjudge.models.base import Reply, Scored
from adjudge.models.local.requests import Request

BATCH = 16  # most requests worked on together
_WINDOW = 0.004  # seconds to wait for company
_LAST_STEP = 20.0  # seconds that the interpreter waits at its end for a step of a model to finish


class Work(NamedTuple):
    """A request that is ready to run."""

    prepared: object
    deliver: Callable[[Reply | Scored], None]
    abandoned: Callable[[], bool]  # whether nobody waits for it any more


class Runner(Protocol):
    """What does the work; used by one thread only."""

    def prepare(self, request: Request) -> object:
        """Check and tokenise one request; its result's type tells which requests may run together."""
        ...

    def run(self, work: Sequence[Work]) -> None:
        """Do the work and deliver each result as soon as it is known."""
        ...


class Job:
    """A request on its way through the thread."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.future: Future[Any] = Future()
        self._abandoned = False

    def abandon(self) -> None:
        """Tell the worker that nobody waits any more."""
        self._abandoned = True

    def is_abandoned(self) -> bool:
        """Whether nobody waits any more."""
        return self._abandoned

    def deliver(self, result: Reply | Scored) -> None:
        """Hand over the result."""
        self.future.set_result(result)

    def fail(self, error: Exception) -> None:
        """Hand over the failure, unless there is a result already."""
        if not self.future.done():
            self.future.set_exception(_typed(error))


class Worker:
    """A thread that loads a model when the first request comes, and works until `stop`.

    Args:
        load: Makes the runner, inside the thread. When it fails, so do the waiting requests; the next one tries again.
    """

    def __init__(self, load: Callable[[], Runner]) -> None:
        self._load = load
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._current: list[Job] = []
        self._halted = threading.Event()
        self._thread = threading.Thread(target=self._work, name="adjudge-model", daemon=True)
        self._thread.start()
        _workers.add(self)

    @property
    def alive(self) -> bool:
        """Whether the thread runs; after a fork it does not."""
        return self._thread.is_alive()

    def put(self, job: Job) -> None:
        """Queue a job."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Ask the thread to end once everything queued so far is done, and to free the model."""
        self._jobs.put(None)

    def halt(self) -> None:
        """Ask the thread to end after its next step; what was asked and is not done fails."""
        self._halted.set()
        for job in self._current:
            job.abandon()
        self.stop()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended, at most so many seconds."""
        self._thread.join(timeout)

    def _work(self) -> None:
        runner: Runner | None = None
        stopping = False
        while not stopping:
            jobs, stopping = self._collect()
            self._current = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            try:
                if self._halted.is_set():
                    raise ModelError("the model in this process was closed before it answered")
                if self._current:
                    runner = runner or self._load()
            except Exception as error:  # noqa: BLE001  whatever loading raises, the tasks waiting for it must hear of it
                for job in self._current:
                    job.fail(error)
                continue
            if runner is not None:
                for group in _prepare(runner, self._current):
                    _run(runner, group)
            self._current = []

    def _collect(self) -> tuple[list[Job], bool]:
        """The next jobs, at least one unless told to stop; and whether to stop after them."""
        job = self._jobs.get()
        jobs: list[Job] = []
        deadline = time.monotonic() + _WINDOW
        while job is not None:
            jobs.append(job)
            if len(jobs) >= BATCH:
                return jobs, False
            try:
                job = self._jobs.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return jobs, False
        return jobs, True


class _Ready(NamedTuple):
    job: Job
    prepared: object


def _prepare(runner: Runner, jobs: Sequence[Job]) -> list[list[_Ready]]:
    groups: dict[type, list[_Ready]] = {}
    for job in jobs:
        try:
            prepared = runner.prepare(job.request)
        except Exception as error:  # noqa: BLE001  one request's failure is its own
            job.fail(error)
        else:
            groups.setdefault(type(prepared), []).append(_Ready(job, prepared))
    return list(groups.values())


def _run(runner: Runner, group: Sequence[_Ready]) -> None:
    try:
        runner.run([Work(prepared, job.deliver, job.is_abandoned) for job, prepared in group])
        error: Exception = ModelError("the model in this process was stopped, or delivered nothing")
    except Exception as failure:  # noqa: BLE001  it must reach the tasks that wait, and end no thread
        error = failure
    for ready in group:
        if ready.job.future.done():
            continue
        if len(group) > 1 and not ready.job.is_abandoned():
            _run(runner, [ready])
        else:
            ready.job.fail(error)


def _typed(error: Exception) -> Exception:
    if isinstance(error, AdjudgeError):
        return error
    typed = ModelError(f"the model in this process failed: {type(error).__name__}: {error}", kind="unavailable")
    typed.__cause__ = error
    return typed


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _halt_all() -> None:
    # A thread that is inside torch when the interpreter goes away takes the whole process down with an abort.
    running = [worker for worker in _workers if worker.alive]
    for worker in running:
        worker.halt()
    for worker in running:
        worker.join(_LAST_STEP)
