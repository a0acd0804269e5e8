"""Ranking strategies over a field of competitors. (Provisional until all strategies are here.)"""

from __future__ import annotations

from itertools import permutations

from adjudge.ranking.field import Compared, Field, Standing, standing

__all__ = ["Compared", "Field", "Standing", "run_strategy", "standing"]


async def run_strategy(
    name: str, field: Field, *, budget: int | None, confidence: float, goal: str, seed: int
) -> Standing:
    """Provisional: pointwise, listwise, and all pairs for the rest."""
    shown: list[tuple[int, ...]] = [(a, b) for a, b in permutations(range(field.size), 2) if field.sways or a < b]
    if name == "pointwise":
        shown = [(place,) for place in range(field.size)]
    if name == "listwise":
        shown = [tuple(range(field.size))]
    found: list[list[float]] = [[] for _ in range(field.size)]
    for compared in await field.compare(shown):
        if compared is not None and compared.scores is not None:
            for place, score in zip(compared.shown, compared.scores, strict=True):
                found[place].append(score)
    return standing([sum(scores) / len(scores) if scores else None for scores in found])
