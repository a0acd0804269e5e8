"""Processes that are killed: a model whose verdict depends on the text, and the reward server before it.

python -m benchmarks.grpo_reward.servers --port 8123        # the model
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

from adjudge.models.mock import MockReply, MockServer

WANTED = "a"  # a response is as good as its share of this letter
LOW, HIGH = 1.0, 5.0  # the scale of `rubric`
_RESPONSE = re.compile(r"<<<response ([0-9a-f]{16})\n(.*?)\n?<*[^\n]*\1", re.DOTALL)
_LATENCY = 0.05  # seconds that a verdict takes


def quality(text: str) -> float:
    """The score of a response, on the scale."""
    return round(LOW + (HIGH - LOW) * text.count(WANTED) / max(len(text), 1), 3)


def verdict(body: dict[str, Any]) -> str:
    """The reply of the model."""
    found = _RESPONSE.findall(str(body["messages"][-1]["content"]))
    if not found:
        raise ValueError(f"no response in {body['messages'][-1]['content']!r}")
    told = {"rationale": "By its letters.", "citations": [], "score": quality(found[-1][1]), "confidence": 0.9}
    return json.dumps(told)


class Killable:
    """A server in a process of its own.

    Args:
        command: Arguments of Python; `PORT` is replaced.
        alive: Path that answers 200 once it is up.
    """

    def __init__(self, command: Sequence[str], alive: str) -> None:
        self.port = _free_port()
        self._command = [sys.executable, *(word.replace("PORT", str(self.port)) for word in command)]
        self._alive = f"{self.url}{alive}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, on the same port after a restart."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, without waiting."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until it answers.

        Raises:
            TimeoutError: It does not.
            RuntimeError: It has ended.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(self._alive, timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
            if self._process is not None and (code := self._process.poll()) is not None:
                raise RuntimeError(f"{' '.join(self._command)} ended with {code}")
        raise TimeoutError(f"nothing answers at {self._alive}")

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def kill_soon(self, delay: float, away: float | None = None) -> None:
        """Kill in `delay` seconds, and start again `away` seconds later; None: do not."""

        def later() -> None:
            time.sleep(delay)
            self.kill()
            if away is not None:
                time.sleep(away)
                self.start()

        threading.Thread(target=later, daemon=True).start()


def model_server() -> Killable:
    """The model."""
    return Killable(["-m", "benchmarks.grpo_reward.servers", "--port", "PORT"], "/v1/models")


def reward_server(model: Killable) -> Killable:
    """`adjudge serve` before the model."""
    options = ["--graph", "rubric", "--model", f"{model.url}/v1", "--port", "PORT", "--patience", "0"]
    return Killable(["-m", "adjudge", "serve", *options], "/healthz")


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def _serve(port: int) -> None:
    served = MockReply({"object": "list", "data": [{"id": "letters", "object": "model"}]})
    async with MockServer(verdict, _LATENCY, routes={"/v1/models": lambda _: served}, port=port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().port))
