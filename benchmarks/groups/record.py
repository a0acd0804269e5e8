"""What the judge says of a group: every ordered pair, every response by itself, and lists; each put to it once."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple, Self

from adjudge import Judge
from adjudge.judge.group import alike
from adjudge.ranking import Compared
from adjudge.types import Comparison, RankResult, Strategy, Unscored, Verdict, letter
from benchmarks.groups.people import Group

LISTS = 4  # subsets of one size and group, at most; of pairs, which are recorded anyway, all
Members = tuple[int, ...]  # 0-based responses of a group


class Cost(NamedTuple):
    """What was spent."""

    looks: int  # of the judge at one, two or more responses: what a strategy's budget counts
    calls: int  # of the model
    tokens: int  # in and out

    @classmethod
    def of(cls, result: RankResult) -> Self:
        """What a result cost; searching calls no model here."""
        used = result.usage
        return cls(len(result.comparisons), used.model_calls, used.tokens_in + used.tokens_out)


class Listed(NamedTuple):
    """What the judge made of a list."""

    scores: tuple[float | None, ...] | None  # None: no ranking
    cost: Cost


class Record(NamedTuple):
    """What the judge said of one group."""

    group: Group
    same: Mapping[int, int]  # response -> the first that says the same
    looks: Mapping[Members, Compared | None]  # at one or two responses, as shown; None: no verdict
    lists: Mapping[Members, Listed]  # of three and more; a list of two is a pair
    costs: Mapping[Strategy, Cost]  # of `all_pairs` and `pointwise`
    sways: bool  # whether both orders were asked for


def subsets(group: Group) -> list[Members]:
    """All pairs, and at most four subsets of each larger size, drawn with the group's id."""
    count = len(group.case.responses)
    chosen: list[Members] = list(combinations(range(count), 2))
    for size in range(3, count + 1):
        found = list(combinations(range(count), size))
        chosen += sorted(random.Random(f"subsets/{group.case.id}/{size}").sample(found, min(LISTS, len(found))))
    return chosen


async def record(judge: Judge, group: Group, *, single: bool, sways: bool) -> Record:
    """Put a group to the judge.

    Args:
        judge: With a journal, from which it goes on.
        group: The group.
        single: Whether it can score a response by itself.
        sways: Whether it has to see both orders of a pair.
    """
    strategies: tuple[Strategy, ...] = ("all_pairs", "pointwise") if single else ("all_pairs",)
    results = {strategy: await judge.arank(group.case, strategy=strategy) for strategy in strategies}
    lists = {members: await _listed(judge, group, members) for members in subsets(group) if len(members) > 2}
    same = {place: places[0] for places in alike(group.case) for place in places}
    looks = {look.shown: _heard(look) for result in results.values() for look in result.comparisons}
    return Record(group, same, looks, lists, {name: Cost.of(result) for name, result in results.items()}, sways)


async def _listed(judge: Judge, group: Group, members: Members) -> Listed:
    responses = tuple(group.case.responses[index] for index in members)
    name = "".join(map(letter, members))
    part = group.case.model_copy(update={"id": f"{group.case.id}/{name}", "responses": responses})
    result = await judge.arank(part, strategy="listwise")
    return Listed(None if isinstance(result.outcome, Unscored) else result.outcome.scores, Cost.of(result))


def _heard(look: Comparison) -> Compared | None:
    if not isinstance(look.outcome, Verdict):
        return None
    scores = look.outcome.scores
    tops = [place for place, score in zip(look.shown, scores, strict=True) if score > max(scores) - 1e-9]
    return Compared(look.shown, scores, tops[0] if len(tops) == 1 < len(scores) else None)
