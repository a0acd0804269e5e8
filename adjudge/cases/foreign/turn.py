"""What all forms of conversations come to: turns."""

from __future__ import annotations

from typing import Literal, NamedTuple

from adjudge.cases.foreign.part import Part
from adjudge.types import Block, Role
from adjudge.types.conversation import Call
from adjudge.types.messages import words_of

Form = Literal["openai", "langchain", "responses", "trl"]


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
        return words_of(self.content)
