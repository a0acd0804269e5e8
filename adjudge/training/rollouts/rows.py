"""From what a recorder kept to a row that a trainer takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from adjudge.run import recorder

Segment = Literal["last", "first", "longest"]


class Row(NamedTuple):
    """One training row: a prompt, and what followed it, of which only the model's own tokens are trained."""

    prompt_ids: tuple[int, ...]  # (P,)
    completion_ids: tuple[int, ...]  # (T,) at least one
    logprobs: tuple[float, ...]  # (T,) natural logarithm; 0.0 where the mask is 0
    mask: tuple[int, ...]  # (T,) 1: the model's own token

    @property
    def own(self) -> tuple[float, ...]:
        """Log-probabilities of the model's own tokens."""
        return tuple(logprob for logprob, own in zip(self.logprobs, self.mask, strict=True) if own)


def row_of(sequences: Sequence[recorder.Sequence], segment: Segment, filler: int) -> Row:
    """The row of one rollout.

    A rollout is one row (`GRPOTrainer` takes one for each prompt and generation). Where summaries or threads of their
    own made several sequences, the segment says which is trained.

    Args:
        sequences: All of the rollout.
        segment: `last` (the one that the verdict stands in, as a rule), `first`, or `longest` by own tokens.
        filler: Token id of the untrained row that stands for a rollout in which nothing was sampled.
    """
    if not sequences:
        return Row((filler,), (filler,), (0.0,), (0,))
    chosen = sequences[0 if segment == "first" else -1]
    if segment == "longest":
        chosen = max(sequences, key=lambda sequence: sum(sequence.mask))
    start = chosen.mask.index(1)
    return Row(chosen.ids[:start], chosen.ids[start:], chosen.logprobs[start:], chosen.mask[start:])
