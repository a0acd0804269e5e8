"""The executor of a plan: one step at a time, with tools, candidates and scorers, and what fails is typed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from adjudge.errors import ConfigError, ModelError, ToolError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.tools import Tool, tool
from adjudge.types import Answer, Case, Evidence, JudgeResult, Process, StepOutput, Unscored
from adjudge.types.messages import assistant, tool_call

CASE = Case(id="c", prompt="What is x + y?")


def planned(*goals: str, uses: dict[int, list[int]] | None = None) -> dict[str, Any]:
    steps = [{"goal": goal, "expected": "a number", "uses": (uses or {}).get(n, [])} for n, goal in enumerate(goals)]
    return {"steps": steps}


@tool
async def lookup(query: str) -> Evidence:
    """Look something up.

    Args:
        query: What.
    """
    return Evidence(excerpt=f"about {query}", source="table")


@tool
async def gone(query: str) -> str:
    """Look something up where nothing is.

    Args:
        query: What.
    """
    raise ToolError("the table is gone")


def call(name: str = "lookup", query: str = "x") -> Any:
    return assistant("", [tool_call("i", name, json.dumps({"query": query}))])


def is_step(request: Request) -> bool:
    return not request.sampling.json_schema


def team(steps: Callable[[Request], Any] | Sequence[Any], plan: dict[str, Any] | None = None) -> Callable[..., Any]:
    left = [] if callable(steps) else list(steps)

    def reply(request: Request) -> Any:
        wanted = (request.sampling.json_schema or {}).get("properties", {})
        if "steps" in wanted:
            return plan or planned("find x", "find y", "add them", uses={2: [0, 1]})
        if "answer" in wanted:
            return {"answer": "7", "citations": []}
        return steps(request) if callable(steps) else left.pop(0)

    return reply


def carried_out(
    steps: Callable[[Request], Any] | Sequence[Any],
    plan: dict[str, Any] | None = None,
    *,
    tools: Sequence[Tool] = (lookup, gone),
    embedded: bool = False,
    scorers: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    **execute: Any,
) -> tuple[JudgeResult, list[Request]]:
    """The result of a team without a judge, and the requests for steps."""
    model = ScriptedModel(team(steps, plan), embedded=embedded)
    spec = {
        "name": "team",
        "mode": "answer",
        "models": {"default": {"temperature": 0.7}},
        "nodes": {
            "plan": {"agent": "planner", "examples": False},
            "execute": {"agent": "step_executor", "tools": [item.name for item in tools], **execute},
            "answer": {"agent": "answerer"},
        },
        "edges": {"start": "plan", "plan": "execute", "execute": "answer", "answer": "end"},
        "limits": limits or {"model_calls": 1000, "tool_calls": 1000},
    }
    judge = Judge(spec, models={"default": model}, tools=tools, scorers=scorers)
    result = asyncio.run(judge.ajudge(CASE))
    return result, [request for request in model.requests if is_step(request)]


def process(result: JudgeResult) -> Process:
    assert result.process is not None
    return result.process


def outputs(result: JudgeResult) -> list[str]:
    return [item.output for item in process(result).outputs]


def unscored(result: JudgeResult) -> Unscored:
    assert isinstance(result.outcome, Unscored), result.outcome
    return result.outcome


def test_steps_are_carried_out_in_order_each_from_the_results_it_needs() -> None:
    result, requests = carried_out(["4\nby E1", "3", "7"], planned("find x", "find y", "add", uses={1: [], 2: [1]}))
    assert outputs(result) == ["4\nby E1", "3", "7"]
    assert [item.step for item in process(result).outputs] == [0, 1, 2]
    first, second, third = (request.text for request in requests)
    assert "Step 0: find x\nExpected result: a number" in first
    assert "result of step" not in first
    assert "result of step 0" in second  # it names none, so it gets all
    assert "result of step 1" in third
    assert "result of step 0" not in third


def test_a_step_calls_tools_and_then_writes_its_result_without_one() -> None:
    result, requests = carried_out([call(), "4\nsays E1"], planned("find x"))
    assert outputs(result) == ["4\nsays E1"]
    assert [tool["function"]["name"] for tool in requests[0].tools] == ["lookup", "gone"]
    assert "about x" in requests[1].text
    assert [item.name for item in result.evidence] == ["E1"]


def test_the_last_turn_is_for_the_result() -> None:
    result, requests = carried_out([call(query="a"), call(query="b"), "4"], planned("find x"), max_turns=3)
    assert outputs(result) == ["4"]
    assert [len(request.tools) for request in requests] == [2, 2, 0]
    assert "Write the result of the step now" in requests[2].text


def test_a_tool_call_is_no_result_even_with_words_beside_it() -> None:
    words = {**call(), "content": "I am going to look."}
    result, _ = carried_out([words, words, words, words], planned("find x"))
    assert unscored(result).reason == "parse_failure"
    assert process(result).outputs == (StepOutput(step=0, failed="the model wrote no result"),)


def test_only_the_tools_of_the_node_can_be_called() -> None:
    result, requests = carried_out([call("gone"), "4"], planned("find x"), tools=[lookup])
    assert "there is no tool 'gone'" in requests[1].text
    assert result.usage.tool_failures == 1


def test_a_step_whose_calls_all_failed_says_so_and_the_others_go_on() -> None:
    result, _ = carried_out([call(), "4", call("gone"), "I guess 3"], planned("find x", "find y"))
    assert isinstance(result.outcome, Answer)
    assert [item.tools_failed for item in process(result).outputs] == [False, True]


def test_a_step_that_recovers_from_a_failed_call_has_not_failed() -> None:
    result, _ = carried_out([call("gone"), call(), "4"], planned("find x"))
    assert process(result).outputs == (StepOutput(step=0, output="4"),)


def test_when_no_tool_call_succeeds_nothing_is_answered() -> None:
    result, _ = carried_out([call("gone"), "I guess 4", "3", "7"])
    assert unscored(result).reason == "tool_failure"
    assert "all 1 tool calls failed" in unscored(result).detail
    assert "the table is gone" in unscored(result).detail
    assert outputs(result) == ["I guess 4", "3", "7"]  # what is known is kept


def test_an_unknown_tool_is_refused_at_load_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean 'lookup'"):
        Judge.load("four_agents", model=ScriptedModel(), tools=[lookup], settings=["nodes.execute.tools=[lokup]"])


def test_a_model_that_cannot_call_tools_is_refused_at_load() -> None:
    with pytest.raises(ConfigError, match="cannot call tools"):
        Judge.load("four_agents", model=ScriptedModel(abilities=["chat"]))


def test_what_was_done_before_a_limit_is_kept() -> None:
    result, _ = carried_out(["4", "3", "7"], limits={"model_calls": 3})
    assert unscored(result).reason == "limit"
    assert outputs(result) == ["4", "3"]


def test_what_was_done_before_an_outage_is_kept() -> None:
    result, _ = carried_out(["4", ModelError("down", retryable=True)])
    assert (unscored(result).reason, unscored(result).transient) == ("model_failure", True)
    assert outputs(result) == ["4"]


# Candidates


def test_of_several_candidates_the_one_whose_first_line_agrees_most_is_the_base_of_the_next_step() -> None:
    drawn = ["5\nby guess", "4\nby E1", "4.0\nby counting", "9\nby mistake"]
    result, requests = carried_out([*drawn, *["done"] * 4], planned("find x", "use it"), best_of=4)
    first = process(result).outputs[0]
    assert first == StepOutput(step=0, output="4\nby E1", candidates=tuple(drawn), scores=(None,) * 4)
    assert len(requests) == 8
    assert len({request.sampling.seed for request in requests}) == 8
    assert "by E1" in requests[4].text
    assert "by guess" not in requests[4].text


def test_candidates_without_a_result_take_no_part() -> None:
    result, _ = carried_out(["", "4", ""], planned("find x"), best_of=3)
    assert process(result).outputs == (StepOutput(step=0, output="4"),)


@pytest.mark.parametrize(
    ("drawn", "calls"),
    [
        (["4\na", "4\nb"], 2),  # they agree: no third
        (["4", "5", "4"], 3),
        (["4", "5", "6", "7", "4"], 5),  # no majority: as many as may be
    ],
)
def test_adaptive_draws_more_only_while_no_majority_agrees(drawn: list[str], calls: int) -> None:
    result, requests = carried_out(drawn, planned("find x"), best_of=5, adaptive=True)
    assert len(requests) == calls
    assert outputs(result)[0].startswith("4")


def scorer(seen: list[Case], **scores: float | None) -> Any:
    async def score(case: Case) -> list[float | None]:
        seen.append(case)
        return [scores.get(step.thought.split("\n\n")[1]) for step in case.candidates]

    return score


def test_a_scorer_chooses_the_candidate() -> None:
    seen: list[Case] = []
    result, _ = carried_out(
        ["a", "b", "c", "d"],
        planned("find x", "use it"),
        best_of=2,
        scorer="prm",
        scorers={"prm": scorer(seen, a=0.1, b=0.9, c=0.5, d=0.5)},
    )
    first, second = process(result).outputs
    assert (first.output, first.scores) == ("b", (0.1, 0.9))
    assert (second.output, second.scores) == ("c", (0.5, 0.5))  # of equals the first
    assert seen[0].trajectory is None
    assert [step.thought for step in seen[0].candidates] == ["find x\n\na", "find x\n\nb"]
    assert seen[1].trajectory is not None
    assert [(step.thought, step.observation) for step in seen[1].trajectory.steps] == [("find x", "b")]


def test_candidates_that_are_not_scored_lose_to_those_that_are() -> None:
    result, _ = carried_out(["a", "b"], planned("x"), best_of=2, scorer="prm", scorers={"prm": scorer([], b=-4.0)})
    assert outputs(result) == ["b"]


def test_when_nothing_is_scored_agreement_decides() -> None:
    result, _ = carried_out(["4", "5", "5"], planned("x"), best_of=3, scorer="prm", scorers={"prm": scorer([])})
    assert process(result).outputs[0].scores == (None, None, None)
    assert outputs(result) == ["5"]


def test_a_single_candidate_is_not_scored() -> None:
    seen: list[Case] = []
    carried_out(["4"], planned("x"), best_of=1, scorer="prm", scorers={"prm": scorer(seen)})
    assert seen == []


def test_adaptive_asks_the_scorer_only_where_candidates_disagree() -> None:
    seen: list[Case] = []
    scorers = {"prm": scorer(seen, a=1.0)}
    carried_out(["4", "4"], planned("x"), best_of=2, adaptive=True, scorer="prm", scorers=scorers)
    assert seen == []
    carried_out(["4", "5"], planned("x"), best_of=2, adaptive=True, scorer="prm", scorers=scorers)
    assert len(seen) == 1


# The embedded model


def test_for_the_embedded_model_one_search_is_made_with_the_goal_of_each_step() -> None:
    result, requests = carried_out(["4", "3"], planned("find x", "find y"), tools=[gone, lookup], embedded=True)
    assert result.usage.tool_calls == result.usage.tool_failures == 2  # `gone` is the first that searches
    assert unscored(result).reason == "tool_failure"
    result, requests = carried_out(["4", "3"], planned("find x", "find y"), tools=[lookup, gone], embedded=True)
    assert isinstance(result.outcome, Answer)
    assert (result.usage.tool_calls, len(requests)) == (2, 2)
    assert "about find x" in requests[0].text
    assert "about find y" in requests[1].text
    assert all(request.tools == () for request in requests)
    assert [message["role"] for message in requests[0].messages] == ["system", "user"]


def test_the_embedded_model_goes_on_without_a_tool_that_searches() -> None:
    result, requests = carried_out(["4"], planned("find x"), tools=[], embedded=True)
    assert isinstance(result.outcome, Answer)
    assert "A search for it found" not in requests[0].text


def test_one_search_serves_all_candidates_of_the_embedded_model() -> None:
    result, requests = carried_out(["4", "5", "4"], planned("find x"), tools=[lookup], embedded=True, best_of=3)
    assert (result.usage.tool_calls, len(requests)) == (1, 3)
