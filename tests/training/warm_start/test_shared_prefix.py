"""Both orders of a pair from one reading of what they share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.sft import IGNORED, first_turn
from adjudge.training.warm_start.shared_prefix import SharedCollator, SharedPrefixTrainer, together
from tests.training.rollouts.small import model, tokenizer

SINGLE = 0.3
ROWS = {
    "p/A": Row((5, 6), (7, 8, 20, 21, 40), (0.0,) * 5, (1, 1, 0, 0, 1)),
    "p/B": Row((5, 6), (7, 8, 22, 23, 24, 41), (0.0,) * 6, (1, 1, 0, 0, 0, 1)),
    "q/A": Row((9,), (10, 11, 12, 40), (0.0,) * 4, (1, 0, 0, 1)),
    "r/A": Row((5, 6), (7, 9, 20, 21, 22, 40), (0.0,) * 6, (1, 1, 0, 0, 0, 1)),
    "r/B": Row((5, 6), (7, 9, 20, 23, 24, 41), (0.0,) * 6, (1, 1, 0, 0, 0, 1)),
}
PAIRS = {"p/A": "p", "p/B": "p", "q/A": "q", "r/A": "r", "r/B": "r"}


def test_orders_of_a_pair_share_what_they_begin_with_and_one_alone_keeps_two_tokens() -> None:
    pair, alone = together({name: ROWS[name] for name in ("p/A", "p/B", "q/A")}, PAIRS)
    assert pair == {
        "prefix": [5, 6, 7, 8],
        "labels": [IGNORED, IGNORED, 7, 8],
        "rests": [[20, 21, 40], [22, 23, 24, 41]],
        "length": 11,
    }
    assert alone == {"prefix": [9, 10, 11], "labels": [IGNORED, 10, IGNORED], "rests": [[12, 40]], "length": 5}


@pytest.mark.parametrize("taken", [["p/A", "p/B"], ["p/A", "p/B", "q/A"], ["p/A", "p/B", "r/A", "r/B"]])
@pytest.mark.parametrize("search", [False, True])
def test_the_loss_is_that_of_reading_each_order_by_itself(taken: list[str], search: bool) -> None:
    policy = model(len(tokenizer()))
    examples = together({name: ROWS[name] for name in taken}, PAIRS)
    trainer: Any = object.__new__(SharedPrefixTrainer)
    trainer._single = SINGLE
    loss = SharedPrefixTrainer.compute_loss(trainer, policy, SharedCollator(0, search=search)(examples))

    def told(ids: Sequence[int]) -> torch.Tensor:
        logits: torch.Tensor = policy(torch.tensor([list(ids)])).logits
        return logits[0].log_softmax(1)

    contrasts, singles, searches = [], [], []
    for one in examples:
        verdicts = [rest[-1] for rest in one["rests"]]
        at = [told([*one["prefix"], *rest])[-2] for rest in one["rests"]]
        singles += [-row[verdict] for row, verdict in zip(at, verdicts, strict=True)]
        margins = [
            row[verdict] - row[other] for row, verdict, other in zip(at, verdicts, reversed(verdicts), strict=True)
        ]
        contrasts += [torch.nn.functional.softplus(-torch.stack(margins).sum() / 2)] * len(margins)
        said = [place for place, label in enumerate(one["labels"]) if label != IGNORED]
        searches.append(torch.stack([-told(one["prefix"])[place - 1, one["prefix"][place]] for place in said]).mean())
    wanted = torch.stack(contrasts).mean() + SINGLE * torch.stack(singles).mean()
    wanted = wanted + torch.stack(searches).mean() if search else wanted
    assert loss.item() == pytest.approx(wanted.item(), abs=1e-5)
    loss.backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in policy.parameters())


def test_a_pair_alone_is_all_branch_so_that_gradients_reach_its_evidence() -> None:
    [pair] = together({name: ROWS[name] for name in ("p/A", "p/B")}, PAIRS)
    batch = SharedCollator(0)([pair])
    assert batch["trunk"].shape == (1, 0)
    assert batch["branch"].tolist() == [pair["prefix"]]


def test_a_place_that_is_preferred_costs_nothing_but_the_single_verdicts() -> None:
    """Both orders with one margin up and the other as far down: what a bias to a letter does."""
    trainer: Any = object.__new__(SharedPrefixTrainer)
    trainer._single = SINGLE
    inputs = SharedCollator(0)(together({name: ROWS[name] for name in ("p/A", "p/B")}, PAIRS))
    losses = []
    for bias in (0.0, 5.0):
        logits = torch.zeros(2, 60)
        logits[:, 40] = bias
        trainer._logits = lambda *_, logits=logits: (logits, 0.0)
        found = SharedPrefixTrainer.compute_loss(trainer, None, inputs).item()
        losses.append(found - SINGLE * torch.nn.functional.cross_entropy(logits, torch.tensor([40, 41])).item())
    assert losses == pytest.approx([math.log(2)] * 2, abs=1e-5)


def test_a_first_turn_ends_before_what_came_of_it() -> None:
    assert first_turn(ROWS["p/A"]) == Row((5, 6), (7, 8), (0.0, 0.0), (1, 1))
    assert first_turn(Row((1,), (2, 3), (0.0, 0.0), (1, 1))).completion_ids == (2, 3)
