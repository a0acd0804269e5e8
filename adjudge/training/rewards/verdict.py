"""Verdict: 1 where the judge says what people said, else 0 (OpenRM: R_out = 1[y = label], `openrm.md` §A.3).

It alone decides which groups are all wrong. What counts as right, by the form of the label (ours but for the pair):

| label | 1 where |
|---|---|
| a pair | the winner is the label; a tie is right only where people called it one |
| the best of a list | the winner is one of them |
| pairs of a list | the scores (or else the ranking) order every pair that people decided as they did |
| a number | the score is within `tolerance` of it |
| the first wrong step | the very step, or none where there is none |
| a grade for each step | the first wrong step is the first below 0; of candidates, the winner is a best graded one |

No verdict, by the policy's own doing, is 0. Without a label, or with one that no verdict could meet, it is None.

Hacks: always saying A is worth as much as guessing, so both orders of a case belong into a batch (`synth` writes
them).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

from adjudge.evaluation.gold import Compared, FirstError, Gold, Graded, Preferred, gold_of
from adjudge.training.rewards.base import Single
from adjudge.training.rollouts import Rollout
from adjudge.types import TIE, Case, Mode, Verdict, letter

_ROUNDING = 1e-9


@dataclass(frozen=True)
class VerdictReward(Single):
    """0 or 1.

    Attributes:
        tolerance: How far a score may be from people's, on the judge's scale; ours.
    """

    name = "verdict"
    tolerance: float = 0.5

    def of(self, rollout: Rollout) -> float | None:
        """1 where the verdict is right.

        Raises:
            CaseError: The label is none that a case of this kind can have.
        """
        found = right(rollout, self.tolerance)
        return None if found is None else float(found)


@dataclass(frozen=True)
class Gated(Single):
    """Base of terms that are paid only beside a right verdict: R_out * R, not R (`openrm.md` §A.3, ours).

    Ungated, a bonus is worth having for its own sake. `gated: false` is there for the ablation.
    """

    gated: bool = True
    tolerance: float = 0.5

    def of(self, rollout: Rollout) -> float | None:
        """Its worth where the verdict is right, else 0; None without a label."""
        worth = self.worth(rollout)
        if worth is None or not self.gated:
            return worth
        found = right(rollout, self.tolerance)
        return None if found is None else worth * found

    @abstractmethod
    def worth(self, rollout: Rollout) -> float | None:
        """What it is paid beside a right verdict, at least 0; None where the term does not apply to the case."""


def right(rollout: Rollout, tolerance: float = 0.5) -> bool | None:
    """Whether the verdict is what people said; None where they said nothing that it could meet.

    Raises:
        CaseError: The label is none that a case of this kind can have.
    """
    case = rollout.case
    if case.label is None or (mode := mode_of(case)) == "answer":
        return None
    gold = gold_of(case, mode)
    if not _can_be_met(gold, case):
        return None
    return isinstance(rollout.outcome, Verdict) and _met(gold, rollout.outcome, case, tolerance)


def mode_of(case: Case) -> Mode:
    """What kind of judgement a case asks for, by what it holds."""
    if case.candidates or (case.trajectory is not None and not case.responses):
        return "step"
    if len(case.responses) == 2 and isinstance(case.label, str):
        return "pairwise"
    return ("answer", "pointwise")[len(case.responses)] if len(case.responses) < 2 else "listwise"


def _can_be_met(gold: Gold | None, case: Case) -> bool:
    if isinstance(gold, Compared):
        return any(winner != TIE for winner in gold.pairs.values())
    if isinstance(gold, FirstError):
        return not case.candidates  # each of them is a next step: none comes first
    return gold is not None and len(case.candidates) != 1


def _met(gold: Gold | None, verdict: Verdict, case: Case, tolerance: float) -> bool:
    if isinstance(gold, Preferred):
        return verdict.winner in gold.best
    if isinstance(gold, Compared):
        return _ordered(gold, verdict)
    if isinstance(gold, Graded):
        return len(verdict.scores) == 1 and abs(verdict.scores[0] - gold.score) <= tolerance + _ROUNDING
    if isinstance(gold, FirstError):
        return verdict.first_wrong_step == gold.step
    grades = gold.grades if gold is not None else ()
    if case.candidates:
        return verdict.winner in {letter(place) for place, grade in enumerate(grades) if grade == max(grades)}
    return verdict.first_wrong_step == next((place for place, grade in enumerate(grades) if grade < 0), None)


def _ordered(gold: Compared, verdict: Verdict) -> bool:
    worth = {letter(place): score for place, score in enumerate(verdict.scores)}
    worth = worth or {name: -float(rank) for rank, name in enumerate(verdict.ranking)}
    for (one, other), winner in gold.pairs.items():
        loser = letter(other) if winner == letter(one) else letter(one)
        if winner != TIE and not worth.get(winner, -math.inf) > worth.get(loser, math.inf):
            return False
    return True
