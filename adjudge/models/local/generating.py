"""Sampling replies to several prompts at once.

This is a loop of our own rather than transformers' `generate`: prompts that were read before are continued, each row
has its own temperature, limit, stop strings and random numbers, log-probabilities are taken on the way instead of
keeping the logits of every step, and a row that is done leaves the batch at once.

Sampling is exact: with one standard exponential E per token, the largest of `log p / temperature - log E` is a draw
from the softmax (the Gumbel-max trick). A seeded row draws from a generator of its own, so its reply does not depend on
what else is in the batch, up to rounding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from adjudge.models.base import Sampling, TokenLogprob
from adjudge.models.local.loading import Loaded
from adjudge.models.local.prefixes import Prefix, stack

_ROWS = 16
_GREEDY = 1e-5  # temperature up to which the likeliest token is taken; dividing by less overflows


@dataclass(eq=False)
class Row:
    """One reply in the making."""

    prefix: Prefix
    sampling: Sampling
    limit: int  # most new tokens, at least one
    sample: int  # its number among the replies of its request
    wants_logprobs: bool
    abandoned: Callable[[], bool]
    finished: Callable[[Row], None]
    ids: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish: str = ""  # stop, length or, when nobody waits any more, abandoned
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        if self.sampling.temperature > _GREEDY:
            self.generator = torch.Generator()
            if self.sampling.seed is None:
                self.generator.seed()
            else:
                self.generator.manual_seed(_seed(self.sampling.seed, self.sample))


def generate(loaded: Loaded, rows: Sequence[Row]) -> None:
    """Write every row to its end; `row.finished(row)` is called as soon as one is done."""
    for start in range(0, len(rows), _ROWS):
        _batch(loaded, list(rows[start : start + _ROWS]))


def _batch(loaded: Loaded, rows: list[Row]) -> None:
    cache, mask, lengths = stack([row.prefix for row in rows])
    logits = torch.stack([row.prefix.logits for row in rows])  # (R, V)
    while True:
        ids = _next(logits, rows)  # (R,)
        _record(loaded, rows, ids.tolist(), logits)
        alive = [i for i, row in enumerate(rows) if not row.finish]
        for row in rows:
            if row.finish:
                row.finished(row)
        if not alive:
            return
        if len(alive) < len(rows):
            rows = [rows[i] for i in alive]
            kept = torch.tensor(alive, device=ids.device)
            cache.batch_select_indices(kept)
            ids, mask, lengths = ids[kept], mask[kept], lengths[kept]
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        output = loaded.model(
            input_ids=ids[:, None],
            attention_mask=mask,
            position_ids=lengths[:, None],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        lengths = lengths + 1
        logits = output.logits[:, -1].float()


def _next(logits: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
    chosen = [
        _sample(logits[i], row) if row.generator is not None else logits[i].argmax() for i, row in enumerate(rows)
    ]
    return torch.stack(chosen)


def _sample(logits: torch.Tensor, row: Row) -> torch.Tensor:
    scaled = logits / row.sampling.temperature
    if row.sampling.top_p < 1:
        scaled = _nucleus(scaled, row.sampling.top_p)
    noise = torch.empty(scaled.shape).exponential_(generator=row.generator)  # on the CPU: the same on every device
    return (scaled - noise.clamp_min(torch.finfo(noise.dtype).tiny).log().to(scaled.device)).argmax()


def _nucleus(logits: torch.Tensor, top_p: float) -> torch.Tensor:
    """Only the likeliest tokens whose probabilities reach `top_p` together (Holtzman et al. 2020, section 3.1)."""
    ordered, order = logits.sort(descending=True)
    probabilities = ordered.softmax(0)
    outside = probabilities.cumsum(0) - probabilities >= top_p  # the first token is never outside
    return logits.index_fill(0, order[outside], float("-inf"))


def _record(loaded: Loaded, rows: Sequence[Row], ids: Sequence[int], logits: torch.Tensor) -> None:
    for i, row in enumerate(rows):
        row.ids.append(ids[i])
        if row.wants_logprobs:
            row.logprobs.append(_logprob(loaded, logits[i].log_softmax(0), ids[i], row.sampling.top_logprobs))
        if row.abandoned():
            row.finish = "abandoned"
        elif ids[i] in loaded.ends or _stops(loaded, row):
            row.finish = "stop"
        elif len(row.ids) >= row.limit:
            row.finish = "length"


def _logprob(loaded: Loaded, logprobs: torch.Tensor, chosen: int, wanted: int) -> TokenLogprob:
    best = logprobs.topk(min(wanted, logprobs.shape[0]))
    alternatives = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    top = tuple((loaded.decode([i], special=True), value) for i, value in alternatives)
    return TokenLogprob(loaded.decode([chosen], special=True), float(logprobs[chosen]), top, chosen)


def _stops(loaded: Loaded, row: Row) -> bool:
    if not row.sampling.stop:
        return False
    # A token holds at least one byte, so so many of the last tokens hold every stop string that has just ended.
    tail = loaded.decode(row.ids[-(max(len(stop.encode()) for stop in row.sampling.stop) + 4) :])
    return any(stop in tail for stop in row.sampling.stop)


def _seed(seed: int, sample: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{sample}".encode()).digest()[:7], "big")
