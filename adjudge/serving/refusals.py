"""Why a request gets no result, as status and JSON.

    {"error": {"code": "invalid", "message": "…", "key": "case.documents.0.path", "allowed": [], "hint": "…"}}

4xx is the client's fault and would be answered the same way again; 503 comes with `Retry-After`. What the server knows
of its own machine (paths, addresses, tracebacks) goes to its log only.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from adjudge.errors import AdjudgeError, ConfigError, JournalError, shorten
from adjudge.types import Frozen

logger = logging.getLogger(__name__)

Code = Literal[
    "malformed",  # 400: not JSON
    "unauthorized",  # 401: without the token
    "forbidden",  # 403: from a web page, or for another host
    "not_found",  # 404, 405
    "timeout",  # 408: the request did not arrive in time
    "too_large",  # 413
    "unsupported",  # 415
    "invalid",  # 422: the request cannot be meant
    "internal",  # 500: a mistake of ours
    "busy",  # 503: the queue is full
    "stopping",  # 503: the server is shutting down
    "outage",  # 503: there is no score, and the form of the reply cannot say so
]
_PATH = re.compile(r"(?<![\w:/.<])~?/(?:[^\s/'\":;,()]+/)+[^\s/'\":;,()]*|\b[A-Za-z]:\\[^\s'\":;,()]+")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>()]+", re.IGNORECASE)


class Error(Frozen):
    """What went wrong."""

    code: Code
    message: str
    key: str | None = Field(default=None, description="Where in the request.")
    allowed: tuple[str, ...] = Field(default=(), description="What may stand there.")
    hint: str | None = None


class ErrorReply(Frozen):
    """The body of every reply that is no result."""

    error: Error


class Refused(AdjudgeError):
    """A request that gets no result.

    Args:
        status: HTTP status.
        code: The same in a word.
        message: What is wrong.
        key: Where in the request.
        allowed: What may stand there.
        hint: What to do about it.
        retry_after: Seconds after which the same request may go better.
        headers: Further header fields.
    """

    def __init__(
        self,
        status: int,
        code: Code,
        message: str,
        *,
        key: str | None = None,
        allowed: Iterable[str] = (),
        hint: str | None = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = Error(code=code, message=message, key=key, allowed=tuple(allowed), hint=hint)
        self.headers = {**(headers or {}), **({} if retry_after is None else {"Retry-After": str(retry_after)})}

    def reply(self) -> JSONResponse:
        """The reply to send."""
        return JSONResponse(self.body(), self.status, self.headers)

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return ErrorReply(error=self.error).model_dump(mode="json")


def invalid(error: ConfigError, prefix: str = "") -> Refused:
    """422 for what the user has to change.

    Args:
        error: What is wrong.
        prefix: Where in the request that stands in which it is wrong.
    """
    inner = (error.key or "").rpartition(": ")[2]  # that of an image names the case, too
    key = ".".join(part for part in (prefix, inner) if part)
    message = error.problem if error.found is None else f"{error.problem}; found {shorten(error.found)}"
    return Refused(422, "invalid", without_places(message), key=key or None, allowed=error.allowed, hint=error.hint)


def refusal(error: Exception) -> Refused:
    """What to tell a client of whatever was raised; all that is not its own fault is logged in full."""
    match error:
        case Refused():
            return error
        case RequestValidationError():
            return _of_validation(error)
        case HTTPException():
            return _of_status(error)
        case BaseExceptionGroup():
            return refusal(_first(error))
        case JournalError():
            logger.error("the journal cannot be used: %s", error)
            return Refused(503, "outage", "what is judged cannot be recorded now; see the server's log", retry_after=5)
        case ConfigError():
            return invalid(error)
    logger.error("a request failed", exc_info=error)
    return Refused(500, "internal", f"a mistake of the server ({type(error).__name__}); see its log")


async def answer(_: Request, error: Exception) -> JSONResponse:
    """The exception handler of the application."""
    return refusal(error).reply()


def without_places(text: str) -> str:
    """A message without the paths and addresses in it, which are nobody's business outside."""
    return _PATH.sub("<path>", _ADDRESS.sub("<address>", text))


def _first(group: BaseExceptionGroup[Any]) -> Exception:
    """The first error of a task group that has failed: the others were cancelled for its sake."""
    inner = group.exceptions[0]
    if isinstance(inner, BaseExceptionGroup):
        return _first(inner)
    return inner if isinstance(inner, Exception) else Refused(500, "internal", "a mistake of the server")


def _of_validation(error: RequestValidationError) -> Refused:
    details = error.errors()
    first = details[0]
    place = [str(part) for part in first["loc"] if part != "body"]
    message = str(first["msg"]).removeprefix("Value error, ").replace("Input should", "should", 1)
    if first["type"] == "model_attributes_type" and not place:
        message = "the body should be a JSON object, sent with Content-Type: application/json"
    allowed = re.findall(r"'([^']*)'", str(first.get("ctx", {}).get("expected", "")))
    more = [".".join(str(part) for part in item["loc"] if part != "body") for item in details[1:6]]
    hint = f"also wrong: {', '.join(dict.fromkeys(more))}" if more else None
    return Refused(422, "invalid", message, key=".".join(place) or None, allowed=allowed, hint=hint)


def _of_status(error: HTTPException) -> Refused:
    code: Code = {400: "malformed", 404: "not_found", 405: "not_found"}.get(error.status_code, "invalid")  # type: ignore[assignment]  # a str to mypy
    message = {404: "there is nothing at this path", 405: "this path takes another method"}.get(
        error.status_code, str(error.detail)
    )
    return Refused(error.status_code, code, message, hint="see /openapi.json", headers=error.headers)
