"""Length: a soft punishment of what is too long (DAPO, arXiv 2503.14476, equation 13).

    R = 0                            |y| <= budget
    R = (budget - |y|) / margin      budget < |y| <= budget + margin
    R = -1                           |y| > budget + margin

In the paper's letters budget is L_max - L_cache and margin L_cache; |y| counts the tokens that are trained, all turns
together, so what tools return is free. DAPO's own numbers (16,384 and 4,096) are for long reasoning; ours are
defaults.

Hacks: none by brevity, since nothing is gained below the budget. Length that is not in the policy's tokens (many
calls, whose results are long) is bounded by the limits of the graph, not here.
"""

from __future__ import annotations

from dataclasses import dataclass

from adjudge.errors import ConfigError
from adjudge.training.rewards.base import Single
from adjudge.training.rollouts import Rollout


@dataclass(frozen=True)
class LengthControl(Single):
    """From -1 to 0.

    Attributes:
        budget: Tokens that are free.
        margin: Tokens beyond them over which the punishment grows to -1.

    Raises:
        ConfigError: The budget is negative, or the margin not positive.
    """

    name = "length"
    budget: int = 768
    margin: int = 256

    def __post_init__(self) -> None:
        if self.budget < 0:
            raise ConfigError("a budget is 0 or more tokens", key="budget", found=self.budget)
        if self.margin < 1:
            raise ConfigError("a margin is 1 token or more", key="margin", found=self.margin)

    @property
    def low(self) -> float:
        """-1."""
        return -1.0

    def of(self, rollout: Rollout) -> float:
        """The punishment."""
        over = rollout.own_tokens - self.budget
        return -min(1.0, over / self.margin) if over > 0 else 0.0
