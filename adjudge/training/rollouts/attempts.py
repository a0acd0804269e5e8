"""Attempts of a policy at cases, through the graph of a judge: records for the rewards, and rows to train on."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from adjudge.errors import AdjudgeError, ConfigError
from adjudge.judge import Judge
from adjudge.models import ChatModel
from adjudge.run import Recorder
from adjudge.training.rollouts.measures import Measure, measure
from adjudge.training.rollouts.rollout import Called, Rollout
from adjudge.training.rollouts.rows import Row, Segment, row_of
from adjudge.types import Case, Event, JudgeResult, ToolCalled, Unscored

POLICY = "policy"  # the name of the policy among the models of a graph
_CITED = re.compile(r'"citations"\s*:\s*\[([^\]]*)\]')
_NAME = re.compile(r"\bE\d+\b")
_OPENED = "<tool_call>"


class Attempt(NamedTuple):
    """One attempt: what became of it, and its training row."""

    rollout: Rollout
    row: Row
    seconds: float  # from its start to its end; those of a batch overlap


class Plan(NamedTuple):
    """What is attempted, and how the row is made of it."""

    judge: Judge  # its trainable agents ask the model `POLICY`
    segment: Segment
    filler: int  # see `row_of`
    seed: int
    measures: tuple[Measure, ...] = ()  # what other models say of a rollout


async def attempt_all(plan: Plan, cases: Sequence[Case], policy: Callable[[], ChatModel], step: int) -> list[Attempt]:
    """Attempt each case once, all side by side; whatever goes wrong with one is that one's outage.

    Args:
        plan: What is attempted.
        cases: Those that occur several times are attempted as often, each with a seed of its own.
        policy: Makes the model of one attempt.
        step: Of the training; another step has other seeds.
    """
    return list(await asyncio.gather(*(_attempt(plan, case, policy(), step, at) for at, case in enumerate(cases))))


async def _attempt(plan: Plan, case: Case, policy: ChatModel, step: int, at: int) -> Attempt:
    recorder, calls, began = Recorder([POLICY]), _Calls(), time.monotonic()
    seed = int.from_bytes(hashlib.sha256(f"{plan.seed}:{step}:{at}".encode()).digest()[:4], "big") >> 1
    try:
        result = await plan.judge.attempt(
            case, seed=seed, recorder=recorder, models={POLICY: policy}, on_event=calls.heard
        )
    except ConfigError:
        raise  # would be the same for every case
    except AdjudgeError as error:
        outcome = Unscored(reason="model_failure", detail=str(error))
        rollout = Rollout(case, outcome, outage=f"{type(error).__name__}: {error}")
        return Attempt(rollout, row_of((), plan.segment, plan.filler), time.monotonic() - began)
    row = row_of(recorder.sequences(), plan.segment, plan.filler)
    rollout = record(case, result, recorder, calls.of(recorder), row)
    if plan.measures and not rollout.outage:
        rollout = replace(rollout, measured=await measure(plan.measures, case, result))
    return Attempt(rollout, row, time.monotonic() - began)


class _Calls:
    def __init__(self) -> None:
        self._made: list[tuple[str, Called]] = []  # by node

    def heard(self, event: Event) -> None:
        if isinstance(event, ToolCalled):
            self._made.append((event.at.node, Called(event.tool, event.arguments, event.error, event.bad_call)))

    def of(self, recorder: Recorder) -> list[Called]:
        """Those of the nodes in which the policy spoke."""
        own = {turn.at.node for turn in recorder.turns}
        return [call for node, call in self._made if node in own]


def record(case: Case, result: JudgeResult, recorder: Recorder, calls: Sequence[Called], row: Row) -> Rollout:
    """What rewards may look at.

    Args:
        case: With its label.
        result: Of the judgement.
        recorder: With the policy's turns.
        calls: Tool calls of the policy.
        row: What is trained of it.
    """
    texts = tuple(turn.text for turn in recorder.turns)
    cited = _CITED.search(texts[-1]) if texts else None
    return Rollout(
        case=case,
        outcome=result.outcome,
        calls=tuple(calls),
        broken_calls=sum(text.count(_OPENED) for text in texts),
        evidence=result.evidence,
        citations=tuple(_NAME.findall(cited.group(1))) if cited else (),
        text=texts,
        own_tokens=sum(row.mask),
        # A single token that was asked for always ends with its length.
        truncated=any(turn.finish == "length" and len(turn.token_ids) > 1 for turn in recorder.turns),
        outage=_outage(result, calls),
    )


def _outage(result: JudgeResult, calls: Sequence[Called]) -> str:
    """Why the policy cannot be held to account: a model or all tools failed, or the clock ran out."""
    outcome = result.outcome
    if not isinstance(outcome, Unscored):
        return ""
    gone = outcome.reason == "model_failure"
    late = outcome.reason == "limit" and "seconds" in outcome.detail
    failed = [call for call in calls if call.error is not None]
    tools = outcome.reason == "tool_failure" and not any(call.own_fault for call in failed)
    return f"{outcome.reason}: {outcome.detail}" if gone or late or tools else ""


def policy_settings(agents: Sequence[str], max_tokens: int) -> dict[str, Any]:
    """Overrides of a graph that hand some of its agents to the policy.

    Args:
        agents: Names of the nodes that are trained.
        max_tokens: Most tokens of one reply of the policy.
    """
    models: dict[str, Any] = {f"models.{POLICY}": {"provider": "scripted", "max_tokens": max_tokens}}
    return models | {f"nodes.{name}.model": POLICY for name in agents}
