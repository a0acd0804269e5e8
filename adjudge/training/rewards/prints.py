"""PRInTS: how near a score is to the step's worth, and whether it tells a better step from a worse one.

    r_s = 1 - |s - g| / 8                                    # PrintsScore, in [0, 1]
    r_c = mean over the counterpart's rollouts of ±1         # PrintsComparison pays w r_c, in [-1, 1]
    w   = (g⁺ - g⁻) / 8                                      # M = 8 rollouts behind each label
    r   = r_s + w r_c                                        # both at weight 1: the paper's reward

s is the score given, g the label, both on [-4, 4]. The chosen step gets +1 where its score is higher than the
counterpart's, the rejected one where it is lower; **ties are -1 for both** (the released `pair_weighted`; B.6).

The case: one candidate step, `label: {"steps": [g]}`, and `metadata["pair"]`, shared by the chosen and the rejected
step. Which is chosen follows from the labels. Both have to be in one batch, on one process; a case whose counterpart
is not there gets no comparison (None for all its rollouts).

An unreadable score counts as -4, as in the released code, here and for its counterpart; the outcome stays `Unscored`.
That pays on rejected steps (g = -2, w = 0.5: 1.25 of at most 1.5), so `Mixed` pays such a rollout its floor whatever
stands here. Scores off the scale, which the released code lets through, are cut to it (ours).

Hacks: the middle of the scale, always, pays r_s well where labels are small; the comparison, where a tie is -1, is
against it. Both terms alone are worse than their sum in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from adjudge.evaluation.gold import StepGrades, gold_of
from adjudge.training.rewards.base import Single
from adjudge.training.rewards.failures import outage_of
from adjudge.training.rollouts import Rollout
from adjudge.types import Case, Verdict

LOWEST, HIGHEST, SPAN = -4.0, 4.0, 8.0


@dataclass(frozen=True)
class PrintsScore(Single):
    """From 0 to 1; the mean where several steps are graded. None where none is."""

    name = "prints_score"

    def of(self, rollout: Rollout) -> float | None:
        """r_s.

        Raises:
            CaseError: The label is none of steps.
        """
        labels = _labels(rollout.case)
        if not labels:
            return None
        pairs = zip(_given(rollout, len(labels)), labels, strict=True)
        return math.fsum(1 - abs(given - label) / SPAN for given, label in pairs) / len(labels)


@dataclass(frozen=True)
class PrintsComparison:
    """From -1 to 1: w r_c; None where the counterpart is not in the batch.

    Attributes:
        adaptive: Whether the gap between the labels weighs; false is the paper's ablation, w = 1. Steps of one worth
            are never compared: neither is chosen.
    """

    name = "prints_comparison"
    adaptive: bool = True

    @property
    def low(self) -> float:
        """-1."""
        return -1.0

    def __call__(self, rollouts: Sequence[Rollout]) -> list[float | None]:
        """w r_c of each rollout; see `Reward`.

        Raises:
            CaseError: The label is none of steps.
        """
        scored = [_scored(rollout) for rollout in rollouts]
        known = [one for one in scored if one is not None]
        return [None if one is None else self._paid(one, known) for one in scored]

    def _paid(self, own: _Scored, batch: Sequence[_Scored]) -> float | None:
        others = [one for one in batch if one.pair == own.pair and one.case != own.case and one.label != own.label]
        if not others:
            return None
        return math.fsum(_sign(own, one) * (_weight(own, one) if self.adaptive else 1.0) for one in others) / len(
            others
        )


class _Scored(NamedTuple):
    """A rollout as the comparison sees it."""

    pair: object
    case: str
    label: float
    given: float


def _scored(rollout: Rollout) -> _Scored | None:
    if outage_of(rollout):
        return None
    case = rollout.case
    labels, pair = _labels(case), case.metadata.get("pair")
    if len(labels) != 1 or pair is None:
        return None
    return _Scored(pair, case.id, labels[0], _given(rollout, 1)[0])


def _sign(own: _Scored, other: _Scored) -> int:
    ahead = own.given > other.given if own.label > other.label else own.given < other.given
    return 1 if ahead else -1


def _weight(own: _Scored, other: _Scored) -> float:
    return abs(own.label - other.label) / SPAN


def _labels(case: Case) -> tuple[float, ...]:
    if not case.candidates and (case.trajectory is None or case.responses):
        return ()
    gold = gold_of(case, "step")
    return tuple(map(_on_scale, gold.grades)) if isinstance(gold, StepGrades) else ()


def _given(rollout: Rollout, count: int) -> tuple[float, ...]:
    outcome = rollout.outcome
    if isinstance(outcome, Verdict) and len(outcome.scores) == count:
        return tuple(map(_on_scale, outcome.scores))
    return (LOWEST,) * count


def _on_scale(score: float) -> float:
    return min(HIGHEST, max(LOWEST, score))
