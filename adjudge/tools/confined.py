"""Inside the child process of `child.py`: take the limits upon oneself, then do the call.

The order matters: the limits and the network namespace come before any module that could be attacked is imported, and
the guard in Python code comes last, because imports themselves open files.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import struct
import sys
from typing import Any, BinaryIO

from adjudge.errors import ToolError

_NEWUSER, _NEWNET = 0x10000000, 0x40000000  # flags of unshare(2)
_NO_NEW_PRIVS, _DEATH_SIGNAL = 38, 1  # options of prctl(2)
_MESSAGE_CHARS = 1000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.link",
    "os.mkdir",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.spawn",
    "os.symlink",
    "os.system",
    "os.truncate",
    "pty.spawn",
    "shutil.",
    "socket.",
    "subprocess.Popen",
)


def main() -> None:
    """Read one call from stdin, do it, and write its outcome to what was stdout."""
    # Whatever a parser prints must not get into the answer.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    call, data = _read(sys.stdin.buffer)
    limits = call["limits"]
    _cut_off(call["parent"])
    _limit(limits["seconds"], limits["memory_mb"], limits["threads"])
    try:
        text = _outcome(call["function"], call["arguments"], data).encode()
    except MemoryError:
        text = b'{"kind": "memory"}'
    answer.write(text)
    answer.flush()
    os._exit(0)  # at once: threads of native code are known to hang or crash at an orderly exit


def _read(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    head, size = struct.unpack(">II", stream.read(8))
    return json.loads(stream.read(head)), stream.read(size)


def _outcome(function: str, arguments: dict[str, Any], data: bytes) -> str:
    """What the function returned, or how it failed, as JSON."""
    module, _, name = function.partition(":")
    try:
        called = getattr(importlib.import_module(module), name)
        sys.addaudithook(_guard)
        return json.dumps({"value": called(data=data, **arguments)})
    except ToolError as error:
        return json.dumps({"kind": "refused", "error": str(error)[:_MESSAGE_CHARS]})
    except MemoryError:
        raise
    except Exception as error:  # the boundary of the child: what a parser raises is told, never lost
        said = f"{type(error).__name__}: {error}"
        if "bad_alloc" in said or "Failed to allocate" in said:  # how native code says it
            raise MemoryError from error
        return json.dumps({"kind": "failed", "error": said[:_MESSAGE_CHARS]})


def _guard(event: str, details: tuple[Any, ...]) -> None:
    """Refuse network, processes and writing; an audit hook cannot be taken off again."""
    if event == "open":
        mode, flags = details[1], details[2] or 0
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITING):
            raise PermissionError(f"writing is not allowed here: {details[0]!r}")
    elif event.startswith(_FORBIDDEN):
        raise PermissionError(f"{event} is not allowed here")


def _limit(seconds: float, memory_mb: int, threads: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    cpu = int(seconds * threads) + 1
    for limit, value in (
        (resource.RLIMIT_AS, memory_mb * 2**20),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        # macOS refuses some of them; the wall-clock limit from outside holds everywhere.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def _cut_off(parent: int) -> None:
    """A network namespace without any network, where the kernel permits one; and death together with the parent."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    system = ctypes.CDLL(None)
    system.prctl(_DEATH_SIGNAL, 9, 0, 0, 0)
    if os.getppid() != parent:  # it died before the signal was asked for
        os._exit(1)
    # Alone it needs privileges; with a user namespace it needs none, where the system allows those.
    if system.unshare(_NEWNET) != 0:
        system.unshare(_NEWUSER | _NEWNET)
    system.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
