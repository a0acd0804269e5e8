"""The steps of an agent, from messages of OpenAI's form and back.

    Trajectory.from_messages(completion).render()

`adjudge.cases.case_of_messages` reads more forms (LangChain, the Responses API), and finds the task as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple, Self

from adjudge.errors import CaseError
from adjudge.types.conversation import SAID_BY_USER, Call, UnaskedResultError, arguments_of, conversation
from adjudge.types.frozen import Frozen
from adjudge.types.messages import Message, Role, assistant, tool_call, tool_reply, user, words_of
from adjudge.types.steps import Step


class _Spoken(NamedTuple):
    """A message as a turn."""

    role: Role
    text: str
    calls: tuple[Call, ...]
    replies_to: str | None
    name: str | None


class Trajectory(Frozen):
    """The steps of an agent, first to last."""

    steps: tuple[Step, ...]

    @classmethod
    def from_messages(cls, messages: Sequence[Message]) -> Self:
        """Import a conversation in OpenAI or TRL form: one step for each assistant message or tool call.

        A tool reply is joined to its call by id; without one (TRL) to the calls of the latest message in their order,
        or by the tool's name. A call without a reply keeps `observation` None, and `render` says that its result is
        missing. System and user messages before the first step are the task and left out; what they say later joins
        the observation of the step before it, as `The user said: …`.

        Raises:
            CaseError: A tool reply belongs to no call.
        """
        try:
            return cls(steps=conversation([_spoken(message) for message in messages]).steps)
        except UnaskedResultError as error:
            key = f"messages.{error.number}"
            raise CaseError(str(error), key=key, found=error.found, allowed=error.waiting, hint=error.hint) from error

    def to_messages(self) -> list[Message]:
        """The steps as assistant and tool messages, the inverse of `from_messages` up to call ids.

        What came back of a step without a call becomes a message of the user. What a user said after a tool's result
        stays in that result: text from a tool must not become the words of somebody else.
        """
        messages: list[Message] = []
        for number, step in enumerate(self.steps):
            if step.tool is None:
                messages.append(assistant(step.thought))
                if step.observation is not None:
                    messages.append(user(step.observation.removeprefix(SAID_BY_USER)))
                continue
            call = tool_call(f"call_{number}", step.tool, json.dumps(step.arguments, ensure_ascii=False))
            messages.append(assistant(step.thought, [call]))
            if step.observation is not None:
                messages.append(tool_reply(call, step.observation))
        return messages

    def render(self) -> str:
        """All steps as numbered text, counted from 0."""
        return "\n\n".join(f"Step {number}\n{step.render(ran=True)}" for number, step in enumerate(self.steps))


def _spoken(message: Message) -> _Spoken:
    calls = tuple(
        Call(call.get("id") or None, call["function"]["name"], arguments_of(call["function"].get("arguments")))
        for call in message.get("tool_calls") or ()
    )
    text = words_of(message.get("content"))
    return _Spoken(message["role"], text, calls, message.get("tool_call_id") or None, message.get("name") or None)
