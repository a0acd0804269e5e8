"""Turns as the steps of a trajectory: calls find their results, and nothing that was said is lost.

Ours: a step for each call of an assistant's message, or for the message where it has none, an empty one too. What a
user or the system says later is part of what came back, so it joins the observation of the step before, marked as what
it is. A result of a call that nobody made is an error: chat interfaces refuse such a conversation, and whose step it
tells of could only be guessed. A call without a result keeps `observation` None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adjudge.cases.foreign.turn import Call, Turn, joined
from adjudge.types import Step
from adjudge.types.cases import NO_RESULT


class Conversation(NamedTuple):
    """What an agent did."""

    steps: tuple[Step, ...]
    unanswered: tuple[int, ...]  # steps, counted from 0, whose call has no result


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


def conversation(turns: Sequence[Turn], start: int) -> Conversation:
    """The steps of a conversation.

    Args:
        turns: All of it.
        start: How many of the turns belong to the task.

    Raises:
        CaseError: A result belongs to no call.
    """
    made: list[_Made] = []
    waiting: list[_Made] = []
    for turn in turns[start:]:
        if turn.role == "assistant":
            new = [_Made(turn.text if number == 0 else "", call) for number, call in enumerate(turn.calls)]
            again = {call.id for call in turn.calls}
            # Without ids, results follow their calls at once; an id that is used again means the later call.
            waiting = [one for one in waiting if one.call and one.call.id and one.call.id not in again]
            waiting += [one for one in new if one.unanswered]
            made += new or [_Made(turn.text, None)]
        elif turn.role == "tool":
            answered = _called(turn, waiting)
            answered.result = turn.text
            waiting.remove(answered)
        elif made:
            made[-1].said.append(f"The {turn.role} said: {turn.text}")
    unanswered = tuple(number for number, one in enumerate(made) if one.unanswered)
    return Conversation(tuple(one.step() for one in made), unanswered)


def _called(turn: Turn, waiting: list[_Made]) -> _Made:
    """The step that a result belongs to: by id, else by name, else the first that waits."""
    by_id = [one for one in waiting if one.call and turn.replies_to and one.call.id == turn.replies_to]
    loose = [one for one in waiting if one.call and (turn.replies_to is None or one.call.id is None)]
    by_name = [one for one in loose if turn.name is None or (one.call and one.call.name == turn.name)]
    found = [*by_id, *by_name]
    if not found:
        names = [f"{one.call.name} ({one.call.id})" if one.call.id else one.call.name for one in waiting if one.call]
        raise turn.where.error(
            "this result belongs to no call that waits for one",
            found=turn.replies_to or turn.name,
            allowed=names,
            hint="keep a call and its result together, or leave both out" + ("" if names else "; no call waits"),
        )
    return found[0]
