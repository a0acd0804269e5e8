"""Budget forcing: a model that stops thinking early is asked to go on.

After s1 (Muennighoff et al. 2025, §3), where the end of thinking is replaced by "Wait"; here as turns of a
conversation, so that it works over any chat model (ours).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adjudge.agents.form import written
from adjudge.models import Sampling
from adjudge.run import Run
from adjudge.types import Message, Position
from adjudge.types.messages import user

MOST_ROUNDS = 8  # a model that writes nothing new would be asked for ever
THINK = "Think aloud first, step by step and at length. Do not give the result yet."
WAIT = "Wait. You may have missed something: look again at what you have not checked yet, and go on thinking."


async def think(
    run: Run, at: Position, model: str, messages: Sequence[Message], sampling: Mapping[str, Any], least: int
) -> list[Message]:
    """The conversation with at least so many tokens of thinking at its end, where the model can be brought to it.

    Args:
        run: Through which the model is called.
        at: Position of the first call; further ones differ in the turn.
        model: Name in the graph.
        messages: The question; its last message is the user's.
        sampling: Fields of `Sampling`.
        least: Tokens of thinking, as the server counts what it wrote.

    Raises:
        ModelError: The model failed, or declined.
        LimitExceeded: A limit was reached.
    """
    conversation = [*messages, user(THINK)]
    thought = 0
    for number in range(MOST_ROUNDS):
        if number:
            conversation.append(user(WAIT))
        reply = await run.chat(at._replace(turn=at.turn + number), model, conversation, sampling=Sampling(**sampling))
        conversation.append(reply.choices[0].message)
        thought += reply.usage.tokens_out
        if thought >= least or not written(reply.choices[0]).strip():
            break
    return conversation
