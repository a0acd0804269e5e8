"""What a rollout function hands to TRL, checked before TRL trips over it.

TRL reads the last token of each completion, so an empty one (nothing was sampled: an outage, a prompt too long) ends
the training with an IndexError; and lists of unlike lengths are padded to tensors that no longer fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Rollouts = dict[str, Any]  # as TRL takes them: JSON-like lists by name
RolloutFunction = Callable[[list[Any], Any], Rollouts]  # prompts, trainer


def trainable(rollouts: RolloutFunction) -> RolloutFunction:
    """The same rollout function, of which each completion has a token, and lists fit.

    An empty completion becomes one end token that is not the policy's own (`env_mask` 0), so nothing is trained on it.

    Raises:
        ValueError: By the returned function, where there is not one completion for each prompt, or where the masks or
            log-probabilities of a completion are not as many as its tokens.
    """

    def checked(prompts: list[Any], trainer: Any) -> Rollouts:
        found = dict(rollouts(prompts, trainer))
        for name in ("prompt_ids", "completion_ids", "logprobs", "env_mask"):
            _one_each(name, found.get(name), len(prompts))
        for name in ("logprobs", "env_mask"):
            _as_long_as_completions(name, found.get(name), found["completion_ids"])
        return _without_empty(found, end=trainer.eos_token_ids[0])

    return checked


def _one_each(name: str, values: Sequence[Any] | None, count: int) -> None:
    if values is not None and len(values) != count:
        raise ValueError(f"the rollouts give {len(values)} {name} for {count} prompts (num_generations are in them)")


def _as_long_as_completions(name: str, values: Sequence[Sequence[Any]] | None, completions: Sequence[Any]) -> None:
    for row, (value, completion) in enumerate(zip(values or (), completions, strict=False)):
        if len(value) != len(completion):
            raise ValueError(f"row {row} of the rollouts has {len(completion)} tokens and {len(value)} {name}")


def _without_empty(found: Rollouts, end: int) -> Rollouts:
    tokens = found["completion_ids"]
    if all(tokens):
        return found
    masks = found.get("env_mask") or [[1] * len(row) for row in tokens]
    filled = {"completion_ids": [row or [end] for row in tokens], "env_mask": [row or [0] for row in masks]}
    if found.get("logprobs") is not None:
        filled["logprobs"] = [row or [0.0] for row in found["logprobs"]]
    return {**found, **filled}
