"""What a task asks of the worker thread: values only, free of torch."""

from __future__ import annotations

from typing import Any, NamedTuple

from adjudge.models.base import Sampling
from adjudge.types import Message


class ChatRequest(NamedTuple):
    """Continue a conversation."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    sampling: Sampling
    n: int


class CompleteRequest(NamedTuple):
    """Continue a sequence of token ids."""

    token_ids: tuple[int, ...]
    sampling: Sampling
    n: int


class ScoreRequest(NamedTuple):
    """Log-probabilities of given replies."""

    messages: tuple[Message, ...]
    continuations: tuple[str, ...]


Request = ChatRequest | CompleteRequest | ScoreRequest
