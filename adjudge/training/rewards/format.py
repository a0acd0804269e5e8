"""Format: 1 for a well-formed output, 0 for a malformed one (ours; `openrm.md` §A.3 pays malformed output 0).

What is malformed is told in `failures`. That such an output is paid no more than any other is the doing of `Mixed`,
with this term or without it; its weight is how far above the floor the worst well-formed output stands.

Hacks: none that pays, since all well-formed outputs get the same. Refusing, and running on until the limit, are
malformed. A verdict that says nothing (a tie, one score for all) is well-formed, and wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from adjudge.training.rewards.base import Single
from adjudge.training.rewards.failures import malformed_of
from adjudge.training.rollouts import Rollout


@dataclass(frozen=True)
class WellFormed(Single):
    """0 or 1."""

    name = "format"

    def of(self, rollout: Rollout) -> float:
        """1 where the output is well-formed."""
        return float(not malformed_of(rollout))
