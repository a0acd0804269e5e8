"""A chat server for tests and benchmarks: real sockets, invented answers.

    async with MockServer(lambda body: "The winner is A.") as server:
        model = ServerModel(ModelSpec(provider="server", model="mock", base_url=server.base_url))

Text becomes a chat completion (streamed where the request asks for it); a `MockReply` is sent as it is, so that a test
can answer with any status, header, delay, event stream or cut connection. In a process of its own, as benchmarks want
it: `python -m adjudge.models.mock --port 0 --reply "The winner is A."` prints the base URL and answers `GET /stats`.

It speaks just enough HTTP/1.1 (keep-alive, content-length) and listens on loopback only. It is no model: token counts
are counts of words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, Self

_NO_HEADERS: Mapping[str, str] = {}
_LARGEST_REQUEST = 64 * 1024 * 1024  # bytes


class MockReply(NamedTuple):
    """One HTTP answer, right or wrong on purpose."""

    body: bytes | str | dict[str, Any] | list[Any] = b""
    status: int = 200
    headers: Mapping[str, str] = _NO_HEADERS
    delay: float = 0.0  # seconds before the first byte
    truncate: int | None = None  # close the connection after this many bytes of the body
    sse: Sequence[str | dict[str, Any]] = ()  # sent as an event stream instead of `body`, one event each


class MockRequest(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    head: bytes
    body: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """Header fields by lower-case name."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}


Reply = Callable[[dict[str, Any]], MockReply | str]


class MockServer:
    """A loopback HTTP server that answers chat requests with `reply`.

    Args:
        reply: Called with the JSON body of each request whose path is not in `routes`; its text becomes the message.
        latency: Seconds before each answer, as a model would need.
        routes: Other paths, for example `{"/tokenize": ..., "/v1/models": ...}`. A GET elsewhere is answered 404.
        port: Where to listen; 0 takes any free port.

    Attributes:
        requests: How many POSTs have arrived; a client's questions about the server (GET) are not counted.
        connections: How many connections were opened.
        received: Bytes of the bodies of all POSTs.
        in_flight: POSTs that are being answered now.
        most_in_flight: The most that ever were at the same time.
        seen: The latest 256 requests, oldest first.
    """

    def __init__(
        self,
        reply: Reply,
        latency: float = 0.0,
        *,
        routes: Mapping[str, Reply] | None = None,
        port: int = 0,
    ) -> None:
        self.reply = reply
        self.latency = latency
        self.routes = dict(routes or {})
        self.port = port
        self.requests = 0
        self.connections = 0
        self.received = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.seen: deque[MockRequest] = deque(maxlen=256)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def base_url(self) -> str:
        """What to give a model as `base_url`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, int]:
        """What has arrived since the start, or since `forget`."""
        counted = ("requests", "connections", "received", "in_flight", "most_in_flight")
        return {name: getattr(self, name) for name in counted}

    def forget(self) -> None:
        """Count requests anew, as a benchmark does after its warm-up; connections that stay open stay counted."""
        self.requests = self.received = 0
        self.most_in_flight = self.in_flight

    async def __aenter__(self) -> Self:
        limit = _LARGEST_REQUEST
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, limit=limit, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def serve_forever(self) -> None:
        """Serve until the task is cancelled."""
        assert self._server is not None
        await self._server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # the client went away
        except asyncio.CancelledError:
            pass  # the server is closing; Python 3.11 would log a cancelled connection as an error
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is to be closed."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = _content_length(head)
        raw = await reader.readexactly(length) if length else b""
        method, path, _ = head.split(b" ", 2)
        if method != b"POST":
            return await self._reply_to(MockRequest(method.decode(), path.decode(), head, {}), raw, writer)
        self.requests += 1
        self.received += len(raw)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._reply_to(MockRequest("POST", path.decode(), head, {}), raw, writer)
        finally:
            self.in_flight -= 1

    async def _reply_to(self, request: MockRequest, raw: bytes, writer: asyncio.StreamWriter) -> bool:
        try:
            request = request._replace(body=json.loads(raw) if raw else {})
        except ValueError:
            return await _send(writer, MockReply("the body is not JSON", status=400))
        self.seen.append(request)
        answer = self._answer(request)
        if answer.delay or self.latency:
            await asyncio.sleep(answer.delay + self.latency)
        if answer.sse:
            return await _send_events(writer, answer)
        return await _send(writer, answer)

    def _answer(self, request: MockRequest) -> MockReply:
        route = self.routes.get(request.path)
        if route is None and request.method == "GET":
            return MockReply({"error": {"message": "Not Found"}}, status=404)
        answer = (route or self.reply)(request.body)
        return _completion(answer, request.body) if isinstance(answer, str) else answer


def completion(text: str, *, n: int = 1, words_in: int = 0) -> dict[str, Any]:
    """The JSON of a chat completion whose `n` choices all say `text`."""
    message = {"role": "assistant", "content": text}
    choices = [{"index": index, "message": message, "finish_reason": "stop"} for index in range(n)]
    return {
        "id": "mock",
        "object": "chat.completion",
        "created": 0,
        "choices": choices,
        "usage": _usage(words_in, text),
    }


def events(text: str, *, n: int = 1, words_in: int = 0) -> list[str | dict[str, Any]]:
    """The same as an event stream, one word an event, with the usage and the closing mark."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in re.split("(?= )", text)]
    chunks = [_chunk(index, delta) for index in range(n) for delta in deltas]
    chunks += [_chunk(index, {}, finish="stop") for index in range(n)]
    return [*chunks, {"object": "chat.completion.chunk", "choices": [], "usage": _usage(words_in, text)}, "[DONE]"]


def _chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "mock", "object": "chat.completion.chunk", "created": 0, "choices": [choice]}


def _completion(text: str, body: dict[str, Any]) -> MockReply:
    n = body.get("n") or 1
    contents = (message.get("content") for message in body.get("messages", ()))
    words_in = sum(len(content.split()) for content in contents if isinstance(content, str))
    if body.get("stream"):
        return MockReply(sse=events(text, n=n, words_in=words_in))
    return MockReply(completion(text, n=n, words_in=words_in))


def _usage(words_in: int, text: str) -> dict[str, Any]:
    words_out = len(text.split())
    return {"prompt_tokens": words_in, "completion_tokens": words_out, "total_tokens": words_in + words_out}


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.find(b"\r\ncontent-length:")
    if start < 0:
        return 0
    return int(lowered[start + 17 : lowered.index(b"\r\n", start + 17)])


def _head(answer: MockReply, default_type: str, framing: str) -> bytes:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {phrase}", framing]
    if not any(name.lower() == "content-type" for name in answer.headers):
        lines.append(f"Content-Type: {default_type}")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _send(writer: asyncio.StreamWriter, answer: MockReply) -> bool:
    body = answer.body
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    kind = "text/plain" if isinstance(body, bytes | str) else "application/json"
    writer.write(_head(answer, kind, f"Content-Length: {len(raw)}") + raw[: answer.truncate])
    await writer.drain()
    return answer.truncate is None


async def _send_events(writer: asyncio.StreamWriter, answer: MockReply) -> bool:
    """Send the events in HTTP chunks, one each, until `truncate` bytes have gone out."""
    writer.write(_head(answer, "text/event-stream", "Transfer-Encoding: chunked"))
    left = answer.truncate
    for event in answer.sse:
        raw = f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode()[:left]
        if not raw:
            return False
        writer.write(b"%x\r\n%b\r\n" % (len(raw), raw))
        await writer.drain()
        left = None if left is None else left - len(raw)
    if left is not None:
        return False
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


async def _run(reply: str, port: int, latency: float) -> None:
    async with MockServer(lambda _: reply, latency, port=port) as server:
        server.routes["/stats"] = lambda _: MockReply(dict(server.stats()))
        sys.stdout.write(server.base_url + "\n")
        sys.stdout.flush()
        await server.serve_forever()


def main() -> None:
    """Serve one fixed reply until interrupted."""
    parser = argparse.ArgumentParser(description="A mock chat server that gives one fixed reply.")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--reply", default="ok", help="the text of every reply")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    options = parser.parse_args()
    try:
        asyncio.run(_run(options.reply, options.port, options.latency))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
