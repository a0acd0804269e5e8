"""What became of one attempt of a policy at judging a case: all that a reward may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from adjudge.types import Case, Evidence, Outcome


class Called(NamedTuple):
    """A tool call that the policy made."""

    tool: str  # the name that it wrote
    arguments: str  # as it wrote them
    error: str | None = None  # what it was told, where the call failed
    own_fault: bool = False  # whether it failed by the policy's doing: no such tool, arguments that do not fit


@dataclass(frozen=True)
class Rollout:
    """One attempt.

    Attributes:
        case: With its label, which no judge sees.
        outcome: What the graph came to, in the order shown.
        calls: Tool calls of the policy, in their order.
        broken_calls: Openings of a tool call that could not be read as one.
        evidence: What was retrieved.
        citations: Names of evidence as the policy wrote them, also of what does not exist.
        text: What the policy wrote, turn by turn.
        own_tokens: How many tokens of it are trained.
        truncated: Whether a reply was cut off at the most tokens of one.
        outage: Why nothing can be said of the policy (a server or a tool was gone); empty where something can.
        measured: Numbers that other models gave of it, by name, for rewards that need them (`criteria_gain`, `mact`).
    """

    case: Case
    outcome: Outcome
    calls: tuple[Called, ...] = ()
    broken_calls: int = 0
    evidence: tuple[Evidence, ...] = ()
    citations: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    own_tokens: int = 0
    truncated: bool = False
    outage: str = ""
    measured: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
