"""The posterior of scores: the exact Gaussian, the judge's own scale, and judges of several tempers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.ranking import Compared, graded
from adjudge.ranking.posterior import Floats, Seen, seen


def everything(first: Floats, second: Floats) -> Seen:
    """All ordered pairs of a judge: scores of i and of j where i is shown before j, (n, n) each."""
    size = len(first)
    pairs = [(a, b) for a in range(size) for b in range(size) if a != b]
    return seen(size, True, [Compared((a, b), (float(first[a, b]), float(second[a, b])), None) for a, b in pairs])


def judged(seed: int, *, size: int = 12, noise: float = 1.0, mercy: float = 0.0, contrast: float = 0.0) -> Seen:
    """Qualities 0, 1, … as a judge scores them: with noise, mercy that differs by call, and contrast to the other."""
    chance, quality = np.random.default_rng(seed), np.arange(size, dtype=float)
    own, other = quality[:, None], contrast * quality
    call = mercy * chance.standard_normal((size, size))
    errors = noise * chance.standard_normal((2, size, size))
    return everything(5 + own - other + call + errors[0], 5 + quality - contrast * quality[:, None] + call + errors[1])


def test_the_posterior_is_the_exact_one_under_its_scales() -> None:
    data = judged(0, size=4)
    posterior, scales = graded.fit(data)
    scores = (data.scores - data.scores.mean()) / data.scores.std()
    rows = np.zeros((2 * len(scores), 5))
    for place, (a, b) in enumerate(zip(data.first, data.second, strict=True)):
        rows[place, [a, b, 4]] = 1, -1, 1
        rows[len(scores) + place, [a, b]] = scales.told
    outcome = np.append(scores[:, 0] - scores[:, 1], scores.sum(1) - 2 * scales.level)
    error = np.append(np.full(len(scores), 1.5 * scales.error), np.full(len(scores), scales.sums))
    prior = np.diag([1 / scales.spread] * 4 + [1 / scales.advantage])
    covariance = np.linalg.inv(prior + rows.T @ (rows / error[:, None]))
    assert posterior.covariance == pytest.approx(covariance)
    assert posterior.mean == pytest.approx(covariance @ (rows.T @ (outcome / error)))


def test_scores_are_those_that_all_pairs_gives_pulled_to_the_middle() -> None:
    data = judged(1)
    own = [np.append(data.scores[data.first == one, 0], data.scores[data.second == one, 1]).mean() for one in range(12)]
    found = graded.fit(data).posterior.scores
    assert found == pytest.approx(own, abs=0.25)
    assert np.ptp(found) < np.ptp(own)


@pytest.mark.parametrize(("contrast", "low", "high"), [(0.0, 0.9, 1.0), (0.5, 0.2, 0.5), (1.0, 0.0, 0.1)])
def test_it_learns_how_much_the_sum_of_two_scores_tells(contrast: float, low: float, high: float) -> None:
    assert low <= graded.fit(judged(2, contrast=contrast)).scales.told <= high


def test_it_learns_that_a_judge_is_lenient_in_one_call_and_strict_in_the_next() -> None:
    steady, moody = graded.fit(judged(3)).scales, graded.fit(judged(3, mercy=3.0)).scales
    assert moody.sums / moody.error > 3 * steady.sums / steady.error


def test_noise_widens_the_posterior() -> None:
    sharp, blunt = (graded.fit(judged(4, noise=noise)).posterior for noise in (0.5, 3.0))
    assert blunt.covariance[0, 0] > 2 * sharp.covariance[0, 0]


def test_what_the_first_place_is_worth_is_no_strength() -> None:
    swayed = judged(5, noise=0.1)
    swayed = swayed._replace(scores=swayed.scores + np.array([3.0, 0.0]))
    posterior = graded.fit(swayed).posterior
    assert posterior.mean[-1] * swayed.scores.std() == pytest.approx(3.0, abs=0.1)
    assert np.diff(posterior.scores).min() > 0


@settings(deadline=None)
@given(st.floats(0.01, 1000), st.floats(-1000, 1000))
def test_the_scale_of_the_judge_is_kept(unit: float, start: float) -> None:
    data = judged(6, size=5)
    moved = data._replace(scores=start + unit * data.scores)
    plain, other = graded.fit(data).posterior, graded.fit(moved).posterior
    assert other.scores == pytest.approx(start + unit * plain.scores, rel=1e-6, abs=1e-6)
    assert other.covariance == pytest.approx(plain.covariance, rel=1e-6)


def test_both_orders_of_a_pair_tell_less_than_two_pairs() -> None:
    again = seen(4, False, [Compared((0, 1), (7.0, 3.0), 0), Compared((1, 0), (3.0, 7.0), 0)])
    twice = seen(4, False, [Compared((0, 1), (7.0, 3.0), 0), Compared((0, 2), (7.0, 3.0), 0)])
    assert graded.fit(again).posterior.covariance[0, 0] > graded.fit(twice).posterior.covariance[0, 0]


@pytest.mark.parametrize("score", [0.0, 7.0, -1e9])
def test_scores_that_are_all_the_same_tell_nothing(score: float) -> None:
    posterior = graded.fit(everything(np.full((3, 3), score), np.full((3, 3), score))).posterior
    assert posterior.scores == pytest.approx([score] * 3)
    assert posterior.strengths == pytest.approx([0, 0, 0])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 4), min_size=2, max_size=2, unique=True),
            st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
        ),
        min_size=1,
        max_size=30,
    ),
    st.booleans(),
)
def test_any_scores_make_a_proper_posterior(told: list[tuple[list[int], tuple[float, float]]], sways: bool) -> None:
    data = seen(5, sways, [Compared((a, b), scores, None) for (a, b), scores in told])
    posterior, scales = graded.fit(data)
    assert np.isfinite(posterior.scores).all()
    assert (np.linalg.eigvalsh(posterior.covariance) > 0).all()
    assert 0 <= scales.told <= 1
    assert min(scales.spread, scales.error, scales.sums, scales.advantage) > 0
