"""Be polite: a least interval between two calls of one search service, and a growing pause after it said "too many".

The times are shared by the whole process, whatever threads, loops and judges the calls come from. Other processes are
not seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FIRST_PAUSE = 4.0  # seconds after the first "too many requests"; doubled each time
LONGEST_PAUSE = 60.0  # seconds


class Pacing:
    """When each service may be called next.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._refusals: dict[str, int] = {}

    def reserve(self, service: str, interval: float, patience: float) -> float | None:
        """Take the next free moment of a service.

        Args:
            service: Its name.
            interval: Least seconds from this call to the next.
            patience: Most seconds that the caller would wait.

        Returns:
            Seconds to wait before calling, or None when that would be longer than `patience`; then nothing is taken.
        """
        with self._lock:
            now = self._clock()
            start = max(now, self._next.get(service, now))
            if start - now > patience:
                return None
            self._next[service] = start + interval
            return start - now

    def refused(self, service: str) -> None:
        """The service said that it is called too often: pause, longer each time."""
        with self._lock:
            count = self._refusals.get(service, 0)
            self._refusals[service] = count + 1
            until = self._clock() + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(count, 10))
            self._next[service] = max(self._next.get(service, 0.0), until)

    def answered(self, service: str) -> None:
        """The service answered: the next pause is short again."""
        with self._lock:
            self._refusals.pop(service, None)


PACING = Pacing()  # of this process
