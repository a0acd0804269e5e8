"""No server outlives those who started it, and its log cannot fill the memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest

from adjudge.errors import ConfigError
from adjudge.models.serve.process import ServerProcess

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = """
    import os, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(os.getpid(), child.pid, flush=True)
"""
Gone = Callable[[int], bool]


def python(code: str, **options: float) -> ServerProcess:
    return ServerProcess([sys.executable, "-c", textwrap.dedent(code)], os.environ, **options)  # type: ignore[arg-type]


def printed(process: ServerProcess) -> str:
    deadline = time.monotonic() + 10.0
    while "(it printed nothing)" in process.tail() and time.monotonic() < deadline:
        time.sleep(0.05)
    return process.tail()


def pids(process: ServerProcess) -> list[int]:
    return [int(word) for word in printed(process).split()]


def test_stopping_ends_the_server_and_its_children(gone: Gone) -> None:
    process = python(PARENT + "    time.sleep(60)\n")
    leader, child = pids(process)
    process.stop()
    process.stop()
    assert not process.alive
    assert gone(leader)
    assert gone(child)


def test_children_that_a_dead_server_leaves_are_ended(gone: Gone) -> None:
    process = python(PARENT + "    os._exit(7)\n")
    assert process.wait(20.0)
    assert process.ending == "it ended with exit code 7"
    assert gone(pids(process)[1])
    process.stop()


def test_who_ignores_the_request_to_end_is_forced() -> None:
    process = python(STUBBORN, grace=0.5)
    printed(process)
    began = time.monotonic()
    process.stop()
    assert time.monotonic() - began < 8.0
    assert process.ending == "it was killed by signal 9"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_when_who_started_it_is_killed(gone: Gone, number: int) -> None:
    code = """
        import os, sys, time
        from adjudge.models.serve.process import ServerProcess
        command = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
        process = ServerProcess(command, os.environ, on_line=lambda line: print(line, flush=True))
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        server = int(starter.stdout.readline())
        starter.send_signal(number)
        starter.wait(20.0)
    assert gone(server)


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's signal on a parent's death")
def test_the_server_ends_when_its_keeper_is_killed(gone: Gone) -> None:
    process = python("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    server = pids(process)[0]
    os.kill(process._process.pid, signal.SIGKILL)
    assert gone(server)
    process.stop()


def test_a_log_without_end_and_without_line_breaks_is_kept_short() -> None:
    process = python("import sys\nwhile True: sys.stdout.write('x' * 100_000)")
    time.sleep(1.0)
    assert len(process.tail(1000)) <= 200 * 2001
    process.stop()
    assert not process.alive


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    process = python("import sys; sys.stdout.buffer.write(b'\\xff\\xfe broken\\n')")
    process.wait(20.0)
    assert "broken" in process.tail()
    process.stop()


def test_a_signal_is_named_in_the_ending() -> None:
    process = python("import os; os.kill(os.getpid(), 11)")
    process.wait(20.0)
    assert process.ending == "it was killed by signal 11"
    process.stop()


def test_a_program_that_does_not_exist_ends_with_a_message() -> None:
    process = ServerProcess(["/nowhere/vllm"], os.environ)
    assert process.wait(20.0)
    assert "/nowhere/vllm" in process.tail(50)
    process.stop()


def test_words_that_cannot_be_passed_on_are_a_config_error() -> None:
    with pytest.raises(ConfigError, match="cannot be started"):
        ServerProcess([sys.executable, "-c", "pass", "--flag\0"], os.environ)


def test_a_fork_of_ours_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    process = python("import time; time.sleep(60)")
    owner = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: owner + 1)
    process.stop()
    assert process.alive
    monkeypatch.undo()
    process.stop()
    assert not process.alive
