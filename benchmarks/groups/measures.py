"""How far a ranking goes along with people's, and how often its first is among their best.

An unscored group counts as knowing nothing (correlation 0) and as a wrong choice, and the share of scored ones stands
beside it. A ranking that ties everywhere has correlation 0 too, and chooses at random. Intervals are 95 % from a
bootstrap over groups: subsets of one group stand and fall together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from adjudge.evaluation.metrics import (
    best_of_n_chance,
    best_of_n_credit,
    bootstrap_mean,
    correlation,
    widened,
)
from benchmarks.groups.record import Members, Record, subsets
from benchmarks.groups.replay import CONTROLS, METHODS, Ranked, controlled, ranked


class Point(NamedTuple):
    """One method on one subset of a group."""

    group: str
    kendall: float  # in [-1, 1]
    spearman: float
    best: float  # in [0, 1]: what its choice earns
    chance: float  # what a blind choice earns
    looks: int
    tokens: float
    order: tuple[int, ...] | None  # rank of each response, 0 is best, equal scores share one; None: unscored


class Points(NamedTuple):
    """One method on all subsets of one size."""

    points: Sequence[Point]
    tied: int  # subsets left out, because people tie everywhere


async def measured(records: Sequence[Record], size: int) -> dict[str, Points]:
    """All methods on the subsets of one size, by name; `pointwise` only where single scores were asked for."""
    methods = [name for name in METHODS if name != "pointwise" or "pointwise" in records[0].costs]
    found: dict[str, list[Point]] = {name: [] for name in (*methods, *CONTROLS)}
    tied = 0
    for record in records:
        for members in (members for members in subsets(record.group) if len(members) == size):
            if record.group.tied(members):
                tied += 1
                continue
            for name in found:
                said = controlled(record, members, name) if name in CONTROLS else await ranked(record, members, name)
                found[name].append(_point(record, members, said))
    return {name: Points(points, tied) for name, points in found.items() if points}


def _point(record: Record, members: Members, said: Ranked) -> Point:
    wanted, name = record.group.wanted(members), record.group.case.id
    right = [place for place, score in enumerate(wanted) if score == max(wanted)]
    chance = best_of_n_chance(len(members), len(right))
    if said.scores is None:
        return Point(name, 0.0, 0.0, 0.0, chance, said.looks, said.tokens, None)
    kendall, spearman = (correlation(said.scores, wanted, kind) for kind in ("kendall", "spearman"))
    best = best_of_n_credit(said.scores, right)
    return Point(name, _known(kendall), _known(spearman), best, chance, said.looks, said.tokens, _order(said.scores))


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _order(scores: Sequence[float]) -> tuple[int, ...]:
    rounded = [round(score, 9) for score in scores]
    return tuple(sum(other > score for other in rounded) for score in rounded)


def summary(found: Points, longer: Points, pairs: Points) -> dict[str, Any]:
    """The numbers of one method: means with intervals, and what it is ahead of chance and of `longer wins`.

    Args:
        found: Of the method.
        longer: Of `longer wins`, on the same subsets.
        pairs: Of `all_pairs`: how often the method comes to the same order, and to the same best ones, is counted.
    """
    points = found.points
    names = [point.group for point in points]

    def mean(values: Sequence[float], least: float = -1.0, most: float = 1.0) -> list[float | None]:
        return _interval(names, values, least, most)

    return {
        "subsets": len(points),
        "groups": len(set(names)),
        "tied": found.tied,
        "scored": _mean([point.order is not None for point in points]),
        "kendall": mean([point.kendall for point in points]),
        "spearman": mean([point.spearman for point in points]),
        "best": mean([point.best for point in points], 0),
        "chance": _mean([point.chance for point in points]),
        "best less chance": mean([point.best - point.chance for point in points]),
        "kendall less longer": mean(
            [one.kendall - other.kendall for one, other in zip(points, longer.points, strict=True)], -2, 2
        ),
        "same order": _mean([one.order == other.order for one, other in zip(points, pairs.points, strict=True)]),
        "same best": _mean([_best(one) == _best(other) for one, other in zip(points, pairs.points, strict=True)]),
        "looks": _mean([point.looks for point in points]),
        "tokens": _mean([point.tokens for point in points]),
    }


def _best(point: Point) -> list[int]:
    return [place for place, rank in enumerate(point.order or ()) if rank == 0]


def _mean(found: Sequence[float]) -> float:
    return round(sum(found) / len(found), 4)


def _interval(
    groups: Sequence[str], values: Sequence[float], least: float = 0.0, most: float = 1.0
) -> list[float | None]:
    """Mean, low and high end, which is None where there is no interval; all between `least` and `most`."""
    found = widened(bootstrap_mean(values, groups), most - least)
    ends = (found.estimate, found.low, found.high)
    return [None if end is None else round(min(max(end, least), most), 4) for end in ends]


def order(records: Sequence[Record]) -> dict[str, Any]:
    """How much the order of a pair decides: the share of pairs with the same winner both times, and of first places.

    Empty for a judge that was asked for one order only.
    """
    consistent: list[tuple[str, float]] = []
    first: list[tuple[str, float]] = []
    for record in records:
        name = record.group.case.id
        for shown, said in record.looks.items():
            other = record.looks.get(shown[::-1])
            if said is None or other is None or len(shown) != 2:
                continue
            first.append((name, 0.5 if said.winner is None else float(said.winner == shown[0])))
            if shown[0] < shown[1]:
                consistent.append((name, float(said.winner is not None and said.winner == other.winner)))
    if not consistent:
        return {}
    shares = {"consistent": consistent, "first wins": first}
    return {"pairs": len(consistent)} | {
        name: _interval([group for group, _ in found], [value for _, value in found]) for name, found in shares.items()
    }


def unscored(records: Sequence[Record]) -> dict[str, int]:
    """How many looks there were, and how many of them came to no verdict: at pairs, single responses and lists."""
    looks = [said for record in records for said in record.looks.values()]
    lists = [listed.scores for record in records for listed in record.lists.values()]
    return {"looks": len(looks) + len(lists), "unscored": [*looks, *lists].count(None)}
