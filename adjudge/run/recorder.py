"""The recorder: what training reads of a judgement.

Nothing is tokenised again: each turn keeps the ids that went into the model and the ids that it sampled. When a
prompt continues the turn before it (prefix-preserving template, `thread` in the graph), the turns join into one
sequence in which only the model's own tokens are trained; otherwise a new segment begins.
"""

from __future__ import annotations

from typing import NamedTuple

from adjudge.models import Reply
from adjudge.types import Position


class Turn(NamedTuple):
    """One sampled reply."""

    at: Position
    model: str
    prompt_ids: tuple[int, ...]  # (P,)
    token_ids: tuple[int, ...]  # (T,)
    logprobs: tuple[float, ...]  # (T,) natural logarithm, of the sampled tokens


class Sequence(NamedTuple):
    """One trainable token sequence."""

    ids: tuple[int, ...]  # (L,)
    mask: tuple[int, ...]  # (L,) 1 where the model sampled the token
    logprobs: tuple[float, ...]  # (L,) 0.0 where mask is 0


class Recorder:
    """Collects the turns of one judgement, in the order in which they finished."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def record(self, at: Position, model: str, reply: Reply) -> None:
        """Keep every choice of a reply that carries token ids; a model that reports none leaves no turn."""
        for choice in reply.choices:
            if choice.token_ids:
                logprobs = tuple(token.logprob for token in choice.logprobs)
                self.turns.append(Turn(at, model, reply.prompt_ids, choice.token_ids, logprobs))

    def sequences(self) -> list[Sequence]:
        """The turns joined where one continues another, as trainable sequences."""
        joined: list[Sequence] = []
        for turn in self.turns:
            known = len(joined[-1].ids) if joined else 0
            if joined and turn.prompt_ids[:known] == joined[-1].ids:
                last = joined.pop()
            else:
                last, known = Sequence((), (), ()), 0
            gap = turn.prompt_ids[known:]
            own = turn.logprobs or (0.0,) * len(turn.token_ids)
            joined.append(
                Sequence(
                    last.ids + gap + turn.token_ids,
                    last.mask + (0,) * len(gap) + (1,) * len(turn.token_ids),
                    last.logprobs + (0.0,) * len(gap) + own,
                )
            )
        return joined
