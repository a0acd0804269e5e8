"""How many judgements run and how many requests wait. What is beyond that is turned away at once.

A request is let in where judgements are free that nobody waits for yet, or where the queue has room. It waits until its
first judgement begins; from then on its judgements take turns with those of the others, first come, first served.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from adjudge.serving.refusals import Refused

LONGEST_PAUSE = 60  # seconds that a client is ever told to wait
_WEIGHT = 0.1  # of the latest judgement in the mean time that one takes


class Ticket:
    """One request that was let in."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._waits = True

    def begin(self) -> None:
        """A judgement of the request runs: it waits no longer. May be called again."""
        self._gate.waiting -= self._waits
        self._waits = False


class Gate:
    """Lets requests in and judgements run.

    Args:
        concurrency: Judgements that may run at the same time, at least 1.
        queue: Requests that may wait.

    Attributes:
        running: Judgements that run now.
        waiting: Requests that were let in and none of whose judgements has begun.
        inside: Requests that were let in and are not answered yet.
        draining: Whether nobody is let in any more.
    """

    def __init__(self, concurrency: int, queue: int) -> None:
        self._concurrency = concurrency
        self._queue = queue
        self._turns = asyncio.Semaphore(concurrency)
        self._mean = 1.0  # seconds that a judgement takes
        self.running = 0
        self.waiting = 0
        self.inside = 0
        self.draining = False

    @contextmanager
    def admit(self) -> Iterator[Ticket]:
        """Let a request in.

        Raises:
            Refused: The queue is full, or the server is shutting down.
        """
        if self.draining:
            raise stopping()
        if self.waiting >= self._queue + self._concurrency - self.running:
            raise Refused(503, "busy", "the server is busy and its queue is full", retry_after=self.pause())
        ticket = Ticket(self)
        self.waiting += 1
        self.inside += 1
        try:
            yield ticket
        finally:
            ticket.begin()
            self.inside -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn of one judgement, and take it."""
        async with self._turns:
            self.running += 1
            began = time.monotonic()
            try:
                yield
            finally:
                self.running -= 1
                self._mean += _WEIGHT * (time.monotonic() - began - self._mean)

    def pause(self) -> int:
        """Seconds after which the queue should be shorter, by how long judgements took of late."""
        return min(LONGEST_PAUSE, max(1, math.ceil(self._mean * (self.waiting + 1) / self._concurrency)))


def stopping() -> Refused:
    """The refusal of a server that is shutting down."""
    return Refused(503, "stopping", "the server is shutting down", retry_after=5, headers={"Connection": "close"})
