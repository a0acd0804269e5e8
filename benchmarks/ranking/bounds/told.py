"""What verdicts say to one who knows how the judge errs: the model from which they were drawn, with its own numbers.

`adaptive` learns the variances of a judge's errors, what the first place is worth to it and how its sums count. Here
they are given, so what is left between this posterior and the truth is what the verdicts do not say. It leaves out that
scores are rounded to whole points (a variance of 1/12 is added instead) and end at 1 and 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adjudge.ranking import Compared, bradley_terry
from adjudge.ranking.posterior import Floats, Posterior, inverse
from benchmarks.ranking.judges import POINTS, Group, Temper

_EVEN = 4.0  # squared logits: what a verdict on two of equal strength leaves open, 1 / (½ · ½)
_SURE = 1e-9  # variance of what is known


class Errors(NamedTuple):
    """How a judge errs, in the terms of `Posterior`: squared logits or squared points."""

    spread: float  # variance of the strengths
    noise: float  # of the difference of two scores; of winners what an error about the pair adds
    repeat: float  # see `Posterior.repeat`
    sums: float  # see `Posterior.sums`


def errors(temper: Temper) -> Errors:
    """Of a judge of winners or of scores."""
    if not temper.scores:
        shared = temper.pair**2 / (temper.pair**2 + _EVEN)
        return Errors(temper.sharpness**2, temper.pair**2, (1 + shared) / (1 - shared), 0.0)
    single = temper.noise**2 + 1 / 12
    noise = 2 * temper.pair**2 + 2 * single
    shared = 2 * temper.pair**2 / noise
    told = (1 - temper.contrast) / (1 + temper.contrast)
    spread = (POINTS * (1 + temper.contrast)) ** 2 + temper.own**2
    return Errors(spread, noise, (1 + shared) / (1 - shared), told**2 / (noise + 4 * temper.mercy**2))


def strengths(group: Group) -> Floats:
    """What the judge would say in the mean, its lasting error about each included: (n,)."""
    temper = group.temper
    return (temper.sharpness or POINTS * (1 + temper.contrast)) * group.quality + group.own


def posterior(group: Group, verdicts: Sequence[Compared]) -> Posterior:
    """Of the strengths, given the verdicts and all that is true of the judge but the strengths."""
    size, temper, known = group.size, group.temper, errors(group.temper)
    mean, covariance = np.zeros(size), known.spread * np.eye(size)
    if verdicts:
        read = _of_scores if temper.scores else _of_winners
        mean, covariance = read(temper, size, verdicts)
    bordered = np.pad(covariance, (0, 1))
    bordered[-1, -1] = _SURE
    place = np.append(mean, temper.place)
    noise = known.noise + (0.0 if temper.scores else bradley_terry.outcome_noise(place, bordered, True))
    return Posterior(place, bordered, noise + np.zeros((size, size)), known.repeat, known.sums, mean)


def _of_winners(temper: Temper, size: int, verdicts: Sequence[Compared]) -> tuple[Floats, Floats]:
    """Laplace's approximation; an error about the pair flattens the curve (MacKay 1992)."""
    shown = np.array([verdict.shown for verdict in verdicts])
    wins = np.array([float(verdict.winner == verdict.shown[0]) for verdict in verdicts])
    flat = 1 / np.sqrt(1 + np.pi / 8 * temper.pair**2)
    rows, each = np.zeros((len(shown), size)), np.arange(len(shown))
    rows[each, shown[:, 0]], rows[each, shown[:, 1]] = flat, -flat
    mean, prior = np.zeros(size), np.eye(size) / temper.sharpness**2
    for _ in range(100):
        chance = bradley_terry.sigmoid(rows @ mean + flat * temper.place)
        covariance = inverse((rows * (chance * (1 - chance))[:, None]).T @ rows + prior)
        step = covariance @ (rows.T @ (wins - chance) - prior @ mean)
        mean = mean + step * min(1.0, 3 / max(float(np.abs(step).max()), 3.0))
        if np.abs(step).max() < 1e-6:
            break
    return mean, covariance


def _of_scores(temper: Temper, size: int, verdicts: Sequence[Compared]) -> tuple[Floats, Floats]:
    """Exact for scores that are not rounded: every single score is a sum of Gaussians."""
    shown = np.array([verdict.shown for verdict in verdicts])
    first, second = np.array([verdict.scores for verdict in verdicts], dtype=float).T
    scores = np.concatenate([first - temper.place, second]) - 5.5
    of, against = np.concatenate([shown, shown[:, ::-1]]).T
    call, every = np.tile(np.arange(len(shown)), 2), np.arange(len(scores))
    quality, own = np.zeros((2, len(scores), size))
    quality[every, of], quality[every, against], own[every, of] = POINTS, -POINTS * temper.contrast, 1.0
    along = POINTS * (1 + temper.contrast) * quality + temper.own**2 * own  # with each strength
    pair = (of[:, None] == of) & (against[:, None] == against)
    between = quality @ quality.T + temper.own**2 * own @ own.T + temper.pair**2 * pair
    between += temper.mercy**2 * (call[:, None] == call) + (temper.noise**2 + 1 / 12) * np.eye(len(scores))
    pulled = np.linalg.solve(between, along).T
    covariance: Floats = errors(temper).spread * np.eye(size) - pulled @ along
    return pulled @ scores, covariance
