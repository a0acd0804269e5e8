"""Competitors with judges of every temper, for tests of strategies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from adjudge.ranking import Compared, Standing, run_strategy
from adjudge.types import Strategy

Shown = tuple[int, ...]
Judge = Callable[[Shown], Compared | None]


class Group:
    """A field that keeps what was asked."""

    def __init__(self, size: int, judge: Judge, *, sways: bool = True) -> None:
        self.size = size
        self.sways = sways
        self.asked: list[Shown] = []
        self.batches: list[int] = []
        self._judge = judge

    async def compare(self, shown: Sequence[Shown]) -> list[Compared | None]:
        self.asked += shown
        self.batches.append(len(shown))
        return [self._judge(one) for one in shown]


def scoring(score: Callable[[int, Shown], float]) -> Callable[[Shown], Compared]:
    """A judge that scores each of those shown."""

    def judge(shown: Shown) -> Compared:
        scores = tuple(score(one, shown) for one in shown)
        best = [one for one, value in zip(shown, scores, strict=True) if value == max(scores)]
        return Compared(shown, scores, best[0] if len(best) == 1 < len(shown) else None)

    return judge


def picking(winner: Callable[[Shown], int | None]) -> Judge:
    """A judge that names a winner and gives no scores."""
    return lambda shown: Compared(shown, None, winner(shown))


def told(table: dict[Shown, tuple[float, ...] | None]) -> Judge:
    """A judge that gives the scores that are written down, and no verdict on what is not."""

    def judge(shown: Shown) -> Compared | None:
        scores = table.get(shown)
        return None if scores is None else scoring(lambda one, _: scores[shown.index(one)])(shown)

    return judge


HONEST = scoring(lambda one, shown: float(one))
SAME = scoring(lambda one, shown: 7.0)
FIRST = scoring(lambda one, shown: 9.0 if one == shown[0] else 1.0)
FIRST_WINS = picking(lambda shown: shown[0])
TIES = picking(lambda shown: None)
CIRCLE = picking(lambda shown: shown[0] if (shown[0] - shown[-1]) % 3 == 1 else shown[-1])


def silent(shown: Shown) -> None:
    """A judge that never has a verdict."""


def ranked(name: Strategy, field: Group, **more: Any) -> Standing:
    """Run a strategy to its end."""
    settings = {"budget": None, "confidence": 0.95, "goal": "ranking", "seed": 0}
    return asyncio.run(run_strategy(name, field, **(settings | more)))
