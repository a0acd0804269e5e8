"""Traces of the oracle or of a teacher through the judge's own graph, as rows for supervised training."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adjudge.errors import ConfigError
from adjudge.models import ChatModel
from adjudge.run import Recorder
from adjudge.tools import Tool
from adjudge.training.rollouts.attempts import POLICY, Plan
from adjudge.training.rollouts.policy import Policy
from adjudge.training.rollouts.rows import Row, row_of
from adjudge.training.warm_start.oracle import Oracle, found_for, supports
from adjudge.training.warm_start.teacher import Taught
from adjudge.types import Case, Verdict

AT_ONCE = 64  # traces in the making; each waits for its searches only


class Traced(NamedTuple):
    """The traces, and what came to nothing."""

    rows: dict[str, Row]  # by case
    without_query: int  # no query that was tried finds the source
    unsupported: int  # the graph's own search did not bring what the label rests on, or the verdict was none or wrong


async def trace_all(plan: Plan, cases: Sequence[Case], tool: str, titles: Mapping[str, str], tokenizer: Any) -> Traced:
    """The oracle's trace of each case that it can search for.

    Args:
        plan: Through which graph; its judge reads one letter after one search, as `compact` does.
        cases: From `adjudge synth`.
        tool: Name of the search among the graph's tools.
        titles: Of documents, by id.
        tokenizer: Of the policy.

    Raises:
        ConfigError: The graph has no such tool.
    """
    if tool not in plan.judge.tools:
        raise ConfigError("the graph has no such tool", key="tool", found=tool, allowed=sorted(plan.judge.tools))
    search, turns = plan.judge.tools[tool], asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Row | str:
        async with turns:
            return await _trace(plan, case, tool, search, titles, tokenizer)

    found = await asyncio.gather(*map(one, cases))
    rows = {case.id: row for case, row in zip(cases, found, strict=True) if isinstance(row, Row)}
    return Traced(rows, found.count("query"), found.count("support"))


async def taught_all(plan: Plan, cases: Sequence[Case], teacher: ChatModel, tokenizer: Any) -> Traced:
    """A teacher's trace of each case that it judges as its label says; through any graph.

    Args:
        plan: Through which graph.
        cases: With labels, which the teacher does not see.
        teacher: Any chat model that can do what the graph asks.
        tokenizer: Of the policy.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Row | None:
        async with turns:
            return await _judged(plan, case, Taught(teacher, tokenizer))

    found = await asyncio.gather(*map(one, cases))
    rows = {case.id: row for case, row in zip(cases, found, strict=True) if row is not None}
    return Traced(rows, 0, len(cases) - len(rows))


async def _judged(plan: Plan, case: Case, model: ChatModel, *, must_support: bool = False) -> Row | None:
    """The row of a judgement, None where its verdict is wrong."""
    recorder = Recorder([POLICY])
    result = await plan.judge.attempt(case, seed=0, recorder=recorder, models={POLICY: model})
    right = isinstance(result.outcome, Verdict) and result.outcome.winner == case.label
    if not right or (must_support and not supports(case, result.evidence)):
        return None
    return row_of(recorder.sequences(), plan.segment, plan.filler)


async def _trace(
    plan: Plan, case: Case, name: str, search: Tool, titles: Mapping[str, str], tokenizer: Any
) -> Row | str:
    found = await found_for(case, search, titles)
    if found is None:
        return "query"
    call = json.dumps({"name": name, "arguments": {"query": found[0]}}, ensure_ascii=False)
    oracle = Oracle([f"<tool_call>\n{call}\n</tool_call>", str(case.label)], tokenizer)
    row = await _judged(plan, case, Policy(oracle, tokenizer), must_support=True)
    return "support" if row is None else row
