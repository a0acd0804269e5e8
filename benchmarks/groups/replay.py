"""Strategies over recorded comparisons, and the cheap explanations beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from adjudge.evaluation.controls import controls_of
from adjudge.ranking import Compared, run_strategy
from adjudge.types import Scale, Strategy, Verdict
from benchmarks.groups.record import Members, Record

CONFIDENCE = 0.95
HALF = "adaptive, half the calls"
METHODS: Mapping[str, Strategy] = {
    "all_pairs": "all_pairs",
    "knockout": "knockout",
    "adaptive": "adaptive",
    HALF: "adaptive",
    "listwise": "listwise",
    "pointwise": "pointwise",
}
CONTROLS = ("longer wins", "random")


class Ranked(NamedTuple):
    """What a method makes of some responses of a group."""

    scores: tuple[float, ...] | None  # in their order; None: unscored
    looks: int = 0  # of the judge
    tokens: float = 0.0  # the mean of a look in this group for each; exact for a list


class Recorded:
    """A field of responses whose comparisons are looked up.

    Args:
        record: What the judge said of their group.
        members: The responses that take part, each saying something else.
    """

    def __init__(self, record: Record, members: Members) -> None:
        self._looks = record.looks
        self._members = members
        self.sways = record.sways
        self.looked = 0

    @property
    def size(self) -> int:
        """How many take part."""
        return len(self._members)

    async def compare(self, shown: Sequence[tuple[int, ...]]) -> list[Compared | None]:
        """What the judge said of these.

        Raises:
            KeyError: It was not asked.
        """
        self.looked += len(shown)
        return [self._said(tuple(self._members[place] for place in places)) for places in shown]

    def _said(self, responses: Members) -> Compared | None:
        other = responses[::-1]  # a judge that is blind to the order was asked for one of the two
        said = self._looks[responses if self.sways or responses in self._looks else other]
        if said is None:
            return None
        places = {index: place for place, index in enumerate(self._members)}
        winner = None if said.winner is None else places[said.winner]
        return Compared(tuple(places[index] for index in said.shown), said.scores, winner)


async def ranked(record: Record, members: Members, method: str) -> Ranked:
    """Rank some responses of a group.

    Args:
        record: Of the group.
        members: Which responses.
        method: Of `METHODS`.
    """
    if method == "listwise" and len(members) > 2:
        scores, cost = record.lists[members]
        return Ranked(_whole(scores or ()), cost.looks, cost.tokens)
    apart = tuple(dict.fromkeys(record.same[index] for index in members))
    field = Recorded(record, apart)
    pairs = len(apart) * (len(apart) - 1) // 2 * (2 if field.sways else 1)
    if not pairs:
        return Ranked((0.0,) * len(members))  # all say the same
    found = await run_strategy(
        METHODS[method],
        field,
        budget=max((pairs + 1) // 2, 2 if field.sways else 1) if method == HALF else None,
        confidence=CONFIDENCE,
        goal="ranking",
        seed=0,
    )
    by_response = dict(zip(apart, found.scores, strict=True))
    spent = record.costs["pointwise" if method == "pointwise" else "all_pairs"]
    tokens = field.looked * spent.tokens / spent.looks
    return Ranked(_whole([by_response[record.same[index]] for index in members]), field.looked, tokens)


def controlled(record: Record, members: Members, control: str) -> Ranked:
    """What somebody achieves who does not read.

    Args:
        record: Of the group.
        members: Which responses.
        control: Of `CONTROLS`.
    """
    verdict = controls_of("listwise")[control](record.group.case, (), Scale(min=1, max=10))
    assert isinstance(verdict, Verdict)
    return Ranked(tuple(verdict.scores[index] for index in members))


def _whole(scores: Sequence[float | None]) -> tuple[float, ...] | None:
    """Scores of all; where one is missing there is no ranking."""
    known = tuple(score for score in scores if score is not None)
    return known if known and len(known) == len(scores) else None
