"""One GET request to a checked address: no cookie, no proxy, no redirect followed, nothing from the environment.

The request goes to the IP address that was checked, with the host's name in the Host header and in TLS, where the
certificate is verified against it. Each request has a client of its own, so nothing is carried from one to the next.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import httpx

from adjudge.errors import ToolError, shorten
from adjudge.tools.web.bodies import ACCEPTED, read_body
from adjudge.tools.web.network import Network
from adjudge.tools.web.urls import Target

PAGES = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/json", "application/pdf")
CONNECT_SECONDS = 5.0  # for each address
MAX_HEADERS = 64 * 1024  # bytes; httpcore itself stops at 100 KiB before they are complete
USER_AGENT = "Mozilla/5.0 (compatible; adjudge)"
_REDIRECTS = (301, 302, 303, 307, 308)


class Answer(NamedTuple):
    """What a server answered: a page, or where to look instead."""

    kind: str = ""  # content type, one of those asked for
    charset: str = ""  # as the server declares it; empty when it does not
    body: bytes = b""
    location: str = ""  # of a redirect, which has no body


async def get(
    target: Target, addresses: list[str], network: Network, *, most: int, kinds: Sequence[str] = PAGES
) -> Answer:
    """Ask for a URL at one of its checked addresses.

    Args:
        target: The URL.
        addresses: Its checked addresses, tried in order until one can be connected to.
        network: How an address is reached.
        most: Bytes that the body may have.
        kinds: Content types that are wanted.

    Raises:
        ToolError: No page can be had: no connection, a wrong certificate, a status other than 200, an unwanted
            content type, or a body that is too large or broken.
    """
    tls = network.tls or _tls()
    for number, address in enumerate(addresses, 1):
        try:
            return await _ask(target, network.route(address, target.port), tls, most, kinds)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if number == len(addresses):
                raise _failed(target, error) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failed(target, error) from error
    raise ToolError(f"the host {target.host} has no address")


async def _ask(target: Target, place: tuple[str, int], tls: ssl.SSLContext, most: int, kinds: Sequence[str]) -> Answer:
    url = httpx.URL(scheme=target.scheme, host=place[0], port=place[1], raw_path=target.path.encode("ascii"))
    headers = {
        "Host": target.authority,
        "User-Agent": USER_AGENT,
        "Accept": ", ".join(kinds),
        "Accept-Encoding": ACCEPTED,
        "Connection": "close",
    }
    # The whole fetch has a time-out of its own around it, so only connecting needs one here.
    timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
    async with httpx.AsyncClient(verify=tls, trust_env=False, timeout=timeout) as client:
        request = client.build_request("GET", url, headers=headers, extensions={"sni_hostname": target.host})
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            return await _read(response, most, kinds)
        finally:
            await response.aclose()


async def _read(response: httpx.Response, most: int, kinds: Sequence[str]) -> Answer:
    headers = response.headers
    if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADERS:
        raise ToolError(f"the server's headers are larger than {MAX_HEADERS:,} bytes")
    if response.status_code in _REDIRECTS and (location := headers.get("location")):
        return Answer(location=location)
    if response.status_code != 200:
        raise ToolError(f"the server answered {response.status_code}; try another source")
    kind, charset = _content_type(headers.get("content-type", ""))
    if kind not in kinds:
        found = shorten(kind) if kind else "no content type"
        raise ToolError(f"the page is {found}, and only these can be read: {', '.join(kinds)}")
    length = headers.get("content-length", "")
    if length.isdigit() and int(length[:19]) > most:
        raise ToolError(f"the page has {shorten(length)} bytes, and at most {most:,} are read; try another source")
    return Answer(kind, charset, await read_body(response.aiter_raw(), headers.get("content-encoding", ""), most))


def _content_type(header: str) -> tuple[str, str]:
    kind, *parameters = header.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), value.strip(" \t\"'").lower()
    return kind.strip().lower(), ""


@cache
def _tls() -> ssl.SSLContext:
    """Built once: reading the trusted certificates takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


def _failed(target: Target, error: Exception) -> ToolError:
    told = str(error) or type(error).__name__
    return ToolError(f"{target.scheme}://{target.authority} could not be read: {shorten(told, 200)}")
