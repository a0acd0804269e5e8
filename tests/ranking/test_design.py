"""The next comparison: what the rule says, against doing it."""

from __future__ import annotations

import numpy as np
import pytest

from adjudge.ranking import Compared, bradley_terry, design, graded, order
from adjudge.ranking.posterior import Floats, Posterior, seen


def nothing_asked(size: int, *, sways: bool = True) -> design.Asked:
    dice = np.random.default_rng(0).random((size, size))
    return design.Asked(np.zeros((size, size), dtype=bool), sways, np.ones(size, dtype=bool), dice)


def winners(size: int) -> Posterior:
    told = [Compared((a, a + 1), None, a + (a % 2)) for a in range(size - 1)]
    return bradley_terry.fit(seen(size, True, told))


def scores(size: int) -> Posterior:
    told = [Compared((a, a + 1), (5.0 + a % 3, 6.0 - a % 2), None) for a in range(size - 1)]
    return graded.fit(seen(size, True, told)).posterior


def doubt(posterior: Posterior) -> float:
    between = order.gaps(posterior.strengths, posterior.covariance)
    chance = order.normal_cdf(between.mean / np.sqrt(between.variance))
    return float(np.triu(chance * (1 - chance), 1).sum())


def after(posterior: Posterior, pair: tuple[int, int], outcome: float) -> Posterior:
    """The posterior when a measurement of a difference came out so many deviations above what was expected."""
    row = np.zeros(len(posterior.mean))
    row[[*pair, -1]] = 1.0, -1.0, 1.0
    along = posterior.covariance @ row
    scale = row @ along + posterior.noise[pair]
    mean = posterior.mean + along * outcome / np.sqrt(scale)
    return posterior._replace(mean=mean, covariance=posterior.covariance - np.outer(along, along) / scale)


def test_the_first_choice_is_about_the_best_of_all_tried_out() -> None:
    posterior = winners(6)
    nodes, masses = np.polynomial.hermite_e.hermegauss(9)
    asked = nothing_asked(6)
    drops: Floats = np.full((6, 6), -1.0)
    for pair in zip(*np.nonzero(asked.candidates), strict=True):
        drops[pair] = doubt(posterior) - masses @ [doubt(after(posterior, pair, z)) for z in nodes] / masses.sum()
    chosen = design.next_comparisons(posterior, asked, np.ones((6, 6)), 1)[0]
    assert drops[chosen] > 0.9 * drops.max()
    assert drops.max() > 1.5 * np.median(drops[drops >= 0])  # so that it was worth choosing


@pytest.mark.parametrize("posterior", [winners(7), scores(7)], ids=["winners", "scores"])
def test_the_first_batch_shows_everybody_once(posterior: Posterior) -> None:
    prior = bradley_terry.fit(seen(8, True, []))
    chosen = design.next_comparisons(prior, nothing_asked(8), np.ones((8, 8)), 4)
    assert sorted(place for pair in chosen for place in pair) == list(range(8))


@pytest.mark.parametrize("posterior", [winners(7), scores(7)], ids=["winners", "scores"])
@pytest.mark.parametrize("sways", [True, False])
def test_nothing_is_asked_twice_and_everything_once(posterior: Posterior, sways: bool) -> None:
    chosen = design.next_comparisons(posterior, nothing_asked(7, sways=sways), np.ones((7, 7)), 99)
    assert len(chosen) == len(set(chosen)) == (42 if sways else 21)
    assert len({frozenset(pair) for pair in chosen}) == 21


def test_everybody_is_shown_first_as_often_as_second() -> None:
    asked = nothing_asked(8)
    for first, second in design.next_comparisons(winners(8), asked, np.ones((8, 8)), 20):
        asked.orders[first, second] = True
    ahead = asked.orders.sum(1) - asked.orders.sum(0)
    assert np.abs(ahead).max() <= 2


def test_who_takes_no_part_is_not_asked_about() -> None:
    asked = nothing_asked(5)
    asked.active[2] = False
    chosen = design.next_comparisons(winners(5), asked, np.ones((5, 5)), 99)
    assert len(chosen) == 12
    assert all(2 not in pair for pair in chosen)


def test_what_matters_not_is_asked_last() -> None:
    weights = np.zeros((6, 6))
    weights[0, 1] = weights[1, 0] = 1.0
    prior = bradley_terry.fit(seen(6, True, []))
    assert sorted(design.next_comparisons(prior, nothing_asked(6), weights, 1)[0]) == [0, 1]


@pytest.mark.parametrize("posterior", [winners(5), scores(5)], ids=["winners", "scores"])
@pytest.mark.parametrize("sways", [True, False])
def test_when_all_is_asked_the_covariance_has_shrunk_as_one_by_one(posterior: Posterior, sways: bool) -> None:
    posterior = posterior._replace(repeat=1.0)
    asked = nothing_asked(5, sways=sways)
    for first, second in [(0, 1), (1, 0), (2, 3)]:
        asked.orders[first, second] = True
    precision = np.linalg.inv(posterior.covariance)
    for first, second in zip(*np.nonzero(asked.left), strict=True):
        if sways or first < second:
            row = np.zeros(6)
            row[[first, second, 5]] = 1.0, -1.0, float(sways)
            precision += np.outer(row, row) / posterior.noise[first, second]
            row[[first, second, 5]] = 1.0, 1.0, 0.0
            precision += np.outer(row, row) * posterior.sums
    assert design.after_all(posterior, asked) == pytest.approx(np.linalg.inv(precision))


def test_a_second_look_at_all_pairs_tells_less_than_the_first() -> None:
    posterior, once, never = scores(5), nothing_asked(5), nothing_asked(5)
    once.orders[np.triu_indices(5, 1)] = True
    start, again, both = (
        order.gaps(posterior.strengths, covariance).variance[0, 1]
        for covariance in (posterior.covariance, design.after_all(posterior, once), design.after_all(posterior, never))
    )
    assert 1 / both - 1 / start > 2 * (1 / again - 1 / start) > 0
