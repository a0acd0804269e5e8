"""The mock server is what it says: real HTTP, counted, and wrong only on purpose."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import urllib.request

from adjudge.models.mock import MockReply, MockServer, completion, events


async def talk(port: int, *requests: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def post(path: str, body: object) -> bytes:
    raw = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: {len(raw)}\r\n\r\n".encode() + raw


def test_requests_on_one_connection_are_answered_in_turn_and_counted() -> None:
    async def go() -> tuple[bytes, int, int, list[str]]:
        async with MockServer(lambda body: f"you said {body['messages'][0]['content']}") as server:
            said = [post("/v1/chat/completions", {"messages": [{"role": "user", "content": c}]}) for c in "xy"]
            raw = await talk(server.port, *said, b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
            return raw, server.requests, server.connections, [request.path for request in server.seen]

    raw, requests, connections, paths = asyncio.run(go())
    assert raw.count(b"HTTP/1.1 200 OK") == 2
    assert raw.index(b"you said x") < raw.index(b"you said y")
    assert b"HTTP/1.1 404 Not Found" in raw
    assert (requests, connections) == (2, 1)
    assert paths == ["/v1/chat/completions"] * 2 + ["/v1/models"]


def test_status_headers_and_body_go_out_as_given_and_a_cut_is_a_cut() -> None:
    async def go(reply: MockReply) -> bytes:
        async with MockServer(lambda _: reply) as server:
            return await talk(server.port, post("/", {}))

    raw = asyncio.run(go(MockReply(b"0123456789", status=503, headers={"Retry-After": "1"}, truncate=4)))
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable")
    assert b"Content-Length: 10" in head
    assert b"Retry-After: 1" in head
    assert body == b"0123"


def test_a_body_that_is_not_json_is_told_so() -> None:
    async def go() -> bytes:
        async with MockServer(lambda _: "never") as server:
            return await talk(server.port, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{x}")

    assert asyncio.run(go()).startswith(b"HTTP/1.1 400 Bad Request")


def test_a_cut_stream_has_no_last_chunk() -> None:
    async def go(truncate: int | None) -> bytes:
        async with MockServer(lambda _: MockReply(sse=["one", "two"], truncate=truncate)) as server:
            return await talk(server.port, post("/", {}))

    assert asyncio.run(go(None)).endswith(b"data: two\n\n\r\n0\r\n\r\n")
    assert asyncio.run(go(8)).endswith(b"8\r\ndata: on\r\n")


def test_a_stream_says_the_same_as_a_completion() -> None:
    text = " A  wins,\nby far. "
    pieces = [c["delta"].get("content", "") for e in events(text) if isinstance(e, dict) for c in e["choices"]]
    assert "".join(pieces) == text == completion(text)["choices"][0]["message"]["content"]


def test_it_runs_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "adjudge.models.mock", "--reply", "The winner is A."]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        try:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", base_url)
            body = json.dumps({"messages": [{"role": "user", "content": "a b c"}]}).encode()
            with urllib.request.urlopen(f"{base_url}/chat/completions", body) as response:
                answer = json.loads(response.read())
        finally:
            process.terminate()
    assert answer["choices"][0]["message"]["content"] == "The winner is A."
    assert answer["usage"]["prompt_tokens"] == 3
