"""Asks next what would tell most, and stops when that is little: most of what all pairs tell, for fewer calls.

After each batch the verdicts so far make a posterior of the strengths (`bradley_terry` from winners, `graded` where
all verdicts have scores), with a term for what the first place is worth, so that a single order can be used without
position deciding. The next batch holds the comparisons of the largest expected gain (`design`, where the rule is
stated). No order of a pair is asked twice, since a judge at temperature 0 would only repeat itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adjudge.ranking import bradley_terry, design, graded, order
from adjudge.ranking.field import Compared, Field, Standing, standing
from adjudge.ranking.pairs import Pair, sound
from adjudge.ranking.posterior import Floats, Ints, Posterior, seen
from adjudge.ranking.settings import Settings

WORTH = 0.01  # of confidence: what all that is left has to promise, or it is not asked
FAILURES = 5  # comparisons without a verdict, and none with one, after which a competitor is left out


async def adaptive(field: Field, settings: Settings, *, batch: int | None = None) -> Standing:
    """Rank with the comparisons that tell most.

    It stops when, every competitor having been shown twice,
    - the confidence is reached (`order.confidence`: for the goal `ranking` the expected share of pairs in the right
      order, for `best` the chance that the first of the ranking is the best);
    - all that is left to ask would be expected to raise it by less than 0.01;
    - twice as many verdicts as there are competitors all said the same of the first and the second place;
    or when the budget is used, or everything has been asked.

    Args:
        field: The competitors and their judge.
        settings: Budget, confidence, goal and seed.
        batch: Comparisons asked side by side; None: half as many as there are competitors. Fewer save calls, more save
            time.

    Returns:
        Scores as `all_pairs` would be expected to give them: on the judge's scale, or the chance to win against another
        in [0, 1], pulled a little towards the group's middle. None for a competitor without any verdict; the confidence
        reached, about the others.
    """
    table = _Table(field, settings)
    together = batch or max(1, field.size // 2)
    while not (stopped := table.over()):
        shown = table.next(together)
        table.hear(shown, await field.compare(shown))
    return table.standing(stopped)


class _Table:
    """What has been asked and heard, and what it comes to."""

    def __init__(self, field: Field, settings: Settings) -> None:
        self._field = field
        self._settings = settings
        size = field.size
        dice = np.random.default_rng(settings.seed).random((size, size))
        self._asked = design.Asked(np.zeros((size, size), dtype=bool), field.sways, np.ones(size, dtype=bool), dice)
        self._normal = order.draws(size, settings.seed)
        self._verdicts: list[Compared] = []
        self._scales: graded.Scales | None = None
        self._posterior: Posterior | None = None

    @property
    def posterior(self) -> Posterior:
        """Of the strengths, given all verdicts so far; before the first one the prior."""
        if self._posterior is None:
            self._posterior = self._fit(None)
        return self._posterior

    def over(self) -> str:
        """Why nothing more is asked; empty to go on."""
        if not self._asked.left.any():
            return "everything asked" if self._verdicts else "no verdict"
        if not self._allowed():
            return "budget"
        among = np.flatnonzero(self._asked.active)
        shown = self._asked.orders.sum(0) + self._asked.orders.sum(1)
        if shown[among].min() < 2:
            return ""
        if self._all_alike():
            return "no difference"
        goal = self._settings.goal
        if order.confidence(self.posterior, among, goal, self._normal) >= self._settings.confidence:
            return "confidence"
        after = design.after_all(self.posterior, self._asked)
        promised = order.prospect(self.posterior, after, among, goal, self._normal)
        return "little left to learn" if promised < WORTH else ""

    def next(self, together: int) -> list[Pair]:
        """The comparisons of the next batch."""
        return design.next_comparisons(self.posterior, self._asked, self._weights(), min(together, self._allowed()))

    def hear(self, shown: Sequence[Pair], verdicts: Sequence[Compared | None]) -> None:
        """Keep what was said, and leave out of whom nothing is ever said."""
        for pair, verdict in zip(shown, verdicts, strict=True):
            self._asked.orders[pair] = True
            if verdict is not None and sound(verdict):
                self._verdicts.append(verdict)
        asked = self._asked.orders.sum(0) + self._asked.orders.sum(1)
        mute = asked >= FAILURES
        mute[self._known()] = False
        self._asked = self._asked._replace(active=~mute)
        self._posterior = self._fit(self._posterior)

    def standing(self, stopped: str) -> Standing:
        """Scores of those of whom there is any verdict."""
        known = self._known()
        scores: list[float | None] = [None] * self._field.size
        alike = stopped == "no difference"
        for place in known:
            scores[place] = float(self.posterior.scores.mean() if alike else self.posterior.scores[place])
        if len(known) < 2:
            return standing(scores, stopped=stopped)
        sure = order.confidence(self.posterior, known, self._settings.goal, self._normal)
        return standing(scores, confidence=sure, stopped=stopped)

    def _all_alike(self) -> bool:
        return len(self._verdicts) >= 2 * self._field.size and len(set(map(_told, self._verdicts))) == 1

    def _allowed(self) -> int:
        return self._settings.allow(self._field.size**2) - int(self._asked.orders.sum())

    def _known(self) -> Ints:
        return np.unique([place for verdict in self._verdicts for place in verdict.shown]).astype(int)

    def _weights(self) -> Floats:
        """How much the order of each pair matters for the goal: (n, n)."""
        worth = self._asked.active.astype(float)
        if self._settings.goal == "best":
            among = np.flatnonzero(self._asked.active)
            worth[among] = order.chances_to_be_best(self.posterior, among, self._normal) + 1 / len(self._normal[0])
        return np.outer(worth, worth)

    def _fit(self, before: Posterior | None) -> Posterior:
        columns = seen(self._field.size, self._field.sways, self._verdicts)
        if not columns.graded:
            self._scales = None
            return bradley_terry.fit(columns, before)
        fitted = graded.fit(columns, self._scales)
        self._scales = fitted.scales
        return fitted.posterior


def _told(verdict: Compared) -> float | bool | None:
    """What a verdict says of the two places, whoever stood there."""
    if verdict.scores is not None:
        return verdict.scores[0] - verdict.scores[1]
    return None if verdict.winner is None else verdict.winner == verdict.shown[0]
