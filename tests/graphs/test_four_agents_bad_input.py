"""Bad input to four agents, guided search and trajectories: each ends typed, and says what is wrong and where.

What is written here is what a stranger would try first, through the names that `adjudge` exports. The details of each
stand beside the agents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from adjudge import (
    Answer,
    Case,
    CaseError,
    ConfigError,
    Judge,
    JudgeResult,
    Message,
    ScriptedModel,
    Step,
    ToolError,
    Trajectory,
    Unscored,
    case_of_messages,
    guide,
    tool,
)
from adjudge.models.scripted import Request
from adjudge.types import Plan
from adjudge.types.messages import assistant, tool_call

GOALS = ("find x", "find y")
CASE = Case(id="c", prompt="What is x + y?")
ACCEPT = {"plan_at_fault": False, "execution_at_fault": False, "step": None, "mistake": ""}


def plan(*goals: str, uses: Sequence[int] = ()) -> dict[str, Any]:
    return {"steps": [{"goal": goal, "expected": "a number", "uses": list(uses)} for goal in goals]}


def flag(what: str, step: Any = 1, mistake: str = "5, not 3") -> dict[str, Any]:
    plan_too, execution = what in ("plan", "both"), what in ("execution", "both")
    return {"plan_at_fault": plan_too, "execution_at_fault": execution, "step": step, "mistake": mistake}


KINDS = ("examples", "steps", "plan_at_fault", "answer")
USUAL: dict[str, Any] = {
    "examples": {"examples": [{"question": "Like?", **plan("a")}]},
    "steps": plan(*GOALS),
    "plan_at_fault": ACCEPT,
    "answer": {"answer": "7", "citations": []},
    "result": "3\nso it says",
}


class Team:
    """Four agents that do as usual, but for what is named: always the same reply, or what a function makes of it."""

    def __init__(self, **changed: Any) -> None:
        self.replies = {**USUAL, **changed}
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Any:
        wanted = (request.sampling.json_schema or {}).get("properties", {})
        kind = next((name for name in KINDS if name in wanted), "result")
        self.asked.append(kind)
        reply = self.replies[kind]
        return reply(request) if callable(reply) else reply


def calls(name: str, **arguments: Any) -> Callable[[Request], Any]:
    """An executor that calls a tool first, and then writes what it can."""

    def reply(request: Request) -> Any:
        if request.tools and request.messages[-1]["role"] != "tool":
            return assistant("", [tool_call("x", name, json.dumps(arguments))])
        return "I guess 3."

    return reply


def judged(team: Team, case: Case = CASE, **more: Any) -> JudgeResult:
    return Judge.load("four_agents", model=ScriptedModel(team), **more)(case)


# Plans


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([], "steps must be a list of 1 to 6 objects"),
        (plan("find x", uses=[0])["steps"], "step 0 may use the results of earlier steps only, found [0]"),
        ([*plan("a")["steps"], *plan("b", uses=[1])["steps"]], "step 1 may use the results of earlier steps only"),
        ([*plan("a", uses=[1])["steps"], *plan("b", uses=[0])["steps"]], "step 0 may use the results of earlier"),
    ],
    ids=["no steps", "a step that names itself", "the second names itself", "two that name each other"],
)
def test_a_plan_that_cannot_be_followed_is_sent_back_and_then_unscored(steps: list[Any], why: str) -> None:
    team = Team(steps={"steps": steps})
    outcome = judged(team).outcome
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "parse_failure"
    assert "no plan can be read" in outcome.detail
    assert why in outcome.detail
    assert team.asked == ["examples", "steps", "steps", "steps"]  # two repairs, and nobody carries out or answers


@pytest.mark.parametrize("steps", [[], [{"goal": "a", "uses": [0]}], [{"goal": ""}]])
def test_in_python_no_such_plan_can_be_made(steps: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"steps"):
        Plan.model_validate({"steps": steps})


# Flags


@pytest.mark.parametrize("what", ["plan", "execution", "both"])
def test_a_judge_that_flags_for_ever_ends_at_the_cap_and_it_is_said(what: str) -> None:
    team = Team(plan_at_fault=flag(what))
    result = judged(team)
    assert result.outcome == Answer(text="7")
    assert result.process is not None
    assert result.process.checked == "capped"
    kind = "execution" if what == "execution" else "plan"  # of contradicting flags that on the plan goes first
    assert [(done.flag.kind, done.flag.step) for done in result.process.rounds] == [(kind, 1)] * 4
    assert team.asked.count("plan_at_fault") == 4
    assert team.asked.count("steps") == (1 if kind == "execution" else 4)


class Contradiction(NamedTuple):
    reply: dict[str, Any]
    why: str


CONTRADICTIONS = {
    "a step that does not exist": Contradiction(flag("execution", 7), "a step, from 0 to 1, found 7"),
    "a step before the first": Contradiction(flag("plan", -1), "a step, from 0 to 1, found -1"),
    "no step": Contradiction(flag("plan", None), "a step, from 0 to 1, found null"),
    "no mistake": Contradiction(flag("execution", 0, " "), "mistake must say what is wrong with the step"),
    "nothing at fault, and a mistake": Contradiction(flag("", 1), "nothing is at fault, and still step 1"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_flag_that_contradicts_itself_or_the_plan_is_sent_back(name: str) -> None:
    found = CONTRADICTIONS[name]
    replies = iter([found.reply, flag("execution", 1), ACCEPT])
    seen: list[str] = []

    def check(request: Request) -> Any:
        seen.append(str(request.messages[-1]["content"]))
        return next(replies)

    result = judged(Team(plan_at_fault=check))
    assert found.why in seen[1]
    assert result.process is not None
    assert [done.flag.step for done in result.process.rounds] == [1]
    assert result.process.checked == "accepted"


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_one_that_stays_so_corrects_nothing_and_the_answer_is_marked_as_unchecked(name: str) -> None:
    team = Team(plan_at_fault=CONTRADICTIONS[name].reply)
    result = judged(team)
    assert result.outcome == Answer(text="7")
    assert result.process is not None
    assert (result.process.checked, result.process.rounds) == ("unreadable", ())
    assert team.asked.count("plan_at_fault") == 3
    strict = judged(Team(plan_at_fault=CONTRADICTIONS[name].reply), settings=["edges.check.failed=end"])
    assert isinstance(strict.outcome, Unscored)
    assert "the check of the process cannot be read" in strict.outcome.detail
    assert CONTRADICTIONS[name].why in strict.outcome.detail


# Tools and documents


@tool(name="corpus")
async def gone(query: str) -> str:
    """Search.

    Args:
        query: What for.
    """
    raise ConnectionError("the index is gone")


@tool(name="corpus")
async def refuses(query: str) -> str:
    """Search.

    Args:
        query: What for.
    """
    raise ToolError("the index is being rebuilt")


@pytest.mark.parametrize(
    ("tools", "name", "why"),
    [
        ({"corpus": gone}, "corpus", "ConnectionError: the index is gone"),
        ({"corpus": refuses}, "corpus", "the index is being rebuilt"),
        ({}, "catalogue", "there is no tool 'catalogue'; there are: corpus, documents, python, read"),
    ],
    ids=["it breaks", "it refuses", "it was never there"],
)
def test_a_tool_that_is_gone_is_told_to_the_executor_and_then_unscored(
    tools: dict[str, Any], name: str, why: str
) -> None:
    seen: list[str] = []

    def execute(request: Request) -> Any:
        seen.append(str(request.messages[-1]["content"]))
        return calls(name, query="height")(request)

    result = judged(Team(result=execute), tools=tools)
    assert why in seen[1]
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "tool_failure"
    assert why in result.outcome.detail
    assert result.process is not None
    assert [output.tools_failed for output in result.process.outputs] == [True, True]  # where


def test_a_tool_that_a_graph_names_and_does_not_have_is_refused_at_load() -> None:
    with pytest.raises(ConfigError, match=r"nodes.execute.tools.0: unknown tool; found 'serch'; allowed: corpus"):
        Judge.load("four_agents", model=ScriptedModel([]), settings=["nodes.execute.tools=[serch]"])


@tool(name="corpus")
async def steady(query: str) -> str:
    """Search.

    Args:
        query: What for.
    """
    return "x is 3"


def test_a_step_whose_calls_all_failed_is_marked_and_the_rest_goes_on() -> None:
    def execute(request: Request) -> Any:
        first = "Step 0: " in request.text
        return calls("corpus", query="x")(request) if first else calls("documents", id="nowhere")(request)

    result = judged(Team(result=execute), tools={"corpus": steady})
    assert isinstance(result.outcome, Answer)
    assert result.process is not None
    assert [output.tools_failed for output in result.process.outputs] == [False, True]


UNREADABLE = {
    "torn.pdf": (b"%PDF-1.7\n" + bytes(range(256)) * 20, "malformed or cut off"),
    "empty.docx": (b"", "cannot be read"),
    "noise.xlsx": (bytes(range(256)) * 8, "cannot be read"),
    "missing.pdf": (None, "does not exist"),
    "../../etc/passwd": (None, "does not exist"),
}


@pytest.mark.parametrize("path", UNREADABLE)
def test_a_document_that_cannot_be_read_is_named_and_then_unscored(path: str, tmp_path: Path) -> None:
    content, why = UNREADABLE[path]
    if content is not None:
        (tmp_path / path).write_bytes(content)
    case = Case.model_validate({"id": "c", "prompt": "How high?", "documents": [{"id": "survey", "path": path}]})
    where = [f"tools.documents.root={tmp_path}", "tools.documents.seconds=10"]
    outcome = judged(Team(result=calls("documents", id="survey")), case, settings=where).outcome
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "tool_failure"
    assert "document 'survey'" in outcome.detail
    assert why in outcome.detail


# Agents that are guided


class Agent:
    """Proposes what its script says for each step: nothing, or always the same."""

    def __init__(self, *script: Step | None) -> None:
        self.script = script
        self.executed = 0

    async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
        return self.script[min(len(steps), len(self.script) - 1)]

    async def execute(self, step: Step) -> str:
        self.executed += 1
        return "nothing new"


def guiding() -> tuple[Judge, ScriptedModel]:
    model = ScriptedModel([])  # any call would be an error
    return Judge.load("information_gain", model=model), model


@pytest.mark.parametrize("proposed", [None, Step(), Step(thought=" \n")], ids=["None", "an empty step", "blanks"])
def test_an_agent_that_proposes_no_step_ends_the_search_and_it_is_said(proposed: Step | None) -> None:
    judge, model = guiding()
    found = guide(Agent(proposed), judge, n=4)("Who?")
    assert (found.answer, found.stopped, found.trajectory.steps) == (None, "no step was proposed", ())
    assert not model.requests


def test_an_agent_that_proposes_the_same_step_n_times_is_not_judged_and_ends_at_max_steps() -> None:
    judge, model = guiding()
    agent = Agent(Step(thought="Again.", tool="look", arguments={"at": "x"}))
    found = guide(agent, judge, n=4, max_steps=3)("Who?")
    assert (found.answer, found.stopped, agent.executed) == (None, "max_steps", 3)
    assert [(choice.chosen, choice.scores, choice.judged) for choice in found.choices] == [(0, (None,) * 4, False)] * 3
    assert not model.requests


def test_an_agent_that_gives_the_same_answer_n_times_has_answered() -> None:
    judge, model = guiding()
    found = guide(Agent(Step(thought="Eliot.")), judge, n=4)("Who?")
    assert (found.answer, found.stopped) == ("Eliot.", "answered")
    assert not model.requests


# Trajectories


def told(steps: int) -> dict[str, Any]:
    return {"rationale": "r", "citations": [], "steps": [5] * steps, "first_wrong_step": None}


CALL = {"id": "x", "type": "function", "function": {"name": "look", "arguments": "{}"}}
ASKED, LOOKS = {"role": "user", "content": "Who?"}, {"role": "assistant", "content": "I look.", "tool_calls": [CALL]}
ANSWERS = {"role": "assistant", "content": "Eliot."}


@pytest.mark.parametrize(
    "messages",
    [[ASKED, LOOKS, ANSWERS], [ASKED, LOOKS, {"role": "user", "content": "Well?"}, ANSWERS], [ASKED, LOOKS]],
    ids=["in the middle", "the user spoke", "at the end"],
)
def test_a_missing_tool_result_is_told_to_the_judge_and_kept_in_the_case(messages: list[Any]) -> None:
    case = case_of_messages(messages)
    assert case.metadata["imported"]["unanswered"] == [0]
    assert case.trajectory is not None
    assert case.trajectory.steps[0].unanswered
    model = ScriptedModel([told(len(case.trajectory.steps))])
    result = Judge.load("direct", model=model, mode="step")(case)
    assert result.scored
    assert "(no result was recorded)" in model.requests[0].text


def test_a_result_without_its_call_is_an_error_at_its_place() -> None:
    orphan = {"role": "tool", "tool_call_id": "y", "content": "a book"}
    messages = [ASKED, LOOKS, orphan]
    why = r"messages.2: this result belongs to no call that waits for one; found 'y'; allowed: look \(x\); keep a call"
    with pytest.raises(CaseError, match=why):
        case_of_messages(messages)
    with pytest.raises(CaseError, match=why):
        Trajectory.from_messages(cast("list[Message]", messages))


def test_a_case_without_steps_is_an_error_that_says_what_to_add() -> None:
    judge, _ = guiding()
    with pytest.raises(CaseError, match=r"case 'c': a step judge needs the steps of an agent: .*found neither"):
        judge(CASE)
