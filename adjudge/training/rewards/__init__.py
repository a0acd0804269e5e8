"""Rewards of a judge that is trained: one idea a file, pure, picklable, each with its source.

    mixed = build({"verdict": {"weight": 1.0}, "tool_use": {"weight": 0.3}})
    totals = [paid.total for paid in mixed(rollouts)]

Loads no torch. What each pays, and how it could be cheated: `docs/training-rewards.md`.
"""

from adjudge.training.rewards.base import Apart, Mixed, Paid, Reward, Single
from adjudge.training.rewards.built import BUILT, build, settings_of
from adjudge.training.rewards.citations import Faithfulness
from adjudge.training.rewards.failures import malformed_of, outage_of
from adjudge.training.rewards.format import WellFormed
from adjudge.training.rewards.generative_rlhfv import PairedScores
from adjudge.training.rewards.length import LengthControl
from adjudge.training.rewards.locals import CriteriaGain
from adjudge.training.rewards.mact import MactAgents, MactGlobal
from adjudge.training.rewards.prints import PrintsComparison, PrintsScore
from adjudge.training.rewards.tool_use import ToolUse, required_tools
from adjudge.training.rewards.verdict import Gated, VerdictReward, right

__all__ = [
    "BUILT",
    "Apart",
    "CriteriaGain",
    "Faithfulness",
    "Gated",
    "LengthControl",
    "MactAgents",
    "MactGlobal",
    "Mixed",
    "Paid",
    "PairedScores",
    "PrintsComparison",
    "PrintsScore",
    "Reward",
    "Single",
    "ToolUse",
    "VerdictReward",
    "WellFormed",
    "build",
    "malformed_of",
    "outage_of",
    "required_tools",
    "right",
    "settings_of",
]
