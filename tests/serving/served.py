"""A server on a socket of its own, in a thread, and judges whose model says what a response is worth."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from adjudge.errors import ModelError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.serving.app import serving_app
from adjudge.serving.server import Server, configured
from adjudge.serving.settings import Settings, listen
from adjudge.serving.state import Serving

_WORTH = re.compile(r"<<<response ?([A-Z]*) [0-9a-f]{16}\n(.*?)\n[0-9a-f]{16}>>>", re.DOTALL)


def verdict(request: Request) -> str:
    """A verdict by what the responses say that they are `worth`; 1 for those that do not say."""
    found = {name: re.search(r"worth (\d+)", text) for name, text in _WORTH.findall(request.text)}
    worth = {name: int(match[1]) if match else 1 for name, match in found.items()}
    scores = {"scores": worth} if any(worth) else {"score": next(iter(worth.values()))}
    return json.dumps({"rationale": "as told", "citations": [], "confidence": 0.9, **scores})


class Held(ScriptedModel):
    """A model that answers when it may.

    Attributes:
        free: Set: it answers at once.
        asked: How often it was asked.
        cancelled: How many of its calls were cut off.
    """

    def __init__(self, script: Callable[[Request], Any] = verdict, *, held: bool = True) -> None:
        super().__init__(script, keep=8)
        self.free = threading.Event()
        self.asked = self.cancelled = 0
        if not held:
            self.free.set()

    async def chat(self, *args: Any, **options: Any) -> Any:
        self.asked += 1
        try:
            while not self.free.is_set():
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await super().chat(*args, **options)


class Failing(ScriptedModel):
    """A model that is away for its first calls, and for ever with None."""

    def __init__(self, times: int | None) -> None:
        super().__init__(verdict, keep=8)
        self.left = times

    async def chat(self, *args: Any, **options: Any) -> Any:
        if self.left is None or self.left > 0:
            self.left = None if self.left is None else self.left - 1
            raise ModelError("nothing answers at http://10.1.2.3:8000/v1 (see /srv/secret/log.txt)", retryable=True)
        return await super().chat(*args, **options)


class Running:
    """A server that runs."""

    def __init__(self, serving: Serving, server: Server, place: str) -> None:
        self.serving = serving
        self.server = server
        self.url = f"http://{place}"
        self.host, _, port = place.rpartition(":")
        self.port = int(port)

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, trust_env=False, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.get(path, **options)

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        with self.client() as client:
            headers = {"Content-Type": "application/json", **options.pop("headers", {})}
            return client.post(path, content=json.dumps(body), headers=headers, **options)

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=20)

    def stop(self) -> None:
        """What SIGTERM does."""
        self.server.handle_exit(signal.SIGTERM, None)

    def count(self, name: str) -> float:
        """A sum over one metric."""
        lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this should have come true by now"
        time.sleep(0.005)


@contextmanager
def running(*judges: Judge, **settings: Any) -> Iterator[Running]:
    """A server in a thread; it is stopped and waited for at the end."""
    chosen = Settings(**{"port": 0, "grace": 10.0, "patience": 0.0, **settings})
    app = serving_app(judges, chosen)
    place = listen(chosen.host, chosen.port)
    config = configured(app, chosen)
    config.timeout_keep_alive = 1
    ready = threading.Event()
    server = Server(config, app.state.serving, on_ready=ready.set)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[place.socket])), daemon=True)
    with place.socket:
        thread.start()
        assert ready.wait(20)
        try:
            yield Running(app.state.serving, server, place.shown)
        finally:
            app.state.serving.settings = chosen.model_copy(update={"grace": 0.0})
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def direct(model: ScriptedModel | None = None, **options: Any) -> Judge:
    return Judge.load("direct", model=model or ScriptedModel(verdict, keep=8), **options)


def rubric(model: ScriptedModel | None = None, **options: Any) -> Judge:
    return Judge.load("rubric", model=model or ScriptedModel(verdict, keep=8), **options)


PAIR: dict[str, Any] = {"prompt": "Which is worth more?", "responses": ["worth 3", "worth 8"]}
ONE: dict[str, Any] = {"prompt": "What is it worth?", "responses": ["worth 4"]}
