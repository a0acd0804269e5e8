"""What all forms of conversations come to: turns, and the tool calls in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from adjudge.cases.foreign.part import Part
from adjudge.types import Block, Role

Form = Literal["openai", "langchain", "responses", "trl"]


class Call(NamedTuple):
    """A tool call, as far as the agent made it."""

    id: str | None  # TRL's have none
    name: str
    arguments: dict[str, Any]
    result: str | None = None  # of a tool that ran at the model's provider


class Turn(NamedTuple):
    """One message, or the items of one reply."""

    role: Role
    content: str | list[Block]
    where: Part
    form: Form
    calls: tuple[Call, ...] = ()
    replies_to: str | None = None  # id of the call that a tool's turn answers
    name: str | None = None  # of the tool
    open: bool = False  # an item of the Responses API: the items after it may belong to the same reply

    @property
    def text(self) -> str:
        """Its words; where an image stood, this is said."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(block["text"] if block["type"] == "text" else "(an image)" for block in self.content)


def arguments_of(given: object) -> dict[str, Any]:
    """Arguments of a call: JSON text, or a mapping.

    What is no JSON is kept as it is under `_unreadable`, what is no object under `_value`.
    """
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, str):
        return {} if given is None else {"_value": given}
    try:
        value = json.loads(given or "{}")
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # halves of characters cannot be kept
    except (ValueError, RecursionError):
        return {"_unreadable": given}
    return value if isinstance(value, dict) else {"_value": value}


def joined(*texts: str) -> str:
    """Texts as paragraphs; empty ones are left out."""
    return "\n\n".join(text for text in texts if text)
