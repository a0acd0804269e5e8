"""Pairs of competitors: in which turn they meet, in which orders they are shown, and what a pair comes to."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from adjudge.ranking.field import Compared, Field

Pair = tuple[int, int]


def round_robin(size: int, seed: int) -> Iterator[list[Pair]]:
    """All pairs in rounds in which nobody stands twice, so that any beginning of them is balanced.

    The circle method: one competitor stays, the others go round. Who sits where is drawn with the seed.

    Args:
        size: Number of competitors.
        seed: Of the draw.

    Yields:
        The pairs of a round: size // 2 of them.
    """
    seats: list[int | None] = [*range(size)]
    random.Random(seed).shuffle(seats)
    if size % 2:
        seats.append(None)
    for _ in range(len(seats) - 1):
        sides = zip(seats[: len(seats) // 2], reversed(seats[len(seats) // 2 :]), strict=True)
        yield [(left, right) for left, right in sides if left is not None and right is not None]
        seats = [seats[0], seats[-1], *seats[1:-1]]


def orders(pair: Pair, sways: bool) -> list[Pair]:
    """The orders in which a pair has to be shown: one is enough for a judge that no order can sway."""
    return [pair, (pair[1], pair[0])] if sways else [pair]


async def compare_pairs(field: Field, pairs: Sequence[Pair]) -> list[list[Compared] | None]:
    """Have whole pairs judged, all of them side by side.

    Args:
        field: The competitors and their judge.
        pairs: Each is shown in all the orders that it needs.

    Returns:
        For each pair its verdicts, one an order; None where one of them is missing: what is left would be one order
        alone, and position could decide.
    """
    each = 2 if field.sways else 1
    told = await field.compare([order for pair in pairs for order in orders(pair, field.sways)])
    found: list[list[Compared] | None] = []
    for start in range(0, len(told), each):
        verdicts = [one for one in told[start : start + each] if one is not None and sound(one)]
        found.append(verdicts if len(verdicts) == each else None)
    return found


def sound(verdict: Compared) -> bool:
    """Whether its scores, if it has any, are numbers that can be reckoned with."""
    return verdict.scores is None or all(map(math.isfinite, verdict.scores))


def points(verdict: Compared, competitor: int, *, graded: bool) -> float:
    """What a verdict on a pair gives a competitor: its score, or 1 for a win, ½ for a tie and 0 for a loss."""
    if graded and verdict.scores is not None:
        return verdict.scores[verdict.shown.index(competitor)]
    return 0.5 if verdict.winner is None else float(verdict.winner == competitor)
