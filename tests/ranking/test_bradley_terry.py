"""The Laplace posterior of winners: the mode that another implementation finds, and the curvature there."""

from __future__ import annotations

import choix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.ranking import Compared, bradley_terry
from adjudge.ranking.posterior import Floats, Seen, seen

Verdicts = list[tuple[int, int, int]]


def verdicts(size: int) -> st.SearchStrategy[Verdicts]:
    """(first, second, which of the two won)."""
    pair = st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True)
    return st.lists(st.builds(lambda two, won: (two[0], two[1], two[won]), pair, st.integers(0, 1)), max_size=40)


def columns(size: int, told: Verdicts, *, sways: bool) -> Seen:
    return seen(size, sways, [Compared((a, b), None, winner) for a, b, winner in told])


@settings(deadline=None)
@given(verdicts(5), st.sampled_from([0.3, 1.0, 4.0]))
def test_without_an_advantage_of_place_the_mode_is_that_of_choix(told: Verdicts, spread: float) -> None:
    found = bradley_terry.mode(columns(5, told, sways=False), spread, np.zeros(6))
    pairs = [(winner, b if winner == a else a) for a, b, winner in told]
    alpha = 1 / (2 * spread)  # choix adds alpha · |θ|², so that its prior variance is 1 / (2 alpha), not 1 / alpha
    wanted = choix.opt_pairwise(5, pairs, alpha=alpha, tol=1e-10) if pairs else np.zeros(5)
    assert found[:-1] == pytest.approx(wanted, abs=1e-4)
    assert found[-1] == 0.0


def test_the_slope_is_zero_at_the_mode_with_an_advantage_of_place() -> None:
    told = [(0, 1, 0), (1, 0, 1), (0, 2, 0), (2, 1, 2), (1, 2, 1)]
    mean = bradley_terry.mode(columns(3, told, sways=True), 2.0, np.zeros(4))

    def height(at: Floats) -> float:
        margins = [(at[a] - at[b] + at[3]) * (1 if winner == a else -1) for a, b, winner in told]
        return float(-np.log1p(np.exp(-np.array(margins))).sum() - at[:3] @ at[:3] / 4 - at[3] ** 2 / 2)

    for step in np.eye(4) * 1e-3:
        assert height(mean) > max(height(mean + step), height(mean - step))
    assert mean[3] > 0.5  # who was shown first won each time


def test_the_covariance_is_the_inverse_of_the_curvature_at_the_mode() -> None:
    told = columns(3, [(0, 1, 0), (1, 2, 1), (2, 0, 0)], sways=True)
    posterior = bradley_terry.fit(told)
    rows = np.array([[1, -1, 0, 1], [0, 1, -1, 1], [-1, 0, 1, 1]])
    chance = 1 / (1 + np.exp(-rows @ posterior.mean))
    precision = np.linalg.inv(posterior.covariance)
    prior = precision - rows.T @ np.diag(chance * (1 - chance)) @ rows
    assert prior == pytest.approx(np.diag(prior.diagonal()), abs=1e-6)
    assert prior[3, 3] == pytest.approx(1.0)


def test_a_tie_says_that_two_are_alike() -> None:
    tie = bradley_terry.fit(seen(2, False, [Compared((0, 1), None, None)]))
    assert tie.strengths == pytest.approx([0, 0])
    nothing = bradley_terry.fit(seen(2, False, []))
    assert tie.covariance[0, 0] < nothing.covariance[0, 0]


def test_position_does_not_decide_where_everybody_wins_in_the_first_place() -> None:
    told = [(a, b, a) for a in range(4) for b in range(4) if a != b]
    posterior = bradley_terry.fit(columns(4, told, sways=True))
    assert posterior.scores == pytest.approx([0.5] * 4)
    assert posterior.mean[-1] > 1


def test_a_single_order_counts_for_less_where_the_first_place_may_be_worth_something() -> None:
    told = [(0, 1, 0)]
    swayed = bradley_terry.fit(columns(2, told, sways=True)).strengths
    free = bradley_terry.fit(columns(2, told, sways=False)).strengths
    assert 0 < swayed[0] - swayed[1] < free[0] - free[1]


def test_strengths_of_a_sharp_judge_lie_further_apart() -> None:
    sharp = [(a, b, max(a, b)) for a in range(8) for b in range(8) if a != b]
    blunt = [(a, b, max(a, b) if (a + b) % 3 else min(a, b)) for a, b, _ in sharp]
    spans = [np.ptp(bradley_terry.fit(columns(8, told, sways=True)).strengths) for told in (sharp, blunt)]
    assert spans[0] > 2 * spans[1]


@settings(deadline=None)
@given(verdicts(5), st.booleans())
def test_scores_are_chances_that_rank_as_the_strengths_do(told: Verdicts, sways: bool) -> None:
    posterior = bradley_terry.fit(columns(5, told, sways=sways))
    assert ((posterior.scores > 0) & (posterior.scores < 1)).all()
    assert posterior.scores.mean() == pytest.approx(0.5)
    assert (np.argsort(posterior.scores, kind="stable") == np.argsort(posterior.strengths, kind="stable")).all() or (
        np.sort(np.diff(np.sort(posterior.strengths)))[0] < 1e-9
    )
    assert (np.linalg.eigvalsh(posterior.covariance) > 0).all()


@settings(deadline=None)
@given(verdicts(5), st.booleans())
def test_a_start_changes_little(told: Verdicts, sways: bool) -> None:
    data = columns(5, told, sways=sways)
    cold = bradley_terry.fit(data)
    warm = bradley_terry.fit(data, bradley_terry.fit(columns(5, told[: len(told) // 2], sways=sways)))
    assert warm.scores == pytest.approx(cold.scores, abs=0.02)
