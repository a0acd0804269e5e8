"""The best half of all comparisons that can be chosen beforehand by one who knows the truth.

What it makes small is the expected share of pairs in the wrong order, Σ_{k<l} Φ(−|θ_k − θ_l| / √v_kl), for estimates
without bias. Only estimates without bias keep the choice from giving the truth away: where strengths are pulled to the
middle, an order could be had by letting the best meet only the worst, the second best only the second worst, and so on.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from adjudge.ranking.order import normal_cdf
from adjudge.ranking.pairs import Pair
from adjudge.ranking.posterior import Posterior, inverse
from benchmarks.ranking.bounds import told
from benchmarks.ranking.bounds.choices import ADVANTAGE, true_noise
from benchmarks.ranking.bounds.gaps import Looks
from benchmarks.ranking.judges import Group

_FLAT = 0.01  # of a prior, which only keeps the covariance finite
_SWEEPS = 3


def searched(group: Group, start: list[Pair], seed: int) -> list[Pair]:
    """Exchange one comparison after the other for the best of those left, until none is better or three times round.

    Args:
        group: Competitors whose strengths are looked at, and whose answers are not.
        start: Where to begin.
        seed: Of the turn in which comparisons are exchanged.
    """
    pairs, dice = list(start), np.random.default_rng(seed)
    for _ in range(_SWEEPS):
        before = set(pairs)
        for place in dice.permutation(len(pairs)):
            rest = pairs[:place] + pairs[place + 1 :]
            pairs = [*rest, _best(group, rest)]
        if set(pairs) == before:
            break
    return pairs


def _best(group: Group, rest: list[Pair]) -> Pair:
    known, noise = told.errors(group.temper), true_noise(group)
    truth = np.append(told.strengths(group), group.temper.place)
    prior = np.append(np.full(group.size, _FLAT / known.spread), 1 / ADVANTAGE)
    information = np.diag(prior) + Looks(group.size, rest).information(noise, known.repeat, known.sums)
    beliefs = Posterior(truth, inverse(information), noise, known.repeat, known.sums, truth[:-1])
    asked = set(rest)
    left = [pair for pair in permutations(range(group.size), 2) if pair not in asked]
    looks = Looks(group.size, left)
    again = np.array([known.repeat if pair[::-1] in asked else 1.0 for pair in left])
    moved = looks.moved(beliefs, again * noise[looks.first, looks.second], truth)
    return left[int(normal_cdf(np.abs(moved.mean) / np.sqrt(moved.variance)).mean(0).argmax())]
