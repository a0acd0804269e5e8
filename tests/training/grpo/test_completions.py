"""Rollouts are checked before TRL stumbles over them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from adjudge.training.grpo.completions import trainable

TRAINER = SimpleNamespace(eos_token_ids=[7, 8])
GOOD: dict[str, Any] = {
    "prompt_ids": [[1], [2]],
    "completion_ids": [[3, 4], [5]],
    "logprobs": [[-0.1, -0.2], [-0.3]],
    "env_mask": [[1, 0], [1]],
    "rollout": ["r", "s"],
}


def checked(**changes: Any) -> dict[str, Any]:
    given = GOOD | changes
    return trainable(lambda prompts, trainer: given)(["p", "q"], TRAINER)


def test_good_rollouts_pass_as_they_are() -> None:
    assert checked() == GOOD
    assert checked(logprobs=None, env_mask=None) == GOOD | {"logprobs": None, "env_mask": None}


@pytest.mark.parametrize("log_probs", [[[-0.1, -0.2], []], None])
@pytest.mark.parametrize("mask", [[[1, 0], []], None])
def test_an_empty_completion_becomes_an_end_that_is_not_trained(log_probs: Any, mask: Any) -> None:
    found = checked(completion_ids=[[3, 4], []], logprobs=log_probs, env_mask=mask)
    assert found["completion_ids"] == [[3, 4], [7]]
    assert found["env_mask"] == [[1, 0] if mask else [1, 1], [0]]
    assert found["logprobs"] == (log_probs and [[-0.1, -0.2], [0.0]])
    assert found["rollout"] == GOOD["rollout"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"completion_ids": [[3, 4]]}, "1 completion_ids for 2 prompts"),
        ({"prompt_ids": [[1], [2], [3]]}, "3 prompt_ids for 2 prompts"),
        ({"env_mask": [[1, 0]]}, "1 env_mask for 2 prompts"),
        ({"env_mask": [[1, 0], [1, 1]]}, "row 1 of the rollouts has 1 tokens and 2 env_mask"),
        ({"logprobs": [[-0.1], [-0.2]]}, "row 0 of the rollouts has 2 tokens and 1 logprobs"),
        ({"completion_ids": [[], [5]]}, "row 0 of the rollouts has 0 tokens and 2 logprobs"),
    ],
)
def test_lists_that_do_not_fit_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        checked(**changes)
