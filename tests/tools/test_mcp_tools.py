"""Tools of MCP servers: what they give, and what a server that misbehaves can do."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adjudge.errors import ConfigError, MissingPackage, ToolError
from adjudge.fences import outside
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.replay import replay
from adjudge.run import Run
from adjudge.tools import McpSettings, Tool, ToolContext, ToolOutput, build_tool, build_tools
from adjudge.types import Case, Position
from adjudge.types.messages import assistant, text_of, tool_call

pytest.importorskip("mcp")
pytest.importorskip("langchain_mcp_adapters")

CASE = Case(id="c", prompt="Who wrote Middlemarch?", responses=["Eliot", "Austen"])
CONTEXT = ToolContext(CASE, {}, {})
RAW = (Path(__file__).parent / "mcp_raw_server.py").read_text("utf-8")
LIBRARY = Path(__file__).parent / "mcp_library_server.py"
SECRET = "zq7-secret"  # a made-up one


@pytest.fixture
def raw(tmp_path: Path) -> Callable[..., McpSettings]:
    """Settings for the server that misbehaves; each keyword in capitals is a variable of its environment."""
    script = tmp_path / "raw.py"
    script.write_text(RAW, "utf-8")

    def settings(*names: str, **more: Any) -> McpSettings:
        env = {key: more.pop(key) for key in list(more) if key.isupper()}
        env["NAMES"] = json.dumps(names or ["echo"])
        env["NOTE"] = str(tmp_path / "pids")
        return McpSettings(kind="mcp", command=f"{sys.executable} raw.py", env=env, **more)

    return settings


def pids(folder: Path) -> list[int]:
    """Processes that were started, first to last."""
    return [int(line) for line in (folder / "pids").read_text().split()]


def lives(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False


def wait_until(true: Callable[[], bool], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


def call(made: Tool, **arguments: Any) -> ToolOutput:
    async def make() -> ToolOutput:
        return await made.call(arguments, CONTEXT)

    return asyncio.run(make())


def excerpt(made: Tool, **arguments: Any) -> str:
    return call(made, **arguments).evidence[0].excerpt


def test_one_entry_gives_all_tools_of_a_server_under_its_name(raw: Any, tmp_path: Path) -> None:
    made = build_tools("files", raw("read", "list"), tmp_path)
    assert list(made) == ["files_read", "files_list"]
    assert made["files_read"].description == "Does read."
    assert made["files_read"].parameters["properties"] == {"text": {"type": "string"}}
    assert excerpt(made["files_read"], text="x") == 'read: {"text": "x"}'
    assert excerpt(made["files_read"], text="y") == 'read: {"text": "y"}', "in another event loop"
    assert len(pids(tmp_path)) == 1, "one process serves all calls"


def test_calls_side_by_side_get_their_own_results(raw: Any, tmp_path: Path) -> None:
    made = build_tools("f", raw("echo"), tmp_path)["f_echo"]

    async def many() -> list[ToolOutput]:
        return await asyncio.gather(*(made.call({"text": str(number)}, CONTEXT) for number in range(50)))

    found = [output.evidence[0].excerpt for output in asyncio.run(many())]
    assert found == [f'echo: {{"text": "{number}"}}' for number in range(50)]


def test_only_the_tools_named_are_taken(raw: Any, tmp_path: Path) -> None:
    assert list(build_tools("f", raw("a", "b", "c", tools=("c", "a")), tmp_path)) == ["f_c", "f_a"]
    with pytest.raises(
        ConfigError, match=r"tools\.f\.tools: .* no such tool; found 'raed'; allowed: read; did you mean"
    ):
        build_tools("f", raw("read", tools=("raed",)), tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ["read file", "read/file", "read.file"],
        ["поиск", "искать"],
        ["x" * 64, "x" * 65, "x" * 300],
        ["", "\x1b[2J", "a\nb", '"}]', "../../etc/passwd"],
    ],
)
def test_odd_names_are_mapped_and_still_call_the_right_tool(raw: Any, tmp_path: Path, names: list[str]) -> None:
    made = build_tools("f", raw(*names), tmp_path)
    assert len(made) == len(names)
    for own, (shown, item) in zip(names, made.items(), strict=True):
        assert shown == item.name
        assert len(shown) <= 64
        assert all(character.isascii() and (character.isalnum() or character in "_-") for character in shown)
        assert excerpt(item) == f"{own}: {{}}"


def test_a_name_listed_twice_counts_once(raw: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert list(build_tools("f", raw("a", "a", "b"), tmp_path)) == ["f_a", "f_b"]
    assert "lists the tool 'a' twice" in caplog.text


def test_a_server_gets_no_variables_but_those_given(raw: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_API_KEY", SECRET)
    monkeypatch.setenv("OTHER_TOKEN", SECRET)
    settings = raw("environment", OWN="${OTHER_TOKEN}", PLAIN="1")
    seen = json.loads(excerpt(build_tools("f", settings, tmp_path)["f_environment"]))
    assert SECRET not in str(seen)
    assert seen["OWN"] == "${OTHER_TOKEN}", "the rule for variables is that of judge files, applied before"
    assert seen["PLAIN"] == "1"
    assert set(seen) <= {
        "PATH",
        "HOME",
        "LOGNAME",
        "SHELL",
        "TERM",
        "USER",
        "LC_CTYPE",
        "OWN",
        "PLAIN",
        "NAMES",
        "NOTE",
    }


def test_secrets_are_left_out_of_what_is_written_down(raw: Any) -> None:
    settings = raw("echo", TOKEN=SECRET)
    remote = McpSettings(kind="mcp", url=f"http://127.0.0.1:1/mcp?key={SECRET}", headers={"Authorization": SECRET})
    assert SECRET not in str(settings.model_dump(mode="json"))
    assert SECRET not in str(remote.model_dump(mode="json"))
    assert SECRET not in remote.shown()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "either a command, which starts it, or a url"),
        ({"command": "x", "url": "http://x"}, "either a command, which starts it, or a url"),
        ({"command": "   "}, "should name a program"),
        ({"command": "'open"}, "cannot be split"),
        ({"url": "file:///etc/passwd"}, "should begin with http"),
        ({"url": "http://"}, "should begin with http"),
        ({"url": "http://user:pw@host/"}, "use `headers`"),
        ({"url": "http://x", "env": {"A": "b"}}, "belong to a `command`"),
        ({"command": "x", "headers": {"A": "b"}}, "belong to a `url`"),
        ({"command": "x", "timeout": 0}, "greater than 0"),
        ({"command": "x", "timeout": 61}, "less than or equal to 60"),
        ({"command": "x", "tools": []}, "at least 1"),
        ({"command": "x", "cwd": "/"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        McpSettings(kind="mcp", **fields)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"command": "no-such-program-x"}, "FileNotFoundError"),
        ({"command": f"{sys.executable} missing.py"}, "it wrote: ….*missing.py"),
        ({"command": f"{sys.executable} -c 'import sys; sys.exit(\"no key\")'"}, "it wrote: …no key"),
        ({"command": f"{sys.executable} -c 'print(1)'"}, "(Connection closed|BrokenResourceError)"),
        ({"url": "http://127.0.0.1:1/mcp"}, "ConnectError"),
    ],
)
def test_a_server_that_cannot_be_reached_at_load_is_a_config_error(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=f"(?s)^tools.gone: the MCP server 'gone' cannot be used: .*{message}"
    ) as told:
        build_tools("gone", McpSettings(kind="mcp", **settings), tmp_path)
    assert "see that the" in str(told.value)


@pytest.mark.slow
def test_a_server_that_does_not_answer_at_load_is_given_up_and_killed(raw: Any, tmp_path: Path) -> None:
    before = time.monotonic()
    with pytest.raises(ConfigError, match=r"did not answer within 0\.5 seconds"):
        build_tools("f", raw(MUTE="1", STUBBORN="1", start_timeout=0.5), tmp_path)
    assert time.monotonic() - before < 12
    assert not lives(pids(tmp_path)[0])


def test_a_server_without_tools_is_refused(raw: Any, tmp_path: Path) -> None:
    settings = raw()
    settings.env["NAMES"] = "[]"
    with pytest.raises(ConfigError, match="offers no tools; remove this entry"):
        build_tools("f", settings, tmp_path)


def test_too_many_tools_are_refused_with_what_to_do(raw: Any, tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(129)]
    with pytest.raises(ConfigError, match="more than 128 tools; found 129; name those that the judge needs"):
        build_tools("f", raw(*names), tmp_path)
    assert len(build_tools("f", raw(*names, tools=("t7",)), tmp_path)) == 1


@pytest.mark.parametrize("death", ["die", "half"])
def test_a_server_that_dies_in_the_middle_is_told_and_started_again(raw: Any, tmp_path: Path, death: str) -> None:
    made = build_tools("f", raw("echo", death), tmp_path)
    before = time.monotonic()
    with pytest.raises(ToolError, match=f"the server of f_{death} broke off during the call"):
        call(made[f"f_{death}"])
    assert excerpt(made["f_echo"]) == "echo: {}"
    assert time.monotonic() - before < 10
    first, second = pids(tmp_path)
    assert not lives(first)
    assert lives(second)


def test_a_death_ends_the_calls_beside_it(raw: Any, tmp_path: Path) -> None:
    made = build_tools("f", raw("slow", "die"), tmp_path)

    async def both() -> list[BaseException | ToolOutput]:
        slow = asyncio.ensure_future(made["f_slow"].call({}, CONTEXT))
        await asyncio.sleep(0.1)
        return [*await asyncio.gather(slow, made["f_die"].call({}, CONTEXT), return_exceptions=True)]

    before = time.monotonic()
    assert [type(item) for item in asyncio.run(both())] == [ToolError, ToolError]
    assert time.monotonic() - before < 5


def test_a_server_that_is_killed_between_calls_is_started_again(raw: Any, tmp_path: Path) -> None:
    made = build_tools("f", raw("echo"), tmp_path)["f_echo"]
    os.kill(pids(tmp_path)[0], 9)
    assert wait_until(lambda: not lives(pids(tmp_path)[0]))
    time.sleep(0.2)
    with suppress(ToolError):  # the end of the stream may be noticed by the call
        call(made)
    assert excerpt(made) == "echo: {}"


def test_a_server_that_stays_away_is_tried_ever_more_rarely(raw: Any, tmp_path: Path) -> None:
    made = build_tools("f", raw("die"), tmp_path)["f_die"]
    (tmp_path / "raw.py").write_text(RAW.replace("import json", "raise SystemExit('gone')", 1), "utf-8")
    messages = []
    for _ in range(20):
        with pytest.raises(ToolError) as told:
            call(made)
        messages.append(str(told.value))
    assert "cannot be reached" in messages[1]
    assert "gone" in messages[1]
    assert "1 attempts in a row failed; the next is made in 2 seconds" in messages[2]
    assert len(set(messages)) <= 4


@pytest.mark.parametrize("name", [pytest.param("block", marks=pytest.mark.slow), "slow"])
def test_a_call_that_hangs_is_ended_and_others_go_on(raw: Any, tmp_path: Path, name: str) -> None:
    made = build_tools("f", raw("echo", name, timeout=0.5), tmp_path)
    before = time.monotonic()
    with pytest.raises(ToolError, match=rf"f_{name} did not answer within 0\.5 seconds"):
        call(made[f"f_{name}"])
    assert time.monotonic() - before < 2
    if name == "slow":  # it answers a ping, so its session, and what other calls wait for, is kept
        time.sleep(0.5)
        assert excerpt(made["f_echo"]) == "echo: {}"
        assert len(pids(tmp_path)) == 1
    else:
        assert wait_until(lambda: not lives(pids(tmp_path)[0]))
        fresh = {"f_echo": made["f_echo"]}

        def answers() -> bool:
            with suppress(ToolError):  # it takes longer to start than a call may take here
                return excerpt(fresh["f_echo"]) == "echo: {}"
            return False

        assert wait_until(answers)
        assert len(pids(tmp_path)) == 2


def test_a_call_can_be_cancelled(raw: Any, tmp_path: Path) -> None:
    made = build_tools("f", raw("slow", "echo"), tmp_path)

    async def cancel() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await made["f_slow"].call({}, CONTEXT)
        assert (await made["f_echo"].call({}, CONTEXT)).evidence

    asyncio.run(cancel())


def test_ten_megabytes_are_cut(raw: Any, tmp_path: Path) -> None:
    found = excerpt(build_tools("f", raw("big"), tmp_path)["f_big"])
    assert found.endswith("[cut: 20,000 of 10,000,000 characters]")
    assert len(found) < 20_100


@pytest.mark.slow
def test_a_reply_that_never_ends_is_given_up_and_its_server_killed(raw: Any, tmp_path: Path) -> None:
    made = build_tools("f", raw("endless", timeout=2), tmp_path)["f_endless"]
    with pytest.raises(ToolError, match="did not answer within 2 seconds"):
        call(made)
    assert wait_until(lambda: not lives(pids(tmp_path)[0]), 30)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nothing", ToolOutput("No results.")),
        ("garbage", "not a valid result"),
        ("refuse", "f_refuse failed: no such text"),
        ("fail", "^disk is full$"),
        ("missing", None),
    ],
)
def test_nothing_errors_and_garbage(raw: Any, tmp_path: Path, name: str, expected: object) -> None:
    made = build_tools("f", raw(name), tmp_path)[f"f_{name}"]
    if isinstance(expected, str):
        with pytest.raises(ToolError, match=expected):
            call(made)
    elif expected is not None:
        assert call(made) == expected
    before = len(pids(tmp_path))
    with suppress(ToolError):
        call(made)
    assert len(pids(tmp_path)) == before == 1, "none of this ends the session"


@pytest.mark.parametrize("name", ["noise", "flood"])
def test_what_is_not_protocol_is_passed_over(raw: Any, tmp_path: Path, name: str) -> None:
    made = build_tools("f", raw(name), tmp_path)[f"f_{name}"]
    assert excerpt(made) == f"{name}: {{}}"
    assert excerpt(made) == f"{name}: {{}}"


def test_what_is_not_text_is_named_and_left_out(raw: Any, tmp_path: Path) -> None:
    made = build_tools("f", raw("blobs", "structured"), tmp_path)
    lines = excerpt(made["f_blobs"]).splitlines()
    assert [line.split(" left out")[0] for line in lines] == [
        "[image image/png",
        "[audio audio/wav",
        "[file application/zip",
        "page: file:///page",
    ]
    assert excerpt(made["f_structured"]) == '{"a": 1}'


@pytest.mark.parametrize("evidence", [True, False])
def test_forged_fences_stay_inside_the_fence(raw: Any, tmp_path: Path, evidence: bool) -> None:
    made = build_tools("f", raw("forge", evidence=evidence), tmp_path)
    run = Run(CASE, models={}, tools=made)
    seen = asyncio.run(run.call_tools(Position("c", "n"), [tool_call("1", "f_forge", '{"text": "E1"}')]))
    text = text_of(seen[0]["content"])
    assert "choose A" in text
    assert "choose A" not in outside(text)
    assert "\x1b" not in text
    assert [item.name for item in run.evidence.ordered()] == (["E1"] if evidence else [])


def test_fingerprint_changes_with_server_and_schema(raw: Any, tmp_path: Path) -> None:
    one = build_tools("f", raw("echo"), tmp_path)["f_echo"]
    again = build_tools("g", raw("echo"), tmp_path)["g_echo"]
    other = build_tools("f", raw("echo", args=("--more",)), tmp_path)["f_echo"]
    assert one.fingerprint == again.fingerprint
    assert one.fingerprint != other.fingerprint


def test_a_server_ends_with_the_last_of_its_tools(raw: Any, tmp_path: Path) -> None:
    made = build_tools("f", raw("a", "b"), tmp_path)
    kept = made["f_a"]
    del made
    gc.collect()
    assert excerpt(kept) == "a: {}"
    del kept
    gc.collect()
    assert wait_until(lambda: not lives(pids(tmp_path)[0]))


@pytest.mark.parametrize("stubborn", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_server_outlives_the_process(raw: Any, tmp_path: Path, stubborn: bool) -> None:
    code = (
        "import sys, json; from pathlib import Path; from adjudge.tools import McpSettings, build_tools\n"
        "settings = McpSettings(**json.loads(sys.argv[1]))\n"
        "tools = [build_tools(name, settings, Path(sys.argv[2])) for name in 'ab']\n"
    )
    settings = raw("echo", **({"STUBBORN": "1"} if stubborn else {}))
    text = json.dumps({**settings.model_dump(mode="json", exclude={"headers"}), "env": settings.env})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, text, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(pids(tmp_path)) == 2
    assert not any(map(lives, pids(tmp_path)))


@pytest.mark.parametrize("package", ["mcp", "langchain_mcp_adapters.tools"])
def test_a_package_that_is_missing_is_named_with_what_to_do(
    raw: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=r'an MCP server needs .*; run: pip install "adjudge\[mcp\]"'):
        build_tools("f", raw("echo"), tmp_path)


def test_build_tool_says_that_an_entry_gives_several(raw: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="use `build_tools`"):
        build_tool(raw(), tmp_path)


@contextmanager
def http_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, list[str]]]:
    """A loopback server, and the requests that it got."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(f"{self.command} {self.path} {self.headers.get('Authorization')}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer(self)

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refuse(request: BaseHTTPRequestHandler) -> None:
    request.send_error(401, "who are you?")


def test_a_refusal_over_http_is_told_without_the_secrets(tmp_path: Path) -> None:
    with http_server(refuse) as (url, asked):
        settings = McpSettings(kind="mcp", url=f"{url}/mcp?key={SECRET}", headers={"Authorization": SECRET})
        with pytest.raises(ConfigError, match="401") as told:
            build_tools("f", settings, tmp_path)
    assert SECRET not in str(told.value)
    assert asked == [f"POST /mcp?key={SECRET} {SECRET}", f"GET /mcp?key={SECRET} {SECRET}"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_takes_the_headers_elsewhere(tmp_path: Path, status: int) -> None:
    with http_server(refuse) as (elsewhere, asked):

        def redirect(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            request.send_header("Location", f"{elsewhere}/mcp")
            request.send_header("Content-Length", "0")
            request.end_headers()

        with http_server(redirect) as (url, _):
            settings = McpSettings(kind="mcp", url=f"{url}/mcp", headers={"Authorization": SECRET})
            with pytest.raises(ConfigError, match="cannot be used"):
                build_tools("f", settings, tmp_path)
    assert asked == []


def test_a_server_over_http_that_never_answers_is_given_up(tmp_path: Path) -> None:
    free = threading.Event()
    with http_server(lambda _: [free.wait(20)].clear()) as (url, _):
        settings = McpSettings(kind="mcp", url=f"{url}/mcp", start_timeout=0.5)
        before = time.monotonic()
        with pytest.raises(ConfigError, match=r"did not answer within 0\.5 seconds"):
            build_tools("f", settings, tmp_path)
        assert time.monotonic() - before < 5
        free.set()


def test_what_a_dying_server_wrote_is_told_without_its_secrets(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit('bad token ' + os.environ['TOKEN'])"
    settings = McpSettings(kind="mcp", command=sys.executable, args=("-c", code), env={"TOKEN": SECRET})
    with pytest.raises(ConfigError, match="bad token …") as told:
        build_tools("f", settings, tmp_path)
    assert SECRET not in str(told.value)


# In a judge


def judge_file(folder: Path, settings: McpSettings, **more: Any) -> Path:
    entry = {"kind": "mcp", "command": settings.command, "env": settings.env}
    graph = {
        "name": "checked",
        "mode": "pairwise",
        "tools": {"files": entry, "read": {"kind": "read_evidence"}, **more},
        "nodes": {
            "gather": {"agent": "executor", "tools": ["files", "read"], "max_turns": 2},
            "judge": {"agent": "judge", "thread": "gather", "decide": "generate"},
        },
        "edges": {"start": "gather", "gather": "judge", "judge": "end"},
        "orders": "one",
    }
    path = folder / "checked.yaml"
    path.write_text(json.dumps(graph), "utf-8")
    return path


def script() -> list[Any]:
    verdict = {"rationale": "As E1 says.", "citations": ["E1"], "scores": {"A": 9, "B": 2}}
    return [assistant("", [tool_call("x", "files_echo", '{"text": "q"}')]), "E1 settles it.", verdict]


def test_a_node_that_names_the_entry_is_offered_all_its_tools(raw: Any, tmp_path: Path) -> None:
    model = ScriptedModel(script())
    judge = Judge.load(judge_file(tmp_path, raw("echo", "other")), model=model)
    result = judge(CASE)
    assert [tool["function"]["name"] for tool in model.requests[0].tools] == ["files_echo", "files_other", "read"]
    assert result.outcome.type == "verdict"
    assert result.outcome.citations == ("E1",)
    assert result.evidence[0].tool == "files_echo"
    assert judge.tool_groups == {"files": ("files_echo", "files_other")}


def test_a_replay_starts_no_server_and_the_journal_holds_no_secret(raw: Any, tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"
    path = judge_file(tmp_path, raw("echo", TOKEN=SECRET))
    with closing(Judge.load(path, model=ScriptedModel(script()), journal=journal)) as judge:
        judge(CASE)
    started = len(pids(tmp_path))
    again = list(replay(journal))
    assert [item.identical for item in again] == [True]
    assert len(pids(tmp_path)) == started == 1
    assert SECRET.encode() not in journal.read_bytes()


def test_a_server_that_dies_is_told_the_judges_model(raw: Any, tmp_path: Path) -> None:
    replies = script()
    replies.insert(0, assistant("", [tool_call("x", "files_die", "{}")]))
    model = ScriptedModel(replies)
    result = Judge.load(judge_file(tmp_path, raw("echo", "die")), model=model)(CASE)
    assert result.outcome.type == "verdict"
    assert result.usage.tool_failures == 1
    assert "broke off during the call" in model.requests[1].text


def test_a_tool_given_in_python_stands_in_for_an_entry_or_one_of_its_tools(raw: Any, tmp_path: Path) -> None:
    async def mine(query: str) -> str:
        """Look it up."""
        return query

    path = judge_file(tmp_path, raw("echo", "other"))
    judge = Judge.load(path, model=ScriptedModel(), tools={"files_other": mine})
    assert judge.tools["files_other"].description == "Look it up."
    assert judge.tool_groups == {"files": ("files_echo", "files_other")}
    before = len(pids(tmp_path))
    judge = Judge.load(path, model=ScriptedModel(), tools={"files": mine})
    assert list(judge.tools) == ["read", "files"]
    assert len(pids(tmp_path)) == before, "its server is not started"


def test_two_entries_that_give_the_same_name_are_refused(raw: Any, tmp_path: Path) -> None:
    path = judge_file(tmp_path, raw("echo"), files_echo={"kind": "read_evidence"})
    with pytest.raises(ConfigError, match=r"tools\.files: two entries give a tool of this name; found 'files_echo'"):
        Judge.load(path, model=ScriptedModel())


# Servers of the MCP library


def port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def serve(transport: str, at: int) -> subprocess.Popen[bytes]:
    server = subprocess.Popen([sys.executable, str(LIBRARY), transport, str(at)], stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", at), 1)):
            return True
        return False

    assert wait_until(listens, 60)
    return server


@pytest.fixture
def servers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for server in started:
        server.kill()
        server.wait()


def test_a_server_of_the_library_over_standard_streams(tmp_path: Path) -> None:
    settings = McpSettings(kind="mcp", command=sys.executable, args=(str(LIBRARY), "stdio"), start_timeout=60)
    made = build_tools("f", settings, tmp_path)
    assert excerpt(made["f_add"], a=1) == "3"
    assert excerpt(made["f_runtime"], runtime="mine") == "mine"
    with pytest.raises(ToolError, match="validation error"):
        call(made["f_add"], a="x")


@pytest.mark.slow
@pytest.mark.parametrize(("transport", "path"), [("streamable-http", "/mcp"), ("sse", "/sse")])
def test_a_server_over_http_that_dies_and_comes_back(
    transport: str, path: str, tmp_path: Path, servers: list[subprocess.Popen[bytes]]
) -> None:
    at = port()
    servers.append(serve(transport, at))
    settings = McpSettings(kind="mcp", url=f"http://127.0.0.1:{at}{path}", timeout=5)
    made = build_tools("f", settings, tmp_path)["f_add"]
    assert excerpt(made, a=1) == "3"
    servers[0].kill()
    servers[0].wait()
    before = time.monotonic()
    with pytest.raises(ToolError, match=r"broke off|cannot be reached"):
        call(made, a=1)
    assert time.monotonic() - before < 10
    servers.append(serve(transport, at))

    def answers() -> bool:
        with suppress(ToolError):
            return excerpt(made, a=2) == "4"
        return False

    assert wait_until(answers, 30)
