"""Prompts that have been read: their key-value caches, the last few of which are kept.

A prompt is read once in a batch of one, without padding. A prompt that begins like one of the last few continues from
its cache: the next turn of a conversation, or the same evidence with one item removed. Several read prompts are then
stacked, padded on the left, for generating or scoring together.

Reading from a cache and reading anew differ by rounding only (about 1e-2 in log-probabilities in bfloat16).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from transformers import DynamicCache

from adjudge.errors import ModelError
from adjudge.models.local.loading import Loaded

_KEPT = 4  # prompts
_KEPT_BYTES = 512 << 20
_WORTHWHILE = 16  # tokens in common, below which reading anew is as fast

Layers = tuple[tuple[torch.Tensor, torch.Tensor], ...]


class Prefix(NamedTuple):
    """A prompt that has been read."""

    ids: tuple[int, ...]
    layers: Layers  # per layer keys and values, each (1, H, L, D)
    logits: torch.Tensor  # (V,) float32, for the token that comes next
    cached: int  # tokens taken from an earlier prompt


class Stack(NamedTuple):
    """Several prompts side by side."""

    cache: DynamicCache
    mask: torch.Tensor  # (R, W) 1 for a token, 0 for padding, which is on the left
    lengths: torch.Tensor  # (R,) tokens of each prompt


class PrefixCache:
    """Reads prompts, and keeps the last few.

    Args:
        loaded: The model.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._recent: list[Prefix] = []  # least recently used first

    def read(self, ids: tuple[int, ...]) -> Prefix:
        """The prompt, read; at least one token is needed."""
        nearest = max(self._recent, key=lambda prefix: _common(prefix.ids, ids), default=None)
        common = 0 if nearest is None else _common(nearest.ids, ids)
        if nearest is not None and nearest.ids == ids:
            self._keep(nearest)
            return nearest._replace(cached=len(ids))
        common = min(common, len(ids) - 1)  # the last token is read in any case: it gives the logits
        if nearest is None or common < _WORTHWHILE:
            common = 0
        prefix = self._read(ids, common, nearest.layers if nearest is not None and common else ())
        self._keep(prefix)
        return prefix

    def _read(self, ids: tuple[int, ...], common: int, layers: Layers) -> Prefix:
        device = self._loaded.device
        cache = DynamicCache()
        for number, (keys, values) in enumerate(layers):
            cache.update(keys[:, :, :common], values[:, :, :common], number)
        output = self._loaded.model(
            input_ids=torch.tensor([ids[common:]], device=device),
            attention_mask=torch.ones((1, len(ids)), dtype=torch.long, device=device),
            position_ids=torch.arange(common, len(ids), device=device)[None],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        read = tuple((layer.keys, layer.values) for layer in cache.layers)
        if any(keys.shape[2] != len(ids) for keys, _ in read):
            message = "the model does not keep one key and value for each token; serve it with vLLM instead"
            raise ModelError(message, kind="rejected")
        return Prefix(ids, read, output.logits[0, -1].float(), common)

    def _keep(self, prefix: Prefix) -> None:
        self._recent = [kept for kept in self._recent if kept.ids != prefix.ids]
        self._recent.append(prefix._replace(cached=0))
        while len(self._recent) > _KEPT or (self._recent and sum(map(_bytes, self._recent)) > _KEPT_BYTES):
            self._recent.pop(0)


def stack(prefixes: Sequence[Prefix]) -> Stack:
    """Prompts as one batch, padded on the left with zeros that the mask hides."""
    width = max(len(prefix.ids) for prefix in prefixes)
    device = prefixes[0].logits.device
    cache = DynamicCache()
    for number in range(len(prefixes[0].layers)):
        keys = _padded([prefix.layers[number][0] for prefix in prefixes], width)
        values = _padded([prefix.layers[number][1] for prefix in prefixes], width)
        cache.update(keys, values, number)
    lengths = torch.tensor([len(prefix.ids) for prefix in prefixes], device=device)
    mask = (torch.arange(width, device=device)[None] >= (width - lengths)[:, None]).long()
    return Stack(cache, mask, lengths)


def _padded(tensors: Sequence[torch.Tensor], width: int) -> torch.Tensor:
    return torch.cat([torch.nn.functional.pad(tensor, (0, 0, width - tensor.shape[2], 0)) for tensor in tensors])


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    for position, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return position
    return min(len(one), len(other))


def _bytes(prefix: Prefix) -> int:
    return sum(keys.nbytes + values.nbytes for keys, values in prefix.layers)
