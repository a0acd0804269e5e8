"""Rewards of wrong answers by their confidence."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from adjudge.training.grpo.calibration import (
    IMPORTANCE,
    NO_DENOMINATOR,
    TWICE_THE_MAXIMUM,
    calibrated_rewards,
    length_normalised_confidence,
    shuffled,
)

NAN = math.nan
unhurried = settings(deadline=None)
confidences = st.floats(1e-6, 1.0)


def row(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


@pytest.mark.parametrize(
    ("log_probs", "own", "expected"),
    [
        ((math.log(0.5), math.log(0.5)), (1, 1), 0.5),
        ((math.log(0.9), math.log(0.4)), (1, 1), 0.6),  # the geometric mean, not the product of 0.36
        ((math.log(0.9), -50.0, math.log(0.4)), (1, 0, 1), 0.6),  # a token of a tool is not the policy's
        ((math.log(0.9), NAN, math.log(0.4)), (1, 1, 1), 0.6),  # a server could not say one of them
        ((math.log(0.9), math.log(0.4), 0.0), (1, 1, 0), 0.6),  # padding
        ((0.0,), (1,), 1.0),
        ((-1.0,), (0,), NAN),  # nothing of its own
        ((NAN,), (1,), NAN),
    ],
)
def test_confidence_is_the_mean_over_own_tokens(
    log_probs: tuple[float, ...], own: tuple[int, ...], expected: float
) -> None:
    found = length_normalised_confidence(row(*log_probs), torch.tensor([own]))
    assert found.tolist() == pytest.approx([expected], nan_ok=True, rel=1e-6)


@unhurried
@given(st.lists(st.floats(-20, 0), min_size=1, max_size=8), st.integers(2, 5))
def test_confidence_does_not_know_how_long_an_answer_is(log_probs: list[float], times: int) -> None:
    short, long = torch.tensor([log_probs]), torch.tensor([log_probs * times])
    found = [length_normalised_confidence(each, torch.ones_like(each)).item() for each in (short, long)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)


@pytest.mark.parametrize(
    ("verdicts", "confidence", "rewards", "branch"),
    [
        # D = 2 * 0.5: ratios 0.5 / 0.5 and 0.2 / 0.8
        ((0, 0), (0.5, 0.2), (-1 / 2, -0.25 / 2), TWICE_THE_MAXIMUM),
        # importance: 1 / mean(1 / 0.1, 0) = 0.2, less than 2 * 0.4
        ((1, 0), (0.1, 0.4), (1, -1 / 2), TWICE_THE_MAXIMUM),
        # importance: 1 / mean(1 / 0.9, 0, 0, 0) = 3.6, more than 2 * 0.9
        ((1, 0, 0, 0), (0.9, 0.4, 0.2, 0.1), (1, -0.4 / 3.2 / 4, -0.2 / 3.4 / 4, -0.1 / 3.5 / 4), IMPORTANCE),
        ((1, 1), (0.9, 0.4), (1, 1), NO_DENOMINATOR),
        ((NAN, NAN), (0.9, 0.4), (0, 0), NO_DENOMINATOR),
        # an outage does not count: neither its confidence nor in G
        ((0, 0, NAN), (0.5, 0.2, 0.9), (-1 / 2, -0.25 / 2, 0), TWICE_THE_MAXIMUM),
        # nothing of its own to be confident of
        ((0, 0), (0.5, NAN), (-1 / 2, 0), TWICE_THE_MAXIMUM),
    ],
)
def test_rewards_as_in_the_paper(
    verdicts: tuple[float, ...], confidence: tuple[float, ...], rewards: tuple[float, ...], branch: int
) -> None:
    found = calibrated_rewards(row(*verdicts), row(*confidence))
    assert found.rewards[0].tolist() == pytest.approx(list(rewards))
    assert found.branch.tolist() == [branch]


@unhurried
@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, NAN]), confidences | st.just(NAN)), min_size=1, max_size=16))
def test_rewards_stay_between_minus_one_over_g_and_one(rows: list[tuple[float, float]]) -> None:
    verdicts, confidence = (row(*each) for each in zip(*rows, strict=True))
    counted = int((~verdicts.isnan()).sum())
    found = calibrated_rewards(verdicts, confidence).rewards
    assert found.isfinite().all()
    assert found.max() <= 1
    assert found.min() >= -1 / max(1, counted)


@unhurried
@given(st.integers(1, 12), st.integers(0, 2**32), st.sets(st.integers(0, 11)))
def test_shuffling_deals_the_same_confidences_to_rows_that_count(size: int, seed: int, out: set[int]) -> None:
    confidence = torch.arange(1.0, 2 * size + 1).view(2, size) / (2 * size)
    counted = torch.tensor([[place not in out for place in range(size)]] * 2)
    found = shuffled(confidence, counted, seed)
    assert found.equal(shuffled(confidence, counted, seed))
    assert found[~counted].equal(confidence[~counted])
    for group in range(2):
        kept, dealt = (each[group][counted[group]].sort().values for each in (confidence, found))
        assert kept.equal(dealt)


def test_shuffling_moves_something() -> None:
    confidence = (torch.arange(16.0) + 1)[None] / 16
    everything = torch.ones_like(confidence).bool()
    assert len({tuple(shuffled(confidence, everything, seed)[0].tolist()) for seed in range(5)}) == 5
