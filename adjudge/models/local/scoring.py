"""Log-probabilities of given continuations of prompts that have been read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from adjudge.models.local.loading import Loaded
from adjudge.models.local.prefixes import Prefix, stack

_ROWS = 16
_TOKENS = 1024  # tokens of one pass, all rows together: their logits are the largest tensor here


class Continuation(NamedTuple):
    """Token ids that may follow a prompt."""

    prefix: Prefix
    ids: tuple[int, ...]  # at least one


def score(loaded: Loaded, continuations: Sequence[Continuation]) -> list[tuple[float, ...]]:
    """For each continuation the log-probability (natural logarithm, float32) of each of its tokens."""
    scored: list[tuple[float, ...]] = [()] * len(continuations)
    by_length = sorted(range(len(continuations)), key=lambda i: len(continuations[i].ids))  # little padding
    for start in range(0, len(by_length), _ROWS):
        chosen = by_length[start : start + _ROWS]
        for i, logprobs in zip(chosen, _batch(loaded, [continuations[i] for i in chosen]), strict=True):
            scored[i] = logprobs
    return scored


def _batch(loaded: Loaded, rows: Sequence[Continuation]) -> list[tuple[float, ...]]:
    # The prompt's last logits give the first token; the other tokens are read in one pass, padded on the right.
    targets = torch.zeros((len(rows), max(len(row.ids) for row in rows)), dtype=torch.long)  # (R, T)
    for i, row in enumerate(rows):
        targets[i, : len(row.ids)] = torch.tensor(row.ids)
    targets = targets.to(loaded.device)
    first = torch.stack([row.prefix.logits for row in rows])[:, None]  # (R, 1, V)
    parts = [_gather(first, targets[:, :1])]
    if targets.shape[1] > 1:
        parts.extend(_rest(loaded, [row.prefix for row in rows], targets))
    logprobs = torch.cat(parts, dim=1).tolist()
    return [tuple(values[: len(row.ids)]) for values, row in zip(logprobs, rows, strict=True)]


def _rest(loaded: Loaded, prefixes: Sequence[Prefix], targets: torch.Tensor) -> list[torch.Tensor]:
    cache, mask, lengths = stack(prefixes)
    parts: list[torch.Tensor] = []
    piece = max(1, _TOKENS // len(prefixes))
    for start in range(0, targets.shape[1] - 1, piece):
        inputs = targets[:, start : min(start + piece, targets.shape[1] - 1)]  # (R, t)
        # Padding on the right needs no mask: nothing real comes after it.
        mask = torch.cat([mask, torch.ones_like(inputs)], dim=1)
        positions = lengths[:, None] + torch.arange(start, start + inputs.shape[1], device=inputs.device)
        output = loaded.model(
            input_ids=inputs, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
        )
        parts.append(_gather(output.logits, targets[:, start + 1 : start + 1 + inputs.shape[1]]))
    return parts


def _gather(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Log-softmax in float32 at the targets: (R, t, V) and (R, t) to (R, t)."""
    logits = logits.float()
    return logits.gather(2, targets[..., None]).squeeze(2) - logits.logsumexp(2)
