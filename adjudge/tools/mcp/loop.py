"""The event loop of all MCP connections, in a thread of its own.

A connection belongs to the loop that opened it, but a judge may be called from many: a new one for each `asyncio.run`.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
logger = logging.getLogger(__name__)

CLOSING_SECONDS = 10.0  # for all connections together, when the process ends
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_at_exit: set[Callable[[], Coroutine[Any, Any, None]]] = set()  # touched on the loop only


def in_loop(work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Start work on the loop of the connections; cancelling the future cancels the work."""
    return asyncio.run_coroutine_threadsafe(work, _running())


def tell_loop(function: Callable[[], object]) -> None:
    """Have a function called on the loop, without waiting: safe in a finalizer."""
    if _loop is not None and not _loop.is_closed():
        _loop.call_soon_threadsafe(function)


def close_at_exit(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Have something closed when the process ends; called on the loop."""
    _at_exit.add(close)


def closed(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """It is closed already."""
    _at_exit.discard(close)


def _running() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_loop.run_forever, name="adjudge-mcp", daemon=True)
            thread.start()
            atexit.register(_end, _loop, thread)
        return _loop


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Close what is open, so that no server outlives the process."""

    async def close_all() -> None:
        async with asyncio.timeout(CLOSING_SECONDS):
            await asyncio.gather(*(close() for close in list(_at_exit)), return_exceptions=True)

    try:
        asyncio.run_coroutine_threadsafe(close_all(), loop).result(CLOSING_SECONDS + 1)
    except TimeoutError:
        logger.warning("MCP connections could not be closed within %g seconds", CLOSING_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(1)
    if not thread.is_alive():
        loop.close()
