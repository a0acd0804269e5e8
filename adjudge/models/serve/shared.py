"""One server for all models of a process that ask for the same: started by the first call, stopped by the last.

A server that dies while it is in use is started again once, at the next call; if it dies again within ten minutes,
calls fail at once with what it said last. A start that failed is not tried again for as long: it would fail the same
way, three minutes at a time.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import math
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TypeVar

from adjudge.errors import AdjudgeError, ConfigError, ModelError
from adjudge.models.serve.flags import ServeSettings
from adjudge.models.serve.health import START_SECONDS
from adjudge.models.serve.running import Served, start

T = TypeVar("T")

RESTART_SECONDS = 600.0
WAIT_VARIABLE = "ADJUDGE_VLLM_WAIT"
logger = logging.getLogger(__name__)

_servers: dict[ServeSettings, SharedServer] = {}
_registry = threading.Lock()


class SharedServer:
    """A server with those who use it. Methods block, and may be called from any thread.

    Args:
        settings: What it is started with.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._users: set[object] = set()
        self._served: Served | None = None
        self._quiet_until = 0.0  # by the monotonic clock: before that it is not started again
        self._why = ""

    def use(self, user: object) -> Served:
        """The server, started if it does not run.

        Args:
            user: Who will `leave` it.

        Raises:
            ModelError: It died again, or failed to start before.
            ConfigError: As `running.start`.
        """
        self._users.add(user)
        with self._lock:
            if self._served is None or not self._served.process.alive:
                self._may_start()
                self._served = self._start()
            return self._served

    def leave(self, user: object) -> None:
        """The last to leave stops the server, also one that is just starting."""
        self._users.discard(user)
        with self._lock:
            if not self._users:
                self._stop()

    def stop(self) -> None:
        """Stop the server, whoever uses it."""
        self._users.clear()
        with self._lock:
            self._stop()

    def ended(self, seconds: float = 0.0) -> str:
        """How the server ended and what it said last; empty when it still runs, or was stopped on purpose.

        Args:
            seconds: How long to wait for its end.
        """
        served = self._served
        if served is None or not served.process.wait(seconds):
            return ""
        process = served.process
        return f"vLLM with the model {served.name!r} has died: {process.ending}; its last log lines:\n{process.tail()}"

    def _may_start(self) -> None:
        now = time.monotonic()
        died = self.ended()
        if now < self._quiet_until:
            wait = f"it is started again in {self._quiet_until - now:.0f} s at the earliest"
            raise ModelError(f"{died or self._why}\n({wait})")
        if self._served is not None:
            logger.warning("starting vLLM again: %s", died)
            self._quiet_until = now + RESTART_SECONDS
            self._served.process.stop()
            self._served = None

    def _start(self) -> Served:
        logger.info("starting vLLM with the model %s", self._settings.served_name)
        try:
            # A key of its own: other users of this machine can reach a port on loopback.
            served = start(
                self._settings,
                api_key=secrets.token_urlsafe(24),
                seconds=start_seconds(),
                on_progress=self._still_wanted,
            )
        except AdjudgeError as error:
            self._quiet_until = time.monotonic() + RESTART_SECONDS
            self._why = str(error)
            raise
        logger.info("vLLM answers at %s after %.0f s", served.base_url, served.seconds)
        return served

    def _still_wanted(self, _: float) -> None:
        if not self._users:
            raise ModelError("vLLM was stopped while it was starting: nobody waits for it any more")

    def _stop(self) -> None:
        served, self._served = self._served, None
        self._quiet_until, self._why = 0.0, ""
        if served is not None:
            served.process.stop()


def shared_server(settings: ServeSettings) -> SharedServer:
    """The server for these settings, not started yet if it is new."""
    with _registry:
        if not _servers:
            atexit.register(_stop_all)
        return _servers.setdefault(settings, SharedServer(settings))


def start_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """How long to wait for a server: `ADJUDGE_VLLM_WAIT`, or 180 s.

    Raises:
        ConfigError: It is not a number of seconds.
    """
    given = environ.get(WAIT_VARIABLE) or str(START_SECONDS)
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"{WAIT_VARIABLE} is not a number of seconds above 0", found=given)
    return seconds


async def in_thread(work: Callable[[], T]) -> T:
    """The result of blocking work, in a thread that does not keep the interpreter from ending, as asyncio's would."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed on to who waits
            future.set_exception(error)

    future.set_running_or_notify_cancel()
    threading.Thread(target=run, name="vllm", daemon=True).start()
    return await asyncio.wrap_future(future)


def _stop_all() -> None:
    for server in list(_servers.values()):
        server.stop()
