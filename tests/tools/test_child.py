"""A function in a child process: what comes back, and what each limit does."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ToolError
from adjudge.tools.child import MOST_CHILDREN, ChildError, ChildLimits, call_in_child, environment

VICTIM = """
import ctypes, os, socket, struct, subprocess, sys, time
from adjudge.errors import ToolError

def echo(data, **named):
    print("noise on stdout")
    os.write(1, b"more noise")
    return {"named": named, "size": len(data), "data": data[:9].decode("latin-1")}
def names(data): return sorted(os.environ)
def refuse(data): raise ToolError("not like this")
def broken(data): raise KeyError("gone")
def unwritable(data): return {1, 2}
def nothing(data): return None
def spin(data):
    while True: pass
def sleep(data): time.sleep(600)
def eat(data):
    kept = []
    while True: kept.append(bytearray(10_000_000))
def eat_natively(data):
    return [ctypes.create_string_buffer(2 ** 33) and 1]
def flood(data): return "x" * int(data)
def abort(data): os.abort()
def fault(data): ctypes.string_at(0)
def leave(data): os._exit(3)
def endless(data):
    def again(): return again()
    again()
def connect(data): socket.create_connection(("127.0.0.1", int(data)), 2)
def resolve(data): socket.getaddrinfo("localhost", 80)
def connect_natively(data):
    system = ctypes.CDLL(None, use_errno=True)
    handle = system.socket(2, 1, 0)
    address = struct.pack("=H", 2) + struct.pack(">H", int(data)) + bytes([127, 0, 0, 1]) + bytes(8)
    return system.connect(handle, address, 16)
def write(data): open(data.decode(), "w").write("x")
def write_by_handle(data): os.write(os.open(data.decode(), os.O_RDWR | os.O_CREAT), b"x")
def write_natively(data):
    system = ctypes.CDLL(None)
    system.fopen.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(system.fopen(data, b"w"))
    system.fputs(b"x" * 100, handle)
    system.fflush(handle)
def remove(data): os.remove(data.decode())
def run(data): subprocess.run(["id"])
def system(data): os.system("id")
def fork(data): os.fork()
def open_many(data):
    kept = []
    while True: kept.append(open(sys.executable, "rb"))
def mark(data):
    time.sleep(0.3)
    return time.time()
"""


@pytest.fixture(autouse=True)
def _victim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "victim_of_tests.py").write_text(VICTIM, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def call(function: str, data: bytes = b"", limits: ChildLimits | None = None, **arguments: Any) -> Any:
    return asyncio.run(call_in_child(f"victim_of_tests:{function}", arguments, data, limits=limits))


def fails(function: str, data: bytes = b"", limits: ChildLimits | None = None) -> ChildError:
    with pytest.raises(ChildError) as raised:
        call(function, data, limits)
    assert len(str(raised.value)) < 1200
    return raised.value


def test_arguments_and_bytes_go_in_and_json_comes_out_whatever_is_printed() -> None:
    value = call("echo", b"\x00\xffbytes" + bytes(100_000), a=1, b=["é", None])
    assert value == {"named": {"a": 1, "b": ["é", None]}, "size": 100_007, "data": "\x00\xffbytes\x00\x00"}
    assert call("nothing") is None


def test_a_refusal_is_told_as_it_is() -> None:
    error = fails("refuse")
    assert error.kind == "refused"
    assert str(error) == "not like this"
    assert isinstance(error, ToolError)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("broken", "KeyError: 'gone'"),
        ("unwritable", "not JSON serializable"),
        ("endless", "RecursionError"),
        ("absent", "AttributeError"),
    ],
)
def test_what_goes_wrong_inside_is_told_with_its_name(function: str, said: str) -> None:
    error = fails(function)
    assert error.kind == "failed"
    assert said in str(error)


def test_secrets_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ADJUDGE_API_KEY",
        "HF_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "DATABASE_URL",
        "PYTHONSTARTUP",
        "HTTPS_PROXY",
    ):
        monkeypatch.setenv(name, "secret")
    assert "secret" not in environment().values()
    seen = call("names")
    assert "PATH" in seen
    assert not [name for name in seen if "KEY" in name or "TOKEN" in name or "ADJUDGE" in name or "PROXY" in name]


@pytest.mark.parametrize("function", ["spin", "sleep"])
def test_time_runs_out(function: str) -> None:
    started = time.monotonic()
    error = fails(function, limits=ChildLimits(seconds=1))
    assert error.kind == "time"
    assert str(error) == "it took longer than 1 seconds and was stopped"
    assert time.monotonic() - started < 8


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces a limit on the address space")
@pytest.mark.parametrize(("function", "kinds"), [("eat", {"memory"}), ("eat_natively", {"memory", "failed"})])
def test_memory_runs_out(function: str, kinds: set[str]) -> None:
    error = fails(function, limits=ChildLimits(seconds=20, memory_mb=300))
    assert error.kind in kinds
    if error.kind == "memory":
        assert str(error) == "it needs more than 300 MiB of memory and was stopped"


def test_an_answer_that_is_too_long_is_not_taken() -> None:
    error = fails("flood", b"3000000", ChildLimits(output_bytes=2**20))
    assert error.kind == "output"
    assert "larger than 1 MiB" in str(error)
    assert len(call("flood", b"1000000", ChildLimits(output_bytes=2**20))) == 1_000_000


@pytest.mark.parametrize("function", ["abort", "fault", "leave"])
def test_a_crash_is_told(function: str) -> None:
    error = fails(function)
    assert error.kind == "crashed"
    assert "died" in str(error)


@pytest.mark.parametrize("function", ["connect", "resolve", "connect_natively"])
def test_there_is_no_network(function: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        data = str(server.getsockname()[1]).encode()
        if function == "connect_natively":
            if not _namespaces():
                pytest.skip("this system permits no network namespace, so native code is not cut off")
            assert call(function, data) == -1
        else:
            assert "not allowed here" in str(fails(function, data))
        with pytest.raises(TimeoutError):
            server.accept()


def _namespaces() -> bool:
    """Whether this user may have a network namespace, by the same two ways that the child tries."""
    trial = (
        "import ctypes, sys; system = ctypes.CDLL(None);"
        "sys.exit(system.unshare(0x40000000) != 0 and system.unshare(0x50000000) != 0)"
    )
    return sys.platform == "linux" and subprocess.run([sys.executable, "-c", trial], check=False).returncode == 0


@pytest.mark.parametrize("function", ["write", "write_by_handle", "write_natively", "remove"])
def test_nothing_is_written_or_removed(function: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    if function == "remove":
        target.write_text("kept")
    if function == "write_natively":
        if sys.platform == "win32":
            pytest.skip("Windows has no limit on written files")
        call(function, os.fsencode(target))
        assert target.read_text() == "", "it may be made, but nothing can be written"
        return
    assert "not allowed here" in str(fails(function, os.fsencode(target)))
    assert target.exists() == (function == "remove")


@pytest.mark.parametrize("function", ["run", "system", "fork"])
def test_no_process_is_started(function: str) -> None:
    assert "not allowed here" in str(fails(function))


def test_open_files_are_limited() -> None:
    assert "Too many open files" in str(fails("open_many"))


def test_so_many_run_at_once_and_no_more() -> None:
    async def many() -> list[float]:
        calls = (call_in_child("victim_of_tests:mark", {}) for _ in range(MOST_CHILDREN + 1))
        return list(await asyncio.gather(*calls))

    ends = sorted(asyncio.run(many()))
    assert ends[-1] - ends[0] > 0.25, "the last one waited for a place"


def test_a_cancelled_call_takes_its_process_with_it(tmp_path: Path) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(call_in_child("victim_of_tests:sleep", {}))
        await asyncio.sleep(0.8)
        assert _children(), "it runs"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    deadline = time.monotonic() + 5
    while _children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _children()


def _children() -> list[str]:
    """Processes of ours that run the child's code."""
    psutil = pytest.importorskip("psutil")
    found = []
    for process in psutil.Process().children():
        try:
            if any("adjudge.tools.confined" in part for part in process.cmdline()):
                found.append(str(process))
        except psutil.Error:
            continue
    return found


def test_no_process_is_left_after_any_of_this() -> None:
    fails("spin", limits=ChildLimits(seconds=0.5))
    assert not _children()


@pytest.mark.parametrize("after", [0.0, 0.3, 2.0])
def test_the_child_dies_with_its_parent(tmp_path: Path, after: float) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's death")
    script = (
        "import asyncio, sys; sys.path.insert(0, sys.argv[1])\n"
        "from adjudge.tools.child import call_in_child\n"
        "asyncio.run(call_in_child('victim_of_tests:sleep', {}))"
    )
    psutil = pytest.importorskip("psutil")
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) as parent:
        child = None
        deadline = time.monotonic() + 20
        while child is None and time.monotonic() < deadline:
            child = next(iter(psutil.Process(parent.pid).children()), None)
            time.sleep(0.05)
        assert child is not None
        time.sleep(after)  # while it starts, and while it works
        parent.kill()
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_the_module_of_the_child_is_cheap_to_import() -> None:
    script = "import sys, adjudge.tools.confined; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["torch", "transformers", "langgraph", "langchain_core", "numpy", "trafilatura", "bm25s", "pypdfium2"]
    done = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []
