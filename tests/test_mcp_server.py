"""Judges as an MCP server, met as its clients meet it: over standard streams and HTTP, with the MCP client library."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from typer.testing import CliRunner

from adjudge import __version__
from adjudge.cli.app import app
from adjudge.cli.mcp import parse_place
from adjudge.errors import ConfigError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel

mcp = pytest.importorskip("mcp")
from mcp.client.stdio import stdio_client  # noqa: E402  # after the check that it is there
from mcp.client.streamable_http import streamable_http_client  # noqa: E402

from adjudge.mcp_server import MAX_CHARS, mcp_server  # noqa: E402

PAIR = {"prompt": "Who wrote Middlemarch?", "responses": ["George Eliot", "Jane Austen"]}


def verdict(**scores: int) -> str:
    return json.dumps({"rationale": "A is right.", "citations": [], "scores": scores or {"A": 8, "B": 3}})


def command(folder: Path, *options: str, replies: tuple[str, ...] = (verdict(), verdict(A=3, B=8)) * 2) -> list[str]:
    script = folder / "script.txt"
    script.write_text("".join(f"{line}\n" for line in replies), "utf-8")
    return ["-m", "adjudge", "mcp", "--model", f"scripted:{script}", *options]


@asynccontextmanager
async def over_stdio(folder: Path, *options: str, **more: Any) -> AsyncIterator[Any]:
    server = mcp.StdioServerParameters(command=sys.executable, args=command(folder, *options, **more), cwd=folder)
    with (folder / "stderr").open("w") as errors:
        async with stdio_client(server, errors) as (read, write), mcp.ClientSession(read, write) as session:
            yield session


class Met(NamedTuple):
    """What a client saw of one server."""

    opened: Any
    tools: list[Any]
    wrong: list[Any]  # results of the calls in `WRONG`
    unknown: Any
    tricky: Any
    plain: Any
    exhausted: Any
    cited: Any


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"prompt": "?", "responses": ["one"]}, "a pairwise judge needs two responses"),
    ({**PAIR, "documents": [{"id": "x", "path": "/etc/passwd"}]}, "paths are refused here: send the document inline"),
    ({**PAIR, "documents": [{"text": "x", "path": "/etc/passwd"}]}, "paths are refused here"),
    ({**PAIR, "documents": [{"url": "http://127.0.0.1/"}]}, "Extra inputs are not permitted"),
    ({**PAIR, "responses": []}, "at least 1 item"),
    ({"responses": ["a", "b"]}, "prompt"),
    ({**PAIR, "prompt": ["x"]}, "valid string"),
    ({**PAIR, "documents": ["x" * (MAX_CHARS + 1)]}, "the case is longer than 4,000,000 characters"),
]
TRICKY = {"prompt": '["a"]', "responses": ['{"a": 1}', "2"], "reference": '{"a": 1}', "rubric": "1"}
DOCUMENTS = [{"title": "Novels", "text": "George Eliot wrote Middlemarch."}]
SEEDED = ("--set", "orders=one", "--set", "nodes.gather.seed_queries=true", "--set", "nodes.gather.max_turns=0")


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Met:
    """One server with three graphs, each with a script of its own, and all that is asked of it."""
    folder = tmp_path_factory.mktemp("met")
    cited = json.dumps({"rationale": "As E1 says.", "citations": ["E1"], "scores": {"A": 9, "B": 1}})

    async def meet() -> Met:
        async with asyncio.timeout(120):
            async with over_stdio(folder, "-g", "direct", "-g", "rubric") as session:
                opened = await session.initialize()
                tools = (await session.list_tools()).tools
                wrong = [await session.call_tool("judge_direct", arguments) for arguments, _ in WRONG]
                calls = [
                    ("judge_other", PAIR),
                    ("judge_direct", TRICKY),
                    ("judge_direct", PAIR),
                    ("judge_direct", PAIR),
                ]
                others = [await session.call_tool(name, arguments) for name, arguments in calls]
            async with over_stdio(folder, "-g", "evidence", *SEEDED, replies=(cited,)) as session:
                await session.initialize()
                tools += (await session.list_tools()).tools
                found = await session.call_tool("judge_evidence", {**PAIR, "documents": DOCUMENTS})
            unknown, tricky, plain, exhausted = others
            return Met(opened, tools, wrong, unknown, tricky, plain, exhausted, found)

    return asyncio.run(meet())


def test_each_graph_is_a_tool_with_its_own_schema(met: Met) -> None:
    assert (met.opened.serverInfo.name, met.opened.serverInfo.version) == ("adjudge", __version__)
    assert [tool.name for tool in met.tools] == ["judge_direct", "judge_rubric", "judge_evidence"]
    evidence = met.tools[2]
    assert list(evidence.inputSchema["properties"]) == ["prompt", "responses", "reference", "rubric", "documents"]
    assert evidence.inputSchema["required"] == ["prompt", "responses"]
    assert all("description" in field for field in evidence.inputSchema["properties"].values())
    assert "Gathers evidence with tools" in evidence.description
    assert "pass exactly two" in evidence.description
    assert "unscored" in evidence.description


def test_a_verdict_comes_back_as_json_with_votes_and_usage(met: Met) -> None:
    assert not met.plain.isError
    found = met.plain.structuredContent
    assert found == json.loads(met.plain.content[0].text)
    assert found["judgement"]["winner"] == "A"
    assert len(found["votes"]) == found["usage"]["model_calls"] == 2
    assert found["evidence"] == []


def test_evidence_from_inline_documents_is_found_and_returned(met: Met) -> None:
    found = met.cited.structuredContent
    assert found["evidence"][0]["excerpt"].endswith("George Eliot wrote Middlemarch.")
    assert found["evidence"][0]["source"] == "document-1"
    assert found["judgement"]["citations"] == ["E1"]


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[message for _, message in WRONG])
def test_what_a_caller_got_wrong_is_a_tool_error(met: Met, number: int) -> None:
    result, (_, message) = met.wrong[number], WRONG[number]
    assert result.isError
    assert message in result.content[0].text
    assert len(result.content[0].text) < 2_000


def test_a_tool_that_is_not_there_is_an_error(met: Met) -> None:
    assert met.unknown.isError
    assert "judge_other" in met.unknown.content[0].text


def test_a_model_that_fails_is_an_unscored_result_not_a_score(met: Met) -> None:
    assert not met.exhausted.isError
    assert met.exhausted.structuredContent["judgement"]["type"] == "unscored"
    assert met.exhausted.structuredContent["judgement"]["reason"] == "model_failure"


def test_text_that_is_json_stays_text(met: Met) -> None:
    assert not met.tricky.isError, met.tricky.content


@pytest.mark.slow
def test_standard_output_carries_the_protocol_only(tmp_path: Path) -> None:
    """Even where something below Python writes to it."""
    loud = tmp_path / "sitecustomize.py"
    loud.write_text(
        "import os, threading, time\n"
        "def shout():\n    while True:\n        time.sleep(0.05); print('NOISE', flush=True)\n"
        "def start():\n    threading.Thread(target=shout, daemon=True).start()\n"
        "import adjudge.mcp_server as server\nreal = server._serve\n"
        "async def loud(*given):\n    start(); os.write(1, b'NOISE\\n'); await real(*given)\n"
        "server._serve = loud\n"
        "from adjudge.cli import main\nmain()\n",
        "utf-8",
    )
    options = command(tmp_path, "-g", "direct")[2:]
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    with subprocess.Popen(
        [sys.executable, str(loud), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(hello).encode() + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        time.sleep(0.5)
        rest, errors = process.communicate(timeout=30)
    assert json.loads(answer)["result"]["serverInfo"]["name"] == "adjudge"
    assert rest == b""
    assert b"NOISE" in errors
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-g", "no-such-graph"), "no-such-graph"),
        (("-g", "direct", "-g", "direct"), "two judges have the same name"),
        (("-g", "direct", "--corpus", "x"), "none of these graphs has a corpus_search tool"),
        (("-g", "direct", "--http", "x"), "--http takes PORT or HOST:PORT"),
        (("-g", "direct", "--http", "127.0.0.1:0"), "--http takes PORT or HOST:PORT"),
        (("-g", "direct", "--http", "127.0.0.1:99999"), "--http takes PORT or HOST:PORT"),
    ],
)
def test_wrong_options_end_with_code_2(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(app, [*command(tmp_path, *options)[2:]])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("text", "host", "port", "shown"),
    [
        ("8765", "127.0.0.1", 8765, "127.0.0.1:8765"),
        (":8765", "127.0.0.1", 8765, "127.0.0.1:8765"),
        ("localhost:1", "localhost", 1, "localhost:1"),
        ("[::1]:80", "::1", 80, "[::1]:80"),
    ],
)
def test_a_place_is_read_and_shown(text: str, host: str, port: int, shown: str) -> None:
    place = parse_place(text)
    assert (place.host, place.port, place.shown) == (host, port, shown)


def test_a_judge_of_steps_is_refused() -> None:
    judge = Judge.load("direct", model=ScriptedModel())
    judge.spec = judge.spec.model_copy(update={"mode": "step"})
    with pytest.raises(ConfigError, match="scores steps of an agent, which"):
        mcp_server([judge])


@pytest.mark.slow
def test_an_interrupt_ends_a_server_that_waits_for_input(tmp_path: Path) -> None:
    arguments = command(tmp_path, "-g", "direct")
    with subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert b"on standard input and output" in process.stderr.readline()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(10) == 130
        finally:
            process.kill()


# Over HTTP


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def over_http(folder: Path) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    arguments = command(folder, "-g", "direct", "--http", str(port))
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        await until(lambda: listens(port))
        yield f"http://127.0.0.1:{port}/mcp", process
    finally:
        process.kill()
        process.communicate()


def listens(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
        return True
    return False


async def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


@pytest.mark.slow
def test_over_http_a_verdict_comes_back_and_an_interrupt_ends_the_server(tmp_path: Path) -> None:
    async def ask() -> tuple[Any, int]:
        async with over_http(tmp_path) as (url, process):
            async with (
                streamable_http_client(url) as (read, write, _),
                mcp.ClientSession(read, write) as session,
            ):
                await session.initialize()
                result = await session.call_tool("judge_direct", PAIR)
            process.send_signal(signal.SIGINT)
            return result, await asyncio.to_thread(process.wait, 20)

    result, code = asyncio.run(ask())
    assert result.structuredContent["judgement"]["winner"] == "A"
    assert code == 130


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "status"), [({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403)]
)
def test_a_web_page_cannot_reach_it_on_loopback(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    kinds = {"Accept": "application/json, text/event-stream"}

    async def ask() -> int:
        async with over_http(tmp_path) as (url, _), httpx.AsyncClient() as client:
            return (await client.post(url, json=message, headers={**kinds, **headers})).status_code

    assert asyncio.run(ask()) == status
