"""Visiting a URL under the policy: each address checked and pinned, each redirect asked about anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adjudge.errors import ToolError, shorten
from adjudge.tools.web.network import INTERNET, Network, addresses_of
from adjudge.tools.web.urls import Target, redirected, target_of

if TYPE_CHECKING:
    from adjudge.tools.web.client import Answer

MAX_REDIRECTS = 5
IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")
IMAGE_BYTES = 10 * 1024 * 1024
IMAGE_SECONDS = 20.0


async def visit(
    target: Target,
    may: Callable[[Target], None],
    network: Network,
    *,
    most: int,
    kinds: Sequence[str] | None = None,
    allow_private: bool = False,
) -> tuple[Target, Answer]:
    """Where the redirects of a URL end, and what is there.

    Args:
        target: The URL.
        may: Asked before each request, also after a redirect; raises what is to be told where it may not be made.
        network: How names are resolved and addresses reached.
        most: Bytes that the body may have.
        kinds: Content types that are wanted; None: those of pages.
        allow_private: Whether private and loopback addresses may be asked.

    Raises:
        ToolError: Nothing can be had there, or it redirects too often.
    """
    from adjudge.tools.web.client import PAGES, get  # with httpx, which `import adjudge` need not load

    for _ in range(MAX_REDIRECTS + 1):
        may(target)
        addresses = await addresses_of(target, network, allow_private=allow_private)
        answer = await get(target, addresses, network, most=most, kinds=kinds or PAGES)
        if not answer.location:
            return target, answer
        target = redirected(target, answer.location)
    raise ToolError(f"the page redirects more than {MAX_REDIRECTS} times; try another source")


async def fetch_image(url: str, *, network: Network = INTERNET, seconds: float = IMAGE_SECONDS) -> bytes:
    """An image that a case names by its web address.

    Args:
        url: The address; http or https at its usual port, on a public address, as every redirect has to be.
        network: How names are resolved and addresses reached, for tests and own networks.
        seconds: For the whole of it, redirects included.

    Raises:
        ToolError: It cannot be had: refused, absent, of another content type, over 10 MiB, or too slow.
    """
    target = target_of(url)
    try:
        async with asyncio.timeout(seconds):
            return (await visit(target, _usual_port, network, most=IMAGE_BYTES, kinds=IMAGES))[1].body
    except TimeoutError as error:
        raise ToolError(f"{shorten(url, 200)} did not answer within {seconds:g} seconds") from error


def _usual_port(target: Target) -> None:
    if target.port not in (80, 443):
        raise ToolError(f"{target.authority} has the port {target.port}, and only these may be asked: 80, 443")
