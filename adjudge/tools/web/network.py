"""From a checked URL to the address that will be connected to: resolved once, all answers checked, then pinned.

A name that resolves to a public address when it is checked and to a private one when it is used (DNS rebinding) gains
nothing: the client connects to the address that was checked, and never resolves a name itself.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from adjudge.errors import ToolError, shorten
from adjudge.tools.web.addresses import refusal
from adjudge.tools.web.urls import Target

MOST_ADDRESSES = 3  # tried one after another

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Route = Callable[[str, int], tuple[str, int]]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system resolves it.

    Raises:
        OSError: It has none, or the resolver cannot be reached.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def direct(address: str, port: int) -> tuple[str, int]:
    """The address itself."""
    return address, port


class Network(NamedTuple):
    """How names become addresses and addresses are reached; all of it can be replaced, for tests and own networks."""

    resolve: Resolve = resolve
    route: Route = direct  # where a checked address and port are really connected to
    tls: ssl.SSLContext | None = None  # None: certificates that certifi trusts


INTERNET = Network()


async def addresses_of(target: Target, network: Network, *, allow_private: bool) -> list[str]:
    """The addresses of a URL's host, every one checked.

    Raises:
        ToolError: The host has no address, or one that may not be reached.
    """
    if target.literal:
        found: Sequence[str] = [target.host]
    else:
        try:
            found = await network.resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ToolError(f"the host {shorten(target.host)} could not be resolved: {reason}") from error
    if not found:
        raise ToolError(f"the host {shorten(target.host)} has no address")
    for address in found:
        if why := refusal(address, allow_private=allow_private):
            raise ToolError(f"the host {shorten(target.host)} leads to {why} and may not be fetched from")
    return list(found[:MOST_ADDRESSES])
