"""The best that any strategy can do with a judge of winners and four competitors, by dynamic programming.

What has been asked and answered is one of 3¹² states: each of the twelve comparisons is not asked, won by the first or
won by the second. Truths are drawn once from the prior (qualities, and the judge's errors about pairs); each state
keeps how probable its answers are in the mean over them, and how much more often k is better than l. A strategy sees
answers only, but knows everything about the judge except the truth, and may stop when it wants. No other can do better:
the value of a state is what stopping there is worth, or the best next comparison's mean value over its two answers
(Bellman 1957), less its price. Since the maximum is over the same draws, it errs in favour of the strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

from adjudge.ranking.bradley_terry import sigmoid
from adjudge.ranking.posterior import Floats
from benchmarks.ranking.judges import Temper

SIZE = 4
CALLS = [*permutations(range(SIZE), 2)]
GAPS = [*combinations(range(SIZE), 2)]
PRICES = tuple(0.03 * 0.75**step for step in range(12))  # of a comparison, in τ
_ORDERS = [*permutations(range(SIZE))]
_SIGNS = np.array([[1.0 if order.index(a) < order.index(b) else -1.0 for a, b in GAPS] for order in _ORDERS])
_PLACES = [3**place for place in range(len(CALLS))]  # of the digits of a state: 0 not asked, 1 the first won, 2 not
_STATES = np.arange(3 ** len(CALLS))
_ASKED = np.sum([_STATES // place % 3 > 0 for place in _PLACES], axis=0)


class Known(NamedTuple):
    """What the answers of every state say."""

    chance: Floats  # of these answers to these comparisons: (states,)
    order: Floats  # how much more often k is better than l, times the chance: (states, 6)
    worth: Floats  # expected τ of the best order, times the chance: (states,)


def known(temper: Temper, draws: int, seed: int) -> Known:
    """All states of a judge.

    Args:
        temper: Of a judge of winners.
        draws: Truths drawn from the prior.
        seed: Of the draw.
    """
    chance = np.random.default_rng(seed)
    quality = chance.standard_normal((draws, SIZE))
    shared = np.triu(temper.pair * chance.standard_normal((draws, SIZE, SIZE)), 1)
    logit = temper.sharpness * (quality[:, :, None] - quality[:, None, :]) + temper.place
    logit = logit + shared - np.swapaxes(shared, 1, 2)
    wins = sigmoid(np.stack([logit[:, first, second] for first, second in CALLS]))
    low, high = (_likelihoods(part) for part in (wins[: len(CALLS) // 2], wins[len(CALLS) // 2 :]))
    ahead = [np.ones(draws), *(np.sign(quality[:, better] - quality[:, worse]) for better, worse in GAPS)]
    means = np.stack([((high * side) @ low.T / draws).reshape(-1) for side in ahead], -1)
    return Known(means[:, 0], means[:, 1:], (means[:, 1:] @ _SIGNS.T).max(-1) / len(GAPS))


def _likelihoods(wins: Floats) -> Floats:
    """Of each set of answers to some comparisons, given each truth: (3 ** calls, draws)."""
    product = np.ones((1, wins.shape[1]))
    for won in wins:
        answers = np.stack([np.ones_like(won), won, 1 - won])
        product = (answers[:, None] * product).reshape(-1, wins.shape[1])
    return product


def value(states: Known, *, price: float = 0.0, calls: int | None = None) -> float:
    """The most that any strategy can expect.

    Args:
        states: See `known`.
        price: Of a comparison, in τ.
        calls: How many are made; None: it stops where it wants.

    Returns:
        Expected τ, less what the comparisons cost.
    """
    worth = states.worth.copy() if calls is None else np.where(calls == _ASKED, states.worth, -np.inf)
    for asked in reversed(range(len(CALLS))):
        here = _STATES[asked == _ASKED]
        for place in _PLACES:
            free = here[here // place % 3 == 0]
            goes_on = worth[free + place] + worth[free + 2 * place] - price * states.chance[free]
            worth[free] = np.maximum(worth[free], goes_on)
    return float(worth[0])


def all_pairs(states: Known) -> float:
    """Expected τ of the strategy `all_pairs`, for the same truths."""
    full = _STATES[len(CALLS) == _ASKED]
    points = np.zeros((SIZE, len(full)))
    for (first, second), place in zip(CALLS, _PLACES, strict=True):
        points[first] += full // place % 3 == 1
        points[second] += full // place % 3 == 2
    ahead = np.stack([np.sign(points[better] - points[worse]) for better, worse in GAPS], -1)
    return float((ahead * states.order[full]).sum() / len(GAPS))


def fewest(every: Sequence[Known]) -> float:
    """Comparisons that every strategy needs in the mean to expect the τ of `all_pairs`, over these judges.

    With V(p) the value at price p, a strategy of so many calls has τ − p · calls ≤ V(p): at least (τ − V(p)) / p.
    """
    goal = np.mean([all_pairs(states) for states in every])
    return max(float(goal - np.mean([value(states, price=price) for states in every])) / price for price in PRICES)
