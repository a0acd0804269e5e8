"""Ranking a group of competitors with a judge that looks at some of them at a time.

    from adjudge.ranking import run_strategy

    standing = await run_strategy("adaptive", field, budget=40, confidence=0.95, goal="ranking", seed=0)
    standing.ranking         # competitors, best first

A strategy decides who is compared with whom, and what that comes to. It does not know what a case, a graph or a model
is: a `Field` says how many there are, and has them compared.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from adjudge.ranking.adaptive import adaptive
from adjudge.ranking.all_pairs import all_pairs
from adjudge.ranking.field import Compared, Field, Standing, standing
from adjudge.ranking.knockout import knockout
from adjudge.ranking.listwise import listwise
from adjudge.ranking.pointwise import pointwise
from adjudge.ranking.settings import Settings
from adjudge.types import Goal, Strategy

STRATEGIES: dict[Strategy, Callable[[Field, Settings], Awaitable[Standing]]] = {
    "pointwise": pointwise,
    "listwise": listwise,
    "all_pairs": all_pairs,
    "knockout": knockout,
    "adaptive": adaptive,
}


async def run_strategy(
    name: Strategy, field: Field, *, budget: int | None, confidence: float, goal: Goal, seed: int
) -> Standing:
    """Rank the competitors of a field.

    Args:
        name: Which comparisons are made, and what is made of them.
        field: The competitors and their judge.
        budget: Judge calls at most; None: as many as the strategy takes.
        confidence: In [0, 1]: where `adaptive` stops.
        goal: What `adaptive` spends its calls on: the whole ranking, or finding the best.
        seed: Of everything that is drawn.

    Returns:
        Scores, ranking, and why it stopped early if it did.
    """
    return await STRATEGIES[name](field, Settings(budget, confidence, goal, seed))


__all__ = ["STRATEGIES", "Compared", "Field", "Settings", "Standing", "run_strategy", "standing"]
