"""A server as a child process: its log kept to the last lines, its end certain."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from adjudge.errors import ConfigError

GRACE = 15.0  # seconds from SIGTERM to SIGKILL
_KEPT_LINES = 200
_LONGEST_LINE = 2000  # characters
_KEEPER = Path(__file__).with_name("keeper.py")


class ServerProcess:
    """A command under a keeper (see `keeper.py`), so that it ends with this process, however this one ends.

    Args:
        command: Its words.
        environ: All of its environment.
        on_line: Called, in a thread, with each line it prints; must not raise.
        grace: Seconds from asking it to end to forcing it.

    Raises:
        ConfigError: It cannot be started at all.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        on_line: Callable[[str], None] | None = None,
        grace: float = GRACE,
    ) -> None:
        self._owner = os.getpid()
        self._grace = grace
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        words = [sys.executable, "-I", str(_KEEPER), str(grace), *command]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                start_new_session=True,  # Ctrl-C in a terminal is for us; the server is then asked to end
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in a word
            raise ConfigError(f"the server cannot be started: {error}", found=command[0]) from error
        self._reader = threading.Thread(target=self._read, name="server-log", daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def ending(self) -> str:
        """How it ended, as a clause."""
        code = self._process.poll()
        if code is None:
            return "it still runs"
        return f"it was killed by signal {code - 128}" if code > 128 else f"it ended with exit code {code}"

    def tail(self, lines: int = 12) -> str:
        """The last lines that it printed, at most 200."""
        if not self.alive:
            self._reader.join(timeout=1.0)  # what it said last matters most
        kept = list(self._lines)[-lines:]
        return "\n".join(kept) if kept else "(it printed nothing)"

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when it still runs after so many seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End it and all that it started; returns when that is done. May be called again, from any thread."""
        if self._owner != os.getpid():  # in a fork of ours: it is not ours to end
            return
        stdin = self._process.stdin
        assert stdin is not None
        stdin.close()
        if not self.wait(self._grace + 10.0):
            self._process.kill()  # the keeper hangs; on Linux the server then gets its SIGTERM from the kernel
            self._process.wait()
        self._reader.join(timeout=5.0)

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with stdout:
            while raw := stdout.readline(_LONGEST_LINE):
                line = raw.decode("utf-8", "replace").rstrip()
                if line:
                    self._lines.append(line)
                    if self._on_line is not None:
                        self._on_line(line)
