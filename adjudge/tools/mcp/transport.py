"""Opening a session with an MCP server: a child process on its standard streams, or HTTP.

A process is started here and not through the adapters' `create_session`: that would fill `${…}` in `env` from the whole
environment of this process, past the rule that a judge file reads only the variables it may.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from adjudge.errors import MissingPackage
from adjudge.tools.mcp.settings import McpSettings, folder_of

if TYPE_CHECKING:
    from mcp import ClientSession

INSTALL = 'pip install "adjudge[mcp]"'
Opener = Callable[[], "AbstractAsyncContextManager[ClientSession]"]
_KEPT = 2_000  # bytes of what a server wrote to its standard error


def require_packages() -> None:
    """Import the optional packages.

    Raises:
        MissingPackage: One is not installed.
    """
    try:  # imported here, which takes a second, and not in the time that a server has to answer
        for package in ("mcp", "langchain_mcp_adapters.tools"):
            import_module(package)
    except ImportError as error:
        missing = error.name or "langchain-mcp-adapters"
        raise MissingPackage(missing, needed_for="an MCP server", install=INSTALL) from error


class Tail:
    """The end of what a server wrote to its standard error, to tell why it died."""

    def __init__(self) -> None:
        self._kept = b""
        self._thread: threading.Thread | None = None

    @property
    def text(self) -> str:
        """The end, as text; to be read when the server is gone."""
        if self._thread is not None:
            self._thread.join(0.2)  # what it wrote last may still be in the pipe
        return self._kept.decode("utf-8", "replace").strip()

    @contextmanager
    def file(self) -> Iterator[TextIO]:
        """A file to write into; a thread reads it, so that a server can write without end and never waits."""
        reading, writing = os.pipe()
        self._thread = threading.Thread(target=self._read, args=(reading,), name="adjudge-mcp-stderr", daemon=True)
        self._thread.start()
        with os.fdopen(writing, "w", encoding="utf-8") as file:
            yield file

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while chunk := file.read(65_536):
                self._kept = (self._kept + chunk)[-_KEPT:]


def openers(settings: McpSettings, base: Path, tail: Tail) -> list[Opener]:
    """Ways to open a session, to be tried in this order."""
    if settings.url is None:
        return [lambda: _process(settings, base, tail)]
    return [lambda: _http(settings, "streamable_http"), lambda: _http(settings, "sse")]


@asynccontextmanager
async def _process(settings: McpSettings, base: Path, tail: Tail) -> AsyncIterator[ClientSession]:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    command, *arguments = settings.words()
    server = StdioServerParameters(  # half characters of a server must not end the session
        command=command,
        args=arguments,
        env=dict(settings.env),
        cwd=folder_of(base),
        encoding_error_handler="replace",
    )
    with tail.file() as errors:
        async with stdio_client(server, errors) as (read, write), ClientSession(read, write) as session:
            yield session


@asynccontextmanager
async def _http(settings: McpSettings, transport: str) -> AsyncIterator[ClientSession]:
    from langchain_mcp_adapters.sessions import SSEConnection, StreamableHttpConnection, create_session

    url, headers = settings.url or "", dict(settings.headers)
    connection: SSEConnection | StreamableHttpConnection
    if transport == "sse":
        connection = {"transport": "sse", "url": url, "headers": headers, "timeout": settings.start_timeout}
    else:
        connection = {"transport": "streamable_http", "url": url, "headers": headers}
        connection |= {"timeout": settings.start_timeout}
    async with create_session(connection) as session:
        yield session
