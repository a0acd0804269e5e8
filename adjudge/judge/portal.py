"""One event loop in a background thread, for every synchronous face.

HTTP transports and queues belong to the event loop that made them, so a second `asyncio.run` would find them dead. All
synchronous calls therefore share one loop that lives as long as the process; it also lets a judge be called from code
that itself runs inside a loop (a notebook), which then waits.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import ExitStack

from anyio.from_thread import BlockingPortal, start_blocking_portal

_lock = threading.Lock()
_stack = ExitStack()
_portal: BlockingPortal | None = None


def shared_portal() -> BlockingPortal:
    """The portal to the background loop, started at the first call."""
    global _portal
    with _lock:
        if _portal is None:
            _portal = _stack.enter_context(start_blocking_portal("asyncio", name="adjudge"))
        return _portal


def _forget() -> None:
    """A forked child has the portal's object, but not its thread."""
    global _portal, _stack, _lock
    _portal, _stack, _lock = None, ExitStack(), threading.Lock()


@atexit.register
def _close() -> None:
    _stack.close()


os.register_at_fork(after_in_child=_forget)
