"""Ways to choose comparisons that no judge's user has: told how the judge errs, told the truth, or told both.

Each returns verdicts in the order in which they were asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np

from adjudge.ranking import Compared, design
from adjudge.ranking.order import normal_cdf
from adjudge.ranking.pairs import Pair
from adjudge.ranking.posterior import Floats, Posterior, inverse
from benchmarks.ranking.bounds import told
from benchmarks.ranking.bounds.gaps import Looks
from benchmarks.ranking.judges import Group

Choice = Callable[[Group, int, int], list[Compared]]  # of so many comparisons of a group, with a seed

ADVANTAGE = 1.0  # prior variance of what the first place is worth, where it is not told


def with_errors(group: Group, calls: int, seed: int) -> list[Compared]:
    """The rule of `adaptive`, one comparison at a time, told how the judge errs."""

    def beliefs(field: Group) -> Posterior:
        return told.posterior(field, field.said)

    return _by_rule(group, calls, seed, beliefs)


def with_truth(group: Group, calls: int, seed: int) -> list[Compared]:
    """The rule of `adaptive` with the true strengths in place of what the answers say of them; it sees no answer."""
    known, strengths = told.errors(group.temper), told.strengths(group)
    noise = true_noise(group)
    prior = np.append(np.full(group.size, 1 / known.spread), 1 / ADVANTAGE)

    def beliefs(field: Group) -> Posterior:
        asked = [(one.shown[0], one.shown[1]) for one in field.said]
        information = np.diag(prior) + Looks(group.size, asked).information(noise, known.repeat, known.sums)
        mean = np.append(strengths, field.temper.place)
        return Posterior(mean, inverse(information), noise, known.repeat, known.sums, strengths)

    return _by_rule(group, calls, seed, beliefs)


def with_truth_and_answers(group: Group, calls: int, seed: int) -> list[Compared]:
    """What is expected to turn the posterior most towards the truth, given the answers so far and told everything.

    It leaves a pair alone as soon as its answers happen to be right, and asks again where they happen to be wrong: it
    writes the truth into the choice.
    """
    field, left = group.again(), [*permutations(range(group.size), 2)]
    dice = np.random.default_rng(seed)
    truth, right = np.append(told.strengths(group), group.temper.place), group.quality
    while len(field.said) < calls:
        asked = {one.shown for one in field.said}
        left = [pair for pair in left if pair not in asked]
        beliefs = told.posterior(field, field.said)
        again = np.array([beliefs.repeat if pair[::-1] in asked else 1.0 for pair in left])
        looks = Looks(group.size, left)
        moved = looks.moved(beliefs, again * beliefs.noise[looks.first, looks.second], truth)
        sides = np.sign(right[moved.first] - right[moved.second])[:, None]
        belief = normal_cdf(sides * moved.mean / np.sqrt(moved.variance)).mean(0)
        field.look(left[int((belief + 1e-9 * dice.random(len(left))).argmax())])
    return field.said


def true_noise(group: Group) -> Floats:
    """What each outcome adds to a difference in strength, at the true strengths: (n, n)."""
    known, size = told.errors(group.temper), group.size
    if group.temper.scores:
        return np.full((size, size), known.noise)
    logit = told.strengths(group)[:, None] - told.strengths(group) + group.temper.place
    outcomes: Floats = np.minimum(2 + 2 * np.cosh(logit), 1e3)  # 1 / (p(1 − p))
    return known.noise + outcomes


def _by_rule(group: Group, calls: int, seed: int, beliefs: Callable[[Group], Posterior]) -> list[Compared]:
    field, size = group.again(), group.size
    dice = np.random.default_rng(seed).random((size, size))
    asked = design.Asked(np.zeros((size, size), dtype=bool), field.sways, np.ones(size, dtype=bool), dice)
    for _ in range(calls):
        [pair] = design.next_comparisons(beliefs(field), asked, np.ones((size, size)), 1)
        asked.orders[pair] = True
        field.look(pair)
    return field.said


def ask(group: Group, pairs: list[Pair]) -> list[Compared]:
    """What the judge says of these."""
    field = group.again()
    return [*map(field.look, pairs)]
