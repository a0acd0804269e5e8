"""Hard limits of one judgement, shared by all its parallel branches."""

from __future__ import annotations

import time

from pydantic import Field

from adjudge.errors import LimitExceeded
from adjudge.types import Frozen, Usage

# No tokenizer packs more characters than this into a token of ordinary text, so a prompt that is over the limit even
# at this rate is not worth sending.
MOST_CHARACTERS_PER_TOKEN = 10


class Limits(Frozen):
    """What one judgement may spend; a call that would begin beyond a limit is not made."""

    model_calls: int = Field(default=16, ge=0)
    tool_calls: int = Field(default=8, ge=0)
    tokens: int = Field(default=64_000, ge=0, description="In and out, all calls; the last call may overshoot.")
    seconds: float = Field(default=300.0, gt=0, description="From the first call to the last; calls in flight stop.")
    visits: int | None = Field(default=None, ge=1, description="Times a node may be entered; needed by a loop.")


class Clock:
    """Seconds since the judgement began, continued from the journal's records on a resume or replay."""

    def __init__(self) -> None:
        self._origin = time.monotonic()

    def now(self) -> float:
        """Seconds spent so far, those of an earlier process included."""
        return time.monotonic() - self._origin

    def at_least(self, recorded: float) -> None:
        """Move on to a recorded time, so that a limit on seconds survives a resume."""
        self._origin = min(self._origin, time.monotonic() - recorded)


class Meter:
    """What has been spent. Branches share one, so each sees what the others spend."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.clock = Clock()
        self.finished = 0.0  # seconds at the end of the last call
        self.model_calls = 0
        self.tool_calls = 0
        self.tokens_in = 0
        self.tokens_out = 0
        self.tokens_cached = 0
        self.money: float | None = None
        self.tool_failures = 0
        self.repairs = 0
        self.dropped_citations = 0
        self.blocked_hits = 0

    def check_model(self, characters: int) -> None:
        """Refuse the next model call when a limit is reached.

        Raises:
            LimitExceeded: Which limit, how much was allowed.
        """
        limits = self.limits
        if self.model_calls >= limits.model_calls:
            raise LimitExceeded("model_calls", f"all {limits.model_calls} model calls are used")
        spent = self.tokens_in + self.tokens_out
        if spent >= limits.tokens:
            raise LimitExceeded("tokens", f"{spent} of {limits.tokens} tokens are used")
        if spent + characters // MOST_CHARACTERS_PER_TOKEN > limits.tokens:
            raise LimitExceeded(
                "tokens", f"a prompt of {characters} characters cannot fit into the {limits.tokens - spent} tokens left"
            )
        self.check_time()

    def check_tool(self) -> None:
        """Refuse the next tool call when a limit is reached."""
        if self.tool_calls >= self.limits.tool_calls:
            raise LimitExceeded("tool_calls", f"all {self.limits.tool_calls} tool calls are used")
        self.check_time()

    def check_visit(self, node: str, visits: int) -> None:
        """Refuse to enter a node once more."""
        if self.limits.visits is not None and visits >= self.limits.visits:
            raise LimitExceeded("visits", f"the node {node!r} was entered {visits} times")

    def check_time(self) -> None:
        """Refuse the next call when the time is up."""
        if self.clock.now() >= self.limits.seconds:
            raise LimitExceeded("seconds", f"the {self.limits.seconds:g} seconds are used")

    def resume(self, spent: Usage) -> None:
        """Go on from what was spent before, in another process."""
        for name in Usage.model_fields.keys() - {"seconds"}:
            setattr(self, name, getattr(spent, name))
        self.finished = spent.seconds
        self.clock.at_least(spent.seconds)

    def usage(self) -> Usage:
        """What has been spent, as a value."""
        return Usage(
            model_calls=self.model_calls,
            tool_calls=self.tool_calls,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            tokens_cached=self.tokens_cached,
            money=None if self.money is None else round(self.money, 9),
            seconds=round(self.finished, 6),
            tool_failures=self.tool_failures,
            repairs=self.repairs,
            dropped_citations=self.dropped_citations,
            blocked_hits=self.blocked_hits,
        )
