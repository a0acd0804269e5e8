"""Connections: event loops that come and go, many calls at once, and nothing carried from one call to the next."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings
from typing import Any

import pytest

from adjudge.errors import ModelError
from adjudge.models.base import ModelSpec
from adjudge.models.mock import MockReply, MockServer, completion
from adjudge.models.server import ServerModel
from adjudge.types.messages import user

QUESTION = [user("Which is better?")]


class Threaded:
    """A mock server in a thread of its own, so that it outlives the event loops of a test."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.server = MockServer(*args, **options)

    def __enter__(self) -> MockServer:
        ready, self._loop = threading.Event(), asyncio.new_event_loop()

        async def serve() -> None:
            async with self.server:
                self._stop = asyncio.Event()
                ready.set()
                await self._stop.wait()

        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()))
        self._thread.start()
        assert ready.wait(10)
        return self.server

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()


def open_model(server: MockServer, **spec: Any) -> ServerModel:
    return ServerModel(ModelSpec(provider="server", base_url=server.base_url, **{"model": "m", "retries": 0, **spec}))


def test_one_model_serves_one_event_loop_after_another_and_leaves_nothing_open() -> None:
    with warnings.catch_warnings(record=True) as caught, Threaded(lambda _: "A") as server:
        warnings.simplefilter("always")
        model = open_model(server)
        for _ in range(3):  # no aclose: each loop closes its own connections
            reply = asyncio.run(model.chat(QUESTION))
            assert reply.choices[0].message["content"] == "A"
        assert server.connections == 3
        del model
        gc.collect()
    assert [str(one.message) for one in caught] == []


def test_one_model_serves_several_loops_at_once() -> None:
    with Threaded(lambda _: "A", 0.05) as server:
        model = open_model(server)
        failures: list[BaseException] = []

        def call() -> None:
            try:
                asyncio.run(model.chat(QUESTION))
            except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
                failures.append(error)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert failures == []
        assert server.requests == 4


def test_a_loop_closed_without_ceremony_does_not_spoil_the_next() -> None:
    with Threaded(lambda _: "A") as server:
        model = open_model(server)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(model.chat(QUESTION))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the socket that nobody closed
            loop.close()
            del loop
            asyncio.run(model.chat(QUESTION))
            gc.collect()
        assert server.requests == 2


def test_a_closed_model_may_be_used_again() -> None:
    async def go() -> int:
        async with MockServer(lambda _: "A") as server:
            model = open_model(server)
            await model.aclose()  # nothing is open yet
            for _ in range(2):
                await model.chat(QUESTION)
                await model.aclose()
                await model.aclose()
            return server.connections

    assert asyncio.run(go()) == 2


def test_calls_in_a_row_share_one_connection_streamed_or_not() -> None:
    async def go() -> tuple[int, int]:
        async with MockServer(lambda _: "A wins.") as server:
            model = open_model(server)
            for _ in range(3):
                await model.chat(QUESTION)
                await model.chat(QUESTION, on_text=lambda _: None)
            await model.aclose()
            return server.requests, server.connections

    assert asyncio.run(go()) == (6, 1)


def test_32_calls_at_once_wait_for_one_latency_and_keep_their_answers_apart() -> None:
    async def go() -> tuple[list[str], float, int]:
        async with MockServer(lambda body: f"re: {body['messages'][0]['content']}", 0.5) as server:
            model = open_model(server)
            start = time.monotonic()
            replies = await asyncio.gather(*(model.chat([user(str(number))]) for number in range(32)))
            seconds = time.monotonic() - start
            await model.aclose()
            return [str(reply.choices[0].message["content"]) for reply in replies], seconds, server.connections

    answers, seconds, connections = asyncio.run(go())
    assert answers == [f"re: {number}" for number in range(32)]
    assert connections == 32
    assert seconds < 0.5 * 16  # one after another they would take 16 s


def test_150_calls_at_once_are_all_in_flight() -> None:
    """aiohttp's own limit is 100 connections."""

    async def go() -> int:
        async with MockServer(lambda _: "A", 1.0) as server:
            model = open_model(server)
            await asyncio.gather(*(model.chat(QUESTION) for _ in range(150)))
            await model.aclose()
            return server.connections

    assert asyncio.run(go()) == 150


def test_one_failure_leaves_the_calls_beside_it_alone() -> None:
    def answer(body: dict[str, Any]) -> MockReply | str:
        return MockReply(status=400) if body["messages"][0]["content"] == "bad" else "A"

    async def go() -> list[object]:
        async with MockServer(answer, 0.05) as server:
            model = open_model(server)
            calls = [model.chat([user(text)]) for text in ("good", "bad", "good")]
            results = await asyncio.gather(*calls, return_exceptions=True)
            await model.aclose()
            return [type(result).__name__ for result in results]

    assert asyncio.run(go()) == ["Reply", "ModelError", "Reply"]


def test_a_cancelled_call_is_cancelled_at_once() -> None:
    async def go() -> float:
        async with MockServer(lambda _: "A", 30) as server:
            model = open_model(server)
            task = asyncio.create_task(model.chat(QUESTION))
            await asyncio.sleep(0.2)
            start = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await model.aclose()
            return time.monotonic() - start

    assert asyncio.run(go()) < 10  # of 30


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_not_followed(status: int) -> None:
    async def go() -> tuple[ModelError, int]:
        async with MockServer(lambda _: "elsewhere") as other:
            target = f"{other.base_url}/chat/completions"
            async with MockServer(lambda _: MockReply(status=status, headers={"Location": target})) as server:
                model = open_model(server, api_key="sk-secret")
                with pytest.raises(ModelError, match="redirects are not followed") as caught:
                    await model.chat(QUESTION)
                await model.aclose()
                assert target in str(caught.value)
                return caught.value, other.requests

    error, followed = asyncio.run(go())
    assert (error.kind, error.status, followed) == ("rejected", status, 0)


def test_cookies_are_neither_kept_nor_sent() -> None:
    async def go() -> list[dict[str, str]]:
        reply = MockReply(completion("A"), headers={"Set-Cookie": "session=1; Path=/"})
        async with MockServer(lambda _: reply) as server:
            model = open_model(server)
            for _ in range(3):
                await model.chat(QUESTION)
            await model.aclose()
            return [request.headers for request in server.seen]

    assert ["cookie" in headers for headers in asyncio.run(go())] == [False] * 3


def test_a_proxy_named_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def go() -> int:
        async with MockServer(lambda _: "A") as server:
            model = open_model(server)
            await model.chat(QUESTION)
            await model.aclose()
            return server.requests

    assert asyncio.run(go()) == 1


def test_a_compressed_body_that_nobody_asked_for_is_read_all_the_same() -> None:
    import gzip
    import json

    packed = gzip.compress(json.dumps(completion("A")).encode())

    async def go(body: bytes) -> object:
        async with MockServer(lambda _: MockReply(body, headers={"Content-Encoding": "gzip"})) as server:
            model = open_model(server)
            try:
                return (await model.chat(QUESTION)).choices[0].message["content"]
            finally:
                await model.aclose()

    assert asyncio.run(go(packed)) == "A"
    with pytest.raises(ModelError, match="cannot be decoded"):
        asyncio.run(go(b"not gzip at all"))
