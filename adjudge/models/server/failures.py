"""What a status other than 2xx means, as a `ModelError` that says what to do."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from adjudge.errors import ModelError

_LONGEST_WAIT = 60.0  # seconds; a server that asks for more is tried again sooner
_LONGEST_TEXT = 400  # characters of the server's own words
_TOO_LONG = (  # as vLLM, OpenAI, llama.cpp, SGLang and TGI say it
    "context length",
    "context_length",
    "context size",
    "context window",
    "max_model_len",
    "maximum model length",
    "longer than the maximum",
    "input is too long",
    "`inputs` tokens +",
)


def failure(status: int, headers: Mapping[str, str], body: bytes, where: str, api_key: str | None) -> ModelError:
    """The error for a response with this status.

    Retryable are 408, 429 and 5xx: what another time may bring. Every other 4xx, and a redirect, is the request's own
    fault and would be answered the same way again.

    Args:
        status: HTTP status, not 2xx.
        headers: Of the response.
        body: Of the response, JSON or not.
        where: The server, for the message.
        api_key: Cut out of the server's words, which may quote it.
    """
    words = redact(_words(body), api_key)
    text = f"{where} answered {status} {_phrase(status)}".rstrip()
    if 300 <= status < 400:
        target = redact(headers.get("location", "")[:_LONGEST_TEXT], api_key)
        text += f" to {target!r}; redirects are not followed: write the final address as base_url"
        return ModelError(text, kind="rejected", status=status)
    return _classed(status, f"{text}: {words}" if words else text, words, retry_after(headers.get("retry-after")))


def in_stream(error: object, where: str, api_key: str | None) -> ModelError:
    """The error for an `error` object that came inside a reply whose status was 200."""
    code = error.get("code") if isinstance(error, dict) else None
    status = code if type(code) is int and 400 <= code < 600 else 500
    words = redact(_words(json.dumps({"error": error}).encode()), api_key)
    return _classed(status, f"{where} broke off its reply with an error: {words}", words, None)


def _classed(status: int, text: str, words: str, after: float | None) -> ModelError:
    if status in (408, 429) or status >= 500:
        return ModelError(text, retryable=True, retry_after=after, status=status)
    if status in (400, 413, 422) and any(sign in words.lower() for sign in _TOO_LONG):
        return ModelError(text, kind="too_long", status=status)
    if status in (401, 403):
        text += "; set `api_key: ${ADJUDGE_API_KEY}` for this model and that variable to a key the server accepts"
    return ModelError(text, kind="rejected", status=status)


def retry_after(value: str | None) -> float | None:
    """Seconds to wait, from seconds or an HTTP date, in [0, 60]; None where there is nothing to go by."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_WAIT)


def redact(text: str, secret: str | None) -> str:
    """The text without the secret."""
    return text.replace(secret, "***") if secret else text


def _words(body: bytes) -> str:
    """What the server says went wrong, on one line."""
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError):
        data = body[: 2 * _LONGEST_TEXT].decode("utf-8", "replace")
    for key in ("error", "message", "detail"):
        if isinstance(data, dict) and data.get(key):
            data = data[key]
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False) if data else ""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
