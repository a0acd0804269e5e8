"""Waiting for a server to come up: it answers, it is the one we started, and it has the model."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

from adjudge.errors import ModelError
from adjudge.models.serve.process import ServerProcess

START_SECONDS = 180.0
_LOOK = 0.5  # seconds between two questions
_ANSWER_SECONDS = 5.0
_LARGEST_ANSWER = 1 << 20  # bytes
Progress = Callable[[float], None]  # told the seconds waited so far


def wait_until_ready(
    process: ServerProcess,
    host: str,
    port: int,
    *,
    name: str,
    api_key: str | None,
    seconds: float = START_SECONDS,
    on_progress: Progress | None = None,
) -> float:
    """Wait until a server can be asked; returns the seconds that took.

    Args:
        process: The server.
        host: Where it listens.
        port: Where it listens.
        name: What it calls the model.
        api_key: The bearer token that it wants.
        seconds: How long to wait.
        on_progress: Called twice a second.

    Raises:
        ModelError: It ended, it took too long, or another server answers in its place; with its last log lines.
    """
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        if not process.alive:
            problem = f"vLLM did not start with the model {name!r}: {process.ending} after {waited:.0f} s"
            raise ModelError(f"{problem}; its last log lines:\n{process.tail()}")
        if _ask(host, port, "/health", None)[0] == 200:
            _check_model(host, port, name, api_key)
            return waited
        if waited > seconds:
            problem = f"vLLM with the model {name!r} did not answer within {seconds:g} s"
            raise ModelError(f"{problem}; its last log lines:\n{process.tail()}")
        if on_progress is not None:
            on_progress(waited)
        process.wait(_LOOK)


def _check_model(host: str, port: int, name: str, api_key: str | None) -> None:
    status, body = _ask(host, port, "/v1/models", api_key)
    try:
        served = [str(entry["id"]) for entry in json.loads(body)["data"]] if status == 200 else []
    except (ValueError, LookupError, TypeError):
        served = []
    if name not in served:
        found = f"it serves {', '.join(served)}" if served else f"it answered {status} to /v1/models"
        raise ModelError(f"another server than ours answers at {host}:{port}: {found}; name another port")


def _ask(host: str, port: int, path: str, api_key: str | None) -> tuple[int, bytes]:
    """Status and body of a GET; status 0 when nothing answers."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=_ANSWER_SECONDS)
    headers: dict[str, Any] = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_LARGEST_ANSWER)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _reachable(host: str) -> str:
    """A server that listens on every address is asked on loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a name is read, nothing is bound
