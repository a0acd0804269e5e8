"""A guided model behind agents of LangGraph: each of its replies is the best of several."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from adjudge.agents.trajectory_summarizer import HEADINGS
from adjudge.errors import ConfigError, ModelError
from adjudge.judge import Judge
from adjudge.models import Choice, Reply, ScriptedModel
from adjudge.models.langchain import to_langchain
from adjudge.models.scripted import Request, Script
from adjudge.selection.guided_model import GuidedModel
from adjudge.types import Message
from adjudge.types.messages import assistant, tool_call, tool_reply, user


def by_worth(request: Request) -> Script:
    if "confirmed_knowledge" in request.text:
        return json.dumps(dict.fromkeys(HEADINGS, "x"))
    step = re.findall(r"<<<current step \S+\n(.*?)\n\S+>>>", str(request.messages[-1]["content"]), re.DOTALL)[-1]
    return json.dumps(
        {
            "dimensions": [{"name": "progress", "assessment": "some"}],
            "score": float(re.findall(r"worth (-?\d)", step)[0]),
        }
    )


def call(worth: int, query: str) -> Any:
    return assistant(f"worth {worth}", [tool_call(f"id{worth}", "look", json.dumps({"query": query}))])


def guided(replies: list[Any]) -> tuple[GuidedModel, ScriptedModel, ScriptedModel]:
    drawing, judging = ScriptedModel(replies), ScriptedModel(by_worth)
    return GuidedModel(drawing, Judge.load("information_gain", model=judging), n=3), drawing, judging


def test_the_best_of_n_replies_is_given() -> None:
    model, drawing, _ = guided([call(1, "a"), call(3, "b"), call(2, "c")])
    reply = asyncio.run(model.chat([user("Who?")]))
    assert reply.choices[0].message.get("content") == "worth 3"
    assert drawing.requests[0].sampling.temperature == 1.0
    assert model.choices[0].scores == (1.0, 3.0, 2.0)
    assert model.usage.model_calls == 3


def test_an_agent_of_langgraph_is_guided_at_every_step() -> None:
    pytest.importorskip("langchain")
    from langchain.agents import create_agent

    seen: list[str] = []

    def look(query: str) -> str:
        """Look something up."""
        seen.append(query)
        return f"found {query}"

    replies = [call(0, "a"), call(2, "b"), call(1, "c"), call(0, "d"), call(-1, "e"), assistant("worth 4: it is 42")]
    model, _, judging = guided(replies)
    agent: Any = create_agent(to_langchain(model), tools=[look])
    state = asyncio.run(agent.ainvoke({"messages": [{"role": "user", "content": "Who?"}]}))
    assert seen == ["b"]
    assert state["messages"][-1].content == "worth 4: it is 42"
    assert [choice.chosen for choice in model.choices] == [1, 2]
    assert sum("confirmed_knowledge" in request.text for request in judging.requests) == 1


def test_several_tool_calls_in_one_reply_are_one_step() -> None:
    both = assistant("worth 2", [tool_call("1", "look", '{"query": "a"}'), tool_call("2", "look", '{"query": "b"}')])
    model, _, judging = guided([call(1, "x"), both, call(0, "y")])
    reply = asyncio.run(model.chat([user("Who?")]))
    assert len(reply.choices[0].message.get("tool_calls") or ()) == 2
    assert any('"call 1"' in request.text for request in judging.requests)


def replied(text: str, finish: str = "stop") -> Choice:
    return Choice(assistant(text), finish=finish)


def past(*results: str) -> list[Message]:
    messages: list[Message] = [user("Who?")]
    for number, result in enumerate(results):
        call = tool_call(f"c{number}", "look", json.dumps({"query": "q"}))
        messages += [assistant(f"worth {number}", [call]), tool_reply(call, result)]
    return messages


def test_two_searches_of_one_question_do_not_share_summaries() -> None:
    model, _, judging = guided([assistant(f"worth {n % 3}, {n}") for n in range(9)])
    asyncio.run(model.chat(past("the first result", "a")))
    asyncio.run(model.chat(past("another result", "a")))
    made = [request.text for request in judging.requests if "confirmed_knowledge" in request.text]
    assert ["the first result" in text for text in made] == [False, True, False]  # h_1 is the same for both
    assert "another result" in made[2]


def test_what_the_user_says_later_is_part_of_what_is_judged() -> None:
    model, _, judging = guided([assistant(f"worth {n}") for n in range(3)])
    asyncio.run(model.chat([user("Who?"), assistant("Ann."), user("And her SISTER?")]))
    seen = judging.requests[-1].text
    assert "The user said: And her SISTER?" in seen


def test_replies_that_were_cut_off_are_chosen_only_where_all_were() -> None:
    model, _, _ = guided([replied("worth 4", "length"), replied("worth 1"), replied("worth 2")])
    assert asyncio.run(model.chat([user("Who?")])).choices[0].message["content"] == "worth 2"
    model, _, _ = guided([replied(f"worth {n}", "length") for n in (1, 3, 2)])
    assert asyncio.run(model.chat([user("Who?")])).choices[0].message["content"] == "worth 3"


def test_an_empty_reply_is_not_chosen() -> None:
    model, _, _ = guided([assistant(""), assistant("worth -4"), assistant("")])
    assert asyncio.run(model.chat([user("Who?")])).choices[0].message["content"] == "worth -4"


def test_several_replies_are_each_the_best_of_their_own() -> None:
    model, drawing, _ = guided([assistant(f"worth {n}") for n in (0, 1, 2, 3, 1, 0)])
    reply = asyncio.run(model.chat([user("Who?")], n=2))
    assert [choice.message["content"] for choice in reply.choices] == ["worth 2", "worth 3"]
    assert drawing.requests[0].n == 6


def test_a_model_that_draws_fewer_replies_is_an_error_only_where_none_is_left() -> None:
    class Few(ScriptedModel):
        async def chat(self, *args: Any, **more: Any) -> Reply:
            return await super().chat(*args, **(more | {"n": 1}))

    judging = Judge.load("information_gain", model=ScriptedModel(by_worth))
    one = GuidedModel(Few([assistant("worth 1")]), judging, n=3)
    assert asyncio.run(one.chat([user("Who?")])).choices[0].message["content"] == "worth 1"
    with pytest.raises(ModelError, match="drew 1 of 6"):
        asyncio.run(GuidedModel(Few([assistant("worth 1")]), judging, n=3).chat([user("Who?")], n=2))


def test_a_conversation_that_is_none_gets_the_first_reply_and_that_is_told() -> None:
    model, _, judging = guided([assistant("worth 1"), assistant("worth 2"), assistant("worth 3")])
    orphan: Message = {"role": "tool", "tool_call_id": "x", "content": "a result of no call"}
    reply = asyncio.run(model.chat([user("Who?"), orphan]))
    assert reply.choices[0].message["content"] == "worth 1"
    assert "no call" in model.choices[-1].failure
    assert not judging.requests


def test_a_judge_of_another_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match="judge of steps"):
        GuidedModel(ScriptedModel([]), Judge.load("direct", model=ScriptedModel([])))
    with pytest.raises(ConfigError, match="at least 1"):
        GuidedModel(ScriptedModel([]), Judge.load("information_gain", model=ScriptedModel([])), n=0)
