"""Turns of a conversation as steps: calls find their results, and nothing that was said is lost.

Ours: a step for each call of an assistant's message, or for the message where it has none, an empty one too. A result
belongs to the call with its id. Without an id it belongs to a call of the latest message with calls: to the first that
waits, or to the first of its tool's name where it has one. A call without a result keeps `observation` None. What a
user or the system says later is part of what came back, so it joins the observation of the step before, marked as what
it is. A result of a call that nobody made is an error: chat interfaces refuse such a conversation, and whose step it
tells of could only be guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from adjudge.types.messages import Role
from adjudge.types.steps import NO_RESULT, Step

SAID_BY_USER = "The user said: "


class Call(NamedTuple):
    """A tool call, as far as the agent made it."""

    id: str | None  # TRL's have none
    name: str
    arguments: dict[str, Any]
    result: str | None = None  # of a tool that ran at the model's provider


class Turn(Protocol):
    """One message of a conversation, in whatever form it was written."""

    @property
    def role(self) -> Role:
        """Who speaks."""
        ...

    @property
    def text(self) -> str:
        """The words; of a tool, its result."""
        ...

    @property
    def calls(self) -> Sequence[Call]:
        """What the assistant calls."""
        ...

    @property
    def replies_to(self) -> str | None:
        """Id of the call that a tool's turn answers, where it says so."""
        ...

    @property
    def name(self) -> str | None:
        """Of the tool, where its turn says so."""
        ...


class Conversation(NamedTuple):
    """What an agent did."""

    steps: tuple[Step, ...]
    unanswered: tuple[int, ...]  # steps, counted from 0, whose call has no result; a user may still have spoken


class UnaskedResultError(ValueError):
    """A result belongs to no call that waits for one.

    Attributes:
        number: Place of its turn, from 0.
        found: What it says of its call: an id, else the tool's name; None where it says nothing.
        waiting: The calls that wait, by name and id.
        hint: What to do.
    """

    def __init__(self, number: int, found: str | None, waiting: Sequence[str]) -> None:
        super().__init__("this result belongs to no call that waits for one")
        self.number = number
        self.found = found
        self.waiting = tuple(waiting)
        self.hint = "keep a call and its result together, or leave both out" + ("" if waiting else "; no call waits")


class _Made:
    """A step whose result may still come."""

    def __init__(self, thought: str, call: Call | None) -> None:
        self.thought = thought
        self.call = call
        self.result = None if call is None else call.result
        self.said: list[str] = []

    @property
    def unanswered(self) -> bool:
        return self.call is not None and self.result is None

    def step(self) -> Step:
        told = [NO_RESULT] if self.unanswered else [] if self.result is None else [self.result]
        observation = joined(*told, *self.said) if self.said else self.result
        if self.call is None:
            return Step(thought=self.thought, observation=observation)
        return Step(thought=self.thought, tool=self.call.name, arguments=self.call.arguments, observation=observation)


def conversation(turns: Sequence[Turn], start: int = 0) -> Conversation:
    """The steps of a conversation.

    Args:
        turns: All of it.
        start: How many of the turns belong to the task. What users and the system say before the first step does so
            in any case, and is left out.

    Raises:
        UnaskedResultError: A result belongs to no call.
    """
    made: list[_Made] = []
    waiting: list[_Made] = []
    for number, turn in enumerate(turns[start:], start):
        if turn.role == "assistant":
            new = [_Made(turn.text if place == 0 else "", call) for place, call in enumerate(turn.calls)]
            again = {call.id for call in turn.calls}
            # Without ids, results follow their calls at once; an id that is used again means the later call.
            waiting = [one for one in waiting if one.call and one.call.id and one.call.id not in again]
            waiting += [one for one in new if one.unanswered]
            made += new or [_Made(turn.text, None)]
        elif turn.role == "tool":
            answered = _called(turn, number, waiting)
            answered.result = turn.text
            waiting.remove(answered)
        elif made:
            made[-1].said.append(f"The {turn.role} said: {turn.text}")
    unanswered = tuple(number for number, one in enumerate(made) if one.unanswered)
    return Conversation(tuple(one.step() for one in made), unanswered)


def _called(turn: Turn, number: int, waiting: list[_Made]) -> _Made:
    """The step that a result belongs to: by id, else by name, else the first that waits."""
    by_id = [one for one in waiting if one.call and turn.replies_to and one.call.id == turn.replies_to]
    loose = [one for one in waiting if one.call and (turn.replies_to is None or one.call.id is None)]
    by_name = [one for one in loose if turn.name is None or (one.call and one.call.name == turn.name)]
    found = [*by_id, *by_name]
    if not found:
        names = [f"{one.call.name} ({one.call.id})" if one.call.id else one.call.name for one in waiting if one.call]
        raise UnaskedResultError(number, turn.replies_to or turn.name, names)
    return found[0]


def arguments_of(given: object) -> dict[str, Any]:
    """Arguments of a call: JSON text as OpenAI writes it, or a mapping as TRL does.

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
