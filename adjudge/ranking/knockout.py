"""A bracket: who loses is out, so n − 1 pairs find a winner, and little else."""

from __future__ import annotations

import random
from collections.abc import Sequence

from adjudge.ranking.field import Compared, Field, Standing, standing
from adjudge.ranking.pairs import Pair, compare_pairs, points
from adjudge.ranking.settings import Settings


async def knockout(field: Field, settings: Settings) -> Standing:
    """Play rounds until one is left.

    The bracket is drawn with the seed; with an odd number one has a bye. A pair is shown in both orders where order
    can sway the judge; the higher sum of its scores goes on, or of its points (win 1, tie ½) where a verdict has no
    scores. A tie is drawn with the seed. A pair that lacks a verdict decides nothing: both go on, and do not meet
    again. So that a judge that fails cannot keep it going, at most 2(n − 1) pairs are shown, twice what a bracket
    needs.

    Args:
        field: The competitors and their judge.
        settings: A budget ends it before the round's next pair; who is then left shares the first place.

    Returns:
        Each score is the share of the rounds which the competitor survived, in [0, 1]: 1 for the winner, 0 for those
        who went out in the first; a bye is survived. None for a competitor of which no pair was decided.
    """
    bracket = _Bracket(field.size, random.Random(settings.seed))
    each = 2 if field.sways else 1
    most = settings.allow(each * 2 * (field.size - 1)) // each
    while len(bracket.left) > 1:
        pairs = bracket.draw()[: most - len(bracket.met)]
        if not pairs:
            break
        bracket.play(pairs, await compare_pairs(field, pairs))
    out_of_budget = most < 2 * (field.size - 1) and len(bracket.met) == most and len(bracket.left) > 1
    return standing(bracket.scores(), stopped="budget" if out_of_budget else "")


class _Bracket:
    """Who is left, who has met, and how many rounds each survived."""

    def __init__(self, size: int, chance: random.Random) -> None:
        self.left = list(range(size))
        self.met: set[Pair] = set()
        self._survived = [0] * size
        self._decided: set[int] = set()
        self._rounds = 0
        self._chance = chance
        chance.shuffle(self.left)

    def draw(self) -> list[Pair]:
        """Neighbours in the bracket that have not met; who finds nobody has a bye."""
        waiting, pairs = list(self.left), []
        while waiting:
            one = waiting.pop(0)
            other = next((each for each in waiting if _key(one, each) not in self.met), None)
            if other is not None:
                waiting.remove(other)
                pairs.append((one, other))
        return pairs

    def play(self, pairs: Sequence[Pair], found: Sequence[list[Compared] | None]) -> None:
        """Take out who lost; the last of the bracket goes first into the next round, so that byes go round."""
        for pair, verdicts in zip(pairs, found, strict=True):
            self.met.add(_key(*pair))
            if verdicts is not None:
                self.left.remove(self._loser(pair, verdicts))
                self._decided.update(pair)
        self._rounds += 1
        for one in self.left:
            self._survived[one] = self._rounds
        self.left = self.left[-1:] + self.left[:-1]

    def scores(self) -> list[float | None]:
        """The share of the rounds that each survived."""
        places = range(len(self._survived))
        return [self._survived[one] / self._rounds if one in self._decided else None for one in places]

    def _loser(self, pair: Pair, verdicts: Sequence[Compared]) -> int:
        graded = all(verdict.scores is not None for verdict in verdicts)
        one, other = (sum(points(verdict, place, graded=graded) for verdict in verdicts) for place in pair)
        if one == other:
            return self._chance.choice(pair)
        return pair[0] if one < other else pair[1]


def _key(one: int, other: int) -> Pair:
    return (min(one, other), max(one, other))
