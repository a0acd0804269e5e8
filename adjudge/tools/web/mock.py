"""A web on the loopback for tests: one server that stands for any public name; nothing leaves the machine.

    async with MockWeb({"/page": page("George Eliot wrote Middlemarch.")}).serving() as web:
        tool = fetch(network=web.network())

The policy of `fetch` holds as it does outside: names resolve to what `names` says, addresses are checked, and only the
last step, the connection to a checked address, is led to the loopback. What was resolved, connected to and asked for is
kept, so that a test can tell what must not have happened.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from adjudge.tools.web.network import Network

PUBLIC = "93.184.216.34"  # where names are unless a test says otherwise

Responder = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


class Asked(NamedTuple):
    """One request that reached the server."""

    path: str  # with query
    headers: dict[str, str]  # names and values in lower case


@dataclass
class MockWeb:
    """A server that answers under every name.

    Args:
        pages: By path with query: a whole HTTP response, or an async function that writes one; others are not found.
        names: Addresses by host: one list for each resolution, the last of them kept. Other hosts are at `PUBLIC`.
        tls: Serve https with this.
    """

    pages: Mapping[str, Responder]
    names: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    routed: list[tuple[str, int]] = field(default_factory=list)  # addresses and ports that were connected to
    port: int = 0

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The next addresses of a name."""
        self.resolved.append(host)
        answers = self.names.get(host, [[PUBLIC]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def route(self, address: str, port: int) -> tuple[str, int]:
        """The server, whatever address is wanted."""
        self.routed.append((address, port))
        return "127.0.0.1", self.port

    def network(self, trusted: ssl.SSLContext | None = None) -> Network:
        """What `fetch` takes; `trusted` verifies certificates in place of the public authorities."""
        return Network(self.resolve, self.route, trusted)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[MockWeb]:
        """Listen on a free port of the loopback; connections that are open at the end are cut."""
        open_now: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._serve(reader, writer))
            open_now[task] = writer
            task.add_done_callback(lambda done: open_now.pop(done, None))

        async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=self.tls) as server:
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield self
            finally:
                left = dict(open_now)
                for task, writer in left.items():
                    task.cancel()
                    writer.transport.abort()
                await asyncio.gather(*left, return_exceptions=True)
                await asyncio.sleep(0)  # the transports are told that they are closed

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            self.asked.append(Asked(path, dict(line.lower().split(": ", 1) for line in head[1:] if line)))
            found = self.pages.get(path, page("", status="404 Not Found"))
            if isinstance(found, bytes):
                writer.write(found)
                await writer.drain()
            else:
                await found(writer)
        except (ConnectionError, asyncio.IncompleteReadError):  # the client has had enough
            pass
        finally:
            writer.close()


def page(body: bytes | str, kind: str = "text/plain", *, status: str = "200 OK", **headers: str) -> bytes:
    """A whole response; underscores in the names of headers stand for hyphens."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data


def redirect(location: str, status: str = "302 Found", **headers: str) -> bytes:
    """A redirect."""
    return page("", status=status, Location=location, **headers)
