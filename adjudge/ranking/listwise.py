"""All competitors in one prompt: one call, or two where the order can sway the judge."""

from __future__ import annotations

from collections.abc import Sequence

from adjudge.ranking.field import Compared, Field, Standing, standing
from adjudge.ranking.pairs import sound
from adjudge.ranking.settings import Settings


async def listwise(field: Field, settings: Settings) -> Standing:
    """Show all at once, in their own order and, where order can sway the judge, in the reverse too.

    Scores are averaged over the orders. From a judge that only ranks, a competitor gets Borda points instead: the
    share of the others that stand below it (Borda 1781, divided by n − 1). Where one of the orders has no verdict there
    are no scores at all, since position would decide.

    Args:
        field: The competitors and their judge.
        settings: A budget too small for the orders makes no call.

    Returns:
        Scores on the judge's scale, or Borda points in [0, 1]. Fewer than two competitors are not compared.
    """
    own = tuple(range(field.size))
    shown = [own, own[::-1]] if field.sways else [own]
    nothing: list[None] = [None] * field.size
    if field.size < 2:
        return standing(nothing)
    if settings.allow(len(shown)) < len(shown):
        return standing(nothing, stopped="budget")
    verdicts = [verdict for verdict in await field.compare(shown) if verdict is not None and sound(verdict)]
    if len(verdicts) < len(shown):
        return standing(nothing)
    each = _scores(verdicts) or _borda(verdicts, field.size)
    return standing([sum(one[place] for one in each) / len(each) for place in own] if each else nothing)


def _scores(verdicts: Sequence[Compared]) -> list[dict[int, float]] | None:
    tables = [dict(zip(one.shown, one.scores, strict=True)) for one in verdicts if one.scores is not None]
    return tables if len(tables) == len(verdicts) else None


def _borda(verdicts: Sequence[Compared], size: int) -> list[dict[int, float]] | None:
    """Points from rankings; a winner of two is a ranking, too."""
    tables = []
    for one in verdicts:
        if sorted(one.ranking) == list(range(size)):
            tables.append({place: 1 - rank / (size - 1) for rank, place in enumerate(one.ranking)})
        elif size == 2 and not one.ranking:
            tables.append({place: 0.5 if one.winner is None else float(one.winner == place) for place in range(2)})
        else:
            return None
    return tables
