"""Best of n: from functions, models, graphs; with failures kept out and told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from adjudge import Judge, ScriptedModel
from adjudge.errors import ConfigError, ModelError
from adjudge.models import Choice, ModelSpec, Sampling, to_langchain
from adjudge.models.scripted import Request
from adjudge.selection import Selected, aselect, select
from adjudge.types import Case, Message, RankResult, Response, Unscored
from adjudge.types.messages import assistant, tool_call, user

Judging = Callable[..., Judge]


@pytest.fixture
def judge(judging: Judging, by_number: Any) -> Judge:
    return judging(by_number)


def calls(judge: Judge) -> int:
    model = judge.models["default"]
    assert isinstance(model, ScriptedModel)
    return len(model.requests)


def best(selected: Selected) -> str:
    assert selected.response is not None
    return selected.response.text


def test_the_best_of_n_is_chosen(judge: Judge) -> None:
    selected = select(judge, "?", lambda prompt, index: f"[{[3, 9, 1, 5][index]}] {prompt}", 4)
    assert (best(selected), selected.index, len(selected.case.responses)) == ("[9] ?", 1, 4)
    assert isinstance(selected.ranking, RankResult)
    assert selected.ranking.scored
    assert selected.failures == ()


async def by_index(prompt: object, *, index: int) -> str:
    return f"[{index}]"


class Writer:
    async def __call__(self, prompt: object, index: int) -> str:
        return f"[{index}]"


class Plain:
    def __call__(self, prompt: object, index: int = 0, extra: str = "") -> Response:
        return Response(text=f"[{index}]{extra}")


@pytest.mark.parametrize(
    "generate",
    [
        by_index,
        Writer(),
        Plain(),
        partial(by_index),
        lambda prompt, number: f"[{number}]",
        lambda prompt, number: by_index(prompt, index=number),
        lambda prompt, index=0, *more: f"[{index}]",
    ],
)
def test_functions_get_the_index_in_whatever_way_they_take_it(judge: Judge, generate: Any) -> None:
    assert best(select(judge, "?", generate, 3)) == "[2]"


def test_functions_that_take_a_seed_get_distinct_ones_that_can_be_had_again(judge: Judge) -> None:
    def drawn(seed: int) -> list[int]:
        seeds: list[int] = []

        def generate(prompt: object, seed: int) -> str:
            seeds.append(seed)
            return f"[{len(seeds)}]"

        select(judge, "?", generate, 5, seed=seed)
        return sorted(seeds)

    assert len(set(drawn(0))) == 5
    assert drawn(0) == drawn(0) != drawn(1)


def test_plain_functions_run_side_by_side(judge: Judge) -> None:
    together = threading.Barrier(4, timeout=20)  # passed only by four at once

    def generate(prompt: object, index: int) -> str:
        together.wait()
        return f"[{index}]"

    assert best(select(judge, "?", generate, 4)) == "[3]"


def test_no_more_candidates_than_allowed_are_written_side_by_side(judge: Judge) -> None:
    running = most = 0

    async def generate(prompt: object, index: int) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return f"[{index}]"

    select(judge, "?", generate, 9, concurrency=3)
    assert most == 3


def test_one_candidate_needs_no_judge(judge: Judge) -> None:
    selected = select(judge, "?", lambda prompt: "[1]", 1)
    assert (best(selected), selected.index, calls(judge)) == ("[1]", 0, 0)


def test_identical_candidates_need_no_judge(judge: Judge) -> None:
    selected = select(judge, "?", lambda prompt: "[1]", 4)
    assert (best(selected), selected.index, calls(judge)) == ("[1]", 0, 0)


def test_what_fails_or_is_cut_off_takes_no_part_and_is_told(judge: Judge) -> None:
    async def generate(prompt: object, index: int) -> Any:
        if index == 0:
            raise ValueError("out of ideas")
        if index == 1:
            return Response(text="[9] but cut", complete=False)
        if index == 2:
            return "  "
        if index == 3:
            await asyncio.sleep(60)
        if index == 4:
            return 7
        return f"[{index}]"

    selected = select(judge, "?", generate, 7, timeout=1)
    assert best(selected) == "[6]"
    told = [failure.reason for failure in selected.failures]
    assert [failure.index for failure in selected.failures] == [0, 1, 2, 3, 4]
    for reason, words in zip(
        told, ("ValueError: out of ideas", "incomplete", "empty", "1 seconds", "'int'"), strict=True
    ):
        assert words in reason
    assert [response.complete for response in selected.case.responses] == [False] * 5 + [True] * 2


def test_if_all_fail_the_first_reason_is_named(judge: Judge) -> None:
    def generate(prompt: object, index: int) -> str:
        raise ValueError(f"no {index}")

    with pytest.raises(ModelError, match="none of 3 candidates can be compared; the first: ValueError: no 0"):
        select(judge, "?", generate, 3)
    assert calls(judge) == 0


def test_if_one_is_left_it_is_chosen_unjudged(judge: Judge) -> None:
    def generate(prompt: object, index: int) -> str:
        if index != 2:
            raise ValueError("no")
        return "[1]"

    selected = select(judge, "?", generate, 4)
    assert (selected.index, calls(judge)) == (2, 0)


def test_an_outage_of_the_judge_chooses_nobody(judging: Judging) -> None:
    away = judging(lambda names: ModelError("away", kind="rejected"))
    selected = select(away, "?", lambda prompt, index: f"[{index}]", 3)
    assert (selected.response, selected.index) == (None, None)
    assert isinstance(selected.ranking.outcome, Unscored)
    assert len(selected.case.responses) == 3  # the candidates are not lost


def test_of_equals_the_first_is_chosen(judging: Judging) -> None:
    judge = judging(lambda names: [5.0] * len(names))
    selected = select(judge, "?", lambda prompt, index: f"[{index}]", 4)
    assert selected.index == 0
    assert getattr(selected.ranking.outcome, "winner", None) == "tie"


def test_a_hundred_candidates_within_a_budget(judge: Judge) -> None:
    selected = select(judge, "?", lambda prompt, index: f"[{index / 10}]", 100, strategy="listwise")
    assert len(selected.case.responses) == 100
    assert selected.response is not None


# models


def test_a_model_is_sampled_warm_with_distinct_seeds(judge: Judge) -> None:
    model = ScriptedModel(lambda request: f"[{len(model.requests)}]")
    selected = select(judge, [user("?")], model, 4)
    assert len({request.sampling.seed for request in model.requests}) == 4
    assert {request.sampling.temperature for request in model.requests} == {1.0}
    assert {response.model for response in selected.case.responses} == {"scripted"}
    select(judge, "?", model, 2, sampling=Sampling(temperature=0.3, max_tokens=7))
    assert (model.requests[-1].sampling.temperature, model.requests[-1].sampling.max_tokens) == (0.3, 7)


def test_a_model_by_name_is_opened_and_sampled_as_its_specification_says(judge: Judge, tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text("[1]\n[4]\n[2]\n")
    assert best(select(judge, "?", f"scripted:{script}", 3)) == "[4]"
    assert best(select(judge, "?", ModelSpec(provider="scripted", model=str(script), temperature=0.5), 3)) == "[4]"


def test_a_reply_that_is_cut_off_is_incomplete(judge: Judge) -> None:
    script: list[str | Choice] = [Choice(assistant("[9] and so"), "length"), "[1]", "[2]"]
    selected = select(judge, "?", ScriptedModel(script), 3)
    assert best(selected) == "[2]"
    assert selected.failures[0].reason == "cut off after 1024 tokens"


def test_a_langchain_model_is_a_model(judge: Judge) -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("[1]"), AIMessage("[7]"), AIMessage("[3]")]))
    assert best(select(judge, "?", model, 3)) == "[7]"


# graphs and runnables


def agent(*turns: AIMessage, checkpointer: Any = None) -> Any:
    class State(MessagesState):
        turn: int

    async def speak(state: State) -> dict[str, Any]:
        return {"messages": list(turns)}

    graph = StateGraph(State)
    graph.add_node("speak", speak)
    graph.add_edge(START, "speak")
    graph.add_edge("speak", END)
    return graph.compile(checkpointer=checkpointer)


def test_an_agents_whole_conversation_is_the_response(judge: Judge) -> None:
    @tool
    def look(query: str) -> str:
        """Look something up."""
        return f"found {query}"

    def reply(request: Request) -> Message:
        if any(message["role"] == "tool" for message in request.messages):
            return assistant("[4] It is so.")
        return assistant("Let me look.", [tool_call("c1", "look", '{"query": "it"}')])

    graph = create_agent(to_langchain(ScriptedModel(reply)), tools=[look])
    selected = select(judge, "?", graph, 2)
    assert best(selected) == "[4] It is so."
    assert selected.response is not None
    assert selected.response.trajectory is not None
    (step,) = selected.response.trajectory.steps
    assert (step.thought, step.tool, step.observation) == ("Let me look.", "look", "found it")


def test_what_stood_in_the_prompt_is_no_part_of_the_response(judge: Judge) -> None:
    graph = agent(AIMessage("[2] I say."))
    talk = [user("Hi"), assistant("Hello"), user("?")]
    selected = select(judge, talk, graph, 1)
    assert selected.response == Response(text="[2] I say.")


def test_candidates_of_a_graph_with_memory_know_nothing_of_one_another(judge: Judge) -> None:
    async def speak(state: MessagesState) -> dict[str, list[AnyMessage]]:
        said = sum(isinstance(message, HumanMessage) for message in state["messages"])
        return {"messages": [AIMessage(f"[{said}]")]}

    graph = StateGraph(MessagesState)
    graph.add_node("speak", speak)
    graph.add_edge(START, "speak")
    graph.add_edge("speak", END)
    compiled = graph.compile(checkpointer=InMemorySaver())
    for _ in range(2):
        selected = select(judge, "?", compiled, 3)
        assert {response.text for response in selected.case.responses} == {"[1]"}


@pytest.mark.parametrize(
    ("turns", "told"),
    [
        ((AIMessage("[1] and", response_metadata={"finish_reason": "length"}),), "cut off"),
        ((AIMessage("[1]", tool_calls=[{"name": "look", "args": {}, "id": "c"}]),), "nobody answered"),
        (
            (AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "c"}]), ToolMessage("x", tool_call_id="c")),
            "without a reply",
        ),
        ((AIMessage(""),), "empty"),
        ((), "without a reply"),
    ],
)
def test_a_conversation_without_an_end_is_incomplete(judge: Judge, turns: tuple[Any, ...], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        select(judge, "?", agent(*turns), 2)


def test_a_graph_that_fails_costs_its_candidate_only(judge: Judge) -> None:
    seen: list[int] = []

    async def speak(state: MessagesState) -> dict[str, list[AnyMessage]]:
        seen.append(1)
        if len(seen) == 1:
            raise RuntimeError("no tools today")
        return {"messages": [AIMessage(f"[{len(seen)}]")]}

    graph = StateGraph(MessagesState)
    graph.add_node("speak", speak)
    graph.add_edge(START, "speak")
    graph.add_edge("speak", END)
    selected = select(judge, "?", graph.compile(), 3)
    assert len(selected.failures) == 1
    assert "RuntimeError: no tools today" in selected.failures[0].reason


def test_a_chain_gets_the_prompt_as_it_is(judge: Judge) -> None:
    chain: RunnableLambda[str, AIMessage] = RunnableLambda(lambda prompt: AIMessage(f"[3] {prompt}"))
    assert best(select(judge, "why?", chain, 1)) == "[3] why?"


def test_a_graph_whose_state_is_no_conversation_says_so(judge: Judge) -> None:
    class State(TypedDict):
        answer: str

    graph = StateGraph(State)
    graph.add_node("speak", lambda state: {"answer": "[1]"})
    graph.add_edge(START, "speak")
    graph.add_edge("speak", END)
    compiled = graph.compile()
    with pytest.raises(ModelError, match="none of 2"):
        select(judge, "?", compiled, 2)
    wrapped = lambda prompt: compiled.invoke({"answer": ""})["answer"]  # noqa: E731 - what a user would write
    assert best(select(judge, "?", wrapped, 2)) == "[1]"


# what is asked for


def test_a_case_brings_its_reference_and_documents(judge: Judge) -> None:
    asked = Case(id="mine", prompt="?", reference="two")
    selected = asyncio.run(aselect(judge, asked, lambda prompt, index: f"[{index}]", 2))
    assert (selected.case.id, selected.case.reference, best(selected)) == ("mine", "two", "[1]")


@pytest.mark.parametrize(
    ("prompt", "generate", "n", "told"),
    [
        ("?", lambda prompt: "x", 0, "at least 1"),
        ("?", 7, 2, "cannot write responses"),
        (Case(prompt="?", responses=["a"]), lambda prompt: "x", 2, "has responses already"),
    ],
)
def test_what_cannot_be_meant_is_refused(judge: Judge, prompt: Any, generate: Any, n: int, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        select(judge, prompt, generate, n)


def test_it_can_be_called_inside_a_running_loop(judge: Judge) -> None:
    async def go() -> str:
        return best(select(judge, "?", lambda prompt, index: f"[{index}]", 2))

    assert asyncio.run(go()) == "[1]"


def test_a_pointwise_graph_scores_each_by_itself(judging: Judging) -> None:
    judge = judging(lambda names: [float(names[0])], graph="rubric")
    selected = select(judge, "?", lambda prompt, index: f"[{index + 1}]", 3)
    assert (best(selected), selected.ranking.strategy) == ("[3]", "pointwise")
