"""Where the task ends and the steps begin, and how the task reads."""

from __future__ import annotations

from collections.abc import Sequence

from adjudge.cases.foreign.turn import Turn
from adjudge.types import Message, Step
from adjudge.types.conversation import joined
from adjudge.types.messages import images_of, user

_INSTRUCTIONS = "The instructions that the agent was given:"


def lead(turns: Sequence[Turn]) -> int:
    """How many turns come before the first step.

    These are the messages of system and user at the beginning. Where an assistant greets first, its greeting and the
    first words of the user belong to them too.
    """
    end = _told(turns, 0)
    if any(turn.role == "user" for turn in turns[:end]):
        return end
    greeted = end
    while greeted < len(turns) and turns[greeted].role == "assistant" and not turns[greeted].calls:
        greeted += 1
    after = _told(turns, greeted)
    return after if any(turn.role == "user" for turn in turns[greeted:after]) else end


def _told(turns: Sequence[Turn], start: int) -> int:
    return next((n for n in range(start, len(turns)) if turns[n].role not in ("system", "user")), len(turns))


def task_of(turns: Sequence[Turn], named: str | None = None) -> str | list[Message] | None:
    """The task, as a case's prompt.

    Text where that is enough: what the user said, then the instructions of the system. Messages where there are images,
    or where the assistant spoke too.

    Args:
        turns: What came before the first step.
        named: The task as a row names it by itself; what else was said comes after it.

    Returns:
        None where nobody said anything.
    """
    extra = named if named and all(turn.text.strip() != named.strip() for turn in turns) else None
    messages = [*([user(extra)] if extra else []), *(_message(turn) for turn in turns)]
    if next(images_of(messages), None) or any(message["role"] in ("assistant", "tool") for message in messages):
        return messages
    asked = joined(extra or "", *(turn.text for turn in turns if turn.role == "user"))
    told = joined(*(turn.text for turn in turns if turn.role == "system"))
    return joined(asked, f"{_INSTRUCTIONS}\n{told}") if asked and told else asked or told or None


def _message(turn: Turn) -> Message:
    if turn.role in ("system", "user"):
        return {"role": turn.role, "content": turn.content}
    calls = (Step(tool=call.name, arguments=call.arguments).render() for call in turn.calls)
    return {"role": turn.role, "content": "\n".join(text for text in (turn.text, *calls) if text)}
