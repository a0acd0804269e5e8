"""The three outcomes of a judgement: what a judge may say, what an answerer may say, and that nobody scored.

A failure is never a score: `Verdict` has no field for it, and `Unscored` has no score.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from adjudge.types.cases import Criterion
from adjudge.types.frozen import Frozen

Mode = Literal["pointwise", "pairwise", "listwise", "step", "answer"]
Reason = Literal["parse_failure", "tool_failure", "model_failure", "limit", "refused", "order_conflict", "bad_case"]
TIE = "tie"


def _none(principles: tuple[Criterion, ...]) -> bool:
    return not principles


class CriterionScore(Frozen):
    """The score of one criterion of a rubric."""

    name: str
    score: float
    weight: float = 1.0
    rationale: str = ""


class Verdict(Frozen):
    """What a judge may say.

    `scores` stand in the order of the case's responses (or candidates, or trajectory steps) and lie on the graph's
    scale. `winner` is a letter (A is the first response) or `tie`. `ranking` lists letters, best first.
    """

    type: Literal["verdict"] = "verdict"
    scores: tuple[float, ...] = ()
    winner: str | None = None
    ranking: tuple[str, ...] = ()
    label: str | None = Field(default=None, description="The label given, on a pointwise scale of labels.")
    first_wrong_step: int | None = Field(default=None, description="0-based; None when no step is wrong.")
    criteria: tuple[CriterionScore, ...] = ()
    principles: tuple[Criterion, ...] = Field(
        default=(), description="What the judge itself found to count, before it scored.", exclude_if=_none
    )
    rationale: str = ""
    citations: tuple[str, ...] = Field(default=(), description="Names of the evidence relied on: E1, E2, …")
    confidence: float | None = Field(default=None, ge=0, le=1)


class Answer(Frozen):
    """What an answerer may say."""

    type: Literal["answer"] = "answer"
    text: str
    citations: tuple[str, ...] = ()


class Unscored(Frozen):
    """What only the machinery may say: there is no verdict, for this reason."""

    type: Literal["unscored"] = "unscored"
    reason: Reason
    detail: str = ""
    transient: bool = Field(default=False, description="Whether judging again later may go better: an outage did it.")


Outcome = Annotated[Verdict | Answer | Unscored, Field(discriminator="type")]


def letter(index: int) -> str:
    """The letter of a response: 0 is A, 25 is Z, 26 is AA."""
    if index < 0:
        raise ValueError(f"an index is not negative, found {index}")
    name = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def ranking_of(scores: tuple[float, ...]) -> tuple[str, ...]:
    """Letters by score, best first; equal scores keep the order of the responses."""
    return tuple(letter(i) for i in sorted(range(len(scores)), key=lambda i: -scores[i]))


def winner_of(scores: tuple[float, ...]) -> str:
    """The letter of the highest score, or `tie` when several share it."""
    best = max(scores)
    return TIE if scores.count(best) > 1 else letter(scores.index(best))
