"""What other models say of a rollout."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from adjudge import Case, Judge
from adjudge.errors import ConfigError
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.training.rewards.locals import CriteriaGain
from adjudge.training.rewards.mact import MactAgents, MactGlobal
from adjudge.training.rollouts import Rollout
from adjudge.training.rollouts.measures import MeasureSettings, measure, open_measures
from adjudge.training.rollouts.measures.criteria import CriteriaMeasure
from adjudge.training.rollouts.measures.process import ProcessMeasure
from adjudge.types import Answer, Criterion, JudgeResult, Outcome, Plan, PlanStep, Process, StepOutput, Verdict
from tests.training.rollouts.small import case

TRUE = Criterion(name="truth", description="Names the author.", weight=2)


def result(outcome: Outcome, process: Process | None = None) -> JudgeResult:
    made = Judge.load("direct", model=ScriptedModel([]))
    return JudgeResult(id="c", outcome=outcome, graph=made.fingerprint, process=process)


class Letters:
    """A model for which A is three times as likely as B once it reads the criteria."""

    info = ScriptedModel([]).info

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def score(self, prefix: Any, continuations: Any) -> Any:
        from adjudge.models import Scored

        text = prefix[0]["content"]
        self.asked.append(text)
        odds = 3.0 if "Names the author." in text else 1.0
        return Scored(((math.log(odds) - 5,), (-5.0,)))


def test_the_gain_is_what_the_criteria_add_to_the_right_letter() -> None:
    model: Any = Letters()
    outcome = Verdict(winner="B", principles=(TRUE,))
    for label, wanted in (("A", math.log(0.75 / 0.5)), ("B", math.log(0.25 / 0.5))):
        one = case("c", label)
        found = asyncio.run(measure([CriteriaMeasure(model)], one, result(outcome)))
        rollout = Rollout(case=one, outcome=outcome, measured=found)
        assert CriteriaGain().of(rollout) == pytest.approx(wanted)
    assert "truth (weight 2)" in model.asked[0]
    assert "Criteria" not in model.asked[1]


@pytest.mark.parametrize(
    ("outcome", "label"), [(Verdict(winner="A"), "A"), (Verdict(winner="A", principles=(TRUE,)), "tie")]
)
def test_nothing_is_measured_without_criteria_or_a_right_letter(outcome: Verdict, label: str) -> None:
    model: Any = Letters()
    asked = case("c", "A").model_copy(update={"label": label})
    assert asyncio.run(measure([CriteriaMeasure(model)], asked, result(outcome))) == {}


def test_a_model_that_cannot_score_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not score given replies"):
        CriteriaMeasure(ScriptedModel([], abilities={"chat"}))


PLAN = Plan(steps=(PlanStep(goal="Find who wrote it."), PlanStep(goal="Find when.", uses=(0,))))
PROCESS = Process(
    plans=(PLAN,),
    outputs=(StepOutput(step=0, output="George Eliot."), StepOutput(step=1, failed="the tool is gone")),
    checked="accepted",
)


def scorer(request: Request) -> str:
    """5 of 1 to 10, but 10 for what names the author."""
    shown = request.text.rpartition("<<<response")[2]
    return f'{{"rationale": "", "citations": [], "score": {10 if "George Eliot" in shown else 5.5}, "confidence": 1}}'


def test_each_agent_and_the_whole_are_scored_on_the_unit_interval() -> None:
    judge = Judge.load(
        "direct", model=ScriptedModel(scorer), settings=["mode=pointwise", "nodes.judge.decide=generate"]
    )
    asked = Case(id="c", prompt="Who wrote it, and when?", label="George Eliot")
    outcome = Answer(text="George Eliot, in 1871.")
    found = asyncio.run(measure([ProcessMeasure(judge)], asked, result(outcome, PROCESS)))
    assert found == {
        "planning": (0.5, 0.5),
        "execution": (1.0, 0.0),  # no output is worth nothing, and nobody is asked
        "judgment": (0.5,),
        "answer": (1.0,),
        "global": (1.0,),
    }
    rollout = Rollout(case=asked, outcome=outcome, measured=found)
    assert MactAgents().of(rollout) == pytest.approx((0.5 + 0.5 + 0.5 + 1) / 4)
    assert MactGlobal().of(rollout) == 1.0


def test_a_judgement_without_a_plan_is_not_measured_and_a_failure_leaves_the_rest() -> None:
    judge = Judge.load(
        "direct", model=ScriptedModel(scorer), settings=["mode=pointwise", "nodes.judge.decide=generate"]
    )
    model: Any = Letters()

    class Gone:
        async def __call__(self, case: Case, result: JudgeResult) -> dict[str, tuple[float, ...]]:
            raise ConfigError("gone")

    found = asyncio.run(
        measure(
            [ProcessMeasure(judge), Gone(), CriteriaMeasure(model)],
            case("c", "A"),
            result(Verdict(winner="A", principles=(TRUE,))),
        )
    )
    assert set(found) == {"criteria_gain"}


def test_a_judge_of_pairs_scores_no_step() -> None:
    with pytest.raises(ConfigError, match="gives no number to a single response"):
        ProcessMeasure(Judge.load("direct", model=ScriptedModel([])))


def test_a_recipe_names_who_is_asked(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("{}")
    scripted = f"scripted:{tmp_path / 'script.txt'}"
    settings = MeasureSettings.model_validate(
        {"criteria_gain": {"model": scripted}, "mact": {"model": scripted, "settings": ["nodes.judge.decide=generate"]}}
    )
    assert settings.gives == {"criteria_gain", "mact_agents", "mact_global"}
    assert len(open_measures(settings, tmp_path)) == 2
    assert open_measures(MeasureSettings(), tmp_path) == ()
