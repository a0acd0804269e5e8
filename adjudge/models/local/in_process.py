"""A worker thread with a model, as seen by those who ask it: opened by the first request, and again after `aclose`."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import cast

from adjudge.models.base import Reply, Sampling, Scored
from adjudge.models.local.batching import Job, Runner, Worker
from adjudge.models.local.requests import CompleteRequest, Request


class InProcess:
    """Hands requests to a worker thread, in which those that meet are batched.

    Requests may come from any task, event loop or thread.

    Args:
        load: Makes what does the work, inside the thread; see `Worker`.
    """

    def __init__(self, load: Callable[[], Runner]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    async def ask(self, request: Request) -> Reply | Scored:
        """The result of a request; a task that is cancelled leaves its place in the batch."""
        job = Job(request)
        with self._lock:
            if self._worker is None or not self._worker.alive:
                self._worker = Worker(self._load)
                weakref.finalize(self, self._worker.halt).atexit = False  # the worker itself sees to that
            self._worker.put(job)
        try:
            return cast("Reply | Scored", await asyncio.wrap_future(job.future))
        except asyncio.CancelledError:
            job.abandon()  # its rows leave the batch at the next token
            raise

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Continue token ids; see `ChatModel.complete`."""
        return cast("Reply", await self.ask(CompleteRequest(tuple(token_ids), sampling, n)))

    async def aclose(self) -> None:
        """Finish what was asked before, then free the thread and what it loaded."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """`aclose`, and wait for it."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.join()
