"""What a selection came to: counts by reason, agreement with labels, and how far length tells who was chosen."""

from __future__ import annotations

from collections import Counter
from typing import Any

from adjudge.selection.candidates import Candidates
from adjudge.selection.rule import Dropped, Preference


class Lengths:
    """Characters of the chosen and the rejected responses."""

    def __init__(self) -> None:
        self.pairs = 0
        self._chosen = 0
        self._rejected = 0
        self._longer = 0
        self._shorter = 0

    def add(self, chosen: int, rejected: int) -> None:
        """Count one pair by the lengths of its two responses, in characters."""
        self.pairs += 1
        self._chosen += chosen
        self._rejected += rejected
        self._longer += chosen > rejected
        self._shorter += chosen < rejected

    @property
    def longer(self) -> float | None:
        """The share of pairs whose longer response was chosen, of those that differ in length; None without any."""
        differ = self._longer + self._shorter
        return self._longer / differ if differ else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        means = (total / self.pairs if self.pairs else None for total in (self._chosen, self._rejected))
        chosen, rejected = means
        return {
            "pairs": self.pairs,
            "mean_characters_chosen": chosen,
            "mean_characters_rejected": rejected,
            "longer_chosen": self.longer,
        }


class Summary:
    """Counts of a selection, as it goes on.

    Args:
        free: Whether the judge's method cannot see the order of responses.
    """

    def __init__(self, *, free: bool) -> None:
        self.free = free
        self.rows = 0
        self.selected = 0
        self.dropped: Counter[str] = Counter()
        self.agree = 0
        self.contradict = 0
        self.given = Lengths()  # by the labels of all pairs that were judged
        self.kept = Lengths()  # by the judge, of those that are kept

    def add(self, item: Preference | Dropped, row: Candidates | None = None) -> None:
        """Count one row.

        Args:
            item: What became of it.
            row: What was judged; None where nothing was.
        """
        self.rows += 1
        if row is not None:
            self._count_given(row)
        if isinstance(item, Dropped):
            self.dropped[item.reason] += 1
            self.contradict += item.reason == "contradicts_label"
            return
        self.selected += 1
        self.agree += item.agrees is True
        self.contradict += item.agrees is False
        lengths = [len(response.render()) for response in item.candidates.case.responses]
        self.kept.add(lengths[item.chosen], lengths[item.rejected])

    def _count_given(self, row: Candidates) -> None:
        lengths = [len(response.render()) for response in row.case.responses]
        for pair, winner in row.given.items():
            if winner is not None:
                self.given.add(lengths[winner], lengths[pair[0] if winner == pair[1] else pair[1]])

    @property
    def orders(self) -> str:
        """What "both orders agree" means for this judge."""
        if self.free:
            return "one judgement of each pair: this method cannot see the order, so both orders agree trivially"
        return "both orders of each pair were judged, and agree on all that are kept"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "rows": self.rows,
            "selected": self.selected,
            "dropped": dict(sorted(self.dropped.items(), key=lambda item: (-item[1], item[0]))),
            "orders": self.orders,
            "labels": {"agree": self.agree, "contradict": self.contradict},
            "lengths": {"given": self.given.to_dict(), "selected": self.kept.to_dict()},
        }
