"""What comes back from a judgement, and what it cost."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, ConfigDict, Field

from adjudge.types.evidence import Evidence
from adjudge.types.frozen import Frozen
from adjudge.types.messages import Message
from adjudge.types.process import Process
from adjudge.types.verdicts import Mode, Outcome, Unscored


def absent(value: object) -> bool:
    """Whether a field is not worth a place in a file."""
    return value is None or value == ()


class Usage(Frozen):
    """What a judgement cost. Tokens are the model's own; `seconds` ends with the last call."""

    model_calls: int = 0
    tool_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = Field(default=0, description="Part of tokens_in that the server had in its prefix cache.")
    seconds: float = 0.0
    money: float | None = Field(default=None, description="US dollars; None where the price is not known.")
    tool_failures: int = 0
    repairs: int = Field(default=0, description="Times a judge was asked again after an unreadable verdict.")
    dropped_citations: int = Field(default=0, description="Citations of evidence that does not exist.")
    blocked_hits: int = Field(default=0, description="Search results and pages that the block list kept out.")

    def __add__(self, other: Usage) -> Usage:
        known = [money for money in (self.money, other.money) if money is not None]
        summed = {name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields if name != "money"}
        return Usage(**summed, money=sum(known) if known else None)


class Vote(Frozen):
    """One opinion: the outcome of one order of the responses and one sample.

    `order` lists 0-based indices of the case's responses as this vote was shown them; the outcome's scores, winner
    and ranking are already back in the case's own order.
    """

    order: tuple[int, ...] = ()
    sample: int = 0
    seed: int | None = None
    outcome: Outcome


class Fingerprint(Frozen):
    """What judged: equal fingerprints mean the same graph, prompts, models and tools."""

    name: str
    mode: Mode
    digest: str = Field(description="sha256 over the graph, its prompts, models and tools.")
    models: dict[str, str] = Field(default_factory=dict, description="Name in the graph to weights id.")
    tools: dict[str, str] = Field(default_factory=dict, description="Name in the graph to fingerprint.")
    decide: dict[str, str] = Field(default_factory=dict, description="Judge node to its method, once resolved.")


class JudgeResult(Frozen):
    """The outcome of judging one case, with everything needed to check it."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    id: str
    outcome: Outcome = Field(validation_alias=AliasChoices("outcome", "judgement"), serialization_alias="judgement")
    votes: tuple[Vote, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    usage: Usage = Usage()
    graph: Fingerprint
    trajectory: tuple[Message, ...] = ()
    summaries: tuple[str, ...] = Field(
        default=(),
        description="Of the case's trajectory, one after each step that something is judged after, where a graph makes "
        "them.",
        exclude_if=absent,
    )
    process: Process | None = Field(
        default=None, description="Plans, results and flags, where a graph plans.", exclude_if=absent
    )

    @property
    def scored(self) -> bool:
        """Whether there is a verdict or an answer."""
        return not isinstance(self.outcome, Unscored)

    @property
    def order_consistent(self) -> bool | None:
        """Whether all votes name the same winner; None when fewer than two votes did."""
        winners = [vote.outcome.winner for vote in self.votes if vote.outcome.type == "verdict" and vote.outcome.winner]
        return len(set(winners)) == 1 if len(winners) > 1 else None

    def to_dict(self, *, trajectory: bool = False) -> dict[str, Any]:
        """The result as JSON types, as `adjudge judge --json` prints it."""
        return self.model_dump(mode="json", exclude=None if trajectory else {"trajectory"})
