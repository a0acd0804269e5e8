"""The door: what a request has to pass before anything reads it, and how long it may take to come in.

In this order: its host and origin, the token, room in the queue, and its size, which is counted as it arrives. A client
that hangs up ends the handling of its request; what becomes of its judgements is for `jobs` to say.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adjudge.serving.gate import Gate
from adjudge.serving.metrics import Metrics
from adjudge.serving.refusals import Refused, refusal
from adjudge.serving.settings import Settings, is_loopback

logger = logging.getLogger(__name__)

OPEN = "/healthz"  # for load balancers, which have no token
ABORT = "abort"  # in the state of a request: cuts its connection off, where the server can
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class ClientGone(OSError):
    """The client does not take its reply."""


class Door:
    """The outermost layer of the application.

    Args:
        app: What is behind it.
        settings: Token, sizes and times.
        gate: Where there may be room.
        metrics: Told of every request.
        routes: Paths that exist; requests for others are counted together.
        judging: Those of them that judge, and so need room.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        gate: Gate,
        metrics: Metrics,
        routes: Collection[str],
        judging: Collection[str],
    ) -> None:
        self._app = app
        self._settings = settings
        self._gate = gate
        self._metrics = metrics
        self._routes = frozenset(routes)
        self._judging = frozenset(judging)
        self._local = settings.token is None and is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        reply = _Reply(send, self._settings.write_seconds)
        try:
            await self._pass(scope, receive, reply)
        except ClientGone as error:
            logger.info("%s", error)
            if (abort := scope.get("state", {}).get(ABORT)) is not None:
                abort()  # to close it properly would be to wait for the client again
        except Exception as error:  # the boundary: whatever it was, it is this request's alone
            if reply.status:
                raise
            await refusal(error).reply()(scope, receive, reply)
        finally:
            route = scope["path"] if scope["path"] in self._routes else "other"
            self._metrics.answered(route, _method(scope), reply.told, time.monotonic() - began)

    async def _pass(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        headers = Headers(scope=scope)
        if self._local:
            _check_local(headers)
        if self._settings.token is not None and scope["path"] != OPEN:
            _check_token(headers, self._settings.token.get_secret_value())
        if scope["path"] not in self._judging or scope["method"] != "POST":
            await self._app(scope, _nothing, reply)
            return
        with self._gate.admit() as ticket:
            body = await self._body(headers, receive)
            if body is not None:
                scope.setdefault("state", {})["ticket"] = ticket
                await self._until_gone(scope, receive, reply, body)

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body; None where the client hung up in the middle."""
        most = self._settings.max_body
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused(415, "unsupported", "compressed bodies are not read", key="Content-Encoding")
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > most):
            raise _too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.read_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > most:
                        raise _too_large(most)
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            problem = f"the body did not arrive within {self._settings.read_seconds:g} s"
            raise Refused(408, "timeout", problem, headers={"Connection": "close"}) from None

    async def _until_gone(self, scope: Scope, receive: Receive, reply: _Reply, body: bytes) -> None:
        """Handle the request for as long as there is somebody to answer."""
        handling = asyncio.ensure_future(self._app(scope, _replay(body), reply))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((handling, gone), return_when=asyncio.FIRST_COMPLETED)
            if not handling.done() and reply.complete:  # uvicorn calls the end of a reply a disconnection, too
                await handling
        finally:
            pending = [task for task in (handling, gone) if not task.done()]
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        if not handling.cancelled():
            handling.result()


class _Reply:
    """The way out: notes the status, and does not wait for ever for a client that does not read."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self.status = ""
        self.complete = False

    @property
    def told(self) -> str:
        """The status for the counts."""
        return self.status if self.complete else "gone"

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = str(message["status"])
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:
            raise ClientGone(f"a client took nothing of its reply for {self._seconds:g} s") from None
        self.complete = message["type"] == "http.response.body" and not message.get("more_body", False)


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in ("GET", "HEAD", "POST") else "other"


def _check_local(headers: Headers) -> None:
    """A server without a token is for programs of this machine: not for a web page that is open in its browser.

    Such a page can send requests here under its own origin, or under a name of its own that it lets resolve to
    127.0.0.1 (DNS rebinding).
    """
    hint = "set a token (ADJUDGE_TOKEN) to be reached by another name"
    if (host := headers.get("host", "")) and _name(f"//{host}") not in LOCAL_NAMES:
        raise Refused(403, "forbidden", "this server answers to localhost only", key="Host", hint=hint)
    if (origin := headers.get("origin")) is not None and _name(origin) not in LOCAL_NAMES:
        raise Refused(403, "forbidden", "this server does not answer web pages", key="Origin", hint=hint)


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _check_token(headers: Headers, token: str) -> None:
    """Compared in a time that tells nothing about it.

    As a bearer token, or as the password of basic authentication: OpenRLHF sends no header of one's own, but its HTTP
    client turns `http://any:TOKEN@host/get_reward` into that.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    if scheme.lower() not in ("bearer", "basic") or not hmac.compare_digest(_digest(given.strip()), _digest(token)):
        problem = "this server wants a token" if not given else "this is not the token of this server"
        hint = "send the header Authorization: Bearer TOKEN"
        raise Refused(401, "unauthorized", problem, hint=hint, headers={"WWW-Authenticate": 'Bearer realm="adjudge"'})


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _too_large(most: int) -> Refused:
    return Refused(
        413, "too_large", f"a body may have {most:,} bytes", hint="send fewer cases, or start with --max-body"
    )


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _replay(body: bytes) -> Receive:
    """A body that was read already; what would come after it never does."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await asyncio.Event().wait()  # type: ignore[return-value]  # never

    return receive


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
