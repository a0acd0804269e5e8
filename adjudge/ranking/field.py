"""What a ranking strategy sees: competitors, and a judge that compares some of them at a time.

A strategy is an async function from a field to a standing. It knows nothing of cases, graphs or models, so it can be
run against a judge that is simulated, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import NamedTuple, Protocol


class Compared(NamedTuple):
    """What a judge said on some competitors."""

    shown: tuple[int, ...]  # competitors, 0-based, in the order in which they were shown
    scores: tuple[float, ...] | None  # on the judge's scale, in that order; None from a judge that gives no scores
    winner: int | None  # the competitor named best; None: a tie, or just one was shown
    ranking: tuple[int, ...] = ()  # competitors, best first, from a judge that ranks a list


class Field(Protocol):
    """The competitors of one group."""

    @property
    def size(self) -> int:
        """How many there are: 0, …, size − 1."""
        ...

    @property
    def sways(self) -> bool:
        """Whether the order of what is shown can sway the judge; where it cannot, one order is enough."""
        ...

    def compare(self, shown: Sequence[tuple[int, ...]]) -> Awaitable[list[Compared | None]]:
        """Have the judge look at each of these, side by side.

        Args:
            shown: For each comparison the competitors in the order in which they are shown.

        Returns:
            In the same order; None where there is no verdict.
        """
        ...


class Standing(NamedTuple):
    """What a strategy comes to."""

    scores: tuple[float | None, ...]  # one for each competitor; None: nothing is known of it
    ranking: tuple[int, ...]  # competitors with a score, best first; equal scores in their own order
    confidence: float | None = None  # in [0, 1], where a strategy can tell; what of: see `adaptive`
    stopped: str = ""  # why a strategy that may stop early did


def standing(scores: Sequence[float | None], *, confidence: float | None = None, stopped: str = "") -> Standing:
    """Competitors by score, best first."""
    known = [(place, score) for place, score in enumerate(scores) if score is not None]
    ranking = tuple(place for place, _ in sorted(known, key=lambda pair: -round(pair[1], 9)))
    return Standing(tuple(scores), ranking, confidence, stopped)
