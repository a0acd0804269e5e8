"""`guide` leads agents of LangGraph as they are: branches propose, one of them is carried out."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt
from typing_extensions import TypedDict

from adjudge import Case, ConfigError, Judge, ScriptedModel, Step, guide, to_langchain
from adjudge.agents.trajectory_summarizer import HEADINGS
from adjudge.models.scripted import Request
from adjudge.types.messages import assistant, tool_call
from adjudge.types.steps import NO_RESULT


class Talk(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    turns: int


async def by_worth(case: Case) -> list[float | None]:
    """The number that a candidate states."""
    return [float(re.findall(r"worth (-?\d)", step.thought)[0]) for step in case.candidates]


def by_model(request: Request) -> str:
    if "confirmed_knowledge" in request.text:
        return json.dumps(dict.fromkeys(HEADINGS, "x"))
    step = re.findall(r"<<<current step \S+\n(.*?)\n\S+>>>", str(request.messages[-1]["content"]), re.DOTALL)[-1]
    score = float(re.findall(r"worth (-?\d)", step)[0])
    return json.dumps({"dimensions": [{"name": "progress", "assessment": "some"}], "score": score})


def call(worth: int, *queries: str) -> AIMessage:
    calls = [{"name": "look", "args": {"query": query}, "id": f"{worth}-{n}"} for n, query in enumerate(queries)]
    return AIMessage(f"worth {worth}", tool_calls=calls)


class Walker:
    """A graph of two nodes: one speaks by its seed, one carries calls out."""

    def __init__(self, *rows: list[AIMessage], tools: Callable[[str], str] = lambda query: f"found {query}") -> None:
        self.rows = rows
        self.looked: list[str] = []
        self.seeds: list[int] = []
        self.heard: list[list[str]] = []
        self.tools = tools

    def speak(self, state: Talk, config: RunnableConfig) -> Any:
        seed = config["configurable"]["seed"]
        self.seeds.append(seed)
        self.heard.append([str(message.content) for message in state["messages"]])
        row = self.rows[sum(message.type == "ai" for message in state["messages"])]
        return {"messages": [row[seed % len(row)].model_copy(update={"id": None})], "turns": state.get("turns", 0) + 1}

    def look(self, state: Talk) -> Any:
        said = state["messages"][-1]
        assert isinstance(said, AIMessage)
        replies = []
        for one in said.tool_calls:
            self.looked.append(one["args"]["query"])
            replies.append(ToolMessage(self.tools(one["args"]["query"]), tool_call_id=str(one["id"])))
        return {"messages": replies}

    def graph(self, **more: Any) -> Any:
        built = StateGraph(Talk)
        built.add_node("speak", self.speak)
        built.add_node("look", self.look)
        built.add_edge(START, "speak")
        built.add_conditional_edges(
            "speak", lambda state: "look" if getattr(state["messages"][-1], "tool_calls", None) else END
        )
        built.add_edge("look", "speak")
        return built.compile(**more)


ANSWER = AIMessage("worth 4: it is 42")


def test_the_best_branch_is_carried_out_and_no_other() -> None:
    walker = Walker([call(0, "a"), call(2, "b"), call(1, "c")], [call(1, "d"), ANSWER, call(0, "e")])
    found = guide(walker.graph(), by_worth, n=3)("Who?")
    assert (found.answer, found.stopped, found.failures) == ("worth 4: it is 42", "answered", ())
    assert walker.looked == ["b"]
    assert found.trajectory.steps == (
        Step(thought="worth 2", tool="look", arguments={"query": "b"}, observation="found b"),
        Step(thought="worth 4: it is 42"),
    )
    assert [choice.scores for choice in found.choices] == [(0.0, 2.0, 1.0), (1.0, 4.0, 0.0)]
    assert sorted(walker.seeds) == [0, 1, 2, 3, 4, 5]
    assert walker.heard == [["Who?"]] * 3 + [["Who?", "worth 2", "found b"]] * 3


def test_information_gain_sees_a_branch_before_its_tools_run() -> None:
    walker = Walker([call(0, "a"), call(2, "b")], [ANSWER, call(1, "d")])
    model = ScriptedModel(by_model)
    found = guide(walker.graph(), Judge.load("information_gain", model=model), n=2)("Who?")
    assert found.stopped == "answered"
    assert [choice.chosen for choice in found.choices] == [1, 0]
    first = [request.text for request in model.requests][:2]
    assert not any("found b" in text for text in first)
    assert any("found b" in request.text for request in model.requests)


def test_an_agent_of_langchain_is_guided_as_it_is() -> None:
    pytest.importorskip("langchain")
    from langchain.agents import create_agent

    seen: list[str] = []

    def look(query: str) -> str:
        """Look something up."""
        seen.append(query)
        return f"found {query}"

    def ours(worth: int, *queries: str) -> Any:
        calls = [tool_call(f"{worth}-{query}", "look", json.dumps({"query": query})) for query in queries]
        return assistant(f"worth {worth}", calls)

    drawn = [ours(1, "a"), ours(3, "b", "c"), ours(0, "d"), assistant("worth 2: or so"), assistant("worth 4: it is 42")]
    model = ScriptedModel([*drawn, ours(-1, "e")])
    agent: Any = create_agent(to_langchain(model), tools=[look], system_prompt="Search.")
    found = guide(agent, by_worth, n=3)("Who?")
    assert (found.answer, found.failures) == ("worth 4: it is 42", ())
    assert sorted(seen) == ["b", "c"]
    (step, _) = found.trajectory.steps
    assert (step.tool, step.observation) == ("several", "call 0: found b\n\ncall 1: found c")
    assert step.arguments["call 1"] == {"tool": "look", "query": "c"}
    assert [message["role"] for message in model.requests[-1].messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
    ]


def test_a_tool_that_raises_is_what_came_back() -> None:
    def broken(query: str) -> str:
        raise RuntimeError("the index is gone")

    walker = Walker([call(1, "a"), call(2, "b")], [ANSWER], tools=broken)
    found = guide(walker.graph(), by_worth, n=2, max_steps=1)("Who?")
    assert found.trajectory.steps[0].observation == "(the tool failed) RuntimeError: the index is gone"
    assert found.failures == ("step 0, look: RuntimeError: the index is gone",)


def test_a_call_without_a_result_is_told() -> None:
    class Silent(Walker):
        def look(self, state: Talk) -> Any:
            last = state["messages"][-1]
            assert isinstance(last, AIMessage)
            return {"messages": [ToolMessage("x", tool_call_id=str(last.tool_calls[0]["id"]))]}

    two = Silent([call(1, "a"), call(2, "b", "c")], [ANSWER])
    found = guide(two.graph(), by_worth, n=2)("Who?")
    assert found.trajectory.steps[0].observation == f"call 0: x\n\ncall 1: {NO_RESULT}"

    class Mute(Walker):
        def look(self, state: Talk) -> Any:
            return {"turns": 0}

    found = guide(Mute([call(1, "a"), call(2, "b")], [ANSWER]).graph(), by_worth, n=2, max_steps=1)("Who?")
    assert found.failures == ("step 0, look: RuntimeError: the graph has no result of this call",)


def test_a_model_that_raises_costs_its_branch() -> None:
    class Shaky(Walker):
        def speak(self, state: Talk, config: RunnableConfig) -> Any:
            if config["configurable"]["seed"] == 0:
                raise ValueError("no")
            return super().speak(state, config)

    found = guide(Shaky([call(3, "a"), ANSWER]).graph(), by_worth, n=2)("Who?")
    assert (found.answer, found.failures) == ("worth 4: it is 42", ("step 0, a proposal: ValueError: no",))


def test_a_graph_that_says_nothing_proposes_nothing() -> None:
    built = StateGraph(Talk)
    built.add_node("idle", lambda state: {"turns": 1})
    built.add_edge(START, "idle")
    built.add_edge("idle", END)
    found = guide(built.compile(), by_worth, n=2)("Who?")
    assert (found.answer, found.stopped, found.failures) == (None, "no step was proposed", ())


def test_nodes_before_the_assistant_are_run_in_every_branch_and_the_state_goes_on() -> None:
    counted: list[int] = []

    def prepare(state: Talk) -> Any:
        counted.append(state.get("turns", 0))
        return {"turns": state.get("turns", 0) + 10}

    walker = Walker([call(0, "a"), call(2, "b")], [ANSWER])
    built = StateGraph(Talk)
    built.add_node("prepare", prepare)
    built.add_node("speak", walker.speak)
    built.add_node("look", walker.look)
    built.add_edge(START, "prepare")
    built.add_edge("prepare", "speak")
    built.add_conditional_edges("speak", lambda s: "look" if getattr(s["messages"][-1], "tool_calls", None) else END)
    built.add_edge("look", "prepare")
    found = guide(built.compile(), by_worth, n=2)("Who?")
    assert found.answer == "worth 4: it is 42"
    assert counted == [0, 0, 11, 11]


def test_messages_that_a_graph_removes_are_no_new_ones() -> None:
    class Forgetful(Walker):
        def look(self, state: Talk) -> Any:
            told = super().look(state)
            asked = [message for message in state["messages"] if message.type == "human"]
            return {"messages": [*(RemoveMessage(id=str(message.id)) for message in asked), *told["messages"]]}

        def speak(self, state: Talk, config: RunnableConfig) -> Any:
            return super().speak({**state, "messages": [HumanMessage("?"), *state["messages"]]}, config)

    walker = Forgetful([call(0, "a"), call(2, "b")], [call(1, "c"), call(0, "d")], [ANSWER])
    found = guide(walker.graph(), by_worth, n=2)("Who?")
    assert [step.observation for step in found.trajectory.steps] == ["found b", "found c", None]


def test_a_graph_that_waits_for_a_person_is_told() -> None:
    class Asking(Walker):
        def look(self, state: Talk) -> Any:
            interrupt("may I?")
            return super().look(state)

    found = guide(Asking([call(0, "a"), call(2, "b")], [ANSWER]).graph(), by_worth, n=2, max_steps=1)("Who?")
    assert found.failures == ("step 0, look: RuntimeError: the graph waits for a person at look",)


def test_a_graph_that_goes_round_in_circles_ends() -> None:
    built = StateGraph(Talk)
    built.add_node("idle", lambda state: {"turns": 1})
    built.add_edge(START, "idle")
    built.add_edge("idle", "idle")
    found = guide(built.compile(), by_worth, n=1)("Who?")
    assert found.stopped == "the agent failed"
    assert "went through 100 nodes" in found.failures[0]


def test_two_searches_at_once_do_not_meet_and_its_own_checkpoints_are_left_alone() -> None:
    own = InMemorySaver()
    walker = Walker([call(0, "a"), call(2, "b")], [call(1, "c"), call(0, "d")], [ANSWER])
    guided = guide(walker.graph(checkpointer=own), by_worth, n=2)

    async def both() -> Any:
        return await asyncio.gather(guided.asearch("Who?"), guided.asearch("When?"))

    for found in asyncio.run(both()):
        assert [step.observation for step in found.trajectory.steps] == ["found b", "found c", None]
    assert walker.looked.count("b") == walker.looked.count("c") == 2
    assert not own.storage


def test_what_cannot_be_guided_is_refused_at_once() -> None:
    class Other(TypedDict):
        query: str

    built = StateGraph(Other)
    built.add_node("n", lambda state: state)
    built.add_edge(START, "n")
    with pytest.raises(ConfigError, match=r"messages: a graph that is guided has a conversation .*found 'query'"):
        guide(built.compile(), by_worth)
    unfit: list[tuple[Any, str]] = [
        (built, "compile the graph first"),
        (lambda prompt: "?", "found 'function'; allowed: an object with async methods propose and execute"),
        (None, "found 'NoneType'"),
        (Walker, "found 'type'"),
    ]
    for agent, why in unfit:
        with pytest.raises(ConfigError, match=re.escape(why)):
            guide(agent, by_worth)
