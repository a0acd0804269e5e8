"""A circuit breaker: when the model server is away, judgements wait for it instead of failing one after the other.

After some failures in a row nothing passes but one judgement at a time, at growing intervals, until one succeeds
(Nygard, "Release It!", 2018, §5.2).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from adjudge.errors import ModelError

FAILURES = 5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds
PATIENCE = 600.0  # seconds


class Breaker:
    """Whether judgements may begin.

    Args:
        failures: So many in a row open it.
        patience: Seconds that an outage may last.
        pause: Seconds to the first try; each further pause is twice as long, up to 30 s.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        failures: int = FAILURES,
        *,
        patience: float = PATIENCE,
        pause: float = FIRST_PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._patience = patience
        self._first = self._pause = pause
        self._clock = clock
        self._failures = 0
        self._since: float | None = None  # when it opened
        self._next = 0.0
        self._probing = False
        self._last = ""
        self._changed = asyncio.Event()

    @property
    def open(self) -> bool:
        """Whether judgements have to wait."""
        return self._since is not None

    @property
    def problem(self) -> str:
        """What the last failure was; empty while judgements may begin."""
        return self._last if self.open else ""

    async def passage(self) -> None:
        """Wait until a judgement may begin.

        Raises:
            ModelError: The outage has lasted longer than `patience`.
        """
        while self._since is not None:
            now = self._clock()
            if now - self._since > self._patience:
                raise ModelError(f"the model server has been away for {now - self._since:.0f} s: {self._last}")
            if not self._probing and now >= self._next:
                self._probing = True
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._probing else self._next - now):
                    await self._changed.wait()

    def succeeded(self) -> None:
        """A judgement met a server that answers."""
        self._failures = 0
        if self._since is not None:
            self._since, self._probing, self._pause = None, False, self._first
            self._wake()

    def failed(self, detail: str) -> None:
        """A judgement failed in a way that may pass."""
        self._failures += 1
        self._last = detail
        now = self._clock()
        if self._since is None and self._failures >= self._most:
            self._since, self._next = now, now + self._pause
        elif self._since is not None and self._probing:
            self._probing = False
            self._pause = min(LONGEST_PAUSE, 2 * self._pause)
            self._next = now + self._pause
            self._wake()

    def given_up(self) -> None:
        """The judgement that was let through ended in a way that tells nothing of the server."""
        self._probing = False
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
