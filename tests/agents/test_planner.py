"""The planner: examples first, parallel plans of which one is chosen, and plans that cannot be read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import ModelError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.types import Answer, Case, JudgeResult, Plan, Unscored

CASE = Case(id="c", prompt="How tall is the tower?")
NODES = {"plan": {"agent": "planner"}, "answer": {"agent": "answerer"}}
EDGES = {"start": "plan", "plan": "answer", "answer": "end"}


def steps(*goals: str) -> list[dict[str, Any]]:
    return [{"goal": goal, "expected": "a fact", "uses": []} for goal in goals]


def examples(*questions: str) -> dict[str, Any]:
    return {"examples": [{"question": question, "steps": steps(f"look up {question}")} for question in questions]}


def asked(request: Request) -> str:
    """What a request asks for: `examples`, `steps` or `answer`."""
    return str(next(iter((request.sampling.json_schema or {})["properties"])))


def planned(
    plans: Sequence[Any], *, shown: Any = None, embedded: bool = False, **plan: Any
) -> tuple[JudgeResult, ScriptedModel]:
    left = list(plans)

    def reply(request: Request) -> Any:
        if asked(request) == "examples":
            return examples("one", "two") if shown is None else shown
        return left.pop(0) if asked(request) == "steps" else {"answer": "300 m", "citations": []}

    model = ScriptedModel(reply, embedded=embedded)
    spec = {
        "name": "plans",
        "mode": "answer",
        "models": {"default": {"temperature": 0.7}},
        "nodes": {**NODES, "plan": {"agent": "planner", **plan}},
        "edges": EDGES,
        "limits": {"model_calls": 100},
    }
    return asyncio.run(Judge(spec, models={"default": model}).ajudge(CASE)), model


def calls(model: ScriptedModel) -> list[str]:
    return [asked(request) for request in model.requests]


def test_examples_come_first_and_the_plan_is_made_after_one_of_them() -> None:
    result, model = planned([{"steps": steps("find the tower", "read its height")}])
    assert calls(model) == ["examples", "steps", "answer"]
    assert "look up one" in model.requests[1].text
    assert "look up two" not in model.requests[1].text
    assert result.process is not None
    assert [example.question for example in result.process.examples] == ["one", "two"]
    assert result.process.plan == Plan.model_validate({"steps": steps("find the tower", "read its height")})
    assert result.process.checked == ""  # nobody did


def test_it_says_what_and_not_how() -> None:
    _, model = planned([{"steps": steps("x")}])
    system = str(model.requests[1].messages[0]["content"])
    assert "names no tool" in system
    assert all(not request.tools for request in model.requests)


def test_parallel_plans_follow_different_examples_and_the_one_that_agrees_most_is_chosen() -> None:
    plans = [{"steps": steps(goal)} for goal in ("measure the shadow", "read the sign", "read that sign", "ask around")]
    result, model = planned(plans, parallel=4)
    assert calls(model) == ["examples", *["steps"] * 4, "answer"]
    assert "Write 4 questions like this task" in model.requests[0].text
    shown = [("look up one" in request.text, "look up two" in request.text) for request in model.requests[1:5]]
    assert shown == [(True, False), (False, True)] * 2
    assert len({request.sampling.seed for request in model.requests}) == len(model.requests)
    assert result.process is not None
    assert (len(result.process.plans), result.process.chosen) == (4, 1)
    assert result.process.plan is not None
    assert result.process.plan.steps[0].goal == "read the sign"


def test_without_examples_none_are_asked_for() -> None:
    result, model = planned([{"steps": steps("x")}, {"steps": steps("y")}], parallel=2, examples=False)
    assert calls(model) == ["steps", "steps", "answer"]
    assert result.process is not None
    assert result.process.examples == ()


def test_examples_that_cannot_be_read_are_done_without() -> None:
    result, model = planned([{"steps": steps("x")}], shown="none", repair=1)
    assert calls(model) == ["examples", "examples", "steps", "answer"]
    assert isinstance(result.outcome, Answer)
    assert result.usage.repairs == 1


def test_adaptive_plans_stop_at_two_that_agree() -> None:
    _, model = planned([{"steps": steps("read the sign")}] * 2, parallel=8, adaptive=True)
    assert calls(model).count("steps") == 2


def test_adaptive_plans_go_on_one_by_one_until_a_majority_agrees() -> None:
    plans = [{"steps": steps(goal)} for goal in ("measure the shadow", "read the sign", "read the sign")]
    result, model = planned(plans, parallel=8, adaptive=True)
    assert calls(model).count("steps") == 3
    assert result.process is not None
    assert result.process.chosen == 1


def test_adaptive_plans_that_differ_in_one_operation_do_not_agree() -> None:
    first = ("find the sales of the north in 2019", "find the sales of the north in 2020")
    plans = [
        {"steps": steps(*first, f"{what} the result of step 1 by that of step 0")}
        for what in ("divide", "reduce", "divide")
    ]
    result, model = planned(plans, parallel=8, adaptive=True)
    assert calls(model).count("steps") == 3
    assert result.process is not None
    assert result.process.chosen == 0


def test_adaptive_plans_that_never_agree_end_at_the_most() -> None:
    plans = [{"steps": steps(goal)} for goal in ("measure", "read", "ask", "guess")]
    _, model = planned(plans, parallel=4, adaptive=True)
    assert calls(model).count("steps") == 4


UNREADABLE: list[tuple[str, Any, str]] = [
    ("no steps", {"steps": []}, "a list of 1 to 8"),
    ("steps that are no list", {"steps": "first look, then leap"}, "a list of 1 to 8"),
    ("too many steps", {"steps": steps(*"abcdefghi")}, "a list of 1 to 8"),
    ("a step without a goal", {"steps": [{"goal": "", "expected": "", "uses": []}]}, "steps.0.goal"),
    ("a step of another kind", {"steps": ["look"]}, "steps.0"),
    ("a step that names itself", {"steps": [{**steps("a")[0], "uses": [0]}]}, "earlier steps only"),
    ("a step that names a later one", {"steps": [*steps("a"), {**steps("b")[0], "uses": [2]}]}, "earlier steps only"),
    (
        "a step that names none there is",
        {"steps": [*steps("a"), {**steps("b")[0], "uses": [-1]}]},
        "earlier steps only",
    ),
    ("a step with a tool", {"steps": [{**steps("a")[0], "tool": "search"}]}, "steps.0.tool"),
    ("half a character", '{"steps": [{"goal": "\\ud800", "expected": "", "uses": []}]}', "steps.0.goal"),
    ("prose", "First I would look.", "no complete JSON object"),
    ("deep nesting", '{"steps": ' + "[" * 100_000, "nested too deeply"),
    ("an empty reply", "", "no complete JSON object"),
]


@pytest.mark.parametrize(("name", "reply", "why"), UNREADABLE, ids=[row[0] for row in UNREADABLE])
def test_a_plan_that_cannot_be_read_is_sent_back_with_the_reason(name: str, reply: Any, why: str) -> None:
    result, model = planned([reply, {"steps": steps("look")}])
    assert isinstance(result.outcome, Answer)
    assert result.usage.repairs == 1
    assert why in str(model.requests[2].messages[-1]["content"])


def test_without_any_readable_plan_there_is_no_answer() -> None:
    result, model = planned(["no"] * 6, repair=1, parallel=3)
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "parse_failure"
    assert "no plan can be read" in result.outcome.detail
    assert calls(model) == ["examples", *["steps"] * 6]
    assert "answer" not in calls(model)


def test_the_embedded_model_is_asked_once() -> None:
    result, model = planned(["no"] * 6, embedded=True)
    assert isinstance(result.outcome, Unscored)
    assert calls(model) == ["steps"]


def test_plans_that_can_be_read_are_enough() -> None:
    result, _ = planned([{"steps": steps("look")}, "no"], repair=0, parallel=2)
    assert isinstance(result.outcome, Answer)
    assert result.process is not None
    assert len(result.process.plans) == 1


BAD_EXAMPLES: list[Any] = [
    {"examples": []},
    {"examples": "none"},
    {"examples": ["one"]},
    {"examples": [{"question": 7, "steps": steps("a")}]},
    {"examples": [{"question": "one", "steps": []}]},
    {"examples": [{"question": "one"}]},
]


@pytest.mark.parametrize("shown", BAD_EXAMPLES)
def test_bad_examples_do_not_stop_the_plan(shown: Any) -> None:
    result, _ = planned([{"steps": steps("x")}], shown=shown, repair=0)
    assert isinstance(result.outcome, Answer)


def test_half_a_character_in_an_example_does_no_harm() -> None:
    shown = '{"examples": [{"question": "\\ud800?", "steps": [{"goal": "a", "expected": "", "uses": []}]}]}'
    result, _ = planned([{"steps": steps("x")}], shown=shown)
    assert result.process is not None
    assert result.process.examples[0].question == "??"


def test_a_model_that_fails_is_typed_and_no_plan_goes_on_unseen() -> None:
    result, model = planned(
        [{"steps": steps("x")}, ModelError("down", retryable=True), {"steps": steps("y")}], parallel=3
    )
    assert isinstance(result.outcome, Unscored)
    assert (result.outcome.reason, result.outcome.transient) == ("model_failure", True)
    assert calls(model).count("steps") == 3


@settings(max_examples=40, deadline=None)
@given(
    st.text(max_size=300) | st.recursive(st.none() | st.booleans() | st.text(), st.lists, max_leaves=8).map(json.dumps)
)
def test_whatever_a_model_writes_a_plan_or_an_unscored_comes_of_it(text: str) -> None:
    result, _ = planned([text, f'{{"steps": {text}}}', text], repair=2, examples=False)
    assert isinstance(result.outcome, Answer | Unscored)
