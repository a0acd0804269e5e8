"""Trying again: only what may go better another time, with pauses, and never for longer than agreed."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adjudge.errors import ModelError

T = TypeVar("T")

logger = logging.getLogger(__name__)

_FIRST_PAUSE = 0.5  # seconds
_LONGEST_PAUSE = 30.0  # seconds


async def with_retries(
    attempt: Callable[[float], Awaitable[T]],
    *,
    seconds: float,
    retries: int,
    may_retry: Callable[[], bool] | None = None,
    on_failure: Callable[[ModelError], None] | None = None,
) -> T:
    """The result of the first attempt that succeeds.

    Pauses grow exponentially with full jitter (Brooker, "Exponential Backoff And Jitter", AWS, 2015), or last as long
    as the server asked. All attempts and pauses together take at most `seconds * (retries + 1)`.

    Args:
        attempt: One try; it is told how many seconds it has.
        seconds: For one try.
        retries: Further tries after the first.
        may_retry: Asked before each further try; False when part of the result is already out.
        on_failure: Told of each attempt that failed.

    Raises:
        ModelError: The last attempt's, or the first that is not retryable.
    """
    deadline = time.monotonic() + seconds * (retries + 1)
    for number in range(retries + 1):
        try:
            return await attempt(min(seconds, max(deadline - time.monotonic(), 0.001)))
        except ModelError as error:
            if on_failure is not None:
                on_failure(error)
            if not error.retryable or number == retries or (may_retry is not None and not may_retry()):
                raise
            pause = error.retry_after if error.retry_after is not None else _back_off(number)
            if time.monotonic() + pause >= deadline:
                raise
            logger.info("trying again in %.2f s: %s", pause, error)
        await asyncio.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _back_off(number: int) -> float:
    return random.uniform(0.0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**number))
