"""Requests to one server: connections for each event loop, time and size limits, failures as `ModelError`.

httpx's request and response over the aiohttp transport of `httpx-aiohttp`, without `httpx.AsyncClient`: the client
would keep cookies, follow `.netrc` and cost as much CPU again as the request itself.

A transport belongs to the event loop it was first used in, so there is one for each loop, closed when that loop shuts
down its asynchronous generators (as `asyncio.run` does) or by `aclose`. Proxy variables are not read and redirects are
not followed: what is sent to a base URL goes there and nowhere else.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from typing import NamedTuple, TypeVar

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from adjudge.errors import ConfigError, ModelError

T = TypeVar("T")

MAX_BYTES = 64 * 1024 * 1024  # of one response
_MAX_CONNECTIONS = 1024
_IDLE_SECONDS = 4.0  # uvicorn, and so vLLM, hangs up after 5 s; a request must not meet a closing connection


class _Session(NamedTuple):
    transport: AiohttpTransport
    guard: AsyncGenerator[None]  # closes the transport when its loop shuts down


class Http:
    """Requests to one base URL.

    Args:
        base_url: Where the API begins, usually ending in `/v1`.
        api_key: Sent as a bearer token; it never appears in a message.

    Raises:
        ConfigError: The URL or the key cannot be used in a request.
    """

    def __init__(self, base_url: str, api_key: str | None) -> None:
        self._base = _parse(base_url)
        self._path = self._base.path.rstrip("/")
        self.where = str(self._base.copy_with(query=None, fragment=None)).rstrip("/")  # for messages
        self._headers = _headers(api_key)
        self._sessions: dict[asyncio.AbstractEventLoop, _Session] = {}

    def url(self, path: str) -> httpx.URL:
        """Address of an endpoint of the API, for example `/chat/completions`."""
        return self._base.copy_with(path=self._path + path)

    def root_url(self, path: str) -> httpx.URL:
        """Address of an endpoint that lives beside `/v1`, for example `/tokenize`."""
        return self._base.copy_with(path=self._path.removesuffix("/v1") + path)

    async def exchange(
        self,
        url: httpx.URL,
        body: bytes | None,
        seconds: float,
        consume: Callable[[httpx.Response], Awaitable[T]],
    ) -> T:
        """POST `body`, or GET when there is none, and hand the response, whatever its status, to `consume`.

        Raises:
            ModelError: No connection, a broken one, or more than `seconds` in all (kind unavailable, retryable); or
                what came back is not HTTP (kind malformed).
        """
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop) or await self._connect(loop)
        request = httpx.Request("GET" if body is None else "POST", url, headers=self._headers, content=body)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                response = await session.transport.handle_async_request(request)
                try:
                    return await consume(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ModelError(f"{self.where} did not finish within {seconds:.3g} s", retryable=True) from error
        except httpx.DecodingError as error:
            raise ModelError(f"{self.where} sent a body that cannot be decoded: {error}", kind="malformed") from error
        except httpx.TransportError as error:
            raise self._broken(error) from error
        except aiohttp.ClientError as error:  # its repr holds the request's headers, so it is not chained
            raise ModelError(f"{self.where} does not answer in HTTP: {error}", kind="malformed") from None

    async def aclose(self) -> None:
        """Close the connections of the running loop; those of other loops close with their loops."""
        session = self._sessions.get(asyncio.get_running_loop())
        if session is not None:
            await session.guard.aclose()

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> _Session:
        transport = _transport(secure=self._base.scheme == "https")
        session = self._sessions[loop] = _Session(transport, self._guard(loop, transport))
        await anext(session.guard)  # makes the loop remember it; does not suspend
        for other in list(self._sessions):
            if other.is_closed() and (stale := self._sessions.pop(other, None)) is not None:
                await stale.transport.aclose()
        return session

    async def _guard(self, loop: asyncio.AbstractEventLoop, transport: AiohttpTransport) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._sessions.pop(loop, None)
            await transport.aclose()
            await asyncio.sleep(0)  # the sockets close in the loop's next round

    def _broken(self, error: httpx.TransportError) -> ModelError:
        cause = error.__cause__  # the transport calls almost everything a ConnectTimeout
        if isinstance(cause, aiohttp.ClientConnectorCertificateError):
            return ModelError(f"the certificate of {self.where} is not trusted: {cause}")
        if isinstance(cause, aiohttp.ClientConnectorError):
            return ModelError(f"nothing answers at {self.where} ({cause.os_error}); is it running?", retryable=True)
        return ModelError(f"the connection to {self.where} broke: {error or 'no reason given'}", retryable=True)


async def read(response: httpx.Response, where: str) -> bytes:
    """The whole body.

    Raises:
        ModelError: It is longer than `MAX_BYTES`.
    """
    chunks = [chunk async for chunk in pieces(response, where)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def pieces(response: httpx.Response, where: str) -> AsyncGenerator[bytes]:
    """The body as it arrives.

    Raises:
        ModelError: It has grown longer than `MAX_BYTES`.
    """
    # `aiter_bytes` undoes a compression that nobody asked for; without one it only costs time
    stream = response.aiter_bytes() if "content-encoding" in response.headers else response.stream
    assert isinstance(stream, AsyncIterable)
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > MAX_BYTES:
            raise ModelError(f"{where} sent more than {MAX_BYTES // 2**20} MiB in one response", kind="malformed")
        yield chunk


def _parse(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, ValueError) as error:
        raise ConfigError(f"base_url is not a URL ({error})", key="base_url", found=base_url) from error
    if url.userinfo:
        raise ConfigError("base_url holds a user name or password", key="base_url", hint="put the secret into api_key")
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError("base_url must be http://host… or https://host…", key="base_url", found=base_url)
    return url


def _headers(api_key: str | None) -> httpx.Headers:
    headers = {
        "content-type": "application/json",
        "accept": "*/*",
        "accept-encoding": "identity",  # compression costs more CPU than a local network saves
        "user-agent": "adjudge",
    }
    if api_key:
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ConfigError("api_key holds a space or a character that a header cannot carry", key="api_key")
        headers["authorization"] = f"Bearer {api_key}"
    return httpx.Headers(headers)


def _transport(*, secure: bool) -> AiohttpTransport:
    """A transport whose session is made on its first request; loading certificates takes 10 ms, so only for https."""
    trust = httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, keepalive_timeout=_IDLE_SECONDS, ssl=trust)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    return AiohttpTransport(verify=trust, client=session)
