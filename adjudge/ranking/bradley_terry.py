"""Strengths from winners: Bradley and Terry's model (1952) with an advantage of the first place.

P(i, shown first, beats j) = σ(θ_i − θ_j + β)  (Davidson and Beaver 1977; the home advantage of Agresti, Categorical
Data Analysis, 3rd ed., §11.6), θ_i ~ N(0, s²), β ~ N(0, 1). Because β is estimated, a single order of a pair can be
used without position deciding it. A tie counts as half a win and half a loss. The posterior is Laplace's: a Gaussian at
the mode, with the inverse of the curvature there. s² comes from the data, pulled towards 2² (see `fit`), since judges
differ in how sharply they tell good from better.
"""

from __future__ import annotations

import math

import numpy as np

from adjudge.ranking.posterior import Floats, Posterior, Seen, inverse

SPREAD = 4.0  # s² before anything is known; in squared logits
TRUST = 4.0  # how many competitors that is worth
ADVANTAGE = 1.0  # variance of β
_ROUNDS, _STEPS, _LEAP, _CLOSE = 30, 50, 3.0, 1e-5


def fit(seen: Seen, start: Posterior | None = None) -> Posterior:
    """The posterior, with s² by expectation-maximisation (MacKay 1992): s² ← (4·2² + Σ_i (m_i² + V_ii)) / (4 + n).

    Args:
        seen: Verdicts on pairs.
        start: An earlier posterior of the same competitors, from which the search begins.
    """
    mean = np.zeros(seen.size + 1) if start is None else start.mean
    spread = SPREAD if start is None else _spread(start.mean, start.covariance)
    for _ in range(_ROUNDS):
        slope, curvature = _derivatives(seen, spread, mean)
        covariance = inverse(curvature)
        step = _bounded(covariance @ slope)
        mean = mean + step
        before, spread = spread, _spread(mean, covariance)
        if abs(spread - before) < 0.01 * before and np.abs(step).max() < 0.01:
            break
    mean = mode(seen, spread, mean)
    covariance = inverse(_derivatives(seen, spread, mean)[1])
    return Posterior(mean, covariance, outcome_noise(mean, covariance, seen.sways), 1.0, 0.0, _scores(mean[:-1]))


def mode(seen: Seen, spread: float, start: Floats) -> Floats:
    """Where the posterior is highest: Newton's method with bounded steps on a concave function.

    Args:
        seen: Verdicts on pairs.
        spread: Prior variance of the strengths.
        start: Where to begin: (n + 1,).

    Returns:
        Strengths, and the advantage of the first place (0 if `seen.sways` is False): (n + 1,).
    """
    mean = start
    for _ in range(_STEPS):
        slope, curvature = _derivatives(seen, spread, mean)
        step = _bounded(inverse(curvature) @ slope)
        mean = mean + step
        if np.abs(step).max() < _CLOSE:
            break
    return mean


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(−x)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _bounded(step: Floats) -> Floats:
    """No longer than _LEAP in any direction, where the quadratic approximation may be far off."""
    return step * min(1.0, _LEAP / max(float(np.abs(step).max()), _LEAP))


def _derivatives(seen: Seen, spread: float, mean: Floats) -> tuple[Floats, Floats]:
    """Slope of the log of the posterior, (n + 1,), and its negative curvature, (n + 1, n + 1)."""
    rows = seen.differences
    chance = sigmoid(rows.apply(mean))
    prior = np.append(np.full(seen.size, 1 / spread), 1 / ADVANTAGE)
    curvature = rows.gram(chance * (1 - chance))
    curvature[np.arange(len(mean)), np.arange(len(mean))] += prior
    return rows.pull(seen.wins - chance) - prior * mean, curvature


def _spread(mean: Floats, covariance: Floats) -> float:
    squares = mean[:-1] ** 2 + np.diag(covariance)[:-1]
    return float((TRUST * SPREAD + squares.sum()) / (TRUST + len(squares)))


def outcome_noise(mean: Floats, covariance: Floats, sways: bool) -> Floats:
    """1 / (p(1 − p)), where p is the expected chance of a win (MacKay's approximation, 1992, of the integral)."""
    strengths, own = mean[:-1], np.diag(covariance)[:-1]
    variance = own[:, None] + own - 2 * covariance[:-1, :-1] + (covariance[-1, -1] if sways else 0.0)
    logit = strengths[:, None] - strengths + (mean[-1] if sways else 0.0)
    chance = sigmoid(logit / np.sqrt(1 + np.maximum(variance, 0) * math.pi / 8))
    return 1 / np.maximum(chance * (1 - chance), 1e-3)


def _scores(strengths: Floats) -> Floats:
    """The chance of a win, averaged over the others and both orders without an advantage of place."""
    chance = sigmoid(strengths[:, None] - strengths)
    np.fill_diagonal(chance, 0.0)
    mean: Floats = chance.sum(1) / max(len(strengths) - 1, 1)
    return mean
