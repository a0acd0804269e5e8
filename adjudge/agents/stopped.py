"""What stops an agent: the errors that become a typed outcome instead of being raised."""

from __future__ import annotations

from adjudge.errors import LimitExceeded, ModelError, ToolError
from adjudge.fences import clean
from adjudge.types import Reason, Unscored

STOPS = (LimitExceeded, ModelError, ToolError)


def unscored(error: Exception) -> Unscored:
    """One of `STOPS` as an outcome."""
    transient = isinstance(error, ModelError) and error.retryable
    return Unscored(reason=_reason(error), detail=clean(str(error)), transient=transient)


def _reason(error: Exception) -> Reason:
    if isinstance(error, LimitExceeded):
        return "limit"
    if not isinstance(error, ModelError):
        return "tool_failure"
    if error.kind == "refused":
        return "refused"
    return "limit" if error.kind == "too_long" else "model_failure"
