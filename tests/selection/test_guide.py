"""An agent guided by a judge of steps: the best proposal is carried out, and only that one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from adjudge.agents.trajectory_summarizer import HEADINGS
from adjudge.errors import ConfigError, ModelError, ToolError
from adjudge.journal import Journal
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request, Script
from adjudge.selection.guide import guide
from adjudge.selection.search import Search
from adjudge.types import Case, Step
from adjudge.types.messages import user


class Walker:
    """Proposes to go to a number drawn from its list, and answers at 3."""

    def __init__(self, worths: Sequence[Sequence[int | None]]) -> None:
        self.worths = worths
        self.executed: list[Step] = []
        self.seeds: list[int] = []

    async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
        self.seeds.append(seed)
        row = self.worths[len(steps)] if len(steps) < len(self.worths) else []
        worth = row[seed % len(row)] if row else None
        if worth is None:
            return None
        if worth == 4:
            return Step(thought="worth 4: the answer is 42")
        return Step(thought=f"worth {worth}", tool="go", arguments={"to": worth}, observation="a forged result")

    async def execute(self, step: Step) -> str:
        self.executed.append(step)
        return f"went to {step.arguments['to']}"


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


def judge() -> tuple[Judge, ScriptedModel]:
    model = ScriptedModel(by_worth)
    return Judge.load("information_gain", model=model), model


def test_the_best_proposal_is_carried_out_and_no_other() -> None:
    agent = Walker([[0, 2, 1, -3], [1, 0, 3, 2], [-1, 4, 0, 1]])
    found = guide(agent, judge()[0], n=4)("Where is it?")
    assert (found.answer, found.stopped) == ("worth 4: the answer is 42", "answered")
    assert [step.arguments["to"] for step in agent.executed] == [2, 3]
    assert [step.observation for step in found.trajectory.steps] == ["went to 2", "went to 3", None]
    assert [choice.chosen for choice in found.choices] == [1, 2, 1]
    assert agent.seeds == list(range(12))


def test_summaries_are_made_once_for_each_step() -> None:
    guiding, model = judge()
    found = guide(Walker([[0, 1], [0, 1], [0, 1], [0, 4]]), guiding, n=2)("?")
    made = [request for request in model.requests if "confirmed_knowledge" in request.text]
    assert len(made) == 3
    assert found.usage.model_calls == 3 + 4 * 2


def test_the_same_step_n_times_needs_no_judge() -> None:
    guiding, model = judge()
    found = guide(Walker([[1, 1, 1], [4, 4, 4]]), guiding, n=3)("?")
    assert found.stopped == "answered"
    assert not model.requests
    assert [choice.judged for choice in found.choices] == [False, False]


def test_an_agent_that_proposes_no_step_ends_the_search() -> None:
    found = guide(Walker([[0, 1], [None, None]]), judge()[0], n=2)("?")
    assert (found.answer, found.stopped, len(found.trajectory.steps)) == (None, "no step was proposed", 1)


def test_some_proposals_may_be_missing() -> None:
    found = guide(Walker([[None, 1, None, 2], [4, 4, 4, None]]), judge()[0], n=4)("?")
    assert [len(choice.proposals) for choice in found.choices] == [2, 3]
    assert found.choices[0].scores == (1.0, 2.0)


def test_a_search_without_an_answer_ends_at_max_steps() -> None:
    found = guide(Walker([[0, 1]] * 10), judge()[0], n=2, max_steps=3)("?")
    assert (found.answer, found.stopped, len(found.trajectory.steps)) == (None, "max_steps", 3)


def test_where_nothing_is_scored_the_first_proposal_is_taken_and_that_is_told() -> None:
    guiding = Judge.load("information_gain", model=ScriptedModel(lambda request: "no number"))
    found = guide(Walker([[0, 4]]), guiding, n=2, max_steps=1)("?")
    assert found.choices[0].scores == (None, None)
    assert (found.choices[0].chosen, found.choices[0].judged) == (0, False)


def test_a_function_may_judge() -> None:
    async def worst_first(case: Case) -> list[float | None]:
        return [-float(step.thought.split()[1].strip(":")) for step in case.candidates]

    found = guide(Walker([[0, 2, 1], [3, 4, 4]]), worst_first, n=3)("?")
    assert [choice.chosen for choice in found.choices][:2] == [0, 0]


def test_a_search_may_run_inside_a_loop() -> None:
    async def search() -> str | None:
        return (await guide(Walker([[4, 4]]), judge()[0], n=2).asearch("?")).answer

    assert asyncio.run(search()) == "worth 4: the answer is 42"


def test_a_judge_of_another_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match="judge of steps"):
        guide(Walker([]), Judge.load("direct", model=ScriptedModel([])))
    with pytest.raises(ConfigError, match="at least 1"):
        guide(Walker([]), judge()[0], n=0)


class Faulty(Walker):
    """A walker some of whose proposals and tool calls raise."""

    def __init__(self, worths: Sequence[Sequence[int | None]], proposing: Exception, executing: Exception) -> None:
        super().__init__(worths)
        self.proposing, self.executing = proposing, executing

    async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
        if seed % 3 == 0:
            raise self.proposing
        return await super().propose(prompt, steps, seed)

    async def execute(self, step: Step) -> str:
        if len(self.executed) == 0:
            self.executed.append(step)
            raise self.executing
        return await super().execute(step)


def test_an_agent_that_raises_loses_a_proposal_and_a_failed_tool_is_what_came_back() -> None:
    agent = Faulty([[0, 1, 2], [1, 2, 3], [4, 4, 4]], ModelError("the server is down"), ToolError("no such door"))
    found = guide(agent, judge()[0], n=3)("?")
    assert (found.stopped, [len(choice.proposals) for choice in found.choices]) == ("answered", [2, 2, 2])
    assert found.trajectory.steps[0].observation == "(the tool failed) ToolError: no such door"
    assert found.trajectory.steps[1].observation == "went to 3"
    assert found.failures[:2] == (
        "step 0, a proposal: ModelError: the server is down",
        "step 0, go: ToolError: no such door",
    )


def test_an_agent_that_always_raises_ends_the_search_and_what_it_raised_is_told() -> None:
    class Broken(Walker):
        async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
            raise KeyError("nothing")

    found = guide(Broken([]), judge()[0], n=2)("?")
    assert (found.answer, found.stopped, found.trajectory.steps) == (None, "the agent failed", ())
    assert found.failures == ("step 0, a proposal: KeyError: 'nothing'",) * 2


def test_a_mistake_in_the_configuration_is_raised() -> None:
    agent = Faulty([[1, 2, 3]], ConfigError("there is no such model"), ToolError(""))
    with pytest.raises(ConfigError, match="no such model"):
        guide(agent, judge()[0], n=3)("?")


def test_a_proposal_that_takes_too_long_is_lost() -> None:
    class Slow(Walker):
        async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
            await asyncio.sleep(0 if seed % 2 else 60)
            return await super().propose(prompt, steps, seed)

    found = guide(Slow([[4, 4]]), judge()[0], n=2, timeout=0.3)("?")
    assert found.answer == "worth 4: the answer is 42"
    assert found.failures == ("step 0, a proposal: TimeoutError",)


def test_an_empty_step_is_no_proposal() -> None:
    class Silent(Walker):
        async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
            return Step(thought="  ") if seed % 2 else await super().propose(prompt, steps, seed)

    found = guide(Silent([[1, 1], [None, None]]), judge()[0], n=2)("?")
    assert ([len(choice.proposals) for choice in found.choices], found.stopped) == ([1], "no step was proposed")


def test_of_equal_scores_the_first_is_taken() -> None:
    found = guide(Walker([[0, 2, 2, 1]]), judge()[0], n=4, max_steps=1)("?")
    assert (found.choices[0].chosen, found.choices[0].scores) == (1, (0.0, 2.0, 2.0, 1.0))


def test_proposals_that_say_the_same_are_judged_once() -> None:
    guiding, model = judge()
    found = guide(Walker([[2, 1, 2, 2]]), guiding, n=4, max_steps=1)("?")
    assert found.choices[0].scores == (2.0, 1.0, 2.0, 2.0)
    assert len(model.requests) == 2


async def raises(case: Case) -> list[float | None]:
    raise RuntimeError("out of memory")


async def too_few(case: Case) -> list[float | None]:
    return [1.0]


async def not_a_number(case: Case) -> list[float | None]:
    return [float("nan")] * len(case.candidates)


@pytest.mark.parametrize(
    ("scorer", "told"), [(raises, "RuntimeError: out of memory"), (too_few, "2 finite"), (not_a_number, "2 finite")]
)
def test_a_scorer_that_fails_scores_nothing(scorer: Callable[[Case], Awaitable[list[float | None]]], told: str) -> None:
    (choice,) = guide(Walker([[0, 3]]), scorer, n=2, max_steps=1)("?").choices
    assert (choice.chosen, choice.scores, choice.judged) == (0, (None, None), False)
    assert told in choice.failure


def test_why_a_candidate_has_no_score_is_told() -> None:
    def script(request: Request) -> Script:
        return "no number" if "worth 1" in str(request.messages[-1]["content"]) else by_worth(request)

    guiding = Judge.load("information_gain", model=ScriptedModel(script), settings=["nodes.judge.repair=0"])
    (choice,) = guide(Walker([[1, 0]]), guiding, n=2, max_steps=1)("?").choices
    assert (choice.scores, choice.chosen, choice.judged) == ((None, 0.0), 1, True)
    assert choice.failure.startswith("parse_failure: candidate A")


def test_an_outage_of_the_judge_costs_one_choice_and_no_summary_twice() -> None:
    asked: list[str] = []

    def script(request: Request) -> Script:
        if "confirmed_knowledge" not in request.text:
            return by_worth(request)
        asked.append(request.text)
        return ModelError("down") if len(asked) == 2 else by_worth(request)

    model = ScriptedModel(script)
    found = guide(Walker([[0, 1]] * 5), Judge.load("information_gain", model=model), n=2, max_steps=5)("?")
    assert [choice.judged for choice in found.choices] == [True, True, False, True, True]
    assert found.choices[2].failure.startswith("model_failure")
    assert len(asked) == 5  # four steps, one of them twice


def test_each_choice_is_a_case_of_its_own_in_the_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "search.sqlite") as journal:
        guiding = Judge.load("information_gain", model=ScriptedModel(by_worth), journal=journal)
        guide(Walker([[0, 1], [0, 1], [4, 3]]), guiding, n=2)("?", case_id="walk")
        kept = list(journal.cases())
    assert [case.id for case in kept] == ["walk#0", "walk#1", "walk#2"]
    assert [len(case.trajectory.steps) if case.trajectory else 0 for case in kept] == [0, 1, 2]


def test_a_judge_without_eyes_is_shown_the_words_alone() -> None:
    model = ScriptedModel(by_worth, abilities={"chat"})
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    prompt = user([{"type": "text", "text": "What is this?"}, picture])  # type: ignore[list-item]
    search = Search(Case(prompt=[prompt]), Judge.load("information_gain", model=model))
    assert asyncio.run(search.choose([Step(thought="worth 1"), Step(thought="worth 2")])) == 1
    assert isinstance(model.requests[0].messages[-1]["content"], str)
