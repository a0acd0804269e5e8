"""Scorers of candidate steps: a judge or a function, within the judgement's limits, costs and journal."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError, ModelError
from adjudge.journal import Journal
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.replay import replay
from adjudge.types import Answer, Case, Event, JudgeResult, ModelCalled, Process, ToolCalled, Unscored

CASE = Case(id="c", prompt="What is x?")
STEPS = {
    "name": "steps",
    "mode": "step",
    "scale": {"min": -4, "max": 4},
    "nodes": {"judge": {"agent": "judge", "decide": "generate"}},
    "edges": {"start": "judge", "judge": "end"},
}


def drawing(*drawn: str) -> ScriptedModel:
    """A team with a plan of one step and these candidates for it."""
    left = list(drawn)

    def reply(request: Request) -> Any:
        wanted = (request.sampling.json_schema or {}).get("properties", {})
        if "steps" in wanted:
            return {"steps": [{"goal": "find x", "expected": "", "uses": []}]}
        return {"answer": "7", "citations": []} if "answer" in wanted else left.pop(0)

    return ScriptedModel(reply)


def team(scorer: Any, model: ScriptedModel | None = None, journal: Any = None, **limits: Any) -> Judge:
    spec = {
        "name": "team",
        "mode": "answer",
        "models": {"default": {"temperature": 0.7}},
        "nodes": {
            "plan": {"agent": "planner", "examples": False},
            "execute": {"agent": "step_executor", "best_of": 2, "scorer": "prm"},
            "answer": {"agent": "answerer"},
        },
        "edges": {"start": "plan", "plan": "execute", "execute": "answer", "answer": "end"},
        "limits": limits,
    }
    return Judge(spec, models={"default": model or drawing("four", "five")}, scorers={"prm": scorer}, journal=journal)


def step_judge(reply: Any = None, **spec: Any) -> Judge:
    """A judge of steps that prefers `five`, whatever the order."""

    def prefer(request: Request) -> Any:
        first = request.text.rindex("four") < request.text.rindex("five")
        scores = {"A": 1, "B": 3} if first else {"A": 3, "B": 1}
        return {"rationale": "r", "citations": [], "scores": scores, "confidence": 1}

    return Judge({**STEPS, **spec}, models={"default": ScriptedModel(reply or prefer)})


def one(judge: Judge, events: list[Event] | None = None) -> JudgeResult:
    return asyncio.run(judge.ajudge(CASE, on_event=None if events is None else events.append))


def process(result: JudgeResult) -> Process:
    assert result.process is not None
    return result.process


async def longest(case: Case) -> list[float | None]:
    return [float(len(step.thought)) for step in case.candidates]


def test_a_judge_scores_in_both_orders_and_its_calls_count() -> None:
    scorer, events = step_judge(), list[Event]()
    result = one(team(scorer), events)
    assert process(result).outputs[0].scores == (1, 3)
    assert process(result).outputs[0].output == "five"
    assert result.usage.model_calls == 1 + 2 + 2 + 1  # plan, candidates, both orders, answer
    assert result.votes == ()
    called = [event.at.node for event in events if isinstance(event, ModelCalled)]
    assert called == ["plan", "execute", "execute", "judge", "judge", "answer"]
    model = scorer.models["default"]
    assert isinstance(model, ScriptedModel)
    assert "find x" in model.requests[0].text


def test_the_limits_of_the_judgement_hold_for_its_scorer() -> None:
    result = one(team(step_judge(), model_calls=4))
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "limit"
    assert result.usage.model_calls == 4


@pytest.mark.parametrize("reply", [lambda _: "no", lambda _: ModelError("down")])
def test_a_judge_that_gives_no_verdict_leaves_the_candidates_unscored(reply: Any) -> None:
    result = one(team(step_judge(reply)))
    assert isinstance(result.outcome, Answer)
    assert process(result).outputs[0].scores == (None, None)
    assert process(result).outputs[0].output == "four"  # nobody agrees: the first


def test_a_judge_that_gathers_evidence_first_has_a_ledger_of_its_own() -> None:
    nodes = {"gather": {"agent": "executor"}, "judge": {"agent": "judge", "decide": "generate"}}

    def reply(request: Request) -> Any:
        return {"rationale": "r", "citations": [], "scores": {"A": 1, "B": 3}} if request.sampling.json_schema else "ok"

    scorer = step_judge(reply, nodes=nodes, edges={"start": "gather", "gather": "judge", "judge": "end"}, orders="one")
    result = one(team(scorer))
    assert isinstance(result.outcome, Answer)
    assert set(process(result).outputs[0].scores) == {1, 3}


def test_a_function_counts_as_a_tool_call_and_is_told() -> None:
    events: list[Event] = []
    result = one(team(longest), events)
    assert (result.usage.tool_calls, result.usage.tool_failures) == (1, 0)
    assert [(event.tool, event.error) for event in events if isinstance(event, ToolCalled)] == [("prm", None)]


async def broken(case: Case) -> list[float | None]:
    raise RuntimeError("the weights are gone")


async def short(case: Case) -> list[float | None]:
    return [1.0]


async def infinite(case: Case) -> list[float | None]:
    return [math.inf, math.nan]


async def words(case: Case) -> Any:
    return ["good", "bad"]


@pytest.mark.parametrize("scorer", [broken, short, infinite, words])
def test_a_function_that_fails_scores_nothing_and_the_failure_is_told(scorer: Any) -> None:
    events: list[Event] = []
    result = one(team(scorer), events)
    assert isinstance(result.outcome, Answer)
    assert process(result).outputs[0].scores == (None, None)
    assert result.usage.tool_failures == 1
    (told,) = [event.error for event in events if isinstance(event, ToolCalled)]
    assert told is not None
    assert "the scorer 'prm' failed" in told


def test_a_function_beyond_the_limit_is_not_called() -> None:
    result = one(team(longest, tool_calls=0))
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "limit"


class Reward:
    """An own object that scores."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    async def __call__(self, case: Case) -> list[float | None]:
        return await longest(case)


def test_what_scores_is_part_of_what_judged() -> None:
    scorers = [longest, short, Reward("one"), Reward("two"), step_judge(), step_judge(seed=1)]
    digests = [team(scorer).fingerprint.digest for scorer in scorers]
    assert len(set(digests)) == len(scorers)
    assert team(longest).fingerprint == team(longest).fingerprint
    assert team(Reward("one")).fingerprint == team(Reward("one")).fingerprint


def test_what_is_no_scorer_is_refused() -> None:
    def plain(case: Case) -> list[float]:
        return [0.0]

    with pytest.raises(ConfigError, match="an async function"):
        team(plain)
    with pytest.raises(ConfigError, match="a scorer judges steps"):
        team(Judge.load("direct", model=ScriptedModel()))


@pytest.mark.parametrize("kind", ["judge", "function"])
def test_no_finished_scoring_is_done_twice_and_a_replay_scores_the_same(kind: str, tmp_path: Path) -> None:
    asked: list[str] = []

    async def counted(case: Case) -> list[float | None]:
        asked.append(case.id)
        return await longest(case)

    scorer = step_judge() if kind == "judge" else counted
    inner = scorer.models["default"] if isinstance(scorer, Judge) else None
    path = tmp_path / "run.sqlite"
    down = drawing("four", "five", "never drawn")

    def without_answer(request: Request) -> Any:
        if "answer" in (request.sampling.json_schema or {}).get("properties", {}):
            raise ModelError("down", retryable=True)
        return down._next(request)

    first = one(team(scorer, ScriptedModel(without_answer), Journal(path)))
    assert isinstance(first.outcome, Unscored)
    calls = len(inner.requests) if isinstance(inner, ScriptedModel) else len(asked)
    assert calls > 0

    again = team(scorer, drawing(), Journal(path))
    second = one(again)
    assert isinstance(second.outcome, Answer)
    assert (len(inner.requests) if isinstance(inner, ScriptedModel) else len(asked)) == calls
    assert process(second) == process(first)
    asyncio.run(again.aclose())
    (replayed,) = replay(path, judge=again)
    assert replayed.identical, replayed
