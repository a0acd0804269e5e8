"""What comes back when a group of responses is ranked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, ConfigDict, Field

from adjudge.types.evidence import Evidence
from adjudge.types.frozen import Frozen
from adjudge.types.results import Fingerprint, Usage, absent
from adjudge.types.verdicts import Outcome, Unscored

Strategy = Literal["pointwise", "listwise", "all_pairs", "knockout", "adaptive"]
Goal = Literal["ranking", "best"]


class Comparison(Frozen):
    """One look of the judge at some responses of a group.

    The outcome's scores stand in the order of `shown`; its letters are those of the group (A is its first response).
    """

    shown: tuple[int, ...] = Field(description="0-based responses of the group, in the order shown.")
    sample: int = 0
    seed: int | None = None
    outcome: Outcome


class Ranking(Frozen):
    """What a strategy makes of the comparisons of a group.

    `scores` has one entry for each response, None where there is no score: the response takes part in no comparison,
    none of its comparisons has a verdict, or it was the only one. Which scale they are on depends on the strategy.
    """

    type: Literal["ranking"] = "ranking"
    scores: tuple[float | None, ...]
    ranking: tuple[str, ...] = Field(description="Letters, best first; equal scores in the group's own order.")
    winner: str | None = Field(default=None, description="A letter, or `tie` where several share the best score.")
    confidence: float | None = Field(default=None, ge=0, le=1, description="Where the strategy can tell.")


class RankResult(Frozen):
    """The outcome of ranking one group, with everything needed to check it."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    id: str
    strategy: Strategy
    outcome: Annotated[Ranking | Unscored, Field(discriminator="type")] = Field(
        validation_alias=AliasChoices("outcome", "judgement"), serialization_alias="judgement"
    )
    comparisons: tuple[Comparison, ...] = ()
    stopped: str = Field(default="", description="Why a strategy that may stop early did.")
    summaries: tuple[str, ...] = Field(
        default=(),
        description="Of the case's trajectory, one after each step, where a graph makes them.",
        exclude_if=absent,
    )
    evidence: tuple[Evidence, ...] = ()
    usage: Usage = Usage()
    graph: Fingerprint

    @property
    def scored(self) -> bool:
        """Whether there is a ranking."""
        return not isinstance(self.outcome, Unscored)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types, as `adjudge rank --json` prints it."""
        return self.model_dump(mode="json")
