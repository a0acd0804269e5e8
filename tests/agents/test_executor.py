"""The executor: turns with tools, searches made for a small model, and tools that all fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adjudge.errors import ConfigError, ToolError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.tools import tool
from adjudge.types import Case, Evidence, JudgeResult, Unscored, Verdict
from adjudge.types.messages import assistant, text_of, tool_call

CASE = Case(id="c", prompt="Who wrote Middlemarch?", responses=["George Eliot", "Jane Austen"])
VERDICT = '{"rationale": "r", "citations": [], "scores": {"A": 7, "B": 3}, "confidence": 1}'


@tool
async def search(query: str) -> Evidence | str:
    """Search.

    Args:
        query: What for.
    """
    if "nothing" in query:
        return "No results."
    if "fail" in query:
        raise ToolError("SECRET OUTAGE TEXT")
    return Evidence(excerpt=f"found {query}", source=query)


@tool
async def other(page: int) -> str:
    """Turn a page.

    Args:
        page: Which one.
    """
    return f"page {page}"


def judged(
    script: list[Any], *, case: Case = CASE, embedded: bool = False, **gather: Any
) -> tuple[JudgeResult, ScriptedModel]:
    limits = gather.pop("limits", {})
    edges = gather.pop("edges", "judge")
    model = ScriptedModel(script, embedded=embedded, scores=lambda prefix, text: -1.0 * len(text))
    spec = {
        "name": "own",
        "mode": "pairwise",
        "nodes": {
            "gather": {"agent": "executor", "tools": ["search"], **gather},
            "judge": {"agent": "judge", "thread": "gather"},
        },
        "edges": {"start": "gather", "gather": edges, "judge": "end"},
        "orders": "one",
        "limits": limits,
    }
    judge = Judge(spec, models={"default": model}, tools=[search, other])
    return asyncio.run(judge.ajudge(case)), model


def asks(*queries: str, name: str = "search") -> Any:
    calls = [tool_call(str(n), name, f'{{"query": "{query}"}}') for n, query in enumerate(queries)]
    return assistant("", calls)


def test_it_searches_in_turns_until_it_has_seen_enough() -> None:
    result, model = judged([asks("one", "two"), asks("three"), "Settled by E1.", VERDICT])
    assert [item.source for item in result.evidence] == ["one", "two", "three"]
    assert (result.usage.model_calls, result.usage.tool_calls) == (4, 3)
    roles = [message["role"] for message in model.requests[-1].messages]
    assert roles == ["system", "user", "assistant", "tool", "tool", "assistant", "tool", "assistant", "user"]


def test_it_is_offered_only_the_tools_of_its_node() -> None:
    result, model = judged([asks("1", name="other"), "done", VERDICT])
    assert [entry["function"]["name"] for entry in model.requests[0].tools] == ["search"]
    assert "there is no tool 'other'; there are: search" in model.requests[1].text
    assert isinstance(result.outcome, Unscored)


def test_the_gatherer_sees_responses_without_letters() -> None:
    _, model = judged(["nothing to check", VERDICT])
    assert "response no. 1" in model.requests[0].text
    assert "response A" not in model.requests[0].text


def test_it_stops_after_its_turns() -> None:
    result, _ = judged([asks("one"), asks("two"), VERDICT], max_turns=2)
    assert isinstance(result.outcome, Verdict)
    assert len(result.evidence) == 2


def test_when_every_tool_call_fails_nobody_scores() -> None:
    result, model = judged([asks("fail", "fail again"), "I could not find anything."])
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "tool_failure"
    assert "all 2 tool calls failed" in result.outcome.detail
    assert "SECRET OUTAGE TEXT" in result.outcome.detail
    assert (result.usage.tool_failures, len(model.requests)) == (2, 2)


def test_a_failed_gathering_can_be_given_a_way_on() -> None:
    result, _ = judged([asks("fail"), "Nothing.", VERDICT], edges={"done": "judge", "failed": "judge"})
    assert isinstance(result.outcome, Verdict)
    assert result.usage.tool_failures == 1


def test_a_tool_failure_is_told_to_the_model_and_never_stands_in_a_verdict() -> None:
    result, model = judged([asks("fail"), asks("one"), "E1 helps.", VERDICT])
    assert isinstance(result.outcome, Verdict)
    assert "SECRET OUTAGE TEXT" in model.requests[1].text
    assert "SECRET OUTAGE TEXT" not in result.outcome.model_dump_json()
    assert (result.usage.tool_failures, result.usage.tool_calls) == (1, 2)


def test_a_limit_while_gathering_gives_what_is_known_so_far() -> None:
    result, model = judged([asks("one"), asks("two"), asks("three"), VERDICT], limits={"tool_calls": 2})
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "limit"
    assert [item.source for item in result.evidence] == ["one", "two"]
    assert len(model.requests) == 3


def test_for_the_embedded_model_the_searches_are_made() -> None:
    result, model = judged([], embedded=True)
    assert isinstance(result.outcome, Verdict)
    assert [item.source for item in result.evidence] == ["Who wrote Middlemarch?"]
    assert all(not request.tools for request in model.requests)


def test_each_response_is_searched_when_the_prompt_alone_finds_little() -> None:
    case = Case(prompt="nothing about this", responses=["George Eliot", "Jane Austen"])
    result, _ = judged([], case=case, embedded=True)
    assert result.usage.tool_calls == 3
    assert result.evidence == ()


def test_seed_queries_stay_within_the_limit_of_tool_calls() -> None:
    case = Case(prompt="nothing about this", responses=["George Eliot", "Jane Austen"])
    result, _ = judged([], case=case, embedded=True, limits={"tool_calls": 2})
    assert isinstance(result.outcome, Verdict)
    assert result.usage.tool_calls == 2


def test_seeds_come_before_a_models_own_turns() -> None:
    result, model = judged([asks("own"), "done", VERDICT], seed_queries=True)
    assert [item.source for item in result.evidence] == ["Who wrote Middlemarch?", "own"]
    assert model.requests[0].messages[-1]["role"] == "tool"


def test_only_a_tool_that_takes_a_query_alone_is_seeded() -> None:
    result, _ = judged([], embedded=True, tools=["other"])
    assert result.usage.tool_calls == 0


def test_a_model_that_cannot_call_tools_is_refused_at_load() -> None:
    with pytest.raises(ConfigError, match="cannot call tools") as caught:
        Judge.load("evidence", model=ScriptedModel(abilities=["chat"]), tools={"corpus": search})
    assert caught.value.key == "nodes.gather.max_turns"
    assert "seed_queries: true" in str(caught.value)


def test_own_instructions_reach_the_model() -> None:
    _, model = judged(["done", VERDICT], instructions="Check the dates first.")
    assert "Check the dates first." in text_of(model.requests[0].messages[1]["content"])
