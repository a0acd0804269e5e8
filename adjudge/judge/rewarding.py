"""Rewards of responses: scores on the judge's scale, or None and why.

An outage yields None, never a number. What is the policy's own fault, a response that is empty or was cut off, gets a
penalty, or None where there is no penalty.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from adjudge.errors import CaseError
from adjudge.types import Case, RankResult, Strategy, Unscored

GROUPS_AT_ONCE = 8
ALONE_AT_ONCE = 32  # responses that are scored by themselves


class Ranker(Protocol):
    """What rewards need of a judge."""

    async def arank(self, case: Case, *, strategy: Strategy) -> RankResult:
        """See `Judge.arank`."""
        ...


class Rewarded(NamedTuple):
    """The reward of one response."""

    reward: float | None  # on the judge's scale; None: there is none
    reason: str = ""  # why there is none, or `incomplete` for a penalty


async def areward(
    judge: Ranker, cases: Sequence[Case], *, strategy: Strategy = "pointwise", penalty: float | None = None
) -> list[Rewarded]:
    """Rewards of responses, in the order given.

    Args:
        judge: Who judges.
        cases: One response each. Those that are the same but for it form a group.
        strategy: `pointwise` scores each by itself, the others rank it within its group; see `Judge.arank`.
        penalty: For a response that is incomplete or empty.

    Raises:
        CaseError: A case has not exactly one response.
        ConfigError: The judge cannot rank in this way.
        JournalError: The journal cannot be used.
    """
    groups: dict[str, list[int]] = {}
    grouped = strategy != "pointwise"
    for place, case in enumerate(cases):
        if len(case.responses) != 1:
            found = len(case.responses)
            raise CaseError(f"case {case.id!r}: a reward is for one response, found {found}", key="responses")
        groups.setdefault(f"group-{_context(case)[:16]}" if grouped else str(place), []).append(place)
    turns = asyncio.Semaphore(GROUPS_AT_ONCE if grouped else ALONE_AT_ONCE)
    rewards: list[Rewarded] = [Rewarded(None)] * len(cases)

    async def fill(key: str, places: list[int]) -> None:
        group = cases[places[0]]
        if grouped:
            responses = tuple(cases[place].responses[0] for place in places)
            group = group.model_copy(update={"id": key, "responses": responses})
        async with turns:
            for place, rewarded in zip(places, await _rewards(judge, group, strategy, penalty), strict=True):
                rewards[place] = rewarded

    try:
        async with asyncio.TaskGroup() as tasks:
            for key, places in groups.items():
                tasks.create_task(fill(key, places))
    except BaseExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from first.__cause__
    return rewards


def _context(case: Case) -> str:
    """What the cases of one group have in common."""
    content = case.model_dump(mode="json", exclude={"id", "responses", "label", "metadata"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


async def _rewards(judge: Ranker, group: Case, strategy: Strategy, penalty: float | None) -> list[Rewarded]:
    fault = Rewarded(penalty, "incomplete")
    if not any(response.comparable for response in group.responses):
        return [fault] * len(group.responses)
    try:
        result = await judge.arank(group, strategy=strategy)
    except CaseError as error:
        return [Rewarded(None, f"bad_case: {error}")] * len(group.responses)
    outcome = result.outcome
    if isinstance(outcome, Unscored):
        none = Rewarded(None, f"{outcome.reason}: {outcome.detail}")
        return [none if response.comparable else fault for response in group.responses]
    return [
        fault if not response.comparable else Rewarded(score, "" if score is not None else _why(result, place))
        for place, (response, score) in enumerate(zip(group.responses, outcome.scores, strict=True))
    ]


def _why(result: RankResult, place: int) -> str:
    """Why one response of a group has no score."""
    shown = (comparison.outcome for comparison in result.comparisons if place in comparison.shown)
    failed = next((outcome for outcome in shown if isinstance(outcome, Unscored)), None)
    if failed is not None:
        return f"{failed.reason}: {failed.detail}"
    return result.stopped or "none of its comparisons has a verdict"
