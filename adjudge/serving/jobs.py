"""Judgements in progress. Whoever asks for one that is in progress already shares it.

A judgement goes on while anybody waits for it. When the last one hangs up, one that was only streamed is cancelled, and
so is one that has not begun; any other is finished, so that a client that lost its patience finds it when it comes
back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from adjudge.serving.gate import Gate, Ticket, stopping
from adjudge.types import Event

Watch = Callable[[Event], None]
Work = Callable[[Watch], Awaitable[Any]]
Result = TypeVar("Result")


class _Job:
    def __init__(self) -> None:
        self.task: asyncio.Task[Any]
        self.begun = False
        self.kept = False  # whether it is to be finished although nobody waits
        self.waiting = 0
        self.tickets: list[Ticket] = []
        self.watches: list[Watch] = []

    def begin(self) -> None:
        self.begun = True
        for ticket in self.tickets:
            ticket.begin()

    def tell(self, event: Event) -> None:
        for watch in tuple(self.watches):
            watch(event)


class Jobs:
    """All judgements in progress.

    Args:
        gate: Gives each its turn.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._jobs: dict[Hashable, _Job] = {}
        self._stopped = False

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def awaited(self) -> int:
        """How many wait for one."""
        return sum(job.waiting for job in self._jobs.values())

    async def result(
        self,
        key: Hashable,
        work: Callable[[Watch], Awaitable[Result]],
        ticket: Ticket,
        *,
        watch: Watch | None = None,
        streamed: bool = False,
    ) -> Result:
        """What a judgement comes to.

        Args:
            key: Judgements with the same key are the same.
            work: Judges, once its turn has come; it is handed what to call with each event.
            ticket: Of the request.
            watch: Called with the events from now on.
            streamed: Whether nobody will ask again, so that it may be cancelled when this one hangs up.

        Raises:
            Refused: The server was stopped before it was finished, or begun.
        """
        if self._stopped:
            raise stopping()
        job = self._jobs.get(key) or self._begin(key, work)
        job.waiting += 1
        job.kept |= not streamed
        job.tickets.append(ticket)
        if job.begun:
            ticket.begin()
        if watch is not None:
            job.watches.append(watch)
        try:
            found: Result = await asyncio.shield(job.task)
            return found
        except asyncio.CancelledError:
            if job.task.cancelled() and not _cancelled_here():
                raise stopping() from None
            raise
        finally:
            self._leave(key, job, watch)

    def stop(self) -> None:
        """Cancel all of them; those who wait are refused, and those who come later."""
        self._stopped = True
        for job in tuple(self._jobs.values()):
            job.task.cancel()

    def _begin(self, key: Hashable, work: Work) -> _Job:
        job = self._jobs[key] = _Job()
        job.task = asyncio.create_task(self._run(job, work))
        job.task.add_done_callback(lambda task: self._ended(key, job, task))
        return job

    async def _run(self, job: _Job, work: Work) -> Any:
        async with self._gate.turn():
            job.begin()
            return await work(job.tell)

    def _ended(self, key: Hashable, job: _Job, task: asyncio.Task[Any]) -> None:
        self._forget(key, job)
        if not task.cancelled():
            task.exception()  # those who wait have it; where nobody does, asyncio need not complain

    def _leave(self, key: Hashable, job: _Job, watch: Watch | None) -> None:
        job.waiting -= 1
        if watch is not None:
            job.watches.remove(watch)
        if not job.waiting and not job.task.done() and not (job.kept and job.begun):
            job.task.cancel()
            self._forget(key, job)  # at once: who comes now gets a new one

    def _forget(self, key: Hashable, job: _Job) -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]


def _cancelled_here() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
