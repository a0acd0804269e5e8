"""What a judge of steps is shown: a step that has not run without its result, the steps before it with theirs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from adjudge.agents.trajectory_summarizer import HEADINGS
from adjudge.judge import Judge
from adjudge.models import Choice, ScriptedModel, TokenLogprob
from adjudge.models.scripted import Request
from adjudge.tools import tool
from adjudge.types import Case, Step, Trajectory, Verdict
from adjudge.types.messages import assistant
from adjudge.types.steps import EMPTY, NO_RESULT

PAST = Trajectory(
    steps=tuple(Step(thought=f"T-{n}", tool="look", arguments={"at": n}, observation=f"R-{n}") for n in range(3))
)
CANDIDATES = tuple(Step(thought=f"C-{n}", tool="look", observation=f"SECRET-{n}") for n in range(2))
STEPS = {"name": "s", "mode": "step", "scale": {"min": 1, "max": 5}}
HISTORIES = ("full", "last", "summary")


def reply(request: Request) -> Any:
    wanted = (request.sampling.json_schema or {}).get("properties", {})
    if "confirmed_knowledge" in wanted:
        return json.dumps(dict.fromkeys(HEADINGS, "known"))
    if request.sampling.top_logprobs:
        return Choice(assistant("3"), logprobs=(TokenLogprob("3", 0.0, (("3", 0.0), ("E", -1.0))),))
    if "dimensions" in wanted:
        return {"dimensions": [{"name": "n", "assessment": "a"}], "score": 2}
    told = {"rationale": "r", "citations": [], "confidence": 0.5}
    if "scores" in wanted:
        return {**told, "scores": dict.fromkeys(wanted["scores"]["required"], 3)}
    return {**told, "steps": [3] * wanted["steps"]["minItems"], "first_wrong_step": None}


def graph(**judge: Any) -> dict[str, Any]:
    return {**STEPS, "nodes": {"judge": {"agent": "judge", **judge}}, "edges": {"start": "judge", "judge": "end"}}


def gathering(decide: str) -> dict[str, Any]:
    nodes = {"gather": {"agent": "executor"}, "judge": {"agent": "judge", "decide": decide}}
    return {**STEPS, "nodes": nodes, "edges": {"start": "gather", "gather": "judge", "judge": "end"}}


def asked(judge: Judge, case: Case) -> list[str]:
    """The prompts for verdicts and scores, the last user messages."""
    outcome = judge(case).outcome
    assert isinstance(outcome, Verdict), outcome
    model = judge.models["default"]
    assert isinstance(model, ScriptedModel)
    prompts = [str(request.messages[-1]["content"]) for request in model.requests]
    return [text for text in prompts if "confirmed_knowledge" not in text]


def scored(history: str) -> Judge:
    return Judge.load("information_gain", model=ScriptedModel(reply), settings=[f"nodes.judge.history={history}"])


@pytest.mark.parametrize("spec", [graph(decide="generate"), graph(decide="logprobs"), gathering("generate")])
def test_a_candidate_is_never_shown_with_what_came_back_of_it(spec: dict[str, Any]) -> None:
    model = ScriptedModel(lambda request: reply(request) if request.sampling.json_schema else "Looked.")
    if spec["nodes"]["judge"]["decide"] == "logprobs":
        model = ScriptedModel(reply)
    judge = Judge(spec, models={"default": model})
    asked(judge, Case(id="s", prompt="Who?", trajectory=PAST, candidates=CANDIDATES))
    told = "".join(request.text for request in model.requests)
    assert "SECRET" not in told
    assert all(text in told for text in ("C-0", "C-1", "R-0", "R-1", "R-2"))


@pytest.mark.parametrize("history", HISTORIES)
def test_judged_by_itself_a_candidate_is_not_shown_with_what_came_back_of_it(history: str) -> None:
    judge = scored(history)
    prompts = asked(judge, Case(id="s", prompt="Who?", trajectory=PAST, candidates=CANDIDATES))
    assert len(prompts) == 2
    for number, text in enumerate(prompts):
        assert "SECRET" not in text
        assert f"C-{number}" in text
        assert f"C-{1 - number}" not in text
        assert "R-2" in text  # the last result, whatever else is seen


SEEN = [
    # history, the place of the step, results that are shown
    *(("full", place, range(place)) for place in range(3)),
    ("last", 0, []),
    ("last", 1, [0]),
    ("last", 2, [0, 1]),
    ("summary", 0, []),
    ("summary", 1, [0]),
    ("summary", 2, [1]),
]


@pytest.mark.parametrize(("history", "place", "results"), SEEN)
def test_a_step_of_a_trajectory_is_judged_before_its_result_and_after_those_of_others(
    history: str, place: int, results: Any
) -> None:
    text = asked(scored(history), Case(id="s", prompt="Who?", trajectory=PAST))[place]
    assert re.findall(r"R-\d", text) == [f"R-{number}" for number in results]
    current = re.findall(r"<<<current step \S+\n(.*?)\n\S+>>>", text, re.DOTALL)
    assert current == [f'T-{place}\nAction: look({{"at": {place}}})']


def test_steps_that_are_judged_together_have_run_and_what_is_missing_is_said() -> None:
    holes = (*PAST.steps[:2], Step(tool="look"), Step())
    case = Case(id="s", prompt="Who?", trajectory=Trajectory(steps=holes))
    (together,) = asked(Judge(graph(decide="generate"), models={"default": ScriptedModel(reply)}), case)
    single = asked(Judge(graph(decide="logprobs"), models={"default": ScriptedModel(reply)}), case)
    assert len(single) == 4
    for text in (together, single[0].split("How right")[0]):
        assert all(told in text for told in ("R-0", "R-1", NO_RESULT, EMPTY))
    # the step itself stands below the trajectory
    assert single[1].rsplit("<<<step 1", 1)[1].count("R-1") == 1
    assert NO_RESULT in single[2].rsplit("<<<step 2", 1)[1]
    assert EMPTY in single[3].rsplit("<<<step 3", 1)[1]


def test_an_empty_candidate_is_said_to_be_empty() -> None:
    for text in asked(Judge(graph(), models={"default": ScriptedModel(reply)}), Case(prompt="?", candidates=["", "x"])):
        assert EMPTY in text


def test_a_search_made_for_the_embedded_model_does_not_look_for_the_result() -> None:
    seen: list[str] = []

    async def look(query: str) -> str:
        """Search.

        Args:
            query: What for.
        """
        seen.append(query)
        return "nothing"

    spec = gathering("logprobs")
    spec["nodes"]["gather"]["tools"] = ["look"]
    model = ScriptedModel(reply, embedded=True)
    judge = Judge(spec, models={"default": model}, tools=[tool(look)])
    judge(Case(id="s", prompt="Who?", candidates=CANDIDATES))
    assert any("C-0" in query for query in seen)
    assert not any("SECRET" in query for query in seen)
