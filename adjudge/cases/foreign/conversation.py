"""Turns as the steps of a trajectory, paired by `adjudge.types.conversation`; what cannot be is told at its place."""

from __future__ import annotations

from collections.abc import Sequence

from adjudge.cases.foreign.turn import Turn
from adjudge.types import conversation as pairing
from adjudge.types.conversation import Conversation, UnaskedResultError


def conversation(turns: Sequence[Turn], start: int) -> Conversation:
    """The steps of a conversation.

    Args:
        turns: All of it.
        start: How many of the turns belong to the task.

    Raises:
        CaseError: A result belongs to no call.
    """
    try:
        return pairing.conversation(turns, start)
    except UnaskedResultError as error:
        where = turns[error.number].where
        raise where.error(str(error), found=error.found, allowed=error.waiting, hint=error.hint) from error
