"""What can be chosen about advantages and about when to stop; loads no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from adjudge.types.frozen import Frozen

Arm = Literal[
    "grpo", "negative_groups", "uniform_penalty", "shuffled_confidence", "mixed_only", "negative_only"
]  # what each does: `adjudge.training.grpo.advantages`


REWARD_HACKING = "reward_hacking"  # key of the entry of a trainer's log that says why it was stopped


class GroupSettings(Frozen):
    """How a group of rollouts becomes advantages.

    Attributes:
        arm: The published advantage, or one of its controls.
        alpha: Weight of all-wrong groups (arXiv 2510.08696, §5.1 step 5).
        verdict: Name of the reward term that alone decides what is wrong; its rewards are 0, 1 or None.
    """

    arm: Arm = "negative_groups"
    alpha: float = Field(default=0.25, ge=0, le=1)
    verdict: str = "verdict"


class MonitorSettings(Frozen):
    """When a training run is taken to be hacking its reward; the rule is in `adjudge.training.grpo.monitor`.

    Attributes:
        cases: Held-out judgements behind each accuracy; they give its standard error.
        accuracy: Name of the held-out accuracy in the log, a share in [0, 1].
        reward: Name of the training reward in the log.
        patience: Evaluations in a row that must tell the same.
        z: Standard errors of the difference by which accuracy must have fallen. The best of many noisy evaluations is
            lucky, so 2 is too few: of simulated runs whose accuracy stayed at 0.7 over 50 evaluations 43 % were stopped
            at 2, 11 % at 2.5 and 2 % at 3.
        window: Logged training rewards that are averaged.
    """

    cases: int = Field(ge=1)
    accuracy: str = "eval_rewards/verdict/mean"
    reward: str = "reward"
    patience: int = Field(default=3, ge=1)
    z: float = Field(default=3.0, gt=0)
    window: int = Field(default=10, ge=1)
