"""`decide: generate`: repair, citations that do not exist, and what stops a judge."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import pytest

from adjudge.errors import ModelError
from adjudge.judge import Judge
from adjudge.models import Choice, ScriptedModel
from adjudge.tools import tool
from adjudge.types import Case, Evidence, JudgeResult, Message, Unscored, Verdict
from adjudge.types.messages import assistant, text_of, tool_call

CASE = Case(id="c", prompt="What is the capital of Australia?", responses=["Canberra", "Sydney"])
Script = list[Any]


def verdict(a: float = 8, b: float = 3, *citations: str, rationale: str = "Because.") -> str:
    return json.dumps({"rationale": rationale, "citations": citations, "scores": {"A": a, "B": b}, "confidence": 0.75})


def at(key: str, value: object) -> dict[str, Any]:
    """An override by its dotted key."""
    return {key: value}


def judged(
    script: Script, *, case: Case = CASE, graph: str = "direct", **overrides: Any
) -> tuple[JudgeResult, list[str]]:
    """The result, and the last message of each request."""
    model = ScriptedModel(script)
    settings = {"orders": "one", "seed": 1, **overrides}
    judge = Judge.load("direct", model=model, **settings)
    result = asyncio.run(judge.ajudge(CASE))
    return result, [text_of(request.messages[-1]["content"]) for request in model.requests]


def reason(result: JudgeResult) -> str:
    assert isinstance(result.outcome, Unscored), result.outcome
    return result.outcome.reason


def test_a_readable_verdict_takes_one_call() -> None:
    result, asked = judged([verdict()])
    assert isinstance(result.outcome, Verdict)
    assert set(result.outcome.scores) == {8.0, 3.0}
    assert result.outcome.confidence == 0.75
    assert (len(asked), result.usage.model_calls, result.usage.repairs) == (1, 1, 0)


def test_an_unreadable_verdict_is_sent_back_with_the_reason() -> None:
    result, asked = judged(["Response A!", verdict(80, 3), verdict()])
    assert isinstance(result.outcome, Verdict)
    assert "no complete JSON object" in asked[1]
    assert "found 80" in asked[2]
    assert result.usage.repairs == 2


def test_after_two_repairs_there_is_no_verdict_and_no_score() -> None:
    result, asked = judged(["no"] * 9)
    assert reason(result) == "parse_failure"
    assert (len(asked), result.usage.repairs) == (3, 2)


@pytest.mark.parametrize("repair", [0, 1, 4])
def test_the_number_of_repairs_is_a_setting(repair: int) -> None:
    result, asked = judged(["no"] * 9, **at("nodes.judge.repair", repair))
    assert (reason(result), len(asked), result.usage.repairs) == ("parse_failure", repair + 1, repair)


def test_every_attempt_has_a_seed_of_its_own() -> None:
    model = ScriptedModel(["no", "no", verdict()])
    asyncio.run(Judge.load("direct", model=model, orders="one").ajudge(CASE))
    assert len({request.sampling.seed for request in model.requests}) == 3


def test_a_reply_that_was_cut_off_is_told_so() -> None:
    cut = Choice(assistant(verdict()[:40]), finish="length")
    result, asked = judged([cut, verdict()])
    assert isinstance(result.outcome, Verdict)
    assert "cut off" in asked[1]
    assert "max_tokens" in asked[1]


def test_a_content_filter_refuses_and_is_not_asked_again() -> None:
    result, asked = judged([Choice(assistant(""), finish="content_filter"), verdict()])
    assert (reason(result), len(asked)) == ("refused", 1)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("unavailable", "model_failure"),
        ("rejected", "model_failure"),
        ("malformed", "model_failure"),
        ("refused", "refused"),
        ("too_long", "limit"),
    ],
)
def test_a_model_failure_becomes_a_reason(
    kind: Literal["unavailable", "rejected", "malformed", "refused", "too_long"], expected: str
) -> None:
    result, _ = judged([ModelError("the server said \x1b[31mno", kind=kind)])
    assert reason(result) == expected
    assert isinstance(result.outcome, Unscored)
    assert "the server said" in result.outcome.detail
    assert "\x1b" not in result.outcome.detail


def test_a_model_that_times_out_by_itself_is_a_model_failure() -> None:
    result, _ = judged([TimeoutError()])
    assert reason(result) == "model_failure"


def test_half_characters_in_a_reply_do_no_harm() -> None:
    result, _ = judged(["\ud800", verdict(rationale="\udc00")])
    assert isinstance(result.outcome, Verdict)
    assert JudgeResult.model_validate_json(result.model_dump_json()) == result


@tool
async def lookup(query: str) -> Evidence:
    """Look something up.

    Args:
        query: What to look up.
    """
    return Evidence(excerpt=f"Canberra is the capital ({query}).", source="atlas")


GRAPH: dict[str, Any] = {
    "name": "own",
    "mode": "pairwise",
    "nodes": {
        "gather": {"agent": "executor", "tools": ["lookup"]},
        "judge": {"agent": "judge", "thread": "gather"},
    },
    "edges": {"start": "gather", "gather": "judge", "judge": "end"},
    "orders": "one",
    "limits": {"model_calls": 12, "tool_calls": 4},
}
SEARCH: Message = assistant("", [tool_call("x", "lookup", '{"query": "capital"}')])


def with_evidence(script: Script, **changes: Any) -> tuple[JudgeResult, ScriptedModel]:
    model = ScriptedModel([SEARCH, "E1 settles it.", *script])
    judge = Judge({**GRAPH, **changes}, models={"default": model}, tools=[lookup])
    return asyncio.run(judge.ajudge(CASE)), model


def test_a_citation_that_exists_is_kept() -> None:
    result, _ = with_evidence([verdict(8, 3, "E1")])
    assert isinstance(result.outcome, Verdict)
    assert result.outcome.citations == ("E1",)
    assert result.usage.dropped_citations == 0


def test_a_citation_that_does_not_exist_is_asked_about_once() -> None:
    result, model = with_evidence([verdict(8, 3, "E1", "E7"), verdict(8, 3, "E1")])
    assert isinstance(result.outcome, Verdict)
    assert result.outcome.citations == ("E1",)
    assert "E7" in model.requests[-1].text
    assert (result.usage.dropped_citations, result.usage.repairs, result.usage.model_calls) == (1, 1, 4)


def test_a_forged_citation_that_comes_again_is_dropped_and_not_asked_about_twice() -> None:
    result, model = with_evidence([verdict(8, 3, "E7")] * 5)
    assert isinstance(result.outcome, Verdict)
    assert result.outcome.citations == ()
    assert (result.usage.dropped_citations, len(model.requests)) == (2, 4)


def test_a_verdict_is_not_lost_when_the_question_about_a_citation_is_answered_with_nonsense() -> None:
    result, model = with_evidence([verdict(8, 3, "E1", "E7"), "what?", verdict(1, 9)])
    assert isinstance(result.outcome, Verdict)
    assert set(result.outcome.scores) == {8.0, 3.0}
    assert result.outcome.citations == ("E1",)
    assert len(model.requests) == 4


def test_without_evidence_every_citation_is_made_up() -> None:
    result, asked = judged([verdict(8, 3, "E1"), verdict(8, 3)])
    assert isinstance(result.outcome, Verdict)
    assert "no evidence at all" in asked[1]
    assert result.usage.dropped_citations == 1


def test_the_judge_goes_on_with_the_gatherers_messages() -> None:
    result, model = with_evidence([verdict(8, 3, "E1")])
    before, last = model.requests[-2].messages, model.requests[-1].messages
    assert last[: len(before)] == before
    assert result.trajectory[: len(last)] == last


def test_a_fresh_judge_sees_the_evidence_and_not_the_gatherers_messages() -> None:
    nodes = {**GRAPH["nodes"], "judge": {"agent": "judge"}}
    _, model = with_evidence([verdict(8, 3, "E1")], nodes=nodes)
    last = model.requests[-1]
    assert [message["role"] for message in last.messages] == ["system", "user"]
    assert "Canberra is the capital" in last.text
    assert "E1 settles it." not in last.text
