"""How a judge ranks where nobody said how."""

from __future__ import annotations

from adjudge.judge import Judge
from adjudge.types import Mode, Strategy

_OWN: dict[Mode, Strategy] = {"pointwise": "pointwise", "listwise": "listwise"}


def own_strategy(judge: Judge) -> Strategy:
    """The strategy for which a judge's graph was written; `adaptive` where it compares pairs."""
    return _OWN.get(judge.spec.mode, "adaptive")
