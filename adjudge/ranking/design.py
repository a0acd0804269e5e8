"""Which comparison to ask for next: the one that would tell most about the order that is still in doubt.

Let P_kl be the chance that k is better than l, and d_kl = |m_k − m_l| / √v_kl the distance of the two in deviations
of their difference. The doubt about the order is D = Σ_{k<l} w_kl P_kl (1 − P_kl), a Gini impurity. A comparison c with
row x_c and noise r_c shrinks the covariance V to V − V x_c x_c' V / (x_c' V x_c + r_c), and moves each P_kl by a random
amount of variance φ(d_kl)² · (x_kl' V x_c)² / (v_kl (x_c' V x_c + r_c)) to first order; by as much P_kl (1 − P_kl) is
expected to drop, since P_kl is a martingale. So the gain of c is

    gain(c) = x_c' V L V x_c / (x_c' V x_c + r_c),    L = Σ_{k<l} w_kl φ(d_kl)² / v_kl · x_kl x_kl'

for all candidates at once in O(n³). The next comparison is the one of the largest gain. It is the expected reduction
of uncertainty of Bayesian experimental design (Lindley 1956; for pairs Glickman and Jensen 2005, Chen et al. 2013, and
with mutual information Houlsby et al. 2011), asked of the order instead of the strengths: how far apart the best and
the worst are need not be known exactly. The form with L is ours. For the goal `ranking` all w_kl are 1; for `best`
w_kl = π_k π_l, the chances that k and l are the best.

What is asked side by side is chosen one after the other, with V as it will be; m and L stay as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adjudge.ranking.order import gaps
from adjudge.ranking.pairs import Pair
from adjudge.ranking.posterior import Floats, Posterior, Rows, inverse

Flags = npt.NDArray[np.bool_]


class Asked(NamedTuple):
    """What has been asked, and by which rules more may be."""

    orders: Flags  # (n, n): whether i has been shown before j
    sways: bool  # whether both orders of a pair may be asked
    active: Flags  # (n,): who still takes part
    dice: Floats  # (n, n): decides between what is equal otherwise

    @property
    def left(self) -> Flags:
        """Orders that may be asked; where neither of a pair has been, both stand here: (n, n)."""
        taken = self.orders if self.sways else self.orders | self.orders.T
        left = ~taken & self.active[:, None] & self.active
        np.fill_diagonal(left, False)
        return left

    @property
    def candidates(self) -> Flags:
        """Of a pair that is new only the order that lets both be shown first equally often: (n, n)."""
        met = self.orders | self.orders.T
        ahead = (self.orders.sum(1) - self.orders.sum(0)).astype(float)
        turn = ahead[:, None] - ahead + 0.5 * np.sign(self.dice - self.dice.T)
        candidates: Flags = self.left & (met | (turn < 0))
        return candidates


def next_comparisons(posterior: Posterior, asked: Asked, weights: Floats, count: int) -> list[Pair]:
    """The comparisons to ask for side by side.

    Args:
        posterior: Of the strengths.
        asked: What has been asked.
        weights: How much the order of each pair matters: (n, n).
        count: How many at most.

    Returns:
        Each as it is to be shown, the most telling first.
    """
    orders, covariance = asked.orders.copy(), posterior.covariance
    doubt = covariance @ _laplacian(posterior, weights) @ covariance
    chosen: list[Pair] = []
    for _ in range(count):
        candidates = asked._replace(orders=orders).candidates
        if not candidates.any():
            break
        noise = np.where(orders.T, posterior.repeat, 1.0) * posterior.noise
        gain = _gain(posterior, covariance, doubt, noise, asked.sways) * (1 + 1e-9 * asked.dice)
        pair = divmod(int(np.where(candidates, gain, -np.inf).argmax()), len(orders))
        for row, error in _looks(posterior, pair, float(noise[pair]), asked.sways):
            covariance, doubt = _shrunk(covariance, doubt, row, error)
        orders[pair] = True
        chosen.append(pair)
    return chosen


def after_all(posterior: Posterior, asked: Asked) -> Floats:
    """The covariance when all that may be asked has been: (n + 1, n + 1)."""
    left = asked.left if asked.sways else np.triu(asked.left)
    first, second = np.nonzero(left)
    again = 1 / posterior.repeat
    worth = np.where(left & left.T, (1 + again) / 2, np.where(asked.orders.T, again, 1.0)) / posterior.noise
    differences = Rows(len(left), first, second, -1.0, float(asked.sways)).gram(worth[first, second])
    sums = Rows(len(left), first, second, 1.0, 0.0).gram(np.full(len(first), posterior.sums))
    return inverse(inverse(posterior.covariance) + differences + sums)


def _gain(posterior: Posterior, covariance: Floats, doubt: Floats, noise: Floats, sways: bool) -> Floats:
    """Expected drop of the doubt about the order, for each pair as shown: (n, n)."""
    gain = _quadratic(doubt, -1.0, sways) / (_quadratic(covariance, -1.0, sways) + noise)
    if posterior.sums:
        gain += _quadratic(doubt, 1.0, False) / (_quadratic(covariance, 1.0, False) + 1 / posterior.sums)
    return gain


def _laplacian(posterior: Posterior, weights: Floats) -> Floats:
    """L: each pair weighs the squared density of its standardised gap at 0, over its variance: (n + 1, n + 1)."""
    between = gaps(posterior.strengths, posterior.covariance)
    worth = weights * np.exp(-(between.distance**2)) / (2 * np.pi * between.variance)
    np.fill_diagonal(worth, 0.0)
    out = np.zeros_like(posterior.covariance)
    out[:-1, :-1] = np.diag(worth.sum(1)) - worth
    return out


def _quadratic(matrix: Floats, other: float, sways: bool) -> Floats:
    """x' M x with x = e_i + other · e_j, and the advantage of i where it is first: (n, n)."""
    inner, own = matrix[:-1, :-1], np.diag(matrix)[:-1]
    out = own[:, None] + own + 2 * other * inner
    if sways:
        border = matrix[:-1, -1]
        out = out + 2 * (border[:, None] + other * border) + matrix[-1, -1]
    return out


def _looks(posterior: Posterior, pair: Pair, noise: float, sways: bool) -> list[tuple[Floats, float]]:
    """What a comparison measures: the difference of two strengths and, from scores, their sum; each with its noise."""
    row = np.zeros(len(posterior.mean))
    row[[*pair, -1]] = 1.0, -1.0, float(sways)
    looks = [(row, noise)]
    if posterior.sums:
        row = np.zeros(len(posterior.mean))
        row[list(pair)] = 1.0
        looks.append((row, 1 / posterior.sums))
    return looks


def _shrunk(covariance: Floats, doubt: Floats, row: Floats, noise: float) -> tuple[Floats, Floats]:
    """V and V L V after a measurement, whatever it says; L stays."""
    along, turned = covariance @ row, doubt @ row
    scale = float(row @ along) + noise
    half = np.outer(along, turned - along * float(row @ turned) / (2 * scale)) / scale
    return covariance - np.outer(along, along) / scale, doubt - half - half.T
