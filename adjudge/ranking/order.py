"""What a posterior of strengths says of the order: chances, the confidence in it, and how far that could still rise."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adjudge.ranking.posterior import Floats, Ints, Posterior
from adjudge.types import Goal

_DRAWS = 1000
_NODES, _MASSES = np.polynomial.hermite_e.hermegauss(9)
_MASSES = _MASSES / _MASSES.sum()


class Gaps(NamedTuple):
    """Differences in strength of all pairs: (n, n) each."""

    mean: Floats
    variance: Floats

    @property
    def distance(self) -> Floats:
        """Absolute difference in deviations."""
        return np.abs(self.mean) / np.sqrt(self.variance)


def gaps(strengths: Floats, covariance: Floats) -> Gaps:
    """Differences of all pairs.

    Args:
        strengths: Their mean: (n,).
        covariance: At least (n, n); what stands behind the strengths is not looked at.
    """
    inner = covariance[: len(strengths), : len(strengths)]
    own = np.diag(inner)
    variance = np.maximum(own[:, None] + own - 2 * inner, 1e-12)
    return Gaps(strengths[:, None] - strengths, variance)


def normal_cdf(x: Floats) -> Floats:
    """Φ, to 1.5e−7 (Abramowitz and Stegun 7.1.26)."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    upper = 0.5 * series * np.exp(-z * z)
    return np.where(x > 0, 1 - upper, upper)


def draws(size: int, seed: int) -> Floats:
    """Standard normal numbers with which chances are estimated, the same all along: (2, draws, n)."""
    return np.random.default_rng(seed).standard_normal((2, _DRAWS, size))


def chances_to_be_best(posterior: Posterior, among: Ints, normal: Floats) -> Floats:
    """P(θ_i is the largest) of each of these, from draws of the posterior: (k,)."""
    strengths, covariance = _of(posterior, among)
    best = (strengths + normal[0][:, : len(among)] @ _root(covariance).T).argmax(1)
    return np.bincount(best, minlength=len(among)) / len(best)


def confidence(posterior: Posterior, among: Ints, goal: Goal, normal: Floats) -> float:
    """How sure the posterior is of what is asked for.

    Args:
        posterior: Of the strengths.
        among: The competitors it is about.
        goal: `ranking`: the expected share of pairs that stand in the right order, (1 + expected Kendall τ) / 2;
            `best`: the chance that the one with the highest mean is the best.
        normal: See `draws`.

    Returns:
        In [0, 1].
    """
    strengths, covariance = _of(posterior, among)
    if goal == "best":
        return float(chances_to_be_best(posterior, among, normal)[strengths.argmax()])
    return float(normal_cdf(gaps(strengths, covariance).distance)[np.triu_indices(len(among), 1)].mean())


def prospect(posterior: Posterior, after: Floats, among: Ints, goal: Goal, normal: Floats) -> float:
    """By how much the confidence is expected to rise once the covariance has shrunk.

    Args:
        posterior: Of the strengths, now.
        after: The covariance when what is left has been asked: (n + 1, n + 1).
        among: The competitors it is about.
        goal: See `confidence`.
        normal: See `draws`.
    """
    strengths, covariance = _of(posterior, among)
    left = after[np.ix_(among, among)]
    if goal == "best":
        moved = strengths + normal[0][:, : len(among)] @ _root(covariance - left).T
        truth = (moved + normal[1][:, : len(among)] @ _root(left).T).argmax(1)
        return float((moved.argmax(1) == truth).mean() - (strengths.argmax() == truth).mean())
    now, then = gaps(strengths, covariance), gaps(strengths, left)
    upper = np.triu_indices(len(among), 1)
    shift = np.sqrt(np.maximum(now.variance - then.variance, 0))[upper]
    moves = now.mean[upper][:, None] + shift[:, None] * _NODES
    right = normal_cdf(np.abs(moves) / np.sqrt(then.variance)[upper][:, None]) @ _MASSES
    return float((right - normal_cdf(now.distance[upper])).mean())


def _of(posterior: Posterior, among: Ints) -> tuple[Floats, Floats]:
    return posterior.mean[among], posterior.covariance[np.ix_(among, among)]


def _root(covariance: Floats) -> Floats:
    """A matrix whose square with its transpose is the covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = vectors * np.sqrt(np.maximum(values, 0))
    return root
