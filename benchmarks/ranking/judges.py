"""Simulated judges: what they say of qualities that are known, and how they err.

Qualities are drawn from N(0, 1). An error is drawn once for each order of a pair, so that a second look at the same
order would say the same. A judge of winners prefers the first with the probability of Bradley and Terry's model. A
judge of scores gives whole numbers from 1 to 10 about 5.5 + 1.5 · quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

import numpy as np

from adjudge.ranking import Compared
from adjudge.ranking.posterior import Floats

POINTS = 1.5  # that a judge of scores gives for one unit of quality


class Temper(NamedTuple):
    """How a judge errs: logits for a judge of winners, points for one of scores."""

    name: str
    sharpness: float = 0.0  # of a judge of winners: logits for one unit of quality; 0: a judge of scores
    noise: float = 0.0  # deviation of each score
    place: float = 0.0  # what the first place is worth
    pair: float = 0.0  # deviation of an error that both orders of a pair share
    own: float = 0.0  # deviation of an error about a competitor that all of its comparisons share
    mercy: float = 0.0  # deviation of a leniency that both scores of a call share
    contrast: float = 0.0  # in [0, 1]: how much of the other's quality is taken off; 1: scores tell differences only

    @property
    def scores(self) -> bool:
        """Whether it gives scores."""
        return not self.sharpness


TEMPERS = (
    Temper("winners, sharpness 1", sharpness=1),
    Temper("winners, sharpness 2", sharpness=2),
    Temper("winners, sharpness 4", sharpness=4),
    Temper("winners, sharpness 16", sharpness=16),
    Temper("winners, sharpness 4, first place 1, pair 1", sharpness=4, place=1, pair=1),
    Temper("scores, noise 0.3", noise=0.3),
    Temper("scores, noise 1", noise=1),
    Temper("scores, noise 2, first place 1", noise=2, place=1),
    Temper("scores, noise 0.7, first place 0.5, pair 1", noise=0.7, place=0.5, pair=1),
    Temper("scores, noise 0.7, own error 1", noise=0.7, own=1),
    Temper("scores, noise 1, mercy 1", noise=1, mercy=1),
    Temper("scores, noise 1, contrast 1", noise=1, contrast=1),
)


class Group:
    """One group of competitors and its judge: a field whose truth is known.

    Args:
        temper: How the judge errs.
        size: Number of competitors.
        chance: Where qualities and errors come from.
    """

    sways = True

    def __init__(self, temper: Temper, size: int, chance: np.random.Generator) -> None:
        self.size = size
        self.quality: Floats = chance.standard_normal(size)
        self.said: list[Compared] = []
        self.temper = temper
        self.shows_scores = temper.scores
        self.own: Floats = temper.own * chance.standard_normal(size)
        self._alone = _rounded(POINTS * self.quality + self.own + temper.noise * chance.standard_normal((2, size)))
        self._tables = self._winners(chance) if temper.sharpness else self._scores(chance)

    def again(self, *, shows_scores: bool | None = None) -> Group:
        """The same judge and the same errors, with nothing asked; or with its scores hidden behind winners."""
        other = copy(self)
        other.said = []
        other.shows_scores = self.shows_scores if shows_scores is None else shows_scores
        return other

    async def compare(self, shown: Sequence[tuple[int, ...]]) -> list[Compared | None]:
        """See `adjudge.ranking.Field`."""
        return [*map(self.look, shown)]

    def look(self, shown: tuple[int, ...]) -> Compared:
        """What the judge says; of one alone or of a whole list it errs as of a pair."""
        if len(shown) == 2:
            scores = tuple(float(table[shown]) for table in self._tables)
        else:
            scores = tuple(float(self._alone[int(shown != tuple(sorted(shown))), one]) for one in shown)
        best = [one for one, score in zip(shown, scores, strict=True) if score == max(scores)]
        verdict = Compared(shown, scores if self.shows_scores else None, best[0] if len(best) == 1 else None)
        self.said.append(verdict)
        return verdict

    def _winners(self, chance: np.random.Generator) -> tuple[Floats, Floats]:
        shared = np.triu(self.temper.pair * chance.standard_normal((self.size, self.size)), 1)
        logit = self.temper.sharpness * (self.quality[:, None] - self.quality) + self.temper.place + shared - shared.T
        first = (chance.random((self.size, self.size)) < 1 / (1 + np.exp(-logit))).astype(float)
        return first, 1 - first

    def _scores(self, chance: np.random.Generator) -> tuple[Floats, Floats]:
        temper, square = self.temper, (self.size, self.size)
        quality = POINTS * self.quality
        worth = quality[:, None] - temper.contrast * quality + self.own[:, None]
        worth = worth + temper.pair * chance.standard_normal(square)
        call = temper.mercy * chance.standard_normal(square)
        errors = temper.noise * chance.standard_normal((2, *square))
        return _rounded(worth + temper.place + call + errors[0]), _rounded(worth.T + call + errors[1])


def _rounded(points: Floats) -> Floats:
    return np.clip(np.round(5.5 + points), 1, 10)
