"""Chances and confidence, against drawing from the posterior."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from adjudge.ranking import order
from adjudge.ranking.posterior import Floats, Posterior
from adjudge.types import Goal

NORMAL = order.draws(4, 0)
ALL = np.arange(4)


def posterior(mean: list[float], covariance: Floats) -> Posterior:
    size = len(mean)
    wide = np.eye(size + 1)
    wide[:size, :size] = covariance
    return Posterior(np.array([*mean, 0.0]), wide, np.ones((size, size)), 1.0, 0.0, np.array(mean))


MIXED = posterior([0.0, 0.3, 1.0, 1.2], np.diag([1.0, 0.5, 0.2, 0.4]) + 0.1)


def test_the_normal_distribution() -> None:
    for x in np.linspace(-6, 6, 49):
        assert order.normal_cdf(np.array([x]))[0] == pytest.approx(NormalDist().cdf(x), abs=2e-7)


def test_confidence_in_a_ranking_is_the_expected_share_of_pairs_in_order() -> None:
    drawn = np.random.default_rng(1).multivariate_normal(MIXED.strengths, MIXED.covariance[:4, :4], 200_000)
    upper = np.triu_indices(4, 1)
    share = (drawn[:, upper[0]] < drawn[:, upper[1]]).mean()
    assert order.confidence(MIXED, ALL, "ranking", NORMAL) == pytest.approx(share, abs=0.003)


def test_confidence_in_the_best_is_its_chance_to_be_it() -> None:
    drawn = np.random.default_rng(1).multivariate_normal(MIXED.strengths, MIXED.covariance[:4, :4], 200_000)
    assert order.confidence(MIXED, ALL, "best", NORMAL) == pytest.approx((drawn.argmax(1) == 3).mean(), abs=0.04)
    assert order.chances_to_be_best(MIXED, ALL, NORMAL).sum() == pytest.approx(1)


def test_confidence_is_about_those_named() -> None:
    two = posterior([0.0, 9.0, 0.0, 9.0], np.eye(4))
    assert order.confidence(two, np.array([0, 1]), "ranking", NORMAL) > 0.999
    assert order.confidence(two, np.array([0, 2]), "ranking", NORMAL) == pytest.approx(0.5)


@pytest.mark.parametrize("goal", ["ranking", "best"])
def test_the_prospect_is_the_mean_rise_of_confidence(goal: Goal) -> None:
    after = MIXED.covariance * 0.3
    moved = np.random.default_rng(2).multivariate_normal(MIXED.strengths, (MIXED.covariance - after)[:4, :4], 2000)
    then = [
        order.confidence(MIXED._replace(mean=np.append(mean, 0.0), covariance=after), ALL, goal, NORMAL)
        for mean in moved
    ]
    rise = float(np.mean(then)) - order.confidence(MIXED, ALL, goal, NORMAL)
    assert order.prospect(MIXED, after, ALL, goal, NORMAL) == pytest.approx(
        rise, abs=0.01 if goal == "ranking" else 0.04
    )


@pytest.mark.parametrize("goal", ["ranking", "best"])
def test_nothing_is_promised_where_nothing_is_left(goal: Goal) -> None:
    assert order.prospect(MIXED, MIXED.covariance, ALL, goal, NORMAL) == pytest.approx(0, abs=1e-6)
