"""Graphs at work: edges by status, bounded loops, forks that do not disturb each other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adjudge.agents import Report, Work
from adjudge.errors import ConfigError, ModelError, ToolError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.run import Run
from adjudge.types import Case, Event, JudgeResult, LimitReached, NodeStarted, Unscored, Verdict, VoteCast
from adjudge.types.messages import assistant, text_of

CASE = Case(id="c", prompt="?", responses=["long and good", "bad"])


def honest(request: Request) -> dict[str, Any]:
    """Scores the good response 9 and the other 2, wherever they stand."""
    last = text_of(request.messages[-1]["content"])
    good_first = last.rindex("long and good") < last.rindex("\nbad\n")
    scores = {"A": 9, "B": 2} if good_first else {"A": 2, "B": 9}
    return {"rationale": "I looked.", "citations": [], "scores": scores, "confidence": 0.5}


def judged(
    model: ScriptedModel, nodes: dict[str, Any] | None = None, edges: dict[str, Any] | None = None, **more: Any
) -> tuple[JudgeResult, list[Event]]:
    agents = more.pop("agents", {})
    spec = {
        "name": "own",
        "mode": "pairwise",
        "nodes": nodes or {"judge": {"agent": "judge"}},
        "edges": edges or {"start": "judge", "judge": "end"},
        **more,
    }
    events: list[Event] = []
    judge = Judge(spec, models={"default": model}, agents=agents)
    return asyncio.run(judge.ajudge(CASE, on_event=events.append)), events


def test_both_orders_are_judged_and_merged() -> None:
    result, events = judged(ScriptedModel(honest))
    assert isinstance(result.outcome, Verdict)
    assert (result.outcome.scores, result.outcome.winner) == ((9, 2), "A")
    assert [vote.order for vote in result.votes] == [(0, 1), (1, 0)]
    assert result.order_consistent is True
    assert len([event for event in events if isinstance(event, VoteCast)]) == 2


def test_every_order_and_sample_has_a_seed_of_its_own() -> None:
    model = ScriptedModel(honest)
    result, _ = judged(model, samples=3, models={"default": {"temperature": 1.0}})
    assert [(vote.order, vote.sample) for vote in result.votes] == [
        ((0, 1), 0),
        ((0, 1), 1),
        ((0, 1), 2),
        ((1, 0), 0),
        ((1, 0), 1),
        ((1, 0), 2),
    ]
    assert len({request.sampling.seed for request in model.requests}) == 6
    assert {request.sampling.temperature for request in model.requests} == {1.0}
    assert {vote.seed for vote in result.votes} == {request.sampling.seed for request in model.requests}


@pytest.mark.parametrize("seed", range(4))
def test_a_trajectory_is_kept_whatever_order_was_drawn(seed: int) -> None:
    result, _ = judged(
        ScriptedModel(honest), samples=2, seed=seed, orders="one", models={"default": {"temperature": 1.0}}
    )
    assert result.trajectory[-1]["role"] == "assistant"


def test_one_branch_that_fails_does_not_stop_its_sibling() -> None:
    def reply(request: Request) -> Any:
        text = request.text
        if text.rindex("long and good") > text.rindex("\nbad\n"):
            raise ModelError("down")
        return honest(request)

    result, _ = judged(ScriptedModel(reply))
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "model_failure"
    assert [vote.outcome.type for vote in result.votes] == ["verdict", "unscored"]


def test_a_limit_in_one_branch_leaves_what_the_other_found() -> None:
    result, events = judged(ScriptedModel(honest), limits={"model_calls": 1})
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "limit"
    assert [vote.outcome.type for vote in result.votes] == ["verdict", "unscored"]
    assert [event.limit for event in events if isinstance(event, LimitReached)] == ["model_calls"]


def test_statuses_of_own_agents_choose_the_next_node() -> None:
    async def check(work: Work, run: Run) -> Report:
        return Report("again" if work.visit < 2 else "fine")

    edges = {"start": "look", "look": {"again": "look", "fine": "judge"}, "judge": "end"}
    nodes = {"look": {"agent": "check"}, "judge": {"agent": "judge"}}
    result, events = judged(ScriptedModel(honest), nodes, edges, agents={"check": check}, limits={"visits": 3})
    assert isinstance(result.outcome, Verdict)
    assert [event.node for event in events if isinstance(event, NodeStarted)] == ["look"] * 3 + ["judge"] * 2


def test_a_loop_ends_when_its_node_was_entered_often_enough() -> None:
    async def check(work: Work, run: Run) -> Report:
        return Report("again")

    edges = {"start": "look", "look": {"again": "look", "fine": "judge"}, "judge": "end"}
    nodes = {"look": {"agent": "check"}, "judge": {"agent": "judge"}}
    result, events = judged(ScriptedModel(), nodes, edges, agents={"check": check}, limits={"visits": 3})
    assert isinstance(result.outcome, Unscored)
    assert "the node 'look' was entered 3 times" in result.outcome.detail
    assert [event.limit for event in events if isinstance(event, LimitReached)] == ["visits"]


def test_a_status_without_an_edge_is_the_users_mistake_and_named() -> None:
    async def check(work: Work, run: Run) -> Report:
        return Report("unsure")

    edges = {"start": "look", "look": {"fine": "judge"}, "judge": "end"}
    nodes = {"look": {"agent": "check"}, "judge": {"agent": "judge"}}
    with pytest.raises(ConfigError, match=r"status without an edge.*unsure.*allowed: fine"):
        judged(ScriptedModel(), nodes, edges, agents={"check": check})


@pytest.mark.parametrize(
    ("error", "reason"), [(ToolError("t"), "tool_failure"), (ModelError("m", kind="refused"), "refused")]
)
def test_an_own_agent_that_fails_leaves_the_case_unscored(error: Exception, reason: str) -> None:
    async def fails(work: Work, run: Run) -> Report:
        raise error

    result, _ = judged(ScriptedModel(), {"x": {"agent": "f"}}, {"start": "x", "x": "end"}, agents={"f": fails})
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == reason


def test_a_graph_that_ends_without_an_outcome_says_so() -> None:
    async def idle(work: Work, run: Run) -> Report:
        return Report()

    with pytest.raises(ConfigError, match="ended without an outcome"):
        judged(ScriptedModel(), {"x": {"agent": "f"}}, {"start": "x", "x": "end"}, agents={"f": idle})


def revisiting(thread: str) -> ScriptedModel:
    """A judge that is entered twice, with a gatherer before it each time."""

    async def gather(work: Work, run: Run) -> Report:
        return Report(messages=(assistant(f"note {work.visit}"),))

    async def decide(work: Work, run: Run) -> Report:
        return Report("again" if work.visit == 0 else "over")

    model = ScriptedModel(honest)
    nodes = {"gather": {"agent": "g"}, "judge": {"agent": "judge", "thread": thread}, "decide": {"agent": "d"}}
    edges = {"start": "gather", "gather": "judge", "judge": "decide", "decide": {"again": "gather", "over": "end"}}
    result, _ = judged(model, nodes, edges, agents={"g": gather, "d": decide}, limits={"visits": 4})
    assert isinstance(result.outcome, Verdict)
    assert len(result.votes) == 2
    return model


def test_a_fresh_judge_that_is_entered_again_does_not_see_its_first_verdict() -> None:
    assert all("I looked." not in request.text for request in revisiting("fresh").requests)


def test_a_judge_on_a_thread_sees_all_that_was_gathered_since() -> None:
    texts = [request.text for request in revisiting("gather").requests]
    assert ["note 1" in text for text in texts] == [False, False, True, True]
    assert all("I looked." not in text for text in texts)


def test_a_step_judge_without_candidates_is_asked_once() -> None:
    case = Case(prompt="?", trajectory={"steps": [{"thought": "one"}, {"thought": "two"}]})
    model = ScriptedModel(
        [{"rationale": "r", "citations": [], "steps": [9, 2], "first_wrong_step": 1, "confidence": 1}]
    )
    spec = {
        "name": "s",
        "mode": "step",
        "nodes": {"judge": {"agent": "judge"}},
        "edges": {"start": "judge", "judge": "end"},
    }
    result = asyncio.run(Judge(spec, models={"default": model}).ajudge(case))
    assert isinstance(result.outcome, Verdict)
    assert (result.outcome.scores, result.outcome.first_wrong_step) == ((9, 2), 1)
    assert len(model.requests) == 1
