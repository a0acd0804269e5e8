"""Run a function of an importable module in a fresh child process with limits: where files from outside are parsed.

    value = await call_in_child("package.module:function", {"most": 200}, data, limits=ChildLimits(seconds=20))

The function takes its JSON arguments as keywords and the bytes as `data`, and returns JSON. Its `ToolError` comes out
here as `ChildError("refused")`; whatever else ends the child (time, memory, a crash, an answer that is too long) has
its own `kind` and a message that says what to do.

What holds the child: address space, CPU time, open files and written files by `resource` limits (Linux; macOS does not
enforce the address space, Windows has none of them, so there only time and output are limited); wall-clock time and
output from outside; an environment without secrets; no network, by a network namespace of its own where the kernel
permits that, and everywhere by refusing sockets, new processes and writing in Python code. It is no sandbox against
native code that an attacker already controls: such code could read what this user may read.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

from adjudge.errors import ToolError

MOST_CHILDREN = min(4, os.cpu_count() or 1)  # at once; each may use its whole memory limit
_INHERITED = re.compile(
    r"(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|LD_LIBRARY_PATH|SYSTEMROOT|WINDIR)\Z", re.IGNORECASE
)
_POOL = ThreadPoolExecutor(max_workers=MOST_CHILDREN, thread_name_prefix="adjudge-child")
_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from adjudge.tools.confined import main; main()"

Kind = Literal["refused", "failed", "memory", "time", "output", "crashed"]


class ChildLimits(NamedTuple):
    """What one call may use."""

    seconds: float = 20.0  # of wall-clock time, and per thread of CPU time
    memory_mb: int = 1024  # of address space, in MiB; code and thread stacks count, so it lies above what is used
    output_bytes: int = 16 * 2**20  # of the JSON answer
    threads: int = 1  # that native code may start: OMP_NUM_THREADS and its like


class ChildError(ToolError):
    """A call in a child process gave no answer.

    Args:
        message: What happened, for the model.
        kind: `refused` (the function raised `ToolError`), `failed` (it raised something else), `memory`, `time` or
            `output` (over that limit), `crashed` (the process died).
    """

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(message)
        self.kind = kind


async def call_in_child(
    function: str, arguments: Mapping[str, Any], data: bytes = b"", *, limits: ChildLimits | None = None
) -> Any:
    """Call a function in a fresh process; at most `MOST_CHILDREN` run at once, others wait.

    Args:
        function: Its module and name, for example `package.module:function`.
        arguments: JSON values, passed as keywords.
        data: Passed as the keyword `data`.
        limits: What the call may use; the defaults of `ChildLimits` where left out.

    Returns:
        The JSON value that the function returned.

    Raises:
        ChildError: There is no answer; its `kind` says why.
    """
    job = _Job(function, arguments, data, limits or ChildLimits())
    try:
        return await asyncio.get_running_loop().run_in_executor(_POOL, job.run)
    finally:
        job.kill()  # nobody waits for it any longer when this call was cancelled


def environment() -> dict[str, str]:
    """The variables that a child inherits: the few that an interpreter needs, so that no secret is among them."""
    return {name: value for name, value in os.environ.items() if _INHERITED.match(name)}


class _Job:
    """One child from start to end, for a thread that may block."""

    def __init__(self, function: str, arguments: Mapping[str, Any], data: bytes, limits: ChildLimits) -> None:
        self._limits = limits
        call = {"function": function, "arguments": dict(arguments), "limits": limits._asdict(), "parent": os.getpid()}
        self._head = json.dumps(call)
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._ended: Literal["", "time", "cancelled"] = ""

    def run(self) -> Any:
        if (process := self._start()) is None:
            raise ChildError("the call was cancelled before it began", "failed")
        watch = threading.Timer(self._limits.seconds, self._time_is_up)
        watch.start()
        try:
            with process:
                answer = self._talk(process)
        finally:
            watch.cancel()
            self.kill()
        return self._read(answer, process.returncode)

    def _start(self) -> subprocess.Popen[bytes] | None:
        paths = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100 - `resolve` would follow links
        threads = str(self._limits.threads)
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        with self._lock:
            if self._ended:
                return None
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [sys.executable, "-I", "-B", "-c", _BOOT, json.dumps(paths)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Arenas of malloc count as address space, 64 MiB each.
                env=environment() | dict.fromkeys(names, threads) | {"MALLOC_ARENA_MAX": "2"},
                start_new_session=True,
            )
        return self._process

    def _talk(self, process: subprocess.Popen[bytes]) -> bytes:
        """Send the call and read the answer; up to one byte more than is allowed."""
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both were asked for")
        head = self._head.encode()
        try:
            process.stdin.write(struct.pack(">II", len(head), len(self._data)) + head)
            process.stdin.write(self._data)
            process.stdin.close()
        except BrokenPipeError:  # it died early; what it managed to say is read all the same
            pass
        answer = process.stdout.read(self._limits.output_bytes + 1)
        if len(answer) > self._limits.output_bytes:
            process.kill()
        return answer

    def _time_is_up(self) -> None:
        self.kill("time")

    def kill(self, reason: Literal["time", "cancelled"] = "cancelled") -> None:
        """End the child if it still runs."""
        with self._lock:
            running = self._process is not None and self._process.poll() is None
            if running or self._process is None:
                self._ended = self._ended or reason
            if running and self._process is not None:
                self._process.kill()

    def _read(self, answer: bytes, status: int) -> Any:
        limits = self._limits
        if self._ended == "time" or status == -_XCPU:
            raise ChildError(f"it took longer than {limits.seconds:g} seconds and was stopped", "time")
        if len(answer) > limits.output_bytes:
            raise ChildError(f"its result is larger than {limits.output_bytes // 2**20} MiB", "output")
        try:
            value = json.loads(answer)
        except ValueError:
            raise self._dead(status) from None
        if "value" in value:
            return value["value"]
        if value["kind"] == "memory":
            raise ChildError(f"it needs more than {limits.memory_mb} MiB of memory and was stopped", "memory")
        raise ChildError(value["error"], value["kind"])

    def _dead(self, status: int) -> ChildError:
        if status == -9 and self._ended == "":  # nobody here sent it: the kernel does when memory runs out
            return ChildError("the system ran out of memory while it was read", "memory")
        how = f"signal {-status}" if status < 0 else f"status {status}"
        problem = f"the process that read it died ({how}): it is malformed, or needs more than"
        return ChildError(f"{problem} {self._limits.memory_mb} MiB of memory", "crashed")


_XCPU = 24  # SIGXCPU on Linux; absent on Windows
