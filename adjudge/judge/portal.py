"""One event loop in a background thread, for every synchronous face.

HTTP transports and queues belong to the event loop that made them, so a second `asyncio.run` would find them dead. All
synchronous calls therefore share one loop that lives as long as the process; it also lets a judge be called from code
that itself runs inside a loop (a notebook), which then waits.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from concurrent.futures import Future

from anyio.from_thread import BlockingPortal

_lock = threading.Lock()
_portal: BlockingPortal | None = None
_thread: threading.Thread | None = None


def shared_portal() -> BlockingPortal:
    """The portal to the background loop, started at the first call."""
    global _portal, _thread
    with _lock:
        if _portal is None:
            ready: Future[BlockingPortal] = Future()
            _thread = threading.Thread(target=_run, args=(ready,), name="adjudge", daemon=True)
            _thread.start()
            _portal = ready.result()
        return _portal


def _run(ready: Future[BlockingPortal]) -> None:
    async def serve() -> None:
        async with BlockingPortal() as portal:
            ready.set_result(portal)
            await portal.sleep_until_stopped()

    asyncio.run(serve())


def _forget() -> None:
    """A forked child has the portal's object, but not its thread.

    anyio's own `start_blocking_portal` cannot be forgotten: what it returns waits for the thread when it is dropped.
    """
    global _portal, _thread, _lock
    _portal, _thread, _lock = None, None, threading.Lock()


@atexit.register
def _close() -> None:
    if _portal is not None and _thread is not None:
        _portal.start_task_soon(_portal.stop)
        _thread.join()


os.register_at_fork(after_in_child=_forget)
