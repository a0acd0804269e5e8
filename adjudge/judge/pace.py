"""How many judgements are in flight: more while that makes them faster, fewer when the server is strained.

It doubles while each doubling raises the rate by a tenth, and then stays, trying a quarter more now and then. A sign of
strain (429, 503, a time-out) halves it, once for all that were in flight together, and from then on it grows by a tenth
at a time. After TCP's slow start and congestion avoidance (RFC 5681, §3.1); the rate test is ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST = 8
MOST = 256
_GAIN = 1.1  # by how much the rate has to rise for more to be worth it
_FADE = 0.99  # an old record must not stand for ever: the server may have become slower
_PATIENT = 16  # windows without gain before more is tried again


class Pace:
    """The number of judgements that may be in flight.

    Args:
        limit: How many at first.
        most: How many at most.
        adapt: Whether the number changes.
        clock: Seconds that never go back.

    Attributes:
        limit: How many now, at least 1.
    """

    def __init__(
        self, limit: int = FIRST, most: int = MOST, *, adapt: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit = limit
        self._most = most
        self._adapt = adapt
        self._clock = clock
        self._factor = 2.0  # by which it grows
        self._strain = 0
        self._deaf = 0  # judgements yet to end that were in flight when it was cut, and may still complain
        self._best = 0.0  # highest rate seen, per second
        self._idle = 0  # windows since more was tried
        self._before = limit  # the limit that was last grown
        self._count = 0  # judgements that have ended in this window
        self._began = clock()

    def finished(self, strain: int) -> None:
        """A judgement is over.

        Args:
            strain: How often the server has shown strain so far.
        """
        if not self._adapt:
            return
        complained, self._strain = strain > self._strain, strain
        if self._deaf:
            self._deaf -= 1
            self._begin_window()
            return
        self._count += 1
        if complained:
            self._cut()
        elif self._count >= max(self.limit, FIRST):  # all that were in flight when the window began are over
            self._judge_window()

    def _cut(self) -> None:
        self._deaf = self.limit - 1
        self.limit = max(1, self.limit // 2)
        self._factor, self._best, self._idle = 1.1, 0.0, 0
        self._begin_window()

    def _judge_window(self) -> None:
        rate = self._count / max(self._clock() - self._began, 1e-9)
        if rate > self._best * (_GAIN if self._factor == 2.0 else 1.0):
            self._best = rate
            self._grow(self._factor)
        elif self._idle == 0 and self.limit > self._before:
            self.limit, self._factor, self._idle = self._before, 1.1, 1  # more was no faster
        else:
            self._idle += 1
            self._best *= _FADE
            if self._idle > _PATIENT:
                self._grow(1.25)
        self._begin_window()

    def _grow(self, factor: float) -> None:
        self._before, self._idle = self.limit, 0
        self.limit = min(self._most, max(self.limit + 1, int(self.limit * factor)))

    def _begin_window(self) -> None:
        self._count = 0
        self._began = self._clock()
