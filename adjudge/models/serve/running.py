"""Starting a server, and having it for as long as a block lasts."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from adjudge.errors import ConfigError
from adjudge.models.serve.flags import LOOPBACK, ServeSettings, command, environment
from adjudge.models.serve.health import START_SECONDS, Progress, wait_until_ready
from adjudge.models.serve.interpreter import find_interpreter
from adjudge.models.serve.process import ServerProcess


class Served(NamedTuple):
    """A server that answers."""

    base_url: str
    name: str  # what it calls the model
    api_key: str | None
    seconds: float  # from its start until it answered
    process: ServerProcess
    cpu: bool = False  # its vLLM was built for processors


def start(
    settings: ServeSettings,
    *,
    api_key: str | None = None,
    seconds: float = START_SECONDS,
    on_line: Callable[[str], None] | None = None,
    on_progress: Progress | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Served:
    """Start a server and wait until it answers; whatever goes wrong, or interrupts it, nothing is left running.

    Args:
        settings: What to serve.
        api_key: The bearer token that requests will need; handed on through the environment.
        seconds: How long to wait for it.
        on_line: Called, in a thread, with each line of its log.
        on_progress: Called twice a second with the seconds waited so far.
        environ: What it inherits, and where `ADJUDGE_VLLM_PYTHON` is looked up.

    Raises:
        ConfigError: The settings cannot be served, or the port is taken.
        MissingPackage: vLLM, or the embedded model, is not installed.
        ModelError: It ended or did not answer in time; with its last log lines.
    """
    check_reach(settings.host, api_key)
    interpreter = find_interpreter(settings.python, environ)
    port = free_port(settings.host, settings.port)
    words = command(settings, interpreter, port)
    process = ServerProcess(words, environment(settings, interpreter, api_key, environ), on_line=on_line)
    try:
        waited = wait_until_ready(
            process,
            settings.host,
            port,
            name=settings.served_name,
            api_key=api_key,
            seconds=seconds,
            on_progress=on_progress,
        )
    except BaseException:
        process.stop()
        raise
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Served(f"http://{host}:{port}/v1", settings.served_name, api_key, waited, process, interpreter.cpu)


@contextmanager
def serve(settings: ServeSettings, *, api_key: str | None = None, seconds: float = START_SECONDS) -> Iterator[Served]:
    """A server for as long as the block lasts; see `start`."""
    served = start(settings, api_key=api_key, seconds=seconds)
    try:
        yield served
    finally:
        served.process.stop()


def check_reach(host: str, api_key: str | None) -> None:
    """Refuse a server that others can reach and that asks for no key.

    Raises:
        ConfigError: It is one.
    """
    if host not in LOOPBACK and not api_key:
        problem = f"a server on {host} can be reached from other machines, and no key is set"
        raise ConfigError(problem, key="host", hint=f"set ADJUDGE_API_KEY, or keep to {LOOPBACK[0]}")


def free_port(host: str, wanted: int | None) -> int:
    """The port that is wanted, if it is free, else any that is.

    Raises:
        ConfigError: The wanted port is taken, or there is no such address on this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, wanted or 0))
        except OSError as error:
            problem = f"a server cannot listen on {host}:{wanted or 0}: {error.strerror or error}"
            raise ConfigError(problem, key="port", found=wanted, hint="name another port") from error
        return int(listener.getsockname()[1])
