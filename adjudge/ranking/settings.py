"""What a caller may ask of a ranking strategy."""

from __future__ import annotations

from typing import NamedTuple

from adjudge.types import Goal


class Settings(NamedTuple):
    """One form for all strategies; each reads what it needs."""

    budget: int | None = None  # judge calls at most; None: as many as the strategy takes
    confidence: float = 0.95  # in [0, 1]: where `adaptive` may stop
    goal: Goal = "ranking"  # what `adaptive` spends its calls on
    seed: int = 0  # of brackets, draws, subsets, and the choice between comparisons that tell the same

    def allow(self, calls: int) -> int:
        """How many of these calls fit into the budget."""
        return calls if self.budget is None else max(0, min(calls, self.budget))
