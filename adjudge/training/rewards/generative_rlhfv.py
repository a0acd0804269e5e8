"""Paired scores: 1 where the preferred response has the strictly higher score, else 0.

Generative RLHF-V, stage 1 (the code in its appendix; the equation is lost in the stored text, and a note on a talk
says ±1). Ties, unreadable replies and another count of scores are 0. Nothing else is supervised: principles and
analysis are the judge's own.

Applies to pairs whose label is one of two responses. People's ties say nothing of which is better: None.

Hacks: scores at the ends of the scale pay as much as scores one apart, so they lose their meaning; a pairwise reward
cannot see it. Watch the spread of scores where they are averaged over a group (`grouped`).
"""

from __future__ import annotations

from dataclasses import dataclass

from adjudge.training.rewards.base import Single
from adjudge.training.rollouts import Rollout
from adjudge.types import Verdict


@dataclass(frozen=True)
class PairedScores(Single):
    """0 or 1; None without a preferred response of two."""

    name = "paired_scores"

    def of(self, rollout: Rollout) -> float | None:
        """1 where the preferred response has the strictly higher score."""
        case = rollout.case
        if len(case.responses) != 2 or case.label not in ("A", "B"):
            return None
        if not isinstance(rollout.outcome, Verdict) or len(rollout.outcome.scores) != 2:
            return 0.0
        first, second = rollout.outcome.scores
        return float(first > second if case.label == "A" else second > first)
