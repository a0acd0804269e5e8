"""The recorder: what training reads of a judgement.

Nothing is tokenised again: each turn keeps the ids that went into the model and the ids that it sampled. When a
prompt continues an earlier turn (prefix-preserving template, `thread` in the graph), the two join into one sequence in
which only the model's own tokens are trained; otherwise a new segment begins.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from adjudge.models import Reply
from adjudge.types import Position
from adjudge.types.messages import text_of


class Turn(NamedTuple):
    """One sampled reply."""

    at: Position
    model: str
    prompt_ids: tuple[int, ...]  # (P,)
    token_ids: tuple[int, ...]  # (T,)
    logprobs: tuple[float, ...]  # (T,) natural logarithm, of the sampled tokens
    text: str = ""  # what it wrote
    finish: str = "stop"  # why it ended


class Sequence(NamedTuple):
    """One trainable token sequence."""

    ids: tuple[int, ...]  # (L,)
    mask: tuple[int, ...]  # (L,) 1 where the model sampled the token
    logprobs: tuple[float, ...]  # (L,) 0.0 where mask is 0


class Recorder:
    """Collects the turns of one judgement, in the order in which they finished.

    Args:
        policies: Names of the models, in the graph, that are trained: only their turns are kept, and their calls never
            touch the journal, since each has to be sampled from the policy as it is now. None named: the turns of all.
    """

    def __init__(self, policies: Collection[str] = ()) -> None:
        self.turns: list[Turn] = []
        self.policies = frozenset(policies)

    def record(self, at: Position, model: str, reply: Reply) -> None:
        """Keep every choice of a reply that carries token ids; a model that reports none leaves no turn."""
        for choice in reply.choices:
            if choice.token_ids and (not self.policies or model in self.policies):
                logprobs = tuple(token.logprob for token in choice.logprobs)
                text = text_of(choice.message["content"])
                self.turns.append(Turn(at, model, reply.prompt_ids, choice.token_ids, logprobs, text, choice.finish))

    def sequences(self) -> list[Sequence]:
        """The turns joined where one continues another, as trainable sequences, in the order in which they ended."""
        joined: list[Sequence] = []
        for turn in self.turns:
            begun = [found for found in joined if turn.prompt_ids[: len(found.ids)] == found.ids]
            last = max(begun, key=lambda found: len(found.ids), default=Sequence((), (), ()))
            if begun:
                joined.remove(last)
            gap = turn.prompt_ids[len(last.ids) :]
            own = turn.logprobs or (0.0,) * len(turn.token_ids)
            joined.append(
                Sequence(
                    last.ids + gap + turn.token_ids,
                    last.mask + (0,) * len(gap) + (1,) * len(turn.token_ids),
                    last.logprobs + (0.0,) * len(gap) + own,
                )
            )
        return joined
