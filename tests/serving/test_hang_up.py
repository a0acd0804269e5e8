"""Clients that hang up, and those who are left."""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import Any

import pytest

from tests.serving.served import ONE, Held, Running, rubric, running, until


def ask(server: Running, *, stream: bool = False, path: str = "/v1/judgements", **body: Any) -> socket.socket:
    """Send a request and do not wait for the reply."""
    text = json.dumps({**(body or {"case": ONE}), **({"stream": True} if stream else {})})
    connection = server.connect()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
    )
    connection.sendall(f"{head}\r\n{text}".encode())
    return connection


def hang_up(connection: socket.socket, how: str = "close") -> None:
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_lone_client_of_a_stream_takes_its_judgement_with_it(how: str) -> None:
    model = Held()
    with running(rubric(model)) as server:
        connection = ask(server, stream=True)
        until(lambda: model.asked == 1)
        hang_up(connection, how)
        until(lambda: model.cancelled == 1)
        until(lambda: server.serving.gate.inside == 0 and server.serving.gate.running == 0)
        assert not len(server.serving.jobs)
        until(lambda: 'status="gone"' in server.get("/metrics").text)


def test_another_client_of_the_same_stream_keeps_it() -> None:
    model = Held()
    with running(rubric(model)) as server:
        first, second = ask(server, stream=True), ask(server, stream=True)
        until(lambda: server.serving.jobs.awaited == 2)
        until(lambda: model.asked == 1)
        hang_up(first)
        until(lambda: server.serving.jobs.awaited == 1)
        model.free.set()
        assert b"event: result" in everything(second)
        assert (model.asked, model.cancelled) == (1, 0)


def test_others_are_not_harmed() -> None:
    model = Held()
    with running(rubric(model), concurrency=4) as server:
        leaving = [ask(server, stream=number % 2 == 0, case={**ONE, "prompt": f"{number}?"}) for number in range(8)]
        until(lambda: server.serving.gate.inside == 8)
        staying = ask(server, case={**ONE, "prompt": "stays"})
        until(lambda: server.serving.gate.inside == 9)
        for number, connection in enumerate(leaving):
            hang_up(connection, "reset" if number % 3 else "close")
        until(lambda: server.serving.gate.inside == 1)
        model.free.set()
        assert b'"scores":[4.0]' in everything(staying)
        until(lambda: server.serving.gate.running == 0)


def test_a_client_that_comes_back_finds_its_judgement() -> None:
    model = Held()
    with running(rubric(model)) as server:
        connection = ask(server)
        until(lambda: model.asked == 1)
        hang_up(connection)
        until(lambda: server.serving.gate.inside == 0)
        assert server.serving.gate.running == 1
        again = ask(server)
        until(lambda: server.serving.jobs.awaited == 1)
        model.free.set()
        assert b'"scores":[4.0]' in everything(again)
        assert (model.asked, model.cancelled) == (1, 0)


def test_what_has_not_begun_is_dropped_with_its_client() -> None:
    model = Held()
    with running(rubric(model), concurrency=1) as server:
        runs = ask(server)
        until(lambda: model.asked == 1)
        waits = ask(server, case={**ONE, "prompt": "waits"})
        until(lambda: server.serving.gate.waiting == 1)
        hang_up(waits)
        until(lambda: server.serving.gate.waiting == 0)
        many = ask(server, path="/v1/rewards", cases=[{**ONE, "prompt": f"{number}?"} for number in range(9)])
        until(lambda: server.serving.gate.waiting == 1)
        hang_up(many)
        until(lambda: server.serving.gate.inside == 1)
        model.free.set()
        everything(runs)
        until(lambda: not len(server.serving.jobs))
        assert model.asked == 1


def test_a_client_that_hangs_up_in_the_middle_of_its_request_leaves_nothing() -> None:
    with running(rubric()) as server:
        connection = server.connect()
        connection.sendall(b"POST /v1/judgements HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        until(lambda: server.serving.gate.inside == 1)
        hang_up(connection)
        until(lambda: server.serving.gate.inside == 0)


def test_two_that_ask_for_the_same_share_one_judgement() -> None:
    model = Held()
    with running(rubric(model)) as server:
        replies: list[Any] = []
        askers = [
            threading.Thread(target=lambda: replies.append(server.post("/v1/rewards", {"cases": [ONE, ONE]}).json()))
            for _ in range(3)
        ]
        for asker in askers:
            asker.start()
        until(lambda: server.serving.jobs.awaited == 6)
        model.free.set()
        for asker in askers:
            asker.join(20)
        assert replies == [{"rewards": [4.0, 4.0], "reasons": ["", ""]}] * 3
        assert model.asked == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_does_not_read_is_given_up(stream: bool) -> None:
    with running(rubric(), write_seconds=0.2) as server:
        cases = [{**ONE, "id": f"{number}" + "x" * 100_000} for number in range(80)]
        connection = ask(server, stream=stream, cases=cases)  # the ids come back: more than any buffer holds
        until(lambda: server.server.server_state.connections)
        until(lambda: not server.server.server_state.connections)
        assert server.serving.gate.inside == 0
        connection.close()


def everything(connection: socket.socket) -> bytes:
    """A whole reply, of a known length or in chunks."""
    connection.settimeout(20)
    found = b""
    while not _complete(found):
        piece = connection.recv(65536)
        if not piece:
            break
        found += piece
    connection.close()
    return found


def _complete(raw: bytes) -> bool:
    head, end, body = raw.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return body.endswith(b"0\r\n\r\n")
