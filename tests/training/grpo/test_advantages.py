"""Advantages of groups: what the paper says of them, its controls, other reward terms, outages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, get_args

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from adjudge.training.grpo.advantages import Advantages, negative_group_advantages
from adjudge.training.grpo.calibration import IMPORTANCE, NO_DENOMINATOR, TWICE_THE_MAXIMUM, calibrated_rewards
from adjudge.training.grpo.settings import Arm

NAN = math.nan
unhurried = settings(deadline=None, max_examples=50)
ARMS: tuple[Arm, ...] = get_args(Arm)
CALIBRATED: tuple[Arm, ...] = ("negative_groups", "negative_only", "shuffled_confidence")  # in all-wrong groups
numbers = st.floats(-3, 3, allow_subnormal=False)
confidences = st.floats(1e-4, 1.0)
row_of_a_group = st.tuples(st.sampled_from([0.0, 1.0, NAN]), numbers | st.just(NAN), confidences)
groups = st.lists(row_of_a_group, min_size=1, max_size=16)


def batch(*rows: Sequence[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def of(verdicts: Any, confidence: Any, other: Any = None, **options: Any) -> Advantages:
    """One group."""
    rest = [0.0] * len(verdicts) if other is None else other
    return negative_group_advantages(batch(verdicts), batch(rest), batch(confidence), **options)


def grpo(rewards: Tensor) -> Tensor:
    """TRL's own, written once more."""
    return (rewards - rewards.mean()) / (rewards.std() + 1e-4)


def test_the_published_example_by_hand() -> None:
    found = of([0, 0, 0, 0], [0.5, 0.2, 0.2, 0.2])
    rewards = torch.tensor([-1 / 4, -1 / 16, -1 / 16, -1 / 16])  # ratios 1 and 0.2 / 0.8, over G
    assert found.values[0].tolist() == pytest.approx((0.25 * (rewards - rewards.mean())).tolist())
    assert (found.all_wrong.item(), found.all_right.item(), found.mixed.item()) == (True, False, False)
    assert found.branch.item() == TWICE_THE_MAXIMUM


@unhurried
@given(st.lists(confidences, min_size=2, max_size=16))
def test_an_all_wrong_group_is_centred_and_its_most_confident_answer_worst(confidence: list[float]) -> None:
    assume(len(set(confidence)) > 1)
    values = of([0] * len(confidence), confidence).values[0]
    assert values.abs().max() > 0
    assert values.sum().item() == pytest.approx(0, abs=1e-9)
    by_confidence = [value for _, value in sorted(zip(confidence, values.tolist(), strict=True))]
    assert by_confidence == sorted(by_confidence, reverse=True)
    assert values.argmin().item() == confidence.index(max(confidence))


@unhurried
@given(st.lists(confidences, min_size=1, max_size=16), st.floats(0, 1))
def test_an_all_wrong_group_weighs_at_most_alpha_over_g(confidence: list[float], alpha: float) -> None:
    for arm in ARMS:
        values = of([0] * len(confidence), confidence, alpha=alpha, arm=arm).values
        assert values.abs().max() <= alpha / len(confidence) + 1e-12


@unhurried
@given(st.data())
def test_a_mixed_group_keeps_the_signs_for_every_number_of_right_answers(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 16))
    confidence = data.draw(st.lists(confidences, min_size=size, max_size=size))
    right = torch.ones(size, size).tril()[:-1]  # 1, 2, … of them right
    for arm in ARMS:
        values = negative_group_advantages(right, torch.zeros_like(right), batch(*[confidence] * (size - 1)), arm=arm)
        assert (values.values[right == 1] > 0).all()
        assert (values.values[right == 0] < 0).all()


@unhurried
@given(st.lists(confidences, min_size=1, max_size=16), st.sampled_from(ARMS))
def test_an_all_right_group_is_exactly_zero(confidence: list[float], arm: Arm) -> None:
    found = of([1] * len(confidence), confidence, arm=arm)
    assert found.values.abs().max() == 0
    assert found.all_right.item()
    assert found.branch.item() == NO_DENOMINATOR


@pytest.mark.parametrize("constant", [0.1, 0.7, -2.3, 1e-9])
@pytest.mark.parametrize("size", [1, 3, 5, 7, 8])
def test_other_terms_that_are_equal_in_a_group_change_nothing(constant: float, size: int) -> None:
    confidence = [0.1 + 0.9 * place / size for place in range(size)]
    for verdicts in ([1] * size, [0] * size, [1] + [0] * (size - 1)):  # the mean of equal numbers is not always exact
        for arm in ARMS:
            plain, added = (of(verdicts, confidence, [other] * size, arm=arm).values for other in (0.0, constant))
            assert torch.allclose(plain, added, atol=1e-12)
            assert (plain == 0).equal(added == 0)


@unhurried
@given(groups, st.sampled_from(ARMS), st.floats(0, 3))
def test_every_group_is_finite_and_of_one_kind(rows: list[tuple[float, float, float]], arm: Arm, weight: float) -> None:
    verdicts, other, confidence = zip(*rows, strict=True)
    found = of(verdicts, confidence, other, arm=arm, weight=weight)
    assert found.values.isfinite().all()
    assert found.values[batch(verdicts).isnan()].abs().sum() == 0
    kinds = [found.all_wrong.item(), found.all_right.item(), found.mixed.item()]
    assert sum(kinds) == (0 if all(map(math.isnan, verdicts)) else 1)


@unhurried
@given(groups, st.sampled_from([arm for arm in ARMS if arm != "shuffled_confidence"]))
def test_an_outage_is_as_if_the_rollout_did_not_exist(rows: list[tuple[float, float, float]], arm: Arm) -> None:
    counted = [row for row in rows if not math.isnan(row[0])]
    assume(counted)
    verdicts, other, confidence = zip(*rows, strict=True)
    whole = of(verdicts, confidence, other, arm=arm)
    verdicts, other, confidence = zip(*counted, strict=True)
    without = of(verdicts, confidence, other, arm=arm)
    kept = [place for place, row in enumerate(rows) if not math.isnan(row[0])]
    assert whole.values[0, kept].tolist() == pytest.approx(without.values[0].tolist(), abs=1e-9)
    assert whole.branch.equal(without.branch)


@unhurried
@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), numbers), min_size=2, max_size=16))
def test_the_arm_grpo_is_that_of_trl(rows: list[tuple[float, float]]) -> None:
    verdicts, other = zip(*rows, strict=True)
    rewards = 2 * batch(verdicts)[0] + batch(other)[0]
    assume(rewards.max() - rewards.min() > 1e-6)
    found = of(verdicts, [0.5] * len(rows), other, arm="grpo", weight=2.0)
    assert torch.allclose(found.values[0], grpo(rewards), atol=1e-9)


MIXED = ([1, 0, 0, 0], [0.9, 0.4, 0.2, 0.1])
WRONG = ([0, 0, 0, 0], [0.9, 0.4, 0.2, 0.1])


@pytest.mark.parametrize(
    ("arm", "calibrated_if_mixed", "calibrated_if_wrong"),
    [
        ("grpo", False, False),
        ("negative_groups", True, True),
        ("uniform_penalty", False, False),
        ("mixed_only", True, False),
        ("negative_only", False, True),
    ],
)
def test_what_each_arm_calibrates(arm: Arm, calibrated_if_mixed: bool, calibrated_if_wrong: bool) -> None:
    mixed, wrong = of(*MIXED, arm=arm), of(*WRONG, arm=arm)
    rewards = calibrated_rewards(batch(MIXED[0]), batch(MIXED[1])).rewards[0]
    expected = grpo(rewards if calibrated_if_mixed else batch(MIXED[0])[0])
    assert mixed.values[0].tolist() == pytest.approx(expected.tolist())
    assert mixed.branch.item() == (IMPORTANCE if calibrated_if_mixed else NO_DENOMINATOR)
    full = of(*WRONG).values
    penalty = torch.full_like(full, -0.25 / 4 if arm == "uniform_penalty" else 0.0)
    assert wrong.values.equal(full if calibrated_if_wrong else penalty)
    assert wrong.branch.item() == (TWICE_THE_MAXIMUM if calibrated_if_wrong else NO_DENOMINATOR)


def test_the_uniform_penalty_is_that_of_the_most_confident_wrong_answer() -> None:
    uncentred = 0.25 * calibrated_rewards(batch(WRONG[0]), batch(WRONG[1])).rewards.min()
    assert of(*WRONG, arm="uniform_penalty").values[0].tolist() == pytest.approx([uncentred.item()] * 4)


def test_shuffled_confidence_punishes_as_much_but_others() -> None:
    full = of(*WRONG).values[0]
    found = [of(*WRONG, arm="shuffled_confidence", seed=seed).values[0] for seed in range(20)]
    assert all(torch.allclose(each.sort().values, full.sort().values) for each in found)
    assert len({tuple(each.tolist()) for each in found}) > 5
    assert found[3].equal(of(*WRONG, arm="shuffled_confidence", seed=3).values[0])


def test_other_terms_are_added_before_a_mixed_group_is_normalised() -> None:
    other = [0.0, 0.3, 0.0, 0.3]
    rewards = calibrated_rewards(batch(MIXED[0]), batch(MIXED[1])).rewards[0]
    expected = grpo(0.5 * rewards + batch(other)[0])
    assert of(*MIXED, other, weight=0.5).values[0].tolist() == pytest.approx(expected.tolist())


def test_other_terms_teach_all_right_groups_as_in_grpo() -> None:
    other = [0.0, 0.3, 0.0, 0.3]
    for arm in ARMS:
        assert of([1] * 4, [0.5] * 4, other, arm=arm).values[0].tolist() == pytest.approx(
            grpo(batch(other)[0]).tolist()
        )


def test_a_term_that_does_not_apply_is_left_out_of_the_sum() -> None:
    assert of(*MIXED, [0.0, NAN, 0.3, NAN]).values.equal(of(*MIXED, [0.0, 0.0, 0.3, 0.0]).values)


@unhurried
@given(st.lists(st.tuples(confidences, numbers), min_size=2, max_size=16), st.floats(0, 3), st.sampled_from(ARMS))
def test_other_terms_cannot_turn_an_all_wrong_group_round(
    rows: list[tuple[float, float]], weight: float, arm: Arm
) -> None:
    assume(arm != "grpo")
    confidence, other = zip(*rows, strict=True)
    verdicts = [0] * len(rows)
    alone = of(verdicts, confidence, weight=weight, arm=arm).values[0]
    both = of(verdicts, confidence, other, weight=weight, arm=arm).values[0]
    assert (both - alone).norm() <= alone.norm() + 1e-9  # at most as much is added
    assert (both @ alone).item() >= -1e-9  # and never against it
    assert both.norm() <= 2 * 0.25 * weight / math.sqrt(len(rows)) + 1e-9


def test_small_other_terms_are_added_as_they_are() -> None:
    other = [0.0, 0.004, 0.0, 0.0]
    added = of(*WRONG, other).values - of(*WRONG).values
    assert added[0].tolist() == pytest.approx([0.25 * (each - 0.001) for each in other])


def test_large_other_terms_are_scaled_to_the_verdict_s_own_part() -> None:
    alone, both = of(*WRONG).values[0], of(*WRONG, [0, 100, 0, 0]).values[0]
    assert (both - alone).norm().item() == pytest.approx(alone.norm().item())


def test_without_a_weight_the_verdict_only_tells_the_groups_apart() -> None:
    other = [0.0, 0.3, 0.0, 0.3]
    assert of(*WRONG, other, weight=0.0).values.abs().max() == 0
    assert torch.allclose(of(*MIXED, other, weight=0.0).values[0], grpo(batch(other)[0]))
    assert torch.allclose(of(*WRONG, other, weight=0.0, arm="grpo").values[0], grpo(batch(other)[0]))


def test_groups_do_not_see_each_other() -> None:
    verdicts = batch([0, 0, 0], [1, 0, 0], [1, 1, 1], [NAN, NAN, NAN], [1, NAN, 0])
    confidence, other = torch.rand(5, 3).double(), torch.rand(5, 3).double()
    found = negative_group_advantages(verdicts, other, confidence)
    for place in range(5):
        alone = negative_group_advantages(*(each[place : place + 1] for each in (verdicts, other, confidence)))
        assert torch.allclose(found.values[place], alone.values[0])
    assert found.all_wrong.tolist() == [True, False, False, False, False]
    assert found.all_right.tolist() == [False, False, True, False, False]
    assert found.mixed.tolist() == [False, True, False, False, True]


def test_one_rollout_is_no_group() -> None:
    for verdict in (0.0, 1.0, NAN):
        for arm in ARMS:
            expected = -0.25 if (arm, verdict) == ("uniform_penalty", 0.0) else 0.0
            assert of([verdict], [0.5], [2.0], arm=arm).values.item() == expected


def test_kind_and_place_of_the_numbers_are_kept() -> None:
    found = negative_group_advantages(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[0.2, 0.4]]))
    assert found.values.dtype == torch.float32
    assert not found.values.requires_grad


@pytest.mark.parametrize("verdict", [0.5, -1.0, 2.0, math.inf])
def test_a_verdict_that_is_neither_right_nor_wrong_is_refused(verdict: float) -> None:
    with pytest.raises(ValueError, match=r"1 \(right\), 0 \(wrong\)"):
        of([verdict, 0.0], [0.5, 0.5])


@pytest.mark.parametrize("shape", [(4,), (2, 3), (1, 1, 4)])
def test_shapes_that_differ_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="alike"):
        negative_group_advantages(torch.zeros(shape), torch.zeros(1, 4), torch.ones(1, 4))
