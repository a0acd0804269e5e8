"""What a provider's exception means: each provider's client has its own, of no common base."""

from __future__ import annotations

import re
from typing import Any

from adjudge.errors import ModelError

_TOO_LONG = re.compile(r"context[ _]length|context window|maximum context|prompt is too long", re.I)
_TRANSIENT = re.compile(r"RateLimit|Timeout|Connection|Connect|Overloaded|Unavailable|InternalServer", re.I)


def model_error(error: Exception, name: str, timeout: float) -> ModelError:
    """A `ModelError` by the exception's HTTP status, LangChain's own classes, or the name of its class.

    Args:
        error: What the provider's client raised.
        name: The model's name, for the message.
        timeout: Seconds that the call was given.
    """
    kind = type(error).__name__
    if isinstance(error, TimeoutError):
        return ModelError(f"{name} did not answer within {timeout:g} seconds", retryable=True)
    text = f"{name}: {kind}: {str(error)[:500]}"
    status = _status(error)
    if "ContextOverflow" in kind or _TOO_LONG.search(text):
        return ModelError(text, kind="too_long", status=status)
    if status is not None and 400 <= status < 500 and status not in (408, 409, 429):
        return ModelError(text, kind="rejected", status=status)
    transient = status is not None or isinstance(error, OSError) or bool(_TRANSIENT.search(kind))
    if transient or getattr(error, "is_retryable", False):
        return ModelError(text, retryable=True, status=status, retry_after=_retry_after(error))
    return ModelError(text, kind="rejected", status=status)


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    found = (getattr(error, "status_code", None), getattr(error, "code", None), getattr(response, "status_code", None))
    return next((value for value in found if isinstance(value, int) and 400 <= value < 600), None)


def _retry_after(error: Exception) -> float | None:
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    try:
        return max(0.0, float(headers.get("retry-after")))
    except (AttributeError, TypeError, ValueError):  # none, a date, or headers of some other kind
        return None
