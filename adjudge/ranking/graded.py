"""Strengths from scores: a comparison that also says by how much.

A judge that scores both of a pair says more than who wins. With y the difference of its two scores and z their sum,
for i shown before j (ours; Gaussian paired comparisons go back to Thurstone 1927, case V, and to Scheffé 1952):

    y = θ_i − θ_j + β + ε,          ε ~ N(0, a)
    z = 2μ + κ (θ_i + θ_j) + η,     η ~ N(0, b)
    θ_i ~ N(0, s²),  β ~ N(0, v),  κ in [0, 1]

κ is learnt because judges differ: one scores each of a pair as if alone (κ = 1), another only says how they differ, so
that the sum tells nothing (κ = 0). A judge that is lenient in one call and strict in the next has a large b: its
differences count, its sums do not. Everything is on the scale of the scores seen (divided by their deviation), and the
posterior of θ and β is exact for given s², v, a, b, κ, μ; those come from expectation-maximisation with weak priors.

The two orders of a pair err alike (a judge that misreads a response does so twice), so that both together count as
2 / (1 + ρ) comparisons, ρ = ½.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adjudge.ranking.posterior import Floats, Posterior, Seen, inverse

ALIKE = 0.5  # ρ, correlation of the errors in the two orders of a pair
TRUST = 4.0  # how many competitors or comparisons a prior variance is worth
_SPREAD, _ERROR, _SUMS, _ADVANTAGE, _TOLD = 0.6, 0.8, 1.6, 0.2, 0.7  # before anything is known; variance of scores = 1
_ROUNDS, _SETTLED = 60, 0.01


class Scales(NamedTuple):
    """What has to be known of a judge before its scores can be weighed; all on the scale of scores with variance 1."""

    spread: float = _SPREAD  # s²
    error: float = _ERROR  # a
    sums: float = _SUMS  # b
    advantage: float = _ADVANTAGE  # v
    told: float = _TOLD  # κ
    level: float = 0.0  # μ


class _Totals(NamedTuple):
    """All that the fit needs of the verdicts, in deviations of their scores."""

    verdicts: int  # T
    weight: float  # Σ w
    squares: float  # Σ w y²
    pulled: Floats  # X'(w y): (n + 1,)
    curvature: Floats  # X' w X: (n + 1, n + 1)
    squares_of_sums: float  # Σ z²
    pulled_by_sums: Floats  # U'z: (n + 1,)
    shown: Floats  # U'1, how often each was shown: (n + 1,)
    curvature_of_sums: Floats  # U'U: (n + 1, n + 1)


class Fitted(NamedTuple):
    """A posterior with the scales under which it holds, from which the next fit may begin."""

    posterior: Posterior
    scales: Scales


def fit(seen: Seen, start: Scales | None = None) -> Fitted:
    """The posterior given scores.

    Args:
        seen: Verdicts on pairs, all with scores.
        start: Scales from which to begin.

    Returns:
        Strengths in deviations of the scores seen, all 0 where there is but one score; scores on the judge's own scale.
    """
    middle, unit = float(seen.scores.mean()), float(seen.scores.std())
    even = unit <= 1e-9 * max(1.0, abs(middle))
    totals = _totals(seen, (seen.scores - middle) / (1.0 if even else unit))
    scales = start or Scales()
    mean, covariance = _posterior(totals, scales)
    for _ in range(0 if even else _ROUNDS):
        before, scales = scales, _update(totals, scales, mean, covariance)
        mean, covariance = _posterior(totals, scales)
        if max(abs(now - then) / (abs(then) + 0.1) for now, then in zip(scales, before, strict=True)) < _SETTLED:
            break
    scores = np.full(seen.size, middle) if even else middle + unit * _scores(mean[:-1], scales)
    noise = np.full((seen.size, seen.size), scales.error)
    repeat = (1 + ALIKE) / (1 - ALIKE)
    return Fitted(Posterior(mean, covariance, noise, repeat, scales.told**2 / scales.sums, scores), scales)


def _totals(seen: Seen, scores: Floats) -> _Totals:
    weights, ones = np.where(seen.twice, 1 / (1 + ALIKE), 1.0), np.ones(len(scores))
    rows, sums = seen.differences, seen.sums
    difference, total = scores[:, 0] - scores[:, 1], scores.sum(1)
    return _Totals(
        verdicts=len(scores),
        weight=float(weights.sum()),
        squares=float(weights @ difference**2),
        pulled=rows.pull(weights * difference),
        curvature=rows.gram(weights),
        squares_of_sums=float(total @ total),
        pulled_by_sums=sums.pull(total),
        shown=sums.pull(ones),
        curvature_of_sums=sums.gram(ones),
    )


def _posterior(totals: _Totals, scales: Scales) -> tuple[Floats, Floats]:
    sums = scales.told / scales.sums
    precision = totals.curvature / scales.error + totals.curvature_of_sums * (scales.told * sums)
    diagonal = np.einsum("ii->i", precision)
    diagonal[:-1] += 1 / scales.spread
    diagonal[-1] += 1 / scales.advantage
    pulled = totals.pulled / scales.error + (totals.pulled_by_sums - 2 * scales.level * totals.shown) * sums
    covariance = inverse(precision)
    return covariance @ pulled, covariance


def _update(totals: _Totals, scales: Scales, mean: Floats, covariance: Floats) -> Scales:
    """One round of expectation-maximisation: each scale as it is best explained, and TRUST parts of its prior."""
    count, size = totals.verdicts, len(mean) - 1
    squares = mean**2 + covariance.diagonal()
    weight = 4 * scales.sums  # the prior of κ: a deviation of ½
    with_totals, often = float(mean @ totals.pulled_by_sums), float(mean @ totals.shown)
    expected = float(((np.outer(mean, mean) + covariance) * totals.curvature_of_sums).sum())  # of Σ (θ_i + θ_j)²
    told = (with_totals - 2 * scales.level * often + weight * _TOLD) / (expected + weight)
    told = min(max(told, 0.0), 1.0)
    level = -told * often / (2 * count)  # the totals themselves have the mean 0
    rest = totals.squares_of_sums - 2 * told * with_totals + 4 * level * told * often
    rest += 4 * level**2 * count + told**2 * expected
    error = totals.squares - 2 * float(mean @ totals.pulled)
    error += float(((np.outer(mean, mean) + covariance) * totals.curvature).sum())
    return Scales(
        spread=float((squares[:-1].sum() + TRUST * _SPREAD) / (size + TRUST)),
        error=(max(error, 0.0) + TRUST * _ERROR) / (totals.weight + TRUST),
        sums=(max(rest, 0.0) + TRUST * _SUMS) / (count + TRUST),
        advantage=float((squares[-1] + 2 * _ADVANTAGE) / 3),
        told=told,
        level=level,
    )


def _scores(strengths: Floats, scales: Scales) -> Floats:
    """Expected mean score over comparisons with all others, in both orders: (z + y) / 2."""
    others = (strengths.sum() - strengths) / max(len(strengths) - 1, 1)
    scores: Floats = scales.level + ((1 + scales.told) * strengths - (1 - scales.told) * others) / 2
    return scores
