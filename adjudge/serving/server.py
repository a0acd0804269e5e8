"""uvicorn, with what it lacks: a head that never comes ends the connection, and SIGTERM loses no request.

At the first SIGTERM or SIGINT the server goes on listening, answers new requests with 503, and finishes those that it
has let in. When they are done, or the grace is over (those left are answered 503), it ends; at a second signal at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from adjudge.judge import Judge
from adjudge.serving.app import serving_app
from adjudge.serving.door import ABORT
from adjudge.serving.refusals import Refused
from adjudge.serving.settings import Settings, listen
from adjudge.serving.state import Serving

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 1000  # open at the same time; many systems give a process 1024 files
KEEP_ALIVE = 30  # seconds for which a connection without a request stays open
LAST_WORDS = 5  # seconds for the last replies to be sent
LINGER = 5.0  # seconds for which the rest of a body that nobody wants is let in, so that its client reads the reply


async def serve(
    judges: Sequence[Judge], settings: Settings | None = None, *, on_ready: Callable[[str], None] | None = None
) -> None:
    """Serve until a signal comes, and close the judges.

    Args:
        judges: Each is asked for by the name of its graph.
        settings: Where to listen, and what is allowed.
        on_ready: Called with `host:port` when connections are taken.

    Raises:
        ConfigError: There is nothing to serve, or the address cannot be had.
    """
    chosen = settings or Settings()
    app = serving_app(judges, chosen)
    place = listen(chosen.host, chosen.port)
    with place.socket:
        ready = on_ready or (lambda _: None)
        server = Server(configured(app, chosen), app.state.serving, on_ready=lambda: ready(place.shown))
        await server.serve(sockets=[place.socket])


def configured(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """uvicorn's settings."""
    return uvicorn.Config(
        app,
        http=_protocol(settings.read_seconds, settings.write_seconds),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=LAST_WORDS,
    )


class Server(uvicorn.Server):
    """A server that lets requests end before it does.

    Args:
        config: uvicorn's own.
        serving: Whose requests they are.
        on_ready: Called when connections are taken.
    """

    def __init__(self, config: uvicorn.Config, serving: Serving, *, on_ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._serving = serving
        self._on_ready = on_ready
        self._until: float | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: the first one lets no more requests in, the second ends all."""
        gate = self._serving.gate
        now = time.monotonic()
        self._until = now if gate.draining else now + self._serving.settings.grace
        gate.draining = True
        logger.info("signal %d: %d requests are finished, new ones are refused", sig, gate.inside)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; True ends the server."""
        if await super().on_tick(counter):
            return True
        if self._until is None:
            return False
        gate, jobs = self._serving.gate, self._serving.jobs
        if not gate.inside and not len(jobs):
            return True
        if time.monotonic() < self._until:
            return False
        logger.warning("the grace is over: %d requests are answered 503", gate.inside)
        jobs.stop()
        return True


def _protocol(seconds: float, write_seconds: float) -> type[H11Protocol]:
    """uvicorn's HTTP protocol, for clients that send nothing or read nothing."""

    class Protocol(H11Protocol):
        _unread: float = math.inf  # bytes of replies that the client had not read when that was last looked at
        _timer: asyncio.TimerHandle | None = None  # until a head is there
        _linger: asyncio.TimerHandle | None = None  # until the rest of a body is there

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            self.app_state = {**self.app_state, ABORT: transport.abort}
            if len(self.connections) > MOST_CONNECTIONS:
                self._end(Refused(503, "busy", "too many connections are open", retry_after=1))
            else:
                self._timer = self.loop.call_later(seconds, self._late)

        def connection_lost(self, exc: Exception | None) -> None:
            self._unset()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._linger is not None and self.conn.their_state is not h11.SEND_BODY:
                self._linger.cancel()
                self._linger = None
            if self.conn.their_state is not h11.IDLE:
                self._unset()
            elif self._timer is None:
                self._timer = self.loop.call_later(seconds, self._late)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.conn.their_state is h11.SEND_BODY:
                self._linger = self.loop.call_later(LINGER, self.transport.close)

        def timeout_keep_alive_handler(self) -> None:
            unread = self.transport.get_write_buffer_size()
            if not unread:
                super().timeout_keep_alive_handler()
            elif unread < self._unread:
                self._unread = unread
                self.timeout_keep_alive_task = self.loop.call_later(write_seconds, self.timeout_keep_alive_handler)
            else:
                self.transport.abort()  # to close it properly would be to wait for the client

        def send_400_response(self, msg: str) -> None:
            self._end(Refused(400, "malformed", msg))

        def _late(self) -> None:
            self._end(Refused(408, "timeout", f"the head of the request did not arrive within {seconds:g} s"))

        def _end(self, refused: Refused) -> None:
            self._unset()
            if not self.transport.is_closing():
                self.transport.write(_raw(refused))
                self.transport.close()

        def _unset(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Protocol


def _raw(refused: Refused) -> bytes:
    """A reply for a connection on which no request was understood."""
    body = json.dumps(refused.body()).encode()
    fields = {**refused.headers, "Content-Type": "application/json", "Content-Length": len(body), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {refused.status} Refused\r\n{head}\r\n".encode() + body
