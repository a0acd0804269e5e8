"""Shutting down loses nothing that was accepted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from adjudge.models.mock import MockServer
from tests.serving.served import ONE, Held, Running, rubric, running, until

# The command as a program, also where `adjudge` does not know it.
PROGRAM = (
    "import typer; from adjudge.cli.app import _Commands; from adjudge.cli.serve import serve; "
    "app = typer.Typer(cls=_Commands); app.callback()(lambda: None); app.command('serve')(serve); app()"
)
GOOD = json.dumps({"rationale": "r", "citations": [], "score": 4, "confidence": 0.9})


def case(number: object) -> dict[str, Any]:
    return {**ONE, "prompt": f"What is {number} worth?"}


def asking(server: Running, replies: list[httpx.Response], count: int) -> list[threading.Thread]:
    def ask(number: int) -> None:
        replies.append(server.post("/v1/judgements", {"case": case(number)}))

    threads = [threading.Thread(target=ask, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    until(lambda: server.serving.gate.inside == count)
    return threads


def test_accepted_requests_are_finished_and_new_ones_refused() -> None:
    model, replies = Held(), list[httpx.Response]()
    with running(rubric(model), concurrency=2) as server:
        threads = asking(server, replies, 6)
        server.stop()
        for path, body in (("/v1/judgements", {"case": ONE}), ("/get_reward", {}), ("/v1/rank", {})):
            reply = server.post(path, body)
            assert reply.status_code == 503
            assert reply.json()["error"]["code"] == "stopping"
            assert "retry-after" in reply.headers
        assert server.get("/healthz").status_code == 503
        model.free.set()
        for thread in threads:
            thread.join(20)
        assert [reply.status_code for reply in replies] == [200] * 6


def test_after_the_grace_those_left_are_told() -> None:
    model, replies = Held(), list[httpx.Response]()
    with running(rubric(model), concurrency=1, grace=0.3) as server:
        threads = asking(server, replies, 3)
        server.stop()
        for thread in threads:
            thread.join(20)
        assert [reply.status_code for reply in replies] == [503] * 3
        assert {reply.json()["error"]["code"] for reply in replies} == {"stopping"}


def test_a_second_signal_ends_it_at_once() -> None:
    model, replies = Held(), list[httpx.Response]()
    with running(rubric(model), grace=60) as server:
        threads = asking(server, replies, 2)
        began = time.monotonic()
        server.stop()
        server.stop()
        for thread in threads:
            thread.join(20)
        assert time.monotonic() - began < 30
        assert [reply.status_code for reply in replies] == [503] * 2


@contextmanager
def model_server(latency: float) -> Iterator[str]:
    """A model that needs a while, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    mock = MockServer(lambda _: GOOD, latency)
    asyncio.run_coroutine_threadsafe(mock.__aenter__(), loop).result()
    yield mock.base_url
    asyncio.run_coroutine_threadsafe(mock.__aexit__(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@contextmanager
def program(*options: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`adjudge serve` in a process of its own, and its URL."""
    words = [sys.executable, "-W", "ignore", "-c", PROGRAM, "serve", "--port", "0", *options]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ADJUDGE_")}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env={**kept, **environ, "COLUMNS": "200"}, **pipes) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "http://" in line, (line, process.stderr and process.stderr.read())
            yield process, line.split(" at ")[1].split()[0]
        finally:
            if process.poll() is None:
                process.kill()


def test_sigterm_under_load_loses_no_request(tmp_path: Path) -> None:
    with model_server(0.4) as base_url:
        options = ("--graph", "rubric", "--model", base_url, "--set", "models.default.model=mock")
        with program(*options, "--concurrency", "8", "--run", str(tmp_path / "run")) as (process, url):
            before: Counter[str] = Counter()
            after: Counter[str] = Counter()
            with ThreadPoolExecutor(40) as pool, httpx.Client(base_url=url, timeout=30, trust_env=False) as client:

                def ask(number: object, counts: Counter[str]) -> None:
                    try:
                        reply = client.post("/v1/judgements", json={"case": case(number)})
                        counts[str(reply.status_code)] += 1
                    except httpx.TransportError as error:
                        counts[type(error).__name__] += 1

                accepted = [pool.submit(ask, number, before) for number in range(24)]
                until(lambda: "adjudge_open_requests 24.0" in client.get("/metrics").text)
                process.send_signal(signal.SIGTERM)
                until(lambda: client.get("/healthz").status_code == 503)
                refused = [pool.submit(ask, f"late {number}", after) for number in range(8)]
                for future in [*accepted, *refused]:
                    future.result(30)
            assert dict(before) == {"200": 24}
            assert dict(after) == {"503": 8}
            assert process.wait(20) == 0
            assert (tmp_path / "run" / "journal.sqlite").is_file()
