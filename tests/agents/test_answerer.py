"""The answerer: an answer with citations, or why there is none."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from adjudge.judge import Judge
from adjudge.models import Choice, ScriptedModel
from adjudge.tools import tool
from adjudge.types import Answer, Case, Evidence, JudgeResult, Unscored
from adjudge.types.messages import assistant, tool_call

CASE = Case(id="c", prompt="Who wrote Middlemarch?")


@tool
async def search(query: str) -> Evidence:
    """Search.

    Args:
        query: What for.
    """
    return Evidence(excerpt="Middlemarch is by George Eliot.")


def judged(script: list[Any], **answer: Any) -> tuple[JudgeResult, ScriptedModel]:
    model = ScriptedModel([assistant("", [tool_call("x", "search", '{"query": "Middlemarch"}')]), "done", *script])
    spec = {
        "name": "own",
        "mode": "answer",
        "nodes": {"gather": {"agent": "executor", "tools": ["search"]}, "answer": {"agent": "answerer", **answer}},
        "edges": {"start": "gather", "gather": "answer", "answer": "end"},
    }
    return asyncio.run(Judge(spec, models={"default": model}, tools=[search]).ajudge(CASE)), model


def says(text: object = "George Eliot", *citations: str) -> str:
    return json.dumps({"answer": text, "citations": citations})


def test_it_answers_from_the_evidence_and_cites_it() -> None:
    result, model = judged([says("George Eliot", "E1")])
    assert result.outcome == Answer(text="George Eliot", citations=("E1",))
    assert "Middlemarch is by George Eliot." in model.requests[-1].text
    assert result.scored


def test_a_citation_that_does_not_exist_is_dropped_and_counted() -> None:
    result, _ = judged([says("George Eliot", "E1", "E4")])
    assert result.outcome == Answer(text="George Eliot", citations=("E1",))
    assert result.usage.dropped_citations == 1


@pytest.mark.parametrize("bad", ["George Eliot", says(""), says(7), '{"answer": "x", "citations": "E1"}'])
def test_an_unreadable_answer_is_sent_back(bad: str) -> None:
    result, model = judged([bad, says()])
    assert isinstance(result.outcome, Answer)
    assert result.usage.repairs == 1
    assert "could not be used" in str(model.requests[-1].messages[-1]["content"])


def test_after_the_repairs_there_is_no_answer_and_none_is_counted_that_was_not_asked_for() -> None:
    result, model = judged(["no"] * 9, repair=1)
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "parse_failure"
    assert (result.usage.repairs, len(model.requests)) == (1, 4)
    assert result.trajectory[-1] == {"role": "assistant", "content": "no"}


def test_a_content_filter_refuses() -> None:
    result, _ = judged([Choice(assistant(""), finish="content_filter")])
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "refused"


def test_it_can_go_on_with_the_gatherers_messages() -> None:
    _, model = judged([says()], thread="gather")
    before, last = model.requests[-2].messages, model.requests[-1].messages
    assert last[: len(before)] == before
