"""Both orders of a pair from one reading of what they share."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.sft import first_turn
from adjudge.training.warm_start.shared_prefix import SharedCollator, SharedPrefixTrainer, together
from tests.training.rollouts.small import model, tokenizer

SHARED = (5, 6, 7, 8)
ROWS = {
    "p/A": Row((5, 6), (7, 8, 20, 21, 40), (0.0,) * 5, (1, 1, 0, 0, 1)),
    "p/B": Row((5, 6), (7, 8, 22, 23, 24, 41), (0.0,) * 6, (1, 1, 0, 0, 0, 1)),
    "q/A": Row((9,), (10, 11, 12, 40), (0.0,) * 4, (1, 0, 0, 1)),
}
PAIRS = {"p/A": "p", "p/B": "p", "q/A": "q"}


def test_orders_of_a_pair_share_what_they_begin_with_and_one_alone_keeps_two_tokens() -> None:
    pair, alone = together(ROWS, PAIRS)
    assert pair == {"prefix": [5, 6, 7, 8], "rests": [[20, 21, 40], [22, 23, 24, 41]]}
    assert alone == {"prefix": [9, 10, 11], "rests": [[12, 40]]}


@pytest.mark.parametrize("padded", [False, True])
def test_the_loss_is_that_of_reading_each_order_by_itself(padded: bool) -> None:
    policy = model(len(tokenizer()))
    examples = together(ROWS, PAIRS)[: 2 if padded else 1]
    batch = SharedCollator(0)(examples)
    trainer: Any = object.__new__(SharedPrefixTrainer)
    found = SharedPrefixTrainer.compute_loss(trainer, policy, batch)
    alone = []
    for one in examples:
        for rest in one["rests"]:
            ids = torch.tensor([[*one["prefix"], *rest]])
            alone.append(-policy(ids).logits[0, -2].log_softmax(0)[rest[-1]])
    assert found.item() == pytest.approx(torch.stack(alone).mean().item(), abs=1e-5)
    found.backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in policy.parameters())


def test_a_first_turn_ends_before_what_came_of_it() -> None:
    assert first_turn(ROWS["p/A"]) == Row((5, 6), (7, 8), (0.0, 0.0), (1, 1))
    assert first_turn(Row((1,), (2, 3), (0.0, 0.0), (1, 1))).completion_ids == (2, 3)
