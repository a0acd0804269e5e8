"""Readings that know a judge's errors, choices that know the truth, and the best strategy are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from adjudge.ranking import Compared
from adjudge.ranking.posterior import Posterior, inverse
from benchmarks.ranking.bounds import choices, four, told
from benchmarks.ranking.bounds.__main__ import measure, of_half, of_the_best_strategy
from benchmarks.ranking.bounds.gaps import Looks
from benchmarks.ranking.bounds.searched import searched
from benchmarks.ranking.judges import POINTS, TEMPERS, Group, Temper
from benchmarks.ranking.tables import Measured

SHARP = Temper("winners, of no error", sharpness=200)


def group(temper: Temper, size: int = 5, seed: int = 0) -> Group:
    return Group(temper, size, np.random.default_rng(seed))


def everything(one: Group) -> list[Compared]:
    return choices.ask(one, [(a, b) for a in range(one.size) for b in range(one.size) if a != b])


@pytest.mark.parametrize(
    "temper", [SHARP, Temper("scores, fine", noise=0.01), *TEMPERS], ids=lambda temper: temper.name
)
def test_more_verdicts_leave_less_open(temper: Temper) -> None:
    one = group(temper)
    verdicts = everything(one)
    open_ = [np.trace(told.posterior(one, verdicts[:count]).covariance) for count in (0, 5, 20)]
    assert open_[0] > open_[1] > open_[2] > 0
    assert open_[0] == pytest.approx(5 * told.errors(temper).spread, abs=1e-6)


def test_verdicts_without_error_are_read_without_error() -> None:
    one = group(SHARP)
    found = told.posterior(one, everything(one)).strengths
    assert [*np.argsort(found)] == [*np.argsort(one.quality)]


def test_strengths_are_on_the_scale_of_the_judge() -> None:
    one = group(Temper("scores", noise=0.6))
    assert told.posterior(one, everything(one)).strengths == pytest.approx(POINTS * one.quality, abs=0.6)


@pytest.mark.parametrize("temper", [TEMPERS[2], TEMPERS[4], TEMPERS[8], TEMPERS[11]], ids=lambda temper: temper.name)
def test_the_posterior_covers_the_truth(temper: Temper) -> None:
    """Squared deviations have the mean 1 where the model is that of the judge; Laplace's is a little too narrow."""
    far = []
    for seed in range(60):
        one = group(temper, seed=seed)
        found = told.posterior(one, choices.with_errors(one, 10, seed))
        x = np.array([1.0, -1, 0, 0, 0, 0])
        far.append((x[:-1] @ (found.strengths - told.strengths(one))) ** 2 / (x @ found.covariance @ x))
    assert 0.6 < np.mean(far) < 2.0


@pytest.mark.parametrize("choose", [choices.with_errors, choices.with_truth, choices.with_truth_and_answers])
@pytest.mark.parametrize("temper", [TEMPERS[1], TEMPERS[6]], ids=lambda temper: temper.name)
def test_nothing_is_asked_twice(choose: choices.Choice, temper: Temper) -> None:
    shown = [verdict.shown for verdict in choose(group(temper), 20, 3)]
    assert len(set(shown)) == len(shown) == 20


def test_what_is_chosen_beforehand_does_not_depend_on_answers() -> None:
    one, other = group(TEMPERS[6]), group(TEMPERS[6])
    other._tables = other._tables[::-1]
    assert [v.shown for v in choices.with_truth(one, 10, 1)] == [v.shown for v in choices.with_truth(other, 10, 1)]
    start = [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert searched(one, start, 1) == searched(other, start, 1)


def test_what_is_searched_tells_close_ones_apart() -> None:
    """With most calls between competitors that lie close to each other."""
    one = group(Temper("winners", sharpness=2), size=6, seed=4)
    start = [(a, b) for a in range(6) for b in range(a + 1, 6)]
    found = searched(one, start, 0)
    ranks = np.argsort(np.argsort(one.quality))
    assert len(set(found)) == len(start)
    assert np.mean([abs(ranks[a] - ranks[b]) for a, b in found]) < np.mean([abs(ranks[a] - ranks[b]) for a, b in start])


@pytest.mark.parametrize("sums", [0.0, 0.4])
def test_a_comparison_moves_the_gaps_as_a_whole_fit_would(sums: float) -> None:
    noise, prior, truth = np.full((3, 3), 2.0), np.diag([1.0, 0.5, 0.3, 0.2]), np.array([1.0, 0.0, -1.0, 0.5])
    beliefs = Posterior(np.array([0.1, 0.2, 0.3, 0.4]), inverse(prior), noise, 1.0, sums, np.zeros(3))
    looks = Looks(3, [(2, 0)])
    after = prior + looks.information(noise, 1.0, sums)
    mean = beliefs.mean + inverse(after) @ (after - prior) @ (truth - beliefs.mean)
    moved = looks.moved(beliefs, np.array([2.0]), truth)
    for place, (a, b) in enumerate(zip(moved.first, moved.second, strict=True)):
        x = np.eye(4)[a] - np.eye(4)[b]
        assert moved.mean[place, 0] == pytest.approx(x @ mean)
        assert moved.variance[place, 0] == pytest.approx(x @ inverse(after) @ x)


def test_the_second_order_of_a_pair_tells_less() -> None:
    noise = np.full((2, 2), 2.0)
    both = Looks(2, [(0, 1), (1, 0)]).information(noise, 3.0, 0.0)
    assert both[0, 0] == pytest.approx(1 / 2 + 1 / 6)


# --- the best strategy for four


@pytest.fixture(scope="module")
def noisy() -> four.Known:
    return four.known(Temper("winners", sharpness=1.5), draws=300, seed=1)


def test_chances_of_all_answers_add_up(noisy: four.Known) -> None:
    tables = noisy.chance.reshape((3,) * 12)
    assert tables[(slice(1, None),) * 12].sum() == pytest.approx(1)
    assert tables[(0,) * 12] == pytest.approx(1)
    assert tables[(0, 0, 1, *(0,) * 9)] + tables[(0, 0, 2, *(0,) * 9)] == pytest.approx(1)


def test_more_comparisons_are_worth_more_and_all_are_worth_no_less_than_all_pairs(noisy: four.Known) -> None:
    worth = [four.value(noisy, calls=calls) for calls in (0, 1, 3, 6, 12)]
    assert worth == sorted(worth)
    assert worth[-1] >= four.all_pairs(noisy)
    assert four.value(noisy) == pytest.approx(worth[-1])  # what is free never harms


def test_one_comparison_is_worth_what_it_says() -> None:
    """Without error one pair of six is sure, one is a guess, and four are right with 2/3 against 1/3."""
    sharp = four.known(SHARP, draws=4000, seed=2)
    assert four.value(sharp, calls=1) == pytest.approx((1 + 4 * (2 / 3 - 1 / 3)) / 6, abs=0.03)


def test_a_price_stops_it(noisy: four.Known) -> None:
    assert four.value(noisy, price=1.0) == pytest.approx(four.value(noisy, calls=0))


def test_the_fewest_are_between_none_and_all_and_few_without_error(noisy: four.Known) -> None:
    assert 6 < four.fewest([noisy]) <= 12
    assert four.fewest([four.known(SHARP, draws=300, seed=1)]) < 6  # five are enough to sort four in the mean


def test_tables() -> None:
    every = [
        Measured(temper.name, 4, [measure(group(temper, 4, seed), seed) for seed in (0, 1)]) for temper in TEMPERS[5:7]
    ]
    assert of_half(every).count("\n") == 3
    assert of_the_best_strategy([SHARP], 20, 1).count("\n") == 3
