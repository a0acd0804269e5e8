"""The events of four agents over HTTP: plans, results and flags as server-sent events, in the order of the stream."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from adjudge import Case, Judge, ScriptedModel
from adjudge.models.scripted import Request
from adjudge.serving.streaming import event_json
from adjudge.types import Checked, Finished, Flag, Plan, Planned, StepDone, StepOutput
from tests.serving.served import Running, running

GOALS = ("find x", "add y")
CASE = {"id": "c", "prompt": "What is x + y?"}


def steps(*goals: str) -> dict[str, Any]:
    return {"steps": [{"goal": goal, "expected": "a number", "uses": []} for goal in goals]}


class Team:
    """A team whose judge flags the execution, then the plan, then nothing."""

    def __init__(self) -> None:
        self.flags = ["execution", "plan"]

    def __call__(self, request: Request) -> Any:
        wanted = (request.sampling.json_schema or {}).get("properties", {})
        if "examples" in wanted:
            return {"examples": [{"question": "Like?", **steps("a")}]}
        if "steps" in wanted:
            return steps(*GOALS)
        if "answer" in wanted:
            return {"answer": "7", "citations": []}
        if "plan_at_fault" not in wanted:
            return "3\nso it says"
        flag = self.flags.pop(0) if self.flags else ""
        told = {"step": 1, "mistake": "8, not 7"} if flag else {"step": None, "mistake": ""}
        return {"plan_at_fault": flag == "plan", "execution_at_fault": flag == "execution", **told}


def team() -> Judge:
    return Judge.load("four_agents", model=ScriptedModel(Team()))


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for frame in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def asked(server: Running) -> list[tuple[str, dict[str, Any]]]:
    reply = server.post("/v1/judgements", {"graph": "four_agents", "case": CASE, "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    return events_of(reply.text)


def test_plans_results_and_flags_are_sent_as_they_happen() -> None:
    with running(team()) as server:
        told = asked(server)
    named = ["planned", "step_done", "checked"]
    done = ["step_done", "step_done", "checked"]
    assert [name for name, _ in told if name in named] == ["planned", *done, *done, "planned", *done]
    plans = [data for name, data in told if name == "planned"]
    assert [(data["node"], data["drawn"], data["corrections"]) for data in plans] == [("plan", 1, 0), ("plan", 1, 2)]
    assert [step["goal"] for step in plans[0]["plan"]["steps"]] == list(GOALS)
    outputs = [data for name, data in told if name == "step_done"]
    assert [(data["goal"], data["output"]["step"]) for data in outputs[:2]] == [("find x", 0), ("add y", 1)]
    assert outputs[0]["output"]["output"] == "3\nso it says"
    checks = [(data["flag"], data["ended"]) for name, data in told if name == "checked"]
    assert checks == [
        ({"kind": "execution", "step": 1, "mistake": "8, not 7"}, ""),
        ({"kind": "plan", "step": 1, "mistake": "8, not 7"}, ""),
        (None, "accepted"),
    ]
    assert told[-1][0] == "result"
    assert told[-1][1]["result"]["process"]["checked"] == "accepted"
    assert all(name == data["type"] and data["index"] == 0 for name, data in told)


def test_the_server_sends_what_the_stream_in_python_tells() -> None:
    async def stream() -> list[tuple[str, dict[str, Any]]]:
        events = [event async for event in team().stream(Case(**CASE))]
        assert isinstance(events[-1], Finished)
        return [(type(event).__name__, event_json(event, 0)) for event in events[:-1]]

    expected = json.loads(json.dumps(asyncio.run(stream())))
    assert {"Planned", "StepDone", "Checked"} <= {name for name, _ in expected}
    with running(team()) as server:
        assert [data for _, data in asked(server)[:-1]] == [data for _, data in expected]


PLAN = Plan.model_validate(steps("find x"))
OUTPUT = StepOutput(step=0, output="3", candidates=("3", "4"), scores=(0.5, None))
READ_BACK: list[tuple[Any, str, dict[str, Any]]] = [
    # an event, its name, and the types of what is no JSON by itself
    (Planned("plan", PLAN, 2, 1), "planned", {"plan": Plan}),
    (StepDone("execute", "find x", OUTPUT), "step_done", {"output": StepOutput}),
    (Checked("check", Flag(kind="plan", step=0, mistake="m"), ""), "checked", {"flag": Flag}),
    (Checked("check", None, "unreadable"), "checked", {}),
]


@pytest.mark.parametrize(("event", "name", "types"), READ_BACK)
def test_an_event_is_read_back_from_its_json(event: Any, name: str, types: dict[str, Any]) -> None:
    data = json.loads(json.dumps(event_json(event, 3)))
    assert (data.pop("type"), data.pop("index")) == (name, 3)
    read = {key: types[key](**value) if key in types else value for key, value in data.items()}
    assert type(event)(**read) == event
