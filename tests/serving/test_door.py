"""Who is let in: tokens, names, sizes, times, and room."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adjudge.errors import ConfigError
from adjudge.serving import Settings
from adjudge.serving.settings import is_loopback, listen
from tests.serving.served import ONE, PAIR, Held, Running, direct, rubric, running, until

TOKEN = "a-token-of-some-length"
BODY = json.dumps({"case": PAIR}).encode()


def head(length: int | str = len(BODY), path: str = "/v1/judgements", extra: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n{extra}\r\n"
    ).encode()


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes, or falls silent."""
    connection.settimeout(10)
    found = b""
    while True:
        try:
            piece = connection.recv(65536)
        except (TimeoutError, ConnectionResetError):
            return found
        if not piece:
            return found
        found += piece


def body_of(raw: bytes) -> Any:
    return json.loads(raw.split(b"\r\n\r\n", 1)[1])


@pytest.fixture(scope="module")
def guarded() -> Any:
    with running(direct(), token=TOKEN) as server:
        yield server


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"any:{password}".encode()).decode()


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Token {TOKEN}", basic("x"), "Basic !"],
)
@pytest.mark.parametrize("path", ["/v1/judgements", "/metrics", "/v1/graphs", "/openapi.json", "/", "/nowhere"])
def test_without_the_token_nothing_is_answered(guarded: Running, path: str, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    reply = guarded.post(path, {"case": PAIR}, headers=headers) if path == "/v1/judgements" else None
    reply = reply or guarded.get(path, headers=headers)
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "unauthorized"
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert TOKEN not in reply.text


@pytest.mark.parametrize("given", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(TOKEN)])
def test_with_the_token_it_is(guarded: Running, given: str) -> None:
    assert guarded.post("/v1/judgements", {"case": PAIR}, headers={"Authorization": given}).status_code == 200
    assert guarded.get("/openapi.json", headers={"Authorization": given}).json()["security"] == [{"token": []}]


def test_a_load_balancer_needs_no_token(guarded: Running) -> None:
    assert guarded.get("/healthz").json()["status"] == "ok"


def test_a_body_is_not_read_without_the_token(guarded: Running) -> None:
    with guarded.connect() as connection:
        connection.sendall(head(10_000))
        connection.settimeout(10)
        assert connection.recv(12) == b"HTTP/1.1 401"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_machines_need_a_token(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ValidationError, match="so a token is needed"):
        Settings(host=host)
    Settings.model_validate({"host": host, "token": TOKEN})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_this_machine_needs_none(host: str) -> None:
    assert Settings(host=host).token is None


def test_an_address_that_cannot_be_had_is_told() -> None:
    taken = listen("127.0.0.1", 0)
    with taken.socket:
        taken.socket.listen()
        with pytest.raises(ConfigError, match="cannot listen on"):
            listen("127.0.0.1", int(taken.shown.rpartition(":")[2]))
    with pytest.raises(ConfigError, match="address is not known"):
        listen("no such host", 80)


@pytest.mark.parametrize(
    ("header", "value", "answered"),
    [
        ("Host", "evil.example", False),  # DNS rebinding
        ("Host", "localhost.evil.example:8100", False),
        ("Host", "localhost:1", True),
        ("Host", "[::1]:8100", True),
        ("Origin", "https://evil.example", False),
        ("Origin", "null", False),
        ("Origin", "http://localhost:3000", True),
        ("Origin", "http://[bad", False),
    ],
)
def test_without_a_token_no_web_page_gets_in(header: str, value: str, answered: bool) -> None:
    with running(direct()) as server:
        reply = server.post("/v1/judgements", {"case": PAIR}, headers={header: value})
        assert reply.status_code == (200 if answered else 403)


@pytest.mark.parametrize("length", [1001, 10**19])
def test_a_body_that_says_that_it_is_too_large_is_not_read(length: int) -> None:
    with running(direct(), max_body=1000) as server, server.connect() as connection:
        connection.sendall(head(length))
        raw = received(connection)
        assert raw.startswith(b"HTTP/1.1 413")
        assert body_of(raw)["error"]["message"] == "a body may have 1,000 bytes"


def test_a_body_that_does_not_say_is_counted_as_it_comes() -> None:
    with running(direct(), max_body=1000) as server, server.connect() as connection:
        connection.sendall(head("x", extra="Transfer-Encoding: chunked\r\n").replace(b"Content-Length: x\r\n", b""))
        for _ in range(20):
            connection.sendall(b"64\r\n" + b" " * 100 + b"\r\n")
        connection.settimeout(10)
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_client_that_sends_too_much_gets_to_read_why() -> None:
    with running(direct(), max_body=1000) as server:
        reply = server.post("/v1/judgements", {"case": {**PAIR, "prompt": "x" * 3_000_000}})
        assert reply.status_code == 413
        assert server.post("/v1/judgements", {"case": PAIR}).status_code == 200


def test_a_body_of_the_largest_size_is_read() -> None:
    with running(direct(), max_body=len(BODY)) as server:
        assert server.post("/v1/judgements", {"case": PAIR}).status_code == 200
        assert server.post("/v1/judgements", {"case": {**PAIR, "prompt": PAIR["prompt"] + "?"}}).status_code == 413


def test_a_compressed_body_is_not_read() -> None:
    with running(direct()) as server:
        reply = server.post("/v1/judgements", {"case": PAIR}, headers={"Content-Encoding": "gzip"})
        assert reply.status_code == 415


@pytest.mark.parametrize("sent", [b"", b"POST /v1/ju", head(), head() + BODY[:-1]])
def test_what_is_half_sent_times_out(sent: bytes) -> None:
    with running(direct(), read_seconds=0.3) as server, server.connect() as connection:
        began = time.monotonic()
        connection.sendall(sent)
        raw = received(connection)
        assert raw.startswith(b"HTTP/1.1 408")
        assert body_of(raw)["error"]["code"] == "timeout"
        assert 0.2 < time.monotonic() - began < 5
        assert server.get("/healthz").status_code == 200
        until(lambda: server.serving.gate.inside == 0)


def test_a_second_request_that_is_half_sent_times_out_too() -> None:
    with running(direct(), read_seconds=0.3) as server, server.connect() as connection:
        connection.sendall(head() + BODY)
        connection.settimeout(10)
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.sendall(b"POST /v1/ju")
        assert b"HTTP/1.1 408" in received(connection)


def test_what_is_sent_one_byte_at_a_time_times_out() -> None:
    with running(direct(), read_seconds=0.4) as server, server.connect() as connection:
        connection.settimeout(0.02)
        raw = b""
        for byte in head() + BODY:
            try:
                connection.sendall(bytes([byte]))
                raw += connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            if raw:
                break
        assert raw.startswith(b"HTTP/1.1 408")


def test_what_is_no_http_is_told_so() -> None:
    with running(direct()) as server, server.connect() as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        raw = received(connection)
        assert raw.startswith(b"HTTP/1.1 400")
        assert body_of(raw)["error"]["code"] == "malformed"


def test_beyond_the_queue_requests_are_turned_away_at_once() -> None:
    model = Held()
    with running(rubric(model), concurrency=1, queue=2) as server:
        replies: list[httpx.Response] = []
        askers = []
        for number in range(3):
            case = {**ONE, "prompt": f"{number}?"}
            asker = threading.Thread(target=_ask, args=[server, case, replies])
            askers.append(asker)
            asker.start()
            until(partial(_inside, server, number + 1))
        until(lambda: model.asked == 1)
        began = time.monotonic()
        for path, body in (("/v1/judgements", {"case": ONE}), ("/v1/rank", {"case": ONE}), ("/v1/rewards", {})):
            reply = server.post(path, body)
            assert reply.status_code == 503
            assert reply.json()["error"]["code"] == "busy"
            assert 1 <= int(reply.headers["retry-after"]) <= 60
        assert time.monotonic() - began < 2
        assert server.count("adjudge_waiting_requests") == 2
        assert server.count("adjudge_running_judgements") == 1
        model.free.set()
        for asker in askers:
            asker.join(20)
        assert [reply.status_code for reply in replies] == [200] * 3
        assert server.post("/v1/judgements", {"case": ONE}).status_code == 200


def _ask(server: Running, case: Any, replies: list[httpx.Response]) -> None:
    replies.append(server.post("/v1/judgements", {"case": case}))


def _inside(server: Running, number: int) -> bool:
    return server.serving.gate.inside == number


def test_no_more_judgements_run_than_may() -> None:
    model = Held()
    with running(rubric(model), concurrency=3) as server:
        cases = [{**ONE, "prompt": f"{number}?"} for number in range(20)]
        asker = threading.Thread(target=lambda: server.post("/v1/judgements", {"cases": cases}))
        asker.start()
        until(lambda: model.asked == 3)
        time.sleep(0.1)
        assert model.asked == 3
        assert server.serving.gate.running == 3
        model.free.set()
        asker.join(20)
        assert model.asked == 20


def test_a_large_request_leaves_turns_to_a_small_one() -> None:
    model = Held()
    with running(rubric(model), concurrency=2) as server:
        cases = [{**ONE, "prompt": f"{number}?"} for number in range(200)]
        large = threading.Thread(target=lambda: server.post("/v1/judgements", {"cases": cases}))
        large.start()
        until(lambda: model.asked == 2)
        small = threading.Thread(target=lambda: server.post("/v1/judgements", {"case": ONE}))
        small.start()
        until(lambda: server.serving.gate.inside == 2)
        model.free.set()
        small.join(20)
        done = model.asked
        large.join(20)
        assert done < 201
