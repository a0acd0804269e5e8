"""Each competitor alone: n calls, and no score knows of the others."""

from __future__ import annotations

import random

from adjudge.ranking.field import Field, Standing, standing
from adjudge.ranking.pairs import sound
from adjudge.ranking.settings import Settings


async def pointwise(field: Field, settings: Settings) -> Standing:
    """Show each competitor alone; its score is the judge's.

    Args:
        field: The competitors and their judge.
        settings: A budget smaller than the group shows a seeded part of it.

    Returns:
        Scores on the judge's scale; None for who was not shown, or got no score.
    """
    count = settings.allow(field.size)
    shown = sorted(random.Random(settings.seed).sample(range(field.size), count))
    scores: list[float | None] = [None] * field.size
    for verdict in await field.compare([(place,) for place in shown]) if shown else []:
        if verdict is not None and verdict.scores is not None and sound(verdict):
            scores[verdict.shown[0]] = verdict.scores[0]
    return standing(scores, stopped="budget" if count < field.size else "")
