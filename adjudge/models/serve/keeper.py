"""Runs a command, and ends it with everything it started when whoever asked for it is gone.

    python -I keeper.py SECONDS COMMAND …

A file that is run, never imported; standard library only. The one who asked holds the other end of this process's
standard input: when that closes (on purpose, or because he was killed and could do nothing any more), the command gets
SIGTERM; after SECONDS, whatever is left of its process group gets SIGTERM and then SIGKILL. The command's own end is
passed on as the exit code.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

_LOOK = 0.1  # seconds between two looks at the command
_REST = 2.0  # seconds for what the command leaves behind
_PR_SET_PDEATHSIG = 1
_stop = threading.Event()


def _die_with_parent() -> None:
    """On Linux: a SIGTERM when this keeper itself is killed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _watch_input() -> None:
    while os.read(0, 4096):
        pass
    _stop.set()


def _signal_group(group: int, number: int) -> bool:
    """Whether there was still anybody to receive it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of zombies
        return False
    return True


def _end(child: subprocess.Popen[bytes], grace: float) -> None:
    """First the command alone, which knows best how to end its own children; then whoever is left of its group."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    deadline = time.monotonic() + _REST
    while _signal_group(child.pid, signal.SIGTERM):
        if time.monotonic() > deadline:
            _signal_group(child.pid, signal.SIGKILL)
            return
        child.poll()  # takes the zombie away, which would count as a member of the group
        time.sleep(_LOOK)


def main(grace: float, command: list[str]) -> int:
    """Run the command to its end, or to ours."""
    signal.signal(signal.SIGTERM, lambda *_: _stop.set())
    # The main thread starts it: on Linux the parent's death signal comes when the starting *thread* ends. And before
    # there is a second thread, since code runs between fork and exec.
    child = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent
    )
    threading.Thread(target=_watch_input, daemon=True).start()
    while child.poll() is None and not _stop.wait(_LOOK):
        pass
    _end(child, grace)  # also after its own end: its children may be left
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
